//! Makes a [`CaseRunner`] of a [`Driver`].

use core::fmt;
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::Duration;

use ikev1_scenario::case::Case;
use ikev1_scenario::transcript::{Event, Record};
use ikev1_scenario::verdict::PeerProfile;
use tokio::runtime::{Builder, Runtime};

use super::case_runner::CaseRunner;
use crate::driver::Driver;
use crate::execute::{CaseArtefacts, CaseLimits, execute_case};
use crate::target::loopback::Loopback;

/// What a case may take beyond the executor's own bounds, before it counts as hung.
const SLACK: Duration = Duration::from_secs(15);

/// The engine as its own peer: every case has a pair of endpoints and a virtual clock of its own.
#[derive(Debug)]
pub struct LoopbackRunner {
    profile: PeerProfile,
    limits: CaseLimits,
}

impl LoopbackRunner {
    /// A peer that can do whatever the engine can.
    pub fn new() -> Self {
        let limits = CaseLimits { real_time_max: Duration::from_secs(20), ..CaseLimits::default() };
        Self { profile: Loopback::new().profile().clone(), limits }
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

    fn runs_side_by_side(&self) -> bool {
        true
    }

    fn time_limit(&self, _: &Case) -> Duration {
        total(self.limits)
    }

    fn run_case(&self, case: &Case, seed: u64) -> CaseArtefacts {
        match Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => runtime.block_on(execute_case(&mut Loopback::new(), case, seed, self.limits)),
            Err(error) => failed(&format!("cannot start a runtime: {error}")),
        }
    }

    fn recover(&self) -> Result<String, String> {
        Ok(String::new())
    }

    fn close(&self) {}
}

/// A peer that plays one case after the other, such as a daemon in a container.
pub struct DriverRunner<D> {
    profile: PeerProfile,
    limits: CaseLimits,
    driver: Mutex<Option<D>>,
    runtime: Runtime,
    clean_up: Box<dyn Fn() + Send + Sync>,
}

impl<D: Driver> DriverRunner<D> {
    /// Plays cases against the peer behind `driver`, whose sockets and tasks live in `runtime`. `clean_up` removes,
    /// at the end and whatever state the driver is in, all that was started for the peer.
    pub fn new(
        driver: D,
        runtime: Runtime,
        limits: CaseLimits,
        clean_up: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let profile = driver.profile().clone();
        Self { profile, limits, driver: Mutex::new(Some(driver)), runtime, clean_up: Box::new(clean_up) }
    }
}

impl<D> fmt::Debug for DriverRunner<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DriverRunner").field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl<D: Driver> CaseRunner for DriverRunner<D> {
    fn profile(&self) -> &PeerProfile {
        &self.profile
    }

    fn runs_side_by_side(&self) -> bool {
        false
    }

    fn time_limit(&self, _: &Case) -> Duration {
        total(self.limits)
    }

    fn run_case(&self, case: &Case, seed: u64) -> CaseArtefacts {
        let mut driver = self.driver.lock().unwrap_or_else(PoisonError::into_inner);
        match driver.as_mut() {
            Some(driver) => self.runtime.block_on(execute_case(driver, case, seed, self.limits)),
            None => failed("the peer is gone"),
        }
    }

    fn recover(&self) -> Result<String, String> {
        // The next case's `prepare` puts the peer into order; only a driver that is still at work stands in its way.
        match self.driver.try_lock() {
            Ok(_) | Err(TryLockError::Poisoned(_)) => Ok(String::new()),
            Err(TryLockError::WouldBlock) => Err("its driver does not come back".to_owned()),
        }
    }

    fn close(&self) {
        let driver = match self.driver.try_lock() {
            Ok(mut driver) => driver.take(),
            Err(TryLockError::Poisoned(driver)) => driver.into_inner().take(),
            Err(TryLockError::WouldBlock) => None,
        };
        let guard = self.runtime.enter();
        drop(driver);
        drop(guard);
        (self.clean_up)();
    }
}

/// The longest that the executor takes by its own bounds, and some slack.
fn total(limits: CaseLimits) -> Duration {
    // The peer is asked before the steps, after them, and once more to end the case.
    limits.real_time_max + 3 * limits.peer_time_max + SLACK
}

/// The artefacts of a case that could not be played.
pub(super) fn failed(error: &str) -> CaseArtefacts {
    let record = |event| Record { at_ms: 0, event };
    let transcript = vec![record(Event::Infrastructure { error: error.to_owned() }), record(Event::End)];
    CaseArtefacts { transcript, pcap: Vec::new(), key_table: String::new(), peer_log: String::new() }
}
