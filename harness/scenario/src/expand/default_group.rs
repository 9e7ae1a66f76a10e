//! The group that stands where a scenario names none.

use crate::model::{Capability, Group};
use crate::verdict::PeerProfile;

/// The default group where there is no peer to ask, and the first choice where there is one.
pub const DEFAULT_GROUP: Group = Group::Modp1024;

/// What the default group may be with a peer, best first, and the capability that it takes: the quickest first.
pub const DEFAULT_GROUPS: [(Group, Capability); 3] = [
    (DEFAULT_GROUP, Capability::Modp1024),
    (Group::Modp1536, Capability::Modp1536),
    (Group::Modp2048, Capability::Modp2048),
];

/// The default group with a peer: the first of [`DEFAULT_GROUPS`] that it has. With a peer that has none it is
/// [`DEFAULT_GROUP`], so that cases come out `unsupported` with the peer's own evidence.
pub fn default_group(profile: &PeerProfile) -> Group {
    DEFAULT_GROUPS
        .into_iter()
        .find(|(_, capability)| profile.capabilities.contains(capability))
        .map_or(DEFAULT_GROUP, |(group, _)| group)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::PathBuf;
    use std::sync::Arc;

    use rstest::rstest;

    use super::*;
    use crate::case::Case;
    use crate::expand::expand;
    use crate::load::LoadedScenario;

    #[rstest]
    #[case::all_three(&[Capability::Modp2048, Capability::Modp1536, Capability::Modp1024], Group::Modp1024)]
    #[case::no_modp1024(&[Capability::Modp2048, Capability::Modp1536], Group::Modp1536)]
    #[case::modp2048_alone(&[Capability::Modp2048, Capability::Ecp256], Group::Modp2048)]
    #[case::none_of_them(&[Capability::Ecp256], Group::Modp1024)]
    fn the_default_is_the_first_that_the_peer_has(#[case] has: &[Capability], #[case] expected: Group) {
        let profile = PeerProfile {
            name: "p".into(),
            version: "1".into(),
            capabilities: has.iter().copied().collect(),
            missing: BTreeMap::new(),
            ..PeerProfile::default()
        };
        assert_eq!(default_group(&profile), expected);
    }

    fn cases(config: &str, default_group: Group) -> Vec<Case> {
        let json = format!(
            r#"{{"version": 1, "description": "d", "requirements": ["RFC2409-5.4-01"], "level": "must",
                "roles": ["initiator"], {config} "steps": [{{"start": {{"exchange": "both"}}}}],
                "accept": [{{"because": "b", "all": [{{"no_sa": {{}}}}]}}]}}"#
        );
        let loaded = LoadedScenario {
            id: "a/b".into(),
            path: PathBuf::from("b.json"),
            scenario: serde_json::from_str(&json).unwrap(),
            credentials: Arc::default(),
        };
        expand(&loaded, default_group)
    }

    /// The groups of phase 1 and of quick mode on both sides, and what groups the peer needs.
    fn groups(case: &Case) -> (BTreeSet<Group>, BTreeSet<Option<Group>>, Vec<Capability>) {
        let sides = [&case.config.harness, &case.config.peer];
        let phase1 = sides.iter().flat_map(|side| &side.phase1.transforms).map(|transform| transform.group);
        let pfs = sides.iter().map(|side| side.phase2.pfs);
        let needs = DEFAULT_GROUPS.iter().map(|(_, need)| *need).filter(|need| case.needs.contains(need));
        (phase1.collect(), pfs.collect(), needs.collect())
    }

    #[rstest]
    #[case::no_transform("")]
    #[case::a_transform_without(
        r#""config": {"common": {"phase1": {"transforms": [{"cipher": "aes128", "hash": "sha1"}]}}},"#
    )]
    #[case::a_matrix_of_something_else(r#""matrix": {"cipher": ["3des"]},"#)]
    fn where_no_group_is_named_the_default_is_used_and_needed(#[case] config: &str) {
        for (group, need) in DEFAULT_GROUPS {
            let cases = cases(config, group);
            assert_eq!(groups(&cases[0]), ([group].into(), [None].into(), vec![need]));
        }
    }

    #[rstest]
    #[case::by_the_configuration(r#""config": {"common": {"phase2": {"pfs": "default"}}},"#, "a/b")]
    #[case::by_the_matrix(r#""matrix": {"pfs": ["default"]},"#, "a/b/pfs")]
    fn pfs_with_the_default_group_does_not_name_it_in_the_id(#[case] config: &str, #[case] id: &str) {
        for (group, need) in DEFAULT_GROUPS {
            let cases = cases(config, group);
            assert_eq!(groups(&cases[0]), ([group].into(), [Some(group)].into(), vec![need]));
            assert_eq!(cases[0].id, id);
        }
    }

    #[test]
    fn a_named_group_stays_whatever_the_default_is() {
        let config = r#""config": {"common": {"phase2": {"pfs": "modp1024"}, "phase1": {"transforms": [
            {"cipher": "aes128", "hash": "sha1", "group": "modp2048"}]}}},"#;
        assert_eq!(cases(config, Group::Modp1024), cases(config, Group::Modp1536));
    }
}
