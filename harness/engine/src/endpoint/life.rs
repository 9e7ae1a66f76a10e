//! Lives that end by traffic, or that the responder cuts short.

use super::Endpoint;
use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::event::{IpsecSaId, IsakmpSaId, Role};
use crate::phase2::lifetime::{self, Life};
use crate::phase2::negotiate::protocol_id;
use crate::timer::Timer;
use crate::wire::{CookiePair, Notification, ProtocolId, Spi};

impl Endpoint {
    /// Traffic went through a pair of IPsec SAs: its life in kilobytes may be over, or near its end. The side that set
    /// the pair up replaces it when three quarters are used up.
    pub(super) fn bytes_passed(&mut self, id: IpsecSaId) {
        let Some(pair) = self.ipsec.get(id).filter(|_| !deviates(Deviation::IgnoresKilobytes)) else {
            return;
        };
        let Some(max) = pair.bytes_max else { return };
        let passed = pair.bytes_in.max(pair.bytes_out);
        if passed >= max {
            return self.ipsec_sa_ends(id);
        }
        let rekey = self.peers.get(pair.peer).is_some_and(|peer| peer.rekey);
        let initiator = pair.role == Role::Initiator;
        if rekey && initiator && passed >= max.saturating_sub(max / 4) {
            self.replace_ipsec_sa(id);
        }
    }

    /// The responder says that an SA lives less long than offered (RFC 2407 section 4.6.3.1). It can only get shorter.
    ///
    /// # Errors
    ///
    /// When the notification is malformed, or names no SA with its sender.
    pub(super) fn responder_lifetime(
        &mut self,
        id: IsakmpSaId,
        notification: &Notification,
    ) -> Result<(), ExchangeError> {
        let (seconds, kilobytes) = lifetime::read(notification, &self.core.limits.wire)?;
        let unknown = ExchangeError::UnknownSpis(1);
        let Some(sa) = self.isakmp.get_mut(&id) else { return Err(unknown) };
        let now = self.core.now;
        let end = seconds.map(|seconds| now + seconds);
        if notification.protocol == ProtocolId::ISAKMP {
            if CookiePair::from_bytes(&notification.spi) != Some(sa.cookies) {
                return Err(unknown);
            }
            let Some(end) = end.filter(|end| sa.expires.is_none_or(|expires| *end < expires)) else {
                return Ok(());
            };
            sa.expires = Some(end);
            let initiator = sa.role == Role::Initiator;
            self.core.timers.set(Timer::ExpireIsakmp(id), end);
            if let Some(at) = self.rekey_after(id, seconds).filter(|_| initiator) {
                self.core.timers.set(Timer::RekeyIsakmp(id), at);
            }
            return Ok(());
        }
        let Some(remote) = sa.remote() else { return Err(unknown) };
        let spi = Spi(notification.spi.clone()).as_u32().ok_or(unknown.clone())?;
        let named = self.ipsec.with_spi_out(remote, spi).find(|id| {
            let pair = self.ipsec.get(*id);
            pair.is_some_and(|pair| protocol_id(pair.chosen.protocol) == notification.protocol)
        });
        let Some(pair) = named.and_then(|id| self.ipsec.get_mut(id)) else { return Err(unknown) };
        let pair_id = pair.id;
        let said = Life { time: seconds.unwrap_or_default(), kilobytes };
        pair.bytes_max = match (pair.bytes_max, said.bytes()) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        if let Some(end) = end.filter(|end| *end < pair.expires) {
            pair.expires = end;
            let replaces = pair.role == Role::Initiator && !pair.being_replaced;
            self.core.timers.set(Timer::ExpireIpsec(pair_id), end);
            if let Some(at) = self.rekey_after(id, seconds).filter(|_| replaces) {
                self.core.timers.set(Timer::RekeyIpsec(pair_id), at);
            }
        }
        self.bytes_passed(pair_id);
        Ok(())
    }
}
