//! Exchanges (RFC 2408 section 3.1, RFC 2409 Appendix A).

names! {
    /// An exchange as it appears on the wire.
    Exchange {
        /// Main mode, the identity protection exchange (type 2).
        MainMode = "main-mode",
        /// Aggressive mode (type 4).
        AggressiveMode = "aggressive-mode",
        /// Informational exchange (type 5).
        Informational = "informational",
        /// Transaction exchange of Mode-Config and XAUTH (type 6).
        Transaction = "transaction",
        /// Quick mode (type 32).
        QuickMode = "quick-mode",
        /// New group mode (type 33).
        NewGroupMode = "new-group-mode",
    }
}

names! {
    /// The exchange that sets up phase 1.
    Phase1Exchange {
        /// Six messages, identities encrypted.
        MainMode = "main-mode",
        /// Three messages.
        AggressiveMode = "aggressive-mode",
    }
}

impl From<Phase1Exchange> for Exchange {
    fn from(exchange: Phase1Exchange) -> Self {
        match exchange {
            Phase1Exchange::MainMode => Self::MainMode,
            Phase1Exchange::AggressiveMode => Self::AggressiveMode,
        }
    }
}
