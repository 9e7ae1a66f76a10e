//! What an ISAKMP SA holds of its transaction exchanges.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use super::TransactionExchange;
use super::xauth::Asking;
use crate::wire::MessageId;

/// Where extended authentication stands.
#[derive(Debug, Default)]
pub(crate) enum Xauth {
    /// The user is authenticated, or need not be.
    #[default]
    Settled,
    /// We ask.
    Asking(Asking),
    /// We wait to be asked.
    Asked {
        /// Identifier of the transaction, once it has begun.
        identifier: Option<u16>,
        /// Requests so far.
        requests: usize,
    },
    /// The user could not be authenticated; the ISAKMP SA is about to go.
    Failed,
}

/// The transaction exchanges of one ISAKMP SA and what came of them.
#[derive(Debug, Default)]
pub(crate) struct Transactions {
    pub(crate) exchanges: BTreeMap<MessageId, TransactionExchange>,
    pub(crate) xauth: Xauth,
    /// The address that Mode-Config assigned to the host, whichever side that is.
    pub(crate) assigned: Option<Ipv4Addr>,
}

impl Transactions {
    /// Whether the SA may protect other exchanges: no user is still to be authenticated.
    pub(crate) fn is_user_settled(&self) -> bool {
        matches!(self.xauth, Xauth::Settled)
    }
}
