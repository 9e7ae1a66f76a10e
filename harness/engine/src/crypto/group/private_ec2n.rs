//! EC2N groups that two sides define by their numbers (RFC 2409 section 5.6).

use std::sync::Arc;

use super::private::{bits, trimmed};
use super::{Ec2n, GroupError};
use crate::crypto::diffie_hellman::binary_curve::BinaryCurve;
use crate::crypto::diffie_hellman::binary_field::Field;

/// An EC2N group that has a curve over GF(2^m) and a generator of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PrivateEc2n(Arc<Numbers>);

/// Big-endian, without leading zeros.
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Numbers {
    polynomial: Box<[u8]>,
    a: Box<[u8]>,
    b: Box<[u8]>,
    x: Box<[u8]>,
    y: Box<[u8]>,
    order: Box<[u8]>,
}

impl PrivateEc2n {
    /// The lowest degree of the polynomial: as the Third Oakley group (RFC 2409 section 6.3).
    pub const DEGREE_MIN: usize = 155;
    /// The highest degree of the polynomial, which the largest standard curves have. Its tests take less than a second.
    pub const DEGREE_MAX: usize = 571;
    /// Bits of the smallest order: as the prime factor of the Third Oakley group's (RFC 2412 Appendix E.3).
    pub const ORDER_BITS_MIN: usize = 152;

    pub(super) fn new(numbers: &Ec2n<'_>, y: &[u8]) -> Result<Self, GroupError> {
        let polynomial = trimmed(numbers.polynomial);
        let degree = bits(polynomial).saturating_sub(1);
        if !(Self::DEGREE_MIN..=Self::DEGREE_MAX).contains(&degree) {
            return Err(GroupError::Degree { got: degree });
        }
        let element = |what: &'static str, number, zero: bool| {
            let number: &[u8] = trimmed(number);
            let fits = bits(number) <= degree && (zero || !number.is_empty());
            if fits { Ok(Box::from(number)) } else { Err(GroupError::Element { what }) }
        };
        let order = trimmed(numbers.order);
        // A curve has no more than 2^m + 1 + 2^(m/2 + 1) points (Hasse).
        if !(Self::ORDER_BITS_MIN..=degree + 1).contains(&bits(order)) {
            return Err(GroupError::Order);
        }
        Ok(Self(Arc::new(Numbers {
            polynomial: polynomial.into(),
            a: element("a", numbers.a, true)?,
            b: element("b", numbers.b, false)?,
            // The point with x = 0 has order 2.
            x: element("the generator's x", numbers.generator, false)?,
            y: element("the generator's y", y, true)?,
            order: order.into(),
        })))
    }

    /// See [`PrivateGroup::check`](super::PrivateGroup::check).
    pub(super) fn check(&self) -> Result<(), GroupError> {
        let Numbers { polynomial, a, b, x, y, order } = &*self.0;
        let field = Field::new(polynomial).filter(Field::is_irreducible).ok_or(GroupError::Reducible)?;
        let curve = BinaryCurve::new(polynomial, a, b).ok_or(GroupError::NotOnCurve)?;
        let (Some(x), Some(y)) = (field.element(x), field.element(y)) else {
            return Err(GroupError::NotOnCurve);
        };
        if !curve.contains(&x, &y) {
            return Err(GroupError::NotOnCurve);
        }
        let of_small_order = curve.multiple(&Ec2n::SMALL_ORDERS, &x).is_none();
        if of_small_order || curve.multiple(order, &x).is_some() {
            return Err(GroupError::Order);
        }
        Ok(())
    }

    /// The numbers, without leading zeros.
    #[must_use]
    pub fn numbers(&self) -> Ec2n<'_> {
        let Numbers { polynomial, a, b, x, order, .. } = &*self.0;
        Ec2n { polynomial, a, b, generator: x, order }
    }

    /// The generator's y coordinate, big-endian, without leading zeros.
    #[must_use]
    pub fn generator_y(&self) -> &[u8] {
        &self.0.y
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::{Group, PrivateGroup};
    use super::*;
    use crate::crypto::{Secret, providers};

    /// The numbers of a group in hex: polynomial, a, b, x, y, order.
    type Digits = [&'static str; 6];

    /// B-163 of FIPS 186-4, which is no group of IKE. The order is that of the curve: 2 times a prime.
    const B_163: Digits = [
        "0800000000000000000000000000000000000000c9",
        "01",
        "020a601907b8c953ca1481eb10512f78744a3205fd",
        "03f0eba16286a2d57ea0991168d4994637e8343e36",
        "00d51fbc6c71a0094fa2cdd545b11c5c0c797324f1",
        "080000000000000000000525fcefce182548469866",
    ];

    fn group(digits: Digits) -> Result<PrivateGroup, GroupError> {
        let [polynomial, a, b, x, y, order] = digits.map(|digits| hex::decode(digits).unwrap());
        let numbers = Ec2n { polynomial: &polynomial, a: &a, b: &b, generator: &x, order: &order };
        PrivateGroup::ec2n(&numbers, &y)
    }

    /// The numbers with one of them changed.
    fn changed(index: usize, digits: &'static str) -> Result<PrivateGroup, GroupError> {
        let mut numbers = B_163;
        numbers[index] = digits;
        group(numbers)
    }

    #[test]
    fn a_standard_curve_is_a_group() {
        let group = group(B_163).unwrap();
        assert_eq!(group.check(), Ok(()));
        let group = Group::Private(group);
        assert_eq!((group.public_len(), group.shared_len(), group.exponent_bits()), (21, 21, 164));
    }

    /// Exponent and public value of either side, and the shared secret: from the script of groups 3 and 4, and the same from
    /// OpenSSL's sect163r2 on its command line.
    #[test]
    fn known_answers_on_a_standard_curve() {
        let group = Group::Private(group(B_163).unwrap());
        let sides = [
            ("01e167e350cb75c49be95d2bf877702f0ca74e8ea1", "06c8c4f955da86259ed103c87c1fce3a33f0a484b3"),
            ("01786fbf90c4dfa7605f4eb63f37bd85115071086b", "043a2227c6af5564477944524c847948b51d9f13e0"),
        ]
        .map(|(exponent, public)| {
            (Secret::new(hex::decode(exponent).unwrap()), hex::decode(public).unwrap())
        });
        for p in providers() {
            for ((exponent, public), (_, theirs)) in sides.iter().zip(sides.iter().rev()) {
                assert_eq!(p.dh_public(&group, exponent).as_ref(), Ok(public), "{}", p.name());
                let shared = p.dh_shared(&group, exponent, theirs).unwrap();
                assert_eq!(hex::encode(shared.as_bytes()), "07e7ddef64ffd55af50293c46fb1033f2651108bce");
            }
        }
    }

    /// Either order takes the generator to infinity, and either y makes the same multiples.
    #[rstest]
    #[case::order_of_the_generator(5, "040000000000000000000292fe77e70c12a4234c33")]
    #[case::the_other_y(4, "0325f41d0ef702dc310254c42d65851a3b91471ac7")]
    fn other_numbers_define_the_same_group(#[case] index: usize, #[case] digits: &'static str) {
        assert_eq!(changed(index, digits).unwrap().check(), Ok(()));
    }

    #[rstest]
    #[case::degree_154(0, "0400000000000000000000004000000000000001", GroupError::Degree { got: 154 })]
    #[case::no_degree(0, "00", GroupError::Degree { got: 0 })]
    #[case::a_of_164_bits(1, "080000000000000000000000000000000000000000", GroupError::Element { what: "a" })]
    #[case::b_zero(2, "", GroupError::Element { what: "b" })]
    #[case::x_zero(3, "0000", GroupError::Element { what: "the generator's x" })]
    #[case::y_of_164_bits(
        4, "080000000000000000000000000000000000000000", GroupError::Element { what: "the generator's y" }
    )]
    #[case::order_of_151_bits(5, "7fffffffffffffffffffffffffffffffffffff", GroupError::Order)]
    #[case::order_of_165_bits(5, "100000000000000000000000000000000000000000", GroupError::Order)]
    fn refuses_numbers_that_cannot_be_a_groups(
        #[case] index: usize,
        #[case] digits: &'static str,
        #[case] error: GroupError,
    ) {
        assert_eq!(changed(index, digits), Err(error));
    }

    #[rstest]
    #[case::reducible(0, "0800000000000000000000000000000000000000c8", GroupError::Reducible)]
    #[case::even_number_of_terms(0, "0800000000000000000000000000000000000000c1", GroupError::Reducible)]
    #[case::other_a(1, "00", GroupError::NotOnCurve)]
    #[case::other_y(4, "00d51fbc6c71a0094fa2cdd545b11c5c0c797324f0", GroupError::NotOnCurve)]
    #[case::other_order(5, "080000000000000000000525fcefce182548469864", GroupError::Order)]
    fn refuses_numbers_that_make_no_group(
        #[case] index: usize,
        #[case] digits: &'static str,
        #[case] error: GroupError,
    ) {
        assert_eq!(changed(index, digits).unwrap().check(), Err(error));
    }
}
