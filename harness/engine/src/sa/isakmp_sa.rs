//! An ISAKMP SA: its phase 1 exchange, and the phase 2 exchanges under it.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use crate::core::Path;
use crate::dpd::Liveness;
use crate::error::ExchangeError;
use crate::event::{IpsecSaId, IsakmpSaId, Role};
use crate::fragmentation::Reassembly;
use crate::io::Timestamp;
use crate::natt::Nat;
use crate::phase1::{Established, Phase1, Received};
use crate::phase2::new_group::NewGroups;
use crate::phase2::quick_mode::QuickMode;
use crate::phase2::transaction::Transactions;
use crate::retransmit::Conversation;
use crate::vendor::Announced;
use crate::wire::{CookiePair, Identification, MessageId, NotifyType};

/// One ISAKMP SA, from its first message on.
#[derive(Debug)]
pub(crate) struct IsakmpSa {
    pub(crate) id: IsakmpSaId,
    /// Index into the configured peers.
    pub(crate) peer: usize,
    pub(crate) cookies: CookiePair,
    pub(crate) role: Role,
    pub(crate) path: Path,
    pub(crate) phase1: Phase1,
    pub(crate) conversation: Conversation,
    pub(crate) phase2: BTreeMap<MessageId, Phase2>,
    /// M-IDs that were used, oldest first, against replays.
    pub(crate) used_m_ids: VecDeque<MessageId>,
    pub(crate) expires: Option<Timestamp>,
    /// Quick modes to start once the SA is ready: index of the policy, SA pair to replace.
    pub(crate) waiting: Vec<(usize, Option<IpsecSaId>)>,
    /// The ISAKMP SA that this one replaces.
    pub(crate) replaces: Option<IsakmpSaId>,
    /// A newer ISAKMP SA took over; this one only waits for its end.
    pub(crate) superseded: bool,
    /// Where the first message came from, when the peer sent it.
    pub(crate) first_from: Option<SocketAddr>,
    /// The endpoint's count of SAs when this one began.
    pub(crate) began: u64,
    /// The endpoint's count of SAs when this one was ready.
    pub(crate) completed: Option<u64>,
    /// Phase 2 messages that came before the last message of phase 1.
    pub(crate) early: Vec<Received>,
    /// Protected notifies that answered refused messages since the last one that was not refused.
    pub(crate) refusals_answered: usize,
    /// What is to be said, once the SA stands, of payloads of phase 1 that were discarded.
    pub(crate) discarded: Vec<NotifyType>,
    /// What the peer announced by vendor IDs.
    pub(crate) announced: Announced,
    pub(crate) liveness: Liveness,
    /// Messages that came in part.
    pub(crate) reassembly: Reassembly,
    pub(crate) transactions: Transactions,
    pub(crate) new_groups: NewGroups,
}

/// A quick mode exchange with what retransmission needs.
#[derive(Debug)]
pub(crate) struct Phase2 {
    pub(crate) conversation: Conversation,
    pub(crate) state: QuickMode,
}

impl IsakmpSa {
    /// An SA whose first message went out.
    pub(crate) fn new(
        id: IsakmpSaId,
        peer: usize,
        cookies: CookiePair,
        role: Role,
        path: Path,
        phase1: Phase1,
        conversation: Conversation,
    ) -> Self {
        Self {
            id,
            peer,
            cookies,
            role,
            path,
            phase1,
            conversation,
            phase2: BTreeMap::new(),
            used_m_ids: VecDeque::new(),
            expires: None,
            waiting: Vec::new(),
            replaces: None,
            superseded: false,
            first_from: None,
            began: 0,
            completed: None,
            early: Vec::new(),
            refusals_answered: 0,
            discarded: Vec::new(),
            announced: Announced::default(),
            liveness: Liveness::default(),
            reassembly: Reassembly::default(),
            transactions: Transactions::default(),
            new_groups: NewGroups::default(),
        }
    }

    /// What phase 1 gave, once it is complete.
    pub(crate) fn established(&self) -> Option<&Established> {
        match &self.phase1 {
            Phase1::Established(established) => Some(established),
            _ => None,
        }
    }

    /// Whether everything is done that must come before quick modes: phase 1, extended authentication, configuration.
    pub(crate) fn is_ready(&self) -> bool {
        self.completed.is_some()
    }

    /// The NAT between us and the peer, once phase 1 is complete.
    pub(crate) fn nat(&self) -> Option<Nat> {
        self.established().and_then(|established| established.nat)
    }

    /// Whether an authenticated message on this path shows that the peer has another address now.
    pub(crate) fn has_moved(&self, path: &Path) -> bool {
        let follows = self.nat().is_some_and(Nat::follows_peer);
        follows && self.path.nat_t && path.nat_t && self.path.remote != path.remote
    }

    /// Whom it speaks with, once authenticated: index of the configured peer, and identity. One configured peer
    /// may stand for many hosts.
    pub(crate) fn remote(&self) -> Option<(usize, &Identification)> {
        self.established().map(|established| (self.peer, &established.remote_id))
    }

    /// Keeps a phase 2 message that overtook the last message of phase 1; whether it could.
    pub(crate) fn keep_early(&mut self, received: &Received, bytes_max: usize) -> bool {
        let held: usize = self.early.iter().map(|early| early.message.len()).sum();
        let fits = held.saturating_add(received.message.len()) <= bytes_max;
        let awaited = self.phase1.awaits_last() && self.path.remote.ip() == received.path.remote.ip();
        let keep = fits && awaited && !self.early.iter().any(|early| early.message == received.message);
        if keep {
            self.early.push(received.clone());
        }
        awaited
    }

    /// Checks the M-ID of an incoming exchange.
    ///
    /// # Errors
    ///
    /// [`ExchangeError::InvalidMessageId`] for zero, [`ExchangeError::Replayed`] for one that was used.
    pub(crate) fn check_new_m_id(&self, m_id: MessageId) -> Result<(), ExchangeError> {
        if m_id == MessageId::PHASE_1 {
            return Err(ExchangeError::InvalidMessageId(m_id));
        }
        let running = self.phase2.contains_key(&m_id)
            || self.transactions.exchanges.contains_key(&m_id)
            || self.new_groups.exchanges.contains_key(&m_id);
        if running || self.used_m_ids.contains(&m_id) {
            return Err(ExchangeError::Replayed(m_id));
        }
        Ok(())
    }

    /// The used M-IDs of one kind of exchange that are older than its latest `keep`.
    pub(crate) fn used_m_ids_beyond(
        &self,
        keep: usize,
        of_kind: impl Fn(&MessageId) -> bool,
    ) -> Vec<MessageId> {
        self.used_m_ids.iter().rev().filter(|m_id| of_kind(m_id)).skip(keep).copied().collect()
    }

    /// Remembers an M-ID, and forgets the oldest beyond the bound together with their finished exchanges.
    pub(crate) fn use_m_id(&mut self, m_id: MessageId, max: usize) {
        self.used_m_ids.push_back(m_id);
        while self.used_m_ids.len() > max {
            let Some(forgotten) = self.used_m_ids.pop_front() else { return };
            if self.phase2.get(&forgotten).is_some_and(|exchange| !exchange.state.is_running()) {
                self.phase2.remove(&forgotten);
            }
            self.transactions.exchanges.remove(&forgotten);
            self.new_groups.exchanges.remove(&forgotten);
        }
    }
}
