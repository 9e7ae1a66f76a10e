//! What the authentication method puts into the messages of phase 1, and what it makes of the peer's.
//!
//! ```text
//!                        key message: KE, nonce, ...           proof: who it is, shown under the keys
//!  main mode             messages 3 and 4                      messages 5 and 6
//!  aggressive mode       messages 1 and 2, with the identity   messages 2 and 3
//! ```
//!
//! The exchanges know the order of messages; which payloads make a key message or a proof is the method's, and only this
//! module asks which method it is.

mod certificates;
mod hybrid;
mod key_message;
mod keyed;
mod pre_shared_key;
mod signature;

use bytes::Bytes;

pub(crate) use certificates::Requests;
pub(crate) use keyed::{KeyInputs, KeyedExchange};

use crate::config::AuthenticationMethod;
use crate::error::ExchangeError;
use crate::event::Role;
use crate::phase1::Cx;
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
}

/// What our key message is to say.
#[derive(Debug)]
pub(crate) struct OwnKeyMessage<'a> {
    pub(crate) method: AuthenticationMethod,
    pub(crate) whose: Role,
    pub(crate) public: &'a [u8],
    pub(crate) nonce: &'a Bytes,
    /// Whether our identity goes along: aggressive mode.
    pub(crate) with_id: bool,
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

/// The payloads of our key message, from KE on.
///
/// # Errors
///
/// When the method is not supported, or lacks a key.
pub(crate) fn key_payloads(cx: &mut Cx<'_>, own: &OwnKeyMessage<'_>) -> Result<Vec<Payload>, ExchangeError> {
    match own.method {
        AuthenticationMethod::PreSharedKey => Ok(key_message::key_payloads(cx, own)),
        method if method.is_signature() => Ok(signature::key_payloads(cx, own)),
        method => Err(unsupported(method)),
    }
}

/// Reads the peer's key message.
///
/// # Errors
///
/// A payload is missing, repeated or malformed.
pub(crate) fn read_key_payloads(
    method: AuthenticationMethod,
    chain: &Chain,
    with_id: bool,
) -> Result<KeyMessage, ExchangeError> {
    match method {
        AuthenticationMethod::PreSharedKey => key_message::read_key_payloads(chain, with_id),
        method if method.is_signature() => key_message::read_key_payloads(chain, with_id),
        method => Err(unsupported(method)),
    }
}

/// The payloads that prove our identity, whose ID payload has the body `id_b`. What the peer asked for decides which
/// certificates go along.
///
/// # Errors
///
/// When the method is not supported, or lacks a key.
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
        _ if keyed.is_hybrid_host(whose) => {
            Ok(hybrid::proof_payloads(cx, keyed, whose, id_b, place, requests))
        }
        method if method.is_signature() => signature::proof_payloads(cx, keyed, whose, id_b, place, requests),
        method => Err(unsupported(method)),
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
        _ if keyed.is_hybrid_host(whose) => pre_shared_key::verify_proof(cx, keyed, chain, whose, known),
        method if method.is_signature() => signature::verify_proof(cx, keyed, chain, whose, known),
        method => Err(unsupported(method)),
    }
}

/// Negotiation accepts only methods that the configuration lists, so only a configuration leads here.
fn unsupported(method: AuthenticationMethod) -> ExchangeError {
    ExchangeError::NoProposalChosen(format!("authentication method {} is not supported", method.name()))
}
