//! `report.sarif`: SARIF 2.1.0, for GitHub code scanning and whatever else reads it.
//!
//! A clause is a rule; a case that did not pass is a result for each clause that its findings name, or else that it tests.
//!
//! | verdict | kind | level |
//! |---|---|---|
//! | `fail` | `fail` | `error` |
//! | `warn` | `fail` | `warning` |
//! | `inconclusive` | `open` | `none` |
//! | `info` | `informational` | `none` |
//!
//! `pass` and `unsupported` are no results. `error` and other faults of ours are notifications of the invocation. A known
//! failure is suppressed, with its reason.

use std::collections::{BTreeMap, BTreeSet};

use ikev1_scenario::Verdict;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::Outcome;
use crate::json::harmless;
use crate::model::{CaseResult, Report};
use crate::sources::Sources;
use crate::text::{SHOWN_CHARS_MAX, one_line, uri_path};

/// Most results: GitHub refuses a file with more than 25,000.
const RESULTS_MAX: usize = 20_000;

/// The text of `report.sarif`.
pub fn render(report: &Report, sources: &Sources<'_>) -> String {
    let mut rules = Rules { sources, numbers: BTreeMap::new(), rules: Vec::new() };
    let mut results = Vec::new();
    for case in &report.cases {
        let Some((kind, level)) = kind(case.verdict) else { continue };
        for clause in clauses(case) {
            results.push(result(case, clause, (kind, level), &mut rules));
        }
    }
    results.truncate(RESULTS_MAX);
    let run = &report.run;
    let outcome = Outcome::of(report);
    let mut invocation = json!({
        "executionSuccessful": outcome != Outcome::Harness,
        "exitCode": outcome.code(),
        "commandLine": clean(&run.command),
        "toolExecutionNotifications": notifications(report),
    });
    if !run.started.is_empty() {
        invocation["startTimeUtc"] = clean(&run.started).into();
    }
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "ikev1-conform",
                "version": clean(&run.version),
                "rules": rules.rules,
            } },
            "automationDetails": { "id": format!("ikev1-conform/{}", clean(&run.id)) },
            "invocations": [invocation],
            "results": results,
            "properties": { "notice": clean(&run.notice) },
        }],
    });
    harmless(&format!("{document:#}\n"))
}

/// The clauses that results name.
struct Rules<'a> {
    sources: &'a Sources<'a>,
    numbers: BTreeMap<String, usize>,
    rules: Vec<Value>,
}

impl Rules<'_> {
    /// The number of the rule of a clause.
    fn number(&mut self, id: &str) -> usize {
        if let Some(number) = self.numbers.get(id) {
            return *number;
        }
        let mut rule = json!({ "id": clean(id) });
        if let Some(clause) = self.sources.clauses.iter().find(|clause| clause.id == id) {
            let place = format!("{}, section {}", clause.document.replacen("RFC", "RFC ", 1), clause.section);
            rule["shortDescription"] = text(&place);
            rule["fullDescription"] = text(&clause.summary);
            rule["properties"] = json!({ "level": clean(&clause.level) });
        }
        let number = self.rules.len();
        self.rules.push(rule);
        self.numbers.insert(id.to_owned(), number);
        number
    }
}

/// The clauses that a verdict is about: those of its findings, or where these name none those of the case.
fn clauses(case: &CaseResult) -> BTreeSet<&String> {
    let found: BTreeSet<_> = case.findings.iter().flat_map(|finding| &finding.requirements).collect();
    if found.is_empty() { case.requirements.iter().collect() } else { found }
}

/// Kind and level of the results of a verdict; none where it makes no result.
const fn kind(verdict: Verdict) -> Option<(&'static str, &'static str)> {
    match verdict {
        Verdict::Fail => Some(("fail", "error")),
        Verdict::Warn => Some(("fail", "warning")),
        Verdict::Inconclusive => Some(("open", "none")),
        Verdict::Info => Some(("informational", "none")),
        Verdict::Pass | Verdict::Unsupported | Verdict::Error => None,
    }
}

fn result(case: &CaseResult, clause: &str, (kind, level): (&str, &str), rules: &mut Rules<'_>) -> Value {
    let name = format!("{} ({}, {})", case.id, case.peer, case.role);
    let mut location = json!({ "logicalLocations": [{ "fullyQualifiedName": clean(&name) }] });
    if let Some(file) = (rules.sources.file)(&case.id) {
        location["physicalLocation"] =
            json!({ "artifactLocation": { "uri": uri_path(&file) }, "region": { "startLine": 1 } });
    }
    // The same case of the same peer, role and clause is the same result in each run.
    let identity = [&case.id, &case.peer, case.role.name(), clause].join("\0");
    let fingerprint: String = Sha256::digest(identity).iter().map(|octet| format!("{octet:02x}")).collect();
    let mut result = json!({
        "ruleId": clean(clause),
        "ruleIndex": rules.number(clause),
        "kind": kind,
        "level": level,
        "message": text(&format!("{name}: {}", case.reason)),
        "locations": [location],
        "partialFingerprints": { "caseAndClause/v1": fingerprint },
        "properties": { "verdict": case.verdict.name(), "expected": case.expected, "rerun": clean(&case.rerun) },
    });
    if let Some(waived) = &case.waived {
        let justification = format!("{} ({})", waived.reason, waived.link);
        result["suppressions"] = json!([{ "kind": "external", "justification": clean(&justification) }]);
    }
    result
}

/// Faults of the harness and of its surroundings.
fn notifications(report: &Report) -> Vec<Value> {
    let notification = |words: String| json!({ "level": "error", "message": text(&words) });
    let mut all: Vec<Value> = report.run.errors.iter().cloned().map(notification).collect();
    let errors = report.cases.iter().filter(|case| case.verdict == Verdict::Error);
    all.extend(
        errors
            .map(|case| notification(format!("{} ({}, {}): {}", case.id, case.peer, case.role, case.reason))),
    );
    all.truncate(RESULTS_MAX);
    all
}

/// A message, in which brackets and braces are no links and no places for arguments (SARIF 2.1.0, 3.11.5 and 3.11.6).
fn text(words: &str) -> Value {
    let mut out = String::with_capacity(words.len());
    for c in clean(words).chars() {
        match c {
            '\\' | '[' | ']' => out.extend(['\\', c]),
            '{' | '}' => out.extend([c, c]),
            c => out.push(c),
        }
    }
    json!({ "text": out })
}

fn clean(text: &str) -> String {
    one_line(text, SHOWN_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::ClauseEntry;
    use crate::model::Waived;
    use crate::testing;

    #[test]
    fn a_clause_is_a_rule_and_what_did_not_pass_a_result() {
        let mut report = testing::report([
            ("rfc2409/5.4-psk/a", Verdict::Pass),
            ("rfc2409/5.4-psk/b", Verdict::Fail),
            ("rfc2409/5.4-psk/c", Verdict::Warn),
            ("rfc2409/5.4-psk/d", Verdict::Error),
        ]);
        report.cases[1].reason = "got [x](1) {0}".to_owned();
        report.cases[1].requirements.push("RFC2409-5-01".to_owned());
        report.cases[1].findings[0].requirements = vec!["RFC2409-5.4-01".to_owned()];
        report.cases[2].waived = Some(Waived {
            reason: "old bug".into(),
            clause: "RFC2409-5.4-01".into(),
            link: "https://x".into(),
        });
        let clause = ClauseEntry {
            id: "RFC2409-5.4-01".to_owned(),
            document: "RFC2409".to_owned(),
            section: "5.4".to_owned(),
            level: "must".to_owned(),
            summary: "HASH_I is checked.".to_owned(),
            ..ClauseEntry::default()
        };
        let file = |id: &str| Some(format!("scenarios/{id}.json"));
        let sources = Sources { clauses: &[clause], file: &file };
        let sarif: Value = serde_json::from_str(&render(&report, &sources)).unwrap();
        assert_eq!(
            (&sarif["version"], &sarif["runs"][0]["invocations"][0]["exitCode"]),
            (&json!("2.1.0"), &json!(3))
        );
        let rules = &sarif["runs"][0]["tool"]["driver"]["rules"];
        assert_eq!(rules.as_array().unwrap().len(), 1);
        assert_eq!(rules[0]["id"], "RFC2409-5.4-01");
        assert_eq!(rules[0]["shortDescription"]["text"], "RFC 2409, section 5.4");
        let results = &sarif["runs"][0]["results"];
        assert_eq!(results.as_array().unwrap().len(), 2);
        assert_eq!(results[0]["level"], "error");
        assert_eq!(
            results[0]["message"]["text"],
            "rfc2409/5.4-psk/b (self, initiator): got \\[x\\](1) {{0}}"
        );
        let place = &results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!(place, "scenarios/rfc2409/5.4-psk/b.json");
        assert_eq!(results[1]["level"], "warning");
        assert_eq!(results[1]["suppressions"][0]["justification"], "old bug (https://x)");
        let notifications = &sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"];
        assert_eq!(notifications.as_array().unwrap().len(), 1, "our own fault is no result");
    }
}
