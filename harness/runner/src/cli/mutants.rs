//! `mutants`: whether the suite catches peers that do one thing wrong.

use super::app::Context;
use super::error::CliError;

/// Arguments of `mutants`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Mutants: an ID or the beginning of one [default: all]
    #[arg(value_name = "ID")]
    mutants: Vec<String>,
    /// How many mutants are played at the same time [default: as many as there are processors]
    #[arg(long, short, value_name = "N")]
    jobs: Option<usize>,
    /// Play no case that does not cite a mutant's clause, so that survivors cost no time
    #[arg(long)]
    quick: bool,
    /// Play those that are known to survive, instead of the others
    #[arg(long)]
    open: bool,
    /// JSON: `{"mutants": [{"id", "clause", "what", "caught", "by": [case IDs], "otherwise": [case IDs]}], "open": [{"id",
    /// "why"}]}`
    #[arg(long)]
    json: bool,
}

#[cfg(not(feature = "mutants"))]
pub(super) fn run(
    _: &Args,
    _: &Context,
    _: &mut dyn std::io::Write,
) -> Result<ikev1_report::Outcome, CliError> {
    Err(CliError::Usage(
        "this build has no mutants: use `cargo xtask mutants`, or build it with `--features mutants`"
            .to_owned(),
    ))
}

#[cfg(feature = "mutants")]
pub(super) use with_mutants::run;

#[cfg(feature = "mutants")]
mod with_mutants {
    use std::io::{self, Write};
    use std::num::NonZero;
    use std::sync::Arc;
    use std::thread;
    use std::time::Instant;

    use ikev1_report::Outcome;
    use serde_json::json;

    use super::{Args, CliError, Context};
    use crate::cli::catalogue::Catalogue;
    use crate::cli::error::unknown;
    use crate::mutants::{Catch, Mutant, Played, Registry, Stage, play_all};

    /// Where all randomness comes from; there is nothing to be found by another one.
    const SEED: u64 = 1;

    pub(in super::super) fn run(
        args: &Args,
        context: &Context,
        out: &mut dyn Write,
    ) -> Result<Outcome, CliError> {
        let catalogue = Catalogue::load(&context.workspace)?;
        let registry = Registry::load().map_err(CliError::harness)?;
        registry.check(catalogue.requirements(), catalogue.cases()).map_err(CliError::harness)?;
        let (open, closed): (Vec<_>, Vec<_>) =
            registry.mutants.into_iter().partition(|mutant| mutant.open.is_some());
        let open_ones = open.len();
        let known: Vec<_> = open.iter().map(|one| json!({ "id": one.id, "why": one.open })).collect();
        let mutants = chosen(if args.open { open } else { closed }, &args.mutants)?;
        let cases: Vec<_> = catalogue.cases().iter().cloned().map(Arc::new).collect();
        let jobs = args.jobs.or_else(|| thread::available_parallelism().ok().map(NonZero::get)).unwrap_or(1);
        let stage = if args.quick { Stage::Clause } else { Stage::Everything };
        let start = Instant::now();
        let mut told = |played: &Played| {
            if !played.is_caught() {
                // Nothing is left to be told when standard error is closed too.
                let otherwise = played.otherwise.as_ref().map(|catch| format!(" (but {} fails)", catch.case));
                let _ = writeln!(io::stderr(), "survivor: {}{}", played.id, otherwise.unwrap_or_default());
            }
        };
        let played = play_all(&mutants, &cases, SEED, jobs, stage, &mut told);
        let survivors = played.iter().filter(|played| !played.is_caught()).count();
        if args.json {
            let mutants: Vec<_> = mutants.iter().zip(&played).map(entry).collect();
            writeln!(out, "{:#}", json!({ "mutants": mutants, "open": known }))?;
        } else {
            let width = mutants.iter().map(|mutant| mutant.id.len()).max().unwrap_or(0);
            for (mutant, played) in mutants.iter().zip(&played) {
                writeln!(out, "{}", line(mutant, played, width))?;
            }
            let seconds = start.elapsed().as_secs();
            let all = played.len();
            let caught = all - survivors;
            writeln!(out, "caught: {caught} of {all}, survivors: {survivors}, in {seconds} s")?;
            if !args.open {
                writeln!(out, "open, and not played: {open_ones}; see `mutants --open`")?;
            }
        }
        Ok(if survivors == 0 { Outcome::Success } else { Outcome::Unexpected })
    }

    fn chosen(mutants: Vec<Mutant>, wanted: &[String]) -> Result<Vec<Mutant>, CliError> {
        for beginning in wanted {
            if !mutants.iter().any(|mutant| mutant.id.starts_with(beginning.as_str())) {
                let known: Vec<_> = mutants.iter().map(|mutant| mutant.id.clone()).collect();
                return Err(unknown("mutant", beginning, &known));
            }
        }
        let fits = |mutant: &Mutant| wanted.iter().any(|beginning| mutant.id.starts_with(beginning.as_str()));
        Ok(mutants.into_iter().filter(|mutant| wanted.is_empty() || fits(mutant)).collect())
    }

    fn entry((mutant, played): (&Mutant, &Played)) -> serde_json::Value {
        let ids = |catch: &Option<Catch>| catch.iter().map(|catch| catch.case.clone()).collect::<Vec<_>>();
        let told = played.by.as_ref().or(played.otherwise.as_ref());
        json!({
            "id": mutant.id,
            "what": mutant.what,
            "clause": mutant.clause,
            "seen": mutant.seen,
            "field": mutant.field,
            "caught": played.is_caught(),
            "by": ids(&played.by),
            "otherwise": ids(&played.otherwise),
            "role": told.map(|catch| catch.role),
            "verdict": told.map(|catch| catch.verdict),
            "reason": told.map(|catch| catch.reason.clone()),
            "cases_played": played.cases,
            "errors": played.errors,
        })
    }

    fn line(mutant: &Mutant, played: &Played, width: usize) -> String {
        let (id, clause) = (&mutant.id, &mutant.clause);
        match (&played.by, &played.otherwise) {
            (Some(by), _) => format!("caught    {id:width$}  {clause}  by {} ({})", by.case, by.role),
            (None, Some(by)) => {
                format!(
                    "SURVIVED  {id:width$}  {clause}  caught, but by {} ({}), which does not cite it",
                    by.case, by.role
                )
            }
            (None, None) => {
                let errors = played.errors.len();
                format!("SURVIVED  {id:width$}  {clause}  {} cases played, {errors} errors", played.cases)
            }
        }
    }
}
