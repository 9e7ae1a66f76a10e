//! The register: its files, read and checked.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::entry::Requirement;
use super::id::RequirementId;
use crate::ambiguity::AMBIGUITIES_FILE;
use crate::select::nearest;

/// One file of the register: the requirements of one RFC.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequirementFile {
    /// Number of the RFC.
    rfc: Option<u32>,
    /// Name of the draft, with its version, where it is none of an RFC.
    draft: Option<String>,
    /// Name of a specification that is neither, in capital letters.
    specification: Option<String>,
    title: String,
    /// Whether every clause of the document is there.
    #[serde(default)]
    ledger: bool,
    requirement: Vec<Requirement>,
}

/// A document of the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its title.
    pub title: String,
    /// Whether the register has every clause of it, those that no test can see too; of other documents it has what
    /// scenarios cite.
    pub ledger: bool,
}

/// The register of requirements.
#[derive(Debug, Clone, Default)]
pub struct Requirements {
    documents: BTreeMap<String, Document>,
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
    /// Loads every `*.toml` of a folder but the register of ambiguities.
    ///
    /// # Errors
    /// When a file cannot be read, is not in the format, or has an entry twice, in the wrong file, or one that contradicts
    /// itself or lacks what an entry of a ledger has.
    pub fn load(folder: &Path) -> Result<Self, RequirementError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| RequirementError::Io { path, source }
        };
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(io(folder))? {
            paths.push(entry.map_err(io(folder))?.path());
        }
        paths.retain(|path| {
            path.extension().is_some_and(|e| e == "toml") && !path.ends_with(AMBIGUITIES_FILE)
        });
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
        let document = match (file.rfc, file.draft.or(file.specification)) {
            (Some(rfc), None) => format!("RFC{rfc}"),
            (None, Some(draft)) => draft,
            _ => {
                let problem = "it must name an RFC or a draft, and not both".to_owned();
                return Err(RequirementError::Format { path: path.to_owned(), problem });
            }
        };
        let about = Document { title: file.title, ledger: file.ledger };
        if self.documents.insert(document.clone(), about).is_some() {
            let problem = format!("{document} is in another file too");
            return Err(RequirementError::Format { path: path.to_owned(), problem });
        }
        for requirement in file.requirement {
            let id = requirement.id.clone();
            let entry = |problem| RequirementError::Entry { path: path.to_owned(), id: id.clone(), problem };
            if id.document() != document {
                return Err(entry("the ID is of another document than the file"));
            }
            if let Some(problem) = requirement.problem(file.ledger) {
                return Err(entry(problem));
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

    /// The documents by name: `RFC2409`, a draft's name with its version, or a specification's.
    pub fn documents(&self) -> impl Iterator<Item = (&str, &Document)> {
        self.documents.iter().map(|(name, document)| (name.as_str(), document))
    }

    /// Whether the register has every clause of the document that this one is of.
    pub fn is_of_a_ledger(&self, id: &RequirementId) -> bool {
        self.documents.get(id.document()).is_some_and(|document| document.ledger)
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

    #[rstest]
    #[case::complete("must", "word = \"MUST NOT\"\nbinds = \"responder\"\ntestable = \"wire\"", None)]
    #[case::without_a_word("must", "binds = \"both\"\ntestable = \"state\"", None)]
    #[case::with_a_reason("may", "binds = \"both\"\ntestable = \"no\"\nwhy = \"w\"", None)]
    #[case::no_binds("must", "testable = \"wire\"", Some("`binds` is missing"))]
    #[case::no_testable("must", "binds = \"both\"", Some("`testable` is missing"))]
    #[case::policy_without_a_reason(
        "must",
        "binds = \"both\"\ntestable = \"policy\"",
        Some("`why` is missing")
    )]
    #[case::empty_reason("must", "binds = \"both\"\ntestable = \"no\"\nwhy = \" \"", Some("`why` is empty"))]
    #[case::reason_for_what_is_testable(
        "must",
        "binds = \"both\"\ntestable = \"wire\"\nwhy = \"w\"",
        Some("`why` goes with `testable`")
    )]
    #[case::word_of_another_level(
        "must",
        "word = \"SHOULD\"\nbinds = \"both\"\ntestable = \"wire\"",
        Some("the word is one of another level")
    )]
    #[case::further_words_without_one(
        "must",
        "also = 2\nbinds = \"both\"\ntestable = \"wire\"",
        Some("`also` counts further words")
    )]
    #[case::unknown_word("must", "word = \"CAN\"", Some("unknown variant `CAN`"))]
    #[case::no_further_words("must", "also = 0", Some("a nonzero u8"))]
    fn checks_entries_of_a_ledger(#[case] level: &str, #[case] keys: &str, #[case] problem: Option<&str>) {
        let text = format!(
            "rfc = 2409\ntitle = \"t\"\nledger = true\n[[requirement]]\nid = \"RFC2409-5.4-01\"\nsection = \"5.4\"\n\
             level = \"{level}\"\n{keys}\nsummary = \"s\"\n"
        );
        let mut register = Requirements::default();
        let result = register.add(&text, Path::new("rfc2409.toml"));
        match problem {
            None => {
                result.unwrap();
                assert!(register.is_of_a_ledger(&"RFC2409-5.4-01".parse().unwrap()));
            }
            Some(problem) => {
                let error = result.unwrap_err().to_string();
                assert!(error.starts_with("rfc2409.toml: ") && error.contains(problem), "{error}");
            }
        }
    }

    #[test]
    fn a_problem_names_file_and_entry() {
        let text = format!("rfc = 2409\ntitle = \"t\"\nledger = true\n{ENTRY}");
        let error = Requirements::default().add(&text, Path::new("rfc2409.toml")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "rfc2409.toml: RFC2409-5.4-01: `binds` is missing, which every entry of a ledger has"
        );
    }

    #[test]
    fn outside_a_ledger_a_reason_needs_what_it_is_a_reason_for() {
        let text = format!("rfc = 2409\ntitle = \"t\"\n{ENTRY}why = \"w\"\n");
        let error = Requirements::default().add(&text, Path::new("rfc2409.toml")).unwrap_err();
        assert!(error.to_string().contains("`why` goes with"), "{error}");
    }

    #[test]
    fn a_document_has_one_file() {
        let text = format!("rfc = 2409\ntitle = \"t\"\n{ENTRY}");
        let mut register = Requirements::default();
        register.add(&text, Path::new("a.toml")).unwrap();
        let error = register.add(&text, Path::new("b.toml")).unwrap_err();
        assert_eq!(error.to_string(), "b.toml: RFC2409 is in another file too");
    }
}
