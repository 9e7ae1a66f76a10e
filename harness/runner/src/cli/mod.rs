//! The command line, one file per command. The `ikev1-conform` binary and `cargo xtask` are thin shells around
//! [`run`].
//!
//! Exit codes are those of [`ikev1_report::Outcome`].

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
