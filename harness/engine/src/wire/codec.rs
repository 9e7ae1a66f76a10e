//! Reader and writer that every payload is built from, and the limits on what is read.

use bytes::Bytes;

use super::{Result, WireError};

/// Bounds on how much of one message is decoded, so that a small datagram cannot cost much memory or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WireLimits {
    /// Payloads in one chain.
    pub payloads_max: usize,
    /// Proposals in one SA payload.
    pub proposals_max: usize,
    /// Transforms in one proposal.
    pub transforms_max: usize,
    /// Attributes in one transform or Attributes payload.
    pub attributes_max: usize,
    /// SPIs in one Delete payload.
    pub spis_max: usize,
}

impl Default for WireLimits {
    fn default() -> Self {
        Self { payloads_max: 64, proposals_max: 64, transforms_max: 255, attributes_max: 64, spis_max: 256 }
    }
}

/// Cursor over the bytes of one item; what it hands out shares the datagram's memory.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    what: &'static str,
    rest: Bytes,
}

impl Reader {
    /// A cursor at the start of `bytes`; `what` names the item in errors.
    pub(super) fn new(what: &'static str, bytes: Bytes) -> Self {
        Self { what, rest: bytes }
    }

    /// The next `len` octets.
    pub(super) fn take(&mut self, len: usize) -> Result<Bytes> {
        if len > self.rest.len() {
            return Err(WireError::MissingData(self.what));
        }
        Ok(self.rest.split_to(len))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.take(N)?;
        <[u8; N]>::try_from(bytes.as_ref()).map_err(|_| WireError::MissingData(self.what))
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(super) fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(super) fn cookie(&mut self) -> Result<[u8; 8]> {
        self.array()
    }

    /// Everything not yet read.
    pub(super) fn rest(&mut self) -> Bytes {
        self.rest.split_to(self.rest.len())
    }

    /// Everything not yet read, without moving on.
    pub(super) fn peek_rest(&self) -> Bytes {
        self.rest.clone()
    }

    pub(super) fn len(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn any_left(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Fails if anything is left.
    pub(super) fn finish(&self) -> Result<()> {
        if self.any_left() {
            return Err(WireError::TrailingData { what: self.what, len: self.rest.len() });
        }
        Ok(())
    }

    /// One generic payload header and the body it announces (RFC 2408 section 3.2).
    pub(super) fn generic_payload(&mut self, length_of: &'static str) -> Result<GenericPayload> {
        let available = self.rest.len();
        let next_payload = self.u8()?;
        let reserved = self.u8()?;
        let length = usize::from(self.u16()?);
        let bad = WireError::BadLength { what: length_of, got: length, expected: GENERIC_HEADER..=available };
        let body_len = length.checked_sub(GENERIC_HEADER).ok_or(bad.clone())?;
        if length > available {
            return Err(bad);
        }
        Ok(GenericPayload { next_payload, reserved, length, body: self.take(body_len)? })
    }
}

/// Octets of a generic payload header.
pub(super) const GENERIC_HEADER: usize = 4;

/// A payload cut out of its chain: Next Payload, RESERVED, Payload Length and the octets after them.
#[derive(Clone, Debug)]
pub(super) struct GenericPayload {
    pub(super) next_payload: u8,
    pub(super) reserved: u8,
    pub(super) length: usize,
    pub(super) body: Bytes,
}

/// Appends a payload with its generic header. A body longer than the length field can say gets the largest
/// length; such a message is longer than any UDP datagram.
pub(super) fn put_generic(out: &mut Vec<u8>, next_payload: u8, body: &[u8]) {
    out.push(next_payload);
    out.push(0);
    out.extend_from_slice(&saturate_u16(body.len().saturating_add(GENERIC_HEADER)).to_be_bytes());
    out.extend_from_slice(body);
}

/// The number as a two-octet field, or the largest value of the field.
pub(super) fn saturate_u16(value: usize) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}

/// The number as a one-octet field, or the largest value of the field.
pub(super) fn saturate_u8(value: usize) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}
