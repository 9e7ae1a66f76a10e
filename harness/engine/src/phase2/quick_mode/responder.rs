//! The responder's side of quick mode.

use bytes::Bytes;
use subtle::ConstantTimeEq;

use super::exchange::{Agreed, QmCx, QuickMode, Step, client_ids};
use crate::config::IpsecPolicy;
use crate::error::ExchangeError;
use crate::event::Role;
use crate::keylog::Label;
use crate::keys;
use crate::payloads;
use crate::phase1::Received;
use crate::phase2::clients;
use crate::phase2::negotiate::{self, Choice};
use crate::wire::{Flags, Identification, KeyExchange, Nonce, Payload, PayloadType};

// --- Quick mode 1: HDR*, HASH(1), SA, Ni [, KE ] [, IDci, IDcr ] ---

/// Handles quick mode 1 and sends quick mode 2.
pub(crate) fn accept(cx: &mut QmCx<'_>, received: &Received) -> Result<Step, ExchangeError> {
    let iv = cx.first_iv();
    let (opened, hash) = cx.open(received, &iv)?;
    let protection = &cx.established.protection;
    let (h, skeyid_a) = (protection.transform.hash, &protection.keys.skeyid_a);
    let covered = opened.after_first_payload();
    let expected = keys::hash_1(cx.core.provider, h, skeyid_a, cx.m_id.0, covered);
    cx.log(Label::Hash1, &expected);
    if !bool::from(expected.as_slice().ct_eq(&hash)) {
        return Err(ExchangeError::HashMismatch(Label::Hash1));
    }
    payloads::at(&opened.chain, 1, PayloadType::SA)?;
    let (offered, _) = payloads::sa(payloads::one(&opened.chain, PayloadType::SA)?)?;
    let ni_b = payloads::nonce(&opened.chain)?;
    let ids = client_ids(&opened.chain)?;
    let candidates = candidates(cx, ids.as_ref())?;
    let choice = negotiate::choose(&candidates, offered, cx.established.nat, cx.groups)?;
    if cx.ipsec.len().saturating_add(choice.chosen.len()) > cx.core.limits.ipsec_sas_max {
        return Err(ExchangeError::LimitReached("IPsec SAs"));
    }
    let protocols: Vec<_> = choice.chosen.iter().map(|chosen| chosen.protocol).collect();
    let spis_in = cx.reserve_spis(&protocols)?;
    let offer = Offer { ni_b, ids, spis_in: spis_in.clone() };
    reply(cx, &opened.chain, choice, offer, &opened.next_iv).inspect_err(|_| cx.release_spis(&spis_in))
}

/// What the initiator's message said besides its SA payload, and our SPIs.
struct Offer {
    ni_b: Bytes,
    ids: Option<(Identification, Identification)>,
    spis_in: Vec<u32>,
}

/// Sends quick mode 2.
fn reply(
    cx: &mut QmCx<'_>,
    chain: &crate::wire::Chain,
    choice: Choice<'_>,
    offer: Offer,
    iv: &[u8],
) -> Result<Step, ExchangeError> {
    let group = choice.chosen.iter().find_map(|chosen| chosen.group.clone());
    let key_pair = cx.pfs_key_pair(group.as_ref())?;
    let g_xy = cx.pfs_secret(group.as_ref(), key_pair.as_ref(), chain)?;
    let nr_b = cx.core.new_nonce();
    let mut payloads =
        vec![Payload::Sa(choice.reply(&offer.spis_in)), Payload::Nonce(Nonce { data: nr_b.clone() })];
    if let Some(pair) = key_pair {
        payloads.push(Payload::KeyExchange(KeyExchange { data: Bytes::from(pair.public) }));
    }
    if let Some((id_ci, id_cr)) = offer.ids.clone() {
        payloads.push(Payload::Identification(id_ci));
        payloads.push(Payload::Identification(id_cr));
    }
    let peer = cx.peer;
    let sas: Vec<_> = choice.chosen.into_iter().zip(offer.spis_in).collect();
    if let Some(policy) = peer.ipsec.get(choice.policy) {
        payloads.extend(cx.original_addresses(policy, Role::Responder));
        for (chosen, spi_in) in &sas {
            payloads.extend(cx.status_notifications(policy, chosen, *spi_in));
        }
    }
    let ni_b = offer.ni_b;
    let flags = if cx.peer.commit_bit { Flags::ENCRYPTION | Flags::COMMIT } else { Flags::ENCRYPTION };
    let sent = cx.send_hashed(2, iv, payloads, flags, |cx, after_hash| {
        let protection = &cx.established.protection;
        let (h, skeyid_a) = (protection.transform.hash, &protection.keys.skeyid_a);
        (Label::Hash2, keys::hash_2(cx.core.provider, h, skeyid_a, cx.m_id.0, &ni_b, after_hash))
    })?;
    let agreed = Agreed { policy: choice.policy, sas, ids: offer.ids, ni_b, nr_b, g_xy };
    let state = ExpectHash3 { agreed, iv: sent.next_iv.clone() };
    Ok(Step {
        state: QuickMode::ResponderExpectsHash3(state),
        sent: Some(sent),
        retransmit: true,
        outcome: None,
    })
}

/// The policies that take the clients that the initiator named; without IDs the ISAKMP peers themselves are
/// the clients (RFC 2409 section 5.5).
fn candidates<'a>(
    cx: &QmCx<'a>,
    ids: Option<&(Identification, Identification)>,
) -> Result<Vec<(usize, &'a IpsecPolicy)>, ExchangeError> {
    let found: Vec<_> = cx
        .peer
        .ipsec
        .iter()
        .enumerate()
        .filter(|(_, policy)| {
            let (local, remote) = cx.configured_clients(policy);
            match ids {
                Some((id_ci, id_cr)) => {
                    let how = policy.client_match;
                    clients::takes(how, remote.as_ref(), id_ci, cx.path.remote.ip())
                        && clients::takes(how, local.as_ref(), id_cr, cx.path.local.ip())
                }
                None => local.is_none() && remote.is_none(),
            }
        })
        .collect();
    if found.is_empty() {
        let got = ids.map_or("none".into(), |(ci, cr)| format!("{ci} and {cr}"));
        return Err(ExchangeError::IdentityRefused(got));
    }
    Ok(found)
}

// --- Quick mode 3: HDR*, HASH(3) ---

/// Quick mode 2 is out.
#[derive(Debug)]
pub(crate) struct ExpectHash3 {
    pub(super) agreed: Agreed,
    /// The last ciphertext block of quick mode 2.
    iv: Vec<u8>,
}

impl ExpectHash3 {
    pub(super) fn handle(&self, cx: &mut QmCx<'_>, received: &Received) -> Result<Step, ExchangeError> {
        let (_, hash) = cx.open(received, &self.iv)?;
        let protection = &cx.established.protection;
        let (h, skeyid_a) = (protection.transform.hash, &protection.keys.skeyid_a);
        let (ni_b, nr_b) = (&self.agreed.ni_b, &self.agreed.nr_b);
        let expected = keys::hash_3(cx.core.provider, h, skeyid_a, cx.m_id.0, ni_b, nr_b);
        cx.log(Label::Hash3, &expected);
        if !bool::from(expected.as_slice().ct_eq(&hash)) {
            return Err(ExchangeError::HashMismatch(Label::Hash3));
        }
        let outcome = cx.outcome(&self.agreed, Role::Responder, None)?;
        let sent = cx.peer.commit_bit.then(|| cx.send_connected(&self.agreed)).transpose()?;
        Ok(Step { state: QuickMode::Done, sent, retransmit: false, outcome: Some(outcome) })
    }
}
