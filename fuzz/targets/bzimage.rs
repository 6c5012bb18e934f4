//! The kernel inside a bzImage.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| guest_image::fuzzing::fuzz_bzimage(data));
