//! The probes, in the order in which they are shown.

use std::sync::Arc;

use ikev1_scenario::adapt::{DeviceCredentials, DevicePolicy};
use ikev1_scenario::case::Case;
use ikev1_scenario::expand::{default_group, expand};
use ikev1_scenario::load::LoadedScenario;
use ikev1_scenario::model::{
    Authentication, Capability, Cipher, EspCipher, Group, Hash, Integrity, Phase1Exchange, Scenario,
};
use ikev1_scenario::pki::CredentialFiles;
use ikev1_scenario::verdict::PeerProfile;
use serde_json::{Value, json};

/// What the IDs of probes begin with.
pub const PROBE: &str = "probe/";

/// How long an answer to an offer in phase 1 is waited for, in milliseconds: a few copies of it have gone out by then.
const PHASE_1_MS: u64 = 6_000;
/// The same in quick mode, which may have a large group.
const QUICK_MODE_MS: u64 = 10_000;

/// What kind of thing is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// The exchange of phase 1, and New Group mode.
    Exchange,
    /// The authentication method.
    Authentication,
    /// The encryption algorithm of phase 1.
    Phase1Cipher,
    /// The hash algorithm of phase 1.
    Hash,
    /// The Diffie-Hellman group of phase 1.
    Group,
    /// AH, ESP and IPComp, alone and together.
    Protocol,
    /// Tunnel or transport mode.
    Encapsulation,
    /// The cipher of ESP.
    EspCipher,
    /// The integrity algorithm of ESP.
    Integrity,
    /// The group of perfect forward secrecy.
    PfsGroup,
    /// What vendor IDs announce, and what hosts that dial in need.
    Extension,
}

impl Area {
    /// Its name in reports; with hyphens, in IDs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::Authentication => "authentication",
            Self::Phase1Cipher => "phase 1 cipher",
            Self::Hash => "hash",
            Self::Group => "group",
            Self::Protocol => "protocol",
            Self::Encapsulation => "encapsulation",
            Self::EspCipher => "ESP cipher",
            Self::Integrity => "integrity",
            Self::PfsGroup => "PFS group",
            Self::Extension => "extension",
        }
    }
}

/// One thing, offered alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// What kind of thing it is.
    pub area: Area,
    /// Its name.
    pub name: String,
    /// What the peer lacks when it refuses it. Several probes may be about one capability, which is lacking when all of them
    /// are refused.
    pub capability: Option<Capability>,
    /// Whether a peer that accepts it has that capability. As initiator it may have to be told what no setting of it says.
    pub whole: bool,
    /// The case that plays it.
    pub case: Case,
}

/// Why the probes cannot be made; only a mistake in this crate causes it.
#[derive(Debug, thiserror::Error)]
#[error("probe {id}: {problem}")]
pub struct ProbeError {
    id: String,
    problem: String,
}

/// All probes of a peer: each offers one thing beside what the peer is known to take, which for a device is `policy`, its own
/// configuration. `credentials` has keys and certificates of both sides.
///
/// # Errors
/// When a probe does not fit the format of scenarios.
pub fn probes(
    profile: &PeerProfile,
    policy: Option<&DevicePolicy>,
    group: Option<Group>,
    credentials: &Arc<CredentialFiles>,
) -> Result<Vec<Probe>, ProbeError> {
    let mut maker = Maker::new(profile, policy, group, credentials);
    maker.phase1()?;
    maker.phase2()?;
    maker.extensions()?;
    Ok(maker.probes)
}

pub(super) struct Maker<'a> {
    credentials: &'a Arc<CredentialFiles>,
    group: Group,
    /// The configuration that is known to be taken.
    pub(super) base: Value,
    pub(super) exchange: Phase1Exchange,
    pub(super) transform: Value,
    esp: Value,
    /// The harness' own certificates, where the device was not given the test credentials.
    own: Option<DeviceCredentials>,
    /// Whose SAs show that quick mode has ended: those of both sides, where the peer's can be listed.
    whose: &'static str,
    probes: Vec<Probe>,
}

/// The parts of a scenario in which probes differ.
pub(super) struct Parts {
    pub(super) config: Value,
    pub(super) steps: Value,
    pub(super) accept: Value,
}

impl<'a> Maker<'a> {
    fn new(
        profile: &PeerProfile,
        policy: Option<&DevicePolicy>,
        group: Option<Group>,
        credentials: &'a Arc<CredentialFiles>,
    ) -> Self {
        let mut maker = Self {
            credentials,
            group: group.unwrap_or_else(|| default_group(profile)),
            base: json!({}),
            exchange: Phase1Exchange::MainMode,
            transform: json!({ "cipher": "aes128", "hash": "sha1" }),
            esp: json!({ "cipher": "aes128", "integrity": "sha1" }),
            own: policy.and_then(|policy| policy.credentials.clone()),
            whose: if profile.capabilities.contains(&Capability::State) { "both" } else { "harness" },
            probes: Vec::new(),
        };
        if let Some(policy) = policy {
            maker.exchange = policy.exchanges.first().copied().unwrap_or(Phase1Exchange::MainMode);
            if let Some(transform) = policy.phase1.first() {
                maker.transform = json!(transform);
            }
            if let Some(transform) = policy.phase2.first() {
                maker.esp = json!(transform);
            }
            maker.base = json!({
                "common": {
                    "psk": policy.psk,
                    "exchange": maker.exchange,
                    "phase1": {
                        "transforms": [maker.transform],
                        "lifetime_seconds": policy.phase1_lifetime_seconds,
                    },
                    "phase2": {
                        "transforms": [maker.esp],
                        "pfs": policy.pfs.map_or("none", Group::name),
                        "lifetime_seconds": policy.phase2_lifetime_seconds,
                    },
                },
                "harness": { "id": policy.harness_id, "phase2": { "client": policy.harness_client } },
                "peer": { "id": policy.id, "phase2": { "client": policy.client } },
            });
            if policy.psk.is_empty() {
                maker.base["common"]["psk"] = Value::String("the device has none".to_owned());
            }
        }
        maker
    }

    pub(super) fn add(&mut self, area: Area, name: &str, parts: Parts) -> Result<&mut Probe, ProbeError> {
        let id = format!("{PROBE}{}/{name}", area.name().replace(' ', "-").to_lowercase());
        let mut config = self.base.clone();
        merge(&mut config, &parts.config);
        let scenario = json!({
            "version": 1,
            "description": format!("Offers {name} alone ({}).", area.name()),
            "requirements": [],
            "level": "may",
            "roles": ["initiator"],
            "config": config,
            "checks": { "values": false },
            "steps": parts.steps,
            "accept": [{ "because": "the peer takes it", "all": parts.accept }],
        });
        let problem = |problem: String| ProbeError { id: id.clone(), problem };
        let scenario: Scenario =
            serde_json::from_value(scenario).map_err(|error| problem(error.to_string()))?;
        let credentials = Arc::clone(self.credentials);
        let loaded = LoadedScenario { id: id.clone(), path: "probe".into(), scenario, credentials };
        let expanded = expand(&loaded, self.group).into_iter().next();
        let mut case = expanded.ok_or_else(|| problem("it has no case".to_owned()))?;
        if let Some(own) = &self.own {
            own.put(&mut case.config.harness);
        }
        // What the peer can do is the question.
        case.needs.clear();
        let index = self.probes.len();
        self.probes.push(Probe { area, name: name.to_owned(), capability: None, whole: true, case });
        self.probes.get_mut(index).ok_or_else(|| problem("it is lost".to_owned()))
    }

    /// Phase 1 with something else in place of what is known to be taken.
    fn phase1_with(&mut self, area: Area, name: &str, config: Value) -> Result<&mut Probe, ProbeError> {
        let (steps, accept) = (phase1_steps(), json!([isakmp_sa()]));
        self.add(area, name, Parts { config, steps, accept })
    }

    /// One member of the phase 1 transform changed.
    fn transform_with(&mut self, area: Area, member: &str, name: &str) -> Result<(), ProbeError> {
        let mut transform = self.transform.clone();
        merge(&mut transform, &json!({ member: name }));
        let mut config = json!({ "common": { "phase1": { "transforms": [transform] } } });
        if area == Area::Authentication && name != Authentication::Psk.name() {
            // pluto does not ask for a certificate that it then wants.
            merge(&mut config, &json!({ "common": { "pki": { "send_certificate": "always" } } }));
            merge(&mut config, &certified_identities());
        }
        self.phase1_with(area, name, config)?.capability = Capability::from_name(name);
        Ok(())
    }

    fn phase1(&mut self) -> Result<(), ProbeError> {
        for exchange in Phase1Exchange::ALL {
            let name = exchange.name();
            let config = json!({ "common": { "exchange": name } });
            // The message number of the answer is that of the exchange that is configured.
            self.phase1_with(Area::Exchange, name, config)?.capability = Capability::from_name(name);
        }
        self.new_group_mode()?;
        for method in Authentication::ALL {
            self.transform_with(Area::Authentication, "authentication", method.name())?;
        }
        for cipher in Cipher::ALL {
            self.transform_with(Area::Phase1Cipher, "cipher", cipher.name())?;
        }
        let mut transform = self.transform.clone();
        merge(&mut transform, &json!({ "cipher": "blowfish448" }));
        let phase1 = json!({ "transforms": [transform], "omit_default_key_length": true });
        let config = json!({ "common": { "phase1": phase1 } });
        let probe = self.phase1_with(Area::Phase1Cipher, "blowfish-default-key-length", config)?;
        (probe.capability, probe.whole) = (Some(Capability::DefaultKeyLength), false);
        for hash in Hash::ALL {
            self.transform_with(Area::Hash, "hash", hash.name())?;
        }
        for group in Group::ALL.iter().filter(|group| **group != Group::Private) {
            self.transform_with(Area::Group, "group", group.name())?;
        }
        let mut transform = self.transform.clone();
        merge(&mut transform, &json!({ "group": "private" }));
        let config = json!({ "common": { "phase1": { "transforms": [transform] } } });
        self.phase1_with(Area::Group, "private-group", config)?.capability = Some(Capability::PrivateGroup);
        Ok(())
    }

    fn new_group_mode(&mut self) -> Result<(), ProbeError> {
        let message = json!({ "exchange": "new-group-mode", "number": 2 });
        let mut steps = phase1_steps();
        push(&mut steps, json!({ "new_group": { "by": "harness" } }));
        push(&mut steps, json!({ "expect": { "message": message, "on_failure": "inconclusive" } }));
        let sa = json!([{ "field": "sa", "check": "present" }]);
        let accept = json!([{ "message": { "message": message, "assert": sa } }]);
        let parts = Parts { config: json!({}), steps, accept };
        let probe = self.add(Area::Exchange, "new-group-mode", parts)?;
        (probe.capability, probe.whole) = (Some(Capability::NewGroupMode), false);
        Ok(())
    }

    /// Quick mode with something else in place of what is known to be taken.
    fn quick_mode_with(&mut self, area: Area, name: &str, config: Value) -> Result<&mut Probe, ProbeError> {
        let (steps, accept) = (self.quick_mode_steps(), json!([self.ipsec_sa()]));
        self.add(area, name, Parts { config, steps, accept })
    }

    pub(super) fn quick_mode_steps(&self) -> Value {
        json!([
            { "start": { "exchange": "both" } },
            { "conclude": { "sa": "ipsec", "within_ms": QUICK_MODE_MS } },
            { "expect_state": {
                "of": self.whose, "ipsec_sas": { "at_least": 1 }, "on_failure": "inconclusive",
            } },
        ])
    }

    pub(super) fn ipsec_sa(&self) -> Value {
        json!({ "established": { "of": self.whose, "ipsec_sas": { "at_least": 1 } } })
    }

    fn phase2(&mut self) -> Result<(), ProbeError> {
        let of_phase2 = |phase2: Value| json!({ "common": { "phase2": phase2 } });
        let esp = self.esp.clone();
        // AH takes the integrity algorithm of the ESP that is known to be taken.
        let ah = json!({ "integrity": esp.get("integrity").cloned().unwrap_or_else(|| json!("sha1")) });
        let bundled = |protocol: &str, transform: &Value| {
            of_phase2(json!({ "bundle": [{ "protocol": protocol, "transforms": [transform] }] }))
        };
        for (name, capability, config) in [
            ("esp", Capability::Esp, json!({})),
            ("ah", Capability::Ah, of_phase2(json!({ "protocol": "ah", "transforms": [ah] }))),
            ("ah-with-esp", Capability::Bundles, bundled("ah", &ah)),
            ("esp-with-ipcomp", Capability::Ipcomp, bundled("ipcomp", &json!({}))),
        ] {
            self.quick_mode_with(Area::Protocol, name, config)?.capability = Some(capability);
        }
        for (name, capability) in [("tunnel", Capability::Tunnel), ("transport", Capability::Transport)] {
            let config = of_phase2(json!({ "encapsulation": name }));
            self.quick_mode_with(Area::Encapsulation, name, config)?.capability = Some(capability);
        }
        let with = |transform: Value| {
            let mut changed = esp.clone();
            merge(&mut changed, &transform);
            of_phase2(json!({ "transforms": [changed] }))
        };
        for cipher in EspCipher::ALL.iter().map(|cipher| cipher.name()) {
            let config = with(json!({ "cipher": cipher }));
            let capability = Capability::from_name(&format!("esp-{cipher}"));
            self.quick_mode_with(Area::EspCipher, cipher, config)?.capability = capability;
        }
        for integrity in Integrity::ALL.iter().map(|integrity| integrity.name()) {
            let config = with(json!({ "integrity": integrity }));
            let hmac = Capability::from_name(&format!("hmac-{integrity}"));
            let capability = hmac.or_else(|| Capability::from_name(&format!("{integrity}-mac")));
            self.quick_mode_with(Area::Integrity, integrity, config)?.capability = capability;
        }
        let mut unauthenticated = esp.clone();
        if let Some(transform) = unauthenticated.as_object_mut() {
            transform.remove("integrity");
        }
        let config = of_phase2(json!({ "transforms": [unauthenticated] }));
        let probe = self.quick_mode_with(Area::Integrity, "without-authentication", config)?;
        probe.capability = Some(Capability::EspWithoutAuthentication);
        let config = with(json!({ "extended_sequence_numbers": true }));
        let probe = self.quick_mode_with(Area::Integrity, "extended-sequence-numbers", config)?;
        probe.capability = Some(Capability::ExtendedSequenceNumbers);
        for group in Group::ALL.iter().filter(|group| **group != Group::Private) {
            let config = of_phase2(json!({ "pfs": group.name() }));
            self.quick_mode_with(Area::PfsGroup, group.name(), config)?.capability = match group {
                Group::Ecp256 | Group::Ecp384 | Group::Ecp521 => Some(Capability::EcpPfs),
                // Its other groups may be for phase 1 only, which no capability says.
                _ => Some(Capability::Pfs),
            };
        }
        Ok(())
    }
}

pub(super) fn phase1_steps() -> Value {
    json!([
        { "start": { "exchange": "phase-1" } },
        { "conclude": { "sa": "isakmp", "within_ms": PHASE_1_MS } },
    ])
}

/// Both sides go by the names in their certificates, whatever a device goes by otherwise.
pub(super) fn certified_identities() -> Value {
    json!({ "harness": { "id": null }, "peer": { "id": null } })
}

pub(super) fn isakmp_sa() -> Value {
    json!({ "established": { "of": "harness", "isakmp_sas": { "at_least": 1 } } })
}

pub(super) fn push(steps: &mut Value, step: Value) {
    if let Value::Array(steps) = steps {
        steps.push(step);
    }
}

/// Sets what `patch` sets, member by member.
pub(super) fn merge(value: &mut Value, patch: &Value) {
    match (value, patch) {
        (Value::Object(members), Value::Object(patches)) => {
            for (key, patch) in patches {
                merge(members.entry(key.clone()).or_insert(Value::Null), patch);
            }
        }
        (value, patch) => *value = patch.clone(),
    }
}
