//! The providers of this build.

use super::{CryptoProvider, ReferenceProvider};

static REFERENCE: ReferenceProvider = ReferenceProvider;

/// Every provider of this build: the reference first, then `openssl` when that feature is on.
#[cfg(not(feature = "openssl"))]
#[must_use]
pub fn providers() -> &'static [&'static dyn CryptoProvider] {
    static ALL: [&dyn CryptoProvider; 1] = [&REFERENCE];
    &ALL
}

/// Every provider of this build: the reference first, then `openssl` when that feature is on.
#[cfg(feature = "openssl")]
#[must_use]
pub fn providers() -> &'static [&'static dyn CryptoProvider] {
    static OPENSSL: super::OpensslProvider = super::OpensslProvider;
    static ALL: [&dyn CryptoProvider; 2] = [&REFERENCE, &OPENSSL];
    &ALL
}

/// The provider that is always there.
#[must_use]
pub fn reference() -> &'static dyn CryptoProvider {
    &REFERENCE
}

/// The fastest provider of this build.
#[must_use]
pub fn default_provider() -> &'static dyn CryptoProvider {
    providers().last().copied().unwrap_or(&REFERENCE)
}

/// The provider with that [`name`](CryptoProvider::name), if this build has it.
#[must_use]
pub fn provider_named(name: &str) -> Option<&'static dyn CryptoProvider> {
    providers().iter().copied().find(|provider| provider.name() == name)
}
