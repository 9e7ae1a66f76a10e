//! ICMP echo through IPsec SAs: requests, and the answer that a peer of our own gives.

use std::net::Ipv4Addr;

use ikev1_scenario::model::Encapsulation;

use crate::packet::{Echo, EchoKind, NEXT_HEADER_ICMP, NEXT_HEADER_IPV4, PacketError};

/// In transport mode the addresses are those of the outer header, and no checksum covers them.
const NO_ADDRESS: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

/// A packet as it goes into an IPsec SA, and its next-header number.
///
/// # Errors
/// When its data does not fit into an IPv4 packet.
pub fn packet(echo: &Echo, encapsulation: Encapsulation) -> Result<(Vec<u8>, u8), PacketError> {
    Ok(match encapsulation {
        Encapsulation::Tunnel => (echo.to_ipv4()?, NEXT_HEADER_IPV4),
        Encapsulation::Transport => (echo.to_icmp(), NEXT_HEADER_ICMP),
    })
}

/// Whether a packet that came out of an IPsec SA answers the request.
pub fn is_reply(request: &Echo, packet: &[u8], next_header: u8) -> bool {
    match next_header {
        NEXT_HEADER_IPV4 => Echo::from_ipv4(packet).is_ok_and(|reply| request.is_answered_by(&reply)),
        NEXT_HEADER_ICMP => Echo::from_icmp(request.destination, request.source, packet)
            .is_ok_and(|reply| request.is_answered_by(&reply)),
        _ => false,
    }
}

/// The answer to an echo request that came out of an IPsec SA; `None` for anything else.
pub fn answer(packet: &[u8], next_header: u8) -> Option<Vec<u8>> {
    match next_header {
        NEXT_HEADER_IPV4 => {
            let echo = Echo::from_ipv4(packet).ok().filter(|echo| echo.kind == EchoKind::Request)?;
            echo.reply().to_ipv4().ok()
        }
        NEXT_HEADER_ICMP => {
            let echo = Echo::from_icmp(NO_ADDRESS, NO_ADDRESS, packet).ok()?;
            (echo.kind == EchoKind::Request).then(|| echo.reply().to_icmp())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::tunnel(Encapsulation::Tunnel)]
    #[case::transport(Encapsulation::Transport)]
    fn a_request_is_answered_once(#[case] encapsulation: Encapsulation) {
        let request = Echo::request([10, 11, 0, 1].into(), [10, 12, 0, 1].into(), 7, 1, b"ping");
        let (sent, next_header) = packet(&request, encapsulation).unwrap();
        let reply = answer(&sent, next_header).unwrap();
        assert!(is_reply(&request, &reply, next_header));
        assert!(!is_reply(&request, &sent, next_header));
        assert_eq!(answer(&reply, next_header), None);
        let other = Echo { sequence: 2, ..request };
        assert!(!is_reply(&other, &reply, next_header));
    }

    #[test]
    fn anything_else_is_not_answered() {
        assert_eq!(answer(b"udp", 17), None);
        assert_eq!(answer(b"", NEXT_HEADER_IPV4), None);
    }
}
