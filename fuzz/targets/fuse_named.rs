//! The same with nodes kept by name, as on macOS; built with the feature `named-nodes`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| virtio_devices::fs::fuzzing::fuzz_fuse(data));
