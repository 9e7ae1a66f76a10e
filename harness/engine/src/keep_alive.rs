//! When to keep the mapping of a NAT alive (RFC 3948 section 4).
//!
//! A host behind a NAT sends one octet 0xff when it has sent nothing else to a peer for a while, as long as an SA with
//! the peer stands. Nothing follows from receiving one: it is not authenticated.

use core::time::Duration;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::core::Path;
use crate::io::{Datagram, IP_UDP, Timestamp};

/// The mappings that we keep alive, by the peer's address.
#[derive(Debug, Default)]
pub(crate) struct KeepAlives {
    by_remote: BTreeMap<SocketAddr, KeepAlive>,
}

/// A mapping that we keep alive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeepAlive {
    path: Path,
    interval: Duration,
    last_sent: Timestamp,
}

impl KeepAlive {
    /// When a keep-alive is due if nothing else goes out before.
    pub(crate) fn due(&self) -> Timestamp {
        self.last_sent + self.interval
    }

    /// The keep-alive (RFC 3948 section 2.3).
    pub(crate) fn datagram(&self) -> Datagram {
        let Path { local, remote, .. } = self.path;
        Datagram { ip_protocol: IP_UDP, local, remote, payload: Bytes::from_static(&[0xff]) }
    }
}

impl KeepAlives {
    /// Keeps the mapping of this path alive from now on; when the first keep-alive is due.
    pub(crate) fn start(&mut self, path: Path, interval: Duration, now: Timestamp) -> Timestamp {
        // No interval would make a flood.
        let interval = interval.max(Duration::from_secs(1));
        let keep_alive = KeepAlive { path, interval, last_sent: now };
        self.by_remote.insert(path.remote, keep_alive);
        keep_alive.due()
    }

    /// Notes that something goes out to this address.
    pub(crate) fn sent(&mut self, remote: SocketAddr, now: Timestamp) {
        if let Some(keep_alive) = self.by_remote.get_mut(&remote) {
            keep_alive.last_sent = now;
        }
    }

    pub(crate) fn get(&self, remote: SocketAddr) -> Option<KeepAlive> {
        self.by_remote.get(&remote).copied()
    }

    pub(crate) fn stop(&mut self, remote: SocketAddr) {
        self.by_remote.remove(&remote);
    }
}
