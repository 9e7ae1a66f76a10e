//! The checks of the wire, over a recorded pair and over messages made up.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use ikev1::keylog::Label;
use ikev1::wire::{
    Cookie, CookiePair, ExchangeType, Flags, Header, KeyExchange, MessageId, Nonce, Payload, ProtocolId,
    SaPayload, VendorId, encode_message,
};
use ikev1_scenario::Verdict;
use pcap_file::pcap::PcapReader;
use rstest::rstest;

use super::inspect::{Expected, Inspection, inspect};
use super::sniffer::Packet;
use super::values::compare;
use super::wire::{Carries, End, Seen, last_message, pcap, read};
use crate::driver::{InstalledSa, PeerValue, PeerValues, ValueSource};

/// Two charons 5.9.8, aggressive mode with a pre-shared key and PFS, an echo each way, deletes.
const CAPTURE: &[u8] = include_bytes!("../../tests/fixtures/matrix/aggressive-psk-pfs.pcap");
/// Wireshark's key table of it.
const KEYS: &str = include_str!("../../tests/fixtures/matrix/aggressive-psk-pfs.keys");
const INITIATOR: Ipv4Addr = Ipv4Addr::new(172, 30, 0, 2);
const RESPONDER: Ipv4Addr = Ipv4Addr::new(172, 30, 0, 3);
const AGGRESSIVE: Expected = Expected { aggressive: true, signatures: false, pfs: true };
const MAIN: Expected = Expected { aggressive: false, signatures: false, pfs: false };

fn recorded() -> Vec<Packet> {
    let mut reader = PcapReader::new(CAPTURE).unwrap();
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet() {
        let packet = packet.unwrap();
        packets.push(Packet { at: packet.timestamp(), bytes: packet.data().to_vec() });
    }
    packets
}

fn keys() -> BTreeMap<Cookie, Vec<u8>> {
    let (cookie, ka) = KEYS.trim().split_once(',').unwrap();
    let cookie: [u8; 8] = hex::decode(cookie).unwrap().try_into().unwrap();
    BTreeMap::from([(Cookie(cookie), hex::decode(ka).unwrap())])
}

fn said(inspection: &Inspection) -> Vec<(Verdict, &str)> {
    inspection.problems.iter().map(|problem| (problem.verdict, problem.finding.what.as_str())).collect()
}

#[test]
fn a_recorded_pair_is_read_to_the_last_encrypted_message() {
    let seen = read(&recorded(), INITIATOR, RESPONDER);
    let found = inspect(&seen, AGGRESSIVE, &keys());
    assert_eq!(said(&found), []);
    assert_eq!((found.messages, found.encrypted, found.opened), (8, 6, 6));
    let [quick_mode] = found.quick_modes.values().collect::<Vec<_>>()[..] else { panic!("{found:?}") };
    let sent = |from| {
        let spi = |seen: &Seen| match seen.carries {
            Carries::Esp { spi, in_udp: true } if seen.from == from => Some(spi),
            _ => None,
        };
        seen.iter().filter_map(spi).collect::<Vec<_>>()
    };
    assert!(quick_mode.by_initiator);
    assert_eq!(sent(End::Initiator), [quick_mode.second.unwrap(); 2]);
    assert_eq!(sent(End::Responder), [quick_mode.first.unwrap(); 2]);
}

#[test]
fn a_capture_is_written_as_it_was_read() {
    let packets = recorded();
    let mut reader = PcapReader::new(CAPTURE).unwrap();
    let written = pcap(&packets).unwrap();
    let mut again = PcapReader::new(&written[..]).unwrap();
    while let Some(packet) = reader.next_packet() {
        assert_eq!(again.next_packet().unwrap().unwrap().data(), packet.unwrap().data());
    }
    assert!(again.next_packet().is_none());
}

#[test]
fn a_wrong_key_reads_nothing_and_condemns_nobody() {
    let mut keys = keys();
    keys.values_mut().for_each(|ka| ka[0] ^= 1);
    let seen = read(&recorded(), INITIATOR, RESPONDER);
    let found = inspect(&seen, AGGRESSIVE, &keys);
    assert!(found.opened < found.encrypted);
    assert!(found.problems.iter().any(|problem| problem.finding.what.contains("makes no sense")));
    let unread = found.problems.iter().filter(|problem| problem.finding.what.contains("makes no sense"));
    assert!(unread.into_iter().all(|problem| problem.verdict == Verdict::Info));
}

#[test]
fn without_key_the_clear_part_is_checked_alone() {
    let seen = read(&recorded(), INITIATOR, RESPONDER);
    let found = inspect(&seen, AGGRESSIVE, &BTreeMap::new());
    assert_eq!((said(&found), found.opened), (vec![], 0));
}

#[test]
fn quick_mode_without_the_ke_payload_of_pfs_is_met_both_ways() {
    let seen = read(&recorded(), INITIATOR, RESPONDER);
    let found = inspect(&seen, Expected { pfs: false, ..AGGRESSIVE }, &keys());
    assert_eq!(found.problems.len(), 2, "{:?}", said(&found));
    assert!(found.problems.iter().all(|problem| problem.finding.what.ends_with("a KE payload without PFS")));
}

#[test]
fn the_wrong_phase_1_exchange_is_named() {
    let seen = read(&recorded(), INITIATOR, RESPONDER);
    let found = inspect(&seen, MAIN, &BTreeMap::new());
    let expected = "the initiator: message 1 of Aggressive where Identity Protection is configured";
    assert_eq!(said(&found)[0], (Verdict::Fail, expected));
}

#[test]
fn the_last_message_is_told_in_words() {
    let seen = read(&recorded(), INITIATOR, RESPONDER);
    let last = last_message(&seen);
    assert!(last.contains("of the initiator: Informational with M-ID "), "{last}");
    assert_eq!(last_message(&[]), "no ISAKMP message was on the wire");
}

#[test]
fn a_fragmented_packet_is_put_together() {
    let packet = &recorded()[0].bytes;
    let header = |offset: usize, more: bool, payload: &[u8]| {
        let mut bytes = packet[..20].to_vec();
        let total = u16::try_from(20 + payload.len()).unwrap();
        bytes[2..4].copy_from_slice(&total.to_be_bytes());
        let fragment = u16::try_from(offset / 8).unwrap() | if more { 0x2000 } else { 0 };
        bytes[6..8].copy_from_slice(&fragment.to_be_bytes());
        Packet { at: Duration::ZERO, bytes: [&bytes, payload].concat() }
    };
    let fragments = [header(0, true, &packet[20..420]), header(400, false, &packet[420..])];
    let [whole] = &read(&fragments, INITIATOR, RESPONDER)[..] else { panic!("not one packet") };
    assert_eq!(whole.number, 2);
    assert_eq!(whole.carries, read(&recorded()[..1], INITIATOR, RESPONDER)[0].carries);
}

const CKY_I: Cookie = Cookie([1; 8]);
const CKY_R: Cookie = Cookie([2; 8]);

/// A message that can be damaged before it is encoded.
#[derive(Clone)]
struct Made {
    from: End,
    header: Header,
    payloads: Vec<Payload>,
    /// Encrypted body, in the place of the payloads.
    body: Option<Vec<u8>>,
}

impl Made {
    fn seen(&self, number: usize) -> Seen {
        let message = match &self.body {
            Some(body) => {
                let length = u32::try_from(Header::LEN + body.len()).unwrap();
                let mut message = Vec::new();
                Header { length, ..self.header }.encode(&mut message);
                message.extend_from_slice(body);
                message
            }
            None => encode_message(&self.header, &self.payloads),
        };
        let number = u64::try_from(number).unwrap() + 1;
        Seen { number, from: self.from, carries: Carries::Isakmp(Bytes::from(message)) }
    }
}

/// Main mode, and quick mode that nobody can read.
fn handshake() -> Vec<Made> {
    let cookies = |responder| CookiePair { initiator: CKY_I, responder };
    let clear = |from, responder, payloads: &[Payload]| Made {
        from,
        header: Header::new(cookies(responder), ExchangeType::IDENTITY_PROTECTION, MessageId(0)),
        payloads: payloads.to_vec(),
        body: None,
    };
    let encrypted = |from, exchange, m_id, fill: u8| Made {
        from,
        header: Header::new(cookies(CKY_R), exchange, MessageId(m_id)).with_flags(Flags::ENCRYPTION),
        payloads: Vec::new(),
        body: Some(vec![fill; 48]),
    };
    let sa = |vendor: &'static [u8]| {
        [Payload::Sa(SaPayload::ipsec_doi(Vec::new())), Payload::VendorId(VendorId::new(vendor))]
    };
    let ke = |fill| {
        [Payload::KeyExchange(KeyExchange::new(vec![fill; 256])), Payload::Nonce(Nonce::new(vec![fill; 16]))]
    };
    let (main, quick) = (ExchangeType::IDENTITY_PROTECTION, ExchangeType::QUICK_MODE);
    vec![
        clear(End::Initiator, Cookie([0; 8]), &sa(b"a")),
        clear(End::Responder, CKY_R, &sa(b"b")),
        clear(End::Initiator, CKY_R, &ke(3)),
        clear(End::Responder, CKY_R, &ke(4)),
        encrypted(End::Initiator, main, 0, 5),
        encrypted(End::Responder, main, 0, 6),
        encrypted(End::Initiator, quick, 7, 7),
        encrypted(End::Responder, quick, 7, 8),
        encrypted(End::Initiator, quick, 7, 9),
    ]
}

fn inspected(messages: &[Made]) -> Inspection {
    let seen: Vec<Seen> = messages.iter().enumerate().map(|(number, made)| made.seen(number)).collect();
    inspect(&seen, MAIN, &BTreeMap::new())
}

#[test]
fn a_handshake_in_order_has_no_problem_and_repeats_are_counted_apart() {
    let mut messages = handshake();
    messages.insert(3, messages[2].clone());
    let found = inspected(&messages);
    assert_eq!((said(&found), found.messages, found.repeated), (vec![], 9, 1));
}

#[rstest]
#[case::m_id_in_phase_1(2, |m: &mut Made| m.header.message_id.0 = 9, "RFC2408-3.1-01", "M-ID of message 3 of Identity Protection is 00000009, not zero")]
#[case::cky_r_in_the_first_message(0, |m: &mut Made| m.header.cookies.responder = CKY_R, "RFC2408-2.5.3-01", "CKY-R of message 1 of Identity Protection is 0202020202020202")]
#[case::another_cky_r(3, |m: &mut Made| m.header.cookies.responder = Cookie([9; 8]), "RFC2408-2.5.3-01", "CKY-R of message 4 of Identity Protection is 0909090909090909")]
#[case::sa_behind_another_payload(1, |m: &mut Made| m.payloads.reverse(), "RFC2409-5-04", "message 2 of Identity Protection begins with Some(VID), not with SA")]
#[case::no_nonce(2, |m: &mut Made| m.payloads.truncate(1), "RFC2409-5.4-01", "message 3 of Identity Protection lacks NONCE; it has [KE]")]
#[case::phase_1_proof_in_the_clear(4, |m: &mut Made| { m.header.flags = Flags::NONE; m.body = None; }, "RFC2409-5.4-01", "message 5 of Identity Protection is in the clear")]
#[case::quick_mode_in_the_clear(6, |m: &mut Made| { m.header.flags = Flags::NONE; m.body = None; }, "RFC2409-5.5-01", "message 1 is in the clear")]
#[case::m_id_of_quick_mode(6, |m: &mut Made| m.header.message_id.0 = 0, "RFC2408-3.1-06", "is zero")]
#[case::swapped_cookies(6, |m: &mut Made| m.header.cookies = CookiePair { initiator: CKY_R, responder: CKY_I }, "RFC2409-4-04", "has cookies of no phase 1 on the wire")]
#[case::out_of_turn(3, |m: &mut Made| m.from = End::Initiator, "RFC2409-5.4-01", "message 4 of Identity Protection, which the other side should have sent")]
#[case::no_whole_blocks(7, |m: &mut Made| m.body = Some(vec![1; 47]), "", "47 bytes are encrypted, no multiple of the cipher's block")]
#[case::version(5, |m: &mut Made| m.header.version.0 = 0x20, "", "its message has a header that RFC 2408 section 3.1 does not allow")]
fn a_damaged_message_is_found(
    #[case] index: usize,
    #[case] damage: fn(&mut Made),
    #[case] clause: &str,
    #[case] what: &str,
) {
    let mut messages = handshake();
    damage(&mut messages[index]);
    let found = inspected(&messages);
    let hit = found.problems.iter().find(|problem| problem.finding.what.contains(what));
    let hit = hit.unwrap_or_else(|| panic!("{:?}", said(&found)));
    assert_eq!(hit.verdict, Verdict::Fail);
    assert_eq!(hit.finding.packet, Some(u64::try_from(index).unwrap() + 1));
    assert_eq!(hit.finding.requirements.first().map_or("", String::as_str), clause);
}

#[test]
fn a_notification_in_the_clear_before_the_end_of_phase_1_is_only_told() {
    let mut messages = handshake();
    messages.truncate(2);
    let mut refusal = messages[1].clone();
    refusal.header.exchange_type = ExchangeType::INFORMATIONAL;
    messages.push(refusal);
    let found = inspected(&messages);
    assert_eq!(said(&found).len(), 1);
    assert_eq!(said(&found)[0].0, Verdict::Info);
}

fn value(label: Label, bytes: &[u8]) -> PeerValue {
    PeerValue {
        cookies: CookiePair { initiator: CKY_I, responder: CKY_R },
        m_id: MessageId(7),
        label,
        bytes: bytes.to_vec(),
        source: ValueSource::DaemonLog,
    }
}

#[test]
fn values_are_compared_by_name_and_keys_by_spi() {
    let quick_mode = super::inspect::Negotiated { by_initiator: true, first: Some(0x11), second: Some(0x22) };
    let cookies = CookiePair { initiator: CKY_I, responder: CKY_R };
    let quick_modes = BTreeMap::from([((cookies, 7), quick_mode)]);
    let logs = PeerValues {
        values: vec![
            value(Label::Hash1, b"one"),
            value(Label::EncryptionKeyInitiator, b"key"),
            value(Label::EncryptionKeyResponder, b"yek"),
            // Each side has its own.
            value(Label::NextIv, b"a"),
        ],
        installed: Vec::new(),
    };
    let installed = |spi, key: &[u8]| InstalledSa {
        protocol: ProtocolId::IPSEC_ESP,
        spi,
        encryption_key: Some(key.to_vec()),
        integrity_key: None,
    };
    let mut kernel = PeerValues {
        values: vec![value(Label::Hash1, b"one"), value(Label::NextIv, b"b")],
        installed: vec![installed(0x22, b"key"), installed(0x11, b"yek")],
    };
    let same = compare(&logs, &kernel, &quick_modes);
    assert_eq!((same.same, same.same_by_spi, same.problems.len()), (1, 2, 0));

    kernel.installed[1].encryption_key = Some(b"other".to_vec());
    kernel.values[0].bytes = b"two".to_vec();
    let differing = compare(&kernel, &logs, &quick_modes);
    let what: Vec<&str> = differing.problems.iter().map(|problem| problem.finding.what.as_str()).collect();
    assert_eq!(
        what,
        [
            "HASH(1) of the ISAKMP SA 0101010101010101 (M-ID 00000007) differs between the two",
            "the encryption key of the SA with SPI 00000011 differs between the two",
        ]
    );
    assert!(differing.problems.iter().all(|problem| problem.verdict == Verdict::Fail));
}
