//! One release of a peer, ready to be started.

use ikev1_scenario::verdict::PeerProfile;

use super::{error::DockerError, images::Progress, images::ensure_image, manifest::PeerDir};

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
        Ok(Self { dir, release, name: name.to_owned(), image, kernel: kernel.to_owned() })
    }

    /// What is known of it, now that it says its version.
    #[must_use]
    pub fn profile(&self, version: &str) -> PeerProfile {
        self.dir.profile(&self.release, &self.name, version)
    }
}
