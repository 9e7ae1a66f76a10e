//! Authentication with a pre-shared key (RFC 2409 section 5.4): whoever computes HASH_I or HASH_R knows the key.

use subtle::ConstantTimeEq;

use super::key_message::identity;
use super::keyed::{KeyedExchange, check_identity};
use super::{IdPlace, PeerIdentity};
use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::event::Role;
use crate::keylog::Label;
use crate::payloads;
use crate::phase1::Cx;
use crate::wire::{Chain, Payload};

/// `[IDx,] HASH_x`
pub(super) fn proof_payloads(
    cx: &mut Cx<'_>,
    keyed: &KeyedExchange,
    whose: Role,
    id_b: &[u8],
    place: IdPlace,
) -> Vec<Payload> {
    let hash = match place {
        // The hook may edit an ID payload that leaves together with the hash.
        IdPlace::InProof | IdPlace::BesideProof => keyed.own_hash(cx.core, cx.cookies, whose, id_b, None),
        IdPlace::Before => keyed.hash(cx.core, cx.cookies, whose, id_b),
    };
    let hash = payloads::hash_payload(&hash);
    match place {
        IdPlace::InProof => vec![Payload::Identification(cx.peer.local_id.clone()), hash],
        IdPlace::BesideProof | IdPlace::Before => vec![hash],
    }
}

/// Checks HASH_I or HASH_R against ours.
pub(super) fn verify_proof(
    cx: &mut Cx<'_>,
    keyed: &KeyedExchange,
    chain: &Chain,
    whose: Role,
    known: Option<&PeerIdentity>,
) -> Result<PeerIdentity, ExchangeError> {
    let identity = known.map_or_else(|| identity(chain), |known| Ok(known.clone()))?;
    let received = payloads::hash(chain)?;
    let expected = keyed.hash(cx.core, cx.cookies, whose, &identity.body);
    let label = if whose == Role::Initiator { Label::HashI } else { Label::HashR };
    let (short, whole) = (received.len(), expected.get(..received.len()));
    if deviates(Deviation::AcceptsTruncatedHash) && short > 0 && whole == Some(&received[..]) {
        return Ok(identity);
    }
    if received.len() != expected.len() {
        return Err(ExchangeError::HashLength { label, got: received.len(), expected: expected.len() });
    }
    let unchecked = match whose {
        Role::Initiator => deviates(Deviation::AcceptsWrongHashI),
        Role::Responder => deviates(Deviation::AcceptsWrongHashR),
    };
    if !unchecked && !bool::from(expected.as_slice().ct_eq(&received)) {
        return Err(ExchangeError::HashMismatch(label));
    }
    check_identity(cx, &identity.id)?;
    Ok(identity)
}
