//! Closed sets of names: what can be written in a scenario wherever one value of several is chosen.

use core::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Declares an enum whose variants are written as the given strings.
macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in scenario files and reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The value with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.name() == name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

names! {
    /// How strongly the cited clauses bind (RFC 2119), and so what a deviation counts as.
    Level {
        /// A deviation is a `fail`.
        Must = "must",
        /// A deviation is a `warn`.
        Should = "should",
        /// A deviation is an `info`.
        May = "may",
    }
}

names! {
    /// The part that the harness engine plays in phase 1 and in the first quick mode.
    Role {
        /// The harness sends the first message.
        Initiator = "initiator",
        /// The peer sends the first message.
        Responder = "responder",
    }
}

names! {
    /// One of the two ends.
    Side {
        /// The engine of the harness.
        Harness = "harness",
        /// The implementation under test.
        Peer = "peer",
    }
}

impl Side {
    /// The other end.
    pub const fn other(self) -> Self {
        match self {
            Self::Harness => Self::Peer,
            Self::Peer => Self::Harness,
        }
    }
}

names! {
    /// Whose state a condition is about.
    Whose {
        /// The engine of the harness.
        Harness = "harness",
        /// The implementation under test.
        Peer = "peer",
        /// Both of them.
        Both = "both",
    }
}

names! {
    /// An exchange as it appears on the wire.
    Exchange {
        /// Main mode, the identity protection exchange (type 2).
        MainMode = "main-mode",
        /// Aggressive mode (type 4).
        AggressiveMode = "aggressive-mode",
        /// Informational exchange (type 5).
        Informational = "informational",
        /// Transaction exchange of Mode-Config and XAUTH (type 6).
        Transaction = "transaction",
        /// Quick mode (type 32).
        QuickMode = "quick-mode",
        /// New group mode (type 33).
        NewGroupMode = "new-group-mode",
    }
}

names! {
    /// The exchange that sets up phase 1.
    Phase1Exchange {
        /// Six messages, identities encrypted.
        MainMode = "main-mode",
        /// Three messages.
        AggressiveMode = "aggressive-mode",
    }
}

impl From<Phase1Exchange> for Exchange {
    fn from(exchange: Phase1Exchange) -> Self {
        match exchange {
            Phase1Exchange::MainMode => Self::MainMode,
            Phase1Exchange::AggressiveMode => Self::AggressiveMode,
        }
    }
}

names! {
    /// Authentication method of phase 1 (RFC 2409 section 5, RFC 4754).
    Authentication {
        /// Pre-shared key.
        Psk = "psk",
        /// DSS signatures.
        DssSignature = "dss-signature",
        /// RSA signatures.
        RsaSignature = "rsa-signature",
        /// Public key encryption with RSA.
        RsaEncryption = "rsa-encryption",
        /// The revised mode of public key encryption with RSA.
        RevisedRsaEncryption = "revised-rsa-encryption",
        /// ECDSA with SHA-256 on P-256.
        EcdsaP256 = "ecdsa-p256",
        /// ECDSA with SHA-384 on P-384.
        EcdsaP384 = "ecdsa-p384",
        /// ECDSA with SHA-512 on P-521.
        EcdsaP521 = "ecdsa-p521",
    }
}

impl Authentication {
    /// Whether nonces and identities are encrypted under the other side's public key.
    pub const fn encrypts(self) -> bool {
        matches!(self, Self::RsaEncryption | Self::RevisedRsaEncryption)
    }
}

names! {
    /// When a side's certificates go along with its proof of identity.
    SendCertificate {
        /// When the other side asked for one of an authority that they lead to.
        IfAsked = "if-asked",
        /// Unasked too.
        Always = "always",
        /// Never.
        Never = "never",
    }
}

names! {
    /// When a side names the other's certificate by HASH(1), as initiator of public key encryption.
    NameCertificate {
        /// When it knows several certificates of the other.
        IfSeveral = "if-several",
        /// Whenever it knows a certificate of the other.
        Always = "always",
        /// Never.
        Never = "never",
    }
}

names! {
    /// Encryption algorithm of phase 1.
    Cipher {
        /// DES-CBC.
        Des = "des",
        /// 3DES-CBC.
        TripleDes = "3des",
        /// IDEA-CBC.
        Idea = "idea",
        /// RC5-R16-B64-CBC with a 40-bit key.
        Rc5With40 = "rc5-40",
        /// RC5-R16-B64-CBC with a 128-bit key.
        Rc5With128 = "rc5-128",
        /// CAST-CBC with a 40-bit key.
        Cast40 = "cast40",
        /// CAST-CBC with a 128-bit key.
        Cast128 = "cast128",
        /// Blowfish-CBC with a 40-bit key.
        Blowfish40 = "blowfish40",
        /// Blowfish-CBC with a 128-bit key.
        Blowfish128 = "blowfish128",
        /// Blowfish-CBC with a 256-bit key.
        Blowfish256 = "blowfish256",
        /// Blowfish-CBC with a 448-bit key.
        Blowfish448 = "blowfish448",
        /// CAMELLIA-CBC with a 128-bit key.
        Camellia128 = "camellia128",
        /// CAMELLIA-CBC with a 192-bit key.
        Camellia192 = "camellia192",
        /// CAMELLIA-CBC with a 256-bit key.
        Camellia256 = "camellia256",
        /// AES-CBC with a 128-bit key.
        Aes128 = "aes128",
        /// AES-CBC with a 192-bit key.
        Aes192 = "aes192",
        /// AES-CBC with a 256-bit key.
        Aes256 = "aes256",
    }
}

names! {
    /// Encryption algorithm of ESP.
    EspCipher {
        /// ESP_NULL (RFC 2410).
        Null = "null",
        /// DES-CBC.
        Des = "des",
        /// 3DES-CBC.
        TripleDes = "3des",
        /// IDEA-CBC.
        Idea = "idea",
        /// RC5-CBC with a 40-bit key.
        Rc5With40 = "rc5-40",
        /// RC5-CBC with a 128-bit key.
        Rc5With128 = "rc5-128",
        /// CAST-CBC with a 40-bit key.
        Cast40 = "cast40",
        /// CAST-CBC with a 128-bit key.
        Cast128 = "cast128",
        /// Blowfish-CBC with a 40-bit key.
        Blowfish40 = "blowfish40",
        /// Blowfish-CBC with a 128-bit key.
        Blowfish128 = "blowfish128",
        /// Blowfish-CBC with a 256-bit key.
        Blowfish256 = "blowfish256",
        /// Blowfish-CBC with a 448-bit key.
        Blowfish448 = "blowfish448",
        /// CAMELLIA-CBC with a 128-bit key.
        Camellia128 = "camellia128",
        /// CAMELLIA-CBC with a 192-bit key.
        Camellia192 = "camellia192",
        /// CAMELLIA-CBC with a 256-bit key.
        Camellia256 = "camellia256",
        /// AES-CBC with a 128-bit key.
        Aes128 = "aes128",
        /// AES-CBC with a 192-bit key.
        Aes192 = "aes192",
        /// AES-CBC with a 256-bit key.
        Aes256 = "aes256",
    }
}

names! {
    /// Hash algorithm of phase 1, whose HMAC is the prf.
    Hash {
        /// MD5.
        Md5 = "md5",
        /// SHA-1.
        Sha1 = "sha1",
        /// Tiger.
        Tiger = "tiger",
        /// SHA-256.
        Sha2_256 = "sha2-256",
        /// SHA-384.
        Sha2_384 = "sha2-384",
        /// SHA-512.
        Sha2_512 = "sha2-512",
    }
}

names! {
    /// Integrity algorithm of ESP and AH: the HMAC of this hash, truncated as RFC 2403, 2404 and 4868 say, or the MAC of RFC
    /// 3566.
    Integrity {
        /// HMAC-MD5-96.
        Md5 = "md5",
        /// HMAC-SHA-1-96.
        Sha1 = "sha1",
        /// HMAC-SHA-256-128.
        Sha2_256 = "sha2-256",
        /// HMAC-SHA-384-192.
        Sha2_384 = "sha2-384",
        /// HMAC-SHA-512-256.
        Sha2_512 = "sha2-512",
        /// AES-XCBC-MAC-96.
        AesXcbc = "aes-xcbc",
    }
}

names! {
    /// Diffie-Hellman group of phase 1.
    Group {
        /// Group 1, 768 bits.
        Modp768 = "modp768",
        /// Group 2, 1024 bits.
        Modp1024 = "modp1024",
        /// Group 5, 1536 bits.
        Modp1536 = "modp1536",
        /// Group 14, 2048 bits.
        Modp2048 = "modp2048",
        /// Group 15, 3072 bits.
        Modp3072 = "modp3072",
        /// Group 16, 4096 bits.
        Modp4096 = "modp4096",
        /// Group 17, 6144 bits.
        Modp6144 = "modp6144",
        /// Group 18, 8192 bits.
        Modp8192 = "modp8192",
        /// Group 22, 1024 bits with a subgroup of 160 bits.
        Modp1024Subgroup160 = "modp1024s160",
        /// Group 23, 2048 bits with a subgroup of 224 bits.
        Modp2048Subgroup224 = "modp2048s224",
        /// Group 24, 2048 bits with a subgroup of 256 bits.
        Modp2048Subgroup256 = "modp2048s256",
        /// Group 19, the curve P-256.
        Ecp256 = "ecp256",
        /// Group 20, the curve P-384.
        Ecp384 = "ecp384",
        /// Group 21, the curve P-521.
        Ecp521 = "ecp521",
        /// The private group of the configuration, given by its numbers.
        Private = "private",
    }
}

names! {
    /// Perfect forward secrecy in quick mode: none, or the group of its own Diffie-Hellman exchange.
    Pfs {
        /// No KE payloads.
        None = "none",
        /// Group 1.
        Modp768 = "modp768",
        /// Group 2.
        Modp1024 = "modp1024",
        /// Group 5.
        Modp1536 = "modp1536",
        /// Group 14.
        Modp2048 = "modp2048",
        /// Group 15.
        Modp3072 = "modp3072",
        /// Group 16.
        Modp4096 = "modp4096",
        /// Group 17.
        Modp6144 = "modp6144",
        /// Group 18.
        Modp8192 = "modp8192",
        /// Group 22.
        Modp1024Subgroup160 = "modp1024s160",
        /// Group 23.
        Modp2048Subgroup224 = "modp2048s224",
        /// Group 24.
        Modp2048Subgroup256 = "modp2048s256",
        /// Group 19.
        Ecp256 = "ecp256",
        /// Group 20.
        Ecp384 = "ecp384",
        /// Group 21.
        Ecp521 = "ecp521",
        /// The private group of the configuration, once New Group mode has defined it.
        Private = "private",
    }
}

impl Pfs {
    /// The group, unless there is none.
    pub const fn group(self) -> Option<Group> {
        match self {
            Self::None => None,
            Self::Modp768 => Some(Group::Modp768),
            Self::Modp1024 => Some(Group::Modp1024),
            Self::Modp1536 => Some(Group::Modp1536),
            Self::Modp2048 => Some(Group::Modp2048),
            Self::Modp3072 => Some(Group::Modp3072),
            Self::Modp4096 => Some(Group::Modp4096),
            Self::Modp6144 => Some(Group::Modp6144),
            Self::Modp8192 => Some(Group::Modp8192),
            Self::Modp1024Subgroup160 => Some(Group::Modp1024Subgroup160),
            Self::Modp2048Subgroup224 => Some(Group::Modp2048Subgroup224),
            Self::Modp2048Subgroup256 => Some(Group::Modp2048Subgroup256),
            Self::Ecp256 => Some(Group::Ecp256),
            Self::Ecp384 => Some(Group::Ecp384),
            Self::Ecp521 => Some(Group::Ecp521),
            Self::Private => Some(Group::Private),
        }
    }
}

names! {
    /// Protocol of the IPsec SAs.
    Protocol {
        /// Encapsulating security payload.
        Esp = "esp",
        /// Authentication header.
        Ah = "ah",
        /// IP payload compression, in a bundle; its only transform is DEFLATE, `{}`.
        Ipcomp = "ipcomp",
    }
}

names! {
    /// Encapsulation mode of the IPsec SAs.
    Encapsulation {
        /// Whole IP packets are protected.
        Tunnel = "tunnel",
        /// Payloads of IP packets are protected.
        Transport = "transport",
    }
}

names! {
    /// Which of the clients that an initiator names a side takes.
    ClientMatch {
        /// Those that it is configured with.
        Same = "same",
        /// Also a part of them.
        Within = "within",
    }
}

names! {
    /// NAT traversal (RFC 3947).
    NatTraversal {
        /// Not offered.
        Off = "off",
        /// Offered; used when a NAT is found.
        Auto = "auto",
        /// Offered with a NAT-D payload that makes the other side find a NAT.
        Force = "force",
    }
}

names! {
    /// A specification of NAT traversal.
    NatTraversalVersion {
        /// RFC 3947.
        Rfc3947 = "rfc3947",
        /// draft-ietf-ipsec-nat-t-ike-03.
        Draft03 = "draft-03",
        /// draft-ietf-ipsec-nat-t-ike-02, announced with a line feed behind its name, as most do.
        Draft02LineFeed = "draft-02-line-feed",
        /// draft-ietf-ipsec-nat-t-ike-02.
        Draft02 = "draft-02",
    }
}

names! {
    /// Fragmentation of messages (payload type 132).
    FragmentationMode {
        /// Neither announced nor used.
        Off = "off",
        /// Announced, and fragments are taken; none are sent.
        Accept = "accept",
        /// Announced, and fragments are sent to a side that announces it too.
        On = "on",
        /// Announced, and fragments are sent.
        Force = "force",
    }
}

names! {
    /// When a side asks whether the other lives (RFC 3706).
    DpdTrigger {
        /// When it is told to.
        Command = "command",
        /// When nothing has come for a while.
        Idle = "idle",
        /// When it sends packets and nothing has come for a while.
        Traffic = "traffic",
    }
}

names! {
    /// Who begins with the configuration of a host (Mode-Config draft section 2).
    ConfigMethod {
        /// The host asks: REQUEST and REPLY.
        Pull = "pull",
        /// The edge device tells: SET and ACK.
        Push = "push",
    }
}

names! {
    /// An attribute of Mode-Config (Mode-Config draft section 3.4).
    ModeConfigAttribute {
        /// An IPv4 address within the internal network.
        Ip4Address = "INTERNAL_IP4_ADDRESS",
        /// Its netmask.
        Ip4Netmask = "INTERNAL_IP4_NETMASK",
        /// A DNS server.
        Ip4Dns = "INTERNAL_IP4_DNS",
        /// A NetBIOS name server.
        Ip4Nbns = "INTERNAL_IP4_NBNS",
        /// How long the address may be used.
        AddressExpiry = "INTERNAL_ADDRESS_EXPIRY",
        /// Where DHCP requests go.
        Ip4Dhcp = "INTERNAL_IP4_DHCP",
        /// The version of the other side.
        ApplicationVersion = "APPLICATION_VERSION",
        /// An IPv6 address within the internal network.
        Ip6Address = "INTERNAL_IP6_ADDRESS",
        /// Its netmask.
        Ip6Netmask = "INTERNAL_IP6_NETMASK",
        /// A DNS server.
        Ip6Dns = "INTERNAL_IP6_DNS",
        /// A NetBIOS name server.
        Ip6Nbns = "INTERNAL_IP6_NBNS",
        /// Where DHCP requests go.
        Ip6Dhcp = "INTERNAL_IP6_DHCP",
        /// A network behind the edge device.
        Ip4Subnet = "INTERNAL_IP4_SUBNET",
        /// The attributes that the other side knows.
        SupportedAttributes = "SUPPORTED_ATTRIBUTES",
        /// A network behind the edge device.
        Ip6Subnet = "INTERNAL_IP6_SUBNET",
    }
}

names! {
    /// What an edge device can ask of a user (XAUTH draft section 6.2).
    XauthAttribute {
        /// The user's name.
        UserName = "XAUTH-USER-NAME",
        /// The password.
        UserPassword = "XAUTH-USER-PASSWORD",
        /// A token card's passcode.
        Passcode = "XAUTH-PASSCODE",
        /// The domain to be authenticated in.
        Domain = "XAUTH-DOMAIN",
        /// A new PIN.
        NextPin = "XAUTH-NEXT-PIN",
        /// An answer to the message.
        Answer = "XAUTH-ANSWER",
    }
}

names! {
    /// Type of extended authentication (XAUTH draft section 6.3).
    XauthType {
        /// Whatever needs no processing of its own.
        Generic = "generic",
        /// The challenge hides the password as in RADIUS.
        RadiusChap = "radius-chap",
        /// One-time passwords.
        Otp = "otp",
    }
}

names! {
    /// A kind of SA.
    SaKind {
        /// ISAKMP SA.
        Isakmp = "isakmp",
        /// The pair of IPsec SAs of one quick mode.
        Ipsec = "ipsec",
    }
}

names! {
    /// Which of several SAs of a kind.
    Which {
        /// The one set up last.
        Newest = "newest",
        /// The one set up first among those that stand.
        Oldest = "oldest",
    }
}

names! {
    /// What a peer must be able to do for a case to make sense with it.
    Capability {
        /// Main mode.
        MainMode = "main-mode",
        /// Aggressive mode.
        AggressiveMode = "aggressive-mode",
        /// Authentication with a pre-shared key.
        Psk = "psk",
        /// Authentication with DSS signatures.
        DssSignature = "dss-signature",
        /// Authentication with RSA signatures.
        RsaSignature = "rsa-signature",
        /// Authentication with public key encryption.
        RsaEncryption = "rsa-encryption",
        /// Authentication with the revised mode of public key encryption.
        RevisedRsaEncryption = "revised-rsa-encryption",
        /// Authentication with ECDSA on P-256.
        EcdsaP256 = "ecdsa-p256",
        /// Authentication with ECDSA on P-384.
        EcdsaP384 = "ecdsa-p384",
        /// Authentication with ECDSA on P-521.
        EcdsaP521 = "ecdsa-p521",
        /// Public keys that are known beforehand, without certificates.
        RawPublicKeys = "raw-public-keys",
        /// Revocation lists in CERT payloads count.
        CrlPayloads = "crl-payloads",
        /// Its address is the one in its test certificates, 192.0.2.2, and the harness' 192.0.2.1.
        CertifiedAddresses = "certified-addresses",
        /// It can be told to let an identity be an address other than the one that it comes from.
        AnyAddressId = "any-address-id",
        /// It takes exchanges from any address, and knows the peer by its identity.
        AnyAddress = "any-address",
        /// DES-CBC in phase 1.
        Des = "des",
        /// 3DES-CBC in phase 1.
        TripleDes = "3des",
        /// IDEA-CBC in phase 1.
        Idea = "idea",
        /// RC5-R16-B64-CBC in phase 1, 40-bit key.
        Rc5With40 = "rc5-40",
        /// RC5-R16-B64-CBC in phase 1, 128-bit key.
        Rc5With128 = "rc5-128",
        /// CAST-CBC in phase 1, 40-bit key.
        Cast40 = "cast40",
        /// CAST-CBC in phase 1, 128-bit key.
        Cast128 = "cast128",
        /// Blowfish-CBC in phase 1, 40-bit key.
        Blowfish40 = "blowfish40",
        /// Blowfish-CBC in phase 1, 128-bit key.
        Blowfish128 = "blowfish128",
        /// Blowfish-CBC in phase 1, 256-bit key.
        Blowfish256 = "blowfish256",
        /// Blowfish-CBC in phase 1, 448-bit key.
        Blowfish448 = "blowfish448",
        /// CAMELLIA-CBC in phase 1, 128-bit key.
        Camellia128 = "camellia128",
        /// CAMELLIA-CBC in phase 1, 192-bit key.
        Camellia192 = "camellia192",
        /// CAMELLIA-CBC in phase 1, 256-bit key.
        Camellia256 = "camellia256",
        /// Phase 1 transforms without a Key Length attribute, where the cipher has a length for that case.
        DefaultKeyLength = "default-key-length",
        /// AES-CBC-128 in phase 1.
        Aes128 = "aes128",
        /// AES-CBC-192 in phase 1.
        Aes192 = "aes192",
        /// AES-CBC-256 in phase 1.
        Aes256 = "aes256",
        /// MD5 in phase 1.
        Md5 = "md5",
        /// SHA-1 in phase 1.
        Sha1 = "sha1",
        /// Tiger in phase 1.
        Tiger = "tiger",
        /// SHA-256 in phase 1.
        Sha2_256 = "sha2-256",
        /// SHA-384 in phase 1.
        Sha2_384 = "sha2-384",
        /// SHA-512 in phase 1.
        Sha2_512 = "sha2-512",
        /// Group 1, in either phase.
        Modp768 = "modp768",
        /// Group 2, in either phase.
        Modp1024 = "modp1024",
        /// Group 5, in either phase.
        Modp1536 = "modp1536",
        /// Group 14, in either phase.
        Modp2048 = "modp2048",
        /// Group 15, in either phase.
        Modp3072 = "modp3072",
        /// Group 16, in either phase.
        Modp4096 = "modp4096",
        /// Group 17, in either phase.
        Modp6144 = "modp6144",
        /// Group 18, in either phase.
        Modp8192 = "modp8192",
        /// Group 22, in either phase.
        Modp1024Subgroup160 = "modp1024s160",
        /// Group 23, in either phase.
        Modp2048Subgroup224 = "modp2048s224",
        /// Group 24, in either phase.
        Modp2048Subgroup256 = "modp2048s256",
        /// Group 19, in either phase.
        Ecp256 = "ecp256",
        /// Group 20, in either phase.
        Ecp384 = "ecp384",
        /// Group 21, in either phase.
        Ecp521 = "ecp521",
        /// A private MODP group, given by its numbers in phase 1 or defined by New Group mode.
        PrivateGroup = "private-group",
        /// New Group mode.
        NewGroupMode = "new-group-mode",
        /// Diffie-Hellman in quick mode.
        Pfs = "pfs",
        /// Lives of IPsec SAs in kilobytes.
        KilobyteLifetime = "kilobyte-lifetime",
        /// RESPONDER-LIFETIME, sent as responder.
        ResponderLifetime = "responder-lifetime",
        /// REPLAY-STATUS, sent as responder.
        ReplayStatus = "replay-status",
        /// The Commit bit with CONNECTED.
        CommitBit = "commit-bit",
        /// ESP.
        Esp = "esp",
        /// AH.
        Ah = "ah",
        /// AH and ESP negotiated together, all or none.
        Bundles = "bundles",
        /// IPComp with DEFLATE, negotiated together with ESP or AH.
        Ipcomp = "ipcomp",
        /// Several proposals, under numbers of their own, offered to choose one from.
        ProposalAlternatives = "proposal-alternatives",
        /// ESP_NULL.
        EspNull = "esp-null",
        /// DES-CBC in ESP.
        EspDes = "esp-des",
        /// 3DES-CBC in ESP.
        EspTripleDes = "esp-3des",
        /// IDEA-CBC in ESP.
        EspIdea = "esp-idea",
        /// RC5-CBC in ESP, 40-bit key.
        EspRc5With40 = "esp-rc5-40",
        /// RC5-CBC in ESP, 128-bit key.
        EspRc5With128 = "esp-rc5-128",
        /// CAST-CBC in ESP, 40-bit key.
        EspCast40 = "esp-cast40",
        /// CAST-CBC in ESP, 128-bit key.
        EspCast128 = "esp-cast128",
        /// Blowfish-CBC in ESP, 40-bit key.
        EspBlowfish40 = "esp-blowfish40",
        /// Blowfish-CBC in ESP, 128-bit key.
        EspBlowfish128 = "esp-blowfish128",
        /// Blowfish-CBC in ESP, 256-bit key.
        EspBlowfish256 = "esp-blowfish256",
        /// Blowfish-CBC in ESP, 448-bit key.
        EspBlowfish448 = "esp-blowfish448",
        /// CAMELLIA-CBC in ESP, 128-bit key.
        EspCamellia128 = "esp-camellia128",
        /// CAMELLIA-CBC in ESP, 192-bit key.
        EspCamellia192 = "esp-camellia192",
        /// CAMELLIA-CBC in ESP, 256-bit key.
        EspCamellia256 = "esp-camellia256",
        /// AES-CBC-128 in ESP.
        EspAes128 = "esp-aes128",
        /// AES-CBC-192 in ESP.
        EspAes192 = "esp-aes192",
        /// AES-CBC-256 in ESP.
        EspAes256 = "esp-aes256",
        /// HMAC-MD5-96 in ESP or AH.
        HmacMd5 = "hmac-md5",
        /// HMAC-SHA-1-96 in ESP or AH.
        HmacSha1 = "hmac-sha1",
        /// HMAC-SHA-256-128 in ESP or AH.
        HmacSha2_256 = "hmac-sha2-256",
        /// HMAC-SHA-384-192 in ESP or AH.
        HmacSha2_384 = "hmac-sha2-384",
        /// HMAC-SHA-512-256 in ESP or AH.
        HmacSha2_512 = "hmac-sha2-512",
        /// AES-XCBC-MAC-96 in ESP or AH.
        AesXcbcMac = "aes-xcbc-mac",
        /// Sequence numbers of 64 bits in ESP or AH (RFC 4304).
        ExtendedSequenceNumbers = "extended-sequence-numbers",
        /// Tunnel mode.
        Tunnel = "tunnel",
        /// Transport mode.
        Transport = "transport",
        /// NAT traversal of RFC 3947 and UDP encapsulation of RFC 3948.
        NatT = "nat-t",
        /// NAT traversal of draft-ietf-ipsec-nat-t-ike-02 or -03.
        NatTDrafts = "nat-t-drafts",
        /// Of several versions of NAT traversal it can be told which to announce.
        NatTVersions = "nat-t-versions",
        /// It sends keep-alives through a NAT when told how often.
        NatKeepAlive = "nat-keep-alive",
        /// Dead peer detection (RFC 3706).
        Dpd = "dpd",
        /// It can be told to ask whether the other side lives, at once or when it sends packets.
        DpdOnDemand = "dpd-on-demand",
        /// Messages in fragments (payload type 132).
        Fragmentation = "fragmentation",
        /// Extended authentication (XAUTH).
        Xauth = "xauth",
        /// As edge device of extended authentication it asks in several rounds, for other than name and password, of other
        /// types than generic, more than once, or not at all where the user is known; as host it answers all that.
        XauthRounds = "xauth-rounds",
        /// Hybrid authentication.
        Hybrid = "hybrid",
        /// Hybrid authentication in which the edge device initiates phase 1.
        HybridEdgeInitiates = "hybrid-edge-initiates",
        /// It sends an empty identity when told to.
        EmptyId = "empty-id",
        /// Mode-Config that the host asks for.
        ModeConfigPull = "mode-config-pull",
        /// Mode-Config that the edge device tells unasked.
        ModeConfigPush = "mode-config-push",
        /// Of Mode-Config it tells every attribute of the draft.
        ModeConfigAttributes = "mode-config-attributes",
        /// IPsec SAs without UDP encapsulation.
        NoNat = "no-nat",
        /// Quick mode without client identities.
        NoClientIds = "no-client-ids",
        /// Clients that are IPv4 addresses or ranges, or have a protocol and port.
        ClientSelectors = "client-selectors",
        /// Clients of IPv6, and such that are named otherwise than by addresses.
        ClientNames = "client-names",
        /// Identities other than an address in phase 1.
        NamedIds = "named-ids",
        /// Several acceptable transforms can be configured for one phase.
        SeveralTransforms = "several-transforms",
        /// INITIAL-CONTACT can be configured, sent or not.
        InitialContact = "initial-contact",
        /// Packets through the IPsec SAs are answered.
        Traffic = "traffic",
        /// It replaces IPsec SAs before they expire, or when told.
        RekeyIpsec = "rekey-ipsec",
        /// It replaces ISAKMP SAs before they expire, or when told.
        RekeyIsakmp = "rekey-isakmp",
        /// It can be told to delete an SA.
        Delete = "delete",
        /// It can be told to initiate.
        Trigger = "trigger",
        /// Its SAs can be listed.
        State = "state",
        /// Its derived values (SKEYID, IVs, HASH_I ...) can be read.
        DerivedValues = "derived-values",
        /// Its clock is ours, so that hours pass at once.
        VirtualTime = "virtual-time",
    }
}
