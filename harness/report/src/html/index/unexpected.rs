//! What is unexpected: the first thing on the page.

use std::collections::BTreeMap;

use ikev1_scenario::Verdict;
use ikev1_scenario::judge::Sight;
use maud::{Markup, html};

use crate::html::PAGE_FILE;
use crate::html::shown::{clean, count, href, verdict};
use crate::model::{CaseResult, CellResult, Report};

/// Most cases that the section lists; the list of cases has them all.
const CASES_SHOWN_MAX: usize = 200;

/// The section.
pub(super) fn section(report: &Report) -> Markup {
    let faults = faults(report);
    let mut cases = report.unexpected();
    // Our own faults come first: after one the other verdicts are evidence, but not a result.
    cases.sort_by_key(|case| case.verdict != Verdict::Error);
    let cells: Vec<&CellResult> = report.cells().filter(|cell| !cell.expected).collect();
    let nothing = faults.is_empty() && cases.is_empty() && cells.is_empty();
    html! {
        section id="unexpected" aria-labelledby="unexpected-title" {
            h2 id="unexpected-title" { "Unexpected" }
            @if nothing { p { "Nothing: every case has run, and every verdict is expected." } }
            @if !faults.is_empty() { ul.faults { @for fault in &faults { li { "‼ " (clean(fault)) } } } }
            ul.cases {
                @for case in cases.iter().take(CASES_SHOWN_MAX) { li { (case_link(case)) p.reason { (clean(&case.reason)) } } }
                @for cell in cells.iter().take(CASES_SHOWN_MAX) { li { (cell_line(cell)) } }
            }
            @if cases.len() > CASES_SHOWN_MAX {
                p { "and " a href="#view=cases&unexpected=1" { (count(cases.len() - CASES_SHOWN_MAX, "more case")) } }
            }
        }
    }
}

/// A case with its verdict, peer and role, and the way to its page where it has one.
pub(super) fn case_link(case: &CaseResult) -> Markup {
    let name = html! { (verdict(case.verdict)) " " span.id { (clean(&case.id)) } };
    html! {
        @if let Some(page) = page_of(&case.artefacts) { a href=(page) { (name) } } @else { (name) }
        " " span.dim { (clean(&case.peer)) ", harness is " (case.role.name()) ", " (case.level.name()) }
    }
}

fn cell_line(cell: &CellResult) -> Markup {
    html! {
        (verdict(cell.verdict)) " " span.id { (clean(&cell.initiator)) " → " (clean(&cell.responder)) ": " (clean(&cell.combination)) }
        p.reason { (clean(&cell.reason)) }
    }
}

/// The page of a case or probe: it stands beside its files, and there is none without files.
pub(super) fn page_of(artefacts: &BTreeMap<String, String>) -> Option<String> {
    let (folder, _) = artefacts.get("transcript")?.rsplit_once('/')?;
    Some(href(&format!("{folder}/{PAGE_FILE}")))
}

/// What went wrong apart from cases, one line each.
fn faults(report: &Report) -> Vec<String> {
    let mut faults = report.run.errors.clone();
    if report.run.interrupted {
        faults.push("interrupted before every case had run".to_owned());
    }
    if let Some(missing) = report.run.planned.checked_sub(report.done()).filter(|missing| *missing > 0) {
        faults.push(format!("{missing} of {} planned did not run", report.run.planned));
    }
    for peer in &report.peers {
        let failed = peer.sanity.iter().filter(|sanity| sanity.verdict != Verdict::Pass);
        faults.extend(failed.map(|sanity| {
            format!("{}: {} sanity handshake: {}: {}", peer.name, sanity.when, sanity.verdict, sanity.reason)
        }));
    }
    for waiver in &report.waivers {
        faults.push(format!("{}: known failure {}: {}", waiver.file, waiver.case, waiver.problem));
    }
    for stale in report.discovery.iter().flat_map(|found| &found.stale) {
        faults.push(format!(
            "{}: `{}` is said to be missing ({}), and {} was accepted: {}",
            stale.file, stale.capability, stale.reason, stale.probe, stale.evidence
        ));
    }
    for probe in report.probes().filter(|probe| matches!(probe.sight, Sight::Died | Sight::Error)) {
        faults.push(format!("{}: {}: {}: {}", probe.peer, probe.id, probe.sight.name(), probe.evidence));
    }
    faults.extend(
        report.vectors.iter().flat_map(|vectors| &vectors.failures).map(|line| format!("vector: {line}")),
    );
    faults
}
