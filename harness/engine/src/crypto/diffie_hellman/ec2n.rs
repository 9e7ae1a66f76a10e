//! Diffie-Hellman over EC2N groups in the engine's own arithmetic; no library of Rust's has these curves.

use super::binary_curve::BinaryCurve;
use super::binary_field::Element;
use crate::crypto::group::{Ec2n, Group};
use crate::crypto::{CryptoError, Secret};

/// The x coordinate of `x * P`, where P is the generator.
pub(super) fn public(group: &Group, ec2n: &Ec2n<'_>, private: &Secret) -> Result<Vec<u8>, CryptoError> {
    let curve = curve(group, ec2n)?;
    let generator = point(group, &curve, ec2n.generator)?;
    Ok(multiple(group, &curve, ec2n, private, &generator)?.to_bytes(group.public_len()))
}

/// The x coordinate of `x * Y`, where Y is the peer's point.
pub(super) fn shared(
    group: &Group,
    ec2n: &Ec2n<'_>,
    private: &Secret,
    peer_public: &[u8],
) -> Result<Secret, CryptoError> {
    let curve = curve(group, ec2n)?;
    let peer = point(group, &curve, peer_public)?;
    if curve.multiple(&Ec2n::SMALL_ORDERS, &peer).is_none() {
        return Err(CryptoError::SmallOrder { group: group.clone() });
    }
    if curve.multiple(ec2n.order, &peer).is_some() {
        return Err(CryptoError::NotInSubgroup { group: group.clone() });
    }
    let product = multiple(group, &curve, ec2n, private, &peer)?;
    Ok(Secret::new(product.to_bytes(group.shared_len())))
}

fn curve(group: &Group, ec2n: &Ec2n<'_>) -> Result<BinaryCurve, CryptoError> {
    let curve = BinaryCurve::new(ec2n.polynomial, ec2n.a, ec2n.b);
    curve.ok_or_else(|| CryptoError::NotOnCurve { group: group.clone() })
}

fn point(group: &Group, curve: &BinaryCurve, x: &[u8]) -> Result<Element, CryptoError> {
    curve.x(x).ok_or_else(|| CryptoError::NotOnCurve { group: group.clone() })
}

/// The multiple by an exponent from 1 to the order less 1.
fn multiple(
    group: &Group,
    curve: &BinaryCurve,
    ec2n: &Ec2n<'_>,
    private: &Secret,
    point: &Element,
) -> Result<Element, CryptoError> {
    let out_of_range = || CryptoError::ExponentRange { group: group.clone() };
    let exponent = private.as_bytes();
    let (missing, excess) = match exponent.len().checked_sub(ec2n.order.len()) {
        Some(excess) => (0, excess),
        None => (ec2n.order.len() - exponent.len(), 0),
    };
    let (excess, exponent) = exponent.split_at_checked(excess).ok_or_else(out_of_range)?;
    // As long as the order, so the ladder has as many steps for every exponent.
    let padded = Secret::new([&vec![0; missing], exponent].concat());
    if excess.iter().any(|byte| *byte != 0) || padded.as_bytes() >= ec2n.order {
        return Err(out_of_range());
    }
    // At infinity the exponent is zero, or the order of a point whose order is not prime divides it.
    curve.multiple(padded.as_bytes(), point).ok_or_else(out_of_range)
}
