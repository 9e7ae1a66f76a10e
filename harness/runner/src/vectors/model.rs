//! The JSON documents of `vectors/`, as types: one frame for all, one kind of group per subject.

use std::collections::BTreeMap;

use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};

use super::chain::ChainGroup;
use super::values::{CipherName, HashName, Hex};

/// What a vector file is about; its `schema` field says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Subject {
    /// SKEYID, SKEYID_d, SKEYID_a and SKEYID_e from their inputs.
    PhaseOneKeys,
    /// HMAC.
    Hmac,
    /// Ciphers in CBC mode.
    Cbc,
    /// The primes of the MODP groups.
    ModpPrimes,
    /// Everything that one recorded negotiation derived.
    Chain,
}

impl Subject {
    /// Every subject.
    pub const ALL: &'static [Self] =
        &[Self::PhaseOneKeys, Self::Hmac, Self::Cbc, Self::ModpPrimes, Self::Chain];

    /// Short name for reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PhaseOneKeys => "phase1-keys",
            Self::Hmac => "hmac",
            Self::Cbc => "cbc",
            Self::ModpPrimes => "modp-primes",
            Self::Chain => "chain",
        }
    }

    /// The value of the `schema` field: name of the JSON schema in `vectors/schema/`.
    #[must_use]
    pub const fn schema_name(self) -> &'static str {
        match self {
            Self::PhaseOneKeys => "phase1-keys-v1.schema.json",
            Self::Hmac => "hmac-v1.schema.json",
            Self::Cbc => "cbc-v1.schema.json",
            Self::ModpPrimes => "modp-primes-v1.schema.json",
            Self::Chain => "chain-v1.schema.json",
        }
    }

    /// The subject whose files have that `schema` field.
    #[must_use]
    pub fn from_schema_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|subject| subject.schema_name() == name)
    }
}

/// The frame of every vector file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VectorFile<G> {
    /// Name of the JSON schema in `vectors/schema/` that the file follows.
    pub schema: String,
    /// What the tests cover, for people.
    pub description: String,
    /// Where the values come from, and under which terms.
    pub source: String,
    /// What turned the source into this file.
    pub generator: String,
    /// How many tests the groups have together.
    pub number_of_tests: usize,
    /// What each flag means.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, String>,
    /// The tests, grouped by what they have in common.
    pub test_groups: Vec<G>,
}

/// Vectors of SKEYID and the keys derived from it.
pub type PhaseOneKeysFile = VectorFile<PhaseOneKeysGroup>;
/// Vectors of HMAC.
pub type HmacFile = VectorFile<HmacGroup>;
/// Vectors of ciphers in CBC mode.
pub type CbcFile = VectorFile<CbcGroup>;
/// The primes of the MODP groups.
pub type PrimeFile = VectorFile<PrimeGroup>;
/// Recorded negotiations.
pub type ChainFile = VectorFile<ChainGroup>;

/// What a test claims about its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TestResult {
    /// Every value follows from the inputs.
    Valid,
    /// At least one value does not follow from the inputs.
    Invalid,
}

/// The authentication method, as far as it decides the formula of SKEYID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Authentication {
    /// Pre-shared key: `SKEYID = prf(pre-shared-key, Ni_b | Nr_b)`.
    Psk,
    /// Signature: `SKEYID = prf(Ni_b | Nr_b, g^xy)`.
    Signature,
    /// Public key encryption and its revised mode: `SKEYID = prf(hash(Ni_b | Nr_b), CKY-I | CKY-R)`.
    Encryption,
}

impl Authentication {
    /// The name that JSON uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Psk => "psk",
            Self::Signature => "signature",
            Self::Encryption => "encryption",
        }
    }
}

/// Tests of phase 1 keys that share algorithms and lengths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PhaseOneKeysGroup {
    /// Decides the formula of SKEYID.
    pub authentication: Authentication,
    /// The negotiated hash; the prf is its HMAC.
    pub hash: HashName,
    /// Length of g^xy in bits. NIST uses lengths that belong to no MODP group.
    pub g_xy_bits: usize,
    /// Length of Ni_b in bits.
    pub ni_bits: usize,
    /// Length of Nr_b in bits.
    pub nr_bits: usize,
    /// Length of the pre-shared key in bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub psk_bits: Option<usize>,
    /// The tests.
    pub tests: Vec<PhaseOneKeysTest>,
}

/// One derivation of SKEYID, SKEYID_d, SKEYID_a and SKEYID_e.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PhaseOneKeysTest {
    /// Number of the test, unique in the file.
    #[serde(rename = "tcId")]
    pub tc_id: u32,
    /// Where the test stands in its source.
    pub comment: String,
    /// Names from `notes`.
    pub flags: Vec<String>,
    /// CKY-I, 8 bytes.
    pub cky_i: Hex,
    /// CKY-R, 8 bytes.
    pub cky_r: Hex,
    /// Body of the initiator's nonce payload.
    pub ni_b: Hex,
    /// Body of the responder's nonce payload.
    pub nr_b: Hex,
    /// The Diffie-Hellman shared secret.
    pub g_xy: Hex,
    /// The pre-shared key; absent with signatures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub psk: Option<Hex>,
    /// SKEYID.
    pub skeyid: Hex,
    /// SKEYID_d.
    pub skeyid_d: Hex,
    /// SKEYID_a.
    pub skeyid_a: Hex,
    /// SKEYID_e.
    pub skeyid_e: Hex,
    /// Whether the four keys follow from the rest.
    pub result: TestResult,
}

/// HMAC tests with one hash and one tag length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HmacGroup {
    /// The hash.
    pub hash: HashName,
    /// Length of every tag of the group in bits; shorter than the hash when the tag is its start only.
    pub tag_bits: usize,
    /// The tests.
    pub tests: Vec<HmacTest>,
}

/// One HMAC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HmacTest {
    /// Number of the test, unique in the file.
    pub tc_id: u32,
    /// Where the test stands in its source.
    pub comment: String,
    /// Names from `notes`.
    pub flags: Vec<String>,
    /// The key.
    pub key: Hex,
    /// The data.
    pub msg: Hex,
    /// The HMAC, cut to the group's tag length.
    pub tag: Hex,
    /// Whether the tag is that of the key and the data.
    pub result: TestResult,
}

/// CBC tests with one cipher and one length of its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CbcGroup {
    /// The cipher.
    pub cipher: CipherName,
    /// The tests.
    pub tests: Vec<CbcTest>,
}

/// One encryption in CBC mode without padding; of a single block under an IV of zeros it is the bare cipher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CbcTest {
    /// Number of the test, unique in the file.
    pub tc_id: u32,
    /// Where the test stands in its source.
    pub comment: String,
    /// Names from `notes`.
    pub flags: Vec<String>,
    /// The key.
    pub key: Hex,
    /// The IV.
    pub iv: Hex,
    /// The plaintext, whole blocks.
    pub msg: Hex,
    /// The ciphertext.
    pub ct: Hex,
    /// Whether the ciphertext is that of key, IV and plaintext.
    pub result: TestResult,
}

/// Primes that follow `2^n - 2^(n-64) - 1 + 2^64 * (floor(2^(n-130) * pi) + k)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrimeGroup {
    /// The formula, for people; the check has it built in.
    pub formula: String,
    /// The tests.
    pub tests: Vec<PrimeTest>,
}

/// One MODP group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrimeTest {
    /// Number of the test, unique in the file.
    pub tc_id: u32,
    /// The RFC section that defines the group.
    pub comment: String,
    /// Names from `notes`; `NotInEngine` where only file and formula are compared.
    pub flags: Vec<String>,
    /// Name of the group, such as `modp1024`.
    pub name: String,
    /// Group Description number on the wire.
    pub id: u16,
    /// n in the formula: length of the prime in bits.
    pub n: u32,
    /// k in the formula.
    pub k: u32,
    /// The generator.
    pub generator: u32,
    /// The prime as the RFC prints it.
    pub prime: Hex,
    /// Whether prime, formula and engine agree.
    pub result: TestResult,
}

/// The flag of a prime whose group the engine does not have.
pub(super) const NOT_IN_ENGINE: &str = "NotInEngine";

/// What the structural check needs to know of any test.
pub(super) trait AnyTest {
    fn tc_id(&self) -> u32;
    fn flags(&self) -> &[String];
}

/// A group, whatever its subject.
pub(super) trait AnyGroup {
    type Test: AnyTest;
    fn tests(&self) -> &[Self::Test];
}

macro_rules! any_group {
    ($($group:ty, $test:ty;)*) => {$(
        impl AnyTest for $test {
            fn tc_id(&self) -> u32 {
                self.tc_id
            }
            fn flags(&self) -> &[String] {
                &self.flags
            }
        }
        impl AnyGroup for $group {
            type Test = $test;
            fn tests(&self) -> &[$test] {
                &self.tests
            }
        }
    )*};
}
any_group! {
    PhaseOneKeysGroup, PhaseOneKeysTest;
    HmacGroup, HmacTest;
    CbcGroup, CbcTest;
    PrimeGroup, PrimeTest;
    ChainGroup, super::chain::ChainTest;
}

/// The JSON schemas, as file name in `vectors/schema/` and content.
#[must_use]
pub fn schemas() -> Vec<(&'static str, String)> {
    Subject::ALL
        .iter()
        .map(|subject| {
            let schema = match subject {
                Subject::PhaseOneKeys => schema_for!(PhaseOneKeysFile),
                Subject::Hmac => schema_for!(HmacFile),
                Subject::Cbc => schema_for!(CbcFile),
                Subject::ModpPrimes => schema_for!(PrimeFile),
                Subject::Chain => schema_for!(ChainFile),
            };
            // The alternate form of a JSON value is the indented one.
            (subject.schema_name(), format!("{:#}\n", schema.to_value()))
        })
        .collect()
}
