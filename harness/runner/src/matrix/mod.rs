//! Daemon against daemon: every pair of peers through every combination, with traffic and the wire as evidence.
//!
//! ```text
//! Combination ─┐
//! ChosenPeer ──┼─▶ Pair ─▶ play ─┬─ both sides' SAs ───▶ agree
//! ChosenPeer ──┘                 ├─ Sniffer ─▶ wire ──▶ inspect, decrypt
//!                                └─ both sides' values ─▶ values
//! ```
//!
//! - [`Combination`]: main or aggressive mode, authentication, PFS, and whether SAs are replaced.
//! - [`Pair`]: two daemons on a network of their own, which play one combination after the other.
//! - [`Sniffer`]: what goes over that network.
//! - [`run_matrix`]: all pairs, some at a time.
//!
//! A cell passes when both sides list the same SAs, traffic flows through them both ways, nothing but ISAKMP and ESP is on the
//! wire, every message has the form that its exchange wants, and whatever values both show are the same. Where the pair does
//! not get so far, nobody can say from outside whose fault it is: the cell is `inconclusive`, with the last message and the ends
//! of both logs. `fail` is for what one of them has sent, for SAs that differ or carry nothing, and for keys that differ.

mod agree;
mod combination;
mod inspect;
mod pair;
mod play;
mod schedule;
mod sniffer;
#[cfg(test)]
mod tests;
mod values;
mod wire;

pub use combination::{Combination, CombinationError, combinations};
pub use pair::Pair;
pub use play::{Cell, CellFiles};
pub use schedule::{MatrixOptions, run_matrix};
pub use sniffer::{Packet, Sniffer};
