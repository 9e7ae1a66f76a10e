//! The engine against itself with another default group.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ikev1_runner::driver::Driver;
use ikev1_runner::execute::{CaseLimits, execute_case};
use ikev1_runner::target::loopback::Loopback;
use ikev1_scenario::model::{Group, Role};
use ikev1_scenario::{Case, DEFAULT_GROUP, Judgement, Library, Verdict, expand_all, judge};

async fn judged(case: &Case) -> Judgement {
    let mut peer = Loopback::new();
    let artefacts = execute_case(&mut peer, case, 1, CaseLimits::default()).await;
    judge(case, &artefacts.transcript, peer.profile())
}

/// One case of every section and role that takes the default group and that the engine can play, with two default groups.
fn samples(other: Group) -> Vec<(Case, Case)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let library = Library::load(&root).unwrap();
    let cases = expand_all(&library.scenarios, DEFAULT_GROUP);
    let others = expand_all(&library.scenarios, other);
    let ids = |cases: &[Case]| -> Vec<(String, Role)> {
        cases.iter().map(|case| (case.id.clone(), case.role)).collect()
    };
    assert_eq!(ids(&cases), ids(&others));
    let peer = Loopback::new();
    let can = |case: &Case| case.needs.is_subset(&peer.profile().capabilities);
    let mut samples = BTreeMap::new();
    for (case, other) in cases.into_iter().zip(others) {
        if case.config != other.config && can(&case) {
            let section = case.id.split('/').take(2).collect::<Vec<_>>().join("/");
            samples.entry((section, case.role)).or_insert((case, other));
        }
    }
    samples.into_values().collect()
}

#[tokio::test]
async fn a_case_that_names_no_group_has_the_same_verdict_with_another_one() {
    let samples = samples(Group::Modp1536);
    let sections: BTreeSet<_> = samples.iter().map(|(case, _)| case.id.split('/').next().unwrap()).collect();
    assert!(samples.len() > 100 && sections.len() > 15, "{} samples of {sections:?}", samples.len());
    for (case, other) in &samples {
        let (first, second) = (judged(case).await, judged(other).await);
        assert!(matches!(first.verdict, Verdict::Pass | Verdict::Info), "{}: {}", case.id, first.reason);
        assert_eq!(
            (first.verdict, first.reason),
            (second.verdict, second.reason),
            "{} {}",
            case.id,
            case.role
        );
    }
}
