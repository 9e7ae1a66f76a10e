//! The fast provider: libcrypto through the safe `openssl` crate.

use std::sync::LazyLock;

use openssl::cipher::{Cipher as FetchedCipher, CipherRef};
use openssl::cipher_ctx::CipherCtx;
use openssl::error::ErrorStack;
use openssl::lib_ctx::LibCtx;
use openssl::md::{Md, MdRef};
use openssl::md_ctx::MdCtx;
use openssl::provider::Provider;
use openssl::symm::{Cipher, Crypter, Mode};
use zeroize::Zeroizing;

use super::provider::check_cbc;
use super::{
    CipherAlgorithm, CryptoError, CryptoProvider, Group, HashAlgorithm, PrivateKey, PublicKey, RandomSource,
    ReferenceProvider, Secret, SignatureScheme, asymmetric, diffie_hellman,
};

/// The system's OpenSSL; see [`crate::crypto`].
///
/// Tiger, IDEA and RC5 are the reference provider's; so are CAST and Blowfish without libcrypto's legacy module.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpensslProvider;

impl CryptoProvider for OpensslProvider {
    fn name(&self) -> &'static str {
        "openssl"
    }

    /// # Panics
    /// When libcrypto is out of memory, or is a build or FIPS configuration that refuses the hash (MD5).
    #[expect(
        clippy::expect_used,
        reason = "only a libcrypto without the hash can fail, and that must be loud"
    )]
    fn hash(&self, algorithm: HashAlgorithm, parts: &[&[u8]]) -> Vec<u8> {
        let Some(digest) = digest(algorithm) else { return ReferenceProvider.hash(algorithm, parts) };
        hash(digest, parts).expect("libcrypto has every hash of IKEv1")
    }

    /// # Panics
    /// When libcrypto is out of memory, or is a build or FIPS configuration that refuses the hash (MD5).
    #[expect(
        clippy::expect_used,
        reason = "only a libcrypto without the hash can fail, and that must be loud"
    )]
    fn prf(&self, algorithm: HashAlgorithm, key: &[u8], parts: &[&[u8]]) -> Secret {
        let Some(digest) = digest(algorithm) else { return ReferenceProvider.prf(algorithm, key, parts) };
        hmac(digest, key, parts).expect("libcrypto has the HMAC of every hash of IKEv1")
    }

    fn cbc_encrypt(
        &self,
        algorithm: CipherAlgorithm,
        key: &[u8],
        iv: &[u8],
        data: &mut [u8],
    ) -> Result<(), CryptoError> {
        cbc(Mode::Encrypt, algorithm, key, iv, data)
    }

    fn cbc_decrypt(
        &self,
        algorithm: CipherAlgorithm,
        key: &[u8],
        iv: &[u8],
        data: &mut [u8],
    ) -> Result<(), CryptoError> {
        cbc(Mode::Decrypt, algorithm, key, iv, data)
    }

    fn dh_public(&self, group: &Group, private: &Secret) -> Result<Vec<u8>, CryptoError> {
        diffie_hellman::openssl::public(group, private)
    }

    fn dh_shared(&self, group: &Group, private: &Secret, peer_public: &[u8]) -> Result<Secret, CryptoError> {
        diffie_hellman::openssl::shared(group, private, peer_public)
    }

    fn sign(
        &self,
        key: &PrivateKey,
        scheme: SignatureScheme,
        hash: &[u8],
        rng: &mut dyn RandomSource,
    ) -> Result<Vec<u8>, CryptoError> {
        asymmetric::openssl::sign(key, scheme, hash, rng)
    }

    fn verify(
        &self,
        key: &PublicKey,
        scheme: SignatureScheme,
        hash: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        asymmetric::openssl::verify(key, scheme, hash, signature)
    }

    fn rsa_encrypt(
        &self,
        key: &PublicKey,
        plain: &[u8],
        rng: &mut dyn RandomSource,
    ) -> Result<Vec<u8>, CryptoError> {
        asymmetric::openssl::rsa_encrypt(key, plain, rng)
    }

    fn rsa_decrypt(
        &self,
        key: &PrivateKey,
        cipher: &[u8],
        rng: &mut dyn RandomSource,
    ) -> Result<Secret, CryptoError> {
        asymmetric::openssl::rsa_decrypt(key, cipher, rng)
    }
}

/// libcrypto's implementation of a hash; it has none of Tiger. It is looked up once: since OpenSSL 3.0 the search costs
/// more than the hash.
fn digest(algorithm: HashAlgorithm) -> Option<&'static MdRef> {
    static MD5: LazyLock<Md> = LazyLock::new(|| fetch("MD5"));
    static SHA1: LazyLock<Md> = LazyLock::new(|| fetch("SHA1"));
    static SHA2_256: LazyLock<Md> = LazyLock::new(|| fetch("SHA256"));
    static SHA2_384: LazyLock<Md> = LazyLock::new(|| fetch("SHA384"));
    static SHA2_512: LazyLock<Md> = LazyLock::new(|| fetch("SHA512"));
    match algorithm {
        HashAlgorithm::Md5 => Some(&MD5),
        HashAlgorithm::Sha1 => Some(&SHA1),
        HashAlgorithm::Tiger => None,
        HashAlgorithm::Sha2_256 => Some(&SHA2_256),
        HashAlgorithm::Sha2_384 => Some(&SHA2_384),
        HashAlgorithm::Sha2_512 => Some(&SHA2_512),
    }
}

#[expect(clippy::expect_used, reason = "only a libcrypto without the hash can fail, and that must be loud")]
fn fetch(name: &str) -> Md {
    Md::fetch(None, name, None).expect("libcrypto has every hash of IKEv1")
}

/// Hashes of one algorithm, one after the other in the same context.
struct Hashing {
    context: MdCtx,
    digest: &'static MdRef,
}

impl Hashing {
    fn new(digest: &'static MdRef) -> Result<Self, ErrorStack> {
        Ok(Self { context: MdCtx::new()?, digest })
    }

    fn hash(&mut self, parts: &[&[u8]]) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
        self.context.digest_init(self.digest)?;
        for part in parts {
            self.context.digest_update(part)?;
        }
        let mut value = Zeroizing::new(vec![0; self.digest.size()]);
        self.context.digest_final(&mut value)?;
        Ok(value)
    }
}

fn hash(digest: &'static MdRef, parts: &[&[u8]]) -> Result<Vec<u8>, ErrorStack> {
    Ok(Hashing::new(digest)?.hash(parts)?.to_vec())
}

/// `hash(key xor opad | hash(key xor ipad | parts))` (RFC 2104 section 2). libcrypto's own HMAC takes 15 times as long for
/// messages of this size, as it searches for its implementation each time.
fn hmac(digest: &'static MdRef, key: &[u8], parts: &[&[u8]]) -> Result<Secret, ErrorStack> {
    let mut hashing = Hashing::new(digest)?;
    let block = hashing.digest.block_size();
    let mut padded =
        Zeroizing::new(if key.len() > block { hashing.hash(&[key])?.to_vec() } else { key.to_vec() });
    padded.resize(block, 0);
    let pad = |byte: u8| Zeroizing::new(padded.iter().map(|key| key ^ byte).collect::<Vec<u8>>());
    let (inner, outer) = (pad(0x36), pad(0x5c));
    let inner = hashing.hash(&[&[&inner[..]], parts].concat())?;
    Ok(Secret::new(hashing.hash(&[&outer, &inner])?.to_vec()))
}

fn cbc(
    mode: Mode,
    algorithm: CipherAlgorithm,
    key: &[u8],
    iv: &[u8],
    data: &mut [u8],
) -> Result<(), CryptoError> {
    check_cbc(algorithm, key, iv, data)?;
    let output = match algorithm {
        // Single DES is in libcrypto's legacy module, which may not be installed. Encrypt-decrypt-encrypt under
        // one key three times is the same permutation.
        CipherAlgorithm::Des => {
            let triple = Zeroizing::new(key.repeat(3));
            run(mode, Cipher::des_ede3_cbc(), &triple, iv, data)
        }
        CipherAlgorithm::TripleDes => run(mode, Cipher::des_ede3_cbc(), key, iv, data),
        CipherAlgorithm::CamelliaCbc128 => run(mode, Cipher::camellia_128_cbc(), key, iv, data),
        CipherAlgorithm::CamelliaCbc192 => run(mode, Cipher::camellia_192_cbc(), key, iv, data),
        CipherAlgorithm::CamelliaCbc256 => run(mode, Cipher::camellia_256_cbc(), key, iv, data),
        CipherAlgorithm::AesCbc128 => run(mode, Cipher::aes_128_cbc(), key, iv, data),
        CipherAlgorithm::AesCbc192 => run(mode, Cipher::aes_192_cbc(), key, iv, data),
        CipherAlgorithm::AesCbc256 => run(mode, Cipher::aes_256_cbc(), key, iv, data),
        CipherAlgorithm::Cast(_) | CipherAlgorithm::Blowfish(_) => match legacy(algorithm) {
            Some(cipher) => run_variable(mode, cipher, key, iv, data),
            None => return by_reference(mode, algorithm, key, iv, data),
        },
        CipherAlgorithm::Idea | CipherAlgorithm::Rc5(_) => {
            return by_reference(mode, algorithm, key, iv, data);
        }
    }
    .map_err(provider_error)?;
    if output.len() != data.len() {
        let detail = format!("CBC gave {} bytes for {}", output.len(), data.len());
        return Err(CryptoError::Provider { provider: "openssl", detail });
    }
    data.copy_from_slice(&output);
    Ok(())
}

fn run(
    mode: Mode,
    cipher: Cipher,
    key: &[u8],
    iv: &[u8],
    data: &[u8],
) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    let mut crypter = Crypter::new(cipher, mode, key, Some(iv))?;
    crypter.pad(false);
    // `update` asks for one block of room beyond its input.
    let mut output = Zeroizing::new(vec![0; data.len().saturating_add(cipher.block_size())]);
    let mut written = crypter.update(data, &mut output)?;
    written = written.saturating_add(crypter.finalize(output.get_mut(written..).unwrap_or_default())?);
    output.truncate(written);
    Ok(output)
}

/// A cipher of libcrypto's legacy module, where that is installed.
///
/// The module is loaded into a library context of its own, so that nothing else in the process sees these ciphers.
fn legacy(algorithm: CipherAlgorithm) -> Option<&'static CipherRef> {
    struct Legacy {
        cast: FetchedCipher,
        blowfish: FetchedCipher,
        // What the ciphers come from.
        _module: Provider,
        _context: LibCtx,
    }
    static LEGACY: LazyLock<Option<Legacy>> = LazyLock::new(|| {
        let load = || {
            let context = LibCtx::new()?;
            let module = Provider::load(Some(&context), "legacy")?;
            let fetch = |name| FetchedCipher::fetch(Some(&context), name, None);
            Ok::<_, ErrorStack>(Legacy {
                cast: fetch("CAST5-CBC")?,
                blowfish: fetch("BF-CBC")?,
                _module: module,
                _context: context,
            })
        };
        load().ok()
    });
    let legacy = LEGACY.as_ref()?;
    match algorithm {
        CipherAlgorithm::Cast(_) => Some(&legacy.cast),
        CipherAlgorithm::Blowfish(_) => Some(&legacy.blowfish),
        _ => None,
    }
}

/// [`run`] for a cipher that must be told the length of its key.
fn run_variable(
    mode: Mode,
    cipher: &CipherRef,
    key: &[u8],
    iv: &[u8],
    data: &[u8],
) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    let mut context = CipherCtx::new()?;
    match mode {
        Mode::Encrypt => context.encrypt_init(Some(cipher), None, None)?,
        Mode::Decrypt => context.decrypt_init(Some(cipher), None, None)?,
    }
    context.set_key_length(key.len())?;
    match mode {
        Mode::Encrypt => context.encrypt_init(None, Some(key), Some(iv))?,
        Mode::Decrypt => context.decrypt_init(None, Some(key), Some(iv))?,
    }
    context.set_padding(false);
    let mut output = Zeroizing::new(vec![0; data.len().saturating_add(cipher.block_size())]);
    let mut written = context.cipher_update(data, Some(&mut output))?;
    written = written.saturating_add(context.cipher_final(output.get_mut(written..).unwrap_or_default())?);
    output.truncate(written);
    Ok(output)
}

/// CBC by the reference provider, for what this libcrypto lacks.
fn by_reference(
    mode: Mode,
    algorithm: CipherAlgorithm,
    key: &[u8],
    iv: &[u8],
    data: &mut [u8],
) -> Result<(), CryptoError> {
    match mode {
        Mode::Encrypt => ReferenceProvider.cbc_encrypt(algorithm, key, iv, data),
        Mode::Decrypt => ReferenceProvider.cbc_decrypt(algorithm, key, iv, data),
    }
}

fn provider_error(error: ErrorStack) -> CryptoError {
    CryptoError::Provider { provider: "openssl", detail: error.to_string() }
}
