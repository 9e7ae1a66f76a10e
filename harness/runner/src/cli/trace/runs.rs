//! What the cases of runs say of clauses.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use ikev1_report::json;
use ikev1_report::model::Report;
use ikev1_scenario::RequirementId;
use ikev1_scenario::case::Case;
use ikev1_scenario::coverage;
use ikev1_scenario::verdict::Verdict;

use crate::cli::error::CliError;

/// The verdicts of one or several runs by clause.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// Names of the peers, in the order in which they came.
    pub(super) peers: Vec<String>,
    /// The verdicts by peer and ID of a clause.
    verdicts: BTreeMap<(String, String), Vec<Verdict>>,
}

impl Runs {
    /// Reads the reports in these folders. A case speaks for the clauses that its scenario cites today, so that an older
    /// run tells of clauses that were added to the register since; one that is gone speaks for those in the report.
    pub(super) fn load(folders: &[PathBuf], cases: &[Case]) -> Result<Self, CliError> {
        let cited: BTreeMap<&str, &[RequirementId]> =
            cases.iter().map(|case| (case.id.as_str(), case.requirements.as_slice())).collect();
        let mut runs = Self::default();
        for folder in folders {
            let file = folder.join("report.json");
            let text = fs::read_to_string(&file).map_err(|error| {
                CliError::Usage(format!("{} is no folder of a run: {error}", folder.display()))
            })?;
            let report = json::parse(&text)
                .map_err(|error| CliError::Usage(format!("{}: {error}", file.display())))?;
            runs.add(report, &cited);
        }
        Ok(runs)
    }

    fn add(&mut self, report: Report, cited: &BTreeMap<&str, &[RequirementId]>) {
        let named = report.peers.into_iter().map(|peer| peer.name);
        for name in named.chain(report.cases.iter().map(|case| case.peer.clone())) {
            if !self.peers.contains(&name) {
                self.peers.push(name);
            }
        }
        for case in report.cases {
            let clauses = match cited.get(case.id.as_str()) {
                Some(clauses) => clauses.iter().map(ToString::to_string).collect(),
                None => case.requirements,
            };
            for clause in clauses {
                self.add_verdict(&case.peer, &clause, case.verdict);
            }
        }
    }

    /// Adds what one case says of a clause.
    pub(super) fn add_verdict(&mut self, peer: &str, clause: &str, verdict: Verdict) {
        self.verdicts.entry((peer.to_owned(), clause.to_owned())).or_default().push(verdict);
    }

    /// What the cases of a clause say of it with a peer; `None` when none was in the runs.
    pub(super) fn verdict(&self, peer: &str, clause: &RequirementId) -> Option<Verdict> {
        let found = self.verdicts.get(&(peer.to_owned(), clause.to_string()));
        coverage::verdict(found.into_iter().flatten().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report with one case of each given verdict.
    fn report(cases: &[(&str, &str, Verdict)]) -> Report {
        let cases: Vec<_> = cases
            .iter()
            .map(|(id, clause, verdict)| {
                serde_json::json!({
                    "id": id, "peer": "self", "role": "initiator", "level": "must", "verdict": verdict,
                    "expected": true, "description": "", "requirements": [clause], "duration_ms": 1,
                    "reason": "", "findings": [], "artefacts": {}, "rerun": "",
                })
            })
            .collect();
        let run = serde_json::to_value(ikev1_report::model::RunInfo::default()).unwrap();
        let summary = serde_json::to_value(ikev1_scenario::verdict::Counts::default()).unwrap();
        let report = serde_json::json!({
            "schema": "", "run": run, "peers": [], "cases": cases, "waivers": [], "summary": summary,
        });
        serde_json::from_value(report).unwrap()
    }

    #[test]
    fn a_case_speaks_for_what_it_cites_today_and_one_that_is_gone_for_what_it_cited() {
        let today: [RequirementId; 2] =
            ["RFC2409-5.4-01".parse().unwrap(), "RFC2409-5.4-02".parse().unwrap()];
        let cited = BTreeMap::from([("there", today.as_slice())]);
        let mut runs = Runs::default();
        runs.add(
            report(&[("there", "RFC2409-5.4-09", Verdict::Pass), ("gone", "RFC2409-5.4-02", Verdict::Fail)]),
            &cited,
        );
        let of = |clause: &str| runs.verdict("self", &clause.parse().unwrap());
        assert_eq!(of("RFC2409-5.4-01"), Some(Verdict::Pass));
        assert_eq!(of("RFC2409-5.4-02"), Some(Verdict::Fail));
        assert_eq!(of("RFC2409-5.4-09"), None);
        assert_eq!(runs.peers, ["self"]);
    }
}
