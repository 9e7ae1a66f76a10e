//! SKEYID, its three descendants and the key that encrypts ISAKMP messages (RFC 2409 section 5, Appendix B).

use crate::crypto::{CipherAlgorithm, CryptoProvider, HashAlgorithm, Secret};
use crate::deviation::{Deviation, deviates};

/// Defines a key type that only this module can make.
macro_rules! key_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(Secret);

        impl $name {
            /// The bytes of the key, as many as the hash gives.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8] {
                self.0.as_bytes()
            }
        }
    };
}

key_type! {
    /// SKEYID: known only to the two authenticated sides, root of the other keys.
    Skeyid
}
key_type! {
    /// SKEYID_d: the key that KEYMAT is derived from.
    SkeyidD
}
key_type! {
    /// SKEYID_a: the key that authenticates messages after phase 1.
    SkeyidA
}
key_type! {
    /// SKEYID_e: the key that the encryption key is derived from.
    SkeyidE
}

/// The two cookies of an ISAKMP SA, as the key schedule sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookies {
    /// CKY-I.
    pub cky_i: [u8; 8],
    /// CKY-R.
    pub cky_r: [u8; 8],
}

/// `SKEYID = prf(pre-shared-key, Ni_b | Nr_b)` (RFC 2409 section 5, pre-shared keys)
#[must_use]
pub fn skeyid_psk(p: &dyn CryptoProvider, h: HashAlgorithm, psk: &[u8], ni_b: &[u8], nr_b: &[u8]) -> Skeyid {
    let swapped = deviates(Deviation::SkeyidWithNoncesSwapped);
    let (first, second) = if swapped { (nr_b, ni_b) } else { (ni_b, nr_b) };
    Skeyid(p.prf(h, psk, &[first, second]))
}

/// `SKEYID = prf(Ni_b | Nr_b, g^xy)` (RFC 2409 section 5, signatures)
#[must_use]
pub fn skeyid_signature(
    p: &dyn CryptoProvider,
    h: HashAlgorithm,
    ni_b: &[u8],
    nr_b: &[u8],
    g_xy: &Secret,
) -> Skeyid {
    if deviates(Deviation::SignatureSkeyidKeyedByTheSecret) {
        return Skeyid(p.prf(h, g_xy.as_bytes(), &[ni_b, nr_b]));
    }
    Skeyid(p.prf(h, &[ni_b, nr_b].concat(), &[g_xy.as_bytes()]))
}

/// `SKEYID = prf(hash(Ni_b | Nr_b), CKY-I | CKY-R)` (RFC 2409 section 5, public key encryption and its revised mode)
#[must_use]
pub fn skeyid_encryption(
    p: &dyn CryptoProvider,
    h: HashAlgorithm,
    ni_b: &[u8],
    nr_b: &[u8],
    cookies: &Cookies,
) -> Skeyid {
    if deviates(Deviation::EncryptionSkeyidWithoutCookies) {
        return Skeyid(p.prf(h, &p.hash(h, &[ni_b, nr_b]), &[]));
    }
    Skeyid(p.prf(h, &p.hash(h, &[ni_b, nr_b]), &[&cookies.cky_i, &cookies.cky_r]))
}

/// SKEYID and the three keys derived from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseOneKeys {
    /// SKEYID, still needed for HASH_I and HASH_R.
    pub skeyid: Skeyid,
    /// SKEYID_d.
    pub skeyid_d: SkeyidD,
    /// SKEYID_a.
    pub skeyid_a: SkeyidA,
    /// SKEYID_e.
    pub skeyid_e: SkeyidE,
}

impl PhaseOneKeys {
    /// `SKEYID_d = prf(SKEYID, g^xy | CKY-I | CKY-R | 0)`,
    /// `SKEYID_a = prf(SKEYID, SKEYID_d | g^xy | CKY-I | CKY-R | 1)`,
    /// `SKEYID_e = prf(SKEYID, SKEYID_a | g^xy | CKY-I | CKY-R | 2)` (RFC 2409 section 5)
    ///
    /// 0, 1 and 2 are one byte each; `g_xy` is left-padded to the length of the prime.
    #[must_use]
    pub fn derive(
        p: &dyn CryptoProvider,
        h: HashAlgorithm,
        skeyid: Skeyid,
        g_xy: &Secret,
        cookies: &Cookies,
    ) -> Self {
        let Cookies { cky_i, cky_r } = cookies;
        let swapped = deviates(Deviation::SkeyidDWithCookiesSwapped);
        let (cky_i, cky_r) = if swapped { (cky_r, cky_i) } else { (cky_i, cky_r) };
        let step = |previous: &[u8], number: u8| {
            p.prf(h, skeyid.as_bytes(), &[previous, g_xy.as_bytes(), cky_i, cky_r, &[number]])
        };
        let skeyid_d = SkeyidD(step(&[], 0));
        let chained = !deviates(Deviation::SkeyidAWithoutSkeyidD);
        let skeyid_a = SkeyidA(step(if chained { skeyid_d.as_bytes() } else { &[] }, 1));
        let chained = !deviates(Deviation::SkeyidEWithoutSkeyidA);
        let skeyid_e = SkeyidE(step(if chained { skeyid_a.as_bytes() } else { &[] }, 2));
        Self { skeyid, skeyid_d, skeyid_a, skeyid_e }
    }
}

/// `Ka = K1 | K2 | K3 | ...`, `K1 = prf(SKEYID_e, 0)`, `K2 = prf(SKEYID_e, K1)` ..., cut to the key's length
/// (RFC 2409 Appendix B)
///
/// Only when SKEYID_e is shorter than the key; otherwise the key is SKEYID_e cut to length. For DES the first eight
/// bytes that are no weak or semi-weak key are taken, in steps of eight (see [`is_weak_des_key`]).
#[must_use]
pub fn encryption_key(
    p: &dyn CryptoProvider,
    h: HashAlgorithm,
    cipher: CipherAlgorithm,
    skeyid_e: &SkeyidE,
) -> Secret {
    cipher_key(p, h, cipher, skeyid_e.as_bytes())
}

/// A cipher's key from `material`, as RFC 2409 Appendix B has it.
pub(super) fn cipher_key(
    p: &dyn CryptoProvider,
    h: HashAlgorithm,
    cipher: CipherAlgorithm,
    material: &[u8],
) -> Secret {
    let wanted = cipher.key_len();
    if cipher == CipherAlgorithm::Des {
        let mut candidates = material.chunks_exact(wanted);
        let strong = candidates.find(|key| !is_weak_des_key(key));
        // Two weak keys in a row (a chance of 2^-104) leave nothing better than the start.
        return Secret::from(strong.unwrap_or_else(|| material.get(..wanted).unwrap_or(material)));
    }
    if let Some(key) = material.get(..wanted) {
        return Secret::from(key);
    }
    if deviates(Deviation::ExpandsKaWithoutFeedback) {
        let mut padded = material.to_vec();
        padded.resize(wanted, 0);
        return Secret::new(padded);
    }
    let mut block = p.prf(h, material, &[&[0]]);
    let mut ka = block.as_bytes().to_vec();
    while ka.len() < wanted {
        block = p.prf(h, material, &[block.as_bytes()]);
        ka.extend_from_slice(block.as_bytes());
    }
    ka.truncate(wanted);
    Secret::new(ka)
}

/// Whether these are eight bytes of a weak or semi-weak DES key, whatever their parity bits.
///
/// The list is that of RFC 2409 Appendix A but for its second and third weak key, where that page has misprints:
/// `1F1F1F1F E0E0E0E0` and its reverse are ordinary keys, while FIPS 74 has `1F1F1F1F 0E0E0E0E` and
/// `E0E0E0E0 F1F1F1F1`.
#[must_use]
pub fn is_weak_des_key(key: &[u8]) -> bool {
    const WEAK: [u64; 16] = [
        0x0101_0101_0101_0101,
        0x1f1f_1f1f_0e0e_0e0e,
        0xe0e0_e0e0_f1f1_f1f1,
        0xfefe_fefe_fefe_fefe,
        0x01fe_01fe_01fe_01fe,
        0x1fe0_1fe0_0ef1_0ef1,
        0x01e0_01e0_01f1_01f1,
        0x1ffe_1ffe_0efe_0efe,
        0x011f_011f_010e_010e,
        0xe0fe_e0fe_f1fe_f1fe,
        0xfe01_fe01_fe01_fe01,
        0xe01f_e01f_f10e_f10e,
        0xe001_e001_f101_f101,
        0xfe1f_fe1f_fe0e_fe0e,
        0x1f01_1f01_0e01_0e01,
        0xfee0_fee0_fef1_fef1,
    ];
    const WITHOUT_PARITY: u64 = 0xfefe_fefe_fefe_fefe;
    let Ok(bytes) = <[u8; 8]>::try_from(key) else { return false };
    let key = u64::from_be_bytes(bytes) & WITHOUT_PARITY;
    WEAK.iter().any(|weak| weak & WITHOUT_PARITY == key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::providers;

    fn skeyid_e(bytes: &[u8]) -> SkeyidE {
        SkeyidE(Secret::from(bytes))
    }

    #[test]
    fn a_long_skeyid_e_is_only_cut_to_the_key() {
        let material: Vec<u8> = (1..=20).collect();
        for p in providers() {
            let key =
                encryption_key(*p, HashAlgorithm::Sha1, CipherAlgorithm::AesCbc128, &skeyid_e(&material));
            assert_eq!(key.as_bytes(), &material[..16], "{}", p.name());
        }
    }

    #[test]
    fn a_short_skeyid_e_is_expanded_by_feeding_the_prf_into_itself() {
        let material = [0x5a; 16];
        for p in providers() {
            let h = HashAlgorithm::Md5;
            let k1 = p.prf(h, &material, &[&[0]]);
            let k2 = p.prf(h, &material, &[k1.as_bytes()]);
            let ka = [k1.as_bytes(), k2.as_bytes()].concat();
            let key = encryption_key(*p, h, CipherAlgorithm::TripleDes, &skeyid_e(&material));
            assert_eq!(key.as_bytes(), &ka[..24], "{}", p.name());
            let key = encryption_key(*p, h, CipherAlgorithm::AesCbc256, &skeyid_e(&material));
            assert_eq!(key.as_bytes(), &ka[..], "{}", p.name());
        }
    }

    /// Appendix B's example of a key of more than two results: 448 bits of Blowfish, where no key length is negotiated.
    #[test]
    fn the_key_of_blowfish_takes_as_many_results_of_the_prf_as_it_needs() {
        let blowfish = CipherAlgorithm::from_name("blowfish448").unwrap();
        let material: Vec<u8> = (1..=20).collect();
        for p in providers() {
            let h = HashAlgorithm::Sha1;
            let k1 = p.prf(h, &material, &[&[0]]);
            let k2 = p.prf(h, &material, &[k1.as_bytes()]);
            let k3 = p.prf(h, &material, &[k2.as_bytes()]);
            let ka = [k1.as_bytes(), k2.as_bytes(), k3.as_bytes()].concat();
            let key = encryption_key(*p, h, blowfish, &skeyid_e(&material));
            assert_eq!(key.as_bytes(), &ka[..56], "{}", p.name());
            // The longest hash gives enough without any expansion.
            let long = [0x5a; 64];
            let key = encryption_key(*p, HashAlgorithm::Sha2_512, blowfish, &skeyid_e(&long));
            assert_eq!(key.as_bytes(), &long[..56], "{}", p.name());
        }
    }

    #[test]
    fn a_negotiated_key_length_cuts_skeyid_e() {
        let material: Vec<u8> = (1..=24).collect();
        for p in providers() {
            for (name, len) in [("cast40", 5), ("rc5-128", 16), ("blowfish136", 17), ("idea", 16)] {
                let cipher = CipherAlgorithm::from_name(name).unwrap();
                let key = encryption_key(*p, HashAlgorithm::Tiger, cipher, &skeyid_e(&material));
                assert_eq!(key.as_bytes(), &material[..len], "{} {name}", p.name());
            }
        }
    }

    #[test]
    fn des_skips_a_weak_key_at_the_start_of_skeyid_e() {
        let mut material = vec![0x01; 8];
        material.extend(2..=13);
        for p in providers() {
            let key = encryption_key(*p, HashAlgorithm::Sha1, CipherAlgorithm::Des, &skeyid_e(&material));
            assert_eq!(key.as_bytes(), &material[8..16], "{}", p.name());
        }
    }

    #[test]
    fn weak_des_keys_are_known_with_any_parity_bits() {
        assert!(is_weak_des_key(&[0; 8]));
        assert!(is_weak_des_key(&[0x01; 8]));
        assert!(is_weak_des_key(&[0x1f, 0x1f, 0x1f, 0x1f, 0x0e, 0x0e, 0x0e, 0x0e]));
        assert!(is_weak_des_key(&[0xff, 0xe1, 0xff, 0xe1, 0xff, 0xf0, 0xff, 0xf0]));
        assert!(!is_weak_des_key(&[0x1f, 0x1f, 0x1f, 0x1f, 0xe0, 0xe0, 0xe0, 0xe0]));
        assert!(!is_weak_des_key(&[0x01; 7]));
    }

    /// Encrypting twice gives the plaintext back: what makes a DES key weak.
    fn is_self_inverse(p: &dyn CryptoProvider, key: [u8; 8]) -> bool {
        let mut block = *b"in clear";
        for _ in 0..2 {
            p.cbc_encrypt(CipherAlgorithm::Des, &key, &[0; 8], &mut block).unwrap();
        }
        &block == b"in clear"
    }

    #[test]
    fn the_cipher_itself_confirms_the_weak_keys_and_the_misprint() {
        for p in providers() {
            for half in [[0x01; 4], [0xfe; 4]] {
                assert!(is_self_inverse(*p, [half, half].concat().try_into().unwrap()));
            }
            assert!(is_self_inverse(*p, [0x1f, 0x1f, 0x1f, 0x1f, 0x0e, 0x0e, 0x0e, 0x0e]));
            assert!(is_self_inverse(*p, [0xe0, 0xe0, 0xe0, 0xe0, 0xf1, 0xf1, 0xf1, 0xf1]));
            assert!(!is_self_inverse(*p, [0x1f, 0x1f, 0x1f, 0x1f, 0xe0, 0xe0, 0xe0, 0xe0]));
        }
    }
}
