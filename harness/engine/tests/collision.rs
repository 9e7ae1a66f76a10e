//! Both sides replace the same pair of IPsec SAs at once.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests are named by what they show, and fail by panicking"
)]

mod common;

use std::time::Duration;

use common::{From, Pair, Side};
use ikev1::config::{
    BundledProtocol, FurtherSa, IntegrityAlgorithm, IpsecProtocol, IpsecTransform, PeerConfig,
};
use ikev1::crypto::CipherAlgorithm;
use ikev1::event::{DeleteReason, Event};
use ikev1::io::{Datagram, IP_UDP};
use ikev1::wire::{ExchangeType, Header};
use rstest::rstest;

const SECOND: Duration = Duration::from_secs(1);

/// SPIs of all pairs as alice has them: own, bob's.
fn of_alice(pair: &Pair) -> Vec<(u32, u32)> {
    pair.alice.endpoint.ipsec_sas().map(|sa| (sa.spi_in, sa.spi_out)).collect()
}

/// The same as bob has them.
fn of_bob(pair: &Pair) -> Vec<(u32, u32)> {
    pair.bob.endpoint.ipsec_sas().map(|sa| (sa.spi_out, sa.spi_in)).collect()
}

fn sorted(mut spis: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    spis.sort_unstable();
    spis
}

/// Both sides replace the pair in this place of their lists.
fn replace(pair: &mut Pair, place: usize) {
    for side in [&mut pair.alice, &mut pair.bob] {
        let id = side.endpoint.ipsec_sas().nth(place).unwrap().id;
        side.endpoint.rekey_ipsec_sa(pair.now, id).unwrap();
    }
}

fn quick_mode(datagram: &Datagram) -> bool {
    datagram.ip_protocol == IP_UDP
        && Header::decode(&datagram.payload).unwrap().exchange_type == ExchangeType::QUICK_MODE
}

fn deleted(side: &Side) -> Vec<DeleteReason> {
    let reason = |event: &Event| match event {
        Event::IpsecSaDeleted { reason, .. } => Some(*reason),
        _ => None,
    };
    side.events.iter().filter_map(reason).collect()
}

#[test]
fn one_of_the_two_new_pairs_stays_and_it_is_not_that_of_the_lowest_spi() {
    let mut pair = Pair::new(|_| {});
    pair.establish();
    let old = of_alice(&pair)[0];
    replace(&mut pair, 0);
    pair.run(pair.now + SECOND);
    // For a while there are three, and the new ones carry packets.
    let new: Vec<_> = of_alice(&pair).into_iter().filter(|spis| *spis != old).collect();
    assert_eq!((new.len(), sorted(of_alice(&pair)), pair.bob.ipsec_count()), (2, sorted(of_bob(&pair)), 3));
    let lowest = new.iter().flat_map(|(a, b)| [*a, *b]).min().unwrap();
    let stays = *new.iter().find(|(a, b)| ![*a, *b].contains(&lowest)).unwrap();
    for side in [&pair.alice, &pair.bob] {
        for sa in side.endpoint.ipsec_sas() {
            let kept = [stays.0, stays.1].contains(&sa.spi_in);
            assert_eq!(sa.successor.is_none(), kept, "{sa:?}");
        }
    }
    let ids: Vec<_> = pair.alice.endpoint.ipsec_sas().map(|sa| sa.id).collect();
    for id in ids {
        pair.alice.endpoint.send_packet(pair.now, id, 4, b"still taken").unwrap();
    }
    pair.run(pair.now + Duration::from_millis(100));
    let received = |event: &&Event| matches!(event, Event::PacketReceived { .. });
    assert_eq!(pair.bob.events.iter().filter(received).count(), 3);
    pair.run(pair.now + SECOND * 10);
    assert_eq!((of_alice(&pair), of_bob(&pair)), (vec![stays], vec![stays]));
    assert!(
        deleted(&pair.alice)
            .iter()
            .chain(&deleted(&pair.bob))
            .all(|reason| { matches!(reason, DeleteReason::Replaced | DeleteReason::PeerDeleted) })
    );
    // The survivor is replaced in its time, once.
    pair.run(pair.now + SECOND * 1195);
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
    assert_ne!(of_alice(&pair), [stays]);
}

#[rstest]
#[case::bobs_come_a_little_later(From::Bob, 1)]
#[case::alices_come_a_little_later(From::Alice, 1)]
#[case::bobs_come_when_the_old_pair_is_gone(From::Bob, 3)]
#[case::alices_come_when_the_old_pair_is_gone(From::Alice, 3)]
fn it_does_not_matter_when_the_quick_modes_are_complete(#[case] side: From, #[case] lost: u32) {
    let mut pair = Pair::new(|_| {});
    pair.establish();
    replace(&mut pair, 0);
    // Of what this side sends behind its quick mode 1, so much is lost.
    let mut seen = 0;
    pair.link = Box::new(move |from, _, datagram| {
        if from == side && quick_mode(&datagram) {
            seen += 1;
            if (2..2 + lost).contains(&seen) {
                return Vec::new();
            }
        }
        vec![datagram]
    });
    pair.run(pair.now + SECOND * 30);
    assert_eq!((pair.alice.ipsec_count(), of_alice(&pair)), (1, of_bob(&pair)));
}

#[test]
fn on_a_bad_link_the_sides_still_agree_on_one_pair() {
    for seed in 1..=40 {
        let mut pair = Pair::new(|peer| peer.rekey = false);
        pair.establish();
        replace(&mut pair, 0);
        common::unreliable(&mut pair, seed * 7919, 15);
        pair.run(pair.now + SECOND * 60);
        let common: Vec<_> =
            of_alice(&pair).into_iter().filter(|spis| of_bob(&pair).contains(spis)).collect();
        assert!(!common.is_empty(), "seed {seed}: {:?} and {:?}", of_alice(&pair), of_bob(&pair));
    }
}

#[test]
fn the_redundant_pair_stays_when_the_other_is_deleted_meanwhile() {
    let mut pair = Pair::new(|_| {});
    pair.establish();
    let old = of_alice(&pair)[0];
    replace(&mut pair, 0);
    pair.run(pair.now + SECOND);
    let stays = pair.alice.endpoint.ipsec_sas().find(|sa| sa.successor.is_none()).unwrap();
    pair.alice.endpoint.delete_ipsec_sa(pair.now, stays.id).unwrap();
    pair.run(pair.now + SECOND * 10);
    assert_eq!((pair.alice.ipsec_count(), of_alice(&pair)), (1, of_bob(&pair)));
    assert!(![old, (stays.spi_in, stays.spi_out)].contains(&of_alice(&pair)[0]));
    pair.exchange_packets();
    // It is replaced in its time as if nothing had been.
    let survivor = of_alice(&pair);
    pair.run(pair.now + SECOND * 1195);
    assert_eq!((pair.alice.ipsec_count(), of_alice(&pair)), (1, of_bob(&pair)));
    assert_ne!(of_alice(&pair), survivor);
}

fn esp(cipher: CipherAlgorithm) -> FurtherSa {
    let integrity = Some(IntegrityAlgorithm::HmacSha1);
    let transforms =
        vec![IpsecTransform { cipher: Some(cipher), integrity, extended_sequence_numbers: false }];
    FurtherSa { protocol: IpsecProtocol::Esp, transforms, bundle: Vec::new() }
}

fn with_ah(peer: &mut PeerConfig) {
    let transforms = vec![IpsecTransform {
        cipher: None,
        integrity: Some(IntegrityAlgorithm::HmacSha1),
        extended_sequence_numbers: false,
    }];
    peer.ipsec[0].bundle = vec![BundledProtocol { protocol: IpsecProtocol::Ah, transforms }];
}

#[rstest]
#[case::a_bundle(with_ah, 0, 2)]
#[case::a_bundle_by_its_second_pair(with_ah, 1, 2)]
#[case::one_of_two_sas(|peer: &mut PeerConfig| peer.ipsec[0].further_sas = vec![esp(CipherAlgorithm::AesCbc256)], 1, 2)]
fn as_many_pairs_stay_as_there_were(
    #[case] adjust: fn(&mut PeerConfig),
    #[case] place: usize,
    #[case] count: usize,
) {
    let mut pair = Pair::new(adjust);
    pair.establish();
    assert_eq!(pair.alice.ipsec_count(), count);
    replace(&mut pair, place);
    pair.run(pair.now + SECOND * 10);
    assert_eq!((pair.alice.ipsec_count(), sorted(of_alice(&pair))), (count, sorted(of_bob(&pair))));
}

#[test]
fn a_further_pair_for_the_same_clients_is_no_collision() {
    let mut pair = Pair::new(|_| {});
    pair.establish();
    for side in [&mut pair.alice, &mut pair.bob] {
        side.endpoint.initiate(pair.now, "peer", "net").unwrap();
    }
    pair.run(pair.now + SECOND * 10);
    assert_eq!((pair.alice.ipsec_count(), sorted(of_alice(&pair))), (3, sorted(of_bob(&pair))));
}
