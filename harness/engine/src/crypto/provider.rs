//! The trait that every source of cryptography implements.

use super::{CipherAlgorithm, CryptoError, Group, HashAlgorithm, Secret};

/// Where random bytes come from: the engine never asks the operating system itself.
pub trait RandomSource: Send {
    /// Overwrites all of `dest` with random bytes.
    fn fill(&mut self, dest: &mut [u8]);
}

/// One side's Diffie-Hellman values for one exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DhKeyPair {
    /// The exponent x, big-endian.
    pub private: Secret,
    /// `g^x mod p`, big-endian, left-padded with zeros to the length of p.
    pub public: Vec<u8>,
}

/// Hash, HMAC, CBC and Diffie-Hellman.
///
/// Implementations keep no state between calls and give the same bytes as every other implementation.
pub trait CryptoProvider: Send + Sync + core::fmt::Debug {
    /// Short stable name, such as `reference`.
    fn name(&self) -> &'static str;

    /// `hash(parts[0] | parts[1] | ...)`, [`HashAlgorithm::output_len`] bytes.
    fn hash(&self, algorithm: HashAlgorithm, parts: &[&[u8]]) -> Vec<u8>;

    /// `prf(key, parts[0] | parts[1] | ...)`, where prf is the HMAC of the hash (RFC 2409 section 4, RFC 2104).
    ///
    /// The key may have any length, zero too.
    fn prf(&self, algorithm: HashAlgorithm, key: &[u8], parts: &[&[u8]]) -> Secret;

    /// CBC-encrypts `data` in place, adding no padding. The next IV is the last block of the result.
    ///
    /// # Errors
    /// [`CryptoError::KeyLength`], [`CryptoError::IvLength`] or [`CryptoError::NotBlockAligned`]; `data` is then
    /// untouched.
    fn cbc_encrypt(
        &self,
        algorithm: CipherAlgorithm,
        key: &[u8],
        iv: &[u8],
        data: &mut [u8],
    ) -> Result<(), CryptoError>;

    /// CBC-decrypts `data` in place, removing no padding. The next IV is the last block of what came in.
    ///
    /// # Errors
    /// [`CryptoError::KeyLength`], [`CryptoError::IvLength`] or [`CryptoError::NotBlockAligned`]; `data` is then
    /// untouched.
    fn cbc_decrypt(
        &self,
        algorithm: CipherAlgorithm,
        key: &[u8],
        iv: &[u8],
        data: &mut [u8],
    ) -> Result<(), CryptoError>;

    /// Draws an exponent of [`Group::exponent_bits`] bits, its top bit set, and computes `g^x mod p`.
    ///
    /// The set top bit rules out a zero exponent whatever `rng` gives, at the price of one bit of entropy. The same
    /// random bytes give the same pair on every provider.
    ///
    /// # Errors
    /// [`CryptoError::Provider`] when the library below fails.
    fn dh_generate(&self, group: Group, rng: &mut dyn RandomSource) -> Result<DhKeyPair, CryptoError> {
        let mut exponent = vec![0_u8; group.exponent_bits().div_ceil(8)];
        rng.fill(&mut exponent);
        if let Some(first) = exponent.first_mut() {
            *first |= 0x80;
        }
        let private = Secret::new(exponent);
        let public = self.dh_public(group, &private)?;
        Ok(DhKeyPair { private, public })
    }

    /// `g^x mod p`, left-padded with zeros to [`Group::prime_len`] bytes.
    ///
    /// # Errors
    /// [`CryptoError::Provider`] when the library below fails.
    fn dh_public(&self, group: Group, private: &Secret) -> Result<Vec<u8>, CryptoError>;

    /// `g^xy = peer_public^x mod p`, left-padded with zeros to [`Group::prime_len`] bytes (RFC 2409 section 5).
    ///
    /// # Errors
    /// [`CryptoError::PublicValueLength`] unless `peer_public` is as long as the prime;
    /// [`CryptoError::WeakPublicValue`] when it is 0, 1, p-1 or at least p; [`CryptoError::Provider`] when the
    /// library below fails.
    fn dh_shared(&self, group: Group, private: &Secret, peer_public: &[u8]) -> Result<Secret, CryptoError>;
}

/// Checks the lengths that both CBC directions depend on.
pub(super) fn check_cbc(
    cipher: CipherAlgorithm,
    key: &[u8],
    iv: &[u8],
    data: &[u8],
) -> Result<(), CryptoError> {
    let block = cipher.block_len();
    if key.len() != cipher.key_len() {
        return Err(CryptoError::KeyLength { cipher, got: key.len(), expected: cipher.key_len() });
    }
    if iv.len() != block {
        return Err(CryptoError::IvLength { cipher, got: iv.len(), expected: block });
    }
    if !data.len().is_multiple_of(block) {
        return Err(CryptoError::NotBlockAligned { cipher, got: data.len(), block });
    }
    Ok(())
}
