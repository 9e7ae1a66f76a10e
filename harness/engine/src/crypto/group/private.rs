//! Groups that two sides define by their numbers (RFC 2409 section 5.6).

use std::sync::Arc;

use crypto_primes::{Flavor, is_prime};
use rsa::BoxedUint;

use super::private_ec2n::PrivateEc2n;
use super::{Ec2n, GroupKind, Modp};

/// A group that has no Group Description of the registry, but numbers of its own.
///
/// ```
/// use ikev1::crypto::{GroupError, PrivateGroup};
///
/// let mut odd = [0xff; 128];
/// assert_eq!(PrivateGroup::modp(&odd, &[1]), Err(GroupError::Generator));
/// let group = PrivateGroup::modp(&odd, &[2])?;
/// assert_eq!(group.check(), Err(GroupError::Composite)); // 2^1024 - 1 is divisible by 3
/// odd[127] = 0xfe;
/// assert_eq!(PrivateGroup::modp(&odd, &[2]), Err(GroupError::EvenPrime));
/// # Ok::<(), GroupError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PrivateGroup {
    /// Exponentiation modulo a prime.
    Modp(PrivateModp),
    /// Points of an elliptic curve over GF(2^m).
    Ec2n(PrivateEc2n),
}

impl PrivateGroup {
    /// A MODP group by its prime and generator, big-endian. Leading zeros say nothing.
    ///
    /// What costs more than a comparison is left to [`check`](Self::check).
    ///
    /// # Errors
    /// [`GroupError::PrimeBits`], [`GroupError::EvenPrime`] or [`GroupError::Generator`].
    pub fn modp(prime: &[u8], generator: &[u8]) -> Result<Self, GroupError> {
        PrivateModp::new(prime, generator).map(Self::Modp)
    }

    /// An EC2N group by its numbers and the generator's y coordinate, big-endian. Leading zeros say nothing. The order may
    /// be that of the curve, as in RFC 2409 section 6.3.
    ///
    /// What costs more than a comparison is left to [`check`](Self::check).
    ///
    /// # Errors
    /// [`GroupError::Degree`], [`GroupError::Element`] or [`GroupError::Order`].
    pub fn ec2n(numbers: &Ec2n<'_>, generator_y: &[u8]) -> Result<Self, GroupError> {
        PrivateEc2n::new(numbers, generator_y).map(Self::Ec2n)
    }

    /// Whether the numbers make a group: whether the prime is one, or the polynomial irreducible, the generator on the curve
    /// and its order a divisor of the stated one.
    ///
    /// A prime stands the test of Baillie, Pomerance, Selfridge and Wagstaff, of which no composite number is known that
    /// passes. RFC 2409 asks for no more. That p is a safe prime, or the generator's order prime, is not tested: whoever
    /// defines the group is the other end of the exchange, and knows the secret whatever the group is.
    ///
    /// # Errors
    /// [`GroupError::Composite`]; [`GroupError::Reducible`], [`GroupError::NotOnCurve`] or [`GroupError::Order`].
    pub fn check(&self) -> Result<(), GroupError> {
        match self {
            Self::Modp(group) => group.check_prime(),
            Self::Ec2n(group) => group.check(),
        }
    }

    pub(super) fn kind(&self) -> GroupKind<'_> {
        match self {
            Self::Modp(group) => {
                GroupKind::Modp(Modp { prime: &group.prime, generator: &group.generator, order: None })
            }
            Self::Ec2n(group) => GroupKind::Ec2n(group.numbers()),
        }
    }
}

/// A MODP group that has a prime and a generator of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PrivateModp {
    prime: Arc<[u8]>,
    generator: Arc<[u8]>,
}

/// Why numbers define no group that is used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// The prime is shorter than that of the weakest group of RFC 2409, or longer than is tested for primality.
    #[error(
        "prime of {got} bits, expected {} to {}",
        PrivateModp::PRIME_BITS_MIN,
        PrivateModp::PRIME_BITS_MAX
    )]
    PrimeBits {
        /// Its length in bits.
        got: usize,
    },
    /// The prime is even.
    #[error("the prime is even")]
    EvenPrime,
    /// The generator is not from 2 to p-2: it would generate 0, 1, or 1 and p-1.
    #[error("the generator is not from 2 to p-2")]
    Generator,
    /// The prime is none.
    #[error("the prime is a composite number")]
    Composite,
    /// The polynomial has a lower degree than that of the weaker curve of RFC 2409, or a higher one than there is room for.
    #[error(
        "polynomial of degree {got}, expected {} to {}",
        PrivateEc2n::DEGREE_MIN,
        PrivateEc2n::DEGREE_MAX
    )]
    Degree {
        /// Its degree.
        got: usize,
    },
    /// A parameter of the curve or a coordinate has more bits than the field, or b or the generator's x is zero.
    #[error("{what} is no such element of the field")]
    Element {
        /// Which number it is.
        what: &'static str,
    },
    /// The polynomial is a product of others.
    #[error("the polynomial is reducible")]
    Reducible,
    /// The generator is no point of the curve.
    #[error("the generator is not on the curve")]
    NotOnCurve,
    /// The order is not one that the generator can have, or it has another.
    #[error("the order is not the generator's")]
    Order,
}

impl PrivateModp {
    /// Bits of the shortest prime: as the First Oakley group (RFC 2409 section 6.1).
    pub const PRIME_BITS_MIN: usize = 768;
    /// Bits of the longest prime. Its primality test takes less than a second.
    pub const PRIME_BITS_MAX: usize = 4096;

    fn new(prime: &[u8], generator: &[u8]) -> Result<Self, GroupError> {
        let (prime, generator) = (trimmed(prime), trimmed(generator));
        let got = bits(prime);
        if !(Self::PRIME_BITS_MIN..=Self::PRIME_BITS_MAX).contains(&got) {
            return Err(GroupError::PrimeBits { got });
        }
        let Some((last, head)) = prime.split_last().filter(|(last, _)| *last & 1 == 1) else {
            return Err(GroupError::EvenPrime);
        };
        // p is odd, so p-1 differs from it in the last bit only. Numbers of one length compare as their bytes do.
        let p_minus_1 = [head, &[last & 0xfe]].concat();
        let below = (generator.len(), generator) < (p_minus_1.len(), p_minus_1.as_slice());
        if !below || matches!(generator, [] | [1]) {
            return Err(GroupError::Generator);
        }
        Ok(Self { prime: prime.into(), generator: generator.into() })
    }

    fn check_prime(&self) -> Result<(), GroupError> {
        let prime = BoxedUint::from_be_slice_vartime(&self.prime);
        if is_prime(Flavor::Any, &prime) { Ok(()) } else { Err(GroupError::Composite) }
    }

    /// The prime p, big-endian, without leading zeros.
    #[must_use]
    pub fn prime(&self) -> &[u8] {
        &self.prime
    }

    /// Length of the prime in bits.
    #[must_use]
    pub fn prime_bits(&self) -> usize {
        bits(&self.prime)
    }

    /// The generator g, big-endian, without leading zeros.
    #[must_use]
    pub fn generator(&self) -> &[u8] {
        &self.generator
    }
}

/// Length in bits of a number without leading zero bytes.
pub(super) fn bits(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |first| first.leading_zeros());
    number.len().saturating_mul(8).saturating_sub(usize::try_from(unused).unwrap_or(0))
}

/// The number without leading zero bytes.
pub(super) fn trimmed(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}
