//! The Diffie-Hellman groups: MODP of RFC 2409 section 6, RFC 3526 and RFC 5114, ECP of RFC 5903, EC2N of RFC 2409.

mod numbers;
mod private;
mod private_ec2n;
#[cfg(test)]
mod tests;

use super::{CryptoError, RandomSource, Secret};
use crate::deviation::{Deviation, deviates};

pub use private::{GroupError, PrivateGroup, PrivateModp};
pub use private_ec2n::PrivateEc2n;

/// A Diffie-Hellman group, by its Group Description or by its numbers.
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
    /// Group 15, 3072 bits (RFC 3526 section 4).
    Modp3072,
    /// Group 16, 4096 bits (RFC 3526 section 5).
    Modp4096,
    /// Group 17, 6144 bits (RFC 3526 section 6).
    Modp6144,
    /// Group 18, 8192 bits (RFC 3526 section 7).
    Modp8192,
    /// Group 22, 1024 bits with a subgroup of 160-bit prime order (RFC 5114 section 2.1).
    Modp1024Subgroup160,
    /// Group 23, 2048 bits with a subgroup of 224-bit prime order (RFC 5114 section 2.2).
    Modp2048Subgroup224,
    /// Group 24, 2048 bits with a subgroup of 256-bit prime order (RFC 5114 section 2.3).
    Modp2048Subgroup256,
    /// Group 19, the curve P-256 (RFC 5903 section 3.1).
    Ecp256,
    /// Group 20, the curve P-384 (RFC 5903 section 3.2).
    Ecp384,
    /// Group 21, the curve P-521 (RFC 5903 section 3.3).
    Ecp521,
    /// Third Oakley group, a curve over GF(2^155) (RFC 2409 section 6.3).
    Ec2n155,
    /// Fourth Oakley group, a curve over GF(2^185) (RFC 2409 section 6.4).
    Ec2n185,
    /// A group of the two sides' own (RFC 2409 section 5.6).
    Private(PrivateGroup),
}

/// What a group is made of (RFC 2409 Appendix A, Group Type).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupKind<'a> {
    /// Exponentiation modulo a prime.
    Modp(Modp<'a>),
    /// Points of an elliptic curve over the integers modulo a prime.
    Ecp(Curve),
    /// Points of an elliptic curve over the polynomials modulo an irreducible one, by their x coordinates.
    Ec2n(Ec2n<'a>),
}

/// The numbers of a MODP group.
///
/// The primes of RFC 2409 and RFC 3526 are `2^n - 2^(n-64) - 1 + 2^64 * (floor(2^(n-130) * pi) + k)` with an n and k of
/// their own, so the constants can be, and are, recomputed from pi by the vector check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Modp<'a> {
    /// The prime p, big-endian, without leading zeros.
    pub prime: &'a [u8],
    /// The generator g, big-endian, without leading zeros.
    pub generator: &'a [u8],
    /// The prime order q of the subgroup that g generates, big-endian, where the RFC states it. Without it, p is a safe
    /// prime, whose only small subgroups are those of 1 and p-1, or the group a private one.
    pub order: Option<&'a [u8]>,
}

/// The numbers of an EC2N group: a point of the curve `y^2 + xy = x^3 + ax^2 + b` over GF(2^m) generates it (RFC 2409
/// section 6.3, RFC 2412 Appendix A).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ec2n<'a> {
    /// The irreducible polynomial of the field, of degree m, as a big-endian number without leading zeros.
    pub polynomial: &'a [u8],
    /// a, as a big-endian number.
    pub a: &'a [u8],
    /// b, which is not zero, as a big-endian number.
    pub b: &'a [u8],
    /// The generator's x coordinate, as a big-endian number. Which of the two y coordinates it has makes no difference.
    pub generator: &'a [u8],
    /// The generator's order or a multiple of it, big-endian, without leading zeros. Exponents are below it. RFC 2412
    /// Appendices E.3 and E.4 say which part of the Group Order of RFC 2409 sections 6.3 and 6.4 it is.
    pub order: &'a [u8],
}

impl Ec2n<'_> {
    /// The least common multiple of the numbers up to 16, big-endian: a point that it takes to infinity is of small order.
    pub(super) const SMALL_ORDERS: [u8; 3] = [0x0a, 0xff, 0x50];

    /// Degree m of the field's polynomial, which is the length of an x coordinate in bits.
    #[must_use]
    pub fn degree(&self) -> usize {
        let unused = self.polynomial.first().map_or(0, |first| first.leading_zeros());
        (self.polynomial.len() * 8).saturating_sub(usize::try_from(unused).unwrap_or(0) + 1)
    }
}

/// A curve of RFC 5903.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a provider must know every curve")]
pub enum Curve {
    /// P-256, secp256r1.
    P256,
    /// P-384, secp384r1.
    P384,
    /// P-521, secp521r1.
    P521,
}

impl Curve {
    /// Length of a coordinate in bytes: of the field's prime, rounded up (RFC 5903 section 7).
    #[must_use]
    pub const fn coordinate_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The prime order n of the group, big-endian, as long as a coordinate.
    #[must_use]
    pub fn order(self) -> &'static [u8] {
        match self {
            Self::P256 => &numbers::ECP_256_ORDER,
            Self::P384 => &numbers::ECP_384_ORDER,
            Self::P521 => &numbers::ECP_521_ORDER,
        }
    }
}

impl Group {
    /// Every group with a Group Description of the registry, in the order of their kinds and sizes.
    pub const ALL: &'static [Self] = &[
        Self::Modp768,
        Self::Modp1024,
        Self::Modp1536,
        Self::Modp2048,
        Self::Modp3072,
        Self::Modp4096,
        Self::Modp6144,
        Self::Modp8192,
        Self::Modp1024Subgroup160,
        Self::Modp2048Subgroup224,
        Self::Modp2048Subgroup256,
        Self::Ecp256,
        Self::Ecp384,
        Self::Ecp521,
        Self::Ec2n155,
        Self::Ec2n185,
    ];

    /// The Group Description number on the wire (RFC 2409 Appendix A, RFC 3526, RFC 5114, RFC 5903); `None` for a private
    /// group, to which New Group mode gives one under each ISAKMP SA anew.
    #[must_use]
    pub const fn id(&self) -> Option<u16> {
        Some(match self {
            Self::Modp768 => 1,
            Self::Modp1024 => 2,
            Self::Ec2n155 => 3,
            Self::Ec2n185 => 4,
            Self::Modp1536 => 5,
            Self::Modp2048 => 14,
            Self::Modp3072 => 15,
            Self::Modp4096 => 16,
            Self::Modp6144 => 17,
            Self::Modp8192 => 18,
            Self::Ecp256 => 19,
            Self::Ecp384 => 20,
            Self::Ecp521 => 21,
            Self::Modp1024Subgroup160 => 22,
            Self::Modp2048Subgroup224 => 23,
            Self::Modp2048Subgroup256 => 24,
            Self::Private(_) => return None,
        })
    }

    /// The group with that Group Description number.
    #[must_use]
    pub fn from_id(id: u16) -> Option<Self> {
        Self::ALL.iter().find(|group| group.id() == Some(id)).cloned()
    }

    /// The name used in scenarios and vectors, such as `modp1024`; `private` for every private group.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Modp768 => "modp768",
            Self::Modp1024 => "modp1024",
            Self::Modp1536 => "modp1536",
            Self::Modp2048 => "modp2048",
            Self::Modp3072 => "modp3072",
            Self::Modp4096 => "modp4096",
            Self::Modp6144 => "modp6144",
            Self::Modp8192 => "modp8192",
            Self::Modp1024Subgroup160 => "modp1024s160",
            Self::Modp2048Subgroup224 => "modp2048s224",
            Self::Modp2048Subgroup256 => "modp2048s256",
            Self::Ecp256 => "ecp256",
            Self::Ecp384 => "ecp384",
            Self::Ecp521 => "ecp521",
            Self::Ec2n155 => "ec2n155",
            Self::Ec2n185 => "ec2n185",
            Self::Private(_) => "private",
        }
    }

    /// The group with that [`name`](Self::name), unless it is a private one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|group| group.name() == name).cloned()
    }

    /// What the group is made of.
    #[must_use]
    pub fn kind(&self) -> GroupKind<'_> {
        /// The generator of all groups of RFC 2409 and RFC 3526.
        const TWO: &[u8] = &[2];
        let of_safe_prime = |prime| GroupKind::Modp(Modp { prime, generator: TWO, order: None });
        match self {
            Self::Modp768 => of_safe_prime(&numbers::MODP_768),
            Self::Modp1024 => of_safe_prime(&numbers::MODP_1024),
            Self::Modp1536 => of_safe_prime(&numbers::MODP_1536),
            Self::Modp2048 => of_safe_prime(&numbers::MODP_2048),
            Self::Modp3072 => of_safe_prime(&numbers::MODP_3072),
            Self::Modp4096 => of_safe_prime(&numbers::MODP_4096),
            Self::Modp6144 => of_safe_prime(&numbers::MODP_6144),
            Self::Modp8192 => of_safe_prime(&numbers::MODP_8192),
            Self::Modp1024Subgroup160 => GroupKind::Modp(Modp {
                prime: &numbers::MODP_1024_160_P,
                generator: &numbers::MODP_1024_160_G,
                order: Some(&numbers::MODP_1024_160_Q),
            }),
            Self::Modp2048Subgroup224 => GroupKind::Modp(Modp {
                prime: &numbers::MODP_2048_224_P,
                generator: &numbers::MODP_2048_224_G,
                order: Some(&numbers::MODP_2048_224_Q),
            }),
            Self::Modp2048Subgroup256 => GroupKind::Modp(Modp {
                prime: &numbers::MODP_2048_256_P,
                generator: &numbers::MODP_2048_256_G,
                order: Some(&numbers::MODP_2048_256_Q),
            }),
            Self::Ecp256 => GroupKind::Ecp(Curve::P256),
            Self::Ecp384 => GroupKind::Ecp(Curve::P384),
            Self::Ecp521 => GroupKind::Ecp(Curve::P521),
            Self::Ec2n155 => GroupKind::Ec2n(numbers::EC2N_155),
            Self::Ec2n185 => GroupKind::Ec2n(numbers::EC2N_185),
            Self::Private(group) => group.kind(),
        }
    }

    /// Length in bytes of every public value: of p, of two coordinates (RFC 2409 section 5, RFC 5903 section 7), or of an
    /// EC2N group of one (RFC 2409 section 6.3).
    #[must_use]
    pub fn public_len(&self) -> usize {
        match self.kind() {
            GroupKind::Modp(Modp { prime, .. }) => prime.len(),
            GroupKind::Ecp(curve) => 2 * curve.coordinate_len(),
            GroupKind::Ec2n(ec2n) => ec2n.degree().div_ceil(8),
        }
    }

    /// Length in bytes of every `g^xy`: of p, or of one coordinate (RFC 2409 section 5, RFC 5903 section 7).
    #[must_use]
    pub fn shared_len(&self) -> usize {
        match self.kind() {
            GroupKind::Modp(Modp { prime, .. }) => prime.len(),
            GroupKind::Ecp(curve) => curve.coordinate_len(),
            GroupKind::Ec2n(ec2n) => ec2n.degree().div_ceil(8),
        }
    }

    /// The order of what the generator generates, big-endian, where the RFC states it.
    #[must_use]
    pub fn order(&self) -> Option<&[u8]> {
        match self.kind() {
            GroupKind::Modp(Modp { order, .. }) => order,
            GroupKind::Ecp(curve) => Some(curve.order()),
            GroupKind::Ec2n(ec2n) => Some(ec2n.order),
        }
    }

    /// The number of points of an EC2N group's whole curve, big-endian, which is what the RFC calls the Group Order (RFC 2409
    /// sections 6.3 and 6.4).
    pub(crate) fn curve_order(&self) -> Option<&'static [u8]> {
        match self {
            Self::Ec2n155 => Some(&numbers::EC2N_155_CURVE_ORDER),
            Self::Ec2n185 => Some(&numbers::EC2N_185_CURVE_ORDER),
            _ => None,
        }
    }

    /// How many bits a private exponent has.
    ///
    /// As many as the order, where that is stated (RFC 5114 section 4). The groups of RFC 3526 follow the higher of the
    /// two estimates in the table of its section 8, in whole bytes, so the exponent is never the weakest part. That
    /// table leaves out groups 1 and 2. RFC 2412 advises at least 180 bits for them, twice a 90-bit key, which is more
    /// than either modulus is worth; 192 is that in whole 64-bit words. A private MODP group has the exponents of the
    /// smallest group of these whose prime is not shorter.
    #[must_use]
    pub fn exponent_bits(&self) -> usize {
        match self {
            Self::Modp768 | Self::Modp1024 => 192,
            Self::Modp1536 => 240,
            Self::Modp2048 => 320,
            Self::Modp3072 => 424,
            Self::Modp4096 => 480,
            Self::Modp6144 => 544,
            Self::Modp8192 => 624,
            Self::Modp1024Subgroup160 => 160,
            Self::Modp2048Subgroup224 => 224,
            Self::Modp2048Subgroup256 | Self::Ecp256 => 256,
            Self::Ecp384 => 384,
            Self::Ecp521 => 521,
            Self::Ec2n155 => 154,
            Self::Ec2n185 => 184,
            Self::Private(PrivateGroup::Ec2n(group)) => private::bits(group.numbers().order),
            Self::Private(PrivateGroup::Modp(group)) => match group.prime_bits() {
                ..=1024 => 192,
                1025..=1536 => 240,
                1537..=2048 => 320,
                2049..=3072 => 424,
                _ => 480,
            },
        }
    }

    /// Draws a private exponent, big-endian, [`exponent_bits`](Self::exponent_bits) rounded up to whole bytes long.
    ///
    /// Where the order is stated, every exponent from 1 to the order less 1 is as likely as any other: what is drawn is
    /// thrown away until it is one. Elsewhere the top bit is set, which rules out zero whatever `rng` gives, at the
    /// price of one bit of entropy.
    ///
    /// # Errors
    /// [`CryptoError::RandomSource`] when none of 256 draws is below the order. About every second one is in the worst
    /// group, so the source is broken then.
    pub fn draw_exponent(&self, rng: &mut dyn RandomSource) -> Result<Secret, CryptoError> {
        const DRAWS_MAX: usize = 256;
        let mut exponent = vec![0_u8; self.exponent_bits().div_ceil(8)];
        let Some(order) = self.order() else {
            rng.fill(&mut exponent);
            if let Some(first) = exponent.first_mut() {
                *first |= 0x80;
            }
            return Ok(Secret::new(exponent));
        };
        let excess_bits = exponent.len() * 8 - self.exponent_bits();
        for _ in 0..DRAWS_MAX {
            rng.fill(&mut exponent);
            if let Some(first) = exponent.first_mut() {
                *first &= 0xff >> excess_bits;
            }
            // Both are as long as the order.
            if exponent.iter().any(|byte| *byte != 0) && exponent.as_slice() < order {
                return Ok(Secret::new(exponent));
            }
        }
        Err(CryptoError::RandomSource)
    }

    /// Refuses a peer's public value that is not of the group's length, or of a MODP group is 0, 1, p-1 or at least p, or
    /// of an EC2N group is 0 or has more bits than the field.
    ///
    /// The two ends fix `g^xy` to 0, 1 or -1 whatever our exponent (RFC 2412 sections 2.3.1.1 and 2.4). What costs more
    /// than a comparison is left to [`dh_shared`](super::CryptoProvider::dh_shared): whether the value is in the
    /// subgroup, and whether the point is on the curve.
    ///
    /// # Errors
    /// [`CryptoError::PublicValueLength`], [`CryptoError::WeakPublicValue`], [`CryptoError::SmallOrder`] or
    /// [`CryptoError::NotOnCurve`].
    pub fn check_public(&self, value: &[u8]) -> Result<(), CryptoError> {
        let expected = self.public_len();
        if value.len() != expected && !deviates(Deviation::AcceptsShortPublicValues) {
            return Err(CryptoError::PublicValueLength { group: self.clone(), got: value.len(), expected });
        }
        let prime = match self.kind() {
            GroupKind::Modp(Modp { prime, .. }) => prime,
            GroupKind::Ecp(_) => return Ok(()),
            GroupKind::Ec2n(ec2n) => return self.check_x_coordinate(ec2n.degree(), value),
        };
        // Equal lengths, so comparing bytes compares numbers. p is odd: p-1 differs from it in the last bit only.
        let (Some((last, head)), Some((prime_last, prime_head))) = (value.split_last(), prime.split_last())
        else {
            return Err(CryptoError::WeakPublicValue { group: self.clone() });
        };
        let zero_or_one = *last <= 1 && head.iter().all(|byte| *byte == 0);
        let p_minus_1_or_above = (head, *last) >= (prime_head, *prime_last & 0xfe);
        if (zero_or_one || p_minus_1_or_above) && !deviates(Deviation::AcceptsWeakPublicValues) {
            return Err(CryptoError::WeakPublicValue { group: self.clone() });
        }
        Ok(())
    }
    /// An x coordinate of as many bytes as the degree needs is not zero, and below `2^degree`.
    fn check_x_coordinate(&self, degree: usize, value: &[u8]) -> Result<(), CryptoError> {
        if value.iter().all(|byte| *byte == 0) {
            return Err(CryptoError::SmallOrder { group: self.clone() });
        }
        let excess_bits = value.len() * 8 - degree;
        if value.first().is_some_and(|first| *first > 0xff >> excess_bits) {
            return Err(CryptoError::NotOnCurve { group: self.clone() });
        }
        Ok(())
    }
}
