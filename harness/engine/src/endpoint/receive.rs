//! Datagrams on their way in: from the port to the exchange they belong to.

use bytes::Bytes;

use super::Endpoint;
use crate::config::FragmentationMode;
use crate::config::IpsecProtocol;
use crate::core::{NON_ESP_MARKER, Path, read_chain};
use crate::crypto::HashAlgorithm;
use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::esp::{AhSa, EspError, EspSa};
use crate::event::{DeleteReason, Event, IpsecSaId, IsakmpSaId, Role};
use crate::io::{Datagram, IP_AH, IP_COMP, IP_ESP, IP_UDP, Timestamp};
use crate::keylog::Direction;
use crate::limits::Limits;
use crate::phase1::{self, Cx, Received};
use crate::phase2::{self, quick_mode};
use crate::retransmit::{Arrival, Conversation};
use crate::sa::{IpsecSaPair, IsakmpSa, Phase2};
use crate::timer::Timer;
use crate::vendor::Announced;
use crate::wire::{
    CookiePair, ExchangeType, Flags, Header, MessageId, NotifyType, Payload, PayloadType, ReceivedPayload,
    Trailing,
};

/// Next header of a dummy packet.
const IP_NO_NEXT_HEADER: u8 = 59;

impl Endpoint {
    /// Takes in a datagram.
    pub fn handle_datagram(&mut self, now: Timestamp, datagram: &Datagram) {
        self.core.now = now;
        if self.core.outputs.len() >= self.core.limits.outputs_max {
            return;
        }
        match datagram.ip_protocol {
            IP_UDP => {}
            IP_ESP | IP_AH => return self.handle_packet(datagram, None),
            _ => return,
        }
        let nat_t = self.peers.is_nat_t_end(datagram.local);
        let message = if !nat_t {
            datagram.payload.clone()
        } else if datagram.payload.as_ref() == [0xff] {
            return; // A NAT keep-alive (RFC 3948 section 2.3).
        } else if datagram.payload.starts_with(&NON_ESP_MARKER) {
            datagram.payload.slice(NON_ESP_MARKER.len()..)
        } else {
            self.handle_packet(datagram, None);
            return;
        };
        let path = Path { local: datagram.local, remote: datagram.remote, nat_t, fragment_size: None };
        if let Err(error) = self.handle_message(path, message.clone()) {
            self.refuse(&path, &message, error);
        }
    }

    /// An ESP or AH packet, or an ESP packet that came out of the AH packet of its bundle, `outer`.
    fn handle_packet(&mut self, datagram: &Datagram, outer: Option<IpsecSaId>) {
        let spi = if datagram.ip_protocol == IP_AH {
            AhSa::spi_of(&datagram.payload)
        } else {
            EspSa::spi_of(&datagram.payload)
        };
        let (spi, opened) = match spi {
            Err(error) => (0, Err(error)),
            Ok(spi) => match self.ipsec.by_spi_in_mut(spi) {
                None => (spi, Err(EspError::UnknownSpi { got: spi })),
                // All protocols of a bundle protect a packet, or it is refused.
                Some(pair) if pair.expected_outer() != outer => (spi, Err(EspError::NotOfBundle)),
                Some(pair) => {
                    let authenticated = pair.chosen.transform.integrity.is_some();
                    let opened = pair.open(&self.core, datagram).map(|opened| (pair.id, opened));
                    if let Ok((id, _)) = &opened
                        && authenticated
                    {
                        let nat_t = datagram.ip_protocol == IP_UDP;
                        let Datagram { local, remote, .. } = *datagram;
                        self.packet_authenticated(*id, &Path { local, remote, nat_t, fragment_size: None });
                    }
                    (spi, opened)
                }
            },
        };
        let event = match opened {
            // A dummy packet, which is there to be dropped (RFC 4303 section 2.6).
            Ok((_, opened)) if opened.next_header == IP_NO_NEXT_HEADER => return,
            Ok((sa, opened)) if let Some(inner) = self.ipsec.get(sa).and_then(IpsecSaPair::inner) => {
                self.bytes_passed(sa);
                let payload = Bytes::from(opened.payload);
                let is_ipcomp =
                    self.ipsec.get(inner).is_some_and(|pair| pair.chosen.protocol == IpsecProtocol::Ipcomp);
                if is_ipcomp {
                    return self.handle_compressible(spi, inner, opened.next_header, payload);
                }
                let Datagram { local, remote, .. } = *datagram;
                let inner = Datagram { ip_protocol: opened.next_header, local, remote, payload };
                if inner.ip_protocol == IP_ESP {
                    return self.handle_packet(&inner, Some(sa));
                }
                Event::PacketRejected { spi, error: EspError::NotOfBundle }
            }
            Ok((sa, opened)) => {
                let (packet, next_header) = (Bytes::from(opened.payload), opened.next_header);
                self.core.event(Event::PacketReceived { sa, packet, next_header });
                return self.bytes_passed(sa);
            }
            Err(error) => Event::PacketRejected { spi, error },
        };
        self.core.event(event);
    }

    /// What came out of the protocol around IPComp, under this SPI: compressed, or as it is where that is not smaller (RFC 3173
    /// section 2.2).
    fn handle_compressible(&mut self, spi: u32, sa: IpsecSaId, next_header: u8, packet: Bytes) {
        let opened = match self.ipsec.get_mut(sa) {
            Some(pair) if next_header == IP_COMP => pair.decompress(&packet),
            _ => Ok((next_header, packet.to_vec())),
        };
        self.core.event(match opened {
            Ok((next_header, payload)) => {
                Event::PacketReceived { sa, packet: Bytes::from(payload), next_header }
            }
            Err(error) => Event::PacketRejected { spi, error },
        });
        self.bytes_passed(sa);
    }

    /// An ISAKMP message without a non-ESP marker.
    fn handle_message(&mut self, path: Path, message: Bytes) -> Result<(), ExchangeError> {
        let header = Header::decode(&message)?;
        check_header(&header, message.len())?;
        if is_fragment(&header) {
            return self.handle_fragment(path, &header, &message);
        }
        let digest = self.core.provider.hash(HashAlgorithm::Sha2_256, &[&message]);
        let received = Received { header, message, path };
        let cookies = header.cookies;
        if cookies.responder.is_zero() {
            return self.handle_first_message(&received, digest);
        }
        if let Some(id) = self.by_cookies.get(&cookies).copied() {
            return self.handle_in_sa(id, &received, digest);
        }
        // The responder's first answer brings its cookie.
        match self.by_initiator_cookie.get(&cookies.initiator).copied() {
            Some(id) => self.handle_in_sa(id, &received, digest),
            None => Err(ExchangeError::UnknownCookies(cookies)),
        }
    }

    /// A fragment of a message, which is handled when it is whole.
    fn handle_fragment(&mut self, path: Path, header: &Header, message: &Bytes) -> Result<(), ExchangeError> {
        let refused = ExchangeError::UnexpectedPayload(PayloadType::FRAGMENT);
        if header.cookies.responder.is_zero() {
            return Err(refused);
        }
        let id = self.by_cookies.get(&header.cookies).copied();
        let id = id.or_else(|| self.by_initiator_cookie.get(&header.cookies.initiator).copied());
        let sa = id.and_then(|id| self.isakmp.get_mut(&id));
        let sa = sa.ok_or(ExchangeError::UnknownCookies(header.cookies))?;
        if sa.established().is_none() && sa.path.remote.ip() != path.remote.ip() {
            return Err(ExchangeError::UnknownPeer(path.remote));
        }
        if self.peers.get(sa.peer).is_none_or(|peer| peer.fragmentation.mode == FragmentationMode::Off) {
            return Err(refused);
        }
        let limits = &self.core.limits;
        let chain =
            read_chain(header.next_payload, &message.slice(Header::LEN..), Trailing::Alignment, limits)?;
        let [ReceivedPayload { payload: Payload::Fragment(fragment), .. }] = chain.payloads.as_slice() else {
            return Err(ExchangeError::InvalidFragment("a fragment stands alone in its message"));
        };
        let whole = sa.reassembly.add(header, fragment, self.core.now, limits)?;
        let id = sa.id;
        self.forget_fragments(id);
        if let Some(whole) = whole
            && let Err(error) = self.handle_whole(path, header, whole.clone())
        {
            self.refuse(&path, &whole, error);
        }
        Ok(())
    }

    /// A message that came in fragments, of which `outer` is the last one's header.
    fn handle_whole(&mut self, path: Path, outer: &Header, message: Bytes) -> Result<(), ExchangeError> {
        let header = Header::decode(&message)?;
        if header.cookies != outer.cookies || is_fragment(&header) {
            let problem = "what they give is no message of the same ISAKMP SA";
            return Err(ExchangeError::InvalidFragment(problem));
        }
        if !header.flags.contains(Flags::ENCRYPTION) {
            // Nobody sees it whole on the wire.
            self.core.key_log.plaintext(Direction::Inbound, &message);
        }
        self.handle_message(path, message)
    }

    /// Forgets messages that did not become whole in time.
    pub(super) fn forget_fragments(&mut self, id: IsakmpSaId) {
        let (now, lifetime) = (self.core.now, self.core.limits.reassembly_lifetime);
        let Some(sa) = self.isakmp.get_mut(&id) else { return };
        match sa.reassembly.expire(now, lifetime) {
            Some(at) => self.core.timers.set(Timer::Reassembly(id), at),
            None => self.core.timers.stop(Timer::Reassembly(id)),
        }
    }

    /// A message without a responder cookie: phase 1 begins, or an initiator is told that it does not.
    fn handle_first_message(&mut self, received: &Received, digest: Vec<u8>) -> Result<(), ExchangeError> {
        let header = &received.header;
        if header.exchange_type == ExchangeType::INFORMATIONAL {
            let id = self.by_initiator_cookie.get(&header.cookies.initiator).copied();
            return self.handle_clear_informational(id, received);
        }
        if self.by_initiator_cookie.contains_key(&header.cookies.initiator) {
            // Our own first message sent back to us, or an answer to it that brings no cookie of its own.
            return Err(ExchangeError::InvalidCookies(header.cookies));
        }
        let key = (header.cookies.initiator, received.path.remote);
        if let Some(id) = self.by_first_message.get(&key).copied() {
            if let Some(sa) = self.isakmp.get(&id)
                && sa.conversation.arrival(&digest) == Arrival::Repeated
            {
                sa.conversation.answer_again(&mut self.core);
            }
            return Ok(());
        }
        let exchange = header.exchange_type;
        if !matches!(exchange, ExchangeType::IDENTITY_PROTECTION | ExchangeType::AGGRESSIVE) {
            return Err(ExchangeError::UnexpectedExchange { got: exchange });
        }
        if header.message_id != MessageId::PHASE_1 {
            return Err(ExchangeError::InvalidMessageId(header.message_id));
        }
        self.accept_phase1(received, digest)
    }

    fn accept_phase1(&mut self, received: &Received, digest: Vec<u8>) -> Result<(), ExchangeError> {
        let remote = received.path.remote;
        let gives_way = self.half_open.room(remote.ip(), self.isakmp.len(), &self.core.limits)?;
        let peer_index = phase1::peers::of_first_message(&self.peers, received, &self.core.limits)
            .ok_or(ExchangeError::UnknownPeer(remote))?;
        if deviates(Deviation::RefusesPhase1WhileSasStand) && self.ipsec.iter().next().is_some() {
            return Err(ExchangeError::UnexpectedExchange { got: received.header.exchange_type });
        }
        let id = self.new_isakmp_id();
        let initiator = received.header.cookies.initiator;
        let responder = self.core.responder_cookie(&received.path, initiator, self.sa_count);
        let cookies = CookiePair { initiator, responder };
        let mut path = received.path;
        let first_contact = !self.other_sa_stands(peer_index, id);
        let Some(peer) = self.peers.get(peer_index) else {
            return Err(ExchangeError::UnknownPeer(remote));
        };
        let announced = announced_by(Announced::default(), received, &self.core.limits);
        path.fragment_size = peer.fragmentation.size_towards(announced);
        let mut cx = Cx {
            core: &mut self.core,
            peers: &self.peers,
            peer,
            peer_index,
            sa: id,
            cookies,
            path: &mut path,
            first_contact,
            discarded: Vec::new(),
        };
        let start = phase1::accept(&mut cx, received)?;
        let (peer_index, discarded) = (cx.peer_index, cx.discarded);
        let mut conversation = Conversation::default();
        let timer = Timer::RetransmitPhase1(id);
        conversation.handled(&mut self.core, digest, timer);
        let policy = start.retransmit.then_some(&peer.retransmission);
        conversation.sent(&mut self.core, &start.sent, timer, policy);
        self.core.timers.set(Timer::HalfOpen(id), self.core.now + self.core.limits.half_open_lifetime);
        self.by_cookies.insert(cookies, id);
        self.by_first_message.insert((initiator, remote), id);
        let mut sa = IsakmpSa::new(id, peer_index, cookies, Role::Responder, path, start.state, conversation);
        sa.first_from = Some(remote);
        sa.began = self.count_sa();
        sa.announced = announced;
        sa.discarded = discarded;
        self.half_open.insert(id, remote.ip(), sa.began, sa.phase1.awaits_cookie());
        self.isakmp.insert(sa);
        if let Some(oldest) = gives_way {
            self.fail_phase1(oldest, ExchangeError::LimitReached("half-open ISAKMP SAs"));
        }
        Ok(())
    }

    fn handle_in_sa(
        &mut self,
        id: IsakmpSaId,
        received: &Received,
        digest: Vec<u8>,
    ) -> Result<(), ExchangeError> {
        let encrypted = received.header.flags.contains(Flags::ENCRYPTION);
        match received.header.exchange_type {
            ExchangeType::QUICK_MODE | ExchangeType::INFORMATIONAL | ExchangeType::TRANSACTION
                if encrypted && self.keep_early(id, received) =>
            {
                self.show_early(id, received);
                Ok(())
            }
            ExchangeType::IDENTITY_PROTECTION | ExchangeType::AGGRESSIVE => {
                self.handle_phase1(id, received, digest)
            }
            ExchangeType::QUICK_MODE => self.handle_quick_mode(id, received, digest),
            ExchangeType::INFORMATIONAL if encrypted && self.awaits_connected(id, received) => {
                self.handle_quick_mode(id, received, digest)
            }
            ExchangeType::INFORMATIONAL => self.handle_informational(id, received),
            ExchangeType::TRANSACTION => self.handle_transaction(id, received, digest),
            ExchangeType::NEW_GROUP_MODE => self.handle_new_group(id, received, digest),
            got => Err(ExchangeError::UnexpectedExchange { got }),
        }
    }

    /// Whether an informational message has the M-ID of a quick mode that waits for CONNECTED.
    fn awaits_connected(&self, id: IsakmpSaId, received: &Received) -> bool {
        let exchange = self.isakmp.get(&id).and_then(|sa| sa.phase2.get(&received.header.message_id));
        exchange.is_some_and(|exchange| exchange.state.awaits_connected())
    }

    /// Keeps a phase 2 message that overtook the last message of phase 1: an aggressive mode initiator sends its
    /// third message and quick mode 1 back to back. Whether the message was such a one.
    fn keep_early(&mut self, id: IsakmpSaId, received: &Received) -> bool {
        let max = self.core.limits.early_bytes_max;
        self.isakmp.get_mut(&id).is_some_and(|sa| sa.keep_early(received, max))
    }

    /// Shows the key log an informational message that came before phase 1 is complete. RFC 2408 section 5.14 wants a
    /// refusal to be encrypted as soon as there are keys, RFC 2409 section 5.7 only once the SA stands. Nothing
    /// follows from it: whoever sent it has not authenticated.
    fn show_early(&mut self, id: IsakmpSaId, received: &Received) {
        let keys = self.isakmp.get(&id).and_then(|sa| sa.phase1.keys_so_far());
        if let Some((protection, last_block)) = keys
            && received.header.exchange_type == ExchangeType::INFORMATIONAL
        {
            phase2::informational::show(&mut self.core, protection, last_block, received);
        }
    }

    /// Handles what came too early, now that phase 1 is complete.
    fn handle_early(&mut self, id: IsakmpSaId) {
        let early = self.isakmp.get_mut(&id).map(|sa| core::mem::take(&mut sa.early)).unwrap_or_default();
        for received in early {
            let digest = self.core.provider.hash(HashAlgorithm::Sha2_256, &[&received.message]);
            if let Err(error) = self.handle_in_sa(id, &received, digest) {
                self.refuse(&received.path, &received.message, error);
            }
        }
    }

    fn handle_phase1(
        &mut self,
        id: IsakmpSaId,
        received: &Received,
        digest: Vec<u8>,
    ) -> Result<(), ExchangeError> {
        let header = &received.header;
        let Some(sa) = self.isakmp.get(&id) else {
            return Err(ExchangeError::UnknownCookies(header.cookies));
        };
        if sa.path.nat_t && !received.path.nat_t {
            // From before the ports changed: it is old (RFC 3947 section 4).
            return Ok(());
        }
        match sa.conversation.arrival(&digest) {
            Arrival::New => {}
            Arrival::Repeated => {
                sa.conversation.answer_again(&mut self.core);
                return Ok(());
            }
            Arrival::Stale => return Ok(()),
        }
        if header.message_id != MessageId::PHASE_1 {
            return Err(ExchangeError::InvalidMessageId(header.message_id));
        }
        let Some(peer) = self.peers.get(sa.peer) else {
            return Err(ExchangeError::UnknownPeer(received.path.remote));
        };
        if header.exchange_type != phase1::Phase1::exchange_type(peer.mode) {
            return Err(ExchangeError::UnexpectedExchange { got: header.exchange_type });
        }
        if sa.established().is_none() && sa.path.remote.ip() != received.path.remote.ip() {
            return Err(ExchangeError::UnknownPeer(received.path.remote));
        }
        let first_contact = !self.other_sa_stands(sa.peer, id);
        let (cookies, mut path) = (header.cookies, sa.path);
        let announced = announced_by(sa.announced, received, &self.core.limits);
        path.fragment_size = peer.fragmentation.size_towards(announced);
        let mut cx = Cx {
            core: &mut self.core,
            peers: &self.peers,
            peer,
            peer_index: sa.peer,
            sa: id,
            cookies,
            path: &mut path,
            first_contact,
            discarded: Vec::new(),
        };
        let advance = sa.phase1.handle(&mut cx, received);
        if let Err(error) = &advance
            && deviates(Deviation::GivesUpOnForgedPhase1)
        {
            let error = error.clone();
            self.fail_phase1(id, error.clone());
            return Err(error);
        }
        let advance = advance?;
        let (peer_index, discarded) = (cx.peer_index, cx.discarded);
        let policy = advance.retransmit.then_some(&peer.retransmission);
        let Some(sa) = self.isakmp.get_mut(&id) else {
            return Err(ExchangeError::UnknownCookies(cookies));
        };
        let timer = Timer::RetransmitPhase1(id);
        sa.conversation.handled(&mut self.core, digest, timer);
        if let Some(sent) = &advance.sent {
            sa.conversation.sent(&mut self.core, sent, timer, policy);
        }
        sa.path = path;
        sa.peer = peer_index;
        sa.announced = announced;
        sa.discarded.extend(discarded);
        sa.phase1 = advance.state;
        if let Some(remote) = sa.first_from {
            self.half_open.keep(id, remote.ip(), sa.began);
        }
        if sa.cookies.responder.is_zero() {
            sa.cookies = cookies;
            self.by_initiator_cookie.remove(&cookies.initiator);
            self.by_cookies.insert(cookies, id);
        }
        if sa.established().is_some() {
            self.isakmp_sa_established(id);
            self.handle_early(id);
        }
        Ok(())
    }

    fn handle_quick_mode(
        &mut self,
        id: IsakmpSaId,
        received: &Received,
        digest: Vec<u8>,
    ) -> Result<(), ExchangeError> {
        let m_id = received.header.message_id;
        let Some(sa) = self.isakmp.get_mut(&id).filter(|sa| sa.established().is_some()) else {
            return Err(ExchangeError::UnexpectedExchange { got: received.header.exchange_type });
        };
        let Some(exchange) = sa.phase2.remove(&m_id) else {
            if !sa.transactions.is_user_settled() && !deviates(Deviation::QuickModeBeforeTheUser) {
                return Err(ExchangeError::UserNotAuthenticated);
            }
            sa.check_new_m_id(m_id)?;
            let running = sa.phase2.values().filter(|e| e.state.is_running()).count();
            let one = deviates(Deviation::RunsOneQuickModeAtATime);
            if running >= self.core.limits.phase2_exchanges_max || one && running > 0 {
                return Err(ExchangeError::LimitReached("phase 2 exchanges"));
            }
            if self.ipsec.len() >= self.core.limits.ipsec_sas_max {
                return Err(ExchangeError::LimitReached("IPsec SAs"));
            }
            let path = self.answer_path(id, &received.path);
            let step = self.with_quick_mode_on(path, id, m_id, |cx| quick_mode::accept(cx, received));
            let step = step.ok_or(ExchangeError::SaDeleted)??;
            self.authenticated(id, &received.path);
            self.quick_mode_step(id, m_id, Conversation::default(), step, Some(digest));
            return Ok(());
        };
        let arrival = exchange.conversation.arrival(&digest);
        let result = if arrival == Arrival::New {
            let path = self.answer_path(id, &received.path);
            self.with_quick_mode_on(path, id, m_id, |cx| exchange.state.handle(cx, received))
        } else {
            None
        };
        if arrival == Arrival::Repeated {
            exchange.conversation.answer_again(&mut self.core);
        }
        match result {
            Some(Ok(step)) => {
                if let Some(sa) = self.isakmp.get_mut(&id) {
                    sa.refusals_answered = 0;
                }
                self.authenticated(id, &received.path);
                let Phase2 { conversation, state } = exchange;
                let kept = step.state.reserved_spis();
                let released = state.reserved_spis().into_iter().filter(|spi| !kept.contains(spi));
                released.for_each(|spi| self.ipsec.release_spi(spi));
                self.quick_mode_step(id, m_id, conversation, step, Some(digest));
                Ok(())
            }
            other => {
                if let Some(sa) = self.isakmp.get_mut(&id) {
                    sa.phase2.insert(m_id, exchange);
                }
                match other {
                    Some(Err(error)) if deviates(Deviation::GivesUpOnForgedQuickMode) => {
                        self.fail_quick_mode(id, m_id, error.clone());
                        Err(error)
                    }
                    Some(Err(error)) => Err(error),
                    _ => Ok(()),
                }
            }
        }
    }

    fn handle_informational(&mut self, id: IsakmpSaId, received: &Received) -> Result<(), ExchangeError> {
        let header = &received.header;
        let Some(sa) = self.isakmp.get(&id) else {
            return Err(ExchangeError::UnknownCookies(header.cookies));
        };
        if !header.flags.contains(Flags::ENCRYPTION) {
            return self.handle_clear_informational(Some(id), received);
        }
        if sa.established().is_none() {
            // Some peers answer main mode 5 so, under keys that we cannot trust yet.
            let got = header.flags.0;
            return Err(ExchangeError::InvalidFlags { got, problem: "phase 1 is not complete" });
        }
        let m_id = header.message_id;
        sa.check_new_m_id(m_id)?;
        let opened = self
            .with_quick_mode(id, m_id, |cx| phase2::informational::receive(cx, received))
            .ok_or(ExchangeError::SaDeleted)??;
        self.follow_peer(id, &received.path);
        let max = self.core.limits.finished_m_ids_max;
        let Some(sa) = self.isakmp.get_mut(&id) else { return Ok(()) };
        sa.use_m_id(m_id, max);
        sa.refusals_answered = 0;
        // A payload may delete the ISAKMP SA, and others still follow.
        let Some((peer, remote_id)) = sa.remote().map(|(peer, id)| (peer, id.clone())) else { return Ok(()) };
        let mut proves_life = true;
        let deletes = opened.chain.iter().filter(|payload| matches!(payload, Payload::Delete(_))).count();
        if deletes > 1 && deviates(Deviation::FallsOverTwoDeletes) {
            self.remove_isakmp_sa(id, DeleteReason::PeerDeleted);
            return Ok(());
        }
        for payload in opened.chain.iter() {
            let done = match payload {
                Payload::Delete(_) if deviates(Deviation::IgnoresDelete) => Ok(()),
                Payload::Notification(notification) => self.notified(id, notification),
                Payload::Delete(delete) => self.peer_deletes((peer, &remote_id), delete),
                _ => Ok(()),
            };
            // A payload that is wrong is discarded alone (RFC 2408 sections 5.14 and 5.15).
            if let Err(error) = done {
                // An answer that is refused proves nothing (RFC 3706 section 6.1).
                proves_life &= !matches!(error, ExchangeError::DpdSequence { .. });
                self.core.event(Event::DatagramRejected { error });
            }
        }
        if proves_life {
            self.heard(id);
        }
        Ok(())
    }

    /// Reports an informational message in the clear. Anyone can send one, so nothing else follows from it.
    fn handle_clear_informational(
        &mut self,
        sa: Option<IsakmpSaId>,
        received: &Received,
    ) -> Result<(), ExchangeError> {
        if received.header.flags.contains(Flags::ENCRYPTION) {
            return Err(ExchangeError::UnknownCookies(received.header.cookies));
        }
        let body = received.message.slice(Header::LEN..);
        let chain = read_chain(received.header.next_payload, &body, Trailing::Alignment, &self.core.limits)?;
        for payload in chain.iter() {
            if let (Payload::Delete(delete), Some(id)) = (payload, sa)
                && deviates(Deviation::ActsOnClearDelete)
                && let Some((peer, remote)) = self.isakmp.get(&id).and_then(IsakmpSa::remote)
            {
                let remote = remote.clone();
                self.peer_deletes((peer, &remote), delete)?;
            }
            let Payload::Notification(notification) = payload else { continue };
            phase2::informational::check_notification(notification)?;
            if matches!(notification.notify_type, NotifyType::R_U_THERE | NotifyType::R_U_THERE_ACK) {
                let got = received.header.flags.0;
                let problem = "dead peer detection must be encrypted (RFC 3706 section 5.2)";
                return Err(ExchangeError::InvalidFlags { got, problem });
            }
            self.core.event(Event::Notified {
                sa,
                notify_type: notification.notify_type,
                authenticated: false,
                data: notification.data.clone(),
            });
        }
        Ok(())
    }

    /// Reports a refused message, and tells the peer why when RFC 2408 section 5 has a notify for it.
    fn refuse(&mut self, path: &Path, message: &Bytes, error: ExchangeError) {
        let header = Header::decode(message).ok();
        // An informational message is never answered, or two sides could go on for ever.
        if let Some(header) = header.filter(|header| header.exchange_type != ExchangeType::INFORMATIONAL) {
            self.answer_with_notify(path, &header, &error);
        }
        self.core.event(Event::DatagramRejected { error });
    }
}

/// The checks of RFC 2408 sections 5.1 and 5.2 that need no state.
fn check_header(header: &Header, datagram_len: usize) -> Result<(), ExchangeError> {
    header.check(datagram_len)?;
    if header.cookies.initiator.is_zero() {
        return Err(ExchangeError::InvalidCookies(header.cookies));
    }
    // RFC 2408 section 3.1 has the bit for informational exchanges. The Commit bit is fine anywhere; quick mode heeds
    // it.
    if header.flags.contains(Flags::AUTH_ONLY) && header.exchange_type != ExchangeType::INFORMATIONAL {
        let problem = "only an informational exchange may be authenticated and not encrypted";
        return Err(ExchangeError::InvalidFlags { got: header.flags.0, problem });
    }
    Ok(())
}

/// Whether a message is a fragment of another. An encrypted one may begin with the number by chance.
fn is_fragment(header: &Header) -> bool {
    header.next_payload == PayloadType::FRAGMENT && !header.flags.contains(Flags::ENCRYPTION)
}

/// What the peer announces by now, with the vendor IDs of a message of phase 1 in the clear.
fn announced_by(before: Announced, received: &Received, limits: &Limits) -> Announced {
    if received.header.flags.contains(Flags::ENCRYPTION) {
        return before;
    }
    let body = received.message.slice(Header::LEN..);
    let chain = read_chain(received.header.next_payload, &body, Trailing::Alignment, limits);
    chain.map_or(before, |chain| before.with(&chain))
}
