//! Captures of a case: a pcap of every datagram as it was on the wire, and Wireshark's key table.
//!
//! The engine and its drivers see UDP payloads only; the IP and UDP headers are made here, with
//! right lengths and checksums, so that Wireshark's dissectors and reassembly work as on a real
//! capture. Timestamps count from the start of the case.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use etherparse::{IpNumber, PacketBuilder};
use ikev1::io::{Datagram, IP_UDP, Timestamp};
use ikev1::wire::{Cookie, CookiePair};
use ikev1_scenario::model::Side;
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapTsResolution, PcapWriter};
use pcap_file::{DataLink, Endianness};

/// Largest payload that an IP packet of 65535 bytes carries after IPv6 and UDP headers.
const PAYLOAD_MAX: usize = 65_535 - 40 - 8;

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
    /// More than one IP packet can carry.
    #[error("{len} bytes of payload, where at most {PAYLOAD_MAX} fit")]
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

    /// Adds one datagram that `from` sent; its `local` end is the harness.
    ///
    /// # Errors
    /// When the payload or the addresses fit no IP packet.
    pub fn datagram(&mut self, at: Timestamp, from: Side, datagram: &Datagram) -> Result<(), CaptureError> {
        let packet = match from {
            Side::Harness => ip_packet(datagram.local, datagram.remote, datagram)?,
            Side::Peer => ip_packet(datagram.remote, datagram.local, datagram)?,
        };
        // `ip_packet` checked that the payload fits into a packet of 65535 bytes.
        let len = u32::try_from(packet.len()).unwrap_or(u32::MAX);
        let packet = PcapPacket::new(at.0, len, packet).map_err(|e| CaptureError::Pcap(e.to_string()))?;
        self.writer.write_packet(&packet).map_err(|e| CaptureError::Pcap(e.to_string()))?;
        Ok(())
    }

    /// The pcap file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.writer.into_inner()
    }
}

/// An IP packet with the datagram in it: UDP, or ESP and AH on their own.
fn ip_packet(from: SocketAddr, to: SocketAddr, datagram: &Datagram) -> Result<Vec<u8>, CaptureError> {
    let payload = &datagram.payload;
    if payload.len() > PAYLOAD_MAX {
        return Err(CaptureError::TooLong { len: payload.len() });
    }
    let headers = match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => PacketBuilder::ipv4(from.octets(), to.octets(), 64),
        (IpAddr::V6(from), IpAddr::V6(to)) => PacketBuilder::ipv6(from.octets(), to.octets(), 64),
        _ => return Err(CaptureError::MixedAddresses { from, to }),
    };
    let mut packet = Vec::with_capacity(payload.len() + 48);
    let written = if datagram.ip_protocol == IP_UDP {
        headers.udp(from.port(), to.port()).write(&mut packet, payload)
    } else {
        headers.write(&mut packet, IpNumber(datagram.ip_protocol), payload)
    };
    written.map_err(|e| CaptureError::Headers(e.to_string()))?;
    Ok(packet)
}

/// A line that belongs into no key table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}; it should be `INITIATOR-COOKIE,KEY`, both in hex")]
pub struct KeyTableError {
    line: usize,
    why: String,
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

    /// Ka of the ISAKMP SA that this initiator's cookie belongs to.
    pub fn get(&self, cky_i: Cookie) -> Option<&[u8]> {
        self.keys.get(&cky_i).map(Vec::as_slice)
    }

    /// Reads a table, as Wireshark and strongSwan's save-keys plugin write it: CKY-I and Ka as hex with a comma between, with or
    /// without quotes. Empty lines, and what follows `#`, count for nothing; the last of several lines with one cookie does.
    ///
    /// # Errors
    /// The first line that is none of a table.
    pub fn parse(text: &str) -> Result<Self, KeyTableError> {
        let mut table = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let wrong = |why: &str| KeyTableError { line: number, why: why.to_owned() };
            let (cky_i, ka) = line.split_once(',').ok_or_else(|| wrong("no comma between cookie and key"))?;
            let octets = |text: &str| hex::decode(text.trim().trim_matches('"')).ok();
            let cky_i = octets(cky_i).and_then(|octets| <[u8; 8]>::try_from(octets).ok());
            let cky_i = cky_i.ok_or_else(|| wrong("the cookie is not 16 digits of hex"))?;
            let ka = octets(ka).filter(|ka| !ka.is_empty());
            table.keys.insert(Cookie(cky_i), ka.ok_or_else(|| wrong("the key is not hex"))?);
        }
        Ok(table)
    }

    /// The file's text.
    pub fn text(&self) -> String {
        self.keys
            .iter()
            .map(|(cky_i, ka)| format!("{},{}\n", hex::encode(cky_i.0), hex::encode(ka)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use etherparse::{NetSlice, SlicedPacket, TransportSlice};
    use ikev1::io::IP_ESP;
    use pcap_file::pcap::PcapReader;
    use rstest::rstest;

    use super::*;

    fn datagram(ip_protocol: u8, local: &str, remote: &str, payload: &[u8]) -> Datagram {
        let (local, remote) = (local.parse().unwrap(), remote.parse().unwrap());
        Datagram { ip_protocol, local, remote, payload: Bytes::copy_from_slice(payload) }
    }

    #[test]
    fn writes_packets_with_right_addresses_lengths_and_checksums() {
        let mut capture = Capture::new().unwrap();
        let isakmp = datagram(IP_UDP, "192.0.2.1:500", "192.0.2.2:4500", b"isakmp");
        capture.datagram(Timestamp::from_millis(1_250), Side::Peer, &isakmp).unwrap();
        let bytes = capture.into_bytes();

        let mut reader = PcapReader::new(&bytes[..]).unwrap();
        let packet = reader.next_packet().unwrap().unwrap().into_owned();
        assert_eq!(packet.timestamp().as_millis(), 1_250);
        let sliced = SlicedPacket::from_ip(packet.data()).unwrap();
        let Some(NetSlice::Ipv4(ip)) = &sliced.net else { panic!("no IPv4 header") };
        let Some(TransportSlice::Udp(udp)) = &sliced.transport else { panic!("no UDP header") };
        assert_eq!(ip.header().source(), [192, 0, 2, 2]);
        assert_eq!(usize::from(ip.header().total_len()), packet.data().len());
        assert_eq!((udp.source_port(), udp.destination_port()), (4500, 500));
        let checksum = udp
            .to_header()
            .calc_checksum_ipv4_raw(ip.header().source(), ip.header().destination(), b"isakmp")
            .unwrap();
        assert_eq!(udp.checksum(), checksum);
        assert_eq!(udp.payload(), b"isakmp");
        assert!(reader.next_packet().is_none());
    }

    #[test]
    fn writes_esp_without_udp_header() {
        let mut capture = Capture::new().unwrap();
        let esp = datagram(IP_ESP, "192.0.2.1:0", "192.0.2.2:0", b"\0\0\x12\x34");
        capture.datagram(Timestamp::ZERO, Side::Harness, &esp).unwrap();
        let bytes = capture.into_bytes();
        let mut reader = PcapReader::new(&bytes[..]).unwrap();
        let packet = reader.next_packet().unwrap().unwrap();
        let sliced = SlicedPacket::from_ip(packet.data()).unwrap();
        let Some(NetSlice::Ipv4(ip)) = &sliced.net else { panic!("no IPv4 header") };
        assert_eq!(ip.header().protocol(), IpNumber(IP_ESP));
        assert_eq!(ip.payload().payload, b"\0\0\x12\x34");
    }

    #[test]
    fn refuses_more_than_a_datagram_can_carry() {
        let mut capture = Capture::new().unwrap();
        let long = datagram(IP_UDP, "192.0.2.1:500", "192.0.2.2:500", &vec![0; PAYLOAD_MAX + 1]);
        let error = capture.datagram(Timestamp::ZERO, Side::Harness, &long).unwrap_err();
        assert!(matches!(error, CaptureError::TooLong { .. }), "{error}");
        let longest = Datagram { payload: long.payload.slice(1..), ..long };
        capture.datagram(Timestamp::ZERO, Side::Harness, &longest).unwrap();
    }

    #[rstest]
    #[case::as_written("abababababababab,0102\n")]
    #[case::in_quotes("\"ABABABABABABABAB\",\"0102\"\r\n")]
    #[case::among_comments("# Ka\n\nabababababababab, 0102 # of the peer")]
    #[case::the_last_counts("abababababababab,ff\nabababababababab,0102")]
    fn a_key_table_is_read(#[case] text: &str) {
        let table = KeyTable::parse(text).unwrap();
        assert_eq!(table.get(Cookie([0xab; 8])), Some(&[1, 2][..]));
        assert_eq!(KeyTable::parse(&table.text()).unwrap().text(), table.text());
    }

    #[rstest]
    #[case::no_comma("\nabababababababab 0102", "line 2: no comma between cookie and key")]
    #[case::short_cookie("abab,0102", "line 1: the cookie is not 16 digits of hex")]
    #[case::no_key("abababababababab,", "line 1: the key is not hex")]
    #[case::half_an_octet("abababababababab,012", "line 1: the key is not hex")]
    fn a_line_that_is_no_key_is_named(#[case] text: &str, #[case] error: &str) {
        let found = KeyTable::parse(text).unwrap_err().to_string();
        assert!(found.starts_with(error), "{found}");
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
