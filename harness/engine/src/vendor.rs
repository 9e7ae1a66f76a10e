//! Vendor IDs: which extensions a side announces (RFC 2408 section 3.16).

use bytes::Bytes;

use crate::config::{FragmentationMode, NatTraversal, NatTraversalVersion, PeerConfig};
use crate::deviation::{Deviation, deviates};
use crate::wire::{Chain, Payload, VendorId};

/// The vendor ID that announces RFC 3947: MD5 of "RFC 3947" (section 3.1).
pub const VENDOR_ID_RFC_3947: [u8; 16] =
    [0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45, 0x5c, 0x57, 0x28, 0xf2, 0x0e, 0x95, 0x45, 0x2f];
/// MD5 of "draft-ietf-ipsec-nat-t-ike-03".
const VENDOR_ID_DRAFT_03: [u8; 16] =
    [0x7d, 0x94, 0x19, 0xa6, 0x53, 0x10, 0xca, 0x6f, 0x2c, 0x17, 0x9d, 0x92, 0x15, 0x52, 0x9d, 0x56];
/// MD5 of "draft-ietf-ipsec-nat-t-ike-02" and a line feed.
const VENDOR_ID_DRAFT_02_LINE_FEED: [u8; 16] =
    [0x90, 0xcb, 0x80, 0x91, 0x3e, 0xbb, 0x69, 0x6e, 0x08, 0x63, 0x81, 0xb5, 0xec, 0x42, 0x7b, 0x1f];
/// MD5 of "draft-ietf-ipsec-nat-t-ike-02".
const VENDOR_ID_DRAFT_02: [u8; 16] =
    [0xcd, 0x60, 0x46, 0x43, 0x35, 0xdf, 0x21, 0xf8, 0x7c, 0xfd, 0xb2, 0xfc, 0x68, 0xb6, 0xa4, 0x48];
/// The vendor ID that announces dead peer detection, version 1.0 (RFC 3706 section 5.1).
pub const VENDOR_ID_DPD: [u8; 16] =
    [0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9, 0x6b, 0x86, 0x96, 0xfc, 0x77, 0x57, 0x01, 0x00];
/// The vendor ID that announces fragmentation: MD5 of "FRAGMENTATION". Cisco and all that follow it send four octets of
/// capabilities behind, Microsoft none.
pub const VENDOR_ID_FRAGMENTATION: [u8; 16] =
    [0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8, 0x85, 0x25, 0xe7, 0xde, 0x7f, 0x00, 0xd6, 0xc2, 0xd3];
/// The vendor ID that announces extended authentication (XAUTH draft section 4).
pub const VENDOR_ID_XAUTH: [u8; 8] = [0x09, 0x00, 0x26, 0x89, 0xdf, 0xd6, 0xb7, 0x12];
/// Fragments in main and in aggressive mode; daemons that know only one of the bits look at the first.
const FRAGMENTATION_CAPABILITIES: [u8; 4] = [0x80, 0, 0, 0];

impl NatTraversalVersion {
    /// All versions, newest first.
    pub const ALL: [Self; 4] = [Self::Rfc3947, Self::Draft03, Self::Draft02LineFeed, Self::Draft02];

    /// The vendor ID that announces it.
    pub fn vendor_id(self) -> [u8; 16] {
        match self {
            Self::Rfc3947 => VENDOR_ID_RFC_3947,
            Self::Draft03 => VENDOR_ID_DRAFT_03,
            Self::Draft02LineFeed => VENDOR_ID_DRAFT_02_LINE_FEED,
            Self::Draft02 => VENDOR_ID_DRAFT_02,
        }
    }

    /// Whether it is one of the drafts, which have payload types 130 and 131 and encapsulation modes of their own.
    pub fn is_draft(self) -> bool {
        self != Self::Rfc3947
    }
}

/// What a peer has announced so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) dead_peer_detection: bool,
    pub(crate) fragmentation: bool,
}

impl Announced {
    /// What is announced by now, with the vendor IDs of one more message.
    pub(crate) fn with(self, chain: &Chain) -> Self {
        let fragments = |data: &Bytes| {
            let capabilities = data.strip_prefix(VENDOR_ID_FRAGMENTATION.as_slice());
            capabilities.is_some_and(|rest| rest.is_empty() || rest.len() == 4)
        };
        Self {
            dead_peer_detection: self.dead_peer_detection
                || vendor_ids(chain).any(|data| data.as_ref() == VENDOR_ID_DPD),
            fragmentation: self.fragmentation || vendor_ids(chain).any(fragments),
        }
    }
}

fn vendor_ids(chain: &Chain) -> impl Iterator<Item = &Bytes> {
    chain.iter().filter_map(|payload| match payload {
        Payload::VendorId(vendor_id) => Some(&vendor_id.data),
        _ => None,
    })
}

fn payload(data: impl Into<Bytes>) -> Payload {
    Payload::VendorId(VendorId { data: data.into() })
}

/// The vendor IDs of our first message, as initiator: every version of NAT traversal, newest first, and the extensions.
pub(crate) fn offered(peer: &PeerConfig) -> Vec<Payload> {
    let nat_t = peer.nat_traversal != NatTraversal::Off;
    let versions = NatTraversalVersion::ALL.into_iter();
    let mut payloads: Vec<_> = versions
        .filter(|version| nat_t && peer.nat_traversal_versions.contains(version))
        .map(|version| payload(version.vendor_id().to_vec()))
        .collect();
    payloads.extend(extensions(peer));
    payloads
}

/// The vendor IDs of our first message, as responder: the one version of NAT traversal that is agreed on, and the
/// extensions.
pub(crate) fn answered(peer: &PeerConfig, nat_t: Option<NatTraversalVersion>) -> Vec<Payload> {
    let nat_t = nat_t.map(|version| payload(version.vendor_id().to_vec()));
    nat_t.into_iter().chain(extensions(peer)).collect()
}

/// Extensions are announced whether the peer announces them or not.
fn extensions(peer: &PeerConfig) -> impl Iterator<Item = Payload> {
    let dpd = peer
        .dead_peer_detection
        .filter(|_| !deviates(Deviation::AnnouncesNoDpd))
        .map(|_| payload(VENDOR_ID_DPD.to_vec()));
    let fragments = (peer.fragmentation.mode != FragmentationMode::Off)
        .then(|| payload([VENDOR_ID_FRAGMENTATION.as_slice(), &FRAGMENTATION_CAPABILITIES].concat()));
    let xauth = peer.extended_authentication.as_ref().map(|_| payload(VENDOR_ID_XAUTH.to_vec()));
    dpd.into_iter().chain(fragments).chain(xauth)
}

/// The newest version of NAT traversal that both sides announce (RFC 3947 section 3.1).
pub(crate) fn agreed_nat_t(peer: &PeerConfig, chain: &Chain) -> Option<NatTraversalVersion> {
    if peer.nat_traversal == NatTraversal::Off {
        return None;
    }
    let announced = |version: &NatTraversalVersion| {
        vendor_ids(chain).any(|data| data.as_ref() == version.vendor_id().as_slice())
    };
    let unasked = deviates(Deviation::UsesNatTraversalUnasked).then_some(NatTraversalVersion::Rfc3947);
    peer.nat_traversal_versions.iter().copied().filter(announced).max().or(unasked)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::common;
    use crate::crypto::{HashAlgorithm, reference};
    use crate::wire::{Trailing, WireLimits, decode_chain, encode_chain};

    fn chain(ids: &[&[u8]]) -> Chain {
        let payloads: Vec<_> = ids.iter().map(|data| payload(data.to_vec())).collect();
        let (first, body) = encode_chain(&payloads);
        decode_chain(first, &body.into(), Trailing::Alignment, &WireLimits::default()).unwrap()
    }

    #[rstest]
    #[case::rfc_3947("RFC 3947", VENDOR_ID_RFC_3947)]
    #[case::draft_03("draft-ietf-ipsec-nat-t-ike-03", VENDOR_ID_DRAFT_03)]
    #[case::draft_02_with_a_line_feed("draft-ietf-ipsec-nat-t-ike-02\n", VENDOR_ID_DRAFT_02_LINE_FEED)]
    #[case::draft_02("draft-ietf-ipsec-nat-t-ike-02", VENDOR_ID_DRAFT_02)]
    #[case::fragmentation("FRAGMENTATION", VENDOR_ID_FRAGMENTATION)]
    fn a_vendor_id_is_the_md5_of_its_name(#[case] name: &str, #[case] expected: [u8; 16]) {
        assert_eq!(reference().hash(HashAlgorithm::Md5, &[name.as_bytes()]), expected);
    }

    #[rstest]
    #[case::all_known(&NatTraversalVersion::ALL, &NatTraversalVersion::ALL, Some(NatTraversalVersion::Rfc3947))]
    #[case::order_does_not_matter(
        &[NatTraversalVersion::Draft02, NatTraversalVersion::Draft03],
        &NatTraversalVersion::ALL,
        Some(NatTraversalVersion::Draft03)
    )]
    #[case::peer_has_only_a_draft(
        &NatTraversalVersion::ALL,
        &[NatTraversalVersion::Draft02LineFeed],
        Some(NatTraversalVersion::Draft02LineFeed)
    )]
    #[case::nothing_in_common(&[NatTraversalVersion::Rfc3947], &[NatTraversalVersion::Draft03], None)]
    fn the_newest_version_in_common_is_agreed_on(
        #[case] ours: &[NatTraversalVersion],
        #[case] theirs: &[NatTraversalVersion],
        #[case] expected: Option<NatTraversalVersion>,
    ) {
        let mut peer = common::peer_config(common::ALICE, common::BOB);
        peer.nat_traversal_versions = ours.to_vec();
        let ids: Vec<_> = theirs.iter().map(|version| version.vendor_id()).collect();
        let ids: Vec<&[u8]> = ids.iter().map(<[u8; 16]>::as_slice).collect();
        assert_eq!(agreed_nat_t(&peer, &chain(&ids)), expected);
        peer.nat_traversal = NatTraversal::Off;
        assert_eq!(agreed_nat_t(&peer, &chain(&ids)), None);
    }

    #[rstest]
    #[case::cisco(&[0x80, 0, 0, 0], true)]
    #[case::both_modes(&[0xc0, 0, 0, 0], true)]
    #[case::microsoft(&[], true)]
    #[case::another_length(&[0x80], false)]
    fn fragmentation_is_announced_with_or_without_capabilities(
        #[case] capabilities: &[u8],
        #[case] expected: bool,
    ) {
        let id = [&VENDOR_ID_FRAGMENTATION, capabilities].concat();
        let announced = Announced::default().with(&chain(&[b"something else", &id]));
        assert_eq!(announced, Announced { dead_peer_detection: false, fragmentation: expected });
        let both = announced.with(&chain(&[&VENDOR_ID_DPD]));
        assert_eq!(both, Announced { dead_peer_detection: true, fragmentation: expected });
    }
}
