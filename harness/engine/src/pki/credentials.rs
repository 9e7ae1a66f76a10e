//! What we prove our own identity with.

use std::sync::Arc;

use super::{Certificate, DistinguishedName, PkiError};
use crate::crypto::{PrivateKey, PublicKey};
use crate::wire::{self, CertEncoding, CertificateRequest};

/// A private key, and the certificates that say whose it is.
#[derive(Debug, Clone)]
pub struct Credentials {
    private_key: Arc<PrivateKey>,
    chain: Vec<Certificate>,
}

impl Credentials {
    /// A private key with its certificates: its own first, then each one's issuer; the root may be left out.
    ///
    /// # Errors
    /// [`PkiError::ForeignPrivateKey`] if the first certificate is for another key; [`PkiError::BrokenChain`] if there
    /// is none or one is not issued by the next; [`PkiError::Key`].
    pub fn new(private_key: PrivateKey, chain: Vec<Certificate>) -> Result<Self, PkiError> {
        let leaf = chain.first().ok_or_else(|| PkiError::BrokenChain("no certificate".into()))?;
        if leaf.public_key()? != *private_key.public() {
            return Err(PkiError::ForeignPrivateKey(leaf.subject().clone()));
        }
        for (certificate, next) in chain.iter().zip(chain.iter().skip(1)) {
            if certificate.issuer() != next.subject() {
                let detail = format!("{} is not issued by {}", certificate.subject(), next.subject());
                return Err(PkiError::BrokenChain(detail));
            }
        }
        Ok(Self { private_key: Arc::new(private_key), chain })
    }

    /// A private key whose public key peers know beforehand.
    #[must_use]
    pub fn raw(private_key: PrivateKey) -> Self {
        Self { private_key: Arc::new(private_key), chain: vec![] }
    }

    /// The private key.
    #[must_use]
    pub const fn private_key(&self) -> &Arc<PrivateKey> {
        &self.private_key
    }

    /// The public key that belongs to it.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        self.private_key.public()
    }

    /// The certificates, our own first; empty for a raw key.
    #[must_use]
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// Our own certificate.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.chain.first()
    }

    /// Whether a CR payload with this certificate authority asks for our certificate: the chain leads to that name, or
    /// any authority will do (an empty field, RFC 4945 section 3.2.7.2).
    #[must_use]
    pub fn names_requested(&self, authority: &[u8]) -> bool {
        let leads = |certificate: &Certificate| certificate.issuer().as_der() == authority;
        !self.chain.is_empty() && (authority.is_empty() || self.chain.iter().any(leads))
    }

    /// Answers one CR payload (RFC 2408 section 5.10) with [`payloads`](Self::payloads).
    ///
    /// # Errors
    /// [`PkiError::RequestedType`] unless X.509 certificates are asked for, [`PkiError::RequestedAuthority`] if the
    /// authority is no name, [`PkiError::NoCertificateUnder`] if the chain does not lead to it.
    pub fn answer(&self, request: &CertificateRequest) -> Result<Vec<wire::Certificate>, PkiError> {
        if !matches!(request.cert_type, CertEncoding::X509_SIGNATURE | CertEncoding::X509_KEY_EXCHANGE) {
            return Err(PkiError::RequestedType(request.cert_type));
        }
        if self.names_requested(&request.authority) {
            return Ok(self.payloads());
        }
        let authority = DistinguishedName::from_der(request.authority.clone())
            .map_err(|_| PkiError::RequestedAuthority)?;
        Err(PkiError::NoCertificateUnder(authority))
    }

    /// The chain as CERT payloads, our own certificate first. A root is left out, since whoever trusts it has it.
    #[must_use]
    pub fn payloads(&self) -> Vec<wire::Certificate> {
        let (own, issuers) = self.chain.split_at(self.chain.len().min(1));
        own.iter()
            .chain(issuers.iter().filter(|issuer| !issuer.is_self_issued()))
            .map(|one| wire::Certificate::new(CertEncoding::X509_SIGNATURE, one.as_der().clone()))
            .collect()
    }
}
