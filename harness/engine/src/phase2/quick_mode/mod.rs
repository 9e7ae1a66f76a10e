//! Quick mode (RFC 2409 section 5.5), with the NAT-OA payloads of RFC 3947:
//!
//! ```text
//!      Initiator                                              Responder
//!   1  HDR*, HASH(1), SA, Ni [, KE ] [, IDci, IDcr ] [, NAT-OA x 2] -->
//!   2                     <-- HDR*, HASH(2), SA, Nr [, KE ] [, IDci, IDcr ] [, NAT-OA x 2]
//!   3  HDR*, HASH(3)      -->
//! ```

mod exchange;
mod initiator;
mod responder;

pub(crate) use exchange::{Outcome, QmCx, QuickMode, Step};
pub(crate) use initiator::initiate;
pub(crate) use responder::accept;
