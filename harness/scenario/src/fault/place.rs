//! Where a fault operator applies.

use core::fmt;

use crate::case::ResolvedSide;
use crate::model::{Authentication, Exchange, Selector};

/// Any message.
pub(super) const ANY: Place = Place { messages: Messages::Any, payload: None };
/// Message 1 of phase 1.
pub(super) const FIRST: Place = Place { messages: Messages::First, payload: None };
/// All others.
pub(super) const LATER: Place = Place { messages: Messages::Later, payload: None };
/// Main and aggressive mode.
pub(super) const PHASE_1: Place = Place { messages: Messages::Phase1, payload: None };
/// All other exchanges.
pub(super) const PHASE_2: Place = Place { messages: Messages::Phase2, payload: None };
/// Messages that go out in the clear.
pub(super) const CLEAR: Place = Place { messages: Messages::Clear, payload: None };
/// Messages that are encrypted as a whole.
pub(super) const ENCRYPTED: Place = Place { messages: Messages::Encrypted, payload: None };
/// One fragment of a message that goes out in several.
pub(super) const FRAGMENT: Place = Place { messages: Messages::Fragment, payload: None };

/// Messages with this payload.
pub(super) const fn with(payload: &'static str) -> Place {
    Place { messages: Messages::Any, payload: Some(payload) }
}

/// The messages that a fault operator applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    messages: Messages,
    payload: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Messages {
    Any,
    First,
    Later,
    Phase1,
    Phase2,
    MainMode,
    AggressiveMode,
    Clear,
    Encrypted,
    Fragment,
}

impl Place {
    pub(super) const fn in_phase_1(self) -> Self {
        Self { messages: Messages::Phase1, ..self }
    }

    pub(super) const fn in_phase_2(self) -> Self {
        Self { messages: Messages::Phase2, ..self }
    }

    pub(super) const fn in_main_mode(self) -> Self {
        Self { messages: Messages::MainMode, ..self }
    }

    pub(super) const fn in_aggressive_mode(self) -> Self {
        Self { messages: Messages::AggressiveMode, ..self }
    }

    /// Whether this message, sent by a side with this configuration, is one of them.
    pub fn holds(&self, message: &Selector, sender: &ResolvedSide) -> bool {
        let phase1 = matches!(message.exchange, Exchange::MainMode | Exchange::AggressiveMode);
        let encrypted = match message.exchange {
            Exchange::MainMode => message.number > 4,
            Exchange::AggressiveMode => message.number > 2,
            _ => true,
        };
        let messages = match self.messages {
            Messages::Any => true,
            Messages::First => phase1 && message.number == 1,
            Messages::Later => !phase1 || message.number > 1,
            Messages::Phase1 => phase1,
            Messages::Phase2 => !phase1,
            Messages::MainMode => message.exchange == Exchange::MainMode,
            Messages::AggressiveMode => message.exchange == Exchange::AggressiveMode,
            Messages::Clear => !encrypted,
            Messages::Encrypted => encrypted,
            Messages::Fragment => message.fragment.is_some(),
        };
        messages && self.payload.is_none_or(|payload| has(payload, message, sender))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages = match self.messages {
            Messages::Any => "any message",
            Messages::First => "message 1 of phase 1",
            Messages::Later => "any message but message 1 of phase 1",
            Messages::Phase1 => "messages of phase 1",
            Messages::Phase2 => "messages of phase 2",
            Messages::MainMode => "messages of main mode",
            Messages::AggressiveMode => "messages of aggressive mode",
            Messages::Clear => "messages in the clear",
            Messages::Encrypted => "encrypted messages",
            Messages::Fragment => "fragments",
        };
        match self.payload {
            None => f.write_str(messages),
            Some(payload) => write!(f, "{messages} with a payload `{payload}`"),
        }
    }
}

/// Whether a message has such a payload, by the figures of RFC 2409 section 5. With public key encryption the bodies of
/// payloads are encrypted, so that only the SA payload can be named.
fn has(payload: &str, message: &Selector, sender: &ResolvedSide) -> bool {
    use Exchange::{AggressiveMode, Informational, MainMode, NewGroupMode, QuickMode};
    let methods = || sender.phase1.transforms.iter().map(|transform| transform.authentication);
    let sealed = methods()
        .any(|method| matches!(method, Authentication::RsaEncryption | Authentication::RevisedRsaEncryption));
    let signed = methods().any(|method| method != Authentication::Psk);
    let phase2 = &sender.phase2;
    match (payload, message.exchange, message.number) {
        ("sa", MainMode | AggressiveMode | QuickMode | NewGroupMode, 1 | 2) => true,
        ("ke" | "nonce", MainMode, 3 | 4) | ("ke" | "nonce" | "id", AggressiveMode, 1 | 2) => !sealed,
        ("id", MainMode, 5 | 6) => !sealed,
        ("hash", MainMode, 5 | 6) | ("hash", AggressiveMode, 2 | 3) => !signed,
        ("nonce", QuickMode, 1 | 2) => true,
        ("ke", QuickMode, 1 | 2) => phase2.pfs.is_some(),
        ("id", QuickMode, 1 | 2) => phase2.ids,
        ("hash", QuickMode, 1..=3) | ("hash", NewGroupMode | Informational, _) => true,
        _ => false,
    }
}
