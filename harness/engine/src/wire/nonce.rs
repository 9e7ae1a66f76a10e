//! The Nonce payload, `NONCE` (RFC 2408 section 3.13).

use bytes::Bytes;

/// The Nonce payload, `Ni` or `Nr`. RFC 2409 section 5 wants 8 to 256 octets; the decoder takes any length.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// | Next Payload  |   RESERVED    |        Payload Length         |
/// +---------------+---------------+-------------------------------+
/// ~                          Nonce Data                           ~
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Nonce {
    /// `Ni_b` or `Nr_b`, or their encryption when authenticating with public key encryption.
    pub data: Bytes,
}

impl Nonce {
    /// A payload with this content.
    pub fn new(data: impl Into<Bytes>) -> Self {
        Self { data: data.into() }
    }

    pub(super) fn decode(body: Bytes) -> Self {
        Self { data: body }
    }

    pub(super) fn encode_body(&self) -> Vec<u8> {
        self.data.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::*;
    use super::*;

    #[test]
    fn round_trips_nonce() {
        assert_fixed_bytes(Nonce::new(hex("00 01 fe ff")), "0001feff");
    }

    #[test]
    fn takes_an_empty_body() {
        assert_fixed_bytes(Nonce::new(Bytes::new()), "");
    }

    #[test]
    fn rejects_every_shorter_prefix() {
        assert_shorter_chains_fail(Nonce::new(hex("00 01 fe ff")));
    }

    #[test]
    fn rejects_bad_payload_lengths() {
        assert_bad_payload_lengths_fail(Nonce::new(hex("00 01 fe ff")));
    }
}
