//! `vectors`: computes known answers on every crypto provider.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ikev1::crypto::providers;
use ikev1_report::Outcome;
use ikev1_report::model::VectorsResult;

use super::app::Context;
use super::error::CliError;
use crate::vectors::{self, LoadedFile, VectorError};

/// Arguments of `vectors`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Vector files: `.json` of this project, or `.fax` and `.rsp` of NIST [default: all of vectors/]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// JSON: counts and every wrong value
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    let files = match args.files.is_empty() {
        true => vectors::default_files(&context.workspace.vectors()).map_err(CliError::usage)?,
        false => args.files.clone(),
    };
    match vectors::run(&files, args.json, out) {
        Ok(true) => Ok(Outcome::Success),
        Ok(false) => Ok(Outcome::Unexpected),
        Err(VectorError::Output(error)) => Err(CliError::Output(error)),
        Err(error) => Err(CliError::usage(error)),
    }
}

/// Checks every vector of a folder, for the report of a run.
pub(super) fn check_all(root: &Path) -> VectorsResult {
    let start = Instant::now();
    let mut result = VectorsResult::default();
    result.providers.extend(providers().iter().map(|provider| provider.name().to_owned()));
    let files = match vectors::default_files(root) {
        Ok(files) => files,
        Err(error) => {
            result.failures.push(error.to_string());
            return result;
        }
    };
    for file in files {
        result.files += 1;
        match LoadedFile::open(&file) {
            Ok(file) => {
                providers().iter().for_each(|provider| {
                    let outcome = file.check(*provider);
                    result.checked += u64::try_from(outcome.number_of_tests()).unwrap_or(u64::MAX);
                    result.failures.extend(outcome.failures.iter().map(|failure| {
                        format!("{} on {}: {failure}", outcome.path.display(), outcome.provider)
                    }));
                })
            }
            Err(error) => result.failures.push(error.to_string()),
        }
    }
    result.duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    result
}
