//! Curves `y^2 + xy = x^3 + ax^2 + b` over GF(2^m) with big integers (RFC 2409 section 6.3).
//!
//! A KE payload has an x coordinate alone, and that of a multiple follows from it without y and without a: for two points
//! whose difference is known, `x(P+Q) = x(P-Q) + x(P) x(Q) / (x(P) + x(Q))^2`, and `x(2P) = x(P)^2 + b / x(P)^2`.

use num_bigint::BigUint;

/// A curve over a binary field. An element is the number whose bits are the coefficients of a polynomial.
#[derive(Debug, Clone)]
pub(super) struct BinaryCurve {
    /// The irreducible polynomial of the field.
    polynomial: BigUint,
    b: BigUint,
}

/// An x coordinate as a quotient, so that only the end of a multiplication has to divide; at infinity `under` is zero.
#[derive(Debug)]
struct Fraction {
    over: BigUint,
    under: BigUint,
}

impl BinaryCurve {
    /// The curve of a group of RFC 2409 section 6.
    pub(super) fn of_group(group: u16) -> Option<Self> {
        let (degree, middle, b) = match group {
            3 => (155, 62, 0x0007_338f_u32),
            4 => (185, 69, 0x1ee9),
            _ => return None,
        };
        let one = BigUint::from(1_u8);
        let polynomial = (&one << degree) + (&one << middle) + &one;
        Some(Self { polynomial, b: BigUint::from(b) })
    }

    /// The curve by its numbers in octets; `None` without a polynomial, or with one that no group in use has.
    pub(super) fn in_full(polynomial: &[u8], b: &[u8]) -> Option<Self> {
        let [polynomial, b] = [polynomial, b].map(BigUint::from_bytes_be);
        let curve = Self { polynomial, b };
        (1..=MAX_DEGREE).contains(&curve.degree()).then_some(curve)
    }

    fn degree(&self) -> u64 {
        self.polynomial.bits().saturating_sub(1)
    }

    /// Length of a coordinate in octets.
    pub(super) fn coordinate_len(&self) -> usize {
        usize::try_from(self.degree().div_ceil(8)).unwrap_or(usize::MAX)
    }

    /// The x coordinate of `factor * P`; `None` at infinity.
    pub(super) fn multiply(&self, factor: &BigUint, x: &BigUint) -> Option<BigUint> {
        let x = &self.reduce(x.clone());
        let one = || BigUint::from(1_u8);
        // Two points whose difference is P all the way, the first of them at infinity.
        let mut lower = Fraction { over: one(), under: BigUint::ZERO };
        let mut upper = Fraction { over: x.clone(), under: one() };
        for bit in (0..factor.bits()).rev() {
            let sum = self.sum(&lower, &upper, x);
            (lower, upper) =
                if factor.bit(bit) { (sum, self.double(&upper)) } else { (self.double(&lower), sum) };
        }
        Some(self.product(&lower.over, &self.inverse(&lower.under)?))
    }

    /// `x(P+Q)` by the difference of the two.
    fn sum(&self, p: &Fraction, q: &Fraction, difference: &BigUint) -> Fraction {
        let (left, right) = (self.product(&p.over, &q.under), self.product(&q.over, &p.under));
        let apart = &left ^ &right;
        let under = self.product(&apart, &apart);
        Fraction { over: self.product(difference, &under) ^ self.product(&left, &right), under }
    }

    fn double(&self, p: &Fraction) -> Fraction {
        let square = |a: &BigUint| self.product(a, a);
        let (over, under) = (square(&p.over), square(&p.under));
        let quotient = self.product(&self.b, &square(&under));
        Fraction { over: square(&over) ^ quotient, under: self.product(&over, &under) }
    }

    /// `a * b`: a product of integers whose digits are the coefficients, where no digit has room to carry.
    fn product(&self, a: &BigUint, b: &BigUint) -> BigUint {
        let digits = (spread(a) * spread(b)).to_bytes_le();
        let bits: Vec<u8> = digits.iter().step_by(DIGIT).map(|digit| digit & 1).collect();
        // Two is a radix, and the bits are digits of it.
        self.reduce(BigUint::from_radix_le(&bits, 2).unwrap_or_default())
    }

    /// The element modulo the polynomial, which is `u^m` and a rest, so that `u^m` may be replaced by that rest: all at once
    /// where the rest is short, as in most fields, and else one power after the other, which is less work.
    fn reduce(&self, mut element: BigUint) -> BigUint {
        let degree = self.degree();
        let is_short = self.polynomial.count_ones() <= FEW_TERMS;
        while let Some(excess) = element.bits().checked_sub(self.polynomial.bits()) {
            if is_short {
                let high = &element >> degree;
                for term in (0..=degree).filter(|term| self.polynomial.bit(*term)) {
                    element ^= &high << term;
                }
            } else {
                element ^= &self.polynomial << excess;
            }
        }
        element
    }

    /// By Euclid's algorithm; `None` for zero, or when the polynomial is reducible.
    fn inverse(&self, element: &BigUint) -> Option<BigUint> {
        let one = BigUint::from(1_u8);
        // `a` is `a_factor * element`, and `b` is `b_factor * element`, modulo the polynomial.
        let (mut a, mut b) = (self.reduce(element.clone()), self.polynomial.clone());
        let (mut a_factor, mut b_factor) = (one.clone(), BigUint::ZERO);
        while a != one {
            if a == BigUint::ZERO {
                return None;
            }
            if a.bits() < b.bits() {
                std::mem::swap(&mut a, &mut b);
                std::mem::swap(&mut a_factor, &mut b_factor);
            }
            let shift = a.bits() - b.bits();
            a ^= &b << shift;
            a_factor ^= &b_factor << shift;
        }
        Some(self.reduce(a_factor))
    }
}

/// A peer that gives a group in full must not keep the oracle busy.
const MAX_DEGREE: u64 = 1024;

/// Trinomials and pentanomials make the fields in use.
const FEW_TERMS: u64 = 5;

/// Octets of a digit: two count further than the degree.
const DIGIT: usize = 2;

/// The integer with an element's coefficients as its digits.
fn spread(element: &BigUint) -> BigUint {
    let digits: Vec<u8> = element.to_radix_le(2).into_iter().flat_map(|bit| [bit, 0]).collect();
    BigUint::from_bytes_le(&digits)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn an_element_times_its_inverse_is_one() {
        let curve = BinaryCurve::of_group(3).unwrap();
        for number in [1_u32, 2, 3, 0x7b, 0x0007_338f, u32::MAX] {
            let element = BigUint::from(number) << 100_u8;
            let inverse = curve.inverse(&element).unwrap();
            assert_eq!(curve.product(&element, &inverse), BigUint::from(1_u8), "{number}");
        }
        assert_eq!(curve.inverse(&BigUint::ZERO), None);
        assert_eq!(curve.inverse(&curve.polynomial), None);
    }

    #[rstest]
    #[case::five_terms(&[0x01, 0x1b])]
    #[case::seven_terms(&[0x01, 0xf9])]
    fn every_element_of_a_small_field_has_an_inverse(#[case] polynomial: &[u8]) {
        let curve = BinaryCurve::in_full(polynomial, &[1]).unwrap();
        for number in 1..=u8::MAX {
            let element = BigUint::from(number);
            let inverse = curve.inverse(&element).unwrap();
            assert!(inverse.bits() <= 8, "{number}");
            assert_eq!(curve.product(&element, &inverse), BigUint::from(1_u8), "{number}");
        }
    }

    #[test]
    fn a_field_has_a_degree_from_1_to_1024() {
        let of_degree = |degree: u64| (BigUint::from(1_u8) << degree).to_bytes_be();
        let taken = [0, 1, 1024, 1025].map(|degree| BinaryCurve::in_full(&of_degree(degree), &[1]).is_some());
        assert_eq!(taken, [false, true, true, false]);
        assert!(BinaryCurve::in_full(&[], &[1]).is_none());
    }

    /// The generators' orders by RFC 2412 Appendices E.3 and E.4.
    #[test]
    fn the_order_leads_to_infinity() {
        let groups = [
            (3, 0x7b_u8, 4_u8, "3805993847215893016155463826195386266397436443"),
            (4, 0x18, 2, "12259964326927110866866776214413170562013096250261263279"),
        ];
        for (group, generator, factor, prime) in groups {
            let curve = BinaryCurve::of_group(group).unwrap();
            let generator = BigUint::from(generator);
            let order: BigUint = prime.parse::<BigUint>().unwrap() * factor;
            assert_eq!(curve.multiply(&order, &generator), None);
            assert_eq!(curve.multiply(&(&order - 1_u8), &generator), Some(generator.clone()));
            assert_eq!(curve.multiply(&(&order / 2_u8), &generator), Some(BigUint::ZERO));
        }
    }
}
