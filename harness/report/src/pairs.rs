//! The matrix of daemons on the terminal's last page: what went wrong, then a row per initiator and a column per responder.

use std::fmt::Write as _;

use console::measure_text_width;
use ikev1_scenario::Verdict;
use ikev1_scenario::verdict::Counts;

use crate::model::{CellResult, MatrixResult, Report};
use crate::term::{CASES_SHOWN_MAX, Paint, clean};

/// Most findings of a cell that the last page shows; the report has them all.
const FINDINGS_SHOWN_MAX: usize = 3;

/// The page; empty without a matrix.
pub(crate) fn page(paint: Paint, report: &Report) -> String {
    let Some(matrix) = &report.matrix else { return String::new() };
    let mut page = String::new();
    problems(&mut page, paint, matrix);
    table(&mut page, paint, matrix);
    page
}

/// The cells that were not expected, and those of which a pair is not capable, each reason once.
fn problems(page: &mut String, paint: Paint, matrix: &MatrixResult) {
    let unexpected: Vec<&CellResult> = matrix.cells.iter().filter(|cell| !cell.expected).collect();
    for cell in unexpected.iter().take(CASES_SHOWN_MAX) {
        let _ = writeln!(page, "{} {}", paint.verdict(cell.verdict), name(cell));
        let _ = writeln!(page, "    {}", clean(&cell.reason));
        let others = cell.findings.iter().filter(|finding| !cell.reason.contains(&finding.what));
        for finding in others.take(FINDINGS_SHOWN_MAX) {
            let _ = writeln!(page, "    also: {}", clean(&finding.what));
        }
        let _ = writeln!(page, "    rerun: {}\n", clean(&cell.rerun));
    }
    if let Some(more) = unexpected.len().checked_sub(CASES_SHOWN_MAX).filter(|more| *more > 0) {
        let _ = writeln!(page, "and {more} more cells with an unexpected verdict; the report has them all\n");
    }
    for verdict in [Verdict::Info, Verdict::Warn, Verdict::Unsupported] {
        let mut reasons: Vec<(&str, usize)> = Vec::new();
        for cell in matrix.cells.iter().filter(|cell| cell.expected && cell.verdict == verdict) {
            match reasons.iter_mut().find(|(reason, _)| *reason == cell.reason) {
                Some((_, cells)) => *cells += 1,
                None => reasons.push((&cell.reason, 1)),
            }
        }
        for (reason, cells) in reasons.iter().take(CASES_SHOWN_MAX) {
            let plural = if *cells == 1 { "cell" } else { "cells" };
            let _ = writeln!(page, "{} {cells} {plural}: {}", paint.verdict(verdict), clean(reason));
        }
        if !reasons.is_empty() {
            page.push('\n');
        }
    }
}

/// `A -> B: combination`.
pub(crate) fn name(cell: &CellResult) -> String {
    format!("{} -> {}: {}", clean(&cell.initiator), clean(&cell.responder), clean(&cell.combination))
}

fn table(page: &mut String, paint: Paint, matrix: &MatrixResult) {
    let mut rows = vec![vec!["initiator \\ responder".to_owned()]];
    rows[0].extend(matrix.peers.iter().map(|peer| clean(peer)));
    for initiator in &matrix.peers {
        let mut row = vec![clean(initiator)];
        row.extend(matrix.peers.iter().map(|responder| {
            let cells = matrix.cells.iter();
            let cells = cells.filter(|cell| cell.initiator == *initiator && cell.responder == *responder);
            sum(paint, cells.collect::<Vec<_>>().as_slice())
        }));
        rows.push(row);
    }
    let columns = matrix.peers.len() + 1;
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().map(|row| measure_text_width(&row[column])).max().unwrap_or(0))
        .collect();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let padding = width.saturating_sub(measure_text_width(cell)) + 2;
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', padding));
        }
        let _ = writeln!(page, "{}", line.trim_end());
    }
    let _ = writeln!(page, "cells that passed / that were played; -n: n more are not supported\n");
}

/// `16/16`, with what is not supported behind it.
fn sum(paint: Paint, cells: &[&CellResult]) -> String {
    let counts: Counts = cells.iter().map(|cell| cell.verdict).collect();
    let unsupported = counts.get(Verdict::Unsupported);
    let played = counts.total() - unsupported;
    let good = cells.iter().filter(|cell| cell.expected && cell.verdict != Verdict::Unsupported).count();
    let rest = if unsupported > 0 { format!(" -{unsupported}") } else { String::new() };
    if played == 0 {
        return if unsupported > 0 { rest.trim_start().to_owned() } else { "not played".to_owned() };
    }
    let worst =
        cells.iter().map(|cell| cell.verdict).filter(|verdict| *verdict != Verdict::Unsupported).max();
    format!("{}{rest}", paint.text(worst.unwrap_or(Verdict::Pass), &format!("{good}/{played}")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn cell(initiator: &str, responder: &str, number: usize, verdict: Verdict) -> CellResult {
        CellResult {
            initiator: initiator.to_owned(),
            responder: responder.to_owned(),
            combination: format!("matrix/{number}"),
            verdict,
            expected: !verdict.is_unexpected(false),
            duration_ms: 1,
            reason: "no \u{1b}[31mnew IPsec SAs".to_owned(),
            findings: Vec::new(),
            notes: Vec::new(),
            artefacts: BTreeMap::new(),
            rerun: format!("cargo xtask conform --matrix matrix/{number}"),
        }
    }

    #[test]
    fn rows_initiate_and_columns_respond_with_problems_above() {
        let cells = vec![
            cell("a-1", "a-1", 1, Verdict::Pass),
            cell("a-1", "a-1", 2, Verdict::Info),
            cell("a-1", "b-22", 1, Verdict::Pass),
            cell("a-1", "b-22", 2, Verdict::Inconclusive),
            cell("b-22", "a-1", 1, Verdict::Pass),
            cell("b-22", "a-1", 2, Verdict::Unsupported),
        ];
        let summary = cells.iter().map(|cell| cell.verdict).collect();
        let peers = vec!["a-1".to_owned(), "b-22".to_owned()];
        let matrix = MatrixResult { peers, cells, summary, ..MatrixResult::default() };
        let report = Report { matrix: Some(matrix), ..crate::testing::report([]) };
        insta::assert_snapshot!(page(Paint { colour: false }, &report), @r"
        inconclusive a-1 -> b-22: matrix/2
            no \u{1b}[31mnew IPsec SAs
            rerun: cargo xtask conform --matrix matrix/2

        info 1 cell: no \u{1b}[31mnew IPsec SAs

        unsupported 1 cell: no \u{1b}[31mnew IPsec SAs

        initiator \ responder  a-1     b-22
        a-1                    2/2     1/2
        b-22                   1/1 -1  not played
        cells that passed / that were played; -n: n more are not supported
        ");
    }
}
