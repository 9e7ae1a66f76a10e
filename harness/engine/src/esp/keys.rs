use crate::config::IntegrityAlgorithm;
use crate::crypto::{CipherAlgorithm, Secret};
use crate::keys::is_weak_des_key;

use super::error::EspError;

/// `KEYMAT length = encryption key length + integrity key length`, in bytes.
///
/// For AH there is no cipher. Integrity keys are as long as the output of their hash (RFC 2403
/// section 3, RFC 2404 section 3, RFC 4868 section 2.1.1), that of AES-XCBC-MAC has 16 bytes (RFC 3566 section 4.1).
pub fn keymat_len(cipher: Option<CipherAlgorithm>, integrity: Option<IntegrityAlgorithm>) -> usize {
    cipher.map_or(0, CipherAlgorithm::key_len) + integrity.map_or(0, IntegrityAlgorithm::key_len)
}

/// `KEYMAT = encryption key | integrity key`, for one unidirectional SA.
///
/// The encryption key is the leftmost part and the integrity key follows it (RFC 2401 section 4.6.2,
/// RFC 4301 section 4.5.2). Bytes after both are not used. A key of an algorithm that is not there is empty.
///
/// # Errors
/// [`EspError::KeyLength`] when `keymat` is shorter than [`keymat_len`].
pub fn split_keymat(
    keymat: &Secret,
    cipher: Option<CipherAlgorithm>,
    integrity: Option<IntegrityAlgorithm>,
) -> Result<(Secret, Secret), EspError> {
    let bytes = keymat.as_bytes();
    let expected = keymat_len(cipher, integrity);
    let too_short = EspError::KeyLength { what: "KEYMAT", got: bytes.len(), expected };
    let Some((encryption, rest)) = bytes.split_at_checked(cipher.map_or(0, CipherAlgorithm::key_len)) else {
        return Err(too_short);
    };
    let Some((integrity, _)) = rest.split_at_checked(integrity.map_or(0, IntegrityAlgorithm::key_len)) else {
        return Err(too_short);
    };
    Ok((Secret::from(encryption), Secret::from(integrity)))
}

/// Errs when `key` is one that the cipher must not have in ESP.
///
/// Those are the weak and semi-weak keys of DES (RFC 2405 section 4), and keys of 3DES whose first two or last two parts are
/// equal, so that it is no more than DES (RFC 2451 section 2.3). Parity bits do not count. RC5 and CAST have no weak keys;
/// those of Blowfish show only in its S-boxes, and RFC 2451 lists none of IDEA.
pub(super) fn check_strength(cipher: CipherAlgorithm, key: &Secret) -> Result<(), EspError> {
    let without_parity = |part: &[u8]| part.iter().map(|byte| byte & 0xfe).collect::<Vec<_>>();
    let weak = match cipher {
        CipherAlgorithm::Des => is_weak_des_key(key.as_bytes()),
        CipherAlgorithm::TripleDes => {
            let parts: Vec<_> = key.as_bytes().chunks(8).map(without_parity).collect();
            parts.windows(2).any(|two| two.first() == two.last())
        }
        _ => false,
    };
    if weak { Err(EspError::WeakKey { cipher }) } else { Ok(()) }
}

/// Errs unless `key` has the length of the algorithm's keys, which is 0 without an algorithm.
pub(super) fn check_key(what: &'static str, key: &Secret, expected: usize) -> Result<(), EspError> {
    let got = key.as_bytes().len();
    if got == expected { Ok(()) } else { Err(EspError::KeyLength { what, got, expected }) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::des_md5(Some(CipherAlgorithm::Des), Some(IntegrityAlgorithm::HmacMd5), 8 + 16)]
    #[case::triple_des_sha1(Some(CipherAlgorithm::TripleDes), Some(IntegrityAlgorithm::HmacSha1), 24 + 20)]
    #[case::aes128_sha1(Some(CipherAlgorithm::AesCbc128), Some(IntegrityAlgorithm::HmacSha1), 16 + 20)]
    #[case::aes192_sha256(Some(CipherAlgorithm::AesCbc192), Some(IntegrityAlgorithm::HmacSha2_256), 24 + 32)]
    #[case::aes256_sha512(Some(CipherAlgorithm::AesCbc256), Some(IntegrityAlgorithm::HmacSha2_512), 32 + 64)]
    #[case::idea_md5(Some(CipherAlgorithm::Idea), Some(IntegrityAlgorithm::HmacMd5), 16 + 16)]
    #[case::rc5_sha1(CipherAlgorithm::from_name("rc5-40"), Some(IntegrityAlgorithm::HmacSha1), 5 + 20)]
    #[case::cast_sha1(CipherAlgorithm::from_name("cast80"), Some(IntegrityAlgorithm::HmacSha1), 10 + 20)]
    #[case::blowfish_sha384(
        CipherAlgorithm::from_name("blowfish448"),
        Some(IntegrityAlgorithm::HmacSha2_384),
        56 + 48
    )]
    #[case::camellia256_sha1(Some(CipherAlgorithm::CamelliaCbc256), Some(IntegrityAlgorithm::HmacSha1), 32 + 20)]
    #[case::aes128_xcbc(Some(CipherAlgorithm::AesCbc128), Some(IntegrityAlgorithm::AesXcbcMac), 16 + 16)]
    #[case::null_sha384(None, Some(IntegrityAlgorithm::HmacSha2_384), 48)]
    #[case::aes128_alone(Some(CipherAlgorithm::AesCbc128), None, 16)]
    fn keymat_is_as_long_as_both_keys(
        #[case] cipher: Option<CipherAlgorithm>,
        #[case] integrity: Option<IntegrityAlgorithm>,
        #[case] expected: usize,
    ) {
        assert_eq!(keymat_len(cipher, integrity), expected);
    }

    #[rstest]
    #[case::of_des(CipherAlgorithm::Des, "fe01fe01fe01fe01", true)]
    #[case::of_des_with_other_parity(CipherAlgorithm::Des, "ff00ff00ff00ff00", true)]
    #[case::none_of_des(CipherAlgorithm::Des, "0123456789abcdef", false)]
    #[case::first_two_parts(
        CipherAlgorithm::TripleDes,
        "0123456789abcdef0123456789abcdeffedcba9876543210",
        true
    )]
    #[case::last_two_parts(
        CipherAlgorithm::TripleDes,
        "fedcba98765432100123456789abcdef0123456789abcdef",
        true
    )]
    #[case::but_for_parity(
        CipherAlgorithm::TripleDes,
        "0123456789abcdef0022446688aaccee1122334455667788",
        true
    )]
    // Two keys, as in encrypt-decrypt-encrypt with the first one again at the end, are more than DES.
    #[case::first_and_last(
        CipherAlgorithm::TripleDes,
        "0123456789abcdeffedcba98765432100123456789abcdef",
        false
    )]
    // The other two make up for it (RFC 2451 section 2.3).
    #[case::a_weak_part(
        CipherAlgorithm::TripleDes,
        "01010101010101010123456789abcdeffedcba9876543210",
        false
    )]
    #[case::of_another_cipher(CipherAlgorithm::Idea, "00000000000000000000000000000000", false)]
    fn weak_keys_are_known(#[case] cipher: CipherAlgorithm, #[case] key: &str, #[case] weak: bool) {
        let key = Secret::from(hex::decode(key).unwrap());
        let expected = if weak { Err(EspError::WeakKey { cipher }) } else { Ok(()) };
        assert_eq!(check_strength(cipher, &key), expected);
    }

    #[test]
    fn encryption_key_comes_first_and_surplus_is_left_out() {
        let keymat = Secret::from((0..40).collect::<Vec<u8>>());
        let (encryption, integrity) =
            split_keymat(&keymat, Some(CipherAlgorithm::AesCbc128), Some(IntegrityAlgorithm::HmacSha1))
                .unwrap();
        assert_eq!(encryption.as_bytes(), (0..16).collect::<Vec<u8>>());
        assert_eq!(integrity.as_bytes(), (16..36).collect::<Vec<u8>>());
    }

    #[rstest]
    #[case::in_the_encryption_key(15)]
    #[case::in_the_integrity_key(35)]
    fn refuses_keymat_that_ends(#[case] len: usize) {
        let keymat = Secret::from(vec![7; len]);
        let refused =
            split_keymat(&keymat, Some(CipherAlgorithm::AesCbc128), Some(IntegrityAlgorithm::HmacSha1));
        assert!(matches!(refused, Err(EspError::KeyLength { got, expected: 36, .. }) if got == len));
    }
}
