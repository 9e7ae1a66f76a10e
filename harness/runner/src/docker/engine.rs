//! Whether the Docker engine is one whose containers can be reached from here.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{process::Command, time::sleep};

use super::{
    api_version, error::DockerError, images::output_of, network::PeerNetwork, sweep::process_run_id,
};

/// How long the start of a container waits for an engine that does not answer, as while it restarts. A case has 30 s to
/// get its peer ready.
const WAIT_MAX: Duration = Duration::from_secs(20);
/// An engine that is away for longer than this is not waited for any more.
const OUTAGE_MAX: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(250);

/// What both the docker command and the library that starts containers talk to, when nothing else is said.
const DEFAULT_ENDPOINT: &str = "unix:///var/run/docker.sock";
/// The variable that both heed.
const DOCKER_HOST: &str = "DOCKER_HOST";
/// Where Linux lists the interfaces of this network namespace, one a line. `/sys/class/net` has those of the namespace that
/// it was mounted in.
const INTERFACES: &str = "/proc/self/net/dev";

/// Checks that the bridges of the Docker engine are interfaces of this machine: the harness talks to addresses of containers,
/// and has addresses on their networks. Makes a network for that, and removes it.
///
/// # Errors
/// The engine refuses, is on another machine, or is not the one that the docker command talks to; each says what to do.
pub async fn engine_is_here() -> Result<(), DockerError> {
    let endpoint = endpoint().await?;
    let network = PeerNetwork::create(&format!("{}-here", process_run_id())).await?;
    let bridge = network.bridge();
    // A system without the file has its containers in a virtual machine.
    let interfaces = std::fs::read_to_string(INTERFACES).unwrap_or_default();
    if is_among(&bridge, &interfaces) { Ok(()) } else { Err(DockerError::Elsewhere { endpoint, bridge }) }
}

/// Whether an interface is among those of `/proc/net/dev`.
fn is_among(interface: &str, table: &str) -> bool {
    table.lines().filter_map(|line| line.split_once(':')).any(|(name, _)| name.trim() == interface)
}

/// Waits until the engine answers: one that is restarted comes back, and must not cost more cases than it has to.
pub(super) async fn wait_for_engine() -> Result<(), DockerError> {
    static AWAY_SINCE: Mutex<Option<Instant>> = Mutex::new(None);
    let started = Instant::now();
    loop {
        // Negotiation asks the engine for its version.
        let Err(error) = api_version::negotiated_client().await else {
            *AWAY_SINCE.lock().unwrap_or_else(PoisonError::into_inner) = None;
            return Ok(());
        };
        let since =
            *AWAY_SINCE.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
        if started.elapsed() > WAIT_MAX || since.elapsed() > OUTAGE_MAX {
            return Err(DockerError::NoDaemon { detail: error.to_string() });
        }
        sleep(POLL).await;
    }
}

/// Where the engine is. A Docker context is a setting of the docker command alone, so it must not say anything else.
async fn endpoint() -> Result<String, DockerError> {
    if let Ok(endpoint) = std::env::var(DOCKER_HOST) {
        return Ok(endpoint);
    }
    let mut command = Command::new("docker");
    command.args(["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]);
    let endpoint = output_of(command).await?.trim().to_owned();
    if endpoint == DEFAULT_ENDPOINT { Ok(endpoint) } else { Err(DockerError::Context { endpoint }) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const TABLE: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:  111524    1091    0    0    0     0          0         0   111524    1091    0    0    0     0       0          0
br-d71823755fea:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
";

    #[rstest]
    #[case::there("br-d71823755fea", true)]
    #[case::filled_up_with_spaces("lo", true)]
    #[case::another("br-d71823755feb", false)]
    #[case::the_beginning_of_one("br-d718", false)]
    fn an_interface_is_found_by_its_whole_name(#[case] interface: &str, #[case] expected: bool) {
        assert_eq!(is_among(interface, TABLE), expected);
    }
}
