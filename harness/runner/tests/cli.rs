//! Transcripts of the command line: what is typed, what comes out, the exit code.

#[test]
fn commands_print_what_their_transcripts_say() {
    trycmd::TestCases::new()
        .register_bin("ikev1-conform", std::path::Path::new(env!("CARGO_BIN_EXE_ikev1-conform")))
        .env("NO_COLOR", "1")
        .env("GITHUB_ACTIONS", "")
        .env("GITHUB_STEP_SUMMARY", "")
        .env("COLUMNS", "100")
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
        .case("tests/cli/cases/*.md");
}
