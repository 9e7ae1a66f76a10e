//! Exit codes. The README has them in one table, which a test compares with [`Outcome::ALL`] and [`Outcome::when`].
//!
//! 3 outweighs 1: after a fault of our own the other verdicts are evidence, but not a result.

use std::process::ExitCode;

use ikev1_scenario::Verdict;
use ikev1_scenario::judge::Sight;

use crate::model::Report;

/// What a command came to, with its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing unexpected: 0.
    Success,
    /// An unexpected verdict: 1.
    Unexpected,
    /// A wrong command line or input file: 2.
    Usage,
    /// A fault of the harness or of its surroundings: 3.
    Harness,
}

impl Outcome {
    /// What a run came to.
    pub fn of(report: &Report) -> Self {
        let run = &report.run;
        let sanity = report.peers.iter().flat_map(|peer| &peer.sanity);
        let fault = run.interrupted
            || !run.errors.is_empty()
            || report.done() < run.planned
            || sanity.into_iter().any(|sanity| sanity.verdict != Verdict::Pass)
            || report.cases.iter().any(|case| case.verdict == Verdict::Error)
            || report.cells().any(|cell| cell.verdict == Verdict::Error)
            || report.probes().any(|probe| probe.sight == Sight::Error);
        let wrong = report.cases.iter().any(|case| !case.expected)
            || report.cells().any(|cell| !cell.expected)
            || report.probes().any(|probe| probe.sight == Sight::Died)
            || report.discovery.iter().any(|found| !found.stale.is_empty())
            || !report.waivers.is_empty()
            || report.vectors.as_ref().is_some_and(|vectors| !vectors.failures.is_empty());
        match (fault, wrong) {
            (true, _) => Self::Harness,
            (false, true) => Self::Unexpected,
            (false, false) => Self::Success,
        }
    }

    /// All of them, by their exit codes.
    pub const ALL: [Self; 4] = [Self::Success, Self::Unexpected, Self::Usage, Self::Harness];

    /// When a command ends so.
    pub const fn when(self) -> &'static str {
        match self {
            Self::Success => {
                "everything ran, and nothing is unexpected: `pass`, `info`, `unsupported`, `warn` without `--strict`, known failures"
            }
            Self::Unexpected => {
                "an unexpected `fail` or `inconclusive`, with `--strict` also `warn`; a wrong vector; a known failure, a missing \
                 capability or a generated file out of date; a daemon that died of a probe; a mutant that no case catches; a \
                 testable clause without a case (`trace`); a MUST that a capture shows to be missed (`dissect`); a run that is worse than another (`compare`)"
            }
            Self::Usage => "a wrong command line, scenario or other input file; nothing was run",
            Self::Harness => {
                "a fault of the harness or of its surroundings: `error`, a panic, a failed sanity handshake, a peer that did not \
                 start, no Docker, a full disk, Ctrl-C"
            }
        }
    }

    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::Harness => 3,
        }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome.code())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::model::{VectorsResult, WaiverProblem};
    use crate::testing;

    #[test]
    fn the_table_of_the_readme_has_every_code_and_no_other() {
        let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
        let readme = std::fs::read_to_string(readme).unwrap();
        let table = readme.lines().skip_while(|line| !line.starts_with("| exit code |")).skip(2);
        let rows: Vec<&str> = table.take_while(|line| line.starts_with('|')).collect();
        let expected = Outcome::ALL.map(|outcome| format!("| {} | {} |", outcome.code(), outcome.when()));
        assert_eq!(rows, expected);
    }

    fn passing() -> Report {
        testing::report([("a/b/c", Verdict::Pass), ("a/b/d", Verdict::Info), ("a/b/e", Verdict::Unsupported)])
    }

    #[rstest]
    #[case::nothing_unexpected(|_: &mut Report| (), Outcome::Success)]
    #[case::fail(|r: &mut Report| testing::set(r, 0, Verdict::Fail), Outcome::Unexpected)]
    #[case::inconclusive(|r: &mut Report| testing::set(r, 0, Verdict::Inconclusive), Outcome::Unexpected)]
    #[case::error(|r: &mut Report| testing::set(r, 0, Verdict::Error), Outcome::Harness)]
    #[case::warn(|r: &mut Report| testing::set(r, 0, Verdict::Warn), Outcome::Success)]
    #[case::waived_fail(|r: &mut Report| { testing::set(r, 0, Verdict::Fail); r.cases[0].expected = true; }, Outcome::Success)]
    #[case::interrupted(|r: &mut Report| r.run.interrupted = true, Outcome::Harness)]
    #[case::case_missing(|r: &mut Report| r.run.planned += 1, Outcome::Harness)]
    #[case::fault(|r: &mut Report| r.run.errors.push("no Docker".into()), Outcome::Harness)]
    #[case::sanity(|r: &mut Report| r.peers[0].sanity[0].verdict = Verdict::Fail, Outcome::Harness)]
    #[case::wrong_vector(|r: &mut Report| r.vectors = Some(VectorsResult { failures: vec!["x".into()], ..Default::default() }), Outcome::Unexpected)]
    #[case::right_vectors(|r: &mut Report| r.vectors = Some(VectorsResult::default()), Outcome::Success)]
    #[case::stale_waiver(|r: &mut Report| r.waivers.push(WaiverProblem { file: "f".into(), case: "c".into(), problem: "p".into() }), Outcome::Unexpected)]
    #[case::stale(|r: &mut Report| { r.discovery = vec![testing::discovery(Sight::Accepted, true)]; }, Outcome::Unexpected)]
    #[case::refused(|r: &mut Report| { r.discovery = vec![testing::discovery(Sight::Refused, false)]; }, Outcome::Success)]
    #[case::daemon_died(|r: &mut Report| { r.discovery = vec![testing::discovery(Sight::Died, false)]; }, Outcome::Unexpected)]
    #[case::probe_error(|r: &mut Report| { r.discovery = vec![testing::discovery(Sight::Error, false)]; }, Outcome::Harness)]
    fn a_run_has_the_exit_code_of_the_table(#[case] change: fn(&mut Report), #[case] outcome: Outcome) {
        let mut report = passing();
        change(&mut report);
        assert_eq!(Outcome::of(&report), outcome);
    }
}
