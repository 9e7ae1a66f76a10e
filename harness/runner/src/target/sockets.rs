//! The harness' sockets towards a peer that is not in this process: two for UDP, and one for ESP outside it.

use std::future::pending;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ikev1::io::{Datagram, IP_ESP, IP_UDP};
use tokio::net::UdpSocket;
use tokio::time::{sleep, timeout_at};

use super::raw_ip::RawEsp;
use crate::driver::InfraError;

/// The ISAKMP port (RFC 2408 section 2.5.1).
pub const ISAKMP_PORT: u16 = 500;

/// The port for NAT traversal (RFC 3947 section 4).
pub const NAT_T_PORT: u16 = 4500;

/// Longest UDP payload.
const DATAGRAM_MAX: usize = 65_535;

/// How long another case may hold the ports that this one must have.
const PORTS_TIME_MAX: Duration = Duration::from_secs(10);

/// How often they are tried.
const PORTS_POLL: Duration = Duration::from_millis(20);

/// What to do when the ports of the field cannot be had.
const HINT: &str = ": a peer that initiates expects us on ports 500 and 4500 of this address; run as root or with \
                    CAP_NET_BIND_SERVICE, stop what else uses the ports (an IKE daemon?), and run against the \
                    engine of this machine, not a remote one";

/// What to do when the ports that a device's file names cannot be had.
const DEVICE_HINT: &str = ": check `local_address`, `local_port` and `local_nat_t_port` in the device's file; ports below \
                           1024 take root or CAP_NET_BIND_SERVICE, and no other IKE daemon";

/// A pair of sockets; see the module documentation.
#[derive(Debug)]
pub struct Sockets {
    isakmp: UdpSocket,
    nat_t: UdpSocket,
    /// Where the harness believes the NAT traversal socket to be: behind a NAT, its port on the outside is another.
    inside: Option<SocketAddr>,
    peer: IpAddr,
    /// For peers whose ESP comes from a kernel.
    esp: Option<RawEsp>,
}

impl Sockets {
    /// Opens both sockets at `address` for datagrams of `peer` only: on ports 500 and 4500 where these can be
    /// had, else on any ports. With `fixed_ports` it must be those; for a while it waits until they are free.
    ///
    /// # Errors
    /// When the sockets cannot be opened.
    pub async fn open(address: Ipv4Addr, peer: Ipv4Addr, fixed_ports: bool) -> Result<Self, InfraError> {
        let peer = peer.into();
        let deadline = Instant::now() + PORTS_TIME_MAX;
        loop {
            let error = match (bind(address, ISAKMP_PORT).await, bind(address, NAT_T_PORT).await) {
                (Ok(isakmp), Ok(nat_t)) => return Ok(Self { isakmp, nat_t, inside: None, peer, esp: None }),
                (Err(error), _) | (_, Err(error)) => error,
            };
            if !fixed_ports {
                let (isakmp, nat_t) = (bind(address, 0).await?, bind(address, 0).await?);
                return Ok(Self { isakmp, nat_t, inside: None, peer, esp: None });
            }
            if !in_use(&error) || Instant::now() > deadline {
                return Err(error);
            }
            sleep(PORTS_POLL).await;
        }
    }

    /// Opens both sockets at `address`, on these ports for plain ISAKMP and for NAT traversal, for datagrams of `peer` only.
    /// Port 0 is any.
    ///
    /// # Errors
    /// When the sockets cannot be opened.
    pub async fn open_at(address: Ipv4Addr, ports: (u16, u16), peer: Ipv4Addr) -> Result<Self, InfraError> {
        let of_device = |error| match error {
            InfraError::Bind { address, source, .. } => {
                InfraError::Bind { address, source, hint: DEVICE_HINT }
            }
            other => other,
        };
        let isakmp = bind(address, ports.0).await.map_err(of_device)?;
        let nat_t = bind(address, ports.1).await.map_err(of_device)?;
        Ok(Self { isakmp, nat_t, inside: None, peer: peer.into(), esp: None })
    }

    /// Opens the socket for ESP outside UDP too, between `address` and `peer`.
    ///
    /// # Errors
    /// When this process may not open raw sockets.
    pub fn with_esp(mut self, address: Ipv4Addr, peer: Ipv4Addr) -> Result<Self, InfraError> {
        self.esp = Some(RawEsp::open(address, peer)?);
        Ok(self)
    }

    /// The ends: for plain ISAKMP, and for NAT traversal.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn local(&self) -> Result<(SocketAddr, SocketAddr), InfraError> {
        let of = |socket: &UdpSocket| {
            socket.local_addr().map_err(|source| InfraError::Socket { address: unspecified(), source })
        };
        let nat_t = self.inside.map_or_else(|| of(&self.nat_t), Ok)?;
        Ok((of(&self.isakmp)?, nat_t))
    }

    /// Moves the end for NAT traversal to another port, of which the harness knows nothing.
    ///
    /// # Errors
    /// When no other socket can be opened.
    pub async fn rebind(&mut self) -> Result<(), InfraError> {
        let (isakmp, inside) = self.local()?;
        let IpAddr::V4(address) = isakmp.ip() else {
            return Err(InfraError::Unsupported("follow an IPv6 address"));
        };
        self.nat_t = bind(address, 0).await?;
        self.inside = Some(inside);
        Ok(())
    }

    /// Sends a datagram from the socket that is its local end.
    ///
    /// # Errors
    /// When the socket fails, or the datagram is no UDP.
    pub async fn send(&self, datagram: &Datagram) -> Result<(), InfraError> {
        match (datagram.ip_protocol, &self.esp) {
            (IP_UDP, _) => {}
            (IP_ESP, Some(esp)) => return esp.send(&datagram.payload).await,
            _ => return Err(InfraError::Unsupported("take ESP or AH outside UDP")),
        }
        let (_, nat_t) = self.local()?;
        let socket = if datagram.local == nat_t { &self.nat_t } else { &self.isakmp };
        let sent = socket.send_to(&datagram.payload, datagram.remote).await;
        sent.map(drop).map_err(|source| InfraError::Socket { address: datagram.local, source })
    }

    /// The next datagram of the peer; `None` when none came before the deadline.
    ///
    /// # Errors
    /// When a socket fails.
    pub async fn receive(&self, deadline: Instant) -> Result<Option<Datagram>, InfraError> {
        let mut from_isakmp = vec![0; DATAGRAM_MAX];
        let mut from_nat_t = vec![0; DATAGRAM_MAX];
        let (local, local_nat_t) = self.local()?;
        loop {
            let either = async {
                tokio::select! {
                    got = self.isakmp.recv_from(&mut from_isakmp) => Either::Udp(local, got),
                    got = self.nat_t.recv_from(&mut from_nat_t) => Either::Udp(local_nat_t, got),
                    esp = next_esp(self.esp.as_ref()) => Either::Esp(esp),
                }
            };
            let (local, got) = match timeout_at(deadline.into(), either).await {
                Err(_) => return Ok(None),
                Ok(Either::Esp(esp)) => return esp.map(Some),
                Ok(Either::Udp(local, got)) => (local, got),
            };
            let (len, remote) = got.map_err(|source| InfraError::Socket { address: local, source })?;
            if remote.ip() != self.peer {
                continue;
            }
            let buffer = if local == local_nat_t { &from_nat_t } else { &from_isakmp };
            let payload = Bytes::copy_from_slice(buffer.get(..len).unwrap_or_default());
            return Ok(Some(Datagram { ip_protocol: IP_UDP, local, remote, payload }));
        }
    }
}

/// What came first.
enum Either {
    Udp(SocketAddr, io::Result<(usize, SocketAddr)>),
    Esp(Result<Datagram, InfraError>),
}

/// The next ESP packet; never, where there is no socket for it.
async fn next_esp(socket: Option<&RawEsp>) -> Result<Datagram, InfraError> {
    match socket {
        Some(socket) => socket.receive().await,
        None => pending().await,
    }
}

fn in_use(error: &InfraError) -> bool {
    matches!(error, InfraError::Bind { source, .. } if source.kind() == io::ErrorKind::AddrInUse)
}

async fn bind(address: Ipv4Addr, port: u16) -> Result<UdpSocket, InfraError> {
    let address = SocketAddr::from((address, port));
    UdpSocket::bind(address).await.map_err(|source| {
        let known =
            [io::ErrorKind::PermissionDenied, io::ErrorKind::AddrInUse, io::ErrorKind::AddrNotAvailable];
        let hint = if port != 0 && known.contains(&source.kind()) { HINT } else { "" };
        InfraError::Bind { address, source, hint }
    })
}

fn unspecified() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pair() -> (Sockets, UdpSocket) {
        let host = Ipv4Addr::LOCALHOST;
        let sockets = Sockets {
            isakmp: bind(host, 0).await.unwrap(),
            nat_t: bind(host, 0).await.unwrap(),
            inside: None,
            peer: host.into(),
            esp: None,
        };
        (sockets, UdpSocket::bind((host, 0)).await.unwrap())
    }

    #[tokio::test]
    async fn datagrams_keep_their_socket_in_both_directions() {
        let (sockets, peer) = pair().await;
        let (_, nat_t) = sockets.local().unwrap();
        let remote = peer.local_addr().unwrap();
        let out = Datagram { ip_protocol: IP_UDP, local: nat_t, remote, payload: Bytes::from_static(b"out") };
        sockets.send(&out).await.unwrap();
        let mut buffer = [0; 8];
        let (len, from) = peer.recv_from(&mut buffer).await.unwrap();
        assert_eq!((&buffer[..len], from), (&b"out"[..], nat_t));

        peer.send_to(&[7; 60_000], nat_t).await.unwrap();
        let got = sockets.receive(Instant::now() + Duration::from_secs(5)).await.unwrap().unwrap();
        assert_eq!((got.local, got.remote, got.payload.len()), (nat_t, remote, 60_000));
        let none = sockets.receive(Instant::now() + Duration::from_millis(5)).await.unwrap();
        assert_eq!(none, None);
    }

    #[tokio::test]
    async fn a_rebound_socket_has_another_port_on_the_outside_only() {
        let (mut sockets, peer) = pair().await;
        let (_, inside) = sockets.local().unwrap();
        sockets.rebind().await.unwrap();
        assert_eq!(sockets.local().unwrap().1, inside);
        let remote = peer.local_addr().unwrap();
        let out =
            Datagram { ip_protocol: IP_UDP, local: inside, remote, payload: Bytes::from_static(b"out") };
        sockets.send(&out).await.unwrap();
        let (_, outside) = peer.recv_from(&mut [0; 8]).await.unwrap();
        assert_ne!(outside, inside);
        peer.send_to(b"back", outside).await.unwrap();
        let got = sockets.receive(Instant::now() + Duration::from_secs(5)).await.unwrap().unwrap();
        assert_eq!((got.local, &got.payload[..]), (inside, &b"back"[..]));
    }

    #[tokio::test]
    async fn esp_outside_udp_cannot_be_sent() {
        let (sockets, peer) = pair().await;
        let (local, _) = sockets.local().unwrap();
        let remote = peer.local_addr().unwrap();
        let esp = Datagram { ip_protocol: 50, local, remote, payload: Bytes::new() };
        assert!(matches!(sockets.send(&esp).await, Err(InfraError::Unsupported(_))));
    }

    #[tokio::test]
    async fn an_address_that_is_not_ours_is_refused_with_a_hint() {
        let elsewhere = Ipv4Addr::new(192, 0, 2, 77);
        let error = Sockets::open(elsewhere, Ipv4Addr::LOCALHOST, true).await.unwrap_err().to_string();
        assert!(error.contains("192.0.2.77:500") && error.contains("run as root"), "{error}");
    }
}
