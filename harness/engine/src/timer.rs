//! The timers of an endpoint: one table, one next timeout.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

use crate::event::{IpsecSaId, IsakmpSaId};
use crate::io::Timestamp;
use crate::wire::MessageId;

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The last phase 1 message of ours has no answer yet.
    RetransmitPhase1(IsakmpSaId),
    /// The last message of ours in a phase 2 exchange has no answer yet.
    RetransmitPhase2(IsakmpSaId, MessageId),
    /// A phase 1 exchange as responder has not come to its end.
    HalfOpen(IsakmpSaId),
    /// Phase 1 is complete, and what must come before quick modes is not.
    NotReady(IsakmpSaId),
    /// It is time to replace an ISAKMP SA.
    RekeyIsakmp(IsakmpSaId),
    /// The ISAKMP SA's lifetime ends.
    ExpireIsakmp(IsakmpSaId),
    /// It is time to replace a pair of IPsec SAs.
    RekeyIpsec(IpsecSaId),
    /// The IPsec SAs' lifetime ends.
    ExpireIpsec(IpsecSaId),
    /// Messages that came in part under an ISAKMP SA are forgotten.
    Reassembly(IsakmpSaId),
    /// It is time to look whether an ISAKMP SA's peer still lives.
    DeadPeer(IsakmpSaId),
    /// A keep-alive to this address of a peer is due, if nothing else went there.
    KeepAlive(SocketAddr),
}

/// Timers by what they are for; each is set at most once.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    by_time: BTreeSet<(Timestamp, Timer)>,
    by_timer: HashMap<Timer, Timestamp>,
}

impl Timers {
    /// Sets a timer, in place of its former time.
    pub(crate) fn set(&mut self, timer: Timer, at: Timestamp) {
        if let Some(former) = self.by_timer.insert(timer, at) {
            self.by_time.remove(&(former, timer));
        }
        self.by_time.insert((at, timer));
    }

    /// Stops a timer.
    pub(crate) fn stop(&mut self, timer: Timer) {
        if let Some(former) = self.by_timer.remove(&timer) {
            self.by_time.remove(&(former, timer));
        }
    }

    /// Every timer that is set.
    #[cfg(test)]
    pub(crate) fn all(&self) -> impl Iterator<Item = Timer> {
        self.by_time.iter().map(|(_, timer)| *timer)
    }

    /// When the next timer fires.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes a timer that fires at `now` or before.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Option<Timer> {
        let (at, timer) = *self.by_time.first()?;
        if at > now {
            return None;
        }
        self.stop(timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_fire_in_order_and_a_second_setting_replaces_the_first() {
        let (a, b) = (Timer::ExpireIsakmp(IsakmpSaId(1)), Timer::RekeyIsakmp(IsakmpSaId(1)));
        let mut timers = Timers::default();
        timers.set(a, Timestamp::from_secs(5));
        timers.set(b, Timestamp::from_secs(3));
        timers.set(b, Timestamp::from_secs(7));
        assert_eq!(timers.next(), Some(Timestamp::from_secs(5)));
        assert_eq!(timers.take_due(Timestamp::from_secs(4)), None);
        assert_eq!(timers.take_due(Timestamp::from_secs(9)), Some(a));
        assert_eq!(timers.take_due(Timestamp::from_secs(9)), Some(b));
        assert_eq!(timers.next(), None);
    }
}
