//! Diffie-Hellman over the MODP groups, whose primes come from their formula.

use std::sync::LazyLock;

use num_bigint::BigUint;

/// Group Description, length n of the prime in bits, and the k of its formula (RFC 2409 section 6, RFC 3526).
const GROUPS: [(u16, u32, u32); 4] =
    [(1, 768, 149_686), (2, 1024, 129_093), (5, 1536, 741_804), (14, 2048, 124_476)];

static PRIMES: LazyLock<[BigUint; 4]> = LazyLock::new(|| GROUPS.map(|(_, n, k)| prime(n, k)));

/// `g^xy mod p`, as long as p, from one side's private exponent and the other's public value; `None` for another group.
pub(super) fn shared_secret(group: u16, exponent: &[u8], public: &[u8]) -> Option<Vec<u8>> {
    let index = GROUPS.iter().position(|(id, ..)| *id == group)?;
    let (prime, bits) = (PRIMES.get(index)?, GROUPS.get(index)?.1);
    let secret =
        BigUint::from_bytes_be(public).modpow(&BigUint::from_bytes_be(exponent), prime).to_bytes_be();
    let len = usize::try_from(bits / 8).ok()?;
    let mut padded = vec![0; len.checked_sub(secret.len())?];
    padded.extend(secret);
    Some(padded)
}

/// `2^n - 2^(n-64) - 1 + 2^64 * (floor(2^(n-130) pi) + k)`.
fn prime(n: u32, k: u32) -> BigUint {
    /// Bits below the ones that count: they take up what each term of the series loses.
    const GUARD: u32 = 64;
    let one = BigUint::from(1_u8);
    let pi = scaled_pi(n - 130 + GUARD) >> GUARD;
    (&one << n) - (&one << (n - 64)) - &one + ((pi + k) << 64_u32)
}

/// `2^bits pi`, a little less: `pi = 20 arctan(1/7) + 8 arctan(3/79)`, each by Euler's series of positive terms.
fn scaled_pi(bits: u32) -> BigUint {
    let one = BigUint::from(1_u8) << bits;
    arctan(&one, 1, 7) * 20_u8 + arctan(&one, 3, 79) * 8_u8
}

/// `one * arctan(a/b)`: the first term is `ab / (a^2 + b^2)`, and each next one is `2n / (2n + 1) * a^2 / (a^2 + b^2)`
/// of the one before.
fn arctan(one: &BigUint, a: u32, b: u32) -> BigUint {
    let square = a * a + b * b;
    let mut term = one * (a * b) / square;
    let mut sum = BigUint::ZERO;
    let mut n = 0_u32;
    while term != BigUint::ZERO {
        sum += &term;
        n += 1;
        term = term * (2 * n * a * a) / ((2 * n + 1) * square);
    }
    sum
}

#[cfg(test)]
mod tests {
    use ikev1::crypto::Group;

    use super::*;

    #[test]
    fn the_primes_are_those_of_the_rfcs() {
        for ((id, ..), prime) in GROUPS.iter().zip(PRIMES.iter()) {
            assert_eq!(prime.to_bytes_be(), Group::from_id(*id).unwrap().prime_bytes(), "group {id}");
        }
    }

    #[test]
    fn a_shared_secret_is_as_long_as_the_prime() {
        let secret = shared_secret(2, &[3], &[2]).unwrap();
        assert_eq!((secret.len(), secret.last()), (128, Some(&8)));
        assert_eq!(shared_secret(3, &[3], &[2]), None);
    }
}
