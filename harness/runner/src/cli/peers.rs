//! Peers by name: `self`, and the folders of `docker/`.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::{CliError, unknown};
use super::workspace::Workspace;
use crate::run::CaseRunner;
use crate::target;

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
