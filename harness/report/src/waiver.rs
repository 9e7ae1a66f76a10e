//! Known failures as data: `expected.toml` beside a peer's other files.
//!
//! ```toml
//! [[deviation]]
//! case = "rfc2409/5.5-quick-mode/commit-bit*"   # glob over case IDs
//! role = "initiator"                            # of the harness; both when left out
//! peer = "strongswan"                           # the folder's peer when left out
//! versions = ">=5.9, <6"                        # of the peer; `*` is all
//! verdict = "fail"                              # or "warn", "inconclusive"; "fail" when left out
//! clause = "RFC2408-3.1-07"
//! reason = "charon ignores the commit bit"
//! link = "https://example.org/issue/1"
//! expires = "2027-06-30"                        # from this day on the entry is an error
//! ```
//!
//! A case that an entry covers counts as expected. An entry whose case no longer fails, that matches no case of
//! the catalogue, or that has expired makes the run fail: the list stays true.

use std::path::{Path, PathBuf};

use globset::{Glob, GlobMatcher};
use ikev1_scenario::Verdict;
use ikev1_scenario::model::Role;
use jiff::civil::Date;
use serde::Deserialize;

use crate::model::{CaseResult, Waived, WaiverProblem};

/// Why an `expected.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaiverError {
    /// It cannot be read.
    #[error("{}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no TOML of the form above; the text has line and column.
    #[error("{}: {source}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// Why and where.
        source: Box<toml::de::Error>,
    },
    /// A value of an entry cannot be used.
    #[error("{}: deviation[{index}].{key}: {problem}", file.display())]
    Value {
        /// The file.
        file: PathBuf,
        /// The entry, from 0.
        index: usize,
        /// The key.
        key: &'static str,
        /// What is wrong with its value.
        problem: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    deviation: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    case: String,
    role: Option<Role>,
    peer: Option<String>,
    versions: String,
    verdict: Option<Verdict>,
    clause: String,
    reason: String,
    link: String,
    expires: String,
}

/// A known failure.
#[derive(Debug, Clone)]
pub struct Waiver {
    file: String,
    case: GlobMatcher,
    role: Option<Role>,
    peer: Option<String>,
    versions: semver::VersionReq,
    verdict: Verdict,
    waived: Waived,
    expires: Date,
}

impl Waiver {
    /// Whether it speaks of this peer in this version.
    pub fn applies_to(&self, peer: &str, version: &str) -> bool {
        self.peer.as_deref().is_none_or(|only| only == peer)
            && (self.versions == semver::VersionReq::STAR || self.versions.matches(&lenient(version)))
    }

    /// Whether it speaks of this case of a peer to which it applies.
    pub fn matches(&self, id: &str, role: Role) -> bool {
        self.case.is_match(id) && self.role.is_none_or(|only| only == role)
    }

    fn problem(&self, problem: String) -> WaiverProblem {
        WaiverProblem { file: self.file.clone(), case: self.case.glob().glob().to_owned(), problem }
    }
}

/// The first three numbers of a daemon's version text: `U5.9.8-5+deb12` is 5.9.8.
fn lenient(version: &str) -> semver::Version {
    let start = version.find(|c: char| c.is_ascii_digit()).unwrap_or(version.len());
    let digits = |c: char| c.is_ascii_digit() || c == '.';
    let end = version[start..].find(|c| !digits(c)).map_or(version.len(), |n| start + n);
    let mut numbers = version[start..end].split('.').map(|number| number.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    semver::Version::new(next(), next(), next())
}

/// Reads an `expected.toml`.
///
/// # Errors
/// When it cannot be read or holds anything but known failures.
pub fn load(file: &Path) -> Result<Vec<Waiver>, WaiverError> {
    let text = std::fs::read_to_string(file)
        .map_err(|source| WaiverError::Read { file: file.to_owned(), source })?;
    parse(file, &text)
}

/// Reads the text of an `expected.toml`; `file` is its name in errors and reports.
///
/// # Errors
/// When it holds anything but known failures.
pub fn parse(file: &Path, text: &str) -> Result<Vec<Waiver>, WaiverError> {
    let parsed: File = toml::from_str(text)
        .map_err(|source| WaiverError::Syntax { file: file.to_owned(), source: Box::new(source) })?;
    parsed.deviation.into_iter().enumerate().map(|(index, entry)| waiver(file, index, entry)).collect()
}

fn waiver(file: &Path, index: usize, entry: Entry) -> Result<Waiver, WaiverError> {
    let value = |key, problem: String| WaiverError::Value { file: file.to_owned(), index, key, problem };
    for (key, text) in [("clause", &entry.clause), ("reason", &entry.reason), ("link", &entry.link)] {
        if text.trim().is_empty() {
            return Err(value(key, "is empty".to_owned()));
        }
    }
    let verdict = entry.verdict.unwrap_or(Verdict::Fail);
    if !matches!(verdict, Verdict::Fail | Verdict::Warn | Verdict::Inconclusive) {
        let name = verdict.name();
        return Err(value("verdict", format!("`{name}` is no failure, expected fail, warn or inconclusive")));
    }
    let glob = Glob::new(&entry.case).map_err(|error| value("case", error.to_string()))?;
    let versions =
        semver::VersionReq::parse(&entry.versions).map_err(|error| value("versions", error.to_string()))?;
    let expires = entry
        .expires
        .parse::<Date>()
        .map_err(|_| value("expires", format!("`{}` is no date like 2027-06-30", entry.expires)))?;
    Ok(Waiver {
        file: file.display().to_string(),
        case: glob.compile_matcher(),
        role: entry.role,
        peer: entry.peer,
        versions,
        verdict,
        waived: Waived { reason: entry.reason, clause: entry.clause, link: entry.link },
        expires,
    })
}

/// The known failure that covers a result, if one does.
pub fn cover(waivers: &[Waiver], version: &str, result: &CaseResult) -> Option<Waived> {
    waivers
        .iter()
        .find(|waiver| {
            waiver.applies_to(&result.peer, version)
                && waiver.matches(&result.id, result.role)
                && waiver.verdict == result.verdict
        })
        .map(|waiver| waiver.waived.clone())
}

/// The entries that have expired on the day `today`, or match no case. `catalogue` holds ID and role of every case.
pub fn lint(waivers: &[Waiver], catalogue: &[(String, Role)], today: Date) -> Vec<WaiverProblem> {
    let mut problems = Vec::new();
    for waiver in waivers {
        if today >= waiver.expires {
            problems.push(waiver.problem(format!("expired on {}", waiver.expires)));
        }
        if !catalogue.iter().any(|(id, role)| waiver.matches(id, *role)) {
            problems.push(waiver.problem("matches no case".to_owned()));
        }
    }
    problems
}

/// The entries for one peer that are out of date on the day `today`: those that [`lint`] finds, and those whose
/// cases no longer fail.
///
/// `results` is what was run with the peer. A case that was not selected, or that gave no result about the peer,
/// decides nothing.
pub fn out_of_date(
    waivers: &[Waiver],
    (peer, version): (&str, &str),
    catalogue: &[(String, Role)],
    results: &[CaseResult],
    today: Date,
) -> Vec<WaiverProblem> {
    let applicable: Vec<_> = waivers.iter().filter(|w| w.applies_to(peer, version)).cloned().collect();
    let mut problems = lint(&applicable, catalogue, today);
    for waiver in &applicable {
        for result in results.iter().filter(|r| r.peer == peer && waiver.matches(&r.id, r.role)) {
            if matches!(result.verdict, Verdict::Pass | Verdict::Info) {
                let CaseResult { id, role, verdict, .. } = result;
                problems.push(waiver.problem(format!("no longer fails: {id} as {role} is `{verdict}`")));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use rstest::rstest;

    use super::*;
    use crate::testing;

    const ENTRY: &str = r#"[[deviation]]
case = "rfc2409/5.5*/commit*"
role = "initiator"
versions = ">=5.9, <6"
clause = "RFC2408-3.1-07"
reason = "ignores the commit bit"
link = "https://example.org/issue/1"
expires = "2027-06-30"
"#;

    fn waivers(text: &str) -> Vec<Waiver> {
        parse(Path::new("expected.toml"), text).unwrap()
    }

    fn problems(version: &str, id: &str, verdict: Verdict, today: Date) -> Vec<String> {
        let results = [testing::case(id, verdict)];
        let catalogue = [(id.to_owned(), Role::Initiator)];
        out_of_date(&waivers(ENTRY), ("self", version), &catalogue, &results, today)
            .into_iter()
            .map(|problem| problem.problem)
            .collect()
    }

    const ID: &str = "rfc2409/5.5-quick-mode/commit-bit";

    #[rstest]
    #[case::covered("5.9.8", ID, Verdict::Fail, true)]
    #[case::covered_in_distribution_version("U5.9.8-5+deb12", ID, Verdict::Fail, true)]
    #[case::other_version("6.0.1", ID, Verdict::Fail, false)]
    #[case::other_case("5.9.8", "rfc2409/5.4/other", Verdict::Fail, false)]
    #[case::other_verdict("5.9.8", ID, Verdict::Error, false)]
    fn covers_exactly_what_it_names(
        #[case] version: &str,
        #[case] id: &str,
        #[case] verdict: Verdict,
        #[case] covered: bool,
    ) {
        let result = testing::case(id, verdict);
        assert_eq!(cover(&waivers(ENTRY), version, &result).is_some(), covered);
    }

    #[test]
    fn does_not_cover_the_other_role() {
        let mut result = testing::case(ID, Verdict::Fail);
        result.role = Role::Responder;
        assert_eq!(cover(&waivers(ENTRY), "5.9.8", &result), None);
    }

    #[rstest]
    #[case::still_true(ID, Verdict::Fail, date(2027, 6, 29), &[])]
    #[case::expired(ID, Verdict::Fail, date(2027, 6, 30), &["expired on 2027-06-30"])]
    #[case::no_longer_fails(ID, Verdict::Pass, date(2027, 1, 1),
        &["no longer fails: rfc2409/5.5-quick-mode/commit-bit as initiator is `pass`"])]
    #[case::an_error_decides_nothing(ID, Verdict::Error, date(2027, 1, 1), &[])]
    #[case::matches_nothing("rfc2409/5.4/other", Verdict::Pass, date(2027, 1, 1), &["matches no case"])]
    fn an_entry_out_of_date_is_a_problem(
        #[case] id: &str,
        #[case] verdict: Verdict,
        #[case] today: Date,
        #[case] expected: &[&str],
    ) {
        assert_eq!(problems("5.9.8", id, verdict, today), expected);
    }

    #[test]
    fn an_entry_for_another_version_is_left_alone() {
        assert_eq!(problems("4.10", ID, Verdict::Pass, date(2030, 1, 1)), Vec::<String>::new());
    }

    #[rstest]
    #[case::unknown_key("links = \"x\"", "expected.toml: TOML parse error at line 9, column 1")]
    #[case::unknown_verdict(
        "verdict = \"pass\"",
        "expected.toml: deviation[0].verdict: `pass` is no failure"
    )]
    fn refuses_what_it_does_not_know(#[case] line: &str, #[case] message: &str) {
        let error = parse(Path::new("expected.toml"), &format!("{ENTRY}{line}\n")).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }

    #[rstest]
    #[case::reason("reason = \"ignores the commit bit\"", "reason = \" \"", "deviation[0].reason: is empty")]
    #[case::time("2027-06-30", "soon", "deviation[0].expires: `soon` is no date")]
    #[case::glob("commit*", "commit[", "deviation[0].case: ")]
    #[case::version(">=5.9", "new", "deviation[0].versions: ")]
    fn names_the_value_that_cannot_be_used(#[case] from: &str, #[case] to: &str, #[case] message: &str) {
        let error = parse(Path::new("expected.toml"), &ENTRY.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}
