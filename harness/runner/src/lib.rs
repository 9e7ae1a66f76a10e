//! Placeholder.
pub mod vectors;
