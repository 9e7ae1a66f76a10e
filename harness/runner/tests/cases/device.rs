//! A device that is configured already: an endpoint of ours behind UDP sockets on odd ports, and the command line.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ikev1::Endpoint;
use ikev1::crypto::default_provider;
use ikev1::io::{Datagram, IP_UDP, Output as EngineOutput, Timestamp};
use ikev1_runner::device::Device;
use ikev1_runner::driver::Addresses;
use ikev1_runner::random::SeededRandom;
use ikev1_runner::run::{sanity_case, sanity_case_by};
use ikev1_runner::settings;
use ikev1_scenario::adapt::adapt;
use ikev1_scenario::case::Case;
use ikev1_scenario::model::{Authentication, Side};
use ikev1_scenario::pki::{CREDENTIALS_FOLDER, CredentialFiles};
use ikev1_scenario::{DEFAULT_GROUP, Library, expand_all};
use serde_json::Value;

const KEY: &str = "the key of a gateway";
const POLICY: &str = r#"
[policy]
psk = "the key of a gateway"
exchanges = ["main-mode"]
phase1 = [{ cipher = "aes256", hash = "sha2-256", group = "modp1024" }]
phase1_lifetime_seconds = 28800
phase2 = [{ cipher = "aes256", integrity = "sha2-256" }]
client = "10.77.2.0/24"
harness_client = "10.77.1.0/24"
"#;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn free_sockets() -> (UdpSocket, UdpSocket) {
    let socket = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    (socket(), socket())
}

/// Ends of which those of the harness are free again.
fn ends() -> (Addresses, (UdpSocket, UdpSocket)) {
    let (harness, peer) = (free_sockets(), free_sockets());
    let at = |socket: &UdpSocket| socket.local_addr().unwrap();
    let addresses = Addresses {
        harness: at(&harness.0),
        harness_nat_t: at(&harness.1),
        peer: at(&peer.0),
        peer_nat_t: at(&peer.1),
    };
    (addresses, peer)
}

/// The file of a device with these ends.
fn write_file(folder: &Path, addresses: &Addresses, rest: &str) -> PathBuf {
    write_file_with(POLICY, folder, addresses, rest)
}

fn write_file_with(policy: &str, folder: &Path, addresses: &Addresses, rest: &str) -> PathBuf {
    let file = folder.join("device.toml");
    let text = format!(
        "name = \"Gateway\"\nversion = \"1.2\"\naddress = \"127.0.0.1\"\nport = {}\nnat_t_port = {}\n\
         local_address = \"127.0.0.1\"\nlocal_port = {}\nlocal_nat_t_port = {}\n{rest}\n{policy}",
        addresses.peer.port(),
        addresses.peer_nat_t.port(),
        addresses.harness.port(),
        addresses.harness_nat_t.port(),
    );
    std::fs::write(&file, text).unwrap();
    file
}

/// The device, until it is dropped.
struct Gateway {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// What the device is configured with, set here by hand and not by what is tested.
fn configured() -> Case {
    let mut case = sanity_case("device", DEFAULT_GROUP).unwrap();
    let side = &mut case.config.peer;
    side.psk = KEY.to_owned();
    side.phase1.transforms =
        serde_json::from_str(r#"[{"cipher": "aes256", "hash": "sha2-256", "group": "modp1024"}]"#).unwrap();
    side.phase1.lifetime_seconds = 28_800;
    side.phase2.transforms =
        serde_json::from_str(r#"[{"cipher": "aes256", "integrity": "sha2-256"}]"#).unwrap();
    side.phase2.client = "10.77.2.0/24".to_owned();
    side.phase2.remote_client = "10.77.1.0/24".to_owned();
    case
}

fn credentials() -> Arc<CredentialFiles> {
    Arc::new(CredentialFiles::load(&root().join("scenarios").join(CREDENTIALS_FOLDER)).unwrap())
}

/// The same with RSA signatures, with what the scenarios have for the peer.
fn configured_to_sign() -> Case {
    let mut case = configured();
    let signs =
        sanity_case_by(Authentication::RsaSignature, "device", DEFAULT_GROUP, &credentials()).unwrap();
    let (side, peer) = (&mut case.config.peer, signs.config.peer);
    (side.id, side.remote_id, side.pki) = (peer.id, peer.remote_id, peer.pki);
    side.phase1.transforms[0].authentication = Authentication::RsaSignature;
    case
}

/// The policy of a device that signs with RSA.
fn signing_policy(rest: &str) -> String {
    let policy = POLICY.replace(&format!("psk = \"{KEY}\"\n"), rest);
    policy.replace("phase1 = [{ cipher", "phase1 = [{ authentication = \"rsa-signature\", cipher")
}

/// The SAs as `state` prints them.
fn listed(engine: &Endpoint) -> String {
    let mut text = String::new();
    let view = ikev1_runner::view::of_endpoint(engine);
    for sa in view.isakmp_sas {
        let (initiator, responder) =
            (hex::encode(sa.cookies.initiator.0), hex::encode(sa.cookies.responder.0));
        let role = if sa.role == ikev1::event::Role::Initiator { "initiator" } else { "responder" };
        let state = if sa.established { "established" } else { "negotiating" };
        text.push_str(&format!("isakmp {initiator} {responder} {role} {state}\n"));
    }
    for sa in view.ipsec_sas {
        text.push_str(&format!("ipsec esp {:08x} {:08x}\n", sa.spi_in, sa.spi_out));
    }
    text
}

/// The device's commands: what is to be done is a file in `folder`, and what there is too.
fn commands(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "[commands]\ninitiate_phase1 = \"touch {folder}/phase1\"\ninitiate_quick_mode = \"touch {folder}/up\"\n\
         state = \"cat {folder}/state\"\nreset = \"touch {folder}/reset; while [ -e {folder}/reset ]; do sleep 0.01; done\"\n"
    )
}

/// Whether a command has asked for this, which it does once.
fn asked(folder: &Path, what: &str) -> bool {
    std::fs::remove_file(folder.join(what)).is_ok()
}

fn gateway(addresses: Addresses, sockets: (UdpSocket, UdpSocket), folder: PathBuf) -> Gateway {
    gateway_with(&configured(), usize::MAX, addresses, sockets, folder)
}

/// A device that is deaf after so many datagrams, and has been mute since.
fn gateway_that_hears(
    datagrams: usize,
    addresses: Addresses,
    sockets: (UdpSocket, UdpSocket),
    folder: PathBuf,
) -> Gateway {
    gateway_with(&configured(), datagrams, addresses, sockets, folder)
}

fn gateway_with(
    configured: &Case,
    datagrams: usize,
    addresses: Addresses,
    sockets: (UdpSocket, UdpSocket),
    folder: PathBuf,
) -> Gateway {
    std::fs::write(folder.join("state"), "").unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let config = settings::engine_config(configured, Side::Peer, &addresses).unwrap();
    let thread = thread::spawn(move || {
        let random = SeededRandom::new(7, "device", "peer");
        let mut engine = Endpoint::new(config, default_provider(), Box::new(random));
        let start = Instant::now();
        let mut buffer = vec![0; 65_535];
        let sockets = [sockets.0, sockets.1];
        for socket in &sockets {
            socket.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
        }
        let mut timeout = None;
        let mut heard = 0;
        while !stopped.load(Ordering::SeqCst) {
            let now = Timestamp(start.elapsed());
            let reset = folder.join("reset").exists();
            if reset {
                let ids: Vec<_> = engine.ipsec_sas().map(|sa| sa.id).collect();
                ids.into_iter().for_each(|id| drop(engine.delete_ipsec_sa(now, id)));
                let ids: Vec<_> = engine.isakmp_sas().map(|sa| sa.id).collect();
                ids.into_iter().for_each(|id| drop(engine.delete_isakmp_sa(now, id)));
            }
            if asked(&folder, "phase1") {
                engine.initiate_phase1(now, settings::PEER_NAME).unwrap();
            }
            if asked(&folder, "up") {
                engine.initiate(now, settings::PEER_NAME, settings::POLICY_NAME).unwrap();
            }
            std::fs::write(folder.join("state.new"), listed(&engine)).unwrap();
            std::fs::rename(folder.join("state.new"), folder.join("state")).unwrap();
            if reset {
                std::fs::remove_file(folder.join("reset")).unwrap();
            }
            for socket in &sockets {
                let now = Timestamp(start.elapsed());
                if let Ok((len, remote)) = socket.recv_from(&mut buffer) {
                    heard += 1;
                    if heard > datagrams {
                        continue;
                    }
                    let payload = Bytes::copy_from_slice(&buffer[..len]);
                    let local = socket.local_addr().unwrap();
                    engine.handle_datagram(now, &Datagram { ip_protocol: IP_UDP, local, remote, payload });
                } else if timeout.is_some_and(|at| at <= now) {
                    engine.handle_timeout(now);
                }
                timeout = loop {
                    match engine.poll_output() {
                        EngineOutput::Transmit(datagram) if heard <= datagrams => send(&sockets, &datagram),
                        EngineOutput::Transmit(_) => {}
                        EngineOutput::Event(_) => {}
                        EngineOutput::Timeout(at) => break Some(at),
                        EngineOutput::Idle => break None,
                    }
                };
            }
        }
    });
    Gateway { stop, thread: Some(thread) }
}

fn send(sockets: &[UdpSocket; 2], datagram: &Datagram) {
    let own = |socket: &&UdpSocket| socket.local_addr().is_ok_and(|at| at == datagram.local);
    if let Some(socket) = sockets.iter().find(own) {
        socket.send_to(&datagram.payload, datagram.remote).unwrap();
    }
}

/// Runs `conform` with a device's file and cases; gives what came out and the report, if there is one.
fn conform(file: &Path, cases: &[&str], out: &Path) -> (Output, Option<Value>) {
    run("conform", file, cases, out)
}

/// Runs a command with a device's file and IDs; gives what came out and the report, if there is one.
fn run(command: &str, file: &Path, cases: &[&str], out: &Path) -> (Output, Option<Value>) {
    let output = Command::new(env!("CARGO_BIN_EXE_ikev1-conform"))
        .args(["--root", root().to_str().unwrap(), command, "--seed", "5", "--quiet"])
        .args(["--peer", file.to_str().unwrap(), "--out", out.to_str().unwrap()])
        .args(cases)
        .output()
        .unwrap();
    let report = std::fs::read_to_string(out.join("report.json")).ok();
    (output, report.map(|text| serde_json::from_str(&text).unwrap()))
}

fn verdicts(report: &Value) -> Vec<(String, String, String)> {
    let text = |case: &Value, key: &str| case[key].as_str().unwrap().to_owned();
    let cases = report["cases"].as_array().unwrap();
    cases.iter().map(|case| (text(case, "verdict"), text(case, "id"), text(case, "reason"))).collect()
}

#[test]
fn a_device_that_is_configured_already_gets_verdicts_and_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let (addresses, sockets) = ends();
    let file = write_file(folder.path(), &addresses, &commands(folder.path()));
    let _gateway = gateway(addresses, sockets, folder.path().to_owned());
    let (output, report) = conform(&file, &["rfc2409/5.4*/**"], &folder.path().join("run"));
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let all = verdicts(&report.unwrap());
    assert_eq!(output.status.code(), Some(0), "{text}\n{all:#?}");
    let with = |verdict: &str| all.iter().filter(|(got, ..)| got == verdict).count();
    assert!(with("pass") >= 5, "{all:#?}");
    assert_eq!(with("pass") + with("info") + with("warn") + with("unsupported"), all.len(), "{all:#?}");
    for because in ["depends on phase 1 transforms", "aggressive-mode, which the device does not answer"] {
        let refused = |(verdict, _, reason): &(String, String, String)| {
            verdict == "unsupported" && reason.contains(because)
        };
        assert!(all.iter().any(refused), "{because}: {all:#?}");
    }
    // The files of the device's cases are in the run's folder, and nowhere else.
    let rejudged = Command::new(env!("CARGO_BIN_EXE_ikev1-conform"))
        .args(["--root", root().to_str().unwrap(), "rejudge", "--check"])
        .arg(folder.path().join("run"))
        .output()
        .unwrap();
    assert!(rejudged.status.success(), "{rejudged:?}");
}

#[test]
fn a_device_that_was_given_the_test_credentials_is_tested_with_signatures() {
    let folder = tempfile::tempdir().unwrap();
    let (addresses, sockets) = ends();
    let file = write_file_with(&signing_policy(""), folder.path(), &addresses, &commands(folder.path()));
    let _gateway =
        gateway_with(&configured_to_sign(), usize::MAX, addresses, sockets, folder.path().to_owned());
    let cases = [
        "rfc2409/5.1-signatures/main-mode-*-of-the-initiator",
        "rfc4945/5.1-certificates/*-of-the-initiator",
        "rfc2409/5.4*/named-identities",
    ];
    let (output, report) = conform(&file, &cases, &folder.path().join("run"));
    let all = verdicts(&report.unwrap_or_else(|| panic!("{output:?}")));
    assert_eq!(output.status.code(), Some(0), "{output:?}\n{all:#?}");
    let with = |verdict: &str| all.iter().filter(|(got, ..)| got == verdict).count();
    assert!(with("pass") >= 5, "{all:#?}");
    assert_eq!(with("pass") + with("info") + with("unsupported"), all.len(), "{all:#?}");
    // Whatever the harness shows, its case is played; what the device has is not for a case to say.
    let played = |id: &str| all.iter().any(|(verdict, got, _)| got == id && verdict == "pass");
    assert!(played("rfc4945/5.1-certificates/main-mode-expired-certificate-of-the-initiator"), "{all:#?}");
    for because in ["authentication by psk, which the device does not have", "configures `pki` of the peer"] {
        assert!(all.iter().any(|(_, _, reason)| reason.contains(because)), "{because}: {all:#?}");
    }
}

#[test]
fn a_device_with_a_key_of_its_own_gets_the_certificate_that_its_file_names() {
    let folder = tempfile::tempdir().unwrap();
    let from = root().join("scenarios").join(CREDENTIALS_FOLDER);
    for (file, as_file) in [("harness-untrusted", "us"), ("authority-other", "authority")] {
        std::fs::copy(
            from.join(file).with_extension("pem"),
            folder.path().join(as_file).with_extension("pem"),
        )
        .unwrap();
    }
    // What the device has are the files of the scenarios that nobody believes there.
    let text = std::fs::read_to_string(from.join("peer-untrusted.pem")).unwrap();
    let authority = std::fs::read_to_string(from.join("authority-other.pem")).unwrap();
    let mut configured = configured_to_sign();
    let pki = configured.config.peer.pki.as_mut().unwrap();
    pki.credentials.as_mut().unwrap().pem = text;
    pki.anchors[0].pem = authority;
    let own = "credentials = { harness = \"us.pem\", authorities = [\"authority.pem\"] }\n\
               id = { fqdn = \"peer.example.org\" }\nharness_id = { fqdn = \"harness.example.org\" }\n";
    let (addresses, sockets) = ends();
    let file = write_file_with(&signing_policy(own), folder.path(), &addresses, &commands(folder.path()));
    let _gateway = gateway_with(&configured, usize::MAX, addresses, sockets, folder.path().to_owned());
    let cases = [
        "rfc2409/5.1-signatures/main-mode-*-of-the-initiator",
        "rfc4945/5.1-certificates/main-mode-expired-*",
    ];
    let (output, report) = conform(&file, &cases, &folder.path().join("run"));
    let all = verdicts(&report.unwrap_or_else(|| panic!("{output:?}")));
    assert_eq!(output.status.code(), Some(0), "{output:?}\n{all:#?}");
    let with = |verdict: &str| all.iter().filter(|(got, ..)| got == verdict).count();
    assert!(with("pass") >= 2, "{all:#?}");
    assert_eq!(with("pass") + with("info") + with("unsupported"), all.len(), "{all:#?}");
    let reason = "depends on the test credentials, and the device has others";
    assert!(
        all.iter().any(|(_, id, got)| id
            == "rfc4945/5.1-certificates/main-mode-expired-certificate-of-the-initiator"
            && got.contains(reason)),
        "{all:#?}"
    );
}

#[test]
fn what_a_device_cannot_be_told_is_unsupported_and_names_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let (addresses, sockets) = ends();
    let file = write_file(folder.path(), &addresses, "");
    let _gateway = gateway(addresses, sockets, folder.path().to_owned());
    let (output, report) = conform(&file, &["rfc2409/5.4*/named-identities"], &folder.path().join("run"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let reasons: Vec<_> =
        verdicts(&report.unwrap()).into_iter().map(|(verdict, _, reason)| (verdict, reason)).collect();
    let expected =
        |command: &str| ("unsupported".to_owned(), format!("no command `{command}` in {}", file.display()));
    assert_eq!(reasons, [expected("state"), expected("initiate_quick_mode")]);
}

#[test]
fn a_device_that_does_not_answer_is_no_finding_but_a_fault_with_its_cause() {
    let folder = tempfile::tempdir().unwrap();
    let (addresses, _silent) = ends();
    let file = write_file(folder.path(), &addresses, "");
    let (output, report) = conform(&file, &["rfc2409/5.4*/**"], &folder.path().join("run"));
    let report = report.unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let reason = report["peers"][0]["sanity"][0]["reason"].as_str().unwrap();
    let expected = format!("no answer from {} to the first message of main-mode within", addresses.peer);
    assert!(reason.contains(&expected), "{reason}");
    assert!(verdicts(&report).is_empty(), "{report}");
}

#[test]
fn a_device_that_goes_away_fails_no_case() {
    let folder = tempfile::tempdir().unwrap();
    let (addresses, sockets) = ends();
    let file = write_file(folder.path(), &addresses, &commands(folder.path()));
    let _gateway = gateway_that_hears(12, addresses, sockets, folder.path().to_owned());
    let cases = ["rfc2409/5.4*/main-mode-*hash-i", "rfc2409/5.4*/main-mode-without-*"];
    let (output, report) = conform(&file, &cases, &folder.path().join("run"));
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let all = verdicts(&report.unwrap());
    assert!(
        all.iter().all(|(verdict, ..)| !["fail", "warn", "inconclusive"].contains(&verdict.as_str())),
        "{all:#?}"
    );
    assert!(
        all.iter().any(|(verdict, _, reason)| verdict == "error" && reason.contains("no answer from")),
        "{all:#?}"
    );
}

#[test]
fn a_bad_file_is_a_wrong_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let (addresses, _silent) = ends();
    let file = write_file(folder.path(), &addresses, "ports = 500");
    let (output, report) = conform(&file, &[], &folder.path().join("run"));
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(report.is_none());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("device.toml") && error.contains("unknown field `ports`"), "{error}");
}

#[test]
fn whatever_is_played_with_a_device_is_played_with_its_own_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = write_file(folder.path(), &ends().0, "");
    let policy = Device::load(&file).unwrap().policy();
    let library = Library::load(&root().join("scenarios")).unwrap();
    let stock = sanity_case("stock", DEFAULT_GROUP).unwrap();
    let (mut taken, mut refused) = (0, 0);
    for case in expand_all(&library.scenarios, DEFAULT_GROUP) {
        let Ok(adapted) = adapt(&case, &stock, &policy) else {
            refused += 1;
            continue;
        };
        taken += 1;
        println!("{} {}", case.role, case.id);
        let peer = &adapted.config.peer;
        assert_eq!(peer.psk, policy.psk, "{}", case.id);
        assert_eq!((&peer.id, &peer.remote_id), (&policy.id, &policy.harness_id), "{}", case.id);
        assert_eq!(peer.phase1.transforms, policy.phase1, "{}", case.id);
        assert_eq!((&peer.phase2.transforms, peer.phase2.pfs), (&policy.phase2, policy.pfs), "{}", case.id);
        assert_eq!(
            (&peer.phase2.client, &peer.phase2.remote_client),
            (&policy.client, &policy.harness_client),
            "{}",
            case.id
        );
        let steps = serde_json::to_string(&(&adapted.steps, &adapted.accept)).unwrap();
        for stock in [&case.config.peer.phase2.client, &case.config.peer.phase2.remote_client] {
            let SocketAddr::V4(address) = format!("{}:0", stock.split('/').next().unwrap()).parse().unwrap()
            else {
                panic!("{stock}");
            };
            let hex = hex::encode(address.ip().octets());
            assert!(!steps.contains(&hex) && !steps.contains(stock.as_str()), "{}: {steps}", case.id);
        }
    }
    assert!(taken > 50 && refused > 50, "{taken} taken, {refused} refused");
}

#[test]
fn a_device_is_probed_as_it_is_configured() {
    let folder = tempfile::tempdir().unwrap();
    let (addresses, sockets) = ends();
    let file = write_file(folder.path(), &addresses, &commands(folder.path()));
    let _gateway = gateway(addresses, sockets, folder.path().to_owned());
    let probes = ["probe/phase-1-cipher/aes*", "probe/hash/**", "probe/exchange/**", "probe/esp-cipher/aes*"];
    let out = folder.path().join("run");
    let (output, report) = run("discover", &file, &probes, &out);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let found = report.unwrap()["discovery"][0].take();
    let probe = |name: &str, area: &str| {
        let mut probes = found["probes"].as_array().unwrap().iter();
        let probe = probes.find(|probe| probe["name"] == name && probe["area"] == area).unwrap().clone();
        (probe["sight"].as_str().unwrap().to_owned(), probe["packet"].as_u64(), probe)
    };
    for (area, name, sight, packet) in [
        ("exchange", "main-mode", "accepted", Some(2)),
        ("phase 1 cipher", "aes256", "accepted", Some(2)),
        ("phase 1 cipher", "aes128", "refused", Some(2)),
        ("hash", "sha2-256", "accepted", Some(2)),
        ("hash", "md5", "refused", Some(2)),
        ("ESP cipher", "aes256", "accepted", Some(8)),
        ("ESP cipher", "aes192", "refused", Some(8)),
    ] {
        let (got, at, probe) = probe(name, area);
        assert_eq!((got.as_str(), at), (sight, packet), "{probe:#}");
        let capture = probe["artefacts"]["capture"].as_str().unwrap();
        assert!(out.join(capture).is_file(), "{capture}");
    }
}

#[test]
fn a_device_that_says_nothing_to_an_offer_and_is_gone_refuses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (addresses, sockets) = ends();
    let file = write_file(folder.path(), &addresses, &commands(folder.path()));
    // The sanity handshake takes five: three of main mode, two of quick mode, and the Deletes behind it two more.
    let _gateway = gateway_that_hears(7, addresses, sockets, folder.path().to_owned());
    let (output, report) = run("discover", &file, &["probe/phase-1-cipher/des"], &folder.path().join("run"));
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let probe = &report.unwrap()["discovery"][0]["probes"][0];
    assert_eq!(probe["sight"], "error", "{probe:#}");
    assert!(probe["evidence"].as_str().unwrap().contains("no answer from"), "{probe:#}");
}
