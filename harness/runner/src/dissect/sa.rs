//! What a bystander learns of an ISAKMP SA, message by message.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bytes::Bytes;
use ikev1::crypto::{Group, GroupKind, reference};
use ikev1::keys::{AuthHashInput, hash_i, hash_r, skeyid_psk};
use ikev1::support::{phase1_cipher, phase1_hash};
use ikev1::wire::{
    Attribute, AuthMethod, Chain, Cookie, EncryptionAlgorithm, ExchangeType, HashAlgorithmId, Header,
    Payload, PayloadType, Phase1Attribute, SaPayload, Transform,
};

use super::decrypt::{IvChains, Suite, decrypt, looks_decrypted};
use super::form::{Proof, messages};
use super::remarks::transform;

/// An ISAKMP SA, or what was begun as one.
#[derive(Debug)]
pub(super) struct Sa {
    pub(super) conversation: usize,
    pub(super) cky_i: Cookie,
    pub(super) cky_r: Cookie,
    /// The exchange of phase 1, if any of it was seen.
    pub(super) exchange: Option<ExchangeType>,
    /// Who sent its first message, if that was seen.
    pub(super) initiator: Option<IpAddr>,
    /// Number of the last phase 1 message.
    pub(super) number: usize,
    /// Whether every message was seen, so that numbers can be relied on.
    pub(super) sure: bool,
    /// Form of the last phase 1 message: its payloads, or nothing where it was encrypted.
    pub(super) last: Option<Vec<PayloadType>>,
    pub(super) offered: Option<SaPayload>,
    pub(super) chosen: Option<(String, Transform)>,
    pub(super) phase2: BTreeMap<u32, Phase2>,
    pub(super) encrypted: u64,
    pub(super) decrypted: u64,
    /// What the pre-shared key proves.
    pub(super) proven: Vec<String>,
    ka: Option<Vec<u8>>,
    suite: Option<Suite>,
    ivs: Option<IvChains>,
    sai_b: Bytes,
    g_xi: Bytes,
    g_xr: Bytes,
    ni_b: Bytes,
    nr_b: Bytes,
    /// IDii_b of message 1 of aggressive mode.
    id_of_first: Option<Bytes>,
}

/// A phase 2 exchange.
#[derive(Debug)]
pub(super) struct Phase2 {
    pub(super) exchange: ExchangeType,
    pub(super) number: usize,
    pub(super) begun_by: IpAddr,
    /// Whether its messages came from either side in turn.
    pub(super) sure: bool,
    /// Whether the Commit bit was set.
    pub(super) commit: bool,
}

impl Sa {
    /// An SA of which nothing is known but its cookies.
    pub(super) fn new(conversation: usize, header: &Header, ka: Option<&[u8]>) -> Self {
        Self {
            conversation,
            cky_i: header.cookies.initiator,
            cky_r: header.cookies.responder,
            exchange: None,
            initiator: None,
            number: 0,
            sure: false,
            last: None,
            offered: None,
            chosen: None,
            phase2: BTreeMap::new(),
            encrypted: 0,
            decrypted: 0,
            proven: Vec::new(),
            ka: ka.map(<[u8]>::to_vec),
            suite: None,
            ivs: None,
            sai_b: Bytes::new(),
            g_xi: Bytes::new(),
            g_xr: Bytes::new(),
            ni_b: Bytes::new(),
            nr_b: Bytes::new(),
            id_of_first: None,
        }
    }

    pub(super) fn aggressive(&self) -> bool {
        self.exchange == Some(ExchangeType::AGGRESSIVE)
    }

    /// Whether all of phase 1 was seen.
    pub(super) fn complete(&self) -> bool {
        self.exchange.is_some() && self.number >= messages(self.aggressive())
    }

    /// The method that was chosen, or the only one that was offered.
    pub(super) fn method(&self) -> Option<AuthMethod> {
        let chosen = self.chosen.as_ref().map(|(_, chosen)| chosen).and_then(method);
        chosen.or_else(|| {
            let mut offered = self.offered_transforms().map(method);
            let first = offered.next()??;
            offered.all(|other| other == Some(first)).then_some(first)
        })
    }

    pub(super) fn proof(&self) -> Option<Proof> {
        Proof::of(self.method()?)
    }

    /// Whether bodies of payloads may be encrypted one by one.
    pub(super) fn hides_bodies(&self) -> bool {
        let hides = |method: AuthMethod| Proof::of(method).is_some_and(Proof::hides_bodies);
        match &self.chosen {
            Some((_, chosen)) => method(chosen).is_some_and(hides),
            None => self.offered_transforms().filter_map(method).any(hides),
        }
    }

    /// The same, and true where nothing is known of the method.
    pub(super) fn may_hide_bodies(&self) -> bool {
        let hides = |method: Option<AuthMethod>| method.and_then(Proof::of).is_none_or(Proof::hides_bodies);
        match &self.chosen {
            Some((_, chosen)) => hides(method(chosen)),
            None => self.offered.is_none() || self.offered_transforms().any(|offered| hides(method(offered))),
        }
    }

    pub(super) fn offered_transforms(&self) -> impl Iterator<Item = &Transform> {
        self.offered.iter().flat_map(|sa| &sa.proposals).flat_map(|proposal| &proposal.transforms)
    }

    /// What is negotiated for encryption, as far as it is known.
    pub(super) fn suite(&self) -> Option<Suite> {
        self.suite
    }

    /// Length of the public value of phase 1, where the group has a prime (RFC 2409 section 5).
    pub(super) fn public_len(&self) -> Option<usize> {
        let group = |transform| number(transform, Phase1Attribute::GROUP_DESCRIPTION);
        if let Some((_, chosen)) = &self.chosen {
            return modp_len(group(chosen)?);
        }
        let mut offered = self.offered_transforms().map(group);
        let first = offered.next()??;
        offered.all(|other| other == Some(first)).then(|| modp_len(first))?
    }

    /// The number of a further phase 1 message, and whether it is the other side's turn.
    pub(super) fn next_number(&mut self, from: IpAddr, types: Option<&[PayloadType]>) -> (usize, bool) {
        let next = self.number.saturating_add(1);
        let in_turn = self.initiator.is_none_or(|initiator| (initiator == from) == (next % 2 == 1));
        let number = match (in_turn, self.last.as_deref() == types) {
            (true, _) => next,
            // The same once more, with other content.
            (false, true) => self.number,
            (false, false) => next.saturating_add(1),
        };
        self.number = number;
        self.last = types.map(<[PayloadType]>::to_vec);
        self.sure &= in_turn;
        (number, in_turn)
    }

    /// Takes in the offer of message 1 and the choice of message 2.
    pub(super) fn sa_payload(&mut self, sa: &SaPayload, body: &Bytes, from_initiator: bool) {
        if from_initiator {
            if self.offered.is_none() {
                self.offered = Some(sa.clone());
                self.sai_b = body.clone();
            }
            return;
        }
        let Some(proposal) = sa.proposals.first() else { return };
        let Some(chosen) = proposal.transforms.first() else { return };
        self.chosen = Some((transform(proposal, chosen), chosen.clone()));
        let bits = number(chosen, Phase1Attribute::KEY_LENGTH);
        let cipher = number(chosen, Phase1Attribute::ENCRYPTION_ALGORITHM).map(EncryptionAlgorithm);
        let hash = number(chosen, Phase1Attribute::HASH_ALGORITHM).map(HashAlgorithmId).and_then(phase1_hash);
        // A key length that is too much or too little is the peers' affair; the key that was logged tells it too.
        let logged = self.ka.as_ref().and_then(|ka| u16::try_from(ka.len().saturating_mul(8)).ok());
        let cipher = cipher
            .and_then(|cipher| [bits, None, logged].into_iter().find_map(|bits| phase1_cipher(cipher, bits)));
        // The output of another prf than HMAC with the hash has another length.
        let hash = hash.filter(|_| number(chosen, Phase1Attribute::PRF).is_none());
        self.suite = cipher.zip(hash).map(|(cipher, hash)| Suite { cipher, hash });
    }

    /// Takes in the public values and the nonces of phase 1, whose bodies the IVs and the hashes cover.
    pub(super) fn key_exchange(&mut self, chain: &Chain, from_initiator: bool) {
        let body = |kind| chain.first(kind).map(|payload| payload.body.clone());
        let (public, nonce) =
            if from_initiator { (&mut self.g_xi, &mut self.ni_b) } else { (&mut self.g_xr, &mut self.nr_b) };
        if let Some(value) = body(PayloadType::KE) {
            *public = value;
        }
        if let Some(value) = body(PayloadType::NONCE) {
            *nonce = value;
        }
        if from_initiator && self.number == 1 {
            self.id_of_first = body(PayloadType::ID);
        }
        let hidden = self.proof() == Some(Proof::RevisedPublicKey);
        if let (None, Some(suite), false) = (&self.ivs, self.suite, hidden)
            && !self.g_xi.is_empty()
            && !self.g_xr.is_empty()
        {
            self.ivs = Some(IvChains::begin(suite, &self.g_xi, &self.g_xr));
        }
    }

    /// The plaintext of an encrypted message, where its key is known and fits.
    pub(super) fn open(&mut self, header: &Header, ciphertext: &[u8]) -> Option<Vec<u8>> {
        self.encrypted = self.encrypted.saturating_add(1);
        let (suite, ivs) = (self.suite?, self.ivs.as_mut()?);
        let ka = self.ka.as_deref().filter(|ka| ka.len() == suite.cipher.key_len());
        let m_id = header.message_id.0;
        let plaintext = ka.and_then(|ka| {
            ivs.candidates(m_id).iter().find_map(|iv| {
                let plaintext = decrypt(suite, ciphertext, ka, iv).ok()?;
                looks_decrypted(header.next_payload, &plaintext).then_some(plaintext)
            })
        });
        ivs.passed(m_id, ciphertext, plaintext.is_some());
        self.decrypted = self.decrypted.saturating_add(u64::from(plaintext.is_some()));
        plaintext
    }

    /// What is known of the key, and how far that went.
    pub(super) fn key_status(&self) -> String {
        let (all, read) = (self.encrypted, self.decrypted);
        let Some(ka) = &self.ka else {
            return match all {
                0 => "no message of it is encrypted".to_owned(),
                all => format!("Ka is not in a key table; {all} encrypted messages stay closed"),
            };
        };
        let why = match (self.suite, &self.ivs) {
            _ if read == all => return format!("Ka is known; {read} of {all} encrypted messages were read"),
            (None, _) => "but the capture lacks the responder's choice of cipher and hash".to_owned(),
            (Some(suite), _) if ka.len() != suite.cipher.key_len() => {
                format!("but it has {} octets, where the cipher takes {}", ka.len(), suite.cipher.key_len())
            }
            (_, None) => {
                "but the first IV comes from the two public values, which the capture lacks".to_owned()
            }
            _ => "the others make no sense under it: the key, the IV or the message is another".to_owned(),
        };
        format!("Ka is known; {read} of {all} encrypted messages were read, {why}")
    }

    /// Whether HASH_I or HASH_R in these payloads is the one that a pre-shared key gives: of SKEYID and it, everything is on the
    /// wire (RFC 2409 section 5.4).
    pub(super) fn try_psk(&mut self, psk: &[u8], chain: &Chain, from_initiator: bool, packet: u64) {
        let (Some(suite), Some(Proof::PreSharedKey)) = (self.suite, self.proof()) else { return };
        let Some(Payload::Hash(got)) = chain.first(PayloadType::HASH).map(|hash| &hash.payload) else {
            return;
        };
        let known = [&self.sai_b, &self.g_xi, &self.g_xr, &self.ni_b, &self.nr_b];
        if known.iter().any(|value| value.is_empty()) {
            return;
        }
        // In message 3 of aggressive mode there is no ID: that came with message 1.
        let of_first = self.id_of_first.clone().filter(|_| from_initiator);
        let Some(id_b) = chain.first(PayloadType::ID).map(|id| id.body.clone()).or(of_first) else { return };
        let skeyid = skeyid_psk(reference(), suite.hash, psk, &self.ni_b, &self.nr_b);
        let input = AuthHashInput {
            g_xi: &self.g_xi,
            g_xr: &self.g_xr,
            cky_i: self.cky_i.0,
            cky_r: self.cky_r.0,
            sai_b: &self.sai_b,
            id_b: &id_b,
        };
        let (name, wanted) = if from_initiator {
            ("HASH_I", hash_i(reference(), suite.hash, &skeyid, &input))
        } else {
            ("HASH_R", hash_r(reference(), suite.hash, &skeyid, &input))
        };
        self.proven.push(if got.data == wanted {
            format!("{name} of packet {packet} is the one that this key gives")
        } else {
            format!("{name} of packet {packet} is not the one that this key gives: its sender has another, or what it covers was altered")
        });
    }
}

/// The bytes of a prime's length, for the groups that have one.
pub(super) fn modp_len(group: u16) -> Option<usize> {
    let group = Group::from_id(group)?;
    matches!(group.kind(), GroupKind::Modp(_)).then(|| group.public_len())
}

/// The value of an attribute of phase 1.
pub(super) fn number(transform: &Transform, class: Phase1Attribute) -> Option<u16> {
    let found = transform.attributes.iter().find(|attribute| attribute.class == class.0)?;
    found.as_u64().and_then(|value| u16::try_from(value).ok())
}

fn method(transform: &Transform) -> Option<AuthMethod> {
    number(transform, Phase1Attribute::AUTHENTICATION_METHOD).map(AuthMethod)
}

/// Whether two lists have the same attributes, however they are encoded and in whatever order.
pub(super) fn same_attributes(a: &[Attribute], b: &[Attribute]) -> bool {
    let plain = |list: &[Attribute]| {
        let mut plain: Vec<_> = list
            .iter()
            .map(|attribute| match &attribute.value {
                ikev1::wire::AttributeValue::Variable(octets) if attribute.as_u64().is_none() => {
                    (attribute.class, None, octets.to_vec())
                }
                _ => (attribute.class, attribute.as_u64(), Vec::new()),
            })
            .collect();
        plain.sort();
        plain
    };
    plain(a) == plain(b)
}
