//! Names datagrams by their place in an exchange, while a case runs.
//!
//! A driver tells the tracker each ISAKMP message as it is sent and each that was delivered, and records the
//! name that it gets. A byte-identical message is a further copy of the first. A new message of a side has
//! the number after the highest one that was delivered to that side in the exchange; so numbers stay right when
//! messages are lost, and a message that changed in retransmission keeps its number. Fragments of a message are sent in
//! order, and all have its name.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::model::{Exchange, Role, Selector, Side};

/// The place of a message in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageName {
    /// The exchange's type.
    pub exchange: Exchange,
    /// Which exchange of that type, from 1; informational exchanges are counted for each sender.
    pub occurrence: u32,
    /// Number in the exchange, from 1 over both sides.
    pub number: u8,
    /// 1 for the first time that these bytes were sent, 2 for the first retransmission, and so on.
    pub copy: u32,
    /// The number was used by this sender before, with other bytes: a retransmission that is not identical.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub changed: bool,
    /// It went out in fragments (payload type 132), and this is the one with this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fragment: Option<u8>,
}

impl MessageName {
    /// Whether `selector` names this message, as far as can be said without its contents.
    pub fn matches(&self, selector: &Selector) -> bool {
        self.exchange == selector.exchange
            && self.number == selector.number
            && selector.fragment.is_none_or(|fragment| self.fragment == Some(fragment))
            && (selector.contains.is_some() || self.occurrence == selector.occurrence)
    }

    /// The role of its sender in the exchange.
    pub fn sender_role(&self) -> Role {
        if self.number % 2 == 1 { Role::Initiator } else { Role::Responder }
    }
}

impl core::fmt::Display for MessageName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} message {}", self.exchange, self.number)?;
        if self.occurrence > 1 {
            write!(f, " of exchange {}", self.occurrence)?;
        }
        if let Some(fragment) = self.fragment {
            write!(f, ", fragment {fragment}")?;
        }
        if self.copy > 1 {
            write!(f, ", copy {}", self.copy)?;
        }
        Ok(())
    }
}

/// The header fields that tell which exchange a message belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HeaderIdentity {
    /// CKY-I.
    pub cky_i: [u8; 8],
    /// CKY-R; zero in the first message.
    pub cky_r: [u8; 8],
    /// Exchange type number.
    pub exchange_type: u8,
    /// M-ID; zero in phase 1.
    pub m_id: u32,
}

impl HeaderIdentity {
    /// Reads it from an ISAKMP message; `None` when the message is shorter than a header.
    pub fn read(message: &[u8]) -> Option<Self> {
        let header = message.get(..28)?;
        Some(Self {
            cky_i: header.get(..8)?.try_into().ok()?,
            cky_r: header.get(8..16)?.try_into().ok()?,
            exchange_type: *header.get(18)?,
            m_id: u32::from_be_bytes(header.get(20..24)?.try_into().ok()?),
        })
    }

    /// What the fragments of one message have in common; some daemons set their M-ID to zero.
    fn of_fragments(self) -> Self {
        Self { m_id: 0, ..self }
    }

    /// The exchange's name, when its type is one that scenarios can name.
    pub fn exchange(&self) -> Option<Exchange> {
        Some(match self.exchange_type {
            2 => Exchange::MainMode,
            4 => Exchange::AggressiveMode,
            5 => Exchange::Informational,
            6 => Exchange::Transaction,
            32 => Exchange::QuickMode,
            33 => Exchange::NewGroupMode,
            _ => return None,
        })
    }
}

/// The fragment number of a message that is a fragment of another: it has that payload first and is not encrypted.
pub fn fragment_number(message: &[u8]) -> Option<u8> {
    let fragment = message.get(16) == Some(&132) && message.get(19)? & 1 == 0;
    if fragment { message.get(34).copied() } else { None }
}

/// What tells exchanges apart: in phase 1 CKY-I, later both cookies and the M-ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ExchangeKey {
    cky_i: [u8; 8],
    cky_r: Option<[u8; 8]>,
    exchange: Exchange,
    m_id: u32,
}

#[derive(Debug, Default)]
struct ExchangeState {
    occurrence: u32,
    /// Highest number delivered to the harness, and to the peer.
    delivered: HashMap<Side, u8>,
    /// Numbers sent so far.
    sent: Vec<(Side, u8)>,
}

/// Names messages as they pass; see the module documentation.
#[derive(Debug, Default)]
pub struct MessageTracker {
    /// Names by sender and bytes.
    seen: HashMap<(Side, Vec<u8>), MessageName>,
    exchanges: HashMap<ExchangeKey, ExchangeState>,
    keys: HashMap<(Exchange, u32), ExchangeKey>,
    counts: HashMap<Exchange, u32>,
    informational: HashMap<Side, u32>,
    /// The message that a side sends fragments of now.
    fragmented: HashMap<(Side, HeaderIdentity), MessageName>,
}

impl MessageTracker {
    /// A tracker that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names a message that `from` sends: an ISAKMP message without non-ESP marker, with the bytes that leave the sender.
    ///
    /// `identity` is the header as the sender's state has it, where that is known to differ from the bytes because an edit
    /// changed the header. The result is `None` for what is no message of an exchange that scenarios can name.
    /// Injected and replayed datagrams are not told to the tracker.
    pub fn sent(
        &mut self,
        from: Side,
        message: &[u8],
        identity: Option<HeaderIdentity>,
    ) -> Option<MessageName> {
        if let Some(name) = self.seen.get_mut(&(from, message.to_vec())) {
            name.copy += 1;
            return Some(*name);
        }
        let identity = identity.or_else(|| HeaderIdentity::read(message))?;
        let fragment = fragment_number(message);
        if let Some(fragment) = fragment.filter(|number| *number > 1)
            && let Some(first) = self.fragmented.get(&(from, identity.of_fragments()))
        {
            let name = MessageName { fragment: Some(fragment), copy: 1, ..*first };
            self.seen.insert((from, message.to_vec()), name);
            return Some(name);
        }
        let exchange = identity.exchange()?;
        let (occurrence, number, changed) = if exchange == Exchange::Informational {
            let count = self.informational.entry(from).or_insert(0);
            *count += 1;
            (*count, 1, false)
        } else {
            self.number(from, exchange, &identity)
        };
        let name = MessageName { exchange, occurrence, number, copy: 1, changed, fragment };
        if fragment.is_some() {
            self.fragmented.insert((from, identity.of_fragments()), name);
        }
        self.seen.insert((from, message.to_vec()), name);
        Some(name)
    }

    /// Notes that a message of `from` reached the other side.
    pub fn delivered(&mut self, from: Side, name: &MessageName) {
        let Some(key) = self.keys.get(&(name.exchange, name.occurrence)) else { return };
        if let Some(state) = self.exchanges.get_mut(key) {
            let highest = state.delivered.entry(from.other()).or_insert(0);
            *highest = (*highest).max(name.number);
        }
    }

    /// Occurrence and number of a new message, and whether its sender used the number before.
    fn number(&mut self, from: Side, exchange: Exchange, identity: &HeaderIdentity) -> (u32, u8, bool) {
        let phase1 = matches!(exchange, Exchange::MainMode | Exchange::AggressiveMode);
        let key = ExchangeKey {
            cky_i: identity.cky_i,
            cky_r: (!phase1).then_some(identity.cky_r),
            exchange,
            m_id: identity.m_id,
        };
        let counts = &mut self.counts;
        let keys = &mut self.keys;
        let state = self.exchanges.entry(key).or_insert_with(|| {
            let count = counts.entry(exchange).or_insert(0);
            *count += 1;
            keys.insert((exchange, *count), key);
            ExchangeState { occurrence: *count, ..ExchangeState::default() }
        });
        let number = state.delivered.get(&from).copied().unwrap_or(0).saturating_add(1);
        let changed = state.sent.contains(&(from, number));
        state.sent.push((from, number));
        (state.occurrence, number, changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(exchange_type: u8, m_id: u32, body: u8) -> Vec<u8> {
        let mut bytes = vec![1; 8];
        bytes.extend([2; 8]);
        bytes.extend([0, 0x10, exchange_type, 0]);
        bytes.extend(m_id.to_be_bytes());
        bytes.extend([0, 0, 0, 29, body]);
        bytes
    }

    #[test]
    fn numbers_follow_delivery_and_survive_losses() {
        let mut tracker = MessageTracker::new();
        let first = tracker.sent(Side::Harness, &message(2, 0, 1), None).unwrap();
        assert_eq!((first.number, first.copy, first.occurrence), (1, 1, 1));
        // The first copy was lost: the second has the same number.
        let again = tracker.sent(Side::Harness, &message(2, 0, 1), None).unwrap();
        assert_eq!((again.number, again.copy), (1, 2));
        tracker.delivered(Side::Harness, &again);
        let second = tracker.sent(Side::Peer, &message(2, 0, 2), None).unwrap();
        assert_eq!((second.number, second.changed), (2, false));
        // Message 2 was lost and came again with other bytes.
        let changed = tracker.sent(Side::Peer, &message(2, 0, 9), None).unwrap();
        assert_eq!((changed.number, changed.changed), (2, true));
        tracker.delivered(Side::Peer, &changed);
        let third = tracker.sent(Side::Harness, &message(2, 0, 3), None).unwrap();
        assert_eq!((third.number, third.sender_role()), (3, Role::Initiator));
    }

    #[test]
    fn exchanges_are_counted_by_type_and_informational_ones_by_sender() {
        let mut tracker = MessageTracker::new();
        let occurrence = |t: &mut MessageTracker, from, m: &[u8]| {
            t.sent(from, m, None).map(|n| (n.exchange, n.occurrence))
        };
        assert_eq!(occurrence(&mut tracker, Side::Peer, &message(32, 7, 0)), Some((Exchange::QuickMode, 1)));
        assert_eq!(
            occurrence(&mut tracker, Side::Harness, &message(32, 8, 0)),
            Some((Exchange::QuickMode, 2))
        );
        for (n, body) in [(1, 1), (2, 2)] {
            assert_eq!(
                occurrence(&mut tracker, Side::Peer, &message(5, 0, body)),
                Some((Exchange::Informational, n))
            );
        }
        assert_eq!(
            occurrence(&mut tracker, Side::Harness, &message(5, 0, 3)),
            Some((Exchange::Informational, 1))
        );
        assert_eq!(occurrence(&mut tracker, Side::Harness, &message(77, 0, 3)), None);
        assert_eq!(occurrence(&mut tracker, Side::Harness, &[1, 2, 3]), None);
    }

    #[test]
    fn fragments_have_the_name_of_their_message() {
        let fragment = |number, body| {
            let mut bytes = message(2, 0, 0);
            bytes[16] = 132;
            bytes.truncate(28);
            bytes.extend([0, 0, 0, 9, 0, 1, number, 0, body]);
            bytes
        };
        let mut tracker = MessageTracker::new();
        let mut sent = |from, bytes: &[u8]| {
            let name = tracker.sent(from, bytes, None).unwrap();
            tracker.delivered(from, &name);
            (name.number, name.fragment, name.copy)
        };
        assert_eq!(sent(Side::Harness, &fragment(1, 7)), (1, Some(1), 1));
        assert_eq!(sent(Side::Harness, &fragment(2, 8)), (1, Some(2), 1));
        assert_eq!(sent(Side::Peer, &fragment(1, 9)), (2, Some(1), 1));
        assert_eq!(sent(Side::Harness, &fragment(2, 8)), (1, Some(2), 2), "sent again");
        assert_eq!(sent(Side::Harness, &fragment(1, 1)), (3, Some(1), 1));
        assert_eq!(sent(Side::Harness, &fragment(2, 1)), (3, Some(2), 1));
        assert_eq!(sent(Side::Peer, &message(2, 0, 3)), (4, None, 1));
    }

    #[test]
    fn an_edited_header_does_not_hide_the_exchange() {
        let mut tracker = MessageTracker::new();
        let first = message(2, 0, 1);
        let identity = HeaderIdentity::read(&first);
        let name = tracker.sent(Side::Harness, &first, None).unwrap();
        tracker.delivered(Side::Harness, &name);
        let answer = tracker.sent(Side::Peer, &message(2, 0, 2), None).unwrap();
        tracker.delivered(Side::Peer, &answer);
        let mut edited = message(2, 0, 3);
        edited[0] ^= 0xff;
        let name = tracker.sent(Side::Harness, &edited, identity).unwrap();
        assert_eq!((name.number, name.occurrence), (3, 1));
    }
}
