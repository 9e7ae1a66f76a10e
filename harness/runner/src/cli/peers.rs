//! Peers by name: `self`, the folders of `docker/`, and the files of devices.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ikev1_scenario::model::Group;
use ikev1_scenario::pki::{CREDENTIALS_FOLDER, CredentialFiles};
use tokio::runtime::{Builder, Runtime};

use super::error::{CliError, unknown};
use super::workspace::Workspace;
use crate::device::Device;
use crate::docker::{
    ChosenPeer, Control, DockerError, PeerDir, RunGuard, docker_available, engine_is_here, log_of_run,
    process_run_id, sweep_blocking,
};
use crate::driver::Driver;
use crate::execute::CaseLimits;
use crate::run::{
    CaseRunner, DeviceRunner, LoopbackRunner, PoolRunner, PoolSize, SanityScenario, StartMember,
};
use crate::target::shell_peer::ShellPeer;
use crate::target::strongswan::Strongswan;

/// The engine as its own peer.
pub(super) const SELF: &str = "self";
/// Every folder of a peer has this file.
const MANIFEST: &str = "peer.toml";

/// Cases that are at work at the same time against containers unless the command line says otherwise.
const CONTAINER_JOBS: usize = 8;

/// What stands for every release of every peer in a container.
pub(super) const ALL: &str = "all";

/// A peer that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PeerName {
    /// The engine as its own peer, in this process.
    Loopback,
    /// A daemon in a container.
    Container {
        /// Its folder's name.
        folder: String,
        /// Its release, as it was asked for; without one the manifest's default is meant.
        release: Option<String>,
    },
    /// A device somewhere on the network, by the path of its file.
    Device(String),
}

/// What the path of a device's file ends with, unless it has a separator.
const DEVICE_FILE: &str = ".toml";

impl PeerName {
    /// The peer with this name: `self`, a folder of `docker/`, such a folder and a release as in `strongswan-5.9`, or the
    /// file of a device.
    pub(super) fn parse(name: &str, workspace: &Workspace) -> Result<Self, CliError> {
        if name == SELF {
            return Ok(Self::Loopback);
        }
        if name.ends_with(DEVICE_FILE) || name.contains(std::path::is_separator) {
            Device::load(Path::new(name)).map_err(CliError::usage)?;
            return Ok(Self::Device(name.to_owned()));
        }
        // A folder's own name may have a hyphen, so the longest one that fits is meant.
        let folder = folders(workspace)
            .into_iter()
            .filter(|folder| {
                name.strip_prefix(folder.as_str()).is_some_and(|r| r.is_empty() || r.starts_with('-'))
            })
            .max_by_key(String::len)
            .ok_or_else(|| unknown("peer", name, &known(workspace)))?;
        let release = name.strip_prefix(&folder).and_then(|rest| rest.strip_prefix('-')).map(str::to_owned);
        if release.is_some() {
            let dir = PeerDir::load(workspace.docker().join(&folder)).map_err(CliError::usage)?;
            dir.release(release.as_deref()).map_err(CliError::usage)?;
        }
        Ok(Self::Container { folder, release })
    }

    /// The peers that a value of `--peer` names: one, or with `all` every release of every peer in a container.
    pub(super) fn parse_all(name: &str, workspace: &Workspace) -> Result<Vec<Self>, CliError> {
        if name != ALL {
            return Ok(vec![Self::parse(name, workspace)?]);
        }
        let mut all = Vec::new();
        for folder in folders(workspace) {
            let dir = PeerDir::load(workspace.docker().join(&folder)).map_err(CliError::usage)?;
            all.extend(dir.releases().into_iter().map(|release| Self::Container {
                folder: folder.clone(),
                release: Some(release.to_owned()),
            }));
        }
        Ok(all)
    }

    /// Its name on the command line.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Loopback => SELF.to_owned(),
            Self::Device(file) => file.clone(),
            Self::Container { folder, release: None } => folder.clone(),
            Self::Container { folder, release: Some(release) } => format!("{folder}-{release}"),
        }
    }

    /// Whether it is the engine itself.
    pub(super) fn is_self(&self) -> bool {
        *self == Self::Loopback
    }

    /// Cases that are at work at the same time unless the command line says otherwise.
    pub(super) fn default_jobs(&self, workspace: &Workspace) -> usize {
        let Some(folder) = self.folder(workspace) else {
            let cores = || std::thread::available_parallelism().map_or(1, usize::from);
            return if self.is_self() { cores() } else { 1 };
        };
        // A manifest that cannot be read is an error of its own when the peer is opened.
        let jobs = PeerDir::load(folder).ok().and_then(|dir| dir.manifest.container.jobs);
        jobs.map_or(CONTAINER_JOBS, usize::from)
    }

    /// Its folder, if it has one.
    pub(super) fn folder(&self, workspace: &Workspace) -> Option<PathBuf> {
        match self {
            Self::Loopback | Self::Device(_) => None,
            Self::Container { folder, .. } => Some(workspace.docker().join(folder)),
        }
    }

    /// Its list of known failures, if it has one.
    pub(super) fn waiver_file(&self, workspace: &Workspace) -> Option<PathBuf> {
        self.folder(workspace).map(|folder| folder.join("expected.toml")).filter(|file| file.is_file())
    }
}

/// The folders of the peers that run in containers.
pub(super) fn folders(workspace: &Workspace) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(workspace.docker())
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().join(MANIFEST).is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// The names of all peers, without those of their releases.
pub(super) fn known(workspace: &Workspace) -> Vec<String> {
    let mut names = folders(workspace);
    names.insert(0, SELF.to_owned());
    names
}

/// Checks that the peer can be started at all, before anything is run.
pub(super) fn preflight(peer: &PeerName) -> Result<(), CliError> {
    match peer {
        PeerName::Loopback | PeerName::Device(_) => Ok(()),
        PeerName::Container { .. } => {
            let available = runtime()?.block_on(engine());
            available.map_err(|error| {
                CliError::Harness(format!("peer `{}` runs in a container: {error}", peer.name()))
            })
        }
    }
}

/// Checks that there is a Docker engine, and that its containers can be reached.
pub(super) async fn engine() -> Result<(), DockerError> {
    docker_available().await?;
    engine_is_here().await
}

/// Starts a peer, of whose cases `jobs` may be at work at the same time, with the SAs of a daemon that needs a kernel for them in
/// `kernel`. Daemons that are started later pass a sanity handshake with `group`. What takes long, such as the build of an
/// image, is told to `progress`.
pub(super) fn open(
    peer: &PeerName,
    workspace: &Workspace,
    jobs: usize,
    kernel: &str,
    group: Option<Group>,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<Arc<dyn CaseRunner>, CliError> {
    let (folder, release) = match peer {
        PeerName::Loopback => return Ok(Arc::new(LoopbackRunner::new())),
        PeerName::Device(file) => {
            let device = Device::load(Path::new(file)).map_err(CliError::usage)?;
            let folder = workspace.scenarios().join(CREDENTIALS_FOLDER);
            let credentials = CredentialFiles::load(&folder)
                .map_err(|(path, error)| CliError::Usage(format!("{}: {error}", path.display())))?;
            let runner = DeviceRunner::new(device, file, group, &Arc::new(credentials), runtime()?);
            let runner = runner.map_err(CliError::Harness)?;
            return Ok(Arc::new(runner));
        }
        PeerName::Container { folder, release } => (folder, release),
    };
    let runtime = runtime()?;
    let release = release.as_deref();
    let chosen = runtime
        .block_on(choose(folder, release, &peer.name(), workspace, kernel, progress))
        .map_err(CliError::harness)?;
    let sanity = match &chosen.dir.manifest.sanity {
        Some(id) => SanityScenario::load(&workspace.scenarios().join(format!("{id}.json"))),
        None => Ok(SanityScenario::default()),
    };
    let sanity = sanity.map_err(CliError::usage)?;
    let size = PoolSize::for_jobs(jobs, chosen.dir.manifest.container.containers);
    match chosen.dir.manifest.control.clone() {
        Control::Vici {} => pool(runtime, size, group, sanity, move |member| {
            let chosen = chosen.clone();
            async move { Strongswan::start(&chosen, member).await }
        }),
        Control::Shell(control) => pool(runtime, size, group, sanity, move |member| {
            let (chosen, control) = (chosen.clone(), control.clone());
            async move { ShellPeer::start(&chosen, &control, member).await }
        }),
    }
}

/// A release of a peer in a container, with its image.
pub(super) async fn choose(
    folder: &str,
    release: Option<&str>,
    name: &str,
    workspace: &Workspace,
    kernel: &str,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<ChosenPeer, DockerError> {
    let dir = PeerDir::load(workspace.docker().join(folder))?;
    ChosenPeer::prepare(dir, name, release, kernel, progress).await
}

/// A pool of daemons in containers; `start` starts one that belongs to a run of the given name.
fn pool<D, F, S>(
    runtime: Runtime,
    size: PoolSize,
    group: Option<Group>,
    sanity: SanityScenario,
    start: S,
) -> Result<Arc<dyn CaseRunner>, CliError>
where
    D: Driver + 'static,
    F: Future<Output = Result<D, DockerError>>,
    S: Fn(String) -> F + Send + Sync + 'static,
{
    let guards = Mutex::new(Vec::new());
    let start: StartMember<D> = Box::new(move |runtime, member| {
        guards.lock().unwrap_or_else(PoisonError::into_inner).push(RunGuard::new(member));
        runtime.block_on(start(member.to_owned())).map_err(|error| error.to_string())
    });
    let discard = Box::new(|member: &str| {
        let log = log_of_run(member);
        // The guard of the member tries again.
        let _ = sweep_blocking(member);
        log
    });
    let pool = PoolRunner::new(process_run_id(), size, group, runtime, CaseLimits::default(), start, discard);
    Ok(Arc::new(pool.map_err(CliError::Harness)?.with_sanity(sanity)))
}

/// A runtime for the sockets and tasks of one peer.
pub(super) fn runtime() -> Result<Runtime, CliError> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| CliError::Harness(format!("cannot start a runtime: {error}")))
}
