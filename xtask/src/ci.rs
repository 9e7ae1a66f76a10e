//! `ci`: everything that CI checks. Every step runs, even after a failure; the end names the ones that failed.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use ikev1_report::Outcome;
use ikev1_report::model::Report;
use ikev1_scenario::Verdict;
use ikev1_scenario::model::Role;

use crate::harness;

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
/// As few cases that passed show that the container cases really ran.
const CONTAINER_CASES_MIN: usize = 25;

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
    cargo(
        "lints with OpenSSL",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--features",
            "ikev1-runner/openssl",
            "--",
            "-D",
            "warnings",
        ],
    ),
    cargo("tests of the engine with OpenSSL", &["test", "--package", "ikev1", "--features", "openssl"]),
    xtask("scenarios", &["lint"]),
    xtask("schemas", &["schema", "--check"]),
    xtask("list of features", &["features", "--check"]),
    xtask("vectors on both providers", &["vectors"]),
    xtask("conformance of ourselves", &["conform", "--out", "reports/run/ci/self"]),
    xtask("verdicts from disk", &["rejudge", "reports/run/ci/self", "--check"]),
    Step {
        containers: true,
        ..xtask("conformance of strongSwan", &["conform", "--peer", "strongswan", "--out", STRONGSWAN_RUN])
    },
    Step {
        what: "strongSwan cases ran",
        action: Action::Check(|root| cases_ran(root, STRONGSWAN_RUN)),
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
        ..xtask(
            "conformance of libreswan",
            &[
                "conform",
                // Each case takes its User-Mode Linux guest seconds: what its known deviations are in, and the key chain.
                "rfc2407/**",
                "rfc2408/5.[1-8]-*/**",
                "rfc2408/5.1[1345]-*/**",
                "rfc2409/5.4*/**",
                "rfc2409/5.5*/**",
                "rfc2409/b-*/**",
                "--peer",
                "libreswan",
                "--out",
                LIBRESWAN_RUN,
            ],
        )
    },
    Step {
        what: "libreswan cases ran",
        action: Action::Check(|root| cases_ran(root, LIBRESWAN_RUN)),
        containers: true,
    },
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
        let outcome = match result {
            Ok(()) => "ok".to_owned(),
            Err(reason) => {
                failed = true;
                format!("FAILED: {reason}")
            }
        };
        writeln!(err, "=== ci: {}: {outcome}", step.what)?;
        summary.push(format!("{seconds:>5} s  {}: {outcome}", step.what));
    }
    for line in &summary {
        writeln!(err, "{line}")?;
    }
    Ok(if failed { Outcome::Unexpected } else { Outcome::Success })
}

fn run_step(step: &Step, root: &Path) -> Result<(), String> {
    let mut command = match step.action {
        Action::Check(check) => return check(root),
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
    let status = command.current_dir(root).status().map_err(|e| e.to_string())?;
    if status.success() { Ok(()) } else { Err(status.to_string()) }
}

/// The README's test command is the one that runs here.
fn readme_names_tests(root: &Path) -> Result<(), String> {
    let command = format!("cargo {}", TEST_COMMAND.join(" "));
    let readme = std::fs::read_to_string(root.join("README.md")).map_err(|e| e.to_string())?;
    if readme.contains(&command) { Ok(()) } else { Err(format!("README.md does not name `{command}`")) }
}

/// A run in which the container cases did not run is no success.
fn cases_ran(root: &Path, run: &str) -> Result<(), String> {
    let path = root.join(run).join("report.json");
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let report: Report = ikev1_report::json::parse(&text).map_err(|e| e.to_string())?;
    let ran: Vec<Role> = report
        .cases
        .iter()
        .filter(|case| matches!(case.verdict, Verdict::Pass | Verdict::Info))
        .map(|case| case.role)
        .collect();
    let roles: BTreeSet<Role> = ran.iter().copied().collect();
    if ran.len() >= CONTAINER_CASES_MIN && roles.len() == 2 {
        Ok(())
    } else {
        Err(format!(
            "{} cases in {} roles passed, expected {CONTAINER_CASES_MIN} or more in 2",
            ran.len(),
            roles.len()
        ))
    }
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
