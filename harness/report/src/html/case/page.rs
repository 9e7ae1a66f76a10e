//! The page as a whole.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::evidence::{Acceptance, CasePage, Clause, Evidence, State, StepState, Value};
use super::ladder::Ends;
use super::{ladder, message};
use crate::html::frame::{Script, document};
use crate::html::shown::{clean, count, duration, href, seed, verdict};
use crate::model::{CaseResult, Change, Finding, version_beside};

const SCRIPT: Script = Script(include_str!("../assets/case.js"));
/// Characters of a line of a log that the page shows.
const LOG_LINE_MAX: usize = 1_000;

/// The page of a case that was played.
pub fn render(page: &CasePage<'_>) -> String {
    let result = page.result;
    let title = format!("{}: {}", result.verdict, clean(&result.id));
    let body = html! {
        header {
            nav aria-label="where this is" {
                a href=(home(result)) { "Run " (clean(&page.run.id)) } " › " (clean(&result.peer)) " › " (clean(result.role.name()))
            }
            h1 { (verdict(result.verdict)) " " (clean(&result.id)) }
            (facts(page))
            p.dim { (clean(&page.run.notice)) }
        }
        main id="main" tabindex="-1" {
            section aria-labelledby="why" {
                h2 id="why" { "Why" }
                p.reason { (clean(&result.reason)) }
                @if let Some(waived) = &result.waived {
                    p { strong { "Known failure." } " " (clean(&waived.reason)) " (" (clean(&waived.clause)) ", " (clean(&waived.link)) ")" }
                }
                (findings(&result.findings))
                (changes(&result.changes))
                @if !result.notes.is_empty() { ul { @for note in &result.notes { li { (clean(note)) } } } }
                p { "Run it again:" }
                pre.command.rerun tabindex="0" { (clean(&result.rerun)) }
            }
            (clauses(page.clauses))
            @match page.evidence {
                Ok(evidence) => (recorded(evidence, result)),
                Err(why) => section { h2 { "What was recorded" } p.gone { "Not shown: " (clean(why)) } },
            }
            (files(&result.artefacts))
        }
    };
    document(&title, &body, None, SCRIPT)
}

/// The way from the folder of the case to that of the run.
fn home(result: &CaseResult) -> String {
    let folder = result
        .artefacts
        .values()
        .next()
        .and_then(|path| path.rsplit_once('/'))
        .map_or("", |(folder, _)| folder);
    let depth = folder.split('/').filter(|part| !part.is_empty()).count();
    format!("{}{}", "../".repeat(depth), crate::html::PAGE_FILE)
}

fn facts(page: &CasePage<'_>) -> Markup {
    let result = page.result;
    let expected = match (&result.waived, result.expected) {
        (Some(_), _) => "expected, as a known failure",
        (None, true) => "expected",
        (None, false) => "unexpected",
    };
    html! {
        p { (clean(&result.description)) }
        dl.facts.row {
            div { dt { "verdict" } dd { (result.verdict.name()) ", " (expected) } }
            div { dt { "level" } dd { (result.level.name()) } }
            div { dt { "peer" } dd { (clean(&result.peer)) @if let Some(version) = version_beside(&result.peer, page.peer_version) { ", " (clean(version)) } } }
            div { dt { "harness is" } dd { (result.role.name()) } }
            div { dt { "took" } dd { (duration(result.duration_ms)) } }
            div { dt { "seed" } dd { (seed(page.run)) } }
        }
    }
}

fn findings(findings: &[Finding]) -> Markup {
    html! {
        @for finding in findings {
            dl.finding {
                dt { "found" } dd { strong { (clean(&finding.what)) } }
                @if let Some(packet) = finding.packet {
                    dt { "where" }
                    dd {
                        a href={ "#m" (packet) } { "message " (packet) }
                        @if let Some(field) = &finding.field { ", " code { (clean(field)) } }
                        @if let Some(offset) = finding.offset { ", octet " (offset) }
                    }
                } @else if let Some(field) = &finding.field {
                    dt { "where" } dd { code { (clean(field)) } }
                }
                @if let Some(expected) = &finding.expected { dt { "expected" } dd.value { (clean(expected)) } }
                @if let Some(got) = &finding.got { dt { "came" } dd.value { (clean(got)) } }
            }
        }
    }
}

/// What the case has changed: what the peer was to answer to, or to refuse.
fn changes(changes: &[Change]) -> Markup {
    html! {
        @if !changes.is_empty() {
            dl.finding.changed {
                @for change in changes {
                    dt { "changed" }
                    dd {
                        a href={ "#m" (change.packet) } { "message " (change.packet) }
                        ", " code { (clean(&change.field)) } ", octet " (change.offset) ": "
                        @match &change.is { Some(is) => code { (clean(is)) }, None => "gone" }
                        @match &change.was { Some(was) => { ", was " code { (clean(was)) } } None => ", was not there" }
                    }
                }
            }
        }
    }
}

fn clauses(clauses: &[Clause]) -> Markup {
    html! {
        section aria-labelledby="clauses" {
            h2 id="clauses" { "Clauses" }
            dl.clauses {
                @for clause in clauses {
                    div {
                        dt { b { (clean(&clause.id)) } " " @if !clause.place.is_empty() { span.dim { (clean(&clause.place)) ", " (clean(&clause.level)) } } }
                        dd { (clean(&clause.summary)) }
                    }
                }
            }
        }
    }
}

fn recorded(evidence: &Evidence, result: &CaseResult) -> Markup {
    html! {
        (steps(&evidence.steps))
        (accepted(&evidence.accepted, result))
        section aria-labelledby="exchange" {
            h2 id="exchange" { "The exchange" }
            p.dim { "Seconds since the start of the case. ✎ changed or made by the case, ✕ not delivered, ◆ a finding is about it." }
            (ladder(evidence, Ends { left: "harness", right: &result.peer }))
        }
        section aria-labelledby="messages" {
            h2 id="messages" { "Messages" }
            p.buttons { button type="button" id="open-all" hidden { "Open all" } " " button type="button" id="close-all" hidden { "Close all" } }
            @for each in &evidence.messages { (message(each, Ends { left: "harness", right: "peer" })) }
            @if evidence.messages.is_empty() { p { "No datagram passed." } }
        }
        (values(&evidence.values))
        section aria-labelledby="log" {
            h2 id="log" { "The peer's log" }
            @if evidence.log.trim().is_empty() {
                p.dim { "None was kept." }
            } @else {
                @if evidence.log_left_out > 0 { p.dim { (count(evidence.log_left_out, "byte")) " before this are left out; peer.log has them." } }
                pre.log tabindex="0" { @for line in evidence.log.lines() { (crate::text::one_line(line, LOG_LINE_MAX)) "\n" } }
            }
        }
    }
}

fn steps(steps: &[StepState]) -> Markup {
    html! {
        section aria-labelledby="steps" {
            h2 id="steps" { "Steps" }
            p.dim { "What was to happen, in order. A step that is not met, or whose message is not as it says, decides before any outcome." }
            ol.steps {
                @for step in steps {
                    @let (sign, word) = match step.state {
                        State::Holds => ("✓", "done:"),
                        State::Fails => ("✗", "not met:"),
                        State::Unknown => ("–", "not reached:"),
                    };
                    li {
                        span.g aria-hidden="true" { (sign) } " " b { (word) } " " code { (clean(&step.text)) }
                        @if !step.observed.is_empty() { " " span.came { "came: " (clean(&step.observed)) } }
                        @if !step.checks.is_empty() { ul { @for check in &step.checks { li { code { (clean(check)) } } } } }
                    }
                }
            }
        }
    }
}

fn accepted(accepted: &[Acceptance], result: &CaseResult) -> Markup {
    let holds = |acceptance: &Acceptance| {
        acceptance.conditions.iter().all(|condition| condition.state == State::Holds)
    };
    html! {
        section aria-labelledby="accepted" {
            h2 id="accepted" { "What was accepted, and what came" }
            p.dim { "One outcome with all its conditions is enough; the first decides." }
            ol.accepted {
                @for acceptance in accepted {
                    li class=[holds(acceptance).then_some("came")] {
                        p { (verdict(acceptance.verdict)) " " (clean(&acceptance.because)) @if holds(acceptance) { " " strong { (decided(acceptance.verdict == result.verdict)) } } }
                        ul {
                            @for condition in &acceptance.conditions {
                                @let (class, sign, word) = state(condition.state);
                                li class=(class) {
                                    span.g aria-hidden="true" { (sign) } " " b { (word) } " " code { (clean(&condition.text)) }
                                    @if !condition.observed.is_empty() { " " span.came { "came: " (clean(&condition.observed)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What is said of an outcome whose conditions all hold.
const fn decided(same: bool) -> &'static str {
    if same { "(this came)" } else { "(its conditions hold, but something else decided: see above)" }
}

fn state(state: State) -> (&'static str, &'static str, &'static str) {
    match state {
        State::Holds => ("yes", "✓", "holds:"),
        State::Fails => ("no", "✗", "does not hold:"),
        State::Unknown => ("unknown", "?", "not known:"),
    }
}

fn values(values: &[Value]) -> Markup {
    html! {
        section aria-labelledby="values" {
            h2 id="values" { "Key chain" }
            @if values.is_empty() {
                p.dim { "No value was derived." }
            } @else {
                div.scroll tabindex="0" role="region" aria-labelledby="values" {
                    table.values {
                        thead { tr { th scope="col" { "value" } th scope="col" { "of" } th scope="col" { "harness" } th scope="col" { "peer" } } }
                        tbody { @for value in values { (value_row(value)) } }
                    }
                }
            }
        }
    }
}

fn value_row(value: &Value) -> Markup {
    let all = |values: &[String]| clean(&values.join(" "));
    let same = !value.harness.is_empty() && value.peer.iter().all(|each| value.harness.contains(each));
    let (class, peer) = match (value.differs, same) {
        _ if value.peer.is_empty() => (None, "not shown".to_owned()),
        (_, true) => (None, "✓ the same".to_owned()),
        (true, false) => (Some("differs"), format!("✗ {}", all(&value.peer))),
        (false, false) => (None, all(&value.peer)),
    };
    html! {
        tr class=[class] {
            th scope="row" { (clean(&value.name)) }
            td { (clean(&value.of)) }
            td.value { @if value.harness.is_empty() { span.dim { "not known" } } @else { (all(&value.harness)) } }
            td.value { (peer) }
        }
    }
}

/// The files of the case, which stand beside the page.
fn files(artefacts: &BTreeMap<String, String>) -> Markup {
    let name = |path: &String| path.rsplit('/').next().unwrap_or_default().to_owned();
    html! {
        section aria-labelledby="files" {
            h2 id="files" { "Files" }
            ul.files { @for (kind, path) in artefacts { li { a href=(href(&name(path))) { (clean(&name(path))) } " " span.dim { (clean(kind)) } } } }
        }
    }
}
