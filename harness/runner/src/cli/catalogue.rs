//! Every case of the workspace.

use ikev1_scenario::case::Case;
use ikev1_scenario::expand::{DEFAULT_GROUP, DEFAULT_STRENGTH, expand_all_to};
use ikev1_scenario::load::Library;
use ikev1_scenario::model::{Group, Role};
use ikev1_scenario::requirement::Requirements;
use ikev1_scenario::select::select;

use super::error::CliError;
use super::workspace::Workspace;

/// Every scenario and case of the workspace.
#[derive(Debug)]
pub(super) struct Catalogue {
    library: Library,
    cases: Vec<Case>,
    strength: usize,
}

impl Catalogue {
    /// Loads and expands all scenarios, with the default group that holds without a peer.
    pub(super) fn load(workspace: &Workspace) -> Result<Self, CliError> {
        Self::load_to(workspace, DEFAULT_STRENGTH)
    }

    /// The same, with combinations of a matrix to another strength.
    pub(super) fn load_to(workspace: &Workspace, strength: usize) -> Result<Self, CliError> {
        let library = Library::load(&workspace.scenarios()).map_err(CliError::usage)?;
        let cases = expand_all_to(&library.scenarios, DEFAULT_GROUP, strength);
        Ok(Self { library, cases, strength })
    }

    /// The register of requirements.
    pub(super) fn requirements(&self) -> &Requirements {
        &self.library.requirements
    }

    /// All cases.
    pub(super) fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// The cases that fit one of the patterns (all without one) and the role.
    pub(super) fn select(&self, patterns: &[String], role: Option<Role>) -> Result<Vec<Case>, CliError> {
        select_from(&self.cases, patterns, role)
    }

    /// The same cases as [`Self::select`] gives, with a group where these name none.
    pub(super) fn select_with(
        &self,
        patterns: &[String],
        role: Option<Role>,
        group: Group,
    ) -> Result<Vec<Case>, CliError> {
        if group == DEFAULT_GROUP {
            return self.select(patterns, role);
        }
        select_from(&expand_all_to(&self.library.scenarios, group, self.strength), patterns, role)
    }
}

fn select_from(cases: &[Case], patterns: &[String], role: Option<Role>) -> Result<Vec<Case>, CliError> {
    let cases = select(cases, patterns, role).map_err(CliError::usage)?;
    if cases.is_empty() {
        let role = role.map_or_else(String::new, |role| format!(" with the harness as {role}"));
        return Err(CliError::Usage(format!("there is no such case{role}")));
    }
    Ok(cases.into_iter().cloned().collect())
}
