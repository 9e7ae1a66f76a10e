//! Diffie-Hellman groups (RFC 2409 section 6).

names! {
    /// Diffie-Hellman group of phase 1.
    Group {
        /// Group 1, 768 bits.
        Modp768 = "modp768",
        /// Group 2, 1024 bits.
        Modp1024 = "modp1024",
        /// Group 5, 1536 bits.
        Modp1536 = "modp1536",
        /// Group 14, 2048 bits.
        Modp2048 = "modp2048",
        /// Group 15, 3072 bits.
        Modp3072 = "modp3072",
        /// Group 16, 4096 bits.
        Modp4096 = "modp4096",
        /// Group 17, 6144 bits.
        Modp6144 = "modp6144",
        /// Group 18, 8192 bits.
        Modp8192 = "modp8192",
        /// Group 22, 1024 bits with a subgroup of 160 bits.
        Modp1024Subgroup160 = "modp1024s160",
        /// Group 23, 2048 bits with a subgroup of 224 bits.
        Modp2048Subgroup224 = "modp2048s224",
        /// Group 24, 2048 bits with a subgroup of 256 bits.
        Modp2048Subgroup256 = "modp2048s256",
        /// Group 19, the curve P-256.
        Ecp256 = "ecp256",
        /// Group 20, the curve P-384.
        Ecp384 = "ecp384",
        /// Group 21, the curve P-521.
        Ecp521 = "ecp521",
        /// Group 3, a curve over GF(2^155).
        Ec2n155 = "ec2n155",
        /// Group 4, a curve over GF(2^185).
        Ec2n185 = "ec2n185",
        /// The private group of the configuration, given by its numbers.
        Private = "private",
    }
}

names! {
    /// Perfect forward secrecy in quick mode: none, or the group of its own Diffie-Hellman exchange.
    Pfs {
        /// No KE payloads.
        None = "none",
        /// The run's default group: the first of modp1024, modp1536 and modp2048 that the peer has.
        Default = "default",
        /// Group 1.
        Modp768 = "modp768",
        /// Group 2.
        Modp1024 = "modp1024",
        /// Group 5.
        Modp1536 = "modp1536",
        /// Group 14.
        Modp2048 = "modp2048",
        /// Group 15.
        Modp3072 = "modp3072",
        /// Group 16.
        Modp4096 = "modp4096",
        /// Group 17.
        Modp6144 = "modp6144",
        /// Group 18.
        Modp8192 = "modp8192",
        /// Group 22.
        Modp1024Subgroup160 = "modp1024s160",
        /// Group 23.
        Modp2048Subgroup224 = "modp2048s224",
        /// Group 24.
        Modp2048Subgroup256 = "modp2048s256",
        /// Group 19.
        Ecp256 = "ecp256",
        /// Group 20.
        Ecp384 = "ecp384",
        /// Group 21.
        Ecp521 = "ecp521",
        /// Group 3.
        Ec2n155 = "ec2n155",
        /// Group 4.
        Ec2n185 = "ec2n185",
        /// The private group of the configuration, once New Group mode has defined it.
        Private = "private",
    }
}

impl Pfs {
    /// The group where `default` is the run's, unless there is none.
    pub const fn group(self, default: Group) -> Option<Group> {
        match self {
            Self::Default => Some(default),
            Self::None => None,
            Self::Modp768 => Some(Group::Modp768),
            Self::Modp1024 => Some(Group::Modp1024),
            Self::Modp1536 => Some(Group::Modp1536),
            Self::Modp2048 => Some(Group::Modp2048),
            Self::Modp3072 => Some(Group::Modp3072),
            Self::Modp4096 => Some(Group::Modp4096),
            Self::Modp6144 => Some(Group::Modp6144),
            Self::Modp8192 => Some(Group::Modp8192),
            Self::Modp1024Subgroup160 => Some(Group::Modp1024Subgroup160),
            Self::Modp2048Subgroup224 => Some(Group::Modp2048Subgroup224),
            Self::Modp2048Subgroup256 => Some(Group::Modp2048Subgroup256),
            Self::Ecp256 => Some(Group::Ecp256),
            Self::Ecp384 => Some(Group::Ecp384),
            Self::Ecp521 => Some(Group::Ecp521),
            Self::Ec2n155 => Some(Group::Ec2n155),
            Self::Ec2n185 => Some(Group::Ec2n185),
            Self::Private => Some(Group::Private),
        }
    }
}
