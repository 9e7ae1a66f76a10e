//! Phase 2: the exchanges that run under an ISAKMP SA (RFC 2409 sections 5.5 to 5.7).

pub(crate) mod clients;
pub(crate) mod informational;
pub(crate) mod lifetime;
mod malformed;
pub(crate) mod negotiate;
pub(crate) mod new_group;
pub(crate) mod quick_mode;
pub(crate) mod several_sas;
pub(crate) mod transaction;
