//! The endpoint: all SAs of one side, and the way in and out for its driver.

mod commands;
mod lifecycle;
mod receive;
mod state;
#[cfg(test)]
mod tests;
mod timeouts;

pub use state::Endpoint;
