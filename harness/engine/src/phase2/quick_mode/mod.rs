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
//! When one side sets the Commit bit, the other uses the SAs once an informational exchange with the same M-ID brings
//! CONNECTED (RFC 2408 section 3.1). Until then the initiator sends message 3 again, the responder message 2:
//!
//! ```text
//!                         <-- HDR*, HASH(1), N(CONNECTED)      the responder set it, in message 2
//!      HDR*, HASH(1), N(CONNECTED) -->                         the initiator set it, in message 1 or 3
//! ```
//!
//! When both set it neither has to wait, as the RFC has only a side wait that did not set it. A responder of ours that
//! finds it set does not set it too.

mod exchange;
mod initiator;
mod responder;
mod status;

pub(crate) use exchange::{Outcome, OutcomePair, OutcomeSa, QmCx, QuickMode, Step};
pub(crate) use initiator::initiate;
pub(crate) use responder::accept;
