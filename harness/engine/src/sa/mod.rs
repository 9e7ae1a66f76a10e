//! Security associations: the ISAKMP SA with its exchanges, and pairs of IPsec SAs.

mod info;
mod ipsec_sa;
mod isakmp_sa;
mod isakmp_table;

pub use info::{IpsecSaInfo, IsakmpSaInfo};
pub(crate) use ipsec_sa::{IpsecSaPair, IpsecTable, PacketProtection};
pub(crate) use isakmp_sa::{IsakmpSa, Phase2};
pub(crate) use isakmp_table::IsakmpTable;
