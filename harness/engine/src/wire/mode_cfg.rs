//! The Attributes payload, `ATTR`, of Mode-Config and XAUTH (Mode-Config draft section 3.2).

use bytes::Bytes;

use super::codec::Reader;
use super::{Attribute, ConfigType, Result, WireLimits};

/// The ATTR payload of a Transaction exchange.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// | Next Payload  |   RESERVED    |        Payload Length         |
/// +---------------+---------------+-------------------------------+
/// |     Type      |   RESERVED    |           Identifier          |
/// +---------------+---------------+-------------------------------+
/// ~                          Attributes                           ~
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AttributesPayload {
    /// Whether the attributes are requested, replied, set or acknowledged.
    pub message_type: ConfigType,
    /// Identifies the configuration transaction.
    pub identifier: u16,
    /// Attributes of classes [`super::ConfigAttribute`].
    pub attributes: Vec<Attribute>,
}

impl AttributesPayload {
    /// The first attribute of this class.
    pub fn attribute(&self, class: impl Into<u16>) -> Option<&Attribute> {
        let class = class.into();
        self.attributes.iter().find(|attribute| attribute.class == class)
    }

    pub(super) fn decode(body: Bytes, limits: &WireLimits) -> Result<Self> {
        let mut reader = Reader::new("Attributes payload", body);
        let message_type = ConfigType(reader.u8()?);
        let _reserved = reader.u8()?;
        let identifier = reader.u16()?;
        Ok(Self { message_type, identifier, attributes: Attribute::read_all(&mut reader, limits)? })
    }

    pub(super) fn encode_body(&self) -> Vec<u8> {
        let mut out = vec![self.message_type.0, 0];
        out.extend_from_slice(&self.identifier.to_be_bytes());
        Attribute::encode_all(&self.attributes, &mut out);
        out
    }
}
