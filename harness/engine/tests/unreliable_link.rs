//! Two endpoints over a link that loses, doubles and reorders what they send.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests are named by what they show, and fail by panicking"
)]

mod common;

use core::time::Duration;

use std::net::Ipv4Addr;

use common::{From, Pair, Side, credentials};
use ikev1::config::{
    AddressPool, AuthenticationMethod, ConfigHost, ConfigMethod, ConfigServer, ExtendedAuthentication,
    Fragmentation, FragmentationMode, ModeConfig, NatTraversal, Phase1Mode, XauthPart, XauthPhase1,
    XauthRound, XauthServer, XauthUser,
};
use ikev1::crypto::{Group, reference};
use ikev1::event::Event;
use ikev1::io::Timestamp;
use ikev1::keylog::Label;
use ikev1::pki::UnixTime;
use ikev1::wire::{ConfigAttribute, CookiePair};
use proptest::prelude::*;

/// The host's side or the edge device's of extended authentication and Mode-Config.
fn remote_access(who: From, method: ConfigMethod) -> (Option<ExtendedAuthentication>, Option<ModeConfig>) {
    let user = XauthUser::with_password("joe", "foobar");
    let (part, config) = if who == From::Alice {
        let wishes = vec![ConfigAttribute::INTERNAL_IP4_ADDRESS];
        (XauthPart::IpsecHost(user), ModeConfig::Host(ConfigHost { method, wishes, assigned_client: true }))
    } else {
        let address = Ipv4Addr::new(10, 3, 0, 7);
        let pool = Some(AddressPool { first: address, last: Ipv4Addr::new(10, 3, 0, 70) });
        let server = XauthServer {
            rounds: vec![XauthRound::name_and_password()],
            users: vec![user],
            retries: 0,
            any_identifier: false,
        };
        let config = ConfigServer { method, pool, items: Vec::new(), assigned_client: true };
        (XauthPart::EdgeDevice(server), ModeConfig::EdgeDevice(config))
    };
    (Some(ExtendedAuthentication { phase1: XauthPhase1::Both, part }), Some(config))
}

/// The last value of one ISAKMP SA under a label.
fn value(side: &Side, cookies: CookiePair, label: Label) -> Option<Vec<u8>> {
    let values = side.values.lock().unwrap();
    values.iter().rfind(|(c, _, l, _)| *c == cookies && *l == label).map(|(_, _, _, bytes)| bytes.clone())
}

/// Whether a datagram is a fragment (payload type 132), behind the non-ESP marker or without one.
fn is_fragment(datagram: &[u8]) -> bool {
    let message = datagram.strip_prefix(&[0; 4]).unwrap_or(datagram);
    message.get(16) == Some(&132)
}

fn packets(side: &Side) -> usize {
    side.events.iter().filter(|event| matches!(event, Event::PacketReceived { .. })).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn both_sides_end_with_equal_keys_or_fail_cleanly(
        seed in 1..u64::MAX,
        percent in 0..60_u8,
        mode in prop_oneof![Just(Phase1Mode::Main), Just(Phase1Mode::Aggressive)],
        nat in prop_oneof![Just(NatTraversal::Auto), Just(NatTraversal::Force)],
        pfs in prop_oneof![Just(None), Just(Some(Group::Modp768))],
        method in prop::sample::select(AuthenticationMethod::ALL),
        fragment in prop::option::of((
            prop_oneof![Just(FragmentationMode::On), Just(FragmentationMode::Force)],
            100..600_u16,
        )),
        both_initiate in any::<bool>(),
    ) {
        // A day on which the certificates are valid.
        let mut pair = Pair::at(UnixTime(1_782_864_000), reference(), |who, peer| {
            match method {
                AuthenticationMethod::RsaSignature => credentials::certificates(who, peer, method),
                _ => credentials::raw_keys(who, peer, method),
            }
            if let Some((mode, size)) = fragment {
                peer.fragmentation = Fragmentation { mode, size };
            }
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
            // Of two that meet, the one's INITIAL-CONTACT may end what the other began (RFC 2407 section 4.6.3.3).
            prop_assert!(shared == 1 || both_initiate && shared == 2, "{shared}");
            // Main mode's key messages are larger than this with every method.
            if mode == Phase1Mode::Main && fragment.is_some_and(|(_, size)| size < 150) {
                prop_assert!(pair.sent.iter().any(|(_, datagram)| is_fragment(&datagram.payload)));
            }
        }
    }

    #[test]
    fn a_host_is_authenticated_and_configured_on_both_sides_or_nothing_stands(
        seed in 1..u64::MAX,
        percent in 0..50_u8,
        mode in prop_oneof![Just(Phase1Mode::Main), Just(Phase1Mode::Aggressive)],
        method in prop_oneof![Just(ConfigMethod::Pull), Just(ConfigMethod::Push)],
    ) {
        let mut pair = Pair::with(reference(), |who, peer| {
            peer.mode = mode;
            peer.phase1[0].group = Group::Modp768;
            (peer.extended_authentication, peer.mode_config) = remote_access(who, method);
        });
        common::unreliable(&mut pair, seed, percent);
        pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
        pair.run(Timestamp::from_secs(400));
        let passed = |side: &Side| {
            side.events.iter().any(|e| matches!(e, Event::ExtendedAuthentication { passed: true, .. }))
        };
        let configured = |side: &Side| side.events.iter().any(|e| matches!(e, Event::Configured { .. }));
        if pair.alice.ipsec_count() > 0 {
            prop_assert!(passed(&pair.alice) && passed(&pair.bob) && configured(&pair.alice));
        }
        // What the edge device keeps was asked for by an authenticated user.
        prop_assert!(pair.bob.ipsec_count() == 0 || passed(&pair.bob));
        if percent == 0 {
            prop_assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
        }
        let half = |side: &Side| side.endpoint.isakmp_sas().filter(|sa| !sa.established).count();
        prop_assert_eq!((half(&pair.alice), half(&pair.bob)), (0, 0));
    }
}
