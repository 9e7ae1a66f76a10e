//! The judge: case, transcript and peer profile in, verdict out, and nothing else looked at.
//!
//! In this order, and the first that applies decides:
//!
//! 1. the peer lacks a capability: `unsupported`;
//! 2. the harness or its infrastructure failed, or the transcript is not whole: `error`;
//! 3. a derived value of the harness is not what the oracle computes from the transcript: `error`;
//! 4. a derived value differs between both sides: `fail`;
//! 5. the peer went on to quick mode unasked, and cannot do otherwise: `unsupported`;
//! 6. a step was not met, or an assertion of `expect` does not hold: by the step `inconclusive`, or by the level of the
//!    scenario `fail`, `warn` or `info`; one about a message that nobody can read is `inconclusive`;
//! 7. a rule that a step armed was never applied: `inconclusive`, because the clause was not exercised;
//! 8. an accepted outcome holds: its verdict;
//! 9. what an accepted outcome is about did not take place or cannot be read: `inconclusive`;
//! 10. otherwise, by the level of the scenario, `fail`, `warn` or `info`.

mod conditions;
mod fields;
mod messages;
mod oracle;
mod values;
mod verdicts;

#[cfg(test)]
mod tests;

pub use messages::{Messages, SentMessage, has_vendor_id};
pub use values::{Comparison, compare_values};
pub use verdicts::{judge, unsupported};
