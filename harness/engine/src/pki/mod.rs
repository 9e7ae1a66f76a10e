//! Certificates: who a public key belongs to (X.509, RFC 5280, as RFC 4945 profiles it for IKE).
//!
//! ```text
//! CERT payloads ──▶ Received::from_payloads ──▶ certificates, CRLs
//! ID payload ───┐                                    │
//! UnixTime ─────┴──▶ TrustStore::validate ◀──────────┘
//!                        │  end-entity certificate that names the ID
//!                        │  chain of issuers to a trust anchor, none of them revoked
//!                        ▼
//!                    PublicKey ──▶ CryptoProvider::verify (SIG_I, SIG_R), rsa_encrypt
//! ```
//!
//! | type | what it is |
//! |---|---|
//! | [`Certificate`], [`Crl`] | what an issuer signed, parsed; nothing about them is verified |
//! | [`TrustStore`] | whom we believe: trust anchors, CRLs, keys known beforehand, and a [`CertificatePolicy`] |
//! | [`Credentials`] | what we prove our own identity with: a private key and its chain |
//! | [`DistinguishedName`] | a name in DER, for people as text of RFC 4514 |
//! | [`PkiError`] | why a certificate is refused, and the Notify type for it |
//!
//! Not supported, and refused where it matters: name constraints, critical policies, delta CRLs, CRLs of a part of the
//! certificates (issuingDistributionPoint) or of another issuer, PKCS #7 (certificate encoding 1), fetching anything.

mod certificate;
mod credentials;
mod crl;
mod distinguished_name;
mod error;
mod extensions;
mod identity;
mod path;
mod received;
mod revocation;
mod signed;
#[cfg(test)]
mod tests;
mod time;
mod trust_store;

pub use certificate::Certificate;
pub use credentials::Credentials;
pub use crl::Crl;
pub use distinguished_name::DistinguishedName;
pub use error::{CrlProblem, PkiError};
pub use received::Received;
pub use time::UnixTime;
pub use trust_store::{CertificatePolicy, KeyPurpose, TrustStore};
