//! Cases against charon in a container: both roles, every derived value compared, traffic both ways.
//!
//! Needs Docker. Without it the tests say so and pass, unless `IKEV1_REQUIRE_DOCKER=1` is set.

use std::process::Output;
use std::time::Duration;

use crate::common::{both, case, echo, expect_sas, problems, start, values};
use ikev1_runner::docker::{ChosenPeer, PeerDir, RunGuard, docker_available};
use ikev1_runner::driver::Driver;
use ikev1_runner::execute::{CaseLimits, execute_case};
use ikev1_runner::target::strongswan::Strongswan;
use ikev1_scenario::case::Case;
use ikev1_scenario::model::{
    Cipher, Group, Hash, Identity, OnSa, Phase1Exchange, Role, SaKind, Side, Step, Which,
};
use ikev1_scenario::transcript::Event;
use rstest::rstest;

/// The default release of a peer with its image, or `None` where Docker is missing and not required.
pub(crate) async fn chosen(name: &str) -> Option<ChosenPeer> {
    if let Err(reason) = docker_available().await {
        let required = std::env::var("IKEV1_REQUIRE_DOCKER").is_ok_and(|value| value == "1");
        assert!(!required, "IKEV1_REQUIRE_DOCKER=1, but {reason}");
        println!("skipped: {reason}");
        return None;
    }
    let dir = PeerDir::of_this_source(name).unwrap();
    let mut progress = |line: &str| println!("{line}");
    Some(ChosenPeer::prepare(dir, name, None, "auto", &mut progress).await.unwrap())
}

async fn peer(guard: &RunGuard) -> Option<Strongswan> {
    let peer = chosen("strongswan").await?;
    Some(Strongswan::start(&peer, guard.run_id().to_owned()).await.unwrap())
}

fn sanity(id: &str, role: Role) -> Case {
    case(id, role, vec![start(), expect_sas(1, 1), echo()])
}

/// Runs a case; every value that charon logged must be one of ours.
async fn assert_agrees(driver: &mut Strongswan, case: &Case) {
    let artefacts = execute_case(driver, case, 1, CaseLimits::default()).await;
    let id = (&case.id, case.role);
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new(), "{id:?}\n{}", artefacts.peer_log);
    let harness = values(&artefacts.transcript, Side::Harness);
    // We log the IVs that follow what we sent, charon all.
    let peer = values(&artefacts.transcript, Side::Peer);
    let peer: Vec<_> = peer.iter().filter(|value| !value.starts_with("next IV")).collect();
    for label in ["g^xy", "SKEYID_d", "Ka", "phase 1 IV", "HASH_I", "HASH_R", "HASH(1)", "HASH(2)", "HASH(3)"]
    {
        assert!(peer.iter().any(|value| value.starts_with(label)), "{id:?}: charon shows no {label}");
    }
    let differing: Vec<_> = peer.iter().filter(|value| !harness.contains(**value)).collect();
    assert!(differing.is_empty(), "{id:?}: charon has {differing:#?}, we have {harness:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_roles_derive_what_charon_derives_and_carry_traffic() {
    let guard = RunGuard::new(format!("test-{}-strongswan", std::process::id()));
    let Some(mut driver) = peer(&guard).await else { return };
    assert!(driver.profile().version.starts_with(char::is_numeric), "{}", driver.profile().version);
    for role in [Role::Initiator, Role::Responder] {
        assert_agrees(&mut driver, &sanity("main-mode", role)).await;
        let aggressive = both(sanity("aggressive-mode", role), |side| {
            side.exchange = Phase1Exchange::AggressiveMode;
            side.phase1.transforms[0].cipher = Cipher::TripleDes;
            side.phase1.transforms[0].hash = Hash::Md5;
        });
        assert_agrees(&mut driver, &aggressive).await;
        let pfs = both(sanity("pfs", role), |side| {
            side.phase2.pfs = Some(Group::Modp1024);
            side.phase1.transforms[0].cipher = Cipher::Aes256;
            side.phase1.transforms[0].hash = Hash::Sha2_256;
        });
        assert_agrees(&mut driver, &pfs).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn charon_deletes_and_rekeys_when_told_and_the_next_case_starts_without_sas() {
    let guard = RunGuard::new(format!("test-{}-strongswan-commands", std::process::id()));
    let Some(mut driver) = peer(&guard).await else { return };
    let named = |mut case: Case| {
        case.config.harness.id = Identity::Fqdn("harness.example.org".to_owned());
        case.config.peer.remote_id = case.config.harness.id.clone();
        case.config.peer.id = Identity::UserFqdn("peer@example.org".to_owned());
        case.config.harness.remote_id = case.config.peer.id.clone();
        case
    };
    let on = |sa| OnSa { sa, which: Which::Newest, by: Side::Peer };
    let mut steps = sanity("", Role::Initiator).steps;
    steps.extend([Step::Rekey(on(SaKind::Ipsec)), expect_sas(1, 2), echo()]);
    steps.extend([Step::Delete(on(SaKind::Isakmp)), expect_sas(0, 0)]);
    let mut case = both(case("rekey-and-delete", Role::Initiator, steps), |side| {
        side.exchange = Phase1Exchange::AggressiveMode;
    });
    case = named(case);
    assert_agrees(&mut driver, &case).await;
    assert_agrees(&mut driver, &sanity("after", Role::Initiator)).await;
}

/// Does something to the container once charon has an IPsec SA.
fn once_paired(command: &'static str, id: &str) {
    let id = id.to_owned();
    let is_pair = |line: &str| line.contains("CHILD_SA") && line.contains("established");
    tokio::spawn(async move {
        let docker =
            |command: &str| tokio::process::Command::new("docker").args([command, id.as_str()]).output();
        let paired = |log: &Output| {
            let lines = |text| String::from_utf8_lossy(text).lines().any(is_pair);
            lines(&log.stdout) || lines(&log.stderr)
        };
        while !paired(&docker("logs").await.unwrap()) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let output = docker(command).await.unwrap();
        assert!(output.status.success(), "{output:?}");
    });
}

#[rstest]
#[case::dies("kill")]
#[case::hangs("pause")]
#[tokio::test(flavor = "multi_thread")]
async fn a_charon_that_fails_costs_one_case(#[case] how: &'static str) {
    let guard = RunGuard::new(format!("test-{}-strongswan-{how}", std::process::id()));
    let Some(mut driver) = peer(&guard).await else { return };
    let steps = serde_json::json!([
        {"start": {"exchange": "both"}},
        {"settle": {"ms": 5000}},
        {"expect_state": {"ipsec_sas": {"exactly": 1}}}
    ]);
    let case = case(how, Role::Initiator, serde_json::from_value(steps).unwrap());
    once_paired(how, driver.charon().container().id());
    let artefacts = execute_case(&mut driver, &case, 1, CaseLimits::default()).await;
    let problems = problems(&artefacts.transcript);
    assert!(problems[0].contains("charon: list SAs"), "{problems:?}");
    assert!(problems.iter().skip(1).all(|problem| problem.contains("did not answer before")), "{problems:?}");
    assert!(artefacts.peer_log.contains("SKEYID"), "{}", artefacts.peer_log);
    assert_agrees(&mut driver, &sanity("after", Role::Initiator)).await;
}

#[rstest]
#[case::by_us(Side::Harness)]
#[case::by_charon(Side::Peer)]
#[tokio::test(flavor = "multi_thread")]
async fn sas_are_replaced_before_their_short_real_lives_end(#[case] by: Side) {
    let guard = RunGuard::new(format!("test-{}-strongswan-rekey-{by}", std::process::id()));
    let Some(mut driver) = peer(&guard).await else { return };
    let role = if by == Side::Harness { Role::Initiator } else { Role::Responder };
    let mut steps = sanity("", role).steps;
    let rekeyed = serde_json::json!([
        {"expect": {"message": {"exchange": "quick-mode", "number": 3, "occurrence": 2}, "from": by, "within_ms": 8000}},
        {"traffic": {}},
        {"expect": {"message": {"exchange": "main-mode", "number": 6, "occurrence": 2}, "from": by.other(), "within_ms": 8000}},
        {"settle": {"ms": 200}},
        {"traffic": {}}
    ]);
    steps.extend::<Vec<Step>>(serde_json::from_value(rekeyed).unwrap());
    let mut case = both(case("rekey", role, steps), |side| {
        side.phase1.lifetime_seconds = 9;
        side.phase2.lifetime_seconds = 6;
        side.rekey_margin_seconds = 3;
    });
    let replaces = if by == Side::Harness { &mut case.config.harness } else { &mut case.config.peer };
    replaces.rekey = true;
    assert_agrees(&mut driver, &case).await;
}

#[rstest]
#[case::a_fault_that_it_catches("SEGV", true)]
#[case::a_fault_that_it_does_not_catch("ABRT", true)]
#[case::a_kill("KILL", false)]
#[tokio::test(flavor = "multi_thread")]
async fn a_charon_that_dies_of_a_fault_of_its_own_is_told_from_one_that_was_killed(
    #[case] signal: &str,
    #[case] own_fault: bool,
) {
    let guard = RunGuard::new(format!("test-{}-strongswan-{signal}", std::process::id()));
    let Some(mut driver) = peer(&guard).await else { return };
    let dying = Case { id: signal.to_owned(), ..sanity("", Role::Initiator) };
    // Processes of the container are found by their name, as it has no pidof.
    let kill = format!("kill -{signal} $(grep -l '^charon$' /proc/[0-9]*/comm | cut -d/ -f3)");
    let killed = driver.charon().container().exec(&["sh", "-c", &kill]).await.unwrap();
    assert_eq!(killed.exit_code, Some(0), "{killed:?}");
    let artefacts = execute_case(&mut driver, &dying, 1, CaseLimits::default()).await;
    let died = artefacts.transcript.iter().any(|record| matches!(record.event, Event::PeerDied { .. }));
    assert_ne!(problems(&artefacts.transcript), Vec::<String>::new());
    assert_eq!(died, own_fault, "{}", artefacts.peer_log);
    assert_agrees(&mut driver, &sanity("after", Role::Initiator)).await;
}
