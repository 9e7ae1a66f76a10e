//! Opens informational messages of the peer that the harness engine does not.
//!
//! A peer that refuses the last message of phase 1 may say why in an informational exchange that is protected
//! by keys which nothing has authenticated. The engine rightly leaves such a message alone. The transcript wants
//! it readable all the same, because the judge asks what the peer said.

use std::collections::HashMap;

use bytes::Bytes;
use ikev1::crypto::{CipherAlgorithm, HashAlgorithm, reference};
use ikev1::keylog::Label;
use ikev1::keys;
use ikev1::wire::{
    CookiePair, ExchangeType, Flags, Header, MessageId, PayloadType, Trailing, WireLimits, decode_chain,
};

use super::hook::Derived;

/// Ends of phase 1 messages that are kept for an ISAKMP SA.
const ENDS_MAX: usize = 16;

/// The longest block of a cipher.
const BLOCK_MAX: usize = 16;

/// What is known of one ISAKMP SA.
#[derive(Debug, Default)]
struct Keys {
    skeyid_a: Vec<u8>,
    ka: Vec<u8>,
    /// The first IV of phase 1, and the last octets of each encrypted phase 1 message of either side.
    ends: Vec<Vec<u8>>,
}

/// The keys of all ISAKMP SAs of a case.
#[derive(Debug, Default)]
pub(super) struct Opener {
    sas: HashMap<CookiePair, Keys>,
}

impl Opener {
    /// Notes a value that the harness engine derived.
    pub(super) fn derived(&mut self, value: &Derived) {
        let keys = self.sas.entry(value.cookies).or_default();
        match value.label {
            Label::SkeyidA => keys.skeyid_a.clone_from(&value.bytes),
            Label::Ka => keys.ka.clone_from(&value.bytes),
            Label::Phase1Iv => keys.ends.push(value.bytes.clone()),
            _ => {}
        }
    }

    /// Notes a message of either side as it passes.
    pub(super) fn passed(&mut self, message: &[u8]) {
        let Ok(header) = Header::decode(message) else { return };
        if header.message_id != MessageId::PHASE_1 || !header.flags.contains(Flags::ENCRYPTION) {
            return;
        }
        let Some(keys) = self.sas.get_mut(&header.cookies) else { return };
        let end = message.get(message.len().saturating_sub(BLOCK_MAX).max(Header::LEN)..);
        if keys.ends.len() < ENDS_MAX {
            keys.ends.extend(end.map(<[u8]>::to_vec));
        }
    }

    /// Header and decrypted body of an encrypted informational message, if its HASH(1) verifies.
    pub(super) fn open(&self, message: &[u8]) -> Option<Vec<u8>> {
        let header = Header::decode(message).ok()?;
        let informational = header.exchange_type == ExchangeType::INFORMATIONAL;
        if !informational || !header.flags.contains(Flags::ENCRYPTION) {
            return None;
        }
        let keys = self.sas.get(&header.cookies)?;
        let hash = HashAlgorithm::ALL.iter().find(|hash| hash.output_len() == keys.skeyid_a.len())?;
        let ciphers = CipherAlgorithm::ALL.iter().filter(|cipher| cipher.key_len() == keys.ka.len());
        let attempts = ciphers.flat_map(|cipher| keys.ends.iter().rev().map(move |end| (*cipher, end)));
        attempts.into_iter().find_map(|(cipher, end)| {
            let block = end.get(end.len().checked_sub(cipher.block_len())?..)?;
            let iv = keys::phase2_iv(reference(), *hash, cipher, block, header.message_id.0);
            let mut plain = message.to_vec();
            let body = plain.get_mut(Header::LEN..).filter(|body| !body.is_empty())?;
            reference().cbc_decrypt(cipher, &keys.ka, &iv, body).ok()?;
            verifies(&header, &plain, *hash, &keys.skeyid_a).then_some(plain)
        })
    }
}

/// `HASH(1) = prf(SKEYID_a, M-ID | N/D)` (RFC 2409 section 5.7)
fn verifies(header: &Header, plain: &[u8], hash: HashAlgorithm, skeyid_a: &[u8]) -> bool {
    let body = Bytes::copy_from_slice(plain.get(Header::LEN..).unwrap_or_default());
    let Ok(chain) = decode_chain(header.next_payload, &body, Trailing::Padding, &WireLimits::default())
    else {
        return false;
    };
    let [first, second, ..] = chain.payloads.as_slice() else { return false };
    let end = plain.len().saturating_sub(chain.padding.len());
    let covered = plain.get(second.offset..end).unwrap_or_default();
    let expected = reference().prf(hash, skeyid_a, &[&header.message_id.0.to_be_bytes(), covered]);
    first.payload_type == PayloadType::HASH && first.body == expected.as_bytes()
}

#[cfg(test)]
mod tests {
    use ikev1::wire::{Cookie, Doi, Hash, Notification, NotifyType, Payload, ProtocolId, encode_message};
    use rstest::rstest;

    use super::*;

    const COOKIES: CookiePair = CookiePair { initiator: Cookie([1; 8]), responder: Cookie([2; 8]) };
    const M_ID: MessageId = MessageId(0x0102_0304);

    fn value(label: Label, len: usize) -> Derived {
        Derived { cookies: COOKIES, m_id: MessageId::PHASE_1, label, bytes: vec![7; len] }
    }

    /// A notify under SKEYID_a and Ka of sevens, after a phase 1 message that ended in `end`.
    fn notify(cipher: CipherAlgorithm, hash: HashAlgorithm, end: &[u8]) -> Vec<u8> {
        let notification = Payload::Notification(Notification {
            doi: Doi::IPSEC,
            protocol: ProtocolId::ISAKMP,
            notify_type: NotifyType::AUTHENTICATION_FAILED,
            spi: Bytes::new(),
            data: Bytes::new(),
        });
        let header = Header::new(COOKIES, ExchangeType::INFORMATIONAL, M_ID).with_flags(Flags::ENCRYPTION);
        let message = |digest: Vec<u8>| {
            let digest = Payload::Hash(Hash { data: digest.into() });
            encode_message(&header, &[digest, notification.clone()])
        };
        let draft = message(vec![0; hash.output_len()]);
        let covered = &draft[Header::LEN + 4 + hash.output_len()..];
        let key = vec![7; hash.output_len()];
        let mut sealed =
            message(reference().prf(hash, &key, &[&M_ID.0.to_be_bytes(), covered]).as_bytes().to_vec());
        let padded = (sealed.len() - Header::LEN).next_multiple_of(cipher.block_len()) + Header::LEN;
        sealed.resize(padded, 0);
        let block = &end[end.len() - cipher.block_len()..];
        let iv = keys::phase2_iv(reference(), hash, cipher, block, M_ID.0);
        let ka = vec![7; cipher.key_len()];
        reference().cbc_encrypt(cipher, &ka, &iv, &mut sealed[Header::LEN..]).unwrap();
        sealed
    }

    #[rstest]
    #[case::des_md5(CipherAlgorithm::Des, HashAlgorithm::Md5)]
    #[case::three_des_sha1(CipherAlgorithm::TripleDes, HashAlgorithm::Sha1)]
    #[case::aes192_sha2_256(CipherAlgorithm::AesCbc192, HashAlgorithm::Sha2_256)]
    #[case::aes256_sha2_512(CipherAlgorithm::AesCbc256, HashAlgorithm::Sha2_512)]
    fn opens_a_notify_before_phase_1_is_over(
        #[case] cipher: CipherAlgorithm,
        #[case] hash: HashAlgorithm,
        #[values(false, true)] after_an_encrypted_message: bool,
    ) {
        let mut opener = Opener::default();
        opener.derived(&value(Label::SkeyidA, hash.output_len()));
        opener.derived(&value(Label::Ka, cipher.key_len()));
        opener.derived(&value(Label::Phase1Iv, cipher.block_len()));
        let mut end = vec![7; cipher.block_len()];
        if after_an_encrypted_message {
            let header = Header::new(COOKIES, ExchangeType::IDENTITY_PROTECTION, MessageId::PHASE_1);
            let mut message = encode_message(&header.with_flags(Flags::ENCRYPTION), &[]);
            message.extend((0..48).collect::<Vec<u8>>());
            opener.passed(&message);
            end = message;
        }
        let mut sealed = notify(cipher, hash, &end);
        let plain = opener.open(&sealed).unwrap();
        assert_eq!(plain[16], PayloadType::HASH.0);
        assert!(plain.windows(2).any(|window| window == 24_u16.to_be_bytes()), "AUTHENTICATION-FAILED");
        *sealed.last_mut().unwrap() ^= 1;
        assert_eq!(opener.open(&sealed), None);
    }

    #[test]
    fn leaves_unknown_cookies_and_short_messages_alone() {
        let opener = Opener::default();
        let sealed = notify(CipherAlgorithm::AesCbc128, HashAlgorithm::Sha1, &[7; 16]);
        assert_eq!(opener.open(&sealed), None);
        for len in 0..sealed.len() {
            assert_eq!(opener.open(&sealed[..len]), None);
        }
    }
}
