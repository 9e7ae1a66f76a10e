//! The Attributes payload, `ATTR`, of Mode-Config and XAUTH (Mode-Config draft section 3.2).

use bytes::Bytes;

use super::codec::Reader;
use super::{Attribute, ConfigAttribute, ConfigType, Result, WireLimits};

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

    /// Whether any attribute is one of XAUTH (XAUTH draft section 6.2).
    pub fn is_xauth(&self) -> bool {
        let xauth = ConfigAttribute::XAUTH_TYPE.0..=ConfigAttribute::XAUTH_ANSWER.0;
        self.attributes.iter().any(|attribute| xauth.contains(&attribute.class))
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

#[cfg(test)]
mod tests {
    use super::super::PayloadType;
    use super::super::test_support::*;
    use super::*;

    fn request() -> AttributesPayload {
        AttributesPayload {
            message_type: ConfigType::REQUEST,
            identifier: 0x1234,
            attributes: vec![
                Attribute::short(ConfigAttribute::XAUTH_TYPE, 0_u16),
                Attribute::variable(ConfigAttribute::XAUTH_USER_NAME, Bytes::new()),
            ],
        }
    }

    #[test]
    fn round_trips_attributes_payload() {
        assert_fixed_bytes(request(), "01 00 1234  c088 0000  4089 0000");
        assert_eq!(request().attribute(ConfigAttribute::XAUTH_TYPE).and_then(Attribute::as_short), Some(0));
    }

    #[test]
    fn rejects_every_shorter_prefix() {
        assert_shorter_chains_fail(request());
        assert_shorter_bodies_fail(request(), 4);
    }

    #[test]
    fn rejects_bad_payload_lengths() {
        assert_bad_payload_lengths_fail(request());
    }

    #[test]
    fn rejects_an_attribute_that_is_half_contained() {
        assert!(decode_body(PayloadType::ATTRIBUTES, &hex("01 00 1234 4089 0002 61")).is_err());
    }

    #[test]
    fn tells_xauth_from_mode_config() {
        let with =
            |class: u16| AttributesPayload { attributes: vec![Attribute::short(class, 0_u16)], ..request() };
        assert!(request().is_xauth());
        assert!(with(16_520).is_xauth() && with(16_529).is_xauth());
        assert!(!with(16_519).is_xauth() && !with(16_530).is_xauth() && !with(1).is_xauth());
    }

    #[test]
    fn keeps_unknown_numbers() {
        let payload = AttributesPayload {
            message_type: ConfigType(200),
            identifier: 0,
            attributes: vec![Attribute::short(0x7000_u16, 1_u16)],
        };
        assert_fixed_bytes(payload, "c8 00 0000 f000 0001");
    }
}
