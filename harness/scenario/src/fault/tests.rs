use std::collections::BTreeSet;
use std::path::Path;

use rstest::rstest;

use super::*;
use crate::expand::{DEFAULT_GROUP, expand};
use crate::load::Library;
use crate::model::{Exchange, Side, StartExchange};
use crate::testing::case_of;

fn selector(exchange: Exchange, number: u8) -> Selector {
    Selector { exchange, number, occurrence: 1, fragment: None, contains: None }
}

#[test]
fn every_operator_has_its_own_name_and_says_what_it_does() {
    let names: BTreeSet<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
    let texts: BTreeSet<&str> = Fault::ALL.iter().map(|fault| fault.what()).collect();
    assert!(names.len() >= 100);
    assert_eq!((names.len(), texts.len()), (Fault::ALL.len(), Fault::ALL.len()));
    for fault in Fault::ALL {
        assert_eq!(Fault::from_name(fault.name()), Some(*fault));
        assert_eq!(serde_json::to_value(fault).unwrap(), fault.name());
    }
}

/// The folder of scenarios of this repository.
fn library() -> Library {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    Library::load(&folder).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn every_operator_names_a_clause_of_the_register_and_is_played_in_some_case() {
    let library = library();
    let cases = library.scenarios.iter().flat_map(|scenario| expand(scenario, DEFAULT_GROUP));
    let played: BTreeSet<Fault> = cases.flat_map(|case| case.faults).map(|fault| fault.operator).collect();
    for fault in Fault::ALL {
        let clause = fault.clause().parse().unwrap();
        assert!(library.requirements.get(&clause).is_some(), "{fault}: {clause} is not in the register");
        assert!(played.contains(fault), "no scenario plays {fault}");
    }
}

#[rstest]
#[case::first(Fault::CkyRSet, "main-mode 1, aggressive-mode 1")]
#[case::later(
    Fault::CkyRZero,
    "main-mode 2, main-mode 3, main-mode 4, main-mode 5, main-mode 6, aggressive-mode 2, aggressive-mode 3, \
     quick-mode 1, quick-mode 2, quick-mode 3, informational 1"
)]
#[case::clear(
    Fault::EncryptionFlagSet,
    "main-mode 1, main-mode 2, main-mode 3, main-mode 4, aggressive-mode 1, aggressive-mode 2"
)]
#[case::encrypted(
    Fault::IvZero,
    "main-mode 5, main-mode 6, aggressive-mode 3, quick-mode 1, quick-mode 2, quick-mode 3, informational 1"
)]
#[case::sa(
    Fault::SaMissing,
    "main-mode 1, main-mode 2, aggressive-mode 1, aggressive-mode 2, quick-mode 1, quick-mode 2"
)]
#[case::spi(Fault::SpiZero, "quick-mode 1, quick-mode 2")]
#[case::ke_without_pfs(Fault::KeEmpty, "main-mode 3, main-mode 4, aggressive-mode 1, aggressive-mode 2")]
#[case::id(
    Fault::IdEmpty,
    "main-mode 5, main-mode 6, aggressive-mode 1, aggressive-mode 2, quick-mode 1, quick-mode 2"
)]
#[case::id_of_phase_1(Fault::IdPortOther, "main-mode 5, main-mode 6, aggressive-mode 1, aggressive-mode 2")]
#[case::hash(
    Fault::HashChanged,
    "main-mode 5, main-mode 6, aggressive-mode 2, aggressive-mode 3, quick-mode 1, quick-mode 2, quick-mode 3, \
     informational 1"
)]
#[case::fragment(Fault::FragmentLost, "")]
fn applies_to_these_messages_alone(#[case] fault: Fault, #[case] expected: &str) {
    let sender = case_of(r#""steps": [], "accept": []"#).config.harness;
    let of = |exchange, last| (1..=last).map(move |number| selector(exchange, number));
    let all = of(Exchange::MainMode, 6)
        .chain(of(Exchange::AggressiveMode, 3))
        .chain(of(Exchange::QuickMode, 3))
        .chain(of(Exchange::Informational, 1));
    let found: Vec<_> = all
        .filter(|message| fault.place().holds(message, &sender))
        .map(|message| format!("{} {}", message.exchange, message.number))
        .collect();
    assert_eq!(found.join(", "), expected);
}

#[test]
fn a_fragment_is_what_the_selector_names() {
    let sender = case_of(r#""steps": [], "accept": []"#).config.harness;
    let message = Selector { fragment: Some(2), ..selector(Exchange::MainMode, 3) };
    assert!(Fault::FragmentLost.place().holds(&message, &sender));
}

#[test]
fn every_operator_is_one_armed_rule_of_the_harness_for_its_message() {
    let message = selector(Exchange::QuickMode, 1);
    for fault in Fault::ALL {
        let step = fault.step(&message);
        let (armed, from, times) = step.arms().unwrap_or_else(|| panic!("{fault} arms nothing"));
        assert_eq!((armed, from), (&message, Side::Harness), "{fault}");
        assert!(times > 0, "{fault}");
    }
}

#[test]
fn a_matrix_of_operators_makes_a_case_of_each_and_the_clauses_follow_the_level() {
    let members = |level: &str| {
        let json = format!(
            r#"{{"version": 1, "description": "d", "requirements": ["RFC2409-5.4-01"], "level": "{level}",
                "roles": ["initiator"], "matrix": {{"fault": ["ke-missing", "nonce-missing"]}},
                "steps": [{{"fault": {{"message": {{"exchange": "main-mode", "number": 3}}}}}},
                          {{"start": {{"exchange": "phase-1"}}}}],
                "accept": [{{"because": "b", "all": [{{"no_sa": {{}}}}]}}]}}"#
        );
        crate::load::LoadedScenario {
            id: "a/b/c".into(),
            path: "c.json".into(),
            scenario: serde_json::from_str(&json).unwrap(),
            credentials: std::sync::Arc::default(),
        }
    };
    let cases = expand(&members("must"), DEFAULT_GROUP);
    let ids: Vec<_> = cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids, ["a/b/c/ke-missing", "a/b/c/nonce-missing"]);
    let message = selector(Exchange::MainMode, 3);
    assert_eq!(cases[0].steps[0], Fault::KeMissing.step(&message));
    assert!(matches!(&cases[0].steps[1], Step::Start(start) if start.exchange == StartExchange::Phase1));
    assert_eq!(cases[1].faults, [CaseFault { step: 0, operator: Fault::NonceMissing, message }]);
    let clauses = |case: &crate::Case| case.requirements.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(clauses(&cases[0]), ["RFC2409-5.4-01", "RFC2408-5.7-01"]);
    assert_eq!(clauses(&cases[1]), ["RFC2409-5.4-01", "RFC2408-5.13-01"]);
    assert_eq!(clauses(&expand(&members("may"), DEFAULT_GROUP)[0]), ["RFC2409-5.4-01"]);
}
