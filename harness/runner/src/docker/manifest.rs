//! What a peer's directory under `docker/` says about it: `peer.toml`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use ikev1_scenario::model::Capability;
use serde::Deserialize;

use super::error::DockerError;

/// The role that the *peer* plays in an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeerRole {
    /// The peer sends the first message of phase 1.
    Initiator,
    /// The peer answers.
    Responder,
}

/// `peer.toml`: what the harness must know to run a daemon as a peer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerManifest {
    /// Short name, as given to `--peer`.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// Repository part of the image's name; the tag is made of suite and content hash.
    pub image: String,
    /// Debian suites that the Dockerfile can be built for.
    pub suites: Vec<String>,
    /// The suite that is used when none is asked for.
    pub default_suite: String,
    /// Roles that the daemon can play.
    pub roles: Vec<PeerRole>,
    /// What the daemon cannot do, of the capabilities that scenarios name, and how that is known.
    pub missing: BTreeMap<Capability, String>,
    /// A command in the container that prints the daemon's version.
    pub version_command: Vec<String>,
}

/// A directory that describes a peer: Dockerfile, its files, and the manifest. Its known failures,
/// `expected.toml`, are read by `ikev1_report::waiver`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerDir {
    /// The directory.
    pub path: PathBuf,
    /// `peer.toml`.
    pub manifest: PeerManifest,
}

impl PeerDir {
    /// Reads the manifest in `path`.
    ///
    /// # Errors
    /// Unreadable files, unknown or missing keys.
    pub fn load(path: impl Into<PathBuf>) -> Result<Self, DockerError> {
        let path = path.into();
        let manifest: PeerManifest = read_toml(&path.join("peer.toml"))?;
        Ok(Self { path, manifest })
    }

    /// The strongSwan peer of this source tree.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn strongswan() -> Result<Self, DockerError> {
        Self::load(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docker/strongswan"))
    }

    /// `suite` if the manifest lists it, the default suite for `None`.
    ///
    /// # Errors
    /// [`DockerError::UnknownSuite`] with the suites that exist.
    pub fn suite(&self, suite: Option<&str>) -> Result<String, DockerError> {
        let wanted = suite.unwrap_or(&self.manifest.default_suite);
        if self.manifest.suites.iter().any(|known| known == wanted) {
            return Ok(wanted.to_owned());
        }
        Err(DockerError::UnknownSuite {
            peer: self.manifest.name.clone(),
            suite: wanted.to_owned(),
            known: self.manifest.suites.join(", "),
        })
    }
}

fn read_toml<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, DockerError> {
    let shown = path.display().to_string();
    let text =
        fs::read_to_string(path).map_err(|source| DockerError::Read { path: shown.clone(), source })?;
    toml::from_str(&text).map_err(|source| DockerError::Manifest { path: shown, source: Box::new(source) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongswan_directory_is_readable() {
        let peer = PeerDir::strongswan().unwrap();
        assert_eq!(peer.manifest.name, "strongswan");
        assert_eq!(peer.manifest.roles, [PeerRole::Initiator, PeerRole::Responder]);
        assert!(peer.manifest.suites.contains(&peer.manifest.default_suite));
    }

    #[test]
    fn an_unknown_suite_names_the_known_ones() {
        let peer = PeerDir::strongswan().unwrap();
        assert_eq!(peer.suite(None).unwrap(), "bookworm");
        let error = peer.suite(Some("potato")).unwrap_err();
        insta::assert_snapshot!(error, @r#"peer strongswan has no suite "potato": expected one of bookworm, trixie"#);
    }
}
