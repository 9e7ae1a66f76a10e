//! Whose turn it is: of many cases with daemons of their own as many are at work as the machine bears, and one that only waits
//! leaves its turn to another.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The turns of a pool.
#[derive(Debug)]
pub struct Turns {
    at_work: Mutex<usize>,
    left: Condvar,
    most: usize,
}

impl Turns {
    /// As many turns; one at least.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { at_work: Mutex::new(0), left: Condvar::new(), most: most.max(1) }
    }

    /// Waits for a turn, which ends when it is dropped.
    pub fn take(&self) -> Turn<'_> {
        let all_taken = |at_work: &mut usize| *at_work >= self.most;
        let mut at_work =
            self.left.wait_while(self.lock(), all_taken).unwrap_or_else(PoisonError::into_inner);
        *at_work += 1;
        Turn(Some(self))
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        // Every change under the lock is a single assignment, so a panic leaves it whole.
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a turn. Called for one that a case hangs on to, or has dropped already, it lets one more be at work until all turns
    /// have ended.
    pub(crate) fn leave(&self) {
        let mut at_work = self.lock();
        *at_work = at_work.saturating_sub(1);
        self.left.notify_one();
    }
}

/// A turn of one case.
#[derive(Debug)]
pub struct Turn<'a>(Option<&'a Turns>);

impl Turn<'_> {
    /// The turn of a case that shares nothing with others.
    pub const ALWAYS: Turn<'static> = Turn(None);

    /// Whether there are others who could have it.
    pub(super) const fn is_shared(&self) -> bool {
        self.0.is_some()
    }

    /// Leaves the turn to another until what is returned is dropped. The turn is then taken back at once, even if there are more
    /// at work than may begin: who has waited for a message must not be late with its answer. `None` from a case that shares
    /// nothing.
    pub(super) fn pause(&self) -> Option<Pause<'_>> {
        let turns = self.0?;
        turns.leave();
        Some(Pause(turns))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(turns) = self.0 {
            turns.leave();
        }
    }
}

/// While a case waits.
#[derive(Debug)]
pub(super) struct Pause<'a>(&'a Turns);

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        *self.0.lock() += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn as_many_are_at_work_as_may_be_and_one_that_waits_leaves_its_turn() {
        let turns = Turns::new(2);
        let (sender, taken) = mpsc::channel();
        let soon = Duration::from_millis(100);
        thread::scope(|scope| {
            let (first, second) = (turns.take(), turns.take());
            scope.spawn(|| {
                for _ in 0..2 {
                    let turn = turns.take();
                    sender.send(()).unwrap();
                    drop(turn);
                }
                let _last = turns.take();
                sender.send(()).unwrap();
            });
            assert!(taken.recv_timeout(soon).is_err(), "a third is at work");
            let pause = first.pause();
            for _ in 0..3 {
                taken.recv_timeout(Duration::from_secs(60)).expect("a turn was left");
            }
            drop(pause);
            drop((first, second));
        });
        assert_eq!(*turns.lock(), 0);
    }

    #[test]
    fn who_has_waited_has_its_turn_back_at_once() {
        let turns = Turns::new(1);
        let first = turns.take();
        let pause = first.pause();
        let second = turns.take();
        drop(pause);
        assert_eq!(*turns.lock(), 2);
        drop((first, second));
        assert_eq!(*turns.lock(), 0);
    }

    #[test]
    fn a_case_that_shares_nothing_has_no_turn_to_leave() {
        assert!(!Turn::ALWAYS.is_shared() && Turn::ALWAYS.pause().is_none());
    }
}
