//! Datagrams of a transcript as messages with their fields.

use std::collections::HashMap;

use ikev1::wire::{Dissection, Field as WireField, FieldValue, dissect};
use ikev1_report::html::{Field, Message};
use ikev1_report::model::Finding;
use ikev1_scenario::judge::{ChangedField, changed_fields};
use ikev1_scenario::model::Side;
use ikev1_scenario::transcript::{DatagramRecord, Event, Fault, Record};

/// Octets of a field that its value shows.
const VALUE_OCTETS_MAX: usize = 24;
/// Length of the non-ESP marker (RFC 3948 section 2.2).
const NON_ESP_MARKER: usize = 4;
/// The fields up to the end of the ISAKMP header.
const HEADER: usize = 28;

/// The datagrams of a transcript; a plaintext belongs to the datagram with its number.
pub(super) fn messages(records: &[Record], findings: &[Finding]) -> Vec<Message> {
    let mut plain = HashMap::new();
    for record in records {
        if let Event::Plaintext { datagram, hex, unaltered_hex, .. } = &record.event {
            plain.entry(*datagram).or_insert((hex.as_str(), unaltered_hex.as_deref()));
        }
    }
    let datagrams = records.iter().filter_map(|record| match &record.event {
        Event::Datagram(datagram) => Some(datagram),
        _ => None,
    });
    datagrams.map(|datagram| message(datagram, plain.get(&datagram.n).copied(), findings)).collect()
}

fn message(datagram: &DatagramRecord, plain: Option<(&str, Option<&str>)>, findings: &[Finding]) -> Message {
    let wire = octets(&datagram.hex);
    let mut message = Message {
        number: datagram.n,
        from_harness: datagram.from == Side::Harness,
        delivered: datagram.delivered,
        fault: datagram.fault.as_ref().map(fault),
        ..Message::default()
    };
    let bare = match wire.get(..NON_ESP_MARKER) {
        Some([0, 0, 0, 0]) if datagram.nat_t => wire.get(NON_ESP_MARKER..).unwrap_or_default(),
        _ => &wire,
    };
    let is_isakmp = bare.len() >= HEADER && (!datagram.nat_t || bare.len() < wire.len());
    message.name = match (&datagram.message, is_isakmp) {
        (Some(name), _) => name.to_string(),
        (None, true) => "message of no exchange that is known".to_owned(),
        (None, false) => format!("datagram of {} octets", wire.len()),
    };
    if !is_isakmp {
        message.form = "as it was sent, no ISAKMP message".to_owned();
        message.bytes = wire;
        return message;
    }
    let encrypted = bare.get(19).is_some_and(|flags| flags & 1 == 1);
    let (bytes, opaque, form) = match plain {
        Some((hex, _)) if encrypted => (octets(hex), false, "decrypted"),
        Some((hex, _)) => (octets(hex), false, "in the clear"),
        None if encrypted => (bare.to_vec(), true, "encrypted, and not decrypted by the harness"),
        None => (bare.to_vec(), false, "in the clear"),
    };
    let dissection = dissect(&bytes, opaque);
    message.form = form.to_owned();
    message.content = content(&dissection, encrypted);
    message.remarks = dissection.errors.iter().map(|(at, error)| format!("octet {at}: {error}")).collect();
    let before = plain.and_then(|(_, unaltered)| unaltered).map(octets);
    let before = before.or_else(|| match &datagram.fault {
        Some(Fault::EditedDatagram { unaltered_hex }) => {
            let sent = octets(unaltered_hex);
            Some(sent.get(wire.len().saturating_sub(bare.len())..).unwrap_or_default().to_vec())
        }
        _ => None,
    });
    let mut changed = Vec::new();
    if let Some(before) = before {
        changed = changed_fields(&dissect(&before, opaque), &dissection);
        message.remarks.extend(changed.iter().map(|field| change(field, &dissection, &bytes)));
    }
    message.fields = fields(&dissection, &bytes);
    for field in changed.iter().filter(|field| field.is.is_some()) {
        if let Some(row) = innermost(&mut message.fields, field.offset, field.len) {
            row.changed = true;
        }
    }
    for finding in findings.iter().filter(|finding| finding.packet == Some(datagram.n)) {
        let found = finding.field.as_deref().and_then(|path| dissection.field(path));
        let offset = finding.offset.and_then(|offset| usize::try_from(offset).ok());
        let place = found.map(|field| (field.offset, field.len)).or(offset.map(|offset| (offset, 1)));
        let row = place.and_then(|(offset, len)| innermost(&mut message.fields, offset, len));
        if let Some(row) = row {
            row.marked = true;
        }
    }
    message.bytes = bytes;
    message
}

/// The innermost field that has all these octets.
fn innermost(fields: &mut [Field], offset: usize, len: usize) -> Option<&mut Field> {
    let has = |field: &&mut Field| field.offset <= offset && offset + len <= field.offset + field.len;
    fields.iter_mut().filter(has).min_by_key(|field| field.len)
}

/// The payloads as RFC 2409 writes messages.
pub(crate) fn content(dissection: &Dissection, encrypted: bool) -> String {
    let mut parts: Vec<(String, usize)> = Vec::new();
    for field in dissection.fields.iter().filter(|field| field.depth == 0) {
        let part = match &field.value {
            FieldValue::Text(_) if field.path == "header" => {
                if encrypted { "HDR*" } else { "HDR" }.to_owned()
            }
            FieldValue::Text(text) => text.split(" payload").next().unwrap_or(text).to_owned(),
            FieldValue::Bytes(_) if field.path == "encrypted" => "(encrypted)".to_owned(),
            FieldValue::Bytes(_) | FieldValue::Number(..) => continue,
        };
        match parts.last_mut() {
            Some((last, times)) if *last == part => *times += 1,
            _ => parts.push((part, 1)),
        }
    }
    let parts =
        parts.into_iter().map(|(part, times)| if times > 1 { format!("{part} ×{times}") } else { part });
    parts.collect::<Vec<_>>().join(", ")
}

/// The rows of the tree; the fields of an attribute share one.
pub(crate) fn fields(dissection: &Dissection, bytes: &[u8]) -> Vec<Field> {
    let mut rows = Vec::new();
    let mut fields = dissection.fields.iter().peekable();
    while let Some(field) = fields.next() {
        let mut shown = field;
        if field.path.rsplit('.').next().is_some_and(|name| name.starts_with("attribute[")) {
            while let Some(part) = fields.next_if(|part| part.depth > field.depth) {
                shown = part;
            }
        }
        let class = shown.alias.as_deref().and_then(|alias| alias.rsplit('.').next());
        let value = value(shown, bytes);
        rows.push(Field {
            path: field.path.clone(),
            value: class.map_or_else(|| value.clone(), |class| format!("{class}: {value}")),
            offset: field.offset,
            len: field.len,
            depth: field.depth,
            marked: false,
            changed: false,
        });
    }
    rows
}

fn value(field: &WireField, bytes: &[u8]) -> String {
    match &field.value {
        FieldValue::Number(value, None) if field.path.ends_with(".m_id") => format!("{value:08x}"),
        FieldValue::Number(value, None) => value.to_string(),
        FieldValue::Number(value, Some(name)) => format!("{value} {name}"),
        FieldValue::Bytes(range) => {
            let octets = bytes.get(range.clone()).unwrap_or_default();
            let shown = hex::encode(octets.get(..VALUE_OCTETS_MAX).unwrap_or(octets));
            let more = if octets.len() > VALUE_OCTETS_MAX { "…" } else { "" };
            format!("{shown}{more} [{}]", octets.len())
        }
        FieldValue::Text(text) => format!("{text}, {} octets", field.len),
    }
}

/// What an edit has changed in a field, in one line.
fn change(changed: &ChangedField, after: &Dissection, bytes: &[u8]) -> String {
    let was = changed.was.as_deref().unwrap_or("not there");
    match (after.field(&changed.path), &changed.is) {
        (Some(field), Some(_)) => format!("changed: {} = {}, was {was}", field.path, value(field, bytes)),
        _ => format!("changed: {} is gone", changed.path),
    }
}

fn fault(fault: &Fault) -> String {
    match fault {
        Fault::Edited => "edited before encryption".to_owned(),
        Fault::EditedDatagram { .. } => "edited on the way".to_owned(),
        Fault::Dropped => "lost on purpose".to_owned(),
        Fault::Delayed { by_ms } => format!("held back for {by_ms} ms"),
        Fault::DeliveredLate { of } => format!("late delivery of {of}"),
        Fault::Duplicate { of } => format!("further copy of {of}"),
        Fault::Replayed { of } => format!("replay of {of}"),
        Fault::Injected => "made by a step".to_owned(),
    }
}

/// Hex of a transcript; what is none gives nothing.
fn octets(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn datagram(wire: &[u8], nat_t: bool) -> Record {
        let record = DatagramRecord {
            n: 1,
            from: Side::Peer,
            local: "192.0.2.1:500".to_owned(),
            remote: "192.0.2.2:500".to_owned(),
            nat_t,
            hex: hex::encode(wire),
            delivered: true,
            message: None,
            fault: None,
        };
        Record { at_ms: 0, event: Event::Datagram(record) }
    }

    /// A header in the clear, and a Nonce payload whose data are four octets.
    fn nonce() -> Vec<u8> {
        let mut message = vec![0x11; 16];
        message.extend([10, 0x10, 5, 0, 0, 0, 0, 0, 0, 0, 0, 36, 0, 0, 0, 8, 1, 2, 3, 4]);
        message
    }

    #[test]
    fn the_field_of_a_finding_is_marked() {
        let finding = Finding { packet: Some(1), field: Some("nonce.data".to_owned()), ..Finding::default() };
        let found = messages(&[datagram(&nonce(), false)], &[finding]);
        assert_eq!(found[0].content, "HDR, NONCE");
        let marked: Vec<_> = found[0].fields.iter().filter(|field| field.marked).collect();
        assert_eq!(marked.len(), 1);
        assert_eq!((marked[0].path.as_str(), marked[0].offset, marked[0].len), ("nonce.data", 32, 4));
    }

    #[test]
    fn the_field_that_the_case_has_changed_stands_out() {
        let mut was = nonce();
        was[33] = 0xff;
        let mut record = datagram(&nonce(), false);
        if let Event::Datagram(datagram) = &mut record.event {
            datagram.fault = Some(Fault::EditedDatagram { unaltered_hex: hex::encode(was) });
        }
        let found = messages(&[record], &[]);
        let changed: Vec<_> = found[0].fields.iter().filter(|field| field.changed).collect();
        assert_eq!(changed.iter().map(|field| field.path.as_str()).collect::<Vec<_>>(), ["nonce.data"]);
        assert_eq!(found[0].remarks, ["changed: nonce.data = 01020304 [4], was 01ff0304"]);
    }

    #[test]
    fn the_non_esp_marker_is_not_part_of_a_message() {
        let marked = [vec![0; 4], nonce()].concat();
        assert_eq!(messages(&[datagram(&marked, true)], &[])[0].bytes, nonce());
        assert!(messages(&[datagram(&nonce(), true)], &[])[0].fields.is_empty(), "that is an ESP packet");
    }

    proptest! {
        #[test]
        fn any_octets_make_a_message_whose_fields_are_within_it(wire in any::<Vec<u8>>(), nat_t: bool) {
            let found = messages(&[datagram(&wire, nat_t)], &[]);
            prop_assert!(found[0].fields.iter().all(|field| field.offset + field.len <= found[0].bytes.len()));
        }
    }
}
