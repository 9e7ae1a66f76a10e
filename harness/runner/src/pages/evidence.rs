//! What a case page shows, from the files of the case.

use ikev1_report::html::{Acceptance, ConditionState, Entry, Evidence, Note, State, StepState, Value, Whose};
use ikev1_report::model::CaseResult;
use ikev1_scenario::Verdict;
use ikev1_scenario::case::Case;
use ikev1_scenario::judge::{ConditionResult, compare_values, outcomes};
use ikev1_scenario::model::{AcceptedVerdict, Side, Step};
use ikev1_scenario::transcript::{EngineEvent, Event, Record, StepResult, ValueRecord};

use super::messages::messages;
use super::words::{check_words, words};

/// Bytes of a log that the page shows; the file has all of it.
const LOG_SHOWN_MAX: usize = 48 * 1024;

/// Everything that was recorded of a case. Of a redacted one nobody can say any more which conditions hold.
pub(super) fn evidence(
    case: &Case,
    records: &[Record],
    result: &CaseResult,
    log: &str,
    redacted: bool,
) -> Evidence {
    let (log_left_out, log) = end_of(log, LOG_SHOWN_MAX);
    Evidence {
        ladder: ladder(case, records),
        messages: messages(records, &result.findings),
        steps: steps(case, records, &result.reason),
        accepted: accepted(case, records, redacted),
        values: values(records),
        log: log.to_owned(),
        log_left_out,
    }
}

/// The last `max` bytes of a text from the beginning of a line, and how many are left out.
fn end_of(text: &str, max: usize) -> (usize, &str) {
    let Some(from) = text.len().checked_sub(max).filter(|from| *from > 0) else { return (0, text) };
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let rest = text.get(from..).unwrap_or_default();
    let rest = rest.split_once('\n').map_or(rest, |(_, rest)| rest);
    (text.len() - rest.len(), rest)
}

fn steps(case: &Case, records: &[Record], reason: &str) -> Vec<StepState> {
    let ended = |wanted: usize| {
        records.iter().find_map(|record| match &record.event {
            Event::StepEnd { index, result } if *index == wanted => Some(result),
            _ => None,
        })
    };
    let state = |(index, step): (usize, &Step)| {
        let (state, observed) = match (ended(index), decided(reason, index)) {
            (Some(StepResult::Unmet { detail }), _) => (State::Fails, detail.clone()),
            // Its message came, and is not as it must be.
            (Some(StepResult::Done), Some(why)) => (State::Fails, why.to_owned()),
            (Some(StepResult::Done), None) => (State::Holds, String::new()),
            (None, _) => (State::Unknown, String::new()),
        };
        let mut step = step.clone();
        let checks = match &mut step {
            Step::Expect(expect) => std::mem::take(&mut expect.assert),
            _ => Vec::new(),
        };
        StepState { text: words(&step), checks: checks.iter().map(check_words).collect(), state, observed }
    };
    case.steps.iter().enumerate().map(state).collect()
}

/// What the judge says of a step, where that decided the verdict.
fn decided(reason: &str, index: usize) -> Option<&str> {
    let (_, why) = reason.strip_prefix(&format!("step {} (", index + 1))?.split_once("): ")?;
    Some(why)
}

fn accepted(case: &Case, records: &[Record], redacted: bool) -> Vec<Acceptance> {
    let results = outcomes(case, records);
    let each = case.accept.iter().zip(results).map(|(acceptance, conditions)| Acceptance {
        verdict: match acceptance.verdict {
            AcceptedVerdict::Pass => Verdict::Pass,
            AcceptedVerdict::Warn => Verdict::Warn,
            AcceptedVerdict::Info => Verdict::Info,
        },
        because: acceptance.because.clone(),
        conditions: conditions
            .into_iter()
            .map(|(condition, result)| {
                let (state, observed) = match result {
                    _ if redacted => (State::Unknown, "what decides it is left out".to_owned()),
                    ConditionResult::Holds => (State::Holds, String::new()),
                    ConditionResult::Not(observed) => (State::Fails, observed),
                    ConditionResult::Unknown(why) => (State::Unknown, why),
                };
                ConditionState { text: words(condition), state, observed }
            })
            .collect(),
    });
    each.collect()
}

fn ladder(case: &Case, records: &[Record]) -> Vec<Entry> {
    let mut datagrams = 0;
    let mut entries = Vec::new();
    for record in records {
        let note = match &record.event {
            Event::Datagram(_) => {
                datagrams += 1;
                Some(Note::Message(datagrams - 1))
            }
            other => event(case, other),
        };
        entries.extend(note.map(|note| Entry { at_ms: record.at_ms, note }));
    }
    entries
}

/// What the ladder tells of an event; most are seen elsewhere on the page.
fn event(case: &Case, event: &Event) -> Option<Note> {
    let note = |whose, text: String| Some(Note::Event { whose, text, bad: false });
    let bad = |whose, text: String| Some(Note::Event { whose, text, bad: true });
    match event {
        Event::StepBegin { index } => {
            let name = case.steps.get(*index).map_or("unknown", |step| step.name());
            note(Whose::Harness, format!("step {}: {name}", index + 1))
        }
        Event::StepEnd { index, result: StepResult::Unmet { detail } } => {
            bad(Whose::Harness, format!("step {} was not met: {detail}", index + 1))
        }
        Event::Engine { side, event } => {
            let is_bad =
                matches!(event, EngineEvent::ExchangeFailed { .. } | EngineEvent::DatagramRejected { .. });
            let whose = whose(*side);
            if is_bad { bad(whose, words(event)) } else { note(whose, words(event)) }
        }
        Event::State { side, isakmp_sas, ipsec_sas } => {
            let established = isakmp_sas.iter().filter(|sa| sa.established).count();
            let text = format!("has {established} ISAKMP SAs, {} pairs of IPsec SAs", ipsec_sas.len());
            note(whose(*side), text)
        }
        Event::Traffic { sent, replied, detail, .. } => {
            note(Whose::Both, format!("{sent} packets through the SAs, {replied} answered {detail}"))
        }
        Event::Reported { line } => note(Whose::Peer, format!("reports: {line}")),
        Event::PeerDied { line } => bad(Whose::Peer, format!("its daemon died: {line}")),
        Event::PeerAlarm { line } => bad(Whose::Peer, format!("a fault of its own: {line}")),
        Event::PeerLeft { what } => {
            bad(Whose::Peer, format!("did not give up everything when told to: {what}"))
        }
        Event::ConfigurationRefused { error } => {
            bad(Whose::Peer, format!("did not take its configuration: {error}"))
        }
        Event::PlayedBefore { verdict, reason } => {
            note(Whose::Harness, format!("{verdict} in the first play: {reason}"))
        }
        Event::Infrastructure { error } => bad(Whose::Harness, error.clone()),
        _ => None,
    }
}

const fn whose(side: Side) -> Whose {
    match side {
        Side::Harness => Whose::Harness,
        Side::Peer => Whose::Peer,
    }
}

/// Derived values by exchange and name, in the order in which they became known.
fn values(records: &[Record]) -> Vec<Value> {
    let differing: Vec<_> =
        compare_values(records).differences.into_iter().filter_map(|found| found.field).collect();
    let mut values: Vec<(Value, (&str, u32))> = Vec::new();
    for record in records {
        let Event::Value(ValueRecord { side, cky_i, m_id, label, hex, .. }) = &record.event else { continue };
        let key = (cky_i.as_str(), *m_id);
        let known = values.iter_mut().find(|(value, other)| *other == key && value.name == *label);
        let value = match known {
            Some((value, _)) => value,
            None => {
                let exchange = if *m_id == 0 { "phase 1".to_owned() } else { format!("M-ID {m_id:08x}") };
                let of = format!("{exchange} of CKY-I {cky_i}");
                let differs = differing.contains(label);
                values.push((Value { of, name: label.clone(), differs, ..Value::default() }, key));
                let Some((value, _)) = values.last_mut() else { continue };
                value
            }
        };
        let list = if *side == Side::Harness { &mut value.harness } else { &mut value.peer };
        if !list.contains(hex) {
            list.push(hex.clone());
        }
    }
    values.into_iter().map(|(value, _)| value).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::short("a\nb\n", 10, (0, "a\nb\n"))]
    #[case::from_the_next_line("first\nsecond\n", 9, (6, "second\n"))]
    #[case::not_in_a_character("äää\nb", 4, (7, "b"))]
    fn the_end_of_a_log(#[case] log: &str, #[case] max: usize, #[case] end: (usize, &str)) {
        assert_eq!(end_of(log, max), end);
    }
}
