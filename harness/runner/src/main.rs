//! `ikev1-conform`: the conformance harness on the command line. Everything is in [`ikev1_runner::cli`].

use std::process::ExitCode;

use clap::Parser;
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

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    ikev1_runner::cli::run(&arguments.command, &arguments.global, "ikev1-conform").into()
}
