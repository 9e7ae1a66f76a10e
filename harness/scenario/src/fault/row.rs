//! A row of the table, and the macro that makes the operators of it.

use super::place::Place;
use super::recipe::Recipe;

/// What is known of an operator.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) what: &'static str,
    pub(super) clause: &'static str,
    pub(super) place: Place,
    pub(super) recipe: Recipe,
}

/// Declares the operators: variant, name in scenario files, what it does, the clause that it breaks, where it applies, and
/// how it does it.
macro_rules! faults {
    ($($variant:ident: $name:literal, $what:literal, $clause:literal, $place:expr, $recipe:expr;)+) => {
        /// A named fault: one thing that is wrong with a message, or with its delivery.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
        )]
        pub enum Fault {
            $(#[doc = $what] #[serde(rename = $name)] $variant,)+
        }

        impl Fault {
            /// Every operator, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name in scenario files and reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            pub(super) fn row(self) -> &'static $crate::fault::row::Row {
                match self {
                    $(Self::$variant => {
                        const ROW: $crate::fault::row::Row = $crate::fault::row::Row {
                            what: $what,
                            clause: $clause,
                            place: $place,
                            recipe: $recipe,
                        };
                        &ROW
                    })+
                }
            }
        }
    };
}

pub(super) use faults;
