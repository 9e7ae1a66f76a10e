//! What both modes of authentication with public key encryption have in common (RFC 2409 sections 5.2 and 5.3): whose
//! keys encrypt and decrypt, the proof, and what happens to content that cannot be right.
//!
//! # No oracle
//!
//! Whoever can tell apart ciphertexts with right and with wrong padding by what we do can decrypt with our private key
//! (Bleichenbacher's attack). So nothing that was encrypted ends an exchange where it is read. A wrong padding gives
//! other content ([`CryptoProvider::rsa_decrypt`](crate::crypto::CryptoProvider::rsa_decrypt)). Content that cannot be
//! right (a nonce of a forbidden length, an identity that is none or that nobody has, padding of the revised mode that
//! is none, an impossible public value) is noted as a *flaw*, and something takes its place: our own key that of an
//! unknown peer, our own public value that of the peer. The answer goes out as it would have. Then the flaw makes the
//! HASH_I or HASH_R that follows wrong, whatever it is.
//!
//! What ends an exchange at once is known to everyone on the way: missing payloads, lengths of ciphertexts.

use std::sync::Arc;

use bytes::Bytes;
use subtle::ConstantTimeEq;

use super::keyed::{KeyedExchange, check_identity};
use super::signature::check_address;
use super::{IdPlace, OwnKeyMessage, PeerIdentity};
use crate::config::{AuthenticationMethod, NameCertificate, PeerConfig, Phase1Transform};
use crate::core::Core;
use crate::crypto::{CryptoError, HashAlgorithm, KeyType, PrivateKey, PublicKey};
use crate::error::ExchangeError;
use crate::event::Role;
use crate::keylog::Label;
use crate::keys;
use crate::payloads;
use crate::phase1::Cx;
use crate::pki::{Certificate, Credentials, KeyPurpose, Received};
use crate::wire::{Chain, Header, Identification, Payload, PayloadType};

/// Why encrypted content cannot be right; see the module documentation.
pub(crate) type Flaw = &'static str;

pub(super) const NONCE_LENGTH: Flaw = "the nonce has not 8 to 256 octets";
pub(super) const NO_IDENTITY: Flaw = "the identity is none";
pub(super) const NO_KEY: Flaw = "no public key is known for the identity";
pub(super) const NO_PADDING: Flaw = "a body has no valid padding";
pub(super) const PUBLIC_VALUE: Flaw = "the public value is impossible";

/// Whose public key our key message is encrypted under.
#[derive(Debug, Clone)]
pub(crate) struct Recipient {
    pub(super) key: PublicKey,
    /// The certificate that the key is from, unless it was known without one.
    certificate: Option<Certificate>,
    /// Whether the recipient's certificate is to be named by HASH(1).
    named: bool,
}

impl Recipient {
    /// Someone who is to be answered as if we knew its key.
    fn stand_in(key: &PublicKey) -> Self {
        Self { key: key.clone(), certificate: None, named: false }
    }

    /// Whether HASH(1) goes along.
    pub(crate) const fn is_named(&self) -> bool {
        self.named && self.certificate.is_some()
    }

    /// HASH(1), where the certificate is to be named.
    pub(super) fn hash_1(&self, core: &Core, hash: HashAlgorithm) -> Option<Payload> {
        let certificate = self.certificate.as_ref().filter(|_| self.named)?;
        let value = keys::certificate_hash(core.provider, hash, certificate.as_der());
        Some(payloads::hash_payload(&value))
    }
}

/// The responder's public key, which the initiator must have beforehand.
///
/// # Errors
///
/// It is not known, or of no use.
pub(super) fn responder(cx: &Cx<'_>, method: AuthenticationMethod) -> Result<Recipient, ExchangeError> {
    let id = cx.peer.remote_id.as_ref();
    let id = id.ok_or(ExchangeError::NoPeerKey("the identity of the responder is not configured"))?;
    let recipient = known_key(cx, &Chain::default(), id)?;
    check_key_type(method, &recipient.key)?;
    let several = || cx.peer.trust.certificates.iter().filter(|one| one.names(id)).count() > 1;
    let named = match cx.peer.name_certificate {
        NameCertificate::IfSeveral => several(),
        NameCertificate::Always => true,
        NameCertificate::Never => false,
    };
    Ok(Recipient { named, ..recipient })
}

/// The initiator's public key, by its decrypted identity. Where there is none, ours takes its place, and the flaw says
/// why.
pub(super) fn initiator(
    cx: &mut Cx<'_>,
    method: AuthenticationMethod,
    chain: &Chain,
    id: &Identification,
    own: &PrivateKey,
) -> (Recipient, Option<Flaw>) {
    let known = known_key(cx, chain, id);
    match known.and_then(|recipient| check_key_type(method, &recipient.key).map(|()| recipient)) {
        Ok(recipient) => (recipient, None),
        Err(_) => (Recipient::stand_in(own.public()), Some(NO_KEY)),
    }
}

/// The public key of an identity: known beforehand, or from a certificate that is known or comes along.
fn known_key(cx: &Cx<'_>, chain: &Chain, id: &Identification) -> Result<Recipient, ExchangeError> {
    let trust = &cx.peer.trust;
    if let Some(key) = trust.raw_key(id) {
        return Ok(Recipient { key: key.clone(), certificate: None, named: false });
    }
    let of_message = chain.iter().filter_map(|payload| match payload {
        Payload::Certificate(certificate) => Some(certificate.clone()),
        _ => None,
    });
    let Received { certificates, crls, .. } =
        Received::from_payloads(&of_message.collect::<Vec<_>>(), &trust.policy.limits)?;
    let at = cx.core.calendar().ok_or(ExchangeError::CalendarUnknown)?;
    let (purpose, provider) = (KeyPurpose::Encryption, cx.core.provider);
    let (certificate, key) = trust.validate_certificate(provider, &certificates, &crls, id, at, purpose)?;
    Ok(Recipient { key, certificate: Some(certificate), named: false })
}

fn check_key_type(method: AuthenticationMethod, key: &PublicKey) -> Result<(), ExchangeError> {
    match key.key_type() {
        KeyType::Rsa => Ok(()),
        got => Err(ExchangeError::PeerKeyType { method: method.name(), got }),
    }
}

/// Our private key for what `sender` encrypted: as responder the one whose certificate HASH(1) names, where it came.
///
/// # Errors
///
/// We have none, or not that one.
pub(super) fn private_key(
    cx: &Cx<'_>,
    transform: &Phase1Transform,
    hash_1: Option<&[u8]>,
) -> Result<Arc<PrivateKey>, ExchangeError> {
    let method = transform.authentication;
    let is_rsa = |credentials: &&Credentials| credentials.private_key().key_type() == KeyType::Rsa;
    let found = match hash_1 {
        None => cx.peer.credentials.as_ref().filter(is_rsa),
        Some(hash_1) => {
            let is_named = |credentials: &&Credentials| {
                let hash = |one: &Certificate| {
                    keys::certificate_hash(cx.core.provider, transform.hash, one.as_der())
                };
                credentials.certificate().is_some_and(|certificate| hash(certificate) == hash_1)
            };
            let all = cx.possible_peers(method).flat_map(key_pairs);
            let named = all.filter(is_rsa).find(is_named);
            return Ok(named.ok_or(ExchangeError::UnknownCertificateHash)?.private_key().clone());
        }
    };
    Ok(found.ok_or(ExchangeError::NoCredentials(method.name()))?.private_key().clone())
}

fn key_pairs(peer: &PeerConfig) -> impl Iterator<Item = &Credentials> {
    peer.credentials.iter().chain(&peer.further_credentials)
}

/// Refuses a policy with which our first encrypted payloads could not be made.
///
/// # Errors
///
/// The responder's key is not known, or our identity does not fit into one block of it: RFC 2409 section 5.2 has the
/// body of a payload in one PKCS #1 block.
pub(super) fn check_ready(cx: &Cx<'_>, method: AuthenticationMethod) -> Result<(), ExchangeError> {
    let recipient = responder(cx, method)?;
    if method == AuthenticationMethod::RsaEncryption {
        let got = Payload::Identification(cx.peer.local_id.clone()).encode_body().len();
        let room = recipient.key.modulus_len().unwrap_or_default().saturating_sub(11);
        if got > room {
            return Err(CryptoError::PlaintextLength { got, room }.into());
        }
    }
    Ok(())
}

/// The identity in a decrypted ID payload's body, or one that nobody has.
pub(super) fn identity(chain: &Chain) -> (PeerIdentity, Option<Flaw>) {
    let received = chain.first(PayloadType::ID);
    let body = received.map(|received| received.body.clone()).unwrap_or_default();
    match received.map(|received| &received.payload) {
        Some(Payload::Identification(id)) => (PeerIdentity { id: id.clone(), body }, None),
        _ => (PeerIdentity { id: Identification::LEAST, body }, Some(NO_IDENTITY)),
    }
}

/// The length of a nonce must be one of those that RFC 2409 section 5 allows.
pub(super) fn nonce_flaw(nonce: &[u8]) -> Option<Flaw> {
    (!(8..=256).contains(&nonce.len())).then_some(NONCE_LENGTH)
}

/// The payloads of our identity and nonce, which `seal` encrypts.
pub(super) fn id_payload(cx: &Cx<'_>) -> Payload {
    Payload::Identification(cx.peer.local_id.clone())
}

/// The recipient of our key message.
pub(super) fn recipient<'a>(own: &OwnKeyMessage<'a>) -> Result<&'a Recipient, ExchangeError> {
    own.recipient.ok_or(ExchangeError::NoPeerKey("nobody was looked for"))
}

/// Gives each payload of a message another body, as far as its chain can be followed. `None` leaves a body as it is.
///
/// # Errors
///
/// Those of `change`.
pub(super) fn map_bodies(
    message: &[u8],
    mut change: impl FnMut(PayloadType, &[u8]) -> Result<Option<Vec<u8>>, ExchangeError>,
) -> Result<Vec<u8>, ExchangeError> {
    let (header, mut rest) = message.split_at_checked(Header::LEN).unwrap_or((message, &[]));
    let mut out = header.to_vec();
    let mut payload_type = header.get(16).copied().map_or(PayloadType::NONE, PayloadType);
    while payload_type != PayloadType::NONE {
        let Some(([next, reserved, high, low], behind)) = rest.split_first_chunk() else { break };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some((body, behind)) = length.checked_sub(4).and_then(|len| behind.split_at_checked(len)) else {
            break;
        };
        let changed = change(payload_type, body)?;
        let body = changed.as_deref().unwrap_or(body);
        let length = u16::try_from(body.len().saturating_add(4)).unwrap_or(u16::MAX);
        out.extend_from_slice(&[*next, *reserved]);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(body);
        (payload_type, rest) = (PayloadType(*next), behind);
    }
    out.extend_from_slice(rest);
    Ok(out)
}

/// RSA encryption of a body.
pub(super) fn rsa_encrypt(core: &mut Core, key: &PublicKey, body: &[u8]) -> Result<Vec<u8>, ExchangeError> {
    Ok(core.provider.rsa_encrypt(key, body, core.random.as_mut())?)
}

/// `HASH_x`: the identity is in the key message.
pub(super) fn proof_payloads(
    cx: &mut Cx<'_>,
    keyed: &KeyedExchange,
    whose: Role,
    id_b: &[u8],
    place: IdPlace,
) -> Vec<Payload> {
    let hash = match place {
        IdPlace::BesideProof => keyed.own_hash(cx.core, cx.cookies, whose, id_b, None),
        IdPlace::InProof | IdPlace::Before => keyed.hash(cx.core, cx.cookies, whose, id_b),
    };
    vec![payloads::hash_payload(&hash)]
}

/// Checks HASH_I or HASH_R against ours, which whoever could decrypt our nonce can compute. Then only does a flaw show,
/// in the way of a wrong hash.
pub(super) fn verify_proof(
    cx: &mut Cx<'_>,
    keyed: &KeyedExchange,
    chain: &Chain,
    whose: Role,
    known: Option<&PeerIdentity>,
) -> Result<PeerIdentity, ExchangeError> {
    let identity = known.cloned().ok_or(ExchangeError::MissingPayload(PayloadType::ID))?;
    let received = payloads::hash(chain)?;
    let label = if whose == Role::Initiator { Label::HashI } else { Label::HashR };
    let expected = keyed.hash(cx.core, cx.cookies, whose, &identity.body);
    let same = bool::from(expected.as_slice().ct_eq(&received));
    match keyed.flaw {
        Some(flaw) => Err(ExchangeError::EncryptedContent(label, flaw)),
        None if !same => Err(ExchangeError::HashMismatch(label)),
        None => {
            check_identity(cx, &identity.id)?;
            check_address(cx, &identity.id)?;
            Ok(identity)
        }
    }
}

/// A message with decrypted bodies, as far as the key log and the reader want it.
pub(super) fn opened_message(message: Vec<u8>) -> Bytes {
    let mut message = message;
    crate::core::set_length(&mut message);
    message.into()
}
