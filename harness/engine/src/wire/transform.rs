//! The Transform payload, `T` (RFC 2408 section 3.6).

use bytes::Bytes;

use super::codec::Reader;
use super::{Attribute, Result, TransformId, WireLimits};

/// One transform: an algorithm suite of a proposal, with its SA attributes in the order sent.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// | NP (3 or 0)   |   RESERVED    |        Payload Length         |
/// +---------------+---------------+-------------------------------+
/// |  Transform #  | Transform-Id  |           RESERVED2           |
/// +---------------+---------------+-------------------------------+
/// ~                        SA Attributes                          ~
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Transform {
    /// Transform number, unique within the proposal.
    pub number: u8,
    /// Transform identifier; the proposal's protocol says what it means.
    pub id: TransformId,
    /// SA attributes.
    pub attributes: Vec<Attribute>,
}

impl Transform {
    /// The first attribute of this class.
    pub fn attribute(&self, class: impl Into<u16>) -> Option<&Attribute> {
        let class = class.into();
        self.attributes.iter().find(|attribute| attribute.class == class)
    }

    pub(super) fn decode(body: Bytes, limits: &WireLimits) -> Result<Self> {
        let mut reader = Reader::new("transform", body);
        let number = reader.u8()?;
        let id = TransformId(reader.u8()?);
        let _reserved2 = reader.u16()?;
        Ok(Self { number, id, attributes: Attribute::read_all(&mut reader, limits)? })
    }

    pub(super) fn encode_body(&self) -> Vec<u8> {
        let mut out = vec![self.number, self.id.0, 0, 0];
        Attribute::encode_all(&self.attributes, &mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::hex;
    use super::*;

    fn transform() -> (Transform, Bytes) {
        let attributes = vec![Attribute::short(1_u16, 5_u16), Attribute::variable(12_u16, &b"\x01\x02"[..])];
        let bytes = hex("03 01 0000  8001 0005  000c 0002 0102");
        (Transform { number: 3, id: TransformId::KEY_IKE, attributes }, bytes)
    }

    fn decode(body: Bytes) -> Result<Transform> {
        Transform::decode(body, &WireLimits::default())
    }

    #[test]
    fn round_trips_transform() {
        let (transform, bytes) = transform();
        assert_eq!(transform.encode_body(), bytes);
        assert_eq!(decode(bytes), Ok(transform));
    }

    #[test]
    fn rejects_every_prefix_that_cuts_a_field() {
        let (_, bytes) = transform();
        // After 4 and 8 octets an attribute ends, so these are transforms with fewer attributes.
        for len in (0..bytes.len()).filter(|len| ![4, 8].contains(len)) {
            assert!(decode(bytes.slice(..len)).is_err(), "accepted {len} bytes");
        }
    }

    #[test]
    fn rejects_a_bad_attribute_length() {
        assert!(decode(hex("03 01 0000  000c 0003 0102")).is_err());
    }

    #[test]
    fn keeps_an_unknown_transform_id() {
        let bytes = hex("01 f0 0000");
        let transform = decode(bytes.clone()).unwrap();
        assert_eq!(transform.id, TransformId(0xf0));
        assert_eq!(transform.encode_body(), bytes);
    }

    #[test]
    fn finds_the_first_attribute_of_a_class() {
        let (transform, _) = transform();
        assert_eq!(transform.attribute(12_u16), transform.attributes.get(1));
        assert_eq!(transform.attribute(2_u16), None);
    }
}
