//! The messages of a transcript, by name.

use std::collections::{BTreeMap, HashMap};

use ikev1::wire::{Dissection, FieldValue, dissect};

use crate::model::{Contains, Exchange, Selector, Side};
use crate::tracker::MessageName;
use crate::transcript::{DatagramRecord, Event, Fault, Record};

/// Length of the non-ESP marker (RFC 3948 section 2.2).
const NON_ESP_MARKER: usize = 4;

/// A message as its sender sent it, with all its copies.
#[derive(Debug, Clone)]
pub struct SentMessage<'a> {
    /// Its sender.
    pub from: Side,
    /// Its name; that of the first copy.
    pub name: MessageName,
    /// The first copy.
    pub first: &'a DatagramRecord,
    /// When the first copy was sent.
    pub at_ms: u64,
    /// Copies that the sender sent, the first included.
    pub copies: u32,
    /// Index in the transcript and time of its first delivery.
    pub delivered: Option<(usize, u64)>,
    /// As it left its sender, its fragments put together; without the non-ESP marker.
    wire: Vec<u8>,
    /// Header and body in the clear, when known, and otherwise as they were sent.
    bytes: Vec<u8>,
    /// Whether `bytes` has an encrypted body: nobody has decrypted it, or with keys that are not its sender's.
    opaque: bool,
    /// The data of its fragments, by number, when it went out in fragments.
    fragments: BTreeMap<u8, Vec<u8>>,
    /// Number of the last fragment.
    last_fragment: Option<u8>,
}

impl SentMessage<'_> {
    /// Its fields, as far as the body can be read.
    pub fn dissection(&self) -> Dissection {
        dissect(&self.bytes, self.opaque)
    }

    /// Whether its body is encrypted and nobody could read it.
    pub fn is_opaque(&self) -> bool {
        self.opaque
    }

    /// As it left its sender, its fragments put together; without the non-ESP marker.
    pub(super) fn wire(&self) -> &[u8] {
        &self.wire
    }

    /// In how many fragments it went out; 0 when it went out whole.
    pub(super) fn fragment_count(&self) -> usize {
        self.fragments.len()
    }

    /// Whether all its fragments are known.
    fn is_whole(&self) -> bool {
        self.name.fragment.is_none() || self.last_fragment.map(usize::from) == Some(self.fragments.len())
    }

    /// Takes in a fragment of it (Microsoft's MS-IKEE section 2.2.3.1); the message once it is whole.
    fn add_fragment(&mut self, datagram: &DatagramRecord) {
        let bytes = bare(datagram.nat_t, sent_hex(datagram));
        let (Some([number, flags]), Some(data)) = (bytes.get(34..36), bytes.get(36..)) else { return };
        if flags & 1 == 1 {
            self.last_fragment = Some(*number);
        }
        self.fragments.entry(*number).or_insert_with(|| data.to_vec());
        if self.is_whole() {
            self.wire = self.fragments.values().flatten().copied().collect();
            self.bytes.clone_from(&self.wire);
            self.opaque = is_encrypted(&self.wire);
        }
    }

    /// Header and body in the clear, when known, and otherwise as they were sent.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it was encrypted on the wire.
    pub fn is_protected(&self) -> bool {
        self.bytes.get(19).is_some_and(|flags| flags & 1 == 1)
    }

    /// Names of the types of its Notification payloads, or their numbers.
    pub fn notify_types(&self) -> Vec<String> {
        let dissection = self.dissection();
        let types = dissection.fields.iter().filter(|f| is_notify_type(&f.path));
        types
            .filter_map(|field| match field.value {
                FieldValue::Number(_, Some(name)) => Some(name.to_owned()),
                FieldValue::Number(number, None) => Some(number.to_string()),
                FieldValue::Bytes(_) | FieldValue::Text(_) => None,
            })
            .collect()
    }

    /// Whether it contains what a selector asks for.
    fn contains(&self, wanted: &Contains) -> bool {
        match wanted {
            Contains::Payload(path) => self.dissection().field(path).is_some(),
            Contains::Notify(name) => self.notify_types().contains(name),
            Contains::VendorId(hex) => has_vendor_id(&self.dissection(), hex),
        }
    }

    /// Whether it belongs to the same exchange as a message with this name.
    pub fn same_exchange(&self, name: &MessageName) -> bool {
        self.name.exchange == name.exchange && self.name.occurrence == name.occurrence
    }
}

fn is_notify_type(path: &str) -> bool {
    path.starts_with("notification") && path.ends_with(".type")
}

/// Whether some vendor ID begins with these bytes, in hex.
pub fn has_vendor_id(dissection: &Dissection, hex: &str) -> bool {
    let Ok(wanted) = hex::decode(hex) else { return false };
    (0..)
        .map_while(|index| dissection.bytes(&format!("vendor_id[{index}].data")))
        .any(|data| data.starts_with(&wanted))
}

/// Every message of a transcript, in the order of their first copies.
#[derive(Debug, Clone, Default)]
pub struct Messages<'a> {
    sent: Vec<SentMessage<'a>>,
}

impl<'a> Messages<'a> {
    /// Reads a transcript.
    pub fn new(transcript: &'a [Record]) -> Self {
        let plaintexts: HashMap<u64, &str> = transcript
            .iter()
            .filter_map(|record| match &record.event {
                Event::Plaintext { datagram, hex, .. } => Some((*datagram, hex.as_str())),
                _ => None,
            })
            .collect();
        let mut messages = Self::default();
        let mut by_datagram: HashMap<u64, usize> = HashMap::new();
        for (index, record) in transcript.iter().enumerate() {
            let Event::Datagram(datagram) = &record.event else { continue };
            let delivery = datagram.delivered.then_some((index, record.at_ms));
            if let Some(Fault::DeliveredLate { of }) = datagram.fault {
                if let Some(message) = by_datagram.get(&of).and_then(|i| messages.sent.get_mut(*i)) {
                    message.delivered = message.delivered.or(delivery);
                }
                continue;
            }
            if made_by_rule(datagram) {
                continue;
            }
            let Some(name) = datagram.message else { continue };
            let is_first = |m: &SentMessage<'_>| {
                let MessageName { copy, fragment, .. } = m.name;
                m.from == datagram.from && m.name == MessageName { copy, fragment, ..name }
            };
            let known = if name.copy > 1 || name.fragment.is_some_and(|number| number > 1) {
                messages.sent.iter().position(is_first)
            } else {
                None
            };
            let position = known.unwrap_or_else(|| {
                messages.sent.push(SentMessage::new(datagram, name, record.at_ms));
                messages.sent.len() - 1
            });
            by_datagram.insert(datagram.n, position);
            if let Some(message) = messages.sent.get_mut(position) {
                let was_whole = message.is_whole();
                if name.fragment.is_some() {
                    message.add_fragment(datagram);
                }
                message.copies += u32::from(name.fragment == message.name.fragment);
                if !was_whole {
                    message.delivered = None;
                }
                message.delivered = message.delivered.or(delivery);
                let plain = plaintexts.get(&datagram.n).and_then(|hex| hex::decode(hex).ok());
                let trusted = |plain: &Vec<u8>| {
                    datagram.from == Side::Harness || !is_encrypted(plain) || reads_as_payloads(plain)
                };
                if let Some(bytes) = plain.filter(trusted) {
                    (message.bytes, message.opaque) = (bytes, false);
                }
            }
        }
        messages
    }

    /// All messages.
    pub fn iter(&self) -> impl Iterator<Item = &SentMessage<'a>> {
        self.sent.iter()
    }

    /// The message of `from` that a selector names.
    pub fn find(&self, selector: &Selector, from: Side) -> Option<&SentMessage<'a>> {
        let mut fitting = self.sent.iter().filter(|m| m.from == from && m.name.matches(selector));
        match &selector.contains {
            None => fitting.next(),
            Some(wanted) => {
                let nth = usize::try_from(selector.occurrence.saturating_sub(1)).unwrap_or(usize::MAX);
                fitting.filter(|m| m.contains(wanted)).nth(nth)
            }
        }
    }

    /// A message that a selector may name, if only it could be read.
    pub(super) fn unreadable(&self, selector: &Selector, from: Side) -> Option<&SentMessage<'a>> {
        let named = |m: &&SentMessage<'_>| m.from == from && m.name.matches(selector) && m.is_opaque();
        selector.contains.as_ref().and_then(|_| self.sent.iter().find(named))
    }

    /// How many exchanges of a type took place.
    pub fn exchanges(&self, exchange: Exchange) -> u32 {
        let mut seen: Vec<(Option<Side>, u32)> = self
            .sent
            .iter()
            .filter(|m| m.name.exchange == exchange)
            .map(|m| ((exchange == Exchange::Informational).then_some(m.from), m.name.occurrence))
            .collect();
        seen.sort_unstable();
        seen.dedup();
        u32::try_from(seen.len()).unwrap_or(u32::MAX)
    }
}

impl<'a> SentMessage<'a> {
    fn new(first: &'a DatagramRecord, name: MessageName, at_ms: u64) -> Self {
        let bytes = bare(first.nat_t, sent_hex(first));
        let opaque = is_encrypted(&bytes);
        Self {
            from: first.from,
            name,
            first,
            at_ms,
            copies: 0,
            delivered: None,
            wire: bytes.clone(),
            bytes,
            opaque,
            fragments: BTreeMap::new(),
            last_fragment: None,
        }
    }
}

fn is_encrypted(message: &[u8]) -> bool {
    message.get(19).is_some_and(|flags| flags & 1 == 1)
}

/// Whether a decrypted message reads as payloads, if only its first one: with other keys than its sender's, next to nothing
/// does.
fn reads_as_payloads(message: &[u8]) -> bool {
    let first_fits = match message.get(16).zip(message.get(28..)) {
        Some((0, _)) => true,
        Some((_, body @ [_, 0, high, low, ..])) => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            (4..=body.len()).contains(&length)
        }
        _ => false,
    };
    first_fits || dissect(message, false).errors.is_empty()
}

/// The octets of a datagram as they left its sender.
pub(super) fn sent_hex(datagram: &DatagramRecord) -> &str {
    match &datagram.fault {
        Some(Fault::EditedDatagram { unaltered_hex }) => unaltered_hex,
        _ => &datagram.hex,
    }
}

/// A datagram's octets without the non-ESP marker.
pub(super) fn bare(nat_t: bool, hex: &str) -> Vec<u8> {
    let mut bytes = hex::decode(hex).unwrap_or_default();
    if nat_t && bytes.starts_with(&[0; NON_ESP_MARKER]) {
        bytes.drain(..NON_ESP_MARKER);
    }
    bytes
}

/// Whether a datagram exists because of a step, not because an engine sent it.
pub(super) fn made_by_rule(datagram: &DatagramRecord) -> bool {
    matches!(
        datagram.fault,
        Some(
            Fault::Duplicate { .. } | Fault::Replayed { .. } | Fault::Injected | Fault::DeliveredLate { .. }
        )
    )
}

/// Whether a datagram carries an ISAKMP message, and neither an ESP packet nor a keep-alive octet.
pub(super) fn is_isakmp(datagram: &DatagramRecord) -> bool {
    !datagram.nat_t || datagram.hex.starts_with("00000000")
}

/// A selector in words.
pub(super) fn describe(selector: &Selector) -> String {
    let name = MessageName {
        exchange: selector.exchange,
        occurrence: selector.occurrence,
        number: selector.number,
        copy: 1,
        changed: false,
        fragment: selector.fragment,
    };
    match &selector.contains {
        None => name.to_string(),
        Some(Contains::Payload(path)) => format!("{name} with a `{path}` payload"),
        Some(Contains::Notify(notify)) => format!("{name} with {notify}"),
        Some(Contains::VendorId(hex)) => format!("{name} with vendor ID {hex}"),
    }
}
