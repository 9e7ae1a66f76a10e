//! `conform --matrix`: daemon against daemon.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use ikev1_report::model::{Report, RunInfo};
use ikev1_report::term::Terminal;
use ikev1_report::text::shell_quote;
use ikev1_report::{Builder, Outcome, RunEvent};
use ikev1_scenario::model::Capability;
use ikev1_scenario::pki::{CREDENTIALS_FOLDER, CredentialFiles};
use ikev1_scenario::select::select;
use jiff::Timestamp;

use super::app::Context;
use super::conform::{self, Args};
use super::error::CliError;
use super::peers::{self, ALL, PeerName};
use crate::docker::{ChosenPeer, DockerError, PeerDir};
use crate::matrix::{Combination, MatrixOptions, combinations, run_matrix};
use crate::redact::Redaction;
use crate::run::Stop;

/// Pairs at the same time unless the command line says otherwise: each has two guests of 130 MB and half a processor where its
/// daemons bring their kernels along.
const JOBS: usize = 4;

/// A peer of the matrix.
#[derive(Debug, PartialEq, Eq)]
struct Member {
    folder: String,
    release: Option<String>,
    name: String,
}

/// Everything that is decided before the first pair starts.
struct Plan<'a> {
    args: &'a Args,
    context: &'a Context,
    peers: Vec<Member>,
    combinations: Vec<Combination>,
}

pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    let plan =
        Plan { args, context, peers: chosen_peers(args, context)?, combinations: chosen(args, context)? };
    if args.dry_run {
        for initiator in &plan.peers {
            for responder in &plan.peers {
                for combination in &plan.combinations {
                    writeln!(out, "{} {} {}", initiator.name, responder.name, combination.id())?;
                }
            }
        }
        return Ok(Outcome::Success);
    }
    let docker = peers::runtime()?.block_on(peers::engine());
    docker.map_err(|error| CliError::Harness(format!("--matrix runs daemons in containers: {error}")))?;
    let stop = Stop::default();
    conform::stop_on_interrupt(&stop)?;
    let started = Timestamp::now();
    let options = MatrixOptions {
        jobs: args.jobs.map_or(JOBS, usize::from),
        strict: args.strict,
        folder: conform::run_folder(args.out.as_deref(), context, started)?,
        program: context.program.clone(),
        redact: args.redact,
        stop,
    };
    let report = plan.run(&options, started)?;
    conform::conclude(&report, &options.folder, context, out)
}

/// The peers of the matrix: those that were asked for, else all.
fn chosen_peers(args: &Args, context: &Context) -> Result<Vec<Member>, CliError> {
    let all = [ALL.to_owned()];
    let names = if args.peers.is_empty() { all.as_slice() } else { &args.peers };
    let mut chosen = Vec::new();
    for name in names {
        for peer in PeerName::parse_all(name, &context.workspace)? {
            let name_of_peer = peer.name();
            let PeerName::Container { folder, release } = peer else {
                return Err(CliError::Usage(format!(
                    "--matrix runs daemons in containers against each other, and `{name}` is none: give folders of docker/"
                )));
            };
            if *name == ALL && !is_daemon(context, &folder)? {
                continue;
            }
            let member = Member { folder, release, name: name_of_peer };
            if !chosen.contains(&member) {
                chosen.push(member);
            }
        }
    }
    Ok(chosen)
}

/// Whether a peer can be either side of a pair: clients and peers without IKEv1 cannot.
fn is_daemon(context: &Context, folder: &str) -> Result<bool, CliError> {
    let dir = PeerDir::load(context.workspace.docker().join(folder)).map_err(CliError::usage)?;
    let release = dir.release(None).map_err(CliError::usage)?;
    let profile = dir.profile(release, folder, release);
    let both = [Capability::Ikev1, Capability::Responder, Capability::Trigger];
    Ok(both.iter().all(|capability| profile.capabilities.contains(capability)))
}

/// The combinations whose IDs fit the patterns of the command line.
fn chosen(args: &Args, context: &Context) -> Result<Vec<Combination>, CliError> {
    let folder = context.workspace.scenarios().join(CREDENTIALS_FOLDER);
    let credentials = CredentialFiles::load(&folder)
        .map_err(|(path, error)| CliError::Usage(format!("{}: {error}", path.display())))?;
    let all = combinations(&Arc::new(credentials)).map_err(CliError::harness)?;
    let cases: Vec<_> = all.iter().map(|combination| combination.responder.clone()).collect();
    let ids: BTreeSet<_> = select(&cases, &args.cases, None)
        .map_err(CliError::usage)?
        .into_iter()
        .map(|case| case.id.as_str())
        .collect();
    Ok(all.into_iter().filter(|combination| ids.contains(combination.id())).collect())
}

impl Plan<'_> {
    fn run(&self, options: &MatrixOptions, started: Timestamp) -> Result<Report, CliError> {
        let start = Instant::now();
        let mut terminal =
            Terminal::new(io::stderr(), self.args.progress.mode(), self.context.colour.stderr());
        let mut builder = Builder::default();
        let redact = options.redact;
        let mut sink = |event: RunEvent| {
            let event = if redact { Redaction::event(event) } else { event };
            terminal.event(&event);
            builder.event(&event);
        };
        sink(RunEvent::RunStarted { run: self.info(options, started) });
        let names: Vec<String> = self.peers.iter().map(|peer| peer.name.clone()).collect();
        let combinations = self.combinations.iter().map(|combination| combination.id().to_owned()).collect();
        sink(RunEvent::MatrixStarted { peers: names, combinations });
        let runtime = peers::runtime()?;
        let mut chosen = Vec::new();
        for peer in &self.peers {
            let mut progress = |line: &str| sink(RunEvent::Note { text: line.to_owned() });
            match runtime.block_on(self.prepare(peer, &mut progress)) {
                Ok(peer) => chosen.push(peer),
                Err(error) => {
                    sink(RunEvent::Fault { text: format!("peer {} cannot be started: {error}", peer.name) });
                }
            }
            if options.stop.is_set() {
                break;
            }
        }
        if !options.stop.is_set() {
            run_matrix(&chosen, &self.combinations, options, &runtime, &mut sink);
        }
        if options.stop.is_set() {
            sink(RunEvent::Interrupted);
        }
        let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        sink(RunEvent::RunFinished { duration_ms, waivers: Vec::new() });
        Ok(builder.report())
    }

    /// The peer with its image.
    async fn prepare(
        &self,
        peer: &Member,
        progress: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ChosenPeer, DockerError> {
        let Member { folder, release, name } = peer;
        let (workspace, kernel) = (&self.context.workspace, &self.args.kernel);
        peers::choose(folder, release.as_deref(), name, workspace, kernel, progress).await
    }

    fn info(&self, options: &MatrixOptions, started: Timestamp) -> RunInfo {
        let mut words = vec![options.program.clone(), "conform --matrix".to_owned()];
        words.extend(self.args.cases.iter().map(|pattern| shell_quote(pattern)));
        words.extend(self.args.peers.iter().map(|name| format!("--peer {}", shell_quote(name))));
        if self.args.kernel != "auto" {
            words.push(format!("--kernel {}", self.args.kernel));
        }
        if self.args.strict {
            words.push("--strict".to_owned());
        }
        if self.args.redact {
            words.push("--redact".to_owned());
        }
        RunInfo {
            id: options
                .folder
                .file_name()
                .map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned()),
            started: started.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            // Nothing is random here but what the daemons draw.
            seed: 0,
            command: words.join(" "),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            strict: self.args.strict,
            redacted: self.args.redact,
            planned: self.peers.len() * self.peers.len() * self.combinations.len(),
            ..RunInfo::default()
        }
    }
}
