//! Transaction exchanges of a chain: XAUTH and Mode-Config between phase 1 and quick mode
//! (draft-dukes-ike-mode-cfg-02 section 3.1).

use ikev1::crypto::CryptoProvider;
use ikev1::keys::{hash_1, phase2_iv};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::chain::{ChainGroup, ChainInputError, DerivedPhaseOne, EncryptedMessage, fixed};
use super::values::Hex;

/// One transaction exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transaction {
    /// What it started from.
    pub inputs: TransactionInputs,
    /// What it derived.
    pub values: TransactionValues,
}

/// What a transaction exchange starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransactionInputs {
    /// M-ID, 4 bytes.
    pub m_id: Hex,
    /// The Attribute payload of each message, generic header included, padding excluded.
    pub after_hashes: Vec<Hex>,
    /// The messages in the order of sending.
    pub messages: Vec<EncryptedMessage>,
}

/// What a transaction exchange derives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransactionValues {
    /// The IV of the first message.
    pub iv: Hex,
    /// The HASH of each message: prf(SKEYID_a, M-ID | Attribute payload).
    pub hashes: Vec<Hex>,
}

impl ChainGroup {
    /// Derives the values of a transaction exchange from its inputs and phase 1.
    pub(super) fn derive_transaction(
        &self,
        p: &dyn CryptoProvider,
        phase1: &DerivedPhaseOne,
        inputs: &TransactionInputs,
    ) -> Result<TransactionValues, ChainInputError> {
        let h = self.hash.0;
        let m_id = u32::from_be_bytes(fixed("m_id", &inputs.m_id)?);
        let hash = |after: &Hex| hash_1(p, h, &phase1.keys.skeyid_a, m_id, after.as_bytes()).into();
        Ok(TransactionValues {
            iv: phase2_iv(p, h, self.cipher.0, phase1.values.last_block.as_bytes(), m_id).into(),
            hashes: inputs.after_hashes.iter().map(hash).collect(),
        })
    }
}
