//! Peers by name.

pub mod loopback;
