//! The Certificate and Certificate Request payloads, `CERT` and `CR` (RFC 2408 sections 3.9 and 3.10).

use bytes::Bytes;

use super::codec::Reader;
use super::{CertEncoding, Result};

/// The CERT payload: one certificate or certificate revocation list.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// | Next Payload  |   RESERVED    |        Payload Length         |
/// +---------------+---------------+-------------------------------+
/// | Cert Encoding |                                               |
/// +---------------+                                               |
/// ~                       Certificate Data                        ~
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Certificate {
    /// Certificate encoding.
    pub encoding: CertEncoding,
    /// Certificate data.
    pub data: Bytes,
}

impl Certificate {
    /// A certificate in this encoding.
    pub fn new(encoding: CertEncoding, data: impl Into<Bytes>) -> Self {
        Self { encoding, data: data.into() }
    }

    pub(super) fn decode(body: Bytes) -> Result<Self> {
        let mut reader = Reader::new("Certificate payload", body);
        Ok(Self { encoding: CertEncoding(reader.u8()?), data: reader.rest() })
    }

    pub(super) fn encode_body(&self) -> Vec<u8> {
        [&[self.encoding.0], self.data.as_ref()].concat()
    }
}

/// The CR payload: asks for a certificate, possibly from one certificate authority.
///
/// ```text
///                      1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// | Next Payload  |   RESERVED    |        Payload Length         |
/// +---------------+---------------+-------------------------------+
/// |  Cert. Type   |                                               |
/// +---------------+                                               |
/// ~                    Certificate Authority                      ~
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CertificateRequest {
    /// Type of certificate asked for.
    pub cert_type: CertEncoding,
    /// Name of an acceptable certificate authority, for X.509 the issuer's distinguished name in DER; empty for
    /// any.
    pub authority: Bytes,
}

impl CertificateRequest {
    /// A request for a certificate of this type.
    pub fn new(cert_type: CertEncoding, authority: impl Into<Bytes>) -> Self {
        Self { cert_type, authority: authority.into() }
    }

    pub(super) fn decode(body: Bytes) -> Result<Self> {
        let mut reader = Reader::new("Certificate Request payload", body);
        Ok(Self { cert_type: CertEncoding(reader.u8()?), authority: reader.rest() })
    }

    pub(super) fn encode_body(&self) -> Vec<u8> {
        [&[self.cert_type.0], self.authority.as_ref()].concat()
    }
}
