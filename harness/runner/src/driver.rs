//! What stands between the executor and a peer: addresses, a clock, datagrams, commands, the peer's own view.
//!
//! Three kinds of peer sit behind [`Driver`]: an endpoint in the same process with a virtual clock
//! ([`crate::target::loopback`]), a daemon in a container ([`crate::target::strongswan`],
//! [`crate::target::shell_peer`]), and a device somewhere on the network. The executor and the scenarios see no difference.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use ikev1::event::Role;
use ikev1::io::{Datagram, Timestamp};
use ikev1::keylog::Label;
use ikev1::wire::{CookiePair, MessageId, ProtocolId};
use ikev1_scenario::case::Case;
use ikev1_scenario::model::Which;
use ikev1_scenario::verdict::PeerProfile;

/// The four ends that a case speaks between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// The harness' end for plain ISAKMP.
    pub harness: SocketAddr,
    /// The harness' end for NAT traversal.
    pub harness_nat_t: SocketAddr,
    /// The peer's end for plain ISAKMP.
    pub peer: SocketAddr,
    /// The peer's end for NAT traversal.
    pub peer_nat_t: SocketAddr,
}

/// What a peer is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerCommand {
    /// Set up phase 1 only.
    InitiatePhase1,
    /// Set up an IPsec SA pair, and phase 1 before when there is no ISAKMP SA.
    InitiateQuickMode,
    /// Replace the ISAKMP SA.
    RekeyIsakmp(Which),
    /// Replace the IPsec SA pair.
    RekeyIpsec(Which),
    /// Delete the ISAKMP SA.
    DeleteIsakmp(Which),
    /// Delete the IPsec SA pair.
    DeleteIpsec(Which),
    /// Ask whether the harness lives (RFC 3706).
    Probe,
    /// Offer the private group by New Group mode (RFC 2409 section 5.6).
    NewGroup,
}

/// A derived value as the peer knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerValue {
    /// The ISAKMP SA.
    pub cookies: CookiePair,
    /// Zero for phase 1.
    pub m_id: MessageId,
    /// Which value.
    pub label: Label,
    /// The value.
    pub bytes: Vec<u8>,
    /// How it is known.
    pub source: ValueSource,
}

/// How a derived value of the peer is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueSource {
    /// The peer is our engine, which told it.
    Engine,
    /// The daemon logged it.
    DaemonLog,
    /// It is installed in the kernel that the peer uses.
    Kernel,
}

/// One unidirectional IPsec SA in the peer's kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledSa {
    /// AH or ESP.
    pub protocol: ProtocolId,
    /// Its SPI, which its receiver has chosen.
    pub spi: u32,
    /// The cipher's key; `None` where it has none.
    pub encryption_key: Option<Vec<u8>>,
    /// The key of the integrity algorithm; `None` where it has none.
    pub integrity_key: Option<Vec<u8>>,
}

/// What a peer shows of the values that it has derived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerValues {
    /// Values that are known to belong to an exchange.
    pub values: Vec<PeerValue>,
    /// The SAs in its kernel, with their keys.
    pub installed: Vec<InstalledSa>,
}

/// An ISAKMP SA as one side lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IsakmpSaView {
    /// Its cookies; CKY-R is zero until the responder has chosen it.
    pub cookies: CookiePair,
    /// The part that this side plays in it.
    pub role: Role,
    /// Whether phase 1 is complete.
    pub established: bool,
}

/// A pair of IPsec SAs as one side lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpsecSaView {
    /// AH or ESP.
    pub protocol: ProtocolId,
    /// SPI of this side's inbound SA.
    pub spi_in: u32,
    /// SPI of this side's outbound SA.
    pub spi_out: u32,
    /// Packets that came in, where known.
    pub packets_in: Option<u64>,
    /// Packets that went out, where known.
    pub packets_out: Option<u64>,
}

/// The SAs of one side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SaView {
    /// ISAKMP SAs, oldest first.
    pub isakmp_sas: Vec<IsakmpSaView>,
    /// IPsec SA pairs, oldest first.
    pub ipsec_sas: Vec<IpsecSaView>,
    /// What this side says, in words of its own, of the messages that came.
    pub reports: Vec<String>,
}

/// Trouble that is neither the peer's fault nor a finding: sockets, containers, our own bounds.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InfraError {
    /// A socket could not be opened.
    #[error("cannot bind UDP {address}: {source}{hint}")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
        /// What to do about it, with a separator in front; may be empty.
        hint: &'static str,
    },
    /// A socket failed.
    #[error("UDP socket {address}: {source}")]
    Socket {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The case's configuration cannot be given to an endpoint.
    #[error("configuration of {side}: {problem}")]
    Config {
        /// Which side.
        side: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The peer does not take the case's configuration.
    #[error("{what}: {problem}")]
    Refused {
        /// What was tried.
        what: String,
        /// What the peer said.
        problem: String,
        /// The end of its log.
        log: String,
    },
    /// The container or its daemon failed.
    #[error("{what}: {problem}")]
    Peer {
        /// What was tried.
        what: String,
        /// What happened.
        problem: String,
    },
    /// The peer cannot be told to do this.
    #[error("the peer cannot be told to {0}")]
    Unsupported(&'static str),
    /// The peer was told to use an SA that it does not have.
    #[error("the peer has no {0}")]
    NoSuchSa(&'static str),
    /// Something did not come to an end.
    #[error("{what} was not done after {} ms", .after.as_millis())]
    TimedOut {
        /// What was waited for.
        what: String,
        /// For how long.
        after: Duration,
    },
    /// One of our own bounds was reached.
    #[error("{what}: the bound of {limit} was reached")]
    Budget {
        /// What it bounds.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// A driver method was called before `prepare`.
    #[error("the peer is not prepared for a case")]
    NotPrepared,
}

impl InfraError {
    /// The peer, its container or its control socket failed while doing `what`.
    pub fn peer(what: impl Into<String>, problem: impl core::fmt::Display) -> Self {
        Self::Peer { what: what.into(), problem: problem.to_string() }
    }
}

/// How a case ended at the peer.
#[derive(Debug, Default)]
pub struct Ending {
    /// The peer's log since [`Driver::prepare`]; empty when it has none.
    pub log: String,
    /// What the peer still had after it was told to give up everything.
    pub left: Option<String>,
    /// Why it could not be told.
    pub fault: Option<InfraError>,
}

/// A peer and the way to it; see the module documentation.
///
/// Times are counted from the last [`Driver::prepare`].
#[async_trait]
pub trait Driver: Send {
    /// What the peer is and can do.
    fn profile(&self) -> &PeerProfile;

    /// Loads the case's configuration into the peer, which has no SA then, and starts the clock at zero.
    ///
    /// # Errors
    /// When the peer cannot be configured or the harness' sockets cannot be opened.
    async fn prepare(&mut self, case: &Case, seed: u64) -> Result<Addresses, InfraError>;

    /// The present time.
    fn now(&self) -> Timestamp;

    /// Sends a datagram from the harness to the peer.
    ///
    /// # Errors
    /// When the socket fails.
    async fn send(&mut self, datagram: &Datagram) -> Result<(), InfraError>;

    /// Waits for a datagram of the peer until that moment; `None` when none came.
    ///
    /// # Errors
    /// When a socket fails or the peer does not come to rest.
    async fn wait(&mut self, until: Timestamp) -> Result<Option<Datagram>, InfraError>;

    /// Tells the peer to do something, without waiting for it to be done.
    ///
    /// # Errors
    /// When the peer cannot be told, or has no such SA.
    async fn command(&mut self, command: PeerCommand) -> Result<(), InfraError>;

    /// Acts as a NAT that forgets its mapping: what the harness sends from its end for NAT traversal comes from another
    /// port from now on, and what goes to the old one is lost.
    ///
    /// # Errors
    /// When no other port can be had.
    async fn rebind(&mut self) -> Result<(), InfraError>;

    /// The SAs as the peer sees them.
    ///
    /// # Errors
    /// When the peer does not tell.
    async fn state(&mut self) -> Result<SaView, InfraError>;

    /// The derived values that the peer has shown since [`Driver::prepare`], and the keys in its kernel; empty for a peer
    /// that shows none.
    ///
    /// # Errors
    /// When the peer's log or its kernel cannot be read.
    async fn values(&mut self) -> Result<PeerValues, InfraError>;

    /// The first line of this part of the peer's log that says that its daemon died of a fault of its own.
    fn death(&self, _log: &str) -> Option<String> {
        None
    }

    /// The lines of this part of the peer's log that tell of faults of its own which its daemon survived.
    fn alarms(&self, _log: &str) -> Vec<String> {
        Vec::new()
    }

    /// Whether the peer keeps its SAs after a case unless it is sent Deletes, because nothing else resets it.
    fn keeps_sas(&self) -> bool {
        false
    }

    /// Ends the case: the peer is told to give up everything that it has, and what is left of that is said.
    async fn finish(&mut self) -> Ending;
}
