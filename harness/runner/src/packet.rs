//! ICMP echo requests and replies in IPv4 (RFC 792, RFC 791): the traffic that shows that an IPsec SA works.
//!
//! In tunnel mode an ESP or AH packet carries a whole IPv4 packet, [`Echo::to_ipv4`]; in transport mode only the
//! ICMP message, [`Echo::to_icmp`], as the addresses are those of the outer header.

use std::net::Ipv4Addr;

use etherparse::checksum::Sum16BitWords;
use etherparse::{IcmpEchoHeader, Icmpv4Header, Icmpv4Slice, Icmpv4Type, IpNumber, Ipv4Slice, PacketBuilder};

/// Protocol number of IPv4 in IPv4: the next header of a tunnel mode packet.
pub const NEXT_HEADER_IPV4: u8 = IpNumber::IPV4.0;
/// Protocol number of ICMP: the next header of a transport mode packet with an echo.
pub const NEXT_HEADER_ICMP: u8 = IpNumber::ICMP.0;

/// Time to live of the packets made here.
const TTL: u8 = 64;

/// Whether an echo asks or answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EchoKind {
    /// ICMP type 8.
    Request,
    /// ICMP type 0.
    Reply,
}

/// An ICMP echo request or reply with the addresses that it goes between.
///
/// ```
/// use ikev1_runner::packet::Echo;
///
/// let request = Echo::request([10, 1, 0, 1].into(), [10, 2, 0, 1].into(), 7, 1, b"ping");
/// let reply = Echo::from_ipv4(&request.to_ipv4()?)?.reply();
/// assert!(request.is_answered_by(&reply));
/// # Ok::<(), ikev1_runner::packet::PacketError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// Who sends it.
    pub source: Ipv4Addr,
    /// Whom it is for.
    pub destination: Ipv4Addr,
    /// Request or reply.
    pub kind: EchoKind,
    /// Identifier; the reply repeats it.
    pub identifier: u16,
    /// Sequence number; the reply repeats it.
    pub sequence: u16,
    /// Data; the reply repeats it.
    pub payload: Vec<u8>,
}

/// Why a packet is not an echo, or cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// The bytes are not an IPv4 packet.
    #[error("not an IPv4 packet: {0}")]
    Ipv4(#[from] etherparse::err::ipv4::SliceError),
    /// The bytes are not an ICMP message.
    #[error("not an ICMP message: {0}")]
    Icmp(#[from] etherparse::err::LenError),
    /// The IPv4 packet carries something else.
    #[error("protocol is {got}, {NEXT_HEADER_ICMP} (ICMP) expected")]
    Protocol {
        /// Protocol number met.
        got: u8,
    },
    /// The packet is a fragment.
    #[error("fragment of an IPv4 packet, a whole one expected")]
    Fragment,
    /// The ICMP message is neither an echo request nor an echo reply.
    #[error("ICMP type {kind} code {code}, an echo request or reply expected")]
    NoEcho {
        /// ICMP type met.
        kind: u8,
        /// ICMP code met.
        code: u8,
    },
    /// A checksum is wrong.
    #[error("{what} checksum is wrong")]
    Checksum {
        /// What it protects.
        what: &'static str,
    },
    /// The data does not fit into an IPv4 packet.
    #[error("{got} bytes of data do not fit into an IPv4 packet")]
    TooLong {
        /// Bytes of data.
        got: usize,
    },
}

impl Echo {
    /// An echo request.
    pub fn request(
        source: Ipv4Addr,
        destination: Ipv4Addr,
        identifier: u16,
        sequence: u16,
        payload: &[u8],
    ) -> Self {
        let payload = payload.to_vec();
        Self { source, destination, kind: EchoKind::Request, identifier, sequence, payload }
    }

    /// The reply to this request: addresses swapped, identifier, sequence number and data repeated.
    #[must_use]
    pub fn reply(&self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            kind: EchoKind::Reply,
            identifier: self.identifier,
            sequence: self.sequence,
            payload: self.payload.clone(),
        }
    }

    /// Whether `self` is a request and `reply` its reply, in all fields.
    pub fn is_answered_by(&self, reply: &Self) -> bool {
        self.kind == EchoKind::Request && *reply == self.reply()
    }

    /// The IPv4 packet, 28 bytes and the data.
    ///
    /// # Errors
    /// [`PacketError::TooLong`] with more than 65,507 bytes of data.
    pub fn to_ipv4(&self) -> Result<Vec<u8>, PacketError> {
        let builder = PacketBuilder::ipv4(self.source.octets(), self.destination.octets(), TTL)
            .icmpv4(self.icmp_type());
        let mut packet = Vec::with_capacity(builder.size(self.payload.len()));
        builder
            .write(&mut packet, &self.payload)
            .map_err(|_| PacketError::TooLong { got: self.payload.len() })?;
        Ok(packet)
    }

    /// The ICMP message alone, 8 bytes and the data.
    pub fn to_icmp(&self) -> Vec<u8> {
        let header = Icmpv4Header::with_checksum(self.icmp_type(), &self.payload);
        [&header.to_bytes(), self.payload.as_slice()].concat()
    }

    /// Reads an IPv4 packet that carries an echo, and verifies both checksums.
    ///
    /// # Errors
    /// [`PacketError`] for anything else.
    pub fn from_ipv4(packet: &[u8]) -> Result<Self, PacketError> {
        let ipv4 = Ipv4Slice::from_slice(packet)?;
        let header = ipv4.header();
        check("IPv4 header", header.slice())?;
        if ipv4.is_payload_fragmented() {
            return Err(PacketError::Fragment);
        }
        if ipv4.payload_ip_number() != IpNumber::ICMP {
            return Err(PacketError::Protocol { got: ipv4.payload_ip_number().0 });
        }
        Self::from_icmp(header.source_addr(), header.destination_addr(), ipv4.payload().payload)
    }

    /// Reads an echo that came without its IPv4 header, between the addresses given.
    ///
    /// # Errors
    /// [`PacketError`] when it is not an echo, or its checksum is wrong.
    pub fn from_icmp(source: Ipv4Addr, destination: Ipv4Addr, message: &[u8]) -> Result<Self, PacketError> {
        let icmp = Icmpv4Slice::from_slice(message)?;
        check("ICMP", message)?;
        let (kind, IcmpEchoHeader { id, seq }) = match icmp.icmp_type() {
            Icmpv4Type::EchoRequest(header) => (EchoKind::Request, header),
            Icmpv4Type::EchoReply(header) => (EchoKind::Reply, header),
            _ => return Err(PacketError::NoEcho { kind: icmp.type_u8(), code: icmp.code_u8() }),
        };
        let payload = icmp.payload().to_vec();
        Ok(Self { source, destination, kind, identifier: id, sequence: seq, payload })
    }

    fn icmp_type(&self) -> Icmpv4Type {
        let header = IcmpEchoHeader { id: self.identifier, seq: self.sequence };
        match self.kind {
            EchoKind::Request => Icmpv4Type::EchoRequest(header),
            EchoKind::Reply => Icmpv4Type::EchoReply(header),
        }
    }
}

/// The sum over bytes that hold their own checksum is 0 (RFC 1071).
fn check(what: &'static str, covered: &[u8]) -> Result<(), PacketError> {
    match Sum16BitWords::new().add_slice(covered).ones_complement() {
        0 => Ok(()),
        _ => Err(PacketError::Checksum { what }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// The ping of RFC 3602 section 4, case 6, which Linux sent; its checksums are not ours.
    const PING: &[u8] = b"\x45\x00\x00\x30\x08\xfe\x00\x00\x40\x01\xfa\x16\xc0\xa8\x7b\x03\xc0\xa8\x7b\x64\
        \x08\x00\xb5\xe8\xa8\x0a\x05\x00\xa6\x9c\x08\x3d\x0b\x66\x0e\x00\x77\x77\x77\x77\x77\x77\x77\x77\
        \x77\x77\x77\x77";

    fn ping() -> Echo {
        let payload = b"\xa6\x9c\x08\x3d\x0b\x66\x0e\x00wwwwwwwwwwww";
        Echo::request([192, 168, 123, 3].into(), [192, 168, 123, 100].into(), 0xa80a, 0x0500, payload)
    }

    #[test]
    fn reads_a_ping_of_another_stack() {
        assert_eq!(Echo::from_ipv4(PING).unwrap(), ping());
        assert_eq!(Echo::from_icmp(ping().source, ping().destination, &PING[20..]).unwrap(), ping());
    }

    #[test]
    fn writes_the_icmp_message_that_another_stack_wrote() {
        assert_eq!(ping().to_icmp(), &PING[20..]);
        assert_eq!(ping().to_ipv4().unwrap()[20..], PING[20..]);
    }

    #[test]
    fn reply_swaps_the_addresses_and_repeats_the_rest() {
        let reply = Echo::from_ipv4(&ping().reply().to_ipv4().unwrap()).unwrap();
        assert_eq!((reply.source, reply.destination), (ping().destination, ping().source));
        assert_eq!(reply.kind, EchoKind::Reply);
        assert!(ping().is_answered_by(&reply));
        assert!(!reply.is_answered_by(&ping()));
    }

    #[rstest]
    #[case::identifier(|e: &mut Echo| e.identifier += 1)]
    #[case::sequence(|e: &mut Echo| e.sequence += 1)]
    #[case::data(|e: &mut Echo| e.payload[0] ^= 1)]
    #[case::source(|e: &mut Echo| e.source = Ipv4Addr::LOCALHOST)]
    fn another_reply_is_no_answer(#[case] change: fn(&mut Echo)) {
        let mut reply = ping().reply();
        change(&mut reply);
        assert!(!ping().is_answered_by(&reply));
    }

    #[test]
    fn refuses_another_protocol() {
        let builder = PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 1).udp(1, 2);
        let mut packet = Vec::new();
        builder.write(&mut packet, b"data").unwrap();
        assert!(matches!(Echo::from_ipv4(&packet), Err(PacketError::Protocol { got: 17 })));
    }

    #[test]
    fn refuses_another_icmp_message() {
        let header = Icmpv4Header::with_checksum(
            Icmpv4Type::Unknown { type_u8: 42, code_u8: 1, bytes5to8: [0; 4] },
            b"",
        );
        let refused = Echo::from_icmp(Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST, &header.to_bytes());
        assert!(matches!(refused, Err(PacketError::NoEcho { kind: 42, code: 1 })));
    }

    #[test]
    fn refuses_a_fragment() {
        let mut header = Ipv4Slice::from_slice(PING).unwrap().header().to_header();
        header.more_fragments = true;
        header.header_checksum = header.calc_header_checksum();
        let packet = [&header.to_bytes(), &PING[20..]].concat();
        assert!(matches!(Echo::from_ipv4(&packet), Err(PacketError::Fragment)));
    }

    #[test]
    fn refuses_data_that_does_not_fit() {
        let mut echo = ping();
        echo.payload = vec![0; 65_507];
        assert_eq!(echo.to_ipv4().unwrap().len(), 65_535);
        echo.payload.push(0);
        assert!(matches!(echo.to_ipv4(), Err(PacketError::TooLong { got: 65_508 })));
    }

    #[test]
    fn refuses_any_flipped_bit() {
        for bit in 0..PING.len() * 8 {
            let mut packet = PING.to_vec();
            packet[bit / 8] ^= 1 << (bit % 8);
            assert!(Echo::from_ipv4(&packet).is_err(), "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote(
            addresses: ([u8; 4], [u8; 4]),
            reply: bool,
            identifier: u16,
            sequence: u16,
            payload in prop::collection::vec(any::<u8>(), 0..1500),
        ) {
            let request =
                Echo::request(addresses.0.into(), addresses.1.into(), identifier, sequence, &payload);
            let echo = if reply { request.reply() } else { request };
            prop_assert_eq!(&Echo::from_ipv4(&echo.to_ipv4().unwrap()).unwrap(), &echo);
            prop_assert_eq!(&Echo::from_icmp(echo.source, echo.destination, &echo.to_icmp()).unwrap(), &echo);
        }

        #[test]
        fn never_panics(packet in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(Echo::from_ipv4(&packet).is_err());
        }
    }
}
