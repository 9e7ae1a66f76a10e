//! From a scenario to its cases: the points of the matrix, the roles, the defaults, the implied needs.

mod default_group;
mod needs;

use std::collections::{BTreeMap, BTreeSet};

use crate::case::{
    Case, ResolvedConfig, ResolvedPhase1, ResolvedPhase2, ResolvedSide, ResolvedTransform, rfc3947,
};
use crate::fault::{self, CaseFault, Fault};
use crate::load::LoadedScenario;
use crate::model::{
    Authentication, Cipher, ClientMatch, Combine, Config, Encapsulation, EspCipher, Fragmentation, Group,
    Hash, Identity, Integrity, Level, Matrix, MatrixPoint, NatTraversal, Pfs, Phase1Exchange,
    Phase2Transform, PrivateGroup, Protocol, Retransmission, Scenario, Side, SideConfig, Step,
};
use crate::pki::{self, CredentialFiles};
use crate::requirement::RequirementId;
pub use default_group::{DEFAULT_GROUP, DEFAULT_GROUPS, default_group};
use needs::needs;
pub(crate) use needs::policy_needs;

/// Cases of several scenarios, in their order, with a group where these name none.
pub fn expand_all(scenarios: &[LoadedScenario], default_group: Group) -> Vec<Case> {
    expand_all_to(scenarios, default_group, DEFAULT_STRENGTH)
}

/// The same with another strength: so many parameters' values occur in every combination.
pub fn expand_all_to(scenarios: &[LoadedScenario], default_group: Group, strength: usize) -> Vec<Case> {
    scenarios.iter().flat_map(|scenario| expand_to(scenario, default_group, strength)).collect()
}

/// The strength of the combinations of a matrix: every pair of values occurs.
pub const DEFAULT_STRENGTH: usize = 2;

/// Cases of one scenario: for each point of the matrix, one for each role. Their IDs do not depend on the group that stands
/// where the scenario names none.
pub fn expand(loaded: &LoadedScenario, default_group: Group) -> Vec<Case> {
    expand_to(loaded, default_group, DEFAULT_STRENGTH)
}

/// The same with another strength of a matrix that is not `full`.
fn expand_to(loaded: &LoadedScenario, default_group: Group, strength: usize) -> Vec<Case> {
    let scenario = &loaded.scenario;
    let mut cases = Vec::new();
    for point in points(scenario.matrix.as_ref(), strength) {
        let name = point_name(&point);
        let id = if name.is_empty() { loaded.id.clone() } else { format!("{}/{name}", loaded.id) };
        let config = resolve(&scenario.config, &point, &loaded.credentials, default_group);
        let (steps, faults) = fault::in_place(&scenario.steps, point.fault);
        let edits = steps.iter().any(|s| matches!(s, Step::Edit(_) | Step::EditDatagram(_)));
        let same_key = config.harness.psk == config.peer.psk;
        let compare_values = scenario.checks.values.unwrap_or(same_key && !edits);
        for role in &scenario.roles {
            cases.push(Case {
                id: id.clone(),
                role: *role,
                description: scenario.description.clone(),
                requirements: requirements(scenario, &faults),
                level: scenario.level,
                needs: needs(scenario, &config, *role),
                parameters: parameters(&point),
                config: config.clone(),
                steps: pki::with_certificates(&loaded.credentials, &steps),
                faults: faults.clone(),
                accept: scenario.accept.clone(),
                compare_values,
            });
        }
    }
    cases
}

/// The clauses that a case is about: those of the scenario, and those that its fault operators break. Where the case says no
/// more than what a peer may do, it tells nothing of the latter.
fn requirements(scenario: &Scenario, faults: &[CaseFault]) -> Vec<RequirementId> {
    let mut requirements = scenario.requirements.clone();
    if scenario.level != Level::May {
        for clause in faults.iter().filter_map(|fault| fault.operator.clause().parse().ok()) {
            if !requirements.contains(&clause) {
                requirements.push(clause);
            }
        }
    }
    requirements
}

// --- The matrix ---

/// The points of a matrix that become cases; without a matrix, one point that sets nothing.
fn points(matrix: Option<&Matrix>, strength: usize) -> Vec<MatrixPoint> {
    let Some(matrix) = matrix else { return vec![MatrixPoint::default()] };
    let mut points = vec![MatrixPoint::default()];
    axis(&mut points, matrix.exchange.as_deref(), |p, v| p.exchange = Some(v));
    axis(&mut points, matrix.authentication.as_deref(), |p, v| p.authentication = Some(v));
    axis(&mut points, matrix.cipher.as_deref(), |p, v| p.cipher = Some(v));
    axis(&mut points, matrix.hash.as_deref(), |p, v| p.hash = Some(v));
    axis(&mut points, matrix.group.as_deref(), |p, v| p.group = Some(v));
    axis(&mut points, matrix.protocol.as_deref(), |p, v| p.protocol = Some(v));
    axis(&mut points, matrix.encapsulation.as_deref(), |p, v| p.encapsulation = Some(v));
    axis(&mut points, matrix.esp_cipher.as_deref(), |p, v| p.esp_cipher = Some(v));
    axis(&mut points, matrix.integrity.as_deref(), |p, v| p.integrity = Some(v));
    axis(&mut points, matrix.pfs.as_deref(), |p, v| p.pfs = Some(v));
    axis(&mut points, matrix.fault.as_deref(), |p, v| p.fault = Some(v));
    points.retain(|point| !matrix.exclude.iter().any(|pattern| agrees(point, pattern)));
    match matrix.combine {
        Combine::Full => points,
        Combine::Pairwise => covering(points, strength),
    }
}

fn axis<T: Copy>(points: &mut Vec<MatrixPoint>, values: Option<&[T]>, set: impl Fn(&mut MatrixPoint, T)) {
    let Some(values) = values else { return };
    *points = points
        .iter()
        .flat_map(|point| {
            values.iter().map(|value| {
                let mut point = *point;
                set(&mut point, *value);
                point
            })
        })
        .collect();
}

/// The values of a point in the order of the axes, by name; `None` where the axis is not in the matrix.
fn values(point: &MatrixPoint) -> [Option<&'static str>; 11] {
    [
        point.exchange.map(Phase1Exchange::name),
        point.authentication.map(Authentication::name),
        point.cipher.map(Cipher::name),
        point.hash.map(Hash::name),
        point.group.map(Group::name),
        point.protocol.map(Protocol::name),
        point.encapsulation.map(Encapsulation::name),
        point.esp_cipher.map(EspCipher::name),
        point.integrity.map(Integrity::name),
        point.pfs.map(Pfs::name),
        point.fault.map(Fault::name),
    ]
}

/// The axes in the order of their values.
const AXES: [&str; 11] = [
    "exchange",
    "authentication",
    "cipher",
    "hash",
    "group",
    "protocol",
    "encapsulation",
    "esp_cipher",
    "integrity",
    "pfs",
    "fault",
];

/// The values of a point by the name of their axes.
fn parameters(point: &MatrixPoint) -> BTreeMap<String, String> {
    let named = AXES.iter().zip(values(point)).filter_map(|(axis, value)| Some((axis, value?)));
    named.map(|(axis, value)| ((*axis).to_owned(), value.to_owned())).collect()
}

/// Whether a point has every value that a pattern sets.
fn agrees(point: &MatrixPoint, pattern: &MatrixPoint) -> bool {
    values(point).iter().zip(values(pattern)).all(|(value, wanted)| wanted.is_none() || *value == wanted)
}

/// The part of a case ID that names a point.
fn point_name(point: &MatrixPoint) -> String {
    let mut names: Vec<String> =
        values(point).iter().take(9).flatten().map(|name| (*name).to_owned()).collect();
    match point.pfs {
        None => {}
        Some(Pfs::None) => names.push("no-pfs".into()),
        Some(Pfs::Default) => names.push("pfs".into()),
        Some(group) => names.push(format!("pfs-{group}")),
    }
    names.extend(point.fault.map(|fault| fault.name().to_owned()));
    names.join("-")
}

/// Values of some axes, by the index of the axis.
type Tuple = Vec<(usize, &'static str)>;

/// Every choice of `strength` values of a point, or all its values where there are fewer.
fn tuples(point: &MatrixPoint, strength: usize) -> Vec<Tuple> {
    let set: Tuple = values(point).into_iter().enumerate().filter_map(|(axis, v)| Some((axis, v?))).collect();
    let strength = strength.min(set.len());
    let mut tuples: Vec<Tuple> = vec![Tuple::new()];
    for (index, value) in set.iter().enumerate() {
        let left = set.len() - index - 1;
        let mut next = Vec::new();
        for tuple in tuples {
            if tuple.len() < strength {
                next.push([&tuple[..], &[*value]].concat());
            }
            // What cannot be filled up any more is dropped.
            if tuple.len() + left >= strength {
                next.push(tuple);
            }
        }
        tuples = next;
    }
    tuples
}

/// A subset in which every combination of values of `strength` axes that occurs at all occurs: always the point next that has
/// most combinations that are not covered yet, the first of equals. The points keep their order.
fn covering(mut points: Vec<MatrixPoint>, strength: usize) -> Vec<MatrixPoint> {
    let of_points: Vec<Vec<Tuple>> = points.iter().map(|point| tuples(point, strength)).collect();
    let mut uncovered: BTreeSet<&Tuple> = of_points.iter().flatten().collect();
    let mut chosen = BTreeSet::new();
    while !uncovered.is_empty() {
        let gain = |tuples: &[Tuple]| tuples.iter().filter(|tuple| uncovered.contains(tuple)).count();
        // `max_by_key` takes the last of equals, so the points are looked at from the end.
        let best = of_points.iter().enumerate().rev().max_by_key(|(_, tuples)| gain(tuples));
        let Some((best, covered)) = best else { break };
        chosen.insert(best);
        for tuple in covered {
            uncovered.remove(tuple);
        }
    }
    let mut index = 0..;
    points.retain(|_| index.next().is_some_and(|index| chosen.contains(&index)));
    points
}

// --- Configuration ---

/// The key that both sides have when a scenario says nothing.
const DEFAULT_PSK: &str = "conformance pre-shared key";

/// Applies default, common, matrix and side, in this order.
fn resolve(config: &Config, point: &MatrixPoint, files: &CredentialFiles, group: Group) -> ResolvedConfig {
    let mut common = defaults(group);
    overlay(&mut common, &config.common, group);
    apply_point(&mut common, point, group);
    let (mut harness, mut peer) = (common.clone(), common);
    for (side, own, client) in
        [(&mut harness, &config.harness, "10.11.0.0/24"), (&mut peer, &config.peer, "10.12.0.0/24")]
    {
        side.phase2.client = client.to_owned();
        overlay(side, &config.common, group);
        apply_point(side, point, group);
        overlay(side, own, group);
        side.phase2.ids = ids(config, own).unwrap_or(side.phase2.encapsulation == Encapsulation::Tunnel);
        if side.phase2.protocol == Protocol::Ah {
            side.phase2.transforms.iter_mut().for_each(|t| t.cipher = None);
        }
    }
    for (side, name, own) in
        [(&mut harness, Side::Harness, &config.harness), (&mut peer, Side::Peer, &config.peer)]
    {
        let layers = [&config.common, own];
        if layers.iter().all(|layer| layer.id.is_none()) && pki::uses_public_keys(side, layers) {
            side.id = pki::default_identity(name);
        }
    }
    let remote_id = |own: &SideConfig, other: &ResolvedSide| {
        own.remote_id.clone().or_else(|| config.common.remote_id.clone()).unwrap_or_else(|| other.id.clone())
    };
    let remote_client = |own: &SideConfig, other: &ResolvedSide| {
        let of = |side: &SideConfig| side.phase2.as_ref().and_then(|p| p.remote_client.clone());
        of(own).or_else(|| of(&config.common)).unwrap_or_else(|| other.phase2.client.clone())
    };
    harness.remote_id = remote_id(&config.harness, &peer);
    peer.remote_id = remote_id(&config.peer, &harness);
    harness.phase2.remote_client = remote_client(&config.harness, &peer);
    peer.phase2.remote_client = remote_client(&config.peer, &harness);
    let remote_client_id = |own: &SideConfig, other: &ResolvedSide| {
        let of = |side: &SideConfig| side.phase2.as_ref().and_then(|p| p.remote_client_id.clone());
        let network = |side: &SideConfig| side.phase2.as_ref().is_some_and(|p| p.remote_client.is_some());
        let others = || other.phase2.client_id.clone().filter(|_| !network(own) && !network(&config.common));
        of(own).or_else(|| of(&config.common)).or_else(others)
    };
    harness.phase2.remote_client_id = remote_client_id(&config.harness, &peer);
    peer.phase2.remote_client_id = remote_client_id(&config.peer, &harness);
    let (of_harness, of_peer) = ([&config.common, &config.harness], [&config.common, &config.peer]);
    harness.pki = pki::resolve(files, Side::Harness, &harness, of_harness, (&peer, of_peer));
    peer.pki = pki::resolve(files, Side::Peer, &peer, of_peer, (&harness, of_harness));
    ResolvedConfig { harness, peer }
}

fn ids(config: &Config, own: &SideConfig) -> Option<bool> {
    let of = |side: &SideConfig| side.phase2.as_ref().and_then(|p| p.ids);
    of(own).or_else(|| of(&config.common))
}

fn defaults(group: Group) -> ResolvedSide {
    ResolvedSide {
        exchange: Phase1Exchange::MainMode,
        psk: DEFAULT_PSK.to_owned(),
        pki: None,
        any_address: false,
        id: Identity::Address,
        remote_id: Identity::Address,
        phase1: ResolvedPhase1 {
            transforms: vec![ResolvedTransform {
                authentication: Authentication::Psk,
                cipher: Cipher::Aes128,
                hash: Hash::Sha1,
                group,
            }],
            lifetime_seconds: 3600,
            omit_default_key_length: false,
        },
        phase2: ResolvedPhase2 {
            protocol: Protocol::Esp,
            encapsulation: Encapsulation::Tunnel,
            transforms: vec![Phase2Transform {
                cipher: Some(EspCipher::Aes128),
                integrity: Some(Integrity::Sha1),
                extended_sequence_numbers: false,
            }],
            bundle: Vec::new(),
            further_sas: Vec::new(),
            alternatives: Vec::new(),
            pfs: None,
            lifetime_seconds: 1200,
            lifetime_kilobytes: None,
            ids: true,
            client: String::new(),
            remote_client: String::new(),
            client_id: None,
            remote_client_id: None,
            client_match: ClientMatch::Same,
        },
        xauth: None,
        mode_config: None,
        nat_traversal: NatTraversal::Auto,
        nat_traversal_versions: rfc3947(),
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
        retransmission: Retransmission { first_ms: 1000, factor: 1.8, tries: 4 },
        rekey: false,
        rekey_margin_seconds: 60,
    }
}

/// Sets every field that a layer sets; identities and networks of the other side are left to [`resolve`].
fn overlay(side: &mut ResolvedSide, layer: &SideConfig, default_group: Group) {
    fn set<T: Clone>(to: &mut T, from: Option<&T>) {
        if let Some(value) = from {
            *to = value.clone();
        }
    }
    set(&mut side.exchange, layer.exchange.as_ref());
    set(&mut side.psk, layer.psk.as_ref());
    set(&mut side.id, layer.id.as_ref());
    side.xauth = layer.xauth.clone().or(side.xauth.take());
    side.mode_config = layer.mode_config.clone().or(side.mode_config.take());
    set(&mut side.nat_traversal, layer.nat_traversal.as_ref());
    set(&mut side.nat_traversal_versions, layer.nat_traversal_versions.as_ref());
    set(&mut side.fragmentation, layer.fragmentation.as_ref());
    side.nat_keep_alive_seconds = layer.nat_keep_alive_seconds.or(side.nat_keep_alive_seconds);
    side.dpd = layer.dpd.or(side.dpd);
    set(&mut side.initial_contact, layer.initial_contact.as_ref());
    set(&mut side.responder_lifetime, layer.responder_lifetime.as_ref());
    set(&mut side.replay_status, layer.replay_status.as_ref());
    set(&mut side.commit_bit, layer.commit_bit.as_ref());
    set(&mut side.notify_discarded, layer.notify_discarded.as_ref());
    set(&mut side.private_group, layer.private_group.as_ref());
    set(&mut side.new_groups, layer.new_groups.as_ref());
    set(&mut side.retransmission, layer.retransmission.as_ref());
    set(&mut side.rekey, layer.rekey.as_ref());
    set(&mut side.any_address, layer.any_address.as_ref());
    set(&mut side.rekey_margin_seconds, layer.rekey_margin_seconds.as_ref());
    if let Some(phase1) = &layer.phase1 {
        if let Some(transforms) = &phase1.transforms {
            side.phase1.transforms = transforms
                .iter()
                .map(|transform| ResolvedTransform {
                    authentication: transform.authentication,
                    cipher: transform.cipher,
                    hash: transform.hash,
                    group: transform.group.unwrap_or(default_group),
                })
                .collect();
        }
        set(&mut side.phase1.lifetime_seconds, phase1.lifetime_seconds.as_ref());
        set(&mut side.phase1.omit_default_key_length, phase1.omit_default_key_length.as_ref());
    }
    if let Some(phase2) = &layer.phase2 {
        set(&mut side.phase2.protocol, phase2.protocol.as_ref());
        set(&mut side.phase2.encapsulation, phase2.encapsulation.as_ref());
        set(&mut side.phase2.transforms, phase2.transforms.as_ref());
        set(&mut side.phase2.bundle, phase2.bundle.as_ref());
        set(&mut side.phase2.further_sas, phase2.further_sas.as_ref());
        set(&mut side.phase2.alternatives, phase2.alternatives.as_ref());
        side.phase2.pfs = phase2.pfs.map_or(side.phase2.pfs, |pfs| pfs.group(default_group));
        set(&mut side.phase2.lifetime_seconds, phase2.lifetime_seconds.as_ref());
        set(&mut side.phase2.client, phase2.client.as_ref());
        set(&mut side.phase2.client_match, phase2.client_match.as_ref());
        side.phase2.client_id = phase2.client_id.clone().or(side.phase2.client_id.take());
        side.phase2.lifetime_kilobytes = phase2.lifetime_kilobytes.or(side.phase2.lifetime_kilobytes);
    }
}

/// Sets what a point of the matrix sets. A transform value leaves one transform: the first one, changed.
fn apply_point(side: &mut ResolvedSide, point: &MatrixPoint, default_group: Group) {
    if let Some(exchange) = point.exchange {
        side.exchange = exchange;
    }
    let phase1 = point.cipher.is_some() || point.hash.is_some() || point.group.is_some();
    if phase1 || point.authentication.is_some() {
        side.phase1.transforms.truncate(1);
        for transform in &mut side.phase1.transforms {
            transform.authentication = point.authentication.unwrap_or(transform.authentication);
            transform.cipher = point.cipher.unwrap_or(transform.cipher);
            transform.hash = point.hash.unwrap_or(transform.hash);
            transform.group = point.group.unwrap_or(transform.group);
        }
    }
    let phase2 = &mut side.phase2;
    phase2.protocol = point.protocol.unwrap_or(phase2.protocol);
    phase2.encapsulation = point.encapsulation.unwrap_or(phase2.encapsulation);
    phase2.pfs = point.pfs.map_or(phase2.pfs, |pfs| pfs.group(default_group));
    if point.esp_cipher.is_some() || point.integrity.is_some() {
        phase2.transforms.truncate(1);
        for transform in &mut phase2.transforms {
            transform.cipher = point.esp_cipher.or(transform.cipher);
            transform.integrity = point.integrity.or(transform.integrity);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Capability, Role};
    use std::path::PathBuf;
    use std::sync::Arc;

    /// The cases of a scenario, with the default group that holds without a peer.
    fn cases(json: &str) -> Vec<Case> {
        expand(&loaded(json), DEFAULT_GROUP)
    }

    fn loaded(json: &str) -> LoadedScenario {
        LoadedScenario {
            id: "rfc2409/5.4-pre-shared-key/sample".into(),
            path: PathBuf::from("sample.json"),
            scenario: serde_json::from_str(json).unwrap(),
            credentials: Arc::default(),
        }
    }

    fn scenario(extra: &str) -> String {
        format!(
            r#"{{"version": 1, "description": "d", "requirements": ["RFC2409-5.4-01"], "level": "must",
                "roles": ["initiator", "responder"], {extra} "steps": [{{"start": {{"exchange": "both"}}}}],
                "accept": [{{"because": "b", "all": [{{"established": {{"isakmp_sas": {{"exactly": 1}}}}}}]}}]}}"#
        )
    }

    #[test]
    fn a_scenario_without_matrix_is_one_case_for_each_role_with_defaults_and_implied_needs() {
        let cases = cases(&scenario(""));
        let roles: Vec<_> = cases.iter().map(|c| (c.id.as_str(), c.role)).collect();
        let id = "rfc2409/5.4-pre-shared-key/sample";
        assert_eq!(roles, [(id, Role::Initiator), (id, Role::Responder)]);
        let needs = |case: &Case| case.needs.iter().map(|n| n.name()).collect::<Vec<_>>().join(" ");
        insta::assert_snapshot!(needs(&cases[0]), @"ikev1 responder main-mode psk aes128 sha1 modp1024 esp esp-aes128 hmac-sha1 tunnel address-id state");
        assert!(cases[1].needs.contains(&Capability::Trigger));
        assert!(!cases[1].needs.contains(&Capability::Responder));
        let config = &cases[0].config;
        assert_eq!(config.harness.phase2.client, "10.11.0.0/24");
        assert_eq!(config.harness.phase2.remote_client, "10.12.0.0/24");
        assert_eq!(config.peer.phase2.remote_client, "10.11.0.0/24");
        assert!(cases[0].compare_values);
    }

    #[rstest::rstest]
    #[case::of_the_peer(r#""peer": {"id": {"key_id": "group"}}"#, "key-id")]
    #[case::that_the_peer_expects(r#""harness": {"id": {"key_id": "group"}}"#, "key-id address-id")]
    #[case::a_name(r#""peer": {"id": {"fqdn": "peer.example"}}"#, "named-ids")]
    #[case::an_address_and_a_name(r#""harness": {"id": {"fqdn": "h.example"}}"#, "address-id named-ids")]
    fn a_case_needs_the_kinds_of_its_identities(#[case] config: &str, #[case] kinds: &str) {
        let cases = cases(&scenario(&format!(r#""config": {{{config}}},"#)));
        let all = [Capability::AddressId, Capability::KeyId, Capability::NamedIds];
        let expected: BTreeSet<&str> = kinds.split(' ').collect();
        let needed: BTreeSet<&str> =
            all.iter().filter(|kind| cases[0].needs.contains(kind)).map(|kind| kind.name()).collect();
        assert_eq!(needed, expected);
    }

    #[test]
    fn a_case_about_first_messages_takes_a_peer_that_goes_no_further() {
        let cases = cases(&scenario(r#""needs": ["first-messages"],"#));
        assert!(cases[1].needs.contains(&Capability::FirstMessages), "{:?}", cases[1].needs);
        assert!(!cases[1].needs.contains(&Capability::Ikev1));
        assert!(cases[1].needs.contains(&Capability::MainMode));
    }

    #[test]
    fn a_case_about_refusals_needs_nothing_of_ikev1() {
        let cases = cases(&scenario(r#""needs": ["refuses-ikev1"],"#));
        let needs: Vec<_> = cases[0].needs.iter().map(|need| need.name()).collect();
        assert_eq!(needs, ["refuses-ikev1", "state"]);
    }

    #[test]
    fn a_matrix_names_its_cases_and_leaves_out_exclusions() {
        let cases = cases(&scenario(
            r#""matrix": {"cipher": ["des", "aes256"], "hash": ["md5", "sha1"], "pfs": ["none", "modp768"],
                "exclude": [{"cipher": "des", "pfs": "modp768"}, {"hash": "md5", "cipher": "aes256"}]},"#,
        ));
        let ids: Vec<_> = cases
            .iter()
            .filter(|c| c.role == Role::Initiator)
            .map(|c| c.id.rsplit('/').next().unwrap())
            .collect();
        assert_eq!(
            ids,
            ["des-md5-no-pfs", "des-sha1-no-pfs", "aes256-sha1-no-pfs", "aes256-sha1-pfs-modp768"]
        );
        let last = &cases.last().unwrap().config.peer;
        assert_eq!(last.phase1.transforms[0].cipher, Cipher::Aes256);
        assert_eq!(last.phase1.transforms[0].group, DEFAULT_GROUP);
        assert_eq!(last.phase2.pfs, Some(Group::Modp768));
    }

    #[test]
    fn further_sas_need_what_they_are_made_of() {
        let cases = cases(&scenario(
            r#""config": {"common": {"phase2": {"further_sas": [
                {"protocol": "esp", "transforms": [{"cipher": "3des", "integrity": "md5"}],
                 "bundle": [{"protocol": "ah", "transforms": [{"integrity": "sha2-256"}]}]}]}}},"#,
        ));
        let needs = &cases[0].needs;
        for need in [
            Capability::SeveralSas,
            Capability::EspTripleDes,
            Capability::HmacMd5,
            Capability::Bundles,
            Capability::HmacSha2_256,
        ] {
            assert!(needs.contains(&need), "{need:?} is not in {needs:?}");
        }
        let plain = self::cases(&scenario(""));
        assert!(!plain[0].needs.contains(&Capability::SeveralSas));
    }

    #[test]
    fn a_side_wins_over_matrix_and_common() {
        let cases = cases(&scenario(
            r#""matrix": {"exchange": ["aggressive-mode"]}, "config": {
                "common": {"psk": "common", "phase2": {"lifetime_seconds": 100, "client": "10.1.0.0/16"}},
                "peer": {"psk": "other", "exchange": "main-mode", "id": {"fqdn": "peer.example"},
                         "phase2": {"client": "10.2.0.0/16"}}},"#,
        ));
        let config = &cases[0].config;
        assert_eq!((config.harness.psk.as_str(), config.peer.psk.as_str()), ("common", "other"));
        assert_eq!(config.harness.exchange, Phase1Exchange::AggressiveMode);
        assert_eq!(config.peer.exchange, Phase1Exchange::MainMode);
        assert_eq!(config.harness.remote_id, Identity::Fqdn("peer.example".into()));
        assert_eq!(config.peer.phase2.client, "10.2.0.0/16");
        assert_eq!(config.harness.phase2.client, "10.1.0.0/16");
        assert_eq!(config.peer.phase2.lifetime_seconds, 100);
        assert!(!cases[0].compare_values, "different keys give different values");
    }

    #[rstest::rstest]
    #[case::every_value(1, 4)]
    #[case::every_pair(2, 12)]
    #[case::everything(3, 36)]
    #[case::no_more_than_everything(9, 36)]
    fn a_strength_covers_the_combinations_of_as_many_values(
        #[case] strength: usize,
        #[case] at_least: usize,
    ) {
        let json = scenario(
            r#""matrix": {"cipher": ["des", "3des", "aes128", "aes256"], "hash": ["md5", "sha1", "sha2-256"],
                "group": ["modp768", "modp1024", "modp1536"]},"#,
        );
        let matrix = loaded(&json).scenario.matrix.unwrap();
        let all = points(Some(&Matrix { combine: Combine::Full, ..matrix.clone() }), strength);
        let some = points(Some(&matrix), strength);
        let covered = |points: &[MatrixPoint]| -> BTreeSet<Tuple> {
            points.iter().flat_map(|point| tuples(point, strength)).collect()
        };
        assert_eq!(covered(&some), covered(&all));
        assert!((at_least..=at_least + at_least / 2).contains(&some.len()), "{}", some.len());
        let cases = expand_all_to(&[loaded(&json)], DEFAULT_GROUP, strength);
        assert_eq!(cases.len(), 2 * some.len());
        let parameters: Vec<_> = cases[0].parameters.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(parameters, ["cipher=des", "group=modp768", "hash=md5"]);
    }

    #[test]
    fn pairwise_covers_every_pair_with_fewer_cases() {
        let matrix = |combine: &str| {
            format!(
                r#""matrix": {{"cipher": ["des", "3des", "aes128", "aes256"], "hash": ["md5", "sha1", "sha2-256"],
                    "group": ["modp768", "modp1024", "modp1536"], "combine": "{combine}"}},"#
            )
        };
        let all = cases(&scenario(&matrix("full")));
        let some = cases(&scenario(&matrix("pairwise")));
        assert_eq!(all.len(), 2 * 36);
        assert!(some.len() < 2 * 18, "{}", some.len());
        let pairs = |cases: &[Case]| -> BTreeSet<(Cipher, Hash, Option<Group>)> {
            let transforms = cases.iter().map(|c| c.config.peer.phase1.transforms[0]);
            transforms.map(|t| (t.cipher, t.hash, None)).collect()
        };
        assert_eq!(pairs(&all), pairs(&some));
    }

    #[test]
    fn ah_has_no_cipher_and_transport_mode_sends_no_ids() {
        let cases = cases(&scenario(
            r#""config": {"common": {"phase2": {"protocol": "ah", "encapsulation": "transport"}}},"#,
        ));
        let phase2 = &cases[0].config.peer.phase2;
        let ah = Phase2Transform {
            cipher: None,
            integrity: Some(Integrity::Sha1),
            extended_sequence_numbers: false,
        };
        assert_eq!(phase2.transforms, [ah]);
        assert!(!phase2.ids);
        assert!(cases[0].needs.contains(&Capability::NoClientIds));
        assert!(!cases[0].needs.contains(&Capability::EspAes128));
    }
}
