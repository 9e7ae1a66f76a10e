//! The Delete payload, `D` (RFC 2408 section 3.15).

use bytes::Bytes;

use super::codec::{Reader, saturate_u8, saturate_u16};
use super::{CookiePair, Doi, ProtocolId, Result, WireError, WireLimits};

/// The Delete payload: SAs of one protocol that the sender has removed.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// | Next Payload  |   RESERVED    |        Payload Length         |
/// +---------------+---------------+-------------------------------+
/// |                              DOI                              |
/// +---------------+---------------+-------------------------------+
/// |  Protocol-Id  |   SPI Size    |           # of SPIs           |
/// +---------------+---------------+-------------------------------+
/// ~               Security Parameter Index(es) (SPI)              ~
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Delete {
    /// Domain of interpretation.
    pub doi: Doi,
    /// Protocol of the SAs.
    pub protocol: ProtocolId,
    /// Octets of each SPI: 16 for ISAKMP, 4 for AH and ESP.
    pub spi_size: u8,
    /// SPIs, each of `spi_size` octets.
    pub spis: Vec<Bytes>,
}

impl Delete {
    /// Deletes SAs of the IPsec DOI; the SPIs have to be of one length.
    pub fn new(protocol: ProtocolId, spis: Vec<Bytes>) -> Self {
        let spi_size = saturate_u8(spis.first().map_or(0, Bytes::len));
        Self { doi: Doi::IPSEC, protocol, spi_size, spis }
    }

    /// Deletes the ISAKMP SA of these cookies.
    pub fn isakmp_sa(cookies: CookiePair) -> Self {
        Self::new(ProtocolId::ISAKMP, vec![Bytes::copy_from_slice(&cookies.to_bytes())])
    }

    pub(super) fn decode(body: Bytes, limits: &WireLimits) -> Result<Self> {
        let mut reader = Reader::new("Delete payload", body);
        let doi = Doi(reader.u32()?);
        let protocol = ProtocolId(reader.u8()?);
        let spi_size = reader.u8()?;
        let count = reader.u16()?;
        if usize::from(count) > limits.spis_max {
            return Err(WireError::TooMany { what: "SPIs", limit: limits.spis_max });
        }
        let expected = usize::from(count).saturating_mul(spi_size.into());
        if reader.len() != expected {
            return Err(WireError::BadLength {
                what: "length of the SPIs of a Delete payload",
                got: reader.len(),
                expected: expected..=expected,
            });
        }
        let spis = (0..count).map(|_| reader.take(spi_size.into())).collect::<Result<_>>()?;
        Ok(Self { doi, protocol, spi_size, spis })
    }

    pub(super) fn encode_body(&self) -> Vec<u8> {
        let mut out = self.doi.0.to_be_bytes().to_vec();
        out.extend_from_slice(&[self.protocol.0, self.spi_size]);
        out.extend_from_slice(&saturate_u16(self.spis.len()).to_be_bytes());
        for spi in &self.spis {
            out.extend_from_slice(spi);
        }
        out
    }
}
