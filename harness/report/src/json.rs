//! `report.json`.

use serde::de::Error as _;

use crate::model::{Report, SCHEMA};
use crate::text::{is_hidden, one_line};

/// Longest string of a `report.json`, in characters: whatever a peer has sent, the report can be loaded.
pub const STRING_CHARS_MAX: usize = 8_000;

/// The text of `report.json`: indented, with a line end.
///
/// Everything in it that would act or hide instead of being seen is escaped, so that it can be shown on a terminal, and a
/// string of more than [`STRING_CHARS_MAX`] characters is cut, with the number of those that are missing.
pub fn render(report: &Report) -> String {
    // A report is strings, numbers and maps with string keys, for which serialising cannot fail.
    let mut out = harmless(&serde_json::to_string_pretty(report).unwrap_or_default());
    out.push('\n');
    out
}

/// JSON text with its strings cut and their hidden characters escaped.
pub(crate) fn harmless(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 1);
    let mut chars = json.chars();
    while let Some(c) = chars.next() {
        out.push(c);
        if c == '"' {
            string(&mut chars, &mut out);
        }
    }
    out
}

/// The rest of a string behind its first quotation mark.
fn string(chars: &mut std::str::Chars<'_>, out: &mut String) {
    let (mut length, mut escape) = (0_usize, String::new());
    loop {
        let c = match chars.next() {
            None | Some('"') => break,
            Some(c) => c,
        };
        escape.clear();
        escape.push(c);
        if c == '\\' {
            // An escape of serde_json is one character, or `u` and four digits.
            let name = chars.next().unwrap_or('\\');
            escape.push(name);
            if name == 'u' {
                escape.extend(chars.by_ref().take(4));
            }
        }
        length += 1;
        if length > STRING_CHARS_MAX {
            continue;
        }
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push_str(&escape);
        }
    }
    if let Some(left) = length.checked_sub(STRING_CHARS_MAX).filter(|left| *left > 0) {
        out.push_str(&format!("… ({left} more characters)"));
    }
    out.push('"');
}

/// Reads a `report.json`.
///
/// # Errors
/// When it is no JSON, misses a key of [`Report`], or is of another version.
pub fn parse(text: &str) -> Result<Report, serde_json::Error> {
    let report: Report = serde_json::from_str(text)?;
    if report.schema == SCHEMA {
        return Ok(report);
    }
    let schema = one_line(&report.schema, 100);
    Err(serde_json::Error::custom(format_args!("`schema` is `{schema}`, and this harness reads `{SCHEMA}`")))
}

#[cfg(test)]
mod tests {
    use ikev1_scenario::Verdict;
    use rstest::rstest;
    use serde_json::Value;

    use super::*;
    use crate::testing;

    #[test]
    fn a_report_round_trips_with_hostile_text() {
        for hostile in testing::hostile_texts().into_iter().filter(|text| text.len() < STRING_CHARS_MAX) {
            let mut report = testing::report([("rfc2409/5.4/a", Verdict::Fail)]);
            report.cases[0].reason.clone_from(&hostile);
            report.cases[0].findings[0].got = Some(hostile);
            assert_eq!(parse(&render(&report)).unwrap(), report);
        }
    }

    #[rstest]
    #[case::plain("größer ✓", "größer ✓")]
    #[case::escapes("a\"b\\c\nd\u{1b}", "a\\\"b\\\\c\\nd\\u001b")]
    #[case::hidden("\u{202e}\u{7f}\u{e0041}", "\\u202e\\u007f\\udb40\\udc41")]
    fn hidden_characters_are_escaped(#[case] text: &str, #[case] json: &str) {
        let written = harmless(&serde_json::to_string(text).unwrap());
        assert_eq!(written, format!("\"{json}\""));
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }

    #[rstest]
    #[case::plain("é")]
    #[case::short_escape("\n")]
    #[case::long_escape("\u{1b}")]
    fn a_long_string_is_cut_between_characters(#[case] character: &str) {
        let json =
            serde_json::to_string(&[character.repeat(STRING_CHARS_MAX + 7), "next".to_owned()]).unwrap();
        let [cut, next] = serde_json::from_str::<[String; 2]>(&harmless(&json)).unwrap();
        assert_eq!(cut, character.repeat(STRING_CHARS_MAX) + "… (7 more characters)");
        assert_eq!(next, "next");
    }

    #[test]
    fn a_report_of_another_version_is_refused() {
        let report = render(&testing::report([])).replace("report/1", "report/2");
        let error = parse(&report).unwrap_err().to_string();
        assert_eq!(
            error,
            "`schema` is `ikev1-conform/report/2`, and this harness reads `ikev1-conform/report/1`"
        );
    }

    /// A `report.json` has what its schema says, and nothing else.
    fn fits(schema: &Value, root: &Value, value: &Value, path: &str) {
        if let Some(name) = schema["$ref"].as_str() {
            return fits(root.pointer(name.trim_start_matches('#')).unwrap(), root, value, path);
        }
        let types = match &schema["type"] {
            Value::Array(types) => types.clone(),
            Value::Null => Vec::new(),
            one => vec![one.clone()],
        };
        let is = |name: &str| types.iter().any(|each| each == name);
        if let Some(choices) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
            let of_null = |choice: &&Value| choice["type"] == "null";
            if value.is_null() && choices.iter().any(|choice| of_null(&choice)) {
                return;
            }
            let others: Vec<_> = choices.iter().filter(|choice| !of_null(choice)).collect();
            if let [one] = others.as_slice() {
                return fits(one, root, value, path);
            }
            let names = |one: &Value| {
                one["const"] == *value || one["enum"].as_array().is_some_and(|all| all.contains(value))
            };
            return assert!(others.into_iter().any(names), "{path}: {value}");
        }
        match value {
            Value::Object(members) => {
                assert!(is("object"), "{path}");
                for key in schema["required"].as_array().into_iter().flatten() {
                    assert!(members.contains_key(key.as_str().unwrap()), "{path} lacks {key}");
                }
                for (key, member) in members {
                    let known = schema["properties"]
                        .get(key)
                        .or(schema.get("additionalProperties").filter(|s| s.is_object()));
                    fits(
                        known.unwrap_or_else(|| panic!("{path}.{key} is not in the schema")),
                        root,
                        member,
                        &format!("{path}.{key}"),
                    );
                }
            }
            Value::Array(items) => {
                assert!(is("array"), "{path}");
                items.iter().for_each(|item| fits(&schema["items"], root, item, &format!("{path}[]")));
            }
            Value::Number(_) => assert!(is("integer"), "{path}"),
            Value::Bool(_) => assert!(is("boolean"), "{path}"),
            Value::Null => assert!(is("null"), "{path}"),
            Value::String(_) => {
                assert!(types.is_empty() || is("string"), "{path}");
                if let Some(names) = schema["enum"].as_array() {
                    assert!(names.contains(value), "{path}: {value}");
                }
            }
        }
    }

    #[test]
    fn a_report_fits_the_committed_schema() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../reports/schema/report-v1.schema.json");
        let schema: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let report: Value = serde_json::from_str(&render(&crate::hostile::full())).unwrap();
        fits(&schema, &schema, &report, "report");
    }

    #[test]
    fn the_keys_that_automation_reads_are_there() {
        let value: Value =
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
