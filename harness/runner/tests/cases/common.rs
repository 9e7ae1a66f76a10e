//! Cases made in code, for tests of the runner that need no scenario file.

use std::collections::{BTreeMap, BTreeSet};

use ikev1_scenario::case::{
    Case, ResolvedConfig, ResolvedPhase1, ResolvedPhase2, ResolvedSide, ResolvedTransform,
};
use ikev1_scenario::model::{
    Authentication, Cipher, Count, Encapsulation, EspCipher, ExpectState, Group, Hash, Identity, Integrity,
    Level, NatTraversal, OnFailure, Phase1Exchange, Phase2Transform, PrivateGroup, Protocol, Retransmission,
    Role, Side, Start, StartExchange, Step, Traffic, TrafficExpect, Which, Whose,
};
use ikev1_scenario::transcript::{Event, Record, StepResult};

/// The defaults of a scenario for one side.
pub(crate) fn side(client: &str, remote_client: &str) -> ResolvedSide {
    ResolvedSide {
        exchange: Phase1Exchange::MainMode,
        psk: "a pre-shared key of the harness".to_owned(),
        pki: None,
        any_address: false,
        id: Identity::Address,
        remote_id: Identity::Address,
        phase1: ResolvedPhase1 {
            transforms: vec![ResolvedTransform {
                authentication: Authentication::Psk,
                cipher: Cipher::Aes128,
                hash: Hash::Sha1,
                group: Group::Modp1024,
            }],
            lifetime_seconds: 3600,
            omit_default_key_length: false,
        },
        phase2: ResolvedPhase2 {
            protocol: Protocol::Esp,
            encapsulation: Encapsulation::Tunnel,
            transforms: vec![Phase2Transform {
                cipher: Some(EspCipher::Aes128),
                integrity: Some(Integrity::Sha1),
                extended_sequence_numbers: false,
            }],
            bundle: Vec::new(),
            further_sas: Vec::new(),
            alternatives: Vec::new(),
            pfs: None,
            lifetime_seconds: 1200,
            lifetime_kilobytes: None,
            ids: true,
            client: client.to_owned(),
            remote_client: remote_client.to_owned(),
            client_id: None,
            remote_client_id: None,
            client_match: ikev1_scenario::model::ClientMatch::Same,
        },
        xauth: None,
        mode_config: None,
        nat_traversal: NatTraversal::Auto,
        nat_traversal_versions: ikev1_scenario::case::rfc3947(),
        nat_keep_alive_seconds: None,
        dpd: None,
        fragmentation: ikev1_scenario::model::Fragmentation::default(),
        initial_contact: false,
        responder_lifetime: false,
        replay_status: false,
        commit_bit: false,
        notify_discarded: false,
        private_group: PrivateGroup::default(),
        new_groups: true,
        retransmission: Retransmission { first_ms: 2_000, factor: 1.8, tries: 4 },
        rekey: false,
        rekey_margin_seconds: 60,
    }
}

/// A case with the defaults of a scenario.
pub(crate) fn case(id: &str, role: Role, steps: Vec<Step>) -> Case {
    Case {
        id: id.to_owned(),
        role,
        description: "made in code".to_owned(),
        requirements: Vec::new(),
        level: Level::Must,
        needs: BTreeSet::new(),
        parameters: BTreeMap::new(),
        config: ResolvedConfig {
            harness: side("10.11.0.0/24", "10.12.0.0/24"),
            peer: side("10.12.0.0/24", "10.11.0.0/24"),
        },
        steps,
        accept: Vec::new(),
        compare_values: true,
        faults: Vec::new(),
    }
}

/// Sets the same on both sides.
pub(crate) fn both(mut case: Case, set: impl Fn(&mut ResolvedSide)) -> Case {
    set(&mut case.config.harness);
    set(&mut case.config.peer);
    case
}

pub(crate) fn start() -> Step {
    Step::Start(Start { exchange: StartExchange::Both, by: None })
}

pub(crate) fn expect_sas(isakmp: u32, ipsec: u32) -> Step {
    Step::ExpectState(ExpectState {
        of: Whose::Both,
        isakmp_sas: Some(Count::Exactly(isakmp)),
        ipsec_sas: Some(Count::Exactly(ipsec)),
        within_ms: 5_000,
        on_failure: OnFailure::Fail,
    })
}

pub(crate) fn echo() -> Step {
    Step::Traffic(Traffic {
        data_bytes: None,
        compressed: false,
        replayed: false,
        packets: 2,
        sa: Which::Newest,
        expect: TrafficExpect::Reply,
        within_ms: 5_000,
        on_failure: OnFailure::Fail,
    })
}

/// What went wrong in a run; empty when every step was done.
pub(crate) fn problems(transcript: &[Record]) -> Vec<String> {
    let problem = |record: &Record| match &record.event {
        Event::StepEnd { index, result: StepResult::Unmet { detail } } => {
            Some(format!("step {index}: {detail}"))
        }
        Event::Infrastructure { error } => Some(error.clone()),
        _ => None,
    };
    transcript.iter().filter_map(problem).collect()
}

/// Every derived value of a side, as `label cookies m-id hex`, sorted.
pub(crate) fn values(transcript: &[Record], side: Side) -> BTreeSet<String> {
    let value = |record: &Record| match &record.event {
        Event::Value(value) if value.side == side => {
            let (cky_i, cky_r) = (&value.cky_i, &value.cky_r);
            Some(format!("{} {cky_i} {cky_r} {:08x} {}", value.label, value.m_id, value.hex))
        }
        _ => None,
    };
    transcript.iter().filter_map(value).collect()
}
