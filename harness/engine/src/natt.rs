//! NAT traversal in phase 1 (RFC 3947): the vendor ID, NAT-D payloads, and what they say.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;

use crate::config::{NatTraversal, PeerConfig};
use crate::core::{Core, Path};
use crate::crypto::HashAlgorithm;
use crate::wire::{Chain, CookiePair, NatDiscovery, Payload, VendorId};

/// The vendor ID that announces RFC 3947: MD5 of "RFC 3947" (section 3.1).
pub const VENDOR_ID_RFC_3947: [u8; 16] =
    [0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45, 0x5c, 0x57, 0x28, 0xf2, 0x0e, 0x95, 0x45, 0x2f];

/// The vendor ID payload, when the peer's configuration offers NAT traversal.
pub(crate) fn vendor_id(peer: &PeerConfig) -> Option<Payload> {
    (peer.nat_traversal != NatTraversal::Off)
        .then(|| Payload::VendorId(VendorId { data: Bytes::from_static(&VENDOR_ID_RFC_3947) }))
}

/// Whether the peer announced RFC 3947 and we offer it too.
pub(crate) fn agreed(peer: &PeerConfig, chain: &Chain) -> bool {
    peer.nat_traversal != NatTraversal::Off
        && chain
            .payloads
            .iter()
            .any(|p| matches!(&p.payload, Payload::VendorId(vid) if vid.data.as_ref() == VENDOR_ID_RFC_3947))
}

/// `HASH = HASH(CKY-I | CKY-R | IP | Port)` (RFC 3947 section 3.2)
fn address_hash(core: &Core, hash: HashAlgorithm, cookies: CookiePair, address: SocketAddr) -> Bytes {
    let port = address.port().to_be_bytes();
    let cookies = cookies.to_bytes();
    Bytes::from(match address.ip() {
        IpAddr::V4(ip) => core.provider.hash(hash, &[&cookies, &ip.octets(), &port]),
        IpAddr::V6(ip) => core.provider.hash(hash, &[&cookies, &ip.octets(), &port]),
    })
}

/// The NAT-D payloads of a message of ours: first the address it goes to, then our own.
pub(crate) fn discovery(
    core: &Core,
    peer: &PeerConfig,
    hash: HashAlgorithm,
    cookies: CookiePair,
    path: &Path,
) -> [Payload; 2] {
    let source = match peer.nat_traversal {
        // An address that is never a source on the wire, so the peer finds that we are behind a NAT.
        NatTraversal::Force => SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), path.local.port()),
        NatTraversal::Off | NatTraversal::Auto => path.local,
    };
    [path.remote, source].map(|address| {
        Payload::NatDiscovery(NatDiscovery { hash: address_hash(core, hash, cookies, address), draft: false })
    })
}

/// Whether the received NAT-D payloads show a NAT between us: the first is the peer's view of our
/// address, the others its own addresses (RFC 3947 section 3.2).
pub(crate) fn nat_found(
    core: &Core,
    peer: &PeerConfig,
    hash: HashAlgorithm,
    cookies: CookiePair,
    path: &Path,
    chain: &Chain,
) -> bool {
    let mut received = chain.payloads.iter().filter_map(|p| match &p.payload {
        Payload::NatDiscovery(nat_d) => Some(&nat_d.hash),
        _ => None,
    });
    let Some(ours) = received.next() else { return false };
    let behind_nat = *ours != address_hash(core, hash, cookies, path.local);
    let expected = address_hash(core, hash, cookies, path.remote);
    let peer_behind_nat = received.all(|hash| *hash != expected);
    behind_nat || peer_behind_nat || peer.nat_traversal == NatTraversal::Force
}
