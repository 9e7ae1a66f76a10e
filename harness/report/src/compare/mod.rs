//! Two runs against one another: what has changed from A to B, with the evidence of both.
//!
//! ```text
//! Report A ─┐
//!           ├─▶ Comparison ─┬─▶ text::render       terminal
//! Report B ─┘               ├─▶ markdown::render   a comment, a page
//!                           └─▶ json               for programs
//! ```
//!
//! Cases, cells of the matrix and probes are matched by what they are, and peers by name; where either run has a single peer,
//! those two are matched whatever their names are, so that releases and peers can be compared. A change is a regression when B
//! is worse than A and no known failure covers it. What only one run has is shown, and is none.

mod item;
mod markdown;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;

use crate::exit::Outcome;
use crate::model::Report;

pub use item::{Key, SideOfChange};
pub use markdown::render as markdown;
pub use text::render as text;

/// The value of `schema` in the JSON of this version.
pub const COMPARISON_SCHEMA: &str = "ikev1-conform/comparison/1";

/// What has changed from one run to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Names this format and its version: [`COMPARISON_SCHEMA`].
    pub schema: &'static str,
    /// The run that is compared with.
    pub a: RunOfComparison,
    /// The run that is compared.
    pub b: RunOfComparison,
    /// The changes: by kind, then by case.
    pub changes: Vec<Change>,
    /// How many are the same in both.
    pub same: usize,
    /// Whether any change is a regression.
    pub regression: bool,
}

/// One of the two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunOfComparison {
    /// Name of the run.
    pub id: String,
    /// The file that it was read from.
    pub file: String,
    /// Its peers and their versions, as far as they are compared.
    pub peers: Vec<String>,
    /// Its peers that the other run lacks; they are left out.
    pub left_out: Vec<String>,
    /// How many cases, cells and probes these peers have.
    pub items: usize,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What kind of change it is.
    pub kind: ChangeKind,
    /// Whether it makes the comparison fail.
    pub regression: bool,
    /// What has changed.
    #[serde(flatten)]
    pub key: Key,
    /// How it was in A.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub a: Option<SideOfChange>,
    /// How it is in B.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b: Option<SideOfChange>,
}

/// The kinds of changes, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It fails the run now, and did not before.
    NewFail,
    /// It fails the run no longer.
    Fixed,
    /// Another verdict, neither of which, or both, fail the run.
    Verdict,
    /// `info` in both, with another reading of the RFCs.
    Reading,
    /// The same verdict for another reason.
    Reason,
    /// Only B has it.
    Appeared,
    /// Only A has it.
    Vanished,
}

impl ChangeKind {
    /// Every kind, in order.
    pub const ALL: [Self; 7] = [
        Self::NewFail,
        Self::Fixed,
        Self::Verdict,
        Self::Reading,
        Self::Reason,
        Self::Appeared,
        Self::Vanished,
    ];

    /// A heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::NewFail => "New fails",
            Self::Fixed => "Fixed",
            Self::Verdict => "Other verdicts",
            Self::Reading => "Other readings",
            Self::Reason => "Other reasons",
            Self::Appeared => "Appeared",
            Self::Vanished => "Vanished",
        }
    }

    /// Whether both runs have it.
    const fn is_of_both(self) -> bool {
        !matches!(self, Self::Appeared | Self::Vanished)
    }
}

/// A run as the comparison takes it.
#[derive(Debug, Clone, Copy)]
pub struct Compared<'a> {
    /// The report.
    pub report: &'a Report,
    /// The file that it came from.
    pub file: &'a str,
    /// The only peer that counts, if one does.
    pub peer: Option<&'a str>,
}

impl Comparison {
    /// Compares B with A.
    pub fn new(a: Compared<'_>, b: Compared<'_>) -> Self {
        let (names_a, names_b) = (peers(a), peers(b));
        // Two runs of one peer each are of its releases, or of two peers that somebody wants compared.
        let renamed = match (names_a.as_slice(), names_b.as_slice()) {
            ([one], [other]) => Some(((*one).to_owned(), (*other).to_owned())),
            _ => None,
        };
        let common = |name: &str, others: &[&str]| renamed.is_some() || others.contains(&name);
        let items_a = item::items(a.report, |peer| names_a.contains(&peer) && common(peer, &names_b), None);
        let renaming = renamed.as_ref().map(|(to, from)| (from.as_str(), to.as_str()));
        let mut items_b =
            item::items(b.report, |peer| names_b.contains(&peer) && common(peer, &names_a), renaming);
        let run = |compared: Compared<'_>, own: &[&str], others: &[&str], items: usize| RunOfComparison {
            id: compared.report.run.id.clone(),
            file: compared.file.to_owned(),
            peers: own
                .iter()
                .filter(|name| common(name, others))
                .map(|name| versioned(compared.report, name))
                .collect(),
            left_out: own
                .iter()
                .filter(|name| !common(name, others))
                .map(|name| (*name).to_owned())
                .collect(),
            items,
        };
        let (run_a, run_b) =
            (run(a, &names_a, &names_b, items_a.len()), run(b, &names_b, &names_a, items_b.len()));
        let mut changes = Vec::new();
        let mut same = 0_usize;
        for (key, before) in items_a {
            match items_b.remove(&key) {
                None => changes.push(Change {
                    kind: ChangeKind::Vanished,
                    regression: false,
                    key,
                    a: Some(before),
                    b: None,
                }),
                Some(after) => match kind(&before, &after) {
                    None => same = same.saturating_add(1),
                    Some(kind) => {
                        let regression = after.is_regression_from(&before);
                        changes.push(Change { kind, regression, key, a: Some(before), b: Some(after) });
                    }
                },
            }
        }
        changes.extend(items_b.into_iter().map(|(key, after)| Change {
            kind: ChangeKind::Appeared,
            regression: false,
            key,
            a: None,
            b: Some(after),
        }));
        changes.sort_by(|one, other| {
            (one.kind, !one.regression, &one.key).cmp(&(other.kind, !other.regression, &other.key))
        });
        let regression = changes.iter().any(|change| change.regression);
        Self { schema: COMPARISON_SCHEMA, a: run_a, b: run_b, changes, same, regression }
    }

    /// The changes of a kind.
    pub fn of(&self, kind: ChangeKind) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.kind == kind)
    }

    /// How many cases, cells and probes both runs have.
    pub fn in_common(&self) -> usize {
        let changed = self.changes.iter().filter(|change| change.kind.is_of_both()).count();
        self.same.saturating_add(changed)
    }

    /// The exit code: 1 on a regression, else 0.
    pub fn outcome(&self) -> Outcome {
        if self.regression { Outcome::Unexpected } else { Outcome::Success }
    }

    /// How many changes there are of each kind that there is, in words.
    pub fn sums(&self) -> String {
        let sums: Vec<_> = ChangeKind::ALL
            .into_iter()
            .map(|kind| (self.of(kind).count(), kind))
            .filter(|(count, _)| *count > 0)
            .map(|(count, kind)| format!("{} {count}", kind.title().to_lowercase()))
            .collect();
        let same = format!("the same {}", self.same);
        [sums, vec![same]].concat().join(", ")
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

/// What kind of change this is; none where nothing that counts has changed.
fn kind(before: &SideOfChange, after: &SideOfChange) -> Option<ChangeKind> {
    match (before.expected, after.expected) {
        (true, false) => return Some(ChangeKind::NewFail),
        // What is not tried any more, or what is only known by now, is not mended.
        (false, true) if after.known_failure.is_some() || after.verdict == "unsupported" => {
            return Some(ChangeKind::Verdict);
        }
        (false, true) => return Some(ChangeKind::Fixed),
        _ => {}
    }
    if before.verdict != after.verdict {
        return Some(ChangeKind::Verdict);
    }
    if before.telling() == after.telling() {
        return None;
    }
    match after.verdict.as_str() {
        "info" => Some(ChangeKind::Reading),
        // How a clause was met, or why it could not be tried, is told by every case in its own words.
        "pass" | "unsupported" => None,
        _ => Some(ChangeKind::Reason),
    }
}

/// The peers of a run that take part.
fn peers<'a>(compared: Compared<'a>) -> Vec<&'a str> {
    let report = compared.report;
    let mut names: Vec<&'a str> = report.peers.iter().map(|peer| peer.name.as_str()).collect();
    // A matrix names its daemons in its own section.
    names.extend(report.matrix.iter().flat_map(|matrix| &matrix.peers).map(String::as_str));
    let mut seen = BTreeMap::new();
    names.retain(|name| seen.insert(*name, ()).is_none());
    names.retain(|name| compared.peer.is_none_or(|only| only == *name));
    names
}

fn versioned(report: &Report, name: &str) -> String {
    let version = report.peers.iter().find(|peer| peer.name == name).map(|peer| peer.version.as_str());
    match version.filter(|version| !version.is_empty()) {
        Some(version) => format!("{name} ({version})"),
        None => name.to_owned(),
    }
}
