//! `sample`: the committed report in `reports/sample/`, which shows what a run leaves behind.
//!
//! It is made as every run is, by the recipe `reports/sample.toml`, with the engine in virtual time: the seed gives the same
//! bytes, and only what the wall clock tells is taken out. So a change of the reports or of a message shows in its diff.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ikev1_report::model::{Report, RunInfo};
use ikev1_report::{Builder, Outcome, RunEvent};
use ikev1_scenario::DEFAULT_STRENGTH;
use ikev1_scenario::model::{Capability, Edit};
use serde::Deserialize;

use super::app::Context;
use super::catalogue::Catalogue;
use super::conform::write_reports;
use super::error::CliError;
use crate::discover::InformedRunner;
use crate::run::{CaseRunner, LoopbackRunner, RunOptions, Stop, run_cases};
use crate::target::quirks::Quirks;

/// Arguments of `sample`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Change nothing; exit 1 when a file is not current
    #[arg(long, conflicts_with = "out")]
    check: bool,
    /// Folder to write it to [default: reports/sample]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The program that the sample's commands name, whoever makes it.
const PROGRAM: &str = "cargo xtask";
const COMMAND: &str = "cargo xtask sample";
const RECIPE: &str = "reports/sample.toml";
const FOLDER: &str = "reports/sample";
/// Pictures of the sample are made by a browser, and not by this command.
const PICTURE: &str = "png";

/// The recipe.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recipe {
    seed: u64,
    started: String,
    cases: Vec<String>,
    deviant: Deviant,
}

/// A peer that differs from the engine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deviant {
    name: String,
    /// What it cannot do, and why.
    lacks: BTreeMap<Capability, String>,
    /// What is wrong with its messages.
    edit: Vec<Edit>,
}

impl Recipe {
    fn load(context: &Context) -> Result<Self, CliError> {
        let file = context.workspace.root().join(RECIPE);
        let shown = context.workspace.relative(&file).display();
        let text = fs::read_to_string(&file).map_err(|error| CliError::Usage(format!("{shown}: {error}")))?;
        toml::from_str(&text).map_err(|error| CliError::Usage(format!("{shown}: {error}")))
    }

    /// The engine, and the deviant.
    fn peers(&self) -> [Arc<dyn CaseRunner>; 2] {
        let deviant = &self.deviant;
        let quirks = Quirks::of_messages(deviant.edit.clone());
        let runner: Arc<dyn CaseRunner> = Arc::new(LoopbackRunner::with_quirks(Arc::new(quirks)));
        let mut profile = runner.profile().clone();
        profile.name.clone_from(&deviant.name);
        profile.capabilities.retain(|capability| !deviant.lacks.contains_key(capability));
        profile.missing.extend(deviant.lacks.clone());
        [Arc::new(LoopbackRunner::new()), Arc::new(InformedRunner::new(runner, profile))]
    }
}

pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    let committed = context.workspace.root().join(FOLDER);
    if !args.check {
        let folder = args.out.clone().unwrap_or(committed);
        clear(&folder).map_err(|error| CliError::Harness(format!("{}: {error}", folder.display())))?;
        let report = make(&folder, context)?;
        let shown = context.workspace.relative(&folder).display();
        writeln!(out, "{shown}: {} cases written", report.cases.len())?;
        return Ok(Outcome::Success);
    }
    let made = tempfile::tempdir().map_err(CliError::harness)?;
    make(made.path(), context)?;
    let [made, committed] = [made.path(), committed.as_path()].map(|folder| {
        files(folder).map_err(|error| CliError::Harness(format!("{}: {error}", folder.display())))
    });
    let (made, committed) = (made?, committed?);
    let names: BTreeSet<_> = made.keys().chain(committed.keys()).collect();
    let stale: Vec<_> = names.into_iter().filter(|name| made.get(*name) != committed.get(*name)).collect();
    for name in &stale {
        writeln!(out, "{FOLDER}/{}: not current: run `{COMMAND}`", name.display())?;
    }
    if stale.is_empty() {
        writeln!(out, "{FOLDER}: {} files, current", made.len())?;
    }
    Ok(if stale.is_empty() { Outcome::Success } else { Outcome::Unexpected })
}

/// Plays the recipe and writes its reports.
fn make(folder: &Path, context: &Context) -> Result<Report, CliError> {
    let context = &Context { program: PROGRAM.to_owned(), ..context.clone() };
    let recipe = Recipe::load(context)?;
    let peers = recipe.peers();
    let catalogue = Catalogue::load(&context.workspace)?;
    let options = RunOptions {
        jobs: 1,
        seed: recipe.seed,
        group: None,
        strength: DEFAULT_STRENGTH,
        strict: false,
        folder: folder.to_owned(),
        program: PROGRAM.to_owned(),
        redact: false,
        probes: false,
        stop: Stop::default(),
    };
    let mut builder = Builder::default();
    let cases = catalogue.select(&recipe.cases, None)?;
    builder.event(&RunEvent::RunStarted {
        run: RunInfo {
            id: "sample".to_owned(),
            started: recipe.started.clone(),
            seed: recipe.seed,
            command: COMMAND.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            planned: cases.len() * peers.len(),
            ..RunInfo::default()
        },
    });
    for peer in &peers {
        let cases = catalogue.select_with(&recipe.cases, None, options.group_with(peer.profile()))?;
        run_cases(cases, peer, &[], &options, &mut |event| builder.event(&event));
        // A sanity handshake has no page.
        let sanity = folder.join(&peer.profile().name).join("sanity");
        fs::remove_dir_all(&sanity)
            .map_err(|error| CliError::Harness(format!("{}: {error}", sanity.display())))?;
    }
    builder.event(&RunEvent::RunFinished { duration_ms: 0, waivers: Vec::new() });
    let mut report = builder.report();
    for case in &mut report.cases {
        case.duration_ms = 0;
        if case.peer == recipe.deviant.name {
            // No other command has that peer.
            COMMAND.clone_into(&mut case.rerun);
        }
    }
    write_reports(folder, &report, context)?;
    Ok(report)
}

/// Takes out what an earlier sample has left, but for its pictures.
fn clear(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else if path.extension().is_none_or(|end| end != PICTURE) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// The files below a folder by their path, but for pictures.
fn files(folder: &Path) -> io::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|end| end != PICTURE) {
                let name = path.strip_prefix(folder).unwrap_or(&path).to_owned();
                found.insert(name, fs::read(&path)?);
            }
        }
    }
    Ok(found)
}
