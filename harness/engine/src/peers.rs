//! The configured peers, and ways to them that do not get longer with their number.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use crate::config::PeerConfig;

/// The configured peers; an index into them never changes.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    peers: Vec<PeerConfig>,
    by_name: BTreeMap<String, usize>,
    by_address: BTreeMap<IpAddr, Vec<usize>>,
    /// Those that accept any source.
    any_address: Vec<usize>,
    /// Our ends for NAT traversal.
    nat_t_ends: BTreeSet<SocketAddr>,
}

impl Peers {
    pub(crate) fn new(peers: Vec<PeerConfig>) -> Self {
        let mut all = Self::default();
        for (index, peer) in peers.iter().enumerate() {
            all.by_name.entry(peer.name.clone()).or_insert(index);
            match peer.remote {
                Some(address) => all.by_address.entry(address).or_default().push(index),
                None => all.any_address.push(index),
            }
            all.nat_t_ends.insert(peer.local_nat_t);
        }
        Self { peers, ..all }
    }

    pub(crate) fn get(&self, index: usize) -> Option<&PeerConfig> {
        self.peers.get(index)
    }

    /// The first peer of this name.
    pub(crate) fn by_name(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The peers that fit a source address: those that are configured with it, then those that accept any.
    pub(crate) fn at_address(&self, remote: IpAddr) -> impl Iterator<Item = (usize, &PeerConfig)> {
        let fixed = self.by_address.get(&remote).into_iter().flatten();
        let indices = fixed.chain(&self.any_address).copied();
        indices.filter_map(|index| Some((index, self.peers.get(index)?)))
    }

    /// Whether one of our ends is for NAT traversal.
    pub(crate) fn is_nat_t_end(&self, local: SocketAddr) -> bool {
        self.nat_t_ends.contains(&local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::{ALICE, BOB, peer_config};

    #[test]
    fn the_peers_that_fit_an_address_are_found() {
        let named = |name: &str, remote: Option<&str>| PeerConfig {
            name: name.into(),
            remote: remote.map(|ip| ip.parse().unwrap()),
            ..peer_config(ALICE, BOB)
        };
        let peers = Peers::new(vec![
            named("a", Some("192.0.2.7")),
            named("any", None),
            named("b", Some("192.0.2.8")),
            named("a", None),
        ]);
        let at = |peers: &Peers, ip: &str| {
            peers.at_address(ip.parse().unwrap()).map(|(index, _)| index).collect::<Vec<_>>()
        };
        assert_eq!(at(&peers, "192.0.2.7"), [0, 1, 3]);
        assert_eq!(at(&peers, "192.0.2.8"), [2, 1, 3]);
        assert_eq!(at(&peers, "2001:db8::1"), [1, 3]);
        assert_eq!((peers.by_name("a"), peers.by_name("b"), peers.by_name("c")), (Some(0), Some(2), None));
        let fixed = Peers::new(vec![named("a", Some("192.0.2.7"))]);
        assert!(at(&fixed, "192.0.2.8").is_empty());
        let end = peer_config(ALICE, BOB).local_nat_t;
        assert_eq!((peers.is_nat_t_end(end), peers.is_nat_t_end((end.ip(), 500).into())), (true, false));
    }
}
