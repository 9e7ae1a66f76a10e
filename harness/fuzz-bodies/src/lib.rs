//! What each fuzz target does with its input. `harness/fuzz` runs these functions under libFuzzer, and the tests of this
//! crate run them over the committed corpus with the stable compiler; `harness/fuzz/README.md` says how.
//!
//! Each function panics when something does not hold that must hold whatever the input is.

#[path = "../../engine/tests/common/mod.rs"]
mod common;

mod certificates;
mod endpoint_clear;
mod endpoint_keyed;
mod fragments;
mod input;
mod scenario_json;
mod wire;

pub use certificates::certificates;
pub use endpoint_clear::endpoint_clear;
pub use endpoint_keyed::endpoint_keyed;
pub use fragments::fragments;
pub use scenario_json::scenario_json;
pub use wire::{decode, dissect};

/// A fuzz target: its name, which is that of its corpus too, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every fuzz target.
pub const TARGETS: &[Target] = &[
    ("certificates", certificates),
    ("decode", decode),
    ("dissect", dissect),
    ("endpoint_clear", endpoint_clear),
    ("endpoint_keyed", endpoint_keyed),
    ("fragments", fragments),
    ("scenario_json", scenario_json),
];
