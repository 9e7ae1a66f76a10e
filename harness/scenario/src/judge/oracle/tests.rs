//! Recorded runs of the engine with itself, less what no value depends on; and the same with a value changed.

use std::path::Path;

use ikev1::keylog::Label;
use rstest::rstest;

use super::recompute;
use crate::case::Case;
use crate::judge::{Messages, judge};
use crate::model::{Capability, Phase1Exchange, Side};
use crate::transcript::{Event, Fault, Record, ValueRecord, parse};
use crate::verdict::{Judgement, PeerProfile, Verdict};

/// A case and its transcript.
struct Recorded {
    case: Case,
    transcript: Vec<Record>,
}

macro_rules! recorded {
    ($name:literal) => {
        Recorded {
            case: serde_json::from_str(include_str!(concat!("fixtures/", $name, ".case.json"))).unwrap(),
            transcript: parse(include_str!(concat!("fixtures/", $name, ".jsonl")), Path::new($name)).unwrap(),
        }
    };
}

fn main_mode_pfs() -> Recorded {
    recorded!("main-mode-pfs")
}

fn main_mode_ah() -> Recorded {
    recorded!("main-mode-ah")
}

fn aggressive_mode() -> Recorded {
    recorded!("aggressive-mode")
}

fn quick_mode_by_the_peer() -> Recorded {
    recorded!("quick-mode-by-the-peer")
}

fn two_sas() -> Recorded {
    recorded!("two-sas")
}

fn two_isakmp_sas() -> Recorded {
    recorded!("two-isakmp-sas")
}

fn encryption_main_mode() -> Recorded {
    recorded!("public-key-encryption-main-mode")
}

fn encryption_aggressive_mode() -> Recorded {
    recorded!("public-key-encryption-aggressive-mode")
}

fn revised_main_mode() -> Recorded {
    recorded!("revised-public-key-encryption-main-mode")
}

fn revised_aggressive_mode() -> Recorded {
    recorded!("revised-public-key-encryption-aggressive-mode")
}

fn bundle_with_pfs() -> Recorded {
    recorded!("bundle-with-pfs")
}

fn bundle_by_the_peer() -> Recorded {
    recorded!("bundle-by-the-peer")
}

impl Recorded {
    /// The derived values of the harness.
    fn values(&mut self) -> impl Iterator<Item = &mut ValueRecord> {
        self.transcript.iter_mut().filter_map(|record| match &mut record.event {
            Event::Value(value) if value.side == Side::Harness => {
                let label = Label::from_name(&value.label);
                let own = matches!(label, Some(Label::PrivateExponent | Label::QuickPrivateExponent));
                (!own).then_some(value)
            }
            _ => None,
        })
    }

    fn judged(&self) -> Judgement {
        let mut capabilities: std::collections::BTreeSet<_> = Capability::ALL.iter().copied().collect();
        // The values of the peer are left out of the fixtures.
        capabilities.remove(&Capability::DerivedValues);
        let mut case = self.case.clone();
        case.needs.remove(&Capability::DerivedValues);
        judge(&case, &self.transcript, &PeerProfile { capabilities, ..PeerProfile::default() })
    }
}

/// Another value of the same length.
fn flip(value: &mut ValueRecord) {
    let mut bytes = hex::decode(&value.hex).unwrap();
    match bytes.last_mut() {
        Some(last) => *last ^= 1,
        None => bytes.push(0),
    }
    value.hex = hex::encode(bytes);
}

#[rstest]
#[case::main_mode_with_pfs(main_mode_pfs())]
#[case::ah(main_mode_ah())]
#[case::aggressive_mode(aggressive_mode())]
#[case::quick_mode_by_the_peer(quick_mode_by_the_peer())]
#[case::two_isakmp_sas(two_isakmp_sas())]
#[case::two_sas_of_one_quick_mode(two_sas())]
#[case::public_key_encryption_main_mode(encryption_main_mode())]
#[case::public_key_encryption_aggressive_mode(encryption_aggressive_mode())]
#[case::revised_public_key_encryption_main_mode(revised_main_mode())]
#[case::revised_public_key_encryption_aggressive_mode(revised_aggressive_mode())]
#[case::bundle_with_pfs(bundle_with_pfs())]
#[case::bundle_by_the_peer(bundle_by_the_peer())]
fn every_value_of_an_undisturbed_run_is_recomputed(#[case] mut recorded: Recorded) {
    let all = recorded.values().count();
    let result = recompute(&recorded.case, &recorded.transcript, &Messages::new(&recorded.transcript));
    assert_eq!(result.differences, []);
    assert_eq!(usize::try_from(result.count).unwrap(), all);
    let notes = recorded.judged().notes;
    assert!(notes.contains(&format!("{all} derived values recomputed from RFC 2409")), "{notes:?}");
}

#[rstest]
#[case::main_mode_with_pfs(main_mode_pfs)]
#[case::ah(main_mode_ah)]
#[case::aggressive_mode(aggressive_mode)]
#[case::quick_mode_by_the_peer(quick_mode_by_the_peer)]
#[case::two_isakmp_sas(two_isakmp_sas)]
#[case::two_sas_of_one_quick_mode(two_sas)]
#[case::public_key_encryption_main_mode(encryption_main_mode)]
#[case::public_key_encryption_aggressive_mode(encryption_aggressive_mode)]
#[case::revised_public_key_encryption_main_mode(revised_main_mode)]
#[case::revised_public_key_encryption_aggressive_mode(revised_aggressive_mode)]
#[case::bundle_with_pfs(bundle_with_pfs)]
#[case::bundle_by_the_peer(bundle_by_the_peer)]
fn each_changed_value_of_the_harness_is_an_error_that_names_it(#[case] recorded: fn() -> Recorded) {
    for index in 0..recorded().values().count() {
        let mut recorded = recorded();
        let value = recorded.values().nth(index).unwrap();
        flip(value);
        let (label, hex) = (value.label.clone(), value.hex.clone());
        let judgement = recorded.judged();
        assert_eq!(judgement.verdict, Verdict::Error, "{label}");
        let start = format!("{label} of the harness is not what RFC 240");
        assert!(judgement.reason.starts_with(&start), "{}", judgement.reason);
        assert!(judgement.reason.contains(&format!(": {hex}, expected ")), "{}", judgement.reason);
        assert_eq!(judgement.findings.len(), 1, "{label}");
    }
}

/// A plaintext of the key messages says what the harness put under the peer's key, or read with its own.
#[rstest]
#[case::main_mode(encryption_main_mode)]
#[case::aggressive_mode(encryption_aggressive_mode)]
#[case::revised_main_mode(revised_main_mode)]
#[case::revised_aggressive_mode(revised_aggressive_mode)]
fn a_changed_octet_of_an_opened_key_message_is_an_error(#[case] recorded: fn() -> Recorded) {
    let main = recorded().case.config.harness.exchange == Phase1Exchange::MainMode;
    for number in if main { [3, 4] } else { [1, 2] } {
        let mut recorded = recorded();
        let sealed = recorded.transcript.iter().find_map(|record| match &record.event {
            Event::Datagram(datagram) if datagram.message.is_some_and(|name| name.number == number) => {
                Some(datagram.n)
            }
            _ => None,
        });
        let opened = recorded.transcript.iter_mut().find_map(|record| match &mut record.event {
            Event::Plaintext { datagram, hex, .. } if Some(*datagram) == sealed => Some(hex),
            _ => None,
        });
        let opened = opened.unwrap();
        // Of the last payload: the nonce in the first mode, the identity or HASH_R in the others.
        let place = opened.len() - 2;
        let digit = if &opened[place..=place] == "0" { "1" } else { "0" };
        opened.replace_range(place..=place, digit);
        let judgement = recorded.judged();
        assert_eq!(judgement.verdict, Verdict::Error, "message {number}: {}", judgement.reason);
    }
}

#[test]
fn a_hash_1_that_names_no_certificate_of_the_peer_is_an_error() {
    let mut recorded = encryption_main_mode();
    let hash_1 = recorded.transcript.iter().find_map(|record| match &record.event {
        Event::Plaintext { hex: opened, .. } => {
            super::sealed::hash_1(&hex::decode(opened).unwrap()).map(hex::encode)
        }
        _ => None,
    });
    let (hash_1, other) = (hash_1.unwrap(), "5a".repeat(20));
    for record in &mut recorded.transcript {
        match &mut record.event {
            Event::Datagram(datagram) => datagram.hex = datagram.hex.replace(&hash_1, &other),
            Event::Plaintext { hex, .. } => *hex = hex.replace(&hash_1, &other),
            _ => {}
        }
    }
    let judgement = recorded.judged();
    assert_eq!(judgement.verdict, Verdict::Error, "{}", judgement.reason);
    assert!(judgement.reason.contains("HASH(1)"), "{}", judgement.reason);
}

#[test]
fn a_wrong_value_of_the_peer_alone_stays_a_failure_and_cites_the_formula() {
    let mut recorded = main_mode_pfs();
    let mut wrong = recorded.values().find(|value| value.label == "SKEYID_d").unwrap().clone();
    wrong.side = Side::Peer;
    flip(&mut wrong);
    let end = recorded.transcript.len() - 1;
    recorded.transcript.insert(end, Record { at_ms: 0, event: Event::Value(wrong) });
    let judgement = recorded.judged();
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert!(judgement.reason.ends_with("; RFC 2409 section 5 gives the value here"), "{}", judgement.reason);
}

#[test]
fn without_the_private_exponent_only_what_does_not_need_it_is_claimed() {
    let mut recorded = main_mode_ah();
    recorded
        .transcript
        .retain(|record| !matches!(&record.event, Event::Value(value) if value.label == "private exponent"));
    recorded.values().for_each(flip);
    let result = recompute(&recorded.case, &recorded.transcript, &Messages::new(&recorded.transcript));
    let mut named: Vec<_> =
        result.differences.iter().filter_map(|finding| finding.field.as_deref()).collect();
    named.sort_unstable();
    named.dedup();
    assert_eq!(named, ["HASH_I", "HASH_R", "SKEYID", "next IV", "phase 1 IV", "phase 2 IV"]);
}

#[test]
fn nothing_of_a_phase_1_with_a_foreign_datagram_is_claimed() {
    let mut recorded = main_mode_ah();
    let forged = recorded.transcript.iter().find_map(|record| match &record.event {
        Event::Datagram(datagram) if datagram.n == 2 => Some(datagram.clone()),
        _ => None,
    });
    let mut forged = forged.unwrap();
    (forged.n, forged.message, forged.fault) = (1000, None, Some(Fault::Injected));
    recorded.transcript.insert(1, Record { at_ms: 0, event: Event::Datagram(forged) });
    recorded.values().for_each(flip);
    let result = recompute(&recorded.case, &recorded.transcript, &Messages::new(&recorded.transcript));
    assert_eq!((result.count, result.differences), (0, vec![]));
}

#[test]
fn a_case_that_does_not_compare_values_is_left_alone() {
    let mut recorded = main_mode_pfs();
    recorded.case.compare_values = false;
    recorded.values().for_each(flip);
    assert_ne!(recorded.judged().verdict, Verdict::Error);
}
