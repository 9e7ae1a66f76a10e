//! No secret of a case is in anything that a redacted run prints or writes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ikev1_scenario::case::Case;
use ikev1_scenario::transcript::{self, Event};

/// Cases with each kind of secret, and one that fails, whose findings tell what came.
const CASES: [&str; 4] = [
    "rfc2409/5.4-pre-shared-key/main-mode-wrong-hash-i",
    "rfc2409/5.1-signatures/main-mode-messages*",
    "rfc2409/5.3-revised-public-key-encryption/main-mode-cut-public*",
    "draft-beaulieu-ike-xauth-02/5*/**",
];

/// Runs the program; gives all that it has printed.
fn conform(arguments: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_ikev1-conform"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert_eq!(run.status.code(), Some(0), "{arguments:?}: {text}");
    text
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The secrets of a run that keeps everything, by their kind, as they would stand in a file.
fn secrets(run: &Path) -> BTreeSet<(&'static str, String)> {
    let mut secrets = BTreeSet::new();
    let named = |name: &str| {
        files(run).into_iter().filter(|file| file.file_name().unwrap() == name).collect::<Vec<_>>()
    };
    for file in named("case.json") {
        let case: Case = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        for side in [&case.config.harness, &case.config.peer] {
            secrets.insert(("pre-shared key", side.psk.clone()));
            secrets.insert(("pre-shared key in hex", hex::encode(&side.psk)));
            let users = side.xauth.iter().map(|xauth| xauth.user());
            // The wrong one is a word that the IDs of its cases have too.
            let users = users.filter(|user| user.password != "wrong");
            secrets.extend(users.map(|user| ("password", user.password)));
            for (_, file) in side.pki.iter().flat_map(|pki| pki.files()) {
                let key = file.pem.split("PRIVATE KEY-----").nth(1).unwrap_or_default();
                secrets.extend(
                    key.lines().filter(|line| line.len() > 40).map(|line| ("private key", line.to_owned())),
                );
            }
        }
        let records = transcript::read(&file.with_file_name("transcript.jsonl")).unwrap();
        let wire: String = records
            .iter()
            .filter_map(|record| match &record.event {
                Event::Datagram(datagram) => Some(datagram.hex.as_str()),
                _ => None,
            })
            .collect();
        for record in &records {
            match &record.event {
                Event::Value(value) if !wire.contains(&value.hex) => {
                    secrets.insert(("derived value", value.hex.clone()));
                }
                // A message without its header; then a line of it as pages show octets.
                Event::Plaintext { hex, .. } if hex.len() > 2 * 48 && !wire.contains(&hex[56..]) => {
                    secrets.insert(("decrypted body", hex[56..].to_owned()));
                    let line: Vec<_> = (64..96).step_by(2).map(|at| &hex[at..at + 2]).collect();
                    if !wire.contains(&hex[64..96]) {
                        secrets.insert(("decrypted body on a page", line.join(" ")));
                    }
                }
                _ => {}
            }
        }
    }
    for file in named("keys.txt") {
        let table = fs::read_to_string(file).unwrap();
        secrets.extend(table.lines().map(|line| ("Ka", line.split(',').next_back().unwrap().to_owned())));
    }
    secrets
}

/// The secrets that stand in these texts.
fn found<'a>(
    secrets: &'a BTreeSet<(&'static str, String)>,
    texts: &[(String, Vec<u8>)],
) -> Vec<(&'a str, &'a str, String)> {
    let mut found = Vec::new();
    for (name, text) in texts {
        let text = String::from_utf8_lossy(text);
        let hits = secrets.iter().filter(|(_, secret)| text.contains(secret.as_str()));
        found.extend(hits.map(|(kind, secret)| (*kind, secret.as_str(), name.clone())));
    }
    found
}

fn texts(folder: &Path, printed: &str) -> Vec<(String, Vec<u8>)> {
    let mut texts = vec![("the terminal".to_owned(), printed.as_bytes().to_vec())];
    texts.extend(files(folder).into_iter().map(|file| (file.display().to_string(), fs::read(file).unwrap())));
    texts
}

#[test]
fn a_redacted_run_holds_no_secret_and_another_says_that_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let [plain, redacted, copied] = ["plain", "redacted", "copied"].map(|name| folder.path().join(name));
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let seed = "731588024";
    let arguments = |more: &[&str]| {
        [&["conform"], CASES.as_slice(), &["--seed", seed], more]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let run = |more: &[&str]| {
        let arguments = arguments(more);
        conform(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let printed = run(&["--out", &path(&plain)]);
    let mut secrets = secrets(&plain);
    secrets.insert(("seed", seed.to_owned()));
    let kinds: BTreeSet<_> =
        found(&secrets, &texts(&plain, &printed)).into_iter().map(|(kind, ..)| kind).collect();
    let all = [
        "Ka",
        "decrypted body",
        "decrypted body on a page",
        "derived value",
        "password",
        "pre-shared key",
        "private key",
        "seed",
    ];
    assert!(all.iter().all(|kind| kinds.contains(kind)), "the whole run shows only {kinds:?}");
    let notice = |run: &Path| fs::read_to_string(run.join("NOTICE.txt")).unwrap();
    assert!(notice(&plain).contains("hold test credentials"), "{}", notice(&plain));

    let printed_redacted = run(&["--redact", "--out", &path(&redacted)]);
    let printed_copied = conform(&["rejudge", &path(&plain), "--redact", &path(&copied)]);
    for (run, printed) in [(&redacted, &printed_redacted), (&copied, &printed_copied)] {
        assert_eq!(found(&secrets, &texts(run, printed)), [], "in {}", run.display());
        assert!(notice(run).starts_with("Redacted"), "{}", notice(run));
        let names: BTreeSet<_> =
            files(run).iter().map(|file| file.file_name().unwrap().to_str().unwrap().to_owned()).collect();
        assert!(!names.contains("keys.txt") && !names.contains("peer.log"), "{names:?}");
        assert!(names.contains("capture.pcap") && names.contains("transcript.jsonl"), "{names:?}");
    }
    let again =
        Command::new(env!("CARGO_BIN_EXE_ikev1-conform")).arg("rejudge").arg(&redacted).output().unwrap();
    assert_eq!(again.status.code(), Some(2), "{}", String::from_utf8_lossy(&again.stderr));
    assert!(String::from_utf8_lossy(&again.stderr).contains("is redacted"));
}
