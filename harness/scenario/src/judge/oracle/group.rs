//! Diffie-Hellman with big integers: over the MODP groups, whose primes come from their formula or from RFC 5114, over the
//! curves of RFC 5903, and over those of RFC 2409.

use std::sync::OnceLock;

use num_bigint::BigUint;

use super::binary_curve::BinaryCurve;
use super::message::Transform;

/// A group whose prime has a formula (RFC 2409 section 6, RFC 3526).
struct Formula {
    /// Group Description.
    id: u16,
    /// Length n of the prime in bits.
    bits: u32,
    /// The k of its formula.
    k: u32,
    prime: OnceLock<BigUint>,
}

impl Formula {
    const fn new(id: u16, bits: u32, k: u32) -> Self {
        Self { id, bits, k, prime: OnceLock::new() }
    }

    fn prime(&self) -> &BigUint {
        self.prime.get_or_init(|| prime(self.bits, self.k))
    }
}

static FORMULAS: [Formula; 8] = [
    Formula::new(1, 768, 149_686),
    Formula::new(2, 1024, 129_093),
    Formula::new(5, 1536, 741_804),
    Formula::new(14, 2048, 124_476),
    Formula::new(15, 3072, 1_690_314),
    Formula::new(16, 4096, 240_904),
    Formula::new(17, 6144, 929_484),
    Formula::new(18, 8192, 4_743_158),
];

/// `g^xy` from one side's private exponent and the other's public value: as long as p, or the x coordinate of the point
/// (RFC 5903 section 7, RFC 2409 section 6.3); `None` for a group that is not known here.
pub(super) fn shared_secret(group: u16, exponent: &[u8], public: &[u8]) -> Option<Vec<u8>> {
    let exponent = BigUint::from_bytes_be(exponent);
    if let Some(curve) = curve(group) {
        let (x, y) = public.split_at_checked(public.len() / 2)?;
        let coordinate = |octets: &[u8]| BigUint::from_bytes_be(octets) % &curve.p;
        let product = curve.multiply(&exponent, &Point { x: coordinate(x), y: coordinate(y) })?;
        return padded(&product.x, x.len());
    }
    if let Some(curve) = BinaryCurve::of_group(group) {
        let product = curve.multiply(&exponent, &BigUint::from_bytes_be(public))?;
        return padded(&product, curve.coordinate_len());
    }
    let prime = match FORMULAS.iter().find(|formula| formula.id == group) {
        Some(formula) => formula.prime().clone(),
        None => with_subgroup(group)?,
    };
    let len = usize::try_from(prime.bits().div_ceil(8)).ok()?;
    padded(&BigUint::from_bytes_be(public).modpow(&exponent, &prime), len)
}

/// The numbers of a group that is given in full, as far as `g^xy` depends on them (RFC 2409 section 5.6 and Appendix A).
#[derive(Debug, Clone, Copy)]
pub(super) enum InFull<'a> {
    Modp { prime: &'a [u8] },
    Ec2n { polynomial: &'a [u8], b: &'a [u8] },
}

impl<'a> InFull<'a> {
    /// Reads the attributes of a transform; `None` when they give no group in full, or one of another type.
    pub(super) fn of(transform: &Transform<'a>) -> Option<Self> {
        let prime = transform.octets(6)?;
        match transform.attribute(5)? {
            1 => Some(Self::Modp { prime }),
            3 => Some(Self::Ec2n { polynomial: prime, b: transform.octets(10)? }),
            _ => None,
        }
    }

    /// `g^xy`: as long as p, or the x coordinate of the point.
    pub(super) fn shared_secret(self, exponent: &[u8], public: &[u8]) -> Option<Vec<u8>> {
        let [exponent, public] = [exponent, public].map(BigUint::from_bytes_be);
        match self {
            Self::Modp { prime } => {
                let prime = BigUint::from_bytes_be(prime);
                let len = usize::try_from(prime.bits().div_ceil(8)).ok()?;
                (prime > BigUint::ZERO).then(|| padded(&public.modpow(&exponent, &prime), len))?
            }
            Self::Ec2n { polynomial, b } => {
                let curve = BinaryCurve::in_full(polynomial, b)?;
                padded(&curve.multiply(&exponent, &public)?, curve.coordinate_len())
            }
        }
    }
}

/// The number in that many octets, when it fits.
fn padded(number: &BigUint, len: usize) -> Option<Vec<u8>> {
    let octets = number.to_bytes_be();
    let mut padded = vec![0; len.checked_sub(octets.len())?];
    padded.extend(octets);
    Some(padded)
}

fn hexadecimal(digits: &str) -> Option<BigUint> {
    BigUint::parse_bytes(digits.as_bytes(), 16)
}

/// The prime of a group of RFC 5114 section 2, which has no formula.
fn with_subgroup(group: u16) -> Option<BigUint> {
    hexadecimal(match group {
        22 => {
            "b10b8f96a080e01dde92de5eae5d54ec52c99fbcfb06a3c69a6a9dca52d23b616073e28675a23d189838ef1e2ee652c0\
             13ecb4aea906112324975c3cd49b83bfaccbdd7d90c4bd7098488e9c219a73724effd6fae5644738faa31a4ff55bccc0\
             a151af5f0dc8b4bd45bf37df365c1a65e68cfda76d4da708df1fb2bc2e4a4371"
        }
        23 => {
            "ad107e1e9123a9d0d660faa79559c51fa20d64e5683b9fd1b54b1597b61d0a75e6fa141df95a56dbaf9a3c407ba1df15\
             eb3d688a309c180e1de6b85a1274a0a66d3f8152ad6ac2129037c9edefda4df8d91e8fef55b7394b7ad5b7d0b6c12207\
             c9f98d11ed34dbf6c6ba0b2c8bbc27be6a00e0a0b9c49708b3bf8a317091883681286130bc8985db1602e714415d9330\
             278273c7de31efdc7310f7121fd5a07415987d9adc0a486dcdf93acc44328387315d75e198c641a480cd86a1b9e587e8\
             be60e69cc928b2b9c52172e413042e9b23f10b0e16e79763c9b53dcf4ba80a29e3fb73c16b8e75b97ef363e2ffa31f71\
             cf9de5384e71b81c0ac4dffe0c10e64f"
        }
        24 => {
            "87a8e61db4b6663cffbbd19c651959998ceef608660dd0f25d2ceed4435e3b00e00df8f1d61957d4faf7df4561b2aa30\
             16c3d91134096faa3bf4296d830e9a7c209e0c6497517abd5a8a9d306bcf67ed91f9e6725b4758c022e0b1ef4275bf7b\
             6c5bfc11d45f9088b941f54eb1e59bb8bc39a0bf12307f5c4fdb70c581b23f76b63acae1caa6b7902d52526735488a0e\
             f13c6d9a51bfa4ab3ad8347796524d8ef6a167b5a41825d967e144e5140564251ccacb83e6b486f6b3ca3f7971506026\
             c0b857f689962856ded4010abd0be621c3a3960a54e710c375f26375d7014103a4b54330c198af126116d2276e11715f\
             693877fad7ef09cadb094ae91e1a1597"
        }
        _ => return None,
    })
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

/// A curve `y^2 = x^3 - 3x + b` over the integers modulo p; addition does not need b.
struct Curve {
    p: BigUint,
}

/// A point other than the one at infinity.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Point {
    x: BigUint,
    y: BigUint,
}

/// The curve of a group of RFC 5903 section 3.
fn curve(group: u16) -> Option<Curve> {
    let power = |exponent: u32| BigUint::from(1_u8) << exponent;
    let p = match group {
        19 => power(256) - power(224) + power(192) + power(96) - 1_u8,
        20 => power(384) - power(128) - power(96) + power(32) - 1_u8,
        21 => power(521) - 1_u8,
        _ => return None,
    };
    Some(Curve { p })
}

/// The point `(X / Z^2, Y / Z^3)`, so that only the end of a multiplication has to divide.
#[derive(Debug, Clone)]
struct Jacobian {
    x: BigUint,
    y: BigUint,
    z: BigUint,
}

impl Curve {
    /// `factor * point`, by doubling and adding; `None` at infinity.
    fn multiply(&self, factor: &BigUint, point: &Point) -> Option<Point> {
        let mut product = None;
        for bit in (0..factor.bits()).rev() {
            product = product.and_then(|product| self.double(&product));
            if factor.bit(bit) {
                product = match product {
                    Some(product) => self.add(&product, point),
                    None => Some(point.into()),
                };
            }
        }
        self.affine(&product?)
    }

    /// `2a` by the tangent, whose slope is `3(X + Z^2)(X - Z^2) / 2YZ` (RFC 6090 section 3.1); `None` at infinity.
    fn double(&self, a: &Jacobian) -> Option<Jacobian> {
        let p = &self.p;
        let z = &a.y * &a.z * 2_u8 % p;
        if z == BigUint::ZERO {
            return None;
        }
        let (y_square, z_square) = (&a.y * &a.y % p, &a.z * &a.z % p);
        let rise = (&a.x + &z_square) * (p + &a.x - &z_square) * 3_u8 % p;
        let corner = &a.x * &y_square * 4_u8 % p;
        let x = self.minus(&(&rise * &rise % p), &(&corner * 2_u8 % p));
        let y = self.minus(&(rise * self.minus(&corner, &x) % p), &(&y_square * &y_square * 8_u8 % p));
        Some(Jacobian { x, y, z })
    }

    /// `a + b` by the line through them, or by the tangent when they are the same (RFC 6090 section 3.1); `None` at
    /// infinity.
    fn add(&self, a: &Jacobian, b: &Point) -> Option<Jacobian> {
        let p = &self.p;
        let z_square = &a.z * &a.z % p;
        let run = self.minus(&(&b.x * &z_square % p), &a.x);
        let rise = self.minus(&(&b.y * z_square * &a.z % p), &a.y);
        if run == BigUint::ZERO {
            return (rise == BigUint::ZERO).then(|| self.double(a)).flatten();
        }
        let square = &run * &run % p;
        let corner = &a.x * &square % p;
        let cube = square * &run % p;
        let x = self.minus(&(&rise * &rise % p), &((&cube + &corner * 2_u8) % p));
        let y = self.minus(&(rise * self.minus(&corner, &x) % p), &(&a.y * cube % p));
        Some(Jacobian { x, y, z: &a.z * run % p })
    }

    /// The coordinates that a KE payload has.
    fn affine(&self, point: &Jacobian) -> Option<Point> {
        let inverse = point.z.modinv(&self.p)?;
        let square = &inverse * &inverse % &self.p;
        Some(Point { x: &point.x * &square % &self.p, y: &point.y * square * inverse % &self.p })
    }

    /// `a - b`, for two numbers below p.
    fn minus(&self, a: &BigUint, b: &BigUint) -> BigUint {
        (&self.p + a - b) % &self.p
    }
}

impl From<&Point> for Jacobian {
    fn from(point: &Point) -> Self {
        Self { x: point.x.clone(), y: point.y.clone(), z: BigUint::from(1_u8) }
    }
}

#[cfg(test)]
mod tests {
    use ikev1::crypto::{Group, GroupKind};

    use super::*;

    #[test]
    fn the_primes_are_those_of_the_rfcs() {
        for group in Group::ALL {
            let GroupKind::Modp(modp) = group.kind() else { continue };
            let id = group.id().unwrap();
            let prime = FORMULAS.iter().find(|formula| formula.id == id).map(Formula::prime).cloned();
            let prime = prime.or_else(|| with_subgroup(id)).unwrap();
            assert_eq!(prime.to_bytes_be(), modp.prime, "{}", group.name());
        }
    }

    #[test]
    fn a_shared_secret_is_as_long_as_the_prime() {
        let secret = shared_secret(2, &[3], &[2]).unwrap();
        assert_eq!((secret.len(), secret.last()), (128, Some(&8)));
        assert_eq!(shared_secret(6, &[3], &[2]), None);
    }

    /// RFC 5903 section 8: the initiator's exponent, the responder's point, and the x coordinate of the product.
    #[rstest::rstest]
    #[case::group_19(
        19,
        "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
        "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf6356fbf3ca366cc23e8157854c13c58d6a\
         ac23f046ada30f8353e74f33039872ab",
        "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"
    )]
    #[case::group_20(
        20,
        "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194",
        "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571\
         dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
        "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746"
    )]
    #[case::group_21(
        21,
        "0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a095aa85a30fe1c2952c6771d937ba9777\
         f5957b2639bab072462f68c27a57382d4a52",
        "00d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a219b97c356436adc6e95bb0352f6be64a6\
         c2912d4ef2d0433ced2b6171640012d9460f015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c724d985207\
         7b87220b6536c5c408a1d2aebb8e86d678ae49cb57091f4732296579ab44fcd17f0fc56a",
        "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04d1427e73ca4baa240a34786859810c06\
         b3c715a3a8cc3151f2bee417996d19f3ddea"
    )]
    fn a_shared_secret_of_a_curve_is_one_coordinate(
        #[case] group: u16,
        #[case] exponent: &str,
        #[case] public: &str,
        #[case] shared: &str,
    ) {
        let [exponent, public] = [exponent, public].map(|digits| hex::decode(digits).unwrap());
        assert_eq!(shared_secret(group, &exponent, &public).map(hex::encode).as_deref(), Some(shared));
    }

    /// Exponent, public value and product as the engine's tests have them, from a script and from OpenSSL.
    #[rstest::rstest]
    #[case::group_3(
        3,
        "015e504b0ce04c8a1de057e751ca69ce7f3e633e",
        "02f97802faf74991ff891ba82dcfe73eee77e3a5",
        "032cdf53945be633c2180614c1f0c716b30e2f90"
    )]
    #[case::group_4(
        4,
        "74f5646cf2e152587ed994bce35433ea52ae7fc9d6781c",
        "00cc3be156df2fc54bb529b552bad5a5ec272d286e81f444",
        "016a3d3925876c11ca04b73824d2312273d873e010ad30c8"
    )]
    fn a_shared_secret_of_a_binary_curve_is_one_coordinate(
        #[case] group: u16,
        #[case] exponent: &str,
        #[case] public: &str,
        #[case] shared: &str,
    ) {
        let [exponent, public] = [exponent, public].map(|digits| hex::decode(digits).unwrap());
        assert_eq!(shared_secret(group, &exponent, &public).map(hex::encode).as_deref(), Some(shared));
    }

    /// On B-163 of FIPS 186-4, as the engine's tests have it.
    #[test]
    fn a_shared_secret_follows_from_a_curve_in_full() {
        let [polynomial, b, exponent, public] = [
            "0800000000000000000000000000000000000000c9",
            "020a601907b8c953ca1481eb10512f78744a3205fd",
            "01e167e350cb75c49be95d2bf877702f0ca74e8ea1",
            "043a2227c6af5564477944524c847948b51d9f13e0",
        ]
        .map(|digits| hex::decode(digits).unwrap());
        let shared = InFull::Ec2n { polynomial: &polynomial, b: &b }.shared_secret(&exponent, &public);
        let expected = "07e7ddef64ffd55af50293c46fb1033f2651108bce";
        assert_eq!(shared.map(hex::encode).as_deref(), Some(expected));
        assert_eq!(InFull::Ec2n { polynomial: &[], b: &b }.shared_secret(&exponent, &public), None);
    }

    /// A point and its negative have the same x, and a point whose tangent is vertical has no y.
    #[test]
    fn opposite_points_add_up_to_infinity() {
        let curve = curve(19).unwrap();
        let [point, flat] = [1_u8, 0].map(|y| Point { x: BigUint::from(5_u8), y: BigUint::from(y) });
        let opposite = Point { x: point.x.clone(), y: &curve.p - &point.y };
        assert!(curve.add(&(&point).into(), &opposite).is_none());
        assert!(curve.double(&(&flat).into()).is_none());
        let twice = curve.double(&(&point).into()).unwrap();
        assert_eq!(curve.affine(&curve.add(&(&point).into(), &point).unwrap()), curve.affine(&twice));
        assert_eq!(curve.affine(&curve.add(&twice, &opposite).unwrap()), Some(point));
    }
}
