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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// The value that sorts before all others.
    pub(crate) const LEAST: Self = Self { id_type: IdType(0), protocol: 0, port: 0, data: Bytes::new() };

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

    /// `ID_DER_ASN1_GN`, a general name in DER.
    pub fn general_name(name: impl Into<Bytes>) -> Self {
        Self::new(IdType::DER_ASN1_GN, name)
    }

    /// The same identity, for one IP protocol and port.
    #[must_use]
    pub fn with_protocol_and_port(self, protocol: u8, port: u16) -> Self {
        Self { protocol, port, ..self }
    }

    /// First and last address that the identity stands for, for the six address types. A subnet counts from its address with
    /// the bits outside the mask cleared to the address with them set. `None` for the other types, for data of another length,
    /// for a mask with a hole, and for a range whose end comes before its start.
    pub fn address_range(&self) -> Option<(IpAddr, IpAddr)> {
        let v4 = |bytes: &[u8]| <[u8; 4]>::try_from(bytes).ok().map(u32::from_be_bytes);
        let v6 = |bytes: &[u8]| <[u8; 16]>::try_from(bytes).ok().map(u128::from_be_bytes);
        let (a, b) = self.data.split_at_checked(self.data.len() / 2)?;
        let (first, last) = match self.id_type {
            IdType::IPV4_ADDR => v4(&self.data).map(|address| (address, address))?,
            IdType::IPV4_ADDR_RANGE => (v4(a)?, v4(b)?),
            IdType::IPV4_ADDR_SUBNET => {
                let (address, mask) = (v4(a)?, v4(b)?);
                (mask.leading_ones() == mask.count_ones()).then_some((address & mask, address | !mask))?
            }
            _ => {
                let (first, last) = match self.id_type {
                    IdType::IPV6_ADDR => v6(&self.data).map(|address| (address, address))?,
                    IdType::IPV6_ADDR_RANGE => (v6(a)?, v6(b)?),
                    IdType::IPV6_ADDR_SUBNET => {
                        let (address, mask) = (v6(a)?, v6(b)?);
                        (mask.leading_ones() == mask.count_ones())
                            .then_some((address & mask, address | !mask))?
                    }
                    _ => return None,
                };
                let ends = (Ipv6Addr::from_bits(first).into(), Ipv6Addr::from_bits(last).into());
                return (first <= last).then_some(ends);
            }
        };
        (first <= last).then(|| (Ipv4Addr::from_bits(first).into(), Ipv4Addr::from_bits(last).into()))
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::test_support::*;
    use super::super::{NotifyType, PayloadType};
    use super::*;

    const V4: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 9);
    const V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

    #[rstest]
    #[case::ipv4(Identification::ipv4(V4), "01 00 0000 0a010009", "ipv4 10.1.0.9 proto 0 port 0")]
    #[case::ipv4_udp_500(
        Identification::ipv4(V4).with_protocol_and_port(17, 500),
        "01 11 01f4 0a010009",
        "ipv4 10.1.0.9 proto 17 port 500"
    )]
    #[case::ipv4_subnet(
        Identification::ipv4_subnet(Ipv4Addr::new(10, 1, 0, 0), 24),
        "04 00 0000 0a010000 ffffff00",
        "ipv4_subnet 10.1.0.0/24 proto 0 port 0"
    )]
    #[case::every_ipv4_address(
        Identification::ipv4_subnet(Ipv4Addr::UNSPECIFIED, 0),
        "04 00 0000 00000000 00000000",
        "ipv4_subnet 0.0.0.0/0 proto 0 port 0"
    )]
    #[case::mask_that_is_no_prefix(
        Identification::new(IdType::IPV4_ADDR_SUBNET, hex("0a010000 ff00ff00")),
        "04 00 0000 0a010000 ff00ff00",
        "ipv4_subnet 10.1.0.0/255.0.255.0 proto 0 port 0"
    )]
    #[case::ipv4_range(
        Identification::ipv4_range(V4, Ipv4Addr::new(10, 1, 0, 20)),
        "07 00 0000 0a010009 0a010014",
        "ipv4_range 10.1.0.9-10.1.0.20 proto 0 port 0"
    )]
    #[case::ipv6(
        Identification::ipv6(V6),
        "05 00 0000 20010db8 00000000 00000000 00000001",
        "ipv6 2001:db8::1 proto 0 port 0"
    )]
    #[case::ipv6_subnet(
        Identification::ipv6_subnet(V6, 64),
        "06 00 0000 20010db8 00000000 00000000 00000001 ffffffff ffffffff 00000000 00000000",
        "ipv6_subnet 2001:db8::1/64 proto 0 port 0"
    )]
    #[case::ipv6_range(
        Identification::ipv6_range(V6, V6),
        "08 00 0000 20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000001",
        "ipv6_range 2001:db8::1-2001:db8::1 proto 0 port 0"
    )]
    #[case::fqdn(Identification::fqdn("a.b"), "02 00 0000 612e62", "fqdn a.b proto 0 port 0")]
    #[case::user_fqdn(Identification::user_fqdn("u@a"), "03 00 0000 754061", "user_fqdn u@a proto 0 port 0")]
    #[case::key_id(Identification::key_id(hex("00ff")), "0b 00 0000 00ff", "key_id 00ff proto 0 port 0")]
    #[case::der(Identification::der(hex("3000")), "09 00 0000 3000", "der_asn1_dn 3000 proto 0 port 0")]
    #[case::unknown_type(
        Identification::new(IdType(200), hex("01")),
        "c8 00 0000 01",
        "type_200 01 proto 0 port 0"
    )]
    fn round_trips_and_prints_identification(
        #[case] id: Identification,
        #[case] body: &str,
        #[case] text: &str,
    ) {
        assert_eq!(id.to_string(), text);
        assert_fixed_bytes(id, body);
    }

    #[test]
    fn rejects_every_shorter_prefix() {
        assert_shorter_chains_fail(Identification::fqdn("a.b"));
        assert_shorter_bodies_fail(Identification::fqdn("a.b"), 4);
        assert_shorter_bodies_fail(Identification::ipv6_subnet(V6, 64), 36);
    }

    #[test]
    fn rejects_bad_payload_lengths() {
        assert_bad_payload_lengths_fail(Identification::fqdn("a.b"));
    }

    #[rstest]
    #[case::ipv4("01 00 0000 0a0100", 1, 3, 4)]
    #[case::ipv4_subnet("04 00 0000 0a010000", 4, 4, 8)]
    #[case::ipv6("05 00 0000 0a010000", 5, 4, 16)]
    fn rejects_an_address_of_another_length(
        #[case] body: &str,
        #[case] id_type: u8,
        #[case] got: usize,
        #[case] expected: usize,
    ) {
        let error = decode_body(PayloadType::ID, &hex(body)).unwrap_err();
        assert_eq!(error, WireError::IdentificationLength { id_type: IdType(id_type), got, expected });
        assert_eq!(error.notify_type(), Some(NotifyType::INVALID_ID_INFORMATION));
    }

    #[rstest]
    #[case::address(Identification::ipv4(V4), Some(("10.1.0.9", "10.1.0.9")))]
    #[case::subnet(Identification::ipv4_subnet(V4, 24), Some(("10.1.0.0", "10.1.0.255")))]
    #[case::range(Identification::ipv4_range(V4, Ipv4Addr::BROADCAST), Some(("10.1.0.9", "255.255.255.255")))]
    #[case::ipv6_subnet(Identification::ipv6_subnet(V6, 127), Some(("2001:db8::", "2001:db8::1")))]
    #[case::name(Identification::fqdn("abcd"), None)]
    #[case::range_from_back_to_front(Identification::ipv4_range(Ipv4Addr::BROADCAST, V4), None)]
    #[case::mask_with_a_hole(Identification::new(IdType::IPV4_ADDR_SUBNET, hex("0a010000 ff00ff00")), None)]
    #[case::the_widest_mask(Identification::ipv4_subnet(V4, 0), Some(("0.0.0.0", "255.255.255.255")))]
    fn gives_the_first_and_last_address(#[case] id: Identification, #[case] range: Option<(&str, &str)>) {
        let parse = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(id.address_range(), range.map(|(first, last)| (parse(first), parse(last))));
    }
}
