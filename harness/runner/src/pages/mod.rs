//! The HTML pages of a run, made of its report and of the files that its cases have left.
//!
//! `conform` and `rejudge --write` both come here when a run is over, so a page shows what stands on the disk, and nothing
//! that was only known while the case ran. The report crate lays out what `evidence` finds.

mod evidence;
mod messages;
mod words;

pub(crate) use messages::{content, fields};

use std::fs;
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ikev1_report::html::{CasePage, Clause, ClauseEntry, PAGE_FILE, case_page, has_page, index};
use ikev1_report::model::{CaseResult, Report};
use ikev1_scenario::requirement::{Requirement, Requirements};

use crate::run::CaseFolder;

/// A page that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", file.display())]
pub struct PageError {
    file: PathBuf,
    source: io::Error,
}

/// Writes `index.html` into the folder of a run, and one into the folder of each case that [`has_page`].
///
/// # Errors
/// When a page cannot be written. A case whose files cannot be read has a page that says so.
pub fn write(folder: &Path, report: &Report, register: &Requirements) -> Result<(), PageError> {
    let clauses = clause_entries(register);
    write_page(&folder.join(PAGE_FILE), &index(report, &clauses))?;
    let (next, threads) = (AtomicUsize::new(0), thread::available_parallelism().map_or(1, NonZero::get));
    thread::scope(|scope| {
        let work = || {
            while let Some(case) = report.cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                write_case(folder, report, case, register)?;
            }
            Ok(())
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        // A panic of a worker is one of ours, and goes on as such.
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn write_page(file: &Path, page: &str) -> Result<(), PageError> {
    fs::write(file, page).map_err(|source| PageError { file: file.to_owned(), source })
}

/// The page of a case; none where nothing was played.
fn write_case(
    folder: &Path,
    report: &Report,
    result: &CaseResult,
    register: &Requirements,
) -> Result<(), PageError> {
    let Some(transcript) = result.artefacts.get("transcript").filter(|_| has_page(result, report)) else {
        return Ok(());
    };
    let relative = Path::new(transcript).parent().unwrap_or(Path::new(""));
    let files = CaseFolder::at(folder, relative);
    let evidence = match files.read() {
        Ok((case, records)) => {
            // Bytes of a daemon's log are whatever it has written.
            let log = result.artefacts.get("peer-log").and_then(|log| fs::read(folder.join(log)).ok());
            let log = String::from_utf8_lossy(log.as_deref().unwrap_or_default()).into_owned();
            Ok(evidence::evidence(&case, &records, result, &log, report.run.redacted))
        }
        Err(error) => Err(error.to_string()),
    };
    let clauses: Vec<_> = result.requirements.iter().map(|id| clause(id, register)).collect();
    let peer = report.peers.iter().find(|peer| peer.name == result.peer);
    let page = CasePage {
        result,
        run: &report.run,
        peer_version: peer.map_or("", |peer| peer.version.as_str()),
        clauses: &clauses,
        evidence: evidence.as_ref().map_err(String::as_str),
    };
    if !files.path().is_dir() {
        return Ok(());
    }
    write_page(&files.path().join(PAGE_FILE), &case_page(&page))
}

/// The register as reports show it.
pub fn clause_entries(register: &Requirements) -> Vec<ClauseEntry> {
    register.iter().map(clause_entry).collect()
}

fn clause_entry(requirement: &Requirement) -> ClauseEntry {
    ClauseEntry {
        id: requirement.id.to_string(),
        document: requirement.id.document().to_owned(),
        section: requirement.section.clone(),
        level: requirement.level.name().to_owned(),
        summary: requirement.summary.clone(),
        untestable: requirement.why.clone().unwrap_or_default(),
    }
}

/// What the register says of a clause.
pub(crate) fn clause(id: &str, register: &Requirements) -> Clause {
    let known = id.parse().ok().and_then(|id| register.get(&id));
    match known {
        Some(known) => Clause {
            id: id.to_owned(),
            place: format!("{}, section {}", known.id.document().replacen("RFC", "RFC ", 1), known.section),
            level: known.level.name().to_owned(),
            summary: known.summary.clone(),
        },
        None => Clause { id: id.to_owned(), summary: "not in the register".to_owned(), ..Clause::default() },
    }
}
