//! One running peer: its addresses, commands in it, and its log. It is removed on drop.

use std::{
    collections::HashMap,
    fmt,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use testcontainers::{
    ContainerAsync, GenericImage, ImageExt as _,
    bollard::{
        models::{DeviceMapping, HostConfig, HostConfigLogConfig},
        query_parameters::InspectContainerOptions,
    },
    core::{ExecCommand, logs::LogFrame},
    runners::AsyncRunner as _,
};
use tokio::{
    runtime::Handle,
    sync::Notify,
    time::{sleep, timeout},
};

use super::{api_version, engine::wait_for_engine, error::DockerError, images::LABEL, network::PeerNetwork};

const CONTROL_PORT_MIN: u16 = 10_000;

/// An engine that does not answer must not hold up what is to be said.
const INSPECT_TIME_MAX: Duration = Duration::from_secs(5);

/// Exit code of a process that got SIGKILL.
const KILLED: i64 = 137;

/// How often a container is asked whether it still runs.
const POLL: Duration = Duration::from_millis(20);

/// A daemon that needs longer than this to start does not start at all.
const START_TIME_MAX: Duration = Duration::from_secs(30);

/// What a container of a peer is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerRequest {
    /// The image, as [`super::ensure_image`] returns it: `name:tag`.
    pub image: String,
    /// The run that the container belongs to: value of the label [`LABEL`].
    pub run_id: String,
    /// Environment of the entrypoint.
    pub environment: Vec<(String, String)>,
    /// Memory file systems: mount point and options.
    pub tmpfs: Vec<(String, String)>,
    /// Where it has its address.
    pub place: Place,
}

/// The network of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The default bridge, which it shares with whatever else runs there.
    Bridge,
    /// A network of its own, so that the harness has an address there that it shares with no other peer.
    Apart,
    /// A network that several containers share.
    In(Arc<PeerNetwork>),
}

/// The outcome of a command in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecOutput {
    /// Exit status; `None` if the engine does not tell.
    pub exit_code: Option<i64>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// A running container. Dropping it removes the container, and waits for that.
pub struct PeerContainer {
    /// `None` only while it is being dropped.
    container: Option<ContainerAsync<GenericImage>>,
    /// Its network, removed after the last container in it.
    network: Option<Arc<PeerNetwork>>,
    runtime: Handle,
    id: String,
    address: Ipv4Addr,
    gateway: Ipv4Addr,
    log: Arc<LogBuffer>,
}

impl fmt::Debug for PeerContainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, address, gateway, .. } = self;
        f.debug_struct("PeerContainer")
            .field("id", id)
            .field("address", address)
            .field("gateway", gateway)
            .finish_non_exhaustive()
    }
}

impl PeerContainer {
    /// Starts a container with the capability NET_ADMIN and the device `/dev/net/tun`, and finds its addresses.
    ///
    /// Must run inside a tokio runtime.
    ///
    /// # Errors
    /// The engine refuses, or the container has no address on its network.
    pub async fn start(request: &ContainerRequest) -> Result<Self, DockerError> {
        wait_for_engine().await?;
        let network = match &request.place {
            Place::Bridge => None,
            Place::Apart => Some(Arc::new(PeerNetwork::create(&request.run_id).await?)),
            Place::In(network) => Some(Arc::clone(network)),
        };
        let log = Arc::new(LogBuffer::default());
        let negotiated = Arc::new(Mutex::new(Ok(())));
        let container = {
            let (log, negotiated) = (Arc::clone(&log), Arc::clone(&negotiated));
            let tmpfs: HashMap<String, String> = request.tmpfs.iter().cloned().collect();
            let (name, tag) = request.image.rsplit_once(':').unwrap_or((&request.image, "latest"));
            let mut start = GenericImage::new(name, tag)
                .with_label(LABEL, &request.run_id)
                .with_cap_add("NET_ADMIN")
                .with_startup_timeout(START_TIME_MAX)
                .with_log_consumer(move |frame: &LogFrame| log.push(frame.bytes()))
                .with_host_config_modifier(move |host| {
                    *lock(&negotiated) = api_version::negotiate();
                    set_up(host, tmpfs.clone());
                });
            for (key, value) in &request.environment {
                start = start.with_env_var(key, value);
            }
            if let Some(network) = &network {
                start = start.with_network(network.name());
            }
            start.start().await
        };
        // The failed negotiation explains what testcontainers could not do afterwards.
        let container = match (container, lock(&negotiated).clone()) {
            (Ok(container), _) => container,
            (Err(_), Err(detail)) => return Err(DockerError::NoDaemon { detail }),
            (Err(error), Ok(())) => return Err(error.into()),
        };
        let id = container.id().to_owned();
        let runtime = Handle::current();
        let mut peer = Self {
            container: Some(container),
            network,
            runtime,
            id,
            address: Ipv4Addr::UNSPECIFIED,
            gateway: Ipv4Addr::UNSPECIFIED,
            log,
        };
        (peer.address, peer.gateway) = peer.addresses().await?;
        Ok(peer)
    }

    async fn addresses(&self) -> Result<(Ipv4Addr, Ipv4Addr), DockerError> {
        let client = api_version::negotiated_client().await?;
        let state = client.inspect_container(&self.id, None::<InspectContainerOptions>).await?;
        let networks = state.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
        let parsed = |text: Option<&str>| match text.and_then(|text| text.parse().ok()) {
            Some(IpAddr::V4(address)) => Some(address),
            _ => None,
        };
        let missing = |what| DockerError::NoAddress { id: self.id.clone(), what };
        let network = networks.values().next().ok_or_else(|| missing("network"))?;
        let address = parsed(network.ip_address.as_deref()).ok_or_else(|| missing("IPv4 address"))?;
        let gateway = parsed(network.gateway.as_deref()).ok_or_else(|| missing("gateway"))?;
        Ok((address, gateway))
    }

    /// The container's identifier, 64 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The container's address: the daemon's IKE address.
    #[must_use]
    pub const fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The address of the bridge: what the daemon sees of a harness that runs on the host.
    #[must_use]
    pub const fn gateway(&self) -> Ipv4Addr {
        self.gateway
    }

    /// Runs a command in the container to its end. It costs about 100 ms, so it is not for the inner loop.
    ///
    /// # Errors
    /// The engine refuses, or the container has ended.
    pub async fn exec(&self, command: &[&str]) -> Result<ExecOutput, DockerError> {
        let mut exec = self.container()?.exec(ExecCommand::new(command.iter().copied())).await?;
        let stdout = exec.stdout_to_vec().await?;
        let stderr = exec.stderr_to_vec().await?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(ExecOutput { exit_code: exec.exit_code().await?, stdout: text(stdout), stderr: text(stderr) })
    }

    /// Whether the container's process still runs.
    ///
    /// # Errors
    /// The engine does not answer.
    pub async fn is_running(&self) -> Result<bool, DockerError> {
        Ok(self.container()?.is_running().await?)
    }

    /// Whether the log has broken off: the container has ended, or the engine was away.
    #[must_use]
    pub fn log_has_ended(&self) -> bool {
        // What puts the log here has its share of it until there is no more.
        Arc::strong_count(&self.log) == 1
    }

    /// What has become of the container, in words that go in front of an error; empty while it runs.
    pub async fn trouble(&self) -> String {
        let looked_at = async {
            let client = api_version::negotiated_client().await?;
            let inspected = client.inspect_container(&self.id, None::<InspectContainerOptions>).await?;
            Ok::<_, DockerError>(inspected.state.unwrap_or_default())
        };
        let trouble = match timeout(INSPECT_TIME_MAX, looked_at).await {
            Err(_) => "the Docker engine does not answer".to_owned(),
            Ok(Err(error)) => format!("its container cannot be looked at ({error})"),
            Ok(Ok(state)) if state.paused == Some(true) => "its container is paused".to_owned(),
            Ok(Ok(state)) if state.running == Some(true) => return String::new(),
            Ok(Ok(state)) => {
                let code = state.exit_code.unwrap_or(-1);
                let why = match (state.oom_killed, code) {
                    (Some(true), _) => " (out of memory)",
                    (_, KILLED) => " (killed from outside, or by the kernel)",
                    _ => "",
                };
                format!("its container has ended with exit code {code}{why}")
            }
        };
        format!("{trouble}; ")
    }

    /// Waits until the container has ended, but no longer than `limit`.
    pub async fn wait_until_ended(&self, limit: Duration) {
        let started = Instant::now();
        while started.elapsed() < limit && self.is_running().await.unwrap_or(false) {
            sleep(POLL).await;
        }
    }

    /// How many octets of log have arrived: an offset for [`Self::log_since`].
    #[must_use]
    pub fn log_len(&self) -> usize {
        self.log.lock().len()
    }

    /// The log from `offset` on, as far as it has arrived.
    #[must_use]
    pub fn log_since(&self, offset: usize) -> String {
        self.log_from(offset).0
    }

    /// As [`Self::log_since`], with the offset of what is still to arrive.
    #[must_use]
    pub fn log_from(&self, offset: usize) -> (String, usize) {
        let bytes = self.log.lock();
        (String::from_utf8_lossy(bytes.get(offset..).unwrap_or_default()).into_owned(), bytes.len())
    }

    /// The last lines of the log.
    #[must_use]
    pub fn log_tail(&self, lines: usize) -> String {
        let log = self.log_since(0);
        let all: Vec<&str> = log.lines().collect();
        all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
    }

    /// Waits until `found` says yes to the log from `offset` on; returns whether it did before `limit` had passed.
    pub async fn wait_for_log(
        &self,
        offset: usize,
        limit: Duration,
        mut found: impl FnMut(&str) -> bool,
    ) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            // Registered before the look, so that what arrives in between is not missed.
            let mut more = std::pin::pin!(self.log.more.notified());
            more.as_mut().enable();
            if found(&self.log_since(offset)) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if timeout(left, more).await.is_err() {
                return found(&self.log_since(offset));
            }
        }
    }

    /// Removes the container now, and says what went wrong, which a drop cannot.
    ///
    /// # Errors
    /// The engine refuses.
    pub async fn remove(mut self) -> Result<(), DockerError> {
        match self.container.take() {
            Some(container) => Ok(container.rm().await?),
            None => Ok(()),
        }
    }

    fn container(&self) -> Result<&ContainerAsync<GenericImage>, DockerError> {
        self.container
            .as_ref()
            .ok_or_else(|| DockerError::NotRunning { id: self.id.clone(), log: String::new() })
    }
}

impl Drop for PeerContainer {
    fn drop(&mut self) {
        // testcontainers removes the container in its drop, but wants to be inside a runtime for it.
        let _inside = self.runtime.enter();
        drop(self.container.take());
        drop(self.network.take());
    }
}

/// A control port that no other daemon on this machine is likely to have.
///
/// The engine gives the address of a dead container to the next one that starts; with one port for all, its
/// commands would then reach a stranger.
pub(super) fn control_port() -> u16 {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let number = STARTED.fetch_add(1, Ordering::Relaxed).wrapping_add(std::process::id().wrapping_mul(61));
    u16::try_from(number % 20_000).map_or(CONTROL_PORT_MIN, |offset| CONTROL_PORT_MIN + offset)
}

fn set_up(host: &mut HostConfig, tmpfs: HashMap<String, String>) {
    let tun = "/dev/net/tun".to_owned();
    host.devices = Some(vec![DeviceMapping {
        path_on_host: Some(tun.clone()),
        path_in_container: Some(tun),
        cgroup_permissions: Some("rwm".to_owned()),
    }]);
    host.tmpfs = Some(tmpfs);
    // A daemon logs thousands of lines in a case. The engine's default writes each as JSON; and no line may go.
    let unlimited = HashMap::from([("max-size".to_owned(), "1t".to_owned())]);
    host.log_config = Some(HostConfigLogConfig { typ: Some("local".to_owned()), config: Some(unlimited) });
    // The harness talks to the container's address; nothing is published on the host.
    host.publish_all_ports = Some(false);
}

/// Everything that the container has printed so far.
#[derive(Debug, Default)]
struct LogBuffer {
    bytes: Mutex<Vec<u8>>,
    more: Notify,
}

impl LogBuffer {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        lock(&self.bytes)
    }

    fn push(&self, bytes: &[u8]) {
        self.lock().extend_from_slice(bytes);
        self.more.notify_waiters();
    }
}

/// A writer that panicked leaves whole frames only, so the value is good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
