//! The register of requirements: every clause that scenarios cite, in our own words.

use core::fmt;
use core::str::FromStr;
use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// ID of a requirement: `RFC2409-5.4-01` is the first one of RFC 2409 section 5.4.
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
            "pattern": r"^RFC[0-9]{4}-[0-9A-Z]+(\.[0-9]+)*-[0-9]{2}$",
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

    /// The RFC's number.
    pub fn rfc(&self) -> &str {
        self.0.get(3..7).unwrap_or_default()
    }

    /// The section.
    pub fn section(&self) -> &str {
        self.0.split('-').nth(1).unwrap_or_default()
    }
}

impl FromStr for RequirementId {
    type Err = BadRequirementId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadRequirementId(text.to_owned());
        let parts: Vec<&str> = text.split('-').collect();
        let [rfc, section, number] = parts.as_slice() else { return Err(bad()) };
        let digits = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
        let rfc_ok = rfc.strip_prefix("RFC").is_some_and(|n| digits(n, 4));
        let mut labels = section.split('.');
        let first_ok = labels.next().is_some_and(|l| {
            !l.is_empty() && l.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        });
        let rest_ok = labels.all(|l| !l.is_empty() && l.bytes().all(|b| b.is_ascii_digit()));
        if rfc_ok && first_ok && rest_ok && digits(number, 2) {
            Ok(Self(text.to_owned()))
        } else {
            Err(bad())
        }
    }
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
