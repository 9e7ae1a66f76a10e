//! Payloads whose body is one run of octets without inner structure.

/// Declares such a payload: a struct with the one field `data`, its codec, and the tests that every payload has.
macro_rules! opaque_payload {
    ($(#[$meta:meta])* pub struct $name:ident { $(#[$field_meta:meta])* data, }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name {
            $(#[$field_meta])*
            pub data: bytes::Bytes,
        }

        impl $name {
            /// A payload with this content.
            pub fn new(data: impl Into<bytes::Bytes>) -> Self {
                Self { data: data.into() }
            }

            pub(super) fn decode(body: bytes::Bytes) -> Self {
                Self { data: body }
            }

            pub(super) fn encode_body(&self) -> Vec<u8> {
                self.data.to_vec()
            }
        }

        #[cfg(test)]
        mod tests {
            use super::super::test_support::*;
            use super::*;

            #[test]
            fn round_trips() {
                assert_fixed_bytes($name::new(hex("00 01 fe ff")), "0001feff");
            }

            #[test]
            fn takes_an_empty_body() {
                assert_fixed_bytes($name::new(bytes::Bytes::new()), "");
            }

            #[test]
            fn rejects_every_shorter_prefix() {
                assert_shorter_chains_fail($name::new(hex("00 01 fe ff")));
            }

            #[test]
            fn rejects_bad_payload_lengths() {
                assert_bad_payload_lengths_fail($name::new(hex("00 01 fe ff")));
            }
        }
    };
}

pub(super) use opaque_payload;
