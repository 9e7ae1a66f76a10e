//! What authentication with public key encryption derives besides SKEYID (RFC 2409 sections 5.2 and 5.3).

use super::skeyid::cipher_key;
use crate::crypto::{CipherAlgorithm, CryptoProvider, HashAlgorithm, Secret};
use crate::deviation::{Deviation, deviates};

/// `HASH(1) = hash(certificate)` (RFC 2409 section 5.2)
///
/// The certificate whose key encrypts, in DER.
#[must_use]
pub fn certificate_hash(p: &dyn CryptoProvider, h: HashAlgorithm, certificate: &[u8]) -> Vec<u8> {
    p.hash(h, &[certificate])
}

/// `Ne_i = prf(Ni_b, CKY-I)`, `Ne_r = prf(Nr_b, CKY-R)` (RFC 2409 section 5.3)
///
/// The nonce is the decrypted one.
#[must_use]
pub fn ne(p: &dyn CryptoProvider, h: HashAlgorithm, nonce_b: &[u8], cookie: &[u8; 8]) -> Secret {
    let cookie = if deviates(Deviation::NeWithoutTheCookie) { &[][..] } else { cookie };
    p.prf(h, nonce_b, &[cookie])
}

/// `Ke = K1 | K2 | K3 | ...`, `K1 = prf(Ne, 0)`, `K2 = prf(Ne, K1)` ..., cut to the key's length (RFC 2409 section 5.3)
///
/// Only when Ne is shorter than the key; otherwise Ke is Ne cut to length, as Appendix B has it for Ka: DES skips weak
/// keys here too.
#[must_use]
pub fn ephemeral_key(
    p: &dyn CryptoProvider,
    h: HashAlgorithm,
    cipher: CipherAlgorithm,
    ne: &Secret,
) -> Secret {
    cipher_key(p, h, cipher, ne.as_bytes())
}
