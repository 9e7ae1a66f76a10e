//! Peers by name: `self`, and the folders of `docker/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::{Builder, Runtime};

use super::error::{CliError, unknown};
use super::workspace::Workspace;
use crate::docker::{
    DockerError, PeerDir, RunGuard, docker_available, ensure_image, log_of_run, process_run_id,
    sweep_blocking,
};
use crate::execute::CaseLimits;
use crate::run::{CaseRunner, LoopbackRunner, PoolRunner, StartMember};
use crate::target::strongswan::Strongswan;

/// The engine as its own peer.
const SELF: &str = "self";
/// Every folder of a peer has this file.
const MANIFEST: &str = "peer.toml";

/// Cases that run at the same time against containers unless the command line says otherwise: most of their time
/// is waiting, and Docker's default address pools have room for three such runs.
const CONTAINER_JOBS: usize = 8;

/// A peer that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PeerName {
    /// The engine as its own peer, in this process.
    Loopback,
    /// A daemon in a container: its folder's name.
    Container(String),
}

impl PeerName {
    /// The peer with this name.
    pub(super) fn parse(name: &str, workspace: &Workspace) -> Result<Self, CliError> {
        let known = known(workspace);
        match name {
            SELF => Ok(Self::Loopback),
            _ if known.iter().any(|known| known == name) => Ok(Self::Container(name.to_owned())),
            _ => Err(unknown("peer", name, &known)),
        }
    }

    /// Its name on the command line.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Loopback => SELF,
            Self::Container(name) => name,
        }
    }

    /// Whether it is the engine itself.
    pub(super) fn is_self(&self) -> bool {
        *self == Self::Loopback
    }

    /// Cases that run at the same time unless the command line says otherwise.
    pub(super) fn default_jobs(&self) -> usize {
        match self {
            Self::Loopback => std::thread::available_parallelism().map_or(1, usize::from),
            Self::Container(_) => CONTAINER_JOBS,
        }
    }

    /// Its folder, if it has one.
    pub(super) fn folder(&self, workspace: &Workspace) -> Option<PathBuf> {
        match self {
            Self::Loopback => None,
            Self::Container(name) => Some(workspace.docker().join(name)),
        }
    }

    /// Its list of known failures, if it has one.
    pub(super) fn waiver_file(&self, workspace: &Workspace) -> Option<PathBuf> {
        self.folder(workspace).map(|folder| folder.join("expected.toml")).filter(|file| file.is_file())
    }
}

/// The names of all peers.
pub(super) fn known(workspace: &Workspace) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(workspace.docker())
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().join(MANIFEST).is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names.insert(0, SELF.to_owned());
    names
}

/// Checks that the peer can be started at all, before anything is run.
pub(super) fn preflight(peer: &PeerName) -> Result<(), CliError> {
    match peer {
        PeerName::Loopback => Ok(()),
        PeerName::Container(name) => {
            let runtime = runtime()?;
            runtime
                .block_on(docker_available())
                .map(drop)
                .map_err(|error| CliError::Harness(format!("peer `{name}` runs in a container: {error}")))
        }
    }
}

/// Starts a peer, and lets it play `jobs` cases at the same time. What takes long, such as the build of its image, is told
/// to `progress`.
pub(super) fn open(
    peer: &PeerName,
    workspace: &Workspace,
    jobs: usize,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<Arc<dyn CaseRunner>, CliError> {
    match peer.folder(workspace) {
        None => Ok(Arc::new(LoopbackRunner::new())),
        Some(folder) => container(&folder, jobs, progress),
    }
}

fn container(
    folder: &Path,
    jobs: usize,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<Arc<dyn CaseRunner>, CliError> {
    let runtime = runtime()?;
    let (peer, image) = runtime
        .block_on(async {
            let peer = PeerDir::load(folder)?;
            let image = ensure_image(&peer, &peer.manifest.default_suite, progress).await?;
            Ok((peer, image))
        })
        .map_err(|error: DockerError| CliError::harness(error))?;
    let run_id = process_run_id();
    let guards = Mutex::new(Vec::new());
    let start: StartMember<Strongswan> = Box::new(move |runtime, member| {
        guards.lock().unwrap_or_else(PoisonError::into_inner).push(RunGuard::new(member));
        let started = runtime.block_on(Strongswan::start(&peer, image.clone(), member.to_owned()));
        started.map_err(|error| error.to_string())
    });
    let discard = Box::new(|member: &str| {
        let log = log_of_run(member);
        // The guard of the member tries again.
        let _ = sweep_blocking(member);
        log
    });
    let pool = PoolRunner::new(run_id, jobs, runtime, CaseLimits::default(), start, discard);
    Ok(Arc::new(pool.map_err(CliError::Harness)?))
}

/// A runtime for the sockets and tasks of one peer.
pub(super) fn runtime() -> Result<Runtime, CliError> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| CliError::Harness(format!("cannot start a runtime: {error}")))
}
