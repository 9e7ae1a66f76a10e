//! Scenarios of the IKEv1 conformance harness: the JSON format, its expansion to cases, the
//! transcript of a run, and the judge that makes a verdict of both.
//!
//! ```text
//! scenarios/**/*.json --load--> Scenario --expand--> Case --(driver)--> Transcript --judge--> Judgement
//! scenarios/requirements/*.toml --> Requirements --(with the cases)--> Coverage, Ambiguities
//! ```
//!
//! Nothing here opens a socket or reads a clock: a verdict is a pure function of case, transcript
//! and peer profile, so that any run can be judged again from its files.

pub mod adapt;
pub mod ambiguity;
pub mod case;
pub mod coverage;
pub mod expand;
pub mod fault;
pub mod judge;
pub mod lint;
pub mod load;
pub mod model;
pub mod pki;
pub mod requirement;
pub mod schema;
pub mod select;
pub mod tracker;
pub mod transcript;
pub mod verdict;

#[cfg(test)]
mod testing;

pub use case::{Case, ResolvedConfig, ResolvedSide};
pub use coverage::Coverage;
pub use expand::{DEFAULT_GROUP, DEFAULT_STRENGTH, default_group, expand, expand_all, expand_all_to};
pub use fault::Fault;
pub use judge::{judge, unsupported};
pub use load::{Library, LoadErrors, LoadedScenario};
pub use model::{Capability, Scenario};
pub use requirement::{RequirementId, Requirements};
pub use schema::{schema, schema_text};
pub use select::{SelectError, select};
pub use transcript::{Event, Record};
pub use verdict::{Finding, Judgement, PeerProfile, Verdict};
