//! What a case leaves behind, in `DIR/<peer>/<case id>/<role>/`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ikev1_scenario::case::Case;
use ikev1_scenario::transcript::{self, Record, TranscriptError};
use ikev1_scenario::verdict::PeerProfile;

use crate::execute::CaseArtefacts;
use crate::redact::Redaction;

/// The peer's profile, in `DIR/<peer>/`.
pub const PROFILE_FILE: &str = "profile.json";
const CASE_FILE: &str = "case.json";
const TRANSCRIPT_FILE: &str = "transcript.jsonl";
const CAPTURE_FILE: &str = "capture.pcap";
const KEYS_FILE: &str = "keys.txt";
const PEER_LOG_FILE: &str = "peer.log";
/// In the folder of a case that was played twice, what the first play left behind.
const FIRST_PLAY_FOLDER: &str = "first-play";

/// Why an artefact could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtefactError {
    /// The file system refused.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file or folder.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The content is not what it should be.
    #[error("{}: {source}", file.display())]
    Json {
        /// The file.
        file: PathBuf,
        /// Why, with line and column.
        source: serde_json::Error,
    },
    /// The transcript cannot be read.
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
}

/// The folder of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFolder {
    run: PathBuf,
    relative: PathBuf,
}

impl CaseFolder {
    /// The folder of a case with a peer below the folder of a run. Nothing is created.
    pub fn new(run: &Path, peer: &str, case: &Case) -> Self {
        let relative = peer_folder(peer).join(&case.id).join(case.role.name());
        Self { run: run.to_owned(), relative }
    }

    /// The folder with this path below the folder of a run.
    pub fn at(run: &Path, relative: &Path) -> Self {
        Self { run: run.to_owned(), relative: relative.to_owned() }
    }

    /// The folder of the first play, of two.
    pub fn first_play(&self) -> Self {
        Self::at(&self.run, &self.relative.join(FIRST_PLAY_FOLDER))
    }

    /// Removes it, as what an earlier run may have left in the same place.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn remove(&self) -> Result<(), ArtefactError> {
        match fs::remove_dir_all(self.path()) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(ArtefactError::Io { file: self.path(), source })
            }
            _ => Ok(()),
        }
    }

    /// Its path.
    pub fn path(&self) -> PathBuf {
        self.run.join(&self.relative)
    }

    /// Writes the files of a case. The answer names them by kind, relative to the folder of the run.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(
        &self,
        case: &Case,
        artefacts: &CaseArtefacts,
    ) -> Result<BTreeMap<String, String>, ArtefactError> {
        let folder = self.path();
        fs::create_dir_all(&folder).map_err(|source| ArtefactError::Io { file: folder.clone(), source })?;
        let case_file = folder.join(CASE_FILE);
        let mut case_json = serde_json::to_vec_pretty(case)
            .map_err(|source| ArtefactError::Json { file: case_file, source })?;
        case_json.push(b'\n');
        let mut transcript = Vec::new();
        transcript::write(&artefacts.transcript, &mut transcript)
            .map_err(|source| ArtefactError::Io { file: folder.join(TRANSCRIPT_FILE), source })?;
        let files: [(&str, &str, &[u8]); 5] = [
            ("case", CASE_FILE, &case_json),
            ("transcript", TRANSCRIPT_FILE, &transcript),
            ("capture", CAPTURE_FILE, &artefacts.pcap),
            ("keys", KEYS_FILE, artefacts.key_table.as_bytes()),
            ("peer-log", PEER_LOG_FILE, artefacts.peer_log.as_bytes()),
        ];
        let mut names = BTreeMap::new();
        for (kind, name, content) in files.into_iter().filter(|(_, _, content)| !content.is_empty()) {
            let file = folder.join(name);
            fs::write(&file, content).map_err(|source| ArtefactError::Io { file, source })?;
            names.insert(kind.to_owned(), self.relative.join(name).display().to_string());
        }
        Ok(names)
    }

    /// Every case below the folder of a run, those of probes and sanity handshakes too.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn all(run: &Path) -> Result<Vec<Self>, ArtefactError> {
        let (mut found, mut left) = (Vec::new(), vec![PathBuf::new()]);
        while let Some(relative) = left.pop() {
            let folder = run.join(&relative);
            if folder.join(CASE_FILE).is_file() && folder.join(TRANSCRIPT_FILE).is_file() {
                found.push(Self::at(run, &relative));
            }
            let io = |source| ArtefactError::Io { file: folder.clone(), source };
            for entry in fs::read_dir(&folder).map_err(io)? {
                let entry = entry.map_err(io)?;
                // A link may lead anywhere, and is none of ours.
                if entry.file_type().map_err(io)?.is_dir() {
                    left.push(relative.join(entry.file_name()));
                }
            }
        }
        Ok(found)
    }

    /// Its path below the folder of the run.
    pub fn relative(&self) -> &Path {
        &self.relative
    }

    /// Its capture; empty where it has none.
    pub fn capture(&self) -> Vec<u8> {
        fs::read(self.path().join(CAPTURE_FILE)).unwrap_or_default()
    }

    /// Writes the files of a case without the secrets in them.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_redacted(
        &self,
        case: &Case,
        artefacts: &CaseArtefacts,
        redaction: &Redaction,
    ) -> Result<BTreeMap<String, String>, ArtefactError> {
        self.write(&redaction.case(case), &redaction.artefacts(artefacts))
    }

    /// Reads case and transcript back.
    ///
    /// # Errors
    /// When a file is missing or not of this version.
    pub fn read(&self) -> Result<(Case, Vec<Record>), ArtefactError> {
        let case = read_json(&self.path().join(CASE_FILE))?;
        let records = transcript::read(&self.path().join(TRANSCRIPT_FILE))?;
        Ok((case, records))
    }
}

/// Writes what is known of a peer into the folder of a run.
///
/// # Errors
/// When the file cannot be written.
pub fn write_profile(run: &Path, profile: &PeerProfile) -> Result<(), ArtefactError> {
    let folder = run.join(peer_folder(&profile.name));
    let file = folder.join(PROFILE_FILE);
    let io = |source| ArtefactError::Io { file: file.clone(), source };
    let mut json = serde_json::to_vec_pretty(profile)
        .map_err(|source| ArtefactError::Json { file: file.clone(), source })?;
    json.push(b'\n');
    fs::create_dir_all(&folder).map_err(io)?;
    fs::write(&file, json).map_err(io)
}

/// Reads what was known of a peer in a run.
///
/// # Errors
/// When the file is missing or not of this version.
pub fn read_profile(run: &Path, peer: &str) -> Result<PeerProfile, ArtefactError> {
    read_json(&run.join(peer_folder(peer)).join(PROFILE_FILE))
}

/// The folder of a peer in that of a run. The name of a device is the path of its file, which must not lead elsewhere.
fn peer_folder(peer: &str) -> PathBuf {
    PathBuf::from(peer.replace('%', "%25").replace('/', "%2F").replace('\\', "%5C"))
}

fn read_json<T: serde::de::DeserializeOwned>(file: &Path) -> Result<T, ArtefactError> {
    let text = fs::read(file).map_err(|source| ArtefactError::Io { file: file.to_owned(), source })?;
    serde_json::from_slice(&text).map_err(|source| ArtefactError::Json { file: file.to_owned(), source })
}
