//! Hash and cipher algorithms of phase 1, named independently of their numbers on the wire.

/// A hash function, and by its HMAC the prf of the ISAKMP SA (RFC 2409 section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HashAlgorithm {
    /// MD5, 16 bytes.
    Md5,
    /// SHA-1, 20 bytes.
    Sha1,
    /// SHA-256, 32 bytes.
    Sha2_256,
    /// SHA-384, 48 bytes.
    Sha2_384,
    /// SHA-512, 64 bytes.
    Sha2_512,
}

impl HashAlgorithm {
    /// Every algorithm, weakest first.
    pub const ALL: &'static [Self] = &[Self::Md5, Self::Sha1, Self::Sha2_256, Self::Sha2_384, Self::Sha2_512];

    /// Length of the digest, and of the HMAC, in bytes.
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha2_256 => 32,
            Self::Sha2_384 => 48,
            Self::Sha2_512 => 64,
        }
    }

    /// The name used in scenarios and vectors, such as `sha2-256`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha2_256 => "sha2-256",
            Self::Sha2_384 => "sha2-384",
            Self::Sha2_512 => "sha2-512",
        }
    }

    /// The algorithm with that [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.name() == name)
    }
}

/// A block cipher with its key size, used in CBC mode (RFC 2409 Appendix B, RFC 3602).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CipherAlgorithm {
    /// DES-CBC, 8-byte key (parity bits ignored).
    Des,
    /// 3DES-CBC, encrypt-decrypt-encrypt under three 8-byte keys.
    TripleDes,
    /// AES-CBC with a 16-byte key.
    AesCbc128,
    /// AES-CBC with a 24-byte key.
    AesCbc192,
    /// AES-CBC with a 32-byte key.
    AesCbc256,
}

impl CipherAlgorithm {
    /// Every algorithm, weakest first.
    pub const ALL: &'static [Self] =
        &[Self::Des, Self::TripleDes, Self::AesCbc128, Self::AesCbc192, Self::AesCbc256];

    /// Length of the key in bytes.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Des => 8,
            Self::AesCbc128 => 16,
            Self::TripleDes | Self::AesCbc192 => 24,
            Self::AesCbc256 => 32,
        }
    }

    /// Length of a block, and so of the IV, in bytes.
    #[must_use]
    pub const fn block_len(self) -> usize {
        match self {
            Self::Des | Self::TripleDes => 8,
            Self::AesCbc128 | Self::AesCbc192 | Self::AesCbc256 => 16,
        }
    }

    /// The name used in scenarios and vectors, such as `aes128`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Des => "des",
            Self::TripleDes => "3des",
            Self::AesCbc128 => "aes128",
            Self::AesCbc192 => "aes192",
            Self::AesCbc256 => "aes256",
        }
    }

    /// The algorithm with that [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_algorithm() {
        for hash in HashAlgorithm::ALL {
            assert_eq!(HashAlgorithm::from_name(hash.name()), Some(*hash));
        }
        for cipher in CipherAlgorithm::ALL {
            assert_eq!(CipherAlgorithm::from_name(cipher.name()), Some(*cipher));
        }
        assert_eq!(HashAlgorithm::from_name("SHA1"), None);
        assert_eq!(CipherAlgorithm::from_name("aes"), None);
    }
}
