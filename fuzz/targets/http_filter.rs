//! What any guest sends to the model bridge.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| host_bridge::fuzzing::fuzz_http(data));
