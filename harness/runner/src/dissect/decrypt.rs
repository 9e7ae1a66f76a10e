//! The encrypted part of a captured ISAKMP SA, read with a key that somebody has logged.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use ikev1::crypto::{CipherAlgorithm, HashAlgorithm, reference};
use ikev1::keys::{last_block, phase1_iv, phase2_iv};
use ikev1::wire::{Chain, PayloadType, Trailing, WireLimits, decode_chain};

/// IVs of one chain that are kept: a message that was forged, damaged or lost does not break it.
const IVS_KEPT: usize = 8;

/// What was negotiated for the ISAKMP SA, as far as encryption goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Suite {
    /// Its cipher.
    pub(crate) cipher: CipherAlgorithm,
    /// Its hash, which makes the first IVs.
    pub(crate) hash: HashAlgorithm,
}

/// The IVs of one ISAKMP SA (RFC 2409 Appendix B): one chain for phase 1, one for each M-ID after it.
///
/// The first IV comes from the public values, which are in the clear; all others from ciphertext. So they are known without
/// the key.
#[derive(Debug, Clone)]
pub(crate) struct IvChains {
    suite: Suite,
    /// Likeliest first.
    phase1: VecDeque<Vec<u8>>,
    phase2: BTreeMap<u32, VecDeque<Vec<u8>>>,
}

impl IvChains {
    /// The chain of an SA with these public values.
    pub(crate) fn begin(suite: Suite, g_xi: &[u8], g_xr: &[u8]) -> Self {
        let first = phase1_iv(reference(), suite.hash, suite.cipher, g_xi, g_xr);
        Self { suite, phase1: VecDeque::from([first]), phase2: BTreeMap::new() }
    }

    /// The IVs that the next message with this M-ID may have, the likeliest first.
    pub(crate) fn candidates(&self, m_id: u32) -> Vec<Vec<u8>> {
        match self.phase2.get(&m_id) {
            _ if m_id == 0 => self.phase1.iter().cloned().collect(),
            Some(chain) => chain.iter().cloned().collect(),
            None => {
                let first =
                    |last: &Vec<u8>| phase2_iv(reference(), self.suite.hash, self.suite.cipher, last, m_id);
                self.phase1.iter().map(first).collect()
            }
        }
    }

    /// Moves a chain on behind a message. One that could not be `read` may be none of the chain's.
    pub(crate) fn passed(&mut self, m_id: u32, ciphertext: &[u8], read: bool) {
        let Some(next) = last_block(self.suite.cipher, ciphertext).map(<[u8]>::to_vec) else { return };
        let chain = if m_id == 0 {
            &mut self.phase1
        } else {
            let first = self.candidates(m_id);
            self.phase2.entry(m_id).or_insert_with(|| first.into())
        };
        chain.insert(if read { 0 } else { chain.len().min(1) }, next);
        chain.truncate(IVS_KEPT);
    }

    /// The IV of an encrypted message where every message is taken to be genuine; the chain moves on behind it.
    pub(crate) fn advance(&mut self, m_id: u32, ciphertext: &[u8]) -> Option<Vec<u8>> {
        let iv = self.candidates(m_id).into_iter().next()?;
        self.passed(m_id, ciphertext, true);
        Some(iv)
    }
}

/// The plaintext of a ciphertext, padding and all.
pub(crate) fn decrypt(suite: Suite, ciphertext: &[u8], ka: &[u8], iv: &[u8]) -> Result<Vec<u8>, String> {
    let mut body = ciphertext.to_vec();
    reference().cbc_decrypt(suite.cipher, ka, iv, &mut body).map_err(|error| error.to_string())?;
    Ok(body)
}

/// The payloads of a plaintext, or why there are none.
pub(crate) fn chain(first: PayloadType, plaintext: Vec<u8>) -> Result<Chain, String> {
    decode_chain(first, &Bytes::from(plaintext), Trailing::Padding, &WireLimits::default())
        .map_err(|error| error.to_string())
}

/// Whether this is what the right key gives: payloads, or at least a first one that can be one. Random octets are that once in
/// more than ten thousand times.
pub(crate) fn looks_decrypted(first: PayloadType, plaintext: &[u8]) -> bool {
    let [next, reserved, high, low, ..] = plaintext else { return false };
    let len = usize::from(u16::from_be_bytes([*high, *low]));
    let fits = (4..=plaintext.len()).contains(&len);
    let named = PayloadType(*next).name().is_some();
    (*reserved == 0 && fits && named) || chain(first, plaintext.to_vec()).is_ok()
}
