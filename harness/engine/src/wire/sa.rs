//! The Security Association payload, `SA` (RFC 2408 section 3.4, RFC 2407 section 4.6.1).

use bytes::Bytes;

use super::codec::{Reader, put_generic};
use super::{Doi, PayloadType, Proposal, Result, Situation, WireError, WireLimits};

/// The SA payload: DOI, situation and the proposals nested in it.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// | Next Payload  |   RESERVED    |        Payload Length         |
/// +---------------+---------------+-------------------------------+
/// |                              DOI                              |
/// +---------------------------------------------------------------+
/// |                       Situation (bitmap)                      |
/// +---------------------------------------------------------------+
/// ~   Labelled domain, secrecy and integrity, if the bits say so  ~
/// +---------------------------------------------------------------+
/// ~                      Proposal payloads                        ~
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SaPayload {
    /// Domain of interpretation.
    pub doi: Doi,
    /// Situation bitmap; see [`Situation`] for the bits.
    pub situation: u32,
    /// Labelled domain identifier with the secrecy and integrity fields, as on the wire; empty unless
    /// `SIT_SECRECY` or `SIT_INTEGRITY` is set.
    pub labels: Bytes,
    /// Proposals in order of preference.
    pub proposals: Vec<Proposal>,
}

impl SaPayload {
    /// An SA payload of the IPsec DOI with situation `SIT_IDENTITY_ONLY`.
    pub fn ipsec_doi(proposals: Vec<Proposal>) -> Self {
        Self { doi: Doi::IPSEC, situation: Situation::IDENTITY_ONLY.0, labels: Bytes::new(), proposals }
    }

    pub(super) fn decode(body: Bytes, limits: &WireLimits) -> Result<Self> {
        let mut reader = Reader::new("SA payload", body);
        let doi = Doi(reader.u32()?);
        let payload = Self::decode_from_situation(doi, &mut reader, limits);
        // The layout of another DOI is unknown: if the IPsec DOI's does not fit, the DOI is the reason to give.
        match (doi, payload) {
            (Doi::ISAKMP | Doi::IPSEC, payload) => payload,
            (_, Ok(payload)) => Ok(payload),
            (_, Err(_)) => Err(WireError::UnknownDoi(doi)),
        }
    }

    fn decode_from_situation(doi: Doi, reader: &mut Reader, limits: &WireLimits) -> Result<Self> {
        let situation = reader.u32()?;
        let labels = read_labels(Situation(situation), reader)?;
        let mut proposals = Vec::new();
        let mut more = reader.any_left();
        while more {
            if proposals.len() >= limits.proposals_max {
                return Err(WireError::TooMany { what: "proposals", limit: limits.proposals_max });
            }
            let payload = reader.generic_payload("proposal length")?;
            proposals.push(Proposal::decode(payload.body, limits)?);
            more = match PayloadType(payload.next_payload) {
                PayloadType::PROPOSAL => true,
                PayloadType::NONE => false,
                got => {
                    return Err(WireError::BadNextPayload {
                        within: "SA payload",
                        got,
                        expected: "P or NONE",
                    });
                }
            };
        }
        reader.finish()?;
        Ok(Self { doi, situation, labels, proposals })
    }

    pub(super) fn encode_body(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&self.doi.0.to_be_bytes());
        out.extend_from_slice(&self.situation.to_be_bytes());
        out.extend_from_slice(&self.labels);
        let mut left = self.proposals.iter();
        while let Some(proposal) = left.next() {
            let next = if left.len() == 0 { PayloadType::NONE } else { PayloadType::PROPOSAL };
            put_generic(&mut out, next.0, &proposal.encode_body());
        }
        out
    }
}

impl SaPayload {
    /// Offset and value of the RESERVED and RESERVED2 fields of the nested proposals and transforms in `body`,
    /// the octets this payload was decoded from, which start at `body_offset` of the message.
    pub(super) fn reserved_fields(&self, body: &Bytes, body_offset: usize) -> Vec<(usize, u16)> {
        let mut fields = Vec::new();
        let mut at = body_offset.saturating_add(8).saturating_add(self.labels.len());
        let start = body.len().min(at.saturating_sub(body_offset));
        let mut proposals = Reader::new("SA payload", body.slice(start..));
        while let Ok(proposal) = proposals.generic_payload("proposal length") {
            fields.push((at.saturating_add(1), u16::from(proposal.reserved)));
            let spi_size = proposal.body.get(2).copied().map_or(0, usize::from);
            let header = spi_size.saturating_add(4);
            let mut inner = Reader::new("proposal", proposal.body.clone());
            let mut inner_at = at.saturating_add(4).saturating_add(header);
            if inner.take(header).is_err() {
                break;
            }
            while let Ok(transform) = inner.generic_payload("transform length") {
                fields.push((inner_at.saturating_add(1), u16::from(transform.reserved)));
                let reserved2 = transform.body.get(2..4).and_then(|octets| <[u8; 2]>::try_from(octets).ok());
                let reserved2 = reserved2.map_or(0, u16::from_be_bytes);
                fields.push((inner_at.saturating_add(6), reserved2));
                inner_at = inner_at.saturating_add(transform.length);
            }
            at = at.saturating_add(proposal.length);
        }
        fields
    }
}

/// Reads what follows the situation bitmap when labelled secrecy or integrity is required: the domain
/// identifier, then per bit a level (length in octets) and a category bitmap (length in bits), each padded to
/// a multiple of 4 octets.
fn read_labels(situation: Situation, reader: &mut Reader) -> Result<Bytes> {
    let kinds = [Situation::SECRECY, Situation::INTEGRITY];
    let count = kinds.into_iter().filter(|kind| situation.contains(*kind)).count();
    if count == 0 {
        return Ok(Bytes::new());
    }
    let mut labels = reader.peek_rest();
    let _domain = reader.u32()?;
    for _ in 0..count {
        let level_octets = usize::from(reader.u16()?);
        let _reserved = reader.u16()?;
        reader.take(level_octets.next_multiple_of(4))?;
        let category_bits = usize::from(reader.u16()?);
        let _reserved = reader.u16()?;
        reader.take(category_bits.div_ceil(8).next_multiple_of(4))?;
    }
    labels.truncate(labels.len().saturating_sub(reader.len()));
    Ok(labels)
}
