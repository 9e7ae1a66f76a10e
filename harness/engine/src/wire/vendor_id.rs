//! The Vendor ID payload, `VID` (RFC 2408 section 3.16).

use super::opaque::opaque_payload;

opaque_payload! {
    /// The Vendor ID payload, which announces an extension.
    ///
    /// ```text
    ///                      1                   2                   3
    ///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    /// +---------------+---------------+-------------------------------+
    /// | Next Payload  |   RESERVED    |        Payload Length         |
    /// +---------------+---------------+-------------------------------+
    /// ~                        Vendor ID (VID)                        ~
    /// +---------------------------------------------------------------+
    /// ```
    pub struct VendorId {
        /// The vendor ID, usually a hash of a text.
        data,
    }
}
