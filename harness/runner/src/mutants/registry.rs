//! The mutants, as data.

use std::sync::Arc;

use ikev1::deviation::Deviation;
use ikev1_scenario::case::Case;
use ikev1_scenario::model::Edit;
use ikev1_scenario::requirement::{RequirementId, Requirements};
use ikev1_scenario::select::{SelectError, select};
use serde::{Deserialize, Deserializer};

use crate::target::quirks::Quirks;

/// The registry's text.
const REGISTRY: &str = include_str!("registry.toml");

/// One deviant peer. It does one thing wrong: it has a deviation or edits, not both.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutant {
    /// Its name.
    pub id: String,
    /// What it does, in one line.
    pub what: String,
    /// The clause that it breaks, and that a case must cite to catch it.
    pub clause: RequirementId,
    /// Where the cases that should catch it are, as `conform` takes them; the others that cite the clause follow.
    pub cases: Vec<String>,
    /// Why the suite does not catch it yet. It is not played unless it is asked for, and counts as what it is: open.
    #[serde(default)]
    pub open: Option<String>,
    /// The real implementation that did it, where one is known: project and issue.
    #[serde(default)]
    pub seen: Option<String>,
    /// The number of that bug in `known-bugs.md`.
    #[serde(default)]
    pub field: Option<u8>,
    /// What it checks, decides or derives wrongly.
    #[serde(default, deserialize_with = "deviation")]
    pub deviation: Option<Deviation>,
    /// What is wrong with its messages. A selector means every exchange of its type.
    #[serde(default)]
    pub edit: Vec<Edit>,
}

/// All mutants.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// In the order of the file.
    #[serde(rename = "mutant")]
    pub mutants: Vec<Mutant>,
}

/// A registry that is not well-formed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// It cannot be read.
    #[error("mutants/registry.toml: {0}")]
    Format(#[from] toml::de::Error),
    /// An entry is wrong.
    #[error("mutant {id}: {problem}")]
    Entry {
        /// The entry.
        id: String,
        /// What is wrong.
        problem: String,
    },
}

impl Registry {
    /// The mutants that the harness comes with.
    ///
    /// # Errors
    /// When the file is not in its format.
    pub fn load() -> Result<Self, RegistryError> {
        Ok(toml::from_str(REGISTRY)?)
    }

    /// Checks each entry against the others, the register of requirements and the cases.
    ///
    /// # Errors
    /// The first entry that has the ID of another, no clause of the register, no case, or not one thing that it does wrong.
    pub fn check(&self, requirements: &Requirements, cases: &[Case]) -> Result<(), RegistryError> {
        for (index, mutant) in self.mutants.iter().enumerate() {
            let wrong = |problem: String| Err(RegistryError::Entry { id: mutant.id.clone(), problem });
            if self.mutants.iter().take(index).any(|other| other.id == mutant.id) {
                return wrong("the ID is there twice".to_owned());
            }
            if mutant.what.trim().is_empty() {
                return wrong("it does not say what it does".to_owned());
            }
            if mutant.deviation.is_some() != mutant.edit.is_empty() {
                return wrong("it must have a deviation or edits, and not both".to_owned());
            }
            let clause = &mutant.clause;
            if requirements.get(clause).is_none() {
                return wrong(format!("there is no requirement {clause}"));
            }
            match mutant.chosen(cases) {
                Ok(chosen) if mutant.cases.is_empty() || chosen.is_empty() => {
                    return wrong(format!("no case of its own cites {clause}"));
                }
                Ok(_) => {}
                Err(error) => return wrong(error.to_string()),
            }
        }
        Ok(())
    }
}

impl Mutant {
    /// The peer's behaviour.
    pub fn quirks(&self) -> Arc<Quirks> {
        Arc::new(Quirks { edits: self.edit.clone(), deviation: self.deviation })
    }

    /// Whether a case cites its clause.
    pub fn is_cited_by(&self, case: &Case) -> bool {
        case.requirements.contains(&self.clause)
    }

    /// Of its own cases those that cite its clause.
    ///
    /// # Errors
    /// When a pattern chooses nothing.
    pub fn chosen<'a>(&self, cases: &'a [Case]) -> Result<Vec<&'a Case>, SelectError> {
        let mut chosen = select(cases, &self.cases, None)?;
        chosen.retain(|case| self.is_cited_by(case));
        Ok(chosen)
    }
}

fn deviation<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Deviation>, D::Error> {
    let name = String::deserialize(deserializer)?;
    let deviation = Deviation::from_name(&name);
    deviation.map(Some).ok_or_else(|| serde::de::Error::custom(format!("there is no deviation `{name}`")))
}
