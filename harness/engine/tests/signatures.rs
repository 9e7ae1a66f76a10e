//! Phase 1 authenticated by signatures (RFC 2409 section 5.1, RFC 4754), on every crypto provider.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests are named by what they show, and fail by panicking"
)]

mod common;

use std::sync::Arc;

use bytes::Bytes;
use common::{From, Pair, credentials};
use ikev1::config::{AuthenticationMethod, Phase1Mode, SendCertificate};
use ikev1::crypto::{Group, HashAlgorithm, KeyType, PrivateKey, providers};
use ikev1::io::Timestamp;
use ikev1::keylog::Label;
use ikev1::pki::{Credentials, TrustStore, UnixTime};
use ikev1::wire::{Header, PayloadType, Trailing, WireLimits, decode_chain};
use rstest::rstest;

use AuthenticationMethod as Method;

const COMPARED: [Label; 8] = [
    Label::GXy,
    Label::Skeyid,
    Label::SkeyidD,
    Label::Ka,
    Label::HashI,
    Label::HashR,
    Label::SigI,
    Label::SigR,
];

/// Each side's IPsec SAs, after a while.
fn counts(pair: &mut Pair) -> (usize, usize) {
    pair.alice.endpoint.initiate(pair.now, "peer", "net").unwrap();
    pair.run(Timestamp::from_secs(200));
    (pair.alice.ipsec_count(), pair.bob.ipsec_count())
}

#[rstest]
fn both_sides_derive_and_verify_the_same(
    #[values(Phase1Mode::Main, Phase1Mode::Aggressive)] mode: Phase1Mode,
    #[values(
        Method::RsaSignature,
        Method::DssSignature,
        Method::EcdsaP256,
        Method::EcdsaP384,
        Method::EcdsaP521
    )]
    method: Method,
    #[values(HashAlgorithm::Md5, HashAlgorithm::Sha1, HashAlgorithm::Sha2_512)] hash: HashAlgorithm,
) {
    let mut signatures = Vec::new();
    for provider in providers() {
        let mut pair = Pair::with(*provider, |who, peer| {
            peer.mode = mode;
            (peer.phase1[0].hash, peer.phase1[0].group) = (hash, Group::Modp768);
            credentials::raw_keys(who, peer, method);
        });
        assert_eq!(counts(&mut pair), (1, 1), "{:?}", pair.bob.refusals());
        for label in COMPARED {
            let value = pair.alice.value(label);
            assert!(value.is_some(), "{label}");
            assert_eq!(value, pair.bob.value(label), "{label}");
        }
        // HASH_I and HASH_R are of the hash that the signature is tied to, if it is to one.
        let signed = method.tied_hash().unwrap_or(hash);
        assert_eq!(pair.alice.value(Label::HashI).unwrap().len(), signed.output_len());
        signatures.push((pair.alice.value(Label::SigI), pair.alice.value(Label::SigR)));
    }
    assert!(signatures.windows(2).all(|two| two[0] == two[1]), "every provider makes the same");
}

#[rstest]
fn a_signature_of_another_key_authenticates_nobody(
    #[values(Phase1Mode::Main, Phase1Mode::Aggressive)] mode: Phase1Mode,
    #[values(From::Alice, From::Bob)] liar: From,
) {
    let mut pair = Pair::with(ikev1::crypto::default_provider(), |who, peer| {
        peer.mode = mode;
        credentials::raw_keys(who, peer, Method::RsaSignature);
        if who == liar {
            let foreign = include_str!("fixtures/pki/keys/rsa-1024.pem");
            peer.credentials = Some(Credentials::raw(PrivateKey::from_pem(foreign).unwrap()));
        }
    });
    assert_eq!(counts(&mut pair), (0, 0));
    let deceived = if liar == From::Alice { &pair.bob } else { &pair.alice };
    assert_eq!(deceived.isakmp_count(), 0);
    assert!(!deceived.refusals().is_empty());
    assert_eq!(deceived.endpoint.isakmp_sas().count(), 0, "what was half open is forgotten");
}

/// The key type decides, so a key of another algorithm is neither offered nor taken.
#[test]
fn a_key_of_another_algorithm_offers_nothing() {
    let mut pair = Pair::with(ikev1::crypto::reference(), |who, peer| {
        credentials::raw_keys(who, peer, Method::RsaSignature);
        if who == From::Alice {
            let foreign = include_str!("fixtures/pki/keys/ecdsa-p256.pem");
            let key = PrivateKey::from_pem(foreign).unwrap();
            assert_eq!(key.key_type(), KeyType::EcdsaP256);
            peer.credentials = Some(Credentials::raw(key));
        }
    });
    assert!(pair.alice.endpoint.initiate(pair.now, "peer", "net").is_err());
    pair.drain();
    assert!(pair.sent.is_empty());
}

/// A pair whose identities are names in certificates, in the year 2026.
fn certified(mode: Phase1Mode, adjust: impl Fn(From, &mut ikev1::config::PeerConfig)) -> Pair {
    Pair::at(UnixTime(1_782_864_000), ikev1::crypto::default_provider(), |who, peer| {
        peer.mode = mode;
        credentials::certificates(who, peer, Method::RsaSignature);
        adjust(who, peer);
    })
}

#[rstest]
fn certificates_go_along_when_they_are_asked_for(
    #[values(Phase1Mode::Main, Phase1Mode::Aggressive)] mode: Phase1Mode,
    #[values(true, false)] asks: bool,
) {
    let mut pair = certified(mode, |_, peer| peer.request_certificate = asks);
    let expected = if asks { (1, 1) } else { (0, 0) };
    assert_eq!(counts(&mut pair), expected, "{:?}", pair.bob.refusals());
    let types = payload_types(&pair);
    assert_eq!(types.contains(&PayloadType::CERT_REQUEST), asks);
    assert_eq!(types.contains(&PayloadType::CERT), asks);
}

#[rstest]
fn under_a_pre_shared_key_no_certificate_is_asked_for_or_shown(
    #[values(Phase1Mode::Main, Phase1Mode::Aggressive)] mode: Phase1Mode,
) {
    let mut pair = certified(mode, |_, peer| {
        peer.phase1[0].authentication = Method::PreSharedKey;
        peer.request_certificate = true;
        peer.send_certificate = SendCertificate::Always;
    });
    assert_eq!(counts(&mut pair), (1, 1), "{:?}", pair.bob.refusals());
    let types = payload_types(&pair);
    assert!(!types.contains(&PayloadType::CERT_REQUEST), "{types:?}");
    assert!(!types.contains(&PayloadType::CERT), "{types:?}");
}

/// The payloads of every message of phase 1, whoever sent it.
fn payload_types(pair: &Pair) -> Vec<PayloadType> {
    let clear = pair.sent.iter().map(|(_, datagram)| datagram.payload.to_vec());
    let opened = [&pair.alice, &pair.bob].map(|side| side.plain.lock().unwrap().clone());
    let mut types = Vec::new();
    for message in clear.chain(opened.concat()) {
        let message = Bytes::from(message);
        let header = Header::decode(&message).unwrap();
        let body = message.slice(Header::LEN..);
        // What is still encrypted does not read as a chain.
        if let Ok(chain) = decode_chain(header.next_payload, &body, Trailing::Padding, &WireLimits::default())
        {
            types.extend(chain.payloads.iter().map(|payload| payload.payload_type));
        }
    }
    types
}

#[rstest]
fn a_certificate_that_is_sent_unasked_is_taken(
    #[values(Phase1Mode::Main, Phase1Mode::Aggressive)] mode: Phase1Mode,
) {
    let mut pair = certified(mode, |_, peer| {
        peer.request_certificate = false;
        peer.send_certificate = SendCertificate::Always;
    });
    assert_eq!(counts(&mut pair), (1, 1), "{:?}", pair.bob.refusals());
}

#[rstest]
fn a_certificate_of_an_authority_that_is_not_trusted_is_refused(
    #[values(Phase1Mode::Main, Phase1Mode::Aggressive)] mode: Phase1Mode,
    #[values(From::Alice, From::Bob)] doubter: From,
) {
    let mut pair = certified(mode, |who, peer| {
        peer.send_certificate = SendCertificate::Always;
        if who == doubter {
            peer.trust = Arc::new(TrustStore::default());
        }
    });
    assert_eq!(counts(&mut pair), (0, 0));
    let side = if doubter == From::Alice { &pair.alice } else { &pair.bob };
    assert_eq!(side.isakmp_count(), 0);
    assert!(!side.refusals().is_empty());
}

/// Without a calendar nobody can tell whether a certificate is valid.
#[test]
fn without_a_calendar_certificates_are_refused() {
    let mut pair = Pair::with(ikev1::crypto::default_provider(), |who, peer| {
        credentials::certificates(who, peer, Method::RsaSignature);
    });
    assert_eq!(counts(&mut pair), (0, 0));
}
