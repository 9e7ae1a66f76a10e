//! Hash and cipher algorithms of both phases, named independently of their numbers on the wire.

use std::borrow::Cow;

/// A hash function, and by its HMAC the prf of the ISAKMP SA (RFC 2409 section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HashAlgorithm {
    /// MD5, 16 bytes.
    Md5,
    /// SHA-1, 20 bytes.
    Sha1,
    /// Tiger in its first form, 24 bytes: the three words of the state, each with its low byte first.
    Tiger,
    /// SHA-256, 32 bytes.
    Sha2_256,
    /// SHA-384, 48 bytes.
    Sha2_384,
    /// SHA-512, 64 bytes.
    Sha2_512,
}

impl HashAlgorithm {
    /// Every algorithm, weakest first.
    pub const ALL: &'static [Self] =
        &[Self::Md5, Self::Sha1, Self::Tiger, Self::Sha2_256, Self::Sha2_384, Self::Sha2_512];

    /// Length of the digest, and of the HMAC, in bytes.
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Tiger => 24,
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
            Self::Tiger => "tiger",
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

/// Length of the key of a cipher that takes several, from `MIN` to `MAX` bytes.
///
/// RFC 2451 section 2.2 wants a multiple of 8 bits and gives the ranges. RFC 2409 gives none, so they hold in phase 1 too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyLength<const MIN: u16, const MAX: u16>(u16);

impl<const MIN: u16, const MAX: u16> KeyLength<MIN, MAX> {
    /// `MIN` bytes.
    pub const SHORTEST: Self = Self(MIN);
    /// `MAX` bytes.
    pub const LONGEST: Self = Self(MAX);

    /// The length of so many bits; `None` unless they are whole bytes and in the range.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Option<Self> {
        let bytes = bits / 8;
        if bits.is_multiple_of(8) && MIN <= bytes && bytes <= MAX { Some(Self(bytes)) } else { None }
    }

    /// The length in bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.0 as usize
    }
}

/// A block cipher with its key size, used in CBC mode (RFC 2409 Appendix B, RFC 2451, RFC 3602, RFC 4312).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CipherAlgorithm {
    /// DES-CBC, 8-byte key (parity bits ignored).
    Des,
    /// IDEA-CBC, 16-byte key.
    Idea,
    /// RC5-R16-B64-CBC: 16 rounds, blocks of 64 bits. RFC 2451 goes up to 255 bytes of key; here 32 are the most.
    Rc5(KeyLength<5, 32>),
    /// CAST-CBC, which is CAST-128 (RFC 2144): 12 rounds up to a key of 10 bytes, 16 from there on.
    Cast(KeyLength<5, 16>),
    /// Blowfish-CBC.
    Blowfish(KeyLength<5, 56>),
    /// 3DES-CBC, encrypt-decrypt-encrypt under three 8-byte keys.
    TripleDes,
    /// CAMELLIA-CBC with a 16-byte key.
    CamelliaCbc128,
    /// CAMELLIA-CBC with a 24-byte key.
    CamelliaCbc192,
    /// CAMELLIA-CBC with a 32-byte key.
    CamelliaCbc256,
    /// AES-CBC with a 16-byte key.
    AesCbc128,
    /// AES-CBC with a 24-byte key.
    AesCbc192,
    /// AES-CBC with a 32-byte key.
    AesCbc256,
}

impl CipherAlgorithm {
    /// Every algorithm; where the key may have many lengths, with that of RFC 2409 Appendix B for phase 1 without a Key
    /// Length attribute.
    pub const ALL: &'static [Self] = &[
        Self::Des,
        Self::Idea,
        Self::Rc5(KeyLength(16)),
        Self::Cast(KeyLength::LONGEST),
        Self::Blowfish(KeyLength::LONGEST),
        Self::TripleDes,
        Self::CamelliaCbc128,
        Self::CamelliaCbc192,
        Self::CamelliaCbc256,
        Self::AesCbc128,
        Self::AesCbc192,
        Self::AesCbc256,
    ];

    /// Length of the key in bytes.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Des => 8,
            Self::Idea | Self::CamelliaCbc128 | Self::AesCbc128 => 16,
            Self::TripleDes | Self::CamelliaCbc192 | Self::AesCbc192 => 24,
            Self::CamelliaCbc256 | Self::AesCbc256 => 32,
            Self::Rc5(length) => length.bytes(),
            Self::Cast(length) => length.bytes(),
            Self::Blowfish(length) => length.bytes(),
        }
    }

    /// Length of the key in bits, as a Key Length attribute states it; `None` for ciphers with one length, which must not
    /// have that attribute (RFC 2409 Appendix A, RFC 2407 section 4.5).
    #[must_use]
    pub const fn variable_key_bits(self) -> Option<u16> {
        match self {
            Self::Des | Self::Idea | Self::TripleDes => None,
            Self::CamelliaCbc128 | Self::AesCbc128 => Some(128),
            Self::CamelliaCbc192 | Self::AesCbc192 => Some(192),
            Self::CamelliaCbc256 | Self::AesCbc256 => Some(256),
            Self::Rc5(length) => Some(length.0 * 8),
            Self::Cast(length) => Some(length.0 * 8),
            Self::Blowfish(length) => Some(length.0 * 8),
        }
    }

    /// Length of a block, and so of the IV, in bytes.
    #[must_use]
    pub const fn block_len(self) -> usize {
        match self {
            Self::Des | Self::Idea | Self::Rc5(_) | Self::Cast(_) | Self::Blowfish(_) | Self::TripleDes => 8,
            Self::CamelliaCbc128
            | Self::CamelliaCbc192
            | Self::CamelliaCbc256
            | Self::AesCbc128
            | Self::AesCbc192
            | Self::AesCbc256 => 16,
        }
    }

    /// The name used in scenarios and vectors, such as `aes128` or `rc5-128`: with the bits of the key where there is a
    /// choice.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        let (family, bits) = match self {
            Self::Des => ("des", None),
            Self::Idea => ("idea", None),
            Self::Rc5(_) => ("rc5-", self.variable_key_bits()),
            Self::Cast(_) => ("cast", self.variable_key_bits()),
            Self::Blowfish(_) => ("blowfish", self.variable_key_bits()),
            Self::TripleDes => ("3des", None),
            Self::CamelliaCbc128 => ("camellia128", None),
            Self::CamelliaCbc192 => ("camellia192", None),
            Self::CamelliaCbc256 => ("camellia256", None),
            Self::AesCbc128 => ("aes128", None),
            Self::AesCbc192 => ("aes192", None),
            Self::AesCbc256 => ("aes256", None),
        };
        bits.map_or(Cow::Borrowed(family), |bits| Cow::Owned(format!("{family}{bits}")))
    }

    /// The algorithm with that [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let bits = |family| name.strip_prefix(family).and_then(|bits: &str| bits.parse().ok());
        let rc5 = bits("rc5-").and_then(KeyLength::from_bits).map(Self::Rc5);
        let cast = bits("cast").and_then(KeyLength::from_bits).map(Self::Cast);
        let blowfish = bits("blowfish").and_then(KeyLength::from_bits).map(Self::Blowfish);
        let variable = [rc5, cast, blowfish].into_iter().flatten();
        // Only the one spelling that `name` has: no sign, no leading zero.
        Self::ALL.iter().copied().chain(variable).find(|algorithm| algorithm.name() == name)
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
            assert_eq!(CipherAlgorithm::from_name(&cipher.name()), Some(*cipher));
        }
        assert_eq!(HashAlgorithm::from_name("SHA1"), None);
        assert_eq!(CipherAlgorithm::from_name("aes"), None);
    }

    #[test]
    fn a_name_states_a_key_length_within_the_range() {
        let cipher = CipherAlgorithm::from_name("cast80").unwrap();
        assert_eq!((cipher.name().as_ref(), cipher.key_len()), ("cast80", 10));
        for (name, key_len) in
            [("blowfish40", 5), ("blowfish136", 17), ("blowfish448", 56), ("rc5-40", 5), ("rc5-256", 32)]
        {
            assert_eq!(CipherAlgorithm::from_name(name).map(CipherAlgorithm::key_len), Some(key_len));
        }
        for name in [
            "blowfish",
            "blowfish32",
            "blowfish100",
            "blowfish456",
            "blowfish+128",
            "blowfish0128",
            "cast136",
            "rc5-264",
            "rc5128",
            "cast65536",
        ] {
            assert_eq!(CipherAlgorithm::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_stated_key_length_is_that_of_the_key() {
        for cipher in CipherAlgorithm::ALL {
            if let Some(bits) = cipher.variable_key_bits() {
                assert_eq!(usize::from(bits), 8 * cipher.key_len(), "{}", cipher.name());
            }
        }
    }
}
