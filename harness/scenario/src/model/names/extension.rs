//! NAT traversal, fragmentation and dead peer detection.

names! {
    /// NAT traversal (RFC 3947).
    NatTraversal {
        /// Not offered.
        Off = "off",
        /// Offered; used when a NAT is found.
        Auto = "auto",
        /// Offered with a NAT-D payload that makes the other side find a NAT.
        Force = "force",
    }
}

names! {
    /// A specification of NAT traversal.
    NatTraversalVersion {
        /// RFC 3947.
        Rfc3947 = "rfc3947",
        /// draft-ietf-ipsec-nat-t-ike-03.
        Draft03 = "draft-03",
        /// draft-ietf-ipsec-nat-t-ike-02, announced with a line feed behind its name, as most do.
        Draft02LineFeed = "draft-02-line-feed",
        /// draft-ietf-ipsec-nat-t-ike-02.
        Draft02 = "draft-02",
    }
}

names! {
    /// Fragmentation of messages (payload type 132).
    FragmentationMode {
        /// Neither announced nor used.
        Off = "off",
        /// Announced, and fragments are taken; none are sent.
        Accept = "accept",
        /// Announced, and fragments are sent to a side that announces it too.
        On = "on",
        /// Announced, and fragments are sent.
        Force = "force",
    }
}

names! {
    /// When a side asks whether the other lives (RFC 3706).
    DpdTrigger {
        /// When it is told to.
        Command = "command",
        /// When nothing has come for a while.
        Idle = "idle",
        /// When it sends packets and nothing has come for a while.
        Traffic = "traffic",
    }
}
