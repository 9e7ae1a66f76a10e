//! What `dissect` shows of a capture: its conversations as ladders, and what a bystander can say of them.
//!
//! ```text
//! runner::dissect ─▶ CaptureReport ─┬─▶ text::render         terminal
//!                                   ├─▶ html::capture_page   one HTML page
//!                                   └─▶ json                 for programs
//! ```
//!
//! All text in it may be a peer's, so each of the three makes it harmless in its own way.

mod text;

use std::io;

use ikev1_scenario::Verdict;
use serde::Serialize;

pub use crate::html::Field;
pub use text::{Look, render as text};

/// The value of `schema` in the JSON of this version.
pub const CAPTURE_SCHEMA: &str = "ikev1-conform/capture/1";

/// A capture, read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaptureReport {
    /// Names this format and its version: [`CAPTURE_SCHEMA`].
    pub schema: &'static str,
    /// The file's name.
    pub file: String,
    /// `pcap` or `pcapng`, and the link types in it.
    pub format: String,
    /// What was counted.
    pub counts: CaptureCounts,
    /// Time from the first to the last packet, in microseconds.
    pub duration_us: u64,
    /// The pairs of hosts that spoke ISAKMP, in the order in which they began.
    pub conversations: Vec<Conversation>,
    /// The ISAKMP SAs, and what was begun as one, in the order in which they began.
    pub isakmp_sas: Vec<IsakmpSaSeen>,
    /// What is wrong, and what is worth knowing, in the order of the packets.
    pub findings: Vec<CaptureFinding>,
    /// What could not be read of the file, or was passed over.
    pub notes: Vec<String>,
}

impl CaptureReport {
    /// How many findings have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }

    /// The findings about a message.
    pub fn about<'a>(&'a self, message: &'a CapturedMessage) -> impl Iterator<Item = &'a CaptureFinding> {
        self.findings.iter().filter(|finding| finding.packet == message.packet)
    }

    /// The JSON document.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn write_json(&self, out: &mut dyn io::Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }
}

/// What a capture holds, in packets; a message in fragments counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CaptureCounts {
    /// Packets of the file.
    pub packets: u64,
    /// IKEv1 messages, retransmissions included.
    pub ikev1: u64,
    /// Those that were sent before.
    pub retransmissions: u64,
    /// Those that are encrypted, retransmissions left out.
    pub encrypted: u64,
    /// Those that could be decrypted.
    pub decrypted: u64,
    /// IKEv2 messages, which are passed over.
    pub ikev2: u64,
    /// ESP packets on their own.
    pub esp: u64,
    /// ESP packets in UDP (RFC 3948).
    pub esp_in_udp: u64,
    /// AH packets.
    pub ah: u64,
    /// NAT keep-alives.
    pub keep_alives: u64,
    /// Anything else.
    pub other: u64,
}

/// Two hosts that spoke ISAKMP with one another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conversation {
    /// The host that spoke first.
    pub left: String,
    /// The other.
    pub right: String,
    /// What happened, in the order in which it did.
    pub ladder: Vec<Rung>,
    /// The messages.
    pub messages: Vec<CapturedMessage>,
}

/// A line of a ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Rung {
    /// A message: its index in the conversation.
    Message {
        /// The index.
        index: usize,
    },
    /// Packets that are no messages.
    Other {
        /// When the first of them passed, in microseconds since the capture began.
        at_us: u64,
        /// What they were.
        text: String,
    },
}

/// An ISAKMP message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CapturedMessage {
    /// Number of its packet in the file, from 1; of one in fragments that of the last.
    pub packet: u64,
    /// When it passed, in microseconds since the capture began.
    pub at_us: u64,
    /// Address and port of its sender.
    pub from: String,
    /// Address and port that it went to.
    pub to: String,
    /// Whether the host on the left sent it.
    pub from_left: bool,
    /// Its place in its exchange.
    pub name: String,
    /// The payloads in it, as RFC 2409 writes them.
    pub content: String,
    /// Whether `hex` and `fields` are decrypted, encrypted, or were in the clear.
    pub form: String,
    /// Number of the packet with the same message before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retransmission_of: Option<u64>,
    /// Index of its ISAKMP SA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isakmp_sa: Option<usize>,
    /// What its payloads say, in words.
    pub remarks: Vec<String>,
    /// Its fields, in the order of the bytes, structures before what they are made of.
    pub fields: Vec<Field>,
    /// Header and payloads.
    #[serde(rename = "hex", serialize_with = "as_hex")]
    pub bytes: Vec<u8>,
}

/// An ISAKMP SA, or what was begun as one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IsakmpSaSeen {
    /// Index of the conversation.
    pub conversation: usize,
    /// CKY-I, in hex.
    pub cky_i: String,
    /// CKY-R, in hex; zeros where none was seen.
    pub cky_r: String,
    /// Address of the initiator, where its first message was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiator: Option<String>,
    /// The exchange of phase 1, as far as it was seen.
    pub phase1: String,
    /// The transform that the responder chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
    /// Its encrypted messages, retransmissions left out.
    pub encrypted: u64,
    /// Those that could be decrypted.
    pub decrypted: u64,
    /// What is known of its key, and how far that went.
    pub key: String,
    /// What the pre-shared key that was given proves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pre_shared_key: Vec<String>,
}

/// Something that is wrong, or worth knowing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaptureFinding {
    /// `fail` for a MUST missed, `warn` for a SHOULD, `info` for what a bystander cannot decide.
    pub verdict: Verdict,
    /// The clause of the register; empty where it is about no clause.
    pub clause: String,
    /// Number of the packet.
    pub packet: u64,
    /// Address of its sender.
    pub from: String,
    /// What was found.
    pub what: String,
    /// Path of the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

fn as_hex<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    serializer.serialize_str(&text)
}
