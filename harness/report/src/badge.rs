//! `badge.json`: the endpoint badge of shields.io.

use ikev1_scenario::Verdict;
use serde_json::json;

use crate::Outcome;
use crate::model::Report;

/// The text of `badge.json`.
pub fn render(report: &Report) -> String {
    let mut sums = report.summary;
    report.cells().for_each(|cell| sums.add(cell.verdict));
    let unexpected = report.unexpected().len() + report.cells().filter(|cell| !cell.expected).count();
    let (colour, what) = match Outcome::of(report) {
        Outcome::Success => ("brightgreen", format!("{} pass", sums.get(Verdict::Pass))),
        Outcome::Unexpected => ("red", format!("{} pass, {unexpected} unexpected", sums.get(Verdict::Pass))),
        Outcome::Usage | Outcome::Harness => ("lightgrey", "fault of the harness".to_owned()),
    };
    let badge = json!({ "schemaVersion": 1, "label": "IKEv1 conformance", "message": what, "color": colour });
    format!("{badge:#}\n")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::testing;

    #[rstest]
    #[case::good(Verdict::Info, "brightgreen", "1 pass")]
    #[case::bad(Verdict::Fail, "red", "1 pass, 1 unexpected")]
    #[case::fault(Verdict::Error, "lightgrey", "fault of the harness")]
    fn a_badge_says_what_the_exit_code_says(
        #[case] verdict: Verdict,
        #[case] colour: &str,
        #[case] what: &str,
    ) {
        let report = testing::report([("a/b/c", Verdict::Pass), ("a/b/d", verdict)]);
        let badge: serde_json::Value = serde_json::from_str(&render(&report)).unwrap();
        assert_eq!((&badge["color"], &badge["message"]), (&json!(colour), &json!(what)));
        assert_eq!(badge["schemaVersion"], 1);
    }
}
