//! `cargo xtask`: the commands of the harness from a source tree, `ci`, which is all of CI, and `screenshot`, which takes the
//! pictures of the README.
//!
//! The harness is built here with the OpenSSL provider where OpenSSL's development files are installed, and without it
//! elsewhere: a Cargo feature cannot look, so this launcher does. Its own build is small for that reason.

mod browser;
mod ci;
mod harness;
mod report;
mod screenshot;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

/// Everything that CI checks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask ci", bin_name = "cargo xtask ci")]
struct CiArguments {
    #[command(flatten)]
    ci: ci::Args,
}

/// Takes the pictures of the README, of the sample report, with Chromium.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask screenshot", bin_name = "cargo xtask screenshot")]
struct ScreenshotArguments {}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.peek().is_some_and(|first| first == "ci") {
        return ci::run(&CiArguments::parse_from(arguments).ci).into();
    }
    if arguments.peek().is_some_and(|first| first == "screenshot") {
        ScreenshotArguments::parse_from(arguments);
        return screenshot::run().into();
    }
    let error = harness::replace_this_process(arguments);
    // Nothing is left to be told when standard error is closed too.
    let _ = writeln!(io::stderr(), "error: cannot start cargo: {error}");
    harness::Outcome::Harness.into()
}
