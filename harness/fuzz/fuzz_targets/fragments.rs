#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ikev1_fuzz_bodies::fragments(data));
