//! Offering, choosing and checking IPsec transforms.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::common;
use crate::config::{BundledProtocol, NatTraversalVersion};
use crate::wire::{Doi, NotifyType};

fn groups() -> PrivateGroups {
    PrivateGroups::default()
}

const AES_SHA: IpsecTransform =
    IpsecTransform::new(Some(CipherAlgorithm::AesCbc128), Some(IntegrityAlgorithm::HmacSha1));
const DES_MD5: IpsecTransform =
    IpsecTransform::new(Some(CipherAlgorithm::Des), Some(IntegrityAlgorithm::HmacMd5));
const NULL_SHA: IpsecTransform = IpsecTransform::new(None, Some(IntegrityAlgorithm::HmacSha1));

fn policy(transforms: &[IpsecTransform]) -> IpsecPolicy {
    let mut policy = common::peer_config(common::ALICE, common::BOB).ipsec.remove(0);
    policy.transforms = transforms.to_vec();
    policy
}

const THEIRS: u32 = 0x1000;
const OURS: u32 = 0x2000;
const NAT: Option<Nat> =
    Some(Nat { version: NatTraversalVersion::Rfc3947, before_us: true, before_peer: false });

fn offered(transforms: &[IpsecTransform]) -> SaPayload {
    offer(&policy(transforms), &[THEIRS], None, &groups()).unwrap()
}

fn attributes_of(sa: &mut SaPayload) -> &mut Vec<Attribute> {
    &mut sa.proposals[0].transforms[0].attributes
}

/// The terms that the initiator reads from a reply.
fn verify(
    offered: &SaPayload,
    reply: &SaPayload,
    groups: &PrivateGroups,
) -> Result<Vec<ChosenIpsec>, ExchangeError> {
    verify_choice(offered, reply, groups).map(|verified| verified.chosen)
}

/// What the responder with one policy, of index 3, chooses, as a choice of one protocol.
#[derive(Debug)]
struct Chosen {
    policy: usize,
    chosen: ChosenIpsec,
    reply: SaPayload,
}

fn chosen(policy: &IpsecPolicy, offered: &SaPayload) -> Result<Chosen, ExchangeError> {
    let choice = choose(&[(3, policy)], offered, None, &groups())?;
    let [chosen] = choice.chosen.as_slice() else { panic!("{choice:?}") };
    Ok(Chosen { policy: choice.policy, chosen: chosen.clone(), reply: choice.reply(&[OURS]) })
}

#[rstest]
#[case::the_only_one(&[AES_SHA], &[AES_SHA], Some(1))]
#[case::the_first_offered_that_fits(&[DES_MD5, NULL_SHA, AES_SHA], &[AES_SHA, NULL_SHA], Some(2))]
#[case::none(&[DES_MD5], &[AES_SHA], None)]
fn the_first_acceptable_transform_is_chosen(
    #[case] theirs: &[IpsecTransform],
    #[case] ours: &[IpsecTransform],
    #[case] expected: Option<u8>,
) {
    let offered = offered(theirs);
    match (chosen(&policy(ours), &offered), expected) {
        (Ok(choice), Some(number)) => {
            let [proposal] = &choice.reply.proposals[..] else { panic!("{:?}", choice.reply) };
            assert_eq!((proposal.transforms.len(), proposal.transforms[0].number), (1, number));
            assert_eq!((choice.policy, choice.chosen.peer_spi), (3, THEIRS));
            let verified = verify(&offered, &choice.reply, &groups()).unwrap();
            assert_eq!(verified, [ChosenIpsec { peer_spi: OURS, ..choice.chosen }]);
        }
        (Err(ExchangeError::NoProposalChosen(_)), None) => {}
        (Err(error), expected) => panic!("{error}, expected {expected:?}"),
        (Ok(choice), None) => panic!("{:?}", choice.reply),
    }
}

const AH_SHA: IpsecTransform = IpsecTransform::new(None, Some(IntegrityAlgorithm::HmacSha1));
const AH_MD5: IpsecTransform = IpsecTransform::new(None, Some(IntegrityAlgorithm::HmacMd5));

/// ESP with AH.
fn bundle(esp: &[IpsecTransform], ah: &[IpsecTransform]) -> IpsecPolicy {
    let other = BundledProtocol { protocol: IpsecProtocol::Ah, transforms: ah.to_vec() };
    IpsecPolicy { bundle: vec![other], ..policy(esp) }
}

const SPIS: [u32; 2] = [0x0102_0304, 0x0506_0708];

#[test]
fn a_bundle_has_these_bytes() {
    let policy = IpsecPolicy { lifetime: Duration::from_secs(1200), ..bundle(&[AES_SHA], &[AH_MD5]) };
    let bytes = crate::wire::encode_chain(&[crate::wire::Payload::Sa(
        offer(&policy, &SPIS, None, &groups()).unwrap(),
    )])
    .1;
    // Generic header of 88 octets, DOI 1, situation 1. Two proposals of number 1 with SPIs of four octets and a transform each:
    // ESP, of 40 octets, whose transform has five attributes, and AH, of 36, whose transform has four.
    let expected = "00000058 00000001 00000001 \
        02000028 01030401 01020304 0000001c 010c0000 80010001 800204b0 80040001 80050002 80060080 \
        00000024 01020401 05060708 00000018 01020000 80010001 800204b0 80040001 80050001";
    assert_eq!(hex::encode(bytes), expected.replace(' ', ""));
}

#[test]
fn all_protocols_of_a_bundle_are_chosen_together() {
    let ours = bundle(&[AES_SHA], &[AH_SHA]);
    let offered = offer(&bundle(&[DES_MD5, AES_SHA], &[AH_MD5, AH_SHA]), &SPIS, None, &groups()).unwrap();
    let choice = choose(&[(0, &policy(&[DES_MD5])), (1, &ours)], &offered, None, &groups()).unwrap();
    let reply = choice.reply(&[OURS, OURS + 1]);
    let of: Vec<_> =
        reply.proposals.iter().map(|p| (p.number, p.protocol.0, p.transforms[0].number)).collect();
    assert_eq!((choice.policy, of), (1, vec![(1, 3, 2), (1, 2, 2)]));
    let peer_spis: Vec<_> = choice.chosen.iter().map(|chosen| chosen.peer_spi).collect();
    assert_eq!(peer_spis, SPIS);
    let verified = verify(&offered, &reply, &groups()).unwrap();
    let spis: Vec<_> = verified.iter().map(|chosen| (chosen.protocol, chosen.peer_spi)).collect();
    assert_eq!(spis, [(IpsecProtocol::Esp, OURS), (IpsecProtocol::Ah, OURS + 1)]);
    // The reply in another order is the same choice.
    let mut turned = reply;
    turned.proposals.reverse();
    assert_eq!(verify(&offered, &turned, &groups()).unwrap(), verified);
}

#[rstest]
#[case::esp_alone(policy(&[AES_SHA]))]
#[case::another_ah(bundle(&[AES_SHA], &[AH_MD5]))]
#[case::another_esp(bundle(&[DES_MD5], &[AH_SHA]))]
fn a_bundle_is_not_taken_in_part(#[case] ours: IpsecPolicy) {
    let offered = offer(&bundle(&[AES_SHA], &[AH_SHA]), &SPIS, None, &groups()).unwrap();
    assert!(matches!(
        choose(&[(0, &ours)], &offered, None, &groups()),
        Err(ExchangeError::NoProposalChosen(_))
    ));
}

#[test]
fn a_single_protocol_is_not_taken_for_a_bundle() {
    assert!(chosen(&bundle(&[AES_SHA], &[AH_SHA]), &offered(&[AES_SHA])).is_err());
}

#[test]
fn of_several_numbers_the_first_acceptable_one_is_chosen() {
    let mut offered = offer(&bundle(&[AES_SHA], &[AH_SHA]), &SPIS, None, &groups()).unwrap();
    let mut alone = offered.proposals[0].clone();
    alone.number = 2;
    offered.proposals.push(alone);
    assert_eq!(chosen(&policy(&[AES_SHA]), &offered).unwrap().reply.proposals[0].number, 2);
    let choice =
        choose(&[(0, &policy(&[AES_SHA])), (1, &bundle(&[AES_SHA], &[AH_SHA]))], &offered, None, &groups())
            .unwrap();
    assert_eq!((choice.policy, choice.reply(&SPIS).proposals.len()), (1, 2));
    // The bundle cut to one protocol is the other number's choice; cut to AH it is none.
    let mut reply = choice.reply(&SPIS);
    reply.proposals.truncate(1);
    assert_eq!(verify(&offered, &reply, &groups()).unwrap().len(), 1);
    let mut reply = choice.reply(&SPIS);
    reply.proposals.remove(0);
    assert!(matches!(verify(&offered, &reply, &groups()), Err(ExchangeError::ProposalAltered(_))));
}

/// ESP with AH under one number, ESP alone under the next, and AH alone under the last.
fn alternatives() -> IpsecPolicy {
    let alone = |protocol, transforms: &[IpsecTransform]| {
        vec![BundledProtocol { protocol, transforms: transforms.to_vec() }]
    };
    let alternatives =
        vec![alone(IpsecProtocol::Esp, &[AES_SHA, DES_MD5]), alone(IpsecProtocol::Ah, &[AH_MD5])];
    IpsecPolicy { alternatives, lifetime: Duration::from_secs(1200), ..bundle(&[AES_SHA], &[AH_MD5]) }
}

/// The SPIs that the four protocols of these take.
const FOUR: [u32; 4] = [0x0102_0304, 0x0506_0708, 0x0900_0000, 0x0a00_0000];

#[test]
fn alternatives_have_these_bytes() {
    let offered = offer(&alternatives(), &FOUR, None, &groups()).unwrap();
    let bytes = crate::wire::encode_chain(&[crate::wire::Payload::Sa(offered)]).1;
    // The two proposals of the bundle above, then number 2 with ESP and two transforms, then number 3 with AH.
    let expected = "000000bc 00000001 00000001 \
        02000028 01030401 01020304 0000001c 010c0000 80010001 800204b0 80040001 80050002 80060080 \
        02000024 01020401 05060708 00000018 01020000 80010001 800204b0 80040001 80050001 \
        02000040 02030402 09000000 0300001c 010c0000 80010001 800204b0 80040001 80050002 80060080 \
        00000018 02020000 80010001 800204b0 80040001 80050001 \
        00000024 03020401 0a000000 00000018 01020000 80010001 800204b0 80040001 80050001";
    assert_eq!(hex::encode(bytes), expected.replace(' ', ""));
    assert_eq!(alternatives().protocols().len(), FOUR.len());
}

fn ah(transforms: &[IpsecTransform]) -> IpsecPolicy {
    IpsecPolicy { protocol: IpsecProtocol::Ah, ..policy(transforms) }
}

#[rstest]
#[case::the_bundle(bundle(&[AES_SHA], &[AH_MD5]), &[(1, 3, 1), (1, 2, 1)], &FOUR[..2])]
#[case::esp_alone(policy(&[AES_SHA]), &[(2, 3, 1)], &FOUR[2..3])]
#[case::another_transform_of_esp_alone(policy(&[DES_MD5]), &[(2, 3, 2)], &FOUR[2..3])]
#[case::ah_alone(ah(&[AH_MD5]), &[(3, 2, 1)], &FOUR[3..])]
#[case::the_first_of_several(alternatives(), &[(1, 3, 1), (1, 2, 1)], &FOUR[..2])]
fn one_alternative_is_chosen_with_the_spis_of_its_number(
    #[case] ours: IpsecPolicy,
    #[case] expected: &[(u8, u8, u8)],
    #[case] spis: &[u32],
) {
    let offered = offer(&alternatives(), &FOUR, None, &groups()).unwrap();
    let choice = choose(&[(0, &ours)], &offered, None, &groups()).unwrap();
    assert_eq!(choice.chosen.iter().map(|chosen| chosen.peer_spi).collect::<Vec<_>>(), spis);
    let reply = choice.reply(&SPIS);
    let of: Vec<_> =
        reply.proposals.iter().map(|p| (p.number, p.protocol.0, p.transforms[0].number)).collect();
    assert_eq!(of, expected);
    let verified = verify_choice(&offered, &reply, &groups()).unwrap();
    assert_eq!(verified.spis_in, spis);
    assert_eq!(verified.chosen[0].peer_spi, SPIS[0]);
}

#[test]
fn an_alternative_of_the_responder_is_taken_too() {
    let choice = chosen(&alternatives(), &offered(&[DES_MD5])).unwrap();
    assert_eq!(choice.chosen.transform, DES_MD5);
    assert!(chosen(&alternatives(), &offered(&[NULL_SHA])).is_err());
}

#[test]
fn a_reply_that_mixes_protocols_of_two_proposals_is_refused() {
    let two = |esp: &[IpsecTransform], ah: &[IpsecTransform]| {
        let of = |protocol, transforms: &[IpsecTransform]| BundledProtocol {
            protocol,
            transforms: transforms.to_vec(),
        };
        vec![of(IpsecProtocol::Esp, esp), of(IpsecProtocol::Ah, ah)]
    };
    let policy =
        IpsecPolicy { alternatives: vec![two(&[DES_MD5], &[AH_MD5])], ..bundle(&[AES_SHA], &[AH_SHA]) };
    let offered = offer(&policy, &FOUR, None, &groups()).unwrap();
    let choice = choose(&[(0, &policy)], &offered, None, &groups()).unwrap();
    let mut reply = choice.reply(&SPIS);
    assert!(verify(&offered, &reply, &groups()).is_ok());
    // ESP of number 1 with AH of number 2, whatever the number says.
    reply.proposals[1].transforms = offered.proposals[3].transforms.clone();
    for number in [1, 2] {
        reply.proposals.iter_mut().for_each(|proposal| proposal.number = number);
        let error = verify(&offered, &reply, &groups()).unwrap_err();
        assert!(matches!(error, ExchangeError::ProposalAltered(_)), "{error}");
    }
    // Two numbers at once are no choice.
    let mut both = choice.reply(&SPIS);
    both.proposals[1].number = 2;
    assert!(verify(&offered, &both, &groups()).is_err());
}

#[test]
fn where_a_reply_fits_two_numbers_its_own_is_meant() {
    let alternative = vec![BundledProtocol { protocol: IpsecProtocol::Esp, transforms: vec![AES_SHA] }];
    let twice = IpsecPolicy { alternatives: vec![alternative], ..policy(&[DES_MD5, AES_SHA]) };
    let offered = offer(&twice, &SPIS, None, &groups()).unwrap();
    let mut reply = chosen(&policy(&[AES_SHA]), &offered).unwrap().reply;
    for (number, spi) in [(1, SPIS[0]), (2, SPIS[1]), (9, SPIS[0])] {
        reply.proposals[0].number = number;
        assert_eq!(verify_choice(&offered, &reply, &groups()).unwrap().spis_in, [spi]);
    }
}

#[test]
fn a_protocol_comes_once_in_a_bundle() {
    let mut twice = bundle(&[AES_SHA], &[AH_SHA]);
    twice.bundle[0] = BundledProtocol { protocol: IpsecProtocol::Esp, transforms: vec![AES_SHA] };
    assert!(offer(&twice, &SPIS, None, &groups()).is_err());
}

#[rstest]
#[case::doi(|sa: &mut SaPayload| sa.doi = Doi(9), "DOI 9", NotifyType::DOI_NOT_SUPPORTED)]
#[case::situation(|sa: &mut SaPayload| sa.situation = 2, "situation 0x00000002", NotifyType::SITUATION_NOT_SUPPORTED)]
#[case::protocol(|sa: &mut SaPayload| sa.proposals[0].protocol = ProtocolId::ISAKMP, "protocol ISAKMP is not possible", NotifyType::INVALID_PROTOCOL_ID)]
#[case::reserved_spi(|sa: &mut SaPayload| sa.proposals[0].spi = Spi::from_u32(255).0, "SPI 255 is reserved", NotifyType::INVALID_SPI)]
#[case::short_spi(|sa: &mut SaPayload| sa.proposals[0].spi.truncate(2), "SPI of 2 bytes", NotifyType::INVALID_SPI)]
#[case::unknown_attribute(|sa: &mut SaPayload| attributes_of(sa).push(Attribute::short(10_u16, 1_u16)), "is not supported", NotifyType::ATTRIBUTES_NOT_SUPPORTED)]
#[case::lives_that_conflict(|sa: &mut SaPayload| for seconds in [77_u16, 78] { attributes_of(sa).extend([Attribute::short(1_u16, 1_u16), Attribute::short(2_u16, seconds)]); }, "77 seconds conflict", NotifyType::ATTRIBUTES_NOT_SUPPORTED)]
#[case::unknown_transform(|sa: &mut SaPayload| sa.proposals[0].transforms[0].id = TransformId(200), "transform 200", NotifyType::NO_PROPOSAL_CHOSEN)]
#[case::reserved_transform(|sa: &mut SaPayload| sa.proposals[0].transforms[0].id = TransformId(0), "transform ID 0 is reserved", NotifyType::INVALID_TRANSFORM_ID)]
#[case::key_length_of_no_cipher(|sa: &mut SaPayload| for a in attributes_of(sa) { if a.class == IpsecAttribute::KEY_LENGTH.0 { *a = Attribute::short(a.class, 100_u16); } }, "with these attributes is not supported", NotifyType::ATTRIBUTES_NOT_SUPPORTED)]
#[case::unknown_group(|sa: &mut SaPayload| attributes_of(sa).push(Attribute::short(IpsecAttribute::GROUP_DESCRIPTION, 77_u16)), "group 77", NotifyType::ATTRIBUTES_NOT_SUPPORTED)]
#[case::unwanted_pfs(|sa: &mut SaPayload| attributes_of(sa).push(Attribute::short(IpsecAttribute::GROUP_DESCRIPTION, 2_u16)), "not in the policy", NotifyType::NO_PROPOSAL_CHOSEN)]
#[case::no_mode(|sa: &mut SaPayload| attributes_of(sa).retain(|a| a.class != IpsecAttribute::ENCAPSULATION_MODE.0), "no encapsulation mode", NotifyType::ATTRIBUTES_NOT_SUPPORTED)]
#[case::transport(|sa: &mut SaPayload| for a in attributes_of(sa) { if a.class == IpsecAttribute::ENCAPSULATION_MODE.0 { *a = Attribute::short(a.class, 2_u16); } }, "not in the policy", NotifyType::NO_PROPOSAL_CHOSEN)]
#[case::no_integrity(|sa: &mut SaPayload| attributes_of(sa).retain(|a| a.class != IpsecAttribute::AUTHENTICATION_ALGORITHM.0), "not in the policy", NotifyType::NO_PROPOSAL_CHOSEN)]
#[case::key_length_of_another_cipher(|sa: &mut SaPayload| attributes_of(sa).push(Attribute::short(IpsecAttribute::KEY_LENGTH, 256_u16)), "comes twice", NotifyType::ATTRIBUTES_NOT_SUPPORTED)]
fn an_offer_is_refused_with_its_reason(
    #[case] change: fn(&mut SaPayload),
    #[case] reason: &str,
    #[case] told: NotifyType,
) {
    let mut offered = offered(&[AES_SHA]);
    change(&mut offered);
    let error = chosen(&policy(&[AES_SHA]), &offered).unwrap_err();
    assert!(error.to_string().contains(reason), "{error}");
    assert_eq!(error.notify_type(), Some(told), "{error}");
}

#[test]
fn ah_takes_no_key_length() {
    let policy = ah(&[AH_MD5]);
    let mut offered = offer(&policy, &[THEIRS], None, &groups()).unwrap();
    assert!(chosen(&policy, &offered).is_ok());
    attributes_of(&mut offered).push(Attribute::short(IpsecAttribute::KEY_LENGTH, 128_u16));
    let error = chosen(&policy, &offered).unwrap_err();
    assert_eq!(error.notify_type(), Some(NotifyType::ATTRIBUTES_NOT_SUPPORTED), "{error}");
}

#[rstest]
#[case::unchanged(|_: &mut SaPayload| {}, true)]
#[case::another_order(|sa: &mut SaPayload| attributes_of(sa).reverse(), true)]
#[case::other_numbers(|sa: &mut SaPayload| { sa.proposals[0].number = 7; sa.proposals[0].transforms[0].number = 7; }, true)]
#[case::long_form(|sa: &mut SaPayload| for a in attributes_of(sa) { *a = Attribute::variable(a.class, a.as_u64().unwrap().to_be_bytes().to_vec()); }, true)]
#[case::another_transform(|sa: &mut SaPayload| sa.proposals[0].transforms[0].id = EspTransform::TRIPLE_DES.into(), false)]
#[case::another_protocol(|sa: &mut SaPayload| sa.proposals[0].protocol = ProtocolId::IPSEC_AH, false)]
#[case::an_attribute_less(|sa: &mut SaPayload| { attributes_of(sa).pop(); }, false)]
#[case::an_attribute_more(|sa: &mut SaPayload| attributes_of(sa).push(Attribute::short(IpsecAttribute::GROUP_DESCRIPTION, 2_u16)), false)]
#[case::reserved_spi(|sa: &mut SaPayload| sa.proposals[0].spi = Spi::from_u32(1).0, false)]
#[case::two_proposals(|sa: &mut SaPayload| sa.proposals.push(sa.proposals[0].clone()), false)]
fn a_reply_must_be_what_was_offered(#[case] change: fn(&mut SaPayload), #[case] good: bool) {
    let offered = offered(&[DES_MD5, AES_SHA]);
    let mut reply = chosen(&policy(&[AES_SHA]), &offered).unwrap().reply;
    change(&mut reply);
    match verify(&offered, &reply, &groups()) {
        Ok(_) => assert!(good),
        Err(error) => assert!(
            !good && matches!(error, ExchangeError::ProposalAltered(_) | ExchangeError::ReservedSpi(1)),
            "{error}"
        ),
    }
}

#[rstest]
#[case::short(3_600)]
#[case::longer_than_sixteen_bits(86_400)]
#[case::the_longest(u64::from(u32::MAX))]
fn lifetimes_survive(#[case] seconds: u64) {
    let mut policy = policy(&[AES_SHA]);
    policy.lifetime = Duration::from_secs(seconds);
    let offered = offer(&policy, &[THEIRS], None, &groups()).unwrap();
    assert_eq!(chosen(&policy, &offered).unwrap().chosen.lifetime, Some(Duration::from_secs(seconds)));
}

#[test]
fn a_nat_changes_the_mode_on_both_sides_alike() {
    let policy = policy(&[AES_SHA]);
    let offered = offer(&policy, &[THEIRS], NAT, &groups()).unwrap();
    assert!(choose(&[(0, &policy)], &offered, NAT, &groups()).is_ok());
    assert!(choose(&[(0, &policy)], &offered, None, &groups()).is_err());
    let draft = NAT.map(|nat| Nat { version: NatTraversalVersion::Draft02LineFeed, ..nat });
    assert!(
        choose(&[(0, &policy)], &offered, draft, &groups()).is_err(),
        "the drafts have modes of their own"
    );
    let offered = offer(&policy, &[THEIRS], draft, &groups()).unwrap();
    assert_eq!(choose(&[(0, &policy)], &offered, draft, &groups()).unwrap().chosen[0].mode.0, 61443);
}

#[test]
fn a_transform_that_protects_nothing_cannot_be_offered() {
    assert!(offer(&policy(&[IpsecTransform::new(None, None)]), &[THEIRS], None, &groups()).is_err());
    let mut ah = policy(&[IpsecTransform::new(None, None)]);
    ah.protocol = IpsecProtocol::Ah;
    assert!(offer(&ah, &[THEIRS], None, &groups()).is_err());
}

const AES_SHA_ESN: IpsecTransform = AES_SHA.with_extended_sequence_numbers();

#[test]
fn extended_sequence_numbers_have_these_bytes() {
    let policy = IpsecPolicy { lifetime: Duration::from_secs(1200), ..policy(&[AES_SHA_ESN]) };
    let offered = offer(&policy, &SPIS, None, &groups()).unwrap();
    let bytes = crate::wire::encode_chain(&[crate::wire::Payload::Sa(offered)]).1;
    // The attributes of the bundle's ESP above, and class 11 with value 1 in the basic form (RFC 4304 section 2).
    let expected = "00000038 00000001 00000001 0000002c 01030401 01020304 \
        00000020 010c0000 80010001 800204b0 80040001 80050002 80060080 800b0001";
    assert_eq!(hex::encode(bytes), expected.replace(' ', ""));
}

#[rstest]
#[case::both(&[AES_SHA_ESN], &[AES_SHA_ESN], Some(AES_SHA_ESN))]
#[case::not_wanted(&[AES_SHA_ESN, AES_SHA], &[AES_SHA], Some(AES_SHA))]
#[case::insisted_on(&[AES_SHA, AES_SHA_ESN], &[AES_SHA_ESN], Some(AES_SHA_ESN))]
#[case::only_offered(&[AES_SHA_ESN], &[AES_SHA], None)]
#[case::only_wanted(&[AES_SHA], &[AES_SHA_ESN], None)]
fn extended_sequence_numbers_are_taken_only_where_both_have_them(
    #[case] theirs: &[IpsecTransform],
    #[case] ours: &[IpsecTransform],
    #[case] expected: Option<IpsecTransform>,
) {
    let chosen = chosen(&policy(ours), &offered(theirs));
    assert_eq!(chosen.ok().map(|choice| choice.chosen.transform), expected);
}

// RFC 4304 section 3: any other value ends the negotiation.
#[rstest]
#[case::reserved(Attribute::short(IpsecAttribute::EXTENDED_SEQUENCE_NUMBER, 0_u16))]
#[case::unknown(Attribute::short(IpsecAttribute::EXTENDED_SEQUENCE_NUMBER, 2_u16))]
fn another_value_for_extended_sequence_numbers_is_refused(#[case] attribute: Attribute) {
    let mut offered = offered(&[AES_SHA]);
    attributes_of(&mut offered).push(attribute);
    let error = chosen(&policy(&[AES_SHA, AES_SHA_ESN]), &offered).unwrap_err();
    assert!(error.to_string().contains("is not supported"), "{error}");
}

#[test]
fn a_reply_must_keep_to_extended_sequence_numbers() {
    let offered = offered(&[AES_SHA_ESN]);
    let mut reply = chosen(&policy(&[AES_SHA_ESN]), &offered).unwrap().reply;
    assert!(verify(&offered, &reply, &groups()).is_ok());
    attributes_of(&mut reply).pop();
    assert!(matches!(verify(&offered, &reply, &groups()), Err(ExchangeError::ProposalAltered(_))));
}

#[test]
fn extended_sequence_numbers_take_integrity() {
    let alone = IpsecTransform { integrity: None, ..AES_SHA_ESN };
    assert!(offer(&policy(&[alone]), &[THEIRS], None, &groups()).is_err());
    let mut offered = offered(&[IpsecTransform { integrity: None, ..AES_SHA }]);
    attributes_of(&mut offered).push(Attribute::short(IpsecAttribute::EXTENDED_SEQUENCE_NUMBER, 1_u16));
    let error = chosen(&policy(&[alone]), &offered).unwrap_err();
    assert!(error.to_string().contains("is not supported"), "{error}");
}

const CPI: u32 = 0x1234;

fn deflate() -> BundledProtocol {
    BundledProtocol { protocol: IpsecProtocol::Ipcomp, transforms: vec![IpsecTransform::DEFLATE] }
}

/// ESP with IPComp.
fn compressed(esp: &[IpsecTransform]) -> IpsecPolicy {
    IpsecPolicy { bundle: vec![deflate()], lifetime: Duration::from_secs(1200), ..policy(esp) }
}

fn compressed_offer() -> SaPayload {
    offer(&compressed(&[AES_SHA]), &[THEIRS, CPI], None, &groups()).unwrap()
}

#[test]
fn ipcomp_in_a_bundle_has_these_bytes() {
    let bytes = crate::wire::encode_chain(&[crate::wire::Payload::Sa(compressed_offer())]).1;
    // ESP as in the bundle above, and IPCOMP, protocol 4, with a CPI of two octets and DEFLATE, which is transform 2 with a
    // life and a mode.
    let expected = "00000052 00000001 00000001 \
        02000028 01030401 00001000 0000001c 010c0000 80010001 800204b0 80040001 80050002 80060080 \
        0000001e 01040201 1234 00000014 01020000 80010001 800204b0 80040001";
    assert_eq!(hex::encode(bytes), expected.replace(' ', ""));
}

#[test]
fn ipcomp_is_chosen_together_with_esp() {
    let without = offered(&[AES_SHA]);
    let offered = compressed_offer();
    let choice = choose(&[(0, &compressed(&[AES_SHA]))], &offered, None, &groups()).unwrap();
    let peer_spis: Vec<_> = choice.chosen.iter().map(|chosen| chosen.peer_spi).collect();
    assert_eq!(peer_spis, [THEIRS, CPI]);
    let reply = choice.reply(&[OURS, 0x0abc]);
    assert_eq!(reply.proposals[1].spi.as_ref(), [0x0a, 0xbc]);
    let verified = verify_choice(&offered, &reply, &groups()).unwrap();
    assert_eq!(verified.spis_in, [THEIRS, CPI]);
    let theirs: Vec<_> = verified.chosen.iter().map(|c| (c.protocol, c.peer_spi)).collect();
    assert_eq!(theirs, [(IpsecProtocol::Esp, OURS), (IpsecProtocol::Ipcomp, 0x0abc)]);
    // Neither side takes the one without the other.
    assert!(choose(&[(0, &policy(&[AES_SHA]))], &offered, None, &groups()).is_err());
    assert!(chosen(&compressed(&[AES_SHA]), &without).is_err());
}

#[test]
fn perfect_forward_secrecy_and_a_nat_are_of_the_protocols_around_ipcomp() {
    let policy = IpsecPolicy { pfs: Some(Group::Modp1024), ..compressed(&[AES_SHA]) };
    let offered = offer(&policy, &[THEIRS, CPI], NAT, &groups()).unwrap();
    let has = |class: IpsecAttribute| {
        offered.proposals.iter().map(move |p| p.transforms[0].attribute(class).and_then(Attribute::as_u64))
    };
    assert_eq!(has(IpsecAttribute::GROUP_DESCRIPTION).collect::<Vec<_>>(), [Some(2), None]);
    assert_eq!(has(IpsecAttribute::ENCAPSULATION_MODE).collect::<Vec<_>>(), [Some(3), Some(1)]);
    assert!(choose(&[(0, &policy)], &offered, NAT, &groups()).is_ok());
    // A peer may as well repeat both.
    let mut repeated = offered.clone();
    let attributes = &mut repeated.proposals[1].transforms[0].attributes;
    attributes.retain(|attribute| attribute.class != IpsecAttribute::ENCAPSULATION_MODE.0);
    attributes.push(Attribute::short(IpsecAttribute::ENCAPSULATION_MODE, 3_u16));
    attributes.push(Attribute::short(IpsecAttribute::GROUP_DESCRIPTION, 2_u16));
    assert!(choose(&[(0, &policy)], &repeated, NAT, &groups()).is_ok());
}

fn ipcomp_of(sa: &mut SaPayload) -> &mut Proposal {
    &mut sa.proposals[1]
}

fn ipcomp_attributes(sa: &mut SaPayload) -> &mut Vec<Attribute> {
    &mut ipcomp_of(sa).transforms[0].attributes
}

// RFC 3173 section 4.1; RFC 2407 section 4.5 for the last two classes.
#[rstest]
#[case::four_octets(|sa: &mut SaPayload| ipcomp_of(sa).spi = vec![0, 0, 0x12, 0x34].into(), None)]
#[case::four_octets_with_others_set(|sa: &mut SaPayload| ipcomp_of(sa).spi = vec![9, 9, 0x12, 0x34].into(), None)]
#[case::well_known(|sa: &mut SaPayload| ipcomp_of(sa).spi = vec![0, 2].into(), None)]
#[case::first_negotiated(|sa: &mut SaPayload| ipcomp_of(sa).spi = vec![1, 0].into(), None)]
#[case::last_negotiated(|sa: &mut SaPayload| ipcomp_of(sa).spi = vec![0xef, 0xff].into(), None)]
#[case::attributes_of_esp(|sa: &mut SaPayload| ipcomp_attributes(sa).push(Attribute::short(IpsecAttribute::AUTHENTICATION_ALGORITHM, 2_u16)), None)]
#[case::whole_window(|sa: &mut SaPayload| ipcomp_attributes(sa).push(Attribute::short(IpsecAttribute::COMPRESS_DICTIONARY_SIZE, 15_u16)), None)]
#[case::private_cpi(|sa: &mut SaPayload| ipcomp_of(sa).spi = vec![0xf0, 0].into(), Some("SPI 61440 is reserved"))]
#[case::reserved_cpi(|sa: &mut SaPayload| ipcomp_of(sa).spi = vec![0, 255].into(), Some("SPI 255 is reserved"))]
#[case::another_well_known(|sa: &mut SaPayload| ipcomp_of(sa).spi = vec![0, 3].into(), Some("SPI 3 is reserved"))]
#[case::well_known_for_two(|sa: &mut SaPayload| { let p = ipcomp_of(sa); p.spi = vec![0, 2].into(); p.transforms.push(p.transforms[0].clone()); }, Some("SPI 2 is reserved"))]
#[case::three_octets(|sa: &mut SaPayload| ipcomp_of(sa).spi = vec![1, 2, 3].into(), Some("SPI of 3 bytes"))]
#[case::no_cpi(|sa: &mut SaPayload| ipcomp_of(sa).spi = vec![].into(), Some("SPI of 0 bytes"))]
#[case::oui(|sa: &mut SaPayload| ipcomp_of(sa).transforms[0].id = IpcompTransform::OUI.into(), Some("transform 1 is not supported"))]
#[case::lzs(|sa: &mut SaPayload| ipcomp_of(sa).transforms[0].id = IpcompTransform::LZS.into(), Some("transform 3 is not supported"))]
#[case::unknown(|sa: &mut SaPayload| ipcomp_of(sa).transforms[0].id = TransformId(9), Some("is not supported"))]
#[case::small_window(|sa: &mut SaPayload| ipcomp_attributes(sa).push(Attribute::short(IpsecAttribute::COMPRESS_DICTIONARY_SIZE, 14_u16)), Some("14 is not supported"))]
#[case::private_algorithm(|sa: &mut SaPayload| ipcomp_attributes(sa).push(Attribute::short(IpsecAttribute::COMPRESS_PRIVATE_ALGORITHM, 1_u16)), Some("1 is not supported"))]
#[case::transport_by_default(|sa: &mut SaPayload| ipcomp_attributes(sa).retain(|a| a.class != IpsecAttribute::ENCAPSULATION_MODE.0), Some("not in the policy"))]
#[case::alone(|sa: &mut SaPayload| { sa.proposals.remove(0); }, Some("not in the policy"))]
fn an_offer_of_ipcomp_is_judged(#[case] change: fn(&mut SaPayload), #[case] refusal: Option<&str>) {
    let mut offered = compressed_offer();
    change(&mut offered);
    match (choose(&[(0, &compressed(&[AES_SHA]))], &offered, None, &groups()), refusal) {
        (Ok(choice), None) => assert_eq!(choice.chosen.len(), 2),
        (Err(error), Some(reason)) => assert!(error.to_string().contains(reason), "{error}"),
        (result, _) => panic!("{result:?}"),
    }
}

#[test]
fn ipcomp_is_in_transport_mode_without_the_attribute() {
    let policy = IpsecPolicy { encapsulation: Encapsulation::Transport, ..compressed(&[AES_SHA]) };
    let mut offered = offer(&policy, &[THEIRS, CPI], None, &groups()).unwrap();
    ipcomp_attributes(&mut offered).retain(|a| a.class != IpsecAttribute::ENCAPSULATION_MODE.0);
    let choice = choose(&[(0, &policy)], &offered, None, &groups()).unwrap();
    assert_eq!(choice.chosen[1].mode, EncapsulationMode::TRANSPORT);
}

#[test]
fn ipcomp_is_not_offered_alone_nor_with_algorithms() {
    let alone = IpsecPolicy { protocol: IpsecProtocol::Ipcomp, ..policy(&[IpsecTransform::DEFLATE]) };
    assert!(offer(&alone, &[CPI], None, &groups()).is_err());
    let alternative = IpsecPolicy { alternatives: vec![vec![deflate()]], ..policy(&[AES_SHA]) };
    assert!(offer(&alternative, &[THEIRS, CPI], None, &groups()).is_err());
    let mut with_cipher = compressed(&[AES_SHA]);
    with_cipher.bundle[0].transforms = vec![AES_SHA];
    assert!(offer(&with_cipher, &[THEIRS, CPI], None, &groups()).is_err());
}

#[rstest]
#[case::as_the_first(IpsecPolicy { protocol: IpsecProtocol::Ipcomp, ..policy(&[IpsecTransform::DEFLATE]) })]
#[case::as_an_alternative(IpsecPolicy { alternatives: vec![vec![deflate()]], ..policy(&[AES_SHA]) })]
fn ipcomp_alone_is_not_taken_even_when_a_policy_has_it(#[case] policy: IpsecPolicy) {
    let mut offered = compressed_offer();
    offered.proposals.remove(0);
    let error = chosen(&policy, &offered).unwrap_err();
    assert!(error.to_string().contains("not in the policy"), "{error}");
}

/// An offer of one ESP transform with HMAC-SHA-1.
fn esp_offer(id: EspTransform, key_bits: Option<u16>) -> SaPayload {
    let mut offered = offered(&[NULL_SHA]);
    offered.proposals[0].transforms[0].id = id.into();
    let key_length = key_bits.map(|bits| Attribute::short(IpsecAttribute::KEY_LENGTH, bits));
    attributes_of(&mut offered).extend(key_length);
    offered
}

#[rstest]
#[case::des(EspTransform::DES, None, "des")]
#[case::triple_des(EspTransform::TRIPLE_DES, None, "3des")]
#[case::idea(EspTransform::IDEA, None, "idea")]
#[case::rc5(EspTransform::RC5, Some(128), "rc5-128")]
#[case::cast(EspTransform::CAST, Some(80), "cast80")]
#[case::blowfish(EspTransform::BLOWFISH, Some(448), "blowfish448")]
#[case::aes(EspTransform::AES_CBC, Some(192), "aes192")]
#[case::camellia(EspTransform::CAMELLIA, Some(256), "camellia256")]
fn an_esp_transform_is_read_and_offered_with_its_key_length(
    #[case] id: EspTransform,
    #[case] key_bits: Option<u16>,
    #[case] name: &str,
) {
    let transform = IpsecTransform { cipher: CipherAlgorithm::from_name(name), ..AES_SHA };
    let policy = policy(&[transform]);
    let theirs = esp_offer(id, key_bits);
    assert_eq!(chosen(&policy, &theirs).unwrap().chosen.transform, transform);
    let ours = offered(&[transform]);
    let written = &ours.proposals[0].transforms[0];
    assert_eq!(written.id, id.into());
    let stated = written.attributes.iter().find(|a| a.class == IpsecAttribute::KEY_LENGTH.0);
    assert_eq!(stated.and_then(Attribute::as_u64), key_bits.map(u64::from));
}

// There are no defaults in phase 2 (RFC 2407 section 4.5).
#[rstest]
#[case::des_with_one(EspTransform::DES, Some(64))]
#[case::triple_des_with_one(EspTransform::TRIPLE_DES, Some(192))]
#[case::idea_with_one(EspTransform::IDEA, Some(128))]
#[case::null_with_one(EspTransform::NULL, Some(128))]
#[case::rc5_without(EspTransform::RC5, None)]
#[case::rc5_too_long(EspTransform::RC5, Some(264))]
#[case::cast_without(EspTransform::CAST, None)]
#[case::cast_too_short(EspTransform::CAST, Some(32))]
#[case::blowfish_without(EspTransform::BLOWFISH, None)]
#[case::blowfish_of_half_a_byte(EspTransform::BLOWFISH, Some(132))]
#[case::aes_without(EspTransform::AES_CBC, None)]
#[case::camellia_without(EspTransform::CAMELLIA, None)]
#[case::rc4_is_no_block_cipher(EspTransform::RC4, Some(128))]
#[case::three_idea_is_not_defined(EspTransform::THREE_IDEA, None)]
fn an_esp_transform_with_a_wrong_key_length_is_refused(
    #[case] id: EspTransform,
    #[case] key_bits: Option<u16>,
) {
    let every: Vec<_> = CipherAlgorithm::ALL
        .iter()
        .map(|cipher| IpsecTransform { cipher: Some(*cipher), ..AES_SHA })
        .chain([NULL_SHA])
        .collect();
    let error = chosen(&policy(&every), &esp_offer(id, key_bits)).unwrap_err();
    assert!(error.to_string().contains("is not supported"), "{error}");
}

fn any_transform() -> impl Strategy<Value = IpsecTransform> {
    use proptest::sample::select;
    let integrity = select(IntegrityAlgorithm::ALL).prop_map(|(integrity, _)| integrity);
    (proptest::option::of(select(CipherAlgorithm::ALL)), proptest::option::of(integrity), any::<bool>())
        .prop_map(|(cipher, integrity, extended_sequence_numbers)| IpsecTransform {
            cipher,
            integrity,
            extended_sequence_numbers,
        })
        .prop_filter("protects something", |transform| transform_id(IpsecProtocol::Esp, *transform).is_some())
}

proptest! {
    #[test]
    fn what_is_offered_can_be_chosen_and_verifies(
        ours in proptest::collection::vec(any_transform(), 1..6),
        theirs in proptest::collection::vec(any_transform(), 1..6),
    ) {
        let offered = offered(&ours);
        match chosen(&policy(&theirs), &offered) {
            Ok(choice) => {
                prop_assert_eq!(ours.iter().find(|t| theirs.contains(t)), Some(&choice.chosen.transform));
                prop_assert!(verify(&offered, &choice.reply, &groups()).is_ok());
            }
            Err(_) => prop_assert!(!ours.iter().any(|t| theirs.contains(t))),
        }
    }

    #[test]
    fn the_order_of_attributes_makes_no_difference(
        transform in any_transform(),
        order in proptest::collection::vec(any::<u8>(), 8),
    ) {
        let mut offered = offered(&[transform]);
        let attributes = attributes_of(&mut offered);
        let rest = attributes.split_off(2);
        let mut parts = vec![core::mem::take(attributes)];
        parts.extend(rest.into_iter().map(|a| vec![a]));
        let mut keyed: Vec<_> = order.into_iter().zip(parts).collect();
        keyed.sort_by_key(|(key, _)| *key);
        attributes.extend(keyed.into_iter().flat_map(|(_, part)| part));
        let choice = chosen(&policy(&[transform]), &offered).unwrap();
        prop_assert_eq!((choice.chosen.transform, choice.chosen.lifetime), (transform, Some(Duration::from_secs(1200))));
    }
}

#[test]
fn a_life_in_kilobytes_is_offered_behind_the_one_in_seconds_and_chosen_with_it() {
    let policy = IpsecPolicy { lifetime_kilobytes: Some(5), ..policy(&[AES_SHA]) };
    let offered = offer(&policy, &[THEIRS], None, &groups()).unwrap();
    let lives: Vec<_> = offered.proposals[0].transforms[0]
        .attributes
        .iter()
        .filter(|a| [1, 2].contains(&a.class))
        .map(|a| (a.class, a.as_u64().unwrap()))
        .collect();
    // Class 1 is the type, 2 the duration; type 1 is seconds, 2 kilobytes (RFC 2407 section 4.5).
    assert_eq!(lives, [(1, 1), (2, policy.lifetime.as_secs()), (1, 2), (2, 5)]);
    assert_eq!(chosen(&policy, &offered).unwrap().chosen.kilobytes, Some(5));
}
