//! The Key Exchange payload, `KE` (RFC 2408 section 3.7, RFC 2409 section 5).

use bytes::Bytes;

/// The KE payload: a public Diffie-Hellman value, `g^xi` or `g^xr`.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// | Next Payload  |   RESERVED    |        Payload Length         |
/// +---------------+---------------+-------------------------------+
/// ~                       Key Exchange Data                       ~
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyExchange {
    /// Public Diffie-Hellman value; for a MODP group as long as its prime, zeros prepended (RFC 2409 section 5).
    pub data: Bytes,
}

impl KeyExchange {
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
    fn round_trips_key_exchange() {
        assert_fixed_bytes(KeyExchange::new(hex("00 01 fe ff")), "0001feff");
    }

    #[test]
    fn takes_an_empty_body() {
        assert_fixed_bytes(KeyExchange::new(Bytes::new()), "");
    }

    #[test]
    fn rejects_every_shorter_prefix() {
        assert_shorter_chains_fail(KeyExchange::new(hex("00 01 fe ff")));
    }

    #[test]
    fn rejects_bad_payload_lengths() {
        assert_bad_payload_lengths_fail(KeyExchange::new(hex("00 01 fe ff")));
    }
}
