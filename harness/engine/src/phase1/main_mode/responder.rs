//! The responder's side of main mode.

use bytes::Bytes;

use super::initiator::{clear_chain, require_encrypted};
use crate::error::ExchangeError;
use crate::event::Role;
use crate::natt;
use crate::payloads;
use crate::phase1::auth::psk::{KeyInputs, KeyedExchange};
use crate::phase1::negotiate::{self, Chosen};
use crate::phase1::{Advance, Cx, Established, Phase1, Received, Start, says_initial_contact};
use crate::wire::{ExchangeType, KeyExchange, Nonce, Payload, PayloadType};

const MAIN_MODE: ExchangeType = ExchangeType::IDENTITY_PROTECTION;

// --- Main mode 1: HDR, SA ---

/// Handles main mode 1 and sends main mode 2.
pub(crate) fn accept(cx: &mut Cx<'_>, received: &Received) -> Result<Start, ExchangeError> {
    let chain = clear_chain(cx, received)?;
    let (offered, sai_b) = payloads::leading_sa(&chain)?;
    let (reply, chosen) = negotiate::choose(cx.peer, offered)?;
    let nat_t = natt::agreed(cx.peer, &chain);
    cx.report_notifies(&chain);
    let mut payloads = vec![Payload::Sa(reply)];
    if nat_t {
        payloads.extend(natt::vendor_id(cx.peer));
    }
    let sent = cx.core.send_clear(&cx.envelope(MAIN_MODE, 2), &payloads);
    let state = Phase1::MainResponderExpectsKe(ExpectKe { chosen, sai_b, nat_t });
    Ok(Start { state, sent, retransmit: false })
}

// --- Main mode 3: HDR, KE, Ni ---

/// Main mode 2 is out.
#[derive(Debug)]
pub(crate) struct ExpectKe {
    chosen: Chosen,
    sai_b: Bytes,
    nat_t: bool,
}

impl ExpectKe {
    pub(crate) fn handle(&self, cx: &mut Cx<'_>, received: &Received) -> Result<Advance, ExchangeError> {
        let chain = clear_chain(cx, received)?;
        let g_xi = payloads::key_exchange(&chain)?;
        let ni_b = payloads::nonce(&chain)?;
        let transform = self.chosen.transform;
        let key_pair = cx.core.provider.dh_generate(transform.group, cx.core.random.as_mut())?;
        let nr_b = cx.core.new_nonce();
        let keyed = KeyedExchange::derive(
            cx,
            &KeyInputs {
                transform,
                role: Role::Responder,
                ours: &key_pair,
                theirs: &g_xi,
                ni_b: &ni_b,
                nr_b: &nr_b,
                sai_b: self.sai_b.clone(),
            },
        )?;
        let nat =
            self.nat_t && natt::nat_found(cx.core, cx.peer, transform.hash, cx.cookies, cx.path, &chain);
        let mut payloads = vec![
            Payload::KeyExchange(KeyExchange { data: Bytes::from(key_pair.public) }),
            Payload::Nonce(Nonce { data: nr_b }),
        ];
        if self.nat_t {
            payloads.extend(natt::discovery(cx.core, cx.peer, transform.hash, cx.cookies, cx.path));
        }
        cx.report_notifies(&chain);
        let sent = cx.core.send_clear(&cx.envelope(MAIN_MODE, 4), &payloads);
        let state = ExpectId { chosen: self.chosen, keyed, nat };
        Ok(Advance { state: Phase1::MainResponderExpectsId(state), sent: Some(sent), retransmit: false })
    }
}

// --- Main mode 5: HDR*, IDii, HASH_I ---

/// Main mode 4 is out.
#[derive(Debug)]
pub(crate) struct ExpectId {
    chosen: Chosen,
    keyed: KeyedExchange,
    nat: bool,
}

impl ExpectId {
    pub(crate) fn handle(&self, cx: &mut Cx<'_>, received: &Received) -> Result<Advance, ExchangeError> {
        require_encrypted(received)?;
        let keyed = &self.keyed;
        let opened = cx.core.open(&received.header, &received.message, &keyed.protection, &keyed.first_iv)?;
        let id = payloads::one(&opened.chain, PayloadType::ID)?;
        let (id, idii_b) = payloads::identification(id)?;
        keyed.verify_peer(cx, &opened.chain, Role::Initiator, (id, &idii_b))?;
        cx.report_notifies(&opened.chain);
        // The initiator may have floated to the NAT traversal ports; the answer goes where it came from.
        *cx.path = received.path;
        let own = Payload::Identification(cx.peer.local_id.clone());
        let hash_r = keyed.own_hash(cx.core, cx.cookies, Role::Responder, &own.encode_body());
        let sent = cx.core.send_encrypted(
            &cx.envelope(MAIN_MODE, 6),
            &keyed.protection,
            &opened.next_iv,
            &[own, payloads::hash_payload(&hash_r)],
        )?;
        let established = Established {
            protection: keyed.protection.clone(),
            last_block: sent.next_iv.clone(),
            lifetime: self.chosen.lifetime,
            nat: self.nat,
            remote_id: id.clone(),
            initial_contact: says_initial_contact(&opened.chain),
        };
        Ok(Advance { state: Phase1::Established(established), sent: Some(sent), retransmit: false })
    }
}
