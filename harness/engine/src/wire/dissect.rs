//! The lenient reader: names every field it can find in a message, however broken, and cannot fail.
//!
//! Transcripts, reports and [`super::edit`] use the paths it gives, so the paths are stable. A payload is named
//! by its kind and its index among the payloads of that kind, `nonce` or `vendor_id[2]`; index 0 need not be
//! written. Lookup ignores case and takes `-` for `_`.
//!
//! ```text
//! header.{cky_i cky_r next_payload version exchange_type flags m_id length}
//! PAYLOAD.{next_payload reserved length} and the fields of its kind:
//!   sa.{doi situation labels}  sa.proposal[i].{next_payload reserved length number protocol spi_size transform_count spi}
//!   sa.proposal[i].transform[j].{next_payload reserved length number id reserved2}
//!   sa.proposal[i].transform[j].attribute[k].{type length value}, the value also by class name, for example
//!   sa.proposal[i].transform[j].{encryption-algorithm life-duration[1] encapsulation-mode}
//!   ke.data  nonce.data  hash.data  sig.data  vendor_id.data  nat_d.hash  unknown.data
//!   id.{type protocol port data}  cert.{encoding data}  cert_request.{type authority}
//!   notification.{doi protocol spi_size type spi data}  delete.{doi protocol spi_size spi_count spi[i]}
//!   nat_oa.{type reserved2 reserved3 data}  attributes.{type reserved2 identifier attribute[k]...}
//!   fragment.{id number flags data}
//! padding: octets after the last payload     encrypted: octets after the header of an encrypted message
//! ```

use core::fmt;
use core::ops::Range;

use bytes::Bytes;

use super::walker::walk;
use super::{PayloadType, WireError};

/// Every field found in a message, in the order of the bytes, and everything wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dissection {
    /// Fields, each structure (header, payload, proposal, transform, attribute) before the fields it is made of.
    pub fields: Vec<Field>,
    /// What is wrong, with the offset from the start of the message it was noticed at.
    pub errors: Vec<(usize, WireError)>,
    /// Payloads of the chain.
    pub(super) payloads: Vec<PayloadSpan>,
    message: Bytes,
}

/// Where a payload of the chain stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PayloadSpan {
    pub(super) payload_type: PayloadType,
    pub(super) path: String,
    pub(super) range: Range<usize>,
}

/// One field, or a structure made of the fields after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Stable name.
    pub path: String,
    /// Second name of an attribute value, by its class.
    pub alias: Option<String>,
    /// Offset from the start of the message in octets.
    pub offset: usize,
    /// Length in octets; shorter than it should be where the message is cut off.
    pub len: usize,
    /// Value.
    pub value: FieldValue,
    /// Nesting: 0 for the header and payloads, 1 for their fields, and so on.
    pub depth: usize,
}

/// Value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// A number, exactly as the octets say (an attribute type includes its AF bit), and its assigned name.
    Number(u64, Option<&'static str>),
    /// Octets, as a range of the message.
    Bytes(Range<usize>),
    /// Description of a structure.
    Text(String),
}

impl Dissection {
    /// The field or structure with this path or alias.
    pub fn field(&self, path: &str) -> Option<&Field> {
        let wanted = normal_path(path);
        self.fields.iter().find(|field| {
            normal_path(&field.path) == wanted
                || field.alias.as_deref().is_some_and(|alias| normal_path(alias) == wanted)
        })
    }

    /// The value of the field with this path, if it is a number.
    pub fn number(&self, path: &str) -> Option<u64> {
        match self.field(path)?.value {
            FieldValue::Number(value, _) => Some(value),
            FieldValue::Bytes(_) | FieldValue::Text(_) => None,
        }
    }

    /// The octets of the field or structure with this path.
    pub fn bytes(&self, path: &str) -> Option<&[u8]> {
        let field = self.field(path)?;
        self.message.get(field.offset..field.offset.saturating_add(field.len))
    }

    /// Up to three existing paths that look most like `path`, best first.
    pub fn nearest(&self, path: &str) -> Vec<String> {
        let mut names: Vec<_> = self
            .fields
            .iter()
            .flat_map(|field| [Some(&field.path), field.alias.as_ref()])
            .flatten()
            .map(|name| (strsim::osa_distance(path, name), name))
            .collect();
        names.sort();
        names.into_iter().take(3).map(|(_, name)| name.clone()).collect()
    }
}

/// The form in which paths are compared: lower case, `-` for `_`, index 0 left out.
fn normal_path(path: &str) -> String {
    path.replace("[0]", "").replace('_', "-").to_ascii_lowercase()
}

/// Dissects a message: header, then the chain in the clear or decrypted. With `encrypted_body` all octets
/// after the header are one field. A chain whose header has the Encryption bit set is taken to be decrypted,
/// so that octets after its last payload are padding and no error.
pub fn dissect(message: &[u8], encrypted_body: bool) -> Dissection {
    let mut dissection = walk(message, encrypted_body);
    dissection.message = Bytes::copy_from_slice(message);
    dissection
}

impl fmt::Display for Dissection {
    /// One line per field: offset, indented name, value; then the errors.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for field in &self.fields {
            let name = field.path.rsplit('.').next().unwrap_or_default();
            write!(f, "{:>5}  {:indent$}{name}", field.offset, "", indent = field.depth.saturating_mul(2))?;
            if let Some(class) = field.alias.as_deref().and_then(|alias| alias.rsplit('.').next()) {
                write!(f, " ({class})")?;
            }
            match &field.value {
                FieldValue::Number(value, None) if name == "m_id" => writeln!(f, ": {value:08x}")?,
                FieldValue::Number(value, None) => writeln!(f, ": {value}")?,
                FieldValue::Number(value, Some(name)) => writeln!(f, ": {value} {name}")?,
                FieldValue::Bytes(range) => {
                    let bytes = self.message.get(range.clone()).unwrap_or_default();
                    let ellipsis = if bytes.len() > HEX_MAX { "..." } else { "" };
                    f.write_str(": ")?;
                    bytes.iter().take(HEX_MAX).try_for_each(|byte| write!(f, "{byte:02x}"))?;
                    writeln!(f, "{ellipsis} ({} bytes)", bytes.len())?;
                }
                FieldValue::Text(text) => writeln!(f, ": {text}, {} bytes", field.len)?,
            }
        }
        self.errors.iter().try_for_each(|(offset, error)| writeln!(f, "{offset:>5}  error: {error}"))
    }
}

/// Octets of a field that `Display` prints.
const HEX_MAX: usize = 32;
