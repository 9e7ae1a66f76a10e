//! From an end-entity certificate up to a trust anchor (RFC 5280 section 6).

use super::revocation::Revocation;
use super::signed::Signed;
use super::{Certificate, Crl, KeyPurpose, PkiError, TrustStore, UnixTime};
use crate::crypto::{CertificateSignature, CryptoProvider, HashAlgorithm, PublicKey};
use crate::deviation::{Deviation, deviates};

/// Looks for a chain; counts the signatures it verifies on the way.
pub(super) struct PathBuilder<'a> {
    store: &'a TrustStore,
    verifier: Verifier<'a>,
    received: &'a [Certificate],
    crls: &'a [Crl],
    at: UnixTime,
}

/// Verifies signatures as long as the budget lasts.
pub(super) struct Verifier<'a> {
    provider: &'a dyn CryptoProvider,
    accept_md5: bool,
    limit: usize,
    done: usize,
}

/// What came of a signature.
pub(super) enum Verdict {
    Good,
    Bad,
    /// Not supported, or forbidden by the policy.
    Refused,
}

impl Verifier<'_> {
    /// # Errors
    /// [`PkiError::TooManySignatures`] when the budget is used up.
    pub(super) fn verify(&mut self, signed: &Signed, key: &PublicKey) -> Result<Verdict, PkiError> {
        let Some(algorithm) = signed.algorithm().filter(|algorithm| self.accepts(*algorithm)) else {
            return Ok(Verdict::Refused);
        };
        self.done = self.done.saturating_add(1);
        if self.done > self.limit {
            return Err(PkiError::TooManySignatures(self.limit));
        }
        Ok(if signed.verify(self.provider, algorithm, key).is_ok() { Verdict::Good } else { Verdict::Bad })
    }

    fn accepts(&self, algorithm: CertificateSignature) -> bool {
        self.accept_md5 || algorithm.hash() != HashAlgorithm::Md5
    }
}

impl<'a> PathBuilder<'a> {
    pub(super) fn new(
        store: &'a TrustStore,
        provider: &'a dyn CryptoProvider,
        received: &'a [Certificate],
        crls: &'a [Crl],
        at: UnixTime,
    ) -> Self {
        let policy = &store.policy;
        let limit = policy.limits.signatures_max;
        let verifier = Verifier { provider, accept_md5: policy.accept_md5, limit, done: 0 };
        Self { store, verifier, received, crls, at }
    }

    /// The key of `leaf`, if it is good for `purpose` and has a chain.
    pub(super) fn validate(
        &mut self,
        leaf: &'a Certificate,
        purpose: KeyPurpose,
    ) -> Result<PublicKey, PkiError> {
        self.check_any(leaf, purpose)?;
        if !leaf.extensions().allows_ike() {
            return Err(PkiError::ExtendedKeyUsage(leaf.subject().clone()));
        }
        let key = leaf.public_key()?;
        if !self.store.anchors.contains(leaf) {
            self.climb(&mut vec![leaf])?;
        }
        Ok(key)
    }

    /// Looks for an issuer of the last of `path`, and for that one's, until an anchor is reached.
    fn climb(&mut self, path: &mut Vec<&'a Certificate>) -> Result<(), PkiError> {
        let Some(child) = path.last().copied() else { return Ok(()) };
        if deviates(Deviation::AcceptsUnknownAuthorities) {
            return Ok(());
        }
        let mut first_error = None;
        for anchor in self.store.anchors.iter().filter(|anchor| anchor.subject() == child.issuer()) {
            match self.check_link(path, child, anchor) {
                Err(error @ PkiError::TooManySignatures(_)) => return Err(error),
                Err(error) => first_error = first_error.or(Some(error)),
                Ok(()) => return Ok(()),
            }
        }
        let mut circle = false;
        let (received, store) = (self.received, self.store);
        for issuer in
            received.iter().chain(&store.certificates).filter(|issuer| issuer.subject() == child.issuer())
        {
            if path.contains(&issuer) {
                circle |= !child.is_self_issued();
                continue;
            }
            let limit = self.store.policy.limits.chain_max;
            let climbed = self.check_link(path, child, issuer).and_then(|()| {
                if path.len() >= limit {
                    return Err(PkiError::ChainTooLong(limit));
                }
                path.push(issuer);
                let climbed = self.climb(path);
                path.pop();
                climbed
            });
            match climbed {
                Err(error @ PkiError::TooManySignatures(_)) => return Err(error),
                Err(error) => first_error = first_error.or(Some(error)),
                Ok(()) => return Ok(()),
            }
        }
        Err(first_error.unwrap_or_else(|| {
            if circle {
                PkiError::Circle(child.subject().clone())
            } else {
                PkiError::UnknownAuthority(child.issuer().clone())
            }
        }))
    }

    /// Whether `issuer` is an authority that may have signed `child`, the last of `path`, and has, and has not revoked
    /// it.
    fn check_link(
        &mut self,
        path: &[&Certificate],
        child: &Certificate,
        issuer: &Certificate,
    ) -> Result<(), PkiError> {
        let anyone = deviates(Deviation::TakesAnyoneForAnAuthority);
        if !issuer.is_authority() && !anyone {
            return Err(PkiError::NotAnAuthority(issuer.subject().clone()));
        }
        if !anyone {
            self.check_any(issuer, KeyPurpose::Certificates)?;
        }
        check_path_length(path, issuer)?;
        let key = issuer.public_key()?;
        match self.verifier.verify(child.signed(), &key)? {
            Verdict::Good => {}
            Verdict::Bad if deviates(Deviation::AcceptsForgedCertificates) => {}
            Verdict::Bad => {
                let (subject, issuer) = (child.subject().clone(), issuer.subject().clone());
                return Err(PkiError::Signature { subject, issuer });
            }
            Verdict::Refused => {
                let algorithm = child.signed().algorithm_oid().to_string();
                return Err(PkiError::SignatureAlgorithm { subject: child.subject().clone(), algorithm });
            }
        }
        if deviates(Deviation::IgnoresRevocation) {
            return Ok(());
        }
        let crls = self.crls.iter().chain(&self.store.crls);
        let revocation =
            Revocation { issuer, key: &key, at: self.at, required: self.store.policy.require_crl };
        revocation.check(&mut self.verifier, child, crls)
    }

    /// What holds of every certificate of a chain, the anchor included.
    fn check_any(&self, certificate: &Certificate, purpose: KeyPurpose) -> Result<(), PkiError> {
        let subject = || certificate.subject().clone();
        let (from, until) = certificate.validity();
        let any_time = deviates(Deviation::AcceptsCertificatesOutOfTime);
        if self.at < from && !any_time {
            return Err(PkiError::NotYetValid { subject: subject(), from, at: self.at });
        }
        if self.at > until && !any_time {
            return Err(PkiError::Expired { subject: subject(), until, at: self.at });
        }
        let extensions = certificate.extensions();
        if let Some(oid) = extensions.unknown_critical
            && !deviates(Deviation::IgnoresCriticalExtensions)
        {
            return Err(PkiError::CriticalExtension { subject: subject(), oid: oid.to_string() });
        }
        let allowed = extensions.key_usage.as_ref().is_none_or(|usage| match purpose {
            KeyPurpose::Signature => usage.digital_signature() || usage.non_repudiation(),
            KeyPurpose::Encryption => usage.key_encipherment(),
            KeyPurpose::Certificates => usage.key_cert_sign(),
        });
        let allowed = allowed || deviates(Deviation::IgnoresKeyUsage);
        if allowed { Ok(()) } else { Err(PkiError::KeyUsage { subject: subject(), purpose }) }
    }
}

/// Compares pathLenConstraint with the authorities of `path`, of which the first certificate is none. Self-issued ones
/// do not count (RFC 5280 section 4.2.1.9).
fn check_path_length(path: &[&Certificate], authority: &Certificate) -> Result<(), PkiError> {
    let constraints = authority.extensions().basic_constraints.as_ref();
    let Some(limit) = constraints.and_then(|constraints| constraints.path_len_constraint) else {
        return Ok(());
    };
    let got = path.iter().skip(1).filter(|certificate| !certificate.is_self_issued()).count();
    if got <= usize::from(limit) {
        Ok(())
    } else {
        Err(PkiError::PathLength { authority: authority.subject().clone(), limit, got })
    }
}
