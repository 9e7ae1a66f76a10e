//! `explain`: what a case tests, does and accepts.

use std::io::{self, Write};

use ikev1_report::Outcome;
use ikev1_scenario::case::{Case, ResolvedSide};
use ikev1_scenario::requirement::Requirements;

use super::app::Context;
use super::catalogue::Catalogue;
use super::error::CliError;
use super::list::by_id;

/// Arguments of `explain`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Case: an ID, the beginning of one, or a glob
    #[arg(value_name = "ID-or-GLOB", required = true)]
    cases: Vec<String>,
    /// JSON: the cases with nothing left to default
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    let catalogue = Catalogue::load(&context.workspace)?;
    let cases = catalogue.select(&args.cases, None)?;
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &cases).map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(Outcome::Success);
    }
    for (index, cases) in by_id(&cases).values().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        explain(cases, catalogue.requirements(), context, out)?;
    }
    Ok(Outcome::Success)
}

/// Explains the cases of one ID, which differ by role only.
fn explain(
    cases: &[&Case],
    requirements: &Requirements,
    context: &Context,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let Some(case) = cases.first() else { return Ok(()) };
    let roles: Vec<_> = cases.iter().map(|case| case.role.name()).collect();
    writeln!(out, "{}", case.id)?;
    writeln!(out, "  {}", case.description)?;
    writeln!(out, "  level    {}", case.level)?;
    writeln!(out, "  harness  {}", roles.join(", "))?;
    let needs: Vec<_> = case.needs.iter().map(|need| need.name()).collect();
    writeln!(out, "  needs    {}", needs.join(", "))?;
    writeln!(out, "requirements")?;
    for id in &case.requirements {
        let summary = requirements.get(id).map_or("not in the register", |known| known.summary.as_str());
        writeln!(out, "  {id}  {summary}")?;
    }
    writeln!(out, "configuration of the harness")?;
    side(&case.config.harness, out)?;
    if case.config.peer != case.config.harness {
        writeln!(out, "configuration of the peer")?;
        side(&case.config.peer, out)?;
    }
    writeln!(out, "steps")?;
    for (number, step) in case.steps.iter().enumerate() {
        writeln!(out, "  {}. {}", number + 1, compact(step)?)?;
        for fault in case.faults.iter().filter(|fault| fault.step == number) {
            let fault = fault.operator;
            writeln!(out, "      fault {fault}: {} ({})", fault.what(), fault.clause())?;
        }
    }
    writeln!(out, "accepted outcomes")?;
    for acceptance in &case.accept {
        writeln!(out, "  - {}", acceptance.because)?;
        for condition in &acceptance.all {
            writeln!(out, "      {}", compact(condition)?)?;
        }
    }
    writeln!(out, "run it with")?;
    writeln!(out, "  {} conform {}", context.program, ikev1_report::text::shell_quote(&case.id))?;
    Ok(())
}

fn side(side: &ResolvedSide, out: &mut dyn Write) -> Result<(), CliError> {
    let mut value = serde_json::to_value(side).map_err(io::Error::from)?;
    without_pem(&mut value);
    for (key, value) in value.as_object().into_iter().flatten() {
        writeln!(out, "  {key}: {value}")?;
    }
    Ok(())
}

/// Leaves the text of PEM files out; their names say enough.
fn without_pem(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(members) => {
            members.remove("pem");
            members.values_mut().for_each(without_pem);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(without_pem),
        _ => {}
    }
}

/// One line of JSON.
fn compact(value: &impl serde::Serialize) -> Result<String, CliError> {
    Ok(serde_json::to_string(value).map_err(io::Error::from)?)
}
