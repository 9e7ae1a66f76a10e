//! Foreign IKEv1 daemons in containers.
//!
//! ```text
//! docker/NAME/peer.toml ─▶ PeerDir ─▶ ensure_image ─▶ PeerContainer ─▶ Charon ─▶ load, initiate, rekey, terminate, list
//! ```
//!
//! - [`docker_available`], [`ensure_image`]: preflight, and an image tagged by the hash of its directory.
//! - [`PeerContainer`]: one running daemon, its addresses, commands in it and its log; removed on drop.
//!   [`RunGuard`] and [`sweep`] remove whatever a run has left.
//! - [`Charon`]: control of strongSwan over VICI, without a restart between cases.
//! - [`CharonConnection`]: what both sides agree on, rendered as a charon connection.

mod api_version;
mod charon;
mod charon_config;
mod charon_keys;
mod charon_log;
mod container;
mod error;
mod images;
mod manifest;
mod network;
mod sweep;
mod vici;
mod vici_message;

pub use charon::{
    CHARON_PROTECTED, Charon, CharonIpsecSa, CharonIsakmpSa, CharonVersion, HARNESS_PROTECTED, IsakmpSaState,
};
pub use charon_config::{
    CharonConnection, CharonModeConfig, CharonPool, CharonXauth, DpdAction, IkeLifetime, IpsecLifetime,
    IpsecMode, SecurityProtocol,
};
pub use charon_keys::CharonKeys;
pub(crate) use charon_keys::pem_blocks;
pub use charon_log::{
    LogEvent, LoggedMessage, PeerLogNote, PeerValue, ValueLabel, parse_charon_log, parse_charon_notes,
};
pub use container::{ContainerRequest, ExecOutput, PeerContainer};
pub use error::{DockerError, ViciError};
pub use images::{LABEL, Progress, content_hash, docker_available, ensure_image, image_name};
pub use manifest::{PeerDir, PeerManifest, PeerRole};
pub use sweep::{RunGuard, log_of_run, process_run_id, sweep, sweep_blocking, sweep_process};
pub use vici::{COMMAND_TIMEOUT, Reply, Vici};
pub use vici_message::{Element, Section};
