//! A bridge network for one container, so that the harness has an address of its own towards each peer, or for several
//! that talk with each other.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};

use testcontainers::bollard::errors::Error;
use testcontainers::bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};

use super::{api_version, error::DockerError, images::LABEL, sweep::remove_network};

/// The first address of the block for tests of network devices (RFC 2544 appendix C.2.2), which nobody routes.
const SPARE: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 0);
/// The length of the block's prefix.
const SPARE_PREFIX: u32 = 15;
/// The length of the prefix of one network out of it: 13 hosts and a gateway.
const NETWORK_PREFIX: u32 = 28;
/// Networks out of the block that are tried for one that is free.
const SPARE_ATTEMPTS: u32 = 64;
/// Parts of the engine's answers when its own pools are used up, and when another network has the addresses.
const ADDRESSES_TAKEN: &[&str] = &["non-overlapping IPv4", "Pool overlaps", "conflicts with network"];

/// The network of the given number out of [`SPARE`], as `a.b.c.d/28`; the numbers repeat.
fn spare(number: u32) -> String {
    let networks = 1 << (NETWORK_PREFIX - SPARE_PREFIX);
    let offset = (number % networks) << (32 - NETWORK_PREFIX);
    format!("{}/{NETWORK_PREFIX}", Ipv4Addr::from_bits(SPARE.to_bits() | offset))
}

/// A bridge network. Dropping it removes it, and waits for that; its containers must be gone before.
#[derive(Debug, PartialEq, Eq)]
pub struct PeerNetwork {
    name: String,
    id: String,
}

impl PeerNetwork {
    /// Makes a network labelled with `run_id`. The engine chooses its addresses; where its address pools are taken (as the
    /// engine is set up they are good for some thirty networks), it has a small part of `198.18.0.0/15` (RFC 2544).
    ///
    /// # Errors
    /// The engine refuses.
    pub async fn create(run_id: &str) -> Result<Self, DockerError> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        let request = NetworkCreateRequest {
            name: format!("ikev1-{process}-{run_id}-{number}"),
            labels: Some([(LABEL.to_owned(), run_id.to_owned())].into()),
            ..NetworkCreateRequest::default()
        };
        let client = api_version::negotiated_client().await?;
        let mut created = client.create_network(request.clone()).await;
        for attempt in 0..SPARE_ATTEMPTS {
            let Err(Error::DockerResponseServerError { message, .. }) = &created else { break };
            if !ADDRESSES_TAKEN.iter().any(|part| message.contains(part)) {
                break;
            }
            let subnet =
                spare(process.wrapping_mul(SPARE_ATTEMPTS).wrapping_add(number).wrapping_add(attempt));
            let config = IpamConfig { subnet: Some(subnet), ..IpamConfig::default() };
            let ipam = Ipam { config: Some(vec![config]), ..Ipam::default() };
            created =
                client.create_network(NetworkCreateRequest { ipam: Some(ipam), ..request.clone() }).await;
        }
        Ok(Self { name: request.name, id: created?.id })
    }

    /// The name of its bridge, an interface of the engine's machine.
    #[must_use]
    pub fn bridge(&self) -> String {
        format!("br-{}", self.id.get(..12).unwrap_or(&self.id))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for PeerNetwork {
    fn drop(&mut self) {
        // Nobody is left to tell; the guard of the run tries again.
        let _ = remove_network(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::spare;

    #[rstest]
    #[case::the_first(0, "198.18.0.0/28")]
    #[case::the_next(1, "198.18.0.16/28")]
    #[case::the_last_of_the_block(8191, "198.19.255.240/28")]
    #[case::the_first_again(8192, "198.18.0.0/28")]
    #[case::any(u32::MAX, "198.19.255.240/28")]
    fn spare_networks_stay_in_the_block(#[case] number: u32, #[case] network: &str) {
        assert_eq!(spare(number), network);
    }
}
