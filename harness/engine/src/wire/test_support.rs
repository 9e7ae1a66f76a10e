//! Checks and generators that the tests of this module share.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

pub(super) fn hex(text: &str) -> Bytes {
    let digits: String = text.split_whitespace().collect();
    hex::decode(digits).expect("test data is hex").into()
}

pub(super) fn decode_body(payload_type: PayloadType, body: &Bytes) -> Result<Payload> {
    Payload::decode(payload_type, body.clone(), &WireLimits::default())
}

/// The octets in hex are the body of the payload, in both directions.
#[track_caller]
pub(super) fn assert_fixed_bytes(payload: impl Into<Payload>, body: &str) {
    let (payload, body) = (payload.into(), hex(body));
    assert_eq!(hex::encode(payload.encode_body()), hex::encode(&body));
    assert_eq!(decode_body(payload.payload_type(), &body), Ok(payload));
}

/// A chain of this payload alone, cut anywhere, is refused.
#[track_caller]
pub(super) fn assert_shorter_chains_fail(payload: impl Into<Payload>) {
    let (first, chain) = encode_chain(&[payload.into()]);
    let chain = Bytes::from(chain);
    let read = |len| decode_chain(first, &chain.slice(..len), Trailing::Alignment, &WireLimits::default());
    assert!(read(chain.len()).is_ok());
    for len in 0..chain.len() {
        assert!(read(len).is_err(), "accepted the first {len} of {} bytes", chain.len());
    }
}

/// Each of the first `count` shorter bodies is refused (the rest of the body has no fixed length).
#[track_caller]
pub(super) fn assert_shorter_bodies_fail(payload: impl Into<Payload>, count: usize) {
    let payload = payload.into();
    let body = Bytes::from(payload.encode_body());
    for len in 0..count {
        let read = decode_body(payload.payload_type(), &body.slice(..len));
        assert!(read.is_err(), "accepted the first {len} of {} bytes", body.len());
    }
}

/// Payload lengths that are impossible for a chain of this payload alone are refused as such.
#[track_caller]
pub(super) fn assert_bad_payload_lengths_fail(payload: impl Into<Payload>) {
    let (first, chain) = encode_chain(&[payload.into()]);
    let available = u16::try_from(chain.len()).expect("test payloads are short");
    for length in [0, 1, 3, available + 1, u16::MAX] {
        let mut chain = chain.clone();
        chain[2..4].copy_from_slice(&length.to_be_bytes());
        assert_eq!(
            decode_chain(first, &chain.into(), Trailing::Alignment, &WireLimits::default()),
            Err(WireError::BadLength {
                what: "payload length",
                got: length.into(),
                expected: 4..=available.into()
            })
        );
    }
}

fn octets(max: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..=max).prop_map(Bytes::from)
}

pub(super) fn any_attribute() -> impl Strategy<Value = Attribute> {
    let value = prop_oneof![
        any::<u16>().prop_map(AttributeValue::Short),
        octets(12).prop_map(AttributeValue::Variable)
    ];
    let class = prop_oneof![0_u16..20, 0_u16..0x8000];
    (class, value).prop_map(|(class, value)| Attribute { class, value })
}

fn any_transform() -> impl Strategy<Value = Transform> {
    (any::<u8>(), any::<u8>(), vec(any_attribute(), 0..5)).prop_map(|(number, id, attributes)| Transform {
        number,
        id: TransformId(id),
        attributes,
    })
}

fn any_proposal() -> impl Strategy<Value = Proposal> {
    (any::<u8>(), 0_u8..6, octets(16), vec(any_transform(), 0..4)).prop_map(
        |(number, protocol, spi, transforms)| Proposal {
            number,
            protocol: ProtocolId(protocol),
            spi,
            transforms,
        },
    )
}

fn any_sa() -> impl Strategy<Value = SaPayload> {
    let labelled = prop_oneof![
        3 => Just((1, Bytes::new())),
        1 => Just((3, hex("00000007 00030000 aabbcc00 00090000 ff800000"))),
        1 => Just((7, hex("00000007 00000000 00000000 00010000 aa000000 00200000 01020304"))),
    ];
    (0_u32..3, labelled, vec(any_proposal(), 0..4)).prop_map(|(doi, (situation, labels), proposals)| {
        SaPayload { doi: Doi(doi), situation, labels, proposals }
    })
}

fn any_id() -> impl Strategy<Value = Identification> {
    let identity = prop_oneof![
        any::<core::net::Ipv4Addr>().prop_map(Identification::ipv4),
        (any::<core::net::Ipv4Addr>(), 0_u8..=32)
            .prop_map(|(address, prefix)| Identification::ipv4_subnet(address, prefix)),
        (any::<core::net::Ipv6Addr>(), any::<core::net::Ipv6Addr>())
            .prop_map(|(first, last)| Identification::ipv6_range(first, last)),
        (9_u8..=255, octets(20)).prop_map(|(id_type, data)| Identification::new(IdType(id_type), data)),
    ];
    (identity, any::<u8>(), any::<u16>())
        .prop_map(|(identity, protocol, port)| identity.with_protocol_and_port(protocol, port))
}

fn any_delete() -> impl Strategy<Value = Delete> {
    (any::<u32>(), any::<u8>(), 0_usize..=16)
        .prop_flat_map(|(doi, protocol, size)| {
            (Just((doi, protocol, size)), vec(vec(any::<u8>(), size).prop_map(Bytes::from), 0..5))
        })
        .prop_map(|((doi, protocol, size), spis)| Delete {
            doi: Doi(doi),
            protocol: ProtocolId(protocol),
            spi_size: u8::try_from(size).expect("at most 16"),
            spis,
        })
}

fn any_notification() -> impl Strategy<Value = Notification> {
    (any::<u32>(), any::<u8>(), any::<u16>(), octets(16), octets(40)).prop_map(
        |(doi, protocol, notify_type, spi, data)| Notification {
            doi: Doi(doi),
            protocol: ProtocolId(protocol),
            notify_type: NotifyType(notify_type),
            spi,
            data,
        },
    )
}

/// Any payload that the encoder can be given.
pub(super) fn any_payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        4 => any_sa().prop_map(Payload::Sa),
        1 => octets(40).prop_map(|data| KeyExchange { data }.into()),
        2 => any_id().prop_map(Payload::Identification),
        1 => (any::<u8>(), octets(40))
            .prop_map(|(encoding, data)| Certificate::new(CertEncoding(encoding), data).into()),
        1 => (any::<u8>(), octets(40))
            .prop_map(|(cert_type, name)| CertificateRequest::new(CertEncoding(cert_type), name).into()),
        1 => octets(40).prop_map(|data| Hash { data }.into()),
        1 => octets(40).prop_map(|data| Signature { data }.into()),
        1 => octets(40).prop_map(|data| Nonce { data }.into()),
        2 => any_notification().prop_map(Payload::Notification),
        2 => any_delete().prop_map(Payload::Delete),
        1 => octets(40).prop_map(|data| VendorId { data }.into()),
        1 => (octets(40), any::<bool>()).prop_map(|(hash, draft)| NatDiscovery { hash, draft }.into()),
        1 => (any::<core::net::IpAddr>(), any::<bool>())
            .prop_map(|(address, draft)| NatOriginalAddress::new(address, draft).into()),
        1 => (any::<u8>(), any::<u16>(), vec(any_attribute(), 0..5)).prop_map(
            |(message_type, identifier, attributes)| {
                AttributesPayload { message_type: ConfigType(message_type), identifier, attributes }.into()
            }
        ),
        1 => (any::<u16>(), any::<u8>(), any::<u8>(), octets(40))
            .prop_map(|(id, number, flags, data)| Fragment { id, number, flags, data }.into()),
        1 => (133_u8..=255, octets(40)).prop_map(|(payload_type, body)| {
            UnknownPayload { payload_type: PayloadType(payload_type), body }.into()
        }),
    ]
}

/// A header whose Next Payload and Length the encoder is still to fill in.
pub(super) fn any_header() -> impl Strategy<Value = Header> {
    (any::<[u8; 8]>(), any::<[u8; 8]>(), any::<u8>(), any::<u32>()).prop_map(
        |(initiator, responder, exchange_type, message_id)| {
            let cookies = CookiePair { initiator: Cookie(initiator), responder: Cookie(responder) };
            Header::new(cookies, ExchangeType(exchange_type), MessageId(message_id))
        },
    )
}

/// A well-formed message in the clear.
pub(super) fn any_message() -> impl Strategy<Value = Vec<u8>> {
    (any_header(), vec(any_payload(), 0..6)).prop_map(|(header, payloads)| encode_message(&header, &payloads))
}

/// A message that is well-formed but for a few octets, a cut or an appendix: what a hostile peer would send.
pub(super) fn any_damaged_message() -> impl Strategy<Value = Vec<u8>> {
    let damage = vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    (any_message(), damage, any::<prop::sample::Index>(), vec(any::<u8>(), 0..4), 0..3).prop_map(
        |(mut message, damage, cut, tail, kind)| {
            for (at, value) in damage {
                let at = at.index(message.len());
                message[at] = value;
            }
            match kind {
                0 => message.truncate(cut.index(message.len() + 1)),
                1 => message.extend(tail),
                _ => {}
            }
            // Otherwise the length check would hide what comes after it.
            if kind != 0 && message.len() >= Header::LEN {
                let length = u32::try_from(message.len()).expect("test messages are short");
                message[24..28].copy_from_slice(&length.to_be_bytes());
            }
            message
        },
    )
}

/// The first message of a Main Mode initiator: SA with two transforms, and a vendor ID.
pub(super) fn main_mode_1() -> Vec<u8> {
    let transform = |number, key_length: u16| Transform {
        number,
        id: TransformId::KEY_IKE,
        attributes: vec![
            Attribute::short(Phase1Attribute::ENCRYPTION_ALGORITHM, EncryptionAlgorithm::AES_CBC),
            Attribute::short(Phase1Attribute::KEY_LENGTH, key_length),
            Attribute::short(Phase1Attribute::HASH_ALGORITHM, HashAlgorithmId::SHA),
            Attribute::short(Phase1Attribute::AUTHENTICATION_METHOD, AuthMethod::PRE_SHARED_KEY),
            Attribute::short(Phase1Attribute::GROUP_DESCRIPTION, GroupId::MODP_2048),
            Attribute::short(Phase1Attribute::LIFE_TYPE, LifeType::SECONDS),
            Attribute::lifetime(Phase1Attribute::LIFE_DURATION, 86_400),
        ],
    };
    let proposal = Proposal {
        number: 1,
        protocol: ProtocolId::ISAKMP,
        spi: Bytes::new(),
        transforms: vec![transform(1, 256), transform(2, 128)],
    };
    let cookies = CookiePair { initiator: Cookie(*b"CKYIcky1"), responder: Cookie::ZERO };
    encode_message(
        &Header::new(cookies, ExchangeType::IDENTITY_PROTECTION, MessageId::PHASE_1),
        &[SaPayload::ipsec_doi(vec![proposal]).into(), VendorId::new(&b"vendor"[..]).into()],
    )
}
