//! What reports for pipelines say of clauses and files, which a report itself does not hold.

use std::fmt;

use crate::html::ClauseEntry;

/// Where the words and the files of a report come from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The register of requirements.
    pub clauses: &'a [ClauseEntry],
    /// The scenario file of a case ID, relative to the root of the repository.
    pub file: &'a dyn Fn(&str) -> Option<String>,
}

impl fmt::Debug for Sources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("clauses", &self.clauses.len()).finish_non_exhaustive()
    }
}

impl Default for Sources<'_> {
    /// Knows nothing.
    fn default() -> Self {
        Self { clauses: &[], file: &|_| None }
    }
}
