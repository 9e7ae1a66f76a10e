//! What a scenario says of itself, and whom or what it speaks of.

names! {
    /// How strongly the cited clauses bind (RFC 2119), and so what a deviation counts as.
    Level {
        /// A deviation is a `fail`.
        Must = "must",
        /// A deviation is a `warn`.
        Should = "should",
        /// A deviation is an `info`.
        May = "may",
    }
}

names! {
    /// The part that the harness engine plays in phase 1 and in the first quick mode.
    Role {
        /// The harness sends the first message.
        Initiator = "initiator",
        /// The peer sends the first message.
        Responder = "responder",
    }
}

names! {
    /// One of the two ends.
    Side {
        /// The engine of the harness.
        Harness = "harness",
        /// The implementation under test.
        Peer = "peer",
    }
}

impl Side {
    /// The other end.
    pub const fn other(self) -> Self {
        match self {
            Self::Harness => Self::Peer,
            Self::Peer => Self::Harness,
        }
    }
}

names! {
    /// Whose state a condition is about.
    Whose {
        /// The engine of the harness.
        Harness = "harness",
        /// The implementation under test.
        Peer = "peer",
        /// Both of them.
        Both = "both",
    }
}

names! {
    /// A kind of SA.
    SaKind {
        /// ISAKMP SA.
        Isakmp = "isakmp",
        /// The pair of IPsec SAs of one quick mode.
        Ipsec = "ipsec",
    }
}

names! {
    /// Which of several SAs of a kind.
    Which {
        /// The one set up last.
        Newest = "newest",
        /// The one set up first among those that stand.
        Oldest = "oldest",
    }
}
