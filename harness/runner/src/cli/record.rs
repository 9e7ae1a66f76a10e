//! Stand-in.
use super::app::Context;
use super::error::CliError;
use ikev1_report::Outcome;
use std::io::Write;
/// Arguments of `record`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {}
pub(super) fn run(_args: &Args, _context: &Context, _out: &mut dyn Write) -> Result<Outcome, CliError> {
    Ok(Outcome::Success)
}
