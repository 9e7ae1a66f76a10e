//! The SA payload of quick mode: offering, choosing and checking IPsec transforms (RFC 2407 sections 4.4 and 4.5).

use core::time::Duration;

use crate::config::{Encapsulation, IntegrityAlgorithm, IpsecPolicy, IpsecProtocol, IpsecTransform};
use crate::crypto::{CipherAlgorithm, Group, KeyLength};
use crate::error::ExchangeError;
use crate::natt::Nat;
use crate::phase1::negotiate::{LifeAttributes, check_doi, unaltered_choice};
use crate::wire::{
    AhTransform, Attribute, AuthAlgorithm, EncapsulationMode, EspTransform, IpsecAttribute, LifeType,
    Proposal, ProtocolId, SaPayload, Spi, Transform, TransformId,
};

/// What quick mode negotiated for a pair of SAs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChosenIpsec {
    pub(crate) protocol: IpsecProtocol,
    pub(crate) transform: IpsecTransform,
    pub(crate) mode: EncapsulationMode,
    pub(crate) group: Option<Group>,
    /// Life in seconds, when the transform says one.
    pub(crate) lifetime: Option<Duration>,
    /// Life in kilobytes, when the transform says one.
    pub(crate) kilobytes: Option<u64>,
    /// SPI that the other side chose for its inbound SA.
    pub(crate) peer_spi: u32,
}

/// The protocol's number in SA payloads and in KEYMAT.
pub(crate) fn protocol_id(protocol: IpsecProtocol) -> ProtocolId {
    match protocol {
        IpsecProtocol::Ah => ProtocolId::IPSEC_AH,
        IpsecProtocol::Esp => ProtocolId::IPSEC_ESP,
    }
}

/// The encapsulation mode to negotiate: UDP-encapsulated where a NAT was found (RFC 3947 section 5.1), under the drafts
/// by numbers of their own.
pub(crate) fn encapsulation_mode(encapsulation: Encapsulation, nat: Option<Nat>) -> EncapsulationMode {
    match (encapsulation, nat.map(|nat| nat.version.is_draft())) {
        (Encapsulation::Tunnel, None) => EncapsulationMode::TUNNEL,
        (Encapsulation::Transport, None) => EncapsulationMode::TRANSPORT,
        (Encapsulation::Tunnel, Some(false)) => EncapsulationMode::UDP_TUNNEL,
        (Encapsulation::Transport, Some(false)) => EncapsulationMode::UDP_TRANSPORT,
        (Encapsulation::Tunnel, Some(true)) => EncapsulationMode::UDP_TUNNEL_DRAFT,
        (Encapsulation::Transport, Some(true)) => EncapsulationMode::UDP_TRANSPORT_DRAFT,
    }
}

/// The SA payload that offers all of a policy's transforms in one proposal.
///
/// # Errors
///
/// When a transform of the policy does not exist on the wire.
pub(crate) fn offer(policy: &IpsecPolicy, spi_in: u32, nat: Option<Nat>) -> Result<SaPayload, ExchangeError> {
    let transforms = (1..=u8::MAX)
        .zip(&policy.transforms)
        .map(|(number, transform)| encode_transform(policy, *transform, number, nat))
        .collect::<Result<_, _>>()?;
    Ok(SaPayload::ipsec_doi(vec![Proposal {
        number: 1,
        protocol: protocol_id(policy.protocol),
        spi: Spi::from_u32(spi_in).0,
        transforms,
    }]))
}

fn encode_transform(
    policy: &IpsecPolicy,
    transform: IpsecTransform,
    number: u8,
    nat: Option<Nat>,
) -> Result<Transform, ExchangeError> {
    let (id, key_bits) = transform_id(policy.protocol, transform).ok_or_else(|| {
        ExchangeError::NoProposalChosen("a configured IPsec transform does not exist".into())
    })?;
    let mode = encapsulation_mode(policy.encapsulation, nat);
    let seconds = u32::try_from(policy.lifetime.as_secs()).unwrap_or(u32::MAX);
    let mut attributes = vec![
        Attribute::short(IpsecAttribute::SA_LIFE_TYPE, LifeType::SECONDS.0),
        Attribute::lifetime(IpsecAttribute::SA_LIFE_DURATION, seconds),
    ];
    if let Some(kilobytes) = policy.lifetime_kilobytes {
        attributes.push(Attribute::short(IpsecAttribute::SA_LIFE_TYPE, LifeType::KILOBYTES.0));
        attributes.push(Attribute::lifetime(IpsecAttribute::SA_LIFE_DURATION, kilobytes));
    }
    if let Some(group) = &policy.pfs {
        attributes.push(Attribute::short(IpsecAttribute::GROUP_DESCRIPTION, group.id()));
    }
    attributes.push(Attribute::short(IpsecAttribute::ENCAPSULATION_MODE, mode.0));
    if let Some(integrity) = transform.integrity {
        attributes.push(Attribute::short(IpsecAttribute::AUTHENTICATION_ALGORITHM, auth_number(integrity).0));
    }
    if let Some(bits) = key_bits {
        attributes.push(Attribute::short(IpsecAttribute::KEY_LENGTH, bits));
    }
    Ok(Transform { number, id, attributes })
}

/// What the responder chose: the index of its policy, the terms, and the reply.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) policy: usize,
    pub(crate) chosen: ChosenIpsec,
    pub(crate) reply: SaPayload,
}

/// Chooses the first offered transform that one of the candidate policies has.
///
/// # Errors
///
/// A DOI or situation that is not ours, or no acceptable transform, with the reason for each.
pub(crate) fn choose(
    candidates: &[(usize, &IpsecPolicy)],
    offered: &SaPayload,
    spi_in: u32,
    nat: Option<Nat>,
) -> Result<Choice, ExchangeError> {
    check_doi(offered)?;
    let mut refusals = Vec::new();
    for proposal in &offered.proposals {
        let bundled = offered.proposals.iter().filter(|other| other.number == proposal.number).count() > 1;
        if bundled {
            refusals.push(format!("proposal {} is a bundle", proposal.number));
            continue;
        }
        for transform in &proposal.transforms {
            let terms = match read_transform(proposal, transform) {
                Ok(terms) => terms,
                Err(reason) => {
                    refusals.push(format!("{}.{}: {reason}", proposal.number, transform.number));
                    continue;
                }
            };
            let found = candidates.iter().find(|(_, policy)| acceptable(policy, &terms, nat));
            if let Some((policy, _)) = found {
                let reply = Proposal {
                    number: proposal.number,
                    protocol: proposal.protocol,
                    spi: Spi::from_u32(spi_in).0,
                    transforms: vec![transform.clone()],
                };
                let reply = SaPayload::ipsec_doi(vec![reply]);
                return Ok(Choice { policy: *policy, chosen: terms, reply });
            }
            refusals.push(format!("{}.{}: not in the policy", proposal.number, transform.number));
        }
    }
    Err(ExchangeError::NoProposalChosen(refusals.join("; ")))
}

fn acceptable(policy: &IpsecPolicy, terms: &ChosenIpsec, nat: Option<Nat>) -> bool {
    policy.protocol == terms.protocol
        && policy.transforms.contains(&terms.transform)
        && policy.pfs == terms.group
        && encapsulation_mode(policy.encapsulation, nat) == terms.mode
}

/// Checks that the reply is one of the offered transforms, and reads it.
///
/// # Errors
///
/// What differs from the offer.
pub(crate) fn verify_choice(offered: &SaPayload, reply: &SaPayload) -> Result<ChosenIpsec, ExchangeError> {
    let (proposal, transform) = unaltered_choice(offered, reply)?;
    read_transform(proposal, transform).map_err(ExchangeError::ProposalAltered)
}

/// Reads a transform's attributes in whatever order they come.
fn read_transform(proposal: &Proposal, transform: &Transform) -> Result<ChosenIpsec, String> {
    let protocol = match proposal.protocol {
        ProtocolId::IPSEC_AH => IpsecProtocol::Ah,
        ProtocolId::IPSEC_ESP => IpsecProtocol::Esp,
        other => return Err(format!("protocol {other:?} is not supported")),
    };
    let peer_spi = Spi(proposal.spi.clone()).as_u32().ok_or("the SPI is not of 4 bytes")?;
    if peer_spi < 256 {
        return Err(format!("SPI {peer_spi} is reserved"));
    }
    let (mut group, mut mode, mut auth, mut key_bits) = (None, None, None, None);
    let mut life = LifeAttributes::default();
    for attribute in &transform.attributes {
        let class = IpsecAttribute(attribute.class);
        let value = attribute.as_u64().ok_or_else(|| format!("{class:?} is too long"))?;
        let slot = match class {
            IpsecAttribute::SA_LIFE_TYPE => {
                life.life_type(value);
                continue;
            }
            IpsecAttribute::SA_LIFE_DURATION => {
                life.duration(value);
                continue;
            }
            IpsecAttribute::GROUP_DESCRIPTION => &mut group,
            IpsecAttribute::ENCAPSULATION_MODE => &mut mode,
            IpsecAttribute::AUTHENTICATION_ALGORITHM => &mut auth,
            IpsecAttribute::KEY_LENGTH => &mut key_bits,
            other => return Err(format!("attribute {other:?} is not supported")),
        };
        if slot.replace(value).is_some_and(|former| former != value) {
            return Err(format!("{class:?} comes twice with different values"));
        }
    }
    let integrity = auth
        .map(|number| {
            auth_from_number(number).ok_or(format!("authentication algorithm {number} is not supported"))
        })
        .transpose()?;
    let transform = transform_from_numbers(protocol, transform.id, key_bits, integrity)
        .ok_or_else(|| format!("transform {} with these attributes is not supported", transform.id.0))?;
    let group = group
        .map(|id| {
            u16::try_from(id).ok().and_then(Group::from_id).ok_or(format!("group {id} is not supported"))
        })
        .transpose()?;
    let mode = mode
        .and_then(|mode| u16::try_from(mode).ok())
        .map(EncapsulationMode)
        .ok_or("no encapsulation mode is given, and its default is not defined")?;
    let (lifetime, kilobytes) = (life.seconds(), life.kilobytes());
    Ok(ChosenIpsec { protocol, transform, mode, group, lifetime, kilobytes, peer_spi })
}

/// Transform identifier and key length in bits; `None` for combinations that do not exist.
pub(crate) fn transform_id(
    protocol: IpsecProtocol,
    transform: IpsecTransform,
) -> Option<(TransformId, Option<u16>)> {
    match protocol {
        IpsecProtocol::Ah => Some((
            match transform.integrity? {
                IntegrityAlgorithm::HmacMd5 => AhTransform::MD5,
                IntegrityAlgorithm::HmacSha1 => AhTransform::SHA,
                IntegrityAlgorithm::HmacSha2_256 => AhTransform::SHA2_256,
                IntegrityAlgorithm::HmacSha2_384 => AhTransform::SHA2_384,
                IntegrityAlgorithm::HmacSha2_512 => AhTransform::SHA2_512,
                IntegrityAlgorithm::AesXcbcMac => AhTransform::AES_XCBC_MAC,
            }
            .into(),
            None,
        )),
        IpsecProtocol::Esp => {
            let id = match transform.cipher {
                None => EspTransform::NULL,
                Some(CipherAlgorithm::Des) => EspTransform::DES,
                Some(CipherAlgorithm::TripleDes) => EspTransform::TRIPLE_DES,
                Some(CipherAlgorithm::Rc5(_)) => EspTransform::RC5,
                Some(CipherAlgorithm::Idea) => EspTransform::IDEA,
                Some(CipherAlgorithm::Cast(_)) => EspTransform::CAST,
                Some(CipherAlgorithm::Blowfish(_)) => EspTransform::BLOWFISH,
                Some(
                    CipherAlgorithm::AesCbc128 | CipherAlgorithm::AesCbc192 | CipherAlgorithm::AesCbc256,
                ) => EspTransform::AES_CBC,
                Some(
                    CipherAlgorithm::CamelliaCbc128
                    | CipherAlgorithm::CamelliaCbc192
                    | CipherAlgorithm::CamelliaCbc256,
                ) => EspTransform::CAMELLIA,
            };
            let bits = transform.cipher.and_then(CipherAlgorithm::variable_key_bits);
            // RFC 2406 section 5: ESP_NULL and no integrity must not come together.
            (transform.cipher.is_some() || transform.integrity.is_some()).then(|| (id.into(), bits))
        }
    }
}

fn transform_from_numbers(
    protocol: IpsecProtocol,
    id: TransformId,
    key_bits: Option<u64>,
    integrity: Option<IntegrityAlgorithm>,
) -> Option<IpsecTransform> {
    let cipher = match protocol {
        IpsecProtocol::Ah => None,
        IpsecProtocol::Esp => esp_cipher_from_numbers(id, key_bits)?,
    };
    let transform = IpsecTransform { cipher, integrity };
    // An AH transform goes with one integrity algorithm, and ESP_NULL needs some.
    let (number, bits) = transform_id(protocol, transform)?;
    (number == id && bits.map(u64::from) == key_bits).then_some(transform)
}

/// The cipher of an ESP transform, which is none for ESP_NULL; the outer `None` is for a cipher or key length that there is
/// not.
///
/// A key that can have several lengths must have a Key Length attribute and any other must not: there are no defaults
/// (RFC 2407 section 4.5). RC5 has 16 rounds, which are not negotiated (RFC 2451 section 2.5).
fn esp_cipher_from_numbers(id: TransformId, key_bits: Option<u64>) -> Option<Option<CipherAlgorithm>> {
    let bits = key_bits.map(u16::try_from).transpose().ok()?;
    let cipher = match (EspTransform(id.0), bits) {
        (EspTransform::NULL, None) => return Some(None),
        (EspTransform::DES, None) => CipherAlgorithm::Des,
        (EspTransform::TRIPLE_DES, None) => CipherAlgorithm::TripleDes,
        (EspTransform::RC5, Some(bits)) => CipherAlgorithm::Rc5(KeyLength::from_bits(bits)?),
        (EspTransform::IDEA, None) => CipherAlgorithm::Idea,
        (EspTransform::CAST, Some(bits)) => CipherAlgorithm::Cast(KeyLength::from_bits(bits)?),
        (EspTransform::BLOWFISH, Some(bits)) => CipherAlgorithm::Blowfish(KeyLength::from_bits(bits)?),
        (EspTransform::AES_CBC, Some(128)) => CipherAlgorithm::AesCbc128,
        (EspTransform::AES_CBC, Some(192)) => CipherAlgorithm::AesCbc192,
        (EspTransform::AES_CBC, Some(256)) => CipherAlgorithm::AesCbc256,
        (EspTransform::CAMELLIA, Some(128)) => CipherAlgorithm::CamelliaCbc128,
        (EspTransform::CAMELLIA, Some(192)) => CipherAlgorithm::CamelliaCbc192,
        (EspTransform::CAMELLIA, Some(256)) => CipherAlgorithm::CamelliaCbc256,
        _ => return None,
    };
    Some(Some(cipher))
}

pub(crate) fn auth_number(integrity: IntegrityAlgorithm) -> AuthAlgorithm {
    match integrity {
        IntegrityAlgorithm::HmacMd5 => AuthAlgorithm::HMAC_MD5,
        IntegrityAlgorithm::HmacSha1 => AuthAlgorithm::HMAC_SHA1,
        IntegrityAlgorithm::HmacSha2_256 => AuthAlgorithm::HMAC_SHA2_256,
        IntegrityAlgorithm::HmacSha2_384 => AuthAlgorithm::HMAC_SHA2_384,
        IntegrityAlgorithm::HmacSha2_512 => AuthAlgorithm::HMAC_SHA2_512,
        IntegrityAlgorithm::AesXcbcMac => AuthAlgorithm::AES_XCBC_MAC,
    }
}

fn auth_from_number(number: u64) -> Option<IntegrityAlgorithm> {
    IntegrityAlgorithm::ALL.iter().map(|(a, _)| *a).find(|a| u64::from(auth_number(*a).0) == number)
}

#[cfg(test)]
mod tests;
