//! Runs one case: the harness engine, a link that can fail on command, and a peer behind a driver.
//!
//! ```text
//!            steps                       armed rules
//!              |                              |
//!  KeyLog <- Endpoint --Transmit--> tracker, link --> Driver ---> peer
//!     |        ^   '-- OutgoingHook: edits     |         |
//!     v        '------- handle_datagram <------+<--------'
//!  Recorder: transcript, pcap, key table
//! ```
//!
//! Nothing here decides a verdict. A step that waits in vain ends the case, as does trouble of our own;
//! the judge says later what that means. Every case comes to an end: steps have deadlines, and
//! [`CaseLimits`] bounds datagrams and real time, so a peer that floods or falls silent cannot hang it.

mod case_run;
mod executor;
mod find;
mod hook;
mod recorder;
mod steps;
mod turn;

pub use case_run::{CaseArtefacts, CaseLimits, execute_case, execute_case_in_turn};
pub(crate) use hook::StandingEdits;
pub use turn::{Turn, Turns};
