//! A case's configuration of the peer as a connection of charon.

use std::net::Ipv4Addr;

use ikev1_scenario::case::{Case, ResolvedSide};
use ikev1_scenario::model::{Encapsulation, EspCipher, Hash, Identity, Integrity, Phase1Exchange, Protocol};

use crate::docker::{CharonConnection, IkeLifetime, IpsecLifetime, IpsecMode, SecurityProtocol};
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
    connection.phase1_proposals =
        side.phase1.transforms.iter().map(|t| format!("{}-{}-{}", t.cipher, hash(t.hash), t.group)).collect();
    connection.protocol = match side.phase2.protocol {
        Protocol::Esp => SecurityProtocol::Esp,
        Protocol::Ah => SecurityProtocol::Ah,
    };
    connection.phase2_proposals = phase2_proposals(side);
    connection.mode = match side.phase2.encapsulation {
        Encapsulation::Tunnel => IpsecMode::Tunnel,
        Encapsulation::Transport => IpsecMode::Transport,
    };
    connection.local_ts.clone_from(&side.phase2.client);
    connection.remote_ts.clone_from(&side.phase2.remote_client);
    (connection.ike_lifetime, connection.ipsec_lifetime) = lifetimes(side);
    // With "never" charon sends no INITIAL-CONTACT; with "no" it does when it knows of no other SA.
    let unique = if side.initial_contact { "no" } else { "never" };
    connection.extra.push(("unique".to_owned(), unique.to_owned()));
    connection
}

/// charon proposes as life of phase 1 the time until it replaces the SA plus `over_s`.
fn lifetimes(side: &ResolvedSide) -> (IkeLifetime, IpsecLifetime) {
    let (life1, life2) = (side.phase1.lifetime_seconds, side.phase2.lifetime_seconds);
    if !side.rekey {
        let ike = IkeLifetime { rekey_s: life1, reauth_s: 0, over_s: 0 };
        return (ike, IpsecLifetime { rekey_s: 0, life_s: life2 });
    }
    let before = |life: u32| life.saturating_sub(side.rekey_margin_seconds).max(1);
    let ike =
        IkeLifetime { rekey_s: before(life1), reauth_s: 0, over_s: life1.saturating_sub(before(life1)) };
    (ike, IpsecLifetime { rekey_s: before(life2), life_s: life2 })
}

fn phase2_proposals(side: &ResolvedSide) -> Vec<String> {
    let pfs = side.phase2.pfs.group().map_or_else(String::new, |group| format!("-{group}"));
    let ah = side.phase2.protocol == Protocol::Ah;
    let proposal = |transform: &ikev1_scenario::model::Phase2Transform| {
        let cipher = transform.cipher.unwrap_or(EspCipher::Null).name();
        let integrity = transform.integrity.map(integrity);
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
    }
}
