//! The chain of payloads that follows the header, linked by Next Payload fields (RFC 2408 section 3.2).

use bytes::Bytes;

use super::codec::{GENERIC_HEADER, Reader, put_generic};
use super::{Header, Payload, PayloadType, Result, WireError, WireLimits};

/// What bytes after the last payload of a chain mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trailing {
    /// An error, as in a message in the clear.
    Refuse,
    /// Padding of the cipher, as in a decrypted message.
    Padding,
}

/// One payload as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedPayload {
    /// Payload type, as the Next Payload field before it named it.
    pub payload_type: PayloadType,
    /// Offset of its generic header from the start of the message, in octets; the first payload is at 28.
    pub offset: usize,
    /// Body without the generic header, exactly as received: hashes cover these octets.
    pub body: Bytes,
    /// RESERVED octet of the generic header.
    pub reserved: u8,
    /// The decoded payload.
    pub payload: Payload,
}

/// The payloads of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// Payloads in the order received.
    pub payloads: Vec<ReceivedPayload>,
    /// Octets after the last payload; empty unless the chain was read with [`Trailing::Padding`].
    pub padding: Bytes,
}

/// A RESERVED field that is not zero (RFC 2408 section 5.3 and the payloads' own sections).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReservedViolation {
    /// The payload the field belongs to.
    pub payload_type: PayloadType,
    /// Offset of the field from the start of the message, in octets.
    pub offset: usize,
    /// Value of the field.
    pub got: u16,
}

impl Chain {
    /// The decoded payloads in order.
    pub fn iter(&self) -> impl Iterator<Item = &Payload> {
        self.payloads.iter().map(|received| &received.payload)
    }

    /// The first payload of this type, as received.
    pub fn first(&self, payload_type: PayloadType) -> Option<&ReceivedPayload> {
        self.payloads.iter().find(|received| received.payload_type == payload_type)
    }

    /// The first RESERVED field that is not zero: of a generic header, of the proposals and transforms of an SA
    /// payload (RESERVED and RESERVED2), of a NAT-OA or of an Attributes payload. Decoding does not fail on it,
    /// because what to do about it is policy.
    pub fn reserved_violation(&self) -> Option<ReservedViolation> {
        self.payloads.iter().find_map(|received| {
            let own = (received.offset.saturating_add(1), u16::from(received.reserved));
            core::iter::once(own)
                .chain(reserved_within(received))
                .find(|(_, got)| *got != 0)
                .map(|(offset, got)| ReservedViolation { payload_type: received.payload_type, offset, got })
        })
    }
}

/// Offset and value of every RESERVED field within the body of a payload.
fn reserved_within(received: &ReceivedPayload) -> Vec<(usize, u16)> {
    let body_offset = received.offset.saturating_add(GENERIC_HEADER);
    let octets = |at: usize| {
        let value = received.body.get(at).copied().unwrap_or_default();
        (body_offset.saturating_add(at), u16::from(value))
    };
    match &received.payload {
        Payload::NatOriginalAddress(_) => vec![octets(1), octets(2), octets(3)],
        Payload::Attributes(_) => vec![octets(1)],
        Payload::Sa(sa) => sa.reserved_fields(&received.body, body_offset),
        _ => Vec::new(),
    }
}

/// Decodes the payloads after the header: `first` is the header's Next Payload, `body` all octets after the
/// header (decrypted, if the message was encrypted).
///
/// # Errors
/// The first thing wrong in the chain or in one of its payloads.
pub fn decode_chain(
    first: PayloadType,
    body: &Bytes,
    trailing: Trailing,
    limits: &WireLimits,
) -> Result<Chain> {
    let mut reader = Reader::new("payload chain", body.clone());
    let mut chain = Chain::default();
    let mut payload_type = first;
    while payload_type != PayloadType::NONE {
        if chain.payloads.len() >= limits.payloads_max {
            return Err(WireError::TooMany { what: "payloads", limit: limits.payloads_max });
        }
        let offset = Header::LEN.saturating_add(body.len().saturating_sub(reader.len()));
        let generic = reader.generic_payload("payload length")?;
        let payload = Payload::decode(payload_type, generic.body.clone(), limits)?;
        chain.payloads.push(ReceivedPayload {
            payload_type,
            offset,
            body: generic.body,
            reserved: generic.reserved,
            payload,
        });
        payload_type = PayloadType(generic.next_payload);
    }
    match trailing {
        Trailing::Refuse => reader.finish()?,
        Trailing::Padding => chain.padding = reader.rest(),
    }
    Ok(chain)
}

/// Encodes payloads with their generic headers; returns the type of the first, for the header, and the octets.
pub fn encode_chain(payloads: &[Payload]) -> (PayloadType, Vec<u8>) {
    let mut out = Vec::new();
    let mut next_payloads = payloads.iter().skip(1).map(Payload::payload_type);
    for payload in payloads {
        let next = next_payloads.next().unwrap_or(PayloadType::NONE);
        put_generic(&mut out, next.0, &payload.encode_body());
    }
    (payloads.first().map_or(PayloadType::NONE, Payload::payload_type), out)
}
