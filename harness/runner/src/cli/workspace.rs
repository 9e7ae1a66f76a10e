//! Where scenarios, vectors, images and reports are.

use std::path::{Path, PathBuf};

use super::error::CliError;

/// The folder with `Cargo.toml` and `scenarios/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace at `root`, or the one around the current folder.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(root: Option<&Path>) -> Result<Self, CliError> {
        if let Some(root) = root {
            return if root.join("scenarios").is_dir() {
                Ok(Self { root: root.to_owned() })
            } else {
                Err(CliError::Usage(format!("{} has no folder `scenarios`", root.display())))
            };
        }
        let current = std::env::current_dir().map_err(CliError::harness)?;
        current
            .ancestors()
            .find(|folder| folder.join("Cargo.toml").is_file() && folder.join("scenarios").is_dir())
            .map(|root| Self { root: root.to_owned() })
            .ok_or_else(|| {
                CliError::Usage(format!(
                    "neither {} nor a folder above it has `Cargo.toml` and `scenarios/`: go there, or give --root",
                    current.display()
                ))
            })
    }

    /// Its root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Scenario files and the register of requirements.
    pub fn scenarios(&self) -> PathBuf {
        self.root.join("scenarios")
    }

    /// The scenario file of a case, from the root: the longest beginning of its ID that is one.
    pub fn scenario_file(&self, id: &str) -> Option<String> {
        let mut beginning = id;
        while !beginning.split('/').any(|part| matches!(part, "" | "." | "..")) {
            let file = format!("scenarios/{beginning}.json");
            if self.root.join(&file).is_file() {
                return Some(file);
            }
            beginning = beginning.rsplit_once('/')?.0;
        }
        None
    }

    /// Known answers.
    pub fn vectors(&self) -> PathBuf {
        self.root.join("vectors")
    }

    /// One folder per peer that runs in a container.
    pub fn docker(&self) -> PathBuf {
        self.root.join("docker")
    }

    /// Where runs go unless told otherwise; git ignores it.
    pub fn runs(&self) -> PathBuf {
        self.root.join("reports").join("run")
    }

    /// `path` as seen from the root, for messages.
    pub fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}
