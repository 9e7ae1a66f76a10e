//! A run goes on when a case panics, hangs or is not supported, and ends in order when it is stopped.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ikev1_report::{Builder, Outcome, Report, RunEvent};
use ikev1_scenario::DEFAULT_GROUP;
use ikev1_scenario::case::Case;
use ikev1_scenario::model::{Capability, Group};
use ikev1_scenario::verdict::{PeerProfile, Verdict};
use rstest::rstest;

use super::*;
use crate::execute::CaseArtefacts;

/// The engine as its own peer, but cases with certain IDs go wrong.
#[derive(Debug)]
struct Unreliable {
    inner: LoopbackRunner,
    profile: PeerProfile,
}

impl Unreliable {
    fn new() -> Self {
        let inner = LoopbackRunner::new();
        let mut profile = inner.profile().clone();
        profile.capabilities.remove(&Capability::Traffic);
        profile.missing.insert(Capability::Traffic, "no route".to_owned());
        Self { inner, profile }
    }
}

impl CaseRunner for Unreliable {
    fn profile(&self) -> &PeerProfile {
        &self.profile
    }

    fn runs_side_by_side(&self) -> bool {
        true
    }

    fn time_limit(&self, _: &Case) -> Duration {
        Duration::from_secs(2)
    }

    fn run_case(&self, case: &Case, seed: u64) -> CaseArtefacts {
        match case.id.as_str() {
            "t/panics" => panic!("at message 5"),
            "t/hangs" => std::thread::sleep(Duration::from_secs(60)),
            _ => {}
        }
        self.inner.run_case(case, seed)
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
        stop: Stop::default(),
    }
}

/// Runs cases; `watch` sees each event before the report does.
fn run(cases: Vec<Case>, options: &RunOptions, mut watch: impl FnMut(&RunEvent)) -> Report {
    let mut builder = Builder::default();
    let peer: Arc<dyn CaseRunner> = Arc::new(Unreliable::new());
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
    let peer: Arc<dyn CaseRunner> = Arc::new(peer);
    let mut builder = Builder::default();
    run_cases(vec![case], &peer, &[], &options, &mut |event| builder.event(&event));
    let sanity = fs::read_to_string(folder.path().join("self/sanity/first/initiator/case.json")).unwrap();
    assert!(sanity.contains(group.name()), "the sanity handshake is with {group}: {sanity}");
    builder.report()
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
