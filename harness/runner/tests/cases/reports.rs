//! What becomes of the results of a run whose reports cannot be written.

use std::process::Command;

#[test]
fn results_are_shown_even_when_the_reports_cannot_be_written() {
    let out = tempfile::tempdir().unwrap();
    // A folder in its place refuses a file, as a full disk does.
    std::fs::create_dir(out.path().join("report.json")).unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_ikev1-conform"))
        .args(["conform", "rfc2409/5.4-pre-shared-key/main-mode-wrong-hash-i", "--out"])
        .arg(out.path())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let [page, errors] = [&run.stdout, &run.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert_eq!(run.status.code(), Some(3), "{errors}");
    assert!(page.contains("cases    1: 1 pass"), "{page}");
    assert!(errors.contains("report.json: Is a directory"), "{errors}");
}

#[test]
fn a_run_on_github_adds_to_the_summary_of_its_step() {
    let out = tempfile::tempdir().unwrap();
    let summary = out.path().join("step.md");
    std::fs::write(&summary, "from an earlier command\n").unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_ikev1-conform"))
        .args(["conform", "rfc2409/5.4-pre-shared-key/main-mode-wrong-hash-i", "--out"])
        .arg(out.path().join("run"))
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", &summary)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(!String::from_utf8_lossy(&run.stdout).contains("::error"), "nothing is unexpected");
    let step = std::fs::read_to_string(summary).unwrap();
    assert!(step.starts_with("from an earlier command\n# IKEv1 conformance: nothing unexpected\n"), "{step}");
    let file = |name: &str| std::fs::read_to_string(out.path().join("run").join(name)).unwrap();
    assert_eq!(step, format!("from an earlier command\n{}", file("summary.md")));
    assert!(file("badge.json").contains("\"1 pass\""), "{}", file("badge.json"));
    assert!(file("report.sarif").contains("\"2.1.0\""));
    let scenario = "file=\"scenarios/rfc2409/5.4-pre-shared-key/main-mode-wrong-hash-i.json\"";
    assert!(file("junit.xml").contains(scenario), "{}", file("junit.xml"));
}
