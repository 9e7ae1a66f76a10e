//! One case from its configuration to its files.

use core::time::Duration;

use ikev1::Endpoint;
use ikev1::crypto::default_provider;
use ikev1::hook::{OutgoingHook, OutgoingMessage};
use ikev1::io::{Output, Timestamp};
use ikev1_scenario::case::Case;
use ikev1_scenario::model::{Capability, Side};
use ikev1_scenario::transcript::{Event, Record, StepResult};

use super::executor::{Executor, Stop};
use super::hook::{EditHook, SharedTap, ValueTap};
use super::recorder::Recorder;
use super::turn::Turn;
use crate::driver::{Driver, Ending, InfraError, PeerValues};
use crate::random::SeededRandom;
use crate::{settings, view};

/// Quiet time after the last step, in which the last message still has its effect.
const QUIET: Duration = Duration::from_millis(100);

/// The longest that this takes with a peer that is never quiet.
const QUIET_WITHIN: Duration = Duration::from_secs(1);

/// Bounds on one case.
#[derive(Debug, Clone, Copy)]
pub struct CaseLimits {
    /// Datagrams that the peer may send. The harness may send as many, and one more for each of the peer's.
    pub datagrams_max: u64,
    /// Bytes of UDP payload that the peer may send.
    pub bytes_max: u64,
    /// Real time that the steps may take.
    pub real_time_max: Duration,
    /// Real time that getting the peer ready, and asking it afterwards, may take each.
    pub peer_time_max: Duration,
}

impl Default for CaseLimits {
    fn default() -> Self {
        Self {
            datagrams_max: 5_000,
            bytes_max: 16 << 20,
            real_time_max: Duration::from_secs(180),
            peer_time_max: Duration::from_secs(30),
        }
    }
}

/// The files of a case.
#[derive(Debug, Clone)]
pub struct CaseArtefacts {
    /// What happened.
    pub transcript: Vec<Record>,
    /// Every datagram as it was on the wire; a pcap file.
    pub pcap: Vec<u8>,
    /// Wireshark's `ikev1_decryption_table`.
    pub key_table: String,
    /// The peer's log, empty when it has none.
    pub peer_log: String,
}

impl CaseArtefacts {
    /// The artefacts of a case that could not begin.
    pub(crate) fn of_failure(error: &impl core::fmt::Display) -> Self {
        let event = Event::Infrastructure { error: error.to_string() };
        let transcript = vec![Record { at_ms: 0, event }, Record { at_ms: 0, event: Event::End }];
        Self { transcript, pcap: Vec::new(), key_table: String::new(), peer_log: String::new() }
    }

    /// Whether the peer's daemon died, before the case or of it, or met a fault of its own and went on.
    pub(crate) fn shows_a_fault_of_the_daemon(&self) -> bool {
        let fault = |event: &Event| matches!(event, Event::PeerDied { .. } | Event::PeerAlarm { .. });
        self.transcript.iter().any(|record| fault(&record.event))
    }
}

/// Runs a case against the peer behind `driver`.
///
/// It never fails: trouble of our own is recorded as [`Event::Infrastructure`], and an unmet step as
/// [`StepResult::Unmet`]. It uses tokio's clock to bound real time, so it wants a runtime with time enabled.
pub async fn execute_case<D: Driver + ?Sized>(
    driver: &mut D,
    case: &Case,
    seed: u64,
    limits: CaseLimits,
) -> CaseArtefacts {
    execute_case_in_turn(driver, case, seed, limits, &Turn::ALWAYS).await
}

/// As [`execute_case`], and leaves its turn to others while it only waits.
pub async fn execute_case_in_turn<D: Driver + ?Sized>(
    driver: &mut D,
    case: &Case,
    seed: u64,
    limits: CaseLimits,
    turn: &Turn<'_>,
) -> CaseArtefacts {
    let mut recorder = match Recorder::new() {
        Ok(recorder) => recorder,
        Err(error) => return CaseArtefacts::of_failure(&error),
    };
    let profile = driver.profile();
    let begin = Event::Begin {
        case: case.id.clone(),
        role: case.role,
        seed,
        peer: profile.name.clone(),
        peer_version: profile.version.clone(),
    };
    recorder.push(Timestamp::ZERO, begin);

    let recorder = match prepare(driver, case, seed, limits, turn, recorder).await {
        Ok(mut executor) => {
            let steps = tokio::time::timeout(limits.real_time_max, executor.steps()).await;
            if steps.is_err() {
                let after = limits.real_time_max;
                let error = InfraError::TimedOut { what: "case".to_owned(), after };
                executor.recorder.infrastructure(executor.now(), error);
            }
            let ending = tokio::time::timeout(limits.peer_time_max, executor.ending()).await;
            if ending.is_err() {
                let error = InfraError::TimedOut {
                    what: "asking the peer for its SAs and values".to_owned(),
                    after: limits.peer_time_max,
                };
                executor.recorder.infrastructure(executor.now(), error);
            }
            executor.farewell().await;
            executor.recorder
        }
        Err((recorder, error)) => failed(recorder, &error),
    };
    finish(driver, limits, recorder).await
}

fn failed(mut recorder: Recorder, error: &InfraError) -> Recorder {
    if let InfraError::Refused { log, .. } = error {
        recorder.push(Timestamp::ZERO, Event::ConfigurationRefused { error: error.to_string() });
        recorder.push(Timestamp::ZERO, Event::PeerLog { text: log.clone() });
    } else {
        recorder.infrastructure(Timestamp::ZERO, error);
    }
    recorder
}

/// Makes the peer and the harness engine ready.
async fn prepare<'a, D: Driver + ?Sized>(
    driver: &'a mut D,
    case: &'a Case,
    seed: u64,
    limits: CaseLimits,
    turn: &'a Turn<'a>,
    recorder: Recorder,
) -> Result<Executor<'a, D>, (Recorder, InfraError)> {
    let prepared = tokio::time::timeout(limits.peer_time_max, driver.prepare(case, seed)).await;
    let addresses = match prepared {
        Ok(Ok(addresses)) => addresses,
        Ok(Err(error)) => return Err((recorder, error)),
        Err(_) => {
            let what = "configuring the peer".to_owned();
            return Err((recorder, InfraError::TimedOut { what, after: limits.peer_time_max }));
        }
    };
    let config = match settings::engine_config(case, Side::Harness, &addresses) {
        Ok(config) => config,
        Err(error) => return Err((recorder, error)),
    };
    let random = SeededRandom::new(seed, &case.id, "harness");
    let mut engine = Endpoint::new(config, default_provider(), Box::new(random));
    let tap = SharedTap::default();
    engine.set_key_log(Box::new(ValueTap(tap.clone())));
    engine.set_outgoing_hook(Box::new(EditHook(tap.clone())));
    Ok(Executor::new(driver, case, seed, limits, turn, addresses, engine, tap, recorder))
}

impl<D: Driver + ?Sized> Executor<'_, D> {
    /// Performs the steps, up to the first that is not met.
    async fn steps(&mut self) {
        let case = self.case;
        for (index, step) in case.steps.iter().enumerate() {
            self.recorder.push(self.now(), Event::StepBegin { index });
            let performed = self.perform(index, step).await;
            let now = self.now();
            match performed {
                Ok(()) => {
                    self.recorder.push(now, Event::StepEnd { index, result: StepResult::Done });
                }
                Err(Stop::Unmet(detail)) => {
                    self.recorder.push(now, Event::StepEnd { index, result: StepResult::Unmet { detail } });
                    return;
                }
                Err(Stop::Infra(error)) => {
                    self.recorder.infrastructure(now, error);
                    return;
                }
            }
        }
    }

    /// Lets the last message have its effect, then records what both sides have and know.
    async fn ending(&mut self) {
        if let Err(Stop::Infra(error)) = self.settle(QUIET, QUIET_WITHIN).await {
            self.recorder.infrastructure(self.now(), error);
        }
        self.recorder.state(self.now(), Side::Harness, &view::of_endpoint(&self.engine));
        let can = |capability| self.driver.profile().capabilities.contains(&capability);
        let (lists_sas, shows_values) = (can(Capability::State), can(Capability::DerivedValues));
        if lists_sas {
            let state = self.driver.state().await;
            let now = self.now();
            match state {
                Ok(state) => {
                    self.recorder.state(now, Side::Peer, &state);
                    for line in state.reports {
                        self.recorder.push(now, Event::Reported { line });
                    }
                }
                Err(error) => self.recorder.infrastructure(now, error),
            }
        }
        if shows_values {
            let values = self.driver.values().await;
            let now = self.now();
            match values {
                Ok(PeerValues { values, installed }) => {
                    let installed = installed.iter().flat_map(|sa| view::values_of(&self.engine, sa));
                    let all: Vec<_> = values.into_iter().chain(installed).collect();
                    all.iter().for_each(|value| self.recorder.peer_value(now, value));
                }
                Err(error) => self.recorder.infrastructure(now, error),
            }
        }
    }

    /// Deletes the SAs that the case has left at a peer which keeps them. That is no part of the case any more, so nothing
    /// of it is recorded.
    async fn farewell(&mut self) {
        if !self.driver.keeps_sas() {
            return;
        }
        self.engine.set_outgoing_hook(Box::new(Unaltered));
        let now = self.now();
        let ipsec: Vec<_> = self.engine.ipsec_sas().map(|sa| sa.id).collect();
        let isakmp: Vec<_> = self.engine.isakmp_sas().filter(|sa| sa.established).map(|sa| sa.id).collect();
        // An SA that is gone by now needs no Delete, and one that the peer does not hear of ends with its life.
        for id in ipsec {
            let _ = self.engine.delete_ipsec_sa(now, id);
        }
        for id in isakmp {
            let _ = self.engine.delete_isakmp_sa(now, id);
        }
        loop {
            match self.engine.poll_output() {
                Output::Transmit(datagram) => {
                    let _ = self.driver.send(&datagram).await;
                }
                Output::Event(_) => {}
                Output::Timeout(_) | Output::Idle => return,
            }
        }
    }
}

/// Leaves messages as they are.
struct Unaltered;

impl OutgoingHook for Unaltered {
    fn outgoing(&mut self, _: &mut OutgoingMessage<'_>) {}
}

/// Gives the peer free and closes the files.
async fn finish<D: Driver + ?Sized>(
    driver: &mut D,
    limits: CaseLimits,
    mut recorder: Recorder,
) -> CaseArtefacts {
    let now = driver.now();
    let ended = tokio::time::timeout(limits.peer_time_max, driver.finish()).await;
    let Ending { log: peer_log, left, fault } = ended.unwrap_or_else(|_| {
        let what = "cleaning the peer up".to_owned();
        let fault = InfraError::TimedOut { what, after: limits.peer_time_max };
        Ending { fault: Some(fault), ..Ending::default() }
    });
    if let Some(fault) = fault {
        recorder.infrastructure(now, fault);
    }
    for line in driver.alarms(&peer_log) {
        recorder.push(now, Event::PeerAlarm { line });
    }
    if let Some(what) = left {
        recorder.push(now, Event::PeerLeft { what });
    }
    if let Some(line) = driver.death(&peer_log) {
        recorder.push(now, Event::PeerDied { line });
    }
    recorder.push(now, Event::End);
    let (transcript, pcap, key_table) = recorder.finish();
    CaseArtefacts { transcript, pcap, key_table, peer_log }
}
