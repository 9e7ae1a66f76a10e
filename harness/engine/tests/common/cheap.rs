//! A crypto provider whose Diffie-Hellman costs nothing, for tests that make many SAs.

use ikev1::crypto::{
    CipherAlgorithm, CryptoError, CryptoProvider, Group, HashAlgorithm, PrivateKey, PublicKey, RandomSource,
    Secret, SignatureScheme, reference,
};

/// The reference provider, but with xor in place of exponentiation: `public = x`, `shared = x ^ public`. Both sides
/// get the same secret, and so does everyone else.
#[derive(Debug)]
pub struct CheapGroups {
    /// The byte that all of KEYMAT for ESP is made of.
    esp_keymat: Option<u8>,
}

/// The provider.
pub const CHEAP_GROUPS: &CheapGroups = &CheapGroups { esp_keymat: None };
/// The provider, but that KEYMAT for ESP is `01 01 01 ...`, which begins with a weak key of DES.
pub const WEAK_ESP_KEYS: &CheapGroups = &CheapGroups { esp_keymat: Some(1) };

/// The exponent, repeated to the length of the prime, and below it.
fn stretched(group: &Group, private: &Secret) -> Vec<u8> {
    let mut value: Vec<u8> = private.as_bytes().iter().copied().cycle().take(group.public_len()).collect();
    if let Some(first) = value.first_mut() {
        *first = 1;
    }
    value
}

impl CryptoProvider for CheapGroups {
    fn name(&self) -> &'static str {
        "cheap groups"
    }

    fn hash(&self, algorithm: HashAlgorithm, parts: &[&[u8]]) -> Vec<u8> {
        reference().hash(algorithm, parts)
    }

    fn prf(&self, algorithm: HashAlgorithm, key: &[u8], parts: &[&[u8]]) -> Secret {
        // `K1 = prf(SKEYID_d, [g(qm)^xy |] protocol | SPI | Ni_b | Nr_b)`: nothing else has the protocol by itself.
        match self.esp_keymat {
            Some(byte) if parts.contains(&&[3][..]) => Secret::new(vec![byte; algorithm.output_len()]),
            _ => reference().prf(algorithm, key, parts),
        }
    }

    fn cbc_encrypt(
        &self,
        algorithm: CipherAlgorithm,
        key: &[u8],
        iv: &[u8],
        data: &mut [u8],
    ) -> Result<(), CryptoError> {
        reference().cbc_encrypt(algorithm, key, iv, data)
    }

    fn cbc_decrypt(
        &self,
        algorithm: CipherAlgorithm,
        key: &[u8],
        iv: &[u8],
        data: &mut [u8],
    ) -> Result<(), CryptoError> {
        reference().cbc_decrypt(algorithm, key, iv, data)
    }

    fn dh_public(&self, group: &Group, private: &Secret) -> Result<Vec<u8>, CryptoError> {
        Ok(stretched(group, private))
    }

    fn dh_shared(&self, group: &Group, private: &Secret, peer_public: &[u8]) -> Result<Secret, CryptoError> {
        group.check_public(peer_public)?;
        let own = stretched(group, private);
        Ok(Secret::new(own.iter().zip(peer_public).map(|(a, b)| a ^ b).collect()))
    }

    fn sign(
        &self,
        key: &PrivateKey,
        scheme: SignatureScheme,
        hash: &[u8],
        rng: &mut dyn RandomSource,
    ) -> Result<Vec<u8>, CryptoError> {
        reference().sign(key, scheme, hash, rng)
    }

    fn verify(
        &self,
        key: &PublicKey,
        scheme: SignatureScheme,
        hash: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        reference().verify(key, scheme, hash, signature)
    }

    fn rsa_encrypt(
        &self,
        key: &PublicKey,
        plain: &[u8],
        rng: &mut dyn RandomSource,
    ) -> Result<Vec<u8>, CryptoError> {
        reference().rsa_encrypt(key, plain, rng)
    }

    fn rsa_decrypt(
        &self,
        key: &PrivateKey,
        cipher: &[u8],
        rng: &mut dyn RandomSource,
    ) -> Result<Secret, CryptoError> {
        reference().rsa_decrypt(key, cipher, rng)
    }
}
