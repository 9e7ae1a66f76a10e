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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::providers;

    const H: HashAlgorithm = HashAlgorithm::Sha1;

    /// The first example of FIPS 180, in the place of a certificate.
    #[test]
    fn hash_1_is_the_plain_hash_of_the_certificate() {
        for p in providers() {
            let hash = certificate_hash(*p, H, b"abc");
            assert_eq!(hex::encode(hash), "a9993e364706816aba3e25717850c26c9cd0d89d", "{}", p.name());
        }
    }

    #[test]
    fn ne_has_the_nonce_as_its_key_and_the_cookie_as_its_data() {
        for p in providers() {
            let expected = p.prf(H, b"nonce", &[&[0xc1; 8]]);
            assert_eq!(ne(*p, H, b"nonce", &[0xc1; 8]).as_bytes(), expected.as_bytes(), "{}", p.name());
        }
    }

    #[test]
    fn a_short_ne_is_expanded_and_a_long_one_is_cut() {
        let material: Vec<u8> = (1..=20).collect();
        let ne = Secret::from(&material[..]);
        for p in providers() {
            let cut = ephemeral_key(*p, H, CipherAlgorithm::AesCbc128, &ne);
            assert_eq!(cut.as_bytes(), &material[..16], "{}", p.name());
            let k1 = p.prf(H, &material, &[&[0]]);
            let k2 = p.prf(H, &material, &[k1.as_bytes()]);
            let expanded = ephemeral_key(*p, H, CipherAlgorithm::AesCbc256, &ne);
            assert_eq!(expanded.as_bytes(), &[k1.as_bytes(), k2.as_bytes()].concat()[..32], "{}", p.name());
        }
    }
}
