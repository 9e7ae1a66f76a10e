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

    /// Reads an attribute list that fills `data`, as RESPONDER-LIFETIME carries one (RFC 2407 section 4.6.3.1).
    ///
    /// # Errors
    ///
    /// When the list does not end where `data` ends, or has more attributes than `limits` allow.
    pub fn decode_list(data: Bytes, limits: &WireLimits) -> Result<Vec<Self>> {
        Self::read_all(&mut Reader::new("attribute list", data), limits)
    }

    /// The bytes of an attribute list.
    pub fn encode_list(attributes: &[Self]) -> Bytes {
        let mut out = Vec::new();
        Self::encode_all(attributes, &mut out);
        Bytes::from(out)
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::test_support::hex;
    use super::*;

    fn read(bytes: &Bytes) -> Result<Vec<Attribute>> {
        Attribute::read_all(&mut Reader::new("attributes", bytes.clone()), &WireLimits::default())
    }

    #[rstest]
    #[case::basic(Attribute::short(1_u16, 7_u16), "8001 0007")]
    #[case::variable(Attribute::variable(12_u16, &b"\0\x01\x51\x80"[..]), "000c 0004 00015180")]
    #[case::empty_variable(Attribute::variable(1_u16, Bytes::new()), "0001 0000")]
    #[case::unknown_class(Attribute::short(0x7fff_u16, 1_u16), "ffff 0001")]
    #[case::short_lifetime(Attribute::lifetime(2_u16, 28_800), "8002 7080")]
    #[case::long_lifetime(Attribute::lifetime(2_u16, 65_536), "0002 0004 00010000")]
    fn round_trips_attribute(#[case] attribute: Attribute, #[case] bytes: &str) {
        let mut out = Vec::new();
        attribute.encode(&mut out);
        assert_eq!(hex::encode(out), hex::encode(hex(bytes)));
        assert_eq!(read(&hex(bytes)), Ok(vec![attribute]));
    }

    #[test]
    fn rejects_every_shorter_prefix() {
        for bytes in [hex("8001 0007"), hex("000c 0004 00015180")] {
            for len in 1..bytes.len() {
                assert!(read(&bytes.slice(..len)).is_err(), "accepted {len} bytes");
            }
        }
    }

    #[test]
    fn rejects_a_length_past_the_end() {
        let error = WireError::BadLength { what: "attribute length", got: 5, expected: 0..=4 };
        assert_eq!(read(&hex("000c 0005 00015180")), Err(error));
    }

    #[test]
    fn rejects_more_attributes_than_the_limit() {
        let limits = WireLimits { attributes_max: 1, ..WireLimits::default() };
        let mut reader = Reader::new("attributes", hex("80010001 80020002"));
        let error = WireError::TooMany { what: "attributes", limit: 1 };
        assert_eq!(Attribute::read_all(&mut reader, &limits), Err(error));
    }

    #[rstest]
    #[case::basic(Attribute::short(1_u16, 7_u16), Some(7))]
    #[case::one_octet(Attribute::variable(1_u16, &[9][..]), Some(9))]
    #[case::leading_zeros(Attribute::variable(1_u16, &[0, 0, 1, 0][..]), Some(256))]
    #[case::eight_octets(Attribute::variable(1_u16, &[0xff; 8][..]), Some(u64::MAX))]
    #[case::nine_octets(Attribute::variable(1_u16, &[0; 9][..]), None)]
    #[case::empty(Attribute::variable(1_u16, Bytes::new()), None)]
    fn reads_both_forms_as_a_number(#[case] attribute: Attribute, #[case] number: Option<u64>) {
        assert_eq!(attribute.as_u64(), number);
    }
}
