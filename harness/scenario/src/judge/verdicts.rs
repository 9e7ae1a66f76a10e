//! From evidence to a verdict; see [`mod@crate::judge`] for the order.

use ikev1::keylog::Label;

use super::changes::changes;
use super::conditions::{Evidence, Outcome, findings_text, state_text};
use super::fields;
use super::messages::{Messages, describe};
use super::oracle::{Recomputed, formula, recompute};
use super::values::{Comparison, compare_values};
use crate::case::Case;
use crate::model::{
    Acceptance, AcceptedVerdict, Capability, Exchange, Level, OnFailure, SaKind, Side, StartExchange, Step,
};
use crate::transcript::{DatagramRecord, EngineEvent, Event, Fault, Record, StepResult};
use crate::verdict::{Finding, Judgement, PeerProfile, Verdict};

/// Between what was observed and what was expected, in a reason.
pub(super) const EXPECTED: &str = ". Expected: ";

/// The judgement of a case that a peer cannot take part in; `None` when it can.
pub fn unsupported(case: &Case, profile: &PeerProfile) -> Option<Judgement> {
    let mut missing: Vec<&Capability> = case.needs.difference(&profile.capabilities).collect();
    if missing.contains(&&Capability::Ikev1) {
        // Without it nothing else is of interest.
        missing = vec![&Capability::Ikev1];
    }
    let missing: Vec<String> = missing
        .into_iter()
        .map(|need| match profile.missing.get(need) {
            Some(evidence) => format!("{need} ({evidence})"),
            None => need.to_string(),
        })
        .collect();
    let reason = format!("{} cannot do {}", profile.name, missing.join(", "));
    (!missing.is_empty()).then(|| judgement(Verdict::Unsupported, reason))
}

/// Judges a recorded run of a case.
pub fn judge(case: &Case, transcript: &[Record], profile: &PeerProfile) -> Judgement {
    let messages = Messages::new(transcript);
    let values = if case.compare_values { compare_values(transcript) } else { Comparison::default() };
    let recomputed =
        if case.compare_values { recompute(case, transcript, &messages) } else { Recomputed::default() };
    let judge =
        Judge { case, transcript, profile, messages: &messages, values: &values, recomputed: &recomputed };
    let mut result = unsupported(case, profile)
        .or_else(|| judge.broken())
        .or_else(|| judge.wrong_values())
        .or_else(|| judge.differing_values())
        .or_else(|| judge.went_on())
        .or_else(|| judge.steps())
        .or_else(|| judge.not_exercised())
        .unwrap_or_else(|| judge.outcome());
    result.notes.extend(judge.notes());
    result.changes = changes(transcript);
    for finding in &mut result.findings {
        finding.requirements.clone_from(&case.requirements);
    }
    judge.unwell(&mut result);
    result
}

fn judgement(verdict: Verdict, reason: impl Into<String>) -> Judgement {
    Judgement { verdict, reason: reason.into(), findings: Vec::new(), notes: Vec::new(), changes: Vec::new() }
}

struct Judge<'a> {
    case: &'a Case,
    transcript: &'a [Record],
    profile: &'a PeerProfile,
    messages: &'a Messages<'a>,
    values: &'a Comparison,
    recomputed: &'a Recomputed,
}

impl Judge<'_> {
    /// What a deviation counts as.
    fn deviation(&self) -> Verdict {
        match self.case.level {
            Level::Must => Verdict::Fail,
            Level::Should => Verdict::Warn,
            Level::May => Verdict::Info,
        }
    }

    fn unmet(&self, on_failure: OnFailure) -> Verdict {
        match on_failure {
            OnFailure::Fail => self.deviation(),
            OnFailure::Inconclusive => Verdict::Inconclusive,
        }
    }

    /// Faults of the harness, and transcripts that are not whole or not of this case.
    fn broken(&self) -> Option<Judgement> {
        let error = |reason: String| Some(judgement(Verdict::Error, reason));
        for record in self.transcript {
            if let Event::PeerDied { line } = &record.event {
                // One that was dead before the first step did not die of this case.
                let begins = |event: &Event| matches!(event, Event::StepBegin { .. } | Event::Datagram(_));
                let begun = self.transcript.iter().any(|record| begins(&record.event));
                let before = || error(format!("the peer's daemon had died before the first step: {line}"));
                return if begun { Some(self.died(line)) } else { before() };
            }
        }
        for record in self.transcript {
            if let Event::Infrastructure { error: what } | Event::ConfigurationRefused { error: what } =
                &record.event
            {
                return error(what.clone());
            }
        }
        match self.transcript.first().map(|record| &record.event) {
            Some(Event::Begin { case, role, .. }) if *case == self.case.id && *role == self.case.role => {}
            Some(Event::Begin { case, role, .. }) => {
                return error(format!("the transcript is of case {case} with the harness as {role}"));
            }
            _ => return error("the transcript has no beginning".into()),
        }
        if !matches!(self.transcript.last().map(|record| &record.event), Some(Event::End)) {
            return error("the transcript has no end: the case was cut off".into());
        }
        if !self.transcript.iter().any(|record| matches!(record.event, Event::Datagram(_))) {
            return Some(judgement(Verdict::Inconclusive, "no datagram passed in either direction"));
        }
        let established = self.transcript.iter().any(|record| {
            matches!(
                record.event,
                Event::Engine { side: Side::Harness, event: EngineEvent::IsakmpSaEstablished { .. } }
            )
        });
        let shown = self.profile.capabilities.contains(&Capability::DerivedValues);
        if self.case.compare_values && established && shown && !self.values.peer_known {
            return error("no derived value of the peer was recorded, although it shows them".into());
        }
        None
    }

    /// The peer's daemon died of what it was sent, whatever the case is about: nothing of RFC 2408 section 5 asks for that.
    fn died(&self, line: &str) -> Judgement {
        let last = self.messages.iter().filter(|message| message.from == Side::Harness).last();
        let after =
            last.map_or_else(String::new, |message| format!(" after {} of the harness", message.name));
        let reason = format!("the peer's daemon died{after}: {line}");
        let finding = Finding {
            requirements: Vec::new(),
            what: format!("the peer's daemon{after}"),
            got: format!("it died: {line}"),
            expected: "it goes on".to_owned(),
            datagram: last.map(|message| message.first.n),
            field: None,
            offset: None,
            length: None,
        };
        Judgement { findings: vec![finding], ..judgement(Verdict::Fail, reason) }
    }

    /// Faults that the peer's daemon survived, and what it kept after it was told to give up everything. No clause is missed by
    /// that, so it makes `warn` of what would be good, and is said beside every other verdict.
    fn unwell(&self, result: &mut Judgement) {
        let last = self.messages.iter().filter(|message| message.from == Side::Harness).last();
        let found = self.transcript.iter().filter_map(|record| {
            let (what, expected, got) = match &record.event {
                Event::PeerAlarm { line } => ("met a fault of its own", "none", line),
                Event::PeerLeft { what } => ("did not give up everything when told to", "nothing left", what),
                _ => return None,
            };
            let after = last
                .map_or_else(String::new, |last| format!(" (last message of the harness: {})", last.name));
            Some(Finding {
                what: format!("the peer's daemon {what}{after}"),
                expected: expected.to_owned(),
                got: got.clone(),
                datagram: last.map(|message| message.first.n),
                ..Finding::default()
            })
        });
        let found: Vec<Finding> = found.collect();
        let text = |finding: &Finding| format!("{}: {}", finding.what, finding.got);
        let Some(first) = found.first() else { return };
        if matches!(result.verdict, Verdict::Pass | Verdict::Info) {
            result.reason = format!("{}; else {}: {}", text(first), result.verdict, result.reason);
            result.verdict = Verdict::Warn;
        } else {
            result.notes.extend(found.iter().map(text));
        }
        result.findings.extend(found);
    }

    /// A peer that goes on to quick mode by itself was told to set up phase 1 and nothing more.
    fn went_on(&self) -> Option<Judgement> {
        let alone = Capability::Phase1Alone;
        if self.profile.capabilities.contains(&alone) {
            return None;
        }
        let told = |step: &Step, phase_1: bool| {
            matches!(step, Step::Start(start) if (start.exchange == StartExchange::Phase1) == phase_1
                && start.by.unwrap_or(self.case.initiator()) == Side::Peer)
        };
        if !self.case.steps.iter().any(|step| told(step, true)) {
            return None;
        }
        let asked_for = self.transcript.iter().filter(|record| match record.event {
            Event::StepBegin { index } => self.case.steps.get(index).is_some_and(|step| told(step, false)),
            _ => false,
        });
        let mut begun = self.messages.iter().filter(|message| {
            message.from == Side::Peer
                && message.name.exchange == Exchange::QuickMode
                && message.name.number == 1
        });
        // Which of them was asked for cannot be told: the first may have been on its way when the peer was.
        let unasked = begun.nth(asked_for.count())?;
        let evidence = self.profile.missing.get(&alone).map(|why| format!(" ({why})")).unwrap_or_default();
        let reason = format!(
            "{} cannot do {alone}{evidence}: unasked, it went on to {} with datagram {}",
            self.profile.name, unasked.name, unasked.first.n
        );
        Some(judgement(Verdict::Unsupported, reason))
    }

    /// Derived values of the harness that do not follow from the transcript: our own fault.
    fn wrong_values(&self) -> Option<Judgement> {
        let first = self.recomputed.differences.first()?;
        let reason = format!("{}: {}, expected {}", first.what, first.got, first.expected);
        Some(Judgement { findings: self.recomputed.differences.clone(), ..judgement(Verdict::Error, reason) })
    }

    fn differing_values(&self) -> Option<Judgement> {
        let first = self.values.differences.first()?;
        let mut reason = format!("{}: {} here, {} at the peer", first.what, first.expected, first.got);
        let label = first.field.as_deref().and_then(Label::from_name);
        if let Some(label) = label.filter(|_| self.recomputed.confirms(&first.expected)) {
            reason.push_str(&format!("; {} gives the value here", formula(label)));
        }
        Some(Judgement { findings: self.values.differences.clone(), ..judgement(Verdict::Fail, reason) })
    }

    /// Steps that were not met, and assertions of `expect` that do not hold.
    fn steps(&self) -> Option<Judgement> {
        for (index, step) in self.case.steps.iter().enumerate() {
            let ended = self.transcript.iter().find_map(|record| match &record.event {
                Event::StepEnd { index: ended, result } if *ended == index => Some(result),
                _ => None,
            });
            let place = format!("step {} ({})", index + 1, step.name());
            match ended {
                None => return Some(judgement(Verdict::Error, format!("{place} did not end"))),
                Some(StepResult::Unmet { detail }) => {
                    let (verdict, expected) = self.expectation(step);
                    let finding = Finding {
                        what: format!("{place} was not met"),
                        expected: expected.clone(),
                        got: detail.clone(),
                        ..Finding::default()
                    };
                    let findings = if verdict == Verdict::Inconclusive { Vec::new() } else { vec![finding] };
                    let reason = format!("{place}: expected {expected}; {detail}");
                    return Some(Judgement { findings, ..judgement(verdict, reason) });
                }
                Some(StepResult::Done) => {}
            }
            if let Step::Expect(expect) = step {
                let Some(message) = self.messages.find(&expect.message, expect.from) else {
                    let reason = format!(
                        "{place} is done, but {} is not in the transcript",
                        describe(&expect.message)
                    );
                    return Some(judgement(Verdict::Error, reason));
                };
                let findings = match fields::check_all(message, &expect.assert, self.messages) {
                    Ok(findings) => findings,
                    Err(unreadable) => {
                        let reason = format!("{place}: {unreadable}");
                        return Some(judgement(Verdict::Inconclusive, reason));
                    }
                };
                if !findings.is_empty() {
                    let reason = format!("{place}: {}", findings_text(&findings));
                    return Some(Judgement { findings, ..judgement(self.unmet(expect.on_failure), reason) });
                }
            }
        }
        None
    }

    /// What it means that a step was not met, and what it expected.
    fn expectation(&self, step: &Step) -> (Verdict, String) {
        match step {
            Step::Expect(expect) => (
                self.unmet(expect.on_failure),
                format!(
                    "{} from the {} within {} ms",
                    describe(&expect.message),
                    expect.from,
                    expect.within_ms
                ),
            ),
            Step::ExpectState(state) => {
                let counts = [(state.isakmp_sas, "ISAKMP SAs"), (state.ipsec_sas, "pairs of IPsec SAs")];
                let counts: Vec<String> = counts
                    .iter()
                    .filter_map(|(count, what)| count.map(|count| format!("{count} {what}")))
                    .collect();
                let expected =
                    format!("{} at {} within {} ms", counts.join(" and "), state.of, state.within_ms);
                (self.unmet(state.on_failure), expected)
            }
            Step::Traffic(traffic) => {
                let what = match traffic.expect {
                    crate::model::TrafficExpect::Reply => "a reply to each of",
                    crate::model::TrafficExpect::None => "no reply to",
                };
                (self.unmet(traffic.on_failure), format!("{what} {} packets", traffic.packets))
            }
            Step::Conclude(conclude) => {
                let kind = match conclude.sa {
                    SaKind::Isakmp => "an established ISAKMP SA",
                    SaKind::Ipsec => "a pair of IPsec SAs",
                };
                let expected = format!("{kind} at the harness within {} ms", conclude.within_ms);
                (Verdict::Inconclusive, expected)
            }
            _ => (Verdict::Inconclusive, "it to be possible".into()),
        }
    }

    /// Rules that were armed and not applied, or that changed nothing.
    fn not_exercised(&self) -> Option<Judgement> {
        for (index, step) in self.case.steps.iter().enumerate() {
            let Some((message, from, wanted)) = step.arms() else { continue };
            let applied: Vec<Option<u64>> = self
                .transcript
                .iter()
                .filter_map(|record| match record.event {
                    Event::RuleApplied { step, datagram } if step == index => Some(datagram),
                    _ => None,
                })
                .collect();
            let times = u32::try_from(applied.len()).unwrap_or(u32::MAX);
            let place = format!("step {} ({})", index + 1, step.name());
            if times < wanted {
                let reason = format!(
                    "{place} was applied {times} of {wanted} times: {} from the {from} did not pass",
                    describe(message)
                );
                return Some(judgement(Verdict::Inconclusive, reason));
            }
            let Step::Edit(edit) = step else { continue };
            // Another IV shows in the ciphertext alone.
            if edit.iv.is_right() && !applied.iter().flatten().any(|n| self.was_edited(*n, edit.sealed)) {
                let reason = format!("{place} left {} as it was, so nothing was tested", describe(message));
                return Some(judgement(Verdict::Error, reason));
            }
        }
        None
    }

    /// Whether the transcript shows that an edit changed a datagram's message, before or once it was encrypted.
    fn was_edited(&self, wanted: u64, sealed: bool) -> bool {
        self.transcript.iter().any(|record| match &record.event {
            Event::Plaintext { datagram, hex, unaltered_hex: Some(unaltered), .. } => {
                !sealed && *datagram == wanted && hex != unaltered
            }
            Event::Datagram(DatagramRecord {
                n,
                hex,
                fault: Some(Fault::EditedDatagram { unaltered_hex }),
                ..
            }) => sealed && *n == wanted && hex != unaltered_hex,
            _ => false,
        })
    }

    /// The first accepted outcome that holds, or what was met instead.
    fn outcome(&self) -> Judgement {
        let evidence = Evidence { transcript: self.transcript, messages: self.messages, values: self.values };
        let (mut unknown, mut findings) = (None, Vec::new());
        // What was observed instead of the outcome that came nearest; the first of several.
        let mut nearest: Option<Vec<String>> = None;
        for acceptance in &self.case.accept {
            let outcomes: Vec<Outcome> = acceptance.all.iter().map(|c| evidence.evaluate(c)).collect();
            if !outcomes.is_empty() && outcomes.iter().all(|outcome| *outcome == Outcome::Holds) {
                return judgement(accepted(acceptance), acceptance.because.clone());
            }
            // An outcome that one condition refutes is not kept open by another.
            let refuted = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Not { .. }));
            let mut observed: Vec<String> = Vec::new();
            for outcome in outcomes {
                match outcome {
                    Outcome::Not { observed: text, findings: found } => {
                        if !observed.contains(&text) {
                            observed.push(text);
                        }
                        let new: Vec<_> = found.into_iter().filter(|f| !findings.contains(f)).collect();
                        findings.extend(new);
                    }
                    Outcome::Unknown(text) if !refuted => unknown = unknown.or(Some(text)),
                    Outcome::Unknown(_) | Outcome::Holds => {}
                }
            }
            if nearest.as_ref().is_none_or(|nearest| observed.len() < nearest.len()) {
                nearest = Some(observed);
            }
        }
        if let Some(text) = unknown {
            return judgement(Verdict::Inconclusive, text);
        }
        let wanted: Vec<&str> = self.case.accept.iter().map(|a| a.because.as_str()).collect();
        let (wanted, observed) = (wanted.join(", or "), nearest.unwrap_or_default().join("; "));
        let reason = format!("{observed}{EXPECTED}{wanted}");
        if findings.is_empty() {
            let what = "no accepted outcome".into();
            findings.push(Finding { what, expected: wanted, got: observed, ..Finding::default() });
        }
        Judgement { findings, ..judgement(self.deviation(), reason) }
    }

    /// Things worth knowing that do not decide.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.values.agreed_count() > 0 {
            notes.push(format!("{} derived values are the same on both sides", self.values.agreed_count()));
        }
        if self.recomputed.count > 0 {
            notes.push(format!("{} derived values recomputed from RFC 2409", self.recomputed.count));
        }
        let evidence = Evidence { transcript: self.transcript, messages: self.messages, values: self.values };
        for side in [Side::Harness, Side::Peer] {
            if let Some((isakmp, ipsec)) = evidence.last_state(side) {
                notes.push(format!("at the end {}", state_text(side, isakmp, ipsec)));
            }
        }
        for record in self.transcript {
            match &record.event {
                Event::Engine { side, event: EngineEvent::ExchangeFailed { exchange, error, .. } } => {
                    notes.push(format!("at {} ms {exchange} failed at the {side}: {error}", record.at_ms));
                }
                Event::PlayedBefore { verdict, reason } => {
                    let why = match verdict {
                        Verdict::Error => "the harness failed in the first",
                        _ => "the peer may only have been late in the first",
                    };
                    notes.push(format!("played a second time, as {why} (`{verdict}`): {reason}"));
                }
                Event::Engine { side, event: EngineEvent::DatagramRejected { error } } => {
                    notes.push(format!("at {} ms the {side} rejected a datagram: {error}", record.at_ms));
                }
                _ => {}
            }
        }
        notes
    }
}

fn accepted(acceptance: &Acceptance) -> Verdict {
    match acceptance.verdict {
        AcceptedVerdict::Pass => Verdict::Pass,
        AcceptedVerdict::Warn => Verdict::Warn,
        AcceptedVerdict::Info => Verdict::Info,
    }
}
