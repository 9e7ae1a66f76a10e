//! Peers by name: `self`, and the folders of `docker/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use super::error::{CliError, unknown};
use super::workspace::Workspace;
use crate::docker::{PeerDir, RunGuard, docker_available, ensure_image, sweep_blocking};
use crate::execute::CaseLimits;
use crate::run::{CaseRunner, DriverRunner, LoopbackRunner};
use crate::target::strongswan::Strongswan;

/// The engine as its own peer.
const SELF: &str = "self";
/// Every folder of a peer has this file.
const MANIFEST: &str = "peer.toml";

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

/// Starts a peer. What takes long, such as the build of its image, is told to `progress`.
pub(super) fn open(
    peer: &PeerName,
    workspace: &Workspace,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<Arc<dyn CaseRunner>, CliError> {
    match peer.folder(workspace) {
        None => Ok(Arc::new(LoopbackRunner::new())),
        Some(folder) => container(&folder, progress),
    }
}

fn container(
    folder: &Path,
    progress: &mut (dyn FnMut(&str) + Send),
) -> Result<Arc<dyn CaseRunner>, CliError> {
    let runtime = runtime()?;
    let run_id = format!("run-{}", std::process::id());
    let guard = RunGuard::new(run_id.clone());
    let driver = runtime.block_on(async {
        let peer = PeerDir::load(folder)?;
        let image = ensure_image(&peer, &peer.manifest.default_suite, progress).await?;
        Strongswan::start(&peer, image, run_id).await
    });
    let driver = driver.map_err(CliError::harness)?;
    let clean_up = move || drop(sweep_blocking(guard.run_id()));
    Ok(Arc::new(DriverRunner::new(driver, runtime, CaseLimits::default(), clean_up)))
}

/// A runtime for the sockets and tasks of one peer.
pub(super) fn runtime() -> Result<Runtime, CliError> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| CliError::Harness(format!("cannot start a runtime: {error}")))
}
