//! Private keys.

use core::fmt;

use der::Decode;
use pkcs8::PrivateKeyInfoRef;
use rsa::traits::PublicKeyParts;
use zeroize::Zeroizing;

use super::public_key::{self, Public, bad_numbers, check_dsa_sizes};
use super::{KeyError, KeyType, PublicKey};
use crate::crypto::CryptoError;

/// A private key for signatures or RSA decryption.
///
/// `Debug` prints the type alone. The numbers are wiped on drop.
#[derive(Clone)]
pub struct PrivateKey {
    pub(super) private: Private,
    public: PublicKey,
    /// The key as libcrypto has it.
    #[cfg(feature = "openssl")]
    pub(super) libcrypto: super::openssl::SharedKey,
}

#[derive(Clone)]
pub(super) enum Private {
    Rsa(Box<rsa::PrivateKey>),
    Dsa(Box<dsa::SigningKey>),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
}

impl PrivateKey {
    /// The first private key of a PEM text: `PRIVATE KEY` (PKCS #8), `RSA PRIVATE KEY` (PKCS #1) or `EC PRIVATE KEY`
    /// (SEC 1). Blocks of `EC PARAMETERS` before it are skipped.
    ///
    /// # Errors
    /// [`KeyError::PemLabel`] for any other block, encrypted keys too; otherwise as [`from_der`](Self::from_der).
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let (label, der) = crate::pem::blocks(pem)
            .find(|block| !matches!(block, Ok(("EC PARAMETERS", _))))
            .ok_or_else(|| KeyError::Malformed("no PEM block".into()))?
            .map_err(KeyError::malformed)?;
        let der = Zeroizing::new(der);
        match label {
            "PRIVATE KEY" => Self::from_pkcs8(&der),
            "RSA PRIVATE KEY" => Self::from_pkcs1(&der),
            "EC PRIVATE KEY" => Self::from_sec1(&der),
            other => Err(KeyError::PemLabel(other.into())),
        }
    }

    /// A private key in DER: PKCS #8, PKCS #1 or SEC 1, whichever it is.
    ///
    /// # Errors
    /// [`KeyError`] names what is wrong. The sizes are those of [`PublicKey`].
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        if PrivateKeyInfoRef::from_der(der).is_ok() {
            Self::from_pkcs8(der)
        } else if sec1::EcPrivateKey::from_der(der).is_ok() {
            Self::from_sec1(der)
        } else {
            Self::from_pkcs1(der)
        }
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let info = PrivateKeyInfoRef::from_der(der).map_err(KeyError::malformed)?;
        match info.algorithm.oid {
            pkcs1::ALGORITHM_OID => Self::from_pkcs1(info.private_key.as_bytes()),
            dsa::OID => {
                let parameters = info.algorithm.parameters_any().map_err(KeyError::malformed)?;
                check_dsa_sizes(parameters)?;
                let key = dsa::SigningKey::try_from(info).map_err(|error| bad_numbers("DSA", &error))?;
                Ok(Self::new(Private::Dsa(Box::new(key))))
            }
            public_key::EC_PUBLIC_KEY => {
                let curve = info.algorithm.parameters_oid().map_err(KeyError::malformed)?;
                let bad = |error| bad_numbers("ECDSA", &error);
                Ok(Self::new(match KeyType::from_curve(curve)? {
                    KeyType::EcdsaP384 => Private::P384(info.try_into().map_err(bad)?),
                    KeyType::EcdsaP521 => Private::P521(info.try_into().map_err(bad)?),
                    _ => Private::P256(info.try_into().map_err(bad)?),
                }))
            }
            other => Err(KeyError::Algorithm(other.to_string())),
        }
    }

    fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        let parsed = pkcs1::RsaPrivateKeyRef::from_der(der).map_err(KeyError::malformed)?;
        public_key::check_rsa_size(parsed.modulus.as_bytes())?;
        let key = rsa::PrivateKey::try_from(parsed).map_err(|error| bad_numbers("RSA", &error))?;
        Ok(Self::new(Private::Rsa(Box::new(key))))
    }

    fn from_sec1(der: &[u8]) -> Result<Self, KeyError> {
        let parsed = sec1::EcPrivateKey::from_der(der).map_err(KeyError::malformed)?;
        let curve = parsed
            .parameters
            .and_then(|parameters| parameters.named_curve())
            .ok_or_else(|| KeyError::Malformed("EC key that does not name its curve".into()))?;
        let bad = |error: signature::Error| bad_numbers("ECDSA", &error);
        let scalar = parsed.private_key;
        Ok(Self::new(match KeyType::from_curve(curve)? {
            KeyType::EcdsaP384 => Private::P384(p384::ecdsa::SigningKey::from_slice(scalar).map_err(bad)?),
            KeyType::EcdsaP521 => Private::P521(p521::ecdsa::SigningKey::from_slice(scalar).map_err(bad)?),
            _ => Private::P256(p256::ecdsa::SigningKey::from_slice(scalar).map_err(bad)?),
        }))
    }

    fn new(private: Private) -> Self {
        let public = PublicKey::new(match &private {
            Private::Rsa(key) => Public::Rsa(Box::new(key.to_public_key())),
            Private::Dsa(key) => Public::Dsa(Box::new(key.verifying_key().clone())),
            Private::P256(key) => Public::P256(*key.verifying_key()),
            Private::P384(key) => Public::P384(*key.verifying_key()),
            Private::P521(key) => Public::P521(*key.verifying_key()),
        });
        Self {
            private,
            public,
            #[cfg(feature = "openssl")]
            libcrypto: super::openssl::SharedKey::default(),
        }
    }

    /// The public key that belongs to it.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(super) fn rsa(&self) -> Result<&rsa::PrivateKey, CryptoError> {
        match &self.private {
            Private::Rsa(key) => Ok(key),
            _ => Err(CryptoError::KeyType { operation: "RSA decryption", key: self.key_type() }),
        }
    }

    /// Refuses a ciphertext that is not a number below the modulus, of the modulus's length.
    pub(super) fn check_ciphertext(&self, cipher: &[u8]) -> Result<(), CryptoError> {
        let key = self.rsa()?;
        let modulus = key.n_bytes();
        // Both are big-endian and of one length, so they compare as numbers.
        if cipher.len() == modulus.len() && cipher < &*modulus {
            Ok(())
        } else {
            Err(CryptoError::CiphertextRange { got: cipher.len(), expected: key.size() })
        }
    }

    /// Algorithm and curve.
    #[must_use]
    pub const fn key_type(&self) -> KeyType {
        self.public.key_type()
    }

    /// Length of the RSA modulus in bytes; `None` for other keys.
    #[must_use]
    pub fn modulus_len(&self) -> Option<usize> {
        match &self.private {
            Private::Rsa(key) => Some(key.size()),
            _ => None,
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.key_type().name())
    }
}
