//! Commands that a device's file gives, run on this machine.

use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// A command that has not ended by then is killed, with whatever it has started.
pub const COMMAND_TIME_MAX: Duration = Duration::from_secs(20);

/// The last lines of a failed command's output that its error shows.
const SHOWN_LINES: usize = 12;

/// Runs `command` with `sh -c` to its end, in a process group of its own; gives its standard output.
///
/// # Errors
/// It cannot be started, does not end within `limit`, or ends with another exit code than 0 (with what it printed).
pub async fn run(command: &str, environment: &[(&str, String)], limit: Duration) -> Result<String, String> {
    let mut sh = Command::new("sh");
    sh.arg("-c").arg(command).envs(environment.iter().map(|(name, value)| (*name, value.as_str())));
    sh.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    let child = sh.spawn().map_err(|error| format!("`{command}`: sh cannot be started: {error}"))?;
    let group = child.id();
    match timeout(limit, child.wait_with_output()).await {
        Ok(Ok(output)) => finished(command, &output),
        Ok(Err(error)) => Err(format!("`{command}`: {error}")),
        Err(_) => {
            if let Some(group) = group {
                kill_group(group).await;
            }
            Err(format!("`{command}` had not ended after {} s and was killed", limit.as_secs_f32()))
        }
    }
}

fn finished(command: &str, output: &Output) -> Result<String, String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let all = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let text = String::from_utf8_lossy(&all);
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines.get(lines.len().saturating_sub(SHOWN_LINES)..).unwrap_or_default().join("\n");
    Err(format!("`{command}`: {}: {shown}", output.status))
}

/// Kills every process of a group that we have made.
async fn kill_group(group: u32) {
    // The group may be gone by now, which is as good.
    let _ = Command::new("sh").arg("-c").arg(format!("kill -s KILL -- -{group}")).output().await;
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn a_command_gives_its_standard_output_and_has_its_environment() {
        let environment = [("SPI_IN", "0000abcd".to_owned())];
        let output = run("echo $SPI_IN; echo noise >&2", &environment, COMMAND_TIME_MAX).await;
        assert_eq!(output.unwrap(), "0000abcd\n");
    }

    #[tokio::test]
    async fn a_failed_command_tells_its_code_and_both_outputs() {
        let error = run("echo out; echo bad >&2; exit 36", &[], COMMAND_TIME_MAX).await.unwrap_err();
        insta::assert_snapshot!(error, @r"
        `echo out; echo bad >&2; exit 36`: exit status: 36: out
        bad
        ");
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_killed_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let command = format!("sleep 300 & echo $! > {}; wait", file.display());
        let error = run(&command, &[], Duration::from_secs(2)).await.unwrap_err();
        assert!(error.contains("had not ended after 2 s and was killed"), "{error}");
        let pid = std::fs::read_to_string(&file).unwrap();
        let stat = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        // It dies when a processor comes to it, and then nobody may have waited for it yet.
        let dead = || stat().is_empty() || stat().contains(") Z ");
        let deadline = Instant::now() + Duration::from_secs(60);
        while !dead() {
            assert!(Instant::now() < deadline, "{}", stat());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
