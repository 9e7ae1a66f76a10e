//! Captures of a case: a pcap of every datagram as it was on the wire, and Wireshark's key table.
//!
//! The engine and its drivers see UDP payloads only; the IP and UDP headers are made here, with
//! right lengths and checksums, so that Wireshark's dissectors and reassembly work as on a real
//! capture. Timestamps count from the start of the case.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use etherparse::PacketBuilder;
use ikev1::Timestamp;
use ikev1::wire::{Cookie, CookiePair};
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapTsResolution, PcapWriter};
use pcap_file::{DataLink, Endianness};

/// Largest UDP payload that an IPv4 packet can carry.
const UDP_PAYLOAD_MAX: usize = 65_535 - 20 - 8;

/// A pcap file in memory, in the link type for raw IP packets.
#[derive(Debug)]
pub struct Capture {
    writer: PcapWriter<Vec<u8>>,
}

/// Why a datagram could not go into a capture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// One end is IPv4 and the other IPv6.
    #[error("one end is IPv4 and the other IPv6: {from} to {to}")]
    MixedAddresses {
        /// Source.
        from: SocketAddr,
        /// Destination.
        to: SocketAddr,
    },
    /// More than one UDP datagram can carry.
    #[error("{len} bytes of UDP payload, where at most {UDP_PAYLOAD_MAX} fit")]
    TooLong {
        /// Length of the payload in bytes.
        len: usize,
    },
    /// The headers could not be made.
    #[error("cannot make IP and UDP headers: {0}")]
    Headers(String),
    /// The pcap writer refused.
    #[error("cannot write the pcap: {0}")]
    Pcap(String),
}

impl Capture {
    /// An empty capture.
    ///
    /// # Errors
    /// When the pcap writer refuses the file header.
    pub fn new() -> Result<Self, CaptureError> {
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
        let writer =
            PcapWriter::with_header(Vec::new(), header).map_err(|e| CaptureError::Pcap(e.to_string()))?;
        Ok(Self { writer })
    }

    /// Adds one datagram that went from `from` to `to`.
    ///
    /// # Errors
    /// When the payload or the addresses fit no UDP datagram.
    pub fn datagram(
        &mut self,
        at: Timestamp,
        from: SocketAddr,
        to: SocketAddr,
        payload: &[u8],
    ) -> Result<(), CaptureError> {
        let packet = udp_packet(from, to, payload)?;
        // A packet is at most 65535 bytes long: `udp_packet` checked the payload.
        let len = u32::try_from(packet.len()).unwrap_or(u32::MAX);
        let packet =
            PcapPacket::new(at.0, len, packet).map_err(|e| CaptureError::Pcap(e.to_string()))?;
        self.writer.write_packet(&packet).map_err(|e| CaptureError::Pcap(e.to_string()))?;
        Ok(())
    }

    /// The pcap file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.writer.into_inner()
    }
}

/// An IP packet with a UDP datagram in it.
fn udp_packet(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Result<Vec<u8>, CaptureError> {
    if payload.len() > UDP_PAYLOAD_MAX {
        return Err(CaptureError::TooLong { len: payload.len() });
    }
    let builder = match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => PacketBuilder::ipv4(from.octets(), to.octets(), 64),
        (IpAddr::V6(from), IpAddr::V6(to)) => PacketBuilder::ipv6(from.octets(), to.octets(), 64),
        _ => return Err(CaptureError::MixedAddresses { from, to }),
    };
    let builder = builder.udp(from.port(), to.port());
    let mut packet = Vec::with_capacity(builder.size(payload.len()));
    builder.write(&mut packet, payload).map_err(|e| CaptureError::Headers(e.to_string()))?;
    Ok(packet)
}

/// Wireshark's `ikev1_decryption_table`: CKY-I and Ka of each ISAKMP SA, as hex, one a line.
#[derive(Debug, Clone, Default)]
pub struct KeyTable {
    keys: BTreeMap<Cookie, Vec<u8>>,
}

impl KeyTable {
    /// Notes Ka of the ISAKMP SA with these cookies.
    pub fn insert(&mut self, cookies: CookiePair, ka: &[u8]) {
        self.keys.insert(cookies.initiator, ka.to_vec());
    }

    /// The file's text.
    pub fn text(&self) -> String {
        self.keys.iter().map(|(cky_i, ka)| format!("{},{}\n", hex::encode(cky_i.0), hex::encode(ka))).collect()
    }
}

#[cfg(test)]
mod tests {
    use etherparse::{NetSlice, SlicedPacket, TransportSlice};
    use pcap_file::pcap::PcapReader;

    use super::*;

    fn socket(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn writes_packets_with_right_addresses_lengths_and_checksums() {
        let mut capture = Capture::new().unwrap();
        let (from, to) = (socket("192.0.2.1:500"), socket("192.0.2.2:4500"));
        capture.datagram(Timestamp::from_millis(1_250), from, to, b"isakmp").unwrap();
        let bytes = capture.into_bytes();

        let mut reader = PcapReader::new(&bytes[..]).unwrap();
        let packet = reader.next_packet().unwrap().unwrap().into_owned();
        assert_eq!(packet.timestamp().as_millis(), 1_250);
        let sliced = SlicedPacket::from_ip(packet.data()).unwrap();
        let Some(NetSlice::Ipv4(ip)) = &sliced.net else { panic!("no IPv4 header") };
        let Some(TransportSlice::Udp(udp)) = &sliced.transport else { panic!("no UDP header") };
        assert_eq!(usize::from(ip.header().total_len()), packet.data().len());
        assert_eq!((udp.source_port(), udp.destination_port()), (500, 4500));
        let checksum = udp
            .to_header()
            .calc_checksum_ipv4_raw(ip.header().source(), ip.header().destination(), b"isakmp")
            .unwrap();
        assert_eq!(udp.checksum(), checksum);
        assert_eq!(udp.payload(), b"isakmp");
        assert!(reader.next_packet().is_none());
    }

    #[test]
    fn refuses_more_than_a_datagram_can_carry() {
        let mut capture = Capture::new().unwrap();
        let end = socket("192.0.2.1:500");
        let error = capture.datagram(Timestamp::ZERO, end, end, &vec![0; UDP_PAYLOAD_MAX + 1]).unwrap_err();
        assert!(matches!(error, CaptureError::TooLong { .. }), "{error}");
        capture.datagram(Timestamp::ZERO, end, end, &vec![0; UDP_PAYLOAD_MAX]).unwrap();
    }

    #[test]
    fn key_table_has_one_line_for_each_isakmp_sa() {
        let mut table = KeyTable::default();
        let cookies = CookiePair { initiator: Cookie([0xab; 8]), responder: Cookie([2; 8]) };
        table.insert(cookies, &[0x11; 4]);
        table.insert(cookies, &[0x22; 4]);
        assert_eq!(table.text(), "abababababababab,22222222\n");
    }
}
