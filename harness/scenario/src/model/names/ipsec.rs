//! Protocols of IPsec SAs and how they protect packets (RFC 2407 sections 4.4.1 and 4.5).

names! {
    /// Protocol of the IPsec SAs.
    Protocol {
        /// Encapsulating security payload.
        Esp = "esp",
        /// Authentication header.
        Ah = "ah",
        /// IP payload compression, in a bundle; its only transform is DEFLATE, `{}`.
        Ipcomp = "ipcomp",
    }
}

names! {
    /// Encapsulation mode of the IPsec SAs.
    Encapsulation {
        /// Whole IP packets are protected.
        Tunnel = "tunnel",
        /// Payloads of IP packets are protected.
        Transport = "transport",
    }
}

names! {
    /// Which of the clients that an initiator names a side takes.
    ClientMatch {
        /// Those that it is configured with.
        Same = "same",
        /// Also a part of them.
        Within = "within",
    }
}
