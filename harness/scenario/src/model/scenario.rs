//! A scenario file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::accept::Acceptance;
use super::config::Config;
use super::names::{
    Authentication, Capability, Cipher, Encapsulation, EspCipher, Group, Hash, Integrity, Level, Pfs,
    Phase1Exchange, Protocol, Role,
};
use super::step::Step;
use crate::fault::Fault;
use crate::requirement::RequirementId;

/// One scenario file; its path below the scenario folder, without `.json`, is its ID.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Version of the format: 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// What is tested, in one or two sentences.
    pub description: String,
    /// The clauses that are tested. The first is the one by which a deviation is judged.
    pub requirements: Vec<RequirementId>,
    /// What a deviation counts as: the level of the first clause, or a lower one with the reason in `lenient`.
    pub level: Level,
    /// Why a deviation counts less than the level of the first clause says: the clause binds the other side, or it leaves open
    /// what is tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lenient: Option<String>,
    /// The parts that the harness engine plays; one case for each.
    pub roles: Vec<Role>,
    /// What the peer must be able to do beyond what configuration and steps imply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Capability>,
    /// Parameter values whose combinations make one case each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Matrix>,
    /// Configuration of both sides.
    #[serde(default)]
    pub config: Config,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// The accepted outcomes. The first whose conditions all hold gives the verdict.
    pub accept: Vec<Acceptance>,
    /// Checks that run without being asked for.
    #[serde(default)]
    pub checks: Checks,
}

/// Checks that run without being asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Checks {
    /// Compare every derived value that both sides know; a difference is a `fail`. Default: true, unless
    /// a step edits a message or datagram or the pre-shared keys differ, because then the values rightly differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<bool>,
}

/// Parameter values; each combination is a case, named by its values in the order of the fields.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// Phase 1 exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Vec<Phase1Exchange>>,
    /// Authentication method of phase 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Vec<Authentication>>,
    /// Phase 1 cipher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cipher: Option<Vec<Cipher>>,
    /// Phase 1 hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<Vec<Hash>>,
    /// Phase 1 group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Vec<Group>>,
    /// AH or ESP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Vec<Protocol>>,
    /// Tunnel or transport mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encapsulation: Option<Vec<Encapsulation>>,
    /// ESP's cipher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub esp_cipher: Option<Vec<EspCipher>>,
    /// Integrity algorithm of ESP or AH.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrity: Option<Vec<Integrity>>,
    /// Perfect forward secrecy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pfs: Option<Vec<Pfs>>,
    /// Fault operator of the steps `fault` that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Vec<Fault>>,
    /// Which combinations become cases.
    #[serde(default)]
    pub combine: Combine,
    /// Combinations that are left out: those that agree with every value set here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<MatrixPoint>,
}

/// Which combinations of a matrix become cases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Combine {
    /// All of them, whatever the strength of a run.
    Full,
    /// So many that each pair of values of two parameters occurs; with another strength (`conform --strength N`) each
    /// combination of values of N parameters.
    #[default]
    Pairwise,
}

/// One value for some or all parameters of a matrix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MatrixPoint {
    /// Phase 1 exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Phase1Exchange>,
    /// Authentication method of phase 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// Phase 1 cipher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cipher: Option<Cipher>,
    /// Phase 1 hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<Hash>,
    /// Phase 1 group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// AH or ESP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Tunnel or transport mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encapsulation: Option<Encapsulation>,
    /// ESP's cipher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub esp_cipher: Option<EspCipher>,
    /// Integrity algorithm of ESP or AH.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrity: Option<Integrity>,
    /// Perfect forward secrecy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pfs: Option<Pfs>,
    /// Fault operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}
