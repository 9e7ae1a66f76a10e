//! Every pair through every combination, some pairs at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ikev1_report::RunEvent;
use ikev1_report::model::{CellResult, PeerInfo};
use ikev1_report::text::shell_quote;
use ikev1_scenario::Verdict;
use ikev1_scenario::case::Case;
use ikev1_scenario::verdict::PeerProfile;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::combination::Combination;
use super::pair::Pair;
use super::play::{Cell, CellFiles};
use crate::docker::{ChosenPeer, RunGuard, process_run_id};
use crate::redact::Redaction;
use crate::run::Stop;

/// How long two containers may take to start.
const START_TIME_MAX: Duration = Duration::from_secs(120);
/// A cell that has not ended by then has hung; every wait within it has a bound of its own.
const CELL_TIME_MAX: Duration = Duration::from_secs(240);

/// How the matrix is run.
#[derive(Debug, Clone)]
pub struct MatrixOptions {
    /// Pairs at the same time.
    pub jobs: usize,
    /// Whether a SHOULD that is missed is unexpected.
    pub strict: bool,
    /// Where artefacts go.
    pub folder: PathBuf,
    /// How this program is called, for the commands that run a cell again.
    pub program: String,
    /// Whether secrets are left out of everything that is written.
    pub redact: bool,
    /// Set when the user wants the run to end.
    pub stop: Stop,
}

/// Where events go.
type Sink<'a> = Mutex<&'a mut (dyn FnMut(RunEvent) + Send)>;

/// Lets each of `peers` initiate to each, itself included.
pub fn run_matrix(
    peers: &[ChosenPeer],
    combinations: &[Combination],
    options: &MatrixOptions,
    runtime: &Runtime,
    sink: &mut (dyn FnMut(RunEvent) + Send),
) {
    let pairs: Vec<(&ChosenPeer, &ChosenPeer)> = peers
        .iter()
        .flat_map(|initiator| peers.iter().map(move |responder| (initiator, responder)))
        .collect();
    let work = Work {
        combinations,
        options,
        runtime,
        planned: 2 * peers.len() * combinations.len(),
        sink: Mutex::new(sink),
        announced: Mutex::default(),
    };
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..options.jobs.clamp(1, pairs.len().max(1)) {
            scope.spawn(|| {
                while let Some((number, (initiator, responder))) = {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    pairs.get(number).map(|pair| (number, pair))
                } {
                    if options.stop.is_set() {
                        return;
                    }
                    work.pair(number, initiator, responder);
                }
            });
        }
    });
}

struct Work<'a> {
    combinations: &'a [Combination],
    options: &'a MatrixOptions,
    runtime: &'a Runtime,
    /// Cells in which a peer takes part.
    planned: usize,
    sink: Sink<'a>,
    announced: Mutex<BTreeSet<String>>,
}

impl Work<'_> {
    fn event(&self, event: RunEvent) {
        (self.sink.lock().unwrap_or_else(PoisonError::into_inner))(event);
    }

    fn pair(&self, number: usize, initiator: &ChosenPeer, responder: &ChosenPeer) {
        let run_id = format!("{}-pair-{}", process_run_id(), number + 1);
        // Removes what a pair that hung or panicked has left.
        let guard = RunGuard::new(&run_id);
        let mut pair: Option<Pair> = None;
        for combination in self.combinations {
            if self.options.stop.is_set() {
                break;
            }
            let start = Instant::now();
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                self.runtime.block_on(async {
                    let running = match pair.take() {
                        Some(running) => running,
                        None => timeout(START_TIME_MAX, Pair::start(initiator, responder, guard.run_id()))
                            .await
                            .map_err(|_| {
                                format!("the pair did not start within {} s", START_TIME_MAX.as_secs())
                            })?
                            .map_err(|error| format!("the pair did not start: {error}"))?,
                    };
                    self.announce(running.profiles());
                    // A pair whose cell hung is dropped with its containers.
                    let running = pair.insert(running);
                    let played = timeout(CELL_TIME_MAX, running.play(combination, &self.options.stop)).await;
                    played.map_err(|_| format!("the cell did not end within {} s", CELL_TIME_MAX.as_secs()))
                })
            }));
            let outcome = outcome.unwrap_or_else(|_| Err("the harness panicked".to_owned()));
            let cell = match outcome {
                Ok(Some(cell)) => cell,
                Ok(None) => break,
                Err(reason) => {
                    pair = None;
                    fault(reason)
                }
            };
            let result = self.result(initiator, responder, combination, cell, start.elapsed());
            self.event(RunEvent::CellFinished(Box::new(result)));
        }
    }

    /// Tells of each peer once.
    fn announce(&self, profiles: [&PeerProfile; 2]) {
        for profile in profiles {
            if self.announced.lock().unwrap_or_else(PoisonError::into_inner).insert(profile.name.clone()) {
                let peer = PeerInfo {
                    name: profile.name.clone(),
                    version: profile.version.clone(),
                    capabilities: profile.capabilities.iter().map(ToString::to_string).collect(),
                    kernel: profile.kernel.clone(),
                    ..PeerInfo::default()
                };
                self.event(RunEvent::PeerStarted { peer, planned: self.planned });
            }
        }
    }

    fn result(
        &self,
        initiator: &ChosenPeer,
        responder: &ChosenPeer,
        combination: &Combination,
        mut cell: Cell,
        duration: Duration,
    ) -> CellResult {
        let relative = Path::new(&format!("{}--{}", initiator.name, responder.name)).join(combination.id());
        let mut redaction = None;
        let artefacts = if self.options.redact {
            let cases = [&combination.initiator, &combination.responder];
            let redaction = redaction.insert(Redaction::of(cases, &[]).with_wire(&cell.files.capture));
            let files =
                CellFiles { capture: std::mem::take(&mut cell.files.capture), ..CellFiles::default() };
            let cases = cases.map(|case| redaction.case(case));
            write(&self.options.folder, &relative, cases, &files)
        } else {
            let cases = [&combination.initiator, &combination.responder].map(Case::clone);
            write(&self.options.folder, &relative, cases, &cell.files)
        };
        let artefacts = artefacts.unwrap_or_else(|error| {
            cell = fault(format!("cannot write the files of the cell: {error}"));
            BTreeMap::new()
        });
        let mut rerun =
            format!("{} conform --matrix {}", self.options.program, shell_quote(combination.id()));
        for name in BTreeSet::from([&initiator.name, &responder.name]) {
            rerun.push_str(&format!(" --peer {}", shell_quote(name)));
        }
        let mut result = CellResult {
            initiator: initiator.name.clone(),
            responder: responder.name.clone(),
            combination: combination.id().to_owned(),
            verdict: cell.verdict,
            expected: !cell.verdict.is_unexpected(self.options.strict),
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            reason: cell.reason,
            findings: cell.findings,
            notes: cell.notes,
            artefacts,
            rerun,
        };
        if let Some(redaction) = redaction {
            redaction.cell(&mut result);
        }
        result
    }
}

/// The cell that could not be played.
fn fault(reason: String) -> Cell {
    let files = CellFiles::default();
    Cell { verdict: Verdict::Error, reason, findings: Vec::new(), notes: Vec::new(), files }
}

/// Writes the files of a cell; gives their names by kind, relative to the folder of the run.
fn write(
    run: &Path,
    relative: &Path,
    cases: [Case; 2],
    files: &CellFiles,
) -> io::Result<BTreeMap<String, String>> {
    let folder = run.join(relative);
    fs::create_dir_all(&folder)?;
    let [initiator, responder] = cases.map(|case| serde_json::to_vec_pretty(&case).map_err(io::Error::other));
    let (initiator, responder) = (initiator?, responder?);
    let mut names = BTreeMap::new();
    for (kind, name, content) in [
        ("initiator-case", "initiator.json", initiator.as_slice()),
        ("responder-case", "responder.json", responder.as_slice()),
        ("capture", "capture.pcap", files.capture.as_slice()),
        ("keys", "keys.txt", files.keys.as_bytes()),
        ("initiator-log", "initiator.log", files.initiator_log.as_bytes()),
        ("responder-log", "responder.log", files.responder_log.as_bytes()),
    ] {
        if !content.is_empty() {
            fs::write(folder.join(name), content)?;
            names.insert(kind.to_owned(), relative.join(name).display().to_string());
        }
    }
    Ok(names)
}
