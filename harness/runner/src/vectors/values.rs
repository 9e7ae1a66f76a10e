//! Bytes and algorithm names as JSON strings.

use std::borrow::Cow;
use std::fmt;

use ikev1::crypto::{CipherAlgorithm, Group, HashAlgorithm};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Bytes, in JSON an even number of lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Hex(pub Vec<u8>);

impl Hex {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as a fixed-size array, if there are exactly so many.
    #[must_use]
    pub fn to_array<const N: usize>(&self) -> Option<[u8; N]> {
        self.0.as_slice().try_into().ok()
    }
}

impl From<&[u8]> for Hex {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Hex {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hex({})", hex::encode(&self.0))
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(de::Error::custom("upper-case hexadecimal digits, expected lower-case"));
        }
        hex::decode(&text)
            .map(Self)
            .map_err(|error| de::Error::custom(format!("{error}, expected pairs of hexadecimal digits")))
    }
}

impl JsonSchema for Hex {
    fn schema_name() -> Cow<'static, str> {
        "Hex".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Bytes as pairs of lower-case hexadecimal digits.",
            "pattern": "^([0-9a-f]{2})*$"
        })
    }
}

/// An engine algorithm that JSON writes by its name.
macro_rules! by_name {
    ($(#[$doc:meta])* $wrapper:ident($algorithm:ident), $what:literal, $schema:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $wrapper(pub $algorithm);

        impl Serialize for $wrapper {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0.name())
            }
        }

        impl<'de> Deserialize<'de> for $wrapper {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = String::deserialize(deserializer)?;
                $algorithm::from_name(&name).map(Self).ok_or_else(|| {
                    let known: Vec<_> = $algorithm::ALL.iter().map(|known| known.name()).collect();
                    de::Error::custom(format!(
                        concat!("unknown ", $what, " {:?}, expected one of {}"),
                        name,
                        known.join(", ")
                    ))
                })
            }
        }

        impl JsonSchema for $wrapper {
            fn schema_name() -> Cow<'static, str> {
                stringify!($wrapper).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

/// The schema of one of several names.
fn one_of(names: &[&str]) -> Schema {
    json_schema!({ "type": "string", "enum": names })
}

by_name! {
    #[derive(Copy)]
    /// A hash of the engine by its name, such as `sha2-256`.
    HashName(HashAlgorithm), "hash",
    one_of(&HashAlgorithm::ALL.iter().map(|known| known.name()).collect::<Vec<_>>())
}
by_name! {
    #[derive(Copy)]
    /// A cipher of the engine by its name, such as `aes128`.
    CipherName(CipherAlgorithm), "cipher",
    // The bits of the key end the name where there is a choice.
    json_schema!({
        "type": "string",
        "pattern": "^(des|idea|3des|(aes|camellia)(128|192|256)|(rc5-|cast|blowfish)[1-9][0-9]{1,2})$"
    })
}
by_name! {
    /// A group of the engine by its name, such as `modp1024`.
    GroupName(Group), "group",
    one_of(&Group::ALL.iter().map(|known| known.name()).collect::<Vec<_>>())
}
