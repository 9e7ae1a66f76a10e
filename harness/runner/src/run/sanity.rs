//! The sanity case: main mode and quick mode with the defaults of every scenario, or what a peer's manifest names instead.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ikev1_scenario::case::Case;
use ikev1_scenario::expand::expand;
use ikev1_scenario::load::LoadedScenario;
use ikev1_scenario::model::{Authentication, Group};
use ikev1_scenario::pki::CredentialFiles;
use serde_json::{Value, json};

/// What the IDs of sanity handshakes begin with.
pub(super) const SANITY: &str = "sanity/";

/// How often a sanity handshake may be tried with a peer that plays again: it may be late once, beside others.
pub(super) const SANITY_ATTEMPTS: u32 = 3;

const SCENARIO: &str = include_str!("sanity.json");

/// Why the sanity case cannot be made: a mistake in this crate, or in a peer's manifest.
#[derive(Debug, thiserror::Error)]
#[error("sanity scenario {}: {problem}", path.display())]
pub struct SanityError {
    path: PathBuf,
    problem: String,
}

/// The scenario of the sanity case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SanityScenario {
    path: PathBuf,
    text: String,
}

impl Default for SanityScenario {
    fn default() -> Self {
        Self { path: "sanity.json".into(), text: SCENARIO.to_owned() }
    }
}

impl SanityScenario {
    /// The scenario in a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn load(path: &Path) -> Result<Self, SanityError> {
        let text = std::fs::read_to_string(path).map_err(|error| SanityError {
            path: path.to_owned(),
            problem: format!("{error}; `sanity` in peer.toml is the ID of a scenario"),
        })?;
        Ok(Self { path: path.to_owned(), text })
    }

    /// Its first case under the ID `sanity/<when>`, with the run's default group.
    ///
    /// # Errors
    /// When the scenario does not fit its own format, or takes keys or certificates.
    pub fn case(&self, when: &str, default_group: Group) -> Result<Case, SanityError> {
        let problem = |problem: String| SanityError { path: self.path.clone(), problem };
        let scenario = serde_json::from_str(&self.text).map_err(|error| problem(error.to_string()))?;
        let (id, path) = (format!("{SANITY}{when}"), self.path.clone());
        let loaded = LoadedScenario { id, path, scenario, credentials: Arc::default() };
        let case = expand(&loaded, default_group).into_iter().next();
        let mut case = case.ok_or_else(|| problem("it has no case".to_owned()))?;
        if case.config.peer.pki.is_some() {
            return Err(problem("a sanity case has no keys and certificates".to_owned()));
        }
        // A scenario with a matrix adds the values of the case.
        case.id = format!("{SANITY}{when}");
        Ok(case)
    }
}

/// The sanity handshake under the ID `sanity/<when>`, with the run's default group.
///
/// # Errors
/// When the built-in scenario does not fit its own format.
pub fn sanity_case(when: &str, default_group: Group) -> Result<Case, SanityError> {
    SanityScenario::default().case(when, default_group)
}

/// The sanity handshake with another authentication method, and what goes with it of the test credentials.
///
/// # Errors
/// When the built-in scenario does not fit its own format.
pub fn sanity_case_by(
    method: Authentication,
    when: &str,
    default_group: Group,
    credentials: &Arc<CredentialFiles>,
) -> Result<Case, SanityError> {
    let plain = sanity_case(when, default_group)?;
    let problem = |problem: String| SanityError { path: "sanity.json".into(), problem };
    let mut scenario: Value = serde_json::from_str(SCENARIO).map_err(|error| problem(error.to_string()))?;
    let mut transforms = plain.config.peer.phase1.transforms;
    transforms.iter_mut().for_each(|transform| transform.authentication = method);
    scenario["config"] = json!({ "common": { "phase1": { "transforms": transforms } } });
    let scenario = serde_json::from_value(scenario).map_err(|error| problem(error.to_string()))?;
    let credentials = Arc::clone(credentials);
    let loaded = LoadedScenario { id: plain.id, path: "sanity.json".into(), scenario, credentials };
    expand(&loaded, default_group).into_iter().next().ok_or_else(|| problem("it has no case".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use ikev1_scenario::expand::DEFAULT_GROUP;
    use rstest::rstest;

    use super::*;
    use crate::docker::PeerDir;

    #[rstest]
    #[case::vpnc("vpnc")]
    #[case::ike_scan("ike-scan")]
    #[case::openiked("openiked")]
    fn the_sanity_case_of_a_peer_fits_the_peer(#[case] name: &str) {
        let peer = PeerDir::of_this_source(name).unwrap();
        let id = peer.manifest.sanity.clone().unwrap();
        let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        let sanity = SanityScenario::load(&scenarios.join(format!("{id}.json"))).unwrap();
        let case = sanity.case("first", DEFAULT_GROUP).unwrap();
        assert_eq!(case.id, "sanity/first");
        for release in peer.releases() {
            let profile = peer.profile(release, name, release);
            let lacking: Vec<_> = case.needs.difference(&profile.capabilities).collect();
            assert!(lacking.is_empty(), "{release}: {lacking:?}");
        }
    }

    #[test]
    fn a_sanity_case_that_is_not_there_names_the_file_and_the_key() {
        let error = SanityScenario::load(Path::new("scenarios/no/such.json")).unwrap_err().to_string();
        assert!(
            error.contains("scenarios/no/such.json") && error.contains("`sanity` in peer.toml"),
            "{error}"
        );
    }

    #[rstest]
    #[case::no_scenario("{}", "missing field")]
    #[case::no_role(r#"{"version": 1, "description": "", "requirements": [], "level": "must", "roles": [], "steps": [], "accept": []}"#, "it has no case")]
    fn a_sanity_case_that_is_none_is_refused(#[case] text: &str, #[case] why: &str) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sanity.json");
        fs::write(&file, text).unwrap();
        let error =
            SanityScenario::load(&file).unwrap().case("first", DEFAULT_GROUP).unwrap_err().to_string();
        assert!(error.contains("sanity.json") && error.contains(why), "{error}");
    }
}
