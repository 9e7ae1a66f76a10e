//! Names, lengths and the checks of public values.

use rstest::rstest;

use super::*;

#[test]
fn every_name_and_number_leads_back_to_its_group() {
    for group in Group::ALL {
        assert_eq!(Group::from_name(group.name()), Some(group.clone()));
        assert_eq!(Group::from_id(group.id().unwrap()), Some(group.clone()));
    }
    assert_eq!(Group::from_id(6), None);
}

/// The MODP groups.
fn modp_groups() -> impl Iterator<Item = &'static Group> {
    Group::ALL.iter().filter(|group| matches!(group.kind(), GroupKind::Modp(_)))
}

fn modp(group: &Group) -> Modp<'_> {
    match group.kind() {
        GroupKind::Modp(modp) => modp,
        GroupKind::Ecp(_) | GroupKind::Ec2n(_) => panic!("{} is no MODP group", group.name()),
    }
}

/// A value of the group's length: all zeros but the last byte.
fn small(group: Group, last: u8) -> Vec<u8> {
    let mut value = vec![0; group.public_len()];
    *value.last_mut().unwrap() = last;
    value
}

/// The prime less a small number.
fn below_prime(group: Group, less: u8) -> Vec<u8> {
    let mut value = modp(&group).prime.to_vec();
    *value.last_mut().unwrap() -= less;
    value
}

#[rstest]
#[case::zero(small as fn(Group, u8) -> Vec<u8>, 0x00)]
#[case::one(small as fn(Group, u8) -> Vec<u8>, 0x01)]
#[case::p_minus_1(below_prime as fn(Group, u8) -> Vec<u8>, 1)]
#[case::p(below_prime as fn(Group, u8) -> Vec<u8>, 0)]
fn refuses_a_weak_public_value(#[case] make: fn(Group, u8) -> Vec<u8>, #[case] number: u8) {
    for group in modp_groups() {
        assert_eq!(
            group.check_public(&make(group.clone(), number)),
            Err(CryptoError::WeakPublicValue { group: group.clone() })
        );
    }
}

#[test]
fn refuses_a_public_value_above_the_prime() {
    for group in modp_groups() {
        let value = vec![0xff; group.public_len()];
        assert_eq!(group.check_public(&value), Err(CryptoError::WeakPublicValue { group: group.clone() }));
    }
}

#[test]
fn accepts_the_values_next_to_the_weak_ones() {
    for group in modp_groups() {
        assert_eq!(group.check_public(&small(group.clone(), 2)), Ok(()));
        assert_eq!(group.check_public(&below_prime(group.clone(), 2)), Ok(()));
    }
}

#[test]
fn refuses_a_public_value_of_another_length() {
    for group in Group::ALL {
        for got in [0, group.public_len() - 1, group.public_len() + 1] {
            assert_eq!(
                group.check_public(&vec![2; got]),
                Err(CryptoError::PublicValueLength {
                    group: group.clone(),
                    got,
                    expected: group.public_len()
                })
            );
        }
    }
}

/// What a random source gives: these bytes over and over.
struct Repeat(u8);

impl RandomSource for Repeat {
    fn fill(&mut self, dest: &mut [u8]) {
        dest.fill(self.0);
    }
}

#[test]
fn exponents_have_the_stated_length_and_lie_below_the_order() {
    for group in Group::ALL {
        let exponent = group.draw_exponent(&mut Repeat(0x55)).unwrap();
        assert_eq!(exponent.len(), group.exponent_bits().div_ceil(8), "{}", group.name());
        if let Some(order) = group.order() {
            assert_eq!(order.len(), exponent.len(), "{}", group.name());
            assert!(exponent.as_bytes() < order, "{}", group.name());
        }
    }
}

#[test]
fn a_source_that_never_gives_an_exponent_is_broken() {
    for group in Group::ALL {
        for byte in [0x00, 0xff] {
            let drawn = group.draw_exponent(&mut Repeat(byte));
            match group.order() {
                Some(_) => assert_eq!(drawn, Err(CryptoError::RandomSource), "{}", group.name()),
                None => assert_eq!(drawn.unwrap().as_bytes().first(), Some(&(byte | 0x80))),
            }
        }
    }
}

#[test]
fn the_top_bit_of_an_order_is_that_of_its_exponents() {
    for group in Group::ALL {
        if let Some(order) = group.order() {
            let zeros = usize::try_from(order.first().unwrap().leading_zeros()).unwrap();
            assert_eq!(order.len() * 8 - zeros, group.exponent_bits(), "{}", group.name());
        }
    }
}

/// RFC 5114 section 2: g generates the subgroup of order q, and q divides p-1.
#[test]
fn generators_of_stated_order_have_it() {
    use num_bigint::BigUint;
    let one = BigUint::from(1_u8);
    let mut checked = 0;
    for group in modp_groups() {
        let numbers = modp(group);
        let Some(order) = numbers.order else { continue };
        let [p, g, q] = [numbers.prime, numbers.generator, order].map(BigUint::from_bytes_be);
        assert_eq!(g.modpow(&q, &p), one, "{}", group.name());
        assert_ne!(g, one);
        assert_eq!((&p - &one) % &q, BigUint::ZERO, "{}", group.name());
        checked += 1;
    }
    assert_eq!(checked, 3);
}

/// The Group Order of RFC 2409 sections 6.3 and 6.4 counts the whole curve, and RFC 2412 Appendices E.3 and E.4 give its
/// prime factor in decimal digits: the generator's order is 4 and 2 times that, a third and a half of the curve's.
#[rstest]
#[case::group_3(
    Group::Ec2n155,
    155,
    62,
    "0800000000000000000057db5698537193aef944",
    (3, 4),
    "3805993847215893016155463826195386266397436443"
)]
#[case::group_4(
    Group::Ec2n185,
    185,
    69,
    "01ffffffffffffffffffffffdbf2f889b73e484175f94ebc",
    (2, 2),
    "12259964326927110866866776214413170562013096250261263279"
)]
fn ec2n_groups_have_the_polynomial_and_order_of_their_rfcs(
    #[case] group: Group,
    #[case] degree: u32,
    #[case] middle: u32,
    #[case] curve_order: &str,
    #[case] (cofactor, small): (u8, u8),
    #[case] prime: &str,
) {
    use num_bigint::BigUint;
    let GroupKind::Ec2n(ec2n) = group.kind() else { panic!("{} is no EC2N group", group.name()) };
    let power = |exponent: u32| BigUint::from(1_u8) << exponent;
    assert_eq!(BigUint::from_bytes_be(ec2n.polynomial), power(degree) + power(middle) + 1_u8);
    assert_eq!(u32::try_from(ec2n.degree()), Ok(degree));
    let order = BigUint::from_bytes_be(ec2n.order);
    assert_eq!(&order * cofactor, BigUint::parse_bytes(curve_order.as_bytes(), 16).unwrap());
    assert_eq!(group.curve_order().map(hex::encode).as_deref(), Some(curve_order));
    assert_eq!(order, prime.parse::<BigUint>().unwrap() * small);
}

#[test]
fn an_x_coordinate_is_not_zero_and_has_no_more_bits_than_the_field() {
    for (group, excess) in [(Group::Ec2n155, 0x08), (Group::Ec2n185, 0x02)] {
        let mut value = vec![0; group.public_len()];
        assert_eq!(group.check_public(&value), Err(CryptoError::SmallOrder { group: group.clone() }));
        value[0] = excess;
        assert_eq!(group.check_public(&value), Err(CryptoError::NotOnCurve { group: group.clone() }));
        value.fill(0xff);
        value[0] = excess - 1;
        assert_eq!(group.check_public(&value), Ok(()));
    }
}
