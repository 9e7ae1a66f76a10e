//! A case's configuration of the peer as a connection of charon.

use std::net::Ipv4Addr;

use ikev1::pki::DistinguishedName;
use ikev1_scenario::case::{Case, ResolvedSide};
use ikev1_scenario::model::{
    ClientId, ClientName, ConfigItem, ConfigMethod, DpdTrigger, Encapsulation, EspCipher, FragmentationMode,
    Hash, Identity, Integrity, ModeConfig, Phase1Exchange, Protocol, Role, SendCertificate, Side,
    XauthConfig, XauthUser,
};
use ikev1_scenario::pki::{PemFile, ResolvedPki};

use crate::docker::{
    CharonConnection, CharonDpd, CharonFragmentation, CharonKeys, CharonModeConfig, CharonPool, CharonXauth,
    DpdAction, IkeLifetime, IpsecLifetime, IpsecMode, SecurityProtocol, pem_blocks,
};
use crate::settings::POLICY_NAME;

/// charon's connection for a case; `charon` and `harness` are the two IKE addresses.
pub fn connection(case: &Case, charon: Ipv4Addr, harness: Ipv4Addr, harness_port: u16) -> CharonConnection {
    let side = &case.config.peer;
    let mut connection = CharonConnection::new(POLICY_NAME, charon, harness);
    connection.aggressive = side.exchange == Phase1Exchange::AggressiveMode;
    connection.remote_port = harness_port;
    connection.local_id = identity(&side.id, charon);
    connection.remote_id = identity(&side.remote_id, harness);
    connection.psk.clone_from(&side.psk);
    connection.keys = side.pki.as_ref().map(keys);
    connection.any_remote = side.any_address && case.initiator() == Side::Harness;
    connection.phase1_proposals =
        side.phase1.transforms.iter().map(|t| format!("{}-{}-{}", t.cipher, hash(t.hash), t.group)).collect();
    connection.protocol = match side.phase2.protocol {
        // Compression is no protocol of its own for charon.
        Protocol::Esp | Protocol::Ipcomp => SecurityProtocol::Esp,
        Protocol::Ah => SecurityProtocol::Ah,
    };
    connection.phase2_proposals = phase2_proposals(side);
    connection.mode = match side.phase2.encapsulation {
        Encapsulation::Tunnel => IpsecMode::Tunnel,
        Encapsulation::Transport => IpsecMode::Transport,
    };
    connection.local_ts = traffic_selector(&side.phase2.client, side.phase2.client_id.as_ref());
    connection.remote_ts =
        traffic_selector(&side.phase2.remote_client, side.phase2.remote_client_id.as_ref());
    if !side.phase2.ids {
        // The ISAKMP addresses.
        for clients in [&mut connection.local_ts, &mut connection.remote_ts] {
            "dynamic".clone_into(clients);
        }
    }
    connection.ipcomp = side.phase2.bundle.iter().any(|part| part.protocol == Protocol::Ipcomp);
    connection.hybrid = side.xauth.as_ref().is_some_and(|xauth| xauth.hybrid);
    connection.xauth = side.xauth.as_ref().map(|xauth| charon_xauth(xauth, case.role_of(Side::Peer)));
    if let Some(settings) = &side.mode_config {
        let part = mode_config(settings, case.role_of(Side::Peer));
        if settings.assigned_client() {
            let clients = match part {
                CharonModeConfig::Host => &mut connection.local_ts,
                CharonModeConfig::EdgeDevice(_) => &mut connection.remote_ts,
            };
            "dynamic".clone_into(clients);
        }
        connection.mode_config = Some((part, settings.method == ConfigMethod::Push));
    }
    (connection.ike_lifetime, connection.ipsec_lifetime) = lifetimes(side, case.initiator());
    connection.dpd = dead_peer_detection(side);
    connection.fragmentation = match side.fragmentation.mode {
        FragmentationMode::Off => CharonFragmentation::No,
        FragmentationMode::Accept => CharonFragmentation::Accept,
        FragmentationMode::On => CharonFragmentation::Yes,
        FragmentationMode::Force => CharonFragmentation::Force,
    };
    // With "never" charon sends no INITIAL-CONTACT; with "no" it does when it knows of no other SA.
    let unique = if side.initial_contact { "no" } else { "never" };
    connection.extra.push(("unique".to_owned(), unique.to_owned()));
    connection
}

/// A client as one of charon's traffic selectors, such as `10.12.0.1-10.12.0.9[17/500]`. Those that it does not have are
/// not asked of it: the case needs the capability `client-names`.
fn traffic_selector(network: &str, id: Option<&ClientId>) -> String {
    let Some(ClientId { id, protocol, port }) = id else { return network.to_owned() };
    let addresses = match id {
        ClientName::Ipv4(address) => format!("{address}/32"),
        ClientName::Ipv4Subnet { network, prefix } => format!("{network}/{prefix}"),
        ClientName::Ipv4Range { first, last } => format!("{first}-{last}"),
        _ => network.to_owned(),
    };
    match (protocol, port) {
        (0, 0) => addresses,
        (protocol, 0) => format!("{addresses}[{protocol}]"),
        (0, port) => format!("{addresses}[%any/{port}]"),
        (protocol, port) => format!("{addresses}[{protocol}/{port}]"),
    }
}

/// charon's keys and certificates: the first certificate of its credentials is its own, what follows leads to the root.
fn keys(pki: &ResolvedPki) -> CharonKeys {
    let all = |files: &[PemFile], label| -> Vec<String> {
        files.iter().flat_map(|file| pem_blocks(&file.pem, label)).collect()
    };
    let own = pki.credentials.as_ref().map_or("", |file| file.pem.as_str());
    let mut chain = pem_blocks(own, "CERTIFICATE").into_iter();
    CharonKeys {
        private_key: pem_blocks(own, "PRIVATE KEY").into_iter().next(),
        certificate: chain.next(),
        authorities: all(&pki.anchors, "CERTIFICATE"),
        certificates: chain.chain(all(&pki.certificates, "CERTIFICATE")).collect(),
        crls: all(&pki.crls, "X509 CRL"),
        send_cert: match pki.send_certificate {
            SendCertificate::IfAsked => "ifasked",
            SendCertificate::Always => "always",
            SendCertificate::Never => "never",
        },
        request_certificate: pki.request_certificate,
        require_crl: pki.require_crl,
    }
}

/// charon proposes as life of phase 1 the time until it replaces the SA plus `over_s`. A charon that is not to
/// replace it has such a time only where it proposes one.
fn lifetimes(side: &ResolvedSide, initiator: Side) -> (IkeLifetime, IpsecLifetime) {
    let (life1, life2) = (side.phase1.lifetime_seconds, side.phase2.lifetime_seconds);
    if !side.rekey {
        let rekey_s = if initiator == Side::Peer { life1 } else { 0 };
        let ike = IkeLifetime { rekey_s, reauth_s: 0, over_s: 0 };
        return (ike, IpsecLifetime { rekey_s: 0, life_s: life2 });
    }
    let before = |life: u32| life.saturating_sub(side.rekey_margin_seconds).max(1);
    let ike =
        IkeLifetime { rekey_s: before(life1), reauth_s: 0, over_s: life1.saturating_sub(before(life1)) };
    (ike, IpsecLifetime { rekey_s: before(life2), life_s: life2 })
}

/// A charon that is not to ask on its own is told nothing: it announces dead peer detection and answers anyway.
fn dead_peer_detection(side: &ResolvedSide) -> Option<CharonDpd> {
    let dpd = side.dpd.filter(|dpd| dpd.trigger != DpdTrigger::Command)?;
    let asked = u32::from(dpd.retries).saturating_add(1);
    Some(CharonDpd {
        delay_s: dpd.worry_seconds,
        timeout_s: dpd.timeout_seconds.saturating_mul(asked),
        action: DpdAction::Clear,
    })
}

fn charon_xauth(xauth: &XauthConfig, role: Role) -> CharonXauth {
    let name_and_password = |user: XauthUser| (user.name, user.password);
    if xauth.host() == role {
        let (name, password) = name_and_password(xauth.user());
        return CharonXauth::IpsecHost(name, password);
    }
    CharonXauth::EdgeDevice(xauth.users().into_iter().map(name_and_password).collect())
}

fn mode_config(settings: &ModeConfig, role: Role) -> CharonModeConfig {
    if settings.host() == role {
        return CharonModeConfig::Host;
    }
    let addresses = settings.pool.map(|pool| format!("{}-{}", pool.first, pool.last)).unwrap_or_default();
    let mut attributes: Vec<(String, Vec<String>)> = Vec::new();
    for item in &settings.items {
        let (name, value) = match item {
            ConfigItem::Netmask(mask) => ("netmask", mask.to_string()),
            ConfigItem::Dns(server) => ("dns", server.to_string()),
            ConfigItem::Nbns(server) => ("nbns", server.to_string()),
            ConfigItem::Dhcp(server) => ("dhcp", server.to_string()),
            ConfigItem::Subnet(subnet) => ("subnet", format!("{}/{}", subnet.address, subnet.prefix)),
            // charon has no setting for them.
            ConfigItem::ExpirySeconds(_) | ConfigItem::Version(_) => continue,
        };
        match attributes.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value),
            None => attributes.push((name.to_owned(), vec![value])),
        }
    }
    CharonModeConfig::EdgeDevice(CharonPool { addresses, attributes })
}

fn phase2_proposals(side: &ResolvedSide) -> Vec<String> {
    let pfs = side.phase2.pfs.map_or_else(String::new, |group| format!("-{group}"));
    let ah = side.phase2.protocol == Protocol::Ah;
    let proposal = |transform: &ikev1_scenario::model::Phase2Transform| {
        let cipher = transform.cipher.unwrap_or(EspCipher::Null).name();
        let integrity = transform.integrity.map(integrity);
        let pfs = if transform.extended_sequence_numbers { format!("{pfs}-esn") } else { pfs.clone() };
        match (ah, integrity) {
            (true, integrity) => format!("{}{pfs}", integrity.unwrap_or("sha1")),
            (false, Some(integrity)) => format!("{cipher}-{integrity}{pfs}"),
            (false, None) => format!("{cipher}{pfs}"),
        }
    };
    side.phase2.transforms.iter().map(proposal).collect()
}

fn hash(hash: Hash) -> &'static str {
    match hash {
        Hash::Md5 => "md5",
        Hash::Sha1 => "sha1",
        // No keyword of charon: a peer profile that leaves Tiger out keeps such cases from it.
        Hash::Tiger => "tiger",
        Hash::Sha2_256 => "sha256",
        Hash::Sha2_384 => "sha384",
        Hash::Sha2_512 => "sha512",
    }
}

fn integrity(integrity: Integrity) -> &'static str {
    match integrity {
        Integrity::Md5 => "md5",
        Integrity::Sha1 => "sha1",
        Integrity::Sha2_256 => "sha256",
        Integrity::Sha2_384 => "sha384",
        Integrity::Sha2_512 => "sha512",
        Integrity::AesXcbc => "aesxcbc",
    }
}

/// The types are given, because charon guesses them from the text otherwise.
fn identity(identity: &Identity, address: Ipv4Addr) -> String {
    match identity {
        Identity::Address => address.to_string(),
        Identity::Ipv4(other) => other.to_string(),
        Identity::Fqdn(name) => format!("fqdn:{name}"),
        Identity::UserFqdn(name) => format!("email:{name}"),
        Identity::KeyId(id) => format!("keyid:{id}"),
        Identity::Empty => "%any".to_owned(),
        // The bytes, since charon encodes a text in its own way.
        Identity::Dn(text) => match text.parse::<DistinguishedName>() {
            Ok(name) => format!("asn1dn:#{}", hex::encode(name.as_der())),
            Err(_) => format!("asn1dn:{text}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use ikev1_scenario::case::{ResolvedConfig, ResolvedPhase1, ResolvedPhase2, ResolvedTransform};
    use ikev1_scenario::model::{
        Authentication, Cipher, Dpd, Fragmentation, Group, Level, NatTraversal, Phase2Transform,
        PrivateGroup, Retransmission, Role,
    };

    use super::*;

    fn side() -> ResolvedSide {
        ResolvedSide {
            exchange: Phase1Exchange::AggressiveMode,
            psk: "secret".to_owned(),
            pki: None,
            any_address: false,
            id: Identity::Fqdn("peer.example.org".to_owned()),
            remote_id: Identity::Address,
            phase1: ResolvedPhase1 {
                transforms: vec![ResolvedTransform {
                    authentication: Authentication::Psk,
                    cipher: Cipher::TripleDes,
                    hash: Hash::Sha2_256,
                    group: Group::Modp1536,
                }],
                lifetime_seconds: 3600,
                omit_default_key_length: false,
            },
            phase2: ResolvedPhase2 {
                protocol: Protocol::Esp,
                encapsulation: Encapsulation::Tunnel,
                transforms: vec![
                    Phase2Transform {
                        cipher: Some(EspCipher::Aes256),
                        integrity: Some(Integrity::Sha2_512),
                        extended_sequence_numbers: false,
                    },
                    Phase2Transform {
                        cipher: Some(EspCipher::Null),
                        integrity: Some(Integrity::Md5),
                        extended_sequence_numbers: false,
                    },
                ],
                bundle: Vec::new(),
                further_sas: Vec::new(),
                alternatives: Vec::new(),
                pfs: Some(Group::Modp1024),
                lifetime_seconds: 1200,
                lifetime_kilobytes: None,
                ids: true,
                client: "10.12.0.0/24".to_owned(),
                remote_client: "10.11.0.0/24".to_owned(),
                client_id: None,
                remote_client_id: None,
                client_match: ikev1_scenario::model::ClientMatch::Same,
            },
            xauth: None,
            mode_config: None,
            nat_traversal: NatTraversal::Auto,
            nat_traversal_versions: ikev1_scenario::case::rfc3947(),
            nat_keep_alive_seconds: None,
            dpd: None,
            fragmentation: Fragmentation::default(),
            initial_contact: false,
            responder_lifetime: false,
            replay_status: false,
            commit_bit: false,
            notify_discarded: false,
            private_group: PrivateGroup::default(),
            new_groups: true,
            retransmission: Retransmission { first_ms: 2000, factor: 1.8, tries: 4 },
            rekey: true,
            rekey_margin_seconds: 60,
        }
    }

    fn rendered(role: Role, peer: ResolvedSide) -> CharonConnection {
        let case = Case {
            id: "test".to_owned(),
            role,
            description: String::new(),
            requirements: Vec::new(),
            level: Level::Must,
            needs: Default::default(),
            parameters: Default::default(),
            config: ResolvedConfig { harness: peer.clone(), peer },
            steps: Vec::new(),
            accept: Vec::new(),
            compare_values: true,
            faults: Vec::new(),
        };
        connection(&case, Ipv4Addr::new(172, 17, 0, 2), Ipv4Addr::new(172, 17, 0, 1), 500)
    }

    #[test]
    fn the_peers_configuration_becomes_a_connection() {
        let connection = rendered(Role::Responder, side());
        assert!(connection.aggressive);
        assert_eq!(
            (connection.local_id.as_str(), connection.remote_id.as_str()),
            ("fqdn:peer.example.org", "172.17.0.1")
        );
        assert_eq!(connection.phase1_proposals, ["3des-sha256-modp1536"]);
        assert_eq!(connection.phase2_proposals, ["aes256-sha512-modp1024", "null-md5-modp1024"]);
        assert_eq!(
            (connection.local_ts.as_str(), connection.remote_ts.as_str()),
            ("10.12.0.0/24", "10.11.0.0/24")
        );
        assert_eq!(connection.ike_lifetime, IkeLifetime { rekey_s: 3540, reauth_s: 0, over_s: 60 });
        assert_eq!(connection.ipsec_lifetime, IpsecLifetime { rekey_s: 1140, life_s: 1200 });
    }

    #[test]
    fn dead_peer_detection_and_fragmentation_reach_charon() {
        let dpd = |trigger| Dpd { trigger, worry_seconds: 1, timeout_seconds: 2, retries: 1 };
        let told = |trigger| {
            let fragmentation = Fragmentation { mode: FragmentationMode::On, size: 1280 };
            rendered(Role::Responder, ResolvedSide { dpd: Some(dpd(trigger)), fragmentation, ..side() })
        };
        let asking = told(DpdTrigger::Idle);
        assert_eq!(asking.dpd, Some(CharonDpd { delay_s: 1, timeout_s: 4, action: DpdAction::Clear }));
        assert_eq!(asking.fragmentation, CharonFragmentation::Yes);
        assert_eq!(told(DpdTrigger::Command).dpd, None);
    }

    #[test]
    fn a_charon_that_is_not_to_rekey_proposes_the_whole_life_and_replaces_nothing_as_responder() {
        let still = || ResolvedSide { rekey: false, ..side() };
        let life = |role| rendered(role, still()).ike_lifetime.rekey_s;
        assert_eq!((life(Role::Responder), life(Role::Initiator)), (3600, 0));
        assert_eq!(rendered(Role::Initiator, still()).ipsec_lifetime.rekey_s, 0);
    }
}
