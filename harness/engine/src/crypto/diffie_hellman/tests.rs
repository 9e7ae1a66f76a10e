//! Known answers for the groups of every provider, what they refuse, and every provider against every other.

use num_bigint::BigUint;
use proptest::prelude::*;
use rstest::rstest;

use crate::crypto::tests::{Counter, bytes};
use crate::crypto::*;

#[test]
fn both_sides_of_a_diffie_hellman_exchange_agree() {
    for p in providers() {
        for group in Group::ALL {
            let mut rng = Counter(0x11);
            let ours = p.dh_generate(group, &mut rng).unwrap();
            let theirs = p.dh_generate(group, &mut rng).unwrap();
            assert_eq!(ours.private.len(), group.exponent_bits().div_ceil(8));
            assert_eq!(ours.public.len(), group.public_len());
            let shared = p.dh_shared(group, &ours.private, &theirs.public).unwrap();
            assert_eq!(shared.len(), group.shared_len());
            assert_eq!(p.dh_shared(group, &theirs.private, &ours.public).unwrap(), shared, "{}", p.name());
        }
    }
}

#[test]
fn a_random_source_of_zeros_still_gives_a_full_length_exponent() {
    for p in providers() {
        let pair = p.dh_generate(&Group::Modp768, &mut Counter(0)).unwrap();
        assert_eq!(pair.private.as_bytes().first(), Some(&0x80));
        assert_eq!(Group::Modp768.check_public(&pair.public), Ok(()), "{}", p.name());
    }
}

/// The MODP groups.
fn modp_groups() -> impl Iterator<Item = (&'static Group, Modp<'static>)> {
    Group::ALL.iter().filter_map(|group| match group.kind() {
        GroupKind::Modp(modp) => Some((group, modp)),
        GroupKind::Ecp(_) | GroupKind::Ec2n(_) => None,
    })
}

#[test]
fn diffie_hellman_values_are_padded_to_the_prime() {
    for p in providers() {
        for (group, _) in modp_groups().filter(|(group, _)| group.order().is_none()) {
            let one = Secret::new(vec![1]);
            let two = p.dh_public(group, &one).unwrap();
            let mut expected = vec![0; group.public_len()];
            *expected.last_mut().unwrap() = 2;
            assert_eq!(two, expected, "{}", p.name());
            assert_eq!(p.dh_shared(group, &one, &two).unwrap().as_bytes(), expected, "{}", p.name());
        }
    }
}

#[test]
fn diffie_hellman_refuses_a_weak_or_short_public_value() {
    for p in providers() {
        for group in Group::ALL {
            let private = Secret::new(vec![5; 20]);
            let error = match group.kind() {
                GroupKind::Modp(_) => CryptoError::WeakPublicValue { group: group.clone() },
                GroupKind::Ecp(_) => CryptoError::NotOnCurve { group: group.clone() },
                GroupKind::Ec2n(_) => CryptoError::SmallOrder { group: group.clone() },
            };
            assert!(error.is_public_value());
            assert_eq!(p.dh_shared(group, &private, &vec![0; group.public_len()]), Err(error));
            let expected = group.public_len();
            for got in [10, expected - 1, expected + 1] {
                assert_eq!(
                    p.dh_shared(group, &private, &vec![2; got]),
                    Err(CryptoError::PublicValueLength { group: group.clone(), got, expected })
                );
            }
        }
    }
}

/// 2 generates more than the subgroup of order q, and the negative of an element of odd order is not in it.
#[test]
fn diffie_hellman_refuses_a_public_value_outside_of_a_subgroup_of_stated_order() {
    let mut refused = 0;
    for p in providers() {
        for (group, modp) in modp_groups().filter(|(group, _)| group.order().is_some()) {
            let private = Secret::new(vec![5; 20]);
            let mut two = vec![0; group.public_len()];
            *two.last_mut().unwrap() = 2;
            let error = CryptoError::NotInSubgroup { group: group.clone() };
            assert!(error.is_public_value());
            assert_eq!(p.dh_shared(group, &private, &two), Err(error.clone()), "{}", p.name());
            let [prime, generator] = [modp.prime, modp.generator].map(BigUint::from_bytes_be);
            let mut negative = vec![0; group.public_len()];
            let number = (prime - generator).to_bytes_be();
            negative[group.public_len() - number.len()..].copy_from_slice(&number);
            assert_eq!(p.dh_shared(group, &private, &negative), Err(error), "{}", p.name());
            refused += 1;
        }
    }
    assert_eq!(refused, 3 * providers().len());
}

fn ecp_groups() -> impl Iterator<Item = (&'static Group, Curve)> {
    Group::ALL.iter().filter_map(|group| match group.kind() {
        GroupKind::Ecp(curve) => Some((group, curve)),
        GroupKind::Modp(_) | GroupKind::Ec2n(_) => None,
    })
}

/// The prime of the curve's field (RFC 5903 section 3).
fn field_prime(curve: Curve) -> BigUint {
    let power = |exponent: u32| BigUint::from(1_u8) << exponent;
    match curve {
        Curve::P256 => power(256) - power(224) + power(192) + power(96) - 1_u8,
        Curve::P384 => power(384) - power(128) - power(96) + power(32) - 1_u8,
        Curve::P521 => power(521) - 1_u8,
    }
}

#[test]
fn diffie_hellman_refuses_points_that_are_not_on_the_curve() {
    for p in providers() {
        for (group, _) in ecp_groups() {
            let private = Secret::new(vec![5; 20]);
            let good = p.dh_public(group, &private).unwrap();
            assert!(p.dh_shared(group, &private, &good).is_ok());
            let error = Err(CryptoError::NotOnCurve { group: group.clone() });
            let mut other = good.clone();
            *other.last_mut().unwrap() ^= 1;
            assert_eq!(p.dh_shared(group, &private, &other), error, "{}", p.name());
            assert_eq!(p.dh_shared(group, &private, &vec![0xff; good.len()]), error, "{}", p.name());
        }
    }
}

/// x + p for x, where that fits into the coordinate: the same point to whoever reduces it first.
#[test]
fn diffie_hellman_refuses_a_coordinate_that_is_not_below_the_prime_of_the_field() {
    // P-521 has coordinates of 528 bits, so that every x + p fits.
    let (group, len) = (&Group::Ecp521, Curve::P521.coordinate_len());
    for p in providers() {
        let private = Secret::new(vec![5; 20]);
        let good = p.dh_public(group, &private).unwrap();
        let (x, y) = good.split_at(len);
        let unreduced = (BigUint::from_bytes_be(x) + field_prime(Curve::P521)).to_bytes_be();
        assert_eq!(unreduced.len(), len);
        assert_eq!(
            p.dh_shared(group, &private, &[&unreduced, y].concat()),
            Err(CryptoError::NotOnCurve { group: group.clone() }),
            "{}",
            p.name()
        );
    }
}

#[test]
fn a_curve_takes_exponents_below_its_order_only() {
    for p in providers() {
        for (group, curve) in ecp_groups() {
            let refused = Err(CryptoError::ExponentRange { group: group.clone() });
            let mut longer = vec![1];
            longer.extend(curve.order());
            for exponent in [vec![], vec![0; 8], curve.order().to_vec(), longer] {
                assert_eq!(p.dh_public(group, &Secret::new(exponent)), refused, "{}", p.name());
            }
            let mut last = curve.order().to_vec();
            *last.last_mut().unwrap() -= 1;
            // (n - 1) G = -G: the same x as G, and y is the field's prime less G's.
            let (negative, one) = (Secret::new(last), Secret::new(vec![1]));
            let g = p.dh_public(group, &one).unwrap();
            let (x, y) = g.split_at(curve.coordinate_len());
            let minus_g = p.dh_public(group, &negative).unwrap();
            let (minus_x, minus_y) = minus_g.split_at(curve.coordinate_len());
            assert_eq!(minus_x, x, "{}", p.name());
            let [y, minus_y] = [y, minus_y].map(BigUint::from_bytes_be);
            assert_eq!(y + minus_y, field_prime(curve), "{}", p.name());
            assert_eq!(p.dh_shared(group, &negative, &g).unwrap().as_bytes(), x, "{}", p.name());
        }
    }
}

/// Exponents, public values and shared secret of the two sides. A script that adds points by chord and tangent in Python's
/// integers computed them, and OpenSSL 3.0 computes the same: `openssl ec -pubout` and `openssl pkeyutl -derive` over its
/// curves Oakley-EC2N-3 and Oakley-EC2N-4.
#[rstest]
#[case::group_3(
    &Group::Ec2n155,
    "015e504b0ce04c8a1de057e751ca69ce7f3e633e",
    "05a3f1fbae975637610c7ba9eea8f0736b5a73e5",
    "00489c56eb917587d9b037c1140b3de6d620947a",
    "02f97802faf74991ff891ba82dcfe73eee77e3a5",
    "032cdf53945be633c2180614c1f0c716b30e2f90"
)]
#[case::group_4(
    &Group::Ec2n185,
    "74f5646cf2e152587ed994bce35433ea52ae7fc9d6781c",
    "00a66ff4958129b6932b6b1ebf68a70a559720b538dd78ae",
    "4fedf1d629c06720ff1f05f0bcfbc8b29994cb496eac89",
    "00cc3be156df2fc54bb529b552bad5a5ec272d286e81f444",
    "016a3d3925876c11ca04b73824d2312273d873e010ad30c8"
)]
fn ec2n_known_answers(
    #[case] group: &Group,
    #[case] i: &str,
    #[case] g_i: &str,
    #[case] r: &str,
    #[case] g_r: &str,
    #[case] g_ir: &str,
) {
    let [i, r] = [i, r].map(|exponent| Secret::new(hex::decode(exponent).unwrap()));
    let [public_i, public_r] = [g_i, g_r].map(|public| hex::decode(public).unwrap());
    for p in providers() {
        assert_eq!(hex::encode(p.dh_public(group, &i).unwrap()), g_i, "{}", p.name());
        assert_eq!(hex::encode(p.dh_public(group, &r).unwrap()), g_r, "{}", p.name());
        assert_eq!(hex::encode(p.dh_shared(group, &i, &public_r).unwrap().as_bytes()), g_ir, "{}", p.name());
        assert_eq!(hex::encode(p.dh_shared(group, &r, &public_i).unwrap().as_bytes()), g_ir, "{}", p.name());
    }
}

/// The points come from the script of the known answers.
#[rstest]
#[case::group_3_no_point(&Group::Ec2n155, "02", |group| CryptoError::NotOnCurve { group })]
#[case::group_3_more_bits_than_the_field(
    &Group::Ec2n155, "0800000000000000000000004000000000000002", |group| CryptoError::NotOnCurve { group }
)]
#[case::group_3_order_2(&Group::Ec2n155, "00", |group| CryptoError::SmallOrder { group })]
#[case::group_3_order_3(
    &Group::Ec2n155, "07c7b6c361b7090c4c7bd181479cbaf4af774a30", |group| CryptoError::SmallOrder { group }
)]
#[case::group_3_order_4(
    &Group::Ec2n155, "00311000000223a000c4474000088e8000111d1d", |group| CryptoError::SmallOrder { group }
)]
#[case::group_3_order_12(
    &Group::Ec2n155, "033523931569a1c79dbb922243071fe5538cb78f", |group| CryptoError::SmallOrder { group }
)]
#[case::group_3_outside_of_the_subgroup(&Group::Ec2n155, "04", |group| CryptoError::NotInSubgroup { group })]
#[case::group_4_no_point(&Group::Ec2n185, "06", |group| CryptoError::NotOnCurve { group })]
#[case::group_4_more_bits_than_the_field(
    &Group::Ec2n185, "020000000000000000000000000000200000000000000003", |group| CryptoError::NotOnCurve { group }
)]
#[case::group_4_order_2(&Group::Ec2n185, "00", |group| CryptoError::SmallOrder { group })]
#[case::group_4_order_4(
    &Group::Ec2n185, "0300000018000c00c000000638030001c0009", |group| CryptoError::SmallOrder { group }
)]
#[case::group_4_outside_of_the_subgroup(&Group::Ec2n185, "01", |group| CryptoError::NotInSubgroup { group })]
fn diffie_hellman_refuses_x_coordinates_that_generate_no_points_of_the_group(
    #[case] group: &Group,
    #[case] x: &str,
    #[case] error: fn(Group) -> CryptoError,
) {
    let x = hex::decode(format!("{x:0>width$}", width = 2 * group.public_len())).unwrap();
    for p in providers() {
        let refused = Err(error(group.clone()));
        assert_eq!(p.dh_shared(group, &Secret::new(vec![5; 20]), &x), refused, "{}", p.name());
    }
    assert!(error(group.clone()).is_public_value());
}

/// -P has the x coordinate of P.
#[test]
fn an_ec2n_group_takes_exponents_below_its_order_only() {
    for p in providers() {
        for group in [Group::Ec2n155, Group::Ec2n185] {
            let order = group.order().unwrap();
            let refused = Err(CryptoError::ExponentRange { group: group.clone() });
            let longer = [&[1], order].concat();
            for exponent in [vec![], vec![0; 8], order.to_vec(), longer] {
                assert_eq!(p.dh_public(&group, &Secret::new(exponent)), refused, "{}", p.name());
            }
            let mut last = order.to_vec();
            *last.last_mut().unwrap() -= 1;
            let generator = p.dh_public(&group, &Secret::new(vec![1])).unwrap();
            assert_eq!(p.dh_public(&group, &Secret::new(vec![0, 0, 0, 1])).as_ref(), Ok(&generator));
            assert_eq!(
                p.dh_public(&group, &Secret::new(last.clone())).as_ref(),
                Ok(&generator),
                "{}",
                p.name()
            );
            let shared =
                p.dh_shared(&group, &Secret::new([&[0; 9], &last[..]].concat()), &generator).unwrap();
            assert_eq!(shared.as_bytes(), generator, "{}", p.name());
        }
    }
}

/// RFC 5903 section 8: exponent, x and y of either side, and the shared secret.
#[rstest]
#[case::section_8_1(
    &Group::Ecp256,
    ["c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
    "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180",
    "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3"],
    ["c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
    "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63",
    "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab"],
    "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"
)]
#[case::section_8_2(
    &Group::Ecp384,
    ["099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194",
    "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa",
    "9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c"],
    ["41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942e0308312916b8ed2960e4bd55a7448fc",
    "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571",
    "dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c"],
    "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746"
)]
#[case::section_8_3(
    &Group::Ecp521,
    ["0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a095aa85a30fe1c2952c6771d937ba9777\
     f5957b2639bab072462f68c27a57382d4a52",
    "0015417e84dbf28c0ad3c278713349dc7df153c897a1891bd98bab4357c9ecbee1e3bf42e00b8e380aeae57c2d107564\
     941885942af5a7f4601723c4195d176ced3e",
    "017cae20b6641d2eeb695786d8c946146239d099e18e1d5a514c739d7cb4a10ad8a788015ac405d7799dc75e7b7d5b6c\
     f2261a6a7f1507438bf01beb6ca3926f9582"],
    ["0145ba99a847af43793fdd0e872e7cdfa16be30fdc780f97bccc3f078380201e9c677d600b343757a3bdbf2a3163e4c2\
     f869cca7458aa4a4effc311f5cb151685eb9",
    "00d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a219b97c356436adc6e95bb0352f6be64a6\
     c2912d4ef2d0433ced2b6171640012d9460f",
    "015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c724d9852077b87220b6536c5c408a1d2aebb8e86d678ae\
     49cb57091f4732296579ab44fcd17f0fc56a"],
    "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04d1427e73ca4baa240a34786859810c06\
     b3c715a3a8cc3151f2bee417996d19f3ddea"
)]
fn ecp_test_vectors_of_rfc_5903(
    #[case] group: &Group,
    #[case] initiator: [&str; 3],
    #[case] responder: [&str; 3],
    #[case] g_ir_x: &str,
) {
    let side = |[exponent, x, y]: [&str; 3]| (Secret::new(bytes(exponent)), bytes(&format!("{x}{y}")));
    let (i, g_i) = side(initiator);
    let (r, g_r) = side(responder);
    for p in providers() {
        assert_eq!(p.dh_public(group, &i).unwrap(), g_i, "{}", p.name());
        assert_eq!(p.dh_public(group, &r).unwrap(), g_r, "{}", p.name());
        assert_eq!(hex::encode(p.dh_shared(group, &i, &g_r).unwrap().as_bytes()), g_ir_x, "{}", p.name());
        assert_eq!(hex::encode(p.dh_shared(group, &r, &g_i).unwrap().as_bytes()), g_ir_x, "{}", p.name());
    }
}

/// RFC 5114 Appendix A: exponent and public value of either side, and the shared secret.
#[rstest]
#[case::appendix_a_1(
    &Group::Modp1024Subgroup160,
    ["b9a3b3ae8fefc1a2930496507086f8455d48943e", "2a853b3d92197501b9015b2deb3ed84f5e021dcc3e52f109d3273d2b7521281cbabe0e76ff5727fa8acce26956ba9a1f\
     ca26f20228d8693feb10841d84a7360054ece5a7f5b7a61ad3dfb3c60d2e43106d8727da37df9cce95b478755d06bcea\
     8f9d45965f75a5f3d1df3701165fc9e50c4279ceb07f989540ae96d5d88ed776"],
    ["9392c9f9eb6a7a6a9022f7d83e7223c6835bbdda", "717a6cb053371ff4a3b932941c1e5663f861a1d6ad34ae66576dfb98f6c6cbf9ddd5a56c7833f6bcfdff095582ad868e\
     440e8d09fd769e3ceccdc3d3b1e4cfa057776caaf9739b6a9fee8e7411f8d6dac09d6a4edb46cc2b5d5203090eae6126\
     311e53fd2c14b574e6a3109a3da1be41bdceaa186f5ce06716a2b6a07b3c33fe"],
    "5c804f454d30d9c4df85271f93528c91df6b48ab5f80b3b59caac1b28f8acba9cd3e39f3cb614525d9521d2e644c53b8\
     07b810f340062f257d7d6fbfe8d5e8f072e9b6e9afda9413eafb2e8b0699b1fb5a0caceddeaead7e9cfbb36ae2b42083\
     5bd83a19fb0b5e96bf8fa4d09e345525167ecd9155416f46f408ed31b63c6e6d"
)]
#[case::appendix_a_2(
    &Group::Modp2048Subgroup224,
    ["22e62601dbffd06708a680f747f361f76d8f4f721a0548e483294b0c", "1b3a63451bd886e699e67b494e288bd7f8e0d370badda7a0efd2fde7d8f66145cc9f280419975eb808877c8a4c0c8e0b\
     d48d4a5401eb1e8776bfeee134c03831ac273cd9d635ab0ce006a42a887e3f52fb8766b650f38078bc8ee8580cefe243\
     968cfc4f8dc3db084554171d41bf2e861b7bb4d69dd0e01ea387cbaa5ca672afcbe8bdb9d62d4ce15f17dd36f91ed1ee\
     dd65ca4a06455cb94cd40a52ec360e84b3c926e22c4380a3bf309d56849768b7f52cfdf655fd053a7ef706979e7e5806\
     b17dfae53ad2a5bc568ebb529a7a61d68d256f8fc97c074a861d827e2ebc8c6134553115b70e7103920aa16d85e52bcb\
     ab8d786a68178fa8ff7c2f5c71648d6f"],
    ["4ff3bc96c7fc6a6d71d3b363800a7cdfef6fc41b4417ea15353b7590", "4dcee992a9762a13f2f83844ad3d77ee0e31c9718b3db6c2035d3961182c3e0ba247ec4182d760cd48d99599970622a1\
     881bba2dc822939c78c3912c6661fa5438b20766222b75e24c2e3ad0c7287236129525ee15b5dd7998aa04c4a9696cac\
     d7172083a97a81664ead2c479e444e4c0654cc19e28d7703cee8dacd6126f5d665ec52c67255db92014b037eb621a2ac\
     8e365de071ffc1400acf077a12913dd8de89473437ab7ba346743c1b215dd9c12164a7e4053118d199bec8ef6fc56117\
     0c84c87d10ee9a674a1fa8ffe13bdfba1d44de48946d68dc0cdd777635a7ab5bfb1e4bb7b856f96827734c184138e915\
     d9c3002ebce53120546a7e2002142b6c"],
    "34d9bddc1b42176c313fea034c21034d074a6313bb4ecdb3703fff424567a46bdf75530ede0a9da5229de7d76732286c\
     bc0f91da4c3c852fc099c679531d94c78ab03d9decb0a4e4ca8b2bb4591c4021cf8ce3a20a541d33994017d0200ae2c9\
     516e2ff5145779269e862b0fb474a2d56dc31ed569a7700b4c4ab16b22a45513531ef523d71212077b5a169bdeffad7a\
     d9608284c7795b6d5a5183b87066de17d8d671c9ebd8ec89544d45ec061593d442c62ab9ce3b1cb9943a1d23a5ea3bcf\
     21a01471e67e003e7f8a69c728be490b2fc88cfeb92db6a215e5d03c17c464c9ac1a46e203e13f952995fb03c69d3cc4\
     7fcb510b6998ffd3aa6de73cf9f63869"
)]
#[case::appendix_a_3(
    &Group::Modp2048Subgroup256,
    ["0881382cdb87660c6dc13e614938d5b9c8b2f248581cc5e31b35454397fce50e", "2e9380c8323af97545bc4941deb0ec3742c62fe0ece824a6abdbe66c59bee0242911bfb967235ceba35ae13e4ec752be\
     630b92dc4bde2847a9c62cb8152745421fb7eb60a63c0fe9159fcce726ce7cd8523d7450667ef840e4919121eb5f01c8\
     c9b0d3d648a93bfb75689e8244ac134af544711ce79a02dcc34226684780dddcb498594106c37f5bc79856487af5ab02\
     2a2e5e42f09897c1a85a11ea0212af04d9b4cebc937c3c1a3e15a8a0342e337615c84e7fe3b8b9b87fb1e73a15af12a3\
     0d746e06dfc34f290d797ce51aa13aa785bf6658aff5e4b093003cbeaf665b3c2e113a3a4e905269341dc0711426685f\
     4ef37e868a8126ff3f2279b57ca67e29"],
    ["7d62a7e3ef36de617b13d1afb82c780d83a23bd4ee6705645121f371f546a53d", "575f0351bd2b1b817448bdf87a6c362c1e289d3903a30b9832c5741fa250363e7acbc7f77f3dacbc1f131add8e03367e\
     ff8fbbb3e1c5784424809b25afe4d2262a1a6fd2fab64105ca30a674e07f7809852088632fc049233791ad4edd083a97\
     8b883ee618bc5e0dd047415f2d95e683cf14826b5fbe10d3ce41c6c120c78ab20008c698bf7f0bcab9d7f407bed0f43a\
     fb2970f57f8d12043963e66ddd320d599ad9936c8f44137c08b180ec5e985cebe186f3d549677e80607331ee17af3380\
     a725b0782317d7dd43f59d7af9568a9bb63a84d365f92244ed120988219302f42924c7ca90b89d24f71b0ab697823d7d\
     eb1aff5b0e8e4a45d49f7f53757e1913"],
    "86c70bf8d0bb81bb01078a17219cb7d27203db2a19c877f1d1f19fd7d77ef22546a68f005ad52dc84553b78fc60330be\
     51ea7c0672cac1515e4b35c047b9a551b88f39dc26da14a09ef74774d47c762dd177f9ed5bc2f11e52c879bd95098504\
     cd9eecd8a8f9b3efbd1f008ac5853097d9d1837f2b18f77cd7be01af80a7c7b5ea3ca54cc02d0c116fee3f95bb873993\
     85875d7e86747e676e728938acbff7098e05be4dcfb24052b83aeffb14783f029adbde7f53fae92084224090e007cee9\
     4d4bf2bace9ffd4b57d2af7c724d0caa19bf0501f6f17b4aa10f425e3ea76080b4b9d6b3cefea115b2ceb8789bb8a3b0\
     ea87febe63b6c8f846ec6db0c26c5d7c"
)]
fn modp_test_vectors_of_rfc_5114(
    #[case] group: &Group,
    #[case] a: [&str; 2],
    #[case] b: [&str; 2],
    #[case] z: &str,
) {
    let side = |[exponent, public]: [&str; 2]| (Secret::new(bytes(exponent)), bytes(public));
    let (x_a, y_a) = side(a);
    let (x_b, y_b) = side(b);
    for p in providers() {
        assert_eq!(p.dh_public(group, &x_a).unwrap(), y_a, "{}", p.name());
        assert_eq!(p.dh_public(group, &x_b).unwrap(), y_b, "{}", p.name());
        assert_eq!(hex::encode(p.dh_shared(group, &x_a, &y_b).unwrap().as_bytes()), z, "{}", p.name());
        assert_eq!(hex::encode(p.dh_shared(group, &x_b, &y_a).unwrap().as_bytes()), z, "{}", p.name());
    }
}

/// libcrypto has the primes of RFC 2409 and RFC 3526 built in.
#[cfg(feature = "openssl")]
#[test]
fn primes_are_those_of_libcrypto() {
    use ::openssl::bn::BigNum;
    let primes = [
        (Group::Modp768, BigNum::get_rfc2409_prime_768()),
        (Group::Modp1024, BigNum::get_rfc2409_prime_1024()),
        (Group::Modp1536, BigNum::get_rfc3526_prime_1536()),
        (Group::Modp2048, BigNum::get_rfc3526_prime_2048()),
        (Group::Modp3072, BigNum::get_rfc3526_prime_3072()),
        (Group::Modp4096, BigNum::get_rfc3526_prime_4096()),
        (Group::Modp6144, BigNum::get_rfc3526_prime_6144()),
        (Group::Modp8192, BigNum::get_rfc3526_prime_8192()),
    ];
    for (group, prime) in primes {
        let (_, modp) = modp_groups().find(|(other, _)| **other == group).unwrap();
        assert_eq!(prime.unwrap().to_vec(), modp.prime, "{}", group.name());
    }
}

/// libcrypto has the numbers of RFC 5114 built in.
#[cfg(feature = "openssl")]
#[test]
fn subgroups_are_those_of_libcrypto() {
    use ::openssl::dh::Dh;
    let groups = [
        (Group::Modp1024Subgroup160, Dh::get_1024_160()),
        (Group::Modp2048Subgroup224, Dh::get_2048_224()),
        (Group::Modp2048Subgroup256, Dh::get_2048_256()),
    ];
    for (group, dh) in groups {
        let dh = dh.unwrap();
        let (_, modp) = modp_groups().find(|(other, _)| **other == group).unwrap();
        assert_eq!(dh.prime_p().to_vec(), modp.prime, "{}", group.name());
        assert_eq!(dh.generator().to_vec(), modp.generator, "{}", group.name());
        assert_eq!(dh.prime_q().map(|q| q.to_vec()).as_deref(), modp.order, "{}", group.name());
    }
}

proptest! {
    // Each case costs several exponentiations.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn providers_agree_on_diffie_hellman(
        group in proptest::sample::select(Group::ALL),
        x in any::<[u8; 18]>(),
        y in any::<[u8; 18]>(),
    ) {
        // Short enough for every curve, and not zero.
        let [x, y] = [x, y].map(|tail| Secret::new([&[1], &tail[..]].concat()));
        let g_x = reference().dh_public(&group, &x).unwrap();
        let g_y = reference().dh_public(&group, &y).unwrap();
        let g_xy = reference().dh_shared(&group, &x, &g_y).unwrap();
        for p in providers() {
            prop_assert_eq!(&p.dh_public(&group, &x).unwrap(), &g_x, "{}", p.name());
            prop_assert_eq!(&p.dh_shared(&group, &y, &g_x).unwrap(), &g_xy, "{}", p.name());
        }
    }
}
