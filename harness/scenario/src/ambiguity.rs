//! The register of ambiguities: what the RFCs leave open, the readings that there are, and the cases that record which one a
//! peer takes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::case::Case;
use crate::model::{AcceptedVerdict, Level};
use crate::select::{matcher, nearest};

/// The register's file in the folder of requirements.
pub const AMBIGUITIES_FILE: &str = "ambiguities.toml";

/// The register of ambiguities.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ambiguities {
    /// Its entries.
    #[serde(rename = "ambiguity", default)]
    pub entries: Vec<Ambiguity>,
}

/// Something that the RFCs leave open.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ambiguity {
    /// A name that never changes.
    pub id: String,
    /// The sections that it is about.
    pub sections: Vec<String>,
    /// What is left open.
    pub question: String,
    /// IDs of the cases that record a reading, or globs of them.
    pub cases: Vec<String>,
    /// The readings.
    #[serde(rename = "reading")]
    pub readings: Vec<Reading>,
}

/// A reading of what is left open.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// What whoever reads it so does.
    pub text: String,
    /// The outcomes of the cases that show it, by their `because`.
    pub because: Vec<String>,
}

/// A register that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AmbiguityError {
    /// The file could not be read.
    #[error("could not read {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not in the format of the register.
    #[error("{}: {problem}", path.display())]
    Format {
        /// Which.
        path: PathBuf,
        /// What is wrong, with line and column.
        problem: String,
    },
}

impl Ambiguities {
    /// Loads the register from the folder of scenarios; an empty one when there is none.
    ///
    /// # Errors
    /// When the file cannot be read or is not in the format.
    pub fn load(scenarios: &Path) -> Result<Self, AmbiguityError> {
        let path = scenarios.join("requirements").join(AMBIGUITIES_FILE);
        if !path.exists() {
            return Ok(Self::default());
        }
        let text =
            fs::read_to_string(&path).map_err(|source| AmbiguityError::Io { path: path.clone(), source })?;
        toml::from_str(&text).map_err(|error| AmbiguityError::Format { path, problem: error.to_string() })
    }

    /// What is wrong with the entries, beside the format: cases that do not exist or record nothing, outcomes that no case has or that show no reading,
    /// entries without a choice, IDs that are there twice.
    pub fn check(&self, cases: &[Case]) -> Vec<String> {
        let mut problems = Vec::new();
        let mut ids = BTreeSet::new();
        for entry in &self.entries {
            let mut report = |problem: String| problems.push(format!("ambiguity `{}`: {problem}", entry.id));
            if !ids.insert(entry.id.as_str()) {
                report("is there twice".to_owned());
            }
            if entry.readings.len() < 2 {
                report("has fewer than two readings, so nothing is left open".to_owned());
            }
            if entry.sections.is_empty() || entry.cases.is_empty() {
                report("names no section or no case".to_owned());
            }
            let mut known = BTreeSet::new();
            for pattern in &entry.cases {
                let found = match entry.matching(pattern, cases) {
                    Ok(found) => found,
                    Err(problem) => {
                        report(problem);
                        continue;
                    }
                };
                if found.is_empty() {
                    let near = nearest(pattern, cases.iter().map(|case| case.id.as_str()));
                    report(format!("no case is `{pattern}`{}", crate::select::did_you_mean(&near)));
                }
                for case in found {
                    if !records(case) {
                        report(format!(
                            "case `{}` has no outcome that is `info`, so it records no reading",
                            case.id
                        ));
                    }
                    known.extend(case.accept.iter().map(|acceptance| acceptance.because.as_str()));
                }
            }
            let mut shown = BTreeSet::new();
            for because in entry.readings.iter().flat_map(|reading| &reading.because) {
                if !known.contains(because.as_str()) {
                    report(format!("none of its cases has the outcome `{because}`"));
                }
                if !shown.insert(because.as_str()) {
                    report(format!("the outcome `{because}` shows two readings"));
                }
            }
            for because in known.difference(&shown) {
                report(format!("the outcome `{because}` of its cases shows no reading"));
            }
        }
        problems
    }
}

impl Ambiguity {
    fn matching<'a>(&self, pattern: &str, cases: &'a [Case]) -> Result<Vec<&'a Case>, String> {
        let glob = matcher(pattern).map_err(|error| error.to_string())?;
        Ok(cases.iter().filter(|case| glob.is_match(&case.id)).collect())
    }

    /// What tells whether a case of an ID records a reading.
    pub fn case_filter(&self) -> impl Fn(&str) -> bool + use<> {
        let globs: Vec<_> = self.cases.iter().filter_map(|pattern| matcher(pattern).ok()).collect();
        move |id| globs.iter().any(|glob| glob.is_match(id))
    }

    /// The index of the reading that a case's result shows, by its reason; `None` when it shows none.
    pub fn reading(&self, reason: &str) -> Option<usize> {
        let shows = |because: &String| reason == because || reason.ends_with(&format!(": {because}"));
        self.readings.iter().position(|reading| reading.because.iter().any(shows))
    }
}

/// Whether a case can come out `info`.
fn records(case: &Case) -> bool {
    case.level == Level::May
        || case.accept.iter().any(|acceptance| acceptance.verdict == AcceptedVerdict::Info)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::testing::case_of;

    const GOOD: &str = r#"
[[ambiguity]]
id = "a"
sections = ["RFC 2409 5.4"]
question = "q"
cases = ["rfc2409/5.4/*"]

[[ambiguity.reading]]
text = "one"
because = ["it is so"]

[[ambiguity.reading]]
text = "two"
because = ["it is not"]
"#;

    fn cases() -> Vec<Case> {
        vec![case_of(
            r#""steps": [{"start": {"exchange": "phase-1"}}],
            "accept": [{"because": "it is so", "all": [{"no_sa": {}}]},
                       {"because": "it is not", "verdict": "info", "all": [{"no_sa": {}}]}]"#,
        )]
    }

    #[rstest]
    #[case::nothing_wrong("", "", "")]
    #[case::no_such_case(
        "rfc2409/5.4/*",
        "rfc2409/5.4/sampel",
        "ambiguity `a`: no case is `rfc2409/5.4/sampel`; did you mean `rfc2409/5.4/sample`?\n\
         ambiguity `a`: none of its cases has the outcome `it is so`\n\
         ambiguity `a`: none of its cases has the outcome `it is not`"
    )]
    #[case::no_such_outcome(
        "it is not",
        "it was",
        "ambiguity `a`: none of its cases has the outcome `it was`\n\
         ambiguity `a`: the outcome `it is not` of its cases shows no reading"
    )]
    #[case::outcome_of_two_readings(
        "it is not",
        "it is so",
        "ambiguity `a`: the outcome `it is so` shows two readings\n\
         ambiguity `a`: the outcome `it is not` of its cases shows no reading"
    )]
    #[case::no_sections(r#"["RFC 2409 5.4"]"#, "[]", "ambiguity `a`: names no section or no case")]
    fn an_entry_is_held_against_its_cases(#[case] from: &str, #[case] to: &str, #[case] expected: &str) {
        let register: Ambiguities = toml::from_str(&GOOD.replace(from, to)).unwrap();
        assert_eq!(register.check(&cases()).join("\n"), expected);
    }

    #[test]
    fn a_case_that_cannot_come_out_info_records_nothing() {
        let register: Ambiguities = toml::from_str(GOOD).unwrap();
        let mut cases = cases();
        cases[0].accept[1].verdict = AcceptedVerdict::Pass;
        let expected = "ambiguity `a`: case `rfc2409/5.4/sample` has no outcome that is `info`, so it records no reading";
        assert_eq!(register.check(&cases), [expected]);
    }

    #[test]
    fn a_reason_shows_a_reading_also_behind_what_befell_the_daemon() {
        let register: Ambiguities = toml::from_str(GOOD).unwrap();
        let entry = &register.entries[0];
        assert_eq!(entry.reading("it is not"), Some(1));
        assert_eq!(
            entry.reading("the peer's daemon met a fault of its own: x; else info: it is so"),
            Some(0)
        );
        assert_eq!(entry.reading("it is"), None);
        let is_of_it = entry.case_filter();
        assert!(is_of_it("rfc2409/5.4/sample") && !is_of_it("rfc2409/5.5/sample"));
    }

    #[test]
    fn the_committed_register_fits_the_committed_scenarios() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        let library = crate::Library::load(&folder).unwrap_or_else(|errors| panic!("{errors}"));
        let cases = crate::expand_all(&library.scenarios, crate::DEFAULT_GROUP);
        let register = Ambiguities::load(&folder).unwrap_or_else(|error| panic!("{error}"));
        assert!(register.entries.len() >= 20);
        assert_eq!(register.check(&cases), Vec::<String>::new());
    }
}
