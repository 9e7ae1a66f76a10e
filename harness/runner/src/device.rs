//! A device's file: where it is, what it is configured with, and how it is told to do something.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use ikev1_scenario::adapt::DevicePolicy;
use ikev1_scenario::model::{
    Capability, Identity, Pfs, Phase1Exchange, Phase1Transform, Phase2Transform, Retransmission,
};
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
    /// Our port for plain ISAKMP; 0 is any.
    #[serde(default = "isakmp_port")]
    pub local_port: u16,
    /// Our port for NAT traversal; 0 is any.
    #[serde(default = "nat_t_port")]
    pub local_nat_t_port: u16,
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
    /// The pre-shared key, as text.
    pub psk: String,
    /// The identity that the device sends.
    #[serde(default = "address")]
    pub id: Identity,
    /// The identity that it requires of us.
    #[serde(default = "address")]
    pub harness_id: Identity,
    /// The exchanges that it answers; the first is the one that it starts.
    pub exchanges: Vec<Phase1Exchange>,
    /// Phase 1 transforms, best first.
    pub phase1: Vec<Phase1Transform>,
    /// Life of its ISAKMP SAs in seconds.
    #[serde(default = "phase1_life")]
    pub phase1_lifetime_seconds: u32,
    /// Phase 2 transforms, best first.
    pub phase2: Vec<Phase2Transform>,
    /// Perfect forward secrecy.
    #[serde(default = "no_pfs")]
    pub pfs: Pfs,
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

const fn isakmp_port() -> u16 {
    500
}

const fn nat_t_port() -> u16 {
    4500
}

const fn address() -> Identity {
    Identity::Address
}

const fn phase1_life() -> u32 {
    3600
}

const fn phase2_life() -> u32 {
    1200
}

const fn no_pfs() -> Pfs {
    Pfs::None
}

/// The commands that a file may have.
const COMMANDS: &[&str] = &["initiate_phase1", "initiate_quick_mode", "state", "values", "reset"];

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
        let device: Self = toml::from_str(&text).map_err(|e| error(e.to_string()))?;
        device.check().map_err(error)?;
        Ok(device)
    }

    fn check(&self) -> Result<(), String> {
        let policy = &self.policy;
        for (key, empty) in [
            ("policy.exchanges", policy.exchanges.is_empty()),
            ("policy.phase1", policy.phase1.is_empty()),
            ("policy.phase2", policy.phase2.is_empty()),
        ] {
            if empty {
                return Err(format!("{key} is empty; expected at least one entry"));
            }
        }
        for name in self.commands.keys() {
            if !COMMANDS.contains(&name.as_str()) {
                return Err(format!("commands.{name}: expected one of {}", COMMANDS.join(", ")));
            }
        }
        Ok(())
    }

    /// What cases have to fit.
    #[must_use]
    pub fn policy(&self) -> DevicePolicy {
        let policy = self.policy.clone();
        DevicePolicy {
            psk: policy.psk,
            id: policy.id,
            harness_id: policy.harness_id,
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
        let both = [Capability::MainMode, Capability::AggressiveMode, Capability::Psk];
        capabilities.extend(both);
        capabilities.extend([Capability::Esp, Capability::Tunnel]);
        let by_command = [
            (Capability::Trigger, "initiate_phase1"),
            (Capability::Trigger, "initiate_quick_mode"),
            (Capability::State, "state"),
            (Capability::DerivedValues, "values"),
        ];
        capabilities.retain(|capability| by_command.iter().all(|(known, _)| known != capability));
        capabilities.extend(by_command.iter().map(|(capability, _)| *capability));
        for (capability, command) in by_command {
            if !self.commands.contains_key(command) {
                capabilities.remove(&capability);
                missing.insert(capability, format!("no command `{command}` in {name}"));
            }
        }
        for (capability, why) in [
            (Capability::Traffic, "traffic through the SAs of a device is not implemented"),
            (Capability::VirtualTime, "its clock is its own"),
            (Capability::RekeyIsakmp, "a device cannot be told to yet"),
            (Capability::RekeyIpsec, "a device cannot be told to yet"),
            (Capability::Delete, "a device cannot be told to yet"),
            (Capability::DpdOnDemand, "a device cannot be told to yet"),
            (Capability::NewGroupMode, "a device cannot be told to yet"),
        ] {
            missing.insert(capability, why.to_owned());
        }
        capabilities.retain(|capability| !missing.contains_key(capability));
        PeerProfile {
            name: name.to_owned(),
            version: self.version.clone(),
            capabilities,
            missing,
            ..PeerProfile::default()
        }
    }
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
