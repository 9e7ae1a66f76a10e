//! ESP as an IP protocol of its own (RFC 4303), for SAs that no NAT is between.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use ikev1::io::{Datagram, IP_ESP};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use crate::driver::InfraError;

/// Longest IP packet.
const PACKET_MAX: usize = 65_535;

/// What to do when there can be no such socket.
const HINT: &str = ": ESP outside UDP wants a raw socket; run as root or with CAP_NET_RAW";

/// A raw socket for ESP between two addresses.
#[derive(Debug)]
pub struct RawEsp {
    /// tokio has no type for raw sockets; to send and to receive, one is as good as a UDP socket with port 0.
    socket: UdpSocket,
    local: Ipv4Addr,
    peer: Ipv4Addr,
}

impl RawEsp {
    /// Opens a socket at `local` for packets of `peer` only.
    ///
    /// # Errors
    /// When this process may not open raw sockets.
    pub fn open(local: Ipv4Addr, peer: Ipv4Addr) -> Result<Self, InfraError> {
        let address = SocketAddr::from((local, 0));
        let open = || -> io::Result<_> {
            let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(i32::from(IP_ESP))))?;
            socket.set_nonblocking(true)?;
            socket.bind(&address.into())?;
            UdpSocket::from_std(socket.into())
        };
        let socket = open().map_err(|source| InfraError::Bind { address, source, hint: HINT })?;
        Ok(Self { socket, local, peer })
    }

    /// Sends a packet; the system puts the IP header in front.
    ///
    /// # Errors
    /// When the socket fails.
    pub async fn send(&self, payload: &[u8]) -> Result<(), InfraError> {
        let sent = self.socket.send_to(payload, (self.peer, 0)).await;
        sent.map(drop).map_err(|source| self.failure(source))
    }

    /// The next packet of the peer.
    ///
    /// # Errors
    /// When the socket fails.
    pub async fn receive(&self) -> Result<Datagram, InfraError> {
        let mut buffer = vec![0; PACKET_MAX];
        loop {
            let got = self.socket.recv_from(&mut buffer).await;
            let (len, _) = got.map_err(|source| self.failure(source))?;
            let packet = buffer.get(..len).unwrap_or_default();
            if let Some(payload) = esp_of(packet, self.peer) {
                return Ok(Datagram {
                    ip_protocol: IP_ESP,
                    local: (self.local, 0).into(),
                    remote: (self.peer, 0).into(),
                    payload: Bytes::copy_from_slice(payload),
                });
            }
        }
    }

    fn failure(&self, source: io::Error) -> InfraError {
        InfraError::Socket { address: (self.local, 0).into(), source }
    }
}

/// The ESP packet in an IPv4 packet of `peer`. A raw socket gives whole packets, reassembled, header included.
fn esp_of(packet: &[u8], peer: Ipv4Addr) -> Option<&[u8]> {
    let (header, payload) = etherparse::Ipv4Header::from_slice(packet).ok()?;
    let from_peer = IpAddr::from(header.source) == IpAddr::V4(peer);
    (from_peer && header.protocol.0 == IP_ESP).then_some(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(source: [u8; 4], protocol: u8) -> Vec<u8> {
        let header =
            etherparse::Ipv4Header::new(3, 64, etherparse::IpNumber(protocol), source, [10, 0, 0, 1])
                .unwrap();
        let mut packet = Vec::new();
        header.write(&mut packet).unwrap();
        packet.extend([1, 2, 3]);
        packet
    }

    #[test]
    fn only_esp_of_the_peer_is_taken() {
        let peer = Ipv4Addr::new(10, 0, 0, 2);
        assert_eq!(esp_of(&packet([10, 0, 0, 2], IP_ESP), peer), Some(&[1, 2, 3][..]));
        assert_eq!(esp_of(&packet([10, 0, 0, 3], IP_ESP), peer), None);
        assert_eq!(esp_of(&packet([10, 0, 0, 2], 51), peer), None);
        assert_eq!(esp_of(&packet([10, 0, 0, 2], IP_ESP)[..19], peer), None);
    }
}
