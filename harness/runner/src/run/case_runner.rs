//! What a peer must offer so that cases can be run against it.

use core::fmt;
use std::time::Duration;

use ikev1_scenario::case::Case;
use ikev1_scenario::transcript::Record;
use ikev1_scenario::verdict::PeerProfile;

/// Everything that is left of one case.
#[derive(Debug, Clone, Default)]
pub struct Execution {
    /// What happened. Trouble of the harness or the peer's infrastructure is in it as such.
    pub transcript: Vec<Record>,
    /// The datagrams as a pcap file; empty when there is none.
    pub capture: Vec<u8>,
    /// Lines of Wireshark's `ikev1_decryption_table`.
    pub keys: String,
    /// What the peer logged during the case.
    pub peer_log: String,
}

/// A peer that is up, together with the executor that plays cases against it.
///
/// It is shared between threads. [`CaseRunner::run_case`] never fails: what goes wrong becomes a record of the
/// transcript, which the judge turns into the verdict `error`.
pub trait CaseRunner: fmt::Debug + Send + Sync {
    /// What the peer is and can do.
    fn profile(&self) -> &PeerProfile;

    /// Whether cases may run at the same time, as they may when each has a peer of its own in this process.
    fn runs_side_by_side(&self) -> bool;

    /// Wall-clock time after which a case counts as hung.
    fn time_limit(&self, case: &Case) -> Duration;

    /// Plays one case. All randomness comes from `seed` and the case's ID.
    fn run_case(&self, case: &Case, seed: u64) -> Execution;

    /// Makes the peer fit for the next case after one has hung or panicked, and gives the peer's log of that case.
    /// It must not wait for the case, which may still be in [`CaseRunner::run_case`].
    ///
    /// # Errors
    /// Says why the peer cannot be used any more; the run with it ends.
    fn recover(&self) -> Result<String, String>;

    /// Removes whatever was started for the peer. Further cases fail. It must not wait for a case under way.
    fn close(&self);
}
