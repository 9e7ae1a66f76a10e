//! Names for the values of fields, and of payload kinds in paths.

use super::{
    AhTransform, AuthAlgorithm, AuthMethod, ConfigAttribute, EncapsulationMode, EncryptionAlgorithm,
    EspTransform, GroupId, GroupType, HashAlgorithmId, IpcompTransform, IpsecAttribute, LifeType,
    PayloadType, Phase1Attribute, ProtocolId, TransformId, XauthType,
};

/// Gives the name of a number, if it has one.
pub(super) type Namer = fn(u64) -> Option<&'static str>;

/// A [`Namer`] for one type of assigned numbers.
macro_rules! namer {
    ($ty:ident) => {
        |value| $ty(value.try_into().ok()?).name()
    };
}

pub(super) fn nameless(_: u64) -> Option<&'static str> {
    None
}

pub(super) use namer;

/// Which attribute classes are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Classes {
    Phase1,
    Ipsec,
    Config,
}

/// Names a transform identifier, which the protocol of the proposal gives its meaning.
pub(super) fn transform_id(protocol: ProtocolId) -> Namer {
    match protocol {
        ProtocolId::ISAKMP => namer!(TransformId),
        ProtocolId::IPSEC_AH => namer!(AhTransform),
        ProtocolId::IPSEC_ESP => namer!(EspTransform),
        ProtocolId::IPCOMP => namer!(IpcompTransform),
        _ => nameless,
    }
}

/// Path name and error name of a payload type.
pub(super) fn kind_of(payload_type: PayloadType) -> (&'static str, &'static str) {
    match payload_type {
        PayloadType::SA => ("sa", "SA payload"),
        PayloadType::KE => ("ke", "Key Exchange payload"),
        PayloadType::ID => ("id", "Identification payload"),
        PayloadType::CERT => ("cert", "Certificate payload"),
        PayloadType::CERT_REQUEST => ("cert_request", "Certificate Request payload"),
        PayloadType::HASH => ("hash", "Hash payload"),
        PayloadType::SIG => ("sig", "Signature payload"),
        PayloadType::NONCE => ("nonce", "Nonce payload"),
        PayloadType::NOTIFICATION => ("notification", "Notification payload"),
        PayloadType::DELETE => ("delete", "Delete payload"),
        PayloadType::VENDOR_ID => ("vendor_id", "Vendor ID payload"),
        PayloadType::ATTRIBUTES => ("attributes", "Attributes payload"),
        PayloadType::NAT_D | PayloadType::NAT_D_DRAFT => ("nat_d", "NAT-D payload"),
        PayloadType::NAT_OA | PayloadType::NAT_OA_DRAFT => ("nat_oa", "NAT-OA payload"),
        PayloadType::FRAGMENT => ("fragment", "fragment payload"),
        _ => ("unknown", "payload"),
    }
}

pub(super) fn flags(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "none",
        1 => "E",
        2 => "C",
        3 => "E|C",
        4 => "A",
        5 => "E|A",
        6 => "C|A",
        7 => "E|C|A",
        _ => return None,
    })
}

pub(super) fn situation(value: u64) -> Option<&'static str> {
    (value == 1).then_some("SIT_IDENTITY_ONLY")
}

/// Names the type field of an attribute, whatever its AF bit.
pub(super) fn attribute_class(classes: Classes) -> Namer {
    match classes {
        Classes::Phase1 => |value| Phase1Attribute(u16::try_from(value & 0x7fff).ok()?).name(),
        Classes::Ipsec => |value| IpsecAttribute(u16::try_from(value & 0x7fff).ok()?).name(),
        Classes::Config => |value| ConfigAttribute(u16::try_from(value & 0x7fff).ok()?).name(),
    }
}

pub(super) fn attribute_value(classes: Classes, class: u16) -> Namer {
    match (classes, class) {
        (Classes::Phase1, class) => match Phase1Attribute(class) {
            Phase1Attribute::ENCRYPTION_ALGORITHM => namer!(EncryptionAlgorithm),
            Phase1Attribute::HASH_ALGORITHM => namer!(HashAlgorithmId),
            Phase1Attribute::AUTHENTICATION_METHOD => namer!(AuthMethod),
            Phase1Attribute::GROUP_DESCRIPTION => namer!(GroupId),
            Phase1Attribute::GROUP_TYPE => namer!(GroupType),
            Phase1Attribute::LIFE_TYPE => namer!(LifeType),
            _ => nameless,
        },
        (Classes::Ipsec, class) => match IpsecAttribute(class) {
            IpsecAttribute::SA_LIFE_TYPE => namer!(LifeType),
            IpsecAttribute::GROUP_DESCRIPTION => namer!(GroupId),
            IpsecAttribute::ENCAPSULATION_MODE => namer!(EncapsulationMode),
            IpsecAttribute::AUTHENTICATION_ALGORITHM => namer!(AuthAlgorithm),
            _ => nameless,
        },
        (Classes::Config, class) if class == ConfigAttribute::XAUTH_TYPE.0 => namer!(XauthType),
        (Classes::Config, _) => nameless,
    }
}
