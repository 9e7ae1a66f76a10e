//! What an endpoint answers to a malformed message, protected or not, and what stands afterwards (RFC 2408 section 5).
//!
//! Each case changes one message before it is encrypted; its hash is computed again where the case is about what the
//! hash covers.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests are named by what they show, and fail by panicking"
)]

mod common;

use core::time::Duration;
use std::sync::{Arc, Mutex};

use common::{From, Pair, body, credentials, rehash};
use ikev1::config::{AuthenticationMethod, NatTraversal, PeerConfig, Phase1Mode};
use ikev1::crypto::reference;
use ikev1::event::Event;
use ikev1::hook::{OutgoingHook, OutgoingMessage};
use ikev1::io::Timestamp;
use ikev1::pki::UnixTime;
use ikev1::wire::edit::{Edit, apply};
use ikev1::wire::{
    Delete, Doi, ExchangeType, Flags, Header, Message, MessageId, Notification, NotifyType, Payload,
    PayloadType, ProtocolId, Spi, dissect,
};
use rstest::rstest;

/// What happens to the hash of a changed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Keep,
    Recompute,
}
use Hash::{Keep, Recompute};

/// Changes one message, once.
struct Change {
    exchange: ExchangeType,
    number: u8,
    edits: Vec<Edit>,
    hash: Hash,
    in_the_clear: bool,
    /// What its sender has decrypted: HASH(2) covers the nonce of quick mode 1.
    received: Arc<Mutex<Vec<Vec<u8>>>>,
    /// How often a message was changed.
    applied: Arc<Mutex<usize>>,
}

impl OutgoingHook for Change {
    fn outgoing(&mut self, message: &mut OutgoingMessage<'_>) {
        if (message.exchange, message.number) != (self.exchange, self.number) {
            return;
        }
        for edit in &self.edits {
            apply(message.bytes, edit).unwrap();
        }
        message.keep_length = self
            .edits
            .iter()
            .any(|edit| matches!(edit, Edit::SetNumber { path, .. } if path == "header.length"));
        message.in_the_clear = self.in_the_clear;
        if self.hash == Recompute && message.m_id == MessageId::PHASE_1 {
            match message.auth_hash {
                Some(auth_hash) => {
                    let id_b = body(message.bytes, "id");
                    let hash = auth_hash.over(&id_b);
                    apply(message.bytes, &Edit::Set { path: "hash.data".into(), bytes: hash }).unwrap();
                }
                None => message.hash_covers_edit = true,
            }
        } else if self.hash == Recompute {
            let quick_mode_1 = self.received.lock().unwrap().last().cloned().filter(|_| message.number == 2);
            rehash(message, quick_mode_1.as_deref());
        }
        *self.applied.lock().unwrap() += 1;
    }
}

fn set(path: &str, value: u64) -> Edit {
    Edit::SetNumber { path: path.into(), value }
}

fn replace(path: &str, bytes: &[u8]) -> Edit {
    Edit::Replace { path: path.into(), bytes: bytes.to_vec() }
}

fn xor(path: &str) -> Edit {
    Edit::Xor { path: path.into(), index: 0, mask: 1 }
}

fn remove(path: &str) -> Edit {
    Edit::RemovePayload { path: path.into() }
}

fn twice(path: &str) -> Edit {
    Edit::DuplicatePayload { path: path.into() }
}

/// Main mode, aggressive mode or quick mode.
const MAIN: ExchangeType = ExchangeType::IDENTITY_PROTECTION;
const AGGRESSIVE: ExchangeType = ExchangeType::AGGRESSIVE;
const QUICK: ExchangeType = ExchangeType::QUICK_MODE;

/// What came of a changed message.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    /// Types of the notifications that its receiver sent, each once, and whether they were protected.
    notifies: Vec<(NotifyType, bool)>,
    /// ISAKMP SAs and pairs of IPsec SAs that its receiver has.
    stands: (usize, usize),
}

/// The notifications of informational exchanges that a side sent.
fn notifies(pair: &Pair, of: From) -> Vec<(NotifyType, bool)> {
    let mut found = Vec::new();
    let mut note = |message: &[u8], protected: bool| {
        let header = Header::decode(message).unwrap();
        if header.exchange_type != ExchangeType::INFORMATIONAL {
            return;
        }
        let mut clear = message.to_vec();
        clear[19] = 0;
        let dissection = dissect(&clear, false);
        if let Some(notify_type) = dissection.number("notification.type") {
            let notify = (NotifyType(u16::try_from(notify_type).unwrap()), protected);
            if !found.contains(&notify) {
                found.push(notify);
            }
        }
    };
    for (from, datagram) in &pair.sent {
        if *from == of && datagram.payload[19] & Flags::ENCRYPTION.0 == 0 {
            note(&datagram.payload, false);
        }
    }
    let side = if of == From::Alice { &pair.alice } else { &pair.bob };
    for message in side.plain.lock().unwrap().iter() {
        note(message, true);
    }
    found.retain(|(notify_type, _)| notify_type.is_error());
    found
}

/// Alice sets up an ISAKMP SA and IPsec SAs, and the message `number` of `exchange` is changed on its way out. It comes
/// from alice when its number is odd.
fn outcome(mut pair: Pair, mut change: Change) -> Outcome {
    let (applied, odd) = (change.applied.clone(), change.number % 2 == 1);
    let sender = if odd { &mut pair.alice } else { &mut pair.bob };
    change.received = sender.opened.clone();
    sender.endpoint.set_outgoing_hook(Box::new(change));
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair.run(Timestamp::from_secs(1));
    assert_eq!(*applied.lock().unwrap(), 1, "the message never went out, or changed twice");
    let receiver = if odd { From::Bob } else { From::Alice };
    let side = if odd { &pair.bob } else { &pair.alice };
    Outcome { notifies: notifies(&pair, receiver), stands: (side.isakmp_count(), side.ipsec_count()) }
}

fn change(exchange: ExchangeType, number: u8, edits: Vec<Edit>, hash: Hash) -> Change {
    Change {
        exchange,
        number,
        edits,
        hash,
        in_the_clear: false,
        received: Arc::default(),
        applied: Arc::default(),
    }
}

fn configured(mode: Phase1Mode, peer: &mut PeerConfig) {
    peer.mode = mode;
    peer.nat_traversal = NatTraversal::Off;
}

#[rstest]
#[case::right(vec![], 0)]
#[case::wrong(vec![xor("hash.data")], 1)]
fn a_delete_counts_under_its_hash_1_only(#[case] edits: Vec<Edit>, #[case] left: usize) {
    let mut pair = Pair::new(|_| {});
    pair.establish();
    let change = change(ExchangeType::INFORMATIONAL, 1, edits, Keep);
    let applied = change.applied.clone();
    pair.alice.endpoint.set_outgoing_hook(Box::new(change));
    let sa = pair.alice.endpoint.isakmp_sas().next().unwrap().id;
    pair.alice.endpoint.delete_isakmp_sa(pair.now, sa).unwrap();
    pair.run(pair.now + Duration::from_millis(100));
    assert!(*applied.lock().unwrap() > 0);
    assert_eq!(pair.bob.isakmp_count(), left, "{:?}", pair.bob.refusals());
}

#[rstest]
#[case::right(vec![], 1)]
#[case::wrong(vec![xor("hash.data")], 0)]
fn quick_mode_ends_under_hash_3_only(#[case] edits: Vec<Edit>, #[case] pairs: usize) {
    let outcome = outcome(Pair::new(|_| {}), change(QUICK, 3, edits, Keep));
    assert_eq!(outcome.stands, (1, pairs));
}

#[rstest]
// Section 5.1.
#[case::length_too_large(MAIN, 3, vec![set("header.length", 4000)], Keep, NotifyType::UNEQUAL_PAYLOAD_LENGTHS)]
#[case::length_too_small_in_reply(MAIN, 4, vec![set("header.length", 40)], Keep, NotifyType::UNEQUAL_PAYLOAD_LENGTHS)]
// Section 5.2.
#[case::cookie(MAIN, 3, vec![xor("header.cky_r")], Keep, NotifyType::INVALID_COOKIE)]
#[case::next_payload(MAIN, 3, vec![set("header.next_payload", 99)], Keep, NotifyType::INVALID_PAYLOAD_TYPE)]
#[case::next_payload_in_reply(MAIN, 2, vec![set("header.next_payload", 99)], Keep, NotifyType::INVALID_PAYLOAD_TYPE)]
#[case::major_version(MAIN, 3, vec![set("header.version", 0x20)], Keep, NotifyType::INVALID_MAJOR_VERSION)]
#[case::minor_version(MAIN, 3, vec![set("header.version", 0x11)], Keep, NotifyType::INVALID_MINOR_VERSION)]
#[case::unknown_exchange(MAIN, 3, vec![set("header.exchange_type", 99)], Keep, NotifyType::INVALID_EXCHANGE_TYPE)]
#[case::other_exchange(MAIN, 3, vec![set("header.exchange_type", 4)], Keep, NotifyType::INVALID_EXCHANGE_TYPE)]
#[case::base_exchange(MAIN, 1, vec![set("header.exchange_type", 1)], Keep, NotifyType::UNSUPPORTED_EXCHANGE_TYPE)]
#[case::authentication_only_exchange(MAIN, 3, vec![set("header.exchange_type", 3)], Keep, NotifyType::UNSUPPORTED_EXCHANGE_TYPE)]
#[case::unknown_flag(MAIN, 3, vec![set("header.flags", 8)], Keep, NotifyType::INVALID_FLAGS)]
#[case::encrypted_too_early(MAIN, 3, vec![set("header.flags", 1)], Keep, NotifyType::INVALID_FLAGS)]
#[case::not_encrypted(MAIN, 5, vec![set("header.flags", 0)], Keep, NotifyType::INVALID_FLAGS)]
#[case::message_id(MAIN, 5, vec![set("header.m_id", 1)], Keep, NotifyType::INVALID_MESSAGE_ID)]
// Section 5.3.
#[case::next_payload_of_a_payload(MAIN, 3, vec![set("ke.next_payload", 99)], Keep, NotifyType::INVALID_PAYLOAD_TYPE)]
#[case::reserved(MAIN, 3, vec![set("ke.reserved", 1)], Keep, NotifyType::PAYLOAD_MALFORMED)]
#[case::payload_length(MAIN, 3, vec![set("nonce.length", 3)], Keep, NotifyType::PAYLOAD_MALFORMED)]
#[case::reserved_encrypted(MAIN, 5, vec![set("id.reserved", 1)], Keep, NotifyType::PAYLOAD_MALFORMED)]
#[case::payload_length_encrypted(MAIN, 6, vec![set("id.length", 3)], Keep, NotifyType::PAYLOAD_MALFORMED)]
#[case::next_payload_encrypted(MAIN, 6, vec![set("header.next_payload", 99)], Keep, NotifyType::INVALID_PAYLOAD_TYPE)]
// Section 5.4.
#[case::doi(MAIN, 1, vec![set("sa.doi", 127)], Recompute, NotifyType::DOI_NOT_SUPPORTED)]
#[case::doi_in_reply(MAIN, 2, vec![set("sa.doi", 127)], Keep, NotifyType::DOI_NOT_SUPPORTED)]
#[case::situation(MAIN, 1, vec![set("sa.situation", 256)], Recompute, NotifyType::SITUATION_NOT_SUPPORTED)]
#[case::situation_in_reply(MAIN, 2, vec![set("sa.situation", 256)], Keep, NotifyType::SITUATION_NOT_SUPPORTED)]
#[case::no_proposal(MAIN, 1, vec![remove("sa.proposal[0]")], Recompute, NotifyType::NO_PROPOSAL_CHOSEN)]
// Section 5.5.
#[case::protocol(MAIN, 1, vec![set("sa.proposal[0].protocol", 3)], Recompute, NotifyType::INVALID_PROTOCOL_ID)]
#[case::protocol_in_reply(MAIN, 2, vec![set("sa.proposal[0].protocol", 3)], Keep, NotifyType::INVALID_PROTOCOL_ID)]
#[case::spi(MAIN, 1, vec![replace("sa.proposal[0].spi", &[1; 17])], Recompute, NotifyType::INVALID_SPI)]
#[case::spi_in_reply(MAIN, 2, vec![replace("sa.proposal[0].spi", &[1; 17])], Keep, NotifyType::INVALID_SPI)]
#[case::transform_count(MAIN, 1, vec![set("sa.proposal[0].transform_count", 3)], Recompute, NotifyType::BAD_PROPOSAL_SYNTAX)]
// Section 5.6.
#[case::reserved_transform(MAIN, 1, vec![set("sa.proposal[0].transform[0].id", 0)], Recompute, NotifyType::INVALID_TRANSFORM_ID)]
#[case::unknown_attribute(MAIN, 1, vec![replace("sa.proposal[0].transform[0].attribute[5]", &[0xbf, 0xff, 0, 1])], Recompute, NotifyType::ATTRIBUTES_NOT_SUPPORTED)]
#[case::unknown_hash(MAIN, 1, vec![set("sa.proposal[0].transform[0].hash-algorithm", 99)], Recompute, NotifyType::ATTRIBUTES_NOT_SUPPORTED)]
#[case::other_hash(MAIN, 1, vec![set("sa.proposal[0].transform[0].hash-algorithm", 1)], Recompute, NotifyType::NO_PROPOSAL_CHOSEN)]
// An unknown transform ID alone leaves nothing to choose, and has no notify of its own.
#[case::transform(MAIN, 1, vec![set("sa.proposal[0].transform[0].id", 200)], Recompute, NotifyType::NO_PROPOSAL_CHOSEN)]
#[case::altered_transform(MAIN, 2, vec![set("sa.proposal[0].transform[0].group-description", 1)], Keep, NotifyType::BAD_PROPOSAL_SYNTAX)]
// Section 5.7.
#[case::short_public_value(MAIN, 3, vec![replace("ke.data", &[9; 127])], Keep, NotifyType::INVALID_KEY_INFORMATION)]
#[case::public_value_zero(MAIN, 3, vec![replace("ke.data", &[0; 128])], Keep, NotifyType::INVALID_KEY_INFORMATION)]
#[case::empty_public_value_in_reply(MAIN, 4, vec![replace("ke.data", &[])], Keep, NotifyType::INVALID_KEY_INFORMATION)]
#[case::no_ke(MAIN, 3, vec![remove("ke")], Keep, NotifyType::PAYLOAD_MALFORMED)]
// Section 5.8.
#[case::id_type(MAIN, 5, vec![set("id.type", 200)], Recompute, NotifyType::INVALID_ID_INFORMATION)]
#[case::id_type_in_reply(MAIN, 6, vec![set("id.type", 200)], Recompute, NotifyType::INVALID_ID_INFORMATION)]
#[case::id_length(MAIN, 5, vec![replace("id.data", &[192, 0, 2])], Recompute, NotifyType::INVALID_ID_INFORMATION)]
#[case::other_id(MAIN, 5, vec![replace("id.data", &[192, 0, 2, 99])], Recompute, NotifyType::INVALID_ID_INFORMATION)]
#[case::no_id(MAIN, 5, vec![remove("id")], Keep, NotifyType::PAYLOAD_MALFORMED)]
#[case::two_ids(MAIN, 5, vec![twice("id")], Keep, NotifyType::PAYLOAD_MALFORMED)]
// Section 5.11.
#[case::hash(MAIN, 5, vec![xor("hash.data")], Keep, NotifyType::AUTHENTICATION_FAILED)]
#[case::hash_in_reply(MAIN, 6, vec![xor("hash.data")], Keep, NotifyType::AUTHENTICATION_FAILED)]
#[case::empty_hash(MAIN, 5, vec![replace("hash.data", &[])], Keep, NotifyType::INVALID_HASH_INFORMATION)]
#[case::long_hash_in_reply(MAIN, 6, vec![replace("hash.data", &[9; 21])], Keep, NotifyType::INVALID_HASH_INFORMATION)]
#[case::no_hash(MAIN, 5, vec![remove("hash")], Keep, NotifyType::PAYLOAD_MALFORMED)]
// Section 5.13.
#[case::short_nonce(MAIN, 3, vec![replace("nonce.data", &[9; 7])], Keep, NotifyType::PAYLOAD_MALFORMED)]
#[case::long_nonce_in_reply(MAIN, 4, vec![replace("nonce.data", &[9; 257])], Keep, NotifyType::PAYLOAD_MALFORMED)]
// The same in aggressive mode.
#[case::aggressive_doi(AGGRESSIVE, 1, vec![set("sa.doi", 127)], Recompute, NotifyType::DOI_NOT_SUPPORTED)]
#[case::aggressive_protocol_in_reply(AGGRESSIVE, 2, vec![set("sa.proposal[0].protocol", 9)], Keep, NotifyType::INVALID_PROTOCOL_ID)]
#[case::aggressive_id_type(AGGRESSIVE, 1, vec![set("id.type", 200)], Recompute, NotifyType::INVALID_ID_INFORMATION)]
#[case::aggressive_public_value(AGGRESSIVE, 1, vec![replace("ke.data", &[0; 128])], Keep, NotifyType::INVALID_KEY_INFORMATION)]
#[case::aggressive_nonce(AGGRESSIVE, 2, vec![replace("nonce.data", &[9; 7])], Keep, NotifyType::PAYLOAD_MALFORMED)]
#[case::aggressive_hash_in_reply(AGGRESSIVE, 2, vec![xor("hash.data")], Keep, NotifyType::AUTHENTICATION_FAILED)]
#[case::aggressive_hash(AGGRESSIVE, 3, vec![xor("hash.data")], Keep, NotifyType::AUTHENTICATION_FAILED)]
fn phase_1_is_refused_in_the_clear_and_nothing_stands(
    #[case] exchange: ExchangeType,
    #[case] number: u8,
    #[case] edits: Vec<Edit>,
    #[case] hash: Hash,
    #[case] expected: NotifyType,
) {
    let mode = if exchange == MAIN { Phase1Mode::Main } else { Phase1Mode::Aggressive };
    let pair = Pair::new(|peer| configured(mode, peer));
    let got = outcome(pair, change(exchange, number, edits, hash));
    assert_eq!(got, Outcome { notifies: vec![(expected, false)], stands: (0, 0) });
}

/// A pair that authenticates by certificates, on July 1 of 2026.
fn with_certificates(mode: Phase1Mode) -> Pair {
    Pair::at(UnixTime(1_782_864_000), reference(), |who, peer| {
        configured(mode, peer);
        credentials::certificates(who, peer, AuthenticationMethod::RsaSignature);
    })
}

#[rstest]
// Section 5.9: a CERT payload that is discarded leaves no certificate, and is then the reason.
#[case::encoding(5, vec![set("cert.encoding", 200)], NotifyType::INVALID_CERT_ENCODING)]
#[case::encoding_in_reply(6, vec![set("cert.encoding", 200)], NotifyType::INVALID_CERT_ENCODING)]
#[case::certificate(5, vec![replace("cert.data", b"no certificate")], NotifyType::INVALID_CERTIFICATE)]
#[case::certificate_of_nobody(5, vec![remove("cert")], NotifyType::CERTIFICATE_UNAVAILABLE)]
// Section 5.12.
#[case::signature_length(5, vec![replace("sig.data", &[9; 255])], NotifyType::INVALID_SIGNATURE)]
#[case::empty_signature_in_reply(6, vec![replace("sig.data", &[])], NotifyType::INVALID_SIGNATURE)]
#[case::signature(5, vec![xor("sig.data")], NotifyType::AUTHENTICATION_FAILED)]
#[case::no_signature(5, vec![remove("sig")], NotifyType::PAYLOAD_MALFORMED)]
#[case::two_signatures(6, vec![twice("sig")], NotifyType::PAYLOAD_MALFORMED)]
fn signatures_and_certificates_are_refused_in_the_clear_and_nothing_stands(
    #[case] number: u8,
    #[case] edits: Vec<Edit>,
    #[case] expected: NotifyType,
) {
    let got = outcome(with_certificates(Phase1Mode::Main), change(MAIN, number, edits, Keep));
    assert_eq!(got, Outcome { notifies: vec![(expected, false)], stands: (0, 0) });
}

#[rstest]
// Sections 5.9 and 5.10: only the payload is discarded, and nobody is told unless it is wanted.
#[case::unsupported_type(set("cert_request.type", 2), NotifyType::CERT_TYPE_UNSUPPORTED)]
#[case::malformed_authority(
    replace("cert_request.authority", b"no name"),
    NotifyType::INVALID_CERT_AUTHORITY
)]
#[case::other_authority(replace("cert_request.authority", &[0x30, 0]), NotifyType::CERTIFICATE_UNAVAILABLE)]
fn a_certificate_request_of_no_use_is_discarded_alone(#[case] edit: Edit, #[case] expected: NotifyType) {
    let mut pair = with_certificates(Phase1Mode::Main);
    // Beside the good one, which is answered.
    let edits = vec![twice("cert_request"), edit];
    pair.bob.endpoint.set_outgoing_hook(Box::new(change(MAIN, 4, edits, Keep)));
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair.run(Timestamp::from_secs(1));
    assert_eq!((pair.bob.isakmp_count(), notifies(&pair, From::Alice)), (1, Vec::new()));
    let why = pair.alice.events.iter().find_map(|event| match event {
        Event::PayloadDiscarded { error, .. } => Some(error.notify_type()),
        _ => None,
    });
    assert_eq!(why, Some(Some(expected)), "{:?}", pair.alice.events);
}

#[rstest]
#[case::unsupported_type(4, "cert_request", vec![set("cert_request.type", 2)], NotifyType::CERT_TYPE_UNSUPPORTED)]
#[case::malformed_authority(4, "cert_request", vec![replace("cert_request.authority", b"no name")], NotifyType::INVALID_CERT_AUTHORITY)]
#[case::other_authority(4, "cert_request", vec![replace("cert_request.authority", &[0x30, 0])], NotifyType::CERTIFICATE_UNAVAILABLE)]
#[case::request_of_the_initiator(5, "cert_request", vec![set("cert_request.type", 2)], NotifyType::CERT_TYPE_UNSUPPORTED)]
#[case::encoding(5, "cert", vec![set("cert.encoding", 200)], NotifyType::INVALID_CERT_ENCODING)]
#[case::certificate_in_reply(6, "cert", vec![replace("cert.data", b"no certificate")], NotifyType::INVALID_CERTIFICATE)]
fn what_is_discarded_alone_is_told_under_the_isakmp_sa_where_that_is_wanted(
    #[case] number: u8,
    #[case] payload: &str,
    #[case] edits: Vec<Edit>,
    #[case] expected: NotifyType,
) {
    let pair = Pair::at(UnixTime(1_782_864_000), reference(), |who, peer| {
        configured(Phase1Mode::Main, peer);
        credentials::certificates(who, peer, AuthenticationMethod::RsaSignature);
        peer.notify_discarded = true;
    });
    let edits = [vec![twice(payload)], edits].concat();
    let got = outcome(pair, change(MAIN, number, edits, Keep));
    assert_eq!(got, Outcome { notifies: vec![(expected, true)], stands: (1, 1) });
}

#[rstest]
// What no HASH vouches for is dropped without a word.
#[case::length(vec![set("header.length", 4000)], Keep, None)]
#[case::cookie(vec![xor("header.cky_i")], Keep, Some((NotifyType::INVALID_COOKIE, false)))]
#[case::next_payload(vec![set("header.next_payload", 99)], Keep, None)]
#[case::version(vec![set("header.version", 0x20)], Keep, None)]
#[case::exchange_type(vec![set("header.exchange_type", 99)], Keep, None)]
#[case::flags(vec![set("header.flags", 0)], Keep, None)]
#[case::message_id(vec![set("header.m_id", 0)], Keep, None)]
#[case::hash(vec![xor("hash.data")], Keep, None)]
#[case::hash_of_one_octet_more(vec![replace("hash.data", &[9; 21])], Keep, None)]
#[case::no_hash(vec![remove("hash")], Keep, None)]
#[case::reserved(vec![set("nonce.reserved", 1)], Keep, None)]
#[case::payload_length(vec![set("nonce.length", 3)], Keep, None)]
// What its HASH(1) covers is answered under the ISAKMP SA.
#[case::doi(vec![set("sa.doi", 127)], Recompute, Some((NotifyType::DOI_NOT_SUPPORTED, true)))]
#[case::situation(vec![set("sa.situation", 256)], Recompute, Some((NotifyType::SITUATION_NOT_SUPPORTED, true)))]
#[case::no_proposal(vec![remove("sa.proposal[0]")], Recompute, Some((NotifyType::NO_PROPOSAL_CHOSEN, true)))]
#[case::protocol(vec![set("sa.proposal[0].protocol", 77)], Recompute, Some((NotifyType::INVALID_PROTOCOL_ID, true)))]
#[case::spi_zero(vec![replace("sa.proposal[0].spi", &[0; 4])], Recompute, Some((NotifyType::INVALID_SPI, true)))]
#[case::no_spi(vec![replace("sa.proposal[0].spi", &[])], Recompute, Some((NotifyType::INVALID_SPI, true)))]
#[case::reserved_transform(vec![set("sa.proposal[0].transform[0].id", 0)], Recompute, Some((NotifyType::INVALID_TRANSFORM_ID, true)))]
#[case::unknown_transform(vec![set("sa.proposal[0].transform[0].id", 200)], Recompute, Some((NotifyType::NO_PROPOSAL_CHOSEN, true)))]
#[case::unknown_mode(vec![set("sa.proposal[0].transform[0].encapsulation-mode", 9)], Recompute, Some((NotifyType::NO_PROPOSAL_CHOSEN, true)))]
#[case::unknown_authentication(vec![set("sa.proposal[0].transform[0].authentication-algorithm", 99)], Recompute, Some((NotifyType::ATTRIBUTES_NOT_SUPPORTED, true)))]
#[case::malformed_reserved(vec![set("nonce.reserved", 1)], Recompute, Some((NotifyType::PAYLOAD_MALFORMED, true)))]
#[case::malformed_length(vec![set("nonce.length", 3)], Recompute, Some((NotifyType::PAYLOAD_MALFORMED, true)))]
#[case::malformed_next_payload(vec![set("sa.next_payload", 99)], Recompute, Some((NotifyType::INVALID_PAYLOAD_TYPE, true)))]
#[case::malformed_transform_count(vec![set("sa.proposal[0].transform_count", 9)], Recompute, Some((NotifyType::BAD_PROPOSAL_SYNTAX, true)))]
#[case::nonce(vec![replace("nonce.data", &[9; 7])], Recompute, Some((NotifyType::PAYLOAD_MALFORMED, true)))]
#[case::two_nonces(vec![twice("nonce")], Recompute, Some((NotifyType::PAYLOAD_MALFORMED, true)))]
#[case::id(vec![replace("id.data", &[10, 99, 0, 0, 255, 255, 0, 0])], Recompute, Some((NotifyType::INVALID_ID_INFORMATION, true)))]
#[case::one_id(vec![remove("id")], Recompute, Some((NotifyType::PAYLOAD_MALFORMED, true)))]
fn quick_mode_1_is_refused_under_the_isakmp_sa_which_stays(
    #[case] edits: Vec<Edit>,
    #[case] hash: Hash,
    #[case] expected: Option<(NotifyType, bool)>,
) {
    let pair = Pair::new(|peer| configured(Phase1Mode::Main, peer));
    let got = outcome(pair, change(QUICK, 1, edits, hash));
    assert_eq!(got, Outcome { notifies: expected.into_iter().collect(), stands: (1, 0) });
}

#[rstest]
#[case::hash(vec![xor("hash.data")], Keep, None)]
#[case::reserved(vec![set("nonce.reserved", 1)], Keep, None)]
#[case::malformed_reserved(vec![set("nonce.reserved", 1)], Recompute, Some(NotifyType::PAYLOAD_MALFORMED))]
#[case::malformed_length(vec![set("nonce.length", 3)], Recompute, Some(NotifyType::PAYLOAD_MALFORMED))]
#[case::doi(vec![set("sa.doi", 127)], Recompute, Some(NotifyType::DOI_NOT_SUPPORTED))]
#[case::protocol(vec![set("sa.proposal[0].protocol", 77)], Recompute, Some(NotifyType::INVALID_PROTOCOL_ID))]
#[case::other_protocol(vec![set("sa.proposal[0].protocol", 2)], Recompute, Some(NotifyType::BAD_PROPOSAL_SYNTAX))]
#[case::spi_zero(vec![replace("sa.proposal[0].spi", &[0; 4])], Recompute, Some(NotifyType::INVALID_SPI))]
#[case::long_spi(vec![replace("sa.proposal[0].spi", &[9; 8])], Recompute, Some(NotifyType::INVALID_SPI))]
#[case::transform(vec![set("sa.proposal[0].transform[0].id", 200)], Recompute, Some(NotifyType::BAD_PROPOSAL_SYNTAX))]
#[case::nonce(vec![replace("nonce.data", &[9; 7])], Recompute, Some(NotifyType::PAYLOAD_MALFORMED))]
fn quick_mode_2_is_refused_under_the_isakmp_sa_which_stays(
    #[case] edits: Vec<Edit>,
    #[case] hash: Hash,
    #[case] expected: Option<NotifyType>,
) {
    let pair = Pair::new(|peer| configured(Phase1Mode::Main, peer));
    let got = outcome(pair, change(QUICK, 2, edits, hash));
    let notifies = expected.into_iter().map(|notify_type| (notify_type, true)).collect();
    assert_eq!(got, Outcome { notifies, stands: (1, 0) });
}

fn delete(change: impl FnOnce(&mut Delete)) -> impl FnOnce(u32) -> Payload {
    |spi| {
        let mut delete = Delete::new(ProtocolId::IPSEC_ESP, vec![Spi::from_u32(spi).0]);
        change(&mut delete);
        Payload::Delete(delete)
    }
}

fn notification(change: impl FnOnce(&mut Notification)) -> impl FnOnce(u32) -> Payload {
    |_| {
        let mut notification = Notification::isakmp(NotifyType::INITIAL_CONTACT);
        change(&mut notification);
        Payload::Notification(notification)
    }
}

type Bad = Box<dyn FnOnce(u32) -> Payload>;

#[rstest]
// Section 5.14.
#[case::notification_of_another_doi(Box::new(notification(|n| n.doi = Doi(127))), "DOI 127 is not supported")]
#[case::notification_of_no_protocol(Box::new(notification(|n| n.protocol = ProtocolId(77))), "is not possible here")]
#[case::notification_with_a_long_spi(Box::new(notification(|n| n.spi = vec![1; 17].into())), "SPI of 17 bytes")]
// Section 5.15.
#[case::delete_of_another_doi(Box::new(delete(|d| d.doi = Doi(127))), "DOI 127 is not supported")]
#[case::delete_of_no_protocol(Box::new(delete(|d| d.protocol = ProtocolId(77))), "is not possible here")]
#[case::delete_of_another_protocol(Box::new(delete(|d| d.protocol = ProtocolId::IPSEC_AH)), "name no SA")]
#[case::delete_with_short_spis(Box::new(delete(|d| { d.spi_size = 3; d.spis = vec![vec![1; 3].into()]; })), "SPI of 3 bytes")]
#[case::delete_of_unknown_spis(Box::new(delete(|d| d.spis = vec![vec![1; 4].into()])), "name no SA")]
fn a_bad_payload_in_an_informational_exchange_is_discarded_alone(#[case] bad: Bad, #[case] reason: &str) {
    let mut pair = Pair::new(|peer| configured(Phase1Mode::Main, peer));
    pair.establish();
    let spi = pair.alice.endpoint.ipsec_sas().next().unwrap().spi_in;
    let bad = bad(spi);
    let alone = pair.informational(11, core::slice::from_ref(&bad));
    pair.inject(From::Alice, alone);
    pair.run(Timestamp::from_secs(2));
    assert_eq!((pair.bob.isakmp_count(), pair.bob.ipsec_count()), (1, 1));
    assert!(pair.bob.refusals().iter().any(|refusal| refusal.contains(reason)), "{:?}", pair.bob.refusals());
    assert_eq!(notifies(&pair, From::Bob), []);
    let good = delete(|_| {})(spi);
    let both = pair.informational(12, &[bad, good]);
    pair.inject(From::Alice, both);
    assert_eq!((pair.bob.isakmp_count(), pair.bob.ipsec_count()), (1, 0));
}

#[rstest]
#[case::main_mode_5(MAIN, 5, (0, 0))]
#[case::main_mode_6(MAIN, 6, (0, 0))]
#[case::quick_mode_1(QUICK, 1, (1, 0))]
#[case::quick_mode_2(QUICK, 2, (1, 0))]
#[case::quick_mode_3(QUICK, 3, (1, 0))]
fn what_should_be_encrypted_counts_for_nothing_in_the_clear(
    #[case] exchange: ExchangeType,
    #[case] number: u8,
    #[case] stands: (usize, usize),
) {
    let pair = Pair::new(|peer| configured(Phase1Mode::Main, peer));
    let in_the_clear = Change { in_the_clear: true, ..change(exchange, number, Vec::new(), Keep) };
    assert_eq!(outcome(pair, in_the_clear).stands, stands);
}

#[test]
fn a_message_in_the_clear_is_the_one_that_would_have_been_encrypted() {
    let mut pair = Pair::new(|peer| configured(Phase1Mode::Main, peer));
    let in_the_clear = Change { in_the_clear: true, ..change(MAIN, 5, Vec::new(), Keep) };
    pair.alice.endpoint.set_outgoing_hook(Box::new(in_the_clear));
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair.run(Timestamp::from_millis(100));
    let main_mode_5 = &pair.sent[4].1.payload;
    let message = Message::decode(main_mode_5, &Default::default()).unwrap();
    assert_eq!((message.header.flags, message.header.message_id), (Flags::NONE, MessageId::PHASE_1));
    let types: Vec<_> = message.chain.payloads.iter().map(|payload| payload.payload_type).collect();
    assert_eq!(types[..2], [PayloadType::ID, PayloadType::HASH]);
}

#[test]
fn an_unprotected_delete_deletes_nothing() {
    let mut pair = Pair::new(|peer| configured(Phase1Mode::Main, peer));
    pair.establish();
    let in_the_clear =
        Change { in_the_clear: true, ..change(ExchangeType::INFORMATIONAL, 1, Vec::new(), Keep) };
    pair.alice.endpoint.set_outgoing_hook(Box::new(in_the_clear));
    let id = pair.alice.endpoint.ipsec_sas().next().unwrap().id;
    pair.alice.endpoint.delete_ipsec_sa(pair.now, id).unwrap();
    pair.run(Timestamp::from_secs(2));
    assert_eq!((pair.bob.isakmp_count(), pair.bob.ipsec_count()), (1, 1));
}
