//! The Hash payload, `HASH` (RFC 2408 section 3.11).

use bytes::Bytes;

/// The Hash payload: HASH_I, HASH_R, or one of the HASH(n) of phase 2.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// | Next Payload  |   RESERVED    |        Payload Length         |
/// +---------------+---------------+-------------------------------+
/// ~                           Hash Data                           ~
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hash {
    /// The hash, as long as the output of the negotiated prf.
    pub data: Bytes,
}

impl Hash {
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
    fn round_trips_hash() {
        assert_fixed_bytes(Hash::new(hex("00 01 fe ff")), "0001feff");
    }

    #[test]
    fn takes_an_empty_body() {
        assert_fixed_bytes(Hash::new(Bytes::new()), "");
    }

    #[test]
    fn rejects_every_shorter_prefix() {
        assert_shorter_chains_fail(Hash::new(hex("00 01 fe ff")));
    }

    #[test]
    fn rejects_bad_payload_lengths() {
        assert_bad_payload_lengths_fail(Hash::new(hex("00 01 fe ff")));
    }
}
