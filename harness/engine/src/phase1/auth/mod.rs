//! What the authentication method puts into the messages of phase 1, and what it makes of the peer's.
//!
//! ```text
//!                        key message: KE, nonce, ...           proof: who it is, shown under the keys
//!  main mode             messages 3 and 4                      messages 5 and 6
//!  aggressive mode       messages 1 and 2, with the identity   messages 2 and 3
//! ```
//!
//! Public key encryption has the identity in the key message in main mode too, since it is encrypted there.
//!
//! The exchanges know the order of messages; which payloads make a key message or a proof is the method's, and only this
//! module asks which method it is.

mod certificates;
mod encrypted;
mod hybrid;
mod key_message;
mod keyed;
mod pre_shared_key;
mod public_key;
mod revised_public_key;
mod signature;

use bytes::Bytes;

pub(crate) use certificates::Requests;
pub(crate) use encrypted::{Flaw, Recipient};
pub(crate) use keyed::{KeyInputs, KeyedExchange};

use crate::config::{AuthenticationMethod, Phase1Transform};
use crate::core::Envelope;
use crate::error::ExchangeError;
use crate::event::Role;
use crate::phase1::{ClearMessage, Cx};
use crate::retransmit::Sent;
use crate::wire::{Chain, Identification, Payload};

/// An identity with its ID payload's body, as the hashes cover it.
#[derive(Debug, Clone)]
pub(crate) struct PeerIdentity {
    pub(crate) id: Identification,
    pub(crate) body: Bytes,
}

/// What the peer's key message said.
#[derive(Debug, Clone)]
pub(crate) struct KeyMessage {
    /// Its public Diffie-Hellman value.
    pub(crate) g_x: Bytes,
    /// Its nonce, without a payload header.
    pub(crate) nonce: Bytes,
    /// Its identity, where it came along.
    pub(crate) identity: Option<PeerIdentity>,
    /// All payloads of the message, their bodies decrypted.
    pub(crate) chain: Chain,
    /// Whose public key the answer is to be encrypted under, where it is to be.
    pub(crate) recipient: Option<Recipient>,
    /// What is wrong with encrypted content, to be held back until HASH_I or HASH_R is there.
    pub(crate) flaw: Option<Flaw>,
}

/// What our key message is to say.
#[derive(Debug)]
pub(crate) struct OwnKeyMessage<'a> {
    pub(crate) transform: &'a Phase1Transform,
    pub(crate) whose: Role,
    pub(crate) public: &'a [u8],
    pub(crate) nonce: &'a Bytes,
    /// Whether our identity goes along: aggressive mode.
    pub(crate) with_id: bool,
    /// Whose public key it is to be encrypted under, where it is to be.
    pub(crate) recipient: Option<&'a Recipient>,
    /// What the peer asked for so far.
    pub(crate) requests: &'a Requests,
}

/// Where our ID payload stands, seen from the message with our proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdPlace {
    /// It is part of the proof: messages 5 and 6 of main mode.
    InProof,
    /// It is in the same message, put there with the key message: message 2 of aggressive mode.
    BesideProof,
    /// It was sent before: message 3 of aggressive mode.
    Before,
}

/// Refuses a policy that lacks what the method needs from the first message on.
///
/// # Errors
///
/// The public key of the responder is not known where it must be, or our identity is too long for it.
pub(crate) fn check_ready(cx: &Cx<'_>, method: AuthenticationMethod) -> Result<(), ExchangeError> {
    if method.is_encryption() { encrypted::check_ready(cx, method) } else { Ok(()) }
}

/// The responder as the one whose public key our first key message is encrypted under; `None` for methods that encrypt
/// nothing.
///
/// # Errors
///
/// Its public key is not known.
pub(crate) fn responder(
    cx: &Cx<'_>,
    method: AuthenticationMethod,
) -> Result<Option<Recipient>, ExchangeError> {
    method.is_encryption().then(|| encrypted::responder(cx, method)).transpose()
}

/// The payloads of our key message that come from the method. Nothing of them is encrypted yet.
///
/// # Errors
///
/// When the method lacks a key.
pub(crate) fn key_payloads(cx: &mut Cx<'_>, own: &OwnKeyMessage<'_>) -> Result<Vec<Payload>, ExchangeError> {
    match own.transform.authentication {
        AuthenticationMethod::RsaEncryption => public_key::key_payloads(cx, own),
        AuthenticationMethod::RevisedRsaEncryption => revised_public_key::key_payloads(cx, own),
        method if method.is_signature() => Ok(signature::key_payloads(cx, own)),
        _ => Ok(key_message::key_payloads(cx, own)),
    }
}

/// Sends the message with our key payloads, encrypted as far as the method wants it.
///
/// # Errors
///
/// When a body cannot be encrypted.
pub(crate) fn send_key_message(
    cx: &mut Cx<'_>,
    envelope: &Envelope,
    own: &OwnKeyMessage<'_>,
    payloads: &[Payload],
) -> Result<Sent, ExchangeError> {
    let (cookies, transform, whose) = (cx.cookies, own.transform, own.whose);
    match (transform.authentication, own.recipient) {
        (AuthenticationMethod::RsaEncryption, Some(recipient)) => {
            cx.core
                .send_sealed(envelope, payloads, |core, message| public_key::seal(core, recipient, message))
        }
        (AuthenticationMethod::RevisedRsaEncryption, Some(recipient)) => {
            cx.core.send_sealed(envelope, payloads, |core, message| {
                revised_public_key::seal(core, cookies, transform, whose, recipient, message)
            })
        }
        _ => Ok(cx.core.send_clear(envelope, payloads)),
    }
}

/// Reads the key message of the side `whose`.
///
/// # Errors
///
/// A payload is missing, repeated, misplaced or malformed, as far as everyone can see it.
pub(crate) fn read_key_message(
    cx: &mut Cx<'_>,
    message: &ClearMessage,
    transform: &Phase1Transform,
    whose: Role,
    with_id: bool,
) -> Result<KeyMessage, ExchangeError> {
    match transform.authentication {
        AuthenticationMethod::RsaEncryption => public_key::read_key_message(cx, message, transform, whose),
        AuthenticationMethod::RevisedRsaEncryption => {
            revised_public_key::read_key_message(cx, message, transform, whose, with_id)
        }
        _ => key_message::read_key_message(message, with_id),
    }
}

/// The payloads that prove our identity, whose ID payload has the body `id_b`. What the peer asked for decides which
/// certificates go along.
///
/// # Errors
///
/// When the method lacks a key.
pub(crate) fn proof_payloads(
    cx: &mut Cx<'_>,
    keyed: &KeyedExchange,
    whose: Role,
    id_b: &[u8],
    place: IdPlace,
    requests: &Requests,
) -> Result<Vec<Payload>, ExchangeError> {
    match keyed.method() {
        AuthenticationMethod::PreSharedKey => {
            Ok(pre_shared_key::proof_payloads(cx, keyed, whose, id_b, place))
        }
        AuthenticationMethod::RsaEncryption | AuthenticationMethod::RevisedRsaEncryption => {
            Ok(encrypted::proof_payloads(cx, keyed, whose, id_b, place))
        }
        _ if keyed.is_hybrid_host(whose) => {
            Ok(hybrid::proof_payloads(cx, keyed, whose, id_b, place, requests))
        }
        _ => signature::proof_payloads(cx, keyed, whose, id_b, place, requests),
    }
}

/// Checks the peer's proof, and its identity against the configuration. The identity is `known` where it came before
/// or is part of the key message. A peer whose address is not configured is found by the identity first, where the keys
/// do not depend on who it is.
///
/// # Errors
///
/// The proof is missing or wrong, or the identity is not the one expected.
pub(crate) fn verify_proof(
    cx: &mut Cx<'_>,
    keyed: &KeyedExchange,
    chain: &Chain,
    whose: Role,
    known: Option<&PeerIdentity>,
) -> Result<PeerIdentity, ExchangeError> {
    match keyed.method() {
        AuthenticationMethod::PreSharedKey => pre_shared_key::verify_proof(cx, keyed, chain, whose, known),
        AuthenticationMethod::RsaEncryption | AuthenticationMethod::RevisedRsaEncryption => {
            encrypted::verify_proof(cx, keyed, chain, whose, known)
        }
        _ if keyed.is_hybrid_host(whose) => pre_shared_key::verify_proof(cx, keyed, chain, whose, known),
        _ => signature::verify_proof(cx, keyed, chain, whose, known),
    }
}
