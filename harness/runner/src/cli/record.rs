//! `record`: makes whole-chain vectors of a run with a foreign daemon.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use ikev1_report::model::{CaseResult, Report};
use ikev1_report::{Outcome, json};
use ikev1_scenario::case::Case;
use ikev1_scenario::verdict::Verdict;

use super::app::Context;
use super::conform;
use super::error::CliError;
use super::peers::PeerName;
use crate::run::CaseFolder;
use crate::vectors::{ChainFile, ChainGroup, LoadedFile, Subject, record_chain, to_json, write_file};

/// Arguments of `record`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Cases: an ID, the beginning of one, or a glob [default: all that the peer can]
    #[arg(value_name = "ID-or-GLOB")]
    cases: Vec<String>,
    /// Peer to record: a folder of `docker/`
    #[arg(long, value_name = "NAME", default_value = "strongswan")]
    peer: String,
    /// Take the files of this earlier run instead of running the cases
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// File to write [default: `vectors/chain/PEER.json`]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    let peer = PeerName::parse(&args.peer, &context.workspace)?;
    let (report, folder) = match &args.from {
        Some(folder) => (read_report(folder)?, folder.clone()),
        None => {
            let (report, folder) = conform::conduct(&conform::Args::of(&args.cases, &peer.name()), context)?;
            conform::write_reports(&folder, &report, context)?;
            (report, folder)
        }
    };
    let (mut chains, mut left_out) = (Vec::new(), Vec::new());
    for result in report.cases.iter().filter(|case| case.peer == peer.name()) {
        let Some((case, records)) = passed(&folder, result)? else { continue };
        match record_chain(&case, &records, 0) {
            Ok(group) => chains.push((algorithms(&case), group)),
            Err(error) => {
                left_out.push((algorithms(&case), format!("{} as {}: {error}", case.id, case.role)))
            }
        }
    }
    // A chain that ends with phase 1 stands for its algorithms only where no longer one does.
    chains.sort_by_key(|(_, group)| group.tests.iter().all(|test| test.quick_modes.is_empty()));
    let mut seen = BTreeSet::new();
    chains.retain(|(algorithms, _)| seen.insert(algorithms.clone()));
    for (_, what) in left_out.iter().filter(|(algorithms, _)| !seen.contains(algorithms)) {
        writeln!(out, "left out {what}")?;
    }
    let mut groups: Vec<ChainGroup> = Vec::new();
    for (tc_id, (_, mut group)) in (1..).zip(chains) {
        group.tests.iter_mut().for_each(|test| test.tc_id = tc_id);
        add(&mut groups, group);
    }
    let file = file(groups);
    let path = args
        .out
        .clone()
        .unwrap_or_else(|| context.workspace.vectors().join("chain").join(format!("{}.json", peer.name())));
    check(&path, &file)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(CliError::harness)?;
    }
    write_file(&path, &file).map_err(CliError::harness)?;
    writeln!(out, "{}: {} chains", context.workspace.relative(&path).display(), file.number_of_tests)?;
    Ok(Outcome::Success)
}

fn read_report(folder: &Path) -> Result<Report, CliError> {
    let file = folder.join("report.json");
    let text = std::fs::read_to_string(&file)
        .map_err(|error| CliError::Usage(format!("{} is no folder of a run: {error}", folder.display())))?;
    json::parse(&text).map_err(|error| CliError::Usage(format!("{}: {error}", file.display())))
}

/// Case and transcript of a result that passed undisturbed.
fn passed(
    folder: &Path,
    result: &CaseResult,
) -> Result<Option<(Case, Vec<ikev1_scenario::Record>)>, CliError> {
    let (Verdict::Pass, Some(transcript)) = (result.verdict, result.artefacts.get("transcript")) else {
        return Ok(None);
    };
    let relative = Path::new(transcript).parent().unwrap_or(Path::new(""));
    let (case, records) = CaseFolder::at(folder, relative).read().map_err(CliError::usage)?;
    let disturbed = case.steps.iter().any(|step| step.arms().is_some());
    Ok((!disturbed).then_some((case, records)))
}

/// What tells one chain from another: one vector of each kind is enough.
fn algorithms(case: &Case) -> String {
    let side = &case.config.harness;
    format!(
        "{} {:?} {:?} {:?} {:?} {:?} {:?} {}",
        case.role,
        side.exchange,
        side.phase1.transforms,
        side.phase2.protocol,
        side.phase2.encapsulation,
        side.phase2.transforms,
        side.phase2.pfs,
        side.xauth.is_some()
    )
}

/// Puts a test beside those with the same algorithms.
fn add(groups: &mut Vec<ChainGroup>, mut group: ChainGroup) {
    let same = |known: &&mut ChainGroup| {
        known.exchange == group.exchange
            && known.authentication == group.authentication
            && known.hash == group.hash
            && known.cipher == group.cipher
            && known.group == group.group
            && known.peer == group.peer
    };
    match groups.iter_mut().find(same) {
        Some(known) => known.tests.append(&mut group.tests),
        None => groups.push(group),
    }
}

fn file(groups: Vec<ChainGroup>) -> ChainFile {
    ChainFile {
        schema: Subject::Chain.schema_name().to_owned(),
        description: "Whole negotiations: every input and every value that follows from it.".to_owned(),
        source: "recorded by this project between its engine and the daemon named in each group".to_owned(),
        generator: "cargo xtask record".to_owned(),
        number_of_tests: groups.iter().map(|group| group.tests.len()).sum(),
        notes: Default::default(),
        test_groups: groups,
    }
}

/// Refuses vectors that do not follow from their own inputs.
fn check(path: &Path, file: &ChainFile) -> Result<(), CliError> {
    if file.number_of_tests == 0 {
        return Err(CliError::Harness("no case gave a chain, so nothing was written".to_owned()));
    }
    let text = to_json(file).map_err(CliError::harness)?;
    let loaded = LoadedFile::from_json(path, &text).map_err(CliError::harness)?;
    for provider in ikev1::crypto::providers() {
        if let Some(failure) = loaded.check(*provider).failures.first() {
            return Err(CliError::Harness(format!(
                "a recorded value is wrong, so nothing was written: {failure}"
            )));
        }
    }
    Ok(())
}
