//! Offering, choosing and checking several SA payloads.

use rstest::rstest;

use super::*;
use crate::common;
use crate::config::{BundledProtocol, FurtherSa, IntegrityAlgorithm, IpsecProtocol, IpsecTransform};
use crate::crypto::CipherAlgorithm;
use crate::wire::{Payload, encode_chain};

const AES_SHA: IpsecTransform = IpsecTransform {
    cipher: Some(CipherAlgorithm::AesCbc128),
    integrity: Some(IntegrityAlgorithm::HmacSha1),
    extended_sequence_numbers: false,
};
const DES_MD5: IpsecTransform = IpsecTransform {
    cipher: Some(CipherAlgorithm::Des),
    integrity: Some(IntegrityAlgorithm::HmacMd5),
    extended_sequence_numbers: false,
};
const AH_MD5: IpsecTransform = IpsecTransform { cipher: None, ..DES_MD5 };

fn groups() -> PrivateGroups {
    PrivateGroups::default()
}

/// A policy of ESP SAs, one for each transform.
fn policy(transforms: &[IpsecTransform]) -> IpsecPolicy {
    let mut policy = common::peer_config(common::ALICE, common::BOB).ipsec.remove(0);
    policy.transforms = transforms[..1].to_vec();
    for transform in &transforms[1..] {
        let (protocol, transforms) = (IpsecProtocol::Esp, vec![*transform]);
        policy.further_sas.push(FurtherSa { protocol, transforms, bundle: Vec::new() });
    }
    policy
}

/// The SA payloads that offer a policy, with SPIs 0x1000, 0x1001 and on.
fn offered(policy: &IpsecPolicy) -> Vec<SaPayload> {
    let sas = policy.sas();
    let spis = (0x1000..).zip(&sas);
    spis.map(|(spi, sa)| negotiate::offer(sa, &[spi, 0x2000], None, &groups()).unwrap()).collect()
}

fn chosen<'a>(candidates: &[IpsecPolicy], offered: &'a [SaPayload]) -> Result<Choices<'a>, ExchangeError> {
    let candidates: Vec<_> = candidates.iter().enumerate().collect();
    choose(&candidates, &offered.iter().collect::<Vec<_>>(), None, &groups())
}

fn reply(choices: &Choices<'_>) -> Vec<SaPayload> {
    let spis = (0x3000..).zip(&choices.sas);
    spis.map(|(spi, (_, choice))| choice.reply(&[spi, 0x4000])).collect()
}

fn verified(offered: &[SaPayload], reply: &[SaPayload]) -> Result<Vec<Vec<ChosenIpsec>>, ExchangeError> {
    let (offered, reply): (Vec<_>, Vec<_>) = (offered.iter().collect(), reply.iter().collect());
    let verified = verify_choices(&offered, &reply, &groups())?;
    Ok(verified.into_iter().map(|verified| verified.chosen).collect())
}

#[test]
fn two_sa_payloads_have_these_bytes() {
    let payloads: Vec<_> = offered(&policy(&[AES_SHA, DES_MD5])).into_iter().map(Payload::Sa).collect();
    // Twice: generic header, DOI 1, situation 1, one proposal of number 1 for ESP with an SPI of four octets, which has one
    // transform: AES with life, mode, HMAC-SHA and key length, or DES with life, mode and HMAC-MD5.
    let expected = "01000034 00000001 00000001 \
        00000028 01030401 00001000 0000001c 010c0000 80010001 800204b0 80040001 80050002 80060080 \
        00000030 00000001 00000001 \
        00000024 01030401 00001001 00000018 01020000 80010001 800204b0 80040001 80050001";
    let (first, bytes) = encode_chain(&payloads);
    assert_eq!((first.0, hex::encode(bytes)), (1, expected.replace(' ', "")));
}

#[rstest]
#[case::the_same(&[AES_SHA, DES_MD5], &[AES_SHA, DES_MD5], Some(vec![0, 1]))]
#[case::one_is_left_out(&[AES_SHA, DES_MD5], &[DES_MD5], Some(vec![1]))]
#[case::the_one_between_is_left_out(&[AES_SHA, DES_MD5, AES_SHA], &[AES_SHA, AES_SHA], Some(vec![0, 2]))]
#[case::twice_the_same(&[AES_SHA, AES_SHA], &[AES_SHA, AES_SHA], Some(vec![0, 1]))]
#[case::turned_round(&[AES_SHA, DES_MD5], &[DES_MD5, AES_SHA], None)]
#[case::more_than_there_are(&[AES_SHA], &[AES_SHA, AES_SHA], None)]
#[case::only_the_first_acceptable(&[AES_SHA], &[AES_SHA, DES_MD5], None)]
#[case::only_the_second_acceptable(&[DES_MD5], &[AES_SHA, DES_MD5], None)]
fn an_offer_is_taken_as_a_whole(
    #[case] ours: &[IpsecTransform],
    #[case] theirs: &[IpsecTransform],
    #[case] places: Option<Vec<usize>>,
) {
    let offered = offered(&policy(theirs));
    match (chosen(&[policy(ours)], &offered), &places) {
        (Ok(choices), Some(places)) => {
            let taken: Vec<_> = choices.sas.iter().map(|(place, _)| *place).collect();
            assert_eq!(&taken, places);
            let verified = verified(&offered, &reply(&choices)).unwrap();
            let spis: Vec<_> = verified.iter().map(|chosen| chosen[0].peer_spi).collect();
            assert_eq!(spis, (0x3000..).take(places.len()).collect::<Vec<_>>());
        }
        (Err(ExchangeError::NoProposalChosen(_)), None) => {}
        (result, _) => panic!("{result:?}, expected {places:?}"),
    }
}

#[test]
fn the_policy_that_has_them_all_is_taken() {
    let offered = offered(&policy(&[AES_SHA, DES_MD5]));
    let candidates = [policy(&[AES_SHA]), policy(&[DES_MD5]), policy(&[AES_SHA, DES_MD5])];
    assert_eq!(chosen(&candidates, &offered).unwrap().policy, 2);
    assert!(chosen(&candidates[..2], &offered).is_err());
}

#[test]
fn a_bundle_may_stand_beside_an_sa_of_one_protocol() {
    let mut both = policy(&[AES_SHA, DES_MD5]);
    both.bundle = vec![BundledProtocol { protocol: IpsecProtocol::Ah, transforms: vec![AH_MD5] }];
    let offered = offered(&both);
    let choices = chosen(&[both], &offered).unwrap();
    let verified = verified(&offered, &reply(&choices)).unwrap();
    let spis: Vec<_> = verified.iter().flatten().map(|chosen| chosen.peer_spi).collect();
    assert_eq!(spis, [0x3000, 0x4000, 0x3001]);
}

#[test]
fn a_reply_in_another_order_or_number_is_refused() {
    let ours = policy(&[AES_SHA, DES_MD5]);
    let offered = offered(&ours);
    let choices = chosen(&[ours], &offered).unwrap();
    let [first, second] = reply(&choices).try_into().unwrap();
    for reply in [
        vec![second.clone(), first.clone()],
        vec![first.clone()],
        vec![first.clone(), second, first.clone()],
        vec![first.clone(), first],
    ] {
        assert!(matches!(verified(&offered, &reply), Err(ExchangeError::ProposalAltered(_))));
    }
}

#[test]
fn one_spi_for_two_sas_is_refused() {
    let ours = policy(&[AES_SHA, AES_SHA]);
    let mut twice = offered(&ours);
    let choices = chosen(core::slice::from_ref(&ours), &twice).unwrap();
    let mut answer = reply(&choices);
    answer[1].proposals[0].spi = answer[0].proposals[0].spi.clone();
    assert!(matches!(verified(&twice, &answer), Err(ExchangeError::ProposalAltered(_))));
    twice[1].proposals[0].spi = twice[0].proposals[0].spi.clone();
    assert!(matches!(chosen(&[ours], &twice), Err(ExchangeError::NoProposalChosen(_))));
}
