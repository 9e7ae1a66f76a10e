//! Peers and roles by section.

use std::collections::BTreeMap;

use ikev1_scenario::Verdict;
use ikev1_scenario::model::Role;
use ikev1_scenario::verdict::Counts;
use maud::{Markup, html};

use crate::html::shown::{clean, verdict, worst};
use crate::junit::section_of;
use crate::model::Report;

/// What the cases of one section came to with one peer in one role.
#[derive(Default)]
struct Sum {
    counts: Counts,
    unexpected: u32,
    known: u32,
}

/// The section.
pub(super) fn section(report: &Report) -> Markup {
    let mut sums: BTreeMap<String, BTreeMap<(usize, Role), Sum>> = BTreeMap::new();
    let mut columns: Vec<(usize, Role)> = Vec::new();
    for case in &report.cases {
        let peer = report.peers.iter().position(|peer| peer.name == case.peer).unwrap_or(usize::MAX);
        let column = (peer, case.role);
        if let Err(place) = columns.binary_search(&column) {
            columns.insert(place, column);
        }
        let sum = sums.entry(section_of(&case.id)).or_default().entry(column).or_default();
        sum.counts.add(case.verdict);
        sum.unexpected += u32::from(!case.expected);
        sum.known += u32::from(case.waived.is_some());
    }
    let name = |peer: usize| report.peers.get(peer).map_or("?", |peer| peer.name.as_str());
    html! {
        section id="matrix" aria-labelledby="matrix-title" {
            h2 id="matrix-title" { "Sections by peer" }
            p.dim { "The worst verdict of what was played, and how many cases have each. A cell leads to its cases." }
            div.scroll tabindex="0" role="region" aria-labelledby="matrix-title" {
                table.matrix {
                    thead { tr { th scope="col" { "section" } @for (peer, role) in &columns {
                        th scope="col" { (clean(name(*peer))) br; span.dim { "harness " (role.name()) } }
                    } } }
                    tbody {
                        @for (section, row) in &sums {
                            tr {
                                th scope="row" { a href=(link(section, None)) { (clean(section)) } }
                                @for column in &columns { (cell(row.get(column), section, name(column.0), column.1)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(sum: Option<&Sum>, section: &str, peer: &str, role: Role) -> Markup {
    let Some(sum) = sum else { return html! { td.none { "none" } } };
    let played = Verdict::ALL.iter().copied().filter(|each| sum.counts.get(*each) > 0);
    let Some(worst) = worst(played.clone()) else { return html! { td.none { "none" } } };
    let class = if sum.unexpected > 0 {
        format!("c {} unexpected", worst.name())
    } else {
        format!("c {}", worst.name())
    };
    html! {
        td class=(class) {
            a href=(link(section, Some((peer, role)))) {
                (verdict(worst))
                @if sum.unexpected > 0 { " " strong { (sum.unexpected) " unexpected" } }
                span.counts {
                    @for (index, each) in played.enumerate() {
                        @if index > 0 { ", " }
                        (sum.counts.get(each)) " " (each.name())
                    }
                    @if sum.known > 0 { " (" (sum.known) " known)" }
                }
            }
        }
    }
}

/// The address of a filtered list of cases.
fn link(section: &str, column: Option<(&str, Role)>) -> String {
    let mut link = format!("#view=cases&section={}", component(section));
    if let Some((peer, role)) = column {
        link.push_str(&format!("&peer={}&role={}", component(peer), role.name()));
    }
    link
}

/// A value in the fragment of an address.
fn component(text: &str) -> String {
    crate::html::shown::href(text).trim_start_matches("./").replace('/', "%2F")
}
