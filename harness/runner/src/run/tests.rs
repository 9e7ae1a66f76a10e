//! A run goes on when a case panics, hangs or is not supported, and ends in order when it is stopped.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ikev1_report::waiver::Waiver;
use ikev1_report::{Builder, Outcome, Report, RunEvent};
use ikev1_scenario::DEFAULT_GROUP;
use ikev1_scenario::case::Case;
use ikev1_scenario::model::{Capability, Group, Level, Step};
use ikev1_scenario::transcript::{Event, Record};
use ikev1_scenario::verdict::{PeerProfile, Verdict};
use rstest::rstest;

use super::*;
use crate::execute::CaseArtefacts;

/// The engine as its own peer, but cases with certain IDs go wrong.
#[derive(Debug)]
struct Unreliable {
    inner: LoopbackRunner,
    profile: PeerProfile,
    plays_again: bool,
    /// How often `t/trouble`, `t/late`, `t/wrong` and `t/panics` were played.
    plays: AtomicU32,
    /// So many of the plays of `t/trouble` end by our own fault, and in so many of `t/late` the peer is late.
    troubles: u32,
    /// The trouble is that the daemon was found dead at the beginning.
    dies: bool,
    /// So many of the last sanity handshakes are cut off.
    cut_off: AtomicU32,
}

impl Unreliable {
    fn new() -> Self {
        let inner = LoopbackRunner::new();
        let mut profile = inner.profile().clone();
        profile.capabilities.remove(&Capability::Traffic);
        profile.missing.insert(Capability::Traffic, "no route".to_owned());
        let (plays, cut_off) = Default::default();
        Self { inner, profile, plays_again: false, plays, troubles: 0, dies: false, cut_off }
    }
}

impl CaseRunner for Unreliable {
    fn profile(&self) -> &PeerProfile {
        &self.profile
    }

    fn under_way(&self, jobs: usize) -> usize {
        jobs
    }

    fn time_limit(&self, _: &Case) -> Duration {
        Duration::from_secs(2)
    }

    fn run_case(&self, case: &Case, seed: u64) -> CaseArtefacts {
        match case.id.as_str() {
            "t/panics" => {
                self.plays.fetch_add(1, Ordering::Relaxed);
                panic!("at message 5")
            }
            "t/hangs" => std::thread::sleep(Duration::from_secs(60)),
            "t/trouble" => {
                let play = self.plays.fetch_add(1, Ordering::Relaxed);
                if play < self.troubles {
                    if self.dies {
                        let died = Event::PeerDied { line: "segmentation fault".to_owned() };
                        let mut artefacts = self.inner.run_case(case, seed);
                        artefacts.transcript.insert(1, Record { at_ms: 0, event: died });
                        artefacts.transcript.retain(|record| {
                            !matches!(record.event, Event::StepBegin { .. } | Event::Datagram(_))
                        });
                        return artefacts;
                    }
                    return CaseArtefacts::of_failure(&format!("the socket closed in play {play}"));
                }
            }
            "t/late" if self.plays.fetch_add(1, Ordering::Relaxed) < self.troubles => {
                let mut hasty = case.clone();
                for step in &mut hasty.steps {
                    if let Step::ExpectState(expect) = step {
                        expect.within_ms = 0;
                    }
                }
                return self.inner.run_case(&hasty, seed);
            }
            "t/wrong" => {
                self.plays.fetch_add(1, Ordering::Relaxed);
            }
            "sanity/last" => {
                let left = self.cut_off.load(Ordering::Relaxed);
                if left > 0 {
                    self.cut_off.store(left - 1, Ordering::Relaxed);
                    // The peer says nothing.
                    let mut artefacts = self.inner.run_case(case, seed);
                    artefacts.transcript.truncate(2);
                    artefacts.transcript.push(Record { at_ms: 9, event: Event::End });
                    return artefacts;
                }
            }
            _ => {}
        }
        self.inner.run_case(case, seed)
    }

    fn plays_again(&self) -> bool {
        self.plays_again
    }

    fn recover(&self, _: &Case) -> Result<String, String> {
        Ok("last words of the peer".to_owned())
    }

    fn close(&self) {}
}

fn case(id: &str) -> Case {
    Case { id: id.to_owned(), ..sanity_case("first", DEFAULT_GROUP).unwrap() }
}

fn options(folder: &Path) -> RunOptions {
    RunOptions {
        jobs: 2,
        seed: 7,
        group: None,
        strength: ikev1_scenario::DEFAULT_STRENGTH,
        strict: false,
        folder: folder.to_owned(),
        program: "cargo xtask".to_owned(),
        redact: false,
        probes: false,
        stop: Stop::default(),
    }
}

/// Runs cases; `watch` sees each event before the report does.
fn run(cases: Vec<Case>, options: &RunOptions, mut watch: impl FnMut(&RunEvent)) -> Report {
    run_with(&Arc::new(Unreliable::new()), cases, options, |event| watch(event))
}

fn run_with(
    peer: &Arc<Unreliable>,
    cases: Vec<Case>,
    options: &RunOptions,
    mut watch: impl FnMut(&RunEvent),
) -> Report {
    let mut builder = Builder::default();
    let peer: Arc<dyn CaseRunner> = Arc::<Unreliable>::clone(peer);
    run_cases(cases, &peer, &[], options, &mut |event| {
        watch(&event);
        builder.event(&event);
    });
    builder.report()
}

#[test]
fn a_panic_or_a_hang_costs_one_case() {
    let folder = tempfile::tempdir().unwrap();
    let cases = ["t/hangs", "t/panics", "t/a", "t/b", "t/c"].map(case).to_vec();
    let report = run(cases, &options(folder.path()), |_| ());
    let verdicts: Vec<_> = report.cases.iter().map(|case| (case.id.as_str(), case.verdict)).collect();
    let expected = [
        ("t/a", Verdict::Pass),
        ("t/b", Verdict::Pass),
        ("t/c", Verdict::Pass),
        ("t/hangs", Verdict::Error),
        ("t/panics", Verdict::Error),
    ];
    assert_eq!(verdicts, expected);
    assert!(report.cases[3].reason.contains("did not end within 2 s"), "{}", report.cases[3].reason);
    assert!(report.cases[4].reason.contains("at message 5"), "{}", report.cases[4].reason);
    let log = folder.path().join(&report.cases[3].artefacts["peer-log"]);
    assert_eq!(fs::read_to_string(log).unwrap(), "last words of the peer");
    assert_eq!(Outcome::of(&report), Outcome::Harness);
}

#[rstest]
#[case::in_no_play(true, 0, 1, Verdict::Pass, None)]
#[case::in_the_first(true, 1, 2, Verdict::Pass, Some("the socket closed in play 0"))]
#[case::in_both(true, 2, 2, Verdict::Error, Some("the socket closed in play 0"))]
#[case::in_the_first_with_a_peer_that_does_not_play_again(false, 1, 1, Verdict::Error, None)]
fn a_case_that_fails_by_our_own_fault_is_played_once_more_and_says_so(
    #[case] plays_again: bool,
    #[case] troubles: u32,
    #[case] plays: u32,
    #[case] verdict: Verdict,
    #[case] note: Option<&str>,
) {
    let folder = tempfile::tempdir().unwrap();
    let peer = Arc::new(Unreliable { plays_again, troubles, ..Unreliable::new() });
    let report = run_with(&peer, vec![case("t/trouble")], &options(folder.path()), |_| ());
    let [result] = &report.cases[..] else { panic!("{} results", report.cases.len()) };
    assert_eq!((peer.plays.load(Ordering::Relaxed), result.verdict), (plays, verdict), "{}", result.reason);
    if verdict == Verdict::Error {
        let last = format!("the socket closed in play {}", plays - 1);
        assert!(result.reason.contains(&last), "{}", result.reason);
    }
    let told: Vec<_> = result.notes.iter().filter(|text| text.contains("the harness failed")).collect();
    assert_eq!(told.len(), usize::from(note.is_some()), "{:?}", result.notes);
    assert!(told.iter().all(|text| note.is_some_and(|note| text.contains(note))), "{told:?}");
    let relative = Path::new(&result.artefacts["case"]).parent().unwrap();
    let (stored, records) = CaseFolder::at(folder.path(), relative).read().unwrap();
    let again = ikev1_scenario::judge(&stored, &records, &read_profile(folder.path(), "self").unwrap());
    assert_eq!((again.verdict, &again.notes), (verdict, &result.notes), "rejudged");
}

#[rstest]
#[case::in_no_play(Level::Must, 0, 1, Verdict::Pass, None)]
#[case::in_the_first(Level::Must, 1, 2, Verdict::Pass, Some(Verdict::Fail))]
#[case::in_the_first_where_the_clause_is_a_should(Level::Should, 1, 2, Verdict::Pass, Some(Verdict::Warn))]
#[case::in_both(Level::Must, 2, 2, Verdict::Fail, Some(Verdict::Fail))]
fn a_case_whose_peer_may_only_have_been_late_is_played_once_more_and_both_plays_are_kept(
    #[case] level: Level,
    #[case] troubles: u32,
    #[case] plays: u32,
    #[case] verdict: Verdict,
    #[case] first: Option<Verdict>,
) {
    let folder = tempfile::tempdir().unwrap();
    let peer = Arc::new(Unreliable { plays_again: true, troubles, ..Unreliable::new() });
    let late = Case { level, ..case("t/late") };
    let report = run_with(&peer, vec![late], &options(folder.path()), |_| ());
    let result = &report.cases[0];
    assert_eq!((peer.plays.load(Ordering::Relaxed), result.verdict), (plays, verdict), "{}", result.reason);
    let told = result.notes.iter().find(|text| text.contains("may only have been late"));
    let expected = first.map(|first| format!("(`{first}`): step 2 (expect_state)"));
    assert_eq!(told.is_some(), expected.is_some(), "{:?}", result.notes);
    assert!(told.zip(expected).is_none_or(|(told, expected)| told.contains(&expected)), "{told:?}");
    let relative = Path::new(&result.artefacts["case"]).parent().unwrap();
    let first_play = CaseFolder::at(folder.path(), relative).first_play();
    let judged = first_play.path().exists().then(|| {
        let (stored, records) = first_play.read().unwrap();
        ikev1_scenario::judge(&stored, &records, peer.profile()).verdict
    });
    assert_eq!(judged, first);
}

#[test]
fn a_first_play_of_an_earlier_run_does_not_stay_in_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Arc::new(Unreliable { plays_again: true, troubles: 1, ..Unreliable::new() });
    let first_play = folder.path().join("self/t/late/initiator/first-play");
    for kept in [true, false] {
        run_with(&peer, vec![case("t/late")], &options(folder.path()), |_| ());
        assert_eq!(first_play.is_dir(), kept);
    }
}

/// A case in which the peer is wrong in a datagram.
fn wrong() -> Case {
    let mut case = case("t/wrong");
    let expect = serde_json::json!({
        "expect": {
            "message": { "exchange": "main-mode", "number": 2 },
            "assert": [{ "field": "header.version", "check": { "equals": 0x20 } }]
        }
    });
    case.steps.insert(1, serde_json::from_value(expect).unwrap());
    case
}

fn known(case: &str) -> Vec<Waiver> {
    let text = format!(
        "[[deviation]]\ncase = \"{case}\"\nversions = \"*\"\nclause = \"RFC 2409 section 5.4\"\nreason = \"it is slow\"\nlink = \"none\"\nexpires = \"2099-01-01\"\n"
    );
    ikev1_report::waiver::parse(Path::new("expected.toml"), &text).unwrap()
}

#[rstest]
#[case::a_datagram_shows_it(wrong(), Vec::new())]
#[case::it_is_known(case("t/late"), known("t/late"))]
fn a_failure_is_not_played_again_where(#[case] case: Case, #[case] waivers: Vec<Waiver>) {
    let folder = tempfile::tempdir().unwrap();
    let peer = Arc::new(Unreliable { plays_again: true, troubles: 1, ..Unreliable::new() });
    let mut builder = Builder::default();
    let runner: Arc<dyn CaseRunner> = Arc::<Unreliable>::clone(&peer);
    run_cases(vec![case], &runner, &waivers, &options(folder.path()), &mut |event| builder.event(&event));
    let report = builder.report();
    let result = &report.cases[0];
    assert_eq!((peer.plays.load(Ordering::Relaxed), result.verdict), (1, Verdict::Fail), "{}", result.reason);
}

#[test]
fn a_daemon_that_died_between_cases_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Unreliable { plays_again: true, troubles: 1, dies: true, ..Unreliable::new() };
    let report = run_with(&Arc::new(peer), vec![case("t/trouble")], &options(folder.path()), |_| ());
    assert_eq!(report.cases[0].verdict, Verdict::Error);
    assert!(report.cases[0].reason.contains("segmentation fault"), "{}", report.cases[0].reason);
}

#[test]
fn a_panic_of_the_harness_is_not_played_again() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Arc::new(Unreliable { plays_again: true, ..Unreliable::new() });
    let report = run_with(&peer, vec![case("t/panics")], &options(folder.path()), |_| ());
    assert_eq!((peer.plays.load(Ordering::Relaxed), report.cases[0].verdict), (1, Verdict::Error));
}

#[rstest]
#[case::once(true, 1, Verdict::Pass, &["attempt 1"])]
#[case::twice(true, 2, Verdict::Pass, &["attempt 2"])]
#[case::always(true, 3, Verdict::Inconclusive, &["attempt 2"])]
#[case::once_with_a_peer_that_does_not_play_again(false, 1, Verdict::Inconclusive, &[])]
fn a_sanity_handshake_may_be_missed_by_a_peer_that_plays_again(
    #[case] plays_again: bool,
    #[case] cut_off: u32,
    #[case] verdict: Verdict,
    #[case] told: &[&str],
) {
    let folder = tempfile::tempdir().unwrap();
    let peer = Unreliable { plays_again, cut_off: AtomicU32::new(cut_off), ..Unreliable::new() };
    let report = run_with(&Arc::new(peer), vec![case("t/a")], &options(folder.path()), |_| ());
    let last = &report.peers[0].sanity[1];
    assert_eq!(last.verdict, verdict, "{}", last.reason);
    assert_eq!(last.reason.matches("attempt").count(), told.len(), "{}", last.reason);
    assert!(told.iter().all(|text| last.reason.contains(text)), "{}", last.reason);
}

#[test]
fn what_the_peer_lacks_is_unsupported_with_the_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let mut wanting = case("t/a");
    wanting.needs.insert(Capability::Traffic);
    let report = run(vec![wanting], &options(folder.path()), |_| ());
    assert_eq!(report.cases[0].verdict, Verdict::Unsupported);
    assert!(report.cases[0].reason.contains("traffic (no route)"), "{}", report.cases[0].reason);
    assert_eq!(Outcome::of(&report), Outcome::Success);
}

/// A run of one case with a peer that has not all of the groups that can be the default.
fn run_without(lacking: &[Capability], group: Option<Group>) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let mut peer = Unreliable::new();
    peer.profile.capabilities.retain(|capability| !lacking.contains(capability));
    let options = RunOptions { group, ..options(folder.path()) };
    let group = options.group_with(peer.profile());
    let case = Case { id: "t/a".to_owned(), ..sanity_case("first", group).unwrap() };
    let report = run_with(&Arc::new(peer), vec![case], &options, |_| ());
    let sanity = fs::read_to_string(folder.path().join("self/sanity/first/initiator/case.json")).unwrap();
    assert!(sanity.contains(group.name()), "the sanity handshake is with {group}: {sanity}");
    report
}

#[rstest]
#[case::every_group(&[], None, "")]
#[case::all_but_modp1024(&[Capability::Modp1024], None, "")]
#[case::modp2048_alone(&[Capability::Modp1024, Capability::Modp1536], None, "")]
#[case::one_that_was_asked_for(&[], Some(Group::Modp1536), " --group modp1536")]
fn the_default_group_is_one_that_the_peer_has_or_that_was_asked_for(
    #[case] lacking: &[Capability],
    #[case] group: Option<Group>,
    #[case] rerun: &str,
) {
    let report = run_without(lacking, group);
    let sanity: Vec<_> = report.peers[0].sanity.iter().map(|sanity| sanity.verdict).collect();
    assert_eq!(sanity, [Verdict::Pass, Verdict::Pass]);
    assert_eq!(report.cases[0].verdict, Verdict::Pass);
    assert_eq!(report.cases[0].rerun, format!("cargo xtask conform t/a --role initiator --seed 7{rerun}"));
}

#[test]
fn a_stopped_run_reports_what_ran_and_starts_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let options = RunOptions { jobs: 1, ..options(folder.path()) };
    let cases: Vec<_> = (0..20).map(|n| case(&format!("t/{n:02}"))).collect();
    let start = Instant::now();
    let report = run(cases, &options, |event| {
        if matches!(event, RunEvent::CaseFinished(_)) {
            options.stop.set();
        }
    });
    assert!((1..20).contains(&report.cases.len()), "{} cases ran", report.cases.len());
    assert_eq!(report.peers[0].sanity.len(), 1, "no sanity handshake after a stop");
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_the_files_the_same_verdict() {
    let transcripts = [1, 4].map(|jobs| {
        let folder = tempfile::tempdir().unwrap();
        let options = RunOptions { jobs, ..options(folder.path()) };
        let report = run(["t/a", "t/b", "t/c"].map(case).to_vec(), &options, |_| ());
        let artefacts = &report.cases[1].artefacts;
        let relative = Path::new(&artefacts["case"]).parent().unwrap().to_owned();
        let (stored, records) = CaseFolder::at(folder.path(), &relative).read().unwrap();
        let profile = read_profile(folder.path(), "self").unwrap();
        let judgement = ikev1_scenario::judge(&stored, &records, &profile);
        assert_eq!(
            (judgement.verdict, judgement.reason),
            (report.cases[1].verdict, report.cases[1].reason.clone())
        );
        let capture = fs::read(folder.path().join(&artefacts["capture"])).unwrap();
        (records, capture)
    });
    assert_eq!(transcripts[0], transcripts[1]);
}
