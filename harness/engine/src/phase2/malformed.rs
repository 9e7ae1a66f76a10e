//! Messages that do not read as payloads and are their sender's all the same.

use subtle::ConstantTimeEq;

use super::quick_mode::QmCx;
use crate::crypto::HashAlgorithm;
use crate::error::ExchangeError;
use crate::keys;
use crate::phase1::Received;
use crate::wire::{Header, PayloadType};

/// Octets of the generic payload header (RFC 2408 section 3.2).
const GENERIC_HEADER_LEN: usize = 4;

impl QmCx<'_> {
    /// Why a message is refused. Most of what does not read as payloads is noise, which anyone can send, and is dropped in
    /// silence; where the hash that the message begins with covers the rest, its sender is told (RFC 2408 section 5.3).
    ///
    /// `prefix` is what the hash covers between M-ID and message: Ni_b in HASH(2), nothing in HASH(1).
    pub(crate) fn refused(
        &self,
        error: ExchangeError,
        received: &Received,
        iv: &[u8],
        prefix: &[u8],
    ) -> ExchangeError {
        let of_the_chain = matches!(
            error,
            ExchangeError::Wire(_) | ExchangeError::UnknownPayload(_) | ExchangeError::ReservedNotZero(_)
        );
        let protection = &self.established.protection;
        let (hash, block_len) = (protection.transform.hash, protection.transform.cipher.block_len());
        let is_hashed = || {
            let (plain, _) = self.core.decrypt(&received.message, protection, iv).ok()?;
            let body = plain.get(Header::LEN..)?;
            let (theirs, rest) = split_hash(received.header.next_payload, body, hash)?;
            let is_hash_of = |covered: &[u8]| {
                let skeyid_a = &protection.keys.skeyid_a;
                let ours = keys::hash_2(self.core.provider, hash, skeyid_a, self.m_id.0, prefix, covered);
                bool::from(ours.as_slice().ct_eq(theirs))
            };
            without_padding(rest, block_len).any(is_hash_of).then_some(())
        };
        if of_the_chain && is_hashed().is_some() { ExchangeError::Malformed(Box::new(error)) } else { error }
    }
}

/// The data of a leading HASH payload, and what follows it.
fn split_hash(first: PayloadType, body: &[u8], hash: HashAlgorithm) -> Option<(&[u8], &[u8])> {
    let (header, rest) = body.split_at_checked(GENERIC_HEADER_LEN)?;
    let [_, _, length @ ..] = header else { return None };
    let length = length.iter().fold(0, |length: usize, octet| (length << 8) | usize::from(*octet));
    let is_hash =
        first == PayloadType::HASH && length == GENERIC_HEADER_LEN.checked_add(hash.output_len())?;
    if is_hash { rest.split_at_checked(hash.output_len()) } else { None }
}

/// What may be left without the padding, of which there is less than a block: where it begins cannot be told.
fn without_padding(rest: &[u8], block_len: usize) -> impl Iterator<Item = &[u8]> {
    (0..block_len).filter_map(|padding| rest.get(..rest.len().checked_sub(padding)?))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// A HASH payload of 16 octets for MD5, and two octets more.
    fn body() -> Vec<u8> {
        [&[1, 0, 0, 20][..], &[7; 16], &[8, 9]].concat()
    }

    #[test]
    fn splits_off_the_hash() {
        let body = body();
        let split = split_hash(PayloadType::HASH, &body, HashAlgorithm::Md5);
        assert_eq!(split, Some((&[7; 16][..], &[8, 9][..])));
    }

    #[rstest]
    #[case::another_payload(PayloadType::SA, |_: &mut Vec<u8>| {}, HashAlgorithm::Md5)]
    #[case::another_hash(PayloadType::HASH, |_: &mut Vec<u8>| {}, HashAlgorithm::Sha1)]
    #[case::another_length(PayloadType::HASH, |body: &mut Vec<u8>| body[3] = 21, HashAlgorithm::Md5)]
    #[case::a_length_beyond_an_octet(PayloadType::HASH, |body: &mut Vec<u8>| body[2] = 1, HashAlgorithm::Md5)]
    #[case::cut_in_the_hash(PayloadType::HASH, |body: &mut Vec<u8>| body.truncate(19), HashAlgorithm::Md5)]
    #[case::cut_in_the_header(PayloadType::HASH, |body: &mut Vec<u8>| body.truncate(3), HashAlgorithm::Md5)]
    #[case::empty(PayloadType::HASH, Vec::clear, HashAlgorithm::Md5)]
    fn finds_no_other_hash(
        #[case] first: PayloadType,
        #[case] change: fn(&mut Vec<u8>),
        #[case] hash: HashAlgorithm,
    ) {
        let mut body = body();
        change(&mut body);
        assert_eq!(split_hash(first, &body, hash), None);
    }

    #[test]
    fn takes_less_than_a_block_for_padding() {
        let lengths: Vec<_> = without_padding(&[0; 10], 8).map(<[u8]>::len).collect();
        assert_eq!(lengths, [10, 9, 8, 7, 6, 5, 4, 3]);
        let lengths: Vec<_> = without_padding(&[0; 2], 8).map(<[u8]>::len).collect();
        assert_eq!(lengths, [2, 1, 0]);
    }
}
