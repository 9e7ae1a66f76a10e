//! `lint`: checks scenario files and the register of requirements.

use std::io::Write;

use ikev1_report::Outcome;
use ikev1_scenario::load;
use serde_json::json;

use super::app::Context;
use super::error::CliError;

/// Arguments of `lint`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// JSON: `{"problems": [text]}`
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    let problems: Vec<String> =
        load::lint(&context.workspace.scenarios()).iter().map(ToString::to_string).collect();
    if args.json {
        writeln!(out, "{:#}", json!({ "problems": problems }))?;
    } else {
        for problem in &problems {
            writeln!(out, "{problem}")?;
        }
        writeln!(out, "{} problems", problems.len())?;
    }
    Ok(if problems.is_empty() { Outcome::Success } else { Outcome::Usage })
}
