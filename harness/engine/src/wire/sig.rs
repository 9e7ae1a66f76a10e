//! The Signature payload, `SIG` (RFC 2408 section 3.12).

use bytes::Bytes;

/// The Signature payload: SIG_I or SIG_R.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// | Next Payload  |   RESERVED    |        Payload Length         |
/// +---------------+---------------+-------------------------------+
/// ~                        Signature Data                         ~
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    /// The signature over HASH_I or HASH_R.
    pub data: Bytes,
}

impl Signature {
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
    fn round_trips_signature() {
        assert_fixed_bytes(Signature::new(hex("00 01 fe ff")), "0001feff");
    }

    #[test]
    fn takes_an_empty_body() {
        assert_fixed_bytes(Signature::new(Bytes::new()), "");
    }

    #[test]
    fn rejects_every_shorter_prefix() {
        assert_shorter_chains_fail(Signature::new(hex("00 01 fe ff")));
    }

    #[test]
    fn rejects_bad_payload_lengths() {
        assert_bad_payload_lengths_fail(Signature::new(hex("00 01 fe ff")));
    }
}
