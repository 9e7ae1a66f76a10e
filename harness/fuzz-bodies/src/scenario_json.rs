//! Scenario files.

use std::path::PathBuf;

use ikev1_scenario::{DEFAULT_GROUP, LoadedScenario, Requirements, expand, lint};

/// Text that is a scenario can be written and read again, and linted; other text is refused with a place in it.
///
/// # Panics
///
/// When that does not hold.
pub fn scenario_json(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let path = PathBuf::from("rfc2409/fuzz/input.json");
    let scenario = match ikev1_scenario::load::parse(text, &path) {
        Ok(scenario) => scenario,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let written = serde_json::to_string(&scenario).expect("a scenario can be written");
    let again = ikev1_scenario::load::parse(&written, &path).expect("what was written is read");
    assert_eq!(again, scenario, "{written}");
    let loaded = LoadedScenario {
        id: "rfc2409/fuzz/input".into(),
        path,
        scenario,
        credentials: std::sync::Arc::default(),
    };
    let problems = lint::lint(&loaded, &Requirements::default());
    if problems.is_empty() {
        assert!(!expand(&loaded, DEFAULT_GROUP).is_empty(), "a scenario without problems has cases");
        assert!(lint::lint_all(&[loaded]).is_empty(), "one scenario does not repeat another");
    }
}
