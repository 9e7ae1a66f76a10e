//! Two endpoints over a link that loses, doubles and reorders what they send.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests are named by what they show, and fail by panicking"
)]

mod common;

use core::time::Duration;

use common::{Pair, Side};
use ikev1::config::{NatTraversal, Phase1Mode};
use ikev1::crypto::Group;
use ikev1::event::Event;
use ikev1::io::Timestamp;
use ikev1::keylog::Label;
use ikev1::wire::CookiePair;
use proptest::prelude::*;

/// The last value of one ISAKMP SA under a label.
fn value(side: &Side, cookies: CookiePair, label: Label) -> Option<Vec<u8>> {
    let values = side.values.lock().unwrap();
    values.iter().rfind(|(c, _, l, _)| *c == cookies && *l == label).map(|(_, _, _, bytes)| bytes.clone())
}

fn packets(side: &Side) -> usize {
    side.events.iter().filter(|event| matches!(event, Event::PacketReceived { .. })).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn both_sides_end_with_equal_keys_or_fail_cleanly(
        seed in 1..u64::MAX,
        percent in 0..60_u8,
        mode in prop_oneof![Just(Phase1Mode::Main), Just(Phase1Mode::Aggressive)],
        nat in prop_oneof![Just(NatTraversal::Auto), Just(NatTraversal::Force)],
        pfs in prop_oneof![Just(None), Just(Some(Group::Modp768))],
        both_initiate in any::<bool>(),
    ) {
        let mut pair = Pair::new(|peer| {
            peer.mode = mode;
            peer.nat_traversal = nat;
            peer.phase1[0].group = Group::Modp768;
            peer.ipsec[0].pfs = pfs.clone();
        });
        common::unreliable(&mut pair, seed, percent);
        pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
        if both_initiate {
            pair.bob.endpoint.initiate(pair.now, "peer", "net").unwrap();
        }
        pair.run(Timestamp::from_secs(200));
        let sas: Vec<_> = pair.alice.endpoint.isakmp_sas().chain(pair.bob.endpoint.isakmp_sas()).collect();
        prop_assert!(sas.iter().all(|sa| sa.established), "nothing stays half done: {sas:?}");
        let common = |cookies| sas.iter().filter(|sa| sa.cookies == cookies).count() == 2;
        for cookies in sas.iter().map(|sa| sa.cookies).filter(|cookies| common(*cookies)) {
            for label in [Label::GXy, Label::Skeyid, Label::SkeyidD, Label::SkeyidA, Label::Ka, Label::Phase1Iv] {
                let (a, b) = (value(&pair.alice, cookies, label), value(&pair.bob, cookies, label));
                prop_assert!(a.is_some() && a == b, "{label}");
            }
        }
        // Every pair of IPsec SAs that both sides hold carries packets both ways.
        pair.link = Box::new(|_, _, datagram| vec![datagram]);
        let theirs: Vec<_> = pair.bob.endpoint.ipsec_sas().collect();
        let mine: Vec<_> = pair.alice.endpoint.ipsec_sas().collect();
        let mut shared = 0;
        for sa in &mine {
            if let Some(other) = theirs.iter().find(|other| other.spi_in == sa.spi_out) {
                prop_assert_eq!(other.spi_out, sa.spi_in);
                pair.alice.endpoint.send_packet(pair.now, sa.id, 4, b"there").unwrap();
                pair.bob.endpoint.send_packet(pair.now, other.id, 4, b"and back").unwrap();
                shared += 1;
            }
        }
        pair.run(pair.now + Duration::from_secs(10));
        prop_assert_eq!((packets(&pair.alice), packets(&pair.bob)), (shared, shared));
        if percent == 0 {
            prop_assert_eq!(shared, 1 + usize::from(both_initiate));
        }
    }
}
