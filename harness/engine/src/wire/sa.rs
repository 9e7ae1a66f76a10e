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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::test_support::*;
    use super::super::{NotifyType, Payload, ProtocolId};
    use super::*;

    fn proposal(number: u8, protocol: ProtocolId) -> Proposal {
        Proposal { number, protocol, spi: Bytes::new(), transforms: Vec::new() }
    }

    fn bundle() -> SaPayload {
        // AH and ESP with one number: both together.
        SaPayload::ipsec_doi(vec![proposal(1, ProtocolId::IPSEC_AH), proposal(1, ProtocolId::IPSEC_ESP)])
    }

    const BUNDLE: &str = "00000001 00000001  02000008 01020000  00000008 01030000";

    #[test]
    fn round_trips_sa_payload() {
        assert_fixed_bytes(bundle(), BUNDLE);
    }

    #[test]
    fn rejects_every_shorter_prefix() {
        assert_shorter_chains_fail(bundle());
        let bytes = hex(BUNDLE);
        // After 8 octets the situation ends: an SA payload without proposals, for the negotiation to refuse.
        for len in (0..bytes.len()).filter(|len| *len != 8) {
            assert!(decode_body(PayloadType::SA, &bytes.slice(..len)).is_err(), "accepted {len} bytes");
        }
    }

    #[test]
    fn rejects_bad_payload_lengths() {
        assert_bad_payload_lengths_fail(bundle());
    }

    #[rstest]
    #[case::proposal_past_the_end(
        "00000001 00000001 00000009 01020000",
        WireError::BadLength { what: "proposal length", got: 9, expected: 4..=8 }
    )]
    #[case::next_payload_is_a_nonce(
        "00000001 00000001 0a000008 01020000",
        WireError::BadNextPayload { within: "SA payload", got: PayloadType::NONCE, expected: "P or NONE" }
    )]
    #[case::left_over_octet(
        "00000001 00000001 00000008 01020000 00",
        WireError::TrailingData { what: "SA payload", len: 1 }
    )]
    #[case::labels_missing("00000001 00000002", WireError::MissingData("SA payload"))]
    fn rejects_a_bad_layout(#[case] bytes: &str, #[case] error: WireError) {
        assert_eq!(decode_body(PayloadType::SA, &hex(bytes)), Err(error));
    }

    #[test]
    fn keeps_the_labelled_fields_raw() {
        let labels = hex("00000007 00030000 aabbcc00 00090000 ff800000");
        let sa = SaPayload { situation: 3, labels, ..bundle() };
        assert_fixed_bytes(
            sa,
            "00000001 00000003  00000007 00030000 aabbcc00 00090000 ff800000  02000008 01020000 00000008 01030000",
        );
    }

    #[test]
    fn keeps_an_unknown_doi_of_the_same_layout() {
        assert_fixed_bytes(SaPayload { doi: Doi(9), ..bundle() }, &BUNDLE.replacen('1', "9", 1));
    }

    #[test]
    fn gives_the_doi_as_the_reason_when_another_doi_has_another_layout() {
        let error = decode_body(PayloadType::SA, &hex("00000009 00")).unwrap_err();
        assert_eq!(error, WireError::UnknownDoi(Doi(9)));
        assert_eq!(error.notify_type(), Some(NotifyType::DOI_NOT_SUPPORTED));
    }

    #[test]
    fn rejects_more_proposals_than_the_limit() {
        let limits = WireLimits { proposals_max: 1, ..WireLimits::default() };
        let error = WireError::TooMany { what: "proposals", limit: 1 };
        assert_eq!(Payload::decode(PayloadType::SA, hex(BUNDLE), &limits), Err(error));
    }
}
