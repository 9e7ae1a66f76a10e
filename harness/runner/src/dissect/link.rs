//! From a frame to the IP packet in it.

use etherparse::{EtherType, LaxSlicedPacket};
use pcap_file::DataLink;

/// Length of a header of Linux cooked captures, version 1.
const SLL: usize = 16;
/// Length of a header of Linux cooked captures, version 2.
const SLL2: usize = 20;
/// Length of the address family in front of a packet of a loopback interface.
const FAMILY: usize = 4;

/// An IP packet, and the VLANs that it was in: packets of different ones are no fragments of one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IpPacket<'a> {
    /// From the IP header on.
    pub(super) bytes: &'a [u8],
    /// VLAN identifiers, the outer one first.
    pub(super) vlans: Vec<u16>,
}

/// The IP packet of a frame: `None` where there is another protocol in it.
///
/// # Errors
/// The name of a link type that is not known.
pub(super) fn ip_packet(link: DataLink, data: &[u8]) -> Result<Option<IpPacket<'_>>, DataLink> {
    let plain = |bytes| Ok(Some(IpPacket { bytes, vlans: Vec::new() }));
    let behind = |header: usize| data.get(header..).unwrap_or_default();
    match link {
        DataLink::ETHERNET => Ok(LaxSlicedPacket::from_ethernet(data).ok().and_then(|frame| below(&frame))),
        DataLink::LINUX_SLL => Ok(cooked(data, 14, SLL)),
        DataLink::LINUX_SLL2 => Ok(cooked(data, 0, SLL2)),
        DataLink::RAW | DataLink::IPV4 | DataLink::IPV6 => plain(data),
        // The family's number and its byte order depend on the system; the IP header tells its version itself.
        DataLink::NULL | DataLink::LOOP => plain(behind(FAMILY)),
        other => Err(other),
    }
}

/// What is behind the header of a cooked capture, whose protocol stands at `protocol`.
fn cooked(data: &[u8], protocol: usize, header: usize) -> Option<IpPacket<'_>> {
    let kind = EtherType(u16::from_be_bytes(*data.get(protocol..)?.first_chunk()?));
    let bytes = data.get(header..)?;
    match kind {
        EtherType::IPV4 | EtherType::IPV6 => Some(IpPacket { bytes, vlans: Vec::new() }),
        _ => below(&LaxSlicedPacket::from_ether_type(kind, bytes)),
    }
}

fn below<'a>(frame: &LaxSlicedPacket<'a>) -> Option<IpPacket<'a>> {
    let payload = frame.ether_payload()?;
    let vlans = frame.vlan_ids().iter().map(|id| id.value()).collect();
    let ip = matches!(payload.ether_type, EtherType::IPV4 | EtherType::IPV6);
    ip.then_some(IpPacket { bytes: payload.payload, vlans })
}
