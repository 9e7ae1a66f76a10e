//! X.509 certificates.

use core::fmt;
use std::sync::Arc;

use bytes::Bytes;
use der::asn1::{AnyRef, BitStringRef, IntRef};
use der::{Decode, Encode, Sequence};
use spki::AlgorithmIdentifierRef;
use x509_cert::certificate::Version;
use x509_cert::ext::Extension;
use x509_cert::time::Validity;

use super::extensions::Extensions;
use super::signed::Signed;
use super::{DistinguishedName, PkiError, UnixTime};
use crate::crypto::PublicKey;
use crate::limits::CERTIFICATE_LEN_MAX;

/// TBSCertificate (RFC 5280 section 4.1.2). What is compared byte for byte stays as it came.
#[derive(Sequence)]
struct Body<'a> {
    #[asn1(context_specific = "0", default = "Default::default")]
    version: Version,
    serial_number: IntRef<'a>,
    signature: AlgorithmIdentifierRef<'a>,
    issuer: AnyRef<'a>,
    validity: Validity,
    subject: AnyRef<'a>,
    subject_public_key_info: AnyRef<'a>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    issuer_unique_id: Option<BitStringRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT", optional = "true")]
    subject_unique_id: Option<BitStringRef<'a>>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

/// A parsed X.509 certificate. Its signature is not verified, its key not looked at.
///
/// Clones share the parsed form. Two are equal if their bytes are.
#[derive(Clone)]
pub struct Certificate(Arc<Parsed>);

struct Parsed {
    der: Bytes,
    signed: Signed,
    serial_number: Vec<u8>,
    issuer: DistinguishedName,
    subject: DistinguishedName,
    not_before: UnixTime,
    not_after: UnixTime,
    public_key_info: Bytes,
    extensions: Extensions,
}

impl Certificate {
    /// Parses one certificate of at most [`CERTIFICATE_LEN_MAX`] bytes.
    ///
    /// # Errors
    /// [`PkiError::TooLong`], [`PkiError::Malformed`]: also for bytes after the certificate, an extension twice, or
    /// extensions in a certificate of version 1 or 2.
    pub fn from_der(der: impl Into<Bytes>) -> Result<Self, PkiError> {
        let der = der.into();
        if der.len() > CERTIFICATE_LEN_MAX {
            return Err(PkiError::TooLong { what: WHAT, got: der.len(), limit: CERTIFICATE_LEN_MAX });
        }
        let signed = Signed::from_der(WHAT, &der)?;
        let body = Body::from_der(&signed.body).map_err(malformed)?;
        signed.check_algorithm(WHAT, &body.signature)?;
        if body.extensions.is_some() && body.version != Version::V3 {
            return Err(malformed("extensions in a certificate that is not of version 3"));
        }
        let parsed = Parsed {
            serial_number: body.serial_number.as_bytes().to_vec(),
            issuer: name(&body.issuer)?,
            subject: name(&body.subject)?,
            not_before: body.validity.not_before.into(),
            not_after: body.validity.not_after.into(),
            public_key_info: body.subject_public_key_info.to_der().map_err(malformed)?.into(),
            extensions: Extensions::parse(body.extensions.as_deref().unwrap_or_default())?,
            signed,
            der,
        };
        if parsed.issuer.is_empty() {
            return Err(malformed("no issuer"));
        }
        Ok(Self(Arc::new(parsed)))
    }

    /// The first certificate of a PEM text.
    ///
    /// # Errors
    /// As [`bundle_from_pem`](Self::bundle_from_pem), and [`PkiError::Malformed`] if the text has none.
    pub fn from_pem(pem: &str) -> Result<Self, PkiError> {
        Self::bundle_from_pem(pem)?.into_iter().next().ok_or_else(|| malformed("no CERTIFICATE block"))
    }

    /// Every `CERTIFICATE` block of a PEM text, in their order. Other blocks are skipped, so a text with the private
    /// key in it will do.
    ///
    /// # Errors
    /// [`PkiError::Malformed`] for a broken block; otherwise as [`from_der`](Self::from_der).
    pub fn bundle_from_pem(pem: &str) -> Result<Vec<Self>, PkiError> {
        crate::pem::blocks(pem)
            .filter(|block| !matches!(block, Ok((label, _)) if *label != "CERTIFICATE"))
            .map(|block| Self::from_der(block.map_err(malformed)?.1))
            .collect()
    }

    /// The bytes as they came.
    #[must_use]
    pub fn as_der(&self) -> &Bytes {
        &self.0.der
    }

    /// Who signed it.
    #[must_use]
    pub fn issuer(&self) -> &DistinguishedName {
        &self.0.issuer
    }

    /// Whose key is in it; may be empty.
    #[must_use]
    pub fn subject(&self) -> &DistinguishedName {
        &self.0.subject
    }

    /// Whether issuer and subject are one, as with the certificate of a root authority.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.0.issuer == self.0.subject
    }

    /// notBefore and notAfter; it is valid at both.
    #[must_use]
    pub fn validity(&self) -> (UnixTime, UnixTime) {
        (self.0.not_before, self.0.not_after)
    }

    /// Whether basicConstraints say that the subject is a certificate authority.
    #[must_use]
    pub fn is_authority(&self) -> bool {
        self.0.extensions.basic_constraints.as_ref().is_some_and(|constraints| constraints.ca)
    }

    /// The key, checked as [`PublicKey::from_spki_der`] does.
    ///
    /// # Errors
    /// [`PkiError::Key`].
    pub fn public_key(&self) -> Result<PublicKey, PkiError> {
        PublicKey::from_spki_der(&self.0.public_key_info)
            .map_err(|source| PkiError::Key { subject: self.subject().clone(), source })
    }

    pub(super) fn serial_number(&self) -> &[u8] {
        &self.0.serial_number
    }

    pub(super) fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }

    pub(super) fn signed(&self) -> &Signed {
        &self.0.signed
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({} by {})", self.subject(), self.issuer())
    }
}

const WHAT: &str = "certificate";

fn malformed(error: impl fmt::Display) -> PkiError {
    PkiError::malformed(WHAT, error)
}

pub(super) fn name(der: &AnyRef<'_>) -> Result<DistinguishedName, PkiError> {
    DistinguishedName::from_der(der.to_der().map_err(malformed)?)
}
