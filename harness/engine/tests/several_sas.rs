//! Several SA payloads in one quick mode (RFC 2409 section 5.5).
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests are named by what they show, and fail by panicking"
)]

mod common;

use std::time::Duration;

use common::{From, Pair, Side};
use ikev1::config::{FurtherSa, IntegrityAlgorithm, IpsecProtocol, IpsecTransform, PeerConfig};
use ikev1::crypto::{CipherAlgorithm, Group, HashAlgorithm, Secret, reference};
use ikev1::event::Event;
use ikev1::io::Timestamp;
use ikev1::keylog::Label;
use ikev1::wire::NotifyType;
use rstest::rstest;

fn further(cipher: CipherAlgorithm) -> FurtherSa {
    let integrity = Some(IntegrityAlgorithm::HmacSha2_256);
    let transforms =
        vec![IpsecTransform { cipher: Some(cipher), integrity, extended_sequence_numbers: false }];
    FurtherSa { protocol: IpsecProtocol::Esp, transforms, bundle: Vec::new() }
}

fn two_sas(peer: &mut PeerConfig) {
    peer.ipsec[0].further_sas = vec![further(CipherAlgorithm::AesCbc256)];
}

/// SPIs of all pairs, own and the peer's.
fn spis(side: &Side) -> Vec<(u32, u32)> {
    side.endpoint.ipsec_sas().map(|sa| (sa.spi_in, sa.spi_out)).collect()
}

fn values(side: &Side, label: Label) -> Vec<Vec<u8>> {
    let values = side.values.lock().unwrap();
    values.iter().filter(|(_, _, l, _)| *l == label).map(|(_, _, _, bytes)| bytes.clone()).collect()
}

/// Sends a packet from alice through each pair and sees that it comes out of bob's pair with the same SPIs.
fn exchange_packets(pair: &mut Pair) {
    let sas: Vec<_> = pair.alice.endpoint.ipsec_sas().collect();
    for sa in sas {
        let packet = sa.spi_out.to_be_bytes();
        pair.alice.endpoint.send_packet(pair.now, sa.id, 4, &packet).unwrap();
        pair.run(pair.now + Duration::from_millis(10));
        let bobs = pair.bob.endpoint.ipsec_sas().find(|bobs| bobs.spi_in == sa.spi_out).unwrap();
        let received = pair.bob.events.iter().any(|event| {
            matches!(event, Event::PacketReceived { sa, packet: got, .. } if *sa == bobs.id && **got == packet)
        });
        assert!(received, "no packet out of {sa:?}");
    }
}

#[rstest]
#[case::without_pfs(None)]
#[case::with_pfs(Some(Group::Modp1024))]
fn one_quick_mode_sets_up_two_pairs(#[case] pfs: Option<Group>) {
    let mut pair = Pair::new(|peer| {
        two_sas(peer);
        peer.ipsec[0].pfs.clone_from(&pfs);
    });
    pair.establish();
    let alices = spis(&pair.alice);
    assert_eq!(alices.len(), 2);
    assert_eq!(spis(&pair.bob), alices.iter().map(|(own, other)| (*other, *own)).collect::<Vec<_>>());
    // KEYMAT of each SA, by the formula: the SPI makes the difference, nonces and g(qm)^xy are shared.
    let value = |label| pair.alice.value(label).unwrap();
    let messages = pair.alice.plain.lock().unwrap().clone();
    let first = messages.iter().find(|message| message[18] == 32).unwrap();
    let second = pair.alice.opened.lock().unwrap().iter().find(|message| message[18] == 32).unwrap().clone();
    let nonces = [nonce(first), nonce(&second)];
    let g_xy = if pfs.is_some() { value(Label::QuickGXy) } else { Vec::new() };
    let expected = |spi: u32, len: usize| {
        let key = value(Label::SkeyidD);
        let seed = [g_xy.as_slice(), &[3], &spi.to_be_bytes(), &nonces[0], &nonces[1]].concat();
        let mut keymat: Vec<u8> = Vec::new();
        let mut block = Secret::new(Vec::new());
        while keymat.len() < len {
            block = reference().prf(HashAlgorithm::Sha1, &key, &[block.as_bytes(), &seed]);
            keymat.extend_from_slice(block.as_bytes());
        }
        keymat.truncate(len);
        keymat
    };
    // AES-128 with HMAC-SHA-1, and AES-256 with HMAC-SHA-256.
    let lens = [16 + 20, 32 + 32];
    let to_alice: Vec<_> = alices.iter().zip(lens).map(|((own, _), len)| expected(*own, len)).collect();
    let to_bob: Vec<_> = alices.iter().zip(lens).map(|((_, other), len)| expected(*other, len)).collect();
    for side in [&pair.alice, &pair.bob] {
        assert_eq!(values(side, Label::KeymatResponder), to_alice);
        assert_eq!(values(side, Label::KeymatInitiator), to_bob);
    }
    exchange_packets(&mut pair);
}

/// The body of the nonce payload of a message in the clear.
fn nonce(message: &[u8]) -> Vec<u8> {
    let (mut at, mut kind) = (28, message[16]);
    loop {
        let len = usize::from(u16::from_be_bytes([message[at + 2], message[at + 3]]));
        if kind == 10 {
            return message[at + 4..at + len].to_vec();
        }
        (kind, at) = (message[at], at + len);
    }
}

#[test]
fn one_pair_is_replaced_by_a_quick_mode_of_its_own() {
    let mut pair = Pair::new(two_sas);
    pair.establish();
    for side in [From::Alice, From::Bob] {
        let before = spis(&pair.alice);
        let endpoint = if side == From::Alice { &mut pair.alice.endpoint } else { &mut pair.bob.endpoint };
        let last = endpoint.ipsec_sas().last().unwrap().id;
        endpoint.rekey_ipsec_sa(pair.now, last).unwrap();
        pair.run(pair.now + Duration::from_secs(5));
        let after = spis(&pair.alice);
        assert_eq!((after.len(), pair.bob.ipsec_count()), (2, 2));
        assert_eq!(after[0], before[0]);
        assert_ne!(after[1], before[1]);
        exchange_packets(&mut pair);
    }
    // The last one has still the cipher of the second SA: KEYMAT of 64 octets.
    let lens: Vec<_> = values(&pair.alice, Label::KeymatInitiator).iter().map(Vec::len).collect();
    assert_eq!(lens, [36, 64, 64, 64]);
}

#[test]
fn both_pairs_are_replaced_before_they_expire() {
    let mut pair = Pair::new(two_sas);
    pair.establish();
    let before = spis(&pair.alice);
    pair.run(Timestamp::ZERO + Duration::from_secs(1195));
    let after = spis(&pair.alice);
    assert_eq!((after.len(), pair.bob.ipsec_count()), (2, 2));
    assert!(after.iter().all(|spis| !before.contains(spis)));
    exchange_packets(&mut pair);
}

#[test]
fn one_pair_is_deleted_and_the_other_stays() {
    let mut pair = Pair::new(two_sas);
    pair.establish();
    let before = spis(&pair.alice);
    let first = pair.bob.endpoint.ipsec_sas().next().unwrap().id;
    pair.bob.endpoint.delete_ipsec_sa(pair.now, first).unwrap();
    pair.run(pair.now + Duration::from_secs(1));
    assert_eq!(spis(&pair.alice), before[1..]);
    exchange_packets(&mut pair);
}

#[rstest]
#[case::one_of_them(Vec::new())]
#[case::another_second(vec![further(CipherAlgorithm::TripleDes)])]
fn a_responder_that_has_not_all_of_them_refuses(#[case] bobs: Vec<FurtherSa>) {
    let mut pair = Pair::with(reference(), |who, peer| {
        two_sas(peer);
        if who == From::Bob {
            peer.ipsec[0].further_sas.clone_from(&bobs);
        }
    });
    pair.establish();
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (0, 0));
    let notified = pair.alice.events.iter().any(|event| {
        matches!(
            event,
            Event::Notified { notify_type: NotifyType::NO_PROPOSAL_CHOSEN, authenticated: true, .. }
        )
    });
    assert!(notified);
}

#[test]
fn more_sa_payloads_than_the_limit_are_refused() {
    let mut pair = Pair::new(|peer| {
        peer.ipsec[0].further_sas = vec![further(CipherAlgorithm::AesCbc256); 8];
    });
    pair.establish();
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (0, 0));
    assert!(pair.bob.refusals().iter().any(|why| why.contains("more than 8 SA payloads")));
}
