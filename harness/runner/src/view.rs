//! An endpoint's SAs in the form in which both sides' SAs are recorded.

use ikev1::Endpoint;
use ikev1::event::{IpsecSaId, IsakmpSaId};
use ikev1_scenario::model::Which;

use crate::driver::{InfraError, IpsecSaView, IsakmpSaView, SaView};

/// An established ISAKMP SA of an endpoint.
///
/// # Errors
/// When there is none.
pub fn isakmp_sa(endpoint: &Endpoint, which: Which) -> Result<IsakmpSaId, InfraError> {
    let ids = endpoint.isakmp_sas().filter(|sa| sa.established).map(|sa| sa.id);
    of_these(ids, which).ok_or(InfraError::NoSuchSa("ISAKMP SA"))
}

/// A pair of IPsec SAs of an endpoint.
///
/// # Errors
/// When there is none.
pub fn ipsec_sa(endpoint: &Endpoint, which: Which) -> Result<IpsecSaId, InfraError> {
    of_these(endpoint.ipsec_sas().map(|sa| sa.id), which).ok_or(InfraError::NoSuchSa("IPsec SA"))
}

/// IDs rise as SAs are set up.
fn of_these<T: Ord>(ids: impl Iterator<Item = T>, which: Which) -> Option<T> {
    match which {
        Which::Newest => ids.max(),
        Which::Oldest => ids.min(),
    }
}

/// The SAs of an endpoint, oldest first.
pub fn of_endpoint(endpoint: &Endpoint) -> SaView {
    let mut isakmp: Vec<_> = endpoint.isakmp_sas().collect();
    isakmp.sort_by_key(|sa| sa.id);
    let mut ipsec: Vec<_> = endpoint.ipsec_sas().collect();
    ipsec.sort_by_key(|sa| sa.id);
    SaView {
        isakmp_sas: isakmp
            .iter()
            .map(|sa| IsakmpSaView { cookies: sa.cookies, role: sa.role, established: sa.established })
            .collect(),
        ipsec_sas: ipsec
            .iter()
            .map(|sa| IpsecSaView {
                protocol: sa.protocol,
                spi_in: sa.spi_in,
                spi_out: sa.spi_out,
                packets_in: Some(sa.packets_in),
                packets_out: Some(sa.packets_out),
            })
            .collect(),
    }
}
