//! One pair of daemons through two combinations of the matrix: traffic, wire, keys, and nothing left behind.
//!
//! Needs Docker. Without it the test says so and passes, unless `IKEV1_REQUIRE_DOCKER=1` is set.

use std::path::Path;
use std::sync::Arc;

use ikev1_runner::docker::{ChosenPeer, PeerDir, RunGuard, docker_available, sweep};
use ikev1_runner::matrix::{Pair, combinations};
use ikev1_runner::run::Stop;
use ikev1_scenario::Verdict;
use ikev1_scenario::pki::CredentialFiles;

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_of_charons_passes_with_the_wire_as_evidence() {
    if let Err(reason) = docker_available().await {
        let required = std::env::var("IKEV1_REQUIRE_DOCKER").is_ok_and(|value| value == "1");
        assert!(!required, "IKEV1_REQUIRE_DOCKER=1, but {reason}");
        println!("skipped: {reason}");
        return;
    }
    let mut progress = |line: &str| println!("{line}");
    let dir = PeerDir::strongswan().unwrap();
    let peer = ChosenPeer::prepare(dir, "strongswan", None, "auto", &mut progress).await.unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/credentials");
    let all = combinations(&Arc::new(CredentialFiles::load(&folder).unwrap())).unwrap();
    let guard = RunGuard::new(format!("test-{}-matrix", std::process::id()));
    let mut pair = Pair::start(&peer, &peer, guard.run_id()).await.unwrap();
    for id in ["matrix/main-mode/psk/pfs/rekey", "matrix/aggressive-mode/rsa-signature/no-pfs/no-rekey"] {
        let combination = all.iter().find(|combination| combination.id() == id).unwrap();
        let cell = pair.play(combination, &Stop::default()).await.unwrap();
        // Where the process may not listen, everything else has passed.
        let heard = !cell.reason.contains("the wire was not captured");
        let expected = if heard { Verdict::Pass } else { Verdict::Info };
        assert_eq!(cell.verdict, expected, "{id}: {} {:?} {:?}", cell.reason, cell.findings, cell.notes);
        assert_eq!(heard, !cell.files.capture.is_empty());
        assert!(!cell.files.keys.is_empty(), "{:?}", cell.notes);
        assert!(cell.files.initiator_log.contains("ESTABLISHED"));
    }
    drop(pair);
    assert_eq!(sweep(guard.run_id()).await.unwrap(), Vec::<String>::new(), "containers were left");
}
