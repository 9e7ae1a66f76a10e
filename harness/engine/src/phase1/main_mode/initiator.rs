//! The initiator's side of main mode.

use bytes::Bytes;

use crate::config::NatTraversalVersion;
use crate::core::{Envelope, Protection};
use crate::crypto::DhKeyPair;
use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::event::Role;
use crate::natt::{self, Nat};
use crate::payloads;
use crate::phase1::auth::{self, IdPlace, KeyInputs, KeyedExchange, OwnKeyMessage, PeerIdentity, Requests};
use crate::phase1::negotiate::{self, Chosen};
use crate::phase1::{Advance, ClearMessage, Cx, Established, Phase1, Received, Start, says_initial_contact};
use crate::vendor;
use crate::wire::{ExchangeType, Flags, Notification, NotifyType, Payload, SaPayload};

const MAIN_MODE: ExchangeType = ExchangeType::IDENTITY_PROTECTION;

// --- Main mode 1: HDR, SA ---

/// Sends main mode 1.
pub(crate) fn initiate(cx: &mut Cx<'_>) -> Result<Start, ExchangeError> {
    let offered = negotiate::offer(cx.peer);
    let sa = Payload::Sa(offered.clone());
    let sai_b = Bytes::from(sa.encode_body());
    let mut payloads = vec![sa];
    payloads.extend(vendor::offered(cx.peer));
    let sent = cx.core.send_clear(&cx.envelope(MAIN_MODE, 1), &payloads);
    let sai_b = sent.covered_body("sa", sai_b);
    let state = Phase1::MainInitiatorExpectsSa(ExpectSa { offered, sai_b });
    Ok(Start { state, sent, retransmit: true })
}

// --- Main mode 2: HDR, SA ---

/// Main mode 1 is out.
#[derive(Debug)]
pub(crate) struct ExpectSa {
    offered: SaPayload,
    sai_b: Bytes,
}

impl ExpectSa {
    pub(crate) fn handle(&self, cx: &mut Cx<'_>, received: &Received) -> Result<Advance, ExchangeError> {
        let chain = clear_chain(cx, received)?;
        let (reply, _) = payloads::leading_sa(&chain)?;
        let chosen = negotiate::verify_choice(&self.offered, reply)?;
        let key_pair = cx.core.provider.dh_generate(&chosen.transform.group, cx.core.random.as_mut())?;
        let ni_b = cx.core.new_nonce();
        let nat_t = vendor::agreed_nat_t(cx.peer, &chain);
        let requests = Requests::default().and(cx, &chain);
        let recipient = auth::responder(cx, chosen.transform.authentication)?;
        let own = OwnKeyMessage {
            transform: &chosen.transform,
            whose: Role::Initiator,
            public: &key_pair.public,
            nonce: &ni_b,
            with_id: false,
            recipient: recipient.as_ref(),
            requests: &requests,
        };
        let mut payloads = auth::key_payloads(cx, &own)?;
        payloads.extend(natt::discovery(cx, nat_t, chosen.transform.hash));
        cx.report_notifies(&chain);
        let envelope = cx.envelope(MAIN_MODE, 3);
        let sent = auth::send_key_message(cx, &envelope, &own, &payloads)?;
        let idii_b = Payload::Identification(cx.peer.local_id.clone()).encode_body();
        let idii_b = sent.covered_body("id", idii_b.into());
        let ni_b = sent.covered_body("nonce", ni_b);
        let sai_b = self.sai_b.clone();
        let state = ExpectKeReply { chosen, sai_b, key_pair, ni_b, idii_b, nat_t, requests };
        Ok(Advance { state: Phase1::MainInitiatorExpectsKe(state), sent: Some(sent), retransmit: true })
    }
}

// --- Main mode 4: HDR, KE, Nr ---

/// Main mode 3 is out.
#[derive(Debug)]
pub(crate) struct ExpectKeReply {
    chosen: Chosen,
    sai_b: Bytes,
    key_pair: DhKeyPair,
    ni_b: Bytes,
    idii_b: Bytes,
    nat_t: Option<NatTraversalVersion>,
    /// What the responder asked for so far.
    requests: Requests,
}

impl ExpectKeReply {
    pub(crate) fn handle(&self, cx: &mut Cx<'_>, received: &Received) -> Result<Advance, ExchangeError> {
        let message = ClearMessage::read(cx, received)?;
        let transform = &self.chosen.transform;
        let theirs = auth::read_key_message(cx, &message, transform, Role::Responder, false)?;
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
        let nat = natt::nat_found(cx, self.nat_t, transform.hash, &theirs.chain);
        if nat.is_some() {
            *cx.path = cx.path.floated(cx.peer);
        }
        cx.report_notifies(&theirs.chain);
        let requests = self.requests.and(cx, &theirs.chain);
        let mut payloads =
            auth::proof_payloads(cx, &keyed, Role::Initiator, &self.idii_b, IdPlace::InProof, &requests)?;
        payloads.extend(initial_contact(cx));
        let envelope: Envelope = cx.envelope(MAIN_MODE, 5);
        let sent = cx.core.send_encrypted(&envelope, &keyed.protection, &keyed.first_iv, &payloads)?;
        let iv = sent.next_iv.clone();
        let state = ExpectIdReply { chosen: self.chosen.clone(), iv, keyed, peer: theirs.identity, nat };
        Ok(Advance { state: Phase1::MainInitiatorExpectsId(state), sent: Some(sent), retransmit: true })
    }
}

/// INITIAL-CONTACT with both cookies as its SPI, when it is configured and true (RFC 2407 section 4.6.3.3).
pub(super) fn initial_contact(cx: &Cx<'_>) -> Option<Payload> {
    (cx.peer.initial_contact && cx.first_contact).then(|| {
        let mut notification = Notification::isakmp(NotifyType::INITIAL_CONTACT);
        notification.spi = Bytes::copy_from_slice(&cx.cookies.to_bytes());
        Payload::Notification(notification)
    })
}

// --- Main mode 6: HDR*, IDir, HASH_R ---

/// Main mode 5 is out.
#[derive(Debug)]
pub(crate) struct ExpectIdReply {
    chosen: Chosen,
    keyed: KeyedExchange,
    /// The last ciphertext block of main mode 5.
    iv: Vec<u8>,
    /// The responder's identity, where its key message had it.
    peer: Option<PeerIdentity>,
    nat: Option<Nat>,
}

impl ExpectIdReply {
    /// The keys, and the last ciphertext block so far.
    pub(crate) fn keys_so_far(&self) -> (&Protection, &[u8]) {
        (&self.keyed.protection, &self.iv)
    }

    pub(crate) fn handle(&self, cx: &mut Cx<'_>, received: &Received) -> Result<Advance, ExchangeError> {
        require_encrypted(received)?;
        let opened = cx.core.open(&received.header, &received.message, &self.keyed.protection, &self.iv)?;
        let peer = auth::verify_proof(cx, &self.keyed, &opened.chain, Role::Responder, self.peer.as_ref())?;
        cx.report_notifies(&opened.chain);
        let established = Established {
            protection: self.keyed.protection.clone(),
            last_block: opened.next_iv,
            lifetime: self.chosen.lifetime,
            nat: self.nat,
            remote_id: peer.id,
            initial_contact: says_initial_contact(&opened.chain),
        };
        Ok(Advance { state: Phase1::Established(established), sent: None, retransmit: false })
    }
}

/// The chain of a message that must be in the clear.
pub(crate) fn clear_chain(cx: &Cx<'_>, received: &Received) -> Result<crate::wire::Chain, ExchangeError> {
    ClearMessage::read(cx, received)?.decoded().cloned()
}

/// Refuses a message in the clear where keys exist.
pub(crate) fn require_encrypted(received: &Received) -> Result<(), ExchangeError> {
    if received.header.flags.contains(Flags::ENCRYPTION) || deviates(Deviation::ReadsTheUnencrypted) {
        Ok(())
    } else {
        let got = received.header.flags.0;
        Err(ExchangeError::InvalidFlags { got, problem: "this message must be encrypted" })
    }
}
