//! One release of a peer, ready to be started.

use std::sync::Arc;

use ikev1_scenario::verdict::PeerProfile;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    engine::wait_for_engine,
    error::DockerError,
    images::{Progress, ensure_image, image_exists},
    manifest::PeerDir,
};

/// One release of a peer, and the image that has it.
#[derive(Debug, Clone)]
pub struct ChosenPeer {
    /// The peer's folder.
    pub dir: PeerDir,
    /// The version of the release, as the manifest has it.
    pub release: String,
    /// Its name on the command line.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Which kernel has the SAs of a daemon that needs one: `auto`, `host` or `uml`.
    pub kernel: String,
    /// As many permits as the manifest lets containers be busy between cases.
    busy: Arc<Semaphore>,
}

impl ChosenPeer {
    /// The release of `dir` that is called `name` on the command line, after its image was built where it was not there;
    /// `wanted` is as for [`PeerDir::release`].
    ///
    /// # Errors
    /// There is no such release, or the image cannot be built.
    pub async fn prepare(
        dir: PeerDir,
        name: &str,
        wanted: Option<&str>,
        kernel: &str,
        progress: Progress<'_>,
    ) -> Result<Self, DockerError> {
        let release = dir.release(wanted)?.to_owned();
        let image = ensure_image(&dir, dir.suite(&release), progress).await?;
        let busy = dir.manifest.container.busy.map_or(Semaphore::MAX_PERMITS, |most| most.get().into());
        let busy = Arc::new(Semaphore::new(busy));
        Ok(Self { dir, release, name: name.to_owned(), image, kernel: kernel.to_owned(), busy })
    }

    /// Waits until one of its containers may do what keeps a processor busy and is no part of a case: start, load a
    /// configuration, be reset. What is given ends it when dropped.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // Nobody closes it, and then nobody has to wait.
        self.busy.acquire().await.ok()
    }

    /// Builds the image again where it was removed during the run. A build that outlasts the caller's patience goes on for
    /// the next one.
    ///
    /// # Errors
    /// The engine does not answer, the build fails, or the peer's folder has changed since, so that it gives another image.
    pub async fn restore_image(&self) -> Result<(), DockerError> {
        wait_for_engine().await?;
        if image_exists(&self.image).await {
            return Ok(());
        }
        let (dir, suite) = (self.dir.clone(), self.dir.suite(&self.release).to_owned());
        let build = tokio::spawn(async move { ensure_image(&dir, &suite, &mut |_| {}).await });
        let built = build.await.map_err(|error| DockerError::Command {
            command: format!("build of {}", self.image),
            status: "panic".to_owned(),
            detail: error.to_string(),
        })??;
        if built == self.image {
            return Ok(());
        }
        Err(DockerError::ImageGone { image: self.image.clone(), folder: self.dir.path.display().to_string() })
    }

    /// What is known of it, now that it says its version.
    #[must_use]
    pub fn profile(&self, version: &str) -> PeerProfile {
        self.dir.profile(&self.release, &self.name, version)
    }
}
