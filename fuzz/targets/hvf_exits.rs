//! Exits of a vCPU of Hypervisor.framework: syndromes, firmware calls, trapped registers.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| qvm_vmm::hypervisor::hvf::fuzzing::fuzz_exits(data));
