//! HASH_I and HASH_R, which authenticate phase 1 (RFC 2409 section 5).

use super::Skeyid;
use crate::crypto::{CryptoProvider, HashAlgorithm};
use crate::deviation::{Deviation, deviates};

/// What HASH_I and HASH_R cover besides SKEYID.
///
/// The payload bodies are the bytes as they were on the wire, never a re-encoding.
#[derive(Debug, Clone, Copy)]
pub struct AuthHashInput<'a> {
    /// The initiator's public value, body of its KE payload.
    pub g_xi: &'a [u8],
    /// The responder's public value, body of its KE payload.
    pub g_xr: &'a [u8],
    /// CKY-I.
    pub cky_i: [u8; 8],
    /// CKY-R.
    pub cky_r: [u8; 8],
    /// Body of the SA payload that the initiator offered, with every proposal in it.
    pub sai_b: &'a [u8],
    /// Body of the ID payload of the side that proves itself: IDii_b for HASH_I, IDir_b for HASH_R.
    pub id_b: &'a [u8],
}

/// `HASH_I = prf(SKEYID, g^xi | g^xr | CKY-I | CKY-R | SAi_b | IDii_b)` (RFC 2409 section 5)
#[must_use]
pub fn hash_i(
    p: &dyn CryptoProvider,
    h: HashAlgorithm,
    skeyid: &Skeyid,
    input: &AuthHashInput<'_>,
) -> Vec<u8> {
    let AuthHashInput { g_xi, g_xr, cky_i, cky_r, sai_b, id_b } = input;
    if deviates(Deviation::HashIWithCookiesSwapped) {
        return p.prf(h, skeyid.as_bytes(), &[g_xi, g_xr, cky_r, cky_i, sai_b, id_b]).as_bytes().to_vec();
    }
    p.prf(h, skeyid.as_bytes(), &[g_xi, g_xr, cky_i, cky_r, sai_b, id_b]).as_bytes().to_vec()
}

/// `HASH_R = prf(SKEYID, g^xr | g^xi | CKY-R | CKY-I | SAi_b | IDir_b)` (RFC 2409 section 5)
#[must_use]
pub fn hash_r(
    p: &dyn CryptoProvider,
    h: HashAlgorithm,
    skeyid: &Skeyid,
    input: &AuthHashInput<'_>,
) -> Vec<u8> {
    let AuthHashInput { g_xi, g_xr, cky_i, cky_r, sai_b, id_b } = input;
    if deviates(Deviation::HashRInTheOrderOfHashI) {
        return hash_i(p, h, skeyid, input);
    }
    let sai_b = if deviates(Deviation::HashRWithoutSa) { &[] } else { *sai_b };
    p.prf(h, skeyid.as_bytes(), &[g_xr, g_xi, cky_r, cky_i, sai_b, id_b]).as_bytes().to_vec()
}
