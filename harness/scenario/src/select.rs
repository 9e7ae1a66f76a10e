//! Choosing cases by ID, prefix, glob or requirement.

use globset::{GlobBuilder, GlobMatcher};

use crate::case::Case;
use crate::model::Role;

/// A pattern that chooses nothing, or is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectError {
    /// No case has such an ID.
    #[error("no case matches `{pattern}`{}", did_you_mean(nearest))]
    Unknown {
        /// The pattern.
        pattern: String,
        /// IDs that look most like it, best first.
        nearest: Vec<String>,
    },
    /// The register has no such ID.
    #[error("no requirement matches `{pattern}`{}", did_you_mean(nearest))]
    UnknownRequirement {
        /// The pattern.
        pattern: String,
        /// IDs that look most like it, best first.
        nearest: Vec<String>,
    },
    /// The pattern is no valid glob.
    #[error("`{pattern}` is no valid pattern: {problem}")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// What is wrong.
        problem: String,
    },
}

/// `; did you mean A, B or C?`, or nothing.
pub(crate) fn did_you_mean(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        [one] => format!("; did you mean `{one}`?"),
        [most @ .., last] => format!("; did you mean `{}` or `{last}`?", most.join("`, `")),
    }
}

/// Up to three of `names` that look most like `word`, best first.
pub(crate) fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut scored: Vec<(f64, &str)> = names
        .into_iter()
        .map(|name| {
            (strsim::jaro_winkler(word, name).max(strsim::normalized_damerau_levenshtein(word, name)), name)
        })
        .filter(|(score, _)| *score > 0.6)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.dedup_by(|a, b| a.1 == b.1);
    scored.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}

/// Cases that match any of `patterns`, in their order; all cases when there is no pattern.
///
/// A pattern is an ID, the beginning of one, a glob of either in which `*` also matches `/`, or the beginning of a
/// requirement ID (`RFC2409-5.4`), which chooses the cases that cite it.
///
/// # Errors
/// When a pattern matches no case, before `role` is looked at, or is no valid glob.
pub fn select<'a>(
    cases: &'a [Case],
    patterns: &[String],
    role: Option<Role>,
) -> Result<Vec<&'a Case>, SelectError> {
    let mut chosen = vec![patterns.is_empty(); cases.len()];
    for pattern in patterns {
        // A glob may name a scenario without the parameters of its cases, too.
        let (whole, beginning) = (matcher(pattern)?, matcher(&format!("{pattern}/**"))?);
        let mut met = false;
        for (case, chosen) in cases.iter().zip(&mut chosen) {
            let cited = || {
                pattern.starts_with("RFC")
                    && case.requirements.iter().any(|r| r.as_str().starts_with(pattern.as_str()))
            };
            if case.id.starts_with(pattern.as_str())
                || whole.is_match(&case.id)
                || beginning.is_match(&case.id)
                || cited()
            {
                (met, *chosen) = (true, true);
            }
        }
        if !met {
            return Err(SelectError::Unknown {
                pattern: pattern.clone(),
                nearest: nearest_ids(pattern, cases),
            });
        }
    }
    let keep =
        |(case, chosen): (&'a Case, bool)| (chosen && role.is_none_or(|r| r == case.role)).then_some(case);
    Ok(cases.iter().zip(chosen).filter_map(keep).collect())
}

/// What tells whether a text fits a glob, in which `*` also matches `/`.
pub(crate) fn matcher(pattern: &str) -> Result<GlobMatcher, SelectError> {
    let glob = GlobBuilder::new(pattern).build().map_err(|e| SelectError::BadPattern {
        pattern: pattern.to_owned(),
        problem: e.kind().to_string(),
    })?;
    Ok(glob.compile_matcher())
}

/// IDs and last parts of IDs that look like a pattern.
fn nearest_ids(pattern: &str, cases: &[Case]) -> Vec<String> {
    let ids: Vec<&str> = cases.iter().map(|c| c.id.as_str()).collect();
    let wanted = pattern.trim_matches('*').trim_matches('/');
    // A bare slug is compared with the slugs of the IDs.
    if !wanted.contains('/') {
        let parts = ids.iter().flat_map(|id| id.split('/'));
        let similar = nearest(wanted, parts);
        let of =
            |part: &String| ids.iter().find(|id| id.split('/').any(|p| p == part)).map(|id| (*id).to_owned());
        let found: Vec<String> = similar.iter().filter_map(of).collect();
        if !found.is_empty() {
            return found;
        }
    }
    nearest(wanted, ids)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::testing::case;

    fn cases() -> Vec<Case> {
        ["rfc2409/5.4-pre-shared-key/main-mode", "rfc2409/5.5-quick-mode/pfs/modp768", "rfc2408/3.4-sa/two"]
            .into_iter()
            .flat_map(|id| {
                [Role::Initiator, Role::Responder].map(|role| Case { id: id.into(), role, ..case() })
            })
            .collect()
    }

    #[rstest]
    #[case::everything_without_a_pattern("", 6)]
    #[case::an_id("rfc2409/5.4-pre-shared-key/main-mode", 2)]
    #[case::a_section("rfc2409/5.4", 2)]
    #[case::a_folder("rfc2409", 4)]
    #[case::a_glob_across_folders("*pfs*", 2)]
    #[case::a_glob_of_a_scenario("rfc2409/*/pf?", 2)]
    #[case::a_requirement("RFC2409-5", 6)]
    fn selects(#[case] pattern: &str, #[case] count: usize) {
        let patterns: Vec<String> = (!pattern.is_empty()).then(|| pattern.to_owned()).into_iter().collect();
        assert_eq!(select(&cases(), &patterns, None).unwrap().len(), count);
        assert_eq!(select(&cases(), &patterns, Some(Role::Responder)).unwrap().len(), count / 2);
    }

    #[rstest]
    #[case::a_typo("rfc2409/5.4-pre-shared-key/main-moed")]
    #[case::a_slug("man-mode")]
    fn an_unknown_id_names_the_nearest(#[case] pattern: &str) {
        let error = select(&cases(), &[pattern.to_owned()], None).unwrap_err();
        assert!(error.to_string().contains("did you mean `rfc2409/5.4-pre-shared-key/main-mode`"), "{error}");
    }

    #[test]
    fn a_broken_glob_is_named() {
        let error = select(&cases(), &["rfc[".to_owned()], None).unwrap_err();
        assert!(matches!(error, SelectError::BadPattern { .. }), "{error}");
    }
}
