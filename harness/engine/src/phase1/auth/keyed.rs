//! The keys of phase 1 once both key messages are known, and HASH_I and HASH_R under them (RFC 2409 section 5).

use bytes::Bytes;

use super::encrypted::{Flaw, PUBLIC_VALUE};
use crate::config::{AuthenticationMethod, Phase1Transform, XauthPhase1};
use crate::core::{Core, Protection};
use crate::crypto::{DhKeyPair, HashAlgorithm, Secret};
use crate::deviation::{Deviation, deviates};
use crate::error::ExchangeError;
use crate::event::Role;
use crate::hook::{AuthHash, Signer};
use crate::keylog::Label;
use crate::keys::{self, AuthHashInput, Cookies, Skeyid};
use crate::phase1::Cx;
use crate::wire::{CookiePair, Identification, MessageId};

/// Both public values, seen by role.
#[derive(Debug, Clone)]
pub(crate) struct PublicValues {
    pub(crate) g_xi: Bytes,
    pub(crate) g_xr: Bytes,
}

/// Everything that HASH_I and HASH_R cover besides the identities, and the keys.
#[derive(Debug, Clone)]
pub(crate) struct KeyedExchange {
    pub(crate) protection: Protection,
    pub(crate) public: PublicValues,
    /// Body of the initiator's SA payload, as sent.
    pub(crate) sai_b: Bytes,
    /// The IV of the first encrypted message.
    pub(crate) first_iv: Vec<u8>,
    /// The side that shows its hash where the other signs (hybrid authentication).
    hash_of: Option<Role>,
    /// What is wrong with encrypted content, to be held back until HASH_I or HASH_R is there.
    pub(super) flaw: Option<Flaw>,
}

/// What the key derivation takes in; the nonces and public values by role.
#[derive(Debug)]
pub(crate) struct KeyInputs<'a> {
    pub(crate) transform: &'a Phase1Transform,
    pub(crate) role: Role,
    pub(crate) ours: &'a DhKeyPair,
    pub(crate) theirs: &'a Bytes,
    pub(crate) ni_b: &'a [u8],
    pub(crate) nr_b: &'a [u8],
    pub(crate) sai_b: Bytes,
    /// What is wrong with the encrypted content of their key message.
    pub(crate) flaw: Option<Flaw>,
}

impl KeyedExchange {
    /// Computes g^xy, SKEYID and all that follows from it.
    pub(crate) fn derive(cx: &mut Cx<'_>, inputs: &KeyInputs<'_>) -> Result<Self, ExchangeError> {
        let transform = inputs.transform;
        let provider = cx.core.provider;
        let shared = |public: &[u8]| provider.dh_shared(&transform.group, &inputs.ours.private, public);
        let (g_xy, flaw) = match shared(inputs.theirs) {
            Ok(g_xy) => (g_xy, inputs.flaw),
            // It was encrypted, so nobody may learn of it here.
            Err(error)
                if error.is_public_value()
                    && transform.authentication == AuthenticationMethod::RevisedRsaEncryption =>
            {
                (shared(&inputs.ours.public)?, inputs.flaw.or(Some(PUBLIC_VALUE)))
            }
            Err(error) => return Err(error.into()),
        };
        let skeyid = skeyid(cx, inputs, &g_xy);
        log(cx.core, cx.cookies, Label::PrivateExponent, inputs.ours.private.as_bytes());
        let protection = Protection::derive(cx.core, cx.cookies, transform.clone(), skeyid, &g_xy);
        let own = Bytes::copy_from_slice(&inputs.ours.public);
        let public = match inputs.role {
            Role::Initiator => PublicValues { g_xi: own, g_xr: inputs.theirs.clone() },
            Role::Responder => PublicValues { g_xi: inputs.theirs.clone(), g_xr: own },
        };
        let first_iv =
            keys::phase1_iv(provider, transform.hash, transform.cipher, &public.g_xi, &public.g_xr);
        log(cx.core, cx.cookies, Label::Phase1Iv, &first_iv);
        let extension = cx.peer.extension(inputs.role);
        let hash_of = extension.filter(|e| e.phase1 == XauthPhase1::EdgeDevice).map(|e| e.user);
        Ok(Self { protection, public, sai_b: inputs.sai_b.clone(), first_iv, hash_of, flaw })
    }

    /// The negotiated authentication method.
    pub(crate) fn method(&self) -> AuthenticationMethod {
        self.protection.transform.authentication
    }

    /// Whether this side proves its identity by the hash, where the method is one of signatures (hybrid draft section
    /// 4.2).
    pub(crate) fn is_hybrid_host(&self, whose: Role) -> bool {
        self.hash_of == Some(whose)
    }

    /// The hash whose HMAC makes HASH_I or HASH_R: the negotiated one, unless the signature over it is tied to another
    /// (RFC 2409 section 5.1).
    fn auth_hash(&self, whose: Role) -> HashAlgorithm {
        let tied = self.method().tied_hash().filter(|_| !self.is_hybrid_host(whose));
        tied.unwrap_or(self.protection.transform.hash)
    }

    /// HASH_I or HASH_R, by whose identity it covers.
    pub(crate) fn hash(&self, core: &mut Core, cookies: CookiePair, whose: Role, id_b: &[u8]) -> Vec<u8> {
        let input = AuthHashInput {
            g_xi: &self.public.g_xi,
            g_xr: &self.public.g_xr,
            cky_i: cookies.initiator.0,
            cky_r: cookies.responder.0,
            sai_b: &self.sai_b,
            id_b,
        };
        let (skeyid, h) = (&self.protection.keys.skeyid, self.auth_hash(whose));
        let (value, label) = match whose {
            Role::Initiator => (keys::hash_i(core.provider, h, skeyid, &input), Label::HashI),
            Role::Responder => (keys::hash_r(core.provider, h, skeyid, &input), Label::HashR),
        };
        log(core, cookies, label, &value);
        value
    }

    /// HASH_I or HASH_R of ours, which the hook may compute again over the message that is sent next, and sign again
    /// where there is a signer.
    pub(crate) fn own_hash(
        &self,
        core: &mut Core,
        cookies: CookiePair,
        whose: Role,
        id_b: &[u8],
        signer: Option<Signer>,
    ) -> Vec<u8> {
        let PublicValues { g_xi, g_xr } = &self.public;
        let (cky_i, cky_r) = (cookies.initiator.0, cookies.responder.0);
        let covered = match whose {
            Role::Initiator => [g_xi, g_xr, &cky_i[..], &cky_r, &self.sai_b].concat(),
            Role::Responder => [g_xr, g_xi, &cky_r[..], &cky_i, &self.sai_b].concat(),
        };
        let (skeyid, hash) = (self.protection.keys.skeyid.clone(), self.auth_hash(whose));
        core.auth_hash = Some(AuthHash { provider: core.provider, hash, skeyid, covered, signer });
        self.hash(core, cookies, whose, id_b)
    }
}

/// SKEYID, which each family of methods makes in its own way (RFC 2409 section 5).
fn skeyid(cx: &Cx<'_>, inputs: &KeyInputs<'_>, g_xy: &Secret) -> Skeyid {
    use AuthenticationMethod as Method;
    let (provider, hash) = (cx.core.provider, inputs.transform.hash);
    let (ni_b, nr_b) = (inputs.ni_b, inputs.nr_b);
    match inputs.transform.authentication {
        Method::PreSharedKey => {
            keys::skeyid_psk(provider, hash, cx.peer.pre_shared_key.as_bytes(), ni_b, nr_b)
        }
        Method::DssSignature
        | Method::RsaSignature
        | Method::EcdsaP256
        | Method::EcdsaP384
        | Method::EcdsaP521 => keys::skeyid_signature(provider, hash, ni_b, nr_b, g_xy),
        Method::RsaEncryption | Method::RevisedRsaEncryption => {
            let cookies = Cookies { cky_i: cx.cookies.initiator.0, cky_r: cx.cookies.responder.0 };
            keys::skeyid_encryption(provider, hash, ni_b, nr_b, &cookies)
        }
    }
}

/// Checks an authenticated identity against the one that the configuration expects.
pub(super) fn check_identity(cx: &Cx<'_>, id: &Identification) -> Result<(), ExchangeError> {
    // RFC 2407 section 4.6.2: in phase 1 protocol and port are 0 and 0, or UDP and 500.
    let ports_ok = matches!((id.protocol, id.port), (0, 0) | (17, 0 | 500 | 4500));
    let expected = cx.peer.remote_id.as_ref();
    let same = expected.is_none_or(|e| e.id_type == id.id_type && e.data == id.data)
        || deviates(Deviation::AcceptsAnyIdentity);
    let ports_ok = ports_ok || deviates(Deviation::AcceptsAnyIdPort);
    if ports_ok && same { Ok(()) } else { Err(ExchangeError::IdentityRefused(id.to_string())) }
}

pub(super) fn log(core: &mut Core, cookies: CookiePair, label: Label, bytes: &[u8]) {
    core.key_log.value(cookies, MessageId::PHASE_1, label, bytes);
}
