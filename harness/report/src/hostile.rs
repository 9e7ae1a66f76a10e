//! Every report with hostile text in every place that holds text: read by a real parser, it is what it would be with
//! harmless text, apart from that text.

use std::collections::BTreeMap;

use ikev1_scenario::Verdict;
use ikev1_scenario::judge::Sight;
use rstest::rstest;
use serde_json::Value;

use crate::model::{CellResult, Change, Finding, MatrixResult, Report, VectorsResult, Waived, WaiverProblem};
use crate::term::{Progress, Terminal, summary};
use crate::text::is_hidden;
use crate::{RunEvent, Sources, badge, github, html, json, junit, markdown, sarif, testing};

/// A report that has something in each of its parts.
pub(crate) fn full() -> Report {
    let mut report = testing::report([
        ("rfc2409/5.4-psk/a", Verdict::Pass),
        ("rfc2409/5.4-psk/b", Verdict::Fail),
        ("rfc2409/5.5-quick-mode/c", Verdict::Fail),
        ("rfc2409/5.5-quick-mode/d", Verdict::Error),
        ("rfc2409/5.5-quick-mode/e", Verdict::Warn),
    ]);
    let some = || "text".to_owned();
    report.cases[1].findings[0] = Finding {
        requirements: vec![some()],
        what: some(),
        packet: Some(6),
        field: Some(some()),
        offset: Some(4),
        expected: Some(some()),
        got: Some(some()),
    };
    report.cases[1].changes = vec![Change {
        packet: 5,
        message: some(),
        field: some(),
        offset: 4,
        was: Some(some()),
        is: Some(some()),
    }];
    report.cases[2].expected = true;
    report.cases[2].waived = Some(Waived { reason: some(), clause: some(), link: some() });
    report.peers[0].capabilities = vec![some()];
    report.peers[0].kernel = Some(some());
    report.peers[0].sanity[1].verdict = Verdict::Fail;
    report.run.errors = vec![some()];
    report.waivers = vec![WaiverProblem { file: some(), case: some(), problem: some() }];
    report.vectors =
        Some(VectorsResult { providers: vec![some()], failures: vec![some()], ..VectorsResult::default() });
    report.discovery =
        vec![testing::discovery(Sight::Accepted, true), testing::discovery(Sight::Died, false)];
    let cell = |verdict: Verdict| CellResult {
        initiator: some(),
        responder: some(),
        combination: some(),
        verdict,
        expected: verdict == Verdict::Pass,
        duration_ms: 1,
        reason: some(),
        findings: report.cases[1].findings.clone(),
        notes: vec![some()],
        artefacts: BTreeMap::from([("capture".to_owned(), some())]),
        rerun: some(),
    };
    let cells = vec![cell(Verdict::Pass), cell(Verdict::Fail), cell(Verdict::Unsupported)];
    report.matrix = Some(MatrixResult {
        peers: vec![some(), "another".to_owned()],
        combinations: vec![some()],
        summary: cells.iter().map(|cell| cell.verdict).collect(),
        cells,
    });
    report
}

/// [`full`] with `text` in the place of every string that may be any text, and how many there are.
///
/// Where a report says which peer or which pair something belongs to, one text stands in all places.
fn with(text: &str) -> (Report, usize) {
    let mut value = serde_json::to_value(full()).unwrap();
    let mut replaced = 0;
    for path in strings(&value, String::new()) {
        let place = value.pointer_mut(&path).unwrap();
        let before = std::mem::replace(place, Value::String(text.to_owned()));
        if serde_json::from_value::<Report>(value.clone()).is_ok() {
            replaced += 1;
        } else {
            // A verdict, a role or a level: no text.
            *value.pointer_mut(&path).unwrap() = before;
        }
    }
    (serde_json::from_value(value).unwrap(), replaced)
}

/// The JSON pointers of all strings.
fn strings(value: &Value, path: String) -> Vec<String> {
    match value {
        Value::String(_) => vec![path],
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(n, item)| strings(item, format!("{path}/{n}"))).collect()
        }
        Value::Object(members) => {
            members.iter().flat_map(|(key, item)| strings(item, format!("{path}/{key}"))).collect()
        }
        _ => Vec::new(),
    }
}

/// A scenario file whose name is the case's ID.
const SOURCES: Sources<'_> = Sources { clauses: &[], file: &|id| Some(id.to_owned()) };

/// The events that tell of a report.
fn events(report: &Report) -> Vec<RunEvent> {
    let text = &report.run.command;
    let mut events = vec![
        RunEvent::RunStarted { run: report.run.clone() },
        RunEvent::PeerStarted { peer: report.peers[0].clone(), planned: 1 },
        RunEvent::Fault { text: text.clone() },
        RunEvent::Note { text: text.clone() },
    ];
    let sanity = report.peers[0].sanity.iter().cloned();
    events.extend(sanity.map(|sanity| RunEvent::SanityFinished { peer: text.clone(), sanity }));
    for case in &report.cases {
        events.push(RunEvent::CaseStarted { peer: text.clone(), id: text.clone(), role: case.role });
        events.push(RunEvent::CaseFinished(Box::new(case.clone())));
    }
    events.extend(report.cells().map(|cell| RunEvent::CellFinished(Box::new(cell.clone()))));
    events.extend(report.probes().map(|probe| RunEvent::ProbeFinished(Box::new(probe.clone()))));
    events.extend(report.vectors.clone().map(RunEvent::VectorsFinished));
    events
}

/// What is read from a document: everything but the text, which is hostile in one and harmless in the other.
type Shape = Vec<String>;

fn of_json(document: &str) -> Shape {
    fn keys(value: &Value, out: &mut Shape) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| keys(item, out)),
            Value::Object(members) => members.iter().for_each(|(key, item)| {
                out.push(key.clone());
                keys(item, out);
            }),
            _ => {}
        }
    }
    let mut shape = Vec::new();
    keys(&serde_json::from_str(document).unwrap(), &mut shape);
    shape
}

fn of_xml(document: &str) -> Shape {
    let document = roxmltree::Document::parse(document).unwrap();
    let shown = |node: roxmltree::Node<'_, '_>| {
        assert!(!node.is_comment() && !node.is_pi(), "{node:?}");
        let names: Vec<_> = node.attributes().map(|attribute| attribute.name()).collect();
        format!("{} {}", node.tag_name().name(), names.join(" "))
    };
    document.root().descendants().filter(|node| !node.is_text()).map(shown).collect()
}

fn of_html(document: &str) -> Shape {
    html::tests::shape(document)
}

/// Workflow commands as GitHub's runner reads them.
fn of_commands(document: &str) -> Shape {
    let command = |line: &str| {
        assert!(!line.contains("##"), "a command of the old form: {line:.200}");
        let (head, _) = line.strip_prefix("::").and_then(|rest| rest.split_once("::")).unwrap();
        let (name, properties) = head.split_once(' ').unwrap();
        let keys: Vec<_> = properties.split(',').map(|pair| pair.split_once('=').unwrap().0).collect();
        format!("{name} {}", keys.join(" "))
    };
    document.lines().map(command).collect()
}

fn of_markdown(document: &str) -> Shape {
    use pulldown_cmark::{Event, Options, Parser};

    let mut shape = Vec::new();
    for event in Parser::new_ext(document, Options::all()) {
        match event {
            Event::Text(_) => {}
            Event::Code(_) => shape.push("code".to_owned()),
            Event::Start(tag) => {
                let tag = format!("{tag:?}");
                assert!(!tag.starts_with("Link") && !tag.starts_with("Image"), "{tag}");
                shape.push(tag);
            }
            Event::End(tag) => shape.push(format!("end of {tag:?}")),
            other => panic!("{other:?}"),
        }
    }
    shape
}

/// Lines of a terminal or of a log.
fn of_lines(document: &str) -> Shape {
    for line in document.lines() {
        assert!(!line.contains("##") && !line.trim_start().starts_with("::"), "a command: {line:.200}");
        assert!(line.chars().count() < 20_000, "a line of {} characters", line.chars().count());
    }
    // A line end within a text would have let a command begin a line: the texts have some behind line ends.
    Vec::new()
}

fn progress(report: &Report) -> String {
    let mut out = Vec::new();
    let mut terminal = Terminal::new(&mut out, Progress::Plain, false);
    events(report).iter().for_each(|event| terminal.event(event));
    drop(terminal);
    String::from_utf8(out).unwrap()
}

#[rstest]
#[case::report_json(json::render, of_json)]
#[case::junit(|report: &Report| junit::render(report, &SOURCES).unwrap(), of_xml)]
#[case::sarif(|report: &Report| sarif::render(report, &SOURCES), of_json)]
#[case::github(|report: &Report| github::annotations(report, &SOURCES), of_commands)]
#[case::markdown(markdown::render, of_markdown)]
#[case::badge(badge::render, of_json)]
#[case::html_index(|report: &Report| html::index(report, &[]), of_html)]
#[case::terminal_progress(progress, of_lines)]
#[case::terminal_last_page(|report: &Report| summary(report, &report.run.command, false), of_lines)]
fn hostile_text_is_text_and_nothing_else_in(
    #[case] render: fn(&Report) -> String,
    #[case] shape: fn(&str) -> Shape,
) {
    // Where the name of a file has a folder there may be a page.
    let harmless = ["harmless", "harm/less"].map(|text| shape(&render(&with(text).0)));
    for hostile in testing::hostile_texts() {
        let (report, replaced) = with(&hostile);
        assert!(replaced > 90, "only {replaced} texts of a report were made hostile");
        let document = render(&report);
        let acts = document.chars().find(|c| is_hidden(*c) && *c != '\n');
        assert_eq!(acts, None, "in {document:.300}");
        // A hundred texts of 60,000 characters, half of them escaped, would be twenty megabytes.
        assert!(document.len() < 5_000_000, "{} bytes", document.len());
        let shape = shape(&document);
        let harmless = &harmless[usize::from(hostile.contains('/'))];
        let differs = shape.iter().zip(harmless).position(|(one, other)| one != other);
        let around = differs.map(|at| &shape[at.saturating_sub(3)..(at + 4).min(shape.len())]);
        assert_eq!((around, shape.len()), (None, harmless.len()), "with {hostile:.60}");
    }
}
