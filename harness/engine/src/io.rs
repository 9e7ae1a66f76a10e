//! What goes into an [`Endpoint`](crate::Endpoint) and what comes out: datagrams, time, outputs.
//!
//! The engine owns no socket and reads no clock. The driver hands it datagrams together with the
//! present time, and drains [`Output`]s until it meets [`Output::Timeout`] or [`Output::Idle`].

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::event::Event;

/// A moment in the driver's time: the time since a start that the driver chose, real or virtual.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub Duration);

impl Timestamp {
    /// The start of the driver's time.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// The moment `ms` milliseconds after the start.
    pub const fn from_millis(ms: u64) -> Self {
        Self(Duration::from_millis(ms))
    }

    /// The moment `secs` seconds after the start.
    pub const fn from_secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// Milliseconds since the start.
    pub fn as_millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    /// The time from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(rhs))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(rhs))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0.as_secs(), self.0.subsec_micros())
    }
}

/// IP protocol number of UDP.
pub const IP_UDP: u8 = 17;
/// IP protocol number of ESP.
pub const IP_ESP: u8 = 50;
/// IP protocol number of IPComp.
pub const IP_COMP: u8 = 108;
/// IP protocol number of AH.
pub const IP_AH: u8 = 51;

/// What one IP packet carries, with its two ends as seen from this endpoint.
///
/// `payload` is the UDP payload. On the NAT traversal port it carries the non-ESP marker
/// (RFC 3948 section 2.2) in front of ISAKMP messages, or an ESP packet, or a keep-alive octet.
/// Where no NAT was found, ESP and AH are IP protocols of their own: then `ip_protocol` says so
/// and both ports are zero.
#[derive(Clone, PartialEq, Eq)]
pub struct Datagram {
    /// [`IP_UDP`], [`IP_ESP`] or [`IP_AH`].
    pub ip_protocol: u8,
    /// Our end.
    pub local: SocketAddr,
    /// The peer's end.
    pub remote: SocketAddr,
    /// The UDP payload.
    pub payload: Bytes,
}

impl fmt::Debug for Datagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Datagram({} <-> {}, protocol {}, {} bytes)",
            self.local,
            self.remote,
            self.ip_protocol,
            self.payload.len()
        )
    }
}

/// What an endpoint wants of its driver; see [`Endpoint::poll_output`](crate::Endpoint::poll_output).
#[derive(Debug, Clone)]
pub enum Output {
    /// Send this datagram.
    Transmit(Datagram),
    /// Something happened that the driver may want to know.
    Event(Event),
    /// Nothing to do before this moment; call `handle_timeout` then.
    Timeout(Timestamp),
    /// Nothing to do until a datagram or a command comes.
    Idle,
}
