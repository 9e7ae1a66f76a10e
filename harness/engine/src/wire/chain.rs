//! The chain of payloads that follows the header, linked by Next Payload fields (RFC 2408 section 3.2).

use bytes::Bytes;

use super::codec::{GENERIC_HEADER, Reader, put_generic};
use super::{Header, Payload, PayloadType, Result, UnknownPayload, WireError, WireLimits};

/// Messages are filled up to a multiple of this, in octets (RFC 2408 section 3.6). The header's length is one.
const ALIGNMENT: usize = 4;

/// What bytes after the last payload of a chain mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trailing {
    /// What fills a message in the clear up to a multiple of four octets (RFC 2408 section 3.6); more is an error.
    Alignment,
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
    /// Octets after the last payload.
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
    let (chain, mut undecoded) = decode_chain_lenient(first, body, trailing, limits)?;
    match undecoded.pop() {
        Some(Undecoded { error, .. }) => Err(error),
        None => Ok(chain),
    }
}

/// A payload whose body is not of the form that its type has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecoded {
    /// Its index in the chain.
    pub index: usize,
    /// What is wrong with the body.
    pub error: WireError,
}

/// Decodes as [`decode_chain`] does a chain in which bodies may be encrypted, as the key messages of authentication
/// with public key encryption have them (RFC 2409 sections 5.2 and 5.3). A body that cannot
/// be decoded does not end the reading: its payload becomes [`Payload::Unknown`]. Such payloads are given too, the last
/// one first. An SA payload is never encrypted, so its errors count.
///
/// # Errors
/// The first thing wrong in the chain or in an SA payload.
pub fn decode_chain_lenient(
    first: PayloadType,
    body: &Bytes,
    trailing: Trailing,
    limits: &WireLimits,
) -> Result<(Chain, Vec<Undecoded>)> {
    let mut reader = Reader::new("payload chain", body.clone());
    let mut chain = Chain::default();
    let mut undecoded = Vec::new();
    let mut payload_type = first;
    while payload_type != PayloadType::NONE {
        if chain.payloads.len() >= limits.payloads_max {
            return Err(WireError::TooMany { what: "payloads", limit: limits.payloads_max });
        }
        let offset = Header::LEN.saturating_add(body.len().saturating_sub(reader.len()));
        let generic = reader.generic_payload("payload length")?;
        let payload = match Payload::decode(payload_type, generic.body.clone(), limits) {
            Ok(payload) => payload,
            Err(error @ WireError::BadNextPayload { .. }) => return Err(error),
            Err(error) if payload_type == PayloadType::SA => return Err(error),
            Err(error) => {
                undecoded.push(Undecoded { index: chain.payloads.len(), error });
                Payload::Unknown(UnknownPayload { payload_type, body: generic.body.clone() })
            }
        };
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
        Trailing::Alignment if !aligns(reader.len(), body.len()) => reader.finish()?,
        Trailing::Alignment | Trailing::Padding => chain.padding = reader.rest(),
    }
    undecoded.reverse();
    Ok((chain, undecoded))
}

/// Whether the last `len` octets of a body of `body` octets fill its message up to a multiple of four.
pub(super) const fn aligns(len: usize, body: usize) -> bool {
    len < ALIGNMENT && body.is_multiple_of(ALIGNMENT)
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

#[cfg(test)]
mod tests {
    use super::super::test_support::*;
    use super::super::{
        Attribute, AttributesPayload, ConfigType, Hash, NatOriginalAddress, Nonce, Proposal, ProtocolId,
        SaPayload, Transform, TransformId,
    };
    use super::*;

    fn read(first: PayloadType, bytes: &str, trailing: Trailing) -> Result<Chain> {
        decode_chain(first, &hex(bytes), trailing, &WireLimits::default())
    }

    const TWO: &str = "0a00 0006 aabb  0000 0005 cc";

    #[test]
    fn round_trips_a_chain() {
        let chain = read(PayloadType::HASH, TWO, Trailing::Alignment).unwrap();
        let payloads = [Hash::new(hex("aabb")).into(), Nonce::new(hex("cc")).into()];
        assert!(chain.iter().eq(&payloads));
        assert_eq!(encode_chain(&payloads), (PayloadType::HASH, hex(TWO).to_vec()));
    }

    #[test]
    fn records_offset_type_and_body_as_received() {
        let chain = read(PayloadType::HASH, TWO, Trailing::Alignment).unwrap();
        let nonce = chain.first(PayloadType::NONCE).unwrap();
        assert_eq!((nonce.offset, &nonce.body[..]), (34, &[0xcc][..]));
        assert_eq!(chain.first(PayloadType::SA), None);
    }

    #[test]
    fn records_octets_after_the_last_payload_of_a_decrypted_chain_as_padding() {
        let padded = format!("{TWO} 000003");
        let chain = read(PayloadType::HASH, &padded, Trailing::Padding).unwrap();
        assert_eq!(chain.padding, hex("000003"));
        let error = WireError::TrailingData { what: "payload chain", len: 3 };
        assert_eq!(read(PayloadType::HASH, &padded, Trailing::Alignment), Err(error));
    }

    #[test]
    fn keeps_a_payload_of_unknown_type() {
        let chain = read(PayloadType(200), "0000 0006 0102", Trailing::Alignment).unwrap();
        let unknown = UnknownPayload { payload_type: PayloadType(200), body: hex("0102") };
        assert!(chain.iter().eq(&[unknown.into()]));
    }

    #[test]
    fn refuses_proposals_and_transforms_outside_an_sa_payload() {
        for payload_type in [PayloadType::PROPOSAL, PayloadType::TRANSFORM] {
            let error = read(payload_type, "0000 0008 01010000", Trailing::Alignment).unwrap_err();
            assert!(matches!(error, WireError::BadNextPayload { got, .. } if got == payload_type));
        }
    }

    #[test]
    fn refuses_more_payloads_than_the_limit() {
        let limits = WireLimits { payloads_max: 1, ..WireLimits::default() };
        let error = WireError::TooMany { what: "payloads", limit: 1 };
        assert_eq!(decode_chain(PayloadType::HASH, &hex(TWO), Trailing::Alignment, &limits), Err(error));
    }

    #[test]
    fn a_chain_without_payloads_is_empty() {
        assert_eq!(read(PayloadType::NONE, "", Trailing::Alignment), Ok(Chain::default()));
        assert_eq!(encode_chain(&[]), (PayloadType::NONE, Vec::new()));
    }

    #[test]
    fn finds_every_reserved_field_that_is_not_zero() {
        let transform = |number| Transform {
            number,
            id: TransformId(1),
            attributes: vec![Attribute::short(1_u16, 1_u16)],
        };
        let proposal = |number| Proposal {
            number,
            protocol: ProtocolId::ISAKMP,
            spi: hex("0102"),
            transforms: vec![transform(1), transform(2)],
        };
        let labels = hex("00000007 00000000 00000000");
        let sa = SaPayload { situation: 2, labels, ..SaPayload::ipsec_doi(vec![proposal(1), proposal(2)]) };
        let attributes =
            AttributesPayload { message_type: ConfigType::SET, identifier: 0, attributes: Vec::new() };
        let nat_oa = NatOriginalAddress::new("192.0.2.1".parse().unwrap(), false);
        let (first, clean) = encode_chain(&[sa.into(), attributes.into(), nat_oa.into()]);
        let violation = |chain: Vec<u8>| {
            let read = decode_chain(first, &chain.into(), Trailing::Alignment, &WireLimits::default());
            read.unwrap().reserved_violation()
        };
        assert_eq!(violation(clean.clone()), None);

        // Within the SA payload of 92 octets: its own header, the situation and labels, then twice a proposal
        // of 10 octets and two transforms of 12.
        let transforms = [10, 22].map(|at| [at + 1, at + 6, at + 7]).concat();
        let proposals = [24, 58]
            .map(|at: usize| [vec![at + 1], transforms.iter().map(|offset| at + offset).collect()].concat());
        let reserved =
            [vec![1], proposals.concat(), vec![92 + 1, 92 + 5, 100 + 1, 100 + 5, 100 + 6, 100 + 7]];
        let reserved = reserved.concat();
        for at in &reserved {
            let mut chain = clean.clone();
            chain[*at] = 0x80;
            let found = violation(chain).unwrap_or_else(|| panic!("no violation at {at}"));
            // RESERVED2 is one field of two octets.
            let of_field = found.offset..found.offset + if found.got == 0x8000 { 1 } else { 2 };
            assert!(of_field.contains(&(Header::LEN + at)), "{found:?} for {at}");
        }
    }
}
