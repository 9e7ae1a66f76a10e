//! The engine as a [`CaseRunner`], and what it shares with other peers.

use std::sync::Arc;
use std::time::Duration;

use ikev1_scenario::case::Case;
use ikev1_scenario::verdict::PeerProfile;
use tokio::runtime::Builder;

use super::case_runner::CaseRunner;
use crate::driver::Driver;
use crate::execute::{CaseArtefacts, CaseLimits, execute_case};
use crate::target::loopback::Loopback;
use crate::target::quirks::Quirks;

/// What a case may take beyond the executor's own bounds, before it counts as hung.
const SLACK: Duration = Duration::from_secs(15);

/// The engine as its own peer: every case has a pair of endpoints and a virtual clock of its own.
#[derive(Debug)]
pub struct LoopbackRunner {
    profile: PeerProfile,
    quirks: Arc<Quirks>,
    limits: CaseLimits,
}

impl LoopbackRunner {
    /// A peer that can do whatever the engine can.
    pub fn new() -> Self {
        Self::with_quirks(Arc::default())
    }

    /// A peer that can do the same and does something wrong.
    pub fn with_quirks(quirks: Arc<Quirks>) -> Self {
        let limits = CaseLimits { real_time_max: Duration::from_secs(20), ..CaseLimits::default() };
        Self { profile: Loopback::new().profile().clone(), quirks, limits }
    }
}

impl Default for LoopbackRunner {
    fn default() -> Self {
        Self::new()
    }
}

impl CaseRunner for LoopbackRunner {
    fn profile(&self) -> &PeerProfile {
        &self.profile
    }

    fn under_way(&self, jobs: usize) -> usize {
        jobs
    }

    fn time_limit(&self, _: &Case) -> Duration {
        total(self.limits)
    }

    fn run_case(&self, case: &Case, seed: u64) -> CaseArtefacts {
        match Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => {
                let mut peer = Loopback::with_quirks(Arc::clone(&self.quirks));
                runtime.block_on(execute_case(&mut peer, case, seed, self.limits))
            }
            Err(error) => CaseArtefacts::of_failure(&format!("cannot start a runtime: {error}")),
        }
    }

    fn recover(&self, _: &Case) -> Result<String, String> {
        Ok(String::new())
    }

    fn close(&self) {}
}

/// The longest that the executor takes by its own bounds, and some slack.
pub(super) fn total(limits: CaseLimits) -> Duration {
    // The peer is asked before the steps, after them, and once more to end the case.
    limits.real_time_max + 3 * limits.peer_time_max + SLACK
}
