//! Messages whose body is encrypted, and was decrypted with the right keys, with wrong ones or not at all.

use super::*;

/// What is known of a message's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    /// It was decrypted.
    Decrypted,
    /// It was decrypted, and its second payload is malformed.
    Malformed,
    /// It was decrypted with other keys than its sender's.
    Noise,
    /// Nobody decrypted it.
    Unknown,
}
use Body::{Decrypted, Malformed, Noise, Unknown};

/// An encrypted message of the peer whose first payload is of type `first`.
fn encrypted(script: &mut Script, exchange: u8, number: u8, first: u8, body: Body, payload: &[u8]) {
    let ciphertext = vec![0xee; payload.len()];
    script.sent(Side::Peer, exchange, number, first, &ciphertext, |d| d.hex.replace_range(38..40, "01"));
    let mut plain = match body {
        Decrypted => payload.to_vec(),
        // A Next Payload field for a payload that is not there.
        Malformed => [&[13], &payload[1..]].concat(),
        Noise => vec![0xdd; payload.len()],
        Unknown => return,
    };
    if body == Malformed {
        plain.extend([0, 0, 0, 1]);
    }
    let Some(Event::Datagram(datagram)) = script.records.last().map(|record| record.event.clone()) else {
        panic!("a datagram")
    };
    let hex = format!("{}{}", &datagram.hex[..56], hex::encode(plain));
    script.event(Event::Plaintext { datagram: datagram.n, from: Side::Peer, hex, unaltered_hex: None });
}

const HASH_PRESENT: &str = r#"{"message": {"message": {"exchange": "main-mode", "number": 6},
    "assert": [{"field": "hash", "check": "present"}]}}"#;
const SA_ABSENT: &str = r#"{"message": {"message": {"exchange": "main-mode", "number": 6},
    "assert": [{"field": "sa", "check": "absent"}]}}"#;
const SA_PRESENT: &str = r#"{"message": {"message": {"exchange": "main-mode", "number": 6},
    "assert": [{"field": "sa", "check": "present"}]}}"#;
const HASH_OF_6: &str = r#"{"message": {"message": {"exchange": "main-mode", "number": 4},
    "assert": [{"field": "hash.data", "check": {"differs_from": {"from": "peer", "message": {"exchange": "main-mode", "number": 6}}}}]}}"#;
const CONTAINS_HASH: &str =
    r#"{"message": {"message": {"exchange": "main-mode", "number": 6, "contains": {"payload": "hash"}}}}"#;
const CONTAINS_NO_SA: &str =
    r#"{"no_message": {"message": {"exchange": "main-mode", "number": 6, "contains": {"payload": "sa"}}}}"#;
const MESSAGE: &str = r#"{"message": {"message": {"exchange": "main-mode", "number": 6}}}"#;
const HEADER: &str = r#"{"message": {"message": {"exchange": "main-mode", "number": 6},
    "assert": [{"field": "header.exchange_type", "check": {"equals": 4}}]}}"#;
const HEADER_AND_BODY: &str = r#"{"message": {"message": {"exchange": "main-mode", "number": 6},
    "assert": [{"field": "sa", "check": "absent"}, {"field": "header.m_id", "check": {"equals": 4}}]}}"#;

#[rstest]
#[case::there(HASH_PRESENT, Decrypted, Verdict::Pass)]
#[case::there_before_what_is_malformed(HASH_PRESENT, Malformed, Verdict::Pass)]
#[case::not_there(SA_ABSENT, Decrypted, Verdict::Pass)]
#[case::missing(SA_PRESENT, Decrypted, Verdict::Fail)]
#[case::compared(HASH_OF_6, Decrypted, Verdict::Pass)]
#[case::contained(CONTAINS_HASH, Decrypted, Verdict::Pass)]
#[case::not_contained(CONTAINS_NO_SA, Decrypted, Verdict::Pass)]
// What nobody can read neither passes nor fails.
#[case::there_unknown(HASH_PRESENT, Unknown, Verdict::Inconclusive)]
#[case::there_in_noise(HASH_PRESENT, Noise, Verdict::Inconclusive)]
#[case::not_there_unknown(SA_ABSENT, Unknown, Verdict::Inconclusive)]
#[case::not_there_in_noise(SA_ABSENT, Noise, Verdict::Inconclusive)]
#[case::compared_with_the_unknown(HASH_OF_6, Unknown, Verdict::Inconclusive)]
#[case::contained_unknown(CONTAINS_HASH, Unknown, Verdict::Inconclusive)]
#[case::not_contained_unknown(CONTAINS_NO_SA, Noise, Verdict::Inconclusive)]
// The header always can be read, and that there is such a message.
#[case::sent(MESSAGE, Unknown, Verdict::Pass)]
#[case::header(HEADER, Unknown, Verdict::Fail)]
#[case::header_beside_the_unknown(HEADER_AND_BODY, Noise, Verdict::Fail)]
fn a_field_of_an_encrypted_message_counts_when_it_is_known(
    #[case] condition: &str,
    #[case] body: Body,
    #[case] expected: Verdict,
) {
    let case = case(&[START], &[condition]);
    let mut script = Script::of(&case);
    script.message(Side::Peer, MAIN, 4, 8, &[0, 0, 0, 8, 9, 9, 9, 9]);
    encrypted(&mut script, MAIN, 6, 8, body, &HASH);
    let (verdict, reason) = verdict(&case, &mut script);
    assert_eq!(verdict, expected, "{reason}");
    assert_eq!(verdict == Verdict::Inconclusive, reason.contains("cannot be decrypted"), "{reason}");
}

#[rstest]
#[case::decrypted(Decrypted, Verdict::Pass)]
#[case::unknown(Unknown, Verdict::Inconclusive)]
#[case::noise(Noise, Verdict::Inconclusive)]
fn an_expected_message_that_cannot_be_read_decides_nothing(#[case] body: Body, #[case] expected: Verdict) {
    let expect = r#"{"expect": {"message": {"exchange": "main-mode", "number": 6},
        "assert": [{"field": "hash", "check": "present"}]}}"#;
    let case = case(&[START, expect], &[MESSAGE]);
    let mut script = Script::of(&case);
    encrypted(&mut script, MAIN, 6, 8, body, &HASH);
    assert_eq!(verdict(&case, &mut script).0, expected);
}

const UNREADABLE: &str = r#"{"unreadable": {"after": {"exchange": "main-mode", "number": 5}}}"#;

#[rstest]
#[case::nothing(UNREADABLE, &[], Verdict::Fail)]
#[case::unknown(UNREADABLE, &[Unknown], Verdict::Pass)]
#[case::noise(UNREADABLE, &[Noise], Verdict::Pass)]
#[case::readable(UNREADABLE, &[Decrypted], Verdict::Fail)]
#[case::one_of_two_readable(UNREADABLE, &[Unknown, Decrypted], Verdict::Fail)]
#[case::the_notification(REFUSED_AFTER_5, &[Decrypted], Verdict::Pass)]
#[case::perhaps_the_notification(REFUSED_AFTER_5, &[Unknown], Verdict::Inconclusive)]
#[case::no_notification(REFUSED_AFTER_5, &[], Verdict::Fail)]
fn an_informational_message_counts_as_unreadable_only_when_it_is(
    #[case] condition: &str,
    #[case] bodies: &[Body],
    #[case] expected: Verdict,
) {
    let case = case(&[START], &[condition]);
    let mut script = Script::of(&case);
    until_4(&mut script);
    script.message(Side::Harness, MAIN, 5, 8, &HASH).later(10);
    for (occurrence, body) in (1..).zip(bodies) {
        encrypted(&mut script, INFORMATIONAL, 1, 11, *body, &NO_PROPOSAL_CHOSEN);
        for record in script.records.iter_mut().rev().take(2) {
            if let Event::Datagram(DatagramRecord { message: Some(name), .. }) = &mut record.event {
                name.occurrence = occurrence;
            }
        }
    }
    let (verdict, reason) = verdict(&case, &mut script);
    assert_eq!(verdict, expected, "{reason}");
}

#[test]
fn an_informational_message_before_the_one_in_question_does_not_count() {
    let case = case(&[START], &[UNREADABLE]);
    let mut script = Script::of(&case);
    encrypted(&mut script, INFORMATIONAL, 1, 11, Unknown, &NO_PROPOSAL_CHOSEN);
    script.later(10).message(Side::Harness, MAIN, 5, 8, &HASH);
    let (verdict, reason) = verdict(&case, &mut script);
    assert_eq!(verdict, Verdict::Fail, "{reason}");
}
