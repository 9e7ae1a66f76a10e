//! A whole message: header and chain.

use bytes::Bytes;

use super::{
    Chain, Flags, Header, Payload, Result, Trailing, WireError, WireLimits, decode_chain, encode_chain,
};

/// A message in the clear, `HDR` and its payloads. An encrypted one, `HDR*`, takes two steps:
/// [`Header::decode`], then, once decrypted, [`decode_chain`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The header as received.
    pub header: Header,
    /// The payloads.
    pub chain: Chain,
}

impl Message {
    /// Decodes a datagram that holds one message in the clear.
    ///
    /// # Errors
    /// What [`Header::decode`] and [`Header::check`] refuse, [`WireError::Encrypted`] if the Encryption bit is
    /// set, and what [`decode_chain`] refuses.
    pub fn decode(datagram: &Bytes, limits: &WireLimits) -> Result<Self> {
        let header = Header::decode(datagram)?;
        header.check(datagram.len())?;
        if header.flags.contains(Flags::ENCRYPTION) {
            return Err(WireError::Encrypted);
        }
        let mut body = datagram.clone();
        // `Header::decode` has just read these octets, so this cannot pass the end.
        let body = body.split_off(Header::LEN.min(body.len()));
        let chain = decode_chain(header.next_payload, &body, Trailing::Refuse, limits)?;
        Ok(Self { header, chain })
    }
}

/// Encodes a message in the clear. Next Payload and Length of `header` are ignored and filled in.
pub fn encode_message(header: &Header, payloads: &[Payload]) -> Vec<u8> {
    let (next_payload, body) = encode_chain(payloads);
    let total = Header::LEN.saturating_add(body.len());
    let length = u32::try_from(total).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(total);
    Header { next_payload, length, ..*header }.encode(&mut out);
    out.extend_from_slice(&body);
    out
}
