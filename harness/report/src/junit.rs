//! `junit.xml`: one suite per peer and role, one for the vectors, one for the run itself.
//!
//! GitLab, Jenkins and what renders JUnit on GitHub know a test by `classname` and `name` alone, so the class has peer and role;
//! Jenkins takes all before the last dot for a package, so that no other dot is in it. `file` is the scenario, for links.
//!
//! | verdict | in JUnit |
//! |---|---|
//! | `pass`, `info`, an expected `warn` | success; the reason is in `system-out` |
//! | `fail`, unexpected `warn` or `inconclusive` | `failure`, its type the verdict |
//! | `error` | `error` |
//! | `unsupported`, covered by a known failure | `skipped` with the reason |

use std::collections::BTreeMap;
use std::time::Duration;

use ikev1_scenario::Verdict;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use crate::model::{CaseResult, Finding, Report};
use crate::sources::Sources;
use crate::text::{SHOWN_CHARS_MAX, one_line};

/// The text of `junit.xml`.
///
/// # Errors
/// When the XML writer fails, which it does only without memory.
pub fn render(report: &Report, sources: &Sources<'_>) -> Result<String, quick_junit::SerializeError> {
    let mut document = quick_junit::Report::new("ikev1-conform");
    document.set_time(Duration::from_millis(report.run.duration_ms));
    let mut suites: BTreeMap<(usize, String), TestSuite> = BTreeMap::new();
    for case in &report.cases {
        let position = report.peers.iter().position(|peer| peer.name == case.peer).unwrap_or(usize::MAX);
        let name = clean(&format!("{} {}", case.peer, case.role.name()));
        suites
            .entry((position, name.clone()))
            .or_insert_with(|| TestSuite::new(name))
            .add_test_case(test_case(case, sources));
    }
    document.add_test_suites(suites.into_values());
    document.add_test_suites(pairs(report));
    if let Some(suite) = vectors(report) {
        document.add_test_suite(suite);
    }
    if let Some(suite) = whole_run(report) {
        document.add_test_suite(suite);
    }
    for suite in &mut document.test_suites {
        suite.add_property(("notice", clean(&report.run.notice).as_str()));
    }
    document.to_string()
}

fn test_case(case: &CaseResult, sources: &Sources<'_>) -> TestCase {
    let reason = clean(&case.reason);
    let mut status = match &case.waived {
        Some(waived) => skipped(&format!("known failure: {}", clean(&waived.reason))),
        None => status(case.verdict, case.expected, &reason),
    };
    if matches!(status, TestCaseStatus::NonSuccess { .. }) {
        status.set_description(details(case));
    }
    let succeeded = matches!(status, TestCaseStatus::Success { .. });
    let mut test = TestCase::new(clean(&case.id), status);
    let section = section_of(&case.id).replace('.', "_").replace('/', ".");
    test.set_classname(clean(&format!("{} {}.{section}", case.peer.replace('.', "_"), case.role)));
    if let Some(file) = (sources.file)(&case.id) {
        test.extra.insert("file".into(), clean(&file).into());
    }
    test.set_time(Duration::from_millis(case.duration_ms));
    if succeeded {
        test.set_system_out(format!("{}: {reason}", case.verdict));
    }
    test
}

/// A suite per pair of the matrix.
fn pairs(report: &Report) -> Vec<TestSuite> {
    let mut suites: Vec<TestSuite> = Vec::new();
    for cell in report.cells() {
        let name = clean(&format!("{} -> {}", cell.initiator, cell.responder));
        let reason = clean(&cell.reason);
        let mut status = status(cell.verdict, cell.expected, &reason);
        if matches!(status, TestCaseStatus::NonSuccess { .. }) {
            let mut lines = vec![reason.clone()];
            lines.extend(evidence(&cell.findings));
            lines.extend(cell.notes.iter().map(|note| clean(note)));
            lines.extend(cell.artefacts.iter().map(|(kind, path)| format!("{kind}: {}", clean(path))));
            lines.push(format!("rerun: {}", clean(&cell.rerun)));
            status.set_description(lines.join("\n"));
        }
        let succeeded = matches!(status, TestCaseStatus::Success { .. });
        let mut test = TestCase::new(clean(&cell.combination), status);
        test.set_classname(format!("matrix.{}", name.replace('.', "_")));
        test.set_time(Duration::from_millis(cell.duration_ms));
        if succeeded {
            test.set_system_out(format!("{}: {reason}", cell.verdict));
        }
        if suites.last().is_none_or(|suite| suite.name.as_str() != name) {
            suites.push(TestSuite::new(name));
        }
        if let Some(suite) = suites.last_mut() {
            suite.add_test_case(test);
        }
    }
    suites
}

/// The status of what no known failure covers.
fn status(verdict: Verdict, expected: bool, reason: &str) -> TestCaseStatus {
    match verdict {
        Verdict::Unsupported => skipped(reason),
        Verdict::Error => failure(NonSuccessKind::Error, "error", reason),
        verdict if !expected => failure(NonSuccessKind::Failure, verdict.name(), reason),
        _ => TestCaseStatus::success(),
    }
}

/// The evidence of a case, a line each.
fn details(case: &CaseResult) -> String {
    let mut lines = vec![clean(&case.reason)];
    if !case.requirements.is_empty() {
        lines.push(format!("requirements: {}", clean(&case.requirements.join(", "))));
    }
    lines.extend(evidence(&case.findings));
    lines.extend(case.changes.iter().map(|change| clean(&change.to_string())));
    lines.extend(case.artefacts.iter().map(|(kind, path)| format!("{kind}: {}", clean(path))));
    lines.push(format!("rerun: {}", clean(&case.rerun)));
    lines.join("\n")
}

/// A line for each finding.
fn evidence(findings: &[Finding]) -> Vec<String> {
    let mut lines = Vec::new();
    for finding in findings {
        let mut line = clean(&finding.what);
        for (name, value) in [
            ("datagram", finding.packet.map(|n| n.to_string())),
            ("field", finding.field.clone()),
            ("expected", finding.expected.clone()),
            ("got", finding.got.clone()),
        ] {
            if let Some(value) = value {
                line.push_str(&format!("; {name} {}", clean(&value)));
            }
        }
        lines.push(line);
    }
    lines
}

fn vectors(report: &Report) -> Option<TestSuite> {
    let vectors = report.vectors.as_ref()?;
    let status = if vectors.failures.is_empty() {
        TestCaseStatus::success()
    } else {
        let lines: Vec<_> = vectors.failures.iter().map(|line| clean(line)).collect();
        let mut status = failure(
            NonSuccessKind::Failure,
            "fail",
            &format!("{} vectors are wrong", vectors.failures.len()),
        );
        status.set_description(lines.join("\n"));
        status
    };
    let mut test = TestCase::new("vectors", status);
    test.set_time(Duration::from_millis(vectors.duration_ms));
    let mut suite = TestSuite::new("vectors");
    suite.add_test_case(test);
    Some(suite)
}

/// What went wrong apart from cases: faults, failed sanity handshakes, known failures that are out of date.
fn whole_run(report: &Report) -> Option<TestSuite> {
    let mut suite = TestSuite::new("run");
    for error in &report.run.errors {
        suite.add_test_case(TestCase::new("fault", failure(NonSuccessKind::Error, "error", &clean(error))));
    }
    for peer in &report.peers {
        for sanity in peer.sanity.iter().filter(|sanity| sanity.verdict != Verdict::Pass) {
            let name = format!("sanity handshake, {}: {}", clean(&sanity.when), clean(&peer.name));
            suite.add_test_case(TestCase::new(
                name,
                failure(NonSuccessKind::Error, "error", &clean(&sanity.reason)),
            ));
        }
    }
    for waiver in &report.waivers {
        let name = format!("known failure {}", clean(&waiver.case));
        let message = format!("{}: {}", clean(&waiver.file), clean(&waiver.problem));
        suite.add_test_case(TestCase::new(name, failure(NonSuccessKind::Failure, "fail", &message)));
    }
    if report.run.interrupted {
        let status = failure(NonSuccessKind::Error, "error", "interrupted before every case had run");
        suite.add_test_case(TestCase::new("interrupted", status));
    }
    (!suite.test_cases.is_empty()).then_some(suite)
}

fn failure(kind: NonSuccessKind, verdict: &str, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(verdict);
    status.set_message(message);
    status
}

fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(message);
    status
}

fn clean(text: &str) -> String {
    one_line(text, SHOWN_CHARS_MAX)
}

/// The section of a case: the first two folders of its ID.
pub(crate) fn section_of(id: &str) -> String {
    let mut folders: Vec<_> = id.split('/').take(3).collect();
    folders.truncate(folders.len().saturating_sub(1).clamp(1, 2));
    folders.join("/")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::model::Waived;
    use crate::testing;

    #[test]
    fn shows_each_verdict_in_its_place() {
        let mut report = testing::report([
            ("rfc2409/5.4-psk/a", Verdict::Pass),
            ("rfc2409/5.4-psk/b", Verdict::Fail),
            ("rfc2409/5.4-psk/c", Verdict::Unsupported),
            ("rfc2409/5.4-psk/d", Verdict::Error),
            ("rfc2409/5.4-psk/e", Verdict::Fail),
        ]);
        report.cases[4].waived = Some(Waived {
            reason: "old bug".into(),
            clause: "RFC2409-5.4-01".into(),
            link: "https://x".into(),
        });
        insta::assert_snapshot!(render(&report, &Sources::default()).unwrap(), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="ikev1-conform" tests="5" skipped="2" failures="1" errors="1" time="1.234">
            <testsuite name="self initiator" tests="5" skipped="2" errors="1" failures="1">
                <properties>
                    <property name="notice" value="The files of this run hold test credentials (pre-shared keys, passwords, private keys), derived keys and decrypted messages."/>
                </properties>
                <testcase name="rfc2409/5.4-psk/a" classname="self initiator.rfc2409.5_4-psk" time="0.003">
                    <system-out>pass: HASH_I accepted although it was corrupted</system-out>
                </testcase>
                <testcase name="rfc2409/5.4-psk/b" classname="self initiator.rfc2409.5_4-psk" time="0.003">
                    <failure message="HASH_I accepted although it was corrupted" type="fail">HASH_I accepted although it was corrupted
        requirements: RFC2409-5.4-01
        no notify; datagram 6
        transcript: self/rfc2409/5.4-psk/b/initiator/transcript.jsonl
        rerun: cargo xtask conform rfc2409/5.4-psk/b --role initiator --seed 7</failure>
                </testcase>
                <testcase name="rfc2409/5.4-psk/c" classname="self initiator.rfc2409.5_4-psk" time="0.003">
                    <skipped message="HASH_I accepted although it was corrupted"/>
                </testcase>
                <testcase name="rfc2409/5.4-psk/d" classname="self initiator.rfc2409.5_4-psk" time="0.003">
                    <error message="HASH_I accepted although it was corrupted" type="error">HASH_I accepted although it was corrupted
        requirements: RFC2409-5.4-01
        no notify; datagram 6
        transcript: self/rfc2409/5.4-psk/d/initiator/transcript.jsonl
        rerun: cargo xtask conform rfc2409/5.4-psk/d --role initiator --seed 7</error>
                </testcase>
                <testcase name="rfc2409/5.4-psk/e" classname="self initiator.rfc2409.5_4-psk" time="0.003">
                    <skipped message="known failure: old bug"/>
                </testcase>
            </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn shows_what_is_wrong_apart_from_cases() {
        let mut report = testing::report([]);
        report.run.errors.push("Docker is not reachable".to_owned());
        report.run.interrupted = true;
        report.vectors = Some(crate::model::VectorsResult {
            failures: vec!["cavp.json tc 4: SKEYID differs".to_owned()],
            ..Default::default()
        });
        insta::assert_snapshot!(render(&report, &Sources::default()).unwrap(), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="ikev1-conform" tests="3" skipped="0" failures="1" errors="2" time="1.234">
            <testsuite name="vectors" tests="1" skipped="0" errors="0" failures="1">
                <properties>
                    <property name="notice" value="The files of this run hold test credentials (pre-shared keys, passwords, private keys), derived keys and decrypted messages."/>
                </properties>
                <testcase name="vectors" time="0.000">
                    <failure message="1 vectors are wrong" type="fail">cavp.json tc 4: SKEYID differs</failure>
                </testcase>
            </testsuite>
            <testsuite name="run" tests="2" skipped="0" errors="2" failures="0">
                <properties>
                    <property name="notice" value="The files of this run hold test credentials (pre-shared keys, passwords, private keys), derived keys and decrypted messages."/>
                </properties>
                <testcase name="fault">
                    <error message="Docker is not reachable" type="error"/>
                </testcase>
                <testcase name="interrupted">
                    <error message="interrupted before every case had run" type="error"/>
                </testcase>
            </testsuite>
        </testsuites>
        "#);
    }

    #[rstest]
    #[case::with_section("rfc2409/5.4-psk/main/aes128-sha1", "rfc2409/5.4-psk")]
    #[case::shallow("rfc2409/a", "rfc2409")]
    #[case::flat("a", "a")]
    fn finds_the_section_of_a_case(#[case] id: &str, #[case] section: &str) {
        assert_eq!(section_of(id), section);
    }
}
