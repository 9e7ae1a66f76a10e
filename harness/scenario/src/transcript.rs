//! What happened in a case, as JSON lines: one [`Record`] each.
//!
//! It starts with [`Event::Begin`] and ends with [`Event::End`]. Before `End` there is a last
//! [`Event::State`] of each side whose SAs can be listed.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::model::{Role, Side};
use crate::tracker::MessageName;
use crate::verdict::Verdict;

/// One line of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Milliseconds since the start of the case, in the time that the case ran in (real or virtual).
    pub at_ms: u64,
    /// What happened.
    pub event: Event,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Event {
    /// The case begins.
    Begin {
        /// Its ID.
        case: String,
        /// The part that the harness engine plays.
        role: Role,
        /// Seed of all randomness in it.
        seed: u64,
        /// The peer's name.
        peer: String,
        /// The peer's version.
        peer_version: String,
    },
    /// A step begins.
    StepBegin {
        /// Index in the case, from 0.
        index: usize,
    },
    /// A step ended. After an unmet one the case ends.
    StepEnd {
        /// Index in the case, from 0.
        index: usize,
        /// How.
        result: StepResult,
    },
    /// A datagram passed, or did not.
    Datagram(DatagramRecord),
    /// The decrypted form of a datagram, padding included; also a clear message that an edit changed.
    Plaintext {
        /// Number of the datagram.
        datagram: u64,
        /// Its sender.
        from: Side,
        /// Header and payloads, in hex.
        hex: String,
        /// The message before an edit, in hex.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unaltered_hex: Option<String>,
    },
    /// A rule that a step armed was applied.
    RuleApplied {
        /// Index of the step that armed it.
        step: usize,
        /// Number of the datagram that it was applied to, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        datagram: Option<u64>,
    },
    /// A derived value became known.
    Value(ValueRecord),
    /// An engine reported something.
    Engine {
        /// Whose engine: the harness's, or in a run of the engine with itself the peer's.
        side: Side,
        /// What.
        event: EngineEvent,
    },
    /// The SAs of one side at this moment.
    State {
        /// Whose.
        side: Side,
        /// ISAKMP SAs.
        isakmp_sas: Vec<IsakmpSaState>,
        /// Pairs of IPsec SAs.
        ipsec_sas: Vec<IpsecSaState>,
    },
    /// Packets were sent through IPsec SAs.
    Traffic {
        /// Index of the step.
        step: usize,
        /// Packets sent by the harness.
        sent: u32,
        /// Replies that came.
        replied: u32,
        /// SPI of the SA that they went out on.
        spi_out: u32,
        /// What else is to say.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
    },
    /// The peer said, in words of its own, how it reads a message.
    Reported {
        /// What it said.
        line: String,
    },
    /// An excerpt of the peer's log.
    PeerLog {
        /// The text.
        text: String,
    },
    /// The peer's daemon died in this case, of a fault of its own.
    PeerDied {
        /// The line of its log that says so.
        line: String,
    },
    /// The peer's daemon met a fault of its own in this case, and went on.
    PeerAlarm {
        /// The line of its log that says so.
        line: String,
    },
    /// The peer was told to give up everything after the steps of this case, and did not.
    PeerLeft {
        /// What was left: SAs, policies, core files.
        what: String,
    },
    /// The peer did not take the case's configuration, so the case was not played.
    ConfigurationRefused {
        /// What it said.
        error: String,
    },
    /// This is the second time that the case is played: in the first the harness or its infrastructure failed, or the peer may
    /// only have been late.
    PlayedBefore {
        /// The verdict of the first.
        verdict: Verdict,
        /// Why.
        reason: String,
    },
    /// The harness or its infrastructure failed.
    Infrastructure {
        /// How.
        error: String,
    },
    /// The case is over.
    End,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StepResult {
    /// It did what it says, or armed its rule.
    Done,
    /// What it waited for did not come, or the peer could not do what it was told.
    Unmet {
        /// What came instead.
        detail: String,
    },
}

/// A datagram. A delayed or duplicated one has further records, one for each further delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatagramRecord {
    /// Number in the transcript, from 1.
    pub n: u64,
    /// Its sender; injected and replayed datagrams have the side that they claim to come from.
    pub from: Side,
    /// The harness's address and port.
    pub local: String,
    /// The peer's address and port.
    pub remote: String,
    /// It went to or from the NAT traversal port, where ISAKMP messages have a non-ESP marker in front.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub nat_t: bool,
    /// UDP payload as it was delivered, or would have been, in hex.
    pub hex: String,
    /// Whether it was delivered.
    pub delivered: bool,
    /// The message that it carries, as the [tracker](crate::tracker) names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageName>,
    /// What a rule did to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// What a rule did to a datagram.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Its message was edited before encryption.
    Edited,
    /// Its bytes were changed on the way, or by its sender once bodies of its payloads were encrypted.
    EditedDatagram {
        /// The UDP payload as it was sent, in hex.
        unaltered_hex: String,
    },
    /// It was lost on purpose.
    Dropped,
    /// It is held back; another record follows when it is delivered.
    Delayed {
        /// How long, in milliseconds.
        by_ms: u64,
    },
    /// It is the late delivery of an earlier datagram.
    DeliveredLate {
        /// The earlier datagram's number.
        of: u64,
    },
    /// It is a further copy of an earlier datagram.
    Duplicate {
        /// The earlier datagram's number.
        of: u64,
    },
    /// It is an earlier datagram, delivered again by a step.
    Replayed {
        /// The earlier datagram's number.
        of: u64,
    },
    /// It was made by a step; no engine sent it.
    Injected,
}

/// A derived value that one side knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueRecord {
    /// Who knows it.
    pub side: Side,
    /// CKY-I in hex.
    pub cky_i: String,
    /// CKY-R in hex.
    pub cky_r: String,
    /// M-ID; zero in phase 1.
    pub m_id: u32,
    /// Its name, as `ikev1::keylog::Label` has it.
    pub label: String,
    /// The value, in hex.
    pub hex: String,
    /// Where it was read.
    pub source: ValueSource,
}

/// Where a derived value was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueSource {
    /// The key log of an engine.
    Engine,
    /// The log of a daemon.
    DaemonLog,
    /// The SAs in a kernel.
    Kernel,
}

/// Something that an engine reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum EngineEvent {
    /// Phase 1 is complete.
    IsakmpSaEstablished {
        /// CKY-I in hex.
        cky_i: String,
        /// CKY-R in hex.
        cky_r: String,
        /// This side's role in phase 1.
        role: Role,
    },
    /// An ISAKMP SA is gone.
    IsakmpSaDeleted {
        /// CKY-I in hex.
        cky_i: String,
        /// CKY-R in hex.
        cky_r: String,
        /// Why.
        reason: String,
    },
    /// Quick mode is complete.
    IpsecSaEstablished {
        /// `ESP` or `AH`.
        protocol: String,
        /// Inbound SPI.
        spi_in: u32,
        /// Outbound SPI.
        spi_out: u32,
        /// It replaces an older pair of SAs.
        rekeyed: bool,
    },
    /// A pair of IPsec SAs is gone.
    IpsecSaDeleted {
        /// Inbound SPI.
        spi_in: u32,
        /// Why.
        reason: String,
    },
    /// An exchange ended without its SA.
    ExchangeFailed {
        /// Its type.
        exchange: String,
        /// Its M-ID; zero in phase 1.
        m_id: u32,
        /// What went wrong.
        error: String,
    },
    /// Extended authentication is over.
    ExtendedAuthentication {
        /// The user, where one was asked for and is authenticated.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// Whether the user is authenticated.
        passed: bool,
    },
    /// The edge device has something to say to the user.
    MessageForUser {
        /// The text.
        message: String,
    },
    /// Mode-Config is over.
    Configured {
        /// It was this side that was configured, not the other.
        host: bool,
        /// The IPv4 address that was assigned.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<std::net::Ipv4Addr>,
        /// Everything that was told, in words.
        items: Vec<String>,
    },
    /// A notification arrived.
    Notified {
        /// Its type, by name.
        notify_type: String,
        /// A hash over it was checked.
        authenticated: bool,
        /// Notification data, in hex.
        data_hex: String,
    },
    /// A datagram was dropped or answered with an error.
    DatagramRejected {
        /// What was wrong.
        error: String,
    },
    /// An ESP or AH packet was refused.
    PacketRejected {
        /// Its SPI.
        spi: u32,
        /// What was wrong.
        error: String,
    },
}

/// One ISAKMP SA of a side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IsakmpSaState {
    /// CKY-I in hex.
    pub cky_i: String,
    /// CKY-R in hex.
    pub cky_r: String,
    /// This side's role in phase 1.
    pub role: Role,
    /// Phase 1 is complete.
    pub established: bool,
}

/// One pair of IPsec SAs of a side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IpsecSaState {
    /// `ESP` or `AH`.
    pub protocol: String,
    /// Inbound SPI.
    pub spi_in: u32,
    /// Outbound SPI.
    pub spi_out: u32,
    /// Packets received, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packets_in: Option<u64>,
    /// Packets sent, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packets_out: Option<u64>,
}

/// A transcript that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TranscriptError {
    /// The file could not be read or written.
    #[error("could not access transcript {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is no record.
    #[error("{}:{line}: not a transcript record: {source}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is wrong.
        source: serde_json::Error,
    },
}

/// Reads a transcript file.
///
/// # Errors
/// When the file cannot be read, or a line is no record.
pub fn read(path: &Path) -> Result<Vec<Record>, TranscriptError> {
    let text =
        fs::read_to_string(path).map_err(|source| TranscriptError::Io { path: path.to_owned(), source })?;
    parse(&text, path)
}

/// Reads the text of a transcript; `path` is for error messages.
///
/// # Errors
/// When a line is no record.
pub fn parse(text: &str, path: &Path) -> Result<Vec<Record>, TranscriptError> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|source| TranscriptError::Line {
                path: path.to_owned(),
                line: index + 1,
                source,
            })
        })
        .collect()
}

/// Writes records as JSON lines.
///
/// # Errors
/// When the writer fails.
pub fn write(records: &[Record], mut to: impl io::Write) -> io::Result<()> {
    for record in records {
        serde_json::to_writer(&mut to, record)?;
        to.write_all(b"\n")?;
    }
    Ok(())
}
