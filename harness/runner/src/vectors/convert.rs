//! Turns NIST's response files into this project's JSON.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use super::error::VectorError;
use super::model::{Authentication, PhaseOneKeysFile, PhaseOneKeysGroup, Subject};
use super::nist_fax::parse_fax;
use super::write::{to_json, write_file};

/// Reads the response file `fax`, writes it to `out` as JSON, and says how many tests it had.
///
/// The same input gives the same bytes.
///
/// # Errors
/// Those of [`parse_fax`], and [`VectorError::Io`] or [`VectorError::Output`].
pub fn convert(fax: &Path, out: &mut dyn Write) -> Result<usize, VectorError> {
    let file = read(fax)?;
    out.write_all(to_json(&file)?.as_bytes())?;
    Ok(file.number_of_tests)
}

/// [`convert`] into the file `json`.
///
/// # Errors
/// Those of [`convert`].
pub fn convert_file(fax: &Path, json: &Path) -> Result<usize, VectorError> {
    let file = read(fax)?;
    write_file(json, &file)?;
    Ok(file.number_of_tests)
}

fn read(fax: &Path) -> Result<PhaseOneKeysFile, VectorError> {
    let text =
        fs::read_to_string(fax).map_err(|source| VectorError::Io { path: fax.to_path_buf(), source })?;
    parse_fax(fax, &text)
}

/// The frame around the groups of a response file.
pub(super) fn fax_frame(
    path: &Path,
    authentication: Authentication,
    test_groups: Vec<PhaseOneKeysGroup>,
) -> PhaseOneKeysFile {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let formula = match authentication {
        Authentication::Psk => "SKEYID = prf(pre-shared-key, Ni_b | Nr_b)",
        Authentication::Signature => "SKEYID = prf(Ni_b | Nr_b, g^xy)",
        Authentication::Encryption => "SKEYID = prf(hash(Ni_b | Nr_b), CKY-I | CKY-R)",
    };
    PhaseOneKeysFile {
        schema: Subject::PhaseOneKeys.schema_name().to_owned(),
        description: format!(
            "{formula}, then SKEYID_d, SKEYID_a and SKEYID_e (RFC 2409 section 5). Lengths are in bits; NIST chose \
             lengths of g^xy that belong to no MODP group."
        ),
        source: format!(
            "NIST Cryptographic Algorithm Validation Program, response file {name} (Debian's source package nss has \
             it); a work of the United States government, in the public domain"
        ),
        generator: "vectors::convert of the crate ikev1-runner (harness/runner/src/vectors/convert.rs)"
            .to_owned(),
        number_of_tests: test_groups.iter().map(|group| group.tests.len()).sum(),
        notes: BTreeMap::new(),
        test_groups,
    }
}
