//! `cargo xtask`: the harness' commands from a source tree, and `ci`, which is all of CI.

mod ci;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ikev1_runner::cli::{self, Global};

/// IKEv1 (RFC 2407, 2408, 2409) conformance and interoperability harness.
///
/// Exit codes: 0 nothing unexpected; 1 an unexpected verdict; 2 a wrong command line or input file; 3 a fault of the
/// harness or of its surroundings.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Harness(cli::Command),
    /// Run everything that CI checks
    Ci(ci::Args),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match &arguments.command {
        Command::Harness(command) => cli::run(command, &arguments.global, "cargo xtask").into(),
        Command::Ci(args) => ci::run(args, &arguments.global).into(),
    }
}
