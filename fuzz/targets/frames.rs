//! Frames between qvm and the agent, of every kind.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| agent_protocol::fuzzing::fuzz_frames(data));
