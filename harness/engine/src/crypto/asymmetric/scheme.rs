//! Signature schemes.

use std::borrow::Cow;

use der::asn1::{AnyRef, UintRef};
use der::{Decode, Reader, SliceReader, Tag, Tagged};

use super::{KeyType, PublicKey};
use crate::crypto::{CryptoError, HashAlgorithm};

/// What a signature looks like and what it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureScheme {
    /// RSA "private key encryption in PKCS #1 format" of RFC 2409 section 5.1: block type 1 around the bare hash, with
    /// no DigestInfo. As long as the modulus.
    RsaPkcs1Raw,
    /// RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2): block type 1 around a DigestInfo that names the hash. Certificates are
    /// signed so, IKEv1 exchanges are not. PKCS #1 has no DigestInfo for Tiger, so a hash of Tiger is refused.
    RsaPkcs1(HashAlgorithm),
    /// DSS of RFC 2409 section 5.1: r followed by s, each as long as q. The hash is HASH_I or HASH_R by HMAC-SHA-1,
    /// 20 bytes, and takes the place of the message digest in DSA: it is not hashed again.
    DssSha1,
    /// DSA over a hash of 20 to 64 bytes, of which DSA takes the leftmost bits that q has room for (FIPS 186-4 section
    /// 4.6); r followed by s. Certificates need it.
    Dsa,
    /// ECDSA of RFC 4754: r followed by s, each as long as the curve's order (32, 48 or 66 bytes). The hash takes the
    /// place of the message digest: it is not hashed again. RFC 4754 section 4 ties SHA-256, SHA-384 and SHA-512 to
    /// P-256, P-384 and P-521; [`KeyType::hash`](super::KeyType::hash) gives it. A hash of 20 to 64 bytes is taken,
    /// since certificates are free to choose.
    Ecdsa,
}

impl SignatureScheme {
    /// Short name for errors, such as `rsa-pkcs1-raw`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaPkcs1Raw => "rsa-pkcs1-raw",
            Self::RsaPkcs1(_) => "rsa-pkcs1",
            Self::DssSha1 => "dss-sha1",
            Self::Dsa => "dsa",
            Self::Ecdsa => "ecdsa",
        }
    }

    /// Whether the key is of the scheme's algorithm and the hash of a length it takes.
    pub(super) fn check(self, key: KeyType, hash: &[u8]) -> Result<(), CryptoError> {
        let fits = match self {
            Self::RsaPkcs1Raw | Self::RsaPkcs1(_) => key == KeyType::Rsa,
            Self::DssSha1 | Self::Dsa => key == KeyType::Dsa,
            Self::Ecdsa => !matches!(key, KeyType::Rsa | KeyType::Dsa),
        };
        if !fits {
            return Err(CryptoError::KeyType { operation: self.name(), key });
        }
        if !self.takes_hash_len(hash.len()) {
            return Err(CryptoError::HashLength { scheme: self.name(), got: hash.len() });
        }
        Ok(())
    }

    const fn takes_hash_len(self, len: usize) -> bool {
        match self {
            // HMAC-MD5 to HMAC-SHA-512.
            Self::RsaPkcs1Raw => len >= 16 && len <= 64,
            Self::RsaPkcs1(HashAlgorithm::Tiger) => false,
            Self::RsaPkcs1(hash) => len == hash.output_len(),
            Self::DssSha1 => len == 20,
            Self::Dsa | Self::Ecdsa => len >= 20 && len <= 64,
        }
    }
}

/// The signature algorithms of certificates and revocation lists that the engine verifies.
///
/// MD5 is left out: collisions of it have forged certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CertificateSignature {
    /// `sha1WithRSAEncryption` to `sha512WithRSAEncryption` (RFC 8017 appendix A.2.4).
    Rsa(HashAlgorithm),
    /// `id-dsa-with-sha1`, `id-dsa-with-sha256` (RFC 3279 section 2.2.2, RFC 5758 section 3.1).
    Dsa(HashAlgorithm),
    /// `ecdsa-with-SHA1` to `ecdsa-with-SHA512` (RFC 3279 section 2.2.3, RFC 5758 section 3.2).
    Ecdsa(HashAlgorithm),
}

impl CertificateSignature {
    /// The hash of the signed bytes.
    #[must_use]
    pub const fn hash(self) -> HashAlgorithm {
        match self {
            Self::Rsa(hash) | Self::Dsa(hash) | Self::Ecdsa(hash) => hash,
        }
    }
}

/// Scheme and signature in the form of [`SignatureScheme`], from those of a certificate.
pub(in crate::crypto) fn fixed_width<'a>(
    key: &PublicKey,
    algorithm: CertificateSignature,
    signature: &'a [u8],
) -> Result<(SignatureScheme, Cow<'a, [u8]>), CryptoError> {
    match algorithm {
        CertificateSignature::Rsa(hash) => Ok((SignatureScheme::RsaPkcs1(hash), signature.into())),
        CertificateSignature::Dsa(_) | CertificateSignature::Ecdsa(_) => {
            let scheme = if matches!(algorithm, CertificateSignature::Dsa(_)) {
                SignatureScheme::Dsa
            } else {
                SignatureScheme::Ecdsa
            };
            let width = key
                .number_len()
                .ok_or(CryptoError::KeyType { operation: scheme.name(), key: key.key_type() })?;
            let fixed = r_and_s(signature, width).ok_or(CryptoError::Signature)?;
            Ok((scheme, fixed.into()))
        }
    }
}

/// r followed by s, each of `width` bytes, from `SEQUENCE { r INTEGER, s INTEGER }`.
pub(super) fn r_and_s(signature: &[u8], width: usize) -> Option<Vec<u8>> {
    let sequence = AnyRef::from_der(signature).ok().filter(|any| any.tag() == Tag::Sequence)?;
    let mut reader = SliceReader::new(sequence.value()).ok()?;
    let mut number = || {
        let number = UintRef::decode(&mut reader).ok()?;
        let zeros = width.checked_sub(number.as_bytes().len())?;
        Some([vec![0; zeros].as_slice(), number.as_bytes()].concat())
    };
    let both = [number()?, number()?].concat();
    reader.is_finished().then_some(both)
}
