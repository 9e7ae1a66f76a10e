//! Ciphers of phase 1 (RFC 2409 Appendix A) and of ESP (RFC 2407 section 4.4.4).

names! {
    /// Encryption algorithm of phase 1.
    Cipher {
        /// DES-CBC.
        Des = "des",
        /// 3DES-CBC.
        TripleDes = "3des",
        /// IDEA-CBC.
        Idea = "idea",
        /// RC5-R16-B64-CBC with a 40-bit key.
        Rc5With40 = "rc5-40",
        /// RC5-R16-B64-CBC with a 128-bit key.
        Rc5With128 = "rc5-128",
        /// CAST-CBC with a 40-bit key.
        Cast40 = "cast40",
        /// CAST-CBC with a 128-bit key.
        Cast128 = "cast128",
        /// Blowfish-CBC with a 40-bit key.
        Blowfish40 = "blowfish40",
        /// Blowfish-CBC with a 128-bit key.
        Blowfish128 = "blowfish128",
        /// Blowfish-CBC with a 256-bit key.
        Blowfish256 = "blowfish256",
        /// Blowfish-CBC with a 448-bit key.
        Blowfish448 = "blowfish448",
        /// CAMELLIA-CBC with a 128-bit key.
        Camellia128 = "camellia128",
        /// CAMELLIA-CBC with a 192-bit key.
        Camellia192 = "camellia192",
        /// CAMELLIA-CBC with a 256-bit key.
        Camellia256 = "camellia256",
        /// AES-CBC with a 128-bit key.
        Aes128 = "aes128",
        /// AES-CBC with a 192-bit key.
        Aes192 = "aes192",
        /// AES-CBC with a 256-bit key.
        Aes256 = "aes256",
    }
}

names! {
    /// Encryption algorithm of ESP.
    EspCipher {
        /// ESP_NULL (RFC 2410).
        Null = "null",
        /// DES-CBC.
        Des = "des",
        /// 3DES-CBC.
        TripleDes = "3des",
        /// IDEA-CBC.
        Idea = "idea",
        /// RC5-CBC with a 40-bit key.
        Rc5With40 = "rc5-40",
        /// RC5-CBC with a 128-bit key.
        Rc5With128 = "rc5-128",
        /// CAST-CBC with a 40-bit key.
        Cast40 = "cast40",
        /// CAST-CBC with a 128-bit key.
        Cast128 = "cast128",
        /// Blowfish-CBC with a 40-bit key.
        Blowfish40 = "blowfish40",
        /// Blowfish-CBC with a 128-bit key.
        Blowfish128 = "blowfish128",
        /// Blowfish-CBC with a 256-bit key.
        Blowfish256 = "blowfish256",
        /// Blowfish-CBC with a 448-bit key.
        Blowfish448 = "blowfish448",
        /// CAMELLIA-CBC with a 128-bit key.
        Camellia128 = "camellia128",
        /// CAMELLIA-CBC with a 192-bit key.
        Camellia192 = "camellia192",
        /// CAMELLIA-CBC with a 256-bit key.
        Camellia256 = "camellia256",
        /// AES-CBC with a 128-bit key.
        Aes128 = "aes128",
        /// AES-CBC with a 192-bit key.
        Aes192 = "aes192",
        /// AES-CBC with a 256-bit key.
        Aes256 = "aes256",
    }
}
