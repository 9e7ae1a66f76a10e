//! `list`: the cases by ID.

use std::collections::BTreeMap;
use std::io::Write;

use ikev1_report::Outcome;
use ikev1_scenario::case::Case;
use ikev1_scenario::model::Role;
use ikev1_scenario::{DEFAULT_STRENGTH, Fault};
use serde_json::json;

use super::app::Context;
use super::catalogue::Catalogue;
use super::conform::parse_role;
use super::error::CliError;

/// Arguments of `list`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Cases: an ID, the beginning of one, or a glob [default: all]
    #[arg(value_name = "ID-or-GLOB")]
    cases: Vec<String>,
    /// Only cases in which the harness plays this role: `initiator` or `responder`
    #[arg(long, value_name = "ROLE", value_parser = parse_role)]
    role: Option<Role>,
    /// Of the values of a matrix those of `conform --strength N` [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=11))]
    strength: Option<u8>,
    /// The fault operators that a scenario can name, in place of the cases
    #[arg(long, conflicts_with_all = ["cases", "role", "strength"])]
    faults: bool,
    /// JSON: `{"cases": [{"id", "level", "requirements", "roles"}]}`, with `--faults`
    /// `{"faults": [{"name", "what", "clause", "applies_to"}]}`
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    if args.faults {
        return faults(args.json, out);
    }
    let strength = args.strength.map_or(DEFAULT_STRENGTH, usize::from);
    let cases = Catalogue::load_to(&context.workspace, strength)?.select(&args.cases, args.role)?;
    let ids = by_id(&cases);
    if args.json {
        let cases: Vec<_> = ids
            .iter()
            .map(|(id, cases)| {
                json!({
                    "id": id,
                    "level": cases[0].level,
                    "requirements": cases[0].requirements,
                    "roles": cases.iter().map(|case| case.role).collect::<Vec<_>>(),
                })
            })
            .collect();
        writeln!(out, "{:#}", json!({ "cases": cases }))?;
        return Ok(Outcome::Success);
    }
    let width = ids.keys().map(|id| id.len()).max().unwrap_or(0);
    for (id, cases) in &ids {
        let roles: Vec<_> = cases.iter().map(|case| case.role.name()).collect();
        writeln!(out, "{id:width$}  {:6}  {}", cases[0].level.name(), roles.join(", "))?;
    }
    writeln!(out, "{} cases in {} IDs", cases.len(), ids.len())?;
    Ok(Outcome::Success)
}

/// The table of fault operators.
fn faults(json: bool, out: &mut dyn Write) -> Result<Outcome, CliError> {
    if json {
        let faults: Vec<_> = Fault::ALL
            .iter()
            .map(|fault| {
                json!({
                    "name": fault.name(),
                    "what": fault.what(),
                    "clause": fault.clause(),
                    "applies_to": fault.place().to_string(),
                })
            })
            .collect();
        writeln!(out, "{:#}", json!({ "faults": faults }))?;
        return Ok(Outcome::Success);
    }
    let width = Fault::ALL.iter().map(|fault| fault.name().len()).max().unwrap_or(0);
    for fault in Fault::ALL {
        let (name, clause) = (fault.name(), fault.clause());
        writeln!(out, "{name:width$}  {clause:16}  {} ({})", fault.what(), fault.place())?;
    }
    writeln!(out, "{} fault operators", Fault::ALL.len())?;
    Ok(Outcome::Success)
}

/// Cases with the same ID, which differ by role; no list is empty.
pub(super) fn by_id(cases: &[Case]) -> BTreeMap<&str, Vec<&Case>> {
    let mut ids: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in cases {
        ids.entry(&case.id).or_default().push(case);
    }
    ids
}
