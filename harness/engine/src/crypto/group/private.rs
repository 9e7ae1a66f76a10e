//! MODP groups that two sides define by their numbers (RFC 2409 section 5.6).

use std::sync::Arc;

use crypto_primes::{Flavor, is_prime};
use rsa::BoxedUint;

/// A MODP group that has no Group Description of the registry, but a prime and a generator of its own.
///
/// ```
/// use ikev1::crypto::{GroupError, PrivateGroup};
///
/// let mut odd = [0xff; 128];
/// assert_eq!(PrivateGroup::new(&odd, &[1]), Err(GroupError::Generator));
/// let group = PrivateGroup::new(&odd, &[2])?;
/// assert_eq!(group.check_prime(), Err(GroupError::Composite)); // 2^1024 - 1 is divisible by 3
/// odd[127] = 0xfe;
/// assert_eq!(PrivateGroup::new(&odd, &[2]), Err(GroupError::EvenPrime));
/// # Ok::<(), GroupError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PrivateGroup {
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
        PrivateGroup::PRIME_BITS_MIN,
        PrivateGroup::PRIME_BITS_MAX
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
}

impl PrivateGroup {
    /// Bits of the shortest prime: as the First Oakley group (RFC 2409 section 6.1).
    pub const PRIME_BITS_MIN: usize = 768;
    /// Bits of the longest prime. Its primality test takes less than a second.
    pub const PRIME_BITS_MAX: usize = 4096;

    /// A group by its prime and generator, big-endian. Leading zeros say nothing.
    ///
    /// What costs more than a comparison is left to [`check_prime`](Self::check_prime).
    ///
    /// # Errors
    /// [`GroupError::PrimeBits`], [`GroupError::EvenPrime`] or [`GroupError::Generator`].
    pub fn new(prime: &[u8], generator: &[u8]) -> Result<Self, GroupError> {
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

    /// Whether the prime is one, by the test of Baillie, Pomerance, Selfridge and Wagstaff, of which no composite number
    /// is known that passes.
    ///
    /// RFC 2409 asks for no more. That p is a safe prime, or the generator's order large, is not tested: whoever defines
    /// the group is the other end of the exchange, and knows the secret whatever the group is.
    ///
    /// # Errors
    /// [`GroupError::Composite`].
    pub fn check_prime(&self) -> Result<(), GroupError> {
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
fn bits(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |first| first.leading_zeros());
    number.len().saturating_mul(8).saturating_sub(usize::try_from(unused).unwrap_or(0))
}

fn trimmed(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}
