//! Assigned numbers as open newtypes: a named constant for every value the RFCs and the drafts in use assign,
//! and room for every other value, which survives decoding and encoding unchanged.

/// Declares one open newtype over an unsigned integer, with its named values.
macro_rules! open_numbers {
    ($($(#[$doc:meta])* pub struct $ty:ident($int:ty) { $($name:ident = $value:literal $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $ty(pub $int);

        impl $ty {
            $(
                #[doc = concat!("`", $text, "`, value ", stringify!($value), ".")]
                pub const $name: Self = Self($value);
            )*

            /// Every named value with its RFC name, in numeric order.
            pub fn all() -> &'static [(&'static str, Self)] {
                &[$(($text, Self($value)),)*]
            }

            /// The RFC name, or `None` for a value without one.
            pub fn name(&self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }

            /// The value with this name: the RFC name or the name of the constant. Case, and whether words
            /// are joined by `-`, `_` or a space, make no difference.
            pub fn from_name(name: &str) -> Option<Self> {
                $(
                    if same_name(name, $text) || same_name(name, stringify!($name)) {
                        return Some(Self($value));
                    }
                )*
                None
            }
        }

        impl core::fmt::Display for $ty {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => write!(f, "Unknown({:#x})", self.0),
                }
            }
        }

        impl core::fmt::Debug for $ty {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(self, f)
            }
        }

        impl From<$int> for $ty {
            fn from(value: $int) -> Self {
                Self(value)
            }
        }

        impl From<$ty> for $int {
            fn from(value: $ty) -> Self {
                value.0
            }
        }
    )*};
}

/// Compares two names without regard to case or to the character that joins their words.
fn same_name(a: &str, b: &str) -> bool {
    let fold = |c: u8| match c {
        b'_' | b' ' => b'-',
        other => other.to_ascii_lowercase(),
    };
    a.bytes().map(fold).eq(b.bytes().map(fold))
}

open_numbers! {
    /// Payload type, the value of a Next Payload field (RFC 2408 section 3.1, RFC 3947, Mode-Config draft).
    pub struct PayloadType(u8) {
        NONE = 0 "NONE",
        SA = 1 "SA",
        PROPOSAL = 2 "P",
        TRANSFORM = 3 "T",
        KE = 4 "KE",
        ID = 5 "ID",
        CERT = 6 "CERT",
        CERT_REQUEST = 7 "CR",
        HASH = 8 "HASH",
        SIG = 9 "SIG",
        NONCE = 10 "NONCE",
        NOTIFICATION = 11 "N",
        DELETE = 12 "D",
        VENDOR_ID = 13 "VID",
        ATTRIBUTES = 14 "ATTR",
        NAT_D = 20 "NAT-D",
        NAT_OA = 21 "NAT-OA",
        NAT_D_DRAFT = 130 "NAT-D-DRAFT",
        NAT_OA_DRAFT = 131 "NAT-OA-DRAFT",
        FRAGMENT = 132 "FRAGMENT",
    }

    /// Exchange type of the ISAKMP header (RFC 2408 section 3.1, RFC 2409 appendix A, Mode-Config draft).
    /// Main Mode is the Identity Protection exchange.
    pub struct ExchangeType(u8) {
        NONE = 0 "NONE",
        BASE = 1 "Base",
        IDENTITY_PROTECTION = 2 "Identity Protection",
        AUTHENTICATION_ONLY = 3 "Authentication Only",
        AGGRESSIVE = 4 "Aggressive",
        INFORMATIONAL = 5 "Informational",
        TRANSACTION = 6 "Transaction",
        QUICK_MODE = 32 "Quick Mode",
        NEW_GROUP_MODE = 33 "New Group Mode",
    }

    /// Notify message type (RFC 2408 section 3.14.1, RFC 2407 section 4.6.3, RFC 3706 section 5.2).
    pub struct NotifyType(u16) {
        INVALID_PAYLOAD_TYPE = 1 "INVALID-PAYLOAD-TYPE",
        DOI_NOT_SUPPORTED = 2 "DOI-NOT-SUPPORTED",
        SITUATION_NOT_SUPPORTED = 3 "SITUATION-NOT-SUPPORTED",
        INVALID_COOKIE = 4 "INVALID-COOKIE",
        INVALID_MAJOR_VERSION = 5 "INVALID-MAJOR-VERSION",
        INVALID_MINOR_VERSION = 6 "INVALID-MINOR-VERSION",
        INVALID_EXCHANGE_TYPE = 7 "INVALID-EXCHANGE-TYPE",
        INVALID_FLAGS = 8 "INVALID-FLAGS",
        INVALID_MESSAGE_ID = 9 "INVALID-MESSAGE-ID",
        INVALID_PROTOCOL_ID = 10 "INVALID-PROTOCOL-ID",
        INVALID_SPI = 11 "INVALID-SPI",
        INVALID_TRANSFORM_ID = 12 "INVALID-TRANSFORM-ID",
        ATTRIBUTES_NOT_SUPPORTED = 13 "ATTRIBUTES-NOT-SUPPORTED",
        NO_PROPOSAL_CHOSEN = 14 "NO-PROPOSAL-CHOSEN",
        BAD_PROPOSAL_SYNTAX = 15 "BAD-PROPOSAL-SYNTAX",
        PAYLOAD_MALFORMED = 16 "PAYLOAD-MALFORMED",
        INVALID_KEY_INFORMATION = 17 "INVALID-KEY-INFORMATION",
        INVALID_ID_INFORMATION = 18 "INVALID-ID-INFORMATION",
        INVALID_CERT_ENCODING = 19 "INVALID-CERT-ENCODING",
        INVALID_CERTIFICATE = 20 "INVALID-CERTIFICATE",
        CERT_TYPE_UNSUPPORTED = 21 "CERT-TYPE-UNSUPPORTED",
        INVALID_CERT_AUTHORITY = 22 "INVALID-CERT-AUTHORITY",
        INVALID_HASH_INFORMATION = 23 "INVALID-HASH-INFORMATION",
        AUTHENTICATION_FAILED = 24 "AUTHENTICATION-FAILED",
        INVALID_SIGNATURE = 25 "INVALID-SIGNATURE",
        ADDRESS_NOTIFICATION = 26 "ADDRESS-NOTIFICATION",
        NOTIFY_SA_LIFETIME = 27 "NOTIFY-SA-LIFETIME",
        CERTIFICATE_UNAVAILABLE = 28 "CERTIFICATE-UNAVAILABLE",
        UNSUPPORTED_EXCHANGE_TYPE = 29 "UNSUPPORTED-EXCHANGE-TYPE",
        UNEQUAL_PAYLOAD_LENGTHS = 30 "UNEQUAL-PAYLOAD-LENGTHS",
        CONNECTED = 16384 "CONNECTED",
        RESPONDER_LIFETIME = 24576 "RESPONDER-LIFETIME",
        REPLAY_STATUS = 24577 "REPLAY-STATUS",
        INITIAL_CONTACT = 24578 "INITIAL-CONTACT",
        R_U_THERE = 36136 "R-U-THERE",
        R_U_THERE_ACK = 36137 "R-U-THERE-ACK",
    }

    /// Security protocol identifier (RFC 2407 section 4.4.1).
    pub struct ProtocolId(u8) {
        ISAKMP = 1 "ISAKMP",
        IPSEC_AH = 2 "IPSEC_AH",
        IPSEC_ESP = 3 "IPSEC_ESP",
        IPCOMP = 4 "IPCOMP",
    }

    /// Domain of interpretation (RFC 2408 section 3.4).
    pub struct Doi(u32) {
        ISAKMP = 0 "ISAKMP",
        IPSEC = 1 "IPSEC",
    }

    /// Identification type of the IPsec DOI (RFC 2407 section 4.6.2.1).
    pub struct IdType(u8) {
        IPV4_ADDR = 1 "ID_IPV4_ADDR",
        FQDN = 2 "ID_FQDN",
        USER_FQDN = 3 "ID_USER_FQDN",
        IPV4_ADDR_SUBNET = 4 "ID_IPV4_ADDR_SUBNET",
        IPV6_ADDR = 5 "ID_IPV6_ADDR",
        IPV6_ADDR_SUBNET = 6 "ID_IPV6_ADDR_SUBNET",
        IPV4_ADDR_RANGE = 7 "ID_IPV4_ADDR_RANGE",
        IPV6_ADDR_RANGE = 8 "ID_IPV6_ADDR_RANGE",
        DER_ASN1_DN = 9 "ID_DER_ASN1_DN",
        DER_ASN1_GN = 10 "ID_DER_ASN1_GN",
        KEY_ID = 11 "ID_KEY_ID",
    }

    /// Certificate encoding, also the certificate type of a Certificate Request (RFC 2408 section 3.9).
    pub struct CertEncoding(u8) {
        NONE = 0 "NONE",
        PKCS7 = 1 "PKCS #7 wrapped X.509 certificate",
        PGP = 2 "PGP Certificate",
        DNS_SIGNED_KEY = 3 "DNS Signed Key",
        X509_SIGNATURE = 4 "X.509 Certificate - Signature",
        X509_KEY_EXCHANGE = 5 "X.509 Certificate - Key Exchange",
        KERBEROS_TOKENS = 6 "Kerberos Tokens",
        CRL = 7 "Certificate Revocation List (CRL)",
        ARL = 8 "Authority Revocation List (ARL)",
        SPKI = 9 "SPKI Certificate",
        X509_ATTRIBUTE = 10 "X.509 Certificate - Attribute",
    }

    /// Attribute class of a phase 1 transform and of New Group Mode (RFC 2409 appendix A).
    pub struct Phase1Attribute(u16) {
        ENCRYPTION_ALGORITHM = 1 "encryption-algorithm",
        HASH_ALGORITHM = 2 "hash-algorithm",
        AUTHENTICATION_METHOD = 3 "authentication-method",
        GROUP_DESCRIPTION = 4 "group-description",
        GROUP_TYPE = 5 "group-type",
        GROUP_PRIME = 6 "group-prime",
        GROUP_GENERATOR_ONE = 7 "group-generator-one",
        GROUP_GENERATOR_TWO = 8 "group-generator-two",
        GROUP_CURVE_A = 9 "group-curve-a",
        GROUP_CURVE_B = 10 "group-curve-b",
        LIFE_TYPE = 11 "life-type",
        LIFE_DURATION = 12 "life-duration",
        PRF = 13 "prf",
        KEY_LENGTH = 14 "key-length",
        FIELD_SIZE = 15 "field-size",
        GROUP_ORDER = 16 "group-order",
    }

    /// Encryption algorithm of the ISAKMP SA (RFC 2409 appendix A, RFC 3602, RFC 4312).
    pub struct EncryptionAlgorithm(u16) {
        DES_CBC = 1 "DES-CBC",
        IDEA_CBC = 2 "IDEA-CBC",
        BLOWFISH_CBC = 3 "Blowfish-CBC",
        RC5_R16_B64_CBC = 4 "RC5-R16-B64-CBC",
        TRIPLE_DES_CBC = 5 "3DES-CBC",
        CAST_CBC = 6 "CAST-CBC",
        AES_CBC = 7 "AES-CBC",
        CAMELLIA_CBC = 8 "CAMELLIA-CBC",
    }

    /// Hash algorithm of the ISAKMP SA (RFC 2409 appendix A, RFC 4868).
    pub struct HashAlgorithmId(u16) {
        MD5 = 1 "MD5",
        SHA = 2 "SHA",
        TIGER = 3 "Tiger",
        SHA2_256 = 4 "SHA2-256",
        SHA2_384 = 5 "SHA2-384",
        SHA2_512 = 6 "SHA2-512",
    }

    /// Authentication method of phase 1 (RFC 2409 appendix A, RFC 4754, XAUTH and hybrid drafts).
    pub struct AuthMethod(u16) {
        PRE_SHARED_KEY = 1 "pre-shared key",
        DSS_SIGNATURES = 2 "DSS signatures",
        RSA_SIGNATURES = 3 "RSA signatures",
        RSA_ENCRYPTION = 4 "Encryption with RSA",
        REVISED_RSA_ENCRYPTION = 5 "Revised encryption with RSA",
        ECDSA_256 = 9 "ECDSA with SHA-256 on the P-256 curve",
        ECDSA_384 = 10 "ECDSA with SHA-384 on the P-384 curve",
        ECDSA_521 = 11 "ECDSA with SHA-512 on the P-521 curve",
        HYBRID_INIT_RSA = 64221 "HybridInitRSA",
        HYBRID_RESP_RSA = 64222 "HybridRespRSA",
        HYBRID_INIT_DSS = 64223 "HybridInitDSS",
        HYBRID_RESP_DSS = 64224 "HybridRespDSS",
        XAUTH_INIT_PRE_SHARED = 65001 "XAUTHInitPreShared",
        XAUTH_RESP_PRE_SHARED = 65002 "XAUTHRespPreShared",
        XAUTH_INIT_DSS = 65003 "XAUTHInitDSS",
        XAUTH_RESP_DSS = 65004 "XAUTHRespDSS",
        XAUTH_INIT_RSA = 65005 "XAUTHInitRSA",
        XAUTH_RESP_RSA = 65006 "XAUTHRespRSA",
        XAUTH_INIT_RSA_ENCRYPTION = 65007 "XAUTHInitRSAEncryption",
        XAUTH_RESP_RSA_ENCRYPTION = 65008 "XAUTHRespRSAEncryption",
        XAUTH_INIT_REVISED_RSA_ENCRYPTION = 65009 "XAUTHInitRSARevisedEncryption",
        XAUTH_RESP_REVISED_RSA_ENCRYPTION = 65010 "XAUTHRespRSARevisedEncryption",
    }

    /// Diffie-Hellman group number, the value of a Group Description attribute (RFC 2409 section 6,
    /// RFC 3526, RFC 5114, RFC 5903).
    pub struct GroupId(u16) {
        MODP_768 = 1 "768-bit MODP",
        MODP_1024 = 2 "1024-bit MODP",
        EC2N_155 = 3 "EC2N group on GP[2^155]",
        EC2N_185 = 4 "EC2N group on GP[2^185]",
        MODP_1536 = 5 "1536-bit MODP",
        MODP_2048 = 14 "2048-bit MODP",
        MODP_3072 = 15 "3072-bit MODP",
        MODP_4096 = 16 "4096-bit MODP",
        MODP_6144 = 17 "6144-bit MODP",
        MODP_8192 = 18 "8192-bit MODP",
        ECP_256 = 19 "256-bit random ECP",
        ECP_384 = 20 "384-bit random ECP",
        ECP_521 = 21 "521-bit random ECP",
        MODP_1024_160 = 22 "1024-bit MODP with 160-bit prime order subgroup",
        MODP_2048_224 = 23 "2048-bit MODP with 224-bit prime order subgroup",
        MODP_2048_256 = 24 "2048-bit MODP with 256-bit prime order subgroup",
        ECP_192 = 25 "192-bit random ECP",
        ECP_224 = 26 "224-bit random ECP",
    }

    /// Group type of a private group (RFC 2409 appendix A).
    pub struct GroupType(u16) {
        MODP = 1 "MODP",
        ECP = 2 "ECP",
        EC2N = 3 "EC2N",
    }

    /// Life type: the unit of the life duration that follows it (RFC 2409 appendix A, RFC 2407 section 4.5).
    pub struct LifeType(u16) {
        SECONDS = 1 "seconds",
        KILOBYTES = 2 "kilobytes",
    }

    /// Attribute class of an AH, ESP or IPCOMP transform (RFC 2407 section 4.5, RFC 4304).
    pub struct IpsecAttribute(u16) {
        SA_LIFE_TYPE = 1 "sa-life-type",
        SA_LIFE_DURATION = 2 "sa-life-duration",
        GROUP_DESCRIPTION = 3 "group-description",
        ENCAPSULATION_MODE = 4 "encapsulation-mode",
        AUTHENTICATION_ALGORITHM = 5 "authentication-algorithm",
        KEY_LENGTH = 6 "key-length",
        KEY_ROUNDS = 7 "key-rounds",
        COMPRESS_DICTIONARY_SIZE = 8 "compress-dictionary-size",
        COMPRESS_PRIVATE_ALGORITHM = 9 "compress-private-algorithm",
        ECN_TUNNEL = 10 "ecn-tunnel",
        EXTENDED_SEQUENCE_NUMBER = 11 "extended-sequence-number",
    }

    /// ISAKMP transform identifier, and the untyped form of the other transform identifiers
    /// (RFC 2407 section 4.4.2).
    pub struct TransformId(u8) {
        KEY_IKE = 1 "KEY_IKE",
    }

    /// AH transform identifier (RFC 2407 section 4.4.3, RFC 4868).
    pub struct AhTransform(u8) {
        MD5 = 2 "AH_MD5",
        SHA = 3 "AH_SHA",
        DES = 4 "AH_DES",
        SHA2_256 = 5 "AH_SHA2-256",
        SHA2_384 = 6 "AH_SHA2-384",
        SHA2_512 = 7 "AH_SHA2-512",
        RIPEMD = 8 "AH_RIPEMD",
        AES_XCBC_MAC = 9 "AH_AES-XCBC-MAC",
    }

    /// ESP transform identifier (RFC 2407 section 4.4.4, RFC 3602, RFC 4106).
    pub struct EspTransform(u8) {
        DES_IV64 = 1 "ESP_DES_IV64",
        DES = 2 "ESP_DES",
        TRIPLE_DES = 3 "ESP_3DES",
        RC5 = 4 "ESP_RC5",
        IDEA = 5 "ESP_IDEA",
        CAST = 6 "ESP_CAST",
        BLOWFISH = 7 "ESP_BLOWFISH",
        THREE_IDEA = 8 "ESP_3IDEA",
        DES_IV32 = 9 "ESP_DES_IV32",
        RC4 = 10 "ESP_RC4",
        NULL = 11 "ESP_NULL",
        AES_CBC = 12 "ESP_AES-CBC",
        AES_CTR = 13 "ESP_AES-CTR",
        AES_CCM_8 = 14 "ESP_AES-CCM_8",
        AES_CCM_12 = 15 "ESP_AES-CCM_12",
        AES_CCM_16 = 16 "ESP_AES-CCM_16",
        AES_GCM_8 = 18 "ESP_AES-GCM_8",
        AES_GCM_12 = 19 "ESP_AES-GCM_12",
        AES_GCM_16 = 20 "ESP_AES-GCM_16",
        SEED_CBC = 21 "ESP_SEED_CBC",
        CAMELLIA = 22 "ESP_CAMELLIA",
        NULL_AUTH_AES_GMAC = 23 "ESP_NULL_AUTH_AES-GMAC",
    }

    /// IPCOMP transform identifier (RFC 2407 section 4.4.5).
    pub struct IpcompTransform(u8) {
        OUI = 1 "IPCOMP_OUI",
        DEFLATE = 2 "IPCOMP_DEFLATE",
        LZS = 3 "IPCOMP_LZS",
    }

    /// Authentication algorithm of an AH or ESP SA (RFC 2407 section 4.5, RFC 3566, RFC 4868).
    pub struct AuthAlgorithm(u16) {
        HMAC_MD5 = 1 "HMAC-MD5",
        HMAC_SHA1 = 2 "HMAC-SHA",
        DES_MAC = 3 "DES-MAC",
        KPDK = 4 "KPDK",
        HMAC_SHA2_256 = 5 "HMAC-SHA2-256",
        HMAC_SHA2_384 = 6 "HMAC-SHA2-384",
        HMAC_SHA2_512 = 7 "HMAC-SHA2-512",
        HMAC_RIPEMD = 8 "HMAC-RIPEMD",
        AES_XCBC_MAC = 9 "AES-XCBC-MAC",
    }

    /// Encapsulation mode (RFC 2407 section 4.5, RFC 3947 section 5.1, NAT-T drafts).
    pub struct EncapsulationMode(u16) {
        TUNNEL = 1 "Tunnel",
        TRANSPORT = 2 "Transport",
        UDP_TUNNEL = 3 "UDP-Encapsulated-Tunnel",
        UDP_TRANSPORT = 4 "UDP-Encapsulated-Transport",
        UDP_TUNNEL_DRAFT = 61443 "UDP-Encapsulated-Tunnel-Draft",
        UDP_TRANSPORT_DRAFT = 61444 "UDP-Encapsulated-Transport-Draft",
    }

    /// Message type of an Attributes payload (Mode-Config draft section 3.3).
    pub struct ConfigType(u8) {
        REQUEST = 1 "ISAKMP_CFG_REQUEST",
        REPLY = 2 "ISAKMP_CFG_REPLY",
        SET = 3 "ISAKMP_CFG_SET",
        ACK = 4 "ISAKMP_CFG_ACK",
    }

    /// Attribute class within an Attributes payload (Mode-Config draft section 3.4, XAUTH draft section 6.2).
    pub struct ConfigAttribute(u16) {
        INTERNAL_IP4_ADDRESS = 1 "INTERNAL_IP4_ADDRESS",
        INTERNAL_IP4_NETMASK = 2 "INTERNAL_IP4_NETMASK",
        INTERNAL_IP4_DNS = 3 "INTERNAL_IP4_DNS",
        INTERNAL_IP4_NBNS = 4 "INTERNAL_IP4_NBNS",
        INTERNAL_ADDRESS_EXPIRY = 5 "INTERNAL_ADDRESS_EXPIRY",
        INTERNAL_IP4_DHCP = 6 "INTERNAL_IP4_DHCP",
        APPLICATION_VERSION = 7 "APPLICATION_VERSION",
        INTERNAL_IP6_ADDRESS = 8 "INTERNAL_IP6_ADDRESS",
        INTERNAL_IP6_NETMASK = 9 "INTERNAL_IP6_NETMASK",
        INTERNAL_IP6_DNS = 10 "INTERNAL_IP6_DNS",
        INTERNAL_IP6_NBNS = 11 "INTERNAL_IP6_NBNS",
        INTERNAL_IP6_DHCP = 12 "INTERNAL_IP6_DHCP",
        INTERNAL_IP4_SUBNET = 13 "INTERNAL_IP4_SUBNET",
        SUPPORTED_ATTRIBUTES = 14 "SUPPORTED_ATTRIBUTES",
        INTERNAL_IP6_SUBNET = 15 "INTERNAL_IP6_SUBNET",
        XAUTH_TYPE = 16520 "XAUTH-TYPE",
        XAUTH_USER_NAME = 16521 "XAUTH-USER-NAME",
        XAUTH_USER_PASSWORD = 16522 "XAUTH-USER-PASSWORD",
        XAUTH_PASSCODE = 16523 "XAUTH-PASSCODE",
        XAUTH_MESSAGE = 16524 "XAUTH-MESSAGE",
        XAUTH_CHALLENGE = 16525 "XAUTH-CHALLENGE",
        XAUTH_DOMAIN = 16526 "XAUTH-DOMAIN",
        XAUTH_STATUS = 16527 "XAUTH-STATUS",
        XAUTH_NEXT_PIN = 16528 "XAUTH-NEXT-PIN",
        XAUTH_ANSWER = 16529 "XAUTH-ANSWER",
    }

    /// Value of the XAUTH-TYPE attribute (XAUTH draft section 6.3).
    pub struct XauthType(u16) {
        GENERIC = 0 "Generic",
        RADIUS_CHAP = 1 "RADIUS-CHAP",
        OTP = 2 "OTP",
        S_KEY = 3 "S/KEY",
    }
}

impl NotifyType {
    /// Whether the type is in the error half of the number space, 1 to 16383 (RFC 2408 section 3.14.1).
    pub fn is_error(&self) -> bool {
        (1..=16383).contains(&self.0)
    }
}

impl From<AhTransform> for TransformId {
    fn from(value: AhTransform) -> Self {
        Self(value.0)
    }
}

impl From<EspTransform> for TransformId {
    fn from(value: EspTransform) -> Self {
        Self(value.0)
    }
}

impl From<IpcompTransform> for TransformId {
    fn from(value: IpcompTransform) -> Self {
        Self(value.0)
    }
}

/// Bits of the IPsec DOI situation (RFC 2407 section 4.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Situation(pub u32);

impl Situation {
    /// `SIT_IDENTITY_ONLY`: the SA is identified by what the Identification payload says.
    pub const IDENTITY_ONLY: Self = Self(1);
    /// `SIT_SECRECY`: labelled secrecy is required; labelled fields follow the situation.
    pub const SECRECY: Self = Self(2);
    /// `SIT_INTEGRITY`: labelled integrity is required; labelled fields follow the situation.
    pub const INTEGRITY: Self = Self(4);

    /// Whether every bit of `other` is set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::rfc_name("NO-PROPOSAL-CHOSEN")]
    #[case::lower_case("no-proposal-chosen")]
    #[case::constant("NO_PROPOSAL_CHOSEN")]
    #[case::spaces("No proposal chosen")]
    fn finds_a_notify_type_by_name(#[case] name: &str) {
        assert_eq!(NotifyType::from_name(name), Some(NotifyType::NO_PROPOSAL_CHOSEN));
    }

    #[rstest]
    #[case::rfc_name("3DES-CBC")]
    #[case::constant("triple_des_cbc")]
    fn finds_an_encryption_algorithm_by_name(#[case] name: &str) {
        assert_eq!(EncryptionAlgorithm::from_name(name), Some(EncryptionAlgorithm::TRIPLE_DES_CBC));
    }

    #[test]
    fn prints_the_name_or_the_number() {
        assert_eq!(ExchangeType::QUICK_MODE.to_string(), "Quick Mode");
        assert_eq!(format!("{:?}", ExchangeType(99)), "Unknown(0x63)");
        assert_eq!(ExchangeType(99).name(), None);
        assert_eq!(ExchangeType::from_name("Slow Mode"), None);
    }

    /// Checks a whole table: names find their values, no two values share a name, numbers ascend.
    macro_rules! check_table {
        ($($ty:ident)*) => {$(
            for (name, value) in $ty::all() {
                assert_eq!($ty::from_name(name), Some(*value), "{name}");
                assert_eq!(value.name(), Some(*name));
            }
            assert!($ty::all().is_sorted_by(|a, b| a.1 < b.1), concat!(stringify!($ty), " is not in order"));
        )*};
    }

    #[test]
    fn every_name_finds_its_value() {
        check_table!(
            PayloadType ExchangeType NotifyType ProtocolId Doi IdType CertEncoding Phase1Attribute
            EncryptionAlgorithm HashAlgorithmId AuthMethod GroupId GroupType LifeType IpsecAttribute TransformId
            AhTransform EspTransform IpcompTransform AuthAlgorithm EncapsulationMode ConfigType ConfigAttribute
            XauthType
        );
    }

    #[rstest]
    #[case::reserved_zero(NotifyType(0), false)]
    #[case::first_error(NotifyType::INVALID_PAYLOAD_TYPE, true)]
    #[case::last_private_error(NotifyType(16_383), true)]
    #[case::connected(NotifyType::CONNECTED, false)]
    #[case::r_u_there(NotifyType::R_U_THERE, false)]
    fn tells_errors_from_statuses(#[case] notify_type: NotifyType, #[case] is_error: bool) {
        assert_eq!(notify_type.is_error(), is_error);
    }
}
