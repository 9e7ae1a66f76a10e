//! Offering, choosing and checking phase 1 transforms.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::common;
use crate::config::{AuthenticationMethod, Phase1Mode};
use crate::crypto::Group;
use crate::wire::{IpsecAttribute, NotifyType, Spi};

const AES_SHA: Phase1Transform = Phase1Transform {
    authentication: AuthenticationMethod::PreSharedKey,
    cipher: CipherAlgorithm::AesCbc128,
    hash: HashAlgorithm::Sha1,
    group: Group::Modp1024,
};
const AES_256_SHA_256: Phase1Transform = Phase1Transform {
    authentication: AuthenticationMethod::PreSharedKey,
    cipher: CipherAlgorithm::AesCbc256,
    hash: HashAlgorithm::Sha2_256,
    group: Group::Modp2048,
};
const TRIPLE_DES_MD5: Phase1Transform = Phase1Transform {
    authentication: AuthenticationMethod::PreSharedKey,
    cipher: CipherAlgorithm::TripleDes,
    hash: HashAlgorithm::Md5,
    group: Group::Modp768,
};

fn peer(transforms: &[Phase1Transform]) -> PeerConfig {
    let mut peer = common::peer_config(common::ALICE, common::BOB);
    peer.mode = Phase1Mode::Main;
    peer.phase1 = transforms.to_vec();
    peer
}

fn proposal(number: u8, transforms: &[Phase1Transform]) -> Proposal {
    let mut proposal = offer(&peer(transforms)).proposals.remove(0);
    proposal.number = number;
    proposal
}

#[rstest]
#[case::the_only_one(vec![vec![AES_SHA]], &[AES_SHA], Some((1, 1)))]
#[case::the_first_offered_that_fits_not_our_first(vec![vec![TRIPLE_DES_MD5, AES_SHA, AES_256_SHA_256]], &[AES_256_SHA_256, AES_SHA], Some((1, 2)))]
#[case::from_a_later_proposal(vec![vec![TRIPLE_DES_MD5], vec![AES_SHA]], &[AES_SHA], Some((2, 1)))]
#[case::none(vec![vec![TRIPLE_DES_MD5], vec![AES_SHA]], &[AES_256_SHA_256], None)]
#[case::nothing_offered(vec![], &[AES_SHA], None)]
fn the_first_acceptable_transform_is_chosen(
    #[case] offered: Vec<Vec<Phase1Transform>>,
    #[case] policy: &[Phase1Transform],
    #[case] expected: Option<(u8, u8)>,
) {
    let proposals = (1..).zip(&offered).map(|(number, transforms)| proposal(number, transforms)).collect();
    let offered = SaPayload::ipsec_doi(proposals);
    match (choose(&peer(policy), &offered), expected) {
        (Ok((reply, chosen)), Some((number, transform))) => {
            assert_eq!(
                (reply.proposals[0].number, reply.proposals[0].transforms[0].number),
                (number, transform)
            );
            assert_eq!((reply.proposals.len(), reply.proposals[0].transforms.len()), (1, 1));
            assert_eq!(verify_choice(&offered, &reply).unwrap(), chosen);
        }
        (Err(ExchangeError::NoProposalChosen(_)), None) => {}
        (got, expected) => panic!("{got:?}, expected {expected:?}"),
    }
}

#[test]
fn proposals_that_belong_together_are_skipped() {
    let offered =
        SaPayload::ipsec_doi(vec![proposal(1, &[AES_SHA]), proposal(1, &[AES_SHA]), proposal(2, &[AES_SHA])]);
    assert_eq!(choose(&peer(&[AES_SHA]), &offered).unwrap().0.proposals[0].number, 2);
}

#[test]
fn the_spi_of_a_phase_1_proposal_is_ignored() {
    let mut offered = SaPayload::ipsec_doi(vec![proposal(1, &[AES_SHA])]);
    offered.proposals[0].spi = Spi::from_u32(7).0;
    assert!(choose(&peer(&[AES_SHA]), &offered).is_ok());
}

#[rstest]
#[case::bundle(|sa: &mut SaPayload| sa.proposals.push(sa.proposals[0].clone()), "not for ISAKMP alone", NotifyType::NO_PROPOSAL_CHOSEN)]
#[case::another_transform(|sa: &mut SaPayload| sa.proposals[0].transforms[0].id = TransformId(9), "transform id 9 is not KEY_IKE", NotifyType::NO_PROPOSAL_CHOSEN)]
#[case::reserved_transform(|sa: &mut SaPayload| sa.proposals[0].transforms[0].id = TransformId(0), "transform ID 0 is reserved", NotifyType::INVALID_TRANSFORM_ID)]
#[case::no_transform(|sa: &mut SaPayload| sa.proposals[0].transforms.clear(), "it has no transform", NotifyType::NO_PROPOSAL_CHOSEN)]
#[case::unknown_attribute(|sa: &mut SaPayload| attributes_of(sa).push(Attribute::short(99_u16, 1_u16)), "is not supported", NotifyType::ATTRIBUTES_NOT_SUPPORTED)]
#[case::repeated_attribute(|sa: &mut SaPayload| attributes_of(sa).push(Attribute::short(Phase1Attribute::HASH_ALGORITHM, 1_u16)), "comes twice", NotifyType::ATTRIBUTES_NOT_SUPPORTED)]
#[case::no_hash(|sa: &mut SaPayload| attributes_of(sa).retain(|a| a.class != Phase1Attribute::HASH_ALGORITHM.0), "no hash algorithm", NotifyType::ATTRIBUTES_NOT_SUPPORTED)]
#[case::no_group(|sa: &mut SaPayload| attributes_of(sa).retain(|a| a.class != Phase1Attribute::GROUP_DESCRIPTION.0), "no group description", NotifyType::ATTRIBUTES_NOT_SUPPORTED)]
#[case::no_cipher(|sa: &mut SaPayload| attributes_of(sa).retain(|a| a.class != Phase1Attribute::ENCRYPTION_ALGORITHM.0), "no encryption algorithm", NotifyType::ATTRIBUTES_NOT_SUPPORTED)]
#[case::no_method(|sa: &mut SaPayload| attributes_of(sa).retain(|a| a.class != Phase1Attribute::AUTHENTICATION_METHOD.0), "no authentication method", NotifyType::ATTRIBUTES_NOT_SUPPORTED)]
#[case::no_key_length(|sa: &mut SaPayload| attributes_of(sa).retain(|a| a.class != Phase1Attribute::KEY_LENGTH.0), "with key length None", NotifyType::ATTRIBUTES_NOT_SUPPORTED)]
#[case::long_number(|sa: &mut SaPayload| attributes_of(sa).push(Attribute::variable(Phase1Attribute::KEY_LENGTH, vec![1; 9])), "is too long", NotifyType::ATTRIBUTES_NOT_SUPPORTED)]
#[case::another_policy(|sa: &mut SaPayload| for a in attributes_of(sa) { if a.class == Phase1Attribute::HASH_ALGORITHM.0 { *a = Attribute::short(a.class, 1_u16); } }, "is not in the policy", NotifyType::NO_PROPOSAL_CHOSEN)]
fn an_offer_is_refused_with_its_reason(
    #[case] change: fn(&mut SaPayload),
    #[case] reason: &str,
    #[case] told: NotifyType,
) {
    let mut offered = SaPayload::ipsec_doi(vec![proposal(1, &[AES_256_SHA_256])]);
    change(&mut offered);
    let error = choose(&peer(&[AES_256_SHA_256]), &offered).unwrap_err();
    assert!(error.to_string().contains(reason), "{error}");
    assert_eq!(error.notify_type(), Some(told), "{error}");
}

/// An offer of one transform whose cipher has these numbers.
fn offer_of_cipher(number: EncryptionAlgorithm, key_bits: Option<u64>) -> SaPayload {
    let mut offered = SaPayload::ipsec_doi(vec![proposal(1, &[AES_SHA])]);
    let attributes = attributes_of(&mut offered);
    attributes.retain(|a| a.class != Phase1Attribute::KEY_LENGTH.0);
    attributes[0] = Attribute::short(Phase1Attribute::ENCRYPTION_ALGORITHM, number.0);
    attributes.extend(key_bits.map(|bits| match u16::try_from(bits) {
        Ok(bits) => Attribute::short(Phase1Attribute::KEY_LENGTH, bits),
        Err(_) => Attribute::variable(Phase1Attribute::KEY_LENGTH, bits.to_be_bytes().to_vec()),
    }));
    offered
}

#[rstest]
#[case::des(EncryptionAlgorithm::DES_CBC, None, "des")]
#[case::idea(EncryptionAlgorithm::IDEA_CBC, None, "idea")]
#[case::triple_des(EncryptionAlgorithm::TRIPLE_DES_CBC, None, "3des")]
#[case::blowfish_by_default(EncryptionAlgorithm::BLOWFISH_CBC, None, "blowfish448")]
#[case::blowfish_longest(EncryptionAlgorithm::BLOWFISH_CBC, Some(448), "blowfish448")]
#[case::blowfish_shortest(EncryptionAlgorithm::BLOWFISH_CBC, Some(40), "blowfish40")]
#[case::blowfish_odd_bytes(EncryptionAlgorithm::BLOWFISH_CBC, Some(136), "blowfish136")]
#[case::rc5_by_default(EncryptionAlgorithm::RC5_R16_B64_CBC, None, "rc5-128")]
#[case::rc5(EncryptionAlgorithm::RC5_R16_B64_CBC, Some(40), "rc5-40")]
#[case::cast_by_default(EncryptionAlgorithm::CAST_CBC, None, "cast128")]
#[case::cast(EncryptionAlgorithm::CAST_CBC, Some(80), "cast80")]
#[case::aes(EncryptionAlgorithm::AES_CBC, Some(192), "aes192")]
#[case::camellia(EncryptionAlgorithm::CAMELLIA_CBC, Some(256), "camellia256")]
fn a_cipher_is_read_with_its_key_length(
    #[case] number: EncryptionAlgorithm,
    #[case] key_bits: Option<u64>,
    #[case] name: &str,
) {
    let cipher = CipherAlgorithm::from_name(name).unwrap();
    let policy = peer(&[Phase1Transform { cipher, ..AES_SHA }]);
    let (_, chosen) = choose(&policy, &offer_of_cipher(number, key_bits)).unwrap();
    assert_eq!(chosen.transform.cipher, cipher);
}

#[rstest]
#[case::of_des(EncryptionAlgorithm::DES_CBC, Some(64))]
#[case::of_idea(EncryptionAlgorithm::IDEA_CBC, Some(128))]
#[case::of_triple_des(EncryptionAlgorithm::TRIPLE_DES_CBC, Some(192))]
#[case::blowfish_not_whole_bytes(EncryptionAlgorithm::BLOWFISH_CBC, Some(127))]
#[case::blowfish_too_long(EncryptionAlgorithm::BLOWFISH_CBC, Some(456))]
#[case::blowfish_too_short(EncryptionAlgorithm::BLOWFISH_CBC, Some(32))]
#[case::blowfish_of_no_bits(EncryptionAlgorithm::BLOWFISH_CBC, Some(0))]
#[case::blowfish_of_a_number_cut_to_a_good_one(EncryptionAlgorithm::BLOWFISH_CBC, Some(0x1_0080))]
#[case::rc5_too_long(EncryptionAlgorithm::RC5_R16_B64_CBC, Some(264))]
#[case::cast_too_long(EncryptionAlgorithm::CAST_CBC, Some(136))]
#[case::aes_missing(EncryptionAlgorithm::AES_CBC, None)]
#[case::aes_of_no_such_length(EncryptionAlgorithm::AES_CBC, Some(160))]
#[case::camellia_missing(EncryptionAlgorithm::CAMELLIA_CBC, None)]
#[case::camellia_of_no_such_length(EncryptionAlgorithm::CAMELLIA_CBC, Some(64))]
fn a_wrong_key_length_is_refused(#[case] number: EncryptionAlgorithm, #[case] key_bits: Option<u64>) {
    let every: Vec<_> =
        CipherAlgorithm::ALL.iter().map(|cipher| Phase1Transform { cipher: *cipher, ..AES_SHA }).collect();
    let error = choose(&peer(&every), &offer_of_cipher(number, key_bits)).unwrap_err();
    assert!(error.to_string().contains("is not supported"), "{error}");
}

#[rstest]
#[case::blowfish("blowfish448", None)]
#[case::rc5("rc5-128", None)]
#[case::cast("cast128", None)]
#[case::another_length("blowfish128", Some(128))]
#[case::aes_has_no_default("aes128", Some(128))]
#[case::one_length("3des", None)]
fn a_default_key_length_can_be_left_out(#[case] name: &str, #[case] stated: Option<u64>) {
    let cipher = CipherAlgorithm::from_name(name).unwrap();
    let mut ours = peer(&[Phase1Transform { cipher, ..AES_SHA }]);
    let key_length = |ours: &PeerConfig| {
        let mut offered = offer(ours);
        let attributes = attributes_of(&mut offered);
        let found =
            attributes.iter().find(|a| a.class == Phase1Attribute::KEY_LENGTH.0).and_then(Attribute::as_u64);
        let (reply, chosen) = choose(ours, &offered).unwrap();
        assert_eq!(verify_choice(&offered, &reply).unwrap(), chosen);
        assert_eq!(chosen.transform.cipher, cipher);
        found
    };
    assert_eq!(key_length(&ours), cipher.variable_key_bits().map(u64::from));
    ours.omit_default_key_length = true;
    assert_eq!(key_length(&ours), stated);
}

fn attributes_of(sa: &mut SaPayload) -> &mut Vec<Attribute> {
    &mut sa.proposals[0].transforms[0].attributes
}

const ESP_IN_PHASE_1: ExchangeError = ExchangeError::InvalidProtocolId(ProtocolId::IPSEC_ESP);
const SPI_OF_17: ExchangeError = ExchangeError::InvalidSpi { protocol: ProtocolId::ISAKMP, len: 17 };

#[rstest]
#[case::esp(|p: &mut Proposal| p.protocol = ProtocolId::IPSEC_ESP, Some(ESP_IN_PHASE_1))]
#[case::spi_of_seventeen(|p: &mut Proposal| p.spi = Bytes::from_static(&[1; 17]), Some(SPI_OF_17))]
#[case::spi_of_sixteen(|p: &mut Proposal| p.spi = Bytes::from_static(&[1; 16]), None)]
fn a_proposal_that_is_not_possible_is_discarded(
    #[case] change: fn(&mut Proposal),
    #[case] expected: Option<ExchangeError>,
) {
    let good = SaPayload::ipsec_doi(vec![proposal(1, &[AES_SHA])]);
    let mut bad = good.clone();
    change(&mut bad.proposals[0]);
    assert_eq!(choose(&peer(&[AES_SHA]), &bad).err(), expected);
    assert_eq!(verify_choice(&good, &bad).err(), expected);
    // It does not take the others with it, and alone decides nothing when these are not acceptable.
    bad.proposals.push(proposal(2, &[AES_SHA]));
    let number = choose(&peer(&[AES_SHA]), &bad).unwrap().0.proposals[0].number;
    assert_eq!(number, if expected.is_some() { 2 } else { 1 });
    let error = choose(&peer(&[TRIPLE_DES_MD5]), &bad).unwrap_err();
    assert!(matches!(error, ExchangeError::NoProposalChosen(_)), "{error}");
}

#[rstest]
#[case::doi(|sa: &mut SaPayload| sa.doi = Doi(2), ExchangeError::DoiNotSupported(2))]
#[case::situation(|sa: &mut SaPayload| sa.situation = 3, ExchangeError::SituationNotSupported(3))]
fn another_doi_or_situation_is_refused_in_offer_and_reply(
    #[case] change: fn(&mut SaPayload),
    #[case] expected: ExchangeError,
) {
    let good = SaPayload::ipsec_doi(vec![proposal(1, &[AES_SHA])]);
    let mut bad = good.clone();
    change(&mut bad);
    assert_eq!(choose(&peer(&[AES_SHA]), &bad).unwrap_err(), expected);
    assert_eq!(verify_choice(&good, &bad).unwrap_err(), expected);
}

#[rstest]
#[case::none_said(&[], None)]
#[case::short(&[(11, 1), (12, 600)], Some(600))]
#[case::longer_than_sixteen_bits(&[(11, 1), (12, 86_400)], Some(86_400))]
#[case::longer_than_a_century(&[(11, 1), (12, u64::MAX)], Some(u64::from(u32::MAX)))]
#[case::kilobytes_are_not_seconds(&[(11, 2), (12, 600)], None)]
#[case::both_kinds(&[(11, 2), (12, 7), (11, 1), (12, 600)], Some(600))]
#[case::the_same_twice(&[(11, 1), (12, 600), (11, 1), (12, 600)], Some(600))]
#[case::duration_without_type(&[(12, 600)], None)]
#[case::no_time_at_all(&[(11, 1), (12, 0)], None)]
fn the_lifetime_is_read_from_its_pairs(#[case] pairs: &[(u16, u64)], #[case] expected: Option<u64>) {
    let (_, chosen) = choose(&peer(&[AES_SHA]), &offered_with_lives(pairs)).unwrap();
    assert_eq!(chosen.lifetime, expected.map(Duration::from_secs));
}

#[rstest]
#[case::seconds(&[(11, 1), (12, 900), (11, 1), (12, 600)], "900 and 600 seconds")]
#[case::kilobytes(&[(11, 2), (12, 900), (12, 600)], "900 and 600 kilobytes")]
fn lives_that_conflict_are_refused(#[case] pairs: &[(u16, u64)], #[case] named: &str) {
    let error = choose(&peer(&[AES_SHA]), &offered_with_lives(pairs)).unwrap_err();
    assert!(error.to_string().contains(named), "{error}");
    assert_eq!(error.notify_type(), Some(NotifyType::ATTRIBUTES_NOT_SUPPORTED));
}

/// An offer whose life attributes are these, by class and value.
fn offered_with_lives(pairs: &[(u16, u64)]) -> SaPayload {
    let mut offered = SaPayload::ipsec_doi(vec![proposal(1, &[AES_SHA])]);
    let attributes = attributes_of(&mut offered);
    attributes.retain(|a| !matches!(a.class, 11 | 12));
    attributes.extend(pairs.iter().map(|(class, value)| match u16::try_from(*value) {
        Ok(short) => Attribute::short(*class, short),
        Err(_) => Attribute::variable(*class, value.to_be_bytes().to_vec()),
    }));
    offered
}

#[test]
fn numbers_may_come_in_the_long_form() {
    let mut offered = SaPayload::ipsec_doi(vec![proposal(1, &[AES_SHA])]);
    for attribute in attributes_of(&mut offered) {
        let value = attribute.as_u64().unwrap();
        *attribute = Attribute::variable(attribute.class, value.to_be_bytes().to_vec());
    }
    assert_eq!(choose(&peer(&[AES_SHA]), &offered).unwrap().1.transform, AES_SHA);
}

#[rstest]
#[case::two_proposals(|sa: &mut SaPayload| sa.proposals.push(sa.proposals[0].clone()), false)]
#[case::no_proposal(|sa: &mut SaPayload| sa.proposals.clear(), false)]
#[case::two_transforms(|sa: &mut SaPayload| { let t = sa.proposals[0].transforms[0].clone(); sa.proposals[0].transforms.push(t); }, false)]
#[case::another_lifetime(|sa: &mut SaPayload| { attributes_of(sa).pop(); attributes_of(sa).push(Attribute::lifetime(Phase1Attribute::LIFE_DURATION, 60)); }, false)]
#[case::an_attribute_less(|sa: &mut SaPayload| { attributes_of(sa).pop(); }, false)]
#[case::an_attribute_more(|sa: &mut SaPayload| attributes_of(sa).push(Attribute::short(IpsecAttribute::KEY_LENGTH, 1_u16)), false)]
#[case::another_hash(|sa: &mut SaPayload| for a in attributes_of(sa) { if a.class == Phase1Attribute::HASH_ALGORITHM.0 { *a = Attribute::short(a.class, 1_u16); } }, false)]
// RFC 2408 section 4.2 has the responder keep the numbers by a SHOULD.
#[case::other_numbers(|sa: &mut SaPayload| { sa.proposals[0].number = 9; sa.proposals[0].transforms[0].number = 9; }, true)]
#[case::another_spi(|sa: &mut SaPayload| sa.proposals[0].spi = Spi::from_u32(9).0, true)]
#[case::another_order(|sa: &mut SaPayload| attributes_of(sa).reverse(), true)]
#[case::unchanged(|_: &mut SaPayload| {}, true)]
fn a_reply_must_be_what_was_offered(#[case] change: fn(&mut SaPayload), #[case] good: bool) {
    let offered = SaPayload::ipsec_doi(vec![proposal(1, &[TRIPLE_DES_MD5, AES_SHA])]);
    let (mut reply, _) = choose(&peer(&[AES_SHA]), &offered).unwrap();
    change(&mut reply);
    match verify_choice(&offered, &reply) {
        Ok(_) => assert!(good),
        Err(error) => assert!(!good && matches!(error, ExchangeError::ProposalAltered(_)), "{error}"),
    }
}

fn any_transform() -> impl Strategy<Value = Phase1Transform> {
    use proptest::sample::select;
    (select(CipherAlgorithm::ALL), select(HashAlgorithm::ALL), select(Group::ALL)).prop_map(
        |(cipher, hash, group)| Phase1Transform {
            authentication: AuthenticationMethod::PreSharedKey,
            cipher,
            hash,
            group,
        },
    )
}

proptest! {
    #[test]
    fn what_is_offered_can_be_chosen_and_verifies(
        ours in proptest::collection::vec(any_transform(), 1..6),
        theirs in proptest::collection::vec(any_transform(), 1..6),
    ) {
        let offered = offer(&peer(&ours));
        match choose(&peer(&theirs), &offered) {
            Ok((reply, chosen)) => {
                prop_assert_eq!(ours.iter().find(|t| theirs.contains(t)), Some(&chosen.transform));
                prop_assert_eq!(verify_choice(&offered, &reply).unwrap(), chosen);
            }
            Err(_) => prop_assert!(!ours.iter().any(|t| theirs.contains(t))),
        }
    }

    #[test]
    fn the_order_of_attributes_makes_no_difference(
        transform in any_transform(),
        order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let mut offered = offer(&peer(std::slice::from_ref(&transform)));
        let attributes = attributes_of(&mut offered);
        // Life type and life duration stay together, as a duration belongs to the type before it.
        let life = attributes.split_off(attributes.len() - 2);
        let mut parts: Vec<Vec<Attribute>> = attributes.drain(..).map(|a| vec![a]).collect();
        parts.push(life);
        let mut keyed: Vec<_> = order.into_iter().zip(parts).collect();
        keyed.sort_by_key(|(key, _)| *key);
        attributes.extend(keyed.into_iter().flat_map(|(_, part)| part));
        let (_, chosen) = choose(&peer(std::slice::from_ref(&transform)), &offered).unwrap();
        prop_assert_eq!((chosen.transform, chosen.lifetime), (transform, Some(Duration::from_secs(3600))));
    }
}
