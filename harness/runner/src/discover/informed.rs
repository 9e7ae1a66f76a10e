//! A peer whose profile has been completed by probes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ikev1_report::discovery::{DiscoveryResult, ProbeResult};
use ikev1_scenario::adapt::DevicePolicy;
use ikev1_scenario::case::Case;
use ikev1_scenario::judge::Sight;
use ikev1_scenario::model::{Capability, Group};
use ikev1_scenario::verdict::PeerProfile;

use crate::execute::CaseArtefacts;
use crate::run::{CaseRunner, SanityError};

/// The profile with what probes have found: a capability is lacking where every probe of it was refused, or cannot be
/// configured. What the profile said to be missing stays so, with what was found behind it; what was found in a device without
/// being named in its file is added.
pub fn informed(profile: &PeerProfile, found: &DiscoveryResult) -> PeerProfile {
    let mut by_capability: BTreeMap<Capability, Vec<&ProbeResult>> = BTreeMap::new();
    for probe in &found.probes {
        let capabilities = probe.capabilities.iter().filter_map(|name| Capability::from_name(name));
        capabilities.for_each(|capability| by_capability.entry(capability).or_default().push(probe));
    }
    let mut profile = profile.clone();
    for (capability, probes) in by_capability {
        let lacking = |probe: &&ProbeResult| matches!(probe.sight, Sight::Refused | Sight::NotConfigurable);
        let said = profile.missing.get(&capability).cloned();
        if let Some(first) = probes.first().filter(|_| probes.iter().all(lacking)) {
            let found = reason(&found.peer, first);
            profile.capabilities.remove(&capability);
            profile.missing.insert(capability, said.map_or(found.clone(), |said| format!("{said}; {found}")));
        } else if said.is_none() && probes.iter().any(|probe| probe.sight == Sight::Accepted) {
            profile.capabilities.insert(capability);
        }
    }
    profile
}

/// Why it lacks a capability, with the packet that shows it.
fn reason(peer: &str, probe: &ProbeResult) -> String {
    let ProbeResult { id, area, name, evidence, packet, .. } = probe;
    match packet {
        Some(packet) => {
            format!(
                "offered {name} alone ({area}): {evidence}, packet {packet} of {peer}/{id}/initiator/capture.pcap"
            )
        }
        None => format!("{name} ({area}): {evidence}; see {peer}/{id}/initiator"),
    }
}

/// A peer with another profile than it was opened with.
#[derive(Debug)]
pub struct InformedRunner {
    peer: Arc<dyn CaseRunner>,
    profile: PeerProfile,
}

impl InformedRunner {
    /// The peer with this profile.
    pub fn new(peer: Arc<dyn CaseRunner>, profile: PeerProfile) -> Self {
        Self { peer, profile }
    }
}

impl CaseRunner for InformedRunner {
    fn profile(&self) -> &PeerProfile {
        &self.profile
    }

    fn policy(&self) -> Option<&DevicePolicy> {
        self.peer.policy()
    }

    fn adapt(&self, case: &Arc<Case>) -> Result<Arc<Case>, String> {
        self.peer.adapt(case)
    }

    fn sanity(&self, when: &str, group: Group) -> Result<Case, SanityError> {
        self.peer.sanity(when, group)
    }

    fn under_way(&self, jobs: usize) -> usize {
        self.peer.under_way(jobs)
    }

    fn time_limit(&self, case: &Case) -> Duration {
        self.peer.time_limit(case)
    }

    fn plays_again(&self) -> bool {
        self.peer.plays_again()
    }

    fn one_fewer(&self) {
        self.peer.one_fewer();
    }

    fn run_case(&self, case: &Case, seed: u64) -> CaseArtefacts {
        self.peer.run_case(case, seed)
    }

    fn recover(&self, case: &Case) -> Result<String, String> {
        self.peer.recover(case)
    }

    fn close(&self) {
        self.peer.close();
    }
}
