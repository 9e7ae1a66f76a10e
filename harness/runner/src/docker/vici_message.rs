//! The VICI message format: sections, key/value pairs and lists of strings.
//!
//! A message is a sequence of elements, each a type octet followed by counted strings: names are counted
//! by one octet, values and list items by two (big-endian).
//!
//! ```
//! use ikev1_runner::docker::Section;
//!
//! let message = Section::new().value("child", "net").list("owners", ["a", "b"]);
//! assert_eq!(Section::decode(&message.encode()?)?, message);
//! # Ok::<(), ikev1_runner::docker::ViciError>(())
//! ```

use std::fmt;

use super::error::ViciError;

const SECTION_START: u8 = 1;
const SECTION_END: u8 = 2;
const KEY_VALUE: u8 = 3;
const LIST_START: u8 = 4;
const LIST_ITEM: u8 = 5;
const LIST_END: u8 = 6;

/// Sections in sections: deeper nesting than any VICI message has is refused.
const DEPTH_MAX: usize = 16;

/// One named element of a [`Section`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Element {
    /// A key with one value.
    Value(String),
    /// A key with a list of values.
    List(Vec<String>),
    /// A named subsection.
    Section(Section),
}

/// An ordered VICI section; a whole message is the root section.
///
/// `Display` writes it in the syntax of `swanctl.conf`, for reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    elements: Vec<(String, Element)>,
}

impl Section {
    /// An empty section.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends `key = value`.
    #[must_use]
    pub fn value(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.elements.push((key.into(), Element::Value(value.into())));
        self
    }

    /// Appends a list of values under `key`.
    #[must_use]
    pub fn list<T: Into<String>>(
        mut self,
        key: impl Into<String>,
        items: impl IntoIterator<Item = T>,
    ) -> Self {
        let items = items.into_iter().map(Into::into).collect();
        self.elements.push((key.into(), Element::List(items)));
        self
    }

    /// Appends a subsection.
    #[must_use]
    pub fn section(mut self, key: impl Into<String>, section: Self) -> Self {
        self.elements.push((key.into(), Element::Section(section)));
        self
    }

    /// The elements in the order of the message.
    #[must_use]
    pub fn elements(&self) -> &[(String, Element)] {
        &self.elements
    }

    /// The value of `key`, if `key` is there and is a single value.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.elements.iter().find_map(|(name, element)| match element {
            Element::Value(value) if name == key => Some(value.as_str()),
            _ => None,
        })
    }

    /// The list under `key`; empty if there is none.
    #[must_use]
    pub fn get_list(&self, key: &str) -> &[String] {
        self.elements
            .iter()
            .find_map(|(name, element)| match element {
                Element::List(items) if name == key => Some(items.as_slice()),
                _ => None,
            })
            .unwrap_or(&[])
    }

    /// The subsection `key`.
    #[must_use]
    pub fn get_section(&self, key: &str) -> Option<&Self> {
        self.sections().find_map(|(name, section)| (name == key).then_some(section))
    }

    /// All subsections with their names.
    pub fn sections(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.elements.iter().filter_map(|(name, element)| match element {
            Element::Section(section) => Some((name.as_str(), section)),
            _ => None,
        })
    }

    /// The octets of the message.
    ///
    /// # Errors
    /// A name longer than 255 octets or a value longer than 65535 has no encoding.
    pub fn encode(&self) -> Result<Vec<u8>, ViciError> {
        let mut out = Vec::new();
        self.encode_into(&mut out)?;
        Ok(out)
    }

    fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), ViciError> {
        for (name, element) in &self.elements {
            match element {
                Element::Value(value) => {
                    out.push(KEY_VALUE);
                    put_name(out, name)?;
                    put_value(out, value)?;
                }
                Element::List(items) => {
                    out.push(LIST_START);
                    put_name(out, name)?;
                    for item in items {
                        out.push(LIST_ITEM);
                        put_value(out, item)?;
                    }
                    out.push(LIST_END);
                }
                Element::Section(section) => {
                    out.push(SECTION_START);
                    put_name(out, name)?;
                    section.encode_into(out)?;
                    out.push(SECTION_END);
                }
            }
        }
        Ok(())
    }

    /// Reads a message. Values that are not UTF-8 are read with replacement characters.
    ///
    /// # Errors
    /// Truncated elements, unknown element types, unbalanced or too deep sections.
    pub fn decode(bytes: &[u8]) -> Result<Self, ViciError> {
        let mut reader = Reader { rest: bytes };
        let root = decode_section(&mut reader, 0)?;
        if reader.rest.is_empty() {
            Ok(root)
        } else {
            Err(ViciError::Malformed("end of an unopened section"))
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, indent: usize) -> fmt::Result {
        for (name, element) in &self.elements {
            match element {
                Element::Value(value) => writeln!(f, "{:indent$}{name} = {value}", "")?,
                Element::List(items) => writeln!(f, "{:indent$}{name} = {}", "", items.join(", "))?,
                Element::Section(section) => {
                    writeln!(f, "{:indent$}{name} {{", "")?;
                    section.write(f, indent + 4)?;
                    writeln!(f, "{:indent$}}}", "")?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

/// Stops after the element that closes the section, or at the end of the message for the root.
fn decode_section(reader: &mut Reader<'_>, depth: usize) -> Result<Section, ViciError> {
    if depth > DEPTH_MAX {
        return Err(ViciError::Malformed("sections nested too deep"));
    }
    let mut section = Section::new();
    while let Some(kind) = reader.octet() {
        match kind {
            SECTION_START => {
                let name = reader.name()?;
                let inner = decode_section(reader, depth + 1)?;
                section = section.section(name, inner);
            }
            SECTION_END if depth > 0 => return Ok(section),
            KEY_VALUE => {
                let name = reader.name()?;
                section = section.value(name, reader.value()?);
            }
            LIST_START => {
                let name = reader.name()?;
                section = section.list(name, reader.list_items()?);
            }
            _ => return Err(ViciError::Malformed("unexpected element type")),
        }
    }
    if depth == 0 { Ok(section) } else { Err(ViciError::Malformed("section without an end")) }
}

fn put_name(out: &mut Vec<u8>, name: &str) -> Result<(), ViciError> {
    let len = u8::try_from(name.len()).map_err(|_| ViciError::TooLong { what: "name", len: name.len() })?;
    out.push(len);
    out.extend_from_slice(name.as_bytes());
    Ok(())
}

fn put_value(out: &mut Vec<u8>, value: &str) -> Result<(), ViciError> {
    let len =
        u16::try_from(value.len()).map_err(|_| ViciError::TooLong { what: "value", len: value.len() })?;
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(value.as_bytes());
    Ok(())
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn octet(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn text(&mut self, len: usize) -> Result<String, ViciError> {
        let (text, rest) = self.rest.split_at_checked(len).ok_or(ViciError::Malformed("truncated string"))?;
        self.rest = rest;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    fn name(&mut self) -> Result<String, ViciError> {
        let len = self.octet().ok_or(ViciError::Malformed("truncated name"))?;
        self.text(usize::from(len))
    }

    fn value(&mut self) -> Result<String, ViciError> {
        let (Some(high), Some(low)) = (self.octet(), self.octet()) else {
            return Err(ViciError::Malformed("truncated value"));
        };
        self.text(usize::from(u16::from_be_bytes([high, low])))
    }

    fn list_items(&mut self) -> Result<Vec<String>, ViciError> {
        let mut items = Vec::new();
        loop {
            match self.octet() {
                Some(LIST_ITEM) => items.push(self.value()?),
                Some(LIST_END) => return Ok(items),
                Some(_) => return Err(ViciError::Malformed("unexpected element type in a list")),
                None => return Err(ViciError::Malformed("list without an end")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn sample() -> Section {
        Section::new()
            .value("key1", "value1")
            .section("section1", Section::new().section("sub", Section::new().value("key2", "value2")))
            .list("list1", ["item1", "item2"])
    }

    #[test]
    fn encodes_the_example_of_the_vici_description() {
        let expected = [
            &b"\x03\x04key1\x00\x06value1"[..],
            b"\x01\x08section1\x01\x03sub\x03\x04key2\x00\x06value2\x02\x02",
            b"\x04\x05list1\x05\x00\x05item1\x05\x00\x05item2\x06",
        ]
        .concat();
        assert_eq!(sample().encode().unwrap(), expected);
        assert_eq!(Section::decode(&expected).unwrap(), sample());
    }

    #[test]
    fn display_reads_like_swanctl_conf() {
        insta::assert_snapshot!(sample(), @r"
        key1 = value1
        section1 {
            sub {
                key2 = value2
            }
        }
        list1 = item1, item2
        ");
    }

    #[rstest]
    #[case::unknown_type(b"\x09")]
    #[case::truncated_name(b"\x03\x04ke")]
    #[case::truncated_value(b"\x03\x01k\x00\x05v")]
    #[case::missing_value(b"\x03\x01k")]
    #[case::list_item_at_top(b"\x05\x00\x01v")]
    #[case::open_list(b"\x04\x01l\x05\x00\x01v")]
    #[case::key_in_list(b"\x04\x01l\x03\x01k\x00\x00\x06")]
    #[case::open_section(b"\x01\x01s")]
    #[case::unopened_section(b"\x02")]
    fn rejects(#[case] bytes: &[u8]) {
        assert!(matches!(Section::decode(bytes), Err(ViciError::Malformed(_))));
    }

    #[test]
    fn rejects_sections_nested_too_deep() {
        let bytes = b"\x01\x01s".repeat(100_000);
        assert!(matches!(Section::decode(&bytes), Err(ViciError::Malformed("sections nested too deep"))));
    }

    #[test]
    fn refuses_to_encode_what_the_counters_cannot_hold() {
        assert!(Section::new().value("k".repeat(256), "v").encode().is_err());
        assert!(Section::new().value("k", "v".repeat(65536)).encode().is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(section) = Section::decode(&bytes) {
                // Replacement characters may lengthen a value, so only what is still encodable round-trips.
                if let Ok(encoded) = section.encode() {
                    prop_assert_eq!(Section::decode(&encoded).unwrap(), section);
                }
            }
        }
    }
}
