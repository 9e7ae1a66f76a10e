//! PKCS #1 v1.5 padding for encryption.

use zeroize::Zeroizing;

use crate::crypto::{CryptoError, RandomSource};

/// Bytes that padding takes at least: 0, 2, eight random bytes, 0.
const OVERHEAD: usize = 11;

/// How often a random byte that came out zero is drawn again. A working source gives 64 zeros in a row once in 2^512.
const DRAWS: usize = 64;

/// `00 | 02 | PS | 00 | plain` of `modulus_len` bytes, where PS is random and has no zero (RFC 8017 section 7.2.1).
pub(super) fn encryption_block(
    plain: &[u8],
    modulus_len: usize,
    rng: &mut dyn RandomSource,
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let room = modulus_len.saturating_sub(OVERHEAD);
    let Some(random_len) = modulus_len.checked_sub(plain.len().saturating_add(3)).filter(|len| *len >= 8)
    else {
        return Err(CryptoError::PlaintextLength { got: plain.len(), room });
    };
    let mut random = Zeroizing::new(vec![0; random_len]);
    rng.fill(&mut random);
    for byte in random.iter_mut() {
        for _ in 0..DRAWS {
            if *byte != 0 {
                break;
            }
            rng.fill(core::slice::from_mut(byte));
        }
        if *byte == 0 {
            return Err(CryptoError::RandomSource);
        }
    }
    Ok(Zeroizing::new([&[0, 2], random.as_slice(), &[0], plain].concat()))
}
