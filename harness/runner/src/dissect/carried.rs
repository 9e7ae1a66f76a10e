//! From an IP packet to what it carries: an ISAKMP message, an IPsec packet, or anything else.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use etherparse::defrag::IpDefragPool;
use etherparse::{
    IpNumber, Ipv6ExtensionSlice, LaxNetSlice, LaxSlicedPacket, LenSource, SlicedPacket, UdpSlice,
};

/// UDP port of ISAKMP.
const ISAKMP_PORT: u16 = 500;
/// UDP port of ISAKMP and ESP behind a NAT (RFC 3947).
const NAT_T_PORT: u16 = 4500;
/// Fragments that may come in between before a packet that is not whole is given up. Each such packet may take 64 kB.
const FRAGMENTS_BETWEEN_MAX: u64 = 256;

/// What a packet carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Carries {
    /// An ISAKMP message, without the marker that port 4500 puts in front.
    Isakmp(Bytes),
    /// An ESP packet, in UDP or on its own.
    Esp {
        /// Its SPI.
        spi: u32,
        /// Whether it is in UDP.
        in_udp: bool,
    },
    /// An AH packet.
    Ah {
        /// Its SPI.
        spi: u32,
    },
    /// A NAT keep-alive.
    KeepAlive,
    /// Anything else: a protocol, and ports where it has them.
    Other(String),
}

/// A whole packet, put together from its fragments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whole {
    /// Address, and port where it has one.
    pub(crate) from: SocketAddr,
    /// Address, and port where it has one.
    pub(crate) to: SocketAddr,
    /// What it carries.
    pub(crate) carries: Carries,
    /// Whether its end is missing.
    pub(crate) cut: bool,
}

/// Puts the packets of a link together from their fragments.
#[derive(Debug)]
pub(crate) struct Packets {
    fragments: IpDefragPool<u64, Vec<u16>>,
    fragments_seen: u64,
}

impl Packets {
    /// Without any fragment.
    pub(crate) fn new() -> Self {
        Self { fragments: IpDefragPool::new(), fragments_seen: 0 }
    }

    /// Takes in an IP packet of these VLANs; what it carries, unless more fragments are to come, or there is no IP packet.
    pub(crate) fn packet(&mut self, bytes: &[u8], vlans: &[u16]) -> Option<Whole> {
        let packet = LaxSlicedPacket::from_ip(bytes).ok()?;
        let (source, destination) = match packet.net.as_ref()? {
            LaxNetSlice::Ipv4(ip) => {
                (IpAddr::from(ip.header().source_addr()), IpAddr::from(ip.header().destination_addr()))
            }
            LaxNetSlice::Ipv6(ip) => {
                (IpAddr::from(ip.header().source_addr()), IpAddr::from(ip.header().destination_addr()))
            }
            LaxNetSlice::Arp(_) => return None,
        };
        let ip = packet.ip_payload()?;
        let (carries, ports, cut) = if let Some(spi) = packet.net.as_ref().and_then(ah) {
            (Carries::Ah { spi }, (0, 0), false)
        } else if ip.fragmented {
            match self.fragment(bytes, vlans) {
                Ok(Some((protocol, payload))) => carried(protocol, &payload),
                Ok(None) => return None,
                Err(why) => (Carries::Other(why), (0, 0), true),
            }
        } else {
            carried(ip.ip_number, ip.payload)
        };
        let (from, to) = (SocketAddr::new(source, ports.0), SocketAddr::new(destination, ports.1));
        Some(Whole { from, to, carries, cut: cut || ip.incomplete })
    }

    /// The packet, once the last of its fragments has come.
    fn fragment(&mut self, bytes: &[u8], vlans: &[u16]) -> Result<Option<(IpNumber, Vec<u8>)>, String> {
        let packet =
            SlicedPacket::from_ip(bytes).map_err(|error| format!("a fragment that is cut off: {error}"))?;
        self.fragments_seen = self.fragments_seen.saturating_add(1);
        let oldest = self.fragments_seen.saturating_sub(FRAGMENTS_BETWEEN_MAX);
        self.fragments.retain(|last| *last >= oldest);
        let whole = self
            .fragments
            .process_sliced_packet(&packet, self.fragments_seen, vlans.to_vec())
            .map_err(|error| format!("a fragment that fits no packet: {error}"))?;
        Ok(whole.map(|whole| (whole.ip_number, whole.payload)))
    }
}

/// The SPI of an AH header, which counts as part of the IP header.
fn ah(net: &LaxNetSlice<'_>) -> Option<u32> {
    match net {
        LaxNetSlice::Ipv4(ip) => ip.extensions().auth.map(|ah| ah.spi()),
        LaxNetSlice::Ipv6(ip) => ip.extensions().clone().into_iter().find_map(|extension| match extension {
            Ipv6ExtensionSlice::Authentication(ah) => Some(ah.spi()),
            _ => None,
        }),
        LaxNetSlice::Arp(_) => None,
    }
}

/// What a payload of IP is, its ports, and whether its end is missing.
fn carried(protocol: IpNumber, payload: &[u8]) -> (Carries, (u16, u16), bool) {
    match protocol {
        IpNumber::ENCAPSULATING_SECURITY_PAYLOAD => (esp(payload, false), (0, 0), false),
        IpNumber::UDP => match UdpSlice::from_slice_lax(payload) {
            Ok(udp) => {
                let ports = (udp.source_port(), udp.destination_port());
                let cut = udp.payload_len_source() == LenSource::Slice;
                (datagram(ports, udp.payload()), ports, cut)
            }
            Err(error) => (Carries::Other(format!("UDP that cannot be read: {error}")), (0, 0), true),
        },
        other => (Carries::Other(format!("IP protocol {}", other.0)), (0, 0), false),
    }
}

fn datagram((from, to): (u16, u16), payload: &[u8]) -> Carries {
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
