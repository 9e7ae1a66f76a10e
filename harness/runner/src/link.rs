//! Faults on the link between the harness and the peer: armed rules that wait for their message.
//!
//! Every datagram of either side passes here once, with the name that the tracker gave it. Nothing here
//! is random: the same datagrams and rules give the same result, so a case replays from its seed.
//!
//! ```text
//! engine --Transmit--> tracker -> Link::pass -> Outcome -> recorder -> driver.send
//! driver.wait -------> tracker -> Link::pass -> Outcome -> recorder -> engine.handle_datagram
//! ```

use core::time::Duration;

use bytes::Bytes;
use ikev1::io::{Datagram, IP_UDP};
use ikev1_scenario::model::{DatagramOp, Inject, Selector, Side, Step, When};
use ikev1_scenario::tracker::MessageName;

/// The four zero octets in front of ISAKMP messages on the NAT-T port (RFC 3948 section 2.2).
pub const NON_ESP_MARKER: [u8; 4] = [0; 4];

/// A message as the other port carries it: with the non-ESP marker in front on the port of NAT traversal, without it on the
/// ISAKMP port.
pub fn on_port(payload: &Bytes, from_nat_t: bool, to_nat_t: bool) -> Bytes {
    match (from_nat_t, to_nat_t) {
        (true, false) => payload.slice(NON_ESP_MARKER.len().min(payload.len())..),
        (false, true) => Bytes::from([NON_ESP_MARKER.as_slice(), payload].concat()),
        _ => payload.clone(),
    }
}

/// The ISAKMP message in a datagram: without the non-ESP marker when it goes between the NAT-T ports.
///
/// `None` for ESP and AH, and for keep-alives on the NAT-T port.
pub fn isakmp_message(datagram: &Datagram, nat_t: bool) -> Option<Bytes> {
    let payload = &datagram.payload;
    if datagram.ip_protocol != IP_UDP {
        return None;
    }
    if !nat_t {
        return Some(payload.clone());
    }
    payload.starts_with(&NON_ESP_MARKER).then(|| payload.slice(NON_ESP_MARKER.len()..))
}

/// A step whose rule cannot be armed.
#[derive(Debug, thiserror::Error)]
#[error("{what} {text:?} is not hex: {source}")]
pub struct HexError {
    /// Which part of the step.
    pub what: &'static str,
    /// The text met.
    pub text: String,
    /// What is wrong with it.
    pub source: hex::FromHexError,
}

/// Bytes from hex text of a step.
///
/// # Errors
/// When the text is not hex.
pub fn from_hex(what: &'static str, text: &str) -> Result<Vec<u8>, HexError> {
    hex::decode(text).map_err(|source| HexError { what, text: text.to_owned(), source })
}

/// Changes the bytes of a message after encryption; changes of bytes outside it do nothing.
///
/// # Errors
/// When an operand is not hex.
pub fn apply_datagram_ops(message: &mut Vec<u8>, ops: &[DatagramOp]) -> Result<(), HexError> {
    for op in ops {
        match op {
            DatagramOp::Set { offset, hex } => {
                let bytes = from_hex("bytes to set", hex)?;
                let place = message.iter_mut().skip(*offset);
                place.zip(bytes).for_each(|(byte, new)| *byte = new);
            }
            DatagramOp::Xor { offset, mask } => {
                let distance = usize::try_from(offset.unsigned_abs()).ok();
                let index = if *offset < 0 {
                    distance.and_then(|distance| message.len().checked_sub(distance))
                } else {
                    distance
                };
                if let Some(byte) = index.and_then(|index| message.get_mut(index)) {
                    *byte ^= mask;
                }
            }
            DatagramOp::Truncate { length } => message.truncate(*length),
            DatagramOp::Cut { octets } => message.truncate(message.len().saturating_sub(*octets)),
            DatagramOp::Append { hex } => message.extend_from_slice(&from_hex("bytes to append", hex)?),
        }
    }
    Ok(())
}

/// Changes the message in a UDP payload and leaves the non-ESP marker alone.
///
/// # Errors
/// When an operand is not hex.
pub fn edit_payload(payload: &Bytes, nat_t: bool, ops: &[DatagramOp]) -> Result<Bytes, HexError> {
    let skip = if nat_t { NON_ESP_MARKER.len().min(payload.len()) } else { 0 };
    let mut message = payload[skip..].to_vec();
    apply_datagram_ops(&mut message, ops)?;
    let mut bytes = payload[..skip].to_vec();
    bytes.extend_from_slice(&message);
    Ok(bytes.into())
}

/// What a rule does with its message.
#[derive(Debug, Clone, PartialEq)]
enum Action {
    Edit(Vec<DatagramOp>),
    Drop,
    Duplicate(u32),
    Delay(Duration),
    InjectBefore(Inject),
    InjectAfter(Inject),
}

#[derive(Debug, Clone, PartialEq)]
struct Rule {
    step: usize,
    message: Selector,
    from: Side,
    action: Action,
    times: u32,
}

/// How a datagram goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fate {
    /// It arrives.
    #[default]
    Deliver,
    /// It is lost.
    Drop,
    /// It arrives later.
    Delay(Duration),
}

/// What the link makes of one datagram.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Steps whose rules were applied.
    pub steps: Vec<usize>,
    /// How it goes on.
    pub fate: Fate,
    /// Its changed UDP payload.
    pub payload: Option<Bytes>,
    /// Further copies that arrive right behind it.
    pub copies: u32,
    /// What the harness injects right before it.
    pub before: Vec<Inject>,
    /// What the harness injects right behind it.
    pub after: Vec<Inject>,
}

/// The rules that wait, and the messages that have passed; see the module documentation.
#[derive(Debug, Default)]
pub struct Link {
    rules: Vec<Rule>,
    passed: Vec<Passed>,
}

/// A message that has passed.
#[derive(Debug, Clone)]
pub struct Passed {
    /// Its sender.
    pub from: Side,
    /// Its name.
    pub name: MessageName,
    /// Its number in the transcript.
    pub n: u64,
    /// The datagram as its sender sent it.
    pub datagram: Datagram,
}

impl Link {
    /// A link without rules.
    pub fn new() -> Self {
        Self::default()
    }

    /// Arms the rule of a step for messages to come; whether the step has one for the link.
    pub fn arm(&mut self, index: usize, step: &Step) -> bool {
        let action = match step {
            Step::EditDatagram(edit) => Action::Edit(edit.apply.clone()),
            Step::Drop(_) => Action::Drop,
            Step::Duplicate(duplicate) => Action::Duplicate(duplicate.copies),
            Step::Delay(delay) => Action::Delay(Duration::from_millis(delay.by_ms)),
            Step::Inject(inject) => match inject.when {
                When::Now => return false,
                When::Before(_) => Action::InjectBefore(inject.clone()),
                When::After(_) => Action::InjectAfter(inject.clone()),
            },
            _ => return false,
        };
        let Some((message, from, times)) = step.arms() else { return false };
        self.rules.push(Rule { step: index, message: message.clone(), from, action, times });
        true
    }

    /// Notes a message for a later replay.
    pub fn remember(&mut self, passed: Passed) {
        self.passed.push(passed);
    }

    /// Whether a rule has not been applied as often as it is to be.
    pub fn waits(&self) -> bool {
        self.rules.iter().any(|rule| rule.times > 0)
    }

    /// The last copy of a message that has passed.
    pub fn passed(&self, from: Side, selector: &Selector) -> Option<&Passed> {
        self.passed.iter().rev().find(|passed| passed.from == from && passed.name.matches(selector))
    }

    /// Applies every rule that waits for this message, in the order they were armed.
    ///
    /// # Errors
    /// When an operand of a rule is not hex.
    pub fn pass(
        &mut self,
        from: Side,
        name: &MessageName,
        datagram: &Datagram,
        nat_t: bool,
    ) -> Result<Outcome, HexError> {
        let mut outcome = Outcome::default();
        for rule in &mut self.rules {
            if rule.times == 0 || rule.from != from || !name.matches(&rule.message) {
                continue;
            }
            rule.times -= 1;
            outcome.steps.push(rule.step);
            match &rule.action {
                Action::Edit(ops) => {
                    let payload = outcome.payload.as_ref().unwrap_or(&datagram.payload);
                    outcome.payload = Some(edit_payload(payload, nat_t, ops)?);
                }
                Action::Drop => outcome.fate = Fate::Drop,
                Action::Duplicate(copies) => outcome.copies = outcome.copies.saturating_add(*copies),
                Action::Delay(by) if outcome.fate != Fate::Drop => outcome.fate = Fate::Delay(*by),
                Action::Delay(_) => {}
                Action::InjectBefore(inject) => outcome.before.push(inject.clone()),
                Action::InjectAfter(inject) => outcome.after.push(inject.clone()),
            }
        }
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use ikev1_scenario::model::{Delay, DropMessage, Duplicate, EditDatagram, Exchange};
    use rstest::rstest;

    use super::*;

    fn selector(number: u8) -> Selector {
        Selector { exchange: Exchange::MainMode, number, occurrence: 1, contains: None, fragment: None }
    }

    fn name(number: u8) -> MessageName {
        MessageName {
            exchange: Exchange::MainMode,
            occurrence: 1,
            number,
            copy: 1,
            changed: false,
            fragment: None,
        }
    }

    fn datagram(payload: &[u8]) -> Datagram {
        let (local, remote) = ("192.0.2.1:500".parse().unwrap(), "192.0.2.2:500".parse().unwrap());
        Datagram { ip_protocol: IP_UDP, local, remote, payload: Bytes::copy_from_slice(payload) }
    }

    #[test]
    fn drops_only_the_message_and_as_often_as_told() {
        let mut link = Link::new();
        assert!(
            link.arm(4, &Step::Drop(DropMessage { message: selector(3), from: Side::Harness, times: 2 }))
        );
        let mut fate = |from, number| link.pass(from, &name(number), &datagram(b"x"), false).unwrap().fate;
        assert_eq!(fate(Side::Harness, 1), Fate::Deliver);
        assert_eq!(fate(Side::Peer, 3), Fate::Deliver);
        assert_eq!(fate(Side::Harness, 3), Fate::Drop);
        assert_eq!(fate(Side::Harness, 3), Fate::Drop);
        assert_eq!(fate(Side::Harness, 3), Fate::Deliver);
    }

    #[test]
    fn several_rules_for_one_message_all_apply() {
        let mut link = Link::new();
        let message = selector(1);
        let from = Side::Harness;
        link.arm(0, &Step::Delay(Delay { message: message.clone(), from, by_ms: 5 }));
        link.arm(1, &Step::Duplicate(Duplicate { message: message.clone(), from, copies: 2 }));
        let apply = vec![DatagramOp::Xor { offset: 0, mask: 1 }, DatagramOp::Append { hex: "ff".to_owned() }];
        link.arm(2, &Step::EditDatagram(EditDatagram { message, from, apply, times: 1 }));
        let outcome = link.pass(from, &name(1), &datagram(b"x"), false).unwrap();
        assert_eq!(outcome.steps, [0, 1, 2]);
        assert_eq!(outcome.fate, Fate::Delay(Duration::from_millis(5)));
        assert_eq!(outcome.copies, 2);
        assert_eq!(outcome.payload.as_deref(), Some(&[b'x' ^ 1, 0xff][..]));
    }

    #[rstest]
    #[case::first_byte(DatagramOp::Xor { offset: 0, mask: 0xff }, b"\x9e\x62\x63")]
    #[case::last_byte(DatagramOp::Xor { offset: -1, mask: 1 }, b"\x61\x62\x62")]
    #[case::set(DatagramOp::Set { offset: 1, hex: "2021".to_owned() }, b"\x61\x20\x21")]
    #[case::truncate(DatagramOp::Truncate { length: 1 }, b"a")]
    #[case::past_the_end(DatagramOp::Xor { offset: 3, mask: 1 }, b"abc")]
    #[case::before_the_start(DatagramOp::Xor { offset: -4, mask: 1 }, b"abc")]
    #[case::smallest_offset(DatagramOp::Xor { offset: i64::MIN, mask: 1 }, b"abc")]
    #[case::set_past_the_end(DatagramOp::Set { offset: usize::MAX, hex: "01".to_owned() }, b"abc")]
    #[case::cut(DatagramOp::Cut { octets: 1 }, b"ab")]
    #[case::cut_more_than_there_is(DatagramOp::Cut { octets: 4 }, b"")]
    #[case::truncate_to_more(DatagramOp::Truncate { length: 4096 }, b"abc")]
    fn edits_bytes_of_the_message(#[case] op: DatagramOp, #[case] expected: &[u8]) {
        let mut message = b"abc".to_vec();
        apply_datagram_ops(&mut message, core::slice::from_ref(&op)).unwrap();
        assert_eq!(message, expected);
        let marked = Bytes::from_static(b"\0\0\0\0abc");
        let payload = edit_payload(&marked, true, &[op]).unwrap();
        assert_eq!(payload, [&[0; 4][..], expected].concat());
    }

    #[test]
    fn says_which_operand_is_not_hex() {
        let error = apply_datagram_ops(&mut Vec::new(), &[DatagramOp::Append { hex: "0g".to_owned() }]);
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("bytes to append \"0g\" is not hex"), "{error}");
    }

    #[test]
    fn esp_and_keepalives_are_no_isakmp_messages() {
        assert_eq!(isakmp_message(&datagram(b"\xff"), true), None);
        assert_eq!(isakmp_message(&datagram(b"\0\0\0\x09esp"), true), None);
        assert_eq!(isakmp_message(&datagram(b"\0\0\0\0msg"), true).as_deref(), Some(&b"msg"[..]));
        assert_eq!(isakmp_message(&datagram(b"msg"), false).as_deref(), Some(&b"msg"[..]));
        let esp = Datagram { ip_protocol: 50, ..datagram(b"esp") };
        assert_eq!(isakmp_message(&esp, false), None);
    }

    #[test]
    fn replays_the_last_copy() {
        let mut link = Link::new();
        for n in [1, 2] {
            let name = MessageName { copy: u32::try_from(n).unwrap(), ..name(1) };
            link.remember(Passed { from: Side::Harness, name, n, datagram: datagram(b"x") });
        }
        assert_eq!(link.passed(Side::Harness, &selector(1)).map(|passed| passed.n), Some(2));
        assert!(link.passed(Side::Peer, &selector(1)).is_none());
    }

    #[test]
    fn a_message_moves_to_the_other_port_with_or_without_its_marker() {
        let (plain, marked) = (Bytes::from_static(b"abc"), Bytes::from_static(b"\0\0\0\0abc"));
        assert_eq!(
            [on_port(&marked, true, false), on_port(&plain, false, true)],
            [plain.clone(), marked.clone()]
        );
        assert_eq!([on_port(&plain, false, false), on_port(&marked, true, true)], [plain, marked]);
        assert_eq!(on_port(&Bytes::from_static(b"\0"), true, false), Bytes::new());
    }
}
