//! Conditions and events in words.

use ikev1_scenario::model::FieldAssert;
use serde::Serialize;
use serde_json::Value;

/// A condition or an event as a reader wants it: names without underscores, messages by their place in an exchange.
pub(super) fn words(value: &impl Serialize) -> String {
    // What is given serialises: it comes from JSON.
    text(&serde_json::to_value(value).unwrap_or_default())
}

/// What a field must be like: `nonce.data min length 8`.
pub(super) fn check_words(assert: &FieldAssert) -> String {
    let check = serde_json::to_value(&assert.check).unwrap_or_default();
    let check = match check.as_object().and_then(|members| members.iter().next()) {
        Some((key, value)) => format!("{} {}", name(key), text(value)),
        None => text(&check),
    };
    format!("{} {check}", assert.field)
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(members) => match (members.get("exchange"), members.get("number")) {
            (Some(Value::String(exchange)), Some(Value::Number(number))) => {
                let occurrence = members.get("occurrence").and_then(Value::as_u64).filter(|n| *n > 1);
                let occurrence = occurrence.map_or_else(String::new, |n| format!(" of exchange {n}"));
                let others = members
                    .iter()
                    .filter(|(key, _)| !["exchange", "number", "occurrence"].contains(&key.as_str()));
                let others: String =
                    others.map(|(key, value)| format!(" ({key}: {})", text(value))).collect();
                format!("{exchange} message {number}{occurrence}{others}")
            }
            _ => {
                let pair = |(key, value): (&String, &Value)| {
                    let key = name(key);
                    match value {
                        Value::Object(inner) if inner.len() > 1 && !inner.contains_key("exchange") => {
                            format!("{key} ({})", text(value))
                        }
                        _ => format!("{key}: {}", text(value)),
                    }
                };
                members.iter().map(pair).collect::<Vec<_>>().join("; ")
            }
        },
        plain => plain.to_string(),
    }
}

/// A key as the RFCs write it.
fn name(key: &str) -> String {
    let words: Vec<_> = key
        .split('_')
        .map(|word| match word {
            "isakmp" => "ISAKMP",
            "ipsec" => "IPsec",
            "sa" => "SA",
            "sas" => "SAs",
            "spi" => "SPI",
            other => other,
        })
        .collect();
    match key {
        "cky_i" => "CKY-I".to_owned(),
        "cky_r" => "CKY-R".to_owned(),
        "m_id" => "M-ID".to_owned(),
        _ => words.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use ikev1_scenario::model::{Condition, FieldAssert};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::silence(
        r#"{"silence": {"after": {"exchange": "main-mode", "number": 5}}}"#,
        "silence (after: main-mode message 5; from: peer)"
    )]
    #[case::count(r#"{"traffic_replies": {"exactly": 1}}"#, "traffic replies: exactly: 1")]
    fn a_condition_in_words(#[case] json: &str, #[case] expected: &str) {
        let condition: Condition = serde_json::from_str(json).unwrap();
        assert_eq!(words(&condition), expected);
    }

    #[rstest]
    #[case::length(r#"{"field": "nonce.data", "check": {"min_length": 8}}"#, "nonce.data min length 8")]
    #[case::presence(r#"{"field": "id[0]", "check": "present"}"#, "id[0] present")]
    #[case::other_message(
        r#"{"field": "header.m_id", "check": {"same_as": {"message": {"exchange": "quick-mode", "number": 1}, "from": "peer"}}}"#,
        "header.m_id same as from: peer; message: quick-mode message 1"
    )]
    fn a_check_in_words(#[case] json: &str, #[case] expected: &str) {
        let assert: FieldAssert = serde_json::from_str(json).unwrap();
        assert_eq!(check_words(&assert), expected);
    }
}
