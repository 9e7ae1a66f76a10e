use std::path::Path;
use std::sync::Arc;

use ikev1::deviation::Deviation;
use ikev1_scenario::case::Case;
use ikev1_scenario::expand::{DEFAULT_GROUP, expand_all};
use ikev1_scenario::load::Library;
use ikev1_scenario::select::select;
use ikev1_scenario::verdict::Verdict;
use rstest::rstest;

use super::*;

fn library() -> Library {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    Library::load(&folder).unwrap()
}

fn cases(library: &Library) -> Vec<Case> {
    expand_all(&library.scenarios, DEFAULT_GROUP)
}

/// The one mutant with this ID, and the cases that should catch it.
fn mutant(id: &str) -> (Mutant, Vec<Arc<Case>>) {
    let mutant = Registry::load().unwrap().mutants.into_iter().find(|mutant| mutant.id == id).unwrap();
    let cases = cases(&library());
    let chosen = mutant.chosen(&cases).unwrap().into_iter().cloned().map(Arc::new).collect();
    (mutant, chosen)
}

#[test]
fn the_registry_is_well_formed() {
    let (registry, library) = (Registry::load().unwrap(), library());
    registry.check(&library.requirements, &cases(&library)).unwrap();
    let open: Vec<_> = registry.mutants.iter().filter(|mutant| mutant.open.is_some()).collect();
    assert!(open.is_empty(), "{open:?}");
    assert!(registry.mutants.len() >= 150, "{} mutants", registry.mutants.len());
}

#[test]
fn the_table_of_known_bugs_names_the_mutants_that_have_them() {
    let (registry, library) = (Registry::load().unwrap(), library());
    let cases = cases(&library);
    let rows = include_str!("known-bugs.md").lines().filter_map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        cells.get(1)?.parse::<u8>().is_ok().then_some(cells)
    });
    let mut numbers = Vec::new();
    for row in rows {
        let [_, number, _, seen, mutants, case, reason, _] = row[..] else { panic!("{row:?}") };
        let number: u8 = number.parse().unwrap();
        numbers.push(number);
        let with_it: Vec<_> = registry.mutants.iter().filter(|mutant| mutant.field == Some(number)).collect();
        let ids: Vec<_> = with_it.iter().map(|mutant| format!("`{}`", mutant.id)).collect();
        assert_eq!(mutants, if ids.is_empty() { "-".to_owned() } else { ids.join(", ") }, "{number}");
        assert_eq!(reason.is_empty(), !with_it.is_empty(), "{number}: a reason where there is no mutant");
        assert!(!seen.is_empty(), "{number}");
        let chosen = select(&cases, &[case.trim_matches('`').to_owned()], None).unwrap();
        let cited = with_it.iter().any(|mutant| chosen.iter().any(|case| mutant.is_cited_by(case)));
        assert!(cited || with_it.is_empty(), "{number}: the case cites the clause of none of its mutants");
    }
    assert_eq!(numbers, (1..=41).collect::<Vec<_>>());
    let unknown = |mutant: &&Mutant| mutant.field.is_some_and(|field| !numbers.contains(&field));
    assert_eq!(registry.mutants.iter().find(unknown).map(|mutant| &mutant.id), None);
}

#[test]
fn every_deviation_of_the_engine_has_a_mutant() {
    let registry = Registry::load().unwrap();
    let used: Vec<_> = registry.mutants.iter().filter_map(|mutant| mutant.deviation).collect();
    let idle: Vec<_> = Deviation::ALL.iter().filter(|deviation| !used.contains(deviation)).collect();
    assert!(idle.is_empty(), "{idle:?}");
}

const ENTRY: &str = r#"
[[mutant]]
id = "a"
what = "does it"
clause = "RFC2409-5.4-03"
cases = ["rfc2409/5.4-pre-shared-key"]
deviation = "accepts-wrong-hash-i"
"#;

#[rstest]
#[case::twice(&[ENTRY, ENTRY].concat(), "the ID is there twice")]
#[case::no_such_clause(&ENTRY.replace("5.4-03", "5.4-99"), "there is no requirement RFC2409-5.4-99")]
#[case::cases_of_another_clause(&ENTRY.replace("2409/5.4-pre-shared-key", "3706"), "no case of its own cites")]
#[case::no_such_case(&ENTRY.replace("rfc2409/5.4", "rfc2409/9.9"), "no case matches")]
#[case::nothing_wrong(&ENTRY.replace("deviation", "# deviation"), "it must have a deviation or edits")]
#[case::says_nothing(&ENTRY.replace("does it", ""), "it does not say what it does")]
fn a_wrong_entry_is_named(#[case] text: &str, #[case] problem: &str) {
    let (registry, library): (Registry, _) = (toml::from_str(text).unwrap(), library());
    let error = registry.check(&library.requirements, &cases(&library)).unwrap_err().to_string();
    assert!(error.contains(problem), "{error}");
}

#[test]
fn an_unknown_deviation_is_named() {
    let error = toml::from_str::<Registry>(&ENTRY.replace("accepts-wrong", "likes-wrong")).unwrap_err();
    assert!(error.to_string().contains("there is no deviation `likes-wrong-hash-i`"), "{error}");
}

#[rstest]
#[case::of_what_is_checked("accepts-wrong-hash-i")]
#[case::of_what_is_decided("ignores-delete")]
#[case::of_what_is_derived("keymat-without-protocol")]
#[case::of_what_is_sent("wrong-hash-in-quick-mode-2")]
fn a_mutant_is_caught(#[case] id: &str) {
    let (mutant, cases) = mutant(id);
    let played = play(&mutant, &cases, 1, Stage::Clause);
    let by = played.by.unwrap();
    assert!(matches!(by.verdict, Verdict::Fail | Verdict::Warn), "{by:?}");
    assert_eq!(played.otherwise, None);
}

#[rstest]
#[case::of_what_is_checked("accepts-wrong-hash-i")]
#[case::of_what_is_sent("wrong-hash-in-quick-mode-2")]
fn the_clean_peer_is_not_caught(#[case] id: &str) {
    let (mutant, cases) = mutant(id);
    let clean = Mutant { deviation: None, edit: Vec::new(), ..mutant };
    let played = play(&clean, &cases, 1, Stage::Everything);
    assert_eq!((played.by, played.otherwise, played.errors), (None, None, Vec::new()));
    assert_eq!(played.cases, cases.len());
}

#[test]
fn a_mutant_that_another_clause_catches_survives() {
    let (mutant, cases) = mutant("accepts-wrong-hash-i");
    let elsewhere = Mutant { clause: "RFC3706-5.2-01".parse().unwrap(), ..mutant };
    let played = play(&elsewhere, &cases, 1, Stage::Everything);
    assert!(!played.is_caught());
    assert!(played.otherwise.is_some());
    let played = play(&elsewhere, &cases, 1, Stage::Clause);
    assert_eq!((played.otherwise, played.cases), (None, 0));
}
