//! `ambiguities`: what the RFCs leave open, and which reading the peers of runs take.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use ikev1_report::{Outcome, json};
use ikev1_scenario::ambiguity::{Ambiguities, Ambiguity};
use serde_json::{Value, json};

use super::app::Context;
use super::error::CliError;

/// Arguments of `ambiguities`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Folders of runs whose `report.json` says which reading each peer takes
    #[arg(value_name = "DIR")]
    runs: Vec<PathBuf>,
    /// JSON: `{"ambiguities": [{"id", "sections", "question", "readings": [{"text", "peers": {NAME: [case]}}]}]}`
    #[arg(long)]
    json: bool,
}

/// The cases that show a reading, by peer.
type Shown = BTreeMap<String, Vec<String>>;

pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    let register = Ambiguities::load(&context.workspace.scenarios())
        .map_err(|error| CliError::Usage(error.to_string()))?;
    let results = results(&args.runs)?;
    let entries: Vec<(&Ambiguity, Vec<Shown>)> =
        register.entries.iter().map(|entry| (entry, shown(entry, &results))).collect();
    if args.json {
        let entries: Vec<Value> = entries.iter().map(|(entry, shown)| as_json(entry, shown)).collect();
        writeln!(out, "{:#}", json!({ "ambiguities": entries }))?;
        return Ok(Outcome::Success);
    }
    for (entry, shown) in &entries {
        writeln!(out, "## {}\n\n{} ({})\n", entry.id, entry.question, entry.sections.join(", "))?;
        for (reading, shown) in entry.readings.iter().zip(shown) {
            let peers: Vec<String> =
                shown.iter().map(|(peer, cases)| format!("{peer} ({})", cases.len())).collect();
            let peers = if peers.is_empty() { "-".to_owned() } else { peers.join(", ") };
            writeln!(out, "- {}: {peers}", reading.text)?;
        }
        writeln!(out)?;
    }
    writeln!(
        out,
        "{} ambiguities; behind a peer the number of its cases that show the reading",
        entries.len()
    )?;
    Ok(Outcome::Success)
}

/// Peer, case with the harness' role, and reason of every result.
fn results(runs: &[PathBuf]) -> Result<Vec<(String, String, String, String)>, CliError> {
    let mut results = Vec::new();
    for folder in runs {
        let file = folder.join("report.json");
        let text = fs::read_to_string(&file).map_err(|error| {
            CliError::Usage(format!("{} is no folder of a run: {error}", folder.display()))
        })?;
        let report =
            json::parse(&text).map_err(|error| CliError::Usage(format!("{}: {error}", file.display())))?;
        for case in report.cases {
            results.push((case.peer, case.id, case.role.name().to_owned(), case.reason));
        }
    }
    Ok(results)
}

/// For each reading of an entry the cases that show it.
fn shown(entry: &Ambiguity, results: &[(String, String, String, String)]) -> Vec<Shown> {
    let mut shown = vec![Shown::new(); entry.readings.len()];
    let is_of_it = entry.case_filter();
    for (peer, id, role, reason) in results.iter().filter(|(_, id, ..)| is_of_it(id)) {
        if let Some(of_reading) = entry.reading(reason).and_then(|index| shown.get_mut(index)) {
            of_reading.entry(peer.clone()).or_default().push(format!("{id} ({role})"));
        }
    }
    shown
}

fn as_json(entry: &Ambiguity, shown: &[Shown]) -> Value {
    let readings: Vec<Value> = entry
        .readings
        .iter()
        .zip(shown)
        .map(|(reading, peers)| json!({ "text": reading.text, "peers": peers }))
        .collect();
    json!({
        "id": entry.id,
        "sections": entry.sections,
        "question": entry.question,
        "readings": readings,
    })
}
