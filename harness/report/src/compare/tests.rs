use ikev1_scenario::Verdict;
use ikev1_scenario::judge::Sight;
use rstest::rstest;

use super::{ChangeKind, Compared, Comparison, markdown, text};
use crate::exit::Outcome;
use crate::model::{CaseResult, Report, Waived};
use crate::testing;

fn compare(a: &Report, b: &Report) -> Comparison {
    let compared = |report, file| Compared { report, file, peer: None };
    Comparison::new(compared(a, "a/report.json"), compared(b, "b/report.json"))
}

fn one(verdict: Verdict) -> Report {
    testing::report([("rfc2409/5.4-psk/a", verdict)])
}

fn kinds(comparison: &Comparison) -> Vec<ChangeKind> {
    comparison.changes.iter().map(|change| change.kind).collect()
}

/// Two runs in which everything that can change does.
fn runs() -> (Report, Report) {
    let mut a = testing::report([
        ("a/was-right", Verdict::Pass),
        ("b/was-wrong", Verdict::Fail),
        ("c/was-shown", Verdict::Pass),
        ("d/two-readings", Verdict::Info),
        ("e/wrong-in-two-ways", Verdict::Fail),
        ("f/is-gone", Verdict::Pass),
        ("g/as-ever", Verdict::Pass),
    ]);
    let mut b = testing::report([
        ("a/was-right", Verdict::Fail),
        ("b/was-wrong", Verdict::Pass),
        ("c/was-shown", Verdict::Unsupported),
        ("d/two-readings", Verdict::Info),
        ("e/wrong-in-two-ways", Verdict::Fail),
        ("g/as-ever", Verdict::Pass),
        ("h/is-new", Verdict::Fail),
    ]);
    b.run.id = "2026-11-24T10-00-00Z".to_owned();
    b.peers[0].version = "ikev1 0.2.0".to_owned();
    a.cases[3].reason = "the SA with the cookies 0011223344556677 stays".to_owned();
    b.cases[3].reason = "the SA with the cookies 8899aabbccddeeff is deleted".to_owned();
    b.cases[4].reason = "no answer came".to_owned();
    for case in a.cases.iter_mut().chain(&mut b.cases).filter(|case| case.verdict == Verdict::Pass) {
        case.findings.clear();
        case.reason = "as the clause wants it".to_owned();
    }
    (a, b)
}

#[test]
fn text_tells_what_has_changed_with_the_evidence_of_both() {
    let (a, b) = runs();
    insta::assert_snapshot!(text(&compare(&a, &b), false));
}

#[test]
fn markdown_tells_what_has_changed_with_the_evidence_of_both() {
    let (a, b) = runs();
    insta::assert_snapshot!(markdown(&compare(&a, &b)));
}

#[test]
fn json_tells_what_has_changed_with_the_evidence_of_both() {
    let (a, b) = runs();
    let mut out = Vec::new();
    compare(&a, &b).write_json(&mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap());
}

#[rstest]
#[case::the_same(Verdict::Pass, Verdict::Pass, &[], Outcome::Success)]
#[case::new_fail(Verdict::Pass, Verdict::Fail, &[ChangeKind::NewFail], Outcome::Unexpected)]
#[case::new_inconclusive(Verdict::Pass, Verdict::Inconclusive, &[ChangeKind::NewFail], Outcome::Unexpected)]
#[case::new_error(Verdict::Info, Verdict::Error, &[ChangeKind::NewFail], Outcome::Unexpected)]
#[case::fixed(Verdict::Fail, Verdict::Pass, &[ChangeKind::Fixed], Outcome::Success)]
#[case::not_tried_any_more(Verdict::Fail, Verdict::Unsupported, &[ChangeKind::Verdict], Outcome::Success)]
#[case::a_should_is_missed_now(Verdict::Pass, Verdict::Warn, &[ChangeKind::Verdict], Outcome::Unexpected)]
#[case::a_should_is_heeded_now(Verdict::Warn, Verdict::Pass, &[ChangeKind::Verdict], Outcome::Success)]
#[case::no_longer_supported(Verdict::Pass, Verdict::Unsupported, &[ChangeKind::Verdict], Outcome::Unexpected)]
#[case::supported_now(Verdict::Unsupported, Verdict::Pass, &[ChangeKind::Verdict], Outcome::Success)]
#[case::supported_and_wrong(Verdict::Unsupported, Verdict::Fail, &[ChangeKind::NewFail], Outcome::Unexpected)]
#[case::another_reading_allowed(Verdict::Pass, Verdict::Info, &[ChangeKind::Verdict], Outcome::Success)]
#[case::nothing_could_be_said(Verdict::Inconclusive, Verdict::Fail, &[ChangeKind::Verdict], Outcome::Unexpected)]
fn a_change_of_verdict_has_its_kind_and_exit_code(
    #[case] before: Verdict,
    #[case] after: Verdict,
    #[case] expected: &[ChangeKind],
    #[case] outcome: Outcome,
) {
    let comparison = compare(&one(before), &one(after));
    assert_eq!(kinds(&comparison), expected);
    assert_eq!(comparison.outcome(), outcome);
}

/// A known failure of the case.
fn waive(case: &mut CaseResult) {
    case.expected = true;
    case.waived = Some(Waived { reason: "known".into(), clause: "RFC2409-5.4-01".into(), link: "x".into() });
}

#[test]
fn a_known_failure_is_no_regression_until_it_is_known_no_more() {
    let (passing, mut known) = (one(Verdict::Pass), one(Verdict::Fail));
    waive(&mut known.cases[0]);
    let begun = compare(&passing, &known);
    assert_eq!((kinds(&begun), begun.outcome()), (vec![ChangeKind::Verdict], Outcome::Success));
    let ended = compare(&known, &one(Verdict::Fail));
    assert_eq!((kinds(&ended), ended.outcome()), (vec![ChangeKind::NewFail], Outcome::Unexpected));
}

#[test]
fn random_octets_and_the_words_of_a_pass_are_no_change() {
    let (mut a, mut b) = (one(Verdict::Info), one(Verdict::Info));
    a.cases[0].reason = "SPI c0ffee01 was chosen".to_owned();
    b.cases[0].reason = "SPI c0ffee02 was chosen".to_owned();
    assert_eq!(kinds(&compare(&a, &b)), []);
    let (a, mut b) = (one(Verdict::Pass), one(Verdict::Pass));
    b.cases[0].reason = "in another way".to_owned();
    assert_eq!(kinds(&compare(&a, &b)), []);
}

#[test]
fn what_only_one_run_has_is_shown_and_no_regression() {
    let (a, b) = (one(Verdict::Pass), testing::report([("rfc2409/5.4-psk/b", Verdict::Fail)]));
    let comparison = compare(&a, &b);
    assert_eq!(kinds(&comparison), [ChangeKind::Appeared, ChangeKind::Vanished]);
    assert_eq!(comparison.in_common(), 0);
    assert_eq!(comparison.outcome(), Outcome::Success);
}

/// Gives the peer of a run another name.
fn rename(report: &mut Report, name: &str) {
    report.peers[0].name = name.to_owned();
    report.cases.iter_mut().for_each(|case| case.peer = name.to_owned());
}

#[test]
fn two_releases_are_compared_though_their_names_differ() {
    let (mut a, mut b) = (one(Verdict::Pass), one(Verdict::Fail));
    rename(&mut a, "strongswan-5.9");
    rename(&mut b, "strongswan-6.0");
    let comparison = compare(&a, &b);
    assert_eq!(kinds(&comparison), [ChangeKind::NewFail]);
    assert_eq!(comparison.changes[0].key.peer, "strongswan-5.9");
}

/// A run with the cases of two peers.
fn of_two_peers(one: Report, mut other: Report) -> Report {
    rename(&mut other, "libreswan");
    let mut both = one;
    both.peers.extend(other.peers);
    both.cases.extend(other.cases);
    both
}

#[test]
fn a_peer_that_one_run_lacks_is_named_and_left_out() {
    let a = of_two_peers(one(Verdict::Pass), one(Verdict::Pass));
    let comparison = compare(&a, &one(Verdict::Pass));
    assert_eq!((comparison.a.left_out.as_slice(), comparison.same), (&["libreswan".to_owned()][..], 1));
    assert_eq!(comparison.in_common(), 1);
    assert_eq!(kinds(&comparison), []);
}

#[test]
fn two_peers_of_one_run_are_compared() {
    let run = of_two_peers(one(Verdict::Pass), one(Verdict::Fail));
    let of = |peer| Compared { report: &run, file: "report.json", peer: Some(peer) };
    assert_eq!(kinds(&Comparison::new(of("self"), of("libreswan"))), [ChangeKind::NewFail]);
}

#[rstest]
#[case::lost(Sight::Accepted, Sight::Refused, &[ChangeKind::Verdict], Outcome::Unexpected)]
#[case::won(Sight::Refused, Sight::Accepted, &[ChangeKind::Verdict], Outcome::Success)]
#[case::died_of_it(Sight::Refused, Sight::Died, &[ChangeKind::NewFail], Outcome::Unexpected)]
#[case::the_same(Sight::Refused, Sight::Refused, &[], Outcome::Success)]
fn what_a_peer_speaks_is_compared(
    #[case] before: Sight,
    #[case] after: Sight,
    #[case] expected: &[ChangeKind],
    #[case] outcome: Outcome,
) {
    let probed = |sight| Report { discovery: vec![testing::discovery(sight, false)], ..testing::report([]) };
    let comparison = compare(&probed(before), &probed(after));
    assert_eq!((kinds(&comparison).as_slice(), comparison.outcome()), (expected, outcome));
}

#[test]
fn text_of_a_peer_cannot_act_on_the_terminal() {
    for hostile in testing::hostile_texts() {
        let (a, mut b) = (one(Verdict::Pass), one(Verdict::Fail));
        b.cases[0].reason.clone_from(&hostile);
        b.cases[0].findings[0].what = hostile;
        let shown = text(&compare(&a, &b), false);
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    }
}
