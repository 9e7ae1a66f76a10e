//! Quick mode, the informational exchange (RFC 2409 sections 5.5 and 5.7) and the transaction exchange (Mode-Config draft
//! section 3.1.1).

use ikev1::keylog::Label;

use super::check::Expected;
use super::formulas::keymat;
use super::group::{InFull, shared_secret};
use super::message::{self, KE, NONCE, Proposal, SA, Transform, after_hash};
use super::phase1::IsakmpSa;
use super::tape::{ExchangeTape, Place, Tape};
use crate::model::{Exchange, Side};

/// IPSEC_AH and IPSEC_ESP (RFC 2407 section 4.4.1).
const AH: u8 = 2;
const ESP: u8 = 3;
const IPCOMP: u8 = 4;

/// The first Group Description for private use (RFC 2409 Appendix A).
const PRIVATE: u16 = 0x8000;

/// Labels of KEYMAT and the two keys in it, of the SA from initiator to responder.
const TO_RESPONDER: [Label; 3] =
    [Label::KeymatInitiator, Label::EncryptionKeyInitiator, Label::IntegrityKeyInitiator];
/// The same of the SA from responder to initiator.
const TO_INITIATOR: [Label; 3] =
    [Label::KeymatResponder, Label::EncryptionKeyResponder, Label::IntegrityKeyResponder];

/// Computes every value of one exchange below an ISAKMP SA.
pub(super) fn phase2(tape: &Tape<'_>, sa: &IsakmpSa, m_id: u32, out: &mut Expected) {
    let place = (sa.cookies, m_id);
    for block in tape.last_blocks(place, sa.block_len) {
        out.tell(place, Label::NextIv, &block);
    }
    if let Some(last_block) = &sa.last_block {
        let mut iv = sa.hash.of(&[last_block, &m_id.to_be_bytes()]);
        iv.truncate(sa.block_len);
        out.tell(place, Label::Phase2Iv, &iv);
    }
    let informational = tape.below(place, Exchange::Informational);
    if let (Some(exchange), Some(skeyid_a)) = (informational, &sa.skeyid_a)
        && let Some(covered) = exchange.message(1).and_then(|sent| after_hash(sent.clear?))
    {
        out.tell(place, Label::Hash1, &sa.hash.prf(skeyid_a, &[&m_id.to_be_bytes(), covered]));
    }
    // Both messages of a transaction exchange have the same formula (Mode-Config draft section 3.1.1).
    if let (Some(exchange), Some(skeyid_a)) = (tape.below(place, Exchange::Transaction), &sa.skeyid_a) {
        for sent in [1, 2].into_iter().filter_map(|number| exchange.message(number)) {
            if let Some(covered) = sent.clear.and_then(after_hash) {
                out.tell(place, Label::Hash1, &sa.hash.prf(skeyid_a, &[&m_id.to_be_bytes(), covered]));
            }
        }
    }
    if let (Some(exchange), Some(skeyid_a)) = (tape.below(place, Exchange::NewGroupMode), &sa.skeyid_a) {
        // HASH(1) and HASH(2) have the same formula (RFC 2409 section 5.6).
        for (number, label) in [(1, Label::Hash1), (2, Label::Hash2)] {
            if let Some(covered) = exchange.message(number).and_then(|sent| after_hash(sent.clear?)) {
                out.tell(place, label, &sa.hash.prf(skeyid_a, &[&m_id.to_be_bytes(), covered]));
            }
        }
    }
    if let Some(exchange) = tape.below(place, Exchange::QuickMode) {
        hashes(&exchange, sa, place, out);
        keys(tape, &exchange, sa, place, out);
    }
}

/// HASH(1), HASH(2) and HASH(3).
fn hashes(exchange: &ExchangeTape<'_, '_>, sa: &IsakmpSa, place: Place, out: &mut Expected) -> Option<()> {
    let (skeyid_a, m_id) = (sa.skeyid_a.as_ref()?, &place.1.to_be_bytes()[..]);
    let first = exchange.message(1)?;
    out.tell(place, Label::Hash1, &sa.hash.prf(skeyid_a, &[m_id, after_hash(first.clear?)?]));
    let (ni_b, second) = (first.body(NONCE)?, exchange.message(2)?);
    out.tell(place, Label::Hash2, &sa.hash.prf(skeyid_a, &[m_id, ni_b, after_hash(second.clear?)?]));
    out.tell(place, Label::Hash3, &sa.hash.prf(skeyid_a, &[&[0], m_id, ni_b, second.body(NONCE)?]));
    Some(())
}

/// g(qm)^xy, KEYMAT of both SAs and the keys in it.
fn keys(
    tape: &Tape<'_>,
    exchange: &ExchangeTape<'_, '_>,
    sa: &IsakmpSa,
    place: Place,
    out: &mut Expected,
) -> Option<()> {
    let (first, second) = (exchange.message(1)?, exchange.message(2)?);
    let (ni_b, nr_b) = (first.body(NONCE)?, second.body(NONCE)?);
    let (offered, chosen) = (sas(first.clear?)?, sas(second.clear?)?);
    if offered.len() != chosen.len() {
        return None;
    }
    // Compression has no keys, and no group.
    let is_protected = |proposal: &&Proposal<'_>| proposal.protocol != IPCOMP;
    let first_transform = chosen.first()?.iter().find(is_protected)?.transforms.first()?;
    let g_xy = if message::lacks(first.clear?, KE) && message::lacks(second.clear?, KE) {
        Vec::new()
    } else {
        let theirs = if first.from == Side::Harness { second } else { first };
        let exponent = tape.exponent(place, Label::QuickPrivateExponent)?;
        let (group, public) = (first_transform.attribute(3)?, theirs.body(KE)?);
        let g_xy = if group < PRIVATE {
            shared_secret(group, &exponent, public)?
        } else {
            private_shared_secret(tape, sa, group, (&exponent, public))?
        };
        out.tell(place, Label::QuickGXy, &g_xy);
        g_xy
    };
    // Each SA payload answers the one in its place, and each protocol of a bundle has a pair of SAs of its own.
    for (offered, chosen) in offered.iter().zip(&chosen) {
        for chosen in chosen.iter().filter(is_protected) {
            keys_of_protocol(sa, (offered, chosen), [&g_xy, ni_b, nr_b], place, out)?;
        }
    }
    Some(())
}

/// The proposals of every SA payload.
fn sas(message: &[u8]) -> Option<Vec<Vec<Proposal<'_>>>> {
    message::all(message, SA)?.into_iter().map(message::proposals).collect()
}

/// KEYMAT of both SAs of one protocol and the keys in it, from g(qm)^xy, Ni_b and Nr_b.
fn keys_of_protocol(
    sa: &IsakmpSa,
    (offered, chosen): (&[Proposal<'_>], &Proposal<'_>),
    [g_xy, ni_b, nr_b]: [&[u8]; 3],
    place: Place,
    out: &mut Expected,
) -> Option<()> {
    let [transform] = chosen.transforms.as_slice() else { return None };
    let skeyid_d = sa.skeyid_d.as_ref()?;
    let (encryption, integrity) = key_lengths(chosen.protocol, transform)?;
    let offer = offer_of(offered, chosen)?;
    // The receiver of an SA chose its SPI.
    for ([whole, cipher_key, integrity_key], spi) in [(TO_RESPONDER, chosen.spi), (TO_INITIATOR, offer.spi)] {
        let seed = [g_xy, &[chosen.protocol][..], spi, ni_b, nr_b].concat();
        let material = keymat(sa.hash, skeyid_d, &seed, encryption + integrity);
        out.tell(place, whole, &material);
        let (front, back) = material.split_at_checked(encryption)?;
        out.tell(place, cipher_key, front);
        out.tell(place, integrity_key, back);
    }
    Some(())
}

/// `g^xy` in the group that New Group mode gave a Group Description under an ISAKMP SA: that of the one transform in the
/// responder's answer (RFC 2409 section 5.6).
fn private_shared_secret(
    tape: &Tape<'_>,
    sa: &IsakmpSa,
    description: u16,
    (exponent, public): (&[u8], &[u8]),
) -> Option<Vec<u8>> {
    tape.m_ids(sa.cookies).into_iter().find_map(|m_id| {
        let exchange = tape.below((sa.cookies, m_id), Exchange::NewGroupMode)?;
        let accepted = message::proposals(exchange.message(2)?.body(SA)?)?;
        let [proposal] = accepted.as_slice() else { return None };
        let [transform] = proposal.transforms.as_slice() else { return None };
        let group = InFull::of(transform)?;
        (transform.attribute(4)? == description).then(|| group.shared_secret(exponent, public))?
    })
}

/// The offered proposal that was chosen.
fn offer_of<'a, 'b>(offered: &'b [Proposal<'a>], chosen: &Proposal<'_>) -> Option<&'b Proposal<'a>> {
    let fits = |offer: &&Proposal<'_>| (offer.number, offer.protocol) == (chosen.number, chosen.protocol);
    let mut fitting = offered.iter().filter(fits);
    let only = fitting.next()?;
    fitting.next().is_none().then_some(only)
}

/// Lengths of the cipher key and the integrity key in bytes (RFC 2407 sections 4.4.3, 4.4.4 and 4.5).
fn key_lengths(protocol: u8, transform: &Transform<'_>) -> Option<(usize, usize)> {
    let encryption = match (protocol, transform.id) {
        (AH, _) | (ESP, 11) => 0,
        (ESP, 2) => 8,
        (ESP, 3) => 24,
        (ESP, 5) => 16,
        // RC5, CAST, Blowfish, AES and Camellia state their key length.
        (ESP, 4 | 6 | 7 | 12 | 22) => usize::from(transform.attribute(6)? / 8),
        _ => return None,
    };
    let integrity = match transform.attribute(5) {
        Some(1) => 16,
        Some(2) => 20,
        Some(5) => 32,
        Some(6) => 48,
        Some(7) => 64,
        // AES-XCBC-MAC.
        Some(9) => 16,
        None if protocol == ESP => 0,
        _ => return None,
    };
    Some((encryption, integrity))
}
