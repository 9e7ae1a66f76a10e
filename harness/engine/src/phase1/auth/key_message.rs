//! Key messages in the clear: `KE, Nx [, IDx]`, as pre-shared keys and signatures have them (RFC 2409 sections 5.1 and
//! 5.4).

use bytes::Bytes;

use super::{KeyMessage, OwnKeyMessage, PeerIdentity};
use crate::error::ExchangeError;
use crate::payloads;
use crate::phase1::{ClearMessage, Cx};
use crate::wire::{Chain, IdType, Identification, KeyExchange, Nonce, Payload, PayloadType};

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

/// The one ID payload of a message, whose type must be one that exists (RFC 2408 section 5.8).
pub(super) fn identity(chain: &Chain) -> Result<PeerIdentity, ExchangeError> {
    let (id, body) = payloads::identification(payloads::one(chain, PayloadType::ID)?)?;
    if is_possible(id) {
        Ok(PeerIdentity { id: id.clone(), body })
    } else {
        Err(ExchangeError::IdentityRefused(id.to_string()))
    }
}

/// Whether an identity is of a type of RFC 2407 section 4.6.2.1, or of the private ones (section 6.6), or says nothing
/// at all, as hosts in hybrid authentication may.
fn is_possible(id: &Identification) -> bool {
    match id.id_type {
        IdType(0) => id.data.is_empty(),
        IdType(249..) => true,
        named => named.name().is_some(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::address(1, b"\xc0\x00\x02\x01", true)]
    #[case::key_id(11, b"key", true)]
    #[case::private(249, b"key", true)]
    #[case::last_private(255, b"", true)]
    #[case::empty(0, b"", true)]
    #[case::reserved(0, b"key", false)]
    #[case::first_unassigned(12, b"key", false)]
    #[case::last_unassigned(248, b"key", false)]
    fn identities_are_of_types_that_exist(
        #[case] id_type: u8,
        #[case] data: &'static [u8],
        #[case] possible: bool,
    ) {
        assert_eq!(is_possible(&Identification::new(IdType(id_type), data)), possible);
    }
}
