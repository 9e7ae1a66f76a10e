//! A sans-IO engine for IKE as RFC 2409 defines it, with RFC 2407, 2408, 3947 and 3948.

pub mod config;
pub mod crypto;
pub mod error;
pub mod esp;
pub mod event;
pub mod hook;
pub mod io;
pub mod keylog;
pub mod keys;
pub mod limits;
pub mod wire;

// The tests of `tests/` share their helpers with unit tests.
#[cfg(test)]
extern crate self as ikev1;

mod core;
mod endpoint;
mod natt;
mod payloads;
mod phase1;
mod phase2;
mod retransmit;
mod sa;
mod timer;

pub use endpoint::Endpoint;
pub use natt::VENDOR_ID_RFC_3947;
pub use sa::{IpsecSaInfo, IsakmpSaInfo};
