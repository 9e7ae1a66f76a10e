//! What happens to SAs: established, replaced, deleted.

use core::time::Duration;

use bytes::Bytes;

use super::Endpoint;
use crate::config::{IpsecProtocol, PeerConfig, Phase1Mode};
use crate::core::{Envelope, Path};
use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::esp::{ReplayWindow, SequenceCounter};
use crate::event::{DeleteReason, Event, IpsecSaId, IsakmpSaId, Role};
use crate::io::Timestamp;
use crate::phase2::informational;
use crate::phase2::lifetime::{self, Life};
use crate::phase2::negotiate::{protocol_id, spi_number, spi_octets};
use crate::phase2::quick_mode::{Outcome, OutcomePair, OutcomeSa, Step};
use crate::retransmit::Conversation;
use crate::sa::{IpsecSaPair, IsakmpSa, Phase2};
use crate::timer::Timer;
use crate::wire::{
    CookiePair, Delete, ExchangeType, Flags, Header, Identification, MessageId, Notification, NotifyType,
    Payload, ProtocolId,
};

/// How long a replaced SA stays, so that what the peer already sent under it still arrives.
const REPLACED_GRACE: Duration = Duration::from_secs(2);

/// What the pairs of a bundle have in common, and what a new one is.
struct Made {
    id: IpsecSaId,
    m_id: MessageId,
    bundle: Vec<IpsecSaId>,
    policy: usize,
    place: usize,
    role: Role,
    clients: Option<(Identification, Identification)>,
    replaces: Option<IpsecSaId>,
    made: u64,
}

impl Endpoint {
    /// Phase 1 is complete.
    pub(super) fn isakmp_sa_established(&mut self, id: IsakmpSaId) {
        let Some(sa) = self.isakmp.get_mut(&id) else { return };
        let peer_index = sa.peer;
        let Some(peer) = self.peers.get(peer_index) else { return };
        let offered = sa.established().and_then(|established| established.lifetime);
        let lifetime = offered.map_or(peer.phase1_lifetime, |offered| offered.min(peer.phase1_lifetime));
        let own_life = deviates(Deviation::IgnoresTheOfferedLife);
        let lifetime = if own_life { peer.phase1_lifetime } else { lifetime };
        let expires = self.core.now + lifetime;
        sa.expires = Some(expires);
        self.core.timers.stop(Timer::HalfOpen(id));
        self.core.timers.set(Timer::ExpireIsakmp(id), expires);
        if let Some(at) = rekey_time(peer, self.core.now, lifetime)
            && sa.role == Role::Initiator
        {
            self.core.timers.set(Timer::RekeyIsakmp(id), at);
        }
        let (cookies, role, mode) = (sa.cookies, sa.role, peer.mode);
        let mut discarded = core::mem::take(&mut sa.discarded);
        discarded.sort_unstable();
        discarded.dedup();
        if !peer.notify_discarded {
            discarded.clear();
        }
        // No message of aggressive mode may have it (RFC 2407 section 4.6.3); main mode 5 and 6 do.
        let says_initial_contact = peer.initial_contact && mode == Phase1Mode::Aggressive;
        let shorter = offered.is_some_and(|offered| lifetime < offered);
        let says_lifetime = peer.responder_lifetime && role == Role::Responder && shorter;
        if let Some(remote) = sa.first_from {
            self.half_open.remove(id, remote.ip(), sa.began);
        }
        self.core.event(Event::IsakmpSaEstablished { sa: id, cookies, role });
        if says_initial_contact && !self.other_sa_stands(peer_index, id) {
            let mut notification = Notification::isakmp(NotifyType::INITIAL_CONTACT);
            notification.spi = Bytes::copy_from_slice(&cookies.to_bytes());
            self.send_informational(id, Payload::Notification(notification));
        }
        if says_lifetime {
            let cookies = Bytes::copy_from_slice(&cookies.to_bytes());
            let life = Life { time: lifetime, kilobytes: None };
            let notification = lifetime::notification(ProtocolId::ISAKMP, cookies, life);
            self.send_informational(id, Payload::Notification(notification));
        }
        if !discarded.is_empty() {
            let notifications = discarded.into_iter().map(|notify_type| {
                let mut notification = Notification::isakmp(notify_type);
                notification.spi = Bytes::copy_from_slice(&cookies.to_bytes());
                Payload::Notification(notification)
            });
            self.send_informational_payloads(id, &notifications.collect::<Vec<_>>());
        }
        self.watch_peer(id);
        self.keep_mapping_alive(id);
        self.begin_transactions(id);
    }

    /// Phase 1 and what must follow it is complete: the SA takes its place, and quick modes may start.
    pub(super) fn isakmp_sa_ready(&mut self, id: IsakmpSaId) {
        if self.isakmp.get(&id).is_none_or(IsakmpSa::is_ready) {
            return;
        }
        let completed = self.count_sa();
        self.isakmp.complete(id, completed);
        self.core.timers.stop(Timer::NotReady(id));
        let Some(sa) = self.isakmp.get_mut(&id) else { return };
        let waiting = core::mem::take(&mut sa.waiting);
        let says_so = sa.established().is_some_and(|established| established.initial_contact);
        if says_so && !deviates(Deviation::IgnoresInitialContact) {
            self.initial_contact(id);
        }
        self.supersede_others(id);
        for (policy, replaces) in waiting {
            if let Err(error) = self.start_quick_mode(id, policy, replaces) {
                self.not_replaced(replaces);
                self.core.event(Event::ExchangeFailed {
                    sa: id,
                    exchange: ExchangeType::QUICK_MODE,
                    m_id: MessageId::PHASE_1,
                    error,
                });
            }
        }
    }

    /// The newest ISAKMP SA takes over the peer's IPsec SAs; the SA that it replaces goes after a grace, and the
    /// oldest beyond the bound at once.
    fn supersede_others(&mut self, newest: IsakmpSaId) {
        let Some(sa) = self.isakmp.get(&newest) else { return };
        let Some(remote) = sa.remote() else { return };
        let (replaces, path, nat) = (sa.replaces, sa.path, sa.nat());
        let pairs: Vec<_> = self.ipsec.with_remote(remote).collect();
        for pair in pairs {
            let Some(pair) = self.ipsec.get_mut(pair) else { continue };
            pair.isakmp_sa = newest;
            if pair.path.nat_t && path.nat_t {
                // The NAT may have given the new phase 1 another port.
                pair.path = path;
                pair.nat = nat;
            }
        }
        let same: Vec<_> = self.isakmp.with_remote(remote).map(|(_, id)| id).collect();
        let beyond = same.len().saturating_sub(self.core.limits.isakmp_sas_per_peer_max.max(1));
        for oldest in same.into_iter().take(beyond) {
            self.send_isakmp_delete(oldest);
            self.remove_isakmp_sa(oldest, DeleteReason::Replaced);
        }
        if let Some(old) = replaces.and_then(|id| self.isakmp.get_mut(&id)) {
            old.superseded = true;
            let end = (self.core.now + REPLACED_GRACE).min(old.expires.unwrap_or(Timestamp::ZERO));
            self.core.timers.stop(Timer::RekeyIsakmp(old.id));
            self.core.timers.set(Timer::ExpireIsakmp(old.id), end);
        }
    }

    /// The quick mode that was to replace a pair of IPsec SAs came to nothing.
    fn not_replaced(&mut self, pair: Option<IpsecSaId>) {
        if let Some(pair) = pair {
            self.set_being_replaced(pair, false);
        }
    }

    /// Starts a quick mode under an established ISAKMP SA.
    pub(super) fn start_quick_mode(
        &mut self,
        id: IsakmpSaId,
        policy: usize,
        replaces: Option<IpsecSaId>,
    ) -> Result<MessageId, ExchangeError> {
        let m_id = self.new_m_id(id);
        let step = self
            .with_quick_mode(id, m_id, |cx| crate::phase2::quick_mode::initiate(cx, policy, replaces))
            .ok_or(ExchangeError::SaDeleted)??;
        if let Some(old) = replaces {
            self.set_being_replaced(old, true);
        }
        self.quick_mode_step(id, m_id, Conversation::default(), step, None);
        Ok(m_id)
    }

    /// Stores what a quick mode message led to.
    pub(super) fn quick_mode_step(
        &mut self,
        id: IsakmpSaId,
        m_id: MessageId,
        mut conversation: Conversation,
        step: Step,
        digest: Option<Vec<u8>>,
    ) {
        let timer = Timer::RetransmitPhase2(id, m_id);
        if let Some(digest) = digest {
            conversation.handled(&mut self.core, digest, timer);
        }
        let Some(sa) = self.isakmp.get_mut(&id) else { return };
        let Some(peer) = self.peers.get(sa.peer) else { return };
        if let Some(sent) = &step.sent {
            let policy = step.retransmit.then_some(&peer.retransmission);
            conversation.sent(&mut self.core, sent, timer, policy);
        }
        sa.phase2.insert(m_id, Phase2 { conversation, state: step.state });
        let Some(outcome) = step.outcome else { return };
        // The exchange stays to answer repeated messages until newer ones push it out.
        let max = self.core.limits.finished_m_ids_max;
        sa.use_m_id(m_id, max);
        let keep = self.core.limits.duplicates_max;
        let done: Vec<MessageId> =
            sa.used_m_ids.iter().filter(|m_id| sa.phase2.contains_key(m_id)).copied().collect();
        for old in done.iter().take(done.len().saturating_sub(keep)) {
            sa.phase2.remove(old);
        }
        self.ipsec_sas_established(id, outcome);
    }

    /// A quick mode is complete.
    fn ipsec_sas_established(&mut self, isakmp_sa: IsakmpSaId, mut outcome: Outcome) {
        for sa in core::mem::take(&mut outcome.sas) {
            self.ipsec_sa_established(isakmp_sa, &outcome, sa);
        }
    }

    /// What one of its SA payloads gives.
    fn ipsec_sa_established(&mut self, isakmp_sa: IsakmpSaId, outcome: &Outcome, sa: OutcomeSa) {
        let made = self.count_sa();
        let mut ids: Vec<_> =
            sa.pairs.iter().map(|pair| (pair.chosen.protocol, self.new_ipsec_id())).collect();
        let in_order = ids.clone();
        // RFC 2401 section 4.3: AH covers what ESP has made of the packet, which no one could compress any more.
        ids.sort_by_key(|(protocol, _)| match protocol {
            IpsecProtocol::Ipcomp => 0,
            IpsecProtocol::Esp => 1,
            IpsecProtocol::Ah => 2,
        });
        let bundle: Vec<_> = ids.into_iter().map(|(_, id)| id).collect();
        let old = outcome.replaces.map(|old| self.bundle_of(old)).unwrap_or_default();
        let old: Vec<_> = old.into_iter().filter(|old| self.ipsec.get(*old).is_some()).collect();
        let Outcome { m_id, policy, role, ref clients, .. } = *outcome;
        for (pair, (protocol, id)) in sa.pairs.into_iter().zip(in_order) {
            let same =
                |old: &&IpsecSaId| self.ipsec.get(**old).is_some_and(|old| old.chosen.protocol == protocol);
            let made = Made {
                id,
                m_id,
                bundle: bundle.clone(),
                policy,
                place: sa.place,
                role,
                clients: clients.clone(),
                replaces: old.iter().find(same).or(old.first()).copied(),
                made,
            };
            self.insert_pair(isakmp_sa, made, pair);
        }
        for old in old {
            self.core.timers.stop(Timer::RekeyIpsec(old));
            self.core.timers.set(Timer::ExpireIpsec(old), self.core.now + REPLACED_GRACE);
        }
    }

    /// One pair of a bundle.
    fn insert_pair(&mut self, isakmp_sa: IsakmpSaId, made: Made, pair: OutcomePair) {
        let Some(sa) = self.isakmp.get(&isakmp_sa) else { return };
        let Some((peer_index, remote_id)) = sa.remote().map(|(peer, id)| (peer, id.clone())) else { return };
        let (path, nat, made_under) = (sa.path, sa.nat(), sa.cookies);
        let Some(peer) = self.peers.get(peer_index) else { return };
        let Some(policy) = peer.ipsec.get(made.policy) else { return };
        let offered = Life::offered(pair.chosen.lifetime, pair.chosen.kilobytes);
        let mut life = offered.shorter(Life::of_policy(policy));
        if deviates(Deviation::IgnoresTheOfferedLife) {
            life = Life::of_policy(policy);
        }
        if deviates(Deviation::IpsecSaExpiresAtOnce) {
            life.time = Duration::from_secs(1);
        }
        let lifetime = life.time;
        let expires = self.core.now + lifetime;
        let rekey = rekey_time(peer, self.core.now, lifetime);
        let id = made.id;
        self.core.timers.set(Timer::ExpireIpsec(id), expires);
        // One pair of a bundle has them all replaced.
        if let Some(at) = rekey
            && made.role == Role::Initiator
            && made.bundle.first() == Some(&id)
        {
            self.core.timers.set(Timer::RekeyIpsec(id), at);
        }
        let (spi_in, spi_out, protocol) =
            (pair.spi_in, pair.chosen.peer_spi, protocol_id(pair.chosen.protocol));
        let counter = match pair.chosen.transform.extended_sequence_numbers {
            true => SequenceCounter::extended_after(0),
            false => SequenceCounter::default(),
        };
        self.ipsec.release_spi(spi_in);
        self.ipsec.insert(IpsecSaPair {
            id,
            isakmp_sa,
            peer: peer_index,
            policy: made.policy,
            place: made.place,
            role: made.role,
            made_under,
            m_id: made.m_id,
            bundle: made.bundle,
            chosen: pair.chosen,
            clients: made.clients,
            spi_in,
            inbound: pair.inbound,
            outbound: pair.outbound,
            window: ReplayWindow::default(),
            counter,
            path,
            nat,
            packets_in: 0,
            packets_out: 0,
            bytes_in: 0,
            bytes_out: 0,
            bytes_max: life.bytes(),
            expires,
            being_replaced: false,
            remote_id,
            made: made.made,
        });
        let replaces = made.replaces;
        self.core.event(Event::IpsecSaEstablished { sa: id, isakmp_sa, protocol, spi_in, spi_out, replaces });
    }

    /// All pairs of the bundle that a pair belongs to; none when it does not stand.
    pub(super) fn bundle_of(&self, id: IpsecSaId) -> Vec<IpsecSaId> {
        self.ipsec.get(id).map(|pair| pair.bundle.clone()).unwrap_or_default()
    }

    /// Marks a bundle as one that a quick mode is to replace.
    pub(super) fn set_being_replaced(&mut self, id: IpsecSaId, being_replaced: bool) {
        for id in self.bundle_of(id) {
            if let Some(pair) = self.ipsec.get_mut(id) {
                pair.being_replaced = being_replaced;
            }
        }
    }

    /// When an SA that lives for `lifetime` from now is to be replaced.
    pub(super) fn rekey_after(&self, id: IsakmpSaId, lifetime: Option<Duration>) -> Option<Timestamp> {
        let peer = self.isakmp.get(&id).and_then(|sa| self.peers.get(sa.peer))?;
        rekey_time(peer, self.core.now, lifetime?)
    }

    /// Ends an ISAKMP SA. Its IPsec SAs stay: they have lives of their own.
    pub(super) fn remove_isakmp_sa(&mut self, id: IsakmpSaId, reason: DeleteReason) {
        let Some(sa) = self.isakmp.remove(id) else { return };
        for timer in [
            Timer::RetransmitPhase1(id),
            Timer::HalfOpen(id),
            Timer::RekeyIsakmp(id),
            Timer::ExpireIsakmp(id),
            Timer::Reassembly(id),
            Timer::DeadPeer(id),
            Timer::NotReady(id),
        ] {
            self.core.timers.stop(timer);
        }
        self.by_cookies.remove(&sa.cookies);
        let established = sa.established().is_some();
        if let Some(remote) = sa.first_from {
            self.by_first_message.remove(&(sa.cookies.initiator, remote));
            if !established {
                self.half_open.remove(id, remote.ip(), sa.began);
            }
        } else if sa.cookies.responder.is_zero() {
            self.by_initiator_cookie.remove(&sa.cookies.initiator);
        }
        for (_, pair) in &sa.waiting {
            self.not_replaced(*pair);
        }
        self.release_address(id, sa.peer, sa.transactions.assigned);
        for m_id in sa.transactions.exchanges.keys().chain(sa.new_groups.exchanges.keys()) {
            self.core.timers.stop(Timer::RetransmitPhase2(id, *m_id));
        }
        for (m_id, exchange) in &sa.phase2 {
            self.core.timers.stop(Timer::RetransmitPhase2(id, *m_id));
            if exchange.state.is_running() {
                exchange.state.reserved_spis().into_iter().for_each(|spi| self.ipsec.release_spi(spi));
                self.not_replaced(exchange.state.replaces());
                self.core.event(Event::ExchangeFailed {
                    sa: id,
                    exchange: ExchangeType::QUICK_MODE,
                    m_id: *m_id,
                    error: ExchangeError::SaDeleted,
                });
            }
        }
        for (m_id, _) in sa.new_groups.exchanges.iter().filter(|(_, exchange)| exchange.awaits.is_some()) {
            self.core.event(Event::ExchangeFailed {
                sa: id,
                exchange: ExchangeType::NEW_GROUP_MODE,
                m_id: *m_id,
                error: ExchangeError::SaDeleted,
            });
        }
        if established {
            self.core.event(Event::IsakmpSaDeleted { sa: id, cookies: sa.cookies, reason });
        }
    }

    /// Ends a pair of IPsec SAs.
    pub(super) fn remove_ipsec_sa(&mut self, id: IpsecSaId, reason: DeleteReason) {
        let Some(pair) = self.ipsec.remove(id) else { return };
        self.core.timers.stop(Timer::RekeyIpsec(id));
        self.core.timers.stop(Timer::ExpireIpsec(id));
        self.core.event(Event::IpsecSaDeleted { sa: id, spi_in: pair.spi_in, reason });
    }

    /// Tells the peer that a pair of IPsec SAs is gone: our inbound SPI (RFC 2408 section 3.15).
    pub(super) fn send_ipsec_delete(&mut self, id: IpsecSaId) {
        let Some(pair) = self.ipsec.get(id) else { return };
        let (protocol, spi) =
            (protocol_id(pair.chosen.protocol), spi_octets(pair.chosen.protocol, pair.spi_in));
        let spi = if deviates(Deviation::DeletesWithThePeersSpi) {
            spi_octets(pair.chosen.protocol, pair.chosen.peer_spi)
        } else {
            spi
        };
        let usable = self.usable_isakmp_sa(pair.isakmp_sa, pair.peer, Some(&pair.remote_id));
        let Some(isakmp_sa) =
            usable.or_else(|| self.isakmp.contains_key(&pair.isakmp_sa).then_some(pair.isakmp_sa))
        else {
            return;
        };
        let delete = Delete::new(protocol, vec![spi]);
        self.send_informational(isakmp_sa, Payload::Delete(delete));
    }

    /// Tells the peer that an ISAKMP SA is gone.
    pub(super) fn send_isakmp_delete(&mut self, id: IsakmpSaId) {
        let Some(cookies) = self.isakmp.get(&id).map(|sa| sa.cookies) else { return };
        self.send_informational(id, Payload::Delete(Delete::isakmp_sa(cookies)));
    }

    /// Sends a payload in a protected informational exchange; without keys nothing is sent.
    pub(super) fn send_informational(&mut self, id: IsakmpSaId, payload: Payload) {
        self.send_informational_payloads(id, &[payload]);
    }

    /// The same with several payloads in one message.
    pub(super) fn send_informational_payloads(&mut self, id: IsakmpSaId, payloads: &[Payload]) {
        if deviates(Deviation::SendsNoDelete) && matches!(payloads, [Payload::Delete(_)]) {
            return;
        }
        let m_id = self.new_m_id(id);
        let sent = self.with_quick_mode(id, m_id, |cx| informational::send(cx, payloads));
        let max = self.core.limits.finished_m_ids_max;
        if let Some(sa) = self.isakmp.get_mut(&id) {
            sa.use_m_id(m_id, max);
        }
        if let Some(Err(error)) = sent {
            self.core.event(Event::ExchangeFailed {
                sa: id,
                exchange: ExchangeType::INFORMATIONAL,
                m_id,
                error,
            });
        }
    }

    /// Answers a refused message: protected when the ISAKMP SA stands, else in the clear (RFC 2409 section 5.7).
    pub(super) fn answer_with_notify(&mut self, path: &Path, header: &Header, error: &ExchangeError) {
        let Some(notify_type) = error.notify_type().filter(|_| !deviates(Deviation::SendsNoNotification))
        else {
            return;
        };
        let mut notification = Notification::isakmp(notify_type);
        notification.spi = Bytes::copy_from_slice(&header.cookies.to_bytes());
        let id = self.by_cookies.get(&header.cookies).copied();
        if let Some(id) = id
            && let Some(sa) = self.isakmp.get_mut(&id).filter(|sa| sa.established().is_some())
        {
            // What no HASH vouches for can come from anyone; a protected answer would lend it weight.
            let answer = header.flags.contains(Flags::ENCRYPTION)
                && error.is_about_authenticated_content()
                && sa.refusals_answered < self.core.limits.refusals_answered_max;
            if answer {
                sa.refusals_answered = sa.refusals_answered.saturating_add(1);
                self.send_informational(id, Payload::Notification(notification));
            }
            return;
        }
        let envelope = Envelope {
            path: *path,
            cookies: header.cookies,
            exchange: ExchangeType::INFORMATIONAL,
            m_id: MessageId(u32::from_be_bytes(self.core.random_bytes())),
            number: 1,
        };
        self.core.send_clear(&envelope, &[Payload::Notification(notification)]);
    }

    /// Acts on an authenticated Notification payload.
    ///
    /// # Errors
    ///
    /// Why the payload is discarded (RFC 2408 section 5.14).
    pub(super) fn notified(
        &mut self,
        id: IsakmpSaId,
        notification: &Notification,
    ) -> Result<(), ExchangeError> {
        informational::check_notification(notification)?;
        let notify_type = notification.notify_type;
        match notify_type {
            NotifyType::R_U_THERE | NotifyType::R_U_THERE_ACK => self.dpd_notified(id, notification)?,
            NotifyType::INITIAL_CONTACT if deviates(Deviation::IgnoresInitialContact) => {}
            NotifyType::INITIAL_CONTACT => self.initial_contact(id),
            NotifyType::RESPONDER_LIFETIME => self.responder_lifetime(id, notification)?,
            _ if refuses_quick_mode(notify_type) && !self.fail_refused_new_group(id, notify_type) => {
                self.fail_refused_quick_mode(id, notify_type);
            }
            _ => {}
        }
        self.core.event(Event::Notified {
            sa: Some(id),
            notify_type,
            authenticated: true,
            data: notification.data.clone(),
        });
        Ok(())
    }

    /// The peer says that it had no SA with us before this one (RFC 2407 section 4.6.3.3): what stood when its phase 1
    /// began is gone. Later SAs stay, as the two sides may have set up some at the same time, and so that a message
    /// that comes again does no harm.
    pub(super) fn initial_contact(&mut self, id: IsakmpSaId) {
        let Some((remote, began)) = self.isakmp.get(&id).and_then(|sa| Some((sa.remote()?, sa.began))) else {
            return;
        };
        let before = self.isakmp.with_remote(remote).take_while(|(completed, _)| *completed < began);
        let old: Vec<IsakmpSaId> = before.map(|(_, id)| id).collect();
        let pairs: Vec<IpsecSaId> = self
            .ipsec
            .with_remote(remote)
            .filter(|id| self.ipsec.get(*id).is_some_and(|pair| pair.made < began))
            .collect();
        for pair in pairs {
            self.remove_ipsec_sa(pair, DeleteReason::InitialContact);
        }
        for sa in old {
            self.remove_isakmp_sa(sa, DeleteReason::InitialContact);
        }
    }

    /// An error notify has an M-ID of its own; it can only be about a quick mode when just one waits for an answer.
    fn fail_refused_quick_mode(&mut self, id: IsakmpSaId, notify_type: NotifyType) {
        let Some(sa) = self.isakmp.get(&id) else { return };
        let mut waiting = sa.phase2.iter().filter(|(_, exchange)| exchange.state.awaits_reply());
        if let (Some((m_id, _)), None) = (waiting.next(), waiting.next()) {
            let m_id = *m_id;
            self.fail_quick_mode(id, m_id, ExchangeError::PeerNotified(notify_type));
        }
    }

    /// Ends a quick mode without SAs.
    pub(super) fn fail_quick_mode(&mut self, id: IsakmpSaId, m_id: MessageId, error: ExchangeError) {
        self.core.timers.stop(Timer::RetransmitPhase2(id, m_id));
        let max = self.core.limits.finished_m_ids_max;
        let Some(sa) = self.isakmp.get_mut(&id) else { return };
        sa.use_m_id(m_id, max);
        let Some(exchange) = sa.phase2.remove(&m_id) else { return };
        exchange.state.reserved_spis().into_iter().for_each(|spi| self.ipsec.release_spi(spi));
        self.not_replaced(exchange.state.replaces());
        self.core.event(Event::ExchangeFailed { sa: id, exchange: ExchangeType::QUICK_MODE, m_id, error });
    }

    /// Acts on an authenticated Delete payload of the peer `remote`: each SPI in it names an SA of the peer (RFC 2408
    /// section 5.15). What it does not name stays: deleting an ISAKMP SA leaves its IPsec SAs.
    ///
    /// # Errors
    ///
    /// Why the payload is discarded, or that some of its SPIs name nothing; the others are acted on.
    pub(super) fn peer_deletes(
        &mut self,
        remote: (usize, &Identification),
        delete: &Delete,
    ) -> Result<(), ExchangeError> {
        informational::check_delete(delete)?;
        let mut unknown = 0_usize;
        let heeded = if deviates(Deviation::ReadsTheFirstSpiOnly) { 1 } else { usize::MAX };
        for spi in delete.spis.iter().take(heeded) {
            let known = if delete.protocol == ProtocolId::ISAKMP {
                self.peer_deletes_isakmp_sa(remote, spi)
            } else {
                self.peer_deletes_ipsec_sa(remote, delete.protocol, spi)
            };
            unknown = unknown.saturating_add(usize::from(!known));
        }
        if unknown > 0 { Err(ExchangeError::UnknownSpis(unknown)) } else { Ok(()) }
    }

    fn peer_deletes_isakmp_sa(&mut self, remote: (usize, &Identification), spi: &[u8]) -> bool {
        let named = CookiePair::from_bytes(spi).and_then(|cookies| self.by_cookies.get(&cookies));
        let sa = named.and_then(|id| self.isakmp.get(id)).filter(|sa| sa.remote() == Some(remote));
        let Some(id) = sa.map(|sa| sa.id) else { return false };
        self.remove_isakmp_sa(id, DeleteReason::PeerDeleted);
        true
    }

    fn peer_deletes_ipsec_sa(
        &mut self,
        remote: (usize, &Identification),
        protocol: ProtocolId,
        spi: &Bytes,
    ) -> bool {
        let Some(spi) = spi_number(protocol, spi) else { return false };
        let named = self.ipsec.with_spi_out(remote, spi).find(|id| {
            let pair = self.ipsec.get(*id);
            let any = deviates(Deviation::DeletesWhateverTheProtocol);
            pair.is_some_and(|pair| any || protocol_id(pair.chosen.protocol) == protocol)
        });
        let Some(id) = named else { return false };
        self.remove_ipsec_sa(id, DeleteReason::PeerDeleted);
        true
    }
}

/// When the initiator of an SA replaces it; `None` when SAs are left to expire. A margin as long as the lifetime would
/// replace the SA as soon as it stands, for ever; half the lifetime is used then.
fn rekey_time(peer: &PeerConfig, now: Timestamp, lifetime: Duration) -> Option<Timestamp> {
    let margin = if peer.rekey_margin < lifetime { peer.rekey_margin } else { lifetime / 2 };
    let rekey = peer.rekey && !deviates(Deviation::DoesNotReplaceSas);
    (rekey && !lifetime.is_zero()).then(|| now + lifetime.saturating_sub(margin))
}

/// Whether an error notify can be the answer to quick mode 1. The others also answer messages whose HASH(1) did not
/// verify, so anyone could provoke them.
fn refuses_quick_mode(notify_type: NotifyType) -> bool {
    matches!(
        notify_type,
        NotifyType::NO_PROPOSAL_CHOSEN
            | NotifyType::BAD_PROPOSAL_SYNTAX
            | NotifyType::ATTRIBUTES_NOT_SUPPORTED
            | NotifyType::INVALID_PROTOCOL_ID
            | NotifyType::INVALID_SPI
            | NotifyType::INVALID_TRANSFORM_ID
            | NotifyType::DOI_NOT_SUPPORTED
            | NotifyType::SITUATION_NOT_SUPPORTED
            | NotifyType::INVALID_ID_INFORMATION
            | NotifyType::INVALID_KEY_INFORMATION
    )
}
