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
