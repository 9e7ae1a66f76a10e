//! Annotations of GitHub Actions: a workflow command for each verdict that was not expected.

use std::fmt::Write as _;

use ikev1_scenario::Verdict;

use crate::model::Report;
use crate::sources::Sources;
use crate::text::{SHOWN_CHARS_MAX, one_line};

/// Most annotations: GitHub shows ten errors of a step, and the log the others.
const ANNOTATIONS_MAX: usize = 50;

/// The lines for standard output.
pub fn annotations(report: &Report, sources: &Sources<'_>) -> String {
    let mut out = String::new();
    for case in report.unexpected().into_iter().take(ANNOTATIONS_MAX) {
        let level = if case.verdict == Verdict::Warn { "warning" } else { "error" };
        let title = format!("{} {} ({}, {})", case.verdict, case.id, case.peer, case.role);
        let clauses = case.requirements.join(", ");
        let message = format!("{} [{clauses}] rerun: {}", case.reason, case.rerun);
        annotate(&mut out, level, (sources.file)(&case.id).as_deref(), &title, &message);
    }
    for cell in report.cells().filter(|cell| !cell.expected).take(ANNOTATIONS_MAX) {
        let title =
            format!("{} {} -> {}: {}", cell.verdict, cell.initiator, cell.responder, cell.combination);
        annotate(&mut out, "error", None, &title, &format!("{} rerun: {}", cell.reason, cell.rerun));
    }
    for waiver in report.waivers.iter().take(ANNOTATIONS_MAX) {
        let title = format!("known failure {}", waiver.case);
        annotate(&mut out, "error", Some(&waiver.file), &title, &waiver.problem);
    }
    for error in report.run.errors.iter().take(ANNOTATIONS_MAX) {
        annotate(&mut out, "error", None, "fault of the harness or of its surroundings", error);
    }
    out
}

fn annotate(out: &mut String, level: &str, file: Option<&str>, title: &str, message: &str) {
    let file = file.map_or_else(String::new, |file| format!("file={},", property(file)));
    // Writing to a string cannot fail.
    let _ = writeln!(out, "::{level} {file}title={}::{}", property(title), data(message));
}

/// A message. Line ends are gone by now, and a percent sign begins an escape.
fn data(text: &str) -> String {
    one_line(text, SHOWN_CHARS_MAX).replace('%', "%25").replace("##", "#%23")
}

/// A property, which colons and commas would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn each_unexpected_verdict_is_an_annotation_of_its_scenario() {
        let mut report =
            testing::report([("rfc2409/5.4-psk/a", Verdict::Pass), ("rfc2409/5.4-psk/b", Verdict::Fail)]);
        report.cases[1].reason = "100% wrong,\nreally: ::error::x".to_owned();
        let file = |id: &str| Some(format!("scenarios/{id}.json"));
        let sources = Sources { clauses: &[], file: &file };
        insta::assert_snapshot!(annotations(&report, &sources), @r"::error file=scenarios/rfc2409/5.4-psk/b.json,title=fail rfc2409/5.4-psk/b (self%2C initiator)::100%25 wrong,\nreally: ::error::x [RFC2409-5.4-01] rerun: cargo xtask conform rfc2409/5.4-psk/b --role initiator --seed 7");
    }
}
