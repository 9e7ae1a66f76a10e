//! What happens when time passes.

use super::Endpoint;
use crate::config::Retransmission;
use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::event::{DeleteReason, Event, IpsecSaId, IsakmpSaId};
use crate::io::Timestamp;
use crate::phase1::Phase1;
use crate::timer::Timer;
use crate::wire::{ExchangeType, Identification, MessageId};

impl Endpoint {
    /// Fires every timer that is due at `now`.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.core.now = now;
        while let Some(timer) = self.core.timers.take_due(now) {
            self.fire(timer);
        }
    }

    fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::RetransmitPhase1(id) => self.retransmit_phase1(id),
            Timer::RetransmitPhase2(id, m_id) => self.retransmit_phase2(id, m_id),
            Timer::HalfOpen(id) => self.fail_phase1(id, ExchangeError::TimedOut(0)),
            Timer::NotReady(id) => self.is_not_ready(id),
            Timer::RekeyIsakmp(id) => self.replace_isakmp_sa(id),
            Timer::ExpireIsakmp(_) | Timer::ExpireIpsec(_) if deviates(Deviation::KeepsSasAfterTheirLife) => {
            }
            Timer::ExpireIsakmp(id) => self.isakmp_sa_ends(id),
            Timer::RekeyIpsec(id) => self.replace_ipsec_sa(id),
            Timer::ExpireIpsec(id) => self.ipsec_sa_ends(id),
            Timer::Reassembly(id) => self.forget_fragments(id),
            Timer::DeadPeer(id) => self.look_after_peer(id),
            Timer::KeepAlive(remote) => self.keep_alive(remote),
        }
    }

    fn retransmission(&self, peer: usize) -> Retransmission {
        self.peers.get(peer).map(|peer| peer.retransmission).unwrap_or_default()
    }

    fn retransmit_phase1(&mut self, id: IsakmpSaId) {
        let Some(policy) = self.isakmp.get(&id).map(|sa| self.retransmission(sa.peer)) else { return };
        let Some(sa) = self.isakmp.get_mut(&id) else { return };
        let timer = Timer::RetransmitPhase1(id);
        if let Err(tries) = sa.conversation.retransmit(&mut self.core, timer, &policy) {
            self.fail_phase1(id, ExchangeError::TimedOut(tries));
        }
    }

    /// Ends a phase 1 exchange without its SA.
    pub(super) fn fail_phase1(&mut self, id: IsakmpSaId, error: ExchangeError) {
        let Some(sa) = self.isakmp.get(&id).filter(|sa| sa.established().is_none()) else { return };
        let exchange = self
            .peers
            .get(sa.peer)
            .map_or(ExchangeType::IDENTITY_PROTECTION, |peer| Phase1::exchange_type(peer.mode));
        self.core.event(Event::ExchangeFailed { sa: id, exchange, m_id: MessageId::PHASE_1, error });
        self.remove_isakmp_sa(id, DeleteReason::Expired);
    }

    fn retransmit_phase2(&mut self, id: IsakmpSaId, m_id: MessageId) {
        if self.retransmit_transaction(id, m_id) || self.retransmit_new_group(id, m_id) {
            return;
        }
        let Some(policy) = self.isakmp.get(&id).map(|sa| self.retransmission(sa.peer)) else { return };
        let Some(exchange) = self.isakmp.get_mut(&id).and_then(|sa| sa.phase2.get_mut(&m_id)) else {
            return;
        };
        let timer = Timer::RetransmitPhase2(id, m_id);
        if let Err(tries) = exchange.conversation.retransmit(&mut self.core, timer, &policy) {
            self.fail_quick_mode(id, m_id, ExchangeError::TimedOut(tries));
        }
    }

    /// The time has come to replace an ISAKMP SA that we initiated: a new phase 1 with a new Diffie-Hellman exchange.
    fn replace_isakmp_sa(&mut self, id: IsakmpSaId) {
        let now = self.core.now;
        let Some(exchange) = self.isakmp.get(&id).and_then(|sa| self.peers.get(sa.peer)) else { return };
        let exchange = Phase1::exchange_type(exchange.mode);
        if let Err(misuse) = self.rekey_isakmp_sa(now, id) {
            let error = ExchangeError::NoProposalChosen(misuse.to_string());
            self.core.event(Event::ExchangeFailed { sa: id, exchange, m_id: MessageId::PHASE_1, error });
        }
    }

    fn isakmp_sa_ends(&mut self, id: IsakmpSaId) {
        let Some(sa) = self.isakmp.get(&id) else { return };
        let reason = if sa.superseded { DeleteReason::Replaced } else { DeleteReason::Expired };
        self.send_isakmp_delete(id);
        self.remove_isakmp_sa(id, reason);
    }

    /// The time has come to replace IPsec SAs that we initiated: a new quick mode, after a new phase 1 if need be.
    pub(super) fn replace_ipsec_sa(&mut self, id: IpsecSaId) {
        let Some(pair) = self.ipsec.get(id).filter(|pair| !pair.being_replaced) else { return };
        let (isakmp_sa, peer, policy) = (pair.isakmp_sa, pair.peer, pair.policy);
        let usable = self.usable_isakmp_sa(isakmp_sa, peer, Some(&pair.remote_id));
        let failed = match usable {
            Some(isakmp_sa) => self.start_quick_mode(isakmp_sa, policy, Some(id)).err(),
            None => self.start_or_join_phase1(peer, (policy, Some(id))).err(),
        };
        if let Some(error) = failed {
            self.core.event(Event::ExchangeFailed {
                sa: isakmp_sa,
                exchange: ExchangeType::QUICK_MODE,
                m_id: MessageId::PHASE_1,
                error,
            });
        }
    }

    pub(super) fn ipsec_sa_ends(&mut self, id: IpsecSaId) {
        let Some(pair) = self.ipsec.get(id) else { return };
        let reason = if pair.being_replaced { DeleteReason::Replaced } else { DeleteReason::Expired };
        self.send_ipsec_delete(id);
        self.remove_ipsec_sa(id, reason);
    }

    /// The given ISAKMP SA when it stands, else the newest that does, with the peer and its identity if one is given.
    pub(super) fn usable_isakmp_sa(
        &self,
        preferred: IsakmpSaId,
        peer: usize,
        remote_id: Option<&Identification>,
    ) -> Option<IsakmpSaId> {
        let usable = |id: &IsakmpSaId| {
            self.isakmp.get(id).is_some_and(|sa| {
                !sa.superseded
                    && sa.is_ready()
                    && sa
                        .remote()
                        .is_some_and(|(p, id)| p == peer && remote_id.is_none_or(|wanted| wanted == id))
            })
        };
        Some(preferred).filter(usable).or_else(|| match remote_id {
            Some(id) => self.isakmp.with_remote((peer, id)).map(|(_, id)| id).filter(|id| usable(id)).max(),
            None => self.isakmp.with_peer(peer).filter(usable).max(),
        })
    }

    /// Sets the present time for a command.
    pub(super) fn at(&mut self, now: Timestamp) {
        self.core.now = now;
    }
}
