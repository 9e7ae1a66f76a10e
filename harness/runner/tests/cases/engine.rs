//! The Docker engine is away for a while, somewhere else, or without an image that it had.
//!
//! Needs Docker. Without it the tests say so and pass, unless `IKEV1_REQUIRE_DOCKER=1` is set.

use std::io::{BufRead as _, BufReader};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::strongswan::chosen;
use ikev1_runner::docker::LABEL;
use serde_json::Value;

const ENGINE: &str = "/var/run/docker.sock";

/// `conform` from the root of the source tree, with the engine at `docker_host`, in front of it the words of `prefix`.
fn conform(prefix: &[&str], docker_host: &str, args: &[&str]) -> Command {
    let binary = env!("CARGO_BIN_EXE_ikev1-conform");
    let mut words = [prefix, &[binary, "conform"], args].concat().into_iter();
    let mut command = Command::new(words.next().unwrap());
    command.args(words).env("DOCKER_HOST", docker_host);
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    command
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A socket that leads to the engine, until it is cut.
struct Proxy {
    path: PathBuf,
    streams: Arc<Mutex<Vec<UnixStream>>>,
}

impl Proxy {
    fn open(path: PathBuf) -> Self {
        let listener = UnixListener::bind(&path).unwrap();
        let streams = Arc::new(Mutex::new(Vec::new()));
        let accepted = Arc::clone(&streams);
        // It ends with the process: what comes after a cut has another socket.
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let engine = UnixStream::connect(ENGINE).unwrap();
                let pair = [client.try_clone().unwrap(), engine.try_clone().unwrap()];
                accepted.lock().unwrap().extend(pair);
                for (mut from, mut to) in
                    [(client.try_clone().unwrap(), engine.try_clone().unwrap()), (engine, client)]
                {
                    thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Write);
                    });
                }
            }
        });
        Self { path, streams }
    }

    /// No connection lives on, and none can be made.
    fn cut(self) -> PathBuf {
        std::fs::remove_file(&self.path).unwrap();
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.path
    }
}

fn docker(args: &[&str]) -> String {
    String::from_utf8(Command::new("docker").args(args).output().unwrap().stdout).unwrap()
}

#[tokio::test]
async fn an_engine_that_is_restarted_costs_no_case() {
    if chosen("strongswan").await.is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let proxy = Proxy::open(folder.path().join("engine.sock"));
    let host = format!("unix://{}", proxy.path.display());
    let out = folder.path().join("run");
    let args = ["--peer", "strongswan", "--jobs", "1", "--role", "initiator", "--out", out.to_str().unwrap()];
    let cases = "rfc2408/5.15-delete/*";
    let mut run =
        conform(&[], &host, &[&args[..], &[cases]].concat()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines().map_while(Result::ok);
    let ended = lines.by_ref().filter(|line| line.starts_with('[')).nth(1);
    assert!(ended.is_some(), "no second case ended");
    let label = format!("label={LABEL}=run-{}-1", run.id());
    let path = proxy.cut();
    // What an engine does that is told to end.
    docker(&["kill", docker(&["ps", "--quiet", "--filter", &label]).trim()]);
    thread::sleep(Duration::from_secs(3));
    let _proxy = Proxy::open(path);
    let rest: Vec<String> = lines.collect();
    assert_eq!(run.wait().unwrap().code(), Some(0), "{rest:#?}");

    let report = std::fs::read_to_string(out.join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let cases = report["cases"].as_array().unwrap();
    let again = |case: &&Value| case["notes"].to_string().contains("played a second time");
    let again: Vec<_> = cases.iter().filter(again).collect();
    assert!((1..=3).contains(&again.len()) && cases.len() > 8, "{again:#?} of {}", cases.len());
    let left = docker(&["ps", "--all", "--quiet", "--filter", &label]);
    assert_eq!(left + &docker(&["network", "ls", "--quiet", "--filter", &label]), "");
}

#[tokio::test]
async fn an_engine_that_does_not_answer_is_told_before_anything_runs() {
    if chosen("strongswan").await.is_none() {
        return;
    }
    let started = Instant::now();
    let output = conform(&[], "tcp://127.0.0.1:1", &["--peer", "strongswan"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("tcp://127.0.0.1:1"), "{}", stderr(&output));
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

#[tokio::test]
async fn an_engine_whose_containers_cannot_be_reached_is_told_before_anything_runs() {
    if chosen("strongswan").await.is_none() {
        return;
    }
    // Without the engine's bridges, as on another machine; its socket is a file, and is still there.
    let elsewhere = ["unshare", "--net"];
    let able = Command::new(elsewhere[0]).args([elsewhere[1], "true"]).status();
    if !able.is_ok_and(|status| status.success()) {
        println!("skipped: another network namespace takes root, and `unshare` of util-linux");
        return;
    }
    let output =
        conform(&elsewhere, &format!("unix://{ENGINE}"), &["--peer", "strongswan"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let text = stderr(&output);
    assert!(text.contains("in another network namespace") && text.contains("set DOCKER_HOST"), "{text}");
}

#[tokio::test]
async fn an_image_that_is_gone_is_made_again_or_said_to_be_gone() {
    let Some(mut peer) = chosen("strongswan").await else { return };
    peer.restore_image().await.unwrap();
    peer.image = "ikev1-harness/strongswan:of-another-folder".to_owned();
    let error = peer.restore_image().await.unwrap_err().to_string();
    assert!(error.contains("of-another-folder was removed during the run"), "{error}");
}
