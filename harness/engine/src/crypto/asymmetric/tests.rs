//! Keys and signatures made by the openssl command, on every provider.

use rstest::rstest;

use super::*;
use crate::crypto::{CryptoError, CryptoProvider, HashAlgorithm, RandomSource, providers};

/// A text of `tests/fixtures/pki`.
macro_rules! pem {
    ($name:literal) => {
        include_str!(concat!("../../../tests/fixtures/pki/keys/", $name, ".pem"))
    };
}

/// A file of `tests/fixtures/pki/signatures`.
macro_rules! made {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/fixtures/pki/signatures/", $name, ".bin"))
    };
}

/// Counts up from a start, so that two of the same start give the same bytes.
struct Counter(u8);

impl RandomSource for Counter {
    fn fill(&mut self, dest: &mut [u8]) {
        for byte in dest {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
    }
}

fn hash(len: u8) -> Vec<u8> {
    (0..len).collect()
}

fn private(pem: &str) -> PrivateKey {
    PrivateKey::from_pem(pem).unwrap()
}

fn pairs() -> impl Iterator<Item = (&'static dyn CryptoProvider, &'static dyn CryptoProvider)> {
    providers().iter().flat_map(|a| providers().iter().map(move |b| (*a, *b)))
}

#[rstest]
#[case::md5_prf(pem!("rsa-2048"), 16, made!("rsa-2048-16"))]
#[case::sha1_prf(pem!("rsa-2048"), 20, made!("rsa-2048-20"))]
#[case::sha2_256_prf(pem!("rsa-2048"), 32, made!("rsa-2048-32"))]
#[case::sha2_384_prf(pem!("rsa-2048"), 48, made!("rsa-2048-48"))]
#[case::sha2_512_prf(pem!("rsa-2048"), 64, made!("rsa-2048-64"))]
#[case::short_modulus(pem!("rsa-1024"), 20, made!("rsa-1024-20"))]
#[case::pkcs1_key(pem!("rsa-2048-pkcs1"), 20, made!("rsa-2048-20"))]
fn rsa_signs_the_bare_hash_as_openssl_does(#[case] pem: &str, #[case] len: u8, #[case] expected: &[u8]) {
    let key = private(pem);
    for p in providers() {
        let signature = p.sign(&key, SignatureScheme::RsaPkcs1Raw, &hash(len), &mut Counter(0)).unwrap();
        assert_eq!(hex::encode(&signature), hex::encode(expected), "{}", p.name());
        assert_eq!(p.verify(key.public(), SignatureScheme::RsaPkcs1Raw, &hash(len), expected), Ok(()));
    }
}

#[test]
fn rsa_decrypts_what_any_provider_encrypted() {
    let key = private(pem!("rsa-2048"));
    for plain in [vec![], hash(1), hash(32), hash(245)] {
        for (a, b) in pairs() {
            let cipher = a.rsa_encrypt(key.public(), &plain, &mut Counter(9)).unwrap();
            assert_eq!(cipher.len(), 256);
            assert_eq!(cipher, b.rsa_encrypt(key.public(), &plain, &mut Counter(9)).unwrap());
            assert_eq!(b.rsa_decrypt(&key, &cipher, &mut Counter(1)).unwrap().as_bytes(), plain);
        }
    }
}

#[rstest]
#[case::dss(pem!("dsa-1024"), SignatureScheme::DssSha1, 20, made!("dsa-1024-20"), 40)]
#[case::dss_with_longer_q(pem!("dsa-2048"), SignatureScheme::DssSha1, 20, made!("dsa-2048-20"), 64)]
#[case::dsa(pem!("dsa-2048"), SignatureScheme::Dsa, 32, made!("dsa-2048-32"), 64)]
#[case::p256(pem!("ecdsa-p256"), SignatureScheme::Ecdsa, 32, made!("ecdsa-p256-32"), 64)]
#[case::p256_sec1(pem!("ecdsa-p256-sec1"), SignatureScheme::Ecdsa, 32, made!("ecdsa-p256-32"), 64)]
#[case::p384(pem!("ecdsa-p384"), SignatureScheme::Ecdsa, 48, made!("ecdsa-p384-48"), 96)]
#[case::p521(pem!("ecdsa-p521"), SignatureScheme::Ecdsa, 64, made!("ecdsa-p521-64"), 132)]
fn r_and_s_have_a_fixed_width(
    #[case] pem: &str,
    #[case] scheme: SignatureScheme,
    #[case] hash_len: u8,
    #[case] made_by_openssl: &[u8],
    #[case] len: usize,
) {
    let key = private(pem);
    let hash = hash(hash_len);
    let foreign = scheme::r_and_s(made_by_openssl, len / 2).unwrap();
    for (a, b) in pairs() {
        let signature = a.sign(&key, scheme, &hash, &mut Counter(0)).unwrap();
        assert_eq!(signature.len(), len);
        assert_eq!(
            signature,
            b.sign(&key, scheme, &hash, &mut Counter(7)).unwrap(),
            "the nonce is RFC 6979's"
        );
        assert_eq!(b.verify(key.public(), scheme, &hash, &signature), Ok(()));
        assert_eq!(b.verify(key.public(), scheme, &hash, &foreign), Ok(()));
    }
}

/// RFC 6979 appendix A.2.1, A.2.5, A.2.6 and A.2.7: signatures of "sample".
#[rstest]
#[case::dsa_1024_sha1(
    include_str!("../../../tests/fixtures/pki/rfc6979/dsa-1024.pem"),
    SignatureScheme::DssSha1,
    HashAlgorithm::Sha1,
    "2e1a0c2562b2912caaf89186fb0f42001585da5529efb6b0aff2d7a68eb70ca313022253b9a88df5"
)]
#[case::p256_sha2_256(
    include_str!("../../../tests/fixtures/pki/rfc6979/ecdsa-p256.pem"),
    SignatureScheme::Ecdsa,
    HashAlgorithm::Sha2_256,
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
     f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
)]
#[case::p384_sha2_384(
    include_str!("../../../tests/fixtures/pki/rfc6979/ecdsa-p384.pem"),
    SignatureScheme::Ecdsa,
    HashAlgorithm::Sha2_384,
    "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46\
     99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8"
)]
#[case::p521_sha2_512(
    include_str!("../../../tests/fixtures/pki/rfc6979/ecdsa-p521.pem"),
    SignatureScheme::Ecdsa,
    HashAlgorithm::Sha2_512,
    "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f174e25a1ee9017b5d450606add152b53\
     4931d7d4e8455cc91f9b15bf05ec36e377fa\
     00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af282623eaa63e5b5c0723d8b8c37ff077\
     7b1a20f8ccb1dccc43997f1ee0e44da4a67a"
)]
fn signs_as_rfc_6979_does(
    #[case] pem: &str,
    #[case] scheme: SignatureScheme,
    #[case] algorithm: HashAlgorithm,
    #[case] expected: &str,
) {
    let key = private(pem);
    for p in providers() {
        let hash = p.hash(algorithm, &[b"sample"]);
        let signature = p.sign(&key, scheme, &hash, &mut Counter(0)).unwrap();
        assert_eq!(hex::encode(&signature), expected, "{}", p.name());
        assert_eq!(p.verify(key.public(), scheme, &hash, &signature), Ok(()));
    }
}

#[test]
fn a_digest_info_is_not_the_bare_hash() {
    let key = private(pem!("rsa-2048"));
    let bare = SignatureScheme::RsaPkcs1Raw;
    let named = SignatureScheme::RsaPkcs1(HashAlgorithm::Sha2_256);
    for p in providers() {
        let made = p.sign(&key, named, &hash(32), &mut Counter(0)).unwrap();
        assert_eq!(made, made!("rsa-2048-32-digestinfo"), "{}", p.name());
        assert_eq!(p.verify(key.public(), named, &hash(32), &made), Ok(()));
        assert_eq!(p.verify(key.public(), bare, &hash(32), &made), Err(CryptoError::Signature));
        let made = made!("rsa-2048-32");
        assert_eq!(p.verify(key.public(), named, &hash(32), made), Err(CryptoError::Signature));
        let other = SignatureScheme::RsaPkcs1(HashAlgorithm::Sha1);
        assert_eq!(p.verify(key.public(), other, &hash(20), made), Err(CryptoError::Signature));
    }
}

/// RSA blocks that are not `00 01 ff...ff 00 | hash`, each with the right hash at its end.
#[rstest]
#[case::good(|_: &mut [u8]| {}, true)]
#[case::first_byte(|block: &mut [u8]| block[0] = 1, false)]
#[case::block_type_2(|block: &mut [u8]| block[1] = 2, false)]
#[case::block_type_0(|block: &mut [u8]| block[1] = 0, false)]
#[case::padding_that_is_not_ff(|block: &mut [u8]| block[100] = 0xfe, false)]
#[case::early_end_of_the_padding(|block: &mut [u8]| block[100] = 0, false)]
#[case::padding_of_eight_and_garbage(|block: &mut [u8]| { block[10] = 0; block[11..236].fill(7); }, false)]
#[case::no_separator(|block: &mut [u8]| block[235] = 0xff, false)]
#[case::other_hash(|block: &mut [u8]| block[255] ^= 1, false)]
fn rsa_padding_is_checked_to_the_last_byte(#[case] change: fn(&mut [u8]), #[case] good: bool) {
    let key = private(pem!("rsa-2048"));
    let mut block = [&[0, 1], [0xff; 233].as_slice(), &[0], &hash(20)].concat();
    change(&mut block);
    let signature = raw_rsa(&key, &block);
    let expected = if good { Ok(()) } else { Err(CryptoError::Signature) };
    for p in providers() {
        let verified = p.verify(key.public(), SignatureScheme::RsaPkcs1Raw, &hash(20), &signature);
        assert_eq!(verified, expected, "{}", p.name());
    }
}

/// The private operation without padding. A number that the modulus exceeds is taken as it is.
fn raw_rsa(key: &PrivateKey, block: &[u8]) -> Vec<u8> {
    use num_bigint::BigUint;
    use rsa::traits::{PrivateKeyParts, PublicKeyParts};
    let key = key.rsa().unwrap();
    let number = |bytes: &[u8]| BigUint::from_bytes_be(bytes);
    let power = number(block).modpow(&number(&key.d().to_be_bytes()), &number(&key.n_bytes()));
    let bytes = power.to_bytes_be();
    [vec![0; key.size() - bytes.len()], bytes].concat()
}

/// The public operation without padding.
fn raw_rsa_public(key: &PublicKey, block: &[u8]) -> Vec<u8> {
    use num_bigint::BigUint;
    use rsa::traits::PublicKeyParts;
    let key = key.rsa().unwrap();
    let number = |bytes: &[u8]| BigUint::from_bytes_be(bytes);
    let bytes = number(block).modpow(&number(&key.e().to_be_bytes()), &number(&key.n_bytes())).to_bytes_be();
    [vec![0; key.size() - bytes.len()], bytes].concat()
}

#[test]
fn rsa_decrypts_what_openssl_encrypted() {
    let key = private(pem!("rsa-2048"));
    for p in providers() {
        let plain = p.rsa_decrypt(&key, made!("rsa-2048-32-encrypted"), &mut Counter(0)).unwrap();
        assert_eq!(plain.as_bytes(), hash(32), "{}", p.name());
    }
}

#[rstest]
#[case::first_byte(|block: &mut [u8]| block[0] = 1)]
#[case::block_type_1(|block: &mut [u8]| block[1] = 1)]
#[case::padding_of_seven(|block: &mut [u8]| block[9] = 0)]
#[case::no_padding(|block: &mut [u8]| block[2] = 0)]
#[case::no_separator(|block: &mut [u8]| block[223] = 9)]
fn wrong_padding_decrypts_to_something_else_and_is_no_error(#[case] change: fn(&mut [u8])) {
    let key = private(pem!("rsa-2048"));
    // 32 bytes of plaintext without a zero, so that only the separator is one.
    let mut block = [&[0, 2], [5; 221].as_slice(), &[0], [0xaa; 32].as_slice()].concat();
    let cipher = raw_rsa_public(key.public(), &block);
    for p in providers() {
        assert_eq!(p.rsa_decrypt(&key, &cipher, &mut Counter(0)).unwrap().as_bytes(), [0xaa; 32]);
    }
    change(&mut block);
    let cipher = raw_rsa_public(key.public(), &block);
    let substitutes: Vec<_> = providers()
        .iter()
        .flat_map(|p| [0, 1].map(|start| p.rsa_decrypt(&key, &cipher, &mut Counter(start)).unwrap()))
        .collect();
    let first = &substitutes[0];
    assert!(substitutes.iter().all(|other| other == first), "the same whoever decrypts and how often");
    assert!(first.len() <= 245 && !first.as_bytes().ends_with(&[0xaa; 32]));
    let other_key = private(pem!("rsa-2048-other"));
    let other =
        providers()[0].rsa_decrypt(&other_key, &raw_rsa_public(other_key.public(), &block), &mut Counter(0));
    assert_ne!(other.unwrap(), *first, "nobody without the private key can predict it");
}

#[test]
fn a_ciphertext_is_a_number_below_the_modulus() {
    use rsa::traits::PublicKeyParts;
    let key = private(pem!("rsa-2048"));
    let modulus = key.rsa().unwrap().n_bytes().to_vec();
    let refused = |got| Err(CryptoError::CiphertextRange { got, expected: 256 });
    for p in providers() {
        for cipher in [&[][..], &[1; 255], &[1; 257], &modulus, &[0xff; 256]] {
            assert_eq!(p.rsa_decrypt(&key, cipher, &mut Counter(0)), refused(cipher.len()));
        }
        assert!(p.rsa_decrypt(&key, &[0; 256], &mut Counter(0)).is_ok());
        let too_long = p.rsa_encrypt(key.public(), &[1; 246], &mut Counter(0));
        assert_eq!(too_long, Err(CryptoError::PlaintextLength { got: 246, room: 245 }));
    }
}

/// Zeros for ever.
struct Broken;

impl RandomSource for Broken {
    fn fill(&mut self, dest: &mut [u8]) {
        dest.fill(0);
    }
}

#[test]
fn padding_holds_no_zero() {
    let block = padding::encryption_block(&[1, 2, 3], 256, &mut Counter(0)).unwrap();
    assert_eq!((&block[..2], &block[252..]), (&[0, 2][..], &[0, 1, 2, 3][..]));
    assert!(!block[2..252].contains(&0), "the counter gave a zero, which is drawn again");
    assert_eq!(padding::encryption_block(&[], 256, &mut Broken), Err(CryptoError::RandomSource));
}

#[test]
fn every_provider_draws_the_same_number_of_random_bytes() {
    let key = private(pem!("rsa-2048"));
    let cipher = made!("rsa-2048-32-encrypted");
    for p in providers() {
        let mut rng = Counter(0);
        p.sign(&key, SignatureScheme::RsaPkcs1Raw, &hash(20), &mut rng).unwrap();
        assert_eq!(rng.0, 32, "{}", p.name());
        p.rsa_decrypt(&key, cipher, &mut rng).unwrap();
        assert_eq!(rng.0, 64, "{}", p.name());
        p.sign(&private(pem!("ecdsa-p256")), SignatureScheme::Ecdsa, &hash(32), &mut rng).unwrap();
        assert_eq!(rng.0, 64, "{}", p.name());
    }
}

#[rstest]
#[case::rsa_as_dss(pem!("rsa-2048"), SignatureScheme::DssSha1, 20)]
#[case::dsa_as_ecdsa(pem!("dsa-1024"), SignatureScheme::Ecdsa, 20)]
#[case::ecdsa_as_rsa(pem!("ecdsa-p256"), SignatureScheme::RsaPkcs1Raw, 32)]
fn a_key_serves_its_own_algorithm_alone(#[case] pem: &str, #[case] scheme: SignatureScheme, #[case] len: u8) {
    let key = private(pem);
    let refused = CryptoError::KeyType { operation: scheme.name(), key: key.key_type() };
    for p in providers() {
        assert_eq!(p.sign(&key, scheme, &hash(len), &mut Counter(0)), Err(refused.clone()));
        assert_eq!(p.verify(key.public(), scheme, &hash(len), &[1; 64]), Err(refused.clone()));
    }
}

#[rstest]
#[case::dss_over_sha2_256(pem!("dsa-1024"), SignatureScheme::DssSha1, 32)]
#[case::nothing(pem!("rsa-2048"), SignatureScheme::RsaPkcs1Raw, 0)]
#[case::too_long(pem!("ecdsa-p521"), SignatureScheme::Ecdsa, 65)]
#[case::not_the_named_hash(pem!("rsa-2048"), SignatureScheme::RsaPkcs1(HashAlgorithm::Sha1), 32)]
fn a_hash_has_a_length_of_its_scheme(#[case] pem: &str, #[case] scheme: SignatureScheme, #[case] len: u8) {
    let key = private(pem);
    let refused = CryptoError::HashLength { scheme: scheme.name(), got: len.into() };
    for p in providers() {
        assert_eq!(p.sign(&key, scheme, &hash(len), &mut Counter(0)), Err(refused.clone()));
        assert_eq!(p.verify(key.public(), scheme, &hash(len), &[1; 64]), Err(refused.clone()));
    }
}

#[rstest]
#[case::rsa(pem!("rsa-1024"), SignatureScheme::RsaPkcs1Raw, 20)]
#[case::dsa_1024(pem!("dsa-1024"), SignatureScheme::DssSha1, 20)]
#[case::dsa_2048(pem!("dsa-2048"), SignatureScheme::DssSha1, 20)]
#[case::p256(pem!("ecdsa-p256"), SignatureScheme::Ecdsa, 32)]
#[case::p384(pem!("ecdsa-p384"), SignatureScheme::Ecdsa, 48)]
#[case::p521(pem!("ecdsa-p521"), SignatureScheme::Ecdsa, 64)]
fn a_damaged_signature_does_not_verify(#[case] pem: &str, #[case] scheme: SignatureScheme, #[case] len: u8) {
    let key = private(pem);
    let good = providers()[0].sign(&key, scheme, &hash(len), &mut Counter(0)).unwrap();
    let half = good.len() / 2;
    let mut damaged = vec![
        vec![],
        vec![0; good.len()],
        vec![0xff; good.len()],
        good[1..].to_vec(),
        good[..half].to_vec(),
        [&[0], good.as_slice()].concat(),
        [good.as_slice(), &[0]].concat(),
        [&vec![0; half], &good[half..]].concat(),
        [&good[..half], &vec![0; half]].concat(),
        [&good[half..], &good[..half]].concat(),
    ];
    damaged.extend((0..good.len()).step_by(7).map(|position| {
        let mut signature = good.clone();
        signature[position] ^= 1;
        signature
    }));
    let mut other_hash = hash(len);
    other_hash[0] ^= 1;
    for p in providers() {
        assert_eq!(p.verify(key.public(), scheme, &other_hash, &good), Err(CryptoError::Signature));
        for signature in &damaged {
            let verified = p.verify(key.public(), scheme, &hash(len), signature);
            assert_eq!(verified, Err(CryptoError::Signature), "{} {}", p.name(), hex::encode(signature));
        }
    }
}

#[rstest]
#[case::rsa(pem!("rsa-2048"), pem!("rsa-2048.pub"), KeyType::Rsa, Some(256))]
#[case::rsa_pkcs1(pem!("rsa-2048-pkcs1"), pem!("rsa-2048-pkcs1.pub"), KeyType::Rsa, Some(256))]
#[case::rsa_1024(pem!("rsa-1024"), pem!("rsa-1024.pub"), KeyType::Rsa, Some(128))]
#[case::dsa_1024(pem!("dsa-1024"), pem!("dsa-1024.pub"), KeyType::Dsa, None)]
#[case::dsa_2048(pem!("dsa-2048"), pem!("dsa-2048.pub"), KeyType::Dsa, None)]
#[case::p256(pem!("ecdsa-p256"), pem!("ecdsa-p256.pub"), KeyType::EcdsaP256, None)]
#[case::p256_sec1(pem!("ecdsa-p256-sec1"), pem!("ecdsa-p256.pub"), KeyType::EcdsaP256, None)]
#[case::p384(pem!("ecdsa-p384"), pem!("ecdsa-p384.pub"), KeyType::EcdsaP384, None)]
#[case::p521(pem!("ecdsa-p521"), pem!("ecdsa-p521.pub"), KeyType::EcdsaP521, None)]
fn keys_are_read_in_every_form(
    #[case] pem: &str,
    #[case] public_pem: &str,
    #[case] key_type: KeyType,
    #[case] modulus_len: Option<usize>,
) {
    let key = private(pem);
    let public = PublicKey::from_pem(public_pem).unwrap();
    assert_eq!(*key.public(), public);
    assert_eq!((key.key_type(), public.key_type()), (key_type, key_type));
    assert_eq!((key.modulus_len(), public.modulus_len()), (modulus_len, modulus_len));
    assert_eq!(PublicKey::from_spki_der(&public.to_spki_der().unwrap()), Ok(public));
    let (_, der) = crate::pem::blocks(pem).last().unwrap().unwrap();
    assert_eq!(PrivateKey::from_der(&der).unwrap().public(), key.public());
    assert_eq!(format!("{key:?}"), format!("PrivateKey({})", key_type.name()));
}

#[rstest]
#[case::rsa_512(
    pem!("rsa-512"), pem!("rsa-512.pub"), KeyError::Size { algorithm: "RSA", bits: 512, expected: "1024 to 8192" }
)]
#[case::ed25519(pem!("ed25519"), pem!("ed25519.pub"), KeyError::Algorithm("1.3.101.112".into()))]
#[case::other_curve(
    pem!("ecdsa-secp256k1"),
    pem!("ecdsa-secp256k1.pub"),
    KeyError::Algorithm("EC over curve 1.3.132.0.10".into())
)]
fn other_keys_are_refused(#[case] pem: &str, #[case] public_pem: &str, #[case] expected: KeyError) {
    assert_eq!(PrivateKey::from_pem(pem).unwrap_err(), expected);
    assert_eq!(PublicKey::from_pem(public_pem).unwrap_err(), expected);
}

#[test]
fn other_pem_blocks_are_refused() {
    let public = pem!("rsa-2048.pub");
    assert_eq!(PrivateKey::from_pem(public).unwrap_err(), KeyError::PemLabel("PUBLIC KEY".into()));
    assert_eq!(PublicKey::from_pem(pem!("rsa-2048")).unwrap_err(), KeyError::PemLabel("PRIVATE KEY".into()));
    assert!(matches!(PrivateKey::from_pem(""), Err(KeyError::Malformed(_))));
}
