//! Authentication in phase 1, and what a side shows for it.

names! {
    /// Authentication method of phase 1 (RFC 2409 section 5, RFC 4754).
    Authentication {
        /// Pre-shared key.
        Psk = "psk",
        /// DSS signatures.
        DssSignature = "dss-signature",
        /// RSA signatures.
        RsaSignature = "rsa-signature",
        /// Public key encryption with RSA.
        RsaEncryption = "rsa-encryption",
        /// The revised mode of public key encryption with RSA.
        RevisedRsaEncryption = "revised-rsa-encryption",
        /// ECDSA with SHA-256 on P-256.
        EcdsaP256 = "ecdsa-p256",
        /// ECDSA with SHA-384 on P-384.
        EcdsaP384 = "ecdsa-p384",
        /// ECDSA with SHA-512 on P-521.
        EcdsaP521 = "ecdsa-p521",
    }
}

impl Authentication {
    /// Whether nonces and identities are encrypted under the other side's public key.
    pub const fn encrypts(self) -> bool {
        matches!(self, Self::RsaEncryption | Self::RevisedRsaEncryption)
    }
}

names! {
    /// When a side's certificates go along with its proof of identity.
    SendCertificate {
        /// When the other side asked for one of an authority that they lead to.
        IfAsked = "if-asked",
        /// Unasked too.
        Always = "always",
        /// Never.
        Never = "never",
    }
}

names! {
    /// When a side names the other's certificate by HASH(1), as initiator of public key encryption.
    NameCertificate {
        /// When it knows several certificates of the other.
        IfSeveral = "if-several",
        /// Whenever it knows a certificate of the other.
        Always = "always",
        /// Never.
        Never = "never",
    }
}
