//! Authentication with signatures (RFC 2409 section 5.1, ECDSA by RFC 4754): whoever signs HASH_I or HASH_R holds the
//! private key that belongs to its identity.
//!
//! ```text
//!      Initiator                                       Responder
//!   main mode
//!   4                                             <--  HDR, KE, Nr, [CR]
//!   5  HDR*, IDii, [CERT], SIG_I, [CR]            -->
//!   6                                             <--  HDR*, IDir, [CERT], SIG_R
//!   aggressive mode
//!   1  HDR, SA, KE, Ni, IDii, [CR]                -->
//!   2                                             <--  HDR, SA, KE, Nr, IDir, [CR], [CERT], SIG_R
//!   3  HDR, [CERT], SIG_I                         -->
//! ```
//!
//! | method | hash of HASH_I and HASH_R | signature |
//! |---|---|---|
//! | RSA | the negotiated one | PKCS #1 v1.5 without DigestInfo, as long as the modulus |
//! | DSS | SHA | r, s |
//! | ECDSA-256, -384, -521 | SHA-256, SHA-384, SHA-512 | r, s of 32, 48, 66 octets each |

use super::certificates::{Requests, own_certificates, own_requests, peer_key};
use super::key_message::{self, identity};
use super::keyed::{KeyedExchange, check_identity, log};
use super::{IdPlace, OwnKeyMessage, PeerIdentity};
use crate::config::AuthenticationMethod;
use crate::crypto::{CryptoError, SignatureScheme};
use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::event::Role;
use crate::hook::Signer;
use crate::keylog::Label;
use crate::payloads;
use crate::phase1::Cx;
use crate::wire::{Chain, IdType, Identification, Payload};

/// `KE, Nx [, IDx] [, CR]`; main mode's initiator asks only under encryption (RFC 4945 section 3.2.5).
pub(super) fn key_payloads(cx: &Cx<'_>, own: &OwnKeyMessage<'_>) -> Vec<Payload> {
    let mut payloads = key_message::key_payloads(cx, own);
    match (own.whose, own.with_id) {
        (Role::Initiator, false) => {}
        (Role::Responder, false) => {
            payloads.extend(own_requests(cx, cx.possible_peers(own.transform.authentication)))
        }
        (_, true) => payloads.extend(own_requests(cx, [cx.peer])),
    }
    payloads
}

/// `[IDx,] [CERT,] SIG_x [, CR]`
pub(super) fn proof_payloads(
    cx: &mut Cx<'_>,
    keyed: &KeyedExchange,
    whose: Role,
    id_b: &[u8],
    place: IdPlace,
    requests: &Requests,
) -> Result<Vec<Payload>, ExchangeError> {
    let method = keyed.method();
    let signer = signer(cx, method)?;
    let hash = match place {
        IdPlace::InProof | IdPlace::BesideProof => {
            keyed.own_hash(cx.core, cx.cookies, whose, id_b, Some(signer.clone()))
        }
        IdPlace::Before => keyed.hash(cx.core, cx.cookies, whose, id_b),
    };
    let signature = cx.core.provider.sign(&signer.key, signer.scheme, &hash, cx.core.random.as_mut())?;
    log(cx.core, cx.cookies, label(whose), &signature);
    let mut payloads = Vec::new();
    if place == IdPlace::InProof {
        payloads.push(Payload::Identification(cx.peer.local_id.clone()));
    }
    payloads.extend(own_certificates(cx, requests));
    payloads.push(payloads::signature_payload(&signature));
    if place == IdPlace::InProof && whose == Role::Initiator {
        payloads.extend(own_requests(cx, [cx.peer]));
    }
    Ok(payloads)
}

/// Checks that SIG_I or SIG_R is the signature of the key that belongs to the peer's identity.
pub(super) fn verify_proof(
    cx: &mut Cx<'_>,
    keyed: &KeyedExchange,
    chain: &Chain,
    whose: Role,
    known: Option<&PeerIdentity>,
) -> Result<PeerIdentity, ExchangeError> {
    let identity = match known {
        Some(known) => known.clone(),
        None => {
            let identity = identity(chain)?;
            if whose == Role::Initiator {
                cx.choose_peer_by_identity(&identity.id, &keyed.protection.transform);
            }
            identity
        }
    };
    let received = payloads::signature(chain)?;
    // The configuration's word on the identity comes first: certificates are much work.
    check_identity(cx, &identity.id)?;
    check_address(cx, &identity.id)?;
    let method = keyed.method();
    let key = peer_key(cx, chain, &identity.id)?;
    if Some(key.key_type()) != method.key_type() {
        return Err(ExchangeError::PeerKeyType { method: method.name(), got: key.key_type() });
    }
    let (got, expected) = (received.len(), key.signature_len());
    if deviates(Deviation::AcceptsShortSignature) && got < expected {
        return Ok(identity);
    }
    if got != expected {
        return Err(ExchangeError::SignatureLength { got, expected });
    }
    let hash = keyed.hash(cx.core, cx.cookies, whose, &identity.body);
    match cx.core.provider.verify(&key, scheme(method), &hash, &received) {
        Ok(()) => {
            log(cx.core, cx.cookies, label(whose), &received);
            Ok(identity)
        }
        Err(CryptoError::Signature) if deviates(Deviation::AcceptsWrongSignature) => Ok(identity),
        Err(CryptoError::Signature) => Err(ExchangeError::SignatureMismatch(label(whose))),
        Err(other) => Err(other.into()),
    }
}

/// An identity that is an address must be the one that the peer speaks from, unless the configuration lets it be or
/// knows the key of that identity (RFC 4945 section 3.1.1).
pub(super) fn check_address(cx: &Cx<'_>, id: &Identification) -> Result<(), ExchangeError> {
    if deviates(Deviation::AcceptsAnyIdAddress) {
        return Ok(());
    }
    let is_address = matches!(id.id_type, IdType::IPV4_ADDR | IdType::IPV6_ADDR);
    if !is_address || !cx.peer.verify_address_id || cx.peer.trust.raw_key(id).is_some() {
        return Ok(());
    }
    let source = Identification::ip(cx.path.remote.ip());
    let same = (id.id_type, &id.data) == (source.id_type, &source.data);
    if same { Ok(()) } else { Err(ExchangeError::IdentityRefused(id.to_string())) }
}

/// Our private key for a method.
fn signer(cx: &Cx<'_>, method: AuthenticationMethod) -> Result<Signer, ExchangeError> {
    let credentials = cx.peer.credentials.as_ref();
    let key = credentials.map(|credentials| credentials.private_key().clone());
    let key = key.filter(|key| Some(key.key_type()) == method.key_type());
    Ok(Signer { key: key.ok_or(ExchangeError::NoCredentials(method.name()))?, scheme: scheme(method) })
}

fn scheme(method: AuthenticationMethod) -> SignatureScheme {
    match method {
        AuthenticationMethod::DssSignature => SignatureScheme::DssSha1,
        AuthenticationMethod::EcdsaP256
        | AuthenticationMethod::EcdsaP384
        | AuthenticationMethod::EcdsaP521 => SignatureScheme::Ecdsa,
        _ => SignatureScheme::RsaPkcs1Raw,
    }
}

fn label(whose: Role) -> Label {
    match whose {
        Role::Initiator => Label::SigI,
        Role::Responder => Label::SigR,
    }
}
