//! Keys and certificates for two endpoints that authenticate by other means than a pre-shared key.

use std::sync::Arc;

use ikev1::config::{AuthenticationMethod, PeerConfig, SendCertificate};
use ikev1::crypto::{KeyType, PrivateKey};
use ikev1::pki::{Certificate, Credentials, TrustStore};
use ikev1::wire::Identification;

use super::From;

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../fixtures/pki/", $name, ".pem"))
    };
}

fn key(who: From, kind: KeyType) -> PrivateKey {
    let pem = match (kind, who) {
        (KeyType::Rsa, From::Alice) => fixture!("keys/rsa-2048"),
        (KeyType::Rsa, From::Bob) => fixture!("keys/rsa-2048-other"),
        // Of the other kinds there is one of each length; the two sides share it.
        (KeyType::Dsa, _) => fixture!("keys/dsa-1024"),
        (KeyType::EcdsaP256, _) => fixture!("keys/ecdsa-p256"),
        (KeyType::EcdsaP384, _) => fixture!("keys/ecdsa-p384"),
        (_, _) => fixture!("keys/ecdsa-p521"),
    };
    PrivateKey::from_pem(pem).unwrap()
}

fn other(who: From) -> From {
    if who == From::Alice { From::Bob } else { From::Alice }
}

/// Makes `method` the one that a side offers and takes, with a key of its own, and the other's known beforehand.
pub fn raw_keys(who: From, peer: &mut PeerConfig, method: AuthenticationMethod) {
    for transform in &mut peer.phase1 {
        transform.authentication = method;
    }
    let Some(kind) = method.key_type() else { return };
    peer.credentials = Some(Credentials::raw(key(who, kind)));
    let id = peer.remote_id.clone().unwrap();
    let raw_keys = vec![(id, key(other(who), kind).public().clone())];
    peer.trust = Arc::new(TrustStore { raw_keys, ..TrustStore::default() });
}

/// RSA keys with certificates of one authority; the identities are names in them.
pub fn certificates(who: From, peer: &mut PeerConfig, method: AuthenticationMethod) {
    raw_keys(who, peer, method);
    let certificate = |pem| Certificate::from_pem(pem).unwrap();
    let own = match who {
        From::Alice => fixture!("certificates/alice"),
        From::Bob => fixture!("certificates/bob"),
    };
    peer.credentials = Some(Credentials::new(key(who, KeyType::Rsa), vec![certificate(own)]).unwrap());
    let anchors = vec![certificate(fixture!("certificates/ca"))];
    peer.trust = Arc::new(TrustStore { anchors, ..TrustStore::default() });
    peer.send_certificate = SendCertificate::IfAsked;
    let name = |who| Identification::fqdn(if who == From::Alice { "alice.example" } else { "bob.example" });
    (peer.local_id, peer.remote_id) = (name(who), Some(name(other(who))));
}
