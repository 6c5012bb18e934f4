//! An arm64 kernel as it is shipped.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| guest_image::fuzzing::fuzz_arm64_image(data));
