//! Placeholder.

pub mod packet;
pub mod vectors;
