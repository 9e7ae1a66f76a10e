//! Edits on the bytes of a finished message, by the paths of [`super::dissect`](mod@super::dissect).
//!
//! The encoder makes only well-formed messages; malformed ones are made here, from well-formed ones. `Set`,
//! `SetNumber`, `Xor`, `Truncate` and `Append` change what they name and nothing else. The edits that insert,
//! remove, replace or move also adjust the length fields around them, the Next Payload fields, and the SPI size
//! and transform count where these are concerned, so that a well-formed message stays well-formed.
//!
//! A message whose body is to be encrypted is edited before encryption.

use core::ops::Range;

use super::codec::{GENERIC_HEADER, put_generic};
use super::dissect::PayloadSpan;
use super::{Dissection, Field, Header, PayloadType, dissect};

/// One edit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Edit {
    /// Overwrites a field with octets of the same length.
    Set {
        /// Path of the field.
        path: String,
        /// Its new octets.
        bytes: Vec<u8>,
    },
    /// Overwrites a field of at most 8 octets with a number in network byte order.
    SetNumber {
        /// Path of the field.
        path: String,
        /// Its new value.
        value: u64,
    },
    /// Flips bits of one octet of a field.
    Xor {
        /// Path of the field.
        path: String,
        /// Octet of the field, counted from 0.
        index: usize,
        /// Bits to flip.
        mask: u8,
    },
    /// Cuts the message to this many octets; the header's length stays.
    Truncate {
        /// Octets to keep.
        len: usize,
    },
    /// Adds octets after the message; the header's length stays.
    Append {
        /// The octets.
        bytes: Vec<u8>,
    },
    /// Inserts a payload before the one that is now at this place of the chain, or as the last.
    InsertPayload {
        /// Place of the new payload, counted from 0.
        at: usize,
        /// Its type.
        payload_type: PayloadType,
        /// Its body without the generic header.
        body: Vec<u8>,
    },
    /// Removes a payload, proposal, transform or attribute.
    RemovePayload {
        /// Path of the structure.
        path: String,
    },
    /// Exchanges two payloads of the chain.
    SwapPayloads {
        /// Path of one.
        a: String,
        /// Path of the other.
        b: String,
    },
    /// Puts the payloads of the chain into another order.
    ReorderPayloads {
        /// Present places, counted from 0, in the new order; each exactly once.
        order: Vec<usize>,
    },
    /// Replaces a field or structure after the header by octets of any length. The value of a basic attribute
    /// that is not given 2 octets makes it a variable-length attribute.
    Replace {
        /// Path of the field or structure.
        path: String,
        /// Its new octets; those of a structure begin with its own generic header or attribute type.
        bytes: Vec<u8>,
    },
    /// Repeats a payload, proposal, transform or attribute right after itself.
    DuplicatePayload {
        /// Path of the structure.
        path: String,
    },
}

/// An edit that does not fit the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The message has no field of this name.
    #[error("no field {path}, the nearest are {}", nearest.join(", "))]
    NoSuchField {
        /// The path asked for.
        path: String,
        /// Up to three paths that exist.
        nearest: Vec<String>,
    },
    /// The octets do not have the length of the field.
    #[error("{path} is {expected} bytes, got {got}")]
    WrongLength {
        /// Path of the field.
        path: String,
        /// Length given, in octets.
        got: usize,
        /// Length of the field, in octets.
        expected: usize,
    },
    /// The number does not fit the field.
    #[error("{value} does not fit the {len} bytes of {path}")]
    NumberTooLarge {
        /// Path of the field.
        path: String,
        /// The number given.
        value: u64,
        /// Length of the field, in octets.
        len: usize,
    },
    /// An index is past the end.
    #[error("index {index} is past the {len} {what}")]
    BadIndex {
        /// What is counted.
        what: &'static str,
        /// The index given.
        index: usize,
        /// How many there are.
        len: usize,
    },
    /// The order does not name each payload of the chain exactly once.
    #[error("order does not name each of the {0} payloads once")]
    BadOrder(usize),
    /// The path names a field where a payload, proposal, transform or attribute is needed.
    #[error("{0} is a field, expected a payload, proposal, transform or attribute")]
    NotAStructure(String),
    /// The path names something whose length is fixed.
    #[error("{0} cannot change its length")]
    NotResizable(String),
    /// A length field would pass what it can say.
    #[error("{0} would overflow")]
    LengthOverflow(String),
}

/// Applies one edit to a message (header and chain in the clear). On an error the message is unchanged.
///
/// # Errors
/// [`EditError`], when the message has no such field or the new value does not fit it.
pub fn apply(message: &mut Vec<u8>, edit: &Edit) -> Result<(), EditError> {
    let mut editor = Editor { dissection: dissect(message, false), bytes: message.clone() };
    match edit {
        Edit::Set { path, bytes } => editor.set(path, bytes)?,
        Edit::SetNumber { path, value } => editor.set_number(path, *value)?,
        Edit::Xor { path, index, mask } => editor.xor(path, *index, *mask)?,
        Edit::Truncate { len } => editor.bytes.truncate(*len),
        Edit::Append { bytes } => editor.bytes.extend_from_slice(bytes),
        Edit::InsertPayload { at, payload_type, body } => editor.insert(*at, *payload_type, body)?,
        Edit::RemovePayload { path } => editor.remove(path)?,
        Edit::SwapPayloads { a, b } => editor.swap(a, b)?,
        Edit::ReorderPayloads { order } => editor.reorder(order)?,
        Edit::Replace { path, bytes } => editor.replace(path, bytes)?,
        Edit::DuplicatePayload { path } => editor.duplicate(path)?,
    }
    *message = editor.bytes;
    Ok(())
}

/// A payload of the chain cut out: its type and its octets with the generic header.
type Segment = (PayloadType, Vec<u8>);

struct Editor {
    /// Of the message before the edit.
    dissection: Dissection,
    bytes: Vec<u8>,
}

impl Editor {
    fn field(&self, path: &str) -> Result<&Field, EditError> {
        self.dissection.field(path).ok_or_else(|| EditError::NoSuchField {
            path: path.to_owned(),
            nearest: self.dissection.nearest(path),
        })
    }

    fn range(&self, path: &str) -> Result<Range<usize>, EditError> {
        let field = self.field(path)?;
        Ok(field.offset..field.offset.saturating_add(field.len))
    }

    fn set(&mut self, path: &str, bytes: &[u8]) -> Result<(), EditError> {
        let range = self.range(path)?;
        let expected = range.len();
        match self.bytes.get_mut(range) {
            Some(field) if bytes.len() == expected => {
                field.copy_from_slice(bytes);
                Ok(())
            }
            _ => Err(EditError::WrongLength { path: path.to_owned(), got: bytes.len(), expected }),
        }
    }

    fn set_number(&mut self, path: &str, value: u64) -> Result<(), EditError> {
        let len = self.field(path)?.len;
        let too_large = || EditError::NumberTooLarge { path: path.to_owned(), value, len };
        let octets = value.to_be_bytes();
        let unused = octets.len().checked_sub(len).ok_or_else(too_large)?;
        let (high, low) = octets.split_at_checked(unused).ok_or_else(too_large)?;
        if high.iter().any(|octet| *octet != 0) {
            return Err(too_large());
        }
        self.set(path, low)
    }

    fn xor(&mut self, path: &str, index: usize, mask: u8) -> Result<(), EditError> {
        let range = self.range(path)?;
        let len = range.len();
        let octet = self.bytes.get_mut(range).and_then(|field| field.get_mut(index));
        *octet.ok_or(EditError::BadIndex { what: "bytes of the field", index, len })? ^= mask;
        Ok(())
    }

    /// Adds to the number in the field at `path`, if there is such a field.
    fn add_to(&mut self, path: &str, delta: isize) -> Result<(), EditError> {
        let Some(value) = self.dissection.number(path) else { return Ok(()) };
        let sum = i64::try_from(delta).ok().and_then(|delta| value.checked_add_signed(delta));
        let overflow = |_| EditError::LengthOverflow(path.to_owned());
        let sum = sum.ok_or_else(|| EditError::LengthOverflow(path.to_owned()))?;
        self.set_number(path, sum).map_err(overflow)
    }

    /// Adds to the length fields of the header and of every structure around `path`, but not its own.
    fn add_to_lengths(&mut self, path: &str, delta: isize) -> Result<(), EditError> {
        self.add_to("header.length", delta)?;
        for (end, _) in path.match_indices('.') {
            let container = path.get(..end).unwrap_or_default();
            self.add_to(&format!("{container}.length"), delta)?;
        }
        Ok(())
    }

    fn replace(&mut self, path: &str, bytes: &[u8]) -> Result<(), EditError> {
        let field = self.field(path)?.clone();
        let path = field.path.as_str();
        if field.len == bytes.len() {
            return self.set(path, bytes);
        }
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        if parent == "header" || name == "header" {
            return Err(EditError::NotResizable(path.to_owned()));
        }
        let attribute = self.dissection.number(&format!("{parent}.type"));
        if let (true, "value", Some(class)) = (is_kind(parent, "attribute"), name, attribute)
            && class & 0x8000 != 0
        {
            return self.replace_basic(parent, class, bytes);
        }
        let delta = bytes.len().checked_signed_diff(field.len);
        let delta = delta.ok_or_else(|| EditError::LengthOverflow(path.to_owned()))?;
        if name == "spi" || is_kind(path, "spi") {
            if self.dissection.number(&format!("{parent}.spi_count")).is_some_and(|count| count > 1) {
                return Err(EditError::NotResizable(path.to_owned()));
            }
            self.add_to(&format!("{parent}.spi_size"), delta)?;
        }
        self.add_to_lengths(path, delta)?;
        self.splice(field.offset..field.offset.saturating_add(field.len), bytes);
        Ok(())
    }

    /// Replaces a basic attribute by a variable-length one of the same class.
    fn replace_basic(&mut self, attribute: &str, class: u64, value: &[u8]) -> Result<(), EditError> {
        let overflow = || EditError::LengthOverflow(format!("{attribute}.length"));
        let class = u16::try_from(class & 0x7fff).map_err(|_| overflow())?;
        let length = u16::try_from(value.len()).map_err(|_| overflow())?;
        let bytes = [&class.to_be_bytes(), &length.to_be_bytes(), value].concat();
        self.replace(attribute, &bytes)
    }

    /// Puts `bytes` in place of a range of the message.
    fn splice(&mut self, range: Range<usize>, bytes: &[u8]) {
        let end = range.end.min(self.bytes.len());
        self.bytes.splice(range.start.min(end)..end, bytes.iter().copied());
    }

    // --- Structures: payloads of the chain, and proposals, transforms and attributes within them ---

    fn remove(&mut self, path: &str) -> Result<(), EditError> {
        let field = self.field(path)?.clone();
        if let Ok(index) = self.payload_index(path) {
            return self.rebuild(|segments| {
                segments.remove(index);
            });
        }
        let kind = nested_kind(&field)?;
        self.add_to_count(&field, -1)?;
        // The one before it becomes the last if this one was.
        if let (Some(_), Some(previous), None) = (kind, sibling(&field.path, -1), self.next_sibling(&field))
            && self.dissection.field(&previous).is_some()
        {
            self.set_number(&format!("{previous}.next_payload"), PayloadType::NONE.0.into())?;
        }
        let delta = 0_usize.checked_signed_diff(field.len);
        self.add_to_lengths(&field.path, delta.unwrap_or_default())?;
        self.splice(field.offset..field.offset.saturating_add(field.len), &[]);
        Ok(())
    }

    fn duplicate(&mut self, path: &str) -> Result<(), EditError> {
        let field = self.field(path)?.clone();
        if let Ok(index) = self.payload_index(path) {
            return self.rebuild(|segments| {
                if let Some(segment) = segments.get(index).cloned() {
                    segments.insert(index, segment);
                }
            });
        }
        let kind = nested_kind(&field)?;
        self.add_to_count(&field, 1)?;
        let delta = field.len.checked_signed_diff(0);
        self.add_to_lengths(&field.path, delta.unwrap_or_default())?;
        let end = field.offset.saturating_add(field.len);
        let copy = self.dissection.bytes(&field.path).unwrap_or_default().to_vec();
        self.splice(end..end, &copy);
        // The copy keeps its Next Payload; the original now has the copy after it.
        if let Some(kind) = kind {
            self.set_number(&format!("{}.next_payload", field.path), kind.0.into())?;
        }
        Ok(())
    }

    /// Adjusts the transform count when the structure is a transform.
    fn add_to_count(&mut self, field: &Field, delta: isize) -> Result<(), EditError> {
        match field.path.rsplit_once('.') {
            Some((parent, name)) if name.starts_with("transform[") => {
                self.add_to(&format!("{parent}.transform_count"), delta)
            }
            _ => Ok(()),
        }
    }

    fn next_sibling(&self, field: &Field) -> Option<&Field> {
        self.dissection.field(&sibling(&field.path, 1)?)
    }

    /// Place in the chain of the payload with this path.
    fn payload_index(&self, path: &str) -> Result<usize, EditError> {
        let path = &self.field(path)?.path;
        let index = self.dissection.payloads.iter().position(|span| span.path == *path);
        index.ok_or_else(|| EditError::NotAStructure(path.clone()))
    }

    fn insert(&mut self, at: usize, payload_type: PayloadType, body: &[u8]) -> Result<(), EditError> {
        let len = self.dissection.payloads.len();
        if at > len {
            return Err(EditError::BadIndex { what: "payloads", index: at, len });
        }
        if u16::try_from(body.len().saturating_add(GENERIC_HEADER)).is_err() {
            return Err(EditError::LengthOverflow(format!("length of the {payload_type} payload")));
        }
        let mut payload = Vec::new();
        put_generic(&mut payload, PayloadType::NONE.0, body);
        self.rebuild(|segments| segments.insert(at, (payload_type, payload)))
    }

    fn swap(&mut self, a: &str, b: &str) -> Result<(), EditError> {
        let (a, b) = (self.payload_index(a)?, self.payload_index(b)?);
        self.rebuild(|segments| segments.swap(a, b))
    }

    fn reorder(&mut self, order: &[usize]) -> Result<(), EditError> {
        let len = self.dissection.payloads.len();
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..len) {
            return Err(EditError::BadOrder(len));
        }
        self.rebuild(|segments| {
            *segments = order.iter().filter_map(|index| segments.get(*index).cloned()).collect();
        })
    }

    /// Lets `change` rearrange the payloads of the chain, then links them anew.
    fn rebuild(&mut self, change: impl FnOnce(&mut Vec<Segment>)) -> Result<(), EditError> {
        let cut = |span: &PayloadSpan| {
            (span.payload_type, self.bytes.get(span.range.clone()).unwrap_or_default().to_vec())
        };
        let spans = &self.dissection.payloads;
        let mut segments: Vec<Segment> = spans.iter().map(cut).collect();
        let start = spans.first().map_or(Header::LEN, |span| span.range.start);
        let end = spans.last().map_or(start, |span| span.range.end);
        let before = self.bytes.len();
        change(&mut segments);

        let types: Vec<PayloadType> = segments.iter().map(|segment| segment.0).collect();
        let mut next = types.iter().copied().skip(1);
        let mut chain = Vec::new();
        for (_, mut octets) in segments {
            if let Some(next_payload) = octets.first_mut() {
                *next_payload = next.next().unwrap_or(PayloadType::NONE).0;
            }
            chain.extend_from_slice(&octets);
        }
        self.set_number("header.next_payload", types.first().map_or(0, |first| first.0.into()))?;
        self.splice(start..end, &chain);
        let delta = self.bytes.len().checked_signed_diff(before);
        self.add_to("header.length", delta.unwrap_or_default())
    }
}

/// Whether the last part of the path is `kind` with an index.
fn is_kind(path: &str, kind: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or_default();
    name.strip_prefix(kind).is_some_and(|index| index.starts_with('['))
}

/// The payload type that links structures of this kind, `None` for an attribute.
fn nested_kind(field: &Field) -> Result<Option<PayloadType>, EditError> {
    match field.path.as_str() {
        path if is_kind(path, "proposal") => Ok(Some(PayloadType::PROPOSAL)),
        path if is_kind(path, "transform") => Ok(Some(PayloadType::TRANSFORM)),
        path if is_kind(path, "attribute") => Ok(None),
        path => Err(EditError::NotAStructure(path.to_owned())),
    }
}

/// The path with `step` added to its last index.
fn sibling(path: &str, step: isize) -> Option<String> {
    let (stem, index) = path.strip_suffix(']')?.rsplit_once('[')?;
    let index = index.parse::<usize>().ok()?.checked_add_signed(step)?;
    Some(format!("{stem}[{index}]"))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::super::test_support::*;
    use super::super::{Message, NotifyType, Payload, WireError, WireLimits};
    use super::*;

    fn edited(message: &[u8], edit: &Edit) -> Vec<u8> {
        let mut message = message.to_vec();
        apply(&mut message, edit).unwrap();
        message
    }

    fn refused(edit: &Edit) -> EditError {
        let mut message = main_mode_1();
        let error = apply(&mut message, edit).unwrap_err();
        assert_eq!(message, main_mode_1(), "a refused edit changed the message");
        error
    }

    fn decode(message: &[u8]) -> super::super::Result<Message> {
        Message::decode(&message.to_vec().into(), &WireLimits::default())
    }

    /// Decodes the message, which has to be well-formed, and lists the payload types.
    fn types(message: &[u8]) -> Vec<u8> {
        decode(message).unwrap().chain.iter().map(|payload| payload.payload_type().0).collect()
    }

    /// Numbers of the transforms of the first proposal of a well-formed message.
    fn transforms(message: &[u8]) -> Vec<u8> {
        match &decode(message).unwrap().chain.payloads[0].payload {
            Payload::Sa(sa) => sa.proposals[0].transforms.iter().map(|transform| transform.number).collect(),
            other => panic!("expected an SA payload, got {other:?}"),
        }
    }

    fn set(path: &str, bytes: &[u8]) -> Edit {
        Edit::Set { path: path.into(), bytes: bytes.into() }
    }

    fn number(path: &str, value: u64) -> Edit {
        Edit::SetNumber { path: path.into(), value }
    }

    fn replace(path: &str, bytes: &[u8]) -> Edit {
        Edit::Replace { path: path.into(), bytes: bytes.into() }
    }

    fn remove(path: &str) -> Edit {
        Edit::RemovePayload { path: path.into() }
    }

    fn duplicate(path: &str) -> Edit {
        Edit::DuplicatePayload { path: path.into() }
    }

    #[rstest]
    #[case::set(set("header.cky_r", &[7; 8]), 8..16, &[7; 8])]
    #[case::set_number(number("header.length", 1), 24..28, &[0, 0, 0, 1])]
    #[case::set_number_in_a_nested_field(number("sa.proposal[0].transform_count", 9), 47..48, &[9])]
    #[case::set_number_by_class(number("sa.proposal.transform.key-length", 7), 62..64, &[0, 7])]
    #[case::xor(Edit::Xor { path: "header.version".into(), index: 0, mask: 0x30 }, 17..18, &[0x20])]
    fn changes_only_the_named_field(#[case] edit: Edit, #[case] range: Range<usize>, #[case] bytes: &[u8]) {
        let mut expected = main_mode_1();
        expected[range].copy_from_slice(bytes);
        assert_eq!(hex::encode(edited(&main_mode_1(), &edit)), hex::encode(expected));
    }

    #[test]
    fn makes_a_message_that_is_refused_for_the_field_set() {
        let message = edited(&main_mode_1(), &number("sa.proposal[0].transform_count", 9));
        let error = decode(&message).unwrap_err();
        assert_eq!(error, WireError::TransformCount { proposal: 1, got: 2, expected: 9 });
        assert_eq!(error.notify_type(), Some(NotifyType::BAD_PROPOSAL_SYNTAX));
    }

    #[test]
    fn cuts_and_appends_without_touching_the_length() {
        let original = main_mode_1();
        assert_eq!(edited(&original, &Edit::Truncate { len: 30 }), original[..30]);
        assert_eq!(edited(&original, &Edit::Truncate { len: 9999 }), original);
        assert_eq!(edited(&original, &Edit::Append { bytes: vec![1, 2] }), [&original[..], &[1, 2]].concat());
    }

    #[rstest]
    #[case::first(0, &[8, 1, 13])]
    #[case::between(1, &[1, 8, 13])]
    #[case::last(2, &[1, 13, 8])]
    fn inserts_a_payload(#[case] at: usize, #[case] expected: &[u8]) {
        let edit = Edit::InsertPayload { at, payload_type: PayloadType::HASH, body: vec![1, 2, 3] };
        let message = edited(&main_mode_1(), &edit);
        assert_eq!(types(&message), expected);
        assert_eq!(dissect(&message, false).bytes("hash.data"), Some(&[1, 2, 3][..]));
    }

    #[rstest]
    #[case::first(remove("sa"), &[13])]
    #[case::last(remove("vendor_id"), &[1])]
    #[case::swapped(Edit::SwapPayloads { a: "sa".into(), b: "vendor_id".into() }, &[13, 1])]
    #[case::reordered(Edit::ReorderPayloads { order: vec![1, 0] }, &[13, 1])]
    #[case::duplicated(duplicate("sa"), &[1, 1, 13])]
    #[case::duplicated_last(duplicate("vendor_id"), &[1, 13, 13])]
    fn keeps_the_chain_well_formed(#[case] edit: Edit, #[case] expected: &[u8]) {
        assert_eq!(types(&edited(&main_mode_1(), &edit)), expected);
    }

    #[rstest]
    #[case::remove_first(remove("sa.proposal[0].transform[0]"), &[2])]
    #[case::remove_last(remove("sa.proposal[0].transform[1]"), &[1])]
    #[case::duplicate_first(duplicate("sa.proposal[0].transform[0]"), &[1, 1, 2])]
    #[case::duplicate_last(duplicate("sa.proposal[0].transform[1]"), &[1, 2, 2])]
    fn keeps_a_proposal_well_formed(#[case] edit: Edit, #[case] expected: &[u8]) {
        assert_eq!(transforms(&edited(&main_mode_1(), &edit)), expected);
    }

    #[test]
    fn repeats_and_removes_proposals_and_attributes() {
        let proposals = |message: &[u8]| match &decode(message).unwrap().chain.payloads[0].payload {
            Payload::Sa(sa) => sa.proposals.len(),
            other => panic!("expected an SA payload, got {other:?}"),
        };
        let two = edited(&main_mode_1(), &duplicate("sa.proposal[0]"));
        assert_eq!(proposals(&two), 2);
        assert_eq!(edited(&two, &remove("sa.proposal[1]")), main_mode_1());
        assert_eq!(edited(&two, &remove("sa.proposal[0]")), main_mode_1());

        let attribute = "sa.proposal[0].transform[1].attribute[2]";
        let more = edited(&main_mode_1(), &duplicate(attribute));
        assert_eq!(dissect(&more, false).number("sa.proposal.transform[1].hash-algorithm[1]"), Some(2));
        assert_eq!(decode(&more).map(|_| ()), Ok(()));
        assert_eq!(edited(&more, &remove(attribute)), main_mode_1());
    }

    #[rstest]
    #[case::payload_data("vendor_id.data", &[1, 2, 3])]
    #[case::nothing("vendor_id.data", &[])]
    #[case::spi("sa.proposal[0].spi", &[9; 8])]
    #[case::variable_attribute("sa.proposal[0].transform[1].life-duration", &[1; 8])]
    #[case::basic_attribute_made_variable("sa.proposal[0].transform[0].key-length", &[0, 0, 1, 0])]
    fn replaces_a_field_and_adjusts_the_lengths_around_it(#[case] path: &str, #[case] bytes: &[u8]) {
        let message = edited(&main_mode_1(), &replace(path, bytes));
        assert_eq!(decode(&message).map(|_| ()), Ok(()));
        assert_eq!(dissect(&message, false).bytes(path), Some(bytes));
    }

    #[test]
    fn replaces_a_structure_with_its_header() {
        let message = edited(&main_mode_1(), &replace("vendor_id", &[0, 0, 0, 5, 0xaa]));
        assert_eq!(types(&message), [1, 13]);
        assert_eq!(dissect(&message, false).bytes("vendor_id.data"), Some(&[0xaa][..]));
    }

    #[test]
    fn leaves_a_wrong_length_as_wrong_as_it_was() {
        let wrong = edited(&main_mode_1(), &number("header.length", 1000));
        let edit = Edit::InsertPayload { at: 0, payload_type: PayloadType::NONCE, body: vec![0; 6] };
        assert_eq!(dissect(&edited(&wrong, &edit), false).number("header.length"), Some(1010));
    }

    #[test]
    fn names_the_nearest_fields_when_there_is_no_such_field() {
        let error = refused(&number("sa.proposal[0].transform[0].life-durration", 1));
        assert_eq!(
            error.to_string(),
            "no field sa.proposal[0].transform[0].life-durration, the nearest are \
             sa.proposal[0].transform[0].life-duration, sa.proposal[0].transform[1].life-duration, \
             sa.proposal[0].transform[0].life-type"
        );
    }

    #[rstest]
    #[case::wrong_length(
        set("header.m_id", &[1]),
        EditError::WrongLength { path: "header.m_id".into(), got: 1, expected: 4 }
    )]
    #[case::number_too_large(
        number("header.flags", 256),
        EditError::NumberTooLarge { path: "header.flags".into(), value: 256, len: 1 }
    )]
    #[case::number_into_many_octets(
        number("sa", 1),
        EditError::NumberTooLarge { path: "sa".into(), value: 1, len: 100 }
    )]
    #[case::octet_past_the_field(
        Edit::Xor { path: "header.m_id".into(), index: 4, mask: 1 },
        EditError::BadIndex { what: "bytes of the field", index: 4, len: 4 }
    )]
    #[case::insert_past_the_chain(
        Edit::InsertPayload { at: 3, payload_type: PayloadType::HASH, body: Vec::new() },
        EditError::BadIndex { what: "payloads", index: 3, len: 2 }
    )]
    #[case::order_with_a_repetition(Edit::ReorderPayloads { order: vec![0, 0] }, EditError::BadOrder(2))]
    #[case::order_too_short(Edit::ReorderPayloads { order: vec![0] }, EditError::BadOrder(2))]
    #[case::removes_a_field(remove("sa.doi"), EditError::NotAStructure("sa.doi".into()))]
    #[case::swaps_a_field(
        Edit::SwapPayloads { a: "sa".into(), b: "sa.proposal[0]".into() },
        EditError::NotAStructure("sa.proposal[0]".into())
    )]
    #[case::resizes_a_header_field(
        replace("header.cky_i", &[1]),
        EditError::NotResizable("header.cky_i".into())
    )]
    #[case::resizes_the_header(replace("header", &[1]), EditError::NotResizable("header".into()))]
    #[case::spi_of_256_octets(
        replace("sa.proposal[0].spi", &[0; 256]),
        EditError::LengthOverflow("sa.proposal[0].spi_size".into())
    )]
    #[case::payload_of_65536_octets(
        replace("vendor_id.data", &[0; 65_532]),
        EditError::LengthOverflow("vendor_id.length".into())
    )]
    fn refuses_an_edit_that_does_not_fit(#[case] edit: Edit, #[case] error: EditError) {
        assert_eq!(refused(&edit), error);
    }

    /// A path of the message or, seldom, one that it may not have.
    fn any_path() -> impl Strategy<Value = (prop::sample::Index, Option<String>)> {
        (any::<prop::sample::Index>(), prop::option::weighted(0.1, "[a-z_.\\[\\]0-9]{0,20}"))
    }

    fn any_edit() -> impl Strategy<Value = (u8, Vec<u8>, u64, usize)> {
        (0_u8..11, vec(any::<u8>(), 0..12), prop_oneof![0_u64..256, any::<u64>()], 0_usize..20)
    }

    proptest! {
        #[test]
        fn editing_a_damaged_message_never_panics(
            message in any_damaged_message(),
            (index, name) in any_path(),
            (kind, bytes, value, at) in any_edit(),
        ) {
            let dissection = dissect(&message, false);
            let path = name.unwrap_or_else(|| index.get(&dissection.fields).path.clone());
            let edit = match kind {
                0 => Edit::Set { path, bytes },
                1 => Edit::SetNumber { path, value },
                2 => Edit::Xor { path, index: at, mask: 0xff },
                3 => Edit::Truncate { len: at },
                4 => Edit::Append { bytes },
                5 => Edit::InsertPayload { at, payload_type: PayloadType::HASH, body: bytes },
                6 => Edit::RemovePayload { path },
                7 => Edit::SwapPayloads { a: path.clone(), b: path },
                8 => Edit::ReorderPayloads { order: bytes.into_iter().map(usize::from).collect() },
                9 => Edit::Replace { path, bytes },
                _ => Edit::DuplicatePayload { path },
            };
            let mut edited = message.clone();
            if apply(&mut edited, &edit).is_err() {
                prop_assert_eq!(edited, message);
            }
        }

        #[test]
        fn structural_edits_keep_a_well_formed_message_well_formed(
            message in any_message(),
            index: prop::sample::Index,
            again: bool,
        ) {
            let dissection = dissect(&message, false);
            let path = index.get(&dissection.fields).path.clone();
            let edit = if again { Edit::DuplicatePayload { path } } else { Edit::RemovePayload { path } };
            let mut edited = message;
            if apply(&mut edited, &edit).is_ok() {
                prop_assert_eq!(dissect(&edited, false).errors, []);
            }
        }

        #[test]
        fn setting_a_field_changes_no_other_octet(message in any_message(), index: prop::sample::Index) {
            let dissection = dissect(&message, false);
            let field = index.get(&dissection.fields);
            let range = field.offset..field.offset + field.len;
            let bytes: Vec<u8> = message[range.clone()].iter().map(|octet| !octet).collect();
            let mut edited = message.clone();
            apply(&mut edited, &Edit::Set { path: field.path.clone(), bytes: bytes.clone() }).unwrap();
            prop_assert_eq!(&edited[range.clone()], &bytes[..]);
            prop_assert_eq!(&edited[..range.start], &message[..range.start]);
            prop_assert_eq!(&edited[range.end..], &message[range.end..]);
        }
    }
}
