//! States, events and lifetimes: what each message does at each moment, rekeying, collisions, deletion.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests are named by what they show, and fail by panicking"
)]

mod common;

use core::time::Duration;

use common::{From, Pair};
use ikev1::config::{Encapsulation, NatTraversal, Phase1Mode};
use ikev1::crypto::{Group, reference};
use ikev1::error::{ApiMisuse, ExchangeError};
use ikev1::event::{DeleteReason, Event};
use ikev1::io::{Output, Timestamp};
use ikev1::wire::{ExchangeType, Header, Identification, MessageId};
use rstest::rstest;

const SECOND: Duration = Duration::from_secs(1);

/// MM1 to MM6 or AM1 to AM3, then QM1 to QM3, as the seeds make them.
fn named(mode: Phase1Mode, number: usize) -> String {
    let phase1 = if mode == Phase1Mode::Main { 6 } else { 3 };
    match (mode, number.checked_sub(phase1)) {
        (_, Some(quick)) => format!("QM{}", quick + 1),
        (Phase1Mode::Main, None) => format!("MM{}", number + 1),
        (Phase1Mode::Aggressive, None) => format!("AM{}", number + 1),
    }
}

fn started(mode: Phase1Mode, delivered: usize) -> Pair {
    let mut pair = Pair::new(|peer| {
        peer.mode = mode;
        peer.phase1[0].group = Group::Modp768;
        // After aggressive mode it has an exchange of its own, which is not what is looked at here.
        peer.initial_contact &= mode == Phase1Mode::Main;
    });
    pair.link =
        Box::new(move |_, number, datagram| if number < delivered { vec![datagram] } else { Vec::new() });
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair.run(Timestamp::from_millis(100));
    pair
}

/// One row for each moment, named by the last message that arrived, one column for each message of the exchange that
/// comes then; a cell has what the receiver sends and reports.
fn table(mode: Phase1Mode) -> String {
    let recorded = started(mode, usize::MAX).sent;
    let width = 18;
    let head: Vec<_> = (0..recorded.len()).map(|n| format!("{:width$}", named(mode, n))).collect();
    let mut rows = vec![format!("after  {}", head.concat()).trim_end().to_owned()];
    for delivered in 0..=recorded.len() {
        let mut row = match delivered {
            0 => "-      ".to_owned(),
            n => format!("{:7}", named(mode, n - 1)),
        };
        for (from, datagram) in &recorded {
            let mut pair = started(mode, delivered);
            pair.deliver(*from, datagram.clone());
            let receiver = pair.to(*from);
            let mut cell = Vec::new();
            loop {
                match receiver.endpoint.poll_output() {
                    Output::Transmit(sent) => cell.push(
                        recorded
                            .iter()
                            .position(|(_, known)| known.payload == sent.payload)
                            .map_or_else(|| "notify".into(), |number| named(mode, number)),
                    ),
                    Output::Event(Event::IsakmpSaEstablished { .. }) => cell.push("ISAKMP".into()),
                    Output::Event(Event::IpsecSaEstablished { .. }) => cell.push("IPsec".into()),
                    Output::Event(Event::Notified { .. }) => {}
                    Output::Event(Event::DatagramRejected { .. }) => cell.push("x".into()),
                    Output::Event(other) => cell.push(format!("{other:?}")),
                    Output::Timeout(_) | Output::Idle => break,
                }
            }
            let cell = if cell.is_empty() { ".".into() } else { cell.join("+") };
            row.push_str(&format!("{cell:width$}"));
        }
        rows.push(row.trim_end().to_owned());
    }
    rows.join("\n")
}

#[test]
fn every_message_of_main_mode_at_every_moment() {
    insta::assert_snapshot!(table(Phase1Mode::Main), @r"
    after  MM1               MM2               MM3               MM4               MM5               MM6               QM1               QM2               QM3
    -      MM2               MM3               notify+x          notify+x          notify+x          notify+x          notify+x          notify+x          notify+x
    MM1    MM2               MM3               MM4               notify+x          notify+x          notify+x          notify+x          notify+x          notify+x
    MM2    MM2               .                 MM4               MM5               notify+x          notify+x          notify+x          notify+x          notify+x
    MM3    .                 .                 MM4               MM5               MM6+ISAKMP        notify+x          notify+x          notify+x          notify+x
    MM4    .                 .                 MM4               .                 MM6+ISAKMP        ISAKMP+QM1        notify+x          .                 notify+x
    MM5    .                 .                 .                 .                 MM6               ISAKMP+QM1        QM2               .                 x
    MM6    .                 .                 .                 .                 MM6               .                 QM2               QM3+IPsec         x
    QM1    .                 .                 .                 .                 MM6               .                 .                 QM3+IPsec         IPsec
    QM2    .                 .                 .                 .                 MM6               .                 .                 QM3               IPsec
    QM3    .                 .                 .                 .                 MM6               .                 .                 QM3               .
    ");
}

#[test]
fn every_message_of_aggressive_mode_at_every_moment() {
    insta::assert_snapshot!(table(Phase1Mode::Aggressive), @r"
    after  AM1               AM2               AM3               QM1               QM2               QM3
    -      AM2               AM3+ISAKMP+QM1    notify+x          notify+x          notify+x          notify+x
    AM1    .                 AM3+ISAKMP+QM1    ISAKMP            .                 notify+x          .
    AM2    .                 AM3               ISAKMP            .                 QM3+IPsec         .
    AM3    .                 AM3               .                 QM2               QM3+IPsec         x
    QM1    .                 AM3               .                 .                 QM3+IPsec         IPsec
    QM2    .                 AM3               .                 .                 QM3               IPsec
    QM3    .                 AM3               .                 .                 QM3               .
    ");
}

/// ISAKMP SAs and pairs of IPsec SAs that were set up in all.
fn established(events: &[Event]) -> (usize, usize) {
    let isakmp = events.iter().filter(|event| matches!(event, Event::IsakmpSaEstablished { .. })).count();
    let ipsec = events.iter().filter(|event| matches!(event, Event::IpsecSaEstablished { .. })).count();
    (isakmp, ipsec)
}

#[rstest]
#[case::margin_as_long_as_the_lifetimes(100, 100)]
#[case::margin_longer(100, 1_000_000)]
#[case::no_lifetime_at_all(0, 10)]
fn a_rekey_margin_never_makes_the_endpoint_spin(#[case] lifetime: u64, #[case] margin: u64) {
    let mut pair = Pair::new(|peer| {
        peer.phase1[0].group = Group::Modp768;
        peer.phase1_lifetime = Duration::from_secs(lifetime);
        peer.ipsec[0].lifetime = Duration::from_secs(lifetime);
        peer.rekey_margin = Duration::from_secs(margin);
    });
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair.run(Timestamp::from_secs(1000));
    let (isakmp, ipsec) = established(&pair.alice.events);
    assert!((1..=21).contains(&isakmp) && ipsec <= 21, "{isakmp} ISAKMP SAs, {ipsec} pairs of IPsec SAs");
}

#[test]
fn both_sides_may_rekey_the_ipsec_sas_at_once() {
    let mut pair = Pair::new(|_| {});
    pair.establish();
    let old = pair.alice.endpoint.ipsec_sas().next().unwrap();
    let theirs = pair.bob.endpoint.ipsec_sas().next().unwrap();
    pair.alice.endpoint.rekey_ipsec_sa(pair.now, old.id).unwrap();
    pair.bob.endpoint.rekey_ipsec_sa(pair.now, theirs.id).unwrap();
    pair.run(pair.now + Duration::from_secs(10));
    let spis = |side: &common::Side| {
        let mut spis: Vec<_> = side.endpoint.ipsec_sas().map(|sa| (sa.spi_in, sa.spi_out)).collect();
        spis.sort_unstable();
        spis
    };
    let (alice, bob) = (spis(&pair.alice), spis(&pair.bob));
    let mut mirrored: Vec<_> = bob.into_iter().map(|(a, b)| (b, a)).collect();
    mirrored.sort_unstable();
    assert_eq!(alice, mirrored);
    assert!(!alice.is_empty() && alice.iter().all(|(spi, _)| *spi != old.spi_in), "the old pair is gone");
}

#[test]
fn both_sides_may_rekey_the_isakmp_sa_at_once() {
    let mut pair = Pair::new(|_| {});
    pair.establish();
    let old = pair.alice.endpoint.isakmp_sas().next().unwrap();
    let theirs = pair.bob.endpoint.isakmp_sas().next().unwrap();
    pair.alice.endpoint.rekey_isakmp_sa(pair.now, old.id).unwrap();
    pair.bob.endpoint.rekey_isakmp_sa(pair.now, theirs.id).unwrap();
    pair.run(pair.now + Duration::from_secs(10));
    for side in [&pair.alice, &pair.bob] {
        let left: Vec<_> = side.endpoint.isakmp_sas().collect();
        assert!(left.iter().all(|sa| sa.established && sa.cookies != old.cookies), "{left:?}");
        assert!(!left.is_empty());
        assert_eq!(side.ipsec_count(), 1, "the IPsec SAs go over to a new ISAKMP SA");
    }
}

// RFC 3947 section 4.
#[rstest]
#[case::main_mode(Phase1Mode::Main)]
#[case::aggressive_mode(Phase1Mode::Aggressive)]
fn an_isakmp_sa_behind_a_nat_is_replaced_over_port_4500(
    #[case] mode: Phase1Mode,
    #[values(From::Alice, From::Bob)] by: From,
) {
    let mut pair = Pair::new(|peer| {
        peer.mode = mode;
        peer.nat_traversal = NatTraversal::Force;
    });
    pair.establish();
    let (now, before) = (pair.now, pair.sent.len());
    let old = pair.to(by).endpoint.isakmp_sas().next().unwrap();
    pair.to(by).endpoint.rekey_isakmp_sa(now, old.id).unwrap();
    pair.run(now + Duration::from_secs(10));
    let ports: Vec<_> =
        pair.sent[before..].iter().map(|(_, sent)| (sent.local.port(), sent.remote.port())).collect();
    assert!(ports.len() >= 3 && ports.iter().all(|ports| *ports == (4500, 4500)), "{ports:?}");
    for side in [&pair.alice, &pair.bob] {
        let left: Vec<_> = side.endpoint.isakmp_sas().collect();
        assert!(left.len() == 1 && left[0].established && left[0].cookies != old.cookies, "{left:?}");
        assert_eq!(side.ipsec_count(), 1, "the IPsec SAs go over to the new ISAKMP SA");
    }
}

#[test]
fn both_sides_may_initiate_at_once() {
    let mut pair = Pair::new(|_| {});
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair.bob.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair.run(Timestamp::from_secs(60));
    assert_eq!((pair.alice.isakmp_count(), pair.bob.isakmp_count()), (2, 2), "INITIAL-CONTACT ends neither");
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (2, 2));
}

#[test]
fn a_second_policy_waits_for_the_phase_1_that_runs() {
    let mut pair = Pair::new(|peer| {
        let mut second = peer.ipsec[0].clone();
        second.name = "host".into();
        second.encapsulation = Encapsulation::Transport;
        (second.local_client, second.remote_client) = (None, None);
        peer.ipsec.push(second);
    });
    let first = pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    let second = pair.alice.endpoint.initiate(pair.now, "peer", "host").unwrap();
    assert_eq!(first, second);
    pair.run(Timestamp::from_secs(1));
    assert_eq!((pair.bob.isakmp_count(), pair.bob.ipsec_count()), (1, 2));
}

#[test]
fn a_client_that_is_not_configured_is_the_peer_itself() {
    let mut pair = Pair::with(reference(), |who, peer| match who {
        From::Alice => peer.ipsec[0].local_client = None,
        From::Bob => peer.ipsec[0].remote_client = None,
    });
    pair.establish();
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1), "{:?}", pair.bob.events);
}

#[test]
fn deleting_an_isakmp_sa_ends_the_quick_modes_that_run_under_it() {
    let mut pair = Pair::new(|_| {});
    pair.establish();
    pair.link = Box::new(|_, _, _| Vec::new());
    let sa = pair.alice.endpoint.isakmp_sas().next().unwrap().id;
    let m_id = pair.alice.endpoint.initiate_quick_mode(pair.now, sa, "net").unwrap();
    pair.run(pair.now + SECOND);
    pair.alice.endpoint.delete_isakmp_sa(pair.now, sa).unwrap();
    pair.drain();
    let failed = pair.alice.events.iter().any(|event| {
        matches!(event, Event::ExchangeFailed { m_id: m, error: ExchangeError::SaDeleted, .. } if *m == m_id)
    });
    assert!(failed, "{:?}", pair.alice.events);
    let sent = pair.sent.len();
    pair.run(pair.now + Duration::from_secs(100));
    let phase2 = |(_, datagram): &(From, ikev1::io::Datagram)| {
        Header::decode(&datagram.payload).unwrap().exchange_type == ExchangeType::QUICK_MODE
    };
    assert!(!pair.sent[sent..].iter().any(phase2), "nothing is retransmitted");
}

#[rstest]
#[case::no_answer(false)]
#[case::the_isakmp_sa_is_deleted(true)]
fn an_ipsec_sa_whose_rekeying_failed_expires_as_such(#[case] delete: bool) {
    let mut pair = Pair::new(|peer| peer.ipsec[0].lifetime = Duration::from_secs(200));
    pair.establish();
    pair.link = Box::new(|_, _, _| Vec::new());
    if delete {
        let (isakmp, ipsec) =
            (pair.alice.endpoint.isakmp_sas().next(), pair.alice.endpoint.ipsec_sas().next());
        pair.alice.endpoint.rekey_ipsec_sa(pair.now, ipsec.unwrap().id).unwrap();
        pair.alice.endpoint.delete_isakmp_sa(pair.now, isakmp.unwrap().id).unwrap();
    }
    pair.run(Timestamp::from_secs(300));
    let reasons = pair.alice.events.iter().filter_map(|event| match event {
        Event::IpsecSaDeleted { reason, .. } => Some(*reason),
        _ => None,
    });
    assert_eq!(reasons.collect::<Vec<_>>(), [DeleteReason::Expired]);
}

#[test]
fn hosts_behind_one_configured_peer_are_kept_apart() {
    let mut pair = Pair::with(reference(), |who, peer| {
        if who == From::Bob {
            (peer.remote, peer.remote_id) = (None, None);
        }
    });
    pair.establish();
    let first = pair.bob.endpoint.ipsec_sas().next().unwrap();
    // Another host with the same key and policy; it says INITIAL-CONTACT too.
    let mut config = common::peer_config(common::ALICE, common::BOB);
    config.local_id = Identification::fqdn("other.example");
    config.local = "192.0.2.9:500".parse().unwrap();
    config.local_nat_t = "192.0.2.9:4500".parse().unwrap();
    let config = ikev1::config::Config { peers: vec![config], ..Default::default() };
    pair.alice.endpoint = ikev1::Endpoint::new(config, reference(), Box::new(common::SeedRandom(99)));
    pair.establish();
    assert_eq!((pair.bob.isakmp_count(), pair.bob.ipsec_count()), (2, 2), "{:?}", pair.bob.events);
    let still = pair.bob.endpoint.ipsec_sas().find(|sa| sa.id == first.id).unwrap();
    assert_eq!(still.isakmp_sa, first.isakmp_sa, "it stays with the ISAKMP SA of its host");
}

#[test]
fn a_peer_without_an_address_cannot_be_initiated_to() {
    let mut pair = Pair::new(|peer| peer.remote = None);
    let refused = pair.alice.endpoint.initiate_phase1(pair.now, "peer");
    assert_eq!(refused, Err(ApiMisuse::NoPeerAddress("peer".into())));
}

#[test]
fn an_endpoint_lives_with_a_random_source_that_gives_nothing_but_zeros() {
    struct Zeros;
    impl ikev1::crypto::RandomSource for Zeros {
        fn fill(&mut self, dest: &mut [u8]) {
            dest.fill(0);
        }
    }
    let mut pair = Pair::new(|_| {});
    let config = ikev1::config::Config {
        peers: vec![common::peer_config(common::ALICE, common::BOB)],
        ..Default::default()
    };
    pair.alice.endpoint = ikev1::Endpoint::new(config, reference(), Box::new(Zeros));
    pair.establish();
    let sa = pair.alice.endpoint.isakmp_sas().next().unwrap().id;
    let m_id = pair.alice.endpoint.initiate_quick_mode(pair.now, sa, "net").unwrap();
    assert_ne!(m_id, MessageId::PHASE_1);
    pair.run(pair.now + SECOND);
    assert_eq!(pair.bob.ipsec_count(), 2);
}
