//! The initiator's side of quick mode.

use bytes::Bytes;
use subtle::ConstantTimeEq;

use super::exchange::{Agreed, AgreedSa, QmCx, QuickMode, Step, client_ids};
use super::status::{self, ExpectConnected};
use crate::config::IpsecPolicy;
use crate::crypto::DhKeyPair;
use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::event::{IpsecSaId, Role};
use crate::keylog::Label;
use crate::keys;
use crate::payloads;
use crate::phase1::Received;
use crate::phase2::negotiate::{self, Verified};
use crate::phase2::several_sas;
use crate::wire::{Flags, Identification, KeyExchange, Nonce, NotifyType, Payload, SaPayload};

// --- Quick mode 1: HDR*, HASH(1), SA [, SA1 ...], Ni [, KE ] [, IDci, IDcr ] ---

/// Sends quick mode 1 for the SAs of one of the peer's policies, or for the one of them that replaces a pair.
pub(crate) fn initiate(
    cx: &mut QmCx<'_>,
    policy_index: usize,
    replaces: Option<IpsecSaId>,
) -> Result<Step, ExchangeError> {
    let peer = cx.peer;
    let Some(policy) = peer.ipsec.get(policy_index) else {
        return Err(ExchangeError::NoProposalChosen("no such policy".into()));
    };
    let place = replaces.and_then(|old| cx.ipsec.get(old)).map(|pair| pair.place);
    let mut sas: Vec<_> = policy.sas().into_iter().enumerate().collect();
    sas.retain(|(at, _)| place.is_none_or(|place| place == *at));
    let spis_in = cx.reserve_spis(sas.iter().map(|(_, sa)| sa.protocols()))?;
    let offered = sas.iter().zip(&spis_in).map(|((place, sa), spis_in)| {
        let payload = negotiate::offer(sa, spis_in, cx.established.nat, cx.groups)?;
        Ok(OfferedSa { place: *place, payload, spis_in: spis_in.clone() })
    });
    let offered: Result<Vec<_>, ExchangeError> = offered.collect();
    offered
        .and_then(|offered| offer(cx, (policy_index, policy), replaces, offered))
        .inspect_err(|_| cx.release_spis(&spis_in.concat()))
}

fn offer(
    cx: &mut QmCx<'_>,
    (policy_index, policy): (usize, &IpsecPolicy),
    replaces: Option<IpsecSaId>,
    offered: Vec<OfferedSa>,
) -> Result<Step, ExchangeError> {
    let ni_b = cx.core.new_nonce();
    let key_pair = cx.pfs_key_pair(policy.pfs.as_ref())?;
    // An SA is replaced for the clients that it has: those of the peer may be a part of the policy's.
    let replaced = replaces.and_then(|old| cx.ipsec.get(old)).and_then(|pair| pair.clients.clone());
    let ids = replaced.or_else(|| cx.clients(policy));
    let mut payloads: Vec<_> = offered.iter().map(|sa| Payload::Sa(sa.payload.clone())).collect();
    payloads.push(Payload::Nonce(Nonce { data: ni_b.clone() }));
    if let Some(pair) = &key_pair {
        payloads.push(Payload::KeyExchange(KeyExchange { data: Bytes::copy_from_slice(&pair.public) }));
    }
    if let Some((id_ci, id_cr)) = &ids {
        payloads.push(Payload::Identification(id_ci.clone()));
        payloads.push(Payload::Identification(id_cr.clone()));
    }
    payloads.extend(cx.original_addresses(policy, Role::Initiator));
    let iv = cx.first_iv();
    let flags = status::flags(cx.peer.commit_bit);
    let sent = cx.send_hashed(1, &iv, payloads, flags, |cx, after_hash| {
        let protection = &cx.established.protection;
        let (h, skeyid_a) = (protection.transform.hash, &protection.keys.skeyid_a);
        (Label::Hash1, keys::hash_1(cx.core.provider, h, skeyid_a, cx.m_id.0, after_hash))
    })?;
    let state = ExpectReply {
        policy: policy_index,
        offered,
        ni_b,
        key_pair,
        ids,
        iv: sent.next_iv.clone(),
        replaces,
    };
    Ok(Step {
        state: QuickMode::InitiatorExpectsReply(state),
        sent: Some(sent),
        retransmit: true,
        outcome: None,
    })
}

// --- Quick mode 2: HDR*, HASH(2), SA [, SA1 ...], Nr [, KE ] [, IDci, IDcr ] ---

/// One SA payload of ours.
#[derive(Debug)]
struct OfferedSa {
    /// Which of the policy's SAs it is.
    place: usize,
    payload: SaPayload,
    /// Our SPI for each protocol.
    spis_in: Vec<u32>,
}

/// Quick mode 1 is out.
#[derive(Debug)]
pub(crate) struct ExpectReply {
    policy: usize,
    offered: Vec<OfferedSa>,
    ni_b: Bytes,
    key_pair: Option<DhKeyPair>,
    ids: Option<(Identification, Identification)>,
    /// The last ciphertext block of quick mode 1.
    iv: Vec<u8>,
    pub(super) replaces: Option<IpsecSaId>,
}

impl ExpectReply {
    /// The SPIs of our inbound SAs.
    pub(super) fn spis_in(&self) -> Vec<u32> {
        self.offered.iter().flat_map(|sa| &sa.spis_in).copied().collect()
    }

    pub(super) fn handle(&self, cx: &mut QmCx<'_>, received: &Received) -> Result<Step, ExchangeError> {
        let opened = cx.open(received, &self.iv);
        let (opened, hash) = opened.map_err(|error| cx.refused(error, received, &self.iv, &self.ni_b))?;
        let protection = &cx.established.protection;
        let (h, skeyid_a) = (protection.transform.hash, &protection.keys.skeyid_a);
        let covered = opened.after_first_payload();
        let expected = keys::hash_2(cx.core.provider, h, skeyid_a, cx.m_id.0, &self.ni_b, covered);
        cx.log(Label::Hash2, &expected);
        if !deviates(Deviation::AcceptsWrongHash2) && !bool::from(expected.as_slice().ct_eq(&hash)) {
            return Err(ExchangeError::HashMismatch(Label::Hash2));
        }
        let reply = payloads::sas_from(&opened.chain, 1, cx.core.limits.sa_payloads_max)?;
        let offered: Vec<_> = self.offered.iter().map(|sa| &sa.payload).collect();
        let verified = several_sas::verify_choices(&offered, &reply, cx.groups)?;
        let (mut chosen, spis_in): (Vec<_>, Vec<_>) =
            verified.into_iter().map(|Verified { chosen, spis_in }| (chosen, spis_in)).unzip();
        let nr_b = payloads::nonce(&opened.chain)?;
        let is_life = |payload: &Payload| matches!(payload, Payload::Notification(it) if it.notify_type == NotifyType::RESPONDER_LIFETIME);
        if deviates(Deviation::RefusesResponderLifetime) && opened.chain.iter().any(is_life) {
            return Err(ExchangeError::NotificationData(NotifyType::RESPONDER_LIFETIME));
        }
        let ids = client_ids(&opened.chain)?;
        if ids != self.ids && !deviates(Deviation::AcceptsOtherClientsInTheReply) {
            let got = ids.map_or("none".into(), |(ci, cr)| format!("{ci} and {cr}"));
            return Err(ExchangeError::IdentityRefused(got));
        }
        // All of our offers have the same group.
        let group = chosen.iter().flatten().find_map(|chosen| chosen.group.clone());
        let g_xy = cx.pfs_secret(group.as_ref(), self.key_pair.as_ref(), &opened.chain)?;
        cx.heed_notifications(&opened.chain, &mut chosen);
        let sas = self.offered.iter().zip(chosen).zip(spis_in).map(|((offered, chosen), spis_in)| AgreedSa {
            place: offered.place,
            protocols: chosen.into_iter().zip(spis_in).collect(),
        });
        let agreed =
            Agreed { policy: self.policy, sas: sas.collect(), ids, ni_b: self.ni_b.clone(), nr_b, g_xy };
        // RFC 2408 section 3.1: who did not set the Commit bit waits for CONNECTED.
        let ours = cx.peer.commit_bit;
        let waits = !ours
            && !deviates(Deviation::IgnoresTheCommitBit)
            && received.header.flags.contains(Flags::COMMIT);
        let outcome = if waits { None } else { Some(cx.outcome(&agreed, Role::Initiator, self.replaces)?) };
        let flags = status::flags(ours);
        let mut sent = cx.send_hashed(3, &opened.next_iv, Vec::new(), flags, |cx, _| {
            let protection = &cx.established.protection;
            let (h, skeyid_a) = (protection.transform.hash, &protection.keys.skeyid_a);
            let provider = cx.core.provider;
            (Label::Hash3, keys::hash_3(provider, h, skeyid_a, cx.m_id.0, &agreed.ni_b, &agreed.nr_b))
        })?;
        if ours {
            // Both answer quick mode 2, and do so again when it comes again.
            sent.datagrams.extend(cx.send_connected(&agreed)?.datagrams);
        }
        let state = if waits {
            let (role, replaces) = (Role::Initiator, self.replaces);
            QuickMode::ExpectsConnected(ExpectConnected { agreed, role, replaces })
        } else {
            QuickMode::Done
        };
        Ok(Step { state, sent: Some(sent), retransmit: waits, outcome })
    }
}
