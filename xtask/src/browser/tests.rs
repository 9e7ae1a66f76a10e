//! The HTML report in Chromium: the sample, as `cargo xtask sample` has written it, and a report of 5,000 cases.
//!
//! Needs Chromium. Without it the tests say so and pass, unless `IKEV1_REQUIRE_CHROMIUM=1` is set.

mod of_any_run;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use ikev1_report::html::{ClauseEntry, index};
use ikev1_report::model::Report;
use ikev1_scenario::requirement::Requirements;
use ikev1_scenario::{Verdict, model::Level};
use rstest::rstest;
use serde_json::json;

use super::Browser;
use crate::harness;

/// A narrow phone, and a screen.
const PHONE: (u32, u32) = (360, 740);
const SCREEN: (u32, u32) = (1280, 900);
/// A message that is decrypted, with a finding, and where it is in the sample.
const CASE: &str =
    "deviant/rfc2409/5.4-pre-shared-key/main-mode-messages-of-the-initiator/responder/index.html";

/// A browser, unless there is none and none is required.
fn browser() -> Option<Browser> {
    if let Some(browser) = Browser::start().unwrap() {
        return Some(browser);
    }
    let required = std::env::var("IKEV1_REQUIRE_CHROMIUM").is_ok_and(|value| value == "1");
    assert!(!required, "IKEV1_REQUIRE_CHROMIUM=1, but there is no chromium");
    println!("skipped: there is no chromium (Debian: apt-get install chromium)");
    None
}

fn sample() -> PathBuf {
    harness::root().join("reports/sample")
}

fn report() -> Report {
    ikev1_report::json::parse(&fs::read_to_string(sample().join("report.json")).unwrap()).unwrap()
}

fn address(page: &Path) -> String {
    format!("file://{}", page.display())
}

/// Every page below a folder.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(pages(&path));
        } else if path.extension().is_some_and(|end| end == "html") {
            found.push(path);
        }
    }
    found
}

/// What a test does with a page, and sees of it.
impl Browser {
    fn dark(&mut self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.call("Emulation.setEmulatedMedia", features).unwrap();
    }

    fn text(&mut self, expression: &str) -> String {
        self.value(expression)
            .unwrap()
            .as_str()
            .unwrap_or_else(|| panic!("{expression} is no text"))
            .to_owned()
    }

    fn number(&mut self, expression: &str) -> f64 {
        self.value(expression).unwrap().as_f64().unwrap_or_else(|| panic!("{expression} is no number"))
    }

    fn holds(&mut self, expression: &str) -> bool {
        self.value(expression).unwrap().as_bool().unwrap_or_else(|| panic!("{expression} is no truth"))
    }

    /// Clicks into the first line of an element, which must be there to be seen.
    fn click(&mut self, selector: &str) {
        let selector = json!(selector);
        let place = self.value(&format!(
            "(() => {{ const it = document.querySelector({selector}); it.scrollIntoView({{ block: 'center' }});
               const {{ x, y, width, height }} = it.getClientRects()[0];
               const at = [x + Math.min(width / 2, 20), y + height / 2];
               return it.contains(document.elementFromPoint(...at)) ? at : `hidden by ${{document.elementFromPoint(...at)?.outerHTML}}`; }})()"
        ));
        let place = place.unwrap();
        let [Some(x), Some(y)] = [place[0].as_f64(), place[1].as_f64()] else {
            panic!("{selector}: {place}")
        };
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event).unwrap();
        }
    }

    /// Clicks a link and waits for its page.
    fn follow(&mut self, selector: &str) {
        self.events.clear();
        self.click(selector);
        self.wait_for("Page.loadEventFired").unwrap();
    }

    fn press(&mut self, key: &str) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            "/" => 191,
            _ => panic!("no code of {key}"),
        };
        let text = match key {
            "Enter" => "\r",
            "/" => "/",
            _ => "",
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = json!(text);
            }
            self.call("Input.dispatchKeyEvent", event).unwrap();
        }
    }

    fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text })).unwrap();
    }

    /// What the console has, what was thrown, and what was asked of anything but files, since the page was loaded.
    fn complaints(&self) -> Vec<String> {
        let complaint = |event: &&serde_json::Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded") => true,
            Some("Network.requestWillBeSent") => {
                !event["params"]["request"]["url"].as_str().is_some_and(|url| url.starts_with("file://"))
            }
            _ => false,
        };
        self.events.iter().filter(complaint).map(ToString::to_string).collect()
    }

    /// What makes the page wider than the window; nothing where it fits.
    fn too_wide(&mut self) -> String {
        self.text(
            "document.documentElement.scrollWidth <= innerWidth ? '' : [...document.querySelectorAll('body *')]
               .filter(it => it.getBoundingClientRect().right > innerWidth && !it.closest('.scroll, pre'))
               .map(it => it.outerHTML.slice(0, 120)).slice(0, 3).join('\\n') || 'the page'",
        )
    }

    /// The IDs in the list.
    fn listed(&mut self) -> Vec<String> {
        let ids =
            self.value("[...document.querySelectorAll('#rows .id')].map(id => id.textContent)").unwrap();
        serde_json::from_value(ids).unwrap()
    }
}

#[rstest]
#[case::on_a_screen(SCREEN, false)]
#[case::on_a_screen_in_the_dark(SCREEN, true)]
#[case::on_a_phone(PHONE, false)]
fn every_page_loads_without_a_complaint_and_fits(#[case] (width, height): (u32, u32), #[case] dark: bool) {
    let Some(mut browser) = browser() else { return };
    browser.resize(width, height).unwrap();
    browser.dark(dark);
    let pages = pages(&sample());
    assert!(pages.len() > 10, "{pages:?}");
    for page in pages {
        browser.open(&address(&page)).unwrap();
        // All that can be opened is, as its contents must fit too.
        browser.value("document.querySelectorAll('details').forEach(each => { each.open = true })").unwrap();
        assert_eq!(browser.complaints(), Vec::<String>::new(), "{}", page.display());
        assert_eq!(browser.too_wide(), "", "{}", page.display());
        assert!(browser.holds("document.title !== '' && document.querySelector('h1') !== null"));
    }
}

#[rstest]
#[case::in_the_light(false)]
#[case::in_the_dark(true)]
fn text_stands_out_from_what_is_behind_it(#[case] dark: bool) {
    let Some(mut browser) = browser() else { return };
    browser.dark(dark);
    browser.resize(SCREEN.0, SCREEN.1).unwrap();
    for page in ["index.html", CASE] {
        browser.open(&address(&sample().join(page))).unwrap();
        // The contrast of WCAG 2.2, which asks for 4.5.
        let faint = browser.value(
            "(() => {
               const light = colour => {
                 const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255);
                 const [r, g, b] = parts.map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
                 return 0.2126 * r + 0.7152 * g + 0.0722 * b;
               };
               const behind = it => { for (; it; it = it.parentElement) {
                 const colour = getComputedStyle(it).backgroundColor;
                 if (!/^rgba\\(.*, 0\\)$/.test(colour)) return colour;
               } return getComputedStyle(document.body).backgroundColor; };
               const own = it => [...it.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
               return [...document.querySelectorAll('body *')].filter(it => own(it) && it.getClientRects().length).map(it => {
                 const [a, b] = [getComputedStyle(it).color, behind(it)].map(light);
                 return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), it.outerHTML.slice(0, 80)];
               }).filter(([contrast]) => contrast < 4.5).slice(0, 5);
             })()",
        );
        assert_eq!(faint.unwrap(), json!([]), "{page}");
        let light = browser.holds("getComputedStyle(document.body).backgroundColor === 'rgb(255, 255, 255)'");
        assert_eq!(light, !dark, "{page}");
    }
}

#[test]
fn cases_are_filtered_by_verdict_section_level_and_text_and_the_address_has_the_filter() {
    let Some(mut browser) = browser() else { return };
    browser.resize(SCREEN.0, SCREEN.1).unwrap();
    browser.open(&address(&sample().join("index.html"))).unwrap();
    let report = report();
    let ids = |keep: &dyn Fn(&ikev1_report::model::CaseResult) -> bool| -> Vec<String> {
        report.cases.iter().filter(|case| keep(case)).map(|case| case.id.clone()).collect()
    };
    let all = ids(&|_| true);
    assert_eq!(browser.listed(), all);

    browser.click("#verdicts .fail");
    let failed = ids(&|case| case.verdict == Verdict::Fail);
    assert_eq!((browser.listed(), failed.len()), (failed, 2));
    assert_eq!(browser.text("document.querySelector('#verdicts .fail').ariaPressed"), "true");
    browser.click("#filter [type=reset]");
    assert_eq!(browser.listed(), all, "all again");

    let choose = |browser: &mut Browser, name: &str, value: &str| {
        let script = format!(
            "(() => {{ const it = document.querySelector('[name={name}]'); it.value = {};
               it.dispatchEvent(new Event('input', {{ bubbles: true }})); }})()",
            json!(value)
        );
        browser.value(&script).unwrap();
    };
    choose(&mut browser, "section", "rfc2409/5.5-quick-mode");
    let section = ids(&|case| case.id.starts_with("rfc2409/5.5-quick-mode/"));
    assert_eq!((browser.listed(), section.is_empty()), (section, false));
    browser.click("#filter [type=reset]");

    choose(&mut browser, "level", "should");
    let level = ids(&|case| case.level == Level::Should);
    assert_eq!((browser.listed(), level.is_empty()), (level, false));
    browser.click("#filter [type=reset]");

    browser.click("#filter [name=q]");
    browser.write("hash.data main-mode");
    let found = ids(&|case| case.reason.contains("hash.data"));
    assert_eq!((browser.listed(), found.len()), (found.clone(), 1));
    // What is seen can be linked.
    let link = browser.text("location.href");
    browser.open(&link).unwrap();
    assert_eq!(browser.listed(), found, "{link}");
    assert_eq!(browser.complaints(), Vec::<String>::new());

    // A cell of the matrix leads to its cases.
    browser.click("#matrix td.unexpected a");
    // The page follows its address when it comes to it.
    let start = Instant::now();
    while !browser.listed().contains(&failed_case(&report)) {
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", browser.listed());
        thread::sleep(Duration::from_millis(20));
    }
}

/// The first case that failed.
fn failed_case(report: &Report) -> String {
    report.cases.iter().find(|case| case.verdict == Verdict::Fail).unwrap().id.clone()
}

#[test]
fn clauses_are_listed_with_their_verdicts_and_lead_to_their_cases() {
    let Some(mut browser) = browser() else { return };
    browser.resize(SCREEN.0, SCREEN.1).unwrap();
    browser.open(&address(&sample().join("index.html"))).unwrap();
    browser.click("#filter [value=clauses]");
    browser.click("#verdicts .fail");
    let clauses = browser.listed();
    assert!(clauses.contains(&"RFC2409-5.4-01".to_owned()), "{clauses:?}");
    browser.click("#filter [name=untested]");
    browser.click("#filter [type=reset]");
    browser.click("#filter [name=untested]");
    assert!(browser.listed().len() > clauses.len(), "the register has more than this run");
    browser.click("#filter [name=q]");
    browser.write("RFC2409-5.4-01");
    assert_eq!(browser.listed(), ["RFC2409-5.4-01"]);
    browser.click("#rows a");
    let cases =
        report().cases.into_iter().filter(|case| case.requirements.contains(&"RFC2409-5.4-01".to_owned()));
    assert_eq!(browser.listed(), cases.map(|case| case.id).collect::<Vec<_>>());
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// The octets that are selected.
const SELECTED: &str =
    "[...document.querySelectorAll('details.message[open] .b.sel')].map(b => b.textContent).join('')";

#[rstest]
#[case::on_a_screen(SCREEN)]
#[case::on_a_phone(PHONE)]
fn a_case_that_failed_opens_and_a_field_marks_its_octets(#[case] (width, height): (u32, u32)) {
    let Some(mut browser) = browser() else { return };
    browser.resize(width, height).unwrap();
    browser.open(&address(&sample().join("index.html"))).unwrap();
    browser.follow(&format!("#unexpected a[href$='{CASE}']"));
    assert!(browser.text("document.title").starts_with("fail: rfc2409/"));
    // The finding's field stands out before anything is chosen: 12 octets, where 20 must be.
    let hit = "[...document.querySelectorAll('details.message[open] .b.hit')].length";
    assert_eq!(browser.number(hit), 12.0);
    assert!(browser.text("document.querySelector('dl.finding').textContent").contains("20 bytes"));
    assert!(browser.text("document.querySelector('.rerun').textContent").contains("cargo xtask"));

    // HASH_I begins at octet 44 of the decrypted message, behind its generic header.
    browser.click("details.message[open] .tree li.hit");
    let chosen = browser.text(SELECTED);
    assert_eq!(chosen.len(), 24);
    assert!(browser.text("document.querySelector('dl.finding').textContent").contains(&chosen), "{chosen}");
    assert!(
        browser
            .text("document.querySelector('details[open] .status').textContent")
            .starts_with("octets 44 to 55: hash.data")
    );
    // And the other way: an octet of the header selects its field, cky_i.
    browser.click("details.message[open] .hex .b");
    assert_eq!(browser.text(SELECTED).len(), 16);
    assert_eq!(
        browser.text("document.querySelector('details[open] .tree .sel').firstChild.textContent.trim()"),
        "cky_i"
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_keyboard_is_enough() {
    let Some(mut browser) = browser() else { return };
    browser.resize(SCREEN.0, SCREEN.1).unwrap();
    browser.open(&address(&sample().join("index.html"))).unwrap();
    browser.press("Tab");
    assert_eq!(
        browser.text("document.activeElement.className"),
        "skip",
        "the way past the head of the page comes first"
    );
    browser.press("/");
    assert_eq!(browser.text("document.activeElement.name"), "q");
    browser.write("main-mode-messages-of-the-initiator deviant");
    assert_eq!(browser.listed().len(), 1);
    // Past the rest of the filter into the list.
    for _ in 0..30 {
        browser.press("Tab");
        if browser.holds("document.activeElement.closest('#rows') !== null") {
            break;
        }
    }
    browser.events.clear();
    browser.press("Enter");
    browser.wait_for("Page.loadEventFired").unwrap();
    assert!(browser.text("document.title").starts_with("fail: "));
    for _ in 0..60 {
        browser.press("Tab");
        if browser.holds("document.activeElement.closest('details[open] .tree') !== null") {
            break;
        }
    }
    let field = "document.activeElement.firstChild.textContent.trim()";
    assert_eq!(browser.text(field), "header");
    browser.press("ArrowDown");
    assert_eq!(browser.text(field), "cky_i");
    assert_eq!(browser.text(SELECTED).len(), 16);
    browser.press("Tab");
    browser.press("ArrowRight");
    assert_eq!(browser.number("document.querySelectorAll('.hex:focus .b.cur').length"), 1.0);
    assert!(
        browser.holds("getComputedStyle(document.activeElement).outlineStyle !== 'none'"),
        "the focus is seen"
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// What a page takes until it has been painted, in milliseconds: the best of some.
fn time_to_paint(browser: &mut Browser, page: &Path) -> f64 {
    let once = |_| {
        browser.open(&address(page)).unwrap();
        browser.number(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))",
        )
    };
    (0..5).map(once).fold(f64::INFINITY, f64::min)
}

#[test]
fn a_report_of_five_thousand_cases_opens_without_a_wait() {
    /// How much longer than an empty page it may take. Measured: 5.
    const TIMES_MAX: f64 = 40.0;
    let Some(mut browser) = browser() else { return };
    let mut report = report();
    let few = report.cases.clone();
    report.cases = (0..5_000)
        .map(|n| {
            let mut case = few[n % few.len()].clone();
            case.id = format!("rfc2409/5.{}-section/{}-{n}", n % 40, case.id.replace('/', "-"));
            case
        })
        .collect();
    report.summary = report.cases.iter().map(|case| case.verdict).collect();
    let register = Requirements::load(&harness::root().join("scenarios/requirements")).unwrap();
    let clauses = register.iter().map(|clause| ClauseEntry {
        id: clause.id.to_string(),
        document: clause.id.document().to_owned(),
        section: clause.section.clone(),
        level: clause.level.name().to_owned(),
        summary: clause.summary.clone(),
        ..ClauseEntry::default()
    });
    let folder = tempfile::tempdir().unwrap();
    let [large, empty] = ["large.html", "empty.html"].map(|name| folder.path().join(name));
    fs::write(&large, index(&report, &clauses.collect::<Vec<_>>())).unwrap();
    fs::write(&empty, "<!DOCTYPE html><meta charset=utf-8><title>empty</title>").unwrap();
    browser.resize(SCREEN.0, SCREEN.1).unwrap();
    let nothing = time_to_paint(&mut browser, &empty);
    let all = time_to_paint(&mut browser, &large);
    println!("5,000 cases: {all:.0} ms, an empty page: {nothing:.0} ms");
    assert!(all < nothing * TIMES_MAX, "{all} ms, and an empty page {nothing} ms");
    assert_eq!(browser.text("document.getElementById('count').textContent"), "5000 of 5000 cases");
    // A filter goes over all of them.
    browser.click("#verdicts .fail");
    let failed = report.cases.iter().filter(|case| case.verdict == Verdict::Fail).count();
    assert_eq!(
        browser.text("document.getElementById('count').textContent"),
        format!("{failed} of 5000 cases")
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
