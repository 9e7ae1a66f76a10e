//! Messages with encrypted bodies: public key encryption and its revised mode (RFC 2409 sections 5.2 and 5.3).

use aes::cipher::{Block, BlockCipherDecrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use des::{Des, TdesEde3};

use super::formulas::{Cipher, Hash, ka};
use super::message::{self, HASH, HEADER, ID, NONCE};
use super::rsa::{RsaKey, pem_blocks};
use crate::pki::{PemFile, ResolvedPki};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Identity and nonce are under the public key.
    Plain,
    /// The nonce alone is, and what follows is under a key from it.
    Revised,
}

/// The negotiated algorithms, and what else opens a message.
#[derive(Debug)]
pub(super) struct Opener<'a> {
    pub(super) mode: Mode,
    pub(super) hash: Hash,
    pub(super) cipher: Cipher,
    /// CKY-I for the initiator's message, CKY-R for the responder's.
    pub(super) cookie: [u8; 8],
    /// Whether it is the initiator's, which alone may have HASH(1).
    pub(super) of_initiator: bool,
    /// Keys of the one who is to read it.
    pub(super) reader: &'a ResolvedPki,
}

/// An opened message.
#[derive(Debug)]
pub(super) struct Opened {
    /// Header and payloads, the bodies in the clear and without padding, all lengths as they then are.
    pub(super) message: Vec<u8>,
    /// Ke_i or Ke_r.
    pub(super) ephemeral_key: Option<Vec<u8>>,
}

impl Opener<'_> {
    /// Opens a message; `None` when it is not made as the RFC says, or for someone else.
    pub(super) fn open(&self, sealed: &[u8]) -> Option<Opened> {
        let key = self.private_key(hash_1(sealed).filter(|_| self.of_initiator))?;
        let mut message = sealed.get(..HEADER)?.to_vec();
        let (mut ephemeral_key, mut iv) = (None, vec![0; self.cipher.block_len]);
        let mut next = sealed.get(HEADER..)?;
        for (kind, body) in message::bodies(sealed)? {
            let [following, reserved, ..] = *next.first_chunk::<4>()?;
            next = next.get(body.len().checked_add(4)?..)?;
            let opened = match (self.mode, kind, &ephemeral_key) {
                (_, HASH, _) => body.to_vec(),
                (Mode::Plain, ID | NONCE, _) => key.decrypt(body)?,
                (Mode::Revised, NONCE, None) => {
                    let nonce = key.decrypt(body)?;
                    // Ne_i = prf(Ni_b, CKY-I), Ne_r = prf(Nr_b, CKY-R)
                    let ne = self.hash.prf(&nonce, &[&self.cookie]);
                    ephemeral_key = Some(ka(self.hash, self.cipher, &ne)?);
                    nonce
                }
                (Mode::Revised, _, Some(ephemeral_key)) => {
                    let padded = cbc_decrypt(ephemeral_key, &iv, body)?;
                    iv = body.get(body.len().checked_sub(self.cipher.block_len)?..)?.to_vec();
                    without_padding(&padded, self.cipher.block_len)?.to_vec()
                }
                _ => body.to_vec(),
            };
            let [high, low] = u16::try_from(opened.len().checked_add(4)?).ok()?.to_be_bytes();
            message.extend([following, reserved, high, low]);
            message.extend(opened);
        }
        let length = u32::try_from(message.len()).ok()?.to_be_bytes();
        message.get_mut(24..HEADER)?.copy_from_slice(&length);
        Some(Opened { message, ephemeral_key })
    }

    /// The reader's key: that of the certificate which HASH(1) names, or the only one that takes no naming.
    fn private_key(&self, hash_1: Option<&[u8]>) -> Option<RsaKey> {
        let named = |file: &&PemFile| {
            let own = pem_blocks(&file.pem, "CERTIFICATE").into_iter().next();
            own.is_some_and(|der| hash_1 == Some(&self.hash.of(&[&der])))
        };
        let all = || self.reader.credentials.iter().chain(&self.reader.further_credentials);
        let file = if hash_1.is_some() { all().find(named) } else { self.reader.credentials.as_ref() };
        RsaKey::from_pem(&file?.pem)
    }
}

/// The body of the one HASH payload of a message.
pub(super) fn hash_1(message: &[u8]) -> Option<&[u8]> {
    message::body(message, HASH)
}

/// CBC decryption by the length of the key; `None` unless these are whole blocks.
fn cbc_decrypt(key: &[u8], iv: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>> {
    match (iv.len(), key.len()) {
        (8, 8) => chained(&Des::new_from_slice(key).ok()?, iv, ciphertext),
        (8, 24) => chained(&TdesEde3::new_from_slice(key).ok()?, iv, ciphertext),
        (16, 16) => chained(&Aes128::new_from_slice(key).ok()?, iv, ciphertext),
        (16, 24) => chained(&Aes192::new_from_slice(key).ok()?, iv, ciphertext),
        (16, 32) => chained(&Aes256::new_from_slice(key).ok()?, iv, ciphertext),
        _ => None,
    }
}

fn chained<C: BlockCipherDecrypt>(cipher: &C, iv: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>> {
    let mut plaintext = Vec::new();
    let mut before = iv;
    for block in ciphertext.chunks(iv.len()) {
        let mut decrypted = Block::<C>::try_from(block).ok()?;
        cipher.decrypt_block(&mut decrypted);
        plaintext.extend(decrypted.iter().zip(before).map(|(byte, before)| byte ^ before));
        before = block;
    }
    Some(plaintext)
}

/// Zeros and an octet that counts them, taken off; `None` where there is no such padding within the last block.
fn without_padding(padded: &[u8], block_len: usize) -> Option<&[u8]> {
    let (count, rest) = padded.split_last()?;
    let count = usize::from(*count);
    let (body, zeros) = rest.split_at_checked(rest.len().checked_sub(count)?)?;
    (count < block_len && zeros.iter().all(|zero| *zero == 0)).then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From FIPS 81 table C1, and SP 800-38A section F.2.
    #[test]
    fn cbc_gives_the_standards_answers() {
        let hex = |text: &str| hex::decode(text).unwrap();
        let des = hex("e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6");
        let text = cbc_decrypt(&hex("0123456789abcdef"), &hex("1234567890abcdef"), &des);
        assert_eq!(text.as_deref(), Some(&b"Now is the time for all "[..]));
        let aes = hex("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2");
        let key = hex("2b7e151628aed2a6abf7158809cf4f3c");
        let text = cbc_decrypt(&key, &hex("000102030405060708090a0b0c0d0e0f"), &aes);
        assert_eq!(text, Some(hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")));
        assert_eq!(cbc_decrypt(&key, &[0; 16], &aes[..20]), None);
    }

    #[test]
    fn padding_is_zeros_and_their_count() {
        assert_eq!(without_padding(&[1, 2, 0, 0, 2], 8), Some(&[1, 2][..]));
        assert_eq!(without_padding(&[0], 8), Some(&[][..]));
        assert_eq!(without_padding(&[1, 2, 0, 1, 2], 8), None);
        assert_eq!(without_padding(&[1, 3], 8), None);
        assert_eq!(without_padding(&[0; 0], 8), None);
        assert_eq!(without_padding(&[0, 0, 0, 0, 0, 0, 0, 0, 8], 8), None);
    }
}
