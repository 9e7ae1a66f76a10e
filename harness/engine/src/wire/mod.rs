//! ISAKMP messages as bytes and as types: RFC 2408 section 3, RFC 2407 section 4, and the payloads of NAT
//! traversal, dead peer detection, Mode-Config and XAUTH. No keys, no state, no policy.
//!
//! ```text
//! datagram ─▶ Header::decode ─▶ Header::check ─┬─ in the clear ───────────────▶ decode_chain ─▶ Chain
//!                                              └─ HDR*: decrypt (not here) ──▶ decode_chain, Trailing::Padding
//! payloads ─▶ encode_message, or encode_chain and encryption (not here) ─▶ datagram ─▶ edit::apply (malformed)
//! any octets ─▶ dissect ─▶ named fields and errors, for transcripts and reports
//! ```
//!
//! # Guarantees
//! - No function panics, whatever the octets; lengths are checked before they are used, and nothing is allocated
//!   by a length or count that has not been checked. [`WireLimits`] bounds how much is decoded.
//! - What decodes keeps its octets: payloads are slices of the datagram, and [`ReceivedPayload::body`] is the
//!   body exactly as received, which is what HASH_I and its like cover.
//! - Assigned numbers are open: a value without a name decodes, prints as a number and encodes unchanged.
//! - Decoding what was encoded gives the same value. Encoding what was decoded gives the same octets, except
//!   that RESERVED fields become zero; [`Chain::reserved_violation`] tells when they were not.
//! - The encoder makes only well-formed messages, as long as every length fits its field: SPIs of at most 255
//!   octets, 255 transforms per proposal, payloads of at most 65,535 octets, and SPIs of one Delete all of its
//!   `spi_size`. A length that does not fit is written as the largest the field can say. Malformed messages are
//!   made by [`edit`].
//! - [`dissect()`] finds errors in a message exactly when the strict reader, without limits, refuses it.
//!
//! # Example
//! ```
//! use bytes::Bytes;
//! use ikev1::wire::{
//!     Attribute, Cookie, CookiePair, EncryptionAlgorithm, ExchangeType, Header, Message, MessageId, Payload,
//!     Phase1Attribute, Proposal, ProtocolId, SaPayload, Transform, TransformId, WireLimits, encode_message,
//! };
//!
//! let transform = Transform {
//!     number: 1,
//!     id: TransformId::KEY_IKE,
//!     attributes: vec![
//!         Attribute::short(Phase1Attribute::ENCRYPTION_ALGORITHM, EncryptionAlgorithm::AES_CBC),
//!         Attribute::short(Phase1Attribute::KEY_LENGTH, 256_u16),
//!         Attribute::lifetime(Phase1Attribute::LIFE_DURATION, 86_400),
//!     ],
//! };
//! let proposal =
//!     Proposal { number: 1, protocol: ProtocolId::ISAKMP, spi: Bytes::new(), transforms: vec![transform] };
//! let payloads = [Payload::from(SaPayload::ipsec_doi(vec![proposal]))];
//! let cookies = CookiePair { initiator: Cookie(*b"initiate"), responder: Cookie::ZERO };
//! let header = Header::new(cookies, ExchangeType::IDENTITY_PROTECTION, MessageId::PHASE_1);
//!
//! let datagram = Bytes::from(encode_message(&header, &payloads));
//! let message = Message::decode(&datagram, &WireLimits::default())?;
//! assert_eq!(message.header.cookies, cookies);
//! assert!(message.chain.iter().eq(&payloads));
//!
//! // A datagram that ends early is refused, and the error names the notify to answer with.
//! let error = Message::decode(&datagram.slice(..60), &WireLimits::default()).unwrap_err();
//! assert_eq!(error.notify_type().map(|notify| notify.to_string()).as_deref(), Some("UNEQUAL-PAYLOAD-LENGTHS"));
//! # Ok::<(), ikev1::wire::WireError>(())
//! ```

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod attribute;
mod cert;
mod chain;
mod codec;
mod config_item;
mod delete;
pub mod dissect;
pub mod edit;
mod error;
mod field_names;
mod fragment;
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
mod opaque;
mod payload;
mod proposal;
mod sa;
mod sig;
#[cfg(test)]
mod test_support;
mod transform;
mod vendor_id;
mod walker;

pub use attribute::{Attribute, AttributeValue};
pub use cert::{Certificate, CertificateRequest};
pub use chain::{
    Chain, ReceivedPayload, ReservedViolation, Trailing, Undecoded, decode_chain, decode_chain_lenient,
    encode_chain,
};
pub use codec::WireLimits;
pub use config_item::ConfigItem;
pub use delete::Delete;
pub use dissect::{Dissection, Field, FieldValue, dissect};
pub use edit::{Edit, EditError};
pub use error::{Result, WireError};
pub use fragment::Fragment;
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
