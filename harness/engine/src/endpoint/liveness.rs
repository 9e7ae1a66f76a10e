//! Whether the peer is still there, and where: dead peer detection, keep-alives, addresses that change behind a NAT.

use std::net::SocketAddr;

use bytes::Bytes;

use super::Endpoint;
use crate::config::{DeadPeerDetection, DpdTrigger};
use crate::core::Path;
use crate::deviation::{Deviation, deviates};
use crate::dpd::Action;
use crate::error::{ApiMisuse, ExchangeError};
use crate::event::{DeleteReason, Event, IpsecSaId, IsakmpSaId};
use crate::io::Timestamp;
use crate::natt::Nat;
use crate::timer::Timer;
use crate::wire::{Notification, NotifyType, Payload, ProtocolId};

impl Endpoint {
    /// Asks the peer of an ISAKMP SA whether it lives: sends R-U-THERE, and waits for the answer as the peer's
    /// [`DeadPeerDetection`] says. Gives the sequence number.
    ///
    /// # Errors
    ///
    /// When the SA is unknown, phase 1 is not complete, or one side did not announce dead peer detection.
    pub fn probe_peer(&mut self, now: Timestamp, isakmp_sa: IsakmpSaId) -> Result<u32, ApiMisuse> {
        self.at(now);
        let sa = self.isakmp.get(&isakmp_sa).ok_or(ApiMisuse::UnknownSa("ISAKMP SA"))?;
        if sa.established().is_none() {
            return Err(ApiMisuse::NotEstablished);
        }
        let config = self.dead_peer_detection(isakmp_sa);
        let config = config.ok_or(ApiMisuse::NotAnnounced("dead peer detection"))?;
        Ok(self.ask(isakmp_sa, config))
    }

    /// How to watch the peer of an established ISAKMP SA, when both sides announced dead peer detection.
    fn dead_peer_detection(&self, id: IsakmpSaId) -> Option<DeadPeerDetection> {
        let sa = self.isakmp.get(&id).filter(|sa| sa.established().is_some() && !sa.superseded)?;
        self.peers.get(sa.peer)?.dead_peer_detection.filter(|_| sa.announced.dead_peer_detection)
    }

    /// Sends R-U-THERE.
    fn ask(&mut self, id: IsakmpSaId, config: DeadPeerDetection) -> u32 {
        let random = u32::from_be_bytes(self.core.random_bytes());
        let now = self.core.now;
        let Some(sa) = self.isakmp.get_mut(&id) else { return 0 };
        let seq = sa.liveness.ask(now, random);
        self.send_dpd(id, NotifyType::R_U_THERE, seq);
        self.core.timers.set(Timer::DeadPeer(id), now + config.timeout);
        seq
    }

    /// Sends R-U-THERE or its answer (RFC 3706 section 5.3).
    fn send_dpd(&mut self, id: IsakmpSaId, notify_type: NotifyType, seq: u32) {
        let Some(cookies) = self.isakmp.get(&id).map(|sa| sa.cookies) else { return };
        let mut notification = Notification::isakmp(notify_type);
        notification.spi = Bytes::copy_from_slice(&cookies.to_bytes());
        notification.data = Bytes::copy_from_slice(&seq.to_be_bytes());
        self.send_informational(id, Payload::Notification(notification));
    }

    /// Acts on an authenticated R-U-THERE or R-U-THERE-ACK.
    ///
    /// # Errors
    ///
    /// When it is about another SA, or its sequence number does not fit. Where we did not announce dead peer detection,
    /// nothing follows and nothing is wrong.
    pub(super) fn dpd_notified(
        &mut self,
        id: IsakmpSaId,
        notification: &Notification,
    ) -> Result<(), ExchangeError> {
        let Some(sa) = self.isakmp.get_mut(&id) else { return Ok(()) };
        if self.peers.get(sa.peer).is_none_or(|peer| peer.dead_peer_detection.is_none()) {
            return Ok(());
        }
        if notification.protocol != ProtocolId::ISAKMP {
            return Err(ExchangeError::InvalidProtocolId(notification.protocol));
        }
        // Section 5.3: the cookies should be there. Some daemons leave them out.
        if !notification.spi.is_empty() && notification.spi.as_ref() != sa.cookies.to_bytes() {
            let (protocol, len) = (notification.protocol, notification.spi.len());
            return Err(ExchangeError::InvalidSpi { protocol, len });
        }
        let seq = <[u8; 4]>::try_from(notification.data.as_ref()).map(u32::from_be_bytes);
        let seq = seq.map_err(|_| ExchangeError::NotificationData(notification.notify_type))?;
        if notification.notify_type == NotifyType::R_U_THERE_ACK {
            return sa.liveness.answered(seq);
        }
        sa.liveness.asked(seq)?;
        if !deviates(Deviation::DoesNotAnswerRUThere) {
            self.send_dpd(id, NotifyType::R_U_THERE_ACK, seq);
        }
        Ok(())
    }

    /// Begins to watch the peer of a new ISAKMP SA.
    pub(super) fn watch_peer(&mut self, id: IsakmpSaId) {
        let now = self.core.now;
        if let Some(sa) = self.isakmp.get_mut(&id) {
            sa.liveness.heard(now);
        }
        if let Some(DeadPeerDetection { trigger: DpdTrigger::Idle(_), .. }) = self.dead_peer_detection(id) {
            self.look_after_peer(id);
        }
    }

    /// Looks whether the peer has to be asked, or is dead.
    pub(super) fn look_after_peer(&mut self, id: IsakmpSaId) {
        let Some(config) = self.dead_peer_detection(id) else { return };
        let Some(sa) = self.isakmp.get(&id) else { return };
        match sa.liveness.action(self.core.now, config.trigger, config.timeout, config.retries) {
            Action::Ask => {
                self.ask(id, config);
            }
            Action::Wait(at) => self.core.timers.set(Timer::DeadPeer(id), at),
            Action::Rest => self.core.timers.stop(Timer::DeadPeer(id)),
            Action::GiveUp => self.peer_is_dead(id, config),
        }
    }

    /// A packet goes out to the peer of an ISAKMP SA.
    pub(super) fn sent_packet(&mut self, id: IsakmpSaId) {
        if let Some(DeadPeerDetection { trigger: DpdTrigger::Traffic(_), .. }) = self.dead_peer_detection(id)
        {
            if let Some(sa) = self.isakmp.get_mut(&id) {
                sa.liveness.sent();
            }
            self.look_after_peer(id);
        }
    }

    /// Deletes the SAs of a peer that does not answer, without a message (RFC 3706 section 5.4): the ISAKMP SA that asked,
    /// the others with that peer from which nothing came since, and their IPsec SAs.
    fn peer_is_dead(&mut self, id: IsakmpSaId, config: DeadPeerDetection) {
        let Some(asking) = self.isakmp.get(&id) else { return };
        let (remote, heard) = (asking.remote(), asking.liveness.last_heard());
        let silent = |sa: &&crate::sa::IsakmpSa| sa.remote() == remote && sa.liveness.last_heard() <= heard;
        let sas: Vec<_> = self.isakmp.values().filter(silent).map(|sa| sa.id).collect();
        let pairs: Vec<_> =
            self.ipsec.iter().filter(|pair| sas.contains(&pair.isakmp_sa)).map(|pair| pair.id).collect();
        self.core.event(Event::PeerDead { sa: id, asked: u32::from(config.retries).saturating_add(1) });
        for pair in pairs {
            self.remove_ipsec_sa(pair, DeleteReason::PeerDead);
        }
        for sa in sas {
            self.remove_isakmp_sa(sa, DeleteReason::PeerDead);
        }
    }

    /// A message of an ISAKMP SA's peer that came on `path` was authenticated.
    pub(super) fn authenticated(&mut self, id: IsakmpSaId, path: &Path) {
        self.heard(id);
        self.follow_peer(id, path);
    }

    /// The peer of an ISAKMP SA has shown that it lives.
    pub(super) fn heard(&mut self, id: IsakmpSaId) {
        let now = self.core.now;
        if let Some(sa) = self.isakmp.get_mut(&id) {
            sa.liveness.heard(now);
        }
    }

    /// Follows the peer of an ISAKMP SA to where an authenticated message of it came from.
    pub(super) fn follow_peer(&mut self, id: IsakmpSaId, path: &Path) {
        let Some(sa) = self.isakmp.get_mut(&id) else { return };
        if !sa.has_moved(path) || deviates(Deviation::DoesNotFollowThePeer) {
            return;
        }
        sa.path = sa.path.moved(*path);
        let path = sa.path;
        let pairs: Vec<_> =
            sa.remote().map(|remote| self.ipsec.with_remote(remote).collect()).unwrap_or_default();
        for pair in pairs {
            if let Some(pair) = self.ipsec.get_mut(pair).filter(|p| p.isakmp_sa == id && p.path.nat_t) {
                pair.path = path;
            }
        }
        self.core.event(Event::PeerMoved { sa: id, remote: path.remote });
    }

    /// Where the answer to a message of an established SA goes: to its source, where the peer may have moved.
    pub(super) fn answer_path(&self, id: IsakmpSaId, received: &Path) -> Path {
        match self.isakmp.get(&id) {
            Some(sa) if sa.has_moved(received) => sa.path.moved(*received),
            Some(sa) => sa.path,
            None => *received,
        }
    }

    /// An IPsec SA's packet that came on `path` was authenticated.
    pub(super) fn packet_authenticated(&mut self, id: IpsecSaId, path: &Path) {
        let Some(pair) = self.ipsec.get_mut(id) else { return };
        let isakmp_sa = pair.isakmp_sa;
        let stays = deviates(Deviation::DoesNotFollowThePeer);
        let moved = !stays && pair.nat.is_some_and(Nat::follows_peer) && pair.path.nat_t && path.nat_t;
        if moved && pair.path.remote != path.remote {
            pair.path = pair.path.moved(*path);
        }
        self.authenticated(isakmp_sa, path);
    }

    /// Keeps the NAT's mapping for the peer of a new ISAKMP SA alive, when we are behind one.
    pub(super) fn keep_mapping_alive(&mut self, id: IsakmpSaId) {
        let Some(sa) = self.isakmp.get(&id) else { return };
        let interval = self.peers.get(sa.peer).and_then(|peer| peer.nat_keep_alive);
        if let Some(interval) =
            interval.filter(|_| sa.path.nat_t && sa.nat().is_some_and(|nat| nat.before_us))
        {
            let due = self.core.keep_alives.start(sa.path, interval, self.core.now);
            self.core.timers.set(Timer::KeepAlive(sa.path.remote), due);
        }
    }

    /// A keep-alive is due, unless something else went out or no SA stands with that address.
    pub(super) fn keep_alive(&mut self, remote: SocketAddr) {
        let Some(keep_alive) = self.core.keep_alives.get(remote) else { return };
        let stands = self.isakmp.values().any(|sa| sa.path.remote == remote && sa.established().is_some())
            || self.ipsec.iter().any(|pair| pair.path.nat_t && pair.path.remote == remote);
        if !stands {
            self.core.keep_alives.stop(remote);
            return;
        }
        if deviates(Deviation::SendsNoKeepAlives) {
            return;
        }
        if keep_alive.due() <= self.core.now {
            self.core.transmit(keep_alive.datagram());
        }
        if let Some(keep_alive) = self.core.keep_alives.get(remote) {
            self.core.timers.set(Timer::KeepAlive(remote), keep_alive.due());
        }
    }
}
