//! The Identification payload, `ID` (RFC 2408 section 3.8, RFC 2407 section 4.6.2).

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;

use super::codec::Reader;
use super::{IdType, Result, WireError};

/// The ID payload: IDii and IDir in phase 1, IDci and IDcr in phase 2.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// | Next Payload  |   RESERVED    |        Payload Length         |
/// +---------------+---------------+-------------------------------+
/// |   ID Type     |  Protocol ID  |             Port              |
/// +---------------+---------------+-------------------------------+
/// ~                     Identification Data                       ~
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identification {
    /// Identification type.
    pub id_type: IdType,
    /// IP protocol number, 0 for any; in phase 1 it has to be 0 or 17 (UDP).
    pub protocol: u8,
    /// Port, 0 for any; in phase 1 it has to be 0 or 500.
    pub port: u16,
    /// Identification data, in the form the type gives it.
    pub data: Bytes,
}

impl Identification {
    /// An identity of any type, for protocol 0 and port 0.
    pub fn new(id_type: IdType, data: impl Into<Bytes>) -> Self {
        Self { id_type, protocol: 0, port: 0, data: data.into() }
    }

    /// `ID_IPV4_ADDR`.
    pub fn ipv4(address: Ipv4Addr) -> Self {
        Self::new(IdType::IPV4_ADDR, address.octets().to_vec())
    }

    /// `ID_IPV4_ADDR_SUBNET`, with a prefix length of at most 32 bits (a larger one counts as 32).
    pub fn ipv4_subnet(address: Ipv4Addr, prefix: u8) -> Self {
        let mask = u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into())).unwrap_or(0);
        Self::new(IdType::IPV4_ADDR_SUBNET, [address.octets(), mask.to_be_bytes()].concat())
    }

    /// `ID_IPV4_ADDR_RANGE`, both ends included.
    pub fn ipv4_range(first: Ipv4Addr, last: Ipv4Addr) -> Self {
        Self::new(IdType::IPV4_ADDR_RANGE, [first.octets(), last.octets()].concat())
    }

    /// `ID_IPV6_ADDR`.
    pub fn ipv6(address: Ipv6Addr) -> Self {
        Self::new(IdType::IPV6_ADDR, address.octets().to_vec())
    }

    /// `ID_IPV6_ADDR_SUBNET`, with a prefix length of at most 128 bits (a larger one counts as 128).
    pub fn ipv6_subnet(address: Ipv6Addr, prefix: u8) -> Self {
        let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix.into())).unwrap_or(0);
        Self::new(IdType::IPV6_ADDR_SUBNET, [address.octets(), mask.to_be_bytes()].concat())
    }

    /// `ID_IPV6_ADDR_RANGE`, both ends included.
    pub fn ipv6_range(first: Ipv6Addr, last: Ipv6Addr) -> Self {
        Self::new(IdType::IPV6_ADDR_RANGE, [first.octets(), last.octets()].concat())
    }

    /// `ID_IPV4_ADDR` or `ID_IPV6_ADDR`.
    pub fn ip(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::ipv4(address),
            IpAddr::V6(address) => Self::ipv6(address),
        }
    }

    /// `ID_FQDN`, a domain name.
    pub fn fqdn(name: &str) -> Self {
        Self::new(IdType::FQDN, name.as_bytes().to_vec())
    }

    /// `ID_USER_FQDN`, a user name at a domain.
    pub fn user_fqdn(name: &str) -> Self {
        Self::new(IdType::USER_FQDN, name.as_bytes().to_vec())
    }

    /// `ID_KEY_ID`, opaque octets.
    pub fn key_id(id: impl Into<Bytes>) -> Self {
        Self::new(IdType::KEY_ID, id)
    }

    /// `ID_DER_ASN1_DN`, a distinguished name in DER.
    pub fn der(name: impl Into<Bytes>) -> Self {
        Self::new(IdType::DER_ASN1_DN, name)
    }

    /// The same identity, for one IP protocol and port.
    #[must_use]
    pub fn with_protocol_and_port(self, protocol: u8, port: u16) -> Self {
        Self { protocol, port, ..self }
    }

    /// First and last address the identity stands for, for the six address types. A subnet counts from its
    /// address with the bits outside the mask cleared to the address with them set.
    pub fn address_range(&self) -> Option<(IpAddr, IpAddr)> {
        let v4 = |bytes: &[u8]| <[u8; 4]>::try_from(bytes).ok().map(u32::from_be_bytes);
        let v6 = |bytes: &[u8]| <[u8; 16]>::try_from(bytes).ok().map(u128::from_be_bytes);
        let (a, b) = self.data.split_at_checked(self.data.len() / 2)?;
        let from_v4 = |(first, last): (u32, u32)| {
            (IpAddr::V4(Ipv4Addr::from_bits(first)), IpAddr::V4(Ipv4Addr::from_bits(last)))
        };
        let from_v6 = |(first, last): (u128, u128)| {
            (IpAddr::V6(Ipv6Addr::from_bits(first)), IpAddr::V6(Ipv6Addr::from_bits(last)))
        };
        match self.id_type {
            IdType::IPV4_ADDR => v4(&self.data).map(|address| from_v4((address, address))),
            IdType::IPV4_ADDR_RANGE => Some(from_v4((v4(a)?, v4(b)?))),
            IdType::IPV4_ADDR_SUBNET => {
                let (address, mask) = (v4(a)?, v4(b)?);
                Some(from_v4((address & mask, address | !mask)))
            }
            IdType::IPV6_ADDR => v6(&self.data).map(|address| from_v6((address, address))),
            IdType::IPV6_ADDR_RANGE => Some(from_v6((v6(a)?, v6(b)?))),
            IdType::IPV6_ADDR_SUBNET => {
                let (address, mask) = (v6(a)?, v6(b)?);
                Some(from_v6((address & mask, address | !mask)))
            }
            _ => None,
        }
    }

    /// Decodes the body. Data of an address type must have the length of that type.
    pub(super) fn decode(body: Bytes) -> Result<Self> {
        let mut reader = Reader::new("Identification payload", body);
        let id_type = IdType(reader.u8()?);
        let protocol = reader.u8()?;
        let port = reader.u16()?;
        let data = reader.rest();
        match address_data_len(id_type) {
            Some(expected) if data.len() != expected => {
                Err(WireError::IdentificationLength { id_type, got: data.len(), expected })
            }
            _ => Ok(Self { id_type, protocol, port, data }),
        }
    }

    pub(super) fn encode_body(&self) -> Vec<u8> {
        let mut out = vec![self.id_type.0, self.protocol];
        out.extend_from_slice(&self.port.to_be_bytes());
        out.extend_from_slice(&self.data);
        out
    }
}

/// Octets of identification data that an address type calls for; `None` for the other types.
pub(super) fn address_data_len(id_type: IdType) -> Option<usize> {
    match id_type {
        IdType::IPV4_ADDR => Some(4),
        IdType::IPV4_ADDR_SUBNET | IdType::IPV4_ADDR_RANGE => Some(8),
        IdType::IPV6_ADDR => Some(16),
        IdType::IPV6_ADDR_SUBNET | IdType::IPV6_ADDR_RANGE => Some(32),
        _ => None,
    }
}

impl fmt::Display for Identification {
    /// For example `ipv4_subnet 10.1.0.0/24 proto 0 port 0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let halves = self.data.split_at_checked(self.data.len() / 2).unwrap_or_default();
        match self.id_type {
            IdType::IPV4_ADDR => write!(f, "ipv4 {}", Address(&self.data))?,
            IdType::IPV4_ADDR_SUBNET => write!(f, "ipv4_subnet {}", Subnet(halves))?,
            IdType::IPV4_ADDR_RANGE => write!(f, "ipv4_range {}-{}", Address(halves.0), Address(halves.1))?,
            IdType::IPV6_ADDR => write!(f, "ipv6 {}", Address(&self.data))?,
            IdType::IPV6_ADDR_SUBNET => write!(f, "ipv6_subnet {}", Subnet(halves))?,
            IdType::IPV6_ADDR_RANGE => write!(f, "ipv6_range {}-{}", Address(halves.0), Address(halves.1))?,
            IdType::FQDN => write!(f, "fqdn {}", self.data.escape_ascii())?,
            IdType::USER_FQDN => write!(f, "user_fqdn {}", self.data.escape_ascii())?,
            IdType::DER_ASN1_DN => write!(f, "der_asn1_dn {}", Hex(&self.data))?,
            IdType::DER_ASN1_GN => write!(f, "der_asn1_gn {}", Hex(&self.data))?,
            IdType::KEY_ID => write!(f, "key_id {}", Hex(&self.data))?,
            IdType(other) => write!(f, "type_{other} {}", Hex(&self.data))?,
        }
        write!(f, " proto {} port {}", self.protocol, self.port)
    }
}

/// Prints 4 octets as IPv4, 16 as IPv6, any other number in hex.
struct Address<'a>(&'a [u8]);

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Ok(octets) = <[u8; 4]>::try_from(self.0) {
            write!(f, "{}", Ipv4Addr::from(octets))
        } else if let Ok(octets) = <[u8; 16]>::try_from(self.0) {
            write!(f, "{}", Ipv6Addr::from(octets))
        } else {
            write!(f, "{}", Hex(self.0))
        }
    }
}

/// Prints address and mask as `10.1.0.0/24`, or with the whole mask when it is not a prefix.
struct Subnet<'a>((&'a [u8], &'a [u8]));

impl fmt::Display for Subnet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (address, mask) = self.0;
        let ones: u32 = mask.iter().map(|byte| byte.count_ones()).sum();
        let prefix = if let Ok(octets) = <[u8; 4]>::try_from(mask) {
            u32::from_be_bytes(octets).leading_ones() == ones
        } else if let Ok(octets) = <[u8; 16]>::try_from(mask) {
            u128::from_be_bytes(octets).leading_ones() == ones
        } else {
            false
        };
        if prefix {
            write!(f, "{}/{ones}", Address(address))
        } else {
            write!(f, "{}/{}", Address(address), Address(mask))
        }
    }
}

/// Prints octets in hex.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
