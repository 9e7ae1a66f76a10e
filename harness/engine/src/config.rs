//! What an endpoint is told before it starts: peers, identities, keys, proposals, lifetimes.

mod remote_access;

use core::time::Duration;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::crypto::{CipherAlgorithm, Group, HashAlgorithm, KeyType, Secret};
use crate::limits::Limits;
use crate::pki::{Credentials, TrustStore, UnixTime};
use crate::wire::{AuthMethod, Identification};

pub use remote_access::{
    AddressPool, ConfigHost, ConfigMethod, ConfigServer, ExtendedAuthentication, ModeConfig, XauthPart,
    XauthPhase1, XauthRound, XauthServer, XauthUser,
};
pub(crate) use remote_access::{Extension, extended_number, method_of_number};

/// Everything that an endpoint is told.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The peers that it knows. A first message belongs to one whose address is its source, else to one without an
    /// address; where several fit, the offer and the identity decide, and at last their order here.
    pub peers: Vec<PeerConfig>,
    /// Bounds on what peers can make it hold.
    pub limits: Limits,
    /// The calendar time at [`Timestamp::ZERO`](crate::io::Timestamp::ZERO), for the validity of certificates. Without
    /// it every certificate is refused, and only keys known beforehand authenticate.
    pub clock_start: Option<UnixTime>,
}

/// When our certificates go along with our proof of identity, where it is a signature (RFC 4945 section 3.3.6), or with
/// the initiator's nonce, where it is encrypted by the revised mode (RFC 2409 section 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SendCertificate {
    /// When the peer asked by a CR payload for one of an authority that our chain leads to.
    #[default]
    IfAsked,
    /// Unasked too.
    Always,
    /// Never: the peer has them by other means.
    Never,
}

/// When the initiator names the responder's certificate by HASH(1), where public key encryption authenticates (RFC 2409
/// sections 5.2 and 5.3). It takes a certificate: a raw key cannot be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum NameCertificate {
    /// When we know several certificates of the responder.
    #[default]
    IfSeveral,
    /// Whenever we know a certificate of it.
    Always,
    /// Never.
    Never,
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
    /// No vendor ID, no NAT-D payloads, whatever versions are configured.
    Off,
    /// Offered; the float to the NAT-T port happens when a NAT is found.
    Auto,
    /// Offered; our NAT-D payload claims a source that is not ours, so the peer finds a NAT.
    Force,
}

/// A specification of NAT traversal that two sides may agree on, oldest first: the greatest that both announce is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NatTraversalVersion {
    /// draft-ietf-ipsec-nat-t-ike-02, announced by the MD5 of its name.
    Draft02,
    /// The same, announced by the MD5 of its name with a line feed behind, as the draft itself prints it.
    Draft02LineFeed,
    /// draft-ietf-ipsec-nat-t-ike-03.
    Draft03,
    /// RFC 3947.
    Rfc3947,
}

/// When a peer is asked whether it still lives (RFC 3706).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DpdTrigger {
    /// Never, but by [`Endpoint::probe_peer`](crate::Endpoint::probe_peer). The peer's own questions are answered.
    OnCommand,
    /// When nothing authenticated has come from it for this long.
    Idle(Duration),
    /// When packets are sent to it and nothing authenticated has come from it for this long (section 5.5).
    Traffic(Duration),
}

/// Dead peer detection (RFC 3706). It is announced by a vendor ID, and used when the peer announces it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadPeerDetection {
    /// When the peer is asked.
    pub trigger: DpdTrigger,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// How often the peer is asked once more before it is dead.
    pub retries: u8,
}

/// Whether messages may come and go in fragments (payload type 132).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FragmentationMode {
    /// Not announced; fragments are refused.
    Off,
    /// Announced, and fragments are taken; none are sent.
    Accept,
    /// As `Accept`, and messages that are too large go out in fragments to a peer that announces it.
    On,
    /// As `On`, whether the peer announces it or not.
    Force,
}

/// Fragmentation of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fragmentation {
    /// In which direction.
    pub mode: FragmentationMode,
    /// The largest UDP payload in bytes that a message goes out in without being cut; at least 64.
    pub size: u16,
}

impl Fragmentation {
    /// Neither announced nor used.
    pub const OFF: Self = Self { mode: FragmentationMode::Off, size: 1280 };
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
    /// Its address; `None` accepts any source (responder only). Several such peers are told apart by the identity: in
    /// aggressive mode at the first message, in main mode with signatures once the identity is decrypted. In main mode
    /// with a pre-shared key the first is taken, since SKEYID depends on the key (RFC 2409 section 5.4).
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
    /// What we prove our identity with where signatures or public key encryption authenticate.
    pub credentials: Option<Credentials>,
    /// Further key pairs that the initiator's HASH(1) may name, where public key encryption authenticates.
    pub further_credentials: Vec<Credentials>,
    /// When our HASH(1) names the certificate that we encrypt under.
    pub name_certificate: NameCertificate,
    /// Whom we believe about the peer's public key.
    pub trust: Arc<TrustStore>,
    /// When our certificates go along.
    pub send_certificate: SendCertificate,
    /// Ask for the peer's certificate, by a CR payload for each trust anchor (RFC 4945 section 3.2.7.1).
    pub request_certificate: bool,
    /// Refuse an identity that is an address other than the one that the peer speaks from, where a certificate vouches
    /// for the identity (RFC 4945 section 3.1.1).
    pub verify_address_id: bool,
    /// Phase 1 transforms, best first.
    pub phase1: Vec<Phase1Transform>,
    /// Offer phase 1 transforms without a Key Length attribute where the key has the length that RFC 2409 Appendix B gives
    /// it then: Blowfish 448 bits, RC5 and CAST 128. Otherwise every length that could be another one is stated; either
    /// form is accepted.
    pub omit_default_key_length: bool,
    /// Extended authentication, which then extends every transform.
    pub extended_authentication: Option<ExtendedAuthentication>,
    /// Mode-Config.
    pub mode_config: Option<ModeConfig>,
    /// Life of the ISAKMP SA in seconds, which we offer and at most accept.
    pub phase1_lifetime: Duration,
    /// IPsec SAs that may be set up with this peer.
    pub ipsec: Vec<IpsecPolicy>,
    /// NAT traversal.
    pub nat_traversal: NatTraversal,
    /// The versions of NAT traversal that are announced.
    pub nat_traversal_versions: Vec<NatTraversalVersion>,
    /// Behind a NAT, a keep-alive goes out when nothing else has for this long (RFC 3948 section 4, which suggests 20
    /// seconds); `None` sends none.
    pub nat_keep_alive: Option<Duration>,
    /// Send INITIAL-CONTACT at the end of phase 1 when no other SA with the peer stands (RFC 2407 section 4.6.3.3).
    pub initial_contact: bool,
    /// As responder, say by RESPONDER-LIFETIME that our life of an SA is shorter than the offered one (RFC 2407 sections
    /// 4.5.4 and 4.6.3.1): in quick mode 2, and for the ISAKMP SA right after phase 1.
    pub responder_lifetime: bool,
    /// As responder, say in quick mode 2 by REPLAY-STATUS that replays of packets are detected (RFC 2407 section 4.6.3.2).
    pub replay_status: bool,
    /// Set the Commit bit in quick mode, as responder unless the initiator has set it: the other side uses the SAs once our
    /// CONNECTED says that they stand (RFC 2408 section 3.1).
    pub commit_bit: bool,
    /// Tell the peer under the new ISAKMP SA which of its certificates and requests for certificates were of no use
    /// (RFC 2408 sections 5.9 and 5.10). Off unless it is known to do no harm: many peers take any notify of an error for
    /// the end of the SA.
    pub notify_discarded: bool,
    /// Take groups that the peer defines by New Group mode (RFC 2409 section 5.6).
    pub new_groups: bool,
    /// Dead peer detection; `None` neither announces it nor answers.
    pub dead_peer_detection: Option<DeadPeerDetection>,
    /// Fragmentation of messages.
    pub fragmentation: Fragmentation,
    /// Retransmission of unanswered messages.
    pub retransmission: Retransmission,
    /// Replace SAs before they expire (as the side that initiated them); else they just expire.
    pub rekey: bool,
    /// How long before the end of a lifetime the initiator of an SA replaces it.
    pub rekey_margin: Duration,
}

impl PeerConfig {
    /// A peer on the ports of the field, 500 and 4500, identified by its address, with main mode and no transform, key
    /// or policy yet. Everything else is off or has its usual value, so that a caller names just what it wants:
    /// `PeerConfig { mode, ..PeerConfig::new(name, local, remote) }`.
    #[must_use]
    pub fn new(name: impl Into<String>, local: IpAddr, remote: Option<IpAddr>) -> Self {
        Self {
            name: name.into(),
            local: SocketAddr::new(local, 500),
            local_nat_t: SocketAddr::new(local, 4500),
            remote,
            remote_port: 500,
            remote_nat_t_port: 4500,
            mode: Phase1Mode::Main,
            local_id: Identification::ip(local),
            remote_id: remote.map(Identification::ip),
            pre_shared_key: Secret::new(Vec::new()),
            credentials: None,
            further_credentials: Vec::new(),
            name_certificate: NameCertificate::IfSeveral,
            trust: Arc::default(),
            send_certificate: SendCertificate::IfAsked,
            request_certificate: true,
            verify_address_id: true,
            phase1: Vec::new(),
            omit_default_key_length: false,
            extended_authentication: None,
            mode_config: None,
            phase1_lifetime: Duration::from_secs(28_800),
            ipsec: Vec::new(),
            nat_traversal: NatTraversal::Off,
            nat_traversal_versions: vec![NatTraversalVersion::Rfc3947],
            nat_keep_alive: None,
            initial_contact: false,
            responder_lifetime: false,
            replay_status: false,
            commit_bit: false,
            notify_discarded: false,
            new_groups: false,
            dead_peer_detection: None,
            fragmentation: Fragmentation::OFF,
            retransmission: Retransmission::default(),
            rekey: false,
            rekey_margin: Duration::from_secs(300),
        }
    }
}

impl PeerConfig {
    /// Whether we have the private key that an authentication method takes, if it takes one of us.
    #[must_use]
    pub fn can_authenticate(&self, method: AuthenticationMethod) -> bool {
        let own = self.credentials.as_ref().map(|credentials| credentials.private_key().key_type());
        self.is_hybrid_host() || method.key_type().is_none_or(|wanted| own == Some(wanted))
    }
}

/// How the two sides of phase 1 show who they are (RFC 2409 section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum AuthenticationMethod {
    /// Both know a secret (RFC 2409 section 5.4).
    #[default]
    PreSharedKey,
    /// DSS signatures (RFC 2409 section 5.1).
    DssSignature,
    /// RSA signatures (RFC 2409 section 5.1).
    RsaSignature,
    /// Nonces and identities encrypted under the other side's RSA key (RFC 2409 section 5.2).
    RsaEncryption,
    /// As before, with only the nonce under RSA (RFC 2409 section 5.3).
    RevisedRsaEncryption,
    /// ECDSA with SHA-256 on P-256 (RFC 4754).
    EcdsaP256,
    /// ECDSA with SHA-384 on P-384 (RFC 4754).
    EcdsaP384,
    /// ECDSA with SHA-512 on P-521 (RFC 4754).
    EcdsaP521,
}

impl AuthenticationMethod {
    /// Every method.
    pub const ALL: &'static [Self] = &[
        Self::PreSharedKey,
        Self::DssSignature,
        Self::RsaSignature,
        Self::RsaEncryption,
        Self::RevisedRsaEncryption,
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::EcdsaP521,
    ];

    /// The name used in scenarios, such as `rsa-signature`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PreSharedKey => "psk",
            Self::DssSignature => "dss-signature",
            Self::RsaSignature => "rsa-signature",
            Self::RsaEncryption => "rsa-encryption",
            Self::RevisedRsaEncryption => "revised-rsa-encryption",
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::EcdsaP521 => "ecdsa-p521",
        }
    }

    /// The private key that it takes; `None` for a pre-shared key.
    #[must_use]
    pub const fn key_type(self) -> Option<KeyType> {
        match self {
            Self::PreSharedKey => None,
            Self::DssSignature => Some(KeyType::Dsa),
            Self::RsaSignature | Self::RsaEncryption | Self::RevisedRsaEncryption => Some(KeyType::Rsa),
            Self::EcdsaP256 => Some(KeyType::EcdsaP256),
            Self::EcdsaP384 => Some(KeyType::EcdsaP384),
            Self::EcdsaP521 => Some(KeyType::EcdsaP521),
        }
    }

    /// Whether SIG_I and SIG_R authenticate (RFC 2409 section 5.1).
    #[must_use]
    pub const fn is_signature(self) -> bool {
        matches!(
            self,
            Self::DssSignature | Self::RsaSignature | Self::EcdsaP256 | Self::EcdsaP384 | Self::EcdsaP521
        )
    }

    /// Whether nonces and identities go encrypted under public keys (RFC 2409 sections 5.2 and 5.3).
    #[must_use]
    pub const fn is_encryption(self) -> bool {
        matches!(self, Self::RsaEncryption | Self::RevisedRsaEncryption)
    }

    /// The hash whose HMAC makes the HASH_I and HASH_R that are signed, where the signature is tied to one: SHA for DSS
    /// (RFC 2409 section 5.1), that of RFC 4754 section 4 for ECDSA. `None` where it is the negotiated one.
    #[must_use]
    pub const fn tied_hash(self) -> Option<HashAlgorithm> {
        match (self.is_signature(), self.key_type()) {
            (true, Some(key)) => key.hash(),
            _ => None,
        }
    }

    /// Its number in the Authentication Method attribute (RFC 2409 Appendix A, RFC 4754).
    #[must_use]
    pub const fn number(self) -> AuthMethod {
        match self {
            Self::PreSharedKey => AuthMethod::PRE_SHARED_KEY,
            Self::DssSignature => AuthMethod::DSS_SIGNATURES,
            Self::RsaSignature => AuthMethod::RSA_SIGNATURES,
            Self::RsaEncryption => AuthMethod::RSA_ENCRYPTION,
            Self::RevisedRsaEncryption => AuthMethod::REVISED_RSA_ENCRYPTION,
            Self::EcdsaP256 => AuthMethod::ECDSA_256,
            Self::EcdsaP384 => AuthMethod::ECDSA_384,
            Self::EcdsaP521 => AuthMethod::ECDSA_521,
        }
    }
}

/// One acceptable set of phase 1 attributes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Phase1Transform {
    /// Authentication method.
    pub authentication: AuthenticationMethod,
    /// Encryption algorithm with its key length.
    pub cipher: CipherAlgorithm,
    /// Hash algorithm; the prf is its HMAC.
    pub hash: HashAlgorithm,
    /// Diffie-Hellman group.
    pub group: Group,
}

/// AH, ESP or IPComp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IpsecProtocol {
    /// Authentication header (RFC 2402).
    Ah,
    /// Encapsulating security payload (RFC 2406).
    Esp,
    /// IP payload compression (RFC 3173), in a bundle with AH or ESP. Its one transform is [`IpsecTransform::DEFLATE`].
    Ipcomp,
}

/// Integrity algorithm of AH and ESP (RFC 2407 section 4.5, RFC 3566, RFC 4868).
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
    /// AES-XCBC-MAC-96 (RFC 3566).
    AesXcbcMac,
}

impl IntegrityAlgorithm {
    /// All algorithms with their names.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::HmacMd5, "md5"),
        (Self::HmacSha1, "sha1"),
        (Self::HmacSha2_256, "sha2-256"),
        (Self::HmacSha2_384, "sha2-384"),
        (Self::HmacSha2_512, "sha2-512"),
        (Self::AesXcbcMac, "aes-xcbc"),
    ];

    /// The hash of the HMAC, unless it is AES-XCBC-MAC.
    pub fn hash(self) -> Option<HashAlgorithm> {
        match self {
            Self::HmacMd5 => Some(HashAlgorithm::Md5),
            Self::HmacSha1 => Some(HashAlgorithm::Sha1),
            Self::HmacSha2_256 => Some(HashAlgorithm::Sha2_256),
            Self::HmacSha2_384 => Some(HashAlgorithm::Sha2_384),
            Self::HmacSha2_512 => Some(HashAlgorithm::Sha2_512),
            Self::AesXcbcMac => None,
        }
    }

    /// Key length in bytes: the hash's output length (RFC 2403, 2404 and 4868), or a key of AES-128 (RFC 3566).
    pub fn key_len(self) -> usize {
        self.hash().map_or(16, HashAlgorithm::output_len)
    }

    /// Length of the truncated integrity check value in bytes.
    pub fn icv_len(self) -> usize {
        match self {
            Self::HmacMd5 | Self::HmacSha1 | Self::AesXcbcMac => 12,
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
    /// Sequence numbers of 64 bits (RFC 4304); ESP needs integrity for them.
    pub extended_sequence_numbers: bool,
}

impl IpsecTransform {
    /// DEFLATE (RFC 2394), the transform of IPComp, which has no algorithm of AH and ESP.
    pub const DEFLATE: Self = Self::new(None, None);

    /// ESP with these algorithms, or AH without a cipher; sequence numbers have 32 bits.
    #[must_use]
    pub const fn new(cipher: Option<CipherAlgorithm>, integrity: Option<IntegrityAlgorithm>) -> Self {
        Self { cipher, integrity, extended_sequence_numbers: false }
    }

    /// The same with sequence numbers of 64 bits.
    #[must_use]
    pub const fn with_extended_sequence_numbers(self) -> Self {
        Self { extended_sequence_numbers: true, ..self }
    }
}

/// Which of the clients that the initiator of quick mode names a policy takes as responder (RFC 2409 section 5.5). A refused
/// one is answered by INVALID-ID-INFORMATION.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ClientMatch {
    /// Those that are configured: the same addresses, however they are named, or the same name; the same protocol and port.
    #[default]
    Same,
    /// Also a part of the configured addresses, and one protocol or port where the configuration leaves it open. The SAs are
    /// for the named clients.
    Within,
}

/// A further protocol of a bundle of SAs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundledProtocol {
    /// AH, ESP or IPComp.
    pub protocol: IpsecProtocol,
    /// Acceptable transforms, best first.
    pub transforms: Vec<IpsecTransform>,
}

impl BundledProtocol {
    fn with_transforms(&self) -> (IpsecProtocol, &[IpsecTransform]) {
        (self.protocol, &self.transforms)
    }
}

/// An SA that one quick mode negotiates beside the first of its policy, in an SA payload of its own (RFC 2409 section 5.5).
/// Clients, encapsulation, group and lives are those of the policy, as everything in one quick mode must agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FurtherSa {
    /// AH or ESP.
    pub protocol: IpsecProtocol,
    /// Acceptable transforms, best first.
    pub transforms: Vec<IpsecTransform>,
    /// As [`IpsecPolicy::bundle`].
    pub bundle: Vec<BundledProtocol>,
}

/// An IPsec SA that may be set up with a peer, or several that are set up together.
#[derive(Debug, Clone)]
pub struct IpsecPolicy {
    /// Its name in commands.
    pub name: String,
    /// AH or ESP.
    pub protocol: IpsecProtocol,
    /// Acceptable transforms, best first.
    pub transforms: Vec<IpsecTransform>,
    /// Further protocols that are negotiated together with this one and applied to the same packets, all or none (RFC 2408
    /// section 4.2): IPComp inside, then ESP, AH outside. Each protocol may come once.
    pub bundle: Vec<BundledProtocol>,
    /// Further SAs, each independent of the others once it stands. As initiator they are offered in the same quick mode,
    /// in this order; as responder an offer may have any of the policy's SAs, in this order.
    pub further_sas: Vec<FurtherSa>,
    /// What else is offered and taken for the first SA, next best first: each is a protocol or a bundle, under a proposal
    /// number of its own, and one number is chosen (RFC 2408 section 4.2).
    pub alternatives: Vec<Vec<BundledProtocol>>,
    /// Tunnel or transport.
    pub encapsulation: Encapsulation,
    /// Group of a Diffie-Hellman exchange in quick mode (PFS). A private one must have been defined under the ISAKMP SA
    /// before, by either side ([`Endpoint::define_group`](crate::Endpoint::define_group)).
    pub pfs: Option<Group>,
    /// Our client identity. With `None` on both sides no IDs are sent, and the ISAKMP addresses are meant.
    pub local_client: Option<Identification>,
    /// The peer's client identity.
    pub remote_client: Option<Identification>,
    /// Which clients it takes as responder.
    pub client_match: ClientMatch,
    /// Life of the SAs in seconds, which we offer and at most accept.
    pub lifetime: Duration,
    /// Life of the SAs in kilobytes of 1024 bytes, which we offer and at most accept (RFC 2407 section 4.5); `None`
    /// offers none.
    pub lifetime_kilobytes: Option<u32>,
}

impl IpsecPolicy {
    /// What is offered under each proposal number, best first: every protocol with its transforms.
    pub(crate) fn proposals(&self) -> impl Iterator<Item = Vec<(IpsecProtocol, &[IpsecTransform])>> {
        let mut first = vec![(self.protocol, self.transforms.as_slice())];
        first.extend(self.bundle.iter().map(BundledProtocol::with_transforms));
        let alternatives = self.alternatives.iter();
        let alternatives =
            alternatives.map(|bundle| bundle.iter().map(BundledProtocol::with_transforms).collect());
        core::iter::once(first).chain(alternatives)
    }

    /// The protocols of all proposals, in the order in which they are offered; each takes an SPI.
    pub(crate) fn protocols(&self) -> Vec<IpsecProtocol> {
        self.proposals().flatten().map(|(protocol, _)| protocol).collect()
    }

    /// The SAs of the policy in the order of their SA payloads, each as a policy of its own.
    pub(crate) fn sas(&self) -> Vec<Self> {
        let first = Self { further_sas: Vec::new(), ..self.clone() };
        let mut sas = vec![first];
        for further in &self.further_sas {
            let FurtherSa { protocol, transforms, bundle } = further.clone();
            sas.push(Self {
                protocol,
                transforms,
                bundle,
                further_sas: Vec::new(),
                alternatives: Vec::new(),
                ..self.clone()
            });
        }
        sas
    }
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
