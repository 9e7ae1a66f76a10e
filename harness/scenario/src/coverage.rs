//! Which clauses of the register have a case, and what a run says of a clause.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::case::Case;
use crate::model::Level;
use crate::requirement::{Requirement, RequirementId, Requirements};
use crate::select::{SelectError, matcher, nearest};
use crate::verdict::Verdict;

/// The first lines of [`Coverage::snapshot`].
const SNAPSHOT_HEAD: &str = "# Written by `cargo xtask trace --write`: ID, level, testable (`-` where the register does not say), cases.\n";

/// One clause with the cases that cite it.
#[derive(Debug, Clone)]
pub struct Statement<'a> {
    /// The clause.
    pub requirement: &'a Requirement,
    /// Whether the register has every clause of its document.
    pub ledger: bool,
    /// IDs of the cases that cite it. A case in two roles is there once.
    pub cases: Vec<&'a str>,
}

impl Statement<'_> {
    /// Whether a case cites it.
    pub fn is_covered(&self) -> bool {
        !self.cases.is_empty()
    }

    /// Whether a case ought to be there: the clause is a must or a should of a ledger, a test can see it, and none does.
    pub fn is_gap(&self) -> bool {
        let binding = matches!(self.requirement.level, Level::Must | Level::Should);
        self.ledger && binding && self.requirement.is_testable() && !self.is_covered()
    }
}

/// The clauses of the register with their cases, in the order of their documents.
#[derive(Debug, Clone)]
pub struct Coverage<'a> {
    /// The clauses.
    pub statements: Vec<Statement<'a>>,
}

impl<'a> Coverage<'a> {
    /// The coverage that these cases give.
    pub fn new(requirements: &'a Requirements, cases: &'a [Case]) -> Self {
        let mut citing: BTreeMap<&RequirementId, BTreeSet<&str>> = BTreeMap::new();
        for case in cases {
            for id in &case.requirements {
                citing.entry(id).or_default().insert(&case.id);
            }
        }
        let mut statements: Vec<_> = requirements
            .iter()
            .map(|requirement| Statement {
                requirement,
                ledger: requirements.is_of_a_ledger(&requirement.id),
                cases: citing.remove(&requirement.id).into_iter().flatten().collect(),
            })
            .collect();
        statements.sort_by_cached_key(|statement| order(&statement.requirement.id));
        Self { statements }
    }

    /// The clauses whose ID is one of `patterns`, begins with one, or fits one as a glob; all without a pattern.
    ///
    /// # Errors
    /// When a pattern matches no ID, or is no valid glob.
    pub fn select(mut self, patterns: &[String]) -> Result<Self, SelectError> {
        if patterns.is_empty() {
            return Ok(self);
        }
        let mut chosen: BTreeSet<&RequirementId> = BTreeSet::new();
        for pattern in patterns {
            let glob = matcher(pattern)?;
            let ids = || self.statements.iter().map(|statement| &statement.requirement.id);
            let fits =
                |id: &RequirementId| id.as_str().starts_with(pattern.as_str()) || glob.is_match(id.as_str());
            let met: Vec<_> = ids().filter(|id| fits(id)).collect();
            if met.is_empty() {
                return Err(SelectError::UnknownRequirement {
                    pattern: pattern.clone(),
                    nearest: nearest(pattern, ids().map(RequirementId::as_str)),
                });
            }
            chosen.extend(met);
        }
        self.statements.retain(|statement| chosen.contains(&statement.requirement.id));
        Ok(self)
    }

    /// The clauses that ought to have a case.
    pub fn gaps(&self) -> impl Iterator<Item = &Statement<'a>> {
        self.statements.iter().filter(|statement| statement.is_gap())
    }

    /// One line per clause, for a file whose differences show what became covered and what is no more.
    pub fn snapshot(&self) -> String {
        let mut text = SNAPSHOT_HEAD.to_owned();
        for Statement { requirement, cases, .. } in &self.statements {
            let testable = requirement.testable.map_or("-", |testable| testable.name());
            // Writing to a string does not fail.
            let _ = writeln!(text, "{} {} {testable} {}", requirement.id, requirement.level, cases.len());
        }
        text
    }
}

/// How many clauses there are, and how many of them have a case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub statements: usize,
    /// Those that a test can see.
    pub testable: usize,
    /// Those that a test can see and a case cites.
    pub covered: usize,
}

impl Tally {
    /// Those that a test can see and no case cites.
    pub fn uncovered(self) -> usize {
        self.testable - self.covered
    }

    /// Those that no test can see.
    pub fn not_testable(self) -> usize {
        self.statements - self.testable
    }
}

impl<'s, 'a: 's> FromIterator<&'s Statement<'a>> for Tally {
    fn from_iter<I: IntoIterator<Item = &'s Statement<'a>>>(statements: I) -> Self {
        let mut tally = Self::default();
        for statement in statements {
            let testable = statement.requirement.is_testable();
            tally.statements += 1;
            tally.testable += usize::from(testable);
            tally.covered += usize::from(testable && statement.is_covered());
        }
        tally
    }
}

/// What the cases of a clause say of it together: the worst of their verdicts. A case that only recorded a reading says
/// less than one that passed, and one that needs what the peer lacks says nothing where another one ran.
pub fn verdict(verdicts: impl IntoIterator<Item = Verdict>) -> Option<Verdict> {
    verdicts.into_iter().min_by_key(|verdict| match verdict {
        Verdict::Fail => 0,
        Verdict::Warn => 1,
        Verdict::Error => 2,
        Verdict::Inconclusive => 3,
        Verdict::Pass => 4,
        Verdict::Info => 5,
        Verdict::Unsupported => 6,
    })
}

/// A label of a section, so that 4.10 comes after 4.9 and the appendices after the numbers.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Number(u32),
    Text(String),
}

/// Where an ID stands: by document, section and number.
fn order(id: &RequirementId) -> (String, Vec<Label>, String) {
    let label = |text: &str| text.parse().map_or_else(|_| Label::Text(text.to_owned()), Label::Number);
    let labels = id.section().split('.').map(label).collect();
    (id.document().to_owned(), labels, id.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use super::*;
    use crate::testing::case;

    /// Entries as `ID level testable`; of RFC 2408 the register is no ledger.
    fn register(entries: &[&str]) -> Requirements {
        let mut files: BTreeMap<&str, String> = BTreeMap::new();
        for entry in entries {
            let [id, level, testable] = entry.split(' ').collect::<Vec<_>>().try_into().unwrap();
            let parsed: RequirementId = id.parse().unwrap();
            let document = if parsed.document() == "RFC2408" { "2408" } else { "2409" };
            let file = files.entry(document).or_insert_with(|| {
                format!("rfc = {document}\ntitle = \"t\"\nledger = {}\n", document == "2409")
            });
            let section = parsed.section();
            let why = if matches!(testable, "policy" | "no") { "why = \"w\"\n" } else { "" };
            file.push_str(&format!(
                "[[requirement]]\nid = \"{id}\"\nsection = \"{section}\"\nlevel = \"{level}\"\nbinds = \"both\"\n\
                 testable = \"{testable}\"\n{why}summary = \"s\"\n"
            ));
        }
        let mut register = Requirements::default();
        for (name, text) in files {
            register.add(&text, Path::new(name)).unwrap();
        }
        register
    }

    fn citing(id: &str, requirements: &[&str]) -> Case {
        let requirements = requirements.iter().map(|id| id.parse().unwrap()).collect();
        Case { id: id.into(), requirements, ..case() }
    }

    #[rstest]
    #[case::a_must_on_the_wire("RFC2409-5-01 must wire", &[], true)]
    #[case::a_should_in_state("RFC2409-5-01 should state", &[], true)]
    #[case::a_may("RFC2409-5-01 may wire", &[], false)]
    #[case::a_choice_of_policy("RFC2409-5-01 must policy", &[], false)]
    #[case::what_nobody_can_see("RFC2409-5-01 must no", &[], false)]
    #[case::a_must_with_a_case("RFC2409-5-01 must wire", &["RFC2409-5-01"], false)]
    #[case::a_must_outside_the_ledgers("RFC2408-5-01 must wire", &[], false)]
    fn a_gap_is_a_testable_must_or_should_of_a_ledger_without_a_case(
        #[case] entry: &str,
        #[case] cited: &[&str],
        #[case] gap: bool,
    ) {
        let (register, cases) = (register(&[entry]), [citing("a", cited)]);
        assert_eq!(Coverage::new(&register, &cases).gaps().count(), usize::from(gap));
    }

    #[test]
    fn a_tally_splits_the_statements() {
        let register = register(&[
            "RFC2409-5-01 must wire",
            "RFC2409-5-02 must state",
            "RFC2409-5-03 should policy",
            "RFC2409-5-04 may no",
        ]);
        let cases = [citing("a", &["RFC2409-5-01", "RFC2409-5-03"]), citing("b", &["RFC2409-5-01"])];
        let coverage = Coverage::new(&register, &cases);
        let tally: Tally = coverage.statements.iter().collect();
        assert_eq!(tally, Tally { statements: 4, testable: 2, covered: 1 });
        assert_eq!((tally.uncovered(), tally.not_testable()), (1, 2));
        assert_eq!(coverage.statements[0].cases, ["a", "b"]);
    }

    #[test]
    fn the_snapshot_is_in_the_order_of_the_document_and_counts_a_case_of_two_roles_once() {
        let register = register(&[
            "RFC2409-5.10-01 must wire",
            "RFC2409-5.9-02 should state",
            "RFC2409-5.9-01 must wire",
            "RFC2409-B-01 must no",
            "RFC2408-3-01 may wire",
        ]);
        let cases = [
            citing("a", &["RFC2409-5.10-01"]),
            citing("a", &["RFC2409-5.10-01"]),
            citing("b", &["RFC2409-5.10-01"]),
        ];
        let snapshot = Coverage::new(&register, &cases).snapshot();
        insta::assert_snapshot!(snapshot, @r"
        # Written by `cargo xtask trace --write`: ID, level, testable (`-` where the register does not say), cases.
        RFC2408-3-01 may wire 0
        RFC2409-5.9-01 must wire 0
        RFC2409-5.9-02 should state 0
        RFC2409-5.10-01 must wire 2
        RFC2409-B-01 must no 0
        ");
    }

    #[rstest]
    #[case::everything_without_a_pattern("", 3)]
    #[case::an_id("RFC2409-5.4-01", 1)]
    #[case::a_section("RFC2409-5.4", 2)]
    #[case::a_glob("*-01", 2)]
    fn selects_requirements(#[case] pattern: &str, #[case] count: usize) {
        let register =
            register(&["RFC2409-5.4-01 must wire", "RFC2409-5.4-02 must wire", "RFC2408-3-01 must wire"]);
        let patterns: Vec<String> = (!pattern.is_empty()).then(|| pattern.to_owned()).into_iter().collect();
        assert_eq!(Coverage::new(&register, &[]).select(&patterns).unwrap().statements.len(), count);
    }

    #[test]
    fn a_pattern_that_chooses_nothing_names_the_nearest() {
        let register = register(&["RFC2409-5.4-01 must wire"]);
        let error = Coverage::new(&register, &[]).select(&["RFC2409-5.4-10".to_owned()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no requirement matches `RFC2409-5.4-10`; did you mean `RFC2409-5.4-01`?"
        );
    }

    #[rstest]
    #[case::none(&[], None)]
    #[case::one_fails(&[Verdict::Pass, Verdict::Fail, Verdict::Warn], Some(Verdict::Fail))]
    #[case::one_warns(&[Verdict::Inconclusive, Verdict::Warn], Some(Verdict::Warn))]
    #[case::one_says_nothing(&[Verdict::Pass, Verdict::Inconclusive], Some(Verdict::Inconclusive))]
    #[case::one_passes(&[Verdict::Info, Verdict::Pass, Verdict::Unsupported], Some(Verdict::Pass))]
    #[case::only_readings(&[Verdict::Unsupported, Verdict::Info], Some(Verdict::Info))]
    #[case::nothing_ran(&[Verdict::Unsupported, Verdict::Unsupported], Some(Verdict::Unsupported))]
    fn the_worst_case_speaks_for_a_clause(#[case] verdicts: &[Verdict], #[case] expected: Option<Verdict>) {
        assert_eq!(verdict(verdicts.iter().copied()), expected);
    }
}
