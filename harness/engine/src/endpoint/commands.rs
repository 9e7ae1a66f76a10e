//! What the driver may ask of an endpoint.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;

use super::Endpoint;
use crate::core::Path;
use crate::error::{ApiMisuse, ExchangeError};
use crate::esp::EspError;
use crate::event::{DeleteReason, IpsecSaId, IsakmpSaId, Role};
use crate::io::{Datagram, Timestamp};
use crate::phase1::{self, Cx};
use crate::phase2::negotiate::{protocol_id, spi_octets};
use crate::retransmit::Conversation;
use crate::sa::IsakmpSa;
use crate::timer::Timer;
use crate::wire::{Cookie, CookiePair, Delete, MessageId, Notification, Payload, ProtocolId};

impl Endpoint {
    /// Starts phase 1 with a configured peer.
    ///
    /// # Errors
    ///
    /// [`ApiMisuse`] when the peer is unknown, has no address, or its policy cannot be offered.
    pub fn initiate_phase1(&mut self, now: Timestamp, peer: &str) -> Result<IsakmpSaId, ApiMisuse> {
        self.at(now);
        let peer = self.peer_to_initiate(peer)?;
        self.start_phase1(peer, Vec::new(), None).map_err(misuse)
    }

    /// Sets up the IPsec SAs of a policy: phase 1 when no ISAKMP SA with the peer stands or is on its way, then quick
    /// mode. Gives the ISAKMP SA that protects quick mode.
    ///
    /// # Errors
    ///
    /// As for [`initiate_phase1`](Self::initiate_phase1), or when the policy is unknown.
    pub fn initiate(&mut self, now: Timestamp, peer: &str, policy: &str) -> Result<IsakmpSaId, ApiMisuse> {
        self.at(now);
        let peer = self.peer_index(peer)?;
        let policy = self.policy_index(peer, policy)?;
        match self.usable_isakmp_sa(IsakmpSaId(0), peer, None) {
            Some(id) => self.start_quick_mode(id, policy, None).map(|_| id),
            None => self.start_or_join_phase1(peer, (policy, None)),
        }
        .map_err(misuse)
    }

    /// Starts a quick mode under an ISAKMP SA.
    ///
    /// # Errors
    ///
    /// When the SA or the policy is unknown, or phase 1 is not complete.
    pub fn initiate_quick_mode(
        &mut self,
        now: Timestamp,
        isakmp_sa: IsakmpSaId,
        policy: &str,
    ) -> Result<MessageId, ApiMisuse> {
        self.at(now);
        let sa = self.isakmp.get(&isakmp_sa).ok_or(ApiMisuse::UnknownSa("ISAKMP SA"))?;
        if sa.established().is_none() {
            return Err(ApiMisuse::NotEstablished);
        }
        let policy = self.policy_index(sa.peer, policy)?;
        self.start_quick_mode(isakmp_sa, policy, None).map_err(misuse)
    }

    /// Replaces an ISAKMP SA: a new phase 1 with a new Diffie-Hellman exchange. The IPsec SAs stay, and go over to
    /// the new SA when it is established.
    ///
    /// # Errors
    ///
    /// When the SA is unknown, or as for [`initiate_phase1`](Self::initiate_phase1).
    pub fn rekey_isakmp_sa(&mut self, now: Timestamp, id: IsakmpSaId) -> Result<IsakmpSaId, ApiMisuse> {
        self.at(now);
        let sa = self.isakmp.get(&id).ok_or(ApiMisuse::UnknownSa("ISAKMP SA"))?;
        let peer = sa.peer;
        self.start_phase1(peer, Vec::new(), Some(id)).map_err(misuse)
    }

    /// Replaces a pair of IPsec SAs by a new quick mode.
    ///
    /// # Errors
    ///
    /// When the pair is unknown or no ISAKMP SA with the peer stands.
    pub fn rekey_ipsec_sa(&mut self, now: Timestamp, id: IpsecSaId) -> Result<MessageId, ApiMisuse> {
        self.at(now);
        let pair = self.ipsec.get(id).ok_or(ApiMisuse::UnknownSa("IPsec SA"))?;
        let (peer, policy, isakmp_sa) = (pair.peer, pair.policy, pair.isakmp_sa);
        let isakmp_sa = self
            .usable_isakmp_sa(isakmp_sa, peer, Some(&pair.remote_id))
            .ok_or(ApiMisuse::UnknownSa("ISAKMP SA"))?;
        self.start_quick_mode(isakmp_sa, policy, Some(id)).map_err(misuse)
    }

    /// Deletes an ISAKMP SA and tells the peer. The IPsec SAs stay.
    ///
    /// # Errors
    ///
    /// When the SA is unknown.
    pub fn delete_isakmp_sa(&mut self, now: Timestamp, id: IsakmpSaId) -> Result<(), ApiMisuse> {
        self.at(now);
        if !self.isakmp.contains_key(&id) {
            return Err(ApiMisuse::UnknownSa("ISAKMP SA"));
        }
        self.send_isakmp_delete(id);
        self.remove_isakmp_sa(id, DeleteReason::LocalRequest);
        Ok(())
    }

    /// Deletes a pair of IPsec SAs with the others of its bundle and tells the peer.
    ///
    /// # Errors
    ///
    /// When the pair is unknown.
    pub fn delete_ipsec_sa(&mut self, now: Timestamp, id: IpsecSaId) -> Result<(), ApiMisuse> {
        self.at(now);
        if self.ipsec.get(id).is_none() {
            return Err(ApiMisuse::UnknownSa("IPsec SA"));
        }
        for id in self.bundle_of(id) {
            self.send_ipsec_delete(id);
            self.remove_ipsec_sa(id, DeleteReason::LocalRequest);
        }
        Ok(())
    }

    /// Deletes pairs of IPsec SAs of one peer and tells it by one message. The SPIs of a protocol go into one Delete
    /// payload (RFC 2408 section 3.15).
    ///
    /// # Errors
    ///
    /// When a pair is unknown, or no ISAKMP SA with its peer stands; nothing is deleted then.
    pub fn delete_ipsec_sas(&mut self, now: Timestamp, ids: &[IpsecSaId]) -> Result<(), ApiMisuse> {
        self.at(now);
        let unknown = || ApiMisuse::UnknownSa("IPsec SA");
        let mut spis: BTreeMap<u8, Vec<Bytes>> = BTreeMap::new();
        let mut isakmp_sa = None;
        for id in ids {
            let pair = self.ipsec.get(*id).ok_or_else(unknown)?;
            let usable = self.usable_isakmp_sa(pair.isakmp_sa, pair.peer, Some(&pair.remote_id));
            let usable = usable.ok_or(ApiMisuse::UnknownSa("ISAKMP SA"))?;
            if *isakmp_sa.get_or_insert(usable) != usable {
                return Err(unknown());
            }
            let protocol = pair.chosen.protocol;
            spis.entry(protocol_id(protocol).0).or_default().push(spi_octets(protocol, pair.spi_in));
        }
        let Some(isakmp_sa) = isakmp_sa else { return Ok(()) };
        let deletes: Vec<_> = spis
            .into_iter()
            .map(|(protocol, spis)| Payload::Delete(Delete::new(ProtocolId(protocol), spis)))
            .collect();
        self.send_informational_payloads(isakmp_sa, &deletes);
        for id in ids {
            self.remove_ipsec_sa(*id, DeleteReason::LocalRequest);
        }
        Ok(())
    }

    /// Sends a Notification payload in a protected informational exchange.
    ///
    /// # Errors
    ///
    /// When the SA is unknown or phase 1 is not complete.
    pub fn send_notify(
        &mut self,
        now: Timestamp,
        isakmp_sa: IsakmpSaId,
        notification: Notification,
    ) -> Result<(), ApiMisuse> {
        self.at(now);
        let sa = self.isakmp.get(&isakmp_sa).ok_or(ApiMisuse::UnknownSa("ISAKMP SA"))?;
        if sa.established().is_none() {
            return Err(ApiMisuse::NotEstablished);
        }
        self.send_informational(isakmp_sa, Payload::Notification(notification));
        Ok(())
    }

    /// Sends a packet through an outbound IPsec SA, and the others of its bundle: a whole IP packet in tunnel mode with `next_header` 4, else what
    /// follows the IP header.
    ///
    /// # Errors
    ///
    /// When the pair is unknown or its sequence numbers are used up.
    pub fn send_packet(
        &mut self,
        now: Timestamp,
        id: IpsecSaId,
        next_header: u8,
        packet: &[u8],
    ) -> Result<(), ApiMisuse> {
        self.at(now);
        let unknown = ApiMisuse::UnknownSa("IPsec SA");
        let pair = self.ipsec.get(id).ok_or(unknown)?;
        let (isakmp_sa, bundle) = (pair.isakmp_sa, pair.bundle.clone());
        if bundle.iter().any(|id| self.ipsec.get(*id).is_none()) {
            return Err(ApiMisuse::Packet(EspError::NotOfBundle));
        }
        let mut sealed: Option<Datagram> = None;
        for id in &bundle {
            let Some(pair) = self.ipsec.get_mut(*id) else { continue };
            sealed = Some(match sealed {
                None => pair.seal(&mut self.core, next_header, packet)?,
                Some(inner) => pair.seal(&mut self.core, inner.ip_protocol, &inner.payload)?,
            });
        }
        if let Some(datagram) = sealed {
            self.core.transmit(datagram);
        }
        self.sent_packet(isakmp_sa);
        bundle.into_iter().for_each(|id| self.bytes_passed(id));
        Ok(())
    }

    fn peer_index(&self, name: &str) -> Result<usize, ApiMisuse> {
        self.peers.by_name(name).ok_or_else(|| ApiMisuse::UnknownPeer(name.to_owned()))
    }

    /// A peer that has an address.
    fn peer_to_initiate(&self, name: &str) -> Result<usize, ApiMisuse> {
        let index = self.peer_index(name)?;
        let fixed = self.peers.get(index).is_some_and(|peer| peer.remote.is_some());
        if fixed { Ok(index) } else { Err(ApiMisuse::NoPeerAddress(name.to_owned())) }
    }

    fn policy_index(&self, peer: usize, name: &str) -> Result<usize, ApiMisuse> {
        self.peers
            .get(peer)
            .and_then(|peer| peer.ipsec.iter().position(|policy| policy.name == name))
            .ok_or_else(|| ApiMisuse::UnknownPolicy(name.to_owned()))
    }

    /// Starts a quick mode once phase 1 is complete: the one that runs already, else a new one.
    pub(super) fn start_or_join_phase1(
        &mut self,
        peer: usize,
        quick_mode: (usize, Option<IpsecSaId>),
    ) -> Result<IsakmpSaId, ExchangeError> {
        let running = self.isakmp.initiating(peer);
        let Some(sa) = running.and_then(|id| self.isakmp.get_mut(&id)) else {
            return self.start_phase1(peer, vec![quick_mode], None);
        };
        sa.waiting.push(quick_mode);
        let id = sa.id;
        if let Some(pair) = quick_mode.1 {
            self.set_being_replaced(pair, true);
        }
        Ok(id)
    }

    /// Sends the first message of a new phase 1.
    pub(super) fn start_phase1(
        &mut self,
        peer_index: usize,
        waiting: Vec<(usize, Option<IpsecSaId>)>,
        replaces: Option<IsakmpSaId>,
    ) -> Result<IsakmpSaId, ExchangeError> {
        let (id, began) = (self.new_isakmp_id(), self.count_sa());
        let cookies = CookiePair { initiator: self.core.new_cookie(), responder: Cookie::ZERO };
        let first_contact = !self.other_sa_stands(peer_index, id);
        let no_address = || ExchangeError::NoProposalChosen("the peer has no address to initiate to".into());
        let peer = self.peers.get(peer_index).ok_or_else(no_address)?;
        let remote = SocketAddr::new(peer.remote.ok_or_else(no_address)?, peer.remote_port);
        // Once the ports have changed, an SA is replaced over the ports and the address that the old one uses now
        // (RFC 3947 section 4).
        let replaced = replaces.and_then(|old| self.isakmp.get(&old)).map(|old| old.path);
        let mut path = match replaced.filter(|path| path.nat_t) {
            Some(path) => Path { fragment_size: None, ..path },
            None => Path { local: peer.local, remote, nat_t: false, fragment_size: None },
        };
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
        let start = phase1::initiate(&mut cx)?;
        let mut conversation = Conversation::default();
        let policy = start.retransmit.then_some(&peer.retransmission);
        conversation.sent(&mut self.core, &start.sent, Timer::RetransmitPhase1(id), policy);
        let mut sa = IsakmpSa::new(id, peer_index, cookies, Role::Initiator, path, start.state, conversation);
        sa.waiting = waiting;
        sa.replaces = replaces;
        sa.began = began;
        for pair in sa.waiting.iter().filter_map(|(_, pair)| *pair) {
            self.set_being_replaced(pair, true);
        }
        self.by_initiator_cookie.insert(cookies.initiator, id);
        self.isakmp.insert(sa);
        Ok(id)
    }
}

/// A policy that cannot be offered is the caller's mistake.
fn misuse(error: ExchangeError) -> ApiMisuse {
    match error {
        ExchangeError::Crypto(error) => ApiMisuse::Crypto(error),
        other => ApiMisuse::UnusablePolicy(other.to_string()),
    }
}
