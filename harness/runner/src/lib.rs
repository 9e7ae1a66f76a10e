//! Runs scenario cases against peers: drivers, link faults, traffic, captures, transcripts, the
//! command line.
//!
//! Only this crate knows sockets, clocks and containers. It never decides a verdict: it records a
//! transcript, and `ikev1_scenario` judges that.
//!
//! ```text
//! cli ─▶ run ─▶ execute ─▶ driver ◀─ target::{loopback, ...}
//!         └─▶ ikev1_report
//! ```

pub mod capture;
pub mod cli;
pub mod device;
pub mod discover;
pub mod dissect;
pub mod docker;
pub mod driver;
pub mod execute;
pub mod link;
pub mod matrix;
#[cfg(feature = "mutants")]
pub mod mutants;
pub mod packet;
pub mod pages;
pub mod random;
pub mod redact;
pub mod run;
pub mod settings;
pub mod target;
pub mod traffic;
pub mod vectors;
pub mod view;
