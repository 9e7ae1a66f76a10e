//! Images of the peers: found by a hash of their directory, or built, with a base image that is pulled or,
//! where no registry is reachable, bootstrapped from the Debian archive.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    path::PathBuf,
    process::Stdio,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::Command,
    sync::Mutex,
    time::timeout,
};

use super::{error::DockerError, manifest::PeerDir};

/// The label that every image and container of the harness carries.
pub const LABEL: &str = "ikev1-harness";

/// A registry that cannot be reached must not cost minutes; one that can, may need some.
const PULL_STALL: Duration = Duration::from_secs(45);
const BUILD_TIME_MAX: Duration = Duration::from_secs(900);
const QUERY_TIME_MAX: Duration = Duration::from_secs(10);

/// Lines of a failed command that the error shows.
const DETAIL_LINES: usize = 12;

/// Where progress lines go.
pub type Progress<'a> = &'a mut (dyn FnMut(&str) + Send);

/// Checks that there is a docker client and that a daemon answers it; returns the daemon's version.
///
/// # Errors
/// [`DockerError::NoBinary`] or [`DockerError::NoDaemon`], each saying what to install or start.
pub async fn docker_available() -> Result<String, DockerError> {
    let mut command = Command::new("docker");
    command.args(["version", "--format", "{{.Server.Version}}"]);
    match run(command, QUERY_TIME_MAX, None).await {
        Ok(output) => Ok(output.trim().to_owned()),
        Err(DockerError::Spawn { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Err(DockerError::NoBinary)
        }
        Err(DockerError::Command { detail, .. }) => {
            let detail = detail.lines().last().unwrap_or("no reason given").trim().to_owned();
            Err(DockerError::NoDaemon { detail })
        }
        Err(error) => Err(error),
    }
}

/// The name of the image of `peer` for `suite`: repository, suite and 12 digits of the hash of its build context.
///
/// # Errors
/// Unreadable files in the peer's directory.
pub fn image_name(peer: &PeerDir, suite: &str) -> Result<String, DockerError> {
    let hash = content_hash(&context(peer)?)?;
    let digits = hash.get(..12).unwrap_or(&hash);
    Ok(format!("{}:{suite}-{digits}", peer.manifest.image))
}

/// The files of a peer's build context, by name: those of its folder, and of the folders that it shares with others.
///
/// The manifests `peer.toml` and `expected.toml` are for the harness, not for the image, so they do not count.
fn context(peer: &PeerDir) -> Result<BTreeMap<OsString, PathBuf>, DockerError> {
    let shared = peer.manifest.shared.iter().map(|folder| peer.path.with_file_name(folder));
    let mut files = BTreeMap::new();
    for dir in shared.chain([peer.path.clone()]) {
        let read = |source| DockerError::Read { path: dir.display().to_string(), source };
        for entry in fs::read_dir(&dir).map_err(read)? {
            let entry = entry.map_err(read)?;
            let path = entry.path();
            if path.is_file() && path.extension().is_none_or(|extension| extension != "toml") {
                files.insert(entry.file_name(), path);
            }
        }
    }
    Ok(files)
}

/// Hexadecimal SHA-256 over names, sizes and contents of files.
fn content_hash(files: &BTreeMap<OsString, PathBuf>) -> Result<String, DockerError> {
    let mut hash = Sha256::new();
    for (name, path) in files {
        let contents = fs::read(path)
            .map_err(|source| DockerError::Read { path: path.display().to_string(), source })?;
        hash.update(format!("{}\0{}\0", name.to_string_lossy(), contents.len()));
        hash.update(&contents);
    }
    Ok(hex::encode(hash.finalize()))
}

/// A folder with copies of these files, for a build whose files are in several folders.
fn staged(files: &BTreeMap<OsString, PathBuf>) -> Result<tempfile::TempDir, DockerError> {
    let folder = tempfile::Builder::new().prefix("ikev1-harness-").tempdir();
    let folder =
        folder.map_err(|source| DockerError::Read { path: "a temporary folder".to_owned(), source })?;
    for (name, path) in files {
        fs::copy(path, folder.path().join(name))
            .map_err(|source| DockerError::Read { path: path.display().to_string(), source })?;
    }
    Ok(folder)
}

/// Returns the name of the image of `peer` for `suite`, after building it if this machine does not have it.
///
/// # Errors
/// No docker, no base image and no way to make one, or a failed build (with its last lines).
pub async fn ensure_image(
    peer: &PeerDir,
    suite: &str,
    progress: Progress<'_>,
) -> Result<String, DockerError> {
    // Two callers of one process must not build the same image side by side.
    static BUILDING: Mutex<()> = Mutex::const_new(());
    let _alone = BUILDING.lock().await;
    docker_available().await?;
    let name = image_name(peer, suite)?;
    if image_exists(&name).await {
        return Ok(name);
    }
    ensure_base(suite, progress).await?;
    progress(&format!("building {name}"));
    let staged = match peer.manifest.shared.is_empty() {
        true => None,
        false => Some(staged(&context(peer)?)?),
    };
    let mut command = Command::new("docker");
    command
        .args(["build", "--force-rm", "--tag", &name])
        .args(["--label", &format!("{LABEL}={}", peer.manifest.name)])
        .args(["--build-arg", &format!("SUITE={suite}")])
        .arg(staged.as_ref().map_or(peer.path.as_path(), tempfile::TempDir::path));
    match run(command, BUILD_TIME_MAX, Some(progress)).await {
        Ok(_) => Ok(name),
        Err(DockerError::Command { status, detail, .. }) => Err(not_built(peer, status, &detail)),
        Err(error) => Err(error),
    }
}

/// The error for a `docker build` that failed after it had printed `detail`.
fn not_built(peer: &PeerDir, status: String, detail: &str) -> DockerError {
    // The line that says why is followed by one or two in which apt and docker only say that they give up.
    const REASON_LINES: usize = 3;
    let lines: Vec<&str> = detail.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let reason = lines.get(lines.len().saturating_sub(REASON_LINES)..).unwrap_or_default().join(" | ");
    let full = ["no space left on device", "enough free space"];
    let detail = detail.to_lowercase();
    let todo = match full.iter().any(|words| detail.contains(words)) {
        true => "free some of the Docker engine's disk (`docker system df` says what takes it)",
        false => "`images` builds it alone and shows all that the build prints",
    };
    DockerError::Build { folder: peer.path.display().to_string(), status, reason, todo }
}

/// Makes sure that `debian:SUITE-slim` is here: present, pulled, or bootstrapped with mmdebstrap.
async fn ensure_base(suite: &str, progress: Progress<'_>) -> Result<(), DockerError> {
    let image = format!("debian:{suite}-slim");
    if image_exists(&image).await {
        return Ok(());
    }
    progress(&format!("pulling {image}"));
    let mut pull = Command::new("docker");
    pull.args(["pull", &image]);
    let detail = match run(pull, PULL_STALL, Some(progress)).await {
        Ok(_) => return Ok(()),
        Err(DockerError::Command { detail, .. }) => {
            detail.lines().last().unwrap_or("no reason given").trim().to_owned()
        }
        Err(error) => return Err(error),
    };
    progress(&format!("cannot pull {image} ({detail}); bootstrapping it from the Debian archive"));
    bootstrap(suite, &image, detail, progress).await
}

async fn bootstrap(
    suite: &str,
    image: &str,
    detail: String,
    progress: Progress<'_>,
) -> Result<(), DockerError> {
    let stamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let archive = std::env::temp_dir().join(format!("ikev1-harness-{suite}-{stamp}.tar"));
    let mut make = Command::new("mmdebstrap");
    make.args(["--variant=minbase", "--include=ca-certificates", suite]).arg(&archive);
    let made = match run(make, BUILD_TIME_MAX, Some(&mut *progress)).await {
        Err(DockerError::Spawn { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Err(DockerError::NoBaseImage { image: image.to_owned(), detail });
        }
        Err(error) => Err(error),
        Ok(_) => {
            let mut import = Command::new("docker");
            import
                .args(["import", "--change", &format!("LABEL {LABEL}=base")])
                .args(["--change", "CMD [\"sh\"]"])
                .arg(&archive)
                .arg(image);
            run(import, BUILD_TIME_MAX, Some(progress)).await.map(|_| ())
        }
    };
    // A left-over archive is a nuisance, not a reason to fail.
    let _ = fs::remove_file(&archive);
    made
}

/// What a docker command that asks something prints.
pub(super) async fn output_of(command: Command) -> Result<String, DockerError> {
    run(command, QUERY_TIME_MAX, None).await
}

pub(super) async fn image_exists(name: &str) -> bool {
    let mut command = Command::new("docker");
    command.args(["image", "inspect", "--format", "{{.Id}}", name]);
    run(command, QUERY_TIME_MAX, None).await.is_ok()
}

/// Runs a command to its end, passing each line that it prints to `progress`; returns its standard output.
///
/// The limit is on silence: a command that prints something may go on.
async fn run(
    mut command: Command,
    silence_max: Duration,
    mut progress: Option<Progress<'_>>,
) -> Result<String, DockerError> {
    let shown = shown(&command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let spawn = |source| DockerError::Spawn { command: shown.clone(), source };
    let mut child = command.spawn().map_err(spawn)?;
    let mut stdout = lines(child.stdout.take());
    let mut stderr = lines(child.stderr.take());
    let (mut output, mut all) = (String::new(), Vec::new());
    let (mut stdout_open, mut stderr_open) = (true, true);
    let failed = |status: String, all: &[String]| {
        let detail = all.get(all.len().saturating_sub(DETAIL_LINES)..).unwrap_or_default().join("\n");
        DockerError::Command { command: shown.clone(), status, detail }
    };
    while stdout_open || stderr_open {
        let next = async {
            tokio::select! {
                line = next_line(&mut stdout), if stdout_open => (true, line),
                line = next_line(&mut stderr), if stderr_open => (false, line),
            }
        };
        let Ok((is_stdout, line)) = timeout(silence_max, next).await else {
            all.push(format!("silent for {silence_max:?}, given up"));
            return Err(failed("no exit status".to_owned(), &all));
        };
        match line {
            None if is_stdout => stdout_open = false,
            None => stderr_open = false,
            Some(line) => {
                if is_stdout {
                    output.push_str(&line);
                    output.push('\n');
                }
                if let Some(progress) = progress.as_mut() {
                    progress(&line);
                }
                all.push(line);
            }
        }
    }
    let status = child.wait().await.map_err(spawn)?;
    if status.success() { Ok(output) } else { Err(failed(status.to_string(), &all)) }
}

fn shown(command: &Command) -> String {
    let command = command.as_std();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

type Lines = tokio::io::Lines<BufReader<Box<dyn AsyncRead + Send + Unpin>>>;

fn lines(stream: Option<impl AsyncRead + Send + Unpin + 'static>) -> Option<Lines> {
    stream.map(|stream| {
        let stream: Box<dyn AsyncRead + Send + Unpin> = Box::new(stream);
        BufReader::new(stream).lines()
    })
}

/// The next line; the end of the stream and text that cannot be read are both `None`.
async fn next_line(lines: &mut Option<Lines>) -> Option<String> {
    lines.as_mut()?.next_line().await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_command_returns_stdout_and_reports_each_line() {
        let mut seen = Vec::new();
        let mut progress = |line: &str| seen.push(line.to_owned());
        let output = run(shell("echo one; echo two >&2; echo three"), QUERY_TIME_MAX, Some(&mut progress))
            .await
            .unwrap();
        assert_eq!(output, "one\nthree\n");
        seen.sort();
        assert_eq!(seen, ["one", "three", "two"]);
    }

    #[tokio::test]
    async fn a_failed_command_shows_its_last_lines() {
        let error = run(shell("seq 1 100; exit 3"), QUERY_TIME_MAX, None).await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("exit status: 3") && text.contains("\n100") && !text.contains("\n50"),
            "{text}"
        );
    }

    #[rstest]
    #[case::a_step(
        "Step 4/9 : RUN false\n ---> Running in 0a\n\nThe command '/bin/sh -c false' returned a non-zero code: 1",
        "Step 4/9 : RUN false | ---> Running in 0a | The command '/bin/sh -c false' returned a non-zero code: 1: `images` builds it"
    )]
    #[case::a_full_disk(
        "Error processing tar file(exit status 1): write /usr/bin/perl: no space left on device",
        "write /usr/bin/perl: no space left on device: free some of the Docker engine's disk"
    )]
    #[case::apt_on_a_full_disk(
        "E: You don't have enough free space in /var/cache/apt/archives/.\nThe command returned a non-zero code: 100",
        "a non-zero code: 100: free some of the Docker engine's disk"
    )]
    fn a_build_that_failed_shows_its_last_lines_and_what_to_do(#[case] printed: &str, #[case] shown: &str) {
        let peer = PeerDir::strongswan().unwrap();
        let text = not_built(&peer, "exit status: 1".to_owned(), printed).to_string();
        assert!(
            text.contains("strongswan did not build (exit status: 1): ") && text.contains(shown),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_silent_command_is_given_up() {
        let error = run(shell("sleep 30"), Duration::from_millis(50), None).await.unwrap_err();
        assert!(error.to_string().contains("silent for 50ms"), "{error}");
    }

    #[tokio::test]
    async fn a_missing_command_is_a_spawn_error() {
        let error = run(Command::new("no-such-command-here"), QUERY_TIME_MAX, None).await.unwrap_err();
        assert!(matches!(error, DockerError::Spawn { .. }), "{error}");
    }

    #[test]
    fn shared_folders_are_part_of_the_build_and_the_peers_own_files_win() {
        let docker = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = docker.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("uml/guest-init", "init");
        write("uml/entrypoint", "of all");
        write("peer/entrypoint", "its own");
        write("peer/peer.toml", "");
        let mut peer = PeerDir::strongswan().unwrap();
        peer.path = docker.path().join("peer");
        let alone = image_name(&peer, "bookworm").unwrap();
        peer.manifest.shared = vec!["uml".to_owned()];
        assert_ne!(image_name(&peer, "bookworm").unwrap(), alone);
        let folder = staged(&context(&peer).unwrap()).unwrap();
        let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        assert_eq!([text("guest-init"), text("entrypoint"), text("peer.toml")], ["init", "its own", ""]);
    }

    #[test]
    fn the_image_name_has_suite_and_hash() {
        let peer = PeerDir::strongswan().unwrap();
        let name = image_name(&peer, "bookworm").unwrap();
        let digits = name.strip_prefix("ikev1-harness/strongswan:bookworm-").unwrap();
        assert!(digits.len() == 12 && digits.bytes().all(|octet| octet.is_ascii_hexdigit()), "{name}");
    }
}
