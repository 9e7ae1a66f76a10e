//! A recorded pair in every wrapping, messages made by hand, and garbage.

use std::borrow::Cow;
use std::net::Ipv4Addr;
use std::time::Duration;

use etherparse::{IpNumber, PacketBuilder, SlicedPacket, TransportSlice};
use ikev1::crypto::{CipherAlgorithm, HashAlgorithm};
use ikev1::wire::{
    Attribute, Cookie, CookiePair, EncryptionAlgorithm, ExchangeType, Flags, Fragment, Hash, HashAlgorithmId,
    Header, KeyExchange, MessageId, NatDiscovery, Nonce, Payload, PayloadType, Phase1Attribute, Proposal,
    ProtocolId, SaPayload, Transform, TransformId, VendorId, encode_message,
};
use ikev1_report::capture::{CaptureReport, Look, text};
use ikev1_report::html::capture_page;
use ikev1_scenario::Verdict;
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapReader, PcapTsResolution, PcapWriter};
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionBlock;
use pcap_file::pcapng::{PcapNgBlock, PcapNgWriter};
use pcap_file::{DataLink, Endianness};
use proptest::prelude::*;
use rstest::rstest;

use super::decrypt::Suite;
use super::{Secrets, checks, dissect};
use crate::capture::KeyTable;

/// Two charons 5.9.8, aggressive mode with a pre-shared key and PFS, an echo each way, deletes.
const CAPTURE: &[u8] = include_bytes!("../../tests/fixtures/matrix/aggressive-psk-pfs.pcap");
/// Wireshark's key table of it.
const KEYS: &str = include_str!("../../tests/fixtures/matrix/aggressive-psk-pfs.keys");
const LEFT: [u8; 4] = [192, 0, 2, 1];
const RIGHT: [u8; 4] = [192, 0, 2, 2];

/// The IP packets of the recorded pair.
fn recorded() -> Vec<(Duration, Vec<u8>)> {
    let mut reader = PcapReader::new(CAPTURE).unwrap();
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet() {
        let packet = packet.unwrap();
        packets.push((packet.timestamp(), packet.data().to_vec()));
    }
    packets
}

/// A file format in one of its byte orders.
#[derive(Debug, Clone, Copy)]
enum Format {
    Pcap(Endianness, PcapTsResolution),
    PcapNg(Endianness),
}

const PCAP: Format = Format::Pcap(Endianness::Little, PcapTsResolution::MicroSecond);

fn file(format: Format, link: DataLink, packets: &[(Duration, Vec<u8>)]) -> Vec<u8> {
    match format {
        Format::Pcap(endianness, ts_resolution) => {
            let header = PcapHeader {
                version_major: 2,
                version_minor: 4,
                ts_correction: 0,
                ts_accuracy: 0,
                snaplen: 65_535,
                datalink: link,
                ts_resolution,
                endianness,
            };
            let mut writer = PcapWriter::with_header(Vec::new(), header).unwrap();
            for (at, bytes) in packets {
                let len = u32::try_from(bytes.len()).unwrap();
                writer.write_packet(&PcapPacket::new(*at, len, bytes.as_slice()).unwrap()).unwrap();
            }
            writer.into_inner()
        }
        Format::PcapNg(endianness) => {
            let mut writer = PcapNgWriter::with_endianness(Vec::new(), endianness).unwrap();
            writer.write_block(&InterfaceDescriptionBlock::new(link, 65_535).into_block()).unwrap();
            for (at, bytes) in packets {
                let block = EnhancedPacketBlock {
                    interface_id: 0,
                    timestamp: *at,
                    original_len: u32::try_from(bytes.len()).unwrap(),
                    data: Cow::Borrowed(bytes.as_slice()),
                    options: Vec::new(),
                };
                writer.write_block(&block.into_block()).unwrap();
            }
            writer.into_inner()
        }
    }
}

fn read_with(bytes: &[u8], keys: &str, pre_shared_key: Option<&[u8]>) -> CaptureReport {
    let keys = KeyTable::parse(keys).unwrap();
    dissect("capture.pcap", bytes, Secrets { keys: &keys, pre_shared_key }).unwrap()
}

fn read(bytes: &[u8]) -> CaptureReport {
    read_with(bytes, KEYS, None)
}

/// Verdict, clause and packet of each finding.
fn found(report: &CaptureReport) -> Vec<(Verdict, &str, u64)> {
    report.findings.iter().map(|it| (it.verdict, it.clause.as_str(), it.packet)).collect()
}

fn names(report: &CaptureReport) -> Vec<&str> {
    report.conversations.iter().flat_map(|it| &it.messages).map(|message| message.name.as_str()).collect()
}

#[test]
fn a_recorded_pair_is_read_to_the_last_encrypted_message() {
    let report = read(CAPTURE);
    assert_eq!(found(&report), []);
    let counts = &report.counts;
    assert_eq!((counts.ikev1, counts.encrypted, counts.decrypted, counts.esp_in_udp), (8, 6, 6, 4));
    let [sa] = report.isakmp_sas.as_slice() else { panic!("{:?}", report.isakmp_sas) };
    assert_eq!(sa.key, "Ka is known; 6 of 6 encrypted messages were read");
    let names = names(&report);
    assert_eq!(names[..3], ["aggressive mode 1", "aggressive mode 2", "aggressive mode 3"]);
    assert!(names[3].starts_with("quick mode 1, M-ID "), "{names:?}");
    let contents: Vec<_> = report.conversations[0].messages.iter().map(|it| it.content.as_str()).collect();
    assert_eq!(contents[3], "HDR*, HASH, SA, NONCE, KE, ID ×2");
}

#[rstest]
#[case::no_key("", 0, "Ka is not in a key table; 6 encrypted messages stay closed")]
#[case::another_key(
    "COOKIE,00112233445566778899aabbccddeeff",
    0,
    "Ka is known; 0 of 6 encrypted messages were read, the others make no sense"
)]
#[case::too_short_a_key(
    "COOKIE,0011",
    0,
    "Ka is known; 0 of 6 encrypted messages were read, but it has 2 octets, where the cipher takes 16"
)]
fn without_the_key_messages_stay_closed_and_nobody_is_at_fault(
    #[case] keys: &str,
    #[case] decrypted: u64,
    #[case] status: &str,
) {
    let cookie = KEYS.split(',').next().unwrap();
    let report = read_with(CAPTURE, &keys.replace("COOKIE", cookie), None);
    assert_eq!(report.counts.decrypted, decrypted);
    assert!(report.isakmp_sas[0].key.starts_with(status), "{}", report.isakmp_sas[0].key);
    assert_eq!(found(&report), []);
}

fn ethernet(tags: &[u16], ip: &[u8]) -> Vec<u8> {
    let mut frame = vec![2; 12];
    for (index, tag) in tags.iter().enumerate() {
        let kind: u16 = if index + 1 < tags.len() { 0x88a8 } else { 0x8100 };
        frame.extend(kind.to_be_bytes());
        frame.extend(tag.to_be_bytes());
    }
    let kind: u16 = if ip[0] >> 4 == 4 { 0x0800 } else { 0x86dd };
    frame.extend(kind.to_be_bytes());
    frame.extend(ip);
    // A short frame is filled up.
    frame.resize(frame.len().max(60), 0);
    frame
}

fn cooked(ip: &[u8]) -> Vec<u8> {
    let kind: u16 = if ip[0] >> 4 == 4 { 0x0800 } else { 0x86dd };
    [&[0, 0, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0][..], &kind.to_be_bytes(), ip].concat()
}

fn cooked_2(ip: &[u8]) -> Vec<u8> {
    let kind: u16 = if ip[0] >> 4 == 4 { 0x0800 } else { 0x86dd };
    [&kind.to_be_bytes()[..], &[0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0], ip].concat()
}

/// The same as an IPv6 packet.
fn ipv6(ip: &[u8]) -> Vec<u8> {
    let sliced = SlicedPacket::from_ip(ip).unwrap();
    let mapped = |octets: [u8; 4]| {
        let mut address = [0; 16];
        (address[0], address[1]) = (0x20, 0x01);
        address[12..].copy_from_slice(&octets);
        address
    };
    let Some(etherparse::NetSlice::Ipv4(v4)) = &sliced.net else { panic!("no IPv4") };
    let builder = PacketBuilder::ipv6(mapped(v4.header().source()), mapped(v4.header().destination()), 64);
    let mut out = Vec::new();
    match &sliced.transport {
        Some(TransportSlice::Udp(udp)) => {
            builder.udp(udp.source_port(), udp.destination_port()).write(&mut out, udp.payload()).unwrap();
        }
        _ => builder.write(&mut out, v4.payload_ip_number(), v4.payload().payload).unwrap(),
    }
    out
}

/// Cuts an IPv4 packet into fragments of 504 octets.
fn fragments(ip: &[u8]) -> Vec<Vec<u8>> {
    const PART: usize = 504;
    let (header, payload) = ip.split_at(20);
    if payload.len() <= PART {
        return vec![ip.to_vec()];
    }
    let count = payload.len().div_ceil(PART);
    let part = |(index, part): (usize, &[u8])| {
        let mut header = header.to_vec();
        let length = u16::try_from(20 + part.len()).unwrap();
        header[2..4].copy_from_slice(&length.to_be_bytes());
        header[4..6].copy_from_slice(&0x4242_u16.to_be_bytes());
        let more = if index + 1 < count { 0x2000 } else { 0 };
        let offset = u16::try_from(index * PART / 8).unwrap() | more;
        header[6..8].copy_from_slice(&offset.to_be_bytes());
        [header, part.to_vec()].concat()
    };
    payload.chunks(PART).enumerate().map(part).collect()
}

#[rstest]
#[case::raw(DataLink::RAW, <[u8]>::to_vec)]
#[case::raw_by_another_number(DataLink::Unknown(12), <[u8]>::to_vec)]
#[case::ipv4(DataLink::IPV4, <[u8]>::to_vec)]
#[case::ethernet(DataLink::ETHERNET, |ip: &[u8]| ethernet(&[], ip))]
#[case::vlan(DataLink::ETHERNET, |ip: &[u8]| ethernet(&[7], ip))]
#[case::vlan_in_vlan(DataLink::ETHERNET, |ip: &[u8]| ethernet(&[7, 8], ip))]
#[case::cooked(DataLink::LINUX_SLL, cooked)]
#[case::cooked_2(DataLink::LINUX_SLL2, cooked_2)]
#[case::null(DataLink::NULL, |ip: &[u8]| [&2_u32.to_le_bytes()[..], ip].concat())]
#[case::loopback(DataLink::LOOP, |ip: &[u8]| [&2_u32.to_be_bytes()[..], ip].concat())]
#[case::ipv6_in_raw(DataLink::RAW, ipv6)]
#[case::ipv6_in_ethernet(DataLink::ETHERNET, |ip: &[u8]| ethernet(&[9], &ipv6(ip)))]
#[case::ipv6_in_cooked(DataLink::LINUX_SLL, |ip: &[u8]| cooked(&ipv6(ip)))]
fn every_wrapping_gives_the_same_messages(
    #[case] link: DataLink,
    #[case] wrap: fn(&[u8]) -> Vec<u8>,
    #[values(
        PCAP,
        Format::Pcap(Endianness::Big, PcapTsResolution::NanoSecond),
        Format::PcapNg(Endianness::Little),
        Format::PcapNg(Endianness::Big)
    )]
    format: Format,
) {
    let plain = read(CAPTURE);
    let packets: Vec<_> = recorded().into_iter().map(|(at, ip)| (at, wrap(&ip))).collect();
    let report = read(&file(format, link, &packets));
    assert_eq!(report.counts, plain.counts);
    assert_eq!(found(&report), []);
    assert_eq!(report.isakmp_sas[0].key, plain.isakmp_sas[0].key);
    let shown = |report: &CaptureReport| -> Vec<_> {
        let messages = report.conversations.iter().flat_map(|it| it.messages.clone());
        messages.map(|message| (message.packet, message.at_us, message.name, message.bytes)).collect()
    };
    assert_eq!(shown(&report), shown(&plain));
}

#[test]
fn ip_fragments_are_put_together_within_their_vlan() {
    let long = message(1, &[vendor_id(1_200)]);
    let [first, second, third] = fragments(&udp(LEFT, RIGHT, 500, &long)).try_into().unwrap();
    let frames = |list: &[(u16, &Vec<u8>)]| -> Vec<_> {
        list.iter().map(|(vlan, ip)| (Duration::ZERO, ethernet(&[*vlan], ip))).collect()
    };
    let all = frames(&[(7, &third), (7, &first), (7, &second)]);
    let report = read(&file(PCAP, DataLink::ETHERNET, &all));
    let messages = &report.conversations[0].messages;
    assert_eq!((messages.len(), messages[0].packet, &messages[0].bytes), (1, 3, &long));
    let apart = frames(&[(7, &third), (8, &first), (7, &second)]);
    assert_eq!(read(&file(PCAP, DataLink::ETHERNET, &apart)).counts.ikev1, 0);
}

#[test]
fn a_flood_of_fragments_that_belong_to_nothing_is_given_up() {
    let whole = udp(LEFT, RIGHT, 500, &message(1, &[vendor_id(1_200)]));
    let first = fragments(&whole).swap_remove(0);
    let frames: Vec<_> = (0..5_000_u16)
        .map(|id| {
            let mut fragment = first.clone();
            fragment[4..6].copy_from_slice(&id.to_be_bytes());
            // At the very end of what a packet may have.
            fragment[6..8].copy_from_slice(&0x3f00_u16.to_be_bytes());
            (Duration::ZERO, fragment)
        })
        .collect();
    assert_eq!(read(&file(PCAP, DataLink::RAW, &frames)).counts.packets, 5_000);
}

// --- Messages made by hand ---

fn cookies(responder: u8) -> CookiePair {
    CookiePair { initiator: Cookie([0xaa; 8]), responder: Cookie([responder; 8]) }
}

fn udp(from: [u8; 4], to: [u8; 4], port: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    PacketBuilder::ipv4(from, to, 64).udp(port, port).write(&mut out, payload).unwrap();
    out
}

fn vendor_id(len: usize) -> Payload {
    VendorId::new(vec![0x5a; len]).into()
}

fn transform(key_bits: u16) -> Transform {
    Transform {
        number: 1,
        id: TransformId::KEY_IKE,
        attributes: vec![
            Attribute::short(Phase1Attribute::ENCRYPTION_ALGORITHM, EncryptionAlgorithm::AES_CBC),
            Attribute::short(Phase1Attribute::KEY_LENGTH, key_bits),
            Attribute::short(Phase1Attribute::HASH_ALGORITHM, HashAlgorithmId::SHA),
            Attribute::short(Phase1Attribute::AUTHENTICATION_METHOD, 1_u16),
            Attribute::short(Phase1Attribute::GROUP_DESCRIPTION, 2_u16),
        ],
    }
}

fn sa(transforms: Vec<Transform>) -> Payload {
    let proposal = Proposal { number: 1, protocol: ProtocolId::ISAKMP, spi: Default::default(), transforms };
    SaPayload::ipsec_doi(vec![proposal]).into()
}

/// Message `number` of main mode.
fn message(number: u8, payloads: &[Payload]) -> Vec<u8> {
    let responder = if number == 1 { 0 } else { 0xbb };
    let header = Header::new(cookies(responder), ExchangeType::IDENTITY_PROTECTION, MessageId::PHASE_1);
    encode_message(&header, payloads)
}

fn key_exchange(nonce: usize) -> Vec<Payload> {
    vec![KeyExchange::new(vec![7; 128]).into(), Nonce::new(vec![8; nonce]).into()]
}

/// The first four messages of main mode with nothing wrong.
fn main_mode() -> Vec<(bool, Vec<u8>)> {
    vec![
        (true, message(1, &[sa(vec![transform(128), transform(256)])])),
        (false, message(2, &[sa(vec![transform(128)])])),
        (true, message(3, &key_exchange(16))),
        (false, message(4, &key_exchange(16))),
    ]
}

/// A capture of messages of either side, a second apart.
fn capture(messages: &[(bool, Vec<u8>)]) -> Vec<u8> {
    let packets: Vec<_> = messages
        .iter()
        .zip(0..)
        .map(|((from_left, message), at)| {
            let (from, to) = if *from_left { (LEFT, RIGHT) } else { (RIGHT, LEFT) };
            (Duration::from_secs(at), udp(from, to, 500, message))
        })
        .collect();
    file(PCAP, DataLink::RAW, &packets)
}

#[test]
fn a_main_mode_with_nothing_wrong_has_no_findings() {
    let report = read(&capture(&main_mode()));
    assert_eq!(found(&report), []);
    assert_eq!(names(&report), ["main mode 1", "main mode 2", "main mode 3", "main mode 4"]);
    assert_eq!(
        report.isakmp_sas[0].chosen.as_deref(),
        Some("AES-CBC 128, SHA, pre-shared key, 1024-bit MODP")
    );
}

/// Changes an octet of a message.
fn set(message: &mut [u8], at: usize, value: u8) {
    message[at] = value;
}

#[rstest]
#[case::reserved(|m: &mut Vec<(bool, Vec<u8>)>| set(&mut m[2].1, 29, 1), "RFC2408-2.5.2-01", 3)]
#[case::reserved_of_a_transform(|m: &mut Vec<(bool, Vec<u8>)>| set(&mut m[0].1, 49, 1), "RFC2408-2.5.2-01", 1)]
#[case::minor_version(|m: &mut Vec<(bool, Vec<u8>)>| set(&mut m[1].1, 17, 0x11), "RFC2408-3.1-02", 2)]
#[case::flags(|m: &mut Vec<(bool, Vec<u8>)>| set(&mut m[1].1, 19, 0x80), "RFC2408-3.1-05", 2)]
#[case::m_id(|m: &mut Vec<(bool, Vec<u8>)>| set(&mut m[1].1, 23, 1), "RFC2408-3.1-01", 2)]
#[case::header_length(|m: &mut Vec<(bool, Vec<u8>)>| set(&mut m[1].1, 27, 1), "RFC2408-5.2-09", 2)]
#[case::payload_length(|m: &mut Vec<(bool, Vec<u8>)>| set(&mut m[3].1, 30, 0xff), "RFC2408-5.3-06", 4)]
#[case::short_nonce(|m: &mut Vec<(bool, Vec<u8>)>| m[2].1 = message(3, &key_exchange(7)), "RFC2409-5-07", 3)]
#[case::long_nonce(|m: &mut Vec<(bool, Vec<u8>)>| m[3].1 = message(4, &key_exchange(257)), "RFC2409-5-07", 4)]
#[case::public_value(|m: &mut Vec<(bool, Vec<u8>)>| {
    m[2].1 = message(3, &[KeyExchange::new(vec![7; 127]).into(), Nonce::new(vec![8; 16]).into()]);
}, "RFC2409-5-06", 3)]
#[case::no_nonce(|m: &mut Vec<(bool, Vec<u8>)>| m[2].1 = message(3, &key_exchange(16)[..1]), "RFC2409-5.4-01", 3)]
#[case::sa_behind_a_vendor_id(|m: &mut Vec<(bool, Vec<u8>)>| {
    m[1].1 = message(2, &[vendor_id(16), sa(vec![transform(128)])]);
}, "RFC2409-5-04", 2)]
#[case::two_sa_payloads(|m: &mut Vec<(bool, Vec<u8>)>| {
    m[1].1 = message(2, &[sa(vec![transform(128)]), sa(vec![transform(128)])]);
}, "RFC2409-5-16", 2)]
#[case::two_transforms_chosen(|m: &mut Vec<(bool, Vec<u8>)>| {
    m[1].1 = message(2, &[sa(vec![transform(128), transform(256)])]);
}, "RFC2409-3.2-02", 2)]
#[case::a_transform_that_was_not_offered(|m: &mut Vec<(bool, Vec<u8>)>| {
    m[1].1 = message(2, &[sa(vec![transform(192)])]);
}, "RFC2409-5-09", 2)]
#[case::nat_d_too_early(|m: &mut Vec<(bool, Vec<u8>)>| {
    let nat_d = NatDiscovery { hash: vec![1; 20].into(), draft: false };
    m[1].1 = message(2, &[sa(vec![transform(128)]), nat_d.into()]);
}, "RFC3947-3.2-03", 2)]
#[case::zero_cky_i(|m: &mut Vec<(bool, Vec<u8>)>| m.iter_mut().for_each(|m| m.1[..8].fill(0)), "RFC2408-2.5.3-01", 1)]
#[case::zero_cky_r(|m: &mut Vec<(bool, Vec<u8>)>| m[1].1[8..16].fill(0), "RFC2408-2.5.3-01", 2)]
#[case::another_exchange(|m: &mut Vec<(bool, Vec<u8>)>| set(&mut m[2].1, 18, 4), "RFC2409-5-18", 3)]
#[case::main_mode_5_in_the_clear(|m: &mut Vec<(bool, Vec<u8>)>| {
    m.push((true, message(5, &[Hash::new(vec![1; 20]).into()])));
}, "RFC2409-5.4-01", 5)]
#[case::ciphertext_of_no_blocks(|m: &mut Vec<(bool, Vec<u8>)>| {
    let header = Header::new(cookies(0xbb), ExchangeType::IDENTITY_PROTECTION, MessageId::PHASE_1);
    m.push((true, encode_message(&header.with_flags(Flags::ENCRYPTION), &[Hash::new(vec![1; 20]).into()])));
}, "RFC2409-B-02", 5)]
#[case::quick_mode_in_the_clear(|m: &mut Vec<(bool, Vec<u8>)>| {
    let header = Header::new(cookies(0xbb), ExchangeType::QUICK_MODE, MessageId(7));
    m.push((true, encode_message(&header, &[Hash::new(vec![1; 20]).into()])));
}, "RFC2409-5.5-01", 5)]
#[case::m_id_zero_in_quick_mode(|m: &mut Vec<(bool, Vec<u8>)>| m.push((true, closed(ExchangeType::QUICK_MODE, 0, 1))), "RFC2408-2.4-03", 5)]
#[case::an_informational_with_the_m_id_of_a_quick_mode(|m: &mut Vec<(bool, Vec<u8>)>| {
    m.push((true, closed(ExchangeType::QUICK_MODE, 9, 1)));
    m.push((false, closed(ExchangeType::INFORMATIONAL, 9, 1)));
}, "RFC2409-5.7-02", 6)]
#[case::cookies_in_the_order_of_the_exchange(|m: &mut Vec<(bool, Vec<u8>)>| {
    let mut swapped = closed(ExchangeType::QUICK_MODE, 9, 1);
    swapped[..8].fill(0xbb);
    swapped[8..16].fill(0xaa);
    m.push((false, swapped));
}, "RFC2409-4-04", 5)]
#[case::a_delete_in_the_clear(|m: &mut Vec<(bool, Vec<u8>)>| {
    let header = Header::new(cookies(0xbb), ExchangeType::INFORMATIONAL, MessageId(7));
    let delete = ikev1::wire::Delete::new(ProtocolId::IPSEC_ESP, vec![vec![1; 4].into()]);
    m.push((true, encode_message(&header, &[delete.into()])));
}, "RFC2408-5.15-01", 5)]
fn what_the_wire_shows_to_be_wrong_fails_with_its_clause(
    #[case] change: fn(&mut Vec<(bool, Vec<u8>)>),
    #[case] clause: &str,
    #[case] packet: u64,
) {
    let mut messages = main_mode();
    change(&mut messages);
    let report = read(&capture(&messages));
    assert!(found(&report).contains(&(Verdict::Fail, clause, packet)), "{:#?}", report.findings);
}

#[rstest]
#[case::to_the_next_block(&[0; 8], None)]
#[case::not_zero(&[0, 0, 0, 0, 0, 0, 0, 8], Some(Verdict::Warn))]
#[case::a_block_more(&[0; 24], Some(Verdict::Info))]
fn padding_that_is_not_zeros_to_the_next_block_is_told(
    #[case] padding: &[u8],
    #[case] verdict: Option<Verdict>,
) {
    let mut decrypted = [closed(ExchangeType::QUICK_MODE, 1, 7), padding.to_vec()].concat();
    decrypted[27] = u8::try_from(decrypted.len()).unwrap();
    let suite = Suite { cipher: CipherAlgorithm::AesCbc128, hash: HashAlgorithm::Sha1 };
    let found = checks::padding(&ikev1::wire::dissect(&decrypted, false), suite);
    assert_eq!(found.map(|found| (found.verdict, found.clause)), verdict.map(|it| (it, "RFC2409-B-01")));
}

/// A message behind phase 1 that nobody can read.
fn closed(exchange: ExchangeType, m_id: u32, fill: u8) -> Vec<u8> {
    let header = Header::new(cookies(0xbb), exchange, MessageId(m_id)).with_flags(Flags::ENCRYPTION);
    encode_message(&header, &[Hash::new(vec![fill; 28]).into()])
}

#[rstest]
#[case::a_message_is_missing(|m: &mut Vec<(bool, Vec<u8>)>| { m.remove(1); })]
#[case::the_capture_begins_late(|m: &mut Vec<(bool, Vec<u8>)>| { m.remove(0); })]
#[case::message_1_with_other_content(|m: &mut Vec<(bool, Vec<u8>)>| m.insert(1, (true, message(1, &[sa(vec![transform(128)])]))))]
#[case::a_refusal_in_the_clear(|m: &mut Vec<(bool, Vec<u8>)>| {
    let header = Header::new(cookies(0), ExchangeType::INFORMATIONAL, MessageId(1));
    let refusal = ikev1::wire::Notification::isakmp(ikev1::wire::NotifyType::NO_PROPOSAL_CHOSEN);
    m.truncate(1);
    m.push((false, encode_message(&header, &[refusal.into()])));
})]
#[case::an_unknown_payload(|m: &mut Vec<(bool, Vec<u8>)>| {
    let unknown = ikev1::wire::UnknownPayload { payload_type: PayloadType(200), body: vec![1, 2].into() };
    m[0].1 = message(1, &[sa(vec![transform(128)]), unknown.into()]);
})]
#[case::a_key_length_that_was_only_meant(|m: &mut Vec<(bool, Vec<u8>)>| {
    let mut offered = transform(128);
    offered.attributes.remove(1);
    m[0].1 = message(1, &[sa(vec![offered])]);
})]
#[case::two_messages_are_missing(|m: &mut Vec<(bool, Vec<u8>)>| { m.drain(1..3); })]
#[case::an_encrypted_message_where_two_are_missing(|m: &mut Vec<(bool, Vec<u8>)>| {
    m.truncate(2);
    let header = Header::new(cookies(0xbb), ExchangeType::IDENTITY_PROTECTION, MessageId::PHASE_1);
    m.push((true, encode_message(&header.with_flags(Flags::ENCRYPTION), &[Hash::new(vec![1; 28]).into()])));
})]
#[case::an_informational_with_m_id_zero(|m: &mut Vec<(bool, Vec<u8>)>| m.push((true, closed(ExchangeType::INFORMATIONAL, 0, 1))))]
#[case::a_transaction_in_the_clear(|m: &mut Vec<(bool, Vec<u8>)>| {
    let header = Header::new(cookies(0xbb), ExchangeType::TRANSACTION, MessageId(7));
    m.push((true, encode_message(&header, &[vendor_id(8)])));
})]
#[case::an_exchange_of_somebodys_own(|m: &mut Vec<(bool, Vec<u8>)>| {
    let header = Header::new(cookies(0xbb), ExchangeType(243), MessageId(7));
    m.push((true, encode_message(&header, &[vendor_id(8)])));
})]
#[case::aggressive_mode_begun_with_the_same_cookie(|m: &mut Vec<(bool, Vec<u8>)>| {
    m.truncate(1);
    let mut begun = message(1, &[sa(vec![transform(128)])]);
    begun[18] = 4;
    m.push((true, begun));
})]
#[case::esp_on_port_500(|m: &mut Vec<(bool, Vec<u8>)>| {
    let mut esp = message(1, &[sa(vec![transform(128)])]);
    esp[..8].fill(0);
    esp[24..28].fill(0x5a);
    m.push((true, esp));
})]
#[case::the_commit_bit(|m: &mut Vec<(bool, Vec<u8>)>| {
    let mut committed = closed(ExchangeType::QUICK_MODE, 9, 1);
    committed[19] |= Flags::COMMIT.0;
    m.push((true, committed));
    m.push((false, closed(ExchangeType::INFORMATIONAL, 9, 1)));
})]
fn what_may_be_due_to_the_capture_is_no_fail(#[case] change: fn(&mut Vec<(bool, Vec<u8>)>)) {
    let mut messages = main_mode();
    change(&mut messages);
    let report = read(&capture(&messages));
    assert_eq!(report.count(Verdict::Fail), 0, "{:#?}", report.findings);
}

#[rstest]
#[case::growing(&[0, 1_000, 3_000, 7_000], 0)]
#[case::twice_tells_nothing(&[0, 5_000], 0)]
#[case::each_captured_twice(&[0, 1, 1_000, 1_001, 3_000, 3_001], 0)]
#[case::fixed(&[0, 5_000, 10_000], 1)]
#[case::shrinking(&[0, 5_000, 8_000], 1)]
fn waits_that_do_not_grow_are_told(#[case] times: &[u64], #[case] findings: usize) {
    let (_, first) = main_mode().swap_remove(0);
    let packets: Vec<_> =
        times.iter().map(|at| (Duration::from_millis(*at), udp(LEFT, RIGHT, 500, &first))).collect();
    let report = read(&file(PCAP, DataLink::RAW, &packets));
    assert_eq!(report.counts.retransmissions, u64::try_from(times.len()).unwrap() - 1);
    let told = found(&report);
    assert_eq!(told.len(), findings, "{told:?}");
    assert!(told.iter().all(|(verdict, clause, _)| (*verdict, *clause) == (Verdict::Info, "RFC2408-5.1-09")));
}

#[test]
fn answers_that_repeat_because_questions_do_are_no_warning() {
    let [first, second, _, _]: [(bool, Vec<u8>); 4] = main_mode().try_into().unwrap();
    let messages = [first.clone(), second.clone(), first.clone(), second.clone(), first, second];
    let report = read(&capture(&messages));
    assert_eq!((report.counts.retransmissions, report.findings.len()), (4, 0), "{:#?}", report.findings);
}

#[test]
fn ikev2_esp_and_anything_else_is_counted_and_passed_over() {
    let mut ikev2 = message(1, &[vendor_id(4)]);
    ikev2[17] = 0x20;
    let marked = [&[0; 4][..], &message(1, &[sa(vec![transform(128)])])].concat();
    let mut esp = Vec::new();
    let builder = PacketBuilder::ipv4(LEFT, RIGHT, 64);
    builder.write(&mut esp, IpNumber::ENCAPSULATING_SECURITY_PAYLOAD, &[1, 2, 3, 4, 0, 0, 0, 1]).unwrap();
    let mut ah = Vec::new();
    PacketBuilder::ipv4(LEFT, RIGHT, 64)
        .write(&mut ah, IpNumber::AUTHENTICATION_HEADER, &[59, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1])
        .unwrap();
    let packets = [
        udp(LEFT, RIGHT, 4500, &marked),
        udp(LEFT, RIGHT, 4500, &[0xff]),
        udp(RIGHT, LEFT, 4500, &[0, 0, 0, 9, 0, 0, 0, 1]),
        esp,
        ah,
        udp(LEFT, RIGHT, 500, &ikev2),
        udp(LEFT, RIGHT, 500, b"short"),
        udp(LEFT, RIGHT, 53, b"query"),
    ];
    let packets: Vec<_> = packets.into_iter().map(|packet| (Duration::ZERO, packet)).collect();
    let report = read(&file(PCAP, DataLink::RAW, &packets));
    let counts = &report.counts;
    assert_eq!((counts.packets, counts.ikev1, counts.ikev2, counts.esp, counts.esp_in_udp), (8, 1, 1, 1, 1));
    assert_eq!((counts.ah, counts.keep_alives, counts.other), (1, 1, 2));
    assert_eq!(report.notes, ["1 IKEv2 messages were passed over: this reads IKEv1"]);
    assert_eq!(report.count(Verdict::Fail), 0, "{:#?}", report.findings);
}

#[test]
fn a_message_in_fragments_of_its_own_is_put_together() {
    let whole = main_mode().swap_remove(0).1;
    let header = Header::new(cookies(0), ExchangeType::IDENTITY_PROTECTION, MessageId::PHASE_1);
    let part = |number: u8, flags: u8, data: &[u8]| {
        let fragment = Fragment { id: 1, number, flags, data: data.to_vec().into() };
        (true, encode_message(&header, &[fragment.into()]))
    };
    let (head, tail) = whole.split_at(40);
    let report = read(&capture(&[part(2, Fragment::LAST, tail), part(1, 0, head)]));
    assert_eq!(names(&report), ["main mode 1"]);
    assert_eq!(report.conversations[0].messages[0].bytes, whole);
    assert_eq!(found(&report), []);
}

#[test]
fn a_packet_that_was_cut_off_is_nobodys_fault() {
    let whole = udp(LEFT, RIGHT, 500, &main_mode().swap_remove(0).1);
    let cut = whole[..whole.len() - 20].to_vec();
    let report = read(&file(PCAP, DataLink::RAW, &[(Duration::ZERO, cut)]));
    assert_eq!(report.counts.ikev1, 1);
    assert_eq!(found(&report), [(Verdict::Info, "", 1)]);
}

#[rstest]
#[case::empty(b"", "is neither pcap nor pcapng: it begins with nothing, as it is empty")]
#[case::text(b"hello", "is neither pcap nor pcapng: it begins with 68656c6c")]
#[case::half_a_header(&CAPTURE[..10], "cannot be read as pcap: ")]
fn what_is_no_capture_is_refused(#[case] bytes: &[u8], #[case] error: &str) {
    let secrets = Secrets { keys: &KeyTable::default(), pre_shared_key: None };
    let found = dissect("x", bytes, secrets).unwrap_err().to_string();
    assert!(found.starts_with(error), "{found}");
}

#[test]
fn a_file_that_breaks_off_gives_what_stands_before() {
    let report = read(&CAPTURE[..CAPTURE.len() - 1]);
    let whole = read(CAPTURE);
    assert_eq!(report.counts.packets, whole.counts.packets - 1);
    assert_eq!(report.notes, [format!("the file breaks off behind packet {}", report.counts.packets)]);
}

#[test]
fn an_address_stands_on_the_side_of_who_spoke_first() {
    let report = read(&capture(&main_mode()));
    let conversation = &report.conversations[0];
    assert_eq!(conversation.left, Ipv4Addr::from(LEFT).to_string());
    assert_eq!(conversation.right, Ipv4Addr::from(RIGHT).to_string());
    let sides: Vec<_> = conversation.messages.iter().map(|message| message.from_left).collect();
    assert_eq!(sides, [true, false, true, false]);
}

/// All that is made of a capture; nothing of it may panic, whatever the capture is.
fn all_outputs(bytes: &[u8]) {
    let keys = KeyTable::parse(KEYS).unwrap();
    let secrets = Secrets { keys: &keys, pre_shared_key: Some(b"secret") };
    let Ok(report) = dissect("capture.pcap", bytes, secrets) else { return };
    let look = Look { width: 80, colour: true, fields: true };
    assert!(!text(&report, look).is_empty());
    assert!(capture_page(&report, &[]).starts_with("<!DOCTYPE html>"));
    report.write_json(&mut Vec::new()).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_damaged_capture_never_panics(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        end in any::<prop::sample::Index>(),
        ng: bool,
    ) {
        let format = if ng { Format::PcapNg(Endianness::Big) } else { PCAP };
        let frames: Vec<_> = recorded().into_iter().map(|(at, ip)| (at, ethernet(&[3], &ip))).collect();
        let mut bytes = file(format, DataLink::ETHERNET, &frames);
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(bytes.len() / 2 + end.index(bytes.len() / 2 + 1));
        all_outputs(&bytes);
    }

    #[test]
    fn messages_of_garbage_never_panic(
        bodies in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 1..12),
        header in prop::sample::select(vec![2_u8, 4, 5, 6, 32, 33, 99]),
        flags in 0_u8..8,
        next in 0_u8..24,
    ) {
        let messages: Vec<_> = bodies
            .into_iter()
            .map(|(from_left, body)| {
                let mut message = message(2, &[]);
                (message[16], message[18], message[19]) = (next, header, flags);
                message.extend(body);
                (from_left, message)
            })
            .collect();
        let mut all = main_mode();
        all.extend(messages);
        all_outputs(&capture(&all));
    }

    #[test]
    fn arbitrary_octets_never_panic(octets in prop::collection::vec(any::<u8>(), 0..600), magic in 0_usize..3) {
        let begin: &[u8] = [&CAPTURE[..24], &[], &[0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 28, 0x1a, 0x2b, 0x3c, 0x4d]][magic];
        all_outputs(&[begin, &octets].concat());
    }
}
