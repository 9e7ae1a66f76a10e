use subtle::ConstantTimeEq;

use crate::config::IntegrityAlgorithm;
use crate::crypto::{CipherAlgorithm, CryptoProvider, RandomSource, Secret};

use super::error::EspError;
use super::icv::{high_half, low_half, truncated_mac};
use super::keys::{check_key, check_strength, split_keymat};
use super::{Opened, ReplayWindow};

/// SPI and sequence number.
const HEADER_LEN: usize = 8;
/// Pad length and next header.
const TRAILER_LEN: usize = 2;
/// Alignment of the encrypted part without a cipher (RFC 4303 section 2.4).
const WORD: usize = 4;

/// One unidirectional ESP SA: an SPI, algorithms and keys.
///
/// `Debug` shows no key.
///
/// ```
/// use ikev1::config::IntegrityAlgorithm;
/// use ikev1::crypto::{CipherAlgorithm, RandomSource, Secret, reference};
/// use ikev1::esp::{EspSa, ReplayWindow, SequenceCounter};
///
/// struct Fixed;
/// impl RandomSource for Fixed {
///     fn fill(&mut self, dest: &mut [u8]) {
///         dest.fill(7);
///     }
/// }
///
/// let keymat = Secret::from(vec![1; 16 + 20]);
/// let (cipher, integrity) = (CipherAlgorithm::AesCbc128, IntegrityAlgorithm::HmacSha1);
/// let sa = EspSa::from_keymat(0x1234, Some(cipher), Some(integrity), &keymat)?;
///
/// let seq = SequenceCounter::default().next_seq()?;
/// let packet = sa.seal(reference(), &mut Fixed, seq, 1, b"an ICMP message")?;
/// let mut window = ReplayWindow::default();
/// assert_eq!(sa.open_fresh(reference(), &mut window, &packet)?.payload, b"an ICMP message");
/// assert!(sa.open_fresh(reference(), &mut window, &packet).is_err());
/// # Ok::<(), ikev1::esp::EspError>(())
/// ```
#[derive(Debug, Clone)]
pub struct EspSa {
    /// SPI, which the receiver of the SA chose.
    pub spi: u32,
    /// Cipher; `None` is ESP_NULL (RFC 2410).
    pub cipher: Option<CipherAlgorithm>,
    /// Key of the cipher; empty without one.
    pub encryption_key: Secret,
    /// Integrity algorithm; `None` is encryption alone.
    pub integrity: Option<IntegrityAlgorithm>,
    /// Key of the integrity algorithm; empty without one.
    pub integrity_key: Secret,
    /// Sequence numbers have 64 bits (RFC 4304). It takes an integrity algorithm, as the high half is nowhere but in the ICV.
    pub extended: bool,
}

impl EspSa {
    /// The SA with its keys cut from KEYMAT, see [`split_keymat`], with sequence numbers of 32 bits.
    ///
    /// # Errors
    /// [`EspError::KeyLength`] when KEYMAT is too short; [`EspError::NoService`] with no algorithm at all;
    /// [`EspError::WeakKey`] when KEYMAT has a weak key of DES, or one that makes 3DES no more than DES.
    pub fn from_keymat(
        spi: u32,
        cipher: Option<CipherAlgorithm>,
        integrity: Option<IntegrityAlgorithm>,
        keymat: &Secret,
    ) -> Result<Self, EspError> {
        let (encryption_key, integrity_key) = split_keymat(keymat, cipher, integrity)?;
        let sa = Self { spi, cipher, encryption_key, integrity, integrity_key, extended: false };
        sa.check()?;
        if let Some(cipher) = cipher {
            check_strength(cipher, &sa.encryption_key)?;
        }
        Ok(sa)
    }

    /// The SPI that a packet states, by which its receiver finds the SA.
    ///
    /// # Errors
    /// [`EspError::TooShort`] when the packet ends before its sequence number does.
    pub fn spi_of(packet: &[u8]) -> Result<u32, EspError> {
        Ok(read_header(packet)?.spi)
    }

    /// `SPI | seq | IV | CBC(payload | 1, 2, 3 ... | pad length | next header) | ICV`, a packet to send.
    ///
    /// `seq` comes from a [`SequenceCounter`](super::SequenceCounter). The padding fills the last cipher block,
    /// or 4 bytes without a cipher, and is no longer than that takes. The IV is drawn from `rng` and
    /// independent of every other one (RFC 3602 section 3, RFC 2451 section 3).
    ///
    /// # Errors
    /// [`EspError::NoService`], [`EspError::ExtendedAlone`], [`EspError::KeyLength`] and [`EspError::Crypto`] for an SA that is
    /// not right; [`EspError::SequenceExhausted`] for a number of more than 32 bits without extended ones.
    pub fn seal(
        &self,
        provider: &dyn CryptoProvider,
        rng: &mut dyn RandomSource,
        seq: u64,
        next_header: u8,
        payload: &[u8],
    ) -> Result<Vec<u8>, EspError> {
        self.check()?;
        let low = low_half(self.extended, seq)?;
        let mut body = payload.to_vec();
        push_trailer(&mut body, self.alignment(), next_header);
        let mut iv = vec![0; self.iv_len()];
        rng.fill(&mut iv);
        if let Some(cipher) = self.cipher {
            provider.cbc_encrypt(cipher, self.encryption_key.as_bytes(), &iv, &mut body)?;
        }

        let mut packet = Vec::with_capacity(HEADER_LEN + iv.len() + body.len() + self.icv_len());
        packet.extend_from_slice(&self.spi.to_be_bytes());
        packet.extend_from_slice(&low);
        packet.extend_from_slice(&iv);
        packet.extend_from_slice(&body);
        let icv = self.icv(provider, &packet, seq)?;
        packet.extend_from_slice(&icv);
        Ok(packet)
    }

    /// Verifies the ICV of a received packet, decrypts it and takes the padding off, in this order.
    ///
    /// The sequence number is not judged here; [`EspSa::open_fresh`] does that too, and finds the high half of an extended
    /// one, which is taken for 0 here. A dummy packet is returned as any other: the caller drops next header 59 (RFC 4303
    /// section 2.6).
    ///
    /// # Errors
    /// [`EspError::TooShort`], [`EspError::UnknownSpi`], [`EspError::Integrity`], [`EspError::NotAligned`] and
    /// [`EspError::Padding`] for a packet that is not right; as for [`EspSa::seal`] for an SA that is not.
    pub fn open(&self, provider: &dyn CryptoProvider, packet: &[u8]) -> Result<Opened, EspError> {
        let header = read_header(packet)?;
        self.open_numbered(provider, packet, header.seq.into())
    }

    /// [`EspSa::open`] of a packet whose whole sequence number is known.
    fn open_numbered(
        &self,
        provider: &dyn CryptoProvider,
        packet: &[u8],
        seq: u64,
    ) -> Result<Opened, EspError> {
        self.check()?;
        let header = read_header(packet)?;
        if header.spi != self.spi {
            return Err(EspError::UnknownSpi { got: header.spi });
        }
        let expected = HEADER_LEN + self.iv_len() + self.alignment() + self.icv_len();
        let too_short = EspError::TooShort { got: packet.len(), expected };
        if packet.len() < expected {
            return Err(too_short);
        }
        let Some((covered, icv)) = packet.split_at_checked(packet.len() - self.icv_len()) else {
            return Err(too_short);
        };
        if !bool::from(self.icv(provider, covered, seq)?.ct_eq(icv)) {
            return Err(EspError::Integrity);
        }

        let Some((iv, encrypted)) = covered.get(HEADER_LEN..).and_then(|r| r.split_at_checked(self.iv_len()))
        else {
            return Err(too_short);
        };
        if !encrypted.len().is_multiple_of(self.alignment()) {
            return Err(EspError::NotAligned { got: encrypted.len(), block: self.alignment() });
        }
        let mut body = encrypted.to_vec();
        if let Some(cipher) = self.cipher {
            provider.cbc_decrypt(cipher, self.encryption_key.as_bytes(), iv, &mut body)?;
        }
        let next_header = strip_trailer(&mut body)?;
        Ok(Opened { seq, next_header, payload: body })
    }

    /// [`EspSa::open`] with the replay window: checked before the ICV, moved after it (RFC 4303 section 3.4.3).
    ///
    /// Without an integrity algorithm the window is not used, as any sequence number could be forged.
    ///
    /// # Errors
    /// [`EspError::Replay`], and as for [`EspSa::open`]; the window is unchanged then.
    pub fn open_fresh(
        &self,
        provider: &dyn CryptoProvider,
        window: &mut ReplayWindow,
        packet: &[u8],
    ) -> Result<Opened, EspError> {
        if self.integrity.is_none() {
            return self.open(provider, packet);
        }
        let header = read_header(packet)?;
        let seq = if self.extended { window.extend(header.seq) } else { header.seq.into() };
        if header.spi == self.spi {
            window.check(seq)?;
        }
        let opened = self.open_numbered(provider, packet, seq)?;
        window.update(opened.seq)?;
        Ok(opened)
    }

    fn check(&self) -> Result<(), EspError> {
        if self.cipher.is_none() && self.integrity.is_none() {
            return Err(EspError::NoService);
        }
        if self.extended && self.integrity.is_none() {
            return Err(EspError::ExtendedAlone);
        }
        let expected = self.cipher.map_or(0, CipherAlgorithm::key_len);
        check_key("encryption key", &self.encryption_key, expected)?;
        let expected = self.integrity.map_or(0, IntegrityAlgorithm::key_len);
        check_key("integrity key", &self.integrity_key, expected)
    }

    fn iv_len(&self) -> usize {
        self.cipher.map_or(0, CipherAlgorithm::block_len)
    }

    fn icv_len(&self) -> usize {
        self.integrity.map_or(0, IntegrityAlgorithm::icv_len)
    }

    fn alignment(&self) -> usize {
        self.cipher.map_or(WORD, CipherAlgorithm::block_len)
    }

    /// The truncated MAC over everything before it, and the high half of an extended sequence number; empty without an
    /// integrity algorithm.
    fn icv(&self, provider: &dyn CryptoProvider, covered: &[u8], seq: u64) -> Result<Vec<u8>, EspError> {
        let Some(integrity) = self.integrity else { return Ok(Vec::new()) };
        truncated_mac(provider, integrity, &self.integrity_key, &[covered, &high_half(self.extended, seq)])
    }
}

struct Header {
    spi: u32,
    seq: u32,
}

fn read_header(packet: &[u8]) -> Result<Header, EspError> {
    let too_short = EspError::TooShort { got: packet.len(), expected: HEADER_LEN };
    let Some((spi, rest)) = packet.split_first_chunk() else { return Err(too_short) };
    let Some((seq, _)) = rest.split_first_chunk() else { return Err(too_short) };
    Ok(Header { spi: u32::from_be_bytes(*spi), seq: u32::from_be_bytes(*seq) })
}

/// Appends the bytes 1, 2, 3 ..., pad length and next header, up to a multiple of `alignment`.
fn push_trailer(body: &mut Vec<u8>, alignment: usize, next_header: u8) {
    let end = (body.len() + TRAILER_LEN).next_multiple_of(alignment);
    let mut pad_length = 0_u8;
    while body.len() + TRAILER_LEN < end {
        // Fewer than `alignment` bytes, at most 15.
        pad_length += 1;
        body.push(pad_length);
    }
    body.extend_from_slice(&[pad_length, next_header]);
}

/// Takes the trailer off and gives the next header.
fn strip_trailer(body: &mut Vec<u8>) -> Result<u8, EspError> {
    let Some((&[pad_length, next_header], rest)) =
        body.split_last_chunk::<TRAILER_LEN>().map(|(r, t)| (t, r))
    else {
        return Err(EspError::TooShort { got: body.len(), expected: TRAILER_LEN });
    };
    let Some(payload_len) = rest.len().checked_sub(pad_length.into()) else {
        return Err(EspError::Padding { pad_length });
    };
    if !rest.iter().skip(payload_len).copied().eq(1..=pad_length) {
        return Err(EspError::Padding { pad_length });
    }
    body.truncate(payload_len);
    Ok(next_header)
}
