//! What a peer's directory under `docker/` says about it: `peer.toml`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use ikev1_scenario::{model::Capability, verdict::PeerProfile};
use serde::Deserialize;

use super::error::DockerError;

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
    /// The release that is meant when none is named.
    pub default_release: String,
    /// The releases by the version that the daemon reports.
    pub releases: BTreeMap<String, Release>,
    /// How the harness tells the daemon what to do.
    pub control: Control,
    /// What its container needs beside the capability NET_ADMIN and the device `/dev/net/tun`.
    #[serde(default)]
    pub container: ContainerNeeds,
    /// What the daemon cannot do, of the capabilities that scenarios name, and how that is known.
    pub missing: BTreeMap<Capability, String>,
    /// What the harness cannot configure at the daemon, and why, so that nobody knows whether the daemon can do it. It is
    /// missing too.
    #[serde(default)]
    pub not_configured: BTreeMap<Capability, String>,
}

/// One release of a daemon.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The Debian suite that has it, which the Dockerfile gets as `SUITE`.
    pub suite: String,
    /// What this release cannot do beside what no release can.
    #[serde(default)]
    pub missing: BTreeMap<Capability, String>,
}

/// What a peer's container needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerNeeds {
    /// Memory file systems: options by mount point.
    #[serde(default)]
    pub tmpfs: BTreeMap<String, String>,
    /// Seconds until the daemon takes commands.
    pub ready_seconds: Option<u64>,
    /// Containers that run at the same time unless the command line says otherwise.
    pub jobs: Option<u16>,
    /// Parts of lines of the daemon's log that say that it died of a fault of its own.
    #[serde(default)]
    pub deaths: Vec<String>,
    /// Parts of lines of the daemon's log that say why it did not take a configuration, from where they are of use.
    #[serde(default)]
    pub refusals: Vec<String>,
    /// The daemon's IPsec SAs are in a kernel, so the entrypoint reads `KERNEL` (`auto`, `host` or `uml`).
    #[serde(default)]
    pub kernel: bool,
}

/// How the harness controls a daemon.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Control {
    /// charon's VICI socket.
    Vici {},
    /// A shell beside the daemon, with commands and configuration from templates.
    Shell(Box<ShellControl>),
}

/// Control through a shell. Every command is a template of a script for `/bin/sh`, and so is every file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShellControl {
    /// Prints the daemon's version.
    pub version: String,
    /// Files that are written for each case: a template of the peer's folder by path in the container.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Takes the files into use.
    pub load: String,
    /// Ends every SA, exchange and connection.
    pub reset: String,
    /// Sets up phase 1 only.
    pub initiate_phase1: Option<String>,
    /// Sets up IPsec SAs, and an ISAKMP SA before where there is none.
    pub initiate_quick_mode: Option<String>,
    /// Replaces the ISAKMP SA `sa`.
    pub rekey_isakmp: Option<String>,
    /// Replaces the pair of IPsec SAs `sa`.
    pub rekey_ipsec: Option<String>,
    /// Deletes the ISAKMP SA `sa`.
    pub delete_isakmp: Option<String>,
    /// Deletes the pair of IPsec SAs `sa`.
    pub delete_ipsec: Option<String>,
    /// Asks whether the other side lives.
    pub probe: Option<String>,
    /// Prints the SAs, one a line; see `docker::shell_state`.
    pub state: Option<String>,
    /// Prints derived values and installed keys, one a line; see `docker::shell_state`.
    pub values: Option<String>,
}

impl ShellControl {
    /// The capabilities that want a command which there is not.
    fn missing(&self) -> impl Iterator<Item = (Capability, String)> {
        let commands = [
            (Capability::Trigger, "initiate_phase1", &self.initiate_phase1),
            (Capability::Trigger, "initiate_quick_mode", &self.initiate_quick_mode),
            (Capability::RekeyIsakmp, "rekey_isakmp", &self.rekey_isakmp),
            (Capability::RekeyIpsec, "rekey_ipsec", &self.rekey_ipsec),
            (Capability::Delete, "delete_isakmp", &self.delete_isakmp),
            (Capability::Delete, "delete_ipsec", &self.delete_ipsec),
            (Capability::DpdOnDemand, "probe", &self.probe),
            (Capability::State, "state", &self.state),
            (Capability::DerivedValues, "values", &self.values),
        ];
        commands
            .into_iter()
            .filter(|(_, _, command)| command.is_none())
            .map(|(capability, name, _)| (capability, format!("the peer's manifest has no command `{name}`")))
    }

    /// Every command that the peer has, with its name in the manifest.
    pub fn commands(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let optional = [
            ("initiate_phase1", &self.initiate_phase1),
            ("initiate_quick_mode", &self.initiate_quick_mode),
            ("rekey_isakmp", &self.rekey_isakmp),
            ("rekey_ipsec", &self.rekey_ipsec),
            ("delete_isakmp", &self.delete_isakmp),
            ("delete_ipsec", &self.delete_ipsec),
            ("probe", &self.probe),
            ("state", &self.state),
            ("values", &self.values),
        ];
        [("version", &self.version), ("load", &self.load), ("reset", &self.reset)]
            .into_iter()
            .map(|(name, command)| (name, command.as_str()))
            .chain(optional.into_iter().filter_map(|(name, command)| Some((name, command.as_deref()?))))
    }
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
    /// The first line of a log that says that the daemon died of a fault of its own.
    #[must_use]
    pub fn death(&self, log: &str) -> Option<String> {
        let deaths = &self.manifest.container.deaths;
        log.lines().find(|line| deaths.iter().any(|death| line.contains(death))).map(str::to_owned)
    }

    /// What the daemon's log says of a configuration that it did not take.
    #[must_use]
    pub fn refusal(&self, log: &str) -> Option<String> {
        let refusals = &self.manifest.container.refusals;
        let said = |line: &str| refusals.iter().find_map(|refusal| line.find(refusal.as_str()));
        log.lines().find_map(|line| said(line).and_then(|at| line.get(at..)).map(str::to_owned))
    }

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
        Self::of_this_source("strongswan")
    }

    /// A peer of this source tree.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn of_this_source(name: &str) -> Result<Self, DockerError> {
        Self::load(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docker").join(name))
    }

    /// The version of a release by its version, the beginning of one, or its suite; the default one for `None`. Where
    /// several releases begin so, the default one is meant if it is among them, else the newest.
    ///
    /// # Errors
    /// [`DockerError::UnknownRelease`] with the releases that exist.
    pub fn release(&self, wanted: Option<&str>) -> Result<&str, DockerError> {
        let PeerManifest { releases, default_release, .. } = &self.manifest;
        let wanted = wanted.unwrap_or(default_release);
        let begins = |version: &str| {
            version.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let mut found: Vec<&str> = releases
            .iter()
            .filter(|(version, release)| begins(version) || release.suite == wanted)
            .map(|(version, _)| version.as_str())
            .collect();
        found.sort_by_key(|version| (*version == default_release, numbers(version)));
        found.pop().ok_or_else(|| DockerError::UnknownRelease {
            peer: self.manifest.name.clone(),
            release: wanted.to_owned(),
            known: releases
                .iter()
                .map(|(version, release)| format!("{version} ({})", release.suite))
                .collect::<Vec<_>>()
                .join(", "),
        })
    }

    /// The versions of all releases, oldest first.
    #[must_use]
    pub fn releases(&self) -> Vec<&str> {
        let mut releases: Vec<&str> = self.manifest.releases.keys().map(String::as_str).collect();
        releases.sort_by_key(|version| numbers(version));
        releases
    }

    /// The suite of a release that [`Self::release`] gave.
    #[must_use]
    pub fn suite(&self, release: &str) -> &str {
        self.manifest.releases.get(release).map_or("", |release| &release.suite)
    }

    /// What is known of a release before it runs; `name` is its name on the command line.
    #[must_use]
    pub fn profile(&self, release: &str, name: &str, version: &str) -> PeerProfile {
        let not_configured = &self.manifest.not_configured;
        let mut missing = self.manifest.missing.clone();
        missing.extend(not_configured.clone());
        if let Control::Shell(control) = &self.manifest.control {
            missing.extend(control.missing());
        }
        missing.extend(self.manifest.releases.get(release).map(|r| r.missing.clone()).unwrap_or_default());
        PeerProfile {
            name: name.to_owned(),
            version: version.to_owned(),
            capabilities: Capability::ALL.iter().filter(|c| !missing.contains_key(c)).copied().collect(),
            missing,
            not_configured: not_configured.keys().copied().collect(),
            kernel: None,
        }
    }
}

/// The numbers of a version, so that 4.10 comes after 4.3.
fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

fn read_toml<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, DockerError> {
    let shown = path.display().to_string();
    let text =
        fs::read_to_string(path).map_err(|source| DockerError::Read { path: shown.clone(), source })?;
    toml::from_str(&text).map_err(|source| DockerError::Manifest { path: shown, source: Box::new(source) })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::strongswan("strongswan")]
    #[case::libreswan("libreswan")]
    fn a_folder_of_docker_is_readable(#[case] name: &str) {
        let peer = PeerDir::of_this_source(name).unwrap();
        assert_eq!(peer.manifest.name, name);
        assert_eq!(peer.release(None).unwrap(), peer.manifest.default_release);
    }

    #[rstest]
    #[case::none(None, "5.9.8")]
    #[case::whole_version(Some("6.0.1"), "6.0.1")]
    #[case::beginning_of_one(Some("6"), "6.0.1")]
    #[case::beginning_of_several(Some("5.9"), "5.9.8")]
    #[case::suite(Some("trixie"), "6.0.1")]
    fn a_release_is_found_by(#[case] wanted: Option<&str>, #[case] release: &str) {
        let peer = PeerDir::strongswan().unwrap();
        assert_eq!(peer.release(wanted).unwrap(), release);
    }

    #[test]
    fn a_refused_configuration_has_its_reason_in_the_log() {
        let peer = PeerDir::of_this_source("libreswan").unwrap();
        let log = "Nov 28 11:22:18 | added\nNov 28 11:22:18 \"clients\": failed to add connection: 'des'\n";
        assert_eq!(peer.refusal(log).as_deref(), Some("failed to add connection: 'des'"));
        assert_eq!(peer.refusal("Nov 28 11:22:18 | added\n"), None);
    }

    #[test]
    fn what_cannot_be_configured_is_missing_too() {
        let profile = PeerDir::of_this_source("libreswan").unwrap().profile("4.10", "libreswan", "4.10");
        assert!(profile.not_configured.contains(&Capability::Xauth));
        assert!(profile.missing.contains_key(&Capability::Xauth));
        assert!(!profile.capabilities.contains(&Capability::Xauth));
    }

    #[test]
    fn an_unknown_release_names_the_known_ones() {
        let error = PeerDir::strongswan().unwrap().release(Some("5.9.80")).unwrap_err();
        insta::assert_snapshot!(error, @r#"peer strongswan has no release "5.9.80": expected one of 5.9.1 (bullseye), 5.9.8 (bookworm), 6.0.1 (trixie)"#);
    }
}
