//! Whether two sides have derived the same.

use std::collections::{BTreeMap, BTreeSet};

use ikev1::keylog::Label;
use ikev1::wire::{Cookie, CookiePair};
use ikev1_scenario::Verdict;

use super::inspect::{Negotiated, Problem};
use crate::driver::PeerValues;

/// The values that both sides of an exchange have in common and show at most once for each.
const COMMON: &[Label] = &[
    Label::GXy,
    Label::Skeyid,
    Label::SkeyidD,
    Label::SkeyidA,
    Label::SkeyidE,
    Label::Ka,
    Label::Phase1Iv,
    Label::HashI,
    Label::HashR,
    Label::Hash1,
    Label::Hash2,
    Label::Hash3,
    Label::QuickGXy,
    Label::EncryptionKeyInitiator,
    Label::EncryptionKeyResponder,
    Label::IntegrityKeyInitiator,
    Label::IntegrityKeyResponder,
];

/// What the comparison gave.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// Values that both show, and that are the same.
    pub(super) same: usize,
    /// Keys of IPsec SAs among them, by SPI.
    pub(super) same_by_spi: usize,
    /// Those that differ.
    pub(super) problems: Vec<Problem>,
}

/// Ka of each ISAKMP SA of which a side shows it.
pub(super) fn cipher_keys(sides: [&PeerValues; 2]) -> BTreeMap<Cookie, Vec<u8>> {
    let values = sides.into_iter().flat_map(|side| &side.values);
    let keys = values.filter(|value| value.label == Label::Ka);
    keys.map(|value| (value.cookies.initiator, value.bytes.clone())).collect()
}

/// Compares whatever both sides show. `quick_modes` ties keys that are known by M-ID to SPIs.
pub(super) fn compare(
    initiator: &PeerValues,
    responder: &PeerValues,
    quick_modes: &BTreeMap<(CookiePair, u32), Negotiated>,
) -> Compared {
    let mut compared = Compared::default();
    let (ours, theirs) = (by_name(initiator), by_name(responder));
    for (name, ours) in &ours {
        let Some(theirs) = theirs.get(name) else { continue };
        if ours == theirs {
            compared.same += 1;
            continue;
        }
        let (cookies, m_id, label) = name;
        let what = format!(
            "{label} of the ISAKMP SA {} (M-ID {m_id:08x}) differs between the two",
            hex::encode(cookies.initiator.0)
        );
        compared.problems.push(differing(what));
    }
    let (ours, theirs) = (by_spi(initiator, quick_modes), by_spi(responder, quick_modes));
    for ((spi, kind), ours) in &ours {
        match theirs.get(&(*spi, *kind)) {
            Some(theirs) if theirs == ours => compared.same_by_spi += 1,
            Some(_) => {
                let what = format!("the {kind} key of the SA with SPI {spi:08x} differs between the two");
                compared.problems.push(differing(what));
            }
            None => {}
        }
    }
    compared
}

fn differing(what: String) -> Problem {
    Problem::new(Verdict::Fail, what)
}

type Named<'a> = BTreeMap<(CookiePair, u32, Label), BTreeSet<&'a [u8]>>;

fn by_name(side: &PeerValues) -> Named<'_> {
    let mut named = Named::new();
    for value in side.values.iter().filter(|value| COMMON.contains(&value.label)) {
        named.entry((value.cookies, value.m_id.0, value.label)).or_default().insert(&value.bytes);
    }
    named
}

/// Keys of IPsec SAs: installed ones, and those that a quick mode of known SPIs has given.
fn by_spi<'a>(
    side: &'a PeerValues,
    quick_modes: &BTreeMap<(CookiePair, u32), Negotiated>,
) -> BTreeMap<(u32, &'static str), &'a [u8]> {
    let mut keys: BTreeMap<(u32, &'static str), &[u8]> = BTreeMap::new();
    for value in &side.values {
        let Some(quick_mode) = quick_modes.get(&(value.cookies, value.m_id.0)) else { continue };
        // The SA that the initiator sends on has the SPI that the responder has chosen.
        let (spi, kind) = match value.label {
            Label::EncryptionKeyInitiator => (quick_mode.second, "encryption"),
            Label::EncryptionKeyResponder => (quick_mode.first, "encryption"),
            Label::IntegrityKeyInitiator => (quick_mode.second, "integrity"),
            Label::IntegrityKeyResponder => (quick_mode.first, "integrity"),
            _ => continue,
        };
        keys.extend(spi.map(|spi| ((spi, kind), value.bytes.as_slice())));
    }
    for sa in &side.installed {
        keys.extend(sa.encryption_key.as_deref().map(|key| ((sa.spi, "encryption"), key)));
        keys.extend(sa.integrity_key.as_deref().map(|key| ((sa.spi, "integrity"), key)));
    }
    keys
}
