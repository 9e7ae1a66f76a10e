//! The initiator's side of aggressive mode.

use bytes::Bytes;

use crate::config::{AuthenticationMethod, Phase1Transform};
use crate::crypto::DhKeyPair;
use crate::error::ExchangeError;
use crate::event::Role;
use crate::natt;
use crate::phase1::auth::{self, IdPlace, KeyInputs, KeyedExchange, OwnKeyMessage, Recipient, Requests};
use crate::phase1::negotiate;
use crate::phase1::{Advance, ClearMessage, Cx, Established, Phase1, Received, Start};
use crate::vendor;
use crate::wire::{ExchangeType, Payload, SaPayload};

const AGGRESSIVE: ExchangeType = ExchangeType::AGGRESSIVE;

// --- Aggressive mode 1: HDR, SA, KE, Ni, IDii ---

/// Sends aggressive mode 1. Its KE payload serves all transforms, so they must agree on the group; and what else goes
/// with it is the authentication method's.
pub(crate) fn initiate(cx: &mut Cx<'_>) -> Result<Start, ExchangeError> {
    let Some(transform) = cx.peer.phase1.first() else {
        return Err(ExchangeError::NoProposalChosen("no transform is configured".into()));
    };
    let Phase1Transform { group, authentication, .. } = transform;
    if cx.peer.phase1.iter().any(|t| t.group != *group || t.authentication != *authentication) {
        let reason = "aggressive mode cannot negotiate group and authentication method (RFC 2409 section 5)";
        return Err(ExchangeError::NoProposalChosen(reason.into()));
    }
    let recipient = auth::responder(cx, *authentication)?;
    let fixes_cipher = *authentication == AuthenticationMethod::RevisedRsaEncryption;
    let fixes_hash = fixes_cipher || recipient.as_ref().is_some_and(Recipient::is_named);
    let differs = |t: &Phase1Transform| {
        (fixes_cipher && t.cipher != transform.cipher) || (fixes_hash && t.hash != transform.hash)
    };
    if cx.peer.phase1.iter().any(differs) {
        let reason = "aggressive mode with public key encryption cannot negotiate cipher and hash (RFC 2409 section 5)";
        return Err(ExchangeError::NoProposalChosen(reason.into()));
    }
    let offered = negotiate::offer(cx.peer);
    let sa = Payload::Sa(offered.clone());
    let sai_b = Bytes::from(sa.encode_body());
    let key_pair = cx.core.provider.dh_generate(group, cx.core.random.as_mut())?;
    let ni_b = cx.core.new_nonce();
    let idii_b = Bytes::from(Payload::Identification(cx.peer.local_id.clone()).encode_body());
    let own = OwnKeyMessage {
        transform,
        whose: Role::Initiator,
        public: &key_pair.public,
        nonce: &ni_b,
        with_id: true,
        recipient: recipient.as_ref(),
        requests: &Requests::default(),
    };
    let mut payloads = auth::key_payloads(cx, &own)?;
    let place = if fixes_cipher { 0 } else { payloads.len() };
    payloads.splice(place..place, vendor::offered(cx.peer));
    payloads.insert(0, sa);
    let envelope = cx.envelope(AGGRESSIVE, 1);
    let sent = auth::send_key_message(cx, &envelope, &own, &payloads)?;
    let ni_b = sent.covered_body("nonce", ni_b);
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
        let message = ClearMessage::read(cx, received)?;
        let (reply, _) = message.leading_sa()?;
        let chosen = negotiate::verify_choice(&self.offered, reply)?;
        let transform = &chosen.transform;
        let theirs = auth::read_key_message(cx, &message, transform, Role::Responder, true)?;
        let chain = &theirs.chain;
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
                flaw: theirs.flaw,
            },
        )?;
        let peer = auth::verify_proof(cx, &keyed, chain, Role::Responder, theirs.identity.as_ref())?;
        cx.report_notifies(chain);
        let nat_t = vendor::agreed_nat_t(cx.peer, chain);
        let discovery = natt::discovery(cx, nat_t, transform.hash);
        let nat = natt::nat_found(cx, nat_t, transform.hash, chain);
        if nat.is_some() {
            *cx.path = cx.path.floated(cx.peer);
        }
        let requests = Requests::default().and(cx, chain);
        let mut payloads =
            auth::proof_payloads(cx, &keyed, Role::Initiator, &self.idii_b, IdPlace::Before, &requests)?;
        payloads.extend(discovery);
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
