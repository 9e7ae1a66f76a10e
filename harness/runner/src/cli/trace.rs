//! `trace`: which clauses of the RFCs have a case, which ought to have one and have none, and what runs say of each.

mod page;
mod runs;

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use ikev1_report::Outcome;
use ikev1_scenario::coverage::{Coverage, Statement};
use serde_json::{Value, json};

use super::app::Context;
use super::catalogue::Catalogue;
use super::error::CliError;
use runs::Runs;

/// The coverage as a file, from the folder of the scenarios.
const SNAPSHOT: &str = "requirements/coverage.txt";

/// Arguments of `trace`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Clauses: an ID, the beginning of one such as `RFC2409-5.5`, or a glob [default: all]
    #[arg(value_name = "ID-or-GLOB")]
    clauses: Vec<String>,
    /// Folder of a run: adds what its cases say of each clause, per peer; may be given several times
    #[arg(long = "run", value_name = "DIR")]
    runs: Vec<PathBuf>,
    /// List what no test can see, with the reason, and nothing else
    #[arg(long, conflicts_with_all = ["json", "runs"])]
    not_testable: bool,
    /// Write the coverage into `scenarios/requirements/coverage.txt`, and do nothing else
    #[arg(long, conflicts_with_all = ["json", "runs", "not_testable", "clauses"])]
    write: bool,
    /// Only check that this file is current; exit 1 when it is not
    #[arg(long, conflicts_with_all = ["json", "runs", "not_testable", "clauses", "write"])]
    check: bool,
    /// JSON: `{"statements": [{"id", "level", "section", "testable", "covered", "cases", ...}]}`
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    let catalogue = Catalogue::load(&context.workspace)?;
    let coverage = Coverage::new(catalogue.requirements(), catalogue.cases());
    if args.write || args.check {
        return snapshot(&coverage.snapshot(), args.check, context, out);
    }
    let runs = Runs::load(&args.runs, catalogue.cases())?;
    let coverage = coverage.select(&args.clauses).map_err(CliError::usage)?;
    if args.not_testable {
        out.write_all(page::not_testable(&coverage).as_bytes())?;
        return Ok(Outcome::Success);
    }
    if args.json {
        let statements: Vec<_> = coverage.statements.iter().map(|one| to_json(one, &runs)).collect();
        writeln!(out, "{:#}", json!({ "statements": statements }))?;
    } else {
        out.write_all(page::coverage(&coverage).as_bytes())?;
        if !runs.peers.is_empty() {
            out.write_all(page::verdicts(&coverage, &runs).as_bytes())?;
        }
        out.write_all(page::gaps(&coverage).as_bytes())?;
    }
    Ok(if coverage.gaps().next().is_some() { Outcome::Unexpected } else { Outcome::Success })
}

/// Writes the file with the coverage, or says whether it is current.
fn snapshot(text: &str, check: bool, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    let path = context.workspace.scenarios().join(SNAPSHOT);
    let current = fs::read_to_string(&path).is_ok_and(|committed| committed == text);
    let (state, outcome) = match (current, check) {
        (true, _) => ("current", Outcome::Success),
        (false, true) => ("not current: run `cargo xtask trace --write`", Outcome::Unexpected),
        (false, false) => {
            let refused = |error| CliError::Harness(format!("cannot write {}: {error}", path.display()));
            fs::write(&path, text).map_err(refused)?;
            ("written", Outcome::Success)
        }
    };
    writeln!(out, "scenarios/{SNAPSHOT}: {state}")?;
    Ok(outcome)
}

/// One clause for programs. The keys `id`, `level`, `section`, `testable` and `cases` are a promise.
fn to_json(statement: &Statement<'_>, runs: &Runs) -> Value {
    let Statement { requirement, ledger, cases } = statement;
    let mut value = json!({
        "id": requirement.id,
        "document": requirement.id.document(),
        "ledger": ledger,
        "section": requirement.section,
        "level": requirement.level,
        "word": requirement.word,
        "also": requirement.also,
        "binds": requirement.binds,
        "testable": requirement.testable,
        "why": requirement.why,
        "summary": requirement.summary,
        "covered": statement.is_covered(),
        "cases": cases,
    });
    if !runs.peers.is_empty() {
        let verdicts =
            runs.peers.iter().map(|peer| (peer.clone(), json!(runs.verdict(peer, &requirement.id))));
        value["verdicts"] = Value::Object(verdicts.collect());
    }
    value
}
