//! The Fragment payload: part of a message that is too large for one datagram (payload type 132, Cisco and Microsoft).

use bytes::Bytes;

use super::Result;
use super::codec::Reader;

/// The Fragment payload, the only one of its message.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// | Next Payload  |   RESERVED    |        Payload Length         |
/// +---------------+---------------+---------------+---------------+
/// |          Fragment ID          |Fragment Number|     Flags     |
/// +-------------------------------+---------------+---------------+
/// ~                         Fragment Data                         ~
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fragment {
    /// The same in all fragments of one message.
    pub id: u16,
    /// Place of the fragment, from 1.
    pub number: u8,
    /// Flags; [`Fragment::LAST`] is the only one.
    pub flags: u8,
    /// Part of the message, whose ISAKMP header is part of the first fragment.
    pub data: Bytes,
}

impl Fragment {
    /// The flag of a message's last fragment.
    pub const LAST: u8 = 1;
    /// Octets of the payload in front of its data, the generic header included.
    pub const OVERHEAD: usize = 8;

    /// Whether it is the message's last fragment. Other flags have no meaning.
    pub fn is_last(&self) -> bool {
        self.flags & Self::LAST != 0
    }

    pub(super) fn decode(body: Bytes) -> Result<Self> {
        let mut reader = Reader::new("Fragment payload", body);
        Ok(Self { id: reader.u16()?, number: reader.u8()?, flags: reader.u8()?, data: reader.rest() })
    }

    pub(super) fn encode_body(&self) -> Vec<u8> {
        [&self.id.to_be_bytes(), &[self.number, self.flags][..], self.data.as_ref()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::*;
    use super::*;

    fn fragment() -> Fragment {
        Fragment { id: 0x0102, number: 3, flags: Fragment::LAST, data: hex("00fe") }
    }

    #[test]
    fn round_trips_a_fragment() {
        assert_fixed_bytes(fragment(), "0102 03 01 00fe");
        assert_fixed_bytes(Fragment { data: Bytes::new(), flags: 0, ..fragment() }, "0102 03 00");
    }

    #[test]
    fn rejects_every_shorter_prefix() {
        assert_shorter_chains_fail(fragment());
        assert_shorter_bodies_fail(fragment(), 4);
    }

    #[test]
    fn rejects_bad_payload_lengths() {
        assert_bad_payload_lengths_fail(fragment());
    }

    #[test]
    fn keeps_unknown_flags() {
        let odd = Fragment { flags: 0xfe, ..fragment() };
        assert!(!odd.is_last());
        assert_fixed_bytes(odd, "0102 03 fe 00fe");
    }
}
