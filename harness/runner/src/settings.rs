//! A case's resolved configuration as the configuration of an endpoint.

mod pki;
mod remote_access;

use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr};

use ikev1::config::{
    AuthenticationMethod, BundledProtocol, ClientMatch, Config, DeadPeerDetection, DpdTrigger, Encapsulation,
    Fragmentation, FragmentationMode, FurtherSa, IntegrityAlgorithm, IpsecPolicy, IpsecProtocol,
    IpsecTransform, NatTraversal, NatTraversalVersion, PeerConfig, Phase1Mode, Phase1Transform,
    Retransmission,
};
use ikev1::crypto::{CipherAlgorithm, Ec2n, Group, HashAlgorithm, PrivateGroup, Secret};
use ikev1::limits::Limits;
use ikev1::pki::{DistinguishedName, UnixTime};
use ikev1::wire::{IdType, Identification};
use ikev1_scenario::case::{Case, ResolvedPhase2, ResolvedSide, ResolvedTransform};
use ikev1_scenario::model::{self, ClientId, ClientName, Identity, Side};

use crate::driver::{Addresses, InfraError};
use crate::link::from_hex;

/// Name of the other side in each endpoint's configuration.
pub const PEER_NAME: &str = "other";

/// Name of the IPsec policy in each endpoint's configuration.
pub const POLICY_NAME: &str = "clients";

/// The calendar time at which every case starts, whatever the clock of this machine says: 2026-07-01. So the same
/// certificates are valid in every run.
const CLOCK_START: UnixTime = UnixTime(1_782_864_000);

/// The configuration of an endpoint that plays `side` of the case.
///
/// # Errors
/// When a value is nothing that the engine knows, such as a client network that is no IPv4 network.
pub fn engine_config(case: &Case, side: Side, addresses: &Addresses) -> Result<Config, InfraError> {
    let ours = case.config.side(side);
    let ends = match side {
        Side::Harness => *addresses,
        Side::Peer => Addresses {
            harness: addresses.peer,
            harness_nat_t: addresses.peer_nat_t,
            peer: addresses.harness,
            peer_nat_t: addresses.harness_nat_t,
        },
    };
    let context = Context { side: side.name() };
    let initiates = case.initiator() == side;
    let remote = (initiates || !ours.any_address).then(|| ends.peer.ip());
    let mut peer = PeerConfig {
        local: ends.harness,
        local_nat_t: ends.harness_nat_t,
        remote_port: ends.peer.port(),
        remote_nat_t_port: ends.peer_nat_t.port(),
        mode: match ours.exchange {
            model::Phase1Exchange::MainMode => Phase1Mode::Main,
            model::Phase1Exchange::AggressiveMode => Phase1Mode::Aggressive,
        },
        local_id: identification(context, &ours.id, ends.harness.ip())?,
        remote_id: Some(identification(context, &ours.remote_id, ends.peer.ip())?),
        pre_shared_key: Secret::new(ours.psk.clone().into_bytes()),
        extended_authentication: ours
            .xauth
            .as_ref()
            .map(|xauth| remote_access::extended_authentication(xauth, case.role_of(side))),
        mode_config: ours
            .mode_config
            .as_ref()
            .map(|settings| remote_access::mode_config(settings, case.role_of(side))),
        phase1: ours.phase1.transforms.iter().map(|t| context.phase1(ours, t)).collect::<Result<_, _>>()?,
        omit_default_key_length: ours.phase1.omit_default_key_length,
        phase1_lifetime: seconds(ours.phase1.lifetime_seconds),
        ipsec: vec![context.policy(ours)?],
        nat_traversal: match ours.nat_traversal {
            model::NatTraversal::Off => NatTraversal::Off,
            model::NatTraversal::Auto => NatTraversal::Auto,
            model::NatTraversal::Force => NatTraversal::Force,
        },
        nat_traversal_versions: ours
            .nat_traversal_versions
            .iter()
            .map(|v| nat_traversal_version(*v))
            .collect(),
        nat_keep_alive: ours.nat_keep_alive_seconds.map(seconds),
        initial_contact: ours.initial_contact,
        responder_lifetime: ours.responder_lifetime,
        replay_status: ours.replay_status,
        commit_bit: ours.commit_bit,
        notify_discarded: ours.notify_discarded,
        new_groups: ours.new_groups,
        dead_peer_detection: ours.dpd.map(dead_peer_detection),
        fragmentation: Fragmentation {
            mode: match ours.fragmentation.mode {
                model::FragmentationMode::Off => FragmentationMode::Off,
                model::FragmentationMode::Accept => FragmentationMode::Accept,
                model::FragmentationMode::On => FragmentationMode::On,
                model::FragmentationMode::Force => FragmentationMode::Force,
            },
            size: ours.fragmentation.size,
        },
        retransmission: Retransmission {
            first: Duration::from_millis(ours.retransmission.first_ms.into()),
            factor: ours.retransmission.factor,
            tries: ours.retransmission.tries,
        },
        rekey: ours.rekey,
        rekey_margin: seconds(ours.rekey_margin_seconds),
        ..PeerConfig::new(PEER_NAME, ends.harness.ip(), remote)
    };
    if let Some(keys) = &ours.pki {
        pki::set(&mut peer, context, keys, ends.peer.ip())?;
    }
    Ok(Config { peers: vec![peer], limits: Limits::default(), clock_start: Some(CLOCK_START) })
}

/// The private group of a side, with the Group Description that New Group mode gives it.
///
/// # Errors
/// When its numbers are no numbers, or define no MODP group.
pub fn private_group(side: Side, ours: &ResolvedSide) -> Result<(u16, PrivateGroup), InfraError> {
    Context { side: side.name() }.private_group(ours)
}

/// The addresses that traffic of a side goes between: the first host of each client network.
///
/// # Errors
/// When a client is no IPv4 network.
pub fn client_hosts(side: Side, phase2: &ResolvedPhase2) -> Result<(Ipv4Addr, Ipv4Addr), InfraError> {
    let context = Context { side: side.name() };
    let host = |text: &str| {
        let (network, prefix) = context.network(text)?;
        Ok(if prefix < 31 { Ipv4Addr::from(u32::from(network).saturating_add(1)) } else { network })
    };
    Ok((host(&phase2.client)?, host(&phase2.remote_client)?))
}

fn ipsec_protocol(protocol: model::Protocol) -> IpsecProtocol {
    match protocol {
        model::Protocol::Esp => IpsecProtocol::Esp,
        model::Protocol::Ah => IpsecProtocol::Ah,
        model::Protocol::Ipcomp => IpsecProtocol::Ipcomp,
    }
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}

fn nat_traversal_version(version: model::NatTraversalVersion) -> NatTraversalVersion {
    match version {
        model::NatTraversalVersion::Rfc3947 => NatTraversalVersion::Rfc3947,
        model::NatTraversalVersion::Draft03 => NatTraversalVersion::Draft03,
        model::NatTraversalVersion::Draft02LineFeed => NatTraversalVersion::Draft02LineFeed,
        model::NatTraversalVersion::Draft02 => NatTraversalVersion::Draft02,
    }
}

fn dead_peer_detection(dpd: model::Dpd) -> DeadPeerDetection {
    let worry = seconds(dpd.worry_seconds);
    DeadPeerDetection {
        trigger: match dpd.trigger {
            model::DpdTrigger::Command => DpdTrigger::OnCommand,
            model::DpdTrigger::Idle => DpdTrigger::Idle(worry),
            model::DpdTrigger::Traffic => DpdTrigger::Traffic(worry),
        },
        timeout: seconds(dpd.timeout_seconds),
        retries: dpd.retries,
    }
}

fn identification(
    context: Context,
    identity: &Identity,
    address: IpAddr,
) -> Result<Identification, InfraError> {
    Ok(match identity {
        Identity::Address => Identification::ip(address),
        Identity::Ipv4(address) => Identification::ipv4(*address),
        Identity::Fqdn(name) => Identification::fqdn(name),
        Identity::UserFqdn(name) => Identification::user_fqdn(name),
        Identity::KeyId(id) => Identification::key_id(id.clone().into_bytes()),
        Identity::Empty => Identification::new(IdType(0), Vec::new()),
        Identity::Dn(text) => context.distinguished_name(text)?,
    })
}

/// Whose configuration is read, for errors.
#[derive(Clone, Copy)]
struct Context {
    side: &'static str,
}

impl Context {
    fn error(self, problem: impl Into<String>) -> InfraError {
        InfraError::Config { side: self.side, problem: problem.into() }
    }

    fn unknown(self, what: &str, name: &str) -> InfraError {
        self.error(format!("the engine knows no {what} {name:?}"))
    }

    fn phase1(
        self,
        ours: &ResolvedSide,
        transform: &ResolvedTransform,
    ) -> Result<Phase1Transform, InfraError> {
        Ok(Phase1Transform {
            authentication: self.authentication(transform.authentication)?,
            cipher: self.cipher(transform.cipher.name())?,
            hash: HashAlgorithm::from_name(transform.hash.name())
                .ok_or_else(|| self.unknown("hash", transform.hash.name()))?,
            group: self.group(ours, transform.group)?,
        })
    }

    fn authentication(self, method: model::Authentication) -> Result<AuthenticationMethod, InfraError> {
        let known = AuthenticationMethod::ALL.iter().copied().find(|known| known.name() == method.name());
        known.ok_or_else(|| self.unknown("authentication method", method.name()))
    }

    fn cipher(self, name: &str) -> Result<CipherAlgorithm, InfraError> {
        CipherAlgorithm::from_name(name).ok_or_else(|| self.unknown("cipher", name))
    }

    fn group(self, ours: &ResolvedSide, group: model::Group) -> Result<Group, InfraError> {
        if group == model::Group::Private {
            return Ok(Group::Private(self.private_group(ours)?.1));
        }
        Group::from_name(group.name()).ok_or_else(|| self.unknown("group", group.name()))
    }

    fn private_group(self, ours: &ResolvedSide) -> Result<(u16, PrivateGroup), InfraError> {
        let model::PrivateGroup { description, prime, generator, ec2n } = &ours.private_group;
        let number = |what: &str, digits: &str| {
            from_hex("private group", digits).map_err(|error| self.error(format!("{what}: {error}")))
        };
        let group = match ec2n {
            None => PrivateGroup::modp(&number("prime", prime)?, &number("generator", generator)?),
            Some(ec2n) => {
                let numbers = Ec2n {
                    polynomial: &number("polynomial", &ec2n.polynomial)?,
                    a: &number("a", &ec2n.a)?,
                    b: &number("b", &ec2n.b)?,
                    generator: &number("x", &ec2n.x)?,
                    order: &number("order", &ec2n.order)?,
                };
                PrivateGroup::ec2n(&numbers, &number("y", &ec2n.y)?)
            }
        };
        Ok((*description, group.map_err(|error| self.error(format!("private group: {error}")))?))
    }

    fn policy(self, ours: &ResolvedSide) -> Result<IpsecPolicy, InfraError> {
        let phase2 = &ours.phase2;
        let client = |network: &str, id: &Option<ClientId>| {
            let named = || id.as_ref().map_or_else(|| self.subnet(network), |id| self.client(id));
            phase2.ids.then(named).transpose()
        };
        Ok(IpsecPolicy {
            name: POLICY_NAME.to_owned(),
            protocol: ipsec_protocol(phase2.protocol),
            bundle: self.bundle(&phase2.bundle)?,
            further_sas: phase2.further_sas.iter().map(|sa| self.further(sa)).collect::<Result<_, _>>()?,
            alternatives: phase2
                .alternatives
                .iter()
                .map(|bundle| self.bundle(bundle))
                .collect::<Result<_, _>>()?,
            transforms: phase2.transforms.iter().map(|t| self.phase2(t)).collect::<Result<_, _>>()?,
            encapsulation: match phase2.encapsulation {
                model::Encapsulation::Tunnel => Encapsulation::Tunnel,
                model::Encapsulation::Transport => Encapsulation::Transport,
            },
            pfs: phase2.pfs.map(|group| self.group(ours, group)).transpose()?,
            local_client: client(&phase2.client, &phase2.client_id)?,
            remote_client: client(&phase2.remote_client, &phase2.remote_client_id)?,
            client_match: match phase2.client_match {
                model::ClientMatch::Same => ClientMatch::Same,
                model::ClientMatch::Within => ClientMatch::Within,
            },
            lifetime: seconds(phase2.lifetime_seconds),
            lifetime_kilobytes: phase2.lifetime_kilobytes,
        })
    }

    fn phase2(self, transform: &model::Phase2Transform) -> Result<IpsecTransform, InfraError> {
        let cipher = match transform.cipher {
            None | Some(model::EspCipher::Null) => None,
            Some(cipher) => Some(self.cipher(cipher.name())?),
        };
        let integrity = transform.integrity.map(|integrity| {
            let known = IntegrityAlgorithm::ALL.iter().find(|(_, name)| *name == integrity.name());
            known.map(|(algorithm, _)| *algorithm).ok_or_else(|| self.unknown("integrity", integrity.name()))
        });
        Ok(IpsecTransform {
            extended_sequence_numbers: transform.extended_sequence_numbers,
            ..IpsecTransform::new(cipher, integrity.transpose()?)
        })
    }

    fn bundle(self, bundle: &[model::BundledProtocol]) -> Result<Vec<BundledProtocol>, InfraError> {
        bundle.iter().map(|other| self.bundled(other)).collect()
    }

    fn bundled(self, other: &model::BundledProtocol) -> Result<BundledProtocol, InfraError> {
        let transforms = other.transforms.iter().map(|t| self.phase2(t)).collect::<Result<_, _>>()?;
        Ok(BundledProtocol { protocol: ipsec_protocol(other.protocol), transforms })
    }

    fn further(self, further: &model::FurtherSa) -> Result<FurtherSa, InfraError> {
        Ok(FurtherSa {
            protocol: ipsec_protocol(further.protocol),
            transforms: further.transforms.iter().map(|t| self.phase2(t)).collect::<Result<_, _>>()?,
            bundle: further.bundle.iter().map(|other| self.bundled(other)).collect::<Result<_, _>>()?,
        })
    }

    fn client(self, client: &ClientId) -> Result<Identification, InfraError> {
        let id = match &client.id {
            ClientName::Ipv4(address) => Identification::ipv4(*address),
            ClientName::Ipv4Subnet { network, prefix } => Identification::ipv4_subnet(*network, *prefix),
            ClientName::Ipv4Range { first, last } => Identification::ipv4_range(*first, *last),
            ClientName::Ipv6(address) => Identification::ipv6(*address),
            ClientName::Ipv6Subnet { network, prefix } => Identification::ipv6_subnet(*network, *prefix),
            ClientName::Ipv6Range { first, last } => Identification::ipv6_range(*first, *last),
            ClientName::Fqdn(name) => Identification::fqdn(name),
            ClientName::UserFqdn(name) => Identification::user_fqdn(name),
            ClientName::Dn(name) => self.distinguished_name(name)?,
            ClientName::DnsGeneralName(name) => {
                // GeneralName ::= CHOICE { dNSName [2] IMPLICIT IA5String, ... } (RFC 5280 section 4.2.1.6).
                let short = u8::try_from(name.len()).ok().filter(|len| *len < 128);
                let len = short.ok_or_else(|| self.error(format!("general name {name:?} is too long")))?;
                Identification::general_name([&[0x82, len], name.as_bytes()].concat())
            }
            ClientName::KeyId(id) => Identification::key_id(id.clone().into_bytes()),
        };
        Ok(id.with_protocol_and_port(client.protocol, client.port))
    }

    fn distinguished_name(self, text: &str) -> Result<Identification, InfraError> {
        let name = text.parse::<DistinguishedName>();
        Ok(name.map_err(|error| self.error(format!("id {text:?}: {error}")))?.to_id())
    }

    fn subnet(self, text: &str) -> Result<Identification, InfraError> {
        let (network, prefix) = self.network(text)?;
        Ok(Identification::ipv4_subnet(network, prefix))
    }

    fn network(self, text: &str) -> Result<(Ipv4Addr, u8), InfraError> {
        let parts = text.split_once('/');
        let parsed = parts.and_then(|(address, prefix)| Some((address.parse().ok()?, prefix.parse().ok()?)));
        parsed
            .filter(|(_, prefix)| *prefix <= 32)
            .ok_or_else(|| self.error(format!("client {text:?} is no IPv4 network such as 10.11.0.0/24")))
    }
}
