//! The MODP groups of RFC 2409 section 6 and RFC 3526.

use super::CryptoError;

/// A Diffie-Hellman group over the integers modulo a prime.
///
/// Every prime is `2^n - 2^(n-64) - 1 + 2^64 * (floor(2^(n-130) * pi) + k)` with an n and k of its own, so the
/// constants here can be, and are, recomputed from pi by the vector check.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Group {
    /// First Oakley group, 768 bits (RFC 2409 section 6.1).
    Modp768,
    /// Second Oakley group, 1024 bits (RFC 2409 section 6.2).
    Modp1024,
    /// Group 5, 1536 bits (RFC 3526 section 2).
    Modp1536,
    /// Group 14, 2048 bits (RFC 3526 section 3).
    Modp2048,
}

impl Group {
    /// Every group, weakest first.
    pub const ALL: &'static [Self] = &[Self::Modp768, Self::Modp1024, Self::Modp1536, Self::Modp2048];

    /// The Group Description number on the wire (RFC 2409 Appendix A, RFC 3526).
    #[must_use]
    pub const fn id(&self) -> u16 {
        match self {
            Self::Modp768 => 1,
            Self::Modp1024 => 2,
            Self::Modp1536 => 5,
            Self::Modp2048 => 14,
        }
    }

    /// The group with that Group Description number.
    #[must_use]
    pub fn from_id(id: u16) -> Option<Self> {
        Self::ALL.iter().find(|group| group.id() == id).cloned()
    }

    /// The name used in scenarios and vectors, such as `modp1024`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Modp768 => "modp768",
            Self::Modp1024 => "modp1024",
            Self::Modp1536 => "modp1536",
            Self::Modp2048 => "modp2048",
        }
    }

    /// The group with that [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|group| group.name() == name).cloned()
    }

    /// The prime p, big-endian, without leading zeros.
    #[must_use]
    pub const fn prime_bytes(&self) -> &'static [u8] {
        match self {
            Self::Modp768 => &MODP_768,
            Self::Modp1024 => &MODP_1024,
            Self::Modp1536 => &MODP_1536,
            Self::Modp2048 => &MODP_2048,
        }
    }

    /// Length of p in bytes: of every public value and of every `g^xy`.
    #[must_use]
    pub const fn prime_len(&self) -> usize {
        self.prime_bytes().len()
    }

    /// The generator g, which is 2 in every group.
    #[must_use]
    pub const fn generator(&self) -> u32 {
        2
    }

    /// How many bits a private exponent has.
    ///
    /// Groups 5 and 14 follow the higher of the two estimates in the table of RFC 3526 section 8, so the exponent is
    /// never the weakest part. That table leaves out groups 1 and 2. RFC 2412 advises at least 180 bits for them,
    /// twice a 90-bit key, which is more than either modulus is worth; 192 is that in whole 64-bit words.
    #[must_use]
    pub const fn exponent_bits(&self) -> usize {
        match self {
            Self::Modp768 | Self::Modp1024 => 192,
            Self::Modp1536 => 240,
            Self::Modp2048 => 320,
        }
    }

    /// Refuses a peer's public value that is not as long as p, or is 0, 1, p-1 or at least p.
    ///
    /// The two ends fix `g^xy` to 0, 1 or -1 whatever our exponent (RFC 2412 sections 2.3.1.1 and 2.4).
    ///
    /// # Errors
    /// [`CryptoError::PublicValueLength`] or [`CryptoError::WeakPublicValue`].
    pub fn check_public(&self, value: &[u8]) -> Result<(), CryptoError> {
        let prime = self.prime_bytes();
        if value.len() != prime.len() {
            return Err(CryptoError::PublicValueLength {
                group: self.clone(),
                got: value.len(),
                expected: prime.len(),
            });
        }
        // Equal lengths, so comparing bytes compares numbers. p is odd: p-1 differs from it in the last bit only.
        let (Some((last, head)), Some((prime_last, prime_head))) = (value.split_last(), prime.split_last())
        else {
            return Err(CryptoError::WeakPublicValue { group: self.clone() });
        };
        let zero_or_one = *last <= 1 && head.iter().all(|byte| *byte == 0);
        let p_minus_1_or_above = (head, *last) >= (prime_head, *prime_last & 0xfe);
        if zero_or_one || p_minus_1_or_above {
            return Err(CryptoError::WeakPublicValue { group: self.clone() });
        }
        Ok(())
    }
}

/// Reads hexadecimal digits at compile time; a wrong digit or length does not compile.
const fn prime<const N: usize>(digits: &[u8]) -> [u8; N] {
    assert!(digits.len() == 2 * N, "the digits do not fill the prime");
    let mut bytes = [0; N];
    let mut index = 0;
    while index < N {
        bytes[index] = digit(digits[2 * index]) << 4 | digit(digits[2 * index + 1]);
        index += 1;
    }
    bytes
}

const fn digit(character: u8) -> u8 {
    match character {
        b'0'..=b'9' => character - b'0',
        b'A'..=b'F' => character - b'A' + 10,
        _ => panic!("not an upper-case hexadecimal digit"),
    }
}

/// Prime of the 768-bit group, big-endian.
const MODP_768: [u8; 96] = prime(
    b"\
    FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD\
    EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A3620FFFFFFFFFFFFFFFF",
);

/// Prime of the 1024-bit group, big-endian.
const MODP_1024: [u8; 128] = prime(
    b"\
    FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD\
    EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
    EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF",
);

/// Prime of the 1536-bit group, big-endian.
const MODP_1536: [u8; 192] = prime(
    b"\
    FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD\
    EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
    EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F\
    83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA237327FFFFFFFFFFFFFFFF",
);

/// Prime of the 2048-bit group, big-endian.
const MODP_2048: [u8; 256] = prime(
    b"\
    FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD\
    EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
    EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F\
    83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B\
    E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510\
    15728E5A8AACAA68FFFFFFFFFFFFFFFF",
);

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn every_name_and_number_leads_back_to_its_group() {
        for group in Group::ALL {
            assert_eq!(Group::from_name(group.name()), Some(group.clone()));
            assert_eq!(Group::from_id(group.id()), Some(group.clone()));
        }
        assert_eq!(Group::from_id(3), None);
    }

    /// A value of the group's length: all zeros but the last byte.
    fn small(group: Group, last: u8) -> Vec<u8> {
        let mut value = vec![0; group.prime_len()];
        *value.last_mut().unwrap() = last;
        value
    }

    /// The prime with its last byte replaced.
    fn near_prime(group: Group, last: u8) -> Vec<u8> {
        let mut value = group.prime_bytes().to_vec();
        *value.last_mut().unwrap() = last;
        value
    }

    #[rstest]
    #[case::zero(small as fn(Group, u8) -> Vec<u8>, 0x00)]
    #[case::one(small as fn(Group, u8) -> Vec<u8>, 0x01)]
    #[case::p_minus_1(near_prime as fn(Group, u8) -> Vec<u8>, 0xfe)]
    #[case::p(near_prime as fn(Group, u8) -> Vec<u8>, 0xff)]
    fn refuses_a_weak_public_value(#[case] make: fn(Group, u8) -> Vec<u8>, #[case] last: u8) {
        for group in Group::ALL {
            assert_eq!(
                group.check_public(&make(group.clone(), last)),
                Err(CryptoError::WeakPublicValue { group: group.clone() })
            );
        }
    }

    #[test]
    fn refuses_a_public_value_above_the_prime() {
        for group in Group::ALL {
            let value = vec![0xff; group.prime_len()];
            assert_eq!(
                group.check_public(&value),
                Err(CryptoError::WeakPublicValue { group: group.clone() })
            );
        }
    }

    #[test]
    fn accepts_the_values_next_to_the_weak_ones() {
        for group in Group::ALL {
            assert_eq!(group.check_public(&small(group.clone(), 2)), Ok(()));
            assert_eq!(group.check_public(&near_prime(group.clone(), 0xfd)), Ok(()));
        }
    }

    #[test]
    fn refuses_a_public_value_of_another_length() {
        for group in Group::ALL {
            for got in [0, group.prime_len() - 1, group.prime_len() + 1] {
                assert_eq!(
                    group.check_public(&vec![2; got]),
                    Err(CryptoError::PublicValueLength {
                        group: group.clone(),
                        got,
                        expected: group.prime_len()
                    })
                );
            }
        }
    }
}
