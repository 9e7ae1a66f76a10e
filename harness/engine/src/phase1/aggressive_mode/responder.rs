//! The responder's side of aggressive mode.

use crate::config::{AuthenticationMethod, NatTraversalVersion};
use crate::core::{Protection, read_chain};
use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::event::Role;
use crate::natt;
use crate::phase1::auth::{self, IdPlace, KeyInputs, KeyedExchange, OwnKeyMessage, PeerIdentity, Requests};
use crate::phase1::negotiate::{self, Chosen};
use crate::phase1::{Advance, ClearMessage, Cx, Established, Phase1, Received, Start, says_initial_contact};
use crate::vendor;
use crate::wire::{ExchangeType, Flags, Header, Payload, Trailing};

const AGGRESSIVE: ExchangeType = ExchangeType::AGGRESSIVE;

// --- Aggressive mode 1: HDR, SA, KE, Ni, IDii ---

/// Handles aggressive mode 1 and sends aggressive mode 2.
pub(crate) fn accept(cx: &mut Cx<'_>, received: &Received) -> Result<Start, ExchangeError> {
    let message = ClearMessage::read(cx, received)?;
    let (offered, sai_b) = message.leading_sa()?;
    let (reply, chosen) = negotiate::choose(cx.peer, offered)?;
    let transform = &chosen.transform;
    let theirs = auth::read_key_message(cx, &message, transform, Role::Initiator, true)?;
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
            sai_b,
            flaw: theirs.flaw,
        },
    )?;
    let nat_t = vendor::agreed_nat_t(cx.peer, chain);
    cx.report_notifies(chain);
    let requests = Requests::default().and(cx, chain);
    let own = OwnKeyMessage {
        transform,
        whose: Role::Responder,
        public: &key_pair.public,
        nonce: &nr_b,
        with_id: true,
        recipient: theirs.recipient.as_ref(),
        requests: &requests,
    };
    let mut payloads = auth::key_payloads(cx, &own)?;
    let idir_b = Payload::Identification(cx.peer.local_id.clone()).encode_body();
    let place = IdPlace::BesideProof;
    payloads.extend(auth::proof_payloads(cx, &keyed, Role::Responder, &idir_b, place, &requests)?);
    let revised = transform.authentication == AuthenticationMethod::RevisedRsaEncryption;
    let place = if revised { 0 } else { payloads.len() };
    payloads.splice(place..place, vendor::answered(cx.peer, nat_t));
    payloads.insert(0, Payload::Sa(reply));
    payloads.extend(natt::discovery(cx, nat_t, transform.hash));
    let envelope = cx.envelope(AGGRESSIVE, 2);
    let sent = auth::send_key_message(cx, &envelope, &own, &payloads)?;
    let state = ExpectHash { chosen, keyed, peer: theirs.identity, nat_t };
    Ok(Start { state: Phase1::AggressiveResponderExpectsHash(state), sent, retransmit: true })
}

// --- Aggressive mode 3: HDR, HASH_I ---

/// Aggressive mode 2 is out.
#[derive(Debug)]
pub(crate) struct ExpectHash {
    chosen: Chosen,
    keyed: KeyedExchange,
    peer: Option<PeerIdentity>,
    nat_t: Option<NatTraversalVersion>,
}

impl ExpectHash {
    /// The keys, and what stands for the last ciphertext block as long as nothing was encrypted.
    pub(crate) fn keys_so_far(&self) -> (&Protection, &[u8]) {
        (&self.keyed.protection, &self.keyed.first_iv)
    }

    pub(crate) fn handle(&self, cx: &mut Cx<'_>, received: &Received) -> Result<Advance, ExchangeError> {
        let keyed = &self.keyed;
        let encrypted = received.header.flags.contains(Flags::ENCRYPTION);
        if !encrypted && deviates(Deviation::RefusesClearAggressiveMode3) {
            let got = received.header.flags.0;
            return Err(ExchangeError::InvalidFlags { got, problem: "this message must be encrypted" });
        }
        let (chain, last_block) = if encrypted {
            let opened =
                cx.core.open(&received.header, &received.message, &keyed.protection, &keyed.first_iv)?;
            (opened.chain, opened.next_iv)
        } else {
            // Nothing was encrypted yet, so the chain of IVs is still at its start.
            let body = received.message.slice(Header::LEN..);
            let first = received.header.next_payload;
            (read_chain(first, &body, Trailing::Alignment, &cx.core.limits)?, keyed.first_iv.clone())
        };
        let uncut = || {
            let public = [&keyed.public.g_xi[..], &keyed.public.g_xr];
            cx.core.provider.hash(self.chosen.transform.hash, &public)
        };
        let last_block = if deviates(Deviation::UncutIvAfterAggressiveMode) { uncut() } else { last_block };
        let peer = auth::verify_proof(cx, keyed, &chain, Role::Initiator, self.peer.as_ref())?;
        cx.report_notifies(&chain);
        // What NAT-D hashes are compared with is the path of the first two messages.
        let hash = self.chosen.transform.hash;
        let nat = natt::nat_found(cx, self.nat_t, hash, &chain);
        *cx.path = cx.path.moved(received.path);
        let established = Established {
            protection: keyed.protection.clone(),
            last_block,
            lifetime: self.chosen.lifetime,
            nat,
            remote_id: peer.id,
            initial_contact: encrypted && says_initial_contact(&chain),
        };
        Ok(Advance { state: Phase1::Established(established), sent: None, retransmit: false })
    }
}
