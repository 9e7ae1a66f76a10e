//! The Signature payload, `SIG` (RFC 2408 section 3.12).

use super::opaque::opaque_payload;

opaque_payload! {
    /// The Signature payload: SIG_I or SIG_R.
    ///
    /// ```text
    ///                      1                   2                   3
    ///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    /// +---------------+---------------+-------------------------------+
    /// | Next Payload  |   RESERVED    |        Payload Length         |
    /// +---------------+---------------+-------------------------------+
    /// ~                        Signature Data                         ~
    /// +---------------------------------------------------------------+
    /// ```
    pub struct Signature {
        /// The signature over HASH_I or HASH_R.
        data,
    }
}
