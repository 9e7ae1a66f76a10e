//! Captured packets as ISAKMP messages and IPsec packets.

use std::net::Ipv4Addr;

use bytes::Bytes;
use etherparse::defrag::IpDefragPool;
use etherparse::{IpNumber, NetSlice, SlicedPacket, UdpSlice};
use ikev1::wire::Header;
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapTsResolution, PcapWriter};
use pcap_file::{DataLink, Endianness};

use super::sniffer::Packet;

/// UDP port of ISAKMP.
const ISAKMP_PORT: u16 = 500;
/// UDP port of ISAKMP and ESP behind a NAT (RFC 3947).
const NAT_T_PORT: u16 = 4500;

/// Which of the two sent something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Initiator,
    Responder,
}

impl End {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Initiator => "the initiator",
            Self::Responder => "the responder",
        }
    }
}

/// A whole packet, put together from its fragments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// Its number in the capture, from 1; of a fragmented one that of the last fragment.
    pub(super) number: u64,
    /// Who sent it.
    pub(super) from: End,
    /// What it carries.
    pub(super) carries: Carries,
}

/// What a packet carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Carries {
    /// An ISAKMP message, without the marker that port 4500 puts in front.
    Isakmp(Bytes),
    /// An ESP packet, in UDP or on its own.
    Esp { spi: u32, in_udp: bool },
    /// A NAT keep-alive.
    KeepAlive,
    /// Anything else: a protocol, and ports where it has them.
    Other(String),
}

/// The packets between two addresses, in order.
pub(super) fn read(packets: &[Packet], initiator: Ipv4Addr, responder: Ipv4Addr) -> Vec<Seen> {
    let mut fragments = IpDefragPool::<(), ()>::new();
    let mut seen = Vec::new();
    for (number, packet) in (1..).zip(packets) {
        let Ok(sliced) = SlicedPacket::from_ip(&packet.bytes) else { continue };
        let Some(NetSlice::Ipv4(ip)) = &sliced.net else { continue };
        let (source, destination) = (ip.header().source_addr(), ip.header().destination_addr());
        let from = match (source == initiator, source == responder) {
            (true, _) if destination == responder => End::Initiator,
            (_, true) if destination == initiator => End::Responder,
            _ => continue,
        };
        let carries = if ip.is_payload_fragmented() {
            match fragments.process_sliced_packet(&sliced, (), ()) {
                Ok(Some(whole)) => carried(whole.ip_number, &whole.payload),
                Ok(None) => continue,
                Err(error) => Carries::Other(format!("a fragment that fits no packet: {error}")),
            }
        } else {
            carried(ip.payload_ip_number(), ip.payload().payload)
        };
        seen.push(Seen { number, from, carries });
    }
    seen
}

fn carried(protocol: IpNumber, payload: &[u8]) -> Carries {
    match protocol {
        IpNumber::ENCAPSULATING_SECURITY_PAYLOAD => esp(payload, false),
        IpNumber::UDP => match UdpSlice::from_slice(payload) {
            Ok(udp) => datagram(udp.source_port(), udp.destination_port(), udp.payload()),
            Err(error) => Carries::Other(format!("UDP that cannot be read: {error}")),
        },
        other => Carries::Other(format!("IP protocol {}", other.0)),
    }
}

fn datagram(from: u16, to: u16, payload: &[u8]) -> Carries {
    match (from, to) {
        (NAT_T_PORT, _) | (_, NAT_T_PORT) => match payload {
            [0xff] => Carries::KeepAlive,
            [0, 0, 0, 0, message @ ..] => Carries::Isakmp(Bytes::copy_from_slice(message)),
            _ => esp(payload, true),
        },
        (ISAKMP_PORT, _) | (_, ISAKMP_PORT) => Carries::Isakmp(Bytes::copy_from_slice(payload)),
        _ => Carries::Other(format!("UDP from port {from} to {to}")),
    }
}

fn esp(packet: &[u8], in_udp: bool) -> Carries {
    match packet.first_chunk() {
        Some(spi) => Carries::Esp { spi: u32::from_be_bytes(*spi), in_udp },
        None => Carries::Other("an ESP packet without SPI".to_owned()),
    }
}

/// The last ISAKMP message, in words.
pub(super) fn last_message(seen: &[Seen]) -> String {
    let last = seen.iter().rev().find_map(|seen| match &seen.carries {
        Carries::Isakmp(message) => Some((seen, message)),
        _ => None,
    });
    let Some((seen, message)) = last else { return "no ISAKMP message was on the wire".to_owned() };
    let what = match Header::decode(message) {
        Ok(header) => format!("{} with M-ID {:08x}", header.exchange_type, header.message_id.0),
        Err(error) => format!("no ISAKMP message: {error}"),
    };
    format!("the last message was packet {}, of {}: {what}", seen.number, seen.from.name())
}

/// The packets as a pcap file of raw IP packets.
pub(super) fn pcap(packets: &[Packet]) -> Result<Vec<u8>, String> {
    let header = PcapHeader {
        version_major: 2,
        version_minor: 4,
        ts_correction: 0,
        ts_accuracy: 0,
        snaplen: 65_535,
        datalink: DataLink::RAW,
        ts_resolution: PcapTsResolution::MicroSecond,
        endianness: Endianness::Little,
    };
    let mut writer = PcapWriter::with_header(Vec::new(), header)
        .map_err(|error| format!("cannot write the pcap: {error}"))?;
    for packet in packets {
        let len = u32::try_from(packet.bytes.len()).unwrap_or(u32::MAX);
        let packet = PcapPacket::new(packet.at, len, packet.bytes.as_slice())
            .map_err(|error| format!("cannot write the pcap: {error}"))?;
        writer.write_packet(&packet).map_err(|error| format!("cannot write the pcap: {error}"))?;
    }
    Ok(writer.into_inner())
}
