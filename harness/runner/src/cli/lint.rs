//! `lint`: checks scenario files, the registers of requirements and of ambiguities, and the lists of known failures.

use std::io::Write;

use ikev1_report::{Outcome, waiver};
use ikev1_scenario::ambiguity::Ambiguities;
use ikev1_scenario::expand::{DEFAULT_GROUP, expand_all};
use ikev1_scenario::load::Library;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::app::Context;
use super::error::CliError;
use super::peers::{self, PeerName};

/// Arguments of `lint`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// JSON: `{"problems": [text]}`
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    let (problems, cases) = problems(context)?;
    if args.json {
        writeln!(out, "{:#}", json!({ "problems": problems }))?;
    } else {
        for problem in &problems {
            writeln!(out, "{problem}")?;
        }
        writeln!(out, "problems: {}, cases: {cases}", problems.len())?;
    }
    Ok(if problems.is_empty() { Outcome::Success } else { Outcome::Usage })
}

/// Every problem, and how many cases there are.
fn problems(context: &Context) -> Result<(Vec<String>, usize), CliError> {
    let workspace = &context.workspace;
    let library = match Library::load(&workspace.scenarios()) {
        Ok(library) => library,
        Err(errors) => return Ok((errors.0.iter().map(ToString::to_string).collect(), 0)),
    };
    let cases = expand_all(&library.scenarios, DEFAULT_GROUP);
    let mut problems = match Ambiguities::load(&workspace.scenarios()) {
        Ok(register) => register.check(&cases),
        Err(error) => vec![error.to_string()],
    };
    let catalogue: Vec<_> = cases.into_iter().map(|case| (case.id, case.role)).collect();
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    for name in peers::known(workspace) {
        let peer = PeerName::parse(&name, workspace)?;
        let Some(file) = peer.waiver_file(workspace) else { continue };
        match waiver::load(&file) {
            Ok(known) => problems.extend(waiver::lint(&known, &catalogue, today).into_iter().map(|waiver| {
                format!("{}: known failure `{}`: {}", waiver.file, waiver.case, waiver.problem)
            })),
            Err(error) => problems.push(error.to_string()),
        }
    }
    Ok((problems, catalogue.len()))
}
