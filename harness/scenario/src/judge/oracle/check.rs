//! Every recorded value of the harness against the oracle's.

use std::collections::{BTreeMap, BTreeSet};

use ikev1::keylog::Label;

use super::phase1::phase1;
use super::phase2::phase2;
use super::tape::{Place, Tape, place};
use crate::case::Case;
use crate::judge::messages::Messages;
use crate::model::Side;
use crate::transcript::{Event, Record};
use crate::verdict::Finding;

/// What the oracle computes, by exchange and label. Only the IV after each message has several values.
#[derive(Debug, Default)]
pub(super) struct Expected {
    values: BTreeMap<(Place, Label), BTreeSet<String>>,
    /// What else of the harness is wrong.
    differences: Vec<Finding>,
}

impl Expected {
    pub(super) fn tell(&mut self, place: Place, label: Label, value: &[u8]) {
        self.values.entry((place, label)).or_default().insert(hex::encode(value));
    }

    pub(super) fn differs(&mut self, finding: Finding) {
        self.differences.push(finding);
    }
}

/// What came of computing the values of the harness again.
#[derive(Debug, Default)]
pub(in crate::judge) struct Recomputed {
    /// Values of the harness that are right, in hex.
    right: BTreeSet<String>,
    /// How many values of the harness were computed again.
    pub(in crate::judge) count: u32,
    /// Those that are wrong, in the order in which the harness derived them.
    pub(in crate::judge) differences: Vec<Finding>,
}

impl Recomputed {
    /// Whether the oracle computed these values too, as they stand in a finding.
    pub(in crate::judge) fn confirms(&self, values: &str) -> bool {
        values.split(", ").all(|value| self.right.contains(value))
    }
}

/// Computes every value of the harness again whose inputs are in the transcript.
pub(in crate::judge) fn recompute(case: &Case, transcript: &[Record], messages: &Messages<'_>) -> Recomputed {
    let Expected { values: expected, differences } = expected(case, transcript, messages);
    let mut result = Recomputed { differences, ..Recomputed::default() };
    for record in transcript {
        let Event::Value(value) = &record.event else { continue };
        if value.side != Side::Harness {
            continue;
        }
        let key = place(&value.cky_i, &value.cky_r, value.m_id).zip(Label::from_name(&value.label));
        let Some((label, wanted)) = key.and_then(|key| Some((key.1, expected.get(&key)?))) else {
            continue;
        };
        result.count = result.count.saturating_add(1);
        if wanted.contains(&value.hex) {
            result.right.insert(value.hex.clone());
            continue;
        }
        let exchange =
            if value.m_id == 0 { "phase 1".to_owned() } else { format!("M-ID {:08x}", value.m_id) };
        result.differences.push(Finding {
            what: format!(
                "{label} of the harness is not what {} gives in {exchange} of the ISAKMP SA with CKY-I {}",
                formula(label),
                value.cky_i
            ),
            field: Some(value.label.clone()),
            expected: wanted.iter().map(String::as_str).collect::<Vec<_>>().join(" or "),
            got: value.hex.clone(),
            ..Finding::default()
        });
    }
    result
}

fn expected(case: &Case, transcript: &[Record], messages: &Messages<'_>) -> Expected {
    let tape = Tape::new(transcript, messages);
    let mut expected = Expected::default();
    for cookies in tape.isakmp_sas() {
        let Some(sa) = phase1(&tape, cookies, &case.config, &mut expected) else { continue };
        for m_id in tape.m_ids(cookies) {
            phase2(&tape, &sa, m_id, &mut expected);
        }
    }
    expected
}

/// The section that has a value's formula.
pub(in crate::judge) fn formula(label: Label) -> &'static str {
    match label {
        Label::Ka | Label::Phase1Iv | Label::Phase2Iv | Label::NextIv => "RFC 2409 Appendix B",
        Label::KeI | Label::KeR => "RFC 2409 section 5.3",
        Label::Hash1 | Label::Hash2 | Label::Hash3 | Label::QuickGXy => "RFC 2409 section 5.5",
        Label::KeymatInitiator | Label::KeymatResponder => "RFC 2409 section 5.5",
        Label::EncryptionKeyInitiator
        | Label::EncryptionKeyResponder
        | Label::IntegrityKeyInitiator
        | Label::IntegrityKeyResponder => "RFC 2401 section 4.6.2",
        _ => "RFC 2409 section 5",
    }
}
