//! Multiples of points of `y^2 + xy = x^3 + ax^2 + b` over GF(2^m), by their x coordinates alone (RFC 2409 section 6.3).
//!
//! A KE payload has no y coordinate, and neither has `g^xy`: a point and its negative, `(x, x + y)`, have multiples of the
//! same x. The ladder of López and Dahab computes with nothing else, so that no y is ever solved for.

use super::binary_field::{Element, Field};

/// A curve over a binary field.
#[derive(Debug, Clone)]
pub(in crate::crypto) struct BinaryCurve {
    field: Field,
    a: Element,
    b: Element,
}

/// An x coordinate `x / z`; at infinity `z` is zero.
#[derive(Debug, Clone, Copy)]
struct Projective {
    x: Element,
    z: Element,
}

impl BinaryCurve {
    /// The curve by polynomial, a and b, big-endian; `None` when the polynomial makes no field of these limbs, a or b is no
    /// element of it, or b is zero.
    ///
    /// That the polynomial is irreducible is not looked at.
    pub(in crate::crypto) fn new(polynomial: &[u8], a: &[u8], b: &[u8]) -> Option<Self> {
        let field = Field::new(polynomial)?;
        let a = field.element(a)?;
        let b = field.element(b).filter(|b| *b != Element::ZERO)?;
        Some(Self { field, a, b })
    }

    /// The x coordinate of a point of the curve other than `(0, sqrt(b))`, the one point of order 2; `None` when it is none.
    ///
    /// With `y = xz` the equation is `z^2 + z = x + a + b/x^2`, which has solutions where the right side has trace zero.
    pub(in crate::crypto) fn x(&self, x: &[u8]) -> Option<Element> {
        let field = &self.field;
        let x = field.element(x).filter(|x| *x != Element::ZERO)?;
        let squared = field.square(&field.inverse(&x));
        let right = x.plus(&self.a).plus(&field.product(&self.b, &squared));
        (field.trace(&right) == Element::ZERO).then_some(x)
    }

    /// Whether the coordinates are those of a point.
    pub(in crate::crypto) fn contains(&self, x: &Element, y: &Element) -> bool {
        let field = &self.field;
        let left = field.square(y).plus(&field.product(x, y));
        left == field.product(&field.square(x), &x.plus(&self.a)).plus(&self.b)
    }

    /// The x coordinate of `scalar * P`, where `x` is that of P and is not zero; `None` at infinity.
    ///
    /// The scalar is big-endian. Its length shows in the time that this takes, its value does not.
    pub(in crate::crypto) fn multiple(&self, scalar: &[u8], x: &Element) -> Option<Element> {
        // `next` is `product + P` all the way.
        let mut product = Projective { x: Element::ONE, z: Element::ZERO };
        let mut next = Projective { x: *x, z: Element::ONE };
        for byte in scalar {
            for shift in (0..8).rev() {
                let bit = u64::from(byte >> shift & 1);
                Projective::swap_if(bit, &mut product, &mut next);
                next = self.sum(&product, &next, x);
                product = self.double(&product);
                Projective::swap_if(bit, &mut product, &mut next);
            }
        }
        let inverse = self.field.inverse(&product.z);
        (product.z != Element::ZERO).then(|| self.field.product(&product.x, &inverse))
    }

    /// The x coordinate of the sum of two points, where `x` is that of their difference.
    fn sum(&self, p: &Projective, q: &Projective, x: &Element) -> Projective {
        let field = &self.field;
        let (left, right) = (field.product(&p.x, &q.z), field.product(&q.x, &p.z));
        let z = field.square(&left.plus(&right));
        Projective { x: field.product(x, &z).plus(&field.product(&left, &right)), z }
    }

    /// The x coordinate of twice a point: `x^2 + b/x^2`.
    fn double(&self, p: &Projective) -> Projective {
        let field = &self.field;
        let (x, z) = (field.square(&p.x), field.square(&p.z));
        let z_4 = field.product(&self.b, &field.square(&z));
        Projective { x: field.square(&x).plus(&z_4), z: field.product(&x, &z) }
    }
}

impl Projective {
    fn swap_if(swap: u64, a: &mut Self, b: &mut Self) {
        Element::swap_if(swap, &mut a.x, &mut b.x);
        Element::swap_if(swap, &mut a.z, &mut b.z);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `y^2 + xy = x^3 + x^2 + u^3` over the 16 elements of `u^4 + u + 1`, small enough to look at every point.
    fn small() -> BinaryCurve {
        BinaryCurve::new(&[0b1_0011], &[1], &[0b1000]).unwrap()
    }

    /// Every affine point.
    fn points(curve: &BinaryCurve) -> Vec<(Element, Element)> {
        let field = &curve.field;
        let elements: Vec<_> = (0..16).map(|number| field.element(&[number]).unwrap()).collect();
        let pairs = elements.iter().flat_map(|x| elements.iter().map(move |y| (*x, *y)));
        pairs.filter(|(x, y)| curve.contains(x, y)).collect()
    }

    /// The sum of two points by chord and tangent; `None` is infinity.
    fn sum(
        curve: &BinaryCurve,
        p: Option<(Element, Element)>,
        q: (Element, Element),
    ) -> Option<(Element, Element)> {
        let field = &curve.field;
        let Some((x_1, y_1)) = p else { return Some(q) };
        let (x_2, y_2) = q;
        let slope = if x_1 != x_2 {
            field.product(&y_1.plus(&y_2), &field.inverse(&x_1.plus(&x_2)))
        } else if y_1 == y_2 && x_1 != Element::ZERO {
            x_1.plus(&field.product(&y_1, &field.inverse(&x_1)))
        } else {
            return None;
        };
        let x = field.square(&slope).plus(&slope).plus(&x_1).plus(&x_2).plus(&curve.a);
        Some((x, field.product(&slope, &x_1.plus(&x)).plus(&x).plus(&y_1)))
    }

    #[test]
    fn an_x_coordinate_is_one_that_a_point_has() {
        let curve = small();
        let points = points(&curve);
        for number in 1..16 {
            let x = curve.field.element(&[number]).unwrap();
            assert_eq!(curve.x(&[number]).is_some(), points.iter().any(|(other, _)| *other == x), "{number}");
        }
        assert_eq!(curve.x(&[0]), None);
        assert_eq!(curve.x(&[16]), None);
    }

    #[test]
    fn multiples_are_those_of_repeated_addition() {
        let curve = small();
        let mut at_infinity = 0;
        for point in points(&curve).into_iter().filter(|(x, _)| *x != Element::ZERO) {
            let mut expected = None;
            for scalar in 0..=40 {
                assert_eq!(curve.multiple(&[0, scalar], &point.0), expected.map(|(x, _)| x), "{scalar}");
                at_infinity += usize::from(expected.is_none());
                expected = sum(&curve, expected, point);
            }
        }
        assert!(at_infinity > points(&curve).len());
    }

    #[test]
    fn a_curve_of_which_b_is_zero_is_none() {
        assert!(BinaryCurve::new(&[0b1_0011], &[1], &[0]).is_none());
        assert!(BinaryCurve::new(&[0b1_0011], &[16], &[1]).is_none());
        assert!(BinaryCurve::new(&[0b1_0011], &[1], &[16]).is_none());
        assert!(BinaryCurve::new(&[1], &[1], &[1]).is_none());
    }
}
