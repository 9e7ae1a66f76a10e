//! What an endpoint is told before it starts: peers, identities, keys, proposals, lifetimes.

use core::time::Duration;
use std::net::{IpAddr, SocketAddr};

use crate::crypto::{CipherAlgorithm, Group, HashAlgorithm, Secret};
use crate::limits::Limits;
use crate::wire::Identification;

/// Everything that an endpoint is told.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The peers that it knows; the first that fits a datagram's source address is used.
    pub peers: Vec<PeerConfig>,
    /// Bounds on what peers can make it hold.
    pub limits: Limits,
}

/// Which exchange sets up phase 1 (RFC 2409 sections 5.4 and following).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase1Mode {
    /// Identity protection: six messages.
    Main,
    /// Three messages.
    Aggressive,
}

/// Whether NAT traversal (RFC 3947) is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NatTraversal {
    /// No vendor ID, no NAT-D payloads.
    Off,
    /// Offered; the float to the NAT-T port happens when a NAT is found.
    Auto,
    /// Offered; our NAT-D payload claims a source that is not ours, so the peer finds a NAT.
    Force,
}

/// One peer and how to speak with it.
#[derive(Debug, Clone)]
pub struct PeerConfig {
    /// Its name in commands.
    pub name: String,
    /// Our end for plain ISAKMP; port 500 in the field.
    pub local: SocketAddr,
    /// Our end for NAT traversal; port 4500 in the field.
    pub local_nat_t: SocketAddr,
    /// Its address; `None` accepts any source (responder only).
    pub remote: Option<IpAddr>,
    /// Its ISAKMP port.
    pub remote_port: u16,
    /// Its NAT traversal port.
    pub remote_nat_t_port: u16,
    /// The exchange that we initiate, and the only one that we accept.
    pub mode: Phase1Mode,
    /// IDii or IDir that we send.
    pub local_id: Identification,
    /// The identity that the peer must show; `None` accepts any.
    pub remote_id: Option<Identification>,
    /// The pre-shared key.
    pub pre_shared_key: Secret,
    /// Phase 1 transforms, best first.
    pub phase1: Vec<Phase1Transform>,
    /// Life of the ISAKMP SA in seconds, which we offer and at most accept.
    pub phase1_lifetime: Duration,
    /// IPsec SAs that may be set up with this peer.
    pub ipsec: Vec<IpsecPolicy>,
    /// NAT traversal.
    pub nat_traversal: NatTraversal,
    /// Send INITIAL-CONTACT with our last message of phase 1, as its initiator, when no other SA with the peer stands.
    pub initial_contact: bool,
    /// Retransmission of unanswered messages.
    pub retransmission: Retransmission,
    /// Replace SAs before they expire (as the side that initiated them); else they just expire.
    pub rekey: bool,
    /// How long before the end of a lifetime the initiator of an SA replaces it.
    pub rekey_margin: Duration,
}

/// One acceptable set of phase 1 attributes. The authentication method is a pre-shared key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Phase1Transform {
    /// Encryption algorithm with its key length.
    pub cipher: CipherAlgorithm,
    /// Hash algorithm; the prf is its HMAC.
    pub hash: HashAlgorithm,
    /// Diffie-Hellman group.
    pub group: Group,
}

/// AH or ESP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IpsecProtocol {
    /// Authentication header (RFC 2402).
    Ah,
    /// Encapsulating security payload (RFC 2406).
    Esp,
}

/// Integrity algorithm of AH and ESP (RFC 2407 section 4.5, RFC 4868).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IntegrityAlgorithm {
    /// HMAC-MD5-96 (RFC 2403).
    HmacMd5,
    /// HMAC-SHA-1-96 (RFC 2404).
    HmacSha1,
    /// HMAC-SHA-256-128 (RFC 4868).
    HmacSha2_256,
    /// HMAC-SHA-384-192 (RFC 4868).
    HmacSha2_384,
    /// HMAC-SHA-512-256 (RFC 4868).
    HmacSha2_512,
}

impl IntegrityAlgorithm {
    /// All algorithms with their names.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::HmacMd5, "md5"),
        (Self::HmacSha1, "sha1"),
        (Self::HmacSha2_256, "sha2-256"),
        (Self::HmacSha2_384, "sha2-384"),
        (Self::HmacSha2_512, "sha2-512"),
    ];

    /// The underlying hash.
    pub fn hash(self) -> HashAlgorithm {
        match self {
            Self::HmacMd5 => HashAlgorithm::Md5,
            Self::HmacSha1 => HashAlgorithm::Sha1,
            Self::HmacSha2_256 => HashAlgorithm::Sha2_256,
            Self::HmacSha2_384 => HashAlgorithm::Sha2_384,
            Self::HmacSha2_512 => HashAlgorithm::Sha2_512,
        }
    }

    /// Key length in bytes: the hash's output length (RFC 2403, 2404 and 4868).
    pub fn key_len(self) -> usize {
        self.hash().output_len()
    }

    /// Length of the truncated integrity check value in bytes.
    pub fn icv_len(self) -> usize {
        match self {
            Self::HmacMd5 | Self::HmacSha1 => 12,
            Self::HmacSha2_256 => 16,
            Self::HmacSha2_384 => 24,
            Self::HmacSha2_512 => 32,
        }
    }

    /// Its name in scenarios.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(a, _)| *a == self).map_or("?", |(_, name)| name)
    }
}

/// Encapsulation mode before NAT traversal; the UDP-encapsulated variants are used when a NAT was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encapsulation {
    /// Whole IP packets.
    Tunnel,
    /// Payloads of IP packets.
    Transport,
}

/// One acceptable set of IPsec attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IpsecTransform {
    /// ESP's cipher; `None` is ESP_NULL. Not used by AH.
    pub cipher: Option<CipherAlgorithm>,
    /// Integrity; AH needs it.
    pub integrity: Option<IntegrityAlgorithm>,
}

/// An IPsec SA that may be set up with a peer.
#[derive(Debug, Clone)]
pub struct IpsecPolicy {
    /// Its name in commands.
    pub name: String,
    /// AH or ESP.
    pub protocol: IpsecProtocol,
    /// Acceptable transforms, best first.
    pub transforms: Vec<IpsecTransform>,
    /// Tunnel or transport.
    pub encapsulation: Encapsulation,
    /// Group of a Diffie-Hellman exchange in quick mode (PFS).
    pub pfs: Option<Group>,
    /// Our client identity. With `None` on both sides no IDs are sent, and the ISAKMP addresses are meant.
    pub local_client: Option<Identification>,
    /// The peer's client identity.
    pub remote_client: Option<Identification>,
    /// Life of the SAs in seconds, which we offer and at most accept.
    pub lifetime: Duration,
}

/// Retransmission: after `first`, then `factor` times longer each time, `tries` times in all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retransmission {
    /// Wait before the first retransmission.
    pub first: Duration,
    /// Growth of the wait.
    pub factor: f64,
    /// Retransmissions before the exchange is given up.
    pub tries: u8,
}

impl Default for Retransmission {
    fn default() -> Self {
        Self { first: Duration::from_secs(2), factor: 1.8, tries: 4 }
    }
}
