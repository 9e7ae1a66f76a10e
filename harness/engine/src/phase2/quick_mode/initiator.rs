//! The initiator's side of quick mode.

use bytes::Bytes;
use subtle::ConstantTimeEq;

use super::exchange::{Agreed, QmCx, QuickMode, Step, client_ids};
use crate::config::IpsecPolicy;
use crate::crypto::DhKeyPair;
use crate::error::ExchangeError;
use crate::event::{IpsecSaId, Role};
use crate::keylog::Label;
use crate::keys;
use crate::payloads;
use crate::phase1::Received;
use crate::phase2::informational;
use crate::phase2::negotiate::{self, Verified};
use crate::wire::{
    ExchangeType, Flags, Identification, KeyExchange, Nonce, NotifyType, Payload, PayloadType, SaPayload,
};

// --- Quick mode 1: HDR*, HASH(1), SA, Ni [, KE ] [, IDci, IDcr ] ---

/// Sends quick mode 1 for one of the peer's policies.
pub(crate) fn initiate(
    cx: &mut QmCx<'_>,
    policy_index: usize,
    replaces: Option<IpsecSaId>,
) -> Result<Step, ExchangeError> {
    let peer = cx.peer;
    let Some(policy) = peer.ipsec.get(policy_index) else {
        return Err(ExchangeError::NoProposalChosen("no such policy".into()));
    };
    let spis_in = cx.reserve_spis(&policy.protocols())?;
    offer(cx, (policy_index, policy), replaces, &spis_in).inspect_err(|_| cx.release_spis(&spis_in))
}

fn offer(
    cx: &mut QmCx<'_>,
    (policy_index, policy): (usize, &IpsecPolicy),
    replaces: Option<IpsecSaId>,
    spis_in: &[u32],
) -> Result<Step, ExchangeError> {
    let offered = negotiate::offer(policy, spis_in, cx.established.nat, cx.groups)?;
    let ni_b = cx.core.new_nonce();
    let key_pair = cx.pfs_key_pair(policy.pfs.as_ref())?;
    // An SA is replaced for the clients that it has: those of the peer may be a part of the policy's.
    let replaced = replaces.and_then(|old| cx.ipsec.get(old)).and_then(|pair| pair.clients.clone());
    let ids = replaced.or_else(|| cx.clients(policy));
    let mut payloads = vec![Payload::Sa(offered.clone()), Payload::Nonce(Nonce { data: ni_b.clone() })];
    if let Some(pair) = &key_pair {
        payloads.push(Payload::KeyExchange(KeyExchange { data: Bytes::copy_from_slice(&pair.public) }));
    }
    if let Some((id_ci, id_cr)) = &ids {
        payloads.push(Payload::Identification(id_ci.clone()));
        payloads.push(Payload::Identification(id_cr.clone()));
    }
    payloads.extend(cx.original_addresses(policy, Role::Initiator));
    let iv = cx.first_iv();
    let sent = cx.send_hashed(1, &iv, payloads, Flags::ENCRYPTION, |cx, after_hash| {
        let protection = &cx.established.protection;
        let (h, skeyid_a) = (protection.transform.hash, &protection.keys.skeyid_a);
        (Label::Hash1, keys::hash_1(cx.core.provider, h, skeyid_a, cx.m_id.0, after_hash))
    })?;
    let state = ExpectReply {
        policy: policy_index,
        offered,
        spis_in: spis_in.to_vec(),
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

// --- Quick mode 2: HDR*, HASH(2), SA, Nr [, KE ] [, IDci, IDcr ] ---

/// Quick mode 1 is out.
#[derive(Debug)]
pub(crate) struct ExpectReply {
    policy: usize,
    offered: SaPayload,
    pub(super) spis_in: Vec<u32>,
    ni_b: Bytes,
    key_pair: Option<DhKeyPair>,
    ids: Option<(Identification, Identification)>,
    /// The last ciphertext block of quick mode 1.
    iv: Vec<u8>,
    pub(super) replaces: Option<IpsecSaId>,
}

impl ExpectReply {
    pub(super) fn handle(&self, cx: &mut QmCx<'_>, received: &Received) -> Result<Step, ExchangeError> {
        let (opened, hash) = cx.open(received, &self.iv)?;
        let protection = &cx.established.protection;
        let (h, skeyid_a) = (protection.transform.hash, &protection.keys.skeyid_a);
        let covered = opened.after_first_payload();
        let expected = keys::hash_2(cx.core.provider, h, skeyid_a, cx.m_id.0, &self.ni_b, covered);
        cx.log(Label::Hash2, &expected);
        if !bool::from(expected.as_slice().ct_eq(&hash)) {
            return Err(ExchangeError::HashMismatch(Label::Hash2));
        }
        payloads::at(&opened.chain, 1, PayloadType::SA)?;
        let (reply, _) = payloads::sa(payloads::one(&opened.chain, PayloadType::SA)?)?;
        let Verified { mut chosen, spis_in } = negotiate::verify_choice(&self.offered, reply, cx.groups)?;
        let nr_b = payloads::nonce(&opened.chain)?;
        let ids = client_ids(&opened.chain)?;
        if ids != self.ids {
            let got = ids.map_or("none".into(), |(ci, cr)| format!("{ci} and {cr}"));
            return Err(ExchangeError::IdentityRefused(got));
        }
        let group = chosen.iter().find_map(|chosen| chosen.group.clone());
        let g_xy = cx.pfs_secret(group.as_ref(), self.key_pair.as_ref(), &opened.chain)?;
        cx.heed_notifications(&opened.chain, &mut chosen);
        let agreed = Agreed {
            policy: self.policy,
            sas: chosen.into_iter().zip(spis_in).collect(),
            ids,
            ni_b: self.ni_b.clone(),
            nr_b,
            g_xy,
        };
        // RFC 2408 section 3.1: who did not set the Commit bit waits for CONNECTED.
        let commit = received.header.flags.contains(Flags::COMMIT);
        let outcome =
            if commit { None } else { Some(cx.outcome(&agreed, Role::Initiator, self.replaces)?) };
        let sent = cx.send_hashed(3, &opened.next_iv, Vec::new(), Flags::ENCRYPTION, |cx, _| {
            let protection = &cx.established.protection;
            let (h, skeyid_a) = (protection.transform.hash, &protection.keys.skeyid_a);
            let provider = cx.core.provider;
            (Label::Hash3, keys::hash_3(provider, h, skeyid_a, cx.m_id.0, &agreed.ni_b, &agreed.nr_b))
        })?;
        let state = match outcome {
            Some(_) => QuickMode::Done,
            None => QuickMode::InitiatorExpectsConnected(ExpectConnected { agreed, replaces: self.replaces }),
        };
        Ok(Step { state, sent: Some(sent), retransmit: commit, outcome })
    }
}

// --- Commit bit: HDR*, HASH(1), N(CONNECTED), in an informational exchange with the M-ID of quick mode ---

/// Quick mode 3 is out, and the responder's CONNECTED is to say that its SAs stand (RFC 2408 section 3.1).
#[derive(Debug)]
pub(crate) struct ExpectConnected {
    pub(super) agreed: Agreed,
    pub(super) replaces: Option<IpsecSaId>,
}

impl ExpectConnected {
    pub(super) fn handle(&self, cx: &mut QmCx<'_>, received: &Received) -> Result<Step, ExchangeError> {
        if received.header.exchange_type != ExchangeType::INFORMATIONAL {
            return Err(ExchangeError::Replayed(received.header.message_id));
        }
        let opened = informational::receive(cx, received)?;
        let connected = opened.chain.iter().any(|payload| match payload {
            Payload::Notification(notification) => {
                notification.notify_type == NotifyType::CONNECTED
                    && informational::check_notification(notification).is_ok()
            }
            _ => false,
        });
        if !connected {
            return Err(ExchangeError::MissingPayload(PayloadType::NOTIFICATION));
        }
        let outcome = cx.outcome(&self.agreed, Role::Initiator, self.replaces)?;
        cx.notified(NotifyType::CONNECTED, Bytes::new());
        Ok(Step { state: QuickMode::Done, sent: None, retransmit: false, outcome: Some(outcome) })
    }
}
