//! The loop that moves datagrams between the engine and the driver, and records each.

use core::time::Duration;
use std::collections::HashMap;
use std::net::SocketAddr;

use bytes::Bytes;
use ikev1::Endpoint;
use ikev1::event::{Event as ApiEvent, IpsecSaId};
use ikev1::io::{Datagram, IP_UDP, Output, Timestamp};
use ikev1_scenario::case::Case;
use ikev1_scenario::model::{Inject, InjectBytes, Side, ToPort};
use ikev1_scenario::tracker::{HeaderIdentity, MessageName, MessageTracker};
use ikev1_scenario::transcript::{Event, Fault};

use super::case_run::CaseLimits;
use super::hook::{Plain, SharedTap};
use super::recorder::{Passing, Recorder};
use super::turn::Turn;
use crate::driver::{Addresses, Driver, InfraError};
use crate::link::{self, Fate, HexError, Link, NON_ESP_MARKER, Outcome, Passed};
use crate::random::SeededRandom;

/// Timeouts that the engine may have at one moment; more is a loop.
const ROUNDS_MAX: u64 = 10_000;

/// A peer that has said nothing for so long may take its time: until then it counts as being at work.
const AT_ONCE: Duration = Duration::from_millis(10);

/// Why a case ends before its last step.
#[derive(Debug)]
pub(super) enum Stop {
    /// A step waited in vain, or the peer lacks the SA that it was told to act on.
    Unmet(String),
    /// Trouble of our own.
    Infra(String),
}

impl From<InfraError> for Stop {
    fn from(error: InfraError) -> Self {
        match error {
            InfraError::NoSuchSa(_) => Self::Unmet(error.to_string()),
            _ => Self::Infra(error.to_string()),
        }
    }
}

impl From<HexError> for Stop {
    fn from(error: HexError) -> Self {
        Self::Infra(error.to_string())
    }
}

/// A datagram that the link holds back.
#[derive(Debug)]
struct Late {
    at: Timestamp,
    from: Side,
    datagram: Datagram,
    nat_t: bool,
    name: Option<MessageName>,
    of: u64,
}

/// A datagram of the peer that the engine is to handle.
#[derive(Debug)]
struct Inbound {
    n: u64,
    datagram: Datagram,
}

/// What counts against the bounds of the case.
#[derive(Debug, Default)]
struct SentSoFar {
    harness: u64,
    peer: u64,
    peer_bytes: u64,
}

/// One case under way.
pub(super) struct Executor<'a, D: ?Sized> {
    pub(super) driver: &'a mut D,
    pub(super) case: &'a Case,
    pub(super) engine: Endpoint,
    pub(super) tap: SharedTap,
    pub(super) link: Link,
    pub(super) recorder: Recorder,
    /// Packets that came out of IPsec SAs and no step has looked at.
    pub(super) packets: Vec<(IpsecSaId, Bytes, u8)>,
    /// Datagrams of the harness that carried packets, since the last step with traffic began.
    sent_packets: Vec<Datagram>,
    /// Sequence number of the last echo request.
    pub(super) echoes: u16,
    /// When a datagram passed last.
    pub(super) last_datagram: Timestamp,
    seed: u64,
    limits: CaseLimits,
    turn: &'a Turn<'a>,
    pub(super) addresses: Addresses,
    tracker: MessageTracker,
    timeout: Option<Timestamp>,
    late: Vec<Late>,
    /// Decrypted forms of encrypted or edited messages that were sent, by their bytes, for retransmissions.
    plains: HashMap<Bytes, Plain>,
    sent: SentSoFar,
    rounds: (Timestamp, u64),
}

impl<'a, D: Driver + ?Sized> Executor<'a, D> {
    #[expect(clippy::too_many_arguments, reason = "the parts of a case, put together in one place")]
    pub(super) fn new(
        driver: &'a mut D,
        case: &'a Case,
        seed: u64,
        limits: CaseLimits,
        turn: &'a Turn<'a>,
        addresses: Addresses,
        engine: Endpoint,
        tap: SharedTap,
        recorder: Recorder,
    ) -> Self {
        Self {
            driver,
            case,
            engine,
            tap,
            link: Link::new(),
            recorder,
            packets: Vec::new(),
            sent_packets: Vec::new(),
            echoes: 0,
            last_datagram: Timestamp::ZERO,
            seed,
            limits,
            turn,
            addresses,
            tracker: MessageTracker::new(),
            timeout: None,
            late: Vec::new(),
            plains: HashMap::new(),
            sent: SentSoFar::default(),
            rounds: (Timestamp::ZERO, 0),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.driver.now()
    }

    /// Lets everything happen until `done` or until that moment; whether it is done.
    pub(super) async fn run_until(
        &mut self,
        deadline: Timestamp,
        mut done: impl FnMut(&Self) -> bool,
    ) -> Result<bool, Stop> {
        loop {
            self.release_late().await?;
            if done(self) {
                return Ok(true);
            }
            let now = self.now();
            if self.timeout.is_some_and(|at| at <= now) {
                self.count_round(now)?;
                self.engine.handle_timeout(now);
                self.drain().await?;
                continue;
            }
            if now >= deadline {
                return Ok(false);
            }
            let late = self.late.iter().map(|late| late.at).min();
            let next = [self.timeout, late].into_iter().flatten().fold(deadline, Timestamp::min);
            if let Some(datagram) = self.wait(next).await? {
                self.receive(datagram).await?;
            }
        }
    }

    /// Waits for a datagram until that moment; what does not come at once leaves the turn to another case.
    async fn wait(&mut self, until: Timestamp) -> Result<Option<Datagram>, InfraError> {
        let soon = self.now() + AT_ONCE;
        if !self.turn.is_shared() || until <= soon {
            return self.driver.wait(until).await;
        }
        let datagram = self.driver.wait(soon).await?;
        if datagram.is_some() {
            return Ok(datagram);
        }
        let _pause = self.turn.pause();
        self.driver.wait(until).await
    }

    /// Lets time pass.
    pub(super) async fn run_for(&mut self, time: Duration) -> Result<(), Stop> {
        let deadline = self.now() + time;
        self.run_until(deadline, |_| false).await.map(drop)
    }

    /// Lets everything happen until no datagram has passed for `quiet`, or until `within` is over.
    pub(super) async fn settle(&mut self, quiet: Duration, within: Duration) -> Result<(), Stop> {
        let start = self.now();
        let deadline = start + within;
        loop {
            let calm = self.last_datagram.max(start) + quiet;
            self.run_until(calm.min(deadline), |_| false).await?;
            let now = self.now();
            if now >= deadline || now >= self.last_datagram.max(start) + quiet {
                return Ok(());
            }
        }
    }

    /// Takes all outputs of the engine; to be called after each of its `handle_*` methods and commands.
    pub(super) async fn drain(&mut self) -> Result<(), Stop> {
        self.note_tap()?;
        loop {
            match self.engine.poll_output() {
                Output::Transmit(datagram) => self.transmit(datagram).await?,
                Output::Event(event) => {
                    self.recorder.engine(self.driver.now(), &event);
                    if let ApiEvent::PacketReceived { sa, packet, next_header } = event {
                        self.packets.push((sa, packet, next_header));
                    }
                }
                Output::Timeout(at) => {
                    self.timeout = Some(at);
                    break;
                }
                Output::Idle => {
                    self.timeout = None;
                    break;
                }
            }
        }
        self.note_tap()
    }

    /// Forgets the packets that went out and came in.
    pub(super) fn forget_packets(&mut self) {
        self.packets.clear();
        self.sent_packets.clear();
    }

    /// Sends every packet that has gone out since [`Executor::forget_packets`] once more; how many there were.
    pub(super) async fn send_packets_again(&mut self) -> Result<usize, Stop> {
        let packets = core::mem::take(&mut self.sent_packets);
        let count = packets.len();
        for datagram in packets {
            let nat_t = self.is_nat_t(&datagram);
            let sent =
                Sent { from: Side::Harness, datagram, nat_t, name: None, plain: None, steps: Vec::new() };
            self.forward(sent).await?;
        }
        Ok(count)
    }

    /// Delivers a message that has passed once more.
    pub(super) async fn replay(&mut self, passed: Passed) -> Result<(), Stop> {
        let nat_t = self.is_nat_t(&passed.datagram);
        let passing = Passing {
            from: passed.from,
            datagram: &passed.datagram,
            nat_t,
            delivered: true,
            message: Some(passed.name),
            fault: Some(Fault::Replayed { of: passed.n }),
        };
        let n = self.recorder.datagram(self.driver.now(), &passing);
        let inbound = self.deliver(passed.from, passed.datagram, None, n).await?;
        self.handle(inbound).await
    }

    /// A datagram of the harness as it goes to this port of the peer.
    pub(super) fn to_port(&self, datagram: &Datagram, port: ToPort) -> Datagram {
        let nat_t = port == ToPort::NatT;
        let (local, remote) = self.ends(nat_t);
        let payload = link::on_port(&datagram.payload, self.is_nat_t(datagram), nat_t);
        Datagram { ip_protocol: IP_UDP, local, remote, payload }
    }

    /// Our address and the peer's on the ISAKMP or the NAT traversal port.
    fn ends(&self, nat_t: bool) -> (SocketAddr, SocketAddr) {
        if nat_t {
            (self.addresses.harness_nat_t, self.addresses.peer_nat_t)
        } else {
            (self.addresses.harness, self.addresses.peer)
        }
    }

    /// Sends a datagram of a step's own making; `model` is the datagram that a copy is made of.
    pub(super) async fn inject(&mut self, inject: &Inject, model: Option<&Datagram>) -> Result<(), Stop> {
        let nat_t = match (&inject.datagram, model) {
            (InjectBytes::Copy { .. }, Some(model)) => self.is_nat_t(model),
            _ => inject.to_port == ToPort::NatT,
        };
        let (local, remote) = self.ends(nat_t);
        let mut random = None;
        for _ in 0..inject.times {
            let payload = match &inject.datagram {
                InjectBytes::Hex(text) => Bytes::from(link::from_hex("datagram", text)?),
                InjectBytes::Random { seed, length } => {
                    let part = format!("inject {seed}");
                    let random =
                        random.get_or_insert_with(|| SeededRandom::new(self.seed, &self.case.id, &part));
                    Bytes::from(random.bytes(*length))
                }
                InjectBytes::Copy { apply } => {
                    let model =
                        model.ok_or_else(|| Stop::Infra("a copy needs a message to copy".to_owned()))?;
                    link::edit_payload(&model.payload, nat_t, apply)?
                }
            };
            self.count_datagram(Side::Harness, payload.len())?;
            let datagram = Datagram { ip_protocol: IP_UDP, local, remote, payload };
            let passing = Passing {
                from: Side::Harness,
                datagram: &datagram,
                nat_t,
                delivered: true,
                message: None,
                fault: Some(Fault::Injected),
            };
            let n = self.recorder.datagram(self.driver.now(), &passing);
            self.deliver(Side::Harness, datagram, None, n).await?;
        }
        Ok(())
    }

    fn is_nat_t(&self, datagram: &Datagram) -> bool {
        datagram.ip_protocol == IP_UDP && datagram.local == self.addresses.harness_nat_t
    }

    /// A datagram of the engine.
    async fn transmit(&mut self, datagram: Datagram) -> Result<(), Stop> {
        let nat_t = self.is_nat_t(&datagram);
        let message = link::isakmp_message(&datagram, nat_t);
        if message.is_none() {
            self.sent_packets.push(datagram.clone());
        }
        let (plain, first) = message.as_ref().map_or((None, false), |message| self.plain_of(message));
        let name = message.as_ref().and_then(|message| {
            let edited = plain.as_ref().and_then(|plain| plain.edited.as_ref().or(plain.sealed.as_ref()));
            let identity = edited.and_then(|edited| HeaderIdentity::read(&edited.unaltered));
            self.tracker.sent(Side::Harness, message, identity)
        });
        let edited = plain.iter().filter(|_| first).flat_map(|plain| [&plain.edited, &plain.sealed]);
        let steps = edited.flatten().flat_map(|edited| edited.steps.clone()).collect();
        let sent = Sent { from: Side::Harness, datagram, nat_t, name, plain, steps };
        self.forward(sent).await.map(drop)
    }

    /// A datagram of the peer.
    async fn receive(&mut self, datagram: Datagram) -> Result<(), Stop> {
        let nat_t = self.is_nat_t(&datagram);
        self.recorder.on_the_wire(self.driver.now(), Side::Peer, &datagram);
        let message = link::isakmp_message(&datagram, nat_t);
        let name = message.as_ref().and_then(|message| {
            self.tap.lock().peer_sent(message);
            self.tracker.sent(Side::Peer, message, None)
        });
        let sent = Sent { from: Side::Peer, datagram, nat_t, name, plain: None, steps: Vec::new() };
        let inbound = self.forward(sent).await?;
        self.handle(inbound).await
    }

    /// Sends a datagram over the link; what the engine is to handle of it.
    async fn forward(&mut self, sent: Sent) -> Result<Vec<Inbound>, Stop> {
        self.count_datagram(sent.from, sent.datagram.payload.len())?;
        let Sent { from, datagram, nat_t, name, plain, steps } = sent;
        let outcome = match &name {
            Some(name) => self.link.pass(from, name, &datagram, nat_t)?,
            None => Outcome::default(),
        };
        for inject in &outcome.before {
            self.inject(inject, Some(&datagram)).await?;
        }
        let now = self.driver.now();
        let was_edited = plain.as_ref().is_some_and(|plain| plain.edited.is_some());
        // As it was before its encrypted bodies were edited; the pieces of a message are not compared.
        let sealed = plain.as_ref().and_then(|plain| plain.sealed.as_ref());
        let sealed = sealed.filter(|_| name.is_none_or(|name| name.fragment.is_none()));
        let before = sealed.map(|edited| {
            let marker = if nat_t { NON_ESP_MARKER.as_slice() } else { &[] };
            hex::encode([marker, &edited.unaltered].concat())
        });
        let fault = match (outcome.fate, &outcome.payload) {
            (Fate::Drop, _) => Some(Fault::Dropped),
            (Fate::Delay(by), _) => Some(Fault::Delayed { by_ms: Timestamp(by).as_millis() }),
            (Fate::Deliver, Some(_)) => Some(Fault::EditedDatagram {
                unaltered_hex: before.unwrap_or_else(|| hex::encode(&datagram.payload)),
            }),
            (Fate::Deliver, None) => match before {
                Some(unaltered_hex) => Some(Fault::EditedDatagram { unaltered_hex }),
                None => was_edited.then_some(Fault::Edited),
            },
        };
        let payload = outcome.payload.clone().unwrap_or_else(|| datagram.payload.clone());
        let wire = Datagram { payload, ..datagram.clone() };
        let delivered = outcome.fate == Fate::Deliver;
        let passing = Passing { from, datagram: &wire, nat_t, delivered, message: name, fault };
        let n = self.recorder.datagram(now, &passing);
        for step in steps.iter().chain(&outcome.steps) {
            self.recorder.push(now, Event::RuleApplied { step: *step, datagram: Some(n) });
        }
        if let Some(plain) = &plain {
            self.recorder.plaintext(now, n, from, &plain.bytes, plain.edited.as_ref());
        }
        if let Some(name) = name {
            self.link.remember(Passed { from, name, n, datagram: datagram.clone() });
        }
        let mut inbound = Vec::new();
        match outcome.fate {
            Fate::Deliver => inbound.extend(self.deliver(from, wire.clone(), name.as_ref(), n).await?),
            Fate::Drop => {}
            Fate::Delay(by) => {
                self.late.push(Late { at: now + by, from, datagram: wire.clone(), nat_t, name, of: n });
            }
        }
        for _ in 0..outcome.copies {
            self.count_datagram(from, wire.payload.len())?;
            let fault = Some(Fault::Duplicate { of: n });
            let copy = Passing { from, datagram: &wire, nat_t, delivered: true, message: name, fault };
            let copy = self.recorder.datagram(now, &copy);
            inbound.extend(self.deliver(from, wire.clone(), name.as_ref(), copy).await?);
        }
        for inject in &outcome.after {
            self.inject(inject, Some(&datagram)).await?;
        }
        Ok(inbound)
    }

    /// Hands a datagram of the harness to the driver, or gives back one of the peer for the engine.
    async fn deliver(
        &mut self,
        from: Side,
        datagram: Datagram,
        name: Option<&MessageName>,
        n: u64,
    ) -> Result<Vec<Inbound>, Stop> {
        self.last_datagram = self.driver.now();
        if let Some(name) = name {
            self.tracker.delivered(from, name);
        }
        match from {
            Side::Peer => Ok(vec![Inbound { n, datagram }]),
            Side::Harness => {
                self.recorder.on_the_wire(self.driver.now(), Side::Harness, &datagram);
                self.driver.send(&datagram).await?;
                Ok(Vec::new())
            }
        }
    }

    /// Hands datagrams of the peer to the engine.
    async fn handle(&mut self, inbound: Vec<Inbound>) -> Result<(), Stop> {
        for Inbound { n, datagram } in inbound {
            let now = self.driver.now();
            self.engine.handle_datagram(now, &datagram);
            let message = link::isakmp_message(&datagram, self.is_nat_t(&datagram)).unwrap_or_default();
            let opened = self.tap.lock().take_inbound(&message);
            if let Some(plain) = opened {
                self.recorder.plaintext(now, n, Side::Peer, &plain.bytes, None);
            }
            self.drain().await?;
        }
        Ok(())
    }

    async fn release_late(&mut self) -> Result<(), Stop> {
        loop {
            let now = self.now();
            let due = self
                .late
                .iter()
                .enumerate()
                .filter(|(_, late)| late.at <= now)
                .min_by_key(|(_, late)| late.at);
            let Some(index) = due.map(|(index, _)| index) else { return Ok(()) };
            let Late { from, datagram, nat_t, name, of, .. } = self.late.remove(index);
            let fault = Some(Fault::DeliveredLate { of });
            let passing = Passing { from, datagram: &datagram, nat_t, delivered: true, message: name, fault };
            let n = self.recorder.datagram(now, &passing);
            let inbound = self.deliver(from, datagram, name.as_ref(), n).await?;
            self.handle(inbound).await?;
        }
    }

    /// The decrypted form of a message that the engine sends, and whether it is sent for the first time.
    fn plain_of(&mut self, message: &Bytes) -> (Option<Plain>, bool) {
        if let Some(plain) = self.plains.get(message) {
            return (Some(plain.clone()), false);
        }
        let Some(mut plain) = self.tap.lock().take_outbound(message) else { return (None, false) };
        if plain.clear && plain.bytes.len() == message.len() {
            // The engine set the length field after the edit.
            plain.bytes = message.to_vec();
        }
        self.plains.insert(message.clone(), plain.clone());
        (Some(plain), true)
    }

    fn note_tap(&mut self) -> Result<(), Stop> {
        let (values, problems) = {
            let mut tap = self.tap.lock();
            (core::mem::take(&mut tap.values), core::mem::take(&mut tap.problems))
        };
        let now = self.driver.now();
        for value in &values {
            self.recorder.derived(now, value);
        }
        if problems.is_empty() { Ok(()) } else { Err(Stop::Infra(problems.join("; "))) }
    }

    /// Counts a datagram against the bounds of the case. The engine may answer each datagram, however bad, so
    /// what the peer sends is not held against the harness.
    fn count_datagram(&mut self, from: Side, len: usize) -> Result<(), Stop> {
        let CaseLimits { datagrams_max, bytes_max, .. } = self.limits;
        let sent = &mut self.sent;
        match from {
            Side::Peer => {
                sent.peer = sent.peer.saturating_add(1);
                sent.peer_bytes = sent.peer_bytes.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
                if sent.peer > datagrams_max {
                    return Err(Stop::Unmet(format!("the peer sent more than {datagrams_max} datagrams")));
                }
                if sent.peer_bytes > bytes_max {
                    return Err(Stop::Unmet(format!("the peer sent more than {bytes_max} bytes")));
                }
            }
            Side::Harness => {
                sent.harness = sent.harness.saturating_add(1);
                let limit = datagrams_max.saturating_add(sent.peer);
                if sent.harness > limit {
                    return Err(Stop::Infra(format!("the harness sent more than {limit} datagrams")));
                }
            }
        }
        Ok(())
    }

    fn count_round(&mut self, now: Timestamp) -> Result<(), Stop> {
        if self.rounds.0 != now {
            self.rounds = (now, 0);
        }
        self.rounds.1 = self.rounds.1.saturating_add(1);
        if self.rounds.1 <= ROUNDS_MAX {
            return Ok(());
        }
        Err(Stop::Infra(format!("the engine's timeout at {now:?} does not pass")))
    }
}

/// A datagram on its way into the link.
#[derive(Debug)]
struct Sent {
    from: Side,
    datagram: Datagram,
    nat_t: bool,
    name: Option<MessageName>,
    plain: Option<Plain>,
    /// The steps that edited it, when the message is sent for the first time.
    steps: Vec<usize>,
}
