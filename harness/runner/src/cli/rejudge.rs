//! `rejudge`: judges the cases of an earlier run again, from its files alone.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use ikev1_report::cause::causes;
use ikev1_report::model::{CaseResult, Report};
use ikev1_report::waiver::{self, Waiver};
use ikev1_report::{Outcome, json, term};
use ikev1_scenario::judge::judge;

use super::app::Context;
use super::conform::write_reports;
use super::error::CliError;
use super::peers::PeerName;
use crate::discover::look_again;
use crate::redact;
use crate::run::{CaseFolder, RunOptions, Stop, case_result, read_profile};

/// Arguments of `rejudge`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Folder of a run
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Exit 1 when any verdict is another than in the run's report, whatever the verdicts are
    #[arg(long)]
    check: bool,
    /// Write the new verdicts into the run's reports, and their pages anew
    #[arg(long)]
    write: bool,
    /// Write the run into this folder, which must be new, without credentials, keys, decrypted messages, logs and the seed
    #[arg(long, value_name = "OUT", conflicts_with = "write")]
    redact: Option<PathBuf>,
    /// JSON: the new report
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    let file = args.folder.join("report.json");
    let text = fs::read_to_string(&file).map_err(|error| {
        CliError::Usage(format!("{} is no folder of a run: {error}", args.folder.display()))
    })?;
    let old = json::parse(&text).map_err(|error| CliError::Usage(format!("{}: {error}", file.display())))?;
    if old.run.redacted {
        let folder = args.folder.display();
        return Err(CliError::Usage(format!(
            "{folder} is redacted: what its cases were judged by is left out"
        )));
    }
    let new = rejudge(&args.folder, &old, context)?;
    let changed: Vec<_> =
        old.cases.iter().zip(&new.cases).filter(|(old, new)| old.verdict != new.verdict).collect();
    let seen_anew: Vec<_> =
        old.probes().zip(new.probes()).filter(|(old, new)| old.sight != new.sight).collect();
    if args.write {
        write_reports(&args.folder, &new, context)?;
    }
    let mut shown = new.clone();
    if let Some(folder) = &args.redact {
        fs::create_dir(folder)
            .map_err(|error| CliError::Usage(format!("cannot make {}: {error}", folder.display())))?;
        redact::copy(&args.folder, folder, &mut shown).map_err(CliError::harness)?;
        write_reports(folder, &shown, context)?;
    }
    if args.json {
        out.write_all(json::render(&shown).as_bytes())?;
    } else {
        for (old, new) in &changed {
            let CaseResult { id, peer, role, .. } = new;
            writeln!(out, "changed from {} to {}: {id} ({peer}, {role})", old.verdict, new.verdict)?;
        }
        for (old, new) in &seen_anew {
            let (before, after) = (old.sight.name(), new.sight.name());
            writeln!(out, "changed from {before} to {after}: {} ({})", new.id, new.peer)?;
        }
        let folder = args.redact.as_ref().unwrap_or(&args.folder).display().to_string();
        out.write_all(term::summary(&shown, &folder, context.colour.stdout()).as_bytes())?;
        let changes = changed.len() + seen_anew.len();
        let word = if changes == 0 {
            "every verdict is as it was".to_owned()
        } else {
            format!("{changes} verdicts changed")
        };
        writeln!(out, "rejudged {}: {word}", new.cases.len() + new.probes().count())?;
    }
    Ok(match (args.check, changed.is_empty() && seen_anew.is_empty()) {
        (true, true) => Outcome::Success,
        (true, false) => Outcome::Unexpected,
        (false, _) => Outcome::of(&new),
    })
}

/// The report with every verdict made anew. A case that never ran (`unsupported`) stays as it is.
fn rejudge(folder: &Path, old: &Report, context: &Context) -> Result<Report, CliError> {
    let mut new = old.clone();
    let options = RunOptions {
        jobs: 1,
        seed: old.run.seed,
        group: None,
        strength: ikev1_scenario::DEFAULT_STRENGTH,
        strict: old.run.strict,
        folder: folder.to_owned(),
        program: context.program.clone(),
        redact: false,
        probes: false,
        stop: Stop::default(),
    };
    for case in &mut new.cases {
        let Some(transcript) = case.artefacts.get("transcript") else { continue };
        let relative = Path::new(transcript).parent().unwrap_or(Path::new(""));
        let (stored, records) = CaseFolder::at(folder, relative).read().map_err(CliError::usage)?;
        let profile = read_profile(folder, &case.peer).map_err(CliError::usage)?;
        let judgement = judge(&stored, &records, &profile);
        let waivers = waivers(&case.peer, context)?;
        let fresh = case_result(&stored, &profile, judgement, &waivers, &options);
        // The run's own command holds what is not judged, such as its group.
        let (artefacts, rerun) = (std::mem::take(&mut case.artefacts), std::mem::take(&mut case.rerun));
        *case = CaseResult { duration_ms: case.duration_ms, artefacts, rerun, ..fresh };
    }
    for probe in new.discovery.iter_mut().flat_map(|found| &mut found.probes) {
        let Some(transcript) = probe.artefacts.get("transcript") else { continue };
        let (sighting, _) = look_again(folder, transcript).map_err(CliError::usage)?;
        (probe.sight, probe.evidence, probe.packet) = (sighting.sight, sighting.evidence, sighting.packet);
    }
    new.summary = new.cases.iter().map(|case| case.verdict).collect();
    new.causes = causes(&new.cases);
    Ok(new)
}

/// The known failures of a peer; none when the workspace does not know the peer any more.
fn waivers(peer: &str, context: &Context) -> Result<Vec<Waiver>, CliError> {
    let file =
        PeerName::parse(peer, &context.workspace).ok().and_then(|peer| peer.waiver_file(&context.workspace));
    file.map_or_else(|| Ok(Vec::new()), |file| waiver::load(&file).map_err(CliError::usage))
}
