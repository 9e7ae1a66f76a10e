//! What both sides are configured with. Every field is optional; see [`crate::case`] for the defaults.

use core::net::{Ipv4Addr, Ipv6Addr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::{
    Authentication, Cipher, ClientMatch, Encapsulation, EspCipher, Group, Hash, Integrity, NatTraversal, Pfs,
    Phase1Exchange, Protocol,
};
use super::names::{DpdTrigger, FragmentationMode, NatTraversalVersion};
use super::pki::PkiConfig;
use super::remote_access::{ModeConfig, XauthConfig};

/// Configuration of both sides. A field of `harness` or `peer` wins over the matrix, the matrix over `common`,
/// `common` over the default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What holds for both sides.
    #[serde(default, skip_serializing_if = "SideConfig::is_empty")]
    pub common: SideConfig,
    /// What holds for the harness engine only.
    #[serde(default, skip_serializing_if = "SideConfig::is_empty")]
    pub harness: SideConfig,
    /// What holds for the peer only.
    #[serde(default, skip_serializing_if = "SideConfig::is_empty")]
    pub peer: SideConfig,
}

/// Configuration of one side.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SideConfig {
    /// The exchange that sets up phase 1. Default `main-mode`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Phase1Exchange>,
    /// The pre-shared key, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub psk: Option<String>,
    /// Keys and certificates, where an authentication method takes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pki: Option<PkiConfig>,
    /// The identity that this side sends in phase 1. Default `address`; with public keys the domain name in this side's
    /// certificate, `harness.example.org` or `peer.example.org`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Identity>,
    /// The identity that this side requires of the other. Default: the one that the other sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_id: Option<Identity>,
    /// Take first messages from any address, so that the identity alone says who it is. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub any_address: Option<bool>,
    /// Phase 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase1: Option<Phase1Config>,
    /// Phase 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase2: Option<Phase2Config>,
    /// Extended authentication. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xauth: Option<XauthConfig>,
    /// Mode-Config. Default: none; requests are answered nevertheless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode_config: Option<ModeConfig>,
    /// NAT traversal. Default `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat_traversal: Option<NatTraversal>,
    /// The versions of NAT traversal that are announced. Default: `rfc3947`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat_traversal_versions: Option<Vec<NatTraversalVersion>>,
    /// Behind a NAT, a keep-alive goes out when nothing else has for so many seconds. Default: none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat_keep_alive_seconds: Option<u32>,
    /// Dead peer detection. Default: neither announced nor answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpd: Option<Dpd>,
    /// Fragmentation of messages. Default: off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fragmentation: Option<Fragmentation>,
    /// Send INITIAL-CONTACT with the first ISAKMP SA. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_contact: Option<bool>,
    /// As responder, say a life that is shorter than the offered one by RESPONDER-LIFETIME. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responder_lifetime: Option<bool>,
    /// As responder, say in quick mode by REPLAY-STATUS that replays are detected. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_status: Option<bool>,
    /// Set the Commit bit in quick mode, as responder unless the initiator has set it, and send CONNECTED. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_bit: Option<bool>,
    /// Say under the new ISAKMP SA which certificates and requests for certificates were of no use. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_discarded: Option<bool>,
    /// The private group that `private` means as a group. Default: ffdhe2048 of RFC 7919 as 32768.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_group: Option<PrivateGroup>,
    /// Take groups that the other side defines by New Group mode. Default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_groups: Option<bool>,
    /// Retransmission of unanswered messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retransmission: Option<Retransmission>,
    /// Replace SAs before they expire. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rekey: Option<bool>,
    /// How long before the end of a lifetime SAs are replaced, in seconds. Default 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rekey_margin_seconds: Option<u32>,
}

impl SideConfig {
    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A group by its numbers: a MODP group, or an EC2N group where `ec2n` says one (RFC 2409 section 5.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrivateGroup {
    /// The Group Description that New Group mode gives it.
    #[serde(default = "private_description")]
    pub description: u16,
    /// The prime, in hex.
    #[serde(default = "private_prime")]
    pub prime: String,
    /// The generator, in hex.
    #[serde(default = "private_generator")]
    pub generator: String,
    /// The numbers of an EC2N group, which takes the place of prime and generator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ec2n: Option<PrivateEc2n>,
}

/// An EC2N group by its numbers, in hex: `y^2 + xy = x^3 + ax^2 + b` over the polynomials modulo an irreducible one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrivateEc2n {
    /// The irreducible polynomial.
    pub polynomial: String,
    /// a.
    pub a: String,
    /// b.
    pub b: String,
    /// The generator's x coordinate.
    pub x: String,
    /// The generator's y coordinate.
    pub y: String,
    /// The order of the curve, or of the generator.
    pub order: String,
}

impl PrivateGroup {
    /// Whether it is the group that scenarios have when they say none.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for PrivateGroup {
    fn default() -> Self {
        Self {
            description: private_description(),
            prime: private_prime(),
            generator: private_generator(),
            ec2n: None,
        }
    }
}

const fn private_description() -> u16 {
    0x8000
}

/// The prime of ffdhe2048 (RFC 7919 Appendix A.1), which is no group of IKE.
const FFDHE2048: &str = "\
    ffffffffffffffffadf85458a2bb4a9aafdc5620273d3cf1d8b9c583ce2d3695a9e13641146433fbcc939dce249b3ef9\
    7d2fe363630c75d8f681b202aec4617ad3df1ed5d5fd65612433f51f5f066ed0856365553ded1af3b557135e7f57c935\
    984f0c70e0e68b77e2a689daf3efe8721df158a136ade73530acca4f483a797abc0ab182b324fb61d108a94bb2c8e3fb\
    b96adab760d7f4681d4f42a3de394df4ae56ede76372bb190b07a7c8ee0a6d709e02fce1cdf7e2ecc03404cd28342f61\
    9172fe9ce98583ff8e4f1232eef28183c3fe3b1b4c6fad733bb5fcbc2ec22005c58ef1837d1683b2c6f34a26c1b2effa\
    886b423861285c97ffffffffffffffff";

fn private_prime() -> String {
    FFDHE2048.to_owned()
}

fn private_generator() -> String {
    "02".to_owned()
}

/// An identity of phase 1 (RFC 2407 section 4.6.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Identity {
    /// The address that the side sends from, as ID_IPV4_ADDR or ID_IPV6_ADDR.
    Address,
    /// ID_IPV4_ADDR with another address.
    Ipv4(Ipv4Addr),
    /// ID_FQDN.
    Fqdn(String),
    /// ID_USER_FQDN.
    UserFqdn(String),
    /// ID_KEY_ID, as text.
    KeyId(String),
    /// ID_DER_ASN1_DN: a distinguished name as text of RFC 4514, the most specific part first, such as
    /// `CN=peer-rsa,O=IKEv1 harness,C=ZZ`.
    Dn(String),
    /// No type and no data: what a host sends in hybrid authentication, which does not look at it.
    Empty,
}

/// Phase 1 of one side.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Phase1Config {
    /// Transforms, best first. Default: aes128, sha1 and the default group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transforms: Option<Vec<Phase1Transform>>,
    /// Life of the ISAKMP SA in seconds. Default 3600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime_seconds: Option<u32>,
    /// As initiator, offer no Key Length attribute, and as responder understand such an offer, where the key has the length that RFC 2409 Appendix B gives it then:
    /// Blowfish 448 bits, RC5 and CAST 128. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub omit_default_key_length: Option<bool>,
}

/// One transform of phase 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Phase1Transform {
    /// Authentication method. Default `psk`.
    #[serde(default = "psk", skip_serializing_if = "is_psk")]
    pub authentication: Authentication,
    /// Encryption algorithm.
    pub cipher: Cipher,
    /// Hash algorithm.
    pub hash: Hash,
    /// Diffie-Hellman group. Default: the run's, which is the first of modp1024, modp1536 and modp2048 that the peer has.
    /// Name one only where the case is about it, and then in every transform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
}

pub(crate) const fn psk() -> Authentication {
    Authentication::Psk
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
pub(crate) fn is_psk(authentication: &Authentication) -> bool {
    *authentication == Authentication::Psk
}

/// Phase 2 of one side.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Phase2Config {
    /// ESP or AH. Default `esp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Encapsulation mode. Default `tunnel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encapsulation: Option<Encapsulation>,
    /// Transforms, best first. Default: aes128 with sha1 (AH uses the integrity algorithm only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transforms: Option<Vec<Phase2Transform>>,
    /// Further protocols that are negotiated together with `protocol`, all or none. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Vec<BundledProtocol>>,
    /// Further SAs that are negotiated in the same quick mode, each by an SA payload of its own, and then stand for
    /// themselves. What is not said of them is as for the first: encapsulation, perfect forward secrecy, lives and clients.
    /// As responder an offer may have any of a side's SAs, in their order. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub further_sas: Option<Vec<FurtherSa>>,
    /// What else is offered and taken, next best first: each is a protocol or a bundle, under a proposal number of its own.
    /// Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternatives: Option<Vec<Vec<BundledProtocol>>>,
    /// Perfect forward secrecy. Default `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pfs: Option<Pfs>,
    /// Life of the IPsec SAs in seconds. Default 1200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime_seconds: Option<u32>,
    /// Life of the IPsec SAs in kilobytes of 1024 bytes. Default: none is offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime_kilobytes: Option<u32>,
    /// Send client identities (IDci, IDcr). Default: true in tunnel mode, false in transport mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<bool>,
    /// This side's client network, e.g. `10.11.0.0/24`. Default 10.11.0.0/24 for the harness and
    /// 10.12.0.0/24 for the peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The client network that this side expects of the other. Default: the other's `client`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_client: Option<String>,
    /// What names this side's client instead of `client`, which then is only used by traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// What names the other's client, as this side expects it. Default: the other's `client_id`, unless `remote_client` is
    /// given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_client_id: Option<ClientId>,
    /// Which clients that the other names as initiator are taken. Default `same`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_match: Option<ClientMatch>,
}

/// A client identity of quick mode, IDci or IDcr (RFC 2407 section 4.6.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientId {
    /// Type and data.
    pub id: ClientName,
    /// IP protocol number; 0 is any.
    #[serde(default)]
    pub protocol: u8,
    /// Port; 0 is any.
    #[serde(default)]
    pub port: u16,
}

/// Type and data of a client identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientName {
    /// ID_IPV4_ADDR.
    Ipv4(Ipv4Addr),
    /// ID_IPV4_ADDR_SUBNET.
    Ipv4Subnet {
        /// The network.
        network: Ipv4Addr,
        /// Bits of its mask.
        #[schemars(range(max = 32))]
        prefix: u8,
    },
    /// ID_IPV4_ADDR_RANGE.
    Ipv4Range {
        /// First address.
        first: Ipv4Addr,
        /// Last address.
        last: Ipv4Addr,
    },
    /// ID_IPV6_ADDR.
    Ipv6(Ipv6Addr),
    /// ID_IPV6_ADDR_SUBNET.
    Ipv6Subnet {
        /// The network.
        network: Ipv6Addr,
        /// Bits of its mask.
        #[schemars(range(max = 128))]
        prefix: u8,
    },
    /// ID_IPV6_ADDR_RANGE.
    Ipv6Range {
        /// First address.
        first: Ipv6Addr,
        /// Last address.
        last: Ipv6Addr,
    },
    /// ID_FQDN.
    Fqdn(String),
    /// ID_USER_FQDN.
    UserFqdn(String),
    /// ID_DER_ASN1_DN, as text of RFC 4514.
    Dn(String),
    /// ID_DER_ASN1_GN: a dNSName.
    DnsGeneralName(String),
    /// ID_KEY_ID, as text.
    KeyId(String),
}

impl ClientName {
    /// Whether it names addresses of IPv4.
    pub const fn is_ipv4(&self) -> bool {
        matches!(self, Self::Ipv4(_) | Self::Ipv4Subnet { .. } | Self::Ipv4Range { .. })
    }
}

/// A further protocol of a bundle of SAs (RFC 2408 section 4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BundledProtocol {
    /// ESP, AH or IPComp; each protocol comes once.
    pub protocol: Protocol,
    /// Transforms, best first.
    pub transforms: Vec<Phase2Transform>,
}

/// A further SA of one quick mode (RFC 2409 section 5.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FurtherSa {
    /// ESP or AH.
    pub protocol: Protocol,
    /// Transforms, best first.
    pub transforms: Vec<Phase2Transform>,
    /// Further protocols that are negotiated together with `protocol`, all or none. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bundle: Vec<BundledProtocol>,
}

/// One transform of phase 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Phase2Transform {
    /// ESP's cipher; AH does not use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cipher: Option<EspCipher>,
    /// Integrity algorithm; may be left out in ESP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrity: Option<Integrity>,
    /// Sequence numbers of 64 bits (RFC 4304), which take an integrity algorithm. Default false.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub extended_sequence_numbers: bool,
}

/// Dead peer detection (RFC 3706).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dpd {
    /// When the other side is asked whether it lives.
    pub trigger: DpdTrigger,
    /// How long nothing has come before it is asked, in seconds. Not used by `command`.
    #[serde(default = "dpd_worry_seconds")]
    pub worry_seconds: u32,
    /// How long an answer is waited for, in seconds.
    #[serde(default = "dpd_timeout_seconds")]
    pub timeout_seconds: u32,
    /// How often it is asked once more before it is dead.
    #[serde(default = "dpd_retries")]
    pub retries: u8,
}

const fn dpd_worry_seconds() -> u32 {
    30
}

const fn dpd_timeout_seconds() -> u32 {
    2
}

const fn dpd_retries() -> u8 {
    2
}

/// Fragmentation of messages (payload type 132).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fragmentation {
    /// In which direction.
    pub mode: FragmentationMode,
    /// The largest UDP payload in bytes that a message goes out in without being cut.
    #[serde(default = "fragment_size")]
    #[schemars(range(min = 64))]
    pub size: u16,
}

impl Default for Fragmentation {
    fn default() -> Self {
        Self { mode: FragmentationMode::Off, size: fragment_size() }
    }
}

const fn fragment_size() -> u16 {
    1280
}

/// Retransmission: after `first_ms`, then `factor` times longer each time, `tries` times in all.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retransmission {
    /// Wait before the first retransmission, in milliseconds.
    pub first_ms: u32,
    /// Growth of the wait.
    pub factor: f64,
    /// Retransmissions before the exchange is given up.
    pub tries: u8,
}
