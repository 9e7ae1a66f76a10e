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
