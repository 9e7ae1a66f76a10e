//! Checks many files on every provider and prints what came of it.

use std::io::Write;
use std::path::{Path, PathBuf};

use ikev1::crypto::providers;
use serde::Serialize;

use super::check::{FileOutcome, ValueFailure};
use super::error::VectorError;
use super::load::{LoadedFile, default_files, default_root};

/// How many failures of a file and provider are printed in full.
const FAILURES_SHOWN_MAX: usize = 5;

/// Checks `files`, or all of the workspace's when there are none, on every provider of the build.
///
/// Prints one line for each file and provider with its counts, and the first failures in full; with `json`, one JSON
/// document with all of them. Gives whether every value came out right.
///
/// # Errors
/// [`VectorError::Output`] when `out` refuses. A file that cannot be used is reported like the others, and the first
/// such error is returned after all files were checked.
pub fn run(files: &[PathBuf], json: bool, out: &mut dyn Write) -> Result<bool, VectorError> {
    let all;
    let files = if files.is_empty() {
        all = default_files(&default_root())?;
        &all
    } else {
        files
    };
    let mut outcomes = Vec::new();
    let mut errors = Vec::new();
    for path in files {
        match LoadedFile::open(path) {
            Ok(file) => outcomes.extend(providers().iter().map(|provider| file.check(*provider))),
            Err(error) => errors.push(error),
        }
    }
    let ok = errors.is_empty() && outcomes.iter().all(FileOutcome::is_ok);
    if json {
        write_json(ok, &outcomes, &errors, out)?;
    } else {
        write_text(&outcomes, &errors, out)?;
    }
    match errors.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(ok),
    }
}

/// The last two parts of a path: subject folder and file.
fn short(path: &Path) -> String {
    let mut parts: Vec<_> = path.iter().rev().take(2).map(|part| part.to_string_lossy()).collect();
    parts.reverse();
    parts.join("/")
}

fn write_text(
    outcomes: &[FileOutcome],
    errors: &[VectorError],
    out: &mut dyn Write,
) -> Result<(), VectorError> {
    for outcome in outcomes {
        let FileOutcome { path, provider, values, failures, .. } = outcome;
        let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
        let tests = outcome.number_of_tests();
        writeln!(out, "{verdict:6} {:<32} {provider:<9} {tests:>5} tests {values:>5} values", short(path))?;
        let labels: Vec<_> = outcome.tests.iter().map(|(label, count)| format!("{label} {count}")).collect();
        writeln!(out, "       {}", labels.join(", "))?;
        for failure in failures.iter().take(FAILURES_SHOWN_MAX) {
            for line in failure.to_string().lines() {
                writeln!(out, "       {line}")?;
            }
        }
        if let Some(more @ 1..) = failures.len().checked_sub(FAILURES_SHOWN_MAX) {
            writeln!(out, "       and {more} more")?;
        }
    }
    for error in errors {
        writeln!(out, "error  {error}")?;
    }
    let tests: usize = outcomes.iter().map(FileOutcome::number_of_tests).sum();
    let values: usize = outcomes.iter().map(|outcome| outcome.values).sum();
    let wrong: usize = outcomes.iter().map(|outcome| outcome.failures.len()).sum();
    let names: Vec<_> = providers().iter().map(|provider| provider.name()).collect();
    writeln!(out, "{tests} tests, {values} values, {wrong} wrong, on {}", names.join(" and "))?;
    Ok(())
}

/// The JSON report.
#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    ok: bool,
    providers: Vec<&'static str>,
    files: Vec<FileReport<'a>>,
    errors: Vec<String>,
}

#[derive(Serialize)]
struct FileReport<'a> {
    file: String,
    subject: &'static str,
    provider: &'static str,
    tests: usize,
    values: usize,
    failures: &'a [ValueFailure],
}

fn write_json(
    ok: bool,
    outcomes: &[FileOutcome],
    errors: &[VectorError],
    out: &mut dyn Write,
) -> Result<(), VectorError> {
    let files = outcomes.iter().map(|outcome| FileReport {
        file: short(&outcome.path),
        subject: outcome.subject,
        provider: outcome.provider,
        tests: outcome.number_of_tests(),
        values: outcome.values,
        failures: &outcome.failures,
    });
    let report = Report {
        schema: "vectors-report-v1",
        ok,
        providers: providers().iter().map(|provider| provider.name()).collect(),
        files: files.collect(),
        errors: errors.iter().map(ToString::to_string).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &report).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}
