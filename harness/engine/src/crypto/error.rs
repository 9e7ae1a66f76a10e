//! What can go wrong inside a provider.

use super::{CipherAlgorithm, Group, KeyType};

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
    /// The peer's public value is not in the subgroup that the generator generates: its power of the subgroup's order is
    /// not 1. Its `g^xy` would tell our exponent modulo a small number (RFC 2412 section 2.3.1.1 has the simplest case).
    #[error("{} public value outside of the subgroup", .group.name())]
    NotInSubgroup {
        /// The group of the exchange.
        group: Group,
    },
    /// The peer's public value is a point of small order, so that its `g^xy` is one of few whatever our exponent. As a
    /// value, 0 is the point of order 2 of an EC2N group.
    #[error("{} public value that is a point of small order", .group.name())]
    SmallOrder {
        /// The group of the exchange.
        group: Group,
    },
    /// The peer's public value is no point of the group's curve, or a coordinate is not below the field's prime (RFC 5903
    /// section 7), or is no x coordinate of a point, or has more bits than the field (RFC 2409 section 6.3).
    #[error("{} public value that is no point of the curve", .group.name())]
    NotOnCurve {
        /// The group of the exchange.
        group: Group,
    },
    /// A private exponent is 0 or not below the order of the group.
    #[error("{} exponent that is 0 or not below the order", .group.name())]
    ExponentRange {
        /// The group of the exchange.
        group: Group,
    },
    /// The peer's public value does not have the length of the group's (RFC 2409 section 5, RFC 5903 section 7).
    #[error("{} public value of {got} bytes, expected {expected}", .group.name())]
    PublicValueLength {
        /// The group of the exchange.
        group: Group,
        /// Length of the value that was given, in bytes.
        got: usize,
        /// Length of the group's public values, in bytes.
        expected: usize,
    },
    /// The key is of another algorithm than the operation.
    #[error("{operation} does not work with a key of type {}", .key.name())]
    KeyType {
        /// The operation, or the name of the signature scheme.
        operation: &'static str,
        /// The type of the key that was given.
        key: KeyType,
    },
    /// The hash to be signed or verified does not have a length that the scheme takes.
    #[error("{scheme} over a hash of {got} bytes")]
    HashLength {
        /// Name of the signature scheme.
        scheme: &'static str,
        /// Length of the hash that was given, in bytes.
        got: usize,
    },
    /// The signature is not the key's over this hash.
    #[error("the signature does not verify")]
    Signature,
    /// The plaintext does not fit under the RSA modulus with its padding (RFC 8017 section 7.2.1).
    #[error("RSA plaintext of {got} bytes, the key has room for {room}")]
    PlaintextLength {
        /// Length of the plaintext, in bytes.
        got: usize,
        /// What the modulus has room for, in bytes.
        room: usize,
    },
    /// The ciphertext is not as long as the RSA modulus, or as a number not below it. Both are public: whoever has the
    /// public key knows beforehand.
    #[error("RSA ciphertext of {got} bytes is not a number below the modulus of {expected} bytes")]
    CiphertextRange {
        /// Length of the ciphertext, in bytes.
        got: usize,
        /// Length of the modulus, in bytes.
        expected: usize,
    },
    /// The random source gives nothing that can be used: only zeros for padding, or no exponent below the order.
    #[error("the random source gives nothing that can be used")]
    RandomSource,
    /// The library below failed in a way that valid input cannot cause.
    #[error("{provider} provider: {detail}")]
    Provider {
        /// Name of the provider.
        provider: &'static str,
        /// What the library reported.
        detail: String,
    },
}

impl CryptoError {
    /// Whether the peer's public value is at fault.
    #[must_use]
    pub const fn is_public_value(&self) -> bool {
        matches!(
            self,
            Self::WeakPublicValue { .. }
                | Self::PublicValueLength { .. }
                | Self::NotInSubgroup { .. }
                | Self::SmallOrder { .. }
                | Self::NotOnCurve { .. }
        )
    }
}
