//! What a case page shows. Whoever fills it in knows the protocol; the page does not.

use ikev1_scenario::Verdict;
use serde::Serialize;

use crate::model::{CaseResult, RunInfo};

/// Everything that the page of a case shows.
#[derive(Debug, Clone, Copy)]
pub struct CasePage<'a> {
    /// The case's entry of the report.
    pub result: &'a CaseResult,
    /// The run.
    pub run: &'a RunInfo,
    /// What the peer says its version is.
    pub peer_version: &'a str,
    /// The clauses that it tests.
    pub clauses: &'a [Clause],
    /// What was recorded, or why that cannot be shown.
    pub evidence: Result<&'a Evidence, &'a str>,
}

/// A clause in our own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clause {
    /// Its ID in the register.
    pub id: String,
    /// Document and section, such as `RFC 2409, section 5.4`.
    pub place: String,
    /// How strongly it binds.
    pub level: String,
    /// What it says.
    pub summary: String,
}

/// What was recorded of a case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// What happened, in the order in which it did.
    pub ladder: Vec<Entry>,
    /// The messages, by number of their datagrams.
    pub messages: Vec<Message>,
    /// The steps, which come before the accepted outcomes.
    pub steps: Vec<StepState>,
    /// The accepted outcomes, with what of them came about.
    pub accepted: Vec<Acceptance>,
    /// The derived values.
    pub values: Vec<Value>,
    /// The end of the peer's log; empty where none was kept.
    pub log: String,
    /// How much of the log is left out in front of it, in bytes.
    pub log_left_out: usize,
}

/// A line of the ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Milliseconds since the start of the case.
    pub at_ms: u64,
    /// What happened.
    pub note: Note,
}

/// What a line of the ladder tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A datagram passed, or was to: the index of its message.
    Message(usize),
    /// Something happened at one side, or to both.
    Event {
        /// Where.
        whose: Whose,
        /// What.
        text: String,
        /// Whether it is bad.
        bad: bool,
    },
}

/// Whose something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The harness's.
    Harness,
    /// The peer's.
    Peer,
    /// Neither's alone.
    Both,
}

/// A datagram with the message in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// Number of the datagram.
    pub number: u64,
    /// Whether the harness sent it.
    pub from_harness: bool,
    /// Its place in its exchange.
    pub name: String,
    /// The payloads in it, in a few words.
    pub content: String,
    /// Whether it was delivered.
    pub delivered: bool,
    /// What a rule of the case did to it.
    pub fault: Option<String>,
    /// How its bytes are shown: decrypted, as they were sent, or encrypted.
    pub form: String,
    /// Header and payloads.
    pub bytes: Vec<u8>,
    /// What its payloads say, where the ladder is to tell it.
    pub says: Vec<String>,
    /// Its fields, in the order of the bytes, structures before what they are made of.
    pub fields: Vec<Field>,
    /// What is wrong with its form, and what was changed in it.
    pub remarks: Vec<String>,
}

/// A field of a message, or a structure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its path.
    pub path: String,
    /// Its value, in words.
    pub value: String,
    /// Offset in the message.
    pub offset: usize,
    /// Length.
    pub len: usize,
    /// How deep it is nested.
    pub depth: usize,
    /// A finding is about it.
    pub marked: bool,
    /// The case has changed it.
    #[serde(default)]
    pub changed: bool,
}

/// A step, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepState {
    /// What it does or waits for.
    pub text: String,
    /// What its message must be like, field by field.
    pub checks: Vec<String>,
    /// Whether it was met; not known where the case ended before it.
    pub state: State,
    /// What came instead, where it was not met.
    pub observed: String,
}

/// An accepted outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// The verdict that it gives.
    pub verdict: Verdict,
    /// Why it is accepted.
    pub because: String,
    /// Its conditions.
    pub conditions: Vec<ConditionState>,
}

/// A condition, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionState {
    /// The condition.
    pub text: String,
    /// What became of it.
    pub state: State,
    /// What was observed, where it does not hold.
    pub observed: String,
}

/// What became of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
    /// That is not known.
    Unknown,
}

/// A derived value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Value {
    /// The exchange that it belongs to.
    pub of: String,
    /// Its name.
    pub name: String,
    /// What the harness has, in hex.
    pub harness: Vec<String>,
    /// What the peer has shown, in hex.
    pub peer: Vec<String>,
    /// Both know it, and differently.
    pub differs: bool,
}
