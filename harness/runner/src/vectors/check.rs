//! Compares every value of a vector file with what a provider derives.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use ikev1::crypto::{CipherAlgorithm, CryptoProvider, Group, GroupKind, Secret};
use ikev1::keys::{Cookies, PhaseOneKeys, skeyid_encryption, skeyid_psk, skeyid_signature};
use num_bigint::BigUint;
use serde::Serialize;

use super::chain_check::chain;
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
pub(super) struct Comparison {
    tc_id: u32,
    /// Put in front of value names, such as `quick_modes[0].`.
    pub(super) prefix: String,
    values: usize,
    failures: Vec<ValueFailure>,
}

impl Comparison {
    pub(super) fn equal(&mut self, name: &str, expected: &Hex, got: &[u8]) {
        self.values += 1;
        if expected.as_bytes() != got {
            self.fail(name, hex::encode(expected.as_bytes()), hex::encode(got));
        }
    }

    pub(super) fn holds(
        &mut self,
        name: &str,
        holds: bool,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) {
        self.values += 1;
        if !holds {
            self.fail(name, expected.into(), got.into());
        }
    }

    pub(super) fn fail(&mut self, name: &str, expected: String, got: String) {
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
