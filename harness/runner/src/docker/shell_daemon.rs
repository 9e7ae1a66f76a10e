//! A daemon in a container that is controlled through a shell, by what the peer's manifest says.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::time::sleep;

use super::{
    chosen::ChosenPeer,
    container::{ContainerRequest, PeerContainer, Place, control_port},
    error::DockerError,
    manifest::ShellControl,
    shell::{ControlShell, SCRIPT_TIME_MAX},
    templates::Templates,
};

/// How long a daemon may take until it accepts commands, unless its manifest says otherwise.
const READY_SECONDS: u64 = 15;
/// How long a daemon may take for a case's configuration: it may have to start anew for it.
const LOAD_TIME_MAX: Duration = Duration::from_secs(25);
const POLL: Duration = Duration::from_millis(20);
const LOG_TAIL_LINES: usize = 25;

/// The log is taken to be complete when nothing came for this long.
const LOG_QUIET: Duration = Duration::from_millis(40);
const LOG_TIME_MAX: Duration = Duration::from_secs(2);

/// How the entrypoint says which kernel has the SAs, and why.
const KERNEL_LINE: &str = "kernel: ";

/// A daemon in a container; see the module documentation.
#[derive(Debug)]
pub struct ShellDaemon {
    container: PeerContainer,
    shell: ControlShell,
    templates: Templates,
    version: String,
}

impl ShellDaemon {
    /// Starts a container in `place`, and waits until the daemon in it takes commands. `protected` is the
    /// host behind the daemon.
    ///
    /// # Errors
    /// The container does not start, ends at once, or does not become ready in time (with its log); or a template of the
    /// peer cannot be understood.
    pub async fn start(
        peer: &ChosenPeer,
        control: &ShellControl,
        run_id: &str,
        protected: Ipv4Addr,
        place: Place,
    ) -> Result<Self, DockerError> {
        let templates = Templates::load(&peer.dir, control)?;
        peer.restore_image().await?;
        let port = control_port();
        let needs = &peer.dir.manifest.container;
        let mut environment = vec![
            ("PROTECTED_ADDRESS".to_owned(), format!("{protected}/32")),
            ("CONTROL_PORT".to_owned(), port.to_string()),
        ];
        if needs.kernel {
            environment.push(("KERNEL".to_owned(), peer.kernel.clone()));
        }
        let request = ContainerRequest {
            image: peer.image.clone(),
            run_id: run_id.to_owned(),
            environment,
            tmpfs: needs.tmpfs.iter().map(|(path, options)| (path.clone(), options.clone())).collect(),
            place,
        };
        let container = PeerContainer::start(&request).await?;
        let shell = ControlShell::new(SocketAddr::from((container.address(), port)));
        let mut daemon = Self { container, shell, templates, version: String::new() };
        daemon.wait_until_ready(Duration::from_secs(needs.ready_seconds.unwrap_or(READY_SECONDS))).await?;
        daemon.version = daemon.command("version", &()).await?.trim().to_owned();
        Ok(daemon)
    }

    async fn wait_until_ready(&self, limit: Duration) -> Result<(), DockerError> {
        let started = Instant::now();
        loop {
            let Err(error) = self.shell.run("true", limit).await else { return Ok(()) };
            let (id, waited) = (self.container.id().to_owned(), started.elapsed());
            if !self.container.is_running().await? {
                return Err(DockerError::NotRunning { id, log: self.container.log_tail(LOG_TAIL_LINES) });
            }
            if waited > limit {
                let log = self.container.log_tail(LOG_TAIL_LINES);
                return Err(DockerError::NotReady { id, waited, detail: error.to_string(), log });
            }
            sleep(POLL).await;
        }
    }

    /// The container.
    #[must_use]
    pub const fn container(&self) -> &PeerContainer {
        &self.container
    }

    /// Another connection to the shell beside the daemon.
    #[must_use]
    pub fn another_shell(&self) -> ControlShell {
        ControlShell::new(self.shell.address())
    }

    /// The daemon's version, as it tells.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Which kernel has the SAs and why, where the entrypoint said so.
    #[must_use]
    pub fn kernel(&self) -> Option<String> {
        let log = self.container.log_since(0);
        log.lines().find_map(|line| line.strip_prefix(KERNEL_LINE)).map(|text| text.trim().to_owned())
    }

    /// Writes the peer's files and takes them into use, in one go.
    ///
    /// # Errors
    /// A template cannot be filled in, or the script fails.
    pub async fn load(&self, context: &impl Serialize) -> Result<(), DockerError> {
        let mut script = self.templates.write_files(context)?;
        script.push_str(&self.templates.command("load", context)?);
        Ok(self.shell.run(&script, LOAD_TIME_MAX).await.map(drop)?)
    }

    /// Runs a command of the manifest; gives what it prints.
    ///
    /// # Errors
    /// A template cannot be filled in, or the script fails.
    pub async fn command(&self, name: &str, context: &impl Serialize) -> Result<String, DockerError> {
        let script = self.templates.command(name, context)?;
        Ok(self.shell.run(&script, SCRIPT_TIME_MAX).await?)
    }

    /// Runs a script beside the daemon: in the kernel that has its SAs. Gives what it prints.
    ///
    /// # Errors
    /// The script fails or does not end within `limit`.
    pub async fn script(&self, script: &str, limit: Duration) -> Result<String, DockerError> {
        Ok(self.shell.run(script, limit).await?)
    }

    /// The log from `offset` on, as soon as nothing more comes, with the offset of what is still to arrive.
    pub async fn settled_log(&self, offset: usize) -> (String, usize) {
        let started = Instant::now();
        loop {
            let before = self.container.log_len();
            let more = |_: &str| self.container.log_len() > before;
            if !self.container.wait_for_log(before, LOG_QUIET, more).await || started.elapsed() > LOG_TIME_MAX
            {
                return self.container.log_from(offset);
            }
        }
    }
}
