//! The page as a whole.

use maud::{Markup, html};

use super::rows::{ClauseEntry, rows};
use super::{daemons, discovery, matrix, unexpected};
use crate::exit::Outcome;
use crate::html::frame::{Script, document};
use crate::html::shown::{clean, count, duration, seed, verdict};
use crate::html::{CASES_WITH_ALL_PAGES_MAX, data};
use crate::model::{CaseResult, PeerInfo, Report, version_beside};
use ikev1_scenario::Verdict;

const SCRIPT: Script = Script(include_str!("../assets/index.js"));

/// The page of a run; `clauses` is the register of requirements.
pub fn render(report: &Report, clauses: &[ClauseEntry]) -> String {
    let title = format!("{}: run {}", outcome(report).1, clean(&report.run.id));
    let known = known_failures(report);
    let body = html! {
        header {
            h1 { "IKEv1 conformance, run " (clean(&report.run.id)) }
            (banner(report))
            p.dim { (clean(&report.run.notice)) }
            nav aria-label="parts of this page" {
                ul.parts {
                    li { a href="#unexpected" { "Unexpected" } }
                    @if !report.cases.is_empty() { li { a href="#matrix" { "Sections" } } li { a href="#results" { "Cases and clauses" } } }
                    @if report.matrix.is_some() { li { a href="#daemons" { "Daemon against daemon" } } }
                    @if !report.discovery.is_empty() { li { a href="#speaks" { "What peers speak" } } }
                    @if !known.is_empty() { li { a href="#known" { "Known failures" } } }
                    li { a href="#run" { "The run" } }
                }
            }
        }
        main id="main" tabindex="-1" {
            (unexpected::section(report))
            @if !report.cases.is_empty() { (matrix::section(report)) (results(report.cases.len())) }
            (daemons::section(report))
            (discovery::section(report))
            (known_section(&known))
            (run(report))
        }
    };
    document(&title, &body, Some(&data::json(&rows(report, clauses))), SCRIPT)
}

/// What the run came to: a class and a word.
fn outcome(report: &Report) -> (&'static str, &'static str) {
    match Outcome::of(report) {
        Outcome::Success => ("pass", "✓ nothing unexpected"),
        Outcome::Unexpected => ("fail", "✗ unexpected"),
        Outcome::Usage | Outcome::Harness => ("error", "‼ fault of the harness"),
    }
}

fn banner(report: &Report) -> Markup {
    let (class, word) = outcome(report);
    let cells = report.matrix.as_ref().map(|matrix| matrix.summary);
    let known = report.known_failures();
    html! {
        p class={ "banner " (class) } {
            strong { (word) } " "
            @for (counts, what) in [(Some(report.summary), "case"), (cells, "cell")] {
                @if let Some(counts) = counts.filter(|counts| counts.total() > 0) {
                    span.sums {
                        (count(counts.total() as usize, what)) ":"
                        @for each in Verdict::ALL.iter().rev().filter(|each| counts.get(**each) > 0) {
                            " " span.sum { (counts.get(*each)) " " (verdict(*each)) }
                        }
                    }
                }
            }
            @if known > 0 { " " a href="#known" { (count(known, "known failure")) } }
        }
    }
}

/// The filter and the two lists that the script fills.
fn results(cases: usize) -> Markup {
    html! {
        section id="results" aria-labelledby="results-title" {
            h2 id="results-title" { "Cases and clauses" }
            noscript { p.gone { "The lists need the script of this page; report.json has the same." } }
            form.filter id="filter" role="search" aria-label="filter" hidden {
                fieldset.views {
                    legend.vh { "list" }
                    label { input type="radio" name="view" value="cases" checked; " cases" }
                    label { input type="radio" name="view" value="clauses"; " clauses" }
                }
                label.wide { "text " input type="search" name="q" placeholder="ID, reason, requirement (key /)" autocomplete="off"; }
                label { "section " select name="section" { option value="" { "all" } } }
                label { "peer " select name="peer" { option value="" { "all" } } }
                label { "harness is " select name="role" {
                    option value="" { "either" } option value="initiator" { "initiator" } option value="responder" { "responder" }
                } }
                label { "level " select name="level" {
                    option value="" { "all" } option value="must" { "must" } option value="should" { "should" } option value="may" { "may" }
                } }
                fieldset.verdicts id="verdicts" { legend { "verdict" } }
                label { input type="checkbox" name="unexpected" value="1"; " only unexpected" }
                label.for-clauses { input type="checkbox" name="untested" value="1"; " also clauses without a case in this run" }
                button type="reset" { "Show all" }
            }
            @if cases > CASES_WITH_ALL_PAGES_MAX {
                p.dim { "In a run of more than " (CASES_WITH_ALL_PAGES_MAX) " cases those that passed have no page; their files are kept, and a run of fewer cases has all." }
            }
            p id="count" role="status" {}
            ul.rows id="rows" {}
            p { button type="button" id="more" hidden { "Show more" } }
        }
    }
}

/// Known failures, each reason with its cases.
fn known_failures(report: &Report) -> Vec<(&crate::model::Waived, Vec<&CaseResult>)> {
    let mut known: Vec<(&crate::model::Waived, Vec<&CaseResult>)> = Vec::new();
    for case in &report.cases {
        let Some(waived) = &case.waived else { continue };
        match known.iter_mut().find(|(other, _)| *other == waived) {
            Some((_, cases)) => cases.push(case),
            None => known.push((waived, vec![case])),
        }
    }
    known
}

fn known_section(known: &[(&crate::model::Waived, Vec<&CaseResult>)]) -> Markup {
    html! {
        @if !known.is_empty() {
            section id="known" aria-labelledby="known-title" {
                h2 id="known-title" { "Known failures" }
                p.dim { "Deviations that a peer is known for; they let the run succeed until they expire or stop failing." }
                @for (waived, cases) in known {
                    details {
                        summary { b { (clean(&waived.clause)) } " " (clean(&waived.reason)) " " span.dim { (count(cases.len(), "case")) } }
                        p { "Tracked at " (clean(&waived.link)) }
                        ul { @for case in cases { li { (unexpected::case_link(case)) } } }
                    }
                }
            }
        }
    }
}

fn run(report: &Report) -> Markup {
    let run = &report.run;
    html! {
        section id="run" aria-labelledby="run-title" {
            h2 id="run-title" { "The run" }
            dl.facts {
                dt { "started" } dd { (clean(&run.started)) }
                dt { "took" } dd { (duration(run.duration_ms)) }
                dt { "seed" } dd { (seed(run)) }
                dt { "harness" } dd { (clean(&run.version)) }
                @if run.strict { dt { "strict" } dd { "a recommendation that is missed is unexpected" } }
                dt { "done" } dd { (report.done()) " of " (run.planned) " planned" }
                @if let Some(vectors) = &report.vectors {
                    dt { "vectors" }
                    dd { (vectors.checked) " in " (count(usize::try_from(vectors.files).unwrap_or(usize::MAX), "file"))
                        ", on " (clean(&vectors.providers.join(", "))) ": " (count(vectors.failures.len(), "failure")) }
                }
            }
            pre.command tabindex="0" { (clean(&run.command)) }
            @for peer in &report.peers { (peer_info(peer)) }
            p { a href="./report.json" { "report.json" } " " a href="./junit.xml" { "junit.xml" } }
        }
    }
}

fn peer_info(peer: &PeerInfo) -> Markup {
    html! {
        details {
            summary { b { (clean(&peer.name)) } @if let Some(version) = version_beside(&peer.name, &peer.version) { " " (clean(version)) } }
            dl.facts {
                @for sanity in &peer.sanity {
                    dt { (clean(&sanity.when)) " handshake" } dd { (verdict(sanity.verdict)) " " (clean(&sanity.reason)) }
                }
                @if let Some(kernel) = &peer.kernel { dt { "kernel" } dd { (clean(kernel)) } }
                dt { "can do" } dd { (clean(&peer.capabilities.join(", "))) }
            }
        }
    }
}
