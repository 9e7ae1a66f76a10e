//! Random bytes from a seed: the same seed, case and part give the same bytes.

use ikev1::crypto::RandomSource;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// ChaCha20 keyed with `SHA-256(seed | length of case ID | case ID | part)`.
pub struct SeededRandom(ChaCha20Rng);

impl core::fmt::Debug for SeededRandom {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SeededRandom")
    }
}

impl SeededRandom {
    /// The bytes for one part (`harness`, `peer`, ...) of one case in a run with this seed.
    pub fn new(seed: u64, case_id: &str, part: &str) -> Self {
        let digest = Sha256::new()
            .chain_update(seed.to_be_bytes())
            .chain_update(u64::try_from(case_id.len()).unwrap_or(u64::MAX).to_be_bytes())
            .chain_update(case_id)
            .chain_update(part)
            .finalize();
        Self(ChaCha20Rng::from_seed(digest.into()))
    }

    /// `len` random bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}

impl RandomSource for SeededRandom {
    fn fill(&mut self, dest: &mut [u8]) {
        self.0.fill_bytes(dest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_case_and_part_give_the_same_bytes_and_others_do_not() {
        let bytes = |seed, case: &str, part: &str| SeededRandom::new(seed, case, part).bytes(32);
        let first = bytes(1, "a", "harness");
        assert_eq!(first, bytes(1, "a", "harness"));
        assert_ne!(first, bytes(2, "a", "harness"));
        assert_ne!(first, bytes(1, "b", "harness"));
        assert_ne!(first, bytes(1, "a", "peer"));
        assert_ne!(bytes(1, "a", "bc"), bytes(1, "ab", "c"));
    }
}
