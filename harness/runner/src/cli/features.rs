//! `features`: the list of the README that says what is supported and what is not, from the engine's tables and from
//! the cases that exercise it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write;

use ikev1::support::registries;
use ikev1_report::Outcome;
use ikev1_scenario::Capability;
use ikev1_scenario::case::Case;
use ikev1_scenario::model::Role;

use super::app::Context;
use super::catalogue::Catalogue;
use super::error::CliError;

const FILE: &str = "README.md";
const BEGIN: &str = "<!-- begin of `cargo xtask features` -->\n";
const END: &str = "<!-- end of `cargo xtask features` -->\n";

/// Arguments of `features`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Change nothing; exit 1 when the list is not current
    #[arg(long)]
    check: bool,
}

pub(super) fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Outcome, CliError> {
    let catalogue = Catalogue::load(&context.workspace)?;
    let path = context.workspace.root().join(FILE);
    let readme = fs::read_to_string(&path)
        .map_err(|error| CliError::Usage(format!("cannot read {}: {error}", path.display())))?;
    let renewed = renewed(&readme, &list(catalogue.cases())).ok_or_else(|| {
        CliError::Usage(format!("{} lacks the lines {:?} and {:?}", path.display(), BEGIN.trim(), END.trim()))
    })?;
    let (state, outcome) = match (renewed == readme, args.check) {
        (true, _) => ("current", Outcome::Success),
        (false, true) => ("not current: run `cargo xtask features`", Outcome::Unexpected),
        (false, false) => {
            let refused = |error| CliError::Harness(format!("cannot write {}: {error}", path.display()));
            fs::write(&path, renewed).map_err(refused)?;
            ("written", Outcome::Success)
        }
    };
    writeln!(out, "{FILE}: {state}")?;
    Ok(outcome)
}

/// The text with its list replaced; `None` without a place for it.
fn renewed(readme: &str, list: &str) -> Option<String> {
    let (before, rest) = readme.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{list}{END}{after}"))
}

/// How many cases need a capability, with the harness as initiator and as responder.
type Counts = BTreeMap<Capability, [usize; 2]>;

fn counts(cases: &[Case]) -> Counts {
    let mut counts: Counts = Capability::ALL.iter().map(|capability| (*capability, [0; 2])).collect();
    for case in cases {
        for capability in &case.needs {
            let [initiator, responder] = counts.entry(*capability).or_default();
            match case.role {
                Role::Initiator => *initiator += 1,
                Role::Responder => *responder += 1,
            }
        }
    }
    counts
}

fn list(cases: &[Case]) -> String {
    let mut text = String::new();
    let mut line = |arguments: std::fmt::Arguments<'_>| {
        // Writing to a string does not fail.
        let _ = text.write_fmt(arguments);
    };
    let counts = counts(cases);
    let (both, rest): (Vec<_>, Vec<_>) =
        counts.iter().partition(|(_, [initiator, responder])| *initiator > 0 && *responder > 0);
    line(format_args!("Exercised by cases in both roles (as initiator / as responder):\n\n"));
    let named = |(capability, [initiator, responder]): &(&Capability, &[usize; 2])| {
        format!("`{capability}` {initiator}/{responder}")
    };
    line(format_args!("{}.\n\n", wrapped(&both.iter().map(named).collect::<Vec<_>>())));
    if !rest.is_empty() {
        line(format_args!("In one role only, or in none:\n\n"));
        line(format_args!("{}.\n\n", wrapped(&rest.iter().map(named).collect::<Vec<_>>())));
    }
    line(format_args!("| assigned values | negotiated | not |\n|---|---|---|\n"));
    for registry in registries() {
        let names = |wanted: bool| {
            let names: Vec<_> =
                registry.values.iter().filter(|(_, is)| *is == wanted).map(|(name, _)| *name).collect();
            if names.is_empty() { "-".to_owned() } else { names.join(", ") }
        };
        line(format_args!(
            "| {} ({}) | {} | {} |\n",
            registry.what,
            registry.source,
            names(true),
            names(false)
        ));
    }
    text
}

/// The entries one after the other, in lines of a readable length.
fn wrapped(entries: &[String]) -> String {
    const WIDTH: usize = 118;
    let (mut text, mut column) = (String::new(), 0);
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            text.push(',');
            let fits = column + entry.len() + 2 <= WIDTH;
            text.push(if fits { ' ' } else { '\n' });
            column = if fits { column + 2 } else { 0 };
        }
        text.push_str(entry);
        column += entry.len();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let readme = format!("before\n{BEGIN}old\n{END}after\n");
        assert_eq!(renewed(&readme, "new\n"), Some(format!("before\n{BEGIN}new\n{END}after\n")));
        assert_eq!(renewed("no marks", "new\n"), None);
    }

    #[test]
    fn long_lists_break_between_entries() {
        let entries: Vec<_> = (0..40).map(|number| format!("`entry-{number}`")).collect();
        let text = wrapped(&entries);
        assert!(text.lines().all(|line| line.len() <= 119), "{text}");
        assert_eq!(text.replace('\n', " "), entries.join(", "));
    }
}
