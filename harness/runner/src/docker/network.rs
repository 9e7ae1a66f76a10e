//! A bridge network for one container, so that the harness has an address of its own towards each peer, or for several
//! that talk with each other.

use std::sync::atomic::{AtomicU32, Ordering};

use testcontainers::bollard::models::NetworkCreateRequest;

use super::{api_version, error::DockerError, images::LABEL, sweep::remove_network};

/// A bridge network. Dropping it removes it, and waits for that; its containers must be gone before.
#[derive(Debug, PartialEq, Eq)]
pub struct PeerNetwork {
    name: String,
    id: String,
}

impl PeerNetwork {
    /// Makes a network labelled with `run_id`; the engine chooses its addresses.
    ///
    /// # Errors
    /// The engine refuses, for example because all of its address pools are taken.
    pub async fn create(run_id: &str) -> Result<Self, DockerError> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("ikev1-{}-{run_id}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let request = NetworkCreateRequest {
            name: name.clone(),
            labels: Some([(LABEL.to_owned(), run_id.to_owned())].into()),
            ..NetworkCreateRequest::default()
        };
        let created = api_version::negotiated_client().await?.create_network(request).await?;
        Ok(Self { name, id: created.id })
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
