//! Known answers for the hashes, prfs and ciphers of every provider, and every provider against every other.

use aes::cipher::block_padding::NoPadding;
use aes::cipher::consts::{U5, U8, U11, U16, U20, U22, U27, U32};
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// The same byte over and over, then the next one: enough to see who asked for how much.
pub(super) struct Counter(pub(super) u8);

impl RandomSource for Counter {
    fn fill(&mut self, dest: &mut [u8]) {
        dest.fill(self.0);
        self.0 = self.0.wrapping_add(1);
    }
}

fn named(cipher: &str) -> CipherAlgorithm {
    CipherAlgorithm::from_name(cipher).unwrap()
}

pub(super) fn bytes(hexadecimal: &str) -> Vec<u8> {
    hex::decode(hexadecimal).unwrap()
}

#[test]
fn the_build_has_the_providers_its_features_name() {
    let names: Vec<_> = providers().iter().map(|p| p.name()).collect();
    let expected: &[&str] =
        if cfg!(feature = "openssl") { &["reference", "openssl"] } else { &["reference"] };
    assert_eq!(names, expected);
    assert_eq!(reference().name(), "reference");
    assert_eq!(default_provider().name(), *expected.last().unwrap());
    assert!(provider_named("reference").is_some());
    assert!(provider_named("nobody").is_none());
}

#[rstest]
#[case::md5(HashAlgorithm::Md5, "900150983cd24fb0d6963f7d28e17f72")]
#[case::sha1(HashAlgorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d")]
#[case::tiger_nessie(HashAlgorithm::Tiger, "2aab1484e8c158f2bfb8c5ff41b57a525129131c957b5f93")]
#[case::sha2_256(HashAlgorithm::Sha2_256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
#[case::sha2_384(
    HashAlgorithm::Sha2_384,
    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
)]
#[case::sha2_512(
    HashAlgorithm::Sha2_512,
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd\
     454d4423643ce80e2a9ac94fa54ca49f"
)]
fn hashes_abc_given_in_parts(#[case] algorithm: HashAlgorithm, #[case] expected: &str) {
    for p in providers() {
        let digest = p.hash(algorithm, &[b"a", b"", b"bc"]);
        assert_eq!(hex::encode(&digest), expected, "{}", p.name());
        assert_eq!(digest.len(), algorithm.output_len());
    }
}

#[rstest]
#[case::rfc2202_md5_1(HashAlgorithm::Md5, &[0x0b; 16], b"Hi There", "9294727a3638bb1c13f48ef8158bfc9d")]
#[case::rfc2202_md5_6(
    HashAlgorithm::Md5, &[0xaa; 80], b"Test Using Larger Than Block-Size Key - Hash Key First",
    "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"
)]
#[case::rfc2202_sha1_2(
    HashAlgorithm::Sha1,
    b"Jefe",
    b"what do ya want for nothing?",
    "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
)]
#[case::rfc2202_sha1_3(
    HashAlgorithm::Sha1, &[0xaa; 20], &[0xdd; 50], "125d7342b9ac11cd91a39af48aa17b4f63f175d3"
)]
#[case::rfc4231_sha2_256_1(
    HashAlgorithm::Sha2_256, &[0x0b; 20], b"Hi There",
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
)]
#[case::rfc4231_sha2_384_2(
    HashAlgorithm::Sha2_384,
    b"Jefe",
    b"what do ya want for nothing?",
    "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"
)]
#[case::rfc4231_sha2_512_6(
    HashAlgorithm::Sha2_512, &[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First",
    "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e52\
     95e64f73f63f0aec8b915a985d786598"
)]
fn prf_is_hmac(
    #[case] algorithm: HashAlgorithm,
    #[case] key: &[u8],
    #[case] data: &[u8],
    #[case] expected: &str,
) {
    for p in providers() {
        let (head, tail) = data.split_at(3);
        let mac = p.prf(algorithm, key, &[head, tail]);
        assert_eq!(hex::encode(mac.as_bytes()), expected, "{}", p.name());
    }
}

#[test]
fn tiger_is_the_first_form_over_several_blocks() {
    // The second form, Tiger2, pads as MD5 does and gives another hash. The results are those that Tiger's authors
    // gave NESSIE.
    let alphabets = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let digits = b"1234567890".repeat(8);
    for p in providers() {
        let hash = |data: &[u8]| hex::encode(p.hash(HashAlgorithm::Tiger, &[data]));
        assert_eq!(hash(b""), "3293ac630c13f0245f92bbb1766e16167a4e58492dde73f3", "{}", p.name());
        assert_eq!(hash(alphabets), "8dcea680a17583ee502ba38a3c368651890ffbccdc49a8cc", "{}", p.name());
        assert_eq!(hash(&digits), "1c14795529fd9f207a958f84c52f11e887fa0cabdfd91bfd", "{}", p.name());
    }
}

#[test]
fn the_prf_of_tiger_has_blocks_of_64_bytes() {
    // RFC 2104 section 2, from the hash alone: no HMAC-Tiger results are published.
    for p in providers() {
        let hash = |parts: &[&[u8]]| p.hash(HashAlgorithm::Tiger, parts);
        for key in [&b"a pre-shared key"[..], &[0xaa; 64], &[0xaa; 65]] {
            let short = if key.len() > 64 { hash(&[key]) } else { key.to_vec() };
            let pad = |byte: u8| -> Vec<u8> {
                (0..64).map(|index| short.get(index).copied().unwrap_or(0) ^ byte).collect()
            };
            let expected = hash(&[&pad(0x5c), &hash(&[&pad(0x36), b"Ni_b | Nr_b"])]);
            let mac = p.prf(HashAlgorithm::Tiger, key, &[b"Ni_b | Nr_b"]);
            assert_eq!(mac.as_bytes(), expected, "{}", p.name());
        }
    }
}

#[test]
fn prf_takes_an_empty_key() {
    // HMAC pads a short key with zeros, so an empty key and one zero byte give the same result (RFC 2104).
    for p in providers() {
        for h in HashAlgorithm::ALL {
            assert_eq!(p.prf(*h, &[], &[b"data"]), p.prf(*h, &[0], &[b"data"]), "{}", p.name());
        }
    }
}

#[rstest]
#[case::des_fips_81(
    CipherAlgorithm::Des,
    "0123456789abcdef",
    "1234567890abcdef",
    "4e6f77206973207468652074696d6520666f7220616c6c20",
    "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6"
)]
#[case::idea_lai_1992(
    CipherAlgorithm::Idea,
    "00010002000300040005000600070008",
    "0000000000000000",
    "0000000100020003",
    "11fbed2b01986de5"
)]
#[case::rc5_64_rfc_2040(
    named("rc5-64"),
    "0102030405060708",
    "0102030405060708",
    "1020304050607080",
    "5ba0ca6bbe7f5fad"
)]
#[case::rc5_128_rfc_2040(
    named("rc5-128"),
    "01020304050607081020304050607080",
    "0102030405060708",
    "1020304050607080",
    "dad6bda9dfe8f7e8"
)]
#[case::cast40_rfc_2144(
    named("cast40"),
    "0123456712",
    "0000000000000000",
    "0123456789abcdef",
    "7ac816d16e9b302e"
)]
#[case::cast80_rfc_2144(
    named("cast80"),
    "01234567123456782345",
    "0000000000000000",
    "0123456789abcdef",
    "eb6a711a2c02271b"
)]
#[case::cast128_rfc_2144(
    named("cast128"),
    "0123456712345678234567893456789a",
    "0000000000000000",
    "0123456789abcdef",
    "238b4fe5847e44b2"
)]
#[case::blowfish40_schneier(
    named("blowfish40"),
    "f0e1d2c3b4",
    "0000000000000000",
    "fedcba9876543210",
    "b39e44481bdb1e6e"
)]
#[case::blowfish64_schneier(
    named("blowfish64"),
    "f0e1d2c3b4a59687",
    "0000000000000000",
    "fedcba9876543210",
    "e87a244e2cc85e82"
)]
#[case::blowfish192_schneier(
    named("blowfish192"),
    "f0e1d2c3b4a5968778695a4b3c2d1e0f0011223344556677",
    "0000000000000000",
    "fedcba9876543210",
    "05044b62fa52d080"
)]
#[case::blowfish128_schneier_cbc(
    named("blowfish128"),
    "0123456789abcdeff0e1d2c3b4a59687",
    "fedcba9876543210",
    "37363534333231204e6f77206973207468652074696d6520666f722000000000",
    "6b77b4d63006dee605b156e27403979358deb9e7154616d959f1652bd5ff92cc"
)]
#[case::triple_des_with_three_equal_keys_is_des(
    CipherAlgorithm::TripleDes,
    "0123456789abcdef0123456789abcdef0123456789abcdef",
    "1234567890abcdef",
    "4e6f77206973207468652074696d6520666f7220616c6c20",
    "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6"
)]
#[case::camellia128_rfc_3713(
    CipherAlgorithm::CamelliaCbc128,
    "0123456789abcdeffedcba9876543210",
    "00000000000000000000000000000000",
    "0123456789abcdeffedcba9876543210",
    "67673138549669730857065648eabe43"
)]
#[case::camellia192_rfc_3713(
    CipherAlgorithm::CamelliaCbc192,
    "0123456789abcdeffedcba98765432100011223344556677",
    "00000000000000000000000000000000",
    "0123456789abcdeffedcba9876543210",
    "b4993401b3e996f84ee5cee7d79b09b9"
)]
#[case::camellia256_rfc_3713(
    CipherAlgorithm::CamelliaCbc256,
    "0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff",
    "00000000000000000000000000000000",
    "0123456789abcdeffedcba9876543210",
    "9acc237dff16d76c20ef7c919e3a7509"
)]
#[case::aes128_rfc_3602_case_1(
    CipherAlgorithm::AesCbc128,
    "06a9214036b8a15b512e03d534120006",
    "3dafba429d9eb430b422da802c9fac41",
    "53696e676c6520626c6f636b206d7367",
    "e353779c1079aeb82708942dbe77181a"
)]
#[case::aes192_sp_800_38a(
    CipherAlgorithm::AesCbc192,
    "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
    "000102030405060708090a0b0c0d0e0f",
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
    "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
)]
#[case::aes256_sp_800_38a(
    CipherAlgorithm::AesCbc256,
    "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
    "000102030405060708090a0b0c0d0e0f",
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
    "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
)]
fn cbc_encrypts_and_decrypts(
    #[case] cipher: CipherAlgorithm,
    #[case] key: &str,
    #[case] iv: &str,
    #[case] plaintext: &str,
    #[case] ciphertext: &str,
) {
    for p in providers() {
        let mut data = bytes(plaintext);
        p.cbc_encrypt(cipher, &bytes(key), &bytes(iv), &mut data).unwrap();
        assert_eq!(hex::encode(&data), ciphertext, "{}", p.name());
        p.cbc_decrypt(cipher, &bytes(key), &bytes(iv), &mut data).unwrap();
        assert_eq!(hex::encode(&data), plaintext, "{}", p.name());
    }
}

/// RC5 with a key that ends within a word, by the type that has just this length.
#[test]
fn rc5_takes_keys_of_every_number_of_bytes() {
    fn check<C: KeyIvInit + BlockModeEncrypt>(key_len: usize) {
        let key: Vec<u8> = (1..).take(key_len).collect();
        let cipher = named(&format!("rc5-{}", 8 * key_len));
        let mut expected = *b"two whole blocks";
        let mode = C::new_from_slices(&key, b"an IV..8").unwrap();
        mode.encrypt_padded::<NoPadding>(&mut expected, 16).unwrap();
        for p in providers() {
            let mut data = *b"two whole blocks";
            p.cbc_encrypt(cipher, &key, b"an IV..8", &mut data).unwrap();
            assert_eq!(data, expected, "{} {key_len}", p.name());
            p.cbc_decrypt(cipher, &key, b"an IV..8", &mut data).unwrap();
            assert_eq!(&data, b"two whole blocks", "{} {key_len}", p.name());
        }
    }
    check::<cbc::Encryptor<rc5::RC5<u32, U16, U5>>>(5);
    check::<cbc::Encryptor<rc5::RC5<u32, U16, U8>>>(8);
    check::<cbc::Encryptor<rc5::RC5<u32, U16, U11>>>(11);
    check::<cbc::Encryptor<rc5::RC5<u32, U16, U20>>>(20);
    check::<cbc::Encryptor<rc5::RC5<u32, U16, U22>>>(22);
    check::<cbc::Encryptor<rc5::RC5<u32, U16, U27>>>(27);
    check::<cbc::Encryptor<rc5::RC5<u32, U16, U32>>>(32);
}

#[test]
fn cbc_refuses_wrong_lengths_and_leaves_the_data_alone() {
    let cipher = CipherAlgorithm::AesCbc192;
    for p in providers() {
        let mut data = [7; 32];
        assert_eq!(
            p.cbc_encrypt(cipher, &[0; 16], &[0; 16], &mut data),
            Err(CryptoError::KeyLength { cipher, got: 16, expected: 24 })
        );
        assert_eq!(
            p.cbc_decrypt(cipher, &[0; 24], &[0; 8], &mut data),
            Err(CryptoError::IvLength { cipher, got: 8, expected: 16 })
        );
        assert_eq!(
            p.cbc_decrypt(cipher, &[0; 24], &[0; 16], &mut data[..31]),
            Err(CryptoError::NotBlockAligned { cipher, got: 31, block: 16 })
        );
        assert_eq!(data, [7; 32], "{}", p.name());
        assert_eq!(p.cbc_encrypt(cipher, &[0; 24], &[0; 16], &mut []), Ok(()));
    }
}

#[test]
fn errors_say_what_was_met_and_what_was_expected() {
    let cipher = CipherAlgorithm::AesCbc128;
    let group = Group::Modp1024;
    assert_eq!(
        CryptoError::KeyLength { cipher, got: 8, expected: 16 }.to_string(),
        "aes128 key of 8 bytes, expected 16"
    );
    assert_eq!(
        CryptoError::PublicValueLength { group, got: 96, expected: 128 }.to_string(),
        "modp1024 public value of 96 bytes, expected 128"
    );
}

fn any_hash() -> impl Strategy<Value = HashAlgorithm> {
    proptest::sample::select(HashAlgorithm::ALL)
}

fn any_cipher() -> impl Strategy<Value = CipherAlgorithm> {
    let variable = (proptest::sample::select(vec!["rc5-", "cast", "blowfish"]), 5..=56_u16)
        .prop_filter_map("a key of that length", |(family, len)| {
            CipherAlgorithm::from_name(&format!("{family}{}", 8 * len))
        });
    prop_oneof![proptest::sample::select(CipherAlgorithm::ALL), variable]
}

proptest! {
    #[test]
    fn providers_agree_on_hash_and_prf(
        h in any_hash(),
        key in proptest::collection::vec(any::<u8>(), 0..200),
        parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..5),
    ) {
        let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let whole = parts.concat();
        for p in providers() {
            prop_assert_eq!(p.hash(h, &slices), reference().hash(h, &[&whole]), "{}", p.name());
            prop_assert_eq!(p.prf(h, &key, &slices), reference().prf(h, &key, &[&whole]), "{}", p.name());
        }
    }

    #[test]
    fn providers_decrypt_what_the_others_encrypt(
        cipher in any_cipher(),
        key in any::<[u8; 56]>().prop_map(|key| key.to_vec()),
        iv in any::<[u8; 16]>(),
        data in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let key = &key[..cipher.key_len()];
        let iv = &iv[..cipher.block_len()];
        let plaintext = &data[..data.len() - data.len() % cipher.block_len()];
        for encrypting in providers() {
            let mut ciphertext = plaintext.to_vec();
            encrypting.cbc_encrypt(cipher, key, iv, &mut ciphertext).unwrap();
            prop_assert!(plaintext.is_empty() || ciphertext != plaintext);
            for decrypting in providers() {
                let mut decrypted = ciphertext.clone();
                decrypting.cbc_decrypt(cipher, key, iv, &mut decrypted).unwrap();
                prop_assert_eq!(&decrypted, plaintext, "{} {}", encrypting.name(), decrypting.name());
            }
        }
    }
}
