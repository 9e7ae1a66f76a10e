//! Who tests the tester: peers that do one thing wrong each, and whether a case says so.
//!
//! ```text
//! registry.toml ─▶ Mutant ─▶ Quirks of the self target's peer ─▶ cases that cite its clause ─▶ judge ─▶ caught, or not
//! ```
//!
//! A mutant is caught by a case that ends `fail`, or `warn` where the clause is a SHOULD, that cites the mutant's clause, and that
//! the clean peer passes. A case that fails without citing it is worth knowing and catches nothing: whoever reads its report
//! is sent to the wrong place.

mod play;
mod registry;
#[cfg(test)]
mod tests;

pub use play::{Catch, Played, Stage, play, play_all};
pub use registry::{Mutant, Registry, RegistryError};
