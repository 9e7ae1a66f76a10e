//! Wireshark's reader decrypts our captures with the key table that goes with them.
//!
//! Needs tshark. Without it the tests say so and pass, unless `IKEV1_REQUIRE_TSHARK=1` is set.

use std::io::ErrorKind;
use std::process::Command;

use crate::common::{both, case, echo, expect_sas, problems, start};
use ikev1::wire::{Chain, Header, Payload, Trailing, WireLimits, decode_chain};
use ikev1_report::capture::{CaptureReport, CapturedMessage};
use ikev1_runner::capture::KeyTable;
use ikev1_runner::dissect::{Secrets, dissect};
use ikev1_runner::execute::{CaseArtefacts, CaseLimits, execute_case};
use ikev1_runner::target::loopback::Loopback;
use ikev1_scenario::case::ResolvedSide;
use ikev1_scenario::model::{Cipher, Group, Hash, NatTraversal, Phase1Exchange, Role};
use rstest::rstest;

/// Whether tshark can be run, unless it is required.
fn tshark_is_here() -> bool {
    match Command::new("tshark").arg("--version").output() {
        Ok(_) => true,
        Err(error) => {
            let required = std::env::var("IKEV1_REQUIRE_TSHARK").is_ok_and(|value| value == "1");
            assert!(!required, "IKEV1_REQUIRE_TSHARK=1, but tshark cannot be run: {error}");
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
            println!("skipped: there is no tshark (Debian: apt-get install tshark)");
            false
        }
    }
}

/// One line for each ISAKMP message: exchange type, flags, payload types with those inside the encrypted body.
fn tshark(artefacts: &CaseArtefacts, with_keys: bool) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let pcap = folder.path().join("capture.pcap");
    std::fs::write(&pcap, &artefacts.pcap).unwrap();
    if with_keys {
        // Wireshark's own place for the table is its configuration folder.
        let config = folder.path().join("wireshark");
        std::fs::create_dir(&config).unwrap();
        std::fs::write(config.join("ikev1_decryption_table"), &artefacts.key_table).unwrap();
    }
    let output = Command::new("tshark")
        .env("XDG_CONFIG_HOME", folder.path())
        .env("HOME", folder.path())
        .arg("-r")
        .arg(&pcap)
        .args(["-Y", "isakmp && !udpencap.nat_keepalive", "-T", "fields", "-E", "separator=;"])
        .args(["-e", "isakmp.exchangetype", "-e", "isakmp.typepayload", "-e", "isakmp.hash"])
        .args(["-e", "_ws.malformed", "-e", "_ws.expert.message"])
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stderr}");
    stdout.lines().map(str::to_owned).collect()
}

#[rstest]
#[case::main_mode(|_: &mut ResolvedSide| {})]
#[case::des_with_sha_1(|side: &mut ResolvedSide| side.phase1.transforms[0].cipher = Cipher::Des)]
#[case::expanded_key(|side: &mut ResolvedSide| {
    side.phase1.transforms[0].cipher = Cipher::Aes256;
    side.phase1.transforms[0].hash = Hash::Sha1;
})]
#[case::aggressive_mode(|side: &mut ResolvedSide| side.exchange = Phase1Exchange::AggressiveMode)]
#[case::floated_to_the_nat_t_port(|side: &mut ResolvedSide| side.nat_traversal = NatTraversal::Force)]
#[tokio::test]
async fn tshark_decrypts_quick_mode(
    #[case] change: fn(&mut ResolvedSide),
    #[values(Role::Initiator, Role::Responder)] role: Role,
) {
    if !tshark_is_here() {
        return;
    }
    let case = case("tshark", role, vec![start(), expect_sas(1, 1), echo()]);
    let case = both(both(case, |side| side.phase2.pfs = Some(Group::Modp1024)), change);
    let artefacts = execute_case(&mut Loopback::new(), &case, 1, CaseLimits::default()).await;
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new());

    let quick_mode = |lines: Vec<String>| -> Vec<Vec<String>> {
        let fields = |line: &String| line.split(';').map(str::to_owned).collect::<Vec<_>>();
        lines.iter().map(fields).filter(|fields| fields[0] == "32").collect()
    };
    let decrypted = quick_mode(tshark(&artefacts, true));
    assert_eq!(decrypted.len(), 3, "{decrypted:#?}");
    // HASH(1), SA, Ni, KE, IDci, IDcr, in an order of ours, and within the SA a proposal and a transform.
    for message in &decrypted[..2] {
        let mut payloads: Vec<&str> = message[1].split(',').collect();
        assert_eq!(payloads.first(), Some(&"8"), "HASH stands first: {message:?}");
        payloads.sort_unstable();
        assert_eq!(payloads, ["1", "10", "2", "3", "4", "5", "5", "8"], "{message:?}");
    }
    assert_eq!(decrypted[2][1], "8", "{decrypted:#?}");
    for message in &decrypted {
        assert!(message[2].len() >= 32, "a hash: {message:?}");
        assert_eq!(message[3], "", "malformed: {message:?}");
        assert!(!message[4].to_lowercase().contains("malformed"), "{message:?}");
    }

    let encrypted = quick_mode(tshark(&artefacts, false));
    assert!(encrypted.iter().all(|message| message[1].is_empty()), "{encrypted:#?}");
}

/// Our own reading of a case's capture.
fn dissected(artefacts: &CaseArtefacts, with_keys: bool, psk: Option<&str>) -> CaptureReport {
    let keys = if with_keys { KeyTable::parse(&artefacts.key_table).unwrap() } else { KeyTable::default() };
    let secrets = Secrets { keys: &keys, pre_shared_key: psk.map(str::as_bytes) };
    dissect("capture.pcap", &artefacts.pcap, secrets).unwrap()
}

/// The payloads of a message that was in the clear or could be decrypted.
fn payloads(message: &CapturedMessage) -> Option<(Header, Chain)> {
    let header = Header::decode(&message.bytes).unwrap();
    let body = message.bytes[Header::LEN..].to_vec().into();
    let chain = decode_chain(header.next_payload, &body, Trailing::Padding, &WireLimits::default());
    (message.form != "encrypted").then(|| (header, chain.unwrap()))
}

/// What [`tshark`] prints of a message: exchange type, payload types in any order, hashes.
fn as_tshark_has_it(message: &CapturedMessage) -> (String, Vec<u8>, String) {
    let Some((header, chain)) = payloads(message) else { return Default::default() };
    let (mut types, mut hashes) = (Vec::new(), Vec::new());
    for received in &chain.payloads {
        types.push(received.payload_type.0);
        match &received.payload {
            Payload::Sa(sa) => {
                for proposal in &sa.proposals {
                    types.push(2);
                    types.extend(proposal.transforms.iter().map(|_| 3));
                }
            }
            Payload::Hash(hash) => hashes.push(hex::encode(&hash.data)),
            _ => {}
        }
    }
    types.sort_unstable();
    (header.exchange_type.0.to_string(), types, hashes.join(","))
}

#[rstest]
#[case::main_mode(|_: &mut ResolvedSide| {})]
#[case::des_with_sha_1(|side: &mut ResolvedSide| side.phase1.transforms[0].cipher = Cipher::Des)]
#[case::expanded_key(|side: &mut ResolvedSide| side.phase1.transforms[0].cipher = Cipher::Aes256)]
#[case::triple_des_with_md5(|side: &mut ResolvedSide| {
    side.phase1.transforms[0].cipher = Cipher::TripleDes;
    side.phase1.transforms[0].hash = Hash::Md5;
})]
#[case::aggressive_mode(|side: &mut ResolvedSide| side.exchange = Phase1Exchange::AggressiveMode)]
#[case::floated_to_the_nat_t_port(|side: &mut ResolvedSide| side.nat_traversal = NatTraversal::Force)]
#[tokio::test]
async fn dissect_reads_what_tshark_reads(
    #[case] change: fn(&mut ResolvedSide),
    #[values(Role::Initiator, Role::Responder)] role: Role,
) {
    if !tshark_is_here() {
        return;
    }
    let case = case("dissect", role, vec![start(), expect_sas(1, 1), echo()]);
    let case = both(both(case, |side| side.phase2.pfs = Some(Group::Modp1024)), change);
    let artefacts = execute_case(&mut Loopback::new(), &case, 1, CaseLimits::default()).await;
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new());

    let report = dissected(&artefacts, true, None);
    let messages: Vec<_> =
        report.conversations.iter().flat_map(|it| &it.messages).map(as_tshark_has_it).collect();
    let of_tshark = |line: &String| {
        let mut fields = line.split(';').map(str::to_owned);
        let mut field = || fields.next().unwrap_or_default();
        let (exchange, types, hashes) = (field(), field(), field());
        let mut types: Vec<u8> = types.split(',').filter_map(|number| number.parse().ok()).collect();
        types.sort_unstable();
        (exchange, types, hashes)
    };
    // What is no ISAKMP message, such as ESP in UDP, has no exchange type.
    let theirs: Vec<_> = tshark(&artefacts, true)
        .iter()
        .map(of_tshark)
        .filter(|(exchange, ..)| !exchange.is_empty())
        .collect();
    assert_eq!(messages, theirs);
    assert_eq!(report.counts.decrypted, report.counts.encrypted);
    assert_eq!(report.findings, [], "our own engine does nothing wrong");
    let closed = dissected(&artefacts, false, None);
    assert_eq!((closed.counts.decrypted, closed.findings.len()), (0, 0));
}

#[rstest]
#[case::main_mode_with_ka(Phase1Exchange::MainMode, true, 2)]
#[case::main_mode_without_it(Phase1Exchange::MainMode, false, 0)]
#[case::aggressive_mode_with_ka(Phase1Exchange::AggressiveMode, true, 2)]
#[case::aggressive_mode_without_it(Phase1Exchange::AggressiveMode, false, 1)]
#[tokio::test]
async fn a_pre_shared_key_is_held_against_what_hashes_can_be_read(
    #[case] exchange: Phase1Exchange,
    #[case] with_keys: bool,
    #[case] hashes: usize,
) {
    let case =
        both(case("psk", Role::Initiator, vec![start(), expect_sas(1, 1)]), |side| side.exchange = exchange);
    let artefacts = execute_case(&mut Loopback::new(), &case, 1, CaseLimits::default()).await;
    let said = |psk: &str| dissected(&artefacts, with_keys, Some(psk)).isakmp_sas[0].pre_shared_key.clone();
    let right = said(&case.config.harness.psk);
    let same = right.iter().filter(|line| line.ends_with("is the one that this key gives")).count();
    assert_eq!(same, hashes, "{right:#?}");
    let other = said("another");
    let differs = other.iter().filter(|line| line.contains("is not the one that this key gives")).count();
    assert_eq!((differs, other.len()), (hashes, hashes.max(1)), "{other:#?}");
}
