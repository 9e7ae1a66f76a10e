//! What a peer of the self target does in another way than it must.

#[cfg(feature = "mutants")]
use ikev1::deviation::{Deviation, during};
use ikev1_scenario::model::Edit;

/// What a peer does wrong; by default nothing.
#[derive(Debug, Clone, Default)]
pub struct Quirks {
    /// Changes of each message of the peer that they fit, whichever exchange of its type it belongs to. One that cannot be made
    /// leaves its message as it is.
    pub edits: Vec<Edit>,
    /// What it checks, decides or derives wrongly.
    #[cfg(feature = "mutants")]
    pub deviation: Option<Deviation>,
}

impl Quirks {
    /// Changes of messages alone.
    pub fn of_messages(edits: Vec<Edit>) -> Self {
        Self {
            edits,
            #[cfg(feature = "mutants")]
            deviation: None,
        }
    }

    /// Lets the peer work under them.
    #[cfg(feature = "mutants")]
    pub(super) fn during<R>(&self, work: impl FnOnce() -> R) -> R {
        during(self.deviation, work)
    }

    /// Lets the peer work under them.
    #[cfg(not(feature = "mutants"))]
    #[expect(clippy::unused_self, reason = "there is nothing that a peer could do wrong while it works")]
    pub(super) fn during<R>(&self, work: impl FnOnce() -> R) -> R {
        work()
    }
}
