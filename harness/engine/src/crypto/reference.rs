//! The readable provider: RustCrypto for hashes and ciphers, `num-bigint` for modular exponentiation.

use aes::cipher::block_padding::NoPadding;
use aes::cipher::consts::{U8, U12, U16, U20, U24, U28, U32};
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::digest::Digest;
use sha2::{Sha256, Sha384, Sha512};
use tiger::Tiger;
use zeroize::Zeroizing;

use super::provider::check_cbc;
use super::{
    CipherAlgorithm, CryptoError, CryptoProvider, Group, HashAlgorithm, PrivateKey, PublicKey, RandomSource,
    Secret, SignatureScheme, asymmetric, diffie_hellman,
};

/// RC5 with words of 32 bits and 16 rounds.
type Rc5<KeyBytes> = rc5::RC5<u32, U16, KeyBytes>;

/// Runs RC5, which has the length of its key in its type. The key schedule reads the key by words, the last one filled up
/// with zeros (RFC 2040 section 4), so a key with those zeros is the same key.
macro_rules! rc5 {
    ($run:ident, $mode:ident, $key:expr, $iv:expr, $data:expr) => {{
        let mut key = Zeroizing::new($key.to_vec());
        let whole_words = key.len().next_multiple_of(4);
        key.resize(whole_words, 0);
        match whole_words {
            ..=8 => $run::<cbc::$mode<Rc5<U8>>>(&key, $iv, $data),
            12 => $run::<cbc::$mode<Rc5<U12>>>(&key, $iv, $data),
            16 => $run::<cbc::$mode<Rc5<U16>>>(&key, $iv, $data),
            20 => $run::<cbc::$mode<Rc5<U20>>>(&key, $iv, $data),
            24 => $run::<cbc::$mode<Rc5<U24>>>(&key, $iv, $data),
            28 => $run::<cbc::$mode<Rc5<U28>>>(&key, $iv, $data),
            _ => $run::<cbc::$mode<Rc5<U32>>>(&key, $iv, $data),
        }
    }};
}

/// RustCrypto and `num-bigint`; see [`crate::crypto`].
///
/// `num-bigint` neither runs in constant time nor wipes its temporaries.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReferenceProvider;

impl CryptoProvider for ReferenceProvider {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn hash(&self, algorithm: HashAlgorithm, parts: &[&[u8]]) -> Vec<u8> {
        match algorithm {
            HashAlgorithm::Md5 => digest::<Md5>(parts),
            HashAlgorithm::Sha1 => digest::<Sha1>(parts),
            HashAlgorithm::Tiger => digest::<Tiger>(parts),
            HashAlgorithm::Sha2_256 => digest::<Sha256>(parts),
            HashAlgorithm::Sha2_384 => digest::<Sha384>(parts),
            HashAlgorithm::Sha2_512 => digest::<Sha512>(parts),
        }
    }

    fn prf(&self, algorithm: HashAlgorithm, key: &[u8], parts: &[&[u8]]) -> Secret {
        match algorithm {
            HashAlgorithm::Md5 => hmac::<Md5>(key, parts),
            HashAlgorithm::Sha1 => hmac::<Sha1>(key, parts),
            HashAlgorithm::Tiger => hmac::<Tiger>(key, parts),
            HashAlgorithm::Sha2_256 => hmac::<Sha256>(key, parts),
            HashAlgorithm::Sha2_384 => hmac::<Sha384>(key, parts),
            HashAlgorithm::Sha2_512 => hmac::<Sha512>(key, parts),
        }
    }

    fn cbc_encrypt(
        &self,
        algorithm: CipherAlgorithm,
        key: &[u8],
        iv: &[u8],
        data: &mut [u8],
    ) -> Result<(), CryptoError> {
        check_cbc(algorithm, key, iv, data)?;
        match algorithm {
            CipherAlgorithm::Des => encrypt::<cbc::Encryptor<des::Des>>(key, iv, data),
            CipherAlgorithm::Idea => encrypt::<cbc::Encryptor<idea::Idea>>(key, iv, data),
            CipherAlgorithm::Rc5(_) => rc5!(encrypt, Encryptor, key, iv, data),
            CipherAlgorithm::Cast(_) => encrypt::<cbc::Encryptor<cast5::Cast5>>(key, iv, data),
            CipherAlgorithm::Blowfish(_) => encrypt::<cbc::Encryptor<blowfish::Blowfish>>(key, iv, data),
            CipherAlgorithm::TripleDes => encrypt::<cbc::Encryptor<des::TdesEde3>>(key, iv, data),
            CipherAlgorithm::CamelliaCbc128 => {
                encrypt::<cbc::Encryptor<camellia::Camellia128>>(key, iv, data)
            }
            CipherAlgorithm::CamelliaCbc192 => {
                encrypt::<cbc::Encryptor<camellia::Camellia192>>(key, iv, data)
            }
            CipherAlgorithm::CamelliaCbc256 => {
                encrypt::<cbc::Encryptor<camellia::Camellia256>>(key, iv, data)
            }
            CipherAlgorithm::AesCbc128 => encrypt::<cbc::Encryptor<aes::Aes128>>(key, iv, data),
            CipherAlgorithm::AesCbc192 => encrypt::<cbc::Encryptor<aes::Aes192>>(key, iv, data),
            CipherAlgorithm::AesCbc256 => encrypt::<cbc::Encryptor<aes::Aes256>>(key, iv, data),
        }
    }

    fn cbc_decrypt(
        &self,
        algorithm: CipherAlgorithm,
        key: &[u8],
        iv: &[u8],
        data: &mut [u8],
    ) -> Result<(), CryptoError> {
        check_cbc(algorithm, key, iv, data)?;
        match algorithm {
            CipherAlgorithm::Des => decrypt::<cbc::Decryptor<des::Des>>(key, iv, data),
            CipherAlgorithm::Idea => decrypt::<cbc::Decryptor<idea::Idea>>(key, iv, data),
            CipherAlgorithm::Rc5(_) => rc5!(decrypt, Decryptor, key, iv, data),
            CipherAlgorithm::Cast(_) => decrypt::<cbc::Decryptor<cast5::Cast5>>(key, iv, data),
            CipherAlgorithm::Blowfish(_) => decrypt::<cbc::Decryptor<blowfish::Blowfish>>(key, iv, data),
            CipherAlgorithm::TripleDes => decrypt::<cbc::Decryptor<des::TdesEde3>>(key, iv, data),
            CipherAlgorithm::CamelliaCbc128 => {
                decrypt::<cbc::Decryptor<camellia::Camellia128>>(key, iv, data)
            }
            CipherAlgorithm::CamelliaCbc192 => {
                decrypt::<cbc::Decryptor<camellia::Camellia192>>(key, iv, data)
            }
            CipherAlgorithm::CamelliaCbc256 => {
                decrypt::<cbc::Decryptor<camellia::Camellia256>>(key, iv, data)
            }
            CipherAlgorithm::AesCbc128 => decrypt::<cbc::Decryptor<aes::Aes128>>(key, iv, data),
            CipherAlgorithm::AesCbc192 => decrypt::<cbc::Decryptor<aes::Aes192>>(key, iv, data),
            CipherAlgorithm::AesCbc256 => decrypt::<cbc::Decryptor<aes::Aes256>>(key, iv, data),
        }
    }

    fn dh_public(&self, group: &Group, private: &Secret) -> Result<Vec<u8>, CryptoError> {
        diffie_hellman::reference::public(group, private)
    }

    fn dh_shared(&self, group: &Group, private: &Secret, peer_public: &[u8]) -> Result<Secret, CryptoError> {
        diffie_hellman::reference::shared(group, private, peer_public)
    }

    fn sign(
        &self,
        key: &PrivateKey,
        scheme: SignatureScheme,
        hash: &[u8],
        rng: &mut dyn RandomSource,
    ) -> Result<Vec<u8>, CryptoError> {
        asymmetric::reference::sign(key, scheme, hash, rng)
    }

    fn verify(
        &self,
        key: &PublicKey,
        scheme: SignatureScheme,
        hash: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        asymmetric::reference::verify(key, scheme, hash, signature)
    }

    fn rsa_encrypt(
        &self,
        key: &PublicKey,
        plain: &[u8],
        rng: &mut dyn RandomSource,
    ) -> Result<Vec<u8>, CryptoError> {
        asymmetric::reference::rsa_encrypt(key, plain, rng)
    }

    fn rsa_decrypt(
        &self,
        key: &PrivateKey,
        cipher: &[u8],
        rng: &mut dyn RandomSource,
    ) -> Result<Secret, CryptoError> {
        asymmetric::reference::rsa_decrypt(key, cipher, rng)
    }
}

fn digest<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut hasher = D::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().to_vec()
}

fn hmac<D: EagerHash>(key: &[u8], parts: &[&[u8]]) -> Secret
where
    Hmac<D>: Mac + KeyInit,
{
    // HMAC is defined for a key of every length, so `new_from_slice` cannot refuse one.
    #[expect(clippy::expect_used, reason = "HMAC takes a key of every length")]
    let mut mac = <Hmac<D> as KeyInit>::new_from_slice(key).expect("HMAC takes a key of every length");
    for part in parts {
        mac.update(part);
    }
    Secret::from(mac.finalize().into_bytes().as_slice())
}

fn encrypt<C: KeyIvInit + BlockModeEncrypt>(
    key: &[u8],
    iv: &[u8],
    data: &mut [u8],
) -> Result<(), CryptoError> {
    let cipher = C::new_from_slices(key, iv).map_err(|error| provider_error(&error))?;
    let len = data.len();
    cipher.encrypt_padded::<NoPadding>(data, len).map(|_| ()).map_err(|error| provider_error(&error))
}

fn decrypt<C: KeyIvInit + BlockModeDecrypt>(
    key: &[u8],
    iv: &[u8],
    data: &mut [u8],
) -> Result<(), CryptoError> {
    let cipher = C::new_from_slices(key, iv).map_err(|error| provider_error(&error))?;
    cipher.decrypt_padded::<NoPadding>(data).map(|_| ()).map_err(|error| provider_error(&error))
}

fn provider_error(error: &dyn core::fmt::Display) -> CryptoError {
    CryptoError::Provider { provider: "reference", detail: error.to_string() }
}
