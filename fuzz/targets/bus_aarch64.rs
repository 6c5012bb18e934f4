//! Accesses to the old devices of aarch64.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| qvm_vmm::fuzzing::fuzz_bus_aarch64(data));
