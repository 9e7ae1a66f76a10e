//! `schema`: the JSON schemas of scenarios, vectors and reports, which are generated from the types.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use ikev1_report::Outcome;

use super::app::Context;
use super::error::CliError;
use crate::vectors;

/// Arguments of `schema`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Change nothing; exit 1 when a file is not current
    #[arg(long)]
    check: bool,
}

pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    let mut outcome = Outcome::Success;
    for (file, text) in schemas() {
        let path = context.workspace.root().join(&file);
        let current = fs::read_to_string(&path).is_ok_and(|committed| committed == text);
        let state = match (current, args.check) {
            (true, _) => "current",
            (false, true) => {
                outcome = Outcome::Unexpected;
                "not current: run `cargo xtask schema`"
            }
            (false, false) => {
                let refused = |error| CliError::Harness(format!("cannot write {}: {error}", path.display()));
                fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(refused)?;
                fs::write(&path, text).map_err(refused)?;
                "written"
            }
        };
        writeln!(out, "{}: {state}", file.display())?;
    }
    Ok(outcome)
}

/// Every generated file, from the root of the workspace.
fn schemas() -> Vec<(PathBuf, String)> {
    let report = format!("{:#}\n", ikev1_report::model::schema());
    let mut schemas = vec![
        (PathBuf::from("scenarios/schema/scenario-v1.schema.json"), ikev1_scenario::schema::schema_text()),
        (PathBuf::from("reports/schema/report-v1.schema.json"), report),
    ];
    let vectors = vectors::schemas().into_iter();
    schemas.extend(vectors.map(|(name, text)| (PathBuf::from("vectors/schema").join(name), text)));
    schemas
}
