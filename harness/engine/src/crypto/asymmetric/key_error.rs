//! Why a key was refused.

/// Why bytes do not make a key that the engine uses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The bytes are no key in any of the supported encodings.
    #[error("malformed key: {0}")]
    Malformed(String),
    /// A PEM block of a kind that holds no such key.
    #[error("PEM block {0:?} holds no key of this kind")]
    PemLabel(String),
    /// A key of an algorithm or curve that the engine does not know.
    #[error("key algorithm {0} is not supported")]
    Algorithm(String),
    /// A key shorter or longer than the engine takes.
    #[error("{algorithm} key of {bits} bits, expected {expected}")]
    Size {
        /// `RSA` or `DSA`.
        algorithm: &'static str,
        /// Length of the modulus or prime in bits.
        bits: usize,
        /// The lengths that are taken.
        expected: &'static str,
    },
    /// The numbers of the key contradict each other or lie out of range.
    #[error("{algorithm} key with bad numbers: {detail}")]
    Numbers {
        /// `RSA`, `DSA` or `ECDSA`.
        algorithm: &'static str,
        /// What the library below said.
        detail: String,
    },
}

impl KeyError {
    pub(super) fn malformed(error: impl core::fmt::Display) -> Self {
        Self::Malformed(error.to_string())
    }
}
