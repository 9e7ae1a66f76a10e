//! A device as a [`CaseRunner`]: one case after the other, each adapted to what the device is configured with.

use std::sync::Arc;
use std::time::Duration;

use ikev1_scenario::adapt::{DevicePolicy, adapt, method};
use ikev1_scenario::case::Case;
use ikev1_scenario::expand::default_group;
use ikev1_scenario::model::{Authentication, Capability, Group, Phase1Exchange, Side};
use ikev1_scenario::pki::CredentialFiles;
use ikev1_scenario::transcript::{Event, Record};
use ikev1_scenario::verdict::PeerProfile;
use tokio::runtime::Runtime;

use super::case_runner::CaseRunner;
use super::peers::total;
use super::sanity::{SANITY, SanityError, sanity_case_by};
use crate::device::Device;
use crate::discover::PROBE;
use crate::execute::{CaseArtefacts, CaseLimits, execute_case};
use crate::target::device::{DevicePeer, EarlierCookies};

/// A device that is configured already.
#[derive(Debug)]
pub struct DeviceRunner {
    device: Arc<Device>,
    profile: PeerProfile,
    policy: DevicePolicy,
    /// A case with nothing configured but the authentication method, for each method of the device, its best one first.
    stock: Vec<Case>,
    /// The sanity handshake that shows that the device still runs.
    alive: Arc<Case>,
    limits: CaseLimits,
    runtime: Runtime,
    earlier: EarlierCookies,
}

impl DeviceRunner {
    /// The device with the name that it has on the command line. Nothing is sent yet. Where a case names no group it is
    /// expanded with `group`, or without it with the device's first. `credentials` are the test credentials, which the device
    /// was given unless its file names others.
    ///
    /// # Errors
    /// Only by a mistake in the built-in sanity scenario.
    pub fn new(
        device: Device,
        name: &str,
        group: Option<Group>,
        credentials: &Arc<CredentialFiles>,
        runtime: Runtime,
    ) -> Result<Self, String> {
        let profile = device.profile(name);
        let group = group.unwrap_or_else(|| default_group(&profile));
        let policy = device.policy();
        let mut methods: Vec<Authentication> = Vec::new();
        for transform in &policy.phase1 {
            if !methods.contains(&transform.authentication) {
                methods.push(transform.authentication);
            }
        }
        let stock = |method: Authentication| sanity_case_by(method, "stock", group, credentials);
        let stock = methods.into_iter().map(stock).collect::<Result<Vec<_>, _>>();
        let stock = stock.map_err(|error| error.to_string())?;
        let best = stock.first().ok_or("the device has no phase 1 transform")?;
        let alive = Arc::new(under(best, "alive"));
        Ok(Self {
            alive,
            policy,
            device: Arc::new(device),
            profile,
            stock,
            limits: CaseLimits::default(),
            runtime,
            earlier: EarlierCookies::default(),
        })
    }

    fn execute(&self, case: &Case, seed: u64) -> CaseArtefacts {
        let mut peer = DevicePeer::new(Arc::clone(&self.device), self.profile.clone(), self.earlier.clone());
        self.runtime.block_on(async {
            let artefacts = execute_case(&mut peer, case, seed, self.limits).await;
            drop(peer);
            artefacts
        })
    }

    /// The cause, when the device has said nothing at all to a sanity handshake.
    fn silence(&self, case: &Case, artefacts: &CaseArtefacts) -> Option<String> {
        let heard = |record: &Record| matches!(&record.event, Event::Datagram(datagram) if datagram.from == Side::Peer);
        let troubled = |record: &Record| matches!(&record.event, Event::Infrastructure { .. });
        let records = &artefacts.transcript;
        if !case.id.starts_with(SANITY) || records.iter().any(|r| heard(r) || troubled(r)) {
            return None;
        }
        let seconds = records.last().map_or(0, |record| record.at_ms / 1000);
        let (address, port) = (self.device.address, self.device.port);
        Some(format!(
            "no answer from {address}:{port} to the first message of {} within {seconds} s; check `address` and `port` in \
             {}, that the device runs and takes {} for a peer, and that no firewall is between",
            self.exchange(),
            self.profile.name,
            self.device.local_address
        ))
    }

    /// The exchange that the device has in any case.
    fn exchange(&self) -> Phase1Exchange {
        self.policy.exchanges.first().copied().unwrap_or(Phase1Exchange::MainMode)
    }

    /// The sanity handshake is about no exchange, so it takes one that the device has.
    fn with_exchange(&self, case: &Case) -> Case {
        let mut case = case.clone();
        case.config.harness.exchange = self.exchange();
        case.config.peer.exchange = self.exchange();
        case.needs.retain(|need| *need != Capability::MainMode);
        case
    }
}

/// The sanity handshake under another name.
fn under(sanity: &Case, when: &str) -> Case {
    Case { id: format!("{SANITY}{when}"), ..sanity.clone() }
}

/// Whether the last datagram was not the device's.
fn device_was_silent_at_the_end(transcript: &[Record]) -> bool {
    let mut datagrams = transcript.iter().rev().filter_map(|record| match &record.event {
        Event::Datagram(datagram) => Some(datagram.from),
        _ => None,
    });
    datagrams.next() != Some(Side::Peer)
}

impl CaseRunner for DeviceRunner {
    fn profile(&self) -> &PeerProfile {
        &self.profile
    }

    fn sanity(&self, when: &str, _: Group) -> Result<Case, SanityError> {
        Ok(under(&self.alive, when))
    }

    fn under_way(&self, _: usize) -> usize {
        1
    }

    fn policy(&self) -> Option<&DevicePolicy> {
        Some(&self.policy)
    }

    fn adapt(&self, case: &Arc<Case>) -> Result<Arc<Case>, String> {
        if case.id.starts_with(PROBE) {
            // It is made for the device, and what the device does with it is the question.
            return Ok(Arc::clone(case));
        }
        self.device.can_be_told(case, &self.profile.name)?;
        let sanity = case.id.starts_with(SANITY).then(|| self.with_exchange(case));
        let method = method(case);
        let stock = self.stock.iter().find(|stock| self::method(stock) == method);
        let stock = stock.ok_or_else(|| {
            format!("the case wants authentication by {method}, which the device does not have")
        })?;
        adapt(sanity.as_ref().unwrap_or(case), stock, &self.policy).map(Arc::new)
    }

    fn time_limit(&self, _: &Case) -> Duration {
        total(self.limits)
    }

    fn run_case(&self, case: &Case, seed: u64) -> CaseArtefacts {
        let mut artefacts = self.execute(case, seed);
        let silence = if case.id.starts_with(SANITY) {
            self.silence(case, &artefacts)
        } else if device_was_silent_at_the_end(&artefacts.transcript) {
            // What is meant as silence, and a device that is gone, look the same.
            let sanity = self.adapt(&self.alive).ok();
            sanity.and_then(|sanity| self.silence(&sanity, &self.execute(&sanity, seed)))
        } else {
            None
        };
        if let Some(error) = silence {
            // In front of the end, which is always there.
            let end = artefacts.transcript.len().saturating_sub(1);
            let at_ms = artefacts.transcript.last().map_or(0, |record| record.at_ms);
            artefacts.transcript.insert(end, Record { at_ms, event: Event::Infrastructure { error } });
        }
        artefacts
    }

    fn recover(&self, _: &Case) -> Result<String, String> {
        // Every case opens sockets of its own.
        Ok(String::new())
    }

    fn close(&self) {}
}
