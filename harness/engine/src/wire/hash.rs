//! The Hash payload, `HASH` (RFC 2408 section 3.11).

use super::opaque::opaque_payload;

opaque_payload! {
    /// The Hash payload: HASH_I, HASH_R, or one of the HASH(n) of phase 2.
    ///
    /// ```text
    ///                      1                   2                   3
    ///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    /// +---------------+---------------+-------------------------------+
    /// | Next Payload  |   RESERVED    |        Payload Length         |
    /// +---------------+---------------+-------------------------------+
    /// ~                           Hash Data                           ~
    /// +---------------------------------------------------------------+
    /// ```
    pub struct Hash {
        /// The hash, as long as the output of the negotiated prf.
        data,
    }
}
