//! How the messages of phase 1 look (RFC 2409 section 5).

use ikev1::wire::{AuthMethod, PayloadType};

/// What the authentication methods have in common that look alike on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// A pre-shared key (section 5.4).
    PreSharedKey,
    /// Signatures (section 5.1).
    Signatures,
    /// Public key encryption (section 5.2).
    PublicKey,
    /// The revised mode of public key encryption (section 5.3).
    RevisedPublicKey,
}

impl Proof {
    /// How messages with this method look; nothing is known of a method that is not assigned, and the hybrid ones, where the
    /// two sides differ, are left out.
    pub(crate) fn of(method: AuthMethod) -> Option<Self> {
        use AuthMethod as M;
        Some(match method {
            M::PRE_SHARED_KEY | M::XAUTH_INIT_PRE_SHARED | M::XAUTH_RESP_PRE_SHARED => Self::PreSharedKey,
            M::DSS_SIGNATURES
            | M::RSA_SIGNATURES
            | M::ECDSA_256
            | M::ECDSA_384
            | M::ECDSA_521
            | M::XAUTH_INIT_DSS
            | M::XAUTH_RESP_DSS
            | M::XAUTH_INIT_RSA
            | M::XAUTH_RESP_RSA => Self::Signatures,
            M::RSA_ENCRYPTION | M::XAUTH_INIT_RSA_ENCRYPTION | M::XAUTH_RESP_RSA_ENCRYPTION => {
                Self::PublicKey
            }
            M::REVISED_RSA_ENCRYPTION
            | M::XAUTH_INIT_REVISED_RSA_ENCRYPTION
            | M::XAUTH_RESP_REVISED_RSA_ENCRYPTION => Self::RevisedPublicKey,
            _ => return None,
        })
    }

    /// Whether bodies of payloads are encrypted one by one before HDR* begins.
    pub(crate) const fn hides_bodies(self) -> bool {
        matches!(self, Self::PublicKey | Self::RevisedPublicKey)
    }
}

/// How a phase 1 message looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    /// `None` where either is allowed.
    pub(crate) encrypted: Option<bool>,
    /// The payloads that it has.
    pub(crate) payloads: &'static [PayloadType],
    /// The clause that says so.
    pub(crate) clause: &'static str,
}

/// The messages of a phase 1 exchange.
pub(crate) const fn messages(aggressive: bool) -> usize {
    if aggressive { 3 } else { 6 }
}

/// The form of a phase 1 message by its number.
pub(crate) fn form(aggressive: bool, proof: Proof, number: usize) -> Option<Form> {
    use PayloadType as P;
    let clause = match (aggressive, proof) {
        (false, Proof::PreSharedKey) => "RFC2409-5.4-01",
        (true, Proof::PreSharedKey) => "RFC2409-5.4-02",
        (false, Proof::Signatures) => "RFC2409-5.1-01",
        (true, Proof::Signatures) => "RFC2409-5.1-02",
        (_, Proof::PublicKey) => "RFC2409-5.2-01",
        (_, Proof::RevisedPublicKey) => "RFC2409-5.3-01",
    };
    let (encrypted, payloads): (_, &[P]) = match (aggressive, number, proof) {
        (false, 1 | 2, _) => (Some(false), &[P::SA]),
        (false, 3 | 4, Proof::PreSharedKey | Proof::Signatures) => (Some(false), &[P::KE, P::NONCE]),
        (false, 3 | 4, _) => (Some(false), &[P::KE, P::NONCE, P::ID]),
        (false, 5 | 6, Proof::PreSharedKey) => (Some(true), &[P::ID, P::HASH]),
        (false, 5 | 6, Proof::Signatures) => (Some(true), &[P::ID, P::SIG]),
        (false, 5 | 6, _) => (Some(true), &[P::HASH]),
        (true, 1, _) => (Some(false), &[P::SA, P::KE, P::NONCE, P::ID]),
        (true, 2, Proof::Signatures) => (Some(false), &[P::SA, P::KE, P::NONCE, P::ID, P::SIG]),
        (true, 2, _) => (Some(false), &[P::SA, P::KE, P::NONCE, P::ID, P::HASH]),
        (true, 3, Proof::Signatures) => (None, &[P::SIG]),
        (true, 3, _) => (None, &[P::HASH]),
        _ => return None,
    };
    Some(Form { encrypted, payloads, clause })
}
