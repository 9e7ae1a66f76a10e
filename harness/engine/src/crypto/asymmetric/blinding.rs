//! Random bytes for blinding RSA private operations.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zeroize::Zeroizing;

use crate::crypto::RandomSource;

/// A generator for one private operation, seeded with 32 bytes of `rng`.
///
/// How many bytes blinding takes depends on the library. With a seed, the engine's random source is left at the same
/// place by every provider, so that a run gives the same bytes on each.
pub(super) fn blinding_rng(rng: &mut dyn RandomSource) -> ChaCha20Rng {
    ChaCha20Rng::from_seed(*seed(rng))
}

/// Draws the seed for a library that blinds with random bytes of its own, which do not show in the result.
#[cfg(feature = "openssl")]
pub(super) fn skip_seed(rng: &mut dyn RandomSource) {
    drop(seed(rng));
}

fn seed(rng: &mut dyn RandomSource) -> Zeroizing<[u8; 32]> {
    let mut seed = Zeroizing::new([0; 32]);
    rng.fill(&mut *seed);
    seed
}
