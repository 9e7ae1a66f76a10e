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
use super::peers::total;
use super::sanity::{SANITY_ATTEMPTS, SanityError, SanityScenario};
use crate::driver::Driver;
use crate::execute::{CaseArtefacts, CaseLimits, Turns, execute_case, execute_case_in_turn};

/// Starts a member; its name is the run that whatever is started for it belongs to.
pub type StartMember<D> = Box<dyn Fn(&Runtime, &str) -> Result<D, String> + Send + Sync>;

/// Removes whatever was started for a member of that name, in use or not, and gives the peer's log.
pub type DiscardMember = Box<dyn Fn(&str) -> String + Send + Sync>;

/// How large a pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSize {
    /// As many members at most.
    pub members: usize,
    /// As many of their cases at work at most; those that only wait are not counted.
    pub at_work: usize,
}

impl PoolSize {
    /// For that many jobs, with a peer that bears `containers` where most of their cases wait. One job is one case after the other.
    #[must_use]
    pub fn for_jobs(jobs: usize, containers: Option<u16>) -> Self {
        let members = if jobs > 1 { containers.map_or(jobs, usize::from).max(jobs) } else { 1 };
        Self { members, at_work: jobs }
    }
}

/// A pool of peers, such as daemons in containers. All but the first are started when a case needs one.
pub struct PoolRunner<D> {
    name: String,
    profile: PeerProfile,
    group: Group,
    sanity: SanityScenario,
    limits: CaseLimits,
    turns: Turns,
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
    /// Starts the first member of a pool of that size, whose sockets and tasks live in `runtime`. Later members pass their
    /// sanity handshake with `group`, or without it with the peer's first.
    ///
    /// # Errors
    /// Says why the member did not start.
    pub fn new(
        name: String,
        size: PoolSize,
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
        places.resize_with(size.members.max(1), || Place::Empty);
        let state = Mutex::new(State { places, started: 1, closed: false });
        let sanity = SanityScenario::default();
        Ok(Self {
            name,
            profile,
            group,
            sanity,
            limits,
            turns: Turns::new(size.at_work),
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

    fn under_way(&self, jobs: usize) -> usize {
        // One job is one case after the other.
        if jobs > 1 { self.lock().places.len() } else { 1 }
    }

    fn time_limit(&self, _: &Case) -> Duration {
        // A member may have to be started, and to pass its sanity handshake, before.
        2 * total(self.limits)
    }

    fn plays_again(&self) -> bool {
        true
    }

    fn run_case(&self, case: &Case, seed: u64) -> CaseArtefacts {
        let turn = self.turns.take();
        let Some((name, driver)) = self.take(case) else {
            return CaseArtefacts::of_failure(&"the peer is gone");
        };
        let mut driver = match driver.map_or_else(|| self.start_member(&name, seed), Ok) {
            Ok(driver) => driver,
            Err(error) => {
                self.put(&name, Place::Empty);
                return CaseArtefacts::of_failure(&format!(
                    "another instance of the peer did not start: {error}"
                ));
            }
        };
        let execution = execute_case_in_turn(&mut driver, case, seed, self.limits, &turn);
        let artefacts = self.runtime.block_on(execution);
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
            Some(Place::Busy { member, .. }) => {
                self.turns.leave();
                Ok((self.discard)(&member))
            }
            _ => Ok(String::new()),
        }
    }

    fn one_fewer(&self) {
        let mut state = self.lock();
        let empty = state.places.iter().position(|place| matches!(place, Place::Empty));
        let free = || state.places.iter().position(|place| matches!(place, Place::Free(_)));
        // The last one is for the sanity handshake at the end.
        let index = empty.or_else(free).filter(|_| state.places.len() > 1);
        let place = index.map(|index| state.places.swap_remove(index));
        drop(state);
        let _inside = self.runtime.enter();
        drop(place);
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
    use std::sync::Arc;

    use ikev1_scenario::DEFAULT_GROUP;
    use ikev1_scenario::model::{Capability, Settle, Step};
    use rstest::rstest;
    use tokio::runtime::Builder;
    use tokio::sync::Barrier;
    use tokio::time::timeout;

    use super::*;
    use crate::driver::{Addresses, Ending, InfraError, PeerCommand, PeerValues, SaView};
    use crate::run::sanity_case;
    use crate::target::loopback::Loopback;

    /// A peer that hears nothing in its first cases, and whose cases meet where they wait for longer than 5 s.
    struct Deaf {
        inner: Loopback,
        cases: u32,
        meet: Option<Arc<Barrier>>,
        _share: Option<Arc<()>>,
    }

    impl Deaf {
        fn for_cases(cases: u32) -> Self {
            Self { inner: Loopback::new(), cases, meet: None, _share: None }
        }
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
            if let Some(meet) = self.meet.as_ref().filter(|_| until > self.now() + Duration::from_secs(5)) {
                let met = timeout(Duration::from_secs(60), meet.wait()).await;
                met.map_err(|_| InfraError::NotPrepared)?;
            }
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
        let size = PoolSize { members: 2, at_work: 2 };
        PoolRunner::new("pool".to_owned(), size, group, runtime, CaseLimits::default(), start, discard)
            .unwrap()
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
    #[case::once(|| Deaf::for_cases(1), None)]
    #[case::twice(|| Deaf::for_cases(2), None)]
    #[case::always(|| Deaf::for_cases(u32::MAX), Some("its sanity handshake, attempt 3: "))]
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

    #[rstest]
    #[case::one_after_the_other(1, Some(40), 1)]
    #[case::more_members_than_jobs(8, Some(40), 40)]
    #[case::more_jobs_than_the_manifest_has_containers(64, Some(40), 64)]
    #[case::a_manifest_that_names_none(12, None, 12)]
    fn a_pool_has_the_members_of_the_manifest_or_one_for_each_job(
        #[case] jobs: usize,
        #[case] containers: Option<u16>,
        #[case] members: usize,
    ) {
        assert_eq!(PoolSize::for_jobs(jobs, containers), PoolSize { members, at_work: jobs });
    }

    /// A pool of three whose cases meet, each with a member of its own; such a case; and what each of its members has a share of.
    fn meeting(at_work: usize) -> (PoolRunner<Deaf>, Case, Arc<()>) {
        let (meet, share) = (Arc::new(Barrier::new(3)), Arc::new(()));
        let own = Arc::downgrade(&share);
        let start: StartMember<Deaf> = Box::new(move |_, _| {
            let meet = Some(Arc::clone(&meet));
            Ok(Deaf { meet, _share: own.upgrade(), ..Deaf::for_cases(0) })
        });
        let discard: DiscardMember = Box::new(|_| String::new());
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let (size, limits) = (PoolSize { members: 3, at_work }, CaseLimits::default());
        let pool = PoolRunner::new("pool".to_owned(), size, None, runtime, limits, start, discard).unwrap();
        let mut case = sanity_case("first", DEFAULT_GROUP).unwrap();
        case.steps.push(Step::Settle(Settle { ms: 10_000, within_ms: 20_000 }));
        (pool, case, share)
    }

    fn three_plays(pool: &PoolRunner<Deaf>, case: &Case) -> Vec<Verdict> {
        thread::scope(|scope| {
            let play = || judge(case, &pool.run_case(case, 1).transcript, pool.profile()).verdict;
            let plays: Vec<_> = (0..3).map(|_| scope.spawn(play)).collect();
            plays.into_iter().map(|play| play.join().unwrap()).collect()
        })
    }

    #[test]
    fn a_case_that_only_waits_leaves_its_turn_to_another() {
        let (pool, case, _) = meeting(1);
        assert_eq!((pool.under_way(1), pool.under_way(2)), (1, 3));
        // Each waits for the other two, so none ends unless all three are under way.
        assert_eq!(three_plays(&pool, &case), [Verdict::Pass; 3]);
    }

    #[test]
    fn a_member_that_no_case_needs_any_more_is_gone_before_the_pool_is_closed() {
        let (pool, case, share) = meeting(3);
        assert_eq!(three_plays(&pool, &case), [Verdict::Pass; 3]);
        let left = [(); 4].map(|()| {
            pool.one_fewer();
            Arc::strong_count(&share) - 1
        });
        assert_eq!(left, [2, 1, 1, 1], "one is for the last sanity handshake");
        pool.close();
        assert_eq!(Arc::strong_count(&share), 1);
    }
}
