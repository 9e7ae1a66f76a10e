//! Retransmission and duplicate detection (RFC 2408 section 5.1), which stand before all exchange state.
//!
//! Only the side that waits for an answer retransmits by timer: the initiator of main mode, both
//! sides of aggressive and quick mode. Messages that answer an unverified source (main mode 2 and
//! 4) go out again only when the peer's message comes again, so that a forged source address buys
//! no more bytes than it sends.

use core::time::Duration;
use std::collections::VecDeque;

use bytes::Bytes;

use crate::config::Retransmission;
use crate::core::Core;
use crate::deviation::{Deviation, deviates};
use crate::io::Datagram;
use crate::timer::Timer;
use crate::wire::dissect;

/// Length of a generic payload header (RFC 2408 section 3.2).
const GENERIC_HEADER_LEN: usize = 4;

/// A message as it went out.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    /// The message, or its fragments in order.
    pub(crate) datagrams: Vec<Datagram>,
    /// Its last ciphertext block; empty for a message in the clear.
    pub(crate) next_iv: Vec<u8>,
    /// The message, when the hook wants HASH_I and HASH_R to cover its payloads as it left them.
    pub(crate) covered: Option<Bytes>,
}

impl Sent {
    /// The body of a payload that HASH_I and HASH_R cover; `ours` unless the hook changed it and wants the change
    /// covered. `path` is the payload's name in a dissection.
    pub(crate) fn covered_body(&self, path: &str, ours: Bytes) -> Bytes {
        let Some(message) = &self.covered else { return ours };
        let dissection = dissect(message, false);
        let body = dissection.field(path).and_then(|field| {
            let end = field.offset.checked_add(field.len)?;
            let start = field.offset.checked_add(GENERIC_HEADER_LEN)?;
            message.get(start..end)
        });
        body.map_or(ours, Bytes::copy_from_slice)
    }
}

/// What an exchange does with a datagram before it looks inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Not seen before.
    New,
    /// The last message that was handled, once more: our answer was lost.
    Repeated,
    /// An older message, once more.
    Stale,
}

/// The message that an exchange sent last, and the ones that it received.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conversation {
    /// Its one datagram, or its fragments; none when nothing answers a repeated message.
    last_sent: Vec<Datagram>,
    /// `last_sent` waits for an answer, and a timer sends it again.
    waiting: bool,
    retransmissions: u8,
    next_wait: Duration,
    /// SHA-256 of handled messages, newest last.
    handled: VecDeque<Vec<u8>>,
}

impl Conversation {
    /// Notes a message of ours; with a policy it is retransmitted by `timer` until it is answered ([`Self::handled`]).
    pub(crate) fn sent(
        &mut self,
        core: &mut Core,
        sent: &Sent,
        timer: Timer,
        policy: Option<&Retransmission>,
    ) {
        self.last_sent.clone_from(&sent.datagrams);
        self.retransmissions = 0;
        self.waiting = policy.is_some();
        match policy {
            Some(policy) => {
                self.next_wait = policy.first;
                core.timers.set(timer, core.now + policy.first);
            }
            None => core.timers.stop(timer),
        }
    }

    /// Notes that a message was handled, and that nothing of ours waits for an answer.
    pub(crate) fn handled(&mut self, core: &mut Core, digest: Vec<u8>, timer: Timer) {
        core.timers.stop(timer);
        self.waiting = false;
        // Whatever answers this message is given to `sent` next; the last message of an exchange has no answer.
        self.last_sent.clear();
        if self.handled.len() >= core.limits.duplicates_max {
            self.handled.pop_front();
        }
        self.handled.push_back(digest);
    }

    /// Whether a message with this digest was handled before.
    pub(crate) fn arrival(&self, digest: &[u8]) -> Arrival {
        if deviates(Deviation::TakesRepeatedForNew) {
            Arrival::New
        } else if self.handled.back().is_some_and(|last| last == digest) {
            Arrival::Repeated
        } else if self.handled.iter().any(|handled| handled == digest) {
            Arrival::Stale
        } else {
            Arrival::New
        }
    }

    /// The peer's last message came again: sends our answer again. Not while a timer does that anyway, or on a link
    /// that doubles datagrams two sides would answer each other's copies for ever.
    pub(crate) fn answer_again(&self, core: &mut Core) {
        if !self.waiting && !deviates(Deviation::NeverAnswersAgain) {
            self.send_again(core);
        }
    }

    fn send_again(&self, core: &mut Core) {
        for datagram in &self.last_sent {
            core.transmit(datagram.clone());
        }
    }

    /// The retransmission timer fired: sends again, or gives the number of retransmissions when that was the last.
    pub(crate) fn retransmit(
        &mut self,
        core: &mut Core,
        timer: Timer,
        policy: &Retransmission,
    ) -> Result<(), u8> {
        if self.retransmissions >= policy.tries && !deviates(Deviation::RetransmitsForEver) {
            return Err(self.retransmissions);
        }
        self.retransmissions = self.retransmissions.saturating_add(1);
        if deviates(Deviation::RetransmitsWithACookie) {
            for datagram in &self.last_sent {
                let mut payload = datagram.payload.to_vec();
                // CKY-R.
                payload.iter_mut().skip(8).take(8).for_each(|octet| *octet |= 1);
                core.transmit(Datagram { payload: payload.into(), ..datagram.clone() });
            }
        } else if !deviates(Deviation::NeverRetransmits) {
            self.send_again(core);
        }
        if !deviates(Deviation::RetransmitsAtAFixedRate) && !deviates(Deviation::RetransmitsForEver) {
            self.next_wait = scaled(self.next_wait, policy.factor);
        }
        core.timers.set(timer, core.now + self.next_wait);
        Ok(())
    }
}

/// `wait` times `factor`, at most an hour.
fn scaled(wait: Duration, factor: f64) -> Duration {
    const MAX: Duration = Duration::from_secs(3600);
    let factor = if factor.is_finite() && factor >= 1.0 { factor } else { 1.0 };
    Duration::try_from_secs_f64(wait.as_secs_f64() * factor).map_or(MAX, |wait| wait.min(MAX))
}
