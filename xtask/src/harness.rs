//! Starting the harness' own command line, `ikev1-conform`, built with what the machine has.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

/// What a command of the launcher's own came to, with the exit codes of the README's table.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    Success = 0,
    Unexpected = 1,
    Harness = 3,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome as u8)
    }
}

/// Set to `reference` to build without OpenSSL even where it is installed.
const PROVIDER_VARIABLE: &str = "IKEV1_PROVIDER";
/// Under which name the harness is to speak of itself; `ikev1-conform` reads it.
const PROGRAM_VARIABLE: &str = "IKEV1_PROGRAM";

/// Becomes `cargo run` of `ikev1-conform` with these arguments, so that signals and the exit code are its own. Returns
/// only when that could not be done.
pub(crate) fn replace_this_process(arguments: impl Iterator<Item = OsString>) -> io::Error {
    command(arguments).exec()
}

/// `cargo run` of `ikev1-conform` with these arguments.
pub(crate) fn command(arguments: impl Iterator<Item = OsString>) -> Command {
    let mut arguments = arguments.peekable();
    let mut command = cargo();
    command.args(["run", "--quiet", "--package", "ikev1-runner", "--bin", "ikev1-conform"]);
    command.arg("--manifest-path").arg(root().join("Cargo.toml"));
    if openssl_builds() {
        command.args(["--features", "openssl"]);
    }
    if arguments.peek().is_some_and(|first| first == "mutants") {
        // No other command runs an engine that could do anything wrong.
        command.args(["--features", "mutants"]);
    }
    command.arg("--").args(arguments).env(PROGRAM_VARIABLE, "cargo xtask");
    command
}

/// Cargo, which tells its children where it is.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let xtask = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().map_or_else(|| xtask.clone(), PathBuf::from)
}

/// Whether the OpenSSL provider is wanted and its development files are there.
fn openssl_builds() -> bool {
    let unwanted = std::env::var_os(PROVIDER_VARIABLE).is_some_and(|wanted| wanted == "reference");
    let found = Command::new("pkg-config")
        .args(["--exists", "libcrypto >= 3"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
    !unwanted && found.is_ok_and(|status| status.success())
}
