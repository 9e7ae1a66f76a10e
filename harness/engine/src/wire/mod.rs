//! ISAKMP messages as bytes and as types: RFC 2408 section 3, RFC 2407 section 4, and the payloads of NAT
//! traversal, dead peer detection, Mode-Config and XAUTH. No keys, no state.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod attribute;
mod cert;
mod chain;
mod codec;
mod delete;
pub mod dissect;
pub mod edit;
mod error;
mod hash;
mod header;
mod id;
mod ke;
mod message;
mod mode_cfg;
mod nat;
mod nonce;
mod notify;
mod numbers;
mod payload;
mod proposal;
mod sa;
mod sig;
mod transform;
mod vendor_id;

pub use attribute::{Attribute, AttributeValue};
pub use cert::{Certificate, CertificateRequest};
pub use chain::{Chain, ReceivedPayload, ReservedViolation, Trailing, decode_chain, encode_chain};
pub use codec::WireLimits;
pub use delete::Delete;
pub use dissect::{Dissection, Field, FieldValue, dissect};
pub use edit::{Edit, EditError};
pub use error::{Result, WireError};
pub use hash::Hash;
pub use header::{Cookie, CookiePair, Flags, Header, MessageId, Spi, Version};
pub use id::Identification;
pub use ke::KeyExchange;
pub use message::{Message, encode_message};
pub use mode_cfg::AttributesPayload;
pub use nat::{NatDiscovery, NatOriginalAddress};
pub use nonce::Nonce;
pub use notify::Notification;
pub use numbers::{
    AhTransform, AuthAlgorithm, AuthMethod, CertEncoding, ConfigAttribute, ConfigType, Doi,
    EncapsulationMode, EncryptionAlgorithm, EspTransform, ExchangeType, GroupId, GroupType, HashAlgorithmId,
    IdType, IpcompTransform, IpsecAttribute, LifeType, NotifyType, PayloadType, Phase1Attribute, ProtocolId,
    Situation, TransformId, XauthType,
};
pub use payload::{Payload, UnknownPayload};
pub use proposal::Proposal;
pub use sa::SaPayload;
pub use sig::Signature;
pub use transform::Transform;
pub use vendor_id::VendorId;
