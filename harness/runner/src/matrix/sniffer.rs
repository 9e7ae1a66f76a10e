//! What goes over a link, from a packet socket (packet(7)).

use std::io::{self, Read as _};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, SockaddrLike as _, bind, socket};
use socket2::Socket;
use std::os::fd::AsRawFd as _;

/// How often the reader looks whether it is still wanted.
const POLL: Duration = Duration::from_millis(50);
/// Longest frame; what a sender leaves to segmentation can be longer than the link takes.
const FRAME_MAX: usize = 65_536;

/// An IPv4 packet that went over the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Time since the sniffer started.
    pub at: Duration,
    /// The packet, from its IPv4 header on.
    pub bytes: Vec<u8>,
}

impl Packet {
    /// Whether both its ends are among `ends`.
    #[must_use]
    pub fn is_between(&self, ends: &[Ipv4Addr]) -> bool {
        let address = |at: usize| -> Option<Ipv4Addr> {
            let octets: [u8; 4] = self.bytes.get(at..)?.first_chunk().copied()?;
            Some(Ipv4Addr::from(octets))
        };
        // Source and destination (RFC 791 section 3.1).
        [12, 16].into_iter().all(|at| address(at).is_some_and(|address| ends.contains(&address)))
    }
}

/// Gathers the IPv4 packets of one network interface, in both directions, until it is dropped.
#[derive(Debug)]
pub struct Sniffer {
    packets: Arc<Mutex<Vec<Packet>>>,
    stop: Arc<AtomicBool>,
    reader: Option<thread::JoinHandle<()>>,
}

impl Sniffer {
    /// Listens on the interface with this index.
    ///
    /// # Errors
    /// The process may not do that (it takes CAP_NET_RAW in the network namespace of the Docker engine), or there is no such
    /// interface.
    pub fn start(interface: usize) -> io::Result<Self> {
        // From the network header on: the link layer's is of no interest.
        let descriptor =
            socket(AddressFamily::Packet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll)?;
        // The address of an interface is the only packet address that can be had without unsafe code. Its protocol is zero,
        // which leaves the socket's as it is.
        let address = getifaddrs()?
            .filter_map(|entry| entry.address)
            .find(|address| address.as_link_addr().is_some_and(|link| link.ifindex() == interface))
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no interface {interface}")))?;
        debug_assert_eq!(address.family(), Some(AddressFamily::Packet));
        bind(descriptor.as_raw_fd(), &address)?;
        let socket = Socket::from(descriptor);
        socket.set_read_timeout(Some(POLL))?;
        let packets = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let reader = {
            let (packets, stop) = (Arc::clone(&packets), Arc::clone(&stop));
            thread::Builder::new().name("sniffer".to_owned()).spawn(move || read(socket, &packets, &stop))?
        };
        Ok(Self { packets, stop, reader: Some(reader) })
    }

    /// What has come since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<Packet> {
        std::mem::take(&mut *self.packets.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Sniffer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A reader that panicked has nothing to add.
        let _ = self.reader.take().map(thread::JoinHandle::join);
    }
}

fn read(mut socket: Socket, packets: &Mutex<Vec<Packet>>, stop: &AtomicBool) {
    let start = Instant::now();
    let mut frame = vec![0; FRAME_MAX];
    while !stop.load(Ordering::Relaxed) {
        match socket.read(&mut frame) {
            Ok(len) => {
                let bytes = frame.get(..len).unwrap_or_default();
                // ARP and IPv6 are not what is looked for.
                if bytes.first().is_some_and(|first| first >> 4 == 4) {
                    let packet = Packet { at: start.elapsed(), bytes: bytes.to_vec() };
                    packets.lock().unwrap_or_else(PoisonError::into_inner).push(packet);
                }
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
                ) => {}
            // The interface is gone with its container.
            Err(_) => return,
        }
    }
}
