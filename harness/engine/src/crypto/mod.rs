//! Cryptographic primitives behind one trait, [`CryptoProvider`].
//!
//! Nothing in here knows what a SKEYID is: a provider computes hashes, the HMAC that RFC 2409 section 4 uses as its
//! prf, CBC with caller-made padding, and Diffie-Hellman in MODP and ECP groups. The key schedule is in [`crate::keys`].
//!
//! | provider | feature | what for |
//! |---|---|---|
//! | `reference` | always | RustCrypto and `num-bigint`: plain Rust, easy to read, needs nothing installed |
//! | `openssl` | `openssl` | the system's libcrypto: three times faster at Diffie-Hellman, and a second opinion |
//!
//! libcrypto never had Tiger, and distributions build it without IDEA and RC5: the OpenSSL provider leaves those three to
//! the reference provider, and CAST and Blowfish too where libcrypto's legacy module is not installed.
//!
//! [`providers`] lists what this build has, so a test that loops over it makes each one check the other.
//! No provider is hardened against an attacker who measures time: this is a test harness, not a VPN gateway.

mod algorithm;
mod asymmetric;
mod diffie_hellman;
mod error;
mod group;
#[cfg(feature = "openssl")]
mod openssl;
mod provider;
mod reference;
mod registry;
mod secret;
#[cfg(test)]
mod tests;

pub use algorithm::{CipherAlgorithm, HashAlgorithm, KeyLength};
pub use asymmetric::{CertificateSignature, KeyError, KeyType, PrivateKey, PublicKey, SignatureScheme};
pub use error::CryptoError;
pub use group::{Curve, Ec2n, Group, GroupError, GroupKind, Modp, PrivateEc2n, PrivateGroup, PrivateModp};
#[cfg(feature = "openssl")]
pub use openssl::OpensslProvider;
pub use provider::{CryptoProvider, DhKeyPair, RandomSource};
pub use reference::ReferenceProvider;
pub use registry::{default_provider, provider_named, providers, reference};
pub use secret::Secret;
