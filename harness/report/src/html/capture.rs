//! The page of a capture: ladders, findings, and every message with its octets.

use maud::{Markup, html};

use super::Clause;
use super::case::{Ends, Entry, Evidence, Message, Note, Whose, ladder, message};
use super::frame::{Script, document};
use super::shown::{clean, count, verdict};
use crate::capture::{CaptureFinding, CaptureReport, CapturedMessage, Conversation, IsakmpSaSeen, Rung};
use ikev1_scenario::Verdict;

const SCRIPT: Script = Script(include_str!("assets/case.js"));

/// The page of a capture; `clauses` are those that its findings cite.
pub fn render(report: &CaptureReport, clauses: &[Clause]) -> String {
    let title = format!("Capture {}", clean(&report.file));
    let body = html! {
        header {
            h1 { "Capture " (clean(&report.file)) }
            (facts(report))
        }
        main id="main" tabindex="-1" {
            (findings(report, clauses))
            @for (index, conversation) in report.conversations.iter().enumerate() {
                (shown(report, index, conversation))
            }
            @if report.conversations.is_empty() { p.gone { "No ISAKMP message was found." } }
        }
    };
    document(&title, &body, None, SCRIPT)
}

fn facts(report: &CaptureReport) -> Markup {
    let counts = &report.counts;
    let others = [
        (counts.ikev2, "IKEv2, passed over"),
        (counts.esp, "ESP"),
        (counts.esp_in_udp, "ESP in UDP"),
        (counts.ah, "AH"),
        (counts.keep_alives, "NAT keep-alives"),
        (counts.other, "anything else"),
    ];
    html! {
        dl.facts {
            dt { "file" } dd { (clean(&report.format)) ", " (number(counts.packets, "packet")) " in " (seconds(report.duration_us)) " s" }
            dt { "IKEv1" } dd {
                (number(counts.ikev1, "message"))
                @if counts.retransmissions > 0 { ", " (counts.retransmissions) " of them retransmitted" }
                @if counts.encrypted > 0 { "; " (counts.encrypted) " encrypted, " (counts.decrypted) " of those decrypted" }
            }
            @for (n, what) in others.iter().filter(|(n, _)| *n > 0) { dt { (what) } dd { (n) } }
        }
        @for note in &report.notes { p.gone { (clean(note)) } }
    }
}

fn findings(report: &CaptureReport, clauses: &[Clause]) -> Markup {
    let sums = [Verdict::Fail, Verdict::Warn, Verdict::Info];
    html! {
        section aria-labelledby="findings" {
            h2 id="findings" { "Findings" }
            @if report.findings.is_empty() {
                p { "Nothing to find fault with, as far as a bystander can tell." }
            } @else {
                p { @for each in sums.iter().filter(|each| report.count(**each) > 0) { (verdict(*each)) " " (report.count(*each)) " " } }
                ul.cases { @for finding in &report.findings { (item(finding, clauses)) } }
            }
            p.dim { "A bystander sees what is on the wire. What the two hosts made of it, and what they hold keys for, is not in a capture." }
        }
    }
}

fn item(finding: &CaptureFinding, clauses: &[Clause]) -> Markup {
    let clause = clauses.iter().find(|clause| clause.id == finding.clause);
    html! {
        li {
            (verdict(finding.verdict)) " "
            a href={ "#m" (finding.packet) } { "packet " (finding.packet) } " from " (clean(&finding.from)) ": "
            strong { (clean(&finding.what)) }
            @if let Some(field) = &finding.field { " " code { (clean(field)) } }
            @if !finding.clause.is_empty() {
                p.dim {
                    b { (clean(&finding.clause)) }
                    @if let Some(clause) = clause { " " (clean(&clause.place)) ", " (clean(&clause.level)) ": " (clean(&clause.summary)) }
                }
            }
        }
    }
}

fn shown(report: &CaptureReport, index: usize, conversation: &Conversation) -> Markup {
    let ends = Ends { left: &conversation.left, right: &conversation.right };
    let evidence = evidence(report, conversation);
    html! {
        section aria-labelledby={ "c" (index) } {
            h2 id={ "c" (index) } { (clean(ends.left)) " and " (clean(ends.right)) }
            @for sa in report.isakmp_sas.iter().filter(|sa| sa.conversation == index) { (isakmp_sa(sa)) }
            p.dim { "Seconds since the capture began. ◆ a finding is about it." }
            (ladder(&evidence, ends))
            h3 { "Messages" }
            @if index == 0 {
                p.buttons { button type="button" id="open-all" hidden { "Open all" } " " button type="button" id="close-all" hidden { "Close all" } }
            }
            @for each in &evidence.messages { (message(each, ends)) }
        }
    }
}

fn isakmp_sa(sa: &IsakmpSaSeen) -> Markup {
    html! {
        h3 { "ISAKMP SA " code { (clean(&sa.cky_i)) ":" (clean(&sa.cky_r)) } }
        dl.facts {
            @if let Some(initiator) = &sa.initiator { dt { "initiator" } dd { (clean(initiator)) } }
            dt { "phase 1" } dd { (clean(&sa.phase1)) }
            @if let Some(chosen) = &sa.chosen { dt { "chosen" } dd { (clean(chosen)) } }
            dt { "key" } dd { (clean(&sa.key)) }
            @for line in &sa.pre_shared_key { dt { "pre-shared key" } dd { (clean(line)) } }
        }
    }
}

/// The conversation as what a case's page shows.
fn evidence(report: &CaptureReport, conversation: &Conversation) -> Evidence {
    let entries = conversation.ladder.iter().map(|rung| match rung {
        Rung::Message { index } => {
            let at_us = conversation.messages.get(*index).map_or(0, |message| message.at_us);
            Entry { at_ms: at_us / 1_000, note: Note::Message(*index) }
        }
        Rung::Other { at_us, text } => {
            let note = Note::Event { whose: Whose::Both, text: text.clone(), bad: false };
            Entry { at_ms: at_us / 1_000, note }
        }
    });
    let messages = conversation.messages.iter().map(|message| shown_message(report, conversation, message));
    Evidence { ladder: entries.collect(), messages: messages.collect(), ..Evidence::default() }
}

fn shown_message(report: &CaptureReport, conversation: &Conversation, message: &CapturedMessage) -> Message {
    let findings = report.about(message).map(|finding| {
        let clause = if finding.clause.is_empty() { String::new() } else { format!(" {}", finding.clause) };
        format!("{}{clause}: {}", finding.verdict, finding.what)
    });
    // A retransmission has the octets of the first.
    let first = message
        .retransmission_of
        .and_then(|first| conversation.messages.iter().find(|message| message.packet == first))
        .unwrap_or(message);
    let usual = [&message.from, &message.to].iter().all(|end| end.ends_with(":500"));
    let ends = (!usual).then(|| format!("from {} to {}", message.from, message.to));
    Message {
        number: message.packet,
        from_harness: message.from_left,
        name: message.name.clone(),
        content: message.content.clone(),
        delivered: true,
        fault: message.retransmission_of.map(|first| format!("again, as in {first}")),
        form: first.form.clone(),
        bytes: first.bytes.clone(),
        says: ends.into_iter().chain(message.remarks.iter().cloned()).collect(),
        fields: first.fields.clone(),
        remarks: findings.collect(),
    }
}

fn number(n: u64, what: &str) -> String {
    count(usize::try_from(n).unwrap_or(usize::MAX), what)
}

fn seconds(us: u64) -> String {
    format!("{}.{:03}", us / 1_000_000, us % 1_000_000 / 1_000)
}
