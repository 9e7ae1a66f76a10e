//! The Commit bit of either side (RFC 2408 section 3.1).
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests are named by what they show, and fail by panicking"
)]

mod common;

use std::time::Duration;

use common::{From, Pair};
use ikev1::crypto::reference;
use ikev1::event::{DeleteReason, Event};
use ikev1::io::Datagram;
use ikev1::wire::{ExchangeType, Header, NotifyType};
use rstest::rstest;

/// Alice initiates; who sets the Commit bit.
fn pair(setters: &[From]) -> Pair {
    Pair::with(reference(), |who, peer| peer.commit_bit = setters.contains(&who))
}

/// Exchange type and flags of the messages of phase 2, in order.
fn phase2(pair: &Pair) -> Vec<(From, u8, u8)> {
    let headers =
        pair.sent.iter().map(|(from, datagram)| (*from, Header::decode(&datagram.payload).unwrap()));
    headers
        .filter(|(_, header)| header.message_id.0 != 0)
        .map(|(from, header)| (from, header.exchange_type.0, header.flags.0))
        .collect()
}

fn is(datagram: &Datagram, exchange: ExchangeType) -> bool {
    Header::decode(&datagram.payload).unwrap().exchange_type == exchange
}

fn counts(pair: &Pair) -> (usize, usize) {
    (pair.alice.ipsec_count(), pair.bob.ipsec_count())
}

#[rstest]
#[case::nobody(&[], &[(From::Alice, 32, 1), (From::Bob, 32, 1), (From::Alice, 32, 1)])]
#[case::the_responder(
    &[From::Bob],
    &[(From::Alice, 32, 1), (From::Bob, 32, 3), (From::Alice, 32, 1), (From::Bob, 5, 1)]
)]
#[case::the_initiator(
    &[From::Alice],
    &[(From::Alice, 32, 3), (From::Bob, 32, 1), (From::Alice, 32, 3), (From::Alice, 5, 1)]
)]
#[case::both_would(
    &[From::Alice, From::Bob],
    &[(From::Alice, 32, 3), (From::Bob, 32, 1), (From::Alice, 32, 3), (From::Alice, 5, 1)]
)]
fn who_sets_it_says_connected(#[case] setters: &[From], #[case] messages: &[(From, u8, u8)]) {
    let mut pair = pair(setters);
    pair.establish();
    assert_eq!(phase2(&pair), messages);
    assert_eq!(counts(&pair), (1, 1));
    pair.exchange_packets();
}

#[test]
fn connected_has_the_m_id_of_quick_mode_and_is_reported() {
    let mut pair = pair(&[From::Alice]);
    pair.establish();
    let m_ids = pair.sent.iter().map(|(_, datagram)| Header::decode(&datagram.payload).unwrap().message_id);
    let m_ids: Vec<_> = m_ids.filter(|m_id| m_id.0 != 0).collect();
    assert!(m_ids.iter().all(|m_id| *m_id == m_ids[0]));
    let connected = |event: &&Event| {
        matches!(event, Event::Notified { notify_type: NotifyType::CONNECTED, authenticated: true, .. })
    };
    assert_eq!(pair.bob.events.iter().filter(connected).count(), 1);
    // HASH(1), then a Notification payload: DOI 1, ESP, an SPI of four octets, CONNECTED, alice's SPI.
    let spi = pair.alice.endpoint.ipsec_sas().next().unwrap().spi_in;
    let sent = pair.alice.plain.lock().unwrap().last().unwrap().clone();
    let expected = format!("00000010000000010304{:04x}{spi:08x}", NotifyType::CONNECTED.0);
    assert_eq!(hex::encode(&sent[28 + 24..28 + 24 + 16]), expected);
}

#[rstest]
#[case::connected(2, 1)]
#[case::quick_mode_3_and_connected(1, 2)]
#[case::quick_mode_3(1, 1)]
fn what_is_lost_of_the_initiator_comes_again(#[case] first: usize, #[case] count: usize) {
    let mut pair = pair(&[From::Alice]);
    let mut seen = 0;
    pair.link = Box::new(move |from, _, datagram| {
        let phase2 = Header::decode(&datagram.payload).unwrap().message_id.0 != 0;
        if from == From::Bob || !phase2 {
            return vec![datagram];
        }
        seen += 1;
        if (first + 1..first + 1 + count).contains(&seen) { Vec::new() } else { vec![datagram] }
    });
    pair.establish();
    assert_eq!(counts(&pair), (1, 0), "bob waits");
    pair.run(pair.now + Duration::from_secs(10));
    assert_eq!(counts(&pair), (1, 1));
    pair.exchange_packets();
}

#[test]
fn connected_that_overtakes_quick_mode_3_is_asked_for_again() {
    let mut pair = pair(&[From::Alice]);
    let mut late: Option<Datagram> = None;
    pair.link = Box::new(move |from, _, datagram| {
        let header = Header::decode(&datagram.payload).unwrap();
        if from == From::Alice && header.exchange_type == ExchangeType::QUICK_MODE && late.is_none() {
            late = Some(datagram.clone());
            return vec![datagram];
        }
        match (&late, from, header.exchange_type) {
            (Some(first), From::Alice, ExchangeType::QUICK_MODE) if first.payload != datagram.payload => {
                // Kept back until CONNECTED is out.
                late = Some(datagram);
                Vec::new()
            }
            (Some(third), From::Alice, ExchangeType::INFORMATIONAL) => vec![datagram, third.clone()],
            _ => vec![datagram],
        }
    });
    pair.establish();
    assert_eq!(counts(&pair), (1, 0));
    pair.run(pair.now + Duration::from_secs(10));
    assert_eq!(counts(&pair), (1, 1));
}

#[test]
fn a_responder_that_hears_nothing_gives_up() {
    let mut pair = pair(&[From::Alice]);
    pair.link =
        Box::new(
            |_, _, datagram| {
                if is(&datagram, ExchangeType::INFORMATIONAL) { Vec::new() } else { vec![datagram] }
            },
        );
    pair.establish();
    pair.run(pair.now + Duration::from_secs(120));
    assert_eq!(counts(&pair), (1, 0));
    let failed = |event: &Event| matches!(event, Event::ExchangeFailed { .. });
    assert!(pair.bob.events.iter().any(failed));
}

#[test]
fn a_flag_that_the_responder_gives_back_makes_nobody_wait() {
    let mut pair = pair(&[From::Alice]);
    pair.link = Box::new(|from, _, mut datagram| {
        if from == From::Bob && is(&datagram, ExchangeType::QUICK_MODE) {
            let mut bytes = datagram.payload.to_vec();
            bytes[19] |= 2;
            datagram.payload = bytes.into();
        }
        vec![datagram]
    });
    pair.establish();
    assert_eq!(counts(&pair), (1, 1));
}

#[rstest]
#[case::heard(false, DeleteReason::Replaced)]
#[case::not_heard(true, DeleteReason::Expired)]
fn a_pair_is_replaced_once_connected_is_heard(#[case] lost: bool, #[case] expected: DeleteReason) {
    // More time between rekey and expiry than the exchange is waited for.
    let mut pair = Pair::with(reference(), |who, peer| {
        peer.commit_bit = who == From::Bob;
        peer.rekey_margin = Duration::from_secs(300);
    });
    pair.establish();
    let old = pair.alice.endpoint.ipsec_sas().next().unwrap().id;
    pair.link = Box::new(move |from, _, datagram| {
        let lost = lost && from == From::Bob && is(&datagram, ExchangeType::INFORMATIONAL);
        if lost { Vec::new() } else { vec![datagram] }
    });
    pair.run(pair.now + Duration::from_secs(1300));
    let reason = pair.alice.events.iter().find_map(|event| match event {
        Event::IpsecSaDeleted { sa, reason, .. } if *sa == old => Some(*reason),
        _ => None,
    });
    assert_eq!(reason, Some(expected));
}
