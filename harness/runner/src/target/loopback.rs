//! The engine as its own peer: one process, one virtual clock.
//!
//! The peer is a second endpoint with the mirrored configuration. Datagrams take [`LATENCY`] each
//! way; when nothing is under way, the clock jumps to whatever comes next, so a lifetime of hours
//! costs nothing.

use core::time::Duration;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ikev1::Endpoint;
use ikev1::crypto::{PrivateGroup, default_provider};
use ikev1::error::ApiMisuse;
use ikev1::event::{Event, IpsecSaId};
use ikev1::io::{Datagram, Output, Timestamp};
use ikev1::keylog::{Direction, KeyLog, Label};
use ikev1::wire::{CookiePair, MessageId};
use ikev1_scenario::case::Case;
use ikev1_scenario::model::{Capability, Side, Which};
use ikev1_scenario::verdict::PeerProfile;

use super::quirks::Quirks;
use crate::driver::{
    Addresses, Driver, Ending, InfraError, PeerCommand, PeerValue, PeerValues, SaView, ValueSource,
};
use crate::execute::StandingEdits;
use crate::random::SeededRandom;
use crate::settings::{self, PEER_NAME, POLICY_NAME};
use crate::{traffic, view};

/// Time that a datagram takes from one end to the other.
pub const LATENCY: Duration = Duration::from_millis(1);

/// What only peers of other kinds do than those that play both roles of IKEv1, and why these do not.
pub(crate) const NOT_OF_DAEMONS: [(Capability, &str); 2] = [
    (Capability::RefusesIkev1, "it speaks IKEv1"),
    (Capability::Reports, "it shows its SAs, and what it derives"),
];

/// What the peer may do in one wait: far more than any case needs, so only a runaway reaches it.
const STEPS_MAX: u64 = 100_000;

/// The engine as its own peer; see the module documentation.
#[derive(Debug)]
pub struct Loopback {
    profile: PeerProfile,
    quirks: Arc<Quirks>,
    session: Option<Session>,
}

impl Loopback {
    /// A peer that can do whatever the engine can.
    pub fn new() -> Self {
        let profile = PeerProfile {
            name: "self".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            capabilities: Capability::ALL
                .iter()
                .copied()
                .filter(|capability| !NOT_OF_DAEMONS.iter().any(|(other, _)| other == capability))
                .collect(),
            missing: NOT_OF_DAEMONS
                .iter()
                .map(|(capability, why)| (*capability, (*why).to_owned()))
                .collect(),
            ..PeerProfile::default()
        };
        Self { profile, quirks: Arc::default(), session: None }
    }

    /// The same, but for what it does wrong.
    pub fn with_quirks(quirks: Arc<Quirks>) -> Self {
        Self { quirks, ..Self::new() }
    }

    fn session(&mut self) -> Result<&mut Session, InfraError> {
        self.session.as_mut().ok_or(InfraError::NotPrepared)
    }
}

impl Default for Loopback {
    fn default() -> Self {
        Self::new()
    }
}

/// The ends of every loopback case: the ports of the field, addresses for documentation (RFC 5737).
pub fn addresses() -> Addresses {
    let end = |host, port| SocketAddr::from((Ipv4Addr::new(192, 0, 2, host), port));
    Addresses {
        harness: end(1, 500),
        harness_nat_t: end(1, 4500),
        peer: end(2, 500),
        peer_nat_t: end(2, 4500),
    }
}

#[async_trait]
impl Driver for Loopback {
    fn profile(&self) -> &PeerProfile {
        &self.profile
    }

    async fn prepare(&mut self, case: &Case, seed: u64) -> Result<Addresses, InfraError> {
        let addresses = addresses();
        let config = settings::engine_config(case, Side::Peer, &addresses)?;
        let random = SeededRandom::new(seed, &case.id, "peer");
        let mut peer = Endpoint::new(config, default_provider(), Box::new(random));
        let values = Arc::new(Mutex::new(Vec::new()));
        let edits = (!self.quirks.edits.is_empty()).then(|| StandingEdits::new(&self.quirks.edits));
        if let Some(edits) = &edits {
            peer.set_outgoing_hook(Box::new(edits.hook()));
        }
        peer.set_key_log(Box::new(ValueLog { values: Arc::clone(&values), edits }));
        self.session = Some(Session {
            now: Timestamp::ZERO,
            quirks: Arc::clone(&self.quirks),
            peer,
            values,
            to_peer: VecDeque::new(),
            to_harness: VecDeque::new(),
            timeout: None,
            outside: None,
            private_group: settings::private_group(Side::Peer, &case.config.peer)?,
            log: String::new(),
        });
        Ok(addresses)
    }

    fn now(&self) -> Timestamp {
        self.session.as_ref().map_or(Timestamp::ZERO, |session| session.now)
    }

    async fn send(&mut self, datagram: &Datagram) -> Result<(), InfraError> {
        let session = self.session()?;
        let mut arrived = mirrored(datagram);
        if let Some(outside) = session.outside.filter(|_| datagram.local == addresses().harness_nat_t) {
            arrived.remote = outside;
        }
        session.to_peer.push_back((session.now + LATENCY, arrived));
        Ok(())
    }

    async fn rebind(&mut self) -> Result<(), InfraError> {
        let session = self.session()?;
        let mut outside = session.outside.unwrap_or(SocketAddr::from((addresses().harness.ip(), 20_000)));
        outside.set_port(outside.port().wrapping_add(1));
        session.outside = Some(outside);
        Ok(())
    }

    async fn wait(&mut self, until: Timestamp) -> Result<Option<Datagram>, InfraError> {
        self.session()?.wait(until)
    }

    async fn command(&mut self, command: PeerCommand) -> Result<(), InfraError> {
        self.session()?.command(command)
    }

    async fn state(&mut self) -> Result<SaView, InfraError> {
        Ok(view::of_endpoint(&self.session()?.peer))
    }

    async fn values(&mut self) -> Result<PeerValues, InfraError> {
        let values = &self.session()?.values;
        let values = values.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(PeerValues { values, installed: Vec::new() })
    }

    async fn finish(&mut self) -> Ending {
        let log = self.session.take().map(|session| session.log).unwrap_or_default();
        Ending { log, ..Ending::default() }
    }
}

/// One case.
#[derive(Debug)]
struct Session {
    now: Timestamp,
    quirks: Arc<Quirks>,
    peer: Endpoint,
    values: Arc<Mutex<Vec<PeerValue>>>,
    to_peer: VecDeque<(Timestamp, Datagram)>,
    to_harness: VecDeque<(Timestamp, Datagram)>,
    timeout: Option<Timestamp>,
    /// The harness' end for NAT traversal, as the peer sees it through a NAT.
    outside: Option<SocketAddr>,
    /// The private group with the Group Description that the peer gives it.
    private_group: (u16, PrivateGroup),
    log: String,
}

impl Session {
    fn wait(&mut self, until: Timestamp) -> Result<Option<Datagram>, InfraError> {
        for _ in 0..STEPS_MAX {
            let harness = self.to_harness.front().map(|(at, _)| *at);
            let peer = self.to_peer.front().map(|(at, _)| *at);
            let Some(next) =
                [harness, peer, self.timeout].into_iter().flatten().min().filter(|at| *at <= until)
            else {
                self.now = self.now.max(until);
                return Ok(None);
            };
            self.now = self.now.max(next);
            if harness == Some(next) {
                return Ok(self.to_harness.pop_front().map(|(_, datagram)| datagram));
            }
            if peer == Some(next) {
                if let Some((_, datagram)) = self.to_peer.pop_front() {
                    self.quirks.during(|| self.peer.handle_datagram(self.now, &datagram));
                }
            } else {
                self.quirks.during(|| self.peer.handle_timeout(self.now));
            }
            self.drain();
        }
        Err(InfraError::Budget { what: "steps of the loopback peer in one wait", limit: STEPS_MAX })
    }

    /// Takes all outputs of the peer, and answers the packets among them.
    fn drain(&mut self) {
        loop {
            match self.peer.poll_output() {
                Output::Transmit(datagram) => {
                    let mut arrived = mirrored(&datagram);
                    if let Some(outside) = self.outside {
                        if arrived.local == outside {
                            arrived.local = addresses().harness_nat_t;
                        } else if arrived.local == addresses().harness_nat_t {
                            continue; // The NAT knows nothing of it any more.
                        }
                    }
                    self.to_harness.push_back((self.now + LATENCY, arrived));
                }
                Output::Event(event) => {
                    // Writing to a string cannot fail.
                    let _ = writeln!(self.log, "{:?} {event:?}", self.now);
                    if let Event::PacketReceived { sa, packet, next_header } = event {
                        self.answer(sa, &packet, next_header);
                    }
                }
                Output::Timeout(at) => {
                    self.timeout = Some(at);
                    return;
                }
                Output::Idle => {
                    self.timeout = None;
                    return;
                }
            }
        }
    }

    fn answer(&mut self, sa: IpsecSaId, packet: &[u8], next_header: u8) {
        let Some(reply) = traffic::answer(packet, next_header) else { return };
        let sent = self.quirks.during(|| self.peer.send_packet(self.now, sa, next_header, &reply));
        if let Err(error) = sent {
            let _ = writeln!(self.log, "{:?} cannot answer a packet: {error}", self.now);
        }
    }

    fn command(&mut self, command: PeerCommand) -> Result<(), InfraError> {
        let quirks = Arc::clone(&self.quirks);
        let done = quirks.during(|| self.obey(command))?;
        self.drain();
        done.map_err(|error| InfraError::peer(format!("tell the peer {command:?}"), error))
    }

    fn obey(&mut self, command: PeerCommand) -> Result<Result<(), ApiMisuse>, InfraError> {
        let now = self.now;
        let peer = &mut self.peer;
        Ok(match command {
            PeerCommand::InitiatePhase1 => peer.initiate_phase1(now, PEER_NAME).map(drop),
            PeerCommand::InitiateQuickMode => peer.initiate(now, PEER_NAME, POLICY_NAME).map(drop),
            PeerCommand::RekeyIsakmp(which) => {
                peer.rekey_isakmp_sa(now, view::isakmp_sa(peer, which)?).map(drop)
            }
            PeerCommand::RekeyIpsec(which) => {
                peer.rekey_ipsec_sa(now, view::ipsec_sa(peer, which)?).map(drop)
            }
            PeerCommand::DeleteIsakmp(which) => peer.delete_isakmp_sa(now, view::isakmp_sa(peer, which)?),
            PeerCommand::Probe => peer.probe_peer(now, view::isakmp_sa(peer, Which::Newest)?).map(drop),
            PeerCommand::NewGroup => {
                let (description, group) = &self.private_group;
                let sa = view::isakmp_sa(peer, Which::Newest)?;
                peer.define_group(now, sa, *description, group).map(drop)
            }
            PeerCommand::DeleteIpsec(which) => peer.delete_ipsec_sa(now, view::ipsec_sa(peer, which)?),
        })
    }
}

/// The same datagram seen from the other end.
fn mirrored(datagram: &Datagram) -> Datagram {
    Datagram { local: datagram.remote, remote: datagram.local, ..datagram.clone() }
}

/// Keeps the peer's values.
#[derive(Debug)]
struct ValueLog {
    values: Arc<Mutex<Vec<PeerValue>>>,
    edits: Option<StandingEdits>,
}

impl KeyLog for ValueLog {
    fn value(&mut self, cookies: CookiePair, m_id: MessageId, label: Label, bytes: &[u8]) {
        let value = PeerValue { cookies, m_id, label, bytes: bytes.to_vec(), source: ValueSource::Engine };
        self.values.lock().unwrap_or_else(PoisonError::into_inner).push(value);
    }

    fn plaintext(&mut self, _: Direction, message: &[u8]) {
        if let Some(edits) = &self.edits {
            edits.plaintext(message);
        }
    }
}
