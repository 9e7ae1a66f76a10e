//! Commands and options, and the way from them to an exit code.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use ikev1_report::Outcome;
use ikev1_report::term::Colour;

use super::error::CliError;
use super::workspace::Workspace;
use super::{
    ambiguities, compare, conform, discover, dissect, explain, features, images, lint, list, mutants, record,
    rejudge, sample, schema, trace, vectors,
};

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Folder that holds `scenarios/`, `vectors/` and `docker/` [default: the workspace around the current folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// When to use colours: `auto` is on a terminal without `NO_COLOR`
    #[arg(long, global = true, value_name = "WHEN", value_parser = one_of(&Colour::ALL), default_value = "auto", hide_default_value = true)]
    pub color: Colour,
}

/// Reads one of several names.
pub(super) fn one_of<T: Copy + Send + Sync + PartialEq + 'static>(
    names: &'static [(T, &'static str)],
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |name| {
        names.iter().find(|(_, known)| *known == name).map(|(value, _)| *value).ok_or_else(|| {
            let known: Vec<_> = names.iter().map(|(_, known)| format!("`{known}`")).collect();
            format!("expected one of {}", known.join(", "))
        })
    }
}

/// The commands of the harness.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Run scenarios and vectors against peers, and report
    Conform(conform::Args),
    /// Offer a peer each thing that can be negotiated, and say what it speaks
    Discover(discover::Args),
    /// List the cases
    List(list::Args),
    /// Say what a case tests, does and accepts
    Explain(explain::Args),
    /// Check scenario files and the register of requirements
    Lint(lint::Args),
    /// Say which clauses of the RFCs have a case, which lack one, and what runs say of each
    Trace(trace::Args),
    /// Say what the RFCs leave open, and which reading the peers of runs take
    Ambiguities(ambiguities::Args),
    /// Write the JSON schemas, or check that they are current
    Schema(schema::Args),
    /// Write the README's list of what is supported, or check that it is current
    Features(features::Args),
    /// Judge the cases of an earlier run again, from its files
    Rejudge(rejudge::Args),
    /// Say what has changed between two runs, releases or peers
    Compare(compare::Args),
    /// Show a capture as ladders, decrypted where its keys are known, and what can be said against it
    Dissect(dissect::Args),
    /// Write the sample report in `reports/sample/`, or check that it is current
    Sample(sample::Args),
    /// Play the cases against peers that do one thing wrong each, and say which are not caught
    Mutants(mutants::Args),
    /// Compute known answers on every crypto provider
    Vectors(vectors::Args),
    /// Build the container images of the peers
    Images(images::Args),
    /// Record whole-chain vectors from a peer in a container
    Record(record::Args),
}

/// What a command works with.
#[derive(Debug, Clone)]
pub struct Context {
    /// Where everything is.
    pub workspace: Workspace,
    /// How the user called us, for commands that are to be pasted: `cargo xtask` or `ikev1-conform`.
    pub program: String,
    /// When to use colours.
    pub colour: Colour,
}

/// Runs a command. Its result goes to standard output, progress and errors to standard error.
pub fn run(command: &Command, global: &Global, program: &str) -> Outcome {
    let mut out = io::stdout().lock();
    let ended = dispatch(command, global, program, &mut out).and_then(|outcome| match out.flush() {
        // Whoever reads has gone, and what the command came to stays.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(outcome),
        flushed => Ok(flushed.map(|()| outcome)?),
    });
    match ended {
        Ok(outcome) => outcome,
        Err(error) if error.is_closed_pipe() => Outcome::Success,
        Err(error) => {
            // Nothing is left to be told when standard error is closed too.
            let _ = writeln!(io::stderr(), "error: {error}");
            error.outcome()
        }
    }
}

fn dispatch(
    command: &Command,
    global: &Global,
    program: &str,
    out: &mut dyn Write,
) -> Result<Outcome, CliError> {
    let workspace = Workspace::find(global.root.as_deref())?;
    let context = Context { workspace, program: program.to_owned(), colour: global.color };
    match command {
        Command::Conform(args) => conform::run(args, &context, out),
        Command::Discover(args) => discover::run(args, &context, out),
        Command::List(args) => list::run(args, &context, out),
        Command::Explain(args) => explain::run(args, &context, out),
        Command::Lint(args) => lint::run(args, &context, out),
        Command::Trace(args) => trace::run(args, &context, out),
        Command::Ambiguities(args) => ambiguities::run(args, &context, out),
        Command::Schema(args) => schema::run(args, &context, out),
        Command::Features(args) => features::run(args, &context, out),
        Command::Rejudge(args) => rejudge::run(args, &context, out),
        Command::Compare(args) => compare::run(args, &context, out),
        Command::Dissect(args) => dissect::run(args, &context, out),
        Command::Sample(args) => sample::run(args, &context, out),
        Command::Vectors(args) => vectors::run(args, &context, out),
        Command::Mutants(args) => mutants::run(args, &context, out),
        Command::Images(args) => images::run(args, &context, out),
        Command::Record(args) => record::run(args, &context, out),
    }
}
