//! The report of any run that has a failing case: the one in the folder that `IKEV1_BROWSER_RUN` names, which CI sets to the run
//! with a daemon, and else the sample.

use std::collections::HashSet;

use ikev1_report::model::CaseResult;
use ikev1_scenario::transcript::{Event, Record};

use super::*;

/// Pages of failing cases that are opened; a bad peer has hundreds.
const FAILING_MAX: usize = 60;

fn run() -> PathBuf {
    std::env::var_os("IKEV1_BROWSER_RUN").map_or_else(sample, |folder| harness::root().join(folder))
}

fn report_of(run: &Path) -> Report {
    let file = run.join("report.json");
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    ikev1_report::json::parse(&text).unwrap()
}

/// The page of a case, as the report's own page links it; none where the case has none.
fn page_of(run: &Path, case: &CaseResult) -> Option<String> {
    let (folder, _) = case.artefacts.get("transcript")?.rsplit_once('/')?;
    let page = format!("{folder}/index.html");
    run.join(&page).is_file().then_some(page)
}

/// A failing case in which an octet is to blame: its packet, and the octet's place.
fn with_an_octet(report: &Report) -> (&CaseResult, u64, u64) {
    let failing = || report.cases.iter().filter(|case| case.verdict == Verdict::Fail);
    let found = failing().find_map(|case| {
        let places = case.findings.iter().filter_map(|finding| Some((finding.packet?, finding.offset?)));
        places.map(|(packet, offset)| (case, packet, offset)).next()
    });
    let changed =
        failing().find_map(|case| case.changes.first().map(|change| (case, change.packet, change.offset)));
    found.or(changed).expect("a failing case that names an octet")
}

/// What the transcript has of a datagram: its plaintext, or else what was sent, in hex.
fn recorded(run: &Path, case: &CaseResult, packet: u64) -> String {
    let text = fs::read_to_string(run.join(&case.artefacts["transcript"])).unwrap();
    let records: Vec<Record> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let plain = records.iter().find_map(|record| match &record.event {
        Event::Plaintext { datagram, hex, .. } if *datagram == packet => Some(hex.clone()),
        _ => None,
    });
    let sent = || {
        records.iter().find_map(|record| match &record.event {
            Event::Datagram(datagram) if datagram.n == packet => Some(datagram.hex.clone()),
            _ => None,
        })
    };
    plain.or_else(sent).unwrap()
}

#[rstest]
#[case::on_a_screen(SCREEN, false)]
#[case::on_a_screen_in_the_dark(SCREEN, true)]
#[case::on_a_phone(PHONE, false)]
fn its_pages_load_without_a_complaint_and_fit(#[case] (width, height): (u32, u32), #[case] dark: bool) {
    let Some(mut browser) = browser() else { return };
    let run = run();
    let report = report_of(&run);
    let failing = report.cases.iter().filter(|case| case.verdict == Verdict::Fail).take(FAILING_MAX);
    let mut seen = HashSet::from([Verdict::Fail]);
    let others =
        report.cases.iter().filter(|case| page_of(&run, case).is_some() && seen.insert(case.verdict));
    let pages = failing.chain(others).map(|case| page_of(&run, case).unwrap());
    let pages: Vec<String> = ["index.html".to_owned()].into_iter().chain(pages).collect();
    assert!(pages.len() > 2, "{pages:?}");
    browser.resize(width, height).unwrap();
    browser.dark(dark);
    for page in pages {
        browser.open(&address(&run.join(&page))).unwrap();
        browser.value("document.querySelectorAll('details').forEach(each => { each.open = true })").unwrap();
        assert_eq!(browser.complaints(), Vec::<String>::new(), "{page}");
        assert_eq!(browser.too_wide(), "", "{page}");
        let dark_page =
            !browser.holds("getComputedStyle(document.body).backgroundColor === 'rgb(255, 255, 255)'");
        assert_eq!(dark_page, dark, "{page}");
    }
}

#[rstest]
#[case::on_a_screen(SCREEN)]
#[case::on_a_phone(PHONE)]
fn a_failing_case_is_found_and_its_field_marks_the_octets_that_were_recorded(
    #[case] (width, height): (u32, u32),
) {
    let Some(mut browser) = browser() else { return };
    let run = run();
    let report = report_of(&run);
    browser.resize(width, height).unwrap();
    browser.open(&address(&run.join("index.html"))).unwrap();

    browser.click("#verdicts .fail");
    let failed = report.cases.iter().filter(|case| case.verdict == Verdict::Fail);
    assert_eq!(browser.listed(), failed.map(|case| case.id.clone()).collect::<Vec<_>>());
    let (case, packet, offset) = with_an_octet(&report);
    browser.click("#filter [name=q]");
    browser.write(&case.id);
    let listed = browser.listed();
    assert!(!listed.is_empty() && listed.iter().all(|id| id.starts_with(&case.id)), "{listed:?}");
    let page = page_of(&run, case).unwrap();
    browser.follow(&format!("#rows a[href$='{page}']"));
    assert_eq!(browser.text("document.title"), format!("fail: {}", case.id));

    let message = format!("#m{packet}");
    assert!(browser.holds(&format!("document.querySelector('{message}').open")), "what is to blame is open");
    // The row with the smallest part of the message that begins at the octet.
    let row = browser.value(&format!(
        "[...document.querySelectorAll('{message} .tree li')].map(row => row.dataset.r)
           .filter(range => Number(range.split('+')[0]) === {offset}).sort((a, b) => a.split('+')[1] - b.split('+')[1])
           .find(range => Number(range.split('+')[1]) > 0)"
    ));
    let row = row.unwrap();
    let (_, length) = row.as_str().and_then(|range| range.split_once('+')).expect("a field at the octet");
    browser.click(&format!("{message} .tree li[data-r='{}']", row.as_str().unwrap()));
    let recorded = recorded(&run, case, packet);
    let (at, length) = (2 * usize::try_from(offset).unwrap(), 2 * length.parse::<usize>().unwrap());
    assert_eq!(browser.text(SELECTED), recorded[at..at + length]);
    assert!(
        browser.holds(&format!("document.querySelector('{message} .b.hit, {message} .b.edit') !== null"))
    );
    assert_eq!(browser.text("document.querySelector('.rerun').textContent"), case.rerun);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn its_page_opens_without_a_wait() {
    /// How much longer than an empty page it may take. Measured with 2,777 cases: 3 to 6.
    const TIMES_MAX: f64 = 40.0;
    let Some(mut browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.html");
    fs::write(&empty, "<!DOCTYPE html><meta charset=utf-8><title>empty</title>").unwrap();
    browser.resize(SCREEN.0, SCREEN.1).unwrap();
    let nothing = time_to_paint(&mut browser, &empty);
    let run = run();
    let all = time_to_paint(&mut browser, &run.join("index.html"));
    println!("{} cases: {all:.0} ms, an empty page: {nothing:.0} ms", report_of(&run).cases.len());
    assert!(all < nothing * TIMES_MAX, "{all} ms, and an empty page {nothing} ms");
}
