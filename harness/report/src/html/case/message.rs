//! A message: the tree of its fields beside its bytes.

use std::fmt::Write as _;
use std::ops::Range;

use maud::{Markup, html};

use super::evidence::{Field, Message};
use super::ladder::Ends;
use crate::html::shown::{clean, count};

/// Octets of a message that the page shows; the transcript has the rest.
const BYTES_SHOWN_MAX: usize = 4_096;
/// Fields of a message that the page shows.
const FIELDS_SHOWN_MAX: usize = 1_500;
const BYTES_PER_LINE: usize = 16;

/// One message, open where a finding is about it.
pub(in crate::html) fn message(message: &Message, ends: Ends<'_>) -> Markup {
    let marked = message.fields.iter().any(|field| field.marked);
    let (from, to) = if message.from_harness { (ends.left, ends.right) } else { (ends.right, ends.left) };
    let shown = message.bytes.get(..BYTES_SHOWN_MAX).unwrap_or(&message.bytes);
    html! {
        details.message id={ "m" (message.number) } open[marked] {
            summary {
                span.n { (message.number) } " " b { (clean(&message.name)) } " " span.dim { (clean(from)) " → " (clean(to)) }
                " " span.dim { (count(message.bytes.len(), "octet")) ", " (clean(&message.form)) }
                @if !message.delivered { " " span.fault { "✕ not delivered" } }
                @if let Some(fault) = &message.fault { " " span.fault { "✎ " (clean(fault)) } }
                @if marked { " " span.hit { "◆ finding" } }
            }
            @if !message.remarks.is_empty() {
                ul.remarks { @for remark in &message.remarks { li { (clean(remark)) } } }
            }
            p.status aria-live="polite" { "Choose a field to see its octets, or an octet to see its field." }
            div.split {
                ul.tree aria-label={ "fields of message " (message.number) } {
                    @for field in message.fields.iter().take(FIELDS_SHOWN_MAX) { (row(field)) }
                    @if message.fields.len() > FIELDS_SHOWN_MAX {
                        li.dim { "and " (message.fields.len() - FIELDS_SHOWN_MAX) " more fields" }
                    }
                }
                div.bytes {
                    pre.hex aria-label={ "octets of message " (message.number) } { (hex(shown, &marks(message))) }
                    @if message.bytes.len() > BYTES_SHOWN_MAX {
                        p.dim { "and " (count(message.bytes.len() - BYTES_SHOWN_MAX, "more octet")) ", which the transcript has" }
                    }
                }
            }
        }
    }
}

fn row(field: &Field) -> Markup {
    let name = field.path.rsplit_once('.').map_or(field.path.as_str(), |(_, name)| name);
    let depth = field.depth.min(6);
    let class = if field.marked { format!("d{depth} hit") } else { format!("d{depth}") };
    html! {
        li class=(class) data-r={ (field.offset) "+" (field.len) } data-n=[field.marked.then(|| clean(name))] {
            @if field.marked { "◆ " }
            (clean(name)) @if !field.value.is_empty() { " " b { (clean(&field.value)) } }
        }
    }
}

/// The octets that findings are about.
fn marks(message: &Message) -> Vec<Range<usize>> {
    let marked = message.fields.iter().filter(|field| field.marked);
    marked.map(|field| field.offset..field.offset.saturating_add(field.len)).collect()
}

/// Lines of offset, octets and their characters; the marked octets stand in `mark`.
fn hex(bytes: &[u8], marks: &[Range<usize>]) -> Markup {
    let marked = |at: usize| marks.iter().any(|range| range.contains(&at));
    html! {
        @for (line, octets) in bytes.chunks(BYTES_PER_LINE).enumerate() {
            @let start = line * BYTES_PER_LINE;
            (format!("{start:04x} "))
            @for run in runs(octets.len(), |index| marked(start + index)) {
                @let text = octets_text(&octets[run.clone()]);
                @if marked(start + run.start) { " " mark { (text) } } @else { " " (text) }
            }
            (" ".repeat((BYTES_PER_LINE - octets.len()) * 3)) "  " (characters(octets)) "\n"
        }
    }
}

/// The longest ranges below `len` in which `marked` stays the same.
fn runs(len: usize, marked: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for index in 0..len {
        match runs.last_mut() {
            Some(run) if marked(run.start) == marked(index) => run.end = index + 1,
            _ => runs.push(index..index + 1),
        }
    }
    runs
}

fn octets_text(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() * 3);
    for (index, octet) in octets.iter().enumerate() {
        if index > 0 {
            text.push(' ');
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "{octet:02x}");
    }
    text
}

fn characters(octets: &[u8]) -> String {
    octets
        .iter()
        .map(|octet| if octet.is_ascii_graphic() || *octet == b' ' { char::from(*octet) } else { '·' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_octets_stand_out_and_no_octet_is_markup() {
        let bytes: Vec<u8> = (0x30..0x46).collect();
        insta::assert_snapshot!(hex(&bytes, &[2..4, 15..17]).into_string(), @r"
        0000  30 31 <mark>32 33</mark> 34 35 36 37 38 39 3a 3b 3c 3d 3e <mark>3f</mark>  0123456789:;&lt;=&gt;?
        0010  <mark>40</mark> 41 42 43 44 45                                @ABCDE
        ");
    }
}
