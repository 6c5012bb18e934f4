//! aarch64 kernel and initial RAM file system from any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| qvm_vmm::fuzzing::fuzz_kernel_aarch64(data));
