//! Main mode with a pre-shared key (RFC 2409 section 5.4), with NAT discovery of RFC 3947:
//!
//! ```text
//!      Initiator                        Responder
//!   1  HDR, SA, [VID]           -->
//!   2                           <--    HDR, SA, [VID]
//!   3  HDR, KE, Ni, [NAT-D x 2] -->
//!   4                           <--    HDR, KE, Nr, [NAT-D x 2]
//!   5  HDR*, IDii, HASH_I       -->
//!   6                           <--    HDR*, IDir, HASH_R
//! ```

mod initiator;
mod responder;

pub(crate) use initiator::{ExpectIdReply, ExpectKeReply, ExpectSa, initiate};
pub(crate) use responder::{ExpectId, ExpectKe, accept};
