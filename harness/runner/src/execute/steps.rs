//! What each step does.

use core::net::IpAddr;
use core::time::Duration;

use bytes::Bytes;
use ikev1::error::ApiMisuse;
use ikev1::event::IpsecSaId;
use ikev1::wire::{Doi, Notification, NotifyType, ProtocolId};
use ikev1_scenario::model::{
    Conclude, Expect, ExpectState, NewGroup, Notify, OnSa, Probe, Replay, SaKind, Selector, Settle, Side,
    Start, StartExchange, Step, Traffic, TrafficExpect, When, Which, Whose,
};
use ikev1_scenario::transcript::{Event, Record};

use super::executor::{Executor, Stop};
use super::find;
use crate::driver::{Driver, PeerCommand, SaView};
use crate::link::from_hex;
use crate::packet::Echo;
use crate::settings::{self, PEER_NAME, POLICY_NAME};
use crate::{traffic, view};

/// How often the peer is asked for its SAs while a step waits for them.
const STATE_INTERVAL: Duration = Duration::from_millis(50);
/// How long a message that a rule waits for may be late when the steps end.
const LATE_MAX: Duration = Duration::from_secs(5);

/// How long answers to packets that went out once more are waited for.
const REPLAY_WAIT: Duration = Duration::from_secs(1);

/// How long an echo request waits before it is sent again: the first may overtake the installation of the SAs
/// at a peer that has just got the last message of quick mode.
const ECHO_INTERVAL: Duration = Duration::from_millis(250);

/// Identifier of our echo requests; one case has one series of sequence numbers.
const ECHO_IDENTIFIER: u16 = 0x2409;

impl From<ApiMisuse> for Stop {
    fn from(error: ApiMisuse) -> Self {
        match error {
            ApiMisuse::UnknownSa(_)
            | ApiMisuse::NotEstablished
            | ApiMisuse::NotAnnounced(_)
            | ApiMisuse::Packet(_) => Self::Unmet(error.to_string()),
            _ => Self::Infra(format!("harness engine: {error}")),
        }
    }
}

impl<D: Driver + ?Sized> Executor<'_, D> {
    /// Performs a step.
    pub(super) async fn perform(&mut self, index: usize, step: &Step) -> Result<(), Stop> {
        match step {
            Step::Start(start) => self.start(*start).await,
            Step::Expect(expect) => self.expect(expect).await,
            Step::Fault(_) => {
                Err(Stop::Infra("a fault operator stands in the case in place of what it does".to_owned()))
            }
            Step::Edit(edit) => {
                self.tap.lock().arm(index, edit.clone());
                Ok(())
            }
            Step::EditDatagram(_) | Step::Drop(_) | Step::Duplicate(_) | Step::Delay(_) => {
                self.link.arm(index, step);
                Ok(())
            }
            Step::Inject(inject) => match inject.when {
                When::Now => self.inject(inject, None).await,
                When::Before(_) | When::After(_) => {
                    self.link.arm(index, step);
                    Ok(())
                }
            },
            Step::Replay(replay) => self.replay_step(replay).await,
            Step::Advance(advance) => self.run_for(Duration::from_secs(advance.seconds)).await,
            Step::Settle(settle) => self.settle_step(index, *settle).await,
            Step::Rekey(on) => self.rekey(*on).await,
            Step::Delete(on) => self.delete(*on).await,
            Step::DeleteAll(_) => self.delete_all().await,
            Step::Notify(notify) => self.notify(notify).await,
            Step::Probe(probe) => self.probe(*probe).await,
            Step::NewGroup(new_group) => self.new_group(*new_group).await,
            Step::Rebind(_) => Ok(self.driver.rebind().await?),
            Step::Traffic(traffic) => self.traffic(index, *traffic).await,
            Step::ExpectState(expect) => self.expect_state(*expect).await,
            Step::Conclude(conclude) => self.conclude(*conclude).await,
        }
    }

    async fn start(&mut self, start: Start) -> Result<(), Stop> {
        let now = self.now();
        match (start.by.unwrap_or(self.case.initiator()), start.exchange) {
            (Side::Peer, StartExchange::Phase1) => self.driver.command(PeerCommand::InitiatePhase1).await?,
            (Side::Peer, _) => self.driver.command(PeerCommand::InitiateQuickMode).await?,
            (Side::Harness, StartExchange::Phase1) => {
                self.engine.initiate_phase1(now, PEER_NAME)?;
            }
            (Side::Harness, StartExchange::QuickMode) => {
                let isakmp_sa = view::isakmp_sa(&self.engine, Which::Newest)?;
                self.engine.initiate_quick_mode(now, isakmp_sa, POLICY_NAME)?;
            }
            (Side::Harness, StartExchange::Both) => {
                self.engine.initiate(now, PEER_NAME, POLICY_NAME)?;
            }
        }
        self.drain().await
    }

    async fn expect(&mut self, expect: &Expect) -> Result<(), Stop> {
        let deadline = self.now() + Duration::from_millis(expect.within_ms);
        let mut search = find::Search::new(&expect.message, expect.from);
        if self.run_until(deadline, |executor| search.goes_on_in(executor.recorder.records())).await? {
            return Ok(());
        }
        let seen = last_messages(self.recorder.records(), expect.from);
        let within = expect.within_ms;
        Err(Stop::Unmet(format!(
            "no {} from the {} within {within} ms{seen}",
            shown(&expect.message),
            expect.from
        )))
    }

    async fn settle_step(&mut self, index: usize, settle: Settle) -> Result<(), Stop> {
        let (quiet, within) = (Duration::from_millis(settle.ms), Duration::from_millis(settle.within_ms));
        self.settle(quiet, within).await?;
        // A message that a rule waits for must come before the steps end, or the case has no verdict: the peer may be late.
        let mut later = self.case.steps.iter().skip(index + 1);
        if later.all(|step| matches!(step, Step::ExpectState(_) | Step::Settle(_))) && self.a_rule_waits() {
            let deadline = self.now() + LATE_MAX.min(within);
            if self.run_until(deadline, |executor| !executor.a_rule_waits()).await? {
                self.settle(quiet, within).await?;
            }
        }
        Ok(())
    }

    /// Whether a message has not come yet that a step has a rule for.
    fn a_rule_waits(&self) -> bool {
        self.link.waits() || self.tap.lock().waits()
    }

    async fn conclude(&mut self, conclude: Conclude) -> Result<(), Stop> {
        let deadline = self.now() + Duration::from_millis(conclude.within_ms);
        let (mut seen, mut over) = (0, None);
        let stands = |executor: &Self| match conclude.sa {
            SaKind::Isakmp => executor.engine.isakmp_sas().any(|sa| sa.established),
            SaKind::Ipsec => executor.engine.ipsec_sas().next().is_some(),
        };
        let ended = self
            .run_until(deadline, |executor| {
                let records = executor.recorder.records();
                let new = records.get(seen..).unwrap_or_default();
                over = over.take().or_else(|| new.iter().find_map(find::end_of_hope));
                seen = records.len();
                over.is_some() || stands(executor)
            })
            .await?;
        match over {
            _ if stands(self) => Ok(()),
            Some(over) => Err(Stop::Unmet(over)),
            None if ended => Ok(()),
            None => {
                let seen = last_messages(self.recorder.records(), Side::Peer);
                Err(Stop::Unmet(format!("nothing came of it within {} ms{seen}", conclude.within_ms)))
            }
        }
    }

    async fn replay_step(&mut self, replay: &Replay) -> Result<(), Stop> {
        let Some(mut passed) = self.link.passed(replay.from, &replay.message).cloned() else {
            return Err(Stop::Unmet(format!("{} has not passed yet", shown(&replay.message))));
        };
        if let Some(port) = replay.to_port {
            passed.datagram = self.to_port(&passed.datagram, port);
        }
        for _ in 0..replay.times {
            self.replay(passed.clone()).await?;
        }
        Ok(())
    }

    async fn rekey(&mut self, on: OnSa) -> Result<(), Stop> {
        let now = self.now();
        match (on.by, on.sa) {
            (Side::Peer, SaKind::Isakmp) => self.driver.command(PeerCommand::RekeyIsakmp(on.which)).await?,
            (Side::Peer, SaKind::Ipsec) => self.driver.command(PeerCommand::RekeyIpsec(on.which)).await?,
            (Side::Harness, SaKind::Isakmp) => {
                let sa = view::isakmp_sa(&self.engine, on.which)?;
                self.engine.rekey_isakmp_sa(now, sa)?;
            }
            (Side::Harness, SaKind::Ipsec) => {
                let sa = view::ipsec_sa(&self.engine, on.which)?;
                self.engine.rekey_ipsec_sa(now, sa)?;
            }
        }
        self.drain().await
    }

    async fn delete(&mut self, on: OnSa) -> Result<(), Stop> {
        let now = self.now();
        match (on.by, on.sa) {
            (Side::Peer, SaKind::Isakmp) => self.driver.command(PeerCommand::DeleteIsakmp(on.which)).await?,
            (Side::Peer, SaKind::Ipsec) => self.driver.command(PeerCommand::DeleteIpsec(on.which)).await?,
            (Side::Harness, SaKind::Isakmp) => {
                let sa = view::isakmp_sa(&self.engine, on.which)?;
                self.engine.delete_isakmp_sa(now, sa)?;
            }
            (Side::Harness, SaKind::Ipsec) => {
                let sa = view::ipsec_sa(&self.engine, on.which)?;
                self.engine.delete_ipsec_sa(now, sa)?;
            }
        }
        self.drain().await
    }

    async fn delete_all(&mut self) -> Result<(), Stop> {
        let ids: Vec<_> = self.engine.ipsec_sas().map(|sa| sa.id).collect();
        if ids.is_empty() {
            return Err(Stop::Unmet("no IPsec SA stands".to_owned()));
        }
        self.engine.delete_ipsec_sas(self.driver.now(), &ids)?;
        self.drain().await
    }

    async fn notify(&mut self, notify: &Notify) -> Result<(), Stop> {
        let sa = view::isakmp_sa(&self.engine, Which::Newest)?;
        let notification = Notification {
            doi: Doi::IPSEC,
            protocol: ProtocolId(notify.protocol),
            notify_type: NotifyType(notify.notify_type),
            spi: Bytes::new(),
            data: from_hex("notification data", &notify.data_hex)?.into(),
        };
        self.engine.send_notify(self.driver.now(), sa, notification)?;
        self.drain().await
    }

    async fn probe(&mut self, probe: Probe) -> Result<(), Stop> {
        match probe.by {
            Side::Peer => self.driver.command(PeerCommand::Probe).await?,
            Side::Harness => {
                let sa = view::isakmp_sa(&self.engine, Which::Newest)?;
                self.engine.probe_peer(self.driver.now(), sa)?;
            }
        }
        self.drain().await
    }

    async fn new_group(&mut self, new_group: NewGroup) -> Result<(), Stop> {
        match new_group.by {
            Side::Peer => self.driver.command(PeerCommand::NewGroup).await?,
            Side::Harness => {
                let sa = view::isakmp_sa(&self.engine, Which::Newest)?;
                let (description, group) = settings::private_group(Side::Harness, &self.case.config.harness)?;
                self.engine.define_group(self.driver.now(), sa, description, &group)?;
            }
        }
        self.drain().await
    }

    async fn traffic(&mut self, step: usize, traffic: Traffic) -> Result<(), Stop> {
        let id = view::ipsec_sa(&self.engine, traffic.sa)?;
        let Some(sa) = self.engine.ipsec_sas().find(|sa| sa.id == id) else {
            return Err(Stop::Unmet("the IPsec SA is gone".to_owned()));
        };
        let phase2 = &self.case.config.harness.phase2;
        let (source, destination) = match (self.addresses.harness.ip(), self.addresses.peer.ip()) {
            // Without client identities the SAs are between the ISAKMP addresses (RFC 2409 section 5.5).
            (IpAddr::V4(harness), IpAddr::V4(peer)) if !phase2.ids => (harness, peer),
            _ => settings::client_hosts(Side::Harness, phase2)?,
        };
        self.forget_packets();
        let mut requests = Vec::new();
        for _ in 0..traffic.packets {
            self.echoes = self.echoes.wrapping_add(1);
            let data = b"IPsec SA in both ways";
            let len = traffic.data_bytes.map_or(data.len(), usize::from);
            let data: Vec<_> = data.iter().copied().cycle().take(len).collect();
            requests.push(Echo::request(source, destination, ECHO_IDENTIFIER, self.echoes, &data));
        }
        let compressed_before = self.compressed(&sa.bundle);
        let deadline = self.now() + Duration::from_millis(traffic.within_ms);
        let mut rounds = 0_u32;
        loop {
            for request in &requests {
                if !self.is_answered(request) {
                    self.send_echo(id, request).await?;
                }
            }
            rounds = rounds.saturating_add(1);
            let again = match traffic.expect {
                TrafficExpect::Reply => (self.now() + ECHO_INTERVAL).min(deadline),
                TrafficExpect::None => deadline,
            };
            let wanted = if traffic.expect == TrafficExpect::Reply { requests.len() } else { usize::MAX };
            let done = self.run_until(again, |executor| executor.replies(&requests) >= wanted).await?;
            if done || self.now() >= deadline {
                break;
            }
        }
        let replies = self.replies(&requests);
        let again = match traffic.replayed && replies == requests.len() {
            true => Some(self.replayed(&requests, rounds).await?),
            false => None,
        };
        let mut detail = if rounds > 1 { format!("asked {rounds} times") } else { String::new() };
        if let Some((copies, answered)) = again {
            let comma = if detail.is_empty() { "" } else { ", " };
            detail
                .push_str(&format!("{comma}{answered} answers to {copies} packets that went out once more"));
        }
        let event = Event::Traffic {
            step,
            sent: traffic.packets,
            replied: u32::try_from(replies).unwrap_or(u32::MAX),
            spi_out: sa.spi_out,
            detail,
        };
        self.recorder.push(self.driver.now(), event);
        let (sent, within) = (requests.len(), traffic.within_ms);
        if let Some((copies, answered)) = again.filter(|(copies, answered)| *copies == 0 || *answered > 0) {
            return Err(Stop::Unmet(format!(
                "of {copies} packets that went out once more, which nobody should answer, {answered} were answered"
            )));
        }
        match traffic.expect {
            TrafficExpect::Reply if replies < sent => Err(Stop::Unmet(format!(
                "{replies} of {sent} echo requests were answered within {within} ms"
            ))),
            TrafficExpect::None if replies > 0 => {
                Err(Stop::Unmet(format!("{replies} echo requests were answered, none should be")))
            }
            _ if traffic.compressed => {
                let [out, back] = self.compressed(&sa.bundle);
                let [out_before, back_before] = compressed_before;
                let (out, back) = (out.saturating_sub(out_before), back.saturating_sub(back_before));
                let wanted = u64::from(traffic.packets);
                if out >= wanted && back >= wanted {
                    return Ok(());
                }
                Err(Stop::Unmet(format!(
                    "of {sent} packets {out} went out compressed, and {back} came back so"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Sends the packets of these requests, which went out so many times, once more: how many, and how many answers came.
    async fn replayed(&mut self, requests: &[Echo], rounds: u32) -> Result<(usize, usize), Stop> {
        if rounds > 1 {
            // Answers to earlier packets are not answers to these.
            let until = self.now() + REPLAY_WAIT;
            self.run_until(until, |_| false).await?;
        }
        self.packets.clear();
        let copies = self.send_packets_again().await?;
        let until = self.now() + REPLAY_WAIT;
        self.run_until(until, |_| false).await?;
        let answers = self.packets.iter().filter(|(_, packet, next_header)| {
            requests.iter().any(|request| traffic::is_reply(request, packet, *next_header))
        });
        Ok((copies, answers.count()))
    }

    /// Packets that went out compressed through a bundle, and such that came back.
    fn compressed(&self, bundle: &[IpsecSaId]) -> [u64; 2] {
        let of_bundle = self.engine.ipsec_sas().filter(|sa| bundle.contains(&sa.id));
        let mut compressing = of_bundle.filter(|sa| sa.protocol == ProtocolId::IPCOMP);
        compressing.next().map_or([0; 2], |sa| [sa.packets_out, sa.packets_in])
    }

    async fn send_echo(&mut self, id: IpsecSaId, request: &Echo) -> Result<(), Stop> {
        let encapsulation = self.case.config.harness.phase2.encapsulation;
        let (packet, next_header) =
            traffic::packet(request, encapsulation).map_err(|error| Stop::Infra(error.to_string()))?;
        self.engine.send_packet(self.driver.now(), id, next_header, &packet)?;
        self.drain().await
    }

    fn is_answered(&self, request: &Echo) -> bool {
        self.packets.iter().any(|(_, packet, next_header)| traffic::is_reply(request, packet, *next_header))
    }

    fn replies(&self, requests: &[Echo]) -> usize {
        requests.iter().filter(|request| self.is_answered(request)).count()
    }

    async fn expect_state(&mut self, expect: ExpectState) -> Result<(), Stop> {
        let deadline = self.now() + Duration::from_millis(expect.within_ms);
        loop {
            let mut unmet = Vec::new();
            let harness = view::of_endpoint(&self.engine);
            if expect.of != Whose::Peer {
                unmet.extend(differences(Side::Harness, &harness, &expect));
            }
            // To ask a daemon keeps it from its work, so it is not asked before our own side is there.
            let asked = expect.of != Whose::Harness && (unmet.is_empty() || self.now() >= deadline);
            let peer = if asked { Some(self.driver.state().await?) } else { None };
            if let Some(peer) = &peer {
                unmet.extend(differences(Side::Peer, peer, &expect));
            }
            let now = self.now();
            if unmet.is_empty() || (now >= deadline && (asked || expect.of == Whose::Harness)) {
                if expect.of != Whose::Peer {
                    self.recorder.state(now, Side::Harness, &harness);
                }
                if let Some(peer) = &peer {
                    self.recorder.state(now, Side::Peer, peer);
                }
                if unmet.is_empty() {
                    return Ok(());
                }
                let within = expect.within_ms;
                return Err(Stop::Unmet(format!("{} after {within} ms", unmet.join(", "))));
            }
            self.run_until((now + STATE_INTERVAL).min(deadline), |_| false).await?;
        }
    }
}

/// In which numbers the SAs of a side differ from what is expected.
fn differences(side: Side, view: &SaView, expect: &ExpectState) -> Vec<String> {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let isakmp = count(view.isakmp_sas.iter().filter(|sa| sa.established).count());
    let ipsec = count(view.ipsec_sas.len());
    [("ISAKMP SAs", isakmp, expect.isakmp_sas), ("IPsec SA pairs", ipsec, expect.ipsec_sas)]
        .into_iter()
        .filter_map(|(what, got, wanted)| {
            let wanted = wanted.filter(|wanted| !wanted.admits(got))?;
            Some(format!("the {side} has {got} {what}, expected {wanted}"))
        })
        .collect()
}

fn shown(selector: &Selector) -> String {
    let Selector { exchange, number, occurrence, .. } = selector;
    let which = if *occurrence > 1 { format!(" of exchange {occurrence}") } else { String::new() };
    format!("{exchange} message {number}{which}")
}

/// The last message that a side sent, in words.
fn last_messages(records: &[Record], from: Side) -> String {
    let last = records.iter().rev().find_map(|record| match &record.event {
        Event::Datagram(datagram) if datagram.from == from => datagram.message,
        _ => None,
    });
    last.map_or_else(|| "; it sent none".to_owned(), |name| format!("; its last was {name}"))
}
