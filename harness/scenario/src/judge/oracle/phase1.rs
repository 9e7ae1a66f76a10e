//! Main mode and aggressive mode (RFC 2409 sections 5 to 5.4).

use ikev1::keylog::Label;

use super::check::Expected;
use super::formulas::{Cipher, Hash, ka};
use super::group::{InFull, shared_secret};
use super::message::{self, ID, KE, NONCE, SA};
use super::rsa::pem_blocks;
use super::sealed::{Mode, Opener, hash_1};
use super::tape::{Cookies, ExchangeTape, Sent, Tape, last_block};
use crate::case::ResolvedConfig;
use crate::model::{Exchange, Side};
use crate::verdict::Finding;

/// What the exchanges below an ISAKMP SA are made with.
#[derive(Debug)]
pub(super) struct IsakmpSa {
    pub(super) cookies: Cookies,
    pub(super) hash: Hash,
    pub(super) block_len: usize,
    pub(super) skeyid_d: Option<Vec<u8>>,
    pub(super) skeyid_a: Option<Vec<u8>>,
    /// The last phase 1 block, once phase 1 is complete.
    pub(super) last_block: Option<Vec<u8>>,
}

/// Numbers of the messages with KE and nonce, with the IDs, and of the last one.
struct Places {
    nonce_i: u8,
    nonce_r: u8,
    id_i: u8,
    id_r: u8,
    last: u8,
}

const MAIN: Places = Places { nonce_i: 3, nonce_r: 4, id_i: 5, id_r: 6, last: 6 };
/// Public key encryption has the IDs beside the nonces.
const MAIN_ENCRYPTED: Places = Places { nonce_i: 3, nonce_r: 4, id_i: 3, id_r: 4, last: 6 };
const AGGRESSIVE: Places = Places { nonce_i: 1, nonce_r: 2, id_i: 1, id_r: 2, last: 3 };

/// Computes every value of one phase 1; `None` when not even its algorithms are known.
pub(super) fn phase1(
    tape: &Tape<'_>,
    cookies: Cookies,
    config: &ResolvedConfig,
    out: &mut Expected,
) -> Option<IsakmpSa> {
    let exchange = tape.phase1(cookies)?;
    let (first, second) = (exchange.message(1)?, exchange.message(2)?);
    let Algorithms { method, hash, cipher, group } = algorithms(second.body(SA)?)?;
    let (method, hash_of) = extended(method);
    let mode = match method {
        RSA_ENCRYPTION => Some(Mode::Plain),
        REVISED_RSA_ENCRYPTION => Some(Mode::Revised),
        _ => None,
    };
    let places = match (first.exchange, mode) {
        (Exchange::MainMode, None) => MAIN,
        (Exchange::MainMode, Some(_)) => MAIN_ENCRYPTED,
        _ => AGGRESSIVE,
    };
    let opened = |number: u8, of_initiator: bool, out: &mut Expected| {
        let message = exchange.message(number)?;
        let Some(mode) = mode else { return message.clear.map(<[u8]>::to_vec) };
        let cookie = if of_initiator { cookies.0 } else { cookies.1 };
        let reader = config.side(message.from.other()).pki.as_ref()?;
        let opened = Opener { mode, hash, cipher, cookie, of_initiator, reader }.open(&message.wire)?;
        if let Some(key) = &opened.ephemeral_key {
            out.tell((cookies, 0), if of_initiator { Label::KeI } else { Label::KeR }, key);
        }
        if let Some(finding) = differently_read(message, &opened.message) {
            out.differs(finding);
        }
        Some(opened.message)
    };
    let (from_i, from_r) = (opened(places.nonce_i, true, out), opened(places.nonce_r, false, out));
    if let Some(message) = exchange.message(places.nonce_i).filter(|_| mode.is_some())
        && let Some(finding) = names_nobody(message, hash, config)
    {
        out.differs(finding);
    }
    let of_i = |kind| message::body(from_i.as_deref()?, kind);
    let of_r = |kind| message::body(from_r.as_deref()?, kind);
    let mut sa = IsakmpSa {
        cookies,
        hash,
        block_len: cipher.block_len,
        skeyid_d: None,
        skeyid_a: None,
        last_block: None,
    };
    let mut tell = |label, value: &[u8]| out.tell((cookies, 0), label, value);
    for block in tape.last_blocks((cookies, 0), cipher.block_len) {
        tell(Label::NextIv, &block);
    }

    let (Some(ke_i), Some(ke_r)) = (of_i(KE), of_r(KE)) else { return Some(sa) };
    let mut iv = hash.of(&[ke_i, ke_r]);
    iv.truncate(cipher.block_len);
    tell(Label::Phase1Iv, &iv);
    sa.last_block = exchange.message(places.last).and_then(|last| {
        // Aggressive mode's last message may be in the clear.
        let encrypted = message::is_encrypted(&last.wire);
        if encrypted { last_block(&last.wire, cipher.block_len) } else { Some(iv) }
    });

    let (Some(ni_b), Some(nr_b)) = (of_i(NONCE), of_r(NONCE)) else { return Some(sa) };
    let theirs = if first.from == Side::Harness { ke_r } else { ke_i };
    let exponent = tape.exponent((cookies, 0), Label::PrivateExponent);
    let g_xy = exponent.and_then(|exponent| match group {
        DhGroup::Described(id) => shared_secret(id, &exponent, theirs),
        DhGroup::InFull(group) => group.shared_secret(&exponent, theirs),
    });
    let (cky_i, cky_r) = (&cookies.0[..], &cookies.1[..]);
    let skeyid = match method {
        PRE_SHARED_KEY => Some(hash.prf(config.harness.psk.as_bytes(), &[ni_b, nr_b])),
        DSS | RSA | ECDSA_256 | ECDSA_384 | ECDSA_521 => {
            g_xy.as_ref().map(|g_xy| hash.prf(&[ni_b, nr_b].concat(), &[g_xy]))
        }
        RSA_ENCRYPTION | REVISED_RSA_ENCRYPTION => Some(hash.prf(&hash.of(&[ni_b, nr_b]), &[cky_i, cky_r])),
        _ => None,
    };
    let Some(skeyid) = skeyid else { return Some(sa) };
    tell(Label::Skeyid, &skeyid);
    // HASH_I and HASH_R, where the signature over them is tied to another hash than the negotiated one.
    let tied = match method {
        DSS => Hash::Sha1,
        ECDSA_256 => Hash::Sha256,
        ECDSA_384 => Hash::Sha384,
        ECDSA_521 => Hash::Sha512,
        _ => hash,
    };
    let (idii_b, idir_b) = match mode {
        Some(_) => (of_i(ID), of_r(ID)),
        None => (id(&exchange, places.id_i), id(&exchange, places.id_r)),
    };
    if let Some(sai_b) = first.body(SA) {
        if let Some(idii_b) = idii_b {
            let of_i = if hash_of == Some(INITIATOR) { hash } else { tied };
            tell(Label::HashI, &of_i.prf(&skeyid, &[ke_i, ke_r, cky_i, cky_r, sai_b, idii_b]));
        }
        if let Some(idir_b) = idir_b {
            let of_r = if hash_of == Some(RESPONDER) { hash } else { tied };
            tell(Label::HashR, &of_r.prf(&skeyid, &[ke_r, ke_i, cky_r, cky_i, sai_b, idir_b]));
        }
    }

    let Some(g_xy) = g_xy else { return Some(sa) };
    tell(Label::GXy, &g_xy);
    let skeyid_d = hash.prf(&skeyid, &[&g_xy, cky_i, cky_r, &[0]]);
    let skeyid_a = hash.prf(&skeyid, &[&skeyid_d, &g_xy, cky_i, cky_r, &[1]]);
    let skeyid_e = hash.prf(&skeyid, &[&skeyid_a, &g_xy, cky_i, cky_r, &[2]]);
    tell(Label::SkeyidD, &skeyid_d);
    tell(Label::SkeyidA, &skeyid_a);
    tell(Label::SkeyidE, &skeyid_e);
    if let Some(ka) = ka(hash, cipher, &skeyid_e) {
        tell(Label::Ka, &ka);
    }
    (sa.skeyid_d, sa.skeyid_a) = (Some(skeyid_d), Some(skeyid_a));
    Some(sa)
}

/// What is wrong when the harness told a message with encrypted bodies otherwise than it opens.
fn differently_read(message: &Sent<'_>, opened: &[u8]) -> Option<Finding> {
    // Without its plaintext, it stands as it was sent.
    let told = message.clear.filter(|clear| *clear != message.wire && *clear != opened)?;
    Some(Finding {
        what: format!(
            "{} message {} as the harness read or wrote it is not what its encrypted bodies hold by RFC 2409 sections 5.2 \
             and 5.3",
            message.exchange, message.number
        ),
        expected: hex::encode(opened),
        got: hex::encode(told),
        ..Finding::default()
    })
}

/// What is wrong when HASH(1) of the harness is the hash of no certificate that it knows of the peer.
fn names_nobody(message: &Sent<'_>, hash: Hash, config: &ResolvedConfig) -> Option<Finding> {
    let got = hash_1(&message.wire).filter(|_| message.from == Side::Harness)?;
    let known = config.harness.pki.iter().flat_map(|pki| &pki.certificates);
    let known = known.flat_map(|file| pem_blocks(&file.pem, "CERTIFICATE"));
    let expected: Vec<_> = known.map(|der| hash.of(&[&der])).collect();
    (!expected.iter().any(|expected| expected == got)).then(|| Finding {
        what: "HASH(1) of the harness is not the hash of a certificate of the peer (RFC 2409 section 5.2)"
            .to_owned(),
        expected: expected.iter().map(hex::encode).collect::<Vec<_>>().join(" or "),
        got: hex::encode(got),
        ..Finding::default()
    })
}

fn id<'a>(exchange: &ExchangeTape<'_, 'a>, number: u8) -> Option<&'a [u8]> {
    exchange.message(number)?.body(ID)
}

/// Authentication methods (RFC 2409 Appendix A, RFC 4754).
const PRE_SHARED_KEY: u16 = 1;
const DSS: u16 = 2;
const RSA: u16 = 3;
const RSA_ENCRYPTION: u16 = 4;
const REVISED_RSA_ENCRYPTION: u16 = 5;
const ECDSA_256: u16 = 9;
const ECDSA_384: u16 = 10;
const ECDSA_521: u16 = 11;

/// Roles in phase 1.
const INITIATOR: u16 = 0;
const RESPONDER: u16 = 1;

/// The method within one that extends it, and with hybrid authentication the side that shows a hash which nothing signs
/// (XAUTH draft section 7.2, hybrid draft sections 3.2.1 and 4.2).
fn extended(method: u16) -> (u16, Option<u16>) {
    match method {
        64221 | 64222 => (RSA, Some(method - 64221)),
        64223 | 64224 => (DSS, Some(method - 64223)),
        // Pre-shared key, DSS, RSA, encryption, revised encryption, each for initiator and responder.
        65001 | 65002 => (PRE_SHARED_KEY, None),
        65003 | 65004 => (DSS, None),
        65005 | 65006 => (RSA, None),
        65007 | 65008 => (RSA_ENCRYPTION, None),
        65009 | 65010 => (REVISED_RSA_ENCRYPTION, None),
        _ => (method, None),
    }
}

/// The attributes of the responder's one transform.
struct Algorithms<'a> {
    method: u16,
    hash: Hash,
    cipher: Cipher,
    group: DhGroup<'a>,
}

/// How the group is said.
#[derive(Debug, Clone, Copy)]
enum DhGroup<'a> {
    /// By its Group Description.
    Described(u16),
    /// In full, by its numbers.
    InFull(InFull<'a>),
}

/// Class of the Key Length attribute.
const KEY_LENGTH: u16 = 14;

/// Reads the one transform in the responder's SA payload (RFC 2409 Appendix A).
fn algorithms(sa: &[u8]) -> Option<Algorithms<'_>> {
    let proposals = message::proposals(sa)?;
    let [proposal] = proposals.as_slice() else { return None };
    let [transform] = proposal.transforms.as_slice() else { return None };
    let hash = match transform.attribute(2)? {
        1 => Hash::Md5,
        2 => Hash::Sha1,
        3 => Hash::Tiger,
        4 => Hash::Sha256,
        5 => Hash::Sha384,
        6 => Hash::Sha512,
        _ => return None,
    };
    // Key and block in bits. DES, IDEA and 3DES have one key length; RFC 2409 Appendix B gives Blowfish, RC5 and CAST one
    // for transforms that state none, and nothing does for AES and Camellia.
    let stated = transform.attribute(KEY_LENGTH);
    if stated.is_none() && !transform.lacks(KEY_LENGTH) {
        return None;
    }
    let number = transform.attribute(1)?;
    let (key_bits, block_bits) = match (number, stated) {
        (1, None) => (64, 64),
        (2, None) => (128, 64),
        (3, stated) => (stated.unwrap_or(448), 64),
        (4 | 6, stated) => (stated.unwrap_or(128), 64),
        (5, None) => (192, 64),
        (7 | 8, Some(bits)) => (bits, 128),
        _ => return None,
    };
    let cipher =
        Cipher { key_len: usize::from(key_bits / 8), block_len: block_bits / 8, is_des: number == 1 };
    let group = match transform.octets(6) {
        Some(_) => DhGroup::InFull(InFull::of(transform)?),
        None => DhGroup::Described(transform.attribute(4)?),
    };
    Some(Algorithms { method: transform.attribute(3)?, hash, cipher, group })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// Body of an SA payload with one transform: SHA, pre-shared key, group 2, and these attributes.
    fn sa(attributes: &str) -> Vec<u8> {
        let attributes = hex::decode(format!("800200028003000180040002{attributes}")).unwrap();
        let len = |fixed: usize| u8::try_from(attributes.len() + fixed).unwrap();
        let start = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, len(16), 1, 1, 0, 1, 0, 0, 0, len(8), 1, 1, 0, 0];
        [&start[..], &attributes].concat()
    }

    #[rstest]
    #[case::des("80010001", Some((8, 8, true)))]
    #[case::idea("80010002", Some((16, 8, false)))]
    #[case::blowfish_by_default("80010003", Some((56, 8, false)))]
    #[case::blowfish("80010003 800e0080", Some((16, 8, false)))]
    #[case::blowfish_in_a_form_that_key_length_must_not_have("80010003 000e00020080", None)]
    #[case::rc5_by_default("80010004", Some((16, 8, false)))]
    #[case::rc5("800e0028 80010004", Some((5, 8, false)))]
    #[case::triple_des("80010005", Some((24, 8, false)))]
    #[case::triple_des_with_a_key_length("80010005 800e00c0", None)]
    #[case::cast_by_default("80010006", Some((16, 8, false)))]
    #[case::cast_of_eight_octets_is_not_des("80010006 800e0040", Some((8, 8, false)))]
    #[case::aes("80010007 800e0100", Some((32, 16, false)))]
    #[case::aes_without_key_length("80010007", None)]
    #[case::camellia("80010008 800e00c0", Some((24, 16, false)))]
    #[case::unknown("80010009", None)]
    fn a_cipher_is_read_with_its_lengths(
        #[case] attributes: &str,
        #[case] expected: Option<(usize, usize, bool)>,
    ) {
        let found = algorithms(&sa(&attributes.replace(' ', ""))).map(|found| found.cipher);
        let expected = expected.map(|(key_len, block_len, is_des)| Cipher { key_len, block_len, is_des });
        assert_eq!(found, expected);
    }
}
