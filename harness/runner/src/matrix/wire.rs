//! Captured packets as ISAKMP messages and IPsec packets.

use std::net::Ipv4Addr;

use ikev1::wire::Header;
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapTsResolution, PcapWriter};
use pcap_file::{DataLink, Endianness};

use super::sniffer::Packet;
pub(super) use crate::dissect::Carries;
use crate::dissect::Packets;

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

/// The packets between two addresses, in order.
pub(super) fn read(packets: &[Packet], initiator: Ipv4Addr, responder: Ipv4Addr) -> Vec<Seen> {
    let mut whole = Packets::new();
    let mut seen = Vec::new();
    for (number, packet) in (1..).zip(packets) {
        let Some(whole) = whole.packet(&packet.bytes, &[]) else { continue };
        let (source, destination) = (whole.from.ip(), whole.to.ip());
        let from = match (source == initiator, source == responder) {
            (true, _) if destination == responder => End::Initiator,
            (_, true) if destination == initiator => End::Responder,
            _ => continue,
        };
        seen.push(Seen { number, from, carries: whole.carries });
    }
    seen
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
