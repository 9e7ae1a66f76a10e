//! The MODP primes from their formula: pi in, prime out.

use num_bigint::BigUint;

/// Bits carried beyond the asked-for ones, so that rounding cannot reach them.
const GUARD_BITS: u64 = 128;

/// `floor(2^bits * pi)`, by Machin's formula `pi = 16 arctan(1/5) - 4 arctan(1/239)`.
///
/// ```
/// assert_eq!(ikev1_runner::vectors::scaled_pi(10).to_string(), "3216"); // 1024 * 3.14159... = 3216.99...
/// ```
#[must_use]
pub fn scaled_pi(bits: u32) -> BigUint {
    let mut guard = GUARD_BITS;
    loop {
        let one = BigUint::from(1_u32) << (u64::from(bits) + guard);
        let pi = arctan_inverse(&one, 5) * 16_u32 - arctan_inverse(&one, 239) * 4_u32;
        // Each term of the two series is cut by less than one unit, and there are far fewer than 2^32 of them.
        let error = BigUint::from(1_u32) << 40_u32;
        let (low, high) = ((&pi - &error) >> guard, (&pi + &error) >> guard);
        if low == high {
            return low;
        }
        // The guard bits happen to be all zeros or all ones: decide with more of them.
        guard *= 2;
    }
}

/// `one * arctan(1/x)`: the series `1/x - 1/(3 x^3) + 1/(5 x^5) - ...`
fn arctan_inverse(one: &BigUint, x: u32) -> BigUint {
    let zero = BigUint::default();
    let square = x * x;
    let mut power = one / x;
    let (mut plus, mut minus) = (zero.clone(), zero.clone());
    let mut divisor = 1_u32;
    let mut add = true;
    while power > zero {
        let term = &power / divisor;
        if add {
            plus += term;
        } else {
            minus += term;
        }
        add = !add;
        power /= square;
        divisor += 2;
    }
    plus - minus
}

/// `2^n - 2^(n-64) - 1 + 2^64 * (floor(2^(n-130) * pi) + k)`, big-endian; `None` when n is below 130 or above 16384.
///
/// The formula of every MODP prime in RFC 2409 section 6 and RFC 3526.
#[must_use]
pub fn modp_prime(n: u32, k: u32) -> Option<Vec<u8>> {
    if !(130..=16384).contains(&n) {
        return None;
    }
    let power = |exponent: u32| BigUint::from(1_u32) << exponent;
    let middle = scaled_pi(n - 130) + k;
    let prime = power(n) - power(n - 64) - 1_u32 + (middle << 64_u32);
    Some(prime.to_bytes_be())
}

#[cfg(test)]
mod tests {
    use ikev1::crypto::{Group, GroupKind};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::no_fraction(0, "3")]
    #[case::one_bit(1, "6")]
    #[case::sixty_four_bits(64, "57952155664616982739")]
    fn scales_pi(#[case] bits: u32, #[case] expected: &str) {
        assert_eq!(scaled_pi(bits).to_string(), expected);
    }

    #[test]
    fn more_bits_only_add_digits() {
        let long = scaled_pi(5000);
        for bits in [1, 63, 64, 638, 894, 1406, 1918] {
            assert_eq!(scaled_pi(bits), &long >> (5000 - bits), "{bits}");
        }
    }

    #[rstest]
    #[case::modp768(Group::Modp768, 149_686)]
    #[case::modp1024(Group::Modp1024, 129_093)]
    #[case::modp1536(Group::Modp1536, 741_804)]
    #[case::modp2048(Group::Modp2048, 124_476)]
    #[case::modp3072(Group::Modp3072, 1_690_314)]
    #[case::modp4096(Group::Modp4096, 240_904)]
    #[case::modp6144(Group::Modp6144, 929_484)]
    #[case::modp8192(Group::Modp8192, 4_743_158)]
    fn gives_the_primes_of_the_engine(#[case] group: Group, #[case] k: u32) {
        let GroupKind::Modp(modp) = group.kind() else { unreachable!("{} is a MODP group", group.name()) };
        let n = u32::try_from(modp.prime.len() * 8).unwrap();
        assert_eq!(modp_prime(n, k).unwrap(), modp.prime);
        assert_ne!(modp_prime(n, k + 1).unwrap(), modp.prime);
    }

    #[test]
    fn refuses_a_size_the_formula_does_not_reach() {
        assert_eq!(modp_prime(129, 0), None);
        assert_eq!(modp_prime(16385, 0), None);
    }
}
