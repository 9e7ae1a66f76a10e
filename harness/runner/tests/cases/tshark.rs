//! Wireshark's reader decrypts our captures with the key table that goes with them.
//!
//! Needs tshark. Without it the tests say so and pass, unless `IKEV1_REQUIRE_TSHARK=1` is set.

use std::io::ErrorKind;
use std::process::Command;

use crate::common::{both, case, echo, expect_sas, problems, start};
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
