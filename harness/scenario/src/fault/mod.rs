//! Fault operators: named things that are wrong with one message of the harness, or with its delivery.
//!
//! A step `{"fault": {"message": {...}, "operator": "ke-missing"}}` does to the message what the table says; without `operator`
//! it does what the axis `fault` of the matrix says, so that one scenario applies many of them. [`expand`](crate::expand())
//! puts the step that does it in the place of the step that names it, so a case knows nothing of operators but the
//! names in [`Case::faults`](crate::Case::faults), and the executor and the judge know none.

mod place;
mod recipe;
mod row;
mod table;
#[cfg(test)]
mod tests;

use core::fmt;

pub use place::Place;
pub use table::Fault;

use crate::model::{ApplyFault, Selector, Step};
use serde::{Deserialize, Serialize};

impl Fault {
    /// The operator with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name)
    }

    /// What it does, in a line.
    pub fn what(self) -> &'static str {
        self.row().what
    }

    /// The clause that it breaks, or that says what the receiver does with it.
    pub fn clause(self) -> &'static str {
        self.row().clause
    }

    /// The messages that it applies to.
    pub fn place(self) -> &'static Place {
        &self.row().place
    }

    /// The step that does it to a message of the harness.
    pub fn step(self, message: &Selector) -> Step {
        self.row().recipe.step(message)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A fault operator in a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFault {
    /// Index of the step that does it.
    pub step: usize,
    /// The operator.
    pub operator: Fault,
    /// The message.
    pub message: Selector,
}

/// The steps with what the operators do in the place of the steps that name them; `of_matrix` is the operator of those that
/// name none. One that gets none stays as it is.
pub(crate) fn in_place(steps: &[Step], of_matrix: Option<Fault>) -> (Vec<Step>, Vec<CaseFault>) {
    let mut faults = Vec::new();
    let replaced = steps.iter().enumerate().map(|(index, step)| match step {
        Step::Fault(ApplyFault { message, operator }) => match operator.or(of_matrix) {
            Some(operator) => {
                faults.push(CaseFault { step: index, operator, message: message.clone() });
                operator.step(message)
            }
            None => step.clone(),
        },
        _ => step.clone(),
    });
    (replaced.collect(), faults)
}
