//! /etc/qvm/guest.json of an image.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| agent_protocol::fuzzing::fuzz_guest_json(data));
