//! The pages of `trace`.

use std::fmt::Write as _;

use ikev1_report::text::one_line;
use ikev1_scenario::coverage::{Coverage, Statement, Tally};
use ikev1_scenario::model::Level;
use ikev1_scenario::verdict::{Counts, Verdict};

use super::runs::Runs;

/// Longest name of a peer that a column's head shows.
const NAME_CHARS_MAX: usize = 60;

/// A text that grows line by line.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }
}

/// How many clauses there are and have a case: a line per document and section, with columns per level.
pub(super) fn coverage(coverage: &Coverage<'_>) -> String {
    let mut page = Page::default();
    page.line("S statements = T testable + N not testable; T = C with a case + U without");
    let all = &coverage.statements;
    let label = |statement: &Statement<'_>| format!("  {}", statement.requirement.section);
    let documents = || all.chunk_by(|a, b| a.requirement.id.document() == b.requirement.id.document());
    let heads: Vec<String> = documents().map(head).collect();
    let labels = all.iter().map(label).chain(heads.iter().cloned());
    let width = labels.map(|label| label.len()).max().unwrap_or(0).max("document, section".len());
    let mut names = " ".repeat(width);
    let mut letters = format!("{:width$}", "document, section");
    for level in Level::ALL {
        let _ = write!(names, "{:>6} {:20}", "", level.name());
        let _ = write!(letters, "  {:>5}{:>5}{:>5}{:>5}{:>5}", "S", "T", "C", "U", "N");
    }
    page.line(&names);
    page.line(&letters);
    let mut row = |label: &str, statements: &[Statement<'_>]| {
        let mut line = format!("{label:width$}");
        for level in Level::ALL {
            let tally: Tally = statements.iter().filter(|one| one.requirement.level == *level).collect();
            line.push_str("  ");
            for number in
                [tally.statements, tally.testable, tally.covered, tally.uncovered(), tally.not_testable()]
            {
                let text = if number == 0 { ".".to_owned() } else { number.to_string() };
                let _ = write!(line, "{text:>5}");
            }
        }
        page.line(&line);
    };
    for (document, head) in documents().zip(&heads) {
        row(head, document);
        for section in document.chunk_by(|a, b| a.requirement.section == b.requirement.section) {
            row(&label(&section[0]), section);
        }
    }
    row("all", all);
    page.0
}

/// The name of a document, with a mark where the register does not have every clause of it.
fn head(document: &[Statement<'_>]) -> String {
    let Some(first) = document.first() else { return String::new() };
    let mark = if first.ledger { "" } else { " (in part)" };
    format!("{}{mark}", first.requirement.id.document())
}

/// What runs say of each clause that has a case, and the sums.
pub(super) fn verdicts(coverage: &Coverage<'_>, runs: &Runs) -> String {
    let mut page = Page::default();
    let covered: Vec<_> = coverage.statements.iter().filter(|one| one.is_covered()).collect();
    let ids = id_width(covered.iter().copied());
    let peers: Vec<_> = runs.peers.iter().map(|peer| (peer, one_line(peer, NAME_CHARS_MAX))).collect();
    let width = |name: &str| name.chars().count().max(Verdict::Unsupported.name().len());
    let mut line = format!("\n{:ids$}  level ", "clause");
    for (_, name) in &peers {
        let _ = write!(line, "  {name:0$}", width(name));
    }
    page.line(&line);
    let mut sums = vec![(Counts::default(), 0); peers.len()];
    for statement in covered {
        let requirement = statement.requirement;
        let mut line = format!("{:ids$}  {:6}", requirement.id.as_str(), requirement.level.name());
        for ((peer, name), (counts, not_run)) in peers.iter().zip(&mut sums) {
            let verdict = runs.verdict(peer, &requirement.id);
            match verdict {
                Some(verdict) => counts.add(verdict),
                None => *not_run += 1,
            }
            let _ = write!(line, "  {:1$}", verdict.map_or("-", Verdict::name), width(name));
        }
        page.line(&line);
    }
    page.line("");
    for ((_, name), (counts, not_run)) in peers.iter().zip(sums) {
        let mut parts: Vec<_> = Verdict::ALL
            .iter()
            .filter(|verdict| counts.get(**verdict) > 0)
            .map(|verdict| format!("{} {verdict}", counts.get(*verdict)))
            .collect();
        if not_run > 0 {
            parts.push(format!("{not_run} not in the run"));
        }
        page.line(&format!("clauses of {name}: {}", parts.join(", ")));
    }
    page.0
}

/// The clauses that ought to have a case, and those that have one although no test can see them.
pub(super) fn gaps(coverage: &Coverage<'_>) -> String {
    let mut page = Page::default();
    let gaps: Vec<_> = coverage.gaps().collect();
    let ids = id_width(gaps.iter().copied());
    page.line(&format!("\ntestable must and should without a case: {}", gaps.len()));
    for Statement { requirement, .. } in gaps {
        let binds = requirement.binds.map_or("-", |binds| binds.name());
        let testable = requirement.testable.map_or("-", |testable| testable.name());
        page.line(&format!(
            "  {:ids$}  {:6}  {binds:9}  {testable:5}  {}",
            requirement.id.as_str(),
            requirement.level.name(),
            requirement.summary
        ));
    }
    let odd: Vec<_> = coverage
        .statements
        .iter()
        .filter(|one| one.is_covered() && !one.requirement.is_testable())
        .map(|one| one.requirement.id.as_str())
        .collect();
    if !odd.is_empty() {
        page.line(&format!("cited by cases, although said not to be testable: {}", odd.join(", ")));
    }
    page.0
}

/// The clauses that no test can see, with the reason.
pub(super) fn not_testable(coverage: &Coverage<'_>) -> String {
    let mut page = Page::default();
    let chosen: Vec<_> = coverage.statements.iter().filter(|one| !one.requirement.is_testable()).collect();
    let ids = id_width(chosen.iter().copied());
    for Statement { requirement, .. } in &chosen {
        let testable = requirement.testable.map_or("-", |testable| testable.name());
        page.line(&format!(
            "{:ids$}  {:6}  {testable:6}  {}",
            requirement.id.as_str(),
            requirement.level.name(),
            requirement.summary
        ));
        page.line(&format!("{:ids$}  because  {}", "", requirement.why.as_deref().unwrap_or("-")));
    }
    page.line(&format!("not testable: {} of {}", chosen.len(), coverage.statements.len()));
    page.0
}

fn id_width<'s>(statements: impl Iterator<Item = &'s Statement<'s>>) -> usize {
    statements.map(|one| one.requirement.id.as_str().len()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use ikev1_scenario::Requirements;

    use super::*;

    fn register() -> Requirements {
        let ledger = r#"
            rfc = 2409
            title = "t"
            ledger = true
            requirement = [
                { id = "RFC2409-5.9-01", section = "5.9", level = "must", word = "MUST", binds = "sender", testable = "wire", summary = "The nonce has 8 to 256 octets." },
                { id = "RFC2409-5.9-02", section = "5.9", level = "must", binds = "both", testable = "policy", why = "nobody is told", summary = "Policy decides." },
                { id = "RFC2409-5.10-01", section = "5.10", level = "should", word = "SHOULD", binds = "receiver", testable = "state", summary = "The SA goes away." },
                { id = "RFC2409-5.10-02", section = "5.10", level = "may", binds = "both", testable = "wire", summary = "More notifies are sent." },
            ]"#;
        let part = r#"
            draft = "draft-a-00"
            title = "t"
            requirement = [{ id = "draft-a-00-1-01", section = "1", level = "must", summary = "Something is so." }]"#;
        let mut register = Requirements::default();
        register.add(ledger, "rfc2409.toml".as_ref()).unwrap();
        register.add(part, "draft.toml".as_ref()).unwrap();
        register
    }

    /// The coverage where cases `a` and `b` cite these clauses.
    fn covered<'a>(register: &'a Requirements, a: &[&str], b: &[&str]) -> Coverage<'a> {
        let mut coverage = Coverage::new(register, &[]);
        for statement in &mut coverage.statements {
            let id = statement.requirement.id.as_str();
            let citing = [("a", a), ("b", b)].into_iter().filter(|(_, cited)| cited.contains(&id));
            statement.cases = citing.map(|(case, _)| case).collect();
        }
        coverage
    }

    #[test]
    fn the_table_counts_by_document_section_and_level() {
        let register = register();
        let coverage = covered(&register, &["RFC2409-5.9-01"], &["draft-a-00-1-01"]);
        insta::assert_snapshot!(super::coverage(&coverage), @r"
        S statements = T testable + N not testable; T = C with a case + U without
                                   must                       should                     may
        document, section         S    T    C    U    N      S    T    C    U    N      S    T    C    U    N
        RFC2409                   2    1    1    .    1      1    1    .    1    .      1    1    .    1    .
          5.9                     2    1    1    .    1      .    .    .    .    .      .    .    .    .    .
          5.10                    .    .    .    .    .      1    1    .    1    .      1    1    .    1    .
        draft-a-00 (in part)      1    1    1    .    .      .    .    .    .    .      .    .    .    .    .
          1                       1    1    1    .    .      .    .    .    .    .      .    .    .    .    .
        all                       3    2    2    .    1      1    1    .    1    .      1    1    .    1    .
        ");
    }

    #[test]
    fn gaps_are_listed_with_what_they_ask_for_and_doubtful_citations_are_named() {
        let register = register();
        let coverage = covered(&register, &["RFC2409-5.9-02"], &[]);
        insta::assert_snapshot!(gaps(&coverage), @r"
        testable must and should without a case: 2
          RFC2409-5.9-01   must    sender     wire   The nonce has 8 to 256 octets.
          RFC2409-5.10-01  should  receiver   state  The SA goes away.
        cited by cases, although said not to be testable: RFC2409-5.9-02
        ");
    }

    #[test]
    fn what_no_test_can_see_is_listed_with_its_reason() {
        let register = register();
        insta::assert_snapshot!(not_testable(&Coverage::new(&register, &[])), @r"
        RFC2409-5.9-02  must    policy  Policy decides.
                        because  nobody is told
        not testable: 1 of 5
        ");
    }

    #[test]
    fn each_peer_has_a_column_with_the_verdict_of_each_clause() {
        let register = register();
        let coverage = covered(&register, &["RFC2409-5.9-01", "RFC2409-5.10-01"], &["RFC2409-5.9-01"]);
        let mut runs = Runs::default();
        runs.peers = vec!["self".to_owned(), "a-peer-with-a-longer-name".to_owned()];
        for (peer, clause, verdict) in [
            ("self", "RFC2409-5.9-01", Verdict::Pass),
            ("self", "RFC2409-5.9-01", Verdict::Info),
            ("self", "RFC2409-5.10-01", Verdict::Pass),
            ("a-peer-with-a-longer-name", "RFC2409-5.9-01", Verdict::Unsupported),
        ] {
            runs.add_verdict(peer, clause, verdict);
        }
        insta::assert_snapshot!(verdicts(&coverage, &runs), @r"
        clause           level   self         a-peer-with-a-longer-name
        RFC2409-5.9-01   must    pass         unsupported
        RFC2409-5.10-01  should  pass         -

        clauses of self: 2 pass
        clauses of a-peer-with-a-longer-name: 1 unsupported, 1 not in the run
        ");
    }
}
