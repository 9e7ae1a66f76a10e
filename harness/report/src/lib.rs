//! Reports of a conformance run: consumers of its events, one file each.
//!
//! ```text
//! run ─▶ RunEvent ─┬─▶ term::Terminal      progress while it runs, failures and matrix at its end
//!                  └─▶ Builder ─▶ Report ─┬─▶ json::render     report.json
//!                                         ├─▶ junit::render    junit.xml
//!                                         ├─▶ sarif::render    report.sarif
//!                                         ├─▶ markdown::render summary.md, badge::render badge.json
//!                                         ├─▶ github::annotations for the log of GitHub Actions
//!                                         ├─▶ html::index      index.html, html::case_page for each case
//!                                         ├─▶ term::summary    the terminal's last page
//!                                         └─▶ exit::Outcome    the exit code
//! ```
//!
//! The crate knows no protocol, no socket and no clock: times and verdicts come in with the events. Whatever text
//! of a peer comes in (reasons, findings, logs) is data; each consumer makes it harmless in its own format by
//! [`text`], and none writes it as markup.

pub mod badge;
pub mod capture;
pub mod cause;
pub mod compare;
pub mod discovery;
pub mod event;
pub mod exit;
pub mod github;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod model;
mod pairs;
pub mod sarif;
pub mod sources;
pub mod term;
pub mod text;
pub mod waiver;

pub use event::{Builder, RunEvent};
pub use exit::Outcome;
pub use model::Report;
pub use sources::Sources;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod testing;
