//! A comparison as Markdown, for a comment or a page.

use std::fmt::Write as _;

use super::{Change, ChangeKind, Comparison, RunOfComparison, SideOfChange};
use crate::text::one_line;

/// Characters of a text of a peer.
const TEXT_MAX: usize = 300;

/// The comparison as Markdown.
pub fn render(comparison: &Comparison) -> String {
    let word = if comparison.regression { "B is worse than A" } else { "B is no worse than A" };
    let mut out = format!("## {word}\n\n{}.\n\n", comparison.sums());
    out.push_str("| | run | peers | results |\n|---|---|---|---|\n");
    for (letter, run) in [("A", &comparison.a), ("B", &comparison.b)] {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "| {letter} | {} | {} | {} |", escaped(&run.id), peers(run), run.items);
    }
    for kind in ChangeKind::ALL {
        let changes: Vec<_> = comparison.of(kind).collect();
        if changes.is_empty() {
            continue;
        }
        let _ = write!(out, "\n### {} ({})\n\n", kind.title(), changes.len());
        if kind.is_of_both() {
            out.push_str("| case | A | B |\n|---|---|---|\n");
        }
        for change in changes {
            row(&mut out, change);
        }
    }
    out
}

fn peers(run: &RunOfComparison) -> String {
    let compared = run.peers.iter().map(|peer| escaped(peer));
    let left_out = run.left_out.iter().map(|peer| format!("{} (left out)", escaped(peer)));
    compared.chain(left_out).collect::<Vec<_>>().join(", ")
}

fn row(out: &mut String, change: &Change) {
    let key = &change.key;
    let place: Vec<_> = [&key.peer, &key.role]
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| escaped(part))
        .collect();
    let name = format!("{} ({})", escaped(&key.id), place.join(", "));
    let name = if change.regression { format!("**{name}**") } else { name };
    let text = match (&change.a, &change.b) {
        (Some(a), Some(b)) => format!("| {name} | {} | {} |\n", cell(a), cell(b)),
        (Some(side), None) | (None, Some(side)) => format!("- {name}: {}\n", side.verdict),
        (None, None) => String::new(),
    };
    out.push_str(&text);
}

fn cell(side: &SideOfChange) -> String {
    let mut parts = vec![format!("{}: {}", side.verdict, escaped(&side.reason))];
    parts.extend(side.findings.iter().map(|finding| {
        let packet = finding.packet.map_or_else(String::new, |packet| format!("packet {packet}: "));
        format!("{packet}{}", escaped(&finding.what))
    }));
    parts.extend(side.known_failure.iter().map(|known| format!("known failure: {}", escaped(known))));
    parts.join("<br>")
}

/// Text of anybody on one line, in which nothing is markup.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in one_line(text, TEXT_MAX).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // A mention notifies people, and a number links to an issue.
            '@' | '#' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::testing;

    #[test]
    fn text_of_a_peer_is_no_markup() {
        for hostile in testing::hostile_texts() {
            let shown = super::escaped(&hostile);
            assert!(!shown.contains(['<', '>', '\n', '\r', '\u{1b}', '@']), "{shown}");
        }
        assert_eq!(super::escaped("a|b `c` [d](e) @f #1"), "a\\|b \\`c\\` \\[d\\](e) &#64;f &#35;1");
    }
}
