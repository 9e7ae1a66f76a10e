//! The sanity handshake: main mode and quick mode with the defaults of every scenario.

use std::sync::Arc;

use ikev1_scenario::case::Case;
use ikev1_scenario::expand::expand;
use ikev1_scenario::load::LoadedScenario;
use ikev1_scenario::model::Group;

/// What the IDs of sanity handshakes begin with.
pub(super) const SANITY: &str = "sanity/";

const SCENARIO: &str = include_str!("sanity.json");

/// Why the sanity handshake cannot be made; only a mistake in this crate causes it.
#[derive(Debug, thiserror::Error)]
#[error("sanity scenario: {problem}")]
pub struct SanityError {
    problem: String,
}

/// The sanity handshake under the ID `sanity/<when>`, with the run's default group.
///
/// # Errors
/// When the built-in scenario does not fit its own format.
pub fn sanity_case(when: &str, default_group: Group) -> Result<Case, SanityError> {
    let problem = |problem: String| SanityError { problem };
    let scenario = serde_json::from_str(SCENARIO).map_err(|error| problem(error.to_string()))?;
    let (id, credentials) = (format!("{SANITY}{when}"), Arc::default());
    let loaded = LoadedScenario { id, path: "sanity.json".into(), scenario, credentials };
    expand(&loaded, default_group).into_iter().next().ok_or_else(|| problem("it has no case".to_owned()))
}
