//! Placeholder.

pub mod config;
pub mod crypto;
pub mod esp;
pub mod keys;
pub mod limits;
pub mod wire;
