//! Closed sets of names: what can be written in a scenario wherever one value of several is chosen.

/// Declares an enum whose variants are written as the given strings.
macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in scenario files and reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The value with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.name() == name)
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

mod authentication;
mod capability;
mod case;
mod cipher;
mod exchange;
mod extension;
mod group;
mod hash;
mod ipsec;
mod remote_access;
mod statement;

pub use authentication::*;
pub use capability::*;
pub use case::*;
pub use cipher::*;
pub use exchange::*;
pub use extension::*;
pub use group::*;
pub use hash::*;
pub use ipsec::*;
pub use remote_access::*;
pub use statement::*;
