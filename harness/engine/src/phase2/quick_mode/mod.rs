//! Quick mode (RFC 2409 section 5.5), with the NAT-OA payloads of RFC 3947:
//!
//! ```text
//!      Initiator                                              Responder
//!   1  HDR*, HASH(1), SA, Ni [, KE ] [, IDci, IDcr ] [, NAT-OA x 2] -->
//!   2                     <-- HDR*, HASH(2), SA, Nr [, KE ] [, IDci, IDcr ] [, NAT-OA x 2]
//!   3  HDR*, HASH(3)      -->
//! ```
//!
//! There may be several SA payloads; see [`several_sas`](super::several_sas).
//!
//! When the responder sets the Commit bit in message 2, the initiator uses the SAs once an informational exchange with
//! the same M-ID brings CONNECTED, and sends message 3 again until then (RFC 2408 section 3.1):
//!
//! ```text
//!                         <-- HDR*, HASH(1), N(CONNECTED)
//! ```

mod exchange;
mod initiator;
mod responder;
mod status;

pub(crate) use exchange::{Outcome, OutcomePair, OutcomeSa, QmCx, QuickMode, Step};
pub(crate) use initiator::initiate;
pub(crate) use responder::accept;
