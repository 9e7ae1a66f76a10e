//! The Vendor ID payload, `VID` (RFC 2408 section 3.16).

use bytes::Bytes;

/// The Vendor ID payload, which announces an extension.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// | Next Payload  |   RESERVED    |        Payload Length         |
/// +---------------+---------------+-------------------------------+
/// ~                        Vendor ID (VID)                        ~
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VendorId {
    /// The vendor ID, usually a hash of a text.
    pub data: Bytes,
}

impl VendorId {
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
    fn round_trips_vendor_id() {
        assert_fixed_bytes(VendorId::new(hex("00 01 fe ff")), "0001feff");
    }

    #[test]
    fn takes_an_empty_body() {
        assert_fixed_bytes(VendorId::new(Bytes::new()), "");
    }

    #[test]
    fn rejects_every_shorter_prefix() {
        assert_shorter_chains_fail(VendorId::new(hex("00 01 fe ff")));
    }

    #[test]
    fn rejects_bad_payload_lengths() {
        assert_bad_payload_lengths_fail(VendorId::new(hex("00 01 fe ff")));
    }
}
