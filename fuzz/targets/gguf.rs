//! The head of a GGUF file.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| models::fuzzing::fuzz_gguf(data));
