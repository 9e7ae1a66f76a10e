//! What of a run can be compared: cases, cells of the matrix, probes.

use std::collections::BTreeMap;

use ikev1_scenario::Verdict;
use ikev1_scenario::judge::Sight;
use serde::Serialize;

use crate::model::{Finding, Report};

/// Digits of hex from which on they are a cookie, an SPI, a key or the like, which no two runs need have in common.
const RANDOM_DIGITS: usize = 8;

/// What two runs have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Key {
    /// ID of the case, the combination or the probe.
    pub id: String,
    /// The peer, by its name in A where the two differ; of a cell `INITIATOR with RESPONDER`.
    pub peer: String,
    /// The role of the harness; empty for cells and probes.
    pub role: String,
}

/// How it is in one of the runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SideOfChange {
    /// The verdict; of a probe what was seen.
    pub verdict: String,
    /// Whether it lets the run succeed.
    pub expected: bool,
    /// The known failure that covers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_failure: Option<String>,
    /// Why, in one line.
    pub reason: String,
    /// The evidence.
    pub findings: Vec<Finding>,
    /// Files by kind, relative to the run's report.
    pub artefacts: BTreeMap<String, String>,
    /// The command that runs it again.
    pub rerun: String,
    /// How good it is.
    #[serde(skip)]
    pub(super) worth: u8,
}

impl SideOfChange {
    /// Whether this is worse, and no known failure covers that.
    pub(super) fn is_regression_from(&self, before: &Self) -> bool {
        let worse = self.worth < before.worth || (before.expected && !self.expected);
        worse && self.known_failure.is_none()
    }

    /// What is told of it, without what differs from run to run.
    pub(super) fn telling(&self) -> Vec<String> {
        let findings = self.findings.iter().map(|finding| {
            let value = |value: &Option<String>| value.as_deref().map(settled).unwrap_or_default();
            let field = finding.field.as_deref().unwrap_or_default();
            format!("{} {field} {} {}", settled(&finding.what), value(&finding.expected), value(&finding.got))
        });
        std::iter::once(settled(&self.reason)).chain(findings).collect()
    }
}

/// A text in which random octets, and times in milliseconds, are left out.
fn settled(text: &str) -> String {
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let mut out = String::with_capacity(text.len());
    for word in words {
        let plain = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let random = plain.len() >= RANDOM_DIGITS && plain.bytes().all(|byte| byte.is_ascii_hexdigit());
        if random {
            out.push('#');
            out.push_str(word.get(plain.len()..).unwrap_or_default());
        } else {
            out.push_str(word);
        }
    }
    out
}

/// All of a run that belongs to peers of which `takes` says so. `renamed` gives a peer the name that it has in the other run.
pub(super) fn items(
    report: &Report,
    takes: impl Fn(&str) -> bool,
    renamed: Option<(&str, &str)>,
) -> BTreeMap<Key, SideOfChange> {
    let named = |peer: &str| match renamed {
        Some((from, to)) if from == peer => to.to_owned(),
        _ => peer.to_owned(),
    };
    let mut items = BTreeMap::new();
    for case in report.cases.iter().filter(|case| takes(&case.peer)) {
        let key = Key { id: case.id.clone(), peer: named(&case.peer), role: case.role.name().to_owned() };
        let side = SideOfChange {
            verdict: case.verdict.name().to_owned(),
            expected: case.expected,
            known_failure: case.waived.as_ref().map(|waived| waived.reason.clone()),
            reason: case.reason.clone(),
            findings: case.findings.clone(),
            artefacts: case.artefacts.clone(),
            rerun: case.rerun.clone(),
            worth: worth(case.verdict),
        };
        items.insert(key, side);
    }
    for cell in report.cells().filter(|cell| takes(&cell.initiator) && takes(&cell.responder)) {
        let peer = format!("{} with {}", named(&cell.initiator), named(&cell.responder));
        let key = Key { id: cell.combination.clone(), peer, role: String::new() };
        let side = SideOfChange {
            verdict: cell.verdict.name().to_owned(),
            expected: cell.expected,
            known_failure: None,
            reason: cell.reason.clone(),
            findings: cell.findings.clone(),
            artefacts: cell.artefacts.clone(),
            rerun: cell.rerun.clone(),
            worth: worth(cell.verdict),
        };
        items.insert(key, side);
    }
    for probe in report.probes().filter(|probe| takes(&probe.peer)) {
        let key = Key { id: probe.id.clone(), peer: named(&probe.peer), role: String::new() };
        let side = SideOfChange {
            verdict: probe.sight.name().to_owned(),
            expected: !matches!(probe.sight, Sight::Died | Sight::Error),
            known_failure: None,
            reason: probe.evidence.clone(),
            findings: Vec::new(),
            artefacts: probe.artefacts.clone(),
            rerun: probe.rerun.clone(),
            worth: worth_of_sight(probe.sight),
        };
        items.insert(key, side);
    }
    items
}

/// How good a verdict is. What was shown to work and is not supported any more, or misses a SHOULD, is worse.
const fn worth(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass | Verdict::Info => 3,
        Verdict::Warn | Verdict::Unsupported => 2,
        Verdict::Inconclusive | Verdict::Error => 1,
        Verdict::Fail => 0,
    }
}

const fn worth_of_sight(sight: Sight) -> u8 {
    match sight {
        Sight::Accepted => 3,
        Sight::Chosen | Sight::Refused | Sight::NotConfigurable => 2,
        Sight::NotKnown | Sight::Error => 1,
        Sight::Died => 0,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::cookie("CKY-R is 0123456789abcdef, not zero", "CKY-R is #, not zero")]
    #[case::spi("SPI c0ffee01.", "SPI #.")]
    #[case::word("a deadbeefy word", "a deadbeefy word")]
    #[case::short("octet 28 is 1", "octet 28 is 1")]
    fn random_octets_make_no_difference(#[case] text: &str, #[case] left: &str) {
        assert_eq!(settled(text), left);
    }
}
