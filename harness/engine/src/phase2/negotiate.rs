//! The SA payload of quick mode: offering, choosing and checking IPsec transforms (RFC 2407 sections 4.4 and 4.5).

pub(crate) mod ipcomp;

use core::time::Duration;

use bytes::Bytes;

use crate::config::{Encapsulation, IntegrityAlgorithm, IpsecPolicy, IpsecProtocol, IpsecTransform};
use crate::crypto::{CipherAlgorithm, Group, KeyLength};
use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::natt::Nat;
use crate::phase1::negotiate::{LifeAttributes, check_doi, same_attributes};
use crate::phase2::new_group::PrivateGroups;
use crate::refusals::Refusals;
use crate::wire::{
    AhTransform, Attribute, AuthAlgorithm, EncapsulationMode, EspTransform, IpcompTransform, IpsecAttribute,
    LifeType, Proposal, ProtocolId, SaPayload, Spi, Transform, TransformId,
};

/// The first SPI that is not reserved (RFC 2402 section 2.4, RFC 2406 section 2.1).
const SPI_MIN: u32 = 256;
/// The one value of the attribute Extended Sequence Number (RFC 4304 section 2). Without it, numbers have 32 bits.
const SEQUENCE_NUMBERS_OF_64_BITS: u16 = 1;

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
        IpsecProtocol::Ipcomp => ProtocolId::IPCOMP,
    }
}

/// An SPI as it goes into payloads: 4 octets, or 2 where it is a CPI (RFC 3173 section 4.1).
pub(crate) fn spi_octets(protocol: IpsecProtocol, spi: u32) -> Bytes {
    match (protocol, u16::try_from(spi)) {
        (IpsecProtocol::Ipcomp, Ok(cpi)) => Bytes::copy_from_slice(&cpi.to_be_bytes()),
        _ => Spi::from_u32(spi).0,
    }
}

/// The number that an SPI is; `None` when its length is not one of the protocol's. A CPI may have 4 octets, of which the
/// first two are ignored (RFC 3173 section 4.1).
pub(crate) fn spi_number(protocol: ProtocolId, spi: &[u8]) -> Option<u32> {
    match (protocol, spi) {
        (ProtocolId::IPCOMP, [high, low] | [_, _, high, low]) => {
            Some(u16::from_be_bytes([*high, *low]).into())
        }
        (ProtocolId::IPCOMP, _) => None,
        (_, spi) => spi.try_into().ok().map(u32::from_be_bytes),
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

/// The SA payload that offers all of a policy's transforms: one proposal for each protocol. Those of a bundle have the same
/// number, and each alternative has the next one (RFC 2408 section 4.2). `spis_in` are our SPIs in the order of
/// [`IpsecPolicy::protocols`].
///
/// # Errors
///
/// When a transform of the policy does not exist on the wire, or a protocol comes twice.
pub(crate) fn offer(
    policy: &IpsecPolicy,
    spis_in: &[u32],
    nat: Option<Nat>,
    groups: &PrivateGroups,
) -> Result<SaPayload, ExchangeError> {
    if policy.proposals().any(|bundle| protects_nothing(&bundle)) {
        return Err(ExchangeError::NoProposalChosen("IPComp alone protects nothing".into()));
    }
    let mut proposals: Vec<Proposal> = Vec::new();
    let numbered = (1..=u8::MAX).zip(policy.proposals());
    let protocols = numbered.flat_map(|(number, bundle)| bundle.into_iter().map(move |of| (number, of)));
    for ((number, (protocol, transforms)), spi_in) in protocols.zip(spis_in) {
        let protocol_id = protocol_id(protocol);
        if proposals.iter().any(|other| (other.number, other.protocol) == (number, protocol_id)) {
            return Err(ExchangeError::NoProposalChosen(format!("{protocol_id} is twice in the bundle")));
        }
        let transforms = (1..=u8::MAX)
            .zip(transforms)
            .map(|(number, transform)| encode_transform(policy, protocol, *transform, number, nat, groups))
            .collect::<Result<_, _>>()?;
        let spi = spi_octets(protocol, *spi_in);
        proposals.push(Proposal { number, protocol: protocol_id, spi, transforms });
    }
    Ok(SaPayload::ipsec_doi(proposals))
}

fn encode_transform(
    policy: &IpsecPolicy,
    protocol: IpsecProtocol,
    transform: IpsecTransform,
    number: u8,
    nat: Option<Nat>,
    groups: &PrivateGroups,
) -> Result<Transform, ExchangeError> {
    let (id, key_bits) = transform_id(protocol, transform).ok_or_else(|| {
        ExchangeError::NoProposalChosen("a configured IPsec transform does not exist".into())
    })?;
    let is_ipcomp = protocol == IpsecProtocol::Ipcomp;
    // What the NAT needs is for the protocol outside; IPComp is in it.
    let mode = encapsulation_mode(policy.encapsulation, nat.filter(|_| !is_ipcomp));
    let seconds = u32::try_from(policy.lifetime.as_secs()).unwrap_or(u32::MAX);
    let mut attributes = vec![
        Attribute::short(IpsecAttribute::SA_LIFE_TYPE, LifeType::SECONDS.0),
        Attribute::lifetime(IpsecAttribute::SA_LIFE_DURATION, seconds),
    ];
    if let Some(kilobytes) = policy.lifetime_kilobytes {
        attributes.push(Attribute::short(IpsecAttribute::SA_LIFE_TYPE, LifeType::KILOBYTES.0));
        attributes.push(Attribute::lifetime(IpsecAttribute::SA_LIFE_DURATION, kilobytes));
    }
    if let Some(group) = policy.pfs.as_ref().filter(|_| !is_ipcomp) {
        let description = groups.description(group).ok_or_else(|| {
            ExchangeError::NoProposalChosen("New Group mode has not yet defined the private group".into())
        })?;
        attributes.push(Attribute::short(IpsecAttribute::GROUP_DESCRIPTION, description));
    }
    attributes.push(Attribute::short(IpsecAttribute::ENCAPSULATION_MODE, mode.0));
    if let Some(integrity) = transform.integrity {
        attributes.push(Attribute::short(IpsecAttribute::AUTHENTICATION_ALGORITHM, auth_number(integrity).0));
    }
    if let Some(bits) = key_bits {
        attributes.push(Attribute::short(IpsecAttribute::KEY_LENGTH, bits));
    }
    if transform.extended_sequence_numbers {
        attributes
            .push(Attribute::short(IpsecAttribute::EXTENDED_SEQUENCE_NUMBER, SEQUENCE_NUMBERS_OF_64_BITS));
    }
    Ok(Transform { number, id, attributes })
}

/// What the responder chose: the index of its policy, and the terms of each protocol with its proposal and transform, in
/// the order of the offer.
#[derive(Debug)]
pub(crate) struct Choice<'a> {
    pub(crate) policy: usize,
    pub(crate) chosen: Vec<ChosenIpsec>,
    offered: Vec<(&'a Proposal, &'a Transform)>,
}

impl Choice<'_> {
    /// The protocols, each of which takes an SPI of ours.
    pub(crate) fn protocols(&self) -> Vec<IpsecProtocol> {
        self.chosen.iter().map(|chosen| chosen.protocol).collect()
    }

    /// The SA payload that says so, with our SPI for each protocol.
    pub(crate) fn reply(&self, spis_in: &[u32]) -> SaPayload {
        let offered = self.offered.iter().zip(&self.chosen).zip(spis_in);
        let proposals = offered.map(|(((proposal, transform), chosen), spi_in)| Proposal {
            number: proposal.number,
            protocol: proposal.protocol,
            spi: spi_octets(chosen.protocol, *spi_in),
            transforms: vec![(*transform).clone()],
        });
        SaPayload::ipsec_doi(proposals.collect())
    }
}

/// Chooses the first offered bundle that one of the candidate policies has, and of each of its protocols the first
/// transform. Proposals of one number are a bundle, all or none; those of different numbers are to choose from (RFC 2408
/// section 4.2).
///
/// # Errors
///
/// A DOI or situation that is not ours, or no acceptable transform: what all have in common, else the reason for each.
pub(crate) fn choose<'a>(
    candidates: &[(usize, &IpsecPolicy)],
    offered: &'a SaPayload,
    nat: Option<Nat>,
    groups: &PrivateGroups,
) -> Result<Choice<'a>, ExchangeError> {
    check_doi(offered)?;
    let mut refusals = Refusals::default();
    for bundle in bundles(offered) {
        let mut read = Vec::new();
        for proposal in bundle {
            let mut terms = Vec::new();
            for transform in &proposal.transforms {
                match read_transform(proposal, transform, groups) {
                    Ok(read) => terms.push((transform, read)),
                    Err(error) => {
                        refusals.add(format_args!("{}.{}", proposal.number, transform.number), error);
                    }
                }
            }
            read.push((proposal, terms));
        }
        let fitting = candidates
            .iter()
            .filter_map(|(index, policy)| Some((first_fitting(policy, &read, nat)?, *index)))
            .min_by(|(a, _), (b, _)| a.cmp(b));
        let Some((transforms, policy)) = fitting else {
            for (proposal, transform) in
                read.iter().flat_map(|(proposal, terms)| terms.iter().map(move |(t, _)| (proposal, t)))
            {
                let error = ExchangeError::NoProposalChosen("not in the policy".into());
                refusals.add(format_args!("{}.{}", proposal.number, transform.number), error);
            }
            continue;
        };
        let (mut chosen, mut offered) = (Vec::new(), Vec::new());
        for ((proposal, terms), at) in read.into_iter().zip(transforms) {
            let Some((transform, terms)) = terms.into_iter().nth(at) else { continue };
            offered.push((proposal, transform));
            chosen.push(terms);
        }
        return Ok(Choice { policy, chosen, offered });
    }
    Err(refusals.into_error())
}

/// The proposals of an SA payload by number, in the order of their first one.
fn bundles(sa: &SaPayload) -> Vec<Vec<&Proposal>> {
    let mut bundles: Vec<Vec<&Proposal>> = Vec::new();
    for proposal in &sa.proposals {
        let same = |bundle: &&mut Vec<&Proposal>| {
            bundle.first().is_some_and(|first| first.number == proposal.number)
        };
        match bundles.iter_mut().find(same) {
            Some(bundle) => bundle.push(proposal),
            None => bundles.push(vec![proposal]),
        }
    }
    bundles
}

/// A proposal of a bundle with those of its transforms that we can read.
type ReadProposal<'a> = (&'a Proposal, Vec<(&'a Transform, ChosenIpsec)>);

/// For each proposal of a bundle the place of the first transform that a policy has; `None` unless the policy has a bundle
/// of just these protocols, among its alternatives or before them, and a transform for each.
fn first_fitting(policy: &IpsecPolicy, bundle: &[ReadProposal<'_>], nat: Option<Nat>) -> Option<Vec<usize>> {
    policy.proposals().filter_map(|wanted| fitting_places(policy, wanted, bundle, nat)).min()
}

/// The same for one of the policy's bundles.
fn fitting_places(
    policy: &IpsecPolicy,
    mut wanted: Vec<(IpsecProtocol, &[IpsecTransform])>,
    bundle: &[ReadProposal<'_>],
    nat: Option<Nat>,
) -> Option<Vec<usize>> {
    if protects_nothing(&wanted) {
        return None;
    }
    let mut places = Vec::new();
    for (proposal, terms) in bundle {
        if wanted.is_empty() && deviates(Deviation::DropsWhatABundleHasMore) {
            break;
        }
        let at = wanted.iter().position(|(protocol, _)| protocol_id(*protocol) == proposal.protocol)?;
        let (_, transforms) = wanted.remove(at);
        places.push(terms.iter().position(|(_, terms)| acceptable(policy, transforms, terms, nat))?);
    }
    wanted.is_empty().then_some(places)
}

/// Whether the protocols of a bundle are IPComp alone, whatever a policy says.
fn protects_nothing(bundle: &[(IpsecProtocol, &[IpsecTransform])]) -> bool {
    bundle.iter().all(|(protocol, _)| *protocol == IpsecProtocol::Ipcomp)
}

fn acceptable(
    policy: &IpsecPolicy,
    transforms: &[IpsecTransform],
    terms: &ChosenIpsec,
    nat: Option<Nat>,
) -> bool {
    let has_mode = |nat| encapsulation_mode(policy.encapsulation, nat) == terms.mode;
    let is_ipcomp = terms.protocol == IpsecProtocol::Ipcomp;
    (transforms.contains(&terms.transform) || deviates(Deviation::AcceptsAnyIpsecTransform))
        && (is_ipcomp || policy.pfs == terms.group)
        && (has_mode(nat) || is_ipcomp && has_mode(None))
}

/// What the responder chose from our offer: the terms of each protocol with the SPI that we offered for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) chosen: Vec<ChosenIpsec>,
    pub(crate) spis_in: Vec<u32>,
}

/// Checks that the reply is one of the offered bundles, with one of the offered transforms for each protocol, and reads it
/// in the order of the offer. The responder should keep the proposal number and need not (RFC 2408 section 4.2); where the
/// reply fits several numbers, its own one is meant.
///
/// # Errors
///
/// What differs from the offer.
pub(crate) fn verify_choice(
    offered: &SaPayload,
    reply: &SaPayload,
    groups: &PrivateGroups,
) -> Result<Verified, ExchangeError> {
    check_doi(reply)?;
    reply.proposals.iter().try_for_each(|proposal| check_proposal(proposal).map(|_| ()))?;
    let altered = |what: &str| ExchangeError::ProposalAltered(what.to_owned());
    let [bundle] =
        bundles(reply).try_into().map_err(|_| altered("expected exactly one proposal or bundle"))?;
    if bundle.iter().any(|proposal| proposal.transforms.len() != 1) {
        return Err(altered("expected exactly one transform"));
    }
    let number = |bundle: &[&Proposal]| bundle.first().map(|proposal| proposal.number);
    let mut candidates = bundles(offered);
    candidates.sort_by_key(|offered| number(offered) != number(&bundle));
    let chosen = candidates.iter().find_map(|offered| chosen_of(offered, &bundle));
    let chosen =
        chosen.ok_or_else(|| altered("no offered bundle has these protocols, identifiers and attributes"))?;
    let mut verified = Verified { chosen: Vec::new(), spis_in: Vec::new() };
    for (source, proposal, transform) in chosen {
        let terms = read_transform(proposal, transform, groups)
            .map_err(|error| ExchangeError::ProposalAltered(error.reason()))?;
        verified.chosen.push(terms);
        verified.spis_in.extend(spi_number(source.protocol, &source.spi));
    }
    Ok(verified)
}

/// Each proposal of an offered bundle with that of the reply and its transform, when the reply is a choice from it; the
/// numbers aside.
fn chosen_of<'a>(
    offered: &[&'a Proposal],
    reply: &[&'a Proposal],
) -> Option<Vec<(&'a Proposal, &'a Proposal, &'a Transform)>> {
    let mut left = reply.to_vec();
    let mut chosen = Vec::new();
    for source in offered {
        let at = left.iter().position(|proposal| proposal.protocol == source.protocol)?;
        let proposal = left.remove(at);
        let transform = proposal.transforms.first()?;
        let was_offered = |offered: &Transform| {
            offered.id == transform.id && same_attributes(&offered.attributes, &transform.attributes)
        };
        let any = deviates(Deviation::AcceptsAlteredIpsecChoice);
        (any || source.transforms.iter().any(was_offered)).then_some(())?;
        chosen.push((*source, proposal, transform));
    }
    left.is_empty().then_some(chosen)
}

/// The checks of RFC 2408 section 5.5 on a proposal of quick mode: its protocol and its SPI, which it gives.
fn check_proposal(proposal: &Proposal) -> Result<(IpsecProtocol, u32), ExchangeError> {
    let protocol = match proposal.protocol {
        ProtocolId::IPSEC_AH => IpsecProtocol::Ah,
        ProtocolId::IPSEC_ESP => IpsecProtocol::Esp,
        ProtocolId::IPCOMP => IpsecProtocol::Ipcomp,
        other => return Err(ExchangeError::InvalidProtocolId(other)),
    };
    let invalid = ExchangeError::InvalidSpi { protocol: proposal.protocol, len: proposal.spi.len() };
    let spi = spi_number(proposal.protocol, &proposal.spi).ok_or(invalid)?;
    // Which CPIs are possible depends on the transform.
    let is_reserved = protocol != IpsecProtocol::Ipcomp && spi < SPI_MIN;
    if is_reserved && !deviates(Deviation::AcceptsReservedSpis) {
        Err(ExchangeError::ReservedSpi(spi))
    } else {
        Ok((protocol, spi))
    }
}

/// Reads a transform. One with an unknown identifier is passed over without a notify of its own, unlike one with a
/// reserved identifier (RFC 2408 section 5.6).
fn read_transform(
    proposal: &Proposal,
    transform: &Transform,
    groups: &PrivateGroups,
) -> Result<ChosenIpsec, ExchangeError> {
    let (protocol, peer_spi) = check_proposal(proposal)?;
    let (id, reserved) = match protocol {
        // RFC 2407 sections 4.4.3 to 4.4.5.
        IpsecProtocol::Ah => (transform.id, 0..=1),
        IpsecProtocol::Esp | IpsecProtocol::Ipcomp => (transform.id, 0..=0),
    };
    if reserved.contains(&id.0) {
        return Err(ExchangeError::InvalidTransformId(id));
    }
    if !is_supported(protocol, id) {
        return Err(ExchangeError::NoProposalChosen(format!("transform {} is not supported", id.0)));
    }
    if protocol == IpsecProtocol::Ipcomp {
        return ipcomp::read_transform(proposal, transform, peer_spi);
    }
    read_attributes(protocol, peer_spi, transform, groups).map_err(ExchangeError::AttributesNotSupported)
}

/// Whether there is a transform with this identifier.
fn is_supported(protocol: IpsecProtocol, id: TransformId) -> bool {
    let has_id = |cipher, integrity| {
        let transform = IpsecTransform { cipher, integrity, extended_sequence_numbers: false };
        transform_id(protocol, transform).is_some_and(|(supported, _)| supported == id)
    };
    let mut integrity = IntegrityAlgorithm::ALL.iter().map(|(integrity, _)| Some(*integrity));
    match protocol {
        IpsecProtocol::Ipcomp => IpcompTransform(id.0) == IpcompTransform::DEFLATE,
        IpsecProtocol::Ah => integrity.any(|integrity| has_id(None, integrity)),
        IpsecProtocol::Esp => {
            let some = integrity.next().flatten();
            has_id(None, some) || CipherAlgorithm::ALL.iter().any(|cipher| has_id(Some(*cipher), some))
        }
    }
}

/// Reads a transform's attributes in whatever order they come.
fn read_attributes(
    protocol: IpsecProtocol,
    peer_spi: u32,
    transform: &Transform,
    groups: &PrivateGroups,
) -> Result<ChosenIpsec, String> {
    let (mut group, mut mode, mut auth, mut key_bits, mut extended) = (None, None, None, None, None);
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
                life.duration(value)?;
                continue;
            }
            IpsecAttribute::GROUP_DESCRIPTION => &mut group,
            IpsecAttribute::ENCAPSULATION_MODE => &mut mode,
            IpsecAttribute::AUTHENTICATION_ALGORITHM => &mut auth,
            IpsecAttribute::KEY_LENGTH => &mut key_bits,
            IpsecAttribute::EXTENDED_SEQUENCE_NUMBER if value == u64::from(SEQUENCE_NUMBERS_OF_64_BITS) => {
                &mut extended
            }
            _ if deviates(Deviation::IgnoresUnknownAttributes) => continue,
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
    let transform =
        transform_from_numbers(protocol, transform.id, key_bits, integrity, extended.is_some())
            .ok_or_else(|| format!("transform {} with these attributes is not supported", transform.id.0))?;
    let group = group
        .map(|id| {
            let named = u16::try_from(id).ok().and_then(|id| groups.named(id));
            named.ok_or(format!("group {id} is not supported"))
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
            // RFC 2406 section 5: ESP_NULL and no integrity must not come together. The high half of an extended sequence
            // number is nowhere but in the ICV (RFC 4303 section 2.2.1).
            let serves = transform.integrity.is_some()
                || (transform.cipher.is_some() && !transform.extended_sequence_numbers);
            serves.then(|| (id.into(), bits))
        }
        IpsecProtocol::Ipcomp => {
            (transform == IpsecTransform::DEFLATE).then(|| (IpcompTransform::DEFLATE.into(), None))
        }
    }
}

fn transform_from_numbers(
    protocol: IpsecProtocol,
    id: TransformId,
    key_bits: Option<u64>,
    integrity: Option<IntegrityAlgorithm>,
    extended_sequence_numbers: bool,
) -> Option<IpsecTransform> {
    let cipher = match protocol {
        IpsecProtocol::Ah | IpsecProtocol::Ipcomp => None,
        IpsecProtocol::Esp => esp_cipher_from_numbers(id, key_bits)?,
    };
    let transform = IpsecTransform { cipher, integrity, extended_sequence_numbers };
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
