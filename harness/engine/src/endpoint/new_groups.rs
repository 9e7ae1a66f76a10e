//! New Group mode under an ISAKMP SA.

use super::Endpoint;
use crate::crypto::PrivateGroup;
use crate::error::{ApiMisuse, ExchangeError};
use crate::event::{Event, IsakmpSaId, Role};
use crate::io::Timestamp;
use crate::phase1::Received;
use crate::phase1::group_attributes::PRIVATE_DESCRIPTION_MIN;
use crate::phase2::new_group::{self, NewGroupExchange, Reply};
use crate::retransmit::{Arrival, Conversation};
use crate::timer::Timer;
use crate::wire::{ExchangeType, MessageId, NotifyType};

impl Endpoint {
    /// Offers the peer a private group under a Group Description of 2^15 or more (RFC 2409 section 5.6). Once it has
    /// accepted, quick modes under this ISAKMP SA may use the group for PFS.
    ///
    /// The numbers are not tested here: [`PrivateGroup::check`] does that.
    ///
    /// # Errors
    ///
    /// When the SA is unknown or not ready, or the description is not for private use or names another group.
    pub fn define_group(
        &mut self,
        now: Timestamp,
        isakmp_sa: IsakmpSaId,
        description: u16,
        group: &PrivateGroup,
    ) -> Result<MessageId, ApiMisuse> {
        self.at(now);
        let sa = self.isakmp.get(&isakmp_sa).ok_or(ApiMisuse::UnknownSa("ISAKMP SA"))?;
        if !sa.is_ready() {
            return Err(ApiMisuse::NotEstablished);
        }
        if description < PRIVATE_DESCRIPTION_MIN || sa.new_groups.groups.named(description).is_some() {
            let problem = format!("group description {description} is not free for private use");
            return Err(ApiMisuse::UnusablePolicy(problem));
        }
        if self.new_groups_running(isakmp_sa) >= self.core.limits.phase2_exchanges_max {
            return Err(ApiMisuse::LimitReached("New Group mode exchanges"));
        }
        let m_id = self.new_m_id(isakmp_sa);
        let started = self.with_quick_mode(isakmp_sa, m_id, |cx| new_group::initiate(cx, description, group));
        let (awaits, sent) = match started {
            Some(Ok(started)) => started,
            Some(Err(ExchangeError::Crypto(error))) => return Err(ApiMisuse::Crypto(error)),
            Some(Err(error)) => return Err(ApiMisuse::UnusablePolicy(error.to_string())),
            None => return Err(ApiMisuse::UnknownSa("ISAKMP SA")),
        };
        let Some(sa) = self.isakmp.get_mut(&isakmp_sa) else { return Err(ApiMisuse::UnknownSa("ISAKMP SA")) };
        let policy = self.peers.get(sa.peer).map(|peer| peer.retransmission).unwrap_or_default();
        let mut conversation = Conversation::default();
        let timer = Timer::RetransmitPhase2(isakmp_sa, m_id);
        conversation.sent(&mut self.core, &sent, timer, Some(&policy));
        sa.new_groups.exchanges.insert(m_id, NewGroupExchange { conversation, awaits: Some(awaits) });
        Ok(m_id)
    }

    /// Exchanges of ours that wait for an answer.
    fn new_groups_running(&self, id: IsakmpSaId) -> usize {
        let exchanges = self.isakmp.get(&id).map(|sa| sa.new_groups.exchanges.values());
        exchanges.into_iter().flatten().filter(|exchange| exchange.awaits.is_some()).count()
    }

    /// A message of New Group mode.
    pub(super) fn handle_new_group(
        &mut self,
        id: IsakmpSaId,
        received: &Received,
        digest: Vec<u8>,
    ) -> Result<(), ExchangeError> {
        let m_id = received.header.message_id;
        let Some(sa) = self.isakmp.get(&id).filter(|sa| sa.established().is_some()) else {
            return Err(ExchangeError::UnexpectedExchange { got: received.header.exchange_type });
        };
        let Some(exchange) = sa.new_groups.exchanges.get(&m_id) else {
            if !sa.transactions.is_user_settled() {
                return Err(ExchangeError::UserNotAuthenticated);
            }
            sa.check_new_m_id(m_id)?;
            return self.accept_new_group(id, received, digest);
        };
        match exchange.conversation.arrival(&digest) {
            Arrival::New => {}
            Arrival::Repeated => {
                exchange.conversation.answer_again(&mut self.core);
                return Ok(());
            }
            Arrival::Stale => return Ok(()),
        }
        let awaits = exchange.awaits.clone().ok_or(ExchangeError::Replayed(m_id))?;
        let reply = self.with_quick_mode(id, m_id, |cx| awaits.handle(cx, received));
        let reply = reply.ok_or(ExchangeError::SaDeleted)??;
        self.authenticated(id, &received.path);
        let Some(sa) = self.isakmp.get_mut(&id) else { return Ok(()) };
        sa.refusals_answered = 0;
        if let Reply::Refused(notify_type) = reply {
            self.fail_new_group(id, m_id, ExchangeError::PeerNotified(notify_type));
            return Ok(());
        }
        if let Some(exchange) = sa.new_groups.exchanges.get_mut(&m_id) {
            exchange.awaits = None;
            exchange.conversation.handled(&mut self.core, digest, Timer::RetransmitPhase2(id, m_id));
        }
        sa.new_groups.groups.define(awaits.description, awaits.group);
        self.new_group_done(id, m_id);
        let (description, role) = (awaits.description, Role::Initiator);
        self.core.event(Event::GroupDefined { sa: id, description, role });
        Ok(())
    }

    /// A peer's offer.
    fn accept_new_group(
        &mut self,
        id: IsakmpSaId,
        received: &Received,
        digest: Vec<u8>,
    ) -> Result<(), ExchangeError> {
        let m_id = received.header.message_id;
        let path = self.answer_path(id, &received.path);
        let opened = self.with_quick_mode_on(path, id, m_id, |cx| new_group::open(cx, received));
        let (offered, iv) = opened.ok_or(ExchangeError::SaDeleted)??;
        let max = self.core.limits.new_groups_max;
        let sa = self.isakmp.get_mut(&id).ok_or(ExchangeError::SaDeleted)?;
        if !self.peers.get(sa.peer).is_some_and(|peer| peer.new_groups) {
            return Err(ExchangeError::GroupRefused("the policy takes none".into()));
        }
        // Counted whether it is accepted or not: each offer costs a test of its numbers.
        if sa.new_groups.offered >= max {
            return Err(ExchangeError::GroupRefused("the peer has offered too many".into()));
        }
        sa.new_groups.offered = sa.new_groups.offered.saturating_add(1);
        let new_group::Accepted { description, group, reply } =
            new_group::choose(&offered, &sa.new_groups.groups)?;
        let sent = self.with_quick_mode_on(path, id, m_id, |cx| new_group::answer(cx, &iv, reply));
        let sent = sent.ok_or(ExchangeError::SaDeleted)??;
        self.authenticated(id, &received.path);
        let timer = Timer::RetransmitPhase2(id, m_id);
        let mut conversation = Conversation::default();
        conversation.handled(&mut self.core, digest, timer);
        conversation.sent(&mut self.core, &sent, timer, None);
        if let Some(sa) = self.isakmp.get_mut(&id) {
            sa.refusals_answered = 0;
            sa.new_groups.groups.define(description, group);
            sa.new_groups.exchanges.insert(m_id, NewGroupExchange { conversation, awaits: None });
        }
        self.new_group_done(id, m_id);
        self.core.event(Event::GroupDefined { sa: id, description, role: Role::Responder });
        Ok(())
    }

    /// An exchange is over: its M-ID is used up, and only the latest such exchanges stay.
    fn new_group_done(&mut self, id: IsakmpSaId, m_id: MessageId) {
        let (max, keep) = (self.core.limits.finished_m_ids_max, self.core.limits.duplicates_max);
        let Some(sa) = self.isakmp.get_mut(&id) else { return };
        sa.use_m_id(m_id, max);
        for m_id in sa.used_m_ids_beyond(keep, |m_id| sa.new_groups.exchanges.contains_key(m_id)) {
            sa.new_groups.exchanges.remove(&m_id);
        }
    }

    /// The timer of an exchange of ours has fired; whether there is one.
    pub(super) fn retransmit_new_group(&mut self, id: IsakmpSaId, m_id: MessageId) -> bool {
        let Some(sa) = self.isakmp.get_mut(&id) else { return false };
        let policy = self.peers.get(sa.peer).map(|peer| peer.retransmission).unwrap_or_default();
        let Some(exchange) = sa.new_groups.exchanges.get_mut(&m_id) else { return false };
        let timer = Timer::RetransmitPhase2(id, m_id);
        if exchange.awaits.is_some()
            && let Err(tries) = exchange.conversation.retransmit(&mut self.core, timer, &policy)
        {
            self.fail_new_group(id, m_id, ExchangeError::TimedOut(tries));
        }
        true
    }

    /// An error notify has an M-ID of its own; it is about our offer of a group when one waits for an answer and no quick
    /// mode does. Whether it was.
    pub(super) fn fail_refused_new_group(&mut self, id: IsakmpSaId, notify_type: NotifyType) -> bool {
        let Some(sa) = self.isakmp.get(&id) else { return false };
        let mut waiting = sa.new_groups.exchanges.iter().filter(|(_, exchange)| exchange.awaits.is_some());
        let (Some((m_id, _)), None) = (waiting.next(), waiting.next()) else { return false };
        if sa.phase2.values().any(|exchange| exchange.state.awaits_reply()) {
            return false;
        }
        let m_id = *m_id;
        self.fail_new_group(id, m_id, ExchangeError::PeerNotified(notify_type));
        true
    }

    /// An exchange of ours comes to nothing.
    fn fail_new_group(&mut self, id: IsakmpSaId, m_id: MessageId, error: ExchangeError) {
        self.core.timers.stop(Timer::RetransmitPhase2(id, m_id));
        if let Some(sa) = self.isakmp.get_mut(&id) {
            sa.new_groups.exchanges.remove(&m_id);
        }
        self.new_group_done(id, m_id);
        self.core.event(Event::ExchangeFailed {
            sa: id,
            exchange: ExchangeType::NEW_GROUP_MODE,
            m_id,
            error,
        });
    }
}
