//! Chromium without a window, for the tests of the HTML report and its pictures.
//!
//! It is driven by the DevTools protocol over a pipe: JSON messages that end with a zero octet, on the descriptors 3 and 4 of the
//! browser, which ends when the pipe does. The crates that speak the protocol compile all of it, far more than the harness itself,
//! for the ten methods that are needed here.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Debian's name of it.
const PROGRAM: &str = "chromium";
/// The shell puts the pipe where the browser looks for it.
const OVER_A_PIPE: &str = "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1";
/// A busy machine takes its time.
const ANSWER_MAX: Duration = Duration::from_secs(120);
const END_MAX: Duration = Duration::from_secs(10);

/// What goes wrong with a browser.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// A part of a page, in pixels from its upper left corner.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// A browser with one page.
#[derive(Debug)]
pub(crate) struct Browser {
    process: Child,
    commands: ChildStdin,
    answers: Receiver<Value>,
    session: Option<String>,
    last_id: u64,
    events: VecDeque<Value>,
    /// Its profile, which goes with it.
    _profile: TempDir,
}

impl Browser {
    /// Starts one; gives nothing where none is installed.
    pub(crate) fn start() -> Result<Option<Self>> {
        match Command::new(PROGRAM).arg("--version").output() {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("{PROGRAM}: {error}")),
        }
        let profile = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut process = Command::new("sh")
            .args(["-c", OVER_A_PIPE, "sh", PROGRAM, "--headless", "--remote-debugging-pipe"])
            // The sandbox does not work for root, and our own pages need none.
            .args(["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-component-update"])
            .args(["--force-color-profile=srgb", "--font-render-hinting=none"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{PROGRAM}: {error}"))?;
        let (Some(commands), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(format!("{PROGRAM}: no pipe"));
        };
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            let messages = BufReader::new(output).split(0);
            for message in messages.map_while(io::Result::ok) {
                let Ok(message) = serde_json::from_slice(&message) else { return };
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let mut browser = Self {
            process,
            commands,
            answers,
            session: None,
            last_id: 0,
            events: VecDeque::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attach)?;
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}))?;
        }
        Ok(Some(browser))
    }

    /// Calls a method of the protocol.
    fn call(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.last_id += 1;
        let mut command = json!({ "id": self.last_id, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let line = format!("{command}\0");
        self.commands.write_all(line.as_bytes()).map_err(|error| format!("{method}: {error}"))?;
        loop {
            let answer = self.answer(method)?;
            if answer["id"] != self.last_id {
                self.events.push_back(answer);
            } else if let Some(error) = answer.get("error") {
                return Err(format!("{method}: {error}"));
            } else {
                return Ok(answer["result"].clone());
            }
        }
    }

    fn answer(&self, to: &str) -> Result<Value> {
        self.answers.recv_timeout(ANSWER_MAX).map_err(|error| format!("{to}: {PROGRAM} is silent: {error}"))
    }

    /// Waits for an event that has come since the last page was loaded, or comes.
    fn wait_for(&mut self, method: &str) -> Result<()> {
        if self.events.iter().any(|event| event["method"] == method) {
            return Ok(());
        }
        loop {
            let event = self.answer(method)?;
            let found = event["method"] == method;
            self.events.push_back(event);
            if found {
                return Ok(());
            }
        }
    }

    /// Loads a page, and forgets what was said of earlier ones.
    pub(crate) fn open(&mut self, address: &str) -> Result<()> {
        // A page that differs in its fragment alone would not be loaded again.
        for address in ["about:blank", address] {
            self.events.clear();
            self.call("Page.navigate", json!({ "url": address }))?;
            self.wait_for("Page.loadEventFired")?;
        }
        Ok(())
    }

    /// The value of an expression, which may be a promise.
    pub(crate) fn value(&mut self, expression: &str) -> Result<Value> {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", parameters)?;
        match answer.get("exceptionDetails") {
            Some(thrown) => Err(format!("{expression}: {thrown}")),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    /// How large the window is.
    pub(crate) fn resize(&mut self, width: u32, height: u32) -> Result<()> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size).map(drop)
    }

    /// A picture of a part of the page, as PNG.
    pub(crate) fn picture(&mut self, part: Part) -> Result<Vec<u8>> {
        let Part { x, y, width, height } = part;
        let clip = json!({ "x": x, "y": y, "width": width, "height": height, "scale": 1 });
        let parameters = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let picture = self.call("Page.captureScreenshot", parameters)?;
        let text = picture["data"].as_str().unwrap_or_default();
        Base64::decode_vec(text).map_err(|error| format!("picture: {error}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.session = None;
        // It may have ended by itself; then nothing is left to be closed.
        let _ = self.call("Browser.close", json!({}));
        let start = Instant::now();
        while start.elapsed() < END_MAX && matches!(self.process.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests;
