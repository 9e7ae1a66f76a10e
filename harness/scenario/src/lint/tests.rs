//! Each problem of a scenario, with its place.

use std::sync::Arc;

use rstest::rstest;

use super::*;
use crate::load::LoadedScenario;

/// A register with one clause of this level.
fn register(clause: &str) -> Requirements {
    let mut register = Requirements::default();
    let entry = format!(
        "rfc = 2409\ntitle = \"t\"\n[[requirement]]\nid = \"RFC2409-5.4-01\"\nsection = \"5.4\"\nlevel = \"{clause}\"\nsummary = \"s\"\n"
    );
    register.add(&entry, "r.toml".as_ref()).unwrap();
    register
}

fn problems(roles: &str, config: &str, steps: &str, accept: &str) -> String {
    let json = format!(
        r#"{{"version": 1, "description": "d", "requirements": ["RFC2409-5.4-01"], "level": "must", "roles": {roles},
            "config": {config}, "steps": [{{"start": {{"exchange": "both"}}}}{steps}, {{"settle": {{"ms": 1}}}}],
            "accept": [{{"because": "b", "all": [{accept}]}}]}}"#
    );
    problems_of(&json, "must")
}

/// The problems of a scenario where the level of the only clause is `clause`.
fn problems_of(json: &str, clause: &str) -> String {
    let scenario = serde_json::from_str(json).unwrap();
    let loaded =
        LoadedScenario { id: "a/b".into(), path: "b.json".into(), scenario, credentials: Arc::default() };
    let found = lint(&loaded, &register(clause));
    found.iter().map(|p| format!("{}: {}", p.place, p.problem)).collect::<Vec<_>>().join("\n")
}

const OK: &str = r#"{"no_sa": {}}"#;

#[rstest]
#[case::nothing_wrong("", OK, "")]
#[case::unknown_field(
    r#",{"edit": {"message": {"exchange": "main-mode", "number": 5}, "apply": [{"xor": {"field": "hush.data", "mask": 1}}]}}"#,
    OK,
    "steps[1].edit.apply[0]: `hush.data`: a message has no field `hush`"
)]
#[case::unknown_leaf(
    r#",{"expect": {"message": {"exchange": "main-mode", "number": 2}, "assert": [{"field": "sa.proposal[0].transform[1].life-typ", "check": "present"}]}}"#,
    OK,
    "steps[1].expect.assert[0]: `sa.proposal[0].transform[1].life-typ`: `transform` has no field `life_typ`"
)]
#[case::bad_hex(
    r#",{"inject": {"datagram": {"hex": "xy"}}}"#,
    OK,
    "steps[1].inject.datagram.hex: `xy` is no hex: Invalid character 'x' at position 0"
)]
#[case::replay_by_the_peer_to_another_port(
    r#",{"replay": {"message": {"exchange": "main-mode", "number": 2}, "from": "peer", "to_port": "nat-t"}}"#,
    OK,
    "steps[1].replay.to_port: only a message of the harness can go to another port of the peer"
)]
#[case::a_field_that_grows_beyond_a_payload(
    r#",{"edit": {"message": {"exchange": "main-mode", "number": 3}, "apply": [{"grow": {"field": "ke.data", "by": 70000}}]}}"#,
    OK,
    "steps[1].edit.apply[0]: no field has more than 65531 octets"
)]
#[case::message_of_the_other_side(
    r#",{"edit": {"message": {"exchange": "main-mode", "number": 6}, "apply": [{"truncate": {"length": 28}}]}}"#,
    OK,
    "steps[1].edit: with the harness as initiator, main-mode message 6 comes from the peer, not from the harness"
)]
#[case::exchange_that_does_not_take_place(
    r#",{"drop": {"message": {"exchange": "aggressive-mode", "number": 1}, "from": "harness"}}"#,
    OK,
    "steps[1].drop: no aggressive-mode takes place in case `a/b`, which uses main-mode"
)]
#[case::number_out_of_range(
    r#",{"drop": {"message": {"exchange": "aggressive-mode", "number": 4}, "from": "harness"}}"#,
    OK,
    "steps[1].drop.message: aggressive-mode has no message 4 of exchange 1, expected 1 to 3 of exchange 1 or later"
)]
#[case::unknown_notify(
    "",
    r#"{"notify": {"after": {"exchange": "main-mode", "number": 5}, "types": ["INVALID-HASH"]}}"#,
    "accept[0].all[0].notify.types: `INVALID-HASH` is no notify message type"
)]
#[case::silence_after_its_own_message(
    "",
    r#"{"silence": {"after": {"exchange": "main-mode", "number": 2}}}"#,
    "accept[0]: with the harness as initiator, main-mode message 2 comes from the peer itself"
)]
#[case::unknown_label(
    "",
    r#"{"values_agree": {"labels": ["SKEYID_x"]}}"#,
    "accept[0].all[0].values_agree.labels: `SKEYID_x` is no derived value"
)]
#[case::no_condition("", "", "accept[0].all: is empty")]
#[case::count_that_says_nothing(
    "",
    r#"{"established": {"isakmp_sas": {"at_least": 0}}}"#,
    "accept[0].all[0]: at least 0 is any number, so it asserts nothing"
)]
#[case::expectation_that_says_nothing(
    r#",{"expect_state": {"ipsec_sas": {"at_least": 0}}}"#,
    OK,
    "steps[1].expect_state: at least 0 is any number, so it asserts nothing"
)]
#[case::check_that_always_holds(
    r#",{"expect": {"message": {"exchange": "main-mode", "number": 2}, "assert": [{"field": "sa", "check": {"min_length": 0}}]}}"#,
    OK,
    "steps[1].expect.assert[0]: holds of every field, so it asserts nothing"
)]
#[case::check_that_never_holds(
    r#",{"expect": {"message": {"exchange": "main-mode", "number": 2}, "assert": [{"field": "sa.doi", "check": {"one_of": []}}]}}"#,
    OK,
    "steps[1].expect.assert[0]: no number is one of none, so it never holds"
)]
fn finds(#[case] steps: &str, #[case] accept: &str, #[case] expected: &str) {
    assert_eq!(problems(r#"["initiator"]"#, "{}", steps, accept), expected);
}

fn problems_in(requirements: &str, steps: &str, accept: &str) -> String {
    let json = format!(
        r#"{{"version": 1, "description": "d", "requirements": [{requirements}], "level": "must",
            "roles": ["initiator"], "steps": [{steps}], "accept": [{accept}]}}"#
    );
    let (scenario, credentials) = (serde_json::from_str(&json).unwrap(), Arc::default());
    let loaded = LoadedScenario { id: "a/b".into(), path: "b.json".into(), scenario, credentials };
    let found = lint(&loaded, &register("must"));
    found.iter().map(|p| format!("{}: {}", p.place, p.problem)).collect::<Vec<_>>().join("\n")
}

const CLAUSE: &str = r#""RFC2409-5.4-01""#;
const START: &str = r#"{"start": {"exchange": "both"}}"#;
const ACCEPT: &str = r#"{"because": "b", "all": [{"no_sa": {}}]}"#;

#[rstest]
#[case::nothing_wrong(CLAUSE, START, ACCEPT, "")]
#[case::clause_twice(
    r#""RFC2409-5.4-01", "RFC2409-5.4-01""#,
    START,
    ACCEPT,
    "requirements[1]: is there twice"
)]
#[case::step_before_anything(
    CLAUSE,
    r#"{"conclude": {"sa": "ipsec"}}, {"start": {"exchange": "both"}}"#,
    ACCEPT,
    "steps[0].conclude: nothing has begun yet: a step `start`, or an `inject` that acts now, must stand in front"
)]
#[case::rule_behind_everything(
    CLAUSE,
    r#"{"start": {"exchange": "both"}}, {"drop": {"message": {"exchange": "main-mode", "number": 1}, "from": "harness"}}"#,
    ACCEPT,
    "steps[1].drop: nothing happens behind this step, so it never applies"
)]
#[case::datagram_that_begins(
    CLAUSE,
    r#"{"inject": {"datagram": {"hex": "00"}}}, {"replay": {"message": {"exchange": "main-mode", "number": 1}}}"#,
    ACCEPT,
    ""
)]
#[case::nothing_asserted(CLAUSE, START, "", "accept: is empty, so the case would assert nothing")]
#[case::outcome_that_is_never_reached(
    CLAUSE,
    START,
    r#"{"because": "b", "all": [{"no_sa": {}}]},
        {"because": "c", "all": [{"established": {"isakmp_sas": {"exactly": 0}}}, {"no_sa": {}}]}"#,
    "accept[1]: accept[0] holds whenever this one does, so it gives no verdict"
)]
#[case::outcome_without_a_reason(
    CLAUSE,
    START,
    r#"{"because": " ", "all": [{"no_sa": {}}]}"#,
    "accept[0].because: is empty, so a report would give no reason"
)]
fn finds_what_could_never_matter(
    #[case] requirements: &str,
    #[case] steps: &str,
    #[case] accept: &str,
    #[case] expected: &str,
) {
    assert_eq!(problems_in(requirements, steps, accept), expected);
}

#[test]
fn a_matrix_of_faults_needs_a_step_that_takes_them() {
    let mut scenario: Scenario = serde_json::from_str(&format!(
        r#"{{"version": 1, "description": "d", "requirements": [{CLAUSE}], "level": "must", "roles": ["initiator"],
            "matrix": {{"fault": ["ke-empty"]}}, "steps": [{START}], "accept": [{ACCEPT}]}}"#
    ))
    .unwrap();
    let mut problems = |steps: Vec<Step>| {
        scenario.steps = steps;
        let (scenario, credentials) = (scenario.clone(), Arc::default());
        let loaded = LoadedScenario { id: "a/b".into(), path: "b.json".into(), scenario, credentials };
        let found = lint(&loaded, &register("must"));
        found.into_iter().map(|p| p.place).collect::<Vec<_>>()
    };
    let start: Step = serde_json::from_str(START).unwrap();
    let fault: Step =
        serde_json::from_str(r#"{"fault": {"message": {"exchange": "main-mode", "number": 3}}}"#).unwrap();
    assert_eq!(problems(vec![start.clone()]), ["matrix.fault"]);
    assert_eq!(problems(vec![fault, start]), Vec::<String>::new());
}

#[rstest]
#[case::as_the_clause("must", "", "must", "")]
#[case::more(
    "must",
    "",
    "should",
    "level: `must` counts a deviation for more than RFC2409-5.4-01, which is a `should`; name the clause that the case is judged by first, or lower the level"
)]
#[case::less(
    "may",
    "",
    "must",
    "level: `may` counts a deviation for less than RFC2409-5.4-01, which is a `must`; name the clause that the case is judged by first, raise the level, or say in `lenient` why"
)]
#[case::less_with_an_empty_reason(
    "may",
    r#""lenient": " ","#,
    "should",
    "level: `may` counts a deviation for less than RFC2409-5.4-01, which is a `should`; name the clause that the case is judged by first, raise the level, or say in `lenient` why"
)]
#[case::less_with_a_reason("should", r#""lenient": "it binds the sender","#, "must", "")]
#[case::a_reason_for_nothing(
    "may",
    r#""lenient": "it binds the sender","#,
    "may",
    "lenient: says why the level is lower than that of RFC2409-5.4-01, which it is not; leave it out"
)]
fn the_level_is_that_of_the_first_clause_or_lower_with_a_reason(
    #[case] level: &str,
    #[case] lenient: &str,
    #[case] clause: &str,
    #[case] expected: &str,
) {
    let json = format!(
        r#"{{"version": 1, "description": "d", "requirements": ["RFC2409-5.4-01"], "level": "{level}", {lenient}
            "roles": ["initiator"], "steps": [{{"start": {{"exchange": "both"}}}}],
            "accept": [{{"because": "b", "all": [{OK}]}}]}}"#
    );
    assert_eq!(problems_of(&json, clause), expected);
}

#[rstest]
#[case::nothing_fragmented("accept", "")]
#[case::fragmented(
    "on",
    "steps[1].edit.sealed: a sealed edit cannot be compared with what it changed when the message goes out in \
     fragments; switch off the harness's fragmentation"
)]
fn a_sealed_edit_goes_with_whole_messages_only(#[case] mode: &str, #[case] expected: &str) {
    let config = format!(r#"{{"harness": {{"fragmentation": {{"mode": "{mode}"}}}}}}"#);
    let edit = r#",{"edit": {"message": {"exchange": "main-mode", "number": 3}, "sealed": true,
        "apply": [{"xor": {"field": "nonce.data", "mask": 1}}]}}"#;
    assert_eq!(problems(r#"["initiator"]"#, &config, edit, OK), expected);
}

#[rstest]
#[case::where_it_applies(
    "{}",
    r#"{"message": {"exchange": "main-mode", "number": 3}, "operator": "ke-empty"}"#,
    ""
)]
#[case::where_it_does_not(
    "{}",
    r#"{"message": {"exchange": "main-mode", "number": 1}, "operator": "ke-empty"}"#,
    "steps[1].fault: `ke-empty` applies to any message with a payload `ke`, which main-mode message 1 of case `a/b` \
     is not"
)]
#[case::without_pfs(
    "{}",
    r#"{"message": {"exchange": "quick-mode", "number": 1}, "operator": "ke-empty"}"#,
    "steps[1].fault: `ke-empty` applies to any message with a payload `ke`, which quick-mode message 1 of case `a/b` \
     is not"
)]
#[case::with_pfs(
    r#"{"common": {"phase2": {"pfs": "default"}}}"#,
    r#"{"message": {"exchange": "quick-mode", "number": 1}, "operator": "ke-empty"}"#,
    ""
)]
#[case::of_the_peer(
    "{}",
    r#"{"message": {"exchange": "main-mode", "number": 4}, "operator": "ke-empty"}"#,
    "steps[1].edit: with the harness as initiator, main-mode message 4 comes from the peer, not from the harness"
)]
#[case::without_an_operator(
    "{}",
    r#"{"message": {"exchange": "main-mode", "number": 3}}"#,
    "steps[1].fault: names no operator, and the matrix has no `fault`, so nothing would be wrong"
)]
fn a_fault_operator_is_refused_where_it_does_not_apply(
    #[case] config: &str,
    #[case] fault: &str,
    #[case] expected: &str,
) {
    let step = format!(r#",{{"fault": {fault}}}"#);
    assert_eq!(problems(r#"["initiator"]"#, config, &step, OK), expected);
}

#[test]
fn unknown_requirements_and_networks_are_named_with_their_neighbours() {
    let config = r#"{"peer": {"phase2": {"client": "10.1.0.0/64"}}}"#;
    let found = problems(r#"["initiator", "initiator"]"#, config, "", OK);
    assert_eq!(
        found,
        "roles: a role is there twice\nconfig.peer.phase2.client: `10.1.0.0/64` is no IPv4 network like 10.11.0.0/24"
    );
}

#[rstest]
#[case::every_group_named(r#""group": "modp1024""#, r#""group": "modp2048""#, "")]
#[case::one_group_named(
    r#""group": "modp1024""#,
    r#""authentication": "psk""#,
    "config.common.phase1.transforms[1]: names no group although another transform does, so whether they are the \
     same depends on the peer; name the group of every transform or of none"
)]
fn groups_are_named_in_every_transform_or_in_none(
    #[case] first: &str,
    #[case] second: &str,
    #[case] expected: &str,
) {
    let config = format!(
        r#"{{"common": {{"phase1": {{"transforms": [{{"cipher": "des", "hash": "md5", {first}}},
            {{"cipher": "3des", "hash": "sha1", {second}}}]}}}}}}"#
    );
    assert_eq!(problems(r#"["initiator"]"#, &config, "", OK), expected);
}

#[test]
fn missing_credentials_are_named_with_their_place() {
    let config = r#"{"peer": {"pki": {"credentials": "rsb", "anchors": []}}, "harness": {"pki":
        {"credentials": "none", "anchors": [], "raw_keys": [{"key": "peer-rsa"}]}}}"#;
    let lines = problems(r#"["initiator"]"#, config, "", OK);
    let places: Vec<_> = lines.lines().filter_map(|line| line.split_once(" is missing")).collect();
    let places: Vec<_> = places.iter().map(|(place, _)| *place).collect();
    assert_eq!(
        places,
        [
            "config.harness.pki.credentials: credentials/harness-none.pem",
            "config.harness.pki.raw_keys: credentials/peer-rsa.pem",
            "config.peer.pki.credentials: credentials/peer-rsb.pem"
        ]
    );
}

#[test]
fn two_files_that_say_the_same_are_found() {
    let scenario = |id: &str| LoadedScenario {
        id: id.into(),
        path: format!("{id}.json").into(),
        scenario: serde_json::from_str(
            r#"{"version": 1, "description": "d", "requirements": [], "level": "must", "roles": ["initiator"],
                "steps": [], "accept": []}"#,
        )
        .unwrap(),
        credentials: Arc::default(),
    };
    let found = lint_all(&[scenario("one"), scenario("two")]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1.problem, "configuration, steps and outcomes are those of scenario `one`");
}
