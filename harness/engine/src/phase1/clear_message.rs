//! A message of phase 1 whose header is in the clear, and whose payloads' bodies may not be.

use bytes::Bytes;

use super::{Cx, Received};
use crate::core::check_chain;
use crate::error::ExchangeError;
use crate::limits::Limits;
use crate::payloads;
use crate::wire::{Chain, Flags, Header, SaPayload, Trailing, Undecoded, decode_chain_lenient};

/// A message without the encryption flag, read as far as that is possible before the authentication method is known:
/// public key encryption has payloads with encrypted bodies in it (RFC 2409 sections 5.2 and 5.3).
#[derive(Debug, Clone)]
pub(crate) struct ClearMessage {
    /// Header and payloads as received.
    pub(crate) message: Bytes,
    /// Its payloads; those whose bodies are not of the form of their type are in it unread.
    chain: Chain,
    undecoded: Vec<Undecoded>,
}

impl ClearMessage {
    /// Reads a message that must not have the encryption flag.
    ///
    /// # Errors
    ///
    /// The flag is set, or the chain of payloads is malformed.
    pub(crate) fn read(cx: &Cx<'_>, received: &Received) -> Result<Self, ExchangeError> {
        if received.header.flags.contains(Flags::ENCRYPTION) {
            let got = received.header.flags.0;
            return Err(ExchangeError::InvalidFlags { got, problem: "no keys exist yet, so no encryption" });
        }
        Self::of(&received.header, &received.message, &cx.core.limits)
    }

    /// Reads a message, whatever its flags say.
    ///
    /// # Errors
    ///
    /// The chain of payloads is malformed.
    pub(crate) fn of(header: &Header, message: &Bytes, limits: &Limits) -> Result<Self, ExchangeError> {
        let body = message.slice(Header::LEN..);
        let (chain, undecoded) =
            decode_chain_lenient(header.next_payload, &body, Trailing::Alignment, &limits.wire)?;
        check_chain(&chain, &undecoded)?;
        Ok(Self { message: message.clone(), chain, undecoded })
    }

    /// The SA payload that must come first, with its body as received. It is never encrypted.
    ///
    /// # Errors
    ///
    /// It is not there, not first, or not alone.
    pub(crate) fn leading_sa(&self) -> Result<(&SaPayload, Bytes), ExchangeError> {
        payloads::leading_sa(&self.chain)
    }

    /// The payloads of a message in which nothing is encrypted.
    ///
    /// # Errors
    ///
    /// The first body that is not of the form of its type.
    pub(crate) fn decoded(&self) -> Result<&Chain, ExchangeError> {
        match self.undecoded.last() {
            Some(first) => Err(first.error.clone().into()),
            None => Ok(&self.chain),
        }
    }

    /// The payloads of a message in which bodies are encrypted: types, places and lengths count, and what is read of the
    /// bodies does not.
    pub(crate) const fn sealed(&self) -> &Chain {
        &self.chain
    }

    /// The payloads once the bodies of those at `opened` are decrypted in `message`. Of these, bodies that still are
    /// not of the form of their type stay unread.
    ///
    /// # Errors
    ///
    /// The first other body that is not of the form of its type.
    pub(crate) fn open(
        &self,
        message: &Bytes,
        opened: &[usize],
        limits: &Limits,
    ) -> Result<Chain, ExchangeError> {
        let clear = self.undecoded.iter().rev().find(|undecoded| !opened.contains(&undecoded.index));
        if let Some(undecoded) = clear {
            return Err(undecoded.error.clone().into());
        }
        let first = self.chain.payloads.first().map(|payload| payload.payload_type);
        let body = message.slice(Header::LEN..);
        let (chain, _) =
            decode_chain_lenient(first.unwrap_or_default(), &body, Trailing::Alignment, &limits.wire)?;
        Ok(chain)
    }
}
