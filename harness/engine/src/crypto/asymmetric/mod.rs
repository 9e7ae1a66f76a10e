//! Keys and schemes of asymmetric cryptography: signatures and RSA encryption (RFC 2409 sections 5.1 to 5.3).

mod blinding;
#[cfg(feature = "openssl")]
mod implicit_rejection;
mod key_error;
#[cfg(feature = "openssl")]
pub(super) mod openssl;
mod padding;
mod private_key;
mod public_key;
pub(super) mod reference;
mod scheme;
#[cfg(test)]
mod tests;

pub use key_error::KeyError;
pub use private_key::PrivateKey;
pub use public_key::{KeyType, PublicKey};
pub(super) use scheme::fixed_width;
pub use scheme::{CertificateSignature, SignatureScheme};
