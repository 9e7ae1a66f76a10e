//! The chain check on a negotiation that the engine's formulas make here; the committed ones come from daemons.

use std::path::Path;

use ikev1::crypto::{
    CipherAlgorithm, CryptoProvider, Group, HashAlgorithm, PrivateKey, Secret, SignatureScheme, providers,
    reference,
};
use ikev1::keys::last_block;
use ikev1::pki::Certificate;
use rstest::rstest;
use serde_json::Value;

use super::chain::*;
use super::*;
use crate::random::SeededRandom;

/// A payload with its generic header.
fn payload(next: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[next, 0, length[0], length[1]], body].concat()
}

/// Encrypts under the IV, padded with zeros, and moves the IV on.
fn encrypt(
    group: &ChainGroup,
    ka: &Hex,
    iv: &mut Vec<u8>,
    sender: Side,
    plaintext: Vec<u8>,
) -> EncryptedMessage {
    let cipher = group.cipher.0;
    let mut plaintext = plaintext;
    plaintext.resize(plaintext.len().next_multiple_of(cipher.block_len()), 0);
    let mut ciphertext = plaintext.clone();
    reference().cbc_encrypt(cipher, ka.as_bytes(), iv, &mut ciphertext).unwrap();
    *iv = last_block(cipher, &ciphertext).unwrap().to_vec();
    EncryptedMessage { sender, ciphertext: ciphertext.into(), plaintext: plaintext.into() }
}

/// Exponent and public value.
fn pair(group: Group, byte: u8) -> (Hex, Hex) {
    let exponent = Secret::new(vec![byte; 24]);
    (exponent.as_bytes().into(), reference().dh_public(&group, &exponent).unwrap().into())
}

fn hex(bytes: &[u8]) -> Hex {
    bytes.into()
}

/// The first certificate of a side's credentials, and SIG_I or SIG_R by their key.
fn certificate_and_signature(pem: &str, hash: &Hex) -> (Certificate, Hex) {
    let key = PrivateKey::from_pem(pem).unwrap();
    let mut random = SeededRandom::new(0, "chain tests", "blinding");
    let scheme = SignatureScheme::RsaPkcs1Raw;
    let signature = reference().sign(&key, scheme, hash.as_bytes(), &mut random).unwrap();
    (Certificate::bundle_from_pem(pem).unwrap().remove(0), signature.into())
}

/// Certificate and signature payloads of the initiator and of the responder, and the inputs that they give.
fn signed(values: &PhaseOneValues) -> ([Vec<u8>; 2], SignatureInputs) {
    let harness = include_str!("../../../../scenarios/credentials/harness-rsa.pem");
    let peer = include_str!("../../../../scenarios/credentials/peer-rsa.pem");
    let (certificate_i, sig_i) = certificate_and_signature(harness, &values.hash_i);
    let (certificate_r, sig_r) = certificate_and_signature(peer, &values.hash_r);
    let payloads = |certificate: &Certificate, signature: &Hex| {
        let body = [&[4], &certificate.as_der()[..]].concat();
        [payload(9, &body), payload(0, signature.as_bytes())].concat()
    };
    let key = |certificate: &Certificate| certificate.public_key().unwrap().to_spki_der().unwrap().into();
    let both = [payloads(&certificate_i, &sig_i), payloads(&certificate_r, &sig_r)];
    (both, SignatureInputs { key_i: key(&certificate_i), key_r: key(&certificate_r), sig_i, sig_r })
}

/// What to vary between the made negotiations.
#[derive(Clone, Copy)]
struct Shape {
    exchange: Exchange,
    authentication: Authentication,
    hash: HashAlgorithm,
    cipher: CipherAlgorithm,
    recorder: Side,
    pfs: bool,
}

const MAIN: Shape = Shape {
    exchange: Exchange::Main,
    authentication: Authentication::Psk,
    hash: HashAlgorithm::Sha1,
    cipher: CipherAlgorithm::AesCbc128,
    recorder: Side::Initiator,
    pfs: true,
};

const AGGRESSIVE: Shape = Shape {
    exchange: Exchange::Aggressive,
    authentication: Authentication::Psk,
    hash: HashAlgorithm::Md5,
    cipher: CipherAlgorithm::TripleDes,
    recorder: Side::Responder,
    pfs: false,
};

const SIGNED_AGGRESSIVE: Shape = Shape { authentication: Authentication::Signature, ..AGGRESSIVE };

const SIGNED: Shape = Shape {
    authentication: Authentication::Signature,
    hash: HashAlgorithm::Sha2_256,
    cipher: CipherAlgorithm::Des,
    ..MAIN
};

fn group_of(shape: Shape) -> ChainGroup {
    ChainGroup {
        exchange: shape.exchange,
        authentication: shape.authentication,
        hash: HashName(shape.hash),
        cipher: CipherName(shape.cipher),
        group: GroupName(Group::Modp768),
        peer: "this test".to_owned(),
        tests: Vec::new(),
    }
}

fn phase1_inputs(shape: Shape) -> PhaseOneInputs {
    let (exponent_i, g_xi) = pair(Group::Modp768, 0xa1);
    let (exponent_r, g_xr) = pair(Group::Modp768, 0xa2);
    PhaseOneInputs {
        recorder: shape.recorder,
        cky_i: hex(b"cookie I"),
        cky_r: hex(b"cookie R"),
        sai_b: hex(b"the offered SA"),
        ni_b: hex(b"nonce of the initiator"),
        nr_b: hex(b"nonce of the responder"),
        idii_b: hex(b"\x01\x11\x01\xf4\x0a\x0b\x00\x01"),
        idir_b: hex(b"\x01\x11\x01\xf4\x0a\x0c\x00\x01"),
        psk: (shape.authentication == Authentication::Psk).then(|| hex(b"secret")),
        encryption: None,
        signature: None,
        exponent: if shape.recorder == Side::Initiator { exponent_i } else { exponent_r },
        g_xi,
        g_xr,
        messages: Vec::new(),
    }
}

fn quick_mode(
    p: &dyn CryptoProvider,
    group: &ChainGroup,
    phase1: &DerivedPhaseOne,
    shape: Shape,
) -> QuickMode {
    let (exponent_i, g_xi) = pair(Group::Modp1024, 0xb1);
    let (exponent_r, g_xr) = pair(Group::Modp1024, 0xb2);
    let (ni_b, nr_b) = (b"quick nonce of I", b"quick nonce of R");
    let after = |nonce: &[u8], g_x: &Hex| {
        let ke = if shape.pfs { payload(5, g_x.as_bytes()) } else { Vec::new() };
        let next = if shape.pfs { 4 } else { 5 };
        let ids = [payload(5, b"client I"), payload(0, b"client R")].concat();
        [payload(10, b"the quick SA"), payload(next, nonce), ke, ids].concat()
    };
    let mut inputs = QuickModeInputs {
        recorder: shape.recorder,
        m_id: hex(&[0x12, 0x34, 0x56, 0x78]),
        ni_b: hex(ni_b),
        nr_b: hex(nr_b),
        idci_b: Some(hex(b"client I")),
        idcr_b: Some(hex(b"client R")),
        after_hash_1: after(ni_b, &g_xi).into(),
        after_hash_2: after(nr_b, &g_xr).into(),
        pfs: shape.pfs.then(|| PfsInputs {
            group: GroupName(Group::Modp1024),
            exponent: if shape.recorder == Side::Initiator { exponent_i } else { exponent_r },
            g_xi,
            g_xr,
        }),
        messages: Vec::new(),
    };
    let sa = |receiver, spi: &[u8]| IpsecSaVector {
        receiver,
        protocol: 3,
        spi: hex(spi),
        keymat: Hex::default(),
        encryption_key: Hex(vec![0; 16]),
        authentication_key: Hex(vec![0; 20]),
    };
    let sas = [sa(Side::Initiator, b"spi1"), sa(Side::Responder, b"spi2")];
    let values = group.derive_quick_mode(p, phase1, &inputs, &sas).unwrap();
    let mut iv = values.iv.as_bytes().to_vec();
    let ka = &phase1.values.ka;
    inputs.messages = [
        (Side::Initiator, &values.hash_1, inputs.after_hash_1.as_bytes()),
        (Side::Responder, &values.hash_2, inputs.after_hash_2.as_bytes()),
        (Side::Initiator, &values.hash_3, &[]),
    ]
    .into_iter()
    .map(|(sender, hash, after)| {
        let next = if after.is_empty() { 0 } else { 1 };
        encrypt(group, ka, &mut iv, sender, [&payload(next, hash.as_bytes()), after].concat())
    })
    .collect();
    QuickMode { inputs, values }
}

fn informational(p: &dyn CryptoProvider, group: &ChainGroup, phase1: &DerivedPhaseOne) -> Informational {
    let after = payload(0, b"delete this SA");
    let m_id = hex(&[0x9a, 0xbc, 0xde, 0xf0]);
    let message =
        EncryptedMessage { sender: Side::Initiator, ciphertext: Hex::default(), plaintext: Hex::default() };
    let mut inputs = InformationalInputs { m_id, after_hash_1: after.clone().into(), message };
    let values = group.derive_informational(p, phase1, &inputs).unwrap();
    let plaintext = [payload(12, values.hash_1.as_bytes()), after].concat();
    let mut iv = values.iv.as_bytes().to_vec();
    inputs.message = encrypt(group, &phase1.values.ka, &mut iv, Side::Initiator, plaintext);
    Informational { inputs, values }
}

fn transaction(p: &dyn CryptoProvider, group: &ChainGroup, phase1: &DerivedPhaseOne) -> Transaction {
    let after_hashes = [payload(0, b"who are you?"), payload(0, b"joe")].map(Hex::from).to_vec();
    let mut inputs =
        TransactionInputs { m_id: hex(&[0x11, 0x22, 0x33, 0x44]), after_hashes, messages: Vec::new() };
    let values = group.derive_transaction(p, phase1, &inputs).unwrap();
    let mut iv = values.iv.as_bytes().to_vec();
    for (index, sender) in [Side::Responder, Side::Initiator].into_iter().enumerate() {
        let hash = payload(14, values.hashes[index].as_bytes());
        let plaintext = [&hash, inputs.after_hashes[index].as_bytes()].concat();
        inputs.messages.push(encrypt(group, &phase1.values.ka, &mut iv, sender, plaintext));
    }
    Transaction { inputs, values }
}

/// A whole negotiation of that shape.
fn chain_file(shape: Shape) -> ChainFile {
    let p = reference();
    let mut group = group_of(shape);
    let mut inputs = phase1_inputs(shape);
    let before = group.derive_phase1(p, &inputs).unwrap().values;
    let mut iv = before.iv.as_bytes().to_vec();
    let (next, [proof_i, proof_r]) = if shape.authentication == Authentication::Signature {
        let (proofs, signature) = signed(&before);
        inputs.signature = Some(signature);
        (6, proofs)
    } else {
        (8, [&before.hash_i, &before.hash_r].map(|hash| payload(0, hash.as_bytes())))
    };
    inputs.messages = match shape.exchange {
        Exchange::Main => vec![
            (Side::Initiator, [payload(next, inputs.idii_b.as_bytes()), proof_i].concat()),
            (Side::Responder, [payload(next, inputs.idir_b.as_bytes()), proof_r].concat()),
        ],
        Exchange::Aggressive => vec![(Side::Initiator, proof_i)],
    }
    .into_iter()
    .map(|(sender, plaintext)| encrypt(&group, &before.ka, &mut iv, sender, plaintext))
    .collect();
    let phase1 = group.derive_phase1(p, &inputs).unwrap();
    let test = ChainTest {
        tc_id: 1,
        comment: "made up".to_owned(),
        flags: Vec::new(),
        reported_by_peer: vec!["skeyid".to_owned(), "quick_mode.hash_2".to_owned()],
        transactions: vec![transaction(p, &group, &phase1)],
        quick_modes: vec![quick_mode(p, &group, &phase1, shape)],
        informationals: vec![informational(p, &group, &phase1)],
        phase1_values: phase1.values,
        phase1: inputs,
        result: TestResult::Valid,
    };
    group.tests.push(test);
    ChainFile::recorded("made up", "this test", "this test", vec![group])
}

fn check(text: &str, p: &dyn CryptoProvider) -> FileOutcome {
    LoadedFile::from_json(Path::new("chain.json"), text).unwrap().check(p)
}

#[rstest]
#[case::main(MAIN)]
#[case::aggressive(AGGRESSIVE)]
#[case::signed(SIGNED)]
#[case::signed_aggressive(SIGNED_AGGRESSIVE)]
fn a_sound_chain_passes_on_every_provider(#[case] shape: Shape) {
    let text = to_json(&chain_file(shape)).unwrap();
    for p in providers() {
        let outcome = check(&text, *p);
        assert_eq!(outcome.failures, [], "{}", p.name());
        assert!(outcome.values > 30, "only {} values compared", outcome.values);
    }
}

#[test]
fn a_chain_survives_writing_and_reading() {
    let file = chain_file(MAIN);
    let text = to_json(&file).unwrap();
    assert_eq!(serde_json::from_str::<ChainFile>(&text).unwrap(), file);
}

#[rstest]
#[case::main(MAIN)]
#[case::aggressive(AGGRESSIVE)]
fn deriving_anew_restores_every_value(#[case] shape: Shape) {
    let file = chain_file(shape);
    let group = &file.test_groups[0];
    let mut wrong = group.tests[0].clone();
    wrong.phase1_values.skeyid = Hex::default();
    wrong.quick_modes[0].values.hash_2 = Hex::default();
    wrong.quick_modes[0].values.ipsec_sas[1].keymat = Hex::default();
    wrong.informationals[0].values.iv = Hex::default();
    wrong.transactions[0].values.hashes[1] = Hex::default();
    for p in providers() {
        assert_eq!(group.derive(*p, &wrong).unwrap(), group.tests[0], "{}", p.name());
    }
}

/// Changes the last byte of a string but for its low bits: of a public value, that keeps it within the group.
pub(super) fn change_last_byte(document: &mut Value, path: &str) {
    let Some(Value::String(text)) = document.pointer_mut(path) else { unreachable!("{path} is a string") };
    let at = text.len() - 2;
    let digit = if &text[at..=at] == "7" { "6" } else { "7" };
    text.replace_range(at..=at, digit);
}

/// Paths of every non-empty string of hexadecimal digits.
pub(super) fn hex_paths(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| hex_paths(value, &format!("{path}/{key}"), found))
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, item)| hex_paths(item, &format!("{path}/{index}"), found));
        }
        Value::String(text) => {
            let is_hex =
                text.len() >= 8 && text.len() % 2 == 0 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            if is_hex {
                found.push(path.to_owned());
            }
        }
        _ => {}
    }
}

#[rstest]
#[case::main(MAIN)]
#[case::aggressive(AGGRESSIVE)]
#[case::signed(SIGNED)]
#[case::signed_aggressive(SIGNED_AGGRESSIVE)]
fn a_wrong_byte_anywhere_in_a_chain_is_noticed(#[case] shape: Shape) {
    let document = serde_json::to_value(chain_file(shape)).unwrap();
    let mut paths = Vec::new();
    hex_paths(&document, "", &mut paths);
    assert!(paths.len() > 35, "{paths:?}");
    for path in paths {
        let mut wrong = document.clone();
        change_last_byte(&mut wrong, &path);
        let outcome = check(&wrong.to_string(), reference());
        assert!(!outcome.is_ok(), "nobody noticed the wrong byte in {path}");
    }
}

#[rstest]
#[case::a_name_nobody_reports("\"skeyid\",", "\"SKEYID\",", "reported_by_peer")]
#[case::a_protocol_that_gives_other_keys(
    "\"protocol\": 3",
    "\"protocol\": 2",
    "quick_modes[0].ipsec_sas[0].keymat"
)]
#[case::a_cipher_with_another_key_length("\"cipher\": \"aes128\"", "\"cipher\": \"aes256\"", "ka")]
#[case::another_hash("\"hash\": \"sha1\"", "\"hash\": \"md5\"", "skeyid")]
#[case::another_group("\"group\": \"modp768\"", "\"group\": \"modp1536\"", "phase1")]
#[case::another_authentication("\"authentication\": \"psk\"", "\"authentication\": \"signature\"", "skeyid")]
#[case::the_other_recorder("\"recorder\": \"initiator\"", "\"recorder\": \"responder\"", "g_xr")]
#[case::a_short_cookie("\"cky_i\": \"63", "\"cky_i\": \"", "phase1")]
#[case::a_short_m_id("\"m_id\": \"12", "\"m_id\": \"", "quick_modes[0].inputs")]
fn a_wrong_parameter_of_a_chain_is_noticed(#[case] from: &str, #[case] to: &str, #[case] value: &str) {
    let text = to_json(&chain_file(MAIN)).unwrap();
    // Adjacent names of a list stand on lines of their own.
    assert!(text.contains(from), "no {from}");
    let outcome = check(&text.replacen(from, to, 1), reference());
    assert!(outcome.failures.iter().any(|failure| failure.value == value), "{:?}", outcome.failures);
}

#[test]
fn pfs_inputs_and_values_must_come_together() {
    let mut file = chain_file(MAIN);
    file.test_groups[0].tests[0].quick_modes[0].values.g_xy = None;
    let outcome = check(&to_json(&file).unwrap(), reference());
    assert!(outcome.failures.iter().any(|failure| failure.value == "quick_modes[0].g_xy"));
}

#[test]
fn a_missing_psk_or_message_or_sa_is_noticed() {
    let spoil = |change: fn(&mut ChainTest)| {
        let mut file = chain_file(MAIN);
        change(&mut file.test_groups[0].tests[0]);
        let outcome = check(&to_json(&file).unwrap(), reference());
        outcome.failures.into_iter().map(|failure| failure.value).collect::<Vec<_>>()
    };
    assert_eq!(spoil(|test| test.phase1.psk = None), ["phase1"]);
    assert!(
        spoil(|test| drop(test.transactions[0].inputs.messages.pop()))
            .contains(&"transactions[0].messages".to_owned())
    );
    assert!(
        spoil(|test| drop(test.quick_modes[0].inputs.messages.pop()))
            .contains(&"quick_modes[0].messages".to_owned())
    );
    assert!(
        spoil(|test| drop(test.quick_modes[0].values.ipsec_sas.pop()))
            .contains(&"quick_modes[0].ipsec_sas".to_owned())
    );
    assert!(spoil(|test| drop(test.phase1.messages.pop())).contains(&"last_block".to_owned()));
}

#[test]
fn signatures_that_are_missing_or_of_the_other_side_are_noticed() {
    let spoil = |change: fn(&mut ChainTest)| {
        let mut file = chain_file(SIGNED);
        change(&mut file.test_groups[0].tests[0]);
        let outcome = check(&to_json(&file).unwrap(), reference());
        outcome.failures.into_iter().map(|failure| failure.value).collect::<Vec<_>>()
    };
    assert!(spoil(|test| test.phase1.signature = None).contains(&"signature".to_owned()));
    let swapped = spoil(|test| {
        let signature = test.phase1.signature.as_mut().unwrap();
        std::mem::swap(&mut signature.sig_i, &mut signature.sig_r);
    });
    assert_eq!(swapped, ["messages[0] carries its SIG", "messages[1] carries its SIG", "sig_i", "sig_r"]);
}
