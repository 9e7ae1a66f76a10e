//! The engine against itself: every kind of step does what it says, in virtual time.

use crate::common::{both, case, echo, expect_sas, problems, start, values};
use ikev1_runner::execute::{CaseArtefacts, CaseLimits, execute_case};
use ikev1_runner::target::loopback::Loopback;
use ikev1_scenario::case::Case;
use ikev1_scenario::model::{Encapsulation, Group, NatTraversal, Phase1Exchange, Protocol, Role, Side};
use ikev1_scenario::transcript;
use rstest::rstest;

async fn run(case: &Case) -> CaseArtefacts {
    execute_case(&mut Loopback::new(), case, 1, CaseLimits::default()).await
}

#[rstest]
#[case::main_mode(|_: &mut Case| {})]
#[case::aggressive_mode(|c: &mut Case| set(c, |s| s.exchange = Phase1Exchange::AggressiveMode))]
#[case::pfs(|c: &mut Case| set(c, |s| s.phase2.pfs = Some(Group::Modp1024)))]
#[case::udp_encapsulated(|c: &mut Case| set(c, |s| s.nat_traversal = NatTraversal::Force))]
#[case::without_nat_traversal(|c: &mut Case| set(c, |s| s.nat_traversal = NatTraversal::Off))]
#[case::transport_mode(|c: &mut Case| set(c, |s| {
    s.phase2.encapsulation = Encapsulation::Transport;
    s.phase2.ids = false;
}))]
#[case::ah(|c: &mut Case| set(c, |s| {
    s.phase2.protocol = Protocol::Ah;
    s.nat_traversal = NatTraversal::Off;
    s.phase2.transforms[0].cipher = None;
}))]
#[tokio::test]
async fn traffic_passes_and_both_sides_know_the_same_values(
    #[case] change: fn(&mut Case),
    #[values(Role::Initiator, Role::Responder)] role: Role,
) {
    let mut case = case("test", role, vec![start(), expect_sas(1, 1), echo()]);
    change(&mut case);
    let artefacts = run(&case).await;
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new(), "{}", artefacts.peer_log);
    let harness = values(&artefacts.transcript, Side::Harness);
    let peer = values(&artefacts.transcript, Side::Peer);
    // Each side logs its own exponents, and the IVs that follow what it sent.
    let shared = |value: &&String| !value.contains("private exponent") && !value.starts_with("next IV");
    let harness: Vec<_> = harness.iter().filter(shared).collect();
    let peer: Vec<_> = peer.iter().filter(shared).collect();
    assert!(harness.len() > 15, "{harness:?}");
    assert_eq!(harness, peer);
}

fn set(case: &mut Case, set: impl Fn(&mut ikev1_scenario::case::ResolvedSide)) {
    *case = both(case.clone(), set);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_transcript() {
    let case = case("test", Role::Initiator, vec![start(), expect_sas(1, 1), echo()]);
    let (first, second) = (run(&case).await, run(&case).await);
    assert_eq!(first.transcript, second.transcript);
    assert_eq!(first.pcap, second.pcap);
    let other = execute_case(&mut Loopback::new(), &case, 2, CaseLimits::default()).await;
    assert_ne!(first.pcap, other.pcap);
}

#[tokio::test]
async fn a_transcript_survives_its_file() {
    let case = case("test", Role::Responder, vec![start(), expect_sas(1, 1), echo()]);
    let artefacts = run(&case).await;
    let mut file = Vec::new();
    transcript::write(&artefacts.transcript, &mut file).unwrap();
    let text = String::from_utf8(file).unwrap();
    assert_eq!(transcript::parse(&text, "transcript.jsonl".as_ref()).unwrap(), artefacts.transcript);
}
