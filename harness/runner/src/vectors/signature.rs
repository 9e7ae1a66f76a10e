//! Chains with RSA signatures (RFC 2409 section 5.1): both signatures, and the keys that verify them.

use ikev1::crypto::{CryptoProvider, PublicKey, SignatureScheme};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::chain::{ChainTest, Side};
use super::check::Comparison;
use super::values::Hex;

/// What phase 1 with RSA signatures has besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignatureInputs {
    /// The initiator's public key, a SubjectPublicKeyInfo in DER as it stands in its certificate.
    pub key_i: Hex,
    /// The responder's public key, a SubjectPublicKeyInfo in DER as it stands in its certificate.
    pub key_r: Hex,
    /// SIG_I: HASH_I in PKCS #1 padding, without a DigestInfo.
    pub sig_i: Hex,
    /// SIG_R: HASH_R in PKCS #1 padding, without a DigestInfo.
    pub sig_r: Hex,
}

impl SignatureInputs {
    /// Key and signature of one side.
    pub(super) const fn of(&self, side: Side) -> (&Hex, &Hex) {
        match side {
            Side::Initiator => (&self.key_i, &self.sig_i),
            Side::Responder => (&self.key_r, &self.sig_r),
        }
    }
}

/// Verifies both signatures over HASH_I and HASH_R.
pub(super) fn check(c: &mut Comparison, p: &dyn CryptoProvider, test: &ChainTest, inputs: &SignatureInputs) {
    let values = &test.phase1_values;
    for (name, side, hash) in
        [("sig_i", Side::Initiator, &values.hash_i), ("sig_r", Side::Responder, &values.hash_r)]
    {
        let (key, signature) = inputs.of(side);
        let verified = PublicKey::from_spki_der(key.as_bytes()).map_err(|error| error.to_string());
        let verified = verified.and_then(|key| {
            p.verify(&key, SignatureScheme::RsaPkcs1Raw, hash.as_bytes(), signature.as_bytes())
                .map_err(|error| error.to_string())
        });
        let got = verified.as_ref().err().cloned().unwrap_or_default();
        c.holds(name, verified.is_ok(), "a signature over the HASH by the key", got);
    }
}
