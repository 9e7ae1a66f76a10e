//! Extended authentication, hybrid authentication and Mode-Config between two endpoints.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests are named by what they show, and fail by panicking"
)]

mod common;

use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr};

use common::{From, Pair, Side};
use ikev1::config::{
    AddressPool, AuthenticationMethod, ConfigHost, ConfigMethod, ConfigServer, ExtendedAuthentication,
    ModeConfig, PeerConfig, Phase1Mode, XauthPart, XauthPhase1, XauthRound, XauthServer, XauthUser,
};
use ikev1::crypto::{CryptoProvider, Group, providers, reference};
use ikev1::event::{DeleteReason, Event, IsakmpSaId};
use ikev1::io::{IP_UDP, Timestamp};
use ikev1::keylog::Label;
use ikev1::keys;
use ikev1::wire::{
    AttributesPayload, ConfigAttribute, ConfigItem, ConfigType, ExchangeType, Flags, Header, Identification,
    MessageId, Payload, XauthType, dissect,
};
use rstest::rstest;

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 3, 0, 7);

fn host(password: &str) -> ExtendedAuthentication {
    ExtendedAuthentication {
        phase1: XauthPhase1::Both,
        part: XauthPart::IpsecHost(XauthUser::with_password("joe", password)),
    }
}

fn edge(rounds: Vec<XauthRound>, retries: u8) -> ExtendedAuthentication {
    let users = vec![XauthUser::with_password("joe", "foobar"), XauthUser::with_password("ann", "secret")];
    ExtendedAuthentication {
        phase1: XauthPhase1::Both,
        part: XauthPart::EdgeDevice(XauthServer { rounds, users, retries, any_identifier: false }),
    }
}

fn config_host(method: ConfigMethod) -> Option<ModeConfig> {
    let wishes = vec![
        ConfigAttribute::INTERNAL_IP4_ADDRESS,
        ConfigAttribute::INTERNAL_IP4_NETMASK,
        ConfigAttribute::INTERNAL_IP4_DNS,
    ];
    Some(ModeConfig::Host(ConfigHost { method, wishes, assigned_client: true }))
}

fn config_server(method: ConfigMethod) -> Option<ModeConfig> {
    Some(ModeConfig::EdgeDevice(ConfigServer {
        method,
        pool: Some(AddressPool { first: ADDRESS, last: Ipv4Addr::new(10, 3, 0, 8) }),
        items: vec![
            ConfigItem::Netmask(IpAddr::from([255, 255, 255, 0])),
            ConfigItem::Dns(IpAddr::from([10, 3, 0, 53])),
            ConfigItem::Nbns(IpAddr::from([10, 3, 0, 42])),
        ],
        assigned_client: true,
    }))
}

/// Alice is the host, bob the edge device.
fn pair(adjust: impl Fn(From, &mut PeerConfig)) -> Pair {
    pair_on(reference(), adjust)
}

fn pair_on(provider: &'static dyn CryptoProvider, adjust: impl Fn(From, &mut PeerConfig)) -> Pair {
    Pair::with(provider, |who, peer| {
        peer.phase1[0].group = Group::Modp768;
        adjust(who, peer);
    })
}

fn xauth_pair(password: &str, rounds: Vec<XauthRound>, retries: u8) -> Pair {
    pair(|who, peer| {
        let edge = edge(rounds.clone(), retries);
        peer.extended_authentication = Some(if who == From::Alice { host(password) } else { edge });
    })
}

fn outcome(side: &Side) -> Option<(Option<String>, bool)> {
    side.events.iter().rev().find_map(|event| match event {
        Event::ExtendedAuthentication { user, passed, .. } => Some((user.clone(), *passed)),
        _ => None,
    })
}

fn configured(side: &Side) -> Option<Vec<ConfigItem>> {
    side.events.iter().rev().find_map(|event| match event {
        Event::Configured { items, .. } | Event::ConfigurationGiven { items, .. } => Some(items.clone()),
        _ => None,
    })
}

fn deleted(side: &Side) -> Vec<DeleteReason> {
    let reason = |event: &Event| match event {
        Event::IsakmpSaDeleted { reason, .. } => Some(*reason),
        _ => None,
    };
    side.events.iter().filter_map(reason).collect()
}

/// The ATTR payloads that a side sent, decrypted.
fn sent(side: &Side) -> Vec<AttributesPayload> {
    let mut all = Vec::new();
    for message in side.plain.lock().unwrap().iter() {
        let header = Header::decode(message).unwrap();
        if header.exchange_type == ExchangeType::TRANSACTION {
            let body = bytes::Bytes::copy_from_slice(&message[Header::LEN..]);
            let limits = ikev1::wire::WireLimits::default();
            let trailing = ikev1::wire::Trailing::Padding;
            let chain = ikev1::wire::decode_chain(header.next_payload, &body, trailing, &limits).unwrap();
            all.extend(chain.iter().filter_map(|payload| match payload {
                Payload::Attributes(attributes) => Some(attributes.clone()),
                _ => None,
            }));
        }
    }
    all
}

fn exchanges(pair: &Pair, from: From) -> Vec<ExchangeType> {
    let of = |(who, datagram): &(From, ikev1::io::Datagram)| {
        (*who == from).then(|| Header::decode(&datagram.payload).unwrap().exchange_type)
    };
    pair.sent.iter().filter_map(of).collect()
}

#[rstest]
#[case::main_mode(Phase1Mode::Main)]
#[case::aggressive_mode(Phase1Mode::Aggressive)]
fn a_user_with_the_right_password_gets_in(#[case] mode: Phase1Mode) {
    for provider in providers() {
        let mut pair = pair_on(*provider, |who, peer| {
            peer.mode = mode;
            let edge = edge(vec![XauthRound::name_and_password()], 0);
            peer.extended_authentication = Some(if who == From::Alice { host("foobar") } else { edge });
        });
        pair.establish();
        assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
        for side in [&pair.alice, &pair.bob] {
            assert_eq!(outcome(side), Some((Some("joe".into()), true)));
            assert!(side.refusals().is_empty(), "{:?}", side.refusals());
        }
        let types = |side| sent(side).iter().map(|a| a.message_type).collect::<Vec<_>>();
        assert_eq!(types(&pair.bob), [ConfigType::REQUEST, ConfigType::SET]);
        assert_eq!(types(&pair.alice), [ConfigType::REPLY, ConfigType::ACK]);
        let identifiers: std::collections::BTreeSet<_> =
            sent(&pair.alice).iter().chain(&sent(&pair.bob)).map(|a| a.identifier).collect();
        assert_eq!(identifiers.len(), 1, "one transaction has one identifier");
        let first = dissect(&pair.sent[0].1.payload, false);
        let method = first.field("sa.proposal[0].transform[0].attribute[3].value");
        assert_eq!(
            method.map(|field| format!("{:?}", field.value).contains("65001")),
            Some(true),
            "{method:?}"
        );
    }
}

#[rstest]
#[case::at_once(0, 1)]
#[case::after_two_retries(2, 3)]
fn a_user_with_a_wrong_password_does_not(#[case] retries: u8, #[case] requests: usize) {
    let mut pair = xauth_pair("wrong", vec![XauthRound::name_and_password()], retries);
    pair.establish();
    let asked = sent(&pair.bob).iter().filter(|a| a.message_type == ConfigType::REQUEST).count();
    assert_eq!(asked, requests);
    for side in [&pair.alice, &pair.bob] {
        assert_eq!(outcome(side), Some((None, false)));
        assert_eq!((side.isakmp_count(), side.ipsec_count()), (0, 0));
    }
    let status = sent(&pair.bob).last().unwrap().attribute(ConfigAttribute::XAUTH_STATUS).unwrap().as_short();
    assert_eq!(status, Some(0));
    assert_eq!(deleted(&pair.alice), [DeleteReason::UserNotAuthenticated]);
    assert!(!exchanges(&pair, From::Alice).contains(&ExchangeType::QUICK_MODE));
}

#[test]
fn a_user_known_from_before_is_not_asked() {
    let mut pair = xauth_pair("whatever", Vec::new(), 0);
    pair.establish();
    assert_eq!(sent(&pair.bob).len(), 1);
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
}

#[test]
fn a_host_that_cannot_answer_gives_up() {
    let round =
        XauthRound { asked: vec![ConfigAttribute::XAUTH_PASSCODE], ..XauthRound::name_and_password() };
    let mut pair = xauth_pair("foobar", vec![round], 3);
    pair.establish();
    assert_eq!((sent(&pair.bob).len(), sent(&pair.alice).len()), (1, 1), "nothing is said after FAIL");
    assert_eq!((pair.alice.isakmp_count(), pair.bob.isakmp_count()), (0, 0));
}

#[test]
fn a_message_is_shown_and_a_challenge_hides_the_password() {
    let round = XauthRound {
        xauth_type: Some(XauthType::RADIUS_CHAP),
        message: Some("Welcome".into()),
        ..XauthRound::name_and_password()
    };
    let mut pair = xauth_pair("foobar", vec![round], 0);
    pair.establish();
    assert_eq!(pair.bob.ipsec_count(), 1);
    let shown = pair
        .alice
        .events
        .iter()
        .any(|e| matches!(e, Event::MessageForUser { message, .. } if message == "Welcome"));
    assert!(shown);
    let plain = pair.alice.plain.lock().unwrap();
    assert!(!plain.iter().any(|message| message.windows(6).any(|bytes| bytes == b"foobar")));
}

#[test]
fn quick_mode_is_refused_until_the_user_is_authenticated() {
    let mut pair = xauth_pair("foobar", vec![XauthRound::name_and_password()], 0);
    // The host's replies are lost.
    pair.link = Box::new(|from, _, datagram| {
        let exchange = Header::decode(&datagram.payload).unwrap().exchange_type;
        if from == From::Alice && exchange == ExchangeType::TRANSACTION { Vec::new() } else { vec![datagram] }
    });
    pair.alice.endpoint.initiate_phase1(pair.now, "peer").unwrap();
    pair.run(Timestamp::from_millis(500));
    let sa = pair.alice.endpoint.isakmp_sas().next().unwrap().id;
    pair.alice.endpoint.initiate_quick_mode(pair.now, sa, "net").unwrap();
    pair.run(Timestamp::from_millis(900));
    assert_eq!(pair.bob.refusals(), ["the user is not authenticated yet"]);
    assert!(!exchanges(&pair, From::Bob).contains(&ExchangeType::QUICK_MODE));
    // Once the link is whole, both go on where they are.
    pair.link = Box::new(|_, _, datagram| vec![datagram]);
    pair.run(Timestamp::from_secs(20));
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
}

#[test]
fn an_edge_device_without_answer_deletes_the_sa() {
    let mut pair = xauth_pair("foobar", vec![XauthRound::name_and_password()], 0);
    pair.link = Box::new(|from, _, datagram| {
        let exchange = Header::decode(&datagram.payload).unwrap().exchange_type;
        if from == From::Alice && exchange == ExchangeType::TRANSACTION { Vec::new() } else { vec![datagram] }
    });
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair.run(Timestamp::from_secs(100));
    assert_eq!(deleted(&pair.bob), [DeleteReason::UserNotAuthenticated]);
    assert_eq!((pair.alice.isakmp_count(), pair.bob.isakmp_count()), (0, 0));
}

#[test]
fn a_host_that_is_never_asked_gives_up_in_time() {
    let mut pair = pair(|who, peer| {
        if who == From::Alice {
            peer.extended_authentication = Some(host("foobar"));
        } else {
            peer.extended_authentication = Some(edge(vec![XauthRound::name_and_password()], 0));
        }
    });
    pair.link = Box::new(|_, _, datagram| {
        let exchange = Header::decode(&datagram.payload).unwrap().exchange_type;
        if exchange == ExchangeType::TRANSACTION { Vec::new() } else { vec![datagram] }
    });
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair.run(Timestamp::from_secs(100));
    assert_eq!(pair.alice.isakmp_count(), 0);
}

#[test]
fn the_user_can_be_asked_again_and_loses_everything_by_a_wrong_answer() {
    let mut pair = xauth_pair("foobar", vec![XauthRound::name_and_password()], 0);
    pair.establish();
    let sa = pair.bob.endpoint.isakmp_sas().next().unwrap().id;
    pair.bob.endpoint.authenticate_user(pair.now, sa).unwrap();
    pair.run(pair.now + Duration::from_secs(1));
    assert_eq!((pair.bob.isakmp_count(), pair.bob.ipsec_count()), (1, 1), "the password is still right");
    pair.link = Box::new(|from, _, datagram| {
        let exchange = Header::decode(&datagram.payload).unwrap().exchange_type;
        if from == From::Alice && exchange == ExchangeType::TRANSACTION { Vec::new() } else { vec![datagram] }
    });
    pair.bob.endpoint.authenticate_user(pair.now, sa).unwrap();
    pair.run(pair.now + Duration::from_secs(100));
    assert_eq!((pair.bob.isakmp_count(), pair.bob.ipsec_count()), (0, 0));
    assert_eq!((pair.alice.isakmp_count(), pair.alice.ipsec_count()), (0, 0), "the deletes arrive");
    assert!(pair.bob.endpoint.authenticate_user(pair.now, IsakmpSaId(99)).is_err());
}

#[test]
fn a_phase_1_that_replaces_another_asks_again() {
    let mut pair = xauth_pair("foobar", vec![XauthRound::name_and_password()], 0);
    pair.establish();
    let old = pair.alice.endpoint.isakmp_sas().next().unwrap().id;
    pair.alice.endpoint.rekey_isakmp_sa(pair.now, old).unwrap();
    pair.run(pair.now + Duration::from_secs(10));
    assert_eq!(sent(&pair.bob).iter().filter(|a| a.message_type == ConfigType::SET).count(), 2);
    for side in [&pair.alice, &pair.bob] {
        assert_eq!((side.isakmp_count(), side.ipsec_count()), (1, 1));
    }
}

#[test]
fn an_offer_without_extended_authentication_is_refused() {
    let mut pair = pair(|who, peer| {
        if who == From::Bob {
            peer.extended_authentication = Some(edge(Vec::new(), 0));
        }
    });
    pair.establish();
    assert!(pair.bob.refusals()[0].contains("extended authentication"), "{:?}", pair.bob.refusals());
    assert_eq!(pair.bob.isakmp_count(), 0);
}

#[test]
fn the_edge_device_may_initiate() {
    let mut pair = pair(|who, peer| {
        let edge = edge(vec![XauthRound::name_and_password()], 0);
        peer.extended_authentication = Some(if who == From::Bob { host("foobar") } else { edge });
    });
    pair.establish();
    let first = dissect(&pair.sent[0].1.payload, false);
    let method = first.field("sa.proposal[0].transform[0].attribute[3].value").unwrap();
    assert!(format!("{:?}", method.value).contains("65002"), "{method:?}");
    assert_eq!(outcome(&pair.bob), Some((Some("joe".into()), true)));
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
}

#[rstest]
#[case::pull(ConfigMethod::Pull)]
#[case::push(ConfigMethod::Push)]
fn a_host_is_configured_before_quick_mode_and_uses_its_address(#[case] method: ConfigMethod) {
    let mut pair = pair(|who, peer| {
        let (host, server) = (config_host(method), config_server(method));
        peer.mode_config = if who == From::Alice { host } else { server };
    });
    pair.establish();
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
    for side in [&pair.alice, &pair.bob] {
        let items = configured(side).unwrap();
        assert!(items.contains(&ConfigItem::Address(ADDRESS.into())), "{items:?}");
        assert!(items.contains(&ConfigItem::Dns(IpAddr::from([10, 3, 0, 53]))), "{items:?}");
        let nbns = items.contains(&ConfigItem::Nbns(IpAddr::from([10, 3, 0, 42])));
        assert_eq!(nbns, method == ConfigMethod::Push, "told only if asked for, or unasked");
    }
    let plain = pair.alice.plain.lock().unwrap();
    let quick = plain.iter().find(|message| message[18] == ExchangeType::QUICK_MODE.0).unwrap();
    let id = dissect(quick, false);
    assert!(id.fields.iter().any(|field| field.path == "id.data" && field.len == 4), "{id:?}");
    let address = Payload::Identification(Identification::ipv4(ADDRESS)).encode_body();
    assert!(quick.windows(address.len()).any(|bytes| bytes == address));
}

#[test]
fn configuration_follows_extended_authentication() {
    let mut pair = pair(|who, peer| {
        let edge = edge(vec![XauthRound::name_and_password()], 0);
        peer.extended_authentication = Some(if who == From::Alice { host("foobar") } else { edge });
        let (host, server) = (config_host(ConfigMethod::Pull), config_server(ConfigMethod::Pull));
        peer.mode_config = if who == From::Alice { host } else { server };
    });
    pair.establish();
    let types: Vec<_> = sent(&pair.alice).iter().map(|a| a.message_type).collect();
    assert_eq!(types, [ConfigType::REPLY, ConfigType::ACK, ConfigType::REQUEST]);
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
    let reason = |event: &Event| matches!(event, Event::IsakmpSaDeleted { .. });
    let sa = pair.alice.endpoint.isakmp_sas().next().unwrap().id;
    pair.alice.endpoint.delete_isakmp_sa(pair.now, sa).unwrap();
    pair.run(pair.now + Duration::from_secs(1));
    assert!(pair.bob.events.iter().any(reason));
    // The address is free again.
    pair.alice.endpoint.initiate_phase1(pair.now, "peer").unwrap();
    pair.run(pair.now + Duration::from_secs(1));
    assert!(configured(&pair.alice).unwrap().contains(&ConfigItem::Address(ADDRESS.into())));
}

#[test]
fn a_host_keeps_its_address_when_phase_1_is_replaced() {
    let mut pair = pair(|who, peer| {
        let (host, server) = (config_host(ConfigMethod::Pull), config_server(ConfigMethod::Pull));
        peer.mode_config = if who == From::Alice { host } else { server };
    });
    pair.establish();
    let old = pair.alice.endpoint.isakmp_sas().next().unwrap().id;
    pair.alice.endpoint.rekey_isakmp_sa(pair.now, old).unwrap();
    pair.run(pair.now + Duration::from_secs(10));
    assert_eq!(sent(&pair.alice).len(), 2);
    assert_eq!(pair.bob.isakmp_count(), 1);
    assert!(configured(&pair.alice).unwrap().contains(&ConfigItem::Address(ADDRESS.into())));
}

#[test]
fn a_request_is_answered_though_there_is_nothing_to_tell() {
    let mut pair = pair(|who, peer| {
        if who == From::Alice {
            peer.mode_config = config_host(ConfigMethod::Pull);
        }
    });
    pair.establish();
    assert_eq!(sent(&pair.bob).len(), 1);
    assert!(sent(&pair.bob)[0].attributes.is_empty());
    assert_eq!(configured(&pair.alice), Some(Vec::new()));
    assert_eq!(pair.alice.ipsec_count(), 1, "the configured client is used");
}

#[test]
fn an_assigned_address_is_no_client_where_none_is_wanted() {
    let mut pair = pair(|who, peer| {
        let (mut host, mut server) = (config_host(ConfigMethod::Pull), config_server(ConfigMethod::Pull));
        if let (Some(ModeConfig::Host(host)), Some(ModeConfig::EdgeDevice(server))) = (&mut host, &mut server)
        {
            (host.assigned_client, server.assigned_client) = (false, false);
        }
        peer.mode_config = if who == From::Alice { host } else { server };
    });
    pair.establish();
    assert!(configured(&pair.alice).unwrap().contains(&ConfigItem::Address(ADDRESS.into())));
    let net = Identification::ipv4_subnet([10, 11, 0, 0].into(), 24);
    let clients = |side: &Side| side.endpoint.ipsec_sas().next().unwrap().clients.unwrap();
    assert_eq!((clients(&pair.alice).0, clients(&pair.bob).1), (net.clone(), net));
}

/// Both hashes are `prf(SKEYID_a, M-ID | ATTR)`, computed here from what was decrypted; the IVs follow Appendix B.
#[test]
fn hashes_and_ivs_are_those_of_the_draft() {
    let mut pair = xauth_pair("foobar", vec![XauthRound::name_and_password()], 0);
    pair.establish();
    let skeyid_a = pair.alice.value(Label::SkeyidA).unwrap();
    let opened = pair.alice.opened.lock().unwrap();
    let own = pair.alice.plain.lock().unwrap();
    let mut seen = 0;
    for message in opened.iter().chain(own.iter()) {
        let header = Header::decode(message).unwrap();
        if header.exchange_type != ExchangeType::TRANSACTION {
            continue;
        }
        seen += 1;
        let dissection = dissect(message, false);
        let (hash, attributes) = (dissection.field("hash").unwrap(), dissection.field("attributes").unwrap());
        let after = &message[attributes.offset..attributes.offset + attributes.len];
        let expected = reference().prf(
            common::transform().hash,
            &skeyid_a,
            &[&header.message_id.0.to_be_bytes(), after],
        );
        assert_eq!(&message[hash.offset + 4..hash.offset + hash.len], expected.as_bytes());
    }
    assert_eq!(seen, 4);
    // The second message of an exchange starts from the last block of its first.
    let transactions: Vec<_> = pair
        .sent
        .iter()
        .map(|(_, datagram)| datagram.payload.clone())
        .filter(|payload| payload.get(18) == Some(&ExchangeType::TRANSACTION.0))
        .collect();
    let [first, second, ..] = transactions.as_slice() else { panic!("{transactions:?}") };
    let mut body = second[Header::LEN..].to_vec();
    let ka = pair.alice.value(Label::Ka).unwrap();
    let iv = keys::last_block(common::transform().cipher, &first[Header::LEN..]).unwrap();
    reference().cbc_decrypt(common::transform().cipher, &ka, iv, &mut body).unwrap();
    assert!(own.iter().any(|message| message[Header::LEN..] == body));
}

/// An attacker changes or repeats transaction messages.
#[test]
fn forged_repeated_and_clear_messages_change_nothing() {
    let mut pair = xauth_pair("foobar", vec![XauthRound::name_and_password()], 0);
    pair.link = Box::new(|_, _, datagram| {
        let transaction = datagram.payload[18] == ExchangeType::TRANSACTION.0;
        let mut forged = datagram.payload.to_vec();
        let last = forged.len() - 1;
        forged[last] ^= 1;
        let forged = ikev1::io::Datagram { payload: forged.into(), ..datagram.clone() };
        let mut clear = datagram.payload.to_vec();
        clear[19] = Flags::NONE.0;
        let clear = ikev1::io::Datagram { payload: clear.into(), ..datagram.clone() };
        if transaction { vec![forged, clear, datagram.clone(), datagram] } else { vec![datagram] }
    });
    pair.establish();
    assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
    assert_eq!(outcome(&pair.bob), Some((Some("joe".into()), true)));
    let old = pair.sent.iter().find(|(_, d)| d.payload[18] == ExchangeType::TRANSACTION.0).unwrap().clone();
    assert_eq!(old.1.ip_protocol, IP_UDP);
    let before = pair.sent.len();
    pair.deliver(From::Bob, old.1);
    pair.run(pair.now + Duration::from_secs(1));
    let answers = &pair.sent[before..];
    assert!(answers.len() <= 1, "the same answer at most");
    assert!(answers.iter().all(|(_, d)| pair.sent[..before].iter().any(|(_, s)| s.payload == d.payload)));
}

#[rstest]
#[case::unknown_type(200, "a message type that is not known")]
#[case::reply_to_nothing(2, "an answer to nothing")]
fn what_begins_no_exchange_is_discarded(#[case] message_type: u8, #[case] expected: &str) {
    let mut pair = pair(|_, _| {});
    pair.establish();
    let attributes =
        AttributesPayload { message_type: ConfigType(message_type), identifier: 1, attributes: Vec::new() };
    let message = pair.transaction(0x0102_0304, &[Payload::Attributes(attributes)]);
    let before = pair.sent.len();
    pair.inject(From::Alice, message);
    pair.run(pair.now + Duration::from_secs(1));
    assert_eq!(pair.sent.len(), before, "silence");
    assert!(pair.bob.refusals()[0].ends_with(expected), "{:?}", pair.bob.refusals());
}

#[test]
fn the_host_shows_a_hash_in_hybrid_authentication() {
    for mode in [Phase1Mode::Main, Phase1Mode::Aggressive] {
        let mut pair = pair(|who, peer| {
            peer.mode = mode;
            common::hybrid(peer, who == From::Alice);
            let edge = edge(vec![XauthRound::name_and_password()], 0);
            let side = if who == From::Alice { host("foobar") } else { edge };
            peer.extended_authentication =
                Some(ExtendedAuthentication { phase1: XauthPhase1::EdgeDevice, ..side });
        });
        pair.establish();
        assert_eq!(outcome(&pair.bob), Some((Some("joe".into()), true)), "{:?}", pair.bob.refusals());
        assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (1, 1));
        assert!(pair.alice.value(Label::SigR).is_some() && pair.alice.value(Label::SigI).is_none());
    }
}

#[test]
fn m_ids_of_all_exchanges_differ() {
    let mut pair = xauth_pair("foobar", vec![XauthRound::name_and_password()], 0);
    pair.establish();
    let mut ids: Vec<MessageId> =
        pair.sent.iter().map(|(_, d)| Header::decode(&d.payload).unwrap().message_id).collect();
    ids.retain(|id| *id != MessageId::PHASE_1);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3, "request, status, quick mode");
    assert_eq!(common::transform().authentication, AuthenticationMethod::PreSharedKey);
}
