//! New Group mode between two endpoints (RFC 2409 section 5.6), and phase 1 with a group given in full.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests are named by what they show, and fail by panicking"
)]

mod common;

use core::time::Duration;

use common::{From, Pair, Side};
use ikev1::config::PeerConfig;
use ikev1::crypto::{Ec2n, Group, GroupError, PrivateGroup, reference};
use ikev1::error::{ApiMisuse, ExchangeError};
use ikev1::event::{Event, Role};
use ikev1::keylog::Label;
use ikev1::wire::{ExchangeType, NotifyType};

/// The prime of ffdhe2048 (RFC 7919 Appendix A.1), which is no group of IKE.
const PRIME: &str = "\
    ffffffffffffffffadf85458a2bb4a9aafdc5620273d3cf1d8b9c583ce2d3695a9e13641146433fbcc939dce249b3ef9\
    7d2fe363630c75d8f681b202aec4617ad3df1ed5d5fd65612433f51f5f066ed0856365553ded1af3b557135e7f57c935\
    984f0c70e0e68b77e2a689daf3efe8721df158a136ade73530acca4f483a797abc0ab182b324fb61d108a94bb2c8e3fb\
    b96adab760d7f4681d4f42a3de394df4ae56ede76372bb190b07a7c8ee0a6d709e02fce1cdf7e2ecc03404cd28342f61\
    9172fe9ce98583ff8e4f1232eef28183c3fe3b1b4c6fad733bb5fcbc2ec22005c58ef1837d1683b2c6f34a26c1b2effa\
    886b423861285c97ffffffffffffffff";

fn group() -> PrivateGroup {
    PrivateGroup::modp(&hex::decode(PRIME).unwrap(), &[2]).unwrap()
}

/// The same with a number that is no prime.
fn composite() -> PrivateGroup {
    let mut number = hex::decode(PRIME).unwrap();
    *number.last_mut().unwrap() = 0xfd;
    PrivateGroup::modp(&number, &[2]).unwrap()
}

/// B-163 of FIPS 186-4 with this a, which is 1 there.
fn curve(a: &[u8]) -> PrivateGroup {
    let [polynomial, b, x, y, order] = [
        "0800000000000000000000000000000000000000c9",
        "020a601907b8c953ca1481eb10512f78744a3205fd",
        "03f0eba16286a2d57ea0991168d4994637e8343e36",
        "00d51fbc6c71a0094fa2cdd545b11c5c0c797324f1",
        "080000000000000000000525fcefce182548469866",
    ]
    .map(|digits| hex::decode(digits).unwrap());
    let numbers = Ec2n { polynomial: &polynomial, a, b: &b, generator: &x, order: &order };
    PrivateGroup::ec2n(&numbers, &y).unwrap()
}

/// A pair of which both sides take new groups and want the group for PFS, after phase 1.
fn established(adjust: impl Fn(From, &mut PeerConfig)) -> Pair {
    let mut pair = Pair::with(reference(), |who, peer| {
        peer.phase1[0].group = Group::Modp768;
        peer.new_groups = true;
        peer.ipsec[0].pfs = Some(Group::Private(group()));
        adjust(who, peer);
    });
    pair.alice.endpoint.initiate_phase1(pair.now, "peer").unwrap();
    run(&mut pair);
    assert_eq!((pair.alice.isakmp_count(), pair.bob.isakmp_count()), (1, 1));
    pair
}

fn run(pair: &mut Pair) {
    pair.run(pair.now + Duration::from_secs(1));
}

fn offer(pair: &mut Pair, description: u16, group: &PrivateGroup) -> Result<(), ApiMisuse> {
    let sa = pair.alice.endpoint.isakmp_sas().next().unwrap().id;
    pair.alice.endpoint.define_group(pair.now, sa, description, group)?;
    run(pair);
    Ok(())
}

fn quick_mode(pair: &mut Pair) -> Result<(), ApiMisuse> {
    let sa = pair.alice.endpoint.isakmp_sas().next().unwrap().id;
    pair.alice.endpoint.initiate_quick_mode(pair.now, sa, "net")?;
    run(pair);
    Ok(())
}

fn defined(side: &Side) -> Vec<(u16, Role)> {
    let defined = |event: &Event| match event {
        Event::GroupDefined { description, role, .. } => Some((*description, *role)),
        _ => None,
    };
    side.events.iter().filter_map(defined).collect()
}

/// How the initiator's New Group mode failed.
fn failure(side: &Side) -> Option<String> {
    side.events.iter().find_map(|event| match event {
        Event::ExchangeFailed { exchange: ExchangeType::NEW_GROUP_MODE, error, .. } => {
            Some(error.to_string())
        }
        _ => None,
    })
}

#[test]
fn the_prime_is_one_and_the_composite_number_is_none() {
    assert_eq!(group().check(), Ok(()));
    assert_eq!(composite().check(), Err(GroupError::Composite));
}

#[test]
fn quick_modes_use_the_new_group_from_either_side() {
    let mut pair = established(|_, _| {});
    offer(&mut pair, 0x8000, &group()).unwrap();
    assert_eq!(defined(&pair.alice), [(0x8000, Role::Initiator)]);
    assert_eq!(defined(&pair.bob), [(0x8000, Role::Responder)]);
    quick_mode(&mut pair).unwrap();
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
    let g_xy = pair.alice.value(Label::QuickGXy).unwrap();
    assert_eq!(g_xy.len(), 256);
    assert_eq!(pair.bob.value(Label::QuickGXy), Some(g_xy.clone()));
    let sa = pair.bob.endpoint.isakmp_sas().next().unwrap().id;
    pair.bob.endpoint.initiate_quick_mode(pair.now, sa, "net").unwrap();
    run(&mut pair);
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (2, 2));
    assert_ne!(pair.alice.value(Label::QuickGXy), Some(g_xy));
}

#[test]
fn quick_modes_use_a_new_curve() {
    let mut pair = established(|_, peer| peer.ipsec[0].pfs = Some(Group::Private(curve(&[1]))));
    offer(&mut pair, 0x8000, &curve(&[1])).unwrap();
    assert_eq!(defined(&pair.bob), [(0x8000, Role::Responder)]);
    quick_mode(&mut pair).unwrap();
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
    let g_xy = pair.alice.value(Label::QuickGXy).unwrap();
    assert_eq!(g_xy.len(), 21);
    assert_eq!(pair.bob.value(Label::QuickGXy), Some(g_xy));
}

#[test]
fn a_curve_that_its_generator_is_not_on_is_refused() {
    let mut pair = established(|_, _| {});
    offer(&mut pair, 0x8000, &curve(&[])).unwrap();
    assert_eq!(
        failure(&pair.alice),
        Some(ExchangeError::PeerNotified(NotifyType::ATTRIBUTES_NOT_SUPPORTED).to_string())
    );
    assert_eq!(pair.bob.refusals(), ["group is not acceptable: the generator is not on the curve"]);
    assert_eq!((defined(&pair.alice), defined(&pair.bob)), (vec![], vec![]));
}

#[test]
fn the_two_hashes_are_those_of_section_5_6() {
    let mut pair = established(|_, _| {});
    offer(&mut pair, 0x8000, &group()).unwrap();
    for (side, label) in [(&pair.alice, Label::Hash1), (&pair.bob, Label::Hash2)] {
        let message = side.plain.lock().unwrap().iter().find(|message| message[18] == 33).unwrap().clone();
        // The HASH payload of SHA has 24 octets, and the SA payload behind it says its length.
        let (hash, sa) = (&message[32..52], &message[52..]);
        let length = usize::from(u16::from_be_bytes([sa[2], sa[3]]));
        let skeyid_a = side.value(Label::SkeyidA).unwrap();
        let transform = ikev1::crypto::HashAlgorithm::Sha1;
        let expected = reference().prf(transform, &skeyid_a, &[&message[20..24], &sa[..length]]);
        assert_eq!(hash, expected.as_bytes());
        assert_eq!(side.value(label).as_deref(), Some(hash));
    }
}

#[test]
fn without_new_group_mode_the_private_group_has_no_name() {
    let mut pair = established(|_, _| {});
    let refused = quick_mode(&mut pair);
    assert!(matches!(refused, Err(ApiMisuse::UnusablePolicy(_))), "{refused:?}");
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (0, 0));
}

#[test]
fn a_group_ends_with_its_isakmp_sa() {
    let mut pair = established(|_, _| {});
    offer(&mut pair, 0x8000, &group()).unwrap();
    let old = pair.alice.endpoint.isakmp_sas().next().unwrap().id;
    let new = pair.alice.endpoint.rekey_isakmp_sa(pair.now, old).unwrap();
    run(&mut pair);
    let refused = pair.alice.endpoint.initiate_quick_mode(pair.now, new, "net");
    assert!(matches!(refused, Err(ApiMisuse::UnusablePolicy(_))), "{refused:?}");
}

#[test]
fn a_composite_number_is_refused_by_attributes_not_supported() {
    let mut pair = established(|_, _| {});
    offer(&mut pair, 0x8000, &composite()).unwrap();
    assert_eq!(
        failure(&pair.alice),
        Some(ExchangeError::PeerNotified(NotifyType::ATTRIBUTES_NOT_SUPPORTED).to_string())
    );
    assert_eq!(pair.bob.refusals(), ["group is not acceptable: the prime is a composite number"]);
    assert_eq!((defined(&pair.alice), defined(&pair.bob)), (vec![], vec![]));
}

#[test]
fn a_policy_without_new_groups_refuses_them() {
    let mut pair = established(|who, peer| peer.new_groups = who == From::Alice);
    offer(&mut pair, 0x8000, &group()).unwrap();
    assert_eq!(pair.bob.refusals(), ["group is not acceptable: the policy takes none"]);
    assert!(failure(&pair.alice).is_some());
    assert_eq!((pair.alice.isakmp_count(), pair.bob.isakmp_count()), (1, 1));
}

#[test]
fn a_description_names_one_group() {
    let mut pair = established(|_, _| {});
    for taken in [1, 0x7fff] {
        assert!(matches!(offer(&mut pair, taken, &group()), Err(ApiMisuse::UnusablePolicy(_))));
    }
    offer(&mut pair, 0x8000, &group()).unwrap();
    assert!(matches!(offer(&mut pair, 0x8000, &group()), Err(ApiMisuse::UnusablePolicy(_))));
    offer(&mut pair, 0xffff, &group()).unwrap();
    assert_eq!(defined(&pair.bob).len(), 2);
}

#[test]
fn only_so_many_groups_are_tested() {
    let mut pair = established(|_, _| {});
    for description in 0x8000..0x8011 {
        offer(&mut pair, description, &composite()).unwrap();
    }
    let refusals = pair.bob.refusals();
    let tested = refusals.iter().filter(|refusal| refusal.ends_with("composite number")).count();
    assert_eq!((refusals.len(), tested), (17, 16));
}

#[test]
fn before_phase_1_there_is_no_new_group_mode() {
    let mut pair = Pair::new(|peer| peer.new_groups = true);
    let sa = pair.alice.endpoint.initiate_phase1(pair.now, "peer").unwrap();
    let refused = pair.alice.endpoint.define_group(pair.now, sa, 0x8000, &group());
    assert_eq!(refused, Err(ApiMisuse::NotEstablished));
}

#[test]
fn answers_and_offers_that_get_lost_are_sent_again() {
    for lost in [0, 1] {
        let mut pair = established(|_, _| {});
        let first = pair.sent.len();
        pair.link =
            Box::new(move |_, number, datagram| if number == first + lost { vec![] } else { vec![datagram] });
        offer(&mut pair, 0x8000, &group()).unwrap();
        pair.run(pair.now + Duration::from_secs(5));
        assert_eq!((defined(&pair.alice).len(), defined(&pair.bob).len()), (1, 1), "lost {lost}");
    }
}

#[test]
fn phase_1_takes_a_group_in_full_that_its_policy_has() {
    let mut pair = Pair::new(|peer| peer.phase1[0].group = Group::Private(group()));
    pair.establish();
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
    assert_eq!(pair.alice.value(Label::GXy).unwrap().len(), 256);
    assert_eq!(pair.alice.value(Label::GXy), pair.bob.value(Label::GXy));
}

#[test]
fn phase_1_takes_a_curve_in_full_that_its_policy_has() {
    let mut pair = Pair::new(|peer| peer.phase1[0].group = Group::Private(curve(&[1])));
    pair.establish();
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
    assert_eq!(pair.alice.value(Label::GXy).unwrap().len(), 21);
    assert_eq!(pair.alice.value(Label::GXy), pair.bob.value(Label::GXy));
}

#[test]
fn phase_1_refuses_a_group_in_full_that_its_policy_has_not() {
    for (offered, policy) in [(group(), composite()), (curve(&[1]), curve(&[])), (curve(&[1]), group())] {
        let mut pair = Pair::with(reference(), |who, peer| {
            let group = if who == From::Alice { &offered } else { &policy };
            peer.phase1[0].group = Group::Private(group.clone());
        });
        pair.establish();
        assert_eq!((pair.alice.isakmp_count(), pair.bob.isakmp_count()), (0, 0));
        assert_eq!(pair.bob.refusals().len(), 1);
    }
}
