//! Public keys.

use core::fmt;

use der::asn1::ObjectIdentifier;
use der::asn1::{AnyRef, UintRef};
use der::{Decode, Reader, SliceReader};
use rsa::traits::PublicKeyParts;
use spki::{EncodePublicKey, SubjectPublicKeyInfoRef};

use super::KeyError;
use crate::crypto::{CryptoError, HashAlgorithm};

pub(super) const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// Algorithm of a key, and its curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum KeyType {
    /// RSA.
    Rsa,
    /// DSA, the algorithm of DSS.
    Dsa,
    /// ECDSA over the 256-bit random ECP group.
    EcdsaP256,
    /// ECDSA over the 384-bit random ECP group.
    EcdsaP384,
    /// ECDSA over the 521-bit random ECP group.
    EcdsaP521,
}

impl KeyType {
    /// Short name, such as `ecdsa-p256`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Dsa => "dsa",
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::EcdsaP521 => "ecdsa-p521",
        }
    }

    /// The hash that signatures of this kind are tied to in IKEv1: SHA-1 for DSS (RFC 2409 section 5.1), that of RFC
    /// 4754 section 4 for ECDSA. `None` for RSA, which signs the negotiated one.
    #[must_use]
    pub const fn hash(self) -> Option<HashAlgorithm> {
        match self {
            Self::Rsa => None,
            Self::Dsa => Some(HashAlgorithm::Sha1),
            Self::EcdsaP256 => Some(HashAlgorithm::Sha2_256),
            Self::EcdsaP384 => Some(HashAlgorithm::Sha2_384),
            Self::EcdsaP521 => Some(HashAlgorithm::Sha2_512),
        }
    }

    pub(super) fn from_curve(curve: ObjectIdentifier) -> Result<Self, KeyError> {
        match curve {
            P256 => Ok(Self::EcdsaP256),
            P384 => Ok(Self::EcdsaP384),
            P521 => Ok(Self::EcdsaP521),
            other => Err(KeyError::Algorithm(format!("EC over curve {other}"))),
        }
    }
}

/// A public key for signatures or RSA encryption.
///
/// RSA moduli have 1024 to 8192 bits and exponents at most 33, DSA primes 1024, 2048 or 3072 bits: below, a key proves
/// nothing, and above, a hostile certificate would cost the reader seconds.
#[derive(Clone, PartialEq)]
pub struct PublicKey {
    pub(super) public: Public,
}

impl Eq for PublicKey {}

#[derive(Clone, PartialEq)]
pub(super) enum Public {
    Rsa(Box<rsa::PublicKey>),
    Dsa(Box<dsa::VerifyingKey>),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
}

impl PublicKey {
    pub(super) const fn new(public: Public) -> Self {
        Self { public }
    }

    /// The first public key of a PEM text: `PUBLIC KEY` (SubjectPublicKeyInfo) or `RSA PUBLIC KEY` (PKCS #1).
    ///
    /// # Errors
    /// [`KeyError::PemLabel`] for any other block; otherwise [`KeyError`] names what is wrong.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let (label, der) = crate::pem::blocks(pem)
            .next()
            .ok_or_else(|| KeyError::Malformed("no PEM block".into()))?
            .map_err(KeyError::malformed)?;
        match label {
            "PUBLIC KEY" => Self::from_spki_der(&der),
            "RSA PUBLIC KEY" => Self::from_pkcs1_der(&der),
            other => Err(KeyError::PemLabel(other.into())),
        }
    }

    /// A key from a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), as certificates have it.
    ///
    /// # Errors
    /// [`KeyError`] names what is wrong.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        let info = SubjectPublicKeyInfoRef::from_der(der).map_err(KeyError::malformed)?;
        let key = info
            .subject_public_key
            .as_bytes()
            .ok_or_else(|| KeyError::Malformed("key that is not whole octets".into()))?;
        match info.algorithm.oid {
            pkcs1::ALGORITHM_OID => Self::from_pkcs1_der(key),
            dsa::OID => {
                let parameters = info.algorithm.parameters_any().map_err(KeyError::malformed)?;
                let prime_bits = check_dsa_sizes(parameters)?;
                let y = UintRef::from_der(key).map_err(KeyError::malformed)?;
                if bit_len(y.as_bytes()) > prime_bits {
                    return Err(KeyError::Numbers { algorithm: "DSA", detail: "y is longer than p".into() });
                }
                let key = info.try_into().map_err(|error: spki::Error| bad_numbers("DSA", &error))?;
                Ok(Self::new(Public::Dsa(Box::new(key))))
            }
            EC_PUBLIC_KEY => {
                let curve = info.algorithm.parameters_oid().map_err(KeyError::malformed)?;
                let bad = |error: signature::Error| bad_numbers("ECDSA", &error);
                Ok(Self::new(match KeyType::from_curve(curve)? {
                    KeyType::EcdsaP384 => {
                        Public::P384(p384::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(bad)?)
                    }
                    KeyType::EcdsaP521 => {
                        Public::P521(p521::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(bad)?)
                    }
                    _ => Public::P256(p256::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(bad)?),
                }))
            }
            other => Err(KeyError::Algorithm(other.to_string())),
        }
    }

    /// A key from an RSAPublicKey (RFC 8017 appendix A.1.1).
    ///
    /// # Errors
    /// [`KeyError`] names what is wrong.
    pub fn from_pkcs1_der(der: &[u8]) -> Result<Self, KeyError> {
        let parsed = pkcs1::RsaPublicKeyRef::from_der(der).map_err(KeyError::malformed)?;
        check_rsa_size(parsed.modulus.as_bytes())?;
        let key = rsa::PublicKey::try_from(parsed).map_err(|error| bad_numbers("RSA", &error))?;
        Ok(Self::new(Public::Rsa(Box::new(key))))
    }

    /// The SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] if the key cannot be encoded, which no key that was decoded causes.
    pub fn to_spki_der(&self) -> Result<Vec<u8>, KeyError> {
        match &self.public {
            Public::Rsa(key) => key.to_public_key_der(),
            Public::Dsa(key) => key.to_public_key_der(),
            Public::P256(key) => key.to_public_key_der(),
            Public::P384(key) => key.to_public_key_der(),
            Public::P521(key) => key.to_public_key_der(),
        }
        .map(der::Document::into_vec)
        .map_err(KeyError::malformed)
    }

    pub(super) fn rsa(&self) -> Result<&rsa::PublicKey, CryptoError> {
        match &self.public {
            Public::Rsa(key) => Ok(key),
            _ => Err(CryptoError::KeyType { operation: "RSA encryption", key: self.key_type() }),
        }
    }

    /// Bytes of r and of s in a DSA or ECDSA signature; `None` for RSA.
    pub(super) fn number_len(&self) -> Option<usize> {
        match &self.public {
            Public::Rsa(_) => None,
            Public::Dsa(key) => Some(super::reference::dsa_width(key)),
            Public::P256(_) => Some(32),
            Public::P384(_) => Some(48),
            Public::P521(_) => Some(66),
        }
    }

    /// Length of the key's signatures in bytes: that of the RSA modulus, or of r and s together.
    #[must_use]
    pub fn signature_len(&self) -> usize {
        self.modulus_len().or_else(|| self.number_len()?.checked_mul(2)).unwrap_or(0)
    }

    /// Algorithm and curve.
    #[must_use]
    pub const fn key_type(&self) -> KeyType {
        match self.public {
            Public::Rsa(_) => KeyType::Rsa,
            Public::Dsa(_) => KeyType::Dsa,
            Public::P256(_) => KeyType::EcdsaP256,
            Public::P384(_) => KeyType::EcdsaP384,
            Public::P521(_) => KeyType::EcdsaP521,
        }
    }

    /// Length of the RSA modulus, and so of signatures and ciphertexts, in bytes; `None` for other keys.
    #[must_use]
    pub fn modulus_len(&self) -> Option<usize> {
        match &self.public {
            Public::Rsa(key) => Some(key.size()),
            _ => None,
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.key_type().name())
    }
}

pub(super) fn bad_numbers(algorithm: &'static str, error: &dyn fmt::Display) -> KeyError {
    KeyError::Numbers { algorithm, detail: error.to_string() }
}

/// Bits of a big-endian number, leading zeros not counted.
fn bit_len(number: &[u8]) -> usize {
    let mut significant = number.iter().skip_while(|byte| **byte == 0);
    significant.next().map_or(0, |first| {
        let top = usize::try_from(first.checked_ilog2().unwrap_or(0)).unwrap_or(0).saturating_add(1);
        significant.count().saturating_mul(8).saturating_add(top)
    })
}

/// Refuses a modulus before any arithmetic with it.
pub(super) fn check_rsa_size(modulus: &[u8]) -> Result<(), KeyError> {
    let bits = bit_len(modulus);
    if (1024..=8192).contains(&bits) {
        Ok(())
    } else {
        Err(KeyError::Size { algorithm: "RSA", bits, expected: "1024 to 8192" })
    }
}

/// Refuses domain parameters (RFC 3279 section 2.3.2) before any arithmetic with them; gives the bits of p.
pub(super) fn check_dsa_sizes(parameters: AnyRef<'_>) -> Result<usize, KeyError> {
    let mut reader = SliceReader::new(parameters.value()).map_err(KeyError::malformed)?;
    let mut bits = || -> der::Result<usize> { Ok(bit_len(UintRef::decode(&mut reader)?.as_bytes())) };
    let (p, q, g) =
        (|| Ok((bits()?, bits()?, bits()?)))().map_err(|error: der::Error| KeyError::malformed(error))?;
    if !reader.is_finished() {
        return Err(KeyError::Malformed("more than p, q and g".into()));
    }
    match (p, q) {
        (1024, 160) | (2048, 224 | 256) | (3072, 256) if g <= p => Ok(p),
        (1024, 160) | (2048, 224 | 256) | (3072, 256) => {
            Err(KeyError::Numbers { algorithm: "DSA", detail: "g is longer than p".into() })
        }
        _ => Err(KeyError::Size {
            algorithm: "DSA",
            bits: p,
            expected: "1024 with q of 160, 2048 with 224 or 256, 3072 with 256",
        }),
    }
}
