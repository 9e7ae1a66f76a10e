//! The initiator's side of main mode.

use bytes::Bytes;

use crate::core::{Envelope, Protection, read_chain};
use crate::crypto::DhKeyPair;
use crate::error::ExchangeError;
use crate::event::Role;
use crate::natt;
use crate::payloads;
use crate::phase1::auth::psk::{KeyInputs, KeyedExchange};
use crate::phase1::negotiate::{self, Chosen};
use crate::phase1::{Advance, Cx, Established, Phase1, Received, Start, says_initial_contact};
use crate::wire::{
    ExchangeType, Flags, KeyExchange, Nonce, Notification, NotifyType, Payload, PayloadType, SaPayload,
    Trailing,
};

const MAIN_MODE: ExchangeType = ExchangeType::IDENTITY_PROTECTION;

// --- Main mode 1: HDR, SA ---

/// Sends main mode 1.
pub(crate) fn initiate(cx: &mut Cx<'_>) -> Result<Start, ExchangeError> {
    let offered = negotiate::offer(cx.peer);
    let sa = Payload::Sa(offered.clone());
    let sai_b = Bytes::from(sa.encode_body());
    let mut payloads = vec![sa];
    payloads.extend(natt::vendor_id(cx.peer));
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
        let group = chosen.transform.group;
        let key_pair = cx.core.provider.dh_generate(group, cx.core.random.as_mut())?;
        let ni_b = cx.core.new_nonce();
        let nat_t = natt::agreed(cx.peer, &chain);
        let mut payloads = vec![
            Payload::KeyExchange(KeyExchange { data: Bytes::copy_from_slice(&key_pair.public) }),
            Payload::Nonce(Nonce { data: ni_b.clone() }),
        ];
        if nat_t {
            payloads.extend(natt::discovery(cx.core, cx.peer, chosen.transform.hash, cx.cookies, cx.path));
        }
        cx.report_notifies(&chain);
        let sent = cx.core.send_clear(&cx.envelope(MAIN_MODE, 3), &payloads);
        let state = ExpectKeReply { chosen, sai_b: self.sai_b.clone(), key_pair, ni_b, nat_t };
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
    nat_t: bool,
}

impl ExpectKeReply {
    pub(crate) fn handle(&self, cx: &mut Cx<'_>, received: &Received) -> Result<Advance, ExchangeError> {
        let chain = clear_chain(cx, received)?;
        let g_xr = payloads::key_exchange(&chain)?;
        let nr_b = payloads::nonce(&chain)?;
        let transform = self.chosen.transform;
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
        let nat =
            self.nat_t && natt::nat_found(cx.core, cx.peer, transform.hash, cx.cookies, cx.path, &chain);
        if nat {
            *cx.path = cx.path.floated(cx.peer);
        }
        cx.report_notifies(&chain);
        let id = Payload::Identification(cx.peer.local_id.clone());
        let hash_i = keyed.own_hash(cx.core, cx.cookies, Role::Initiator, &id.encode_body());
        let mut payloads = vec![id, payloads::hash_payload(&hash_i)];
        payloads.extend(initial_contact(cx));
        let envelope: Envelope = cx.envelope(MAIN_MODE, 5);
        let sent = cx.core.send_encrypted(&envelope, &keyed.protection, &keyed.first_iv, &payloads)?;
        let state = ExpectIdReply { chosen: self.chosen, iv: sent.next_iv.clone(), keyed, nat };
        Ok(Advance { state: Phase1::MainInitiatorExpectsId(state), sent: Some(sent), retransmit: true })
    }
}

/// INITIAL-CONTACT with both cookies as its SPI, when it is configured and true (RFC 2407 section 4.6.3.3).
pub(crate) fn initial_contact(cx: &Cx<'_>) -> Option<Payload> {
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
    nat: bool,
}

impl ExpectIdReply {
    /// The keys, and the last ciphertext block so far.
    pub(crate) fn keys_so_far(&self) -> (&Protection, &[u8]) {
        (&self.keyed.protection, &self.iv)
    }

    pub(crate) fn handle(&self, cx: &mut Cx<'_>, received: &Received) -> Result<Advance, ExchangeError> {
        require_encrypted(received)?;
        let opened = cx.core.open(&received.header, &received.message, &self.keyed.protection, &self.iv)?;
        let id = payloads::one(&opened.chain, PayloadType::ID)?;
        let (id, idir_b) = payloads::identification(id)?;
        self.keyed.verify_peer(cx, &opened.chain, Role::Responder, (id, &idir_b))?;
        cx.report_notifies(&opened.chain);
        let established = Established {
            protection: self.keyed.protection.clone(),
            last_block: opened.next_iv,
            lifetime: self.chosen.lifetime,
            nat: self.nat,
            remote_id: id.clone(),
            initial_contact: says_initial_contact(&opened.chain),
        };
        Ok(Advance { state: Phase1::Established(established), sent: None, retransmit: false })
    }
}

/// The chain of a message that must be in the clear.
pub(crate) fn clear_chain(cx: &Cx<'_>, received: &Received) -> Result<crate::wire::Chain, ExchangeError> {
    if received.header.flags.contains(Flags::ENCRYPTION) {
        let got = received.header.flags.0;
        return Err(ExchangeError::InvalidFlags { got, problem: "no keys exist yet, so no encryption" });
    }
    let body = received.message.slice(crate::wire::Header::LEN..);
    read_chain(received.header.next_payload, &body, Trailing::Refuse, &cx.core.limits)
}

/// Refuses a message in the clear where keys exist.
pub(crate) fn require_encrypted(received: &Received) -> Result<(), ExchangeError> {
    if received.header.flags.contains(Flags::ENCRYPTION) {
        Ok(())
    } else {
        let got = received.header.flags.0;
        Err(ExchangeError::InvalidFlags { got, problem: "this message must be encrypted" })
    }
}
