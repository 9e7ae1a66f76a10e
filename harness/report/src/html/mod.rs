//! HTML: `index.html` of a run, and a page for each case that was played.
//!
//! ```text
//! Report, register ─▶ index::render ─▶ index.html     what is unexpected, matrix, clauses, cases, run
//! CasePage         ─▶ case::render  ─▶ <case>/index.html   ladder, messages with their bytes, values, log
//! CaptureReport    ─▶ capture::render ─▶ a file of the user's   ladders, findings, messages with their bytes
//! ```
//!
//! A page is one file: its style and its script are inline, and it loads nothing, so it works from a disk and as an
//! artefact of CI. It shows text that a peer has chosen, so that
//!
//! * every text goes through [`text::one_line`](crate::text::one_line) and into the document by a template that escapes;
//! * data for the script stands in a block of JSON without `<`, `>` and `&`, and the script writes it with `textContent`;
//! * the policy in its head lets only this one style and this one script act, by their hashes.
//!
//! Nothing here knows the protocol: fields, bytes and names of messages come with [`CasePage`].

use ikev1_scenario::Verdict;

use crate::model::{CaseResult, Report};

mod capture;
mod case;
mod data;
mod frame;
mod index;
mod shown;

pub use capture::render as capture_page;
pub use case::{
    Acceptance, CasePage, Clause, ConditionState, Entry, Evidence, Field, Message, Note, State, StepState,
    Value, Whose, render as case_page,
};
pub use index::{ClauseEntry, render as index};

/// Name of a page in its folder.
pub const PAGE_FILE: &str = "index.html";

/// In a run of more cases those that passed have no page: pages of some 70 kB each would take longer than the cases.
pub const CASES_WITH_ALL_PAGES_MAX: usize = 500;

/// Whether a case has a page of its own: it was played, and did not pass or is one of a small run.
pub fn has_page(case: &CaseResult, report: &Report) -> bool {
    case.artefacts.contains_key("transcript")
        && (case.verdict != Verdict::Pass || report.cases.len() <= CASES_WITH_ALL_PAGES_MAX)
}

#[cfg(test)]
pub(crate) mod tests;
