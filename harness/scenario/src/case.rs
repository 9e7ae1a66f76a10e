//! A case: one scenario with one point of its matrix and one role, with nothing left to default.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::fault::CaseFault;
use crate::model::{
    Acceptance, Authentication, BundledProtocol, Capability, Cipher, ClientId, ClientMatch, Dpd,
    Encapsulation, Fragmentation, FurtherSa, Group, Hash, Identity, Level, ModeConfig, NatTraversal,
    NatTraversalVersion, Phase1Exchange, Phase2Transform, PrivateGroup, Protocol, Retransmission, Role, Side,
    Step, XauthConfig,
};
use crate::model::{Pfs, is_psk, psk};
use crate::pki::ResolvedPki;
use crate::requirement::RequirementId;

/// One case. It goes into the folder of a run, so that judging again needs no scenario file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The scenario's path below the scenario folder, without `.json`, and the values of the matrix.
    pub id: String,
    /// The part that the harness engine plays.
    pub role: Role,
    /// The scenario's description.
    pub description: String,
    /// The clauses that are tested.
    pub requirements: Vec<RequirementId>,
    /// How strongly they bind.
    pub level: Level,
    /// Everything that the peer must be able to do.
    pub needs: BTreeSet<Capability>,
    /// The values of the matrix that made the case, by axis.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Configuration of both sides.
    pub config: ResolvedConfig,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// The fault operators that steps were made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<CaseFault>,
    /// The accepted outcomes.
    pub accept: Vec<Acceptance>,
    /// Compare every derived value that both sides know.
    pub compare_values: bool,
}

impl Case {
    /// The role of a side in phase 1.
    pub fn role_of(&self, side: Side) -> Role {
        if side == self.initiator() { Role::Initiator } else { Role::Responder }
    }

    /// The side that initiates phase 1 and the first quick mode.
    pub fn initiator(&self) -> Side {
        match self.role {
            Role::Initiator => Side::Harness,
            Role::Responder => Side::Peer,
        }
    }
}

/// Configuration of both sides, complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolvedConfig {
    /// The harness engine.
    pub harness: ResolvedSide,
    /// The peer.
    pub peer: ResolvedSide,
}

impl ResolvedConfig {
    /// The configuration of one side.
    pub fn side(&self, side: Side) -> &ResolvedSide {
        match side {
            Side::Harness => &self.harness,
            Side::Peer => &self.peer,
        }
    }
}

/// Configuration of one side, complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolvedSide {
    /// The exchange that sets up phase 1.
    pub exchange: Phase1Exchange,
    /// The pre-shared key.
    pub psk: String,
    /// Keys and certificates; `None` where no authentication method takes any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pki: Option<ResolvedPki>,
    /// The identity that this side sends.
    pub id: Identity,
    /// The identity that this side requires of the other; [`Identity::Address`] is the other's address.
    pub remote_id: Identity,
    /// Take first messages from any address.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub any_address: bool,
    /// Phase 1.
    pub phase1: ResolvedPhase1,
    /// Phase 2.
    pub phase2: ResolvedPhase2,
    /// Extended authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xauth: Option<XauthConfig>,
    /// Mode-Config.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode_config: Option<ModeConfig>,
    /// NAT traversal.
    pub nat_traversal: NatTraversal,
    /// The versions of NAT traversal that are announced.
    #[serde(default = "rfc3947")]
    pub nat_traversal_versions: Vec<NatTraversalVersion>,
    /// Seconds without a datagram before a keep-alive, behind a NAT; without it none goes out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat_keep_alive_seconds: Option<u32>,
    /// Dead peer detection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpd: Option<Dpd>,
    /// Fragmentation of messages.
    #[serde(default)]
    pub fragmentation: Fragmentation,
    /// Send INITIAL-CONTACT.
    pub initial_contact: bool,
    /// As responder, send RESPONDER-LIFETIME.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub responder_lifetime: bool,
    /// As responder, send REPLAY-STATUS.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub replay_status: bool,
    /// Set the Commit bit.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub commit_bit: bool,
    /// Say which certificates and requests for certificates were of no use.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub notify_discarded: bool,
    /// The private group that `private` means.
    #[serde(default, skip_serializing_if = "PrivateGroup::is_default")]
    pub private_group: PrivateGroup,
    /// Take groups that the other side defines by New Group mode.
    #[serde(default = "takes_new_groups")]
    pub new_groups: bool,
    /// Retransmission.
    pub retransmission: Retransmission,
    /// Replace SAs before they expire.
    pub rekey: bool,
    /// How long before the end of a lifetime SAs are replaced, in seconds.
    pub rekey_margin_seconds: u32,
}

const fn takes_new_groups() -> bool {
    true
}

/// The default of [`ResolvedSide::nat_traversal_versions`].
pub fn rfc3947() -> Vec<NatTraversalVersion> {
    vec![NatTraversalVersion::Rfc3947]
}

/// Phase 1 of one side, complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolvedPhase1 {
    /// Transforms, best first.
    pub transforms: Vec<ResolvedTransform>,
    /// Life of the ISAKMP SA in seconds.
    pub lifetime_seconds: u32,
    /// Offer no Key Length where the cipher has a length for that case.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub omit_default_key_length: bool,
}

/// One transform of phase 1, complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolvedTransform {
    /// Authentication method.
    #[serde(default = "psk", skip_serializing_if = "is_psk")]
    pub authentication: Authentication,
    /// Encryption algorithm.
    pub cipher: Cipher,
    /// Hash algorithm.
    pub hash: Hash,
    /// Diffie-Hellman group.
    pub group: Group,
}

/// Phase 2 of one side, complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolvedPhase2 {
    /// ESP or AH.
    pub protocol: Protocol,
    /// Encapsulation mode.
    pub encapsulation: Encapsulation,
    /// Transforms, best first.
    pub transforms: Vec<Phase2Transform>,
    /// Further protocols of the bundle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bundle: Vec<BundledProtocol>,
    /// Further SAs of the same quick mode.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further_sas: Vec<FurtherSa>,
    /// What else is offered and taken, under proposal numbers of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<Vec<BundledProtocol>>,
    /// The group of perfect forward secrecy; without it quick mode has no KE payloads.
    #[serde(with = "pfs_name")]
    pub pfs: Option<Group>,
    /// Life of the IPsec SAs in seconds.
    pub lifetime_seconds: u32,
    /// Life of the IPsec SAs in kilobytes; without it none is offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime_kilobytes: Option<u32>,
    /// Send client identities. Without them the ISAKMP addresses are meant, and `client` is only used by traffic.
    pub ids: bool,
    /// This side's client network, e.g. `10.11.0.0/24`.
    pub client: String,
    /// The other side's client network, as this side expects it.
    pub remote_client: String,
    /// What names this side's client instead of `client`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// What names the other's client instead of `remote_client`, as this side expects it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_client_id: Option<ClientId>,
    /// Which clients that the other names are taken.
    #[serde(default = "same_clients")]
    pub client_match: ClientMatch,
}

const fn same_clients() -> ClientMatch {
    ClientMatch::Same
}

/// Perfect forward secrecy by its name in scenarios, where `none` is one too.
mod pfs_name {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Group, Pfs};

    #[expect(clippy::trivially_copy_pass_by_ref, clippy::ref_option, reason = "serde wants a reference")]
    pub(super) fn serialize<S: Serializer>(group: &Option<Group>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(group.map_or(Pfs::None.name(), Group::name))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Group>, D::Error> {
        match Pfs::deserialize(deserializer)? {
            Pfs::None => Ok(None),
            named => match Group::from_name(named.name()) {
                Some(group) => Ok(Some(group)),
                None => Err(D::Error::custom(format_args!("`{named}` is no group: a case names its own"))),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::testing::case;

    #[rstest]
    #[case::none(None, "none")]
    #[case::a_group(Some(Group::Modp1536), "modp1536")]
    fn a_stored_case_has_the_group_of_pfs_by_its_name(#[case] pfs: Option<Group>, #[case] name: &str) {
        let mut case = case();
        case.config.peer.phase2.pfs = pfs;
        let stored = serde_json::to_value(&case).unwrap();
        assert_eq!(stored["config"]["peer"]["phase2"]["pfs"], name);
        assert_eq!(serde_json::from_value::<Case>(stored).unwrap(), case);
    }

    #[test]
    fn a_stored_case_leaves_no_group_to_the_run() {
        let mut stored = serde_json::to_value(case()).unwrap();
        stored["config"]["peer"]["phase2"]["pfs"] = "default".into();
        let error = serde_json::from_value::<Case>(stored).unwrap_err().to_string();
        assert!(error.contains("`default` is no group"), "{error}");
    }
}
