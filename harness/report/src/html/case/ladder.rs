//! The ladder: the harness on the left, the peer on the right, time downwards.

use maud::{Markup, html};

use super::evidence::{Entry, Evidence, Message, Note, Whose};
use crate::html::shown::clean;

/// The diagram of an exchange.
pub(super) fn ladder(evidence: &Evidence, peer: &str) -> Markup {
    html! {
        div.ladder {
            div.ends aria-hidden="true" { span { "time" } span { "harness" } span { (clean(peer)) } }
            ol {
                @for entry in &evidence.ladder { (line(entry, evidence)) }
            }
        }
    }
}

fn line(entry: &Entry, evidence: &Evidence) -> Markup {
    let time = format!("{}.{:03}", entry.at_ms / 1_000, entry.at_ms % 1_000);
    let what = match &entry.note {
        Note::Message(index) => evidence.messages.get(*index).map(arrow),
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

fn arrow(message: &Message) -> Markup {
    let (way, from, to) = if message.from_harness {
        ("right", "from the harness to the peer", "▶")
    } else {
        ("left", "from the peer to the harness", "◀")
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
                span.vh { ", " (from) @if !message.delivered { ", not delivered" } }
            }
            span.line aria-hidden="true" {
                @if message.from_harness { i {} span { @if message.delivered { (to) } @else { "✕" } } }
                @else { span { @if message.delivered { (to) } @else { "✕" } } i {} }
            }
        }
    }
}
