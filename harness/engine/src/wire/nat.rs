//! The NAT-D and NAT-OA payloads (RFC 3947 sections 3.2 and 5.2, and the drafts before it).

use core::net::IpAddr;

use bytes::Bytes;

use super::codec::Reader;
use super::id::address_data_len;
use super::{IdType, Result, WireError};

/// The NAT-D payload: hash of the cookies with one end's address and port.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// | Next Payload  |   RESERVED    |        Payload Length         |
/// +---------------+---------------+-------------------------------+
/// ~                 HASH of the address and port                  ~
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NatDiscovery {
    /// `HASH(CKY-I | CKY-R | IP | Port)`.
    pub hash: Bytes,
    /// Whether the payload type is the drafts' 130 rather than 20.
    pub draft: bool,
}

impl NatDiscovery {
    pub(super) fn decode(body: Bytes, draft: bool) -> Self {
        Self { hash: body, draft }
    }

    pub(super) fn encode_body(&self) -> Vec<u8> {
        self.hash.to_vec()
    }
}

/// The NAT-OA payload: an end's address before translation, for transport mode.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// | Next Payload  |   RESERVED    |        Payload Length         |
/// +---------------+---------------+-------------------------------+
/// |    ID Type    |   RESERVED    |           RESERVED            |
/// +---------------+---------------+-------------------------------+
/// |         IPv4 (4 octets) or IPv6 address (16 octets)           |
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NatOriginalAddress {
    /// `ID_IPV4_ADDR` or `ID_IPV6_ADDR`.
    pub id_type: IdType,
    /// The address, 4 or 16 octets.
    pub data: Bytes,
    /// Whether the payload type is the drafts' 131 rather than 21.
    pub draft: bool,
}

impl NatOriginalAddress {
    /// The payload for this address.
    pub fn new(address: IpAddr, draft: bool) -> Self {
        match address {
            IpAddr::V4(address) => {
                Self { id_type: IdType::IPV4_ADDR, data: address.octets().to_vec().into(), draft }
            }
            IpAddr::V6(address) => {
                Self { id_type: IdType::IPV6_ADDR, data: address.octets().to_vec().into(), draft }
            }
        }
    }

    /// The address, or `None` if the type is neither IPv4 nor IPv6.
    pub fn address(&self) -> Option<IpAddr> {
        match self.id_type {
            IdType::IPV4_ADDR => <[u8; 4]>::try_from(self.data.as_ref()).ok().map(IpAddr::from),
            IdType::IPV6_ADDR => <[u8; 16]>::try_from(self.data.as_ref()).ok().map(IpAddr::from),
            _ => None,
        }
    }

    pub(super) fn decode(body: Bytes, draft: bool) -> Result<Self> {
        let mut reader = Reader::new("NAT-OA payload", body);
        let id_type = IdType(reader.u8()?);
        let _reserved = reader.take(3)?;
        let data = reader.rest();
        match address_data_len(id_type) {
            Some(expected) if data.len() != expected => Err(WireError::BadLength {
                what: "address of a NAT-OA payload",
                got: data.len(),
                expected: expected..=expected,
            }),
            _ => Ok(Self { id_type, data, draft }),
        }
    }

    pub(super) fn encode_body(&self) -> Vec<u8> {
        [&[self.id_type.0, 0, 0, 0], self.data.as_ref()].concat()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::test_support::*;
    use super::super::{Payload, PayloadType};
    use super::*;

    fn discovery(draft: bool) -> Payload {
        NatDiscovery { hash: hex("00ff"), draft }.into()
    }

    fn original(draft: bool) -> Payload {
        NatOriginalAddress::new("192.0.2.1".parse().unwrap(), draft).into()
    }

    #[rstest]
    #[case::discovery(discovery(false), 20, "00ff")]
    #[case::draft_discovery(discovery(true), 130, "00ff")]
    #[case::original_address(original(false), 21, "01 000000 c0000201")]
    #[case::draft_original_address(original(true), 131, "01 000000 c0000201")]
    fn round_trips_nat_payload(#[case] payload: Payload, #[case] payload_type: u8, #[case] body: &str) {
        assert_eq!(payload.payload_type(), PayloadType(payload_type));
        assert_fixed_bytes(payload, body);
    }

    #[test]
    fn rejects_every_shorter_prefix() {
        assert_shorter_chains_fail(discovery(false));
        assert_shorter_chains_fail(original(false));
        assert_shorter_bodies_fail(original(false), 8);
    }

    #[test]
    fn rejects_bad_payload_lengths() {
        assert_bad_payload_lengths_fail(discovery(false));
        assert_bad_payload_lengths_fail(original(false));
    }

    #[test]
    fn rejects_an_address_of_another_length() {
        let what = "address of a NAT-OA payload";
        let error = WireError::BadLength { what, got: 5, expected: 4..=4 };
        assert_eq!(decode_body(PayloadType::NAT_OA, &hex("01 000000 c000020100")), Err(error));
    }

    #[test]
    fn keeps_an_unknown_id_type() {
        let payload = NatOriginalAddress { id_type: IdType(99), data: hex("01"), draft: false };
        assert_eq!(payload.address(), None);
        assert_fixed_bytes(payload, "63 000000 01");
    }

    #[test]
    fn gives_the_address_back() {
        for text in ["192.0.2.1", "2001:db8::1"] {
            let address = text.parse().unwrap();
            assert_eq!(NatOriginalAddress::new(address, false).address(), Some(address));
        }
    }
}
