//! Fragments of messages that are too large for one datagram (payload type 132), as Cisco and Microsoft send them.
//!
//! ```text
//!  message   HDR* ...............................................   too large
//!  fragments HDR, Fragment 1 | HDR, Fragment 2 | HDR, Fragment 3, last
//! ```
//!
//! Each fragment has the message's header, but for Next Payload, Length, and the Encryption flag, which is clear; some
//! daemons also set its M-ID to zero. The fragments' data together is the message, header included.
//!
//! No fragment is authenticated, so anyone who knows the cookies can spoil a message in reassembly. It costs no more
//! than a lost datagram: the sender's retransmission brings all fragments again. What contradicts the fragments held
//! therefore replaces them, as it is the newer: a sender that numbers all its messages alike begins another one so. A
//! message without CKY-R is neither cut nor put together: who sends it has not shown yet that it is there.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::config::{Fragmentation, FragmentationMode};
use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::io::Timestamp;
use crate::limits::Limits;
use crate::vendor::Announced;
use crate::wire::{CookiePair, ExchangeType, Flags, Fragment, Header, MessageId, Payload, encode_message};

/// The least part of a message in one fragment, however small the configured size.
const PART_MIN: usize = 24;

impl Fragmentation {
    /// The size from which on messages to this peer are cut.
    pub(crate) fn size_towards(self, announced: Announced) -> Option<u16> {
        let cut = match self.mode {
            FragmentationMode::Off | FragmentationMode::Accept => false,
            FragmentationMode::On => announced.fragmentation,
            FragmentationMode::Force => true,
        };
        cut.then_some(self.size)
    }
}

/// Cuts a message into messages of at most `largest` bytes. There are never more than 255, whose parts grow instead.
pub(crate) fn split(message: &[u8], largest: usize, id: u16) -> Vec<Vec<u8>> {
    let Ok(header) = Header::decode(message) else { return vec![message.to_vec()] };
    let overhead = Header::LEN.saturating_add(Fragment::OVERHEAD);
    let fewest = message.len().div_ceil(usize::from(u8::MAX));
    let part = largest.saturating_sub(overhead).max(PART_MIN).max(fewest);
    let header = header.with_flags(Flags(header.flags.0 & !Flags::ENCRYPTION.0));
    let count = message.len().div_ceil(part);
    (1..=u8::MAX)
        .zip(message.chunks(part))
        .map(|(number, data)| {
            let flags = if usize::from(number) == count { Fragment::LAST } else { 0 };
            let data = Bytes::copy_from_slice(data);
            encode_message(&header, &[Payload::Fragment(Fragment { id, number, flags, data })])
        })
        .collect()
}

/// What fragments of one message have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    cookies: CookiePair,
    exchange: ExchangeType,
    m_id: MessageId,
    id: u16,
}

/// A message of which some fragments have come.
#[derive(Debug)]
struct Partial {
    key: Key,
    began: Timestamp,
    parts: BTreeMap<u8, Bytes>,
    /// Number of the last fragment, once it has come.
    last: Option<u8>,
    /// Bytes of all parts.
    len: usize,
}

impl Partial {
    fn new(key: Key, began: Timestamp) -> Self {
        Self { key, began, parts: BTreeMap::new(), last: None, len: 0 }
    }

    /// Whether a fragment cannot belong to the same message as those that have come.
    fn contradicts(&self, fragment: &Fragment) -> bool {
        let number = fragment.number;
        let other_bytes = self.parts.get(&number).is_some_and(|part| *part != fragment.data);
        let other_end = self.last.is_some_and(|last| number > last || fragment.is_last() != (number == last));
        other_bytes || other_end
    }

    fn add(&mut self, fragment: &Fragment) {
        if fragment.is_last() {
            self.last = Some(fragment.number);
            // What came with a higher number belongs to another message.
            let beyond = self.parts.split_off(&fragment.number);
            self.len = self.len.saturating_sub(beyond.values().map(Bytes::len).sum());
        }
        if self.parts.insert(fragment.number, fragment.data.clone()).is_none() {
            self.len = self.len.saturating_add(fragment.data.len());
        }
    }

    /// The message, when no fragment is missing. All numbers held are from 1 to the last.
    fn whole(&self) -> Option<Bytes> {
        let complete = self.last.is_some_and(|last| self.parts.len() == usize::from(last));
        complete.then(|| self.parts.values().flatten().copied().collect())
    }
}

/// The messages of one ISAKMP SA of which some fragments have come, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Reassembly {
    partial: VecDeque<Partial>,
}

impl Reassembly {
    /// Takes in a fragment; the message when it was the last one missing.
    ///
    /// # Errors
    ///
    /// When the fragment can belong to no message, or a limit is reached.
    pub(crate) fn add(
        &mut self,
        header: &Header,
        fragment: &Fragment,
        now: Timestamp,
        limits: &Limits,
    ) -> Result<Option<Bytes>, ExchangeError> {
        self.expire(now, limits.reassembly_lifetime);
        if fragment.number == 0 || fragment.data.is_empty() {
            return Err(ExchangeError::InvalidFragment("fragments are counted from 1 and not empty"));
        }
        if usize::from(fragment.number) > limits.fragments_max {
            return Err(ExchangeError::LimitReached("fragments of a message"));
        }
        let (cookies, exchange) = (header.cookies, header.exchange_type);
        let key = Key { cookies, exchange, m_id: header.message_id, id: fragment.id };
        let mut partial = match self.partial.iter().position(|partial| partial.key == key) {
            Some(at) => self.partial.remove(at).filter(|partial| !partial.contradicts(fragment)),
            None => None,
        }
        .unwrap_or_else(|| Partial::new(key, now));
        let number = fragment.number;
        let twice = partial.parts.contains_key(&number) && deviates(Deviation::ForgetsFragmentsThatComeTwice);
        let in_order = usize::from(number) == partial.parts.len().saturating_add(1);
        if twice || !in_order && deviates(Deviation::TakesFragmentsInOrderOnly) {
            return Ok(None);
        }
        partial.add(fragment);
        if partial.len > limits.fragment_bytes_max {
            return Err(ExchangeError::LimitReached("bytes of a message in fragments"));
        }
        if let Some(whole) = partial.whole() {
            return Ok(Some(whole));
        }
        while self.partial.len() >= limits.reassemblies_max.max(1) {
            self.partial.pop_front();
        }
        self.partial.push_back(partial);
        Ok(None)
    }

    /// Forgets what has not become whole in time; when the next is to be forgotten.
    pub(crate) fn expire(&mut self, now: Timestamp, lifetime: Duration) -> Option<Timestamp> {
        self.partial.retain(|partial| now.since(partial.began) < lifetime);
        self.partial.iter().map(|partial| partial.began + lifetime).min()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::wire::{Cookie, Message, WireLimits};

    const SIZE: usize = 100;

    fn cookies() -> CookiePair {
        CookiePair { initiator: Cookie([1; 8]), responder: Cookie([2; 8]) }
    }

    /// A message of this many bytes.
    fn message(len: usize) -> Vec<u8> {
        let header = Header::new(cookies(), ExchangeType::QUICK_MODE, MessageId(7));
        let mut bytes = Vec::new();
        Header { length: u32::try_from(len).unwrap(), ..header.with_flags(Flags::ENCRYPTION) }
            .encode(&mut bytes);
        bytes.extend((Header::LEN..len).map(|n| u8::try_from(n % 251).unwrap()));
        bytes
    }

    fn read(fragment: &[u8]) -> (Header, Fragment) {
        let message = Message::decode(&Bytes::copy_from_slice(fragment), &WireLimits::default()).unwrap();
        match message.chain.iter().next() {
            Some(Payload::Fragment(fragment)) => (message.header, fragment.clone()),
            other => panic!("{other:?}"),
        }
    }

    fn fragments(message: &[u8], id: u16) -> Vec<(Header, Fragment)> {
        split(message, SIZE, id).iter().map(|fragment| read(fragment)).collect()
    }

    /// Gives all fragments in this order (counted from 0), and returns what comes out.
    fn add_all(
        reassembly: &mut Reassembly,
        fragments: &[(Header, Fragment)],
        order: impl IntoIterator<Item = usize>,
    ) -> Vec<Bytes> {
        let mut add = |at: usize| {
            let (header, fragment) = &fragments[at];
            reassembly.add(header, fragment, Timestamp::ZERO, &Limits::default()).unwrap()
        };
        order.into_iter().filter_map(&mut add).collect()
    }

    #[test]
    fn a_message_is_cut_as_cisco_and_microsoft_cut_it() {
        let fragments = split(&message(150), SIZE, 0x0102);
        assert_eq!(fragments.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 58]);
        // Cookies, Next Payload 132, version, exchange type, no flags, M-ID, Length.
        let header = "0101010101010101020202020202020284102000 00000007 00000064".replace(' ', "");
        assert_eq!(hex::encode(&fragments[0][..28]), header);
        assert_eq!(hex::encode(&fragments[0][28..36]), "00000048".to_owned() + "01020100");
        assert_eq!(hex::encode(&fragments[2][28..36]), "0000001e".to_owned() + "01020301");
        // The message's own header, encryption bit and all, begins the first part.
        assert_eq!(fragments[0][36..64], message(150)[..28]);
    }

    #[rstest]
    #[case::in_order(&[0, 1, 2])]
    #[case::last_first(&[2, 1, 0])]
    #[case::last_before_a_middle_one(&[0, 2, 1])]
    #[case::doubled(&[0, 0, 2, 2, 1])]
    fn fragments_in_any_order_give_the_message_once(#[case] order: &[usize]) {
        let message = message(150);
        let mut reassembly = Reassembly::default();
        let whole = add_all(&mut reassembly, &fragments(&message, 1), order.iter().copied());
        assert_eq!(whole, [message]);
        assert!(reassembly.partial.is_empty());
    }

    #[test]
    fn a_repeated_set_of_fragments_gives_the_message_again() {
        let message = message(150);
        let whole = add_all(&mut Reassembly::default(), &fragments(&message, 1), [0, 1, 2, 0, 1, 2]);
        assert_eq!(whole, [message.clone(), message]);
    }

    #[rstest]
    #[case::other_bytes(|f: &mut Fragment| f.data = Bytes::from_static(b"other"))]
    #[case::beyond_the_last(|f: &mut Fragment| f.number = 4)]
    #[case::another_last(|f: &mut Fragment| f.flags = Fragment::LAST)]
    fn a_fragment_that_contradicts_begins_anew(#[case] change: fn(&mut Fragment)) {
        let message = message(150);
        let good = fragments(&message, 1);
        let mut reassembly = Reassembly::default();
        assert!(add_all(&mut reassembly, &good, [0, 2]).is_empty());
        let (header, mut bad) = good[0].clone();
        change(&mut bad);
        let held =
            |reassembly: &Reassembly| reassembly.partial.iter().map(|p| p.parts.len()).collect::<Vec<_>>();
        let got = reassembly.add(&header, &bad, Timestamp::ZERO, &Limits::default()).unwrap();
        if bad.number == 1 && bad.is_last() {
            assert_eq!(got, Some(bad.data), "a message of one fragment is whole");
        } else {
            assert_eq!((got, held(&reassembly)), (None, vec![1]), "only the new one is held");
        }
        // The real message comes through when it is sent again.
        assert_eq!(add_all(&mut reassembly, &good, [0, 1, 2]), [message]);
    }

    #[test]
    fn fragments_beyond_the_last_are_forgotten_when_it_comes() {
        let message = message(150);
        let mut all = fragments(&message, 1);
        let (header, last) = all[2].clone();
        all.push((header, Fragment { number: 4, flags: 0, ..last }));
        assert_eq!(add_all(&mut Reassembly::default(), &all, [3, 0, 1, 2]), [message]);
    }

    #[test]
    fn an_earlier_fragment_may_not_be_the_last_once_a_later_one_came() {
        let good = fragments(&message(200), 1);
        let mut reassembly = Reassembly::default();
        assert!(add_all(&mut reassembly, &good, [2]).is_empty());
        let (header, mut early) = good[1].clone();
        early.flags = Fragment::LAST;
        assert_eq!(reassembly.add(&header, &early, Timestamp::ZERO, &Limits::default()), Ok(None));
        assert_eq!(reassembly.partial[0].parts.len(), 1);
    }

    #[test]
    fn a_sender_that_gives_all_messages_one_id_is_understood() {
        let (first, second) = (message(150), [&message(140)[..], b"differs"].concat());
        let mut reassembly = Reassembly::default();
        // The first message never becomes whole.
        assert!(add_all(&mut reassembly, &fragments(&first, 1), [0, 1]).is_empty());
        let second_fragments = fragments(&second, 1);
        assert_eq!(add_all(&mut reassembly, &second_fragments, [0, 1, 2]), [second]);
    }

    #[test]
    fn messages_may_be_interleaved() {
        let (first, second) = (message(150), message(149));
        let mut all = fragments(&first, 1);
        all.extend(fragments(&second, 2));
        let whole = add_all(&mut Reassembly::default(), &all, [0, 3, 1, 4, 5, 2]);
        assert_eq!(whole, [second, first]);
    }

    #[rstest]
    #[case::number_zero(
        0,
        b"x",
        ExchangeError::InvalidFragment("fragments are counted from 1 and not empty")
    )]
    #[case::no_data(1, b"", ExchangeError::InvalidFragment("fragments are counted from 1 and not empty"))]
    #[case::too_many(65, b"x", ExchangeError::LimitReached("fragments of a message"))]
    fn a_fragment_of_no_possible_message_is_refused(
        #[case] number: u8,
        #[case] data: &'static [u8],
        #[case] expected: ExchangeError,
    ) {
        let (header, _) = fragments(&message(150), 1).remove(0);
        let fragment = Fragment { id: 1, number, flags: 0, data: Bytes::from_static(data) };
        let got = Reassembly::default().add(&header, &fragment, Timestamp::ZERO, &Limits::default());
        assert_eq!(got, Err(expected));
    }

    #[test]
    fn what_is_held_is_limited_in_number_bytes_and_time() {
        let limits = Limits { reassemblies_max: 2, fragment_bytes_max: 1000, ..Limits::default() };
        let mut reassembly = Reassembly::default();
        let mut add = |id, number, len: usize, at| {
            let (header, _) = fragments(&message(150), id).remove(0);
            let fragment = Fragment { id, number, flags: 0, data: vec![0; len].into() };
            let added = reassembly.add(&header, &fragment, Timestamp::from_secs(at), &limits);
            (added, reassembly.partial.iter().map(|partial| partial.key.id).collect::<Vec<_>>())
        };
        assert_eq!(add(1, 1, 900, 0), (Ok(None), vec![1]));
        assert_eq!(add(2, 1, 900, 0), (Ok(None), vec![1, 2]));
        assert_eq!(add(3, 1, 900, 5), (Ok(None), vec![2, 3]), "the oldest goes");
        let over = Err(ExchangeError::LimitReached("bytes of a message in fragments"));
        assert_eq!(add(2, 2, 101, 5), (over, vec![3]));
        assert_eq!(add(4, 1, 10, 36), (Ok(None), vec![4]), "what is too old goes");
    }

    proptest! {
        #[test]
        fn every_message_survives_cutting(len in 28..5_000_usize, size in 0..1500_usize, order in any::<u64>()) {
            let message = message(len);
            let mut parts: Vec<_> = split(&message, size, 9).iter().map(|part| read(part)).collect();
            prop_assume!(parts.len() <= 64);
            for (header, fragment) in &parts {
                let largest = size.max(Header::LEN + Fragment::OVERHEAD + PART_MIN);
                prop_assert!(Header::LEN + Fragment::OVERHEAD + fragment.data.len() <= largest);
                prop_assert!(!header.flags.contains(Flags::ENCRYPTION));
            }
            parts.sort_by_key(|(_, fragment)| (u64::from(fragment.number) + 1).wrapping_mul(order | 1));
            let count = parts.len();
            prop_assert_eq!(add_all(&mut Reassembly::default(), &parts, 0..count), [message]);
        }

        #[test]
        fn any_fragments_never_panic_and_are_bounded(
            all in proptest::collection::vec((0..3_u16, any::<u8>(), any::<u8>(), 0..400_usize), 0..60),
        ) {
            let limits = Limits { fragment_bytes_max: 1000, ..Limits::default() };
            let (header, _) = fragments(&message(150), 1).remove(0);
            let mut reassembly = Reassembly::default();
            for (id, number, flags, len) in all {
                let fragment = Fragment { id, number: number % 5, flags, data: vec![7; len].into() };
                let _ = reassembly.add(&header, &fragment, Timestamp::ZERO, &limits);
                prop_assert!(reassembly.partial.len() <= limits.reassemblies_max);
                prop_assert!(reassembly.partial.iter().all(|partial| partial.len <= 1000));
            }
        }
    }
}
