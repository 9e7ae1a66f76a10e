use super::error::EspError;

/// The sequence numbers of an outbound SA: 1, 2, 3 and so on, never reused (RFC 4303 section 3.3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceCounter {
    last: u64,
    /// The last number that there is.
    max: u64,
}

impl SequenceCounter {
    /// Numbers of 32 bits after `last`; an SA starts with 0.
    pub const fn after(last: u32) -> Self {
        Self { last: last as u64, max: u32::MAX as u64 }
    }

    /// Extended sequence numbers, of 64 bits, after `last`; an SA starts with 0 (RFC 4303 section 2.2.1).
    pub const fn extended_after(last: u64) -> Self {
        Self { last, max: u64::MAX }
    }

    /// The last number given out, 0 before the first.
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// The next number.
    ///
    /// # Errors
    /// [`EspError::SequenceExhausted`] after 2^32 - 1 packets, or 2^64 - 1 with extended numbers.
    pub fn next_seq(&mut self) -> Result<u64, EspError> {
        let next = self.last.checked_add(1).filter(|next| *next <= self.max);
        self.last = next.ok_or(EspError::SequenceExhausted)?;
        Ok(self.last)
    }
}

impl Default for SequenceCounter {
    fn default() -> Self {
        Self::after(0)
    }
}

/// The 64 sequence numbers up to the highest one accepted, with those seen (RFC 2401 Appendix C,
/// RFC 4303 section 3.4.3). Numbers of 32 and of 64 bits are judged alike; of the latter a packet carries only the low
/// half, and [`ReplayWindow::extend`] finds the high one.
///
/// [`ReplayWindow::check`] comes before the integrity check and changes nothing, [`ReplayWindow::update`]
/// after it, so that a forged packet cannot move the window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplayWindow {
    highest: u64,
    /// Bit n is set when `highest - n` was seen.
    seen: u64,
}

impl ReplayWindow {
    /// Numbers that the window spans.
    pub const SIZE: u64 = u64::BITS as u64;

    /// The highest sequence number accepted so far, 0 before the first.
    pub const fn highest(&self) -> u64 {
        self.highest
    }

    /// `Seqh | Seql`: the extended sequence number whose low 32 bits a packet states. It is the one that lies in the window
    /// or, if none with these bits does, the next one right of it (RFC 4303 Appendix A2.2).
    ///
    /// Without a lower subspace, before the first 2^32 numbers are used, the high half is 0. Beyond the last number there is
    /// none, and the highest possible high half stays, so that the packet fails its integrity check.
    pub const fn extend(&self, low: u32) -> u64 {
        const SUBSPACE: u64 = 1 << 32;
        let (bottom, th) = (self.highest.saturating_sub(Self::SIZE - 1), self.highest & !(SUBSPACE - 1));
        let seq = th | low as u64;
        if th == (bottom & !(SUBSPACE - 1)) {
            // Case A: the window lies within one subspace.
            if seq >= bottom { seq } else { seq.saturating_add(SUBSPACE) }
        } else if low as u64 >= bottom & (SUBSPACE - 1) {
            // Case B: the window began in the subspace before.
            seq - SUBSPACE
        } else {
            seq
        }
    }

    /// Whether a packet with this sequence number may still be new.
    ///
    /// # Errors
    /// [`EspError::Replay`] when it was seen, lies left of the window, or is 0, which no sender uses.
    pub fn check(&self, seq: u64) -> Result<(), EspError> {
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
    pub fn update(&mut self, seq: u64) -> Result<(), EspError> {
        self.check(seq)?;
        match seq.checked_sub(self.highest) {
            Some(ahead) => {
                let kept = u32::try_from(ahead).ok().and_then(|ahead| self.seen.checked_shl(ahead));
                self.seen = kept.unwrap_or(0) | 1;
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
    #[case::far_jump(&[1], u64::MAX, true)]
    #[case::jump_by_a_subspace(&[1], 1 << 32 | 1, true)]
    #[case::seen_across_a_subspace(&[(1 << 32) - 1, 1 << 32 | 1], (1 << 32) - 1, false)]
    #[case::late_across_a_subspace(&[1 << 32 | 1], (1 << 32) - 1, true)]
    #[case::highest_of_all_once(&[u64::MAX], u64::MAX, false)]
    #[case::no_wrap_around(&[u64::MAX], 1, false)]
    #[case::shift_of_a_whole_mask(&[1, 65], 64, true)]
    fn judges_a_sequence_number(#[case] before: &[u64], #[case] seq: u64, #[case] fresh: bool) {
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
        assert_eq!(counter.next_seq().unwrap(), u64::from(u32::MAX));
        assert!(matches!(counter.next_seq(), Err(EspError::SequenceExhausted)));
        assert_eq!(counter.last(), u64::from(u32::MAX));
    }

    #[test]
    fn extended_numbers_go_on_beyond_32_bits_and_stop_before_reuse() {
        let mut counter = SequenceCounter::extended_after(u64::from(u32::MAX));
        assert_eq!(counter.next_seq().unwrap(), 1 << 32);
        let mut counter = SequenceCounter::extended_after(u64::MAX - 1);
        assert_eq!(counter.next_seq().unwrap(), u64::MAX);
        assert!(matches!(counter.next_seq(), Err(EspError::SequenceExhausted)));
    }

    // The window is of 64 numbers: with highest H it begins at H - 63.
    #[rstest]
    #[case::at_the_start(0, 1, 1)]
    #[case::no_subspace_before_the_first(5, 0xffff_ffff, 0xffff_ffff)]
    #[case::in_the_window(0x7_0000_1000, 0x0fff, 0x7_0000_0fff)]
    #[case::bottom_of_the_window(0x7_0000_1000, 0x0fc1, 0x7_0000_0fc1)]
    #[case::left_of_it_is_the_next_subspace(0x7_0000_1000, 0x0fc0, 0x8_0000_0fc0)]
    #[case::right_of_it(0x7_0000_1000, 0xffff_ffff, 0x7_ffff_ffff)]
    #[case::zero_after_the_last(0x7_ffff_ffff, 0, 0x8_0000_0000)]
    #[case::window_in_two_subspaces(0x8_0000_0000, 0xffff_ffff, 0x7_ffff_ffff)]
    #[case::its_bottom(0x8_0000_0000, 0xffff_ffc1, 0x7_ffff_ffc1)]
    #[case::left_of_its_bottom(0x8_0000_0000, 0xffff_ffc0, 0x8_ffff_ffc0)]
    #[case::its_top(0x8_0000_003e, 0x3e, 0x8_0000_003e)]
    #[case::its_last_in_two_subspaces(0x8_0000_003e, 0xffff_ffff, 0x7_ffff_ffff)]
    #[case::its_first_in_one_subspace(0x8_0000_003f, 0xffff_ffff, 0x8_ffff_ffff)]
    #[case::its_first_number_in_one_subspace(0x8_0000_003f, 0, 0x8_0000_0000)]
    #[case::beyond_the_last(u64::MAX, 0, u64::MAX)]
    fn the_high_half_is_that_of_rfc_4303(#[case] highest: u64, #[case] low: u32, #[case] expected: u64) {
        let window = ReplayWindow { highest, seen: 1 };
        assert_eq!(window.extend(low), expected);
    }

    proptest! {
        #[test]
        fn the_high_half_is_found_for_all_that_is_near(
            highest: u64,
            back in 0..ReplayWindow::SIZE,
            ahead in 0..(1_u64 << 32) - ReplayWindow::SIZE,
        ) {
            let window = ReplayWindow { highest, seen: 1 };
            for seq in [highest.checked_sub(back), highest.checked_add(ahead)].into_iter().flatten() {
                prop_assert_eq!(window.extend(u32::try_from(seq & 0xffff_ffff).unwrap()), seq);
            }
        }

        #[test]
        fn agrees_with_a_set_of_all_numbers_seen(seqs in prop::collection::vec(0_u64..300, 0..400)) {
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
