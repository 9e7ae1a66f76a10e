//! What a run tells its reports, and the [`Builder`] that gathers it to a [`Report`].

use ikev1_scenario::model::Role;

use crate::cause::causes;
use crate::discovery::{DiscoveryResult, ProbeResult};
use crate::model::{
    CaseResult, CellResult, MatrixResult, PeerInfo, Report, RunInfo, SCHEMA, Sanity, VectorsResult,
    WaiverProblem,
};

/// Something that happened in a run, in the order in which it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunEvent {
    /// The first event.
    RunStarted {
        /// What is run; its duration and flags are filled in by [`RunEvent::RunFinished`].
        run: RunInfo,
    },
    /// A peer is up.
    PeerStarted {
        /// The peer; its sanity handshakes come later.
        peer: PeerInfo,
        /// How many cases will run with it.
        planned: usize,
    },
    /// A sanity handshake with a peer ended.
    SanityFinished {
        /// Name of the peer.
        peer: String,
        /// What it gave.
        sanity: Sanity,
    },
    /// A case began.
    CaseStarted {
        /// Name of the peer.
        peer: String,
        /// ID of the case.
        id: String,
        /// The role of the harness.
        role: Role,
    },
    /// A case ended.
    CaseFinished(Box<CaseResult>),
    /// Each of these peers will play against each.
    MatrixStarted {
        /// Their names.
        peers: Vec<String>,
        /// IDs of the combinations that each pair plays.
        combinations: Vec<String>,
    },
    /// A pair has played a combination.
    CellFinished(Box<CellResult>),
    /// A probe of what a peer speaks ended.
    ProbeFinished(Box<ProbeResult>),
    /// All probes of a peer ended; what they found.
    Discovered(Box<DiscoveryResult>),
    /// The vectors were computed.
    VectorsFinished(VectorsResult),
    /// A fault that belongs to no case, such as a peer that did not start.
    Fault {
        /// What happened, one line.
        text: String,
    },
    /// Something that takes time, such as the build of an image, went one step further. It is no result.
    Note {
        /// What happened, one line.
        text: String,
    },
    /// The user asked the run to stop; cases under way may still end.
    Interrupted,
    /// The last event.
    RunFinished {
        /// Wall-clock time of the run in milliseconds.
        duration_ms: u64,
        /// Known failures that are out of date.
        waivers: Vec<WaiverProblem>,
    },
}

/// Gathers events to a [`Report`], which is complete after [`RunEvent::RunFinished`] and of use at any time before.
#[derive(Debug, Default)]
pub struct Builder {
    run: RunInfo,
    peers: Vec<PeerInfo>,
    cases: Vec<CaseResult>,
    matrix: Option<MatrixResult>,
    discovery: Vec<DiscoveryResult>,
    vectors: Option<VectorsResult>,
    waivers: Vec<WaiverProblem>,
}

impl Builder {
    /// Takes one event in.
    pub fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted { run } => {
                self.run = run.clone();
                self.run.set_redacted(run.redacted);
            }
            RunEvent::PeerStarted { peer, .. } => self.peers.push(peer.clone()),
            RunEvent::SanityFinished { peer, sanity } => {
                if let Some(known) = self.peers.iter_mut().find(|known| known.name == *peer) {
                    known.sanity.push(sanity.clone());
                }
            }
            RunEvent::CaseStarted { .. } | RunEvent::ProbeFinished(_) | RunEvent::Note { .. } => {}
            RunEvent::CaseFinished(case) => self.cases.push(case.as_ref().clone()),
            RunEvent::MatrixStarted { peers, combinations } => {
                self.matrix = Some(MatrixResult {
                    peers: peers.clone(),
                    combinations: combinations.clone(),
                    ..MatrixResult::default()
                });
            }
            RunEvent::CellFinished(cell) => {
                let matrix = self.matrix.get_or_insert_default();
                matrix.summary.add(cell.verdict);
                matrix.cells.push(cell.as_ref().clone());
            }
            RunEvent::Discovered(found) => self.discovery.push(found.as_ref().clone()),
            RunEvent::VectorsFinished(vectors) => self.vectors = Some(vectors.clone()),
            RunEvent::Fault { text } => self.run.errors.push(text.clone()),
            RunEvent::Interrupted => self.run.interrupted = true,
            RunEvent::RunFinished { duration_ms, waivers } => {
                self.run.duration_ms = *duration_ms;
                self.waivers.clone_from(waivers);
            }
        }
    }

    /// The matrix with its cells in a stable order.
    fn sorted_matrix(&self) -> Option<MatrixResult> {
        let mut matrix = self.matrix.clone()?;
        let MatrixResult { peers, combinations, .. } = &matrix;
        let at = |names: &[String], name: &str| names.iter().position(|known| known == name);
        let key = |cell: &CellResult| {
            (at(peers, &cell.initiator), at(peers, &cell.responder), at(combinations, &cell.combination))
        };
        let mut cells = matrix.cells.clone();
        cells.sort_by_key(key);
        matrix.cells = cells;
        Some(matrix)
    }

    /// The report of what was taken in so far. Cases that ran side by side are put in a stable order.
    pub fn report(&self) -> Report {
        let position = |peer: &str| self.peers.iter().position(|known| known.name == peer);
        let mut cases = self.cases.clone();
        cases.sort_by(|a, b| (position(&a.peer), &a.id, a.role).cmp(&(position(&b.peer), &b.id, b.role)));
        Report {
            schema: SCHEMA.to_owned(),
            run: self.run.clone(),
            peers: self.peers.clone(),
            summary: cases.iter().map(|case| case.verdict).collect(),
            causes: causes(&cases),
            cases,
            matrix: self.sorted_matrix(),
            discovery: self.discovery.clone(),
            vectors: self.vectors.clone(),
            waivers: self.waivers.clone(),
        }
    }
}
