//! Scenario JSON, version 1.
//!
//! Keys are `snake_case`, values `kebab-case`, a choice between several things is an object with
//! one key (`{"start": {...}}`). Unknown keys are refused everywhere. The schema under
//! `scenarios/schema/` is generated from these types.

mod accept;
mod config;
mod names;
mod pki;
mod remote_access;
mod scenario;
mod step;

pub use accept::*;
pub use config::*;
pub use names::*;
pub use pki::*;
pub use remote_access::*;
pub use scenario::*;
pub use step::*;
