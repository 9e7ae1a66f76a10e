//! What can be wrong with the bytes of a message.

use core::ops::RangeInclusive;

use super::{Doi, IdType, NotifyType, PayloadType};

/// Result of decoding.
pub type Result<T> = core::result::Result<T, WireError>;

/// A message or payload that does not have the form RFC 2408 section 3 or RFC 2407 section 4.6 gives it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The bytes end before the named item does.
    #[error("bytes end inside the {0}")]
    MissingData(&'static str),
    /// Bytes are left over after the named item.
    #[error("{len} bytes left over after the {what}")]
    TrailingData {
        /// The item that should have been the last.
        what: &'static str,
        /// Number of octets left over.
        len: usize,
    },
    /// A length field is impossible for where it stands.
    #[error("{what} is {got}, expected {expected:?}")]
    BadLength {
        /// The length field or the item whose length is wrong.
        what: &'static str,
        /// The length met, in octets.
        got: usize,
        /// The lengths that would have been possible, in octets.
        expected: RangeInclusive<usize>,
    },
    /// The Length field of the ISAKMP header is not the length of the datagram.
    #[error("header length is {header}, expected the {datagram} bytes of the datagram")]
    UnequalLengths {
        /// Value of the Length field.
        header: u32,
        /// Length of the datagram in octets.
        datagram: usize,
    },
    /// A Next Payload field names a payload that cannot stand there.
    #[error("next payload within the {within} is {got} ({}), expected {expected}", got.0)]
    BadNextPayload {
        /// Where the field stands.
        within: &'static str,
        /// The payload type met.
        got: PayloadType,
        /// What could stand there.
        expected: &'static str,
    },
    /// The number of transforms differs from the count the proposal announces.
    #[error("proposal {proposal} has {got} transforms, expected the {expected} it announces")]
    TransformCount {
        /// Proposal number.
        proposal: u8,
        /// Transform payloads met.
        got: usize,
        /// Value of the number-of-transforms field.
        expected: usize,
    },
    /// A message has more of something than [`super::WireLimits`] allows.
    #[error("more than {limit} {what}")]
    TooMany {
        /// The thing counted.
        what: &'static str,
        /// The limit passed.
        limit: usize,
    },
    /// The major version is not 1.
    #[error("major version is {0}, expected 1")]
    VersionMajor(u8),
    /// The minor version is larger than 0.
    #[error("minor version is {0}, expected 0")]
    VersionMinor(u8),
    /// Bits of the Flags field that have no meaning are set.
    #[error("flags are {0:#04x}, expected only bits of 0x07")]
    UnknownFlags(u8),
    /// The Encryption bit is set where a message in the clear was expected.
    #[error("encryption bit is set, expected a message in the clear")]
    Encrypted,
    /// Identification data does not have the length its type calls for.
    #[error("identification data of type {id_type} is {got} bytes, expected {expected}")]
    IdentificationLength {
        /// Identification type.
        id_type: IdType,
        /// Length of the data met, in octets.
        got: usize,
        /// Length the type calls for, in octets.
        expected: usize,
    },
    /// The SA payload is of a DOI whose layout is unknown, and cannot be read as the IPsec DOI's.
    #[error("doi is {0}, expected ISAKMP or IPSEC")]
    UnknownDoi(Doi),
}

impl WireError {
    /// The Notify message type RFC 2408 section 5 names for this error, or `None` if it names none.
    pub fn notify_type(&self) -> Option<NotifyType> {
        Some(match self {
            Self::UnequalLengths { .. } => NotifyType::UNEQUAL_PAYLOAD_LENGTHS,
            Self::BadNextPayload { .. } => NotifyType::INVALID_PAYLOAD_TYPE,
            Self::TransformCount { .. } => NotifyType::BAD_PROPOSAL_SYNTAX,
            Self::VersionMajor(_) => NotifyType::INVALID_MAJOR_VERSION,
            Self::VersionMinor(_) => NotifyType::INVALID_MINOR_VERSION,
            Self::UnknownFlags(_) | Self::Encrypted => NotifyType::INVALID_FLAGS,
            Self::IdentificationLength { .. } => NotifyType::INVALID_ID_INFORMATION,
            Self::UnknownDoi(_) => NotifyType::DOI_NOT_SUPPORTED,
            Self::MissingData(_) | Self::TrailingData { .. } | Self::BadLength { .. } => {
                NotifyType::PAYLOAD_MALFORMED
            }
            // A limit is ours, not the peer's fault.
            Self::TooMany { .. } => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::missing(WireError::MissingData("transform"), Some(NotifyType::PAYLOAD_MALFORMED))]
    #[case::trailing(WireError::TrailingData { what: "proposal", len: 1 }, Some(NotifyType::PAYLOAD_MALFORMED))]
    #[case::next_payload(
        WireError::BadNextPayload { within: "proposal", got: PayloadType(2), expected: "T or NONE" },
        Some(NotifyType::INVALID_PAYLOAD_TYPE)
    )]
    #[case::too_many_is_not_the_peers_fault(WireError::TooMany { what: "SPIs", limit: 256 }, None)]
    #[case::encrypted(WireError::Encrypted, Some(NotifyType::INVALID_FLAGS))]
    fn names_the_notify_type(#[case] error: WireError, #[case] notify_type: Option<NotifyType>) {
        assert_eq!(error.notify_type(), notify_type);
    }

    #[rstest]
    #[case::bad_length(
        WireError::BadLength { what: "payload length", got: 3, expected: 4..=20 },
        "payload length is 3, expected 4..=20"
    )]
    #[case::next_payload(
        WireError::BadNextPayload { within: "SA payload", got: PayloadType::NONCE, expected: "P or NONE" },
        "next payload within the SA payload is NONCE (10), expected P or NONE"
    )]
    #[case::flags(WireError::UnknownFlags(9), "flags are 0x09, expected only bits of 0x07")]
    fn says_what_was_met_and_what_was_expected(#[case] error: WireError, #[case] text: &str) {
        assert_eq!(error.to_string(), text);
    }
}
