//! What a peer must offer so that cases can be run against it.

use core::fmt;
use std::sync::Arc;
use std::time::Duration;

use ikev1_scenario::adapt::DevicePolicy;
use ikev1_scenario::case::Case;
use ikev1_scenario::model::Group;
use ikev1_scenario::verdict::PeerProfile;

use super::sanity::{SanityError, sanity_case};
use crate::execute::CaseArtefacts;

/// A peer that is up, together with the executor that plays cases against it.
///
/// It is shared between threads. [`CaseRunner::run_case`] never fails: what goes wrong becomes a record of the
/// transcript, which the judge turns into the verdict `error`.
pub trait CaseRunner: fmt::Debug + Send + Sync {
    /// What the peer is and can do.
    fn profile(&self) -> &PeerProfile;

    /// The peer's own configuration, where that is as it is.
    fn policy(&self) -> Option<&DevicePolicy> {
        None
    }

    /// The case as it is to be played with this peer; the same, unless the peer cannot be configured.
    ///
    /// # Errors
    /// Says why the peer's own configuration does not fit the case, which is `unsupported` then.
    fn adapt(&self, case: &Arc<Case>) -> Result<Arc<Case>, String> {
        Ok(Arc::clone(case))
    }

    /// The case that shows, before and after all others, that harness and peer can speak at all.
    ///
    /// # Errors
    /// When its scenario is no good.
    fn sanity(&self, when: &str, group: Group) -> Result<Case, SanityError> {
        sanity_case(when, group)
    }

    /// How many cases may be under way where `jobs` may be at work: more than one when each has a peer of its own, and more
    /// than `jobs` when those that only wait are not counted.
    fn under_way(&self, jobs: usize) -> usize;

    /// Wall-clock time after which a case counts as hung.
    fn time_limit(&self, case: &Case) -> Duration;

    /// Whether a case is played once more where its first play may say more of the surroundings than of the peer, as they may have
    /// bad moments: it failed by our own fault, or something did not come in its time.
    fn plays_again(&self) -> bool {
        false
    }

    /// Plays one case. All randomness comes from `seed` and the case's ID.
    fn run_case(&self, case: &Case, seed: u64) -> CaseArtefacts;

    /// Makes the peer fit for the next case after `case` has hung or panicked, and gives the peer's log of it.
    /// It must not wait for the case, which may still be in [`CaseRunner::run_case`].
    ///
    /// # Errors
    /// Says why the peer cannot be used any more; the run with it ends.
    fn recover(&self, case: &Case) -> Result<String, String>;

    /// Tells that from now on one case fewer will be under way at the same time, so that what was started for it can go before the
    /// last cases have ended.
    fn one_fewer(&self) {}

    /// Removes whatever was started for the peer. Further cases fail. It must not wait for a case under way.
    fn close(&self);
}
