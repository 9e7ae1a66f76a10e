//! The initiator's side of aggressive mode.

use bytes::Bytes;

use crate::config::Phase1Transform;
use crate::crypto::DhKeyPair;
use crate::error::ExchangeError;
use crate::event::Role;
use crate::natt;
use crate::payloads;
use crate::phase1::auth::{self, IdPlace, KeyInputs, KeyedExchange, OwnKeyMessage, Requests};
use crate::phase1::main_mode::{clear_chain, initial_contact};
use crate::phase1::negotiate;
use crate::phase1::{Advance, Cx, Established, Phase1, Received, Start};
use crate::vendor;
use crate::wire::{ExchangeType, Payload, SaPayload};

const AGGRESSIVE: ExchangeType = ExchangeType::AGGRESSIVE;

// --- Aggressive mode 1: HDR, SA, KE, Ni, IDii ---

/// Sends aggressive mode 1. Its KE payload serves all transforms, so they must agree on the group; and what else goes
/// with it is the authentication method's.
pub(crate) fn initiate(cx: &mut Cx<'_>) -> Result<Start, ExchangeError> {
    let Some(Phase1Transform { group, authentication, .. }) = cx.peer.phase1.first() else {
        return Err(ExchangeError::NoProposalChosen("no transform is configured".into()));
    };
    if cx.peer.phase1.iter().any(|t| t.group != *group || t.authentication != *authentication) {
        let reason = "aggressive mode cannot negotiate group and authentication method (RFC 2409 section 5)";
        return Err(ExchangeError::NoProposalChosen(reason.into()));
    }
    let offered = negotiate::offer(cx.peer);
    let sa = Payload::Sa(offered.clone());
    let sai_b = Bytes::from(sa.encode_body());
    let key_pair = cx.core.provider.dh_generate(group, cx.core.random.as_mut())?;
    let ni_b = cx.core.new_nonce();
    let idii_b = Bytes::from(Payload::Identification(cx.peer.local_id.clone()).encode_body());
    let own = OwnKeyMessage {
        method: *authentication,
        whose: Role::Initiator,
        public: &key_pair.public,
        nonce: &ni_b,
        with_id: true,
    };
    let mut payloads = vec![sa];
    payloads.extend(auth::key_payloads(cx, &own)?);
    payloads.extend(vendor::offered(cx.peer));
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
        let transform = &chosen.transform;
        let theirs = auth::read_key_payloads(transform.authentication, &chain, true)?;
        let keyed = KeyedExchange::derive(
            cx,
            &KeyInputs {
                transform,
                role: Role::Initiator,
                ours: &self.key_pair,
                theirs: &theirs.g_x,
                ni_b: &self.ni_b,
                nr_b: &theirs.nonce,
                sai_b: self.sai_b.clone(),
            },
        )?;
        let peer = auth::verify_proof(cx, &keyed, &chain, Role::Responder, theirs.identity.as_ref())?;
        cx.report_notifies(&chain);
        let nat_t = vendor::agreed_nat_t(cx.peer, &chain);
        let discovery = natt::discovery(cx, nat_t, transform.hash);
        let nat = natt::nat_found(cx, nat_t, transform.hash, &chain);
        if nat.is_some() {
            *cx.path = cx.path.floated(cx.peer);
        }
        let requests = Requests::default().and(cx, &chain);
        let mut payloads =
            auth::proof_payloads(cx, &keyed, Role::Initiator, &self.idii_b, IdPlace::Before, &requests)?;
        payloads.extend(discovery);
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
            remote_id: peer.id,
            // Aggressive mode 2 is in the clear, and a status message must not be (RFC 2407 section 4.6.3).
            initial_contact: false,
        };
        Ok(Advance { state: Phase1::Established(established), sent: Some(sent), retransmit: false })
    }
}
