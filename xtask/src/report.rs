//! What CI looks at in a `report.json`, whose schema is in `reports/schema`. The harness' own types would have its crates built
//! for this launcher, without OpenSSL and for nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Deserialize;

/// A run.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    pub(crate) run: Run,
    pub(crate) cases: Vec<Case>,
    pub(crate) peers: Vec<Peer>,
    pub(crate) matrix: Option<Matrix>,
}

/// What went wrong beside the cases.
#[derive(Debug, Deserialize)]
pub(crate) struct Run {
    pub(crate) errors: Vec<String>,
}

/// A case that was played with a peer; `role` is the harness' own.
#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) peer: String,
    pub(crate) role: String,
    pub(crate) verdict: String,
    pub(crate) expected: bool,
    pub(crate) reason: Option<String>,
}

/// A peer of the run.
#[derive(Debug, Deserialize)]
pub(crate) struct Peer {
    pub(crate) kernel: Option<String>,
}

/// What became of daemon against daemon.
#[derive(Debug, Deserialize)]
pub(crate) struct Matrix {
    pub(crate) cells: Vec<Cell>,
}

/// One combination of two daemons.
#[derive(Debug, Deserialize)]
pub(crate) struct Cell {
    pub(crate) initiator: String,
    pub(crate) responder: String,
    pub(crate) combination: String,
    pub(crate) verdict: String,
    pub(crate) expected: bool,
    pub(crate) reason: Option<String>,
}

impl Report {
    /// The report that a run has left in `folder`.
    pub(crate) fn load(folder: &Path) -> Result<Self, String> {
        let path = folder.join("report.json");
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// How many cases say something of the peer, and the harness' roles in them.
    pub(crate) fn ran(&self) -> (usize, BTreeSet<&str>) {
        let ran = || self.cases.iter().filter(|case| matches!(case.verdict.as_str(), "pass" | "info"));
        (ran().count(), ran().map(|case| case.role.as_str()).collect())
    }

    /// What makes the run no success, a line each: what went wrong beside the cases, then the cases and cells that nobody expected.
    pub(crate) fn unexpected(&self) -> Vec<String> {
        let line = |verdict: &str, what: String, reason: &Option<String>| match reason {
            Some(reason) => format!("{verdict} {what}: {reason}"),
            None => format!("{verdict} {what}"),
        };
        let cases = self.cases.iter().filter(|case| !case.expected).map(|case| {
            line(&case.verdict, format!("{} ({}, {})", case.id, case.peer, case.role), &case.reason)
        });
        let cells =
            self.matrix.iter().flat_map(|matrix| &matrix.cells).filter(|cell| !cell.expected).map(|cell| {
                let what = format!("{} ({} -> {})", cell.combination, cell.initiator, cell.responder);
                line(&cell.verdict, what, &cell.reason)
            });
        self.run.errors.iter().cloned().chain(cases).chain(cells).collect()
    }

    /// Whether a daemon whose name begins with `initiator` was set up with one that begins with `responder`.
    pub(crate) fn passed(&self, initiator: &str, responder: &str) -> bool {
        self.matrix.iter().flat_map(|matrix| &matrix.cells).any(|cell| {
            cell.initiator.starts_with(initiator)
                && cell.responder.starts_with(responder)
                && cell.verdict == "pass"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_sample_is_read() {
        let report = Report::load(&crate::harness::root().join("reports/sample")).unwrap();
        let (ran, roles) = report.ran();
        assert!(ran > 0 && ran < report.cases.len(), "{ran}");
        assert_eq!(roles, BTreeSet::from(["initiator", "responder"]));
        assert!(!report.passed("self", "deviant"));
    }

    fn with_cell(cell: &str) -> Report {
        let text = format!(
            r#"{{"run": {{"errors": ["no Docker"]}}, "cases": [], "peers": [], "matrix": {{"cells": [{cell}]}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn what_nobody_expected_is_a_line_each() {
        let sample = Report::load(&crate::harness::root().join("reports/sample")).unwrap().unexpected();
        let fail = "fail rfc2409/5.4-pre-shared-key/aggressive-mode-message-of-the-responder (deviant, initiator): step 2 (expect): ";
        assert!(sample.iter().any(|line| line.starts_with(fail)), "{sample:?}");
        assert!(!sample.iter().any(|line| line.starts_with("pass")), "{sample:?}");

        let report = with_cell(
            r#"{"initiator": "a", "responder": "b", "combination": "c", "verdict": "error", "expected": false,
            "reason": "no SA"}"#,
        );
        assert_eq!(report.unexpected(), ["no Docker", "error c (a -> b): no SA"]);
    }

    #[test]
    fn a_cell_counts_in_its_order_only() {
        let report = with_cell(
            r#"{"initiator": "strongswan-5.9.8", "responder": "libreswan-4.10", "combination": "c", "verdict": "pass",
            "expected": true}"#,
        );
        assert!(report.passed("strongswan", "libreswan") && !report.passed("libreswan", "strongswan"));
    }
}
