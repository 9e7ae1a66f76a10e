//! Peers of one kind that play cases side by side, each one case after the other.

use core::fmt;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use ikev1_scenario::case::Case;
use ikev1_scenario::expand::default_group;
use ikev1_scenario::judge::judge;
use ikev1_scenario::model::{Group, Role};
use ikev1_scenario::verdict::{PeerProfile, Verdict};
use tokio::runtime::Runtime;

use super::case_runner::CaseRunner;
use super::peers::{failed, total};
use super::sanity::{SanityError, SanityScenario};
use crate::driver::Driver;
use crate::execute::{CaseArtefacts, CaseLimits, execute_case};

/// How often a member may try its sanity handshake.
const SANITY_ATTEMPTS: u32 = 3;

/// Starts a member; its name is the run that whatever is started for it belongs to.
pub type StartMember<D> = Box<dyn Fn(&Runtime, &str) -> Result<D, String> + Send + Sync>;

/// Removes whatever was started for a member of that name, in use or not, and gives the peer's log.
pub type DiscardMember = Box<dyn Fn(&str) -> String + Send + Sync>;

/// A pool of peers, such as daemons in containers. All but the first are started when a case needs one.
pub struct PoolRunner<D> {
    name: String,
    profile: PeerProfile,
    group: Group,
    sanity: SanityScenario,
    limits: CaseLimits,
    state: Mutex<State<D>>,
    freed: Condvar,
    runtime: Runtime,
    start: StartMember<D>,
    discard: DiscardMember,
}

/// What the pool's lock protects.
struct State<D> {
    places: Vec<Place<D>>,
    /// Members that were ever started, so that each gets a name of its own.
    started: usize,
    closed: bool,
}

/// A place for one member.
enum Place<D> {
    Empty,
    Free(Member<D>),
    Busy { member: String, case: (String, Role) },
}

struct Member<D> {
    name: String,
    driver: D,
}

impl<D: Driver> PoolRunner<D> {
    /// Starts the first member of a pool of `size`, whose sockets and tasks live in `runtime`. Later members pass their
    /// sanity handshake with `group`, or without it with the peer's first.
    ///
    /// # Errors
    /// Says why the member did not start.
    pub fn new(
        name: String,
        size: usize,
        group: Option<Group>,
        runtime: Runtime,
        limits: CaseLimits,
        start: StartMember<D>,
        discard: DiscardMember,
    ) -> Result<Self, String> {
        let first = format!("{name}-1");
        let driver = start(&runtime, &first)?;
        let profile = driver.profile().clone();
        let group = group.unwrap_or_else(|| default_group(&profile));
        let mut places = vec![Place::Free(Member { name: first, driver })];
        places.resize_with(size.max(1), || Place::Empty);
        let state = Mutex::new(State { places, started: 1, closed: false });
        let sanity = SanityScenario::default();
        Ok(Self {
            name,
            profile,
            group,
            sanity,
            limits,
            state,
            freed: Condvar::new(),
            runtime,
            start,
            discard,
        })
    }

    /// With another sanity case than the ordinary handshake.
    #[must_use]
    pub fn with_sanity(mut self, sanity: SanityScenario) -> Self {
        self.sanity = sanity;
        self
    }

    fn lock(&self) -> MutexGuard<'_, State<D>> {
        // Every change under the lock is a single assignment, so a panic leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for a case: its name, and its member if there is one already; `None` from a closed pool.
    fn take(&self, case: &Case) -> Option<(String, Option<D>)> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            let free = state.places.iter().position(|place| matches!(place, Place::Free(_)));
            let empty = || state.places.iter().position(|place| matches!(place, Place::Empty));
            if let Some(index) = free.or_else(empty) {
                let State { places, started, .. } = &mut *state;
                // The index was found in this very vector.
                let place = &mut places[index];
                let (name, driver) = match mem::replace(place, Place::Empty) {
                    Place::Free(Member { name, driver }) => (name, Some(driver)),
                    _ => {
                        *started += 1;
                        (format!("{}-{started}", self.name), None)
                    }
                };
                *place = Place::Busy { member: name.clone(), case: (case.id.clone(), case.role) };
                return Some((name, driver));
            }
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Puts something into the place of a member; gives it back when that member was discarded meanwhile.
    fn put(&self, name: &str, new: Place<D>) -> Option<Place<D>> {
        let mut state = self.lock();
        let closed = state.closed;
        let own = state
            .places
            .iter_mut()
            .find(|place| matches!(place, Place::Busy { member, .. } if member == name));
        let rest = match own {
            Some(place) if !closed => {
                *place = new;
                None
            }
            _ => Some(new),
        };
        self.freed.notify_one();
        rest
    }

    /// A new member, which has passed a sanity handshake.
    fn start_member(&self, name: &str, seed: u64) -> Result<D, String> {
        let mut driver = (self.start)(&self.runtime, name)?;
        let case = self.sanity.case("first", self.group).map_err(|error| error.to_string())?;
        let mut attempts = 1;
        loop {
            let artefacts = self.runtime.block_on(execute_case(&mut driver, &case, seed, self.limits));
            let judgement = judge(&case, &artefacts.transcript, &self.profile);
            match judgement.verdict {
                Verdict::Pass => return Ok(driver),
                // It may have been late, as others start beside it.
                Verdict::Fail | Verdict::Inconclusive if attempts < SANITY_ATTEMPTS => attempts += 1,
                verdict => {
                    return Err(format!(
                        "its sanity handshake, attempt {attempts}: {verdict:?}: {}",
                        judgement.reason
                    ));
                }
            }
        }
    }
}

impl<D> fmt::Debug for PoolRunner<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolRunner").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<D: Driver> CaseRunner for PoolRunner<D> {
    fn profile(&self) -> &PeerProfile {
        &self.profile
    }

    fn sanity(&self, when: &str, group: Group) -> Result<Case, SanityError> {
        self.sanity.case(when, group)
    }

    fn runs_side_by_side(&self) -> bool {
        true
    }

    fn time_limit(&self, _: &Case) -> Duration {
        // A member may have to be started, and to pass its sanity handshake, before.
        2 * total(self.limits)
    }

    fn run_case(&self, case: &Case, seed: u64) -> CaseArtefacts {
        let Some((name, driver)) = self.take(case) else { return failed("the peer is gone") };
        let mut driver = match driver.map_or_else(|| self.start_member(&name, seed), Ok) {
            Ok(driver) => driver,
            Err(error) => {
                self.put(&name, Place::Empty);
                return failed(&format!("another instance of the peer did not start: {error}"));
            }
        };
        let artefacts = self.runtime.block_on(execute_case(&mut driver, case, seed, self.limits));
        let unwanted = self.put(&name, Place::Free(Member { name: name.clone(), driver }));
        let _inside = self.runtime.enter();
        drop(unwanted);
        artefacts
    }

    fn recover(&self, case: &Case) -> Result<String, String> {
        let key = (case.id.clone(), case.role);
        let busy = {
            let mut state = self.lock();
            let own = |place: &&mut Place<D>| matches!(place, Place::Busy { case, .. } if *case == key);
            state.places.iter_mut().find(own).map(|place| mem::replace(place, Place::Empty))
        };
        self.freed.notify_one();
        match busy {
            // Its driver is still at work or has panicked; the next case gets a new member.
            Some(Place::Busy { member, .. }) => Ok((self.discard)(&member)),
            _ => Ok(String::new()),
        }
    }

    fn close(&self) {
        let places = {
            let mut state = self.lock();
            state.closed = true;
            mem::take(&mut state.places)
        };
        self.freed.notify_all();
        thread::scope(|scope| {
            for place in places {
                scope.spawn(move || {
                    let _inside = self.runtime.enter();
                    match place {
                        Place::Busy { member, .. } => drop((self.discard)(&member)),
                        Place::Free(member) => drop(member),
                        Place::Empty => {}
                    }
                });
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use ikev1::io::{Datagram, Timestamp};
    use ikev1_scenario::model::Capability;
    use rstest::rstest;
    use tokio::runtime::Builder;

    use super::*;
    use crate::driver::{Addresses, Ending, InfraError, PeerCommand, PeerValues, SaView};
    use crate::target::loopback::Loopback;

    /// A peer that hears nothing in its first cases.
    struct Deaf {
        inner: Loopback,
        cases: u32,
    }

    #[async_trait]
    impl Driver for Deaf {
        fn profile(&self) -> &PeerProfile {
            self.inner.profile()
        }

        async fn prepare(&mut self, case: &Case, seed: u64) -> Result<Addresses, InfraError> {
            self.inner.prepare(case, seed).await
        }

        fn now(&self) -> Timestamp {
            self.inner.now()
        }

        async fn send(&mut self, datagram: &Datagram) -> Result<(), InfraError> {
            if self.cases > 0 { Ok(()) } else { self.inner.send(datagram).await }
        }

        async fn wait(&mut self, until: Timestamp) -> Result<Option<Datagram>, InfraError> {
            self.inner.wait(until).await
        }

        async fn command(&mut self, command: PeerCommand) -> Result<(), InfraError> {
            self.inner.command(command).await
        }

        async fn rebind(&mut self) -> Result<(), InfraError> {
            self.inner.rebind().await
        }

        async fn state(&mut self) -> Result<SaView, InfraError> {
            self.inner.state().await
        }

        async fn values(&mut self) -> Result<PeerValues, InfraError> {
            self.inner.values().await
        }

        async fn finish(&mut self) -> Ending {
            self.cases = self.cases.saturating_sub(1);
            self.inner.finish().await
        }
    }

    fn pool<D: Driver + 'static>(group: Option<Group>, member: fn() -> D) -> PoolRunner<D> {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let start: StartMember<D> = Box::new(move |_, _| Ok(member()));
        let discard: DiscardMember = Box::new(|_| String::new());
        PoolRunner::new("pool".to_owned(), 2, group, runtime, CaseLimits::default(), start, discard).unwrap()
    }

    #[test]
    fn a_later_member_passes_its_sanity_handshake_with_the_group_of_the_run() {
        let start_with = |group| {
            let mut pool = pool(group, Loopback::new);
            pool.profile.capabilities.remove(&Capability::Modp1024);
            pool.start_member("pool-2", 1).map(drop)
        };
        assert_eq!(start_with(Some(Group::Modp1536)), Ok(()));
        let error = start_with(None).unwrap_err();
        assert!(error.contains("self cannot do modp1024"), "{error}");
    }

    #[rstest]
    #[case::once(|| Deaf { inner: Loopback::new(), cases: 1 }, None)]
    #[case::twice(|| Deaf { inner: Loopback::new(), cases: 2 }, None)]
    #[case::always(|| Deaf { inner: Loopback::new(), cases: u32::MAX }, Some("its sanity handshake, attempt 3: "))]
    fn a_member_that_is_late_may_try_its_sanity_handshake_three_times(
        #[case] member: fn() -> Deaf,
        #[case] error: Option<&str>,
    ) {
        let started = pool(None, member).start_member("pool-2", 1).map(drop);
        match (&started, error) {
            (Ok(()), None) => {}
            (Err(told), Some(begins)) => assert!(told.starts_with(begins), "{told}"),
            _ => panic!("{started:?}"),
        }
    }
}
