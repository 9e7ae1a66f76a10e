use thiserror::Error;

use crate::crypto::{CipherAlgorithm, CryptoError};

/// Why a packet was not sealed or not opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EspError {
    /// The packet ends before the fields that every packet of the SA has.
    #[error("packet of {got} bytes is too short, at least {expected} expected")]
    TooShort {
        /// Bytes met.
        got: usize,
        /// Fewest bytes that could be right.
        expected: usize,
    },
    /// The SA has another SPI, or no SA has this one.
    #[error("no SA for SPI {got:#010x}")]
    UnknownSpi {
        /// SPI of the packet.
        got: u32,
    },
    /// The integrity check value is not the one that our key gives.
    #[error("integrity check value is wrong")]
    Integrity,
    /// The encrypted part is not a whole number of cipher blocks, or of 4 bytes without a cipher.
    #[error("encrypted part of {got} bytes is not a multiple of {block}")]
    NotAligned {
        /// Bytes met.
        got: usize,
        /// Alignment expected, in bytes.
        block: usize,
    },
    /// The padding is longer than the packet, or its bytes are not 1, 2, 3 and so on.
    #[error("padding is not the monotonic sequence 1, 2, 3 ... of the {pad_length} bytes stated")]
    Padding {
        /// The pad length field.
        pad_length: u8,
    },
    /// The AH payload length field does not fit the SA's integrity algorithm.
    #[error("AH payload length is {got}, {expected} expected")]
    AhLength {
        /// The field met, in 32-bit words less 2.
        got: u8,
        /// The field expected.
        expected: u8,
    },
    /// The sequence number was seen before, lies left of the replay window, or is 0.
    #[error("sequence number {seq} is a replay, or left of the window that ends at {highest}")]
    Replay {
        /// Sequence number of the packet.
        seq: u64,
        /// Highest sequence number accepted so far.
        highest: u64,
    },
    /// All 2^32 - 1 sequence numbers were used, or 2^64 - 1 extended ones; the SA must be replaced.
    #[error("all sequence numbers of the SA are used")]
    SequenceExhausted,
    /// The SA has neither a cipher nor an integrity algorithm (RFC 2406 section 3.2 forbids it).
    #[error("ESP SA with neither a cipher nor an integrity algorithm")]
    NoService,
    /// The SA has extended sequence numbers without an integrity algorithm, whose check value alone has their high half.
    #[error("extended sequence numbers without an integrity algorithm")]
    ExtendedAlone,
    /// A key, or KEYMAT, of the wrong length.
    #[error("{what} of {got} bytes, {expected} expected")]
    KeyLength {
        /// Which key.
        what: &'static str,
        /// Bytes met.
        got: usize,
        /// Bytes expected.
        expected: usize,
    },
    /// The packet does not have all protocols of the SA's bundle around it (RFC 2401 section 5.2.1), or not all of them stand
    /// any more.
    #[error("packet without all protocols of the bundle")]
    NotOfBundle,
    /// The compressed packet has another CPI than the bundle around it (RFC 3173 section 3.3).
    #[error("no compression for CPI {got:#06x}")]
    UnknownCpi {
        /// CPI of the packet.
        got: u16,
    },
    /// The compressed payload is no DEFLATE stream, or longer than an IP packet once it is expanded.
    #[error("compressed payload cannot be expanded")]
    Decompression,
    /// A weak key came out of KEYMAT: another quick mode gives another.
    #[error("weak {} key", .cipher.name())]
    WeakKey {
        /// The cipher that must not have it.
        cipher: CipherAlgorithm,
    },
    /// The outer header given is not an IPv4 header without options.
    #[error("outer header is not an IPv4 header of 20 bytes without options")]
    OuterHeader,
    /// The crypto provider refused.
    #[error("crypto provider refused")]
    Crypto(#[from] CryptoError),
}
