use subtle::ConstantTimeEq;

use crate::config::IntegrityAlgorithm;
use crate::crypto::{CryptoProvider, Secret};

use super::error::EspError;
use super::icv::{high_half, low_half, truncated_mac};
use super::keys::{check_key, split_keymat};
use super::{Opened, ReplayWindow};

/// Next header, payload length, reserved, SPI and sequence number.
const FIXED_LEN: usize = 12;
/// An IPv4 header without options.
const IPV4_HEADER_LEN: usize = 20;

/// One unidirectional AH SA: an SPI, an integrity algorithm and its key.
///
/// `ICV = MAC(key, outer header with mutable fields zero | AH with ICV zero | payload)`, truncated
/// (RFC 2402 section 3.3.3). With extended sequence numbers the high half of the number follows the payload (RFC 4302
/// section 3.3.3.2.2).
///
/// The outer header is the caller's: [`mutable_fields_zeroed`] makes it from an IPv4 header that was sent
/// or received. Where there is none, as between two engines in one process, both sides give the same
/// header that they agree on, or an empty one: then the ICV protects the AH fields and the payload alone,
/// in tunnel mode the whole inner packet. Such a packet is one that a foreign stack accepts only when
/// its real header has the fields that were assumed, identification included.
///
/// For IPv4 alone: the ICV is padded to no more than 4 bytes, which no algorithm here needs.
#[derive(Debug, Clone)]
pub struct AhSa {
    /// SPI, which the receiver of the SA chose.
    pub spi: u32,
    /// Integrity algorithm.
    pub integrity: IntegrityAlgorithm,
    /// Its key.
    pub integrity_key: Secret,
    /// Sequence numbers have 64 bits (RFC 4304).
    pub extended: bool,
}

/// What a packet states before its ICV.
struct Header {
    next_header: u8,
    length: u8,
    spi: u32,
    seq: u32,
}

impl AhSa {
    /// The SA with its key cut from KEYMAT, with sequence numbers of 32 bits.
    ///
    /// # Errors
    /// [`EspError::KeyLength`] when KEYMAT is too short.
    pub fn from_keymat(spi: u32, integrity: IntegrityAlgorithm, keymat: &Secret) -> Result<Self, EspError> {
        let (_, integrity_key) = split_keymat(keymat, None, Some(integrity))?;
        Ok(Self { spi, integrity, integrity_key, extended: false })
    }

    /// The SPI that a packet states, by which its receiver finds the SA.
    ///
    /// # Errors
    /// [`EspError::TooShort`] when the packet ends before its sequence number does.
    pub fn spi_of(packet: &[u8]) -> Result<u32, EspError> {
        Ok(read_header(packet)?.spi)
    }

    /// `next header | payload length | 0 | SPI | seq | ICV | payload`, a packet to send.
    ///
    /// `seq` comes from a [`SequenceCounter`](super::SequenceCounter), `outer_header` has its mutable fields
    /// zero, or is empty.
    ///
    /// # Errors
    /// [`EspError::KeyLength`] and [`EspError::Crypto`] for an SA that is not right; [`EspError::SequenceExhausted`] for a
    /// number of more than 32 bits without extended ones.
    pub fn seal(
        &self,
        provider: &dyn CryptoProvider,
        outer_header: &[u8],
        seq: u64,
        next_header: u8,
        payload: &[u8],
    ) -> Result<Vec<u8>, EspError> {
        self.check()?;
        let mut fixed = [next_header, self.length(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        fixed[4..8].copy_from_slice(&self.spi.to_be_bytes());
        fixed[8..].copy_from_slice(&low_half(self.extended, seq)?);
        let icv = self.icv(provider, [outer_header, &fixed, payload], seq)?;
        Ok([fixed.as_slice(), &icv, payload].concat())
    }

    /// Verifies the ICV of a received packet and gives what it protects.
    ///
    /// The sequence number is not judged here; [`AhSa::open_fresh`] does that too, and finds the high half of an extended
    /// one, which is taken for 0 here.
    ///
    /// # Errors
    /// [`EspError::TooShort`], [`EspError::UnknownSpi`], [`EspError::AhLength`] and [`EspError::Integrity`] for a
    /// packet that is not right; [`EspError::KeyLength`] for an SA that is not.
    pub fn open(
        &self,
        provider: &dyn CryptoProvider,
        outer_header: &[u8],
        packet: &[u8],
    ) -> Result<Opened, EspError> {
        let header = read_header(packet)?;
        self.open_numbered(provider, outer_header, packet, header.seq.into())
    }

    /// [`AhSa::open`] of a packet whose whole sequence number is known.
    fn open_numbered(
        &self,
        provider: &dyn CryptoProvider,
        outer_header: &[u8],
        packet: &[u8],
        seq: u64,
    ) -> Result<Opened, EspError> {
        self.check()?;
        let header = read_header(packet)?;
        if header.spi != self.spi {
            return Err(EspError::UnknownSpi { got: header.spi });
        }
        if header.length != self.length() {
            return Err(EspError::AhLength { got: header.length, expected: self.length() });
        }
        let too_short =
            EspError::TooShort { got: packet.len(), expected: FIXED_LEN + self.integrity.icv_len() };
        let Some((fixed, rest)) = packet.split_at_checked(FIXED_LEN) else { return Err(too_short) };
        let Some((icv, payload)) = rest.split_at_checked(self.integrity.icv_len()) else {
            return Err(too_short);
        };
        if !bool::from(self.icv(provider, [outer_header, fixed, payload], seq)?.ct_eq(icv)) {
            return Err(EspError::Integrity);
        }
        Ok(Opened { seq, next_header: header.next_header, payload: payload.to_vec() })
    }

    /// [`AhSa::open`] with the replay window: checked before the ICV, moved after it (RFC 2402 section 3.4.3).
    ///
    /// # Errors
    /// [`EspError::Replay`], and as for [`AhSa::open`]; the window is unchanged then.
    pub fn open_fresh(
        &self,
        provider: &dyn CryptoProvider,
        window: &mut ReplayWindow,
        outer_header: &[u8],
        packet: &[u8],
    ) -> Result<Opened, EspError> {
        let header = read_header(packet)?;
        let seq = if self.extended { window.extend(header.seq) } else { header.seq.into() };
        if header.spi == self.spi {
            window.check(seq)?;
        }
        let opened = self.open_numbered(provider, outer_header, packet, seq)?;
        window.update(opened.seq)?;
        Ok(opened)
    }

    fn check(&self) -> Result<(), EspError> {
        check_key("integrity key", &self.integrity_key, self.integrity.key_len())
    }

    /// The payload length field: the length of AH in 32-bit words, less 2 (RFC 2402 section 2.2).
    fn length(&self) -> u8 {
        // 1 word of the fixed part and at most 8 of the ICV: the conversion cannot fail.
        u8::try_from((FIXED_LEN + self.integrity.icv_len()) / 4 - 2).unwrap_or(u8::MAX)
    }

    fn icv(
        &self,
        provider: &dyn CryptoProvider,
        [outer_header, fixed, payload]: [&[u8]; 3],
        seq: u64,
    ) -> Result<Vec<u8>, EspError> {
        let zero = vec![0; self.integrity.icv_len()];
        let parts = [outer_header, fixed, &zero, payload, &high_half(self.extended, seq)];
        truncated_mac(provider, self.integrity, &self.integrity_key, &parts)
    }
}

fn read_header(packet: &[u8]) -> Result<Header, EspError> {
    let Some(&[next_header, length, _, _, s0, s1, s2, s3, q0, q1, q2, q3]) =
        packet.first_chunk::<FIXED_LEN>()
    else {
        return Err(EspError::TooShort { got: packet.len(), expected: FIXED_LEN });
    };
    Ok(Header {
        next_header,
        length,
        spi: u32::from_be_bytes([s0, s1, s2, s3]),
        seq: u32::from_be_bytes([q0, q1, q2, q3]),
    })
}

/// An IPv4 header as the ICV covers it: type of service, flags, fragment offset, TTL and header
/// checksum zero (RFC 2402 section 3.3.3.1.1).
///
/// Give it the header that is sent before AH, with protocol 51 and the total length of the packet.
///
/// # Errors
/// [`EspError::OuterHeader`] unless it is an IPv4 header of 20 bytes, without options.
pub fn mutable_fields_zeroed(ipv4_header: &[u8]) -> Result<[u8; IPV4_HEADER_LEN], EspError> {
    let mut header: [u8; IPV4_HEADER_LEN] = ipv4_header.try_into().map_err(|_| EspError::OuterHeader)?;
    if header[0] != 0x45 {
        return Err(EspError::OuterHeader);
    }
    for at in [1, 6, 7, 8, 10, 11] {
        header[at] = 0;
    }
    Ok(header)
}
