//! Asymmetric operations over RustCrypto.

use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, Pkcs1v15Encrypt};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use signature::hazmat::{PrehashSigner, PrehashVerifier};

use super::blinding::blinding_rng;
use super::padding::encryption_block;
use super::private_key::Private;
use super::public_key::Public;
use super::{PrivateKey, PublicKey, SignatureScheme};
use crate::crypto::{CryptoError, HashAlgorithm, RandomSource, Secret};

const PROVIDER: &str = "reference";

pub(in crate::crypto) fn sign(
    key: &PrivateKey,
    scheme: SignatureScheme,
    hash: &[u8],
    rng: &mut dyn RandomSource,
) -> Result<Vec<u8>, CryptoError> {
    scheme.check(key.key_type(), hash)?;
    let fixed = |signature: Result<Vec<u8>, signature::Error>| signature.map_err(|error| provider(&error));
    match &key.private {
        Private::Rsa(key) => key
            .sign_with_rng(&mut blinding_rng(rng), rsa_padding(scheme), hash)
            .map_err(|error| provider(&error)),
        Private::Dsa(key) => {
            let signature = key.sign_prehashed_rfc6979::<Sha1>(hash).map_err(|error| provider(&error))?;
            let width = dsa_width(key.verifying_key());
            Ok([left_padded(signature.r(), width), left_padded(signature.s(), width)].concat())
        }
        Private::P256(key) => {
            fixed(key.sign_prehash(hash).map(|s: p256::ecdsa::Signature| s.to_bytes().to_vec()))
        }
        Private::P384(key) => {
            fixed(key.sign_prehash(hash).map(|s: p384::ecdsa::Signature| s.to_bytes().to_vec()))
        }
        Private::P521(key) => {
            fixed(key.sign_prehash(hash).map(|s: p521::ecdsa::Signature| s.to_bytes().to_vec()))
        }
    }
}

pub(in crate::crypto) fn verify(
    key: &PublicKey,
    scheme: SignatureScheme,
    hash: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    scheme.check(key.key_type(), hash)?;
    let verified = match &key.public {
        Public::Rsa(key) => {
            signature.len() == key.size() && key.verify(rsa_padding(scheme), hash, signature).is_ok()
        }
        Public::Dsa(key) => {
            dsa_signature(key, signature).is_some_and(|s| key.verify_prehash(hash, &s).is_ok())
        }
        Public::P256(key) => p256::ecdsa::Signature::from_slice(signature)
            .is_ok_and(|signature| key.verify_prehash(hash, &signature).is_ok()),
        Public::P384(key) => p384::ecdsa::Signature::from_slice(signature)
            .is_ok_and(|signature| key.verify_prehash(hash, &signature).is_ok()),
        Public::P521(key) => p521::ecdsa::Signature::from_slice(signature)
            .is_ok_and(|signature| key.verify_prehash(hash, &signature).is_ok()),
    };
    if verified { Ok(()) } else { Err(CryptoError::Signature) }
}

pub(in crate::crypto) fn rsa_encrypt(
    key: &PublicKey,
    plain: &[u8],
    rng: &mut dyn RandomSource,
) -> Result<Vec<u8>, CryptoError> {
    let key = key.rsa()?;
    let block = encryption_block(plain, key.size(), rng)?;
    let number =
        BoxedUint::from_be_slice(&block, key.n_bits_precision()).map_err(|error| provider(&error))?;
    let cipher = rsa::hazmat::rsa_encrypt(key, &number).map_err(|error| provider(&error))?;
    Ok(left_padded(&cipher, key.size()))
}

pub(in crate::crypto) fn rsa_decrypt(
    key: &PrivateKey,
    cipher: &[u8],
    rng: &mut dyn RandomSource,
) -> Result<Secret, CryptoError> {
    key.check_ciphertext(cipher)?;
    key.rsa()?
        .decrypt_blinded(&mut blinding_rng(rng), Pkcs1v15Encrypt, cipher)
        .map(Secret::new)
        .map_err(|error| provider(&error))
}

fn rsa_padding(scheme: SignatureScheme) -> Pkcs1v15Sign {
    match scheme {
        SignatureScheme::RsaPkcs1(HashAlgorithm::Md5) => Pkcs1v15Sign::new::<md5::Md5>(),
        SignatureScheme::RsaPkcs1(HashAlgorithm::Sha1) => Pkcs1v15Sign::new::<Sha1>(),
        SignatureScheme::RsaPkcs1(HashAlgorithm::Sha2_256) => Pkcs1v15Sign::new::<Sha256>(),
        SignatureScheme::RsaPkcs1(HashAlgorithm::Sha2_384) => Pkcs1v15Sign::new::<Sha384>(),
        SignatureScheme::RsaPkcs1(HashAlgorithm::Sha2_512) => Pkcs1v15Sign::new::<Sha512>(),
        _ => Pkcs1v15Sign::new_unprefixed(),
    }
}

/// Bytes of r and of s: those of q.
pub(super) fn dsa_width(key: &dsa::VerifyingKey) -> usize {
    let q = key.components().q();
    usize::try_from(q.bit_width().div_ceil(8)).unwrap_or(usize::MAX)
}

/// Takes r followed by s apart. Zeros are refused here, numbers from q up by the library.
fn dsa_signature(key: &dsa::VerifyingKey, signature: &[u8]) -> Option<dsa::Signature> {
    let width = dsa_width(key);
    let (r, s) = signature.split_at_checked(width).filter(|(_, s)| s.len() == width)?;
    let precision = key.components().q().bits_precision();
    let number = |bytes| BoxedUint::from_be_slice(bytes, precision).ok();
    dsa::Signature::from_components(number(r)?, number(s)?)
}

/// The number in exactly `width` bytes, big-endian. It must fit.
pub(super) fn left_padded(number: &BoxedUint, width: usize) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let surplus = bytes.len().saturating_sub(width);
    let significant = bytes.get(surplus..).unwrap_or_default();
    [vec![0; width.saturating_sub(significant.len())].as_slice(), significant].concat()
}

fn provider(error: &dyn core::fmt::Display) -> CryptoError {
    CryptoError::Provider { provider: PROVIDER, detail: error.to_string() }
}
