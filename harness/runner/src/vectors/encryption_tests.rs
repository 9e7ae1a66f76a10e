//! The committed chains with public key encryption, sound and with a byte changed.

use std::path::Path;

use ikev1::crypto::{providers, reference};
use rstest::rstest;

use super::chain_tests::{change_last_byte, hex_paths};
use super::*;

fn committed() -> ChainFile {
    serde_json::from_str(include_str!("../../../../vectors/chain/encryption.json")).unwrap()
}

/// A file with the first chain of that kind alone.
fn one(exchange: Exchange, method: EncryptionMethod, named: bool, clear: bool) -> ChainFile {
    let wanted = |group: &ChainGroup, test: &ChainTest| {
        let own = test.phase1.encryption.as_ref().unwrap();
        group.exchange == exchange
            && own.method == method
            && own.certificate.is_some() == named
            && test.phase1.messages.is_empty() == clear
    };
    let mut file = committed();
    file.test_groups.retain(|group| wanted(group, &group.tests[0]));
    file.test_groups.truncate(1);
    file.number_of_tests = file.test_groups[0].tests.len();
    file
}

fn check(text: &str, p: &dyn ikev1::crypto::CryptoProvider) -> FileOutcome {
    LoadedFile::from_json(Path::new("encryption.json"), text).unwrap().check(p)
}

const PLAIN: EncryptionMethod = EncryptionMethod::RsaEncryption;
const REVISED: EncryptionMethod = EncryptionMethod::RevisedRsaEncryption;

#[test]
fn the_committed_chains_pass_on_every_provider() {
    let text = to_json(&committed()).unwrap();
    for p in providers() {
        let outcome = check(&text, *p);
        assert_eq!(outcome.failures, [], "{}", p.name());
        assert_eq!(outcome.number_of_tests(), 13);
    }
}

#[rstest]
#[case::main_mode(Exchange::Main, PLAIN, false, false)]
#[case::main_mode_with_hash_1(Exchange::Main, PLAIN, true, false)]
#[case::aggressive_mode(Exchange::Aggressive, PLAIN, false, true)]
#[case::aggressive_mode_with_hash_1(Exchange::Aggressive, PLAIN, true, false)]
#[case::revised_main_mode(Exchange::Main, REVISED, false, false)]
#[case::revised_main_mode_with_hash_1(Exchange::Main, REVISED, true, false)]
#[case::revised_aggressive_mode(Exchange::Aggressive, REVISED, false, true)]
#[case::revised_aggressive_mode_with_hash_1(Exchange::Aggressive, REVISED, true, false)]
fn a_wrong_byte_anywhere_in_a_chain_is_noticed(
    #[case] exchange: Exchange,
    #[case] method: EncryptionMethod,
    #[case] named: bool,
    #[case] clear: bool,
) {
    let document = serde_json::to_value(one(exchange, method, named, clear)).unwrap();
    let mut paths = Vec::new();
    hex_paths(&document, "", &mut paths);
    assert!(paths.len() > 45, "{paths:?}");
    for path in paths {
        let mut wrong = document.clone();
        change_last_byte(&mut wrong, &path);
        let outcome = check(&wrong.to_string(), reference());
        assert!(!outcome.is_ok(), "nobody noticed the wrong byte in {path}");
    }
}

/// Each byte of a key message by itself: header, generic headers and bodies.
#[rstest]
#[case::main_mode(Exchange::Main, PLAIN, 2)]
#[case::revised_main_mode(Exchange::Main, REVISED, 3)]
#[case::revised_aggressive_mode(Exchange::Aggressive, REVISED, 1)]
fn a_wrong_byte_anywhere_in_a_key_message_is_noticed(
    #[case] exchange: Exchange,
    #[case] method: EncryptionMethod,
    #[case] index: usize,
) {
    let clear = exchange == Exchange::Aggressive;
    let sound = one(exchange, method, false, clear);
    let clear_messages =
        |file: &ChainFile| file.test_groups[0].tests[0].phase1.encryption.clone().unwrap().clear_messages;
    let length = clear_messages(&sound)[index].message.as_bytes().len();
    // Every header byte, and of the long bodies every seventh.
    for at in (0..64).chain((64..length).step_by(7)) {
        let mut wrong = sound.clone();
        let encryption = wrong.test_groups[0].tests[0].phase1.encryption.as_mut().unwrap();
        encryption.clear_messages[index].message.0[at] ^= 0x10;
        let outcome = check(&to_json(&wrong).unwrap(), reference());
        assert!(!outcome.is_ok(), "nobody noticed the wrong byte at {at}");
    }
}

#[test]
fn what_is_missing_is_noticed() {
    let spoil = |change: fn(&mut ChainTest)| {
        let mut file = one(Exchange::Main, REVISED, true, false);
        change(&mut file.test_groups[0].tests[0]);
        let outcome = check(&to_json(&file).unwrap(), reference());
        outcome.failures.into_iter().map(|failure| failure.value).collect::<Vec<_>>()
    };
    fn own(test: &mut ChainTest) -> &mut EncryptionInputs {
        test.phase1.encryption.as_mut().unwrap()
    }
    assert_eq!(spoil(|test| test.phase1.encryption = None), ["phase1"]);
    assert_eq!(spoil(|test| test.phase1_values.encryption = None)[0], "encryption");
    assert_eq!(spoil(|test| own(test).certificate = None)[0], "encryption.hash_1");
    assert_eq!(spoil(|test| drop(own(test).clear_messages.pop())), ["encryption.clear_messages"]);
    assert!(
        spoil(|test| own(test).clear_messages[2].opened = None)
            .contains(&"encryption.clear_messages[2] payload 10".to_owned())
    );
    assert!(
        spoil(|test| own(test).method = EncryptionMethod::RsaEncryption)
            .contains(&"encryption.sai_b offers the method".to_owned())
    );
    let swapped = spoil(|test| {
        let own = own(test);
        std::mem::swap(&mut own.key_i, &mut own.key_r);
    });
    assert!(swapped.contains(&"encryption.certificate has the key of key_r".to_owned()), "{swapped:?}");
}

#[test]
fn deriving_anew_restores_every_value() {
    let file = one(Exchange::Main, REVISED, true, false);
    let group = &file.test_groups[0];
    let mut wrong = group.tests[0].clone();
    let values = wrong.phase1_values.encryption.as_mut().unwrap();
    (values.ke_i, values.ne_r, values.hash_1) = (None, None, None);
    for p in providers() {
        assert_eq!(group.derive(*p, &wrong).unwrap(), group.tests[0], "{}", p.name());
    }
}
