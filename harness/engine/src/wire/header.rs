//! The ISAKMP header (RFC 2408 section 3.1).

use core::fmt;

use bytes::Bytes;

use super::codec::Reader;
use super::{ExchangeType, PayloadType, Result, WireError};
use crate::deviation::{Deviation, deviates};

/// One cookie, CKY-I or CKY-R (RFC 2408 section 2.5.3): 8 octets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Cookie(pub [u8; 8]);

impl Cookie {
    /// The responder cookie of an initiator's first message.
    pub const ZERO: Self = Self([0; 8]);

    /// Whether all octets are zero.
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// The octets, as keys and hashes cover them.
    pub fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cookie({self})")
    }
}

/// CKY-I and CKY-R, which together are the SPI of an ISAKMP SA.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CookiePair {
    /// CKY-I, chosen by the initiator.
    pub initiator: Cookie,
    /// CKY-R, chosen by the responder; zero until it has answered.
    pub responder: Cookie,
}

impl CookiePair {
    /// The cookies in the 16 octets of an SPI field; `None` for any other number of octets.
    pub fn from_bytes(octets: &[u8]) -> Option<Self> {
        let (initiator, responder) = octets.split_first_chunk::<8>()?;
        Some(Self { initiator: Cookie(*initiator), responder: Cookie(responder.try_into().ok()?) })
    }

    /// `CKY-I | CKY-R`, the 16 octets that stand in the SPI field of an ISAKMP Notification or Delete.
    pub fn to_bytes(&self) -> [u8; 16] {
        let mut out = [0; 16];
        for (to, from) in out.iter_mut().zip(self.initiator.0.iter().chain(&self.responder.0)) {
            *to = *from;
        }
        out
    }
}

impl fmt::Display for CookiePair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.initiator, self.responder)
    }
}

impl fmt::Debug for CookiePair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CookiePair({self})")
    }
}

/// M-ID, the message ID: zero in phase 1, chosen at random for each phase 2 exchange.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MessageId(pub u32);

impl MessageId {
    /// The message ID of every phase 1 message.
    pub const PHASE_1: Self = Self(0);
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({self})")
    }
}

/// A security parameter index of any size: 4 octets for AH and ESP, 2 or 4 for IPCOMP, 0 to 16 for ISAKMP.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Spi(pub Bytes);

impl Spi {
    /// The 4-octet SPI of an AH or ESP SA.
    pub fn from_u32(spi: u32) -> Self {
        Self(Bytes::copy_from_slice(&spi.to_be_bytes()))
    }

    /// The number, if the SPI has 4 octets.
    pub fn as_u32(&self) -> Option<u32> {
        <[u8; 4]>::try_from(self.0.as_ref()).ok().map(u32::from_be_bytes)
    }
}

impl From<Bytes> for Spi {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Spi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Spi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spi({self})")
    }
}

/// Flags of the ISAKMP header.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Flags(pub u8);

impl Flags {
    /// No flag: a message in the clear.
    pub const NONE: Self = Self(0);
    /// E(ncryption) bit: everything after the header is encrypted, `HDR*`.
    pub const ENCRYPTION: Self = Self(1);
    /// C(ommit) bit: the other side has to wait for a CONNECTED notify.
    pub const COMMIT: Self = Self(2);
    /// A(uthentication only) bit: an Informational exchange that is authenticated and not encrypted.
    pub const AUTH_ONLY: Self = Self(4);

    /// Whether every bit of `other` is set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The bits that have no meaning and must be zero.
    pub fn unknown_bits(self) -> u8 {
        self.0 & !(Self::ENCRYPTION.0 | Self::COMMIT.0 | Self::AUTH_ONLY.0)
    }
}

impl core::ops::BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("none");
        }
        let named = [(Self::ENCRYPTION, "E"), (Self::COMMIT, "C"), (Self::AUTH_ONLY, "A")];
        let mut separator = "";
        for (flag, name) in named {
            if self.contains(flag) {
                write!(f, "{separator}{name}")?;
                separator = "|";
            }
        }
        match self.unknown_bits() {
            0 => Ok(()),
            bits => write!(f, "{separator}{bits:#04x}"),
        }
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({self})")
    }
}

/// Version of the ISAKMP header: major version in the high four bits, minor version in the low four.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u8);

impl Version {
    /// Version 1.0, the only one of RFC 2408.
    pub const V1_0: Self = Self(0x10);

    /// Major version, 0 to 15.
    pub fn major(self) -> u8 {
        self.0 >> 4
    }

    /// Minor version, 0 to 15.
    pub fn minor(self) -> u8 {
        self.0 & 0x0f
    }
}

impl Default for Version {
    fn default() -> Self {
        Self::V1_0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major(), self.minor())
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({self})")
    }
}

/// The ISAKMP header, `HDR` (RFC 2408 section 3.1): 28 octets.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-------------------------------+-------------------------------+
/// |                       CKY-I (8 octets)                        |
/// +-------------------------------+-------------------------------+
/// |                       CKY-R (8 octets)                        |
/// +---------------+-------+-------+---------------+---------------+
/// | Next Payload  | MjVer | MnVer | Exchange Type |     Flags     |
/// +---------------+-------+-------+---------------+---------------+
/// |                       Message ID (M-ID)                       |
/// +---------------------------------------------------------------+
/// |               Length (header and all payloads)                |
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// CKY-I and CKY-R.
    pub cookies: CookiePair,
    /// Type of the first payload.
    pub next_payload: PayloadType,
    /// Version, 1.0.
    pub version: Version,
    /// Exchange type.
    pub exchange_type: ExchangeType,
    /// Flags.
    pub flags: Flags,
    /// M-ID.
    pub message_id: MessageId,
    /// Length of the whole message in octets, header and padding included.
    pub length: u32,
}

impl Header {
    /// Length of the header in octets.
    pub const LEN: usize = 28;

    /// A header of version 1.0 with no flags; the encoder fills in next payload and length.
    pub fn new(cookies: CookiePair, exchange_type: ExchangeType, message_id: MessageId) -> Self {
        Self {
            cookies,
            next_payload: PayloadType::NONE,
            version: Version::V1_0,
            exchange_type,
            flags: Flags::NONE,
            message_id,
            length: 0,
        }
    }

    /// The same header with these flags.
    #[must_use]
    pub fn with_flags(self, flags: Flags) -> Self {
        Self { flags, ..self }
    }

    /// Reads the header at the start of a datagram. Any field value is accepted; [`Header::check`] judges them.
    ///
    /// # Errors
    /// [`WireError::MissingData`] if the datagram has fewer than 28 octets.
    pub fn decode(datagram: &[u8]) -> Result<Self> {
        let start = datagram.get(..Self::LEN).ok_or(WireError::MissingData("ISAKMP header"))?;
        let mut reader = Reader::new("ISAKMP header", Bytes::copy_from_slice(start));
        Ok(Self {
            cookies: CookiePair { initiator: Cookie(reader.cookie()?), responder: Cookie(reader.cookie()?) },
            next_payload: PayloadType(reader.u8()?),
            version: Version(reader.u8()?),
            exchange_type: ExchangeType(reader.u8()?),
            flags: Flags(reader.u8()?),
            message_id: MessageId(reader.u32()?),
            length: reader.u32()?,
        })
    }

    /// The checks of RFC 2408 sections 5.1 and 5.2 that need no state: the length field against the length of
    /// the datagram in octets, the first payload's type, the version and the flags, in this order.
    ///
    /// # Errors
    /// [`WireError::UnequalLengths`], [`WireError::BadNextPayload`], [`WireError::VersionMajor`],
    /// [`WireError::VersionMinor`] or [`WireError::UnknownFlags`].
    pub fn check(&self, datagram_len: usize) -> Result<()> {
        if usize::try_from(self.length) != Ok(datagram_len) && !deviates(Deviation::AcceptsWrongLength) {
            return Err(WireError::UnequalLengths { header: self.length, datagram: datagram_len });
        }
        if matches!(self.next_payload, PayloadType::PROPOSAL | PayloadType::TRANSFORM) {
            return Err(WireError::BadNextPayload {
                within: "ISAKMP header",
                got: self.next_payload,
                expected: "neither P nor T",
            });
        }
        match (self.version.major(), self.version.minor()) {
            (1, 0) => {}
            (1, _) if deviates(Deviation::AcceptsMinorVersion) => {}
            (2.., _) if deviates(Deviation::AcceptsMajorVersion) => {}
            (1, minor) => return Err(WireError::VersionMinor(minor)),
            (major, _) => return Err(WireError::VersionMajor(major)),
        }
        if self.flags.unknown_bits() != 0 {
            return Err(WireError::UnknownFlags(self.flags.0));
        }
        Ok(())
    }

    /// Appends the 28 octets of the header.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.cookies.to_bytes());
        out.extend_from_slice(&[self.next_payload.0, self.version.0, self.exchange_type.0, self.flags.0]);
        out.extend_from_slice(&self.message_id.0.to_be_bytes());
        out.extend_from_slice(&self.length.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::NotifyType;
    use super::super::test_support::hex;
    use super::*;

    const BYTES: &str = "0102030405060708 1112131415161718 08 10 20 01 deadbeef 0000005c";

    fn header() -> Header {
        Header {
            cookies: CookiePair {
                initiator: Cookie([1, 2, 3, 4, 5, 6, 7, 8]),
                responder: Cookie([0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18]),
            },
            next_payload: PayloadType::HASH,
            version: Version::V1_0,
            exchange_type: ExchangeType::QUICK_MODE,
            flags: Flags::ENCRYPTION,
            message_id: MessageId(0xdead_beef),
            length: 92,
        }
    }

    #[test]
    fn round_trips_header() {
        let mut out = Vec::new();
        header().encode(&mut out);
        assert_eq!(out, hex(BYTES));
        assert_eq!(Header::decode(&hex(BYTES)), Ok(header()));
    }

    #[test]
    fn rejects_every_shorter_prefix() {
        let bytes = hex(BYTES);
        for len in 0..bytes.len() {
            assert_eq!(Header::decode(&bytes[..len]), Err(WireError::MissingData("ISAKMP header")));
        }
    }

    #[test]
    fn keeps_unknown_numbers() {
        let header = Header {
            next_payload: PayloadType(200),
            version: Version(0x2f),
            exchange_type: ExchangeType(240),
            flags: Flags(0xf8),
            ..header()
        };
        let mut out = Vec::new();
        header.encode(&mut out);
        assert_eq!(Header::decode(&out), Ok(header));
    }

    #[test]
    fn accepts_a_good_header() {
        assert_eq!(header().check(92), Ok(()));
    }

    #[rstest]
    #[case::longer_than_the_datagram(Header { length: 93, ..header() }, NotifyType::UNEQUAL_PAYLOAD_LENGTHS)]
    #[case::shorter_than_the_datagram(Header { length: 28, ..header() }, NotifyType::UNEQUAL_PAYLOAD_LENGTHS)]
    #[case::huge(Header { length: u32::MAX, ..header() }, NotifyType::UNEQUAL_PAYLOAD_LENGTHS)]
    #[case::next_payload(
        Header { next_payload: PayloadType::TRANSFORM, ..header() },
        NotifyType::INVALID_PAYLOAD_TYPE
    )]
    #[case::major_version(Header { version: Version(0x20), ..header() }, NotifyType::INVALID_MAJOR_VERSION)]
    #[case::old_major_version(Header { version: Version(0x01), ..header() }, NotifyType::INVALID_MAJOR_VERSION)]
    #[case::minor_version(Header { version: Version(0x11), ..header() }, NotifyType::INVALID_MINOR_VERSION)]
    #[case::flags(Header { flags: Flags(0x09), ..header() }, NotifyType::INVALID_FLAGS)]
    fn names_the_notify_type_for_a_bad_header(#[case] header: Header, #[case] notify_type: NotifyType) {
        assert_eq!(header.check(92).unwrap_err().notify_type(), Some(notify_type));
    }

    #[test]
    fn prints_the_parts_as_people_write_them() {
        let header = header();
        assert_eq!(header.cookies.to_string(), "0102030405060708:1112131415161718");
        assert_eq!(header.message_id.to_string(), "deadbeef");
        assert_eq!(MessageId::PHASE_1.to_string(), "00000000");
        assert_eq!(header.version.to_string(), "1.0");
        assert_eq!((Flags::ENCRYPTION | Flags::COMMIT | Flags(0x80)).to_string(), "E|C|0x80");
        assert_eq!(Flags::NONE.to_string(), "none");
    }

    #[test]
    fn reads_cookies_from_sixteen_octets_only() {
        let cookies = header().cookies;
        assert_eq!(CookiePair::from_bytes(&cookies.to_bytes()), Some(cookies));
        assert_eq!(CookiePair::from_bytes(&cookies.to_bytes()[..15]), None);
        assert_eq!(CookiePair::from_bytes(&[0; 17]), None);
    }

    #[test]
    fn reads_an_spi_as_a_number_only_if_it_has_four_octets() {
        assert_eq!(Spi::from_u32(0xc0ff_ee01).to_string(), "c0ffee01");
        assert_eq!(Spi::from_u32(7).as_u32(), Some(7));
        assert_eq!(Spi(hex("0007")).as_u32(), None);
    }
}
