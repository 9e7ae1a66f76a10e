//! Whom we believe.

use core::fmt;

use super::path::PathBuilder;
use super::{Certificate, Crl, PkiError, UnixTime};
use crate::crypto::{CryptoProvider, PublicKey};
use crate::limits::PkiLimits;
use crate::wire::{CertEncoding, CertificateRequest, Identification};

/// What a key is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyPurpose {
    /// To verify SIG_I or SIG_R: keyUsage needs digitalSignature or nonRepudiation (RFC 4945 section 5.1.3.2).
    Signature,
    /// To encrypt nonce and identity (RFC 2409 sections 5.2 and 5.3): keyUsage needs keyEncipherment.
    Encryption,
    /// To verify certificates: keyUsage needs keyCertSign.
    Certificates,
}

impl fmt::Display for KeyPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signature => "signatures",
            Self::Encryption => "encryption",
            Self::Certificates => "signing certificates",
        })
    }
}

/// What certificates must fulfil beyond RFC 5280 and RFC 4945.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CertificatePolicy {
    /// Whether every certificate below a trust anchor needs a CRL that is up to date. Without, a CRL counts where there
    /// is one.
    pub require_crl: bool,
    /// Whether signatures over MD5 are accepted. RFC 4945 section 5.3 wants implementations to be able to; forged
    /// certificates exist, so it is off unless asked for.
    pub accept_md5: bool,
    /// Bounds on what a peer can make us do.
    pub limits: PkiLimits,
}

/// Whom we believe: trust anchors, CRLs, keys and certificates known beforehand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrustStore {
    /// Certificates of the authorities that chains must lead to. They are believed without a look at their signature,
    /// but have to be valid and those of authorities. A peer's own certificate among them is believed too, provided it
    /// is the peer's whole chain.
    pub anchors: Vec<Certificate>,
    /// Certificates that peers need not send, of authorities below the anchors or of the peers themselves.
    pub certificates: Vec<Certificate>,
    /// CRLs got out of band. Their signatures are verified like those of received ones.
    pub crls: Vec<Crl>,
    /// Keys of peers without certificates, or whatever their certificates say. The key of an identity is that of the
    /// first entry with its type and data.
    pub raw_keys: Vec<(Identification, PublicKey)>,
    /// What certificates must fulfil.
    pub policy: CertificatePolicy,
}

impl TrustStore {
    /// The key that belongs to the peer's identity `id`, to be used for `purpose`.
    ///
    /// A raw key of that identity comes first. Otherwise, of the certificates in `received` (in any order, further ones
    /// do no harm) and of those known beforehand, the first that names the identity and has a chain to an anchor gives
    /// the key. Checked are
    ///
    /// - validity at `at`, key usage, extended key usage, unknown critical extensions;
    /// - of each issuer also basicConstraints and the path length;
    /// - each signature, with at most [`PkiLimits::signatures_max`] verified in all;
    /// - revocation of each certificate below the anchor by the CRLs at hand. Whatever good CRL lists a certificate
    ///   counts, even one that is out of date (RFC 4945 section 5.2.1).
    ///
    /// # Errors
    /// [`PkiError`] names what is wrong with the first certificate that names the identity, or with its chain;
    /// [`PkiError::Identity`] if none names it, [`PkiError::NoKey`] if there is none at all.
    pub fn validate(
        &self,
        provider: &dyn CryptoProvider,
        received: &[Certificate],
        received_crls: &[Crl],
        id: &Identification,
        at: UnixTime,
        purpose: KeyPurpose,
    ) -> Result<PublicKey, PkiError> {
        if let Some(key) = self.raw_key(id) {
            return Ok(key.clone());
        }
        self.validate_certificate(provider, received, received_crls, id, at, purpose).map(|(_, key)| key)
    }

    /// As [`validate`](Self::validate), but for raw keys: the certificate together with its key.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn validate_certificate(
        &self,
        provider: &dyn CryptoProvider,
        received: &[Certificate],
        received_crls: &[Crl],
        id: &Identification,
        at: UnixTime,
        purpose: KeyPurpose,
    ) -> Result<(Certificate, PublicKey), PkiError> {
        let limits = &self.policy.limits;
        if received.len() > limits.certificates_max {
            return Err(PkiError::TooMany { what: "certificates", limit: limits.certificates_max });
        }
        if received_crls.len() > limits.crls_max {
            return Err(PkiError::TooMany { what: "CRLs", limit: limits.crls_max });
        }
        let mut path = PathBuilder::new(self, provider, received, received_crls, at);
        let mut first_error = None;
        for leaf in received.iter().chain(&self.certificates).filter(|certificate| certificate.names(id)) {
            match path.validate(leaf, purpose) {
                Ok(key) => return Ok((leaf.clone(), key)),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or_else(|| {
            if received.is_empty() {
                PkiError::NoKey(id.to_string())
            } else {
                PkiError::Identity(id.to_string())
            }
        }))
    }

    /// The key known beforehand for an identity. Protocol and port do not matter.
    #[must_use]
    pub fn raw_key(&self, id: &Identification) -> Option<&PublicKey> {
        let same = |known: &Identification| known.id_type == id.id_type && known.data == id.data;
        self.raw_keys.iter().find(|(known, _)| same(known)).map(|(_, key)| key)
    }

    /// A CR payload for each anchor, of type X.509 Certificate - Signature (RFC 4945 section 3.2.7.1).
    #[must_use]
    pub fn requests(&self) -> Vec<CertificateRequest> {
        let request = |anchor: &Certificate| {
            CertificateRequest::new(CertEncoding::X509_SIGNATURE, anchor.subject().as_der().clone())
        };
        self.anchors.iter().map(request).collect()
    }
}
