//! Quick mode message by message: what it says besides its SAs, which payloads it must have, which clients it is for.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests are named by what they show, and fail by panicking"
)]

mod common;

use core::net::IpAddr;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use common::{ALICE, BOB, From, Pair, Side};
use ikev1::config::{Encapsulation, NatTraversal, NatTraversalVersion, PeerConfig};
use ikev1::crypto::{Group, reference};
use ikev1::error::ExchangeError;
use ikev1::event::Event;
use ikev1::hook::{OutgoingHook, OutgoingMessage};
use ikev1::wire::edit::{Edit, apply};
use ikev1::wire::{
    Attribute, Doi, ExchangeType, Header, Identification, IpsecAttribute, NatOriginalAddress, Notification,
    NotifyType, Payload, PayloadType, ProtocolId, Trailing, WireLimits, decode_chain, dissect, encode_chain,
};
use rstest::rstest;

/// Seconds and kilobytes.
type Life = (u64, Option<u32>);

fn takes(peer: &mut PeerConfig, (seconds, kilobytes): Life) {
    peer.ipsec[0].lifetime = Duration::from_secs(seconds);
    peer.ipsec[0].lifetime_kilobytes = kilobytes;
}

/// The payloads of the quick mode messages that a side decrypted, in order.
fn quick_mode_payloads(side: &Side) -> Vec<Payload> {
    let mut found = Vec::new();
    for message in side.opened.lock().unwrap().iter() {
        let header = Header::decode(message).unwrap();
        if header.exchange_type == ExchangeType::QUICK_MODE {
            let body = Bytes::copy_from_slice(&message[Header::LEN..]);
            let limits = WireLimits::default();
            let chain = decode_chain(header.next_payload, &body, Trailing::Padding, &limits).unwrap();
            found.extend(chain.iter().cloned());
        }
    }
    found
}

/// The notifications that a side got in quick mode.
fn notifications(side: &Side) -> Vec<Notification> {
    let notification = |payload| if let Payload::Notification(it) = payload { Some(it) } else { None };
    quick_mode_payloads(side).into_iter().filter_map(notification).collect()
}

/// Seconds from now to the end of a side's IPsec SAs.
fn life_left(pair: &Pair, side: &Side) -> u64 {
    let expires = side.endpoint.ipsec_sas().next().unwrap().expires;
    let left = expires.since(pair.now);
    // The exchange itself and the second that it was run for.
    left.as_secs() + 1
}

#[rstest]
#[case::as_offered((1200, None), (1200, None), None)]
#[case::longer_than_offered((1200, None), (3600, None), None)]
#[case::shorter((1200, None), (600, None), Some("80010001 80020258"))]
#[case::traffic_where_none_was_offered(
    (1200, None), (1200, Some(5000)), Some("80010001 800204b0 80010002 80021388")
)]
#[case::less_traffic(
    (1200, Some(9000)), (1200, Some(5000)), Some("80010001 800204b0 80010002 80021388")
)]
#[case::more_traffic((1200, Some(5000)), (1200, Some(9000)), None)]
fn a_responder_says_which_life_is_shorter_than_the_offered_one(
    #[case] offered: Life,
    #[case] own: Life,
    #[case] said: Option<&str>,
) {
    let mut pair = Pair::with(reference(), |who, peer| {
        takes(peer, if who == From::Alice { offered } else { own });
        peer.responder_lifetime = true;
    });
    pair.establish();
    let bobs_spi = pair.bob.endpoint.ipsec_sas().next().unwrap().spi_in;
    let expected = said.map(|attributes| Notification {
        protocol: ProtocolId::IPSEC_ESP,
        spi: bobs_spi.to_be_bytes().to_vec().into(),
        data: hex::decode(attributes.replace(' ', "")).unwrap().into(),
        ..Notification::isakmp(NotifyType::RESPONDER_LIFETIME)
    });
    assert_eq!(notifications(&pair.alice), Vec::from_iter(expected));
    assert_eq!(notifications(&pair.bob), []);
    assert_eq!(pair.alice.refusals(), [""; 0]);
    let shorter = offered.0.min(own.0);
    assert_eq!(life_left(&pair, &pair.alice), shorter);
    assert_eq!(life_left(&pair, &pair.bob), shorter);
}

#[rstest]
#[case::told(true)]
#[case::not_told(false)]
fn a_responder_that_is_to_says_that_replays_are_detected(#[case] told: bool) {
    let mut pair = Pair::new(|peer| peer.replay_status = told);
    pair.establish();
    let bobs_spi = pair.bob.endpoint.ipsec_sas().next().unwrap().spi_in;
    let expected = told.then(|| Notification {
        protocol: ProtocolId::IPSEC_ESP,
        spi: bobs_spi.to_be_bytes().to_vec().into(),
        data: vec![0, 0, 0, 1].into(),
        ..Notification::isakmp(NotifyType::REPLAY_STATUS)
    });
    assert_eq!(notifications(&pair.alice), Vec::from_iter(expected));
    let reported = pair.alice.events.iter().filter(|event| {
        matches!(event, Event::Notified { notify_type: NotifyType::REPLAY_STATUS, authenticated: true, .. })
    });
    assert_eq!(reported.count(), usize::from(told));
}

/// Which SPI a notification has.
#[derive(Debug, Clone, Copy)]
enum About {
    /// That of the responder's inbound SA.
    ItsSa,
    /// The cookies.
    IsakmpSa,
    Other(&'static [u8]),
}

/// Puts a Notification payload at the end of quick mode 2, under HASH(2).
struct Tells {
    notification: Notification,
    about: About,
    /// What the responder has decrypted.
    received: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl OutgoingHook for Tells {
    fn outgoing(&mut self, message: &mut OutgoingMessage<'_>) {
        if (message.exchange, message.number) != (ExchangeType::QUICK_MODE, 2) {
            return;
        }
        let dissection = dissect(message.bytes, false);
        let spi = match self.about {
            About::ItsSa => dissection.bytes("sa.proposal[0].spi").unwrap().to_vec(),
            About::IsakmpSa => message.cookies.to_bytes().to_vec(),
            About::Other(spi) => spi.to_vec(),
        };
        let notification = Notification { spi: spi.into(), ..self.notification.clone() };
        let (payload_type, payload) = encode_chain(&[Payload::Notification(notification)]);
        let payloads = dissection.fields.iter().filter(|field| field.depth == 0 && field.path != "padding");
        let (at, body) = (payloads.count() - 1, payload[4..].to_vec());
        apply(message.bytes, &Edit::InsertPayload { at, payload_type, body }).unwrap();
        let quick_mode_1 = self.received.lock().unwrap().last().cloned().unwrap();
        common::rehash(message, Some(&quick_mode_1));
    }
}

/// A pair whose responder says that in quick mode 2.
fn told(notification: Notification, about: About) -> Pair {
    let mut pair = Pair::new(|_| {});
    let received = pair.bob.opened.clone();
    pair.bob.endpoint.set_outgoing_hook(Box::new(Tells { notification, about, received }));
    pair.establish();
    assert_eq!(notifications(&pair.alice).len(), 1);
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
    pair
}

/// RESPONDER-LIFETIME about ESP with this life.
fn life(seconds: u32) -> Notification {
    let (life_type, duration) = (IpsecAttribute::SA_LIFE_TYPE.0, IpsecAttribute::SA_LIFE_DURATION.0);
    let attributes = [Attribute::short(life_type, 1u16), Attribute::lifetime(duration, seconds)];
    Notification {
        protocol: ProtocolId::IPSEC_ESP,
        data: Attribute::encode_list(&attributes),
        ..Notification::isakmp(NotifyType::RESPONDER_LIFETIME)
    }
}

#[rstest]
#[case::by_the_spi(About::ItsSa, 300, 300)]
#[case::by_the_cookies(About::IsakmpSa, 300, 300)]
#[case::but_not_a_longer_one(About::ItsSa, 5000, 1200)]
fn an_initiator_takes_the_life_that_a_responder_says(
    #[case] about: About,
    #[case] said: u32,
    #[case] taken: u64,
) {
    let pair = told(life(said), about);
    assert_eq!(life_left(&pair, &pair.alice), taken);
    assert_eq!(pair.alice.refusals(), [""; 0]);
}

#[rstest]
#[case::an_unknown_spi(life(300), About::Other(&[1, 2, 3, 4]))]
#[case::no_spi(life(300), About::Other(&[]))]
#[case::another_protocol(Notification { protocol: ProtocolId::IPSEC_AH, ..life(300) }, About::ItsSa)]
#[case::cookies_of_another_protocol(Notification { protocol: ProtocolId::IPSEC_AH, ..life(300) }, About::IsakmpSa)]
#[case::no_life(Notification { data: Bytes::new(), ..life(300) }, About::ItsSa)]
#[case::an_spi_of_17_octets(Notification::isakmp(NotifyType::REPLAY_STATUS), About::Other(&[0; 17]))]
#[case::an_unknown_doi(
    Notification { doi: Doi(7), ..Notification::isakmp(NotifyType::REPLAY_STATUS) }, About::IsakmpSa
)]
#[case::an_unknown_protocol(
    Notification { protocol: ProtocolId(9), ..Notification::isakmp(NotifyType::REPLAY_STATUS) }, About::ItsSa
)]
fn a_wrong_notification_in_quick_mode_2_is_discarded_alone(
    #[case] notification: Notification,
    #[case] about: About,
) {
    let pair = told(notification, about);
    assert_eq!(pair.alice.refusals().len(), 1, "{:?}", pair.alice.refusals());
    assert_eq!(life_left(&pair, &pair.alice), 1200);
    let notified = |event: &Event| matches!(event, Event::Notified { .. });
    assert!(!pair.alice.events.iter().any(notified));
}

#[rstest]
#[case::transport_mode(
    Encapsulation::Transport,
    NatTraversal::Force,
    NatTraversalVersion::Rfc3947,
    Some(PayloadType::NAT_OA)
)]
#[case::by_a_draft(
    Encapsulation::Transport,
    NatTraversal::Force,
    NatTraversalVersion::Draft02,
    Some(PayloadType::NAT_OA_DRAFT)
)]
#[case::tunnel_mode(Encapsulation::Tunnel, NatTraversal::Force, NatTraversalVersion::Rfc3947, None)]
#[case::no_nat(Encapsulation::Transport, NatTraversal::Auto, NatTraversalVersion::Rfc3947, None)]
fn original_addresses_are_those_of_initiator_and_responder_behind_a_nat_in_transport_mode(
    #[case] encapsulation: Encapsulation,
    #[case] nat_traversal: NatTraversal,
    #[case] version: NatTraversalVersion,
    #[case] payload_type: Option<PayloadType>,
) {
    let mut pair = Pair::new(|peer| {
        peer.nat_traversal = nat_traversal;
        peer.nat_traversal_versions = vec![version];
        peer.ipsec[0].encapsulation = encapsulation;
    });
    pair.establish();
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
    let address = |ip: &str| -> IpAddr { ip.parse().unwrap() };
    let expected: Vec<Payload> = payload_type.map_or_else(Vec::new, |payload_type| {
        let draft = payload_type == PayloadType::NAT_OA_DRAFT;
        [ALICE, BOB].map(|ip| NatOriginalAddress::new(address(ip), draft).into()).into()
    });
    for side in [&pair.alice, &pair.bob] {
        let mut payloads = quick_mode_payloads(side);
        payloads.retain(|payload| matches!(payload, Payload::NatOriginalAddress(_)));
        assert_eq!(payloads, expected);
    }
}

/// Edits a message of phase 2, and computes its hash anew.
struct Edited {
    exchange: ExchangeType,
    number: u8,
    edit: Edit,
    /// What its sender has decrypted.
    received: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl OutgoingHook for Edited {
    fn outgoing(&mut self, message: &mut OutgoingMessage<'_>) {
        if (message.exchange, message.number) == (self.exchange, self.number) {
            apply(message.bytes, &self.edit).unwrap();
            let quick_mode_1 = self.received.lock().unwrap().last().cloned().filter(|_| self.number == 2);
            common::rehash(message, quick_mode_1.as_deref());
        }
    }
}

fn without(path: &str) -> Edit {
    Edit::RemovePayload { path: path.into() }
}

fn with_ke() -> Edit {
    Edit::InsertPayload { at: 3, payload_type: PayloadType::KE, body: vec![9; 128] }
}

#[rstest]
#[case::none_of_the_initiator_with_pfs(true, 1, without("ke"), "KE")]
#[case::none_of_the_responder_with_pfs(true, 2, without("ke"), "KE")]
#[case::one_of_the_initiator_without_pfs(false, 1, with_ke(), "KE")]
#[case::one_of_the_responder_without_pfs(false, 2, with_ke(), "KE")]
#[case::one_client_of_the_initiator(false, 1, without("id[1]"), "ID")]
#[case::one_client_of_the_responder(false, 2, without("id[1]"), "ID")]
#[case::three_clients_of_the_initiator(false, 1, Edit::DuplicatePayload { path: "id".into() }, "ID")]
#[case::another_client_of_the_responder(
    false, 2, Edit::Xor { path: "id.data".into(), index: 3, mask: 1 }, "identity"
)]
#[case::three_clients_of_the_responder(false, 2, Edit::DuplicatePayload { path: "id".into() }, "ID")]
fn a_payload_too_few_too_many_or_changed_sets_up_nothing(
    #[case] pfs: bool,
    #[case] number: u8,
    #[case] edit: Edit,
    #[case] payload: &str,
) {
    let mut pair = Pair::new(|peer| peer.ipsec[0].pfs = pfs.then_some(Group::Modp768));
    let sender = if number == 1 { &mut pair.alice } else { &mut pair.bob };
    let received = sender.opened.clone();
    let exchange = ExchangeType::QUICK_MODE;
    sender.endpoint.set_outgoing_hook(Box::new(Edited { exchange, number, edit, received }));
    pair.establish();
    let receiver = if number == 1 { &pair.bob } else { &pair.alice };
    assert_eq!((receiver.isakmp_count(), receiver.ipsec_count()), (1, 0));
    let refusals = receiver.refusals();
    assert!(refusals.first().is_some_and(|refusal| refusal.contains(payload)), "{refusals:?}");
}

#[test]
fn an_informational_message_with_the_m_id_of_a_quick_mode_is_no_message_of_it() {
    let mut pair = Pair::new(|_| {});
    // Quick mode 2 gets lost, so alice goes on waiting for it.
    pair.link = Box::new(|from, _, datagram| {
        let header = Header::decode(&datagram.payload).unwrap();
        let lost = from == From::Bob && header.exchange_type == ExchangeType::QUICK_MODE;
        if lost { Vec::new() } else { vec![datagram] }
    });
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair.run(pair.now + Duration::from_millis(100));
    let quick_mode = Header::decode(&pair.sent.last().unwrap().1.payload).unwrap();
    let told = Payload::Notification(Notification::isakmp(NotifyType::REPLAY_STATUS));
    let (m_id, sent) = (quick_mode.message_id, pair.sent.len());
    let message = pair.informational(m_id.0, &[told]);
    pair.inject(From::Bob, message);
    pair.drain();
    assert_eq!(pair.alice.refusals(), [ExchangeError::Replayed(m_id).to_string()]);
    assert_eq!(pair.sent.len(), sent, "nothing is said to it");
}

#[rstest]
#[case::neither(false, false, 1)]
#[case::its_own(true, false, 0)]
#[case::that_of_the_initiator(false, true, 0)]
#[case::both(true, true, 0)]
fn without_client_ids_the_responder_takes_a_policy_without_clients(
    #[case] local: bool,
    #[case] remote: bool,
    #[case] pairs: usize,
) {
    let mut pair = Pair::with(reference(), |who, peer| {
        let policy = &mut peer.ipsec[0];
        policy.local_client = policy.local_client.take().filter(|_| who == From::Bob && local);
        policy.remote_client = policy.remote_client.take().filter(|_| who == From::Bob && remote);
    });
    pair.establish();
    assert!(!quick_mode_payloads(&pair.bob).iter().any(|it| matches!(it, Payload::Identification(_))));
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (pairs, pairs));
}

#[rstest]
#[case::those_of_the_policy([11, 12], 1)]
#[case::another_on_its_own_side([11, 99], 0)]
#[case::another_on_the_side_of_the_initiator([99, 12], 0)]
#[case::both_exchanged([12, 11], 0)]
#[case::the_same_twice([99, 99], 0)]
fn the_responder_takes_a_policy_with_the_clients_that_the_initiator_names(
    #[case] named: [u8; 2],
    #[case] pairs: usize,
) {
    let mut pair = Pair::with(reference(), |who, peer| {
        if who == From::Alice {
            let [local, remote] = named.map(|n| Identification::ipv4_subnet([10, n, 0, 0].into(), 24));
            (peer.ipsec[0].local_client, peer.ipsec[0].remote_client) = (Some(local), Some(remote));
        }
    });
    pair.establish();
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (pairs, pairs));
}

#[test]
fn clients_can_be_named_otherwise_than_by_address() {
    let mut pair = Pair::with(reference(), |who, peer| {
        let names = [Identification::fqdn("left.example"), Identification::fqdn("right.example")];
        let [own, other] = if who == From::Alice { [0, 1] } else { [1, 0] };
        let policy = &mut peer.ipsec[0];
        (policy.local_client, policy.remote_client) = (Some(names[own].clone()), Some(names[other].clone()));
    });
    pair.establish();
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
}

#[rstest]
#[case::ipsec(1, 1)]
#[case::unknown(7, 0)]
fn connected_counts_under_a_known_doi_only(#[case] value: u64, #[case] pairs: usize) {
    let mut pair = Pair::with(reference(), |who, peer| peer.commit_bit = who == From::Bob);
    let edit = Edit::SetNumber { path: "notification.doi".into(), value };
    let (exchange, received) = (ExchangeType::INFORMATIONAL, Arc::default());
    pair.bob.endpoint.set_outgoing_hook(Box::new(Edited { exchange, number: 1, edit, received }));
    pair.establish();
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (pairs, 1));
}
