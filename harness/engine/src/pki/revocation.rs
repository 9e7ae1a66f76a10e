//! Whether a certificate is revoked (RFC 5280 section 6.3, RFC 4945 section 5.2).

use super::path::{Verdict, Verifier};
use super::{Certificate, Crl, CrlProblem, PkiError, UnixTime};
use crate::crypto::PublicKey;

/// One authority's word on the certificates it issued.
pub(super) struct Revocation<'a> {
    pub(super) issuer: &'a Certificate,
    /// The issuer's key.
    pub(super) key: &'a PublicKey,
    pub(super) at: UnixTime,
    /// Whether a CRL that is up to date must be there.
    pub(super) required: bool,
}

impl Revocation<'_> {
    /// Refuses a certificate that some good CRL lists, even one that is out of date, or that no CRL says anything
    /// about, if one is required.
    pub(super) fn check<'c>(
        &self,
        verifier: &mut Verifier<'_>,
        certificate: &Certificate,
        crls: impl Iterator<Item = &'c Crl>,
    ) -> Result<(), PkiError> {
        let mut known = false;
        let mut problem = None;
        for crl in crls.filter(|crl| crl.issuer() == self.issuer.subject()) {
            if let Some(found) = self.defect(verifier, crl)? {
                problem = problem.or(Some(found));
                continue;
            }
            if crl.lists(certificate.serial_number()) {
                return Err(PkiError::Revoked(certificate.subject().clone()));
            }
            if crl.this_update() > self.at {
                problem = problem.or(Some(CrlProblem::NotYetValid));
            } else if crl.next_update().is_none_or(|due| due < self.at) {
                problem = problem.or(Some(CrlProblem::Stale));
            } else {
                known = true;
            }
        }
        if known || !self.required {
            return Ok(());
        }
        let problem = problem.unwrap_or_else(|| CrlProblem::Missing(self.issuer.subject().clone()));
        Err(PkiError::RevocationUnknown { subject: certificate.subject().clone(), problem })
    }

    /// Why the CRL is not this authority's word.
    fn defect(&self, verifier: &mut Verifier<'_>, crl: &Crl) -> Result<Option<CrlProblem>, PkiError> {
        let issuer = || self.issuer.subject().clone();
        if let Some(oid) = crl.critical_extension() {
            return Ok(Some(CrlProblem::CriticalExtension(oid.to_string())));
        }
        if self.issuer.extensions().key_usage.as_ref().is_some_and(|usage| !usage.crl_sign()) {
            return Ok(Some(CrlProblem::KeyUsage(issuer())));
        }
        Ok(match verifier.verify(crl.signed(), self.key)? {
            Verdict::Good => None,
            Verdict::Bad | Verdict::Refused => Some(CrlProblem::Signature(issuer())),
        })
    }
}
