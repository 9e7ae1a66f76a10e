//! What the register of requirements says of a clause.

use super::Level;

names! {
    /// The word of RFC 2119 by which a text binds.
    Word {
        /// An absolute requirement.
        Must = "MUST",
        /// An absolute prohibition.
        MustNot = "MUST NOT",
        /// The same as MUST.
        Shall = "SHALL",
        /// The same as MUST NOT.
        ShallNot = "SHALL NOT",
        /// The same as MUST.
        Required = "REQUIRED",
        /// There may be reasons to do otherwise.
        Should = "SHOULD",
        /// There may be reasons to do it.
        ShouldNot = "SHOULD NOT",
        /// The same as SHOULD.
        Recommended = "RECOMMENDED",
        /// The same as SHOULD NOT.
        NotRecommended = "NOT RECOMMENDED",
        /// It is left to the implementation.
        May = "MAY",
        /// The same as MAY.
        Optional = "OPTIONAL",
    }
}

impl Word {
    /// How strongly it binds.
    pub const fn level(self) -> Level {
        match self {
            Self::Must | Self::MustNot | Self::Shall | Self::ShallNot | Self::Required => Level::Must,
            Self::Should | Self::ShouldNot | Self::Recommended | Self::NotRecommended => Level::Should,
            Self::May | Self::Optional => Level::May,
        }
    }
}

names! {
    /// Whom a clause binds.
    Binds {
        /// The initiator of the exchange.
        Initiator = "initiator",
        /// The responder of the exchange.
        Responder = "responder",
        /// Each side, whatever it does.
        Both = "both",
        /// Who sends the message or datagram.
        Sender = "sender",
        /// Who receives the message or datagram.
        Receiver = "receiver",
    }
}

names! {
    /// Where a test can see whether a clause is kept.
    Testable {
        /// In messages.
        Wire = "wire",
        /// In SAs, keys, traffic or logs.
        State = "state",
        /// Nowhere: it is a choice of local policy, of configuration or of a user interface.
        Policy = "policy",
        /// Nowhere: it cannot be observed, or binds no implementation.
        No = "no",
    }
}

impl Testable {
    /// Whether a case can test the clause.
    pub const fn is_testable(self) -> bool {
        matches!(self, Self::Wire | Self::State)
    }
}
