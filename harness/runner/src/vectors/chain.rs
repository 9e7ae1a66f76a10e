//! One recorded negotiation: every input, every value derived from it, and the derivation.

use std::collections::BTreeMap;

use ikev1::crypto::{CryptoError, CryptoProvider, Secret};
use ikev1::keys::{
    AuthHashInput, Cookies, KeymatInput, PhaseOneKeys, encryption_key, hash_1, hash_2, hash_3, hash_i,
    hash_r, keymat, last_block, phase1_iv, phase2_iv, skeyid_encryption, skeyid_psk, skeyid_signature,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::encryption::{EncryptionInputs, EncryptionValues};
use super::model::{Authentication, Subject, TestResult, VectorFile};
use super::signature::SignatureInputs;
use super::transaction::Transaction;
use super::values::{CipherName, GroupName, HashName, Hex};

/// One of the two peers, seen from one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Sent the first message.
    Initiator,
    /// Answered it.
    Responder,
}

/// The phase 1 exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Exchange {
    /// Main mode.
    Main,
    /// Aggressive mode.
    Aggressive,
}

/// Negotiations with one set of phase 1 algorithms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChainGroup {
    /// Main or aggressive mode.
    pub exchange: Exchange,
    /// Decides the formula of SKEYID.
    pub authentication: Authentication,
    /// The negotiated hash; the prf is its HMAC.
    pub hash: HashName,
    /// The negotiated cipher.
    pub cipher: CipherName,
    /// The phase 1 Diffie-Hellman group.
    pub group: GroupName,
    /// The foreign daemon with its version, such as `strongSwan 5.9.8`; of a computed chain, that there is none.
    pub peer: String,
    /// The tests.
    pub tests: Vec<ChainTest>,
}

impl VectorFile<ChainGroup> {
    /// A file of chains recorded from a foreign daemon, ready for [`write_file`](super::write_file).
    ///
    /// `source` names the daemon, its version and the day; `generator` the command that recorded.
    #[must_use]
    pub fn recorded(
        description: impl Into<String>,
        source: impl Into<String>,
        generator: impl Into<String>,
        test_groups: Vec<ChainGroup>,
    ) -> Self {
        Self {
            schema: Subject::Chain.schema_name().to_owned(),
            description: description.into(),
            source: source.into(),
            generator: generator.into(),
            number_of_tests: test_groups.iter().map(|group| group.tests.len()).sum(),
            notes: BTreeMap::new(),
            test_groups,
        }
    }
}

/// One negotiation: phase 1, then any number of exchanges under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChainTest {
    /// Number of the test, unique in the file.
    #[serde(rename = "tcId")]
    pub tc_id: u32,
    /// What was negotiated, for people.
    pub comment: String,
    /// Names from `notes`.
    pub flags: Vec<String>,
    /// Names of the values that the peer itself reported, such as `skeyid_d`; the others are the recorder's. Of a computed
    /// chain, those that the script computed.
    pub reported_by_peer: Vec<String>,
    /// What phase 1 started from.
    pub phase1: PhaseOneInputs,
    /// What phase 1 derived.
    pub phase1_values: PhaseOneValues,
    /// Transaction exchanges, XAUTH or Mode-Config, in the order of their first messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transactions: Vec<Transaction>,
    /// Quick modes in the order of their first messages.
    pub quick_modes: Vec<QuickMode>,
    /// Informational exchanges under the ISAKMP SA.
    pub informationals: Vec<Informational>,
    /// Whether every value follows from the inputs.
    pub result: TestResult,
}

/// The encrypted part of one message, everything after the ISAKMP header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EncryptedMessage {
    /// Who sent it, in terms of its exchange.
    pub sender: Side,
    /// As sent.
    pub ciphertext: Hex,
    /// After decryption, padding included.
    pub plaintext: Hex,
}

/// What a phase 1 exchange starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PhaseOneInputs {
    /// Which side the recorder was, whose exponent is known.
    pub recorder: Side,
    /// CKY-I.
    pub cky_i: Hex,
    /// CKY-R.
    pub cky_r: Hex,
    /// Body of the initiator's SA payload as sent.
    pub sai_b: Hex,
    /// Body of the initiator's nonce payload.
    pub ni_b: Hex,
    /// Body of the responder's nonce payload.
    pub nr_b: Hex,
    /// Body of the initiator's ID payload.
    pub idii_b: Hex,
    /// Body of the responder's ID payload.
    pub idir_b: Hex,
    /// The pre-shared key; absent with other methods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub psk: Option<Hex>,
    /// Keys and key messages; only with public key encryption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<EncryptionInputs>,
    /// Public keys and signatures; only with signatures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<SignatureInputs>,
    /// The recorder's private exponent.
    pub exponent: Hex,
    /// Body of the initiator's KE payload.
    pub g_xi: Hex,
    /// Body of the responder's KE payload.
    pub g_xr: Hex,
    /// The encrypted messages of the exchange in the order of sending; aggressive mode may have none.
    pub messages: Vec<EncryptedMessage>,
}

/// What a phase 1 exchange derives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PhaseOneValues {
    /// The shared secret, as long as the prime.
    pub g_xy: Hex,
    /// SKEYID.
    pub skeyid: Hex,
    /// SKEYID_d.
    pub skeyid_d: Hex,
    /// SKEYID_a.
    pub skeyid_a: Hex,
    /// SKEYID_e.
    pub skeyid_e: Hex,
    /// The key of the cipher.
    pub ka: Hex,
    /// The IV of the first encrypted message.
    pub iv: Hex,
    /// HASH_I.
    pub hash_i: Hex,
    /// HASH_R.
    pub hash_r: Hex,
    /// The last CBC block of phase 1, or its IV when no message was encrypted.
    pub last_block: Hex,
    /// What only public key encryption derives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<EncryptionValues>,
}

/// One quick mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuickMode {
    /// What it started from.
    pub inputs: QuickModeInputs,
    /// What it derived.
    pub values: QuickModeValues,
}

/// What a quick mode starts from. Initiator and responder are those of the quick mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuickModeInputs {
    /// Which side the recorder was in this quick mode.
    pub recorder: Side,
    /// M-ID, 4 bytes.
    pub m_id: Hex,
    /// Body of the initiator's nonce payload.
    pub ni_b: Hex,
    /// Body of the responder's nonce payload.
    pub nr_b: Hex,
    /// Body of the IDci payload, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idci_b: Option<Hex>,
    /// Body of the IDcr payload, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idcr_b: Option<Hex>,
    /// The Diffie-Hellman exchange; absent without PFS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pfs: Option<PfsInputs>,
    /// The payloads after HASH(1), generic headers included, padding excluded.
    pub after_hash_1: Hex,
    /// The payloads after HASH(2), generic headers included, padding excluded.
    pub after_hash_2: Hex,
    /// The messages in the order of sending.
    pub messages: Vec<EncryptedMessage>,
}

/// The Diffie-Hellman exchange of a quick mode with PFS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PfsInputs {
    /// The group.
    pub group: GroupName,
    /// The recorder's private exponent.
    pub exponent: Hex,
    /// Body of the initiator's KE payload.
    pub g_xi: Hex,
    /// Body of the responder's KE payload.
    pub g_xr: Hex,
}

/// What a quick mode derives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuickModeValues {
    /// The IV of the first message.
    pub iv: Hex,
    /// HASH(1).
    pub hash_1: Hex,
    /// HASH(2).
    pub hash_2: Hex,
    /// HASH(3).
    pub hash_3: Hex,
    /// `g(qm)^xy`; absent without PFS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub g_xy: Option<Hex>,
    /// The IPsec SAs, at least one for each direction.
    pub ipsec_sas: Vec<IpsecSaVector>,
}

/// The keys of one IPsec SA, which is one direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IpsecSaVector {
    /// The side that receives on the SA, and chose its SPI.
    pub receiver: Side,
    /// Protocol-Id: 2 for AH, 3 for ESP.
    pub protocol: u8,
    /// The SPI.
    pub spi: Hex,
    /// KEYMAT: the encryption key, then the authentication key.
    pub keymat: Hex,
    /// The ESP encryption key; empty for AH.
    pub encryption_key: Hex,
    /// The ESP or AH authentication key.
    pub authentication_key: Hex,
}

/// One informational exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Informational {
    /// What it started from.
    pub inputs: InformationalInputs,
    /// What it derived.
    pub values: InformationalValues,
}

/// What an informational exchange starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InformationalInputs {
    /// M-ID, 4 bytes.
    pub m_id: Hex,
    /// The payloads after HASH(1), generic headers included, padding excluded.
    pub after_hash_1: Hex,
    /// The message.
    pub message: EncryptedMessage,
}

/// What an informational exchange derives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InformationalValues {
    /// The IV of the message.
    pub iv: Hex,
    /// HASH(1).
    pub hash_1: Hex,
}

/// Why a chain's inputs lead nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainInputError {
    /// A fixed-size input has another size.
    #[error("{name} of {got} bytes, expected {expected}")]
    Length {
        /// The input.
        name: &'static str,
        /// Its length in bytes.
        got: usize,
        /// The length it must have in bytes.
        expected: usize,
    },
    /// The group authenticates with a pre-shared key, and there is none.
    #[error("no pre-shared key, expected one with authentication psk")]
    NoPsk,
    /// The group authenticates with public key encryption, and there are no keys for it.
    #[error("no keys, expected both sides' with authentication encryption")]
    NoEncryption,
    /// A provider refused an input.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Phase 1 derived anew: the values, and the keys that later exchanges start from.
pub(super) struct DerivedPhaseOne {
    pub(super) values: PhaseOneValues,
    pub(super) keys: PhaseOneKeys,
}

pub(super) fn fixed<const N: usize>(name: &'static str, value: &Hex) -> Result<[u8; N], ChainInputError> {
    value.to_array().ok_or(ChainInputError::Length { name, got: value.as_bytes().len(), expected: N })
}

impl ChainGroup {
    /// The same test with every value derived anew from its inputs: what a recorder compares the peer's log with.
    ///
    /// Of the IPsec SAs, receiver, protocol, SPI and the lengths of both keys are inputs. The messages are not looked
    /// at, but for the last ciphertext block of phase 1.
    ///
    /// # Errors
    /// [`ChainInputError`] when the inputs derive nothing.
    pub fn derive(&self, p: &dyn CryptoProvider, test: &ChainTest) -> Result<ChainTest, ChainInputError> {
        let mut derived = test.clone();
        let phase1 = self.derive_phase1(p, &test.phase1)?;
        for transaction in &mut derived.transactions {
            transaction.values = self.derive_transaction(p, &phase1, &transaction.inputs)?;
        }
        for quick_mode in &mut derived.quick_modes {
            let QuickMode { inputs, values } = quick_mode;
            *values = self.derive_quick_mode(p, &phase1, inputs, &values.ipsec_sas)?;
        }
        for informational in &mut derived.informationals {
            informational.values = self.derive_informational(p, &phase1, &informational.inputs)?;
        }
        derived.phase1_values = phase1.values;
        Ok(derived)
    }

    /// Derives every phase 1 value from the inputs alone.
    pub(super) fn derive_phase1(
        &self,
        p: &dyn CryptoProvider,
        inputs: &PhaseOneInputs,
    ) -> Result<DerivedPhaseOne, ChainInputError> {
        let (h, cipher) = (self.hash.0, self.cipher.0);
        let cookies =
            Cookies { cky_i: fixed("cky_i", &inputs.cky_i)?, cky_r: fixed("cky_r", &inputs.cky_r)? };
        let (g_xi, g_xr) = (inputs.g_xi.as_bytes(), inputs.g_xr.as_bytes());
        let (ni_b, nr_b) = (inputs.ni_b.as_bytes(), inputs.nr_b.as_bytes());
        let g_xy = shared(p, &self.group, inputs.recorder, &inputs.exponent, &inputs.g_xi, &inputs.g_xr)?;
        let skeyid = match self.authentication {
            Authentication::Psk => {
                let psk = inputs.psk.as_ref().ok_or(ChainInputError::NoPsk)?;
                skeyid_psk(p, h, psk.as_bytes(), ni_b, nr_b)
            }
            Authentication::Signature => skeyid_signature(p, h, ni_b, nr_b, &g_xy),
            Authentication::Encryption => skeyid_encryption(p, h, ni_b, nr_b, &cookies),
        };
        let encryption = match (self.authentication, &inputs.encryption) {
            (Authentication::Encryption, None) => return Err(ChainInputError::NoEncryption),
            (Authentication::Encryption, Some(own)) => Some(own.derive(p, h, cipher, inputs, &cookies)),
            _ => None,
        };
        let keys = PhaseOneKeys::derive(p, h, skeyid, &g_xy, &cookies);
        let Cookies { cky_i, cky_r } = cookies;
        let sai_b = inputs.sai_b.as_bytes();
        let auth = |id: &Hex, hash: fn(_, _, &_, &AuthHashInput<'_>) -> Vec<u8>| {
            hash(p, h, &keys.skeyid, &AuthHashInput { g_xi, g_xr, cky_i, cky_r, sai_b, id_b: id.as_bytes() })
        };
        let iv = phase1_iv(p, h, cipher, g_xi, g_xr);
        let last =
            inputs.messages.last().and_then(|message| last_block(cipher, message.ciphertext.as_bytes()));
        let values = PhaseOneValues {
            g_xy: g_xy.as_bytes().into(),
            skeyid: keys.skeyid.as_bytes().into(),
            skeyid_d: keys.skeyid_d.as_bytes().into(),
            skeyid_a: keys.skeyid_a.as_bytes().into(),
            skeyid_e: keys.skeyid_e.as_bytes().into(),
            ka: encryption_key(p, h, cipher, &keys.skeyid_e).as_bytes().into(),
            last_block: last.unwrap_or(&iv).into(),
            iv: iv.into(),
            hash_i: auth(&inputs.idii_b, hash_i).into(),
            hash_r: auth(&inputs.idir_b, hash_r).into(),
            encryption,
        };
        Ok(DerivedPhaseOne { values, keys })
    }

    /// Derives every value of a quick mode from its inputs and phase 1.
    ///
    /// `sas` gives protocol, SPI, receiver and the key lengths of each SA; its keys are not read.
    pub(super) fn derive_quick_mode(
        &self,
        p: &dyn CryptoProvider,
        phase1: &DerivedPhaseOne,
        inputs: &QuickModeInputs,
        sas: &[IpsecSaVector],
    ) -> Result<QuickModeValues, ChainInputError> {
        let h = self.hash.0;
        let keys = &phase1.keys;
        let m_id = u32::from_be_bytes(fixed("m_id", &inputs.m_id)?);
        let (ni_b, nr_b) = (inputs.ni_b.as_bytes(), inputs.nr_b.as_bytes());
        let g_xy = match &inputs.pfs {
            Some(pfs) => Some(shared(p, &pfs.group, inputs.recorder, &pfs.exponent, &pfs.g_xi, &pfs.g_xr)?),
            None => None,
        };
        let ipsec_sas = sas
            .iter()
            .map(|sa| {
                let input = KeymatInput {
                    g_xy: g_xy.as_ref(),
                    protocol: sa.protocol,
                    spi: sa.spi.as_bytes(),
                    ni_b,
                    nr_b,
                };
                let encryption_len = sa.encryption_key.as_bytes().len();
                let len = encryption_len.saturating_add(sa.authentication_key.as_bytes().len());
                let material = keymat(p, h, &keys.skeyid_d, &input, len);
                // `keymat` gives exactly `len` bytes, and the encryption key is at most that long.
                let (encryption_key, authentication_key) = material.as_bytes().split_at(encryption_len);
                IpsecSaVector {
                    keymat: material.as_bytes().into(),
                    encryption_key: encryption_key.into(),
                    authentication_key: authentication_key.into(),
                    ..sa.clone()
                }
            })
            .collect();
        Ok(QuickModeValues {
            iv: phase2_iv(p, h, self.cipher.0, phase1.values.last_block.as_bytes(), m_id).into(),
            hash_1: hash_1(p, h, &keys.skeyid_a, m_id, inputs.after_hash_1.as_bytes()).into(),
            hash_2: hash_2(p, h, &keys.skeyid_a, m_id, ni_b, inputs.after_hash_2.as_bytes()).into(),
            hash_3: hash_3(p, h, &keys.skeyid_a, m_id, ni_b, nr_b).into(),
            g_xy: g_xy.map(|secret| secret.as_bytes().into()),
            ipsec_sas,
        })
    }

    /// Derives the values of an informational exchange from its inputs and phase 1.
    pub(super) fn derive_informational(
        &self,
        p: &dyn CryptoProvider,
        phase1: &DerivedPhaseOne,
        inputs: &InformationalInputs,
    ) -> Result<InformationalValues, ChainInputError> {
        let h = self.hash.0;
        let m_id = u32::from_be_bytes(fixed("m_id", &inputs.m_id)?);
        Ok(InformationalValues {
            iv: phase2_iv(p, h, self.cipher.0, phase1.values.last_block.as_bytes(), m_id).into(),
            hash_1: hash_1(p, h, &phase1.keys.skeyid_a, m_id, inputs.after_hash_1.as_bytes()).into(),
        })
    }
}

/// `g^xy` from the recorder's exponent and the other side's public value.
fn shared(
    p: &dyn CryptoProvider,
    group: &GroupName,
    recorder: Side,
    exponent: &Hex,
    g_xi: &Hex,
    g_xr: &Hex,
) -> Result<Secret, CryptoError> {
    let peer = match recorder {
        Side::Initiator => g_xr,
        Side::Responder => g_xi,
    };
    p.dh_shared(&group.0, &Secret::from(exponent.as_bytes()), peer.as_bytes())
}
