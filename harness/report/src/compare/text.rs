//! A comparison on the terminal.

use ikev1_scenario::Verdict;

use super::{Change, ChangeKind, Comparison, RunOfComparison, SideOfChange};
use crate::term::Paint;
use crate::text::one_line;

/// Characters of a text of a peer.
const TEXT_MAX: usize = 400;
/// Findings of a side that are told; the report has all of them.
const FINDINGS_MAX: usize = 3;

/// The comparison as text.
pub fn render(comparison: &Comparison, colour: bool) -> String {
    let paint = Paint { colour };
    let mut out = format!("A  {}\nB  {}\n", run(&comparison.a), run(&comparison.b));
    for kind in ChangeKind::ALL {
        let changes: Vec<_> = comparison.of(kind).collect();
        if changes.is_empty() {
            continue;
        }
        out.push_str(&format!("\n{} ({})\n", kind.title(), changes.len()));
        for change in changes {
            entry(&mut out, change, paint);
        }
    }
    out.push_str(&format!("\n{}\n", comparison.sums()));
    let (verdict, word) = if comparison.regression {
        (Verdict::Fail, "B is worse than A")
    } else {
        (Verdict::Pass, "B is no worse than A")
    };
    out.push_str(&paint.text(verdict, word));
    out.push('\n');
    out
}

fn run(run: &RunOfComparison) -> String {
    let peers: Vec<_> = run.peers.iter().map(|peer| one_line(peer, TEXT_MAX)).collect();
    let mut text = format!("{}  {}, {} results", one_line(&run.id, TEXT_MAX), peers.join(", "), run.items);
    if !run.left_out.is_empty() {
        let left_out = one_line(&run.left_out.join(", "), TEXT_MAX);
        text.push_str(&format!("; left out, as the other run lacks them: {left_out}"));
    }
    text
}

fn entry(out: &mut String, change: &Change, paint: Paint) {
    let key = &change.key;
    let place: Vec<_> = [&key.peer, &key.role]
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| one_line(part, TEXT_MAX))
        .collect();
    let sign = if change.regression { "!" } else { " " };
    let name = format!("{sign} {} ({})", one_line(&key.id, TEXT_MAX), place.join(", "));
    if !change.kind.is_of_both() {
        let verdict = change.a.as_ref().or(change.b.as_ref()).map_or("", |side| side.verdict.as_str());
        out.push_str(&format!("{name}: {verdict}\n"));
        return;
    }
    out.push_str(&format!("{name}\n"));
    for (letter, side) in [("A", &change.a), ("B", &change.b)] {
        if let Some(side) = side {
            told(out, letter, side, paint);
        }
    }
}

fn told(out: &mut String, letter: &str, side: &SideOfChange, paint: Paint) {
    let width = 12;
    let padded = format!("{:<width$}", side.verdict);
    let verdict = Verdict::ALL.iter().copied().find(|verdict| verdict.name() == side.verdict);
    let verdict = verdict.map_or_else(|| padded.clone(), |verdict| paint.text(verdict, &padded));
    out.push_str(&format!("    {letter}  {verdict}  {}\n", one_line(&side.reason, TEXT_MAX)));
    let indent = " ".repeat(7 + width + 2);
    for finding in side.findings.iter().take(FINDINGS_MAX) {
        let packet = finding.packet.map_or_else(String::new, |packet| format!("packet {packet}: "));
        let field = finding
            .field
            .as_deref()
            .map_or_else(String::new, |field| format!(" [{}]", one_line(field, TEXT_MAX)));
        out.push_str(&format!("{indent}{packet}{}{field}\n", one_line(&finding.what, TEXT_MAX)));
    }
    if side.findings.len() > FINDINGS_MAX {
        out.push_str(&format!("{indent}and {} more findings\n", side.findings.len() - FINDINGS_MAX));
    }
    if let Some(known) = &side.known_failure {
        out.push_str(&format!("{indent}known failure: {}\n", one_line(known, TEXT_MAX)));
    }
    if let Some(transcript) = side.artefacts.get("transcript").or_else(|| side.artefacts.get("capture")) {
        out.push_str(&format!("{indent}{}\n", one_line(transcript, TEXT_MAX)));
    }
}
