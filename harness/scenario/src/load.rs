//! Reads a folder of scenarios, with errors that say where and what else was possible.

use core::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::lint::{self, Problem};
use crate::model::Scenario;
use crate::pki::{CREDENTIALS_FOLDER, CredentialFiles};
use crate::requirement::{RequirementError, Requirements};
use crate::select::{did_you_mean, nearest};

/// Folders below the scenario folder that hold no scenarios.
const OTHER_FOLDERS: [&str; 3] = [CREDENTIALS_FOLDER, "requirements", "schema"];

/// A scenario and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedScenario {
    /// Its path below the scenario folder, with `/`, without `.json`.
    pub id: String,
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub scenario: Scenario,
    /// The keys and certificates of its folder.
    pub credentials: Arc<CredentialFiles>,
}

/// Every scenario of a folder, in the order of their IDs, with the register of requirements.
#[derive(Debug, Clone, Default)]
pub struct Library {
    /// The scenarios.
    pub scenarios: Vec<LoadedScenario>,
    /// The register.
    pub requirements: Requirements,
}

/// Something wrong with a scenario folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A file or folder could not be read.
    #[error("could not read {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A scenario is wrong.
    #[error("{}:{line}:{column}: {place}{problem}{}", path.display(), did_you_mean(nearest))]
    Scenario {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// JSON path with a colon behind it, or nothing at the top.
        place: String,
        /// What is wrong.
        problem: String,
        /// Known names that look like the wrong one.
        nearest: Vec<String>,
    },
    /// The register of requirements is wrong.
    #[error(transparent)]
    Requirement(#[from] RequirementError),
}

/// Everything wrong with a scenario folder.
#[derive(Debug, thiserror::Error)]
pub struct LoadErrors(pub Vec<LoadError>);

impl fmt::Display for LoadErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl Library {
    /// Loads and [lints](crate::lint) every scenario below `folder`, and the register in its `requirements`.
    ///
    /// # Errors
    /// With everything that is wrong in any file.
    pub fn load(folder: &Path) -> Result<Self, LoadErrors> {
        let requirements =
            Requirements::load(&folder.join("requirements")).map_err(|e| LoadErrors(vec![e.into()]))?;
        let io = |(path, source)| LoadErrors(vec![LoadError::Io { path, source }]);
        let credentials = Arc::new(CredentialFiles::load(&folder.join(CREDENTIALS_FOLDER)).map_err(io)?);
        let mut paths = Vec::new();
        find(folder, true, &mut paths).map_err(|e| LoadErrors(vec![e]))?;
        paths.sort();
        let (mut scenarios, mut errors) = (Vec::new(), Vec::new());
        for path in paths {
            match load_file(folder, &path, &requirements, &credentials) {
                Ok(scenario) => scenarios.push(scenario),
                Err(found) => errors.extend(found),
            }
        }
        errors.extend(
            lint::lint_all(&scenarios).into_iter().map(|(path, problem)| located(&path, "", problem)),
        );
        if errors.is_empty() { Ok(Self { scenarios, requirements }) } else { Err(LoadErrors(errors)) }
    }
}

/// Collects the scenario files below a folder.
fn find(folder: &Path, top: bool, paths: &mut Vec<PathBuf>) -> Result<(), LoadError> {
    let io = |source| LoadError::Io { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type().map_err(io)?.is_dir() {
            if !(top && OTHER_FOLDERS.iter().any(|other| name == *other)) {
                find(&path, false, paths)?;
            }
        } else if path.extension().is_some_and(|e| e == "json") {
            paths.push(path);
        }
    }
    Ok(())
}

/// Loads and lints one scenario file below `folder`.
///
/// # Errors
/// With everything that is wrong in it.
pub fn load_file(
    folder: &Path,
    path: &Path,
    requirements: &Requirements,
    credentials: &Arc<CredentialFiles>,
) -> Result<LoadedScenario, Vec<LoadError>> {
    let text =
        fs::read_to_string(path).map_err(|source| vec![LoadError::Io { path: path.to_owned(), source }])?;
    let scenario = parse(&text, path).map_err(|e| vec![e])?;
    let below = path.strip_prefix(folder).unwrap_or(path).with_extension("");
    let parts: Vec<_> = below.components().map(|c| c.as_os_str().to_string_lossy()).collect();
    let (path_buf, credentials) = (path.to_owned(), Arc::clone(credentials));
    let loaded = LoadedScenario { id: parts.join("/"), path: path_buf, scenario, credentials };
    let problems = lint::lint(&loaded, requirements);
    if problems.is_empty() {
        Ok(loaded)
    } else {
        Err(problems.into_iter().map(|problem| located(path, &text, problem)).collect())
    }
}

/// Reads the text of a scenario; `path` is for error messages.
///
/// # Errors
/// When it is no JSON or not in the format of scenarios.
pub fn parse(text: &str, path: &Path) -> Result<Scenario, LoadError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let result = serde_path_to_error::deserialize(&mut deserializer);
    let (error, json_path) = match result {
        Ok(scenario) => match deserializer.end() {
            Ok(()) => return Ok(scenario),
            Err(error) => (error, String::new()),
        },
        Err(error) => {
            let json_path = error.path().to_string();
            (error.into_inner(), json_path)
        }
    };
    let text = error.to_string();
    let problem = text.rsplit_once(" at line ").map_or(text.as_str(), |(problem, _)| problem).to_owned();
    Err(LoadError::Scenario {
        path: path.to_owned(),
        line: error.line(),
        column: error.column(),
        place: place(json_path.trim_matches('.')),
        nearest: nearest_known(&problem),
        problem: shortened(problem),
    })
}

fn place(json_path: &str) -> String {
    if json_path.is_empty() { String::new() } else { format!("{json_path}: ") }
}

/// More names than this are counted in an error message, not listed.
const LISTED_MAX: usize = 40;

/// The text without the names that were expected, where they are many.
fn shortened(problem: String) -> String {
    match problem.split_once(", expected one of ") {
        Some((what, names)) if names.split("`, `").count() > LISTED_MAX => {
            format!("{what}, expected one of {} names", names.split("`, `").count())
        }
        _ => problem,
    }
}

/// For "unknown field `x`, expected one of `a`, `b`": which of those look like `x`.
fn nearest_known(problem: &str) -> Vec<String> {
    if !problem.starts_with("unknown ") {
        return Vec::new();
    }
    let mut quoted = problem.split('`').skip(1).step_by(2);
    let Some(word) = quoted.next() else { return Vec::new() };
    nearest(word, quoted)
}

/// A lint problem with the line of the value that it is about.
fn located(path: &Path, text: &str, problem: Problem) -> LoadError {
    let quoted = serde_json::to_string(&problem.value).unwrap_or_default();
    let at = (!problem.value.is_empty()).then(|| text.find(&quoted)).flatten().unwrap_or(0);
    let before = text.get(..at).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    LoadError::Scenario {
        path: path.to_owned(),
        line: before.matches('\n').count() + 1,
        column: at - line_start + 1,
        place: place(&problem.place),
        problem: problem.problem,
        nearest: problem.nearest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{
  "version": 1,
  "description": "d",
  "requirements": ["RFC2409-5.4-01"],
  "level": "must",
  "roles": ["initiator"],
  "steps": [
    {"start": {"exchange": "phase-1"}},
    {"expect": {"message": {"exchange": "main-mode", "number": 2}, "within_ms": 10}}
  ],
  "accept": [{"because": "b", "all": [{"no_sa": {}}]}]
}"#;

    fn error(from: &str, to: &str) -> String {
        parse(&GOOD.replacen(from, to, 1), Path::new("x.json")).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_file_line_path_value_and_the_nearest_known_name() {
        parse(GOOD, Path::new("x.json")).unwrap();
        insta::assert_snapshot!(error("within_ms", "withn_ms"), @"x.json:9:77: steps[1].expect.withn_ms: unknown field `withn_ms`, expected one of `message`, `from`, `within_ms`, `assert`, `on_failure`; did you mean `within_ms`?");
        insta::assert_snapshot!(error("phase-1", "phase1"), @"x.json:8:35: steps[0].start.exchange: unknown variant `phase1`, expected one of `phase-1`, `quick-mode`, `both`; did you mean `phase-1`?");
        insta::assert_snapshot!(error("10}", "\"ten\"}"), @r#"x.json:9:85: steps[1].expect.within_ms: invalid type: string "ten", expected u64"#);
        insta::assert_snapshot!(error("RFC2409-5.4-01", "RFC2409-5.4"), @r#"x.json:4:33: requirements[0]: requirement ID `RFC2409-5.4` is not of the form RFC2409-5.4-01"#);
        insta::assert_snapshot!(error("\"level\": \"must\",", ""), @"x.json:12:1: missing field `level`");
        insta::assert_snapshot!(error("{}}]}]", "{}}]}"), @"x.json:12:1: accept: expected `,` or `]`");
    }

    #[test]
    fn an_unknown_fault_operator_is_refused_with_the_nearest_ones() {
        let step = r#"{"fault": {"message": {"exchange": "main-mode", "number": 3}, "operator": "nonse-missing"}},
    {"start": {"#;
        let error = error(r#"{"start": {"#, step);
        let problem = "steps[0].fault.operator: unknown variant `nonse-missing`, expected one of ";
        assert!(error.contains(problem), "{error}");
        assert!(error.contains(" names; did you mean `nonce-missing`"), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn an_error_after_any_edit_of_one_character_is_inside_the_file(at in 0..GOOD.len(), with in ".") {
            let mut text = GOOD.to_owned();
            text.replace_range(at..=at, &with);
            if let Err(LoadError::Scenario { line, .. }) = parse(&text, Path::new("x.json")) {
                proptest::prop_assert!((1..=text.lines().count()).contains(&line), "line {line} of {text}");
            }
        }
    }

    #[test]
    fn the_committed_scenarios_load() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        match Library::load(&folder) {
            Ok(library) => assert!(!library.scenarios.is_empty()),
            Err(errors) => panic!("{errors}"),
        }
    }
}
