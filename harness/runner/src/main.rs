//! `ikev1-conform`: the conformance harness on the command line. Everything is in [`ikev1_runner::cli`].

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};
use ikev1_report::Outcome;
use ikev1_runner::cli::{Command, Global};

/// IKEv1 (RFC 2407, 2408, 2409) conformance and interoperability harness.
///
/// Exit codes: 0 nothing unexpected; 1 an unexpected verdict; 2 a wrong command line or input file; 3 a fault of the
/// harness or of its surroundings.
#[derive(Debug, Parser)]
#[command(name = "ikev1-conform", version)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// `cargo xtask` starts this program under its own name, so that commands in help and reports can be pasted.
const PROGRAM_VARIABLE: &str = "IKEV1_PROGRAM";

fn main() -> ExitCode {
    let program = std::env::var(PROGRAM_VARIABLE);
    let mut command = Arguments::command();
    if let Ok(program) = &program {
        command = command.bin_name(program);
        if program == "cargo xtask" {
            command =
                command.after_help("`cargo xtask ci` runs everything that CI checks; see its own --help.");
        }
    }
    let parsed = Arguments::from_arg_matches(&command.get_matches());
    let arguments = parsed.unwrap_or_else(|error| error.exit());
    let program = program.as_deref().unwrap_or("ikev1-conform");
    // A panic is a fault of the harness, and its text is on standard error by now.
    let run = AssertUnwindSafe(|| ikev1_runner::cli::run(&arguments.command, &arguments.global, program));
    panic::catch_unwind(run).unwrap_or(Outcome::Harness).into()
}
