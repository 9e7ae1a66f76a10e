//! Key messages in the clear: `KE, Nx [, IDx]`, as pre-shared keys and signatures have them (RFC 2409 sections 5.1 and
//! 5.4).

use bytes::Bytes;

use super::{KeyMessage, OwnKeyMessage, PeerIdentity};
use crate::error::ExchangeError;
use crate::payloads;
use crate::phase1::{ClearMessage, Cx};
use crate::wire::{Chain, KeyExchange, Nonce, Payload, PayloadType};

/// `KE, Nx [, IDx]`
pub(super) fn key_payloads(cx: &Cx<'_>, own: &OwnKeyMessage<'_>) -> Vec<Payload> {
    let mut payloads = vec![
        Payload::KeyExchange(KeyExchange { data: Bytes::copy_from_slice(own.public) }),
        Payload::Nonce(Nonce { data: own.nonce.clone() }),
    ];
    if own.with_id {
        payloads.push(Payload::Identification(cx.peer.local_id.clone()));
    }
    payloads
}

/// Reads `KE, Nx [, IDx]`, in any order.
pub(super) fn read_key_message(message: &ClearMessage, with_id: bool) -> Result<KeyMessage, ExchangeError> {
    let chain = message.decoded()?.clone();
    Ok(KeyMessage {
        g_x: payloads::key_exchange(&chain)?,
        nonce: payloads::nonce(&chain)?,
        identity: with_id.then(|| identity(&chain)).transpose()?,
        chain,
        recipient: None,
        flaw: None,
    })
}

/// The one ID payload of a message.
pub(super) fn identity(chain: &Chain) -> Result<PeerIdentity, ExchangeError> {
    let (id, body) = payloads::identification(payloads::one(chain, PayloadType::ID)?)?;
    Ok(PeerIdentity { id: id.clone(), body })
}
