//! Aggressive mode with a pre-shared key (RFC 2409 section 5.4), with NAT discovery of RFC 3947:
//!
//! ```text
//!      Initiator                          Responder
//!   1  HDR, SA, KE, Ni, IDii, [VID] -->
//!   2                               <--  HDR, SA, KE, Nr, IDir, HASH_R, [VID], [NAT-D x 2]
//!   3  HDR*, HASH_I, [NAT-D x 2]    -->
//! ```
//!
//! RFC 2409 shows message 3 in the clear and lets it be encrypted; RFC 3947 section 3.2 shows it
//! encrypted. We send it encrypted and take both.

mod initiator;
mod responder;

pub(crate) use initiator::{ExpectReply, initiate};
pub(crate) use responder::{ExpectHash, accept};
