//! `ci`: everything that CI checks, in order; the first failure ends it.

use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use ikev1_report::Outcome;
use ikev1_runner::cli::{CliError, Global, Workspace};

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

/// One step: a command line, and whether it needs Docker.
struct Step {
    program: &'static str,
    arguments: &'static [&'static str],
    containers: bool,
}

const fn cargo(arguments: &'static [&'static str]) -> Step {
    Step { program: "cargo", arguments, containers: false }
}

/// Runs this very program again.
const fn xtask(arguments: &'static [&'static str]) -> Step {
    Step { program: "cargo xtask", arguments, containers: false }
}

const STEPS: &[Step] = &[
    cargo(&["fmt", "--all", "--check"]),
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    cargo(&["test", "--workspace"]),
    xtask(&["lint"]),
    xtask(&["schema", "--check"]),
    xtask(&["conform"]),
    Step { containers: true, ..xtask(&["conform", "--peer", "strongswan"]) },
];

pub(crate) fn run(args: &Args, global: &Global) -> Outcome {
    match steps(args, global) {
        Ok(outcome) => outcome,
        Err(error) => {
            // Nothing is left to be told when standard error is closed too.
            let _ = writeln!(io::stderr(), "error: {error}");
            error.outcome()
        }
    }
}

fn steps(args: &Args, global: &Global) -> Result<Outcome, CliError> {
    let workspace = Workspace::find(global.root.as_deref())?;
    let mut err = io::stderr();
    for step in STEPS.iter().filter(|step| !(args.no_containers && step.containers)) {
        writeln!(err, "ci: {} {}", step.program, step.arguments.join(" "))?;
        if args.dry_run {
            continue;
        }
        let outcome = run_step(step, workspace.root())?;
        if outcome != Outcome::Success {
            writeln!(err, "ci: failed: {} {}", step.program, step.arguments.join(" "))?;
            return Ok(outcome);
        }
    }
    if !args.dry_run {
        writeln!(err, "ci: passed")?;
    }
    Ok(Outcome::Success)
}

fn run_step(step: &Step, root: &Path) -> Result<Outcome, CliError> {
    let mut command = if step.program == "cargo" {
        // Cargo tells its children where it is.
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    } else {
        Command::new(std::env::current_exe()?)
    };
    let status = command.args(step.arguments).current_dir(root).status()?;
    Ok(match status.code() {
        Some(0) => Outcome::Success,
        Some(2) if step.program != "cargo" => Outcome::Usage,
        Some(3) | None => Outcome::Harness,
        Some(_) => Outcome::Unexpected,
    })
}
