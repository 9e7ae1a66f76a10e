//! New Group mode (RFC 2409 section 5.6), exchange type 33: a group for later Diffie-Hellman exchanges.
//!
//! ```text
//!      Initiator                        Responder
//!   1  HDR*, HASH(1), SA        -->
//!   2                           <--    HDR*, HASH(2), SA
//! ```
//!
//! Both hashes are `prf(SKEYID_a, M-ID | SA)`, over the SA payload with its header. It is no phase 2 exchange, but its IVs
//! are those of one: the RFC names no others. The SA payload offers the group as a transform of ISAKMP, with a Group
//! Description of 2^15 or more, by which quick modes under the same ISAKMP SA name it from then on. The group ends with
//! that SA, as the RFC allows.
//!
//! A group that is not acceptable is answered by ATTRIBUTES-NOT-SUPPORTED in an informational exchange; a Notify payload
//! in place of the second SA payload is understood too.

use std::collections::BTreeMap;

use bytes::Bytes;
use subtle::ConstantTimeEq;

use crate::core::{Envelope, Opened};
use crate::crypto::{Group, PrivateGroup};
use crate::error::ExchangeError;
use crate::keylog::Label;
use crate::keys;
use crate::payloads;
use crate::phase1::Received;
use crate::phase1::group_attributes::{self, GroupAttributes};
use crate::phase1::negotiate::{check_doi, unaltered_choice};
use crate::phase2::informational::check_notification;
use crate::phase2::quick_mode::QmCx;
use crate::retransmit::{Conversation, Sent};
use crate::wire::{
    Attribute, ExchangeType, Flags, MessageId, NotifyType, Payload, PayloadType, Phase1Attribute, Proposal,
    ProtocolId, SaPayload, Transform, TransformId,
};

/// The groups that an ISAKMP SA has besides those of the registry, by their Group Descriptions.
#[derive(Debug, Default)]
pub(crate) struct PrivateGroups(BTreeMap<u16, PrivateGroup>);

impl PrivateGroups {
    /// The group that a Group Description names, private or not.
    pub(crate) fn named(&self, description: u16) -> Option<Group> {
        let private = || self.0.get(&description).cloned().map(Group::Private);
        Group::from_id(description).or_else(private)
    }

    /// The Group Description of a group; of a private one only once New Group mode has given it one.
    pub(crate) fn description(&self, group: &Group) -> Option<u16> {
        let private = || {
            let mut same = self.0.iter().filter(|(_, known)| *group == Group::Private((*known).clone()));
            same.next().map(|(description, _)| *description)
        };
        group.id().or_else(private)
    }

    pub(crate) fn define(&mut self, description: u16, group: PrivateGroup) {
        self.0.insert(description, group);
    }
}

/// What an ISAKMP SA holds of its New Group mode exchanges.
#[derive(Debug, Default)]
pub(crate) struct NewGroups {
    pub(crate) exchanges: BTreeMap<MessageId, NewGroupExchange>,
    pub(crate) groups: PrivateGroups,
    /// Groups that the peer has offered, each of which costs a test of its numbers.
    pub(crate) offered: usize,
}

/// An exchange, with what retransmission needs.
#[derive(Debug)]
pub(crate) struct NewGroupExchange {
    pub(crate) conversation: Conversation,
    /// What it waits for. One that waits for nothing stays to answer repeated messages.
    pub(crate) awaits: Option<ExpectReply>,
}

/// Message 1 is out.
#[derive(Debug, Clone)]
pub(crate) struct ExpectReply {
    pub(crate) description: u16,
    pub(crate) group: PrivateGroup,
    offered: SaPayload,
    /// The last ciphertext block of message 1.
    iv: Vec<u8>,
}

// --- New Group mode 1: HDR*, HASH(1), SA ---

/// Offers a group under a Group Description.
pub(crate) fn initiate(
    cx: &mut QmCx<'_>,
    description: u16,
    group: &PrivateGroup,
) -> Result<(ExpectReply, Sent), ExchangeError> {
    let mut attributes = vec![Attribute::short(Phase1Attribute::GROUP_DESCRIPTION, description)];
    attributes.extend(group_attributes::definition(group));
    let transform = Transform { number: 1, id: TransformId::KEY_IKE, attributes };
    let offered = proposal(1, transform);
    let iv = cx.first_iv();
    let sent = send(cx, 1, &iv, offered.clone())?;
    let awaits = ExpectReply { description, group: group.clone(), offered, iv: sent.next_iv.clone() };
    Ok((awaits, sent))
}

/// Opens a peer's offer, and gives it with the IV of the answer.
///
/// # Errors
///
/// Why the message is refused.
pub(crate) fn open(cx: &mut QmCx<'_>, received: &Received) -> Result<(SaPayload, Vec<u8>), ExchangeError> {
    let iv = cx.first_iv();
    let opened = receive(cx, received, &iv, Label::Hash1)?;
    payloads::at(&opened.chain, 1, PayloadType::SA)?;
    let (offered, _) = payloads::sa(payloads::one(&opened.chain, PayloadType::SA)?)?;
    Ok((offered.clone(), opened.next_iv))
}

/// A group that is acceptable, and the reply that says so.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) description: u16,
    pub(crate) group: PrivateGroup,
    pub(crate) reply: SaPayload,
}

/// Takes the first group of an offer that is complete and does not contradict what `groups` has, if its numbers make
/// one. However many groups are offered, only one is tested.
///
/// # Errors
///
/// [`ExchangeError::GroupRefused`] with the reasons; a DOI or situation that is not ours.
pub(crate) fn choose(offered: &SaPayload, groups: &PrivateGroups) -> Result<Accepted, ExchangeError> {
    check_doi(offered)?;
    let mut refusals = Vec::new();
    for offer in &offered.proposals {
        for transform in &offer.transforms {
            match read(offer, transform, groups) {
                Ok((description, group)) => {
                    group.check().map_err(|error| ExchangeError::GroupRefused(error.to_string()))?;
                    let reply = proposal(offer.number, transform.clone());
                    return Ok(Accepted { description, group, reply });
                }
                Err(reason) => refusals.push(format!("{}.{}: {reason}", offer.number, transform.number)),
            }
        }
    }
    Err(ExchangeError::GroupRefused(refusals.join("; ")))
}

fn read(
    proposal: &Proposal,
    transform: &Transform,
    groups: &PrivateGroups,
) -> Result<(u16, PrivateGroup), String> {
    if proposal.protocol != ProtocolId::ISAKMP || transform.id != TransformId::KEY_IKE {
        return Err("it is not for ISAKMP".into());
    }
    let mut attributes = GroupAttributes::default();
    for attribute in &transform.attributes {
        if !attributes.takes(attribute)? {
            return Err(format!("attribute {:?} is none of a group", Phase1Attribute(attribute.class)));
        }
    }
    let (description, group) = attributes.new_group()?;
    match groups.named(description) {
        Some(other) if other != Group::Private(group.clone()) => {
            Err(format!("group description {description} names another group already"))
        }
        _ => Ok((description, group)),
    }
}

fn proposal(number: u8, transform: Transform) -> SaPayload {
    SaPayload::ipsec_doi(vec![Proposal {
        number,
        protocol: ProtocolId::ISAKMP,
        spi: Bytes::new(),
        transforms: vec![transform],
    }])
}

// --- New Group mode 2: HDR*, HASH(2), SA ---

/// Accepts a group.
pub(crate) fn answer(cx: &mut QmCx<'_>, iv: &[u8], reply: SaPayload) -> Result<Sent, ExchangeError> {
    send(cx, 2, iv, reply)
}

/// What the peer says to our group.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Accepted,
    Refused(NotifyType),
}

impl ExpectReply {
    /// Opens the peer's answer.
    pub(crate) fn handle(&self, cx: &mut QmCx<'_>, received: &Received) -> Result<Reply, ExchangeError> {
        let opened = receive(cx, received, &self.iv, Label::Hash2)?;
        let second = opened.chain.payloads.get(1).map(|received| &received.payload);
        if let Some(Payload::Notification(notification)) = second {
            check_notification(notification)?;
            return Ok(Reply::Refused(notification.notify_type));
        }
        payloads::at(&opened.chain, 1, PayloadType::SA)?;
        let (reply, _) = payloads::sa(payloads::one(&opened.chain, PayloadType::SA)?)?;
        unaltered_choice(&self.offered, reply)?;
        Ok(Reply::Accepted)
    }
}

fn send(cx: &mut QmCx<'_>, number: u8, iv: &[u8], sa: SaPayload) -> Result<Sent, ExchangeError> {
    let sa = Payload::Sa(sa);
    let (_, after_hash) = crate::wire::encode_chain(core::slice::from_ref(&sa));
    let label = if number == 1 { Label::Hash1 } else { Label::Hash2 };
    let hash = hash(cx, label, &after_hash);
    let envelope = Envelope {
        path: cx.path,
        cookies: cx.cookies,
        exchange: ExchangeType::NEW_GROUP_MODE,
        m_id: cx.m_id,
        number,
    };
    let payloads = [payloads::hash_payload(&hash), sa];
    cx.core.send_encrypted(&envelope, &cx.established.protection, iv, &payloads)
}

fn receive(cx: &mut QmCx<'_>, received: &Received, iv: &[u8], label: Label) -> Result<Opened, ExchangeError> {
    if !received.header.flags.contains(Flags::ENCRYPTION) {
        let got = received.header.flags.0;
        return Err(ExchangeError::InvalidFlags { got, problem: "New Group mode must be encrypted" });
    }
    let opened = cx.core.open(&received.header, &received.message, &cx.established.protection, iv);
    let opened = opened.map_err(|error| cx.refused(error, received, iv, &[]))?;
    payloads::at(&opened.chain, 0, PayloadType::HASH)?;
    let theirs: Bytes = payloads::hash(&opened.chain)?;
    let ours = hash(cx, label, opened.after_first_payload());
    if !bool::from(ours.as_slice().ct_eq(&theirs)) {
        return Err(ExchangeError::HashMismatch(label));
    }
    Ok(opened)
}

/// `HASH(1) = HASH(2) = prf(SKEYID_a, M-ID | SA)` (RFC 2409 section 5.6), the formula of quick mode's HASH(1).
fn hash(cx: &mut QmCx<'_>, label: Label, after_hash: &[u8]) -> Vec<u8> {
    let protection = &cx.established.protection;
    let (h, skeyid_a) = (protection.transform.hash, &protection.keys.skeyid_a);
    let hash = keys::hash_1(cx.core.provider, h, skeyid_a, cx.m_id.0, after_hash);
    cx.log(label, &hash);
    hash
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// A group with this number in the place of a prime, which `read` does not test.
    fn group(number: u8) -> PrivateGroup {
        PrivateGroup::modp(&[number; 128], &[2]).unwrap()
    }

    fn transform(description: u16, group: &PrivateGroup) -> Transform {
        let mut attributes = vec![Attribute::short(Phase1Attribute::GROUP_DESCRIPTION, description)];
        attributes.extend(group_attributes::definition(group));
        Transform { number: 1, id: TransformId::KEY_IKE, attributes }
    }

    fn read_with(change: impl FnOnce(&mut Proposal)) -> Result<(u16, PrivateGroup), String> {
        let mut groups = PrivateGroups::default();
        groups.define(0x8000, group(0xfd));
        let mut proposal = proposal(1, transform(0x8001, &group(0xfb))).proposals.remove(0);
        change(&mut proposal);
        let transform = proposal.transforms[0].clone();
        read(&proposal, &transform, &groups)
    }

    #[rstest]
    #[case::a_new_description(|_: &mut Proposal| {}, Some((0x8001, 0xfb)))]
    #[case::what_is_known_already(|offer: &mut Proposal| offer.transforms[0] = transform(0x8000, &group(0xfd)), Some((0x8000, 0xfd)))]
    #[case::a_description_of_another_group(|offer: &mut Proposal| offer.transforms[0] = transform(0x8000, &group(0xfb)), None)]
    #[case::a_description_of_the_registry(|offer: &mut Proposal| offer.transforms[0] = transform(2, &group(0xfb)), None)]
    #[case::another_protocol(|offer: &mut Proposal| offer.protocol = ProtocolId::IPSEC_ESP, None)]
    #[case::another_transform(|offer: &mut Proposal| offer.transforms[0].id = TransformId(2), None)]
    #[case::an_attribute_of_no_group(|offer: &mut Proposal| offer.transforms[0].attributes.push(Attribute::short(Phase1Attribute::HASH_ALGORITHM, 2_u16)), None)]
    fn an_offer_is_read(#[case] change: fn(&mut Proposal), #[case] expected: Option<(u16, u8)>) {
        let expected = expected.map(|(description, number)| (description, group(number)));
        assert_eq!(read_with(change).ok(), expected);
    }
}
