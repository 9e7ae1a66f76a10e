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

#[cfg(test)]
mod tests {
    use super::super::test_support::*;
    use super::*;

    #[test]
    fn round_trips_certificate() {
        assert_fixed_bytes(Certificate::new(CertEncoding::X509_SIGNATURE, hex("3082")), "04 3082");
    }

    #[test]
    fn round_trips_certificate_request_for_any_authority() {
        assert_fixed_bytes(CertificateRequest::new(CertEncoding::CRL, Bytes::new()), "07");
    }

    #[test]
    fn rejects_every_shorter_prefix() {
        let certificate = Certificate::new(CertEncoding::PGP, hex("0102"));
        let request = CertificateRequest::new(CertEncoding::PGP, hex("0102"));
        assert_shorter_bodies_fail(certificate.clone(), 1);
        assert_shorter_bodies_fail(request.clone(), 1);
        assert_shorter_chains_fail(certificate);
        assert_shorter_chains_fail(request);
    }

    #[test]
    fn rejects_bad_payload_lengths() {
        assert_bad_payload_lengths_fail(Certificate::new(CertEncoding::PGP, hex("0102")));
        assert_bad_payload_lengths_fail(CertificateRequest::new(CertEncoding::PGP, hex("0102")));
    }

    #[test]
    fn keeps_an_unknown_encoding() {
        assert_fixed_bytes(Certificate::new(CertEncoding(200), hex("01")), "c8 01");
        assert_fixed_bytes(CertificateRequest::new(CertEncoding(201), hex("01")), "c9 01");
    }
}
