//! A kernel that a person names, and its configuration.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| guest_image::fuzzing::fuzz_vmlinux(data));
