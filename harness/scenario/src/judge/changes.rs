//! What the edits of a case have made of messages, field by field: the octets that a peer was to answer, or to refuse.

use std::collections::HashMap;

use ikev1::wire::{Dissection, FieldValue, dissect};

use super::messages::bare;
use crate::tracker::MessageName;
use crate::transcript::{Event, Fault, Record};
use crate::verdict::Change;

/// Changes that a judgement tells; a message with other lengths and hashes has many.
const CHANGES_MAX: usize = 16;
/// Octets of a value that a change tells.
const OCTETS_MAX: usize = 24;

/// The octets behind the last payload of an encrypted message.
const PADDING: &str = "padding";

/// A field that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedField {
    /// Its path.
    pub path: String,
    /// Where it begins in the message, in bytes; where it began, when it is gone.
    pub offset: usize,
    /// Its length in bytes.
    pub len: usize,
    /// Its octets before, in hex; `None` when it was not there.
    pub was: Option<String>,
    /// Its octets now, in hex; `None` when it is gone.
    pub is: Option<String>,
}

/// The fields of a message that an edit has set, then the payloads that are gone, and last what follows from both (lengths,
/// hashes).
pub fn changed_fields(before: &Dissection, after: &Dissection) -> Vec<ChangedField> {
    let hex = |octets: Option<&[u8]>| octets.map(short);
    // An edit sees a message before it is padded.
    let padded = before.field(PADDING).is_none() && after.field(PADDING).is_some();
    let by_padding =
        |path: &str| padded && (path == PADDING || path == "header.length" && end(before) == end(after));
    let set = after.fields.iter().filter(|field| !matches!(field.value, FieldValue::Text(_)));
    let set = set.filter(|field| !by_padding(&field.path));
    let set = set.filter_map(|field| {
        let (was, is) = (before.bytes(&field.path), after.bytes(&field.path));
        let (was_hex, is_hex) = (hex(was), hex(is));
        (was != is).then(|| ChangedField {
            path: field.path.clone(),
            offset: field.offset,
            len: field.len,
            was: was_hex,
            is: is_hex,
        })
    });
    let gone = before.fields.iter().filter(|field| field.depth == 0 && after.field(&field.path).is_none());
    let gone = gone.map(|field| ChangedField {
        path: field.path.clone(),
        offset: field.offset,
        len: field.len,
        was: hex(before.bytes(&field.path)),
        is: None,
    });
    let mut changed: Vec<ChangedField> = set.chain(gone).collect();
    changed.sort_by_key(|field| follows(&field.path));
    changed
}

/// Whether a field mostly is as it is because of others.
fn follows(path: &str) -> bool {
    path == "hash.data" || path.ends_with(".length") || path.ends_with(".next_payload")
}

/// Where the payloads of a message end.
fn end(message: &Dissection) -> Option<usize> {
    let payloads = message.fields.iter().filter(|field| field.depth == 0 && field.path != PADDING);
    payloads.map(|field| field.offset + field.len).max()
}

/// What the transcript has of edits. A copy that is changed as an earlier one was is not told again.
pub(super) fn changes(transcript: &[Record]) -> Vec<Change> {
    let plain: HashMap<u64, (&str, &str)> = transcript
        .iter()
        .filter_map(|record| match &record.event {
            Event::Plaintext { datagram, hex, unaltered_hex: Some(unaltered), .. } => {
                Some((*datagram, (hex.as_str(), unaltered.as_str())))
            }
            _ => None,
        })
        .collect();
    let (mut changes, mut told) = (Vec::new(), Vec::new());
    for record in transcript {
        let Event::Datagram(datagram) = &record.event else { continue };
        let Some(name) = datagram.message else { continue };
        let (is, was, opaque) = match (&datagram.fault, plain.get(&datagram.n)) {
            (Some(Fault::EditedDatagram { unaltered_hex }), _) => {
                let is = bare(datagram.nat_t, &datagram.hex);
                let opaque = is.get(19).is_some_and(|flags| flags & 1 == 1);
                (is, bare(datagram.nat_t, unaltered_hex), opaque)
            }
            (_, Some((is, was))) => (bare(false, is), bare(false, was), false),
            _ => continue,
        };
        let fields = changed_fields(&dissect(&was, opaque), &dissect(&is, opaque));
        let edit = (MessageName { copy: 1, changed: false, ..name }, fields.clone());
        if told.contains(&edit) {
            continue;
        }
        told.push(edit);
        changes.extend(fields.into_iter().map(|field| Change {
            datagram: datagram.n,
            message: name.to_string(),
            field: field.path,
            offset: field.offset,
            was: field.was,
            is: field.is,
        }));
        if changes.len() >= CHANGES_MAX {
            changes.truncate(CHANGES_MAX);
            break;
        }
    }
    changes
}

fn short(octets: &[u8]) -> String {
    let more = if octets.len() > OCTETS_MAX { "..." } else { "" };
    format!("{}{more}", hex::encode(octets.get(..OCTETS_MAX).unwrap_or(octets)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::model::{Exchange, Side};
    use crate::transcript::DatagramRecord;

    /// A main mode message in the clear with Nonce payloads of these data, in hex.
    fn message(nonces: &[&str]) -> Vec<u8> {
        let mut body = Vec::new();
        for (index, data) in nonces.iter().enumerate() {
            let data = hex::decode(data).unwrap();
            let next = if index + 1 < nonces.len() { 10 } else { 0 };
            body.extend([next, 0, 0, u8::try_from(4 + data.len()).unwrap()]);
            body.extend(data);
        }
        let mut message = vec![7; 16];
        let first = if nonces.is_empty() { 0 } else { 10 };
        message.extend([first, 0x10, 2, 0, 0, 0, 0, 0, 0, 0, 0, u8::try_from(28 + body.len()).unwrap()]);
        message.extend(body);
        message
    }

    fn datagram(n: u64, copy: u32, bytes: &[u8], nat_t: bool, fault: Fault) -> Record {
        let name = MessageName {
            exchange: Exchange::MainMode,
            occurrence: 1,
            number: 3,
            copy,
            changed: false,
            fragment: None,
        };
        let record = DatagramRecord {
            n,
            from: Side::Harness,
            local: "192.0.2.1:500".to_owned(),
            remote: "192.0.2.2:500".to_owned(),
            nat_t,
            hex: hex::encode(bytes),
            delivered: true,
            message: Some(name),
            fault: Some(fault),
        };
        Record { at_ms: 0, event: Event::Datagram(record) }
    }

    /// A message that was edited before it was sent, and its plaintext.
    fn edited(n: u64, copy: u32, was: &[u8], is: &[u8]) -> [Record; 2] {
        let plaintext = Event::Plaintext {
            datagram: n,
            from: Side::Harness,
            hex: hex::encode(is),
            unaltered_hex: Some(hex::encode(was)),
        };
        [datagram(n, copy, is, false, Fault::Edited), Record { at_ms: 0, event: plaintext }]
    }

    fn told(transcript: &[Record]) -> Vec<String> {
        let change = |change: Change| {
            let value = |hex: Option<String>| hex.unwrap_or_else(|| "nothing".to_owned());
            let Change { datagram, message, field, offset, was, is } = change;
            format!("{datagram} {message} {field}@{offset}: {} -> {}", value(was), value(is))
        };
        changes(transcript).into_iter().map(change).collect()
    }

    #[rstest]
    #[case::a_value(&["0102"], &["0103"], &["9 main-mode message 3 nonce.data@32: 0102 -> 0103"])]
    #[case::a_length(&["01"], &["0102"], &[
        "9 main-mode message 3 nonce.data@32: 01 -> 0102",
        "9 main-mode message 3 header.length@24: 00000021 -> 00000022",
        "9 main-mode message 3 nonce.length@30: 0005 -> 0006",
    ])]
    #[case::a_payload_that_is_gone(&["01"], &[], &[
        "9 main-mode message 3 nonce@28: 0000000501 -> nothing",
        "9 main-mode message 3 header.next_payload@16: 0a -> 00",
        "9 main-mode message 3 header.length@24: 00000021 -> 0000001c",
    ])]
    #[case::nothing(&["01"], &["01"], &[])]
    fn an_edit_is_told_field_by_field(#[case] was: &[&str], #[case] is: &[&str], #[case] expected: &[&str]) {
        assert_eq!(told(&edited(9, 1, &message(was), &message(is))), expected);
    }

    #[test]
    fn an_edit_on_the_way_is_told_without_the_non_esp_marker() {
        let on_4500 = |data: &str| [&[0; 4], message(&[data]).as_slice()].concat();
        let fault = Fault::EditedDatagram { unaltered_hex: hex::encode(on_4500("01")) };
        let record = datagram(2, 1, &on_4500("02"), true, fault);
        assert_eq!(told(&[record]), ["2 main-mode message 3 nonce.data@32: 01 -> 02"]);
    }

    #[test]
    fn padding_is_no_change_of_the_case() {
        let encrypted = |data: &str, padding: usize| {
            let mut message = message(&[data]);
            message.resize(message.len() + padding, 0);
            message[19] = 1;
            message[27] = u8::try_from(message.len()).unwrap();
            message
        };
        assert_eq!(
            told(&edited(1, 1, &encrypted("0102", 0), &encrypted("0103", 3))),
            ["1 main-mode message 3 nonce.data@32: 0102 -> 0103"]
        );
    }

    #[test]
    fn a_retransmission_is_not_told_again() {
        let [one, two] = [1, 2].map(|copy| edited(copy.into(), copy, &message(&["01"]), &message(&["02"])));
        assert_eq!(told(&[one, two].concat()), ["1 main-mode message 3 nonce.data@32: 01 -> 02"]);
    }

    #[test]
    fn a_copy_that_is_changed_otherwise_is_told() {
        let changed = |copy: u32, is| edited(copy.into(), copy, &message(&["01"]), &message(&[is]));
        let told = told(&[changed(1, "01"), changed(2, "02"), changed(3, "03")].concat());
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("2 ") && told[1].starts_with("3 "), "{told:?}");
    }

    #[test]
    fn very_many_changes_and_octets_are_cut_off() {
        let was = message(&["01"; 40]);
        let is = message(&["02"; 40]);
        assert_eq!(told(&edited(1, 1, &was, &is)).len(), CHANGES_MAX);
        let [ones, twos] = ["01", "02"].map(|octet| octet.repeat(60));
        let told = told(&edited(1, 1, &message(&[&ones]), &message(&[&twos])));
        let shown = |hex: &str| format!("{}...", hex.get(..2 * OCTETS_MAX).unwrap());
        let expected = format!("1 main-mode message 3 nonce.data@32: {} -> {}", shown(&ones), shown(&twos));
        assert_eq!(told, [expected]);
    }
}
