//! Finding the payloads that an exchange needs in a received chain.

use bytes::Bytes;

use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::wire::{Chain, Hash, Identification, Payload, PayloadType, ReceivedPayload, SaPayload, Signature};

/// The payload of a type that may come at most once.
pub(crate) fn optional(
    chain: &Chain,
    payload_type: PayloadType,
) -> Result<Option<&ReceivedPayload>, ExchangeError> {
    let mut found = chain.payloads.iter().filter(|p| p.payload_type == payload_type);
    let first = found.next();
    if found.next().is_some() {
        return Err(ExchangeError::RepeatedPayload(payload_type));
    }
    Ok(first)
}

/// The payload of a type that must come exactly once.
pub(crate) fn one(chain: &Chain, payload_type: PayloadType) -> Result<&ReceivedPayload, ExchangeError> {
    optional(chain, payload_type)?.ok_or(ExchangeError::MissingPayload(payload_type))
}

/// Checks that the chain has a payload of this type at a position.
pub(crate) fn at(chain: &Chain, position: usize, expected: PayloadType) -> Result<(), ExchangeError> {
    match chain.payloads.get(position) {
        None => Err(ExchangeError::MissingPayload(expected)),
        Some(found) if found.payload_type == expected => Ok(()),
        Some(found) => Err(ExchangeError::MisplacedPayload { position, expected, got: found.payload_type }),
    }
}

/// The SA payload that must come first in the messages that negotiate (RFC 2409 section 5), with its body as received.
pub(crate) fn leading_sa(chain: &Chain) -> Result<(&SaPayload, Bytes), ExchangeError> {
    at(chain, 0, PayloadType::SA)?;
    sa(one(chain, PayloadType::SA)?)
}

/// The SA payloads, which stand together from `position` on (RFC 2409 section 5.5): at least one, at most `max`.
pub(crate) fn sas_from(chain: &Chain, position: usize, max: usize) -> Result<Vec<&SaPayload>, ExchangeError> {
    at(chain, position, PayloadType::SA)?;
    let mut sas = Vec::new();
    for (index, received) in chain.payloads.iter().enumerate() {
        let Payload::Sa(sa) = &received.payload else { continue };
        if Some(index) != position.checked_add(sas.len()) {
            return Err(ExchangeError::RepeatedPayload(PayloadType::SA));
        }
        if sas.len() >= max {
            return Err(ExchangeError::NoProposalChosen(format!("more than {max} SA payloads")));
        }
        sas.push(sa);
    }
    Ok(sas)
}

/// The SA payload in `received`, with its body as received.
pub(crate) fn sa(received: &ReceivedPayload) -> Result<(&SaPayload, Bytes), ExchangeError> {
    match &received.payload {
        Payload::Sa(sa) => Ok((sa, received.body.clone())),
        _ => Err(ExchangeError::MissingPayload(PayloadType::SA)),
    }
}

/// The data of the one KE payload.
pub(crate) fn key_exchange(chain: &Chain) -> Result<Bytes, ExchangeError> {
    Ok(one(chain, PayloadType::KE)?.body.clone())
}

/// The data of the one nonce payload, whose length RFC 2409 section 5 limits to 8 to 256 bytes.
pub(crate) fn nonce(chain: &Chain) -> Result<Bytes, ExchangeError> {
    let body = one(chain, PayloadType::NONCE)?.body.clone();
    let least = if deviates(Deviation::AcceptsShortNonce) { 0 } else { 8 };
    let most = if deviates(Deviation::AcceptsLongNonce) { usize::MAX } else { 256 };
    if (least..=most).contains(&body.len()) { Ok(body) } else { Err(ExchangeError::NonceLength(body.len())) }
}

/// The data of the one HASH payload.
pub(crate) fn hash(chain: &Chain) -> Result<Bytes, ExchangeError> {
    Ok(one(chain, PayloadType::HASH)?.body.clone())
}

/// The data of the one SIG payload.
pub(crate) fn signature(chain: &Chain) -> Result<Bytes, ExchangeError> {
    Ok(one(chain, PayloadType::SIG)?.body.clone())
}

/// An ID payload with its body as received.
pub(crate) fn identification(received: &ReceivedPayload) -> Result<(&Identification, Bytes), ExchangeError> {
    match &received.payload {
        Payload::Identification(id) => Ok((id, received.body.clone())),
        _ => Err(ExchangeError::MissingPayload(PayloadType::ID)),
    }
}

/// A HASH payload with this value.
pub(crate) fn hash_payload(value: &[u8]) -> Payload {
    Payload::Hash(Hash { data: Bytes::copy_from_slice(value) })
}

/// A SIG payload with this value.
pub(crate) fn signature_payload(value: &[u8]) -> Payload {
    Payload::Signature(Signature { data: Bytes::copy_from_slice(value) })
}
