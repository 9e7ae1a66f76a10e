//! Two charons in containers against each other: image, start, control, log, traffic, removal.
//!
//! Needs Docker. Without it the tests say so and pass, unless `IKEV1_REQUIRE_DOCKER=1` is set.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests, outside of test functions")]

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use ikev1_runner::docker::{
    CHARON_PROTECTED, Charon, CharonConnection, CharonIsakmpSa, DockerError, HARNESS_PROTECTED,
    IsakmpSaState, LogEvent, PeerContainer, PeerDir, RunGuard, ValueLabel, docker_available, ensure_image,
    parse_charon_log, parse_charon_notes, process_run_id, sweep, sweep_process,
};
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(30);

/// The image, or `None` where Docker is missing and not required.
async fn image() -> Option<String> {
    if let Err(reason) = docker_available().await {
        let required = std::env::var("IKEV1_REQUIRE_DOCKER").is_ok_and(|value| value == "1");
        assert!(!required, "IKEV1_REQUIRE_DOCKER=1, but {reason}");
        println!("skipped: {reason}");
        return None;
    }
    let peer = PeerDir::strongswan().unwrap();
    let suite = peer.suite(&peer.manifest.default_release).to_owned();
    let mut progress = |line: &str| println!("{line}");
    Some(ensure_image(&peer, &suite, &mut progress).await.unwrap())
}

fn guard(test: &str) -> RunGuard {
    RunGuard::new(format!("test-{}-{test}", std::process::id()))
}

/// The ISAKMP SAs of `charon`, as soon as `good` likes them.
async fn wait_for(charon: &Charon, good: impl Fn(&[CharonIsakmpSa]) -> bool) -> Vec<CharonIsakmpSa> {
    let started = Instant::now();
    loop {
        let sas = charon.list_sas().await.unwrap();
        if good(&sas) {
            return sas;
        }
        assert!(started.elapsed() < PATIENCE, "{sas:?}\n{}", charon.container().log_tail(40));
        sleep(Duration::from_millis(20)).await;
    }
}

/// One ISAKMP SA with one pair of IPsec SAs.
fn is_up(sas: &[CharonIsakmpSa]) -> bool {
    matches!(sas, [sa] if sa.state == IsakmpSaState::Established
        && matches!(sa.ipsec_sas.as_slice(), [pair] if pair.state == "INSTALLED"))
}

fn connections(left: &Charon, right: &Charon) -> (CharonConnection, CharonConnection) {
    let (left, right) = (left.container().address(), right.container().address());
    let ours = CharonConnection::new("net", left, right);
    let mut theirs = CharonConnection::new("net", right, left);
    (theirs.local_ts, theirs.remote_ts) = (ours.remote_ts.clone(), ours.local_ts.clone());
    (ours, theirs)
}

/// The derived values that both sides must share: all but NAT-D, which is about what each believes.
fn shared_values(log: &str) -> BTreeSet<(ValueLabel, Option<u32>, Vec<u8>)> {
    let values = parse_charon_log(log).into_iter();
    let values = values.filter(|value| !format!("{:?}", value.label).starts_with("NatD"));
    values.map(|value| (value.label, value.m_id, value.bytes)).collect()
}

async fn assert_ping(charon: &Charon) {
    let (from, to) = (HARNESS_PROTECTED.to_string(), CHARON_PROTECTED.to_string());
    let ping = ["ping", "-c", "1", "-W", "2", "-I", &from, &to];
    let output = charon.container().exec(&ping).await.unwrap();
    assert_eq!(output.exit_code, Some(0), "{}{}", output.stdout, output.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_charons_agree_on_every_value_and_carry_traffic() {
    let Some(image) = image().await else { return };
    let guard = guard("agree");
    let left = Charon::start(&image, guard.run_id(), CHARON_PROTECTED).await.unwrap();
    let right = Charon::start(&image, guard.run_id(), HARNESS_PROTECTED).await.unwrap();
    for (aggressive, phase1, phase2, shared_min) in [
        (false, "aes128-sha1-modp2048", "aes128-sha1", 25),
        (true, "3des-md5-modp1024", "3des-md5-modp1024", 25),
        (false, "aes256-sha256-modp1536", "aes256-sha256-modp1536", 26),
        (false, "des-md5-modp768", "des-md5", 25),
    ] {
        let (mut ours, mut theirs) = connections(&left, &right);
        for connection in [&mut ours, &mut theirs] {
            connection.aggressive = aggressive;
            connection.phase1_proposals = vec![phase1.to_owned()];
            connection.phase2_proposals = vec![phase2.to_owned()];
        }
        left.load(&ours).await.unwrap();
        right.load(&theirs).await.unwrap();
        let (left_from, right_from) = (left.container().log_len(), right.container().log_len());
        left.initiate("net").await.unwrap();

        let left_sas = wait_for(&left, is_up).await;
        let right_sas = wait_for(&right, is_up).await;
        assert!(left_sas[0].initiator && !right_sas[0].initiator);
        assert_eq!((left_sas[0].cky_i, left_sas[0].cky_r), (right_sas[0].cky_i, right_sas[0].cky_r));
        let (left_pair, right_pair) = (&left_sas[0].ipsec_sas[0], &right_sas[0].ipsec_sas[0]);
        assert_eq!((left_pair.spi_in, left_pair.spi_out), (right_pair.spi_out, right_pair.spi_in));

        assert_ping(&right).await;
        let pair = &left.list_sas().await.unwrap()[0].ipsec_sas[0];
        assert_eq!((pair.packets_in, pair.packets_out), (1, 1));
        assert_eq!((pair.bytes_in, pair.bytes_out), (84, 84));

        let left_log = left.settled_log(left_from).await.unwrap();
        let right_log = right.settled_log(right_from).await.unwrap();
        let left_values = shared_values(&left_log);
        assert_eq!(left_values, shared_values(&right_log), "{phase1} {phase2}");
        assert!(left_values.len() >= shared_min, "{} values: {left_values:?}", left_values.len());

        left.reset().await.unwrap();
        right.reset().await.unwrap();
        assert_eq!(left.list_sas().await.unwrap(), []);
    }
    left.remove().await.unwrap();
    drop(right);
    assert_eq!(sweep(guard.run_id()).await.unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charon_rekeys_and_deletes_on_command() {
    let Some(image) = image().await else { return };
    let guard = guard("rekey");
    let left = Charon::start(&image, guard.run_id(), CHARON_PROTECTED).await.unwrap();
    let right = Charon::start(&image, guard.run_id(), HARNESS_PROTECTED).await.unwrap();
    let (ours, theirs) = connections(&left, &right);
    left.load(&ours).await.unwrap();
    right.load(&theirs).await.unwrap();

    left.initiate_phase1("net").await.unwrap();
    let established = |sas: &[CharonIsakmpSa]| matches!(sas, [sa] if sa.state == IsakmpSaState::Established);
    let first = wait_for(&left, established).await;
    assert_eq!(first[0].ipsec_sas, []);

    left.initiate("net").await.unwrap();
    wait_for(&left, is_up).await;
    left.rekey_ipsec_sa("net").await.unwrap();
    let rekeyed = wait_for(&left, |sas| matches!(sas, [sa] if sa.ipsec_sas.len() == 2)).await;
    assert!(rekeyed[0].ipsec_sas.iter().any(|pair| pair.state == "REKEYED"), "{rekeyed:?}");

    left.rekey_isakmp_sa("net").await.unwrap();
    let renewed = |sas: &[CharonIsakmpSa]| {
        sas.iter().any(|sa| sa.state == IsakmpSaState::Established && sa.cky_i != first[0].cky_i)
    };
    let renewed = wait_for(&left, renewed).await;
    let carrier = renewed.iter().find(|sa| sa.state == IsakmpSaState::Established).unwrap();
    assert_eq!(carrier.ipsec_sas.len(), 2, "the IPsec SAs outlive their ISAKMP SA");
    assert_ping(&right).await;

    let from = right.container().log_len();
    left.terminate_ipsec_sa("net").await.unwrap();
    wait_for(&right, |sas| sas.iter().all(|sa| sa.ipsec_sas.is_empty())).await;
    left.terminate_isakmp_sa("net").await.unwrap();
    wait_for(&right, <[CharonIsakmpSa]>::is_empty).await;
    let log = right.settled_log(from).await.unwrap();
    let deletes = parse_charon_notes(&log).into_iter().filter(
        |note| matches!(&note.event, LogEvent::Received(message) if message.payloads == ["HASH", "D"]),
    );
    assert!(deletes.count() >= 3, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_and_a_dead_daemon_are_errors() {
    let Some(image) = image().await else { return };
    let guard = guard("errors");
    let charon = Charon::start(&image, guard.run_id(), CHARON_PROTECTED).await.unwrap();
    let mut connection =
        CharonConnection::new("net", charon.container().address(), charon.container().gateway());
    connection.phase1_proposals = vec!["rot13-sha1-modp2048".to_owned()];
    let error = charon.load(&connection).await.unwrap_err();
    assert!(error.to_string().contains("proposals"), "{error}");

    // The harness' side is silent, so the exchange hangs; the command must not.
    connection.phase1_proposals = vec!["aes128-sha1-modp2048".to_owned()];
    connection.remote_port = 9;
    charon.load(&connection).await.unwrap();
    // charon itself gives up after minutes.
    timeout(PATIENCE, charon.initiate("net")).await.expect("the command returns").unwrap();
    assert_eq!(charon.list_sas().await.unwrap()[0].state, IsakmpSaState::Connecting);
    charon.reset().await.unwrap();

    charon.container().exec(&["sh", "-c", "kill -KILL $(pidof charon)"]).await.unwrap();
    let started = Instant::now();
    while charon.container().is_running().await.unwrap() {
        assert!(started.elapsed() < PATIENCE);
        sleep(Duration::from_millis(20)).await;
    }
    assert!(matches!(charon.list_sas().await, Err(DockerError::Vici(_))));
    let log = charon.container().log_tail(100);
    assert!(log.contains("initiating Main Mode"), "the log outlives the daemon: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guard_removes_what_was_leaked() {
    let Some(image) = image().await else { return };
    let guard = guard("leak");
    let run_id = guard.run_id().to_owned();
    let charon = Charon::start(&image, &run_id, CHARON_PROTECTED).await.unwrap();
    let id = PeerContainer::id(charon.container()).to_owned();
    // What a killed or panicking harness leaves.
    std::mem::forget(charon);
    assert_eq!(listed("ps", &run_id).trim(), id);
    drop(guard);
    assert_eq!(listed("ps", &run_id), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_of_the_process_removes_its_runs_with_their_networks() {
    let Some(image) = image().await else { return };
    let run_id = format!("{}-7", process_run_id());
    let _guard = RunGuard::new(run_id.clone());
    let charon = Charon::start_apart(&image, &run_id, CHARON_PROTECTED).await.unwrap();
    std::mem::forget(charon);
    assert_ne!(listed("ps", &run_id), "");
    assert_ne!(listed("network", &run_id), "");
    sweep_process().unwrap();
    assert_eq!(listed("ps", &run_id), "");
    assert_eq!(listed("network", &run_id), "");
}

/// IDs of the containers (`ps`) or networks (`network`) that carry the label of a run.
fn listed(what: &str, run_id: &str) -> String {
    let list: &[&str] = if what == "ps" { &["ps", "--all"] } else { &["network", "ls"] };
    let filter = format!("label=ikev1-harness={run_id}");
    let output = std::process::Command::new("docker")
        .args(list)
        .args(["--quiet", "--no-trunc", "--filter", &filter])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}
