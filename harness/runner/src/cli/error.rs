//! Why a command ended without doing its work.

use std::io;

use ikev1_report::Outcome;

/// An error with its exit code; the text is ready to be shown after `error: `.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// The command line or an input file is wrong: 2.
    #[error("{0}")]
    Usage(String),
    /// The harness or its surroundings are at fault: 3.
    #[error("{0}")]
    Harness(String),
    /// Output cannot be written: 3.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

impl CliError {
    /// A wrong command line or input file.
    pub(crate) fn usage(text: impl ToString) -> Self {
        Self::Usage(text.to_string())
    }

    /// A fault of the harness or of its surroundings.
    pub(crate) fn harness(text: impl ToString) -> Self {
        Self::Harness(text.to_string())
    }

    /// Its exit code.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Usage(_) => Outcome::Usage,
            Self::Harness(_) | Self::Output(_) => Outcome::Harness,
        }
    }

    /// Whether the reader of our output has gone, as `head` does: nothing to complain of.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// `unknown peer `strngswan`; did you mean `strongswan`?`, or all names when none is near.
pub(crate) fn unknown(what: &str, name: &str, known: &[String]) -> CliError {
    const SHOWN_MAX: usize = 3;
    const NEAR: f64 = 0.6;
    let mut near: Vec<_> = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(score, _)| *score >= NEAR)
        .collect();
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let quoted =
        |names: Vec<&String>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let hint = match near.len() {
        0 => format!("known are {}", quoted(known.iter().collect())),
        _ => format!(
            "did you mean {}?",
            quoted(near.into_iter().take(SHOWN_MAX).map(|(_, name)| name).collect())
        ),
    };
    let name = ikev1_report::text::one_line(name, 200);
    CliError::Usage(format!("unknown {what} `{name}`; {hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_comes_with_the_nearest_or_with_all() {
        let known = ["self".to_owned(), "strongswan".to_owned()];
        assert_eq!(
            unknown("peer", "strngswan", &known).to_string(),
            "unknown peer `strngswan`; did you mean `strongswan`?"
        );
        assert_eq!(
            unknown("peer", "qqq", &known).to_string(),
            "unknown peer `qqq`; known are `self`, `strongswan`"
        );
    }
}
