//! Whole cases: against the engine itself, against charon in a container, and their captures in tshark.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests, outside of test functions")]

mod common;
mod default_group;
mod device;
mod engine;
mod faults;
mod libreswan;
mod loopback;
mod pool;
mod record;
mod redact;
mod reports;
mod steps;
mod strongswan;
mod tshark;
