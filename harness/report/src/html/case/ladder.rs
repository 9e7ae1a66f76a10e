//! The ladder: one end on the left, such as the harness, the other on the right, time downwards.

use maud::{Markup, html};

use super::evidence::{Entry, Evidence, Message, Note, Whose};
use crate::html::shown::clean;

/// The names of the two ends of a ladder.
#[derive(Debug, Clone, Copy)]
pub(in crate::html) struct Ends<'a> {
    /// Who stands on the left.
    pub(in crate::html) left: &'a str,
    /// Who stands on the right.
    pub(in crate::html) right: &'a str,
}

/// The diagram of an exchange.
pub(in crate::html) fn ladder(evidence: &Evidence, ends: Ends<'_>) -> Markup {
    html! {
        div.ladder {
            div.ends aria-hidden="true" { span { "time" } span { (clean(ends.left)) } span { (clean(ends.right)) } }
            ol {
                @for entry in &evidence.ladder { (line(entry, evidence, ends)) }
            }
        }
    }
}

fn line(entry: &Entry, evidence: &Evidence, ends: Ends<'_>) -> Markup {
    let time = format!("{}.{:03}", entry.at_ms / 1_000, entry.at_ms % 1_000);
    let what = match &entry.note {
        Note::Message(index) => evidence.messages.get(*index).map(|message| arrow(message, ends)),
        Note::Event { whose, text, bad } => {
            let side = match whose {
                Whose::Harness => "left",
                Whose::Peer => "right",
                Whose::Both => "middle",
            };
            let who = match whose {
                Whose::Harness => "harness: ",
                Whose::Peer => "peer: ",
                Whose::Both => "",
            };
            let class = if *bad { format!("note {side} bad") } else { format!("note {side}") };
            Some(html! { div class=(class) { span.vh { (who) } @if *bad { "‼ " } (clean(text)) } })
        }
    };
    html! { li { span.time { (time) } @if let Some(what) = what { div.lane { (what) } } } }
}

fn arrow(message: &Message, ends: Ends<'_>) -> Markup {
    let (way, from, to, sign) = if message.from_harness {
        ("right", ends.left, ends.right, "▶")
    } else {
        ("left", ends.right, ends.left, "◀")
    };
    let class = if message.delivered { format!("arrow {way}") } else { format!("arrow {way} lost") };
    let marked = message.fields.iter().any(|field| field.marked);
    html! {
        a class=(class) href={ "#m" (message.number) } {
            span.label {
                span.n { (message.number) } " " b { (clean(&message.name)) }
                @if !message.content.is_empty() { " " span.content { (clean(&message.content)) } }
                @if let Some(fault) = &message.fault { " " span.fault { "✎ " (clean(fault)) } }
                @if marked { " " span.hit { "◆ finding" } }
                @for line in &message.says { span.says { (clean(line)) } }
                span.vh { ", from " (clean(from)) " to " (clean(to)) @if !message.delivered { ", not delivered" } }
            }
            span.line aria-hidden="true" {
                @if message.from_harness { i {} span { @if message.delivered { (sign) } @else { "✕" } } }
                @else { span { @if message.delivered { (sign) } @else { "✕" } } i {} }
            }
        }
    }
}
