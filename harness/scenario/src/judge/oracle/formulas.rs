//! The formulas of RFC 2409 section 5 and Appendix B, over octets.

use hmac::{EagerHash, Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::digest::Digest;
use sha2::{Sha256, Sha384, Sha512};
use tiger::Tiger;

/// Length of a DES key in bytes.
const DES_KEY: usize = 8;

/// A negotiated hash algorithm; its HMAC is the prf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Tiger,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// The hash of the concatenated parts.
    pub(super) fn of(self, parts: &[&[u8]]) -> Vec<u8> {
        let data = parts.concat();
        match self {
            Self::Md5 => Md5::digest(&data).to_vec(),
            Self::Sha1 => Sha1::digest(&data).to_vec(),
            Self::Tiger => Tiger::digest(&data).to_vec(),
            Self::Sha256 => Sha256::digest(&data).to_vec(),
            Self::Sha384 => Sha384::digest(&data).to_vec(),
            Self::Sha512 => Sha512::digest(&data).to_vec(),
        }
    }

    /// `prf(key, parts)`.
    pub(super) fn prf(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        let data = parts.concat();
        match self {
            Self::Md5 => hmac::<Md5>(key, &data),
            Self::Sha1 => hmac::<Sha1>(key, &data),
            Self::Tiger => hmac::<Tiger>(key, &data),
            Self::Sha256 => hmac::<Sha256>(key, &data),
            Self::Sha384 => hmac::<Sha384>(key, &data),
            Self::Sha512 => hmac::<Sha512>(key, &data),
        }
    }
}

fn hmac<D: EagerHash>(key: &[u8], data: &[u8]) -> Vec<u8>
where
    Hmac<D>: Mac + KeyInit,
{
    #[expect(clippy::expect_used, reason = "HMAC takes a key of every length")]
    let mut mac = <Hmac<D> as KeyInit>::new_from_slice(key).expect("HMAC takes a key of every length");
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

/// A cipher of phase 1, by what the formulas need of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cipher {
    pub(super) key_len: usize,
    pub(super) block_len: usize,
    /// It is DES, whose weak keys are passed over.
    pub(super) is_des: bool,
}

/// `Ka`: SKEYID_e cut to the key, or `K1 | K2 | ...` with `K1 = prf(SKEYID_e, 0)`, `K2 = prf(SKEYID_e, K1)`; for DES
/// the first eight bytes that are no weak key (RFC 2409 Appendix B). `None` when all of them are weak.
pub(super) fn ka(hash: Hash, cipher: Cipher, skeyid_e: &[u8]) -> Option<Vec<u8>> {
    if cipher.is_des {
        return skeyid_e.chunks_exact(DES_KEY).find(|key| !is_weak(key)).map(<[u8]>::to_vec);
    }
    let mut material = skeyid_e.to_vec();
    if material.len() < cipher.key_len {
        material.clear();
        let mut block = vec![0];
        while material.len() < cipher.key_len {
            block = hash.prf(skeyid_e, &[&block]);
            material.extend(&block);
        }
    }
    material.truncate(cipher.key_len);
    Some(material)
}

/// Whether a DES key is weak or semi-weak.
///
/// Such a key has the form `abab cdcd`, where `ab` are two of `01 1f e0 fe` and `cd` are those that belong to them of
/// `01 0e f1 fe`. The lowest bit of each byte is parity.
fn is_weak(key: &[u8]) -> bool {
    const HALVES: [(u8, u8); 4] = [(0x01, 0x01), (0x1f, 0x0e), (0xe0, 0xf1), (0xfe, 0xfe)];
    HALVES.iter().any(|(a, c)| {
        HALVES.iter().any(|(b, d)| {
            let weak = [a, b, a, b, c, d, c, d];
            key.iter().zip(weak).all(|(got, weak)| got | 1 == weak | 1)
        })
    })
}

/// `KEYMAT = K1 | K2 | ...`, `K1 = prf(SKEYID_d, seed)`, `K2 = prf(SKEYID_d, K1 | seed)`, cut to `len`; the seed is
/// `[g(qm)^xy |] protocol | SPI | Ni_b | Nr_b` (RFC 2409 section 5.5).
pub(super) fn keymat(hash: Hash, skeyid_d: &[u8], seed: &[u8], len: usize) -> Vec<u8> {
    let (mut material, mut block) = (Vec::new(), Vec::new());
    while material.len() < len {
        block = hash.prf(skeyid_d, &[&block, seed]);
        material.extend(&block);
    }
    material.truncate(len);
    material
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `K1 = prf(SKEYID_e, 0)` when SKEYID_e is too short, and `K2` from it.
    #[test]
    fn a_short_skeyid_e_is_expanded() {
        let skeyid_e = [0x5a; 16];
        let k1 = Hash::Md5.prf(&skeyid_e, &[&[0]]);
        let k2 = Hash::Md5.prf(&skeyid_e, &[&k1]);
        let key = ka(Hash::Md5, Cipher { key_len: 24, block_len: 8, is_des: false }, &skeyid_e).unwrap();
        assert_eq!(key, [k1, k2].concat()[..24]);
    }

    #[test]
    fn a_key_of_448_bits_takes_three_results_of_sha_1() {
        let skeyid_e = [0x5a; 20];
        let k1 = Hash::Sha1.prf(&skeyid_e, &[&[0]]);
        let k2 = Hash::Sha1.prf(&skeyid_e, &[&k1]);
        let k3 = Hash::Sha1.prf(&skeyid_e, &[&k2]);
        let key = ka(Hash::Sha1, Cipher { key_len: 56, block_len: 8, is_des: false }, &skeyid_e).unwrap();
        assert_eq!(key, [k1, k2, k3].concat()[..56]);
    }

    #[test]
    fn des_takes_the_first_key_that_is_not_weak() {
        let weak = [0x1f, 0xfe, 0x1f, 0xfe, 0x0e, 0xfe, 0x0e, 0xfe];
        let strong = [1, 2, 3, 4, 5, 6, 7, 8];
        let des = Cipher { key_len: 8, block_len: 8, is_des: true };
        assert_eq!(ka(Hash::Sha1, des, &[weak, strong].concat()), Some(strong.to_vec()));
        assert_eq!(ka(Hash::Md5, des, &[weak, weak].concat()), None);
        let other = Cipher { is_des: false, ..des };
        assert_eq!(ka(Hash::Sha1, other, &[weak, strong].concat()), Some(weak.to_vec()));
    }
}
