//! Which configured peer a responder speaks with: by address, by what is offered, and by identity.
//!
//! | | known when | by |
//! |---|---|---|
//! | main mode, pre-shared key | message 1 | address and offer: SKEYID depends on the key (RFC 2409 section 5.4) |
//! | public key encryption | message 3, in aggressive mode 1 | decrypted identity, among the peers that it may be from |
//! | main mode, signatures | message 5 | identity, among the peers that message 1 may have come from |
//! | aggressive mode, pre-shared key or signatures | message 1 | identity |

use super::{ClearMessage, Cx, Phase1, Received, negotiate};
use crate::config::{AuthenticationMethod, PeerConfig, Phase1Transform};
use crate::event::Role;
use crate::limits::Limits;
use crate::payloads;
use crate::peers::Peers;
use crate::wire::{ExchangeType, Identification, PayloadType};

/// The peer that an initiator's first message belongs to; `None` when none has its address. Where several have it, or
/// none of those with an address, the first that has the exchange, accepts the offer and, in aggressive mode, expects
/// the identity is taken; when there is no such, the first.
pub(crate) fn of_first_message(peers: &Peers, received: &Received, limits: &Limits) -> Option<usize> {
    let at_address: Vec<_> = peers.at_address(received.path.remote.ip()).collect();
    match at_address.as_slice() {
        [] => None,
        [(only, _)] => Some(*only),
        several => accepting(several, received, limits).or_else(|| best(several.iter().copied(), None)),
    }
}

/// Among these peers the best for a message that several can have sent.
fn accepting(among: &[(usize, &PeerConfig)], received: &Received, limits: &Limits) -> Option<usize> {
    let header = &received.header;
    let message = ClearMessage::of(header, &received.message, limits).ok()?;
    let (offered, _) = message.leading_sa().ok()?;
    let in_clear = !negotiate::offers_encryption(offered);
    let id = (header.exchange_type == ExchangeType::AGGRESSIVE && in_clear)
        .then(|| payloads::one(message.sealed(), PayloadType::ID).and_then(payloads::identification).ok())
        .flatten()
        .map(|(id, _)| id);
    let candidates = among.iter().copied().filter(|(_, peer)| {
        header.exchange_type == Phase1::exchange_type(peer.mode) && negotiate::choose(peer, offered).is_ok()
    });
    best(candidates, id)
}

/// The first of the peers that expects just this identity, else the first that accepts any; of either kind one whose
/// address is configured first. Without an identity the first of all.
fn best<'a>(
    candidates: impl Iterator<Item = (usize, &'a PeerConfig)>,
    id: Option<&Identification>,
) -> Option<usize> {
    let rank = |peer: &PeerConfig| {
        let by_identity = match (&peer.remote_id, id) {
            (Some(expected), Some(id)) if is_same(expected, id) => 0,
            (Some(_), Some(_)) => return None,
            (None, Some(_)) => 1,
            (_, None) => 0,
        };
        Some((by_identity, peer.remote.is_none()))
    };
    candidates.filter_map(|(index, peer)| Some((rank(peer)?, index))).min().map(|(_, index)| index)
}

/// Whether two identities are of the same type and data; ports do not matter.
pub(super) fn is_same(a: &Identification, b: &Identification) -> bool {
    a.id_type == b.id_type && a.data == b.data
}

impl<'a> Cx<'a> {
    /// The peers that a message under this method may be from as long as the identity is not known, the present one
    /// among them.
    pub(crate) fn possible_peers(
        &self,
        method: AuthenticationMethod,
    ) -> impl Iterator<Item = &'a PeerConfig> {
        let (mode, current) = (self.peer.mode, self.peer_index);
        let possible = move |(index, peer): &(usize, &PeerConfig)| {
            let methods = || peer.phase1.iter().map(|transform| transform.authentication);
            *index == current || (peer.mode == mode && methods().any(|m| m == method))
        };
        self.peers.at_address(self.path.remote.ip()).filter(possible).map(|(_, peer)| peer)
    }

    /// Goes over to the configured peer that has this identity, among those that the exchange so far may be with. Stays
    /// with the present one when there is no such.
    pub(crate) fn choose_peer_by_identity(&mut self, id: &Identification, transform: &Phase1Transform) {
        let (mode, extension) = (self.peer.mode, self.peer.extension(Role::Responder));
        let candidates = self
            .peers
            .at_address(self.path.remote.ip())
            .filter(|(_, peer)| peer.mode == mode && peer.phase1.contains(transform))
            .filter(|(_, peer)| peer.extension(Role::Responder) == extension);
        if let Some(index) = best(candidates, Some(id))
            && let Some(peer) = self.peers.get(index)
        {
            (self.peer_index, self.peer) = (index, peer);
        }
    }
}
