//! The walk over a message that finds its fields for [`super::dissect`](mod@super::dissect).

use core::ops::Range;
use std::collections::BTreeMap;

use bytes::Bytes;

use super::chain::aligns;
use super::codec::GENERIC_HEADER;
use super::dissect::{Dissection, Field, FieldValue, PayloadSpan};
use super::field_names::{
    Classes, Namer, attribute_class, attribute_value, flags, kind_of, nameless, namer, situation,
    transform_id,
};
use super::id::address_data_len;
use super::{
    CertEncoding, ConfigType, Doi, ExchangeType, Flags, Header, IdType, Identification, NotifyType,
    PayloadType, ProtocolId, Situation, WireError,
};

/// Walks over the message; the result still lacks the octets of the message.
pub(super) fn walk(message: &[u8], encrypted_body: bool) -> Dissection {
    let mut walker = Walker { message, found: Dissection::default(), kinds: BTreeMap::new() };
    walker.message(encrypted_body);
    walker.found
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

struct Walker<'a> {
    message: &'a [u8],
    found: Dissection,
    /// Payloads met so far, by kind.
    kinds: BTreeMap<&'static str, usize>,
}

impl Walker<'_> {
    fn push(&mut self, path: String, range: Range<usize>, value: FieldValue, depth: usize) {
        let len = range.end.saturating_sub(range.start);
        self.found.fields.push(Field { path, alias: None, offset: range.start, len, value, depth });
    }

    fn error(&mut self, offset: usize, error: WireError) {
        self.found.errors.push((offset, error));
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
            let len = total.saturating_sub(at);
            if !decrypted && payload_type.is_some() && !aligns(len, total.saturating_sub(Header::LEN)) {
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
        self.number(&mut span, "flags", 1, flags)?;
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
        let index = count_up(&mut self.kinds, kind);
        let path = if index == 0 { kind.to_owned() } else { format!("{kind}[{index}]") };
        let text = self.describe(payload_type, at);
        let limits = (at, self.message.len());
        let (mut span, next) = self.generic((what, "payload length"), path.clone(), limits, 0, text);
        self.found.payloads.push(PayloadSpan { payload_type, path, range: at..span.end });
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
            PayloadType::FRAGMENT => {
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
        let situation = self.number(span, "situation", 4, situation);
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
        self.number(span, "number", 1, nameless);
        self.number(span, "id", 1, transform_id(protocol));
        self.number(span, "reserved2", 2, nameless);
        let phase1 = protocol == ProtocolId::ISAKMP;
        self.attributes(span, if phase1 { Classes::Phase1 } else { Classes::Ipsec });
    }

    fn attributes(&mut self, span: &mut Span, classes: Classes) {
        let mut seen: BTreeMap<u16, usize> = BTreeMap::new();
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
            let class = self.number(&mut attribute, "type", 2, attribute_class(classes));
            let class = class.and_then(|class| u16::try_from(class & 0x7fff).ok());
            if !basic && self.number(&mut attribute, "length", 2, nameless).is_some() {
                let available = span.end.saturating_sub(attribute.at);
                if field > available {
                    let (what, expected) = ("attribute length", 0..=available);
                    self.error(attribute.at, WireError::BadLength { what, got: field, expected });
                }
            }
            self.value(&mut attribute, basic, class, classes);
            if let Some(class) = class.filter(|_| !attribute.short) {
                let nth = count_up(&mut seen, class);
                let name = attribute_class(classes)(class.into()).map(|name| name.to_ascii_lowercase());
                let alias = name.map(|name| if nth == 0 { name } else { format!("{name}[{nth}]") });
                if let Some(field) = self.found.fields.last_mut() {
                    field.alias = alias.map(|name| span.path(&name));
                }
            }
            span.short |= attribute.short;
            span.at = end;
            index = index.saturating_add(1);
        }
    }

    fn value(&mut self, span: &mut Span, basic: bool, class: Option<u16>, classes: Classes) {
        let namer = attribute_value(classes, class.unwrap_or_default());
        let width = if basic { 2 } else { span.left() };
        // A variable attribute of a negotiation is a number, one of Mode-Config an address or a text.
        if basic || (classes != Classes::Config && (1..=8).contains(&width)) {
            self.number(span, "value", width, namer);
        } else {
            self.rest(span, "value");
        }
    }
}

/// How often `key` was met before.
fn count_up<K: Ord>(counts: &mut BTreeMap<K, usize>, key: K) -> usize {
    let count = counts.entry(key).or_default();
    let before = *count;
    *count = before.saturating_add(1);
    before
}
