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

/// A section's name, and what it came to in each column.
type Row = (String, BTreeMap<(usize, Role), Sum>);

/// The section.
pub(super) fn section(report: &Report) -> Markup {
    let mut sums: BTreeMap<Order, Row> = BTreeMap::new();
    let mut columns: Vec<(usize, Role)> = Vec::new();
    for case in &report.cases {
        let peer = report.peers.iter().position(|peer| peer.name == case.peer).unwrap_or(usize::MAX);
        let column = (peer, case.role);
        if let Err(place) = columns.binary_search(&column) {
            columns.insert(place, column);
        }
        let section = section_of(&case.id);
        let (_, row) = sums.entry(order(&section)).or_insert_with(|| (section, BTreeMap::new()));
        let sum = row.entry(column).or_default();
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
                        @for (section, row) in sums.values() {
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

/// Where a section stands: RFCs before drafts and the rest, and numbers by their value, so that 5.10 follows 5.9.
type Order = (bool, Vec<(u64, String)>);

fn order(section: &str) -> Order {
    let mut parts: Vec<(u64, String)> = Vec::new();
    for c in section.chars() {
        match (c.to_digit(10), parts.last_mut()) {
            (Some(digit), Some((number, text))) if text.is_empty() => {
                *number = number.saturating_mul(10).saturating_add(digit.into());
            }
            (Some(digit), _) => parts.push((digit.into(), String::new())),
            (None, Some((_, text))) => text.push(c),
            (None, None) => parts.push((0, c.to_string())),
        }
    }
    (!section.starts_with("rfc"), parts)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_stand_in_the_order_of_their_documents() {
        let mut sections = [
            "draft-x/2-a",
            "rfc2409/5.10-b",
            "interop/client",
            "rfc2409/5.4-c",
            "rfc2408/5.4-d",
            "rfc2409/A-e",
        ];
        sections.sort_by_key(|section| order(section));
        assert_eq!(
            sections,
            [
                "rfc2408/5.4-d",
                "rfc2409/5.4-c",
                "rfc2409/5.10-b",
                "rfc2409/A-e",
                "draft-x/2-a",
                "interop/client"
            ]
        );
    }
}
