//! Removal of PKCS #1 v1.5 padding that does not tell whether the padding was right.
//!
//! The algorithm is that of draft-irtf-cfrg-rsa-guidance-10 section 7.2. RustCrypto has it too, but only together with
//! its own arithmetic, so the tests compare the two.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater};
use zeroize::Zeroizing;

use crate::crypto::{CryptoError, Secret};

/// The message in `block`, or a substitute of content and length that a PRF of the private exponent and the ciphertext
/// gives. All three are as long as the modulus.
///
/// Reads the same memory in the same order whatever the padding is, up to the length of the result.
pub(super) fn unpad(block: &[u8], private_exponent: &[u8], cipher: &[u8]) -> Result<Secret, CryptoError> {
    let key = hmac(&Sha256::digest(private_exponent), &[cipher])?;
    let longest = u16::try_from(block.len().saturating_sub(11)).unwrap_or(u16::MAX);
    let substitute_len = last_admissible(&prf(&key, b"length", 256)?, longest);
    let substitute = prf(&key, b"message", block.len())?;

    let (valid, message_len) = message_len(block);
    let len = u16::conditional_select(&substitute_len, &message_len, valid);
    let mut chosen = Zeroizing::new(substitute.to_vec());
    for (chosen, real) in chosen.iter_mut().zip(block) {
        chosen.conditional_assign(real, valid);
    }
    let start = block.len().saturating_sub(len.into());
    Ok(Secret::from(chosen.get(start..).unwrap_or_default()))
}

/// Whether `block` is `00 | 02 | eight or more bytes other than 0 | 00 | message`, and how long the message is.
fn message_len(block: &[u8]) -> (Choice, u16) {
    let starts_with = |position: usize, byte: u8| block.get(position).copied().unwrap_or(!byte).ct_eq(&byte);
    let header = starts_with(0, 0) & starts_with(1, 2);
    let mut searching = Choice::from(1);
    let mut separator = 0_u16;
    for (position, byte) in (0_u16..).zip(block).skip(2) {
        let zero = byte.ct_eq(&0);
        separator.conditional_assign(&position, searching & zero);
        searching &= !zero;
    }
    let valid = header & !searching & separator.ct_gt(&9);
    let total = u16::try_from(block.len()).unwrap_or(u16::MAX);
    (valid, total.wrapping_sub(separator).wrapping_sub(1))
}

/// The last of the 128 candidates that is not above `longest`, or 0.
fn last_admissible(candidates: &[u8], longest: u16) -> u16 {
    let mask = u16::MAX.checked_shr(longest.leading_zeros()).unwrap_or(0);
    candidates.as_chunks().0.iter().fold(0, |last, candidate| {
        let candidate = u16::from_be_bytes(*candidate) & mask;
        u16::conditional_select(&candidate, &last, candidate.ct_gt(&longest))
    })
}

/// `HMAC(key, i | label | bits)` for i = 0, 1, ..., cut to `len` bytes (section 7.1 of the draft).
fn prf(key: &[u8; 32], label: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    // The longest modulus has 1024 bytes.
    let bits = u16::try_from(len.saturating_mul(8)).unwrap_or(u16::MAX).to_be_bytes();
    let mut output = Zeroizing::new(vec![0; len]);
    for (index, chunk) in (0_u16..).zip(output.chunks_mut(32)) {
        let block = hmac(key, &[&index.to_be_bytes(), label, &bits])?;
        for (to, from) in chunk.iter_mut().zip(block.iter()) {
            *to = *from;
        }
    }
    Ok(output)
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .map_err(|error| CryptoError::Provider { provider: "openssl", detail: error.to_string() })?;
    for part in parts {
        mac.update(part);
    }
    Ok(Zeroizing::new(mac.finalize().into_bytes().into()))
}
