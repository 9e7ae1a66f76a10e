//! Placeholder.

pub mod packet;
