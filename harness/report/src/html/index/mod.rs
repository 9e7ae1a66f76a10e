//! `index.html`: a whole run on one page.

mod daemons;
mod discovery;
mod matrix;
mod page;
mod rows;
mod unexpected;

pub use page::render;
pub use rows::ClauseEntry;
