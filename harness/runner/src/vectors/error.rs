//! Why a vector file could not be used at all, as opposed to a value in it being wrong.

use std::io;
use std::path::PathBuf;

/// A vector file that cannot be read, or contradicts itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VectorError {
    /// The file system refused.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The report could not be written to its output.
    #[error("writing the report: {0}")]
    Output(#[from] io::Error),
    /// Not the JSON that the file's schema asks for.
    #[error("{}:{line}:{column}: at {json_path}: {detail}", .path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where in the document, such as `testGroups[0].tests[3].tcId`.
        json_path: String,
        /// Line of the file, from 1.
        line: usize,
        /// Column of the line, from 1.
        column: usize,
        /// What was met and what was expected.
        detail: String,
    },
    /// The `schema` field names no known subject.
    #[error("{}: unknown schema {schema:?}, expected one of {}", .path.display(), .known.join(", "))]
    UnknownSchema {
        /// The file.
        path: PathBuf,
        /// What the file says.
        schema: String,
        /// What it could say.
        known: Vec<&'static str>,
    },
    /// A line of a NIST response file that does not fit.
    #[error("{}:{line}: {detail}", .path.display())]
    Fax {
        /// The file.
        path: PathBuf,
        /// Line of the file, from 1.
        line: usize,
        /// What was met and what was expected.
        detail: String,
    },
    /// Neither `.json` nor a NIST response file.
    #[error("{}: unknown kind of file, expected .json, .fax or .rsp", .path.display())]
    UnknownKind {
        /// The file.
        path: PathBuf,
    },
    /// A file, or a group of it, without a single test.
    #[error("{}: no tests in {place}", .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// The part that is empty.
        place: String,
    },
    /// `numberOfTests` is not the number of tests.
    #[error("{}: numberOfTests says {stated}, found {found}", .path.display())]
    WrongCount {
        /// The file.
        path: PathBuf,
        /// What the file says.
        stated: usize,
        /// How many tests it has.
        found: usize,
    },
    /// Two tests with one `tcId`.
    #[error("{}: tcId {tc_id} is used twice", .path.display())]
    RepeatedTcId {
        /// The file.
        path: PathBuf,
        /// The number.
        tc_id: u32,
    },
    /// A flag that `notes` does not explain.
    #[error("{}: tcId {tc_id} has the flag {flag:?}, which notes does not explain", .path.display())]
    UnknownFlag {
        /// The file.
        path: PathBuf,
        /// The test.
        tc_id: u32,
        /// The flag.
        flag: String,
    },
    /// A test that contradicts itself or its group.
    #[error("{}: tcId {tc_id}: {detail}", .path.display())]
    Contradiction {
        /// The file.
        path: PathBuf,
        /// The test.
        tc_id: u32,
        /// What was met and what was expected.
        detail: String,
    },
    /// The folder of vectors has none.
    #[error("{}: no vector files below this folder", .root.display())]
    NoFiles {
        /// The folder.
        root: PathBuf,
    },
}
