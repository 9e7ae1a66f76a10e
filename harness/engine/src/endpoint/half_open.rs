//! Phase 1 exchanges as responder that are not complete: how many, from where, and which gives way when there are too
//! many.
//!
//! A first message costs its sender nothing and may have a forged source address. So a main mode exchange whose peer
//! has not answered our cookie yet holds little, has cost no exponentiation, and gives way to a newer one when a limit
//! is reached, the oldest first: whoever wants to keep a peer out must then send faster than the peer answers, where
//! with refusals a limit's worth of datagrams would close the door until they time out. An exchange whose peer has
//! answered, and aggressive mode, which costs an exponentiation at once, do not give way, so that their limits also
//! bound the work that is done for strangers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::error::ExchangeError;
use crate::event::IsakmpSaId;
use crate::limits::Limits;

/// Counts of half-open ISAKMP SAs, and the order in which they give way.
#[derive(Debug, Default)]
pub(super) struct HalfOpen {
    count: usize,
    by_address: BTreeMap<IpAddr, usize>,
    /// Those that may give way, oldest first, by the endpoint's count of SAs.
    yielding: BTreeSet<(u64, IsakmpSaId)>,
    yielding_by_address: BTreeSet<(IpAddr, u64, IsakmpSaId)>,
}

impl HalfOpen {
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Those that may give way, oldest first.
    #[cfg(test)]
    pub(super) fn yielding(&self) -> impl Iterator<Item = IsakmpSaId> {
        assert_eq!(self.yielding.len(), self.yielding_by_address.len());
        self.yielding.iter().map(|(_, id)| *id)
    }

    /// Makes sure that one more exchange may begin at this address's wish: the one that has to give way for it, if
    /// any. `total` is the number of ISAKMP SAs of any kind.
    ///
    /// # Errors
    ///
    /// [`ExchangeError::LimitReached`] when a limit is reached and none may give way.
    pub(super) fn room(
        &self,
        remote: IpAddr,
        total: usize,
        limits: &Limits,
    ) -> Result<Option<IsakmpSaId>, ExchangeError> {
        let same = self.by_address.get(&remote).copied().unwrap_or_default();
        if same >= limits.half_open_per_address_max {
            let full = ExchangeError::LimitReached("half-open ISAKMP SAs of one address");
            return self.oldest_of(remote).ok_or(full).map(Some);
        }
        let oldest = self.yielding.first().map(|(_, id)| *id);
        if self.count >= limits.half_open_max {
            return oldest.ok_or(ExchangeError::LimitReached("half-open ISAKMP SAs")).map(Some);
        }
        if total >= limits.isakmp_sas_max {
            return oldest.ok_or(ExchangeError::LimitReached("ISAKMP SAs")).map(Some);
        }
        Ok(None)
    }

    fn oldest_of(&self, remote: IpAddr) -> Option<IsakmpSaId> {
        let first = (remote, 0, IsakmpSaId(0));
        let (address, _, id) = self.yielding_by_address.range(first..).next()?;
        (*address == remote).then_some(*id)
    }

    /// An exchange began.
    pub(super) fn insert(&mut self, id: IsakmpSaId, remote: IpAddr, began: u64, yields: bool) {
        self.count = self.count.saturating_add(1);
        let same = self.by_address.entry(remote).or_default();
        *same = same.saturating_add(1);
        if yields {
            self.yielding.insert((began, id));
            self.yielding_by_address.insert((remote, began, id));
        }
    }

    /// The peer has answered our cookie: the exchange does not give way any more.
    pub(super) fn keep(&mut self, id: IsakmpSaId, remote: IpAddr, began: u64) {
        self.yielding.remove(&(began, id));
        self.yielding_by_address.remove(&(remote, began, id));
    }

    /// An exchange is complete or gone.
    pub(super) fn remove(&mut self, id: IsakmpSaId, remote: IpAddr, began: u64) {
        self.keep(id, remote, began);
        self.count = self.count.saturating_sub(1);
        if let Some(same) = self.by_address.get_mut(&remote) {
            *same = same.saturating_sub(1);
            if *same == 0 {
                self.by_address.remove(&remote);
            }
        }
    }
}
