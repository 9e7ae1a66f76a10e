//! The payloads as one type.

use bytes::Bytes;

use super::{
    AttributesPayload, Certificate, CertificateRequest, Delete, Fragment, Hash, Identification, KeyExchange,
    NatDiscovery, NatOriginalAddress, Nonce, Notification, PayloadType, Result, SaPayload, Signature,
    VendorId, WireError, WireLimits,
};

/// Any payload that can stand in a chain.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is documented at the type it holds")]
pub enum Payload {
    Sa(SaPayload),
    KeyExchange(KeyExchange),
    Identification(Identification),
    Certificate(Certificate),
    CertificateRequest(CertificateRequest),
    Hash(Hash),
    Signature(Signature),
    Nonce(Nonce),
    Notification(Notification),
    Delete(Delete),
    VendorId(VendorId),
    NatDiscovery(NatDiscovery),
    NatOriginalAddress(NatOriginalAddress),
    Attributes(AttributesPayload),
    Fragment(Fragment),
    Unknown(UnknownPayload),
}

/// A payload of a type this module has no fields for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnknownPayload {
    /// Payload type.
    pub payload_type: PayloadType,
    /// Everything after the generic header.
    pub body: Bytes,
}

impl Payload {
    /// Decodes the body of one payload, without its generic header.
    ///
    /// # Errors
    /// What is wrong with the body; [`WireError::BadNextPayload`] if the type cannot stand in a chain.
    pub fn decode(payload_type: PayloadType, body: Bytes, limits: &WireLimits) -> Result<Self> {
        Ok(match payload_type {
            PayloadType::SA => Self::Sa(SaPayload::decode(body, limits)?),
            PayloadType::KE => Self::KeyExchange(KeyExchange::decode(body)),
            PayloadType::ID => Self::Identification(Identification::decode(body)?),
            PayloadType::CERT => Self::Certificate(Certificate::decode(body)?),
            PayloadType::CERT_REQUEST => Self::CertificateRequest(CertificateRequest::decode(body)?),
            PayloadType::HASH => Self::Hash(Hash::decode(body)),
            PayloadType::SIG => Self::Signature(Signature::decode(body)),
            PayloadType::NONCE => Self::Nonce(Nonce::decode(body)),
            PayloadType::NOTIFICATION => Self::Notification(Notification::decode(body)?),
            PayloadType::DELETE => Self::Delete(Delete::decode(body, limits)?),
            PayloadType::VENDOR_ID => Self::VendorId(VendorId::decode(body)),
            PayloadType::ATTRIBUTES => Self::Attributes(AttributesPayload::decode(body, limits)?),
            PayloadType::NAT_D => Self::NatDiscovery(NatDiscovery::decode(body, false)),
            PayloadType::NAT_D_DRAFT => Self::NatDiscovery(NatDiscovery::decode(body, true)),
            PayloadType::NAT_OA => Self::NatOriginalAddress(NatOriginalAddress::decode(body, false)?),
            PayloadType::NAT_OA_DRAFT => Self::NatOriginalAddress(NatOriginalAddress::decode(body, true)?),
            PayloadType::FRAGMENT => Self::Fragment(Fragment::decode(body)?),
            PayloadType::NONE | PayloadType::PROPOSAL | PayloadType::TRANSFORM => {
                return Err(WireError::BadNextPayload {
                    within: "payload chain",
                    got: payload_type,
                    expected: "neither NONE, P nor T",
                });
            }
            payload_type => Self::Unknown(UnknownPayload { payload_type, body }),
        })
    }

    /// The type that the Next Payload field before this payload has to name.
    pub fn payload_type(&self) -> PayloadType {
        match self {
            Self::Sa(_) => PayloadType::SA,
            Self::KeyExchange(_) => PayloadType::KE,
            Self::Identification(_) => PayloadType::ID,
            Self::Certificate(_) => PayloadType::CERT,
            Self::CertificateRequest(_) => PayloadType::CERT_REQUEST,
            Self::Hash(_) => PayloadType::HASH,
            Self::Signature(_) => PayloadType::SIG,
            Self::Nonce(_) => PayloadType::NONCE,
            Self::Notification(_) => PayloadType::NOTIFICATION,
            Self::Delete(_) => PayloadType::DELETE,
            Self::VendorId(_) => PayloadType::VENDOR_ID,
            Self::NatDiscovery(payload) if payload.draft => PayloadType::NAT_D_DRAFT,
            Self::NatDiscovery(_) => PayloadType::NAT_D,
            Self::NatOriginalAddress(payload) if payload.draft => PayloadType::NAT_OA_DRAFT,
            Self::NatOriginalAddress(_) => PayloadType::NAT_OA,
            Self::Attributes(_) => PayloadType::ATTRIBUTES,
            Self::Fragment(_) => PayloadType::FRAGMENT,
            Self::Unknown(payload) => payload.payload_type,
        }
    }

    /// The body without the generic header: what `SAi_b`, `IDii_b` and their like stand for.
    pub fn encode_body(&self) -> Vec<u8> {
        match self {
            Self::Sa(payload) => payload.encode_body(),
            Self::KeyExchange(payload) => payload.encode_body(),
            Self::Identification(payload) => payload.encode_body(),
            Self::Certificate(payload) => payload.encode_body(),
            Self::CertificateRequest(payload) => payload.encode_body(),
            Self::Hash(payload) => payload.encode_body(),
            Self::Signature(payload) => payload.encode_body(),
            Self::Nonce(payload) => payload.encode_body(),
            Self::Notification(payload) => payload.encode_body(),
            Self::Delete(payload) => payload.encode_body(),
            Self::VendorId(payload) => payload.encode_body(),
            Self::NatDiscovery(payload) => payload.encode_body(),
            Self::NatOriginalAddress(payload) => payload.encode_body(),
            Self::Attributes(payload) => payload.encode_body(),
            Self::Fragment(payload) => payload.encode_body(),
            Self::Unknown(payload) => payload.body.to_vec(),
        }
    }
}

/// `From` for each payload type, so that a list of payloads is written without repeating the names.
macro_rules! payload_from {
    ($($variant:ident($ty:ty),)*) => {$(
        impl From<$ty> for Payload {
            fn from(payload: $ty) -> Self {
                Self::$variant(payload)
            }
        }
    )*};
}

payload_from! {
    Sa(SaPayload),
    KeyExchange(KeyExchange),
    Identification(Identification),
    Certificate(Certificate),
    CertificateRequest(CertificateRequest),
    Hash(Hash),
    Signature(Signature),
    Nonce(Nonce),
    Notification(Notification),
    Delete(Delete),
    VendorId(VendorId),
    NatDiscovery(NatDiscovery),
    NatOriginalAddress(NatOriginalAddress),
    Attributes(AttributesPayload),
    Fragment(Fragment),
    Unknown(UnknownPayload),
}
