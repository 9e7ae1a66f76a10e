//! Diffie-Hellman over libcrypto.

use std::cmp::Ordering;

use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::ec::{EcGroup, EcPoint};
use openssl::error::ErrorStack;
use openssl::nid::Nid;

use crate::crypto::group::{Curve, Group, GroupKind, Modp};
use crate::crypto::{CryptoError, Secret};

/// See [`CryptoProvider::dh_public`](crate::crypto::CryptoProvider::dh_public).
pub(in crate::crypto) fn public(group: &Group, private: &Secret) -> Result<Vec<u8>, CryptoError> {
    match group.kind() {
        GroupKind::Modp(modp) => power(&modp, modp.generator, private.as_bytes()).map_err(provider_error),
        GroupKind::Ecp(curve) => ecp_public(group, curve, private),
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
    let computed = || -> Result<Option<Vec<u8>>, ErrorStack> {
        let ec_group = ec_group(curve)?;
        let Some(mut scalar) = scalar(&ec_group, private)? else {
            return Ok(None);
        };
        let mut context = BigNumContext::new_secure()?;
        let mut point = EcPoint::new(&ec_group)?;
        let result = point.mul_generator2(&ec_group, &scalar, &mut context);
        scalar.clear();
        result?;
        let (mut x, mut y) = (BigNum::new()?, BigNum::new()?);
        point.affine_coordinates(&ec_group, &mut x, &mut y, &mut context)?;
        let len = curve.coordinate_len();
        Ok(Some([padded(&x, len)?, padded(&y, len)?].concat()))
    };
    computed().map_err(provider_error)?.ok_or_else(|| CryptoError::ExponentRange { group: group.clone() })
}

/// The x coordinate of `x * Y`, where Y is the peer's point.
fn ecp_shared(
    group: &Group,
    curve: Curve,
    private: &Secret,
    peer_public: &[u8],
) -> Result<Secret, CryptoError> {
    let not_on_curve = || CryptoError::NotOnCurve { group: group.clone() };
    let ec_group = ec_group(curve).map_err(provider_error)?;
    let mut context = BigNumContext::new_secure().map_err(provider_error)?;
    let uncompressed = [&[0x04], peer_public].concat();
    // Unlike the functions that take coordinates, this one refuses those that are not below the field's prime.
    let peer = EcPoint::from_bytes(&ec_group, &uncompressed, &mut context).map_err(|_| not_on_curve())?;
    let computed = || -> Result<Option<Secret>, ErrorStack> {
        let Some(mut scalar) = scalar(&ec_group, private)? else {
            return Ok(None);
        };
        let mut context = BigNumContext::new_secure()?;
        let mut product = EcPoint::new(&ec_group)?;
        let result = product.mul2(&ec_group, &peer, &scalar, &mut context);
        scalar.clear();
        result?;
        let (mut x, mut y) = (BigNum::new_secure()?, BigNum::new_secure()?);
        product.affine_coordinates(&ec_group, &mut x, &mut y, &mut context)?;
        let shared = padded(&x, curve.coordinate_len()).map(Secret::new);
        x.clear();
        y.clear();
        shared.map(Some)
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
