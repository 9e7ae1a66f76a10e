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

use super::codec::GENERIC_HEADER;
use super::id::address_data_len;
use super::{
    AhTransform, AuthAlgorithm, AuthMethod, CertEncoding, ConfigAttribute, ConfigType, Doi,
    EncapsulationMode, EncryptionAlgorithm, EspTransform, ExchangeType, Flags, GroupId, GroupType,
    HashAlgorithmId, Header, IdType, Identification, IpcompTransform, IpsecAttribute, LifeType, NotifyType,
    PayloadType, Phase1Attribute, ProtocolId, Situation, TransformId, WireError, XauthType,
};

/// Every field found in a message, in the order of the bytes, and everything wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    let mut walker = Walker { message, fields: Vec::new(), errors: Vec::new(), payloads: Vec::new() };
    walker.message(encrypted_body);
    let Walker { fields, errors, payloads, .. } = walker;
    Dissection { fields, errors, payloads, message: Bytes::copy_from_slice(message) }
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

/// Gives the name of a number, if it has one.
type Namer = fn(u64) -> Option<&'static str>;

/// A [`Namer`] for one type of assigned numbers.
macro_rules! namer {
    ($ty:ident) => {
        |value| $ty(value.try_into().ok()?).name()
    };
}

fn nameless(_: u64) -> Option<&'static str> {
    None
}

/// A stretch of the message that is being read: one structure.
struct Span {
    /// Structure, for errors.
    what: &'static str,
    /// Path of the structure.
    path: String,
    depth: usize,
    /// Next octet to read.
    at: usize,
    /// Where the structure ends.
    end: usize,
    /// Whether its end has been reported as missing data.
    short: bool,
}

impl Span {
    fn left(&self) -> usize {
        self.end.saturating_sub(self.at)
    }

    fn path(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }
}

/// Which attribute classes are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Classes {
    Phase1,
    Ipsec,
    Config,
}

struct Walker<'a> {
    message: &'a [u8],
    fields: Vec<Field>,
    errors: Vec<(usize, WireError)>,
    payloads: Vec<PayloadSpan>,
}

impl Walker<'_> {
    fn push(&mut self, path: String, range: Range<usize>, value: FieldValue, depth: usize) {
        let len = range.end.saturating_sub(range.start);
        self.fields.push(Field { path, alias: None, offset: range.start, len, value, depth });
    }

    fn error(&mut self, offset: usize, error: WireError) {
        self.errors.push((offset, error));
    }

    /// Opens a structure at `range`: adds its field and returns the span of its content.
    fn open(
        &mut self,
        what: &'static str,
        path: String,
        range: Range<usize>,
        depth: usize,
        text: String,
    ) -> Span {
        self.push(path.clone(), range.clone(), FieldValue::Text(text), depth);
        Span { what, path, depth: depth.saturating_add(1), at: range.start, end: range.end, short: false }
    }

    /// Moves on by `len` octets, or to the end of the structure, which is then reported as too short.
    fn advance(&mut self, span: &mut Span, len: usize) -> Range<usize> {
        let start = span.at;
        if len > span.left() && !span.short {
            span.short = true;
            self.error(start, WireError::MissingData(span.what));
        }
        span.at = start.saturating_add(len.min(span.left()));
        start..span.at
    }

    /// A number of `width` octets. A number cut off by the end is added as octets.
    fn number(&mut self, span: &mut Span, name: &str, width: usize, namer: Namer) -> Option<u64> {
        let range = self.advance(span, width);
        let octets = self.message.get(range.clone()).unwrap_or_default();
        if octets.len() == width {
            let value = octets.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            self.push(span.path(name), range, FieldValue::Number(value, namer(value)), span.depth);
            return Some(value);
        }
        if !octets.is_empty() {
            self.push(span.path(name), range.clone(), FieldValue::Bytes(range), span.depth);
        }
        None
    }

    fn bytes(&mut self, span: &mut Span, name: &str, len: usize) {
        let range = self.advance(span, len);
        self.push(span.path(name), range.clone(), FieldValue::Bytes(range), span.depth);
    }

    fn rest(&mut self, span: &mut Span, name: &str) {
        self.bytes(span, name, span.left());
    }

    fn message(&mut self, encrypted_body: bool) {
        let total = self.message.len();
        let first = self.header();
        let mut at = Header::LEN.min(total);
        if let Ok(header) = Header::decode(self.message)
            && let Err(error) = header.check(total)
        {
            self.error(0, error);
        }
        if encrypted_body {
            self.push("encrypted".into(), at..total, FieldValue::Bytes(at..total), 0);
            return;
        }
        let mut payload_type = first;
        while let Some(current) = payload_type.filter(|next| *next != PayloadType::NONE) {
            (payload_type, at) = self.payload(current, at);
        }
        if at < total {
            let decrypted =
                Header::decode(self.message).is_ok_and(|header| header.flags.contains(Flags::ENCRYPTION));
            if !decrypted && payload_type.is_some() {
                let len = total.saturating_sub(at);
                self.error(at, WireError::TrailingData { what: "payload chain", len });
            }
            self.push("padding".into(), at..total, FieldValue::Bytes(at..total), 0);
        }
    }

    fn header(&mut self) -> Option<PayloadType> {
        let end = Header::LEN.min(self.message.len());
        let mut span = self.open("ISAKMP header", "header".into(), 0..end, 0, "ISAKMP header".into());
        self.bytes(&mut span, "cky_i", 8);
        self.bytes(&mut span, "cky_r", 8);
        let next = self.number(&mut span, "next_payload", 1, namer!(PayloadType))?;
        self.number(&mut span, "version", 1, |value| (value == 0x10).then_some("1.0"))?;
        self.number(&mut span, "exchange_type", 1, namer!(ExchangeType))?;
        self.number(&mut span, "flags", 1, flags_name)?;
        self.number(&mut span, "m_id", 4, nameless)?;
        self.number(&mut span, "length", 4, nameless)?;
        Some(PayloadType(u8::try_from(next).ok()?))
    }

    /// Reads a generic header at `at` and opens the structure it announces. Returns the structure's span after
    /// the generic header and the next payload, which is `None` if there is no telling where the next one is.
    fn generic(
        &mut self,
        names: (&'static str, &'static str),
        path: String,
        (at, limit): (usize, usize),
        depth: usize,
        text: String,
    ) -> (Span, Option<PayloadType>) {
        let (what, length_of) = names;
        let available = limit.saturating_sub(at);
        let announced = at.checked_add(2).and_then(|start| self.message.get(start..start.checked_add(2)?));
        let announced = announced.and_then(|octets| <[u8; 2]>::try_from(octets).ok());
        let got = announced
            .filter(|_| available >= GENERIC_HEADER)
            .map(|octets| usize::from(u16::from_be_bytes(octets)));
        let usable = match got {
            Some(got) if got > available => None,
            Some(got) => got.checked_sub(GENERIC_HEADER).map(|_| got),
            None => None,
        };
        // With an impossible length, the structure is taken to go on as far as there are octets.
        let end = at.saturating_add(usable.unwrap_or(available));
        let mut span = self.open(what, path, at..end, depth, text);
        let next = self.number(&mut span, "next_payload", 1, namer!(PayloadType));
        self.number(&mut span, "reserved", 1, nameless);
        self.number(&mut span, "length", 2, nameless);
        if let (Some(got), None) = (got, usable) {
            let expected = GENERIC_HEADER..=available;
            self.error(at.saturating_add(2), WireError::BadLength { what: length_of, got, expected });
        }
        let next = next.and_then(|next| u8::try_from(next).ok()).map(PayloadType);
        (span, next.filter(|_| usable.is_some()))
    }

    /// One payload of the chain; returns the type and the offset of the next.
    fn payload(&mut self, payload_type: PayloadType, at: usize) -> (Option<PayloadType>, usize) {
        let (kind, what) = kind_of(payload_type);
        let index = self.payloads.iter().filter(|span| kind_of(span.payload_type).0 == kind).count();
        let path = if index == 0 { kind.to_owned() } else { format!("{kind}[{index}]") };
        let text = self.describe(payload_type, at);
        let limits = (at, self.message.len());
        let (mut span, next) = self.generic((what, "payload length"), path.clone(), limits, 0, text);
        self.payloads.push(PayloadSpan { payload_type, path, range: at..span.end });
        if matches!(payload_type, PayloadType::PROPOSAL | PayloadType::TRANSFORM) {
            let expected = "neither NONE, P nor T";
            self.error(
                at,
                WireError::BadNextPayload { within: "payload chain", got: payload_type, expected },
            );
        }
        self.body(payload_type, &mut span);
        (next, span.end)
    }

    /// Text of a payload's line: its type, and for an identity what it says.
    fn describe(&self, payload_type: PayloadType, at: usize) -> String {
        if payload_type == PayloadType::ID {
            let length = at.checked_add(2).and_then(|start| self.message.get(start..at.checked_add(4)?));
            let length = length.and_then(|octets| <[u8; 2]>::try_from(octets).ok()).map(u16::from_be_bytes);
            let body = length.and_then(|length| {
                let (start, end) = (at.checked_add(GENERIC_HEADER)?, at.checked_add(length.into())?);
                self.message.get(start..end)
            });
            if let Some(Ok(id)) = body.map(|body| Identification::decode(Bytes::copy_from_slice(body))) {
                return format!("ID payload, {id}");
            }
        }
        format!("{payload_type} payload")
    }

    fn body(&mut self, payload_type: PayloadType, span: &mut Span) {
        match payload_type {
            PayloadType::SA => self.sa(span),
            PayloadType::ID => self.identification(span),
            PayloadType::CERT => {
                self.number(span, "encoding", 1, namer!(CertEncoding));
                self.rest(span, "data");
            }
            PayloadType::CERT_REQUEST => {
                self.number(span, "type", 1, namer!(CertEncoding));
                self.rest(span, "authority");
            }
            PayloadType::NOTIFICATION => self.notification(span),
            PayloadType::DELETE => self.delete(span),
            PayloadType::NAT_D | PayloadType::NAT_D_DRAFT => self.rest(span, "hash"),
            PayloadType::NAT_OA | PayloadType::NAT_OA_DRAFT => self.nat_oa(span),
            PayloadType::ATTRIBUTES => {
                self.number(span, "type", 1, namer!(ConfigType));
                self.number(span, "reserved2", 1, nameless);
                self.number(span, "identifier", 2, nameless);
                self.attributes(span, Classes::Config);
            }
            // Strict decoding leaves a fragment opaque, so a short one is no error here either.
            PayloadType::FRAGMENT if span.left() >= 4 => {
                self.number(span, "id", 2, nameless);
                self.number(span, "number", 1, nameless);
                self.number(span, "flags", 1, nameless);
                self.rest(span, "data");
            }
            _ => self.rest(span, "data"),
        }
    }

    fn identification(&mut self, span: &mut Span) {
        let id_type = self.number(span, "type", 1, namer!(IdType));
        self.number(span, "protocol", 1, nameless);
        self.number(span, "port", 2, nameless);
        let (at, got) = (span.at, span.left());
        self.rest(span, "data");
        let id_type = id_type.and_then(|value| u8::try_from(value).ok()).map(IdType);
        if let (Some(id_type), false) = (id_type, span.short)
            && let Some(expected) = address_data_len(id_type).filter(|expected| *expected != got)
        {
            self.error(at, WireError::IdentificationLength { id_type, got, expected });
        }
    }

    fn nat_oa(&mut self, span: &mut Span) {
        let id_type = self.number(span, "type", 1, namer!(IdType));
        self.number(span, "reserved2", 1, nameless);
        self.number(span, "reserved3", 2, nameless);
        let (at, got) = (span.at, span.left());
        self.rest(span, "data");
        let id_type = id_type.and_then(|value| u8::try_from(value).ok()).map(IdType);
        let expected = id_type.and_then(address_data_len).filter(|expected| *expected != got && !span.short);
        if let Some(expected) = expected {
            let what = "address of a NAT-OA payload";
            self.error(at, WireError::BadLength { what, got, expected: expected..=expected });
        }
    }

    /// An SPI whose size was announced before it.
    fn spi(&mut self, span: &mut Span, size: Option<u64>, what: &'static str) {
        let Some(got) = size.and_then(|size| usize::try_from(size).ok()) else { return };
        let available = span.left();
        if got > available {
            span.short = true;
            self.error(span.at, WireError::BadLength { what, got, expected: 0..=available });
        }
        self.bytes(span, "spi", got);
    }

    fn notification(&mut self, span: &mut Span) {
        self.number(span, "doi", 4, namer!(Doi));
        self.number(span, "protocol", 1, namer!(ProtocolId));
        let spi_size = self.number(span, "spi_size", 1, nameless);
        self.number(span, "type", 2, namer!(NotifyType));
        self.spi(span, spi_size.filter(|_| !span.short), "SPI size of a notification");
        self.rest(span, "data");
    }

    fn delete(&mut self, span: &mut Span) {
        self.number(span, "doi", 4, namer!(Doi));
        self.number(span, "protocol", 1, namer!(ProtocolId));
        let spi_size = self.number(span, "spi_size", 1, nameless);
        let count = self.number(span, "spi_count", 2, nameless);
        let sizes = spi_size
            .zip(count)
            .and_then(|(size, count)| Some((usize::try_from(size).ok()?, usize::try_from(count).ok()?)));
        let Some((size, count)) = sizes else { return };
        let (got, expected) = (span.left(), size.saturating_mul(count));
        if got != expected {
            let what = "length of the SPIs of a Delete payload";
            self.error(span.at, WireError::BadLength { what, got, expected: expected..=expected });
        }
        let mut index = 0_usize;
        while size > 0 && index < count && span.left() > 0 {
            self.bytes(span, &format!("spi[{index}]"), size.min(span.left()));
            index = index.saturating_add(1);
        }
        if span.left() > 0 {
            self.rest(span, "data");
        }
    }

    fn sa(&mut self, span: &mut Span) {
        self.number(span, "doi", 4, namer!(Doi));
        let situation = self.number(span, "situation", 4, situation_name);
        let situation = situation.and_then(|value| u32::try_from(value).ok()).map(Situation);
        let labels = situation.map_or(0, |situation| self.labels_len(situation, span));
        if labels > 0 {
            self.bytes(span, "labels", labels);
        }
        let (mut index, mut more) = (0_usize, span.left() > 0);
        while more {
            let path = span.path(&format!("proposal[{index}]"));
            let limits = (span.at, span.end);
            let text = "P payload".to_owned();
            let names = ("proposal", "proposal length");
            let (mut proposal, next) = self.generic(names, path, limits, span.depth, text);
            self.proposal(&mut proposal);
            span.at = proposal.end;
            index = index.saturating_add(1);
            more = self.another(next, PayloadType::PROPOSAL, span, ("SA payload", "P or NONE"));
        }
        self.nothing_left(span);
    }

    /// Length of the labelled fields after the situation, at most one more than there are octets.
    fn labels_len(&self, situation: Situation, span: &Span) -> usize {
        let kinds = [Situation::SECRECY, Situation::INTEGRITY];
        let count = kinds.into_iter().filter(|kind| situation.contains(*kind)).count();
        let u16_at = |at: usize| {
            let octets = self.message.get(at..at.checked_add(2)?.min(span.end))?;
            <[u8; 2]>::try_from(octets).ok().map(|octets| usize::from(u16::from_be_bytes(octets)))
        };
        let mut len = if count == 0 { 0_usize } else { 4 };
        for unit in core::iter::repeat_n([1, 8], count).flatten() {
            let value = u16_at(span.at.saturating_add(len)).unwrap_or_default();
            len = len.saturating_add(4).saturating_add(value.div_ceil(unit).next_multiple_of(4));
        }
        len.min(span.left().saturating_add(1))
    }

    /// Whether another structure of `kind` follows; reports any other next payload.
    fn another(
        &mut self,
        next: Option<PayloadType>,
        kind: PayloadType,
        span: &Span,
        (within, expected): (&'static str, &'static str),
    ) -> bool {
        match next {
            Some(next) if next == kind => true,
            Some(PayloadType::NONE) | None => false,
            Some(got) => {
                self.error(span.at, WireError::BadNextPayload { within, got, expected });
                false
            }
        }
    }

    fn nothing_left(&mut self, span: &mut Span) {
        if span.left() > 0 {
            self.error(span.at, WireError::TrailingData { what: span.what, len: span.left() });
            self.rest(span, "trailing");
        }
    }

    fn proposal(&mut self, span: &mut Span) {
        let number = self.number(span, "number", 1, nameless);
        let protocol = self.number(span, "protocol", 1, namer!(ProtocolId));
        let spi_size = self.number(span, "spi_size", 1, nameless);
        let announced = self.number(span, "transform_count", 1, nameless);
        self.spi(span, spi_size.filter(|_| !span.short), "SPI size of a proposal");
        let protocol = ProtocolId(protocol.and_then(|value| u8::try_from(value).ok()).unwrap_or_default());
        let (mut got, mut more) = (0_usize, span.left() > 0);
        while more {
            let path = span.path(&format!("transform[{got}]"));
            let limits = (span.at, span.end);
            let text = "T payload".to_owned();
            let names = ("transform", "transform length");
            let (mut transform, next) = self.generic(names, path, limits, span.depth, text);
            self.transform(&mut transform, protocol);
            span.at = transform.end;
            got = got.saturating_add(1);
            more = self.another(next, PayloadType::TRANSFORM, span, ("proposal", "T or NONE"));
        }
        self.nothing_left(span);
        let counts = announced.and_then(|announced| usize::try_from(announced).ok());
        if let Some((expected, proposal)) = counts.zip(number.and_then(|number| u8::try_from(number).ok()))
            && expected != got
            && !span.short
        {
            self.error(span.end, WireError::TransformCount { proposal, got, expected });
        }
    }

    fn transform(&mut self, span: &mut Span, protocol: ProtocolId) {
        let id_name: Namer = match protocol {
            ProtocolId::ISAKMP => namer!(TransformId),
            ProtocolId::IPSEC_AH => namer!(AhTransform),
            ProtocolId::IPSEC_ESP => namer!(EspTransform),
            ProtocolId::IPCOMP => namer!(IpcompTransform),
            _ => nameless,
        };
        self.number(span, "number", 1, nameless);
        self.number(span, "id", 1, id_name);
        self.number(span, "reserved2", 2, nameless);
        let phase1 = protocol == ProtocolId::ISAKMP;
        self.attributes(span, if phase1 { Classes::Phase1 } else { Classes::Ipsec });
    }

    fn attributes(&mut self, span: &mut Span, classes: Classes) {
        let mut seen: Vec<u16> = Vec::new();
        let mut index = 0_usize;
        while span.left() > 0 && !span.short {
            let head = |at: usize| {
                let octets = self.message.get(at..at.checked_add(2)?.min(span.end))?;
                <[u8; 2]>::try_from(octets).ok().map(u16::from_be_bytes)
            };
            let field = head(span.at.saturating_add(2)).map_or(0, usize::from);
            let basic = head(span.at).is_some_and(|class| class & 0x8000 != 0);
            let announced = if basic { 4 } else { field.saturating_add(4) };
            let end = span.at.saturating_add(announced.min(span.left()));
            let path = span.path(&format!("attribute[{index}]"));
            let form = if basic { "TV" } else { "TLV" };
            let text = format!("{form} attribute");
            let mut attribute = self.open(span.what, path, span.at..end, span.depth, text);
            let class = self.number(&mut attribute, "type", 2, class_namer(classes));
            let class = class.and_then(|class| u16::try_from(class & 0x7fff).ok());
            if !basic && self.number(&mut attribute, "length", 2, nameless).is_some() {
                let available = span.end.saturating_sub(attribute.at);
                if field > available {
                    let (what, expected) = ("attribute length", 0..=available);
                    self.error(attribute.at, WireError::BadLength { what, got: field, expected });
                }
            }
            self.attribute_value(&mut attribute, basic, class, classes);
            if let Some(class) = class.filter(|_| !attribute.short) {
                let nth = seen.iter().filter(|other| **other == class).count();
                seen.push(class);
                let name = class_namer(classes)(class.into()).map(|name| name.to_ascii_lowercase());
                let alias = name.map(|name| if nth == 0 { name } else { format!("{name}[{nth}]") });
                if let Some(field) = self.fields.last_mut() {
                    field.alias = alias.map(|name| span.path(&name));
                }
            }
            span.short |= attribute.short;
            span.at = end;
            index = index.saturating_add(1);
        }
    }

    fn attribute_value(&mut self, span: &mut Span, basic: bool, class: Option<u16>, classes: Classes) {
        let namer = value_namer(classes, class.unwrap_or_default());
        let width = if basic { 2 } else { span.left() };
        // A variable attribute of a negotiation is a number, one of Mode-Config an address or a text.
        if basic || (classes != Classes::Config && (1..=8).contains(&width)) {
            self.number(span, "value", width, namer);
        } else {
            self.rest(span, "value");
        }
    }
}

/// Path name and error name of a payload type.
fn kind_of(payload_type: PayloadType) -> (&'static str, &'static str) {
    match payload_type {
        PayloadType::SA => ("sa", "SA payload"),
        PayloadType::KE => ("ke", "Key Exchange payload"),
        PayloadType::ID => ("id", "Identification payload"),
        PayloadType::CERT => ("cert", "Certificate payload"),
        PayloadType::CERT_REQUEST => ("cert_request", "Certificate Request payload"),
        PayloadType::HASH => ("hash", "Hash payload"),
        PayloadType::SIG => ("sig", "Signature payload"),
        PayloadType::NONCE => ("nonce", "Nonce payload"),
        PayloadType::NOTIFICATION => ("notification", "Notification payload"),
        PayloadType::DELETE => ("delete", "Delete payload"),
        PayloadType::VENDOR_ID => ("vendor_id", "Vendor ID payload"),
        PayloadType::ATTRIBUTES => ("attributes", "Attributes payload"),
        PayloadType::NAT_D | PayloadType::NAT_D_DRAFT => ("nat_d", "NAT-D payload"),
        PayloadType::NAT_OA | PayloadType::NAT_OA_DRAFT => ("nat_oa", "NAT-OA payload"),
        PayloadType::FRAGMENT => ("fragment", "fragment payload"),
        _ => ("unknown", "payload"),
    }
}

fn flags_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "none",
        1 => "E",
        2 => "C",
        3 => "E|C",
        4 => "A",
        5 => "E|A",
        6 => "C|A",
        7 => "E|C|A",
        _ => return None,
    })
}

fn situation_name(value: u64) -> Option<&'static str> {
    (value == 1).then_some("SIT_IDENTITY_ONLY")
}

/// Names the type field of an attribute, whatever its AF bit.
fn class_namer(classes: Classes) -> Namer {
    match classes {
        Classes::Phase1 => |value| Phase1Attribute(u16::try_from(value & 0x7fff).ok()?).name(),
        Classes::Ipsec => |value| IpsecAttribute(u16::try_from(value & 0x7fff).ok()?).name(),
        Classes::Config => |value| ConfigAttribute(u16::try_from(value & 0x7fff).ok()?).name(),
    }
}

fn value_namer(classes: Classes, class: u16) -> Namer {
    match (classes, class) {
        (Classes::Phase1, class) => match Phase1Attribute(class) {
            Phase1Attribute::ENCRYPTION_ALGORITHM => namer!(EncryptionAlgorithm),
            Phase1Attribute::HASH_ALGORITHM => namer!(HashAlgorithmId),
            Phase1Attribute::AUTHENTICATION_METHOD => namer!(AuthMethod),
            Phase1Attribute::GROUP_DESCRIPTION => namer!(GroupId),
            Phase1Attribute::GROUP_TYPE => namer!(GroupType),
            Phase1Attribute::LIFE_TYPE => namer!(LifeType),
            _ => nameless,
        },
        (Classes::Ipsec, class) => match IpsecAttribute(class) {
            IpsecAttribute::SA_LIFE_TYPE => namer!(LifeType),
            IpsecAttribute::GROUP_DESCRIPTION => namer!(GroupId),
            IpsecAttribute::ENCAPSULATION_MODE => namer!(EncapsulationMode),
            IpsecAttribute::AUTHENTICATION_ALGORITHM => namer!(AuthAlgorithm),
            _ => nameless,
        },
        (Classes::Config, class) if class == ConfigAttribute::XAUTH_TYPE.0 => namer!(XauthType),
        (Classes::Config, _) => nameless,
    }
}
