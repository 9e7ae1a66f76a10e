//! Foreign IKEv1 daemons in containers.
//!
//! ```text
//! docker/NAME/peer.toml ─▶ PeerDir ─▶ ensure_image ─▶ PeerContainer ─▶ Charon ─▶ load, initiate, rekey, terminate, list
//! ```
//!
//! - [`docker_available`], [`engine_is_here`], [`ensure_image`]: preflight, and an image tagged by the hash of its directory.
//! - [`PeerContainer`]: one running daemon, its addresses, commands in it and its log; removed on drop.
//!   [`RunGuard`] and [`sweep()`] remove whatever a run has left.
//! - [`ChosenPeer`]: one release of a peer and its image.
//! - [`ControlShell`], [`Templates`]: control of any other daemon through a shell, by what its manifest says.
//! - [`Charon`]: control of strongSwan over VICI, without a restart between cases.
//! - [`CharonConnection`]: what both sides agree on, rendered as a charon connection.

mod api_version;
mod charon;
mod charon_config;
mod charon_keys;
mod charon_log;
mod chosen;
mod container;
mod engine;
mod error;
mod images;
mod manifest;
mod network;
mod shell;
mod shell_daemon;
mod shell_state;
mod sweep;
mod templates;
mod vici;
mod vici_message;

pub use charon::{
    CHARON_PROTECTED, Charon, CharonIpsecSa, CharonIsakmpSa, CharonVersion, HARNESS_PROTECTED, IsakmpSaState,
};
pub use charon_config::{
    CharonConnection, CharonDpd, CharonFragmentation, CharonModeConfig, CharonPool, CharonXauth, DpdAction,
    IkeLifetime, IpsecLifetime, IpsecMode, SecurityProtocol,
};
pub use charon_keys::CharonKeys;
pub(crate) use charon_keys::pem_blocks;
pub use charon_log::{
    LogEvent, LoggedMessage, PeerLogNote, PeerValue, ValueLabel, parse_charon_log, parse_charon_notes,
};
pub use chosen::ChosenPeer;
pub use container::{ContainerRequest, ExecOutput, PeerContainer, Place};
pub use engine::engine_is_here;
pub use error::{DockerError, ViciError};
pub use images::{LABEL, Progress, docker_available, ensure_image, image_name};
pub use manifest::{
    ALARMS, ContainerNeeds, Control, DEATHS, LEFT, Only, PeerDir, PeerManifest, Release, ShellControl,
};
pub use network::PeerNetwork;
pub use shell::{ControlShell, SCRIPT_TIME_MAX, ShellError};
pub use shell_daemon::ShellDaemon;
pub use shell_state::{StateLineError, parse_state, parse_values};
pub use sweep::{RunGuard, log_of_run, process_run_id, sweep, sweep_blocking, sweep_process};
pub use templates::Templates;
pub use vici::{COMMAND_TIMEOUT, Reply, Vici};
pub use vici_message::{Element, Section};
