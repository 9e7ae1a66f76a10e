//! A case for unit tests.

use std::path::PathBuf;

use crate::case::Case;
use crate::expand::{DEFAULT_GROUP, expand};
use crate::load::LoadedScenario;

/// A main mode case with one requirement, harness as initiator, one step and one acceptance.
pub(crate) fn case() -> Case {
    case_of(
        r#""steps": [{"start": {"exchange": "phase-1"}}],
        "accept": [{"because": "both are up", "all": [{"established": {"isakmp_sas": {"exactly": 1}}}]}]"#,
    )
}

/// A main mode case with these `steps` and `accept`, and whatever else, as JSON members.
pub(crate) fn case_of(members: &str) -> Case {
    let json = format!(
        r#"{{"version": 1, "description": "d", "requirements": ["RFC2409-5.4-01"], "level": "must",
            "roles": ["initiator"], {members}}}"#
    );
    let scenario = serde_json::from_str(&json).unwrap_or_else(|e| panic!("{e}: {json}"));
    let loaded = LoadedScenario {
        id: "rfc2409/5.4/sample".into(),
        path: PathBuf::from("sample.json"),
        scenario,
        credentials: std::sync::Arc::default(),
    };
    expand(&loaded, DEFAULT_GROUP).remove(0)
}
