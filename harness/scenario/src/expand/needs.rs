//! What a case needs of its peer, by its scenario, its configuration and its steps.

use std::collections::BTreeSet;

use crate::case::{ResolvedConfig, ResolvedSide, ResolvedTransform, rfc3947};
use crate::model::{
    Authentication, BundledProtocol, Capability, Cipher, Condition, ConfigMethod, DpdTrigger, Encapsulation,
    EspCipher, FragmentationMode, Group, Hash, Identity, Integrity, NatTraversal, NatTraversalVersion,
    Phase1Exchange, Phase2Transform, Probe, Protocol, Role, SaKind, Scenario, Side, StartExchange, Step,
    Whose,
};

/// A day.
const DAY_SECONDS: u32 = 86_400;

/// Seconds of `advance` that can be slept through with a peer whose clock is not ours.
const REAL_SECONDS_MAX: u64 = 60;

/// What the peer must be able to do: what the scenario says, and what configuration and steps imply.
pub(super) fn needs(scenario: &Scenario, config: &ResolvedConfig, role: Role) -> BTreeSet<Capability> {
    let mut needs: BTreeSet<Capability> = scenario.needs.iter().copied().collect();
    let peer = &config.peer;
    if !needs.contains(&Capability::FirstMessages) && !needs.contains(&Capability::RefusesIkev1) {
        needs.insert(Capability::Ikev1);
    }
    if needs.contains(&Capability::RefusesIkev1) {
        // What the peer would have to know of IKEv1 is of no interest: it knows nothing.
        scenario.steps.iter().for_each(|step| step_needs(step, role, &mut needs));
        needs.remove(&Capability::Responder);
        state_needs(scenario, &mut needs);
        return needs;
    }
    if role == Role::Initiator {
        needs.insert(Capability::Responder);
    }
    needs.insert(match peer.exchange {
        Phase1Exchange::MainMode => Capability::MainMode,
        Phase1Exchange::AggressiveMode => Capability::AggressiveMode,
    });
    for transform in &peer.phase1.transforms {
        needs.insert(authentication_need(transform.authentication));
        needs.extend([cipher_need(transform.cipher), hash_need(transform.hash)]);
        needs.insert(group_need(peer, transform.group));
    }
    if peer.phase1.omit_default_key_length {
        needs.insert(Capability::DefaultKeyLength);
    }
    if peer.phase1.transforms.len() > 1 || peer.phase2.transforms.len() > 1 {
        needs.insert(Capability::SeveralTransforms);
    }
    needs.insert(identity_need(&peer.id));
    if peer.remote_id != Identity::Address {
        needs.insert(identity_need(&peer.remote_id));
    }
    if peer.any_address {
        needs.insert(Capability::AnyAddress);
    }
    if let Some(pki) = &peer.pki {
        if !pki.raw_keys.is_empty() {
            needs.insert(Capability::RawPublicKeys);
        }
        // What is not an authority's is the other side's own.
        if pki.certificates.iter().any(|file| !file.name.starts_with("authority-")) {
            needs.insert(Capability::KnownCertificates);
        }
        if pki.require_crl {
            needs.insert(Capability::RequiredCrls);
        }
        if !pki.verify_address_id {
            needs.insert(Capability::AnyAddressId);
        }
    }
    if peer.id == Identity::Empty {
        needs.insert(Capability::EmptyId);
    }
    if peer.initial_contact {
        needs.insert(Capability::InitialContact);
    }
    let phase2 = &peer.phase2;
    let ah =
        phase2.protocol == Protocol::Ah || phase2.bundle.iter().any(|part| part.protocol == Protocol::Ah);
    if ah && scenario.steps.iter().any(|step| matches!(step, Step::Traffic(_))) {
        needs.insert(Capability::AhTraffic);
    }
    match (config.harness.nat_traversal, peer.nat_traversal) {
        (NatTraversal::Force, _) | (_, NatTraversal::Force) => needs.insert(Capability::NatT),
        (NatTraversal::Off, _) | (_, NatTraversal::Off) => needs.insert(Capability::NoNat),
        (NatTraversal::Auto, NatTraversal::Auto) => false,
    };
    extension_needs(config, role, &mut needs);
    if scenario.steps.iter().any(starts_phase2) {
        phase2_needs(peer, &mut needs);
    }
    if peer.rekey {
        needs.insert(Capability::RekeyIpsec);
    }
    scenario.steps.iter().for_each(|step| step_needs(step, role, &mut needs));
    let seconds: u64 =
        scenario.steps.iter().map(|s| if let Step::Advance(a) = s { a.seconds } else { 0 }).sum();
    if seconds > REAL_SECONDS_MAX {
        needs.insert(Capability::VirtualTime);
    }
    state_needs(scenario, &mut needs);
    needs
}

/// What the conditions want to be shown.
fn state_needs(scenario: &Scenario, needs: &mut BTreeSet<Capability>) {
    for condition in scenario.accept.iter().flat_map(|a| &a.all) {
        match condition {
            Condition::Established { of, .. } | Condition::NoSa { of, .. } if *of != Whose::Harness => {
                needs.insert(Capability::State);
            }
            Condition::ValuesAgree { .. } => {
                needs.insert(Capability::DerivedValues);
            }
            Condition::Reported(_) => needs.extend([Capability::Reports, Capability::State]),
            _ => {}
        }
    }
}

/// What the extensions want of the peer: it must speak those that it is configured with. What only the harness speaks
/// shows how the peer does without.
/// What a policy of these algorithms takes.
pub(crate) fn policy_needs(
    phase1: &[ResolvedTransform],
    phase2: &[Phase2Transform],
    pfs: Option<Group>,
) -> BTreeSet<Capability> {
    let mut needs = BTreeSet::new();
    for transform in phase1 {
        needs.insert(authentication_need(transform.authentication));
        needs.extend([cipher_need(transform.cipher), hash_need(transform.hash)]);
        needs.extend(public_group_need(transform.group));
    }
    transform_needs(phase2, &mut needs);
    if let Some(group) = pfs {
        needs.insert(Capability::Pfs);
        needs.extend(public_group_need(group));
        if matches!(group, Group::Ecp256 | Group::Ecp384 | Group::Ecp521) {
            needs.insert(Capability::EcpPfs);
        }
    }
    needs
}

fn extension_needs(config: &ResolvedConfig, role: Role, needs: &mut BTreeSet<Capability>) {
    let ResolvedConfig { harness, peer } = config;
    if !harness.nat_traversal_versions.contains(&NatTraversalVersion::Rfc3947) {
        needs.insert(Capability::NatTDrafts);
    }
    if peer.nat_traversal_versions != rfc3947() {
        needs.insert(Capability::NatTDrafts);
        // Who is to announce all that there are need not be told.
        if !NatTraversalVersion::ALL.iter().all(|version| peer.nat_traversal_versions.contains(version)) {
            needs.insert(Capability::NatTVersions);
        }
    }
    if peer.nat_keep_alive_seconds.is_some() {
        needs.insert(Capability::NatKeepAlive);
    }
    if let Some(dpd) = peer.dpd {
        needs.insert(Capability::Dpd);
        if dpd.trigger == DpdTrigger::Traffic {
            needs.insert(Capability::DpdOnDemand);
        }
    }
    if peer.fragmentation.mode != FragmentationMode::Off {
        needs.insert(Capability::Fragmentation);
    }
    if peer.responder_lifetime {
        needs.insert(Capability::ResponderLifetime);
    }
    if peer.replay_status {
        needs.insert(Capability::ReplayStatus);
    }
    // Whoever gets the Commit bit has to wait for CONNECTED.
    if peer.commit_bit || harness.commit_bit {
        needs.insert(Capability::CommitBit);
    }
    if let Some(xauth) = &peer.xauth {
        needs.insert(Capability::Xauth);
        if xauth.hybrid {
            needs.insert(Capability::Hybrid);
            if xauth.host() == Role::Responder {
                needs.insert(Capability::HybridEdgeInitiates);
            }
        }
        let is_host = (xauth.host() == Role::Initiator) == (role == Role::Responder);
        let more = xauth.user.as_ref().is_some_and(|user| !user.answers.is_empty());
        if if is_host { more } else { xauth.rounds.is_some() || xauth.retries.is_some() } {
            needs.insert(Capability::XauthRounds);
        }
    }
    if let Some(mode_config) = &peer.mode_config {
        needs.insert(match mode_config.method {
            ConfigMethod::Pull => Capability::ModeConfigPull,
            ConfigMethod::Push => Capability::ModeConfigPush,
        });
    }
}

fn starts_phase2(step: &Step) -> bool {
    matches!(step, Step::Start(start) if start.exchange != StartExchange::Phase1)
}

fn protocol_need(protocol: Protocol) -> Capability {
    match protocol {
        Protocol::Esp => Capability::Esp,
        Protocol::Ah => Capability::Ah,
        Protocol::Ipcomp => Capability::Ipcomp,
    }
}

/// What a list of protocols needs that are negotiated together with another one.
fn bundle_needs(bundle: &[BundledProtocol], needs: &mut BTreeSet<Capability>) {
    for other in bundle {
        needs.insert(match other.protocol {
            Protocol::Ipcomp => Capability::Ipcomp,
            Protocol::Esp | Protocol::Ah => Capability::Bundles,
        });
        transform_needs(&other.transforms, needs);
    }
}

fn transform_needs(transforms: &[Phase2Transform], needs: &mut BTreeSet<Capability>) {
    needs.extend(transforms.iter().filter_map(|transform| transform.cipher).map(esp_cipher_need));
    needs.extend(transforms.iter().filter_map(|transform| transform.integrity).map(integrity_need));
    if transforms.iter().any(|transform| transform.cipher.is_some() && transform.integrity.is_none()) {
        needs.insert(Capability::EspWithoutAuthentication);
    }
    if transforms.iter().any(|transform| transform.extended_sequence_numbers) {
        needs.insert(Capability::ExtendedSequenceNumbers);
    }
}

fn phase2_needs(peer: &ResolvedSide, needs: &mut BTreeSet<Capability>) {
    let phase2 = &peer.phase2;
    needs.insert(protocol_need(phase2.protocol));
    needs.insert(match phase2.encapsulation {
        Encapsulation::Tunnel => Capability::Tunnel,
        Encapsulation::Transport => Capability::Transport,
    });
    if matches!(phase2.pfs, Some(Group::Ecp256 | Group::Ecp384 | Group::Ecp521)) {
        needs.insert(Capability::EcpPfs);
    }
    if phase2.lifetime_seconds > DAY_SECONDS {
        needs.insert(Capability::LongLifetimes);
    }
    if let Some(group) = phase2.pfs {
        needs.extend([Capability::Pfs, group_need(peer, group)]);
    }
    if !phase2.ids {
        needs.insert(Capability::NoClientIds);
    }
    transform_needs(&phase2.transforms, needs);
    bundle_needs(&phase2.bundle, needs);
    for further in &phase2.further_sas {
        needs.extend([Capability::SeveralSas, protocol_need(further.protocol)]);
        transform_needs(&further.transforms, needs);
        bundle_needs(&further.bundle, needs);
    }
    for alternative in &phase2.alternatives {
        needs.insert(Capability::ProposalAlternatives);
        needs.extend(alternative.iter().map(|other| protocol_need(other.protocol)));
        alternative.iter().for_each(|other| transform_needs(&other.transforms, needs));
        if alternative.iter().filter(|other| other.protocol != Protocol::Ipcomp).count() > 1 {
            needs.insert(Capability::Bundles);
        }
    }
    for id in [&phase2.client_id, &phase2.remote_client_id].into_iter().flatten() {
        needs.insert(if id.id.is_ipv4() { Capability::ClientSelectors } else { Capability::ClientNames });
    }
    if phase2.lifetime_kilobytes.is_some() {
        needs.insert(Capability::KilobyteLifetime);
    }
}

fn step_needs(step: &Step, role: Role, needs: &mut BTreeSet<Capability>) {
    match step {
        Step::Start(start) => {
            let initiator = if role == Role::Initiator { Side::Harness } else { Side::Peer };
            match start.by.unwrap_or(initiator) {
                Side::Peer => needs.insert(Capability::Trigger),
                // As initiator of the case it is asked of every peer that speaks IKEv1 already.
                Side::Harness if role == Role::Responder && start.exchange != StartExchange::QuickMode => {
                    needs.insert(Capability::Responder)
                }
                Side::Harness => false,
            };
        }
        Step::Traffic(_) => {
            needs.insert(Capability::Traffic);
        }
        Step::Rekey(rekey) if rekey.by == Side::Peer => {
            needs.insert(match rekey.sa {
                SaKind::Isakmp => Capability::RekeyIsakmp,
                SaKind::Ipsec => Capability::RekeyIpsec,
            });
        }
        Step::Probe(Probe { by: Side::Peer }) => {
            needs.insert(Capability::DpdOnDemand);
        }
        Step::NewGroup(new_group) => {
            needs.insert(Capability::NewGroupMode);
            if new_group.by == Side::Peer {
                needs.insert(Capability::Trigger);
            }
        }
        Step::Rebind(_) => {
            needs.insert(Capability::NatT);
        }
        Step::Delete(delete) if delete.by == Side::Peer => {
            needs.insert(Capability::Delete);
        }
        Step::ExpectState(state) if state.of != Whose::Harness => {
            needs.insert(Capability::State);
        }
        _ => {}
    }
}

fn authentication_need(authentication: Authentication) -> Capability {
    match authentication {
        Authentication::Psk => Capability::Psk,
        Authentication::DssSignature => Capability::DssSignature,
        Authentication::RsaSignature => Capability::RsaSignature,
        Authentication::RsaEncryption => Capability::RsaEncryption,
        Authentication::RevisedRsaEncryption => Capability::RevisedRsaEncryption,
        Authentication::EcdsaP256 => Capability::EcdsaP256,
        Authentication::EcdsaP384 => Capability::EcdsaP384,
        Authentication::EcdsaP521 => Capability::EcdsaP521,
    }
}

const fn identity_need(identity: &Identity) -> Capability {
    match identity {
        Identity::Address => Capability::AddressId,
        Identity::KeyId(_) => Capability::KeyId,
        _ => Capability::NamedIds,
    }
}

fn cipher_need(cipher: Cipher) -> Capability {
    match cipher {
        Cipher::Des => Capability::Des,
        Cipher::TripleDes => Capability::TripleDes,
        Cipher::Idea => Capability::Idea,
        Cipher::Rc5With40 => Capability::Rc5With40,
        Cipher::Rc5With128 => Capability::Rc5With128,
        Cipher::Cast40 => Capability::Cast40,
        Cipher::Cast128 => Capability::Cast128,
        Cipher::Blowfish40 => Capability::Blowfish40,
        Cipher::Blowfish128 => Capability::Blowfish128,
        Cipher::Blowfish256 => Capability::Blowfish256,
        Cipher::Blowfish448 => Capability::Blowfish448,
        Cipher::Camellia128 => Capability::Camellia128,
        Cipher::Camellia192 => Capability::Camellia192,
        Cipher::Camellia256 => Capability::Camellia256,
        Cipher::Aes128 => Capability::Aes128,
        Cipher::Aes192 => Capability::Aes192,
        Cipher::Aes256 => Capability::Aes256,
    }
}

fn hash_need(hash: Hash) -> Capability {
    match hash {
        Hash::Md5 => Capability::Md5,
        Hash::Sha1 => Capability::Sha1,
        Hash::Tiger => Capability::Tiger,
        Hash::Sha2_256 => Capability::Sha2_256,
        Hash::Sha2_384 => Capability::Sha2_384,
        Hash::Sha2_512 => Capability::Sha2_512,
    }
}

fn group_need(peer: &ResolvedSide, group: Group) -> Capability {
    public_group_need(group).unwrap_or_else(|| private_group_need(peer))
}

/// `None` for a private group.
fn public_group_need(group: Group) -> Option<Capability> {
    Some(match group {
        Group::Modp768 => Capability::Modp768,
        Group::Modp1024 => Capability::Modp1024,
        Group::Modp1536 => Capability::Modp1536,
        Group::Modp2048 => Capability::Modp2048,
        Group::Modp3072 => Capability::Modp3072,
        Group::Modp4096 => Capability::Modp4096,
        Group::Modp6144 => Capability::Modp6144,
        Group::Modp8192 => Capability::Modp8192,
        Group::Modp1024Subgroup160 => Capability::Modp1024Subgroup160,
        Group::Modp2048Subgroup224 => Capability::Modp2048Subgroup224,
        Group::Modp2048Subgroup256 => Capability::Modp2048Subgroup256,
        Group::Ecp256 => Capability::Ecp256,
        Group::Ecp384 => Capability::Ecp384,
        Group::Ecp521 => Capability::Ecp521,
        Group::Ec2n155 => Capability::Ec2n155,
        Group::Ec2n185 => Capability::Ec2n185,
        Group::Private => return None,
    })
}

fn private_group_need(side: &ResolvedSide) -> Capability {
    if side.private_group.ec2n.is_some() { Capability::PrivateEc2nGroup } else { Capability::PrivateGroup }
}

fn esp_cipher_need(cipher: EspCipher) -> Capability {
    match cipher {
        EspCipher::Null => Capability::EspNull,
        EspCipher::Des => Capability::EspDes,
        EspCipher::TripleDes => Capability::EspTripleDes,
        EspCipher::Idea => Capability::EspIdea,
        EspCipher::Rc5With40 => Capability::EspRc5With40,
        EspCipher::Rc5With128 => Capability::EspRc5With128,
        EspCipher::Cast40 => Capability::EspCast40,
        EspCipher::Cast128 => Capability::EspCast128,
        EspCipher::Blowfish40 => Capability::EspBlowfish40,
        EspCipher::Blowfish128 => Capability::EspBlowfish128,
        EspCipher::Blowfish256 => Capability::EspBlowfish256,
        EspCipher::Blowfish448 => Capability::EspBlowfish448,
        EspCipher::Camellia128 => Capability::EspCamellia128,
        EspCipher::Camellia192 => Capability::EspCamellia192,
        EspCipher::Camellia256 => Capability::EspCamellia256,
        EspCipher::Aes128 => Capability::EspAes128,
        EspCipher::Aes192 => Capability::EspAes192,
        EspCipher::Aes256 => Capability::EspAes256,
    }
}

fn integrity_need(integrity: Integrity) -> Capability {
    match integrity {
        Integrity::Md5 => Capability::HmacMd5,
        Integrity::Sha1 => Capability::HmacSha1,
        Integrity::Sha2_256 => Capability::HmacSha2_256,
        Integrity::Sha2_384 => Capability::HmacSha2_384,
        Integrity::Sha2_512 => Capability::HmacSha2_512,
        Integrity::AesXcbc => Capability::AesXcbcMac,
    }
}
