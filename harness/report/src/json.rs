//! `report.json`.

use crate::model::Report;

/// The text of `report.json`: indented, with a line end. Control characters in it are escaped, those of C1 and DEL
/// too, so that it can be shown on a terminal.
pub fn render(report: &Report) -> String {
    // A report is strings, numbers and maps with string keys, for which serialising cannot fail.
    let json = serde_json::to_string_pretty(report).unwrap_or_default();
    let mut out = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)))
            }
            c => out.push(c),
        }
    }
    out.push('\n');
    out
}

/// Reads a `report.json`.
///
/// # Errors
/// When it is no JSON, or misses a key of [`Report`].
pub fn parse(text: &str) -> Result<Report, serde_json::Error> {
    serde_json::from_str(text)
}

#[cfg(test)]
mod tests {
    use ikev1_scenario::Verdict;

    use super::*;
    use crate::testing;

    #[test]
    fn a_report_round_trips_with_hostile_text_and_holds_no_raw_control_character() {
        for hostile in testing::hostile_texts() {
            let mut report = testing::report([("rfc2409/5.4/a", Verdict::Fail)]);
            report.cases[0].reason.clone_from(&hostile);
            report.cases[0].findings[0].got = Some(hostile);
            let json = render(&report);
            assert!(
                !json.chars().any(|c| c.is_control() && c != '\n'),
                "raw control character in {json:.200}"
            );
            assert_eq!(parse(&json).unwrap(), report);
        }
    }

    #[test]
    fn the_keys_that_automation_reads_are_there() {
        let value: serde_json::Value =
            serde_json::from_str(&render(&testing::report([("rfc2409/5.4/a", Verdict::Fail)]))).unwrap();
        assert_eq!(value["schema"], "ikev1-conform/report/1");
        assert_eq!(value["run"]["seed"], 7);
        assert_eq!(value["peers"][0]["name"], "self");
        assert_eq!(value["cases"][0]["verdict"], "fail");
        assert_eq!(value["cases"][0]["role"], "initiator");
        assert_eq!(value["cases"][0]["duration_ms"], 3);
        let summary: Vec<_> = value["summary"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(summary, ["error", "fail", "inconclusive", "info", "pass", "unsupported", "warn"]);
    }
}
