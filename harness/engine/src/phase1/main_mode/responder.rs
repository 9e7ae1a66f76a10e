//! The responder's side of main mode.

use bytes::Bytes;

use super::initiator::{clear_chain, initial_contact, require_encrypted};
use crate::config::NatTraversalVersion;
use crate::error::ExchangeError;
use crate::event::Role;
use crate::natt::{self, Nat};
use crate::payloads;
use crate::phase1::auth::{self, IdPlace, KeyInputs, KeyedExchange, OwnKeyMessage, PeerIdentity, Requests};
use crate::phase1::negotiate::{self, Chosen};
use crate::phase1::{Advance, ClearMessage, Cx, Established, Phase1, Received, Start, says_initial_contact};
use crate::vendor;
use crate::wire::{ExchangeType, Payload};

const MAIN_MODE: ExchangeType = ExchangeType::IDENTITY_PROTECTION;

// --- Main mode 1: HDR, SA ---

/// Handles main mode 1 and sends main mode 2.
pub(crate) fn accept(cx: &mut Cx<'_>, received: &Received) -> Result<Start, ExchangeError> {
    let chain = clear_chain(cx, received)?;
    let (offered, sai_b) = payloads::leading_sa(&chain)?;
    let (reply, chosen) = negotiate::choose(cx.peer, offered)?;
    let nat_t = vendor::agreed_nat_t(cx.peer, &chain);
    cx.report_notifies(&chain);
    let mut payloads = vec![Payload::Sa(reply)];
    payloads.extend(vendor::answered(cx.peer, nat_t));
    let sent = cx.core.send_clear(&cx.envelope(MAIN_MODE, 2), &payloads);
    let requests = Requests::default().and(cx, &chain);
    let state = Phase1::MainResponderExpectsKe(ExpectKe { chosen, sai_b, nat_t, requests });
    Ok(Start { state, sent, retransmit: false })
}

// --- Main mode 3: HDR, KE, Ni ---

/// Main mode 2 is out.
#[derive(Debug)]
pub(crate) struct ExpectKe {
    chosen: Chosen,
    sai_b: Bytes,
    nat_t: Option<NatTraversalVersion>,
    /// What the initiator asked for so far.
    requests: Requests,
}

impl ExpectKe {
    pub(crate) fn handle(&self, cx: &mut Cx<'_>, received: &Received) -> Result<Advance, ExchangeError> {
        let message = ClearMessage::read(cx, received)?;
        let transform = &self.chosen.transform;
        let theirs = auth::read_key_message(cx, &message, transform, Role::Initiator, false)?;
        let chain = &theirs.chain;
        let key_pair = cx.core.provider.dh_generate(&transform.group, cx.core.random.as_mut())?;
        let nr_b = cx.core.new_nonce();
        let keyed = KeyedExchange::derive(
            cx,
            &KeyInputs {
                transform,
                role: Role::Responder,
                ours: &key_pair,
                theirs: &theirs.g_x,
                ni_b: &theirs.nonce,
                nr_b: &nr_b,
                sai_b: self.sai_b.clone(),
                flaw: theirs.flaw,
            },
        )?;
        let nat = natt::nat_found(cx, self.nat_t, transform.hash, chain);
        let requests = self.requests.and(cx, chain);
        let own = OwnKeyMessage {
            transform,
            whose: Role::Responder,
            public: &key_pair.public,
            nonce: &nr_b,
            with_id: false,
            recipient: theirs.recipient.as_ref(),
            requests: &requests,
        };
        let mut payloads = auth::key_payloads(cx, &own)?;
        payloads.extend(natt::discovery(cx, self.nat_t, transform.hash));
        cx.report_notifies(chain);
        let envelope = cx.envelope(MAIN_MODE, 4);
        let sent = auth::send_key_message(cx, &envelope, &own, &payloads)?;
        let idir_b = transform.authentication.is_encryption().then(|| {
            let idir_b = Payload::Identification(cx.peer.local_id.clone()).encode_body();
            sent.covered_body("id", idir_b.into())
        });
        let chosen = self.chosen.clone();
        let state = ExpectId { chosen, keyed, peer: theirs.identity, idir_b, nat, requests };
        Ok(Advance { state: Phase1::MainResponderExpectsId(state), sent: Some(sent), retransmit: false })
    }
}

// --- Main mode 5: HDR*, IDii, HASH_I ---

/// Main mode 4 is out.
#[derive(Debug)]
pub(crate) struct ExpectId {
    chosen: Chosen,
    keyed: KeyedExchange,
    /// The initiator's identity, where its key message had it.
    peer: Option<PeerIdentity>,
    /// Our identity, where our key message had it.
    idir_b: Option<Bytes>,
    nat: Option<Nat>,
    /// What the initiator asked for so far.
    requests: Requests,
}

impl ExpectId {
    pub(crate) fn handle(&self, cx: &mut Cx<'_>, received: &Received) -> Result<Advance, ExchangeError> {
        require_encrypted(received)?;
        let keyed = &self.keyed;
        let opened = cx.core.open(&received.header, &received.message, &keyed.protection, &keyed.first_iv)?;
        let peer = auth::verify_proof(cx, keyed, &opened.chain, Role::Initiator, self.peer.as_ref())?;
        cx.report_notifies(&opened.chain);
        // The initiator may have floated to the NAT traversal ports; the answer goes where it came from.
        *cx.path = cx.path.moved(received.path);
        let own_id = || Payload::Identification(cx.peer.local_id.clone()).encode_body().into();
        let idir_b = self.idir_b.clone().unwrap_or_else(own_id);
        let requests = self.requests.and(cx, &opened.chain);
        let mut payloads =
            auth::proof_payloads(cx, keyed, Role::Responder, &idir_b, IdPlace::InProof, &requests)?;
        payloads.extend(initial_contact(cx));
        let sent = cx.core.send_encrypted(
            &cx.envelope(MAIN_MODE, 6),
            &keyed.protection,
            &opened.next_iv,
            &payloads,
        )?;
        let established = Established {
            protection: keyed.protection.clone(),
            last_block: sent.next_iv.clone(),
            lifetime: self.chosen.lifetime,
            nat: self.nat,
            remote_id: peer.id,
            initial_contact: says_initial_contact(&opened.chain),
        };
        Ok(Advance { state: Phase1::Established(established), sent: Some(sent), retransmit: false })
    }
}
