//! `compare`: what has changed between two runs, releases or peers.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use ikev1_report::compare::{Compared, Comparison, RunOfComparison, markdown, text};
use ikev1_report::model::Report;
use ikev1_report::{Outcome, json};

use super::app::Context;
use super::error::{CliError, unknown};

/// Arguments of `compare`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Exit code 0: B is no worse than A. 1: something that both have got worse, and no known failure covers it. 2: A or B is no run, or they have nothing in common.

Peers are matched by name. Where each run has one, or --peer-a and --peer-b name one, those two are matched whatever their names: \
that compares releases, and peers.")]
pub struct Args {
    /// The run that is compared with: its folder, or its report.json
    #[arg(value_name = "A")]
    a: PathBuf,
    /// The run that is compared
    #[arg(value_name = "B")]
    b: PathBuf,
    /// Compare this peer of A only
    #[arg(long, value_name = "NAME")]
    peer_a: Option<String>,
    /// Compare this peer of B only
    #[arg(long, value_name = "NAME")]
    peer_b: Option<String>,
    /// JSON: the changes, with the evidence of both
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Markdown, for a comment or a page
    #[arg(long)]
    markdown: bool,
}

pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    let (a, file_a) = read(&args.a)?;
    let (b, file_b) = read(&args.b)?;
    for (report, peer) in [(&a, &args.peer_a), (&b, &args.peer_b)] {
        check_peer(report, peer.as_deref())?;
    }
    let comparison = Comparison::new(
        Compared { report: &a, file: &file_a, peer: args.peer_a.as_deref() },
        Compared { report: &b, file: &file_b, peer: args.peer_b.as_deref() },
    );
    if comparison.in_common() == 0 {
        let of = |run: &RunOfComparison| [run.peers.as_slice(), &run.left_out].concat().join(", ");
        return Err(CliError::usage(format!(
            "{file_a} and {file_b} have no result in common, so nothing can be compared: A has {}, B has {}; --peer-a and --peer-b \
             match two peers whose names differ",
            of(&comparison.a),
            of(&comparison.b)
        )));
    }
    if args.json {
        comparison.write_json(out)?;
    } else if args.markdown {
        out.write_all(markdown(&comparison).as_bytes())?;
    } else {
        out.write_all(text(&comparison, context.colour.stdout()).as_bytes())?;
    }
    Ok(comparison.outcome())
}

/// The report of a run, and its file.
fn read(path: &Path) -> Result<(Report, String), CliError> {
    let file = if path.is_dir() { path.join("report.json") } else { path.to_owned() };
    let text = fs::read_to_string(&file).map_err(|error| {
        CliError::usage(format!("{} is no run: {}: {error}", path.display(), file.display()))
    })?;
    let report =
        json::parse(&text).map_err(|error| CliError::usage(format!("{}: {error}", file.display())))?;
    Ok((report, file.display().to_string()))
}

fn check_peer(report: &Report, peer: Option<&str>) -> Result<(), CliError> {
    let of_matrix = report.matrix.iter().flat_map(|matrix| &matrix.peers);
    let names: Vec<_> = report.peers.iter().map(|peer| &peer.name).chain(of_matrix).cloned().collect();
    match peer.filter(|peer| !names.iter().any(|name| name == peer)) {
        Some(peer) => Err(unknown("peer", peer, &names)),
        None => Ok(()),
    }
}
