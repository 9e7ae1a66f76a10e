//! `ci`: everything that CI checks. Every step runs, even after a failure; the end names the ones that failed.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{self, Outcome};
use crate::report::Report;

/// Arguments of `ci`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Leave out what needs Docker
    #[arg(long)]
    no_containers: bool,
    /// Name the steps, and run none
    #[arg(long)]
    dry_run: bool,
}

/// The command of the README that runs the tests.
const TEST_COMMAND: &[&str] = &["test", "--workspace"];
/// Where the strongSwan run leaves its report, below the workspace.
const STRONGSWAN_RUN: &str = "reports/run/ci/strongswan";
/// The same for the libreswan run.
const LIBRESWAN_RUN: &str = "reports/run/ci/libreswan";
/// The same for the run on the kernel of a guest, where the host's has ESP.
const GUEST_RUN: &str = "reports/run/ci/libreswan-guest";
/// The same for the run of daemon against daemon.
const MATRIX_RUN: &str = "reports/run/ci/matrix";
/// The same for the clients', and for the peer without IKEv1.
const VPNC_RUN: &str = "reports/run/ci/vpnc";
const IKE_SCAN_RUN: &str = "reports/run/ci/ike-scan";
const OPENIKED_RUN: &str = "reports/run/ci/openiked";
/// As few cases that passed show that the container cases really ran.
const CONTAINER_CASES_MIN: usize = 25;
/// As many lines of what a run found are repeated at the end.
const UNEXPECTED_MAX: usize = 20;
/// As many of the last lines of another step that failed are.
const LAST_LINES_MAX: usize = 50;
/// So long a process that a step has left behind may keep its output open.
const OUTPUT_OPEN_MAX: Duration = Duration::from_secs(2);
const INITIATOR: &str = "initiator";
const RESPONDER: &str = "responder";
/// The harness' roles in the runs: clients only initiate, and a peer without IKEv1 only refuses.
const BOTH: &[&str] = &[INITIATOR, RESPONDER];

/// What a step does.
enum Action {
    Cargo(&'static [&'static str]),
    /// A command of the harness, as `cargo xtask` starts it.
    Xtask(&'static [&'static str]),
    Check(fn(&Path) -> Result<(), String>),
}

struct Step {
    what: &'static str,
    action: Action,
    containers: bool,
}

const fn cargo(what: &'static str, arguments: &'static [&'static str]) -> Step {
    Step { what, action: Action::Cargo(arguments), containers: false }
}

const fn xtask(what: &'static str, arguments: &'static [&'static str]) -> Step {
    Step { what, action: Action::Xtask(arguments), containers: false }
}

const STEPS: &[Step] = &[
    cargo("lock file", &["fetch", "--locked"]),
    cargo("formatting", &["fmt", "--all", "--check"]),
    cargo("lints", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    Step {
        what: "README names the test command",
        action: Action::Check(readme_names_tests),
        containers: false,
    },
    cargo("tests", TEST_COMMAND),
    cargo("documentation", &["doc", "--workspace", "--no-deps"]),
    // What only the features have, each step with both, so that they share one build.
    cargo(
        "lints with OpenSSL and mutants",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--features",
            "ikev1-runner/openssl,ikev1-runner/mutants",
            "--",
            "-D",
            "warnings",
        ],
    ),
    cargo(
        "tests of the engine with OpenSSL and deviations",
        &["test", "--package", "ikev1", "--features", "openssl,deviations"],
    ),
    cargo(
        "tests of mutants",
        &["test", "--package", "ikev1-runner", "--lib", "--features", "openssl,mutants", "mutants"],
    ),
    xtask("mutants that the suite catches", &["mutants"]),
    xtask("scenarios", &["lint"]),
    xtask("schemas", &["schema", "--check"]),
    xtask("list of features", &["features", "--check"]),
    // Gaps that are known are in the committed file; a new one changes it.
    xtask("coverage of the RFCs", &["trace", "--check"]),
    xtask("vectors on both providers", &["vectors"]),
    xtask("conformance of ourselves", &["conform", "--out", "reports/run/ci/self"]),
    xtask("sample report", &["sample", "--check"]),
    xtask("verdicts from disk", &["rejudge", "reports/run/ci/self", "--check"]),
    Step {
        containers: true,
        ..xtask("conformance of strongSwan", &["conform", "--peer", "strongswan", "--out", STRONGSWAN_RUN])
    },
    Step {
        what: "strongSwan cases ran",
        action: Action::Check(|root| cases_ran(root, STRONGSWAN_RUN, CONTAINER_CASES_MIN, BOTH)),
        containers: true,
    },
    Step {
        what: "strongSwan's report in a browser",
        action: Action::Check(report_in_a_browser),
        containers: true,
    },
    Step {
        containers: true,
        ..xtask(
            "what strongSwan speaks",
            &["discover", "--peer", "strongswan", "--out", "reports/run/ci/discover"],
        )
    },
    Step {
        containers: true,
        // Without malformed messages (`rfc2408`, `faults`), which strongSwan has all of: its guests take two fifths of their time
        // for them. With fewer guests than the manifest has, as the machine may be slow.
        ..xtask(
            "conformance of libreswan",
            &[
                "conform",
                "rfc2407/**",
                "rfc2409/**",
                "rfc[34]*/**",
                "draft-*/**",
                "fragmentation/**",
                "interop/client/**",
                "--peer",
                "libreswan",
                "--jobs",
                "8",
                "--out",
                LIBRESWAN_RUN,
            ],
        )
    },
    Step {
        what: "libreswan cases ran",
        action: Action::Check(|root| cases_ran(root, LIBRESWAN_RUN, CONTAINER_CASES_MIN, BOTH)),
        containers: true,
    },
    Step {
        containers: true,
        ..xtask(
            "conformance of vpnc",
            &[
                "conform",
                "interop/client/**",
                "rfc2407/4.6.2*/key-id-sent*",
                "--peer",
                "vpnc",
                "--out",
                VPNC_RUN,
            ],
        )
    },
    Step {
        what: "vpnc cases ran",
        action: Action::Check(|root| cases_ran(root, VPNC_RUN, CONTAINER_CASES_MIN, &[RESPONDER])),
        containers: true,
    },
    Step {
        containers: true,
        ..xtask(
            "conformance with ike-scan",
            &["conform", "interop/first-message/**", "--peer", "ike-scan", "--out", IKE_SCAN_RUN],
        )
    },
    Step {
        what: "ike-scan cases ran",
        action: Action::Check(|root| cases_ran(root, IKE_SCAN_RUN, CONTAINER_CASES_MIN, &[RESPONDER])),
        containers: true,
    },
    Step {
        containers: true,
        ..xtask(
            "openiked refuses IKEv1",
            &["conform", "interop/no-ikev1/**", "--peer", "openiked", "--out", OPENIKED_RUN],
        )
    },
    Step {
        what: "openiked cases ran",
        action: Action::Check(|root| cases_ran(root, OPENIKED_RUN, 3, &[INITIATOR])),
        containers: true,
    },
    Step {
        what: "libreswan on the guest's kernel too",
        action: Action::Check(other_kernel),
        containers: true,
    },
    Step {
        containers: true,
        ..xtask(
            "strongSwan and libreswan against each other",
            &[
                "conform",
                "--matrix",
                "matrix/*/*/pfs/no-rekey",
                "matrix/main-mode/psk/no-pfs/rekey",
                "--peer",
                "strongswan",
                "--peer",
                "libreswan",
                "--out",
                MATRIX_RUN,
            ],
        )
    },
    Step { what: "cells of the matrix ran", action: Action::Check(cells_ran), containers: true },
    Step { what: "no container is left", action: Action::Check(no_container_is_left), containers: true },
];

pub(crate) fn run(args: &Args) -> Outcome {
    match steps(args) {
        Ok(outcome) => outcome,
        Err(error) => {
            // Nothing is left to be told when standard error is closed too.
            let _ = writeln!(io::stderr(), "error: {error}");
            Outcome::Harness
        }
    }
}

fn steps(args: &Args) -> io::Result<Outcome> {
    let root = harness::root();
    let mut err = io::stderr();
    let mut summary = Vec::new();
    let mut failed = false;
    for step in STEPS.iter().filter(|step| !(args.no_containers && step.containers)) {
        writeln!(err, "\n=== ci: {}", step.what)?;
        if args.dry_run {
            continue;
        }
        let start = Instant::now();
        let result = run_step(step, &root);
        let seconds = start.elapsed().as_secs();
        let outcome = match &result {
            Ok(()) => "ok".to_owned(),
            Err(failure) => format!("FAILED: {}", failure.reason),
        };
        writeln!(err, "=== ci: {}: {outcome}, after {seconds} s", step.what)?;
        summary.push(format!("{seconds:>5} s  {}: {outcome}", step.what));
        if let Err(failure) = result {
            failed = true;
            summary.extend(failure.lines.iter().map(|line| format!("         {line}")));
        }
    }
    for line in &summary {
        writeln!(err, "{line}")?;
    }
    Ok(if failed { Outcome::Unexpected } else { Outcome::Success })
}

/// Why a step failed, and what the end repeats of it, as little else may be kept of a long log.
struct Failure {
    reason: String,
    lines: Vec<String>,
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self { reason, lines: Vec::new() }
    }
}

fn run_step(step: &Step, root: &Path) -> Result<(), Failure> {
    let mut command = match step.action {
        Action::Check(check) => return Ok(check(root)?),
        Action::Xtask(arguments) => harness::command(arguments.iter().map(Into::into)),
        Action::Cargo(arguments) => {
            let mut command = harness::cargo();
            command.args(arguments);
            command
        }
    };
    if step.what == "documentation" {
        command.env("RUSTDOCFLAGS", "-D warnings");
    }
    command.current_dir(root);
    let (status, last_lines) = watched(command).map_err(|error| error.to_string())?;
    if status.success() {
        return Ok(());
    }
    let lines = unexpected(step, root).unwrap_or(last_lines);
    Err(Failure { reason: status.to_string(), lines })
}

/// Runs a command, whose output goes to standard error; gives its last lines too.
fn watched(mut command: Command) -> io::Result<(ExitStatus, Vec<String>)> {
    let (reader, writer) = io::pipe()?;
    let mut child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // It holds ends of the pipe.
    drop(command);
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            let _ = writeln!(io::stderr(), "{line}");
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let status = child.wait()?;
    let mut last_lines = VecDeque::new();
    while let Ok(line) = lines.recv_timeout(OUTPUT_OPEN_MAX) {
        last_lines.push_back(line);
        if last_lines.len() > LAST_LINES_MAX {
            last_lines.pop_front();
        }
    }
    Ok((status, last_lines.into()))
}

/// What the run of a step that failed has in its report; `None` where it has none, or nothing is wrong by it.
fn unexpected(step: &Step, root: &Path) -> Option<Vec<String>> {
    let Action::Xtask(arguments) = step.action else { return None };
    let [_, out] = arguments.windows(2).find(|pair| pair[0] == "--out")? else { return None };
    let mut lines = Report::load(&root.join(out)).ok()?.unexpected();
    let more = lines.len().saturating_sub(UNEXPECTED_MAX);
    lines.truncate(UNEXPECTED_MAX);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    (!lines.is_empty()).then_some(lines)
}

/// The README's test command is the one that runs here.
fn readme_names_tests(root: &Path) -> Result<(), String> {
    let command = format!("cargo {}", TEST_COMMAND.join(" "));
    let readme = std::fs::read_to_string(root.join("README.md")).map_err(|e| e.to_string())?;
    if readme.contains(&command) { Ok(()) } else { Err(format!("README.md does not name `{command}`")) }
}

/// A run in which the container cases did not run is no success.
fn cases_ran(root: &Path, run: &str, at_least: usize, roles: &[&str]) -> Result<(), String> {
    let report = Report::load(&root.join(run))?;
    let (ran, seen) = report.ran();
    if ran >= at_least && seen.iter().eq(roles) {
        return Ok(());
    }
    let (seen, wanted) = (Vec::from_iter(seen).join(", "), roles.join(", "));
    Err(format!("{ran} cases passed, with the harness as {seen}; expected {at_least} or more, as {wanted}"))
}

/// The tests of `browser/tests/of_any_run.rs`, which the tests have run on the sample, on the report of a real daemon's run.
fn report_in_a_browser(root: &Path) -> Result<(), String> {
    let status = harness::cargo()
        .args(["test", "--package", "xtask", "of_any_run"])
        .env("IKEV1_BROWSER_RUN", STRONGSWAN_RUN)
        .current_dir(root)
        .status()
        .map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(status.to_string()) }
}

/// Where the host's kernel had the IPsec SAs, a guest's has to have them as well.
fn other_kernel(root: &Path) -> Result<(), String> {
    let kernels: Vec<String> =
        Report::load(&root.join(LIBRESWAN_RUN))?.peers.into_iter().filter_map(|peer| peer.kernel).collect();
    if !kernels.iter().any(|kernel| kernel.starts_with("host")) {
        let _ = writeln!(io::stderr(), "the host's kernel has no part in it: {}", kernels.join(", "));
        return if kernels.is_empty() { Err("the report names no kernel".to_owned()) } else { Ok(()) };
    }
    let arguments =
        ["conform", "--peer", "libreswan", "--kernel", "uml", "rfc2409/5.5*/**", "--out", GUEST_RUN];
    let status = harness::command(arguments.iter().map(Into::into)).current_dir(root).status();
    let status = status.map_err(|e| e.to_string())?;
    if status.success() {
        cases_ran(root, GUEST_RUN, CONTAINER_CASES_MIN, BOTH)
    } else {
        Err(status.to_string())
    }
}

/// A matrix in which the two daemons were not set up with each other is no success.
fn cells_ran(root: &Path) -> Result<(), String> {
    let report = Report::load(&root.join(MATRIX_RUN))?;
    if report.passed("strongswan", "libreswan") && report.passed("libreswan", "strongswan") {
        return Ok(());
    }
    let cells = report.matrix.map_or(0, |matrix| matrix.cells.len());
    Err(format!("{cells} cells, and none passed with strongSwan and libreswan in both orders"))
}

/// All containers and networks of the run are gone.
fn no_container_is_left(_: &Path) -> Result<(), String> {
    for list in [["ps", "--all"], ["network", "ls"]] {
        let output = Command::new("docker")
            .args(list)
            .args(["--quiet", "--filter", "label=ikev1-harness"])
            .output()
            .map_err(|e| e.to_string())?;
        let left = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || !left.trim().is_empty() {
            return Err(format!("docker {}: {}", list.join(" "), left.trim().replace('\n', " ")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_of_a_command_are_kept_from_both_of_its_outputs() {
        let mut command = Command::new("sh");
        command.args(["-c", "for n in $(seq 99); do echo line $n; done; echo why >&2; exit 3"]);
        let (status, lines) = watched(command).unwrap();
        assert_eq!(status.code(), Some(3));
        assert_eq!(lines.len(), LAST_LINES_MAX);
        assert_eq!(lines[LAST_LINES_MAX - 2..], ["line 99", "why"]);
    }

    #[test]
    fn what_a_command_leaves_behind_does_not_hold_up_the_next() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo begun; sleep 20 &"]);
        let start = Instant::now();
        let (status, lines) = watched(command).unwrap();
        assert!(status.success() && start.elapsed() < Duration::from_secs(15));
        assert_eq!(lines, ["begun"]);
    }
}
