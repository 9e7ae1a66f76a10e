//! NAT traversal in phase 1 (RFC 3947 and the drafts before it): NAT-D payloads, and what they say.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;

use crate::config::{NatTraversal, NatTraversalVersion};
use crate::core::Core;
use crate::crypto::HashAlgorithm;
use crate::deviation::{Deviation, deviates};
use crate::phase1::Cx;
use crate::wire::{Chain, CookiePair, NatDiscovery, Payload};

/// A NAT between the two sides, real or pretended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nat {
    /// The version of NAT traversal that was agreed on.
    pub(crate) version: NatTraversalVersion,
    /// We are behind it, or pretend to be: we keep its mapping alive, and never follow the peer to another address.
    pub(crate) before_us: bool,
    /// The peer is behind it: it may turn up at another address.
    pub(crate) before_peer: bool,
}

impl Nat {
    /// Whether the peer is followed to another address (RFC 3947 section 7).
    pub(crate) fn follows_peer(self) -> bool {
        self.before_peer && !self.before_us
    }
}

/// `HASH = HASH(CKY-I | CKY-R | IP | Port)` (RFC 3947 section 3.2)
fn address_hash(core: &Core, hash: HashAlgorithm, cookies: CookiePair, address: SocketAddr) -> Bytes {
    let port = address.port().to_be_bytes();
    let cookies = cookies.to_bytes();
    let cookies = if deviates(Deviation::NatDWithoutCookies) { &[][..] } else { &cookies };
    Bytes::from(match address.ip() {
        IpAddr::V4(ip) => core.provider.hash(hash, &[cookies, &ip.octets(), &port]),
        IpAddr::V6(ip) => core.provider.hash(hash, &[cookies, &ip.octets(), &port]),
    })
}

/// The NAT-D payloads of a message of ours, when NAT traversal is agreed on: first the address it goes to, then our own.
pub(crate) fn discovery(
    cx: &Cx<'_>,
    agreed: Option<NatTraversalVersion>,
    hash: HashAlgorithm,
) -> Vec<Payload> {
    let Some(version) = agreed else { return Vec::new() };
    let source = match cx.peer.nat_traversal {
        // An address that is never a source on the wire, so the peer finds that we are behind a NAT.
        NatTraversal::Force => SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), cx.path.local.port()),
        NatTraversal::Off | NatTraversal::Auto => cx.path.local,
    };
    let payload = |address| {
        let hash = address_hash(cx.core, hash, cx.cookies, address);
        Payload::NatDiscovery(NatDiscovery { hash, draft: version.is_draft() })
    };
    let mut payloads = vec![payload(cx.path.remote), payload(source)];
    if deviates(Deviation::NatDOfItsOwnAddressFirst) {
        payloads.reverse();
    }
    payloads
}

/// What the received NAT-D payloads show: the first is the peer's view of our address, the others its own addresses
/// (RFC 3947 section 3.2). `None` where nothing translates addresses, or NAT traversal is not agreed on.
pub(crate) fn nat_found(
    cx: &Cx<'_>,
    agreed: Option<NatTraversalVersion>,
    hash: HashAlgorithm,
    chain: &Chain,
) -> Option<Nat> {
    let version = agreed?;
    let mut received = chain.payloads.iter().filter_map(|p| match &p.payload {
        Payload::NatDiscovery(nat_d) if nat_d.draft == version.is_draft() => Some(&nat_d.hash),
        _ => None,
    });
    let ours = received.next()?;
    let translated = *ours != address_hash(cx.core, hash, cx.cookies, cx.path.local);
    let expected = address_hash(cx.core, hash, cx.cookies, cx.path.remote);
    let before_peer = received.all(|hash| *hash != expected);
    let before_us = translated || cx.peer.nat_traversal == NatTraversal::Force;
    (before_us || before_peer).then_some(Nat { version, before_us, before_peer })
}
