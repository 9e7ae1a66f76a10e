//! Transaction exchanges under an ISAKMP SA, and what waits for them.
//!
//! ```text
//!  phase 1 complete ──▶ extended authentication ──▶ configuration ──▶ ready: quick modes that wait start
//!                           │ failed                    │ no answer
//!                           ▼                           ▼
//!                       the SA and what it protects are deleted
//! ```
//!
//! Each new ISAKMP SA goes this way, so a phase 1 that replaces another repeats both (XAUTH draft section 5.5 allows to
//! leave the first out, where the identity of phase 1 is the user's own; an edge device without
//! [`rounds`](crate::config::XauthServer::rounds) does that). Until the user is authenticated nothing but informational
//! and transaction exchanges is accepted under the SA. For the edge device the user is authenticated once it says so,
//! whether or not the acknowledgement arrives before the host's next exchange does.

use core::net::Ipv4Addr;

use super::Endpoint;
use crate::config::{
    ConfigHost, ConfigMethod, ConfigServer, ModeConfig, PeerConfig, XauthPart, XauthServer, XauthUser,
};
use crate::error::{ApiMisuse, ExchangeError};
use crate::event::{DeleteReason, Event, IsakmpSaId};
use crate::io::Timestamp;
use crate::phase1::{Phase1, Received};
use crate::phase2::transaction::xauth::{self, Asking, Judgement};
use crate::phase2::transaction::{self, Purpose, TransactionExchange, Xauth, mode_config};
use crate::retransmit::{Arrival, Conversation};
use crate::timer::Timer;
use crate::wire::{
    AttributesPayload, ConfigAttribute, ConfigItem, ConfigType, ExchangeType, Identification, MessageId,
};

/// What follows once an answer of ours is out.
#[derive(Debug)]
enum Then {
    Nothing,
    /// We answered for the user: identifier of the transaction.
    Answered(u16),
    /// The user is authenticated, or is not.
    UserSettled(bool),
    /// We are configured.
    Configured(Vec<ConfigItem>),
    /// We have configured the host.
    Gave(Vec<ConfigItem>),
}

impl Endpoint {
    /// Asks the user once more, under an ISAKMP SA whose user was authenticated before (XAUTH draft section 6). If that
    /// fails, the SA and the IPsec SAs that belong to it are deleted.
    ///
    /// # Errors
    ///
    /// When the SA is unknown or is being set up, or extended authentication is not configured for it as edge device.
    pub fn authenticate_user(&mut self, now: Timestamp, isakmp_sa: IsakmpSaId) -> Result<(), ApiMisuse> {
        self.at(now);
        let sa = self.isakmp.get(&isakmp_sa).ok_or(ApiMisuse::UnknownSa("ISAKMP SA"))?;
        if !sa.is_ready() {
            return Err(ApiMisuse::NotEstablished);
        }
        if self.xauth_server(isakmp_sa).is_none() {
            return Err(ApiMisuse::UnusablePolicy("we are no edge device of extended authentication".into()));
        }
        self.ask_user(isakmp_sa);
        Ok(())
    }

    /// Phase 1 is complete: what has to come before other exchanges begins.
    pub(super) fn begin_transactions(&mut self, id: IsakmpSaId) {
        let peer = self.isakmp.get(&id).and_then(|sa| self.peers.get(sa.peer));
        let part = peer.and_then(|peer| peer.extended_authentication.as_ref()).map(|extended| &extended.part);
        match part {
            None => self.user_is_settled(id),
            Some(XauthPart::EdgeDevice(_)) => {
                self.limit_waiting(id);
                self.ask_user(id);
            }
            Some(XauthPart::IpsecHost(_)) => {
                self.limit_waiting(id);
                if let Some(sa) = self.isakmp.get_mut(&id) {
                    sa.transactions.xauth = Xauth::Asked { identifier: None, requests: 0 };
                }
            }
        }
    }

    /// An SA does not stay half ready for ever.
    fn limit_waiting(&mut self, id: IsakmpSaId) {
        self.core.timers.set(Timer::NotReady(id), self.core.now + self.core.limits.half_open_lifetime);
    }

    /// An SA has not become ready in time.
    pub(super) fn is_not_ready(&mut self, id: IsakmpSaId) {
        let Some(sa) = self.isakmp.get(&id).filter(|sa| !sa.is_ready()) else { return };
        let reason = if sa.transactions.is_user_settled() {
            DeleteReason::NotConfigured
        } else {
            DeleteReason::UserNotAuthenticated
        };
        self.transaction_failed(id, MessageId::PHASE_1, ExchangeError::TimedOut(0));
        self.end_with_ipsec_sas(id, reason);
    }

    /// Begins a transaction that asks the user, or says at once that there is nothing to ask.
    fn ask_user(&mut self, id: IsakmpSaId) {
        let [a, b, challenge @ ..] = self.core.random_bytes::<10>();
        let asking = Asking::new(u16::from_be_bytes([a, b]), &challenge);
        self.ask_round(id, asking);
    }

    /// Sends the next request to the user.
    fn ask_round(&mut self, id: IsakmpSaId, asking: Asking) {
        let Some(server) = self.xauth_server(id) else { return };
        let Some(request) = asking.request(server) else {
            let status = asking.status(true);
            self.set_xauth(id, Xauth::Asking(asking));
            self.user_answered(id, None);
            return self.start_transaction(id, Purpose::XauthStatus { passed: true }, status);
        };
        self.set_xauth(id, Xauth::Asking(asking));
        self.start_transaction(id, Purpose::XauthRequest, request);
    }

    /// The host has answered our request.
    fn judge_user(&mut self, id: IsakmpSaId, reply: &AttributesPayload) {
        let challenge: [u8; 8] = self.core.random_bytes();
        let Some(server) = self.xauth_server(id) else { return };
        let Some(Xauth::Asking(asking)) = self.isakmp.get(&id).map(|sa| &sa.transactions.xauth) else {
            return;
        };
        let asking = asking.clone();
        match asking.judge(server, self.core.provider, reply, &challenge) {
            Judgement::Ask(next) => self.ask_round(id, next),
            Judgement::Passed(user) => {
                self.user_answered(id, user);
                self.start_transaction(id, Purpose::XauthStatus { passed: true }, asking.status(true));
            }
            Judgement::Failed => {
                self.set_xauth(id, Xauth::Failed);
                self.start_transaction(id, Purpose::XauthStatus { passed: false }, asking.status(false));
            }
            Judgement::GivenUp => self.user_is_refused(id),
        }
    }

    /// The user has answered all that we asked. From now on the SA may protect other exchanges.
    fn user_answered(&mut self, id: IsakmpSaId, user: Option<String>) {
        let Some(sa) = self.isakmp.get_mut(&id) else { return };
        sa.transactions.xauth = Xauth::Settled;
        // Many users may share one identity of phase 1, but not the SAs that belong to them.
        if let Some(user) = &user
            && !sa.is_ready()
            && let Phase1::Established(established) = &mut sa.phase1
        {
            established.remote_id = Identification::key_id(user.clone().into_bytes());
        }
        self.core.event(Event::ExtendedAuthentication { sa: id, user, passed: true });
    }

    /// Extended authentication has failed: the ISAKMP SA is deleted at once, with the IPsec SAs that belong to it.
    fn user_is_refused(&mut self, id: IsakmpSaId) {
        self.core.event(Event::ExtendedAuthentication { sa: id, user: None, passed: false });
        self.end_with_ipsec_sas(id, DeleteReason::UserNotAuthenticated);
    }

    /// Nothing is to be asked, or the answer is known to both sides: configuration comes next.
    fn user_is_settled(&mut self, id: IsakmpSaId) {
        let Some(sa) = self.isakmp.get(&id).filter(|sa| !sa.is_ready()) else { return };
        let Some(peer) = self.peers.get(sa.peer) else { return };
        match &peer.mode_config {
            Some(ModeConfig::Host(host)) => {
                let kept = sa.replaces.and_then(|old| self.isakmp.get(&old));
                let kept = kept.and_then(|old| old.transactions.assigned);
                let pull = host.method == ConfigMethod::Pull;
                let request = pull.then(|| mode_config::request(host, 0, kept));
                self.limit_waiting(id);
                if let Some(mut request) = request {
                    request.identifier = self.new_identifier();
                    self.start_transaction(id, Purpose::Pull, request);
                }
            }
            Some(ModeConfig::EdgeDevice(server)) => {
                let push = server.method == ConfigMethod::Push;
                self.isakmp_sa_ready(id);
                if push {
                    self.push_configuration(id);
                }
            }
            None => self.isakmp_sa_ready(id),
        }
    }

    fn new_identifier(&mut self) -> u16 {
        u16::from_be_bytes(self.core.random_bytes())
    }

    fn push_configuration(&mut self, id: IsakmpSaId) {
        let identifier = self.new_identifier();
        let assigned = self.assign_address(id, None);
        let Some(server) = self.config_server(id) else { return };
        let told = mode_config::told(server, assigned);
        self.start_transaction(id, Purpose::Push, mode_config::payload(ConfigType::SET, identifier, &told));
    }

    /// An address for the host, the same one if it has one.
    fn assign_address(&mut self, id: IsakmpSaId, wanted: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
        let sa = self.isakmp.get(&id)?;
        if sa.transactions.assigned.is_some() {
            return sa.transactions.assigned;
        }
        let pool = self.config_server(id)?.pool?;
        let (peer, remote) = (sa.peer, sa.remote());
        let same_host = |holder| self.isakmp.get(&holder).is_some_and(|holder| holder.remote() == remote);
        let address = self.leases.assign(pool, peer, id, wanted, same_host)?;
        self.isakmp.get_mut(&id)?.transactions.assigned = Some(address);
        Some(address)
    }

    /// The host did not take the address, or is gone.
    pub(super) fn release_address(&mut self, id: IsakmpSaId, peer: usize, address: Option<Ipv4Addr>) {
        if let Some(address) = address {
            self.leases.release(peer, address, id);
        }
    }

    /// Starts an exchange of ours.
    fn start_transaction(&mut self, id: IsakmpSaId, purpose: Purpose, attributes: AttributesPayload) {
        let m_id = self.new_m_id(id);
        let xauth = matches!(purpose, Purpose::XauthRequest | Purpose::XauthStatus { .. });
        let any = xauth && self.xauth_server(id).is_some_and(|server| server.any_identifier);
        let started =
            self.with_quick_mode(id, m_id, |cx| transaction::initiate(cx, purpose, attributes, any));
        let Some(sa) = self.isakmp.get_mut(&id) else { return };
        match started {
            Some(Ok((awaits, sent))) => {
                let policy = self.peers.get(sa.peer).map(|peer| peer.retransmission).unwrap_or_default();
                let mut conversation = Conversation::default();
                let timer = Timer::RetransmitPhase2(id, m_id);
                conversation.sent(&mut self.core, &sent, timer, Some(&policy));
                let exchange = TransactionExchange { conversation, awaits: Some(awaits) };
                sa.transactions.exchanges.insert(m_id, exchange);
            }
            Some(Err(error)) => self.fail_transaction(id, m_id, purpose, error),
            None => {}
        }
    }

    /// A message of a transaction exchange.
    pub(super) fn handle_transaction(
        &mut self,
        id: IsakmpSaId,
        received: &Received,
        digest: Vec<u8>,
    ) -> Result<(), ExchangeError> {
        let m_id = received.header.message_id;
        let Some(sa) = self.isakmp.get(&id).filter(|sa| sa.established().is_some()) else {
            return Err(ExchangeError::UnexpectedExchange { got: received.header.exchange_type });
        };
        let Some(exchange) = sa.transactions.exchanges.get(&m_id) else {
            sa.check_new_m_id(m_id)?;
            return self.accept_transaction(id, received, digest);
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
        let opened = self.with_quick_mode(id, m_id, |cx| awaits.handle(cx, received));
        let answer = opened.ok_or(ExchangeError::SaDeleted)??;
        if awaits.purpose == Purpose::Pull {
            mode_config::items(&answer)?;
        }
        self.authenticated(id, &received.path);
        if let Some(sa) = self.isakmp.get_mut(&id)
            && let Some(exchange) = sa.transactions.exchanges.get_mut(&m_id)
        {
            sa.refusals_answered = 0;
            exchange.awaits = None;
            exchange.conversation.handled(&mut self.core, digest, Timer::RetransmitPhase2(id, m_id));
        }
        self.transaction_done(id, m_id);
        self.answered(id, awaits.purpose, &answer);
        Ok(())
    }

    /// What follows from an answer.
    fn answered(&mut self, id: IsakmpSaId, purpose: Purpose, answer: &AttributesPayload) {
        match purpose {
            Purpose::XauthRequest => self.judge_user(id, answer),
            Purpose::XauthStatus { passed: true } => self.user_is_settled(id),
            Purpose::XauthStatus { passed: false } => self.user_is_refused(id),
            Purpose::Pull => self.configured(id, mode_config::items(answer).unwrap_or_default()),
            Purpose::Push => {
                let accepted = |item: &ConfigItem| answer.attribute(item.class()).is_some();
                let Some((peer, assigned)) =
                    self.isakmp.get(&id).map(|sa| (sa.peer, sa.transactions.assigned))
                else {
                    return;
                };
                let Some(server) = self.config_server(id) else { return };
                let mut items = mode_config::told(server, assigned);
                items.retain(accepted);
                if mode_config::ip4_address(&items).is_none() {
                    self.release_address(id, peer, assigned);
                    if let Some(sa) = self.isakmp.get_mut(&id) {
                        sa.transactions.assigned = None;
                    }
                }
                self.core.event(Event::ConfigurationGiven { sa: id, items });
            }
        }
    }

    /// A first message of the peer.
    fn accept_transaction(
        &mut self,
        id: IsakmpSaId,
        received: &Received,
        digest: Vec<u8>,
    ) -> Result<(), ExchangeError> {
        let m_id = received.header.message_id;
        let path = self.answer_path(id, &received.path);
        let opened = self.with_quick_mode_on(path, id, m_id, |cx| transaction::open(cx, received));
        let (attributes, iv) = opened.ok_or(ExchangeError::SaDeleted)??;
        let (answer, then) = self.answer_to(id, &attributes)?;
        let sent = self.with_quick_mode_on(path, id, m_id, |cx| transaction::answer(cx, &iv, answer));
        let sent = sent.ok_or(ExchangeError::SaDeleted)??;
        self.authenticated(id, &received.path);
        let timer = Timer::RetransmitPhase2(id, m_id);
        let mut conversation = Conversation::default();
        conversation.handled(&mut self.core, digest, timer);
        conversation.sent(&mut self.core, &sent, timer, None);
        if let Some(sa) = self.isakmp.get_mut(&id) {
            sa.refusals_answered = 0;
            sa.transactions.exchanges.insert(m_id, TransactionExchange { conversation, awaits: None });
        }
        self.transaction_done(id, m_id);
        self.follow(id, &attributes, then);
        Ok(())
    }

    /// Our answer to a first message, and what follows from it. An address is assigned here; nothing else changes yet.
    fn answer_to(
        &mut self,
        id: IsakmpSaId,
        first: &AttributesPayload,
    ) -> Result<(AttributesPayload, Then), ExchangeError> {
        let sa = self.isakmp.get(&id).ok_or(ExchangeError::SaDeleted)?;
        let identifier = first.identifier;
        let message = |message_type, attributes| AttributesPayload { message_type, identifier, attributes };
        let user = sa_user(self.peers.get(sa.peer));
        if first.is_xauth() {
            if let Xauth::Asked { identifier: Some(known), .. } = sa.transactions.xauth
                && known != identifier
            {
                return Err(ExchangeError::UnexpectedConfig("extended authentication has one identifier"));
            }
            if first.message_type == ConfigType::SET {
                let passed = xauth::status(first);
                let passed =
                    passed.ok_or(ExchangeError::UnexpectedConfig("a result without XAUTH-STATUS"))?;
                let then = user.map_or(Then::Nothing, |_| Then::UserSettled(passed));
                return Ok((message(ConfigType::ACK, Vec::new()), then));
            }
            let too_often = matches!(sa.transactions.xauth, Xauth::Asked { requests, .. }
                if requests >= self.core.limits.xauth_requests_max);
            let attributes = xauth::reply(user.filter(|_| !too_often), self.core.provider, first);
            let then = match user {
                None => Then::Nothing,
                Some(_) if xauth::gives_up(&attributes) => Then::UserSettled(false),
                Some(_) => Then::Answered(identifier),
            };
            return Ok((message(ConfigType::REPLY, attributes), then));
        }
        if !sa.transactions.is_user_settled() {
            return Err(ExchangeError::UserNotAuthenticated);
        }
        let items = mode_config::items(first)?;
        if first.message_type == ConfigType::SET {
            let accepted = if self.config_host(id).is_some() { items } else { Vec::new() };
            let acknowledgement = mode_config::acknowledgement(identifier, &accepted);
            let then =
                if self.config_host(id).is_some() { Then::Configured(accepted) } else { Then::Nothing };
            return Ok((acknowledgement, then));
        }
        let assigned = if mode_config::asks_for(first, ConfigAttribute::INTERNAL_IP4_ADDRESS) {
            self.assign_address(id, mode_config::ip4_address(&items))
        } else {
            None
        };
        let told = self.config_server(id).map(|server| mode_config::told(server, assigned));
        let items = mode_config::reply_items(first, told.unwrap_or_default());
        Ok((mode_config::payload(ConfigType::REPLY, identifier, &items), Then::Gave(items)))
    }

    /// Does what follows from a first message of the peer, now that its answer is out.
    fn follow(&mut self, id: IsakmpSaId, first: &AttributesPayload, then: Then) {
        if first.is_xauth()
            && sa_user(self.isakmp.get(&id).and_then(|sa| self.peers.get(sa.peer))).is_some()
            && let Some(message) = xauth::message(first)
        {
            self.core.event(Event::MessageForUser { sa: id, message });
        }
        match then {
            Then::Nothing => {}
            Then::Answered(of) => {
                let Some(sa) = self.isakmp.get_mut(&id) else { return };
                if let Xauth::Asked { identifier, requests } = &mut sa.transactions.xauth {
                    *identifier = Some(of);
                    *requests = requests.saturating_add(1);
                }
            }
            Then::UserSettled(true) => {
                let Some(sa) = self.isakmp.get_mut(&id) else { return };
                sa.transactions.xauth = Xauth::Settled;
                let user = sa_user(self.peers.get(sa.peer)).map(|user| user.name.clone());
                self.core.event(Event::ExtendedAuthentication { sa: id, user, passed: true });
                self.user_is_settled(id);
            }
            Then::UserSettled(false) => self.user_is_refused(id),
            Then::Configured(items) => self.configured(id, items),
            Then::Gave(items) => self.core.event(Event::ConfigurationGiven { sa: id, items }),
        }
    }

    /// We have got our configuration.
    fn configured(&mut self, id: IsakmpSaId, items: Vec<ConfigItem>) {
        let Some(sa) = self.isakmp.get_mut(&id) else { return };
        sa.transactions.assigned = mode_config::ip4_address(&items).or(sa.transactions.assigned);
        self.core.event(Event::Configured { sa: id, items });
        self.isakmp_sa_ready(id);
    }

    /// An exchange is over: its M-ID is used up, and only the latest such exchanges stay.
    fn transaction_done(&mut self, id: IsakmpSaId, m_id: MessageId) {
        let (max, keep) = (self.core.limits.finished_m_ids_max, self.core.limits.duplicates_max);
        let Some(sa) = self.isakmp.get_mut(&id) else { return };
        sa.use_m_id(m_id, max);
        for m_id in sa.used_m_ids_beyond(keep, |m_id| sa.transactions.exchanges.contains_key(m_id)) {
            sa.transactions.exchanges.remove(&m_id);
        }
    }

    /// The timer of an exchange of ours has fired; whether there is one.
    pub(super) fn retransmit_transaction(&mut self, id: IsakmpSaId, m_id: MessageId) -> bool {
        let Some(sa) = self.isakmp.get_mut(&id) else { return false };
        let policy = self.peers.get(sa.peer).map(|peer| peer.retransmission).unwrap_or_default();
        let Some(exchange) = sa.transactions.exchanges.get_mut(&m_id) else { return false };
        let Some(purpose) = exchange.awaits.as_ref().map(|awaits| awaits.purpose) else { return true };
        let timer = Timer::RetransmitPhase2(id, m_id);
        if let Err(tries) = exchange.conversation.retransmit(&mut self.core, timer, &policy) {
            self.fail_transaction(id, m_id, purpose, ExchangeError::TimedOut(tries));
        }
        true
    }

    /// An exchange of ours comes to nothing.
    fn fail_transaction(&mut self, id: IsakmpSaId, m_id: MessageId, purpose: Purpose, error: ExchangeError) {
        self.core.timers.stop(Timer::RetransmitPhase2(id, m_id));
        if let Some(sa) = self.isakmp.get_mut(&id) {
            sa.transactions.exchanges.remove(&m_id);
        }
        self.transaction_done(id, m_id);
        self.transaction_failed(id, m_id, error);
        match purpose {
            Purpose::XauthRequest | Purpose::XauthStatus { .. } => self.user_is_refused(id),
            Purpose::Pull => self.end_with_ipsec_sas(id, DeleteReason::NotConfigured),
            Purpose::Push => {}
        }
    }

    fn transaction_failed(&mut self, id: IsakmpSaId, m_id: MessageId, error: ExchangeError) {
        self.core.event(Event::ExchangeFailed { sa: id, exchange: ExchangeType::TRANSACTION, m_id, error });
    }

    /// Deletes an ISAKMP SA, and with it the IPsec SAs that belong to it.
    fn end_with_ipsec_sas(&mut self, id: IsakmpSaId, reason: DeleteReason) {
        let pairs: Vec<_> =
            self.ipsec.iter().filter(|pair| pair.isakmp_sa == id).map(|pair| pair.id).collect();
        for pair in pairs {
            self.send_ipsec_delete(pair);
            self.remove_ipsec_sa(pair, reason);
        }
        self.send_isakmp_delete(id);
        self.remove_isakmp_sa(id, reason);
    }

    fn set_xauth(&mut self, id: IsakmpSaId, xauth: Xauth) {
        if let Some(sa) = self.isakmp.get_mut(&id) {
            sa.transactions.xauth = xauth;
        }
    }

    fn peer_of(&self, id: IsakmpSaId) -> Option<&PeerConfig> {
        self.isakmp.get(&id).and_then(|sa| self.peers.get(sa.peer))
    }

    fn xauth_server(&self, id: IsakmpSaId) -> Option<&XauthServer> {
        match &self.peer_of(id)?.extended_authentication.as_ref()?.part {
            XauthPart::EdgeDevice(server) => Some(server),
            XauthPart::IpsecHost(_) => None,
        }
    }

    fn config_server(&self, id: IsakmpSaId) -> Option<&ConfigServer> {
        match self.peer_of(id)?.mode_config.as_ref()? {
            ModeConfig::EdgeDevice(server) => Some(server),
            ModeConfig::Host(_) => None,
        }
    }

    fn config_host(&self, id: IsakmpSaId) -> Option<&ConfigHost> {
        match self.peer_of(id)?.mode_config.as_ref()? {
            ModeConfig::Host(host) => Some(host),
            ModeConfig::EdgeDevice(_) => None,
        }
    }
}

/// The user that sits at our side.
fn sa_user(peer: Option<&PeerConfig>) -> Option<&XauthUser> {
    match &peer?.extended_authentication.as_ref()?.part {
        XauthPart::IpsecHost(user) => Some(user),
        XauthPart::EdgeDevice(_) => None,
    }
}
