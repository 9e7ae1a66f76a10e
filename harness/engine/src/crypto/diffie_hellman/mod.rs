//! The arithmetic of the groups, once for each provider.

pub(super) mod binary_curve;
pub(super) mod binary_field;
mod ec2n;
#[cfg(feature = "openssl")]
pub(super) mod openssl;
pub(super) mod reference;
#[cfg(test)]
mod tests;
