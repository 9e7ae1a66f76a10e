//! Writes vector files: indented like any JSON, but one line for each test of the large subjects.

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::error::VectorError;
use super::model::{Subject, VectorFile};

/// The file as JSON text with a final newline; the same file gives the same text.
///
/// # Errors
/// [`VectorError::Output`] when serialising fails, which no file that was read can cause.
pub fn to_json<G: Serialize>(file: &VectorFile<G>) -> Result<String, VectorError> {
    // A chain is one long test that people read; elsewhere a test is one line, so that a diff shows one test.
    let depth = if file.schema == Subject::Chain.schema_name() { usize::MAX } else { TESTS_DEPTH };
    let formatter = ShallowFormatter { pretty: PrettyFormatter::new(), depth: 0, pretty_depth: depth };
    let mut serializer = serde_json::Serializer::with_formatter(Vec::new(), formatter);
    file.serialize(&mut serializer).map_err(io::Error::from)?;
    let mut text = String::from_utf8(serializer.into_inner()).map_err(io::Error::other)?;
    text.push('\n');
    Ok(text)
}

/// Writes the file as [`to_json`] gives it.
///
/// # Errors
/// [`VectorError::Io`] when the file system refuses, and those of [`to_json`].
pub fn write_file<G: Serialize>(path: &Path, file: &VectorFile<G>) -> Result<(), VectorError> {
    fs::write(path, to_json(file)?).map_err(|source| VectorError::Io { path: path.to_path_buf(), source })
}

/// Document, `testGroups`, group, `tests`: what is deeper is a test.
const TESTS_DEPTH: usize = 4;

/// Indents down to a depth, and puts everything below on one line.
struct ShallowFormatter {
    pretty: PrettyFormatter<'static>,
    depth: usize,
    pretty_depth: usize,
}

impl ShallowFormatter {
    fn is_pretty(&self) -> bool {
        self.depth <= self.pretty_depth
    }
}

/// Sends a call to the formatter of the current depth.
macro_rules! by_depth {
    ($($name:ident($($argument:ident: $kind:ty),*);)*) => {$(
        fn $name<W: ?Sized + io::Write>(&mut self, writer: &mut W $(, $argument: $kind)*) -> io::Result<()> {
            if self.is_pretty() {
                self.pretty.$name(writer $(, $argument)*)
            } else {
                CompactFormatter.$name(writer $(, $argument)*)
            }
        }
    )*};
}

impl Formatter for ShallowFormatter {
    by_depth! {
        begin_array_value(first: bool);
        end_array_value();
        begin_object_key(first: bool);
        begin_object_value();
        end_object_value();
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        if self.is_pretty() { self.pretty.begin_array(writer) } else { CompactFormatter.begin_array(writer) }
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let pretty = self.is_pretty();
        self.depth -= 1;
        if pretty { self.pretty.end_array(writer) } else { CompactFormatter.end_array(writer) }
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        if self.is_pretty() {
            self.pretty.begin_object(writer)
        } else {
            CompactFormatter.begin_object(writer)
        }
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let pretty = self.is_pretty();
        self.depth -= 1;
        if pretty { self.pretty.end_object(writer) } else { CompactFormatter.end_object(writer) }
    }
}
