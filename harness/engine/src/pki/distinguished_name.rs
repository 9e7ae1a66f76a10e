//! Distinguished names.

use core::fmt;
use core::str::FromStr;

use bytes::Bytes;
use der::{Decode, Encode};
use x509_cert::name::Name;

use super::PkiError;
use crate::wire::Identification;

/// An X.501 name in DER: a subject, an issuer, the certificate authority of a CR payload.
///
/// Two names are equal if their bytes are (RFC 4945 sections 3.1.5 and 3.2.7.1 compare them so).
///
/// ```
/// use ikev1::pki::DistinguishedName;
/// let name: DistinguishedName = "CN=alice,O=Example,C=CH".parse()?;
/// assert_eq!(name.to_string(), "CN=alice,O=Example,C=CH");
/// assert_eq!(DistinguishedName::from_der(name.as_der().clone())?, name);
/// # Ok::<(), ikev1::pki::PkiError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DistinguishedName(Bytes);

impl DistinguishedName {
    /// A name from its DER, which is kept as it is.
    ///
    /// # Errors
    /// [`PkiError::Malformed`] unless it is a name and nothing more.
    pub fn from_der(der: impl Into<Bytes>) -> Result<Self, PkiError> {
        let der = der.into();
        Name::from_der(&der).map_err(|error| PkiError::malformed("distinguished name", error))?;
        Ok(Self(der))
    }

    /// The DER.
    #[must_use]
    pub const fn as_der(&self) -> &Bytes {
        &self.0
    }

    /// Whether the name has no parts. The subject of a certificate may be empty, an issuer not.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.as_ref() == [0x30, 0]
    }

    /// The name as `ID_DER_ASN1_DN`.
    #[must_use]
    pub fn to_id(&self) -> Identification {
        Identification::der(self.0.clone())
    }
}

impl FromStr for DistinguishedName {
    type Err = PkiError;

    /// Reads the text form of RFC 4514, the most specific part first. Values become UTF8String, countries
    /// PrintableString, as certificate authorities encode them today.
    fn from_str(text: &str) -> Result<Self, PkiError> {
        Name::from_str(text)
            .and_then(|name| name.to_der())
            .map(|der| Self(der.into()))
            .map_err(|error| PkiError::malformed("distinguished name", error))
    }
}

impl fmt::Display for DistinguishedName {
    /// The text form of RFC 4514, control characters escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        let Ok(name) = Name::from_der(&self.0) else { return f.write_str("(no name)") };
        if self.is_empty() {
            return f.write_str("(empty name)");
        }
        for character in name.to_string().chars() {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}
