//! What callers see of SAs.

use crate::config::Phase1Transform;
use crate::event::{IpsecSaId, IsakmpSaId, Role};
use crate::io::Timestamp;
use crate::wire::{CookiePair, EncapsulationMode, Identification, MessageId, ProtocolId};

/// An ISAKMP SA, standing or being set up.
#[derive(Debug, Clone)]
pub struct IsakmpSaInfo {
    /// Its identifier.
    pub id: IsakmpSaId,
    /// The configured peer's name.
    pub peer: String,
    /// CKY-I and CKY-R; the latter is zero until known.
    pub cookies: CookiePair,
    /// Our role in phase 1.
    pub role: Role,
    /// Phase 1 is complete.
    pub established: bool,
    /// What was negotiated, once established.
    pub transform: Option<Phase1Transform>,
    /// The identity that the peer authenticated, once established.
    pub remote_id: Option<Identification>,
    /// Speaks over the NAT traversal ports.
    pub nat_traversal: bool,
    /// When its lifetime ends.
    pub expires: Option<Timestamp>,
}

/// A pair of IPsec SAs.
#[derive(Debug, Clone)]
pub struct IpsecSaInfo {
    /// Its identifier.
    pub id: IpsecSaId,
    /// The ISAKMP SA that manages it now.
    pub isakmp_sa: IsakmpSaId,
    /// The policy's name.
    pub policy: String,
    /// AH, ESP or IPComp. Of the latter, packets that went uncompressed are not counted.
    pub protocol: ProtocolId,
    /// All pairs of its bundle, itself included, in the order in which they are applied to outgoing packets.
    pub bundle: Vec<IpsecSaId>,
    /// SPI of the inbound SA; the CPI of IPComp.
    pub spi_in: u32,
    /// SPI of the outbound SA; the CPI of IPComp.
    pub spi_out: u32,
    /// The clients on our side and on the peer's (IDci and IDcr); without them the SAs are between the ISAKMP peers.
    pub clients: Option<(Identification, Identification)>,
    /// Negotiated encapsulation mode.
    pub mode: EncapsulationMode,
    /// Sequence numbers of 64 bits were negotiated (RFC 4304).
    pub extended_sequence_numbers: bool,
    /// Our role in its quick mode.
    pub role: Role,
    /// CKY-I and CKY-R of the ISAKMP SA under which its quick mode ran.
    pub made_under: CookiePair,
    /// The M-ID of its quick mode.
    pub m_id: MessageId,
    /// Packets that came in and were accepted.
    pub packets_in: u64,
    /// Packets that went out.
    pub packets_out: u64,
    /// When its lifetime ends.
    pub expires: Timestamp,
}
