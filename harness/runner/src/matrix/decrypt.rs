//! The encrypted part of a captured ISAKMP SA, read with the key that a side has logged.

use std::collections::BTreeMap;

use bytes::Bytes;
use ikev1::crypto::{CipherAlgorithm, HashAlgorithm, reference};
use ikev1::keys::{last_block, phase1_iv, phase2_iv};
use ikev1::wire::{Chain, Header, Trailing, WireLimits, decode_chain};

/// The cipher of every combination.
pub(super) const CIPHER: CipherAlgorithm = CipherAlgorithm::AesCbc128;
/// The hash of every combination.
const HASH: HashAlgorithm = HashAlgorithm::Sha1;

/// The IVs of one ISAKMP SA (RFC 2409 Appendix B): one chain for phase 1, one for each M-ID after it.
///
/// The first IV comes from the public values, which are in the clear; all others from ciphertext. So they are known without
/// the key, and a message that cannot be read does not break the chain of those behind it.
#[derive(Debug, Clone, Default)]
pub(super) struct IvChains {
    phase1: Option<Vec<u8>>,
    phase2: BTreeMap<u32, Vec<u8>>,
}

impl IvChains {
    /// The chain of an SA with these public values.
    pub(super) fn begin(&mut self, g_xi: &[u8], g_xr: &[u8]) {
        self.phase1 = Some(phase1_iv(reference(), HASH, CIPHER, g_xi, g_xr));
    }

    /// The IV of an encrypted message; the chain moves on behind it.
    pub(super) fn advance(&mut self, m_id: u32, ciphertext: &[u8]) -> Option<Vec<u8>> {
        let next = last_block(CIPHER, ciphertext)?.to_vec();
        if m_id == 0 {
            return self.phase1.replace(next);
        }
        let first = || self.phase1.as_ref().map(|last| phase2_iv(reference(), HASH, CIPHER, last, m_id));
        let iv = self.phase2.remove(&m_id).or_else(first)?;
        self.phase2.insert(m_id, next);
        Some(iv)
    }
}

/// The payloads of an encrypted message, or why there are none.
pub(super) fn open(header: &Header, ciphertext: &[u8], ka: &[u8], iv: &[u8]) -> Result<Chain, String> {
    let mut body = ciphertext.to_vec();
    reference().cbc_decrypt(CIPHER, ka, iv, &mut body).map_err(|error| error.to_string())?;
    decode_chain(header.next_payload, &Bytes::from(body), Trailing::Padding, &WireLimits::default())
        .map_err(|error| error.to_string())
}
