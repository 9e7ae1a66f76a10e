//! Reads the response files of NIST's CAVP for IKEv1 key derivation, as they come.
//!
//! ```text
//! # 'IKE v1 Pre-shared Key Authentication' information for ...
//! [g^xy length = 256]         a group: lengths in bits, and the hash
//! [SHA-1]
//! [Ni length = 64]
//! ...
//! COUNT = 0                   a test: inputs, then SKEYID, SKEYID_d, SKEYID_a, SKEYID_e
//! CKY_I = 83d374c30b3b5082
//! ...
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use ikev1::crypto::HashAlgorithm;

use super::convert::fax_frame;
use super::error::VectorError;
use super::load::check_phase_one_keys;
use super::model::{Authentication, PhaseOneKeysFile, PhaseOneKeysGroup, PhaseOneKeysTest, TestResult};
use super::values::{HashName, Hex};

/// Reads a response file; `path` is for messages and for the name of the source.
///
/// `tcId` counts from 1 through the file; the number NIST gives is in the comment.
///
/// # Errors
/// [`VectorError::Fax`] with the line of anything that does not fit, and the structural errors of any vector file.
pub fn parse_fax(path: &Path, text: &str) -> Result<PhaseOneKeysFile, VectorError> {
    let mut reader = Reader::new(path);
    for (index, line) in text.lines().enumerate() {
        reader.line_number = index + 1;
        reader.line(line.trim())?;
    }
    reader.finish_test()?;
    let Some(authentication) = reader.authentication else {
        return Err(reader.error("no title that names the authentication method".to_owned()));
    };
    let file = fax_frame(path, authentication, reader.groups);
    check_phase_one_keys(path, &file)?;
    Ok(file)
}

/// The lengths and the hash of the group being read.
#[derive(Default, Clone)]
struct GroupHead {
    hash: Option<HashAlgorithm>,
    lengths: BTreeMap<&'static str, usize>,
}

struct Reader<'a> {
    path: &'a Path,
    line_number: usize,
    authentication: Option<Authentication>,
    groups: Vec<PhaseOneKeysGroup>,
    head: GroupHead,
    /// Whether the last lines were a group's head, so that the next test opens a group.
    in_head: bool,
    test: Option<OpenTest>,
    tests: u32,
}

/// A test whose lines are still coming.
struct OpenTest {
    count: String,
    values: BTreeMap<&'static str, Hex>,
}

const LENGTHS: [&str; 4] = ["g^xy", "Ni", "Nr", "pre-shared-key"];
const VALUES: [&str; 10] =
    ["CKY_I", "CKY_R", "Ni", "Nr", "g^xy", "pre-shared-key", "SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e"];

impl<'a> Reader<'a> {
    fn new(path: &'a Path) -> Self {
        Self {
            path,
            line_number: 1,
            authentication: None,
            groups: Vec::new(),
            head: GroupHead::default(),
            in_head: false,
            test: None,
            tests: 0,
        }
    }

    fn error(&self, detail: String) -> VectorError {
        VectorError::Fax { path: self.path.to_path_buf(), line: self.line_number, detail }
    }

    fn line(&mut self, line: &str) -> Result<(), VectorError> {
        if line.is_empty() {
            return Ok(());
        }
        if let Some(comment) = line.strip_prefix('#') {
            return self.comment(comment);
        }
        if let Some(head) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return self.head_line(head);
        }
        let Some((name, value)) = line.split_once('=') else {
            return Err(self.error(format!("{line:?}, expected NAME = VALUE")));
        };
        let (name, value) = (name.trim(), value.trim());
        if name == "COUNT" {
            self.finish_test()?;
            self.open_group()?;
            self.test = Some(OpenTest { count: value.to_owned(), values: BTreeMap::new() });
            return Ok(());
        }
        let Some(name) = VALUES.into_iter().find(|known| *known == name) else {
            return Err(self.error(format!("unknown value {name:?}, expected one of {}", VALUES.join(", "))));
        };
        let bytes = hex::decode(value).map_err(|error| self.error(format!("{name}: {error}")))?;
        let Some(test) = &mut self.test else {
            return Err(self.error(format!("{name} before the first COUNT")));
        };
        if test.values.insert(name, Hex(bytes)).is_some() {
            return Err(self.error(format!("{name} twice in one test")));
        }
        Ok(())
    }

    /// The title is the one comment with a meaning.
    fn comment(&mut self, comment: &str) -> Result<(), VectorError> {
        if comment.contains("Pre-shared Key Authentication") {
            self.authentication = Some(Authentication::Psk);
        } else if comment.contains("Digital Signature Authentication") {
            self.authentication = Some(Authentication::Signature);
        } else if comment.contains("Public Key Encryption Authentication") {
            return Err(self.error("the engine has no SKEYID of public key encryption".to_owned()));
        }
        Ok(())
    }

    fn head_line(&mut self, head: &str) -> Result<(), VectorError> {
        self.finish_test()?;
        self.in_head = true;
        if let Some((name, bits)) = head.split_once(" length = ") {
            let Some(name) = LENGTHS.into_iter().find(|known| *known == name) else {
                return Err(
                    self.error(format!("unknown length {name:?}, expected one of {}", LENGTHS.join(", ")))
                );
            };
            let bits =
                bits.parse().map_err(|error| self.error(format!("{name} length {bits:?}: {error}")))?;
            self.head.lengths.insert(name, bits);
            return Ok(());
        }
        self.head.hash = Some(match head {
            "SHA-1" => HashAlgorithm::Sha1,
            "SHA-256" => HashAlgorithm::Sha2_256,
            "SHA-384" => HashAlgorithm::Sha2_384,
            "SHA-512" => HashAlgorithm::Sha2_512,
            _ => {
                return Err(
                    self.error(format!("unknown hash {head:?}, expected SHA-1, SHA-256, SHA-384 or SHA-512"))
                );
            }
        });
        Ok(())
    }

    /// Opens a group from the head just read, if there was one.
    fn open_group(&mut self) -> Result<(), VectorError> {
        if !self.in_head {
            return if self.groups.is_empty() {
                Err(self.error("COUNT before the first group".to_owned()))
            } else {
                Ok(())
            };
        }
        let length = |name: &str| {
            let bits = self.head.lengths.get(name).copied();
            bits.ok_or_else(|| self.error(format!("group without [{name} length = ...]")))
        };
        let Some(authentication) = self.authentication else {
            return Err(self.error("COUNT before the title that names the authentication method".to_owned()));
        };
        let Some(hash) = self.head.hash else {
            return Err(self.error("group without a hash".to_owned()));
        };
        let group = PhaseOneKeysGroup {
            authentication,
            hash: HashName(hash),
            g_xy_bits: length("g^xy")?,
            ni_bits: length("Ni")?,
            nr_bits: length("Nr")?,
            psk_bits: match authentication {
                Authentication::Psk => Some(length("pre-shared-key")?),
                Authentication::Signature | Authentication::Encryption => None,
            },
            tests: Vec::new(),
        };
        self.groups.push(group);
        self.in_head = false;
        Ok(())
    }

    /// Closes the test being read, if there is one.
    fn finish_test(&mut self) -> Result<(), VectorError> {
        let Some(OpenTest { count, mut values }) = self.test.take() else { return Ok(()) };
        self.tests += 1;
        let psk = values.remove("pre-shared-key");
        let mut take = |name: &str| {
            let value = values.remove(name);
            value.ok_or_else(|| self.error(format!("the test COUNT = {count} above has no {name}")))
        };
        let test = PhaseOneKeysTest {
            tc_id: self.tests,
            flags: Vec::new(),
            cky_i: take("CKY_I")?,
            cky_r: take("CKY_R")?,
            ni_b: take("Ni")?,
            nr_b: take("Nr")?,
            g_xy: take("g^xy")?,
            psk,
            skeyid: take("SKEYID")?,
            skeyid_d: take("SKEYID_d")?,
            skeyid_a: take("SKEYID_a")?,
            skeyid_e: take("SKEYID_e")?,
            comment: format!("COUNT = {count}"),
            result: TestResult::Valid,
        };
        match self.groups.last_mut() {
            Some(group) => group.tests.push(test),
            // `COUNT` opens the group before the test, so there is one.
            None => return Err(self.error("a test before the first group".to_owned())),
        }
        Ok(())
    }
}
