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
