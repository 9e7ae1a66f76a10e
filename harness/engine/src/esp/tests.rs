//! Known answers and invariants of ESP and AH, on every provider.

use proptest::prelude::*;
use proptest::sample::select;
use rstest::rstest;

use crate::config::IntegrityAlgorithm;
use crate::crypto::{CipherAlgorithm, RandomSource, Secret, providers};

use super::icv::truncated_mac;
use super::{AhSa, EspError, EspSa, Opened, ReplayWindow, keymat_len, mutable_fields_zeroed};

/// Gives the bytes of an IV that a known answer needs.
struct FixedIv(Vec<u8>);

impl RandomSource for FixedIv {
    fn fill(&mut self, dest: &mut [u8]) {
        dest.copy_from_slice(&self.0);
    }
}

/// Counts upwards, so that no two fills are the same.
struct Counting(u8);

impl RandomSource for Counting {
    fn fill(&mut self, dest: &mut [u8]) {
        for byte in dest {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
    }
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.replace(char::is_whitespace, "")).unwrap()
}

fn ascending(first: u8, len: usize) -> Vec<u8> {
    (first..).take(len).collect()
}

/// RFC 3602 section 4, cases 5 to 8: encryption alone, packets that Linux made.
#[rstest]
#[case::case_5_transport(
    0x4321,
    1,
    1,
    "90d382b4 10eeba7a d938c46c ec1a82bf",
    "e96e8c08 ab465763 fd098d45 dd3ff893",
    "08000ebd a70a0000 8e9c083d b95b0700 08090a0b 0c0d0e0f 10111213 14151617
     18191a1b 1c1d1e1f 20212223 24252627 28292a2b 2c2d2e2f 30313233 34353637",
    "00004321 00000001 e96e8c08 ab465763 fd098d45 dd3ff893
     f663c25d 325c18c6 a9453e19 4e120849 a4870b66 cc6b9965 330013b4 898dc856
     a4699e52 3a55db08 0b59ec3a 8e4b7e52 775b07d1 db34ed9c 538ab50c 551b874a
     a269add0 47ad2d59 13ac19b7 cfbad4a6"
)]
#[case::case_6_transport(
    0x4321,
    8,
    1,
    "90d382b4 10eeba7a d938c46c ec1a82bf",
    "69d08df7 d203329d b093fc49 24e5bd80",
    "0800b5e8 a80a0500 a69c083d 0b660e00 77777777 77777777 77777777",
    "00004321 00000008 69d08df7 d203329d b093fc49 24e5bd80
     f5199588 1ec4e0c4 488987ce 742e8109 689bb379 d2d750c0 d915dca3 46a89f75"
)]
#[case::case_7_tunnel(
    0x8765,
    2,
    4,
    "01234567 89abcdef 01234567 89abcdef",
    "f4e76524 4f6407ad f13dc138 0f673f37",
    "45000054 09040000 4001f988 c0a87b03 c0a87bc8 08009f76 a90a0100 b49c083d
     02a20400 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f 20212223
     24252627 28292a2b 2c2d2e2f 30313233 34353637",
    "00008765 00000002 f4e76524 4f6407ad f13dc138 0f673f37
     773b5241 a4c44922 5e4f3ce5 ed611b0c 237ca96c f74a9301 3c1b0ea1 a0cf70f8
     e4ecaec7 8ac53aad 7a0f022b 859243c6 47752e94 a859352b 8a4d4d2d ecd136e5
     c177f132 ad3fbfb2 201ac990 4c74ee0a 109e0ca1 e4dfe9d5 a100b842 f1c22f0d"
)]
#[case::case_8_tunnel(
    0x8765,
    5,
    4,
    "01234567 89abcdef 01234567 89abcdef",
    "85d47224 b5f3dd5d 2101d4ea 8dffab22",
    "45000044 090c0000 4001f990 c0a87b03 c0a87bc8 0800d63c aa0a0200 c69c083d
     a3de0300 ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff
     ffffffff",
    "00008765 00000005 85d47224 b5f3dd5d 2101d4ea 8dffab22
     15b92683 819596a8 047232cc 00f7048f e45318e1 1f8a0f62 ede3c3fc 61203bb5
     0f980a08 c9843fd3 a1b06d5c 07ff9639 b7eb7dfb 3512e5de 435e7207 ed971ef3
     d2726d9b 5ef6affc 6d17a0de cbb13892"
)]
fn seals_and_opens_the_packets_of_rfc_3602(
    #[case] spi: u32,
    #[case] seq: u64,
    #[case] next_header: u8,
    #[case] key: &str,
    #[case] iv: &str,
    #[case] payload: &str,
    #[case] packet: &str,
) {
    let (payload, packet) = (bytes(payload), bytes(packet));
    let sa = EspSa::from_keymat(spi, Some(CipherAlgorithm::AesCbc128), None, &bytes(key).into()).unwrap();
    for &provider in providers() {
        let sealed = sa.seal(provider, &mut FixedIv(bytes(iv)), seq, next_header, &payload).unwrap();
        assert_eq!(hex::encode(&sealed), hex::encode(&packet), "{}", provider.name());
        let opened = sa.open(provider, &packet).unwrap();
        assert_eq!(opened, Opened { seq, next_header, payload: payload.clone() }, "{}", provider.name());
    }
}

/// Made with Python's `hmac` module and `openssl enc -nopad`: SPI deadbeef, sequence number 16, KEYMAT's encryption
/// key 00 01 02 ..., its integrity key 80 81 82 ..., IV 40 41 42 ..., next header 1.
#[rstest]
#[case::des3_md5(
    Some(CipherAlgorithm::TripleDes),
    IntegrityAlgorithm::HmacMd5,
    "deadbeef00000010 4041424344454647 d02c63f2d1afc2ed1e5d115164a949e1 201ae461965a7b05e3dec471"
)]
#[case::des3_sha1(
    Some(CipherAlgorithm::TripleDes),
    IntegrityAlgorithm::HmacSha1,
    "deadbeef00000010 4041424344454647 d02c63f2d1afc2ed1e5d115164a949e1 89d7eb3559d4a3833c785d1e"
)]
#[case::aes128_sha1(
    Some(CipherAlgorithm::AesCbc128),
    IntegrityAlgorithm::HmacSha1,
    "deadbeef00000010 404142434445464748494a4b4c4d4e4f 7482dd2852b457029c172ce0a1d46b06
     1b874632c6fed4621094b411"
)]
#[case::aes192_sha2_256(
    Some(CipherAlgorithm::AesCbc192),
    IntegrityAlgorithm::HmacSha2_256,
    "deadbeef00000010 404142434445464748494a4b4c4d4e4f 29bf76aa8e6cc87174d2989a48e3bd30
     47a9af4cf55175ef6fc909f09fbec7d8"
)]
#[case::aes256_sha2_384(
    Some(CipherAlgorithm::AesCbc256),
    IntegrityAlgorithm::HmacSha2_384,
    "deadbeef00000010 404142434445464748494a4b4c4d4e4f 857c8fb67a4cad9c4cb8e6b715f7399e
     4a9b6667fe6bb4506eb153ce1fb561944e3fa7f3eb692c6e"
)]
#[case::aes256_sha2_512(
    Some(CipherAlgorithm::AesCbc256),
    IntegrityAlgorithm::HmacSha2_512,
    "deadbeef00000010 404142434445464748494a4b4c4d4e4f 857c8fb67a4cad9c4cb8e6b715f7399e
     5b53f937f45ff7e9c850c35db7e4074a83f7cc11e45b174e0ada1e7c781456e8"
)]
#[case::des_md5(
    Some(CipherAlgorithm::Des),
    IntegrityAlgorithm::HmacMd5,
    "deadbeef00000010 4041424344454647 3b0c058a3fdc6b6be0252c6fec62f0be 3210ea4b708425cce2b368f9"
)]
#[case::blowfish128_sha1(
    CipherAlgorithm::from_name("blowfish128"),
    IntegrityAlgorithm::HmacSha1,
    "deadbeef00000010 4041424344454647 e6b6750b80d785c78a0e1de18185bab3 eba8f2e4f3b95ff2942121fd"
)]
#[case::cast128_md5(
    CipherAlgorithm::from_name("cast128"),
    IntegrityAlgorithm::HmacMd5,
    "deadbeef00000010 4041424344454647 14ac62d44944f27efa749b6bd51c4970 8a2538555bc4995e9dfc38d9"
)]
#[case::camellia128_sha1(
    Some(CipherAlgorithm::CamelliaCbc128),
    IntegrityAlgorithm::HmacSha1,
    "deadbeef00000010 404142434445464748494a4b4c4d4e4f 1a58e867d6a7239540cf50d6423320f3
     9a0ee2537eb10b52a46d4307"
)]
#[case::camellia192_sha2_256(
    Some(CipherAlgorithm::CamelliaCbc192),
    IntegrityAlgorithm::HmacSha2_256,
    "deadbeef00000010 404142434445464748494a4b4c4d4e4f d80e033cb967534988a6f90d99c9078c
     88cc045ee92db50b9e55a5451b078ed7"
)]
#[case::camellia256_sha2_384(
    Some(CipherAlgorithm::CamelliaCbc256),
    IntegrityAlgorithm::HmacSha2_384,
    "deadbeef00000010 404142434445464748494a4b4c4d4e4f c4aaa30d14939dc3bdb6e8f3120172d0
     031ec57313931fbbc0bafd045798bcbb96b8080a5a144b1e"
)]
#[case::null_sha1(
    None,
    IntegrityAlgorithm::HmacSha1,
    "deadbeef00000010 7477656c766520627974657301020201 93eaae1e2fa22bac452c26c2"
)]
fn seals_and_opens_packets_made_with_other_tools(
    #[case] cipher: Option<CipherAlgorithm>,
    #[case] integrity: IntegrityAlgorithm,
    #[case] packet: &str,
) {
    let packet = bytes(packet);
    let encryption_key = ascending(0, cipher.map_or(0, CipherAlgorithm::key_len));
    let keymat = [encryption_key, ascending(0x80, integrity.key_len())].concat();
    let sa = EspSa::from_keymat(0xdead_beef, cipher, Some(integrity), &keymat.into()).unwrap();
    let iv = ascending(0x40, cipher.map_or(0, CipherAlgorithm::block_len));
    for &provider in providers() {
        let sealed = sa.seal(provider, &mut FixedIv(iv.clone()), 16, 1, b"twelve bytes").unwrap();
        assert_eq!(hex::encode(&sealed), hex::encode(&packet), "{}", provider.name());
        let opened = sa.open(provider, &packet).unwrap();
        assert_eq!(opened, Opened { seq: 16, next_header: 1, payload: b"twelve bytes".to_vec() });
    }
}

/// RFC 2202 sections 2 and 3, cases 5 (`digest-96`); RFC 4868 section 2.7.2, cases AUTH256-1, AUTH384-1, AUTH512-1.
#[rstest]
#[case::md5_96(IntegrityAlgorithm::HmacMd5, 0x0c, "Test With Truncation", "56461ef2342edc00f9bab995")]
#[case::sha1_96(IntegrityAlgorithm::HmacSha1, 0x0c, "Test With Truncation", "4c1a03424b55e07fe7f27be1")]
#[case::sha2_256_128(IntegrityAlgorithm::HmacSha2_256, 0x0b, "Hi There", "198a607eb44bfbc69903a0f1cf2bbdc5")]
#[case::sha2_384_192(
    IntegrityAlgorithm::HmacSha2_384,
    0x0b,
    "Hi There",
    "b6a8d5636f5c6a7224f9977dcf7ee6c7fb6d0c48cbdee973"
)]
#[case::sha2_512_256(
    IntegrityAlgorithm::HmacSha2_512,
    0x0b,
    "Hi There",
    "637edc6e01dce7e6742a99451aae82df23da3e92439e590e43e761b33e910fb8"
)]
fn truncates_the_hmac_as_the_rfcs_do(
    #[case] integrity: IntegrityAlgorithm,
    #[case] key_byte: u8,
    #[case] data: &str,
    #[case] icv: &str,
) {
    let key = Secret::from(vec![key_byte; integrity.key_len()]);
    for &provider in providers() {
        let computed = truncated_mac(provider, integrity, &key, &[data.as_bytes()]).unwrap();
        assert_eq!(hex::encode(computed), icv, "{}", provider.name());
    }
}

/// Made with Python's `hmac` module: SPI cafef00d, sequence number 7, key 80 81 82 ..., next header 4.
#[rstest]
#[case::sha1_without_outer_header(
    IntegrityAlgorithm::HmacSha1,
    "",
    "04040000 cafef00d 00000007 979d8ecaab3fd34531d6e7f0 7477656c7665206279746573"
)]
#[case::sha2_256_without_outer_header(
    IntegrityAlgorithm::HmacSha2_256,
    "",
    "04050000 cafef00d 00000007 da627ca72ee4e3c91a975e6542e9773f 7477656c7665206279746573"
)]
#[case::sha1_with_outer_header(
    IntegrityAlgorithm::HmacSha1,
    "4500003800010000 40331234 c0a87b03 c0a87b64",
    "04040000 cafef00d 00000007 5e456e9b446407015946e7ab 7477656c7665206279746573"
)]
fn seals_and_opens_ah_packets_made_with_other_tools(
    #[case] integrity: IntegrityAlgorithm,
    #[case] outer_header: &str,
    #[case] packet: &str,
) {
    let packet = bytes(packet);
    let outer_header = match outer_header {
        "" => Vec::new(),
        header => mutable_fields_zeroed(&bytes(header)).unwrap().to_vec(),
    };
    let keymat = ascending(0x80, integrity.key_len()).into();
    let sa = AhSa::from_keymat(0xcafe_f00d, integrity, &keymat).unwrap();
    for &provider in providers() {
        let sealed = sa.seal(provider, &outer_header, 7, 4, b"twelve bytes").unwrap();
        assert_eq!(hex::encode(&sealed), hex::encode(&packet), "{}", provider.name());
        let opened = sa.open(provider, &outer_header, &packet).unwrap();
        assert_eq!(opened, Opened { seq: 7, next_header: 4, payload: b"twelve bytes".to_vec() });
    }
}

/// Made with Python's `hmac` module and `openssl enc -nopad`, as above: sequence number 1 00000010, of which the ICV covers
/// the high half behind all else (RFC 4303 section 2.2.1, RFC 4302 section 3.3.3.2.2).
#[rstest]
#[case::esp(
    "deadbeef00000010 404142434445464748494a4b4c4d4e4f 7482dd2852b457029c172ce0a1d46b06
     63b7c457435d38a78ec0aa5c",
    true
)]
#[case::ah("04040000 cafef00d 00000010 176c6ead690d5d09fc06c067 7477656c7665206279746573", false)]
fn seals_and_opens_extended_sequence_numbers_as_other_tools_do(#[case] packet: &str, #[case] is_esp: bool) {
    let packet = bytes(packet);
    let seq = 0x1_0000_0010;
    let integrity = IntegrityAlgorithm::HmacSha1;
    let keymat = [ascending(0, 16), ascending(0x80, 20)].concat().into();
    let esp = EspSa::from_keymat(0xdead_beef, Some(CipherAlgorithm::AesCbc128), Some(integrity), &keymat);
    let esp = EspSa { extended: true, ..esp.unwrap() };
    let ah = AhSa::from_keymat(0xcafe_f00d, integrity, &ascending(0x80, 20).into()).unwrap();
    let ah = AhSa { extended: true, ..ah };
    for &provider in providers() {
        let iv = &mut FixedIv(ascending(0x40, 16));
        let sealed = match is_esp {
            true => esp.seal(provider, iv, seq, 1, b"twelve bytes"),
            false => ah.seal(provider, &[], seq, 4, b"twelve bytes"),
        };
        assert_eq!(hex::encode(sealed.unwrap()), hex::encode(&packet), "{}", provider.name());
        let open = |window: &mut ReplayWindow| match is_esp {
            true => esp.open_fresh(provider, window, &packet),
            false => ah.open_fresh(provider, window, &[], &packet),
        };
        let mut window = ReplayWindow::default();
        // At the start the high half is 0, and so the ICV another.
        assert!(matches!(open(&mut window), Err(EspError::Integrity)));
        window.update(u32::MAX.into()).unwrap();
        assert_eq!(open(&mut window).unwrap().seq, seq);
        assert!(matches!(open(&mut window), Err(EspError::Replay { seq: 0x1_0000_0010, .. })));
    }
}

#[test]
fn extended_sequence_numbers_go_on_and_arrive_late_across_2_to_the_32() {
    let sa = EspSa { extended: true, ..aes128_sha1() };
    for &provider in providers() {
        let mut window = ReplayWindow::default();
        window.update(u64::from(u32::MAX) - 2).unwrap();
        let seal = |seq| sa.seal(provider, &mut Counting(0), seq, 1, b"payload").unwrap();
        let mut late = seal(u64::from(u32::MAX) - 1);
        for seq in [u64::from(u32::MAX), 1 << 32, 1 << 32 | 1] {
            assert_eq!(sa.open_fresh(provider, &mut window, &seal(seq)).unwrap().seq, seq);
        }
        assert_eq!(sa.open_fresh(provider, &mut window, &late).unwrap().seq, u64::from(u32::MAX) - 1);
        late[20] ^= 1;
        assert!(matches!(sa.open_fresh(provider, &mut window, &late), Err(EspError::Replay { .. })));
        // A number of 32 bits with the same low half is none of this SA.
        let plain = aes128_sha1().seal(provider, &mut Counting(0), 2, 1, b"payload").unwrap();
        assert!(matches!(sa.open_fresh(provider, &mut window, &plain), Err(EspError::Integrity)));
    }
}

#[test]
fn extended_sequence_numbers_take_an_integrity_algorithm_and_32_bits_have_an_end() {
    let provider = crate::crypto::reference();
    let alone = EspSa { integrity: None, integrity_key: Secret::from(Vec::new()), ..aes128_sha1() };
    let alone = EspSa { extended: true, ..alone };
    let refused = alone.seal(provider, &mut Counting(0), 1, 1, b"");
    assert_eq!(refused.unwrap_err(), EspError::ExtendedAlone);
    assert_eq!(alone.open(provider, &[0; 100]).unwrap_err(), EspError::ExtendedAlone);
    let refused = aes128_sha1().seal(provider, &mut Counting(0), 1 << 32, 1, b"");
    assert_eq!(refused.unwrap_err(), EspError::SequenceExhausted);
}

#[test]
fn ah_protects_the_addresses_but_not_the_time_to_live_of_the_outer_header() {
    let header = bytes("4500003800010000 40331234 c0a87b03 c0a87b64");
    let zeroed = mutable_fields_zeroed(&header).unwrap();
    let mut routed = header.clone();
    routed[8] -= 1;
    routed[11] += 1;
    assert_eq!(mutable_fields_zeroed(&routed).unwrap(), zeroed);
    let mut translated = header.clone();
    translated[15] ^= 1;
    assert_ne!(mutable_fields_zeroed(&translated).unwrap(), zeroed);
    assert!(matches!(mutable_fields_zeroed(&header[1..]), Err(EspError::OuterHeader)));
    let options = [&[0x46], &header[1..], &[0; 4]].concat();
    assert!(matches!(mutable_fields_zeroed(&options), Err(EspError::OuterHeader)));
}

fn aes128_sha1() -> EspSa {
    let keymat = Secret::from(ascending(1, 36));
    let (cipher, integrity) = (CipherAlgorithm::AesCbc128, IntegrityAlgorithm::HmacSha1);
    EspSa::from_keymat(0x1234, Some(cipher), Some(integrity), &keymat).unwrap()
}

#[test]
fn refuses_every_shorter_prefix() {
    for &provider in providers() {
        let esp = aes128_sha1();
        let packet = esp.seal(provider, &mut Counting(0), 1, 1, b"payload").unwrap();
        let ah = AhSa::from_keymat(7, IntegrityAlgorithm::HmacSha1, &Secret::from(vec![1; 20])).unwrap();
        let ah_packet = ah.seal(provider, &[], 1, 1, b"payload").unwrap();
        for len in 0..packet.len() {
            let refused = esp.open(provider, &packet[..len]);
            assert!(matches!(refused, Err(EspError::TooShort { .. } | EspError::Integrity)), "{len}");
        }
        for len in 0..ah_packet.len() {
            let refused = ah.open(provider, &[], &ah_packet[..len]);
            assert!(matches!(refused, Err(EspError::TooShort { .. } | EspError::Integrity)), "{len}");
        }
    }
}

/// ESP_NULL without a valid trailer but with a valid ICV: what a peer that pads wrongly would send.
#[rstest]
#[case::no_padding(&[1, 2, 3, 4, 5, 6, 0, 9], Some(&[1, 2, 3, 4, 5, 6][..]))]
#[case::monotonic(&[0xaa, 0xbb, 1, 2, 3, 4, 4, 9], Some(&[0xaa, 0xbb][..]))]
#[case::padding_alone(&[1, 2, 3, 4, 5, 6, 6, 9], Some(&[][..]))]
#[case::longer_than_a_word(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 9], Some(&[][..]))]
#[case::zeros(&[0xaa, 0xbb, 0, 0, 0, 0, 4, 9], None)]
#[case::starts_with_2(&[0xaa, 0xbb, 2, 3, 4, 5, 4, 9], None)]
#[case::longer_than_the_packet(&[1, 2, 3, 4, 5, 6, 7, 9], None)]
#[case::longest(&[1, 2, 3, 4, 5, 6, 255, 9], None)]
fn judges_the_padding(#[case] trailer: &[u8], #[case] payload: Option<&[u8]>) {
    let key = Secret::from(vec![5; 20]);
    let integrity = IntegrityAlgorithm::HmacSha1;
    let sa = EspSa::from_keymat(0x1234, None, Some(integrity), &key).unwrap();
    for &provider in providers() {
        let covered = [&[0, 0, 0x12, 0x34, 0, 0, 0, 1], trailer].concat();
        let icv = truncated_mac(provider, integrity, &key, &[&covered]).unwrap();
        let opened = sa.open(provider, &[covered, icv].concat());
        match payload {
            Some(payload) => {
                let payload = payload.to_vec();
                assert_eq!(opened.unwrap(), Opened { seq: 1, next_header: 9, payload });
            }
            None => assert!(matches!(opened, Err(EspError::Padding { .. }))),
        }
    }
}

#[test]
fn refuses_an_encrypted_part_that_is_no_whole_number_of_blocks() {
    let sa = aes128_sha1();
    for &provider in providers() {
        let covered = [&[0, 0, 0x12, 0x34, 0, 0, 0, 1], [9; 16 + 31].as_slice()].concat();
        let icv =
            truncated_mac(provider, IntegrityAlgorithm::HmacSha1, &sa.integrity_key, &[&covered]).unwrap();
        let refused = sa.open(provider, &[covered, icv].concat());
        assert!(matches!(refused, Err(EspError::NotAligned { got: 31, block: 16 })));
    }
}

#[test]
fn refuses_another_spi() {
    let sa = aes128_sha1();
    let other = EspSa { spi: 0x1235, ..sa.clone() };
    for &provider in providers() {
        let packet = sa.seal(provider, &mut Counting(0), 1, 1, b"payload").unwrap();
        assert_eq!(EspSa::spi_of(&packet).unwrap(), 0x1234);
        let refused = other.open(provider, &packet);
        assert!(matches!(refused, Err(EspError::UnknownSpi { got: 0x1234 })));
    }
}

#[test]
fn a_forged_packet_does_not_move_the_replay_window() {
    let sa = aes128_sha1();
    for &provider in providers() {
        let mut window = ReplayWindow::default();
        let genuine = sa.seal(provider, &mut Counting(0), 1, 1, b"payload").unwrap();
        let mut forged = sa.seal(provider, &mut Counting(0), 1000, 1, b"payload").unwrap();
        forged[20] ^= 1;
        assert!(matches!(sa.open_fresh(provider, &mut window, &forged), Err(EspError::Integrity)));
        assert_eq!(window, ReplayWindow::default());
        assert_eq!(sa.open_fresh(provider, &mut window, &genuine).unwrap().payload, b"payload");
        let replayed = sa.open_fresh(provider, &mut window, &genuine);
        assert!(matches!(replayed, Err(EspError::Replay { seq: 1, highest: 1 })));
    }
}

#[test]
fn a_replayed_ah_packet_is_refused() {
    let sa = AhSa::from_keymat(7, IntegrityAlgorithm::HmacMd5, &Secret::from(vec![1; 16])).unwrap();
    for &provider in providers() {
        let mut window = ReplayWindow::default();
        let packet = sa.seal(provider, &[], 3, 1, b"payload").unwrap();
        assert_eq!(sa.open_fresh(provider, &mut window, &[], &packet).unwrap().seq, 3);
        let replayed = sa.open_fresh(provider, &mut window, &[], &packet);
        assert!(matches!(replayed, Err(EspError::Replay { seq: 3, highest: 3 })));
    }
}

#[test]
fn without_integrity_the_window_is_not_used() {
    let key = Secret::from(vec![1; 16]);
    let sa = EspSa::from_keymat(1, Some(CipherAlgorithm::AesCbc128), None, &key).unwrap();
    for &provider in providers() {
        let mut window = ReplayWindow::default();
        let packet = sa.seal(provider, &mut Counting(0), 9, 1, b"payload").unwrap();
        assert_eq!(sa.open_fresh(provider, &mut window, &packet).unwrap().seq, 9);
        assert_eq!(sa.open_fresh(provider, &mut window, &packet).unwrap().seq, 9);
        assert_eq!(window, ReplayWindow::default());
    }
}

#[test]
fn refuses_an_sa_without_any_algorithm_or_with_a_wrong_key() {
    let none = EspSa::from_keymat(1, None, None, &Secret::from(Vec::new()));
    assert!(matches!(none, Err(EspError::NoService)));
    let weak = EspSa::from_keymat(1, Some(CipherAlgorithm::Des), None, &Secret::from(vec![0x01; 8]));
    assert_eq!(weak.unwrap_err(), EspError::WeakKey { cipher: CipherAlgorithm::Des });
    let short = EspSa { integrity_key: Secret::from(vec![1; 19]), ..aes128_sha1() };
    let provider = crate::crypto::reference();
    let refused = short.seal(provider, &mut Counting(0), 1, 1, b"");
    assert!(matches!(refused, Err(EspError::KeyLength { what: "integrity key", got: 19, expected: 20 })));
    let long = EspSa { encryption_key: Secret::from(vec![1; 17]), ..aes128_sha1() };
    let refused = long.open(provider, &[0; 100]);
    assert!(matches!(refused, Err(EspError::KeyLength { what: "encryption key", got: 17, expected: 16 })));
}

#[test]
fn debug_shows_no_key() {
    let shown = format!("{:?}", aes128_sha1());
    assert!(shown.contains("Secret(16 bytes)") && shown.contains("Secret(20 bytes)"), "{shown}");
}

fn any_cipher() -> impl Strategy<Value = Option<CipherAlgorithm>> {
    let short = ["rc5-40", "cast80", "blowfish136"].map(|name| CipherAlgorithm::from_name(name).unwrap());
    prop::option::of(prop_oneof![select(CipherAlgorithm::ALL), select(short.to_vec())])
}

fn any_integrity() -> impl Strategy<Value = IntegrityAlgorithm> {
    select(IntegrityAlgorithm::ALL).prop_map(|(integrity, _)| integrity)
}

prop_compose! {
    fn any_esp_sa()(cipher in any_cipher(), integrity in any_integrity())(
        cipher in Just(cipher),
        integrity in Just(integrity),
        spi in any::<u32>(),
        keymat in prop::collection::vec(any::<u8>(), keymat_len(cipher, Some(integrity))),
    ) -> EspSa {
        let strong = ascending(1, keymat.len()).into();
        let sa = EspSa::from_keymat(spi, cipher, Some(integrity), &keymat.into());
        sa.or_else(|_| EspSa::from_keymat(spi, cipher, Some(integrity), &strong)).unwrap()
    }
}

proptest! {
    #[test]
    fn esp_opens_what_it_sealed(
        sa in any_esp_sa(),
        encryption_alone: bool,
        seq in 0..=u64::from(u32::MAX),
        next_header: u8,
        payload in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let sa = match sa.cipher {
            Some(_) if encryption_alone => {
                EspSa { integrity: None, integrity_key: Secret::from(Vec::new()), ..sa }
            }
            _ => sa,
        };
        let mut packets = Vec::new();
        for &provider in providers() {
            let packet = sa.seal(provider, &mut Counting(0), seq, next_header, &payload).unwrap();
            let opened = sa.open(provider, &packet).unwrap();
            prop_assert_eq!(opened, Opened { seq, next_header, payload: payload.clone() });
            packets.push(packet);
        }
        packets.dedup();
        prop_assert_eq!(packets.len(), 1);
    }

    #[test]
    fn esp_refuses_any_flipped_bit(
        sa in any_esp_sa(),
        payload in prop::collection::vec(any::<u8>(), 0..60),
        at: prop::sample::Index,
        bit in 0..8_u32,
    ) {
        for &provider in providers() {
            let mut packet = sa.seal(provider, &mut Counting(0), 5, 4, &payload).unwrap();
            let at = at.index(packet.len());
            packet[at] ^= 1 << bit;
            let refused = sa.open(provider, &packet);
            // The SPI is looked at before the ICV is.
            let as_expected = match refused {
                Err(EspError::UnknownSpi { .. }) => at < 4,
                Err(EspError::Integrity) => at >= 4,
                _ => false,
            };
            prop_assert!(as_expected, "byte {}: {:?}", at, refused);
        }
    }

    #[test]
    fn ah_refuses_any_flipped_bit(
        integrity in any_integrity(),
        outer_header: [u8; 20],
        payload in prop::collection::vec(any::<u8>(), 0..60),
        at: prop::sample::Index,
        bit in 0..8_u32,
    ) {
        let sa = AhSa::from_keymat(9, integrity, &Secret::from(vec![3; integrity.key_len()])).unwrap();
        for &provider in providers() {
            let mut packet = sa.seal(provider, &outer_header, 5, 4, &payload).unwrap();
            let opened = sa.open(provider, &outer_header, &packet).unwrap();
            prop_assert_eq!(opened, Opened { seq: 5, next_header: 4, payload: payload.clone() });
            // The outer header comes first here, as it does on the wire.
            let mut header = outer_header;
            let at = at.index(header.len() + packet.len());
            match at.checked_sub(header.len()) {
                None => header[at] ^= 1 << bit,
                Some(at) => packet[at] ^= 1 << bit,
            }
            prop_assert!(sa.open(provider, &header, &packet).is_err(), "byte {}", at);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(sa in any_esp_sa(), packet in prop::collection::vec(any::<u8>(), 0..200)) {
        let alone = EspSa { integrity: None, integrity_key: Secret::from(Vec::new()), ..sa.clone() };
        let ah = AhSa { spi: sa.spi, integrity: IntegrityAlgorithm::HmacMd5, integrity_key: vec![1; 16].into(), extended: false };
        let addressed = [&sa.spi.to_be_bytes(), packet.as_slice()].concat();
        for &provider in providers() {
            prop_assert!(sa.open(provider, &addressed).is_err());
            prop_assert!(ah.open(provider, &[], &packet).is_err());
            // Nothing protects the packet here, so the outcome is open.
            let _ = alone.open(provider, &addressed);
        }
    }
}
