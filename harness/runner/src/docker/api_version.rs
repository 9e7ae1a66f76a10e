//! Lets testcontainers talk to a Docker Engine that is older than the API version of its client library.
//!
//! testcontainers opens its client with the newest API version that bollard knows and never negotiates, and
//! an older engine (20.10 in Debian 12) refuses such requests. All clones of a bollard client share one
//! version number, and testcontainers hands out clones; so negotiating on a clone downgrades its client too.
//! The client lives only while a container or a start holds it, so the clone must be taken *during* the
//! start. The host configuration modifier is the one hook that testcontainers calls between making the
//! client and sending the first request.

use std::thread;

use testcontainers::core::client::docker_client_instance;

use super::error::DockerError;

/// Negotiates the API version of the client that testcontainers uses at this moment.
///
/// Blocks for one short request, on a thread of its own, because the hook that calls it is not async but runs
/// inside a runtime.
pub(super) fn negotiate() -> Result<(), String> {
    let worker = thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        runtime.block_on(async { negotiated_client().await.map(|_| ()).map_err(|error| error.to_string()) })
    });
    worker.join().unwrap_or_else(|_| Err("the negotiating thread panicked".to_owned()))
}

/// A client of the engine that testcontainers uses, with a version that the engine accepts.
pub(super) async fn negotiated_client() -> Result<testcontainers::bollard::Docker, DockerError> {
    let client = docker_client_instance().await.map_err(testcontainers::TestcontainersError::from)?;
    Ok(client.negotiate_version().await?)
}
