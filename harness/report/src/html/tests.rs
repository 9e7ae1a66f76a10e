//! Pages as a browser reads them, with harmless and with hostile text.

use html5ever::tendril::TendrilSink as _;
use html5ever::{ParseOpts, parse_document};
use ikev1_scenario::Verdict;
use ikev1_scenario::judge::Sight;
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use rstest::rstest;

use super::*;
use crate::capture::{
    CAPTURE_SCHEMA, CaptureCounts, CaptureFinding, CaptureReport, CapturedMessage, Conversation,
    IsakmpSaSeen, Look, Rung,
};
use crate::model::{Change, Report, Waived};
use crate::testing;

/// An element as a browser sees it: its name, its attributes and its own text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
}

impl Element {
    fn attribute(&self, wanted: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }
}

/// The elements of a page; fails where the page is not well formed.
fn parse(page: &str) -> Vec<Element> {
    let dom = parse_document(RcDom::default(), ParseOpts::default()).one(page);
    assert!(dom.errors.borrow().is_empty(), "{:?}", dom.errors.borrow());
    let mut elements = Vec::new();
    collect(&dom.document, &mut elements);
    elements
}

/// The elements of a page with the names of their attributes.
pub(crate) fn shape(page: &str) -> Vec<String> {
    let names = |e: &Element| e.attributes.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>().join(" ");
    parse(page).iter().map(|e| format!("{} {}", e.name, names(e))).collect()
}

fn collect(node: &Handle, elements: &mut Vec<Element>) {
    if let NodeData::Element { name, attrs, .. } = &node.data {
        let children = node.children.borrow();
        let text = children.iter().filter_map(|child| match &child.data {
            NodeData::Text { contents } => Some(contents.borrow().to_string()),
            _ => None,
        });
        let attributes = attrs.borrow();
        elements.push(Element {
            name: name.local.to_string(),
            attributes: attributes.iter().map(|a| (a.name.local.to_string(), a.value.to_string())).collect(),
            text: text.collect(),
        });
    }
    for child in node.children.borrow().iter() {
        collect(child, elements);
    }
}

/// A page without what every page has.
fn body(page: &str) -> String {
    let from = page.find("<header>").unwrap();
    let to = page.find("<script").unwrap();
    page[from..to].replace("><", ">\n<")
}

/// A report in which `text` stands wherever a peer's or a user's text may.
fn report(text: &str) -> Report {
    let mut report = testing::report([
        ("rfc2409/5.4-psk/a", Verdict::Pass),
        ("rfc2409/5.4-psk/b", Verdict::Fail),
        ("rfc2409/5.5-quick-mode/c", Verdict::Fail),
        ("rfc2409/5.5-quick-mode/d", Verdict::Unsupported),
    ]);
    report.cases[3].artefacts.clear();
    report.cases[2].expected = true;
    report.cases[2].waived =
        Some(Waived { reason: text.to_owned(), clause: "RFC2409-5.5-01".to_owned(), link: text.to_owned() });
    for case in &mut report.cases {
        case.reason = text.to_owned();
        case.description = text.to_owned();
        case.notes = vec![text.to_owned()];
        case.findings[0].what = text.to_owned();
        case.findings[0].got = Some(text.to_owned());
        case.rerun = text.to_owned();
        case.changes = vec![Change {
            packet: 6,
            message: text.to_owned(),
            field: text.to_owned(),
            offset: 20,
            was: None,
            is: Some(text.to_owned()),
        }];
    }
    report.run.command = text.to_owned();
    report.run.errors.push(text.to_owned());
    report.peers[0].version = text.to_owned();
    let mut found = testing::discovery(Sight::Accepted, true);
    found.probes[0].evidence = text.to_owned();
    found.version = text.to_owned();
    report.discovery = vec![found];
    report
}

fn register(text: &str) -> Vec<ClauseEntry> {
    vec![ClauseEntry {
        id: "RFC2409-5.4-01".to_owned(),
        document: "RFC2409".to_owned(),
        section: "5.4".to_owned(),
        level: "must".to_owned(),
        summary: text.to_owned(),
        untestable: text.to_owned(),
    }]
}

fn evidence(text: &str) -> Evidence {
    let field = |path: &str, offset, len, depth, marked| Field {
        path: path.to_owned(),
        value: text.to_owned(),
        offset,
        len,
        depth,
        marked,
        changed: false,
    };
    let message = Message {
        number: 6,
        name: "main-mode message 6".to_owned(),
        content: text.to_owned(),
        delivered: true,
        fault: Some(text.to_owned()),
        form: "decrypted".to_owned(),
        bytes: b"<script>alert(1)</script>".to_vec(),
        fields: vec![
            field("hash", 0, 8, 0, false),
            Field { changed: true, ..field("hash.length", 2, 2, 1, false) },
            field("hash.data", 4, 4, 1, true),
        ],
        remarks: vec![text.to_owned()],
        ..Message::default()
    };
    let event = Note::Event { whose: Whose::Peer, text: text.to_owned(), bad: true };
    let condition = ConditionState { text: text.to_owned(), state: State::Fails, observed: text.to_owned() };
    Evidence {
        ladder: vec![Entry { at_ms: 7, note: event }, Entry { at_ms: 1_012, note: Note::Message(0) }],
        messages: vec![message],
        steps: vec![StepState {
            text: text.to_owned(),
            checks: vec![text.to_owned()],
            state: State::Fails,
            observed: text.to_owned(),
        }],
        accepted: vec![Acceptance {
            verdict: Verdict::Pass,
            because: text.to_owned(),
            conditions: vec![condition],
        }],
        values: vec![Value {
            of: "phase 1".to_owned(),
            name: text.to_owned(),
            harness: vec!["00ff".to_owned()],
            peer: vec!["00fe".to_owned()],
            differs: true,
        }],
        log: format!("{text}\nsecond line\n"),
        log_left_out: 3,
    }
}

fn case(text: &str, kept: bool) -> String {
    let report = report(text);
    let clause = Clause { id: "RFC2409-5.4-01".to_owned(), summary: text.to_owned(), ..Clause::default() };
    let evidence = evidence(text);
    case_page(&CasePage {
        result: &report.cases[1],
        run: &report.run,
        peer_version: text,
        clauses: &[clause],
        evidence: if kept { Ok(&evidence) } else { Err(text) },
    })
}

/// The page of a capture with this text wherever a peer's or a user's may be.
fn capture(text: &str) -> String {
    let message = |packet, retransmission_of| CapturedMessage {
        packet,
        from: "192.0.2.1:500".to_owned(),
        to: "192.0.2.2:500".to_owned(),
        from_left: true,
        name: text.to_owned(),
        content: text.to_owned(),
        form: "decrypted".to_owned(),
        retransmission_of,
        remarks: vec![text.to_owned()],
        fields: vec![Field { path: text.to_owned(), value: text.to_owned(), len: 4, ..Field::default() }],
        bytes: b"<script>alert(1)</script>".to_vec(),
        ..CapturedMessage::default()
    };
    let report = CaptureReport {
        schema: CAPTURE_SCHEMA,
        file: text.to_owned(),
        format: "pcap, RAW".to_owned(),
        counts: CaptureCounts { packets: 2, ikev1: 2, retransmissions: 1, ..CaptureCounts::default() },
        duration_us: 1_500_000,
        conversations: vec![Conversation {
            left: "192.0.2.1".to_owned(),
            right: "192.0.2.2".to_owned(),
            ladder: vec![
                Rung::Message { index: 0 },
                Rung::Other { at_us: 1_000, text: text.to_owned() },
                Rung::Message { index: 1 },
            ],
            messages: vec![message(1, None), message(3, Some(1))],
        }],
        isakmp_sas: vec![IsakmpSaSeen {
            cky_i: "00".repeat(8),
            cky_r: "11".repeat(8),
            chosen: Some(text.to_owned()),
            key: text.to_owned(),
            pre_shared_key: vec![text.to_owned()],
            ..IsakmpSaSeen::default()
        }],
        findings: vec![CaptureFinding {
            verdict: Verdict::Fail,
            clause: "RFC2409-5-07".to_owned(),
            packet: 1,
            from: "192.0.2.1".to_owned(),
            what: text.to_owned(),
            field: Some(text.to_owned()),
        }],
        notes: vec![text.to_owned()],
    };
    let look = Look { width: 90, colour: false, fields: true };
    let shown = crate::capture::text(&report, look);
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    let clause = Clause { id: "RFC2409-5-07".to_owned(), summary: text.to_owned(), ..Clause::default() };
    capture_page(&report, &[clause])
}

#[rstest]
#[case::index(|text: &str| index(&report(text), &register(text)))]
#[case::case_page(|text: &str| case(text, true))]
#[case::case_whose_files_are_gone(|text: &str| case(text, false))]
#[case::capture(capture)]
fn hostile_text_is_text_and_nothing_else(#[case] page: fn(&str) -> String) {
    let harmless = shape(&page("harmless"));
    for hostile in testing::hostile_texts() {
        let page = page(&hostile);
        assert_eq!(shape(&page), harmless, "the structure is as it was");
        assert!(!page.chars().any(|c| c.is_control() && c != '\n'), "control character");
        assert!(page.len() < 250_000, "{} bytes", page.len());
        for element in parse(&page) {
            let links = element.attribute("href").into_iter();
            assert!(links.clone().all(|link| link.starts_with(['#', '.'])), "{element:?}");
        }
    }
}

#[rstest]
#[case::index(index(&report("text"), &register("text")))]
#[case::case_page(case("text", true))]
#[case::capture(capture("text"))]
fn only_our_style_and_script_may_act(#[case] page: String) {
    use base64ct::Encoding as _;
    use sha2::Digest as _;

    let elements = parse(&page);
    let policy = elements.iter().find(|e| e.attribute("http-equiv") == Some("Content-Security-Policy"));
    let policy = policy.and_then(|e| e.attribute("content")).unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let acts = |e: &&Element| e.name == "style" || (e.name == "script" && e.attribute("type").is_none());
    let inline: Vec<_> = elements.iter().filter(acts).collect();
    assert_eq!(inline.len(), 2, "one style and one script");
    for element in inline {
        let hash = base64ct::Base64::encode_string(&sha2::Sha256::digest(&element.text));
        assert!(policy.contains(&format!("{}-src 'sha256-{hash}'", element.name)), "{policy}");
    }
    for element in &elements {
        let acts = |name: &str| name.starts_with("on") || name == "style" || name == "src";
        assert!(!element.attributes.iter().any(|(name, _)| acts(name)), "{element:?}");
    }
}

#[rstest]
#[case::index(index(&report("text"), &register("text")))]
#[case::case_page(case("text", true))]
#[case::capture(capture("text"))]
fn every_reference_has_its_target_and_every_id_is_there_once(#[case] page: String) {
    let elements = parse(&page);
    let mut ids: Vec<&str> = elements.iter().filter_map(|e| e.attribute("id")).collect();
    let refers = |e: &Element| e.attribute("href").and_then(|link| link.strip_prefix('#')).map(str::to_owned);
    for target in elements.iter().filter_map(refers).filter(|target| !target.contains('=')) {
        assert!(ids.contains(&target.as_str()), "#{target}");
    }
    for label in elements.iter().filter_map(|e| e.attribute("aria-labelledby")) {
        assert!(ids.contains(&label), "{label}");
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn what_is_unexpected_comes_first_and_a_verdict_is_never_a_colour_alone() {
    let report =
        testing::report([("rfc2409/5.4-psk/a", Verdict::Pass), ("rfc2409/5.4-psk/b", Verdict::Fail)]);
    let page = index(&report, &register("The responder sends HASH_R."));
    let [banner, unexpected, matrix] =
        ["✗ unexpected", "id=\"unexpected\"", "id=\"matrix\""].map(|part| page.find(part).unwrap());
    assert!(banner < unexpected && unexpected < matrix);
    let shown = body(&page);
    let from = shown.find("<section id=\"unexpected\"").unwrap();
    let to = shown.find("<section id=\"results\"").unwrap();
    insta::assert_snapshot!(&shown[from..to]);
}

#[test]
fn the_banner_leads_to_the_known_failures() {
    let links = |report: &Report| -> Vec<String> {
        let known = |element: &Element| element.attribute("href") == Some("#known");
        parse(&index(report, &register("text"))).into_iter().filter(known).map(|link| link.text).collect()
    };
    let mut report = report("text");
    assert!(links(&report).contains(&"1 known failure".to_owned()), "{:?}", links(&report));
    report.cases[2].waived = None;
    assert_eq!(links(&report), [""; 0]);
}

#[test]
fn a_case_page_shows_ladder_octets_and_outcomes() {
    insta::assert_snapshot!(body(&case("text", true)));
}

#[test]
fn data_of_the_script_is_json_of_what_the_report_has() {
    let page = index(&report("</script><script>alert(1)</script>\u{2028}"), &register("s"));
    let elements = parse(&page);
    let data = elements.iter().find(|e| e.attribute("id") == Some("data")).unwrap();
    let data: serde_json::Value = serde_json::from_str(&data.text).unwrap();
    assert_eq!(data["cases"].as_array().unwrap().len(), 4);
    assert_eq!(data["cases"][1][12], "./self/rfc2409/5.4-psk/b/initiator/index.html");
    assert_eq!(data["cases"][3][12], serde_json::Value::Null, "what was not played has no page");
    assert_eq!(data["clauses"][0][1], "RFC 2409, section 5.4");
    assert_eq!(data["texts"][0], "</script><script>alert(1)</script>\\u{2028}");
}

#[rstest]
#[case::passed_in_a_small_run(Verdict::Pass, 1, true)]
#[case::passed_in_a_large_run(Verdict::Pass, CASES_WITH_ALL_PAGES_MAX + 1, false)]
#[case::failed_in_a_large_run(Verdict::Fail, CASES_WITH_ALL_PAGES_MAX + 1, true)]
#[case::info_in_a_large_run(Verdict::Info, CASES_WITH_ALL_PAGES_MAX + 1, true)]
fn cases_that_passed_have_pages_in_small_runs_alone(
    #[case] verdict: Verdict,
    #[case] cases: usize,
    #[case] page: bool,
) {
    let mut case = testing::case("rfc2409/5.4-psk/a", verdict);
    let folder = "self/rfc2409/5.4-psk/a/initiator";
    case.artefacts.insert("transcript".to_owned(), format!("{folder}/transcript.jsonl"));
    let report = Report { cases: vec![case.clone(); cases], ..testing::report([]) };
    assert_eq!(has_page(&case, &report), page);
    assert_eq!(index(&report, &[]).contains(&format!("{folder}/index.html")), page);
    case.artefacts.clear();
    assert!(!has_page(&case, &report), "what was not played has no page");
}

#[test]
fn a_page_of_five_thousand_cases_stays_small() {
    let cases =
        (0..5_000).map(|n| testing::case(&format!("rfc2409/5.{}-section/case-{n}", n % 40), Verdict::Pass));
    let report = Report { cases: cases.collect(), ..testing::report([]) };
    let page = index(&report, &register("s"));
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
}
