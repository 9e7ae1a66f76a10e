//! The strict reader, the lenient reader, and edits.

use bytes::Bytes;
use ikev1::wire::edit::{self, Edit};
use ikev1::wire::{
    FieldValue, Flags, Header, Message, Payload, PayloadType, Trailing, WireLimits, decode_chain,
    encode_chain, encode_message,
};

/// A datagram that decodes is encoded to the same octets again, but for RESERVED fields and what aligns it.
///
/// # Panics
///
/// When that does not hold.
pub fn decode(data: &[u8]) {
    let datagram = Bytes::copy_from_slice(data);
    let limits = WireLimits::default();
    if let Ok(message) = Message::decode(&datagram, &limits) {
        let payloads: Vec<Payload> = message.chain.iter().cloned().collect();
        let encoded = Bytes::from(encode_message(&message.header, &payloads));
        if message.chain.reserved_violation().is_none() && message.chain.padding.is_empty() {
            assert_eq!(encoded, datagram, "encoding what was decoded gives the same octets");
        }
        let again = Message::decode(&encoded, &limits).expect("what was encoded decodes");
        assert!(again.chain.iter().eq(&payloads));
    }
    // The body of a decrypted message, whose first payload the header in the clear names.
    let Some((first, body)) = data.split_first() else { return };
    let body = Bytes::copy_from_slice(body);
    if let Ok(chain) = decode_chain(PayloadType(*first), &body, Trailing::Padding, &limits) {
        let payloads: Vec<Payload> = chain.iter().cloned().collect();
        let (again, encoded) = encode_chain(&payloads);
        if chain.reserved_violation().is_none() {
            assert_eq!(again.0, *first);
            assert_eq!(body.strip_suffix(&chain.padding[..]), Some(&encoded[..]));
        }
    }
}

/// The lenient reader finds errors exactly when the strict one refuses, names each octet once, and edits that keep
/// messages well-formed do. The first two octets choose an edit.
///
/// # Panics
///
/// When that does not hold.
pub fn dissect(data: &[u8]) {
    let [choice, place, message @ ..] = data else { return };
    let dissection = ikev1::wire::dissect(message, false);
    assert_eq!(dissection.errors.is_empty(), strict(message), "{dissection}");
    assert_each_octet_once(&dissection, message.len());
    assert_each_octet_once(&ikev1::wire::dissect(message, true), message.len());
    let shown = dissection.to_string();
    assert!(message.is_empty() || !shown.is_empty());

    let (at, count) = (usize::from(*place), dissection.fields.len());
    let Some(field) = dissection.fields.get(at.checked_rem(count).unwrap_or(0)) else { return };
    let path = || field.path.clone();
    let other = dissection.fields.get(count.saturating_sub(1).saturating_sub(at % count)).unwrap_or(field);
    let octets = || message.iter().rev().take(at).copied().collect::<Vec<_>>();
    let (edit, keeps_form) = match choice % 11 {
        0 => (Edit::Set { path: path(), bytes: octets() }, false),
        1 => (Edit::SetNumber { path: path(), value: u64::from(*choice) * u64::from(*place) }, false),
        2 => (Edit::Xor { path: path(), index: at % 8, mask: *choice }, false),
        3 => (Edit::Truncate { len: at }, false),
        4 => (Edit::Append { bytes: octets() }, false),
        5 => (Edit::InsertPayload { at: at % 5, payload_type: PayloadType::VENDOR_ID, body: octets() }, true),
        6 => (Edit::RemovePayload { path: path() }, false),
        7 => (Edit::SwapPayloads { a: path(), b: other.path.clone() }, true),
        8 => (Edit::ReorderPayloads { order: vec![1, 0, at % 3] }, true),
        9 => (Edit::Replace { path: path(), bytes: octets() }, false),
        _ => (Edit::DuplicatePayload { path: path() }, false),
    };
    let mut edited = message.to_vec();
    let applied = edit::apply(&mut edited, &edit).is_ok();
    if !applied {
        assert_eq!(edited, message, "an edit that fails changes nothing");
    } else if keeps_form && dissection.errors.is_empty() {
        assert!(strict(&edited), "{edit:?} of\n{dissection}");
    }
}

/// Whether the strict readers accept the message, decrypted if its Encryption bit is set.
fn strict(bytes: &[u8]) -> bool {
    let mut limits = WireLimits::default();
    limits.payloads_max = usize::MAX;
    limits.proposals_max = usize::MAX;
    limits.transforms_max = usize::MAX;
    limits.attributes_max = usize::MAX;
    limits.spis_max = usize::MAX;
    let bytes = Bytes::copy_from_slice(bytes);
    let Ok(header) = Header::decode(&bytes) else { return false };
    if !header.flags.contains(Flags::ENCRYPTION) {
        return Message::decode(&bytes, &limits).is_ok();
    }
    let chain = decode_chain(header.next_payload, &bytes.slice(Header::LEN..), Trailing::Padding, &limits);
    header.check(bytes.len()).is_ok() && chain.is_ok()
}

/// Each octet belongs to exactly one field that is not a structure.
fn assert_each_octet_once(dissection: &ikev1::wire::Dissection, len: usize) {
    let mut next = 0;
    for field in dissection.fields.iter().filter(|field| !matches!(field.value, FieldValue::Text(_))) {
        assert_eq!(field.offset, next, "{dissection}");
        next += field.len;
    }
    assert_eq!(next, len, "{dissection}");
}
