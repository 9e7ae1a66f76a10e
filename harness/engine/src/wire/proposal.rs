//! The Proposal payload, `P` (RFC 2408 section 3.5).

use bytes::Bytes;

use super::codec::{Reader, put_generic, saturate_u8};
use super::{PayloadType, ProtocolId, Result, Transform, WireError, WireLimits};

/// One proposal: a protocol, the sender's SPI for it, and the transforms to choose from.
/// Proposals with equal numbers stand for a logical AND and are kept as separate entries.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// | NP (2 or 0)   |   RESERVED    |        Payload Length         |
/// +---------------+---------------+---------------+---------------+
/// |  Proposal #   |  Protocol-Id  |    SPI Size   |# of Transforms|
/// +---------------+---------------+---------------+---------------+
/// |                        SPI (variable)                         |
/// +---------------------------------------------------------------+
/// ~                     Transform payloads                        ~
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Proposal {
    /// Proposal number.
    pub number: u8,
    /// Protocol proposed.
    pub protocol: ProtocolId,
    /// The sender's SPI, at most 255 octets; for ISAKMP usually empty, and ignored if not.
    pub spi: Bytes,
    /// Transforms in order of preference.
    pub transforms: Vec<Transform>,
}

impl Proposal {
    pub(super) fn decode(body: Bytes, limits: &WireLimits) -> Result<Self> {
        let mut reader = Reader::new("proposal", body);
        let number = reader.u8()?;
        let protocol = ProtocolId(reader.u8()?);
        let spi_size = usize::from(reader.u8()?);
        let announced = usize::from(reader.u8()?);
        let available = reader.len();
        if spi_size > available {
            return Err(WireError::BadLength {
                what: "SPI size of a proposal",
                got: spi_size,
                expected: 0..=available,
            });
        }
        let spi = reader.take(spi_size)?;
        let transforms = Self::read_transforms(&mut reader, limits)?;
        if transforms.len() != announced {
            return Err(WireError::TransformCount {
                proposal: number,
                got: transforms.len(),
                expected: announced,
            });
        }
        Ok(Self { number, protocol, spi, transforms })
    }

    fn read_transforms(reader: &mut Reader, limits: &WireLimits) -> Result<Vec<Transform>> {
        let mut transforms = Vec::new();
        let mut more = reader.any_left();
        while more {
            if transforms.len() >= limits.transforms_max {
                return Err(WireError::TooMany { what: "transforms", limit: limits.transforms_max });
            }
            let payload = reader.generic_payload("transform length")?;
            transforms.push(Transform::decode(payload.body, limits)?);
            more = match PayloadType(payload.next_payload) {
                PayloadType::TRANSFORM => true,
                PayloadType::NONE => false,
                got => {
                    return Err(WireError::BadNextPayload { within: "proposal", got, expected: "T or NONE" });
                }
            };
        }
        reader.finish()?;
        Ok(transforms)
    }

    pub(super) fn encode_body(&self) -> Vec<u8> {
        let mut out = vec![
            self.number,
            self.protocol.0,
            saturate_u8(self.spi.len()),
            saturate_u8(self.transforms.len()),
        ];
        out.extend_from_slice(&self.spi);
        let mut left = self.transforms.iter();
        while let Some(transform) = left.next() {
            let next = if left.len() == 0 { PayloadType::NONE } else { PayloadType::TRANSFORM };
            put_generic(&mut out, next.0, &transform.encode_body());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::TransformId;
    use super::super::test_support::hex;
    use super::*;

    const BYTES: &str = "01 03 04 02 c0ffee01  03000008 01 0c 0000  00000008 02 03 0000";

    fn decode(body: Bytes) -> Result<Proposal> {
        Proposal::decode(body, &WireLimits::default())
    }

    #[test]
    fn round_trips_proposal() {
        let transform = |number, id| Transform { number, id: TransformId(id), attributes: Vec::new() };
        let proposal = Proposal {
            number: 1,
            protocol: ProtocolId::IPSEC_ESP,
            spi: hex("c0ffee01"),
            transforms: vec![transform(1, 12), transform(2, 3)],
        };
        assert_eq!(proposal.encode_body(), hex(BYTES));
        assert_eq!(decode(hex(BYTES)), Ok(proposal));
    }

    #[test]
    fn rejects_every_shorter_prefix() {
        let bytes = hex(BYTES);
        for len in 0..bytes.len() {
            assert!(decode(bytes.slice(..len)).is_err(), "accepted {len} bytes");
        }
    }

    #[rstest]
    #[case::spi_past_the_end(
        "01 03 05 00 c0ffee01",
        WireError::BadLength { what: "SPI size of a proposal", got: 5, expected: 0..=4 }
    )]
    #[case::transform_shorter_than_its_header(
        "01 03 00 01 00000003 01 0c 0000",
        WireError::BadLength { what: "transform length", got: 3, expected: 4..=8 }
    )]
    #[case::transform_past_the_end(
        "01 03 00 01 00000009 01 0c 0000",
        WireError::BadLength { what: "transform length", got: 9, expected: 4..=8 }
    )]
    #[case::fewer_transforms_than_announced(
        "01 03 00 02 00000008 01 0c 0000",
        WireError::TransformCount { proposal: 1, got: 1, expected: 2 }
    )]
    #[case::more_transforms_than_announced(
        "07 03 00 01 03000008 01 0c 0000 00000008 02 0c 0000",
        WireError::TransformCount { proposal: 7, got: 2, expected: 1 }
    )]
    #[case::next_payload_is_a_proposal(
        "01 03 00 02 02000008 01 0c 0000 00000008 02 0c 0000",
        WireError::BadNextPayload { within: "proposal", got: PayloadType::PROPOSAL, expected: "T or NONE" }
    )]
    #[case::chain_ends_early(
        "01 03 00 02 00000008 01 0c 0000 00000008 02 0c 0000",
        WireError::TrailingData { what: "proposal", len: 8 }
    )]
    fn rejects_a_bad_layout(#[case] bytes: &str, #[case] error: WireError) {
        assert_eq!(decode(hex(bytes)), Err(error));
    }

    #[test]
    fn keeps_an_unknown_protocol() {
        let bytes = hex("01 f0 00 00");
        let proposal = decode(bytes.clone()).unwrap();
        assert_eq!(proposal.protocol, ProtocolId(0xf0));
        assert_eq!(proposal.encode_body(), bytes);
    }

    #[test]
    fn rejects_more_transforms_than_the_limit() {
        let limits = WireLimits { transforms_max: 1, ..WireLimits::default() };
        let error = WireError::TooMany { what: "transforms", limit: 1 };
        assert_eq!(Proposal::decode(hex(BYTES), &limits), Err(error));
    }
}
