//! An ISAKMP SA: its phase 1 exchange, and the phase 2 exchanges under it.

use std::collections::{BTreeMap, VecDeque};

use crate::core::Path;
use crate::error::ExchangeError;
use crate::event::{IpsecSaId, IsakmpSaId, Role};
use crate::io::Timestamp;
use crate::phase1::{Established, Phase1};
use crate::phase2::quick_mode::QuickMode;
use crate::retransmit::Conversation;
use crate::wire::{CookiePair, MessageId};

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
    /// Quick modes to start once phase 1 is complete: index of the policy, SA pair to replace.
    pub(crate) waiting: Vec<(usize, Option<IpsecSaId>)>,
    /// The ISAKMP SA that this one replaces.
    pub(crate) replaces: Option<IsakmpSaId>,
    /// A newer ISAKMP SA took over; this one only waits for its end.
    pub(crate) superseded: bool,
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
        }
    }

    /// What phase 1 gave, once it is complete.
    pub(crate) fn established(&self) -> Option<&Established> {
        match &self.phase1 {
            Phase1::Established(established) => Some(established),
            _ => None,
        }
    }

    /// Notes the M-ID of an incoming exchange.
    ///
    /// # Errors
    ///
    /// [`ExchangeError::InvalidMessageId`] for zero, [`ExchangeError::Replayed`] for one that was used.
    pub(crate) fn check_new_m_id(&self, m_id: MessageId) -> Result<(), ExchangeError> {
        if m_id == MessageId::PHASE_1 {
            return Err(ExchangeError::InvalidMessageId(m_id));
        }
        if self.used_m_ids.contains(&m_id) || self.phase2.contains_key(&m_id) {
            return Err(ExchangeError::Replayed(m_id));
        }
        Ok(())
    }

    /// Remembers an M-ID, and forgets the oldest exchanges beyond the bound.
    pub(crate) fn use_m_id(&mut self, m_id: MessageId, max: usize) {
        self.used_m_ids.push_back(m_id);
        while self.used_m_ids.len() > max {
            self.used_m_ids.pop_front();
        }
    }
}
