//! Which case runs when, and what becomes of its outcome.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use ikev1_report::RunEvent;
use ikev1_report::model::{CaseResult, Change, Finding, PeerInfo, Sanity};
use ikev1_report::text::shell_quote;
use ikev1_report::waiver::{self, Waiver};
use ikev1_scenario::DEFAULT_STRENGTH;
use ikev1_scenario::case::Case;
use ikev1_scenario::expand::default_group;
use ikev1_scenario::judge::{judge, unsupported};
use ikev1_scenario::model::{Capability, Group, Role, Step};
use ikev1_scenario::transcript::{Event, Record};
use ikev1_scenario::verdict::{Judgement, PeerProfile, Verdict};
use sha2::{Digest, Sha256};

use super::artefacts::{CaseFolder, write_profile};
use super::case_runner::CaseRunner;
use super::isolate::{Isolated, isolate};
use super::sanity::SANITY_ATTEMPTS;
use super::stop::Stop;
use crate::execute::CaseArtefacts;
use crate::redact::Redaction;

/// How a run is to be done.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// How many cases run at the same time with a peer that allows it; at least 1.
    pub jobs: usize,
    /// Where all randomness comes from.
    pub seed: u64,
    /// The group where a case names none; without it the peer's first, see [`default_group`].
    pub group: Option<Group>,
    /// The strength of the combinations of a matrix.
    pub strength: usize,
    /// Whether a SHOULD that was missed is unexpected.
    pub strict: bool,
    /// Folder of the run, where artefacts go.
    pub folder: PathBuf,
    /// The command in front of the arguments when a case is to be run again: `cargo xtask`.
    pub program: String,
    /// Whether secrets are left out of everything that is written.
    pub redact: bool,
    /// Whether the cases are probes: who runs them asks once more by himself, and goes on with the peer.
    pub probes: bool,
    /// Ends the run early.
    pub stop: Stop,
}

impl RunOptions {
    /// The group where a case names none, with this peer.
    pub fn group_with(&self, profile: &PeerProfile) -> Group {
        self.group.unwrap_or_else(|| default_group(profile))
    }
}

/// Runs cases against one peer: a sanity handshake, the cases, and a sanity handshake again.
///
/// Cases that the peer lacks a capability for are not run but get the verdict `unsupported`. After a failed first
/// sanity handshake no case runs. Each event goes to `sink` on the calling thread.
pub fn run_cases(
    cases: Vec<Case>,
    peer: &Arc<dyn CaseRunner>,
    waivers: &[Waiver],
    options: &RunOptions,
    sink: &mut dyn FnMut(RunEvent),
) -> Vec<CaseResult> {
    let profile = peer.profile().clone();
    sink(RunEvent::PeerStarted { peer: peer_info(&profile), planned: cases.len() });
    if let Err(error) = write_profile(&options.folder, &profile) {
        sink(RunEvent::Fault { text: error.to_string() });
    }
    let run = PeerRun { peer, profile: &profile, waivers, options, dead: AtomicBool::new(false) };
    let mut results = Vec::new();
    if run.sanity("first", sink) {
        results = run.all(cases, sink);
        if !options.stop.is_set() {
            run.sanity("last", sink);
        }
    }
    results
}

fn peer_info(profile: &PeerProfile) -> PeerInfo {
    PeerInfo {
        name: profile.name.clone(),
        version: profile.version.clone(),
        capabilities: profile.capabilities.iter().map(|capability| capability.name().to_owned()).collect(),
        kernel: profile.kernel.clone(),
        sanity: Vec::new(),
    }
}

/// One outcome of a case under way.
enum Message {
    Started(Arc<Case>),
    Finished(Box<CaseResult>),
    Fault(String),
}

/// One play of a case.
struct Play {
    judgement: Judgement,
    execution: CaseArtefacts,
    /// The harness neither panicked nor hung.
    whole: bool,
}

struct PeerRun<'a> {
    peer: &'a Arc<dyn CaseRunner>,
    profile: &'a PeerProfile,
    waivers: &'a [Waiver],
    options: &'a RunOptions,
    /// The peer could not be made fit again after a hang.
    dead: AtomicBool,
}

impl PeerRun<'_> {
    /// Runs a sanity handshake; gives whether it passed.
    fn sanity(&self, when: &str, sink: &mut dyn FnMut(RunEvent)) -> bool {
        let (verdict, reason) = match self.sanity_result(when) {
            Ok(Some((verdict, reason))) => (verdict, reason),
            Ok(None) => return false,
            Err(text) => (Verdict::Error, text),
        };
        let sanity = Sanity { when: when.to_owned(), verdict, reason };
        sink(RunEvent::SanityFinished { peer: self.profile.name.clone(), sanity });
        verdict == Verdict::Pass
    }

    /// Verdict and reason of a sanity handshake, which a peer that plays again may miss before.
    fn sanity_result(&self, when: &str) -> Result<Option<(Verdict, String)>, String> {
        let case = self.peer.sanity(when, self.options.group_with(self.profile));
        let case = Arc::new(case.map_err(|error| error.to_string())?);
        let attempts = if self.peer.plays_again() { SANITY_ATTEMPTS } else { 1 };
        let (mut attempt, mut before) = (1, String::new());
        loop {
            let Some(CaseResult { verdict, reason, .. }) = self.one(&case, false)? else { return Ok(None) };
            if attempt == attempts || !matches!(verdict, Verdict::Fail | Verdict::Inconclusive) {
                return Ok(Some((verdict, reason + &before)));
            }
            before = format!("; attempt {attempt} was {verdict}: {reason}");
            attempt += 1;
        }
    }

    /// Runs all cases, side by side where the peer allows it.
    fn all(&self, cases: Vec<Case>, sink: &mut dyn FnMut(RunEvent)) -> Vec<CaseResult> {
        let mut cases: Vec<_> = cases.into_iter().map(Arc::new).collect();
        let jobs = self.peer.under_way(self.options.jobs).clamp(1, cases.len().max(1));
        if jobs > 1 && !self.profile.capabilities.contains(&Capability::VirtualTime) {
            // The longest first, so that no job is left with one at the end.
            cases.sort_by_key(|case| Reverse(waiting_time(case)));
        }
        let next = AtomicUsize::new(0);
        let (sender, receiver) = mpsc::channel();
        let mut results = Vec::with_capacity(cases.len());
        thread::scope(|scope| {
            for _ in 0..jobs {
                let (sender, next, cases) = (sender.clone(), &next, &cases);
                scope.spawn(move || self.work(cases, next, &sender));
            }
            drop(sender);
            for message in receiver {
                match message {
                    Message::Started(case) => sink(RunEvent::CaseStarted {
                        peer: self.profile.name.clone(),
                        id: case.id.clone(),
                        role: case.role,
                    }),
                    Message::Finished(result) => {
                        results.push(result.as_ref().clone());
                        sink(RunEvent::CaseFinished(result));
                    }
                    Message::Fault(text) => sink(RunEvent::Fault { text }),
                }
            }
        });
        results
    }

    /// Takes one case after the other until none is left, and then leaves to the peer what it needs no more; or until the run is
    /// stopped or the peer is lost.
    fn work(&self, cases: &[Arc<Case>], next: &AtomicUsize, sender: &mpsc::Sender<Message>) {
        // The receiver lives as long as any worker, so nothing sent is lost.
        let send = |message| drop(sender.send(message));
        while !self.options.stop.is_set() && !self.dead.load(Ordering::SeqCst) {
            let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) else {
                if !self.options.probes {
                    self.peer.one_fewer();
                }
                return;
            };
            send(Message::Started(Arc::clone(case)));
            match self.one(case, !self.options.probes && self.peer.plays_again()) {
                Ok(Some(result)) => send(Message::Finished(Box::new(result))),
                Ok(None) => return,
                Err(text) => send(Message::Fault(text)),
            }
        }
    }

    /// Runs and judges one case, where it is worth it and `again` allows it in a second play; `None` when the run was stopped
    /// meanwhile, an error when its artefacts are lost.
    fn one(&self, case: &Arc<Case>, again: bool) -> Result<Option<CaseResult>, String> {
        let start = Instant::now();
        let (adapted, refused) = match self.peer.adapt(case) {
            Ok(adapted) => (adapted, None),
            Err(reason) => (Arc::clone(case), Some(refusal(reason))),
        };
        let case = &adapted;
        let folder = CaseFolder::new(&self.options.folder, &self.profile.name, case);
        let (judgement, execution) = match refused.or_else(|| unsupported(case, self.profile)) {
            Some(judgement) => (judgement, None),
            None => {
                folder.first_play().remove().map_err(|error| error.to_string())?;
                let Some(mut play) = self.play(case, None) else { return Ok(None) };
                if again && self.may_have_been_late(case, &play) {
                    self.write(&folder.first_play(), case, &play.execution)?;
                    let Judgement { verdict, reason, .. } = play.judgement;
                    let Some(second) = self.play(case, Some(Event::PlayedBefore { verdict, reason })) else {
                        return Ok(None);
                    };
                    play = second;
                }
                (play.judgement, Some(play.execution))
            }
        };
        let mut result = case_result(case, self.profile, judgement, self.waivers, self.options);
        if self.options.redact {
            let transcript = execution.as_ref().map_or(&[][..], |execution| &execution.transcript);
            Redaction::of([case.as_ref()], transcript).result(&mut result);
        }
        if let Some(execution) = execution {
            result.artefacts = self.write(&folder, case, &execution)?;
        }
        result.duration_ms = millis(start.elapsed());
        Ok(Some(result))
    }

    fn write(
        &self,
        folder: &CaseFolder,
        case: &Case,
        execution: &CaseArtefacts,
    ) -> Result<BTreeMap<String, String>, String> {
        let written = if self.options.redact {
            folder.write_redacted(case, execution, &Redaction::of([case], &execution.transcript))
        } else {
            folder.write(case, execution)
        };
        written.map_err(|error| error.to_string())
    }

    /// Whether the first play of a case may say nothing of the peer. What must not go unseen is never passed over by a second: a
    /// panic or a hang of the harness, a fault of a daemon, and what is there to be seen in a datagram or a value.
    fn may_have_been_late(&self, case: &Case, play: &Play) -> bool {
        let bad = match play.judgement.verdict {
            Verdict::Pass | Verdict::Info | Verdict::Unsupported => false,
            Verdict::Fail | Verdict::Inconclusive | Verdict::Error => true,
            // Without a finding it is an outcome that was seen, and is accepted with a warning.
            Verdict::Warn => !play.judgement.findings.is_empty(),
        };
        let known = || {
            let judgement = play.judgement.clone();
            case_result(case, self.profile, judgement, self.waivers, self.options).waived.is_some()
        };
        let unseen = play.judgement.shows_nothing() && !play.execution.shows_a_fault_of_the_daemon();
        bad && play.whole && unseen && !known()
    }

    /// Plays and judges a case; `before` tells of an earlier play. `None` when the run was stopped meanwhile.
    fn play(&self, case: &Arc<Case>, before: Option<Event>) -> Option<Play> {
        let limit = self.peer.time_limit(case);
        let (peer, task, profile) = (Arc::clone(self.peer), Arc::clone(case), self.profile.clone());
        let seed = own_seed(self.options.seed, &self.profile.name, case.role);
        let work = move || {
            let mut execution = peer.run_case(&task, seed);
            if let Some(event) = before {
                // Behind the beginning, where there is one.
                let place = execution.transcript.len().min(1);
                execution.transcript.insert(place, Record { at_ms: 0, event });
            }
            let judgement = judge(&task, &execution.transcript, &profile);
            (judgement, execution)
        };
        let reason = match isolate(&case.id, limit, &self.options.stop, work) {
            Isolated::Done((judgement, execution)) => {
                return Some(Play { judgement, execution, whole: true });
            }
            Isolated::Stopped => return None,
            Isolated::Panicked(text) => format!("the harness panicked: {text}"),
            Isolated::Hung => format!("the case did not end within {} s", limit.as_secs()),
        };
        let (reason, peer_log) = match self.peer.recover(case) {
            Ok(peer_log) => (reason, peer_log),
            Err(lost) => {
                self.dead.store(true, Ordering::SeqCst);
                (format!("{reason}; the peer cannot be used any more: {lost}"), String::new())
            }
        };
        let execution = CaseArtefacts { peer_log, ..CaseArtefacts::of_failure(&reason) };
        let judgement = judge(case, &execution.transcript, self.profile);
        Some(Play { judgement, execution, whole: false })
    }
}

/// The seed of a case with one peer in one role. What is on the wire with one peer must not be an exponent with another, as it
/// could where both draw from the same stream in another order.
fn own_seed(seed: u64, peer: &str, role: Role) -> u64 {
    let digest = Sha256::new()
        .chain_update(seed.to_be_bytes())
        .chain_update(role.name())
        .chain_update(peer)
        .finalize();
    let octets: [u8; 8] = std::array::from_fn(|index| digest[index]);
    // Every JSON reader keeps a whole number of 53 bits.
    u64::from_be_bytes(octets) >> 11
}

/// The judgement of a case that a peer's configuration does not fit.
fn refusal(reason: String) -> Judgement {
    Judgement {
        verdict: Verdict::Unsupported,
        reason,
        findings: Vec::new(),
        notes: Vec::new(),
        changes: Vec::new(),
    }
}

/// The report's entry for a judged case; duration and artefacts are left empty.
pub fn case_result(
    case: &Case,
    profile: &PeerProfile,
    judgement: Judgement,
    waivers: &[Waiver],
    options: &RunOptions,
) -> CaseResult {
    let (peer, role) = (&profile.name, case.role);
    let mut rerun = format!("{} conform {}", options.program, shell_quote(&case.id));
    if peer != "self" {
        rerun.push_str(&format!(" --peer {}", shell_quote(peer)));
    }
    rerun.push_str(&format!(" --role {role} --seed {}", options.seed));
    if let Some(group) = options.group {
        rerun.push_str(&format!(" --group {group}"));
    }
    if options.strength != DEFAULT_STRENGTH && !case.parameters.is_empty() {
        rerun.push_str(&format!(" --strength {}", options.strength));
    }
    let mut result = CaseResult {
        id: case.id.clone(),
        peer: peer.clone(),
        role,
        level: case.level,
        verdict: judgement.verdict,
        expected: !judgement.verdict.is_unexpected(options.strict),
        waived: None,
        description: case.description.clone(),
        requirements: case.requirements.iter().map(ToString::to_string).collect(),
        parameters: case.parameters.clone(),
        duration_ms: 0,
        reason: judgement.reason,
        findings: judgement.findings.into_iter().map(finding).collect(),
        notes: judgement.notes,
        changes: judgement.changes.into_iter().map(change).collect(),
        artefacts: BTreeMap::new(),
        rerun,
    };
    result.waived = waiver::cover(waivers, &profile.version, &result);
    result.expected |= result.waived.is_some();
    result
}

fn finding(finding: ikev1_scenario::verdict::Finding) -> Finding {
    let text = |text: String| (!text.is_empty()).then_some(text);
    Finding {
        requirements: finding.requirements.iter().map(ToString::to_string).collect(),
        what: finding.what,
        packet: finding.datagram,
        field: finding.field,
        offset: finding.offset.and_then(|offset| u64::try_from(offset).ok()),
        expected: text(finding.expected),
        got: text(finding.got),
    }
}

fn change(change: ikev1_scenario::verdict::Change) -> Change {
    Change {
        packet: change.datagram,
        message: change.message,
        field: change.field,
        offset: u64::try_from(change.offset).unwrap_or(u64::MAX),
        was: change.was,
        is: change.is,
    }
}

/// The time that the case's own steps let pass, on the peer's clock.
fn waiting_time(case: &Case) -> Duration {
    let waits = case.steps.iter().map(|step| match step {
        Step::Advance(advance) => Duration::from_secs(advance.seconds),
        Step::Settle(settle) => Duration::from_millis(settle.ms),
        _ => Duration::ZERO,
    });
    waits.fold(Duration::ZERO, Duration::saturating_add)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_peer_and_role_has_random_bytes_of_its_own() {
        let seed = own_seed(7, "self", Role::Initiator);
        assert_eq!(seed, own_seed(7, "self", Role::Initiator));
        assert_ne!(seed, own_seed(7, "self", Role::Responder));
        assert_ne!(seed, own_seed(7, "strongswan", Role::Initiator));
        assert_ne!(seed, own_seed(8, "self", Role::Initiator));
        assert!(seed < 1 << 53);
    }
}
