//! The Notification payload, `N` (RFC 2408 section 3.14, RFC 2407 section 4.6.3, RFC 3706 section 5.3).

use bytes::Bytes;

use super::codec::{Reader, saturate_u8};
use super::{Doi, NotifyType, ProtocolId, Result, WireError};

/// The Notification payload: an error or a status.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// | Next Payload  |   RESERVED    |        Payload Length         |
/// +---------------+---------------+-------------------------------+
/// |                              DOI                              |
/// +---------------+---------------+-------------------------------+
/// |  Protocol-ID  |   SPI Size    |      Notify Message Type      |
/// +---------------+---------------+-------------------------------+
/// ~                Security Parameter Index (SPI)                 ~
/// +---------------------------------------------------------------+
/// ~                       Notification Data                       ~
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Notification {
    /// Domain of interpretation.
    pub doi: Doi,
    /// Protocol the notification is about.
    pub protocol: ProtocolId,
    /// Notify message type.
    pub notify_type: NotifyType,
    /// SPI of the SA it is about, at most 255 octets: CKY-I and CKY-R for the ISAKMP SA, or empty.
    pub spi: Bytes,
    /// Notification data.
    pub data: Bytes,
}

impl Notification {
    /// A notification of the IPsec DOI about the ISAKMP SA, with neither SPI nor data.
    pub fn isakmp(notify_type: NotifyType) -> Self {
        Self {
            doi: Doi::IPSEC,
            protocol: ProtocolId::ISAKMP,
            notify_type,
            spi: Bytes::new(),
            data: Bytes::new(),
        }
    }

    pub(super) fn decode(body: Bytes) -> Result<Self> {
        let mut reader = Reader::new("Notification payload", body);
        let doi = Doi(reader.u32()?);
        let protocol = ProtocolId(reader.u8()?);
        let spi_size = usize::from(reader.u8()?);
        let notify_type = NotifyType(reader.u16()?);
        let available = reader.len();
        if spi_size > available {
            return Err(WireError::BadLength {
                what: "SPI size of a notification",
                got: spi_size,
                expected: 0..=available,
            });
        }
        Ok(Self { doi, protocol, notify_type, spi: reader.take(spi_size)?, data: reader.rest() })
    }

    pub(super) fn encode_body(&self) -> Vec<u8> {
        let mut out = self.doi.0.to_be_bytes().to_vec();
        out.extend_from_slice(&[self.protocol.0, saturate_u8(self.spi.len())]);
        out.extend_from_slice(&self.notify_type.0.to_be_bytes());
        out.extend_from_slice(&self.spi);
        out.extend_from_slice(&self.data);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::PayloadType;
    use super::super::test_support::*;
    use super::*;

    fn r_u_there() -> Notification {
        Notification {
            spi: hex("0102030405060708 1112131415161718"),
            data: hex("0000002a"),
            ..Notification::isakmp(NotifyType::R_U_THERE)
        }
    }

    #[test]
    fn round_trips_notification() {
        let body = "00000001 01 10 8d28 0102030405060708 1112131415161718 0000002a";
        assert_fixed_bytes(r_u_there(), body);
    }

    #[test]
    fn rejects_every_shorter_prefix() {
        assert_shorter_chains_fail(r_u_there());
        // After these octets only the data, of any length, is left.
        assert_shorter_bodies_fail(r_u_there(), 24);
    }

    #[test]
    fn rejects_bad_payload_lengths() {
        assert_bad_payload_lengths_fail(r_u_there());
    }

    #[test]
    fn rejects_an_spi_past_the_end() {
        let error = WireError::BadLength { what: "SPI size of a notification", got: 5, expected: 0..=4 };
        assert_eq!(decode_body(PayloadType::NOTIFICATION, &hex("00000001 03 05 000e 00000000")), Err(error));
    }

    #[test]
    fn keeps_unknown_numbers() {
        let notification = Notification {
            doi: Doi(7),
            protocol: ProtocolId(9),
            notify_type: NotifyType(40_000),
            spi: Bytes::new(),
            data: Bytes::new(),
        };
        assert_fixed_bytes(notification, "00000007 09 00 9c40");
    }
}
