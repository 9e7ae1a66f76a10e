//! The only way out for secret values: what tests, captures and vectors compare.

use core::fmt;

use crate::wire::{CookiePair, MessageId};

/// A derived value by its name in RFC 2409.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Label {
    /// The shared Diffie-Hellman secret of phase 1, padded to the length of the prime.
    GXy,
    /// SKEYID.
    Skeyid,
    /// SKEYID_d.
    SkeyidD,
    /// SKEYID_a.
    SkeyidA,
    /// SKEYID_e.
    SkeyidE,
    /// Ke_i, which encrypts the initiator's key message (RFC 2409 section 5.3).
    KeI,
    /// Ke_r, which encrypts the responder's key message (RFC 2409 section 5.3).
    KeR,
    /// Ka, the ISAKMP SA's cipher key (RFC 2409 Appendix B).
    Ka,
    /// The IV of the first encrypted phase 1 message: hash(g^xi | g^xr), cut to the block length.
    Phase1Iv,
    /// The IV of the first message of a phase 2 exchange: hash(last phase 1 block | M-ID).
    Phase2Iv,
    /// The last ciphertext block of a message, which is the next message's IV.
    NextIv,
    /// HASH_I.
    HashI,
    /// HASH_R.
    HashR,
    /// SIG_I, the signature over HASH_I.
    SigI,
    /// SIG_R, the signature over HASH_R.
    SigR,
    /// HASH(1) of quick mode, or of an informational exchange.
    Hash1,
    /// HASH(2).
    Hash2,
    /// HASH(3).
    Hash3,
    /// g(qm)^xy, the shared secret of quick mode with PFS.
    QuickGXy,
    /// KEYMAT of the SA that carries traffic from the initiator of quick mode to its responder.
    KeymatInitiator,
    /// KEYMAT of the SA that carries traffic from the responder of quick mode to its initiator.
    KeymatResponder,
    /// Cipher key within [`Label::KeymatInitiator`].
    EncryptionKeyInitiator,
    /// Integrity key within [`Label::KeymatInitiator`].
    IntegrityKeyInitiator,
    /// Cipher key within [`Label::KeymatResponder`].
    EncryptionKeyResponder,
    /// Integrity key within [`Label::KeymatResponder`].
    IntegrityKeyResponder,
    /// The private exponent of our side in phase 1, for vectors.
    PrivateExponent,
    /// The private exponent of our side in quick mode, for vectors.
    QuickPrivateExponent,
}

impl Label {
    /// Every label with its name in reports: RFC 2409's word where it has one.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::GXy, "g^xy"),
        (Self::Skeyid, "SKEYID"),
        (Self::SkeyidD, "SKEYID_d"),
        (Self::SkeyidA, "SKEYID_a"),
        (Self::SkeyidE, "SKEYID_e"),
        (Self::KeI, "Ke_i"),
        (Self::KeR, "Ke_r"),
        (Self::Ka, "Ka"),
        (Self::Phase1Iv, "phase 1 IV"),
        (Self::Phase2Iv, "phase 2 IV"),
        (Self::NextIv, "next IV"),
        (Self::HashI, "HASH_I"),
        (Self::HashR, "HASH_R"),
        (Self::SigI, "SIG_I"),
        (Self::SigR, "SIG_R"),
        (Self::Hash1, "HASH(1)"),
        (Self::Hash2, "HASH(2)"),
        (Self::Hash3, "HASH(3)"),
        (Self::QuickGXy, "g(qm)^xy"),
        (Self::KeymatInitiator, "KEYMAT initiator"),
        (Self::KeymatResponder, "KEYMAT responder"),
        (Self::EncryptionKeyInitiator, "encryption key initiator"),
        (Self::IntegrityKeyInitiator, "integrity key initiator"),
        (Self::EncryptionKeyResponder, "encryption key responder"),
        (Self::IntegrityKeyResponder, "integrity key responder"),
        (Self::PrivateExponent, "private exponent"),
        (Self::QuickPrivateExponent, "quick mode private exponent"),
    ];

    /// The label's name in reports.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(label, _)| *label == self).map_or("?", |(_, name)| name)
    }

    /// The label with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, n)| *n == name).map(|(label, _)| *label)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which way a message went, seen from the endpoint that logs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Received from the peer.
    Inbound,
    /// Sent to the peer.
    Outbound,
}

/// Receives secrets of an endpoint. An endpoint without one keeps them all.
pub trait KeyLog: Send {
    /// A value was derived. `m_id` is zero for phase 1.
    fn value(&mut self, cookies: CookiePair, m_id: MessageId, label: Label, bytes: &[u8]);

    /// A message with the encryption flag was sent or received: its header and decrypted body, padding included. Or one
    /// without the flag whose payloads' bodies are encrypted (RFC 2409 sections 5.2 and 5.3): with the bodies in the
    /// clear and the lengths that they then have.
    fn plaintext(&mut self, direction: Direction, message: &[u8]);
}

/// A [`KeyLog`] that keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoKeyLog;

impl KeyLog for NoKeyLog {
    fn value(&mut self, _: CookiePair, _: MessageId, _: Label, _: &[u8]) {}

    fn plaintext(&mut self, _: Direction, _: &[u8]) {}
}
