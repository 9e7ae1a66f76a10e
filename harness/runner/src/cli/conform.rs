//! `conform`: runs cases and vectors against peers, and reports.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ikev1_report::model::{Report, RunInfo, VectorsResult, WaiverProblem};
use ikev1_report::term::{self, Progress, Terminal};
use ikev1_report::text::shell_quote;
use ikev1_report::waiver::{self, Waiver};
use ikev1_report::{Builder, Outcome, RunEvent, Sources, badge, github, json, junit, markdown, sarif};
use ikev1_scenario::DEFAULT_STRENGTH;
use ikev1_scenario::case::Case;
use ikev1_scenario::model::{Group, Role};
use ikev1_scenario::requirement::Requirements;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::app::{Context, one_of};
use super::catalogue::Catalogue;
use super::discover::Prober;
use super::error::CliError;
use super::matrix;
use super::peers::{self, PeerName, SELF};
use super::vectors;
use crate::discover::{InformedRunner, informed};
use crate::docker::sweep_process;
use crate::pages;
use crate::redact::Redaction;
use crate::run::{CaseRunner, RunOptions, Stop, run_cases};

/// Arguments of `conform`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Cases: an ID, the beginning of one, or a glob such as `rfc2409/5.4*/**` [default: all]
    #[arg(value_name = "ID-or-GLOB")]
    pub(crate) cases: Vec<String>,
    /// Daemon against daemon: each peer against each, in every combination of exchange, authentication, PFS and rekeying; ID or
    /// GLOB then chooses combinations, such as `matrix/main-mode/**`
    #[arg(long, conflicts_with_all = ["role", "seed", "group", "strength"])]
    matrix: bool,
    /// Probe first what the peer speaks, as `discover` does; cases that need what it was found to lack are `unsupported` then,
    /// with the packet that shows it
    #[arg(long, conflicts_with = "matrix")]
    discover: bool,
    /// Peer to run against: `self`, a folder of `docker/`, such a folder with a release as in `strongswan-5.9`, `all` for
    /// every release of all of them, or the file of a device that is configured already (`FILE.toml`); may be given several
    /// times [default: `self`, with --matrix `all`]
    #[arg(long = "peer", value_name = "NAME")]
    pub(super) peers: Vec<String>,
    /// Only cases in which the harness plays this role: `initiator` or `responder`
    #[arg(long, value_name = "ROLE", value_parser = parse_role)]
    role: Option<Role>,
    /// Cases that are at work at the same time [default: number of cores for `self`, for a container what its manifest says or 8]; with --matrix pairs [default: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub(super) jobs: Option<u16>,
    /// Where all randomness comes from; the same seed gives the same bytes [default: a random one]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(0..=SEED_MAX))]
    seed: Option<u64>,
    /// Diffie-Hellman group where a case names none, such as `modp2048` [default: the first of modp1024, modp1536 and modp2048
    /// that the peer has]
    #[arg(long, value_name = "NAME", value_parser = parse_group)]
    group: Option<Group>,
    /// Of the values of a matrix play so many that each combination of values of N parameters occurs [default: 2, pairs];
    /// a matrix that is `full` is played whole
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=11))]
    pub(super) strength: Option<u8>,
    /// Let a SHOULD that is missed (`warn`) fail the run
    #[arg(long)]
    pub(super) strict: bool,
    /// Leave credentials, keys, decrypted messages, the peers' logs and the seed out of everything that is written; such a run
    /// can be passed on, but not be judged again. What `--discover` finds is redacted afterwards, by `rejudge --redact`
    #[arg(long, conflicts_with = "discover")]
    pub(super) redact: bool,
    /// Folder for the reports and artefacts [default: a new one in reports/run/]
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Kernel for the IPsec SAs of daemons that need one: the `host`'s, that of a User-Mode Linux guest (`uml`), or `auto` for
    /// the host's where it can do ESP
    #[arg(long, value_name = "KERNEL", value_parser = ["auto", "host", "uml"], default_value = "auto")]
    pub(super) kernel: String,
    /// List what would run, and run nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) progress: ProgressArgs,
}

/// How much a run tells meanwhile.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ProgressArgs {
    /// How to show progress: a `bar` with the case under way, `plain` lines for logs, or `quiet` [default: `bar` on a terminal
    /// outside of CI, else `plain`]
    #[arg(long, value_name = "MODE", value_parser = one_of(&Progress::ALL))]
    progress: Option<Progress>,
    /// No progress, only the last page: `--progress quiet`
    #[arg(long, short, conflicts_with = "progress")]
    quiet: bool,
}

impl ProgressArgs {
    /// The mode that was asked for, or the one that suits.
    pub(super) fn mode(&self) -> Progress {
        if self.quiet { Progress::Quiet } else { self.progress.unwrap_or_else(Progress::detect) }
    }
}

/// Largest seed: every JSON reader keeps a whole number up to 2^53.
pub(super) const SEED_MAX: u64 = (1 << 53) - 1;

pub(crate) fn parse_role(name: &str) -> Result<Role, String> {
    Role::from_name(name).ok_or_else(|| "expected `initiator` or `responder`".to_owned())
}

/// A group that can stand in every case: a private one takes numbers of its own.
pub(super) fn parse_group(name: &str) -> Result<Group, String> {
    Group::from_name(name).filter(|group| *group != Group::Private).ok_or_else(|| {
        let known = Group::ALL.iter().filter(|group| **group != Group::Private).map(|group| group.name());
        format!("expected one of {}", known.collect::<Vec<_>>().join(", "))
    })
}

/// Everything that is decided before the first case runs.
struct Plan<'a> {
    args: &'a Args,
    context: &'a Context,
    catalogue: Catalogue,
    /// Cases, and probes where there are any, with every peer.
    planned: usize,
    peers: Peers,
    /// Set where the peers are probed before their cases.
    prober: Option<Prober>,
    options: RunOptions,
    started: Timestamp,
    start: Instant,
}

impl Args {
    /// These cases with one peer, with a random seed and a folder of its own.
    pub(super) fn of(cases: &[String], peer: &str) -> Self {
        Self {
            cases: cases.to_vec(),
            matrix: false,
            discover: false,
            peers: vec![peer.to_owned()],
            role: None,
            jobs: None,
            seed: None,
            group: None,
            strength: None,
            strict: false,
            redact: false,
            out: None,
            dry_run: false,
            kernel: "auto".to_owned(),
            progress: ProgressArgs::default(),
        }
    }

    /// The strength of the combinations of a matrix.
    fn strength(&self) -> usize {
        self.strength.map_or(DEFAULT_STRENGTH, usize::from)
    }
}

pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    if args.matrix {
        return matrix::run(args, context, out);
    }
    if args.dry_run {
        let (_, cases, peers) = choose(args, context)?;
        return dry_run(&cases, &peers, out);
    }
    let (report, folder) = conduct(args, context)?;
    conclude(&report, &folder, context, out)
}

/// The peers of a run, with their known failures.
type Peers = Vec<(PeerName, Vec<Waiver>)>;

/// What is to be run against whom.
fn choose(args: &Args, context: &Context) -> Result<(Catalogue, Vec<Case>, Peers), CliError> {
    let catalogue = Catalogue::load_to(&context.workspace, args.strength())?;
    let cases = catalogue.select(&args.cases, args.role)?;
    let mut peers = Vec::new();
    let names = match args.peers.is_empty() {
        true => BTreeSet::from([SELF]),
        false => args.peers.iter().map(String::as_str).collect(),
    };
    for name in names {
        for peer in PeerName::parse_all(name, &context.workspace)? {
            let waivers = match peer.waiver_file(&context.workspace) {
                Some(file) => waiver::load(&file).map_err(CliError::usage)?,
                None => Vec::new(),
            };
            if !peers.iter().any(|(known, _)| *known == peer) {
                peers.push((peer, waivers));
            }
        }
    }
    Ok((catalogue, cases, peers))
}

/// Runs everything; gives the report and the folder of the run.
pub(super) fn conduct(args: &Args, context: &Context) -> Result<(Report, PathBuf), CliError> {
    let (catalogue, cases, peers) = choose(args, context)?;
    for (peer, _) in &peers {
        peers::preflight(peer)?;
    }
    let stop = Stop::default();
    stop_on_interrupt(&stop)?;
    let started = Timestamp::now();
    let options = RunOptions {
        jobs: 1,
        seed: args.seed.unwrap_or_else(random_seed),
        group: args.group,
        strength: args.strength(),
        strict: args.strict,
        folder: run_folder(args.out.as_deref(), context, started)?,
        program: context.program.clone(),
        redact: args.redact,
        probes: false,
        stop,
    };
    let prober = args.discover.then(|| Prober::new(context, &[], args.group)).transpose()?;
    let probes = prober.as_ref().map_or(Ok(0), |prober| prober.ids().map(|ids| ids.len()))?;
    let planned = (cases.len() + probes) * peers.len();
    let plan =
        Plan { args, context, catalogue, planned, peers, prober, options, started, start: Instant::now() };
    let report = plan.run();
    Ok((report, plan.options.folder))
}

fn dry_run(cases: &[Case], peers: &Peers, out: &mut dyn Write) -> Result<Outcome, CliError> {
    for (peer, _) in peers {
        for case in cases {
            writeln!(out, "{} {} {}", peer.name(), case.role, case.id)?;
        }
    }
    Ok(Outcome::Success)
}

impl Plan<'_> {
    fn run(&self) -> Report {
        let progress = self.args.progress.mode();
        let mut terminal = Terminal::new(io::stderr(), progress, self.context.colour.stderr());
        let mut builder = Builder::default();
        let redact = self.options.redact;
        let mut sink = |event: RunEvent| {
            let event = if redact { Redaction::event(event) } else { event };
            terminal.event(&event);
            builder.event(&event);
        };
        sink(RunEvent::RunStarted { run: self.info() });
        let mut waivers = Vec::new();
        thread::scope(|scope| {
            // Vectors need no peer, so they are computed while the cases of the first peer run.
            let mut vectors = self.wants_vectors().then(|| {
                let root = self.context.workspace.vectors();
                scope.spawn(move || vectors::check_all(&root))
            });
            for (peer, known) in &self.peers {
                if self.options.stop.is_set() {
                    break;
                }
                waivers.extend(self.peer(peer, known, &mut sink));
                if let Some(vectors) = vectors.take() {
                    sink(RunEvent::VectorsFinished(vectors.join().unwrap_or_else(|_| panicked())));
                }
            }
        });
        if self.peers.iter().any(|(peer, _)| peer.folder(&self.context.workspace).is_some()) {
            // All members are gone by now, unless the engine refused.
            if let Err(error) = sweep_process() {
                sink(RunEvent::Fault {
                    text: format!("a container or network of this run is left: {error}"),
                });
            }
        }
        if self.options.stop.is_set() {
            sink(RunEvent::Interrupted);
        }
        sink(RunEvent::RunFinished { duration_ms: millis(self.start.elapsed()), waivers });
        builder.report()
    }

    /// Runs all cases with one peer; gives its known failures that are out of date.
    fn peer(
        &self,
        peer: &PeerName,
        known: &[Waiver],
        sink: &mut (dyn FnMut(RunEvent) + Send),
    ) -> Vec<WaiverProblem> {
        let mut progress = |line: &str| sink(RunEvent::Note { text: line.to_owned() });
        let jobs = self.args.jobs.map_or_else(|| peer.default_jobs(&self.context.workspace), usize::from);
        let options = RunOptions { jobs, ..self.options.clone() };
        let (workspace, args) = (&self.context.workspace, self.args);
        let runner = match peers::open(peer, workspace, jobs, &args.kernel, args.group, &mut progress) {
            Ok(runner) => runner,
            Err(error) => {
                sink(RunEvent::Fault { text: format!("peer {} did not start: {error}", peer.name()) });
                return Vec::new();
            }
        };
        let runner = match self.discovered(peer, runner, &options, sink) {
            Ok(runner) => runner,
            Err(error) => {
                sink(RunEvent::Fault { text: error.to_string() });
                return Vec::new();
            }
        };
        let group = options.group_with(runner.profile());
        let cases = match self.catalogue.select_with(&args.cases, args.role, group) {
            Ok(cases) => cases,
            Err(error) => {
                sink(RunEvent::Fault { text: error.to_string() });
                runner.close();
                return Vec::new();
            }
        };
        let results = run_cases(cases, &runner, known, &options, sink);
        let version = runner.profile().version.clone();
        runner.close();
        let catalogue: Vec<_> =
            self.catalogue.cases().iter().map(|case| (case.id.clone(), case.role)).collect();
        let today = TimeZone::UTC.to_datetime(self.started).date();
        waiver::out_of_date(known, (&peer.name(), &version), &catalogue, &results, today)
    }

    /// The peer with what probes have found in its profile, where it is to be probed.
    fn discovered(
        &self,
        peer: &PeerName,
        runner: Arc<dyn CaseRunner>,
        options: &RunOptions,
        sink: &mut (dyn FnMut(RunEvent) + Send),
    ) -> Result<Arc<dyn CaseRunner>, CliError> {
        let Some(prober) = &self.prober else { return Ok(runner) };
        match prober.probe(peer, &runner, self.context, (options, false), sink) {
            Ok(found) => {
                let profile = informed(runner.profile(), &found);
                Ok(Arc::new(InformedRunner::new(runner, profile)))
            }
            Err(error) => {
                runner.close();
                Err(error)
            }
        }
    }

    /// Vectors belong to a run of everything against ourselves.
    fn wants_vectors(&self) -> bool {
        self.args.cases.is_empty()
            && self.args.role.is_none()
            && self.peers.iter().any(|(peer, _)| peer.is_self())
    }

    fn info(&self) -> RunInfo {
        let folder = &self.options.folder;
        RunInfo {
            id: folder
                .file_name()
                .map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned()),
            started: self.started.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            seed: if self.args.redact { 0 } else { self.options.seed },
            redacted: self.args.redact,
            command: self.command(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            strict: self.args.strict,
            planned: self.planned,
            ..RunInfo::default()
        }
    }

    /// The command that makes this run again, seed included.
    fn command(&self) -> String {
        let mut words = vec![self.options.program.clone(), "conform".to_owned()];
        words.extend(self.args.cases.iter().map(|case| shell_quote(case)));
        for (peer, _) in self.peers.iter().filter(|(peer, _)| self.peers.len() > 1 || !peer.is_self()) {
            words.push(format!("--peer {}", shell_quote(&peer.name())));
        }
        if self.args.discover {
            words.push("--discover".to_owned());
        }
        words.extend(self.args.role.map(|role| format!("--role {role}")));
        if !self.args.redact {
            words.push(format!("--seed {}", self.options.seed));
        }
        words.extend(self.args.group.map(|group| format!("--group {group}")));
        if self.args.kernel != "auto" {
            words.push(format!("--kernel {}", self.args.kernel));
        }
        if self.args.strict {
            words.push("--strict".to_owned());
        }
        if self.args.redact {
            words.push("--redact".to_owned());
        }
        words.join(" ")
    }
}

/// Writes the reports and the terminal's last page, which is there also when a full disk takes no reports.
pub(super) fn conclude(
    report: &Report,
    folder: &Path,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Outcome, CliError> {
    let written = write_reports(folder, report, context);
    let shown = context.workspace.relative(folder).display().to_string();
    let page = term::summary(report, &shown, context.colour.stdout());
    let shown =
        out.write_all(page.as_bytes()).map_err(CliError::from).and_then(|()| github(report, context, out));
    match shown {
        // Whoever reads has gone, as `head` does; the run has its outcome all the same.
        Err(error) if error.is_closed_pipe() => {}
        other => other?,
    }
    written.map(|()| Outcome::of(report))
}

/// On GitHub Actions: annotations into the log, and the summary of the step.
fn github(report: &Report, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if variable("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        let file = |id: &str| context.workspace.scenario_file(id);
        let sources = Sources { clauses: &[], file: &file };
        out.write_all(github::annotations(report, &sources).as_bytes())?;
    }
    if let Some(file) = variable("GITHUB_STEP_SUMMARY") {
        let opened = fs::OpenOptions::new().create(true).append(true).open(&file);
        opened
            .and_then(|mut summary| summary.write_all(markdown::render(report).as_bytes()))
            .map_err(|error| CliError::Harness(format!("GITHUB_STEP_SUMMARY={file}: {error}")))?;
    }
    Ok(())
}

/// Writes the reports of a run into its folder; the README has a table of them.
pub(super) fn write_reports(folder: &Path, report: &Report, context: &Context) -> Result<(), CliError> {
    let register =
        Requirements::load(&context.workspace.scenarios().join("requirements")).map_err(CliError::usage)?;
    let clauses = pages::clause_entries(&register);
    let file = |id: &str| context.workspace.scenario_file(id);
    let sources = Sources { clauses: &clauses, file: &file };
    let junit = junit::render(report, &sources).map_err(CliError::harness)?;
    let notice = format!("{}\n", report.run.notice);
    for (name, text) in [
        ("NOTICE.txt", notice),
        ("report.json", json::render(report)),
        ("junit.xml", junit),
        ("report.sarif", sarif::render(report, &sources)),
        ("summary.md", markdown::render(report)),
        ("badge.json", badge::render(report)),
    ] {
        let file = folder.join(name);
        fs::write(&file, text).map_err(|error| CliError::Harness(format!("{}: {error}", file.display())))?;
    }
    pages::write(folder, report, &register).map_err(CliError::harness)
}

/// A folder for this run: the one that was asked for, or a new one named by the time.
pub(super) fn run_folder(
    wanted: Option<&Path>,
    context: &Context,
    started: Timestamp,
) -> Result<PathBuf, CliError> {
    let refused = |folder: &Path, error: io::Error| {
        CliError::Harness(format!("cannot make {}: {error}", folder.display()))
    };
    if let Some(folder) = wanted {
        fs::create_dir_all(folder).map_err(|error| refused(folder, error))?;
        return Ok(folder.to_owned());
    }
    let runs = context.workspace.runs();
    fs::create_dir_all(&runs).map_err(|error| refused(&runs, error))?;
    let name = started.strftime("%Y-%m-%dT%H-%M-%SZ").to_string();
    let mut attempt = 1;
    loop {
        let folder = runs.join(if attempt == 1 { name.clone() } else { format!("{name}-{attempt}") });
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => attempt += 1,
            Err(error) => return Err(refused(&folder, error)),
        }
    }
}

/// The first Ctrl-C ends the run in order; a second one ends the process as soon as its containers are gone.
pub(super) fn stop_on_interrupt(stop: &Stop) -> Result<(), CliError> {
    let stop = stop.clone();
    ctrlc::set_handler(move || {
        if stop.set() {
            // Where there is no Docker there is nothing to remove; otherwise the containers' own time limit is left.
            let _ = sweep_process();
            std::process::exit(i32::from(Outcome::Harness.code()));
        }
    })
    .map_err(|error| CliError::Harness(format!("cannot listen for Ctrl-C: {error}")))
}

/// A seed that is short enough to be typed.
pub(super) fn random_seed() -> u64 {
    RandomState::new().hash_one(()) >> 32
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn panicked() -> VectorsResult {
    VectorsResult {
        failures: vec!["the check of the vectors panicked".to_owned()],
        ..VectorsResult::default()
    }
}
