//! Data attributes (RFC 2408 section 3.3).

use bytes::Bytes;

use super::codec::{Reader, saturate_u16};
use super::{Result, WireError, WireLimits};

/// Bit of the attribute type field that says the value stands in the field after it (AF).
const FORMAT_BIT: u16 = 0x8000;

/// One data attribute, in its basic (TV) or variable-length (TLV) form.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-----------------------------+-------------------------------+
/// |A|       Attribute Type        |  AF=0: Attribute Length       |
/// |F|          (class)            |  AF=1: Attribute Value        |
/// +-+-----------------------------+-------------------------------+
/// |       AF=0: Attribute Value, AF=1: not transmitted            |
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attribute {
    /// Attribute class, 15 bits: [`super::Phase1Attribute`], [`super::IpsecAttribute`] or
    /// [`super::ConfigAttribute`], as the payload around it says.
    pub class: u16,
    /// Form and value.
    pub value: AttributeValue,
}

/// Value of an attribute, and with it the form it is sent in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AttributeValue {
    /// Basic attribute: type and value, AF = 1.
    Short(u16),
    /// Variable-length attribute: type, length and value, AF = 0.
    Variable(Bytes),
}

impl Attribute {
    /// A basic attribute.
    pub fn short(class: impl Into<u16>, value: impl Into<u16>) -> Self {
        Self { class: class.into(), value: AttributeValue::Short(value.into()) }
    }

    /// A variable-length attribute.
    pub fn variable(class: impl Into<u16>, value: impl Into<Bytes>) -> Self {
        Self { class: class.into(), value: AttributeValue::Variable(value.into()) }
    }

    /// A life duration, in the unit of the life type before it: basic if it fits two octets, else a variable
    /// attribute of four octets.
    pub fn lifetime(class: impl Into<u16>, duration: u32) -> Self {
        match u16::try_from(duration) {
            Ok(short) => Self::short(class, short),
            Err(_) => Self::variable(class, Bytes::copy_from_slice(&duration.to_be_bytes())),
        }
    }

    /// The value as a number: a basic value, or a variable value of 1 to 8 octets in network byte order.
    pub fn as_u64(&self) -> Option<u64> {
        match &self.value {
            AttributeValue::Short(value) => Some(u64::from(*value)),
            AttributeValue::Variable(bytes) if matches!(bytes.len(), 1..=8) => {
                Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
            }
            AttributeValue::Variable(_) => None,
        }
    }

    /// The basic value, or `None` for a variable-length attribute.
    pub fn as_short(&self) -> Option<u16> {
        match self.value {
            AttributeValue::Short(value) => Some(value),
            AttributeValue::Variable(_) => None,
        }
    }

    fn read(reader: &mut Reader) -> Result<Self> {
        let class = reader.u16()?;
        let field = reader.u16()?;
        if class & FORMAT_BIT != 0 {
            return Ok(Self { class: class & !FORMAT_BIT, value: AttributeValue::Short(field) });
        }
        let (got, available) = (usize::from(field), reader.len());
        if got > available {
            return Err(WireError::BadLength { what: "attribute length", got, expected: 0..=available });
        }
        Ok(Self { class, value: AttributeValue::Variable(reader.take(got)?) })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let class = self.class & !FORMAT_BIT;
        match &self.value {
            AttributeValue::Short(value) => {
                out.extend_from_slice(&(class | FORMAT_BIT).to_be_bytes());
                out.extend_from_slice(&value.to_be_bytes());
            }
            AttributeValue::Variable(bytes) => {
                out.extend_from_slice(&class.to_be_bytes());
                out.extend_from_slice(&saturate_u16(bytes.len()).to_be_bytes());
                out.extend_from_slice(bytes);
            }
        }
    }

    /// Reads attributes until nothing is left.
    pub(super) fn read_all(reader: &mut Reader, limits: &WireLimits) -> Result<Vec<Self>> {
        let mut attributes = Vec::new();
        while reader.any_left() {
            if attributes.len() >= limits.attributes_max {
                return Err(WireError::TooMany { what: "attributes", limit: limits.attributes_max });
            }
            attributes.push(Self::read(reader)?);
        }
        Ok(attributes)
    }

    pub(super) fn encode_all(attributes: &[Self], out: &mut Vec<u8>) {
        for attribute in attributes {
            attribute.encode(out);
        }
    }
}
