//! Every kind of step against the engine itself, and bounds against peers that misbehave.

use std::time::Duration;

use crate::common::{case, echo, expect_sas, problems, start};
use async_trait::async_trait;
use bytes::Bytes;
use ikev1::io::{Datagram, IP_UDP, Timestamp};
use ikev1_runner::driver::{Addresses, Driver, Ending, InfraError, PeerCommand, PeerValues, SaView};
use ikev1_runner::execute::{CaseArtefacts, CaseLimits, execute_case};
use ikev1_runner::target::loopback::{self, Loopback};
use ikev1_scenario::case::Case;
use ikev1_scenario::model::{Role, Side, Step};
use ikev1_scenario::transcript::{DatagramRecord, Event, Fault, Record};
use ikev1_scenario::verdict::PeerProfile;
use rstest::rstest;
use serde_json::{Value, json};

/// Steps as a scenario file has them.
fn steps(steps: Value) -> Vec<Step> {
    serde_json::from_value(steps).unwrap()
}

async fn run(steps: Vec<Step>) -> CaseArtefacts {
    run_as(Role::Initiator, steps).await
}

async fn run_as(role: Role, steps: Vec<Step>) -> CaseArtefacts {
    let case = case("test", role, steps);
    execute_case(&mut Loopback::new(), &case, 1, CaseLimits::default()).await
}

fn datagrams(artefacts: &CaseArtefacts) -> Vec<&DatagramRecord> {
    let datagram = |record| match record {
        &Record { event: Event::Datagram(ref datagram), .. } => Some(datagram),
        _ => None,
    };
    artefacts.transcript.iter().filter_map(datagram).collect()
}

/// How many established ISAKMP SAs and IPsec SA pairs a side has at the end.
fn final_sas(artefacts: &CaseArtefacts, of: Side) -> (usize, usize) {
    let state = artefacts.transcript.iter().rev().find_map(|record| match &record.event {
        Event::State { side, isakmp_sas, ipsec_sas } if *side == of => {
            Some((isakmp_sas.iter().filter(|sa| sa.established).count(), ipsec_sas.len()))
        }
        _ => None,
    });
    state.unwrap()
}

fn rules_applied(artefacts: &CaseArtefacts) -> Vec<usize> {
    let applied = artefacts.transcript.iter().filter_map(|record| match record.event {
        Event::RuleApplied { step, datagram: Some(_) } => Some(step),
        _ => None,
    });
    applied.collect()
}

#[tokio::test]
async fn a_corrupted_hash_i_leaves_no_sa_and_both_forms_of_the_message_are_recorded() {
    let artefacts = run(steps(json!([
        {"edit": {"message": {"exchange": "main-mode", "number": 5},
                  "apply": [{"xor": {"field": "hash.data", "index": 3, "mask": 1}}]}},
        {"start": {"exchange": "both"}},
        {"expect": {"message": {"exchange": "main-mode", "number": 5}, "from": "harness"}},
        {"settle": {"ms": 30000}}
    ])))
    .await;
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new());
    assert_eq!(rules_applied(&artefacts), [0]);
    assert_eq!(final_sas(&artefacts, Side::Peer), (0, 0));
    assert_eq!(final_sas(&artefacts, Side::Harness).1, 0);
    let (sent, unaltered) = artefacts
        .transcript
        .iter()
        .find_map(|record| match &record.event {
            Event::Plaintext { hex, unaltered_hex: Some(unaltered), .. } => Some((hex, unaltered)),
            _ => None,
        })
        .unwrap();
    let (sent, unaltered) = (hex::decode(sent).unwrap(), hex::decode(unaltered).unwrap());
    let differing = |(index, byte): (usize, &u8)| (sent[index] != *byte && index >= 28).then_some(index);
    assert_eq!(unaltered.iter().enumerate().filter_map(differing).count(), 1);
}

#[rstest]
#[case::kept("keep", 0)]
#[case::recomputed("recompute", 1)]
#[tokio::test]
async fn an_inserted_payload_is_accepted_only_under_a_new_hash_1(#[case] hash: &str, #[case] ipsec: usize) {
    let artefacts = run(steps(json!([
        {"edit": {"message": {"exchange": "quick-mode", "number": 1}, "hash": hash,
                  "apply": [{"insert_payload": {"at": 3, "payload_type": 13, "hex": "0102030405060708"}}]}},
        {"start": {"exchange": "both"}},
        {"settle": {"ms": 1000}}
    ])))
    .await;
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new());
    assert_eq!(rules_applied(&artefacts), [0]);
    assert_eq!(final_sas(&artefacts, Side::Peer).1, ipsec);
}

#[tokio::test]
async fn hash_3_can_be_recomputed() {
    let artefacts = run(steps(json!([
        {"edit": {"message": {"exchange": "quick-mode", "number": 3}, "hash": "recompute",
                  "apply": [{"xor": {"field": "hash.data", "mask": 255}}]}},
        {"start": {"exchange": "both"}},
        {"expect_state": {"isakmp_sas": {"exactly": 1}, "ipsec_sas": {"exactly": 1}}}
    ])))
    .await;
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new());
}

#[tokio::test]
async fn a_clear_message_can_be_edited() {
    let artefacts = run(steps(json!([
        {"edit": {"message": {"exchange": "main-mode", "number": 1},
                  "apply": [{"insert_payload": {"at": 1, "payload_type": 13, "hex": "0102030405060708"}}]}},
        {"start": {"exchange": "both"}},
        {"expect": {"message": {"exchange": "main-mode", "number": 2}}}
    ])))
    .await;
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new());
    assert_eq!(rules_applied(&artefacts), [0]);
    assert_eq!(datagrams(&artefacts)[0].fault, Some(Fault::Edited));
    assert!(datagrams(&artefacts)[0].hex.contains("0102030405060708"));
}

#[tokio::test]
async fn an_edit_of_a_field_that_is_not_there_is_our_fault() {
    let artefacts = run(steps(json!([
        {"edit": {"message": {"exchange": "main-mode", "number": 1},
                  "apply": [{"set_number": {"field": "sa.dio", "value": 9}}]}},
        {"start": {"exchange": "both"}}
    ])))
    .await;
    let problems = problems(&artefacts.transcript);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("no field sa.dio") && problems[0].contains("sa.doi"), "{problems:?}");
}

#[rstest]
#[case::message_1(1, "harness")]
#[case::message_2(2, "peer")]
#[case::message_5(5, "harness")]
#[case::message_6(6, "peer")]
#[tokio::test]
async fn retransmission_makes_up_for_a_lost_message(#[case] number: u8, #[case] from: &str) {
    let mut all = steps(json!([
        {"drop": {"message": {"exchange": "main-mode", "number": number}, "from": from, "times": 2}},
        {"start": {"exchange": "both"}}
    ]));
    let wait = json!([{"expect_state": {"isakmp_sas": {"exactly": 1}, "ipsec_sas": {"exactly": 1}, "within_ms": 20000}}]);
    all.extend(steps(wait));
    all.push(echo());
    let artefacts = run(all).await;
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new());
    assert_eq!(rules_applied(&artefacts), [0, 0]);
    let dropped = datagrams(&artefacts);
    let dropped: Vec<_> = dropped.iter().filter(|d| d.fault == Some(Fault::Dropped)).collect();
    assert!(
        dropped.len() == 2 && dropped.iter().all(|d| !d.delivered && d.message.unwrap().number == number)
    );
}

#[rstest]
#[case::duplicate(json!({"duplicate": {"message": {"exchange": "quick-mode", "number": 1}, "copies": 3}}), 3)]
#[case::late(json!({"delay": {"message": {"exchange": "main-mode", "number": 3}, "from": "harness", "by_ms": 2500}}), 1)]
#[tokio::test]
async fn the_handshake_survives_copies_and_delays(
    #[case] rule: Value,
    #[case] more: usize,
    #[values(Role::Initiator, Role::Responder)] role: Role,
) {
    let mut rule = rule;
    if role == Role::Responder {
        for value in rule.as_object_mut().unwrap().values_mut() {
            value["from"] = json!("peer");
        }
    }
    let mut all = steps(json!([rule]));
    all.extend([start()]);
    all.extend(steps(json!([{"settle": {"ms": 3000}}])));
    all.extend([expect_sas(1, 1), echo()]);
    let artefacts = run_as(role, all).await;
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new());
    let further = datagrams(&artefacts);
    let further = further
        .iter()
        .filter(|d| matches!(d.fault, Some(Fault::Duplicate { .. } | Fault::DeliveredLate { .. })));
    assert_eq!(further.count(), more);
}

#[rstest]
#[case::the_message_of_a_rule_is_waited_for(json!([]), &[0, 1])]
#[case::not_where_more_is_to_be_done(json!([{"advance": {"seconds": 0}}]), &[1])]
#[tokio::test]
async fn a_peer_that_is_late_has_some_seconds_more_when_the_steps_end(
    #[case] more: Value,
    #[case] applied: &[usize],
) {
    let mut all = steps(json!([
        {"edit": {"message": {"exchange": "main-mode", "number": 5}, "apply": [{"xor": {"field": "hash.data", "mask": 1}}]}},
        {"delay": {"message": {"exchange": "main-mode", "number": 4}, "from": "peer", "by_ms": 900}},
        {"start": {"exchange": "phase-1"}},
        {"settle": {"ms": 200}}
    ]));
    all.extend(steps(more));
    let artefacts = run(all).await;
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new());
    let mut seen = rules_applied(&artefacts);
    seen.sort_unstable();
    assert_eq!(seen, applied);
}

#[tokio::test]
async fn a_replayed_message_is_sent_as_it_was() {
    let mut all = vec![start(), expect_sas(1, 1)];
    all.extend(steps(json!([
        {"replay": {"message": {"exchange": "quick-mode", "number": 1}, "times": 2}},
        {"settle": {"ms": 500}}
    ])));
    all.extend([expect_sas(1, 1), echo()]);
    let artefacts = run(all).await;
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new());
    let datagrams = datagrams(&artefacts);
    let replayed: Vec<_> =
        datagrams.iter().filter(|d| matches!(d.fault, Some(Fault::Replayed { .. }))).collect();
    assert_eq!(replayed.len(), 2);
    let Some(Fault::Replayed { of }) = replayed[0].fault else { panic!("no replay") };
    assert_eq!(datagrams.iter().find(|d| d.n == of).unwrap().hex, replayed[0].hex);
}

#[tokio::test]
async fn a_replayed_message_can_go_to_the_other_port() {
    let mut all = vec![start(), expect_sas(1, 1)];
    all.extend(steps(json!([
        {"replay": {"message": {"exchange": "quick-mode", "number": 1}, "to_port": "nat-t"}},
        {"settle": {"ms": 500}}
    ])));
    let artefacts = run(all).await;
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new());
    let datagrams = datagrams(&artefacts);
    let replayed = datagrams.iter().find(|d| matches!(d.fault, Some(Fault::Replayed { .. }))).unwrap();
    let Some(Fault::Replayed { of }) = replayed.fault else { panic!("no replay") };
    let original = datagrams.iter().find(|d| d.n == of).unwrap();
    assert_eq!((original.nat_t, replayed.nat_t), (false, true));
    assert_eq!(replayed.hex, format!("00000000{}", original.hex), "behind the non-ESP marker");
}

#[tokio::test]
async fn replayed_packets_go_out_as_they_were_and_are_not_answered() {
    let mut all = vec![start(), expect_sas(1, 1)];
    all.extend(steps(json!([{"traffic": {"packets": 3, "replayed": true}}])));
    let artefacts = run(all).await;
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new());
    let datagrams = datagrams(&artefacts);
    let sent: Vec<_> =
        datagrams.iter().filter(|d| d.from == Side::Harness && d.message.is_none()).map(|d| &d.hex).collect();
    assert_eq!(sent.len(), 6);
    assert_eq!(sent[..3], sent[3..]);
    let answers = datagrams.iter().filter(|d| d.from == Side::Peer && d.message.is_none());
    assert_eq!(answers.count(), 3);
    let detail = artefacts.transcript.iter().find_map(|record| match &record.event {
        Event::Traffic { detail, .. } => Some(detail.as_str()),
        _ => None,
    });
    assert_eq!(detail, Some("0 answers to 3 packets that went out once more"));
}

#[tokio::test]
async fn injected_datagrams_do_not_disturb_the_handshake() {
    let artefacts = run(steps(json!([
        {"inject": {"datagram": {"random": {"seed": 7, "length": 300}}, "times": 20}},
        {"inject": {"datagram": {"hex": ""}, "to_port": "nat-t"}},
        {"inject": {"datagram": {"copy": {"apply": [{"xor": {"offset": -1, "mask": 1}}]}},
                    "when": {"before": {"exchange": "main-mode", "number": 5}}}},
        {"start": {"exchange": "both"}},
        {"expect_state": {"isakmp_sas": {"exactly": 1}, "ipsec_sas": {"exactly": 1}, "within_ms": 60000}},
        {"traffic": {}}
    ])))
    .await;
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new());
    assert_eq!(rules_applied(&artefacts), [2]);
    let datagrams = datagrams(&artefacts);
    let injected: Vec<_> = datagrams.iter().filter(|d| d.fault == Some(Fault::Injected)).collect();
    assert_eq!(injected.len(), 22);
    assert_ne!(injected[0].hex, injected[1].hex);
    assert!(injected[20].nat_t && injected[20].hex.is_empty());
}

#[tokio::test]
async fn a_datagram_edited_on_its_way_is_recorded_in_both_forms() {
    let artefacts = run(steps(json!([
        {"edit_datagram": {"message": {"exchange": "main-mode", "number": 2}, "from": "peer",
                           "apply": [{"truncate": {"length": 30}}]}},
        {"start": {"exchange": "both"}},
        {"expect_state": {"isakmp_sas": {"exactly": 1}, "ipsec_sas": {"exactly": 1}, "within_ms": 60000}}
    ])))
    .await;
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new());
    let datagrams = datagrams(&artefacts);
    let edited = datagrams.iter().find(|d| matches!(d.fault, Some(Fault::EditedDatagram { .. }))).unwrap();
    let Some(Fault::EditedDatagram { unaltered_hex }) = &edited.fault else { panic!("not edited") };
    assert_eq!(edited.hex.len(), 60);
    assert!(unaltered_hex.starts_with(&edited.hex) && unaltered_hex.len() > 60);
}

#[rstest]
#[case::by_the_harness("harness")]
#[case::by_the_peer("peer")]
#[tokio::test]
async fn sas_are_rekeyed_and_deleted_when_told(#[case] by: &str) {
    let mut all = vec![start(), expect_sas(1, 1)];
    all.extend(steps(json!([
        {"rekey": {"sa": "ipsec", "by": by}},
        {"expect": {"message": {"exchange": "quick-mode", "number": 3, "occurrence": 2}, "from": by}},
        {"settle": {"ms": 100}},
        {"traffic": {}},
        {"rekey": {"sa": "isakmp", "by": by}},
        {"expect": {"message": {"exchange": "main-mode", "number": 6, "occurrence": 2},
                    "from": if by == "peer" { "harness" } else { "peer" }}},
        {"settle": {"ms": 100}},
        {"traffic": {}},
        {"delete": {"sa": "ipsec", "by": by}},
        {"expect": {"message": {"exchange": "informational", "contains": {"payload": "delete"}}, "from": by}},
        {"settle": {"ms": 100}}
    ])));
    let artefacts = run(all).await;
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new());
    assert_eq!(final_sas(&artefacts, Side::Harness), final_sas(&artefacts, Side::Peer));
}

#[tokio::test]
async fn a_notify_is_found_by_its_contents() {
    let mut all = vec![start(), expect_sas(1, 1)];
    all.extend(steps(json!([
        {"notify": {"notify_type": 24578, "data_hex": "0102"}},
        {"expect": {"message": {"exchange": "informational", "contains": {"notify": "INITIAL-CONTACT"}},
                    "from": "harness"}},
        {"expect": {"message": {"exchange": "informational", "contains": {"notify": "INVALID-COOKIE"}},
                    "from": "harness", "within_ms": 100}}
    ])));
    let artefacts = run(all).await;
    let problems = problems(&artefacts.transcript);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("step 4: no informational message 1 from the harness"), "{problems:?}");
}

#[tokio::test]
async fn hours_pass_at_once() {
    let mut all = vec![start(), expect_sas(1, 1)];
    all.extend(steps(json!([{"advance": {"seconds": 28800}}])));
    all.push(expect_sas(0, 0));
    let artefacts = run(all).await;
    assert_eq!(problems(&artefacts.transcript), Vec::<String>::new());
    assert!(artefacts.transcript.last().unwrap().at_ms > 28_800_000);
}

#[rstest]
#[case::replay(json!({"replay": {"message": {"exchange": "main-mode", "number": 1}}}), "has not passed yet")]
#[case::traffic(json!({"traffic": {}}), "no IPsec SA")]
#[case::rekey(json!({"rekey": {"sa": "isakmp"}}), "no ISAKMP SA")]
#[case::delete_by_the_peer(json!({"delete": {"sa": "ipsec", "by": "peer"}}), "no IPsec SA")]
#[case::quick_mode(json!({"start": {"exchange": "quick-mode"}}), "no ISAKMP SA")]
#[case::state(json!({"expect_state": {"isakmp_sas": {"at_least": 1}}}), "has 0 ISAKMP SAs, expected at least 1")]
#[tokio::test]
async fn a_step_without_its_precondition_is_unmet_and_ends_the_case(
    #[case] step: Value,
    #[case] detail: &str,
) {
    let mut all = steps(json!([step]));
    all.push(start());
    let artefacts = run(all).await;
    let problems = problems(&artefacts.transcript);
    assert!(problems.len() == 1 && problems[0].contains(detail), "{problems:?}");
    assert!(datagrams(&artefacts).is_empty());
    assert_eq!(artefacts.transcript.last().unwrap().event, Event::End);
}

/// A peer that answers nothing, or spews.
struct Misbehaving {
    profile: PeerProfile,
    now: Timestamp,
    spews: bool,
}

#[async_trait]
impl Driver for Misbehaving {
    fn profile(&self) -> &PeerProfile {
        &self.profile
    }

    async fn prepare(&mut self, _: &Case, _: u64) -> Result<Addresses, InfraError> {
        Ok(loopback::addresses())
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    async fn send(&mut self, _: &Datagram) -> Result<(), InfraError> {
        Ok(())
    }

    async fn wait(&mut self, until: Timestamp) -> Result<Option<Datagram>, InfraError> {
        if !self.spews {
            self.now = until;
            return Ok(None);
        }
        let Addresses { harness, peer, .. } = loopback::addresses();
        let payload = Bytes::from(vec![u8::try_from(self.now.as_millis() % 251).unwrap(); 60_000]);
        self.now = self.now + Duration::from_micros(10);
        Ok(Some(Datagram { ip_protocol: IP_UDP, local: harness, remote: peer, payload }))
    }

    async fn command(&mut self, _: PeerCommand) -> Result<(), InfraError> {
        Err(InfraError::Unsupported("initiate"))
    }

    async fn rebind(&mut self) -> Result<(), InfraError> {
        Ok(())
    }

    async fn state(&mut self) -> Result<SaView, InfraError> {
        Ok(SaView::default())
    }

    async fn values(&mut self) -> Result<PeerValues, InfraError> {
        Ok(PeerValues::default())
    }

    async fn finish(&mut self) -> Ending {
        Ending::default()
    }
}

#[rstest]
#[case::silent(false, "no main-mode message 2 from the peer within 5000 ms")]
#[case::spewing(true, "the peer sent more than 200 datagrams")]
#[case::spewing_much(true, "the peer sent more than 1000000 bytes")]
#[tokio::test]
async fn a_peer_that_misbehaves_cannot_hang_a_case(#[case] spews: bool, #[case] detail: &str) {
    let mut driver = Misbehaving { profile: PeerProfile::default(), now: Timestamp::ZERO, spews };
    let all = steps(json!([
        {"start": {"exchange": "both"}},
        {"expect": {"message": {"exchange": "main-mode", "number": 2}}}
    ]));
    let bytes_max = if detail.contains("bytes") { 1_000_000 } else { u64::MAX };
    let limits = CaseLimits { datagrams_max: 200, bytes_max, ..CaseLimits::default() };
    let artefacts = execute_case(&mut driver, &case("test", Role::Initiator, all), 1, limits).await;
    let problems = problems(&artefacts.transcript);
    assert!(problems.len() == 1 && problems[0].contains(detail), "{problems:?}");
}

#[tokio::test]
async fn what_a_driver_cannot_do_is_a_fault_of_ours_and_not_the_peers() {
    let mut driver = Misbehaving { profile: PeerProfile::default(), now: Timestamp::ZERO, spews: false };
    let all = steps(json!([{"start": {"exchange": "both"}}]));
    let told = case("test", Role::Responder, all);
    let artefacts = execute_case(&mut driver, &told, 1, CaseLimits::default()).await;
    let fault = |record: &Record| match &record.event {
        Event::Infrastructure { error } => Some(error.clone()),
        _ => None,
    };
    let faults: Vec<_> = artefacts.transcript.iter().filter_map(fault).collect();
    assert_eq!(faults, ["the peer cannot be told to initiate"]);
}
