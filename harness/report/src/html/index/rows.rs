//! The rows of the lists of cases and clauses, for the script.

use std::collections::BTreeMap;

use serde::Serialize;

use super::unexpected::page_of;
use crate::html::data::Texts;
use crate::html::has_page;
use crate::html::shown::{clean, glyph};
use crate::junit::section_of;
use crate::model::Report;
use ikev1_scenario::Verdict;

/// A clause of the register.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClauseEntry {
    /// Its ID.
    pub id: String,
    /// The document, such as `RFC2409`.
    pub document: String,
    /// The section.
    pub section: String,
    /// How strongly it binds.
    pub level: String,
    /// What it says, in our own words.
    pub summary: String,
    /// Why no test can see whether it is kept; empty where one can.
    pub untestable: String,
}

/// Everything that the script shows. Rows are lists, as thousands of them would repeat their keys.
#[derive(Serialize)]
pub(super) struct Rows {
    /// Name and glyph, harmless ones first.
    verdicts: Vec<(&'static str, &'static str)>,
    peers: Vec<String>,
    sections: Vec<String>,
    texts: Vec<String>,
    cases: Vec<Case>,
    clauses: Vec<Clause>,
}

/// ID, peer, role, level, verdict, expected, known, milliseconds, section, reason, description, requirements, page.
///
/// Peer, verdict and section are numbers, as are requirements: places in the list of clauses. Reason and description are numbers of texts.
#[derive(Serialize)]
struct Case(
    String,
    usize,
    &'static str,
    &'static str,
    usize,
    u8,
    u8,
    u64,
    usize,
    usize,
    usize,
    Vec<usize>,
    Option<String>,
);

/// ID, place, level, summary, why no test can see it.
type Clause = (String, String, String, String, String);

pub(super) fn rows(report: &Report, register: &[ClauseEntry]) -> Rows {
    let mut texts = Texts::default();
    let mut sections: Vec<String> = report.cases.iter().map(|case| section_of(&case.id)).collect();
    sections.sort();
    sections.dedup();
    let mut clauses: Vec<Clause> = register.iter().map(clause).collect();
    let mut numbers: BTreeMap<String, usize> =
        register.iter().enumerate().map(|(number, entry)| (entry.id.clone(), number)).collect();
    let mut cases = Vec::with_capacity(report.cases.len());
    for case in &report.cases {
        let requirements = case.requirements.iter().map(|id| {
            *numbers.entry(id.clone()).or_insert_with(|| {
                // A run may cite what the register does not have any more.
                clauses.push((
                    clean(id),
                    String::new(),
                    case.level.name().to_owned(),
                    "not in the register".to_owned(),
                    String::new(),
                ));
                clauses.len() - 1
            })
        });
        let requirements = requirements.collect();
        cases.push(Case(
            clean(&case.id),
            report.peers.iter().position(|peer| peer.name == case.peer).unwrap_or(0),
            case.role.name(),
            case.level.name(),
            Verdict::ALL.iter().position(|verdict| *verdict == case.verdict).unwrap_or(0),
            u8::from(case.expected),
            u8::from(case.waived.is_some()),
            case.duration_ms,
            sections.binary_search(&section_of(&case.id)).unwrap_or(0),
            texts.number(&case.reason),
            texts.number(&case.description),
            requirements,
            page_of(&case.artefacts).filter(|_| has_page(case, report)),
        ));
    }
    Rows {
        verdicts: Verdict::ALL.iter().map(|verdict| (verdict.name(), glyph(*verdict))).collect(),
        peers: report.peers.iter().map(|peer| clean(&peer.name)).collect(),
        sections: sections.iter().map(|section| clean(section)).collect(),
        texts: texts.into_list(),
        cases,
        clauses,
    }
}

fn clause(entry: &ClauseEntry) -> Clause {
    let document = match entry.document.strip_prefix("RFC") {
        Some(number) => format!("RFC {number}"),
        None => entry.document.clone(),
    };
    let place = clean(&format!("{document}, section {}", entry.section));
    (clean(&entry.id), place, clean(&entry.level), clean(&entry.summary), clean(&entry.untestable))
}
