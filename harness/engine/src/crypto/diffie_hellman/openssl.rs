//! Diffie-Hellman over libcrypto.

use std::cmp::Ordering;

use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::ec::{EcGroup, EcPoint};
use openssl::error::ErrorStack;
use openssl::nid::Nid;

use super::ec2n;
use crate::crypto::group::{Curve, Ec2n, Group, GroupKind, Modp};
use crate::crypto::{CryptoError, Secret};

/// See [`CryptoProvider::dh_public`](crate::crypto::CryptoProvider::dh_public).
pub(in crate::crypto) fn public(group: &Group, private: &Secret) -> Result<Vec<u8>, CryptoError> {
    match group.kind() {
        GroupKind::Modp(modp) => power(&modp, modp.generator, private.as_bytes()).map_err(provider_error),
        GroupKind::Ecp(curve) => ecp_public(group, curve, private),
        GroupKind::Ec2n(ec2n) => match ec2n_name(group) {
            Some(nid) => ec2n_public(group, nid, private),
            // The crate makes groups by their numbers over prime fields only.
            None => ec2n::public(group, &ec2n, private),
        },
    }
}

/// See [`CryptoProvider::dh_shared`](crate::crypto::CryptoProvider::dh_shared).
pub(in crate::crypto) fn shared(
    group: &Group,
    private: &Secret,
    peer_public: &[u8],
) -> Result<Secret, CryptoError> {
    group.check_public(peer_public)?;
    match group.kind() {
        GroupKind::Modp(modp) => {
            check_subgroup(group, &modp, peer_public)?;
            power(&modp, peer_public, private.as_bytes()).map(Secret::new).map_err(provider_error)
        }
        GroupKind::Ecp(curve) => ecp_shared(group, curve, private, peer_public),
        GroupKind::Ec2n(ec2n) => match ec2n_name(group) {
            Some(nid) => ec2n_shared(group, &ec2n, nid, private, peer_public),
            None => ec2n::shared(group, &ec2n, private, peer_public),
        },
    }
}

/// `y^q mod p = 1`, where q is known.
fn check_subgroup(group: &Group, modp: &Modp<'_>, value: &[u8]) -> Result<(), CryptoError> {
    let Some(order) = modp.order else {
        return Ok(());
    };
    match power(modp, value, order).map_err(provider_error)?.split_last() {
        Some((1, head)) if head.iter().all(|byte| *byte == 0) => Ok(()),
        _ => Err(CryptoError::NotInSubgroup { group: group.clone() }),
    }
}

/// `base^exponent mod p`, left-padded to the length of p.
fn power(modp: &Modp<'_>, base: &[u8], exponent: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let prime = BigNum::from_slice(modp.prime)?;
    let base = BigNum::from_slice(base)?;
    let mut exponent = BigNum::from_slice(exponent)?;
    exponent.set_const_time();
    let mut context = BigNumContext::new_secure()?;
    let mut value = BigNum::new_secure()?;
    let result = value.mod_exp(&base, &exponent, &prime, &mut context);
    exponent.clear();
    result?;
    let padded = padded(&value, modp.prime.len());
    value.clear();
    padded
}

/// The point `x * G` as its two coordinates.
fn ecp_public(group: &Group, curve: Curve, private: &Secret) -> Result<Vec<u8>, CryptoError> {
    let ec_group = ec_group(curve).map_err(provider_error)?;
    let (x, y) = multiple(group, &ec_group, None, private)?;
    let len = curve.coordinate_len();
    let padded = || Ok([padded(&x, len)?, padded(&y, len)?].concat());
    padded().map_err(provider_error)
}

/// The x coordinate of `x * Y`, where Y is the peer's point.
fn ecp_shared(
    group: &Group,
    curve: Curve,
    private: &Secret,
    peer_public: &[u8],
) -> Result<Secret, CryptoError> {
    let ec_group = ec_group(curve).map_err(provider_error)?;
    let uncompressed = [&[0x04], peer_public].concat();
    let peer = point(group, &ec_group, &uncompressed)?;
    shared_x(group, &ec_group, &peer, private)
}

/// The x coordinate of `x * P` on a binary curve.
fn ec2n_public(group: &Group, nid: Nid, private: &Secret) -> Result<Vec<u8>, CryptoError> {
    let ec_group = EcGroup::from_curve_name(nid).map_err(provider_error)?;
    let (x, _) = multiple(group, &ec_group, None, private)?;
    padded(&x, group.public_len()).map_err(provider_error)
}

/// The x coordinate of `x * Y` on a binary curve, where Y is either point with the peer's x coordinate.
fn ec2n_shared(
    group: &Group,
    ec2n: &Ec2n<'_>,
    nid: Nid,
    private: &Secret,
    peer_public: &[u8],
) -> Result<Secret, CryptoError> {
    let ec_group = EcGroup::from_curve_name(nid).map_err(provider_error)?;
    // This solves for y, and fails where there is none.
    let compressed = [&[0x02], peer_public].concat();
    let peer = point(group, &ec_group, &compressed)?;
    let is_infinity = |scalar: &[u8]| -> Result<bool, ErrorStack> {
        let mut product = EcPoint::new(&ec_group)?;
        let mut context = BigNumContext::new()?;
        product.mul2(&ec_group, &peer, &*BigNum::from_slice(scalar)?, &mut context)?;
        Ok(product.is_infinity(&ec_group))
    };
    if is_infinity(&Ec2n::SMALL_ORDERS).map_err(provider_error)? {
        return Err(CryptoError::SmallOrder { group: group.clone() });
    }
    if !is_infinity(ec2n.order).map_err(provider_error)? {
        return Err(CryptoError::NotInSubgroup { group: group.clone() });
    }
    shared_x(group, &ec_group, &peer, private)
}

/// libcrypto's name of an EC2N group.
fn ec2n_name(group: &Group) -> Option<Nid> {
    match group {
        Group::Ec2n155 => Some(Nid::IPSEC3),
        Group::Ec2n185 => Some(Nid::IPSEC4),
        _ => None,
    }
}

/// The x coordinate of the exponent's multiple of the peer's point.
fn shared_x(
    group: &Group,
    ec_group: &EcGroup,
    peer: &EcPoint,
    private: &Secret,
) -> Result<Secret, CryptoError> {
    let (mut x, mut y) = multiple(group, ec_group, Some(peer), private)?;
    let shared = padded(&x, group.shared_len()).map(Secret::new).map_err(provider_error);
    x.clear();
    y.clear();
    shared
}

/// A point in one of the forms of SEC 1 section 2.3.
fn point(group: &Group, ec_group: &EcGroup, octets: &[u8]) -> Result<EcPoint, CryptoError> {
    let mut context = BigNumContext::new_secure().map_err(provider_error)?;
    // Unlike the functions that take coordinates, this one refuses those that are not elements of the field.
    EcPoint::from_bytes(ec_group, octets, &mut context)
        .map_err(|_| CryptoError::NotOnCurve { group: group.clone() })
}

/// The coordinates of the exponent's multiple of a point, of the generator where none is given.
fn multiple(
    group: &Group,
    ec_group: &EcGroup,
    point: Option<&EcPoint>,
    private: &Secret,
) -> Result<(BigNum, BigNum), CryptoError> {
    let computed = || -> Result<Option<(BigNum, BigNum)>, ErrorStack> {
        let Some(mut scalar) = scalar(ec_group, private)? else {
            return Ok(None);
        };
        let mut context = BigNumContext::new_secure()?;
        let mut product = EcPoint::new(ec_group)?;
        let result = match point {
            Some(point) => product.mul2(ec_group, point, &scalar, &mut context),
            None => product.mul_generator2(ec_group, &scalar, &mut context),
        };
        scalar.clear();
        result?;
        if product.is_infinity(ec_group) {
            return Ok(None);
        }
        let (mut x, mut y) = (BigNum::new_secure()?, BigNum::new_secure()?);
        product.affine_coordinates(ec_group, &mut x, &mut y, &mut context)?;
        Ok(Some((x, y)))
    };
    computed().map_err(provider_error)?.ok_or_else(|| CryptoError::ExponentRange { group: group.clone() })
}

fn ec_group(curve: Curve) -> Result<EcGroup, ErrorStack> {
    EcGroup::from_curve_name(match curve {
        Curve::P256 => Nid::X9_62_PRIME256V1,
        Curve::P384 => Nid::SECP384R1,
        Curve::P521 => Nid::SECP521R1,
    })
}

/// The exponent, when it is from 1 to the order less 1.
fn scalar(group: &EcGroup, private: &Secret) -> Result<Option<BigNum>, ErrorStack> {
    let mut order = BigNum::new()?;
    group.order(&mut order, &mut *BigNumContext::new()?)?;
    let mut scalar = BigNum::from_slice(private.as_bytes())?;
    scalar.set_const_time();
    let in_range = scalar.num_bits() > 0 && scalar.ucmp(&order) == Ordering::Less;
    Ok(in_range.then_some(scalar))
}

/// The number, left-padded to that length.
fn padded(number: &BigNumRef, len: usize) -> Result<Vec<u8>, ErrorStack> {
    // The longest value is one of 1024 bytes, so the length fits.
    number.to_vec_padded(i32::try_from(len).unwrap_or(i32::MAX))
}

fn provider_error(error: ErrorStack) -> CryptoError {
    CryptoError::Provider { provider: "openssl", detail: error.to_string() }
}
