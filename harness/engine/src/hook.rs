//! The one seam at which a message of ours can be made wrong on purpose.
//!
//! The encoder makes only valid messages. A conformance harness must also send invalid ones, under
//! the right keys: an [`OutgoingHook`] sees each finished message before it is encrypted and may
//! change its bytes. Whatever it leaves is what is padded, encrypted, sent and retransmitted.

use std::sync::Arc;

use crate::crypto::{
    CryptoError, CryptoProvider, HashAlgorithm, PrivateKey, RandomSource, Secret, SignatureScheme,
};
use crate::keys::Skeyid;
use crate::wire::{CookiePair, ExchangeType, MessageId, PayloadType};

/// HASH_I or HASH_R of a message of ours, to be computed again after an edit of the ID payload, and signed again where
/// SIG_I or SIG_R proves the identity.
#[derive(Debug, Clone)]
pub struct AuthHash {
    pub(crate) provider: &'static dyn CryptoProvider,
    pub(crate) hash: HashAlgorithm,
    pub(crate) skeyid: Skeyid,
    /// Everything that the hash covers in front of the ID payload's body.
    pub(crate) covered: Vec<u8>,
    /// What signs the hash, where it is signed.
    pub(crate) signer: Option<Signer>,
}

/// A private key with the scheme that the authentication method signs with.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    pub(crate) key: Arc<PrivateKey>,
    pub(crate) scheme: SignatureScheme,
}

impl AuthHash {
    /// The hash over this body of the ID payload.
    #[must_use]
    pub fn over(&self, id_b: &[u8]) -> Vec<u8> {
        let Self { provider, hash, skeyid, covered, .. } = self;
        provider.prf(*hash, skeyid.as_bytes(), &[covered, id_b]).as_bytes().to_vec()
    }

    /// What proves the identity with this body of the ID payload: a HASH payload with the hash, or a SIG payload with
    /// the signature over it.
    ///
    /// # Errors
    ///
    /// When the provider fails to sign.
    pub fn proof_over(&self, id_b: &[u8]) -> Result<(PayloadType, Vec<u8>), CryptoError> {
        let hash = self.over(id_b);
        let Some(Signer { key, scheme }) = &self.signer else { return Ok((PayloadType::HASH, hash)) };
        Ok((PayloadType::SIG, self.sign(key, *scheme, &hash)?))
    }

    /// As an RSA signature with a DigestInfo, which RFC 2409 section 5.1 forbids, over the hash with this body of the
    /// ID payload; `None` unless RSA signatures authenticate.
    ///
    /// # Errors
    ///
    /// When the provider fails to sign.
    pub fn digest_info_signature_over(&self, id_b: &[u8]) -> Result<Option<Vec<u8>>, CryptoError> {
        match &self.signer {
            Some(Signer { key, scheme: SignatureScheme::RsaPkcs1Raw }) => {
                self.sign(key, SignatureScheme::RsaPkcs1(self.hash), &self.over(id_b)).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// As the signature over other bytes than the hash, as long as the scheme takes any; `None` unless signatures
    /// authenticate.
    ///
    /// # Errors
    ///
    /// When the provider fails to sign.
    pub fn signature_over_bytes(&self, bytes: &[u8]) -> Result<Option<Vec<u8>>, CryptoError> {
        let Some(Signer { key, scheme }) = &self.signer else { return Ok(None) };
        self.sign(key, *scheme, bytes).map(Some)
    }

    fn sign(&self, key: &PrivateKey, scheme: SignatureScheme, hash: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut blinding = Blinding { auth_hash: self, block: self.over(hash).into() };
        self.provider.sign(key, scheme, hash, &mut blinding)
    }
}

/// Bytes that nobody without SKEYID can predict, for blinding; the endpoint's random source is not at hand in a hook.
struct Blinding<'a> {
    auth_hash: &'a AuthHash,
    block: Secret,
}

impl RandomSource for Blinding<'_> {
    fn fill(&mut self, dest: &mut [u8]) {
        let AuthHash { provider, hash, skeyid, .. } = self.auth_hash;
        for chunk in dest.chunks_mut(hash.output_len()) {
            self.block = provider.prf(*hash, skeyid.as_bytes(), &[b"blinding", self.block.as_bytes()]);
            for (to, from) in chunk.iter_mut().zip(self.block.as_bytes()) {
                *to = *from;
            }
        }
    }
}

/// A message of ours, complete and not yet encrypted.
#[derive(Debug)]
pub struct OutgoingMessage<'a> {
    /// The cookies of its header.
    pub cookies: CookiePair,
    /// Its exchange.
    pub exchange: ExchangeType,
    /// Its M-ID; zero in phase 1.
    pub m_id: MessageId,
    /// Its number within the exchange, counted from 1 over both sides as RFC 2409's figures show them.
    pub number: u8,
    /// Whether its body will be encrypted, or bodies of its payloads (RFC 2409 sections 5.2 and 5.3).
    pub encrypted: bool,
    /// Header and payloads, all in the clear. The header's length field is set again after padding when `encrypted`,
    /// unless `keep_length` is set.
    pub bytes: &'a mut Vec<u8>,
    /// Leave the header's length field as it stands in `bytes`.
    pub keep_length: bool,
    /// SKEYID_a of the ISAKMP SA once it is known, for recomputing HASH(1) to HASH(3) after an edit.
    pub skeyid_a: Option<&'a [u8]>,
    /// HASH_I or HASH_R of a phase 1 message that carries it together with our ID payload.
    pub auth_hash: Option<&'a AuthHash>,
    /// Let the HASH_I and HASH_R to come cover the SA and ID payloads of this first message as `bytes` has them.
    pub hash_covers_edit: bool,
    /// Let a message that is encrypted as a whole go out as `bytes` has it, without encryption, padding and the
    /// Encryption bit.
    pub in_the_clear: bool,
    /// The IV that a message which is encrypted as a whole will be encrypted from; empty for others.
    pub iv: &'a [u8],
    /// Encrypt from these octets instead, as many as `iv` has. The next IV is the last block of what goes out all the same.
    pub other_iv: Option<Vec<u8>>,
}

/// Sees every message of ours before encryption; see the module documentation.
pub trait OutgoingHook: Send {
    /// Looks at a message, and may change it.
    fn outgoing(&mut self, message: &mut OutgoingMessage<'_>);

    /// Looks once more at a message whose payloads' bodies have just been encrypted (RFC 2409 sections 5.2 and 5.3),
    /// and may change it: [`OutgoingMessage::bytes`] is what goes out. No keys of the exchange are known yet.
    fn sealed(&mut self, message: &mut OutgoingMessage<'_>) {
        let _ = message;
    }
}
