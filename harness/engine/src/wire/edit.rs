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
