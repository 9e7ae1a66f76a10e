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
