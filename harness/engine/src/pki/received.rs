//! The CERT payloads of a message.

use super::{Certificate, Crl, PkiError};
use crate::limits::PkiLimits;
use crate::wire::{self, CertEncoding};

/// What the CERT payloads of one message hold. Duplicates count once (RFC 4945 section 3.3.10.4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// Certificates, in the order of their payloads.
    pub certificates: Vec<Certificate>,
    /// CRLs, in the order of their payloads.
    pub crls: Vec<Crl>,
    /// Why further payloads were discarded, as RFC 2408 section 5.9 wants it. That does no harm as long as the others
    /// suffice (RFC 4945 section 3.3.10).
    pub discarded: Vec<PkiError>,
}

impl Received {
    /// Reads X.509 certificates (encodings 4 and 5) and CRLs (encoding 7).
    ///
    /// # Errors
    /// [`PkiError::TooMany`] if there are more payloads than `limits` allow, however few of them differ.
    pub fn from_payloads(payloads: &[wire::Certificate], limits: &PkiLimits) -> Result<Self, PkiError> {
        let limit = limits.certificates_max.saturating_add(limits.crls_max);
        if payloads.len() > limit {
            return Err(PkiError::TooMany { what: "CERT payloads", limit });
        }
        let mut received = Self::default();
        for payload in payloads {
            match payload.encoding {
                CertEncoding::X509_SIGNATURE | CertEncoding::X509_KEY_EXCHANGE => {
                    let parsed = Certificate::from_der(payload.data.clone());
                    keep(&mut received.certificates, &mut received.discarded, parsed);
                }
                CertEncoding::CRL => {
                    keep(&mut received.crls, &mut received.discarded, Crl::from_der(payload.data.clone()));
                }
                other => received.discarded.push(PkiError::Encoding(other)),
            }
        }
        Ok(received)
    }
}

fn keep<T: PartialEq>(kept: &mut Vec<T>, discarded: &mut Vec<PkiError>, parsed: Result<T, PkiError>) {
    match parsed {
        Ok(new) => {
            if !kept.contains(&new) {
                kept.push(new);
            }
        }
        Err(error) => discarded.push(error),
    }
}
