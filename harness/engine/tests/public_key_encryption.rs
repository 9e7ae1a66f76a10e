//! Authentication with public key encryption and its revised mode (RFC 2409 sections 5.2 and 5.3).
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests are named by what they show, and fail by panicking"
)]

mod common;

use std::sync::Arc;

use common::{From, Pair, credentials};
use ikev1::config::{AuthenticationMethod, Phase1Mode};
use ikev1::crypto::{CipherAlgorithm, Group, HashAlgorithm, default_provider, providers};
use ikev1::io::Timestamp;
use ikev1::keylog::Label;
use ikev1::pki::{Certificate, Credentials, TrustStore, UnixTime};
use ikev1::wire::{IdType, Identification, PayloadType};
use proptest::prelude::*;
use rstest::rstest;

use AuthenticationMethod as Method;

fn pair(mode: Phase1Mode, method: Method) -> Pair {
    Pair::with(default_provider(), |who, peer| {
        peer.mode = mode;
        peer.phase1[0].group = Group::Modp768;
        credentials::raw_keys(who, peer, method);
    })
}

/// Lets alice negotiate for a while; each side's ISAKMP SAs.
fn counts(pair: &mut Pair) -> (usize, usize) {
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair.run(Timestamp::from_secs(200));
    (pair.alice.isakmp_count(), pair.bob.isakmp_count())
}

#[rstest]
fn both_sides_derive_and_verify_the_same(
    #[values(Phase1Mode::Main, Phase1Mode::Aggressive)] mode: Phase1Mode,
    #[values(Method::RsaEncryption, Method::RevisedRsaEncryption)] method: Method,
    #[values(
        (HashAlgorithm::Md5, CipherAlgorithm::TripleDes),
        (HashAlgorithm::Sha1, CipherAlgorithm::AesCbc256),
        (HashAlgorithm::Sha2_512, CipherAlgorithm::Des)
    )]
    (hash, cipher): (HashAlgorithm, CipherAlgorithm),
) {
    for provider in providers() {
        let mut pair = Pair::with(*provider, |who, peer| {
            peer.mode = mode;
            let transform = &mut peer.phase1[0];
            (transform.hash, transform.cipher, transform.group) = (hash, cipher, Group::Modp768);
            credentials::raw_keys(who, peer, method);
        });
        assert_eq!(counts(&mut pair), (1, 1), "{:?}", pair.bob.refusals());
        let mut compared = vec![Label::GXy, Label::Skeyid, Label::Ka, Label::HashI, Label::HashR];
        if method == Method::RevisedRsaEncryption {
            compared.extend([Label::KeI, Label::KeR]);
        }
        for label in compared {
            let value = pair.alice.value(label);
            assert!(value.is_some(), "{label}");
            assert_eq!(value, pair.bob.value(label), "{label}");
        }
    }
}

/// Messages that `fixtures/public_key_encryption/make-messages.py` made without the engine.
#[rstest]
#[case::public_key_encryption(
    Method::RsaEncryption,
    include_str!("fixtures/public_key_encryption/encryption.hex")
)]
#[case::revised_mode(
    Method::RevisedRsaEncryption,
    include_str!("fixtures/public_key_encryption/revised.hex")
)]
fn opens_a_message_that_others_made(#[case] method: Method, #[case] fixture: &str) {
    let lines: Vec<_> = fixture.lines().map(|line| hex::decode(line).unwrap()).collect();
    for provider in providers() {
        let mut pair = Pair::with(*provider, |who, peer| {
            peer.mode = Phase1Mode::Aggressive;
            peer.phase1[0].group = Group::Modp768;
            credentials::raw_keys(who, peer, method);
        });
        pair.inject(From::Alice, lines[0].clone());
        pair.run(Timestamp::from_secs(1));
        assert_eq!(pair.bob.opened.lock().unwrap().first(), Some(&lines[1]), "{:?}", pair.bob.refusals());
        assert_eq!(pair.bob.value(Label::KeI).unwrap_or_default(), lines[2]);
        let answers = pair.sent.iter().filter(|(from, _)| *from == From::Bob).count();
        assert!(answers > 0, "bob answers: {:?}", pair.bob.refusals());
    }
}

/// A key of 2048 bits encrypts 245 octets in one block (RFC 2409 section 5.2); the body of an ID payload has four before
/// its data. The revised mode encrypts it under Ke_i.
#[rstest]
#[case::a_block(Method::RsaEncryption, 241, true)]
#[case::more_than_a_block(Method::RsaEncryption, 242, false)]
#[case::more_than_a_block_in_the_revised_mode(Method::RevisedRsaEncryption, 242, true)]
fn an_identity_must_fit_into_a_block(#[case] method: Method, #[case] length: usize, #[case] fits: bool) {
    let mut pair = Pair::with(default_provider(), |who, peer| {
        credentials::raw_keys(who, peer, method);
        if who == From::Alice {
            peer.local_id = Identification::new(IdType::KEY_ID, vec![7_u8; length]);
        }
    });
    assert_eq!(pair.alice.endpoint.initiate(pair.now, "peer", "net").is_ok(), fits);
    pair.drain();
    assert_eq!(pair.sent.len(), usize::from(fits));
}

/// Types and lengths of a message's payloads.
fn shape(message: &[u8]) -> Vec<(PayloadType, usize)> {
    let (mut payload, mut at, mut shape) = (message[16], 28, Vec::new());
    while payload != 0 {
        let length = usize::from(u16::from_be_bytes([message[at + 2], message[at + 3]]));
        shape.push((PayloadType(payload), length));
        (payload, at) = (message[at], at + length);
    }
    shape
}

/// Where the body of a payload stands.
fn body(message: &[u8], wanted: PayloadType) -> core::ops::Range<usize> {
    let mut at = 28;
    for (payload_type, length) in shape(message) {
        if payload_type == wanted {
            return at + 4..at + length;
        }
        at += length;
    }
    panic!("no {wanted}");
}

/// Number of the side's key message among all datagrams.
fn key_message(mode: Phase1Mode, from: From) -> usize {
    match (mode, from) {
        (Phase1Mode::Main, From::Alice) => 2,
        (Phase1Mode::Main, From::Bob) => 3,
        (Phase1Mode::Aggressive, From::Alice) => 0,
        (Phase1Mode::Aggressive, From::Bob) => 1,
    }
}

/// What bob sends in answer to alice's key message, when `change` was done to that: the shapes, until she gives up, and
/// whether he set up an SA.
fn answers(
    mode: Phase1Mode,
    method: Method,
    change: impl Fn(&mut Vec<u8>) + 'static,
) -> (Vec<(PayloadType, usize)>, usize, usize) {
    let mut pair = pair(mode, method);
    let place = key_message(mode, From::Alice);
    let mut original = None;
    pair.link = Box::new(move |from, number, mut datagram| {
        if from == From::Alice && number == place {
            original = Some(datagram.payload.clone());
        }
        // Retransmissions are changed in the same way.
        if original.as_ref() == Some(&datagram.payload) {
            let mut bytes = datagram.payload.to_vec();
            change(&mut bytes);
            datagram.payload = bytes.into();
        }
        vec![datagram]
    });
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    // Before the first retransmission: one answer.
    pair.run(Timestamp::from_millis(20));
    let of_bob: Vec<_> = pair.sent.iter().filter(|(from, _)| *from == From::Bob).collect();
    let index = if mode == Phase1Mode::Main { 1 } else { 0 };
    let answer = of_bob.get(index).map(|(_, datagram)| shape(&datagram.payload)).unwrap_or_default();
    (answer, of_bob.len(), pair.bob.isakmp_count())
}

/// A change of a payload's body.
type Change = Box<dyn Fn(&mut [u8])>;

/// Bleichenbacher's attack asks which blocks have the right padding; each of them gets the same answer.
#[rstest]
fn whatever_was_encrypted_the_answer_is_the_same(
    #[values(Phase1Mode::Main, Phase1Mode::Aggressive)] mode: Phase1Mode,
    #[values(Method::RsaEncryption, Method::RevisedRsaEncryption)] method: Method,
) {
    let (right, _, established) = answers(mode, method, |_| {});
    assert!(!right.is_empty());
    assert_eq!(established, 1);
    let mut classes: Vec<(&str, PayloadType, Change)> = vec![
        ("a bit of the nonce", PayloadType::NONCE, Box::new(|body| body[200] ^= 4)),
        ("zero for the nonce", PayloadType::NONCE, Box::new(|body| body.fill(0))),
        (
            "one for the nonce",
            PayloadType::NONCE,
            Box::new(|body| {
                body.fill(0);
                body[255] = 1;
            }),
        ),
        ("the first bit of the identity", PayloadType::ID, Box::new(|body| body[0] ^= 1)),
        ("zero for the identity", PayloadType::ID, Box::new(|body| body.fill(0))),
    ];
    if method == Method::RevisedRsaEncryption {
        classes.push((
            "padding of KE",
            PayloadType::KE,
            Box::new(|body| {
                let last = body.len() - 1;
                body[last] ^= 0x40;
            }),
        ));
        classes.push(("zero for KE", PayloadType::KE, Box::new(|body| body.fill(0))));
    }
    let mut counts = Vec::new();
    for (what, payload_type, change) in classes {
        let (answer, count, established) = answers(mode, method, move |message| {
            let range = body(message, payload_type);
            change(&mut message[range]);
        });
        assert_eq!(answer, right, "{what}");
        assert_eq!(established, 0, "{what}");
        counts.push((what, count));
    }
    assert!(counts.iter().all(|(_, count)| *count == counts[0].1), "{counts:?}");
}

/// The modulus is public: that a number is beyond it everyone can see, so its refusal tells nothing.
#[rstest]
fn a_block_beyond_the_modulus_is_refused_at_once(
    #[values(Phase1Mode::Main, Phase1Mode::Aggressive)] mode: Phase1Mode,
    #[values(Method::RsaEncryption, Method::RevisedRsaEncryption)] method: Method,
) {
    let (answer, _, established) = answers(mode, method, |message| {
        let range = body(message, PayloadType::NONCE);
        message[range].fill(0xff);
    });
    assert_eq!((answer, established), (Vec::new(), 0));
}

/// Two sides that know each other's certificates; alice's is the one given.
fn certified(mode: Phase1Mode, method: Method, of_alice: &'static str) -> Pair {
    let certificate = |pem| Certificate::from_pem(pem).unwrap();
    Pair::at(UnixTime(1_782_864_000), default_provider(), |who, peer| {
        peer.mode = mode;
        peer.phase1[0].group = Group::Modp768;
        credentials::certificates(who, peer, method);
        let of_bob = include_str!("fixtures/pki/certificates/bob.pem");
        let (own, other) = if who == From::Alice { (of_alice, of_bob) } else { (of_bob, of_alice) };
        let key = peer.credentials.as_ref().unwrap().private_key();
        let key = ikev1::crypto::PrivateKey::clone(key);
        peer.credentials = Some(Credentials::new(key, vec![certificate(own)]).unwrap());
        let trust = TrustStore { certificates: vec![certificate(other)], ..(*peer.trust).clone() };
        peer.trust = Arc::new(trust);
    })
}

/// RFC 2409 section 5.3: a certificate that is for signatures only has no key to encrypt under.
#[rstest]
fn nobody_encrypts_under_a_key_that_is_for_signatures_only(
    #[values(Phase1Mode::Main, Phase1Mode::Aggressive)] mode: Phase1Mode,
    #[values(Method::RsaEncryption, Method::RevisedRsaEncryption)] method: Method,
) {
    let of_both = include_str!("fixtures/pki/certificates/alice.pem");
    let of_signatures = include_str!("fixtures/pki/certificates/alice-usage-signature.pem");
    assert_eq!(counts(&mut certified(mode, method, of_both)), (1, 1));
    // Bob as responder answers as ever, under a key that is not alice's.
    let mut pair = certified(mode, method, of_signatures);
    counts(&mut pair);
    let established = |side: &common::Side| side.endpoint.isakmp_sas().filter(|sa| sa.established).count();
    assert_eq!((established(&pair.alice), established(&pair.bob)), (0, 0));
    assert!(pair.sent.iter().any(|(from, _)| *from == From::Bob));
    // As initiator he sends nothing.
    let mut pair = certified(mode, method, of_signatures);
    assert!(pair.bob.endpoint.initiate(pair.now, "peer", "net").is_err());
    pair.run(Timestamp::from_secs(10));
    assert!(pair.sent.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Every bit of an encrypted body counts, whoever sends it.
    #[test]
    fn a_flipped_bit_of_an_encrypted_body_is_refused(
        mode in prop::sample::select(vec![Phase1Mode::Main, Phase1Mode::Aggressive]),
        method in prop::sample::select(vec![Method::RsaEncryption, Method::RevisedRsaEncryption]),
        liar in prop::sample::select(vec![From::Alice, From::Bob]),
        payload_type in prop::sample::select(vec![PayloadType::NONCE, PayloadType::ID, PayloadType::KE]),
        octet: prop::sample::Index,
        bit in 0_u8..8,
    ) {
        let mut pair = pair(mode, method);
        let place = key_message(mode, liar);
        let mut original = None;
        pair.link = Box::new(move |from, number, mut datagram| {
            if from == liar && number == place {
                original = Some(datagram.payload.clone());
            }
            if original.as_ref() == Some(&datagram.payload) {
                let mut bytes = datagram.payload.to_vec();
                let range = body(&bytes, payload_type);
                let at = range.start + octet.index(range.len());
                bytes[at] ^= 1 << bit;
                datagram.payload = bytes.into();
            }
            vec![datagram]
        });
        pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
        pair.run(Timestamp::from_secs(100));
        prop_assert_eq!((pair.alice.ipsec_count(), pair.bob.ipsec_count()), (0, 0));
        let deceived = if liar == From::Alice { &pair.bob } else { &pair.alice };
        prop_assert_eq!(deceived.endpoint.isakmp_sas().filter(|sa| sa.established).count(), 0);
    }
}
