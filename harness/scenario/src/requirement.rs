//! The register of requirements: every clause that scenarios cite, in our own words.

use core::fmt;
use core::str::FromStr;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::model::Level;
use crate::select::nearest;

/// ID of a requirement: `RFC2409-5.4-01` is the first one of RFC 2409 section 5.4, `draft-dukes-ike-mode-cfg-02-3.2-01`
/// that of a draft.
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
            "pattern": r"^(RFC[0-9]{4}|draft(-[a-z0-9]+)+-[0-9]{2})-[0-9A-Z]+(\.[0-9]+)*-[0-9]{2}$",
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

    /// The document: `RFC2409`, or a draft's name with its version.
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
        let document_ok = document.strip_prefix("RFC").is_some_and(|n| digits(n, 4)) || is_draft(document);
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

/// One clause of an RFC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Its ID.
    pub id: RequirementId,
    /// The section that states it.
    pub section: String,
    /// How strongly it binds. What a section states without the words of RFC 2119, like a formula, is a must.
    pub level: Level,
    /// What it says, in our own words.
    pub summary: String,
}

/// One file of the register: the requirements of one RFC.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequirementFile {
    /// Number of the RFC.
    rfc: Option<u32>,
    /// Name of the draft, with its version, where it is none of an RFC.
    draft: Option<String>,
    #[expect(dead_code, reason = "the title is for people who read the file")]
    title: String,
    requirement: Vec<Requirement>,
}

/// The register of requirements.
#[derive(Debug, Clone, Default)]
pub struct Requirements {
    by_id: BTreeMap<RequirementId, Requirement>,
}

/// A register that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequirementError {
    /// A file or folder could not be read.
    #[error("could not read {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not in the format of the register.
    #[error("{}: {problem}", path.display())]
    Format {
        /// Which.
        path: PathBuf,
        /// What is wrong, with line and column.
        problem: String,
    },
    /// An entry contradicts itself or another one.
    #[error("{}: {id}: {problem}", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// The entry.
        id: RequirementId,
        /// What is wrong.
        problem: &'static str,
    },
}

impl Requirements {
    /// Loads every `*.toml` of a folder.
    ///
    /// # Errors
    /// When a file cannot be read, is not in the format, or has an entry twice, in the wrong file or with a section that
    /// is not the one of its ID.
    pub fn load(folder: &Path) -> Result<Self, RequirementError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| RequirementError::Io { path, source }
        };
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(io(folder))? {
            paths.push(entry.map_err(io(folder))?.path());
        }
        paths.retain(|path| path.extension().is_some_and(|e| e == "toml"));
        paths.sort();
        let mut register = Self::default();
        for path in paths {
            let text = fs::read_to_string(&path).map_err(io(&path))?;
            register.add(&text, &path)?;
        }
        Ok(register)
    }

    /// Adds the entries of one file; `path` is for error messages.
    ///
    /// # Errors
    /// As [`Requirements::load`].
    pub fn add(&mut self, text: &str, path: &Path) -> Result<(), RequirementError> {
        let file: RequirementFile = toml::from_str(text)
            .map_err(|e| RequirementError::Format { path: path.to_owned(), problem: e.to_string() })?;
        let document = match (file.rfc, file.draft) {
            (Some(rfc), None) => format!("RFC{rfc}"),
            (None, Some(draft)) => draft,
            _ => {
                let problem = "it must name an RFC or a draft, and not both".to_owned();
                return Err(RequirementError::Format { path: path.to_owned(), problem });
            }
        };
        for requirement in file.requirement {
            let id = requirement.id.clone();
            let entry = |problem| RequirementError::Entry { path: path.to_owned(), id: id.clone(), problem };
            if id.document() != document {
                return Err(entry("the ID is of another document than the file"));
            }
            if id.section() != requirement.section {
                return Err(entry("the ID is of another section than the entry"));
            }
            if requirement.summary.trim().is_empty() {
                return Err(entry("the summary is empty"));
            }
            if self.by_id.insert(id.clone(), requirement).is_some() {
                return Err(entry("the ID is there twice"));
            }
        }
        Ok(())
    }

    /// The requirement with this ID.
    pub fn get(&self, id: &RequirementId) -> Option<&Requirement> {
        self.by_id.get(id)
    }

    /// All requirements, by ID.
    pub fn iter(&self) -> impl Iterator<Item = &Requirement> {
        self.by_id.values()
    }

    /// Up to three IDs that look most like `id`, best first.
    pub fn nearest(&self, id: &RequirementId) -> Vec<String> {
        nearest(id.as_str(), self.by_id.keys().map(RequirementId::as_str))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("RFC2409-5.4-01", true)]
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

    const ENTRY: &str =
        "[[requirement]]\nid = \"RFC2409-5.4-01\"\nsection = \"5.4\"\nlevel = \"must\"\nsummary = \"s\"\n";

    #[rstest]
    #[case::good("rfc = 2409\ntitle = \"t\"\n", "", None)]
    #[case::other_rfc("rfc = 2408\ntitle = \"t\"\n", "", Some("another document"))]
    #[case::no_document("title = \"t\"\n", "", Some("an RFC or a draft"))]
    #[case::two_documents("rfc = 2409\ndraft = \"draft-a-00\"\ntitle = \"t\"\n", "", Some("not both"))]
    #[case::draft("draft = \"draft-a-00\"\ntitle = \"t\"\n", "", Some("another document"))]
    #[case::twice("rfc = 2409\ntitle = \"t\"\n", ENTRY, Some("twice"))]
    #[case::unknown_key("rfc = 2409\ntitle = \"t\"\nnumber = 3\n", "", Some("unknown field `number`"))]
    fn checks_register_files(#[case] head: &str, #[case] tail: &str, #[case] problem: Option<&str>) {
        let mut register = Requirements::default();
        let result = register.add(&format!("{head}{ENTRY}{tail}"), Path::new("rfc2409.toml"));
        match problem {
            None => {
                result.unwrap();
                let typo = "RFC2409-5.4-02".parse().unwrap();
                assert_eq!(register.nearest(&typo), ["RFC2409-5.4-01"]);
            }
            Some(problem) => assert!(result.unwrap_err().to_string().contains(problem)),
        }
    }
}
