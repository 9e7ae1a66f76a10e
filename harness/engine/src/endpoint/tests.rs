//! What must hold of an endpoint's tables after anything at all.

use std::collections::BTreeSet;

use ikev1::config::{BundledProtocol, IntegrityAlgorithm, IpsecProtocol, IpsecTransform, Phase1Mode};
use proptest::prelude::*;

use super::Endpoint;
use crate::common::cheap::CHEAP_GROUPS;
use crate::common::{self, From, Pair};
use crate::error::ExchangeError;
use crate::esp::{EspError, SequenceCounter};
use crate::event::{Event, IsakmpSaId, Role};
use crate::io::Datagram;
use crate::timer::Timer;

/// Each index leads to an SA that leads back, nothing is counted wrong, reserved or timed for an SA that is gone.
fn assert_consistent(endpoint: &Endpoint) {
    let standing = |id: &IsakmpSaId| endpoint.isakmp.contains_key(id);
    let complete: Vec<_> = endpoint.isakmp.values().filter(|sa| sa.established().is_some()).collect();
    for sa in &complete {
        let mut found = endpoint.isakmp.with_remote(sa.remote().unwrap());
        assert!(found.any(|(completed, id)| (Some(completed), id) == (sa.completed, sa.id)));
        assert!(endpoint.isakmp.with_peer(sa.peer).any(|id| id == sa.id));
    }
    let ours = |sa: &&crate::sa::IsakmpSa| sa.role == Role::Initiator && sa.established().is_none();
    let initiating = endpoint.isakmp.values().filter(ours).count();
    assert_eq!(endpoint.isakmp.indexed(), (complete.len(), initiating));
    for pair in endpoint.ipsec.iter() {
        let remote = (pair.peer, &pair.remote_id);
        assert!(endpoint.ipsec.with_remote(remote).any(|id| id == pair.id));
        assert!(endpoint.ipsec.with_spi_out(remote, pair.chosen.peer_spi).any(|id| id == pair.id));
        assert!(endpoint.ipsec.any_with_peer(pair.peer));
    }
    assert_eq!(endpoint.ipsec.indexed(), endpoint.ipsec.iter().count());
    assert!(endpoint.by_cookies.values().all(standing));
    assert!(endpoint.by_first_message.values().all(standing));
    assert!(endpoint.by_initiator_cookie.values().all(standing));
    for sa in endpoint.isakmp.values() {
        let by_cookies = endpoint.by_cookies.get(&sa.cookies) == Some(&sa.id);
        let by_initiator = endpoint.by_initiator_cookie.get(&sa.cookies.initiator) == Some(&sa.id);
        assert_eq!((by_cookies, by_initiator), (!by_initiator, sa.cookies.responder.is_zero()));
        assert!(sa.used_m_ids.len() <= endpoint.core.limits.finished_m_ids_max);
        let finished = sa.phase2.values().filter(|exchange| !exchange.state.is_running()).count();
        assert!(finished <= endpoint.core.limits.duplicates_max, "{finished} finished exchanges are kept");
        assert!(sa.established().is_none() || sa.early.is_empty());
    }
    let half_open = |sa: &&crate::sa::IsakmpSa| sa.role == Role::Responder && sa.established().is_none();
    assert_eq!(endpoint.half_open.len(), endpoint.isakmp.values().filter(half_open).count());
    let mut yielding: Vec<_> = endpoint.isakmp.values().filter(|sa| sa.phase1.awaits_cookie()).collect();
    yielding.sort_by_key(|sa| sa.began);
    assert!(endpoint.half_open.yielding().eq(yielding.iter().map(|sa| sa.id)));
    let held: BTreeSet<u32> = endpoint
        .isakmp
        .values()
        .flat_map(|sa| sa.phase2.values().flat_map(|exchange| exchange.state.reserved_spis()))
        .collect();
    assert_eq!(endpoint.ipsec.reserved(), held, "reserved SPIs and those that running quick modes hold");
    for timer in endpoint.core.timers.all() {
        match timer {
            Timer::RetransmitPhase1(id)
            | Timer::ExpireIsakmp(id)
            | Timer::RekeyIsakmp(id)
            | Timer::Reassembly(id)
            | Timer::DeadPeer(id) => assert!(standing(&id), "{timer:?}"),
            Timer::KeepAlive(remote) => assert!(endpoint.core.keep_alives.get(remote).is_some(), "{timer:?}"),
            Timer::NotReady(id) => {
                let sa = endpoint.isakmp.get(&id).unwrap();
                assert!(sa.established().is_some() && !sa.is_ready(), "{timer:?}");
            }
            Timer::HalfOpen(id) => {
                assert!(endpoint.isakmp.get(&id).unwrap().established().is_none(), "{timer:?}")
            }
            Timer::RetransmitPhase2(id, m_id) => {
                let sa = endpoint.isakmp.get(&id).unwrap();
                let quick = sa.phase2.get(&m_id).is_some_and(|e| e.state.is_running());
                let transaction = sa.transactions.exchanges.get(&m_id).is_some_and(|e| e.awaits.is_some());
                assert!(quick || transaction, "{timer:?}");
            }
            Timer::RekeyIpsec(id) | Timer::ExpireIpsec(id) => {
                assert!(endpoint.ipsec.get(id).is_some(), "{timer:?}");
            }
        }
    }
}

fn assert_both_consistent(pair: &Pair) {
    assert_consistent(&pair.alice.endpoint);
    assert_consistent(&pair.bob.endpoint);
}

#[test]
fn a_policy_that_cannot_be_offered_leaves_no_spi_reserved() {
    let mut pair = Pair::with(ikev1::crypto::reference(), |who, peer| {
        if who == From::Alice {
            // ESP_NULL without integrity does not exist.
            peer.ipsec[0].transforms = vec![IpsecTransform::new(None, None)];
        }
    });
    pair.establish();
    let sa = pair.alice.endpoint.isakmp_sas().next().unwrap().id;
    assert!(pair.alice.endpoint.initiate_quick_mode(pair.now, sa, "net").is_err());
    assert_both_consistent(&pair);
}

#[test]
fn a_refused_quick_mode_leaves_nothing_behind() {
    let mut pair = Pair::with(ikev1::crypto::reference(), |who, peer| {
        if who == From::Alice {
            peer.ipsec[0].transforms[0].integrity = Some(IntegrityAlgorithm::HmacMd5);
        }
    });
    pair.establish();
    assert_eq!((pair.alice.isakmp_count(), pair.alice.ipsec_count()), (1, 0));
    assert!(pair.alice.endpoint.ipsec.reserved().is_empty());
    assert_both_consistent(&pair);
}

#[test]
fn finished_exchanges_are_forgotten_together_with_their_m_ids() {
    let mut pair = Pair::new(|_| {});
    pair.establish();
    let sa = pair.alice.endpoint.isakmp_sas().next().unwrap().id;
    pair.bob.endpoint.core.limits.finished_m_ids_max = 8;
    pair.bob.endpoint.core.limits.duplicates_max = 2;
    for _ in 0..4 {
        pair.alice.endpoint.initiate_quick_mode(pair.now, sa, "net").unwrap();
        pair.run(pair.now + core::time::Duration::from_secs(1));
        // Each pair that is deleted uses up an M-ID on both sides.
        for _ in 0..8 {
            let notify = ikev1::wire::Notification::isakmp(ikev1::wire::NotifyType::CONNECTED);
            pair.alice.endpoint.send_notify(pair.now, sa, notify).unwrap();
        }
        pair.run(pair.now + core::time::Duration::from_secs(1));
        assert_both_consistent(&pair);
        assert!(pair.bob.endpoint.isakmp.values().all(|sa| sa.phase2.is_empty()));
    }
}

#[test]
fn sas_in_all_are_limited() {
    let mut pair = Pair::new(|_| {});
    pair.bob.endpoint.core.limits.ipsec_sas_max = 2;
    pair.bob.endpoint.core.limits.isakmp_sas_max = 1;
    pair.establish();
    let sa = pair.alice.endpoint.isakmp_sas().next().unwrap().id;
    for _ in 0..3 {
        pair.alice.endpoint.initiate_quick_mode(pair.now, sa, "net").unwrap();
    }
    pair.alice.endpoint.initiate_phase1(pair.now, "peer").unwrap();
    pair.run(pair.now + core::time::Duration::from_secs(100));
    assert_eq!((pair.bob.isakmp_count(), pair.bob.ipsec_count()), (1, 2));
    let refusals = pair.bob.refusals();
    assert!(refusals.contains(&"limit reached: IPsec SAs".to_owned()), "{refusals:?}");
    assert!(refusals.contains(&"limit reached: ISAKMP SAs".to_owned()), "{refusals:?}");
    assert_both_consistent(&pair);
}

#[test]
fn packets_with_extended_sequence_numbers_pass_across_2_to_the_32() {
    let mut pair = Pair::new(|peer| {
        let transform = &mut peer.ipsec[0].transforms[0];
        *transform = transform.with_extended_sequence_numbers();
    });
    pair.establish();
    // All but two numbers of the first subspace are used.
    let used = u64::from(u32::MAX) - 2;
    for endpoint in [&mut pair.alice.endpoint, &mut pair.bob.endpoint] {
        let info = endpoint.ipsec_sas().next().unwrap();
        assert!(info.extended_sequence_numbers);
        let sas = endpoint.ipsec.get_mut(info.id).unwrap();
        sas.counter = SequenceCounter::extended_after(used);
        sas.window.update(used).unwrap();
    }
    for _ in 0..4 {
        for endpoint in [&mut pair.alice.endpoint, &mut pair.bob.endpoint] {
            let id = endpoint.ipsec_sas().next().unwrap().id;
            endpoint.send_packet(pair.now, id, 4, b"an inner packet").unwrap();
        }
        pair.run(pair.now + core::time::Duration::from_secs(1));
    }
    for endpoint in [&pair.alice.endpoint, &pair.bob.endpoint] {
        assert_eq!(endpoint.ipsec_sas().next().unwrap().packets_in, 4);
    }
}

/// ESP with AH, or ESP alone.
fn alternatives(peer: &mut crate::config::PeerConfig) {
    peer.nat_traversal = crate::config::NatTraversal::Off;
    let policy = &mut peer.ipsec[0];
    let alone = BundledProtocol { protocol: IpsecProtocol::Esp, transforms: policy.transforms.clone() };
    let transforms = vec![IpsecTransform::new(None, policy.transforms[0].integrity)];
    policy.bundle = vec![BundledProtocol { protocol: IpsecProtocol::Ah, transforms }];
    policy.alternatives = vec![vec![alone]];
}

#[test]
fn of_alternatives_only_the_chosen_one_keeps_its_spis() {
    for (bundle, commit_bit) in [(true, false), (false, false), (false, true), (true, true)] {
        let mut pair = Pair::new(|peer| {
            alternatives(peer);
            peer.commit_bit = commit_bit;
            if !bundle && peer.local.ip().to_string() == common::BOB {
                peer.ipsec[0].bundle.clear();
                peer.ipsec[0].alternatives.clear();
            }
        });
        pair.establish();
        assert_both_consistent(&pair);
        assert_eq!(pair.alice.ipsec_count(), if bundle { 2 } else { 1 });
        let alice: Vec<_> = pair.alice.endpoint.ipsec_sas().map(|sa| (sa.spi_in, sa.spi_out)).collect();
        let bob: Vec<_> = pair.bob.endpoint.ipsec_sas().map(|sa| (sa.spi_out, sa.spi_in)).collect();
        assert_eq!(alice, bob);
        let id = pair.alice.endpoint.ipsec_sas().next().unwrap().id;
        pair.alice.endpoint.send_packet(pair.now, id, 4, b"an inner packet").unwrap();
        pair.run(pair.now + core::time::Duration::from_secs(1));
        assert!(pair.bob.endpoint.ipsec_sas().all(|sa| sa.packets_in == 1));
    }
}

#[test]
fn a_bundle_does_not_exceed_the_limit_of_sas() {
    let mut pair = Pair::new(alternatives);
    pair.bob.endpoint.core.limits.ipsec_sas_max = 3;
    pair.establish();
    let sa = pair.alice.endpoint.isakmp_sas().next().unwrap().id;
    pair.alice.endpoint.initiate_quick_mode(pair.now, sa, "net").unwrap();
    pair.run(pair.now + core::time::Duration::from_secs(100));
    assert_eq!(pair.bob.ipsec_count(), 2);
    let refusals = pair.bob.refusals();
    assert!(refusals.contains(&"limit reached: IPsec SAs".to_owned()), "{refusals:?}");
    assert_both_consistent(&pair);
}

/// ESP with IPComp, and AH around it.
fn compressed(with_ah: bool) -> Pair {
    Pair::new(|peer| {
        peer.nat_traversal = crate::config::NatTraversal::Off;
        let integrity = peer.ipsec[0].transforms[0].integrity;
        let of = |protocol, transform| BundledProtocol { protocol, transforms: vec![transform] };
        peer.ipsec[0].bundle = vec![of(IpsecProtocol::Ipcomp, IpsecTransform::DEFLATE)];
        if with_ah {
            peer.ipsec[0].bundle.push(of(IpsecProtocol::Ah, IpsecTransform::new(None, integrity)));
        }
    })
}

#[test]
fn packets_are_compressed_within_esp_and_ah_where_that_is_smaller() {
    for with_ah in [false, true] {
        let mut pair = compressed(with_ah);
        pair.establish();
        assert_both_consistent(&pair);
        let protocols: Vec<_> = pair.alice.endpoint.ipsec_sas().map(|sa| sa.protocol.0).collect();
        assert_eq!(protocols, if with_ah { vec![3, 4, 2] } else { vec![3, 4] });
        let esp = pair.alice.endpoint.ipsec_sas().next().unwrap();
        let cpi = pair.alice.endpoint.ipsec_sas().nth(1).unwrap();
        assert_eq!(esp.bundle[0], cpi.id);
        assert!(crate::phase2::negotiate::ipcomp::NEGOTIATED_CPIS.contains(&cpi.spi_in));
        // The second is too short to be compressed.
        let before = pair.sent.len();
        for packet in [&[b'a'; 1000][..], b"an inner packet"] {
            pair.alice.endpoint.send_packet(pair.now, esp.id, 4, packet).unwrap();
            pair.run(pair.now + core::time::Duration::from_secs(1));
        }
        assert!(pair.sent[before].1.payload.len() < 200, "{} bytes", pair.sent[before].1.payload.len());
        let counts: Vec<_> = pair.bob.endpoint.ipsec_sas().map(|sa| (sa.protocol.0, sa.packets_in)).collect();
        assert_eq!(counts[..2], [(3, 2), (4, 1)]);
        let received: Vec<_> = pair
            .bob
            .events
            .iter()
            .filter_map(|event| match event {
                Event::PacketReceived { packet, next_header, .. } => Some((packet.len(), *next_header)),
                _ => None,
            })
            .collect();
        assert_eq!(received, [(1000, 4), (15, 4)]);
        // They go as they came, by Delete payloads with a CPI of two octets among them.
        pair.alice.endpoint.delete_ipsec_sa(pair.now, cpi.id).unwrap();
        pair.run(pair.now + core::time::Duration::from_secs(1));
        assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (0, 0));
        assert_both_consistent(&pair);
    }
}

#[test]
fn a_packet_under_another_cpi_or_of_another_length_is_refused() {
    let mut pair = compressed(false);
    pair.establish();
    let cpi = pair.bob.endpoint.ipsec_sas().nth(1).unwrap();
    let pairs = pair.bob.endpoint.ipsec.get_mut(cpi.id).unwrap();
    let number = u16::try_from(cpi.spi_in).unwrap();
    let good = crate::esp::ipcomp::compress(number, 4, &[b'a'; 100]).unwrap();
    assert_eq!(pairs.decompress(&good).unwrap(), (4, vec![b'a'; 100]));
    let other = crate::esp::ipcomp::compress(number ^ 1, 4, &[b'a'; 100]).unwrap();
    assert_eq!(pairs.decompress(&other), Err(EspError::UnknownCpi { got: number ^ 1 }));
    let bomb = crate::esp::ipcomp::compress(number, 4, &vec![0; 1 << 20]).unwrap();
    assert_eq!(pairs.decompress(&bomb), Err(EspError::Decompression));
    let esp = pair.bob.endpoint.ipsec_sas().next().unwrap();
    let esp = pair.bob.endpoint.ipsec.get_mut(esp.id).unwrap();
    assert_eq!(esp.decompress(&good), Err(EspError::NotOfBundle));
}

/// A first message of alice under this CKY-I, from this address.
fn first_message(pair: &Pair, cky_i: u64, from: &str) -> Datagram {
    let (_, template) = &pair.sent[0];
    let mut bytes = template.payload.to_vec();
    bytes[..8].copy_from_slice(&cky_i.to_be_bytes());
    let remote = std::net::SocketAddr::new(from.parse().unwrap(), 500);
    // As alice sends it: what is local for her is remote for bob.
    Datagram { local: remote, payload: bytes.into(), ..template.clone() }
}

/// Bob, who has small limits and knows no address, and alice, whose only message so far is lost.
fn flooded(mode: Phase1Mode) -> Pair {
    let mut pair = Pair::with(CHEAP_GROUPS, |_, peer| {
        peer.mode = mode;
        peer.remote_id = None;
        if peer.local.ip().to_string() == common::BOB {
            peer.remote = None;
        }
    });
    pair.bob.endpoint.core.limits.half_open_max = 6;
    pair.bob.endpoint.core.limits.half_open_per_address_max = 3;
    pair.link = Box::new(|_, _, _| Vec::new());
    pair.alice.endpoint.initiate_phase1(pair.now, "peer").unwrap();
    pair.drain();
    pair
}

/// CKY-I of bob's ISAKMP SAs, oldest first.
fn initiator_cookies(pair: &Pair) -> Vec<u64> {
    let sas = pair.bob.endpoint.isakmp_sas();
    sas.map(|sa| u64::from_be_bytes(sa.cookies.initiator.0)).collect()
}

#[test]
fn a_half_open_exchange_gives_way_to_a_newer_one_the_oldest_of_its_address_first() {
    let mut pair = flooded(Phase1Mode::Main);
    let addresses = ["198.51.100.1", "198.51.100.2", "198.51.100.3"];
    for number in 1..=5 {
        pair.deliver(From::Alice, first_message(&pair, number, addresses[0]));
    }
    assert_eq!(initiator_cookies(&pair), [3, 4, 5], "three of one address");
    for number in 6..=10 {
        pair.deliver(From::Alice, first_message(&pair, number, addresses[usize::from(number > 8) + 1]));
    }
    assert_eq!(initiator_cookies(&pair), [5, 6, 7, 8, 9, 10], "six of all");
    pair.drain();
    let gave_way =
        |event: &&Event| matches!(event, Event::ExchangeFailed { error: ExchangeError::LimitReached(_), .. });
    assert_eq!(pair.bob.events.iter().filter(gave_way).count(), 4);
    assert!(pair.bob.refusals().is_empty());
    assert_both_consistent(&pair);
}

#[test]
fn a_first_message_that_is_refused_makes_nothing_give_way() {
    let mut pair = flooded(Phase1Mode::Main);
    for number in 1..=3 {
        pair.deliver(From::Alice, first_message(&pair, number, "198.51.100.1"));
    }
    let mut refused = first_message(&pair, 4, "198.51.100.1");
    let mut bytes = refused.payload.to_vec();
    // The situation of the SA payload.
    bytes[39] ^= 0x80;
    refused.payload = bytes.into();
    pair.deliver(From::Alice, refused);
    assert_eq!(initiator_cookies(&pair), [1, 2, 3]);
    pair.drain();
    assert_eq!(pair.bob.refusals().len(), 1);
    assert_both_consistent(&pair);
}

#[test]
fn an_exchange_whose_peer_has_answered_the_cookie_does_not_give_way() {
    let mut pair = flooded(Phase1Mode::Main);
    let (from, main_mode_1) = pair.sent[0].clone();
    pair.deliver(from, main_mode_1);
    // Main mode 2 arrives, main mode 3 too; the rest is lost.
    pair.link = Box::new(|_, number, datagram| if number < 3 { vec![datagram] } else { Vec::new() });
    pair.run(pair.now + core::time::Duration::from_millis(100));
    let answered = initiator_cookies(&pair);
    assert_eq!((answered.len(), pair.bob.endpoint.half_open.yielding().count()), (1, 0));
    for number in 1..=20 {
        pair.deliver(From::Alice, first_message(&pair, number, common::ALICE));
    }
    assert_eq!(initiator_cookies(&pair), [answered[0], 19, 20]);
    for number in 21..=40 {
        let address = format!("198.51.100.{number}");
        pair.deliver(From::Alice, first_message(&pair, number, &address));
    }
    assert_eq!(initiator_cookies(&pair), [answered[0], 36, 37, 38, 39, 40]);
    assert_both_consistent(&pair);
    // And it comes to its end.
    pair.link = Box::new(|_, _, datagram| vec![datagram]);
    pair.run(pair.now + core::time::Duration::from_secs(10));
    assert_eq!((pair.alice.isakmp_count(), pair.bob.isakmp_count()), (1, 1));
    assert_both_consistent(&pair);
}

#[test]
fn aggressive_mode_exchanges_do_not_give_way_so_that_exponentiations_are_limited_too() {
    let mut pair = flooded(Phase1Mode::Aggressive);
    for number in 1..=5 {
        pair.deliver(From::Alice, first_message(&pair, number, "198.51.100.1"));
    }
    assert_eq!(initiator_cookies(&pair), [1, 2, 3]);
    pair.drain();
    assert_eq!(pair.bob.refusals(), ["limit reached: half-open ISAKMP SAs of one address"; 2]);
    assert_both_consistent(&pair);
}

#[test]
fn a_peer_gets_through_while_its_own_address_is_forged() {
    let mut pair = flooded(Phase1Mode::Main);
    pair.link = Box::new(|_, _, datagram| vec![datagram]);
    for number in 1..=100 {
        pair.deliver(From::Alice, first_message(&pair, number, common::ALICE));
    }
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    for round in 0..40 {
        pair.run(pair.now + core::time::Duration::from_millis(1));
        // Fewer than bob's limit between alice's message and her next.
        pair.deliver(From::Alice, first_message(&pair, 1000 + round, common::ALICE));
    }
    pair.run(pair.now + core::time::Duration::from_secs(5));
    assert_eq!((pair.alice.isakmp_count(), pair.bob.isakmp_count()), (1, 1));
}

#[test]
fn a_responder_cookie_depends_on_both_ends_on_the_initiator_cookie_on_the_exchange_and_on_a_secret() {
    let mut pair = flooded(Phase1Mode::Main);
    let core = &mut pair.bob.endpoint.core;
    let path = |local: &str, remote: &str| crate::core::Path {
        local: local.parse().unwrap(),
        remote: remote.parse().unwrap(),
        nat_t: false,
        fragment_size: None,
    };
    let initiator = crate::wire::Cookie([7; 8]);
    let one = core.responder_cookie(&path("192.0.2.2:500", "192.0.2.1:500"), initiator, 1);
    let again = core.responder_cookie(&path("192.0.2.2:500", "192.0.2.1:500"), initiator, 1);
    let others = [
        core.responder_cookie(&path("192.0.2.3:500", "192.0.2.1:500"), initiator, 1),
        core.responder_cookie(&path("192.0.2.2:501", "192.0.2.1:500"), initiator, 1),
        core.responder_cookie(&path("192.0.2.2:500", "192.0.2.4:500"), initiator, 1),
        core.responder_cookie(&path("192.0.2.2:500", "192.0.2.1:501"), initiator, 1),
        core.responder_cookie(&path("192.0.2.2:500", "192.0.2.1:500"), crate::wire::Cookie([8; 8]), 1),
        core.responder_cookie(&path("192.0.2.2:500", "192.0.2.1:500"), initiator, 2),
        pair.alice.endpoint.core.responder_cookie(&path("192.0.2.2:500", "192.0.2.1:500"), initiator, 1),
    ];
    assert_eq!(one, again);
    let all: BTreeSet<_> = others.into_iter().chain([one]).collect();
    assert_eq!(all.len(), 8);
}

#[test]
fn identifiers_that_wrap_do_not_meet_one_in_use() {
    let mut pair = Pair::new(|_| {});
    pair.establish();
    let first = pair.bob.endpoint.isakmp_sas().next().unwrap().id;
    pair.bob.endpoint.next_isakmp_id = first.0;
    let pair_id = pair.bob.endpoint.ipsec_sas().next().unwrap().id;
    pair.bob.endpoint.next_ipsec_id = pair_id.0;
    pair.alice.endpoint.initiate_phase1(pair.now, "peer").unwrap();
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair.run(pair.now + core::time::Duration::from_secs(1));
    assert_eq!((pair.bob.isakmp_count(), pair.bob.ipsec_count()), (2, 2));
    assert_both_consistent(&pair);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn tables_stay_consistent_whatever_the_link_does(
        seed in 1..u64::MAX,
        aggressive in any::<bool>(),
        deletes in proptest::collection::vec(0..4_u8, 0..3),
    ) {
        let mut pair = Pair::new(|peer| {
            peer.mode = if aggressive { Phase1Mode::Aggressive } else { Phase1Mode::Main };
            peer.phase1[0].group = ikev1::crypto::Group::Modp768;
            peer.phase1_lifetime = core::time::Duration::from_secs(300);
            peer.ipsec[0].lifetime = core::time::Duration::from_secs(150);
        });
        common::unreliable(&mut pair, seed, 40);
        pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
        pair.bob.endpoint.initiate(pair.now, "peer", "net").unwrap();
        for delete in deletes {
            for _ in 0..40 {
                pair.run(pair.now + core::time::Duration::from_secs(1));
                assert_both_consistent(&pair);
            }
            let side = if delete & 1 == 0 { &mut pair.alice } else { &mut pair.bob };
            if delete & 2 == 0 {
                let sa = side.endpoint.isakmp_sas().next();
                if let Some(sa) = sa {
                    side.endpoint.delete_isakmp_sa(pair.now, sa.id).unwrap();
                }
            } else {
                let sa = side.endpoint.ipsec_sas().next();
                if let Some(sa) = sa {
                    side.endpoint.delete_ipsec_sa(pair.now, sa.id).unwrap();
                }
            }
        }
        pair.run(pair.now + core::time::Duration::from_secs(400));
        assert_both_consistent(&pair);
    }
}
