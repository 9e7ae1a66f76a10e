//! The addresses that edge devices have assigned.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use crate::config::AddressPool;
use crate::event::IsakmpSaId;

/// Which address is assigned under which ISAKMP SA; each SA has one at most.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    /// By index of the configured peer, whose pool it is from, and address.
    by_address: BTreeMap<(usize, Ipv4Addr), IsakmpSaId>,
}

impl Leases {
    /// Assigns an address of a peer's pool to an SA: the wanted one if it is free, or its holder is one that `yields` it,
    /// else the first that is free; `None` when there is none.
    pub(crate) fn assign(
        &mut self,
        pool: AddressPool,
        peer: usize,
        sa: IsakmpSaId,
        wanted: Option<Ipv4Addr>,
        yields: impl Fn(IsakmpSaId) -> bool,
    ) -> Option<Ipv4Addr> {
        let inside = |address: &Ipv4Addr| (pool.first..=pool.last).contains(address);
        let holder = |address: &Ipv4Addr| self.by_address.get(&(peer, *address));
        let address = wanted
            .filter(inside)
            .filter(|address| holder(address).is_none_or(|holder| *holder == sa || yields(*holder)))
            .or_else(|| self.first_free(pool, peer))?;
        self.by_address.insert((peer, address), sa);
        Some(address)
    }

    fn first_free(&self, pool: AddressPool, peer: usize) -> Option<Ipv4Addr> {
        if pool.first > pool.last {
            return None;
        }
        let mut free = pool.first.to_bits();
        for (_, taken) in self.by_address.range((peer, pool.first)..=(peer, pool.last)).map(|entry| entry.0) {
            if taken.to_bits() > free {
                break;
            }
            free = free.checked_add(1)?;
        }
        Some(Ipv4Addr::from_bits(free)).filter(|address| *address <= pool.last)
    }

    /// Gives an address back, unless another SA has taken it over.
    pub(crate) fn release(&mut self, peer: usize, address: Ipv4Addr, sa: IsakmpSaId) {
        if self.by_address.get(&(peer, address)) == Some(&sa) {
            self.by_address.remove(&(peer, address));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ip(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 3, 0, last)
    }

    const POOL: AddressPool = AddressPool { first: ip(1), last: ip(3) };
    const NEVER: fn(IsakmpSaId) -> bool = |_| false;

    fn sa(n: u32) -> IsakmpSaId {
        IsakmpSaId(n)
    }

    #[test]
    fn addresses_are_assigned_in_order_until_there_are_none_left() {
        let mut leases = Leases::default();
        let assigned: Vec<_> = (1..=4).map(|n| leases.assign(POOL, 0, sa(n), None, NEVER)).collect();
        assert_eq!(assigned, [Some(ip(1)), Some(ip(2)), Some(ip(3)), None]);
        leases.release(0, ip(2), sa(2));
        assert_eq!(leases.assign(POOL, 0, sa(5), None, NEVER), Some(ip(2)), "the gap is filled");
        assert_eq!(leases.assign(POOL, 1, sa(6), None, NEVER), Some(ip(1)), "another peer has another pool");
    }

    #[test]
    fn a_wanted_address_is_given_when_it_is_free_or_yielded() {
        let mut leases = Leases::default();
        assert_eq!(leases.assign(POOL, 0, sa(1), Some(ip(3)), NEVER), Some(ip(3)));
        assert_eq!(leases.assign(POOL, 0, sa(1), Some(ip(3)), NEVER), Some(ip(3)), "asked again");
        assert_eq!(leases.assign(POOL, 0, sa(2), Some(ip(3)), NEVER), Some(ip(1)));
        assert_eq!(leases.assign(POOL, 0, sa(3), Some(ip(9)), NEVER), Some(ip(2)), "not of the pool");
        assert_eq!(leases.assign(POOL, 0, sa(4), Some(ip(3)), |holder| holder == sa(1)), Some(ip(3)));
        leases.release(0, ip(3), sa(1));
        assert_eq!(leases.assign(POOL, 0, sa(5), Some(ip(3)), NEVER), None, "it went over to the newer SA");
    }

    #[test]
    fn a_pool_may_end_with_the_last_address_or_be_empty() {
        let mut leases = Leases::default();
        let last = Ipv4Addr::BROADCAST;
        let pool = AddressPool { first: last, last };
        assert_eq!(leases.assign(pool, 0, sa(1), None, NEVER), Some(last));
        assert_eq!(leases.assign(pool, 0, sa(2), None, NEVER), None);
        let empty = AddressPool { first: ip(2), last: ip(1) };
        assert_eq!(leases.assign(empty, 0, sa(1), None, NEVER), None);
    }
}
