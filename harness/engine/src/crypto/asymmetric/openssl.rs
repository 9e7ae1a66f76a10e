//! Asymmetric operations over libcrypto.

use std::sync::{Arc, OnceLock};

use openssl::bn::BigNum;
use openssl::dsa::DsaSig;
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::md::{Md, MdRef};
use openssl::pkey::{PKey, Private, Public};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::{Padding, Rsa};
use pkcs1::EncodeRsaPrivateKey;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use zeroize::Zeroizing;

use super::blinding::skip_seed;
use super::implicit_rejection;
use super::padding::encryption_block;
use super::{KeyType, PrivateKey, PublicKey, SignatureScheme, reference};
use crate::crypto::{CryptoError, HashAlgorithm, RandomSource, Secret};

/// An RSA private key of libcrypto's, made when it is first needed. Clones share it, and with it the blinding, which costs
/// more to begin than to renew.
#[derive(Clone, Default)]
pub(super) struct SharedKey(Arc<OnceLock<PKey<Private>>>);

impl SharedKey {
    fn get(&self, key: &rsa::PrivateKey) -> Result<&PKey<Private>, CryptoError> {
        if let Some(made) = self.0.get() {
            return Ok(made);
        }
        let der = key.to_pkcs1_der().map_err(|error| provider(&error))?;
        let made = Rsa::private_key_from_der(der.as_bytes()).and_then(PKey::from_rsa);
        let made = made.map_err(|error| provider(&error))?;
        Ok(self.0.get_or_init(|| made))
    }
}

pub(in crate::crypto) fn sign(
    key: &PrivateKey,
    scheme: SignatureScheme,
    hash: &[u8],
    rng: &mut dyn RandomSource,
) -> Result<Vec<u8>, CryptoError> {
    // libcrypto draws the nonce of DSA and ECDSA from a generator of its own, so a run could not be repeated.
    let Ok(rsa) = key.rsa() else { return reference::sign(key, scheme, hash, rng) };
    scheme.check(key.key_type(), hash)?;
    skip_seed(rng);
    let key = key.libcrypto.get(rsa)?;
    let sign = || -> Result<Vec<u8>, ErrorStack> {
        let mut context = PkeyCtx::new(key)?;
        context.sign_init()?;
        set_rsa_padding(&mut context, scheme)?;
        let mut signature = vec![];
        context.sign_to_vec(hash, &mut signature)?;
        Ok(signature)
    };
    sign().map_err(|error| provider(&error))
}

pub(in crate::crypto) fn verify(
    key: &PublicKey,
    scheme: SignatureScheme,
    hash: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    scheme.check(key.key_type(), hash)?;
    let pkey = public_key(key)?;
    let verified = || -> Result<bool, ErrorStack> {
        let mut context = PkeyCtx::new(&pkey)?;
        context.verify_init()?;
        if let Some(modulus_len) = key.modulus_len() {
            set_rsa_padding(&mut context, scheme)?;
            return Ok(signature.len() == modulus_len && context.verify(hash, signature)?);
        }
        match der_signature(key, signature)? {
            Some(signature) => context.verify(hash, &signature),
            None => Ok(false),
        }
    };
    // With a key that has been checked, an error is about the signature.
    if verified().unwrap_or(false) { Ok(()) } else { Err(CryptoError::Signature) }
}

pub(in crate::crypto) fn rsa_encrypt(
    key: &PublicKey,
    plain: &[u8],
    rng: &mut dyn RandomSource,
) -> Result<Vec<u8>, CryptoError> {
    let modulus_len = key.rsa()?.size();
    let block = encryption_block(plain, modulus_len, rng)?;
    let rsa = public_key(key)?.rsa().map_err(|error| provider(&error))?;
    let mut cipher = vec![0; modulus_len];
    rsa.public_encrypt(&block, &mut cipher, Padding::NONE).map_err(|error| provider(&error))?;
    Ok(cipher)
}

pub(in crate::crypto) fn rsa_decrypt(
    key: &PrivateKey,
    cipher: &[u8],
    rng: &mut dyn RandomSource,
) -> Result<Secret, CryptoError> {
    key.check_ciphertext(cipher)?;
    skip_seed(rng);
    let parts = key.rsa()?;
    let rsa = key.libcrypto.get(parts)?.rsa().map_err(|error| provider(&error))?;
    // libcrypto 3.0 answers wrong padding with an error; so it only does the arithmetic.
    let mut block = Zeroizing::new(vec![0; parts.size()]);
    rsa.private_decrypt(cipher, &mut block, Padding::NONE).map_err(|error| provider(&error))?;
    let exponent = Zeroizing::new(reference::left_padded(parts.d(), parts.size()));
    implicit_rejection::unpad(&block, &exponent, cipher)
}

fn public_key(key: &PublicKey) -> Result<PKey<Public>, CryptoError> {
    let made = match key.rsa() {
        // Many times faster than libcrypto's decoders.
        Ok(rsa) => rsa_public_key(rsa),
        Err(_) => {
            let der = key.to_spki_der().map_err(|error| provider(&error))?;
            PKey::public_key_from_der(&der)
        }
    };
    made.map_err(|error| provider(&error))
}

fn rsa_public_key(key: &rsa::PublicKey) -> Result<PKey<Public>, ErrorStack> {
    let (n, e) = (BigNum::from_slice(&key.n_bytes())?, BigNum::from_slice(&key.e_bytes())?);
    PKey::from_rsa(Rsa::from_public_components(n, e)?)
}

/// PKCS #1 v1.5; around the bare hash unless the scheme has a DigestInfo.
fn set_rsa_padding<T>(context: &mut PkeyCtx<T>, scheme: SignatureScheme) -> Result<(), ErrorStack> {
    context.set_rsa_padding(Padding::PKCS1)?;
    match scheme {
        SignatureScheme::RsaPkcs1(hash) => digest(hash).map_or(Ok(()), |md| context.set_signature_md(md)),
        _ => Ok(()),
    }
}

/// The hash that a DigestInfo names; [`SignatureScheme::check`] lets no other through.
fn digest(hash: HashAlgorithm) -> Option<&'static MdRef> {
    match hash {
        HashAlgorithm::Md5 => Some(Md::md5()),
        HashAlgorithm::Sha1 => Some(Md::sha1()),
        HashAlgorithm::Tiger => None,
        HashAlgorithm::Sha2_256 => Some(Md::sha256()),
        HashAlgorithm::Sha2_384 => Some(Md::sha384()),
        HashAlgorithm::Sha2_512 => Some(Md::sha512()),
    }
}

/// r followed by s as libcrypto wants it, in DER; `None` if it has another length.
fn der_signature(key: &PublicKey, signature: &[u8]) -> Result<Option<Vec<u8>>, ErrorStack> {
    let width = key.number_len().unwrap_or_default();
    let Some((r, s)) = signature.split_at_checked(width).filter(|(_, s)| s.len() == width) else {
        return Ok(None);
    };
    let (r, s) = (BigNum::from_slice(r)?, BigNum::from_slice(s)?);
    if key.key_type() == KeyType::Dsa {
        DsaSig::from_private_components(r, s)?.to_der().map(Some)
    } else {
        EcdsaSig::from_private_components(r, s)?.to_der().map(Some)
    }
}

fn provider(error: &dyn core::fmt::Display) -> CryptoError {
    CryptoError::Provider { provider: "openssl", detail: error.to_string() }
}
