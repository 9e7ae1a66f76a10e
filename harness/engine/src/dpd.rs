//! Dead peer detection (RFC 3706): what one ISAKMP SA knows of its peer's life.
//!
//! ```text
//!  HDR*, HASH(1), N(R-U-THERE, n)  -->
//!                                  <--  HDR*, HASH(1), N(R-U-THERE-ACK, n)
//! ```
//!
//! The RFC leaves open what a retransmitted R-U-THERE looks like. Ours is a new message with the next sequence number, as
//! section 6.2 wants of each message after the first, so that its receiver can tell it from a replay. Since the ones
//! before it may be lost, a receiver takes any number within [`WINDOW`] after the last, and answers each once.

use core::time::Duration;

use crate::config::DpdTrigger;
use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::io::Timestamp;

/// How far a peer's sequence number may be ahead of the last.
const WINDOW: u32 = 64;

/// A question that has no answer yet.
#[derive(Debug, Clone, Copy)]
struct Question {
    /// Sequence number of the first message that asked it.
    first: u32,
    /// Further messages that asked it.
    retries: u8,
    /// When the last of them went out.
    asked: Timestamp,
}

/// What an ISAKMP SA knows of its peer's life.
#[derive(Debug, Default)]
pub(crate) struct Liveness {
    /// When something authenticated came last.
    heard: Timestamp,
    /// A packet went out since then.
    sent_since: bool,
    /// Sequence number of our last R-U-THERE.
    own: Option<u32>,
    /// Sequence number of the peer's last R-U-THERE.
    theirs: Option<u32>,
    question: Option<Question>,
}

/// What to do when the timer fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Ask whether the peer lives.
    Ask,
    /// Look again at that time.
    Wait(Timestamp),
    /// Nothing, until a packet goes out.
    Rest,
    /// The peer is dead.
    GiveUp,
}

impl Liveness {
    /// Something authenticated has come.
    pub(crate) fn heard(&mut self, now: Timestamp) {
        self.heard = now;
        self.sent_since = false;
    }

    /// When something authenticated came last.
    pub(crate) fn last_heard(&self) -> Timestamp {
        self.heard
    }

    /// A packet goes out.
    pub(crate) fn sent(&mut self) {
        self.sent_since = true;
    }

    /// What is to be done by now.
    pub(crate) fn action(
        &self,
        now: Timestamp,
        trigger: DpdTrigger,
        timeout: Duration,
        retries: u8,
    ) -> Action {
        match self.question.filter(|question| question.asked >= self.heard) {
            Some(question) if now < question.asked + timeout => Action::Wait(question.asked + timeout),
            Some(question) if question.retries >= retries => Action::GiveUp,
            Some(_) => Action::Ask,
            None => {
                let worry = match trigger {
                    DpdTrigger::Idle(worry) => worry,
                    DpdTrigger::Traffic(worry) if self.sent_since => worry,
                    DpdTrigger::Traffic(_) | DpdTrigger::OnCommand => return Action::Rest,
                };
                // No interval would make a flood.
                let at = self.heard + worry.max(Duration::from_millis(100));
                if now < at { Action::Wait(at) } else { Action::Ask }
            }
        }
    }

    /// Notes that we ask; the sequence number to ask with. The first one is `random`, with its highest bit clear.
    pub(crate) fn ask(&mut self, now: Timestamp, random: u32) -> u32 {
        let step = u32::from(!deviates(Deviation::RepeatsDpdSequenceNumbers));
        let seq = self.own.map_or(random & (u32::MAX >> 1), |own| own.wrapping_add(step));
        self.own = Some(seq);
        self.question = Some(match self.question.filter(|question| question.asked >= self.heard) {
            Some(question) => {
                Question { retries: question.retries.saturating_add(1), asked: now, ..question }
            }
            None => Question { first: seq, retries: 0, asked: now },
        });
        seq
    }

    /// Checks an R-U-THERE-ACK: it must answer one of the messages of the question that is open.
    ///
    /// # Errors
    ///
    /// [`ExchangeError::DpdSequence`] when it does not.
    pub(crate) fn answered(&mut self, got: u32) -> Result<(), ExchangeError> {
        if deviates(Deviation::AcceptsAnyRUThereAck) {
            self.question = None;
            return Ok(());
        }
        let expected = self.own;
        let (Some(question), Some(own)) = (self.question, self.own) else {
            return Err(ExchangeError::DpdSequence { got, expected });
        };
        if got.wrapping_sub(question.first) > own.wrapping_sub(question.first) {
            return Err(ExchangeError::DpdSequence { got, expected });
        }
        self.question = None;
        Ok(())
    }

    /// Checks an R-U-THERE: its sequence number must follow the last one.
    ///
    /// # Errors
    ///
    /// [`ExchangeError::DpdSequence`] when it was used before or is too far ahead.
    pub(crate) fn asked(&mut self, got: u32) -> Result<(), ExchangeError> {
        if let Some(last) = self.theirs
            && !deviates(Deviation::AnswersReplayedRUThere)
            && !(1..=WINDOW).contains(&got.wrapping_sub(last))
        {
            return Err(ExchangeError::DpdSequence { got, expected: Some(last.wrapping_add(1)) });
        }
        self.theirs = Some(got);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const IDLE: DpdTrigger = DpdTrigger::Idle(Duration::from_secs(10));
    const TRAFFIC: DpdTrigger = DpdTrigger::Traffic(Duration::from_secs(10));

    fn action(liveness: &Liveness, trigger: DpdTrigger, at: u64) -> Action {
        liveness.action(Timestamp::from_secs(at), trigger, Duration::from_secs(2), 2)
    }

    #[test]
    fn an_idle_peer_is_asked_three_times_and_given_up() {
        let mut liveness = Liveness::default();
        assert_eq!(action(&liveness, IDLE, 4), Action::Wait(Timestamp::from_secs(10)));
        for (at, seq) in [(10, 7), (12, 8), (14, 9)] {
            assert_eq!(action(&liveness, IDLE, at), Action::Ask);
            assert_eq!(liveness.ask(Timestamp::from_secs(at), 7), seq);
            assert_eq!(action(&liveness, IDLE, at + 1), Action::Wait(Timestamp::from_secs(at + 2)));
        }
        assert_eq!(action(&liveness, IDLE, 16), Action::GiveUp);
    }

    #[test]
    fn whatever_is_heard_ends_the_worry() {
        let mut liveness = Liveness::default();
        liveness.ask(Timestamp::from_secs(10), 7);
        liveness.heard(Timestamp::from_secs(11));
        assert_eq!(action(&liveness, IDLE, 12), Action::Wait(Timestamp::from_secs(21)));
    }

    #[test]
    fn traffic_without_an_answer_makes_us_ask() {
        let mut liveness = Liveness::default();
        assert_eq!(action(&liveness, TRAFFIC, 1000), Action::Rest);
        liveness.sent();
        assert_eq!(action(&liveness, TRAFFIC, 4), Action::Wait(Timestamp::from_secs(10)));
        assert_eq!(action(&liveness, TRAFFIC, 10), Action::Ask);
        liveness.heard(Timestamp::from_secs(5));
        assert_eq!(action(&liveness, TRAFFIC, 1000), Action::Rest);
        assert_eq!(action(&liveness, DpdTrigger::OnCommand, 1000), Action::Rest);
    }

    #[test]
    fn the_first_sequence_number_is_random_without_its_highest_bit() {
        assert_eq!(Liveness::default().ask(Timestamp::ZERO, 0xdead_beef), 0x5ead_beef);
    }

    #[rstest]
    #[case::the_first_message(100, true)]
    #[case::a_retransmission(101, true)]
    #[case::before(99, false)]
    #[case::after(102, false)]
    fn an_answer_must_fit_the_question(#[case] seq: u32, #[case] fits: bool) {
        let mut liveness = Liveness::default();
        assert!(liveness.answered(seq).is_err(), "nothing was asked");
        liveness.ask(Timestamp::ZERO, 100);
        liveness.ask(Timestamp::ZERO, 0);
        assert_eq!(liveness.answered(seq).is_ok(), fits);
        assert!(liveness.answered(99).is_err());
        assert_eq!(liveness.answered(100).is_err(), fits, "each question has one answer");
    }

    #[rstest]
    #[case::the_next(1, true)]
    #[case::after_losses(64, true)]
    #[case::too_far_ahead(65, false)]
    #[case::replayed(0, false)]
    #[case::older(u32::MAX, false)]
    fn a_question_must_follow_the_last_one(#[case] step: u32, #[case] fits: bool) {
        for first in [5, u32::MAX] {
            let mut liveness = Liveness::default();
            liveness.asked(first).unwrap();
            let got = first.wrapping_add(step);
            assert_eq!(liveness.asked(got).is_ok(), fits);
            assert!(liveness.asked(got).is_err(), "not twice");
        }
    }
}
