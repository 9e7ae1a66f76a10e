//! All ISAKMP SAs, with the ways to find them that do not get longer with their number.

use std::collections::{BTreeMap, BTreeSet};

use super::IsakmpSa;
use crate::event::{IsakmpSaId, Role};
use crate::wire::Identification;

/// All ISAKMP SAs by identifier; those that are complete, that is ready for quick modes, also by whom they speak with.
#[derive(Debug, Default)]
pub(crate) struct IsakmpTable {
    sas: BTreeMap<IsakmpSaId, IsakmpSa>,
    /// Complete SAs: index of the peer, identity, the endpoint's count of SAs at their completion.
    by_remote: BTreeSet<(usize, Identification, u64, IsakmpSaId)>,
    /// SAs that we initiate and that are not complete, by index of the peer.
    initiating: BTreeSet<(usize, IsakmpSaId)>,
}

impl IsakmpTable {
    pub(crate) fn insert(&mut self, sa: IsakmpSa) {
        if sa.role == Role::Initiator {
            self.initiating.insert((sa.peer, sa.id));
        }
        self.sas.insert(sa.id, sa);
    }

    /// Notes that phase 1 and what must follow it is complete, as the `completed`th thing that the endpoint counted.
    pub(crate) fn complete(&mut self, id: IsakmpSaId, completed: u64) {
        let Some(sa) = self.sas.get_mut(&id) else { return };
        sa.completed = Some(completed);
        self.initiating.remove(&(sa.peer, id));
        if let Some((peer, remote_id)) = sa.remote() {
            self.by_remote.insert((peer, remote_id.clone(), completed, id));
        }
    }

    pub(crate) fn remove(&mut self, id: IsakmpSaId) -> Option<IsakmpSa> {
        let sa = self.sas.remove(&id)?;
        self.initiating.remove(&(sa.peer, id));
        if let (Some((peer, remote_id)), Some(completed)) = (sa.remote(), sa.completed) {
            self.by_remote.remove(&(peer, remote_id.clone(), completed, id));
        }
        Some(sa)
    }

    pub(crate) fn get(&self, id: &IsakmpSaId) -> Option<&IsakmpSa> {
        self.sas.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &IsakmpSaId) -> Option<&mut IsakmpSa> {
        self.sas.get_mut(id)
    }

    pub(crate) fn contains_key(&self, id: &IsakmpSaId) -> bool {
        self.sas.contains_key(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.sas.len()
    }

    /// All of them, in the order of their identifiers.
    pub(crate) fn values(&self) -> impl Iterator<Item = &IsakmpSa> {
        self.sas.values()
    }

    /// Complete SAs with one identity of a peer, in the order of their completion, with the count at it.
    pub(crate) fn with_remote(
        &self,
        (peer, remote_id): (usize, &Identification),
    ) -> impl Iterator<Item = (u64, IsakmpSaId)> {
        let (first, last) = (
            (peer, remote_id.clone(), 0, IsakmpSaId(0)),
            (peer, remote_id.clone(), u64::MAX, IsakmpSaId(u32::MAX)),
        );
        self.by_remote.range(first..=last).map(|(_, _, completed, id)| (*completed, *id))
    }

    /// Complete SAs with any identity of a peer.
    pub(crate) fn with_peer(&self, peer: usize) -> impl Iterator<Item = IsakmpSaId> {
        let first = (peer, Identification::LEAST, 0, IsakmpSaId(0));
        self.by_remote.range(first..).take_while(move |entry| entry.0 == peer).map(|entry| entry.3)
    }

    /// The SA that we initiate with a peer, if one is not complete yet.
    pub(crate) fn initiating(&self, peer: usize) -> Option<IsakmpSaId> {
        let (first, last) = ((peer, IsakmpSaId(0)), (peer, IsakmpSaId(u32::MAX)));
        self.initiating.range(first..=last).next().map(|(_, id)| *id)
    }

    /// How many entries the indices have: complete SAs, SAs that we initiate.
    #[cfg(test)]
    pub(crate) fn indexed(&self) -> (usize, usize) {
        (self.by_remote.len(), self.initiating.len())
    }
}
