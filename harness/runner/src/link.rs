//! The link between the harness and the peer: names passing messages, and does faults on command.
//!
//! Every datagram of either side passes here once. The link says which message of which exchange
//! it is, as far as that shows without keys, and applies the rules that are armed for it: drop,
//! duplicate, delay, edit. Nothing here is random: the same datagrams and rules give the same
//! result, so a case replays from its seed.
//!
//! ```text
//! engine --Transmit--> Link::pass -> [Passage] -> recorder -> driver.send
//! driver.wait -> Datagram --> Link::pass -> [Passage] -> recorder -> engine.handle_datagram
//! ```

use core::fmt;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use ikev1::wire::{Cookie, CookiePair, ExchangeType, Header, MessageId};
use ikev1::io::{Datagram, IP_UDP, Timestamp};
use ikev1_scenario::model::Side;

/// The four zero octets in front of ISAKMP messages on the NAT-T port (RFC 3948 section 2.2).
const NON_ESP_MARKER: [u8; 4] = [0; 4];

/// Messages kept for [`Link::passed`]; older ones are forgotten.
const PASSED_MAX: usize = 4096;

/// Which message of a case a datagram is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageName {
    /// Its exchange type.
    pub exchange: ExchangeType,
    /// Its ordinal in the exchange, counted from 1 over both sides, as RFC 2409's figures show them.
    pub number: u8,
    /// Which exchange of that type in the case, counted from 1.
    pub occurrence: u32,
    /// Who sent it.
    pub from: Side,
    /// Whether the same bytes passed before.
    pub again: bool,
}

/// The ISAKMP message in a datagram: without the non-ESP marker when `nat_t_port`.
///
/// `None` for ESP and AH, and for keep-alives on the NAT-T port.
pub fn isakmp_message(datagram: &Datagram, nat_t_port: bool) -> Option<Bytes> {
    let payload = &datagram.payload;
    if datagram.ip_protocol != IP_UDP {
        return None;
    }
    if !nat_t_port {
        return Some(payload.clone());
    }
    payload.starts_with(&NON_ESP_MARKER).then(|| payload.slice(NON_ESP_MARKER.len()..))
}

/// What identifies an exchange on the wire: phase 1 by CKY-I, since CKY-R is zero at first; all
/// others by both cookies and the M-ID. A notify without M-ID is an exchange of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum ExchangeKey {
    Phase1(Cookie, u8),
    Phase2(CookiePair, u8, MessageId),
    Lone(Bytes),
}

impl ExchangeKey {
    fn of(header: &Header, message: &Bytes) -> Self {
        if header.message_id != MessageId::PHASE_1 {
            Self::Phase2(header.cookies, header.exchange_type.0, header.message_id)
        } else if header.exchange_type == ExchangeType::INFORMATIONAL {
            Self::Lone(message.clone())
        } else {
            Self::Phase1(header.cookies.initiator, header.exchange_type.0)
        }
    }
}

#[derive(Debug)]
struct ExchangeTrack {
    occurrence: u32,
    initiator: Side,
    seen: [Vec<Bytes>; 2],
}

/// Names messages by looking at their headers only.
#[derive(Debug, Default)]
pub struct Classifier {
    exchanges: BTreeMap<ExchangeKey, ExchangeTrack>,
    occurrences: BTreeMap<u8, u32>,
}

impl Classifier {
    /// Names a message (header first, no non-ESP marker) and remembers it.
    ///
    /// `None` when it is too short for a header. Messages of one exchange are numbered by sender: the
    /// side that sent the first has the odd numbers, the other the even ones; the same bytes again
    /// keep their number.
    pub fn classify(&mut self, from: Side, message: &Bytes) -> Option<MessageName> {
        let header = Header::decode(message).ok()?;
        let exchange = header.exchange_type;
        let occurrences = &mut self.occurrences;
        let track = self.exchanges.entry(ExchangeKey::of(&header, message)).or_insert_with(|| {
            let occurrence = occurrences.entry(exchange.0).or_insert(0);
            *occurrence = occurrence.saturating_add(1);
            ExchangeTrack { occurrence: *occurrence, initiator: from, seen: [Vec::new(), Vec::new()] }
        });
        let by_initiator = track.initiator == from;
        let seen = &mut track.seen[usize::from(!by_initiator)];
        let earlier = seen.iter().position(|bytes| bytes == message);
        let index = earlier.unwrap_or(seen.len());
        if earlier.is_none() {
            seen.push(message.clone());
        }
        let number = index.saturating_mul(2).saturating_add(if by_initiator { 1 } else { 2 });
        Some(MessageName {
            exchange,
            number: u8::try_from(number).unwrap_or(u8::MAX),
            occurrence: track.occurrence,
            from,
            again: earlier.is_some(),
        })
    }
}

/// Which messages a rule is for; `None` is any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Match {
    /// The exchange type.
    pub exchange: Option<ExchangeType>,
    /// The ordinal in the exchange, from 1.
    pub number: Option<u8>,
    /// Which exchange of that type, from 1.
    pub occurrence: Option<u32>,
    /// The side that sends it.
    pub from: Option<Side>,
}

impl Match {
    /// Whether it is for the message.
    pub fn fits(&self, name: &MessageName) -> bool {
        self.exchange.is_none_or(|exchange| exchange == name.exchange)
            && self.number.is_none_or(|number| number == name.number)
            && self.occurrence.is_none_or(|occurrence| occurrence == name.occurrence)
            && self.from.is_none_or(|from| from == name.from)
    }
}

/// A change to the bytes of a finished datagram. Offsets count from the ISAKMP header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BytesEdit {
    /// XORs the byte at `index` with `mask`; a negative index counts from the end.
    Xor {
        /// Index of the byte.
        index: i64,
        /// Bits to flip.
        mask: u8,
    },
    /// Overwrites bytes from `offset` on.
    Set {
        /// Index of the first byte.
        offset: usize,
        /// The new bytes.
        bytes: Vec<u8>,
    },
    /// Cuts the message to `len` bytes.
    Truncate {
        /// Length that stays.
        len: usize,
    },
    /// Adds bytes at the end.
    Append {
        /// The new bytes.
        bytes: Vec<u8>,
    },
}

impl BytesEdit {
    /// Changes the message; what lies outside it is left out.
    fn apply(&self, message: &mut Vec<u8>) {
        match self {
            Self::Xor { index, mask } => {
                let from_end = || message.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?);
                let index = if *index < 0 { from_end() } else { usize::try_from(*index).ok() };
                if let Some(byte) = index.and_then(|index| message.get_mut(index)) {
                    *byte ^= mask;
                }
            }
            Self::Set { offset, bytes } => {
                let place = message.iter_mut().skip(*offset);
                place.zip(bytes).for_each(|(byte, new)| *byte = *new);
            }
            Self::Truncate { len } => message.truncate(*len),
            Self::Append { bytes } => message.extend_from_slice(bytes),
        }
    }
}

/// What a rule does with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It never arrives.
    Drop,
    /// It arrives once more for each copy.
    Duplicate {
        /// Further arrivals.
        copies: u32,
    },
    /// It arrives later.
    Delay {
        /// How much later.
        by: Duration,
    },
    /// It arrives changed.
    Edit {
        /// Changes, in order.
        edits: Vec<BytesEdit>,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drop => f.write_str("dropped"),
            Self::Duplicate { copies } => write!(f, "duplicated {copies} times"),
            Self::Delay { by } => write!(f, "delayed by {} ms", by.as_millis()),
            Self::Edit { .. } => f.write_str("edited on the wire"),
        }
    }
}

/// A fault that waits for its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Which message.
    pub when: Match,
    /// What happens to it.
    pub fault: Fault,
    /// How often it may happen still.
    pub times: u32,
}

/// One way a datagram goes over the link.
#[derive(Debug, Clone)]
pub struct Passage {
    /// When it leaves the link.
    pub at: Timestamp,
    /// Who sent it.
    pub from: Side,
    /// The datagram from the harness' point of view (`local` is the harness), as it is on the wire.
    pub datagram: Datagram,
    /// Which message it is, when it is an ISAKMP message.
    pub name: Option<MessageName>,
    /// Whether it arrives.
    pub delivered: bool,
    /// What rules did to it.
    pub fault: Option<String>,
}

/// The link between the harness and the peer; see the module documentation.
#[derive(Debug, Default)]
pub struct Link {
    classifier: Classifier,
    rules: Vec<Rule>,
    passed: VecDeque<(MessageName, Datagram)>,
}

impl Link {
    /// A link without rules.
    pub fn new() -> Self {
        Self::default()
    }

    /// Arms a rule for messages to come. Of several that fit one message, all apply, in the order they were armed.
    pub fn arm(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    /// The last message that passed and fits, as its sender sent it.
    pub fn passed(&self, when: &Match) -> Option<&Datagram> {
        self.passed.iter().rev().find(|(name, _)| when.fits(name)).map(|(_, datagram)| datagram)
    }

    /// Sends a datagram over the link. `nat_t_port` tells whether it goes between the NAT-T ports.
    pub fn pass(
        &mut self,
        now: Timestamp,
        from: Side,
        datagram: Datagram,
        nat_t_port: bool,
    ) -> Vec<Passage> {
        let message = isakmp_message(&datagram, nat_t_port);
        let name = message.as_ref().and_then(|message| self.classifier.classify(from, message));
        let mut passage = Passage { at: now, from, datagram, name, delivered: true, fault: None };
        let Some(name) = name else { return vec![passage] };
        self.remember(name, &passage.datagram);

        let mut copies = 0_u32;
        let mut told = Vec::new();
        for rule in self.rules.iter_mut().filter(|rule| rule.times > 0 && rule.when.fits(&name)) {
            rule.times -= 1;
            told.push(rule.fault.to_string());
            match &rule.fault {
                Fault::Drop => passage.delivered = false,
                Fault::Duplicate { copies: more } => copies = copies.saturating_add(*more),
                Fault::Delay { by } => passage.at = passage.at + *by,
                Fault::Edit { edits } => {
                    passage.datagram.payload = edited(&passage.datagram.payload, nat_t_port, edits);
                }
            }
        }
        self.rules.retain(|rule| rule.times > 0);
        if !told.is_empty() {
            passage.fault = Some(told.join(", "));
        }
        let copy = Passage { fault: Some("duplicate".to_owned()), ..passage.clone() };
        let copies = usize::try_from(copies).unwrap_or(usize::MAX).min(PASSED_MAX);
        core::iter::once(passage).chain(core::iter::repeat_n(copy, copies)).collect()
    }

    fn remember(&mut self, name: MessageName, datagram: &Datagram) {
        if self.passed.len() == PASSED_MAX {
            self.passed.pop_front();
        }
        self.passed.push_back((name, datagram.clone()));
    }
}

fn edited(payload: &Bytes, nat_t_port: bool, edits: &[BytesEdit]) -> Bytes {
    let skip = if nat_t_port { NON_ESP_MARKER.len().min(payload.len()) } else { 0 };
    let mut message = payload[skip..].to_vec();
    for edit in edits {
        edit.apply(&mut message);
    }
    let mut bytes = payload[..skip].to_vec();
    bytes.extend_from_slice(&message);
    bytes.into()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn message(exchange: ExchangeType, m_id: u32, body: &[u8]) -> Bytes {
        let mut bytes = vec![7; 8];
        bytes.extend_from_slice(&[9; 8]);
        bytes.extend_from_slice(&[0, 0x10, exchange.0, 0]);
        bytes.extend_from_slice(&m_id.to_be_bytes());
        bytes.extend_from_slice(&u32::try_from(28 + body.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(body);
        bytes.into()
    }

    fn datagram(payload: Bytes) -> Datagram {
        let (local, remote) = ("192.0.2.1:500".parse().unwrap(), "192.0.2.2:500".parse().unwrap());
        Datagram { ip_protocol: IP_UDP, local, remote, payload }
    }

    fn main_mode(body: &[u8]) -> Datagram {
        datagram(message(ExchangeType::IDENTITY_PROTECTION, 0, body))
    }

    #[test]
    fn numbers_messages_as_the_figures_of_rfc_2409_do_even_when_some_are_sent_again() {
        let mut classifier = Classifier::default();
        let mut name = |from, exchange, m_id, body: &[u8]| {
            let name = classifier.classify(from, &message(exchange, m_id, body)).unwrap();
            (name.number, name.occurrence, name.again)
        };
        let mm = ExchangeType::IDENTITY_PROTECTION;
        let qm = ExchangeType::QUICK_MODE;
        let (i, r) = (Side::Harness, Side::Peer);
        assert_eq!(name(i, mm, 0, b"1"), (1, 1, false));
        assert_eq!(name(i, mm, 0, b"1"), (1, 1, true));
        assert_eq!(name(r, mm, 0, b"2"), (2, 1, false));
        assert_eq!(name(i, mm, 0, b"3"), (3, 1, false));
        assert_eq!(name(r, mm, 0, b"2"), (2, 1, true));
        assert_eq!(name(r, mm, 0, b"4"), (4, 1, false));
        assert_eq!(name(r, qm, 5, b"1"), (1, 1, false));
        assert_eq!(name(i, qm, 5, b"2"), (2, 1, false));
        assert_eq!(name(i, qm, 6, b"1"), (1, 2, false));
        assert_eq!(name(i, ExchangeType::INFORMATIONAL, 0, b"a"), (1, 1, false));
        assert_eq!(name(r, ExchangeType::INFORMATIONAL, 0, b"b"), (1, 2, false));
    }

    #[test]
    fn drops_only_the_message_and_as_often_as_told() {
        let mut link = Link::new();
        let when = Match { number: Some(3), from: Some(Side::Harness), ..Match::default() };
        link.arm(Rule { when, fault: Fault::Drop, times: 1 });
        let mut arrives = |from, body: &[u8]| {
            let passages = link.pass(Timestamp::ZERO, from, main_mode(body), false);
            passages.iter().filter(|passage| passage.delivered).count()
        };
        assert_eq!(arrives(Side::Harness, b"1"), 1);
        assert_eq!(arrives(Side::Peer, b"2"), 1);
        assert_eq!(arrives(Side::Harness, b"3"), 0);
        assert_eq!(arrives(Side::Harness, b"3"), 1);
    }

    #[test]
    fn several_rules_for_one_message_all_apply() {
        let mut link = Link::new();
        let when = Match { number: Some(1), ..Match::default() };
        link.arm(Rule { when, fault: Fault::Delay { by: Duration::from_millis(5) }, times: 1 });
        link.arm(Rule { when, fault: Fault::Duplicate { copies: 2 }, times: 1 });
        let passages = link.pass(Timestamp::from_millis(1), Side::Harness, main_mode(b"1"), false);
        assert_eq!(passages.len(), 3);
        assert!(passages.iter().all(|passage| passage.at == Timestamp::from_millis(6)));
        assert_eq!(passages[0].fault.as_deref(), Some("delayed by 5 ms, duplicated 2 times"));
    }

    #[rstest]
    #[case::first_byte_of_the_header(false, BytesEdit::Xor { index: 0, mask: 0xff }, 0, 0xf8)]
    #[case::first_byte_after_the_marker(true, BytesEdit::Xor { index: 0, mask: 0xff }, 4, 0xf8)]
    #[case::last_byte(false, BytesEdit::Xor { index: -1, mask: 1 }, 28, b'x' ^ 1)]
    #[case::set(false, BytesEdit::Set { offset: 17, bytes: vec![0x20] }, 17, 0x20)]
    fn edits_bytes_of_the_message(
        #[case] nat_t_port: bool,
        #[case] edit: BytesEdit,
        #[case] at: usize,
        #[case] expected: u8,
    ) {
        let mut payload = if nat_t_port { NON_ESP_MARKER.to_vec() } else { Vec::new() };
        payload.extend_from_slice(&message(ExchangeType::IDENTITY_PROTECTION, 0, b"x"));
        let mut link = Link::new();
        link.arm(Rule { when: Match::default(), fault: Fault::Edit { edits: vec![edit] }, times: 1 });
        let passages = link.pass(Timestamp::ZERO, Side::Harness, datagram(payload.clone().into()), nat_t_port);
        let sent = &passages[0].datagram.payload;
        assert_eq!(sent[at], expected);
        assert_eq!(sent.iter().zip(&payload).filter(|(a, b)| a != b).count(), 1);
    }

    #[rstest]
    #[case::index_past_the_end(BytesEdit::Xor { index: 29, mask: 1 })]
    #[case::index_before_the_start(BytesEdit::Xor { index: -30, mask: 1 })]
    #[case::smallest_index(BytesEdit::Xor { index: i64::MIN, mask: 1 })]
    #[case::set_past_the_end(BytesEdit::Set { offset: usize::MAX, bytes: vec![1] })]
    #[case::truncate_to_more(BytesEdit::Truncate { len: 4096 })]
    fn edits_outside_the_message_change_nothing(#[case] edit: BytesEdit) {
        let original = main_mode(b"x");
        let mut bytes = original.payload.to_vec();
        edit.apply(&mut bytes);
        assert_eq!(bytes, original.payload);
    }

    #[test]
    fn esp_and_keepalives_pass_without_a_name() {
        let mut link = Link::new();
        link.arm(Rule { when: Match::default(), fault: Fault::Drop, times: 9 });
        for payload in [&[0xff][..], &[0, 0, 0, 9, 1, 2, 3, 4]] {
            let datagram = datagram(Bytes::copy_from_slice(payload));
            let passages = link.pass(Timestamp::ZERO, Side::Peer, datagram, true);
            assert!(passages[0].delivered && passages[0].name.is_none());
        }
    }
}
