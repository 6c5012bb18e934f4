//! Bodies of requests to the model, rewritten.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| host_bridge::fuzzing::fuzz_rewrite(data));
