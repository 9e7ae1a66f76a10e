//! Authentication with the revised mode of public key encryption (RFC 2409 section 5.3): only the nonce is under RSA, and
//! gives the key that encrypts the rest.
//!
//! ```text
//!      Initiator                                        Responder
//!   main mode
//!   3  HDR, [HASH(1),] <Ni_b>PubKey_r, <KE_b>Ke_i,
//!        <IDii_b>Ke_i [, <Cert-I_b>Ke_i]         -->
//!   4                                            <--    HDR, <Nr_b>PubKey_i, <KE_b>Ke_r, <IDir_b>Ke_r
//!   5  HDR*, HASH_I                              -->
//!   6                                            <--    HDR*, HASH_R
//!   aggressive mode
//!   1  HDR, SA, [HASH(1),] <Ni_b>PubKey_r,
//!        <KE_b>Ke_i, <IDii_b>Ke_i
//!        [, <Cert-I_b>Ke_i]                      -->
//!   2                                            <--    HDR, SA, <Nr_b>PubKey_i, <KE_b>Ke_r, <IDir_b>Ke_r, HASH_R
//!   3  HDR, HASH_I                               -->
//! ```
//!
//! Ne_i = prf(Ni_b, CKY-I) and Ne_r = prf(Nr_b, CKY-R) give Ke_i and Ke_r as SKEYID_e gives Ka. The IV of the first
//! encrypted payload is zero, that of each further one the last block before it. Bodies are padded with zeros and an
//! octet that counts them, which is always there.
//!
//! All payloads behind the nonce are encrypted, those of other documents too. So vendor IDs stand before it, NAT-D
//! payloads are encrypted, and HASH_R alone, which the figure shows in the clear, is not.

use super::certificates::own_certificates;
use super::encrypted::{self, Flaw, Recipient};
use super::{KeyMessage, OwnKeyMessage};
use crate::config::Phase1Transform;
use crate::core::Core;
use crate::crypto::{CipherAlgorithm, CryptoProvider, Secret};
use crate::error::ExchangeError;
use crate::event::Role;
use crate::keylog::{Direction, Label};
use crate::keys;
use crate::payloads;
use crate::phase1::{ClearMessage, Cx};
use crate::wire::{Chain, CookiePair, KeyExchange, MessageId, Nonce, Payload, PayloadType};

/// `[HASH(1),] Nx, KE, IDx [, CERT]`; nothing of it is encrypted yet.
pub(super) fn key_payloads(cx: &mut Cx<'_>, own: &OwnKeyMessage<'_>) -> Result<Vec<Payload>, ExchangeError> {
    let hash_1 = encrypted::recipient(own)?.hash_1(cx.core, own.transform.hash);
    let mut payloads: Vec<_> = hash_1.into_iter().collect();
    payloads.push(Payload::Nonce(Nonce { data: own.nonce.clone() }));
    payloads.push(Payload::KeyExchange(KeyExchange::new(own.public.to_vec())));
    payloads.push(encrypted::id_payload(cx));
    if own.whose == Role::Initiator {
        payloads.extend(own_certificates(cx, own.requests));
    }
    Ok(payloads)
}

/// Encrypts the nonce, and everything behind it but a HASH payload, in our finished key message.
pub(super) fn seal(
    core: &mut Core,
    cookies: CookiePair,
    transform: &Phase1Transform,
    whose: Role,
    recipient: &Recipient,
    message: &[u8],
) -> Result<Vec<u8>, ExchangeError> {
    let mut cipher: Option<BodyCipher> = None;
    encrypted::map_bodies(message, |payload_type, body| match (&mut cipher, payload_type) {
        (_, PayloadType::HASH) => Ok(None),
        (Some(cipher), _) => cipher.encrypt(body).map(Some),
        (None, PayloadType::NONCE) => {
            cipher = Some(BodyCipher::new(core, cookies, transform, whose, body));
            encrypted::rsa_encrypt(core, &recipient.key, body).map(Some)
        }
        (None, _) => Ok(None),
    })
}

/// Reads the peer's key message.
pub(super) fn read_key_message(
    cx: &mut Cx<'_>,
    message: &ClearMessage,
    transform: &Phase1Transform,
    whose: Role,
    with_id: bool,
) -> Result<KeyMessage, ExchangeError> {
    let sealed = message.sealed();
    for required in [PayloadType::NONCE, PayloadType::KE, PayloadType::ID] {
        payloads::one(sealed, required)?;
    }
    let hash_1 = check_order(sealed, whose, with_id)?;
    let own_key = encrypted::private_key(cx, transform, hash_1)?;
    let block = transform.cipher.block_len();
    let mut flaw: Option<Flaw> = None;
    let (core, cookies) = (&mut *cx.core, cx.cookies);
    let mut cipher: Option<BodyCipher> = None;
    let (mut index, mut opened_at) = (0_usize, Vec::new());
    let opened = encrypted::map_bodies(&message.message, |payload_type, body| {
        let opened = match (&mut cipher, payload_type) {
            (_, PayloadType::HASH) => None,
            (Some(_), _) if body.is_empty() || !body.len().is_multiple_of(block) => {
                return Err(ExchangeError::NotBlockAligned { got: body.len(), block });
            }
            (Some(cipher), _) => {
                let (body, padded) = cipher.decrypt(body)?;
                flaw = flaw.or((!padded).then_some(encrypted::NO_PADDING));
                Some(body)
            }
            (None, PayloadType::NONCE) => {
                let nonce = core.provider.rsa_decrypt(&own_key, body, core.random.as_mut())?;
                cipher = Some(BodyCipher::new(core, cookies, transform, whose, nonce.as_bytes()));
                Some(nonce.as_bytes().to_vec())
            }
            (None, _) => None,
        };
        if opened.is_some() {
            opened_at.push(index);
        }
        index = index.saturating_add(1);
        Ok(opened)
    })?;
    let opened = encrypted::opened_message(opened);
    cx.core.key_log.plaintext(Direction::Inbound, &opened);
    let chain = message.open(&opened, &opened_at, &cx.core.limits)?;
    let g_x = payloads::key_exchange(&chain)?;
    let nonce = payloads::one(&chain, PayloadType::NONCE)?.body.clone();
    let (identity, id_flaw) = encrypted::identity(&chain);
    flaw = encrypted::nonce_flaw(&nonce).or(flaw).or(id_flaw);
    let recipient = (whose == Role::Initiator).then(|| {
        cx.choose_peer_by_identity(&identity.id, transform);
        let method = transform.authentication;
        let (recipient, key_flaw) = encrypted::initiator(cx, method, &chain, &identity.id, &own_key);
        flaw = flaw.or(key_flaw);
        recipient
    });
    Ok(KeyMessage { g_x, nonce, identity: Some(identity), chain, recipient, flaw })
}

/// In main mode the nonce comes first, or behind HASH(1), which comes first then; in aggressive mode HASH(1) stands right
/// before the nonce. What the key from the nonce encrypts comes behind it. Gives HASH(1).
fn check_order(chain: &Chain, whose: Role, with_id: bool) -> Result<Option<&[u8]>, ExchangeError> {
    let hash_1 = match whose {
        Role::Initiator => payloads::optional(chain, PayloadType::HASH)?,
        Role::Responder => None,
    };
    let place_of = |wanted| chain.payloads.iter().position(|payload| payload.payload_type == wanted);
    let nonce = place_of(PayloadType::NONCE).ok_or(ExchangeError::MissingPayload(PayloadType::NONCE))?;
    match hash_1.and_then(|_| place_of(PayloadType::HASH)) {
        Some(place) => {
            payloads::at(chain, if with_id { place } else { 0 }, PayloadType::HASH)?;
            payloads::at(chain, place.saturating_add(1), PayloadType::NONCE)?;
        }
        None if !with_id => payloads::at(chain, 0, PayloadType::NONCE)?,
        None => {}
    }
    let early = chain.payloads.iter().take(nonce).position(|payload| {
        matches!(payload.payload_type, PayloadType::KE | PayloadType::ID | PayloadType::CERT)
    });
    if let Some(position) = early {
        payloads::at(chain, position, PayloadType::NONCE)?;
    }
    Ok(hash_1.map(|hash_1| &hash_1.body[..]))
}

/// The cipher under Ke_i or Ke_r, with the IV of the next body.
#[derive(Debug)]
struct BodyCipher {
    provider: &'static dyn CryptoProvider,
    algorithm: CipherAlgorithm,
    key: Secret,
    iv: Vec<u8>,
}

impl BodyCipher {
    /// Ke_i from Ni_b and CKY-I, or Ke_r from Nr_b and CKY-R.
    fn new(
        core: &mut Core,
        cookies: CookiePair,
        transform: &Phase1Transform,
        whose: Role,
        nonce_b: &[u8],
    ) -> Self {
        let (cookie, label) = match whose {
            Role::Initiator => (cookies.initiator, Label::KeI),
            Role::Responder => (cookies.responder, Label::KeR),
        };
        let (provider, algorithm) = (core.provider, transform.cipher);
        let ne = keys::ne(provider, transform.hash, nonce_b, &cookie.0);
        let key = keys::ephemeral_key(provider, transform.hash, algorithm, &ne);
        core.key_log.value(cookies, MessageId::PHASE_1, label, key.as_bytes());
        Self { provider, algorithm, key, iv: vec![0; algorithm.block_len()] }
    }

    fn encrypt(&mut self, body: &[u8]) -> Result<Vec<u8>, ExchangeError> {
        let mut bytes = padded(body, self.algorithm.block_len());
        self.provider.cbc_encrypt(self.algorithm, self.key.as_bytes(), &self.iv, &mut bytes)?;
        self.iv = keys::last_block(self.algorithm, &bytes).unwrap_or_default().to_vec();
        Ok(bytes)
    }

    /// The body without its padding, and whether that was one; all of it when not.
    fn decrypt(&mut self, body: &[u8]) -> Result<(Vec<u8>, bool), ExchangeError> {
        let mut bytes = body.to_vec();
        self.provider.cbc_decrypt(self.algorithm, self.key.as_bytes(), &self.iv, &mut bytes)?;
        self.iv = keys::last_block(self.algorithm, body).unwrap_or_default().to_vec();
        let len = unpadded_len(&bytes, self.algorithm.block_len());
        bytes.truncate(len.unwrap_or(bytes.len()));
        Ok((bytes, len.is_some()))
    }
}

/// `body | 0 ... 0 | n` up to a whole number of blocks, where n counts the zeros.
fn padded(body: &[u8], block: usize) -> Vec<u8> {
    let len = body.len().saturating_add(1).next_multiple_of(block);
    let zeros = len.saturating_sub(body.len()).saturating_sub(1);
    let mut bytes = body.to_vec();
    bytes.resize(len.saturating_sub(1), 0);
    // No cipher has blocks of more than 255 octets.
    bytes.push(u8::try_from(zeros).unwrap_or(u8::MAX));
    bytes
}

/// How much of whole blocks is no padding; `None` if they do not end with one.
fn unpadded_len(bytes: &[u8], block: usize) -> Option<usize> {
    let (count, before) = bytes.split_last()?;
    let zeros = usize::from(*count);
    let len = before.len().checked_sub(zeros).filter(|_| zeros < block)?;
    before.get(len..)?.iter().all(|byte| *byte == 0).then_some(len)
}

#[cfg(test)]
mod tests;
