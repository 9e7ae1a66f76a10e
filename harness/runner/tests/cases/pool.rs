//! A pool of charons: cases side by side, and the loss of a container costs no case.
//!
//! Needs Docker. Without it the test says so and passes, unless `IKEV1_REQUIRE_DOCKER=1` is set.

use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{case, expect_sas, start};
use crate::strongswan::chosen;
use ikev1_report::model::CaseResult;
use ikev1_runner::docker::{LABEL, RunGuard, log_of_run, sweep_blocking};
use ikev1_runner::execute::CaseLimits;
use ikev1_runner::run::{CaseRunner, PoolRunner, PoolSize, RunOptions, Stop, run_cases, sanity_case};
use ikev1_runner::target::strongswan::Strongswan;
use ikev1_scenario::DEFAULT_GROUP;
use ikev1_scenario::case::Case;
use ikev1_scenario::model::{Advance, Role, Step};
use ikev1_scenario::verdict::Verdict;

fn docker(args: &[&str]) -> String {
    String::from_utf8(Command::new("docker").args(args).output().unwrap().stdout).unwrap()
}

fn labelled(command: &[&str], run: &str) -> String {
    let filter = format!("label={LABEL}={run}");
    docker(&[command, &["--quiet", "--filter", &filter]].concat())
}

/// Both sides have their SAs, three seconds later still.
fn waiting(number: usize, role: Role) -> Case {
    let wait = Step::Advance(Advance { seconds: 3 });
    let steps = vec![start(), expect_sas(1, 1), wait, expect_sas(1, 1)];
    // The judge needs to know what is good: that both SAs stand at the end, as after a sanity handshake.
    let accept = sanity_case("first", DEFAULT_GROUP).unwrap().accept;
    Case { accept, ..case(&format!("pool/{number}"), role, steps) }
}

#[test]
fn a_container_that_is_killed_is_replaced_and_its_case_played_again() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let Some(peer) = runtime.block_on(chosen("strongswan")) else { return };
    let run = format!("test-{}-pool", std::process::id());
    let members: Vec<_> = (1..=6).map(|n| format!("{run}-{n}")).collect();
    let _guards: Vec<_> = members.iter().map(RunGuard::new).collect();
    let start = Box::new(move |runtime: &tokio::runtime::Runtime, member: &str| {
        let started = runtime.block_on(Strongswan::start(&peer, member.to_owned()));
        started.map_err(|error| error.to_string())
    });
    let discard = Box::new(|member: &str| {
        let log = log_of_run(member);
        sweep_blocking(member).unwrap();
        log
    });
    let size = PoolSize { members: 2, at_work: 2 };
    let pool = PoolRunner::new(run, size, None, runtime, CaseLimits::default(), start, discard).unwrap();
    let pool: Arc<dyn CaseRunner> = Arc::new(pool);
    let folder = tempfile::tempdir().unwrap();
    let options = RunOptions {
        jobs: 2,
        seed: 7,
        group: None,
        strength: ikev1_scenario::DEFAULT_STRENGTH,
        strict: false,
        folder: folder.path().to_owned(),
        program: "cargo xtask".to_owned(),
        redact: false,
        probes: false,
        stop: Stop::default(),
    };
    // Both roles: as responder the harness owns port 500 once for each member.
    let cases = (0..6).map(|n| waiting(n, if n % 2 == 0 { Role::Initiator } else { Role::Responder }));
    let victim = members[1].clone();
    let killer = thread::spawn(move || {
        let deadline = Instant::now() + Duration::from_secs(60);
        while labelled(&["ps"], &victim).is_empty() {
            assert!(Instant::now() < deadline, "the second member never came up");
            thread::sleep(Duration::from_millis(50));
        }
        // Its sanity handshake is over by then, and a case of three seconds under way.
        thread::sleep(Duration::from_millis(3500));
        docker(&["kill", labelled(&["ps"], &victim).trim()]);
    });
    let results = run_cases(cases.collect(), &pool, &[], &options, &mut |_| ());
    killer.join().unwrap();
    pool.close();

    let verdicts: Vec<_> =
        results.iter().map(|result| (&result.id, result.verdict, &result.reason)).collect();
    assert_eq!(verdicts.len(), 6);
    assert!(verdicts.iter().all(|(_, verdict, _)| *verdict == Verdict::Pass), "{verdicts:?}");
    let again = |result: &&CaseResult| result.notes.iter().any(|note| note.contains("second time"));
    let again: Vec<_> = results.iter().filter(again).collect();
    assert_eq!(again.len(), 1, "{again:?}");
    let second = folder.path().join(&again[0].artefacts["peer-log"]);
    for log in [second.with_file_name("first-play").join("peer.log"), second] {
        let log = std::fs::read_to_string(log).expect("a log of each play");
        assert!(log.contains("ISAKMP") || log.contains("IKE"), "charon's log of one play: {log:?}");
    }
    for member in &members {
        assert_eq!(labelled(&["ps", "--all"], member), "", "containers of {member}");
        assert_eq!(labelled(&["network", "ls"], member), "", "networks of {member}");
    }
}
