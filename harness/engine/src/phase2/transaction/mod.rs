//! Transaction exchanges (Mode-Config draft section 3.1), exchange type 6, and what runs over them: extended
//! authentication (XAUTH draft) and the configuration of a host (Mode-Config draft).
//!
//! ```text
//!      Initiator                        Responder
//!   1  HDR*, HASH, ATTR         -->
//!   2                           <--    HDR*, HASH, ATTR
//! ```
//!
//! Both hashes are `prf(SKEYID_a, M-ID | ATTR)`. The first IV is that of a phase 2 exchange, the second message starts
//! from the last block of the first. A transaction is one exchange or several, each with an M-ID of its own, under one
//! identifier in ATTR:
//!
//! ```text
//!      IPsec host                       Edge device
//!      phase 1                  <->
//!                               <--    REQUEST(XAUTH-TYPE, NAME="", PASSWORD="")
//!      REPLY(XAUTH-TYPE, NAME, PASSWORD)  -->              and again, until it knows enough
//!                               <--    SET(XAUTH-STATUS)
//!      ACK                      -->                        not OK: the ISAKMP SA is deleted
//!      REQUEST(INTERNAL_IP4_ADDRESS="")  -->               or SET and ACK, the other way round
//!                               <--    REPLY(INTERNAL_IP4_ADDRESS)
//!      quick modes              <->
//! ```
//!
//! [`exchange`](self) has the messages; what they mean is in [`xauth`] and [`mode_config`], which hold no state of the
//! endpoint and send nothing. The endpoint's `transactions.rs` puts the two together.

mod exchange;
mod leases;
pub(crate) mod mode_config;
mod state;
pub(crate) mod xauth;

pub(crate) use exchange::{Purpose, TransactionExchange, answer, initiate, open};
pub(crate) use leases::Leases;
pub(crate) use state::{Transactions, Xauth};
