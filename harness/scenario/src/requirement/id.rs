//! The IDs of requirements.

use core::fmt;
use core::str::FromStr;
use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// ID of a requirement: `RFC2409-5.4-01` is the first one of RFC 2409 section 5.4, `draft-dukes-ike-mode-cfg-02-3.2-01`
/// that of a draft, `MSIKEE-2-01` that of a specification of another kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequirementId(String);

impl JsonSchema for RequirementId {
    fn schema_name() -> Cow<'static, str> {
        "RequirementId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "ID of a requirement, e.g. RFC2409-5.4-01.",
            "type": "string",
            "pattern": r"^(RFC[0-9]{4}|[A-Z]+|draft(-[a-z0-9]+)+-[0-9]{2})-[0-9A-Z]+(\.[0-9]+)*-[0-9]{2}$",
        })
    }
}

/// A text that is no requirement ID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("requirement ID `{0}` is not of the form RFC2409-5.4-01")]
pub struct BadRequirementId(String);

impl RequirementId {
    /// The ID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The document: `RFC2409`, a draft's name with its version, or a specification's name in capital letters.
    pub fn document(&self) -> &str {
        self.0.rsplitn(3, '-').nth(2).unwrap_or_default()
    }

    /// The section.
    pub fn section(&self) -> &str {
        self.0.rsplit('-').nth(1).unwrap_or_default()
    }
}

impl FromStr for RequirementId {
    type Err = BadRequirementId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadRequirementId(text.to_owned());
        let parts: Vec<&str> = text.rsplitn(3, '-').collect();
        let [number, section, document] = parts.as_slice() else { return Err(bad()) };
        let digits = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
        let specification =
            !document.is_empty() && *document != "RFC" && document.bytes().all(|b| b.is_ascii_uppercase());
        let document_ok =
            document.strip_prefix("RFC").is_some_and(|n| digits(n, 4)) || is_draft(document) || specification;
        let mut labels = section.split('.');
        let first_ok = labels.next().is_some_and(|l| {
            !l.is_empty() && l.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        });
        let rest_ok = labels.all(|l| !l.is_empty() && l.bytes().all(|b| b.is_ascii_digit()));
        if document_ok && first_ok && rest_ok && digits(number, 2) {
            Ok(Self(text.to_owned()))
        } else {
            Err(bad())
        }
    }
}

/// Whether a text is the name of an Internet-Draft with its version, such as `draft-dukes-ike-mode-cfg-02`.
fn is_draft(text: &str) -> bool {
    let lower =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
    let name = text.strip_prefix("draft-").and_then(|rest| rest.rsplit_once('-'));
    name.is_some_and(|(words, version)| {
        words.split('-').all(lower) && version.len() == 2 && version.bytes().all(|b| b.is_ascii_digit())
    })
}

impl TryFrom<String> for RequirementId {
    type Error = BadRequirementId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RequirementId> for String {
    fn from(id: RequirementId) -> Self {
        id.0
    }
}

impl fmt::Display for RequirementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("RFC2409-5.4-01", true)]
    #[case::specification("MSIKEE-2-01", true)]
    #[case::rfc_without_number("RFC-2-01", false)]
    #[case::whole_section("RFC2409-5-01", true)]
    #[case::appendix("RFC2409-B-02", true)]
    #[case::lower_case("rfc2409-5.4-01", false)]
    #[case::short_number("RFC2409-5.4-1", false)]
    #[case::no_section("RFC2409--01", false)]
    #[case::trailing_dot("RFC2409-5.-01", false)]
    #[case::empty("", false)]
    #[case::draft("draft-dukes-ike-mode-cfg-02-3.2-01", true)]
    #[case::draft_without_a_version("draft-dukes-ike-mode-cfg-3.2-01", false)]
    #[case::draft_without_a_section("draft-dukes-ike-mode-cfg-02-01", false)]
    #[case::draft_in_upper_case("draft-Dukes-02-3.2-01", false)]
    fn reads_requirement_ids(#[case] text: &str, #[case] valid: bool) {
        let id: Result<RequirementId, _> = text.parse();
        assert_eq!(id.is_ok(), valid);
        if let Ok(id) = id {
            assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn an_id_has_a_document_and_a_section() {
        let parts = |text: &str| {
            let id: RequirementId = text.parse().unwrap();
            (id.document().to_owned(), id.section().to_owned())
        };
        assert_eq!(parts("RFC2409-5.4-01"), ("RFC2409".to_owned(), "5.4".to_owned()));
        let draft = "draft-dukes-ike-mode-cfg-02";
        assert_eq!(parts(&format!("{draft}-3.2-01")), (draft.to_owned(), "3.2".to_owned()));
    }
}
