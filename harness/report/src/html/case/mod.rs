//! The page of one case.

mod evidence;
mod ladder;
mod message;
mod page;

pub use evidence::{
    Acceptance, CasePage, Clause, ConditionState, Entry, Evidence, Field, Message, Note, State, StepState,
    Value, Whose,
};
pub use page::render;

pub(super) use ladder::{Ends, ladder};
pub(super) use message::message;
