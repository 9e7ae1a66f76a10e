//! Which identities a certificate names (RFC 4945 section 3.1).

use core::net::IpAddr;

use der::Encode;
use x509_cert::ext::pkix::name::GeneralName;

use super::Certificate;
use crate::deviation::{Deviation, deviates};
use crate::wire::{IdType, Identification};

impl Certificate {
    /// Whether the certificate names this identity:
    ///
    /// | type | what must be equal |
    /// |---|---|
    /// | `ID_IPV4_ADDR`, `ID_IPV6_ADDR` | an iPAddress of subjectAltName, bit by bit |
    /// | `ID_FQDN` | a dNSName, but for the case of ASCII letters; no wildcards |
    /// | `ID_USER_FQDN` | an rfc822Name, but for the case of ASCII letters |
    /// | `ID_DER_ASN1_DN` | the whole subject, bit by bit, unless empty |
    /// | `ID_DER_ASN1_GN` | a GeneralName of subjectAltName, bit by bit (RFC 4945 forbids to send it and leaves open how to match it) |
    ///
    /// No certificate names any other type, or an identity without data. Protocol and port do not matter.
    #[must_use]
    pub fn names(&self, id: &Identification) -> bool {
        if deviates(Deviation::AcceptsAnyNameInCertificates) {
            return true;
        }
        let data = id.data.as_ref();
        let mut alternatives = self.extensions().subject_alt_name.iter();
        if data.is_empty() {
            return false;
        }
        match id.id_type {
            IdType::IPV4_ADDR | IdType::IPV6_ADDR => {
                alternatives.any(|name| matches!(name, GeneralName::IpAddress(ip) if ip.as_bytes() == data))
            }
            IdType::FQDN => alternatives.any(
                |name| matches!(name, GeneralName::DnsName(dns) if dns.as_bytes().eq_ignore_ascii_case(data)),
            ),
            IdType::USER_FQDN => alternatives.any(
                |name| matches!(name, GeneralName::Rfc822Name(user) if user.as_bytes().eq_ignore_ascii_case(data)),
            ),
            IdType::DER_ASN1_DN => !self.subject().is_empty() && self.subject().as_der() == data,
            IdType::DER_ASN1_GN => alternatives.any(|name| name.to_der().is_ok_and(|name| name == data)),
            _ => false,
        }
    }

    /// The identities that the certificate names and that may be sent in an ID payload: the subject unless empty,
    /// then addresses, domain names and user names of subjectAltName in their order.
    #[must_use]
    pub fn identities(&self) -> Vec<Identification> {
        let subject = (!self.subject().is_empty()).then(|| self.subject().to_id());
        let alternatives = self.extensions().subject_alt_name.iter().filter_map(|name| match name {
            GeneralName::IpAddress(ip) => {
                let v4 = <[u8; 4]>::try_from(ip.as_bytes()).map(IpAddr::from);
                let v6 = <[u8; 16]>::try_from(ip.as_bytes()).map(IpAddr::from);
                v4.or(v6).ok().map(Identification::ip)
            }
            GeneralName::DnsName(name) => Some(Identification::fqdn(name.as_str())),
            GeneralName::Rfc822Name(name) => Some(Identification::user_fqdn(name.as_str())),
            _ => None,
        });
        subject.into_iter().chain(alternatives).collect()
    }
}
