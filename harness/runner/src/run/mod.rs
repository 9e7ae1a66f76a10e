//! A run: cases against one peer, scheduled, watched, judged, recorded, told to the reports.
//!
//! ```text
//! [Case] ─▶ run_cases ─▶ CaseRunner::run_case ─▶ CaseArtefacts ─▶ judge ─▶ artefacts of the case
//!              │                (a thread of its own: a panic or a hang costs one case)
//!              └─▶ RunEvent ─▶ reports
//! ```
//!
//! - [`CaseRunner`] is what a peer must offer; [`LoopbackRunner`], [`PoolRunner`] and [`DeviceRunner`] make one of drivers.
//! - [`run_cases`] runs the sanity handshake, the cases, and the sanity handshake again.
//! - [`Stop`] ends a run early, after which everything that ran is still reported.
//! - [`CaseFolder`] writes and reads what a case leaves behind, for `rejudge`.

mod artefacts;
mod case_runner;
mod device;
mod isolate;
mod peers;
mod pool;
mod sanity;
mod schedule;
mod stop;
#[cfg(test)]
mod tests;

pub use artefacts::{ArtefactError, CaseFolder, PROFILE_FILE, read_profile, write_profile};
pub use case_runner::CaseRunner;
pub use device::DeviceRunner;
#[cfg(feature = "mutants")]
pub(crate) use isolate::{Isolated, isolate};
pub use peers::LoopbackRunner;
pub use pool::{DiscardMember, PoolRunner, PoolSize, StartMember};
pub use sanity::{SanityError, SanityScenario, sanity_case, sanity_case_by};
pub use schedule::{RunOptions, case_result, run_cases};
pub use stop::Stop;
