//! Authentication of phase 1, one file per method (RFC 2409 sections 5.1 to 5.4).

pub(crate) mod psk;
