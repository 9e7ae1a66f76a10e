//! The combinations that every pair plays.

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;

use ikev1_scenario::case::Case;
use ikev1_scenario::expand::expand;
use ikev1_scenario::load::LoadedScenario;
use ikev1_scenario::model::{Capability, Group, Role, Scenario};
use ikev1_scenario::pki::CredentialFiles;
use serde_json::json;

/// One way in which a pair sets up its SAs.
#[derive(Debug, Clone, PartialEq)]
pub struct Combination {
    /// The responder's configuration: it is the peer, and the initiator stands in the place of the harness. Its ID is the
    /// combination's: `matrix/main-mode/psk/pfs/rekey`.
    pub responder: Case,
    /// The same with the sides swapped.
    pub initiator: Case,
    /// Perfect forward secrecy.
    pub pfs: bool,
    /// Whether the SAs are replaced.
    pub rekey: bool,
}

/// Why the combinations cannot be made; only a mistake in this crate causes it.
#[derive(Debug, thiserror::Error)]
#[error("combination {id}: {problem}")]
pub struct CombinationError {
    id: String,
    problem: String,
}

impl Combination {
    /// Its ID.
    pub fn id(&self) -> &str {
        &self.responder.id
    }
}

/// All combinations. `credentials` has the keys and certificates of both sides.
///
/// # Errors
/// When a combination does not fit the format of scenarios.
pub fn combinations(credentials: &Arc<CredentialFiles>) -> Result<Vec<Combination>, CombinationError> {
    let mut all = Vec::new();
    for exchange in ["main-mode", "aggressive-mode"] {
        for authentication in ["psk", "rsa-signature"] {
            for pfs in [false, true] {
                for rekey in [false, true] {
                    all.push(combination(exchange, authentication, pfs, rekey, credentials)?);
                }
            }
        }
    }
    Ok(all)
}

fn combination(
    exchange: &str,
    authentication: &str,
    pfs: bool,
    rekey: bool,
    credentials: &Arc<CredentialFiles>,
) -> Result<Combination, CombinationError> {
    let id = format!(
        "matrix/{exchange}/{authentication}/{}/{}",
        if pfs { "pfs" } else { "no-pfs" },
        if rekey { "rekey" } else { "no-rekey" }
    );
    // Every daemon here has modp2048; Debian builds libreswan without the smaller groups.
    let mut scenario = json!({
        "version": 1,
        "description": "Phase 1 and quick mode between two daemons, with traffic.",
        "requirements": [],
        "level": "must",
        "roles": ["initiator"],
        "config": { "common": {
            "exchange": exchange,
            "phase1": { "transforms": [{
                "authentication": authentication, "cipher": "aes128", "hash": "sha1", "group": "modp2048",
            }] },
            "phase2": { "pfs": if pfs { "modp2048" } else { "none" } },
        } },
        "steps": [{ "start": { "exchange": "both" } }],
        "accept": [],
    });
    if authentication != "psk" {
        // pluto does not ask for a certificate that it then wants.
        scenario["config"]["common"]["pki"] = json!({ "send_certificate": "always" });
    }
    let problem = |problem: String| CombinationError { id: id.clone(), problem };
    let scenario: Scenario = serde_json::from_value(scenario).map_err(|error| problem(error.to_string()))?;
    let loaded = LoadedScenario {
        id: id.clone(),
        path: "matrix".into(),
        scenario,
        credentials: Arc::clone(credentials),
    };
    let expanded = expand(&loaded, Group::Modp2048)
        .into_iter()
        .next()
        .ok_or_else(|| problem("it has no case".to_owned()))?;
    let mut responder = Case { id: id.clone(), ..expanded };
    responder.needs.insert(Capability::State);
    let mut initiator = Case { role: Role::Responder, ..responder.clone() };
    mem::swap(&mut initiator.config.harness, &mut initiator.config.peer);
    initiator.needs.extend(commands(rekey));
    Ok(Combination { responder, initiator, pfs, rekey })
}

/// What the initiator is told to do.
fn commands(rekey: bool) -> BTreeSet<Capability> {
    let mut needs = BTreeSet::from([Capability::Trigger, Capability::Delete]);
    if rekey {
        needs.extend([Capability::RekeyIpsec, Capability::RekeyIsakmp]);
    }
    needs
}

#[cfg(test)]
mod tests {
    use ikev1_scenario::model::Side;

    use super::*;

    #[test]
    fn there_are_sixteen_with_ids_of_their_own() {
        let all = combinations(&Arc::default()).unwrap();
        let ids: BTreeSet<&str> = all.iter().map(Combination::id).collect();
        assert_eq!(ids.len(), 16);
        assert!(ids.contains("matrix/aggressive-mode/rsa-signature/pfs/rekey"), "{ids:?}");
    }

    #[test]
    fn each_side_is_the_peer_of_its_own_case_and_has_the_clients_of_the_other_swapped() {
        for combination in combinations(&Arc::default()).unwrap() {
            let (initiator, responder) = (&combination.initiator, &combination.responder);
            assert_eq!(initiator.role_of(Side::Peer), Role::Initiator);
            assert_eq!(responder.role_of(Side::Peer), Role::Responder);
            assert_eq!(initiator.config.peer.phase2.client, responder.config.peer.phase2.remote_client);
            assert_eq!(initiator.config.peer.id, responder.config.peer.remote_id);
            assert_eq!(combination.pfs, initiator.config.peer.phase2.pfs.is_some());
        }
    }
}
