//! What certificates and CRLs have in common: bytes, an algorithm and a signature over the bytes.

use bytes::Bytes;
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use der::{Decode, Encode, Sequence};
use spki::AlgorithmIdentifierRef;

use super::PkiError;
use crate::crypto::{CertificateSignature, CryptoError, CryptoProvider, HashAlgorithm, PublicKey};

/// RFC 8017 appendix A.2.4, RFC 3279 section 2.2, RFC 5758 section 3.
const ALGORITHMS: &[(ObjectIdentifier, CertificateSignature)] = {
    use CertificateSignature::{Dsa, Ecdsa, Rsa};
    use HashAlgorithm::{Md5, Sha1, Sha2_256, Sha2_384, Sha2_512};
    const fn oid(text: &str) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(text)
    }
    &[
        (oid("1.2.840.113549.1.1.4"), Rsa(Md5)),
        (oid("1.2.840.113549.1.1.5"), Rsa(Sha1)),
        (oid("1.2.840.113549.1.1.11"), Rsa(Sha2_256)),
        (oid("1.2.840.113549.1.1.12"), Rsa(Sha2_384)),
        (oid("1.2.840.113549.1.1.13"), Rsa(Sha2_512)),
        (oid("1.2.840.10040.4.3"), Dsa(Sha1)),
        (oid("2.16.840.1.101.3.4.3.2"), Dsa(Sha2_256)),
        (oid("1.2.840.10045.4.1"), Ecdsa(Sha1)),
        (oid("1.2.840.10045.4.3.2"), Ecdsa(Sha2_256)),
        (oid("1.2.840.10045.4.3.3"), Ecdsa(Sha2_384)),
        (oid("1.2.840.10045.4.3.4"), Ecdsa(Sha2_512)),
    ]
};

/// `SIGNED{...}` of X.509.
#[derive(Sequence)]
struct Outer<'a> {
    body: AnyRef<'a>,
    algorithm: AlgorithmIdentifierRef<'a>,
    signature: BitStringRef<'a>,
}

/// The signed bytes as they came, and the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signed {
    pub(super) body: Bytes,
    /// The algorithm's object identifier.
    algorithm: ObjectIdentifier,
    /// The algorithm with its parameters, to be compared with the one inside the body.
    algorithm_der: Vec<u8>,
    signature: Bytes,
}

impl Signed {
    pub(super) fn from_der(what: &'static str, der: &[u8]) -> Result<Self, PkiError> {
        let malformed = |error| PkiError::malformed(what, error);
        let outer = Outer::from_der(der).map_err(malformed)?;
        let signature = outer
            .signature
            .as_bytes()
            .ok_or_else(|| PkiError::malformed(what, "signature that is not whole octets"))?;
        Ok(Self {
            // DER has one encoding of a value, so these are the bytes that came.
            body: outer.body.to_der().map_err(malformed)?.into(),
            algorithm: outer.algorithm.oid,
            algorithm_der: outer.algorithm.to_der().map_err(malformed)?,
            signature: Bytes::copy_from_slice(signature),
        })
    }

    /// Refuses a body that names another algorithm than the one outside, which no signature covers (RFC 5280 section
    /// 4.1.1.2).
    pub(super) fn check_algorithm(
        &self,
        what: &'static str,
        inner: &AlgorithmIdentifierRef<'_>,
    ) -> Result<(), PkiError> {
        let inner = inner.to_der().map_err(|error| PkiError::malformed(what, error))?;
        if inner == self.algorithm_der {
            Ok(())
        } else {
            Err(PkiError::malformed(what, "two different signature algorithms"))
        }
    }

    /// The algorithm, if the engine knows it.
    pub(super) fn algorithm(&self) -> Option<CertificateSignature> {
        ALGORITHMS.iter().find(|(oid, _)| *oid == self.algorithm).map(|(_, algorithm)| *algorithm)
    }

    /// The algorithm's object identifier.
    pub(super) const fn algorithm_oid(&self) -> ObjectIdentifier {
        self.algorithm
    }

    pub(super) fn verify(
        &self,
        provider: &dyn CryptoProvider,
        algorithm: CertificateSignature,
        key: &PublicKey,
    ) -> Result<(), CryptoError> {
        provider.verify_certificate(key, algorithm, &self.body, &self.signature)
    }
}
