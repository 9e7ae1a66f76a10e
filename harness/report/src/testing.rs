//! Reports for the tests of this crate.

use std::collections::BTreeMap;

use ikev1_scenario::Verdict;
use ikev1_scenario::judge::Sight;
use ikev1_scenario::model::{Level, Role};

use crate::discovery::{DiscoveryResult, ProbeResult, StaleEntry};
use crate::event::{Builder, RunEvent};
use crate::model::{CaseResult, Finding, PeerInfo, Report, RunInfo, Sanity};

/// Text that a peer may send to do harm.
pub(crate) fn hostile_texts() -> Vec<String> {
    vec![
        "\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7}".to_owned(),
        "nul \0 bell \u{7} backspace \u{8}\u{8}\u{8} c1 \u{9b}2J del \u{7f}".to_owned(),
        "<script>alert(1)</script> ]]> &amp; <!-- \"'".to_owned(),
        "bidi \u{202e}fdp.exe zero\u{200b}width \u{fffe}\u{ffff} \u{2028}".to_owned(),
        "line\r\n::error file=x::y\n##[add-mask]m ##vso[task.complete] ##teamcity[x]".to_owned(),
        "::warning::first ]]></failure><failure> <?xml?> &#27; %0A".to_owned(),
        "[link](javascript:alert(1)) ![i](https://x) `code` **b** | cell | <img src=x onerror=alert(1)>\n# h"
            .to_owned(),
        "\\\" \\u001b \\' \u{fe0f}\u{3164}\u{e0041} \u{2066}".to_owned(),
        String::from_utf8_lossy(b"invalid \xff\xfe UTF-8").into_owned(),
        "A\u{1b}".repeat(30_000),
    ]
}

/// One case of peer `self`.
pub(crate) fn case(id: &str, verdict: Verdict) -> CaseResult {
    CaseResult {
        id: id.to_owned(),
        peer: "self".to_owned(),
        role: Role::Initiator,
        level: Level::Must,
        verdict,
        expected: !verdict.is_unexpected(false),
        waived: None,
        description: "What the case is about.".to_owned(),
        requirements: vec!["RFC2409-5.4-01".to_owned()],
        parameters: BTreeMap::new(),
        duration_ms: 3,
        reason: "HASH_I accepted although it was corrupted".to_owned(),
        findings: vec![Finding { what: "no notify".to_owned(), packet: Some(6), ..Finding::default() }],
        notes: vec!["9 derived values are the same on both sides".to_owned()],
        changes: Vec::new(),
        artefacts: BTreeMap::from([(
            "transcript".to_owned(),
            format!("self/{id}/initiator/transcript.jsonl"),
        )]),
        rerun: format!("cargo xtask conform {id} --role initiator --seed 7"),
    }
}

/// A run of peer `self` with these cases.
pub(crate) fn report<const N: usize>(cases: [(&str, Verdict); N]) -> Report {
    let mut builder = Builder::default();
    for event in events(cases.map(|(id, verdict)| case(id, verdict)).to_vec()) {
        builder.event(&event);
    }
    builder.report()
}

/// The events of a run of peer `self` with these cases.
pub(crate) fn events(cases: Vec<CaseResult>) -> Vec<RunEvent> {
    let run = RunInfo {
        id: "2026-11-23T10-00-00Z".to_owned(),
        started: "2026-11-23T10:00:00Z".to_owned(),
        seed: 7,
        command: "cargo xtask conform".to_owned(),
        version: "0.1.0".to_owned(),
        planned: cases.len(),
        ..RunInfo::default()
    };
    let peer = PeerInfo { name: "self".to_owned(), version: "ikev1 0.1.0".to_owned(), ..PeerInfo::default() };
    let sanity = |when: &str| RunEvent::SanityFinished {
        peer: "self".to_owned(),
        sanity: Sanity { when: when.to_owned(), verdict: Verdict::Pass, reason: "established".to_owned() },
    };
    let mut events = vec![
        RunEvent::RunStarted { run },
        RunEvent::PeerStarted { peer, planned: cases.len() },
        sanity("first"),
    ];
    for case in cases {
        events.push(RunEvent::CaseStarted { peer: case.peer.clone(), id: case.id.clone(), role: case.role });
        events.push(RunEvent::CaseFinished(Box::new(case)));
    }
    events.extend([sanity("last"), RunEvent::RunFinished { duration_ms: 1234, waivers: vec![] }]);
    events
}

/// Gives a case of a report another verdict.
pub(crate) fn set(report: &mut Report, index: usize, verdict: Verdict) {
    report.cases[index].verdict = verdict;
    report.cases[index].expected = !verdict.is_unexpected(report.run.strict);
    report.summary = report.cases.iter().map(|case| case.verdict).collect();
}

/// One probe of peer `self`, with or without an entry that it makes stale.
pub(crate) fn discovery(sight: Sight, stale: bool) -> DiscoveryResult {
    let probe = ProbeResult {
        id: "probe/phase-1-cipher/des".to_owned(),
        peer: "self".to_owned(),
        area: "phase 1 cipher".to_owned(),
        name: "des".to_owned(),
        sight,
        evidence: "main-mode message 2".to_owned(),
        packet: Some(2),
        capabilities: vec!["des".to_owned()],
        said_missing: stale.then(|| "no keyword".to_owned()),
        duration_ms: 1,
        artefacts: BTreeMap::new(),
        rerun: "cargo xtask discover probe/phase-1-cipher/des --seed 7".to_owned(),
    };
    let entry = StaleEntry {
        capability: "des".to_owned(),
        file: "docker/self/peer.toml".to_owned(),
        reason: "no keyword".to_owned(),
        probe: probe.id.clone(),
        evidence: probe.evidence.clone(),
        packet: probe.packet,
    };
    DiscoveryResult {
        peer: "self".to_owned(),
        version: "1".to_owned(),
        probes: vec![probe],
        vendor_ids: Vec::new(),
        stale: if stale { vec![entry] } else { Vec::new() },
    }
}
