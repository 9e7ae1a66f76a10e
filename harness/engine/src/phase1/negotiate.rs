//! The phase 1 SA payload: offering transforms, choosing one, and checking the choice (RFC 2409 section 5 and
//! Appendix A).

use core::time::Duration;

use bytes::Bytes;

use super::group_attributes::{self, GroupAttributes};
use crate::config::{Extension, PeerConfig, Phase1Transform, extended_number, method_of_number};
use crate::crypto::{CipherAlgorithm, HashAlgorithm, KeyLength};
use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::event::Role;
use crate::refusals::Refusals;
use crate::wire::{
    Attribute, Doi, EncryptionAlgorithm, HashAlgorithmId, LifeType, Phase1Attribute, Proposal, ProtocolId,
    SaPayload, Transform, TransformId,
};

/// The only situation we negotiate (RFC 2407 section 4.2.1).
pub(crate) const SIT_IDENTITY_ONLY: u32 = 1;

/// The most octets that an SPI of ISAKMP has: both cookies (RFC 2408 section 3.5).
const ISAKMP_SPI_MAX: usize = 16;

/// What phase 1 negotiated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) transform: Phase1Transform,
    /// The extended authentication that the method says will follow.
    pub(crate) extension: Option<Extension>,
    /// Life in seconds, when the transform says one.
    pub(crate) lifetime: Option<Duration>,
}

/// The SA payload that offers all of a peer's transforms in one proposal.
pub(crate) fn offer(peer: &PeerConfig) -> SaPayload {
    let transforms = (1..=u8::MAX)
        .zip(&peer.phase1)
        .map(|(number, transform)| Transform {
            number,
            id: TransformId::KEY_IKE,
            attributes: attributes(transform, peer),
        })
        .collect();
    SaPayload::ipsec_doi(vec![Proposal {
        number: 1,
        protocol: ProtocolId::ISAKMP,
        spi: Bytes::new(),
        transforms,
    }])
}

fn attributes(transform: &Phase1Transform, peer: &PeerConfig) -> Vec<Attribute> {
    // `phase1::initiate` has checked that there is such a method.
    let method = extended_number(transform.authentication, peer.extension(Role::Initiator));
    let method = method.unwrap_or_else(|| transform.authentication.number());
    let (cipher, key_bits) = cipher_numbers(transform.cipher);
    let mut attributes = vec![Attribute::short(Phase1Attribute::ENCRYPTION_ALGORITHM.0, cipher.0)];
    if let Some(bits) = key_bits
        && !(peer.omit_default_key_length
            && cipher_from_numbers(cipher.0.into(), None) == Some(transform.cipher))
    {
        attributes.push(Attribute::short(Phase1Attribute::KEY_LENGTH.0, bits));
    }
    let seconds = u32::try_from(peer.phase1_lifetime.as_secs()).unwrap_or(u32::MAX);
    attributes.extend([
        Attribute::short(Phase1Attribute::HASH_ALGORITHM.0, hash_number(transform.hash).0),
        Attribute::short(Phase1Attribute::AUTHENTICATION_METHOD.0, method.0),
    ]);
    attributes.extend(group_attributes::of(&transform.group));
    attributes.extend([
        Attribute::short(Phase1Attribute::LIFE_TYPE.0, LifeType::SECONDS.0),
        Attribute::lifetime(Phase1Attribute::LIFE_DURATION.0, seconds),
    ]);
    attributes
}

/// Chooses the first offered transform that the policy has; the reply repeats it unchanged.
///
/// # Errors
///
/// A DOI or situation that is not ours, no proposal that is possible in phase 1, or no acceptable transform: what all have
/// in common, else the reason for each.
pub(crate) fn choose(peer: &PeerConfig, offered: &SaPayload) -> Result<(SaPayload, Chosen), ExchangeError> {
    check_doi(offered)?;
    let mut refusals = Refusals::default();
    for proposal in &offered.proposals {
        let number = proposal.number;
        if let Err(error) = check_proposal(proposal) {
            refusals.add(format_args!("proposal {number}"), error);
            continue;
        }
        let bundled = offered.proposals.iter().filter(|other| other.number == number).count() > 1;
        if bundled || proposal.transforms.is_empty() {
            let reason = if bundled { "it is not for ISAKMP alone" } else { "it has no transform" };
            refusals.add(format_args!("proposal {number}"), ExchangeError::NoProposalChosen(reason.into()));
            continue;
        }
        for transform in &proposal.transforms {
            match acceptable(peer, transform) {
                Ok(chosen) => {
                    let reply = Proposal {
                        number,
                        protocol: ProtocolId::ISAKMP,
                        spi: Bytes::new(),
                        transforms: vec![transform.clone()],
                    };
                    return Ok((SaPayload::ipsec_doi(vec![reply]), chosen));
                }
                Err(error) => refusals.add(format_args!("{number}.{}", transform.number), error),
            }
        }
    }
    Err(refusals.into_error())
}

/// The checks of RFC 2408 section 5.5 on a proposal of phase 1: its protocol, and the SPI, which says nothing and may
/// have up to 16 octets (section 3.5).
fn check_proposal(proposal: &Proposal) -> Result<(), ExchangeError> {
    let (protocol, len) = (proposal.protocol, proposal.spi.len());
    if protocol != ProtocolId::ISAKMP && !deviates(Deviation::AcceptsInvalidProtocol) {
        Err(ExchangeError::InvalidProtocolId(protocol))
    } else if len > ISAKMP_SPI_MAX {
        Err(ExchangeError::InvalidSpi { protocol, len })
    } else {
        Ok(())
    }
}

/// Whether public key encryption is offered, so that ID payloads of the same message are encrypted. Aggressive mode
/// cannot negotiate the method, so the first transform tells.
pub(crate) fn offers_encryption(offered: &SaPayload) -> bool {
    let first = offered.proposals.first().and_then(|proposal| proposal.transforms.first());
    first.is_some_and(|transform| {
        let is_method = |attribute: &&Attribute| {
            Phase1Attribute(attribute.class) == Phase1Attribute::AUTHENTICATION_METHOD
        };
        let method = transform.attributes.iter().find(is_method).and_then(Attribute::as_u64);
        method.and_then(method_of_number).is_some_and(|(method, _)| method.is_encryption())
    })
}

fn acceptable(peer: &PeerConfig, transform: &Transform) -> Result<Chosen, ExchangeError> {
    let chosen = read_transform(transform)?;
    let Phase1Transform { authentication: method, cipher, hash, ref group } = chosen.transform;
    let anything = deviates(Deviation::AcceptsAnyTransform)
        || deviates(Deviation::AcceptsMethodItCannotFinish) && !peer.can_authenticate(method);
    let problem = if anything {
        return Ok(chosen);
    } else if !peer.can_authenticate(method) {
        format!("no credentials for authentication method {}", method.name())
    } else if chosen.extension != peer.extension(Role::Responder) {
        "its extended authentication is not the policy's".into()
    } else if peer.phase1.contains(&chosen.transform) {
        return Ok(chosen);
    } else {
        let (cipher, hash, group) = (cipher.name(), hash.name(), group.name());
        format!("{}-{cipher}-{hash}-{group} is not in the policy", method.name())
    };
    Err(ExchangeError::NoProposalChosen(problem))
}

/// Checks that the reply is one of the offered transforms, and reads it.
///
/// # Errors
///
/// A proposal that is not possible in phase 1, or what differs from the offer.
pub(crate) fn verify_choice(offered: &SaPayload, reply: &SaPayload) -> Result<Chosen, ExchangeError> {
    check_doi(reply)?;
    reply.proposals.iter().try_for_each(check_proposal)?;
    let (_, transform) = unaltered_choice(offered, reply)?;
    read_transform(transform).map_err(|error| ExchangeError::ProposalAltered(error.reason()))
}

/// The reply's only transform, which must be one of the offered ones with its attributes unchanged (RFC 2409 section
/// 5). The responder should keep the numbers of proposal and transform and need not (RFC 2408 section 4.2).
///
/// # Errors
///
/// What differs from the offer.
pub(crate) fn unaltered_choice<'a>(
    offered: &SaPayload,
    reply: &'a SaPayload,
) -> Result<(&'a Proposal, &'a Transform), ExchangeError> {
    check_doi(reply)?;
    let altered = |what: &str| ExchangeError::ProposalAltered(what.to_owned());
    let [proposal] = reply.proposals.as_slice() else {
        return Err(altered("expected exactly one proposal"));
    };
    let [transform] = proposal.transforms.as_slice() else {
        return Err(altered("expected exactly one transform"));
    };
    if !was_offered(offered, proposal, transform) && !deviates(Deviation::AcceptsAlteredChoice) {
        return Err(altered("no offered transform has this identifier and these attributes"));
    }
    Ok((proposal, transform))
}

/// Whether a proposal for this protocol offered this transform, its number aside.
fn was_offered(offered: &SaPayload, proposal: &Proposal, transform: &Transform) -> bool {
    offered
        .proposals
        .iter()
        .filter(|source| source.protocol == proposal.protocol)
        .flat_map(|source| &source.transforms)
        .any(|t| t.id == transform.id && same_attributes(&t.attributes, &transform.attributes))
}

/// Whether two attribute lists say the same, in any order and either encoding.
pub(crate) fn same_attributes(a: &[Attribute], b: &[Attribute]) -> bool {
    let same = |x: &Attribute, y: &Attribute| {
        x.class == y.class
            && match (x.as_u64(), y.as_u64()) {
                (Some(x), Some(y)) => x == y,
                _ => x.value == y.value,
            }
    };
    a.len() == b.len()
        && a.iter().all(|x| b.iter().any(|y| same(x, y)))
        && b.iter().all(|y| a.iter().any(|x| same(x, y)))
}

pub(crate) fn check_doi(sa: &SaPayload) -> Result<(), ExchangeError> {
    if deviates(Deviation::AcceptsUnknownDoi) {
        return Ok(());
    }
    if sa.doi != Doi::IPSEC {
        return Err(ExchangeError::DoiNotSupported(sa.doi.0));
    }
    if sa.situation != SIT_IDENTITY_ONLY {
        return Err(ExchangeError::SituationNotSupported(sa.situation));
    }
    Ok(())
}

/// Reads a transform. One with an unknown identifier is passed over without a notify of its own, unlike one with the
/// reserved identifier (RFC 2408 section 5.6).
fn read_transform(transform: &Transform) -> Result<Chosen, ExchangeError> {
    match transform.id {
        TransformId::KEY_IKE => {
            read_attributes(&transform.attributes).map_err(ExchangeError::AttributesNotSupported)
        }
        TransformId(0) => Err(ExchangeError::InvalidTransformId(transform.id)),
        TransformId(id) => Err(ExchangeError::NoProposalChosen(format!("transform id {id} is not KEY_IKE"))),
    }
}

/// Reads a transform's attributes in whatever order they come.
fn read_attributes(attributes: &[Attribute]) -> Result<Chosen, String> {
    let (mut cipher, mut key_bits, mut hash, mut method) = (None, None, None, None);
    let (mut life, mut group) = (LifeAttributes::default(), GroupAttributes::default());
    for attribute in attributes {
        if group.takes(attribute)? {
            continue;
        }
        let class = Phase1Attribute(attribute.class);
        let value = attribute.as_u64().ok_or_else(|| format!("{class:?} is too long"))?;
        let slot = match class {
            Phase1Attribute::ENCRYPTION_ALGORITHM => &mut cipher,
            Phase1Attribute::KEY_LENGTH
                if cipher.is_none() && deviates(Deviation::WantsAttributesInOrder) =>
            {
                return Err("the key length comes before its algorithm".into());
            }
            Phase1Attribute::KEY_LENGTH => &mut key_bits,
            Phase1Attribute::HASH_ALGORITHM => &mut hash,
            Phase1Attribute::AUTHENTICATION_METHOD => &mut method,
            Phase1Attribute::LIFE_TYPE => {
                life.life_type(value);
                continue;
            }
            Phase1Attribute::LIFE_DURATION
                if deviates(Deviation::RefusesVariableLifetimes) && attribute.as_short().is_none() =>
            {
                return Err("the lifetime is too long".into());
            }
            Phase1Attribute::LIFE_DURATION => {
                life.duration(value)?;
                continue;
            }
            other => return Err(format!("attribute {other:?} is not supported")),
        };
        if slot.replace(value).is_some_and(|former| former != value) {
            return Err(format!("{class:?} comes twice with different values"));
        }
    }
    let cipher = cipher.ok_or("no encryption algorithm")?;
    let cipher = cipher_from_numbers(cipher, key_bits).ok_or_else(|| {
        format!("encryption algorithm {cipher} with key length {key_bits:?} is not supported")
    })?;
    let hash = hash.ok_or("no hash algorithm")?;
    let hash = hash_from_number(hash).ok_or_else(|| format!("hash algorithm {hash} is not supported"))?;
    let method = method.ok_or("no authentication method")?;
    let (authentication, extension) =
        method_of_number(method).ok_or_else(|| format!("authentication method {method} is not supported"))?;
    let group = group.group()?;
    let lifetime = life.seconds();
    Ok(Chosen { transform: Phase1Transform { authentication, cipher, hash, group }, extension, lifetime })
}

/// Life type and life duration attributes, which come in pairs: each duration belongs to the type before it
/// (RFC 2409 Appendix A, RFC 2407 section 4.5).
#[derive(Debug, Default)]
pub(crate) struct LifeAttributes {
    current: Option<u64>,
    seconds: Option<u64>,
    kilobytes: Option<u64>,
}

impl LifeAttributes {
    pub(crate) fn life_type(&mut self, value: u64) {
        self.current = Some(value);
    }

    /// Fails when another life of the same type was said before: such attributes conflict (RFC 2407 section 4.5.2).
    pub(crate) fn duration(&mut self, value: u64) -> Result<(), String> {
        let (name, slot) = match self.current.and_then(|current| u16::try_from(current).ok()).map(LifeType) {
            Some(LifeType::SECONDS) => ("seconds", &mut self.seconds),
            Some(LifeType::KILOBYTES) => ("kilobytes", &mut self.kilobytes),
            _ => return Ok(()),
        };
        // No time at all is no life: as if it had not been said.
        if value == 0 {
            return Ok(());
        }
        match slot.replace(value) {
            Some(former) if former != value => {
                Err(format!("the lives of {former} and {value} {name} conflict"))
            }
            _ => Ok(()),
        }
    }

    /// The life in kilobytes of 1024 bytes that was said.
    pub(crate) fn kilobytes(&self) -> Option<u64> {
        self.kilobytes
    }

    /// The life in seconds that was said. More than 136 years is cut there.
    pub(crate) fn seconds(&self) -> Option<Duration> {
        self.seconds.map(|seconds| Duration::from_secs(seconds.min(u64::from(u32::MAX))))
    }
}

/// The cipher's number and, unless its key has one length only, that length in bits.
pub(crate) fn cipher_numbers(cipher: CipherAlgorithm) -> (EncryptionAlgorithm, Option<u16>) {
    let number = match cipher {
        CipherAlgorithm::Des => EncryptionAlgorithm::DES_CBC,
        CipherAlgorithm::Idea => EncryptionAlgorithm::IDEA_CBC,
        CipherAlgorithm::Blowfish(_) => EncryptionAlgorithm::BLOWFISH_CBC,
        CipherAlgorithm::Rc5(_) => EncryptionAlgorithm::RC5_R16_B64_CBC,
        CipherAlgorithm::TripleDes => EncryptionAlgorithm::TRIPLE_DES_CBC,
        CipherAlgorithm::Cast(_) => EncryptionAlgorithm::CAST_CBC,
        CipherAlgorithm::AesCbc128 | CipherAlgorithm::AesCbc192 | CipherAlgorithm::AesCbc256 => {
            EncryptionAlgorithm::AES_CBC
        }
        CipherAlgorithm::CamelliaCbc128
        | CipherAlgorithm::CamelliaCbc192
        | CipherAlgorithm::CamelliaCbc256 => EncryptionAlgorithm::CAMELLIA_CBC,
    };
    (number, cipher.variable_key_bits())
}

/// The cipher of these attributes; `None` for a cipher or a key length that there is not.
///
/// A cipher whose key has one length must come without a Key Length (RFC 2409 Appendix A). Without one Blowfish has 448
/// bits, RC5 and CAST have 128 (Appendix B); AES (RFC 3602 section 5.3) and Camellia (RFC 4312) must have one.
pub(crate) fn cipher_from_numbers(algorithm: u64, key_bits: Option<u64>) -> Option<CipherAlgorithm> {
    let number = EncryptionAlgorithm(u16::try_from(algorithm).ok()?);
    let bits = key_bits.map(u16::try_from).transpose().ok()?;
    match (number, bits) {
        (EncryptionAlgorithm::DES_CBC, None) => Some(CipherAlgorithm::Des),
        (EncryptionAlgorithm::IDEA_CBC, None) => Some(CipherAlgorithm::Idea),
        (EncryptionAlgorithm::BLOWFISH_CBC, bits) => {
            KeyLength::from_bits(bits.unwrap_or(448)).map(CipherAlgorithm::Blowfish)
        }
        (EncryptionAlgorithm::RC5_R16_B64_CBC, bits) => {
            KeyLength::from_bits(bits.unwrap_or(128)).map(CipherAlgorithm::Rc5)
        }
        (EncryptionAlgorithm::TRIPLE_DES_CBC, None) => Some(CipherAlgorithm::TripleDes),
        (EncryptionAlgorithm::CAST_CBC, bits) => {
            KeyLength::from_bits(bits.unwrap_or(128)).map(CipherAlgorithm::Cast)
        }
        (EncryptionAlgorithm::TRIPLE_DES_CBC, Some(_)) if deviates(Deviation::AcceptsKeyLengthOf3des) => {
            Some(CipherAlgorithm::TripleDes)
        }
        (EncryptionAlgorithm::AES_CBC, Some(128)) => Some(CipherAlgorithm::AesCbc128),
        (EncryptionAlgorithm::AES_CBC, Some(192)) => Some(CipherAlgorithm::AesCbc192),
        (EncryptionAlgorithm::AES_CBC, Some(256)) => Some(CipherAlgorithm::AesCbc256),
        (EncryptionAlgorithm::CAMELLIA_CBC, Some(128)) => Some(CipherAlgorithm::CamelliaCbc128),
        (EncryptionAlgorithm::CAMELLIA_CBC, Some(192)) => Some(CipherAlgorithm::CamelliaCbc192),
        (EncryptionAlgorithm::CAMELLIA_CBC, Some(256)) => Some(CipherAlgorithm::CamelliaCbc256),
        _ => None,
    }
}

pub(crate) fn hash_number(hash: HashAlgorithm) -> HashAlgorithmId {
    match hash {
        HashAlgorithm::Md5 => HashAlgorithmId::MD5,
        HashAlgorithm::Sha1 => HashAlgorithmId::SHA,
        HashAlgorithm::Tiger => HashAlgorithmId::TIGER,
        HashAlgorithm::Sha2_256 => HashAlgorithmId::SHA2_256,
        HashAlgorithm::Sha2_384 => HashAlgorithmId::SHA2_384,
        HashAlgorithm::Sha2_512 => HashAlgorithmId::SHA2_512,
    }
}

pub(crate) fn hash_from_number(number: u64) -> Option<HashAlgorithm> {
    HashAlgorithm::ALL.iter().copied().find(|hash| u64::from(hash_number(*hash).0) == number)
}

#[cfg(test)]
mod tests;
