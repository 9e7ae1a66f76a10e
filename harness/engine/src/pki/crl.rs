//! Certificate revocation lists.

use core::fmt;
use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use der::asn1::{AnyRef, IntRef, ObjectIdentifier};
use der::{Decode, Sequence};
use spki::AlgorithmIdentifierRef;
use x509_cert::certificate::Version;
use x509_cert::ext::Extension;
use x509_cert::time::Time;

use super::certificate::name;
use super::signed::Signed;
use super::{DistinguishedName, PkiError, UnixTime};
use crate::limits::CRL_LEN_MAX;

/// TBSCertList (RFC 5280 section 5.1.2).
#[derive(Sequence)]
struct Body<'a> {
    #[asn1(optional = "true")]
    version: Option<Version>,
    signature: AlgorithmIdentifierRef<'a>,
    issuer: AnyRef<'a>,
    this_update: Time,
    #[asn1(optional = "true")]
    next_update: Option<Time>,
    #[asn1(optional = "true")]
    revoked_certificates: Option<Vec<Entry<'a>>>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

#[derive(Sequence)]
struct Entry<'a> {
    user_certificate: IntRef<'a>,
    revocation_date: Time,
    #[asn1(optional = "true")]
    extensions: Option<Vec<Extension>>,
}

/// A parsed certificate revocation list. Its signature is not verified.
///
/// Clones share the parsed form. Two are equal if their bytes are.
#[derive(Clone)]
pub struct Crl(Arc<Parsed>);

struct Parsed {
    der: Bytes,
    signed: Signed,
    issuer: DistinguishedName,
    this_update: UnixTime,
    next_update: Option<UnixTime>,
    revoked: BTreeSet<Vec<u8>>,
    critical: Option<ObjectIdentifier>,
}

impl Crl {
    /// Parses one list of at most [`CRL_LEN_MAX`] bytes.
    ///
    /// # Errors
    /// [`PkiError::TooLong`], [`PkiError::Malformed`].
    pub fn from_der(der: impl Into<Bytes>) -> Result<Self, PkiError> {
        let der = der.into();
        if der.len() > CRL_LEN_MAX {
            return Err(PkiError::TooLong { what: WHAT, got: der.len(), limit: CRL_LEN_MAX });
        }
        let signed = Signed::from_der(WHAT, &der)?;
        let body = Body::from_der(&signed.body).map_err(malformed)?;
        signed.check_algorithm(WHAT, &body.signature)?;
        let entries = body.revoked_certificates.unwrap_or_default();
        // A critical extension of one entry may change what the whole list is about (RFC 5280 section 5.3.3).
        let critical = body
            .extensions
            .iter()
            .chain(entries.iter().filter_map(|entry| entry.extensions.as_ref()))
            .flatten()
            .find(|extension| extension.critical)
            .map(|extension| extension.extn_id);
        Ok(Self(Arc::new(Parsed {
            issuer: name(&body.issuer)?,
            this_update: body.this_update.into(),
            next_update: body.next_update.map(Into::into),
            revoked: entries.iter().map(|entry| entry.user_certificate.as_bytes().to_vec()).collect(),
            critical,
            signed,
            der,
        })))
    }

    /// Every `X509 CRL` block of a PEM text, in their order.
    ///
    /// # Errors
    /// [`PkiError::Malformed`] for a broken block; otherwise as [`from_der`](Self::from_der).
    pub fn bundle_from_pem(pem: &str) -> Result<Vec<Self>, PkiError> {
        crate::pem::blocks(pem)
            .filter(|block| !matches!(block, Ok((label, _)) if *label != "X509 CRL"))
            .map(|block| Self::from_der(block.map_err(malformed)?.1))
            .collect()
    }

    /// The first list of a PEM text.
    ///
    /// # Errors
    /// As [`bundle_from_pem`](Self::bundle_from_pem), and [`PkiError::Malformed`] if the text has none.
    pub fn from_pem(pem: &str) -> Result<Self, PkiError> {
        Self::bundle_from_pem(pem)?.into_iter().next().ok_or_else(|| malformed("no X509 CRL block"))
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

    /// When it was made.
    #[must_use]
    pub fn this_update(&self) -> UnixTime {
        self.0.this_update
    }

    /// When the next one is due.
    #[must_use]
    pub fn next_update(&self) -> Option<UnixTime> {
        self.0.next_update
    }

    /// How many certificates it lists.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.revoked.len()
    }

    /// Whether it lists none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.revoked.is_empty()
    }

    pub(super) fn lists(&self, serial_number: &[u8]) -> bool {
        self.0.revoked.contains(serial_number)
    }

    pub(super) fn critical_extension(&self) -> Option<ObjectIdentifier> {
        self.0.critical
    }

    pub(super) fn signed(&self) -> &Signed {
        &self.0.signed
    }
}

impl PartialEq for Crl {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Crl {}

impl fmt::Debug for Crl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crl({} revoked by {})", self.len(), self.issuer())
    }
}

const WHAT: &str = "CRL";

fn malformed(error: impl fmt::Display) -> PkiError {
    PkiError::malformed(WHAT, error)
}
