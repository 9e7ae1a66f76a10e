//! Comparison of derived values that both sides know.

use std::collections::{BTreeMap, BTreeSet};

use ikev1::keylog::Label;

use crate::model::Side;
use crate::transcript::{Event, Record};
use crate::verdict::Finding;

/// What the comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Values that both sides know and agree on, by label.
    pub agreed: BTreeMap<String, u32>,
    /// Values that differ.
    pub differences: Vec<Finding>,
    /// Whether any value of the peer was recorded.
    pub peer_known: bool,
}

impl Comparison {
    /// How many values agree.
    pub fn agreed_count(&self) -> u32 {
        self.agreed.values().sum()
    }
}

/// The exchange that a value belongs to, and its label.
type Key<'a> = (&'a str, &'a str, u32, &'a str);

/// Compares every value that both sides know.
///
/// A value that has several instances in one exchange, like the IV after each message, agrees when one side's
/// instances are all among the other's: messages that were lost leave one side with fewer.
pub fn compare_values(transcript: &[Record]) -> Comparison {
    let mut known: BTreeMap<Key<'_>, [BTreeSet<&str>; 2]> = BTreeMap::new();
    let mut comparison = Comparison::default();
    for record in transcript {
        let Event::Value(value) = &record.event else { continue };
        comparison.peer_known |= value.side == Side::Peer;
        if is_private(&value.label) {
            continue;
        }
        let key = (value.cky_i.as_str(), value.cky_r.as_str(), value.m_id, value.label.as_str());
        let [harness, peer] = known.entry(key).or_default();
        let side = if value.side == Side::Harness { harness } else { peer };
        side.insert(&value.hex);
    }
    for ((cky_i, _, m_id, label), [harness, peer]) in known {
        if harness.is_empty() || peer.is_empty() {
            continue;
        }
        if harness.is_subset(&peer) || peer.is_subset(&harness) {
            let agreed = harness.intersection(&peer).count();
            *comparison.agreed.entry(label.to_owned()).or_insert(0) +=
                u32::try_from(agreed).unwrap_or(u32::MAX);
            continue;
        }
        let list = |values: &BTreeSet<&str>| values.iter().copied().collect::<Vec<_>>().join(", ");
        let exchange = if m_id == 0 { "phase 1".to_owned() } else { format!("M-ID {m_id:08x}") };
        comparison.differences.push(Finding {
            what: format!("{label} differs in {exchange} of the ISAKMP SA with CKY-I {cky_i}"),
            field: Some(label.to_owned()),
            expected: list(&harness),
            got: list(&peer),
            ..Finding::default()
        });
    }
    comparison
}

/// Whether a value is each side's own and never the same on both.
fn is_private(label: &str) -> bool {
    matches!(Label::from_name(label), Some(Label::PrivateExponent | Label::QuickPrivateExponent))
}
