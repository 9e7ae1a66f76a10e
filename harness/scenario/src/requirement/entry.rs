//! One entry of the register.

use core::num::NonZeroU8;

use serde::{Deserialize, Serialize};

use super::id::RequirementId;
use crate::model::{Binds, Level, Testable, Word};

/// One clause of an RFC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Its ID.
    pub id: RequirementId,
    /// The section that states it.
    pub section: String,
    /// How strongly it binds. What a section states without the words of RFC 2119, like a formula, is a must.
    pub level: Level,
    /// The word of RFC 2119 that the text has; `None` where it states the clause without one.
    pub word: Option<Word>,
    /// How many further such words of the text say the same, and have no entry of their own.
    pub also: Option<NonZeroU8>,
    /// Whom it binds. An entry of a ledger has it.
    pub binds: Option<Binds>,
    /// Where a test can see whether it is kept. An entry of a ledger has it.
    pub testable: Option<Testable>,
    /// Why no test can see it.
    pub why: Option<String>,
    /// What it says, in our own words.
    pub summary: String,
}

impl Requirement {
    /// Whether a case can test it. An entry that does not say is there because scenarios cite it.
    pub fn is_testable(&self) -> bool {
        self.testable.is_none_or(Testable::is_testable)
    }

    /// What is wrong with the entry by itself; `ledger` is whether its file lists every clause of its document.
    pub(super) fn problem(&self, ledger: bool) -> Option<&'static str> {
        if self.id.section() != self.section {
            return Some("the ID is of another section than the entry");
        }
        if self.summary.trim().is_empty() {
            return Some("the summary is empty");
        }
        if self.word.is_some_and(|word| word.level() != self.level) {
            return Some("the word is one of another level");
        }
        if self.also.is_some() && self.word.is_none() {
            return Some("`also` counts further words, but there is no `word`");
        }
        if ledger && self.binds.is_none() {
            return Some("`binds` is missing, which every entry of a ledger has");
        }
        if ledger && self.testable.is_none() {
            return Some("`testable` is missing, which every entry of a ledger has");
        }
        match (&self.why, self.is_testable()) {
            (None, false) => Some("`why` is missing: it says why no test can see the clause"),
            (Some(why), false) if why.trim().is_empty() => Some("`why` is empty"),
            (Some(_), true) => Some("`why` goes with `testable` = \"policy\" or \"no\" only"),
            _ => None,
        }
    }
}
