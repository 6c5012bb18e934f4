//! What the model server answers, on its way to a guest.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| host_bridge::fuzzing::fuzz_answer(data));
