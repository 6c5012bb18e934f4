//! Accesses to the old devices.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| qvm_vmm::fuzzing::fuzz_bus(data));
