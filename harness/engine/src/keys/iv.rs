//! The chain of initialization vectors (RFC 2409 Appendix B).

use crate::crypto::{CipherAlgorithm, CryptoProvider, HashAlgorithm};
use crate::deviation::{Deviation, deviates};

/// `IV = hash(g^xi | g^xr)`, cut to the cipher's block (RFC 2409 Appendix B)
///
/// For the first encrypted message of phase 1; each later one starts from the last block of the one before.
#[must_use]
pub fn phase1_iv(
    p: &dyn CryptoProvider,
    h: HashAlgorithm,
    cipher: CipherAlgorithm,
    g_xi: &[u8],
    g_xr: &[u8],
) -> Vec<u8> {
    let swapped = deviates(Deviation::Phase1IvWithResponderFirst);
    let (first, second) = if swapped { (g_xr, g_xi) } else { (g_xi, g_xr) };
    cut(p.hash(h, &[first, second]), cipher)
}

/// `IV = hash(last phase 1 CBC block | M-ID)`, cut to the cipher's block (RFC 2409 Appendix B)
///
/// For the first message of each quick mode and each informational exchange, under its own M-ID.
#[must_use]
pub fn phase2_iv(
    p: &dyn CryptoProvider,
    h: HashAlgorithm,
    cipher: CipherAlgorithm,
    last_phase1_block: &[u8],
    m_id: u32,
) -> Vec<u8> {
    let m_id = m_id.to_be_bytes();
    let m_id = if deviates(Deviation::Phase2IvWithoutMessageId) { &[][..] } else { &m_id };
    cut(p.hash(h, &[last_phase1_block, m_id]), cipher)
}

/// The next IV: the last CBC block of a ciphertext, if it has one.
#[must_use]
pub fn last_block(cipher: CipherAlgorithm, ciphertext: &[u8]) -> Option<&[u8]> {
    ciphertext.len().checked_sub(cipher.block_len()).and_then(|start| ciphertext.get(start..))
}

/// The IV of one exchange, moved on only by [`commit`](Self::commit).
///
/// Decrypting a message gives the next IV to its caller, who commits it after the message's HASH has verified. A
/// forged datagram therefore cannot break the chain for the genuine one that follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IvChain {
    current: Vec<u8>,
}

impl IvChain {
    /// A chain that starts at `iv`, one block.
    #[must_use]
    pub fn new(iv: Vec<u8>) -> Self {
        Self { current: iv }
    }

    /// The IV for the next message, in either direction.
    #[must_use]
    pub fn current(&self) -> &[u8] {
        &self.current
    }

    /// Makes `next` the IV: the last ciphertext block of a message that was sent, or that was received and verified.
    pub fn commit(&mut self, next: Vec<u8>) {
        self.current = next;
    }
}

/// Every hash gives at least the 16 bytes of the longest block, so this only ever shortens.
fn cut(mut digest: Vec<u8>, cipher: CipherAlgorithm) -> Vec<u8> {
    digest.truncate(cipher.block_len());
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::providers;

    #[test]
    fn every_iv_is_one_block() {
        for p in providers() {
            for h in HashAlgorithm::ALL {
                for cipher in CipherAlgorithm::ALL {
                    assert_eq!(phase1_iv(*p, *h, *cipher, b"a", b"b").len(), cipher.block_len());
                    assert_eq!(phase2_iv(*p, *h, *cipher, b"block", 1).len(), cipher.block_len());
                }
            }
        }
    }

    #[test]
    fn the_m_id_enters_the_phase_2_iv_in_network_order() {
        for p in providers() {
            let expected = p.hash(HashAlgorithm::Sha1, &[b"lastblck", &[0x12, 0x34, 0x56, 0x78]]);
            let iv = phase2_iv(*p, HashAlgorithm::Sha1, CipherAlgorithm::Des, b"lastblck", 0x1234_5678);
            assert_eq!(iv, &expected[..8], "{}", p.name());
        }
    }

    #[test]
    fn the_last_block_of_a_short_ciphertext_does_not_exist() {
        assert_eq!(last_block(CipherAlgorithm::Des, b"0123456"), None);
        assert_eq!(last_block(CipherAlgorithm::Des, b"0123456789abcdef"), Some(&b"89abcdef"[..]));
    }

    #[test]
    fn the_chain_stays_where_it_is_until_committed() {
        let mut chain = IvChain::new(vec![1; 8]);
        assert_eq!(chain.current(), [1; 8]);
        chain.commit(vec![2; 8]);
        assert_eq!(chain.current(), [2; 8]);
    }
}
