//! Why certificates are refused.

use super::{DistinguishedName, KeyPurpose, UnixTime};
use crate::crypto::KeyError;
use crate::wire::{CertEncoding, NotifyType};

/// Why a certificate, a CRL or a request for one is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PkiError {
    /// A CERT payload in an encoding that the engine cannot read (RFC 2408 section 5.9).
    #[error("certificate encoding {0:?} is not supported")]
    Encoding(CertEncoding),
    /// A CR payload that asks for a type of certificate that the engine does not have (RFC 2408 section 5.10).
    #[error("a certificate of type {0:?} is not supported")]
    RequestedType(CertEncoding),
    /// A CR payload whose certificate authority is not a name.
    #[error("the requested certificate authority is not a distinguished name")]
    RequestedAuthority,
    /// A CR payload for an authority that our own chain does not lead to.
    #[error("no certificate under {0} at hand")]
    NoCertificateUnder(DistinguishedName),
    /// Bytes that are not what they should be.
    #[error("malformed {what}: {detail}")]
    Malformed {
        /// What the bytes should be, such as `certificate`.
        what: &'static str,
        /// What is wrong with them.
        detail: String,
    },
    /// More bytes than [`limits`](crate::limits) allow.
    #[error("{what} of {got} bytes, at most {limit} are taken")]
    TooLong {
        /// `certificate` or `CRL`.
        what: &'static str,
        /// Length, in bytes.
        got: usize,
        /// The bound, in bytes.
        limit: usize,
    },
    /// More certificates or CRLs in one message than [`PkiLimits`](crate::limits::PkiLimits) allows.
    #[error("more than {limit} {what} in one message")]
    TooMany {
        /// `certificates` or `CRLs`.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// The peer sent no certificate, and no key is known for its identity.
    #[error("no certificate and no known key for {0}")]
    NoKey(String),
    /// No certificate of the peer's names its identity (RFC 4945 section 3.1).
    #[error("no certificate names {0}")]
    Identity(String),
    /// The certificate is not valid yet.
    #[error("certificate of {subject} is valid from {from} on, it is {at}")]
    NotYetValid {
        /// Whose certificate.
        subject: DistinguishedName,
        /// notBefore.
        from: UnixTime,
        /// The present.
        at: UnixTime,
    },
    /// The certificate is not valid any more.
    #[error("certificate of {subject} was valid until {until}, it is {at}")]
    Expired {
        /// Whose certificate.
        subject: DistinguishedName,
        /// notAfter.
        until: UnixTime,
        /// The present.
        at: UnixTime,
    },
    /// A critical extension that the engine does not know (RFC 5280 section 4.2).
    #[error("certificate of {subject} has the critical extension {oid}, which is not supported")]
    CriticalExtension {
        /// Whose certificate.
        subject: DistinguishedName,
        /// The extension's object identifier.
        oid: String,
    },
    /// keyUsage does not allow what the key is wanted for (RFC 4945 section 5.1.3.2).
    #[error("key usage of {subject} does not allow {purpose}")]
    KeyUsage {
        /// Whose certificate.
        subject: DistinguishedName,
        /// What the key is wanted for.
        purpose: KeyPurpose,
    },
    /// extKeyUsage is there without id-kp-ipsecIKE and anyExtendedKeyUsage (RFC 4945 section 5.1.3.12).
    #[error("extended key usage of {0} does not allow IKE")]
    ExtendedKeyUsage(DistinguishedName),
    /// The key in a certificate cannot be used.
    #[error("key of {subject}: {source}")]
    Key {
        /// Whose certificate.
        subject: DistinguishedName,
        /// What is wrong with the key.
        source: KeyError,
    },
    /// The issuer is not a certificate authority: no basicConstraints with cA (RFC 4945 section 5.1.3.9).
    #[error("{0} is not a certificate authority")]
    NotAnAuthority(DistinguishedName),
    /// More certificate authorities below one than its pathLenConstraint allows (RFC 5280 section 4.2.1.9).
    #[error("{authority} allows {limit} authorities below it, the chain has {got}")]
    PathLength {
        /// The authority that sets the bound.
        authority: DistinguishedName,
        /// pathLenConstraint.
        limit: u8,
        /// Authorities below it that are not self-issued.
        got: usize,
    },
    /// Nobody with this name is at hand, or nobody whom we trust.
    #[error("certificate authority {0} is not trusted")]
    UnknownAuthority(DistinguishedName),
    /// The issuers go round in a circle.
    #[error("the issuers of {0} go round in a circle")]
    Circle(DistinguishedName),
    /// The chain is longer than [`PkiLimits`](crate::limits::PkiLimits) allows.
    #[error("chain of more than {0} certificates")]
    ChainTooLong(usize),
    /// More signatures to verify than [`PkiLimits`](crate::limits::PkiLimits) allows.
    #[error("more than {0} signatures to verify")]
    TooManySignatures(usize),
    /// The signature of a certificate is of an algorithm that is not supported or that the policy forbids.
    #[error("certificate of {subject} is signed with {algorithm}, which is not accepted")]
    SignatureAlgorithm {
        /// Whose certificate.
        subject: DistinguishedName,
        /// The algorithm's object identifier.
        algorithm: String,
    },
    /// The signature of a certificate is not its issuer's.
    #[error("certificate of {subject} is not signed by {issuer}")]
    Signature {
        /// Whose certificate.
        subject: DistinguishedName,
        /// Who should have signed it.
        issuer: DistinguishedName,
    },
    /// A CRL lists the certificate.
    #[error("certificate of {0} is revoked")]
    Revoked(DistinguishedName),
    /// The policy wants a CRL and there is no good one.
    #[error("whether the certificate of {subject} is revoked is not known: {problem}")]
    RevocationUnknown {
        /// Whose certificate.
        subject: DistinguishedName,
        /// What is wrong with the CRL at hand.
        problem: CrlProblem,
    },
    /// The private key does not belong to the first certificate of the chain.
    #[error("the private key does not belong to the certificate of {0}")]
    ForeignPrivateKey(DistinguishedName),
    /// The first of a chain's certificates is missing, or one is not issued by the next.
    #[error("chain of certificates is broken: {0}")]
    BrokenChain(String),
}

/// Why a CRL says nothing about a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CrlProblem {
    /// There is none of the certificate's issuer.
    #[error("no CRL of {0}")]
    Missing(DistinguishedName),
    /// nextUpdate is over, or there is none.
    #[error("the CRL is out of date")]
    Stale,
    /// thisUpdate is still to come.
    #[error("the CRL is of the future")]
    NotYetValid,
    /// The signature is not the issuer's, or of an algorithm that is not accepted.
    #[error("the CRL is not signed by {0}")]
    Signature(DistinguishedName),
    /// The issuer's keyUsage lacks cRLSign (RFC 5280 section 4.2.1.3).
    #[error("{0} may not sign CRLs")]
    KeyUsage(DistinguishedName),
    /// A critical extension, such as that of a delta CRL (RFC 4945 section 5.2.2.4).
    #[error("the CRL has the critical extension {0}, which is not supported")]
    CriticalExtension(String),
}

impl PkiError {
    pub(super) fn malformed(what: &'static str, error: impl core::fmt::Display) -> Self {
        Self::Malformed { what, detail: error.to_string() }
    }

    /// The Notify type of RFC 2408 section 3.14.1 for this error, as sections 5.9 and 5.10 name them. What they leave
    /// open is INVALID-CERTIFICATE, an authority that we do not trust INVALID-CERT-AUTHORITY, and an identity that the
    /// certificate does not name INVALID-ID-INFORMATION.
    #[must_use]
    pub const fn notify_type(&self) -> NotifyType {
        match self {
            Self::Encoding(_) => NotifyType::INVALID_CERT_ENCODING,
            Self::RequestedType(_) => NotifyType::CERT_TYPE_UNSUPPORTED,
            Self::RequestedAuthority | Self::UnknownAuthority(_) => NotifyType::INVALID_CERT_AUTHORITY,
            Self::NoCertificateUnder(_) | Self::NoKey(_) => NotifyType::CERTIFICATE_UNAVAILABLE,
            Self::Identity(_) => NotifyType::INVALID_ID_INFORMATION,
            _ => NotifyType::INVALID_CERTIFICATE,
        }
    }
}
