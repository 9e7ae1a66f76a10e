//! Placeholder.
pub mod crypto;
pub mod keys;
