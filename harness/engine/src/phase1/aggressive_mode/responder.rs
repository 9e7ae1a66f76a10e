//! The responder's side of aggressive mode.

use bytes::Bytes;

use crate::core::{Protection, read_chain};
use crate::error::ExchangeError;
use crate::event::Role;
use crate::natt;
use crate::payloads;
use crate::phase1::auth::psk::{KeyInputs, KeyedExchange};
use crate::phase1::main_mode::clear_chain;
use crate::phase1::negotiate::{self, Chosen};
use crate::phase1::{Advance, Cx, Established, Phase1, Received, Start, says_initial_contact};
use crate::wire::{
    ExchangeType, Flags, Header, Identification, KeyExchange, Nonce, Payload, PayloadType, Trailing,
};

const AGGRESSIVE: ExchangeType = ExchangeType::AGGRESSIVE;

// --- Aggressive mode 1: HDR, SA, KE, Ni, IDii ---

/// Handles aggressive mode 1 and sends aggressive mode 2.
pub(crate) fn accept(cx: &mut Cx<'_>, received: &Received) -> Result<Start, ExchangeError> {
    let chain = clear_chain(cx, received)?;
    let (offered, sai_b) = payloads::leading_sa(&chain)?;
    let (reply, chosen) = negotiate::choose(cx.peer, offered)?;
    let g_xi = payloads::key_exchange(&chain)?;
    let ni_b = payloads::nonce(&chain)?;
    let (id, idii_b) = payloads::identification(payloads::one(&chain, PayloadType::ID)?)?;
    let transform = chosen.transform;
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
            sai_b,
        },
    )?;
    let nat_t = natt::agreed(cx.peer, &chain);
    cx.report_notifies(&chain);
    let own = Payload::Identification(cx.peer.local_id.clone());
    let hash_r = keyed.own_hash(cx.core, cx.cookies, Role::Responder, &own.encode_body());
    let mut payloads = vec![
        Payload::Sa(reply),
        Payload::KeyExchange(KeyExchange { data: Bytes::from(key_pair.public) }),
        Payload::Nonce(Nonce { data: nr_b }),
        own,
        payloads::hash_payload(&hash_r),
    ];
    if nat_t {
        payloads.extend(natt::vendor_id(cx.peer));
        payloads.extend(natt::discovery(cx.core, cx.peer, transform.hash, cx.cookies, cx.path));
    }
    let sent = cx.core.send_clear(&cx.envelope(AGGRESSIVE, 2), &payloads);
    let state = ExpectHash { chosen, keyed, id: id.clone(), idii_b, nat_t };
    Ok(Start { state: Phase1::AggressiveResponderExpectsHash(state), sent, retransmit: true })
}

// --- Aggressive mode 3: HDR, HASH_I ---

/// Aggressive mode 2 is out.
#[derive(Debug)]
pub(crate) struct ExpectHash {
    chosen: Chosen,
    keyed: KeyedExchange,
    id: Identification,
    idii_b: Bytes,
    nat_t: bool,
}

impl ExpectHash {
    /// The keys, and what stands for the last ciphertext block as long as nothing was encrypted.
    pub(crate) fn keys_so_far(&self) -> (&Protection, &[u8]) {
        (&self.keyed.protection, &self.keyed.first_iv)
    }

    pub(crate) fn handle(&self, cx: &mut Cx<'_>, received: &Received) -> Result<Advance, ExchangeError> {
        let keyed = &self.keyed;
        let encrypted = received.header.flags.contains(Flags::ENCRYPTION);
        let (chain, last_block) = if encrypted {
            let opened =
                cx.core.open(&received.header, &received.message, &keyed.protection, &keyed.first_iv)?;
            (opened.chain, opened.next_iv)
        } else {
            // Nothing was encrypted yet, so the chain of IVs is still at its start.
            let body = received.message.slice(Header::LEN..);
            let first = received.header.next_payload;
            (read_chain(first, &body, Trailing::Refuse, &cx.core.limits)?, keyed.first_iv.clone())
        };
        keyed.verify_peer(cx, &chain, Role::Initiator, (&self.id, &self.idii_b))?;
        cx.report_notifies(&chain);
        // What NAT-D hashes are compared with is the path of the first two messages.
        let hash = self.chosen.transform.hash;
        let nat = self.nat_t && natt::nat_found(cx.core, cx.peer, hash, cx.cookies, cx.path, &chain);
        *cx.path = received.path;
        let established = Established {
            protection: keyed.protection.clone(),
            last_block,
            lifetime: self.chosen.lifetime,
            nat,
            remote_id: self.id.clone(),
            initial_contact: encrypted && says_initial_contact(&chain),
        };
        Ok(Advance { state: Phase1::Established(established), sent: None, retransmit: false })
    }
}
