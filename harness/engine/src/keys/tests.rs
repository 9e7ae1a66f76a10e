//! Fixed cases of the whole schedule: NIST CAVP for phase 1, and the shape of every other formula.

use rstest::rstest;

use super::*;
use crate::crypto::{CipherAlgorithm, CryptoProvider, HashAlgorithm, Secret, providers};

/// One case of NIST's CAVP files for IKEv1, in hexadecimal. The vector check runs all of them.
struct KnownAnswer {
    hash: HashAlgorithm,
    /// `None`: SKEYID of the signature method.
    psk: Option<&'static str>,
    cky_i: &'static str,
    cky_r: &'static str,
    ni_b: &'static str,
    nr_b: &'static str,
    g_xy: &'static str,
    skeyid: &'static str,
    skeyid_d: &'static str,
    skeyid_a: &'static str,
    skeyid_e: &'static str,
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    hex::decode(hexadecimal).unwrap()
}

fn cookie(hexadecimal: &str) -> [u8; 8] {
    bytes(hexadecimal).try_into().unwrap()
}

#[rstest]
#[case::psk_sha1(KnownAnswer {
    hash: HashAlgorithm::Sha1,
    psk: Some("75"),
    cky_i: "83d374c30b3b5082",
    cky_r: "5afc0da06c728029",
    ni_b: "b9a2d0e922dc66dd",
    nr_b: "2130166863b5ddef",
    g_xy: "739003ba2c11c982946c65e26acf661fbf8ebb78011a9fead79efa12fe3e71cc",
    skeyid: "62b04d112877e442fc3282fc37c076997718a0b9",
    skeyid_d: "369e5aad1bdb5faf6a3d929d500cdc236710a9ab",
    skeyid_a: "588e957d8d790d093b3a39f121473473af78e9bb",
    skeyid_e: "cd74b0c048219db81384d3fda8f6cda51e398a2b",
})]
#[case::psk_sha2_256(KnownAnswer {
    hash: HashAlgorithm::Sha2_256,
    psk: Some("a0"),
    cky_i: "4e30e8d4da0fecbf",
    cky_r: "cf8ce1348665f112",
    ni_b: "ead9ced494868f41",
    nr_b: "f1aff4f425a94f18",
    g_xy: "ea6c7c00e276d86adace3368f0c8245c3e486b8c6c1474a533b7da3b9c9b3f1f",
    skeyid: "558a99b299773d267cf7c8ef073bf3b7af362c206c75a538403c5ef884d4cace",
    skeyid_d: "3b4bb2bf33fc3f002c84f59370f39ac705ea8efd299f64aaf723b7995a2b1560",
    skeyid_a: "c78ad634ec47feee88cda902731e731eb594114db6a1882bc2c948ee9765958c",
    skeyid_e: "33b10be0f43bc5984a86a1470c48ece12290915589b8c73fa5c7b8faf2bb6503",
})]
#[case::psk_sha2_384(KnownAnswer {
    hash: HashAlgorithm::Sha2_384,
    psk: Some("9e"),
    cky_i: "9ccc539d30d4f929",
    cky_r: "a88216c6e1824511",
    ni_b: "d6596b7e5b398534",
    nr_b: "136fbdfa8d0ceb8e",
    g_xy: "b2d1434e169be2b6463f65c958ebc51a3f2da220bbe66b7d7a7d14ca4a7724c7",
    skeyid: "b54fa27cb4251051e44a659d73591845691d11f1874bf4e4088e5df6462d28e57a3a2af3ab4f9b746a8f5766f8785f2b\
          ",
    skeyid_d: "5d168e1223d7e375b159ce3ead6aa46a194b59e96168db061ea571b87edf843f26ea41e5b54b23a6f5a037318830640d\
          ",
    skeyid_a: "04cdf9df4afa53d3884624f7612768a0e4a01c1c5471315c5c99867831be20b4a55efbce9091c9eb69741d704dfe5e74\
          ",
    skeyid_e: "3849065ad3f9ab2ec0f61c5c61b0ccc04f77d9ee5092a132f679972dc9c75c9334aff957b4cbbaf54cb65dfae1b55417\
          ",
})]
#[case::psk_sha2_512(KnownAnswer {
    hash: HashAlgorithm::Sha2_512,
    psk: Some("4c"),
    cky_i: "2ce3422d3dcba7f5",
    cky_r: "82ca94cbe7b77049",
    ni_b: "482a05eca86fba51",
    nr_b: "84ee19d02272de2e",
    g_xy: "aea3ae089168001f2e4bd693bc8303ad094b71ec57921bb0f9d1252c09c46ed1",
    skeyid: "5bcb5499ae4c1437ce6c195392bf26bf7980a59bcb787a0b58671771a3d4b06dc1eb7809241b7e5931740b05bf8a9873\
          bb493c5f067e28e4f58ab65c3dbe44cd",
    skeyid_d: "7be2bdc8c03d05b5932b95387cad909718dace7bf9e4eeacbaae431d6521828b70f8a6011640927eae4ebbf72f3dd154\
          040b7ee7ed2fc15683190d3da50ac7e6",
    skeyid_a: "75149f3f671435eafafb3868eff58a6367ebbb50006c8723ccead82fe49967651decf63a079b0ffaa241eb341a90d612\
          876e76866450739e49f88ba306861b73",
    skeyid_e: "39dd0670384325de75cc2dbd681d15423b630e93e5fefb0224f1defca1a9b0fdda61f8c922428b00cde4c386c4ca8898\
          a48969e4c19f1fe30899a6260c5d8d46",
})]
#[case::dsa_sha1(KnownAnswer {
    hash: HashAlgorithm::Sha1,
    psk: None,
    cky_i: "8c3bcd3a69831d7f",
    cky_r: "d2d9a7ff4fbe95a7",
    ni_b: "69a62284195f1680",
    nr_b: "80c94ba25c8abda5",
    g_xy: "8ba4cbc73c0187301dc19a975823854dbd641c597f637f8d053a83b9514673eb",
    skeyid: "707197817fb2d90cf54d1842606bdea59b9f4823",
    skeyid_d: "384be709a8a5e63c3ed160cfe3921c4b37d5b32d",
    skeyid_a: "48b327575abe3adba0f279849e289022a13e2b47",
    skeyid_e: "a4a415c8e0c38c0da847c356cc61c24df8025560",
})]
#[case::dsa_sha2_256(KnownAnswer {
    hash: HashAlgorithm::Sha2_256,
    psk: None,
    cky_i: "30293584b2cd84c2",
    cky_r: "2402d7e8cf6958ca",
    ni_b: "9da2d58f57f039f9",
    nr_b: "204e0dd0ef04f372",
    g_xy: "33f17afcb6134cbf1cab59877d42db3582226eff74dd37eb8b75e675645fc169",
    skeyid: "804b4a1e0ec593cfb6e454524149396de234d0dae29f34a8fdb5f9afe76ea652",
    skeyid_d: "f8ee9b1e8b7c03cf1595f7e197b0d873c5665453d512978c418823f53f18e055",
    skeyid_a: "3c9d88515fdd981741b99c482e8d88dacdb6f9fcec2dd22af286087174645f49",
    skeyid_e: "960563201c344d72797c3f92d81a1c36c7dbe9cbd59780cbaaeba7aa23deaf3c",
})]
#[case::dsa_sha2_384(KnownAnswer {
    hash: HashAlgorithm::Sha2_384,
    psk: None,
    cky_i: "1c8aba986a00af0f",
    cky_r: "b049d9672f73c920",
    ni_b: "cec89d845add83ef",
    nr_b: "cebd43ab71d17db9",
    g_xy: "1724dbd893523764bfef8c6fa927856fccfb77ae254358cce29c2769a32915c1",
    skeyid: "6e4514610bf82d0ab7bf0260096f6146a153c712071abb633ced813c572156c783e36874a65a64690ca701d40d56ea18\
          ",
    skeyid_d: "b083234e9ed7745911f93eb31faa66fcf88906266830eb17ef166d295cb1f86a3543b8b8efa5df918533df537e9c809c\
          ",
    skeyid_a: "938295a374aceb4147a8024c9a007dd313403fd8fd7070dbd0cfbe1ccd308dbfbb7b9e9c64049e4df44ff551016cb7b5\
          ",
    skeyid_e: "8595b249dc1fa8599729f87eb6b9dd13bfbfdfd4f9ebd78929bab6ecc402539ad32cb6e7ef4ba6a0f53da14e4df07ed4\
          ",
})]
#[case::dsa_sha2_512(KnownAnswer {
    hash: HashAlgorithm::Sha2_512,
    psk: None,
    cky_i: "1ff4d76565b3151a",
    cky_r: "1f11b8eb20d57a16",
    ni_b: "acadc6314a69cfcd",
    nr_b: "4e4ad17718fea7ce",
    g_xy: "b15a9cfce8c8d7eab879d6243029d40188d3b740875a6ac62f56cac4377e2edd",
    skeyid: "f05aa036dfce45a558d40418dea98096e519bc7841e3db3dd93658d118c3e83b502f398ecb1361ec77d38a8855efff40\
          7f6f772e5d65b58eb1134096e8478d2b",
    skeyid_d: "3c4be16a631aa49018fa6740745a61ab1f1a2455a96e91f159a134ccfe30303d68721696195e95bfd530510ef2f95324\
          91878710944db7854f00ad13c68fca01",
    skeyid_a: "15ecf5c80b675585e10c4388f6f9c37e8b63269a0a99851f08ba617e28c561f43eaf4112223ff97525bf0b3897f514fc\
          e7a3acee10a61ae088c01efc5f643587",
    skeyid_e: "60f6b6c10c2b6bedc085ad6546d993c9ce1f86918d1c935c89d6631170a5dab0e37298f21ca3b7901a53bde55a15fad3\
          9f782039ce26fc8c2ba8cbd9d4287669",
})]
fn derives_skeyid_and_its_descendants_as_nist_does(#[case] known: KnownAnswer) {
    let (ni_b, nr_b) = (bytes(known.ni_b), bytes(known.nr_b));
    let g_xy = Secret::new(bytes(known.g_xy));
    let cookies = Cookies { cky_i: cookie(known.cky_i), cky_r: cookie(known.cky_r) };
    for p in providers() {
        let skeyid = match known.psk {
            Some(psk) => skeyid_psk(*p, known.hash, &bytes(psk), &ni_b, &nr_b),
            None => skeyid_signature(*p, known.hash, &ni_b, &nr_b, &g_xy),
        };
        let keys = PhaseOneKeys::derive(*p, known.hash, skeyid, &g_xy, &cookies);
        assert_eq!(hex::encode(keys.skeyid.as_bytes()), known.skeyid, "{}", p.name());
        assert_eq!(hex::encode(keys.skeyid_d.as_bytes()), known.skeyid_d, "{}", p.name());
        assert_eq!(hex::encode(keys.skeyid_a.as_bytes()), known.skeyid_a, "{}", p.name());
        assert_eq!(hex::encode(keys.skeyid_e.as_bytes()), known.skeyid_e, "{}", p.name());
    }
}

const H: HashAlgorithm = HashAlgorithm::Sha1;

fn keys(p: &dyn CryptoProvider) -> PhaseOneKeys {
    let skeyid = skeyid_psk(p, H, b"secret", b"initiator nonce", b"responder nonce");
    let g_xy = Secret::new(vec![0x42; 96]);
    PhaseOneKeys::derive(p, H, skeyid, &g_xy, &Cookies { cky_i: [0xc1; 8], cky_r: [0xc2; 8] })
}

const AUTH: AuthHashInput<'_> = AuthHashInput {
    g_xi: b"public of I",
    g_xr: b"public of R",
    cky_i: [0xc1; 8],
    cky_r: [0xc2; 8],
    sai_b: b"offered SA",
    id_b: b"identity",
};

#[test]
fn hash_i_covers_its_inputs_in_the_order_of_the_rfc() {
    for p in providers() {
        let keys = keys(*p);
        let input = [b"public of Ipublic of R", &[0xc1; 8][..], &[0xc2; 8], b"offered SAidentity"].concat();
        let expected = p.prf(H, keys.skeyid.as_bytes(), &[&input]);
        assert_eq!(hash_i(*p, H, &keys.skeyid, &AUTH), expected.as_bytes(), "{}", p.name());
    }
}

#[test]
fn hash_r_swaps_public_values_and_cookies() {
    for p in providers() {
        let keys = keys(*p);
        let input = [b"public of Rpublic of I", &[0xc2; 8][..], &[0xc1; 8], b"offered SAidentity"].concat();
        let expected = p.prf(H, keys.skeyid.as_bytes(), &[&input]);
        assert_eq!(hash_r(*p, H, &keys.skeyid, &AUTH), expected.as_bytes(), "{}", p.name());
    }
}

#[test]
fn the_quick_mode_hashes_cover_their_inputs_in_the_order_of_the_rfc() {
    for p in providers() {
        let keys = keys(*p);
        let prf = |data: &[u8]| p.prf(H, keys.skeyid_a.as_bytes(), &[data]).as_bytes().to_vec();
        let m_id = 0x0102_0304;
        assert_eq!(hash_1(*p, H, &keys.skeyid_a, m_id, b"rest"), prf(b"\x01\x02\x03\x04rest"));
        assert_eq!(hash_2(*p, H, &keys.skeyid_a, m_id, b"Ni", b"rest"), prf(b"\x01\x02\x03\x04Nirest"));
        assert_eq!(hash_3(*p, H, &keys.skeyid_a, m_id, b"Ni", b"Nr"), prf(b"\x00\x01\x02\x03\x04NiNr"));
    }
}

#[rstest]
#[case::without_pfs(None, b"\x03\x0a\x0b\x0c\x0dNiNr")]
#[case::with_pfs(Some(b"shared"), b"shared\x03\x0a\x0b\x0c\x0dNiNr")]
fn keymat_feeds_each_block_into_the_next(#[case] g_xy: Option<&[u8; 6]>, #[case] seed: &[u8]) {
    let g_xy = g_xy.map(|bytes| Secret::from(&bytes[..]));
    for p in providers() {
        let keys = keys(*p);
        let prf = |parts: &[&[u8]]| p.prf(H, keys.skeyid_d.as_bytes(), parts);
        let k1 = prf(&[seed]);
        let k2 = prf(&[k1.as_bytes(), seed]);
        let k3 = prf(&[k2.as_bytes(), seed]);
        let whole = [k1.as_bytes(), k2.as_bytes(), k3.as_bytes()].concat();
        let input = KeymatInput {
            g_xy: g_xy.as_ref(),
            protocol: 3,
            spi: &[0x0a, 0x0b, 0x0c, 0x0d],
            ni_b: b"Ni",
            nr_b: b"Nr",
        };
        for len in [0, 1, 20, 21, 40, 44, 60] {
            let material = keymat(*p, H, &keys.skeyid_d, &input, len);
            assert_eq!(material.as_bytes(), &whole[..len], "{} {len}", p.name());
        }
    }
}

#[test]
fn the_encryption_key_has_the_length_of_its_cipher() {
    for p in providers() {
        let keys = keys(*p);
        for cipher in CipherAlgorithm::ALL {
            assert_eq!(encryption_key(*p, H, *cipher, &keys.skeyid_e).len(), cipher.key_len());
        }
    }
}
