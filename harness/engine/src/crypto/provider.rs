//! The trait that every source of cryptography implements.

use super::{
    CertificateSignature, CipherAlgorithm, CryptoError, Group, HashAlgorithm, PrivateKey, PublicKey, Secret,
    SignatureScheme, asymmetric,
};

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
    /// The public value, `g^x`, as a KE payload has it ([`CryptoProvider::dh_public`]).
    pub public: Vec<u8>,
}

/// Hash, HMAC, CBC, Diffie-Hellman, signatures and RSA encryption.
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

    /// Draws an exponent ([`Group::draw_exponent`]) and computes its public value. The same random bytes give the same
    /// pair on every provider.
    ///
    /// # Errors
    /// [`CryptoError::RandomSource`]; [`CryptoError::Provider`] when the library below fails.
    fn dh_generate(&self, group: &Group, rng: &mut dyn RandomSource) -> Result<DhKeyPair, CryptoError> {
        let private = group.draw_exponent(rng)?;
        let public = self.dh_public(group, &private)?;
        Ok(DhKeyPair { private, public })
    }

    /// `g^x mod p`, left-padded with zeros, or the coordinates `x | y` of the point, each left-padded, or of an EC2N group
    /// the x coordinate alone; [`Group::public_len`] bytes (RFC 2409 sections 5 and 6.3, RFC 5903 section 7).
    ///
    /// # Errors
    /// [`CryptoError::ExponentRange`] when the exponent of a curve is not from 1 to its order less 1;
    /// [`CryptoError::Provider`] when the library below fails.
    fn dh_public(&self, group: &Group, private: &Secret) -> Result<Vec<u8>, CryptoError>;

    /// `g^xy = peer_public^x mod p`, left-padded with zeros, or the x coordinate of that point; [`Group::shared_len`]
    /// bytes (RFC 2409 section 5, RFC 5903 section 7).
    ///
    /// # Errors
    /// [`CryptoError::PublicValueLength`] unless `peer_public` is [`Group::public_len`] bytes long;
    /// [`CryptoError::WeakPublicValue`] when it is 0, 1, p-1 or at least p; [`CryptoError::NotInSubgroup`] when the order
    /// is stated and its power of the order is not 1; [`CryptoError::NotOnCurve`]; [`CryptoError::SmallOrder`] for a point
    /// of an EC2N group that generates few others; [`CryptoError::ExponentRange`] and [`CryptoError::Provider`] as
    /// [`dh_public`](Self::dh_public).
    fn dh_shared(&self, group: &Group, private: &Secret, peer_public: &[u8]) -> Result<Secret, CryptoError>;

    /// Signs `hash` as `scheme` says; see [`SignatureScheme`] for the form of the signature.
    ///
    /// RSA is deterministic, DSA and ECDSA take the nonce of RFC 6979, so every provider gives the same bytes. RSA is
    /// blinded with 32 bytes of `rng`.
    ///
    /// # Errors
    /// [`CryptoError::KeyType`], [`CryptoError::HashLength`]; [`CryptoError::Provider`] when the library below fails.
    fn sign(
        &self,
        key: &PrivateKey,
        scheme: SignatureScheme,
        hash: &[u8],
        rng: &mut dyn RandomSource,
    ) -> Result<Vec<u8>, CryptoError>;

    /// Verifies that `signature` is the key's over `hash`. Signatures of another length than the scheme's are wrong,
    /// and so is every deviation from the one padding that PKCS #1 allows.
    ///
    /// # Errors
    /// [`CryptoError::Signature`] when it is not; [`CryptoError::KeyType`], [`CryptoError::HashLength`].
    fn verify(
        &self,
        key: &PublicKey,
        scheme: SignatureScheme,
        hash: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError>;

    /// RSAES-PKCS1-v1_5 (RFC 8017 section 7.2.1, block type 2), as RFC 2409 section 5.2 wants it. The result is as long
    /// as the modulus; `plain` is at least 11 bytes shorter. The same random bytes give the same ciphertext on every
    /// provider.
    ///
    /// # Errors
    /// [`CryptoError::KeyType`] unless it is an RSA key; [`CryptoError::PlaintextLength`];
    /// [`CryptoError::RandomSource`]; [`CryptoError::Provider`] when the library below fails.
    fn rsa_encrypt(
        &self,
        key: &PublicKey,
        plain: &[u8],
        rng: &mut dyn RandomSource,
    ) -> Result<Vec<u8>, CryptoError>;

    /// Decrypts what [`rsa_encrypt`](Self::rsa_encrypt) made, and never says whether the padding was right.
    ///
    /// **A ciphertext with wrong padding decrypts to bytes that nobody can predict without the private key**: content
    /// and length come from a PRF over the private key and the ciphertext (implicit rejection,
    /// draft-irtf-cfrg-rsa-guidance section 7, the same bytes on every provider and as OpenSSL 3.2). So whoever sends
    /// chosen ciphertexts learns nothing from an error (Bleichenbacher's attack). That holds only if the caller goes on
    /// with whatever comes out, a nonce of an odd length too, until HASH_I or HASH_R fails.
    ///
    /// The operation is blinded with 32 bytes of `rng`.
    ///
    /// # Errors
    /// [`CryptoError::KeyType`] unless it is an RSA key; [`CryptoError::CiphertextRange`], of which the sender knew;
    /// [`CryptoError::Provider`] when the library below fails.
    fn rsa_decrypt(
        &self,
        key: &PrivateKey,
        cipher: &[u8],
        rng: &mut dyn RandomSource,
    ) -> Result<Secret, CryptoError>;

    /// Verifies the signature of a certificate or revocation list over its `signed` bytes; DSA and ECDSA signatures are
    /// in the DER form that certificates have (RFC 3279 section 2.2).
    ///
    /// # Errors
    /// [`CryptoError::Signature`] when it is not the key's, [`CryptoError::KeyType`] when it cannot be.
    fn verify_certificate(
        &self,
        key: &PublicKey,
        algorithm: CertificateSignature,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        let hash = self.hash(algorithm.hash(), &[signed]);
        let (scheme, signature) = asymmetric::fixed_width(key, algorithm, signature)?;
        self.verify(key, scheme, &hash, &signature)
    }
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
