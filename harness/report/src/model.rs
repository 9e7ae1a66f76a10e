//! `report.json`, version 1: what a run was, what every case gave, and the sums.
//!
//! The format is a promise to programs: a key is only ever added, and a change of meaning gets a new
//! [`SCHEMA`]. Its JSON schema is [`schema`], kept in `reports/schema/report-v1.schema.json`.

use std::collections::BTreeMap;
use std::fmt;

use ikev1_scenario::Verdict;
use ikev1_scenario::model::{Level, Role};
use ikev1_scenario::verdict::Counts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cause::Cause;
use crate::discovery::{DiscoveryResult, ProbeResult};

/// The value of `schema` in a report of this version.
pub const SCHEMA: &str = "ikev1-conform/report/1";

/// A whole run: the content of `report.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Names this format and its version: [`SCHEMA`].
    pub schema: String,
    /// What was run, when, and how.
    pub run: RunInfo,
    /// The peers, in the order in which they ran.
    pub peers: Vec<PeerInfo>,
    /// One entry per case, peer and role, ordered by peer, ID and role.
    pub cases: Vec<CaseResult>,
    /// Which values of a matrix make its cases fail unexpectedly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// Daemon against daemon, when that was the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<MatrixResult>,
    /// What peers speak, where that was probed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discovery: Vec<DiscoveryResult>,
    /// What became of the vectors, when they were part of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vectors: Option<VectorsResult>,
    /// Known failures that are out of date. Each makes the run fail.
    pub waivers: Vec<WaiverProblem>,
    /// How many cases got each verdict.
    pub summary: Counts,
}

impl Report {
    /// The cells of the matrix; none without one.
    pub fn cells(&self) -> impl Iterator<Item = &CellResult> {
        self.matrix.iter().flat_map(|matrix| &matrix.cells)
    }

    /// Every probe of every peer; none where nothing was probed.
    pub fn probes(&self) -> impl Iterator<Item = &ProbeResult> {
        self.discovery.iter().flat_map(|found| &found.probes)
    }

    /// How many of the cases, cells and probes that were planned have run.
    pub fn done(&self) -> usize {
        self.cases.len() + self.cells().count() + self.probes().count()
    }

    /// How many cases have a verdict that a known failure covers.
    pub fn known_failures(&self) -> usize {
        self.cases.iter().filter(|case| case.waived.is_some()).count()
    }

    /// The cases whose verdict was not expected, worst first.
    pub fn unexpected(&self) -> Vec<&CaseResult> {
        let mut cases: Vec<_> = self.cases.iter().filter(|case| !case.expected).collect();
        cases.sort_by_key(|case| match case.verdict {
            Verdict::Fail => 0,
            Verdict::Warn => 1,
            Verdict::Inconclusive => 2,
            _ => 3,
        });
        cases
    }
}

/// What was run, when, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// Name of the run: its folder's name.
    pub id: String,
    /// When it started, RFC 3339 with zone `Z`.
    pub started: String,
    /// Wall-clock time of the whole run in milliseconds.
    pub duration_ms: u64,
    /// The seed from which every case's own seed comes: the same seed gives the same bytes.
    pub seed: u64,
    /// The command line, ready to be pasted.
    pub command: String,
    /// Version of the harness.
    pub version: String,
    /// Whether a SHOULD that was missed is unexpected.
    pub strict: bool,
    /// Whether it was stopped before every case had run.
    pub interrupted: bool,
    /// How many cases were to be run.
    pub planned: usize,
    /// Faults of the harness or of its surroundings that belong to no case.
    pub errors: Vec<String>,
    /// Whether credentials, keys, decrypted messages, logs and the seed are left out of everything that the run has written.
    #[serde(default)]
    pub redacted: bool,
    /// What the files of the run hold, for whoever thinks of passing them on.
    #[serde(default)]
    pub notice: String,
}

/// The notice of a run that keeps everything.
pub const HOLDS_CREDENTIALS: &str = "The files of this run hold test credentials (pre-shared keys, passwords, private keys), derived keys and decrypted messages.";
/// The notice of a redacted run.
pub const REDACTED: &str = "Redacted: credentials, derived keys, decrypted messages, the peers' logs and the seed are left out of the files of this run.";

impl RunInfo {
    /// Sets whether the run is redacted, and the notice that goes with it.
    pub fn set_redacted(&mut self, redacted: bool) {
        self.redacted = redacted;
        self.notice = if redacted { REDACTED } else { HOLDS_CREDENTIALS }.to_owned();
    }
}

/// A peer of the run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PeerInfo {
    /// Its name on the command line.
    pub name: String,
    /// What it says its version is; empty when unknown.
    pub version: String,
    /// The capabilities that it has.
    pub capabilities: Vec<String>,
    /// Which kernel has its IPsec SAs, and why that one, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// The sanity handshakes: an ordinary handshake before the first and after the last case.
    pub sanity: Vec<Sanity>,
}

/// An ordinary handshake that shows that harness and peer can speak at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sanity {
    /// `first` or `last`.
    pub when: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// Why, in one line.
    pub reason: String,
}

/// What one case gave with one peer in one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseResult {
    /// The scenario's path without `.json`, then the point of its matrix.
    pub id: String,
    /// Name of the peer.
    pub peer: String,
    /// The role that the harness played.
    pub role: Role,
    /// How binding the requirement is.
    pub level: Level,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether the verdict lets the run succeed, by itself or because a known failure covers it.
    pub expected: bool,
    /// The known failure that covers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waived: Option<Waived>,
    /// What the case is about, one line.
    pub description: String,
    /// IDs of the requirements that it tests.
    pub requirements: Vec<String>,
    /// The values of the matrix that made the case, by parameter.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Wall-clock time in milliseconds.
    pub duration_ms: u64,
    /// Why this verdict, in one line.
    pub reason: String,
    /// The evidence.
    pub findings: Vec<Finding>,
    /// What else is worth knowing: how many derived values agree or were recomputed, the SAs at the end, refusals.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What the case has changed in messages before the other side got them; at most 16 fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Files of the case by kind (`case`, `transcript`, `capture`, `keys`, `peer-log`), relative to the report.
    pub artefacts: BTreeMap<String, String>,
    /// The command that runs this case again with the same bytes.
    pub rerun: String,
}

/// Each peer against each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MatrixResult {
    /// Names of the peers, in the order of rows and columns.
    pub peers: Vec<String>,
    /// IDs of the combinations that every pair was to play.
    pub combinations: Vec<String>,
    /// One entry per pair and combination that was played, ordered by initiator, responder and combination.
    pub cells: Vec<CellResult>,
    /// How many cells got each verdict.
    pub summary: Counts,
}

/// What one pair gave with one combination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CellResult {
    /// Name of the peer that initiated.
    pub initiator: String,
    /// Name of the peer that responded.
    pub responder: String,
    /// ID of the combination, such as `matrix/main-mode/psk/pfs/rekey`.
    pub combination: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether the verdict lets the run succeed.
    pub expected: bool,
    /// Wall-clock time in milliseconds.
    pub duration_ms: u64,
    /// Why this verdict, in one line.
    pub reason: String,
    /// The evidence; numbers of packets are those of the capture.
    pub findings: Vec<Finding>,
    /// What else is worth knowing: how much was compared, and the ends of both logs where the pair got stuck.
    pub notes: Vec<String>,
    /// Files of the cell by kind (`capture`, `keys`, `initiator-log`, `responder-log`), relative to the report.
    pub artefacts: BTreeMap<String, String>,
    /// The command that plays this cell again.
    pub rerun: String,
}

/// A piece of evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// IDs of the requirements that it concerns.
    pub requirements: Vec<String>,
    /// What was found, one line.
    pub what: String,
    /// Number of the datagram in the transcript and the capture, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packet: Option<u64>,
    /// Path of the payload field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Offset of the field in the decrypted message, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// What was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
}

/// A field that a case has changed in a message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Number of the datagram in the transcript and the capture, from 1.
    pub packet: u64,
    /// Name of the message.
    pub message: String,
    /// Path of the payload field.
    pub field: String,
    /// Offset of the field in the decrypted message, in bytes; where it was, when it is gone.
    pub offset: u64,
    /// Its octets before, in hex, `...` for more of them; nothing when it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// Its octets as they went out; nothing when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<String>,
}

impl fmt::Display for Change {
    /// What was changed, in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { packet, message, field, offset, was, is } = self;
        write!(f, "the case changed {field} of {message} (datagram {packet}, octet {offset}): ")?;
        match (was, is) {
            (Some(was), Some(is)) => write!(f, "{is}, was {was}"),
            (None, Some(is)) => write!(f, "{is}, was not there"),
            (Some(was), None) => write!(f, "gone, was {was}"),
            (None, None) => f.write_str("gone"),
        }
    }
}

/// A peer's version, unless its name already ends with it, as that of a release often does.
pub(crate) fn version_beside<'a>(peer: &str, version: &'a str) -> Option<&'a str> {
    let said = peer.strip_suffix(version).is_some_and(|rest| version.is_empty() || rest.ends_with('-'));
    (!said).then_some(version)
}

/// The known failure that makes a verdict expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waived {
    /// Why the peer fails.
    pub reason: String,
    /// The requirement that it misses.
    pub clause: String,
    /// Where this is tracked.
    pub link: String,
}

/// A known failure that is out of date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaiverProblem {
    /// The file that lists it.
    pub file: String,
    /// Its case glob.
    pub case: String,
    /// What is wrong with it.
    pub problem: String,
}

/// What became of the vectors.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VectorsResult {
    /// Files read.
    pub files: u64,
    /// Cases computed, each provider counting as one.
    pub checked: u64,
    /// Providers that computed them.
    pub providers: Vec<String>,
    /// Cases whose value was wrong, and files that could not be read: one line each.
    pub failures: Vec<String>,
    /// Wall-clock time in milliseconds.
    pub duration_ms: u64,
}

/// The JSON schema of [`Report`].
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}
