//! Phase 1 (RFC 2409 section 5): the exchanges that set up and authenticate an ISAKMP SA.
//!
//! One struct per awaited message holds just what is known then. `handle(&self, ...)` borrows it, so
//! a message that is refused leaves the state as it was, by construction.

mod aggressive_mode;
mod auth;
mod clear_message;
mod exchange;
pub(crate) mod group_attributes;
mod main_mode;
pub(crate) mod negotiate;
pub(crate) mod peers;

pub(crate) use clear_message::ClearMessage;
pub(crate) use exchange::{
    Advance, Cx, Established, Phase1, Received, Start, accept, initiate, says_initial_contact,
};
