//! An image as one file.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| guest_image::fuzzing::fuzz_archive(data));
