//! What a peer's directory under `docker/` says about it: `peer.toml`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    num::NonZeroU16,
    path::{Path, PathBuf},
};

use ikev1_scenario::{model::Capability, verdict::PeerProfile};
use serde::Deserialize;

use super::error::DockerError;
use crate::target::loopback::NOT_OF_DAEMONS;

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
    #[serde(default)]
    pub missing: BTreeMap<Capability, String>,
    /// What the harness cannot configure at the daemon, and why, so that nobody knows whether the daemon can do it. It is
    /// missing too.
    #[serde(default)]
    pub not_configured: BTreeMap<Capability, String>,
    /// Where it can do little: all that it can.
    pub only: Option<Only>,
    /// The scenario that is its sanity case, by its ID, where an ordinary handshake is beyond it.
    pub sanity: Option<String>,
    /// Folders beside the peer's own whose files go into its image too.
    #[serde(default)]
    pub shared: Vec<String>,
}

/// All that a peer can do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Only {
    /// It can do these.
    pub capabilities: BTreeSet<Capability>,
    /// Why it cannot do the others, where `missing` does not say.
    pub otherwise: String,
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

/// Parts of lines by which the C library and sanitizers say, of any daemon, that they end it.
pub const DEATHS: &[&str] = &[
    "*** stack smashing detected ***",
    "*** buffer overflow detected ***",
    "double free or corruption",
    "malloc(): ",
    "free(): ",
    "corrupted size vs. prev_size",
    "munmap_chunk(): ",
    "ERROR: AddressSanitizer",
    "WARNING: MemorySanitizer",
];

/// Parts of lines of sanitizers that let a daemon go on.
pub const ALARMS: &[&str] = &["runtime error: ", "WARNING: ThreadSanitizer", "ERROR: LeakSanitizer"];

/// Most alarms of one case that are recorded: a daemon may repeat itself without end.
const ALARMS_MAX: usize = 8;

/// What a peer's container needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContainerNeeds {
    /// Memory file systems: options by mount point.
    #[serde(default)]
    pub tmpfs: BTreeMap<String, String>,
    /// Seconds until the daemon takes commands.
    pub ready_seconds: Option<u64>,
    /// Cases that are at work at the same time unless the command line says otherwise.
    pub jobs: Option<u16>,
    /// As many containers at most, where they are to be more than the cases at work: while a case only waits, another has its
    /// turn. With one job there is one.
    pub containers: Option<u16>,
    /// How many containers may start, load a configuration or be reset at the same time, where that takes a processor; all of
    /// them unless the manifest says otherwise. For peers with a control shell; a VICI daemon is never that busy.
    pub busy: Option<NonZeroU16>,
    /// Parts of lines of the daemon's log that say that it died of a fault of its own, beside those of [`DEATHS`].
    #[serde(default)]
    pub deaths: Vec<String>,
    /// Parts of lines of the daemon's log that tell of a fault of its own which it survived, beside those of [`ALARMS`].
    #[serde(default)]
    pub alarms: Vec<String>,
    /// Parts of lines of the daemon's log that say why it did not take a configuration, from where they are of use.
    #[serde(default)]
    pub refusals: Vec<String>,
    /// The daemon's IPsec SAs are in a kernel, so the entrypoint reads `KERNEL` (`auto`, `host` or `uml`).
    #[serde(default)]
    pub kernel: bool,
    /// Its ESP may come outside UDP, as IP protocol 50: from a kernel, or from a raw socket of its own.
    #[serde(default)]
    pub raw_esp: bool,
}

/// The exit code of a `reset` that has done all it can and found something left.
pub const LEFT: i32 = 3;

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
    /// Ends every SA, exchange and connection. With the exit code [`LEFT`] it says that something is left of them, or that
    /// a core file is there, and prints what.
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
        let mut lines = lines_with(log, DEATHS, &self.manifest.container.deaths);
        lines.next().map(|(line, _)| line.to_owned())
    }

    /// The lines of a log that tell of faults which the daemon survived, each once: what is in front of the words that tell of
    /// one, such as the time, makes no difference.
    #[must_use]
    pub fn alarms(&self, log: &str) -> Vec<String> {
        let (mut told, mut alarms) = (Vec::new(), Vec::new());
        for (line, at) in lines_with(log, ALARMS, &self.manifest.container.alarms) {
            let what = line.get(at..).unwrap_or(line);
            if alarms.len() < ALARMS_MAX && !told.contains(&what) {
                told.push(what);
                alarms.push(line.to_owned());
            }
        }
        alarms
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
        if let Some(Only { capabilities, otherwise }) = &self.manifest.only {
            for capability in Capability::ALL.iter().filter(|capability| !capabilities.contains(capability)) {
                missing.entry(*capability).or_insert_with(|| otherwise.clone());
            }
        } else {
            for (capability, why) in NOT_OF_DAEMONS {
                missing.entry(capability).or_insert_with(|| why.to_owned());
            }
        }
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

/// The lines of a log with any of the parts, and where the part begins.
fn lines_with<'a>(
    log: &'a str,
    parts: &'a [&str],
    more: &'a [String],
) -> impl Iterator<Item = (&'a str, usize)> {
    let parts = move || parts.iter().copied().chain(more.iter().map(String::as_str));
    log.lines().filter_map(move |line| Some((line, parts().find_map(|part| line.find(part))?)))
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
    #[case::vpnc("vpnc")]
    #[case::ike_scan("ike-scan")]
    #[case::openiked("openiked")]
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

    #[rstest]
    #[case::a_daemon("strongswan", &[Capability::Ikev1, Capability::Responder], &[Capability::RefusesIkev1])]
    #[case::a_client("vpnc", &[Capability::Ikev1, Capability::Xauth], &[Capability::Responder, Capability::RefusesIkev1])]
    #[case::first_messages("ike-scan", &[Capability::FirstMessages, Capability::Trigger], &[Capability::Ikev1])]
    #[case::no_ikev1("openiked", &[Capability::RefusesIkev1, Capability::State], &[Capability::Ikev1, Capability::Psk])]
    fn a_peer_can_do_what_its_manifest_says(
        #[case] name: &str,
        #[case] can: &[Capability],
        #[case] cannot: &[Capability],
    ) {
        let peer = PeerDir::of_this_source(name).unwrap();
        let profile = peer.profile(peer.release(None).unwrap(), name, "1");
        assert!(can.iter().all(|capability| profile.capabilities.contains(capability)), "{profile:?}");
        assert!(cannot.iter().all(|capability| profile.missing.contains_key(capability)), "{profile:?}");
        assert!(profile.missing.keys().all(|capability| !profile.capabilities.contains(capability)));
    }

    #[rstest]
    #[case::pluto_fails_an_assertion("libreswan", "FATAL: ASSERTION FAILED: st != NULL (in f() at a.c:1)")]
    #[case::pluto_ends_by_a_signal("libreswan", "serve: pluto ended with exit code 134")]
    #[case::charon_catches_a_signal("strongswan", "00[DMN] killing ourself, received critical signal")]
    #[case::charon_ends_by_a_signal("strongswan", "entrypoint: charon ended with exit code 134")]
    #[case::heap_of_any_daemon("strongswan", "double free or corruption (fasttop)")]
    #[case::sanitizer_of_any_daemon(
        "libreswan",
        "==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x1"
    )]
    fn a_line_of_the_log_tells_of_a_death(#[case] peer: &str, #[case] line: &str) {
        let peer = PeerDir::of_this_source(peer).unwrap();
        assert_eq!(peer.death(&format!("before\n{line}\nafter\n")).as_deref(), Some(line));
        assert_eq!(peer.alarms(line), Vec::<String>::new());
    }

    #[rstest]
    #[case::killed("libreswan", "serve: pluto ended with exit code 137")]
    #[case::told_to_end("strongswan", "entrypoint: charon ended with exit code 143")]
    #[case::good_memory("strongswan", "12[CFG] vici client 1 registered for: list-sa")]
    fn a_line_of_the_log_tells_of_no_fault(#[case] peer: &str, #[case] line: &str) {
        let peer = PeerDir::of_this_source(peer).unwrap();
        assert_eq!((peer.death(line), peer.alarms(line)), (None, Vec::new()));
    }

    #[rstest]
    #[case::pluto_fails_an_expectation(
        "libreswan",
        "\"clients\" #1: EXPECTATION FAILED: md != NULL (in f() at a.c:1)"
    )]
    #[case::undefined_behaviour("strongswan", "a.c:3:5: runtime error: signed integer overflow")]
    fn an_alarm_is_told_once(#[case] peer: &str, #[case] line: &str) {
        let peer = PeerDir::of_this_source(peer).unwrap();
        let log = format!("{line}\nbetween\n12:09:27 {line}\n");
        assert_eq!((peer.death(&log), peer.alarms(&log)), (None, vec![line.to_owned()]));
    }

    #[test]
    fn a_daemon_that_repeats_itself_fills_no_report() {
        let log: String = (0..1000).map(|n| format!("EXPECTATION FAILED: #{n}\n")).collect();
        assert_eq!(PeerDir::of_this_source("libreswan").unwrap().alarms(&log).len(), ALARMS_MAX);
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
        assert!(profile.not_configured.contains(&Capability::RawPublicKeys));
        assert!(profile.missing.contains_key(&Capability::RawPublicKeys));
        assert!(!profile.capabilities.contains(&Capability::RawPublicKeys));
    }

    #[test]
    fn an_unknown_release_names_the_known_ones() {
        let error = PeerDir::strongswan().unwrap().release(Some("5.9.80")).unwrap_err();
        insta::assert_snapshot!(error, @r#"peer strongswan has no release "5.9.80": expected one of 5.9.1 (bullseye), 5.9.8 (bookworm), 6.0.1 (trixie)"#);
    }
}
