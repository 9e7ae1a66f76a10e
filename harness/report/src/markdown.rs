//! `summary.md`: what a run came to, for step summaries, merge requests and chats.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ikev1_scenario::Verdict;
use ikev1_scenario::verdict::Counts;

use crate::Outcome;
use crate::model::{Finding, Report, version_beside};
use crate::text::one_line;

/// Longest text of one reason, in characters.
const TEXT_CHARS_MAX: usize = 500;
/// Most cases, cells or faults that are spelt out.
const SHOWN_MAX: usize = 50;

/// The text of `summary.md`.
pub fn render(report: &Report) -> String {
    let mut page = String::new();
    let title = match Outcome::of(report) {
        Outcome::Success => "nothing unexpected",
        Outcome::Unexpected => "unexpected verdicts",
        Outcome::Usage | Outcome::Harness => "a fault of the harness or of its surroundings",
    };
    put(&mut page, format_args!("# IKEv1 conformance: {title}\n"));
    unexpected(&mut page, report);
    faults(&mut page, report);
    peers(&mut page, report);
    if let Some(matrix) = &report.matrix {
        put(&mut page, format_args!("Daemon against daemon: {}\n", counts(&matrix.summary)));
    }
    if let Some(vectors) = &report.vectors {
        let wrong = vectors.failures.len();
        put(&mut page, format_args!("Vectors: {} checked, {wrong} wrong\n", vectors.checked));
    }
    put(&mut page, format_args!("Run again: {}\n", code(&report.run.command)));
    put(&mut page, format_args!("{}", plain(&report.run.notice)));
    page
}

fn unexpected(page: &mut String, report: &Report) {
    let cases = report.unexpected();
    for case in cases.iter().take(SHOWN_MAX) {
        let (verdict, id, peer, role) = (case.verdict, code(&case.id), plain(&case.peer), case.role);
        put(page, format_args!("- **{verdict}** {id} ({peer}, {role}): {}", plain(&case.reason)));
        put(page, format_args!("  - clauses: {}", code(&case.requirements.join(", "))));
        put(page, format_args!("  - rerun: {}", code(&case.rerun)));
        for finding in case.findings.iter().take(3) {
            let Finding { what, expected, got, .. } = finding;
            let [expected, got] = [expected, got].map(|value| value.as_deref().map_or("–".to_owned(), code));
            put(page, format_args!("  - found: {}; expected {expected}, came {got}", plain(what)));
        }
        for change in case.changes.iter().take(3) {
            put(page, format_args!("  - {}", plain(&change.to_string())));
        }
    }
    let cells: Vec<_> = report.cells().filter(|cell| !cell.expected).collect();
    for cell in cells.iter().take(SHOWN_MAX) {
        let pair = code(&format!("{} -> {}: {}", cell.initiator, cell.responder, cell.combination));
        put(page, format_args!("- **{}** {pair}: {}", cell.verdict, plain(&cell.reason)));
    }
    let shown = cases.len().min(SHOWN_MAX) + cells.len().min(SHOWN_MAX);
    let more = cases.len() + cells.len() - shown;
    if more > 0 {
        put(page, format_args!("- and {more} more"));
    }
    page.push_str(if shown > 0 { "\n" } else { "" });
}

fn faults(page: &mut String, report: &Report) {
    let mut lines: Vec<String> = report.run.errors.clone();
    lines.extend(
        report.waivers.iter().map(|waiver| format!("known failure {}: {}", waiver.case, waiver.problem)),
    );
    for peer in &report.peers {
        let failed = peer.sanity.iter().filter(|sanity| sanity.verdict != Verdict::Pass);
        lines.extend(
            failed
                .map(|sanity| format!("{}: {} sanity handshake: {}", peer.name, sanity.when, sanity.reason)),
        );
    }
    if report.run.interrupted {
        lines.push("interrupted before every case had run".to_owned());
    }
    for line in lines.iter().take(SHOWN_MAX) {
        put(page, format_args!("- **error** {}", plain(line)));
    }
    page.push_str(if lines.is_empty() { "" } else { "\n" });
}

/// A row per peer and role, a column per verdict.
fn peers(page: &mut String, report: &Report) {
    let mut rows: BTreeMap<(usize, &str, &str), Counts> = BTreeMap::new();
    for case in &report.cases {
        let position = report.peers.iter().position(|peer| peer.name == case.peer).unwrap_or(usize::MAX);
        rows.entry((position, &case.peer, case.role.name())).or_default().add(case.verdict);
    }
    if rows.is_empty() {
        return;
    }
    let names: Vec<_> = Verdict::ALL.iter().map(|verdict| verdict.name()).collect();
    put(page, format_args!("| peer | harness is | {} |", names.join(" | ")));
    put(page, format_args!("|---|---|{}", "---|".repeat(names.len())));
    for ((position, peer, role), sums) in rows {
        let version = report.peers.get(position).map_or("", |peer| peer.version.as_str());
        let cells: Vec<_> = Verdict::ALL.iter().map(|verdict| sums.get(*verdict).to_string()).collect();
        let name =
            version_beside(peer, version).map_or(peer.to_owned(), |version| format!("{peer} {version}"));
        put(page, format_args!("| {} | {role} | {} |", plain(&name), cells.join(" | ")));
    }
    let known = report.known_failures();
    let known = if known > 0 { format!("\n{known} of these are known failures.\n") } else { String::new() };
    put(page, format_args!("{known}"));
}

fn counts(counts: &Counts) -> String {
    let parts = Verdict::ALL.iter().map(|verdict| (verdict, counts.get(*verdict))).filter(|(_, n)| *n > 0);
    parts.map(|(verdict, n)| format!("{n} {verdict}")).collect::<Vec<_>>().join(", ")
}

fn put(page: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(page, "{line}");
}

/// Text in which no character is markup, a mention or a link.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in one_line(text, TEXT_CHARS_MAX).chars() {
        if c.is_ascii_punctuation() && !matches!(c, ',' | ';' | '\'' | '/' | '-' | '.' | '%') {
            out.push('\\');
        }
        out.push(c);
    }
    // GitHub makes a link of these letters alone.
    out.replace("www.", "www\\.")
}

/// Text as it is typed, in a span that no run of backticks in it ends.
fn code(text: &str) -> String {
    // A table would take the bar for the end of a cell even here.
    let text = one_line(text, TEXT_CHARS_MAX).replace('|', "\\u{7c}");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if text.is_empty() { "–".to_owned() } else { format!("{fence} {text} {fence}") }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::model::Waived;
    use crate::testing;

    #[test]
    fn a_summary_has_what_is_unexpected_first() {
        let report =
            testing::report([("rfc2409/5.4-psk/a", Verdict::Pass), ("rfc2409/5.4-psk/b", Verdict::Fail)]);
        insta::assert_snapshot!(render(&report), @r"
        # IKEv1 conformance: unexpected verdicts

        - **fail** ` rfc2409/5.4-psk/b ` (self, initiator): HASH\_I accepted although it was corrupted
          - clauses: ` RFC2409-5.4-01 `
          - rerun: ` cargo xtask conform rfc2409/5.4-psk/b --role initiator --seed 7 `
          - found: no notify; expected –, came –

        | peer | harness is | pass | info | unsupported | warn | inconclusive | fail | error |
        |---|---|---|---|---|---|---|---|---|
        | self ikev1 0.1.0 | initiator | 1 | 0 | 0 | 0 | 0 | 1 | 0 |

        Run again: ` cargo xtask conform `

        The files of this run hold test credentials \(pre-shared keys, passwords, private keys\), derived keys and decrypted messages.
        ");
    }

    #[rstest]
    #[case::a_release_in_the_name("charon-5.9.8", "5.9.8", "| charon-5.9.8 | initiator |")]
    #[case::another_version("charon-5.9", "5.9.8", "| charon-5.9 5.9.8 | initiator |")]
    #[case::a_number_that_ends_alike("charon-15.9.8", "5.9.8", "| charon-15.9.8 5.9.8 | initiator |")]
    #[case::no_version("charon", "", "| charon | initiator |")]
    fn a_peer_is_shown_with_its_version_once(#[case] name: &str, #[case] version: &str, #[case] row: &str) {
        let mut report = testing::report([("rfc2409/5.4-psk/a", Verdict::Pass)]);
        (report.peers[0].name, report.peers[0].version) = (name.to_owned(), version.to_owned());
        report.cases[0].peer = name.to_owned();
        let page = render(&report);
        assert!(page.lines().any(|line| line.starts_with(row)), "{page}");
    }

    #[test]
    fn known_failures_are_counted_below_the_table() {
        let mut report = testing::report([("rfc2409/5.4-psk/b", Verdict::Fail)]);
        assert!(!render(&report).contains("known failures"));
        report.cases[0].expected = true;
        report.cases[0].waived = Some(Waived { reason: "r".into(), clause: "c".into(), link: "l".into() });
        assert!(render(&report).contains("| 1 | 0 |\n\n1 of these are known failures.\n\nRun again"));
    }
}
