//! Verdicts, what led to them, and what is known about a peer.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Capability;
use crate::requirement::RequirementId;

/// Outcome of a case. Nothing but [`Verdict::Pass`] counts as passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The clauses are kept.
    Pass,
    /// The RFCs allow several readings; the one observed is recorded.
    Info,
    /// The peer lacks a capability that the case needs.
    Unsupported,
    /// A recommendation (SHOULD) is missed.
    Warn,
    /// A precondition was not met; nothing is known about the clauses.
    Inconclusive,
    /// A requirement (MUST) is violated.
    Fail,
    /// The harness or its infrastructure is at fault.
    Error,
}

impl Verdict {
    /// Every verdict, harmless ones first.
    pub const ALL: &'static [Self] =
        &[Self::Pass, Self::Info, Self::Unsupported, Self::Warn, Self::Inconclusive, Self::Fail, Self::Error];

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Info => "info",
            Self::Unsupported => "unsupported",
            Self::Warn => "warn",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
            Self::Error => "error",
        }
    }

    /// Whether it makes a run unsuccessful: `fail`, `inconclusive` and `error` do, `warn` only when `strict`.
    pub const fn is_unexpected(self, strict: bool) -> bool {
        match self {
            Self::Pass | Self::Info | Self::Unsupported => false,
            Self::Warn => strict,
            Self::Inconclusive | Self::Fail | Self::Error => true,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How many cases got each verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Passed.
    pub pass: u32,
    /// A SHOULD missed.
    pub warn: u32,
    /// A MUST missed.
    pub fail: u32,
    /// Recorded readings.
    pub info: u32,
    /// Not applicable to the peer.
    pub unsupported: u32,
    /// Not exercised.
    pub inconclusive: u32,
    /// Our own faults.
    pub error: u32,
}

impl Counts {
    /// Counts one more case.
    pub fn add(&mut self, verdict: Verdict) {
        *self.slot(verdict) += 1;
    }

    /// The number of cases with this verdict.
    pub fn get(mut self, verdict: Verdict) -> u32 {
        *self.slot(verdict)
    }

    /// All cases.
    pub fn total(self) -> u32 {
        Verdict::ALL.iter().map(|v| self.get(*v)).sum()
    }

    /// Cases that make the run unsuccessful.
    pub fn unexpected(self, strict: bool) -> u32 {
        Verdict::ALL.iter().filter(|v| v.is_unexpected(strict)).map(|v| self.get(*v)).sum()
    }

    fn slot(&mut self, verdict: Verdict) -> &mut u32 {
        match verdict {
            Verdict::Pass => &mut self.pass,
            Verdict::Warn => &mut self.warn,
            Verdict::Fail => &mut self.fail,
            Verdict::Info => &mut self.info,
            Verdict::Unsupported => &mut self.unsupported,
            Verdict::Inconclusive => &mut self.inconclusive,
            Verdict::Error => &mut self.error,
        }
    }
}

impl FromIterator<Verdict> for Counts {
    fn from_iter<I: IntoIterator<Item = Verdict>>(verdicts: I) -> Self {
        let mut counts = Self::default();
        verdicts.into_iter().for_each(|v| counts.add(v));
        counts
    }
}

/// The verdict of a case and what led to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one line.
    pub reason: String,
    /// What deviated, with the place in the recorded traffic where there is one.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// Things worth knowing that do not decide.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What the case has changed in messages, in their order; not all where there is very much.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

impl Judgement {
    /// Whether no finding shows what was sent: neither a datagram nor a value. A deviation is then about something that did not
    /// come, or not in its time.
    #[must_use]
    pub fn shows_nothing(&self) -> bool {
        self.findings.iter().all(|finding| finding.datagram.is_none() && finding.field.is_none())
    }
}

/// A field that a case has changed in a message before the other side got it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The datagram, by its number in the transcript.
    pub datagram: u64,
    /// Name of the message.
    pub message: String,
    /// The field's path.
    pub field: String,
    /// Offset of the field in the decrypted message, in bytes; where it was, when it is gone.
    pub offset: usize,
    /// Its octets before, in hex, `...` for more of them; nothing when it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// Its octets as they went out; nothing when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<String>,
}

/// One deviation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The clauses concerned.
    pub requirements: Vec<RequirementId>,
    /// What deviated, in one line.
    pub what: String,
    /// The datagram, by its number in the transcript.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datagram: Option<u64>,
    /// The field's path, or the name of the derived value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Offset of the field in the decrypted message, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<usize>,
    /// Length of the field in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
    /// What was expected.
    pub expected: String,
    /// What was met.
    pub got: String,
}

/// What is known about a peer before a case runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerProfile {
    /// Its name on the command line, e.g. `strongswan`.
    pub name: String,
    /// The version that it reported.
    pub version: String,
    /// What it can do.
    pub capabilities: BTreeSet<Capability>,
    /// How it is known that it cannot do something.
    #[serde(default)]
    pub missing: BTreeMap<Capability, String>,
    /// Of what is missing: what the harness cannot configure at the peer, so that nobody knows whether the peer could do it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub not_configured: BTreeSet<Capability>,
    /// Which kernel has its IPsec SAs, and why that one, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
}
