//! The virtio-mmio register window.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| virtio_devices::fuzzing::fuzz_mmio(data));
