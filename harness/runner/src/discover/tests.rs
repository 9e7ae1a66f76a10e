//! Probes of our own engine: one that speaks everything, and one that lacks something.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ikev1_report::discovery::{DiscoveryResult, ProbeResult};
use ikev1_report::{Builder, Outcome};
use ikev1_scenario::case::Case;
use ikev1_scenario::judge::{Sight, judge, sighting, unsupported};
use ikev1_scenario::load::LoadedScenario;
use ikev1_scenario::model::{
    Capability, Cipher, Encapsulation, FragmentationMode, Group, Integrity, NatTraversal, Phase1Exchange,
};
use ikev1_scenario::pki::CredentialFiles;
use ikev1_scenario::transcript::{Event, Record};
use ikev1_scenario::verdict::{PeerProfile, Verdict};
use ikev1_scenario::{DEFAULT_GROUP, expand};
use rstest::rstest;

use super::*;
use crate::execute::CaseArtefacts;
use crate::run::{CaseRunner, LoopbackRunner, RunOptions, SanityError, Stop, read_profile, run_cases};

/// The engine with another configuration than the case has for it, and another profile.
#[derive(Debug)]
struct Other {
    engine: LoopbackRunner,
    profile: PeerProfile,
    /// What is done to every probe of the peer.
    change: fn(&mut Case),
    /// What is done to what was recorded.
    afterwards: fn(&mut Vec<Record>),
}

impl Other {
    fn with(change: fn(&mut Case)) -> Self {
        let engine = LoopbackRunner::new();
        Self { profile: engine.profile().clone(), engine, change, afterwards: |_| () }
    }
}

impl CaseRunner for Other {
    fn profile(&self) -> &PeerProfile {
        &self.profile
    }

    fn sanity(&self, when: &str, group: Group) -> Result<Case, SanityError> {
        let case = self.engine.sanity(when, group)?;
        Ok(Case { description: "its own".to_owned(), ..case })
    }

    fn under_way(&self, jobs: usize) -> usize {
        jobs
    }

    fn plays_again(&self) -> bool {
        true
    }

    fn time_limit(&self, case: &Case) -> Duration {
        self.engine.time_limit(case)
    }

    fn run_case(&self, case: &Case, seed: u64) -> CaseArtefacts {
        let mut case = case.clone();
        let is_probe = case.id.starts_with(PROBE);
        if is_probe {
            (self.change)(&mut case);
        }
        let mut artefacts = self.engine.run_case(&case, seed);
        if is_probe {
            (self.afterwards)(&mut artefacts.transcript);
        }
        artefacts
    }

    fn recover(&self, case: &Case) -> Result<String, String> {
        self.engine.recover(case)
    }

    fn close(&self) {}
}

fn credentials() -> Arc<CredentialFiles> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/credentials");
    Arc::new(CredentialFiles::load(&folder).unwrap())
}

fn options(folder: &Path) -> RunOptions {
    RunOptions {
        jobs: 4,
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

/// What the probes whose IDs begin so find in a peer, and the exit code.
fn found_in(peer: impl CaseRunner + 'static, beginning: &str) -> (DiscoveryResult, Outcome) {
    let folder = tempfile::tempdir().unwrap();
    let run = options(folder.path());
    let mut chosen = probes(peer.profile(), None, None, &credentials()).unwrap();
    chosen.retain(|probe| probe.case.id.starts_with(beginning));
    assert!(!chosen.is_empty(), "no probe begins with {beginning}");
    let peer: Arc<dyn CaseRunner> = Arc::new(peer);
    let mut builder = Builder::default();
    let options = DiscoverOptions { run: &run, said_in: Some("docker/self/peer.toml"), alone: true };
    let found = discover(&chosen, &peer, options, &mut |event| builder.event(&event));
    let report = builder.report();
    assert_eq!(report.discovery.as_slice(), std::slice::from_ref(&found));
    assert_eq!(report.peers[0].sanity.len(), 2);
    for artefact in found.probes.iter().flat_map(|probe| probe.artefacts.values()) {
        assert!(folder.path().join(artefact).is_file(), "{artefact}");
    }
    (found, Outcome::of(&report))
}

/// `sight: evidence, packet` of the only probe.
fn only(found: &DiscoveryResult) -> String {
    let [probe] = found.probes.as_slice() else { panic!("{} probes", found.probes.len()) };
    let packet = probe.packet.map_or_else(|| "none".to_owned(), |packet| packet.to_string());
    format!("{}: {}, packet {packet}", probe.sight.name(), probe.evidence)
}

#[test]
fn the_clean_engine_speaks_everything() {
    let (found, outcome) = found_in(LoopbackRunner::new(), PROBE);
    let others: Vec<&ProbeResult> = found
        .probes
        .iter()
        .filter(|probe| probe.sight != Sight::Accepted || probe.packet.is_none())
        .collect();
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(outcome, Outcome::Success);
    let names: BTreeSet<&str> = found.vendor_ids.iter().filter_map(|id| id.name.as_deref()).collect();
    for name in ["RFC 3947", "DPD", "FRAGMENTATION", "XAUTH"] {
        assert!(names.contains(name), "{name} is not in {names:?}");
    }
}

#[test]
fn every_capability_that_can_be_negotiated_has_a_probe() {
    let probed: BTreeSet<Capability> = probes(&PeerProfile::default(), None, None, &credentials())
        .unwrap()
        .iter()
        .filter_map(|probe| probe.capability)
        .collect();
    let negotiated = Capability::ALL.iter().filter(|capability| {
        let name = capability.name();
        let by_name = |prefix: &str| name.starts_with(prefix);
        Cipher::from_name(name).is_some()
            || Group::from_name(name).is_some()
            || Phase1Exchange::from_name(name).is_some()
            || by_name("esp")
            || by_name("hmac")
            || by_name("sha")
            || by_name("ecdsa")
            || by_name("rsa")
    });
    for capability in negotiated {
        assert!(probed.contains(capability), "{capability} has no probe");
    }
}

#[rstest]
#[case::cipher("probe/phase-1-cipher/idea", |case: &mut Case| {
    case.config.peer.phase1.transforms[0].cipher = Cipher::Aes128;
}, "refused: NO-PROPOSAL-CHOSEN in informational message 1, packet 2")]
#[case::group("probe/group/modp768", |case: &mut Case| {
    case.config.peer.phase1.transforms[0].group = Group::Modp1024;
}, "refused: NO-PROPOSAL-CHOSEN in informational message 1, packet 2")]
#[case::integrity("probe/integrity/md5", |case: &mut Case| {
    case.config.peer.phase2.transforms[0].integrity = Some(Integrity::Sha1);
}, "refused: NO-PROPOSAL-CHOSEN in informational message 1, packet 8")]
#[case::encapsulation("probe/encapsulation/transport", |case: &mut Case| {
    case.config.peer.phase2.encapsulation = Encapsulation::Tunnel;
}, "refused: NO-PROPOSAL-CHOSEN in informational message 1, packet 8")]
#[case::vendor_id("probe/extension/fragmentation", |case: &mut Case| {
    case.config.peer.fragmentation.mode = FragmentationMode::Off;
}, "refused: main-mode message 2 has no vendor ID 4048b7d56ebce88525e7de7f00d6c2d3, packet 2")]
#[case::nat_traversal("probe/extension/nat-t-rfc3947", |case: &mut Case| {
    case.config.peer.nat_traversal = NatTraversal::Off;
}, "refused: main-mode message 2 has no vendor ID 4a131c81070358455c5728f20e95452f, packet 2")]
#[case::dead_peer_detection("probe/extension/dpd", |case: &mut Case| {
    case.config.peer.dpd = None;
}, "refused: dead peer detection was not announced by both sides; the peer's last was main-mode message 6, packet 6")]
#[case::new_groups("probe/exchange/new-group-mode", |case: &mut Case| {
    case.config.peer.new_groups = false;
}, "refused: ATTRIBUTES-NOT-SUPPORTED in informational message 1, packet 8")]
#[case::mode_config_pull("probe/extension/mode-config-pull", |case: &mut Case| {
    case.config.peer.mode_config = None;
}, "refused: no address was assigned; the peer's last was quick-mode message 2, packet 10")]
#[case::mode_config_push("probe/extension/mode-config-push", |case: &mut Case| {
    case.config.peer.mode_config = None;
}, "refused: nothing came of it within 10000 ms; its last was main-mode message 6; the peer's last was main-mode message 6, packet 6")]
#[case::xauth("probe/extension/xauth", |case: &mut Case| {
    case.config.peer.xauth = None;
}, "refused: NO-PROPOSAL-CHOSEN in informational message 1, packet 2")]
#[case::another_key("probe/phase-1-cipher/idea", |case: &mut Case| {
    case.config.peer.psk = "another".to_owned();
}, "chosen: main-mode message 2, but then PAYLOAD-MALFORMED in informational message 1, packet 2")]
fn what_an_endpoint_lacks_is_refused_with_the_packet(
    #[case] probe: &str,
    #[case] change: fn(&mut Case),
    #[case] expected: &str,
) {
    let (found, outcome) = found_in(Other::with(change), probe);
    assert_eq!(only(&found), expected);
    assert_eq!(outcome, Outcome::Success);
}

#[test]
fn a_peer_that_was_too_busy_to_answer_is_asked_again() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let busy = Other::with(|case| {
        if ASKED.fetch_add(1, Ordering::SeqCst) == 0 {
            deaf(case);
        }
    });
    let (found, outcome) = found_in(busy, "probe/phase-1-cipher/idea");
    assert_eq!(only(&found), "accepted: main-mode message 2, packet 2");
    assert_eq!((ASKED.load(Ordering::SeqCst), outcome), (2, Outcome::Success));
}

/// The step that loses every copy of a message of the harness.
fn deaf(case: &mut Case) {
    let message =
        r#"{"drop": {"message": {"exchange": "main-mode", "number": 1}, "from": "harness", "times": 9}}"#;
    case.steps.insert(0, serde_json::from_str(message).unwrap());
}

#[test]
fn silence_is_a_refusal_where_the_offer_was_repeated() {
    let peer = Other::with(deaf);
    let (found, _) = found_in(peer, "probe/phase-1-cipher/idea");
    assert_eq!(only(&found), "refused: no answer to main-mode message 1 and its copies, packet 1");
    let once = Other::with(|case| {
        deaf(case);
        case.config.harness.retransmission.tries = 0;
    });
    let (found, _) = found_in(once, "probe/phase-1-cipher/idea");
    assert!(only(&found).starts_with("not-known: no answer to main-mode message 1"), "{}", only(&found));
}

#[rstest]
#[case::configuration(
    Event::ConfigurationRefused { error: "charon: load the connection: no such keyword\nline\nlast".into() },
    Sight::NotConfigurable,
    "charon: load the connection: no such keyword ... last",
    Outcome::Success
)]
#[case::infrastructure(
    Event::Infrastructure { error: "no socket".into() }, Sight::Error, "no socket", Outcome::Harness
)]
#[case::death(
    Event::PeerDied { line: "segfault".into() },
    Sight::Died,
    "the daemon died after main-mode message 5: segfault",
    Outcome::Unexpected
)]
fn what_is_not_the_peers_answer_is_no_refusal(
    #[case] event: Event,
    #[case] sight: Sight,
    #[case] evidence: &str,
    #[case] outcome: Outcome,
) {
    let case = probes(&PeerProfile::default(), None, None, &credentials()).unwrap().remove(0).case;
    let mut transcript = LoopbackRunner::new().run_case(&case, 7).transcript;
    let end = transcript.len() - 1;
    transcript.insert(end, Record { at_ms: 0, event: event.clone() });
    let seen = sighting(&case, &transcript);
    assert_eq!(seen.sight, sight);
    assert!(seen.evidence.starts_with(evidence.split(" ...").next().unwrap()), "{}", seen.evidence);

    // The events cannot be captured by a function, so the matching one is chosen by its sight.
    let peer = Other {
        afterwards: match sight {
            Sight::NotConfigurable => |records| {
                let error = "charon: load the connection: no such keyword\nline\nlast".to_owned();
                records.insert(1, Record { at_ms: 0, event: Event::ConfigurationRefused { error } });
            },
            Sight::Error => |records| {
                let error = "no socket".to_owned();
                records.insert(1, Record { at_ms: 0, event: Event::Infrastructure { error } });
            },
            _ => |records| {
                let line = "segfault".to_owned();
                records.insert(1, Record { at_ms: 0, event: Event::PeerDied { line } });
            },
        },
        ..Other::with(|_| ())
    };
    let (found, ended) = found_in(peer, "probe/exchange/main-mode");
    assert_eq!((found.probes[0].sight, ended), (sight, outcome));
    assert_eq!(found.probes[0].evidence, evidence);
}

#[test]
fn what_is_said_to_be_missing_and_is_accepted_is_stale() {
    let mut peer = Other::with(|_| ());
    for (capability, reason) in
        [(Capability::Idea, "no such keyword"), (Capability::DefaultKeyLength, "no setting")]
    {
        peer.profile.capabilities.remove(&capability);
        peer.profile.missing.insert(capability, reason.to_owned());
    }
    let (found, outcome) = found_in(peer, "probe/phase-1-cipher");
    // As responder it understands what it could not be told to say as initiator.
    let [stale] = found.stale.as_slice() else { panic!("{:#?}", found.stale) };
    assert_eq!((stale.capability.as_str(), stale.reason.as_str()), ("idea", "no such keyword"));
    assert_eq!((stale.file.as_str(), stale.packet), ("docker/self/peer.toml", Some(2)));
    assert_eq!(outcome, Outcome::Unexpected);
}

#[test]
fn what_the_harness_cannot_configure_is_not_played() {
    let mut peer = Other::with(|_| ());
    peer.profile.capabilities.remove(&Capability::Xauth);
    peer.profile.missing.insert(Capability::Xauth, "the template has no words for it".to_owned());
    peer.profile.not_configured.insert(Capability::Xauth);
    let (found, outcome) = found_in(peer, "probe/extension/");
    let xauth = found.probes.iter().find(|probe| probe.name == "xauth").unwrap();
    assert_eq!((xauth.sight, xauth.evidence.as_str()), (Sight::NotKnown, "the template has no words for it"));
    assert!(xauth.artefacts.is_empty());
    assert_eq!((found.stale.len(), outcome), (0, Outcome::Success));
}

/// A case that needs IDEA.
fn case_with_idea() -> Case {
    let scenario = r#"{
        "version": 1, "description": "Phase 1 under IDEA.", "requirements": [], "level": "must", "roles": ["initiator"],
        "config": {"common": {"phase1": {"transforms": [{"cipher": "idea", "hash": "sha1"}]}}},
        "steps": [{"start": {"exchange": "phase-1"}}, {"expect_state": {"isakmp_sas": {"exactly": 1}}}],
        "accept": [{"because": "it stands", "all": [{"established": {"isakmp_sas": {"exactly": 1}}}]}]
    }"#;
    let loaded = LoadedScenario {
        id: "t/idea".to_owned(),
        path: "t".into(),
        scenario: serde_json::from_str(scenario).unwrap(),
        credentials: Arc::default(),
    };
    expand(&loaded, DEFAULT_GROUP).remove(0)
}

#[test]
fn a_case_that_needs_what_was_refused_is_unsupported_with_the_packet() {
    let peer = Other::with(|case| case.config.peer.phase1.transforms[0].cipher = Cipher::Aes128);
    let profile = peer.profile.clone();
    let (found, _) = found_in(peer, "probe/phase-1-cipher/idea");
    let informed = informed(&profile, &found);
    let judgement = unsupported(&case_with_idea(), &informed).unwrap();
    insta::assert_snapshot!(judgement.reason, @"self cannot do idea (offered idea alone (phase 1 cipher): NO-PROPOSAL-CHOSEN in informational message 1, packet 2 of self/probe/phase-1-cipher/idea/initiator/capture.pcap)");
    // So it is in a run with that profile, which is stored for those who judge it again.
    let folder = tempfile::tempdir().unwrap();
    let runner = InformedRunner::new(Arc::new(LoopbackRunner::new()), informed.clone());
    let peer: Arc<dyn CaseRunner> = Arc::new(runner);
    let results = run_cases(vec![case_with_idea()], &peer, &[], &options(folder.path()), &mut |_| ());
    assert_eq!((results[0].verdict, &results[0].reason), (Verdict::Unsupported, &judgement.reason));
    assert_eq!(read_profile(folder.path(), "self").unwrap(), informed);
    // Nothing else is lacking, and what was said before stays said.
    assert_eq!(unsupported(&case_with_idea(), &profile), None);
    assert_eq!(informed.capabilities.len() + 1, profile.capabilities.len());
    let said = PeerProfile { missing: [(Capability::Idea, "no keyword".to_owned())].into(), ..profile };
    let reason = &super::informed(&said, &found).missing[&Capability::Idea];
    assert!(reason.starts_with("no keyword; offered idea alone"), "{reason}");
}

#[test]
fn a_peer_whose_profile_was_completed_keeps_its_ways() {
    let peer = Other::with(|_| ());
    let profile = peer.profile.clone();
    let informed = InformedRunner::new(Arc::new(peer), profile);
    assert_eq!(informed.sanity("first", DEFAULT_GROUP).unwrap().description, "its own");
    assert!(informed.plays_again());
}

#[test]
fn a_capability_of_several_probes_is_lacking_when_all_are_refused() {
    let no_large_group = Other::with(|case| {
        let group = &mut case.config.peer.phase2.pfs;
        *group = group.filter(|group| *group != Group::Modp8192);
    });
    let profile = no_large_group.profile.clone();
    let (found, _) = found_in(no_large_group, "probe/pfs-group/modp");
    assert!(informed(&profile, &found).capabilities.contains(&Capability::Pfs));
    let none = Other::with(|case| case.config.peer.phase2.pfs = None);
    let (found, _) = found_in(none, "probe/pfs-group/modp");
    assert!(!informed(&profile, &found).capabilities.contains(&Capability::Pfs));
}

#[test]
fn an_unfinished_conclusion_ends_a_case_that_is_inconclusive() {
    let case = Case { accept: case_with_idea().accept, ..probe_of("phase-1-cipher/idea") };
    let mut refusing = case.clone();
    refusing.config.peer.phase1.transforms[0].cipher = Cipher::Aes128;
    let artefacts = LoopbackRunner::new().run_case(&refusing, 7);
    let judgement = judge(&case, &artefacts.transcript, &PeerProfile::default());
    assert_eq!(judgement.verdict, Verdict::Inconclusive, "{}", judgement.reason);
    // It ends with the answer, not with its time.
    assert!(artefacts.transcript.last().unwrap().at_ms < 1000);
    assert!(judgement.reason.contains("the peer notified NO-PROPOSAL-CHOSEN"), "{}", judgement.reason);
}

fn probe_of(name: &str) -> Case {
    let mut all = probes(&PeerProfile::default(), None, None, &credentials()).unwrap();
    all.retain(|probe| probe.case.id == format!("{PROBE}{name}"));
    all.remove(0).case
}
