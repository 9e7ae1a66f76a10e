//! The arithmetic of the groups, once for each provider.

#[cfg(feature = "openssl")]
pub(super) mod openssl;
pub(super) mod reference;
