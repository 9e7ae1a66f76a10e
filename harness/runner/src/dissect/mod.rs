//! Reads captures: from a file of packets to messages, decrypted where a key is known, with what a bystander can say of them.
//!
//! ```text
//! file ─▶ link ─▶ carried ─▶ reader ─┬─ sa, decrypt    what is negotiated, and the payloads behind HDR*
//! frames   IP      messages          ├─ form, checks   findings
//!                                    └─ remarks        payloads in words   ─▶ ikev1_report::capture
//! ```
//!
//! [`matrix`](crate::matrix) uses the same parts for what it has sniffed.
//!
//! A capture may come from anywhere, so nothing in it is trusted: what cannot be read is a note, never a panic, and no length
//! in it makes room for more than the file has.

mod carried;
mod checks;
mod decrypt;
mod file;
mod form;
mod link;
mod reader;
mod remarks;
mod sa;
#[cfg(test)]
mod tests;

pub(crate) use carried::{Carries, Packets};
pub(crate) use decrypt::{IvChains, Suite, chain, decrypt};
pub use file::CaptureFileError;
pub(crate) use form::{Proof, form, messages};
pub use reader::{Secrets, dissect};
