use super::error::EspError;

/// The sequence numbers of an outbound SA: 1, 2, 3 and so on, never reused (RFC 4303 section 3.3.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SequenceCounter {
    last: u32,
}

impl SequenceCounter {
    /// A counter whose last number given out was `last`; an SA starts with 0.
    pub const fn after(last: u32) -> Self {
        Self { last }
    }

    /// The last number given out, 0 before the first.
    pub const fn last(&self) -> u32 {
        self.last
    }

    /// The next number.
    ///
    /// # Errors
    /// [`EspError::SequenceExhausted`] after 2^32 - 1 packets.
    pub fn next_seq(&mut self) -> Result<u32, EspError> {
        self.last = self.last.checked_add(1).ok_or(EspError::SequenceExhausted)?;
        Ok(self.last)
    }
}

/// The 64 sequence numbers up to the highest one accepted, with those seen (RFC 2401 Appendix C,
/// RFC 4303 section 3.4.3).
///
/// [`ReplayWindow::check`] comes before the integrity check and changes nothing, [`ReplayWindow::update`]
/// after it, so that a forged packet cannot move the window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplayWindow {
    highest: u32,
    /// Bit n is set when `highest - n` was seen.
    seen: u64,
}

impl ReplayWindow {
    /// Numbers that the window spans.
    pub const SIZE: u32 = u64::BITS;

    /// The highest sequence number accepted so far, 0 before the first.
    pub const fn highest(&self) -> u32 {
        self.highest
    }

    /// Whether a packet with this sequence number may still be new.
    ///
    /// # Errors
    /// [`EspError::Replay`] when it was seen, lies left of the window, or is 0, which no sender uses.
    pub fn check(&self, seq: u32) -> Result<(), EspError> {
        let refused = EspError::Replay { seq, highest: self.highest };
        if seq == 0 {
            return Err(refused);
        }
        match self.highest.checked_sub(seq) {
            // Right of the window.
            None => Ok(()),
            Some(age) if age < Self::SIZE && self.seen >> age & 1 == 0 => Ok(()),
            Some(_) => Err(refused),
        }
    }

    /// Notes the sequence number of a packet whose integrity was verified.
    ///
    /// # Errors
    /// [`EspError::Replay`] as for [`ReplayWindow::check`]; the window is unchanged then.
    pub fn update(&mut self, seq: u32) -> Result<(), EspError> {
        self.check(seq)?;
        match seq.checked_sub(self.highest) {
            Some(ahead) => {
                self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
                self.highest = seq;
            }
            // `check` proved that the age is below the 64 bits of the mask.
            None => self.seen |= 1 << (self.highest - seq),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::first(&[], 1, true)]
    #[case::zero_at_the_start(&[], 0, false)]
    #[case::zero_later(&[1, 2], 0, false)]
    #[case::next(&[1], 2, true)]
    #[case::duplicate_of_the_highest(&[1, 2], 2, false)]
    #[case::duplicate_inside(&[1, 2, 3], 2, false)]
    #[case::late_but_inside(&[1, 3], 2, true)]
    #[case::left_edge_is_inside(&[64], 1, true)]
    #[case::left_of_the_edge(&[65], 1, false)]
    #[case::left_edge_seen(&[1, 64], 1, false)]
    #[case::jump_by_the_window_forgets_all(&[10, 74], 11, true)]
    #[case::jump_by_the_window_leaves_the_old_out(&[10, 74], 10, false)]
    #[case::jump_by_63_keeps_the_old(&[10, 73], 10, false)]
    #[case::far_jump(&[1], u32::MAX, true)]
    #[case::highest_of_all_once(&[u32::MAX], u32::MAX, false)]
    #[case::no_wrap_around(&[u32::MAX], 1, false)]
    #[case::shift_of_a_whole_mask(&[1, 65], 64, true)]
    fn judges_a_sequence_number(#[case] before: &[u32], #[case] seq: u32, #[case] fresh: bool) {
        let mut window = ReplayWindow::default();
        for &earlier in before {
            window.update(earlier).unwrap();
        }
        let untouched = window.clone();
        assert_eq!(window.check(seq).is_ok(), fresh);
        assert_eq!(window, untouched);
        assert_eq!(window.update(seq).is_ok(), fresh);
        assert!(fresh || window == untouched);
    }

    #[test]
    fn counts_from_one_and_stops_before_reuse() {
        let mut counter = SequenceCounter::default();
        assert_eq!(counter.next_seq().unwrap(), 1);
        assert_eq!(counter.next_seq().unwrap(), 2);
        let mut counter = SequenceCounter::after(u32::MAX - 1);
        assert_eq!(counter.next_seq().unwrap(), u32::MAX);
        assert!(matches!(counter.next_seq(), Err(EspError::SequenceExhausted)));
        assert_eq!(counter.last(), u32::MAX);
    }

    proptest! {
        #[test]
        fn agrees_with_a_set_of_all_numbers_seen(seqs in prop::collection::vec(0_u32..300, 0..400)) {
            let mut window = ReplayWindow::default();
            let mut seen = BTreeSet::new();
            for seq in seqs {
                let highest = seen.last().copied().unwrap_or(0);
                let fresh = seq > 0 && seq + ReplayWindow::SIZE > highest && !seen.contains(&seq);
                prop_assert_eq!(window.update(seq).is_ok(), fresh);
                if fresh {
                    seen.insert(seq);
                }
                prop_assert_eq!(window.highest(), seen.last().copied().unwrap_or(0));
            }
        }
    }
}
