//! Removal of containers and networks that a run has left behind.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use super::{error::DockerError, images::LABEL};

/// Removes every container and network of the run `run_id`; returns the identifiers of those that were there.
///
/// # Errors
/// A docker command that fails.
pub async fn sweep(run_id: &str) -> Result<Vec<String>, DockerError> {
    let run_id = run_id.to_owned();
    tokio::task::spawn_blocking(move || sweep_blocking(&run_id)).await.unwrap_or_else(|error| {
        let detail = error.to_string();
        Err(DockerError::Command { command: "sweep".to_owned(), status: "panic".to_owned(), detail })
    })
}

/// As [`sweep`], for places without a runtime: drop, panic and signal handlers.
///
/// # Errors
/// A docker command that fails.
pub fn sweep_blocking(run_id: &str) -> Result<Vec<String>, DockerError> {
    let filter = format!("label={LABEL}={run_id}");
    let listed = docker(&["ps", "--all", "--quiet", "--no-trunc", "--filter", &filter])?;
    let ids: Vec<String> = listed.lines().map(str::to_owned).collect();
    if !ids.is_empty() {
        let mut args = vec!["rm", "--force", "--volumes"];
        args.extend(ids.iter().map(String::as_str));
        // A container that is being removed by someone else is as good as removed.
        if let Err(error) = docker(&args) {
            let left = docker(&["ps", "--all", "--quiet", "--no-trunc", "--filter", &filter])?;
            if !left.is_empty() && !error.to_string().contains("already in progress") {
                return Err(error);
            }
        }
    }
    // One that cannot be removed must not keep the others.
    let networks = docker(&["network", "ls", "--quiet", "--no-trunc", "--filter", &filter])?;
    let removed: Vec<_> = networks.lines().map(remove_network).collect();
    removed.into_iter().collect::<Result<(), _>>()?;
    Ok(ids)
}

/// The beginning of the run IDs of this process; a member of a pool adds its number.
#[must_use]
pub fn process_run_id() -> String {
    format!("run-{}", std::process::id())
}

/// Removes every container and network of every run of this process, for a user who does not wait for its end.
///
/// # Errors
/// A docker command that fails.
pub fn sweep_process() -> Result<(), DockerError> {
    let own = process_run_id();
    let (filter, format) = (format!("label={LABEL}"), format!("{{{{.Label \"{LABEL}\"}}}}"));
    let mut runs = docker(&["ps", "--all", "--filter", &filter, "--format", &format])?;
    runs.push('\n');
    runs.push_str(&docker(&["network", "ls", "--filter", &filter, "--format", &format])?);
    let of_this_process = |run: &&str| {
        run.strip_prefix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let runs: BTreeSet<_> = runs.lines().filter(of_this_process).collect();
    let swept: Vec<_> = runs.into_iter().map(sweep_blocking).collect();
    swept.into_iter().try_for_each(|swept| swept.map(drop))
}

/// What the containers of the run `run_id` have printed; empty when there is none, or the engine does not tell.
#[must_use]
pub fn log_of_run(run_id: &str) -> String {
    let filter = format!("label={LABEL}={run_id}");
    let listed = docker(&["ps", "--all", "--quiet", "--no-trunc", "--filter", &filter]).unwrap_or_default();
    listed.lines().filter_map(|id| docker(&["logs", id]).ok()).collect()
}

/// Removes a network by name or identifier; one that is not there is as good as removed.
pub(super) fn remove_network(network: &str) -> Result<(), DockerError> {
    match docker(&["network", "rm", network]) {
        Err(error) if !error.to_string().contains("not found") => Err(error),
        _ => Ok(()),
    }
}

fn docker(args: &[&str]) -> Result<String, DockerError> {
    let command = || format!("docker {}", args.join(" "));
    let output = Command::new("docker")
        .args(args)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| DockerError::Spawn { command: command(), source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(DockerError::Command {
        command: command(),
        status: output.status.to_string(),
        detail: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// Sweeps a run when it goes out of scope: at the end of `main`, on an early return, and on a panic.
///
/// Make it before the first container, so that it is dropped after the last.
#[derive(Debug)]
pub struct RunGuard {
    run_id: String,
}

impl RunGuard {
    /// A guard for the containers and networks labelled with `run_id`.
    #[must_use]
    pub fn new(run_id: impl Into<String>) -> Self {
        Self { run_id: run_id.into() }
    }

    /// The run that this guards.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.run_id
    }
}

impl Drop for RunGuard {
    fn drop(&mut self) {
        // Nobody is left to tell; the container's own time limit is the last resort.
        let _ = sweep_blocking(&self.run_id);
    }
}
