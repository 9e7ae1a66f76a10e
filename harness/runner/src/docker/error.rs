//! Errors of the Docker and VICI layers.

use std::{io, time::Duration};

/// Why a container could not be built, started, reached or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DockerError {
    /// There is no `docker` executable in `PATH`.
    #[error("found no docker command: install Docker Engine (Debian: `apt-get install docker.io`)")]
    NoBinary,
    /// The command is there, but no daemon answers.
    #[error(
        "docker daemon does not answer ({detail}): start it (`systemctl start docker`), or set DOCKER_HOST"
    )]
    NoDaemon {
        /// What the client said.
        detail: String,
    },
    /// The engine answers, but its containers cannot be reached.
    #[error(
        "the docker engine at {endpoint} is on another machine, or in another network namespace: its bridge {bridge} is not \
         among the interfaces here, so its containers cannot be reached: run this on the engine's machine, or set \
         DOCKER_HOST to an engine of this one, such as unix:///var/run/docker.sock"
    )]
    Elsewhere {
        /// Where the engine is.
        endpoint: String,
        /// The interface that a network of it should have here.
        bridge: String,
    },
    /// The docker command heeds a context, which what starts containers does not.
    #[error(
        "the docker command's context is for the engine at {endpoint}, which holds for that command alone: set \
         DOCKER_HOST={endpoint}, which holds for everything, or `docker context use default`"
    )]
    Context {
        /// Where the context says that the engine is.
        endpoint: String,
    },
    /// A docker command ended with an error.
    #[error("command `{command}` failed with {status}: {detail}")]
    Command {
        /// The command line.
        command: String,
        /// Its exit status.
        status: String,
        /// The last lines that it printed.
        detail: String,
    },
    /// The image of a peer did not build.
    #[error("the image of {folder} did not build ({status}): {reason}: {todo}")]
    Build {
        /// The peer's folder.
        folder: String,
        /// The exit status of `docker build`.
        status: String,
        /// The last of what the build printed.
        reason: String,
        /// What to do about it.
        todo: &'static str,
    },
    /// A command could not be run at all.
    #[error("failed to run `{command}`: {source}")]
    Spawn {
        /// The command line.
        command: String,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A base image can neither be pulled nor be bootstrapped.
    #[error(
        "base image {image} is not here and cannot be pulled ({detail}), and there is no mmdebstrap to make it: \
         run `apt-get install mmdebstrap`, or `docker load` the image"
    )]
    NoBaseImage {
        /// The image.
        image: String,
        /// Why the pull failed.
        detail: String,
    },
    /// The release is not one that the peer's manifest lists.
    #[error("peer {peer} has no release {release:?}: expected one of {known}")]
    UnknownRelease {
        /// The peer.
        peer: String,
        /// The release that was asked for.
        release: String,
        /// The releases in the manifest.
        known: String,
    },
    /// An image is gone and cannot be made again.
    #[error(
        "image {image} was removed during the run, and {folder} has changed since: run again, with the image that the folder \
         gives now"
    )]
    ImageGone {
        /// The image.
        image: String,
        /// The peer's folder.
        folder: String,
    },
    /// A file of the image's directory could not be read.
    #[error("failed to read {path}: {source}")]
    Read {
        /// The file or directory.
        path: String,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A manifest or list of known deviations is not valid.
    #[error("failed to parse {path}: {source}")]
    Manifest {
        /// The file.
        path: String,
        /// The TOML reader's message, with line and column.
        source: Box<toml::de::Error>,
    },
    /// A template of a peer's files or commands cannot be understood or filled in.
    #[error("template {path}: {source:#}")]
    Template {
        /// The file, or the command in the manifest.
        path: String,
        /// The template engine's message, with the line.
        source: Box<minijinja::Error>,
    },
    /// A script failed.
    #[error("{0}")]
    Shell(#[from] super::shell::ShellError),
    /// What a script printed cannot be understood.
    #[error("{0}")]
    StateLine(#[from] super::shell_state::StateLineError),
    /// The Docker Engine API refused something.
    #[error("docker engine: {0}")]
    Api(#[from] testcontainers::bollard::errors::Error),
    /// The testcontainers library could not start or use the container.
    #[error("container: {0}")]
    Container(#[from] testcontainers::TestcontainersError),
    /// The container has no address on a bridge network.
    #[error("container {id} has no {what}: expected one on the default bridge network")]
    NoAddress {
        /// The container.
        id: String,
        /// What is missing.
        what: &'static str,
    },
    /// The daemon did not become ready.
    #[error("daemon in container {id} was not ready after {waited:?} ({detail}); its log ends:\n{log}")]
    NotReady {
        /// The container.
        id: String,
        /// How long the harness waited.
        waited: Duration,
        /// The last failure.
        detail: String,
        /// The tail of the container's log.
        log: String,
    },
    /// The container's process has ended.
    #[error("container {id} is not running; its log ends:\n{log}")]
    NotRunning {
        /// The container.
        id: String,
        /// The tail of the container's log.
        log: String,
    },
    /// A VICI exchange failed.
    #[error("vici: {0}")]
    Vici(#[from] ViciError),
}

/// Why a VICI exchange with charon failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViciError {
    /// The control socket could not be reached, or broke.
    #[error("failed to talk to the control socket: {0}")]
    Io(#[from] io::Error),
    /// No answer in time.
    #[error("command {command} had no answer after {waited:?}")]
    Timeout {
        /// The command.
        command: String,
        /// How long the harness waited.
        waited: Duration,
    },
    /// The answer is not a VICI message.
    #[error("met {0} where a VICI message was expected")]
    Malformed(&'static str),
    /// A packet announced a length that no charon sends.
    #[error("packet announces {len} octets, expected at most {max}")]
    TooLarge {
        /// The length announced.
        len: usize,
        /// The bound.
        max: usize,
    },
    /// A name or value cannot be encoded.
    #[error("{what} of {len} octets does not fit its VICI counter")]
    TooLong {
        /// `name` or `value`.
        what: &'static str,
        /// Its length.
        len: usize,
    },
    /// charon does not know the command or event.
    #[error("charon does not know the command or event {0}")]
    Unknown(String),
    /// charon refused the command.
    #[error("command {command} was refused: {message}")]
    Refused {
        /// The command.
        command: String,
        /// `errmsg` of the answer.
        message: String,
    },
    /// SAs were still there after they were told to go.
    #[error("{count} ISAKMP SAs are left after they were terminated")]
    Left {
        /// How many.
        count: usize,
    },
}
