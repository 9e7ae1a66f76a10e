//! Which of several configured peers a responder speaks with: by address, offer, and identity (RFC 2409 section 5).
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests are named by what they show, and fail by panicking"
)]

mod common;

use core::time::Duration;
use std::sync::Arc;

use common::{ALICE, BOB, From, Pair, credentials, peer_config};
use ikev1::config::{AuthenticationMethod, NameCertificate, PeerConfig, Phase1Mode};
use ikev1::crypto::{CipherAlgorithm, Secret, reference};
use ikev1::pki::{Credentials, TrustStore, UnixTime};
use ikev1::wire::Identification;
use rstest::rstest;

/// When the certificates of the fixtures are valid.
const VALID: UnixTime = UnixTime(1_800_000_000);

/// A peer of bob's with a pre-shared key of its own; `remote_id` is the identity that it expects.
fn peer(name: &str, remote_id: Option<Identification>) -> PeerConfig {
    PeerConfig { name: name.into(), pre_shared_key: key_of(name), remote_id, ..peer_config(BOB, ALICE) }
}

fn key_of(name: &str) -> Secret {
    Secret::new(name.as_bytes().to_vec())
}

/// Alice, who has the key that bob has for the peer of that name.
fn alice(key: &str) -> PeerConfig {
    PeerConfig { pre_shared_key: key_of(key), ..peer_config(ALICE, BOB) }
}

fn fqdn(name: &str) -> Identification {
    Identification::fqdn(name)
}

fn set_cipher(peer: &mut PeerConfig, cipher: CipherAlgorithm) {
    peer.phase1[0].cipher = cipher;
}

/// The name of the peer that bob has set up phase 1 with, or else `nobody` and why.
fn chosen(alice: PeerConfig, bob: Vec<PeerConfig>) -> String {
    let mut pair = Pair::of(Some(VALID), reference(), alice, bob);
    pair.alice.endpoint.initiate_phase1(pair.now, "peer").unwrap();
    pair.run(pair.now + Duration::from_millis(900));
    let established = pair.bob.endpoint.isakmp_sas().find(|sa| sa.established);
    established.map_or_else(|| format!("nobody: {}", pair.bob.refusals().join("; ")), |sa| sa.peer)
}

#[rstest]
#[case::the_first("3des", CipherAlgorithm::TripleDes)]
#[case::the_second("aes", CipherAlgorithm::AesCbc128)]
fn main_mode_with_a_pre_shared_key_goes_by_the_offer(#[case] name: &str, #[case] cipher: CipherAlgorithm) {
    let mut bob = vec![peer("3des", None), peer("aes", None)];
    set_cipher(&mut bob[0], CipherAlgorithm::TripleDes);
    let mut alice = alice(name);
    set_cipher(&mut alice, cipher);
    assert_eq!(chosen(alice, bob), name);
}

#[rstest]
#[case::main_mode("main", Phase1Mode::Main)]
#[case::aggressive_mode("aggressive", Phase1Mode::Aggressive)]
fn each_exchange_has_its_peer(#[case] name: &str, #[case] mode: Phase1Mode) {
    let mut bob = vec![peer("main", None), peer("aggressive", None)];
    bob[1].mode = Phase1Mode::Aggressive;
    assert_eq!(chosen(PeerConfig { mode, ..alice(name) }, bob), name);
}

#[rstest]
#[case::main_mode(Phase1Mode::Main)]
#[case::aggressive_mode(Phase1Mode::Aggressive)]
fn an_address_comes_before_any_address(#[case] mode: Phase1Mode) {
    let any = PeerConfig { remote: None, ..peer("any address", None) };
    let bob = [any, peer("alice's address", None)].map(|peer| PeerConfig { mode, ..peer });
    assert_eq!(chosen(PeerConfig { mode, ..alice("alice's address") }, bob.to_vec()), "alice's address");
}

#[test]
fn an_address_that_nobody_has_is_not_answered() {
    let elsewhere = |name| PeerConfig { remote: "192.0.2.77".parse().ok(), ..peer(name, None) };
    let refused = chosen(alice("a"), vec![elsewhere("a"), elsewhere("b")]);
    assert!(refused.contains("192.0.2.1"), "{refused}");
}

#[rstest]
#[case::the_first_that_expects_it(fqdn("one.example"), "one")]
#[case::a_later_one_that_expects_it(fqdn("two.example"), "two")]
#[case::of_another_type_with_the_same_data(Identification::user_fqdn("one.example"), "user")]
#[case::one_that_accepts_any(fqdn("nobody.example"), "any identity")]
fn aggressive_mode_goes_by_the_identity(#[case] id: Identification, #[case] name: &str) {
    let bob = [
        peer("any identity", None),
        peer("one", Some(fqdn("one.example"))),
        peer("user", Some(Identification::user_fqdn("one.example"))),
        peer("two", Some(fqdn("two.example"))),
    ];
    let mode = Phase1Mode::Aggressive;
    let bob = bob.map(|peer| PeerConfig { mode, ..peer }).to_vec();
    assert_eq!(chosen(PeerConfig { mode, local_id: id, ..alice(name) }, bob), name);
}

#[test]
fn an_identity_that_nobody_expects_is_refused() {
    let mode = Phase1Mode::Aggressive;
    let bob = ["one", "two"].map(|name| PeerConfig { mode, ..peer(name, Some(fqdn(name))) });
    let alice = PeerConfig { mode, local_id: fqdn("nobody"), ..alice("one") };
    let refused = chosen(alice, bob.to_vec());
    assert!(refused.starts_with("nobody: ") && refused.contains("identity"), "{refused}");
}

/// Bob's peers who sign with certificates; who expects alice is the last.
fn signing(names: [&str; 2]) -> Vec<PeerConfig> {
    let peers = names.map(|name| {
        let mut peer = peer(name, Some(Identification::ip(ALICE.parse().unwrap())));
        credentials::certificates(From::Bob, &mut peer, AuthenticationMethod::RsaSignature);
        peer
    });
    peers.to_vec()
}

fn alice_signs() -> PeerConfig {
    let mut alice = alice("");
    credentials::certificates(From::Alice, &mut alice, AuthenticationMethod::RsaSignature);
    alice
}

#[rstest]
#[case::another_identity(|other: &mut PeerConfig| other.remote_id = Some(fqdn("other.example")))]
#[case::any_identity(|other: &mut PeerConfig| other.remote_id = None)]
#[case::another_mode(|other: &mut PeerConfig| other.mode = Phase1Mode::Aggressive)]
#[case::another_offer(|other: &mut PeerConfig| set_cipher(other, CipherAlgorithm::TripleDes))]
fn main_mode_with_signatures_goes_by_the_identity_of_message_5(#[case] differ: fn(&mut PeerConfig)) {
    let mut bob = signing(["other", "alice"]);
    differ(&mut bob[0]);
    assert_eq!(chosen(alice_signs(), bob.clone()), "alice");
    bob.reverse();
    assert_eq!(chosen(alice_signs(), bob), "alice");
}

#[rstest]
#[case::main_mode(Phase1Mode::Main)]
#[case::aggressive_mode(Phase1Mode::Aggressive)]
fn public_key_encryption_goes_by_the_decrypted_identity(
    #[case] mode: Phase1Mode,
    #[values(AuthenticationMethod::RsaEncryption, AuthenticationMethod::RevisedRsaEncryption)]
    method: AuthenticationMethod,
    #[values(false, true)] first: bool,
) {
    let encrypting = |who, mut peer: PeerConfig| {
        credentials::raw_keys(who, &mut peer, method);
        PeerConfig { mode, ..peer }
    };
    let alice = encrypting(From::Alice, alice(""));
    let of_alice = encrypting(From::Bob, peer("alice", Some(alice.local_id.clone())));
    let other =
        PeerConfig { name: "other".into(), remote_id: Some(fqdn("other.example")), ..of_alice.clone() };
    // One that takes no encryption; who reads the encrypted identity as one in the clear speaks with it.
    let psk = PeerConfig { mode, ..peer("psk", None) };
    let mut bob = vec![psk, other, of_alice];
    if first {
        bob.reverse();
    }
    assert_eq!(chosen(alice, bob), "alice");
}

#[rstest]
fn a_named_certificate_finds_the_key_of_any_peer_that_the_message_may_be_for(
    #[values(Phase1Mode::Main, Phase1Mode::Aggressive)] mode: Phase1Mode,
    #[values(AuthenticationMethod::RsaEncryption, AuthenticationMethod::RevisedRsaEncryption)]
    method: AuthenticationMethod,
    #[values(false, true)] last: bool,
) {
    let encrypting = |who, mut peer: PeerConfig| {
        credentials::certificates(who, &mut peer, method);
        PeerConfig { mode, ..peer }
    };
    let knowing = |peer: PeerConfig, other: &PeerConfig| {
        let certificates = other.credentials.iter().filter_map(Credentials::certificate).cloned().collect();
        let trust = Arc::new(TrustStore { certificates, ..(*peer.trust).clone() });
        PeerConfig { trust, ..peer }
    };
    let alice = encrypting(From::Alice, alice(""));
    let of_alice = knowing(encrypting(From::Bob, peer("alice", Some(alice.local_id.clone()))), &alice);
    let alice = PeerConfig { name_certificate: NameCertificate::Always, ..knowing(alice, &of_alice) };
    // For another peer bob has another key.
    let other = PeerConfig {
        name: "other".into(),
        remote_id: Some(fqdn("other.example")),
        credentials: alice.credentials.clone(),
        ..of_alice.clone()
    };
    let mut bob = vec![of_alice, other];
    if last {
        bob.reverse();
    }
    assert_eq!(chosen(alice, bob), "alice");
}
