//! HASH(1), HASH(2) and HASH(3) of quick mode and the informational exchange (RFC 2409 sections 5.5 and 5.7).

use super::SkeyidA;
use crate::crypto::{CryptoProvider, HashAlgorithm};
use crate::deviation::{Deviation, deviates};

/// `HASH(1) = prf(SKEYID_a, M-ID | message after the HASH payload)` (RFC 2409 section 5.5)
///
/// `after_hash` holds every byte after the HASH payload, generic headers included, padding excluded. The
/// informational exchange uses the same formula with its own M-ID (section 5.7).
#[must_use]
pub fn hash_1(
    p: &dyn CryptoProvider,
    h: HashAlgorithm,
    skeyid_a: &SkeyidA,
    m_id: u32,
    after_hash: &[u8],
) -> Vec<u8> {
    let m_id = m_id.to_be_bytes();
    let m_id = if deviates(Deviation::Hash1WithoutMessageId) { &[][..] } else { &m_id };
    p.prf(h, skeyid_a.as_bytes(), &[m_id, after_hash]).as_bytes().to_vec()
}

/// `HASH(2) = prf(SKEYID_a, M-ID | Ni_b | message after the HASH payload)` (RFC 2409 section 5.5)
#[must_use]
pub fn hash_2(
    p: &dyn CryptoProvider,
    h: HashAlgorithm,
    skeyid_a: &SkeyidA,
    m_id: u32,
    ni_b: &[u8],
    after_hash: &[u8],
) -> Vec<u8> {
    let ni_b = if deviates(Deviation::Hash2WithoutNi) { &[] } else { ni_b };
    p.prf(h, skeyid_a.as_bytes(), &[&m_id.to_be_bytes(), ni_b, after_hash]).as_bytes().to_vec()
}

/// `HASH(3) = prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b)` (RFC 2409 section 5.5)
///
/// 0 is one byte.
#[must_use]
pub fn hash_3(
    p: &dyn CryptoProvider,
    h: HashAlgorithm,
    skeyid_a: &SkeyidA,
    m_id: u32,
    ni_b: &[u8],
    nr_b: &[u8],
) -> Vec<u8> {
    let zero: &[u8] = if deviates(Deviation::Hash3WithoutZero) { &[] } else { &[0] };
    p.prf(h, skeyid_a.as_bytes(), &[zero, &m_id.to_be_bytes(), ni_b, nr_b]).as_bytes().to_vec()
}
