//! What main and aggressive mode have in common: context, steps, and the state enum over both.

use core::time::Duration;

use bytes::Bytes;

use super::{aggressive_mode, auth, main_mode};
use crate::config::{PeerConfig, Phase1Mode, extended_number};
use crate::core::{Core, Envelope, Path, Protection};
use crate::error::ExchangeError;
use crate::event::{Event, IsakmpSaId, Role};
use crate::natt::Nat;
use crate::peers::Peers;
use crate::retransmit::Sent;
use crate::wire::{
    Chain, CookiePair, Doi, ExchangeType, Header, Identification, MessageId, NotifyType, Payload,
};

/// The surroundings of one phase 1 exchange.
#[derive(Debug)]
pub(crate) struct Cx<'a> {
    pub(crate) core: &'a mut Core,
    /// All configured peers.
    pub(crate) peers: &'a Peers,
    /// The one that the exchange is with, by all that is known; an authenticated identity may decide for another.
    pub(crate) peer: &'a PeerConfig,
    /// Its place among them.
    pub(crate) peer_index: usize,
    pub(crate) sa: IsakmpSaId,
    pub(crate) cookies: CookiePair,
    /// Where messages go; an exchange floats it to the NAT traversal ports.
    pub(crate) path: &'a mut Path,
    /// No other SA with this peer stands.
    pub(crate) first_contact: bool,
    /// What is to be said of payloads that are discarded.
    pub(crate) discarded: Vec<NotifyType>,
}

impl Cx<'_> {
    pub(crate) fn envelope(&self, exchange: ExchangeType, number: u8) -> Envelope {
        Envelope { path: *self.path, cookies: self.cookies, exchange, m_id: MessageId::PHASE_1, number }
    }

    /// Reports the Notification payloads of a phase 1 message. No HASH covers them.
    pub(crate) fn report_notifies(&mut self, chain: &Chain) {
        for payload in &chain.payloads {
            if let Payload::Notification(notification) = &payload.payload {
                self.core.event(Event::Notified {
                    sa: Some(self.sa),
                    notify_type: notification.notify_type,
                    authenticated: false,
                    data: notification.data.clone(),
                });
            }
        }
    }
}

/// A message as it came, without a non-ESP marker.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) header: Header,
    /// Header and body as on the wire.
    pub(crate) message: Bytes,
    /// The path that it came on.
    pub(crate) path: Path,
}

/// Whether a chain says INITIAL-CONTACT (RFC 2407 section 4.6.3.3).
pub(crate) fn says_initial_contact(chain: &Chain) -> bool {
    chain.iter().any(|payload| {
        matches!(payload, Payload::Notification(n)
            if n.notify_type == NotifyType::INITIAL_CONTACT && n.doi == Doi::IPSEC)
    })
}

/// The first step of an exchange.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) state: Phase1,
    pub(crate) sent: Sent,
    /// Whether the message waits for an answer and is retransmitted by timer.
    pub(crate) retransmit: bool,
}

/// What a handled message leads to.
#[derive(Debug)]
pub(crate) struct Advance {
    pub(crate) state: Phase1,
    pub(crate) sent: Option<Sent>,
    /// Whether `sent` waits for an answer and is retransmitted by timer.
    pub(crate) retransmit: bool,
}

/// A complete phase 1.
#[derive(Debug, Clone)]
pub(crate) struct Established {
    pub(crate) protection: Protection,
    /// The last ciphertext block of phase 1, from which each phase 2 IV is made (RFC 2409 Appendix B).
    pub(crate) last_block: Vec<u8>,
    /// Life in seconds that was negotiated, when one was.
    pub(crate) lifetime: Option<Duration>,
    /// The NAT that was found, or is pretended.
    pub(crate) nat: Option<Nat>,
    /// The identity that the peer authenticated.
    pub(crate) remote_id: Identification,
    /// The peer's last message said INITIAL-CONTACT, under encryption.
    pub(crate) initial_contact: bool,
}

/// Which message a phase 1 exchange waits for.
#[derive(Debug)]
pub(crate) enum Phase1 {
    MainInitiatorExpectsSa(main_mode::ExpectSa),
    MainInitiatorExpectsKe(main_mode::ExpectKeReply),
    MainInitiatorExpectsId(main_mode::ExpectIdReply),
    MainResponderExpectsKe(main_mode::ExpectKe),
    MainResponderExpectsId(main_mode::ExpectId),
    AggressiveInitiatorExpectsReply(aggressive_mode::ExpectReply),
    AggressiveResponderExpectsHash(aggressive_mode::ExpectHash),
    Established(Established),
}

impl Phase1 {
    /// Handles the awaited message.
    ///
    /// # Errors
    ///
    /// Why the message is refused; the state stays as it is.
    pub(crate) fn handle(&self, cx: &mut Cx<'_>, received: &Received) -> Result<Advance, ExchangeError> {
        match self {
            Self::MainInitiatorExpectsSa(state) => state.handle(cx, received),
            Self::MainInitiatorExpectsKe(state) => state.handle(cx, received),
            Self::MainInitiatorExpectsId(state) => state.handle(cx, received),
            Self::MainResponderExpectsKe(state) => state.handle(cx, received),
            Self::MainResponderExpectsId(state) => state.handle(cx, received),
            Self::AggressiveInitiatorExpectsReply(state) => state.handle(cx, received),
            Self::AggressiveResponderExpectsHash(state) => state.handle(cx, received),
            Self::Established(_) => {
                Err(ExchangeError::UnexpectedExchange { got: received.header.exchange_type })
            }
        }
    }

    /// Whether the peer has sent nothing yet that shows that it got our cookie, and nothing was computed for it.
    pub(crate) fn awaits_cookie(&self) -> bool {
        matches!(self, Self::MainResponderExpectsKe(_))
    }

    /// Whether just the last message is missing, so that the peer may already have sent phase 2 messages.
    pub(crate) fn awaits_last(&self) -> bool {
        matches!(self, Self::MainInitiatorExpectsId(_) | Self::AggressiveResponderExpectsHash(_))
    }

    /// The keys while just the last message is missing, and the last ciphertext block so far.
    pub(crate) fn keys_so_far(&self) -> Option<(&Protection, &[u8])> {
        match self {
            Self::MainInitiatorExpectsId(state) => Some(state.keys_so_far()),
            Self::AggressiveResponderExpectsHash(state) => Some(state.keys_so_far()),
            _ => None,
        }
    }

    /// The exchange type that carries this phase 1.
    pub(crate) fn exchange_type(mode: Phase1Mode) -> ExchangeType {
        match mode {
            Phase1Mode::Main => ExchangeType::IDENTITY_PROTECTION,
            Phase1Mode::Aggressive => ExchangeType::AGGRESSIVE,
        }
    }
}

/// Starts phase 1 as initiator: sends the first message.
///
/// # Errors
///
/// When the policy cannot be offered or a provider fails.
pub(crate) fn initiate(cx: &mut Cx<'_>) -> Result<Start, ExchangeError> {
    let mut methods = cx.peer.phase1.iter().map(|transform| transform.authentication);
    if let Some(lacking) = methods.find(|method| !cx.peer.can_authenticate(*method)) {
        return Err(ExchangeError::NoCredentials(lacking.name()));
    }
    let extension = cx.peer.extension(Role::Initiator);
    let mut methods = cx.peer.phase1.iter().map(|transform| transform.authentication);
    if let Some(plain) = methods.find(|method| extended_number(*method, extension).is_none()) {
        let reason = format!("authentication method {} cannot be extended so", plain.name());
        return Err(ExchangeError::NoProposalChosen(reason));
    }
    for transform in &cx.peer.phase1 {
        auth::check_ready(cx, transform.authentication)?;
    }
    match cx.peer.mode {
        Phase1Mode::Main => main_mode::initiate(cx),
        Phase1Mode::Aggressive => aggressive_mode::initiate(cx),
    }
}

/// Handles an initiator's first message as responder.
///
/// # Errors
///
/// Why it is refused.
pub(crate) fn accept(cx: &mut Cx<'_>, received: &Received) -> Result<Start, ExchangeError> {
    if received.header.exchange_type != Phase1::exchange_type(cx.peer.mode) {
        return Err(ExchangeError::UnexpectedExchange { got: received.header.exchange_type });
    }
    match cx.peer.mode {
        Phase1Mode::Main => main_mode::accept(cx, received),
        Phase1Mode::Aggressive => aggressive_mode::accept(cx, received),
    }
}
