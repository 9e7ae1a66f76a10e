//! ESP (RFC 2406, RFC 4303) and AH (RFC 2402) in user space, only as far as IPsec SAs need to prove
//! that they carry traffic.
//!
//! ```text
//! ESP  SPI (4) | sequence number (4) | IV | payload | padding | pad length (1) | next header (1) | ICV
//!                                           '------------------- encrypted -------------------'
//!      '------------------------------- integrity protected ------------------------------'
//! AH   next header (1) | payload len (1) | reserved (2) | SPI (4) | sequence number (4) | ICV | payload
//! ```
//!
//! [`EspSa`] and [`AhSa`] are one unidirectional SA each, and hold nothing but its keys: sealing and opening
//! are functions of the SA, the packet and, for the IV of an ESP packet, a random source. What changes
//! from packet to packet, the [`SequenceCounter`] of the sender and the [`ReplayWindow`] of the
//! receiver, is kept by the owner of the SA.
//!
//! The engine makes no outer IP header. For ESP that makes no difference. AH protects the immutable fields
//! of the header before it, so the caller hands them over; see [`AhSa`].
//!
//! With extended sequence numbers (RFC 4304) a packet carries the low 32 bits; the high ones stand behind what the ICV covers,
//! and only there (RFC 4303 section 2.2.1, RFC 4302 section 2.5.1).
//!
//! Not here: recovery from a loss of 2^32 packets (RFC 4303 Appendix A3), combined-mode ciphers, AH in IPv6 (its ICV is
//! padded to 64 bits), traffic selectors.
//!
//! IPComp (RFC 3173) is here too, as part of the bundles of such SAs: what gets smaller is compressed before it is protected.
//!
//! Nothing here panics on what a peer sends, and nothing is allocated by a length that a peer states.

mod ah_sa;
mod error;
mod esp_sa;
mod icv;
pub(crate) mod ipcomp;
mod keys;
mod replay;
#[cfg(test)]
mod tests;

pub use ah_sa::{AhSa, mutable_fields_zeroed};
pub use error::EspError;
pub use esp_sa::EspSa;
pub use keys::{keymat_len, split_keymat};
pub use replay::{ReplayWindow, SequenceCounter};

/// What an [`EspSa`] or an [`AhSa`] found in a packet that it opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Sequence number; all 64 bits of an extended one.
    pub seq: u64,
    /// Protocol number of the payload: 4 for IPv4 in tunnel mode, 59 for a dummy packet (RFC 4303 section 2.6).
    pub next_header: u8,
    /// The payload: an IP packet in tunnel mode, the payload of one in transport mode.
    pub payload: Vec<u8>,
}
