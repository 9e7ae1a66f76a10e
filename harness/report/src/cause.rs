//! Which values of a matrix make its cases fail: the failing combinations of parameters, reduced to what they have in common
//! and no other combination has.

use std::collections::BTreeMap;

use ikev1_scenario::Verdict;
use ikev1_scenario::model::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::CaseResult;

/// Values of a matrix whose every case that ran has failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// The scenario.
    pub scenario: String,
    /// Name of the peer.
    pub peer: String,
    /// The role that the harness played.
    pub role: Role,
    /// The values, by parameter; as few as tell the failing cases from the others. None where every case failed.
    pub parameters: BTreeMap<String, String>,
    /// How many cases with these values failed.
    pub failing: usize,
    /// How many cases of the scenario ran to a verdict on the peer.
    pub of: usize,
}

impl Cause {
    /// The values as text: `cipher=des, hash=md5`.
    pub fn values(&self) -> String {
        if self.parameters.is_empty() {
            return "every combination".to_owned();
        }
        self.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
    }
}

/// The causes of unexpected verdicts in scenarios with a matrix. What is unsupported, inconclusive or an error says nothing.
pub fn causes(cases: &[CaseResult]) -> Vec<Cause> {
    let mut groups: BTreeMap<(&str, &str, Role), Vec<&CaseResult>> = BTreeMap::new();
    for case in cases.iter().filter(|case| !case.parameters.is_empty()) {
        if let Some((scenario, _)) = case.id.rsplit_once('/') {
            groups.entry((scenario, &case.peer, case.role)).or_default().push(case);
        }
    }
    let mut found = Vec::new();
    for ((scenario, peer, role), cases) in groups {
        let bad = |case: &&&CaseResult| matches!(case.verdict, Verdict::Fail | Verdict::Warn);
        let good = |case: &&&CaseResult| matches!(case.verdict, Verdict::Pass | Verdict::Info);
        let failing: Vec<&CaseResult> =
            cases.iter().filter(bad).filter(|case| !case.expected).copied().collect();
        let others: Vec<&CaseResult> = cases.iter().filter(good).copied().collect();
        let of = cases.iter().filter(|case| bad(case) || good(case)).count();
        for (parameters, failing) in reduce(&failing, &others) {
            let (scenario, peer) = (scenario.to_owned(), peer.to_owned());
            found.push(Cause { scenario, peer, role, parameters, failing, of });
        }
    }
    found
}

/// Sets of values, smallest first, that no other case has, until every failing case has one of them.
fn reduce(failing: &[&CaseResult], others: &[&CaseResult]) -> Vec<(BTreeMap<String, String>, usize)> {
    let mut left: Vec<&CaseResult> = failing.to_vec();
    let mut found = Vec::new();
    let most = failing.iter().map(|case| case.parameters.len()).max().unwrap_or(0);
    for size in 0..=most {
        loop {
            let mut candidates: Vec<BTreeMap<String, String>> =
                left.iter().flat_map(|case| subsets(&case.parameters, size)).collect();
            candidates.sort();
            candidates.dedup();
            candidates.retain(|values| !others.iter().any(|case| has(case, values)));
            // A case that failed alone has nothing in common with others.
            if size == 0 && failing.len() < 2 {
                break;
            }
            let count =
                |values: &BTreeMap<String, String>| left.iter().filter(|case| has(case, values)).count();
            // `max_by_key` takes the last of equals, so the first comes last.
            let Some(best) = candidates.iter().rev().max_by_key(|values| count(values)).cloned() else {
                break;
            };
            found.push((best.clone(), failing.iter().filter(|case| has(case, &best)).count()));
            left.retain(|case| !has(case, &best));
            if left.is_empty() {
                return found;
            }
        }
    }
    found
}

fn has(case: &CaseResult, values: &BTreeMap<String, String>) -> bool {
    values.iter().all(|(name, value)| case.parameters.get(name) == Some(value))
}

/// Every choice of `size` of the values.
fn subsets(values: &BTreeMap<String, String>, size: usize) -> Vec<BTreeMap<String, String>> {
    let mut subsets = vec![BTreeMap::new()];
    for (name, value) in values {
        let more: Vec<BTreeMap<String, String>> = subsets
            .iter()
            .filter(|subset| subset.len() < size)
            .map(|subset| {
                let mut subset = subset.clone();
                subset.insert(name.clone(), value.clone());
                subset
            })
            .collect();
        subsets.extend(more);
    }
    subsets.retain(|subset| subset.len() == size);
    subsets
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::testing;

    /// Cases of two ciphers, two hashes and two groups that fail where `fails` says so.
    fn found(fails: impl Fn(&str, &str, &str) -> bool) -> Vec<String> {
        let mut cases = Vec::new();
        for cipher in ["des", "aes"] {
            for hash in ["md5", "sha1"] {
                for group in ["1", "2"] {
                    let verdict = if fails(cipher, hash, group) { Verdict::Fail } else { Verdict::Pass };
                    let mut case = testing::case(&format!("a/b/{cipher}-{hash}-{group}"), verdict);
                    for (name, value) in [("cipher", cipher), ("hash", hash), ("group", group)] {
                        case.parameters.insert(name.to_owned(), value.to_owned());
                    }
                    cases.push(case);
                }
            }
        }
        let causes = causes(&cases);
        causes.iter().map(|cause| format!("{}: {} of {}", cause.values(), cause.failing, cause.of)).collect()
    }

    #[rstest]
    #[case::nothing(|_: &str, _: &str, _: &str| false, &[])]
    #[case::one_value(|cipher: &str, _: &str, _: &str| cipher == "des", &["cipher=des: 4 of 8"])]
    #[case::a_pair(
        |cipher: &str, hash: &str, _: &str| cipher == "des" && hash == "md5",
        &["cipher=des, hash=md5: 2 of 8"]
    )]
    #[case::one_case(
        |cipher: &str, hash: &str, group: &str| (cipher, hash, group) == ("aes", "sha1", "2"),
        &["cipher=aes, group=2, hash=sha1: 1 of 8"]
    )]
    #[case::two_causes(
        |cipher: &str, hash: &str, group: &str| cipher == "des" || (hash == "md5" && group == "2"),
        &["cipher=des: 4 of 8", "group=2, hash=md5: 2 of 8"]
    )]
    #[case::everything(|_: &str, _: &str, _: &str| true, &["every combination: 8 of 8"])]
    fn failing_cases_are_reduced_to_the_values_that_they_have_in_common(
        #[case] fails: fn(&str, &str, &str) -> bool,
        #[case] expected: &[&str],
    ) {
        assert_eq!(found(fails), expected);
    }

    #[test]
    fn what_is_expected_or_says_nothing_has_no_cause() {
        let mut known = testing::case("a/b/des", Verdict::Fail);
        known.expected = true;
        let mut cases = [known, testing::case("a/b/aes", Verdict::Unsupported)];
        for case in &mut cases {
            let cipher = case.id.rsplit('/').next().unwrap().to_owned();
            case.parameters.insert("cipher".to_owned(), cipher);
        }
        assert_eq!(causes(&cases), []);
    }
}
