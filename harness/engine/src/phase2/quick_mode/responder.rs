//! The responder's side of quick mode.

use bytes::Bytes;
use subtle::ConstantTimeEq;

use super::exchange::{Agreed, AgreedSa, QmCx, QuickMode, Step, client_ids};
use super::status::{self, ExpectConnected};
use crate::config::IpsecPolicy;
use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::event::Role;
use crate::keylog::Label;
use crate::keys;
use crate::payloads;
use crate::phase1::Received;
use crate::phase2::clients;
use crate::phase2::several_sas::{self, Choices};
use crate::retransmit::Sent;
use crate::wire::{Flags, Identification, KeyExchange, Nonce, Payload};

// --- Quick mode 1: HDR*, HASH(1), SA [, SA1 ...], Ni [, KE ] [, IDci, IDcr ] ---

/// Handles quick mode 1 and sends quick mode 2.
pub(crate) fn accept(cx: &mut QmCx<'_>, received: &Received) -> Result<Step, ExchangeError> {
    let iv = cx.first_iv();
    let opened = cx.open(received, &iv);
    let (opened, hash) = opened.map_err(|error| cx.refused(error, received, &iv, &[]))?;
    let protection = &cx.established.protection;
    let (h, skeyid_a) = (protection.transform.hash, &protection.keys.skeyid_a);
    let covered = opened.after_first_payload();
    let expected = keys::hash_1(cx.core.provider, h, skeyid_a, cx.m_id.0, covered);
    cx.log(Label::Hash1, &expected);
    if !deviates(Deviation::AcceptsWrongHash1) && !bool::from(expected.as_slice().ct_eq(&hash)) {
        return Err(ExchangeError::HashMismatch(Label::Hash1));
    }
    let offered = payloads::sas_from(&opened.chain, 1, cx.core.limits.sa_payloads_max)?;
    let ni_b = payloads::nonce(&opened.chain)?;
    let ids = client_ids(&opened.chain)?;
    let candidates = candidates(cx, ids.as_ref())?;
    let choices = several_sas::choose(&candidates, &offered, cx.established.nat, cx.groups)?;
    let wanted = choices.sas.iter().map(|(_, choice)| choice.chosen.len()).sum();
    if cx.ipsec.len().saturating_add(wanted) > cx.core.limits.ipsec_sas_max {
        return Err(ExchangeError::LimitReached("IPsec SAs"));
    }
    let protocols = choices.sas.iter().map(|(_, choice)| choice.protocols());
    let spis_in = cx.reserve_spis(protocols)?;
    let commit = received.header.flags.contains(Flags::COMMIT);
    let offer = Offer { ni_b, ids, spis_in: spis_in.clone(), commit };
    reply(cx, &opened.chain, choices, offer, &opened.next_iv)
        .inspect_err(|_| cx.release_spis(&spis_in.concat()))
}

/// What the initiator's message said besides its SA payloads, and our SPIs for each of those.
struct Offer {
    ni_b: Bytes,
    ids: Option<(Identification, Identification)>,
    spis_in: Vec<Vec<u32>>,
    /// It set the Commit bit.
    commit: bool,
}

/// Sends quick mode 2.
fn reply(
    cx: &mut QmCx<'_>,
    chain: &crate::wire::Chain,
    choices: Choices<'_>,
    offer: Offer,
    iv: &[u8],
) -> Result<Step, ExchangeError> {
    // The policy has one group for all its SAs.
    let chosen = choices.sas.iter().flat_map(|(_, choice)| &choice.chosen);
    let group = chosen.into_iter().find_map(|chosen| chosen.group.clone());
    let key_pair = cx.pfs_key_pair(group.as_ref())?;
    let g_xy = cx.pfs_secret(group.as_ref(), key_pair.as_ref(), chain)?;
    let nr_b = cx.core.new_nonce();
    let mut payloads = Vec::new();
    let mut sas = Vec::new();
    for ((place, choice), spis_in) in choices.sas.into_iter().zip(offer.spis_in) {
        payloads.push(Payload::Sa(choice.reply(&spis_in)));
        sas.push(AgreedSa { place, protocols: choice.chosen.into_iter().zip(spis_in).collect() });
    }
    payloads.push(Payload::Nonce(Nonce { data: nr_b.clone() }));
    if let Some(pair) = key_pair {
        payloads.push(Payload::KeyExchange(KeyExchange { data: Bytes::from(pair.public) }));
    }
    if let Some((mut id_ci, id_cr)) = offer.ids.clone().filter(|_| !deviates(Deviation::SendsNoClientIds)) {
        if deviates(Deviation::NarrowsClients) && id_ci.id_type.0 == 4 {
            id_ci.data = [id_ci.data.get(..4).unwrap_or_default(), &[0xff; 4]].concat().into();
        }
        payloads.push(Payload::Identification(id_ci));
        payloads.push(Payload::Identification(id_cr));
    }
    let peer = cx.peer;
    if let Some(policy) = peer.ipsec.get(choices.policy) {
        payloads.extend(cx.original_addresses(policy, Role::Responder));
        for (chosen, spi_in) in sas.iter().flat_map(|sa| &sa.protocols) {
            payloads.extend(cx.status_notifications(policy, chosen, *spi_in));
        }
    }
    let ni_b = offer.ni_b;
    // One side's Commit bit is enough.
    let committed = match (offer.commit, cx.peer.commit_bit) {
        (true, _) => Some(Role::Initiator),
        (false, true) => Some(Role::Responder),
        (false, false) => None,
    };
    let flags = status::flags(committed == Some(Role::Responder));
    let sent = cx.send_hashed(2, iv, payloads, flags, |cx, after_hash| {
        let protection = &cx.established.protection;
        let (h, skeyid_a) = (protection.transform.hash, &protection.keys.skeyid_a);
        (Label::Hash2, keys::hash_2(cx.core.provider, h, skeyid_a, cx.m_id.0, &ni_b, after_hash))
    })?;
    let agreed = Agreed { policy: choices.policy, sas, ids: offer.ids, ni_b, nr_b, g_xy };
    let state = ExpectHash3 { agreed, committed, reply: sent.clone() };
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
                _ if deviates(Deviation::AcceptsAnyClients) => true,
                Some((id_ci, id_cr)) if deviates(Deviation::AcceptsOneClientId) && id_ci == id_cr => true,
                Some((id_ci, id_cr))
                    if deviates(Deviation::RefusesNamedClients)
                        && [id_ci, id_cr].iter().any(|id| !matches!(id.id_type.0, 1 | 4 | 5 | 6 | 7 | 8)) =>
                {
                    false
                }
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
    /// Who set the Commit bit so far.
    committed: Option<Role>,
    /// Quick mode 2.
    reply: Sent,
}

impl ExpectHash3 {
    pub(super) fn handle(&self, cx: &mut QmCx<'_>, received: &Received) -> Result<Step, ExchangeError> {
        let (_, hash) = cx.open(received, &self.reply.next_iv)?;
        let protection = &cx.established.protection;
        let (h, skeyid_a) = (protection.transform.hash, &protection.keys.skeyid_a);
        let (ni_b, nr_b) = (&self.agreed.ni_b, &self.agreed.nr_b);
        let expected = keys::hash_3(cx.core.provider, h, skeyid_a, cx.m_id.0, ni_b, nr_b);
        cx.log(Label::Hash3, &expected);
        if !deviates(Deviation::AcceptsWrongHash3) && !bool::from(expected.as_slice().ct_eq(&hash)) {
            return Err(ExchangeError::HashMismatch(Label::Hash3));
        }
        let late = received.header.flags.contains(Flags::COMMIT).then_some(Role::Initiator);
        let committed = self.committed.or(late).filter(|_| !deviates(Deviation::IgnoresTheCommitBit));
        if committed == Some(Role::Initiator) {
            // Quick mode 2 goes on being sent: whoever gets it again says CONNECTED again.
            let (agreed, role) = (self.agreed.clone(), Role::Responder);
            let state = QuickMode::ExpectsConnected(ExpectConnected { agreed, role, replaces: None });
            return Ok(Step { state, sent: Some(self.reply.clone()), retransmit: true, outcome: None });
        }
        let outcome = cx.outcome(&self.agreed, Role::Responder, None)?;
        let connected = committed.map(|_| cx.send_connected(&self.agreed)).transpose()?;
        Ok(Step { state: QuickMode::Done, sent: connected, retransmit: false, outcome: Some(outcome) })
    }
}
