//! The endpoint: all SAs of one side, and the way in and out for its driver.

mod commands;
mod half_open;
mod life;
mod lifecycle;
mod liveness;
mod new_groups;
mod receive;
mod state;
#[cfg(test)]
mod tests;
mod timeouts;
mod transactions;

pub use state::Endpoint;
