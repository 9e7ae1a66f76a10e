//! `images`: builds the container images of the peers, so that the first run need not wait for them.

use std::io::{self, Write};

use ikev1_report::Outcome;
use ikev1_report::text::one_line;

use super::app::Context;
use super::error::CliError;
use super::peers::{self, PeerName};
use crate::docker::{PeerDir, docker_available, ensure_image};

/// Longest line of a build that is shown, in characters.
const LINE_CHARS_MAX: usize = 200;

/// Arguments of `images`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Peers: folders of `docker/` [default: all]
    #[arg(value_name = "NAME")]
    peers: Vec<String>,
    /// Debian suite to build for [default: the one in the peer's `peer.toml`]
    #[arg(long, value_name = "SUITE")]
    suite: Option<String>,
    /// No progress
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    let workspace = &context.workspace;
    let names = match args.peers.is_empty() {
        true => peers::known(workspace),
        false => args.peers.clone(),
    };
    let names = names.iter().map(|name| PeerName::parse(name, workspace)).collect::<Result<Vec<_>, _>>()?;
    let runtime = peers::runtime()?;
    runtime.block_on(docker_available()).map_err(CliError::harness)?;
    let quiet = args.quiet;
    let mut progress = |line: &str| {
        if !quiet {
            // Progress is no result, so a closed standard error does not matter.
            let _ = writeln!(io::stderr(), "{}", one_line(line, LINE_CHARS_MAX));
        }
    };
    for folder in names.iter().filter_map(|name| name.folder(workspace)) {
        let peer = PeerDir::load(folder).map_err(CliError::usage)?;
        let suite = peer.suite(args.suite.as_deref()).map_err(CliError::usage)?;
        let image =
            runtime.block_on(ensure_image(&peer, &suite, &mut progress)).map_err(CliError::harness)?;
        writeln!(out, "{} {image}", peer.manifest.name)?;
    }
    Ok(Outcome::Success)
}
