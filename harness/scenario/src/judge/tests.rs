//! Hand-made transcripts for every verdict and every condition.

mod unreadable;

use rstest::rstest;

use super::*;
use crate::case::Case;
use crate::model::{Capability, Exchange, Level, Role, Side};
use crate::testing::case_of;
use crate::tracker::MessageName;
use crate::transcript::{
    DatagramRecord, Event, Fault, IpsecSaState, IsakmpSaState, Record, StepResult, ValueRecord, ValueSource,
};
use crate::verdict::{Judgement, PeerProfile, Verdict};

const MAIN: u8 = 2;
const INFORMATIONAL: u8 = 5;
const QUICK: u8 = 32;
/// A HASH payload, as the only payload of a message: next payload 0, length 8, four bytes.
const HASH: [u8; 8] = [0, 0, 0, 8, 1, 2, 3, 4];
/// A Notification payload with NO-PROPOSAL-CHOSEN.
const NO_PROPOSAL_CHOSEN: [u8; 12] = [0, 0, 0, 12, 0, 0, 0, 1, 1, 0, 0, 14];

fn profile() -> PeerProfile {
    PeerProfile {
        name: "box".into(),
        version: "1".into(),
        capabilities: Capability::ALL.iter().copied().filter(|c| *c != Capability::DerivedValues).collect(),
        ..PeerProfile::default()
    }
}

/// A transcript in the making.
struct Script {
    at_ms: u64,
    n: u64,
    records: Vec<Record>,
    steps: usize,
}

impl Script {
    /// A case begins and all its steps are done.
    fn of(case: &Case) -> Self {
        let mut script = Self { at_ms: 0, n: 0, records: Vec::new(), steps: case.steps.len() };
        script.event(Event::Begin {
            case: case.id.clone(),
            role: case.role,
            seed: 1,
            peer: "box".into(),
            peer_version: "1".into(),
        });
        script
    }

    fn event(&mut self, event: Event) -> &mut Self {
        self.records.push(Record { at_ms: self.at_ms, event });
        self
    }

    fn later(&mut self, ms: u64) -> &mut Self {
        self.at_ms += ms;
        self
    }

    /// A message in the clear.
    fn message(&mut self, from: Side, exchange_type: u8, number: u8, first: u8, body: &[u8]) -> &mut Self {
        self.sent(from, exchange_type, number, first, body, |_| {})
    }

    fn sent(
        &mut self,
        from: Side,
        exchange_type: u8,
        number: u8,
        first: u8,
        body: &[u8],
        change: impl FnOnce(&mut DatagramRecord),
    ) -> &mut Self {
        self.n += 1;
        let exchange = match exchange_type {
            MAIN => Exchange::MainMode,
            QUICK => Exchange::QuickMode,
            _ => Exchange::Informational,
        };
        let mut bytes = vec![7; 8];
        bytes.extend([8; 8]);
        bytes.extend([first, 0x10, exchange_type, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.push(u8::try_from(28 + body.len()).unwrap());
        bytes.extend(body);
        let mut datagram = DatagramRecord {
            n: self.n,
            from,
            local: "127.0.0.1:500".into(),
            remote: "127.0.0.2:500".into(),
            nat_t: false,
            hex: hex::encode(bytes),
            delivered: true,
            message: Some(MessageName {
                exchange,
                occurrence: 1,
                number,
                copy: 1,
                changed: false,
                fragment: None,
            }),
            fault: None,
        };
        change(&mut datagram);
        self.event(Event::Datagram(datagram))
    }

    fn state(&mut self, side: Side, isakmp: usize, ipsec: usize) -> &mut Self {
        let isakmp_sa = IsakmpSaState {
            cky_i: "07".repeat(8),
            cky_r: "08".repeat(8),
            role: Role::Initiator,
            established: true,
        };
        let ipsec_sa = IpsecSaState {
            protocol: "ESP".into(),
            spi_in: 1,
            spi_out: 2,
            packets_in: None,
            packets_out: None,
        };
        self.event(Event::State {
            side,
            isakmp_sas: vec![isakmp_sa; isakmp],
            ipsec_sas: vec![ipsec_sa; ipsec],
        })
    }

    fn value(&mut self, side: Side, label: &str, hex: &str) -> &mut Self {
        self.event(Event::Value(ValueRecord {
            side,
            cky_i: "07".repeat(8),
            cky_r: "08".repeat(8),
            m_id: 0,
            label: label.into(),
            hex: hex.into(),
            source: ValueSource::Engine,
        }))
    }

    /// A step is not met; the ones before it are.
    fn unmet(&mut self, index: usize, detail: &str) -> &mut Self {
        self.event(Event::StepEnd { index, result: StepResult::Unmet { detail: detail.into() } })
    }

    fn applied(&mut self, step: usize) -> &mut Self {
        let datagram = Some(self.n);
        self.event(Event::RuleApplied { step, datagram })
    }

    /// The end, with all steps done that did not end otherwise.
    fn end(&mut self) -> Vec<Record> {
        for index in 0..self.steps {
            let ended = |r: &Record| matches!(r.event, Event::StepEnd { index: ended, .. } if ended == index);
            if !self.records.iter().any(ended) {
                self.event(Event::StepEnd { index, result: StepResult::Done });
            }
        }
        self.event(Event::End);
        self.records.clone()
    }
}

const START: &str = r#"{"start": {"exchange": "phase-1"}}"#;
const EDIT_5: &str = r#"{"edit": {"message": {"exchange": "main-mode", "number": 5},
    "apply": [{"xor": {"field": "hash.data", "mask": 1}}]}}"#;
const UP: &str = r#"{"established": {"isakmp_sas": {"exactly": 1}}}"#;
const SILENT_AFTER_5: &str = r#"{"silence": {"after": {"exchange": "main-mode", "number": 5}}}"#;
const REFUSED_AFTER_5: &str =
    r#"{"notify": {"after": {"exchange": "main-mode", "number": 5}, "types": ["NO-PROPOSAL-CHOSEN"]}}"#;

/// A case with these steps, and one accepted outcome for each set of conditions.
fn case(steps: &[&str], outcomes: &[&str]) -> Case {
    let accept: Vec<String> =
        outcomes.iter().map(|all| format!(r#"{{"because": "it is so", "all": [{all}]}}"#)).collect();
    case_of(&format!(r#""steps": [{}], "accept": [{}]"#, steps.join(","), accept.join(",")))
}

fn verdict(case: &Case, script: &mut Script) -> (Verdict, String) {
    let Judgement { verdict, reason, .. } = judge(case, &script.end(), &profile());
    (verdict, reason)
}

/// Main mode up to message 4, one message each.
fn until_4(script: &mut Script) {
    for number in 1..=4 {
        let from = if number % 2 == 1 { Side::Harness } else { Side::Peer };
        script.later(10).message(from, MAIN, number, 0, &[]);
    }
}

/// Message 5 with its edit.
fn edited_5(script: &mut Script, step: usize, changed: bool) {
    script.later(10).message(Side::Harness, MAIN, 5, 8, &HASH).applied(step);
    let (datagram, hex) = (script.n, "00".to_owned());
    let unaltered_hex = Some(if changed { "01".into() } else { hex.clone() });
    script.event(Event::Plaintext { datagram, from: Side::Harness, hex, unaltered_hex });
}

#[test]
fn an_accepted_outcome_passes_with_its_reason() {
    let case = case(&[START], &[UP]);
    let mut script = Script::of(&case);
    until_4(&mut script);
    script.state(Side::Harness, 1, 0).state(Side::Peer, 1, 0);
    assert_eq!(verdict(&case, &mut script), (Verdict::Pass, "it is so".into()));
}

#[rstest]
#[case::must(Level::Must, Verdict::Fail)]
#[case::should(Level::Should, Verdict::Warn)]
#[case::may(Level::May, Verdict::Info)]
fn a_deviation_counts_by_level_and_names_expectation_and_observation(
    #[case] level: Level,
    #[case] expected: Verdict,
) {
    let case = Case { level, ..case(&[START], &[UP]) };
    let mut script = Script::of(&case);
    until_4(&mut script);
    script.state(Side::Harness, 1, 0).state(Side::Peer, 0, 0);
    let judgement = judge(&case, &script.end(), &profile());
    assert_eq!(judgement.verdict, expected);
    let reason = "the peer has 0 ISAKMP SAs and 0 pairs of IPsec SAs. Expected: it is so";
    assert_eq!(judgement.reason, reason);
    assert_eq!(judgement.findings[0].requirements, case.requirements);
}

#[test]
fn a_deviation_is_told_by_the_outcome_that_came_nearest() {
    let case = case(
        &[START],
        &[
            &format!(r#"{UP}, {{"no_sa": {{"of": "peer"}}}}, {SILENT_AFTER_5}"#),
            r#"{"no_sa": {"of": "peer"}}"#,
        ],
    );
    let mut script = Script::of(&case);
    until_4(&mut script);
    script.later(10).message(Side::Harness, MAIN, 5, 8, &HASH);
    script.state(Side::Harness, 0, 0).state(Side::Peer, 1, 0);
    let judgement = judge(&case, &script.end(), &profile());
    assert_eq!(
        judgement.reason,
        "the peer has 1 ISAKMP SAs and 0 pairs of IPsec SAs. Expected: it is so, or it is so"
    );
}

#[test]
fn an_accepted_outcome_may_be_worth_less_than_a_pass() {
    let steps = r#""steps": [{"start": {"exchange": "phase-1"}}]"#;
    let case = case_of(&format!(
        r#"{steps}, "accept": [{{"verdict": "info", "because": "read so", "all": [{{"no_sa": {{"of": "peer"}}}}]}}]"#
    ));
    let mut script = Script::of(&case);
    until_4(&mut script);
    script.state(Side::Peer, 0, 0);
    assert_eq!(verdict(&case, &mut script), (Verdict::Info, "read so".into()));
}

#[rstest]
#[case::the_line(&["Handshake returned", "SA=(Enc=AES)"], Verdict::Pass)]
#[case::its_beginning(&["SA=(Enc=AES) more"], Verdict::Pass)]
#[case::another_line(&["SA=(Enc=DES)"], Verdict::Fail)]
#[case::nothing(&[], Verdict::Fail)]
fn what_the_peer_reports_is_looked_for(#[case] lines: &[&str], #[case] expected: Verdict) {
    let case = case(&[START], &[r#"{"reported": "SA=(Enc=AES)"}"#]);
    let mut script = Script::of(&case);
    until_4(&mut script);
    for line in lines {
        script.event(Event::Reported { line: (*line).to_owned() });
    }
    assert_eq!(verdict(&case, &mut script).0, expected);
}

#[test]
fn of_a_peer_without_ikev1_nothing_else_is_told() {
    let case = case(&[START], &[UP]);
    let mut profile = profile();
    profile.capabilities.clear();
    profile.missing.insert(Capability::Ikev1, "IKEv2 only".into());
    let judgement = judge(&case, &Script::of(&case).end(), &profile);
    assert_eq!(judgement.verdict, Verdict::Unsupported);
    assert_eq!(judgement.reason, "box cannot do ikev1 (IKEv2 only)");
}

#[test]
fn a_peer_without_a_capability_is_unsupported_with_the_evidence() {
    let case = case(&[START], &[UP]);
    let mut profile = profile();
    profile.capabilities.remove(&Capability::Modp1024);
    profile.missing.insert(Capability::Modp1024, "its manual".into());
    let judgement = judge(&case, &Script::of(&case).end(), &profile);
    assert_eq!(
        (judgement.verdict, judgement.reason.as_str()),
        (Verdict::Unsupported, "box cannot do modp1024 (its manual)")
    );
}

#[test]
fn a_daemon_that_died_is_a_failure_whatever_else_went_wrong() {
    let case = case(&[START], &[UP]);
    let mut script = Script::of(&case);
    until_4(&mut script);
    script.event(Event::Infrastructure { error: "the control shell went away".into() });
    script.event(Event::PeerDied { line: "ASSERTION FAILED".into() });
    let judgement = judge(&case, &script.end(), &profile());
    assert_eq!(judgement.verdict, Verdict::Fail);
    insta::assert_snapshot!(judgement.reason, @"the peer's daemon died after main-mode message 3 of the harness: ASSERTION FAILED");
    assert_eq!(judgement.findings[0].requirements, case.requirements);
}

/// A run of a case that is good but for what `event` says.
fn judged_with(case: &Case, peer_isakmp_sas: usize, event: Event) -> Judgement {
    let mut script = Script::of(case);
    until_4(&mut script);
    script.state(Side::Harness, 1, 0).state(Side::Peer, peer_isakmp_sas, 0).event(event);
    judge(case, &script.end(), &profile())
}

#[test]
fn a_daemon_that_was_dead_before_the_first_step_is_no_failure_of_the_case() {
    let case = case(&[START], &[UP]);
    let events = [Event::PeerDied { line: "ASSERTION FAILED".into() }, Event::End];
    let mut transcript = Script::of(&case).records;
    transcript.truncate(1);
    transcript.extend(events.map(|event| Record { at_ms: 0, event }));
    let judgement = judge(&case, &transcript, &profile());
    assert_eq!(judgement.verdict, Verdict::Error);
    insta::assert_snapshot!(judgement.reason, @"the peer's daemon had died before the first step: ASSERTION FAILED");
}

#[rstest]
#[case::alarm(
    Event::PeerAlarm { line: "EXPECTATION FAILED: st != NULL".into() },
    "the peer's daemon met a fault of its own (last message of the harness: main-mode message 3): EXPECTATION FAILED: st != NULL; else pass: it is so"
)]
#[case::left(
    Event::PeerLeft { what: "1 ISAKMP SA".into() },
    "the peer's daemon did not give up everything when told to (last message of the harness: main-mode message 3): 1 ISAKMP SA; else pass: it is so"
)]
fn a_fault_that_the_daemon_survived_makes_a_pass_a_warning(#[case] event: Event, #[case] reason: &str) {
    let case = case(&[START], &[UP]);
    let judgement = judged_with(&case, 1, event);
    assert_eq!((judgement.verdict, judgement.reason.as_str()), (Verdict::Warn, reason));
    let finding = &judgement.findings[0];
    // No clause is missed by it.
    assert_eq!((finding.datagram, finding.requirements.len()), (Some(3), 0));
}

#[rstest]
#[case::alarm(Event::PeerAlarm { line: "EXPECTATION FAILED".into() })]
#[case::left(Event::PeerLeft { what: "1 ISAKMP SA".into() })]
fn a_fault_that_the_daemon_survived_leaves_a_failure_what_it_is_and_is_said_beside_it(#[case] event: Event) {
    let case = case(&[START], &[UP]);
    let judgement = judged_with(&case, 0, event);
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert!(judgement.reason.ends_with(". Expected: it is so"), "{}", judgement.reason);
    assert_eq!(judgement.findings.len(), 2, "{:?}", judgement.findings);
    assert!(
        judgement.notes.iter().any(|note| note.starts_with("the peer's daemon ")),
        "{:?}",
        judgement.notes
    );
}

#[rstest]
#[case::by_itself(None, Verdict::Unsupported)]
#[case::when_told(Some(1), Verdict::Pass)]
fn a_peer_that_goes_on_to_quick_mode_by_itself_cannot_do_phase_1_alone(
    #[case] told: Option<usize>,
    #[case] expected: Verdict,
) {
    let start = |exchange| format!(r#"{{"start": {{"exchange": "{exchange}", "by": "peer"}}}}"#);
    let case = case(&[&start("phase-1"), &start("quick-mode")], &[UP]);
    let mut profile = profile();
    profile.capabilities.remove(&Capability::Phase1Alone);
    profile.missing.insert(Capability::Phase1Alone, "no command".into());
    let mut script = Script::of(&case);
    if let Some(index) = told {
        script.event(Event::StepBegin { index });
    }
    script.message(Side::Peer, QUICK, 1, 8, &HASH).state(Side::Harness, 1, 0).state(Side::Peer, 1, 0);
    let judgement = judge(&case, &script.end(), &profile);
    assert_eq!(judgement.verdict, expected, "{}", judgement.reason);
    if told.is_none() {
        insta::assert_snapshot!(judgement.reason, @"box cannot do phase1-alone (no command): unasked, it went on to quick-mode message 1 with datagram 1");
    }
}

#[test]
fn faults_of_the_harness_and_broken_transcripts_are_errors() {
    let case = case(&[START], &[UP]);
    let mut script = Script::of(&case);
    until_4(&mut script);
    script.state(Side::Harness, 1, 0).state(Side::Peer, 1, 0);
    let whole = script.end();
    let of = |records: &[Record]| judge(&case, records, &profile()).verdict;
    assert_eq!(of(&whole), Verdict::Pass);
    assert_eq!(of(&whole[..whole.len() - 1]), Verdict::Error, "cut off");
    assert_eq!(of(&whole[1..]), Verdict::Error, "no beginning");
    assert_eq!(of(&[]), Verdict::Error);
    let other = Case { id: "other".into(), ..case.clone() };
    assert_eq!(judge(&other, &whole, &profile()).verdict, Verdict::Error, "of another case");
    let mut broken = whole.clone();
    broken.insert(3, Record { at_ms: 3, event: Event::Infrastructure { error: "socket closed".into() } });
    assert_eq!(judge(&case, &broken, &profile()).reason, "socket closed");
    assert_eq!(of(&broken), Verdict::Error);
    let no_step: Vec<Record> =
        whole.iter().filter(|r| !matches!(r.event, Event::StepEnd { .. })).cloned().collect();
    assert_eq!(of(&no_step), Verdict::Error, "a step that did not end");
    let no_datagram: Vec<Record> =
        whole.iter().filter(|r| !matches!(r.event, Event::Datagram(_))).cloned().collect();
    assert_eq!(of(&no_datagram), Verdict::Inconclusive, "nothing passed");
}

#[test]
fn the_full_negative_case_passes_only_when_its_edit_went_out_and_was_watched() {
    let none = format!(r#"{SILENT_AFTER_5}, {{"no_sa": {{"of": "peer"}}}}"#);
    let case = case(&[EDIT_5, START], &[&none, REFUSED_AFTER_5]);
    let base = |edited: bool, changed: bool| {
        let mut script = Script::of(&case);
        until_4(&mut script);
        if edited {
            edited_5(&mut script, 0, changed);
        }
        script.later(1000).state(Side::Harness, 0, 0).state(Side::Peer, 0, 0);
        script
    };
    assert_eq!(verdict(&case, &mut base(true, true)).0, Verdict::Pass);
    insta::assert_snapshot!(verdict(&case, &mut base(false, false)).1, @"step 1 (edit) was applied 0 of 1 times: main-mode message 5 from the harness did not pass");
    assert_eq!(verdict(&case, &mut base(false, false)).0, Verdict::Inconclusive);
    assert_eq!(verdict(&case, &mut base(true, false)).0, Verdict::Error, "an edit that changed nothing");
    // An SA of the peer refutes silence as an outcome, and there was no notification either.
    let mut up = base(true, true);
    up.state(Side::Peer, 1, 0);
    assert_eq!(verdict(&case, &mut up).0, Verdict::Fail);
}

#[test]
fn a_finding_names_the_packet_that_broke_the_silence() {
    let case = case(&[START], &[SILENT_AFTER_5]);
    let mut script = Script::of(&case);
    until_4(&mut script);
    script.later(10).message(Side::Harness, MAIN, 5, 8, &HASH);
    script.later(10).message(Side::Peer, INFORMATIONAL, 1, 11, &NO_PROPOSAL_CHOSEN).later(1000);
    let judgement = judge(&case, &script.end(), &profile());
    assert_eq!(judgement.verdict, Verdict::Fail);
    insta::assert_snapshot!(judgement.reason, @"after main-mode message 5 the peer sent informational message 1 (NO-PROPOSAL-CHOSEN). Expected: it is so");
    assert_eq!(judgement.findings[0].datagram, Some(6));
}

#[rstest]
#[case::a_retransmission_is_silence(4, 2, false, true, 1000, Verdict::Pass)]
#[case::a_changed_retransmission_of_an_earlier_message_is_silence(4, 1, true, true, 1000, Verdict::Pass)]
#[case::an_answer_is_none(6, 1, false, true, 1000, Verdict::Fail)]
#[case::a_short_watch_tells_nothing(4, 2, false, true, 100, Verdict::Inconclusive)]
#[case::an_undelivered_message_tells_nothing(4, 2, false, false, 1000, Verdict::Inconclusive)]
fn silence(
    #[case] number: u8,
    #[case] copy: u32,
    #[case] changed: bool,
    #[case] delivered: bool,
    #[case] watched_ms: u64,
    #[case] expected: Verdict,
) {
    let case = case(&[START], &[SILENT_AFTER_5]);
    let mut script = Script::of(&case);
    until_4(&mut script);
    script.later(10).sent(Side::Harness, MAIN, 5, 8, &HASH, |d| d.delivered = delivered);
    script.sent(Side::Peer, MAIN, number, 0, &[], |d| {
        d.message = d.message.map(|name| MessageName { copy, changed, ..name });
    });
    script.later(watched_ms);
    assert_eq!(verdict(&case, &mut script).0, expected);
}

#[test]
fn a_message_that_never_went_out_is_no_silence() {
    let case = case(&[START], &[SILENT_AFTER_5]);
    let mut script = Script::of(&case);
    until_4(&mut script);
    script.later(5000);
    assert_eq!(
        verdict(&case, &mut script),
        (Verdict::Inconclusive, "main-mode message 5 was never sent".into())
    );
}

#[test]
fn a_late_delivery_counts_as_one() {
    let case = case(&[START], &[SILENT_AFTER_5]);
    let mut script = Script::of(&case);
    until_4(&mut script);
    script.sent(Side::Harness, MAIN, 5, 8, &HASH, |d| {
        (d.delivered, d.fault) = (false, Some(Fault::Delayed { by_ms: 50 }));
    });
    let of = script.n;
    script.later(50).sent(Side::Harness, MAIN, 5, 8, &HASH, |d| d.fault = Some(Fault::DeliveredLate { of }));
    script.later(1000);
    assert_eq!(verdict(&case, &mut script).0, Verdict::Pass);
}

#[rstest]
#[case::in_time(true, INFORMATIONAL, Verdict::Pass)]
#[case::before_the_message(false, INFORMATIONAL, Verdict::Fail)]
fn a_notification_counts_after_the_message(
    #[case] after: bool,
    #[case] exchange: u8,
    #[case] expected: Verdict,
) {
    let case = case(&[START], &[REFUSED_AFTER_5]);
    let mut script = Script::of(&case);
    until_4(&mut script);
    if !after {
        script.message(Side::Peer, exchange, 1, 11, &NO_PROPOSAL_CHOSEN);
    }
    script.message(Side::Harness, MAIN, 5, 8, &HASH);
    if after {
        script.message(Side::Peer, exchange, 1, 11, &NO_PROPOSAL_CHOSEN);
    }
    assert_eq!(verdict(&case, &mut script).0, expected);
}

#[test]
fn protection_of_a_notification_can_be_asked_for() {
    let protected = REFUSED_AFTER_5.replace(r#""types""#, r#""protected": true, "types""#);
    let case = case(&[START], &[&protected]);
    let mut script = Script::of(&case);
    until_4(&mut script);
    script.message(Side::Harness, MAIN, 5, 8, &HASH);
    script.message(Side::Peer, INFORMATIONAL, 1, 11, &NO_PROPOSAL_CHOSEN);
    let (verdict, reason) = verdict(&case, &mut script);
    assert_eq!(verdict, Verdict::Fail);
    assert!(reason.contains("the peer sent unprotected NO-PROPOSAL-CHOSEN"), "{reason}");
}

const EXPECT_2: &str = r#"{"expect": {"message": {"exchange": "main-mode", "number": 2}, "within_ms": 100 ON
    "assert": [{"field": "hash.data", "check": {"length": 4}}, {"field": "header.cky_r", "check": "non_zero"},
               {"field": "nonce", "check": "absent"}, {"field": "hash.length", "check": {"equals": 8}}]}}"#;

#[rstest]
#[case::as_it_must_be("", &HASH, Verdict::Pass)]
#[case::a_wrong_length("", &[0, 0, 0, 5, 1], Verdict::Fail)]
#[case::a_precondition(r#", "on_failure": "inconclusive""#, &[0, 0, 0, 5, 1], Verdict::Inconclusive)]
fn assertions_of_expect(#[case] on_failure: &str, #[case] body: &[u8], #[case] expected: Verdict) {
    let expect = EXPECT_2.replace(" ON", &format!("{on_failure},"));
    let case = case(&[START, &expect], &[r#"{"no_sa": {"of": "harness"}}"#]);
    let mut script = Script::of(&case);
    script.message(Side::Harness, MAIN, 1, 0, &[]).message(Side::Peer, MAIN, 2, 8, body).state(
        Side::Harness,
        0,
        0,
    );
    let judgement = judge(&case, &script.end(), &profile());
    assert_eq!(judgement.verdict, expected, "{}", judgement.reason);
    if expected == Verdict::Fail {
        let finding = &judgement.findings[0];
        assert_eq!((finding.datagram, finding.offset, finding.length), (Some(2), Some(32), Some(1)));
        insta::assert_snapshot!(judgement.reason, @"step 2 (expect): `hash.data` of main-mode message 2 is not as it must be: expected 4 bytes, got 01 (1 bytes); `hash.length` of main-mode message 2 is not as it must be: expected 8, got 5");
    }
}

/// A message whose one payload has this type and these bytes, and the condition that a check holds of it.
fn checked(payload: u8, body: &[u8], field: &str, check: &str) -> Verdict {
    let condition = format!(
        r#"{{"message": {{"message": {{"exchange": "main-mode", "number": 2}},
            "assert": [{{"field": "{field}", "check": {check}}}]}}}}"#
    );
    let case = case(&[START], &[&condition]);
    let length = u8::try_from(body.len() + 4).unwrap();
    let payload_2 = [&[0, 0, 0, length], body].concat();
    let mut script = Script::of(&case);
    script.message(Side::Harness, MAIN, 1, 8, &HASH).message(Side::Peer, MAIN, 2, payload, &payload_2);
    verdict(&case, &mut script).0
}

#[rstest]
#[case::less(&[1, 2, 3, 3], Verdict::Pass)]
#[case::just_as_much(&[1, 2, 3, 4], Verdict::Pass)]
#[case::one_more(&[1, 2, 3, 5], Verdict::Fail)]
#[case::a_shorter_field_is_a_smaller_number(&[9], Verdict::Pass)]
#[case::a_longer_field_with_zeros_in_front(&[0, 0, 0, 0, 1, 2, 3, 4], Verdict::Pass)]
#[case::a_longer_field_is_a_greater_number(&[1, 0, 0, 0, 0], Verdict::Fail)]
#[case::nine_bytes_are_no_number(&[0; 9], Verdict::Fail)]
#[case::no_bytes_are_no_number(&[], Verdict::Fail)]
fn at_most(#[case] data: &[u8], #[case] expected: Verdict) {
    assert_eq!(checked(8, data, "hash.data", r#"{"at_most": 16909060}"#), expected);
}

#[test]
fn at_most_holds_of_numbers_and_not_of_a_field_that_is_missing() {
    let hash = [1, 2, 3, 4];
    assert_eq!(checked(8, &hash, "hash.length", r#"{"at_most": 8}"#), Verdict::Pass);
    assert_eq!(checked(8, &hash, "hash.length", r#"{"at_most": 7}"#), Verdict::Fail);
    assert_eq!(checked(8, &hash, "nonce.data", r#"{"at_most": 99}"#), Verdict::Fail);
}

/// Message 1 has `HASH`, whose four bytes are 01020304.
const ONE_MORE: &str =
    r#"{"one_more_than": {"message": {"exchange": "main-mode", "number": 1}, "from": "harness"}}"#;

#[rstest]
#[case::one_more(&[1, 2, 3, 5], Verdict::Pass)]
#[case::the_same(&[1, 2, 3, 4], Verdict::Fail)]
#[case::one_less(&[1, 2, 3, 3], Verdict::Fail)]
#[case::two_more(&[1, 2, 3, 6], Verdict::Fail)]
#[case::one_more_in_a_longer_field(&[0, 1, 2, 3, 5], Verdict::Pass)]
#[case::nine_bytes_are_no_number(&[0, 0, 0, 0, 0, 1, 2, 3, 5], Verdict::Fail)]
#[case::no_bytes_are_no_number(&[], Verdict::Fail)]
fn one_more_than(#[case] data: &[u8], #[case] expected: Verdict) {
    assert_eq!(checked(8, data, "hash.data", ONE_MORE), expected);
}

#[rstest]
#[case::another_field(r#""field": "hash.length""#, &[9], Verdict::Pass)]
#[case::another_field_that_differs(r#""field": "hash.length""#, &[8], Verdict::Fail)]
#[case::a_field_that_is_missing(r#""field": "nonce.data""#, &[9], Verdict::Fail)]
#[case::eight_bytes(r#""field": "header.cky_i""#, &[7, 7, 7, 7, 7, 7, 7, 8], Verdict::Pass)]
#[case::eight_bytes_that_differ(r#""field": "header.cky_i""#, &[7; 8], Verdict::Fail)]
fn one_more_than_another_field(#[case] field: &str, #[case] data: &[u8], #[case] expected: Verdict) {
    let check = ONE_MORE.replace(r#""from": "harness""#, &format!(r#""from": "harness", {field}"#));
    assert_eq!(checked(8, data, "hash.data", &check), expected);
}

#[test]
fn one_more_than_a_message_that_was_never_sent_does_not_hold() {
    let check = ONE_MORE.replace(r#""number": 1"#, r#""number": 3"#);
    assert_eq!(checked(8, &[1, 2, 3, 5], "hash.data", &check), Verdict::Fail);
}

#[rstest]
#[case::all_of_it("afcad71368a1f1c96b8696fc77570100", 13, Verdict::Pass)]
#[case::its_beginning("afcad713", 13, Verdict::Pass)]
#[case::in_capitals("AFCAD713", 13, Verdict::Pass)]
#[case::its_end("77570100", 13, Verdict::Fail)]
#[case::more_than_it("afcad71368a1f1c96b8696fc7757010000", 13, Verdict::Fail)]
#[case::in_another_payload("afcad713", 8, Verdict::Fail)]
fn a_message_is_selected_by_a_vendor_id(
    #[case] wanted: &str,
    #[case] payload: u8,
    #[case] expected: Verdict,
) {
    let condition = format!(
        r#"{{"message": {{"message": {{"exchange": "main-mode", "number": 2, "contains": {{"vendor_id": "{wanted}"}}}}}}}}"#
    );
    let case = case(&[START], &[&condition]);
    // Another vendor ID stands in front of it.
    let dpd =
        [0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9, 0x6b, 0x86, 0x96, 0xfc, 0x77, 0x57, 0x01, 0x00];
    let payloads = [&[payload, 0, 0, 8, 1, 2, 3, 4, 0, 0, 0, 20][..], &dpd].concat();
    let mut script = Script::of(&case);
    script.message(Side::Harness, MAIN, 1, 8, &HASH).message(Side::Peer, MAIN, 2, 13, &payloads);
    assert_eq!(verdict(&case, &mut script).0, expected);
}

#[rstest]
#[case::by_level("", Verdict::Fail)]
#[case::a_precondition(r#", "on_failure": "inconclusive""#, Verdict::Inconclusive)]
fn a_message_that_does_not_come(#[case] on_failure: &str, #[case] expected: Verdict) {
    let expect = EXPECT_2.replace(" ON", &format!("{on_failure},"));
    let case = case(&[START, &expect], &[UP]);
    let mut script = Script::of(&case);
    script.message(Side::Harness, MAIN, 1, 0, &[]).unmet(1, "nothing came");
    let (verdict, reason) = verdict(&case, &mut script);
    assert_eq!(verdict, expected);
    assert_eq!(
        reason,
        "step 2 (expect): expected main-mode message 2 from the peer within 100 ms; nothing came"
    );
}

#[test]
fn a_peer_that_cannot_be_told_to_act_is_inconclusive() {
    let case = case(&[START, r#"{"rekey": {"sa": "ipsec", "by": "peer"}}"#], &[UP]);
    let mut script = Script::of(&case);
    script.message(Side::Harness, MAIN, 1, 0, &[]).unmet(1, "no SA");
    assert_eq!(verdict(&case, &mut script).0, Verdict::Inconclusive);
}

#[test]
fn a_differing_value_fails_and_is_named_with_both_values() {
    let case = case(&[START], &[UP]);
    let mut script = Script::of(&case);
    until_4(&mut script);
    script.value(Side::Harness, "SKEYID_d", "aa").value(Side::Peer, "SKEYID_d", "ab");
    script.value(Side::Harness, "private exponent", "01").value(Side::Peer, "private exponent", "02");
    script.unmet(0, "no SA");
    let judgement = judge(&case, &script.end(), &profile());
    assert_eq!(judgement.verdict, Verdict::Fail);
    insta::assert_snapshot!(judgement.reason, @"SKEYID_d differs in phase 1 of the ISAKMP SA with CKY-I 0707070707070707: aa here, ab at the peer");
    assert_eq!(judgement.findings.len(), 1);
    assert_eq!(judgement.findings[0].field.as_deref(), Some("SKEYID_d"));
}

#[rstest]
#[case::no_message(r#"{"no_message": {"message": {"exchange": "main-mode", "number": 4}}}"#, Some(4))]
#[case::another_port(
    r#"{"port": {"message": {"exchange": "main-mode", "number": 4}, "port": "nat-t"}}"#,
    Some(4)
)]
#[case::a_message_that_did_not_come(
    r#"{"message": {"message": {"exchange": "main-mode", "number": 6}}}"#,
    None
)]
fn a_finding_about_a_message_that_came_names_its_packet_and_shows_something(
    #[case] condition: &str,
    #[case] datagram: Option<u64>,
) {
    let case = case(&[START], &[condition]);
    let mut script = Script::of(&case);
    until_4(&mut script);
    let judgement = judge(&case, &script.end(), &profile());
    assert_eq!(judgement.verdict, Verdict::Fail, "{}", judgement.reason);
    let [finding] = &judgement.findings[..] else { panic!("{:?}", judgement.findings) };
    assert_eq!((finding.datagram, judgement.shows_nothing()), (datagram, datagram.is_none()), "{finding:?}");
}

#[test]
fn values_with_several_instances_agree_when_one_side_saw_fewer() {
    let case = case(&[START], &[r#"{"values_agree": {"labels": ["next IV"]}}"#]);
    let mut profile = profile();
    profile.capabilities.insert(Capability::DerivedValues);
    let run = |peer: &[&str]| {
        let mut script = Script::of(&case);
        script.message(Side::Harness, MAIN, 1, 0, &[]);
        for hex in ["01", "02", "03"] {
            script.value(Side::Harness, "next IV", hex);
        }
        for hex in peer {
            script.value(Side::Peer, "next IV", hex);
        }
        judge(&case, &script.end(), &profile).verdict
    };
    assert_eq!(run(&["01", "02"]), Verdict::Pass);
    assert_eq!(run(&["01", "09"]), Verdict::Fail);
    assert_eq!(run(&[]), Verdict::Inconclusive);
}

#[test]
fn exchanges_retransmissions_traffic_and_contents_are_counted() {
    let conditions = r#"{"exchanges": {"exchange": "quick-mode", "count": {"exactly": 1}}},
        {"retransmitted": {"message": {"exchange": "quick-mode", "number": 2}, "times": {"at_least": 1}}},
        {"traffic_replies": {"exactly": 3}},
        {"no_message": {"message": {"exchange": "main-mode", "number": 6}}},
        {"message": {"message": {"exchange": "informational", "contains": {"notify": "NO-PROPOSAL-CHOSEN"}},
            "assert": [{"field": "notification.type", "check": {"named": "NO-PROPOSAL-CHOSEN"}},
                       {"field": "header.cky_i", "check": {"same_as": {"from": "harness",
                            "message": {"exchange": "quick-mode", "number": 1}}}}]}}"#;
    let case = case(&[START], &[conditions]);
    let run = |copies: u32| {
        let mut script = Script::of(&case);
        script.message(Side::Harness, QUICK, 1, 0, &[]);
        for copy in 1..=copies {
            script.sent(Side::Peer, QUICK, 2, 0, &[], |d| {
                d.message = d.message.map(|m| MessageName { copy, ..m })
            });
        }
        // Copies made by a rule are not the peer's.
        script.sent(Side::Peer, QUICK, 2, 0, &[], |d| {
            d.message = d.message.map(|m| MessageName { copy: 9, ..m });
            d.fault = Some(Fault::Duplicate { of: 2 });
        });
        script.message(Side::Peer, INFORMATIONAL, 1, 8, &HASH);
        script.sent(Side::Peer, INFORMATIONAL, 1, 11, &NO_PROPOSAL_CHOSEN, |d| {
            d.message = d.message.map(|m| MessageName { occurrence: 2, ..m });
        });
        script.event(Event::Traffic { step: 0, sent: 3, replied: 3, spi_out: 1, detail: String::new() });
        verdict(&case, &mut script)
    };
    assert_eq!(run(2).0, Verdict::Pass, "{}", run(2).1);
    let (verdict, reason) = run(1);
    assert_eq!(verdict, Verdict::Fail);
    insta::assert_snapshot!(reason, @"quick-mode message 2 was sent again 0 times. Expected: it is so");
}

#[rstest]
#[case::as_many(&[true, true], Verdict::Pass)]
#[case::one_less(&[true], Verdict::Fail)]
#[case::one_more_through_the_isakmp_port(&[true, true, false], Verdict::Fail)]
fn keep_alives_come_through_the_port_of_nat_traversal_alone(
    #[case] ports: &[bool],
    #[case] expected: Verdict,
) {
    let case = case(&[START], &[r#"{"keep_alives": {"count": {"exactly": 2}}}"#]);
    let mut script = Script::of(&case);
    for nat_t in ports {
        script.sent(Side::Peer, INFORMATIONAL, 1, 0, &[], |d| {
            (d.message, d.nat_t, d.hex) = (None, *nat_t, "ff".to_owned());
        });
    }
    assert_eq!(verdict(&case, &mut script).0, expected);
}

#[rstest]
#[case::isakmp(false, Verdict::Fail)]
#[case::nat_traversal(true, Verdict::Pass)]
fn the_port_of_a_message_is_that_of_its_first_copy(#[case] nat_t: bool, #[case] expected: Verdict) {
    let condition = r#"{"port": {"message": {"exchange": "main-mode", "number": 6}, "port": "nat-t"}}"#;
    let case = case(&[START], &[condition]);
    let mut script = Script::of(&case);
    script.sent(Side::Peer, MAIN, 6, 0, &[], |d| {
        d.nat_t = nat_t;
        d.hex.insert_str(0, if nat_t { "00000000" } else { "" });
    });
    assert_eq!(verdict(&case, &mut script).0, expected);
}

#[test]
fn judging_the_same_files_again_gives_the_same_judgement() {
    let case = case(&[EDIT_5, START], &[SILENT_AFTER_5]);
    let mut script = Script::of(&case);
    until_4(&mut script);
    edited_5(&mut script, 0, true);
    let records = script.later(1000).end();
    let mut text = Vec::new();
    crate::transcript::write(&records, &mut text).unwrap();
    let read = crate::transcript::parse(core::str::from_utf8(&text).unwrap(), "t.jsonl".as_ref()).unwrap();
    assert_eq!(read, records);
    let case_again: Case = serde_json::from_str(&serde_json::to_string(&case).unwrap()).unwrap();
    assert_eq!(judge(&case_again, &read, &profile()), judge(&case, &records, &profile()));
}

#[test]
fn a_line_that_is_no_record_is_named() {
    let error =
        crate::transcript::parse("{\"at_ms\":1,\"event\":\"end\"}\n{}\n", "t.jsonl".as_ref()).unwrap_err();
    assert!(error.to_string().starts_with("t.jsonl:2: not a transcript record: missing field"), "{error}");
}
