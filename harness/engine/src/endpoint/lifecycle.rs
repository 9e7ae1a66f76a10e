//! What happens to SAs: established, replaced, deleted.

use core::time::Duration;

use bytes::Bytes;

use super::Endpoint;
use crate::config::PeerConfig;
use crate::core::{Envelope, Path};
use crate::error::ExchangeError;
use crate::esp::{ReplayWindow, SequenceCounter};
use crate::event::{DeleteReason, Event, IpsecSaId, IsakmpSaId, Role};
use crate::io::Timestamp;
use crate::phase2::informational;
use crate::phase2::negotiate::protocol_id;
use crate::phase2::quick_mode::{Outcome, Step};
use crate::retransmit::Conversation;
use crate::sa::{IpsecSaPair, Phase2};
use crate::timer::Timer;
use crate::wire::{
    Delete, ExchangeType, Flags, Header, MessageId, Notification, NotifyType, Payload, ProtocolId, Spi,
};

/// How long a replaced SA stays, so that what the peer already sent under it still arrives.
const REPLACED_GRACE: Duration = Duration::from_secs(2);
/// RFC 2407 section 4.5: the life of an IPsec SA whose transform says none.
const DEFAULT_IPSEC_LIFETIME: Duration = Duration::from_secs(28_800);

impl Endpoint {
    /// Phase 1 is complete.
    pub(super) fn isakmp_sa_established(&mut self, id: IsakmpSaId) {
        let completed = self.count_sa();
        let Some(sa) = self.isakmp.get_mut(&id) else { return };
        let Some(peer) = self.peers.get(sa.peer) else { return };
        sa.completed = Some(completed);
        let initial_contact = sa.established().is_some_and(|established| established.initial_contact);
        let offered = sa.established().and_then(|established| established.lifetime);
        let lifetime = offered.map_or(peer.phase1_lifetime, |offered| offered.min(peer.phase1_lifetime));
        let expires = self.core.now + lifetime;
        sa.expires = Some(expires);
        self.core.timers.stop(Timer::HalfOpen(id));
        self.core.timers.set(Timer::ExpireIsakmp(id), expires);
        if let Some(at) = rekey_time(peer, self.core.now, lifetime)
            && sa.role == Role::Initiator
        {
            self.core.timers.set(Timer::RekeyIsakmp(id), at);
        }
        let (cookies, role) = (sa.cookies, sa.role);
        let waiting = core::mem::take(&mut sa.waiting);
        if role == Role::Responder {
            self.half_open = self.half_open.saturating_sub(1);
        }
        self.core.event(Event::IsakmpSaEstablished { sa: id, cookies, role });
        if initial_contact {
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
        let (replaces, path) = (sa.replaces, sa.path);
        for pair in self.ipsec.iter_mut().filter(|pair| (pair.peer, &pair.remote_id) == remote) {
            pair.isakmp_sa = newest;
            if pair.path.nat_t && path.nat_t {
                // The NAT may have given the new phase 1 another port.
                pair.path = path;
            }
        }
        let mut same: Vec<_> = self
            .isakmp
            .values()
            .filter(|sa| sa.remote() == Some(remote))
            .map(|sa| (sa.completed, sa.id))
            .collect();
        same.sort_unstable();
        let beyond = same.len().saturating_sub(self.core.limits.isakmp_sas_per_peer_max.max(1));
        for (_, oldest) in same.into_iter().take(beyond) {
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
        if let Some(pair) = pair.and_then(|pair| self.ipsec.get_mut(pair)) {
            pair.being_replaced = false;
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
        if let Some(pair) = replaces.and_then(|old| self.ipsec.get_mut(old)) {
            pair.being_replaced = true;
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
        self.ipsec_sa_established(id, outcome);
    }

    fn ipsec_sa_established(&mut self, isakmp_sa: IsakmpSaId, outcome: Outcome) {
        let Some(sa) = self.isakmp.get(&isakmp_sa) else { return };
        let Some((peer_index, remote_id)) = sa.remote().map(|(peer, id)| (peer, id.clone())) else { return };
        let path = sa.path;
        let Some(peer) = self.peers.get(peer_index) else { return };
        let Some(policy) = peer.ipsec.get(outcome.policy) else { return };
        let offered = outcome.chosen.lifetime.unwrap_or(DEFAULT_IPSEC_LIFETIME);
        let lifetime = offered.min(policy.lifetime);
        let expires = self.core.now + lifetime;
        let rekey = rekey_time(peer, self.core.now, lifetime);
        let (id, made) = (self.new_ipsec_id(), self.count_sa());
        self.core.timers.set(Timer::ExpireIpsec(id), expires);
        if let Some(at) = rekey
            && outcome.role == Role::Initiator
        {
            self.core.timers.set(Timer::RekeyIpsec(id), at);
        }
        let (spi_in, spi_out) = (outcome.spi_in, outcome.chosen.peer_spi);
        self.ipsec.release_spi(spi_in);
        self.ipsec.insert(IpsecSaPair {
            id,
            isakmp_sa,
            peer: peer_index,
            policy: outcome.policy,
            role: outcome.role,
            chosen: outcome.chosen,
            spi_in,
            inbound: outcome.inbound,
            outbound: outcome.outbound,
            window: ReplayWindow::default(),
            counter: SequenceCounter::default(),
            path,
            packets_in: 0,
            packets_out: 0,
            expires,
            being_replaced: false,
            remote_id,
            made,
        });
        let replaces = outcome.replaces.filter(|old| self.ipsec.get(*old).is_some());
        self.core.event(Event::IpsecSaEstablished {
            sa: id,
            isakmp_sa,
            protocol: protocol_id(outcome.chosen.protocol),
            spi_in,
            spi_out,
            replaces,
        });
        if let Some(old) = replaces {
            self.core.timers.stop(Timer::RekeyIpsec(old));
            self.core.timers.set(Timer::ExpireIpsec(old), self.core.now + REPLACED_GRACE);
        }
    }

    /// Ends an ISAKMP SA. Its IPsec SAs stay: they have lives of their own.
    pub(super) fn remove_isakmp_sa(&mut self, id: IsakmpSaId, reason: DeleteReason) {
        let Some(sa) = self.isakmp.remove(&id) else { return };
        for timer in [
            Timer::RetransmitPhase1(id),
            Timer::HalfOpen(id),
            Timer::RekeyIsakmp(id),
            Timer::ExpireIsakmp(id),
        ] {
            self.core.timers.stop(timer);
        }
        self.by_cookies.remove(&sa.cookies);
        self.by_initiator_cookie.retain(|_, other| *other != id);
        self.by_first_message.retain(|_, other| *other != id);
        let established = sa.established().is_some();
        if !established && sa.role == Role::Responder {
            self.half_open = self.half_open.saturating_sub(1);
        }
        for (_, pair) in &sa.waiting {
            self.not_replaced(*pair);
        }
        for (m_id, exchange) in &sa.phase2 {
            self.core.timers.stop(Timer::RetransmitPhase2(id, *m_id));
            if let Some(spi) = exchange.state.reserved_spi() {
                self.ipsec.release_spi(spi);
                self.not_replaced(exchange.state.replaces());
                self.core.event(Event::ExchangeFailed {
                    sa: id,
                    exchange: ExchangeType::QUICK_MODE,
                    m_id: *m_id,
                    error: ExchangeError::SaDeleted,
                });
            }
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
        let (protocol, spi) = (protocol_id(pair.chosen.protocol), Spi::from_u32(pair.spi_in).0);
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
        let m_id = self.new_m_id(id);
        let sent = self.with_quick_mode(id, m_id, |cx| informational::send(cx, payload));
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
        let Some(notify_type) = error.notify_type() else { return };
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
    pub(super) fn notified(&mut self, id: IsakmpSaId, notification: &Notification) {
        let notify_type = notification.notify_type;
        self.core.event(Event::Notified {
            sa: Some(id),
            notify_type,
            authenticated: true,
            data: notification.data.clone(),
        });
        if notify_type == NotifyType::INITIAL_CONTACT {
            self.initial_contact(id);
        }
        if refuses_quick_mode(notify_type) {
            self.fail_refused_quick_mode(id, notify_type);
        }
    }

    /// The peer says that it had no SA with us before this one (RFC 2407 section 4.6.3.3): what stood when its phase 1
    /// began is gone. Later SAs stay, as the two sides may have set up some at the same time, and so that a message
    /// that comes again does no harm.
    pub(super) fn initial_contact(&mut self, id: IsakmpSaId) {
        let Some((remote, began)) = self.isakmp.get(&id).and_then(|sa| Some((sa.remote()?, sa.began))) else {
            return;
        };
        let old: Vec<IsakmpSaId> = self
            .isakmp
            .values()
            .filter(|sa| sa.remote() == Some(remote) && sa.completed.is_some_and(|at| at < began))
            .map(|sa| sa.id)
            .collect();
        let pairs: Vec<IpsecSaId> = self
            .ipsec
            .iter()
            .filter(|pair| (pair.peer, &pair.remote_id) == remote && pair.made < began)
            .map(|pair| pair.id)
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
        if let Some(spi) = exchange.state.reserved_spi() {
            self.ipsec.release_spi(spi);
        }
        self.not_replaced(exchange.state.replaces());
        self.core.event(Event::ExchangeFailed { sa: id, exchange: ExchangeType::QUICK_MODE, m_id, error });
    }

    /// Acts on an authenticated Delete payload: each SPI in it names an SA of the peer.
    pub(super) fn peer_deletes(&mut self, id: IsakmpSaId, delete: &Delete) {
        let remote = self.isakmp.get(&id).and_then(|sa| sa.remote());
        let Some((peer, remote_id)) = remote.map(|(peer, remote_id)| (peer, remote_id.clone())) else {
            return;
        };
        let remote = (peer, &remote_id);
        for spi in &delete.spis {
            if delete.protocol == ProtocolId::ISAKMP {
                let named = self.isakmp.values().find(|sa| spi.as_ref() == sa.cookies.to_bytes());
                if let Some(sa) = named.filter(|sa| sa.remote() == Some(remote)).map(|sa| sa.id) {
                    self.remove_isakmp_sa(sa, DeleteReason::PeerDeleted);
                }
                continue;
            }
            let named = self.ipsec.iter().find(|pair| {
                (pair.peer, &pair.remote_id) == remote
                    && protocol_id(pair.chosen.protocol) == delete.protocol
                    && Spi(spi.clone()).as_u32() == Some(pair.chosen.peer_spi)
            });
            if let Some(pair) = named.map(|pair| pair.id) {
                self.remove_ipsec_sa(pair, DeleteReason::PeerDeleted);
            }
        }
    }
}

/// When the initiator of an SA replaces it; `None` when SAs are left to expire. A margin as long as the lifetime would
/// replace the SA as soon as it stands, for ever; half the lifetime is used then.
fn rekey_time(peer: &PeerConfig, now: Timestamp, lifetime: Duration) -> Option<Timestamp> {
    let margin = if peer.rekey_margin < lifetime { peer.rekey_margin } else { lifetime / 2 };
    (peer.rekey && !lifetime.is_zero()).then(|| now + lifetime.saturating_sub(margin))
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
