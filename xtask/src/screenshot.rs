//! `screenshot`: the pictures of the README, taken of the sample report.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::browser::{Browser, Part, Result};
use crate::harness::{self, Outcome};

/// Where the sample is, and its pictures are.
const SAMPLE: &str = "reports/sample";
/// A case that failed, from there.
const CASE: &str =
    "deviant/rfc2409/5.4-pre-shared-key/main-mode-messages-of-the-initiator/responder/index.html";
const WIDTH: u32 = 1040;

/// A picture: its file, the page that it shows, and from where to where.
struct Picture {
    file: &'static str,
    page: &'static str,
    /// The element at the top, and the one that the picture ends in front of.
    between: [&'static str; 2],
    /// What to do first.
    script: &'static str,
}

const PICTURES: [Picture; 2] = [
    Picture {
        file: "run.png",
        page: "index.html",
        between: ["header", "#results"],
        script: "document.activeElement.blur()",
    },
    Picture {
        file: "case.png",
        page: CASE,
        between: ["#m5", "#m6"],
        // The octets of the finding's field.
        script: "document.querySelector('details.message[open] .tree li.hit').click(); document.activeElement.blur()",
    },
];

pub(crate) fn run() -> Outcome {
    let result = pictures(&harness::root().join(SAMPLE));
    // Nothing is left to be told when standard error is closed too.
    let _ = match &result {
        Ok(()) => writeln!(io::stderr(), "{SAMPLE}: {} pictures written", PICTURES.len()),
        Err(error) => writeln!(io::stderr(), "error: {error}"),
    };
    if result.is_ok() { Outcome::Success } else { Outcome::Harness }
}

fn pictures(sample: &Path) -> Result<()> {
    let Some(mut browser) = Browser::start()? else {
        return Err("there is no chromium (Debian: apt-get install chromium fonts-dejavu-core)".to_owned());
    };
    browser.resize(WIDTH, 900)?;
    for picture in &PICTURES {
        browser.open(&format!("file://{}", sample.join(picture.page).display()))?;
        browser.value(picture.script)?;
        let [from, to] = picture.between;
        let top = top_of(&mut browser, from)?;
        let height = top_of(&mut browser, to)? - top;
        let part = Part { x: 0.0, y: top, width: WIDTH.into(), height };
        let file = sample.join(picture.file);
        fs::write(&file, browser.picture(part)?).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}

/// How far down an element begins.
fn top_of(browser: &mut Browser, selector: &str) -> Result<f64> {
    let script = format!("document.querySelector('{selector}').getBoundingClientRect().top + scrollY");
    browser.value(&script)?.as_f64().ok_or_else(|| format!("{selector} has no place"))
}
