//! A whole message: header and chain.

use bytes::Bytes;

use super::{
    Chain, Flags, Header, Payload, Result, Trailing, WireError, WireLimits, decode_chain, encode_chain,
};

/// A message in the clear, `HDR` and its payloads. An encrypted one, `HDR*`, takes two steps:
/// [`Header::decode`], then, once decrypted, [`decode_chain`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The header as received.
    pub header: Header,
    /// The payloads.
    pub chain: Chain,
}

impl Message {
    /// Decodes a datagram that holds one message in the clear.
    ///
    /// # Errors
    /// What [`Header::decode`] and [`Header::check`] refuse, [`WireError::Encrypted`] if the Encryption bit is
    /// set, and what [`decode_chain`] refuses.
    pub fn decode(datagram: &Bytes, limits: &WireLimits) -> Result<Self> {
        let header = Header::decode(datagram)?;
        header.check(datagram.len())?;
        if header.flags.contains(Flags::ENCRYPTION) {
            return Err(WireError::Encrypted);
        }
        let mut body = datagram.clone();
        // `Header::decode` has just read these octets, so this cannot pass the end.
        let body = body.split_off(Header::LEN.min(body.len()));
        let chain = decode_chain(header.next_payload, &body, Trailing::Alignment, limits)?;
        Ok(Self { header, chain })
    }
}

/// Encodes a message in the clear. Next Payload and Length of `header` are ignored and filled in.
pub fn encode_message(header: &Header, payloads: &[Payload]) -> Vec<u8> {
    let (next_payload, body) = encode_chain(payloads);
    let total = Header::LEN.saturating_add(body.len());
    let length = u32::try_from(total).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(total);
    Header { next_payload, length, ..*header }.encode(&mut out);
    out.extend_from_slice(&body);
    out
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::test_support::*;
    use super::super::{ExchangeType, Nonce, PayloadType};
    use super::*;

    fn decode(datagram: &[u8]) -> Result<Message> {
        Message::decode(&Bytes::copy_from_slice(datagram), &WireLimits::default())
    }

    #[test]
    fn decodes_a_main_mode_message() {
        let bytes = main_mode_1();
        let message = decode(&bytes).unwrap();
        assert_eq!(message.header.exchange_type, ExchangeType::IDENTITY_PROTECTION);
        assert_eq!(message.header.next_payload, PayloadType::SA);
        let payloads: Vec<Payload> = message.chain.iter().cloned().collect();
        assert_eq!(encode_message(&message.header, &payloads), bytes);
    }

    #[rstest::rstest]
    #[case::filled_up_to_a_multiple_of_four(3, 3, true)]
    #[case::not_filled_up_to_one(3, 2, false)]
    #[case::filled_up_to_the_one_after_the_next(3, 7, false)]
    #[case::aligned_without(0, 4, false)]
    fn octets_behind_the_last_payload_are_taken_only_where_they_align_the_message(
        #[case] missing: usize,
        #[case] added: usize,
        #[case] taken: bool,
    ) {
        let nonce = Payload::Nonce(Nonce { data: vec![7; 20_usize.wrapping_sub(missing)].into() });
        let header = decode(&main_mode_1()).unwrap().header;
        let mut bytes = encode_message(&header, &[nonce]);
        bytes.extend(vec![0; added]);
        let length = u32::try_from(bytes.len()).unwrap();
        bytes[24..28].copy_from_slice(&length.to_be_bytes());
        let read = decode(&bytes).map(|message| message.chain.padding.len());
        let refused = WireError::TrailingData { what: "payload chain", len: added };
        assert_eq!(read, if taken { Ok(added) } else { Err(refused) });
    }

    #[test]
    fn rejects_every_shorter_prefix() {
        let bytes = main_mode_1();
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len]).is_err(), "accepted {len} bytes");
        }
    }

    #[test]
    fn rejects_a_datagram_longer_than_the_header_says() {
        let mut bytes = main_mode_1();
        let header = u32::try_from(bytes.len()).unwrap();
        bytes.push(0);
        assert_eq!(decode(&bytes), Err(WireError::UnequalLengths { header, datagram: bytes.len() }));
    }

    #[test]
    fn refuses_to_read_ciphertext_as_payloads() {
        let mut bytes = main_mode_1();
        bytes[19] = Flags::ENCRYPTION.0;
        assert_eq!(decode(&bytes), Err(WireError::Encrypted));
    }

    proptest! {
        #[test]
        fn decoding_gives_back_what_was_encoded(header in any_header(), payloads in vec(any_payload(), 0..6)) {
            let bytes = encode_message(&header, &payloads);
            let message = decode(&bytes).unwrap();
            prop_assert!(message.chain.iter().eq(&payloads));
            prop_assert_eq!(message.chain.reserved_violation(), None);
            prop_assert_eq!(encode_message(&message.header, &payloads), bytes);
        }

        #[test]
        fn any_message_that_decodes_survives_encoding(bytes in any_damaged_message()) {
            if let Ok(message) = decode(&bytes) {
                let payloads: Vec<Payload> = message.chain.iter().cloned().collect();
                let again = decode(&encode_message(&message.header, &payloads)).unwrap();
                prop_assert!(again.chain.iter().eq(&payloads));
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..200), first in any::<u8>()) {
            let _ = decode(&bytes);
            let body = Bytes::from(bytes);
            for trailing in [Trailing::Alignment, Trailing::Padding] {
                if let Ok(chain) = decode_chain(PayloadType(first), &body, trailing, &WireLimits::default()) {
                    let _ = chain.reserved_violation();
                }
            }
        }

        #[test]
        fn damaged_messages_never_panic(bytes in any_damaged_message()) {
            if let Ok(message) = decode(&bytes) {
                let _ = message.chain.reserved_violation();
            }
        }
    }
}
