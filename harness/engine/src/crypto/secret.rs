//! Bytes that must not be printed and are wiped when dropped.

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Secret bytes: a key, a shared secret, a private exponent.
///
/// The memory is overwritten on drop, `Debug` prints only the length, and `==` takes the same time whichever byte
/// differs (not so for the length, which is public).
///
/// ```
/// use ikev1::crypto::Secret;
/// let key = Secret::new(vec![1, 2, 3]);
/// assert_eq!(format!("{key:?}"), "Secret(3 bytes)");
/// assert_eq!(key, Secret::from(&[1, 2, 3][..]));
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes over `bytes`; the allocation is wiped on drop.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes themselves.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl From<&[u8]> for Secret {
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes.to_vec())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_length_and_no_byte() {
        assert_eq!(format!("{:?}", Secret::new(vec![0xab; 20])), "Secret(20 bytes)");
    }

    #[test]
    fn equality_looks_at_every_byte_and_at_the_length() {
        let secret = Secret::new(vec![1, 2, 3]);
        assert_eq!(secret, secret.clone());
        assert_ne!(secret, Secret::new(vec![1, 2, 4]));
        assert_ne!(secret, Secret::new(vec![1, 2]));
    }
}
