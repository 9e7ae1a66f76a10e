//! Daemon against daemon.

use ikev1_scenario::Verdict;
use maud::{Markup, html};

use crate::html::shown::{clean, duration, href, verdict, worst};
use crate::model::{CellResult, MatrixResult, Report};

/// The section; empty without a matrix.
pub(super) fn section(report: &Report) -> Markup {
    let Some(matrix) = &report.matrix else { return Markup::default() };
    html! {
        section id="daemons" aria-labelledby="daemons-title" {
            h2 id="daemons-title" { "Daemon against daemon" }
            p.dim { "Rows initiate, columns respond: cells as expected of those played. Pairs are listed below." }
            div.scroll tabindex="0" role="region" aria-labelledby="daemons-title" {
                table.matrix {
                    thead { tr { th scope="col" { "initiator \\ responder" } @for peer in &matrix.peers { th scope="col" { (clean(peer)) } } } }
                    tbody {
                        @for (row, initiator) in matrix.peers.iter().enumerate() {
                            tr {
                                th scope="row" { (clean(initiator)) }
                                @for (column, responder) in matrix.peers.iter().enumerate() {
                                    (sum(&cells(matrix, initiator, responder), &format!("pair-{row}-{column}")))
                                }
                            }
                        }
                    }
                }
            }
            @for (row, initiator) in matrix.peers.iter().enumerate() {
                @for (column, responder) in matrix.peers.iter().enumerate() {
                    (pair(&cells(matrix, initiator, responder), initiator, responder, &format!("pair-{row}-{column}")))
                }
            }
        }
    }
}

fn cells<'a>(matrix: &'a MatrixResult, initiator: &str, responder: &str) -> Vec<&'a CellResult> {
    matrix.cells.iter().filter(|cell| cell.initiator == initiator && cell.responder == responder).collect()
}

fn sum(cells: &[&CellResult], id: &str) -> Markup {
    let played: Vec<_> = cells.iter().filter(|cell| cell.verdict != Verdict::Unsupported).collect();
    let good = played.iter().filter(|cell| cell.expected).count();
    let Some(worst) = worst(cells.iter().map(|cell| cell.verdict)) else {
        return html! { td.none { "not played" } };
    };
    let class = if good < played.len() {
        format!("c {} unexpected", worst.name())
    } else {
        format!("c {}", worst.name())
    };
    html! {
        td class=(class) {
            a href={ "#" (id) } {
                (verdict(worst))
                span.counts { (good) " of " (played.len()) @if cells.len() > played.len() { ", " (cells.len() - played.len()) " unsupported" } }
            }
        }
    }
}

fn pair(cells: &[&CellResult], initiator: &str, responder: &str, id: &str) -> Markup {
    html! {
        @if !cells.is_empty() {
            details id=(id) {
                summary { b { (clean(initiator)) " → " (clean(responder)) } }
                ul.cases {
                    @for cell in cells {
                        li {
                            (verdict(cell.verdict)) " " span.id { (clean(&cell.combination)) } " " span.dim { (duration(cell.duration_ms)) }
                            p.reason { (clean(&cell.reason)) }
                            @for finding in &cell.findings { p.reason { "◆ " (clean(&finding.what)) } }
                            @for note in &cell.notes { p.dim { (clean(note)) } }
                            p { @for (kind, path) in &cell.artefacts { a href=(href(path)) { (clean(kind)) } " " } code { (clean(&cell.rerun)) } }
                        }
                    }
                }
            }
        }
    }
}
