//! The command line, one file per command. The `ikev1-conform` binary and `cargo xtask` are thin shells around
//! [`run`].
//!
//! | exit code | when |
//! |---|---|
//! | 0 | nothing unexpected |
//! | 1 | an unexpected verdict, a wrong vector, a known failure that is out of date, a capability that was said to be missing and was found, a generated file that is not current, a mutant that no case catches, a testable clause without a case (`trace`), a MUST that a capture shows to be missed (`dissect`), a run that is worse than another (`compare`) |
//! | 2 | the command line or an input file is wrong |
//! | 3 | a fault of the harness or of its surroundings |
//!
//! [`ikev1_report::exit`] has the full table for a run.

pub mod ambiguities;
mod app;
mod catalogue;
pub mod compare;
pub mod conform;
pub mod discover;
pub mod dissect;
mod error;
pub mod explain;
pub mod features;
pub mod images;
pub mod lint;
pub mod list;
mod matrix;
pub mod mutants;
mod peers;
pub mod record;
pub mod rejudge;
pub mod sample;
pub mod schema;
pub mod trace;
pub mod vectors;
mod workspace;

pub use app::{Command, Context, Global, run};
pub use error::CliError;
pub use workspace::Workspace;
