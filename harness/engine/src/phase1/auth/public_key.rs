//! Authentication with public key encryption (RFC 2409 section 5.2): whoever computes HASH_I or HASH_R could decrypt the
//! other side's nonce.
//!
//! ```text
//!      Initiator                                        Responder
//!   main mode
//!   3  HDR, KE, [HASH(1),] <IDii_b>PubKey_r,
//!        <Ni_b>PubKey_r                          -->
//!   4                                            <--    HDR, KE, <IDir_b>PubKey_i, <Nr_b>PubKey_i
//!   5  HDR*, HASH_I                              -->
//!   6                                            <--    HDR*, HASH_R
//!   aggressive mode
//!   1  HDR, SA, [HASH(1),] KE, <IDii_b>PubKey_r,
//!        <Ni_b>PubKey_r                          -->
//!   2                                            <--    HDR, SA, KE, <IDir_b>PubKey_i, <Nr_b>PubKey_i, HASH_R
//!   3  HDR, HASH_I                               -->
//! ```
//!
//! `<x>PubKey` is RSAES-PKCS1-v1_5 of a payload's body; its generic header stays in the clear. HASH(1) is the negotiated
//! hash of the responder's certificate. It tells a responder with several keys which one to decrypt with.

use super::encrypted::{self, Flaw, Recipient};
use super::{KeyMessage, OwnKeyMessage};
use crate::config::Phase1Transform;
use crate::core::Core;
use crate::error::ExchangeError;
use crate::event::Role;
use crate::keylog::Direction;
use crate::payloads;
use crate::phase1::{ClearMessage, Cx};
use crate::wire::{KeyExchange, Nonce, Payload, PayloadType};

/// `KE, [HASH(1),] IDx, Nx`, in aggressive mode `[HASH(1),] KE, IDx, Nx`; nothing of it is encrypted yet.
pub(super) fn key_payloads(cx: &Cx<'_>, own: &OwnKeyMessage<'_>) -> Result<Vec<Payload>, ExchangeError> {
    let hash_1 = encrypted::recipient(own)?.hash_1(cx.core, own.transform.hash);
    let ke = Payload::KeyExchange(KeyExchange::new(own.public.to_vec()));
    let (before, between) = if own.with_id { (hash_1, None) } else { (None, hash_1) };
    let mut payloads: Vec<_> = before.into_iter().chain([ke]).chain(between).collect();
    payloads.push(encrypted::id_payload(cx));
    payloads.push(Payload::Nonce(Nonce { data: own.nonce.clone() }));
    Ok(payloads)
}

/// Whether the body of a payload of this type is encrypted.
const fn is_encrypted(payload_type: PayloadType) -> bool {
    matches!(payload_type, PayloadType::ID | PayloadType::NONCE)
}

/// Encrypts the bodies of ID and nonce in our finished key message.
pub(super) fn seal(core: &mut Core, recipient: &Recipient, message: &[u8]) -> Result<Vec<u8>, ExchangeError> {
    encrypted::map_bodies(message, |payload_type, body| {
        is_encrypted(payload_type).then(|| encrypted::rsa_encrypt(core, &recipient.key, body)).transpose()
    })
}

/// Reads the peer's key message, in any order of payloads.
pub(super) fn read_key_message(
    cx: &mut Cx<'_>,
    message: &ClearMessage,
    transform: &Phase1Transform,
    whose: Role,
) -> Result<KeyMessage, ExchangeError> {
    let sealed = message.sealed();
    let g_x = payloads::key_exchange(sealed)?;
    for required in [PayloadType::ID, PayloadType::NONCE] {
        payloads::one(sealed, required)?;
    }
    let hash_1 = match whose {
        Role::Initiator => payloads::optional(sealed, PayloadType::HASH)?,
        Role::Responder => None,
    };
    let own_key = encrypted::private_key(cx, transform, hash_1.map(|hash_1| &hash_1.body[..]))?;
    let core = &mut *cx.core;
    let opened = encrypted::map_bodies(&message.message, |payload_type, body| {
        let decrypt = || core.provider.rsa_decrypt(&own_key, body, core.random.as_mut());
        let opened = is_encrypted(payload_type).then(decrypt).transpose()?;
        Ok(opened.map(|body| body.as_bytes().to_vec()))
    })?;
    let opened = encrypted::opened_message(opened);
    cx.core.key_log.plaintext(Direction::Inbound, &opened);
    let encrypted_bodies: Vec<_> = (0..)
        .zip(&sealed.payloads)
        .filter(|(_, payload)| is_encrypted(payload.payload_type))
        .map(|(index, _)| index)
        .collect();
    let chain = message.open(&opened, &encrypted_bodies, &cx.core.limits)?;
    let nonce = payloads::one(&chain, PayloadType::NONCE)?.body.clone();
    let (identity, id_flaw) = encrypted::identity(&chain);
    let mut flaw: Option<Flaw> = encrypted::nonce_flaw(&nonce).or(id_flaw);
    let recipient = (whose == Role::Initiator).then(|| {
        cx.choose_peer_by_identity(&identity.id, transform);
        let method = transform.authentication;
        let (recipient, key_flaw) =
            encrypted::initiator(cx, method, &crate::wire::Chain::default(), &identity.id, &own_key);
        flaw = flaw.or(key_flaw);
        recipient
    });
    Ok(KeyMessage { g_x, nonce, identity: Some(identity), chain, recipient, flaw })
}
