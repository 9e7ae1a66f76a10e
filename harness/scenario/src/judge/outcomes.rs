//! What came of each accepted outcome, for whoever wants to see it.

use super::conditions::{Evidence, Outcome};
use super::messages::Messages;
use super::values::{Comparison, compare_values};
use crate::case::Case;
use crate::model::Condition;
use crate::transcript::Record;

/// What became of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConditionResult {
    /// It holds.
    Holds,
    /// It does not: what was observed.
    Not(String),
    /// That is not known: why.
    Unknown(String),
}

/// What became of the conditions of each accepted outcome of a case, in their order. [`judge`](super::judge) comes to these only
/// where nothing before them has decided.
pub fn outcomes<'a>(case: &'a Case, transcript: &[Record]) -> Vec<Vec<(&'a Condition, ConditionResult)>> {
    let messages = Messages::new(transcript);
    let values = if case.compare_values { compare_values(transcript) } else { Comparison::default() };
    let evidence = Evidence { transcript, messages: &messages, values: &values };
    let result = |condition| match evidence.evaluate(condition) {
        Outcome::Holds => ConditionResult::Holds,
        Outcome::Not { observed, .. } => ConditionResult::Not(observed),
        Outcome::Unknown(why) => ConditionResult::Unknown(why),
    };
    let all = |conditions: &'a [Condition]| conditions.iter().map(|condition| (condition, result(condition)));
    case.accept.iter().map(|acceptance| all(&acceptance.all).collect()).collect()
}
