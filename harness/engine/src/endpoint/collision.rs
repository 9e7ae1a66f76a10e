//! Two quick modes at once that replace the same pair of IPsec SAs, one of each side.
//!
//! RFC 2409 knows of no replacing: to it these are two quick modes, and both pairs stand. They are alike, so one is kept,
//! the same one on both sides: the pair that has the lowest SPI of the four is redundant (RFC 7296 section 2.8.1 lets the
//! nonces decide in the same way). Both carry packets for a while; then the side that set up the redundant pair deletes
//! it, unless the other pair is gone by then. The other side just waits for that Delete, so nothing is lost with a peer
//! that decides otherwise or not at all.
//!
//! As responder we cannot know what a quick mode of the peer is for. One with the policy and clients of a pair that we
//! replace ourselves is taken to replace it as well.

use super::Endpoint;
use super::lifecycle::REPLACED_GRACE;
use crate::event::{IpsecSaId, Role};
use crate::sa::IpsecSaPair;
use crate::timer::Timer;

impl Endpoint {
    /// A pair stands that replaces `replaced`, or is taken to. If the other side has set up one for the same, one of the
    /// two gives way.
    pub(super) fn resolve_collision(&mut self, id: IpsecSaId, replaced: IpsecSaId) {
        let Some(pair) = self.ipsec.get(id) else { return };
        let other = self
            .ipsec
            .with_remote((pair.peer, &pair.remote_id))
            .filter_map(|other| self.ipsec.get(other))
            .find(|other| {
                other.replaces == Some(replaced)
                    && other.role != pair.role
                    && other.successor.is_none()
                    && other.bundle.first() == Some(&other.id)
            });
        let Some(other) = other else { return };
        let (redundant, stays) = match lowest_spi_first(pair).cmp(&lowest_spi_first(other)) {
            core::cmp::Ordering::Less => (pair.id, other.id),
            core::cmp::Ordering::Greater => (other.id, pair.id),
            core::cmp::Ordering::Equal => return,
        };
        for id in self.bundle_of(redundant) {
            let Some(pair) = self.ipsec.get_mut(id) else { continue };
            pair.being_replaced = true;
            pair.successor = Some(stays);
            let ours = pair.role == Role::Initiator;
            let end = pair.expires.min(self.core.now + REPLACED_GRACE);
            self.core.timers.stop(Timer::RekeyIpsec(id));
            if ours {
                self.core.timers.set(Timer::ExpireIpsec(id), end);
            }
        }
        if let Some(pair) = self.ipsec.get_mut(stays) {
            pair.made_redundant = Some(redundant);
        }
    }

    /// The pair for which a redundant one gives way is gone, so that one does not give way.
    pub(super) fn stays_after_all(&mut self, redundant: IpsecSaId) {
        for id in self.bundle_of(redundant) {
            let Some(pair) = self.ipsec.get_mut(id) else { continue };
            pair.being_replaced = false;
            pair.successor = None;
            let (end, isakmp_sa) = (pair.expires, pair.isakmp_sa);
            let replaces = pair.role == Role::Initiator && pair.bundle.first() == Some(&id);
            self.core.timers.set(Timer::ExpireIpsec(id), end);
            let left = end.since(self.core.now);
            if let Some(at) = self.rekey_after(isakmp_sa, Some(left)).filter(|_| replaces) {
                self.core.timers.set(Timer::RekeyIpsec(id), at);
            }
        }
    }
}

/// Both SPIs of a pair, which both sides know; the lower one first.
fn lowest_spi_first(pair: &IpsecSaPair) -> [u32; 2] {
    let mut spis = [pair.spi_in, pair.chosen.peer_spi];
    spis.sort_unstable();
    spis
}
