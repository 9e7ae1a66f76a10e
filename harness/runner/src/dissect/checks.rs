//! What a bystander can judge of a message: its own form, and its place among the others.
//!
//! A finding is a `fail` only where the octets on the wire decide it by themselves. What may as well be due to the capture (a
//! packet that it lacks) or to somebody else on the way is `info`.

use ikev1::wire::{
    Chain, Dissection, ExchangeType, Field, FieldValue, Flags, Header, IpsecAttribute, NotifyType, Payload,
    PayloadType, Phase1Attribute, Proposal, SaPayload, Transform, WireError,
};
use ikev1_scenario::Verdict;

use super::decrypt::Suite;
use super::form::{Proof, form, messages};
use super::sa::{Sa, modp_len, same_attributes};

/// Lengths of a nonce (RFC 2409 section 5).
const NONCE: std::ops::RangeInclusive<usize> = 8..=256;
/// Protocol UDP and port 500 in an ID payload (RFC 2407 section 4.6.2).
const UDP: u8 = 17;
const ISAKMP_PORT: u16 = 500;

/// A finding without packet and sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) verdict: Verdict,
    pub(super) clause: &'static str,
    pub(super) what: String,
    pub(super) field: Option<String>,
}

/// A finding about a whole message.
pub(super) fn found(verdict: Verdict, clause: &'static str, what: impl Into<String>) -> Found {
    Found { verdict, clause, what: what.into(), field: None }
}

fn at(verdict: Verdict, clause: &'static str, field: &str, what: impl Into<String>) -> Found {
    Found { field: Some(field.to_owned()), ..found(verdict, clause, what) }
}

/// What is wrong with the message by itself: lengths, chain, RESERVED fields, header.
pub(super) fn layout(header: &Header, dissection: &Dissection, hidden: bool) -> Vec<Found> {
    let mut list: Vec<_> = dissection
        .errors
        .iter()
        .filter_map(|(offset, error)| wrong_layout(dissection, *offset, error, hidden))
        .collect();
    // Who only answers such a message has to repeat its cookies.
    let begins = header.cookies.responder.is_zero() && header.exchange_type != ExchangeType::INFORMATIONAL;
    if begins && header.cookies.initiator.is_zero() {
        list.push(at(Verdict::Fail, "RFC2408-2.5.3-01", "header.cky_i", "CKY-I is zero"));
    }
    list.extend(dissection.fields.iter().filter_map(reserved));
    list
}

/// A RESERVED field that is not zero.
fn reserved(field: &Field) -> Option<Found> {
    let name = field.path.rsplit('.').next()?;
    let FieldValue::Number(value @ 1.., _) = field.value else { return None };
    let is = name.starts_with("reserved");
    is.then(|| {
        at(Verdict::Fail, "RFC2408-2.5.2-01", &field.path, format!("a RESERVED field is {value}, not zero"))
    })
}

fn wrong_layout(dissection: &Dissection, offset: usize, error: &WireError, hidden: bool) -> Option<Found> {
    let clause = match error {
        WireError::UnequalLengths { .. } => "RFC2408-5.2-09",
        WireError::VersionMajor(_) | WireError::VersionMinor(_) => "RFC2408-3.1-02",
        WireError::UnknownFlags(_) => "RFC2408-3.1-05",
        WireError::BadNextPayload { .. } => "RFC2408-5.3-04",
        WireError::BadLength { .. } | WireError::TrailingData { .. } => "RFC2408-5.3-06",
        WireError::TransformCount { .. } => "RFC2408-5.5-05",
        // The bodies of some payloads may be ciphertext (RFC 2409 sections 5.2 and 5.3).
        WireError::IdentificationLength { .. } | WireError::MissingData(_) if hidden => return None,
        WireError::IdentificationLength { .. } => "RFC2408-5.8-04",
        WireError::MissingData(_) => "RFC2408-5.3-07",
        // What this program has no fields or no room for is nobody's fault.
        _ => return Some(found(Verdict::Info, "", error.to_string())),
    };
    let inner = dissection
        .fields
        .iter()
        .rev()
        .find(|field| field.offset <= offset && offset < field.offset + field.len.max(1));
    let field = inner.map(|field| field.path.clone());
    Some(Found { field, ..found(Verdict::Fail, clause, error.to_string()) })
}

/// The padding of a decrypted message (RFC 2409 Appendix B).
pub(super) fn padding(dissection: &Dissection, suite: Suite) -> Option<Found> {
    let padding = dissection.bytes("padding")?;
    let block = suite.cipher.block_len();
    let (verdict, what) = if padding.iter().any(|byte| *byte != 0) {
        (Verdict::Warn, "the padding is not all zeros".to_owned())
    } else if padding.len() >= block {
        let what = format!(
            "{} octets of padding, where {} reach the next block",
            padding.len(),
            padding.len() % block
        );
        // The text names the nearest block, and does not say that there may be no further one.
        (Verdict::Info, what)
    } else {
        return None;
    };
    Some(at(verdict, "RFC2409-B-01", "padding", what))
}

/// The ciphertext's length.
pub(super) fn ciphertext(len: usize, suite: Option<Suite>) -> Option<Found> {
    // Every cipher that is assigned has blocks of 8 octets or more.
    let block = suite.map_or(8, |suite| suite.cipher.block_len());
    let fits = len.is_multiple_of(block);
    let what = format!("{len} octets are encrypted, which are no blocks of {block}");
    (!fits).then(|| at(Verdict::Fail, "RFC2409-B-02", "encrypted", what))
}

/// Values whose lengths are laid down, in any message that can be read.
pub(super) fn values(chain: &Chain, sa: &Sa, phase1: bool) -> Vec<Found> {
    let mut list = Vec::new();
    let hidden = phase1 && sa.may_hide_bodies();
    let group = if phase1 { sa.public_len() } else { quick_group(chain) };
    // Where several answers or offers passed, others may be agreed on than those that are taken for it here.
    let agreed = if sa.sure { Verdict::Fail } else { Verdict::Info };
    let group_agreed = if phase1 { agreed } else { Verdict::Fail };
    for payload in chain.iter() {
        match payload {
            Payload::Nonce(nonce) if !hidden && !NONCE.contains(&nonce.data.len()) => {
                let what = format!("a nonce of {} octets, where 8 to 256 are allowed", nonce.data.len());
                list.push(at(Verdict::Fail, "RFC2409-5-07", "nonce.data", what));
            }
            Payload::KeyExchange(ke) if !hidden && group.is_some_and(|len| len != ke.data.len()) => {
                let what = format!(
                    "a public value of {} octets, where the group's prime has {}",
                    ke.data.len(),
                    group.unwrap_or_default()
                );
                list.push(at(group_agreed, "RFC2409-5-06", "ke.data", what));
            }
            Payload::Hash(hash) => {
                let wanted = sa.suite().map(|suite| suite.hash.output_len());
                if let Some(wanted) = wanted.filter(|wanted| *wanted != hash.data.len()) {
                    let what = format!("a hash of {} octets, where the hash gives {wanted}", hash.data.len());
                    list.push(at(agreed, "RFC2408-3.11-01", "hash.data", what));
                }
            }
            Payload::NatDiscovery(nat) if !nat.draft => {
                let wanted = sa.suite().map(|suite| suite.hash.output_len());
                if let Some(wanted) = wanted.filter(|wanted| *wanted != nat.hash.len()) {
                    let what = format!("a hash of {} octets, where the hash gives {wanted}", nat.hash.len());
                    list.push(at(agreed, "RFC3947-3.2-05", "nat_d.hash", what));
                }
            }
            Payload::Identification(id) if phase1 && !hidden => {
                let allowed = id.port == 0 || (id.protocol, id.port) == (UDP, ISAKMP_PORT);
                if !allowed || !matches!(id.protocol, 0 | UDP) {
                    let what = format!("protocol {} and port {} in phase 1", id.protocol, id.port);
                    list.push(at(Verdict::Fail, "RFC2407-4.6.2-01", "id.port", what));
                }
            }
            _ => {}
        }
    }
    list
}

/// Length of a public value in quick mode, where all transforms name the same group with a prime.
fn quick_group(chain: &Chain) -> Option<usize> {
    let transforms = chain.iter().filter_map(|payload| match payload {
        Payload::Sa(sa) => Some(sa),
        _ => None,
    });
    let mut groups =
        transforms.flat_map(|sa| &sa.proposals).flat_map(|proposal| &proposal.transforms).map(|transform| {
            let class = IpsecAttribute::GROUP_DESCRIPTION.0;
            transform
                .attributes
                .iter()
                .find(|attribute| attribute.class == class)
                .and_then(|found| found.as_short())
        });
    let first = groups.next()??;
    groups.all(|other| other == Some(first)).then(|| modp_len(first))?
}

fn types(chain: &Chain) -> Vec<PayloadType> {
    chain.payloads.iter().map(|payload| payload.payload_type).collect()
}

fn lacking(chain: &Chain, wanted: &[PayloadType]) -> Option<String> {
    let types = types(chain);
    let missing: Vec<_> =
        wanted.iter().filter(|kind| !types.contains(kind)).map(ToString::to_string).collect();
    let names: Vec<_> = types.iter().map(ToString::to_string).collect();
    (!missing.is_empty()).then(|| format!("it lacks {}; it has {}", missing.join(", "), names.join(", ")))
}

/// A phase 1 message against the others: header, encryption, payloads and their order.
pub(super) fn phase1(sa: &Sa, header: &Header, number: usize, chain: Option<&Chain>) -> Vec<Found> {
    let mut list = Vec::new();
    // Where the capture may lack a message, what depends on the number is not known.
    let fail = if sa.sure { Verdict::Fail } else { Verdict::Info };
    if header.message_id.0 != 0 {
        let what = format!("the M-ID of a phase 1 message is {}, not zero", header.message_id);
        list.push(at(Verdict::Fail, "RFC2408-3.1-01", "header.m_id", what));
    }
    if number > 1 && header.cookies.responder.is_zero() {
        list.push(at(fail, "RFC2408-2.5.3-01", "header.cky_r", "CKY-R is zero once an answer has come"));
    }
    let encrypted = header.flags.contains(Flags::ENCRYPTION);
    let aggressive = sa.aggressive();
    if number > messages(aggressive) {
        // An earlier one may have been sent again, made anew.
        let what = format!("message {number} of an exchange of {}", messages(aggressive));
        list.push(found(Verdict::Info, "RFC2409-5-25", what));
        return list;
    }
    if let Some(chain) = chain {
        list.extend(sa_payloads(chain));
    }
    let Some(proof) = sa.proof() else { return list };
    let Some(form) = form(aggressive, proof, number) else { return list };
    let fail = if may_be_later(aggressive, proof, number, encrypted, chain) { Verdict::Info } else { fail };
    if form.encrypted.is_some_and(|wanted| wanted != encrypted) {
        let what = if encrypted { "it is encrypted" } else { "it is in the clear" };
        list.push(at(fail, form.clause, "header.flags", what));
    }
    if let Some(chain) = chain {
        list.extend(lacking(chain, form.payloads).map(|what| found(fail, form.clause, what)));
        let nat_d = chain.iter().any(|payload| matches!(payload, Payload::NatDiscovery(it) if !it.draft));
        let place = if aggressive { 2..=3 } else { 3..=4 };
        if nat_d && !place.contains(&number) {
            list.push(at(fail, "RFC3947-3.2-03", "nat_d", format!("NAT-D payloads in message {number}")));
        }
    }
    list
}

/// Whether a message may be a later one of its sender, those before it being lost to the capture two at a time.
fn may_be_later(
    aggressive: bool,
    proof: Proof,
    number: usize,
    encrypted: bool,
    chain: Option<&Chain>,
) -> bool {
    let later = (number.saturating_add(2)..=messages(aggressive)).step_by(2);
    later.filter_map(|number| form(aggressive, proof, number)).any(|form| {
        form.encrypted.is_none_or(|wanted| wanted == encrypted)
            && chain.is_none_or(|chain| lacking(chain, form.payloads).is_none())
    })
}

/// The SA payloads of phase 1.
fn sa_payloads(chain: &Chain) -> Vec<Found> {
    let mut list = Vec::new();
    let count = chain.iter().filter(|payload| matches!(payload, Payload::Sa(_))).count();
    if count > 1 {
        list.push(at(Verdict::Fail, "RFC2409-5-16", "sa[1]", format!("{count} SA payloads in one message")));
    }
    if count > 0 && types(chain).first() != Some(&PayloadType::SA) {
        list.push(at(Verdict::Fail, "RFC2409-5-04", "sa", "the SA payload is not the first"));
    }
    for payload in chain.iter() {
        if let Payload::Sa(sa) = payload
            && sa.proposals.len() > 1
        {
            let what = format!("{} Proposal payloads in an SA payload of phase 1", sa.proposals.len());
            list.push(at(Verdict::Fail, "RFC2409-5-15", "sa.proposal[1]", what));
        }
    }
    list
}

/// The responder's choice in phase 1 against the offer.
pub(super) fn choice(sa: &Sa, reply: &SaPayload) -> Vec<Found> {
    let [Proposal { transforms, .. }] = reply.proposals.as_slice() else {
        let what = format!("the choice has {} proposals, not one", reply.proposals.len());
        return vec![at(Verdict::Fail, "RFC2409-3.2-02", "sa", what)];
    };
    let [chosen] = transforms.as_slice() else {
        let what = format!("the choice has {} transforms, not one", transforms.len());
        return vec![at(Verdict::Fail, "RFC2409-3.2-02", "sa.proposal", what)];
    };
    let offered = sa.offered.is_none()
        || sa.offered_transforms().any(|offered| same_attributes(&offered.attributes, &chosen.attributes));
    if offered {
        return Vec::new();
    }
    let what = "the chosen transform has not the attributes of any that was offered";
    // The offer that it answers may be another than the one that was seen, and a key length that only one of the two has may
    // be the one that the other means.
    let lengths = |transform: &Transform| {
        let class = Phase1Attribute::KEY_LENGTH.0;
        transform.attributes.iter().filter(|attribute| attribute.class == class).count()
    };
    let implied = sa.offered_transforms().any(|offered| lengths(offered) != lengths(chosen));
    let verdict = if sa.sure && !implied { Verdict::Fail } else { Verdict::Info };
    vec![at(verdict, "RFC2409-5-09", "sa.proposal.transform", what)]
}

/// A phase 2 message by itself; `number` is its place in its exchange, where that is known.
pub(super) fn phase2(sa: &Sa, header: &Header, number: Option<usize>, chain: Option<&Chain>) -> Vec<Found> {
    let mut list = Vec::new();
    let exchange = header.exchange_type;
    let encrypted = header.flags.contains(Flags::ENCRYPTION);
    let informational = exchange == ExchangeType::INFORMATIONAL;
    let (clear, first, fail) = match exchange {
        ExchangeType::QUICK_MODE => ("RFC2409-5.5-01", "RFC2409-5.5-02", Verdict::Fail),
        ExchangeType::INFORMATIONAL => ("RFC2409-5.7-01", "RFC2409-5.7-01", Verdict::Fail),
        ExchangeType::NEW_GROUP_MODE => ("RFC2409-5.6-02", "RFC2409-5.6-02", Verdict::Warn),
        // In the clear it has no hash (section 3.1.2 of the draft).
        ExchangeType::TRANSACTION if encrypted => ("", "draft-dukes-ike-mode-cfg-02-3.1.1-01", Verdict::Fail),
        // Nothing is known of an exchange that somebody has made up.
        _ => return list,
    };
    if !encrypted {
        let deletes = chain.is_some_and(|chain| chain.first(PayloadType::DELETE).is_some());
        if deletes {
            list.push(at(Verdict::Fail, "RFC2408-5.15-01", "delete", "a Delete payload in the clear"));
        } else if !informational {
            list.push(at(fail, clear, "header.flags", "it is in the clear"));
        } else if sa.complete() {
            // Whoever has lost the SA can say so in no other way.
            let what = "in the clear behind phase 1: its sender may have no ISAKMP SA, or it is forged";
            list.push(at(Verdict::Info, clear, "header.flags", what));
        }
        return list;
    }
    if header.message_id.0 == 0 && exchange == ExchangeType::QUICK_MODE && number == Some(1) {
        list.push(at(Verdict::Fail, "RFC2408-2.4-03", "header.m_id", "the M-ID of a quick mode is zero"));
    }
    let Some(chain) = chain else { return list };
    let types = types(chain);
    if types.first() != Some(&PayloadType::HASH) {
        list.push(found(fail, first, "the HASH payload is not the first"));
    }
    if exchange == ExchangeType::QUICK_MODE
        && let Some(number @ (1 | 2)) = number
        // With neither it may be message 3, where the capture lacks one of those before.
        && (types.contains(&PayloadType::SA) || types.contains(&PayloadType::NONCE))
    {
        if types.get(1) != Some(&PayloadType::SA) {
            list.push(found(
                Verdict::Fail,
                "RFC2409-5.5-02",
                "the SA payload does not follow the HASH payload",
            ));
        }
        let wanted = [PayloadType::HASH, PayloadType::SA, PayloadType::NONCE];
        list.extend(lacking(chain, &wanted).map(|what| found(Verdict::Fail, "RFC2409-5.5-21", what)));
        if number == 2 {
            list.extend(quick_choice(chain));
        }
    }
    list
}

/// The responder's choice in quick mode.
fn quick_choice(chain: &Chain) -> Option<Found> {
    let several = chain.iter().any(|payload| match payload {
        Payload::Sa(sa) => sa.proposals.iter().any(|proposal| proposal.transforms.len() != 1),
        _ => false,
    });
    let what = "a proposal of the choice has not exactly one transform";
    several.then(|| at(Verdict::Fail, "RFC2408-4.2-15", "sa.proposal", what))
}

/// Whether a message of another exchange may have the M-ID of a quick mode: CONNECTED, where the Commit bit was set
/// (RFC 2408 section 3.1).
pub(super) fn may_be_connected(chain: Option<&Chain>, commit: bool) -> bool {
    let Some(chain) = chain else { return commit };
    chain.iter().any(
        |payload| matches!(payload, Payload::Notification(it) if it.notify_type == NotifyType::CONNECTED),
    )
}
