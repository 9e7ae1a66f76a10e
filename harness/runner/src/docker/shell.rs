//! A shell beside a daemon, reached over TCP: scripts go in, what they print comes out.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Mutex,
    time::timeout,
};

/// A script that has not ended by then has no answer.
pub const SCRIPT_TIME_MAX: Duration = Duration::from_secs(10);

/// Most octets that a script may print.
const OUTPUT_MAX: u64 = 4 << 20;

/// The last lines of a failed script's output that its error shows.
const SHOWN_LINES: usize = 12;

/// Why a script gave nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShellError {
    /// The shell could not be reached, or broke off.
    #[error("failed to talk to the control shell at {address}: {source}")]
    Io {
        /// Its address.
        address: SocketAddr,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// It ended in the middle of a script.
    #[error("the control shell at {address} went away in the middle of a script")]
    Gone {
        /// Its address.
        address: SocketAddr,
    },
    /// No end in time.
    #[error("the script `{script}` had not ended after {waited:?}")]
    Timeout {
        /// The script's first line.
        script: String,
        /// How long the harness waited.
        waited: Duration,
    },
    /// The script ended with an error.
    #[error("the script `{script}` ended with exit code {code}: {output}")]
    Failed {
        /// The script's first line.
        script: String,
        /// Its exit code.
        code: i32,
        /// The last lines that it printed.
        output: String,
    },
}

/// A connection to a shell. Scripts run one after the other, each in a subshell of its own.
#[derive(Debug)]
pub struct ControlShell {
    address: SocketAddr,
    connection: Mutex<Option<Connection>>,
}

#[derive(Debug)]
struct Connection {
    from: BufReader<OwnedReadHalf>,
    to: OwnedWriteHalf,
    scripts: u64,
}

impl ControlShell {
    /// The shell at `address`; it is connected to by the first script.
    #[must_use]
    pub const fn new(address: SocketAddr) -> Self {
        Self { address, connection: Mutex::const_new(None) }
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs a script for `/bin/sh` to its end; gives its standard output.
    ///
    /// # Errors
    /// No connection, no end within `limit`, or an exit code other than 0 (with what it printed, standard error
    /// included).
    pub async fn run(&self, script: &str, limit: Duration) -> Result<String, ShellError> {
        let mut kept = self.connection.lock().await;
        let started = Instant::now();
        let work = async {
            let mut connection = match kept.take() {
                Some(connection) => connection,
                None => Connection::open(self.address).await?,
            };
            let (code, output) = connection.run(script).await?;
            Ok((connection, code, output))
        };
        let first_line = || script.trim().lines().next().unwrap_or_default().to_owned();
        let io = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::UnexpectedEof => ShellError::Gone { address: self.address },
            _ => ShellError::Io { address: self.address, source },
        };
        // A connection that broke or timed out is in an unknown state, so it is not kept.
        let (connection, code, output) = match timeout(limit, work).await {
            Ok(done) => done.map_err(io)?,
            Err(_) => return Err(ShellError::Timeout { script: first_line(), waited: started.elapsed() }),
        };
        *kept = Some(connection);
        if code == 0 {
            return Ok(output);
        }
        let lines: Vec<&str> = output.lines().collect();
        let output = lines.get(lines.len().saturating_sub(SHOWN_LINES)..).unwrap_or_default().join("\n");
        Err(ShellError::Failed { script: first_line(), code, output })
    }
}

impl Connection {
    async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (from, to) = stream.into_split();
        Ok(Self { from: BufReader::new(from), to, scripts: 0 })
    }

    /// Exit code and output of a script: standard output, and behind it standard error where the script failed.
    async fn run(&mut self, script: &str) -> std::io::Result<(i32, String)> {
        self.scripts = self.scripts.saturating_add(1);
        let mark = format!("ikev1-harness-end-{}-", self.scripts);
        // The subshell keeps `exit` and `cd` of a script to itself.
        let wrapped = format!(
            "errors=$(mktemp)\n(\n{script}\n) </dev/null 2>\"$errors\"\ncode=$?\n\
             [ $code -eq 0 ] || cat \"$errors\"\nrm -f \"$errors\"\nprintf '\\n%s%s\\n' '{mark}' $code\n"
        );
        self.to.write_all(wrapped.as_bytes()).await?;
        let mut output = String::new();
        let mut line = Vec::new();
        let mut from = (&mut self.from).take(OUTPUT_MAX);
        loop {
            line.clear();
            if from.read_until(b'\n', &mut line).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let text = String::from_utf8_lossy(&line);
            if let Some(code) = text.strip_prefix(&mark) {
                // The newline in front of the mark is not the script's.
                if output.ends_with('\n') {
                    output.pop();
                }
                return Ok((code.trim().parse().unwrap_or(-1), output));
            }
            output.push_str(&text);
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tokio::{net::TcpListener, process::Command};

    use super::*;

    /// A listener that gives each connection a shell.
    async fn shell() -> ControlShell {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut shell = Command::new("/bin/sh")
                    .stdin(std::process::Stdio::piped())
                    .stdout(std::process::Stdio::piped())
                    .kill_on_drop(true)
                    .spawn()
                    .unwrap();
                let (mut to, mut from) = (shell.stdin.take().unwrap(), shell.stdout.take().unwrap());
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    tokio::select! {
                        _ = tokio::io::copy(&mut read, &mut to) => {}
                        _ = tokio::io::copy(&mut from, &mut write) => {}
                    }
                    drop(shell);
                });
            }
        });
        ControlShell::new(address)
    }

    #[rstest]
    #[case::lines("echo a; echo b", "a\nb\n")]
    #[case::no_newline_at_the_end("printf a", "a")]
    #[case::nothing("true", "")]
    #[case::standard_error_of_a_success_is_left_out("echo a; echo b >&2", "a\n")]
    #[case::an_early_exit("echo a; exit 0; echo b", "a\n")]
    #[tokio::test]
    async fn a_script_gives_its_output(#[case] script: &str, #[case] output: &str) {
        let shell = shell().await;
        for _ in 0..2 {
            assert_eq!(shell.run(script, SCRIPT_TIME_MAX).await.unwrap(), output);
        }
    }

    #[tokio::test]
    async fn a_failed_script_tells_its_code_and_both_outputs() {
        let shell = shell().await;
        let error = shell.run("echo out\necho bad >&2; exit 36", SCRIPT_TIME_MAX).await.unwrap_err();
        insta::assert_snapshot!(error, @r"
        the script `echo out` ended with exit code 36: out
        bad
        ");
        assert_eq!(shell.run("echo again", SCRIPT_TIME_MAX).await.unwrap(), "again\n");
    }

    #[tokio::test]
    async fn a_script_that_hangs_costs_its_connection_only() {
        let shell = shell().await;
        let error = shell.run("sleep 60", Duration::from_millis(200)).await.unwrap_err();
        assert!(matches!(error, ShellError::Timeout { .. }), "{error}");
        assert_eq!(shell.run("echo again", SCRIPT_TIME_MAX).await.unwrap(), "again\n");
    }

    #[tokio::test]
    async fn a_shell_that_ends_is_gone_and_the_next_script_gets_another() {
        let shell = shell().await;
        let error = shell.run("kill $$", SCRIPT_TIME_MAX).await.unwrap_err();
        assert!(matches!(error, ShellError::Gone { .. }), "{error}");
        assert_eq!(shell.run("echo again", SCRIPT_TIME_MAX).await.unwrap(), "again\n");
    }
}
