//! The extensions of certificates.

use std::collections::BTreeSet;

use der::Decode;
use der::asn1::ObjectIdentifier;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralNames;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName};

use super::PkiError;

const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");

/// anyExtendedKeyUsage.
const ANY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
/// id-kp-ipsecIKE.
const IPSEC_IKE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.17");

/// What RFC 4945 section 5.1.3 wants implementations to recognize, and extKeyUsage.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Extensions {
    pub(super) basic_constraints: Option<BasicConstraints>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) subject_alt_name: GeneralNames,
    extended_key_usage: Option<Vec<ObjectIdentifier>>,
    /// The first critical one that is not among them.
    pub(super) unknown_critical: Option<ObjectIdentifier>,
}

impl Extensions {
    pub(super) fn parse(list: &[Extension]) -> Result<Self, PkiError> {
        let mut parsed = Self::default();
        let mut seen = BTreeSet::new();
        for extension in list {
            if !seen.insert(extension.extn_id) {
                return Err(PkiError::malformed(
                    "certificate",
                    format!("extension {} twice", extension.extn_id),
                ));
            }
            parsed.take(extension).map_err(|error| {
                PkiError::malformed("certificate", format!("extension {}: {error}", extension.extn_id))
            })?;
        }
        Ok(parsed)
    }

    fn take(&mut self, extension: &Extension) -> der::Result<()> {
        let value = extension.extn_value.as_bytes();
        match extension.extn_id {
            KEY_USAGE => self.key_usage = Some(KeyUsage::from_der(value)?),
            SUBJECT_ALT_NAME => self.subject_alt_name = SubjectAltName::from_der(value)?.0,
            BASIC_CONSTRAINTS => self.basic_constraints = Some(BasicConstraints::from_der(value)?),
            EXTENDED_KEY_USAGE => self.extended_key_usage = Some(ExtendedKeyUsage::from_der(value)?.0),
            other => {
                if extension.critical {
                    self.unknown_critical.get_or_insert(other);
                }
            }
        }
        Ok(())
    }

    /// Whether extKeyUsage leaves room for IKE (RFC 4945 section 5.1.3.12).
    pub(super) fn allows_ike(&self) -> bool {
        self.extended_key_usage
            .as_ref()
            .is_none_or(|usages| usages.iter().any(|usage| *usage == IPSEC_IKE || *usage == ANY_USAGE))
    }
}
