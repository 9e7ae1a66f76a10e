//! Reads charon's log: every value that it derived, under the RFC's name, and what it says about the exchange.
//!
//! At level 4 of `ike` and `chd`, charon dumps each value in hexadecimal:
//!
//! ```text
//! 08[IKE] <net|2> SKEYID_e => 16 bytes @ 0x7f25e0002940
//! 08[IKE] <net|2>    0: F7 AF 8F D4 CF 0D 1F 72 58 61 5D C4 1F 21 6B BF  .......rXa]..!k.
//! ```
//!
//! The number before the bracket is charon's thread, the one after the bar its number of the ISAKMP SA. Threads
//! interleave, so all state is kept per thread. A line that says nothing to the parser is skipped, a dump that
//! is cut short yields no value.

use std::collections::HashMap;

/// Which derived value charon logged.
///
/// "Of the initiator" in the names of the keys is said of quick mode: the SA that protects what the initiator of
/// quick mode sends, hence with the SPI that its responder chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ValueLabel {
    /// `g^xy` of phase 1.
    GXy,
    /// `SKEYID`.
    Skeyid,
    /// `SKEYID_d`.
    SkeyidD,
    /// `SKEYID_a`.
    SkeyidA,
    /// `SKEYID_e`.
    SkeyidE,
    /// The phase 1 encryption key: `Ka` of RFC 2409 appendix B cut to the key length, or `SKEYID_e` cut to it.
    Ka,
    /// The first IV of phase 1: hash of `g^xi | g^xr`, cut to the block size.
    InitialIv,
    /// An IV of the exchange `m_id`: the first of a phase 2 exchange, or the last block of a message. 0 is phase 1.
    NextIv,
    /// The octets that HASH_I is computed over.
    HashIData,
    /// `HASH_I`.
    HashI,
    /// The octets that HASH_R is computed over.
    HashRData,
    /// `HASH_R`.
    HashR,
    /// `HASH(1)` of quick mode.
    Hash1,
    /// `HASH(2)` of quick mode.
    Hash2,
    /// `HASH(3)` of quick mode.
    Hash3,
    /// `HASH(1)` of an informational exchange.
    HashInformational,
    /// What a NAT-D payload is the hash of: `CKY-I | CKY-R | IP | port`.
    NatDData,
    /// The contents of a NAT-D payload that charon computed, to send it or to compare it.
    NatD,
    /// The NAT-D payload received for charon's own address.
    NatDReceivedDestination,
    /// A NAT-D payload received for the sender's address.
    NatDReceivedSource,
    /// `g(qm)^xy` of quick mode with PFS.
    QuickModeGXy,
    /// The octets after SKEYID_d in KEYMAT's prf, for the SA of the initiator: `[g(qm)^xy |] protocol | SPI | Ni_b | Nr_b`.
    KeymatInitiatorData,
    /// As [`Self::KeymatInitiatorData`], for the SA of the responder.
    KeymatResponderData,
    /// Encryption key of the SA of the initiator.
    EncryptionKeyInitiator,
    /// Encryption key of the SA of the responder.
    EncryptionKeyResponder,
    /// Integrity key of the SA of the initiator.
    IntegrityKeyInitiator,
    /// Integrity key of the SA of the responder.
    IntegrityKeyResponder,
}

impl ValueLabel {
    /// charon's words for the value, without the M-ID.
    fn from_charon(words: &str) -> Option<Self> {
        Some(match words {
            "shared Diffie Hellman secret" => Self::GXy,
            "SKEYID" => Self::Skeyid,
            "SKEYID_d" => Self::SkeyidD,
            "SKEYID_a" => Self::SkeyidA,
            "SKEYID_e" => Self::SkeyidE,
            "encryption key Ka" => Self::Ka,
            "initial IV" => Self::InitialIv,
            "next IV for MID" => Self::NextIv,
            "HASH_I data" => Self::HashIData,
            "HASH_I" => Self::HashI,
            "HASH_R data" => Self::HashRData,
            "HASH_R" => Self::HashR,
            "Hash(1)" => Self::Hash1,
            "Hash(2)" => Self::Hash2,
            "Hash(3)" => Self::Hash3,
            "Hash" => Self::HashInformational,
            "natd_chunk" => Self::NatDData,
            "natd_hash" => Self::NatD,
            "received dst_hash" => Self::NatDReceivedDestination,
            "received src_hash" => Self::NatDReceivedSource,
            "DH secret" => Self::QuickModeGXy,
            "initiator SA seed" => Self::KeymatInitiatorData,
            "responder SA seed" => Self::KeymatResponderData,
            "encryption initiator key" => Self::EncryptionKeyInitiator,
            "encryption responder key" => Self::EncryptionKeyResponder,
            "integrity initiator key" => Self::IntegrityKeyInitiator,
            "integrity responder key" => Self::IntegrityKeyResponder,
            _ => return None,
        })
    }

    /// Whether charon computes the value just before it sends, or just after it has read, one message of phase 2.
    const fn is_phase2_hash(self) -> bool {
        matches!(self, Self::Hash1 | Self::Hash2 | Self::Hash3 | Self::HashInformational)
    }

    const fn is_keymat(self) -> bool {
        matches!(
            self,
            Self::QuickModeGXy
                | Self::KeymatInitiatorData
                | Self::KeymatResponderData
                | Self::EncryptionKeyInitiator
                | Self::EncryptionKeyResponder
                | Self::IntegrityKeyInitiator
                | Self::IntegrityKeyResponder
        )
    }
}

/// One value that charon derived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerValue {
    /// charon's number of the ISAKMP SA, the `unique_id` of its listing.
    pub ike_sa: u32,
    /// Which value.
    pub label: ValueLabel,
    /// The M-ID of the exchange, where there is one: 0 for the IVs of phase 1, none for phase 1's other values.
    pub m_id: Option<u32>,
    /// The value.
    pub bytes: Vec<u8>,
    /// Line of the log, from 1, on which it is named.
    pub line: usize,
}

/// What else the log says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogEvent {
    /// charon sent a message.
    Sent(LoggedMessage),
    /// charon received and parsed a message.
    Received(LoggedMessage),
    /// charon retransmits, or gives up.
    Retransmission(String),
    /// The state of the ISAKMP SA changed: charon's words for the new state.
    IsakmpSaState(String),
    /// An IPsec SA changed its state: charon's number of it, and its word for the new state.
    IpsecSaState {
        /// N of `{N}`.
        unique_id: u32,
        /// For example `INSTALLED`.
        state: String,
    },
    /// A complaint, or a notify that was received: charon's sentence.
    Complaint(String),
}

/// A message, as charon logs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedMessage {
    /// charon's word for the exchange: `ID_PROT` (main mode), `AGGRESSIVE`, `QUICK_MODE`, `INFORMATIONAL_V1`, ...
    pub exchange: String,
    /// The M-ID.
    pub m_id: u32,
    /// charon's abbreviations of the payloads: `SA`, `KE`, `No` (nonce), `N(INVAL_ID)`, `D`, ...
    pub payloads: Vec<String>,
}

/// One [`LogEvent`] and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerLogNote {
    /// charon's number of the ISAKMP SA, if the line has one.
    pub ike_sa: Option<u32>,
    /// What the line says.
    pub event: LogEvent,
    /// Line of the log, from 1.
    pub line: usize,
}

/// All values in `log`, in the order in which charon began to print them.
#[must_use]
pub fn parse_charon_log(log: &str) -> Vec<PeerValue> {
    let mut reader = ValueReader::default();
    for (index, text) in log.lines().enumerate() {
        if let Some(line) = Line::parse(text) {
            reader.line(&line, index + 1);
        }
    }
    reader.values.into_iter().filter(|value| value.missing == 0).map(|value| value.value).collect()
}

/// What `log` says besides values: messages, states, retransmissions, complaints.
#[must_use]
pub fn parse_charon_notes(log: &str) -> Vec<PeerLogNote> {
    let lines = log.lines().enumerate();
    lines
        .filter_map(|(index, text)| {
            let line = Line::parse(text)?;
            let event = event(&line)?;
            Some(PeerLogNote { ike_sa: line.ike_sa, event, line: index + 1 })
        })
        .collect()
}

/// `08[IKE] <net|2> text`, taken apart.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    thread: &'a str,
    group: &'a str,
    ike_sa: Option<u32>,
    text: &'a str,
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (thread, rest) = line.split_once('[')?;
        if thread.is_empty() || !thread.bytes().all(|octet| octet.is_ascii_digit()) {
            return None;
        }
        let (group, rest) = rest.split_once(']')?;
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        // The name of a connection may hold anything, so look for the end of the tag from its number on.
        let tagged = rest.strip_prefix('<').and_then(|rest| rest.split_once("> "));
        let (ike_sa, text) = match tagged {
            Some((tag, text)) => {
                let number = tag.rsplit_once('|').map_or(tag, |(_, number)| number);
                (number.parse().ok(), text)
            }
            None => (None, rest),
        };
        Some(Self { thread, group, ike_sa, text })
    }

    /// The octets of one row of a dump, at most `max`.
    fn dump_row(&self, max: usize) -> Option<Vec<u8>> {
        let (offset, hex) = self.text.trim_start().split_once(": ")?;
        if offset.is_empty() || !offset.bytes().all(|octet| octet.is_ascii_digit()) {
            return None;
        }
        let octets: Option<Vec<u8>> =
            hex.split(' ').take(max.min(16)).map(|digits| octet(digits.as_bytes())).collect();
        octets.filter(|octets| !octets.is_empty())
    }

    /// `label => N bytes @ 0x...`
    fn dump_start(&self) -> Option<(&'a str, usize)> {
        let (label, rest) = self.text.split_once(" => ")?;
        let (count, _) = rest.split_once(" bytes @")?;
        Some((label, count.parse().ok()?))
    }

    /// `generating QUICK_MODE request 17 [ HASH SA ]` or `parsed ...`, without the verb.
    fn message(&self, verb: &str) -> Option<LoggedMessage> {
        let rest = self.text.strip_prefix(verb)?;
        let (head, payloads) = rest.split_once(" [")?;
        let mut words = head.split_whitespace();
        let exchange = words.next()?.to_owned();
        let m_id = words.next_back()?.parse().ok()?;
        let payloads = payloads.trim_end_matches(']').split_whitespace().map(str::to_owned).collect();
        Some(LoggedMessage { exchange, m_id, payloads })
    }
}

fn octet(digits: &[u8]) -> Option<u8> {
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    match digits {
        &[high, low] => Some(nibble(high)? << 4 | nibble(low)?),
        _ => None,
    }
}

struct OpenValue {
    value: PeerValue,
    missing: usize,
}

/// What is known about one thread of charon's.
#[derive(Default)]
struct Thread {
    /// The value whose dump is being printed.
    open: Option<usize>,
    /// The ISAKMP SA and the M-ID of the phase 2 message that the thread has just read or written.
    message: Option<(u32, u32)>,
    /// A HASH that was the last thing the thread logged: a message that is written next is the one it is for.
    hashed: Option<usize>,
}

#[derive(Default)]
struct ValueReader {
    threads: HashMap<String, Thread>,
    values: Vec<OpenValue>,
}

impl ValueReader {
    fn line(&mut self, line: &Line<'_>, number: usize) {
        let thread = self.threads.entry(line.thread.to_owned()).or_default();
        if let Some(open) = thread.open.and_then(|open| self.values.get_mut(open))
            && let Some(row) = line.dump_row(open.missing).filter(|_| line.ike_sa == Some(open.value.ike_sa))
        {
            open.missing -= row.len();
            open.value.bytes.extend(row);
            if open.missing == 0 {
                thread.open = None;
            }
            return;
        }
        thread.open = None;
        let Some(ike_sa) = line.ike_sa else { return };
        if let Some(message) = line.message("parsed ") {
            thread.message = (message.m_id != 0).then_some((ike_sa, message.m_id));
        } else if let Some(message) = line.message("generating ")
            && let Some(hash) = thread.hashed.and_then(|index| self.values.get_mut(index))
        {
            hash.value.m_id = (message.m_id != 0).then_some(message.m_id);
        }
        thread.hashed = None;
        let Some((words, count)) = line.dump_start() else { return };
        let (words, numbered) = match words.rsplit_once(' ') {
            Some((words @ "next IV for MID", number)) => (words, number.parse().ok()),
            _ => (words, None),
        };
        let Some(label) = ValueLabel::from_charon(words) else { return };
        let context = thread.message.and_then(|(sa, m_id)| (sa == ike_sa).then_some(m_id));
        let m_id = numbered.or(context.filter(|_| label.is_phase2_hash() || label.is_keymat()));
        let value = PeerValue { ike_sa, label, m_id, bytes: Vec::new(), line: number };
        thread.open = Some(self.values.len());
        thread.hashed = label.is_phase2_hash().then_some(self.values.len());
        self.values.push(OpenValue { value, missing: count });
    }
}

/// Parts of sentences with which charon says that something is not as it should be.
const COMPLAINTS: [&str; 22] = [
    "error",
    "fail",
    "invalid",
    "does not match",
    "mismatch",
    "malformed",
    "no proposal",
    "no matching",
    "no acceptable",
    "not acceptable",
    "not found",
    "no IKE config",
    "no shared key",
    "no private key",
    "no CHILD_SA",
    "unable",
    "ignor",
    "unexpected",
    "unsupported",
    "refus",
    "reject",
    "notify",
];

fn event(line: &Line<'_>) -> Option<LogEvent> {
    if let Some(message) = line.message("generating ") {
        return Some(LogEvent::Sent(message));
    }
    if let Some(message) = line.message("parsed ") {
        return Some(LogEvent::Received(message));
    }
    if line.dump_start().is_some() || line.dump_row(16).is_some() {
        return None;
    }
    let text = line.text.trim();
    if text.starts_with("sending retransmit") || text.starts_with("giving up after") {
        return Some(LogEvent::Retransmission(text.to_owned()));
    }
    if let Some((subject, change)) = text.split_once(" state change: ") {
        let state = change.split_once(" => ")?.1.to_owned();
        if subject.starts_with("IKE_SA ") {
            return Some(LogEvent::IsakmpSaState(state));
        }
        let (_, number) = subject.strip_prefix("CHILD_SA ")?.rsplit_once('{')?;
        return Some(LogEvent::IpsecSaState { unique_id: number.trim_end_matches('}').parse().ok()?, state });
    }
    let speaks = matches!(line.group, "IKE" | "CHD" | "ENC" | "NET" | "KNL" | "CFG" | "ESP");
    let complains = COMPLAINTS.iter().any(|part| text.contains(part));
    (speaks && complains).then(|| LogEvent::Complaint(text.to_owned()))
}

#[cfg(test)]
#[path = "charon_log_tests.rs"]
mod tests;
