//! The Key Exchange payload, `KE` (RFC 2408 section 3.7, RFC 2409 section 5).

use super::opaque::opaque_payload;

opaque_payload! {
    /// The KE payload: a public Diffie-Hellman value, `g^xi` or `g^xr`.
    ///
    /// ```text
    ///                      1                   2                   3
    ///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    /// +---------------+---------------+-------------------------------+
    /// | Next Payload  |   RESERVED    |        Payload Length         |
    /// +---------------+---------------+-------------------------------+
    /// ~                       Key Exchange Data                       ~
    /// +---------------------------------------------------------------+
    /// ```
    pub struct KeyExchange {
        /// Public Diffie-Hellman value; for a MODP group as long as its prime, zeros prepended (RFC 2409 section 5), for an
        /// EC2N group an x coordinate as long as the field's elements (section 6.3).
        data,
    }
}
