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
