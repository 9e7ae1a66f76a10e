//! KEYMAT, the keying material of one IPsec SA (RFC 2409 section 5.5).

use super::SkeyidD;
use crate::crypto::{CryptoProvider, HashAlgorithm, Secret};
use crate::deviation::{Deviation, deviates};

/// What KEYMAT is made from besides SKEYID_d.
#[derive(Debug, Clone, Copy)]
pub struct KeymatInput<'a> {
    /// `g(qm)^xy` of this quick mode's own Diffie-Hellman exchange; `None` without PFS.
    pub g_xy: Option<&'a Secret>,
    /// Protocol-Id of the proposal that holds the chosen transform: 2 for AH, 3 for ESP.
    pub protocol: u8,
    /// SPI of the SA, chosen by the side that receives on it.
    pub spi: &'a [u8],
    /// Body of the initiator's nonce in this quick mode.
    pub ni_b: &'a [u8],
    /// Body of the responder's nonce in this quick mode.
    pub nr_b: &'a [u8],
}

/// `KEYMAT = K1 | K2 | K3 | ...`, `K1 = prf(SKEYID_d, [g(qm)^xy |] protocol | SPI | Ni_b | Nr_b)`,
/// `K2 = prf(SKEYID_d, K1 | [g(qm)^xy |] protocol | SPI | Ni_b | Nr_b)` ..., cut to `len` bytes
/// (RFC 2409 section 5.5)
///
/// For ESP the encryption key comes first, then the authentication key (RFC 2401 section 4.6.2).
/// `len` is the caller's own sum of key lengths, never a number from the peer.
#[must_use]
pub fn keymat(
    p: &dyn CryptoProvider,
    h: HashAlgorithm,
    skeyid_d: &SkeyidD,
    input: &KeymatInput<'_>,
    len: usize,
) -> Secret {
    let g_xy = input.g_xy.filter(|_| !deviates(Deviation::KeymatWithoutPfs));
    let g_xy = g_xy.map_or(&[][..], Secret::as_bytes);
    let protocol = [input.protocol];
    let protocol = if deviates(Deviation::KeymatWithoutProtocol) { &[][..] } else { &protocol };
    let swapped = deviates(Deviation::KeymatWithNoncesSwapped);
    let (first, second) = if swapped { (input.nr_b, input.ni_b) } else { (input.ni_b, input.nr_b) };
    let next = |previous: &[u8]| {
        let parts = [previous, g_xy, protocol, input.spi, first, second];
        p.prf(h, skeyid_d.as_bytes(), &parts)
    };
    let mut block = next(&[]);
    let mut material = block.as_bytes().to_vec();
    while material.len() < len {
        block = next(block.as_bytes());
        material.extend_from_slice(block.as_bytes());
    }
    material.truncate(len);
    Secret::new(material)
}
