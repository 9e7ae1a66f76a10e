//! Reads a vector file into its type, and refuses one that contradicts itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::VectorError;
use super::model::{
    AnyGroup, AnyTest, Authentication, CbcFile, ChainFile, HmacFile, PhaseOneKeysFile, PrimeFile, Subject,
    VectorFile,
};
use super::nist_fax::parse_fax;
use super::values::Hex;

/// A vector file in memory, sound in structure; whether its values are right is for the check.
#[derive(Debug, Clone)]
pub struct LoadedFile {
    pub(super) path: PathBuf,
    pub(super) contents: Contents,
}

#[derive(Debug, Clone)]
pub(super) enum Contents {
    PhaseOneKeys(PhaseOneKeysFile),
    Hmac(HmacFile),
    Cbc(CbcFile),
    ModpPrimes(PrimeFile),
    Chain(ChainFile),
}

impl LoadedFile {
    /// Reads a `.json` file of any subject, or a NIST response file (`.fax`, `.rsp`) as it comes.
    ///
    /// # Errors
    /// Every [`VectorError`] but `NoFiles` and `Output`.
    pub fn open(path: &Path) -> Result<Self, VectorError> {
        let text = fs::read_to_string(path)
            .map_err(|source| VectorError::Io { path: path.to_path_buf(), source })?;
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => Self::from_json(path, &text),
            Some("fax" | "rsp") => Ok(Self {
                path: path.to_path_buf(),
                contents: Contents::PhaseOneKeys(parse_fax(path, &text)?),
            }),
            _ => Err(VectorError::UnknownKind { path: path.to_path_buf() }),
        }
    }

    /// Reads JSON text; `path` is for messages only.
    ///
    /// # Errors
    /// Every [`VectorError`] that is about JSON or structure.
    pub fn from_json(path: &Path, text: &str) -> Result<Self, VectorError> {
        let schema = parse::<Head>(path, text)?.schema;
        let contents = match Subject::from_schema_name(&schema) {
            Some(Subject::PhaseOneKeys) => {
                let file: PhaseOneKeysFile = parse(path, text)?;
                check_phase_one_keys(path, &file)?;
                Contents::PhaseOneKeys(file)
            }
            Some(Subject::Hmac) => {
                let file: HmacFile = parse(path, text)?;
                check_hmac(path, &file)?;
                Contents::Hmac(file)
            }
            Some(Subject::Cbc) => {
                let file: CbcFile = parse(path, text)?;
                check_cbc(path, &file)?;
                Contents::Cbc(file)
            }
            Some(Subject::ModpPrimes) => {
                let file: PrimeFile = parse(path, text)?;
                check_frame(path, &file)?;
                Contents::ModpPrimes(file)
            }
            Some(Subject::Chain) => {
                let file: ChainFile = parse(path, text)?;
                check_frame(path, &file)?;
                Contents::Chain(file)
            }
            None => {
                let known = Subject::ALL.iter().map(|subject| subject.schema_name()).collect();
                return Err(VectorError::UnknownSchema { path: path.to_path_buf(), schema, known });
            }
        };
        Ok(Self { path: path.to_path_buf(), contents })
    }

    /// Where the file was read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file is about.
    #[must_use]
    pub const fn subject(&self) -> Subject {
        match self.contents {
            Contents::PhaseOneKeys(_) => Subject::PhaseOneKeys,
            Contents::Hmac(_) => Subject::Hmac,
            Contents::Cbc(_) => Subject::Cbc,
            Contents::ModpPrimes(_) => Subject::ModpPrimes,
            Contents::Chain(_) => Subject::Chain,
        }
    }
}

/// The one field that decides how to read the others.
#[derive(Deserialize)]
struct Head {
    schema: String,
}

fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, VectorError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let json_error = |json_path: String, error: &serde_json::Error| {
        let message = error.to_string();
        // serde_json ends its messages with the place, which is printed in front already.
        let detail = message.rsplit_once(" at line ").map_or(message.as_str(), |(detail, _)| detail);
        VectorError::Json {
            path: path.to_path_buf(),
            json_path,
            line: error.line(),
            column: error.column(),
            detail: detail.to_owned(),
        }
    };
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| json_error(error.path().to_string(), error.inner()))?;
    deserializer.end().map_err(|error| json_error("the end".to_owned(), &error))?;
    Ok(value)
}

/// The rules that hold for every subject.
pub(super) fn check_frame<G: AnyGroup>(path: &Path, file: &VectorFile<G>) -> Result<(), VectorError> {
    let path_buf = || path.to_path_buf();
    if file.test_groups.is_empty() {
        return Err(VectorError::Empty { path: path_buf(), place: "testGroups".to_owned() });
    }
    let mut seen = BTreeSet::new();
    for (index, group) in file.test_groups.iter().enumerate() {
        if group.tests().is_empty() {
            return Err(VectorError::Empty { path: path_buf(), place: format!("testGroups[{index}]") });
        }
        for test in group.tests() {
            let tc_id = test.tc_id();
            if !seen.insert(tc_id) {
                return Err(VectorError::RepeatedTcId { path: path_buf(), tc_id });
            }
            if let Some(flag) = test.flags().iter().find(|flag| !file.notes.contains_key(*flag)) {
                return Err(VectorError::UnknownFlag { path: path_buf(), tc_id, flag: flag.clone() });
            }
        }
    }
    if seen.len() != file.number_of_tests {
        return Err(VectorError::WrongCount {
            path: path_buf(),
            stated: file.number_of_tests,
            found: seen.len(),
        });
    }
    Ok(())
}

/// The frame, and that each test has the lengths that its group states.
pub(super) fn check_phase_one_keys(path: &Path, file: &PhaseOneKeysFile) -> Result<(), VectorError> {
    check_frame(path, file)?;
    for group in &file.test_groups {
        for test in &group.tests {
            let wrong = |detail: String| VectorError::Contradiction {
                path: path.to_path_buf(),
                tc_id: test.tc_id,
                detail,
            };
            let psk = test.psk.as_ref();
            if psk.is_some() != (group.authentication == Authentication::Psk) {
                return Err(wrong(format!(
                    "a psk belongs to authentication psk and to no other, got authentication {}",
                    group.authentication.name()
                )));
            }
            let lengths = [
                ("cky_i", Some(&test.cky_i), Some(64)),
                ("cky_r", Some(&test.cky_r), Some(64)),
                ("g_xy", Some(&test.g_xy), Some(group.g_xy_bits)),
                ("ni_b", Some(&test.ni_b), Some(group.ni_bits)),
                ("nr_b", Some(&test.nr_b), Some(group.nr_bits)),
                ("psk", psk, group.psk_bits),
            ];
            for (name, value, expected) in lengths {
                let got = value.map(|value| value.as_bytes().len().saturating_mul(8));
                if got != expected {
                    let bits =
                        |bits: Option<usize>| bits.map_or("none".to_owned(), |bits| format!("{bits} bits"));
                    return Err(wrong(format!("{name}: {}, expected {}", bits(got), bits(expected))));
                }
            }
        }
    }
    Ok(())
}

/// The frame, and that each tag has the length that its group states.
fn check_hmac(path: &Path, file: &HmacFile) -> Result<(), VectorError> {
    check_frame(path, file)?;
    for group in &file.test_groups {
        let longest = group.hash.0.output_len().saturating_mul(8);
        for test in &group.tests {
            let got = test.tag.as_bytes().len().saturating_mul(8);
            if got != group.tag_bits || got == 0 || got > longest {
                let detail =
                    format!("tag of {got} bits, expected tagBits {} of at most {longest}", group.tag_bits);
                return Err(VectorError::Contradiction {
                    path: path.to_path_buf(),
                    tc_id: test.tc_id,
                    detail,
                });
            }
        }
    }
    Ok(())
}

/// The frame, and that key, IV, plaintext and ciphertext have lengths that the cipher takes.
fn check_cbc(path: &Path, file: &CbcFile) -> Result<(), VectorError> {
    check_frame(path, file)?;
    for group in &file.test_groups {
        let cipher = group.cipher.0;
        let (key_len, block) = (cipher.key_len(), cipher.block_len());
        for test in &group.tests {
            let len = |field: &Hex| field.as_bytes().len();
            let (key, iv, msg, ct) = (len(&test.key), len(&test.iv), len(&test.msg), len(&test.ct));
            if (key, iv, ct) != (key_len, block, msg) || msg == 0 || !msg.is_multiple_of(block) {
                let detail = format!(
                    "key, iv, msg and ct of {key}, {iv}, {msg} and {ct} bytes, expected {key_len}, {block} and twice \
                     the same multiple of {block}"
                );
                return Err(VectorError::Contradiction {
                    path: path.to_path_buf(),
                    tc_id: test.tc_id,
                    detail,
                });
            }
        }
    }
    Ok(())
}

/// The `vectors/` folder of the workspace that this crate was built in.
#[must_use]
pub fn default_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors")
}

/// Every vector file in the subject folders of `root`, sorted. The schemas are not among them.
///
/// # Errors
/// [`VectorError::Io`] when a folder cannot be read; [`VectorError::NoFiles`] when there is no vector file.
pub fn default_files(root: &Path) -> Result<Vec<PathBuf>, VectorError> {
    let mut files = Vec::new();
    for folder in entries(root)? {
        if folder.is_dir() && folder.file_name().is_some_and(|name| name != "schema") {
            let is_json = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
            files.extend(entries(&folder)?.into_iter().filter(is_json));
        }
    }
    if files.is_empty() {
        return Err(VectorError::NoFiles { root: root.to_path_buf() });
    }
    Ok(files)
}

/// What a folder holds, sorted.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, VectorError> {
    let io_error = |source| VectorError::Io { path: folder.to_path_buf(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error)? {
        paths.push(entry.map_err(io_error)?.path());
    }
    paths.sort();
    Ok(paths)
}
