//! The Nonce payload, `NONCE` (RFC 2408 section 3.13).

use super::opaque::opaque_payload;

opaque_payload! {
    /// The Nonce payload, `Ni` or `Nr`. RFC 2409 section 5 wants 8 to 256 octets; the decoder takes any length.
    ///
    /// ```text
    ///                      1                   2                   3
    ///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    /// +---------------+---------------+-------------------------------+
    /// | Next Payload  |   RESERVED    |        Payload Length         |
    /// +---------------+---------------+-------------------------------+
    /// ~                          Nonce Data                           ~
    /// +---------------------------------------------------------------+
    /// ```
    pub struct Nonce {
        /// `Ni_b` or `Nr_b`, or their encryption when authenticating with public key encryption.
        data,
    }
}
