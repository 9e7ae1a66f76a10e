//! What can go wrong inside a provider.

use super::{CipherAlgorithm, Group};

/// Why a cryptographic operation was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// The key has the wrong number of bytes for the cipher.
    #[error("{} key of {got} bytes, expected {expected}", .cipher.name())]
    KeyLength {
        /// The cipher that was asked for.
        cipher: CipherAlgorithm,
        /// Length of the key that was given, in bytes.
        got: usize,
        /// Length that the cipher needs, in bytes.
        expected: usize,
    },
    /// The initialization vector is not exactly one block.
    #[error("{} IV of {got} bytes, expected {expected}", .cipher.name())]
    IvLength {
        /// The cipher that was asked for.
        cipher: CipherAlgorithm,
        /// Length of the IV that was given, in bytes.
        got: usize,
        /// Block length of the cipher, in bytes.
        expected: usize,
    },
    /// The data is not a whole number of blocks.
    #[error("{} data of {got} bytes, expected a multiple of {block}", .cipher.name())]
    NotBlockAligned {
        /// The cipher that was asked for.
        cipher: CipherAlgorithm,
        /// Length of the data, in bytes.
        got: usize,
        /// Block length of the cipher, in bytes.
        block: usize,
    },
    /// The peer's public value is 0, 1, p-1, or not below the prime (RFC 2412 section 2.3.1.1).
    #[error("weak {} public value: 0, 1, p-1 or not below p", .group.name())]
    WeakPublicValue {
        /// The group of the exchange.
        group: Group,
    },
    /// The peer's public value is not as long as the group's prime (RFC 2409 section 5).
    #[error("{} public value of {got} bytes, expected {expected}", .group.name())]
    PublicValueLength {
        /// The group of the exchange.
        group: Group,
        /// Length of the value that was given, in bytes.
        got: usize,
        /// Length of the group's prime, in bytes.
        expected: usize,
    },
    /// The library below failed in a way that valid input cannot cause.
    #[error("{provider} provider: {detail}")]
    Provider {
        /// Name of the provider.
        provider: &'static str,
        /// What the library reported.
        detail: String,
    },
}
