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

/// Why octets stand out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// A finding is about them.
    Finding,
    /// The case has changed them.
    Change,
}

impl Mark {
    const fn of(field: &Field) -> Option<Self> {
        match field {
            Field { marked: true, .. } => Some(Self::Finding),
            Field { changed: true, .. } => Some(Self::Change),
            _ => None,
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Finding => "hit",
            Self::Change => "edit",
        }
    }

    const fn sign(self) -> &'static str {
        match self {
            Self::Finding => "◆ ",
            Self::Change => "✎ ",
        }
    }
}

/// One message, open where a finding is about it, or where the case has changed it.
pub(in crate::html) fn message(message: &Message, ends: Ends<'_>) -> Markup {
    let marked = message.fields.iter().any(|field| field.marked);
    let changed = message.fields.iter().any(|field| field.changed);
    let (from, to) = if message.from_harness { (ends.left, ends.right) } else { (ends.right, ends.left) };
    let shown = message.bytes.get(..BYTES_SHOWN_MAX).unwrap_or(&message.bytes);
    html! {
        details.message id={ "m" (message.number) } open[marked || changed] {
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
    let mark = Mark::of(field);
    let class = mark.map_or_else(|| format!("d{depth}"), |mark| format!("d{depth} {}", mark.class()));
    html! {
        li class=(class) data-r={ (field.offset) "+" (field.len) } data-n=[mark.map(|_| clean(name))] {
            @if let Some(mark) = mark { (mark.sign()) }
            (clean(name)) @if !field.value.is_empty() { " " b { (clean(&field.value)) } }
        }
    }
}

/// The octets that stand out; those of findings first.
fn marks(message: &Message) -> Vec<(Range<usize>, Mark)> {
    let marks = message
        .fields
        .iter()
        .filter_map(|field| Some((field.offset..field.offset.saturating_add(field.len), Mark::of(field)?)));
    let mut marks: Vec<_> = marks.collect();
    marks.sort_by_key(|(_, mark)| *mark == Mark::Change);
    marks
}

/// Lines of offset, octets and their characters; what stands out is in a `mark`.
fn hex(bytes: &[u8], marks: &[(Range<usize>, Mark)]) -> Markup {
    let mark = |at: usize| marks.iter().find(|(range, _)| range.contains(&at)).map(|(_, mark)| *mark);
    html! {
        @for (line, octets) in bytes.chunks(BYTES_PER_LINE).enumerate() {
            @let start = line * BYTES_PER_LINE;
            (format!("{start:04x} "))
            @for run in runs(octets.len(), |index| mark(start + index)) {
                @let text = octets_text(&octets[run.clone()]);
                @if let Some(mark) = mark(start + run.start) { " " mark class=(mark.class()) { (text) } } @else { " " (text) }
            }
            (" ".repeat((BYTES_PER_LINE - octets.len()) * 3)) "  " (characters(octets)) "\n"
        }
    }
}

/// The longest ranges below `len` in which `mark` stays the same.
fn runs(len: usize, mark: impl Fn(usize) -> Option<Mark>) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for index in 0..len {
        match runs.last_mut() {
            Some(run) if mark(run.start) == mark(index) => run.end = index + 1,
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
        let marks = [(2..4, Mark::Finding), (15..17, Mark::Change)];
        insta::assert_snapshot!(hex(&bytes, &marks).into_string(), @r#"
        0000  30 31 <mark class="hit">32 33</mark> 34 35 36 37 38 39 3a 3b 3c 3d 3e <mark class="edit">3f</mark>  0123456789:;&lt;=&gt;?
        0010  <mark class="edit">40</mark> 41 42 43 44 45                                @ABCDE
        "#);
    }

    #[test]
    fn octets_of_a_finding_stand_out_as_such_where_they_were_changed_too() {
        let field = |marked, changed, len| Field { marked, changed, len, ..Field::default() };
        let message =
            Message { fields: vec![field(false, true, 4), field(true, true, 2)], ..Message::default() };
        let text = hex(&[1, 2, 3, 4], &marks(&message)).into_string();
        assert!(text.contains(r#"<mark class="hit">01 02</mark> <mark class="edit">03 04</mark>"#), "{text}");
    }
}
