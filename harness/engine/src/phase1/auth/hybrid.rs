//! Hybrid authentication (draft-ietf-ipsec-isakmp-hybrid-auth-05): the edge device signs, and the host, whose user
//! extended authentication asks afterwards, shows what it would otherwise sign.
//!
//! ```text
//!      IPsec host, initiator                           Edge device
//!   main mode
//!   5  HDR*, IDii, [CERT], HASH_I, [CR]           -->
//!   6                                             <--  HDR*, IDir, [CERT], SIG_R
//!   aggressive mode
//!   2                                             <--  HDR, SA, KE, Nr, IDir, [CR], [CERT], SIG_R
//!   3  HDR, [CERT], HASH_I                        -->
//! ```
//!
//! Anyone can compute that hash who took part in the Diffie-Hellman exchange, so it says nothing about who the host is.
//! The edge device checks it as it checks that of a pre-shared key.

use super::certificates::{Requests, empty_certificates, own_requests};
use super::keyed::KeyedExchange;
use super::{IdPlace, pre_shared_key};
use crate::event::Role;
use crate::phase1::Cx;
use crate::wire::Payload;

/// `[IDx,] [CERT,] HASH_x [, CR]`, with a CERT payload that is empty for each request.
pub(super) fn proof_payloads(
    cx: &mut Cx<'_>,
    keyed: &KeyedExchange,
    whose: Role,
    id_b: &[u8],
    place: IdPlace,
    requests: &Requests,
) -> Vec<Payload> {
    let mut payloads = pre_shared_key::proof_payloads(cx, keyed, whose, id_b, place);
    let hash = payloads.pop();
    payloads.extend(empty_certificates(requests));
    payloads.extend(hash);
    if place == IdPlace::InProof && whose == Role::Initiator {
        payloads.extend(own_requests(cx, [cx.peer]));
    }
    payloads
}
