//! Diffie-Hellman over `num-bigint`, the curves of RustCrypto, and binary curves of our own.

use elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytesSize, PublicKey, SecretKey};
use num_bigint::BigUint;
use p256::elliptic_curve;

use super::ec2n;
use crate::crypto::group::{Curve, Group, GroupKind, Modp};
use crate::crypto::{CryptoError, Secret};

/// See [`CryptoProvider::dh_public`](crate::crypto::CryptoProvider::dh_public).
pub(in crate::crypto) fn public(group: &Group, private: &Secret) -> Result<Vec<u8>, CryptoError> {
    match group.kind() {
        GroupKind::Modp(modp) => Ok(power(&modp, modp.generator, private.as_bytes())),
        GroupKind::Ecp(Curve::P256) => ecp_public::<p256::NistP256>(group, private),
        GroupKind::Ecp(Curve::P384) => ecp_public::<p384::NistP384>(group, private),
        GroupKind::Ecp(Curve::P521) => ecp_public::<p521::NistP521>(group, private),
        GroupKind::Ec2n(ec2n) => ec2n::public(group, &ec2n, private),
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
            Ok(Secret::new(power(&modp, peer_public, private.as_bytes())))
        }
        GroupKind::Ecp(Curve::P256) => ecp_shared::<p256::NistP256>(group, private, peer_public),
        GroupKind::Ecp(Curve::P384) => ecp_shared::<p384::NistP384>(group, private, peer_public),
        GroupKind::Ecp(Curve::P521) => ecp_shared::<p521::NistP521>(group, private, peer_public),
        GroupKind::Ec2n(ec2n) => ec2n::shared(group, &ec2n, private, peer_public),
    }
}

/// `y^q mod p = 1`, where q is known.
fn check_subgroup(group: &Group, modp: &Modp<'_>, value: &[u8]) -> Result<(), CryptoError> {
    let Some(order) = modp.order else {
        return Ok(());
    };
    match power(modp, value, order).split_last() {
        Some((1, head)) if head.iter().all(|byte| *byte == 0) => Ok(()),
        _ => Err(CryptoError::NotInSubgroup { group: group.clone() }),
    }
}

/// `base^exponent mod p`, left-padded to the length of p.
fn power(modp: &Modp<'_>, base: &[u8], exponent: &[u8]) -> Vec<u8> {
    let [base, exponent, prime] = [base, exponent, modp.prime].map(BigUint::from_bytes_be);
    let value = base.modpow(&exponent, &prime).to_bytes_be();
    // The value is below p, so it is never longer than p.
    let mut padded = vec![0; modp.prime.len().saturating_sub(value.len())];
    padded.extend_from_slice(&value);
    padded
}

/// The point `x * G` as its two coordinates.
fn ecp_public<C>(group: &Group, private: &Secret) -> Result<Vec<u8>, CryptoError>
where
    C: CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    let point = secret_key::<C>(group, private)?.public_key().as_affine().to_sec1_point(false);
    // The first byte says that the point is not compressed.
    Ok(point.as_bytes().get(1..).unwrap_or_default().to_vec())
}

/// The x coordinate of `x * Y`, where Y is the peer's point.
fn ecp_shared<C>(group: &Group, private: &Secret, peer_public: &[u8]) -> Result<Secret, CryptoError>
where
    C: CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    let uncompressed = [&[0x04], peer_public].concat();
    let point = PublicKey::<C>::from_sec1_bytes(&uncompressed)
        .map_err(|_| CryptoError::NotOnCurve { group: group.clone() })?;
    let scalar = secret_key::<C>(group, private)?.to_nonzero_scalar();
    // The order is prime and the scalar below it, so the product is no point at infinity.
    let product = PublicKey::<C>::from_affine((point.to_projective() * *scalar).into())
        .map_err(|_| CryptoError::NotOnCurve { group: group.clone() })?;
    let point = product.as_affine().to_sec1_point(false);
    let x = point.as_bytes().get(1..=group.shared_len()).unwrap_or_default();
    Ok(Secret::from(x))
}

/// The exponent, which is from 1 to the order less 1.
fn secret_key<C: CurveArithmetic>(group: &Group, private: &Secret) -> Result<SecretKey<C>, CryptoError> {
    let out_of_range = || CryptoError::ExponentRange { group: group.clone() };
    let bytes = private.as_bytes();
    let significant = bytes.iter().position(|byte| *byte != 0).map_or(0, |zeros| bytes.len() - zeros);
    let significant = &bytes[bytes.len() - significant..];
    let missing = group.shared_len().checked_sub(significant.len()).ok_or_else(out_of_range)?;
    let padded = Secret::new([&vec![0; missing], significant].concat());
    SecretKey::from_slice(padded.as_bytes()).map_err(|_| out_of_range())
}
