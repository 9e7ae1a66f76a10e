//! A daemon whose other side is another daemon.

use std::net::Ipv4Addr;

use async_trait::async_trait;
use ikev1_scenario::case::Case;

use crate::docker::{ExecOutput, PeerContainer};
use crate::driver::{Driver, InfraError};

/// A daemon in a container that can be set up against another one. Its commands, SAs, values and log are those of
/// [`Driver`]; no datagram goes through the harness.
#[async_trait(?Send)]
pub trait PairMember: Driver {
    /// Its container.
    fn container(&self) -> &PeerContainer;

    /// Leaves the daemon without SA and connection, in a new container if need be.
    ///
    /// # Errors
    /// When a new container does not start either.
    async fn reset(&mut self) -> Result<(), InfraError>;

    /// Begins a case with the daemon as its peer, and the daemon at `other` in the place of the harness.
    ///
    /// # Errors
    /// When the daemon cannot be configured so.
    async fn load_against(&mut self, case: &Case, other: Ipv4Addr) -> Result<(), InfraError>;

    /// Sends one ICMP echo request with a pattern (in hex) as its data, and waits for the reply.
    ///
    /// # Errors
    /// When the daemon's container does not answer. A reply that does not come is an exit code other than 0.
    async fn ping(&self, from: Ipv4Addr, to: Ipv4Addr, pattern: &str) -> Result<ExecOutput, InfraError>;
}

/// The command for [`PairMember::ping`].
pub(super) fn ping_command(from: Ipv4Addr, to: Ipv4Addr, pattern: &str) -> Vec<String> {
    let (from, to) = (from.to_string(), to.to_string());
    ["ping", "-c", "1", "-W", "2", "-p", pattern, "-I", &from, &to].map(str::to_owned).to_vec()
}
