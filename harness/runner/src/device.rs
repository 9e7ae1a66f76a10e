//! A device's file: where it is, what it is configured with, and how it is told to do something.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use ikev1::crypto::PrivateKey;
use ikev1::pki::Certificate;
use ikev1_scenario::adapt::{DeviceCredentials, DevicePolicy};
use ikev1_scenario::case::{Case, ResolvedTransform};
use ikev1_scenario::model::{
    Authentication, Capability, Group, Identity, Phase1Exchange, Phase2Transform, Retransmission, SaKind,
    Side, StartExchange, Step, Which, Whose,
};
use ikev1_scenario::pki::{PemFile, default_identity};
use ikev1_scenario::verdict::PeerProfile;
use serde::Deserialize;

/// A device, as its file says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Its name, for people.
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// Its address; nothing is sent anywhere else.
    pub address: Ipv4Addr,
    /// Its port for plain ISAKMP.
    #[serde(default = "isakmp_port")]
    pub port: u16,
    /// Its port for NAT traversal.
    #[serde(default = "nat_t_port")]
    pub nat_t_port: u16,
    /// Our address.
    pub local_address: Ipv4Addr,
    /// Our port for plain ISAKMP; 0 is any. Without it 500 where the device can be told to initiate, else any.
    pub local_port: Option<u16>,
    /// Our port for NAT traversal; 0 is any. Without it 4500 where the device can be told to initiate, else any.
    pub local_nat_t_port: Option<u16>,
    /// What it is configured with.
    pub policy: Policy,
    /// What it can do besides its policy.
    #[serde(default)]
    pub capabilities: BTreeSet<Capability>,
    /// What it cannot do, and how that is known.
    #[serde(default)]
    pub missing: BTreeMap<Capability, String>,
    /// Commands for `sh -c` on this machine, by what they make the device do.
    #[serde(default)]
    pub commands: BTreeMap<String, String>,
}

/// The configuration of a device.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The pre-shared key, as text, where a transform of phase 1 is authenticated by it.
    #[serde(default)]
    pub psk: String,
    /// Our key and certificates and the device's authorities, where it was not given `peer-<method>.pem` and
    /// `authority-root.pem` of the scenarios' `credentials`.
    pub credentials: Option<Credentials>,
    /// The identity that the device sends. Without it its address, with the test credentials `peer.example.org`.
    pub id: Option<Identity>,
    /// The identity that it requires of us. Without it our address, with the test credentials `harness.example.org`.
    pub harness_id: Option<Identity>,
    /// The exchanges that it answers; the first is the one that it starts.
    pub exchanges: Vec<Phase1Exchange>,
    /// Phase 1 transforms, best first.
    pub phase1: Vec<ResolvedTransform>,
    /// Life of its ISAKMP SAs in seconds.
    #[serde(default = "phase1_life")]
    pub phase1_lifetime_seconds: u32,
    /// Phase 2 transforms, best first.
    pub phase2: Vec<Phase2Transform>,
    /// The group of its perfect forward secrecy, if it has any.
    pub pfs: Option<Group>,
    /// Life of its IPsec SAs in seconds.
    #[serde(default = "phase2_life")]
    pub phase2_lifetime_seconds: u32,
    /// The network behind it.
    pub client: String,
    /// The network behind us.
    pub harness_client: String,
    /// When it retransmits.
    #[serde(default)]
    pub retransmission: Option<Retransmission>,
}

impl Policy {
    /// Whether a transform has such an authentication method.
    fn takes(&self, such: impl Fn(Authentication) -> bool) -> bool {
        self.phase1.iter().any(|transform| such(transform.authentication))
    }

    fn identity(&self, said: Option<&Identity>, side: Side) -> Identity {
        let signs = self.phase1.first().is_some_and(|best| best.authentication != Authentication::Psk);
        said.cloned().unwrap_or_else(|| if signs { default_identity(side) } else { Identity::Address })
    }
}

/// Files in PEM form; a relative path is one from the folder of the device's file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Our private key and certificates, ours first.
    pub harness: PathBuf,
    /// The authorities that the device's certificate leads to.
    pub authorities: Vec<PathBuf>,
    /// What the files hold.
    #[serde(skip)]
    read: Option<DeviceCredentials>,
}

impl Credentials {
    /// Reads the files.
    fn read(&mut self, folder: &Path) -> Result<(), String> {
        let read = |key: &str, path: &Path| -> Result<PemFile, String> {
            let path = folder.join(path);
            let problem =
                |problem: String| format!("policy.credentials.{key}: {}: {problem}", path.display());
            let pem = fs::read_to_string(&path).map_err(|error| problem(error.to_string()))?;
            match Certificate::bundle_from_pem(&pem) {
                Ok(certificates) if !certificates.is_empty() => {}
                Ok(_) => return Err(problem("it has no certificate".to_owned())),
                Err(error) => return Err(problem(error.to_string())),
            }
            if key == "harness" {
                PrivateKey::from_pem(&pem).map_err(|error| problem(error.to_string()))?;
            }
            Ok(PemFile { name: path.with_extension("").display().to_string(), pem })
        };
        if self.authorities.is_empty() {
            return Err(
                "policy.credentials.authorities is empty; name the certificate of the device's authority"
                    .into(),
            );
        }
        let harness = read("harness", &self.harness)?;
        let authorities =
            self.authorities.iter().map(|path| read("authorities", path)).collect::<Result<_, _>>()?;
        self.read = Some(DeviceCredentials { harness, authorities });
        Ok(())
    }
}

const fn isakmp_port() -> u16 {
    500
}

const fn nat_t_port() -> u16 {
    4500
}

const fn phase1_life() -> u32 {
    3600
}

const fn phase2_life() -> u32 {
    1200
}

/// The commands that a file may have.
const COMMANDS: &[&str] = &[
    "initiate_phase1",
    "initiate_quick_mode",
    "rekey_isakmp",
    "rekey_ipsec",
    "delete_isakmp",
    "delete_ipsec",
    "probe",
    "state",
    "values",
    "reset",
];

/// What only a command can do or show; one of several is enough to have the capability.
const BY_COMMAND: &[(Capability, &[&str])] = &[
    (Capability::Trigger, &["initiate_phase1", "initiate_quick_mode"]),
    (Capability::RekeyIsakmp, &["rekey_isakmp"]),
    (Capability::RekeyIpsec, &["rekey_ipsec"]),
    (Capability::Delete, &["delete_isakmp", "delete_ipsec"]),
    (Capability::DpdOnDemand, &["probe"]),
    (Capability::State, &["state"]),
    (Capability::DerivedValues, &["values"]),
];

/// A device's file is no good.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct DeviceError {
    file: String,
    problem: String,
}

impl Device {
    /// Reads a device's file.
    ///
    /// # Errors
    /// Names the file, the place in it, and what is wrong.
    pub fn load(file: &Path) -> Result<Self, DeviceError> {
        let error = |problem: String| DeviceError { file: file.display().to_string(), problem };
        let text = fs::read_to_string(file).map_err(|e| error(e.to_string()))?;
        // The message of the parser has the line, the column and the line's text.
        let mut device: Self = toml::from_str(&text).map_err(|e| error(e.to_string()))?;
        device.check().map_err(error)?;
        if let Some(credentials) = &mut device.policy.credentials {
            credentials.read(file.parent().unwrap_or_else(|| Path::new(""))).map_err(error)?;
        }
        Ok(device)
    }

    fn check(&self) -> Result<(), String> {
        let policy = &self.policy;
        for (key, empty) in [
            ("policy.psk", policy.psk.is_empty() && policy.takes(|method| method == Authentication::Psk)),
            ("policy.exchanges", policy.exchanges.is_empty()),
            ("policy.phase1", policy.phase1.is_empty()),
            ("policy.phase2", policy.phase2.is_empty()),
        ] {
            if empty {
                return Err(format!("{key} is empty; say what the device has"));
            }
        }
        for (index, transform) in policy.phase1.iter().enumerate() {
            if transform.authentication.encrypts() {
                let got = transform.authentication;
                return Err(format!(
                    "policy.phase1[{index}].authentication: `{got}`; `psk` and signatures can be had with a device, public \
                     key encryption cannot"
                ));
            }
        }
        let signs = policy.takes(|method| method != Authentication::Psk);
        if policy.credentials.is_some() && !signs {
            return Err("policy.credentials: no transform of `policy.phase1` is authenticated by signatures; take it \
                        out, or say `authentication = \"rsa-signature\"`"
                .to_owned());
        }
        if policy.credentials.is_some() && (policy.id.is_none() || policy.harness_id.is_none()) {
            return Err(
                "policy.credentials: say whom they name, in `policy.id` and `policy.harness_id`".to_owned()
            );
        }
        let groups = policy.phase1.iter().map(|transform| transform.group).chain(policy.pfs);
        if groups.into_iter().any(|group| group == Group::Private) {
            return Err("policy: the group `private` cannot be had with a device; leave it out".to_owned());
        }
        for (key, network) in
            [("policy.client", &policy.client), ("policy.harness_client", &policy.harness_client)]
        {
            if !is_network(network) {
                return Err(format!("{key}: `{network}`; write an IPv4 network such as `10.12.0.0/24`"));
            }
        }
        for name in self.commands.keys() {
            if !COMMANDS.contains(&name.as_str()) {
                return Err(format!("commands.{name}: expected one of {}", COMMANDS.join(", ")));
            }
        }
        if let Some(both) = self.missing.keys().find(|capability| self.capabilities.contains(capability)) {
            return Err(format!("missing.{both}: `capabilities` has it too; take it out of one of them"));
        }
        let by_command = |capability: &&Capability| BY_COMMAND.iter().any(|(known, _)| known == *capability);
        if let Some(capability) = self.capabilities.iter().find(by_command) {
            return Err(format!(
                "capabilities: `{capability}` comes with its command in `[commands]`; take it out"
            ));
        }
        Ok(())
    }

    /// Our ports, for plain ISAKMP and for NAT traversal.
    #[must_use]
    pub fn local_ports(&self) -> (u16, u16) {
        let initiates = self.commands.keys().any(|name| name.starts_with("initiate"));
        let or = |port: Option<u16>, usual| port.unwrap_or(if initiates { usual } else { 0 });
        (or(self.local_port, isakmp_port()), or(self.local_nat_t_port, nat_t_port()))
    }

    /// Whether the device, whose file has this name, can be told what the case wants it to do.
    ///
    /// # Errors
    /// Names what is missing.
    pub fn can_be_told(&self, case: &Case, name: &str) -> Result<(), String> {
        let has = |command: &str| match self.commands.contains_key(command) {
            true => Ok(()),
            false => Err(format!("no command `{command}` in {name}")),
        };
        for step in &case.steps {
            match step {
                Step::Start(start) if start.by.unwrap_or(case.initiator()) == Side::Peer => {
                    has(match start.exchange {
                        StartExchange::Phase1 => "initiate_phase1",
                        _ => "initiate_quick_mode",
                    })?;
                    // It could go on with an SA of an earlier case.
                    has("reset")?;
                }
                Step::Rekey(on) if on.by == Side::Peer => {
                    has(of_sa(on.sa, "rekey_isakmp", "rekey_ipsec"))?;
                    has_state_for(on.which, has)?;
                }
                Step::Delete(on) if on.by == Side::Peer => {
                    has(of_sa(on.sa, "delete_isakmp", "delete_ipsec"))?;
                    has_state_for(on.which, has)?;
                }
                Step::Probe(probe) if probe.by == Side::Peer => has("probe")?,
                Step::ExpectState(state) if state.of != Whose::Harness => has("state")?,
                _ => {}
            }
        }
        Ok(())
    }

    /// What cases have to fit.
    #[must_use]
    pub fn policy(&self) -> DevicePolicy {
        let policy = self.policy.clone();
        DevicePolicy {
            id: policy.identity(policy.id.as_ref(), Side::Peer),
            harness_id: policy.identity(policy.harness_id.as_ref(), Side::Harness),
            psk: policy.psk,
            credentials: policy.credentials.and_then(|credentials| credentials.read),
            exchanges: policy.exchanges,
            phase1: policy.phase1,
            phase1_lifetime_seconds: policy.phase1_lifetime_seconds,
            phase2: policy.phase2,
            pfs: policy.pfs,
            phase2_lifetime_seconds: policy.phase2_lifetime_seconds,
            client: policy.client,
            harness_client: policy.harness_client,
            dpd: self.capabilities.contains(&Capability::Dpd),
            retransmission: policy.retransmission,
        }
    }

    /// What is known of the device that is called `name` on the command line. What only a command shows is missing without it.
    #[must_use]
    pub fn profile(&self, name: &str) -> PeerProfile {
        let mut capabilities = self.capabilities.clone();
        let mut missing = self.missing.clone();
        capabilities.extend(self.policy().capabilities());
        for (capability, commands) in BY_COMMAND {
            if commands.iter().any(|command| self.commands.contains_key(*command)) {
                capabilities.insert(*capability);
            } else {
                let names: Vec<_> = commands.iter().map(|command| format!("`{command}`")).collect();
                missing
                    .entry(*capability)
                    .or_insert_with(|| format!("no command {} in {name}", names.join(" or ")));
            }
        }
        for (capability, why) in [
            (Capability::Traffic, "traffic through the SAs of a device is not implemented"),
            (Capability::VirtualTime, "its clock is its own"),
            (Capability::NewGroupMode, "a device cannot be told to start it"),
        ] {
            missing.insert(capability, why.to_owned());
        }
        capabilities.retain(|capability| !missing.contains_key(capability));
        PeerProfile {
            name: name.to_owned(),
            version: format!("{} {}", self.name, self.version).trim_end().to_owned(),
            capabilities,
            missing,
            ..PeerProfile::default()
        }
    }
}

const fn of_sa(sa: SaKind, isakmp: &'static str, ipsec: &'static str) -> &'static str {
    match sa {
        SaKind::Isakmp => isakmp,
        SaKind::Ipsec => ipsec,
    }
}

/// The newest SA is what a command without further ado is about; for another one the device has to list them.
fn has_state_for(which: Which, has: impl Fn(&str) -> Result<(), String>) -> Result<(), String> {
    match which {
        Which::Newest => Ok(()),
        Which::Oldest => has("state"),
    }
}

fn is_network(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, length)| {
        address.parse::<Ipv4Addr>().is_ok() && length.parse::<u8>().is_ok_and(|length| length <= 32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_read_and_a_command_that_it_lacks_is_named() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/device.toml");
        let device = Device::load(&file).unwrap();
        assert_eq!((device.port, device.nat_t_port), (500, 4500));
        let profile = device.profile("device.toml");
        assert!(!profile.capabilities.contains(&Capability::State));
        assert_eq!(profile.missing[&Capability::State], "no command `state` in device.toml");
    }

    #[test]
    fn an_unknown_command_is_an_error_that_lists_the_known_ones() {
        let text = include_str!("../examples/device.toml");
        let mut device: Device = toml::from_str(text).unwrap();
        device.commands.insert("dance".to_owned(), "true".to_owned());
        assert!(device.check().unwrap_err().starts_with("commands.dance: expected one of initiate_phase1"));
    }
}
