//! Cases against pluto in a container: both roles, its logged values and the keys in its kernel compared, traffic both ways.
//!
//! Needs Docker. Without it the tests say so and pass, unless `IKEV1_REQUIRE_DOCKER=1` is set.

use crate::common::{both, case, echo, problems, start, values};
use crate::strongswan::chosen;
use ikev1_runner::docker::{Control, RunGuard};
use ikev1_runner::driver::Driver;
use ikev1_runner::execute::{CaseArtefacts, CaseLimits, execute_case};
use ikev1_runner::target::shell_peer::ShellPeer;
use ikev1_scenario::case::Case;
use ikev1_scenario::model::{
    Cipher, Encapsulation, ExpectState, Group, Hash, Phase1Exchange, Role, Side, Step,
};
use ikev1_scenario::transcript::{Event, Record};
use rstest::rstest;
use std::time::Duration;

/// pluto of the default release, and the guard of its containers; `None` where Docker is missing and not required.
/// What a script begins with that is to do something while a case has its IPsec SAs.
const ONCE_PAIRED: &str =
    "until whack --showstates | grep -q 'STATE_QUICK.*established'; do sleep 0.2; done\n";

/// The longest that such a script takes, also on a busy machine.
const IN_A_CASE: Duration = Duration::from_secs(60);

async fn pluto(test: &str) -> Option<(RunGuard, ShellPeer)> {
    let guard = RunGuard::new(format!("test-{}-libreswan-{test}", std::process::id()));
    let chosen = chosen("libreswan").await?;
    let Control::Shell(control) = chosen.dir.manifest.control.clone() else {
        unreachable!("pluto is controlled by a shell")
    };
    let peer = ShellPeer::start(&chosen, &control, guard.run_id().to_owned()).await.unwrap();
    Some((guard, peer))
}

/// As many SAs at both sides, as soon as a guest on a busy machine comes to it.
fn expect_sas(isakmp: u32, ipsec: u32) -> Step {
    let Step::ExpectState(expected) = crate::common::expect_sas(isakmp, ipsec) else { unreachable!() };
    Step::ExpectState(ExpectState { within_ms: 20_000, ..expected })
}

/// A case with a group that pluto has.
fn sanity(id: &str, role: Role) -> Case {
    with_group(case(id, role, vec![start(), expect_sas(1, 1), echo()]))
}

fn with_group(case: Case) -> Case {
    both(case, |side| side.phase1.transforms[0].group = Group::Modp1536)
}

/// Runs a case; every value that pluto logged and every key in its kernel must be one of ours.
async fn assert_agrees(driver: &mut ShellPeer, case: &Case) {
    let artefacts = execute_case(driver, case, 1, CaseLimits::default()).await;
    let id = (&case.id, case.role);
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new(), "{id:?}\n{}", artefacts.peer_log);
    let harness = values(&artefacts.transcript, Side::Harness);
    let peer = values(&artefacts.transcript, Side::Peer);
    for label in ["phase 1 IV", "phase 2 IV", "HASH_", "HASH(1)", "HASH(2)", "HASH(3)", "encryption key"] {
        assert!(
            peer.iter().any(|value| value.starts_with(label)),
            "{id:?}: pluto shows no {label}: {peer:#?}"
        );
    }
    let differing: Vec<_> = peer.iter().filter(|value| !harness.contains(*value)).collect();
    assert!(differing.is_empty(), "{id:?}: pluto has {differing:#?}, we have {harness:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_roles_derive_what_pluto_and_its_kernel_have_and_carry_traffic() {
    let Some((_guard, mut driver)) = pluto("values").await else { return };
    let kernel = driver.profile().kernel.clone().unwrap();
    assert!(kernel.starts_with("uml ") || kernel.starts_with("host "), "{kernel}");
    for role in [Role::Initiator, Role::Responder] {
        assert_agrees(&mut driver, &sanity("main-mode", role)).await;
        let aggressive = both(sanity("aggressive-mode", role), |side| {
            side.exchange = Phase1Exchange::AggressiveMode;
            side.phase1.transforms[0].cipher = Cipher::TripleDes;
            side.phase1.transforms[0].hash = Hash::Md5;
        });
        assert_agrees(&mut driver, &aggressive).await;
        let pfs = both(sanity("pfs-and-transport-mode", role), |side| {
            side.phase2.pfs = Some(Group::Modp1536);
            side.phase2.encapsulation = Encapsulation::Transport;
            side.phase2.ids = false;
        });
        assert_agrees(&mut driver, &pfs).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pluto_deletes_and_rekeys_when_told_and_the_next_case_starts_without_sas() {
    let Some((_guard, mut driver)) = pluto("commands").await else { return };
    let mut steps = sanity("", Role::Initiator).steps;
    let told = serde_json::json!([
        {"rekey": {"sa": "ipsec", "by": "peer"}},
        {"expect": {"message": {"exchange": "quick-mode", "number": 3, "occurrence": 2}, "from": "peer", "within_ms": 20000}},
        {"settle": {"ms": 500}},
        {"traffic": {}},
        {"rekey": {"sa": "isakmp", "by": "peer"}},
        {"expect": {"message": {"exchange": "main-mode", "number": 6, "occurrence": 2}, "from": "harness", "within_ms": 20000}},
        {"settle": {"ms": 500}},
        {"traffic": {}}
    ]);
    steps.extend::<Vec<Step>>(serde_json::from_value(told).unwrap());
    let rekey = with_group(case("rekey", Role::Initiator, steps));
    assert_agrees(&mut driver, &rekey).await;
    let mut steps = sanity("", Role::Initiator).steps;
    let told = serde_json::json!([
        {"delete": {"sa": "ipsec", "by": "peer"}},
        {"expect_state": {"of": "harness", "ipsec_sas": {"exactly": 0}, "within_ms": 20000}}
    ]);
    steps.extend::<Vec<Step>>(serde_json::from_value(told).unwrap());
    let delete = with_group(case("delete", Role::Initiator, steps));
    let artefacts = execute_case(&mut driver, &delete, 1, CaseLimits::default()).await;
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new(), "{}", artefacts.peer_log);
    assert_agrees(&mut driver, &sanity("after", Role::Initiator)).await;
}

#[rstest]
#[case::a_fault_of_its_own("SEGV", true)]
#[case::a_kill("KILL", false)]
#[tokio::test(flavor = "multi_thread")]
async fn a_pluto_that_dies_of_a_fault_of_its_own_is_told_from_one_that_was_killed(
    #[case] signal: &str,
    #[case] own_fault: bool,
) {
    let Some((_guard, mut driver)) = pluto(signal).await else { return };
    let steps = serde_json::json!([
        {"start": {"exchange": "both"}},
        {"settle": {"ms": 5000}},
        {"expect_state": {"ipsec_sas": {"exactly": 1}}}
    ]);
    let case = with_group(case(signal, Role::Initiator, serde_json::from_value(steps).unwrap()));
    let kill = format!("echo 'kill -{signal} $(cat /run/pluto/pluto.pid)' | in-guest run >/dev/null 2>&1 &");
    let script = format!("{ONCE_PAIRED}{kill}");
    let shell = driver.daemon().another_shell();
    let killed = tokio::spawn(async move { shell.run(&script, IN_A_CASE).await });
    let artefacts = execute_case(&mut driver, &case, 1, CaseLimits::default()).await;
    // The shell may end before it answers, as the guest does.
    let _ = killed.await.unwrap();
    let died = artefacts.transcript.iter().any(|record| matches!(record.event, Event::PeerDied { .. }));
    assert_ne!(problems(&artefacts.transcript), Vec::<String>::new());
    assert_eq!(died, own_fault, "{}", artefacts.peer_log);
    assert_agrees(&mut driver, &sanity("after", Role::Initiator)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_pluto_survives_and_what_its_kernel_keeps_is_said_of_the_case_and_not_of_the_next() {
    let Some((_guard, mut driver)) = pluto("health").await else { return };
    let steps = serde_json::json!([{"start": {"exchange": "both"}}, {"settle": {"ms": 5000}}]);
    let unwell = with_group(case("unwell", Role::Initiator, serde_json::from_value(steps).unwrap()));
    let script = ONCE_PAIRED.to_owned()
        + "printf 'EXPECTATION FAILED: made by a test' | in-guest mark
        echo >/core.7
        echo ip xfrm policy add dir out src 192.0.2.1 dst 192.0.2.2 tmpl proto esp mode tunnel | in-guest run";
    let shell = driver.daemon().another_shell();
    let made = tokio::spawn(async move { shell.run(&script, IN_A_CASE).await });
    let artefacts = execute_case(&mut driver, &unwell, 1, CaseLimits::default()).await;
    made.await.unwrap().unwrap();
    let said = |artefacts: &CaseArtefacts| {
        let said = |record: &Record| match &record.event {
            Event::PeerAlarm { line } => Some(line.clone()),
            Event::PeerLeft { what } => Some(what.clone()),
            _ => None,
        };
        artefacts.transcript.iter().filter_map(said).collect::<Vec<_>>()
    };
    let [alarm, left] = &said(&artefacts)[..] else {
        panic!("{:?}\n{}", said(&artefacts), artefacts.peer_log)
    };
    assert_eq!(alarm, "EXPECTATION FAILED: made by a test");
    assert!(left.contains("192.0.2.1") && left.contains("core file /core.7"), "{left}");
    let after = sanity("after", Role::Initiator);
    let artefacts = execute_case(&mut driver, &after, 1, CaseLimits::default()).await;
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new(), "{}", artefacts.peer_log);
    assert_eq!(said(&artefacts), Vec::<String>::new());
}
