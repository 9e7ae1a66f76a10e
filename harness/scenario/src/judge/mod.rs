//! The judge: case, transcript and peer profile in, verdict out, and nothing else looked at.
//!
//! In this order, and the first that applies decides:
//!
//! 1. the peer lacks a capability: `unsupported`;
//! 2. the peer's daemon died: `fail`;
//! 3. the harness or its infrastructure failed, or the transcript is not whole: `error`;
//! 4. a derived value of the harness is not what the oracle computes from the transcript: `error`;
//! 5. a derived value differs between both sides: `fail`;
//! 6. the peer went on to quick mode unasked, and cannot do otherwise: `unsupported`;
//! 7. a step was not met, or an assertion of `expect` does not hold: by the step `inconclusive`, or by the level of the
//!    scenario `fail`, `warn` or `info`; one about a message that nobody can read is `inconclusive`;
//! 8. a rule that a step armed was never applied: `inconclusive`, because the clause was not exercised;
//! 9. an accepted outcome holds: its verdict;
//! 10. what an accepted outcome is about did not take place or cannot be read: `inconclusive`;
//! 11. otherwise, by the level of the scenario, `fail`, `warn` or `info`.
//!
//! Last, a fault that the peer's daemon survived, and SAs or policies that it kept when it was told to give up everything, make
//! `warn` of `pass` and `info`; beside every other verdict they are findings.

mod changes;
mod conditions;
mod fields;
mod messages;
mod oracle;
mod outcomes;
mod sighting;
mod values;
mod verdicts;

#[cfg(test)]
mod tests;

pub use changes::{ChangedField, changed_fields};
pub use messages::{Messages, SentMessage, has_vendor_id};
pub use outcomes::{ConditionResult, outcomes};
pub use sighting::{Sight, Sighting, is_error, sighting, vendor_ids};
pub use values::{Comparison, compare_values};
pub use verdicts::{judge, unsupported};
