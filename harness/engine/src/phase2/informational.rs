//! The informational exchange (RFC 2409 section 5.7): `HDR*, HASH(1), N/D`.

use bytes::Bytes;
use subtle::ConstantTimeEq;

use super::quick_mode::QmCx;
use crate::core::{Core, Envelope, Opened, Protection, read_chain};
use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::keylog::{Direction, Label};
use crate::keys;
use crate::payloads;
use crate::phase1::Received;
use crate::retransmit::Sent;
use crate::wire::{
    Delete, Doi, ExchangeType, Header, Notification, Payload, PayloadType, ProtocolId, Trailing,
};

/// Sends Notification or Delete payloads under the ISAKMP SA, in one message.
pub(crate) fn send(cx: &mut QmCx<'_>, payloads: &[Payload]) -> Result<Sent, ExchangeError> {
    let iv = cx.first_iv();
    let protection = &cx.established.protection;
    let (_, after_hash) = crate::wire::encode_chain(payloads);
    let (h, skeyid_a) = (protection.transform.hash, &protection.keys.skeyid_a);
    let hash = keys::hash_1(cx.core.provider, h, skeyid_a, cx.m_id.0, &after_hash);
    cx.log(Label::Hash1, &hash);
    let envelope = Envelope {
        path: cx.path,
        cookies: cx.cookies,
        exchange: ExchangeType::INFORMATIONAL,
        m_id: cx.m_id,
        number: 1,
    };
    let mut all = vec![payloads::hash_payload(&hash)];
    all.extend_from_slice(payloads);
    cx.core.send_encrypted(&envelope, &cx.established.protection, &iv, &all)
}

/// Opens a protected informational message and checks its HASH(1).
///
/// # Errors
///
/// Why the message is refused.
pub(crate) fn receive(cx: &mut QmCx<'_>, received: &Received) -> Result<Opened, ExchangeError> {
    let iv = cx.first_iv();
    let protection = &cx.established.protection;
    let opened = cx.core.open(&received.header, &received.message, protection, &iv)?;
    payloads::at(&opened.chain, 0, PayloadType::HASH)?;
    let hash: Bytes = payloads::hash(&opened.chain)?;
    let (h, skeyid_a) = (protection.transform.hash, &protection.keys.skeyid_a);
    let covered = opened.after_first_payload();
    let expected = keys::hash_1(cx.core.provider, h, skeyid_a, cx.m_id.0, covered);
    cx.log(Label::Hash1, &expected);
    if !deviates(Deviation::AcceptsWrongHash1OfInformational) && !bool::from(expected.as_slice().ct_eq(&hash))
    {
        return Err(ExchangeError::HashMismatch(Label::Hash1));
    }
    Ok(opened)
}

/// The checks of RFC 2408 section 5.14 on a Notification payload: DOI, Protocol-ID and SPI. The SPI of the ISAKMP SA says
/// nothing and may have any length up to 16 (section 3.14).
///
/// # Errors
///
/// Why the payload is discarded.
pub(crate) fn check_notification(notification: &Notification) -> Result<(), ExchangeError> {
    let Notification { doi, protocol, ref spi, .. } = *notification;
    check_doi(doi)?;
    let possible = match protocol {
        ProtocolId::ISAKMP => spi.len() <= 16,
        // RESPONDER-LIFETIME and REPLAY-STATUS may name the ISAKMP SA instead (RFC 2407 section 4.6.3).
        ProtocolId::IPSEC_AH | ProtocolId::IPSEC_ESP => matches!(spi.len(), 0 | 4 | 16),
        ProtocolId::IPCOMP => matches!(spi.len(), 0 | 2 | 4 | 16),
        _ => return Err(ExchangeError::InvalidProtocolId(protocol)),
    };
    if possible { Ok(()) } else { Err(ExchangeError::InvalidSpi { protocol, len: spi.len() }) }
}

/// The checks of RFC 2408 section 5.15 on a Delete payload: DOI, Protocol-ID and length of the SPIs.
///
/// # Errors
///
/// Why the payload is discarded.
pub(crate) fn check_delete(delete: &Delete) -> Result<(), ExchangeError> {
    let Delete { doi, protocol, spi_size, .. } = *delete;
    if !deviates(Deviation::AcceptsDeleteOfAnyDoi) {
        check_doi(doi)?;
    }
    let possible = match protocol {
        ProtocolId::ISAKMP => spi_size == 16,
        ProtocolId::IPSEC_AH | ProtocolId::IPSEC_ESP => spi_size == 4,
        ProtocolId::IPCOMP => matches!(spi_size, 2 | 4),
        _ => return Err(ExchangeError::InvalidProtocolId(protocol)),
    };
    if possible { Ok(()) } else { Err(ExchangeError::InvalidSpi { protocol, len: spi_size.into() }) }
}

/// DOI 0 is ISAKMP's own (RFC 2408 section 3.14).
fn check_doi(doi: Doi) -> Result<(), ExchangeError> {
    if matches!(doi, Doi::ISAKMP | Doi::IPSEC) || deviates(Deviation::AcceptsUnknownDoi) {
        Ok(())
    } else {
        Err(ExchangeError::DoiNotSupported(doi.0))
    }
}

/// Gives the key log the decrypted form of a message that came before phase 1 is complete, if its HASH(1) verifies.
/// `last_block` is the last ciphertext block that passed, or the IV of phase 1 when none did.
pub(crate) fn show(
    core: &mut Core,
    protection: &Protection,
    last_block: &[u8],
    received: &Received,
) -> Option<()> {
    let (hash, cipher) = (protection.transform.hash, protection.transform.cipher);
    let m_id = received.header.message_id;
    let iv = keys::phase2_iv(core.provider, hash, cipher, last_block, m_id.0);
    let mut plain = received.message.to_vec();
    let body = plain.get_mut(Header::LEN..)?;
    core.provider.cbc_decrypt(cipher, protection.ka.as_bytes(), &iv, body).ok()?;
    let plain = Bytes::from(plain);
    let body = plain.slice(Header::LEN..);
    let chain = read_chain(received.header.next_payload, &body, Trailing::Padding, &core.limits).ok()?;
    payloads::at(&chain, 0, PayloadType::HASH).ok()?;
    let theirs: Bytes = payloads::hash(&chain).ok()?;
    let opened = Opened { chain, plain, next_iv: Vec::new() };
    let ours =
        keys::hash_1(core.provider, hash, &protection.keys.skeyid_a, m_id.0, opened.after_first_payload());
    let verified = bool::from(ours.as_slice().ct_eq(&theirs));
    verified.then(|| core.key_log.plaintext(Direction::Inbound, &opened.plain))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::wire::NotifyType;

    #[rstest]
    #[case::isakmp(ProtocolId::ISAKMP, &[0, 4, 16], &[17])]
    #[case::ah(ProtocolId::IPSEC_AH, &[0, 4, 16], &[2, 8])]
    #[case::esp(ProtocolId::IPSEC_ESP, &[0, 4, 16], &[2, 8])]
    #[case::ipcomp(ProtocolId::IPCOMP, &[0, 2, 4, 16], &[1, 8])]
    #[case::none_that_there_is(ProtocolId(9), &[], &[0, 4, 16])]
    fn a_notification_has_an_spi_of_its_protocol(
        #[case] protocol: ProtocolId,
        #[case] good: &[usize],
        #[case] bad: &[usize],
    ) {
        let with = |len: &usize| Notification {
            protocol,
            spi: vec![1; *len].into(),
            ..Notification::isakmp(NotifyType::REPLAY_STATUS)
        };
        let passes = |len: &usize| check_notification(&with(len)).is_ok();
        assert!(good.iter().all(passes) && !bad.iter().any(passes));
    }

    #[rstest]
    #[case::isakmp(ProtocolId::ISAKMP, &[16])]
    #[case::ah(ProtocolId::IPSEC_AH, &[4])]
    #[case::esp(ProtocolId::IPSEC_ESP, &[4])]
    #[case::ipcomp(ProtocolId::IPCOMP, &[2, 4])]
    #[case::none_that_there_is(ProtocolId(9), &[])]
    fn a_delete_has_spis_of_its_protocol(#[case] protocol: ProtocolId, #[case] good: &[usize]) {
        for len in [0, 1, 2, 4, 8, 16, 17] {
            let delete = Delete::new(protocol, vec![vec![1; len].into()]);
            assert_eq!(check_delete(&delete).is_ok(), good.contains(&len), "{len}");
        }
    }

    #[rstest]
    #[case::isakmp(Doi::ISAKMP, true)]
    #[case::ipsec(Doi::IPSEC, true)]
    #[case::another(Doi(127), false)]
    fn both_have_a_doi_that_is_known(#[case] doi: Doi, #[case] good: bool) {
        let notification = Notification { doi, ..Notification::isakmp(NotifyType::REPLAY_STATUS) };
        let delete = Delete { doi, ..Delete::new(ProtocolId::IPSEC_ESP, vec![vec![1; 4].into()]) };
        assert_eq!([check_notification(&notification).is_ok(), check_delete(&delete).is_ok()], [good; 2]);
    }
}
