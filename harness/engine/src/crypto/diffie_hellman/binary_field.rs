//! Arithmetic in GF(2^m): polynomials over two elements modulo an irreducible one.

/// Limbs of an element. A product needs one bit more than its field's elements before it is reduced.
const LIMBS: usize = 9;
const LIMB_BITS: usize = 64;

/// A polynomial over two elements; bit `i` of the number is the coefficient of `u^i` (RFC 2412 Appendix A).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::crypto) struct Element([u64; LIMBS]);

impl Element {
    pub(in crate::crypto) const ZERO: Self = Self::of(0);
    pub(in crate::crypto) const ONE: Self = Self::of(1);

    const fn of(lowest: u64) -> Self {
        let mut limbs = [0; LIMBS];
        limbs[0] = lowest;
        Self(limbs)
    }

    /// Reads a big-endian number; `None` when it has more bits than any element.
    pub(in crate::crypto) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut limbs = [0; LIMBS];
        let mut chunks = bytes.rchunks(LIMB_BITS / 8);
        for (limb, chunk) in limbs.iter_mut().zip(&mut chunks) {
            *limb = chunk.iter().fold(0, |limb, byte| limb << 8 | u64::from(*byte));
        }
        chunks.flatten().all(|byte| *byte == 0).then_some(Self(limbs))
    }

    /// The number, big-endian, in that many bytes; more significant ones are cut off.
    pub(in crate::crypto) fn to_bytes(self, len: usize) -> Vec<u8> {
        let bytes: Vec<u8> = self.0.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
        let zeros = vec![0; len.saturating_sub(bytes.len())];
        [&zeros, bytes.get(bytes.len().saturating_sub(len)..).unwrap_or_default()].concat()
    }

    /// Length of the number in bits: one more than the degree of the polynomial, and 0 for zero.
    pub(in crate::crypto) fn bits(&self) -> usize {
        let mut limbs = self.0.iter().enumerate().rev();
        limbs.find(|(_, limb)| **limb != 0).map_or(0, |(index, limb)| {
            let unused = usize::try_from(limb.leading_zeros()).unwrap_or(LIMB_BITS);
            (index + 1) * LIMB_BITS - unused
        })
    }

    /// The coefficient of `u^index`: 0 or 1.
    fn bit(&self, index: usize) -> u64 {
        self.0.get(index / LIMB_BITS).map_or(0, |limb| limb >> (index % LIMB_BITS) & 1)
    }

    /// `a + b`, which is `a - b` too.
    pub(in crate::crypto) fn plus(mut self, other: &Self) -> Self {
        for (limb, other) in self.0.iter_mut().zip(&other.0) {
            *limb ^= other;
        }
        self
    }

    /// Exchanges the two when `swap` is 1, and leaves them when it is 0, with no branch on it.
    pub(in crate::crypto) fn swap_if(swap: u64, a: &mut Self, b: &mut Self) {
        let mask = swap.wrapping_neg();
        for (a, b) in a.0.iter_mut().zip(&mut b.0) {
            let difference = (*a ^ *b) & mask;
            *a ^= difference;
            *b ^= difference;
        }
    }

    /// `self * u`; what goes beyond the limbs is lost.
    fn times_u(&mut self, limbs: usize) {
        let mut carry = 0;
        for limb in self.0.iter_mut().take(limbs) {
            let next = *limb >> (LIMB_BITS - 1);
            *limb = *limb << 1 | carry;
            carry = next;
        }
    }
}

/// The field of the polynomials modulo one, or the ring if that one is not irreducible.
#[derive(Debug, Clone)]
pub(in crate::crypto) struct Field {
    polynomial: Element,
    degree: usize,
    /// Limbs that the polynomial takes up. No element of the field has others.
    limbs: usize,
}

impl Field {
    /// The field by its polynomial as a big-endian number; `None` unless its degree is from 1 to 575, for which the limbs
    /// have room.
    pub(in crate::crypto) fn new(polynomial: &[u8]) -> Option<Self> {
        let polynomial = Element::from_bytes(polynomial)?;
        let degree = polynomial.bits().checked_sub(1).filter(|degree| *degree > 0)?;
        Some(Self { polynomial, degree, limbs: degree / LIMB_BITS + 1 })
    }

    /// The element with that number, big-endian; `None` when the number is not below `2^m`.
    pub(in crate::crypto) fn element(&self, bytes: &[u8]) -> Option<Element> {
        Element::from_bytes(bytes).filter(|element| element.bits() <= self.degree)
    }

    /// Whether the polynomial is irreducible: it divides `u^(2^m) - u`, and has no common factor with `u^(2^d) - u` for a
    /// proper divisor d of m (Rabin's test).
    pub(in crate::crypto) fn is_irreducible(&self) -> bool {
        let u = Element::of(2);
        let mut power = u;
        for exponent in 1..=self.degree {
            power = self.square(&power);
            let proper_divisor = exponent < self.degree && self.degree.is_multiple_of(exponent);
            if proper_divisor && self.common_factor(&power.plus(&u)) != Element::ONE {
                return false;
            }
        }
        power == u
    }

    /// The greatest common divisor of the polynomial and another, by Euclid's algorithm.
    fn common_factor(&self, other: &Element) -> Element {
        let (mut a, mut b) = (*other, self.polynomial);
        while a != Element::ZERO {
            if a.bits() < b.bits() {
                core::mem::swap(&mut a, &mut b);
            }
            let mut shifted = b;
            for _ in b.bits()..a.bits() {
                shifted.times_u(LIMBS);
            }
            a = a.plus(&shifted);
        }
        b
    }

    /// `a * b`, by shifting and adding, with no branch on either.
    pub(in crate::crypto) fn product(&self, a: &Element, b: &Element) -> Element {
        let mut product = Element::ZERO;
        for bit in (0..self.degree).rev() {
            product.times_u(self.limbs);
            let reduce = product.bit(self.degree).wrapping_neg();
            let add = b.bit(bit).wrapping_neg();
            let terms = self.polynomial.0.iter().zip(&a.0);
            for (limb, (modulus, a)) in product.0.iter_mut().zip(terms).take(self.limbs) {
                *limb ^= modulus & reduce ^ a & add;
            }
        }
        product
    }

    /// `a^2`.
    pub(in crate::crypto) fn square(&self, a: &Element) -> Element {
        self.product(a, a)
    }

    /// `1 / a = a^(2^m - 2)`; zero for zero.
    pub(in crate::crypto) fn inverse(&self, a: &Element) -> Element {
        // 2^m - 2 is m-1 ones and a zero.
        let mut power = Element::ONE;
        for _ in 1..self.degree {
            power = self.product(&self.square(&power), a);
        }
        self.square(&power)
    }

    /// The trace of an element, `a + a^2 + a^4 + ... + a^(2^(m-1))`, which is 0 or 1. `z^2 + z = a` has solutions where it
    /// is 0.
    pub(in crate::crypto) fn trace(&self, a: &Element) -> Element {
        let mut conjugate = *a;
        let mut sum = *a;
        for _ in 1..self.degree {
            conjugate = self.square(&conjugate);
            sum = sum.plus(&conjugate);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// `u^8 + u^4 + u^3 + u + 1`, the field of AES.
    fn gf_256() -> Field {
        Field::new(&[0x01, 0x1b]).unwrap()
    }

    /// `u^155 + u^62 + 1` (RFC 2409 section 6.3).
    fn gf_2_155() -> Field {
        Field::new(&hex::decode("0800000000000000000000004000000000000001").unwrap()).unwrap()
    }

    #[test]
    fn multiplies_as_fips_197_shows() {
        let product = |a, b| gf_256().product(&Element::of(a), &Element::of(b));
        assert_eq!(product(0x57, 0x83), Element::of(0xc1));
        assert_eq!(product(0x57, 0x13), Element::of(0xfe));
        assert_eq!(gf_256().inverse(&Element::of(0x53)), Element::of(0xca));
        assert_eq!(gf_256().inverse(&Element::ZERO), Element::ZERO);
    }

    #[test]
    fn half_of_the_elements_have_trace_zero() {
        let field = gf_256();
        let solved: Vec<_> =
            (0..=0xff).map(|z| field.square(&Element::of(z)).plus(&Element::of(z))).collect();
        let mut zeros = 0;
        for a in 0..=0xff {
            let a = Element::of(a);
            let trace = field.trace(&a);
            assert_eq!(trace == Element::ZERO, solved.contains(&a));
            assert!(trace == Element::ZERO || trace == Element::ONE);
            zeros += usize::from(trace == Element::ZERO);
        }
        assert_eq!(zeros, 128);
    }

    #[test]
    fn reads_and_writes_numbers() {
        let number = hex::decode("0102030405060708090a0b").unwrap();
        let element = Element::from_bytes(&number).unwrap();
        assert_eq!(element.to_bytes(11), number);
        assert_eq!(element.to_bytes(12), [&[0], &number[..]].concat());
        assert_eq!(element.bits(), 81);
        assert_eq!(Element::ZERO.bits(), 0);
        assert_eq!(Element::from_bytes(&[&[0; 40][..], &[0xff; 72]].concat()).unwrap().bits(), 576);
        assert_eq!(Element::from_bytes(&[&[1][..], &[0; 72]].concat()), None);
        assert_eq!(Element::ONE.to_bytes(100), [&[0; 99][..], &[1]].concat());
    }

    /// Every polynomial of degree 8 against all products of two of lower degree.
    #[test]
    fn a_polynomial_is_irreducible_when_it_is_no_product() {
        let carryless =
            |a: u16, b: u16| (0..9).filter(|bit| b >> bit & 1 == 1).fold(0, |sum, bit| sum ^ a << bit);
        let products: BTreeSet<u16> = (2..256).flat_map(|a| (2..256).map(move |b| carryless(a, b))).collect();
        let mut irreducible = 0;
        for polynomial in 0x100..0x200_u16 {
            let field = Field::new(&polynomial.to_be_bytes()).unwrap();
            assert_eq!(field.is_irreducible(), !products.contains(&polynomial), "{polynomial:#x}");
            irreducible += usize::from(field.is_irreducible());
        }
        assert_eq!(irreducible, 30);
        assert!(gf_2_155().is_irreducible());
    }

    #[test]
    fn elements_have_as_many_bits_as_the_degree_says() {
        let field = gf_2_155();
        assert_eq!(field.degree, 155);
        assert!(field.element(&[&[0x07][..], &[0xff; 19]].concat()).is_some());
        assert_eq!(field.element(&[&[0x08][..], &[0; 19]].concat()), None);
    }

    #[test]
    fn a_constant_is_no_polynomial_of_a_field() {
        for polynomial in [&[][..], &[0], &[1]] {
            assert!(Field::new(polynomial).is_none());
        }
        assert_eq!(Field::new(&[0xff; 72]).unwrap().degree, 575);
        assert!(Field::new(&[&[1][..], &[0; 72]].concat()).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn an_element_times_its_inverse_is_one(bytes in any::<[u8; 18]>()) {
            let a = Element::from_bytes(&[&bytes[..], &[1]].concat()).unwrap();
            let field = gf_2_155();
            prop_assert_eq!(field.product(&a, &field.inverse(&a)), Element::ONE);
        }

        #[test]
        fn multiplication_distributes(a in any::<[u8; 19]>(), b in any::<[u8; 19]>(), c in any::<[u8; 19]>()) {
            let [a, b, c] = [a, b, c].map(|bytes| Element::from_bytes(&bytes).unwrap());
            let field = gf_2_155();
            let product = field.product(&a, &b.plus(&c));
            prop_assert_eq!(product, field.product(&a, &b).plus(&field.product(&c, &a)));
        }
    }
}
