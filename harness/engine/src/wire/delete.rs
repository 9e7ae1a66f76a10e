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

#[cfg(test)]
mod tests {
    use super::super::test_support::*;
    use super::super::{Cookie, Payload, PayloadType};
    use super::*;

    fn two_spis() -> Delete {
        Delete::new(ProtocolId::IPSEC_ESP, vec![hex("00000101"), hex("00000102")])
    }

    #[test]
    fn round_trips_delete() {
        assert_fixed_bytes(two_spis(), "00000001 03 04 0002 00000101 00000102");
    }

    #[test]
    fn names_an_isakmp_sa_by_its_cookies() {
        let cookies = CookiePair { initiator: Cookie([1; 8]), responder: Cookie([2; 8]) };
        assert_fixed_bytes(
            Delete::isakmp_sa(cookies),
            "00000001 01 10 0001 0101010101010101 0202020202020202",
        );
    }

    #[test]
    fn rejects_every_shorter_prefix() {
        assert_shorter_chains_fail(two_spis());
        assert_shorter_bodies_fail(two_spis(), 16);
    }

    #[test]
    fn rejects_bad_payload_lengths() {
        assert_bad_payload_lengths_fail(two_spis());
    }

    #[test]
    fn rejects_spis_that_do_not_fill_the_payload() {
        let what = "length of the SPIs of a Delete payload";
        let error = WireError::BadLength { what, got: 8, expected: 4..=4 };
        assert_eq!(
            decode_body(PayloadType::DELETE, &hex("00000001 03 04 0001 00000101 00000102")),
            Err(error)
        );
    }

    #[test]
    fn rejects_a_count_that_would_cost_memory() {
        // With SPIs of no octets, 8 octets could otherwise announce 65,535 SPIs.
        let error = WireError::TooMany { what: "SPIs", limit: 256 };
        assert_eq!(decode_body(PayloadType::DELETE, &hex("00000001 03 00 ffff")), Err(error));
        let limits = WireLimits { spis_max: 2, ..WireLimits::default() };
        let body = Bytes::from(two_spis().encode_body());
        assert_eq!(Payload::decode(PayloadType::DELETE, body, &limits), Ok(two_spis().into()));
    }

    #[test]
    fn keeps_an_unknown_protocol() {
        assert_fixed_bytes(
            Delete { protocol: ProtocolId(77), ..two_spis() },
            "00000001 4d 04 0002 00000101 00000102",
        );
    }
}
