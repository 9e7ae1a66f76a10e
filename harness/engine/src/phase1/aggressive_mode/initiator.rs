//! The initiator's side of aggressive mode.

use bytes::Bytes;

use crate::crypto::DhKeyPair;
use crate::error::ExchangeError;
use crate::event::Role;
use crate::natt;
use crate::payloads;
use crate::phase1::auth::psk::{KeyInputs, KeyedExchange};
use crate::phase1::main_mode::{clear_chain, initial_contact};
use crate::phase1::negotiate;
use crate::phase1::{Advance, Cx, Established, Phase1, Received, Start};
use crate::wire::{ExchangeType, KeyExchange, Nonce, Payload, PayloadType, SaPayload};

const AGGRESSIVE: ExchangeType = ExchangeType::AGGRESSIVE;

// --- Aggressive mode 1: HDR, SA, KE, Ni, IDii ---

/// Sends aggressive mode 1. The one KE payload serves all transforms, so they must agree on the group.
pub(crate) fn initiate(cx: &mut Cx<'_>) -> Result<Start, ExchangeError> {
    let Some(group) = cx.peer.phase1.first().map(|transform| transform.group) else {
        return Err(ExchangeError::NoProposalChosen("no transform is configured".into()));
    };
    if cx.peer.phase1.iter().any(|transform| transform.group != group) {
        let reason = "aggressive mode cannot negotiate the group (RFC 2409 section 5)";
        return Err(ExchangeError::NoProposalChosen(reason.into()));
    }
    let offered = negotiate::offer(cx.peer);
    let sa = Payload::Sa(offered.clone());
    let sai_b = Bytes::from(sa.encode_body());
    let key_pair = cx.core.provider.dh_generate(group, cx.core.random.as_mut())?;
    let ni_b = cx.core.new_nonce();
    let id = Payload::Identification(cx.peer.local_id.clone());
    let idii_b = Bytes::from(id.encode_body());
    let mut payloads = vec![
        sa,
        Payload::KeyExchange(KeyExchange { data: Bytes::copy_from_slice(&key_pair.public) }),
        Payload::Nonce(Nonce { data: ni_b.clone() }),
        id,
    ];
    payloads.extend(natt::vendor_id(cx.peer));
    let sent = cx.core.send_clear(&cx.envelope(AGGRESSIVE, 1), &payloads);
    let (sai_b, idii_b) = (sent.covered_body("sa", sai_b), sent.covered_body("id", idii_b));
    let state = ExpectReply { offered, sai_b, key_pair, ni_b, idii_b };
    Ok(Start { state: Phase1::AggressiveInitiatorExpectsReply(state), sent, retransmit: true })
}

// --- Aggressive mode 2: HDR, SA, KE, Nr, IDir, HASH_R ---

/// Aggressive mode 1 is out.
#[derive(Debug)]
pub(crate) struct ExpectReply {
    offered: SaPayload,
    sai_b: Bytes,
    key_pair: DhKeyPair,
    ni_b: Bytes,
    idii_b: Bytes,
}

impl ExpectReply {
    pub(crate) fn handle(&self, cx: &mut Cx<'_>, received: &Received) -> Result<Advance, ExchangeError> {
        let chain = clear_chain(cx, received)?;
        let (reply, _) = payloads::leading_sa(&chain)?;
        let chosen = negotiate::verify_choice(&self.offered, reply)?;
        let g_xr = payloads::key_exchange(&chain)?;
        let nr_b = payloads::nonce(&chain)?;
        let (id, idir_b) = payloads::identification(payloads::one(&chain, PayloadType::ID)?)?;
        let transform = chosen.transform;
        let keyed = KeyedExchange::derive(
            cx,
            &KeyInputs {
                transform,
                role: Role::Initiator,
                ours: &self.key_pair,
                theirs: &g_xr,
                ni_b: &self.ni_b,
                nr_b: &nr_b,
                sai_b: self.sai_b.clone(),
            },
        )?;
        keyed.verify_peer(cx, &chain, Role::Responder, (id, &idir_b))?;
        cx.report_notifies(&chain);
        let nat_t = natt::agreed(cx.peer, &chain);
        let discovery = natt::discovery(cx.core, cx.peer, transform.hash, cx.cookies, cx.path);
        let nat = nat_t && natt::nat_found(cx.core, cx.peer, transform.hash, cx.cookies, cx.path, &chain);
        if nat {
            *cx.path = cx.path.floated(cx.peer);
        }
        let hash_i = keyed.hash(cx.core, cx.cookies, Role::Initiator, &self.idii_b);
        let mut payloads = vec![payloads::hash_payload(&hash_i)];
        if nat_t {
            payloads.extend(discovery);
        }
        payloads.extend(initial_contact(cx));
        let sent = cx.core.send_encrypted(
            &cx.envelope(AGGRESSIVE, 3),
            &keyed.protection,
            &keyed.first_iv,
            &payloads,
        )?;
        let established = Established {
            last_block: sent.next_iv.clone(),
            protection: keyed.protection,
            lifetime: chosen.lifetime,
            nat,
            remote_id: id.clone(),
            // Aggressive mode 2 is in the clear, and a status message must not be (RFC 2407 section 4.6.3).
            initial_contact: false,
        };
        Ok(Advance { state: Phase1::Established(established), sent: Some(sent), retransmit: false })
    }
}
