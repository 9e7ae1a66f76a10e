//! What an endpoint holds, and how its driver polls it.

use std::collections::{BTreeMap, VecDeque};

use super::half_open::HalfOpen;
use crate::config::Config;
use crate::core::{Core, Path};
use crate::crypto::{CryptoProvider, RandomSource, Secret};
use crate::event::{IpsecSaId, IsakmpSaId};
use crate::hook::OutgoingHook;
use crate::io::{Output, Timestamp};
use crate::keep_alive::KeepAlives;
use crate::keylog::{KeyLog, NoKeyLog};
use crate::peers::Peers;
use crate::phase2::negotiate::protocol_id;
use crate::phase2::quick_mode::QmCx;
use crate::phase2::transaction::Leases;
use crate::sa::{IpsecSaInfo, IpsecTable, IsakmpSaInfo, IsakmpTable};
use crate::timer::Timers;
use crate::wire::{Cookie, CookiePair, MessageId};

/// All ISAKMP SAs and IPsec SAs of one side.
///
/// Its methods fall into four families:
///
/// - getters ([`isakmp_sas`](Self::isakmp_sas), [`ipsec_sas`](Self::ipsec_sas)) look;
/// - `handle_*` take in what happened outside: a datagram, the passing of time;
/// - commands ([`initiate`](Self::initiate), [`delete_ipsec_sa`](Self::delete_ipsec_sa) and others) start something;
/// - [`poll_output`](Self::poll_output) gives what the endpoint wants of its driver.
///
/// **After each `handle_*` or command, drain `poll_output` until it returns [`Output::Timeout`] or
/// [`Output::Idle`].**
///
/// A message finds its exchange by three tables, and what does not fit is refused before any state sees it:
///
/// ```text
///  CKY-R zero       CKY-I and source address ──▶ first message that came before: answered again
///                   else                     ──▶ new phase 1 as responder, within the limits
///  CKY-R not zero   CKY-I | CKY-R            ──▶ ISAKMP SA ─┬─ phase 1: the state that awaits a message
///                   CKY-I of ours            ──▶ its answer └─ phase 2: M-ID ──▶ quick mode, transaction,
///                                                                            informational
///  ESP, AH          SPI                      ──▶ inbound IPsec SA
/// ```
///
/// A message that comes again is answered again and goes no further; one that came before the last is dropped. Phase 2
/// messages that overtake the last message of phase 1 are kept until it comes. The [crate documentation](crate) has a
/// whole handshake.
#[derive(Debug)]
pub struct Endpoint {
    pub(super) core: Core,
    pub(super) peers: Peers,
    pub(super) isakmp: IsakmpTable,
    /// SAs whose two cookies are known.
    pub(super) by_cookies: BTreeMap<CookiePair, IsakmpSaId>,
    /// SAs that we initiate and whose responder cookie is not known yet.
    pub(super) by_initiator_cookie: BTreeMap<Cookie, IsakmpSaId>,
    /// SAs that a peer initiated, by its cookie and address: where first messages that come again belong.
    pub(super) by_first_message: BTreeMap<(Cookie, std::net::SocketAddr), IsakmpSaId>,
    pub(super) ipsec: IpsecTable,
    pub(super) half_open: HalfOpen,
    /// The addresses that Mode-Config has assigned.
    pub(super) leases: Leases,
    pub(super) next_isakmp_id: u32,
    pub(super) next_ipsec_id: u32,
    /// Counts SAs begun and completed, to tell which was first.
    pub(super) sa_count: u64,
}

impl Endpoint {
    /// An endpoint without SAs.
    #[must_use]
    pub fn new(config: Config, provider: &'static dyn CryptoProvider, random: Box<dyn RandomSource>) -> Self {
        Self {
            core: Core {
                auth_hash: None,
                fragment_id: 0,
                keep_alives: KeepAlives::default(),
                provider,
                random,
                key_log: Box::new(NoKeyLog),
                hook: None,
                outputs: VecDeque::new(),
                timers: Timers::default(),
                limits: config.limits,
                cookie_secret: Secret::new(Vec::new()),
                now: Timestamp::ZERO,
                clock_start: config.clock_start,
            },
            peers: Peers::new(config.peers),
            isakmp: IsakmpTable::default(),
            by_cookies: BTreeMap::new(),
            by_initiator_cookie: BTreeMap::new(),
            by_first_message: BTreeMap::new(),
            ipsec: IpsecTable::default(),
            half_open: HalfOpen::default(),
            leases: Leases::default(),
            next_isakmp_id: 1,
            next_ipsec_id: 1,
            sa_count: 0,
        }
    }

    /// Hands out secrets from now on; see [`KeyLog`].
    pub fn set_key_log(&mut self, key_log: Box<dyn KeyLog>) {
        self.core.key_log = key_log;
    }

    /// Lets a hook change messages of ours before they are encrypted; see [`OutgoingHook`].
    pub fn set_outgoing_hook(&mut self, hook: Box<dyn OutgoingHook>) {
        self.core.hook = Some(hook);
    }

    /// The next thing that the endpoint wants of its driver.
    pub fn poll_output(&mut self) -> Output {
        if let Some(output) = self.core.outputs.pop_front() {
            return output;
        }
        self.core.timers.next().map_or(Output::Idle, Output::Timeout)
    }

    /// All ISAKMP SAs, in the order of their making, those being set up included.
    pub fn isakmp_sas(&self) -> impl Iterator<Item = IsakmpSaInfo> {
        self.isakmp.values().map(|sa| {
            let established = sa.established();
            IsakmpSaInfo {
                id: sa.id,
                peer: self.peers.get(sa.peer).map_or_else(String::new, |peer| peer.name.clone()),
                cookies: sa.cookies,
                role: sa.role,
                established: established.is_some(),
                transform: established.map(|e| e.protection.transform.clone()),
                remote_id: established.map(|e| e.remote_id.clone()),
                nat_traversal: sa.path.nat_t,
                expires: sa.expires,
            }
        })
    }

    /// All pairs of IPsec SAs, in the order of their making.
    pub fn ipsec_sas(&self) -> impl Iterator<Item = IpsecSaInfo> {
        self.ipsec.iter().map(|pair| IpsecSaInfo {
            id: pair.id,
            isakmp_sa: pair.isakmp_sa,
            policy: self
                .peers
                .get(pair.peer)
                .and_then(|peer| peer.ipsec.get(pair.policy))
                .map_or_else(String::new, |policy| policy.name.clone()),
            protocol: protocol_id(pair.chosen.protocol),
            bundle: pair.bundle.clone(),
            spi_in: pair.spi_in,
            spi_out: pair.chosen.peer_spi,
            clients: pair.clients.clone(),
            mode: pair.chosen.mode,
            extended_sequence_numbers: pair.chosen.transform.extended_sequence_numbers,
            role: pair.role,
            made_under: pair.made_under,
            m_id: pair.m_id,
            packets_in: pair.packets_in,
            packets_out: pair.packets_out,
            expires: pair.expires,
        })
    }

    pub(super) fn new_isakmp_id(&mut self) -> IsakmpSaId {
        // The number of messages that each take one is the peers' choice, so it may wrap.
        while self.isakmp.contains_key(&IsakmpSaId(self.next_isakmp_id)) {
            self.next_isakmp_id = self.next_isakmp_id.wrapping_add(1);
        }
        let id = IsakmpSaId(self.next_isakmp_id);
        self.next_isakmp_id = self.next_isakmp_id.wrapping_add(1);
        id
    }

    pub(super) fn new_ipsec_id(&mut self) -> IpsecSaId {
        while self.ipsec.get(IpsecSaId(self.next_ipsec_id)).is_some() {
            self.next_ipsec_id = self.next_ipsec_id.wrapping_add(1);
        }
        let id = IpsecSaId(self.next_ipsec_id);
        self.next_ipsec_id = self.next_ipsec_id.wrapping_add(1);
        id
    }

    /// The next value of the count that orders SAs.
    pub(super) fn count_sa(&mut self) -> u64 {
        self.sa_count = self.sa_count.saturating_add(1);
        self.sa_count
    }

    /// Whether an SA with this peer stands besides the ISAKMP SA `than`.
    pub(super) fn other_sa_stands(&self, peer: usize, than: IsakmpSaId) -> bool {
        self.isakmp.with_peer(peer).any(|id| id != than) || self.ipsec.any_with_peer(peer)
    }

    /// Runs `f` with the surroundings of a phase 2 exchange of an established ISAKMP SA.
    pub(super) fn with_quick_mode<R>(
        &mut self,
        id: IsakmpSaId,
        m_id: MessageId,
        f: impl FnOnce(&mut QmCx<'_>) -> R,
    ) -> Option<R> {
        let path = self.isakmp.get(&id)?.path;
        self.with_quick_mode_on(path, id, m_id, f)
    }

    /// The same, with answers going out on `path`.
    pub(super) fn with_quick_mode_on<R>(
        &mut self,
        path: Path,
        id: IsakmpSaId,
        m_id: MessageId,
        f: impl FnOnce(&mut QmCx<'_>) -> R,
    ) -> Option<R> {
        let sa = self.isakmp.get(&id)?;
        let mut cx = QmCx {
            core: &mut self.core,
            peer: self.peers.get(sa.peer)?,
            ipsec: &mut self.ipsec,
            sa: id,
            established: sa.established()?,
            cookies: sa.cookies,
            path,
            m_id,
            assigned: sa.transactions.assigned,
            groups: &sa.new_groups.groups,
        };
        Some(f(&mut cx))
    }

    /// A random M-ID that the ISAKMP SA has not used.
    pub(super) fn new_m_id(&mut self, id: IsakmpSaId) -> MessageId {
        let mut m_id = MessageId(u32::from_be_bytes(self.core.random_bytes()));
        // Counting on, not drawing again: this ends whatever the random source gives.
        while m_id == MessageId::PHASE_1
            || self.isakmp.get(&id).is_some_and(|sa| sa.check_new_m_id(m_id).is_err())
        {
            m_id = MessageId(m_id.0.wrapping_add(1));
        }
        m_id
    }
}
