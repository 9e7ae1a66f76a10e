//! `discover`: what a peer speaks.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ikev1_report::discovery::DiscoveryResult;
use ikev1_report::model::{Report, RunInfo};
use ikev1_report::term::Terminal;
use ikev1_report::text::shell_quote;
use ikev1_report::{Builder, Outcome, RunEvent};
use ikev1_scenario::model::Group;
use ikev1_scenario::pki::{CREDENTIALS_FOLDER, CredentialFiles};
use ikev1_scenario::select::select;
use ikev1_scenario::verdict::PeerProfile;
use jiff::Timestamp;

use super::app::Context;
use super::conform::{self, parse_group};
use super::error::CliError;
use super::peers::{self, PeerName, SELF};
use crate::discover::{DiscoverOptions, Probe, discover, probes};
use crate::run::{CaseRunner, RunOptions, Stop};

/// Arguments of `discover`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Probes: an ID, the beginning of one, or a glob such as `probe/esp-cipher/**` [default: all]
    #[arg(value_name = "ID-or-GLOB")]
    cases: Vec<String>,
    /// Peer to probe: `self`, a folder of `docker/`, such a folder with a release as in `strongswan-5.9`, `all` for every
    /// release of all of them, or the file of a device that is configured already (`FILE.toml`); may be given several times
    /// [default: `self`]
    #[arg(long = "peer", value_name = "NAME")]
    peers: Vec<String>,
    /// Probes that are played at the same time [default: as `conform` runs cases]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    jobs: Option<u16>,
    /// Where all randomness comes from; the same seed gives the same bytes [default: a random one]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(0..=conform::SEED_MAX))]
    seed: Option<u64>,
    /// Diffie-Hellman group where a probe is about none, such as `modp2048` [default: the first of modp1024, modp1536 and
    /// modp2048 that the peer has]
    #[arg(long, value_name = "NAME", value_parser = parse_group)]
    group: Option<Group>,
    /// Folder for the report and artefacts [default: a new one in reports/run/]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Kernel for the IPsec SAs of daemons that need one: the `host`'s, that of a User-Mode Linux guest (`uml`), or `auto` for
    /// the host's where it can do ESP
    #[arg(long, value_name = "KERNEL", value_parser = ["auto", "host", "uml"], default_value = "auto")]
    kernel: String,
    /// List what would be played, and play nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    progress: conform::ProgressArgs,
}

/// Keys and certificates for probes, and the patterns that choose among them.
#[derive(Debug)]
pub(super) struct Prober {
    credentials: Arc<CredentialFiles>,
    patterns: Vec<String>,
    group: Option<Group>,
}

impl Prober {
    /// With the probes that the patterns choose; all where there is none.
    pub(super) fn new(
        context: &Context,
        patterns: &[String],
        group: Option<Group>,
    ) -> Result<Self, CliError> {
        let folder = context.workspace.scenarios().join(CREDENTIALS_FOLDER);
        let credentials = CredentialFiles::load(&folder)
            .map_err(|(path, error)| CliError::Usage(format!("{}: {error}", path.display())))?;
        Ok(Self { credentials: Arc::new(credentials), patterns: patterns.to_vec(), group })
    }

    /// The IDs of the probes, which are the same for every peer.
    pub(super) fn ids(&self) -> Result<Vec<String>, CliError> {
        let chosen = self.chosen(probes(&PeerProfile::default(), None, self.group, &self.credentials))?;
        Ok(chosen.into_iter().map(|probe| probe.case.id).collect())
    }

    fn chosen(&self, all: Result<Vec<Probe>, crate::discover::ProbeError>) -> Result<Vec<Probe>, CliError> {
        let all = all.map_err(CliError::harness)?;
        let cases: Vec<_> = all.iter().map(|probe| probe.case.clone()).collect();
        let ids: BTreeSet<&str> = select(&cases, &self.patterns, None)
            .map_err(CliError::usage)?
            .into_iter()
            .map(|case| case.id.as_str())
            .collect();
        Ok(all.into_iter().filter(|probe| ids.contains(probe.case.id.as_str())).collect())
    }

    /// Probes a peer that is open; `alone` where nothing else is run with it.
    pub(super) fn probe(
        &self,
        peer: &PeerName,
        runner: &Arc<dyn CaseRunner>,
        context: &Context,
        (options, alone): (&RunOptions, bool),
        sink: &mut dyn FnMut(RunEvent),
    ) -> Result<DiscoveryResult, CliError> {
        let all = probes(runner.profile(), runner.policy(), self.group, &self.credentials);
        let said_in = match peer {
            PeerName::Loopback => None,
            PeerName::Device(file) => Some(file.clone()),
            PeerName::Container { .. } => peer
                .folder(&context.workspace)
                .map(|folder| context.workspace.relative(&folder.join("peer.toml")).display().to_string()),
        };
        let options = DiscoverOptions { run: options, said_in: said_in.as_deref(), alone };
        Ok(discover(&self.chosen(all)?, runner, options, sink))
    }
}

pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    let prober = Prober::new(context, &args.cases, args.group)?;
    let (ids, mut peers) = (prober.ids()?, Vec::new());
    let default = [SELF.to_owned()];
    for name in if args.peers.is_empty() { default.as_slice() } else { &args.peers } {
        for peer in PeerName::parse_all(name, &context.workspace)? {
            if !peers.contains(&peer) {
                peers.push(peer);
            }
        }
    }
    if args.dry_run {
        for peer in &peers {
            for id in &ids {
                writeln!(out, "{} {id}", peer.name())?;
            }
        }
        return Ok(Outcome::Success);
    }
    for peer in &peers {
        peers::preflight(peer)?;
    }
    let stop = Stop::default();
    conform::stop_on_interrupt(&stop)?;
    let started = Timestamp::now();
    let options = RunOptions {
        jobs: 1,
        seed: args.seed.unwrap_or_else(conform::random_seed),
        group: args.group,
        strength: ikev1_scenario::DEFAULT_STRENGTH,
        strict: false,
        folder: conform::run_folder(args.out.as_deref(), context, started)?,
        program: context.program.clone(),
        redact: false,
        probes: false,
        stop,
    };
    let planned = ids.len() * peers.len();
    let report = Plan { args, context, prober, peers, options: &options }.run(started, planned);
    conform::conclude(&report, &options.folder, context, out)
}

/// Everything that is decided before the first peer starts.
struct Plan<'a> {
    args: &'a Args,
    context: &'a Context,
    prober: Prober,
    peers: Vec<PeerName>,
    options: &'a RunOptions,
}

impl Plan<'_> {
    fn run(&self, started: Timestamp, planned: usize) -> Report {
        let start = Instant::now();
        let mut terminal =
            Terminal::new(io::stderr(), self.args.progress.mode(), self.context.colour.stderr());
        let mut builder = Builder::default();
        let mut sink = |event: RunEvent| {
            terminal.event(&event);
            builder.event(&event);
        };
        sink(RunEvent::RunStarted { run: self.info(started, planned) });
        for peer in &self.peers {
            if self.options.stop.is_set() {
                break;
            }
            if let Err(error) = self.peer(peer, &mut sink) {
                sink(RunEvent::Fault { text: format!("peer {}: {error}", peer.name()) });
            }
        }
        if self.options.stop.is_set() {
            sink(RunEvent::Interrupted);
        }
        let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        sink(RunEvent::RunFinished { duration_ms, waivers: Vec::new() });
        builder.report()
    }

    fn peer(&self, peer: &PeerName, sink: &mut (dyn FnMut(RunEvent) + Send)) -> Result<(), CliError> {
        let (args, workspace) = (self.args, &self.context.workspace);
        let jobs = args.jobs.map_or_else(|| peer.default_jobs(workspace), usize::from);
        let options = RunOptions { jobs, ..self.options.clone() };
        let mut progress = |line: &str| sink(RunEvent::Note { text: line.to_owned() });
        let runner = peers::open(peer, workspace, jobs, &args.kernel, args.group, &mut progress)?;
        let found = self.prober.probe(peer, &runner, self.context, (&options, true), sink);
        runner.close();
        found.map(drop)
    }

    fn info(&self, started: Timestamp, planned: usize) -> RunInfo {
        let (args, folder) = (self.args, &self.options.folder);
        let mut words = vec![self.options.program.clone(), "discover".to_owned()];
        words.extend(args.cases.iter().map(|pattern| shell_quote(pattern)));
        words.extend(args.peers.iter().map(|name| format!("--peer {}", shell_quote(name))));
        words.push(format!("--seed {}", self.options.seed));
        words.extend(args.group.map(|group| format!("--group {group}")));
        if args.kernel != "auto" {
            words.push(format!("--kernel {}", args.kernel));
        }
        RunInfo {
            id: folder
                .file_name()
                .map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned()),
            started: started.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            seed: self.options.seed,
            command: words.join(" "),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            planned,
            ..RunInfo::default()
        }
    }
}
