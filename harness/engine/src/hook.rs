//! The one seam at which a message of ours can be made wrong on purpose.
//!
//! The encoder makes only valid messages. A conformance harness must also send invalid ones, under
//! the right keys: an [`OutgoingHook`] sees each finished message before it is encrypted and may
//! change its bytes. Whatever it leaves is what is padded, encrypted, sent and retransmitted.

use crate::wire::{CookiePair, ExchangeType, MessageId};

/// A message of ours, complete and not yet encrypted.
#[derive(Debug)]
pub struct OutgoingMessage<'a> {
    /// The cookies of its header.
    pub cookies: CookiePair,
    /// Its exchange.
    pub exchange: ExchangeType,
    /// Its M-ID; zero in phase 1.
    pub m_id: MessageId,
    /// Its number within the exchange, counted from 1 over both sides as RFC 2409's figures show them.
    pub number: u8,
    /// Whether its body will be encrypted.
    pub encrypted: bool,
    /// Header and payloads. The header's length field is set again after padding when `encrypted`,
    /// unless `keep_length` is set.
    pub bytes: &'a mut Vec<u8>,
    /// Leave the header's length field as it stands in `bytes`.
    pub keep_length: bool,
    /// SKEYID_a of the ISAKMP SA once it is known, for recomputing HASH(1) to HASH(3) after an edit.
    pub skeyid_a: Option<&'a [u8]>,
}

/// Sees every message of ours before encryption; see the module documentation.
pub trait OutgoingHook: Send {
    /// Looks at a message, and may change it.
    fn outgoing(&mut self, message: &mut OutgoingMessage<'_>);
}
