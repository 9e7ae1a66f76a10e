//! What `--redact` leaves out of the artefacts of a run.
//!
//! | left out | because |
//! |---|---|
//! | pre-shared keys, passwords and other answers of XAUTH, private keys | they are credentials |
//! | derived values, `keys.txt` | the chain of keys; equal values stay equal, by a number |
//! | decrypted messages | they are what the keys protect |
//! | the peer's log | daemons print keys and decrypted octets in forms of their own |
//! | the seed | with it and the capture everybody could compute our exponents, and the keys from them |
//!
//! What is left of texts (reasons, findings, errors, log lines that a verdict is about) loses each of these secrets, and besides
//! every run of eight octets or more that was on the wire of its case neither in the clear nor encrypted. Captures hold what was
//! on the wire, and stay as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use base64ct::{Base64, Encoding as _};
use ikev1_report::RunEvent;
use ikev1_report::discovery::ProbeResult;
use ikev1_report::model::{CaseResult, CellResult, Finding, Report};
use ikev1_scenario::case::Case;
use ikev1_scenario::transcript::{EngineEvent, Event, Fault, Record, ValueRecord};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::execute::CaseArtefacts;
use crate::run::{ArtefactError, CaseFolder, read_profile, write_profile};

/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";
/// A shorter secret cannot be told from ordinary text.
const SECRET_CHARS_MIN: usize = 3;
/// Hex digits of the shortest run of octets that goes.
const DIGITS_MIN: usize = 16;

/// What is secret in one case, and what was on its wire.
#[derive(Debug, Clone, Default)]
pub struct Redaction {
    /// Secrets in every form in which they may stand in a text, the longest first.
    secrets: Vec<String>,
    /// Every datagram in hex.
    wire: String,
}

impl Redaction {
    /// The secrets of cases and of their transcript.
    pub fn of<'a>(cases: impl IntoIterator<Item = &'a Case>, records: &[Record]) -> Self {
        let mut redaction = Self::default();
        for case in cases {
            // A case serialises, as it is stored.
            redaction.credentials(&serde_json::to_value(&case.config).unwrap_or_default(), "");
        }
        for record in records {
            if let Event::Datagram(datagram) = &record.event {
                let unaltered = match &datagram.fault {
                    Some(Fault::EditedDatagram { unaltered_hex }) => unaltered_hex.as_str(),
                    _ => "",
                };
                redaction.wire.push_str(&format!("{} {unaltered} ", datagram.hex));
            }
        }
        let values = records.iter().filter_map(|record| match &record.event {
            // HASH_R of aggressive mode, and others, are on the wire.
            Event::Value(value) if !redaction.wire.contains(&value.hex) => Some(value.hex.clone()),
            _ => None,
        });
        redaction.secrets.extend(values.collect::<Vec<_>>());
        redaction.secrets.retain(|secret| secret.len() >= SECRET_CHARS_MIN);
        redaction.secrets.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        redaction.secrets.dedup();
        redaction
    }

    /// With the octets of a capture as what was on the wire.
    #[must_use]
    pub fn with_wire(mut self, capture: &[u8]) -> Self {
        self.wire = hex::encode(capture);
        self
    }

    /// Notes the credentials of a configuration, whose member `key` this is.
    fn credentials(&mut self, value: &Value, key: &str) {
        match value {
            Value::String(pem) if key == "pem" => {
                let private =
                    private_lines(pem).map(|(line, _)| line).filter(|line| !line.starts_with("-----"));
                self.secrets.extend(private.map(str::to_owned));
            }
            Value::String(secret) if is_credential(key) => {
                self.secrets.push(secret.clone());
                self.secrets.push(hex::encode(secret));
                self.secrets.push(hex::encode_upper(secret));
                self.secrets.push(Base64::encode_string(secret.as_bytes()));
            }
            Value::Array(items) => items.iter().for_each(|item| self.credentials(item, key)),
            Value::Object(members) => {
                members.iter().for_each(|(name, item)| self.credentials(item, member(key, name)));
            }
            _ => {}
        }
    }

    /// A text without the secrets of the case.
    pub fn text(&self, text: &str) -> String {
        self.without_octets(&self.known(text))
    }

    /// A text without the secrets that are known.
    fn known(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, REDACTED))
    }

    /// A text without runs of octets that were not on the wire.
    fn without_octets(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let run = octets(rest);
            let digits: String =
                rest[..run].chars().filter(char::is_ascii_hexdigit).map(|c| c.to_ascii_lowercase()).collect();
            let taken = run.max(c.len_utf8());
            if digits.len() >= DIGITS_MIN && !self.wire.contains(&digits) {
                out.push_str(REDACTED);
            } else {
                out.push_str(&rest[..taken]);
            }
            rest = &rest[taken..];
        }
        out
    }

    /// The case without its credentials. Its steps are the scenario's, and lose what they repeat of them.
    pub fn case(&self, case: &Case) -> Case {
        // A case is stored as JSON, and stays one with other texts in the places of texts.
        let mut config = serde_json::to_value(&case.config).unwrap_or_default();
        without_credentials(&mut config, "");
        let config = serde_json::from_value(config).unwrap_or_else(|_| {
            let mut config = case.config.clone();
            for side in [&mut config.harness, &mut config.peer] {
                (side.psk, side.pki, side.xauth) = (REDACTED.to_owned(), None, None);
            }
            config
        });
        let known = |text: String| self.known(&text);
        Case {
            description: self.text(&case.description),
            steps: changed(&case.steps, &known).unwrap_or_default(),
            accept: changed(&case.accept, &known).unwrap_or_default(),
            config,
            ..case.clone()
        }
    }

    /// The transcript without what was decrypted, derived and logged. A record that cannot be told without a secret goes.
    pub fn records(&self, records: &[Record]) -> Vec<Record> {
        let mut numbers = BTreeMap::new();
        let mut kept = Vec::with_capacity(records.len());
        for record in records {
            let event = match &record.event {
                Event::Plaintext { .. } | Event::PeerLog { .. } => continue,
                Event::Value(value) => {
                    let next = numbers.len() + 1;
                    let number = *numbers.entry(value.hex.as_str()).or_insert(next);
                    let hex = format!("[redacted value {number}]");
                    let event = Event::Value(ValueRecord { hex, ..value.clone() });
                    kept.push(Record { at_ms: record.at_ms, event });
                    continue;
                }
                Event::Begin { case, role, peer, peer_version, .. } => Event::Begin {
                    case: case.clone(),
                    role: *role,
                    seed: 0,
                    peer: peer.clone(),
                    peer_version: peer_version.clone(),
                },
                Event::Engine { side, event } => Event::Engine { side: *side, event: decrypted(event) },
                other => other.clone(),
            };
            kept.extend(changed(&Record { at_ms: record.at_ms, event }, &|text: String| self.text(&text)));
        }
        kept
    }

    /// Everything that a case leaves behind.
    pub fn artefacts(&self, artefacts: &CaseArtefacts) -> CaseArtefacts {
        CaseArtefacts {
            transcript: self.records(&artefacts.transcript),
            pcap: artefacts.pcap.clone(),
            key_table: String::new(),
            peer_log: String::new(),
        }
    }

    /// The report's entry of a case.
    pub fn result(&self, result: &mut CaseResult) {
        result.reason = self.text(&result.reason);
        result.rerun = without_seed(&result.rerun);
        self.findings(&mut result.findings);
        result.notes.iter_mut().for_each(|note| *note = self.text(note));
        for change in &mut result.changes {
            for value in [&mut change.was, &mut change.is].into_iter().flatten() {
                *value = self.text(value);
            }
        }
    }

    /// The report's entry of a cell of the matrix. The ends of logs among its notes go.
    pub fn cell(&self, cell: &mut CellResult) {
        cell.reason = self.text(&cell.reason);
        self.findings(&mut cell.findings);
        cell.notes.retain(|note| !note.contains("'s log ends: "));
        cell.notes.iter_mut().for_each(|note| *note = self.text(note));
    }

    /// The report's entry of a probe.
    pub fn probe(&self, probe: &mut ProbeResult) {
        probe.evidence = self.text(&probe.evidence);
        probe.rerun = without_seed(&probe.rerun);
    }

    fn findings(&self, findings: &mut [Finding]) {
        for finding in findings {
            finding.what = self.text(&finding.what);
            for value in [&mut finding.expected, &mut finding.got].into_iter().flatten() {
                *value = self.text(value);
            }
        }
    }

    /// An event that belongs to no case, and whose secrets nobody knows.
    pub fn event(event: RunEvent) -> RunEvent {
        let bare = Self::default();
        match event {
            RunEvent::Fault { text } => RunEvent::Fault { text: bare.text(&text) },
            RunEvent::Note { text } => RunEvent::Note { text: bare.text(&text) },
            other => other,
        }
    }
}

/// Writes what a run has left into another folder without the secrets in it, and takes them out of its report.
///
/// # Errors
/// When a file cannot be read or written.
pub fn copy(from: &Path, to: &Path, report: &mut Report) -> Result<(), ArtefactError> {
    let mut known: BTreeMap<PathBuf, Redaction> = BTreeMap::new();
    for files in CaseFolder::all(from)? {
        let (case, transcript) = files.read()?;
        let redaction = Redaction::of([&case], &transcript);
        let artefacts = CaseArtefacts {
            transcript,
            pcap: files.capture(),
            key_table: String::new(),
            peer_log: String::new(),
        };
        CaseFolder::at(to, files.relative()).write_redacted(&case, &artefacts, &redaction)?;
        known.insert(files.relative().to_owned(), redaction);
    }
    for peer in &report.peers {
        // A run of the matrix has no profiles.
        if let Ok(profile) = read_profile(from, &peer.name) {
            write_profile(to, &profile)?;
        }
    }
    let bare = Redaction::default();
    let of = |artefacts: &BTreeMap<String, String>| {
        let folder = artefacts.get("transcript").and_then(|path| Path::new(path).parent());
        folder.and_then(|folder| known.get(folder)).unwrap_or(&bare)
    };
    let kept = |kind: &String, _: &mut String| matches!(kind.as_str(), "case" | "transcript" | "capture");
    for case in &mut report.cases {
        of(&case.artefacts).result(case);
        case.artefacts.retain(kept);
    }
    for probe in report.discovery.iter_mut().flat_map(|found| &mut found.probes) {
        of(&probe.artefacts).probe(probe);
        probe.artefacts.retain(kept);
    }
    for cell in report.matrix.iter_mut().flat_map(|matrix| &mut matrix.cells) {
        copy_cell(from, to, cell)?;
    }
    for peer in &mut report.peers {
        peer.sanity.iter_mut().for_each(|sanity| sanity.reason = bare.text(&sanity.reason));
    }
    let run = &mut report.run;
    run.errors.iter_mut().for_each(|error| *error = bare.text(error));
    run.command = without_seed(&run.command);
    run.seed = 0;
    run.set_redacted(true);
    Ok(())
}

/// Of the files of a cell only the capture goes along.
fn copy_cell(from: &Path, to: &Path, cell: &mut CellResult) -> Result<(), ArtefactError> {
    let io = |file: &Path, source| ArtefactError::Io { file: file.to_owned(), source };
    let read = |kind: &str| {
        cell.artefacts.get(kind).map(|file| (file, fs::read(from.join(file)).unwrap_or_default()))
    };
    let cases = ["initiator-case", "responder-case"].into_iter().filter_map(read);
    let cases: Vec<Case> = cases.filter_map(|(_, text)| serde_json::from_slice(&text).ok()).collect();
    let mut redaction = Redaction::of(&cases, &[]);
    if let Some((name, capture)) = read("capture") {
        let file = to.join(name);
        let folder = file.parent().unwrap_or(to);
        fs::create_dir_all(folder).map_err(|source| io(folder, source))?;
        fs::write(&file, &capture).map_err(|source| io(&file, source))?;
        redaction = redaction.with_wire(&capture);
    }
    redaction.cell(cell);
    cell.artefacts.retain(|kind, _| kind == "capture");
    Ok(())
}

/// A command without its `--seed`.
pub fn without_seed(command: &str) -> String {
    let Some((before, after)) = command.split_once(" --seed ") else { return command.to_owned() };
    let rest = after.split_once(' ').map_or_else(String::new, |(_, rest)| format!(" {rest}"));
    format!("{before}{rest}")
}

/// Members of a configuration that are credentials.
fn is_credential(key: &str) -> bool {
    matches!(key, "psk" | "password")
}

/// The name of a member of `key`; the answers of a user are passwords too.
fn member<'a>(key: &str, name: &'a str) -> &'a str {
    if key == "answers" && name == "value" { "password" } else { name }
}

/// What an engine reports of messages that were encrypted.
fn decrypted(event: &EngineEvent) -> EngineEvent {
    let redacted = || REDACTED.to_owned();
    match event {
        EngineEvent::ExtendedAuthentication { user, passed } => {
            EngineEvent::ExtendedAuthentication { user: user.as_ref().map(|_| redacted()), passed: *passed }
        }
        EngineEvent::MessageForUser { .. } => EngineEvent::MessageForUser { message: redacted() },
        EngineEvent::Configured { host, items, .. } => EngineEvent::Configured {
            host: *host,
            address: None,
            items: items.iter().map(|_| redacted()).collect(),
        },
        EngineEvent::Notified { notify_type, authenticated, .. } => EngineEvent::Notified {
            notify_type: notify_type.clone(),
            authenticated: *authenticated,
            data_hex: String::new(),
        },
        other => other.clone(),
    }
}

fn without_credentials(value: &mut Value, key: &str) {
    match value {
        Value::String(pem) if key == "pem" => {
            let mut out = String::with_capacity(pem.len());
            let private: BTreeSet<usize> = private_lines(pem).map(|(_, number)| number).collect();
            for (number, line) in pem.lines().enumerate() {
                if !private.contains(&number) {
                    out.push_str(line);
                    out.push('\n');
                }
            }
            *pem = out;
        }
        Value::String(secret) if is_credential(key) => *secret = REDACTED.to_owned(),
        Value::Array(items) => items.iter_mut().for_each(|item| without_credentials(item, key)),
        Value::Object(members) => {
            members.iter_mut().for_each(|(name, item)| without_credentials(item, member(key, name)));
        }
        _ => {}
    }
}

/// The lines of a PEM file that belong to private keys, with their numbers from 0.
fn private_lines(pem: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut inside = false;
    pem.lines().enumerate().filter_map(move |(number, line)| {
        let label = line.trim();
        let begins = label.starts_with("-----BEGIN ") && label.contains("PRIVATE KEY");
        inside |= begins;
        let private = inside;
        if label.starts_with("-----END ") {
            inside = false;
        }
        private.then_some((line, number))
    })
}

/// A value with each of its texts changed; none where it is no such value any more.
fn changed<T: Serialize + DeserializeOwned>(value: &T, change: &impl Fn(String) -> String) -> Option<T> {
    serde_json::from_value(strings(serde_json::to_value(value).ok()?, change)).ok()
}

/// A JSON value with each of its strings changed.
fn strings(value: Value, change: &impl Fn(String) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => items.into_iter().map(|item| strings(item, change)).collect(),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(key, item)| (key, strings(item, change))).collect())
        }
        other => other,
    }
}

/// Length of the octets in hex that a text begins with: `0a1b2c`, `0a 1b 2c` or `0a:1b:2c`.
fn octets(text: &str) -> usize {
    let digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
    let plain = text.bytes().take_while(u8::is_ascii_hexdigit).count();
    if plain != 2 {
        return plain;
    }
    let mut end = plain;
    while matches!(text.as_bytes().get(end), Some(b' ' | b':'))
        && digit(end + 1)
        && digit(end + 2)
        && !digit(end + 3)
    {
        end += 3;
    }
    end
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn redaction() -> Redaction {
        Redaction {
            secrets: vec!["conformance pre-shared key".to_owned(), "foobar".to_owned()],
            wire: "00112233445566778899aabbccddeeff ".to_owned(),
        }
    }

    #[rstest]
    #[case::nothing("HASH_I differs at octet 20", "HASH_I differs at octet 20")]
    #[case::known("password foobar of joe", "password [redacted] of joe")]
    #[case::on_the_wire("CKY-I 0011223344556677", "CKY-I 0011223344556677")]
    #[case::not_on_the_wire("SKEYID 0123456789abcdef01, not", "SKEYID [redacted], not")]
    #[case::capitals("0123456789ABCDEF", "[redacted]")]
    #[case::spaced("IV => 01 23 45 67 89 AB CD EF .", "IV => [redacted] .")]
    #[case::colons("01:23:45:67:89:ab:cd:ef", "[redacted]")]
    #[case::wire_spaced("00 11 22 33 44 55 66 77", "00 11 22 33 44 55 66 77")]
    #[case::short("SPI 0123abcd, M-ID 89abcdef", "SPI 0123abcd, M-ID 89abcdef")]
    #[case::words("größer faced decade ✓", "größer faced decade ✓")]
    fn a_text_loses_secrets_and_octets(#[case] text: &str, #[case] left: &str) {
        assert_eq!(redaction().text(text), left);
    }

    #[rstest]
    #[case::last("x conform a --seed 7", "x conform a")]
    #[case::middle("x conform a --seed 7 --group modp2048", "x conform a --group modp2048")]
    #[case::none("x conform a", "x conform a")]
    fn a_command_loses_its_seed(#[case] command: &str, #[case] left: &str) {
        assert_eq!(without_seed(command), left);
    }

    #[test]
    fn of_a_pem_file_the_certificates_stay() {
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----\nBBBB\n-----END RSA PRIVATE KEY-----\n-----BEGIN X509 CRL-----\nCCCC\n";
        let mut value = serde_json::json!({ "credentials": { "pem": pem }, "xauth": { "user": { "name": "joe", "password": "pw" } } });
        without_credentials(&mut value, "");
        assert_eq!(
            value,
            serde_json::json!({
                "credentials": { "pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n-----BEGIN X509 CRL-----\nCCCC\n" },
                "xauth": { "user": { "name": "joe", "password": "[redacted]" } },
            })
        );
    }
}
