//! Placeholder.

pub mod crypto;
pub mod keys;
pub mod wire;
