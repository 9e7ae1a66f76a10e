//! RSA private keys from PEM files, and the decryption of PKCS #1 blocks (RFC 8017 section 7.2.2).

use num_bigint::BigUint;

/// A private key with its primes (RFC 8017 section 3.2).
#[derive(Debug)]
pub(super) struct RsaKey {
    /// Length of the modulus in bytes.
    len: usize,
    n: BigUint,
    p: BigUint,
    q: BigUint,
    /// `d mod (p - 1)` and `d mod (q - 1)`.
    dp: BigUint,
    dq: BigUint,
    /// `q^-1 mod p`.
    qinv: BigUint,
}

impl RsaKey {
    /// The key of the first PEM block with a private key; `None` when that is none of RSA.
    pub(super) fn from_pem(text: &str) -> Option<Self> {
        if let Some(der) = pem_blocks(text, "RSA PRIVATE KEY").into_iter().next() {
            return Self::from_pkcs1(&der);
        }
        let der = pem_blocks(text, "PRIVATE KEY").into_iter().next()?;
        let mut info = Der(Der(&der).element(SEQUENCE)?);
        let (_version, _algorithm) = (info.element(INTEGER)?, info.element(SEQUENCE)?);
        Self::from_pkcs1(info.element(OCTET_STRING)?)
    }

    /// `RSAPrivateKey` (RFC 8017 appendix A.1.2).
    fn from_pkcs1(der: &[u8]) -> Option<Self> {
        let mut fields = Der(Der(der).element(SEQUENCE)?);
        let mut number = || fields.element(INTEGER).map(BigUint::from_bytes_be);
        let (_version, n, _e, _d) = (number()?, number()?, number()?, number()?);
        let (p, q, dp, dq, qinv) = (number()?, number()?, number()?, number()?, number()?);
        let len = usize::try_from(n.bits().div_ceil(8)).ok()?;
        (&p * &q == n).then_some(Self { len, n, p, q, dp, dq, qinv })
    }

    /// What an `EM = 00 | 02 | PS | 00 | M` holds, once its block is decrypted; `None` when it is none.
    pub(super) fn decrypt(&self, block: &[u8]) -> Option<Vec<u8>> {
        let c = BigUint::from_bytes_be(block);
        if block.len() != self.len || c >= self.n {
            return None;
        }
        let (of_p, of_q) = (c.modpow(&self.dp, &self.p), c.modpow(&self.dq, &self.q));
        let difference = (&of_p + &self.p - &of_q % &self.p) * &self.qinv % &self.p;
        let m = (of_q + difference * &self.q).to_bytes_be();
        // The leading zero is not in the number.
        let rest = (m.len() == self.len.checked_sub(1)?).then_some(m.as_slice())?.strip_prefix(&[2])?;
        let padding = rest.iter().position(|byte| *byte == 0).filter(|len| *len >= 8)?;
        rest.get(padding.checked_add(1)?..).map(<[u8]>::to_vec)
    }
}

/// The contents of the PEM blocks with a label, in order; a block that is no base64 is left out.
pub(super) fn pem_blocks(text: &str, label: &str) -> Vec<Vec<u8>> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let behind = text.split(&begin).skip(1);
    behind.filter_map(|block| base64(block.split_once(&end)?.0)).collect()
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0_u32);
    for character in text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=') {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        (bits, count) = (bits << 6 | u32::from(value), count + 6);
        if count >= 8 {
            count -= 8;
            let [.., low] = (bits >> count).to_be_bytes();
            bytes.push(low);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// Elements of DER, one behind the other.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The contents of the next element, which must have this tag.
    fn element(&mut self, tag: u8) -> Option<&'a [u8]> {
        let ([first, length], mut rest) =
            self.0.split_first_chunk::<2>().map(|(head, rest)| (*head, rest))?;
        let mut len = usize::from(length);
        if length >= 0x80 {
            let (octets, behind) =
                rest.split_at_checked(usize::from(length & 0x7f)).filter(|(o, _)| o.len() <= 4)?;
            len = octets.iter().fold(0, |len, octet| len << 8 | usize::from(*octet));
            rest = behind;
        }
        let (contents, behind) = rest.split_at_checked(len)?;
        self.0 = behind;
        (first == tag).then_some(contents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../../../../../scenarios/credentials/peer-rsa.pem");

    #[test]
    fn what_the_public_key_encrypts_comes_out_again() {
        let key = RsaKey::from_pem(KEY).unwrap();
        let encrypted = |em: &[u8]| {
            let c = BigUint::from_bytes_be(em).modpow(&BigUint::from(65_537_u32), &key.n).to_bytes_be();
            [vec![0; key.len - c.len()], c].concat()
        };
        let block = |head: &[u8], padding: usize, tail: &[u8]| {
            let em = [head, &vec![0x5a; padding], tail].concat();
            assert_eq!(em.len(), key.len);
            encrypted(&em)
        };
        let padding = key.len - 3 - 4;
        assert_eq!(key.decrypt(&block(&[0, 2], padding, b"\0body")).as_deref(), Some(&b"body"[..]));
        assert_eq!(key.decrypt(&block(&[0, 2], key.len - 3, b"\0")).as_deref(), Some(&b""[..]));
        assert_eq!(key.decrypt(&block(&[0, 1], padding, b"\0body")), None);
        assert_eq!(key.decrypt(&block(&[1, 2], padding, b"\0body")), None);
        assert_eq!(key.decrypt(&block(&[0, 2], key.len - 2, b"")), None, "nothing ends the padding");
        assert_eq!(
            key.decrypt(&block(&[0, 2, 1, 1, 1, 1, 1, 1, 1, 0], key.len - 10, b"")),
            None,
            "short padding"
        );
        assert_eq!(key.decrypt(&block(&[0, 2], padding, b"\0body")[1..]), None, "short block");
    }

    #[test]
    fn base64_of_every_length() {
        for (text, bytes) in [("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9v\nYmFy", "foobar")] {
            assert_eq!(base64(text).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!(base64("Zm9v!"), None);
    }

    #[test]
    fn other_keys_are_none_of_rsa() {
        let other = include_str!("../../../../../scenarios/credentials/peer-dsa.pem");
        assert!(RsaKey::from_pem(other).is_none());
        assert_eq!(pem_blocks(KEY, "CERTIFICATE").len(), 1);
    }
}
