//! `images`: builds the container images of the peers, so that the first run need not wait for them.

use std::io::{self, Write};

use ikev1_report::Outcome;
use ikev1_report::text::one_line;

use super::app::Context;
use super::error::CliError;
use super::peers::{self, PeerName};
use crate::docker::{ChosenPeer, PeerDir, docker_available};

/// Longest line of a build that is shown, in characters.
const LINE_CHARS_MAX: usize = 200;

/// Arguments of `images`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Peers: `all`, folders of `docker/`, or such with a release as in `strongswan-5.9` [default: each folder's
    /// default release]
    #[arg(value_name = "NAME")]
    peers: Vec<String>,
    /// No progress
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    let workspace = &context.workspace;
    let names = match args.peers.is_empty() {
        true => peers::folders(workspace),
        false => args.peers.clone(),
    };
    let mut peers = Vec::new();
    for name in &names {
        peers.extend(PeerName::parse_all(name, workspace)?);
    }
    let runtime = peers::runtime()?;
    runtime.block_on(docker_available()).map_err(CliError::harness)?;
    let quiet = args.quiet;
    let mut progress = |line: &str| {
        if !quiet {
            // Progress is no result, so a closed standard error does not matter.
            let _ = writeln!(io::stderr(), "{}", one_line(line, LINE_CHARS_MAX));
        }
    };
    for peer in &peers {
        let PeerName::Container { folder, release } = peer else { continue };
        let dir = PeerDir::load(workspace.docker().join(folder)).map_err(CliError::usage)?;
        let name = peer.name();
        let chosen = ChosenPeer::prepare(dir, &name, release.as_deref(), "auto", &mut progress);
        let image = runtime.block_on(chosen).map_err(CliError::harness)?.image;
        writeln!(out, "{name} {image}")?;
    }
    Ok(Outcome::Success)
}
