//! Complete exchanges between two endpoints over virtual time.
#![allow(missing_docs, reason = "tests are named by what they show")]

mod common;

use core::time::Duration;

use common::cheap::{CHEAP_GROUPS, WEAK_ESP_KEYS};
use common::{From, Pair, credentials};
use ikev1::config::{
    AuthenticationMethod, BundledProtocol, Encapsulation, IntegrityAlgorithm, IpsecProtocol, IpsecTransform,
    NatTraversal, Phase1Mode, Phase1Transform,
};
use ikev1::crypto::{CipherAlgorithm, Group, HashAlgorithm, Secret, providers, reference};
use ikev1::esp::EspError;
use ikev1::event::{DeleteReason, Event};
use ikev1::hook::{OutgoingHook, OutgoingMessage};
use ikev1::io::{Datagram, IP_ESP, Output, Timestamp};
use ikev1::keylog::Label;
use ikev1::wire::edit::{self, Edit};
use ikev1::wire::{MessageId, Notification, NotifyType, Payload, dissect, encode_chain};
use rstest::rstest;

const COMPARED: [Label; 14] = [
    Label::GXy,
    Label::Skeyid,
    Label::SkeyidD,
    Label::SkeyidA,
    Label::SkeyidE,
    Label::Ka,
    Label::Phase1Iv,
    Label::HashI,
    Label::HashR,
    Label::Hash1,
    Label::Hash2,
    Label::Hash3,
    Label::KeymatInitiator,
    Label::KeymatResponder,
];

#[rstest]
#[case::main_mode(Phase1Mode::Main, NatTraversal::Auto)]
#[case::aggressive_mode(Phase1Mode::Aggressive, NatTraversal::Auto)]
#[case::main_mode_with_a_nat(Phase1Mode::Main, NatTraversal::Force)]
#[case::aggressive_mode_with_a_nat(Phase1Mode::Aggressive, NatTraversal::Force)]
fn both_sides_derive_the_same_keys(#[case] mode: Phase1Mode, #[case] nat: NatTraversal) {
    for provider in providers() {
        let mut pair = Pair::with(*provider, |_, peer| {
            peer.mode = mode;
            peer.nat_traversal = nat;
        });
        pair.establish();
        assert_eq!((pair.alice.isakmp_count(), pair.bob.isakmp_count()), (1, 1), "{:?}", pair.bob.events);
        assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1), "{:?}", pair.bob.events);
        for label in COMPARED {
            let value = pair.alice.value(label);
            assert!(value.is_some(), "{label}");
            assert_eq!(value, pair.bob.value(label), "{label}");
        }
        let floated = pair.alice.endpoint.isakmp_sas().all(|sa| sa.nat_traversal);
        assert_eq!(floated, nat == NatTraversal::Force);
    }
}

#[rstest]
fn every_cipher_hash_and_group_completes(
    #[values(Phase1Mode::Main, Phase1Mode::Aggressive)] mode: Phase1Mode,
) {
    let mut tried = 0;
    let short_keys =
        ["rc5-40", "cast40", "blowfish128"].map(|name| CipherAlgorithm::from_name(name).unwrap());
    let ciphers = || CipherAlgorithm::ALL.iter().chain(&short_keys);
    for cipher in ciphers() {
        for hash in HashAlgorithm::ALL {
            let mut pair = Pair::new(|peer| {
                peer.mode = mode;
                peer.phase1[0].cipher = *cipher;
                peer.phase1[0].hash = *hash;
                peer.phase1[0].group = Group::Modp768;
            });
            pair.establish();
            assert_eq!(pair.bob.ipsec_count(), 1, "{} {}", cipher.name(), hash.name());
            tried += 1;
        }
    }
    assert_eq!(tried, ciphers().count() * HashAlgorithm::ALL.len());
}

#[rstest]
#[case::esp_tunnel(IpsecProtocol::Esp, Encapsulation::Tunnel, NatTraversal::Auto)]
#[case::esp_transport(IpsecProtocol::Esp, Encapsulation::Transport, NatTraversal::Auto)]
#[case::ah_tunnel(IpsecProtocol::Ah, Encapsulation::Tunnel, NatTraversal::Auto)]
#[case::esp_in_udp(IpsecProtocol::Esp, Encapsulation::Tunnel, NatTraversal::Force)]
#[case::esp_in_udp_transport(IpsecProtocol::Esp, Encapsulation::Transport, NatTraversal::Force)]
fn a_packet_passes_each_way(
    #[case] protocol: IpsecProtocol,
    #[case] encapsulation: Encapsulation,
    #[case] nat: NatTraversal,
) {
    let mut pair = Pair::new(|peer| {
        peer.nat_traversal = nat;
        peer.ipsec[0].protocol = protocol;
        peer.ipsec[0].encapsulation = encapsulation;
        peer.ipsec[0].pfs = Some(Group::Modp1024);
        if protocol == IpsecProtocol::Ah {
            peer.ipsec[0].transforms[0].cipher = None;
        }
    });
    pair.establish();
    pair.exchange_packets();
}

#[test]
fn packets_pass_under_every_cipher_and_integrity_algorithm() {
    let short_keys =
        ["rc5-40", "cast40", "blowfish136"].map(|name| CipherAlgorithm::from_name(name).unwrap());
    let ciphers = CipherAlgorithm::ALL.iter().chain(&short_keys).copied().map(Some).chain([None]);
    for cipher in ciphers {
        let integrity = IntegrityAlgorithm::ALL.iter().map(|(integrity, _)| Some(*integrity));
        for integrity in integrity.chain(cipher.map(|_| None)) {
            let mut pair = Pair::with(CHEAP_GROUPS, |_, peer| {
                peer.ipsec[0].transforms = vec![IpsecTransform::new(cipher, integrity)];
            });
            pair.establish();
            assert_eq!(pair.bob.ipsec_count(), 1, "{cipher:?} {integrity:?}");
            pair.exchange_packets();
        }
    }
}

/// RFC 2405 section 4 and RFC 2451 section 2.3: no SA with a weak key; both sides see it.
#[rstest]
#[case::of_des(Some(CipherAlgorithm::Des), 0)]
#[case::three_times_the_same(Some(CipherAlgorithm::TripleDes), 0)]
#[case::none_of_aes(Some(CipherAlgorithm::AesCbc128), 1)]
#[case::no_cipher_at_all(None, 1)]
fn a_weak_key_sets_up_no_ipsec_sa(#[case] cipher: Option<CipherAlgorithm>, #[case] expected: usize) {
    let mut pair = Pair::with(WEAK_ESP_KEYS, |_, peer| peer.ipsec[0].transforms[0].cipher = cipher);
    pair.establish();
    assert_eq!((pair.alice.isakmp_count(), pair.bob.isakmp_count()), (1, 1));
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (expected, expected));
}

#[test]
fn a_wrong_key_sets_up_nothing() {
    let mut pair = Pair::with(reference(), |who, peer| {
        if who == From::Bob {
            peer.pre_shared_key = Secret::new(b"another secret".to_vec());
        }
    });
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair.run(Timestamp::from_secs(300));
    assert_eq!((pair.alice.isakmp_count(), pair.bob.isakmp_count()), (0, 0));
    assert_eq!(pair.bob.endpoint.isakmp_sas().count(), 0, "the half-open SA is forgotten");
}

#[test]
fn a_refusal_encrypted_before_phase_1_is_complete_is_shown_and_changes_nothing() {
    let mut pair = Pair::new(|_| {});
    pair.link = Box::new(|_, number, datagram| if number < 4 { vec![datagram] } else { Vec::new() });
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair.run(pair.now + Duration::from_millis(100));
    let refusal = Payload::Notification(Notification::isakmp(NotifyType::AUTHENTICATION_FAILED));
    let message = pair.informational(7, core::slice::from_ref(&refusal));
    let mut forged = message.clone();
    *forged.last_mut().unwrap() ^= 1;
    pair.inject(From::Bob, forged);
    assert!(pair.alice.opened.lock().unwrap().is_empty(), "a message whose HASH(1) is wrong is not shown");
    pair.inject(From::Bob, message);
    let shown = pair.alice.opened.lock().unwrap().clone();
    let (_, body) = encode_chain(&[refusal]);
    assert!(shown.len() == 1 && shown[0].windows(body.len()).any(|part| part == body), "{shown:02x?}");
    pair.link = Box::new(|_, _, datagram| vec![datagram]);
    pair.run(pair.now + Duration::from_secs(30));
    assert_eq!((pair.alice.isakmp_count(), pair.bob.isakmp_count()), (1, 1));
}

/// Gives the ID payload of a message another port, and lets HASH_I cover it or not.
struct OtherPort {
    number: u8,
    covered: bool,
}

impl OutgoingHook for OtherPort {
    fn outgoing(&mut self, message: &mut OutgoingMessage<'_>) {
        if message.number != self.number || message.m_id != MessageId::PHASE_1 {
            return;
        }
        // An edit that fails leaves nothing to refuse, which the test notices.
        edit::apply(message.bytes, &Edit::SetNumber { path: "id.port".into(), value: 1234 }).ok();
        message.hash_covers_edit = self.covered;
        if let Some(auth_hash) = message.auth_hash.filter(|_| self.covered) {
            let dissection = dissect(message.bytes, false);
            let Some(id) = dissection.field("id") else { return };
            let digest = auth_hash.over(&message.bytes[id.offset + 4..id.offset + id.len]);
            edit::apply(message.bytes, &Edit::Set { path: "hash.data".into(), bytes: digest }).ok();
        }
    }
}

#[rstest]
#[case::main_mode_covered(Phase1Mode::Main, 5, true, "identity")]
#[case::main_mode_not_covered(Phase1Mode::Main, 5, false, "HASH_I")]
#[case::aggressive_mode_covered(Phase1Mode::Aggressive, 1, true, "identity")]
#[case::aggressive_mode_not_covered(Phase1Mode::Aggressive, 1, false, "HASH_I")]
fn hash_i_covers_an_edited_identity_when_the_hook_wants_it(
    #[case] mode: Phase1Mode,
    #[case] number: u8,
    #[case] covered: bool,
    #[case] reason: &str,
) {
    let mut pair = Pair::new(|peer| peer.mode = mode);
    pair.alice.endpoint.set_outgoing_hook(Box::new(OtherPort { number, covered }));
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair.run(pair.now + Duration::from_millis(500));
    let refusals = pair.bob.refusals();
    assert!(refusals.first().is_some_and(|text| text.contains(reason)), "{refusals:?}");
    assert_eq!(pair.bob.isakmp_count(), 0);
}

#[rstest]
#[case::one_offer(AuthenticationMethod::PreSharedKey, |_: &mut Phase1Transform| {}, true)]
#[case::ciphers(AuthenticationMethod::PreSharedKey, cipher, true)]
#[case::hashes(AuthenticationMethod::PreSharedKey, hash, true)]
#[case::groups(AuthenticationMethod::PreSharedKey, modp768, false)]
#[case::methods(AuthenticationMethod::PreSharedKey, signature, false)]
#[case::hashes_beside_encryption(AuthenticationMethod::RsaEncryption, hash, true)]
#[case::ciphers_beside_encryption(AuthenticationMethod::RsaEncryption, cipher, true)]
#[case::hashes_in_the_revised_mode(AuthenticationMethod::RevisedRsaEncryption, hash, false)]
#[case::ciphers_in_the_revised_mode(AuthenticationMethod::RevisedRsaEncryption, cipher, false)]
fn aggressive_mode_offers_only_what_can_be_negotiated_in_it(
    #[case] method: AuthenticationMethod,
    #[case] differ: fn(&mut Phase1Transform),
    #[case] offered: bool,
) {
    let mut pair = Pair::with(reference(), |who, peer| {
        credentials::raw_keys(who, peer, method);
        peer.mode = Phase1Mode::Aggressive;
        let mut other = peer.phase1[0].clone();
        differ(&mut other);
        peer.phase1.push(other);
    });
    let started = pair.alice.endpoint.initiate_phase1(pair.now, "peer");
    pair.run(pair.now + Duration::from_millis(500));
    let refused = started.is_err() || !pair.alice.refusals().is_empty();
    assert_eq!(
        (refused, pair.alice.isakmp_count()),
        (!offered, usize::from(offered)),
        "{:?}",
        pair.alice.events
    );
    assert_eq!(pair.sent.is_empty(), !offered);
}

fn cipher(transform: &mut Phase1Transform) {
    transform.cipher = CipherAlgorithm::TripleDes;
}

fn hash(transform: &mut Phase1Transform) {
    transform.hash = HashAlgorithm::Md5;
}

fn modp768(transform: &mut Phase1Transform) {
    transform.group = Group::Modp768;
}

fn signature(transform: &mut Phase1Transform) {
    transform.authentication = AuthenticationMethod::RsaSignature;
}

/// Puts a Notification payload behind the others of a phase 1 message.
struct Notifying {
    number: u8,
}

impl OutgoingHook for Notifying {
    fn outgoing(&mut self, message: &mut OutgoingMessage<'_>) {
        if message.number != self.number || message.m_id != MessageId::PHASE_1 {
            return;
        }
        let told = Payload::Notification(Notification::isakmp(NotifyType::REPLAY_STATUS));
        let (payload_type, payload) = encode_chain(&[told]);
        let fields = dissect(message.bytes, false).fields;
        let payloads = fields.iter().filter(|field| field.depth == 0 && field.path != "padding");
        let (at, body) = (payloads.count() - 1, payload[4..].to_vec());
        // An edit that fails leaves nothing to report, which the test notices.
        edit::apply(message.bytes, &Edit::InsertPayload { at, payload_type, body }).ok();
    }
}

#[rstest]
#[case::main_mode_1(Phase1Mode::Main, 1)]
#[case::main_mode_2(Phase1Mode::Main, 2)]
#[case::main_mode_3(Phase1Mode::Main, 3)]
#[case::main_mode_4(Phase1Mode::Main, 4)]
#[case::main_mode_5(Phase1Mode::Main, 5)]
#[case::main_mode_6(Phase1Mode::Main, 6)]
#[case::aggressive_mode_1(Phase1Mode::Aggressive, 1)]
#[case::aggressive_mode_2(Phase1Mode::Aggressive, 2)]
#[case::aggressive_mode_3(Phase1Mode::Aggressive, 3)]
fn a_notification_in_a_phase_1_message_is_reported_as_one_that_no_hash_covers(
    #[case] mode: Phase1Mode,
    #[case] number: u8,
) {
    let mut pair = Pair::new(|peer| peer.mode = mode);
    let sender = if number % 2 == 1 { &mut pair.alice } else { &mut pair.bob };
    sender.endpoint.set_outgoing_hook(Box::new(Notifying { number }));
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair.run(pair.now + Duration::from_millis(500));
    let receiver = if number % 2 == 1 { &pair.bob } else { &pair.alice };
    let told = receiver.events.iter().filter_map(|event| match event {
        Event::Notified { notify_type: NotifyType::REPLAY_STATUS, authenticated, .. } => Some(*authenticated),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [false]);
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
}

#[test]
fn every_lost_datagram_is_made_up_for() {
    for mode in [Phase1Mode::Main, Phase1Mode::Aggressive] {
        for lost in 0..9 {
            let mut pair = Pair::new(|peer| peer.mode = mode);
            pair.link =
                Box::new(move |_, number, datagram| if number == lost { Vec::new() } else { vec![datagram] });
            pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
            pair.run(Timestamp::from_secs(30));
            let counts = (pair.alice.ipsec_count(), pair.bob.ipsec_count());
            assert_eq!(counts, (1, 1), "{mode:?} without datagram {lost}");
        }
    }
}

#[test]
fn every_datagram_may_come_twice() {
    for mode in [Phase1Mode::Main, Phase1Mode::Aggressive] {
        let mut pair = Pair::new(|peer| peer.mode = mode);
        pair.link = Box::new(|_, _, datagram| vec![datagram.clone(), datagram]);
        pair.establish();
        assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
        assert_eq!((pair.alice.isakmp_count(), pair.bob.isakmp_count()), (1, 1));
    }
}

#[test]
fn ipsec_sas_are_replaced_before_they_expire() {
    let mut pair = Pair::new(|_| {});
    pair.establish();
    let first = pair.alice.endpoint.ipsec_sas().next().unwrap();
    pair.run(Timestamp::from_secs(1150));
    let (alice, bob): (Vec<_>, Vec<_>) =
        (pair.alice.endpoint.ipsec_sas().collect(), pair.bob.endpoint.ipsec_sas().collect());
    assert_eq!((alice.len(), bob.len()), (1, 1));
    assert_ne!(alice[0].spi_in, first.spi_in);
    assert_eq!(alice[0].spi_in, bob[0].spi_out);
}

#[test]
fn a_new_isakmp_sa_takes_over_the_ipsec_sas() {
    let mut pair = Pair::new(|peer| peer.ipsec[0].lifetime = Duration::from_secs(100_000));
    pair.establish();
    let (isakmp, ipsec) =
        (pair.alice.endpoint.isakmp_sas().next().unwrap(), pair.alice.endpoint.ipsec_sas().next().unwrap());
    let secret = pair.alice.value(Label::GXy);
    pair.run(Timestamp::from_secs(3601));
    for side in [&pair.alice, &pair.bob] {
        let sas: Vec<_> = side.endpoint.isakmp_sas().collect();
        assert_eq!(sas.len(), 1, "{sas:?}");
        assert_ne!(sas[0].cookies, isakmp.cookies);
        let pairs: Vec<_> = side.endpoint.ipsec_sas().collect();
        assert_eq!(pairs.len(), 1);
        assert_eq!(pairs[0].isakmp_sa, sas[0].id);
    }
    assert_eq!(pair.alice.endpoint.ipsec_sas().next().unwrap().spi_in, ipsec.spi_in);
    assert_ne!(pair.alice.value(Label::GXy), secret, "the new phase 1 has its own Diffie-Hellman exchange");
}

#[test]
fn deletes_reach_the_other_side() {
    let mut pair = Pair::new(|_| {});
    pair.establish();
    let sa = pair.alice.endpoint.ipsec_sas().next().unwrap().id;
    pair.alice.endpoint.delete_ipsec_sa(pair.now, sa).unwrap();
    pair.run(pair.now + Duration::from_secs(1));
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (0, 0));
    let sa = pair.bob.endpoint.isakmp_sas().next().unwrap().id;
    pair.bob.endpoint.delete_isakmp_sa(pair.now, sa).unwrap();
    pair.run(pair.now + Duration::from_secs(1));
    assert_eq!((pair.alice.isakmp_count(), pair.bob.isakmp_count()), (0, 0));
    assert!(
        pair.alice
            .events
            .iter()
            .any(|event| matches!(event, Event::IsakmpSaDeleted { reason: DeleteReason::PeerDeleted, .. }))
    );
}

/// Alice and Bob with ESP and AH in one bundle.
fn bundled() -> Pair {
    Pair::new(|peer| {
        peer.nat_traversal = NatTraversal::Off;
        let integrity = peer.ipsec[0].transforms[0].integrity;
        let transforms = vec![IpsecTransform::new(None, integrity)];
        peer.ipsec[0].bundle = vec![BundledProtocol { protocol: IpsecProtocol::Ah, transforms }];
    })
}

#[test]
fn a_bundle_gives_a_pair_for_each_protocol_and_both_protect_a_packet() {
    let mut pair = bundled();
    pair.establish();
    let alice: Vec<_> = pair.alice.endpoint.ipsec_sas().collect();
    let bob: Vec<_> = pair.bob.endpoint.ipsec_sas().collect();
    assert_eq!(alice.iter().map(|sa| sa.protocol.0).collect::<Vec<_>>(), [3, 2]);
    for (a, b) in alice.iter().zip(&bob) {
        assert_eq!((a.protocol, a.spi_in, a.spi_out), (b.protocol, b.spi_out, b.spi_in));
        assert_eq!(a.bundle, [alice[0].id, alice[1].id]);
    }
    for sa in &alice {
        pair.alice.endpoint.send_packet(pair.now, sa.id, 4, b"an inner packet").unwrap();
    }
    pair.run(pair.now + Duration::from_secs(1));
    let bob: Vec<_> = pair.bob.endpoint.ipsec_sas().map(|sa| sa.packets_in).collect();
    assert_eq!(bob, [2, 2], "each packet is one of both protocols");
}

#[test]
fn a_bundle_is_replaced_and_deleted_as_a_whole() {
    let mut pair = bundled();
    pair.establish();
    let old = pair.alice.endpoint.ipsec_sas().nth(1).unwrap();
    pair.alice.endpoint.rekey_ipsec_sa(pair.now, old.id).unwrap();
    pair.run(pair.now + Duration::from_secs(10));
    for side in [&pair.alice, &pair.bob] {
        let left: Vec<_> = side.endpoint.ipsec_sas().collect();
        assert_eq!(left.len(), 2);
        assert!(left.iter().all(|sa| sa.spi_in != old.spi_in && sa.spi_out != old.spi_in));
    }
    let new = pair.bob.endpoint.ipsec_sas().next().unwrap();
    pair.bob.endpoint.delete_ipsec_sa(pair.now, new.id).unwrap();
    pair.run(pair.now + Duration::from_secs(1));
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (0, 0));
}

#[test]
fn an_esp_packet_without_the_ah_of_its_bundle_is_refused() {
    let mut pair = bundled();
    pair.establish();
    let esp = pair.bob.endpoint.ipsec_sas().next().unwrap();
    let mut payload = esp.spi_in.to_be_bytes().to_vec();
    payload.extend([0; 60]);
    let datagram = Datagram {
        ip_protocol: IP_ESP,
        local: "192.0.2.2:0".parse().unwrap(),
        remote: "192.0.2.1:0".parse().unwrap(),
        payload: payload.into(),
    };
    pair.bob.endpoint.handle_datagram(pair.now, &datagram);
    let refused = loop {
        match pair.bob.endpoint.poll_output() {
            Output::Event(Event::PacketRejected { error, .. }) => break Some(error),
            Output::Timeout(_) | Output::Idle => break None,
            _ => {}
        }
    };
    assert_eq!(refused, Some(EspError::NotOfBundle));
}
