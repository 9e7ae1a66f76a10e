//! A case for a device whose configuration cannot be changed.
//!
//! What a case leaves at the harness' stock values is replaced by what the device has. What a case is about has to be what
//! the device has anyway; otherwise, and in doubt, the case is refused with a reason.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::case::{Case, ResolvedSide, ResolvedTransform};
use crate::expand::policy_needs;
use crate::model::{
    Authentication, Capability, Condition, EditOp, Group, Identity, Phase1Exchange, Phase2Transform,
    Retransmission, Role, Side, StartExchange, Step,
};
use crate::pki::PemFile;

/// The configuration of a device, as far as cases depend on it.
#[derive(Debug, Clone, PartialEq)]
pub struct DevicePolicy {
    /// The pre-shared key.
    pub psk: String,
    /// What the harness shows and believes where the device was not given the test credentials of the scenarios.
    pub credentials: Option<DeviceCredentials>,
    /// The identity that the device sends.
    pub id: Identity,
    /// The identity that it requires of the harness.
    pub harness_id: Identity,
    /// The exchanges that it answers; the first is the one that it starts.
    pub exchanges: Vec<Phase1Exchange>,
    /// Its phase 1 transforms, best first.
    pub phase1: Vec<ResolvedTransform>,
    /// Life of its ISAKMP SAs in seconds.
    pub phase1_lifetime_seconds: u32,
    /// Its phase 2 transforms, best first.
    pub phase2: Vec<Phase2Transform>,
    /// The group of its perfect forward secrecy, if it has any.
    pub pfs: Option<Group>,
    /// Life of its IPsec SAs in seconds.
    pub phase2_lifetime_seconds: u32,
    /// The network behind it.
    pub client: String,
    /// The network behind the harness, as it expects it.
    pub harness_client: String,
    /// Whether it announces and answers dead peer detection.
    pub dpd: bool,
    /// When it retransmits, where that is known.
    pub retransmission: Option<Retransmission>,
}

/// Certificates for a device that has a key of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCredentials {
    /// The harness' private key and certificates, which the device takes.
    pub harness: PemFile,
    /// The authorities that the device's certificate leads to.
    pub authorities: Vec<PemFile>,
}

impl DeviceCredentials {
    /// Gives them to the harness' side, if it has public keys at all.
    pub fn put(&self, harness: &mut ResolvedSide) {
        if let Some(pki) = &mut harness.pki {
            pki.credentials = Some(self.harness.clone());
            pki.anchors.clone_from(&self.authorities);
        }
    }
}

/// The authentication method that a case is about: that of the peer's best transform.
#[must_use]
pub fn method(case: &Case) -> Authentication {
    case.config.peer.phase1.transforms.first().map_or(Authentication::Psk, |best| best.authentication)
}

/// `case` as it is played with the device. `stock` is a case with nothing configured but the [`method`] of the case, of
/// either role.
///
/// # Errors
/// Says what the case is about that the device does not have.
pub fn adapt(case: &Case, stock: &Case, device: &DevicePolicy) -> Result<Case, String> {
    let mut adapted = case.clone();
    let touched = Touched::of(case)?;
    fixed_fields(case, stock, device)?;
    retransmission(case, stock, device)?;
    exchange(case, device)?;
    pre_shared_key(&mut adapted, device);
    public_keys(&mut adapted, stock, device, &touched)?;
    identities(&mut adapted, stock, device, &touched)?;
    phase1(&mut adapted, stock, device, &touched)?;
    phase2(&mut adapted, stock, device, &touched)?;
    // What the stock values need is settled above, by the device's own.
    let settled =
        policy_needs(&stock.config.peer.phase1.transforms, &stock.config.peer.phase2.transforms, None);
    adapted.needs.retain(|need| !settled.contains(need));
    Ok(adapted)
}

impl DevicePolicy {
    /// What the device can do, as its policy shows.
    #[must_use]
    pub fn capabilities(&self) -> BTreeSet<Capability> {
        let mut can = policy_needs(&self.phase1, &self.phase2, self.pfs);
        can.extend([Capability::Esp, Capability::Tunnel]);
        can.extend([Capability::Ikev1, Capability::FirstMessages, Capability::Responder]);
        // Whether a case's identities are those of the device is found out when it is adapted.
        can.extend([Capability::AddressId, Capability::KeyId]);
        can.extend(self.exchanges.iter().map(|exchange| match exchange {
            Phase1Exchange::MainMode => Capability::MainMode,
            Phase1Exchange::AggressiveMode => Capability::AggressiveMode,
        }));
        if self.id != Identity::Address || self.harness_id != Identity::Address {
            can.insert(Capability::NamedIds);
        }
        can
    }
}

/// Fields of an SA payload that mean the same whatever is offered in it.
const SA_FRAME: &[&str] = &["sa.doi", "sa.situation", "sa.length", "sa.reserved", "sa.next_payload"];

/// Documents and sections that are about algorithms.
const ABOUT_ALGORITHMS: &[&str] = &[
    "RFC2409-6",
    "RFC2409-4",
    "RFC2451",
    "RFC3526",
    "RFC3566",
    "RFC4304",
    "RFC5114",
    "RFC5903",
    "RFC2409-A",
];

/// Names of algorithms, as a matrix puts them into the ID of a case.
const NAMES: &[&str] = &["aes", "sha", "md5", "modp", "pfs", "3des", "ecp", "none", "null"];

/// Which of the device's own choices a case would see by its edits and its expectations.
struct Touched {
    algorithms: bool,
    identities: bool,
    certificates: bool,
}

impl Touched {
    fn of(case: &Case) -> Result<Self, String> {
        let mut fields = Vec::new();
        let mut raw = false;
        for value in [json(&case.steps)?, json(&case.accept)?] {
            strings_under_fields(&value, &mut fields, &mut raw);
        }
        let begins =
            |field: &str, payload: &str| field == payload || field.starts_with(&format!("{payload}."));
        let algorithms = raw
            || fields.iter().any(|field| {
                (begins(field, "sa") && !SA_FRAME.contains(&field.as_str()))
                    || begins(field, "ke")
                    || begins(field, "attributes")
            })
            || case
                .requirements
                .iter()
                .any(|clause| ABOUT_ALGORITHMS.iter().any(|about| clause.to_string().starts_with(about)))
            || case.id.rsplit('/').next().is_some_and(|last| NAMES.iter().any(|name| last.contains(name)));
        // Data of a notification may hold anything that was negotiated.
        let data = fields.iter().any(|field| begins(field, "notification.data"));
        let identities = raw || data || fields.iter().any(|field| begins(field, "id"));
        let inserts = |op: &EditOp| {
            matches!(
                op,
                EditOp::InsertPayload { .. }
                    | EditOp::AppendPayload { .. }
                    | EditOp::InsertCertificate { .. }
            )
        };
        let inserted =
            case.steps.iter().any(|step| matches!(step, Step::Edit(edit) if edit.apply.iter().any(inserts)));
        let certificates = raw
            || data
            || inserted
            || fields.iter().any(|field| begins(field, "cert") || begins(field, "cert_request"));
        Ok(Self { algorithms: algorithms || data, identities, certificates })
    }
}

/// The text of every `field` and `payload`, at any depth; `raw` becomes true where bytes are named by their place alone.
fn strings_under_fields(value: &Value, fields: &mut Vec<String>, raw: &mut bool) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::String(text) if key == "field" || key == "payload" => {
                        fields.push(without_indices(text));
                        // The length of a HASH is that of the algorithm.
                        *raw |= without_indices(text) == "hash.data" && members.contains_key("hex");
                    }
                    Value::Array(types) if key == "payloads" => {
                        fields.extend(types.iter().filter_map(Value::as_str).map(without_indices));
                    }
                    _ => {}
                }
                *raw |= key == "offset" || key == "inject" || key == "edit_datagram";
                strings_under_fields(member, fields, raw);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| strings_under_fields(item, fields, raw)),
        _ => {}
    }
}

/// `id[1].data` is of the payload `id`, as `id.data` is.
fn without_indices(field: &str) -> String {
    field.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect()
}

fn json(value: &impl Serialize) -> Result<Value, String> {
    serde_json::to_value(value).map_err(|error| format!("the case cannot be looked at: {error}"))
}

/// Settings of the peer that have no counterpart in a device's file must be the stock ones.
fn fixed_fields(case: &Case, stock: &Case, device: &DevicePolicy) -> Result<(), String> {
    const ADAPTED: &[&str] =
        &["psk", "pki", "id", "remote_id", "phase1", "phase2", "exchange", "retransmission"];
    let (peer, plain) = (json(&case.config.peer)?, json(&stock.config.peer)?);
    let keys = |value: &Value| -> Vec<String> {
        value.as_object().map(|o| o.keys().cloned().collect()).unwrap_or_default()
    };
    for key in keys(&peer).into_iter().chain(keys(&plain)) {
        if ADAPTED.contains(&key.as_str())
            || peer.get(&key) == plain.get(&key)
            || (key == "dpd" && device.dpd)
        {
            continue;
        }
        return Err(format!(
            "the case configures `{key}` of the peer, and the device's configuration cannot be changed"
        ));
    }
    Ok(())
}

fn retransmission(case: &Case, stock: &Case, device: &DevicePolicy) -> Result<(), String> {
    let lost = case.steps.iter().any(|step| {
        matches!(step, Step::Drop(_) | Step::Delay(_))
            || step.arms().is_some_and(|(_, from, _)| from == Side::Peer)
    });
    let watched = case
        .accept
        .iter()
        .flat_map(|acceptance| &acceptance.all)
        .any(|condition| matches!(condition, Condition::Retransmitted { .. }));
    let configured = case.config.peer.retransmission != stock.config.peer.retransmission;
    if (lost || watched || configured) && device.retransmission != Some(case.config.peer.retransmission) {
        return Err(
            "the case depends on when the peer retransmits, and the device's file does not say that it \
                    does so at those times (`policy.retransmission`)"
                .to_owned(),
        );
    }
    Ok(())
}

fn exchange(case: &Case, device: &DevicePolicy) -> Result<(), String> {
    let wanted = case.config.peer.exchange;
    let has = match case.role {
        Role::Initiator => device.exchanges.contains(&wanted),
        Role::Responder => device.exchanges.first() == Some(&wanted),
    };
    if has {
        Ok(())
    } else {
        Err(format!("the case wants {wanted}, which the device does not {}", verb(case.role)))
    }
}

const fn verb(role: Role) -> &'static str {
    match role {
        Role::Initiator => "answer",
        Role::Responder => "start",
    }
}

/// The device has its own key. A case with two different keys keeps a harness that does not know the device's.
fn pre_shared_key(case: &mut Case, device: &DevicePolicy) {
    let (harness, peer) = (&mut case.config.harness.psk, &mut case.config.peer.psk);
    if harness == peer {
        harness.clone_from(&device.psk);
    } else if *harness == device.psk {
        harness.push_str(", but another");
    }
    peer.clone_from(&device.psk);
}

/// What a device's own key and authorities are is not for a case to say. With the test credentials a harness may show whatever
/// certificate the case wants.
fn public_keys(
    case: &mut Case,
    stock: &Case,
    device: &DevicePolicy,
    touched: &Touched,
) -> Result<(), String> {
    if case.config.peer.pki != stock.config.peer.pki {
        return Err(
            "the case configures `pki` of the peer, and the device's configuration cannot be changed"
                .to_owned(),
        );
    }
    let Some(credentials) = &device.credentials else { return Ok(()) };
    if case.config.harness.pki != stock.config.harness.pki || touched.certificates {
        return Err(
            "the case depends on the test credentials, and the device has others (`policy.credentials`)"
                .to_owned(),
        );
    }
    credentials.put(&mut case.config.harness);
    Ok(())
}

/// `Ok(true)`: both sides have the stock value and take the device's. `Ok(false)`: the peer's is the device's.
fn choose<T: PartialEq>(
    what: &str,
    case: &Case,
    incidental: bool,
    of_peer: &T,
    of_device: &T,
) -> Result<bool, String> {
    if of_peer == of_device {
        return Ok(false);
    }
    if incidental {
        return Ok(true);
    }
    let clauses: Vec<_> = case.requirements.iter().map(ToString::to_string).collect();
    Err(format!("the case ({}) depends on {what}, and the device's are others", clauses.join(", ")))
}

fn identities(case: &mut Case, stock: &Case, device: &DevicePolicy, touched: &Touched) -> Result<(), String> {
    let ids = |case: &Case| {
        let ResolvedSide { id, remote_id, .. } = &case.config.harness;
        let peer = &case.config.peer;
        (id.clone(), remote_id.clone(), peer.id.clone(), peer.remote_id.clone())
    };
    let incidental = ids(case) == ids(stock) && !touched.identities;
    let of_peer = (case.config.peer.id.clone(), case.config.peer.remote_id.clone());
    let of_device = (device.id.clone(), device.harness_id.clone());
    if choose("identities of phase 1", case, incidental, &of_peer, &of_device)? {
        (case.config.peer.id, case.config.peer.remote_id) = of_device.clone();
        (case.config.harness.remote_id, case.config.harness.id) = of_device;
    }
    Ok(())
}

fn phase1(case: &mut Case, stock: &Case, device: &DevicePolicy, touched: &Touched) -> Result<(), String> {
    let method = method(case);
    let own: Vec<_> = device.phase1.iter().filter(|own| own.authentication == method).copied().collect();
    if own.is_empty() {
        return Err(format!("the case wants authentication by {method}, which the device does not have"));
    }
    let (harness, peer) = (&case.config.harness.phase1, &case.config.peer.phase1);
    let plain = &stock.config.peer.phase1;
    let is_stock = harness.transforms == peer.transforms && peer.transforms == plain.transforms;
    let incidental = is_stock && !touched.algorithms;
    if choose("phase 1 transforms", case, incidental, &peer.transforms, &own)? {
        case.config.harness.phase1.transforms = offered(&own, case.role);
        case.config.peer.phase1.transforms = own;
    }
    let (harness, peer) = (&case.config.harness.phase1, &case.config.peer.phase1);
    let stock_life = (harness.lifetime_seconds, peer.lifetime_seconds)
        == (plain.lifetime_seconds, plain.lifetime_seconds)
        && !touched.algorithms;
    let life = device.phase1_lifetime_seconds;
    if choose("the life of the ISAKMP SA", case, stock_life, &peer.lifetime_seconds, &life)? {
        case.config.harness.phase1.lifetime_seconds = life;
        case.config.peer.phase1.lifetime_seconds = life;
    }
    if case.config.peer.phase1.omit_default_key_length {
        return Err("the case wants transforms without Key Length of the peer".to_owned());
    }
    Ok(())
}

/// As initiator the harness offers the best; as responder it takes whatever the device offers.
fn offered<T: Clone>(list: &[T], role: Role) -> Vec<T> {
    match role {
        Role::Initiator => list.iter().take(1).cloned().collect(),
        Role::Responder => list.to_vec(),
    }
}

/// Whether a case says by a step or by a message that it knows that there are exchanges of phase 2.
fn has_phase2(case: &Case) -> bool {
    case.steps.iter().any(|step| match step {
        Step::Start(start) => start.exchange != StartExchange::Phase1,
        Step::Inject(_) | Step::Rekey(_) | Step::EditDatagram(_) => true,
        _ => false,
    })
}

fn phase2(case: &mut Case, stock: &Case, device: &DevicePolicy, touched: &Touched) -> Result<(), String> {
    let configured = case.config.peer.phase2 != stock.config.peer.phase2
        || case.config.harness.phase2 != stock.config.harness.phase2;
    if !has_phase2(case) && configured {
        return Err("the case configures phase 2 without starting it".to_owned());
    }
    let (harness, peer) = (case.config.harness.phase2.clone(), case.config.peer.phase2.clone());
    let (plain_harness, plain) = (&stock.config.harness.phase2, &stock.config.peer.phase2);
    let mut rest = peer.clone();
    rest.transforms.clone_from(&plain.transforms);
    rest.pfs = plain.pfs;
    rest.lifetime_seconds = plain.lifetime_seconds;
    rest.client.clone_from(&plain.client);
    rest.remote_client.clone_from(&plain.remote_client);
    if rest != *plain {
        return Err("the case wants of the peer another policy than ESP in tunnel mode between two networks"
            .to_owned());
    }

    let stock_transforms = harness.transforms == peer.transforms && peer.transforms == plain.transforms;
    let incidental = stock_transforms && !touched.algorithms;
    if choose("phase 2 transforms", case, incidental, &peer.transforms, &device.phase2)? {
        case.config.harness.phase2.transforms = offered(&device.phase2, case.role);
        case.config.peer.phase2.transforms.clone_from(&device.phase2);
    }
    let incidental = harness.pfs == peer.pfs && peer.pfs == plain.pfs && !touched.algorithms;
    if choose("perfect forward secrecy", case, incidental, &peer.pfs, &device.pfs)? {
        case.config.harness.phase2.pfs = device.pfs;
        case.config.peer.phase2.pfs = device.pfs;
    }
    let life = device.phase2_lifetime_seconds;
    let incidental = harness.lifetime_seconds == peer.lifetime_seconds
        && peer.lifetime_seconds == plain.lifetime_seconds
        && !touched.algorithms;
    if choose("the life of the IPsec SAs", case, incidental, &peer.lifetime_seconds, &life)? {
        case.config.harness.phase2.lifetime_seconds = life;
        case.config.peer.phase2.lifetime_seconds = life;
    }
    let clients = (peer.client.clone(), peer.remote_client.clone());
    let own = (device.client.clone(), device.harness_client.clone());
    let stock_clients = clients == (plain.client.clone(), plain.remote_client.clone())
        && (&harness.client, &harness.remote_client) == (&plain_harness.client, &plain_harness.remote_client)
        && harness.client_id == plain_harness.client_id
        && harness.remote_client_id == plain_harness.remote_client_id;
    if choose("client networks", case, stock_clients && !touched.identities, &clients, &own)? {
        let (peer, harness) = (&mut case.config.peer.phase2, &mut case.config.harness.phase2);
        (peer.client, peer.remote_client) = own.clone();
        (harness.remote_client, harness.client) = own;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::testing::case_of;

    const PLAIN: &str = r#""steps": [{"start": {"exchange": "both"}}],
        "accept": [{"because": "up", "all": [{"established": {"of": "harness", "isakmp_sas": {"exactly": 1}}}]}]"#;

    fn device() -> DevicePolicy {
        DevicePolicy {
            psk: "the device's".to_owned(),
            credentials: None,
            id: Identity::Fqdn("gate.example.org".to_owned()),
            harness_id: Identity::Address,
            exchanges: vec![Phase1Exchange::MainMode],
            phase1: vec![
                serde_json::from_str(r#"{"cipher": "aes256", "hash": "sha2-256", "group": "modp2048"}"#)
                    .unwrap(),
            ],
            phase1_lifetime_seconds: 28_800,
            phase2: vec![serde_json::from_str(r#"{"cipher": "aes256", "integrity": "sha2-256"}"#).unwrap()],
            pfs: None,
            phase2_lifetime_seconds: 3600,
            client: "10.2.0.0/16".to_owned(),
            harness_client: "10.1.0.0/16".to_owned(),
            dpd: false,
            retransmission: None,
        }
    }

    fn adapted(members: &str) -> Result<Case, String> {
        adapt(&case_of(members), &case_of(PLAIN), &device())
    }

    #[test]
    fn a_plain_case_takes_everything_from_the_device() {
        let case = adapted(PLAIN).unwrap();
        let (harness, peer) = (&case.config.harness, &case.config.peer);
        assert_eq!((&*harness.psk, &*peer.psk), ("the device's", "the device's"));
        assert_eq!((&harness.remote_id, &peer.id), (&device().id, &device().id));
        assert_eq!(harness.phase1.transforms, device().phase1);
        assert_eq!((&*harness.phase2.client, &*peer.phase2.client), ("10.1.0.0/16", "10.2.0.0/16"));
        assert!(!case.needs.contains(&Capability::Modp1024), "{:?}", case.needs);
        assert!(case.needs.is_subset(&device().capabilities()), "{:?}", case.needs);
    }

    #[rstest]
    #[case("id.data", "id.data")]
    #[case("id[1].data", "id.data")]
    #[case("sa[0].proposal[1].transform[0].id", "sa.proposal.transform.id")]
    fn the_index_of_a_payload_does_not_hide_what_it_is(#[case] field: &str, #[case] expected: &str) {
        assert_eq!(without_indices(field), expected);
    }

    #[test]
    fn an_edit_of_an_identity_by_its_index_is_not_adapted() {
        let steps = r#""steps": [{"edit": {"message": {"exchange": "quick-mode", "number": 1},
            "apply": [{"set": {"field": "id[1].data", "hex": "0a0b0000ffffff80"}}], "hash": "recompute"}},
            {"start": {"exchange": "both"}}], "accept": [{"because": "b", "all": [{"no_sa": {}}]}]"#;
        let error = adapted(steps).unwrap_err();
        assert!(error.contains("identities of phase 1"), "{error}");
    }

    #[test]
    fn a_harness_that_has_another_key_keeps_another_key() {
        let members = format!(r#""config": {{"harness": {{"psk": "the device's"}}}}, {PLAIN}"#);
        let case = adapted(&members).unwrap();
        assert_eq!(case.config.peer.psk, "the device's");
        assert_ne!(case.config.harness.psk, case.config.peer.psk);
    }

    #[rstest]
    #[case::another_cipher(
        r#"{"common": {"phase1": {"transforms": [{"cipher": "3des", "hash": "sha1", "group": "modp1024"}]}}}"#,
        "phase 1 transforms"
    )]
    #[case::an_offer_that_a_wider_policy_could_take(
        r#"{"harness": {"phase1": {"transforms": [{"cipher": "aes256", "hash": "sha2-256", "group": "modp2048"}]}}}"#,
        "phase 1 transforms"
    )]
    #[case::aggressive_mode(r#"{"common": {"exchange": "aggressive-mode"}}"#, "does not answer")]
    #[case::a_setting_of_the_peer(r#"{"peer": {"commit_bit": true}}"#, "`commit_bit`")]
    #[case::a_life(r#"{"common": {"phase2": {"lifetime_seconds": 30}}}"#, "the life of the IPsec SAs")]
    fn what_the_device_does_not_have_is_refused(#[case] config: &str, #[case] reason: &str) {
        let error = adapted(&format!(r#""config": {config}, {PLAIN}"#)).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
}
