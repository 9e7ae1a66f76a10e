//! The register of requirements: every clause that scenarios cite, in our own words, and of the documents that are a
//! ledger every clause there is, with what it binds and whether a test can tell.

mod entry;
mod id;
mod register;

pub use entry::Requirement;
pub use id::{BadRequirementId, RequirementId};
pub use register::{Document, RequirementError, Requirements};
