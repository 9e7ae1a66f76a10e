//! Hashes of phase 1 (RFC 2409 Appendix A), and what protects packets (RFC 2407 section 4.5).

names! {
    /// Hash algorithm of phase 1, whose HMAC is the prf.
    Hash {
        /// MD5.
        Md5 = "md5",
        /// SHA-1.
        Sha1 = "sha1",
        /// Tiger.
        Tiger = "tiger",
        /// SHA-256.
        Sha2_256 = "sha2-256",
        /// SHA-384.
        Sha2_384 = "sha2-384",
        /// SHA-512.
        Sha2_512 = "sha2-512",
    }
}

names! {
    /// Integrity algorithm of ESP and AH: the HMAC of this hash, truncated as RFC 2403, 2404 and 4868 say, or the MAC of RFC
    /// 3566.
    Integrity {
        /// HMAC-MD5-96.
        Md5 = "md5",
        /// HMAC-SHA-1-96.
        Sha1 = "sha1",
        /// HMAC-SHA-256-128.
        Sha2_256 = "sha2-256",
        /// HMAC-SHA-384-192.
        Sha2_384 = "sha2-384",
        /// HMAC-SHA-512-256.
        Sha2_512 = "sha2-512",
        /// AES-XCBC-MAC-96.
        AesXcbc = "aes-xcbc",
    }
}
