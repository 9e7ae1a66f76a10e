//! Playing cases against mutants until one says what is wrong.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use ikev1_scenario::case::Case;
use ikev1_scenario::judge::{judge, unsupported};
use ikev1_scenario::model::{Level, Role};
use ikev1_scenario::verdict::{Judgement, Verdict};

use super::registry::Mutant;
use crate::run::{CaseRunner, Isolated, LoopbackRunner, Stop, isolate};

/// A case that found something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catch {
    /// Its ID.
    pub case: String,
    /// The harness' role in it.
    pub role: Role,
    /// `fail` or `warn`.
    pub verdict: Verdict,
    /// Why, in one line.
    pub reason: String,
}

/// How far one looked for a case that catches a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Only among those that cite its clause.
    Clause,
    /// Among all, where none of those caught it.
    Everything,
}

/// What became of a mutant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Played {
    /// Its ID.
    pub id: String,
    /// The first case that caught it.
    pub by: Option<Catch>,
    /// A case that found something and does not cite the clause, where no other did.
    pub otherwise: Option<Catch>,
    /// Cases that were played against it.
    pub cases: usize,
    /// Cases in which the harness itself came to grief, with the reason.
    pub errors: Vec<String>,
}

impl Played {
    /// Whether a case that cites the clause caught it.
    pub fn is_caught(&self) -> bool {
        self.by.is_some()
    }
}

/// Plays all mutants, `jobs` at a time; each is told to `sink` in the order in which they end, and given back in theirs.
pub fn play_all(
    mutants: &[Mutant],
    cases: &[Arc<Case>],
    seed: u64,
    jobs: usize,
    stage: Stage,
    sink: &mut dyn FnMut(&Played),
) -> Vec<Played> {
    let next = AtomicUsize::new(0);
    let played = Mutex::new(vec![None; mutants.len()]);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, mutants.len().max(1)) {
            let (sender, next, played) = (sender.clone(), &next, &played);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let Some(mutant) = mutants.get(at) else { return };
                    let one = play(mutant, cases, seed, stage);
                    if let Some(place) = played.lock().unwrap_or_else(PoisonError::into_inner).get_mut(at) {
                        *place = Some(one.clone());
                    }
                    // The receiver lives as long as any worker.
                    let _ = sender.send(one);
                }
            });
        }
        drop(sender);
        for one in receiver {
            sink(&one);
        }
    });
    played.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect()
}

/// Plays one mutant: its own cases, the others that cite its clause, and as `stage` says all the rest; no further than the first
/// that catches it.
pub fn play(mutant: &Mutant, cases: &[Arc<Case>], seed: u64, stage: Stage) -> Played {
    let deviant: Arc<dyn CaseRunner> = Arc::new(LoopbackRunner::with_quirks(mutant.quirks()));
    let clean: Arc<dyn CaseRunner> = Arc::new(LoopbackRunner::new());
    let mut played =
        Played { id: mutant.id.clone(), by: None, otherwise: None, cases: 0, errors: Vec::new() };
    let in_order = in_order(mutant, cases);
    for case in in_order {
        let cites = mutant.is_cited_by(case);
        if !cites && (stage == Stage::Clause || played.otherwise.is_some()) {
            break;
        }
        let judgement = run(&deviant, case, seed);
        played.cases += 1;
        match judgement.verdict {
            // A clause that is no MUST makes `warn`; one that is must not get away with that.
            Verdict::Fail | Verdict::Warn if case.level != Level::May => {}
            Verdict::Error => {
                played.errors.push(format!("{} ({}): {}", case.id, case.role, judgement.reason));
                continue;
            }
            _ => continue,
        }
        if run(&clean, case, seed).verdict != Verdict::Pass {
            continue;
        }
        let (verdict, reason) = (judgement.verdict, judgement.reason);
        let catch = Catch { case: case.id.clone(), role: case.role, verdict, reason };
        if cites {
            played.by = Some(catch);
            return played;
        }
        played.otherwise = Some(catch);
    }
    played
}

/// The cases in the order in which they are played.
fn in_order<'a>(mutant: &Mutant, cases: &'a [Arc<Case>]) -> Vec<&'a Arc<Case>> {
    let plain: Vec<Case> = cases.iter().map(|case| case.as_ref().clone()).collect();
    let own = mutant.chosen(&plain).unwrap_or_default();
    let own: BTreeSet<(&str, Role)> = own.into_iter().map(|case| (case.id.as_str(), case.role)).collect();
    let mut ordered: Vec<_> = cases.iter().collect();
    ordered.sort_by_key(|case| {
        let is_own = own.contains(&(case.id.as_str(), case.role));
        (!is_own, !mutant.is_cited_by(case))
    });
    ordered
}

/// Plays and judges one case.
fn run(peer: &Arc<dyn CaseRunner>, case: &Arc<Case>, seed: u64) -> Judgement {
    if let Some(judgement) = unsupported(case, peer.profile()) {
        return judgement;
    }
    let (task, runner) = (Arc::clone(case), Arc::clone(peer));
    let work = move || {
        let artefacts = runner.run_case(&task, seed);
        judge(&task, &artefacts.transcript, runner.profile())
    };
    let error = |reason: String| Judgement {
        verdict: Verdict::Error,
        reason,
        findings: Vec::new(),
        notes: Vec::new(),
        changes: Vec::new(),
    };
    match isolate(&case.id, peer.time_limit(case), &Stop::default(), work) {
        Isolated::Done(judgement) => judgement,
        Isolated::Panicked(text) => error(format!("a panic: {text}")),
        Isolated::Hung | Isolated::Stopped => error("the case did not end in time".to_owned()),
    }
}
