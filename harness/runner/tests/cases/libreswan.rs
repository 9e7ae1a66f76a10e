//! Cases against pluto in a container: both roles, its logged values and the keys in its kernel compared, traffic both ways.
//!
//! Needs Docker. Without it the tests say so and pass, unless `IKEV1_REQUIRE_DOCKER=1` is set.

use crate::common::{both, case, echo, problems, start, values};
use crate::strongswan::chosen;
use ikev1_runner::docker::{Control, RunGuard};
use ikev1_runner::driver::Driver;
use ikev1_runner::execute::{CaseLimits, execute_case};
use ikev1_runner::target::shell_peer::ShellPeer;
use ikev1_scenario::case::Case;
use ikev1_scenario::model::{
    Cipher, Encapsulation, ExpectState, Group, Hash, OnSa, Phase1Exchange, Protocol, Role, SaKind, Side,
    Step, Which,
};
use ikev1_scenario::transcript::{Event, Record};

/// pluto of the default release, and the guard of its containers; `None` where Docker is missing and not required.
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
    for label in
        ["phase 1 IV", "phase 2 IV", "HASH_I", "HASH_R", "HASH(1)", "HASH(2)", "HASH(3)", "encryption key"]
    {
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
        let mut ah = both(sanity("ah", role), |side| side.phase2.protocol = Protocol::Ah);
        ah.steps.pop();
        let artefacts = execute_case(&mut driver, &ah, 1, CaseLimits::default()).await;
        assert_eq!(problems(&artefacts.transcript), Vec::<String>::new(), "{}", artefacts.peer_log);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pluto_deletes_and_rekeys_when_told_and_the_next_case_starts_without_sas() {
    let Some((_guard, mut driver)) = pluto("commands").await else { return };
    let on = |sa| OnSa { sa, which: Which::Newest, by: Side::Peer };
    let mut steps = sanity("", Role::Initiator).steps;
    steps.extend([Step::Rekey(on(SaKind::Ipsec)), expect_sas(1, 2), echo()]);
    steps.extend([Step::Rekey(on(SaKind::Isakmp)), expect_sas(2, 2), echo()]);
    steps.extend([Step::Delete(on(SaKind::Ipsec)), expect_sas(2, 1)]);
    let case = with_group(case("rekey-and-delete", Role::Initiator, steps));
    assert_agrees(&mut driver, &case).await;
    assert_agrees(&mut driver, &sanity("after", Role::Initiator)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pluto_that_dies_of_a_fault_of_its_own_is_told_from_one_that_was_killed() {
    let Some((_guard, mut driver)) = pluto("death").await else { return };
    let died = |transcript: &[Record]| {
        transcript.iter().any(|record| matches!(record.event, Event::PeerDied { .. }))
    };
    for (signal, own_fault) in [("SEGV", true), ("KILL", false)] {
        let steps = serde_json::json!([
            {"start": {"exchange": "both"}},
            {"settle": {"ms": 3000}},
            {"expect_state": {"ipsec_sas": {"exactly": 1}}}
        ]);
        let case = with_group(case(signal, Role::Initiator, serde_json::from_value(steps).unwrap()));
        let script = format!("sleep 1; kill -{signal} $(cat /run/pluto/pluto.pid)");
        let shell = driver.daemon().another_shell();
        let killed = tokio::spawn(async move { shell.run(&script, std::time::Duration::from_secs(5)).await });
        let artefacts = execute_case(&mut driver, &case, 1, CaseLimits::default()).await;
        let _ = killed.await.unwrap();
        assert_ne!(problems(&artefacts.transcript), Vec::<String>::new(), "{signal}");
        assert_eq!(died(&artefacts.transcript), own_fault, "{signal}: {}", artefacts.peer_log);
    }
    assert_agrees(&mut driver, &sanity("after", Role::Initiator)).await;
}
