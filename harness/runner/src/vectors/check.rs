//! Compares every value of a vector file with what a provider derives.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use ikev1::crypto::{CipherAlgorithm, CryptoProvider, Group, GroupKind, Secret};
use ikev1::keys::{Cookies, PhaseOneKeys, last_block, skeyid_encryption, skeyid_psk, skeyid_signature};
use num_bigint::BigUint;
use serde::Serialize;

use super::chain::{
    ChainGroup, ChainTest, DerivedPhaseOne, EncryptedMessage, InformationalValues, PhaseOneValues, QuickMode,
    QuickModeValues, Side,
};
use super::error::VectorError;
use super::load::{Contents, LoadedFile};
use super::model::{
    Authentication, CbcTest, HmacGroup, NOT_IN_ENGINE, PhaseOneKeysGroup, PhaseOneKeysTest, PrimeTest,
    TestResult,
};
use super::primes::modp_prime;
use super::values::Hex;

/// A value that came out differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValueFailure {
    /// The test.
    #[serde(rename = "tcId")]
    pub tc_id: u32,
    /// Name of the value, such as `skeyid_d` or `quick_modes[0].hash_2`.
    pub value: String,
    /// What the file says.
    pub expected: String,
    /// What the provider derived.
    pub got: String,
}

impl fmt::Display for ValueFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tc_id, value, expected, got } = self;
        write!(f, "tcId {tc_id}: {value}\n  expected {expected}\n  got      {got}")
    }
}

/// What checking one file on one provider gave.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileOutcome {
    /// The file.
    pub path: PathBuf,
    /// Name of the provider.
    pub provider: &'static str,
    /// What the file is about, such as `phase1-keys`.
    pub subject: &'static str,
    /// Number of tests under each label, such as `psk sha1`.
    pub tests: BTreeMap<String, usize>,
    /// Number of values compared.
    pub values: usize,
    /// The values that came out differently.
    pub failures: Vec<ValueFailure>,
}

impl FileOutcome {
    /// Number of tests of all labels.
    #[must_use]
    pub fn number_of_tests(&self) -> usize {
        self.tests.values().sum()
    }

    /// Whether every value came out as the file says.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Reads a vector file, `.json` or NIST response file, and checks it on one provider.
///
/// # Errors
/// Those of [`LoadedFile::open`]. A wrong value is no error but a failure in the outcome.
pub fn check_file(path: &Path, provider: &dyn CryptoProvider) -> Result<FileOutcome, VectorError> {
    Ok(LoadedFile::open(path)?.check(provider))
}

impl LoadedFile {
    /// Checks every value of the file on one provider.
    #[must_use]
    pub fn check(&self, p: &dyn CryptoProvider) -> FileOutcome {
        let mut outcome = FileOutcome {
            path: self.path.clone(),
            provider: p.name(),
            subject: self.subject().name(),
            tests: BTreeMap::new(),
            values: 0,
            failures: Vec::new(),
        };
        match &self.contents {
            Contents::PhaseOneKeys(file) => {
                for group in &file.test_groups {
                    let label = format!("{} {}", group.authentication.name(), group.hash.0.name());
                    for test in &group.tests {
                        outcome.test(&label, test.tc_id, test.result, |c| phase_one_keys(c, p, group, test));
                    }
                }
            }
            Contents::Hmac(file) => {
                for group in &file.test_groups {
                    for test in &group.tests {
                        outcome.test(group.hash.0.name(), test.tc_id, test.result, |c| {
                            let mac = p.prf(group.hash.0, test.key.as_bytes(), &[test.msg.as_bytes()]);
                            c.equal("tag", &test.tag, start_of(mac.as_bytes(), group));
                        });
                    }
                }
            }
            Contents::Cbc(file) => {
                for group in &file.test_groups {
                    for test in &group.tests {
                        outcome.test(&group.cipher.0.name(), test.tc_id, test.result, |c| {
                            cbc(c, p, group.cipher.0, test);
                        });
                    }
                }
            }
            Contents::ModpPrimes(file) => {
                for test in file.test_groups.iter().flat_map(|group| &group.tests) {
                    outcome.test("formula and engine", test.tc_id, test.result, |c| prime(c, test));
                }
            }
            Contents::Chain(file) => {
                for group in &file.test_groups {
                    let (hash, cipher) = (group.hash.0.name(), group.cipher.0.name());
                    let label = format!("{cipher} {hash} {}", group.group.0.name());
                    for test in &group.tests {
                        outcome.test(&label, test.tc_id, test.result, |c| chain(c, p, group, test));
                    }
                }
            }
        }
        outcome
    }
}

impl FileOutcome {
    fn test(&mut self, label: &str, tc_id: u32, result: TestResult, check: impl FnOnce(&mut Comparison)) {
        let mut comparison = Comparison { tc_id, prefix: String::new(), values: 0, failures: Vec::new() };
        check(&mut comparison);
        *self.tests.entry(label.to_owned()).or_default() += 1;
        self.values += comparison.values;
        match result {
            TestResult::Valid => self.failures.append(&mut comparison.failures),
            TestResult::Invalid if comparison.failures.is_empty() => {
                self.failures.push(ValueFailure {
                    tc_id,
                    value: "result".to_owned(),
                    expected: "invalid".to_owned(),
                    got: "valid: every value follows from the inputs".to_owned(),
                });
            }
            TestResult::Invalid => {}
        }
    }
}

/// The comparisons of one test.
struct Comparison {
    tc_id: u32,
    /// Put in front of value names, such as `quick_modes[0].`.
    prefix: String,
    values: usize,
    failures: Vec<ValueFailure>,
}

impl Comparison {
    fn equal(&mut self, name: &str, expected: &Hex, got: &[u8]) {
        self.values += 1;
        if expected.as_bytes() != got {
            self.fail(name, hex::encode(expected.as_bytes()), hex::encode(got));
        }
    }

    fn holds(&mut self, name: &str, holds: bool, expected: impl Into<String>, got: impl Into<String>) {
        self.values += 1;
        if !holds {
            self.fail(name, expected.into(), got.into());
        }
    }

    fn fail(&mut self, name: &str, expected: String, got: String) {
        let value = format!("{}{name}", self.prefix);
        self.failures.push(ValueFailure { tc_id: self.tc_id, value, expected, got });
    }
}

/// The part of an HMAC that the group's tags have.
fn start_of<'a>(mac: &'a [u8], group: &HmacGroup) -> &'a [u8] {
    mac.get(..group.tag_bits / 8).unwrap_or(mac)
}

/// Encrypts the plaintext and decrypts the ciphertext. Lengths were checked when the file was read.
fn cbc(c: &mut Comparison, p: &dyn CryptoProvider, cipher: CipherAlgorithm, test: &CbcTest) {
    let (key, iv) = (test.key.as_bytes(), test.iv.as_bytes());
    let mut data = test.msg.as_bytes().to_vec();
    let sealed = p.cbc_encrypt(cipher, key, iv, &mut data);
    c.holds("encryption", sealed.is_ok(), "a ciphertext", format!("{sealed:?}"));
    c.equal("ct", &test.ct, &data);
    let mut data = test.ct.as_bytes().to_vec();
    let opened = p.cbc_decrypt(cipher, key, iv, &mut data);
    c.holds("decryption", opened.is_ok(), "a plaintext", format!("{opened:?}"));
    c.equal("msg", &test.msg, &data);
}

fn phase_one_keys(
    c: &mut Comparison,
    p: &dyn CryptoProvider,
    group: &PhaseOneKeysGroup,
    test: &PhaseOneKeysTest,
) {
    let h = group.hash.0;
    let (ni_b, nr_b) = (test.ni_b.as_bytes(), test.nr_b.as_bytes());
    let g_xy = Secret::from(test.g_xy.as_bytes());
    // Reading the file has checked both cookies' lengths, and that a PSK is there where one belongs.
    let (Some(cky_i), Some(cky_r)) = (test.cky_i.to_array(), test.cky_r.to_array()) else {
        return c.fail("cky_i, cky_r", "8 bytes each".to_owned(), "another length".to_owned());
    };
    let cookies = Cookies { cky_i, cky_r };
    let skeyid = match (group.authentication, &test.psk) {
        (Authentication::Psk, Some(psk)) => skeyid_psk(p, h, psk.as_bytes(), ni_b, nr_b),
        (Authentication::Psk, None) => {
            return c.fail("psk", "a pre-shared key".to_owned(), "none".to_owned());
        }
        (Authentication::Signature, _) => skeyid_signature(p, h, ni_b, nr_b, &g_xy),
        (Authentication::Encryption, _) => skeyid_encryption(p, h, ni_b, nr_b, &cookies),
    };
    let keys = PhaseOneKeys::derive(p, h, skeyid, &g_xy, &cookies);
    c.equal("skeyid", &test.skeyid, keys.skeyid.as_bytes());
    c.equal("skeyid_d", &test.skeyid_d, keys.skeyid_d.as_bytes());
    c.equal("skeyid_a", &test.skeyid_a, keys.skeyid_a.as_bytes());
    c.equal("skeyid_e", &test.skeyid_e, keys.skeyid_e.as_bytes());
}

fn prime(c: &mut Comparison, test: &PrimeTest) {
    match modp_prime(test.n, test.k) {
        Some(computed) => c.equal("prime from the formula", &test.prime, &computed),
        None => c.fail("n", "130 to 16384".to_owned(), test.n.to_string()),
    }
    let flagged = test.flags.iter().any(|flag| flag == NOT_IN_ENGINE);
    let Some(group) = Group::from_id(test.id) else {
        return c.holds("id", flagged, "a group of the engine", format!("{} is none", test.id));
    };
    c.holds(
        "flags",
        !flagged,
        format!("{NOT_IN_ENGINE} only on other groups"),
        format!("the engine has {}", test.id),
    );
    c.holds("name", group.name() == test.name, test.name.clone(), group.name());
    let GroupKind::Modp(modp) = group.kind() else {
        return c.fail("id", "a MODP group".to_owned(), format!("{} is none", test.id));
    };
    c.holds(
        "generator",
        BigUint::from_bytes_be(modp.generator) == BigUint::from(test.generator),
        test.generator.to_string(),
        hex::encode(modp.generator),
    );
    c.equal("prime of the engine", &test.prime, modp.prime);
}

/// The names that `reported_by_peer` may use.
const REPORTABLE: [&str; 18] = [
    "g_xy",
    "skeyid",
    "skeyid_d",
    "skeyid_a",
    "skeyid_e",
    "ka",
    "iv",
    "last_block",
    "hash_i",
    "hash_r",
    "quick_mode.iv",
    "quick_mode.hash_1",
    "quick_mode.hash_2",
    "quick_mode.hash_3",
    "quick_mode.g_xy",
    "keymat",
    "encryption_key",
    "authentication_key",
];

fn chain(c: &mut Comparison, p: &dyn CryptoProvider, group: &ChainGroup, test: &ChainTest) {
    for name in &test.reported_by_peer {
        let known = REPORTABLE.contains(&name.as_str());
        c.holds("reported_by_peer", known, format!("one of {}", REPORTABLE.join(", ")), name.clone());
    }
    let inputs = &test.phase1;
    let derived = match group.derive_phase1(p, inputs) {
        Ok(derived) => derived,
        Err(error) => return c.fail("phase1", "inputs that derive keys".to_owned(), error.to_string()),
    };
    own_public(c, p, &group.group.0, inputs.recorder, &inputs.exponent, &inputs.g_xi, &inputs.g_xr);
    phase_one_values(c, &test.phase1_values, &derived.values);
    messages(c, p, group, &test.phase1_values.iv, &test.phase1_values.ka, &inputs.messages);
    for (index, message) in inputs.messages.iter().enumerate() {
        let (id, hash) = match message.sender {
            Side::Initiator => (&inputs.idii_b, &test.phase1_values.hash_i),
            Side::Responder => (&inputs.idir_b, &test.phase1_values.hash_r),
        };
        let whole = message.plaintext.as_bytes();
        carries(c, &format!("messages[{index}] carries its HASH"), whole, hash);
        // Aggressive mode sends its IDs in the clear.
        if group.exchange == super::chain::Exchange::Main {
            carries(c, &format!("messages[{index}] carries its ID"), whole, id);
        }
    }
    for (index, quick_mode_vector) in test.quick_modes.iter().enumerate() {
        c.prefix = format!("quick_modes[{index}].");
        quick_mode(c, p, group, test, &derived, quick_mode_vector);
    }
    for (index, informational) in test.informationals.iter().enumerate() {
        c.prefix = format!("informationals[{index}].");
        match group.derive_informational(p, &derived, &informational.inputs) {
            Ok(InformationalValues { iv, hash_1 }) => {
                c.equal("iv", &informational.values.iv, iv.as_bytes());
                c.equal("hash_1", &informational.values.hash_1, hash_1.as_bytes());
            }
            Err(error) => c.fail("inputs", "inputs that derive keys".to_owned(), error.to_string()),
        }
        let message = std::slice::from_ref(&informational.inputs.message);
        messages(c, p, group, &informational.values.iv, &test.phase1_values.ka, message);
        let after = &informational.inputs.after_hash_1;
        starts_with_hash(c, "message", &message[0], &informational.values.hash_1, after);
    }
}

/// The recorder's exponent gives the recorder's public value.
fn own_public(
    c: &mut Comparison,
    p: &dyn CryptoProvider,
    group: &Group,
    recorder: Side,
    exponent: &Hex,
    g_xi: &Hex,
    g_xr: &Hex,
) {
    let (name, own) = match recorder {
        Side::Initiator => ("g_xi", g_xi),
        Side::Responder => ("g_xr", g_xr),
    };
    match p.dh_public(group, &Secret::from(exponent.as_bytes())) {
        Ok(public) => c.equal(name, own, &public),
        Err(error) => c.fail(name, hex::encode(own.as_bytes()), error.to_string()),
    }
}

fn phase_one_values(c: &mut Comparison, expected: &PhaseOneValues, got: &PhaseOneValues) {
    let PhaseOneValues { g_xy, skeyid, skeyid_d, skeyid_a, skeyid_e, ka, iv, hash_i, hash_r, last_block } =
        expected;
    c.equal("g_xy", g_xy, got.g_xy.as_bytes());
    c.equal("skeyid", skeyid, got.skeyid.as_bytes());
    c.equal("skeyid_d", skeyid_d, got.skeyid_d.as_bytes());
    c.equal("skeyid_a", skeyid_a, got.skeyid_a.as_bytes());
    c.equal("skeyid_e", skeyid_e, got.skeyid_e.as_bytes());
    c.equal("ka", ka, got.ka.as_bytes());
    c.equal("iv", iv, got.iv.as_bytes());
    c.equal("hash_i", hash_i, got.hash_i.as_bytes());
    c.equal("hash_r", hash_r, got.hash_r.as_bytes());
    c.equal("last_block", last_block, got.last_block.as_bytes());
}

fn quick_mode(
    c: &mut Comparison,
    p: &dyn CryptoProvider,
    group: &ChainGroup,
    test: &ChainTest,
    phase1: &DerivedPhaseOne,
    quick_mode: &QuickMode,
) {
    let QuickMode { inputs, values } = quick_mode;
    c.holds("ipsec_sas", values.ipsec_sas.len() >= 2, "at least 2", values.ipsec_sas.len().to_string());
    match group.derive_quick_mode(p, phase1, inputs, &values.ipsec_sas) {
        Ok(derived) => quick_mode_values(c, values, &derived),
        Err(error) => return c.fail("inputs", "inputs that derive keys".to_owned(), error.to_string()),
    }
    if let Some(pfs) = &inputs.pfs {
        own_public(c, p, &pfs.group.0, inputs.recorder, &pfs.exponent, &pfs.g_xi, &pfs.g_xr);
    }
    messages(c, p, group, &values.iv, &test.phase1_values.ka, &inputs.messages);
    c.holds("messages", inputs.messages.len() == 3, "3 messages", inputs.messages.len().to_string());
    let empty = Hex::default();
    let parts = [
        (&values.hash_1, &inputs.after_hash_1),
        (&values.hash_2, &inputs.after_hash_2),
        (&values.hash_3, &empty),
    ];
    for (index, (message, (hash, after))) in inputs.messages.iter().zip(parts).enumerate() {
        starts_with_hash(c, &format!("messages[{index}]"), message, hash, after);
    }
    carries(c, "after_hash_1 carries ni_b", inputs.after_hash_1.as_bytes(), &inputs.ni_b);
    carries(c, "after_hash_2 carries nr_b", inputs.after_hash_2.as_bytes(), &inputs.nr_b);
    for (name, id) in [("idci_b", &inputs.idci_b), ("idcr_b", &inputs.idcr_b)] {
        if let Some(id) = id {
            carries(c, &format!("after_hash_1 carries {name}"), inputs.after_hash_1.as_bytes(), id);
            carries(c, &format!("after_hash_2 carries {name}"), inputs.after_hash_2.as_bytes(), id);
        }
    }
    if let Some(pfs) = &inputs.pfs {
        carries(c, "after_hash_1 carries g_xi", inputs.after_hash_1.as_bytes(), &pfs.g_xi);
        carries(c, "after_hash_2 carries g_xr", inputs.after_hash_2.as_bytes(), &pfs.g_xr);
    }
}

fn quick_mode_values(c: &mut Comparison, expected: &QuickModeValues, got: &QuickModeValues) {
    c.equal("iv", &expected.iv, got.iv.as_bytes());
    c.equal("hash_1", &expected.hash_1, got.hash_1.as_bytes());
    c.equal("hash_2", &expected.hash_2, got.hash_2.as_bytes());
    c.equal("hash_3", &expected.hash_3, got.hash_3.as_bytes());
    match (&expected.g_xy, &got.g_xy) {
        (Some(expected), Some(got)) => c.equal("g_xy", expected, got.as_bytes()),
        (expected, got) => {
            let there = |value: &Option<Hex>| if value.is_some() { "a value (PFS)" } else { "none (no PFS)" };
            c.holds("g_xy", expected.is_some() == got.is_some(), there(expected), there(got));
        }
    }
    for (index, (expected, got)) in expected.ipsec_sas.iter().zip(&got.ipsec_sas).enumerate() {
        c.equal(&format!("ipsec_sas[{index}].keymat"), &expected.keymat, got.keymat.as_bytes());
        c.equal(
            &format!("ipsec_sas[{index}].encryption_key"),
            &expected.encryption_key,
            got.encryption_key.as_bytes(),
        );
        c.equal(
            &format!("ipsec_sas[{index}].authentication_key"),
            &expected.authentication_key,
            got.authentication_key.as_bytes(),
        );
    }
}

/// Decrypts the messages of one exchange, each under the last block of the one before.
fn messages(
    c: &mut Comparison,
    p: &dyn CryptoProvider,
    group: &ChainGroup,
    iv: &Hex,
    ka: &Hex,
    messages: &[EncryptedMessage],
) {
    let mut iv = iv.as_bytes();
    for (index, message) in messages.iter().enumerate() {
        let name = format!("messages[{index}].plaintext");
        let ciphertext = message.ciphertext.as_bytes();
        let mut data = ciphertext.to_vec();
        match p.cbc_decrypt(group.cipher.0, ka.as_bytes(), iv, &mut data) {
            Ok(()) => c.equal(&name, &message.plaintext, &data),
            Err(error) => c.fail(&name, hex::encode(message.plaintext.as_bytes()), error.to_string()),
        }
        iv = last_block(group.cipher.0, ciphertext).unwrap_or(iv);
    }
}

/// A plaintext begins with a HASH payload of that value, and goes on with those payloads.
fn starts_with_hash(c: &mut Comparison, name: &str, message: &EncryptedMessage, hash: &Hex, after: &Hex) {
    let plaintext = message.plaintext.as_bytes();
    let body = plaintext.get(4..).unwrap_or_default();
    let expected = [hash.as_bytes(), after.as_bytes()].concat();
    let got = body.get(..expected.len()).unwrap_or(body);
    c.equal(&format!("{name} carries its HASH and payloads"), &Hex(expected), got);
}

/// `whole` contains `part`.
fn carries(c: &mut Comparison, name: &str, whole: &[u8], part: &Hex) {
    let part = part.as_bytes();
    let found = part.is_empty() || whole.windows(part.len()).any(|window| window == part);
    c.holds(name, found, hex::encode(part), format!("not in {}", hex::encode(whole)));
}
