//! The integrity check value.

use crate::config::IntegrityAlgorithm;
use crate::crypto::{CipherAlgorithm, CryptoProvider, Secret};

use super::error::EspError;

/// A block of AES in bytes.
const BLOCK: usize = 16;

/// The MAC of `parts[0] | parts[1] ...`, cut to its leftmost bytes: an HMAC (RFC 2403, RFC 2404, RFC 4868) or
/// AES-XCBC-MAC (RFC 3566).
///
/// # Errors
/// [`EspError::Crypto`] when the provider refuses the key.
pub(super) fn truncated_mac(
    provider: &dyn CryptoProvider,
    integrity: IntegrityAlgorithm,
    key: &Secret,
    parts: &[&[u8]],
) -> Result<Vec<u8>, EspError> {
    let mut mac = match integrity.hash() {
        Some(hash) => provider.prf(hash, key.as_bytes(), parts).as_bytes().to_vec(),
        None => aes_xcbc_mac(provider, key, parts)?,
    };
    mac.truncate(integrity.icv_len());
    Ok(mac)
}

/// The high half of a sequence number, which the ICV of an SA with extended ones covers behind all else (RFC 4303 section
/// 2.2.1, RFC 4302 section 3.3.3.2.2); nothing for an SA without.
pub(super) fn high_half(extended: bool, seq: u64) -> Vec<u8> {
    let [a, b, c, d, ..] = seq.to_be_bytes();
    if extended { vec![a, b, c, d] } else { Vec::new() }
}

/// The low half of a sequence number, which packets carry.
///
/// # Errors
/// [`EspError::SequenceExhausted`] when an SA without extended sequence numbers cannot have this one.
pub(super) fn low_half(extended: bool, seq: u64) -> Result<[u8; 4], EspError> {
    let [a, b, c, d, low @ ..] = seq.to_be_bytes();
    if !extended && [a, b, c, d] != [0; 4] {
        return Err(EspError::SequenceExhausted);
    }
    Ok(low)
}

/// AES-XCBC-MAC of 128 bits (RFC 3566 section 4): CBC-MAC under K1, where the last block is whole and has K2 added, or is
/// filled up with the bits 1, 0, 0 ... and has K3 added.
///
/// `K1, K2, K3 = AES(K, 01 01 ...), AES(K, 02 02 ...), AES(K, 03 03 ...)`
fn aes_xcbc_mac(provider: &dyn CryptoProvider, key: &Secret, parts: &[&[u8]]) -> Result<Vec<u8>, EspError> {
    // One block of CBC under an IV of zeros is the bare cipher.
    let derive = |byte: u8| -> Result<Secret, EspError> {
        let mut block = vec![byte; BLOCK];
        provider.cbc_encrypt(CipherAlgorithm::AesCbc128, key.as_bytes(), &[0; BLOCK], &mut block)?;
        Ok(Secret::new(block))
    };
    let mut data = parts.concat();
    let whole = !data.is_empty() && data.len().is_multiple_of(BLOCK);
    if !whole {
        data.push(0x80);
        data.resize(data.len().next_multiple_of(BLOCK), 0);
    }
    let last_key = derive(if whole { 2 } else { 3 })?;
    let start = data.len() - BLOCK;
    for (byte, key) in data.iter_mut().skip(start).zip(last_key.as_bytes()) {
        *byte ^= key;
    }
    provider.cbc_encrypt(CipherAlgorithm::AesCbc128, derive(1)?.as_bytes(), &[0; BLOCK], &mut data)?;
    Ok(data.split_off(start))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::crypto::providers;

    /// RFC 3566 section 4.6, all cases: key 00 01 02 ..., data 00 01 02 ..., but for the last one.
    #[rstest]
    #[case::empty(0, "75f0251d528ac01c4573dfd584d79f29")]
    #[case::part_of_a_block(3, "5b376580ae2f19afe7219ceef172756f")]
    #[case::one_block(16, "d2a246fa349b68a79998a4394ff7a263")]
    #[case::one_and_a_part(20, "47f51b4564966215b8985c63055ed308")]
    #[case::two_blocks(32, "f54f0ec8d2b9f3d36807734bd5283fd4")]
    #[case::two_and_a_part(34, "becbb3bccdb518a30677d5481fb6b4d8")]
    #[case::many_zeros(1000, "f0dafee895db30253761103b5d84528f")]
    fn aes_xcbc_mac_is_that_of_rfc_3566(#[case] len: usize, #[case] expected: &str) {
        let ascending: Vec<u8> = (0..=u8::MAX).collect();
        let data = if len == 1000 { vec![0; len] } else { ascending[..len].to_vec() };
        let key = Secret::from(&ascending[..16]);
        let (head, tail) = data.split_at(len / 2);
        for &provider in providers() {
            let mac = aes_xcbc_mac(provider, &key, &[head, &[], tail]).unwrap();
            assert_eq!(hex::encode(mac), expected, "{}", provider.name());
            let algorithm = IntegrityAlgorithm::AesXcbcMac;
            let icv = truncated_mac(provider, algorithm, &key, &[&data]).unwrap();
            assert_eq!(hex::encode(icv), expected[..24], "{}", provider.name());
            let short = Secret::from(&ascending[..15]);
            assert!(matches!(truncated_mac(provider, algorithm, &short, &[&data]), Err(EspError::Crypto(_))));
        }
    }
}
